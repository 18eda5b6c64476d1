"""The first visit: whoever reads the server's terminal makes the first administrator, with a code that counts once."""

from __future__ import annotations

import secrets

import sqlalchemy as sa

from azaward.store.schema import users
from azaward.web.room import Room


def code(room: Room) -> str | None:
    """The code of this server, where nobody has an account yet."""
    with room.store.read() as connection:
        if connection.execute(sa.select(users.c.id).limit(1)).one_or_none() is not None:
            return None
    return str(room.notes.setdefault("first code", secrets.token_hex(4)))
