"""`/patients/ID`: all that is known of one patient, what the rules say of it, and what people decided.

The page shows the assessment that stands, with the version that a decision made on it must name.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.engine import Connection

from azaward.assessment import Finding, PatientAssessment
from azaward.plans import dose_in_words
from azaward.record.tables import TABLES
from azaward.reports.assessment.page import Numbers, Shown, facts, shown
from azaward.store import accounts
from azaward.store.care import merges, questions, reassess
from azaward.store.schema import RECORD, audit, decisions, handled, set_aside, worklist
from azaward.web.clinic.forms import DECISIONS
from azaward.web.shared.answer import answer, as_json, page_of
from azaward.web.shared.course import draw, known
from azaward.web.shared.room import Room, room_of
from azaward.web.shared.who import STAFF, Visitor, may, note_read

router = APIRouter(tags=["patients"])
# How many rows of a table the page holds; the JSON of the record holds them all.
ROWS_SHOWN = 60
_NEWEST = {"results": "taken_on", "exposures": "started_on", "events": "started_on", "contacts": "on"}


@dataclass(frozen=True)
class Standing:
    """A finding on the page: its mark, and who dealt with it until when, if anybody did."""

    mark: str
    shown: Shown
    handled: Mapping[str, Any] | None


@router.get("/patients/{patient_id}", summary="All that is known of one patient")
def patient(
    request: Request,
    who: Annotated[Visitor, may(*STAFF)],
    patient_id: str,
    first: Annotated[dt.date | None, Query(alias="from")] = None,
    last: Annotated[dt.date | None, Query(alias="to")] = None,
) -> Response:
    """The findings, the plan, the timeline, the rows and the history of a patient."""
    room, user = room_of(request), who.signed_in
    with room.store.read() as connection:
        if (kept := merges.roots(connection, user.clinic_id)(patient_id)) != patient_id:
            return RedirectResponse(page_of(kept), 303)
        of_this = known(connection, user.clinic_id, patient_id)
        joined = merges.ids_of(connection, user.clinic_id, patient_id)[1:]
        done = _handled(connection, user.clinic_id, patient_id, room.today())
        tables = {name: _rows(connection, name, user.clinic_id, patient_id) for name in TABLES}
        history = _decisions(connection, user.clinic_id, patient_id)
        asides = _asides(connection, user.clinic_id, patient_id)
        asked = [
            question
            for question in questions.of_patient(connection, user.clinic_id, patient_id)
            if not question.answered_at
        ]
        line = connection.execute(
            sa.select(worklist.c.assigned_to, worklist.c.note, worklist.c.since).where(
                worklist.c.clinic_id == user.clinic_id, worklist.c.patient_id == patient_id
            )
        ).one()
        staff = accounts.staff_of(connection, user.clinic_id)
    note_read(request, who, "patient", patient_id)
    numbers: Numbers = {}
    findings = [_standing(finding, room, numbers, done) for finding in of_this.assessment.findings]
    model = {
        "address": page_of(patient_id),
        "joined": joined,
        "patient": of_this.assessment,
        "version": of_this.version,
        "as_of": of_this.as_of,
        "facts": facts(of_this.assessment, of_this.record, of_this.as_of, room.knowledge, room.words),
        "protocol": _protocol(of_this.assessment.protocol, room),
        "findings": findings,
        "problems": [
            (problem.title, [findings[place] for place in problem.findings])
            for problem in of_this.assessment.plan.problems
        ],
        "dose": dose_in_words(of_this.assessment.plan.dose)[1:],
        "citations": list(numbers.values()),
        "tests": [
            {"name": room.words.name(test.analyte)[0], "due_on": test.due_on, "why": test.why}
            for test in of_this.assessment.plan.next_tests
        ],
        "chart": draw(room, of_this, first, last),
        "tables": tables,
        "decisions": history,
        "questions": asked,
        "asides": asides,
        "assigned_to": line.assigned_to,
        "note": line.note,
        "since": line.since,
        "staff": staff,
        "kinds": DECISIONS,
        "analytes": [about.name for about in room.knowledge.analytes.values()],
        "rows_shown": ROWS_SHOWN,
        "tomorrow": room.today() + dt.timedelta(days=1),
        "look_again": _look_again(of_this.assessment, room.today()),
    }
    return answer(request, "patient.html.jinja", model)


@router.get("/patients/{patient_id}/record", summary="The six tables of one patient, as azaward's own JSON")
def record(request: Request, who: Annotated[Visitor, may(*STAFF)], patient_id: str) -> Response:
    """Everything that stands of the patient, in the words of `azaward assess`: a file to take along."""
    room, user = room_of(request), who.signed_in
    with room.store.read() as connection:
        of_this = known(connection, user.clinic_id, patient_id)
    note_read(request, who, "record", patient_id)
    rows = {
        name: [dict(zip([column.name for column in columns], row, strict=True)) for row in of_this.record.rows[name]]
        for name, columns in TABLES.items()
    }
    return as_json(rows)


@router.get("/patients/{patient_id}/history", summary="Who read or changed a patient's record")
def history(request: Request, who: Annotated[Visitor, may("clinician", "administrator")], patient_id: str) -> Response:
    """The patient's part of the audit trail, the newest first."""
    room, user = room_of(request), who.signed_in
    with room.store.read() as connection:
        known(connection, user.clinic_id, patient_id)
        ids = merges.ids_of(connection, user.clinic_id, patient_id)
        question = (
            sa.select(audit.c.seq, audit.c.at, audit.c.actor, audit.c.action, audit.c.detail)
            .where(audit.c.clinic_id == user.clinic_id, audit.c.subject.in_(ids))
            .order_by(audit.c.seq.desc())
            .limit(500)
        )
        entries = [dict(row) for row in connection.execute(question).mappings()]
    note_read(request, who, "history", patient_id)
    return answer(request, "history.html.jinja", {"patient_id": patient_id, "entries": entries})


