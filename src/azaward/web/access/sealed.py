"""What must a browser bring back unread and unchanged, before anybody is signed in?

The challenge of a passkey and the state of a visit to the hospital's identity provider travel in a cookie that is
encrypted with a key that this server made when it started, and that counts for a few minutes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from azaward.web.shared.room import Room, room_of

SECONDS = 600
_ALGORITHM = {"alg": "dir", "enc": "A256GCM"}


def seal(request: Request, response: Response, what: str, values: Mapping[str, Any]) -> None:
    """Gives the browser some values to bring back, for a ceremony named `what`."""
    room = room_of(request)
    inside = json.dumps({"what": what, "ends": time.time() + SECONDS, "values": dict(values)})
    text = jwe.encrypt_compact(_ALGORITHM, inside, _key(room))
    response.set_cookie(
        _name(what), text, max_age=SECONDS, path="/sign-in", secure=room.settings.secure, httponly=True, samesite="lax"
    )


def unseal(request: Request, what: str) -> Mapping[str, Any] | None:
    """What the browser brought back, if it is this server's own, of that ceremony, and in time."""
    text = request.cookies.get(_name(what), "")
    try:
        inside = json.loads(jwe.decrypt_compact(text, _key(room_of(request))).plaintext or b"{}")
    except (JoseError, ValueError):
        return None
    if inside.get("what") != what or time.time() > inside.get("ends", 0):
        return None
    values: Mapping[str, Any] = inside["values"]
    return values


def unset(response: Response, what: str) -> None:
    """Takes the values from the browser: they count once."""
    response.delete_cookie(_name(what), path="/sign-in")


def first_time(request: Request, text: str) -> bool:
    """Whether something that counts once is here for the first time; it is used up now."""
    used: dict[str, float] = room_of(request).notes.setdefault("used up", {})
    for old in [name for name, ends in list(used.items()) if time.time() > ends]:
        used.pop(old, None)
    return used.setdefault(text, ends := time.time() + SECONDS + 1) is ends


def _name(what: str) -> str:
    return f"azaward-{what}"


def _key(room: Room) -> OctKey:
    key: OctKey = room.notes.setdefault("sealing key", OctKey.generate_key(256))
    return key
