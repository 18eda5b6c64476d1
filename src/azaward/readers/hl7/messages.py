"""Reads one message: its header, its people, and what it says of each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast, get_args

from azaward.knowledge import Knowledge
from azaward.readers.hl7 import conditions, medicines, people
from azaward.readers.hl7.codes import codes
from azaward.readers.hl7.header import header_problems, read_header
from azaward.readers.hl7.notice import Event, Header, Identifier, Notice, Said
from azaward.readers.hl7.orders import PRESCRIBED, Group, groups, order_of
from azaward.readers.hl7.parts import Segment
from azaward.readers.hl7.problems import Place, Problem, UnreadableError
from azaward.readers.hl7.reading import Reading
from azaward.readers.hl7.results import results
from azaward.readers.hl7.segments import Message, Raw, parse, split
from azaward.readers.hl7.senders import Sender, Senders
from azaward.readers.rows import RowReader

_OF_ORDERS = ("ORC", "OBR", "OBX", "NTE", "SPM", "TQ1", "RXA", *PRESCRIBED)
_READ = ("MSH", "PID", "MRG", "AL1", "IAM", "DG1", *_OF_ORDERS)
# Segments that say nothing azaward looks for, and of which nobody needs to know.
_SILENT = ("EVN", "PV1", "PV2", "PD1", "NK1", "SFT", "UAC", "RXR", "ROL", "PRT", "GT1", "IN1", "IN2", "IN3", "ARV")
# Segments by which a message goes on in another, or goes on from one.
_CONTINUED = ("ADD", "DSC")
# Events of ADT in which somebody's numbers become another's; the people of the others are as they were.
_MERGES = ("merge", "renumber")
_PAIRS = ("link", "unlink")


@dataclass
class _Person:
    """A PID and what follows it until the next one."""

    pid: Segment
    mrg: list[Segment] = field(default_factory=list[Segment])
    clinical: list[Segment] = field(default_factory=list[Segment])
    ordered: list[Segment] = field(default_factory=list[Segment])
    own: list[Segment] = field(default_factory=list[Segment])


def read_frame(content: bytes, knowledge: Knowledge, where: str = "message", senders: Senders | None = None) -> Notice:
    """The notice of one message, as a connection brings it. Never raises for what stands in it.

    >>> from azaward.knowledge import load
    >>> lines = [b"MSH|^~\\\\&|LAB|RIVERSIDE|||20261120||ORU^R01|7|P|2.5", b"PID|||42^^^RIVERSIDE", b"OBR|||17",
    ...     b"OBX||NM|751-8^Neutrophils^LN||0.4|10*9/L|1.5-7.5|LL|||F|||20261120"]
    >>> notice = read_frame(b"\\r".join(lines), load())
    >>> notice.outcome, notice.people[0].identifiers[0].value, notice.identities["results"]
    ('accept', '42', ('LAB|RIVERSIDE|17|751-8|',))
    """
    found = split(content)
    if len(found.messages) != 1:
        held = len(found.messages)
        what = f"{held} messages in one frame" if held else "no message"
        problem = Problem(Place(), what, "expected one message that begins with MSH.", "segment-sequence")
        return Notice(where, Header(), problems=(problem, *found.problems))
    rows = RowReader(knowledge)
    notice = read_message(found.messages[0], rows, knowledge, where, senders=senders)
    return replace(notice, record=rows.record(whole=False), problems=(*notice.problems, *found.problems))


def read_message(
    raw: Raw, rows: RowReader, knowledge: Knowledge, where: str, number: int = 1, senders: Senders | None = None
) -> Notice:
    """The notice of a message without its record: its rows go to `rows`, in the order of `identities`."""
    tables = codes(knowledge)
    senders = senders or Senders()
    try:
        message, sender = _parsed(raw, knowledge, senders)
    except UnreadableError as error:
        reading = Reading(rows, tables, _header_anyhow(raw), where, number)
        told = _numbers_alone(reading, _in_ascii(raw, knowledge))
        return Notice(where, reading.header, people=told, problems=(error.problem,), digest=_digest(raw))
    header = read_header(message, sender.timezone())
    reading = Reading(rows, tables, header, where, number, sender)
    reading.problems += [*message.problems, *header_problems(header, tables, expects=sender.processing)]
    event: Event = "other"
    if not any(problem.rejects for problem in reading.problems):
        event = _read(reading, message, knowledge)
    elif not any(problem.fault == "processing" for problem in reading.problems):
        reading.people += _numbers_alone(reading, message)
    return Notice(
        where,
        header,
        event,
        tuple(reading.people),
        identities={name: tuple(each) for name, each in reading.identities.items()},
        corrections=tuple(reading.corrections),
        problems=tuple(reading.problems),
        ignored=dict(reading.ignored),
        digest=_digest(raw),
        trusted=sender.trusted,
        patient_ids=sender.patient_ids,
        newcomers=sender.newcomers,
    )


def _parsed(raw: Raw, knowledge: Knowledge, senders: Senders) -> tuple[Message, Sender]:
    """The message in its sender's character set."""
    tables = codes(knowledge)
    sender = senders.of(_header_anyhow(raw))
    return parse(raw, tables, sender.charset), sender


