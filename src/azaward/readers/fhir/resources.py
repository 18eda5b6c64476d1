"""The elements of FHIR R4 and R4B resources that azaward reads, as msgspec structs; other elements are skipped."""

from __future__ import annotations

from typing import Any

import msgspec


class Element(msgspec.Struct, frozen=True, gc=False):
    """A part of a resource."""


class Identifier(Element, frozen=True, gc=False):
    system: str | None = None
    value: str | None = None


class Reference(Element, frozen=True, gc=False):
    reference: str | None = None
    display: str | None = None
    identifier: Identifier | None = None


class Coding(Element, frozen=True, gc=False):
    system: str = ""
    code: str = ""
    display: str | None = None


class Concept(Element, frozen=True, gc=False):
    coding: list[Coding] = []
    text: str | None = None


class Quantity(Element, frozen=True, gc=False):
    value: float | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Range(Element, frozen=True, gc=False):
    low: Quantity | None = None
    high: Quantity | None = None
    type: Concept | None = None


class Ratio(Element, frozen=True, gc=False):
    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Extension(Element, frozen=True, gc=False):
    url: str = ""
    valueCodeableConcept: Concept | None = None


class Period(Element, frozen=True, gc=False):
    start: str | None = None
    end: str | None = None


class Component(Element, frozen=True, gc=False):
    code: Concept = Concept()
    valueQuantity: Quantity | None = None
    valueString: str | None = None
    valueInteger: int | None = None
    valueBoolean: bool | None = None
    valueCodeableConcept: Concept | None = None
    valueRange: Range | None = None
    valueRatio: Ratio | None = None
    valueDateTime: str | None = None
    valueTime: str | None = None
    dataAbsentReason: Concept | None = None
    referenceRange: list[Range] = []


class Observation(Component, frozen=True, gc=False):
    resourceType: str = ""
    contained: list[msgspec.Raw] = []
    id: str | None = None
    status: str | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectiveInstant: str | None = None
    effectivePeriod: Period | None = None
    issued: str | None = None
    component: list[Component] = []
    hasMember: list[Reference] = []
    extension: list[Extension] = []


class Patient(Element, frozen=True, gc=False):
    id: str | None = None
    identifier: list[Identifier] = []
    birthDate: str | None = None
    gender: str | None = None
    deceasedBoolean: bool | None = None
    deceasedDateTime: str | None = None


class Repeat(Element, frozen=True, gc=False):
    frequency: float | None = None
    frequencyMax: float | None = None
    dayOfWeek: list[str] = []
    timeOfDay: list[str] = []
    when: list[str] = []
    period: float | None = None
    periodUnit: str | None = None
    boundsPeriod: Period | None = None


class Timing(Element, frozen=True, gc=False):
    repeat: Repeat | None = None
    code: Concept | None = None


class DoseAndRate(Element, frozen=True, gc=False):
    doseQuantity: Quantity | None = None
    doseRange: Range | None = None


class Dosage(Element, frozen=True, gc=False):
    sequence: int | None = None
    text: str | None = None
    timing: Timing | None = None
    asNeededBoolean: bool | None = None
    doseAndRate: list[DoseAndRate] = []


class SupplyDuration(Element, frozen=True, gc=False):
    validityPeriod: Period | None = None


class AdministeredDose(Element, frozen=True, gc=False):
    dose: Quantity | None = None


class Medication(Element, frozen=True, gc=False):
    code: Concept | None = None


class Contained(Element, frozen=True, gc=False):
    id: str | None = None
    resourceType: str = ""
    code: Concept | None = None


class MedicationUse(Element, frozen=True, gc=False):
    """MedicationRequest, MedicationStatement, MedicationAdministration or MedicationDispense."""

    id: str | None = None
    status: str | None = None
    intent: str | None = None
    reportedBoolean: bool | None = None
    reportedReference: Reference | None = None
    subject: Reference | None = None
    contained: list[Contained] = []
    medicationCodeableConcept: Concept | None = None
    medicationReference: Reference | None = None
    authoredOn: str | None = None
    dateAsserted: str | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    whenHandedOver: str | None = None
    whenPrepared: str | None = None
    dosageInstruction: list[Dosage] = []
    dosage: list[Dosage] | AdministeredDose = []
    dispenseRequest: SupplyDuration | None = None
    authorizingPrescription: list[Reference] = []
    reasonCode: list[Concept] = []
    reasonReference: list[Reference] = []
    doNotPerform: bool | None = None


class Clinical(Element, frozen=True, gc=False):
    """Condition, AllergyIntolerance, Immunization or Procedure."""

    id: str | None = None
    status: str | None = None
    clinicalStatus: Concept | None = None
    verificationStatus: Concept | None = None
    subject: Reference | None = None
    patient: Reference | None = None
    code: Concept | None = None
    vaccineCode: Concept | None = None
    onsetDateTime: str | None = None
    onsetPeriod: Period | None = None
    abatementDateTime: str | None = None
    recordedDate: str | None = None
    occurrenceDateTime: str | None = None
    performedDateTime: str | None = None
    performedPeriod: Period | None = None


class Participant(Element, frozen=True, gc=False):
    actor: Reference | None = None


class Meeting(Element, frozen=True, gc=False):
    """Encounter or Appointment."""

    id: str | None = None
    status: str | None = None
    subject: Reference | None = None
    period: Period | None = None
    start: str | None = None
    participant: list[Participant] = []
    description: str | None = None


class Head(Element, frozen=True, gc=False):
    """The elements that every resource has."""

    resourceType: str = ""
    id: str | None = None
    contained: list[msgspec.Raw] = []


class Subject(Element, frozen=True, gc=False):
    """The patient of any resource, even if other parts of it are invalid."""

    subject: Reference | None = None
    patient: Reference | None = None


class Entry(Element, frozen=True, gc=False):
    fullUrl: Any = None
    resource: msgspec.Raw = msgspec.Raw()


class Bundle(Element, frozen=True, gc=False):
    """A Bundle. Its entries stay undecoded, so that an invalid one does not affect the others."""

    resourceType: str = ""
    entry: list[msgspec.Raw] = []


READ: dict[str, type[Element]] = {
    "Patient": Patient,
    "Observation": Observation,
    "Medication": Medication,
    **dict.fromkeys(
        ("MedicationRequest", "MedicationStatement", "MedicationAdministration", "MedicationDispense"), MedicationUse
    ),
    **dict.fromkeys(("Condition", "AllergyIntolerance", "Immunization", "Procedure"), Clinical),
    **dict.fromkeys(("Encounter", "Appointment"), Meeting),
}
