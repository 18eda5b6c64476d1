"""Signing in and out: a password, then a second factor where there is one; or a passkey alone.

An unknown login and a wrong password get the same answer after about the same time, and after a few failures there is
a wait. Each step gives the browser a new token, so that one that was planted beforehand is worth nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from azaward.store import accounts, second_factor, sign_in_limits
from azaward.store.accounts import Session
from azaward.store.schema import users
from azaward.store.sign_in_limits import TooManyError
from azaward.web.access import passkeys, sealed
from azaward.web.access.entrance import address_of, home, let_in, let_out, own_site, path_of
from azaward.web.shared.answer import answer, done, failed, wants_json
from azaward.web.shared.room import now, room_of
from azaward.web.shared.who import COOKIE, NotSignedInError, Visitor, anyone

router = APIRouter(tags=["signing in"])
Login = Annotated[str, Form(max_length=accounts.LONGEST_LOGIN)]
Secret = Annotated[str, Form(max_length=1000)]
Next = Annotated[str, Form(max_length=2000)]
Credential = Annotated[str, Form(max_length=20_000)]
_WRONG = "The login or the password is not right."
_WRONG_CODE = "The code is not right, or it was used already. Wait for the next one."
_SECOND = "/sign-in/second"


@router.get("/sign-in", summary="The page to sign in on")
def sign_in_page(
    request: Request, who: Annotated[Visitor, anyone], next: Annotated[str, Query(max_length=2000)] = ""
) -> Response:
    """The page; who is signed in is sent on."""
    if who.halfway:
        return RedirectResponse(_SECOND, 303)
    if who.user is not None:
        return RedirectResponse(path_of(next) or home(who.user), 303)
    return answer(request, "sign_in.html.jinja", _sign_in(request, path_of(next)))


@router.post("/sign-in", summary="Signs in with a password", dependencies=[own_site])
def sign_in(
    request: Request,
    who: Annotated[Visitor, anyone],
    login: Login,
    password: Secret,
    next: Next = "",
) -> Response:
    """The first step, and the whole of it for somebody without a second factor."""
    store, to = room_of(request).store, path_of(next)
    try:
        attempt = sign_in_limits.claim(store, login, address_of(request), now())
    except TooManyError as error:
        return _wait(request, error, "sign_in.html.jinja", _sign_in(request, to))
    user = accounts.by_password(store, login, password)
    if user is None:
        accounts.note_failure(store, login, "password")
        return _again(request, 401, _WRONG, "sign_in.html.jinja", _sign_in(request, to, login))
    whole = not user.has_second_factor
    step = {} if whole else {"next": to}
    token = accounts.begin(
        store, user, whole, now(), instead_of=request.cookies.get(COOKIE), step=step, attempt=attempt
    )
    return let_in(request, token, (to or home(user)) if whole else _SECOND)


@router.post(
    "/sign-in/passkey/options", summary="What a browser needs to sign in with a passkey", dependencies=[own_site]
)
def passkey_options(request: Request, who: Annotated[Visitor, anyone]) -> Response:
    """A challenge for a passkey that knows whose it is."""
    options, challenge = passkeys.to_authenticate(request, None)
    response = Response(options, media_type="application/json")
    sealed.seal(request, response, "passkey", {"challenge": challenge})
    return response


@router.post("/sign-in/passkey", summary="Signs in with a passkey alone", dependencies=[own_site])
def sign_in_by_passkey(
    request: Request, who: Annotated[Visitor, anyone], credential: Credential, next: Next = ""
) -> Response:
    """Wholly signed in: a passkey that checked who holds it is two factors in one."""
    store, to = room_of(request).store, path_of(next)
    try:
        attempt = sign_in_limits.claim(store, "", address_of(request), now())
    except TooManyError as error:
        return _wait(request, error, "sign_in.html.jinja", _sign_in(request, to))
    kept = sealed.unseal(request, "passkey")
    challenge = "" if kept is None else str(kept["challenge"])
    user = None
    if challenge and sealed.first_time(request, challenge):
        user = passkeys.authenticated(request, credential, challenge)
    if user is None:
        accounts.note_failure(store, "", "passkey")
        return _again(request, 401, passkeys.REFUSED, "sign_in.html.jinja", _sign_in(request, to))
    token = accounts.begin(store, user, True, now(), "passkey", instead_of=request.cookies.get(COOKIE), attempt=attempt)
    response = let_in(request, token, to or home(user))
    sealed.unset(response, "passkey")
    return response


@router.get("/sign-in/second", summary="The page for the second factor")
def second_page(request: Request, who: Annotated[Visitor, anyone]) -> Response:
    """The page, for who has given the password."""
    if who.user is not None:
        return RedirectResponse(home(who.user), 303)
    return answer(request, "second_factor.html.jinja", _second(_halfway(request)))


@router.post("/sign-in/second/passkey/options", summary="What a browser needs to give a passkey as second factor")
def second_passkey_options(request: Request, who: Annotated[Visitor, anyone]) -> Response:
    """A challenge for one of the user's passkeys."""
    session, store = _halfway(request), room_of(request).store
    with store.read() as connection:
        held = second_factor.passkeys_of(connection, session.user)
    options, challenge = passkeys.to_authenticate(request, held)
    accounts.remember(store, request.cookies[COOKIE], {**session.step, "challenge": challenge})
    return Response(options, media_type="application/json")


