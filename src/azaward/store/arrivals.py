"""Keeps what messages say: each once, about people who are known, the others in a tray that somebody empties.

What a message answers is stored with what it brought, in one transaction: AA means stored and understood. A person is
known by a number of an authority that the sender's settings trust. Rows that a later message corrects or takes back
are struck out, and those who acted on them are told. Assessments follow; until then they are marked as behind.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.knowledge import Knowledge
from azaward.readers.hl7.ack import answer, unknown_person
from azaward.readers.hl7.codes import Codes, codes
from azaward.readers.hl7.notice import Identifier, Notice
from azaward.record.identity import Identity, Number
from azaward.record.tables import TABLES, Cell, Record, SetAside
from azaward.store import audit, people, tray
from azaward.store.audit import Entry
from azaward.store.care import amended, merges, reassess, records
from azaward.store.care.acts import Actor
from azaward.store.care.rows import By
from azaward.store.database import Store
from azaward.store.keys import Keys
from azaward.store.schema import messages

# Messages about who people are: of somebody unknown they say nothing that matters here.
ABOUT_PEOPLE = ("register", "update", "merge", "renumber", "link", "unlink", "apart", "delete")
MERGES = ("merge", "renumber")
STATE_ONLY = ("discharge", "cancel-admit", "cancel-discharge", "other")


@dataclass(frozen=True)
class Arrived:
    """A message as it came, and what it says."""

    content: bytes
    notice: Notice
    at: dt.datetime

    @property
    def control(self) -> str:
        """Its id at its sender; the same id with other content is another message."""
        _, control_id, digest = self.notice.key
        return f"{control_id}#{digest[:32]}"


@dataclass
class _Taken:
    """What a batch of messages comes to."""

    record: Record
    answers: dict[int, bytes] = field(default_factory=dict[int, bytes])
    touched: set[str] = field(default_factory=set[str])
    identities: list[Identity] = field(default_factory=list[Identity])


class Arrivals:
    """Takes messages into a clinic's store."""

    def __init__(self, store: Store, actor: Actor, keys: Keys, knowledge: Knowledge) -> None:
        self.store, self.actor, self.keys, self.knowledge = store, actor, keys, knowledge
        self.codes: Codes = codes(knowledge)
        self._nations: dict[tuple[str, str | None], str] = {
            (row.authority, row.type): row.system for row in knowledge.tables["number_systems"] if row.authority
        }

    def take(self, arrived: Sequence[Arrived], by: By) -> tuple[list[bytes], set[str]]:
        """Stores messages and gives their answers, in order, and the patients whose assessments are behind."""
        answers: list[bytes] = []
        touched: set[str] = set()
        with self.store.write() as connection:
            for batch in _apart(arrived):
                taken = self._batch(connection, batch, by)
                answers += [taken.answers[place] for place in range(len(batch))]
                touched |= taken.touched
            reassess.mark_behind(connection, self.actor.clinic_id, touched)
        return answers, touched

    def _batch(self, connection: Connection, batch: Sequence[Arrived], by: By) -> _Taken:
        taken = _Taken(Record.of({}))
        known = self._answered(connection, batch)
        whose = self._whose(connection, [each for each in batch if each.notice.outcome == "accept"])
        born = people.births(connection, self.actor.clinic_id, sorted({one for ids in whose.values() for one in ids}))
        new: list[tuple[int, Arrived]] = []
        for place, each in enumerate(batch):
            if (before := known.get((each.notice.header.sender, each.control))) is not None:
                taken.answers[place] = before
            else:
                new.append((place, each))
        waiting: list[tuple[Arrived, str, bytes]] = []
        told: list[tuple[Notice, dict[str, str]]] = []
        for place, each in new:
            ids, why = self._ids(each.notice, whose, born)
            more = []
            if each.notice.outcome == "error":
                why = "; ".join(problem.line("") for problem in each.notice.problems if problem.severity == "error")
            elif why and _matters(each.notice, why):
                more = [unknown_person()]
            said = answer(each.content, each.notice, self.codes, each.at, more)
            taken.answers[place] = said
            if each.notice.outcome == "reject":
                continue
            if each.notice.outcome == "error" or more:
                waiting.append((each, why or "", said))
            elif not why:
                self._people(connection, each.notice, ids, whose, taken, by)
                told.append((each.notice, ids))
        self._rows(connection, told, taken, by)
        added = records.add(connection, self.actor.clinic_id, taken.record, by)
        taken.touched |= set(added.patients)
        if taken.identities:
            people.keep(connection, self.actor.clinic_id, taken.identities, self.keys, by)
        self._answer(connection, new, taken, waiting, by)
        return taken

    def _answered(self, connection: Connection, batch: Sequence[Arrived]) -> dict[tuple[str, str], bytes]:
        """The answers to messages that came before."""
        asked = {
            "clinic": self.actor.clinic_id,
            "senders": sorted({each.notice.header.sender for each in batch}),
            "controls": [each.control for each in batch],
        }
        return {(row[0], row[1]): row[2] for row in connection.execute(_ANSWERED, asked)}

    def _answer(
        self,
        connection: Connection,
        new: Sequence[tuple[int, Arrived]],
        taken: _Taken,
        waiting: Sequence[tuple[Arrived, str, bytes]],
        by: By,
    ) -> None:
        """Keeps the answers, what waits, and a line of the audit trail each."""
        if not new:
            return
        rows = [
            {
                "clinic_id": self.actor.clinic_id,
                "sender": each.notice.header.sender,
                "control": each.control,
                "digest": each.notice.digest,
                "kind": each.notice.event,
                "answer": taken.answers[place],
                "at": each.at,
            }
            for place, each in new
        ]
        connection.execute(sa.insert(messages), rows)
        if waiting:
            # Open pages show that something waits.
            reassess.changed(connection, self.actor.clinic_id)
        for each, why, _ in waiting:
            tray.put(connection, self.actor, each.notice, each.content, why, self.keys, self.knowledge, each.at)
        told = [
            Entry(
                f"hl7: {each.notice.header.sender}",
                "message",
                self.actor.clinic_id,
                each.notice.header.control_id,
                {"event": each.notice.event, "outcome": each.notice.outcome},
            )
            for _, each in new
        ]
        audit.append(connection, told)

    def _number(self, value: str, authority: str | None, kind: str | None) -> Number:
        """A number under the name by which its authority is known in every format."""
        named = authority or ""
        return Number(self._nations.get((named, kind), named), value)

    def _numbers(self, identifiers: Iterable[Identifier]) -> list[Number]:
        """The numbers of a person, not those of an account or a visit."""
        return [self._number(each.value, each.authority, each.type) for each in identifiers if each.is_personal]

    def _whose(self, connection: Connection, batch: Sequence[Arrived]) -> Mapping[Number, set[str]]:
        """The patients who have the numbers in some messages."""
        numbers = {
            number
            for arrived in batch
            for said in arrived.notice.people
            for number in self._numbers((*said.identifiers, *said.previous))
        }
        return people.holders(connection, self.actor.clinic_id, numbers, self.keys) | self._own(connection, batch)

    def _own(self, connection: Connection, batch: Sequence[Arrived]) -> dict[Number, set[str]]:
        """Numbers that are the clinic's own patient ids, by the sender's settings."""
        asked = {
            each.value: self._number(each.value, each.authority, each.type)
            for arrived in batch
            for said in arrived.notice.people
            for each in (*said.identifiers, *said.previous)
            if arrived.notice.patient_ids is not None and each.authority == arrived.notice.patient_ids
        }
        root = merges.roots(connection, self.actor.clinic_id)
        known = people.births(connection, self.actor.clinic_id, sorted(asked))
        return {asked[one]: {root(one)} for one in known}

    def _ids(
        self, notice: Notice, whose: Mapping[Number, set[str]], born: Mapping[str, tuple[dt.date | None, str]]
    ) -> tuple[dict[str, str], str | None]:
        """The patient of each person in a message; or why somebody isn't known."""
        ids: dict[str, str] = {}
        for said in notice.people:
            # Where only the number that is given up is known, the person is known by it, and by the new one from then.
            given_up = said.previous if notice.event in MERGES else ()
            found = self._held(notice, said.identifiers, whose) or self._held(notice, given_up, whose)
            if len(found) != 1:
                return ids, _NOBODY if not found else f"its numbers belong to {' and '.join(sorted(found))}"
            one = next(iter(found))
            birth_date = born.get(one, (None, ""))[0]
            if birth_date and said.birth_date and said.birth_date[:10] != birth_date.isoformat():
                return ids, f"its number is that of {one}, who has another birth date"
            ids[said.provisional_id] = one
        return ids, None if ids else _NOBODY

    def _held(self, notice: Notice, identifiers: Iterable[Identifier], whose: Mapping[Number, set[str]]) -> set[str]:
        trusted = {*notice.trusted, notice.patient_ids, *(authority for authority, _ in self._nations)}
        numbers = self._numbers(each for each in identifiers if each.authority in trusted)
        return {one for number in numbers for one in whose.get(number, ())}

    def _people(
        self,
        connection: Connection,
        notice: Notice,
        ids: Mapping[str, str],
        whose: Mapping[Number, set[str]],
        taken: _Taken,
        by: By,
    ) -> None:
        """What a message says of who people are: other numbers, records that are joined or parted."""
        clinic_id = self.actor.clinic_id
        for said in notice.people:
            one = ids[said.provisional_id]
            numbers = self._numbers(said.identifiers)
            names = [" ".join(part for part in (name.given, name.family) if part) for name in said.names]
            taken.identities.append(Identity(one, notice.where, tuple(numbers), tuple(filter(None, names))))
            previous = self._numbers(said.previous) if notice.event in MERGES else []
            before = {each for number in previous for each in whose.get(number, ())}
            for given_up in sorted(before - {one}):
                merges.merge(connection, clinic_id, given_up, one, f"merged by {notice.header.sender}", by)
                taken.touched |= {given_up, one}
        pair = list(dict.fromkeys(ids.values()))
        if notice.event == "link" and len(pair) == 2:
            merges.merge(connection, clinic_id, pair[1], pair[0], f"linked by {notice.header.sender}", by)
            taken.touched |= set(pair)

    def _rows(
        self, connection: Connection, told: Sequence[tuple[Notice, dict[str, str]]], taken: _Taken, by: By
    ) -> None:
        """What messages bring and take back, as rows of one record."""
        rows: dict[str, list[tuple[Cell, ...]]] = {name: [] for name in TABLES}
        asides: list[SetAside] = []
        for (notice, ids), kept in zip(told, amended.amend(connection, self.actor.clinic_id, told, by), strict=True):
            taken.touched |= kept.touched
            for name, own in kept.record.rows.items():
                if name != "patients" or notice.event in ABOUT_PEOPLE:
                    rows[name] += own
            # What was noted of the message itself is its person's.
            first = next(iter(ids.values()), None)
            asides += [*kept.record.set_aside, *kept.notices]
            asides += [
                SetAside(f"{notice.where}, {each.place}", each.what, each.why, first, "partial")
                for each in notice.problems
                if each.severity == "warning"
            ]
            taken.touched |= set(ids.values()) if kept.notices else set()
        taken.record = Record(rows, asides)


