"""Previews an import, and lists earlier ones.

A preview changes nothing. It shows how many rows of each table are new, and which patients the clinic already knows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.record.tables import TABLES, Record
from azaward.store.care import records
from azaward.store.schema import RECORD, assessments, imports, set_aside

_AT_ONCE = 5_000


@dataclass(frozen=True)
class Coming:
    """The preview of an import: rows by table, new rows and patients; `before` if the file was already imported."""

    rows: Mapping[str, int]
    new_rows: Mapping[str, int]
    new_patients: tuple[str, ...]
    known_patients: tuple[str, ...]
    before: dt.datetime | None


@dataclass(frozen=True)
class Kept:
    """An imported file."""

    id: int
    file: str
    by: str
    at: dt.datetime
    rows: int
    new_rows: int
    patients: int
    set_aside: int


@dataclass(frozen=True)
class Aside:
    """A set-aside item of a file, and who has reviewed it since."""

    patient_id: str | None
    where: str
    what: str
    why: str
    kind: str
    resolved_by: str | None
    resolved_why: str | None


def coming(connection: Connection, clinic_id: str, record: Record, digest: str) -> Coming:
    """Previews the import of a record into a clinic; `digest` is its file's."""
    same = sa.select(imports.c.at).where(imports.c.clinic_id == clinic_id, imports.c.digest == digest)
    ids = record.patient_ids()
    known = _held(connection, assessments.c.patient_id, assessments.c.clinic_id == clinic_id, ids)
    rows, new_rows = dict[str, int](), dict[str, int]()
    for name, columns in TABLES.items():
        names, table = [column.name for column in columns], RECORD[name]
        marks = {records.digest(dict(zip(names, cells, strict=True))) for cells in record.rows[name]}
        held = _held(connection, table.c.digest, table.c.clinic_id == clinic_id, list(marks))
        rows[name], new_rows[name] = len(record.rows[name]), len(marks) - len(held)
    return Coming(
        rows,
        new_rows,
        tuple(patient for patient in ids if patient not in known),
        tuple(patient for patient in ids if patient in known),
        connection.execute(same).scalar_one_or_none(),
    )


def history(connection: Connection, clinic_id: str, most: int = 200) -> list[Kept]:
    """The files imported into a clinic, latest first."""
    question = _kept().where(imports.c.clinic_id == clinic_id).order_by(imports.c.id.desc()).limit(most)
    return [Kept(**row) for row in connection.execute(question).mappings()]


def one(connection: Connection, clinic_id: str, number: int) -> tuple[Kept, list[Aside]] | None:
    """A file imported into a clinic, and its set-aside items."""
    question = _kept().where(imports.c.clinic_id == clinic_id, imports.c.id == number)
    row = connection.execute(question).mappings().one_or_none()
    if row is None:
        return None
    columns = [set_aside.c[name] for name in Aside.__dataclass_fields__]
    lines = sa.select(*columns).where(set_aside.c.clinic_id == clinic_id, set_aside.c.import_id == number)
    return Kept(**row), [Aside(**line) for line in connection.execute(lines.order_by(set_aside.c.id)).mappings()]


def _kept() -> sa.Select[Any]:
    return sa.select(*(imports.c[name] for name in Kept.__dataclass_fields__))


def _held(connection: Connection, column: Any, clinic: Any, wanted: list[str]) -> set[str]:
    """The wanted values that exist in a column for the clinic."""
    held: set[str] = set()
    for start in range(0, len(wanted), _AT_ONCE):
        some = sa.select(column).where(clinic, column.in_(wanted[start : start + _AT_ONCE]))
        held |= set(connection.scalars(some))
    return held
