"""Acts of staff on a patient's record.

Each act is one transaction: the change, its entry in the audit trail, and the patient's new assessment. An act that
depends on what the user saw names the version that was shown. If someone else has changed the patient since,
`ChangedMeanwhileError` says who, and nothing is changed.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.errors import StoreError
from azaward.knowledge import Knowledge
from azaward.record.tables import Cell, Record
from azaward.store import audit
from azaward.store.audit import Entry
from azaward.store.care import merges, reassess, records
from azaward.store.care.records import By
from azaward.store.database import Store
from azaward.store.schema import RECORD, assessments, decisions, handled, worklist

How = Literal["done", "snoozed"]


class ChangedMeanwhileError(StoreError):
    """Someone changed the patient after the page was shown; the message says who and what."""


class NoSuchPatientError(StoreError):
    """The clinic has no patient with this id."""


@dataclass(frozen=True)
class Actor:
    """The person acting: their login, their clinic, and the day that counts as today for them."""

    login: str
    clinic_id: str
    today: dt.date

    def by(self) -> By:
        """The same person as the author of rows, at the present time."""
        return By(self.login, dt.datetime.now(dt.UTC))


def add_rows(
    store: Store, actor: Actor, tables: Mapping[str, Sequence[Mapping[str, Cell]]], knowledge: Knowledge
) -> int:
    """Stores rows that were entered by hand, assesses their patients, and returns the number of new rows."""
    record = Record.of(tables)
    with store.write() as connection:
        added = records.add(connection, actor.clinic_id, record, actor.by())
        for name, rows in tables.items():
            for row in rows:
                detail = {"table": name, "row": dict(row)}
                audit.append(connection, [Entry(actor.login, "enter", actor.clinic_id, str(row["patient_id"]), detail)])
        reassess.reassess(connection, actor.clinic_id, added.patients, actor.today, knowledge)
    return added.rows


def strike(
    store: Store, actor: Actor, patient_id: str, table: str, row_id: int, why: str, knowledge: Knowledge
) -> None:
    """Strikes a patient's row out."""
    with store.write() as connection:
        if not records.strike(connection, actor.clinic_id, patient_id, table, row_id, actor.by(), why):
            raise NoSuchPatientError(f"{table} {row_id}: patient {patient_id} has no such row, or it was struck out.")
        detail = {"table": table, "row": row_id, "why": why}
        audit.append(connection, [Entry(actor.login, "strike", actor.clinic_id, patient_id, detail)])
        reassess.reassess(connection, actor.clinic_id, [patient_id], actor.today, knowledge)


def change_dose(
    connection: Connection, actor: Actor, patient_id: str, medicine: str, mg_per_day: float | None, day: dt.date
) -> None:
    """Ends current entries of a medicine on a day and, unless it is stopped (None), begins the new dose on that day.

    Planned entries that never began are struck out and replaced by the new dose.
    """
    rows = RECORD["exposures"]
    by = actor.by()
    running = connection.execute(
        sa.select(rows).where(
            rows.c.clinic_id == actor.clinic_id,
            rows.c.patient_id.in_(merges.ids_of(connection, actor.clinic_id, patient_id)),
            rows.c.medicine == medicine,
            rows.c.struck_at.is_(None),
            rows.c.stopped_on.is_(None) | (rows.c.stopped_on > day),
        )
    ).mappings()
    new: list[dict[str, Cell]] = []
    names = [column.name for column in records.TABLES["exposures"]]
    for row in running.all():
        records.strike(connection, actor.clinic_id, patient_id, "exposures", row["id"], by, "the dose was changed")
        begun = row["started_on"] is not None or row["started_text"] is not None
        if begun and (row["started_on"] is None or row["started_on"] < day):
            new.append({name: row[name] for name in names} | {"stopped_on": day})
    if mg_per_day is not None:
        new.append({"patient_id": patient_id, "medicine": medicine, "dose_mg_per_day": mg_per_day, "started_on": day})
    records.add(connection, actor.clinic_id, Record.of({"exposures": new}), by)


@dataclass(frozen=True)
class Decision:
    """What was decided on the version of a patient that somebody saw, and until when that deals with findings.

    `dose` is a medicine, its new dose in mg a day (None: stopped) and the first day of it.
    """

    version: int
    kind: str
    words: str
    findings: Sequence[str]
    until: dt.date
    dose: tuple[str, float | None, dt.date] | None = None


