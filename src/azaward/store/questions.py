"""What does a patient want to ask at the next visit? Their own notes, which their clinic sees too."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.store import audit
from azaward.store.acts import Actor
from azaward.store.audit import Entry
from azaward.store.database import Store, StoreError
from azaward.store.schema import questions

MOST = 200


@dataclass(frozen=True)
class Question:
    """A question, when it was written down, and when it was marked as answered."""

    id: int
    words: str
    at: dt.datetime
    answered_at: dt.datetime | None


def of_patient(connection: Connection, clinic_id: str, patient_id: str) -> list[Question]:
    """A patient's questions, the newest first."""
    question = (
        sa.select(questions.c.id, questions.c.words, questions.c.at, questions.c.answered_at)
        .where(questions.c.clinic_id == clinic_id, questions.c.patient_id == patient_id)
        .order_by(questions.c.id.desc())
    )
    return [Question(*row) for row in connection.execute(question)]


def ask(store: Store, actor: Actor, patient_id: str, words: str) -> None:
    """Writes a question down."""
    words = words.strip()
    if not words:
        raise StoreError("words: empty. Write the question.")
    with store.write() as connection:
        if len(of_patient(connection, actor.clinic_id, patient_id)) >= MOST:
            raise StoreError(f"words: {MOST} questions are written down already. Take these to your team first.")
        row = {"clinic_id": actor.clinic_id, "patient_id": patient_id, "words": words, "at": dt.datetime.now(dt.UTC)}
        connection.execute(sa.insert(questions).values(row))
        audit.append(connection, [Entry(actor.login, "ask", actor.clinic_id, patient_id, {"words": words})])


def answered(store: Store, actor: Actor, patient_id: str, number: int) -> None:
    """Marks a question as answered; `StoreError` where the patient has no such open question."""
    with store.write() as connection:
        done = connection.execute(
            sa.update(questions)
            .where(
                questions.c.id == number,
                questions.c.clinic_id == actor.clinic_id,
                questions.c.patient_id == patient_id,
                questions.c.answered_at.is_(None),
            )
            .values(answered_at=dt.datetime.now(dt.UTC))
        )
        if done.rowcount == 0:
            raise StoreError(f"question {number}: not there, or answered already.")
        audit.append(connection, [Entry(actor.login, "answer", actor.clinic_id, patient_id, {"question": number})])
