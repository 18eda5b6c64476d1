"""Who is asking, and may they?

Every route says who may use it with `may(...)` or `anyone`; a route that says nothing doesn't start (`routes.py`
checks). Staff see their own clinic and no other, a patient their own record and no other. A change that a browser
sends must carry the session's own token, so that another site can't make it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Request

from azaward.store import accounts
from azaward.store.accounts import Role, User
from azaward.store.audit import Entry
from azaward.store.care.acts import Actor
from azaward.web.shared.room import now, room_of

COOKIE = "azaward"
ACCOUNT = "/account"
STAFF: tuple[Role, ...] = ("nurse", "clinician", "administrator")
_CHANGES = ("POST", "PUT", "PATCH", "DELETE")


class NotSignedInError(Exception):
    """Nobody is signed in; the page is for those who are."""


class NotAllowedError(Exception):
    """The one who is signed in may not do this; the message says why."""


class NoSecondFactorError(NotAllowedError):
    """A member of staff who has no second factor yet asked for something else than to set one up."""


@dataclass(frozen=True)
class Visitor:
    """Who asks: a signed-in user, by a session or a token, or nobody (`user` is None)."""

    user: User | None
    csrf: str | None = None
    via: Literal["session", "token", "nothing"] = "nothing"
    # The password was given and the second factor was not.
    halfway: bool = False
    # Staff without a second factor may do nothing but set one up.
    unready: bool = False

    @property
    def signed_in(self) -> User:
        """The user; `NotSignedInError` where there is none."""
        if self.user is None:
            raise NotSignedInError
        return self.user


def visitor(request: Request) -> Visitor:
    """Who is asking, by the token of a program or the cookie of a browser."""
    room = room_of(request)
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.casefold() == "bearer":
        user = accounts.user_of_token(room.store, token.strip(), now())
        if user is None:
            return Visitor(None)
        return Visitor(user, via="token", unready=_unready(request, user))
    cookie = request.cookies.get(COOKIE)
    session = accounts.session_of(room.store, cookie, now()) if cookie else None
    if session is None:
        return Visitor(None)
    if not session.whole:
        return Visitor(None, session.csrf, "session", halfway=True)
    # The hospital's identity provider may have asked for a second factor itself.
    unready = _unready(request, session.user) and not session.step.get("provider's second factor", False)
    return Visitor(session.user, session.csrf, "session", unready=unready)


def _unready(request: Request, user: User) -> bool:
    return user.role in STAFF and not user.has_second_factor and room_of(request).settings.demo is None


async def _same_site(request: Request) -> str | None:
    """The token that a changing request of a browser carries: in a header, or in its form."""
    if (sent := request.headers.get("x-csrf-token")) is not None:
        return sent
    if request.headers.get("content-type", "").startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        form = await request.form()
        sent = form.get("csrf")
        return sent if isinstance(sent, str) else None
    return None


def _known(request: Request) -> Visitor:
    asking = visitor(request)
    request.state.visitor = asking
    return asking


async def _checked(request: Request, who: Annotated[Visitor, Depends(_known)]) -> Visitor:
    if request.method in _CHANGES and who.via == "session":
        sent = await _same_site(request)
        if who.csrf is None or sent is None or not hmac.compare_digest(sent, who.csrf):
            raise NotAllowedError("the form was not this site's own, or it is too old. Load the page again.")
    return who


class May:
    """Lets some roles in; `roles` is what the table of who may is made of."""

    def __init__(self, *roles: Role) -> None:
        self.roles = roles

    async def __call__(self, request: Request, who: Annotated[Visitor, Depends(_checked)]) -> Visitor:
        """The visitor, who is one of those; else `NotSignedInError` or `NotAllowedError`."""
        if who.unready and not f"{request.url.path}/".startswith(f"{ACCOUNT}/"):
            raise NoSecondFactorError(f"set up a second factor first, at {ACCOUNT}: an authenticator app or a passkey.")
        if who.signed_in.role not in self.roles:
            raise NotAllowedError(f"this is for {', '.join(self.roles)}. You are signed in as {who.signed_in.role}.")
        return who


class Anyone(May):
    """Lets everybody in, signed in or not."""

    async def __call__(self, request: Request, who: Annotated[Visitor, Depends(_checked)]) -> Visitor:
        """The visitor."""
        return who


def may(*roles: Role) -> Any:
    """A parameter of a route: the visitor, who has one of these roles."""
    return Depends(May(*roles))


anyone: Any = Depends(Anyone("patient", "nurse", "clinician", "administrator"))


def actor(request: Request, who: Visitor) -> Actor:
    """Who acts on the store."""
    user = who.signed_in
    return Actor(user.login, user.clinic_id, room_of(request).today())


def note_read(request: Request, who: Visitor, what: str, subject: str | None = None, **detail: Any) -> None:
    """Enters a read in the audit trail; returns once it is kept."""
    user = who.signed_in
    room_of(request).reads.note(Entry(user.login, f"read {what}", user.clinic_id, subject, detail))


Check = Callable[..., Any]
