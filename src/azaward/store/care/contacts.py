"""Attendance: how often patients attended or missed appointments, and when the clinic last contacted them.

The counts are made in the database, so a page is equally fast however long the history.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.store.schema import RECORD

ATTENDED, MISSED = "attended", "did_not_attend"
# What the clinic does to reach somebody.
REACHED_OUT = ("letter", "message", "call", "reminder")
_AT_ONCE = 5_000


@dataclass(frozen=True)
class Attendance:
    """A patient's contacts: appointments attended and missed, the last of each, and the clinic's last message or call.

    >>> Attendance(attended=3, missed=1).kept
    0.75
    """

    attended: int = 0
    missed: int = 0
    last_attended: dt.date | None = None
    last_missed: dt.date | None = None
    last_reached_out: dt.date | None = None
    reached_out_by: str | None = None

    @property
    def kept(self) -> float | None:
        """The proportion of appointments kept; None if there are none."""
        return self.attended / (self.attended + self.missed) if self.attended or self.missed else None


def of_patients(connection: Connection, clinic_id: str, patient_ids: Sequence[str]) -> dict[str, Attendance]:
    """A summary of these patients' contacts, without patients who have none."""
    contacts = RECORD["contacts"]
    kinds: dict[str, dict[str, tuple[int, dt.date | None]]] = {}
    for start in range(0, len(patient_ids), _AT_ONCE):
        question = (
            sa.select(contacts.c.patient_id, contacts.c.kind, sa.func.count(), sa.func.max(contacts.c.on))
            .where(
                contacts.c.clinic_id == clinic_id,
                contacts.c.patient_id.in_(patient_ids[start : start + _AT_ONCE]),
                contacts.c.struck_at.is_(None),
            )
            .group_by(contacts.c.patient_id, contacts.c.kind)
        )
        for patient_id, kind, count, last in connection.execute(question):
            kinds.setdefault(patient_id, {})[kind] = (count, last)
    return {patient_id: _attendance(held) for patient_id, held in kinds.items()}


def of_clinic(connection: Connection, clinic_id: str, after: dt.date, until: dt.date) -> Attendance:
    """The clinic's attended and missed appointments, from the day after `after` to `until`."""
    contacts = RECORD["contacts"]
    question = (
        sa.select(contacts.c.kind, sa.func.count(), sa.func.max(contacts.c.on))
        .where(
            contacts.c.clinic_id == clinic_id,
            contacts.c.on > after,
            contacts.c.on <= until,
            contacts.c.struck_at.is_(None),
        )
        .group_by(contacts.c.kind)
    )
    return _attendance({kind: (count, last) for kind, count, last in connection.execute(question)})


def _attendance(held: Mapping[str, tuple[int, dt.date | None]]) -> Attendance:
    attended, last_attended = held.get(ATTENDED, (0, None))
    missed, last_missed = held.get(MISSED, (0, None))
    reached = [(last, kind) for kind in REACHED_OUT if kind in held for last in (held[kind][1],) if last is not None]
    last, kind = max(reached, default=(None, None))
    return Attendance(attended, missed, last_attended, last_missed, last, kind)
