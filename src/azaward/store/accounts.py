"""User accounts and sessions.

Passwords are stored as argon2 hashes and session tokens as SHA-256, so that nobody can sign in with what is in the
database. A session ends after a period without use, and after a working day at the latest.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.errors import StoreError
from azaward.store import audit, passwords, sign_in_limits
from azaward.store.audit import Entry
from azaward.store.database import Store
from azaward.store.schema import passkeys, sessions, tokens, users

Role = Literal["patient", "nurse", "clinician", "administrator"]
ROLES: tuple[Role, ...] = ("patient", "nurse", "clinician", "administrator")
IDLE, LONGEST = dt.timedelta(minutes=30), dt.timedelta(hours=12)
# How long the second factor may take.
HALFWAY = dt.timedelta(minutes=10)
LONGEST_LOGIN = 200
_TOUCH = dt.timedelta(minutes=1)


class AccountError(StoreError):
    """The account can't be created, changed or used in this way; one line gives the reason."""


@dataclass(frozen=True)
class User:
    """A user who may sign in; a patient's account can see only the record of `patient_id`."""

    id: int
    login: str
    name: str
    role: Role
    clinic_id: str
    patient_id: str | None
    disabled: bool
    has_totp: bool
    passkeys: int
    # Without one, the hospital's identity provider is the only way in.
    has_password: bool = True

    @property
    def has_second_factor(self) -> bool:
        """Whether signing in needs a second factor."""
        return self.has_totp or self.passkeys > 0


@dataclass(frozen=True)
class Session:
    """A browser session; `whole` after the second factor, and `step` holds the state of a ceremony in progress."""

    user: User
    csrf: str
    whole: bool
    step: Mapping[str, Any] = field(default_factory=dict[str, Any])


def digest_of(token: str) -> str:
    """The stored digest of a secret token."""
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
    """Creates an account and returns its id. Raises `AccountError` if the login is taken or the password too short."""
    login = _login(login)
    if (role == "patient") != (patient_id is not None):
        raise AccountError(f"role {role}: only a patient's account belongs to a patient of the clinic.")
    if password is not None:
        passwords.check(password, login)
    if connection.execute(sa.select(users.c.id).where(users.c.login == login)).one_or_none() is not None:
        raise AccountError(f"login {login!r}: taken. Choose another.")
    number = connection.execute(
        sa.insert(users)
        .values(
            clinic_id=clinic_id,
            login=login,
            name=" ".join(name.split()) or login,
            role=role,
            patient_id=patient_id,
            password_hash=None if password is None else passwords.hash_of(password),
            totp_step=0,
            disabled=False,
            created_at=dt.datetime.now(dt.UTC),
        )
        .returning(users.c.id)
    ).scalar_one()
    audit.append(connection, [Entry(by, "make user", clinic_id, login, {"role": role, "patient_id": patient_id})])
    return number


def _login(login: str) -> str:
    login = login.strip().casefold()
    if not login:
        raise AccountError("login: empty. Expected a name to sign in with, such as an e-mail address.")
    if len(login) > LONGEST_LOGIN or not login.isprintable() or any(letter.isspace() for letter in login):
        raise AccountError(f"login: expected at most {LONGEST_LOGIN} characters without spaces.")
    return login


def by_password(store: Store, login: str, password: str) -> User | None:
    """The enabled user with this login and password; None otherwise, whatever the reason."""
    with store.read() as connection:
        row = connection.execute(_users().where(users.c.login == login.strip().casefold())).mappings().one_or_none()
    held: str | None = None if row is None or row["disabled"] else row["password_hash"]
    if not passwords.fits(held, password) or row is None or held is None:
        return None
    if passwords.is_old(held):
        with store.write() as connection:
            connection.execute(
                sa.update(users)
                .where(users.c.id == row["id"], users.c.password_hash == held)
                .values(password_hash=passwords.hash_of(password))
            )
    return _user(row)


def note_failure(store: Store, login: str, what: str) -> None:
    """Records a failed sign-in in the audit trail, without the login if no user has it."""
    with store.write() as connection:
        row = connection.execute(_users().where(users.c.login == login.strip().casefold())).mappings().one_or_none()
        known = None if row is None else row["login"]
        clinic_id = None if row is None else row["clinic_id"]
        audit.append(connection, [Entry(known or "unknown", "sign-in refused", clinic_id, known, {"what": what})])


def by_id(store: Store, user_id: int) -> User | None:
    """The user with this id."""
    with store.read() as connection:
        row = connection.execute(_users().where(users.c.id == user_id)).mappings().one_or_none()
    return None if row is None else _user(row)


def by_subject(store: Store, subject: str) -> User | None:
    """The user with this name at the hospital's identity provider."""
    with store.read() as connection:
        row = connection.execute(_users().where(users.c.oidc_subject == subject)).mappings().one_or_none()
    return None if row is None else _user(row)


def link_subject(store: Store, login: str, subject: str) -> User | None:
    """Links an account to an identity at the hospital's identity provider; None if no account is waiting for it.

    An administrator created that account for this purpose: it has no password and has not been used yet.
    """
    waits = (users.c.login == login.strip().casefold(), users.c.password_hash.is_(None), users.c.oidc_subject.is_(None))
    with store.write() as connection:
        row = connection.execute(_users().where(*waits, users.c.disabled.is_(False))).mappings().one_or_none()
        if row is None:
            return None
        connection.execute(sa.update(users).where(users.c.id == row["id"], *waits).values(oidc_subject=subject))
        detail = {"subject": subject}
        audit.append(connection, [Entry(row["login"], "tie to provider", row["clinic_id"], row["login"], detail)])
    return _user(row)


