"""Applies what a message changes in rows that came before it: corrected, taken back, final, stopped, on hold.

No row is changed: it is struck out, and its successor added. A message that is older than what it changes changes
nothing, and brings nothing that a later one has corrected.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
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
# Made once: to make a question costs as much as to ask it.
_CLINIC, _PEOPLE, _NAMES = (
    sa.bindparam("clinic"),
    sa.bindparam("people", expanding=True),
    sa.bindparam("names", expanding=True),
)
_OF = {
    name: sa.select(table).where(table.c.clinic_id == _CLINIC, table.c.patient_id.in_(_PEOPLE))
    for name, table in RECORD.items()
}
_NAMED = {name: question.where(RECORD[name].c.resource.in_(_NAMES)) for name, question in _OF.items()}
_GONE = sa.select(resources.c.patient_id, resources.c.resource, resources.c.version).where(
    resources.c.clinic_id == _CLINIC,
    resources.c.patient_id.in_(_PEOPLE),
    resources.c.resource.in_(_NAMES),
    resources.c.gone.is_(True),
)


@dataclass
class Amended:
    """The rows that a message adds, whose rows it changed, and who is told of it."""

    record: Record
    touched: set[str] = field(default_factory=set[str])
    notices: list[SetAside] = field(default_factory=list[SetAside])


def amend(
    connection: Connection, clinic_id: str, told: Sequence[tuple[Notice, Mapping[str, str]]], by: By
) -> list[Amended]:
    """Strikes out what messages change, and gives what each adds, under the ids of known people.

    The messages are about different people and orders: what stands is asked for once for all of them.
    """
    standing = _Standing(connection, clinic_id, told)
    struck: dict[str, list[int]] = {}
    each = [_amended(standing, notice, ids, struck) for notice, ids in told]
    for table, row_ids in struck.items():
        connection.execute(
            sa.update(RECORD[table])
            .where(RECORD[table].c.id.in_(row_ids), RECORD[table].c.struck_at.is_(None))
            .values(struck_by=by.who, struck_at=by.at, struck_why="changed by a later message")
        )
    return each


def _amended(standing: _Standing, notice: Notice, ids: Mapping[str, str], struck: dict[str, list[int]]) -> Amended:
    """What one message adds; the rows that it strikes out are noted."""
    done = Amended(rename(notice.record, ids))
    version = _version(notice)
    added: dict[str, list[tuple[Cell, ...]]] = {name: [] for name in TABLES}
    for each in notice.corrections:
        patient_id = ids.get(each.provisional_id)
        if patient_id is None:
            continue
        met = [row for row in standing.rows(each, patient_id) if _is_meant(each, row, version)]
        for row in met:
            struck.setdefault(each.table, []).append(row["id"])
            done.touched.add(patient_id)
            if (successor := _successor(each, row)) is not None:
                added[each.table].append(successor)
        if met and each.kind in ("replace", "strike"):
            done.notices += corrected(standing.connection, standing.clinic_id, each.table, met, done.record)
        if each.kind == "strike":
            _entomb(standing.connection, standing.clinic_id, patient_id, each.identity, version)
    rows = {name: [*standing.in_time(name, done.record.rows[name], version), *added[name]] for name in TABLES}
    done.record = replace(done.record, rows=rows)
    return done


class _Standing:
    """What stands of the people and orders that some messages are about."""

    def __init__(
        self, connection: Connection, clinic_id: str, told: Sequence[tuple[Notice, Mapping[str, str]]]
    ) -> None:
        self.connection, self.clinic_id = connection, clinic_id
        self._ids = merges.members(connection, clinic_id, sorted({one for _, ids in told for one in ids.values()}))
        self._root = {each: one for one, every in self._ids.items() for each in every}
        named: dict[str, set[str]] = {}
        for notice, _ in told:
            for each in notice.corrections:
                named.setdefault(each.table, set()).add(each.identity)
            for table, rows in notice.record.rows.items():
                named.setdefault(table, set()).update(str(row[-2]) for row in rows if row[-2] is not None)
        self._rows: dict[tuple[str, str, str], list[_Row]] = {}
        self._later: dict[tuple[str, str, str], list[_Row]] = {}
        for table, names in named.items():
            for row in self._asked(_NAMED[table], sorted(names)) if names else ():
                key = (table, self._root[str(row["patient_id"])], str(row["resource"]))
                self._later.setdefault(key, []).append(row)
                if row["struck_at"] is None:
                    self._rows.setdefault(key, []).append(row)
        self._gone = self._taken_back({name for names in named.values() for name in names})

    def _asked(self, question: sa.Executable, names: Sequence[str] = ()) -> list[_Row]:
        given = {"clinic": self.clinic_id, "people": sorted(self._root), **({"names": names} if names else {})}
        return [dict(row) for row in self.connection.execute(question, given).mappings()]

    def _taken_back(self, names: set[str]) -> dict[tuple[str, str], str]:
        found = self._asked(_GONE, sorted(names)) if names else []
        return {(self._root[str(row["patient_id"])], str(row["resource"])): str(row["version"]) for row in found}

    def rows(self, each: Correction, patient_id: str) -> list[_Row]:
        """The current rows that a correction may mean."""
        if not each.of_order:
            return self._rows.get((each.table, patient_id, each.identity), [])
        of_order = RECORD[each.table].c.resource.startswith(each.identity, autoescape=True)
        found = self._asked(_OF[each.table].where(of_order))
        mine = set(self._ids[patient_id])
        return [row for row in found if row["struck_at"] is None and row["patient_id"] in mine]

    def in_time(self, name: str, rows: list[tuple[Cell, ...]], version: str) -> list[tuple[Cell, ...]]:
        """The rows less those that a later message has corrected or taken back already."""
        place = [column.name for column in TABLES[name]].index(_DAY[name]) if name in _DAY else None

        def counts(row: tuple[Cell, ...]) -> bool:
            if row[-2] is None:
                return True
            if self._gone.get((str(row[0]), str(row[-2])), "") > version:
                return False
            later = self._later.get((name, str(row[0]), str(row[-2])), [])
            on = row[place] if place is not None else None
            return not any(
                str(each["version"] or "") > version and (place is None or each[_DAY[name]] == on) for each in later
            )

        return [row for row in rows if counts(row)]


def _version(notice: Notice) -> str:
    return " ".join(part for part in (notice.header.at, notice.header.control_id) if part)


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


def _day(text: str | None) -> dt.date | None:
    try:
        return read_day(text) if text else None
    except DateError:
        return None
