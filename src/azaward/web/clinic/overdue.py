"""Whose test is overdue, what are they called for, and what has the clinic done about it already?

Those who have to be called by telephone stand first, then the longest overdue. The tests and days are those of the
letter (`reports/patient/letters.py`): a test that is to be repeated today may have been overdue long before.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.assessment import PatientAssessment
from azaward.knowledge import Knowledge
from azaward.reports.patient.letters import Recall, recall_of
from azaward.store.care import contacts, reassess
from azaward.store.care.contacts import Attendance
from azaward.store.schema import clinics, handled, worklist
from azaward.wording import Words

_TEST_RULE = "schedule"


@dataclass(frozen=True)
class PutOff:
    """Somebody of the clinic dealt with the overdue test, until a day: what they said."""

    until: dt.date
    why: str
    by: str


@dataclass(frozen=True)
class Overdue:
    """One patient of the list: what they are called for, how they came, and what was done about it."""

    recall: Recall
    attendance: Attendance
    put_off: PutOff | None
    indication: str | None
    assigned_to: str | None

    @property
    def patient_id(self) -> str:
        """The clinic's own id."""
        return self.recall.patient_id

    @property
    def reached_out(self) -> bool:
        """Whether the clinic wrote or called since the test fell due."""
        last = self.attendance.last_reached_out
        return last is not None and last >= self.recall.due_on


@dataclass(frozen=True)
class Clinic:
    """How the clinic signs its letters."""

    name: str
    phone: str | None


@dataclass(frozen=True)
class Listed:
    """Everyone whose test is overdue; `behind` of them are still assessed as of an earlier day.

    `died` are those left out because the record says that they died: nobody writes to them.
    """

    people: list[Overdue]
    clinic: Clinic
    died: list[str]
    behind: int


def overdue(connection: Connection, clinic_id: str, today: dt.date, knowledge: Knowledge, words: Words) -> Listed:
    """The recall list of a clinic on a day."""
    clinic = Clinic(
        *connection.execute(sa.select(clinics.c.name, clinics.c.phone).where(clinics.c.id == clinic_id)).one()
    )
    question = sa.select(worklist.c.patient_id, worklist.c.indication, worklist.c.assigned_to, worklist.c.as_of)
    # Whose test is to be repeated today may have been overdue before that; the recall itself tells.
    due = connection.execute(question.where(worklist.c.clinic_id == clinic_id, worklist.c.test_due_on <= today)).all()
    ids = [row.patient_id for row in due]
    came = contacts.of_patients(connection, clinic_id, ids)
    dealt = _dealt_with(connection, clinic_id, today)
    people: list[Overdue] = []
    died: list[str] = []
    for row in due:
        standing = reassess.of_patient(connection, clinic_id, row.patient_id)
        if standing is None:
            continue
        patient, _, as_of = standing
        if any(finding.code == "deceased" for finding in patient.findings):
            died.append(row.patient_id)
            continue
        recall = recall_of(patient, as_of, clinic.name, clinic.phone, words, knowledge)
        if recall is None or recall.days_overdue == 0:
            continue
        attendance = came.get(row.patient_id, Attendance())
        put_off = _put_off(patient, dealt)
        people.append(Overdue(recall, attendance, put_off, row.indication, row.assigned_to))
    people.sort(key=lambda person: (not person.recall.phone_first, -person.recall.days_overdue, person.patient_id))
    return Listed(people, clinic, died, sum(row.as_of != today for row in due))


def chosen_by(people: Iterable[Overdue], words: str = "", waiting: bool = False, phone: bool = False) -> list[Overdue]:
    """Those of the list that hold all `words`, wait for a first call or letter, or have to be called first."""
    wanted = words.casefold().split()
    return [
        person
        for person in people
        if all(word in _said(person) for word in wanted)
        and not (waiting and person.reached_out)
        and (person.recall.phone_first or not phone)
    ]


def mark(people: Iterable[Overdue]) -> str:
    """Who stands on a list, in short: the same people in the same order give the same mark.

    >>> mark([]) == mark([])
    True
    """
    return hashlib.sha256("\n".join(person.patient_id for person in people).encode()).hexdigest()[:16]


def _said(person: Overdue) -> str:
    tests = " ".join(test.name for test in person.recall.tests)
    return f"{person.patient_id} {person.indication or ''} {person.assigned_to or ''} {tests}".casefold()


def _dealt_with(connection: Connection, clinic_id: str, today: dt.date) -> dict[tuple[str, str], PutOff]:
    question = (
        sa.select(handled.c.patient_id, handled.c.finding, handled.c.until, handled.c.why, handled.c.by)
        .where(handled.c.clinic_id == clinic_id, handled.c.until > today)
        .order_by(handled.c.id)
    )
    return {(row.patient_id, row.finding): PutOff(row.until, row.why, row.by) for row in connection.execute(question)}


def _put_off(patient: PatientAssessment, dealt: Mapping[tuple[str, str], PutOff]) -> PutOff | None:
    """What was last said of an overdue test that somebody dealt with, if every one of them was."""
    late = [finding for finding in patient.findings if finding.rule == _TEST_RULE and finding.observed]
    said = [dealt.get((patient.patient_id, reassess.fingerprint(finding))) for finding in late]
    known = [put_off for put_off in said if put_off is not None]
    return min(known, key=lambda put_off: put_off.until) if known and len(known) == len(said) else None
