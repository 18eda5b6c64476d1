"""The pages for contributors are true: each step of docs/add-a-*.md is carried out on a copy of the tree.

A comment in front of a block says what to do with it: `new: FILE`, `append: FILE`, `after: FILE: LINE`,
`replace: FILE: TEXT`, `run` (it must succeed) or `fails`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("add-a-*.md"))
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
_BLOCK = re.compile(
    r"^<!-- (new|append|after|replace|run|fails)(?:: ([^\n:]+?)(?:: ([^\n]+?))?)? -->\n```\w*\n(.*?)^```$", re.M | re.S
)


class Step(NamedTuple):
    what: str
    file: str
    where: str
    text: str


def steps(page: Path) -> list[Step]:
    return [Step(*found) for found in _BLOCK.findall(page.read_text(encoding="utf-8"))]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what a contributor changes, without what is made of it."""
    unwanted = shutil.ignore_patterns("__pycache__", "pictures", "fuzz", "*.egg-info")
    for name in ("src", "docs", "tests", "scripts"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=unwanted)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def change(step: Step, tree: Path) -> None:
    path = tree / step.file
    text = "" if step.what == "new" else path.read_text(encoding="utf-8")
    match step.what:
        case "new":
            assert not path.exists()
            text = step.text
        case "append":
            assert text.endswith("\n")
            text += step.text
        case "after":
            assert text.count(f"{step.where}\n") == 1, f"{step.file}: {step.where}"
            text = text.replace(f"{step.where}\n", f"{step.where}\n{step.text}")
        case _:
            assert text.count(step.where) == 1, f"{step.file}: {step.where}"
            text = text.replace(step.where, step.text.rstrip("\n"))
    path.write_text(text, encoding="utf-8")


def run(command: str, tree: Path) -> subprocess.CompletedProcess[str]:
    words = command.strip().replace(".venv/bin/python", sys.executable, 1).split()
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    return subprocess.run(words, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_step_of_the_page_does_what_it_says(page: Path, tree: Path) -> None:
    touched: set[str] = set()
    for step in steps(page):
        if step.what in ("run", "fails"):
            done = run(step.text, tree)
            assert (done.returncode == 0) == (step.what == "run"), done.stdout[-3000:] + done.stderr[-1000:]
        else:
            change(step, tree)
            touched.add(step.file)
    said = re.search(r"touches\s+(\w+)\s+file", page.read_text(encoding="utf-8"))
    assert said
    assert len(touched) == NUMBERS.index(said[1])


def test_a_missing_message_is_one_line_and_no_test_runs(tree: Path) -> None:
    """What a contributor meets who forgets the words: one error that names rule, code and file, at once."""
    for step in steps(ROOT / "docs" / "add-a-rule.md"):
        if step.what in ("new", "append", "after") and not step.file.endswith("messages.yaml"):
            change(step, tree)
    done = run(".venv/bin/python -m pytest tests/rules -q", tree)
    said = (done.stdout + done.stderr).strip().splitlines()
    assert said == [
        "ERROR: rules/organs.liver.bilirubin: no words for 'bilirubin_raised' in knowledge/messages.yaml. "
        "Add `says` and `says_patient`."
    ]
    assert done.returncode != 0
