"""Entering by hand: a result, a medicine, an event, a contact, a patient, a decision; and striking out what was wrong.

What is typed goes through the same reader as a file: a name that isn't known, a value without a unit or one that
can't be is refused with the reason, before anything is kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from azaward.errors import InputError, StoreError
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.units import convert
from azaward.knowledge.loading.vocabulary import vocabulary
from azaward.readers.rows import RowReader, read_number
from azaward.record.tables import TABLES, Cell, Record
from azaward.store.care import acts, reassess
from azaward.web.clinic.patient import DECISIONS
from azaward.web.shared.answer import answer, done, page_of
from azaward.web.shared.course import known
from azaward.web.shared.room import Room, room_of
from azaward.web.shared.who import STAFF, Visitor, actor, may
from azaward.wording import amount

router = APIRouter(tags=["entry"])
Text = Annotated[str, Form(max_length=300)]
Day = Annotated[dt.date | None, Form()]
EventKind = Literal[
    "condition",
    "allergy",
    "pregnancy",
    "breastfeeding",
    "vaccination",
    "symptom",
    "infection",
    "exposure_to_infection",
    "transfusion",
    "procedure",
]
_WORDS_ONLY = ("positive", "negative", "not detected", "detected", "immune", "not immune")


@router.get("/entry/plausible", summary="Whether a result can be, as it is typed")
def plausible(
    request: Request,
    who: Annotated[Visitor, may("nurse", "clinician")],
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
    azaward.readers.rows.InputError: White cell count 4500 10*9/L: plausible is 0 to 500 10*9/L. Was it ...
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
def add_result(
    request: Request,
    who: Annotated[Visitor, may("nurse", "clinician")],
    patient_id: str,
    analyte: Text,
    value: Text,
    taken_on: Annotated[dt.date, Form()],
    unit: Annotated[str, Form(max_length=100)] = "",
    ref_low: Annotated[float | None, Form()] = None,
    ref_high: Annotated[float | None, Form()] = None,
) -> Response:
    """Keeps a result that can be, and assesses the patient at once."""
    room = room_of(request)
    meant(analyte, value, unit, room.knowledge)
    row = {
        "analyte": analyte,
        "value": value,
        "unit": unit.strip() or None,
        "taken_on": _not_later(taken_on, room),
        "ref_low": ref_low,
        "ref_high": ref_high,
        "status": "final",
    }
    return _keep(request, who, patient_id, "results", row)


@router.post("/patients/{patient_id}/medicines", summary="Enters a medicine by hand")
def add_medicine(
    request: Request,
    who: Annotated[Visitor, may("nurse", "clinician")],
    patient_id: str,
    medicine: Text,
    dose_mg_per_day: Annotated[float | None, Form(gt=0, le=1_000_000)] = None,
    frequency: Annotated[str, Form(max_length=100)] = "",
    started_on: Day = None,
    stopped_on: Day = None,
) -> Response:
    """Keeps a medicine; one that isn't known is kept as it was typed, and the rules say that it wasn't checked."""
    row = {
        "medicine": medicine,
        "dose_mg_per_day": dose_mg_per_day,
        "frequency": frequency.strip() or None,
        "started_on": started_on,
        "stopped_on": stopped_on,
    }
    return _keep(request, who, patient_id, "exposures", row)


@router.post("/patients/{patient_id}/events", summary="Enters an event by hand: a symptom, a vaccine, an infection")
def add_event(
    request: Request,
    who: Annotated[Visitor, may("nurse", "clinician")],
    patient_id: str,
    kind: Annotated[EventKind, Form()],
    started_on: Annotated[dt.date, Form()],
    code: Annotated[str, Form(max_length=300)] = "",
    ended_on: Day = None,
) -> Response:
    """Keeps an event in azaward's words where it knows it, else in the words that were typed."""
    row = {"kind": kind, "code": code.strip() or kind, "started_on": started_on, "ended_on": ended_on}
    return _keep(request, who, patient_id, "events", row)