def _in_ascii(raw: Raw, knowledge: Knowledge) -> Message | None:
    """A message that can't be decoded, without the bytes that are not ASCII: enough to see whose it is."""
    try:
        return parse(Raw(re.sub(rb"[^\x00-\x7f]", b"?", raw.content)), codes(knowledge), "ASCII")
    except UnreadableError:
        return None


def _numbers_alone(reading: Reading, message: Message | None) -> tuple[Said, ...]:
    """The people of a message that is not read, by their numbers, so that somebody learns that something is missing."""
    found: list[Said] = []
    for pid in message.segments if message else ():
        numbers = people.identifiers(reading, pid, 3) if pid.name == "PID" else ()
        if numbers := tuple(number for number in numbers if "?" not in number.value):
            found.append(Said(f"hl7:{reading.number}:{len(found) + 1}", numbers))
    return tuple(found)


def _header_anyhow(raw: Raw) -> Header:
    """What can be told of a header before the message is decoded, so that the answer finds its way."""
    line = raw.content.partition(b"\r")[0].decode("ascii", "replace")
    if len(line) < 8:
        return Header()
    fields = line.split(line[3])

    def text(number: int) -> list[str]:
        return [*(fields[number - 1] if number <= len(fields) else "").split(line[4]), "", ""]

    return Header(
        sending=(text(3)[0], text(4)[0]),
        receiving=(text(5)[0], text(6)[0]),
        type=text(9)[0],
        event=text(9)[1],
        control_id=text(10)[0],
        processing=text(11)[0],
        version=text(12)[0],
        accept_ack=text(15)[0],
        application_ack=text(16)[0],
    )


def _digest(raw: Raw) -> str:
    """The SHA-256 of everything after the header: a message sent again may have a new time in MSH-7."""
    return hashlib.sha256(raw.content.partition(b"\r")[2]).hexdigest()


def key_of(raw: Raw) -> tuple[str, str, str]:
    """As `Notice.key`, before the message is read."""
    header = _header_anyhow(raw)
    return header.sender, header.control_id, _digest(raw)


def in_time(messages: Sequence[Raw]) -> list[tuple[int, Raw]]:
    """The messages with their numbers, in the order in which they were written if every MSH-7 says it alike."""
    numbered = list(enumerate(messages, 1))
    times = [raw.content.partition(b"\r")[0].split(raw.content[3:4])[6:7] for raw in messages]
    if not all(time and re.fullmatch(rb"\d{8}(\d{4}(\d{2}(\.\d+)?)?)?", time[0]) for time in times):
        return numbered
    if len({len(time[0]) for time in times}) > 1:
        return numbered
    return sorted(numbered, key=lambda each: times[each[0] - 1])


def _read(reading: Reading, message: Message, knowledge: Knowledge) -> Event:
    header = reading.header
    kind = reading.codes.means("0076", header.type)
    given = any(segment.name in PRESCRIBED for segment in message.segments)
    if kind in ("other", "acknowledgement") or (header.type == "ORM" and not given):
        _unused(reading, message)
        return "other"
    event = kind
    if kind == "people":
        event = reading.codes.means("0003", header.event)
        if event is None:
            _unused(reading, message)
    for name in _CONTINUED:
        if (segment := message.first(name)) is not None:
            what, why = "a message in several parts", "parts are not put together. Send it whole."
            reading.problem(segment.at(), what, why, "segment-sequence", "error")
    found = _by_person(reading, message.segments)
    if not found:
        what, why = "no patient", "expected a PID with the patient's number. Nothing was kept."
        reading.problem(Place("PID"), what, why, "missing", "error")
    for each in found:
        _one(reading, each, event, knowledge)
    said = cast(Event, event if event in get_args(Event) else "other")
    _of_event(reading, said)
    return said


def _unused(reading: Reading, message: Message) -> None:
    """Counts a message of a type that azaward doesn't use; a sender's setting may have it refused."""
    header = reading.header
    name = f"{header.type}^{header.event}".rstrip("^")
    reading.ignored[name] += 1
    if reading.sender.unused == "reject":
        what, why = f"message type {name!r}", "not used here."
        reading.problems.append(Problem(Place("MSH", 1, 9), what, why, "message-type", rejects=True))


