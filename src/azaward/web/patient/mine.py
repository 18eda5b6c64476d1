"""`/mine`: a patient's own pages: my next test, what to do now, my dose and medicines, my results, my questions.

Whose record is shown is told by the account that is signed in and by nothing in the address, so that nobody can ask
for another's. Every word about health is a finding's, a table's or the advice's own.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import Response
from sqlalchemy.engine import Connection

from azaward.assessment import first_due
from azaward.reports.patient.booklet import booklet_content, booklet_pdf
from azaward.reports.patient.calendar_file import NothingPlannedError, next_tests_ics
from azaward.reports.patient.letters import in_patient_words
from azaward.reports.words import SOON, printable
from azaward.store.care import questions, reassess
from azaward.store.care.acts import NoSuchPatientError
from azaward.store.care.questions import NoSuchQuestionError
from azaward.store.schema import clinics
from azaward.web.patient.results import results_of
from azaward.web.shared.answer import answer, as_json, done, failed, wants_json
from azaward.web.shared.course import Known, draw, known
from azaward.web.shared.room import Room, room_of
from azaward.web.shared.sources import Source, sources_of
from azaward.web.shared.who import Visitor, actor, may, note_read

router = APIRouter(tags=["mine"])
_URGENT = ("emergency", "same-day")
# How soon: some of what can wait for the next visit names a time of its own.
_SOON = {**SOON, "routine": "Also"}
_EMERGENCY_CALL = "ambulance"


@dataclass(frozen=True)
class Clinic:
    """Whom to call."""

    name: str
    phone: str | None


@dataclass(frozen=True)
class MyTest:
    """A test of mine: when, how many days are left (less than none: overdue), and why it is done."""

    name: str
    due_on: dt.date
    days: int
    why: str
    sources: list[Source]


@dataclass(frozen=True)
class Told:
    """What a finding says to the patient; `seen` where the team has dealt with it already."""

    urgency: str
    soon: str
    says: str
    seen: bool
    sources: list[Source]


@dataclass(frozen=True)
class Mine:
    """What the patient's pages stand on, read together."""

    patient_id: str
    of_me: Known
    clinic: Clinic
    seen: frozenset[str]
    asked: list[questions.Question]


def _mine(request: Request, who: Visitor, what: str) -> Mine:
    """The signed-in patient's own record; the read is in the audit trail before anything is shown."""
    room, user = room_of(request), who.signed_in
    patient_id = user.patient_id
    if patient_id is None:
        raise NoSuchPatientError("This account belongs to no patient. Ask your clinic to invite you again.")
    with room.store.read() as connection:
        clinic = _clinic(connection, user.clinic_id)
        asked = questions.of_patient(connection, user.clinic_id, patient_id)
        try:
            of_me = known(connection, user.clinic_id, patient_id)
        except NoSuchPatientError:
            line = f"Your record is not here yet. Ask your clinic ({clinic.name}) about it."
            raise NoSuchPatientError(line) from None
        seen = reassess.hidden_findings(connection, user.clinic_id, [patient_id], room.today())
    note_read(request, who, what, patient_id)
    return Mine(patient_id, of_me, clinic, seen.get(patient_id, frozenset()), asked)


@router.get("/mine", summary="My next test, what to do now, my dose and my medicines")
def mine(request: Request, who: Annotated[Visitor, may("patient")]) -> Response:
    """Where a patient's pages begin."""
    room = room_of(request)
    me = _mine(request, who, "my treatment")
    content = _content(me, room)
    told = _told(me, room)
    calls = {row.id: row.who_patient for row in room.knowledge.tables["advice_calls"]}
    model = {
        **_about(me, room),
        "tests": _tests(me, room),
        "now": [line for line in told if line.urgency in _URGENT],
        "soon": [line for line in told if line.urgency not in (*_URGENT, "info")],
        "good_to_know": [line for line in told if line.urgency == "info"],
        "held": content["held"],
        "advice": content["advice"],
        "medicines": content["medicines"],
        "facts": content["about"],
        "missing": content["missing"],
        "emergency": calls[_EMERGENCY_CALL],
        "questions": sum(question.answered_at is None for question in me.asked),
    }
    return answer(request, "mine.html.jinja", model)


@router.get("/mine/results", summary="My results, in plain words and as a picture")
def my_results(
    request: Request,
    who: Annotated[Visitor, may("patient")],
    first: Annotated[dt.date | None, Query(alias="from")] = None,
    last: Annotated[dt.date | None, Query(alias="to")] = None,
) -> Response:
    """What each test showed last and before, over time, and at which values the clinic acts."""
    room = room_of(request)
    me = _mine(request, who, "my results")
    of_me = me.of_me
    content = _content(me, room)
    groups = results_of(of_me.assessment, of_me.record, room.knowledge, room.words, of_me.as_of)
    model = {
        **_about(me, room),
        "groups": groups,
        "missing": content["missing"],
        "limits_from": content["limits_from"],
        "unused": len(of_me.record.set_aside),
    }
    if wants_json(request):
        return as_json(model)
    return answer(request, "mine_results.html.jinja", {**model, "chart": draw(room, of_me, first, last, plain=True)})


