"""The tray of messages that match no known patient: kept sealed until somebody says which patient each is about.

The sender has its answer and sends the next result; nothing waits behind. A clinician must look at a severe value in
the tray the same day, because the patient is still to be found.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward import assessment
from azaward.assessment import Finding
from azaward.errors import StoreError
from azaward.knowledge import Knowledge
from azaward.readers.hl7.messages import read_frame
from azaward.readers.hl7.notice import Notice
from azaward.readers.hl7.senders import ANY, Sender, Senders
from azaward.record.names import UNNAMED
from azaward.record.tables import Record
from azaward.store import audit
from azaward.store.audit import Entry
from azaward.store.care.acts import Actor
from azaward.store.care.rows import By
from azaward.store.keys import Keys
from azaward.store.schema import unmatched

# Who looks at what is severe in the tray, today.
ROLE = "clinician"


NOBODYS = Senders()
# What stands before a message that is kept with its sender's settings.
_WITH_WAYS = b"\x00azaward\x00"


@dataclass(frozen=True)
class Kept:
    """A message as it came, and its sender's settings, by which it was read."""

    content: bytes
    ways: Sender

    def whole(self) -> bytes:
        """Both, to be sealed.

        >>> Kept.of(Kept(b"MSH|", Sender("LAB|*", zone="UTC")).whole()).ways.zone, Kept.of(b"MSH|").ways.zone
        ('UTC', None)
        """
        return _WITH_WAYS + msgspec.json.encode(self.ways) + b"\n" + self.content

    @staticmethod
    def of(whole: bytes) -> Kept:
        """What was sealed; a message of an earlier version stands alone."""
        if not whole.startswith(_WITH_WAYS):
            return Kept(whole, ANY)
        ways, _, content = whole.removeprefix(_WITH_WAYS).partition(b"\n")
        return Kept(content, msgspec.json.decode(ways, type=Sender))


@dataclass(frozen=True)
class Waiting:
    """A message in the tray: who sent it, why it waits, and what is severe in it."""

    id: int
    sender: str
    why: str
    severe: str | None
    at: dt.datetime


@dataclass(frozen=True)
class Settled:
    """A message that somebody assigned or discarded: when, how, and whose it is now."""

    id: int
    sender: str
    resolved_by: str
    resolved_at: dt.datetime
    resolved_how: str
    patient_id: str | None

    def step(self) -> By:
        """Who stored it, and when: all that it brought bears the same."""
        return By(self.resolved_by, self.resolved_at)


def put(
    connection: Connection,
    actor: Actor,
    notice: Notice,
    kept: Kept,
    why: str,
    keys: Keys,
    knowledge: Knowledge,
    at: dt.datetime,
) -> None:
    """Keeps a message in the tray."""
    key, sealed = keys.seal(kept.whole())
    connection.execute(
        sa.insert(unmatched).values(
            clinic_id=actor.clinic_id,
            sender=notice.header.sender,
            sealed=sealed,
            key=key,
            why=why,
            severe=severe(notice.record, actor.today, knowledge),
            at=at,
        )
    )


def severe(record: Record, today: dt.date, knowledge: Knowledge) -> str | None:
    """What the rules would find severe in results, whoever they are of: nothing says that no thiopurine is taken."""
    people = record.patient_ids()
    if not any(record.rows["results"]):
        return None
    unknown = Record.of(
        {"exposures": [{"patient_id": one, "medicine": UNNAMED, "started_on": today} for one in people]}
    )
    asked = replace(record, rows={**record.rows, "exposures": unknown.rows["exposures"]}, set_aside=[])
    found = assessment.assess(asked, today, "auto", knowledge)
    each = (finding for patient in found.patients for finding in patient.findings)
    says = [_beyond(finding) for finding in each if finding.code == "severe_count_unknown_treatment"]
    return "; ".join(dict.fromkeys(says)) or None


def _beyond(finding: Finding) -> str:
    """What is severe, and on which side of the limit it lies."""
    said, seen, limit = finding.says.split(", in a record")[0], finding.observed, finding.limit
    if seen is None or limit is None or not isinstance(seen.value, (int, float)):
        return said
    return said.replace(", beyond ", ", below " if seen.value < limit.value else ", above ")


def waiting(connection: Connection, clinic_id: str) -> list[Waiting]:
    """The messages in the tray: severe ones first, then the oldest."""
    question = (
        sa.select(unmatched.c.id, unmatched.c.sender, unmatched.c.why, unmatched.c.severe, unmatched.c.at)
        .where(unmatched.c.clinic_id == clinic_id, unmatched.c.resolved_at.is_(None))
        .order_by(unmatched.c.severe.is_(None), unmatched.c.id)
    )
    return [Waiting(*row) for row in connection.execute(question)]


