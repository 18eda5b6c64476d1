"""One synthetic person: the finished rows of the six tables, and the draft from which they are made.

A draft is changed in place while one person is being made and never leaves this package.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from azaward.record.tables import Cell
from azaward.synthesis.care import Care, Ranges

Rows = list[tuple[Cell, ...]]


class Planted(NamedTuple):
    """The one trouble that a person was given, and the finding that must come of it."""

    trouble: str
    rule: str | None = None
    code: str | None = None
    least_urgency: str | None = None
    what: str = "well cared for: nothing above routine is expected"


NO_TROUBLE = Planted("none")


class Person(NamedTuple):
    """Rows in the order of `record.tables.TABLES`, and what was planted."""

    patient_id: str
    tables: Mapping[str, Rows]
    planted: Planted


class Wishes(NamedTuple):
    """What a trouble needs of its person; empty means: whatever is drawn."""

    status: str = "on"
    days_on: tuple[int, int] | None = None
    child: bool = False
    families: tuple[str, ...] = ()
    starts_full: bool = False
    tpmt: str = "*1/*1"
    nudt15: str | None = None
    tpmt_by: str | None = None


class Step(NamedTuple):
    """A dose of azathioprine from a day on, until a day (the first without it)."""

    mg: float
    start: int | None
    stop: int | None = None


class Panel(NamedTuple):
    """The results of one blood test in canonical units."""

    day: int
    values: dict[str, float]


@dataclass(slots=True)
class Draft:
    """A person in the making. Days are proleptic ordinals, as of `datetime.date.toordinal`."""

    rng: Random
    as_of: int
    patient_id: str
    care: Care
    birth: int
    sex: str
    ancestry: str
    weight: float
    height: float
    status: str
    ranges: Ranges
    levels: dict[str, float]
    start: int = 0
    entry: int = 0
    steps: list[Step] = field(default_factory=list[Step])
    panels: list[Panel] = field(default_factory=list[Panel])
    medicines: Rows = field(default_factory=Rows)
    results: Rows = field(default_factory=Rows)
    genotypes: Rows = field(default_factory=Rows)
    events: Rows = field(default_factory=Rows)
    contacts: Rows = field(default_factory=Rows)
    patients: Rows = field(default_factory=Rows)
    units_lost: set[str] = field(default_factory=set[str])

    def age(self, day: int) -> float:
        """Years lived at a day."""
        return (day - self.birth) / 365.25

    def rise(self) -> int:
        """The day on which the dose last rose."""
        risen = [
            step.start
            for before, step in zip([None, *self.steps], self.steps, strict=False)
            if step.start is not None and (before is None or step.mg > before.mg or before.stop != step.start)
        ]
        return max(risen, default=self.start)

    def dose(self) -> float:
        """The last dose in mg a day."""
        return self.steps[-1].mg

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        return low + int(self.rng.random() * (high - low + 1))

    def event(self, kind: str, code: str, start: int, end: int | None = None) -> None:
        """Adds an event."""
        self.events.append((self.patient_id, kind, code, day(start), None if end is None else day(end)))

    def medicine(self, name: str, mg: float | None, start: int, end: int | None = None) -> None:
        """Adds a medicine other than the planned course of azathioprine."""
        self.medicines.append((self.patient_id, name, mg, None, day(start), None if end is None else day(end)))

    def contact(self, kind: str, on: int, note: str | None = None) -> None:
        """Adds an appointment kept or missed, a reminder, a call."""
        self.contacts.append((self.patient_id, kind, day(on), note))

    def words(self, analyte: str, text: str, on: int) -> None:
        """Adds a result in words."""
        self.results.append((self.patient_id, analyte, None, None, text, None, None, None, day(on), "final", None))

    def number(self, analyte: str, value: float, on: int, status: str = "final") -> None:
        """Adds a result that was measured in canonical units, as this person's laboratory writes it."""
        scale = self.ranges[analyte]
        shown = round(value / scale.factor, scale.decimals)
        unit = None if analyte in self.units_lost and on == self.panels[-1].day else scale.unit
        normal = (scale.shown_low, scale.shown_high)
        self.results.append((self.patient_id, analyte, shown, None, None, unit, *normal, day(on), status, None))


def day(ordinal: int) -> dt.date:
    """The date of an ordinal."""
    return dt.date.fromordinal(ordinal)