def change_name(store: Store, user: User, name: str) -> None:
    """Changes a user's display name."""
    name = " ".join(name.split())
    if not name:
        raise AccountError("name: empty. Enter your name as the pages should show it.")
    with store.write() as connection:
        connection.execute(sa.update(users).where(users.c.id == user.id).values(name=name))
        audit.append(connection, [Entry(user.login, "change name", user.clinic_id, user.login)])


def change_password(store: Store, user: User, password: str, keep: str | None) -> None:
    """Changes a password and ends every session except the one with the token `keep`."""
    passwords.check(password, user.login)
    held = passwords.hash_of(password)
    with store.write() as connection:
        connection.execute(sa.update(users).where(users.c.id == user.id).values(password_hash=held))
        end_sessions(connection, user.id, keep)
        audit.append(connection, [Entry(user.login, "change password", user.clinic_id, user.login)])


def of_clinic(connection: Connection, clinic_id: str) -> list[User]:
    """Every account of a clinic."""
    rows = connection.execute(_users().where(users.c.clinic_id == clinic_id).order_by(users.c.login)).mappings()
    return [_user(row) for row in rows]


def staff_of(connection: Connection, clinic_id: str) -> list[str]:
    """The logins of everybody of a clinic who isn't a patient, in order."""
    return [user.login for user in of_clinic(connection, clinic_id) if user.role != "patient"]


def begin(
    store: Store,
    user: User,
    whole: bool,
    now: dt.datetime,
    how: str = "password",
    instead_of: str | None = None,
    step: Mapping[str, Any] | None = None,
    attempt: int | None = None,
) -> str:
    """Begins a session and returns its token, which only the browser keeps.

    The session replaces the one whose token is `instead_of`; `attempt` is the sign-in attempt that succeeded.
    """
    token = secrets.token_urlsafe(32)
    row = {
        "digest": digest_of(token),
        "user_id": user.id,
        "csrf": secrets.token_urlsafe(32),
        "whole": whole,
        "created_at": now,
        "seen_at": now,
        "ends_at": now + (LONGEST if whole else HALFWAY),
        "step": json.dumps(dict(step)) if step else None,
    }
    with store.write() as connection:
        connection.execute(sa.delete(sessions).where((sessions.c.ends_at < now) | (sessions.c.seen_at < now - IDLE)))
        if instead_of:
            connection.execute(sa.delete(sessions).where(sessions.c.digest == digest_of(instead_of)))
        connection.execute(sa.insert(sessions).values(row))
        sign_in_limits.forget(connection, attempt, user.login if whole else None)
        action = "sign in" if whole else "first factor"
        audit.append(connection, [Entry(user.login, action, user.clinic_id, user.login, {"how": how})])
    return token


def end(store: Store, token: str) -> None:
    """Ends a session."""
    with store.write() as connection:
        question = sa.select(users.c.login, users.c.clinic_id).join(sessions, sessions.c.user_id == users.c.id)
        whose = connection.execute(question.where(sessions.c.digest == digest_of(token))).one_or_none()
        if whose is not None:
            connection.execute(sa.delete(sessions).where(sessions.c.digest == digest_of(token)))
            audit.append(connection, [Entry(whose.login, "sign out", whose.clinic_id, whose.login)])


def end_sessions(connection: Connection, user_id: int, but: str | None = None) -> int:
    """Ends every session of a user except the one with the token `but`, and returns how many."""
    which = sessions.c.user_id == user_id
    if but:
        which &= sessions.c.digest != digest_of(but)
    return connection.execute(sa.delete(sessions).where(which)).rowcount


def sign_out_everywhere(store: Store, user: User) -> None:
    """Ends every session of a user."""
    with store.write() as connection:
        count = end_sessions(connection, user.id)
        audit.append(connection, [Entry(user.login, "sign out", user.clinic_id, user.login, {"sessions": count})])


def open_sessions(connection: Connection, user: User, now: dt.datetime) -> list[Mapping[Any, Any]]:
    """A user's active sessions: when each began, was last used, and expires."""
    question = sa.select(sessions.c.digest, sessions.c.created_at, sessions.c.seen_at, sessions.c.ends_at).where(
        sessions.c.user_id == user.id, sessions.c.ends_at >= now, sessions.c.seen_at >= now - IDLE
    )
    return list(connection.execute(question.order_by(sessions.c.seen_at.desc())).mappings())


def remember(store: Store, token: str, step: Mapping[str, Any]) -> None:
    """Stores the state of a ceremony with several steps, in place of any earlier state."""
    with store.write() as connection:
        kept = json.dumps(dict(step)) if step else None
        connection.execute(sa.update(sessions).where(sessions.c.digest == digest_of(token)).values(step=kept))


def session_of(store: Store, token: str, now: dt.datetime) -> Session | None:
    """The session with this token, unless it has ended or its user is disabled."""
    question = (
        _users()
        .add_columns(sessions.c.csrf, sessions.c.whole, sessions.c.seen_at, sessions.c.ends_at, sessions.c.step)
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
    return Session(_user(row), row["csrf"], row["whole"], json.loads(row["step"]) if row["step"] else {})


def _users() -> sa.Select[Any]:
    count = sa.select(sa.func.count()).where(passkeys.c.user_id == users.c.id).scalar_subquery()
    return sa.select(users, count.label("passkeys"))


def _user(row: Mapping[Any, Any]) -> User:
    names = ("id", "login", "name", "role", "clinic_id", "patient_id", "disabled", "passkeys")
    return User(
        **{name: row[name] for name in names},
        has_totp=row["totp_secret"] is not None,
        has_password=row["password_hash"] is not None,
    )


def user_of_token(store: Store, token: str, now: dt.datetime) -> User | None:
    """The user of a program's token, unless it has expired or been revoked, or its user is disabled."""
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
