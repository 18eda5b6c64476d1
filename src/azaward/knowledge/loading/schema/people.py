"""Why azathioprine is taken, what happens in a life, and the doses of children."""

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


TABLES: dict[str, type[Row]] = {
    "indications": Indication,
    "events": Event,
    "children_doses": ChildDose,
}
