"""Questions that a patient writes down for the next visit; stored with the record and marked when answered."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.errors import StoreError
from azaward.store import audit
from azaward.store.audit import Entry
from azaward.store.care.acts import Actor
from azaward.store.database import Store
from azaward.store.schema import questions

LONGEST = 2000
# Nobody brings more to one visit, and a page of more helps nobody.
MOST_OPEN = 100


class NoSuchQuestionError(StoreError):
    """The patient has no open question with this number."""


@dataclass(frozen=True)
class Question:
    """A question in the patient's own words, and when it was answered, if it was."""

    id: int
    words: str
    at: dt.datetime
    answered_at: dt.datetime | None


def of_patient(connection: Connection, clinic_id: str, patient_id: str) -> list[Question]:
    """A patient's questions, open ones first, in the order in which they were written."""
    rows = connection.execute(
        sa.select(questions.c.id, questions.c.words, questions.c.at, questions.c.answered_at)
        .where(questions.c.clinic_id == clinic_id, questions.c.patient_id == patient_id)
        .order_by(questions.c.answered_at.is_not(None), questions.c.id)
    )
    return [Question(row.id, row.words, row.at, row.answered_at) for row in rows]


def ask(store: Store, actor: Actor, patient_id: str, words: str) -> int:
    """Stores a question and returns its number."""
    words = words.strip()
    if not words:
        raise StoreError("question: empty. Write what you want to ask.")
    if len(words) > LONGEST:
        raise StoreError(f"question: {len(words)} characters. Expected at most {LONGEST}. Split it into two questions.")
    with store.write() as connection:
        whose = (questions.c.clinic_id == actor.clinic_id, questions.c.patient_id == patient_id)
        still_open = sa.select(sa.func.count()).where(*whose, questions.c.answered_at.is_(None))
        if connection.execute(still_open).scalar_one() >= MOST_OPEN:
            raise StoreError(f"question: {MOST_OPEN} questions are already open. Mark the answered ones first.")
        given = {"clinic_id": actor.clinic_id, "patient_id": patient_id, "words": words, "at": dt.datetime.now(dt.UTC)}
        number = connection.execute(sa.insert(questions).values(given).returning(questions.c.id)).scalar_one()
        detail = {"question": number}
        audit.append(connection, [Entry(actor.login, "ask", actor.clinic_id, patient_id, detail)])
        return number


def answered(store: Store, actor: Actor, patient_id: str, number: int) -> None:
    """Marks a question as answered."""
    with store.write() as connection:
        changed = connection.execute(
            sa.update(questions)
            .where(
                questions.c.clinic_id == actor.clinic_id,
                questions.c.patient_id == patient_id,
                questions.c.id == number,
                questions.c.answered_at.is_(None),
            )
            .values(answered_at=dt.datetime.now(dt.UTC))
        )
        if changed.rowcount == 0:
            raise NoSuchQuestionError(f"question {number}: you have no open question with this number.")
        detail = {"question": number}
        audit.append(connection, [Entry(actor.login, "answered", actor.clinic_id, patient_id, detail)])
