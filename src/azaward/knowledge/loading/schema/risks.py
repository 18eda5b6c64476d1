"""Benefit and risk over time: when a response may be expected, and what the long run brings."""

from __future__ import annotations

from azaward.knowledge.loading.schema.facts import Fact, Row


class Onset(Fact, frozen=True):
    indication: str
    weeks_low: float
    weeks_high: float
    says_patient: str


class Risk(Fact, frozen=True):
    id: str
    outcome: str
    population: str
    exposure: str
    rate_exposed: float | None
    rate_unexposed: float | None
    per: float | None
    unit: str | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    age_low: float | None
    age_high: float | None
    says_patient: str


TABLES: dict[str, type[Row]] = {
    "onset": Onset,
    "risks": Risk,
}
