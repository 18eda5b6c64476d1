"""Messages from their arrival to the worklist, in this process, on SQLite and on PostgreSQL."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from azaward.knowledge import load
from azaward.mllp.journal import Received
from azaward.readers.hl7.senders import read_senders
from azaward.record import Record
from azaward.store import Store, audit, imports, keys, tray
from azaward.store.assigning import assign
from azaward.store.care import merges, reassess
from azaward.store.care.acts import Actor
from azaward.store.care.joining import change
from azaward.store.listening import Listening
from azaward.store.schema import RECORD, assessments, worklist
from tests.mllp.sending import SECONDS, SENDER
from tests.store.test_listening import oru

DAY = dt.date(2026, 11, 23)
ACTOR = Actor("nurse", "one", DAY)
PEOPLE: dict[str, Any] = {
    "patients": [
        {"patient_id": "4217", "birth_date": dt.date(1980, 1, 2), "sex": "female", "indication": "crohns_disease"},
        {"patient_id": "5000", "birth_date": dt.date(1975, 4, 2), "sex": "male", "indication": "crohns_disease"},
    ],
    "exposures": [
        {
            "patient_id": "4217",
            "medicine": "azathioprine",
            "dose_mg_per_day": 100,
            "started_on": dt.date(2025, 1, 1),
        }
    ],
}


@pytest.fixture
def listening(store: Store, tmp_path: Path) -> Iterator[Listening]:
    imports.make_clinic(store, "one", "One")
    imports.keep(store, ACTOR, "people.json", "people", Record.of(PEOPLE), load())
    store.key_file = tmp_path / "a.key"
    (tmp_path / "sender.yaml").write_text(SENDER, encoding="utf-8")
    with store.read() as connection:
        keys.keys_of(store, connection)
    senders = read_senders([tmp_path / "sender.yaml"], load())
    found = Listening(store, ACTOR, load(), senders, lambda: DAY)
    found.start()
    yield found
    found.stop()


def said(listening: Listening, content: bytes, number: int = 0) -> bytes:
    return listening.handle(content, Received(f"journal-{number}", "127.0.0.1", dt.datetime.now(dt.UTC)))


def asked(listening: Listening, question: sa.Select[Any]) -> list[Any]:
    with listening.store.read() as connection:
        return [tuple(row) for row in connection.execute(question)]


def standing(listening: Listening) -> list[Any]:
    """The results that stand, once nobody's assessment is behind."""
    until = time.monotonic() + SECONDS
    behind = sa.select(assessments.c.patient_id).where(assessments.c.knowledge.startswith("behind "))
    while asked(listening, behind) and time.monotonic() < until:
        time.sleep(0.02)
    assert not asked(listening, behind)
    results = RECORD["results"]
    question = sa.select(results.c.patient_id, results.c.value, results.c.status)
    return asked(listening, question.where(results.c.struck_at.is_(None)).order_by(results.c.id))


def urgency(listening: Listening, who: str) -> int:
    ((found,),) = asked(listening, sa.select(worklist.c.urgency).where(worklist.c.patient_id == who))
    return int(found)


def test_a_walk_from_the_tray_over_a_correction_to_a_merge(listening: Listening, tmp_path: Path) -> None:
    store, senders = listening.store, read_senders([tmp_path / "sender.yaml"], load())
    with store.read() as connection:
        held = keys.keys_of(store, connection)
    # Somebody unknown: it waits, and what is severe in it is said.
    assert b"MSA|AA|1" in said(listening, oru("1", "0.4", who="999"))
    assert standing(listening) == []
    with store.read() as connection:
        (waiting,) = tray.waiting(connection, "one")
    assert "0.4" in (waiting.severe or "")
    # Somebody says whose it is, and from then on that number is known.
    assert assign(store, ACTOR, waiting.id, "4217", held, load(), senders) == 1
    assert standing(listening) == [("4217", 0.4, "final")]
    assert urgency(listening, "4217") == 0
    assert b"MSA|AA|2" in said(listening, oru("2", "3.9", "C", who="999", at="202611201100"))
    assert standing(listening) == [("4217", 3.9, "corrected")]
    # The same message again: the same answer, and nothing new.
    assert b"MSA|AA|2" in said(listening, oru("2", "3.9", "C", who="999", at="202611201100"))
    assert standing(listening) == [("4217", 3.9, "corrected")]
    assert b"MSA|AA|3" in said(listening, merge("3", "5000", "4217"))
    standing(listening)
    with store.read() as connection:
        assert merges.roots(connection, "one")("4217") == "5000"
    assert asked(listening, sa.select(worklist.c.patient_id)) == [("5000",)]
    change(store, ACTOR, "unmerge", ["4217"], "two people", load())
    assert sorted(asked(listening, sa.select(worklist.c.patient_id))) == [("4217",), ("5000",)]
    audit.verify(store)


