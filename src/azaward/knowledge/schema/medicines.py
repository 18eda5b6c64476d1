"""Medicines, the names they go by, and what they do with each other."""

from __future__ import annotations

from typing import Literal

import msgspec

from azaward.knowledge.schema.facts import Action, Fact, Row, Urgency


class Medicine(Fact, frozen=True):
    id: str
    name: str
    atc: str | None
    rxnorm: str | None
    classes: str | None


class MedicineName(Fact, frozen=True):
    name: str
    ingredients: str
    kind: Literal["ingredient", "brand", "synonym"]


class Interaction(Fact, frozen=True):
    id: str
    drug: str
    with_: str = msgspec.field(name="with")
    with_kind: Literal["ingredient", "class", "event"]
    mechanism: str
    effect: str
    evidence: Literal["established", "probable", "theoretical"]
    action: Action
    urgency: Urgency
    dose_fraction_low: float | None
    dose_fraction_high: float | None
    test: str | None
    test_every_days: float | None
    lasts_days_after: float | None
    says: str
    says_patient: str


TABLES: dict[str, type[Row]] = {
    "medicines": Medicine,
    "medicine_names": MedicineName,
    "interactions": Interaction,
}
