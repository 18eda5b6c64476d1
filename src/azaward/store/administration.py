"""What may an administrator do with the accounts of their clinic?

A clinic always has an administrator: the last one can't be disabled or given another role.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.store import accounts, audit
from azaward.store.accounts import ROLES, AccountError, Role, User
from azaward.store.audit import Entry
from azaward.store.database import Store
from azaward.store.schema import audit_head, users


def change_role(store: Store, user: User, role: Role, by: User) -> None:
    """Gives a member of staff another role; a patient's account can't change its role."""
    if role not in ROLES or "patient" in (role, user.role):
        raise AccountError(f"role {role}: a staff account can't become a patient's, or a patient's a staff account.")
    with store.write() as connection:
        if role != "administrator":
            _not_the_last(connection, user)
        connection.execute(sa.update(users).where(users.c.id == user.id).values(role=role))
        detail = {"from": user.role, "to": role}
        audit.append(connection, [Entry(by.login, "change role", user.clinic_id, user.login, detail)])


def disable(store: Store, user: User, by: User) -> None:
    """Disables an account: its sessions end at once, and its tokens are refused."""
    with store.write() as connection:
        _not_the_last(connection, user)
        connection.execute(sa.update(users).where(users.c.id == user.id).values(disabled=True))
        accounts.end_sessions(connection, user.id)
        audit.append(connection, [Entry(by.login, "disable user", user.clinic_id, user.login)])


def enable(store: Store, user: User, by: User) -> None:
    """Enables a disabled account."""
    with store.write() as connection:
        connection.execute(sa.update(users).where(users.c.id == user.id).values(disabled=False))
        audit.append(connection, [Entry(by.login, "enable user", user.clinic_id, user.login)])


def _not_the_last(connection: Connection, user: User) -> None:
    # Writers meet here, so that two administrators can't each remove the other.
    connection.execute(sa.select(audit_head.c.id).with_for_update())
    others = sa.select(users.c.id).where(
        users.c.clinic_id == user.clinic_id,
        users.c.role == "administrator",
        users.c.disabled.is_(False),
        users.c.id != user.id,
    )
    if user.role == "administrator" and connection.execute(others.limit(1)).one_or_none() is None:
        raise AccountError(f"{user.login}: the clinic's last administrator. Make someone else an administrator first.")
