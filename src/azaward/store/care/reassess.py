"""Keeps assessments and the worklist up to date.

Every change to a patient's rows is followed, in the same transaction, by a new assessment and a new line on the
worklist, so that no outdated assessment is ever shown. A handled finding is hidden until the chosen day. A new value or
a higher urgency makes it a different finding, which is shown at once.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward import assessment
from azaward.assessment import PatientAssessment, fingerprint
from azaward.knowledge import Knowledge
from azaward.record.tables import Record
from azaward.store.care import merges, records
from azaward.store.database import Store
from azaward.store.schema import assessments, clinics, handled, worklist
from azaward.terms import Action, Urgency
from azaward.wording import Words

# A batch is assessed and written at once; it is small enough for SQLite's engine or large enough for DuckDB's.
_AT_ONCE = 250
NOTHING = len(Action)
"""The action rank of a patient who needs nothing."""
_decoder = msgspec.json.Decoder(PatientAssessment)


def reassess(
    connection: Connection,
    clinic_id: str,
    patient_ids: Iterable[str],
    as_of: dt.date,
    knowledge: Knowledge,
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> None:
    """Assesses these patients as of a day by their clinic's protocol, and updates their lines on the worklist."""
    knowledge = knowledge.held_on(as_of)
    protocol = connection.execute(sa.select(clinics.c.protocol).where(clinics.c.id == clinic_id)).scalar_one()
    root = merges.roots(connection, clinic_id)
    each = sorted({root(one) for one in patient_ids})
    for start in range(0, len(each), _AT_ONCE):
        some = each[start : start + _AT_ONCE]
        record = records.of_patients(connection, clinic_id, some)
        assessed = assessment.assess(record, as_of, protocol, knowledge)
        _keep(connection, clinic_id, assessed, record, knowledge)
        progress(start + len(some), len(each))
    if each:
        changed(connection, clinic_id)


BEHIND = "behind "


def mark_behind(connection: Connection, clinic_id: str, patient_ids: Iterable[str]) -> None:
    """Marks assessments as behind, each time anew, so that they are made even if this process ends before it has."""
    given = {"clinic": clinic_id, "people": sorted(patient_ids), "mark": f"{BEHIND}{secrets.token_hex(8)}"}
    connection.execute(_MARK, given)


_MARK = (
    sa.update(assessments)
    .where(
        assessments.c.clinic_id == sa.bindparam("clinic"),
        assessments.c.patient_id.in_(sa.bindparam("people", expanding=True)),
    )
    .values(knowledge=sa.bindparam("mark"))
)


def catch_up(
    store: Store,
    clinic_id: str,
    patient_ids: Sequence[str],
    as_of: dt.date,
    knowledge: Knowledge,
    assess: Callable[[Record, dt.date, str], assessment.Assessment],
) -> set[str]:
    """Assesses patients outside any writer's turn; gives those who changed meanwhile, and are behind again."""
    knowledge = knowledge.held_on(as_of)
    with store.read() as connection:
        # Somebody's record may have been joined with another since it was marked.
        root = merges.roots(connection, clinic_id)
        patient_ids = sorted({root(one) for one in patient_ids})
        before = _marks(connection, clinic_id, patient_ids)
        protocol = connection.execute(sa.select(clinics.c.protocol).where(clinics.c.id == clinic_id)).scalar_one()
        record = records.of_patients(connection, clinic_id, patient_ids)
    assessed = assess(record, as_of, protocol)
    with store.write() as connection:
        now = _marks(connection, clinic_id, patient_ids)
        stale = {one for one in patient_ids if now.get(one) != before.get(one)}
        if stale:
            current = [patient for patient in assessed.patients if patient.patient_id not in stale]
            assessed = msgspec.structs.replace(assessed, patients=current)
        _keep(connection, clinic_id, assessed, record, knowledge)
        changed(connection, clinic_id)
    return stale


def _marks(connection: Connection, clinic_id: str, patient_ids: Sequence[str]) -> dict[str, str]:
    question = sa.select(assessments.c.patient_id, assessments.c.knowledge).where(
        assessments.c.clinic_id == clinic_id, assessments.c.patient_id.in_(patient_ids)
    )
    return {str(row[0]): str(row[1]) for row in connection.execute(question)}


def changed(connection: Connection, clinic_id: str) -> None:
    """Increments the clinic's change counter, which open pages watch."""
    connection.execute(sa.update(clinics).where(clinics.c.id == clinic_id).values(changes=clinics.c.changes + 1))


def of_patient(
    connection: Connection, clinic_id: str, patient_id: str
) -> tuple[PatientAssessment, int, dt.date] | None:
    """A patient's current assessment, its version and its day."""
    row = connection.execute(
        sa.select(assessments.c.document, assessments.c.version, assessments.c.as_of).where(
            assessments.c.clinic_id == clinic_id, assessments.c.patient_id == patient_id
        )
    ).one_or_none()
    return None if row is None else (_decoder.decode(row.document), row.version, row.as_of)


def behind(store: Store, as_of: dt.date, knowledge: Knowledge) -> dict[str, list[str]]:
    """By clinic, the patients whose assessment uses an earlier day or an earlier version of the knowledge."""
    question = sa.select(assessments.c.clinic_id, assessments.c.patient_id).where(
        (assessments.c.as_of != as_of) | (assessments.c.knowledge != knowledge.version)
    )
    whose: dict[str, list[str]] = {}
    with store.read() as connection:
        for clinic_id, patient_id in connection.execute(question):
            whose.setdefault(clinic_id, []).append(patient_id)
    return whose


