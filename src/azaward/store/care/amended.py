"""Applies what a message changes in rows that came before it: corrected, taken back, final, stopped, on hold.

No row is changed: it is struck out, and its successor added. What is certainly older than what stands changes nothing,
and is said; where nothing tells which is the later one, what arrives last counts. A correction counts after the result
that it corrects, whatever the clocks say.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.readers.hl7.notice import Correction, Notice, order_of, rename
from azaward.readers.hl7.times import is_later
from azaward.record.dates import DateError, read_day
from azaward.record.tables import TABLES, Cell, Record, SetAside
from azaward.store.care import merges
from azaward.store.care.corrections import corrected, shown
from azaward.store.care.records import digest
from azaward.store.care.rows import CHANGED, By
from azaward.store.schema import RECORD, resources

OLDER = "older"
_OLDER = (
    "what is stored is later or a correction, so this isn't counted. If they disagree, ask the sender which is right."
)
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
    """The rows that a message adds, whose rows it changed, who is told of it, and what of it came too late."""

    record: Record
    touched: set[str] = field(default_factory=set[str])
    notices: list[SetAside] = field(default_factory=list[SetAside])
    late: list[SetAside] = field(default_factory=list[SetAside])
    # Where in the message it stands that a row was found which it changes.
    met: set[str] = field(default_factory=set[str])


def amend(
    connection: Connection, clinic_id: str, told: Sequence[tuple[Notice, Mapping[str, str]]], by: By
) -> list[Amended]:
    """Strikes out what messages change, and gives what each adds, under the ids of known people.

    The messages are about different people and orders: what stands is asked for once for all of them.
    """
    standing = _Standing(connection, clinic_id, told)
    struck: dict[str, list[int]] = {}
    each = [_amended(standing, notice, ids, struck) for notice, ids in told]
    for table, row_ids in ((table, row_ids) for table, row_ids in struck.items() if row_ids):
        connection.execute(
            sa.update(RECORD[table])
            .where(RECORD[table].c.id.in_(row_ids), RECORD[table].c.struck_at.is_(None))
            .values(struck_by=by.who, struck_at=by.at, struck_why=CHANGED)
        )
    return each


def _amended(standing: _Standing, notice: Notice, ids: Mapping[str, str], struck: dict[str, list[int]]) -> Amended:
    """What one message adds; the rows that it strikes out are noted."""
    done = Amended(rename(notice.record, ids))
    version = notice.header.at or ""
    rows = {name: standing.in_time(name, done.record.rows[name], notice.where, done.late) for name in TABLES}
    added: dict[str, list[tuple[Cell, ...]]] = {name: [] for name in TABLES}
    itself: dict[str, set[tuple[str, str]]] = {}
    for each in notice.corrections:
        patient_id = ids.get(each.provisional_id)
        if patient_id is None:
            continue
        asked = [row for row in standing.rows(each, patient_id) if _is_meant(each, row)]
        met = [row for row in asked if not _outranks(row, version, each.why if each.kind == "replace" else None)]
        if met and each.kind == "replace":
            again = itself.get(each.table)
            if again is None:
                again = itself[each.table] = _again(each.table, rows[each.table], version)
            met = [row for row in met if (row["digest"], row["version"]) not in again]
        if len(met) < len(asked) and each.kind != "replace":
            done.late.append(SetAside(each.where, _order_in_words(each), _OLDER, patient_id, OLDER, each.identity))
        struck.setdefault(each.table, []).extend(row["id"] for row in met)
        done.touched |= {patient_id} if met else set()
        done.met |= {each.where} if asked else set()
        if met and each.kind in ("hold", "release", "stop"):
            rows[each.table], dated = _own(each, rows[each.table])
            met = [] if dated else met
        begins = _begins(each, rows[each.table])
        added[each.table] += filter(None, (_successor(each, row, version, begins) for row in met))
        if met and each.kind in ("replace", "strike"):
            done.notices += corrected(standing.connection, standing.clinic_id, each.table, met, done.record)
        if each.kind == "strike":
            _entomb(standing.connection, standing.clinic_id, patient_id, each.identity, version)
    done.record = replace(done.record, rows={name: [*rows[name], *added[name]] for name in TABLES})
    return done


def _own(each: Correction, rows: list[tuple[Cell, ...]]) -> tuple[list[tuple[Cell, ...]], bool]:
    """Of an order that stands already and that a message states again, the row that says when it began stays."""
    place = [column.name for column in TABLES[each.table]].index(_DAY[each.table])
    mine = [row for row in rows if each.means(None if row[-2] is None else str(row[-2]))]
    if any(row[place] is not None for row in mine):
        return rows, True
    return [row for row in rows if row not in mine], False


def _order_in_words(each: Correction) -> str:
    return f"{each.why}: {' '.join(each.identity.split('|')).strip()}"


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
        self._ask(named)

    def _ask(self, named: Mapping[str, set[str]]) -> None:
        """What stands, stood or was taken back under some identities."""
        self._rows: dict[tuple[str, str, str], list[_Row]] = {}
        self._later: dict[tuple[str, str, str], list[_Row]] = {}
        for table, names in named.items():
            for row in self._asked(_NAMED[table], sorted(names)) if names else ():
                key = (table, self._root[str(row["patient_id"])], str(row["resource"]))
                self._later.setdefault(key, []).append(row)
                if row["struck_at"] is None:
                    self._rows.setdefault(key, []).append(row)
        every = {name for names in named.values() for name in names}
        self._gone = self._taken_back(every | {order_of(name) for name in every})

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

    def in_time(
        self, name: str, rows: list[tuple[Cell, ...]], where: str, late: list[SetAside]
    ) -> list[tuple[Cell, ...]]:
        """The rows less those that a later message has corrected or taken back already, which are said."""
        names = [column.name for column in TABLES[name]]
        kept: list[tuple[Cell, ...]] = []
        for cells in rows:
            row = dict(zip(names, cells, strict=True))
            if row["resource"] is None or not self._is_late(name, row):
                kept.append(cells)
            else:
                what = f"{row.get('analyte') or row.get('medicine') or name} {_in_words(name, row)}".strip()
                patient_id, resource = str(row["patient_id"]), str(row["resource"])
                # The same value again is no news, and neither is what is known to have been corrected.
                same = self._later.get((name, self._root.get(patient_id, patient_id), resource), [])
                stands = [each for each in same if each["struck_at"] is None or each["version"] == row["version"]]
                if any(_in_words(name, each) == _in_words(name, row) for each in stands):
                    continue
                late.append(SetAside(str(row.get("origin") or where), what, _OLDER, patient_id, OLDER, resource))
        return kept

    def _is_late(self, name: str, row: _Row) -> bool:
        person, resource, version = str(row["patient_id"]), str(row["resource"]), str(row["version"] or "")
        person = self._root.get(person, person)
        if any(is_later(self._gone.get((person, one)), version) for one in (resource, order_of(resource))):
            return True
        day = _DAY.get(name)
        return any(
            _outranks(each, version, str(row.get("status")))
            for each in self._later.get((name, person, resource), [])
            if day is None or each[day] == row[day] or each.get("status") == "corrected"
        )


def _in_words(name: str, row: _Row) -> str:
    dose = row.get("dose_mg_per_day")
    said = shown(row) if name == "results" else f"{dose:g} mg a day" if dose else ""
    day = row.get(_DAY.get(name, ""))
    return f"{said} of {day}".strip() if day else said


def _outranks(row: _Row, version: str, status: str | None) -> bool:
    """Whether a row counts more than what a message says: it is later, or corrected and nothing tells which is later.

    `status` is that of the message's result; a correction counts after what it corrects.
    """
    was_corrected = row.get("status") == "corrected"
    if status == "corrected" and not was_corrected:
        return False
    later = is_later(row["version"], version)
    if later is None:
        return was_corrected and row["struck_at"] is None and status in ("final", "preliminary", "unknown")
    return later


def _is_meant(each: Correction, row: _Row) -> bool:
    """Whether a correction speaks of the row, and of its day."""
    if not each.means(row["resource"]) or (each.kind == "finalise" and row["status"] == "corrected"):
        return False
    if each.kind != "replace" or each.on is None:
        return True
    day = row[_DAY[each.table]]
    return day is None or day == _day(each.on)


def _again(table: str, rows: list[tuple[Cell, ...]], version: str) -> set[tuple[str, str]]:
    """The rows by which a result would replace itself: the same message in another file."""
    names = [column.name for column in TABLES[table]]
    return {(digest(dict(zip(names, row, strict=True))), version) for row in rows}


def _begins(each: Correction, rows: list[tuple[Cell, ...]]) -> dt.date | None:
    """The day from which a changed order holds."""
    if (each.kind, each.table) != ("replace", "exposures"):
        return None
    place = [column.name for column in TABLES[each.table]].index(_DAY[each.table])
    days = [row[place] for row in rows if each.means(None if row[-2] is None else str(row[-2]))]
    return min((day for day in days if isinstance(day, dt.date)), default=None)


def _successor(each: Correction, row: _Row, version: str, begins: dt.date | None) -> tuple[Cell, ...] | None:
    """What stands in the place of a row that is not taken back; a changed order was given as it was until it begins."""
    cells = {column.name: row[column.name] for column in TABLES[each.table]} | {"version": version or row["version"]}
    day = _day(each.on)
    match each.kind, each.table:
        case "finalise", "results":
            cells["status"] = "final"
        case "replace", "exposures" if begins and row["started_on"] and row["started_on"] < begins:
            cells |= {"stopped_on": min(row["stopped_on"] or begins, begins), "version": row["version"]}
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
