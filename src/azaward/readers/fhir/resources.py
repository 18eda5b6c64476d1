"""The elements of FHIR resources that azaward reads, as msgspec structs; other elements are skipped.

R4 and R4B are the standard here. Where DSTU2, STU3 or R5 says the same in another element, that element stands beside
it, so that a record in any of these versions is read as it was meant: STU3's `taken`, DSTU2's `wasNotTaken`, R5's
`medication.concept`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from azaward.readers.fhir.datatypes import (
    Concept,
    Dosage,
    Element,
    Extension,
    HumanName,
    Identifier,
    Meta,
    Period,
    Quantity,
    Range,
    Ratio,
    Reference,
    Referred,
    Said,
    Timing,
)


class Resource(Element, frozen=True, gc=False):
    """What every resource has."""

    id: str | None = None
    meta: Meta | None = None
    contained: tuple[msgspec.Raw, ...] = ()
    # Whoever doesn't understand these doesn't know what the resource says.
    modifierExtension: tuple[msgspec.Raw, ...] = ()


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
    # One concept in DSTU2 and STU3, a list since R4.
    interpretation: tuple[Concept, ...] | Concept = ()
    referenceRange: tuple[Range, ...] = ()


class Related(Element, frozen=True, gc=False):
    target: Reference | None = None


class Observation(Component, frozen=True, gc=False):
    # As in `Resource`: a struct can have one base alone.
    id: str | None = None
    meta: Meta | None = None
    contained: tuple[msgspec.Raw, ...] = ()
    modifierExtension: tuple[msgspec.Raw, ...] = ()
    status: str | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectiveInstant: str | None = None
    effectivePeriod: Period | None = None
    issued: str | None = None
    effectiveTiming: Timing | None = None
    category: tuple[Concept, ...] | Concept = ()
    method: Concept | None = None
    focus: tuple[Reference, ...] = ()
    # One reference; some systems write a list.
    specimen: tuple[Reference, ...] | Reference | None = None
    bodySite: Concept | None = None
    # Words beside a result, in any shape.
    note: Any = None
    comment: Any = None
    comments: Any = None
    component: tuple[Component, ...] = ()
    hasMember: tuple[Reference, ...] = ()
    related: tuple[Related, ...] = ()
    extension: tuple[Extension, ...] = ()


class Collection(Element, frozen=True, gc=False):
    collectedDateTime: str | None = None
    collectedPeriod: Period | None = None
    bodySite: Said | None = None


class Specimen(Resource, frozen=True, gc=False):
    status: str | None = None
    subject: Reference | None = None
    type: Concept | None = None
    parent: tuple[Reference, ...] | Reference = ()
    collection: Collection | None = None
    condition: tuple[Concept, ...] | Concept = ()


class Form(Element, frozen=True, gc=False):
    title: str | None = None
    contentType: str | None = None
    data: str | None = None
    url: str | None = None


class DiagnosticReport(Resource, frozen=True, gc=False):
    status: str | None = None
    category: tuple[Concept, ...] | Concept = ()
    code: Concept = Concept()
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    issued: str | None = None
    specimen: tuple[Reference, ...] | Reference = ()
    result: tuple[Reference, ...] = ()
    # Words, in any shape.
    conclusion: Any = None
    note: Any = None
    comment: Any = None
    comments: Any = None
    text: Any = None
    conclusionCode: tuple[Concept, ...] | Concept = ()
    codedDiagnosis: tuple[Concept, ...] | Concept = ()
    presentedForm: tuple[Form, ...] | Form = ()


class Link(Element, frozen=True, gc=False):
    other: Reference | None = None
    type: str | None = None


class Patient(Resource, frozen=True, gc=False):
    identifier: tuple[Identifier, ...] = ()
    name: tuple[HumanName, ...] = ()
    birthDate: str | None = None
    gender: str | None = None
    deceasedBoolean: bool | None = None
    deceasedDateTime: str | None = None
    link: tuple[Link, ...] = ()


class Linked(Element, frozen=True, gc=False):
    target: Reference | None = None
    resource: Reference | None = None


class Linkage(Resource, frozen=True, gc=False):
    """A Linkage or a Person: each joins several Patients."""

    link: tuple[Linked, ...] = ()
    item: tuple[Linked, ...] = ()


class Supply(Element, frozen=True, gc=False):
    validityPeriod: Period | None = None
    expectedSupplyDuration: Quantity | None = None
    numberOfRepeatsAllowed: int | None = None


class AdministeredDose(Element, frozen=True, gc=False):
    dose: Quantity | None = None
    quantity: Quantity | None = None


class Ingredient(Element, frozen=True, gc=False):
    itemCodeableConcept: Concept | None = None
    itemReference: Reference | None = None
    item: Referred | None = None
    # A ratio up to R4, called amount in DSTU2.
    strength: Ratio | None = None
    amount: Ratio | None = None
    strengthRatio: Ratio | None = None
    strengthQuantity: Quantity | None = None


class Product(Element, frozen=True, gc=False):
    ingredient: tuple[Ingredient, ...] = ()


class Medication(Resource, frozen=True, gc=False):
    """A Medication or a Substance."""

    code: Concept | None = None
    ingredient: tuple[Ingredient, ...] = ()
    product: Product | None = None


class Adherence(Element, frozen=True, gc=False):
    code: Concept | None = None


class MedicationUse(Resource, frozen=True, gc=False):
    """MedicationRequest (DSTU2: MedicationOrder), MedicationStatement, MedicationAdministration or -Dispense."""

    status: str | None = None
    statusChanged: str | None = None
    intent: str | None = None
    identifier: tuple[Identifier, ...] = ()
    groupIdentifier: Identifier | None = None
    basedOn: tuple[Reference, ...] = ()
    reportedBoolean: bool | None = None
    reportedReference: Reference | None = None
    subject: Reference | None = None
    patient: Reference | None = None
    medicationCodeableConcept: Concept | None = None
    medicationReference: Reference | None = None
    medication: Referred | None = None
    authoredOn: str | None = None
    dateWritten: str | None = None
    dateEnded: str | None = None
    dateAsserted: str | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    effectiveTimeDateTime: str | None = None
    effectiveTimePeriod: Period | None = None
    occurenceDateTime: str | None = None
    occurencePeriod: Period | None = None
    whenHandedOver: str | None = None
    whenPrepared: str | None = None
    daysSupply: Quantity | None = None
    dosageInstruction: tuple[Dosage, ...] = ()
    dosage: tuple[Dosage, ...] | AdministeredDose = ()
    dispenseRequest: Supply | None = None
    authorizingPrescription: tuple[Reference, ...] = ()
    priorPrescription: Reference | None = None
    reasonCode: tuple[Concept, ...] = ()
    reasonReference: tuple[Reference, ...] = ()
    reason: tuple[Referred, ...] = ()
    doNotPerform: bool | None = None
    taken: str | None = None
    wasNotTaken: bool | None = None
    wasNotGiven: bool | None = None
    notGiven: bool | None = None
    adherence: Adherence | None = None


class Reaction(Element, frozen=True, gc=False):
    substance: Concept | None = None
    description: str | None = None
    manifestation: tuple[Said, ...] = ()


class Clinical(Resource, frozen=True, gc=False):
    """Condition, AllergyIntolerance, Immunization or Procedure."""

    status: str | None = None
    # Codes in DSTU2 and STU3, concepts since R4.
    clinicalStatus: Concept | str | None = None
    verificationStatus: Concept | str | None = None
    subject: Reference | None = None
    patient: Reference | None = None
    code: Concept | None = None
    substance: Concept | None = None
    # What is an allergy of: a food, a medicine, the surroundings.
    category: Any = None
    reaction: tuple[Reaction, ...] = ()
    # Words beside it, in any shape.
    note: Any = None
    comment: Any = None
    text: Any = None
    vaccineCode: Concept | None = None
    onsetDateTime: str | None = None
    onsetPeriod: Period | None = None
    abatementDateTime: str | None = None
    abatementPeriod: Period | None = None
    abatementBoolean: bool | None = None
    recordedDate: str | None = None
    dateRecorded: str | None = None
    assertedDate: str | None = None
    occurrenceDateTime: str | None = None
    date: str | None = None
    performedDateTime: str | None = None
    performedPeriod: Period | None = None
    occurrencePeriod: Period | None = None
    wasNotGiven: bool | None = None
    notGiven: bool | None = None
    notPerformed: bool | None = None
    notDone: bool | None = None


class Suspect(Element, frozen=True, gc=False):
    instance: Reference | None = None
    instanceCodeableConcept: Concept | None = None


class Caution(Resource, frozen=True, gc=False):
    """Flag or AdverseEvent: what somebody warns of."""

    status: str | None = None
    subject: Reference | None = None
    patient: Reference | None = None
    code: Concept | None = None
    event: Concept | None = None
    # Words, in any shape.
    description: Any = None
    note: Any = None
    suspectEntity: tuple[Suspect, ...] = ()


class Participant(Element, frozen=True, gc=False):
    actor: Reference | None = None


class Meeting(Resource, frozen=True, gc=False):
    """Encounter or Appointment."""

    status: str | None = None
    subject: Reference | None = None
    patient: Reference | None = None
    period: Period | None = None
    actualPeriod: Period | None = None
    start: str | None = None
    participant: tuple[Participant, ...] = ()
    description: str | None = None


class Issue(Element, frozen=True, gc=False):
    severity: str | None = None
    code: str | None = None
    details: Concept | None = None
    diagnostics: str | None = None


class Outcome(Element, frozen=True, gc=False):
    """OperationOutcome."""

    issue: tuple[Issue, ...] = ()


class Head(Resource, frozen=True, gc=False):
    """A resource of any type."""

    resourceType: str = ""


class Subject(Element, frozen=True, gc=False):
    """The patient of any resource, even if other parts of it are invalid."""

    subject: Reference | None = None
    patient: Reference | None = None


class Shape(Element, frozen=True, gc=False):
    """What tells a result from a medicine where the resource's type is missing or no type of FHIR."""

    valueQuantity: msgspec.Raw | None = None
    interpretation: msgspec.Raw | None = None
    referenceRange: msgspec.Raw | None = None
    medicationCodeableConcept: msgspec.Raw | None = None
    medicationReference: msgspec.Raw | None = None
    dosageInstruction: msgspec.Raw | None = None
    birthDate: msgspec.Raw | None = None


