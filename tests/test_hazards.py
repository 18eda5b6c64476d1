"""The hazard log is true: each hazard's risk follows from the matrix, and each test that it names exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.spec.tables import read_cases

ROOT = Path(__file__).parents[1]
LOG = ROOT / "docs" / "hazards.md"
SEVERITIES = ("Minor", "Significant", "Considerable", "Major", "Catastrophic")
LIKELIHOODS = ("Very low", "Low", "Medium", "High", "Very high")
ACCEPTABLE = 3


class Hazard(NamedTuple):
    id: str
    name: str
    before: str
    proofs: list[str]
    after: str


def tables(text: str) -> Iterator[list[list[str]]]:
    """Every Markdown table, a row a list of cells, header first."""
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.M):
        lines = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block.splitlines()]
        yield [lines[0], *lines[2:]]


@lru_cache(maxsize=1)
def hazards() -> list[Hazard]:
    found: list[Hazard] = []
    for header, *rows in tables(LOG.read_text(encoding="utf-8")):
        if header[0] != "Id":
            continue
        for row in rows:
            cells = dict(zip(header, row, strict=True))
            proofs = re.findall(r"`([^`]+)`", cells["Proof"])
            found.append(Hazard(cells["Id"], cells["Hazard"], cells["Before"], proofs, cells["After"]))
    return found


def matrix() -> dict[tuple[str, str], int]:
    """(severity, likelihood) to risk, as the page prints it."""
    header, *rows = next(table for table in tables(LOG.read_text(encoding="utf-8")) if table[0][1:] == list(SEVERITIES))
    return {(severity, row[0]): int(risk) for row in rows for severity, risk in zip(header[1:], row[1:], strict=True)}


def risk(cell: str) -> tuple[str, str, int]:
    found = re.fullmatch(r"([\w ]+) × ([\w ]+) = \*{0,2}(\d)\*{0,2}", cell)
    assert found, f"expected 'Severity × Likelihood = risk', found {cell!r}"
    severity, likelihood, number = found.groups()
    return severity, likelihood, int(number)


@lru_cache(maxsize=1)
def node_ids() -> frozenset[str]:
    """Every test in tests/ and every doctest in src/, read and not run."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        file = path.relative_to(ROOT).as_posix()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.add(f"{file}::{node.name}")
            elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                found |= {
                    f"{file}::{node.name}::{each.name}"
                    for each in node.body
                    if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
                }
    return frozenset(found)


@lru_cache(maxsize=1)
def spec_cases() -> frozenset[str]:
    pages = (path for path in (ROOT / "docs" / "rules").glob("*.md") if path.stem != "index")
    return frozenset(f"docs/rules/{path.name}: {case.title}" for path in pages for case in read_cases(path))


def test_there_are_enough_hazards_and_each_has_its_own_id() -> None:
    ids = [hazard.id for hazard in hazards()]
    assert ids == [f"H-{number:02}" for number in range(1, len(ids) + 1)]
    assert len(ids) >= 25


@pytest.mark.parametrize("hazard", hazards(), ids=lambda hazard: hazard.id)
def test_each_risk_follows_from_the_matrix(hazard: Hazard) -> None:
    for cell in (hazard.before, hazard.after):
        severity, likelihood, number = risk(cell)
        assert matrix()[severity, likelihood] == number, cell


@pytest.mark.parametrize("hazard", hazards(), ids=lambda hazard: hazard.id)
def test_no_risk_is_left_that_the_page_calls_unacceptable(hazard: Hazard) -> None:
    severity, likelihood, after = risk(hazard.after)
    severity_before, likelihood_before, before = risk(hazard.before)
    assert after <= ACCEPTABLE
    # A control makes harm rarer or milder, or the log says that there is none.
    assert after <= before
    assert SEVERITIES.index(severity) <= SEVERITIES.index(severity_before)
    assert LIKELIHOODS.index(likelihood) <= LIKELIHOODS.index(likelihood_before)


@pytest.mark.parametrize("hazard", hazards(), ids=lambda hazard: hazard.id)
def test_each_named_proof_exists(hazard: Hazard) -> None:
    assert hazard.proofs, "no test is named"
    missing = [proof for proof in hazard.proofs if proof not in node_ids() | spec_cases()]
    assert not missing


def test_the_matrix_never_calls_the_worse_the_smaller_risk() -> None:
    risks = matrix()
    assert len(risks) == len(SEVERITIES) * len(LIKELIHOODS)
    for (severity, likelihood), number in risks.items():
        for worse in SEVERITIES[SEVERITIES.index(severity) :]:
            for likelier in LIKELIHOODS[LIKELIHOODS.index(likelihood) :]:
                assert risks[worse, likelier] >= number
