"""`/invitation/...`: the link by which somebody makes their account, or chooses a new password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import Response

from azaward.store import accounts, invitations, passwords
from azaward.store.invitations import InvitationError
from azaward.store.schema import clinics
from azaward.web.access.account import SAID
from azaward.web.access.entrance import home, let_in, own_site
from azaward.web.shared.answer import answer, failed, wants_json
from azaward.web.shared.room import now, room_of
from azaward.web.shared.who import COOKIE, Visitor, anyone

router = APIRouter(tags=["signing in"])
Token = Annotated[str, Path(max_length=200)]
Secret = Annotated[str, Form(max_length=1000)]
_GONE = "This invitation doesn't work"


@router.get("/invitation/{token}", summary="The page of an invitation")
def invitation_page(request: Request, who: Annotated[Visitor, anyone], token: Token) -> Response:
    """What the invitation is for."""
    try:
        return answer(request, "invitation.html.jinja", _model(request, token))
    except InvitationError as error:
        return failed(request, 410, str(error), _GONE)


@router.post("/invitation/{token}", summary="Makes the account of an invitation", dependencies=[own_site])
def accept(
    request: Request,
    who: Annotated[Visitor, anyone],
    token: Token,
    password: Secret,
    login: Annotated[str, Form(max_length=1000)] = "",
    name: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Signs the new user in; one whose password is new signs in with it."""
    store = room_of(request).store
    try:
        model = _model(request, token)
        user = invitations.accept(store, token, login, name, password, now())
    except InvitationError as error:
        return failed(request, 410, str(error), _GONE)
    except SAID as error:
        if wants_json(request):
            return failed(request, 400, str(error))
        shown = {**_model(request, token), "login": login, "name": name, "error": str(error)}
        return answer(request, "invitation.html.jinja", shown, 400)
    instead_of = request.cookies.get(COOKIE)
    # A link alone doesn't stand in for a second factor.
    whole = not user.has_second_factor
    made = accounts.begin(store, user, whole, now(), str(model["how"]), instead_of=instead_of)
    return let_in(request, made, home(user) if whole else "/sign-in/second")


def _model(request: Request, token: str) -> Mapping[str, Any]:
    store = room_of(request).store
    with store.read() as connection:
        invitation = invitations.by_token(connection, token, now())
        clinic = connection.execute(sa.select(clinics.c.name).where(clinics.c.id == invitation.clinic_id)).scalar_one()
    user = accounts.by_id(store, invitation.user_id) if invitation.user_id is not None else None
    return {
        "action": f"/invitation/{token}",
        "clinic": clinic,
        "role": invitation.role,
        "patient_id": invitation.patient_id,
        "ends_at": invitation.ends_at,
        "user": user,
        "how": "new password" if user else "invitation",
        "login": user.login if user else "",
        "name": "",
        "shortest": passwords.SHORTEST,
        "error": "",
    }
