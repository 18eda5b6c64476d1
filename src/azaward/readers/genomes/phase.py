"""Which genotypes of a record have known sides, and in which set? PS and the sides of GT say so, or GATK's PID and PGT.

Where both speak of the same set and disagree, the sides count as unknown.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from azaward.genetics.model import Unsure

# Phased, and no set named: one set for the whole chromosome. Above every position, which is what names a set.
WHOLE = 2**30
_ABSENT = -(2**31)


class Call(NamedTuple):
    """Two allele numbers of a record (-1 no call, -2 there is no second), the phase set (0 unphased), the `Status` of
    one that can't be used, and what else it may be, in allele numbers of the record."""

    first: int
    second: int
    phase: int
    reason: int
    unsure: Unsure | None = None


def with_sets(
    calls: list[Call], of: NDArray[Any], variant: Any, fields: Sequence[str]
) -> tuple[list[Call], NDArray[Any]]:
    """The calls with each sample's phase set from the file; it matters only if the two alleles differ."""
    named = _numbers(variant) if "PS" in fields else np.full(len(of), _ABSENT, np.int64)
    physical = _physical(variant, len(of)) if {"PID", "PGT"} <= set(fields) else {}
    unlike = np.array([call.first != call.second and min(call.first, call.second) >= 0 for call in calls], bool)
    rows = np.flatnonzero(unlike[of] & ((named != _ABSENT) | np.isin(np.arange(len(of)), list(physical))))
    places: dict[Call, int] = {}
    held = list(calls)
    own = of.astype(np.int32)
    for row, place, name in zip(rows.tolist(), own[rows].tolist(), named[rows].tolist(), strict=True):
        call = _sided(calls[place], None if name == _ABSENT else name, physical.get(row))
        if call not in places:
            places[call] = len(held)
            held.append(call)
        own[row] = places[call]
    return held, own


def _sided(call: Call, name: int | None, physical: tuple[str, str] | None) -> Call:
    """A call with its phase set: that of PS, else that of PID."""
    if call.phase and name is not None:
        call = call._replace(phase=name if 0 < name < WHOLE else WHOLE + 1 + abs(name) % WHOLE)
    if physical is None or call.first * call.second != 0 or (call.phase and name not in (None, _start(physical[0]))):
        # Without the reference on one side, PGT's 0 and 1 don't tell the alleles apart.
        return call
    order = {"0|1": 0, "1|0": 1}.get(physical[1])
    if order is None:
        return call
    turned = order != int(call.first != 0)
    if call.phase:
        return call._replace(phase=0) if turned else call if name is not None else _in(call, physical[0])
    return _in(call._replace(first=call.second, second=call.first) if turned else call, physical[0])


def _in(call: Call, name: str) -> Call:
    return call._replace(phase=WHOLE + 1 + zlib.crc32(name.encode()) % (WHOLE - 1))


def _start(name: str) -> int | None:
    """The position that GATK's name of a set begins with."""
    first = name.partition("_")[0]
    return int(first) if first.isascii() and first.isdigit() and len(first) < 10 else None


def _physical(variant: Any, samples: int) -> dict[int, tuple[str, str]]:
    """By sample: the set that GATK's PID names, and the sides in PGT."""
    names, sides = (np.asarray(variant.format(field)).reshape(-1) for field in ("PID", "PGT"))
    if len(names) != samples or len(sides) != samples:
        return {}
    rows = np.flatnonzero((names.astype(str) != ".") & (sides.astype(str) != "."))
    return {row: (str(names[row]), str(sides[row])) for row in rows.tolist()}


def _numbers(variant: Any) -> NDArray[np.int64]:
    array = np.asarray(variant.format("PS"))
    array = array.reshape(len(array), -1)[:, 0]
    if array.dtype.kind in "iu":
        return np.where(array <= _ABSENT + 7, _ABSENT, array).astype(np.int64)
    return np.array([int(text) if _whole_number(str(text)) else _ABSENT for text in array], np.int64)


def _whole_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
