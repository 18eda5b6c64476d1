"""The page of proofs says what the runs said: figures are read from their output, and other rows stay as they were."""

from __future__ import annotations

import base64
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
proof = importlib.import_module("proof")

REPORT = """<testsuites><testsuite>
<properties><property name="hypothesis-statistics-tests/x.py::test_y" value="{statistics}"/></properties>
<testcase name="test_killed[sqlite]"><properties><property name="kills" value="1200"/></properties></testcase>
<testcase name="test_other">{fault}</testcase>
</testsuite></testsuites>"""
STATISTICS = b"- during generate phase:\n - 1000 passing, 0 failing, and 7 invalid test cases"


def done(code: int, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], code, said, "")


def report(folder: Path, fault: str = "") -> Path:
    path = folder / "report.xml"
    path.write_text(REPORT.format(statistics=base64.b64encode(STATISTICS).decode(), fault=fault), encoding="utf-8")
    return path


def test_figures_of_tests_are_those_of_their_report(tmp_path: Path) -> None:
    found = proof.of_tests(done(0), report(tmp_path))
    assert found == (True, ["2 tests passed", "1,200 kills (sqlite)", "1,000 examples passed"])


def test_a_failure_is_a_failure(tmp_path: Path) -> None:
    found = proof.of_tests(done(1), report(tmp_path, "<failure/>"))
    assert not found.held
    assert found.figures[:2] == ["1 tests passed", "1 tests failure"]
    assert proof.of_tests(done(4), tmp_path / "none.xml") == (False, [])
    assert not proof.of_fuzzer(
        done(0, '{"files": 10, "answered": 2, "refused": 7, "found": {"crashed": 1}}'), tmp_path
    )[0]
    assert not proof.of_mutation(done(1, "5 of 572 numbers changed (seed 1): 4 noticed, 1 not (20%)"), tmp_path)[0]


def test_a_row_takes_the_place_of_its_own_alone(tmp_path: Path) -> None:
    page = tmp_path / "proof.md"
    rows = {name: [name, "tries", "1 kills", "2026-11-23", "1.0", f"`python -k {name}`"] for name in ("kills", "fuzz")}
    proof.write(page, rows)
    assert proof.kept(page) == rows
    proof.write(page, {**proof.kept(page), "fuzz": ["fuzz", "tries", "2 files", "2026-11-24", "2.0", "`x`"]})
    assert proof.kept(page)["kills"] == rows["kills"]
    assert proof.kept(page)["fuzz"][2] == "2 files"


@pytest.mark.parametrize("name", proof.PROOFS)
def test_every_file_that_a_proof_runs_is_there(name: str) -> None:
    words = proof.PROOFS[name].full
    assert any(word.endswith(".py") for word in words)
    assert all((ROOT / word).exists() for word in words if word.endswith(".py"))