class Request(Element, frozen=True, gc=False):
    method: str | None = None
    url: str | None = None


class Response(Element, frozen=True, gc=False):
    status: str | None = None
    lastModified: str | None = None
    outcome: msgspec.Raw = msgspec.Raw()


class Search(Element, frozen=True, gc=False):
    mode: str | None = None


class Entry(Element, frozen=True, gc=False):
    """What a Bundle says of a resource, which stays undecoded."""

    fullUrl: Any = None
    resource: msgspec.Raw = msgspec.Raw()
    request: Request | None = None
    response: Response | None = None
    search: Search | None = None


class Page(Element, frozen=True, gc=False):
    relation: str | None = None
    url: str | None = None


class Envelope(Element, frozen=True, gc=False):
    """What a Bundle says of itself."""

    type: Any = None
    total: Any = None
    link: tuple[Page, ...] = ()
    meta: Meta | None = None


class Bundle(Envelope, frozen=True, gc=False):
    """A Bundle."""

    entry: tuple[Entry, ...] = ()


class DamagedBundle(Envelope, frozen=True, gc=False):
    """A Bundle whose entries stay undecoded, so that an invalid one does not affect the others."""

    entry: tuple[msgspec.Raw, ...] = ()


# A DetectedIssue isn't one: azaward and others say in it what they found in this very record.
CAUTIONS = ("Flag", "AdverseEvent")
MEDICINES = (
    *("MedicationRequest", "MedicationOrder", "MedicationStatement", "MedicationUsage"),
    *("MedicationAdministration", "MedicationDispense"),
)
READ: dict[str, type[Element]] = {
    "Patient": Patient,
    "Person": Linkage,
    "Linkage": Linkage,
    "Observation": Observation,
    "Specimen": Specimen,
    "DiagnosticReport": DiagnosticReport,
    "Medication": Medication,
    "Substance": Medication,
    "OperationOutcome": Outcome,
    **dict.fromkeys(MEDICINES, MedicationUse),
    **dict.fromkeys(("Condition", "AllergyIntolerance", "Immunization", "Procedure"), Clinical),
    **dict.fromkeys(CAUTIONS, Caution),
    **dict.fromkeys(("Encounter", "Appointment"), Meeting),
}
