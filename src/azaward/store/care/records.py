"""Stores and reads the rows of patients.

An existing row is not added again, so that imports are idempotent. Nothing is overwritten. A row that retracts an
earlier one strikes it out. A row that contradicts one is kept or set aside, and every later assessment of that patient
says so.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.record.tables import STATUS_NEVER_COUNTS, TABLES, Cell, Record, SetAside
from azaward.store.schema import RECORD, set_aside

# Where a row stood says nothing of the patient: the same row in two files is one row.
_NOT_IN_DIGEST = ("origin",)
_AT_ONCE = 5_000
_WHO = ("birth_date", "sex")


@dataclass(frozen=True)
class By:
    """The author and time of rows, and the number of their import."""

    who: str
    at: dt.datetime
    import_id: int | None = None


@dataclass(frozen=True)
class Added:
    """The number of new rows, and their patients."""

    rows: int
    patients: frozenset[str]


def add(connection: Connection, clinic_id: str, record: Record, by: By) -> Added:
    """Stores a record's rows and set-aside items."""
    given = {"clinic_id": clinic_id, "import_id": by.import_id, "entered_by": by.who, "entered_at": by.at}
    added, patients = 0, set[str]()
    asides = list(record.set_aside)
    for name, columns in TABLES.items():
        names = [column.name for column in columns]
        rows = [dict(zip(names, cells, strict=True)) for cells in record.rows[name]]
        if name == "patients":
            rows = _people(connection, clinic_id, rows, by, asides)
        by_digest: dict[str, dict[str, Cell]] = {}
        for row in rows:
            by_digest.setdefault(digest(row), row)
        known = _known(connection, name, clinic_id, by_digest)
        new = [{**row, "digest": key, **given} for key, row in by_digest.items() if key not in known]
        for row in new:
            _replaces(connection, name, clinic_id, row, by)
        for start in range(0, len(new), _AT_ONCE):
            connection.execute(sa.insert(RECORD[name]), new[start : start + _AT_ONCE])
        added += len(new)
        patients |= {str(row["patient_id"]) for row in new}
    patients |= _add_asides(connection, clinic_id, asides, by.import_id)
    return Added(added, frozenset(patients))


def of_patients(connection: Connection, clinic_id: str, patient_ids: Sequence[str]) -> Record:
    """The current rows of these patients, and their unresolved set-aside items."""
    rows: dict[str, list[tuple[Cell, ...]]] = {}
    for name, columns in TABLES.items():
        table = RECORD[name]
        question = (
            sa.select(*(table.c[column.name] for column in columns))
            .where(table.c.clinic_id == clinic_id, table.c.patient_id.in_(patient_ids), table.c.struck_at.is_(None))
            .order_by(table.c.id)
        )
        rows[name] = [tuple(row) for row in connection.execute(question)]
    question = (
        sa.select(*(set_aside.c[name] for name in ("where", "what", "why", "patient_id", "kind")))
        .where(
            set_aside.c.clinic_id == clinic_id,
            set_aside.c.patient_id.in_(patient_ids),
            set_aside.c.resolved_at.is_(None),
        )
        .order_by(set_aside.c.id)
    )
    return Record(rows, [SetAside(*row) for row in connection.execute(question)])


def of_patient(connection: Connection, clinic_id: str, patient_id: str) -> Record:
    """The current rows of one patient."""
    return of_patients(connection, clinic_id, [patient_id])


def everyone(connection: Connection, clinic_id: str) -> list[str]:
    """Every patient of a clinic who appears in any table."""
    each = [sa.select(table.c.patient_id).where(table.c.clinic_id == clinic_id) for table in RECORD.values()]
    return sorted(connection.scalars(sa.union(*each)))


def strike(connection: Connection, clinic_id: str, patient_id: str, table: str, row_id: int, by: By, why: str) -> bool:
    """Strikes out a patient's row, with the person and the reason; False if there is no such current row."""
    rows = RECORD[table]
    done = connection.execute(
        sa.update(rows)
        .where(rows.c.clinic_id == clinic_id, rows.c.patient_id == patient_id, rows.c.id == row_id)
        .where(rows.c.struck_at.is_(None))
        .values(struck_by=by.who, struck_at=by.at, struck_why=why)
    )
    return done.rowcount == 1


def resolve(connection: Connection, clinic_id: str, patient_id: str, aside_id: int, by: By, why: str) -> bool:
    """Marks a patient's set-aside item as reviewed; False if there is no such item."""
    done = connection.execute(
        sa.update(set_aside)
        .where(set_aside.c.clinic_id == clinic_id, set_aside.c.patient_id == patient_id, set_aside.c.id == aside_id)
        .where(set_aside.c.resolved_at.is_(None))
        .values(resolved_by=by.who, resolved_at=by.at, resolved_why=why)
    )
    return done.rowcount == 1


def digest(row: Mapping[str, Cell]) -> str:
    """The hash of a row's content: equal cells give equal hashes."""
    said = {name: cell for name, cell in row.items() if name not in _NOT_IN_DIGEST and cell is not None}
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def _known(connection: Connection, name: str, clinic_id: str, digests: Iterable[str]) -> set[str]:
    table, wanted, known = RECORD[name], list(digests), set[str]()
    for start in range(0, len(wanted), _AT_ONCE):
        question = sa.select(table.c.digest).where(
            table.c.clinic_id == clinic_id, table.c.digest.in_(wanted[start : start + _AT_ONCE])
        )
        known |= set(connection.scalars(question))
    return known