def merge(control: str, kept: str, given_up: str, born: str = "19750402", event: str = "A40") -> bytes:
    lines = (
        f"MSH|^~\\&|ADT|RIVERSIDE|AZAWARD|CLINIC|202611201200||ADT^{event}|{control}|P|2.5.1",
        f"EVN|{event}|202611201200",
        f"PID|1||{kept}^^^RIVERSIDE^MR||Sample^Ada||{born}|M",
        f"MRG|{given_up}^^^RIVERSIDE^MR",
    )
    return "\r".join(lines).encode()


def test_a_merge_into_a_number_that_nobody_has_yet_keeps_the_person_known(listening: Listening) -> None:
    assert b"MSA|AA|1" in said(listening, merge("1", "888", "4217", "19800102"))
    assert b"|204^" not in said(listening, oru("2", "3.9", who="888"))
    assert b"|204^" not in said(listening, oru("3", "4.1", who="4217", filler="18"))
    assert standing(listening) == [("4217", 3.9, "final"), ("4217", 4.1, "final")]


def test_a_merge_that_contradicts_a_birth_date_waits_for_somebody(listening: Listening) -> None:
    assert b"|204^" in said(listening, merge("1", "888", "4217", "19500101"))
    with listening.store.read() as connection:
        assert ["birth date is different" in one.why for one in tray.waiting(connection, "one")] == [True]
        assert merges.roots(connection, "one")("4217") == "4217"


@pytest.mark.parametrize("event", ["A08", "A43"])
def test_only_a_merge_joins_two_records(listening: Listening, event: str) -> None:
    assert b"MSA|AA|1" in said(listening, merge("1", "5000", "4217", event=event))
    with listening.store.read() as connection:
        assert merges.roots(connection, "one")("4217") == "4217"


def test_messages_that_come_together_each_get_their_own_answer(listening: Listening) -> None:
    answers: dict[int, bytes] = {}

    def send(number: int) -> None:
        answers[number] = said(listening, oru(str(number), "4.2", filler=f"f{number}"), number)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert [number for number in range(12) if f"MSA|AA|{number}\r".encode() not in answers[number]] == []
    assert standing(listening) == [("4217", 4.2, "final")] * 12


def test_no_question_of_a_message_is_asked_of_everybody(listening: Listening) -> None:
    """Whatever a clinic has kept, the next message takes as long as this one."""
    if listening.store.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL chooses by how much there is")
    plans: dict[str, str] = {}

    def explain(connection: Any, _cursor: Any, statement: str, given: Any, _context: Any, many: bool) -> None:
        if not many and statement.startswith(("SELECT", "UPDATE", "DELETE")):
            plan = connection.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {statement}", given)
            plans[statement] = "; ".join(row[3] for row in plan.fetchall())

    sa.event.listen(listening.store.engine, "before_cursor_execute", explain)
    said(listening, oru("1", "3.9"))
    said(listening, oru("2", "4.1", "C", at="202611201100"))
    sa.event.remove(listening.store.engine, "before_cursor_execute", explain)
    small = ("FROM merges", "audit_head")
    slow = [
        f"{statement}\n{plan}"
        for statement, plan in plans.items()
        if ("SCAN" in plan or "(clinic_id=?)" in plan) and not any(name in statement for name in small)
    ]
    assert plans
    assert slow == []


def test_a_patient_who_cannot_be_assessed_holds_up_no_other(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    catch_up, failed = reassess.catch_up, list[str]()

    def fails_once(store: Store, clinic_id: str, patient_ids: Sequence[str], *more: Any) -> set[str]:
        if "5000" in patient_ids and len(failed) < 2:
            failed.append(",".join(patient_ids))
            raise RuntimeError("a fault")
        return catch_up(store, clinic_id, patient_ids, *more)

    monkeypatch.setattr(reassess, "catch_up", fails_once)
    monkeypatch.setattr("azaward.store.listening._AGAIN_S", 0.05)
    said(listening, oru("1", "0.4"))
    said(listening, oru("2", "4.1", who="5000", born="19750402", filler="18"))
    assert standing(listening) == [("4217", 0.4, "final"), ("5000", 4.1, "final")]
    assert failed
    assert urgency(listening, "4217") == 0
