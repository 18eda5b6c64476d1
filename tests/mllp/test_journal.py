"""What the journal has kept survives a crash, and what it can't vouch for it says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from azaward.mllp.journal import Journal, JournalError


def left(folder: Path) -> list[bytes]:
    journal = Journal(folder)
    try:
        return [content for content, received in journal.unanswered() if received.again]
    finally:
        journal.close()


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("journal-*.bin"))


def test_messages_without_an_answer_are_handed_over_again_in_their_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    kept = [journal.append(content, "10.1.2.3") for content in (b"one", b"two", b"three")]
    journal.answered(kept[1], b"AA")
    journal.close()
    again = Journal(tmp_path)
    assert [content for content, _ in again.unanswered()] == [b"one", b"three"]
    assert [received.id for _, received in again.unanswered()] == [kept[0].id, kept[2].id]
    assert [received.peer for _, received in again.unanswered()] == ["10.1.2.3"] * 2
    assert again.append(b"four", "x").id not in {each.id for each in kept}
    again.close()


def test_ids_of_two_journals_are_never_the_same(tmp_path: Path) -> None:
    ids = set()
    for name in ("a", "b"):
        journal = Journal(tmp_path / name)
        ids.add(journal.append(b"one", "x").id)
        journal.close()
    assert len(ids) == 2


@pytest.mark.parametrize("cut", [1, 5, 20, 30])
def test_what_a_crash_left_half_written_is_cut_off(tmp_path: Path, cut: int) -> None:
    journal = Journal(tmp_path)
    for content in (b"one", b"two and more"):
        journal.append(content, "x")
    journal.close()
    (file,) = files(tmp_path)
    file.write_bytes(file.read_bytes()[:-cut])
    assert left(tmp_path) == [b"one"]
    journal = Journal(tmp_path)
    journal.append(b"three", "x")
    journal.close()
    assert left(tmp_path) == [b"one", b"three"]


def test_damage_before_other_messages_is_said(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for content in (b"one", b"two", b"three"):
        journal.append(content, "x")
    journal.close()
    (file,) = files(tmp_path)
    content = bytearray(file.read_bytes())
    content[content.index(b"two")] ^= 1
    file.write_bytes(content)
    with pytest.raises(JournalError, match=r"byte \d+: damaged, .* Move the file aside"):
        left(tmp_path)


def test_full_files_are_removed_once_all_is_answered(tmp_path: Path) -> None:
    journal = Journal(tmp_path, full=200)
    kept = [journal.append(b"x" * 100, "x") for _ in range(5)]
    assert len(files(tmp_path)) > 2
    for received in kept:
        journal.answered(received, b"AA")
    last = journal.append(b"last", "x")
    journal.close()
    assert len(files(tmp_path)) <= 2
    assert left(tmp_path) == [b"last"]
    journal = Journal(tmp_path)
    assert int(journal.append(b"more", "x").id.rpartition("-")[2]) > int(last.id.rpartition("-")[2])
    journal.close()


def test_two_processes_never_share_a_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(JournalError, match="another process"):
        Journal(tmp_path)
    journal.close()
    Journal(tmp_path).close()


def test_nothing_is_safe_after_a_disk_that_failed_to_synchronise(tmp_path: Path) -> None:
    well = True

    def sync(descriptor: int) -> None:
        if not well:
            raise OSError(5, "Input/output error")
        os.fsync(descriptor)

    journal = Journal(tmp_path, sync=sync)
    journal.append(b"one", "x")
    well = False
    for _ in range(2):
        with pytest.raises(JournalError, match=r"Input/output error\. Nothing is acknowledged"):
            journal.append(b"two", "x")
    well = True
    with pytest.raises(JournalError):
        journal.append(b"three", "x")
    journal.close()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(JournalError, match=r"file: .* Expected a folder"):
        Journal(tmp_path / "file")