def new_day(store: Store, as_of: dt.date, knowledge: Knowledge) -> int:
    """Assesses everyone whose assessment is outdated, in batches so that others can write; returns their number."""
    count = 0
    for clinic_id, patient_ids in behind(store, as_of, knowledge).items():
        for start in range(0, len(patient_ids), _AT_ONCE):
            some = patient_ids[start : start + _AT_ONCE]
            with store.write() as connection:
                reassess(connection, clinic_id, some, as_of, knowledge)
            count += len(some)
    return count


def relist(connection: Connection, clinic_id: str, patient_id: str, as_of: dt.date, knowledge: Knowledge) -> None:
    """Rebuilds a patient's line from the current assessment after a finding has been handled."""
    standing = of_patient(connection, clinic_id, patient_id)
    if standing is None:
        return
    hidden = hidden_findings(connection, clinic_id, [patient_id], as_of)
    indication = _indications(records.of_patient(connection, clinic_id, patient_id))
    line = _line(standing[0], hidden.get(patient_id, frozenset()), indication, as_of, Words(knowledge))
    whose = (worklist.c.clinic_id == clinic_id, worklist.c.patient_id == patient_id)
    since = connection.execute(sa.select(worklist.c.since, worklist.c.urgency).where(*whose)).one()
    # On the list since the day on which it became as urgent as it is.
    line["since"] = since.since if since.urgency == line["urgency"] else as_of
    connection.execute(sa.update(worklist).where(*whose).values(line))
    changed(connection, clinic_id)


def hidden_findings(
    connection: Connection, clinic_id: str, patient_ids: Sequence[str], as_of: dt.date
) -> dict[str, frozenset[str]]:
    """The findings that are still handled on a day, by patient."""
    question = sa.select(handled.c.patient_id, handled.c.finding).where(
        handled.c.clinic_id == clinic_id, handled.c.patient_id.in_(patient_ids), handled.c.until > as_of
    )
    held: dict[str, set[str]] = {}
    for patient_id, finding in connection.execute(question):
        held.setdefault(patient_id, set()).add(finding)
    return {patient_id: frozenset(findings) for patient_id, findings in held.items()}


def _keep(
    connection: Connection,
    clinic_id: str,
    assessed: assessment.Assessment,
    record: Record,
    knowledge: Knowledge,
) -> None:
    ids = [patient.patient_id for patient in assessed.patients]
    if not ids:
        return
    words, now = Words(knowledge), dt.datetime.now(dt.UTC)
    hidden = hidden_findings(connection, clinic_id, ids, assessed.as_of)
    indications = _indications(record)
    of_these = (assessments.c.clinic_id == clinic_id, assessments.c.patient_id.in_(ids))
    versions: dict[str, int] = {
        row.patient_id: row.version
        for row in connection.execute(sa.select(assessments.c.patient_id, assessments.c.version).where(*of_these))
    }
    lines_of_these = (worklist.c.clinic_id == clinic_id, worklist.c.patient_id.in_(ids))
    kept = {row.patient_id: row for row in connection.execute(sa.select(worklist).where(*lines_of_these))}
    rows: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for patient in assessed.patients:
        whose = {"clinic_id": clinic_id, "patient_id": patient.patient_id}
        rows.append(
            {
                **whose,
                "version": versions.get(patient.patient_id, 0) + 1,
                "as_of": assessed.as_of,
                "assessed_at": now,
                "knowledge": knowledge.version,
                "document": msgspec.json.encode(patient),
            }
        )
        line = _line(patient, hidden.get(patient.patient_id, frozenset()), indications, assessed.as_of, words)
        before = kept.get(patient.patient_id)
        same = before is not None and before.urgency == line["urgency"]
        line["since"] = before.since if before is not None and same else assessed.as_of
        line["assigned_to"] = before.assigned_to if before is not None else None
        line["note"] = before.note if before is not None else None
        lines.append({**whose, **line})
    connection.execute(sa.delete(assessments).where(*of_these))
    connection.execute(sa.insert(assessments), rows)
    connection.execute(sa.delete(worklist).where(*lines_of_these))
    connection.execute(sa.insert(worklist), lines)


def _indications(record: Record) -> Mapping[str, str]:
    return {str(row[0]): str(row[3]) for row in record.rows["patients"] if row[3]}


def _line(
    patient: PatientAssessment,
    hidden: frozenset[str],
    indications: Mapping[str, str],
    as_of: dt.date,
    words: Words,
) -> dict[str, Any]:
    """A patient's line: the most urgent unhandled finding, and a summary of the others."""
    open_ones = [finding for finding in patient.findings if fingerprint(finding) not in hidden]
    tests = list(assessment.first_due(patient, as_of).values())
    indication = indications.get(patient.patient_id)
    named = words.name(indication)[0] if indication else None
    line: dict[str, Any] = {
        "urgency": Urgency.INFO.rank,
        "action": NOTHING,
        "headline": "",
        "doing": "",
        "others": 0,
        "hidden": len(patient.findings) - len(open_ones),
        "test_due_on": min(tests, default=None),
        "overdue_days": max(((as_of - due).days for due in tests), default=None),
        "who": patient.plan.who,
        "decision": patient.plan.dose.decision,
        "indication": named,
        "as_of": as_of,
    }
    if open_ones:
        first = open_ones[0]
        line |= {
            "urgency": Urgency(first.urgency).rank,
            "action": Action(first.action).rank,
            "headline": first.says,
            "doing": first.action,
            "others": sum(finding.urgency != "info" for finding in open_ones[1:]),
        }
    subjects = dict.fromkeys(words.name(finding.subject)[0] for finding in open_ones if finding.subject)
    line["search"] = " ".join([patient.patient_id, named or "", line["headline"], *subjects]).casefold()
    return line
