"""`/account`: one's own name, password, second factors, programs' tokens and sessions.

What opens the account to somebody else takes the password again, so that a session that was left open isn't enough;
and it takes a session, so that a program's token can't make itself another way in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response

from azaward.store import accounts, second_factor, sign_in_limits, tokens
from azaward.store.accounts import AccountError, Session, User, digest_of
from azaward.store.passwords import PasswordError
from azaward.store.sign_in_limits import TooManyError
from azaward.web.access import passkeys
from azaward.web.access.entrance import address_of, let_in, let_out
from azaward.web.shared.answer import answer, as_json, done, failed, wants_json
from azaward.web.shared.room import now, room_of
from azaward.web.shared.who import ACCOUNT, COOKIE, NotAllowedError, NotSignedInError, Visitor, may

router = APIRouter(tags=["account"])
mine: Any = may("patient", "nurse", "clinician", "administrator")
Name = Annotated[str, Form(max_length=100)]
Secret = Annotated[str, Form(max_length=1000)]
# What is said on the page itself, where it was typed.
SAID = (AccountError, PasswordError, TooManyError)


@router.get(ACCOUNT, summary="One's own account")
def account(request: Request, who: Annotated[Visitor, mine]) -> Response:
    """The account's page."""
    return answer(request, "account.html.jinja", _model(request, who))


@router.post("/account/name", summary="Changes one's own name")
def change_name(request: Request, who: Annotated[Visitor, mine], name: Name) -> Response:
    """What the pages call the user."""
    return _try(request, who, lambda session: accounts.change_name(room_of(request).store, session.user, name))


@router.post("/account/password", summary="Changes one's own password")
def change_password(
    request: Request, who: Annotated[Visitor, mine], password: Secret, new_password: Secret
) -> Response:
    """Every other session ends, and this one goes on under a new token."""
    session, store = _session(request, who), room_of(request).store
    try:
        if not session.user.has_password:
            raise AccountError("you sign in through the hospital, so there is no password to change here.")
        _confirm(request, session.user, password)
        accounts.change_password(store, session.user, new_password, None)
    except SAID as error:
        return _failed(request, who, str(error))
    token = accounts.begin(store, session.user, True, now(), "new password", step=session.step)
    return let_in(request, token, f"{ACCOUNT}?said=password")


@router.post("/account/app", summary="Begins to set up an authenticator app")
def begin_app(request: Request, who: Annotated[Visitor, mine], password: Secret = "") -> Response:
    """Shows the secret; it counts once a code of it was typed."""

    def act(session: Session) -> None:
        _confirm(request, session.user, password)
        if session.user.has_totp:
            raise AccountError("an authenticator app is set up already. Remove it before you set up another.")
        _remember(request, session, secret=second_factor.new_secret())

    return _try(request, who, act, "#second")


@router.post("/account/app/confirm", summary="Takes an authenticator app into use")
def confirm_app(request: Request, who: Annotated[Visitor, mine], code: Annotated[str, Form(max_length=40)]) -> Response:
    """The first right code shows that the app was set up well."""

    def act(session: Session) -> None:
        secret = str(session.step.get("secret", ""))
        if not secret:
            raise AccountError("there is nothing to confirm. Begin again.")
        second_factor.add_app(room_of(request).store, session.user, secret, code, now())
        _remember(request, session, secret=None)

    return _try(request, who, act, "#second")


@router.post("/account/app/remove", summary="Takes the authenticator app out of use")
def remove_app(request: Request, who: Annotated[Visitor, mine], password: Secret) -> Response:
    """Takes the password again."""

    def act(session: Session) -> None:
        _confirm(request, session.user, password, must=True)
        second_factor.remove_app(room_of(request).store, session.user)

    return _try(request, who, act, "#second")


@router.post("/account/passkeys/options", summary="What a browser needs to make a passkey")
def passkey_options(request: Request, who: Annotated[Visitor, mine], password: Secret = "") -> Response:
    """A challenge, for who gave the password again."""
    session = _session(request, who)
    _confirm(request, session.user, password)
    with room_of(request).store.read() as connection:
        held = second_factor.passkeys_of(connection, session.user)
    options, challenge = passkeys.to_register(request, session.user, held)
    _remember(request, session, challenge=challenge)
    return Response(options, media_type="application/json")


@router.post("/account/passkeys", summary="Takes a passkey into use")
def add_passkey(
    request: Request,
    who: Annotated[Visitor, mine],
    credential: Annotated[str, Form(max_length=20_000)],
    name: Name = "",
) -> Response:
    """What the browser made for the challenge."""

    def act(session: Session) -> None:
        challenge = str(session.step.get("challenge", ""))
        _remember(request, session, challenge=None)
        made = passkeys.registered(request, credential, challenge) if challenge else None
        if made is None:
            raise AccountError("the passkey could not be checked, or it came too late. Try again.")
        second_factor.add_passkey(
            room_of(request).store,
            session.user,
            name,
            made.credential_id,
            made.credential_public_key,
            made.sign_count,
            now(),
        )

    return _try(request, who, act, "#second")


