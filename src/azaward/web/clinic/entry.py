"""Entering by hand: a result, a medicine, an event, a contact, a patient, a decision; and striking out what was wrong.

What is typed goes through the same reader as a file: a name that isn't known, a value without a unit or one that
can't be is refused with the reason, before anything is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from azaward.errors import InputError, StoreError
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.units import convert
from azaward.knowledge.loading.words.vocabulary import vocabulary
from azaward.readers.rows import RowReader, read_number
from azaward.record.tables import TABLES, Cell, Record
from azaward.store.care import acts, reassess
from azaward.web.clinic.forms import Contact, Decided, Event, Genotype, Medicine, Patient, Result, Typed
from azaward.web.shared.answer import answer, done, page_of
from azaward.web.shared.course import known
from azaward.web.shared.room import room_of
from azaward.web.shared.who import STAFF, Visitor, actor, may
from azaward.wording import amount

router = APIRouter(tags=["entry"])
Carer = Annotated[Visitor, may("nurse", "clinician")]
Staff = Annotated[Visitor, may(*STAFF)]
_WORDS_ONLY = ("positive", "negative", "not detected", "detected", "immune", "not immune")


@router.get("/entry/plausible", summary="Whether a result can be, as it is typed")
def plausible(
    request: Request,
    who: Carer,
    analyte: Annotated[str, Query(max_length=300)] = "",
    value: Annotated[str, Query(max_length=300)] = "",
    unit: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Says what a result means in the canonical unit, or why it can't be."""
    if not analyte.strip() or not value.strip():
        return answer(request, "plausible.html.jinja", {"ok": None, "line": ""})
    try:
        line = meant(analyte, value, unit, room_of(request).knowledge)
        return answer(request, "plausible.html.jinja", {"ok": True, "line": line})
    except InputError as error:
        return answer(request, "plausible.html.jinja", {"ok": False, "line": str(error)})


def meant(name: str, value: str, unit: str, knowledge: Knowledge) -> str:
    """What a typed result means; `InputError` where it can't be.

    >>> from azaward.knowledge import load
    >>> meant("Haemoglobin", "12.5", "g/dL", load())
    'Haemoglobin 125 g/L'
    >>> meant("wbc", "4500", "10*9/L", load())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    azaward.errors.InputError: White cell count 4500 10*9/L: plausible is 0 to 500 10*9/L. Was it ...
    """
    analyte = vocabulary(knowledge).analyte(name)
    if analyte is None:
        raise InputError(f"{name!r}: not a test that azaward knows. Choose one of the list.")
    about = knowledge.analytes[analyte]
    number = read_number(value)
    if number is None:
        if about.unit is None or value.strip().casefold() in _WORDS_ONLY:
            return f"{about.name}: {value.strip()}"
        raise InputError(f"{about.name} {value!r}: not a number. Expected one with a decimal point, such as 4.2.")
    sign, figure = number
    if about.unit is None:
        return f"{about.name} {amount(figure, sign)}"
    if not unit.strip():
        raise InputError(f"{about.name} {amount(figure, sign)}: no unit, and none is guessed. Usual is {about.unit}.")
    factors = convert(analyte, unit, knowledge)
    if factors is None:
        raise InputError(f"{about.name}: unit {unit!r} doesn't convert to {about.unit}. Correct the unit.")
    canonical = figure * factors[0] + factors[1]
    low, high = about.plausible_low, about.plausible_high
    if (low is not None and canonical < low) or (high is not None and canonical > high):
        bounds = " to ".join(amount(end) for end in (low, high) if end is not None)
        raise InputError(
            f"{about.name} {amount(canonical, sign)} {about.unit}: plausible is {bounds} {about.unit}. "
            "Was it reported in another unit?"
        )
    return f"{about.name} {amount(canonical, sign)} {about.unit}"


@router.post("/patients/{patient_id}/results", summary="Enters a result by hand")
def add_result(request: Request, who: Carer, patient_id: str, typed: Annotated[Result, Depends()]) -> Response:
    """Keeps a result that can be, and assesses the patient at once."""
    meant(typed.analyte, typed.value, typed.unit, room_of(request).knowledge)
    return _keep(request, who, patient_id, typed)


@router.post("/patients/{patient_id}/medicines", summary="Enters a medicine by hand")
def add_medicine(request: Request, who: Carer, patient_id: str, typed: Annotated[Medicine, Depends()]) -> Response:
    """Keeps a medicine; one that isn't known is kept as it was typed, and the rules say that it wasn't checked."""
    return _keep(request, who, patient_id, typed)


