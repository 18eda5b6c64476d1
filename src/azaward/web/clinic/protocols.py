"""`/protocols`: what does each guideline ask for, as a clinician would read it, and which does the clinic go by?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from azaward.knowledge import MOST_CAUTIOUS, Knowledge
from azaward.knowledge.loading.protocols import only_for
from azaward.reports.words import phrase, pretty_unit, printable
from azaward.store.care import protocols
from azaward.web.shared.answer import answer, as_json, done, failed, wants_json
from azaward.web.shared.room import room_of
from azaward.web.shared.sources import Source, sources_of
from azaward.web.shared.who import STAFF, Visitor, actor, anyone, may, note_read
from azaward.wording import COMPARISONS, Words, amount

router = APIRouter(tags=["protocols"])
_NAMES = {
    protocols.AUTO: "By each patient's indication",
    MOST_CAUTIOUS: "The most cautious of all protocols",
}
_PARTS = {
    "limits": ("Limits of blood tests", "Beyond which value to act, how, and how soon."),
    "schedule": ("When to test", "Which tests, from when to when, how often."),
    "baseline": ("Before the first tablet", "What has to be known before treatment begins."),
    "doses": ("Doses", "Where to begin, where to go, and how far at most."),
    "symptoms": ("Symptoms", "What a symptom asks for."),
}
_RELATIVE = {
    "absolute": "",
    "upper-limit-of-normal": "× upper limit of normal",
    "lower-limit-of-normal": "× lower limit of normal",
    "baseline-rise-percent": "% above the patient's own start",
    "baseline-fall-percent": "% below the patient's own start",
    "previous-fall-percent": "% below the value before",
}
_SINCE = {"start": "the start", "dose_increase": "a rise of the dose", "risk": "a higher risk"}


class Row(NamedTuple):
    """A row of a protocol's table: its cells in the order of the headings, its note, and where it was read."""

    cells: tuple[str, ...]
    urgency: str
    note: str
    sources: list[Source]


class Part(NamedTuple):
    """One of a protocol's tables; `lender` is the protocol that rows of it come from."""

    id: str
    title: str
    about: str
    headings: tuple[str, ...]
    rows: list[Row]
    lender: str


@router.get("/protocols", summary="Every protocol, and which of them the clinic goes by")
def all_protocols(request: Request, who: Annotated[Visitor, anyone]) -> Response:
    """What there is; staff see their clinic's choice, an administrator may change it."""
    room = room_of(request)
    knowledge = room.knowledge
    chosen = None
    if who.user is not None and who.user.role in STAFF:
        with room.store.read() as connection:
            chosen = protocols.of_clinic(connection, who.user.clinic_id)
        note_read(request, who, "protocols")
    listed = [
        {
            "id": protocol.id,
            "title": protocol.title,
            "body": protocol.body,
            "country": protocol.country,
            "published_on": protocol.published_on,
            "specialty": protocol.specialty,
            "rows": {name: len(rows) for name, rows in protocol.lists.items()},
            "indications": [row.name for row in knowledge.tables["indications"] if row.protocol == protocol.id],
        }
        for protocol in knowledge.protocols.values()
    ]
    known = protocols.choices(knowledge)
    names = {choice: _NAMES.get(choice) or knowledge.protocols[choice].title for choice in known}
    model = {"protocols": listed, "chosen": chosen, "choices": names, "knowledge": knowledge.version}
    return answer(request, "protocols.html.jinja", model)


@router.post("/protocols/chosen", summary="Chooses the clinic's protocol, and assesses everyone by it")
def choose(
    request: Request,
    who: Annotated[Visitor, may("administrator")],
    protocol: Annotated[str, Form(max_length=200)],
) -> Response:
    """The choice stands at once, for every patient of the clinic."""
    room = room_of(request)
    assessed = protocols.choose(room.store, actor(request, who), protocol.strip(), room.knowledge)
    return done(request, "/protocols", protocol=protocol.strip(), assessed=assessed)


