"""How far does a rearrangement reach, and how many copies does each sample have? From END, SVLEN and CN."""

from __future__ import annotations

from typing import Any

import numpy as np

from azaward.readers.genomes.calls import Column

_MANY = 100
"""More copies than a caller counts: such a number is none."""


def end_of(variant: Any) -> int:
    """One past the last base: htslib's value, or INFO/END or SVLEN where they say more.

    SVLEN holds where the header doesn't define END as a number, and where a file of VCF 4.4 or later leaves END out.
    """
    end = int(variant.end)
    named = _number(variant, "END")
    if named is not None:
        return max(end, named)
    symbolic = any(alt.startswith("<") and alt[1:4] not in ("NON", "INS", "*>", "X>") for alt in variant.ALT)
    if symbolic and (length := _number(variant, "SVLEN")) is not None:
        return max(end, int(variant.start) + 1 + abs(length))
    return end


def _number(variant: Any, field: str) -> int | None:
    try:
        found: Any = variant.INFO.get(field)
        return None if found is None else int(max(found, key=abs) if isinstance(found, tuple) else found)
    except (ValueError, TypeError, KeyError):
        return None


def read_copies(variant: Any) -> Column[int] | None:
    """The copies that each sample has (FORMAT/CN), -1 where they weren't counted; None if the record counts none."""
    if "CN" not in (variant.FORMAT or ()):
        return None
    try:
        found = np.asarray(variant.format("CN"))
        counts = np.array([float(each) if _is_number(each) else -1 for each in found.reshape(len(found), -1)[:, 0]])
    except Exception:  # a field that htslib can't read counts nothing
        return None
    whole = np.where((counts >= 0) & (counts < _MANY), np.rint(counts), -1).astype(np.int16)
    states, of = np.unique(whole, return_inverse=True)
    return Column(states.tolist(), of.astype(np.int32))


def _is_number(each: Any) -> bool:
    try:
        return bool(np.isfinite(float(each)))
    except ValueError:
        return False