@router.post("/sign-in/second", summary="Gives the second factor")
def second(
    request: Request,
    who: Annotated[Visitor, anyone],
    code: Annotated[str, Form(max_length=40)] = "",
    credential: Credential = "",
) -> Response:
    """The second step: a code of the authenticator app, or a passkey's answer."""
    session, store, token = _halfway(request), room_of(request).store, request.cookies[COOKIE]
    user = session.user
    try:
        attempt = sign_in_limits.claim(store, user.login, address_of(request), now())
    except TooManyError as error:
        return _wait(request, error, "second_factor.html.jinja", _second(session))
    how, line = ("passkey", passkeys.REFUSED) if credential else ("authenticator app", _WRONG_CODE)
    if credential:
        challenge = str(session.step.get("challenge", ""))
        # A challenge counts once, whatever comes of it.
        accounts.remember(store, token, {"next": session.step.get("next", "")})
        right = bool(challenge) and passkeys.authenticated(request, credential, challenge, user) is not None
    else:
        right = second_factor.use_code(store, user, code, now())
    if not right:
        accounts.note_failure(store, user.login, how)
        return _again(request, 401, line, "second_factor.html.jinja", _second(session))
    to = path_of(str(session.step.get("next", ""))) or home(user)
    made = accounts.begin(store, user, True, now(), f"then {how}", instead_of=token, attempt=attempt)
    return let_in(request, made, to)


@router.post("/sign-out", summary="Signs out", dependencies=[own_site])
def sign_out(request: Request, who: Annotated[Visitor, anyone]) -> Response:
    """Ends the session, here and in the database."""
    if token := request.cookies.get(COOKIE):
        accounts.end(room_of(request).store, token)
    return let_out(done(request, "/sign-in"))


def _halfway(request: Request) -> Session:
    """The session of somebody who gave the password and not yet the second factor."""
    token = request.cookies.get(COOKIE)
    session = accounts.session_of(room_of(request).store, token, now()) if token else None
    if session is None or session.whole:
        raise NotSignedInError
    return session


def _sign_in(request: Request, to: str, login: str = "") -> dict[str, Any]:
    room = room_of(request)
    with room.store.read() as connection:
        empty = connection.execute(sa.select(users.c.id).limit(1)).one_or_none() is None
    demo = room.settings.demo
    return {
        "to": to,
        "to_query": f"?next={quote(to)}" if to else "",
        "login": login,
        "provider": room.settings.oidc is not None,
        "empty": empty,
        "examples": list(demo.logins) if demo else [],
        "example_password": demo.password if demo else "",
        "error": "",
    }


def _second(session: Session) -> dict[str, Any]:
    user = session.user
    return {"login": user.login, "has_app": user.has_totp, "has_passkey": user.passkeys > 0, "error": ""}


def _again(request: Request, status: int, line: str, template: str, model: Mapping[str, Any]) -> Response:
    """The same page once more, with what was wrong."""
    if wants_json(request):
        return failed(request, status, line)
    return answer(request, template, {**model, "error": line}, status)


def _wait(request: Request, error: TooManyError, template: str, model: Mapping[str, Any]) -> Response:
    response = _again(request, 429, str(error), template, model)
    response.headers["retry-after"] = str(error.seconds)
    return response
