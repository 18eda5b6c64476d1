"""Applies what a message changes in rows that came before it: corrected, taken back, final, stopped, on hold.

No row is changed: it is struck out, and its successor added. A message that is older than what it changes changes
nothing, and brings nothing that a later one has corrected.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.readers.hl7.notice import Correction, Notice, rename
from azaward.record.dates import DateError, read_day
from azaward.record.tables import TABLES, Cell, Record, SetAside
from azaward.store.care import merges
from azaward.store.care.corrections import corrected
from azaward.store.care.rows import By
from azaward.store.schema import RECORD, resources

_DAY = {"results": "taken_on", "exposures": "started_on", "events": "started_on", "genotypes": "reported_on"}
_Row = Mapping[str, Any]


@dataclass
class Amended:
    """The rows that a message adds, whose rows it changed, and who is told of it."""

    record: Record
    touched: set[str] = field(default_factory=set[str])
    notices: list[SetAside] = field(default_factory=list[SetAside])


def amend(connection: Connection, clinic_id: str, notice: Notice, ids: Mapping[str, str], by: By) -> Amended:
    """Strikes out what the message changes, and gives what it adds, under the ids of known people."""
    done = Amended(rename(notice.record, ids))
    version = _version(notice)
    struck: dict[str, list[int]] = {}
    added: dict[str, list[tuple[Cell, ...]]] = {name: [] for name in TABLES}
    for each in notice.corrections:
        patient_id = ids.get(each.provisional_id)
        if patient_id is None:
            continue
        met = [row for row in _standing(connection, clinic_id, each, patient_id) if _is_meant(each, row, version)]
        for row in met:
            struck.setdefault(each.table, []).append(row["id"])
            done.touched.add(patient_id)
            if (successor := _successor(each, row)) is not None:
                added[each.table].append(successor)
        if each.kind in ("replace", "strike"):
            done.notices += corrected(connection, clinic_id, each.table, met, done.record)
        if each.kind == "strike":
            _entomb(connection, clinic_id, patient_id, each.identity, version)
    for table, row_ids in struck.items():
        connection.execute(
            sa.update(RECORD[table])
            .where(RECORD[table].c.id.in_(row_ids), RECORD[table].c.struck_at.is_(None))
            .values(struck_by=by.who, struck_at=by.at, struck_why=f"changed by a message of {notice.header.sender}")
        )
    rows = {
        name: [*_in_time(connection, clinic_id, name, done.record.rows[name], version), *added[name]] for name in TABLES
    }
    done.record = replace(done.record, rows=rows)
    return done


def _version(notice: Notice) -> str:
    return " ".join(part for part in (notice.header.at, notice.header.control_id) if part)


def _standing(connection: Connection, clinic_id: str, each: Correction, patient_id: str) -> list[_Row]:
    """The current rows that a correction may mean."""
    table = RECORD[each.table]
    of_order = table.c.resource.startswith(each.identity, autoescape=True)
    ids = merges.members(connection, clinic_id, [patient_id])[patient_id]
    question = sa.select(table).where(
        table.c.clinic_id == clinic_id,
        table.c.patient_id.in_(ids),
        of_order if each.of_order else table.c.resource == each.identity,
        table.c.struck_at.is_(None),
    )
    return [dict(row) for row in connection.execute(question).mappings()]


def _is_meant(each: Correction, row: _Row, version: str) -> bool:
    """Whether the row came before the message, and on the day that it speaks of."""
    if str(row["version"] or "") >= version or not each.means(row["resource"]):
        return False
    if each.kind != "replace" or each.on is None:
        return True
    day = row[_DAY[each.table]]
    return day is None or day == _day(each.on)


def _successor(each: Correction, row: _Row) -> tuple[Cell, ...] | None:
    """What stands in the place of a row that is not taken back."""
    cells = {column.name: row[column.name] for column in TABLES[each.table]}
    day = _day(each.on)
    match each.kind, each.table:
        case "finalise", "results":
            cells["status"] = "final"
        case "stop", "exposures":
            cells |= {"stopped_on": day} if day else {"status": "stopped"}
        case "hold", "exposures":
            cells |= {"status": "on-hold", "stopped_on": day}
        case "release", "exposures":
            cells |= {"status": "active", "stopped_on": None}
        case _:
            return None
    return tuple(cells.values())


def _entomb(connection: Connection, clinic_id: str, patient_id: str, identity: str, version: str) -> None:
    """Notes that something was taken back, for what of it arrives only afterwards."""
    of_this = (
        resources.c.clinic_id == clinic_id,
        resources.c.patient_id == patient_id,
        resources.c.resource == identity,
    )
    connection.execute(sa.delete(resources).where(*of_this))
    given = {"clinic_id": clinic_id, "patient_id": patient_id, "resource": identity, "version": version, "gone": True}
    connection.execute(sa.insert(resources).values(given))


def _in_time(
    connection: Connection, clinic_id: str, name: str, rows: list[tuple[Cell, ...]], version: str
) -> list[tuple[Cell, ...]]:
    """The rows less those that a later message has corrected or taken back already."""
    named = {str(row[-2]) for row in rows if row[-2] is not None}
    if not named:
        return rows
    table = RECORD[name]
    later: set[tuple[str, str, dt.date | None]] = set()
    day = table.c[_DAY[name]] if name in _DAY else sa.null()
    question = sa.select(table.c.patient_id, table.c.resource, day).where(
        table.c.clinic_id == clinic_id, table.c.resource.in_(named), table.c.version > version
    )
    later |= {(row[0], row[1], row[2]) for row in connection.execute(question)}
    gone = sa.select(resources.c.patient_id, resources.c.resource).where(
        resources.c.clinic_id == clinic_id,
        resources.c.resource.in_(named),
        resources.c.gone.is_(True),
        resources.c.version > version,
    )
    taken_back = {(row[0], row[1]) for row in connection.execute(gone)}
    place = [column.name for column in TABLES[name]].index(_DAY[name]) if name in _DAY else None

    def counts(row: tuple[Cell, ...]) -> bool:
        on = row[place] if place is not None else None
        return (row[0], row[-2], on) not in later and (row[0], row[-2]) not in taken_back

    return [row for row in rows if counts(row)]


def _day(text: str | None) -> dt.date | None:
    try:
        return read_day(text) if text else None
    except DateError:
        return None
