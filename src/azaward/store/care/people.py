"""Who the clinic's people are: their names, birth dates and numbers, sealed and apart from the six tables.

A person is found by a number of an authority, never by a name alone. Two records of one person are joined where a
trusted number and the birth date agree; any other shared number is a question for people.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.record.identity import Identity, Number, Same, normal_name, same_people
from azaward.store import keys as key_file
from azaward.store.care import merges
from azaward.store.care.rows import By
from azaward.store.keys import Key, Keys
from azaward.store.schema import RECORD, identities, unmatched

_AT_ONCE = 2_000
NUMBER, NAME = "number", "name"
# Made once: to make a question costs as much as to ask it.
_CLINIC, _SOME = sa.bindparam("clinic"), sa.bindparam("some", expanding=True)
_KNOWN = sa.select(identities.c.patient_id, identities.c.kind, identities.c.found_by).where(
    identities.c.clinic_id == _CLINIC, identities.c.patient_id.in_(_SOME)
)
# The authority is asked for so that SQLite looks numbers up: for the other two it reads an index with everybody in it.
_HOLDERS = sa.select(identities.c.found_by, identities.c.patient_id, identities.c.authority).where(
    identities.c.clinic_id == _CLINIC, identities.c.kind == NUMBER, identities.c.found_by.in_(_SOME)
)
_BIRTHS = sa.select(RECORD["patients"].c.patient_id, RECORD["patients"].c.birth_date, RECORD["patients"].c.sex).where(
    RECORD["patients"].c.clinic_id == _CLINIC,
    RECORD["patients"].c.patient_id.in_(_SOME),
    RECORD["patients"].c.struck_at.is_(None),
)
_IN_ANY = sa.union(
    *(
        sa.select(table.c.patient_id).where(table.c.clinic_id == _CLINIC, table.c.patient_id.in_(_SOME))
        for table in RECORD.values()
    )
)


def keep(connection: Connection, clinic_id: str, each: Iterable[Identity], keys: Keys, by: By) -> None:
    """Seals and keeps who people are; what is known already is not kept twice."""
    said: dict[tuple[str, str, str], tuple[str, list[str]]] = {}
    for identity in each:
        parts = [(NUMBER, number.of, number.normal, list(number)) for number in identity.numbers if number.normal]
        parts += [(NAME, "", normal_name(name), [name]) for name in identity.names if normal_name(name)]
        for kind, authority, normal, written in parts:
            said[identity.patient_id, kind, keys.found_by(kind, authority, normal)] = authority, written
    known = _known(connection, clinic_id, {key[0] for key in said})
    new: list[dict[str, Any]] = []
    for (patient_id, kind, found_by), (authority, written) in said.items():
        if (patient_id, kind, found_by) in known:
            continue
        key, sealed = keys.seal(json.dumps(written, ensure_ascii=False).encode())
        new.append(
            {
                "clinic_id": clinic_id,
                "patient_id": patient_id,
                "kind": kind,
                "authority": authority or None,
                "found_by": found_by,
                "sealed": sealed,
                "key": key,
                "entered_by": by.who,
                "entered_at": by.at,
            }
        )
    for start in range(0, len(new), _AT_ONCE):
        connection.execute(sa.insert(identities), new[start : start + _AT_ONCE])


def _known(connection: Connection, clinic_id: str, patient_ids: Collection[str]) -> set[tuple[str, str, str]]:
    names, known = sorted(patient_ids), set[tuple[str, str, str]]()
    for start in range(0, len(names), _AT_ONCE):
        asked = {"clinic": clinic_id, "some": names[start : start + _AT_ONCE]}
        known |= {(row[0], row[1], row[2]) for row in connection.execute(_KNOWN, asked)}
    return known


def refound(kind: str, said: bytes, keys: Keys) -> str:
    """By what something that is kept is found under the newest key."""
    parts: list[str] = json.loads(said)
    if kind == NAME:
        return keys.found_by(NAME, "", normal_name(parts[0]))
    number = Number(*parts)
    return keys.found_by(NUMBER, number.of, number.normal)


def holders(connection: Connection, clinic_id: str, numbers: Iterable[Number], keys: Keys) -> dict[Number, set[str]]:
    """The ids of the patients who have each number; an id that was given up stands for the one that is kept."""
    wanted: dict[str, list[Number]] = {}
    for number in numbers:
        if number.normal:
            for one in keys.all_found_by(NUMBER, number.of, number.normal):
                wanted.setdefault(one, []).append(number)
    found: dict[Number, set[str]] = {}
    root = merges.roots(connection, clinic_id)
    names = sorted(wanted)
    for start in range(0, len(names), _AT_ONCE):
        asked = {"clinic": clinic_id, "some": names[start : start + _AT_ONCE]}
        for row in connection.execute(_HOLDERS, asked):
            for number in wanted[row[0]]:
                found.setdefault(number, set()).add(root(row[1]))
    return found


def of(connection: Connection, clinic_id: str, patient_ids: Sequence[str], keys: Keys) -> list[Identity]:
    """Who these people are, in clear."""
    numbers: dict[str, list[Number]] = {}
    names: dict[str, list[str]] = {}
    question = (
        sa.select(identities)
        .where(identities.c.clinic_id == clinic_id, identities.c.patient_id.in_(patient_ids))
        .order_by(identities.c.id)
    )
    for row in connection.execute(question).mappings():
        if row["key"] not in keys.each:
            continue  # Its key is lost: the other names and numbers can still be read.
        said: list[str] = json.loads(keys.opened(row["key"], row["sealed"]))
        if row["kind"] == NUMBER:
            numbers.setdefault(row["patient_id"], []).append(Number(*said))
        else:
            names.setdefault(row["patient_id"], []).append(said[0])
    born = births(connection, clinic_id, patient_ids)
    each: list[Identity] = []
    for one in patient_ids:
        birth_date, sex = born.get(one, (None, "unknown"))
        found = (tuple(numbers.get(one, ())), tuple(names.get(one, ())))
        each.append(Identity(one, "the database", *found, birth_date, sex))
    return each


def births(connection: Connection, clinic_id: str, patient_ids: Sequence[str]) -> dict[str, tuple[dt.date | None, str]]:
    """The birth date and sex of each patient."""
    return dict(_births(connection, clinic_id, patient_ids))


def said_of(
    connection: Connection, clinic_id: str, patient_ids: Sequence[str]
) -> dict[str, set[tuple[dt.date | None, str]]]:
    """Every birth date and sex that stands of these ids, by id."""
    said: dict[str, set[tuple[dt.date | None, str]]] = {}
    for one, each in _births(connection, clinic_id, patient_ids):
        said.setdefault(one, set()).add(each)
    return said


def _births(
    connection: Connection, clinic_id: str, patient_ids: Sequence[str]
) -> Iterator[tuple[str, tuple[dt.date | None, str]]]:
    for start in range(0, len(patient_ids), _AT_ONCE):
        asked = {"clinic": clinic_id, "some": patient_ids[start : start + _AT_ONCE]}
        for row in connection.execute(_BIRTHS, asked):
            yield str(row[0]), (row[1], str(row[2] or "unknown"))


def known(connection: Connection, clinic_id: str, patient_ids: Sequence[str]) -> set[str]:
    """Those of some ids that any table has a row of."""
    found: set[str] = set()
    for start in range(0, len(patient_ids), _AT_ONCE):
        asked = {"clinic": clinic_id, "some": patient_ids[start : start + _AT_ONCE]}
        found |= {str(one) for one in connection.scalars(_IN_ANY, asked)}
    return found


def join(
    connection: Connection,
    clinic_id: str,
    each: Sequence[Identity],
    keys: Keys,
    by: By,
    trusted: Collection[str],
) -> set[str]:
    """Joins the records of one person, and asks about those that may be of one. Gives the ids that are affected."""
    if not each:
        return set()
    held = holders(connection, clinic_id, {number for one in each for number in one.numbers}, keys)
    # Only whoever shares a number with somebody else is looked at more closely.
    shared = sorted({one for ids in held.values() if len(ids) > 1 for one in ids})
    if not shared:
        return set()
    members = merges.members(connection, clinic_id, shared)
    everyone = of(connection, clinic_id, [id for ids in members.values() for id in ids], keys)
    root = merges.roots(connection, clinic_id)
    found: Same = same_people([_as(root(one.patient_id), one) for one in everyone], trusted=trusted)
    affected: set[str] = set()
    for given_up in found.kept:
        kept = found.of(given_up)
        if merges.are_parted(connection, clinic_id, given_up, kept):
            # A person's decision stands; what speaks against it is a question for people.
            why = "a trusted number and the birth date agree, and they were separated"
            affected |= merges.ask(connection, clinic_id, given_up, kept, why, by)
            continue
        merges.merge(connection, clinic_id, given_up, kept, "a trusted number and the birth date agree", by)
        affected |= {given_up, kept}
    for pair in found.pairs:
        against = f", but {pair.against}" if pair.against else ""
        affected |= merges.ask(connection, clinic_id, pair.one, pair.other, f"{pair.why}{against}", by)
    return affected


def _as(patient_id: str, one: Identity) -> Identity:
    return Identity(patient_id, one.where, one.numbers, one.names, one.birth_date, one.sex)


def rotate(connection: Connection, file: Path, keys: Keys) -> Keys:
    """Seals everything anew with a new key. The file keeps the old keys: whoever read it before still seals with them.

    What no key here opens stays as it is.
    """
    both = Keys([*keys.each.values(), Key.made()])
    key_file.write(file, both)
    for row in connection.execute(sa.select(identities)).mappings().all():
        if row["key"] not in both.each:
            continue
        text = both.opened(row["key"], row["sealed"])
        key, sealed = both.seal(text)
        found = {"key": key, "sealed": sealed, "found_by": refound(row["kind"], text, both)}
        connection.execute(sa.update(identities).where(identities.c.id == row["id"]).values(found))
    for row in connection.execute(sa.select(unmatched)).mappings().all():
        if row["key"] not in both.each:
            continue
        key, sealed = both.seal(both.opened(row["key"], row["sealed"]))
        connection.execute(sa.update(unmatched).where(unmatched.c.id == row["id"]).values(key=key, sealed=sealed))
    return both