@router.post("/patients/{patient_id}/events", summary="Enters an event by hand: a symptom, a vaccine, an infection")
def add_event(request: Request, who: Carer, patient_id: str, typed: Annotated[Event, Depends()]) -> Response:
    """Keeps an event in azaward's words where it knows it, else in the words that were typed."""
    return _keep(request, who, patient_id, typed)


@router.post("/patients/{patient_id}/contacts", summary="Enters a contact by hand: attended, did not attend, a call")
def add_contact(request: Request, who: Staff, patient_id: str, typed: Annotated[Contact, Depends()]) -> Response:
    """Keeps a contact."""
    return _keep(request, who, patient_id, typed)


@router.post("/patients/{patient_id}/genotypes", summary="Enters a genotype, a phenotype or an activity by hand")
def add_genotype(request: Request, who: Carer, patient_id: str, typed: Annotated[Genotype, Depends()]) -> Response:
    """Keeps what the laboratory reported."""
    return _keep(request, who, patient_id, typed)


@router.post("/patients", summary="Enters a new patient by hand")
def add_patient(request: Request, who: Staff, typed: Annotated[Patient, Depends()]) -> Response:
    """Keeps a new patient, by the clinic's own id: never a name."""
    return _keep(request, who, typed.patient_id.strip(), typed)


@router.post("/patients/{patient_id}/decisions", summary="Records what was decided")
def decide(
    request: Request,
    who: Annotated[Visitor, may("clinician")],
    patient_id: str,
    decided: Annotated[Decided, Depends()],
) -> Response:
    """Records a decision by a clinician, and the dose that follows from it: a new one, or none where it is a stop."""
    room, by = room_of(request), actor(request, who)
    decision = decided.decision(by.today)
    with room.store.read() as connection:
        known(connection, by.clinic_id, patient_id)
    acts.decide(room.store, by, patient_id, decision, room.knowledge)
    return done(request, page_of(patient_id))


@router.post("/patients/{patient_id}/struck", summary="Strikes a row out, with the reason")
def strike(
    request: Request,
    who: Carer,
    patient_id: str,
    table: Annotated[Literal["patients", "exposures", "results", "genotypes", "events", "contacts"], Form()],
    row: Annotated[int, Form(ge=1, le=2**31 - 1)],
    why: Annotated[str, Form(max_length=1000)],
) -> Response:
    """Nothing is deleted: the row stays to be seen and no longer counts."""
    if not why.strip():
        raise StoreError("why: empty. Say why the row is wrong.")
    room = room_of(request)
    acts.strike(room.store, actor(request, who), patient_id, table, row, why.strip(), room.knowledge)
    return done(request, page_of(patient_id))


@router.post("/patients/{patient_id}/resolved", summary="Says that what was set aside was looked into")
def resolve(
    request: Request,
    who: Carer,
    patient_id: str,
    aside: Annotated[int, Form(ge=1, le=2**31 - 1)],
    why: Annotated[str, Form(max_length=1000)],
) -> Response:
    """The line no longer counts; it stays to be seen."""
    if not why.strip():
        raise StoreError("why: empty. Say what was found.")
    room = room_of(request)
    acts.resolve(room.store, actor(request, who), patient_id, aside, why.strip(), room.knowledge)
    return done(request, page_of(patient_id))


def _keep(request: Request, who: Visitor, patient_id: str, typed: Typed) -> Response:
    """Keeps the row of a patient who is there, or of one who is new."""
    room, by = room_of(request), actor(request, who)
    row = {"patient_id": patient_id, **typed.row(room.today())}
    with room.store.read() as connection:
        if not isinstance(typed, Patient):
            known(connection, by.clinic_id, patient_id)
        elif reassess.of_patient(connection, by.clinic_id, patient_id) is not None:
            raise InputError(f"patient {patient_id}: there already. Open their page instead.")
    acts.add_rows(room.store, by, _read(typed.table, row, room.knowledge), room.knowledge)
    return done(request, page_of(patient_id))


def _read(table: str, row: Mapping[str, Any], knowledge: Knowledge) -> dict[str, list[dict[str, Cell]]]:
    """The row in azaward's words; `InputError` where the reader of files would set something of it aside."""
    reader = RowReader(knowledge)
    reader.add(table, row, "typed")
    record: Record = reader.record(whole=False)
    # Words that azaward doesn't know are kept, and the rules speak of them; anything else is refused.
    if wrong := [aside for aside in record.set_aside if aside.kind != "unknown_event"]:
        raise InputError(f"{wrong[0].what}: {wrong[0].why}")
    names = [column.name for column in TABLES[table]]
    return {table: [dict(zip(names, cells, strict=True)) for cells in record.rows[table]]}
