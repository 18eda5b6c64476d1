"""Medicines, the names they go by, and what they do with each other."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from azaward.knowledge.loading.schema.columns import (
    Closed,
    Family,
    Ingredients,
    MedicineClass,
    MedicineClasses,
    MedicineId,
    MedicineOrClass,
    Own,
    Prose,
    TestId,
)
from azaward.knowledge.loading.schema.facts import Fact, Row
from azaward.terms import Action, Urgency

# The code systems of medicines, each under the name that FHIR gives it.
CodeSystem = Literal[
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://snomed.info/sct",
    "https://dmd.nhs.uk",
    "http://www.whocc.no/atc",
    "http://hl7.org/fhir/sid/ndc",
    "http://fhir.de/CodeSystem/ifa/pzn",
    # The Canadian number of a medicine, with its leading zeros.
    "http://hl7.org/fhir/NamingSystem/ca-hc-din",
    # The French code of a medicine (CIS) and of its pack (CIP).
    "urn:oid:1.2.250.1.213.2.3.1",
    "urn:oid:1.2.250.1.213.2.3.2",
    "http://fdasis.nlm.nih.gov",
    # The Japanese number of a medicine (YJ); one whose maker is ZZZ stands for all of its ingredient.
    "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code",
]


class Medicine(Fact, frozen=True):
    id: Own
    name: Own
    atc: Own | None
    rxnorm: Own | None
    classes: MedicineClasses | None


class MedicineName(Fact, frozen=True):
    name: Own
    ingredients: Ingredients
    kind: Literal["ingredient", "brand", "synonym"]


class MedicineCode(Fact, frozen=True):
    """A code by which records name a medicine: its ingredient, a product, a pack, or an allergy to it.

    A `class` is a group that its ingredients belong to together with others. It never says that one of them is meant:
    whoever reads it asks. A `use` is a finding that somebody takes the medicine, without its dose. A code of dm+d is a
    SNOMED code too, so it holds under either system. A product of the NDC is the labeler's part and the product's part
    of a pack's code, and a French pack's code of 7 digits is the sixth to the twelfth of its 13. The codes of
    `medicines.csv` aren't repeated here.
    """

    system: CodeSystem
    code: Own
    ingredients: Ingredients
    # As the code system shows it, for readers.
    name: Own
    kind: Literal["ingredient", "product", "pack", "class", "allergy", "use"]


class ClassOfMedicines(Row, frozen=True):
    """The word for a class; `classes` of other tables hold these and no others."""

    id: Own


class MedicineClassName(Fact, frozen=True):
    """A word by which people call a whole class of medicines, such as "blood thinner"."""

    name: Own
    class_: MedicineClass = msgspec.field(name="class")


class Interaction(Fact, frozen=True):
    id: Own
    drug: MedicineOrClass
    with_: Annotated[str, Closed("partner of an interaction", by=("with_kind",))] = msgspec.field(name="with")
    with_kind: Literal["ingredient", "class", "vaccine"]
    # Who the row holds for, where not for everyone.
    sex: Literal["male", "female"] | None
    age_below: float | None
    egfr_below: float | None
    family: Family | None
    # Rows of one medicine that speak of the same outcome are found once, by the most cautious.
    outcome: Literal[
        "anaesthesia",
        "blood",
        "clotting",
        "infection",
        "kidney",
        "level",
        "level of the other",
        "lymphoma",
        "muscle",
        "potassium",
        "vaccine",
        "weak kidneys",
    ]
    mechanism: Prose
    effect: Prose
    effect_size: Prose | None
    evidence: Literal["established", "probable", "theoretical"]
    action: Action
    urgency: Urgency
    dose_fraction_low: float | None
    dose_fraction_high: float | None
    test: TestId | None
    # How often the test is done in the first so many days together, and how often after them.
    test_every_days: float | None
    test_close_days: float | None
    test_then_every_days: float | None
    lasts_days_after: float | None
    says: Prose
    says_patient: Prose


class Together(Fact, frozen=True):
    """What several medicines of some classes on one list add up to."""

    id: Own
    classes: MedicineClasses
    at_least: int
    action: Action
    urgency: Urgency
    test: TestId | None
    effect: Prose
    says: Prose
    says_patient: Prose


class MedicineEffect(Fact, frozen=True):
    """What a medicine can do to the body, whatever class it is of; rules read it as one more class."""

    medicine: MedicineId
    effect: MedicineClass


class Thiopurine(Fact, frozen=True):
    """How a thiopurine is compared with azathioprine. One without a row can't be compared with the others."""

    medicine: MedicineId
    azathioprine_mg: float


class Tablet(Fact, frozen=True):
    """A tablet of a thiopurine that a pharmacy can supply."""

    medicine: MedicineId
    mg: float


class LookAlike(Fact, frozen=True):
    """Two medicines whose names are taken for each other."""

    medicine: MedicineId
    other: MedicineId


class LabelWords(Row, frozen=True):
    """What labels and people put around a name; says nothing of medicine."""

    kind: Literal[
        "filler",
        "form",
        "frequency",
        "join",
        "maker",
        "piece",
        "release",
        "route",
        "salt",
        "unit",
        "vaccine",
        "variant",
    ]
    words: Own


TABLES: dict[str, type[Row]] = {
    "medicines": Medicine,
    "medicine_names": MedicineName,
    "medicine_codes": MedicineCode,
    "classes": ClassOfMedicines,
    "medicine_class_names": MedicineClassName,
    "interactions": Interaction,
    "medicine_effects": MedicineEffect,
    "together": Together,
    "thiopurines": Thiopurine,
    "tablets": Tablet,
    "look_alikes": LookAlike,
    "label_words": LabelWords,
}
