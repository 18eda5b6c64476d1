"""How does a patient stand? The record, the assessment and the timeline, for the clinic's pages and the patient's."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from azaward.assessment import PatientAssessment
from azaward.record.tables import Record
from azaward.reports.series import timeline
from azaward.store.care import merges, reassess, records
from azaward.store.care.acts import NoSuchPatientError
from azaward.web.shared.chart import Chart, chart
from azaward.web.shared.room import Room


@dataclass(frozen=True)
class Known:
    """A patient as they stand: their record, the assessment, its version and its day."""

    record: Record
    assessment: PatientAssessment
    version: int
    as_of: dt.date


def known(connection: Connection, clinic_id: str, patient_id: str) -> Known:
    """The patient, under any of their ids; `NoSuchPatientError` where the clinic has none with that id."""
    patient_id = merges.roots(connection, clinic_id)(patient_id)
    assessed = reassess.of_patient(connection, clinic_id, patient_id)
    if assessed is None:
        raise NoSuchPatientError(f"patient {patient_id}: not a patient of this clinic.")
    return Known(records.of_patient(connection, clinic_id, patient_id), *assessed)


def draw(room: Room, who: Known, first: dt.date | None, last: dt.date | None, plain: bool = False) -> Chart | None:
    """The patient's timeline between two days, or None where there is nothing to draw."""
    chosen = who.assessment.protocol in room.knowledge.protocols
    course = timeline(who.assessment, who.record, room.knowledge, who.as_of, chosen=chosen)
    return chart(course, first, last, plain=plain, words=room.words) if course else None
