"""What do all ways of signing in share: where to go afterwards, the cookie, and that this site's own page asked?"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response

from azaward.store.accounts import User
from azaward.web.shared.answer import as_json, wants_json
from azaward.web.shared.room import room_of
from azaward.web.shared.who import COOKIE, NotAllowedError


def path_of(text: str) -> str:
    """A path of this site, or nothing where the text could lead to another.

    >>> path_of("/patients/c001?tab=plan")
    '/patients/c001?tab=plan'
    >>> [path_of(text) for text in ("//evil.example", "https://evil.example", "/\\t/evil.example")]
    ['', '', '']
    """
    if not text.startswith("/") or text.startswith("//") or "\\" in text:
        return ""
    # Browsers leave out tabs and line breaks, and then read what remains.
    if not text.isascii() or not text.isprintable() or " " in text:
        return ""
    parts = urlsplit(text)
    return "" if parts.scheme or parts.netloc else text


def home(user: User) -> str:
    """Where somebody begins."""
    return "/mine" if user.role == "patient" else "/worklist"


def origin(request: Request) -> str:
    """This site's origin, as the browser sees it."""
    scheme = "https" if room_of(request).settings.secure else request.url.scheme
    return f"{scheme}://{request.headers.get('host', '')}"


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else "unknown"


def _own_site(request: Request) -> None:
    """Refuses what another site's page sends, before there is a session whose token could tell."""
    fetched = request.headers.get("sec-fetch-site")
    sent = request.headers.get("origin")
    # Programs send neither; every browser sends an origin with a form.
    own = fetched in ("same-origin", "none") if fetched is not None else sent is None or sent == origin(request)
    if not own:
        raise NotAllowedError("the form came from another site. Open this site's own page and try again.")


own_site: Any = Depends(_own_site)


def let_in(request: Request, token: str, to: str) -> Response:
    """Gives the browser its session, and sends it on."""
    response = as_json({"ok": True, "to": to}) if wants_json(request) else RedirectResponse(to, 303)
    secure = room_of(request).settings.secure
    response.set_cookie(COOKIE, token, path="/", secure=secure, httponly=True, samesite="lax")
    return response


def let_out(response: Response) -> Response:
    """Takes the session's cookie from the browser."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return response