@router.post("/account/passkeys/{number}/remove", summary="Takes a passkey out of use")
def remove_passkey(request: Request, who: Annotated[Visitor, mine], number: int, password: Secret) -> Response:
    """Takes the password again."""

    def act(session: Session) -> None:
        _confirm(request, session.user, password, must=True)
        if not second_factor.remove_passkey(room_of(request).store, session.user, _number(number)):
            raise HTTPException(404)

    return _try(request, who, act, "#second")


@router.post("/account/tokens", summary="Makes a token for a program")
def make_token(
    request: Request,
    who: Annotated[Visitor, mine],
    name: Name,
    days: Annotated[int, Form(ge=1, le=tokens.LONGEST_DAYS)],
    password: Secret = "",
) -> Response:
    """The token is shown now and never again."""
    session = _session(request, who)
    if who.unready:
        raise NotAllowedError("set up a second factor first.")
    try:
        _confirm(request, session.user, password)
        secret = tokens.make(room_of(request).store, session.user, name, days, now())
    except SAID as error:
        return _failed(request, who, str(error))
    if wants_json(request):
        return as_json({"ok": True, "token": secret})
    return answer(request, "account.html.jinja", {**_model(request, who), "new_token": secret})


@router.post("/account/tokens/{number}/revoke", summary="Revokes a token")
def revoke_token(request: Request, who: Annotated[Visitor, mine], number: int) -> Response:
    """From now on the token is refused."""

    def act(session: Session) -> None:
        if not tokens.revoke(room_of(request).store, session.user, _number(number), now()):
            raise HTTPException(404)

    return _try(request, who, act, "#tokens")


@router.post("/account/sessions/end", summary="Signs out everywhere")
def sign_out_everywhere(request: Request, who: Annotated[Visitor, mine]) -> Response:
    """Ends every session, this one too."""
    accounts.sign_out_everywhere(room_of(request).store, _session(request, who).user)
    return let_out(done(request, "/sign-in"))


def _session(request: Request, who: Visitor) -> Session:
    if who.via != "session":
        raise NotAllowedError("an account is changed in the browser, by whoever is signed in there; a token can't.")
    session = accounts.session_of(room_of(request).store, request.cookies.get(COOKIE, ""), now())
    if session is None:
        raise NotSignedInError
    return session


def _confirm(request: Request, user: User, password: str, must: bool = False) -> None:
    """The password again, counted like a sign-in; who has none may add but not remove."""
    if not user.has_password:
        if must:
            raise AccountError("without a password here, ask your clinic's administrator to reset your second factor.")
        return
    store = room_of(request).store
    attempt = sign_in_limits.claim(store, user.login, address_of(request), now())
    if accounts.by_password(store, user.login, password) is None:
        accounts.note_failure(store, user.login, "password again")
        raise AccountError("the password is not right. Type the one that you sign in with.")
    with store.write() as connection:
        sign_in_limits.forget(connection, attempt)


def _remember(request: Request, session: Session, **changes: str | None) -> None:
    kept = {name: value for name, value in {**session.step, **changes}.items() if value is not None}
    accounts.remember(room_of(request).store, request.cookies[COOKIE], kept)


def _number(number: int) -> int:
    if not 0 < number < 2**31:
        raise HTTPException(404)
    return number


def _try(request: Request, who: Visitor, act: Callable[[Session], None], part: str = "") -> Response:
    """Does something to the account; what was wrong is said on its page."""
    try:
        act(_session(request, who))
    except SAID as error:
        return _failed(request, who, str(error))
    return done(request, ACCOUNT + part)


def _failed(request: Request, who: Visitor, line: str) -> Response:
    if wants_json(request):
        return failed(request, 400, line)
    return answer(request, "account.html.jinja", {**_model(request, who), "error": line}, 400)


def _model(request: Request, who: Visitor) -> Mapping[str, Any]:
    store, user = room_of(request).store, who.signed_in
    token = request.cookies.get(COOKIE, "") if who.via == "session" else ""
    session = accounts.session_of(store, token, now()) if token else None
    with store.read() as connection:
        keys = second_factor.passkeys_of(connection, user)
        held = tokens.of_user(connection, user)
        opened = accounts.open_sessions(connection, user, now())
    secret = "" if session is None else str(session.step.get("secret", ""))
    pending = {"secret": secret, "picture": picture(second_factor.address(user.login, secret))} if secret else None
    return {
        "user": user,
        "unready": who.unready,
        "passkeys": [{"id": key.id, "name": key.name, "created_at": key.created_at} for key in keys],
        "pending": pending,
        "tokens": held,
        "live": [token.id for token in held if token.revoked_at is None and token.ends_at >= now()],
        "sessions": [
            {
                "created_at": session["created_at"],
                "seen_at": session["seen_at"],
                "ends_at": session["ends_at"],
                "this": bool(token) and session["digest"] == digest_of(token),
            }
            for session in opened
        ],
        "longest_days": tokens.LONGEST_DAYS,
        "said": "Your password is changed; other sessions have ended."
        if request.query_params.get("said") == "password"
        else "",
        "new_token": "",
        "error": "",
    }


def picture(text: str) -> str:
    """A QR code as SVG, dark on light whatever the page's colours, since cameras expect that.

    >>> picture("https://clinic.example/")[:24]
    '<svg viewBox="0 0 33 33"'
    """
    return segno.make(text, micro=False, error="m").svg_inline(border=4, dark="#000", light="#fff", omitsize=True)
