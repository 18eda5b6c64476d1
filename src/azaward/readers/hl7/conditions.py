"""Reads allergies (AL1, IAM), diagnoses (DG1) and vaccines given (RXA) as events."""

from __future__ import annotations

from azaward.knowledge.loading.words.vocabulary import Coding
from azaward.readers.hl7.concepts import Concept
from azaward.readers.hl7.parts import Segment, Value
from azaward.readers.hl7.reading import Reading


def allergy(reading: Reading, segment: Segment) -> None:
    """An AL1 or IAM; one that is deleted or erroneous strikes out what was sent before."""
    found = reading.concept(_first(segment, 3))
    if found.text is None:
        reading.aside(segment.at(3), "an allergy without its substance", "name the substance in field 3.")
        return
    is_iam = segment.name == "IAM"
    key = (segment.text(7) if is_iam else None) or found.code
    identity = f"{_own(reading, 'allergy')}{key}"
    action = reading.codes.means("0206", segment.text(6)) if is_iam else None
    status = reading.codes.means("0438", segment.text(17)) if is_iam else None
    if action == "delete" or status == "erroneous":
        reading.correct("strike", "events", identity, "deleted", segment.at(6))
        return
    named = [each for name in (*found.names, found.code) for each in reading.rows.allergens(name, found.codings)]
    on = reading.iso(segment.text(11 if is_iam else 6))
    reading.correct("replace", "events", identity, "sent again", segment.at())
    for code in dict.fromkeys(named or [found.text]):
        reading.add("events", {"kind": "allergy", "code": code, "started_on": on}, segment.at(3), identity)


def diagnosis(reading: Reading, segment: Segment) -> str | None:
    """A DG1; the indication that it names, if azathioprine treats it."""
    found = reading.concept(_first(segment, 3))
    text = found.text or segment.text(4)
    if text is None:
        reading.aside(segment.at(3), "a diagnosis without code or words", "name the diagnosis in DG1-3 or DG1-4.")
        return None
    identity = f"{_own(reading, 'diagnosis')}{segment.text(20) or found.code or text}"
    if reading.codes.means("0206", segment.text(21)) == "delete":
        reading.correct("strike", "events", identity, "deleted", segment.at(21))
        return None
    words = reading.rows.words
    names = dict.fromkeys((*found.names, segment.text(4), text))
    indication = next((each for name in names if (each := words.indication(name, found.codings))), None)
    known = next((each for name in names if (each := words.events("condition", name, found.codings))), [])
    code = text if indication is None or words.indication(text) else indication
    on = reading.iso(segment.text(5))
    reading.correct("replace", "events", identity, "sent again", segment.at())
    for kind, event in known or [("condition", code)]:
        row = {"kind": kind, "code": event, "started_on": on}
        reading.add("events", row, segment.at(3), identity)
    return indication


def vaccine(reading: Reading, segment: Segment, order: str | None) -> None:
    """An RXA of a vaccination message; one that was refused or not given says so and counts as nothing."""
    found = reading.concept(_first(segment, 5))
    on = reading.iso(segment.text(3))
    if found.text is None:
        reading.aside(segment.at(5), "a vaccine without code or name", "name the vaccine in RXA-5.")
        return
    identity = f"{order}{found.code}" if order else f"{_own(reading, 'vaccine')}{found.code}|{on}"
    if reading.codes.means("0323", segment.text(21)) == "delete":
        reading.correct("strike", "events", identity, "deleted", segment.at(21))
        return
    if reading.codes.means("0322", segment.text(20)) == "not-given":
        reading.aside(segment.at(20), found.text, "refused or not given: not counted.", "not_given")
        return
    known = _vaccines(reading, found)
    reading.correct("replace", "events", identity, "sent again", segment.at())
    for kind, event in known or [("vaccination", found.text)]:
        row = {"kind": kind, "code": event, "started_on": on}
        reading.add("events", row, segment.at(5), identity)


def _vaccines(reading: Reading, found: Concept) -> list[tuple[str, str]]:
    names = (*found.names, *(coding.code for coding in found.codings), None)
    codings: tuple[Coding, ...] = found.codings
    return next((each for name in names if (each := reading.rows.words.events("vaccination", name, codings))), [])


def _first(segment: Segment, number: int) -> Value | None:
    return next(iter(segment.repetitions(number)), None)


def _own(reading: Reading, kind: str) -> str:
    """The beginning of an identity that no order gives: the sender, the kind and the current person's number."""
    numbers = reading.people[-1].identifiers if reading.people else ()
    return f"{reading.header.sender}|{kind}|{numbers[0].value if numbers else ''}|"
