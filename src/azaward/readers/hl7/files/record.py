"""Reads a file of HL7 messages into one record: later messages correct earlier ones, and people are told by number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from azaward.errors import InputError
from azaward.knowledge import Knowledge
from azaward.readers.hl7.files.applied import Applied
from azaward.readers.hl7.files.persons import patient_ids
from azaward.readers.hl7.messages import in_time, key_of, read_message
from azaward.readers.hl7.notice import Notice, Said, rename
from azaward.readers.hl7.people import identities
from azaward.readers.hl7.problems import Problem
from azaward.readers.hl7.segments import Raw, split
from azaward.readers.hl7.senders import Senders
from azaward.readers.rows import RowReader
from azaward.record.tables import TABLES, Cell, Record

Ids = Mapping[str, str]
_OF_PERSON = ("birth_date", "sex", "indication", "died_on")


@dataclass(frozen=True)
class Messages(Record):
    """The record in a file of messages; and, for a store that holds what they change, each message with its people."""

    told: tuple[tuple[Notice, Ids], ...] = ()


def read_hl7(content: bytes, file: str, knowledge: Knowledge, senders: Senders | None = None) -> Messages:
    """The record in a file of messages. A message that can't be read is set aside; the others are read.

    Raises `InputError` with one line if the file holds no message, or none that can be read.

    >>> from azaward.knowledge import load
    >>> lines = ["MSH|^~\\\\&|LAB|RIVERSIDE|||20261120||ORU^R01|7|P|2.5", "PID|||42||Doe^Jo||19800102|F", "OBR|||17",
    ...     "OBX||NM|751-8^Neutrophils^LN||0.4|10*9/L|||||F|||20261120"]
    >>> record = read_hl7("\\n".join(lines).encode(), "lab.hl7", load())
    >>> record.patient_ids(), record.rows["results"][0][1:3]
    (['42'], ('neutrophils', 0.4))
    """
    found = split(content)
    if not found.messages:
        none = f"{file}: holds no HL7 message. Expected lines that begin with MSH, PID, OBR, OBX and so on."
        raise InputError(found.problems[0].line(file) if found.problems else none)
    rows = RowReader(knowledge)
    notices = _notices(found.messages, rows, file, knowledge, senders)
    if not any(notice.outcome == "accept" or any(notice.identities.values()) for notice in notices):
        first = next(problem for problem in notices[0].problems if problem.rejects or problem.severity == "error")
        raise InputError(first.line(notices[0].where))
    for problem in found.problems:
        rows.aside(f"{file}, {problem.place}", problem.what, problem.why)
    ids = patient_ids(notices)
    applied = Applied(rows, ids)
    for notice in notices:
        _say(rows, notice)
        applied.take(notice)
    _people(rows, applied, notices, ids)
    _counted(rows, file, notices)
    applied.settle()
    # People are named before what nobody has a row for is looked for.
    renamed = rename(Record(rows.rows, rows.set_aside), ids)
    rows.rows, rows.set_aside = {name: list(renamed.rows[name]) for name in TABLES}, renamed.set_aside
    whole = rows.record()
    told = [
        (notice, {said.provisional_id: ids[said.provisional_id] for said in notice.people})
        for notice in notices
        if notice.outcome != "reject"
    ]
    who = [one for notice, mine in told for one in identities(notice, mine, knowledge)]
    return Messages(whole.rows, whole.set_aside, who, told=tuple(told))


def _notices(
    messages: Sequence[Raw], rows: RowReader, file: str, knowledge: Knowledge, senders: Senders | None
) -> list[Notice]:
    """Every message once, in the order in which they were written."""
    notices: list[Notice] = []
    seen: set[tuple[str, str, str]] = set()
    for number, raw in in_time(messages):
        key = key_of(raw)
        if key[1] and key in seen:
            rows.aside(f"{file} message {number}", "a message", "sent before: read once", kind="uncounted")
            continue
        seen.add(key)
        before = {name: len(table) for name, table in rows.rows.items()}
        notice = read_message(raw, rows, knowledge, f"{file} message {number}", number, senders)
        own = {name: table[before[name] :] for name, table in rows.rows.items()}
        notices.append(replace(notice, record=Record(own)))
    return notices


def _say(rows: RowReader, notice: Notice) -> None:
    """Sets aside what could not be understood, for its person if one is known."""
    whose = notice.people[0].provisional_id if notice.people else None
    for problem in notice.problems:
        if problem.rejects or problem.severity == "error":
            rows.aside(f"{notice.where}, {problem.place}", problem.what, problem.why, whose)


def _counted(rows: RowReader, file: str, notices: Sequence[Notice]) -> None:
    """One line for everything that was ignored, and one for each thing that was read with care and not set aside."""
    ignored: Counter[str] = Counter()
    said: dict[tuple[str, str], tuple[str, int]] = {}
    aside = {(item.where, item.what) for item in rows.set_aside}
    for notice in notices:
        ignored.update(notice.ignored)
        for problem in notice.problems:
            where = f"{notice.where}, {problem.place}"
            if _is_only_noted(problem) and (where, problem.what) not in aside:
                first, count = said.get((problem.what, problem.why), (where, 0))
                said[problem.what, problem.why] = (first, count + 1)
    for (what, why), (where, count) in said.items():
        rows.aside(where + (f" and {count - 1} more" if count > 1 else ""), what, why, kind="uncounted")
    if ignored:
        listed = ", ".join(f"{count} {name}" for name, count in sorted(ignored.items()))
        rows.aside(file, listed, "not read: azaward does not use these messages or segments", kind="not_read")


def _is_only_noted(problem: Problem) -> bool:
    return not problem.rejects and not problem.only_told and problem.severity != "error"


def _people(rows: RowReader, applied: Applied, notices: Sequence[Notice], ids: Mapping[str, str]) -> None:
    """One row a person: what was said last of them, and a second row where results contradict it."""
    cells: dict[str, dict[str, Cell]] = {}
    alive: dict[str, int] = {}
    told = [(notice, said) for notice in notices for said in notice.people]
    # Each person of a message has added one row, unless they could not be read.
    places = {str(row[0]): place for place, row in enumerate(rows.rows["patients"])}
    kept: set[int] = set()
    for notice, said in told:
        place = places.get(said.provisional_id)
        if place is None:
            continue
        person = ids[said.provisional_id]
        new = dict(zip([column.name for column in TABLES["patients"]], rows.rows["patients"][place], strict=True))
        if said.died is not None:
            alive[person] = -1 if said.died else place
        held = cells.setdefault(person, {**new, "place": place})
        _latest(rows, held, new, notice, said, kept, place)
    for held in cells.values():
        place = int(str(held.pop("place")))
        rows.rows["patients"][place] = tuple(held.values())
        kept.add(place)
    applied.leave_out("patients", lambda place, _: place in kept)
    _deaths(rows, applied, ids, {person for person, place in alive.items() if place >= 0})


def _latest(
    rows: RowReader,
    held: dict[str, Cell],
    new: Mapping[str, Any],
    notice: Notice,
    said: Said,
    kept: set[int],
    place: int,
) -> None:
    """Takes over what is new. A message about people is believed over an earlier one; another one may contradict it."""
    about_people = notice.event in ("register", "update", "merge", "renumber", "link", "allergies")
    for name in _OF_PERSON:
        cell = new.get(name)
        if name in said.deleted and about_people:
            held[name] = "unknown" if name == "sex" else None
        elif name not in held or cell in (None, held[name]) or (name == "sex" and cell == "unknown"):
            continue
        elif held[name] in (None, "unknown") or about_people:
            held[name] = cell
        elif name in ("birth_date", "sex"):
            what = f"{name} {cell}, and {held[name]} elsewhere"
            why = "two messages contradict each other: they may be about two people. Ask the sender."
            rows.aside(f"{notice.where}, PID", what, why, said.provisional_id, "two_patients")
            kept.add(place)


def _deaths(rows: RowReader, applied: Applied, ids: Mapping[str, str], alive: set[str]) -> None:
    """Of what was said of a death, the last; nothing where somebody was later said to be alive."""
    last: dict[str, int] = {}
    for place, row in enumerate(rows.rows["events"]):
        if row[2] == "deceased":
            last[ids.get(str(row[0]), str(row[0]))] = place

    def holds(place: int, row: tuple[Cell, ...]) -> bool:
        person = ids.get(str(row[0]), str(row[0]))
        return row[2] != "deceased" or (last[person] == place and person not in alive)

    applied.leave_out("events", holds)
