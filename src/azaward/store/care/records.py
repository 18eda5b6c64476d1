"""Stores and reads the rows of patients.

An existing row is not added again, so that imports are idempotent. Nothing is overwritten. A row that retracts an
earlier one strikes it out. A row that contradicts one is kept or set aside, and every later assessment of that patient
says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.record.tables import STATUS_NEVER_COUNTS, TABLES, Cell, Record, SetAside
from azaward.store.care import merges, resources
from azaward.store.care.corrections import CORRECTED, corrected
from azaward.store.care.resources import Settled
from azaward.store.care.rows import CHANGED, TAKEN_BACK, By
from azaward.store.schema import RECORD, set_aside

# Where a row stood, and in which version of its resource, says nothing of the patient.
_NOT_IN_DIGEST = ("origin", "version")
# Why a row no longer stands: its sender has sent a later version, or taken the resource back.
REPLACED, GONE = "replaced by a later version", "deleted by its sender"
COMPLETED = "completed by a later row"
_BY_SENDER = (REPLACED, GONE, CHANGED, COMPLETED)
_AT_ONCE = 5_000
_ASIDE = ("where", "what", "why", "patient_id", "kind", "resource", "version", "on")
_WHO = ("birth_date", "sex")
_CELLS = [column.name for column in TABLES["patients"] if column.name not in _NOT_IN_DIGEST]


@dataclass(frozen=True)
class Added:
    """The number of new rows, and their patients."""

    rows: int
    patients: frozenset[str]


def add(connection: Connection, clinic_id: str, record: Record, by: By) -> Added:
    """Stores a record's rows and set-aside items; a later version of a resource takes the place of an earlier one."""
    settled = resources.settle(connection, clinic_id, record)
    record = settled.record
    given = {"clinic_id": clinic_id, "import_id": by.import_id, "entered_by": by.who, "entered_at": by.at}
    asides = list(record.set_aside)
    patients, struck = _strike_versions(connection, clinic_id, settled, by, asides)
    added = 0
    for name, columns in TABLES.items():
        names = [column.name for column in columns]
        rows = [dict(zip(names, cells, strict=True)) for cells in record.rows[name]]
        if name == "patients":
            rows = _people(connection, clinic_id, rows, by, asides)
        by_digest: dict[str, dict[str, Cell]] = {}
        for row in rows:
            by_digest.setdefault(digest(row), row)
        known = _known(connection, name, clinic_id, by_digest)
        known |= _adopted(connection, name, clinic_id, by_digest, known)
        revived = _revive(connection, name, clinic_id, {key: by_digest[key] for key in known & by_digest.keys()}, by)
        patients |= {str(by_digest[key]["patient_id"]) for key in revived}
        # What is struck out and stands again in one step is no new row.
        added += len(revived - struck)
        new = [{**row, "digest": key, **given} for key, row in by_digest.items() if key not in known]
        for row in new:
            _replaces(connection, name, clinic_id, row, by)
        for start in range(0, len(new), _AT_ONCE):
            connection.execute(sa.insert(RECORD[name]), new[start : start + _AT_ONCE])
        added += len(new)
        patients |= {str(row["patient_id"]) for row in new}
    patients |= _add_asides(connection, clinic_id, asides, by.import_id)
    resources.keep(connection, clinic_id, settled)
    return Added(added, frozenset(patients))


