"""Why azathioprine is taken, what happens in a life, and the doses of children."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec

from azaward.knowledge.loading.schema.columns import Closed, IndicationOrAny, Own, Prose, ProtocolId, TestId
from azaward.knowledge.loading.schema.facts import Fact, Row
from azaward.terms import Action, Urgency

IndicationFamily = Literal[
    "gastroenterology",
    "hepatology",
    "rheumatology",
    "dermatology",
    "neurology",
    "haematology",
    "ophthalmology",
    "respiratory",
    "transplant",
    "oncology",
    "other",
]
EventKind = Literal[
    "condition",
    "allergy",
    "pregnancy",
    "breastfeeding",
    "vaccination",
    "symptom",
    "infection",
    "exposure_to_infection",
    "transfusion",
    "procedure",
]
# What rules ask of an event, whatever its name is.
EventClass = Literal[
    "aggressive_cancer",
    "asplenia",
    "bacterial",
    "blood_cancer",
    "bone",
    "brain_infection",
    "cancer",
    "chronic_viral_infection",
    "duffy_null",
    "enzyme_deficiency",
    "hgprt_deficiency",
    "hypersensitivity_warning",
    "immunodeficiency",
    "immunoglobulin",
    "inactivated",
    "infection_warning",
    "kidney",
    "known_eosinophilia",
    "known_low_kidney_function",
    "known_low_neutrophils",
    "known_low_platelets",
    "known_raised_liver_tests",
    "live",
    "liver",
    "liver_warning",
    "low_counts",
    "lung",
    "lymphoma",
    "lymphoma_warning",
    "macrophage_activation",
    "marrow_warning",
    "mild",
    "needs_xanthine_oxidase_check",
    "neurological_warning",
    "pancreas_warning",
    "pancreatitis",
    "pellagra",
    "portal",
    "precancer",
    "red_cells",
    "screening",
    "serious",
    "severe_liver",
    "severe_marrow",
    "skin_cancer",
    "skin_warning",
    "surgery",
    "thiopurine_cancer",
    "thiopurine_hypersensitivity",
    "thiopurine_intolerance",
    "thiopurine_named",
    "kidney_failure",
    "thiopurine_liver_injury",
    "thiopurine_marrow_failure",
    "thiopurine_pancreatitis",
    "transplant",
    "tuberculosis",
    "varicella_zoster",
    "veno_occlusive",
    "viral",
]
EVENT_CLASSES: tuple[str, ...] = get_args(EventClass)


class Indication(Fact, frozen=True):
    id: Own
    name: Own
    plain_name: Own
    family: IndicationFamily
    malignant: bool
    icd10: Own | None
    snomed: Own | None
    synonyms: Own | None
    protocol: ProtocolId | None


class Event(Fact, frozen=True):
    """A word of the record. `name` and `plain_name`: what it is called where its code doesn't say it well."""

    kind: EventKind
    code: Own
    name: Own | None
    plain_name: Own | None
    synonyms: Own | None
    codings: Own | None
    classes: Annotated[str, Closed("class of events", many=True)] | None


class EventAdvice(Fact, frozen=True):
    """What an event of a class asks of a thiopurine: where one is planned, during treatment, or before it."""

    id: Own
    class_: Annotated[str, Closed("class of events")] = msgspec.field(name="class")
    # `on` is during or before; `any` is also where one is planned.
    when: Literal["planned", "during", "before", "on", "any"]
    # The row holds for so long after the event; without a number for ever.
    within_months: float | None
    action: Action
    urgency: Urgency
    test: TestId | None
    says: Prose
    says_patient: Prose


class ChildDose(Fact, frozen=True):
    indication: IndicationOrAny
    age_low: float | None
    age_high: float | None
    start_mg_per_kg: float | None
    low_mg_per_kg: float | None
    high_mg_per_kg: float | None
    max_mg_per_day: float | None
    says: Prose


class FloorSymptom(Fact, frozen=True):
    """What is done about a symptom or infection under every protocol, at the least.

    `passes`: it strikes and is over, so that one without an end is only asked about after some weeks.
    """

    symptom: Annotated[str, Closed("symptom or infection")]
    action: Action
    urgency: Urgency
    test: TestId | None
    note: Prose | None
    passes: Literal["yes"] | None


class NumberSystem(Fact, frozen=True):
    """The system of a number that a nation or a province gives to one person.

    `authority` and `type` are what HL7 v2 has in its place, in CX.4 and CX.5.
    """

    system: Own
    name: Prose
    country: Prose
    authority: Own | None
    type: Own | None


TABLES: dict[str, type[Row]] = {
    "indications": Indication,
    "events": Event,
    "event_advice": EventAdvice,
    "children_doses": ChildDose,
    "floor_symptoms": FloorSymptom,
    "number_systems": NumberSystem,
}