def decide(store: Store, actor: Actor, patient_id: str, decision: Decision, knowledge: Knowledge) -> None:
    """Records what was decided about a patient: these findings are dealt with until a day."""
    kind, words, findings, dose = decision.kind, decision.words, list(decision.findings), decision.dose
    with store.write() as connection:
        _claim(connection, actor, patient_id, decision.version)
        by = actor.by()
        connection.execute(
            sa.insert(decisions).values(
                clinic_id=actor.clinic_id,
                patient_id=patient_id,
                kind=kind,
                words=words,
                findings=json.dumps(findings),
                by=by.who,
                at=by.at,
            )
        )
        _handle(connection, actor, patient_id, findings, "done", f"{kind}: {words}", decision.until)
        if dose is not None:
            change_dose(connection, actor, patient_id, *dose)
        detail = {"kind": kind, "words": words, "findings": findings, "until": decision.until, "dose": dose}
        audit.append(connection, [Entry(actor.login, "decide", actor.clinic_id, patient_id, detail)])
        reassess.reassess(connection, actor.clinic_id, [patient_id], actor.today, knowledge)


def handle(
    store: Store,
    actor: Actor,
    patient_id: str,
    version: int,
    findings: Sequence[str],
    how: How,
    why: str,
    until: dt.date,
    knowledge: Knowledge,
) -> None:
    """Marks findings as done (and how) or snoozed (and why) until a day, without changing the patient's record."""
    with store.write() as connection:
        _claim(connection, actor, patient_id, version)
        _handle(connection, actor, patient_id, findings, how, why, until)
        detail = {"findings": list(findings), "why": why, "until": until}
        audit.append(connection, [Entry(actor.login, how, actor.clinic_id, patient_id, detail)])
        reassess.relist(connection, actor.clinic_id, patient_id, actor.today, knowledge)


def assign(store: Store, actor: Actor, patient_id: str, to: str | None, note: str | None) -> None:
    """Assigns a patient's line on the worklist to someone, with a note."""
    with store.write() as connection:
        assigned = connection.execute(
            sa.update(worklist)
            .where(worklist.c.clinic_id == actor.clinic_id, worklist.c.patient_id == patient_id)
            .values(assigned_to=to or None, note=note or None)
        )
        if assigned.rowcount == 0:
            raise NoSuchPatientError(f"patient {patient_id}: not a patient of this clinic.")
        audit.append(connection, [Entry(actor.login, "assign", actor.clinic_id, patient_id, {"to": to, "note": note})])
        reassess.changed(connection, actor.clinic_id)


def resolve(store: Store, actor: Actor, patient_id: str, aside_id: int, why: str, knowledge: Knowledge) -> None:
    """Marks a patient's set-aside item as reviewed."""
    with store.write() as connection:
        if not records.resolve(connection, actor.clinic_id, patient_id, aside_id, actor.by(), why):
            raise NoSuchPatientError(
                f"set aside {aside_id}: patient {patient_id} has no such item, or it is already reviewed."
            )
        detail = {"set_aside": aside_id, "why": why}
        audit.append(connection, [Entry(actor.login, "resolve", actor.clinic_id, patient_id, detail)])
        reassess.reassess(connection, actor.clinic_id, [patient_id], actor.today, knowledge)


def _claim(connection: Connection, actor: Actor, patient_id: str, version: int) -> None:
    """Advances a patient's version, unless someone else has done so since `version` was shown."""
    of_this = (assessments.c.clinic_id == actor.clinic_id, assessments.c.patient_id == patient_id)
    taken = connection.execute(
        sa.update(assessments).where(*of_this, assessments.c.version == version).values(version=version + 1)
    )
    if taken.rowcount == 1:
        return
    if connection.execute(sa.select(assessments.c.version).where(*of_this)).one_or_none() is None:
        raise NoSuchPatientError(f"patient {patient_id}: not a patient of this clinic.")
    acts = ("enter", "strike", "decide", "done", "snoozed", "resolve", "import")
    latest = connection.execute(
        sa.select(audit.audit.c.actor, audit.audit.c.action, audit.audit.c.at)
        .where(
            audit.audit.c.clinic_id == actor.clinic_id,
            audit.audit.c.subject == patient_id,
            audit.audit.c.action.in_(acts),
        )
        .order_by(audit.audit.c.seq.desc())
        .limit(1)
    ).one_or_none()
    what = f"{latest.actor} ({latest.action}, {latest.at[:16]})" if latest else "a new assessment"
    raise ChangedMeanwhileError(
        f"patient {patient_id}: changed by {what} since you opened the page. Your change was not saved. "
        "Review the current record, then decide."
    )


def _handle(
    connection: Connection,
    actor: Actor,
    patient_id: str,
    findings: Sequence[str],
    how: How,
    why: str,
    until: dt.date,
) -> None:
    now = dt.datetime.now(dt.UTC)
    rows = [
        {
            "clinic_id": actor.clinic_id,
            "patient_id": patient_id,
            "finding": finding,
            "how": how,
            "why": why,
            "until": until,
            "by": actor.login,
            "at": now,
        }
        for finding in findings
    ]
    if rows:
        connection.execute(sa.insert(handled), rows)
