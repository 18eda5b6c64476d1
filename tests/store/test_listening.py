"""`azaward listen` as a process with a store of its own: what it answers is stored, and what it can't place waits."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from tests.mllp.sending import SECONDS, Sender, StoreListener
from tests.proof import rounds

PEOPLE = """{"patients": [{"patient_id": "4217", "birth_date": "1980-01-02", "sex": "female",
 "indication": "crohns_disease"}, {"patient_id": "5000", "birth_date": "1975-04-02", "sex": "male",
 "indication": "crohns_disease"}], "exposures": [{"patient_id": "4217", "medicine": "azathioprine",
 "dose_mg_per_day": 100, "started_on": "2025-01-01"}]}"""


def azaward(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "azaward", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def oru(
    control: str,
    value: str = "4.2",
    status: str = "F",
    who: str = "4217",
    born: str = "19800102",
    filler: str = "17",
    at: str = "202611201000",
) -> bytes:
    lines = (
        f"MSH|^~\\&|LAB|RIVERSIDE|AZAWARD|CLINIC|{at}||ORU^R01^ORU_R01|{control}|P|2.5.1",
        f"PID|1||{who}^^^RIVERSIDE^MR||Sample^Ada||{born}|F",
        f"OBR|1||{filler}||||202611200815",
        f"OBX|1|NM|751-8^Neutrophils^LN||{value}|10*9/L|1.5-7.5||||{status}",
    )
    return "\r".join(lines).encode()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[StoreListener]:
    (tmp_path / "people.json").write_text(PEOPLE, encoding="utf-8")
    database = f"sqlite:///{tmp_path / 'clinic.db'}"
    azaward("import", str(tmp_path / "people.json"), "--clinic", "one", "--database", database)
    found = StoreListener(tmp_path)
    yield found
    if found.process.poll() is None:
        found.end()


def rows(listener: StoreListener, sql: str) -> list[Any]:
    with sqlite3.connect(listener.folder / "clinic.db") as database:
        return database.execute(sql).fetchall()


COUNTS = "SELECT value, status FROM results WHERE analyte = 'neutrophils' AND struck_at IS NULL ORDER BY id"


def urgency(listener: StoreListener, wanted: int) -> int:
    """The urgency on the worklist, once it is the wanted one or the time is over."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        ((found,),) = rows(listener, "SELECT urgency FROM worklist WHERE patient_id = '4217'")
        if found == wanted:
            break
        time.sleep(0.05)
    return found


def test_a_result_is_stored_before_it_is_acknowledged_and_assessed_after(listener: StoreListener) -> None:
    sender = Sender(listener.port)
    assert b"MSA|AA|1" in sender.ask(oru("1", "0.3", "P"))
    assert rows(listener, COUNTS) == [(0.3, "preliminary")]
    assert urgency(listener, 0) == 0
    assert b"MSA|AA|2" in sender.ask(oru("2", "3.9", "C", at="202611201100"))
    assert rows(listener, COUNTS) == [(3.9, "corrected")]
    # The first message again: the same answer, and nothing new.
    assert b"MSA|AA|1" in sender.ask(oru("1", "0.3", "P"))
    assert rows(listener, COUNTS) == [(3.9, "corrected")]


def test_an_older_message_that_arrives_late_changes_nothing(listener: StoreListener) -> None:
    sender = Sender(listener.port)
    sender.ask(oru("2", "3.9", "C", at="202611201100"))
    sender.ask(oru("1", "0.3", "F", at="202611201000"))
    assert rows(listener, COUNTS) == [(3.9, "corrected")]


def test_a_result_of_another_patient_is_struck_out(listener: StoreListener) -> None:
    sender = Sender(listener.port)
    sender.ask(oru("1", "0.3"))
    sender.ask(oru("2", "0.3", "W", at="202611201100"))
    assert rows(listener, COUNTS) == []


