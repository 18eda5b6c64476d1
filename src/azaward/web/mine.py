"""`/mine`: a patient's own treatment, in plain words. Whose it is comes from the account, never from the address."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response
from sqlalchemy.engine import Connection

from azaward.formats.booklet import booklet_pdf
from azaward.formats.calendar_file import NothingPlannedError, next_tests_ics
from azaward.formats.letters import first_due
from azaward.formats.report_page import letter
from azaward.formats.report_series import dose_steps, rows_of, timeline
from azaward.knowledge import URGENCIES
from azaward.store import questions
from azaward.store.acts import Actor, NoSuchPatientError
from azaward.store.schema import clinics
from azaward.web.answer import answer, done
from azaward.web.patient import Known, draw, known
from azaward.web.room import Room, room_of
from azaward.web.who import Visitor, actor, may, note_read
from azaward.wording import messages

router = APIRouter(tags=["my treatment"])
_LONGEST = 2000


@router.get("/mine", summary="My next test, what to do, my dose and my medicines")
def mine(request: Request, who: Annotated[Visitor, may("patient")]) -> Response:
    """The patient's first page."""
    room, by, patient_id = room_of(request), actor(request, who), _own(who)
    with room.store.read() as connection:
        me, clinic = known(connection, by.clinic_id, patient_id), _clinic(connection, by.clinic_id)
        asked = [one for one in questions.of_patient(connection, by.clinic_id, patient_id) if one.answered_at is None]
    note_read(request, who, "mine", patient_id)
    decision = me.assessment.plan.dose.decision
    drug, steps = dose_steps(me.record, room.knowledge, me.as_of)
    running = steps[-1] if steps and steps[-1].end > me.as_of else None
    model = {
        "patient_id": patient_id,
        "as_of": me.as_of,
        "clinic": clinic,
        "urgent": me.assessment.plan.urgency in URGENCIES[:2],
        "urgency": me.assessment.plan.urgency,
        "lead": str(messages()["actions"].get(decision, "")),
        "decision": decision,
        "parts": letter(me.assessment.findings),
        "tests": _tests(me, room),
        "drug": drug,
        "dose_mg": running.mg if running else None,
        "takes": running is not None,
        "medicines": _medicines(me, room),
        "questions": len(asked),
    }
    return answer(request, "mine.html.jinja", model)


@router.get("/mine/results", summary="My results in plain words and as a picture")
def results(
    request: Request,
    who: Annotated[Visitor, may("patient")],
    first: Annotated[dt.date | None, Query(alias="from")] = None,
    last: Annotated[dt.date | None, Query(alias="to")] = None,
) -> Response:
    """The patient's results over time, and the newest of each with what it means."""
    room, by, patient_id = room_of(request), actor(request, who), _own(who)
    with room.store.read() as connection:
        me = known(connection, by.clinic_id, patient_id)
    note_read(request, who, "my results", patient_id)
    chosen = me.assessment.protocol in room.knowledge.protocols
    course = timeline(me.assessment, me.record, room.knowledge, me.as_of, chosen=chosen)
    newest = [
        {
            "name": room.words.name(series.analyte)[1],
            "meaning": room.knowledge.analytes[series.analyte].plain_meaning,
            "value": series.points[-1].value,
            "comparator": series.points[-1].comparator,
            "unit": series.unit,
            "on": series.points[-1].on,
            "spoken_of": series.points[-1].found,
        }
        for series in (course.series if course else ())
    ]
    model = {"chart": draw(room, me, first, last, plain=True), "newest": newest, "as_of": me.as_of}
    return answer(request, "mine_results.html.jinja", model)


@router.get("/mine/next-tests.ics", summary="My next tests for a calendar")
def next_tests(request: Request, who: Annotated[Visitor, may("patient")]) -> Response:
    """A calendar file; it says nothing of the illness."""
    room, by, patient_id = room_of(request), actor(request, who), _own(who)
    with room.store.read() as connection:
        me, clinic = known(connection, by.clinic_id, patient_id), _clinic(connection, by.clinic_id)
    note_read(request, who, "my calendar", patient_id)
    try:
        made = next_tests_ics(me.assessment, clinic["name"], me.as_of)
    except NothingPlannedError:
        raise NoSuchPatientError("No test is planned. Ask your team when the next one is.") from None
    return _file(made, "text/calendar; charset=utf-8", "blood-tests.ics")