def listed(connection: Connection, actor: Actor, opened: bool = False) -> list[Waiting]:
    """What waits, for somebody who reads the list; the audit trail records that they did, and whether it was opened."""
    found = waiting(connection, actor.clinic_id)
    detail = {"messages": [one.id for one in found], "opened": opened}
    audit.append(connection, [Entry(actor.login, "list messages", actor.clinic_id, None, detail)])
    return found


def content(connection: Connection, actor: Actor, number: int, keys: Keys) -> Kept:
    """A message in the tray, as it arrived; the audit trail records that somebody read it. Raises `StoreError`."""
    row = _row(connection, actor.clinic_id, number)
    audit.append(connection, [Entry(actor.login, "read message", actor.clinic_id, str(number), {})])
    return Kept.of(keys.opened(row.key, row.sealed))


def settled_ones(connection: Connection, actor: Actor) -> list[Settled]:
    """What was assigned or discarded, for somebody who reads the list; the audit trail records that they did."""
    found = settled(connection, actor.clinic_id)
    detail = {"settled": [one.id for one in found]}
    audit.append(connection, [Entry(actor.login, "list messages", actor.clinic_id, None, detail)])
    return found


def contents(connection: Connection, clinic_id: str, keys: Keys) -> dict[int, Kept]:
    """The waiting messages that these keys open, by number."""
    question = sa.select(unmatched.c.id, unmatched.c.key, unmatched.c.sealed).where(
        unmatched.c.clinic_id == clinic_id, unmatched.c.resolved_at.is_(None)
    )
    rows = connection.execute(question).all()
    return {row.id: Kept.of(keys.opened(row.key, row.sealed)) for row in rows if row.key in keys.each}


def read(held: Kept, number: int, knowledge: Knowledge, senders: Senders = NOBODYS) -> Notice:
    """What a message of the tray says, as these settings or those of its arrival mean it."""
    senders = senders if senders.known else Senders((held.ways,))
    return read_frame(held.content, knowledge, f"message {number}", senders)


def resolve(
    connection: Connection, actor: Actor, number: int, how: str, patient_id: str | None, by: By | None = None
) -> None:
    """Takes a message out of the tray: stored for a patient, or set down with a reason. Raises `StoreError`."""
    _row(connection, actor.clinic_id, number)
    by = by or actor.by()
    connection.execute(
        sa.update(unmatched)
        .where(unmatched.c.id == number)
        .values(resolved_by=by.who, resolved_at=by.at, resolved_how=how, patient_id=patient_id)
    )
    detail = {"how": how, "patient_id": patient_id}
    audit.append(connection, [Entry(actor.login, "resolve message", actor.clinic_id, str(number), detail)])


def put_back(connection: Connection, actor: Actor, number: int, why: str, detail: Mapping[str, object]) -> None:
    """Puts an assigned message back; the audit trail records why, and what was taken back."""
    empty = {"resolved_by": None, "resolved_at": None, "resolved_how": None, "patient_id": None}
    connection.execute(sa.update(unmatched).where(unmatched.c.id == number).values(empty))
    entry = Entry(actor.login, "unassign message", actor.clinic_id, str(number), {"why": why, **detail})
    audit.append(connection, [entry])


def settled(connection: Connection, clinic_id: str, number: int | None = None) -> list[Settled]:
    """The messages that were assigned or discarded, the latest first; with a number, that one. Raises `StoreError`."""
    columns = [unmatched.c[name] for name in Settled.__dataclass_fields__]
    question = sa.select(*columns).where(unmatched.c.clinic_id == clinic_id, unmatched.c.resolved_at.is_not(None))
    if number is not None:
        question = question.where(unmatched.c.id == number)
    found = [Settled(*row) for row in connection.execute(question.order_by(unmatched.c.resolved_at.desc()))]
    if number is not None and not found:
        raise StoreError(f"message {number}: not assigned. Expected a number from: azaward tray list --settled")
    return found


def _row(connection: Connection, clinic_id: str, number: int) -> Any:
    question = sa.select(unmatched.c.key, unmatched.c.sealed).where(
        unmatched.c.clinic_id == clinic_id, unmatched.c.id == number, unmatched.c.resolved_at.is_(None)
    )
    row = connection.execute(question).one_or_none()
    if row is None:
        raise StoreError(f"message {number}: not in the tray. Expected a number from: azaward tray list")
    return row


def numbers(each: Sequence[Waiting]) -> tuple[int, int]:
    """How many wait, and how many of them have something severe."""
    return len(each), sum(one.severe is not None for one in each)
