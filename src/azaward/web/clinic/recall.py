"""`/recall`: who is overdue for a blood test, and how does the clinic reach them?

Letters as one PDF, rows for a mail merge, text messages to copy; what was sent is recorded as a contact of each
patient. What is printed counts as a read of each patient's record.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from azaward.errors import StoreError
from azaward.record.tables import Cell
from azaward.reports.patient.letters import letters_pdf, merge_csv, text_message
from azaward.store import audit
from azaward.store.audit import Entry
from azaward.store.care import acts, contacts
from azaward.store.care.acts import ChangedMeanwhileError
from azaward.store.schema import assessments
from azaward.web.clinic.overdue import Listed, Overdue, chosen_by, mark, overdue
from azaward.web.shared.answer import answer, done
from azaward.web.shared.room import Room, room_of
from azaward.web.shared.who import STAFF, Visitor, actor, may, note_read

router = APIRouter(tags=["recall"])
PAGE = 100
# One file of letters is made in one go; more than this would keep everybody waiting.
MOST_LETTERS = 500
YEAR_DAYS = 365
Ids = Annotated[list[str] | None, Form(max_length=10_000)]


class Choice(NamedTuple):
    """Whom a form is about: the ticked ones, or everyone on the list that `seen` is the mark of."""

    patients: tuple[str, ...]
    everyone: bool
    words: str
    waiting: bool
    phone: bool
    seen: str


def _choice(
    patients: Ids = None,
    everyone: Annotated[bool, Form(description="everyone on the list, not only `patients`")] = False,
    words: Annotated[str, Form(max_length=200)] = "",
    waiting: Annotated[bool, Form()] = False,
    phone: Annotated[bool, Form()] = False,
    seen: Annotated[str, Form(max_length=100, description="with `everyone`: the `mark` of the list")] = "",
) -> Choice:
    return Choice(tuple(dict.fromkeys(patients or ())), everyone, words, waiting, phone, seen)


Chosen = Annotated[Choice, Depends(_choice)]


@router.get("/recall", summary="Who is overdue for a test, and what was done about it")
def recall(
    request: Request,
    who: Annotated[Visitor, may(*STAFF)],
    words: Annotated[str, Query(max_length=200, description="words that a line must hold")] = "",
    waiting: Annotated[bool, Query(description="only whom nobody wrote to or called since the test fell due")] = False,
    phone: Annotated[bool, Query(description="only those who have to be called first")] = False,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    recorded: Annotated[int, Query(ge=0, le=1_000_000, description="how many contacts were recorded just now")] = 0,
) -> Response:
    """The recall list, those who have to be called first on top, then the longest overdue."""
    room, user = room_of(request), who.signed_in
    listed = _listed(room, user.clinic_id)
    people = chosen_by(listed.people, words, waiting, phone)
    pages = max(1, -(-len(people) // PAGE))
    number = min(page, pages)
    shown = people[(number - 1) * PAGE : number * PAGE]
    with room.store.read() as connection:
        since = room.today() - dt.timedelta(days=YEAR_DAYS)
        year = contacts.of_clinic(connection, user.clinic_id, since, room.today())
    note_read(request, who, "recall list", None, patients=[person.patient_id for person in shown])
    model = {
        "people": [_line(person) for person in shown],
        "found": len(people),
        "page": number,
        "pages": pages,
        "mark": mark(people),
        "wanted": {"words": words, "waiting": waiting, "phone": phone},
        "clinic": {
            "name": listed.clinic.name,
            "phone": listed.clinic.phone,
            "overdue": len(listed.people),
            "phone_first": sum(person.recall.phone_first for person in listed.people),
            "waiting": sum(not person.reached_out for person in listed.people),
            "attended": year.attended,
            "missed": year.missed,
            "since": since,
        },
        "died": listed.died,
        "behind": listed.behind,
        "recorded": recorded,
    }
    return answer(request, "recall.html.jinja", model)


@router.post("/recall/letters.pdf", summary="Letters to the chosen, one A4 page each, as one PDF")
def letters(request: Request, who: Annotated[Visitor, may(*STAFF)], choice: Chosen) -> Response:
    """What the letters say is the rules' own words; each letter counts as a read of that patient."""
    room = room_of(request)
    chosen = _people(room, who, choice)
    if len(chosen) > MOST_LETTERS:
        raise StoreError(
            f"patients: {len(chosen)} chosen. Expected at most {MOST_LETTERS} letters at once: tick fewer."
        )
    made = letters_pdf([person.recall for person in chosen], room.today())
    _note_printed(room, who, "recall letter", chosen)
    return _file(made, "application/pdf", f"recall-{room.today()}.pdf")


@router.post("/recall/merge.csv", summary="Rows for a mail merge of the chosen, as CSV")
def merge(request: Request, who: Annotated[Visitor, may(*STAFF)], choice: Chosen) -> Response:
    """One row a patient, with the letter and the text message; no cell runs as a formula."""
    room = room_of(request)
    chosen = _people(room, who, choice)
    made = merge_csv(person.recall for person in chosen)
    _note_printed(room, who, "recall row", chosen)
    return _file(made, "text/csv; charset=utf-8", f"recall-{room.today()}.csv")


