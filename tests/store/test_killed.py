"""Killed in the middle, again and again: nothing acknowledged is lost, nothing is half; and when the disk is full."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from azaward.errors import FullError
from azaward.knowledge import load
from azaward.store import Store, audit, imports
from azaward.store.care import acts
from azaward.store.care.acts import Actor, Decision
from azaward.store.schema import RECORD, assessments, decisions, handled, metadata, worklist
from tests.proof import rounds
from tests.store.killed_child import EACH, TODAY, record
from tests.web.clinic_room import app_of, signed_in

ROOT = Path(__file__).parents[2]
TIMES = rounds(12, 500)
ACTOR = Actor("clinician", "one", TODAY)


@pytest.fixture(scope="module")
def parent() -> Iterator[subprocess.Popen[str]]:
    """Whose children are killed: it has imported everything once."""
    command = [sys.executable, "-m", "tests.store.killed_child"]
    running = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield running
    assert running.stdin is not None
    running.stdin.close()
    assert running.wait(timeout=20) == 0


def answered(parent: subprocess.Popen[str]) -> dict[str, Any]:
    assert parent.stdout is not None
    return json.loads(parent.stdout.readline())


def whole_lines(file: Path) -> list[dict[str, Any]]:
    """What was acknowledged: a line that broke off was not."""
    text = file.read_text() if file.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def test_killed_in_the_middle_nothing_is_lost_and_nothing_is_half(
    parent: subprocess.Popen[str], database: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(20261123)
    store = Store.open(database)
    imports.make_clinic(store, "one", "One")
    acknowledged: list[dict[str, Any]] = []
    cut_short = 0
    for number in range(TIMES):
        out = tmp_path / f"said-{number}"
        assert parent.stdin is not None
        parent.stdin.write(f"{database}\t{number}\t{out}\n")
        parent.stdin.flush()
        child = answered(parent)["pid"]
        began = time.monotonic()
        # Some are killed at their first import, most after it; how fast the machine is doesn't matter.
        lines = chance.choice((1, 2, 3, 4, 5))
        while len(whole_lines(out)) < lines and time.monotonic() - began < 20:
            time.sleep(0.002)
        time.sleep(chance.uniform(0.0, 0.06))
        os.kill(child, signal.SIGKILL)
        assert answered(parent)["ended"] == child
        said = [one for one in whole_lines(out) if "opened" not in one]
        acknowledged += said
        check(store, acknowledged)
        cut_short += bool(said)
    # The test shows something only where children were killed at work.
    assert cut_short > TIMES / 2
    decided = sum("decided" in one for one in acknowledged)
    assert decided > TIMES / 2
    store.close()
    came_out = {"kills": TIMES, "at work": cut_short, "imports": len(acknowledged) - decided, "decisions": decided}
    for what, count in came_out.items():
        record_property(what, count)


def check(store: Store, acknowledged: list[dict[str, Any]]) -> None:
    """Everything acknowledged is there; every import and decision that is there is there whole."""
    with store.read() as connection:

        def count_by(column: Any) -> dict[Any, int]:
            counted = sa.select(column, sa.func.count()).group_by(column)
            return dict(tuple(row) for row in connection.execute(counted))

        files = {row.file: row for row in connection.execute(sa.select(metadata.tables["imports"]))}
        by_import = [count_by(RECORD[name].c.import_id) for name in ("patients", "exposures", "results")]
        decided = count_by(decisions.c.patient_id)
        assessed, listed = count_by(assessments.c.patient_id), count_by(worklist.c.patient_id)
        dealt_with = count_by(handled.c.patient_id)
        by_hand = sa.select(RECORD["exposures"].c.patient_id).where(RECORD["exposures"].c.import_id.is_(None))
        doses = set(connection.scalars(by_hand))
        entries = {
            action: set(connection.scalars(sa.select(audit.audit.c.subject).where(audit.audit.c.action == action)))
            for action in ("import", "decide")
        }
    assert [one for one in acknowledged if "imported" in one and one["imported"] not in files] == []
    assert [one for one in acknowledged if "decided" in one and decided.get(one["decided"]) != 1] == []
    assert entries == {"import": set(files), "decide": set(decided)}
    for row in files.values():
        assert [counts[row.id] for counts in by_import] == [EACH] * 3
        assert row.new_rows == 3 * EACH
    people = {f"{file}-{number}" for file in files for number in range(EACH)}
    assert set(assessed) == set(listed) == people
    # The decision, what it dealt with, and the new dose are one.
    assert set(decided) == set(dealt_with) == doses
    found = audit.verify(store)
    assert found.wrong is None


def rows(store: Store) -> dict[str, int]:
    with store.read() as connection:
        return {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB that is really full; where this process may not mount one, the test is skipped with the reason."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], check=False, capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> None:
    """Leaves no room on a disk."""
    with (place / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            pass


def no_more_pages(store: Store) -> None:
    """Lets the database grow no further: SQLite says then what it says on a full disk."""

    def limit(connection: Any, _: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    sa.event.listen(store.engine, "connect", limit)
    store.engine.dispose()


def fill_up(store: Store) -> None:
    """Imports until it says that there is no room."""
    for number in range(3000):
        prefix = f"f{number}"
        imports.keep(store, ACTOR, prefix, prefix, record(prefix, 0.4), load())


def with_room_again(address: str, before: dict[str, int]) -> None:
    """Nothing was lost, and it works once there is room."""
    store = Store.open(address)
    assert rows(store) == before
    assert audit.verify(store).wrong is None
    imports.keep(store, ACTOR, "later", "later", record("later", 0.4), load())
    store.close()


def test_a_database_that_may_not_grow_says_so_and_loses_nothing(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'store.db'}"
    store = Store.open(address)
    imports.make_clinic(store, "one", "One")
    imports.keep(store, ACTOR, "first", "first", record("first", 0.4), load())
    no_more_pages(store)
    with pytest.raises(FullError, match=r"the disk is full\. Nothing was changed\. Free some space"):
        fill_up(store)
    before = rows(store)
    with pytest.raises(FullError):
        acts.decide(store, ACTOR, "first-0", Decision(1, "stop", "x" * 200_000, [], TODAY), load())
    assert rows(store) == before
    store.close()
    with_room_again(address, before)


def test_a_full_disk_is_a_clear_page_and_nothing_is_lost(small_disk: Path) -> None:
    address = f"sqlite:///{small_disk / 'store.db'}"
    app = app_of(Store.open(address))
    store: Store = app.state.room.store
    clinician = signed_in(app, "clinician", "clinician")
    imports.keep(store, ACTOR, "first", "first", record("first", 0.4), load())
    fill(small_disk)
    with pytest.raises(FullError):
        fill_up(store)
    before = rows(store)
    words = {"version": "1", "kind": "stop", "words": "x" * 3900, "until": "2026-12-01"}
    answers = [clinician.post("/patients/first-0/decisions", data=words) for _ in range(3)]
    page = next((answer for answer in answers if answer.status_code != 200), answers[-1])
    assert page.status_code == 507
    assert "The disk is full" in page.text
    assert "Nothing was changed. Free some space, then try again." in page.text
    # Looking is audited too: where no entry can be kept, nothing is shown, and the page says why.
    looked = [clinician.get("/patients/first-0") for _ in range(200)]
    assert {answer.status_code for answer in looked} <= {200, 507}
    store.close()
    (small_disk / "filler").unlink()
    again = Store.open(address)
    kept = rows(again)
    assert kept["decisions"] == before["decisions"]
    assert kept["imports"] == before["imports"]
    assert audit.verify(again).wrong is None
    assert imports.keep(again, ACTOR, "later", "later", record("later", 0.4), load()).new_rows == 3 * EACH
    again.close()


def test_uploads_on_a_full_disk_are_told_and_nothing_waits(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_of(Store.open(f"sqlite:///{tmp_path / 'store.db'}"))
    nurse = signed_in(app, "nurse", "nurse")
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    nurse.get("/import")
    fill(small_disk)
    # The smaller waits in memory until it is looked at, the larger on the disk from the beginning.
    for size in (500_000, 5_000_000):
        bundle = b'{"patients": [{"patient_id": "c1", "sex": "male"}]}' + b" " * size
        answer = nurse.post("/import", files=[("files", ("own.json", bundle))])
        assert answer.status_code == 507
        assert "is full. Nothing was changed. Free some space" in answer.text
