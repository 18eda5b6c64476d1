"""Keeps what messages say: each once, about people who are known, the others in a tray that somebody empties.

What a message answers is stored with what it brought, in one transaction: AA means stored and understood. A person is
known by a number from an authority that the sender's settings trust. Rows that a later message corrects or withdraws
are struck out, and those who acted on them are told. Assessments follow; until then they are marked as behind.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.knowledge import Knowledge
from azaward.readers.hl7.ack import answer
from azaward.readers.hl7.codes import Codes, codes
from azaward.readers.hl7.notice import Notice, order_of
from azaward.readers.hl7.problems import Place, Problem
from azaward.readers.hl7.senders import ANY, Sender
from azaward.record.identity import Number
from azaward.record.tables import SetAside
from azaward.store import audit, tray
from azaward.store.audit import Entry
from azaward.store.care import amended, merges, reassess, records
from azaward.store.care.acts import Actor
from azaward.store.care.rows import By
from azaward.store.care.whose import ABOUT_PEOPLE, Taken, Who
from azaward.store.database import Store
from azaward.store.keys import Keys, keys_again
from azaward.store.schema import messages


@dataclass(frozen=True)
class Arrived:
    """A message as it came, and what it says."""

    content: bytes
    notice: Notice
    at: dt.datetime
    # Its sender's settings.
    ways: Sender = ANY

    @property
    def control(self) -> str:
        """Its id at its sender; the same id with other content is another message."""
        _, control_id, digest = self.notice.key
        if not control_id or not digest:
            # Nothing but all its bytes tells it from another.
            digest = hashlib.sha256(self.content).hexdigest()
        return f"{control_id}#{digest[:32]}"


class Arrivals:
    """Takes messages into a clinic's store."""

    def __init__(self, store: Store, actor: Actor, knowledge: Knowledge) -> None:
        self.store, self.actor, self.knowledge = store, actor, knowledge
        self.codes: Codes = codes(knowledge)

    def take(self, arrived: Sequence[Arrived], by: By) -> tuple[list[bytes], set[str]]:
        """Stores messages and gives their answers, in order, and the patients whose assessments are behind."""
        answers: list[bytes] = []
        touched: set[str] = set()
        with self.store.write() as connection:
            for batch in _apart(arrived):
                taken = self._batch(connection, batch, by)
                answers += [taken.answers[place] for place in range(len(batch))]
                touched |= taken.touched
            root = merges.roots(connection, self.actor.clinic_id)
            touched = {root(one) for one in touched}
            reassess.mark_behind(connection, self.actor.clinic_id, touched)
        return answers, touched

    def _batch(self, connection: Connection, batch: Sequence[Arrived], by: By) -> Taken:
        taken = Taken()
        known = self._answered(connection, batch)
        who = Who(connection, self.actor.clinic_id, keys_again(self.store, connection), self.knowledge)
        who.ask([each.notice for each in batch if each.notice.outcome == "accept"])
        new: list[tuple[int, Arrived]] = []
        for place, each in enumerate(batch):
            if (before := known.get((each.notice.header.sender, each.control))) is not None:
                taken.answers[place] = before
            else:
                new.append((place, each))
        waiting: list[tuple[Arrived, str]] = []
        told: dict[int, tuple[Notice, Mapping[str, str]]] = {}
        more: dict[int, list[Problem]] = {place: [] for place, _ in new}
        for place, each in new:
            if each.notice.outcome == "error":
                faults = (problem for problem in each.notice.problems if problem.severity == "error")
                waiting.append((each, "; ".join(problem.said() for problem in faults)))
            elif each.notice.outcome == "accept":
                found = who.of(each.notice)
                if found.ids:
                    told[place] = (each.notice, found.ids)
                if found.waits:
                    waiting.append((each, found.waits))
                more[place] += found.problems
        for place, problems in zip(told, self.tell(connection, list(told.values()), who, taken, by), strict=True):
            more[place] += problems
        for place, each in new:
            taken.answers[place] = answer(each.content, each.notice, self.codes, each.at, more[place])
        self._answer(connection, new, taken, waiting, who.keys)
        return taken

    def tell(
        self,
        connection: Connection,
        told: Sequence[tuple[Notice, Mapping[str, str]]],
        who: Who,
        taken: Taken,
        by: By,
        *,
        of_file: bool = False,
    ) -> list[list[Problem]]:
        """Stores what messages say of known people; gives, for each, what its sender is told besides.

        Those of a file (`of_file`) may be the first that is heard of a person; what was set aside of them is known.
        """
        problems: list[list[Problem]] = []
        for notice, ids in told:
            problems.append(who.told(notice, ids, taken, by))
        who.keep(by)
        kept = amended.amend(connection, self.actor.clinic_id, told, by)
        for (notice, ids), each, said in zip(told, kept, problems, strict=True):
            said += [Problem(Place("MSH", 1, 7), item.what, item.why, "other", "warning") for item in each.late]
            taken.touched |= each.touched
            taken.touched |= set(ids.values()) if each.notices or each.late else set()
            taken.met |= each.met
            self._rows(notice, ids, each, who, taken, of_file=of_file)
        added = records.add(connection, self.actor.clinic_id, taken.record, by)
        taken.rows += added.rows
        taken.touched |= set(added.patients)
        return problems

    def _rows(
        self, notice: Notice, ids: Mapping[str, str], kept: amended.Amended, who: Who, taken: Taken, *, of_file: bool
    ) -> None:
        """What a message brings and sets aside of the people who are known."""
        mine = set(ids.values())
        born = {ids[said.provisional_id]: said.birth_date for said in notice.people if said.provisional_id in ids}
        for name, own in kept.record.rows.items():
            rows = [row for row in own if row[0] in mine]
            if name == "patients" and notice.event not in ABOUT_PEOPLE and not of_file:
                rows = list(filter(None, (who.contradicts(row, born.get(str(row[0]))) for row in rows)))
            taken.record.rows[name].extend(rows)
        taken.record.set_aside.extend([*kept.notices, *kept.late])
        if of_file:
            return
        asides = [item for item in kept.record.set_aside if item.patient_id in (None, *mine)]
        said = {(item.where, item.what) for item in asides}
        warned = [each for each in notice.problems if each.severity == "warning" and not each.only_told]
        # What was noted of the message itself is its person's.
        first = next(iter(ids.values()), None)
        noted = ((f"{notice.where}, {each.place}", each) for each in warned)
        asides += [
            SetAside(where, each.what, each.why, first, "partial")
            for where, each in noted
            if (where, each.what) not in said
        ]
        taken.record.set_aside.extend(asides)

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
        taken: Taken,
        waiting: Sequence[tuple[Arrived, str]],
        keys: Keys,
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
        for each, why in waiting:
            tray.put(
                connection,
                self.actor,
                each.notice,
                tray.Kept(each.content, each.ways),
                why,
                keys,
                self.knowledge,
                each.at,
            )
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


