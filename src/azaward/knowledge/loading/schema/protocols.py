"""The lists inside a protocol's file. Their rows become tables with the protocol's id in front."""

from __future__ import annotations

from typing import Literal

from azaward.knowledge.loading.schema.facts import Fact
from azaward.terms import Action, Comparison, Urgency

RelativeTo = Literal[
    "absolute",
    "upper-limit-of-normal",
    "lower-limit-of-normal",
    "baseline-rise-percent",
    "baseline-fall-percent",
    "previous-fall-percent",
]


class Baseline(Fact, frozen=True):
    test: str
    required: bool
    within_days: float | None = None
    specialty: str = "any"
    note: str | None = None


class Schedule(Fact, frozen=True):
    tests: list[str]
    since: Literal["start", "dose_increase", "risk"]
    phase: str
    from_day: int
    until_day: int | None
    every_days: int
    specialty: str = "any"
    note: str | None = None


class Limit(Fact, frozen=True):
    analyte: str
    comparison: Comparison
    value: float
    relative_to: RelativeTo
    action: Action
    urgency: Urgency
    within_days: float | None = None
    specialty: str = "any"
    note: str | None = None


class Dose(Fact, frozen=True):
    indication: str
    population: str
    drug: str = "azathioprine"
    start_mg_per_kg: float | None = None
    start_mg_per_day: float | None = None
    target_mg_per_kg: tuple[float, float] | None = None
    target_mg_per_day: tuple[float, float] | None = None
    max_mg_per_kg: float | None = None
    max_mg_per_day: float | None = None
    step_every_days: int | None = None
    note: str | None = None


class Symptom(Fact, frozen=True):
    symptom: str
    action: Action
    urgency: Urgency
    test: str | None = None
    specialty: str = "any"
    note: str | None = None


PROTOCOL_LISTS: dict[str, type[Fact]] = {
    "baseline": Baseline,
    "schedule": Schedule,
    "limits": Limit,
    "doses": Dose,
    "symptoms": Symptom,
}