@router.get("/mine/next-tests.ics", summary="My next tests, for the calendar of my telephone")
def my_calendar(request: Request, who: Annotated[Visitor, may("patient")]) -> Response:
    """A calendar file with a reminder the day before."""
    me = _mine(request, who, "my calendar")
    try:
        made = next_tests_ics(me.of_me.assessment, me.clinic.name, room_of(request).today())
    except NothingPlannedError:
        line = "No test is planned for you here, so there is nothing for a calendar. Ask your clinic when the next is."
        return failed(request, 404, line, "Nothing planned")
    named = {"content-disposition": 'attachment; filename="next-tests.ics"'}
    return Response(made, media_type="text/calendar; charset=utf-8", headers=named)


@router.get("/mine/booklet.pdf", summary="My booklet, to print")
def my_booklet(request: Request, who: Annotated[Visitor, may("patient")]) -> Response:
    """Medicines, next tests, recent results, what to do: on paper."""
    room = room_of(request)
    me = _mine(request, who, "my booklet")
    of_me, clinic = me.of_me, me.clinic
    made = booklet_pdf(of_me.assessment, of_me.record, room.knowledge, clinic.name, clinic.phone, of_me.as_of)
    named = {"content-disposition": 'inline; filename="booklet.pdf"'}
    return Response(made, media_type="application/pdf", headers=named)


@router.get("/mine/questions", summary="What I want to ask at my next visit")
def my_questions(request: Request, who: Annotated[Visitor, may("patient")]) -> Response:
    """The questions that are open, and those that were answered."""
    me = _mine(request, who, "my questions")
    return answer(request, "mine_questions.html.jinja", _questions(me, room_of(request)))


@router.post("/mine/questions", summary="Writes a question down")
def ask(request: Request, who: Annotated[Visitor, may("patient")], words: Annotated[str, Form()] = "") -> Response:
    """One more question for the next visit."""
    me = _mine(request, who, "my questions")
    number = questions.ask(room_of(request).store, actor(request, who), me.patient_id, printable(words))
    return done(request, "/mine/questions", question=number)


@router.post("/mine/questions/{number}/answered", summary="Marks a question as answered")
def mark_answered(
    request: Request, who: Annotated[Visitor, may("patient")], number: Annotated[int, Path(ge=1, le=2**31 - 1)]
) -> Response:
    """The question was answered; it stays on the page, below those that are open."""
    me = _mine(request, who, "my questions")
    try:
        questions.answered(room_of(request).store, actor(request, who), me.patient_id, number)
    except NoSuchQuestionError:
        return failed(request, 404, f"There is no open question {number} of yours.", "Not found")
    return done(request, "/mine/questions", question=number)


def _about(me: Mine, room: Room) -> dict[str, Any]:
    """What stands on each of the pages: the clinic, the day of the assessment, and whether it is an earlier one."""
    return {
        "patient_id": me.patient_id,
        "clinic": me.clinic,
        "as_of": me.of_me.as_of,
        "behind": me.of_me.as_of < room.today(),
    }


def _questions(me: Mine, room: Room) -> dict[str, Any]:
    return {
        **_about(me, room),
        "open": [question for question in me.asked if question.answered_at is None],
        "answered": [question for question in reversed(me.asked) if question.answered_at is not None],
        "longest": questions.LONGEST,
    }


def _content(me: Mine, room: Room) -> dict[str, Any]:
    """The booklet's words, so that the page and the paper say the same."""
    of_me, clinic = me.of_me, me.clinic
    return booklet_content(of_me.assessment, of_me.record, room.knowledge, clinic.name, clinic.phone, of_me.as_of)


def _clinic(connection: Connection, clinic_id: str) -> Clinic:
    row = connection.execute(sa.select(clinics.c.name, clinics.c.phone).where(clinics.c.id == clinic_id)).one()
    return Clinic(row.name, row.phone.strip() if row.phone and row.phone.strip() else None)


def _tests(me: Mine, room: Room) -> list[MyTest]:
    """My tests, the one that is due first at the top."""
    reasons = {row.test: row for row in room.knowledge.tables["tests"]}
    due = sorted(first_due(me.of_me.assessment, me.of_me.as_of).items(), key=lambda due: (due[1], due[0]))
    shown: list[MyTest] = []
    for test, day in due:
        row = reasons.get(test)
        name = room.words.name(test)[1]
        why, sources = (row.why_plain, sources_of([row], room.knowledge)) if row else ("", [])
        shown.append(MyTest(name[:1].upper() + name[1:], day, (day - room.today()).days, why, sources))
    return shown


def _told(me: Mine, room: Room) -> list[Told]:
    """What the findings say to me, each sentence once, the most urgent first."""
    patient = me.of_me.assessment
    told: list[Told] = []
    for says, findings in in_patient_words(patient.findings, patient, room.words).items():
        urgency = findings[0].urgency
        seen = all(reassess.fingerprint(finding) in me.seen for finding in findings)
        cited = [source for finding in findings for source in finding.sources]
        told.append(Told(urgency, _SOON[urgency], says, seen, sources_of(cited, room.knowledge)))
    return told
