"""Medicines, the names they go by, and what they do with each other."""

from __future__ import annotations

from typing import Literal

import msgspec

from azaward.knowledge.loading.schema.facts import Fact, Row
from azaward.terms import Action, Urgency


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


class MedicineClassName(Fact, frozen=True):
    """A word by which people call a whole class of medicines, such as "blood thinner"."""

    name: str
    class_: str = msgspec.field(name="class")


class Interaction(Fact, frozen=True):
    id: str
    drug: str
    with_: str = msgspec.field(name="with")
    with_kind: Literal["ingredient", "class", "vaccine"]
    # Who the row holds for, where not for everyone.
    sex: Literal["male", "female"] | None
    age_below: float | None
    egfr_below: float | None
    family: str | None
    # Rows of one medicine that speak of the same outcome are found once, by the most cautious.
    outcome: str
    mechanism: str
    effect: str
    effect_size: str | None
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


class Together(Fact, frozen=True):
    """What several medicines of some classes on one list add up to."""

    id: str
    classes: str
    at_least: int
    action: Action
    urgency: Urgency
    effect: str
    says: str
    says_patient: str


class MedicineEffect(Fact, frozen=True):
    """What a medicine can do to the body, whatever class it is of; rules read it as one more class."""

    medicine: str
    effect: str


class LookAlike(Fact, frozen=True):
    """Two medicines whose names are taken for each other."""

    medicine: str
    other: str


class LabelWords(Row, frozen=True):
    """What labels and people put around a name; says nothing of medicine."""

    kind: str
    words: str


TABLES: dict[str, type[Row]] = {
    "medicines": Medicine,
    "medicine_names": MedicineName,
    "medicine_class_names": MedicineClassName,
    "interactions": Interaction,
    "medicine_effects": MedicineEffect,
    "together": Together,
    "look_alikes": LookAlike,
    "label_words": LabelWords,
}
