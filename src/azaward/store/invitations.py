"""Creating accounts: by invitation, as the first administrator, or through the hospital's sign-in.

An invitation is a link that works once and expires. The person who invites passes it on. Only a digest is stored, so
the link can be shown only when it is created.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.store import accounts, audit, passwords
from azaward.store.accounts import ROLES, AccountError, Role, User, digest_of
from azaward.store.audit import Entry
from azaward.store.database import Store
from azaward.store.schema import assessments, audit_head, clinics, invitations, users

LASTS, NEW_PASSWORD_LASTS = dt.timedelta(days=7), dt.timedelta(days=1)
_MISSING = (
    "This invitation doesn't work: it was already used, it has expired, or part of the link is missing. "
    "Ask the person who gave it to you for a new one."
)


class InvitationError(AccountError):
    """The invitation was used, has expired or never existed; the message says whom to ask."""


@dataclass(frozen=True)
class Invitation:
    """An invitation in the database; `user_id` is set if it is for a new password for that account."""

    id: int
    clinic_id: str
    role: Role
    patient_id: str | None
    by: str
    created_at: dt.datetime
    ends_at: dt.datetime
    user_id: int | None


def invite(store: Store, by: User, role: Role, patient_id: str | None, now: dt.datetime) -> str:
    """Creates an invitation to `by`'s clinic and returns its token; nurses and clinicians can invite only patients."""
    _may_invite(by, role)
    with store.write() as connection:
        _belongs(connection, by.clinic_id, role, patient_id)
        token = _make(connection, by, role, patient_id, now, LASTS)
        detail = {"role": role, "patient_id": patient_id}
        audit.append(connection, [Entry(by.login, "invite", by.clinic_id, patient_id, detail)])
    return token


def invite_through_provider(
    store: Store, by: User, login: str, name: str, role: Role, patient_id: str | None = None
) -> None:
    """Creates an account whose owner will sign in through the hospital's identity provider, matched by e-mail."""
    _may_invite(by, role)
    with store.write() as connection:
        _belongs(connection, by.clinic_id, role, patient_id)
        accounts.make_user(connection, login, name, role, by.clinic_id, None, patient_id, by.login)


def new_password(store: Store, user: User, by: User, now: dt.datetime) -> str:
    """Creates a link with which a user can choose a new password, and returns its token."""
    if not user.has_password:
        raise AccountError(f"{user.login}: has no password here; this user signs in through the hospital.")
    with store.write() as connection:
        token = _make(connection, by, user.role, user.patient_id, now, NEW_PASSWORD_LASTS, user.id)
        audit.append(connection, [Entry(by.login, "offer new password", user.clinic_id, user.login)])
    return token


def open_ones(connection: Connection, clinic_id: str, now: dt.datetime) -> list[Invitation]:
    """A clinic's unused and unexpired invitations, newest first."""
    which = (invitations.c.clinic_id == clinic_id, invitations.c.used_at.is_(None), invitations.c.ends_at >= now)
    rows = connection.execute(_columns().where(*which).order_by(invitations.c.id.desc()))
    return [Invitation(**row) for row in rows.mappings()]


def withdraw(store: Store, by: User, number: int, now: dt.datetime) -> bool:
    """Withdraws an unused invitation of `by`'s clinic; False if there is none."""
    with store.write() as connection:
        which = (invitations.c.id == number, invitations.c.clinic_id == by.clinic_id, invitations.c.used_at.is_(None))
        withdrawn = (
            connection.execute(sa.update(invitations).where(*which).values(ends_at=now, used_at=now)).rowcount == 1
        )
        if withdrawn:
            audit.append(connection, [Entry(by.login, "withdraw invitation", by.clinic_id, str(number))])
    return withdrawn


def by_token(connection: Connection, token: str, now: dt.datetime) -> Invitation:
    """The invitation of a link. Raises `InvitationError` if it is no longer valid."""
    row = connection.execute(_columns().where(invitations.c.digest == digest_of(token))).mappings().one_or_none()
    used = sa.select(invitations.c.used_at).where(invitations.c.digest == digest_of(token))
    if row is None or connection.execute(used).scalar_one() is not None or row["ends_at"] < now:
        raise InvitationError(_MISSING)
    return Invitation(**row)


