"""Joins records of one person, separates them, or keeps them apart, as somebody decides; each decision is audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from azaward.errors import StoreError
from azaward.knowledge import Knowledge
from azaward.store import audit
from azaward.store.audit import Entry
from azaward.store.care import likeness, merges, people, reassess, records
from azaward.store.care.acts import Actor, NoSuchPatientError
from azaward.store.care.likeness import Described
from azaward.store.care.rows import By
from azaward.store.database import Store
from azaward.store.keys import Keys


def known(connection: Connection, clinic_id: str, patient_id: str) -> str:
    """The id under which a patient is kept. Raises `NoSuchPatientError`."""
    if not people.known(connection, clinic_id, [patient_id]):
        raise NoSuchPatientError(
            f"{patient_id}: no such patient. Expected the id of a patient of this clinic: azaward people list. "
            "To add somebody new, use azaward import."
        )
    return merges.roots(connection, clinic_id)(patient_id)


def change(
    store: Store, actor: Actor, what: str, ids: Sequence[str], why: str, knowledge: Knowledge, although: str = ""
) -> str:
    """Joins, separates or keeps apart two records, notes why, and assesses who is affected; says what was done.

    Records whose birth date or sex differs are joined only with `although`: why they are of one person all the same.
    """
    with store.write() as connection:
        clinic_id, by = actor.clinic_id, actor.by()
        kept_as = [known(connection, clinic_id, one) for one in ids]
        if what != "unmerge" and len(set(kept_as)) < 2:
            raise StoreError(f"{ids[0]} and {ids[1]}: {_one(ids, kept_as[0], what)}")
        if what == "merge":
            _merge(connection, clinic_id, ids, f"{why} (although: {although})" if although else why, by, although)
            affected, said = {ids[1]}, f"{ids[0]} is read as {kept_as[1]} from now on"
        elif what == "unmerge":
            kept = merges.unmerge(connection, clinic_id, ids[0], why, by)
            affected, said = {ids[0], kept}, f"{ids[0]} and {kept} are separate records again"
        else:
            merges.apart(connection, clinic_id, ids[0], ids[1], why, by)
            affected, said = {*ids}, f"{ids[0]} and {ids[1]} are different people"
        detail = {"ids": list(ids), "why": why, **({"although": although} if although else {})}
        told = [Entry(actor.login, what, clinic_id, one, detail) for one in sorted({*ids, *affected})]
        audit.append(connection, told)
        reassess.reassess(connection, clinic_id, affected, actor.today, knowledge)
    return said


def _one(ids: Sequence[str], kept: str, what: str) -> str:
    """Why two ids are not two records."""
    if ids[0] == ids[1]:
        return "the same id twice. Expected the ids of two records."
    if what == "merge":
        return f"already joined, and read as {kept}. Nothing was changed. Expected the ids of two records."
    return "already joined; separate them with azaward people unmerge. Expected the ids of two records."


def _merge(connection: Connection, clinic_id: str, ids: Sequence[str], why: str, by: By, although: str) -> None:
    root = merges.roots(connection, clinic_id)
    one, other = ((root(each), likeness.of_patient(connection, clinic_id, root(each))) for each in ids)
    likeness.check(f"{ids[0]} and {ids[1]}", one, other, although)
    merges.merge(connection, clinic_id, ids[0], ids[1], why, by)


@dataclass(frozen=True)
class Asked:
    """Two records that may be of one person, why, and what is known of each."""

    one: str
    other: str
    why: str
    known: tuple[Described, Described]


def pairs(connection: Connection, actor: Actor, keys: Keys | None) -> list[Asked]:
    """The pairs that nobody has decided yet, for somebody who reads them; the audit trail records that they did."""
    found = [
        Asked(one, other, why, (_of(connection, actor, one, keys), _of(connection, actor, other, keys)))
        for one, other, why in merges.open_pairs(connection, actor.clinic_id)
    ]
    listed = sorted({one for pair in found for one in (pair.one, pair.other)})
    detail = {"patients": listed, "opened": keys is not None}
    audit.append(connection, [Entry(actor.login, "list pairs", actor.clinic_id, None, detail)])
    return found


@dataclass(frozen=True)
class Person:
    """A patient: the id that is kept, those that were given up, and what is known of who they are."""

    id: str
    given_up: tuple[str, ...]
    known: Described


def everybody(connection: Connection, actor: Actor, keys: Keys | None) -> list[Person]:
    """Every patient of the clinic, with numbers and names only if keys are given; the audit trail records who asked."""
    ids = records.everyone(connection, actor.clinic_id)
    every = merges.members(connection, actor.clinic_id, ids)
    found = [Person(one, tuple(every[one][1:]), _of(connection, actor, one, keys)) for one in ids]
    detail = {"patients": len(found), "opened": keys is not None}
    audit.append(connection, [Entry(actor.login, "list people", actor.clinic_id, None, detail)])
    return found


def _of(connection: Connection, actor: Actor, patient_id: str, keys: Keys | None) -> Described:
    return likeness.of_patient(connection, actor.clinic_id, patient_id, keys)
