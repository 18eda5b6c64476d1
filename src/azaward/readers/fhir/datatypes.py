"""The datatypes of FHIR that the elements of its resources share, as msgspec structs with what azaward reads of them.

Each part of a struct is text, a number, another struct or a tuple of them. So there are no circles among them, and
`gc=False` keeps Python from looking for any: a record has hundreds of thousands of these parts.
"""

from __future__ import annotations

import msgspec


class Element(msgspec.Struct, frozen=True, gc=False):
    """A part of a resource."""


class Content(Element, frozen=True, gc=False):
    """A part of an extension, in words."""

    url: str = ""
    valueString: str | None = None
    valueMarkdown: str | None = None


class Translation(Element, frozen=True, gc=False):
    url: str = ""
    extension: tuple[Content, ...] = ()


class Translated(Element, frozen=True, gc=False):
    """What is said beside a text: the same in other languages."""

    extension: tuple[Translation, ...] = ()


class Coding(Element, frozen=True, gc=False):
    system: str = ""
    code: str = ""
    display: str | None = None
    translated: Translated | None = msgspec.field(default=None, name="_display")


class Meta(Element, frozen=True, gc=False):
    versionId: str | None = None
    lastUpdated: str | None = None
    tag: tuple[Coding, ...] = ()

    @property
    def is_a_part(self) -> bool:
        """Whether a server left out elements of the resource, as it does for a summary."""
        return any(tag.code.upper() == "SUBSETTED" for tag in self.tag)


class Concept(Element, frozen=True, gc=False):
    coding: tuple[Coding, ...] = ()
    text: str | None = None
    translated: Translated | None = msgspec.field(default=None, name="_text")


class Identifier(Element, frozen=True, gc=False):
    use: str | None = None
    type: Concept | None = None
    system: str | None = None
    value: str | None = None


class Reference(Element, frozen=True, gc=False):
    reference: str | None = None
    display: str | None = None
    identifier: Identifier | None = None


class Referred(Element, frozen=True, gc=False):
    """R5's CodeableReference."""

    concept: Concept | None = None
    reference: Reference | None = None


class Said(Concept, frozen=True, gc=False):
    """A concept up to R4, and in R5 a CodeableReference that holds one."""

    concept: Concept | None = None


class Quantity(Element, frozen=True, gc=False):
    """A number may come as text: what it says is read as a cell of a table is, or not at all."""

    value: float | str | None = None
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


class HumanName(Element, frozen=True, gc=False):
    use: str | None = None
    text: str | None = None
    # A list in DSTU2.
    family: str | tuple[str, ...] | None = None
    given: tuple[str, ...] = ()


class Repeat(Element, frozen=True, gc=False):
    frequency: float | None = None
    frequencyMax: float | None = None
    dayOfWeek: tuple[str, ...] = ()
    timeOfDay: tuple[str, ...] = ()
    # One in DSTU2 and STU3, a list since R4.
    when: tuple[str, ...] | str = ()
    period: float | None = None
    periodUnit: str | None = None
    periodUnits: str | None = None
    boundsPeriod: Period | None = None
    boundsDuration: Quantity | None = None


class Timing(Element, frozen=True, gc=False):
    event: tuple[str, ...] = ()
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
    doseAndRate: tuple[DoseAndRate, ...] = ()
    # STU3's and DSTU2's dose.
    doseQuantity: Quantity | None = None
    doseSimpleQuantity: Quantity | None = None
    doseRange: Range | None = None
    quantityQuantity: Quantity | None = None
