"""Why azathioprine is taken, what happens in a life, doses of children, benefit and risk over time."""

from __future__ import annotations

from azaward.knowledge.loading.schema.facts import Fact, Row


class Indication(Fact, frozen=True):
    id: str
    name: str
    plain_name: str
    family: str
    malignant: bool
    icd10: str | None
    snomed: str | None
    synonyms: str | None
    protocol: str | None


class Event(Fact, frozen=True):
    kind: str
    code: str
    synonyms: str | None
    codings: str | None
    classes: str | None


class ChildDose(Fact, frozen=True):
    indication: str
    age_low: float | None
    age_high: float | None
    start_mg_per_kg: float | None
    low_mg_per_kg: float | None
    high_mg_per_kg: float | None
    max_mg_per_day: float | None
    says: str


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
    "indications": Indication,
    "events": Event,
    "children_doses": ChildDose,
    "onset": Onset,
    "risks": Risk,
}
