"""Takes back what somebody stored for the wrong patient in one step: its rows, numbers, names and joined records.

All of it bears the author and the moment of that step. Rows are struck out and can be looked at; what they had replaced
stands again, unless something later stands in its place. Numbers and names are removed, so that they can be another
person's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.record.tables import Record, SetAside
from azaward.store.care import merges
from azaward.store.care.corrections import corrected
from azaward.store.care.rows import TAKEN_BACK, By
from azaward.store.schema import RECORD, identities, set_aside
from azaward.store.schema import merges as joined

_LISTENER = "hl7"


@dataclass
class TakenBack:
    """How many rows were struck out and stand again, how many numbers and names are free, and who is affected.

    `since` counts the rows that messages brought for these patients afterwards.
    """

    rows: int = 0
    again: int = 0
    identities: int = 0
    since: int = 0
    touched: set[str] = field(default_factory=set[str])
    notices: list[SetAside] = field(default_factory=list[SetAside])


def take_back(connection: Connection, clinic_id: str, step: By, why: str, by: By) -> TakenBack:
    """Undoes the step of an author at a moment; whoever acted on a result that is struck out is named."""
    done = TakenBack()
    for name, table in RECORD.items():
        mine = (table.c.clinic_id == clinic_id, table.c.entered_by == step.who, table.c.entered_at == step.at)
        struck = _rows(connection, sa.select(table).where(*mine, table.c.struck_at.is_(None)))
        _set(connection, table, struck, struck_by=by.who, struck_at=by.at, struck_why=f"{TAKEN_BACK}: {why}")
        again = _replaced(connection, table, clinic_id, step)
        _set(connection, table, again, struck_by=None, struck_at=None, struck_why=None)
        done.rows += len(struck)
        done.again += len(again)
        done.touched |= {str(row["patient_id"]) for row in [*struck, *again]}
        done.notices += corrected(connection, clinic_id, name, struck, Record.of({}))
    _separate(connection, clinic_id, step, why, by, done)
    of_step = (identities.c.entered_by == step.who, identities.c.entered_at == step.at)
    gone = sa.delete(identities).where(identities.c.clinic_id == clinic_id, *of_step)
    done.identities = connection.execute(gone).rowcount
    if done.identities:
        done.since = _since(connection, clinic_id, step, done.touched)
    return done


def settle_asides(connection: Connection, clinic_id: str, message: str, why: str, by: By) -> set[str]:
    """Marks as reviewed what was set aside of a message; gives the patients of whom it was."""
    mine = (set_aside.c.clinic_id == clinic_id, set_aside.c.import_id.is_(None), set_aside.c.resolved_at.is_(None))
    asked = sa.update(set_aside).where(*mine, set_aside.c.where.startswith(f"{message}, ", autoescape=True))
    asked = asked.values(resolved_by=by.who, resolved_at=by.at, resolved_why=f"{TAKEN_BACK}: {why}")
    return {str(one) for one in connection.scalars(asked.returning(set_aside.c.patient_id)) if one}


def _rows(connection: Connection, question: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(question).mappings()]


def _set(connection: Connection, table: sa.Table, rows: list[dict[str, Any]], **cells: Any) -> None:
    if rows:
        connection.execute(sa.update(table).where(table.c.id.in_([row["id"] for row in rows])).values(cells))


def _replaced(connection: Connection, table: sa.Table, clinic_id: str, step: By) -> list[dict[str, Any]]:
    """The rows that the step struck out, without those in whose place something stands that came later."""
    struck = (table.c.clinic_id == clinic_id, table.c.struck_by == step.who, table.c.struck_at == step.at)
    other = table.alias()
    same = other.c.resource == table.c.resource
    same |= other.c.resource.is_(None) & table.c.resource.is_(None) & sa.literal(table.name == "patients")
    stands = sa.select(other.c.id).where(
        other.c.clinic_id == clinic_id,
        other.c.patient_id == table.c.patient_id,
        other.c.struck_at.is_(None),
        other.c.entered_at > step.at,
        same,
    )
    return _rows(connection, sa.select(table).where(*struck, ~stands.exists()))


def _separate(connection: Connection, clinic_id: str, step: By, why: str, by: By, done: TakenBack) -> None:
    """Separates the records that the step joined."""
    mine = (joined.c.clinic_id == clinic_id, joined.c.by == step.who, joined.c.at == step.at)
    for given_up in connection.scalars(sa.select(joined.c.given_up).where(*mine, joined.c.undone_at.is_(None))).all():
        done.touched |= {str(given_up), merges.unmerge(connection, clinic_id, str(given_up), why, by)}


def _since(connection: Connection, clinic_id: str, step: By, patients: set[str]) -> int:
    """How many rows that messages brought of these patients since then still stand."""
    of_each = merges.members(connection, clinic_id, sorted(patients))
    ids = [one for every in of_each.values() for one in every]
    count = 0
    for table in RECORD.values():
        later = (table.c.entered_by == _LISTENER, table.c.entered_at > step.at, table.c.struck_at.is_(None))
        mine = (table.c.clinic_id == clinic_id, table.c.patient_id.in_(ids))
        count += connection.execute(sa.select(sa.func.count()).select_from(table).where(*mine, *later)).scalar_one()
    return count