def test_what_has_no_known_person_waits_and_is_assigned(listener: StoreListener) -> None:
    sender = Sender(listener.port)
    said = sender.ask(oru("1", "0.4", who="999"))
    assert b"MSA|AA|1" in said
    assert b"|204^" in said
    assert b"|W|" in said
    assert b"ERR" in sender.ask(oru("2", "4.0", born="19500101"))
    assert rows(listener, COUNTS) == []
    listed = azaward("tray", "list", "--database", listener.database)
    assert listed.splitlines()[0].startswith("1  ")
    assert "same-day, for a clinician: Neutrophil count 0.4" in listed
    assert "birth date is different" in listed
    # Nobody reads a name in the database.
    assert b"Sample" not in (listener.folder / "clinic.db").read_bytes()
    ways = ["--database", listener.database, "--sender", str(listener.folder / "sender.yaml")]
    assert "1 rows stored" in azaward("tray", "assign", "1", "4217", *ways)
    assert rows(listener, COUNTS) == [(0.4, "final")]
    azaward("tray", "discard", "2", "--why", "another clinic's", "--database", listener.database)
    assert azaward("tray", "list", "--database", listener.database) == "No messages are waiting.\n"


def test_a_merge_moves_what_was_read_and_can_be_undone(listener: StoreListener) -> None:
    sender = Sender(listener.port)
    sender.ask(oru("1", "0.4"))
    lines = (
        "MSH|^~\\&|ADT|RIVERSIDE|AZAWARD|CLINIC|202611201200||ADT^A40^ADT_A39|3|P|2.5.1",
        "EVN|A40|202611201200",
        "PID|1||5000^^^RIVERSIDE^MR||Sample^Ada||19750402|M",
        "MRG|4217^^^RIVERSIDE^MR",
    )
    assert b"MSA|AA|3" in sender.ask("\r".join(lines).encode())
    assert rows(listener, "SELECT given_up, kept FROM merges WHERE undone_at IS NULL") == [("4217", "5000")]
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and len(rows(listener, "SELECT 1 FROM worklist")) != 1:
        time.sleep(0.05)
    assert rows(listener, "SELECT patient_id FROM worklist") == [("5000",)]
    azaward("people", "unmerge", "4217", "--why", "two people", "--database", listener.database)
    assert sorted(rows(listener, "SELECT patient_id FROM worklist")) == [("4217",), ("5000",)]


def test_killed_mid_message_nothing_acknowledged_is_lost_or_doubled(listener: StoreListener) -> None:
    """`--proof` kills 50 times."""
    import signal

    acknowledged: set[str] = set()
    chance = random.Random(1)
    number = 0
    for _ in range(rounds(2, 50)):
        sender = Sender(listener.port)
        until = time.monotonic() + chance.uniform(0.05, 0.4)
        while time.monotonic() < until:
            number += 1
            if b"MSA|AA|" in sender.ask(oru(f"m{number}", "4.2", filler=f"f{number}")):
                acknowledged.add(f"LAB|RIVERSIDE|f{number}|751-8|")
        number += 1
        sender.send(oru(f"m{number}", "4.2", filler=f"f{number}"))
        listener.end(signal.SIGKILL)
        sender.close()
        listener.begin()
    kept = [str(row[0]) for row in rows(listener, "SELECT resource FROM results WHERE struck_at IS NULL")]
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))


def test_a_watched_folder_is_emptied_into_done_and_failed(tmp_path: Path) -> None:
    (tmp_path / "people.json").write_text(PEOPLE, encoding="utf-8")
    database = ["--database", f"sqlite:///{tmp_path / 'clinic.db'}"]
    azaward("import", str(tmp_path / "people.json"), "--clinic", "one", *database)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.hl7").write_bytes(oru("1", "3.3"))
    (folder / "bad.json").write_text("{", encoding="utf-8")
    (folder / "writing.json.part").write_text("{", encoding="utf-8")
    azaward("watch", str(folder), "--once", *database)
    assert sorted(path.name for path in folder.iterdir()) == ["done", "failed", "writing.json.part"]
    assert [path.name for path in (folder / "done").iterdir()] == ["good.hl7"]
    assert sorted(path.name for path in (folder / "failed").iterdir()) == ["bad.json", "bad.json.reason.txt"]
    assert "bad.json" in (folder / "failed" / "bad.json.reason.txt").read_text(encoding="utf-8")
