"""Records of one person under several ids: joined, separated again, or known to be of different people.

No row moves. The rows of an id that was given up are read together with those of the id that is kept, and each says
where it came from; so whatever was joined can be separated, with both histories whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.errors import StoreError
from azaward.store.care.rows import By
from azaward.store.schema import assessments, merges, pairs, set_aside, worklist

MAY_BE_ONE = "may_be_one"
SAME, DIFFERENT = "same", "different"


# Made once: to make a question costs as much as to ask it.
_CURRENT = (
    sa.select(merges.c.given_up, merges.c.kept)
    .where(merges.c.clinic_id == sa.bindparam("clinic"), merges.c.undone_at.is_(None))
    .order_by(merges.c.id)
)


def _current(connection: Connection, clinic_id: str) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in connection.execute(_CURRENT, {"clinic": clinic_id})}


def roots(connection: Connection, clinic_id: str) -> Callable[[str], str]:
    """What gives, for an id, the id under which its person is kept."""
    kept = _current(connection, clinic_id)

    def root(patient_id: str) -> str:
        seen: set[str] = set()
        while patient_id in kept and patient_id not in seen:
            seen.add(patient_id)
            patient_id = kept[patient_id]
        return patient_id

    return root


def members(connection: Connection, clinic_id: str, patient_ids: Sequence[str]) -> dict[str, list[str]]:
    """For each kept id, every id of that person, itself first."""
    kept = _current(connection, clinic_id)
    found = {one: [one] for one in patient_ids}
    if kept:
        root = roots(connection, clinic_id)
        for given_up in kept:
            if (one := root(given_up)) in found:
                found[one].append(given_up)
    return found


def ids_of(connection: Connection, clinic_id: str, patient_id: str) -> list[str]:
    """Every id of the person who is kept under an id, itself first."""
    return members(connection, clinic_id, [patient_id])[patient_id]


def merge(connection: Connection, clinic_id: str, given_up: str, kept: str, why: str, by: By) -> None:
    """Joins two records: what is stored under `given_up` is read under `kept` from now on. Raises `StoreError`."""
    root = roots(connection, clinic_id)
    given_up, kept = root(given_up), root(kept)
    if given_up == kept:
        raise StoreError(f"{given_up} and {kept} are already joined. Nothing was changed.")
    row = {"clinic_id": clinic_id, "given_up": given_up, "kept": kept, "why": why, "by": by.who, "at": by.at}
    connection.execute(sa.insert(merges).values(row))
    _decide(connection, clinic_id, given_up, kept, SAME, why, by)
    # A question about other ids of the two is answered with it.
    root = roots(connection, clinic_id)
    for one, other, _ in open_pairs(connection, clinic_id):
        if root(one) == root(other):
            _decide(connection, clinic_id, one, other, SAME, why, by)
    for table in (assessments, worklist):
        connection.execute(sa.delete(table).where(table.c.clinic_id == clinic_id, table.c.patient_id == given_up))


def unmerge(connection: Connection, clinic_id: str, given_up: str, why: str, by: By) -> str:
    """Separates what was joined; each record is as it was before, plus anything that has arrived since.

    Gives the id that was kept. Raises `StoreError` where nothing was joined.
    """
    current = _current(connection, clinic_id)
    if given_up not in current:
        raise StoreError(f"{given_up}: not joined to another record. Expected the id that was given up.")
    connection.execute(
        sa.update(merges)
        .where(merges.c.clinic_id == clinic_id, merges.c.given_up == given_up, merges.c.undone_at.is_(None))
        .values(undone_by=by.who, undone_at=by.at, undone_why=why)
    )
    _decide(connection, clinic_id, given_up, current[given_up], DIFFERENT, why, by)
    return current[given_up]


def are_parted(connection: Connection, clinic_id: str, one: str, other: str) -> bool:
    """Whether people have said of two persons' records, under any of their ids, that they are of two people."""
    of_each = members(connection, clinic_id, [one, other])
    mine, theirs = of_each[one], of_each[other]

    def between(first: sa.Column[str], second: sa.Column[str]) -> sa.ColumnElement[bool]:
        return (first.in_(mine) & second.in_(theirs)) | (first.in_(theirs) & second.in_(mine))

    decided = sa.select(pairs.c.id).where(
        pairs.c.clinic_id == clinic_id, pairs.c.decided == DIFFERENT, between(pairs.c.one, pairs.c.other)
    )
    undone = sa.select(merges.c.id).where(
        merges.c.clinic_id == clinic_id, merges.c.undone_at.is_not(None), between(merges.c.given_up, merges.c.kept)
    )
    return any(connection.execute(question.limit(1)).one_or_none() for question in (decided, undone))


