"""`/users`: who may sign in at the clinic, and as what.

An administrator sees and changes the accounts of their own clinic. An invitation's link is shown once, to be handed
over; nurses and clinicians can invite patients.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import Response

from azaward.store import accounts, administration, imports, invitations, second_factor
from azaward.store.accounts import ROLES, Role, User
from azaward.store.database import Store
from azaward.web.access.account import SAID, picture
from azaward.web.access.entrance import origin
from azaward.web.shared.answer import answer, as_json, done, failed, wants_json
from azaward.web.shared.room import now, room_of
from azaward.web.shared.who import STAFF, NotAllowedError, Visitor, actor, may, note_read

router = APIRouter(tags=["users"])
Short = Annotated[str, Form(max_length=200)]
RoleField = Annotated[Role, Form()]
administrator: Any = may("administrator")


class Act(Protocol):
    """Something that an administrator does to an account."""

    def __call__(self, store: Store, user: User, *, by: User) -> None:
        """Does it."""


@router.get("/users", summary="The clinic's accounts")
def users_page(request: Request, who: Annotated[Visitor, administrator]) -> Response:
    """Every account of the clinic, and the invitations that wait."""
    model = _model(request, who)
    note_read(request, who, "users")
    return answer(request, "users.html.jinja", model)


@router.get("/users/invite", summary="The page to invite somebody on")
def invite_page(
    request: Request, who: Annotated[Visitor, may(*STAFF)], patient_id: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """The page, for a patient perhaps."""
    return answer(request, "invite.html.jinja", _inviting(request, who, patient_id))


@router.post("/users/invite", summary="Invites somebody to make an account")
def invite(
    request: Request,
    who: Annotated[Visitor, may(*STAFF)],
    role: RoleField = "patient",
    patient_id: Short = "",
    way: Annotated[Literal["link", "provider"], Form()] = "link",
    login: Short = "",
    name: Short = "",
) -> Response:
    """A link that works once, shown once; or an account that waits for the hospital's sign-in."""
    by, store, of = who.signed_in, room_of(request).store, patient_id.strip() or None
    try:
        if way == "provider":
            invitations.invite_through_provider(store, by, login, name, role, of)
            return done(request, "/users" if by.role == "administrator" else "/users/invite")
        token = invitations.invite(store, by, role, of, now())
    except SAID as error:
        return _failed(request, "invite.html.jinja", _inviting(request, who, patient_id, role), str(error))
    whom = f"patient {of}" if of else f"a new {role}"
    return _link(request, token, whom, "make an account", invitations.LASTS.days)


@router.post("/users/invitations/{number}/withdraw", summary="Ends an invitation before it is used")
def withdraw(request: Request, who: Annotated[Visitor, administrator], number: int) -> Response:
    """Its link doesn't work any more."""
    if not 0 < number < 2**31 or not invitations.withdraw(room_of(request).store, who.signed_in, number, now()):
        raise HTTPException(404)
    return done(request, "/users")


@router.post("/users/clinic", summary="Says what letters call the clinic, and where patients call")
def describe_clinic(
    request: Request, who: Annotated[Visitor, administrator], clinic: Short, phone: Short = ""
) -> Response:
    """Its name and telephone number, as they stand in letters, messages and patients' pages."""
    imports.describe_clinic(_store(request), actor(request, who), clinic, phone)
    return done(request, "/users")


@router.post("/users/{number}/role", summary="Gives a member of staff another role")
def change_role(request: Request, who: Annotated[Visitor, administrator], number: int, role: RoleField) -> Response:
    """Never away from the last administrator."""
    return _change(request, who, number, partial(administration.change_role, role=role))


@router.post("/users/{number}/disable", summary="Lets nobody in with an account")
def disable(request: Request, who: Annotated[Visitor, administrator], number: int) -> Response:
    """Its sessions end at once; never the last administrator's."""
    return _change(request, who, number, administration.disable)


@router.post("/users/{number}/enable", summary="Lets a disabled account in again")
def enable(request: Request, who: Annotated[Visitor, administrator], number: int) -> Response:
    """With the password and the second factor that it had."""
    return _change(request, who, number, administration.enable)


@router.post("/users/{number}/second-factor/reset", summary="Takes the second factors from an account")
def reset_second_factor(request: Request, who: Annotated[Visitor, administrator], number: int) -> Response:
    """For a lost phone: its sessions and tokens end too."""
    return _change(request, who, number, second_factor.reset)


@router.post("/users/{number}/new-password", summary="Makes a link to choose a new password by")
def new_password(request: Request, who: Annotated[Visitor, administrator], number: int) -> Response:
    """For a forgotten password: a link that works once, shown once."""
    user = _user(request, who, number)
    try:
        token = invitations.new_password(_store(request), user, who.signed_in, now())
    except SAID as error:
        return _failed(request, "users.html.jinja", _model(request, who), str(error))
    return _link(request, token, user.login, "choose a new password", invitations.NEW_PASSWORD_LASTS.days)


def _store(request: Request) -> Store:
    return room_of(request).store


def _user(request: Request, who: Visitor, number: int) -> User:
    """An account of the administrator's own clinic; any other isn't there."""
    user = accounts.by_id(room_of(request).store, number) if 0 < number < 2**31 else None
    if user is None or user.clinic_id != who.signed_in.clinic_id:
        raise HTTPException(404)
    return user


def _change(request: Request, who: Visitor, number: int, act: Act) -> Response:
    user = _user(request, who, number)
    try:
        act(_store(request), user, by=who.signed_in)
    except SAID as error:
        return _failed(request, "users.html.jinja", _model(request, who), str(error))
    return done(request, "/users")


def _failed(request: Request, template: str, model: Mapping[str, Any], line: str) -> Response:
    if wants_json(request):
        return failed(request, 400, line)
    return answer(request, template, {**model, "error": line}, 400)


def _link(request: Request, token: str, whom: str, purpose: str, days: int) -> Response:
    address = f"{origin(request)}/invitation/{token}"
    if wants_json(request):
        return as_json({"ok": True, "address": address, "days": days})
    link = {"address": address, "picture": picture(address), "whom": whom, "purpose": purpose, "days": days}
    return answer(request, "invite.html.jinja", {"link": link, "error": ""})


def _inviting(request: Request, who: Visitor, patient_id: str, role: Role = "patient") -> dict[str, Any]:
    roles: tuple[Role, ...] = ROLES if who.signed_in.role == "administrator" else ("patient",)
    return {
        "link": None,
        "roles": roles,
        "role": role,
        "patient_id": patient_id,
        "provider": room_of(request).settings.oidc is not None,
        "days": invitations.LASTS.days,
        "error": "",
    }


def _model(request: Request, who: Visitor) -> dict[str, Any]:
    if who.user is None:
        raise NotAllowedError("sign in first.")
    with room_of(request).store.read() as connection:
        held = accounts.of_clinic(connection, who.user.clinic_id)
        waiting = invitations.open_ones(connection, who.user.clinic_id, now())
        clinic = imports.clinic_of(connection, who.user.clinic_id)
    return {
        "clinic": clinic,
        "staff": [user for user in held if user.role != "patient"],
        "patients": [user for user in held if user.role == "patient"],
        "waiting": waiting,
        "logins": {user.id: user.login for user in held},
        "roles": STAFF,
        "error": "",
    }