@router.get("/protocols/{protocol_id}", summary="A protocol, each row with its source")
def protocol(request: Request, who: Annotated[Visitor, anyone], protocol_id: str) -> Response:
    """Limits, schedule, what is asked before the start, doses and symptoms."""
    knowledge = room_of(request).knowledge
    asked = knowledge.protocols.get(protocol_id)
    if asked is None:
        known = ", ".join(knowledge.protocols)
        return failed(request, 404, f"There is no protocol {printable(protocol_id)!r}. Known: {known}.", "Not asked")
    if wants_json(request):
        about = {key: getattr(asked, key) for key in ("id", "title", "body", "country", "published_on", "specialty")}
        lists = {name: [msgspec.structs.asdict(row) for row in rows] for name, rows in asked.lists.items()}
        return as_json({**about, "notes": asked.notes, "borrowed": asked.borrowed, **lists})
    model = {
        "protocol": asked,
        "parts": _parts(protocol_id, knowledge),
        "names": {protocol.id: protocol.title for protocol in knowledge.protocols.values()},
    }
    return answer(request, "protocol.html.jinja", model)


@lru_cache(maxsize=32)
def _parts(protocol_id: str, knowledge: Knowledge) -> list[Part]:
    protocol, words = knowledge.protocols[protocol_id], Words(knowledge)
    parts: list[Part] = []
    for name, (title, about) in _PARTS.items():
        headings, cells = _TABLES[name]
        rows: list[Row] = []
        for fact in protocol.lists[name]:
            row: Any = fact
            urgency = getattr(row, "urgency", "")
            rows.append(Row(cells(row, words, knowledge), urgency, row.note or "", sources_of([row], knowledge)))
        parts.append(Part(name, title, about, headings, rows, protocol.borrowed.get(name, "")))
    return parts


def _specialty(row: Any) -> str:
    return only_for(row) or "all"


def _limit(row: Any, words: Words, knowledge: Knowledge) -> tuple[str, ...]:
    unit = pretty_unit(knowledge.analytes[row.analyte].unit) if row.relative_to == "absolute" else ""
    beyond = f"{COMPARISONS[row.comparison]} {amount(row.value)} {unit}{_RELATIVE[row.relative_to]}".strip()
    if row.within_days:
        beyond += f", within {row.within_days:g} days"
    return words.name(row.analyte)[0], beyond, phrase(row.action), _specialty(row)


def _schedule(row: Any, words: Words, _: Knowledge) -> tuple[str, ...]:
    until = f"to day {row.until_day}" if row.until_day is not None else "onwards"
    tests = ", ".join(words.name(test)[0] for test in row.tests)
    when = f"day {row.from_day} {until} after {_SINCE[row.since]}"
    return tests, row.phase, when, f"every {row.every_days} days", _specialty(row)


def _baseline(row: Any, words: Words, _: Knowledge) -> tuple[str, ...]:
    age = f"at most {row.within_days:g} days old" if row.within_days else "any age"
    return words.name(row.test)[0], "required" if row.required else "suggested", age, _specialty(row)


def _dose(row: Any, words: Words, _: Knowledge) -> tuple[str, ...]:
    step = f"every {row.step_every_days} days" if row.step_every_days else "not given"
    whom = "any indication" if row.indication == "any" else words.name(row.indication)[0]
    return (
        words.name(row.drug)[0],
        f"{whom}, {row.population.replace('_', ' ')}",
        _mg(row.start_mg_per_kg, row.start_mg_per_day),
        _mg(row.target_mg_per_kg, row.target_mg_per_day),
        _mg(row.max_mg_per_kg, row.max_mg_per_day),
        step,
    )


def _mg(per_kg: Any, per_day: Any) -> str:
    said = [
        f"{' to '.join(amount(end) for end in (value if isinstance(value, tuple) else (value,)))} {unit}"
        for value, unit in ((per_kg, "mg/kg a day"), (per_day, "mg a day"))
        if value is not None
    ]
    return "; ".join(said) or "not given"


def _symptom(row: Any, words: Words, _: Knowledge) -> tuple[str, ...]:
    test = words.name(row.test)[0] if row.test else "none named"
    return row.symptom.replace("_", " "), phrase(row.action), test, _specialty(row)


_Cells = Callable[[Any, Words, Knowledge], tuple[str, ...]]
_TABLES: Mapping[str, tuple[tuple[str, ...], _Cells]] = {
    "limits": (("Test", "Beyond", "Do", "Specialty"), _limit),
    "schedule": (("Tests", "Phase", "When", "How often", "Specialty"), _schedule),
    "baseline": (("Test", "Needed", "Age of the result", "Specialty"), _baseline),
    "doses": (("Medicine", "For", "Start", "Target", "At most", "Steps"), _dose),
    "symptoms": (("Symptom", "Do", "Test", "Specialty"), _symptom),
}