def _by_person(reading: Reading, segments: Sequence[Segment]) -> list[_Person]:
    found: list[_Person] = []
    for segment in segments[1:]:
        name = segment.name
        if name == "PID":
            found.append(_Person(segment))
        elif name[0] == "Z" and found:
            found[-1].own.append(segment)
            reading.ignored.update([] if _is_read(reading, name) else [name])
        elif name == "NTE" and found and not found[-1].ordered:
            reading.ignored["NTE about a patient"] += 1
        elif name not in _READ or (not found and name in ("NTE", "OBX", *PRESCRIBED)):
            if name in ("OBX", *PRESCRIBED):
                why = "no PID comes before it, so its patient is unknown. Send the patient's PID first."
                reading.problem(segment.at(), f"{name} before any patient", why, "segment-sequence", "error")
            elif name not in _SILENT:
                reading.ignored[name] += 1
        elif found:
            person = found[-1]
            part = person.mrg if name == "MRG" else person.ordered if name in _OF_ORDERS else person.clinical
            part.append(segment)
    return found


def _one(reading: Reading, each: _Person, event: str | None, knowledge: Knowledge) -> None:
    """Reads what a message says of one person."""
    said = people.person(reading, each.pid, reading.new_id())
    previous: tuple[Identifier, ...] = ()
    for mrg in each.mrg:
        previous += people.previous(reading, mrg)
    reading.people.append(replace(said, previous=previous))
    treated: list[str] = []
    for segment in each.clinical:
        if segment.name == "DG1":
            treated += [found] if (found := conditions.diagnosis(reading, segment)) else []
        else:
            conditions.allergy(reading, segment)
    indication = _indication(reading, each.pid, list(dict.fromkeys(treated)))
    reading.people[-1] = replace(reading.people[-1], indication=indication)
    people.add_patient(reading, reading.people[-1], each.pid)
    header = reading.header
    first = header.type == "OUL" and header.event == "R22"
    for group in groups(each.ordered, specimens_first=first):
        _ordered(reading, group, event, knowledge)
    _own_fields(reading, each.own)


def _is_read(reading: Reading, name: str) -> bool:
    return any(place.startswith(f"{name}-") for place in reading.sender.z_fields)


def _own_fields(reading: Reading, segments: Sequence[Segment]) -> None:
    """The fields of a sender's own segments that its settings name."""
    for place, read in reading.sender.z_fields.items():
        name, _, number = place.partition("-")
        for segment in segments:
            if segment.name == name and (value := segment.text(int(number))) is not None:
                day = next((each for each in segments if each.name == read.on[:3]), None)
                on = reading.iso(day.text(int(read.on[4:]))) if day else None
                row = {"analyte": read.analyte, "value": value, "unit": read.unit, "taken_on": on, "status": "final"}
                reading.add("results", row, segment.at(int(number)))


def _indication(reading: Reading, pid: Segment, found: list[str]) -> str | None:
    if len(found) > 1:
        why = "several conditions that azathioprine treats: the most cautious protocol is used."
        reading.aside(pid.at(), f"indication: {' or '.join(sorted(found))}", why, "indication", "other")
        return None
    return next(iter(found), None)


def _ordered(reading: Reading, group: Group, event: str | None, knowledge: Knowledge) -> None:
    given = [segment for segment in group.given if segment.name == "RXA"]
    if given:
        if event == "vaccines":
            identity = reading.order_identity((group.orc, 3, ""), (group.orc, 2, "placer:"))
            for segment in given:
                conditions.vaccine(reading, segment, identity)
        # What stands beside a vaccine is about its supply.
        reading.ignored.update({"OBX": len(group.results)} if group.results else {})
        if event != "vaccines":
            reading.ignored["RXA"] += len(given)
        return
    prescribed = sorted(group.given, key=lambda segment: ("RXE", "RXD", "RXO").index(segment.name))
    if prescribed:
        medicines.medicine(reading, order_of(reading, group, prescribed[0]), prescribed[0])
    if group.results or group.obr:
        results(reading, group, knowledge)


def _of_event(reading: Reading, event: Event) -> None:
    """What the event needs that the message lacks."""
    if event in _MERGES and not any(said.previous for said in reading.people) and not reading.problems:
        what, why = "a merge without the earlier number", "expected MRG with the number that is merged."
        reading.problem(Place("MRG"), what, why, "missing", "error")
    if event in _PAIRS and len(reading.people) < 2:
        what, why = f"an event ({event}) with one person", "expected two PIDs. Nothing was joined or separated."
        reading.problem(Place("PID"), what, why, "cardinality", "error")
    if event == "apart":
        what = "numbers are moved from one person to another"
        why = "somebody has to decide what belongs to whom: nothing was moved."
        reading.problem(Place("MRG"), what, why, "other")
