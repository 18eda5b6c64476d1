"""Tokens with which programs act for a user.

A token is shown once and stored as a digest. It has its owner's permissions, except for changes to the account, and it
expires.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.store import audit
from azaward.store.accounts import AccountError, User, digest_of
from azaward.store.audit import Entry
from azaward.store.database import Store
from azaward.store.schema import tokens

LONGEST_DAYS = 365


@dataclass(frozen=True)
class Token:
    """A program's token, without its secret."""

    id: int
    name: str
    created_at: dt.datetime
    ends_at: dt.datetime
    revoked_at: dt.datetime | None


def of_user(connection: Connection, user: User) -> list[Token]:
    """A user's tokens, newest first, including expired and revoked ones."""
    names = [tokens.c[name] for name in Token.__dataclass_fields__]
    rows = connection.execute(sa.select(*names).where(tokens.c.user_id == user.id).order_by(tokens.c.id.desc()))
    return [Token(**row) for row in rows.mappings()]


def make(store: Store, user: User, name: str, days: int, now: dt.datetime) -> str:
    """Creates a token that lasts for a number of days, and returns its secret, which is not stored."""
    name = " ".join(name.split())
    if not name:
        raise AccountError("name: empty. Enter the purpose of the token.")
    if not 1 <= days <= LONGEST_DAYS:
        raise AccountError(f"days {days}: expected 1 to {LONGEST_DAYS}.")
    secret = "azaward_" + secrets.token_urlsafe(32)
    row = {
        "digest": digest_of(secret),
        "user_id": user.id,
        "name": name,
        "created_at": now,
        "ends_at": now + dt.timedelta(days=days),
    }
    with store.write() as connection:
        connection.execute(sa.insert(tokens).values(row))
        detail = {"name": name, "days": days}
        audit.append(connection, [Entry(user.login, "make token", user.clinic_id, user.login, detail)])
    return secret


def revoke(store: Store, user: User, number: int, now: dt.datetime) -> bool:
    """Revokes one of a user's tokens; False if the user has no valid token with that number."""
    with store.write() as connection:
        which = (tokens.c.id == number, tokens.c.user_id == user.id, tokens.c.revoked_at.is_(None))
        held = sa.update(tokens).where(*which).values(revoked_at=now).returning(tokens.c.name)
        name = connection.execute(held).scalar_one_or_none()
        if name is None:
            return False
        audit.append(connection, [Entry(user.login, "revoke token", user.clinic_id, user.login, {"name": name})])
    return True
