"""How far does a rearrangement reach, and how many copies does each sample have? From END, SVLEN and CN."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from azaward.readers.genomes.alleles import BREAKENDS, is_symbolic, kind_of
from azaward.readers.genomes.calls import Column, first_numbers
from azaward.readers.genomes.contigs import chromosome
from azaward.readers.genomes.structural.breakends import Mate, mate_of

NOT_COUNTED = -1
"""A number of copies that wasn't counted."""
_TRANSLOCATED = tuple(f"<{word}" for word in BREAKENDS)
_MANY = 100
"""More copies than a caller counts: such a number is none."""


def end_of(variant: Any) -> int:
    """One past the last base: htslib's value, or INFO/END, SVLEN or the mate of a breakend where they say more.

    A caller may write the first base as END and the whole length in SVLEN: the one that reaches farther holds.
    """
    end = max(int(variant.end), _number(variant, "END") or 0)
    alts = [str(alt) for alt in variant.ALT]
    symbolic = any(alt.startswith("<") and is_symbolic(alt) and kind_of(alt) != "INS" for alt in alts)
    if symbolic and (length := _number(variant, "SVLEN")) is not None:
        end = max(end, int(variant.start) + 1 + abs(length))
    mates = [mate for alt in alts if (mate := mate_of(alt)) is not None]
    here = chromosome(variant.CHROM) if mates else ""
    return max(end, *(mate.at + 1 for mate in mates if chromosome(mate.contig) == here), 0)


def is_endless(variant: Any) -> bool:
    """Whether a record has a rearrangement of many bases and says neither where it ends nor how long it is."""
    kinds = [kind_of(str(alt)) for alt in variant.ALT if str(alt).startswith("<") and is_symbolic(str(alt))]
    if not set(kinds) & {"DEL", "DUP", "CNV", "INV"}:
        return False
    return (_number(variant, "END") or 0) <= int(variant.start) + 1 and not _number(variant, "SVLEN")


def has_mate(variant: Any) -> bool:
    """Whether an ALT of a record is a breakend. Asked of every record of a genome, so it reads as little as it can."""
    _number(variant, "END")  # first, for it makes cyvcf2 take the record apart
    alts = "".join(variant.ALT)
    return "[" in alts or "]" in alts or any(each in alts for each in _TRANSLOCATED)


def mates(variant: Any) -> list[Mate | None]:
    """The other end of each ALT that is a breakend; of a `<TRA>` or `<BND>`, it is where CHR2 with POS2, or with END,
    says."""
    found = [mate_of(str(alt)) for alt in variant.ALT]
    contig, at = variant.INFO.get("CHR2"), _number(variant, "POS2") or _number(variant, "END")
    if contig is None or at is None:
        return found
    # Which side is joined isn't said: the gene at either end is broken all the same.
    other = Mate(str(contig), at - 1, before=False, joined_before=False)
    return [
        other if str(alt).startswith("<") and kind_of(str(alt)) == "BND" else mate
        for alt, mate in zip(variant.ALT, found, strict=True)
    ]


def is_segment(variant: Any) -> bool:
    """Whether a record without a change is of copies counted over a stretch, and so says nothing of its bases."""
    if variant.ALT:
        return False
    return variant.INFO.get("SVTYPE") is not None or "CN" in _fields(variant)


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