def _strike_versions(
    connection: Connection, clinic_id: str, settled: Settled, by: By, asides: list[SetAside]
) -> tuple[set[str], set[str]]:
    """Strikes out the rows of versions that no longer stand; those that stand in the new one too are revived by `add`.

    What was set aside of them is resolved, and whoever acted on a result that is corrected is told. Gives the patients
    and the digests of the rows.
    """
    patients: set[str] = set()
    digests: set[str] = set()
    for keys, why in ((settled.replaced, REPLACED), (settled.gone, GONE)):
        for key in sorted(keys):
            of_this = {"patient_id": key.patient_id, "resource": key.resource}
            for name, table in RECORD.items():
                # A person is not replaced: a later version corrects what it says and leaves the rest.
                if name == "patients":
                    continue
                rows = connection.execute(
                    sa.select(table).where(
                        table.c.clinic_id == clinic_id, table.c.struck_at.is_(None), *_where(table, of_this)
                    )
                )
                struck = [dict(row) for row in rows.mappings()]
                if not struck:
                    continue
                patients.add(key.patient_id)
                digests |= {str(row["digest"]) for row in struck}
                asides += corrected(connection, clinic_id, name, struck, settled.record)
                _strike_where(connection, name, clinic_id, of_this, by, why)
            resolved = sa.update(set_aside).where(set_aside.c.clinic_id == clinic_id, set_aside.c.resolved_at.is_(None))
            resolved = resolved.where(*_where(set_aside, of_this), set_aside.c.kind != CORRECTED)
            connection.execute(resolved.values(resolved_by=by.who, resolved_at=by.at, resolved_why=why))
    return patients, digests


def _revive(
    connection: Connection, name: str, clinic_id: str, rows: Mapping[str, Mapping[str, Cell]], by: By
) -> set[str]:
    """Lets rows stand again that only their sender, or whoever assigned them, had taken back, and that come again."""
    table, revived = RECORD[name], set[str]()
    if not rows:
        return revived
    again = {"struck_by": None, "struck_at": None, "struck_why": None, "entered_by": by.who, "entered_at": by.at}
    back = table.c.struck_why.in_(_BY_SENDER) | table.c.struck_why.startswith(f"{TAKEN_BACK}: ")
    for start in range(0, len(rows), _AT_ONCE):
        some = sorted(rows)[start : start + _AT_ONCE]
        asked = sa.update(table).where(table.c.clinic_id == clinic_id, table.c.digest.in_(some), back)
        revived |= set(connection.scalars(asked.values(again).returning(table.c.digest)))
    for key in revived:
        of_this = (table.c.clinic_id == clinic_id, table.c.digest == key)
        connection.execute(sa.update(table).where(*of_this).values(version=rows[key]["version"]))
    return revived


def _adopted(
    connection: Connection, name: str, clinic_id: str, rows: Mapping[str, Mapping[str, Cell]], known: Collection[str]
) -> set[str]:
    """The rows that stand already, without the resource that they came from: from now on they belong to it."""
    table = RECORD[name]
    bare = {digest({**row, "resource": None}): key for key, row in rows.items() if row["resource"] and key not in known}
    adopted: set[str] = set()
    for old in sorted(_known(connection, name, clinic_id, bare)):
        key = bare[old]
        connection.execute(
            sa.update(table)
            .where(table.c.clinic_id == clinic_id, table.c.digest == old)
            .values(digest=key, resource=rows[key]["resource"], version=rows[key]["version"])
        )
        adopted.add(key)
    return adopted


def of_patients(connection: Connection, clinic_id: str, patient_ids: Sequence[str]) -> Record:
    """The current rows of these patients under every id that each has, and their unresolved set-aside items."""
    of_each = merges.members(connection, clinic_id, patient_ids)
    kept = {one: root for root, ids in of_each.items() for one in ids}
    patient_ids = list(kept)
    rows: dict[str, list[tuple[Cell, ...]]] = {}
    for name, columns in TABLES.items():
        table = RECORD[name]
        question = (
            sa.select(*(table.c[column.name] for column in columns))
            .where(table.c.clinic_id == clinic_id, table.c.patient_id.in_(patient_ids), table.c.struck_at.is_(None))
            .order_by(table.c.id)
        )
        rows[name] = [(kept[str(row[0])], *row[1:]) for row in connection.execute(question)]
    question = (
        sa.select(*(set_aside.c[name] for name in _ASIDE))
        .where(
            set_aside.c.clinic_id == clinic_id,
            set_aside.c.patient_id.in_(patient_ids),
            set_aside.c.resolved_at.is_(None),
        )
        .order_by(set_aside.c.id)
    )
    asides = [SetAside(*row) for row in connection.execute(question)]
    return Record(rows, [replace(item, patient_id=kept[str(item.patient_id)]) for item in asides])