def _standing(finding: Finding, room: Room, numbers: Numbers, done: Mapping[str, Mapping[str, Any]]) -> Standing:
    mark = reassess.fingerprint(finding)
    return Standing(mark, shown(finding, room.knowledge, room.words, numbers), done.get(mark))


def _look_again(patient: PatientAssessment, today: dt.date) -> dt.date:
    """The day that a form proposes for looking again: when the next test is due, and tomorrow if that has passed."""
    tomorrow = today + dt.timedelta(days=1)
    return max(tomorrow, min((test.due_on for test in patient.plan.next_tests), default=tomorrow))


def _protocol(name: str, room: Room) -> str:
    held = room.knowledge.protocols.get(name)
    return f"{held.title} ({held.body}, {held.published_on})" if held else "the most cautious of all protocols"


def _handled(connection: Connection, clinic_id: str, patient_id: str, today: dt.date) -> dict[str, Mapping[str, Any]]:
    question = (
        sa.select(handled.c.finding, handled.c.how, handled.c.why, handled.c.until, handled.c.by, handled.c.at)
        .where(handled.c.clinic_id == clinic_id, handled.c.patient_id == patient_id, handled.c.until > today)
        .order_by(handled.c.id)
    )
    return {row["finding"]: dict(row) for row in connection.execute(question).mappings()}


def _rows(connection: Connection, name: str, clinic_id: str, patient_id: str) -> list[dict[str, Any]]:
    """The newest rows of a table, those struck out among them."""
    table = RECORD[name]
    order = table.c[_NEWEST[name]].desc() if name in _NEWEST else table.c.id.desc()
    names = [column.name for column in TABLES[name]][1:]
    extra = ("id", "entered_by", "entered_at", "struck_by", "struck_at", "struck_why")
    question = (
        sa.select(*(table.c[column] for column in (*names, *extra)))
        .where(table.c.clinic_id == clinic_id, table.c.patient_id.in_(merges.ids_of(connection, clinic_id, patient_id)))
        .order_by(order, table.c.id.desc())
        .limit(ROWS_SHOWN)
    )
    return [dict(row) for row in connection.execute(question).mappings()]


def _decisions(connection: Connection, clinic_id: str, patient_id: str) -> list[dict[str, Any]]:
    question = (
        sa.select(decisions.c.kind, decisions.c.words, decisions.c.findings, decisions.c.by, decisions.c.at)
        .where(
            decisions.c.clinic_id == clinic_id,
            decisions.c.patient_id.in_(merges.ids_of(connection, clinic_id, patient_id)),
        )
        .order_by(decisions.c.id.desc())
    )
    rows = [dict(row) for row in connection.execute(question).mappings()]
    return [{**row, "findings": json.loads(row["findings"])} for row in rows]


def _asides(connection: Connection, clinic_id: str, patient_id: str) -> list[dict[str, Any]]:
    names = ("id", "where", "what", "why", "resolved_by", "resolved_at", "resolved_why")
    question = (
        sa.select(*(set_aside.c[name] for name in names))
        .where(
            set_aside.c.clinic_id == clinic_id,
            set_aside.c.patient_id.in_(merges.ids_of(connection, clinic_id, patient_id)),
        )
        .order_by(set_aside.c.id.desc())
    )
    return [dict(row) for row in connection.execute(question).mappings()]
