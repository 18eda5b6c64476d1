"""Who has an account, and whose is this session?

Passwords are kept as argon2 hashes, the tokens of sessions as SHA-256: whoever reads the database can sign in as
nobody. A session ends when it was not used for a while, and at the latest after a working day.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.engine import Connection

from azaward.store import audit
from azaward.store.audit import Entry
from azaward.store.database import Store, StoreError
from azaward.store.schema import passkeys, sessions, tokens, users

Role = Literal["patient", "nurse", "clinician", "administrator"]
ROLES: tuple[Role, ...] = ("patient", "nurse", "clinician", "administrator")
IDLE, LONGEST = dt.timedelta(minutes=30), dt.timedelta(hours=12)
SHORTEST_PASSWORD = 12
_TOUCH = dt.timedelta(minutes=1)
_hasher = PasswordHasher()
# So that an unknown login takes as long to refuse as a wrong password.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


class AccountError(StoreError):
    """The account can't be made, changed or used so; one line that says why."""


@dataclass(frozen=True)
class User:
    """Somebody who may sign in; a patient's account sees the record of `patient_id` and no other."""

    id: int
    login: str
    name: str
    role: Role
    clinic_id: str
    patient_id: str | None
    disabled: bool
    has_totp: bool
    passkeys: int

    @property
    def has_second_factor(self) -> bool:
        """Whether signing in takes a second step."""
        return self.has_totp or self.passkeys > 0


@dataclass(frozen=True)
class Session:
    """A signed-in browser; `whole` once the second factor was given too."""

    user: User
    csrf: str
    whole: bool


def digest_of(token: str) -> str:
    """What is kept of a secret token."""
    return hashlib.sha256(token.encode()).hexdigest()


def make_user(
    connection: Connection,
    login: str,
    name: str,
    role: Role,
    clinic_id: str,
    password: str | None,
    patient_id: str | None = None,
    by: str = "system",
) -> int:
    """Makes an account and returns its id; `AccountError` where the login is taken or the password too short."""
    login = login.strip().casefold()
    if not login:
        raise AccountError("login: empty. Expected a name to sign in with, such as an e-mail address.")
    if (role == "patient") != (patient_id is not None):
        raise AccountError(f"role {role}: a patient's account, and no other, belongs to a patient of the clinic.")
    if password is not None:
        check_password(password)
    if connection.execute(sa.select(users.c.id).where(users.c.login == login)).one_or_none() is not None:
        raise AccountError(f"login {login!r}: taken. Choose another.")
    number = connection.execute(
        sa.insert(users)
        .values(
            clinic_id=clinic_id,
            login=login,
            name=name.strip() or login,
            role=role,
            patient_id=patient_id,
            password_hash=None if password is None else _hasher.hash(password),
            totp_step=0,
            disabled=False,
            created_at=dt.datetime.now(dt.UTC),
        )
        .returning(users.c.id)
    ).scalar_one()
    audit.append(connection, [Entry(by, "make user", clinic_id, login, {"role": role, "patient_id": patient_id})])
    return number


def check_password(password: str) -> None:
    """Raises `AccountError` where a password is too short."""
    if len(password) < SHORTEST_PASSWORD:
        raise AccountError(f"password: {len(password)} characters. Expected at least {SHORTEST_PASSWORD}.")


def by_password(store: Store, login: str, password: str) -> User | None:
    """The user with this login and password, who isn't disabled; None for any other reason alike."""
    with store.read() as connection:
        row = connection.execute(_users().where(users.c.login == login.strip().casefold())).mappings().one_or_none()
    held = str(row["password_hash"]) if row is not None and row["password_hash"] else _NOBODY
    try:
        _hasher.verify(held, password)
    except (VerificationError, InvalidHashError):
        return None
    return None if row is None or row["disabled"] or held == _NOBODY else _user(row)


def by_id(store: Store, user_id: int) -> User | None:
    """The user with this id."""
    with store.read() as connection:
        row = connection.execute(_users().where(users.c.id == user_id)).mappings().one_or_none()
    return None if row is None else _user(row)


def of_clinic(connection: Connection, clinic_id: str) -> list[User]:
    """Every account of a clinic."""
    rows = connection.execute(_users().where(users.c.clinic_id == clinic_id).order_by(users.c.login)).mappings()
    return [_user(row) for row in rows]


def begin(store: Store, user: User, whole: bool, now: dt.datetime) -> str:
    """Begins a session and returns its token, for the browser alone."""
    token = secrets.token_urlsafe(32)
    row = {
        "digest": digest_of(token),
        "user_id": user.id,
        "csrf": secrets.token_urlsafe(32),
        "whole": whole,
        "created_at": now,
        "seen_at": now,
        "ends_at": now + LONGEST,
    }
    with store.write() as connection:
        connection.execute(sa.delete(sessions).where((sessions.c.ends_at < now) | (sessions.c.seen_at < now - IDLE)))
        connection.execute(sa.insert(sessions).values(row))
        action = "sign in" if whole else "first factor"
        audit.append(connection, [Entry(user.login, action, user.clinic_id, user.login)])
    return token


def end(store: Store, token: str) -> None:
    """Ends a session."""
    with store.write() as connection:
        question = sa.select(users.c.login, users.c.clinic_id).join(sessions, sessions.c.user_id == users.c.id)
        whose = connection.execute(question.where(sessions.c.digest == digest_of(token))).one_or_none()
        if whose is not None:
            connection.execute(sa.delete(sessions).where(sessions.c.digest == digest_of(token)))
            audit.append(connection, [Entry(whose.login, "sign out", whose.clinic_id, whose.login)])


def session_of(store: Store, token: str, now: dt.datetime) -> Session | None:
    """The session of a token, unless it has ended or its user was disabled."""
    question = (
        _users()
        .add_columns(sessions.c.csrf, sessions.c.whole, sessions.c.seen_at, sessions.c.ends_at)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.digest == digest_of(token))
    )
    with store.read() as connection:
        row = connection.execute(question).mappings().one_or_none()
    if row is None or row["disabled"] or now > row["ends_at"] or now > row["seen_at"] + IDLE:
        return None
    if now > row["seen_at"] + _TOUCH:
        with store.write() as connection:
            connection.execute(sa.update(sessions).where(sessions.c.digest == digest_of(token)).values(seen_at=now))
    return Session(_user(row), row["csrf"], row["whole"])


def _users() -> sa.Select[Any]:
    count = sa.select(sa.func.count()).where(passkeys.c.user_id == users.c.id).scalar_subquery()
    return sa.select(users, count.label("passkeys"))


def _user(row: Mapping[Any, Any]) -> User:
    names = ("id", "login", "name", "role", "clinic_id", "patient_id", "disabled", "passkeys")
    return User(**{name: row[name] for name in names}, has_totp=row["totp_secret"] is not None)


def user_of_token(store: Store, token: str, now: dt.datetime) -> User | None:
    """The user of a program's token, unless it has ended, was revoked, or its user was disabled."""
    question = (
        _users()
        .add_columns(tokens.c.ends_at, tokens.c.revoked_at)
        .join(tokens, tokens.c.user_id == users.c.id)
        .where(tokens.c.digest == digest_of(token))
    )
    with store.read() as connection:
        row = connection.execute(question).mappings().one_or_none()
    if row is None or row["disabled"] or row["revoked_at"] is not None or now > row["ends_at"]:
        return None
    return _user(row)