def _standing(connection: Connection, clinic_id: str, patient_ids: Sequence[str]) -> dict[str, dict[str, Cell]]:
    """The current row of `patients` for each patient."""
    table = RECORD["patients"]
    names = [column.name for column in TABLES["patients"]]
    rows: dict[str, dict[str, Cell]] = {}
    for start in range(0, len(patient_ids), _AT_ONCE):
        question = sa.select(*(table.c[name] for name in names)).where(
            table.c.clinic_id == clinic_id,
            table.c.patient_id.in_(patient_ids[start : start + _AT_ONCE]),
            table.c.struck_at.is_(None),
        )
        rows |= {str(row[0]): dict(zip(names, row, strict=True)) for row in connection.execute(question)}
    return rows


def _people(
    connection: Connection, clinic_id: str, rows: Sequence[dict[str, Cell]], by: By, asides: list[SetAside]
) -> list[dict[str, Cell]]:
    """Merges new rows of `patients` with the current ones: fills empty cells, and reports contradictions.

    Rows that differ in birth date or sex may be two people: both are kept, and the rules report them. For any other
    column, the current row takes precedence.
    """
    standing = _standing(connection, clinic_id, [str(row["patient_id"]) for row in rows])
    new: list[dict[str, Cell]] = []
    for row in rows:
        patient_id = str(row["patient_id"])
        held = standing.get(patient_id)
        if held is None:
            standing[patient_id] = row
            new.append(row)
            continue
        differ = [name for name in row if None not in (row[name], held[name]) and row[name] != held[name]]
        if any(name in _WHO for name in differ):
            new.append(row)
            continue
        asides += [_against(name, held, row) for name in differ]
        filled = {name: row[name] if cell is None else cell for name, cell in held.items()}
        if filled != held:
            _strike_where(connection, "patients", clinic_id, {"patient_id": patient_id}, by, "completed by a later row")
            new = [row for row in new if row["patient_id"] != patient_id]
            standing[patient_id] = filled
            new.append(filled)
    return new


def _replaces(connection: Connection, name: str, clinic_id: str, row: Mapping[str, Cell], by: By) -> None:
    """Strikes out rows that a new row retracts: a result sent in error, or a medicine or event that has since ended."""
    if name == "results" and row["status"] in STATUS_NEVER_COUNTS:
        keys = ("patient_id", "analyte", "taken_on", "value", "comparator", "unit")
        same = {key: row[key] for key in keys}
        _strike_where(connection, name, clinic_id, same, by, f"taken back by its sender: {row['status']}")
    elif name == "exposures" and row["stopped_on"] is not None:
        keys = ("patient_id", "medicine", "dose_mg_per_day", "frequency", "started_on", "started_text")
        same = {key: row[key] for key in keys} | {"stopped_on": None}
        _strike_where(connection, name, clinic_id, same, by, "the same with the day on which it ended")
    elif name == "events" and row["ended_on"] is not None:
        same = {key: row[key] for key in ("patient_id", "kind", "code", "started_on")} | {"ended_on": None}
        _strike_where(connection, name, clinic_id, same, by, "the same with the day on which it ended")


def _strike_where(
    connection: Connection, name: str, clinic_id: str, same: Mapping[str, Cell], by: By, why: str
) -> None:
    rows = RECORD[name]
    connection.execute(
        sa.update(rows)
        .where(rows.c.clinic_id == clinic_id, rows.c.struck_at.is_(None))
        .where(*(rows.c[key].is_(None) if cell is None else rows.c[key] == cell for key, cell in same.items()))
        .values(struck_by=by.who, struck_at=by.at, struck_why=why)
    )


def _against(name: str, standing: Mapping[str, Cell], row: Mapping[str, Cell]) -> SetAside:
    return SetAside(
        "patients",
        f"{name} {row[name]}",
        f"the record has {standing[name]}, which was kept. Check which is right, and correct it by hand.",
        str(row["patient_id"]),
        "two_patients",
    )


def _add_asides(connection: Connection, clinic_id: str, asides: Sequence[SetAside], import_id: int | None) -> set[str]:
    """Stores set-aside items, each item of a patient only once while it is unresolved."""
    told = sorted({aside.patient_id for aside in asides if aside.patient_id})
    known: set[tuple[str, str, str]] = set()
    for start in range(0, len(told), _AT_ONCE):
        held = (
            sa.select(set_aside.c.patient_id, set_aside.c.where, set_aside.c.what)
            .where(set_aside.c.clinic_id == clinic_id, set_aside.c.patient_id.in_(told[start : start + _AT_ONCE]))
            .where(set_aside.c.resolved_at.is_(None))
        )
        known |= {(row[0], row[1], row[2]) for row in connection.execute(held)}
    new = [
        {
            "clinic_id": clinic_id,
            "import_id": import_id,
            "patient_id": aside.patient_id,
            "where": aside.where,
            "what": aside.what,
            "why": aside.why,
            "kind": aside.kind,
        }
        for aside in asides
        if (aside.patient_id, aside.where, aside.what) not in known
    ]
    if new:
        connection.execute(sa.insert(set_aside), new)
    return {str(row["patient_id"]) for row in new if row["patient_id"]}
