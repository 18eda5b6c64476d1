"""`/protocols`: each protocol as a clinician would read it, and which one the clinic uses."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from azaward.knowledge import MOST_CAUTIOUS
from azaward.knowledge.schema import PROTOCOL_LISTS, Fact
from azaward.store import audit, reassess, records
from azaward.store.audit import Entry
from azaward.store.database import StoreError
from azaward.store.schema import clinics
from azaward.web.answer import answer, done, failed
from azaward.web.room import Room, room_of
from azaward.web.sources import Source, sources_of
from azaward.web.who import Visitor, actor, anyone, may

router = APIRouter(tags=["protocols"])
_CITATION = ("source", "locator", "how", "checked_on")
TITLES = {
    "baseline": "Before the first tablet",
    "schedule": "Blood tests",
    "limits": "Limits",
    "doses": "Doses",
    "symptoms": "Symptoms",
}


@router.get("/protocols", summary="Every protocol, and which one the clinic uses")
def protocols(request: Request, who: Annotated[Visitor, anyone]) -> Response:
    """The published protocols, dated."""
    room = room_of(request)
    held = [
        {"id": one.id, "title": one.title, "body": one.body, "published_on": one.published_on, "country": one.country}
        for one in room.knowledge.protocols.values()
    ]
    chosen = None
    if who.user is not None and who.user.role != "patient":
        with room.store.read() as connection:
            question = sa.select(clinics.c.protocol).where(clinics.c.id == who.user.clinic_id)
            chosen = connection.execute(question).scalar_one()
    model = {"protocols": held, "chosen": chosen, "choices": _choices(room)}
    return answer(request, "protocols.html.jinja", model)


@router.get("/protocols/{protocol_id}", summary="A protocol: baseline, schedule, limits, doses, symptoms")
def protocol(request: Request, who: Annotated[Visitor, anyone], protocol_id: str) -> Response:
    """Every row with where it was read."""
    room = room_of(request)
    held = room.knowledge.protocols.get(protocol_id)
    if held is None:
        return failed(request, 404, f"There is no protocol {protocol_id!r}. All of them: /protocols", "Not found")
    lists = [
        {
            "title": TITLES[name],
            "lender": held.borrowed.get(name),
            "rows": [_row(row, room) for row in held.lists[name]],
        }
        for name in PROTOCOL_LISTS
    ]
    model = {
        "protocol": {
            "id": held.id,
            "title": held.title,
            "body": held.body,
            "country": held.country,
            "published_on": held.published_on,
            "notes": list(held.notes),
        },
        "lists": lists,
    }
    return answer(request, "protocol.html.jinja", model)


@router.post("/protocols/chosen", summary="Chooses the clinic's protocol, and assesses everyone by it")
def choose(
    request: Request,
    who: Annotated[Visitor, may("administrator")],
    protocol: Annotated[str, Form(max_length=100)],
) -> Response:
    """One transaction: nobody is shown by the old protocol once the new one is chosen."""
    room, by = room_of(request), actor(request, who)
    if protocol not in _choices(room):
        raise StoreError(f"protocol {protocol!r}: not known. Expected one of: {', '.join(_choices(room))}.")
    with room.store.write() as connection:
        of_this = clinics.c.id == by.clinic_id
        before = connection.execute(sa.select(clinics.c.protocol).where(of_this)).scalar_one()
        connection.execute(sa.update(clinics).where(of_this).values(protocol=protocol))
        detail = {"from": before, "to": protocol}
        audit.append(connection, [Entry(by.login, "choose protocol", by.clinic_id, by.clinic_id, detail)])
        everyone = records.everyone(connection, by.clinic_id)
        reassess.reassess(connection, by.clinic_id, everyone, by.today, room.knowledge)
    return done(request, "/protocols", protocol=protocol)


def _choices(room: Room) -> list[str]:
    return ["auto", MOST_CAUTIOUS, *room.knowledge.protocols]


def _row(row: Any, room: Room) -> dict[str, Any]:
    """A row as pairs of what is stated, and its source."""
    cells: dict[str, Any] = msgspec.structs.asdict(row)
    said = {
        name.rstrip("_").replace("_", " "): _plain(cell)
        for name, cell in cells.items()
        if cell is not None and cell != "any" and name not in _CITATION
    }
    sources: list[Source] = sources_of([row], room.knowledge) if isinstance(row, Fact) else []
    return {"said": said, "sources": sources}


def _plain(cell: Any) -> str:
    if isinstance(cell, tuple | list):
        parts: list[Any] = list(cell)  # pyright: ignore[reportUnknownArgumentType]
        return (" to " if isinstance(cell, tuple) else " + ").join(map(_plain, parts))
    return f"{cell:g}" if isinstance(cell, float) else str(cell)