@router.post("/patients/{patient_id}/contacts", summary="Enters a contact by hand: attended, did not attend, a call")
def add_contact(
    request: Request,
    who: Annotated[Visitor, may(*STAFF)],
    patient_id: str,
    kind: Annotated[Literal["attended", "did_not_attend", "reminder", "call", "letter", "message"], Form()],
    on: Annotated[dt.date, Form()],
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Keeps a contact."""
    row = {"kind": kind, "on": _not_later(on, room_of(request)), "note": note.strip() or None}
    return _keep(request, who, patient_id, "contacts", row)


@router.post("/patients/{patient_id}/genotypes", summary="Enters a genotype, a phenotype or an activity by hand")
def add_genotype(
    request: Request,
    who: Annotated[Visitor, may("nurse", "clinician")],
    patient_id: str,
    gene: Annotated[Literal["TPMT", "NUDT15"], Form()],
    method: Annotated[Literal["genotype", "activity"], Form()],
    reported_on: Annotated[dt.date, Form()],
    diplotype: Annotated[str, Form(max_length=60)] = "",
    phenotype: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Keeps what the laboratory reported."""
    if not diplotype.strip() and not phenotype.strip():
        raise InputError("diplotype and phenotype: both empty. Give one, such as *1/*3A or Intermediate Metabolizer.")
    row = {
        "gene": gene,
        "method": method,
        "reported_on": _not_later(reported_on, room_of(request)),
        "diplotype": diplotype.strip() or None,
        "phenotype": phenotype.strip() or None,
    }
    return _keep(request, who, patient_id, "genotypes", row)


@router.post("/patients", summary="Enters a new patient by hand")
def add_patient(
    request: Request,
    who: Annotated[Visitor, may(*STAFF)],
    patient_id: Text,
    birth_date: Annotated[dt.date, Form()],
    sex: Annotated[Literal["female", "male", "other", "unknown"], Form()],
    indication: Text,
    ancestry: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Keeps a new patient, by the clinic's own id: never a name."""
    row = {
        "birth_date": _not_later(birth_date, room_of(request)),
        "sex": sex,
        "indication": indication,
        "ancestry": ancestry.strip() or None,
    }
    return _keep(request, who, patient_id.strip(), "patients", row, new=True)


@router.post("/patients/{patient_id}/decisions", summary="Records what was decided")
def decide(
    request: Request,
    who: Annotated[Visitor, may("clinician")],
    patient_id: str,
    version: Annotated[int, Form(ge=0, le=2**31 - 1)],
    kind: Annotated[str, Form(max_length=30)],
    words: Annotated[str, Form(max_length=4000)],
    until: Annotated[dt.date, Form()],
    findings: Annotated[list[str] | None, Form()] = None,
    new_dose: Annotated[float | None, Form(gt=0, le=10_000)] = None,
    from_day: Day = None,
    medicine: Annotated[str, Form(max_length=100)] = "azathioprine",
) -> Response:
    """Records a decision by a clinician, and the dose that follows from it: a new one, or none where it is a stop."""
    room = room_of(request)
    by = actor(request, who)
    if kind not in DECISIONS:
        raise StoreError(f"kind {kind!r}: expected one of {', '.join(DECISIONS)}.")
    if not words.strip():
        raise StoreError("words: empty. Say what was decided and why.")
    if until <= by.today:
        raise StoreError(f"until {until}: expected a day after {by.today}.")
    stops = kind in ("stop", "withhold")
    if stops and new_dose is not None:
        raise StoreError(f"new_dose {amount(new_dose)}: a {kind} has no dose. Leave it empty, or choose reduce.")
    dose = (medicine, new_dose, from_day or by.today) if stops or new_dose is not None else None
    with room.store.read() as connection:
        known(connection, by.clinic_id, patient_id)
    acts.decide(room.store, by, patient_id, version, kind, words.strip(), findings or [], until, room.knowledge, dose)
    return done(request, page_of(patient_id))


@router.post("/patients/{patient_id}/struck", summary="Strikes a row out, with the reason")
def strike(
    request: Request,
    who: Annotated[Visitor, may("nurse", "clinician")],
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
    who: Annotated[Visitor, may("nurse", "clinician")],
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


def _keep(
    request: Request, who: Visitor, patient_id: str, table: str, row: Mapping[str, Any], new: bool = False
) -> Response:
    room, by = room_of(request), actor(request, who)
    with room.store.read() as connection:
        if new:
            if reassess.of_patient(connection, by.clinic_id, patient_id) is not None:
                raise InputError(f"patient {patient_id}: there already. Open their page instead.")
        else:
            known(connection, by.clinic_id, patient_id)
    tables = _read(table, {"patient_id": patient_id, **row}, room.knowledge)
    acts.add_rows(room.store, by, tables, room.knowledge)
    return done(request, page_of(patient_id))


def _read(table: str, row: Mapping[str, Any], knowledge: Knowledge) -> dict[str, list[dict[str, Cell]]]:
    """The row in azaward's words; `InputError` where the reader of files would set something of it aside."""
    reader = RowReader(knowledge)
    reader.add(table, row, "typed")
    record: Record = reader.record(whole=False)
    # Words that azaward doesn't know are kept, and the rules speak of them; anything else is refused.
    if wrong := [one for one in record.set_aside if one.kind != "unknown_event"]:
        raise InputError(f"{wrong[0].what}: {wrong[0].why}")
    names = [column.name for column in TABLES[table]]
    return {table: [dict(zip(names, cells, strict=True)) for cells in record.rows[table]]}


def _not_later(day: dt.date, room: Room) -> dt.date:
    if day > room.today():
        raise InputError(f"{day}: lies after today, {room.today()}. Correct the day.")
    return day
