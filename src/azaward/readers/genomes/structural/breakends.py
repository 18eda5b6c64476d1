"""What do breakends make of a chromosome? `N[chr6:200[` joins two bases that weren't neighbours.

Callers that write no `<DEL>` write a deletion as the two breakends that are joined across it (VCF 4.4, section 5.4).
"""

from __future__ import annotations

import re
from typing import NamedTuple

_MATE = re.compile(r"([A-Z.]*)([\[\]])(.+):(\d{1,10})[\[\]]([A-Z.]*)", re.IGNORECASE)


class Mate(NamedTuple):
    """The other end of a breakend: its contig, its base from 0, whether what is joined lies before that base, and
    whether it is joined before the record's own base."""

    contig: str
    at: int
    before: bool
    joined_before: bool

    def rearranges(self, start: int) -> tuple[str, int, int]:
        """What joining these ends of one chromosome makes: its kind, and its bases from 0, end excluded.

        >>> mate_of("N[chr6:200[").rearranges(99), mate_of("]chr6:200]N").rearranges(99)
        (('DEL', 100, 199), ('DUP', 99, 200))
        """
        low, high = sorted((start, self.at))
        if self.before != self.joined_before:
            return "INV", low, high
        if (self.at > start) != self.joined_before:
            return "DEL", low + 1, high
        return "DUP", low, high + 1

    def seen_from_here(self, chrom: str, start: int) -> str:
        """The same breakend as an ALT at the mate's base; the record itself is at `start` (from 0) of `chrom`.

        >>> mate_of("]chr6:200]N").seen_from_here("chr2", 99), mate_of("N[chr6:200[").seen_from_here("chr2", 99)
        ('N[chr2:100[', ']chr2:100]N')
        """
        bracket = "[" if self.joined_before else "]"
        other = f"{bracket}{chrom}:{start + 1}{bracket}"
        return f"N{other}" if self.before else f"{other}N"


def mate_of(alt: str) -> Mate | None:
    """The other end of a breakend; None if an ALT is none, or its other end isn't known.

    >>> mate_of("]chr6:200]N"), mate_of("N."), mate_of("<DEL>")
    (Mate(contig='chr6', at=199, before=True, joined_before=True), None, None)
    """
    found = _MATE.fullmatch(alt)
    if found is None:
        return None
    return Mate(found[3], int(found[4]) - 1, found[2] == "]", not found[1])
