"""The files that commands write: atomically, in the place that was named, or one line that says why not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from azaward.cli import app

GENOTYPE = ("genotype", "--report", "TPMT *1/*3A; NUDT15 *1/*1")
GUIDE = ("guides", "show", "missed-dose")


def written(command: tuple[str, ...], out: Path) -> str:
    """The line on stderr of a command that may not write; empty where it wrote."""
    result = CliRunner().invoke(app, [*command, "--out", str(out)])
    assert (result.exit_code, result.stdout) == (1 if result.stderr else 0, "")
    assert len(result.stderr.splitlines()) <= 1
    return result.stderr.removeprefix("azaward: ").strip()


@pytest.mark.parametrize("command", [GENOTYPE, GUIDE])
def test_what_is_no_file_is_left_as_it_is(command: tuple[str, ...], tmp_path: Path) -> None:
    folder, pipe, loop = tmp_path / "folder", tmp_path / "pipe", tmp_path / "loop"
    folder.mkdir()
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    assert written(command, folder).startswith(f"{folder}: a folder. It can't be written: choose a file")
    assert written(command, pipe).startswith(f"{pipe}: not a regular file. It can't be written")
    assert "can't be written" in written(command, tmp_path / "lost" / "file")
    assert pipe.is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "loop", "pipe"]


@pytest.mark.parametrize(("command", "mode"), [(GENOTYPE, 0o600), (GUIDE, 0o644)])
def test_a_link_stays_and_a_persons_genes_are_private(command: tuple[str, ...], mode: int, tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    link.symlink_to(file)
    before = os.umask(0o022)
    try:
        assert written(command, link) == ""
    finally:
        os.umask(before)
    assert link.is_symlink()
    assert "old" not in file.read_text()
    assert file.stat().st_mode & 0o777 == mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]
