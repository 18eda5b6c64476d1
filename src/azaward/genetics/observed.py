"""What was observed of one gene of one person, in the form in which pairs of alleles are compared with it: the codes at
the sites of named alleles, and beside them what no named allele has, each with the sides that it is on.

A copy that is deleted, or part of it, has no bases: what stands at its positions was seen on the other copy alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from azaward.genetics.haplotypes import UNKNOWN
from azaward.genetics.model import MISSING, REFERENCE, UNDOCUMENTED, Site, Unnamed

ABLATION = "transcript_ablation"
DELETIONS = (ABLATION, "exon_loss_variant")
DELETION = "deletion"
"""The name of a copy of the gene that isn't there."""
NORMAL_FUNCTION, NO_FUNCTION = "Normal function", "No function"


class Extra(NamedTuple):
    """Something that no named allele has: its name, the sides that carry it, their phase set, the function that it is
    presumed to leave, and whether its consequence is known."""

    name: str
    first: bool
    second: bool
    phase: int
    presumed: str | None
    told: bool = True

    @property
    def deleted(self) -> bool:
        """Whether the whole copy is deleted."""
        return self.name == DELETION

    @property
    def functions(self) -> tuple[str, str]:
        """What it leaves for sure, and what it is presumed to leave."""
        return (NO_FUNCTION, NO_FUNCTION) if self.deleted else (UNKNOWN, self.presumed or UNKNOWN)


@dataclass(frozen=True)
class Seen:
    """One gene of one person: `alleles` int8 [s, 2] with codes that named alleles have or -1 for missing, `phase` int32
    [s], and what no named allele has."""

    alleles: NDArray[np.int8]
    phase: NDArray[np.int32]
    extras: tuple[Extra, ...] = ()


def observe(
    sites: Sequence[Site],
    alleles: NDArray[np.int8],
    phase: NDArray[np.int32],
    undocumented: Mapping[int, str],
    unnamed: Iterable[Unnamed],
    presumed: Mapping[str, str | None],
) -> Seen:
    """The codes and extras of one person, from codes int8 [s, 2], phase sets int32 [s], what stood where a code is
    undocumented, and the changes without a name.

    Changes that leave the protein as it is, and those that didn't pass, are no extras.
    """
    alleles, phase = alleles.copy(), phase.copy()
    counted = [each for each in unnamed if each.doubt is None and presumed.get(each.term) != NORMAL_FUNCTION]
    for at in np.flatnonzero((alleles == UNDOCUMENTED).any(axis=1)).tolist():
        covering = [each for each in counted if _covers(each, sites[at])]
        if not covering:
            # A slash would read as the end of a haplotype.
            text = undocumented.get(at, f"{sites[at].ref}>?").replace("/", ",")
            first, second = (alleles[at] == UNDOCUMENTED).tolist()
            start, end = _span(sites[at])
            counted.append(Unnamed(start, end, "", f"{sites[at].label} {text}", first, second, int(phase[at])))
        alleles[at] = np.where(alleles[at] == UNDOCUMENTED, REFERENCE, alleles[at])
    deletions = [each for each in counted if each.term in DELETIONS]
    for each in deletions:
        counted = _without_deleted(each, sites, alleles, phase, counted)
    return Seen(alleles, phase, tuple(_extra(each, presumed) for each in counted))


def _extra(each: Unnamed, presumed: Mapping[str, str | None]) -> Extra:
    name = DELETION if each.term == ABLATION else each.name
    return Extra(name, each.first, each.second, each.phase, presumed.get(each.term), bool(each.term))


def _span(site: Site) -> tuple[int, int]:
    return site.pos_grch38 - 1, site.pos_grch38 - 1 + len(site.ref)


def _covers(each: Unnamed, site: Site) -> bool:
    start, end = _span(site)
    # An insertion has no bases of its own, and may be written anywhere in a repeat.
    return each.start < end and each.end > start if each.start < each.end else start <= each.start <= end


def _without_deleted(
    deletion: Unnamed, sites: Sequence[Site], alleles: NDArray[np.int8], phase: NDArray[np.int32], extras: list[Unnamed]
) -> list[Unnamed]:
    """Lays what was seen where a copy is deleted on the other copy; changes `alleles` and `phase` in place.

    A position with two alleles contradicts the deletion: what isn't the reference is then taken to be on the copy that
    is left.
    """
    inside = [
        at for at, site in enumerate(sites) if deletion.start <= _span(site)[0] and _span(site)[1] <= deletion.end
    ]
    others = [
        each for each in extras if each is not deletion and deletion.start <= each.start and each.end <= deletion.end
    ]
    kept = [each for each in extras if each not in others and each is not deletion]
    if deletion.copies == 2:
        alleles[inside] = REFERENCE
        return [deletion, *kept]
    side = 1 if deletion.phase == 0 or deletion.second else 0
    own = deletion.phase or 1 + max([int(phase.max(initial=0)), *(each.phase for each in extras)])
    for at in inside:
        known = {code for code in alleles[at].tolist() if code != MISSING} or {MISSING}
        changed = known - {REFERENCE, MISSING} or known
        alleles[at, 1 - side], alleles[at, side] = (changed.pop() if len(changed) == 1 else MISSING), REFERENCE
        phase[at] = own
    on = {"first": side == 1, "second": side == 0, "phase": own}
    return [
        deletion._replace(first=side == 0, second=side == 1, phase=own),
        *kept,
        *(each._replace(**on) for each in others),
    ]
