"""Killed in the middle of a message, again and again: nothing acknowledged is lost, and nothing is kept twice."""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from tests import proof
from tests.mllp.sending import Listener, Sender, listening, oru

KILLS = proof.rounds(3, 50)
CONNECTIONS = 3


class Feed(threading.Thread):
    """Sends one message after the other; one without an answer it sends again, as laboratories do."""

    def __init__(self, listener: Listener, name: str, until: threading.Event) -> None:
        super().__init__(daemon=True)
        self.listener, self.prefix, self.until = listener, name, until
        self.acknowledged: list[str] = []
        self.wrong: list[bytes] = []

    def run(self) -> None:
        number = 0
        sender: Sender | None = None
        while not self.until.is_set():
            control_id = f"{self.prefix}{number}"
            try:
                sender = sender or Sender(self.listener.port)
                said = sender.ask(oru(control_id))
            except OSError:
                said = b""
            if f"MSA|AA|{control_id}\r".encode() in said:
                self.acknowledged.append(control_id)
                number += 1
            else:
                self.wrong += [said] if said else []
                sender = None
                time.sleep(0.005)


def test_killed_in_the_middle_of_messages(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    dice = random.Random(KILLS)
    until = threading.Event()
    with listening(tmp_path) as listener:
        feeds = [Feed(listener, f"{name}-", until) for name in "ABCDE"[:CONNECTIONS]]
        for feed in feeds:
            feed.start()
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.05, 0.6))
            listener.end(signal.SIGKILL)
            listener.begin()
        time.sleep(0.3)
        until.set()
        for feed in feeds:
            feed.join(30)
        listener.end()
    acknowledged = {control_id for feed in feeds for control_id in feed.acknowledged}
    kept = sqlite3.connect(tmp_path / "kept.db").execute("select control_id, neutrophils from kept").fetchall()
    assert not [said for feed in feeds for said in feed.wrong]
    assert acknowledged - {control_id for control_id, _ in kept} == set()
    assert max(Counter(control_id for control_id, _ in kept).values()) == 1
    assert {value for _, value in kept} == {4.2}
    assert len(acknowledged) > KILLS
    record_property("kills", KILLS)
    record_property("acknowledged", len(acknowledged))


def test_what_was_kept_and_not_handled_is_handled_after_the_crash(tmp_path: Path) -> None:
    from azaward.mllp.journal import Journal

    journal = Journal(tmp_path / "journal")
    journal.append(oru("LATE"), "127.0.0.1")
    journal.close()
    with listening(tmp_path) as listener:
        first = Sender(listener.port).ask(oru("LATE"))
        second = Sender(listener.port).ask(oru("LATE"))
        other = Sender(listener.port).ask(oru("LATE", "0.4"))
        listener.end()
    assert b"MSA|AA|LATE" in first
    assert first == second
    assert b"MSA|AA|LATE" in other
    kept = sqlite3.connect(tmp_path / "kept.db").execute("select neutrophils from kept").fetchall()
    assert sorted(kept) == [(0.4,), (4.2,)]
