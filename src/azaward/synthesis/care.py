"""What good care asks for: the tests, limits and doses of the protocol that a synthetic person falls under.

Everything here is read from knowledge, so that a synthetic clinic follows the guidelines that azaward ships
and changes when they change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from azaward.knowledge import MOST_CAUTIOUS, URGENCIES, Knowledge, load
from azaward.treatment import tablet_sizes

_DOWNWARD = ("below", "at-most")
_SAME_DAY = URGENCIES.index("same-day")


class Window(NamedTuple):
    """A row of a schedule: from `opens` to `closes` days after the start or the last rise of the dose."""

    since_rise: bool
    opens: int
    closes: float
    every: int


class Regimen(NamedTuple):
    """Doses in mg a day for one body weight. `ceiling` is the highest dose stated, here or by any protocol for all."""

    start: float | None
    low: float
    high: float
    ceiling: float


class Care(NamedTuple):
    """What the protocol of one indication asks for."""

    indication: str
    family: str
    protocol: str
    windows: tuple[Window, ...]
    limits: tuple[Any, ...]
    rises: Mapping[str, float]
    doses: tuple[Any, ...]
    highest_mg_per_kg: float
    children_mg_per_kg: float

    def due(self, last: int, start: int, rise: int) -> tuple[int, int]:
        """(day on which the next blood test is due, days between tests), when the last was on day `last`.

        Every window that is open at that day proposes a day; the earliest counts.
        """
        proposals = [
            (max(last, anchor + window.opens) + window.every, window.every)
            for window in self.windows
            for anchor in [rise if window.since_rise else start]
            if last < anchor + window.closes
        ]
        return min(proposals)

    def bounds(self, ranges: Ranges, *, pressing: bool = False) -> Bounds:
        """For each analyte the lowest and highest value that no fixed limit (`pressing`: of the same day) catches."""
        levels: dict[str, tuple[float, float]] = {}
        for limit in self.limits:
            if limit.analyte not in ranges or (pressing and URGENCIES.index(limit.urgency) > _SAME_DAY):
                continue
            match limit.relative_to:
                case "absolute":
                    value = limit.value
                case "upper-limit-of-normal":
                    value = limit.value * ranges[limit.analyte].high
                case "lower-limit-of-normal":
                    value = limit.value * ranges[limit.analyte].low
                case _:
                    continue
            low, high = levels.get(limit.analyte, (0.0, math.inf))
            levels[limit.analyte] = (
                (max(low, value), high) if limit.comparison in _DOWNWARD else (low, min(high, value))
            )
        return levels

    def rise_allowed(self, analyte: str) -> float:
        """The factor by which an analyte may exceed its earlier level; infinite without such a limit."""
        return self.rises.get(analyte, math.inf)

    def regimen(self, weight: float) -> Regimen:
        """The doses for an adult of this weight; where rows differ the lower counts, as in the rules."""

        def lowest(of: Sequence[float | None]) -> float | None:
            return min((value for value in of if value is not None), default=None)

        starts = lowest([_mg(row.start_mg_per_day, row.start_mg_per_kg, weight) for row in self.doses])
        pairs = [row.target_mg_per_day or tuple(x * weight for x in row.target_mg_per_kg) for row in self.doses]
        low, high = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
        stated = lowest([_mg(row.max_mg_per_day, row.max_mg_per_kg, weight) for row in self.doses])
        return Regimen(starts, low, high, max(high, self.highest_mg_per_kg * weight) if stated is None else stated)


class Scale(NamedTuple):
    """How a laboratory writes an analyte: unit, canonical value of one unit, decimals, its limits of normal."""

    unit: str
    factor: float
    decimals: int
    low: float
    high: float
    shown_low: float | None
    shown_high: float | None


Ranges = Mapping[str, Scale]
Bounds = Mapping[str, tuple[float, float]]


@lru_cache(maxsize=1)
def cares() -> dict[str, Care]:
    """The care of every indication of the knowledge base."""
    knowledge = load()
    return {row.id: _care(row, knowledge) for row in knowledge.tables["indications"]}


def tablets(mg: float) -> float:
    """The dose in whole tablets that is not above `mg`, one tablet at least."""
    small = tablet_sizes(load())[-1]
    return max(small, mg // small * small)


def _mg(fixed: float | None, per_kg: float | None, weight: float) -> float | None:
    return fixed if fixed is not None else None if per_kg is None else per_kg * weight


def _care(indication: Any, knowledge: Knowledge) -> Care:
    protocol = indication.protocol or MOST_CAUTIOUS
    chosen = [knowledge.protocols[protocol]] if indication.protocol else list(knowledge.protocols.values())

    def rows(name: str) -> list[Any]:
        listed: list[Any] = [row for each in chosen for row in each.lists[name]]
        return [
            row
            for row in listed
            if not indication.protocol or getattr(row, "specialty", "any") in ("any", indication.family)
        ]

    windows = {
        Window(
            row.since == "dose_increase",
            row.from_day,
            math.inf if row.until_day is None else row.until_day,
            row.every_days,
        )
        for row in rows("schedule")
        if row.since != "risk"
    }
    adult = [row for row in rows("doses") if row.population == "adult" and row.drug == "azathioprine"]
    exact = [row for row in adult if row.indication == indication.id]
    every: list[Any] = [row for each in knowledge.protocols.values() for row in each.lists["doses"]]
    for_all = [row for row in every if row.indication == "any" and row.population == "adult"]
    # Rows for the very young, who may need more, are left out: nobody here is that young.
    ageless = [row for row in knowledge.tables["children_doses"] if row.age_low is None]
    own = [row for row in ageless if row.indication == indication.id]
    children = [row for row in ageless if row.indication == "any"]
    limits = rows("limits")
    rises: dict[str, float] = {}
    for limit in limits:
        if limit.relative_to == "baseline-rise-percent":
            rises[limit.analyte] = min(rises.get(limit.analyte, math.inf), 1 + limit.value / 100)
    return Care(
        indication=indication.id,
        family=indication.family,
        protocol=protocol,
        windows=tuple(sorted(windows)),
        limits=tuple(limits),
        rises=rises,
        doses=tuple(exact or [row for row in adult if row.indication == "any"]),
        highest_mg_per_kg=min(row.max_mg_per_kg for row in for_all if row.max_mg_per_kg is not None),
        children_mg_per_kg=min(row.high_mg_per_kg for row in own or children if row.high_mg_per_kg is not None),
    )