def accept(store: Store, token: str, login: str, name: str, password: str, now: dt.datetime) -> User:
    """Uses an invitation: creates the account or sets its new password, and returns the user."""
    with store.write() as connection:
        invitation = by_token(connection, token, now)
        taken = sa.update(invitations).where(invitations.c.id == invitation.id, invitations.c.used_at.is_(None))
        if connection.execute(taken.values(used_at=now)).rowcount != 1:
            raise InvitationError(_MISSING)
        if invitation.user_id is None:
            number = accounts.make_user(
                connection,
                login,
                name,
                invitation.role,
                invitation.clinic_id,
                password,
                invitation.patient_id,
                invitation.by,
            )
        else:
            number = _give_password(connection, invitation.user_id, password)
    user = accounts.by_id(store, number)
    if user is None:
        raise InvitationError(_MISSING)
    return user


def make_first(
    store: Store, clinic_id: str, clinic: str, phone: str | None, login: str, name: str, password: str
) -> User:
    """Creates a clinic and its administrator if there are no accounts yet; otherwise raises `AccountError`."""
    now = dt.datetime.now(dt.UTC)
    with store.write() as connection:
        connection.execute(sa.select(audit_head.c.id).with_for_update())
        if connection.execute(sa.select(users.c.id).limit(1)).one_or_none() is not None:
            raise AccountError("an account already exists. Ask its owner for an invitation.")
        # Results may have come in before anybody had an account: then the clinic is there.
        if connection.execute(sa.select(clinics.c.id).where(clinics.c.id == clinic_id)).one_or_none() is None:
            given = {"id": clinic_id, "name": clinic, "phone": phone, "protocol": "auto", "created_at": now}
            connection.execute(sa.insert(clinics).values(given))
            audit.append(connection, [Entry("system", "make clinic", clinic_id, clinic_id, {"protocol": "auto"})])
        number = accounts.make_user(connection, login, name, "administrator", clinic_id, password)
    user = accounts.by_id(store, number)
    if user is None:
        raise AccountError("the account can't be read back.")
    return user


def _may_invite(by: User, role: Role) -> None:
    if role not in ROLES:
        raise AccountError(f"role {role}: expected one of {', '.join(ROLES)}.")
    if role != "patient" and by.role != "administrator":
        raise AccountError(f"role {role}: only an administrator can invite staff. You can invite patients.")


def _belongs(connection: Connection, clinic_id: str, role: Role, patient_id: str | None) -> None:
    """Checks that a patient's account names a patient of the clinic, and that no other account does."""
    if role != "patient":
        if patient_id is not None:
            raise AccountError(f"patient {patient_id}: only a patient's account belongs to a patient.")
        return
    if patient_id is None:
        raise AccountError("patient_id: empty. Enter the patient whose record the account may see.")
    which = (assessments.c.clinic_id == clinic_id, assessments.c.patient_id == patient_id)
    if connection.execute(sa.select(assessments.c.patient_id).where(*which)).one_or_none() is None:
        raise AccountError(f"patient {patient_id}: not a patient of this clinic.")


def _make(
    connection: Connection,
    by: User,
    role: Role,
    patient_id: str | None,
    now: dt.datetime,
    lasts: dt.timedelta,
    user_id: int | None = None,
) -> str:
    token = secrets.token_urlsafe(32)
    row = {
        "digest": digest_of(token),
        "clinic_id": by.clinic_id,
        "role": role,
        "patient_id": patient_id,
        "by": by.login,
        "created_at": now,
        "ends_at": now + lasts,
        "user_id": user_id,
    }
    connection.execute(sa.insert(invitations).values(row))
    return token


def _give_password(connection: Connection, user_id: int, password: str) -> int:
    columns = (users.c.login, users.c.clinic_id, users.c.disabled)
    row = connection.execute(sa.select(*columns).where(users.c.id == user_id)).one()
    if row.disabled:
        raise InvitationError(_MISSING)
    passwords.check(password, row.login)
    held = passwords.hash_of(password)
    connection.execute(sa.update(users).where(users.c.id == user_id).values(password_hash=held))
    accounts.end_sessions(connection, user_id)
    audit.append(connection, [Entry(row.login, "choose new password", row.clinic_id, row.login)])
    return user_id


def _columns() -> sa.Select[tuple[object, ...]]:
    return sa.select(*(invitations.c[name] for name in Invitation.__dataclass_fields__))
