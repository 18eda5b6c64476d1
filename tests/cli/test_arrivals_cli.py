"""`azaward listen`, `watch`, `tray` and `people` as they are typed: what can't be done is said in one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from azaward.cli import app
from azaward.store import Store, imports
from azaward.store.schema import audit


def typed(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def database(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path / 'clinic.db'}"
    store = Store.open(address)
    imports.make_clinic(store, "one", "One")
    store.close()
    return address


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (found := tmp_path / "in").mkdir()
    return found


@pytest.mark.parametrize("option", ["--tls-key", "--tls-clients"])
def test_nothing_listens_in_clear_where_encryption_was_asked_for(database: str, option: str) -> None:
    done = typed("listen", "--hl7", "127.0.0.1:0", option, "/nowhere.pem", "--database", database)
    assert done.exit_code == 1
    assert f"{option} /nowhere.pem: without a certificate nothing is encrypted" in done.stderr


@pytest.mark.parametrize(
    "words", [("listen", "--hl7", "127.0.0.1:0"), ("watch", ".", "--once"), ("tray", "list"), ("people", "pairs")]
)
def test_a_clinic_that_is_not_there_is_one_line(database: str, words: tuple[str, ...]) -> None:
    done = typed(*words, "--clinic", "nope", "--database", database)
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert "--clinic nope: not in sqlite:" in done.stderr
    assert done.stderr.endswith("Expected one of: one.\n")


def test_what_is_no_file_fails_with_its_reason_and_the_others_are_read(database: str, folder: Path) -> None:
    os.mkfifo(folder / "pipe.json")
    (folder / "gone.json").symlink_to(folder / "nowhere")
    (folder / "z.json").write_text('{"patients": [{"patient_id": "p1"}], "exposures": [], "results": []}')
    assert typed("watch", folder, "--once", "--database", database).exit_code == 0
    assert [path.name for path in (folder / "done").iterdir()] == ["z.json"]
    reasons = {path.name: path.read_text() for path in (folder / "failed").glob("*.reason.txt")}
    assert "a link to nothing" in reasons["gone.json.reason.txt"]
    assert "neither a file nor a folder" in reasons["pipe.json.reason.txt"]


@pytest.mark.parametrize("name", ["done", "failed"])
def test_a_file_in_the_place_of_the_folder_for_what_was_taken_is_one_line(
    database: str, folder: Path, name: str
) -> None:
    (folder / name).write_text("")
    done = typed("watch", folder, "--once", "--database", database)
    assert done.exit_code == 1
    assert "a file. Expected a folder" in done.stderr


def test_who_lists_the_tray_or_the_pairs_is_noted(database: str) -> None:
    assert typed("tray", "list", "--database", database).stdout == "No messages are waiting.\n"
    assert typed("people", "pairs", "--database", database).stdout == "No open pairs.\n"
    store = Store.open(database)
    with store.read() as connection:
        actions = list(connection.scalars(sa.select(audit.c.action).order_by(audit.c.seq)))
    store.close()
    assert actions[-2:] == ["list messages", "list pairs"]