@router.post("/recall/messages", summary="Text messages to the chosen, to read and copy")
def messages(request: Request, who: Annotated[Visitor, may(*STAFF)], choice: Chosen) -> Response:
    """A message names no medicine and no result: others see the screen too. Nothing is sent from here."""
    room = room_of(request)
    chosen = _people(room, who, choice)
    _note_printed(room, who, "recall message", chosen)
    drafts = [
        {"patient_id": person.patient_id, "phone_first": person.recall.phone_first, "text": text_message(person.recall)}
        for person in chosen
    ]
    return answer(request, "recall_messages.html.jinja", {"messages": drafts})


@router.post("/recall/sent", summary="Records that the chosen were written to or called")
def sent(
    request: Request,
    who: Annotated[Visitor, may(*STAFF)],
    choice: Chosen,
    kind: Annotated[Literal["letter", "message", "call"], Form()],
    on: Annotated[dt.date | None, Form()] = None,
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """A contact of each; whose test was done since is recorded too: the letter went out all the same."""
    room, by = room_of(request), actor(request, who)
    day = on or by.today
    if day > by.today:
        raise StoreError(f"on {day}: lies after today, {by.today}. Correct the day.")
    ids = [person.patient_id for person in _people(room, who, choice)] if choice.everyone else list(choice.patients)
    _known(room, by.clinic_id, ids)
    rows: list[Mapping[str, Cell]] = [
        {"patient_id": patient_id, "kind": kind, "on": day, "note": note.strip() or "recall for an overdue test"}
        for patient_id in ids
    ]
    recorded = acts.add_rows(room.store, by, {"contacts": rows}, room.knowledge)
    return done(request, f"/recall?recorded={recorded}", recorded=recorded)


def _listed(room: Room, clinic_id: str) -> Listed:
    with room.store.read() as connection:
        return overdue(connection, clinic_id, room.today(), room.knowledge, room.words)


def _people(room: Room, who: Visitor, choice: Choice) -> list[Overdue]:
    """Those chosen who are on the list; a line that says who isn't, and then nothing is made."""
    people = _listed(room, who.signed_in.clinic_id).people
    if choice.everyone:
        everyone = chosen_by(people, choice.words, choice.waiting, choice.phone)
        if mark(everyone) != choice.seen:
            raise ChangedMeanwhileError("the recall list changed since you opened it. Nothing was made. Load it again.")
        if not everyone:
            raise StoreError("everyone: nobody is on this list.")
        return everyone
    held = {person.patient_id: person for person in people}
    _some(choice.patients)
    if strangers := [patient for patient in choice.patients if patient not in held]:
        raise StoreError(
            f"patients: {_few(strangers)}: no test of theirs is overdue on {room.today()}. Nothing was made. "
            "Load the list again."
        )
    return [held[patient] for patient in choice.patients]


def _some(patients: Sequence[str]) -> None:
    if not patients:
        raise StoreError("patients: nobody is chosen. Tick whom it is about, or everyone on the list.")


def _known(room: Room, clinic_id: str, ids: Sequence[str]) -> None:
    _some(ids)
    question = sa.select(assessments.c.patient_id).where(
        assessments.c.clinic_id == clinic_id, assessments.c.patient_id.in_(ids)
    )
    with room.store.read() as connection:
        held = set(connection.scalars(question))
    if strangers := [patient_id for patient_id in ids if patient_id not in held]:
        raise acts.NoSuchPatientError(f"patients: {_few(strangers)}: not of this clinic. Nothing was recorded.")


def _few(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
    return ", ".join(ids[:5]) + more


def _note_printed(room: Room, who: Visitor, what: str, chosen: Sequence[Overdue]) -> None:
    """One entry a patient, all in one transaction, before anything leaves."""
    user = who.signed_in
    entries = [Entry(user.login, f"read {what}", user.clinic_id, person.patient_id) for person in chosen]
    with room.store.write() as connection:
        audit.append(connection, entries)


def _line(person: Overdue) -> dict[str, Any]:
    came = person.attendance
    return {
        "patient_id": person.patient_id,
        "indication": person.indication,
        "assigned_to": person.assigned_to,
        "urgency": person.recall.urgency,
        "phone_first": person.recall.phone_first,
        "days_overdue": person.recall.days_overdue,
        "due_on": person.recall.due_on,
        "tests": [{"name": test.name, "due_on": test.due_on} for test in person.recall.tests],
        "attended": came.attended,
        "missed": came.missed,
        "last_attended": came.last_attended,
        "last_missed": came.last_missed,
        "last_contact": came.last_reached_out,
        "last_contact_by": came.reached_out_by,
        "reached_out": person.reached_out,
        "put_off": person.put_off,
    }


def _file(content: bytes, kind: str, name: str) -> Response:
    return Response(content, 200, {"content-disposition": f'attachment; filename="{name}"'}, kind)
