"""Second factors for signing in: authenticator-app codes and passkeys.

A code works once: the time step of the last one used is stored, and no earlier or equal step is accepted. The use
counter of a passkey must increase; otherwise it is a copy.
"""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pyotp import random_base32
from pyotp.totp import TOTP
from sqlalchemy.engine import Connection

from azaward.store import accounts, audit
from azaward.store.accounts import AccountError, User
from azaward.store.audit import Entry
from azaward.store.database import Store
from azaward.store.schema import passkeys, sessions, tokens, users

ISSUER = "azaward"
# The step before and the one after: clocks differ, and people type slowly.
_WINDOW = 1
_SECONDS = 30
MOST_PASSKEYS = 20


@dataclass(frozen=True)
class Passkey:
    """A passkey: its owner, its name and its use counter."""

    id: int
    user_id: int
    name: str
    created_at: dt.datetime
    credential_id: bytes
    public_key: bytes
    sign_count: int


def new_secret() -> str:
    """A secret for an authenticator app."""
    return random_base32()


def address(login: str, secret: str) -> str:
    """The address that an authenticator app reads from the QR code.

    >>> address("nurse@clinic.example", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    'otpauth://totp/azaward:nurse%40clinic.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=azaward'
    """
    return TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def step_of(secret: str, code: str, now: dt.datetime, after: int = 0) -> int | None:
    """The time step of a code, if it is close to the present and later than the step `after`.

    >>> noon = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
    >>> code = TOTP("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").at(noon)
    >>> step = step_of("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", code, noon)
    >>> step_of("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", code, noon, after=step) is None
    True
    """
    typed = "".join(code.split())
    totp, at = TOTP(secret), int(now.timestamp()) // _SECONDS
    steps = [
        step
        for step in range(at - _WINDOW, at + _WINDOW + 1)
        if hmac.compare_digest(totp.generate_otp(step).encode(), typed.encode())
    ]
    return next((step for step in steps if step > after), None)


def add_app(store: Store, user: User, secret: str, code: str, now: dt.datetime) -> None:
    """Adds an authenticator app after it has given a correct code; otherwise raises `AccountError`."""
    if user.has_totp:
        raise AccountError("an authenticator app is already set up. Remove it before you set up another.")
    step = step_of(secret, code, now)
    if step is None:
        raise AccountError("the code is wrong. Check that the phone's clock is correct, then enter the latest code.")
    with store.write() as connection:
        connection.execute(sa.update(users).where(users.c.id == user.id).values(totp_secret=secret, totp_step=step))
        audit.append(connection, [Entry(user.login, "add authenticator app", user.clinic_id, user.login)])


def use_code(store: Store, user: User, code: str, now: dt.datetime) -> bool:
    """Whether this is an unused code from the user's app; marks it as used."""
    with store.write() as connection:
        held = connection.execute(sa.select(users.c.totp_secret, users.c.totp_step).where(users.c.id == user.id)).one()
        step = None if held.totp_secret is None else step_of(held.totp_secret, code, now, held.totp_step)
        if step is None:
            return False
        taken = sa.update(users).where(users.c.id == user.id, users.c.totp_step < step).values(totp_step=step)
        return connection.execute(taken).rowcount == 1


def remove_app(store: Store, user: User) -> None:
    """Removes a user's authenticator app."""
    with store.write() as connection:
        connection.execute(sa.update(users).where(users.c.id == user.id).values(totp_secret=None))
        audit.append(connection, [Entry(user.login, "remove authenticator app", user.clinic_id, user.login)])


def passkeys_of(connection: Connection, user: User) -> list[Passkey]:
    """A user's passkeys, oldest first."""
    rows = connection.execute(sa.select(passkeys).where(passkeys.c.user_id == user.id).order_by(passkeys.c.id))
    return [_passkey(row) for row in rows.mappings()]


def passkey(store: Store, credential_id: bytes) -> tuple[Passkey, User] | None:
    """The passkey with this id, and its owner."""
    with store.read() as connection:
        row = connection.execute(sa.select(passkeys).where(passkeys.c.credential_id == credential_id)).mappings()
        held = row.one_or_none()
    if held is None or (user := accounts.by_id(store, held["user_id"])) is None:
        return None
    return _passkey(held), user


def add_passkey(
    store: Store, user: User, name: str, credential_id: bytes, public_key: bytes, count: int, now: dt.datetime
) -> None:
    """Adds a passkey."""
    name = " ".join(name.split()) or "Passkey"
    with store.write() as connection:
        held = sa.select(sa.func.count()).where(passkeys.c.user_id == user.id)
        if connection.execute(held).scalar_one() >= MOST_PASSKEYS:
            raise AccountError(f"there are already {MOST_PASSKEYS} passkeys. Remove one that you no longer use.")
        if connection.execute(sa.select(passkeys.c.id).where(passkeys.c.credential_id == credential_id)).first():
            raise AccountError("this passkey is already in use.")
        connection.execute(
            sa.insert(passkeys).values(
                user_id=user.id,
                credential_id=credential_id,
                public_key=public_key,
                sign_count=count,
                name=name,
                created_at=now,
            )
        )
        audit.append(connection, [Entry(user.login, "add passkey", user.clinic_id, user.login, {"name": name})])


def use_passkey(store: Store, key: Passkey, count: int) -> bool:
    """Stores a passkey's use counter; False if the same response was used a moment before."""
    with store.write() as connection:
        same = sa.update(passkeys).where(passkeys.c.id == key.id, passkeys.c.sign_count == key.sign_count)
        return connection.execute(same.values(sign_count=count)).rowcount == 1


def remove_passkey(store: Store, user: User, number: int) -> bool:
    """Removes one of a user's passkeys; False if the user has none with that number."""
    with store.write() as connection:
        which = sa.delete(passkeys).where(passkeys.c.id == number, passkeys.c.user_id == user.id)
        name = connection.execute(which.returning(passkeys.c.name)).scalar_one_or_none()
        if name is None:
            return False
        audit.append(connection, [Entry(user.login, "remove passkey", user.clinic_id, user.login, {"name": name})])
    return True


def reset(store: Store, user: User, by: User) -> None:
    """Removes a user's second factors and sessions; they sign in again and set up a new second factor."""
    with store.write() as connection:
        connection.execute(sa.update(users).where(users.c.id == user.id).values(totp_secret=None))
        connection.execute(sa.delete(passkeys).where(passkeys.c.user_id == user.id))
        connection.execute(sa.delete(sessions).where(sessions.c.user_id == user.id))
        now = dt.datetime.now(dt.UTC)
        held = sa.update(tokens).where(tokens.c.user_id == user.id, tokens.c.revoked_at.is_(None))
        connection.execute(held.values(revoked_at=now))
        audit.append(connection, [Entry(by.login, "reset second factor", user.clinic_id, user.login)])


def _passkey(row: Mapping[Any, Any]) -> Passkey:
    return Passkey(**{name: row[name] for name in Passkey.__dataclass_fields__})