def of_patient(connection: Connection, clinic_id: str, patient_id: str) -> Record:
    """The current rows of one patient."""
    return of_patients(connection, clinic_id, [patient_id])


def everyone(connection: Connection, clinic_id: str) -> list[str]:
    """Every patient of a clinic who appears in any table, once, under the id that is kept."""
    root = merges.roots(connection, clinic_id)
    each = [sa.select(table.c.patient_id).where(table.c.clinic_id == clinic_id) for table in RECORD.values()]
    return sorted({root(one) for one in connection.scalars(sa.union(*each))})


def strike(connection: Connection, clinic_id: str, patient_id: str, table: str, row_id: int, by: By, why: str) -> bool:
    """Strikes out a patient's row, with the person and the reason; False if there is no such current row."""
    rows, ids = RECORD[table], merges.ids_of(connection, clinic_id, patient_id)
    done = connection.execute(
        sa.update(rows)
        .where(rows.c.clinic_id == clinic_id, rows.c.patient_id.in_(ids), rows.c.id == row_id)
        .where(rows.c.struck_at.is_(None))
        .values(struck_by=by.who, struck_at=by.at, struck_why=why)
    )
    return done.rowcount == 1


def resolve(connection: Connection, clinic_id: str, patient_id: str, aside_id: int, by: By, why: str) -> bool:
    """Marks a patient's set-aside item as reviewed; False if there is no such item."""
    ids = merges.ids_of(connection, clinic_id, patient_id)
    done = connection.execute(
        sa.update(set_aside)
        .where(set_aside.c.clinic_id == clinic_id, set_aside.c.patient_id.in_(ids), set_aside.c.id == aside_id)
        .where(set_aside.c.resolved_at.is_(None))
        .values(resolved_by=by.who, resolved_at=by.at, resolved_why=why)
    )
    return done.rowcount == 1


def digest(row: Mapping[str, Cell]) -> str:
    """The hash of a row's content: equal cells give equal hashes."""
    said = {name: cell for name, cell in row.items() if cell is not None and name not in _NOT_IN_DIGEST}
    return hashlib.sha256(_in_order(said).encode()).hexdigest()


# Made once: to make the encoder costs more than to use it, and to make a question as much as to ask it.
_in_order = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=str).encode
_DIGESTS = {
    name: sa.select(table.c.digest).where(
        table.c.clinic_id == sa.bindparam("clinic"), table.c.digest.in_(sa.bindparam("digests", expanding=True))
    )
    for name, table in RECORD.items()
}


def _known(connection: Connection, name: str, clinic_id: str, digests: Iterable[str]) -> set[str]:
    wanted, known = list(digests), set[str]()
    for start in range(0, len(wanted), _AT_ONCE):
        asked = {"clinic": clinic_id, "digests": wanted[start : start + _AT_ONCE]}
        known |= set(connection.scalars(_DIGESTS[name], asked))
    return known


def _standing(connection: Connection, clinic_id: str, patient_ids: Sequence[str]) -> dict[str, list[dict[str, Cell]]]:
    """The current rows of `patients` for each patient: more than one where they contradict each other."""
    table = RECORD["patients"]
    names = [column.name for column in TABLES["patients"]]
    rows: dict[str, list[dict[str, Cell]]] = {}
    for start in range(0, len(patient_ids), _AT_ONCE):
        question = sa.select(*(table.c[name] for name in names)).where(
            table.c.clinic_id == clinic_id,
            table.c.patient_id.in_(patient_ids[start : start + _AT_ONCE]),
            table.c.struck_at.is_(None),
        )
        for row in connection.execute(question.order_by(table.c.id)):
            rows.setdefault(str(row[0]), []).append(dict(zip(names, row, strict=True)))
    return rows


