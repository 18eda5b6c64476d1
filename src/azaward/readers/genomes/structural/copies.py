"""What rearrangement does a record tell of, how far does it reach, and how many copies does each sample have? From ALT,
SVTYPE, END, POS2, CHR2, SVLEN and CN, of which callers write some and contradict others.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from azaward.readers.genomes.alleles import is_symbolic, kind_of
from azaward.readers.genomes.calls import Column, first_numbers
from azaward.readers.genomes.contigs import chromosome
from azaward.readers.genomes.structural.breakends import Mate, mate_of

NOT_COUNTED = -1
"""A number of copies that wasn't counted."""
_SPANNING = ("DEL", "DUP", "CNV", "INV")
_MANY = 100
"""More copies than a caller counts: such a number is none."""


def alts_of(variant: Any) -> tuple[str, ...]:
    """The ALTs of a record, in capitals; those that are symbolic as far as SVTYPE and the other end bear them out.

    SVTYPE says the kind where there is no ALT or a `<CNV>`. A `<CNV>`, of which only the place is known, is what joins
    two places of one chromosome nobody says how, and what only adds bases or turns them round where SVTYPE says that
    they are lost.
    """
    alts = tuple(str(alt).upper() for alt in variant.ALT)
    kind = str(variant.INFO.get("SVTYPE") or "").upper()
    if not alts:
        return (f"<{kind}>",) if kind in _SPANNING else ()
    if "<" not in "".join(alts):
        return alts
    return tuple(_borne_out(alt, kind, variant, mate) for alt, mate in zip(alts, mates(variant), strict=True))


def _borne_out(alt: str, svtype: str, variant: Any, mate: Mate | None) -> str:
    if not alt.startswith("<"):
        return alt
    kind = kind_of(alt) if is_symbolic(alt) else ""
    if kind == "CNV" and svtype in ("DEL", "DUP"):
        return f"<{svtype}>"
    ahead = mate is not None and _is_here(variant, mate) and mate.at > variant.start
    lost = svtype in ("DEL", "CNV") and kind in ("INS", "INV")
    return "<CNV>" if lost or (kind == "BND" and ahead) else alt


def end_of(variant: Any) -> int:
    """One past the last base: htslib's value, or INFO/END, POS2, SVLEN or the mate of a breakend where they say more.

    A caller may write the first base as END and the whole length in SVLEN: the one that reaches farther holds.
    """
    end = max(int(variant.end), _number(variant, "END") or 0)
    alts = [str(alt) for alt in variant.ALT]
    if any(_spans(alt) for alt in alts):
        if (length := _number(variant, "SVLEN")) is not None:
            end = max(end, int(variant.start) + 1 + abs(length))
        if _on(variant, variant.INFO.get("CHR2")):
            end = max(end, _number(variant, "POS2") or 0)
    return max(end, *(mate.at + 1 for alt in alts if (mate := mate_of(alt)) and _is_here(variant, mate)), 0)


def is_endless(variant: Any) -> bool:
    """Whether a record has a rearrangement of many bases and says neither where it ends nor how long it is."""
    if not {kind_of(alt) for alt in alts_of(variant) if _spans(alt)} & set(_SPANNING):
        return False
    return (_far_end(variant) or 0) <= int(variant.start) + 1 and not _number(variant, "SVLEN")


def has_mate(variant: Any) -> bool:
    """Whether an ALT of a record may have its other end elsewhere. Asked of every record of a genome, so it reads as
    little as it can."""
    _number(variant, "END")  # first, for it makes cyvcf2 take the record apart
    alts = variant.ALT
    return any("[" in alt or "]" in alt or (alt[:1] == "<" and is_symbolic(alt)) for alt in alts)


def mates(variant: Any) -> list[Mate | None]:
    """The other end of each ALT that is a breakend, and of each symbolic one whose other end is elsewhere.

    Of a `<TRA>` or `<BND>`, CHR2 with POS2, or with END, says where: on the same chromosome without CHR2. Of another
    kind, it is elsewhere if it lies before the record.
    """
    found = [mate_of(str(alt)) for alt in variant.ALT]
    if not any(_spans(str(alt)) for alt in variant.ALT) or (at := _far_end(variant)) is None:
        return found
    # Which side is joined isn't said: the gene at either end is broken all the same.
    other = Mate(str(variant.INFO.get("CHR2") or variant.CHROM), at - 1, before=False, joined_before=False)
    behind = at <= int(variant.start) and _number(variant, "SVLEN") is None
    return [
        other if _spans(str(alt)) and (behind or kind_of(str(alt)) == "BND") else mate
        for alt, mate in zip(variant.ALT, found, strict=True)
    ]


def _spans(alt: str) -> bool:
    """Whether an ALT is symbolic and END is its other end."""
    return alt.startswith("<") and is_symbolic(alt) and kind_of(alt) != "INS"


def _far_end(variant: Any) -> int | None:
    return _number(variant, "POS2") or _number(variant, "END")


def _is_here(variant: Any, mate: Mate) -> bool:
    return _on(variant, mate.contig)


def _on(variant: Any, contig: Any) -> bool:
    return contig is None or chromosome(str(contig)) == chromosome(variant.CHROM)


def is_segment(variant: Any) -> bool:
    """Whether a record without a change is of copies counted over a stretch, and so says nothing of its bases."""
    return not alts_of(variant) and (variant.INFO.get("SVTYPE") is not None or "CN" in _fields(variant))


def _fields(variant: Any) -> tuple[str, ...]:
    with contextlib.suppress(Exception):  # a record without GT
        variant.genotype  # noqa: B018 - without it, cyvcf2 has not taken the fields apart and crashes
    return tuple(variant.FORMAT or ())


def _number(variant: Any, field: str) -> int | None:
    try:
        found: Any = variant.INFO.get(field)
        return None if found is None else int(max(found, key=abs) if isinstance(found, tuple) else found)
    except (ValueError, TypeError, KeyError):
        return None


def read_copies(variant: Any) -> Column[int] | None:
    """The copies that each sample has (FORMAT/CN), -1 where they weren't counted; None if the record counts none."""
    if "CN" not in _fields(variant):
        return None
    counts = first_numbers(variant, "CN")
    if counts is None:
        return None
    whole = np.where((counts >= 0) & (counts < _MANY), np.rint(counts), NOT_COUNTED).astype(np.int16)
    states, of = np.unique(whole, return_inverse=True)
    return Column(states.tolist(), of.astype(np.int32))
