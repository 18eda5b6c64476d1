"""The lists inside a protocol's file. Their rows become tables with the protocol's id in front."""

from __future__ import annotations

from typing import Literal

from azaward.knowledge.loading.schema.columns import (
    AnalyteId,
    IndicationOrAny,
    Prose,
    Proven,
    Specialty,
    SymptomWords,
    TestId,
)
from azaward.knowledge.loading.schema.facts import Dated, Thiopurine
from azaward.terms import Action, Comparison, Urgency

RelativeTo = Literal[
    "absolute",
    "upper-limit-of-normal",
    "lower-limit-of-normal",
    "baseline-rise-percent",
    "baseline-fall-percent",
    "previous-fall-percent",
]


class Baseline(Dated, frozen=True):
    test: TestId
    required: bool
    within_days: float | None = None
    specialty: Specialty = "any"
    note: Prose | None = None


class Schedule(Dated, frozen=True):
    tests: list[TestId]
    since: Literal["start", "dose_increase", "risk"]
    phase: Prose
    from_day: int
    until_day: int | None
    every_days: int
    specialty: Specialty = "any"
    note: Prose | None = None


class Limit(Dated, frozen=True):
    analyte: AnalyteId
    comparison: Comparison
    value: float
    relative_to: RelativeTo
    action: Action
    urgency: Urgency
    within_days: float | None = None
    specialty: Specialty = "any"
    note: Prose | None = None


class Dose(Dated, frozen=True):
    indication: IndicationOrAny
    population: Proven
    drug: Thiopurine = "azathioprine"
    start_mg_per_kg: float | None = None
    start_mg_per_day: float | None = None
    target_mg_per_kg: tuple[float, float] | None = None
    target_mg_per_day: tuple[float, float] | None = None
    max_mg_per_kg: float | None = None
    max_mg_per_day: float | None = None
    step_every_days: int | None = None
    note: Prose | None = None


class Symptom(Dated, frozen=True):
    symptom: SymptomWords
    action: Action
    urgency: Urgency
    test: TestId | None = None
    specialty: Specialty = "any"
    note: Prose | None = None


PROTOCOL_LISTS: dict[str, type[Dated]] = {
    "baseline": Baseline,
    "schedule": Schedule,
    "limits": Limit,
    "doses": Dose,
    "symptoms": Symptom,
}
