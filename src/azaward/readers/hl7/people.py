"""Reads PID and MRG: whom a message is about, with every number and its authority, and which numbers are obsolete.

An empty field says nothing; `""` asks to remove what is held. Nobody is matched here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from azaward.knowledge import Knowledge
from azaward.readers.hl7.notice import Identifier, Name, Notice, Said
from azaward.readers.hl7.parts import Segment
from azaward.readers.hl7.reading import Reading
from azaward.record.dates import DateError, is_partial, read_day
from azaward.record.identity import Identity, Number

# Events in which the number in MRG becomes one of the person in PID.
MERGES = ("merge", "renumber")
# The fields of PID whose deletion can be asked for.
_DELETABLE = {3: "identifiers", 5: "names", 7: "birth_date", 8: "sex", 29: "died_on", 30: "died"}


def person(reading: Reading, pid: Segment, provisional_id: str) -> Said:
    """What a PID says of its person; problems are noted."""
    found = identifiers(reading, pid, 3) or identifiers(reading, pid, 2)
    if social := identifiers(reading, pid, 19, "SS"):
        found += tuple(each for each in social if each.value not in {other.value for other in found})
    if not found:
        why = "the person can be identified only by name and birth date. Send the patient's number in PID-3."
        reading.rows.aside(reading.place(pid.at(3)), "no patient number", why, provisional_id, "no_number")
        reading.problem(pid.at(3), "no patient number", why, "missing")
    sex = pid.text(8)
    died, died_on = _death(reading, pid)
    return Said(
        provisional_id,
        found,
        names(pid, 5),
        reading.iso(pid.text(7)),
        (reading.codes.means("0001", sex) or sex) if sex else None,
        died,
        died_on,
        deleted=frozenset(name for number, name in _DELETABLE.items() if pid.is_deleted(number)),
    )


def identifiers(reading: Reading, segment: Segment, number: int, usual: str | None = None) -> tuple[Identifier, ...]:
    """The numbers in a field of extended ids (CX), each with its authority; `usual` is the type where none is said.

    An authority has a namespace, a universal id or both, and the systems that the sender's settings give for either.
    """
    systems = reading.sender.systems
    found: list[Identifier] = []
    for value in segment.repetitions(number):
        if name := value.text():
            names = [part for part in (value.sub(4, 1), value.sub(4, 2)) if part]
            also = dict.fromkeys([*names[1:], *(systems[part] for part in names if part in systems)])
            kind = value.text(5) or usual
            personal = kind is None or reading.codes.means("0203", kind) in ("person", None)
            found.append(Identifier(name, next(iter(names), None), kind, personal, tuple(also)))
    return tuple(dict.fromkeys(found))


def numbers_of(each: Iterable[Identifier], nations: Mapping[tuple[str, str | None], str]) -> list[Number]:
    """Numbers under every name by which their authorities are known in every format.

    >>> numbers_of([Identifier("9990000018", "NHS", "NH")], {("NHS", "NH"): "https://fhir.nhs.uk/Id/nhs-number"})
    [Number(authority='https://fhir.nhs.uk/Id/nhs-number', value='9990000018')]
    """
    named = ((one, name) for one in each for name in one.authorities or ("",))
    return [Number(nations.get((name, one.type), name), one.value) for one, name in named]


def identities(notice: Notice, ids: Mapping[str, str], knowledge: Knowledge) -> list[Identity]:
    """Who the people of a message are, under the ids by which they are known; in a merge with the number in MRG.

    >>> from azaward.knowledge import load
    >>> from azaward.readers.hl7.notice import Header
    >>> said = Said("hl7:1:1", (Identifier("42", "LAB"),), (Name("Sample", "Ada"),), "1980-01-02")
    >>> (one,) = identities(Notice("a", Header(), people=(said,)), {"hl7:1:1": "c1"}, load())
    >>> one.patient_id, one.names, one.numbers[0].value, one.birth_date.year
    ('c1', ('Ada Sample',), '42', 1980)
    """
    nations: dict[tuple[str, str | None], str] = nations_of(knowledge)
    found: list[Identity] = []
    for said in notice.people:
        if said.provisional_id not in ids:
            continue
        gone = said.previous if notice.event in MERGES else ()
        mine = [number for number in (*said.identifiers, *gone) if number.is_personal]
        known = tuple(" ".join(part for part in (name.given, name.family) if part) for name in said.names)
        found.append(
            Identity(
                ids[said.provisional_id],
                notice.where,
                tuple(numbers_of(mine, nations)),
                tuple(filter(None, known)),
                _day(said.birth_date),
                said.sex or "unknown",
            )
        )
    return found


def nations_of(knowledge: Knowledge) -> dict[tuple[str, str | None], str]:
    """The names of nations' numbers in every format, by the authority and the type that HL7 writes."""
    return {(row.authority, row.type): row.system for row in knowledge.tables["number_systems"] if row.authority}


def _day(text: str | None) -> dt.date | None:
    try:
        return read_day(text[:10]) if text and not is_partial(text) else None
    except DateError:
        return None


def names(segment: Segment, number: int) -> tuple[Name, ...]:
    """The names in a field of extended person names (XPN)."""
    found = (Name(value.sub(1, 1), value.text(2), value.text(7)) for value in segment.repetitions(number))
    return tuple(name for name in found if name.family or name.given)


def _death(reading: Reading, pid: Segment) -> tuple[bool | None, str | None]:
    """Whether the person is said to be dead, and the day; a date beside "not dead" is a contradiction."""
    said, day = pid.text(30), reading.iso(pid.text(29))
    died = {"yes": True, "no": False}.get(reading.codes.means("0136", said) or "")
    if said and died is None:
        why = "expected Y or N: not known to be dead."
        reading.problem(pid.at(30), f"death indicator {said!r}", why, "table-value")
    if died is False and day:
        why = "counted as alive until somebody has asked. Correct PID-29 or PID-30."
        what = f"died on {day}, but recorded as not dead"
        reading.rows.aside(reading.place(pid.at(29)), what, why, reading.new_id(), "contradiction")
        reading.problem(pid.at(29), what, why, "data-type")
        return None, None
    return (True if day and died is None else died), day


def add_patient(reading: Reading, said: Said, pid: Segment) -> None:
    """The person's row, and their death as an event, as every reader writes it."""
    row = {"birth_date": said.birth_date, "sex": said.sex, "indication": said.indication, "died_on": said.died_on}
    reading.add("patients", row, pid.at())
    if said.died:
        event = {"kind": "condition", "code": "deceased", "started_on": said.died_on}
        reading.add("events", event, pid.at(30), f"{reading.header.sender}|deceased")


def previous(reading: Reading, mrg: Segment) -> tuple[Identifier, ...]:
    """The numbers that MRG makes obsolete; before version 2.3 they stood in its first and fourth fields alone."""
    found = identifiers(reading, mrg, 1) or identifiers(reading, mrg, 4)
    if not found:
        why = "expected the number that is merged into the one in PID-3. Nothing was merged."
        reading.problem(mrg.at(1), "no earlier number", why, "missing", "error")
    return found