def _differ(row: Mapping[str, Cell], held: Mapping[str, Cell]) -> list[str]:
    """The cells of a person that two rows contradict each other in; an unknown sex contradicts none."""
    said = {name: None if cell == "unknown" else cell for name, cell in row.items() if name not in _NOT_IN_DIGEST}
    return [name for name in said if None not in (said[name], held[name], row[name]) and row[name] != held[name]]


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
        rows_held = standing.setdefault(patient_id, [])
        # Of rows that contradict each other, the one that this row agrees with.
        held = next(
            (each for each in rows_held if not set(_WHO) & set(_differ(row, each))), next(iter(rows_held), None)
        )
        if held is not None and row["resource"] is not None and row["resource"] == held["resource"]:
            # A later version of the same person: what it says counts, and what it doesn't say stays.
            corrected_row = {name: held[name] if cell is None else cell for name, cell in row.items()}
            if digest(corrected_row) != digest(held):
                _strike_where(connection, "patients", clinic_id, {"patient_id": patient_id}, by, REPLACED)
                new = [each for each in new if each["patient_id"] != patient_id]
                standing[patient_id] = [corrected_row]
                new.append(corrected_row)
            continue
        differ = _differ(row, held) if held is not None else []
        if held is None or set(_WHO) & set(differ):
            rows_held.append(row)
            new.append(row)
            continue
        asides += [_against(name, held, row) for name in differ]
        filled = {name: row[name] if cell is None or _is_news(name, cell, row) else cell for name, cell in held.items()}
        if digest(filled) != digest(held):
            _strike_where(connection, "patients", clinic_id, {name: held[name] for name in _CELLS}, by, COMPLETED)
            new = [each for each in new if each != held]
            standing[patient_id] = [filled if each is held else each for each in rows_held]
            new.append(filled)
    return new


def _is_news(name: str, cell: Cell, row: Mapping[str, Cell]) -> bool:
    return name == "sex" and cell == "unknown" and row[name] is not None


def forget(connection: Connection, clinic_id: str, patient_id: str, names: Collection[str], by: By) -> None:
    """Makes the birth date or the sex of a patient unknown, as their sender asked; what stood is struck out."""
    unknown: dict[str, Cell] = {name: "unknown" if name == "sex" else None for name in names}
    columns = [column.name for column in TABLES["patients"]]
    rows: list[dict[str, Cell]] = []
    for one in merges.members(connection, clinic_id, [patient_id])[patient_id]:
        table = RECORD["patients"]
        standing = sa.select(*(table.c[name] for name in columns)).where(
            table.c.clinic_id == clinic_id, table.c.patient_id == one, table.c.struck_at.is_(None)
        )
        found = [dict(zip(columns, row, strict=True)) for row in connection.execute(standing)]
        if any(row[name] not in (None, cell) for row in found for name, cell in unknown.items()):
            _strike_where(connection, "patients", clinic_id, {"patient_id": one}, by, CHANGED)
            rows += [{**row, **unknown} for row in found]
    add(connection, clinic_id, Record.of({"patients": rows}), by)


def is_alive(connection: Connection, clinic_id: str, patient_id: str, by: By) -> None:
    """Strikes out what stands of a patient's death."""
    for one in merges.members(connection, clinic_id, [patient_id])[patient_id]:
        death: dict[str, Cell] = {"patient_id": one, "code": "deceased"}
        _strike_where(connection, "events", clinic_id, death, by, CHANGED)


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
        .where(*_where(rows, same))
        .values(struck_by=by.who, struck_at=by.at, struck_why=why)
    )


def _where(table: sa.Table, same: Mapping[str, Cell]) -> list[sa.ColumnElement[bool]]:
    """The conditions under which a row has these cells."""
    return [table.c[key].is_(None) if cell is None else table.c[key] == cell for key, cell in same.items()]


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
            "resource": aside.resource,
            "version": aside.version,
            "on": aside.on,
        }
        for aside in asides
        if (aside.patient_id, aside.where, aside.what) not in known
    ]
    if new:
        connection.execute(sa.insert(set_aside), new)
    return {str(row["patient_id"]) for row in new if row["patient_id"]}
