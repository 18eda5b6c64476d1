"""The first visit: whoever reads the server's terminal makes the first administrator, with a code that counts once."""

from __future__ import annotations

import hmac
import re
import secrets
import threading
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response

from azaward.store import accounts, invitations, passwords
from azaward.store.accounts import AccountError
from azaward.store.schema import clinics, users
from azaward.web.access.account import SAID
from azaward.web.access.entrance import home, let_in, own_site
from azaward.web.shared.answer import answer, failed, wants_json
from azaward.web.shared.room import Room, now, room_of
from azaward.web.shared.who import Visitor, anyone

router = APIRouter(tags=["signing in"])
TRIES = 10
_CLINIC_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_one_at_a_time = threading.Lock()
Text = Annotated[str, Form(max_length=200)]


def code(room: Room) -> str | None:
    """The code of this server, where nobody has an account yet."""
    with room.store.read() as connection:
        if connection.execute(sa.select(users.c.id).limit(1)).one_or_none() is not None:
            return None
    return str(room.notes.setdefault("first code", secrets.token_hex(4)))


@router.get("/first", summary="The page that makes the first administrator")
def first_page(request: Request, who: Annotated[Visitor, anyone]) -> Response:
    """There is no such page once somebody has an account."""
    if code(room_of(request)) is None:
        raise HTTPException(404)
    return answer(request, "first.html.jinja", _model(request))


@router.post("/first", summary="Makes the first administrator and their clinic", dependencies=[own_site])
def first(
    request: Request,
    who: Annotated[Visitor, anyone],
    code_typed: Annotated[str, Form(alias="code", max_length=100)],
    clinic_id: Text,
    clinic: Text,
    login: Text,
    password: Annotated[str, Form(max_length=1000)],
    name: Text = "",
    phone: Text = "",
) -> Response:
    """Takes the code that the server printed when it started."""
    room = room_of(request)
    typed = {"clinic_id": clinic_id, "clinic": clinic, "phone": phone, "login": login, "name": name}
    try:
        _check_code(room, code_typed)
        clinic_id = clinic_id.strip()
        if not _CLINIC_ID.fullmatch(clinic_id):
            raise AccountError("clinic id: expected 1 to 40 small letters, digits and hyphens, such as st-elsewhere.")
        if not clinic.strip():
            raise AccountError("clinic: empty. Expected the name that patients know it by.")
        user = invitations.make_first(
            room.store, clinic_id, clinic.strip(), phone.strip() or None, login, name, password
        )
    except SAID as error:
        if wants_json(request):
            return failed(request, 400, str(error))
        return answer(request, "first.html.jinja", {**_model(request), **typed, "error": str(error)}, 400)
    room.notes.pop("first code", None)
    return let_in(request, accounts.begin(room.store, user, True, now(), "first visit"), home(user))


def _check_code(room: Room, typed: str) -> None:
    """Raises `AccountError` for a wrong code, and for every code after too many wrong ones."""
    with _one_at_a_time:
        right = code(room)
        if right is None:
            raise HTTPException(404)
        wrong = int(room.notes.get("wrong first codes", 0))
        if wrong >= TRIES:
            raise AccountError("the code was typed wrongly too often. Start azaward again: it prints a new one.")
        if not hmac.compare_digest(typed.strip().casefold().encode(), right.encode()):
            room.notes["wrong first codes"] = wrong + 1
            raise AccountError("the code is not right. It stands in the terminal where azaward was started.")


def _model(request: Request) -> dict[str, Any]:
    with room_of(request).store.read() as connection:
        # Results may have come in before anybody had an account: then their clinic is there.
        held = connection.execute(sa.select(clinics.c.id, clinics.c.name).order_by(clinics.c.id).limit(1)).one_or_none()
    return {
        "clinic_id": "" if held is None else held.id,
        "clinic": "" if held is None else held.name,
        "phone": "",
        "login": "",
        "name": "",
        "shortest": passwords.SHORTEST,
        "error": "",
    }