_ANSWERED = sa.select(messages.c.sender, messages.c.control, messages.c.answer).where(
    messages.c.clinic_id == sa.bindparam("clinic"),
    # Without the sender, every message of the clinic would be looked at.
    messages.c.sender.in_(sa.bindparam("senders", expanding=True)),
    messages.c.control.in_(sa.bindparam("controls", expanding=True)),
)


def _apart(arrived: Sequence[Arrived]) -> list[list[Arrived]]:
    """Batches in which no message is about a person or an order of another, and none is there twice."""
    messages = [("", f"message {each.notice.header.sender} {each.control}") for each in arrived]
    about = [subjects(each.notice) | {mine} for each, mine in zip(arrived, messages, strict=True)]
    return [[arrived[place] for place in batch] for batch in independent(about)]


def subjects(notice: Notice) -> set[tuple[str, str]]:
    """The people and orders that a message is about."""
    found = {
        (numbered.of, numbered.normal)
        for said in notice.people
        for number in (*said.identifiers, *said.previous)
        for name in number.authorities or ("",)
        if (numbered := Number(name, number.value))
    }
    names = {one for table in notice.identities.values() for one in table if one}
    names |= {one.identity for one in notice.corrections}
    return found | {("", f"order {order_of(one)}") for one in names}


def independent(about: Sequence[set[tuple[str, str]]]) -> list[list[int]]:
    """Places in batches, in order, so that within a batch nothing is about the same.

    >>> independent([{("", "a")}, {("", "b")}, {("", "b")}])
    [[0, 1], [2]]
    """
    batches: list[list[int]] = []
    seen: set[tuple[str, str]] = set()
    for place, mine in enumerate(about):
        if not batches or mine & seen:
            batches.append([])
            seen = set()
        batches[-1].append(place)
        seen |= mine
    return batches
