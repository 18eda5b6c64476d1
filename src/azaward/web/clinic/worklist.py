"""`/worklist`: who needs something, the most urgent first.

Nothing leaves the list by being looked at: a line goes when someone decided, did or put off what it says, and comes
back on the day that they named, or at once when something new is found.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from azaward.errors import StoreError
from azaward.knowledge import URGENCIES
from azaward.store import accounts, tray
from azaward.store.care import acts, lists
from azaward.store.care.lists import Sort, Wanted
from azaward.web.shared.answer import answer, done, page_of
from azaward.web.shared.room import room_of
from azaward.web.shared.who import STAFF, Visitor, actor, may, note_read

router = APIRouter(tags=["worklist"])
Urgency = Literal["emergency", "same-day", "this-week", "routine", "info"]


@router.get("/worklist", summary="Who needs something, the most urgent first")
def worklist(
    request: Request,
    who: Annotated[Visitor, may(*STAFF)],
    urgency: Annotated[Urgency | Literal[""], Query(description="only lines of this urgency")] = "",
    words: Annotated[str, Query(max_length=200, description="words that a line must hold")] = "",
    assigned: Annotated[str, Query(max_length=200, description="a login; `-` for nobody's")] = "",
    overdue: Annotated[bool, Query(description="only those with an overdue test")] = False,
    everyone: Annotated[bool, Query(description="those too who need nothing")] = False,
    sort: Annotated[Sort, Query()] = "urgency",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> Response:
    """A page of the clinic's worklist."""
    room, user = room_of(request), who.signed_in
    to = None if assigned == "" else "" if assigned == "-" else assigned
    wanted = Wanted(urgency or None, words, to, overdue, everyone, sort, page)
    with room.store.read() as connection:
        shown = lists.page(connection, user.clinic_id, wanted, room.today())
        staff = accounts.staff_of(connection, user.clinic_id)
        waiting = tray.waiting(connection, user.clinic_id)
    note_read(request, who, "worklist", None, patients=[line.patient_id for line in shown.lines])
    model = {
        "shown": shown,
        "waiting": len(waiting),
        "severe": [one.severe for one in waiting if one.severe],
        "wanted": {
            "urgency": urgency,
            "words": words,
            "assigned": assigned,
            "overdue": overdue,
            "everyone": everyone,
            "sort": sort,
        },
        "staff": staff,
        "urgencies": URGENCIES,
        "sorts": lists.SORTS,
    }
    return answer(request, "worklist.html.jinja", model)


@router.post("/patients/{patient_id}/assigned", summary="Says who looks after a patient's line")
def assign(
    request: Request,
    who: Annotated[Visitor, may(*STAFF)],
    patient_id: str,
    to: Annotated[str, Form(max_length=200)] = "",
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Assigns the line to somebody of the clinic, with a note; both may be empty."""
    room, user = room_of(request), who.signed_in
    if to:
        with room.store.read() as connection:
            staff = accounts.staff_of(connection, user.clinic_id)
        if to not in staff:
            raise StoreError(f"to {to!r}: nobody of this clinic. Expected one of: {', '.join(staff)}.")
    acts.assign(room.store, actor(request, who), patient_id, to, note)
    return done(request, page_of(patient_id))


@router.post("/patients/{patient_id}/handled", summary="Marks findings as done or puts them off")
def handled(
    request: Request,
    who: Annotated[Visitor, may("nurse", "clinician")],
    patient_id: str,
    version: Annotated[int, Form(ge=0, le=2**31 - 1)],
    how: Annotated[acts.How, Form()],
    why: Annotated[str, Form(max_length=2000)],
    until: Annotated[dt.date, Form()],
    findings: Annotated[list[str], Form()],
) -> Response:
    """What was done, or why it can wait; the findings come back on `until` if they still stand."""
    room = room_of(request)
    by = actor(request, who)
    if not why.strip():
        raise StoreError("why: empty. Say what was done, or why it can wait.")
    if until <= by.today:
        raise StoreError(f"until {until}: expected a day after {by.today}.")
    acts.handle(room.store, by, patient_id, version, findings, how, why.strip(), until, room.knowledge)
    return done(request, "/worklist" if how == "snoozed" else page_of(patient_id))
