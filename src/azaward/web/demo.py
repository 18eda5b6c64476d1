"""The example clinic: invented people, and an account of each role, to try azaward without patients."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from azaward.knowledge import Knowledge
from azaward.record.tables import TABLES, Cell, Record
from azaward.store import accounts, imports
from azaward.store.accounts import Role
from azaward.store.care.acts import Actor
from azaward.store.database import Store
from azaward.store.schema import users
from azaward.synthesis import synthesise
from azaward.web.shared.room import Examples

CLINIC, NAME = "example", "Example clinic"
DAY = dt.date(2026, 11, 23)
PATIENTS, SEED, RESULTS = 200, 2026, 60
PASSWORD = "for-the-example-only"  # noqa: S105 (of invented people; a server with them listens to this machine alone)
ACCOUNTS: tuple[tuple[str, str, Role, str | None], ...] = (
    ("nurse", "Example nurse", "nurse", None),
    ("clinician", "Example clinician", "clinician", None),
    ("administrator", "Example administrator", "administrator", None),
    ("patient", "Example patient", "patient", "c001"),
)
EXAMPLES = Examples(tuple(login for login, *_ in ACCOUNTS), PASSWORD)


def furnish(store: Store, knowledge: Knowledge, patients: int = PATIENTS) -> None:
    """Puts the example clinic into a database that has no accounts yet."""
    with store.read() as connection:
        if connection.execute(sa.select(users.c.id).limit(1)).one_or_none() is not None:
            return
    imports.make_clinic(store, CLINIC, NAME)
    with store.write() as connection:
        for login, name, role, patient_id in ACCOUNTS:
            accounts.make_user(connection, login, name, role, CLINIC, PASSWORD, patient_id)
    rows: dict[str, list[dict[str, Cell]]] = {name: [] for name in TABLES}
    for person in synthesise(patients, SEED, DAY, RESULTS):
        for name, columns in TABLES.items():
            names = [column.name for column in columns]
            rows[name] += [dict(zip(names, row, strict=False)) for row in person.tables[name]]
    record = Record.of(rows)
    imports.keep(store, Actor("example", CLINIC, DAY), "the example clinic", f"example-{patients}", record, knowledge)