def _by_unmerge(connection: Connection, clinic_id: str, pair: Any) -> bool:
    """Whether the decision that two records are of two people was made by parting them, and by nothing since."""
    undone = sa.select(merges.c.id).where(
        merges.c.clinic_id == clinic_id,
        merges.c.given_up.in_((pair.one, pair.other)),
        merges.c.kept.in_((pair.one, pair.other)),
        merges.c.undone_at == pair.decided_at,
    )
    return pair.decided == DIFFERENT and connection.execute(undone.limit(1)).one_or_none() is not None


def ask(connection: Connection, clinic_id: str, one: str, other: str, why: str, by: By) -> set[str]:
    """Asks people whether two records are of one person, unless they have said. Gives the ids that are asked about.

    Where they were parted after they had been joined, what speaks for joining them again is asked once more.
    """
    first, second = sorted((one, other))
    of_these = (pairs.c.clinic_id == clinic_id, pairs.c.one == first, pairs.c.other == second)
    known = connection.execute(sa.select(pairs).where(*of_these)).one_or_none()
    if known is not None and not _by_unmerge(connection, clinic_id, known):
        return set()
    if known is not None:
        open_again = {"why": why, "decided": None, "decided_by": None, "decided_at": None, "decided_why": None}
        connection.execute(sa.update(pairs).where(*of_these).values(open_again))
    else:
        row = {"clinic_id": clinic_id, "one": first, "other": second, "why": why, "found_at": by.at}
        connection.execute(sa.insert(pairs).values(row))
    told = [
        {
            "clinic_id": clinic_id,
            "import_id": by.import_id,
            "patient_id": mine,
            "where": "two records",
            "what": f"{first} and {second}",
            "why": f"they may be about one person: {why}. Decide whether they are.",
            "kind": MAY_BE_ONE,
        }
        for mine in (first, second)
    ]
    connection.execute(sa.insert(set_aside), told)
    return {first, second}


def apart(connection: Connection, clinic_id: str, one: str, other: str, why: str, by: By) -> None:
    """Records that two ids are different people, so that nobody is asked about them again."""
    _decide(connection, clinic_id, one, other, DIFFERENT, why, by)


def _decide(connection: Connection, clinic_id: str, one: str, other: str, decided: str, why: str, by: By) -> None:
    first, second = sorted((one, other))
    given = {"decided": decided, "decided_by": by.who, "decided_at": by.at, "decided_why": why}
    done = connection.execute(
        sa.update(pairs)
        .where(pairs.c.clinic_id == clinic_id, pairs.c.one == first, pairs.c.other == second)
        .values(given)
    )
    if done.rowcount == 0:
        row = {"clinic_id": clinic_id, "one": first, "other": second, "why": why, "found_at": by.at, **given}
        connection.execute(sa.insert(pairs).values(row))
    connection.execute(
        sa.update(set_aside)
        .where(
            set_aside.c.clinic_id == clinic_id,
            set_aside.c.patient_id.in_((one, other)),
            set_aside.c.kind == MAY_BE_ONE,
            set_aside.c.what.in_((f"{first} and {second}", f"{second} and {first}")),
            set_aside.c.resolved_at.is_(None),
        )
        .values(resolved_by=by.who, resolved_at=by.at, resolved_why=f"{decided}: {why}")
    )


def open_pairs(connection: Connection, clinic_id: str) -> list[tuple[str, str, str]]:
    """The pairs that nobody has decided yet: (one, other, why)."""
    question = (
        sa.select(pairs.c.one, pairs.c.other, pairs.c.why)
        .where(pairs.c.clinic_id == clinic_id, pairs.c.decided.is_(None))
        .order_by(pairs.c.id)
    )
    return [(str(row[0]), str(row[1]), str(row[2])) for row in connection.execute(question)]