@router.get("/mine/booklet.pdf", summary="My treatment booklet, to print")
def booklet(request: Request, who: Annotated[Visitor, may("patient")]) -> Response:
    """The booklet as a PDF."""
    room, by, patient_id = room_of(request), actor(request, who), _own(who)
    with room.store.read() as connection:
        me, clinic = known(connection, by.clinic_id, patient_id), _clinic(connection, by.clinic_id)
    note_read(request, who, "my booklet", patient_id)
    made = booklet_pdf(me.assessment, me.record, room.knowledge, clinic["name"], clinic["phone"], me.as_of)
    return _file(made, "application/pdf", "booklet.pdf")


@router.get("/mine/questions", summary="My questions for the next visit")
def my_questions(request: Request, who: Annotated[Visitor, may("patient")]) -> Response:
    """The questions, the open ones first."""
    room, by, patient_id = room_of(request), actor(request, who), _own(who)
    with room.store.read() as connection:
        held = questions.of_patient(connection, by.clinic_id, patient_id)
    note_read(request, who, "my questions", patient_id)
    open_ones = [one for one in held if one.answered_at is None]
    model = {"open": open_ones, "answered": [one for one in held if one.answered_at is not None]}
    return answer(request, "mine_questions.html.jinja", model)


@router.post("/mine/questions", summary="Writes a question down")
def ask(
    request: Request, who: Annotated[Visitor, may("patient")], words: Annotated[str, Form(max_length=_LONGEST)]
) -> Response:
    """Keeps the question; the clinic sees it on the patient's page."""
    questions.ask(room_of(request).store, actor(request, who), _own(who), words)
    return done(request, "/mine/questions")


@router.post("/mine/questions/{number}/answered", summary="Marks a question as answered")
def answered(request: Request, who: Annotated[Visitor, may("patient")], number: int) -> Response:
    """The question stays to be seen."""
    by: Actor = actor(request, who)
    if not 0 < number < 2**31:
        raise NoSuchPatientError(f"question {number}: not there.")
    questions.answered(room_of(request).store, by, _own(who), number)
    return done(request, "/mine/questions")


def _own(who: Visitor) -> str:
    """The patient that the account belongs to."""
    patient_id = who.signed_in.patient_id
    if patient_id is None:
        raise NoSuchPatientError("This account belongs to no patient. Ask your clinic for an invitation.")
    return patient_id


def _clinic(connection: Connection, clinic_id: str) -> dict[str, Any]:
    return dict(connection.execute(sa.select(clinics).where(clinics.c.id == clinic_id)).mappings().one())


def _tests(me: Known, room: Room) -> list[dict[str, Any]]:
    """Each test with the day it is due by, the earliest first."""
    due = first_due(me.assessment, me.as_of)
    tests = [
        {"name": room.words.name(name)[1], "due_on": day, "days": (day - me.as_of).days} for name, day in due.items()
    ]
    return sorted(tests, key=lambda test: test["due_on"])


def _medicines(me: Known, room: Room) -> list[dict[str, Any]]:
    """What is taken now or planned, in plain names."""
    taken: list[dict[str, Any]] = []
    for row in rows_of(me.record, "exposures"):
        if row["stopped_on"] and row["stopped_on"] <= me.as_of:
            continue
        name = room.words.name(str(row["medicine"]).removeprefix("unknown:"))[0]
        begun = row["started_on"] is not None or row["started_text"] is not None
        planned = not begun or bool(row["started_on"] and row["started_on"] > me.as_of)
        taken.append(
            {"name": name, "mg": row["dose_mg_per_day"], "frequency": row["frequency"], "since": row["started_on"]}
            | {"planned": planned}
        )
    return taken


def _file(content: bytes, kind: str, name: str) -> Response:
    return Response(content, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})