_ANSWERED = sa.select(messages.c.sender, messages.c.control, messages.c.answer).where(
    messages.c.clinic_id == sa.bindparam("clinic"),
    # Without the sender, every message of the clinic would be looked at.
    messages.c.sender.in_(sa.bindparam("senders", expanding=True)),
    messages.c.control.in_(sa.bindparam("controls", expanding=True)),
)
_NOBODY = "no known patient has one of its numbers from an authority that is trusted"


def _matters(notice: Notice, why: str) -> bool:
    """Whether somebody has to look at a message whose person isn't known, for this reason."""
    if notice.event in STATE_ONLY:
        return False
    return notice.event not in ABOUT_PEOPLE or why != _NOBODY


def _apart(arrived: Sequence[Arrived]) -> list[list[Arrived]]:
    """Batches in which no message is about a person or an order of another: what came first is stored first."""
    batches: list[list[Arrived]] = []
    seen: set[tuple[str, str]] = set()
    for each in arrived:
        mine = {
            (number.authority or "", number.value)
            for said in each.notice.people
            for number in (*said.identifiers, *said.previous)
        }
        mine |= {("", f"message {each.notice.header.sender} {each.control}")}
        if not batches or mine & seen:
            batches.append([])
            seen = set()
        batches[-1].append(each)
        seen |= mine
    return batches
