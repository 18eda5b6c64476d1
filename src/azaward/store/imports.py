"""Atomic and idempotent imports of files into the database.

A file arrives as the `Record` that its reader made. Its rows, the set-aside items, the new assessments and the entry in
the audit trail are stored in one transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.errors import StoreError
from azaward.knowledge import Knowledge
from azaward.readers.hl7.files.applied import NOT_HERE
from azaward.readers.hl7.files.record import Messages
from azaward.readers.hl7.notice import Notice
from azaward.record.tables import Record
from azaward.store import audit
from azaward.store.arrivals import Arrivals, independent, subjects
from azaward.store.audit import Entry
from azaward.store.care import merges, people, reassess, records
from azaward.store.care.acts import Actor
from azaward.store.care.records import By
from azaward.store.care.whose import Taken, Who
from azaward.store.database import Store
from azaward.store.keys import keys_of
from azaward.store.schema import clinics, imports


@dataclass(frozen=True)
class Imported:
    """The outcome of an import: the number of rows, new rows, patients and set-aside items.

    `before` is the time of an earlier import of the same file; in that case nothing was changed.
    """

    file: str
    rows: int
    new_rows: int
    patients: int
    set_aside: int
    before: dt.datetime | None = None


def keep(
    store: Store,
    actor: Actor,
    file: str,
    digest: str,
    record: Record,
    knowledge: Knowledge,
    progress: Callable[[int, int], None] = lambda done, all: None,
    trusted: Collection[str] = (),
) -> Imported:
    """Stores the record of a file; `digest` is the SHA-256 of the file's bytes.

    Who the people are is kept too, sealed; records of one person are joined where a number of a national authority, or
    of one in `trusted`, agrees with the birth date.
    """
    rows = sum(len(table) for table in record.rows.values())
    with store.write() as connection:
        same = sa.select(imports).where(imports.c.clinic_id == actor.clinic_id, imports.c.digest == digest)
        if (held := connection.execute(same).one_or_none()) is not None:
            return Imported(file, held.rows, 0, held.patients, held.set_aside, held.at)
        by = actor.by()
        number = connection.execute(
            sa.insert(imports)
            .values(
                clinic_id=actor.clinic_id,
                file=file,
                digest=digest,
                by=by.who,
                at=by.at,
                rows=rows,
                new_rows=0,
                patients=len(record.patient_ids()),
                set_aside=len(record.set_aside),
            )
            .returning(imports.c.id)
        ).scalar_one()
        mine = By(by.who, by.at, number)
        new_rows, touched = _added(store, connection, actor, record, knowledge, mine)
        connection.execute(sa.update(imports).where(imports.c.id == number).values(new_rows=new_rows))
        if record.identities:
            keys = keys_of(store, connection)
            people.keep(connection, actor.clinic_id, record.identities, keys, mine)
            sure = [*trusted, *(row.system for row in knowledge.tables["number_systems"])]
            touched |= people.join(connection, actor.clinic_id, record.identities, keys, mine, sure)
        detail = {"digest": digest, "rows": rows, "new_rows": new_rows, "patients": sorted(touched)}
        audit.append(connection, [Entry(actor.login, "import", actor.clinic_id, file, detail)])
        reassess.reassess(connection, actor.clinic_id, touched, actor.today, knowledge, progress)
        return Imported(file, rows, new_rows, len(record.patient_ids()), len(record.set_aside))


def _added(
    store: Store, connection: Connection, actor: Actor, record: Record, knowledge: Knowledge, by: By
) -> tuple[int, set[str]]:
    """Stores what a file says; gives the number of new rows and the patients whom it changes.

    Messages change what is stored as they would if they had arrived one by one.
    """
    if not isinstance(record, Messages):
        added = records.add(connection, actor.clinic_id, record, by)
        return added.rows, set(added.patients)
    arrivals, keys = Arrivals(store, actor, knowledge), keys_of(store, connection)
    told = [(_believed(notice), ids) for notice, ids in record.told]
    rows, touched, met = 0, set[str](), set[str]()
    for batch in independent([subjects(notice) for notice, _ in told]):
        root = merges.roots(connection, actor.clinic_id)
        mine = [(told[place][0], {one: root(id) for one, id in told[place][1].items()}) for place in batch]
        who, taken = Who(connection, actor.clinic_id, keys, knowledge), Taken()
        who.ask([notice for notice, _ in mine])
        arrivals.tell(connection, mine, who, taken, by, of_file=True)
        rows, touched, met = rows + taken.rows, touched | taken.touched, met | taken.met
    asides = [item for item in record.set_aside if item.where not in met or item.why not in NOT_HERE]
    touched |= records.add(connection, actor.clinic_id, Record.of({}, asides), by).patients
    return rows, touched


def _believed(notice: Notice) -> Notice:
    """A message of a file, whose merges are believed where they name the authority of the number."""
    named = {each.authority for said in notice.people for each in said.previous if each.authority}
    return replace(notice, trusted=tuple(sorted({*notice.trusted, *named})))


def make_clinic(store: Store, clinic_id: str, name: str, phone: str | None = None, protocol: str = "auto") -> None:
    """Creates a clinic unless one with that id exists."""
    with store.write() as connection:
        if connection.execute(sa.select(clinics.c.id).where(clinics.c.id == clinic_id)).one_or_none() is None:
            now = dt.datetime.now(dt.UTC)
            given = {"id": clinic_id, "name": name, "phone": phone, "protocol": protocol, "created_at": now}
            connection.execute(sa.insert(clinics).values(given))
            audit.append(connection, [Entry("system", "make clinic", clinic_id, clinic_id, {"protocol": protocol})])


def clinic_of(connection: Connection, clinic_id: str) -> dict[str, Any]:
    """A clinic's name, telephone number and protocol."""
    question = sa.select(clinics.c.id, clinics.c.name, clinics.c.phone, clinics.c.protocol)
    return dict(connection.execute(question.where(clinics.c.id == clinic_id)).mappings().one())


def describe_clinic(store: Store, actor: Actor, name: str, phone: str | None) -> None:
    """Changes the name and telephone number of a clinic that appear in letters."""
    if not name.strip():
        raise StoreError("name: empty. Enter the clinic's name as patients know it.")
    with store.write() as connection:
        given = {"name": name.strip(), "phone": phone.strip() or None if phone else None}
        connection.execute(sa.update(clinics).where(clinics.c.id == actor.clinic_id).values(given))
        audit.append(connection, [Entry(actor.login, "describe clinic", actor.clinic_id, actor.clinic_id, given)])


def clinic_ids(store: Store) -> list[str]:
    """The ids of all clinics in a database."""
    with store.read() as connection:
        return list(connection.scalars(sa.select(clinics.c.id).order_by(clinics.c.id)))


def only_clinic(store: Store) -> str:
    """The only clinic in a database. Raises `StoreError` if there is none, or more than one."""
    ids = clinic_ids(store)
    if len(ids) != 1:
        which = f"several clinics ({', '.join(ids)})" if ids else "no clinic"
        raise StoreError(f"{store.name}: holds {which}. Name one with --clinic.")
    return ids[0]
