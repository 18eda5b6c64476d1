"""The clinic's protocol, and the consequences of choosing another.

The choice, its entry in the audit trail and everyone's new assessment are one transaction, so that a page never shows
an assessment by the old protocol under the name of the new one.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.errors import StoreError
from azaward.knowledge import MOST_CAUTIOUS, Knowledge
from azaward.store import audit
from azaward.store.audit import Entry
from azaward.store.care import reassess, records
from azaward.store.care.acts import Actor
from azaward.store.database import Store
from azaward.store.schema import clinics

AUTO = "auto"


def of_clinic(connection: Connection, clinic_id: str) -> str:
    """The id of the clinic's protocol; `auto` chooses by each patient's indication."""
    return connection.execute(sa.select(clinics.c.protocol).where(clinics.c.id == clinic_id)).scalar_one()


def choices(knowledge: Knowledge) -> list[str]:
    """The protocols that a clinic can choose.

    >>> from azaward.knowledge import load
    >>> choices(load())[:2]
    ['auto', 'most-cautious']
    """
    return [AUTO, MOST_CAUTIOUS, *knowledge.protocols]


def choose(store: Store, actor: Actor, protocol: str, knowledge: Knowledge) -> int:
    """Sets a clinic's protocol, assesses everyone, and returns their number; 0 if the protocol is unchanged."""
    known = choices(knowledge)
    if protocol not in known:
        shown = protocol if len(protocol) <= 60 else f"{protocol[:60]}…"
        raise StoreError(f"protocol {shown!r}: unknown. Expected one of: {', '.join(known)}.")
    with store.write() as connection:
        before = of_clinic(connection, actor.clinic_id)
        if before == protocol:
            return 0
        connection.execute(sa.update(clinics).where(clinics.c.id == actor.clinic_id).values(protocol=protocol))
        detail = {"from": before, "to": protocol}
        audit.append(connection, [Entry(actor.login, "choose protocol", actor.clinic_id, actor.clinic_id, detail)])
        everyone = records.everyone(connection, actor.clinic_id)
        reassess.reassess(connection, actor.clinic_id, everyone, actor.today, knowledge)
        return len(everyone)
