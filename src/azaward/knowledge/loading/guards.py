"""What a protocol's row must be to be met by anybody: numbers that count, in an order that makes sense.

A limit that no value meets, an interval of no days or a list of no tests would switch a guard off in silence. Nothing
here is clinical: only what any number of days, of milligrams or of percent must be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from azaward.knowledge.loading.protocols import is_low

# A century: no course of treatment is longer, and no engine's days overflow.
_MOST_DAYS = 36_525
_WHOLE = 100
_FROM_ZERO = ("from_day", "until_day")
_PER = ("mg_per_kg", "mg_per_day")


def number_faults(row: Any) -> Iterator[tuple[str, str]]:
    """Each column of a protocol's row whose number, or whose list, no rule could use, with what is wrong in it."""
    cells: dict[str, Any] = msgspec.structs.asdict(row)
    for key, cell in cells.items():
        if cell == []:
            yield key, "the list is empty. Name at least one, or take the row out."
        elif cell is not None and ("_days" in key or key.endswith("_day")) and "_mg_" not in key:
            yield from ((key, says) for says in _day_faults(key, cell))
    if "until_day" in cells and row.until_day is not None and row.until_day <= row.from_day:
        yield "until_day", f"found {row.until_day}, expected a day after from_day, which is {row.from_day}."
    if "relative_to" in cells:
        yield from _limit_faults(row)
    if "drug" in cells:
        yield from _dose_faults(cells)


def _day_faults(key: str, days: float) -> Iterator[str]:
    least = 0 if key in _FROM_ZERO else 1
    if not least <= days <= _MOST_DAYS:
        yield f"found {days:g}, expected a number of days from {least} to {_MOST_DAYS}."


def _limit_faults(row: Any) -> Iterator[tuple[str, str]]:
    percent = row.relative_to.endswith("percent")
    if row.value <= 0 and (row.relative_to != "absolute" or is_low(row)):
        yield "value", f"found {row.value:g}, expected a number above 0: no value would ever meet this limit."
    elif row.value < 0:
        yield "value", f"found {row.value:g}, expected no negative number: every value would meet this limit."
    falls = percent and "fall" in row.relative_to
    if falls and row.value > _WHOLE:
        yield "value", f"found {row.value:g}, expected at most {_WHOLE} percent: nothing falls by more than all of it."
    if percent and falls != is_low(row):
        expected = "below or at-most" if falls else "above or at-least"
        yield "comparison", f"found {row.comparison!s}, expected {expected} with {row.relative_to}."
    if row.within_days is not None and not row.relative_to.startswith("baseline-"):
        says = f"found {row.within_days:g}, expected nothing with {row.relative_to}: only a baseline is looked for in"
        yield "within_days", f"{says} so many days. Take it out."


def _dose_faults(cells: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, cell in cells.items():
        if "_mg_" in key and cell is not None and min(_pair(cell)) <= 0:
            yield key, f"found {_shown(cell)}, expected doses above 0."
    for per in _PER:
        target, most = cells[f"target_{per}"], cells[f"max_{per}"]
        if target is not None and target[0] > target[1]:
            yield f"target_{per}", f"found {_shown(target)}, expected the lower number first."
        for name in (f"start_{per}", f"target_{per}"):
            if cells[name] is not None and most is not None and max(_pair(cells[name])) > most:
                yield name, f"found {_shown(cells[name])}, expected at most max_{per}, which is {most:g}."


def _pair(cell: Any) -> tuple[float, ...]:
    return cell if isinstance(cell, tuple) else (cell,)


def _shown(cell: Any) -> str:
    return " to ".join(f"{number:g}" for number in _pair(cell))


def has_dose(row: Any) -> bool:
    """Whether a row of doses holds a dose as a number."""
    return any("_mg_" in key and cell is not None for key, cell in msgspec.structs.asdict(row).items())
