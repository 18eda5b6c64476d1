"""The hazard log is true: each hazard's risk follows from the matrix, and each test that it names exists.

Below stand the proofs of controls that belong to no one module: the clock, the network, the kept rules, escaping.
"""

from __future__ import annotations

import ast
import datetime as dt
import io
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from msgspec.structs import replace as with_cell
from rich.console import Console

from azaward.assessment import DISCLAIMER, Assessment, assess, to_json
from azaward.knowledge import ACTIONS, load
from azaward.knowledge.loading.messages import NOT_CODES
from azaward.medicines.names import names
from azaward.readers.rows import RowReader
from azaward.record import Record
from azaward.reports.assessment import to_text as report_text
from azaward.reports.assessment.to_html import to_html
from azaward.rules import pipeline
from azaward.treatment import tablet_sizes
from tests.rules.tables import read_cases

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "azaward"
LOG = ROOT / "docs" / "hazards.md"
AS_OF = dt.date(2026, 6, 1)
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


# The proofs.


def names_used(path: Path) -> Iterator[str]:
    """Every module imported and every attribute asked for in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                yield node.module or ""
            case ast.Attribute():
                yield node.attr
            case _:
                pass


CLOCKS = {"today", "now", "utcnow", "time", "monotonic", "perf_counter"}
NETWORK = {"socket", "ssl", "urllib", "http", "ftplib", "smtplib", "requests", "httpx", "aiohttp", "urllib3"}


# What people do in a clinic's database has a moment, and a server has an address.
SERVER = ("store", "web")


def outside_the_server() -> list[Path]:
    return [path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).parts[0] not in SERVER]


def asks_the_clock(path: Path) -> Iterator[str]:
    """Each question to a clock: `dt.date.today()`, `datetime.now()`, `time.monotonic()` and the like."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        asked = isinstance(node, ast.Attribute) and node.attr in CLOCKS
        if asked and ast.unparse(node.value).split(".")[-1] in ("date", "datetime", "time"):
            yield ast.unparse(node)


def test_no_rule_asks_the_clock() -> None:
    asks = {path.name for path in outside_the_server() if any(asks_the_clock(path))}
    # The command line resolves "today" once; every other module is told the day.
    # The journal notes when a message came, and a watched folder how long a file has been quiet; no rule sees it.
    assert asks == {"edge.py", "journal.py", "arrivals.py"}


def test_the_server_asks_which_day_it_is_in_one_place() -> None:
    within = [path for name in SERVER for path in (SOURCE / name).rglob("*.py")]
    assert {path.name for path in within if "dt.date.today" in asks_the_clock(path)} == {"room.py"}


def test_nothing_but_the_server_opens_the_network() -> None:
    # `urllib.parse` only spells addresses.
    used = {path: {*names_used(path)} - {"urllib.parse"} for path in outside_the_server()}
    opens = {path.name for path, names in used.items() if NETWORK & {name.split(".")[0] for name in names}}
    assert opens == {"serve.py", "server.py"}


def parameters() -> dict[str, Any]:
    return dict(load().parameters)


def test_kept_rules_that_cannot_be_read_are_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [step.name for step in pipeline.compiled(parameters(), "sqlite")]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kept = pipeline._cache_file("sqlite", parameters())
    kept.parent.mkdir(parents=True)
    kept.write_text('[["checked", false, [], {}, "SELECT', encoding="utf-8")
    assert [step.name for step in pipeline.compiled(parameters(), "sqlite")] == whole
    assert [step[0] for step in json.loads(kept.read_text(encoding="utf-8"))] == whole


def test_rules_kept_with_another_number_are_not_read() -> None:
    other = {**parameters(), "fever_celsius": with_cell(parameters()["fever_celsius"], value=39.0)}
    names = {pipeline._cache_file(dialect, each) for dialect in ("sqlite", "duckdb") for each in (parameters(), other)}
    assert len(names) == 4


def of_rows(**tables: list[dict[str, Any]]) -> Record:
    reader = RowReader(load())
    reader.add("patients", {"patient_id": "c001", "birth_date": "1980-01-01", "indication": "crohns_disease"}, "")
    for name, rows in tables.items():
        for row in rows:
            reader.add(name, {"patient_id": "c001", **row}, "")
    return reader.record()


def on_terminal(found: Assessment, *, in_full: bool = False) -> str:
    console = Console(width=400, file=io.StringIO(), record=True)
    report_text.show(found, in_full=in_full, console=console)
    return console.export_text()


@pytest.mark.parametrize("written", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[red]x[/red]"])
def test_a_record_carries_no_code_into_a_report(written: str) -> None:
    record = of_rows(
        exposures=[
            {"medicine": "azathioprine", "dose_mg_per_day": "100", "started_on": "2025-01-01"},
            {"medicine": written, "started_on": "2025-01-01"},
        ],
        results=[{"analyte": "neutrophils", "value": written, "taken_on": "2026-05-25", "status": "final"}],
    )
    found = assess(record, AS_OF, knowledge=load())
    page = to_html(found, record, load())
    assert "<script" not in page
    assert "onerror=alert(1)>" not in page
    # Terminals read marks in brackets; they stand there as written.
    assert written in " ".join(on_terminal(found, in_full=True).split())


def test_every_form_of_an_answer_says_what_azaward_is_not() -> None:
    record = of_rows(exposures=[{"medicine": "azathioprine", "started_on": "2025-01-01"}])
    found = assess(record, AS_OF, knowledge=load())
    assert "not a certified medical device" in DISCLAIMER
    for answer in (to_json(found).decode(), to_html(found, record, load()), on_terminal(found)):
        assert DISCLAIMER in answer


@pytest.mark.parametrize("weight", [30, 44.9, 62, 68.7, 80, 120])
def test_tablets_never_come_to_more_than_the_dose(weight: float) -> None:
    record = of_rows(
        exposures=[{"medicine": "azathioprine", "dose_mg_per_day": "25", "started_on": "2025-01-01"}],
        results=[
            {"analyte": "weight", "value": weight, "unit": "kg", "taken_on": "2026-05-25", "status": "final"},
        ],
    )
    dose = assess(record, AS_OF, knowledge=load()).patients[0].plan.dose
    assert dose.mg_per_day
    assert dose.tablets
    tablets = sum(int(count) * int(size) for count, size in re.findall(r"(\d+) x (\d+) mg", dose.tablets))
    smallest = tablet_sizes(load())[-1]
    assert dose.mg_per_day[1] - smallest < tablets <= dose.mg_per_day[1]


@pytest.mark.parametrize("name", ["allopurinal", "allopurino", "azathioprene", "febuxo", "mercaptopurim", "Zylo"])
def test_a_similar_name_is_another_medicine(name: str) -> None:
    assert names(load()).of_record(name).ingredients == (f"unknown:{name}",)


def test_every_finding_has_words_for_the_patient() -> None:
    words = yaml.safe_load((SOURCE / "knowledge" / "messages.yaml").read_text(encoding="utf-8"))
    messages = {code: each for code, each in words.items() if code not in NOT_CODES}
    without = {code for code, each in messages.items() if not each["says_patient"]}
    # Nobody reads it: the patient has died.
    assert without == {"deceased"}
    assert set(words["actions"]) == set(ACTIONS)


def test_a_rule_that_stops_nobody_in_pregnancy_says_so_to_the_patient() -> None:
    record = of_rows(
        exposures=[{"medicine": "azathioprine", "dose_mg_per_day": "100", "started_on": "2025-01-01"}],
        events=[{"kind": "pregnancy", "code": "pregnancy", "started_on": "2026-04-01"}],
    )
    findings = [f for f in assess(record, AS_OF, knowledge=load()).patients[0].findings if f.rule == "life"]
    assert findings
    assert all("Do not stop" in f.says_patient and f.action not in ("stop", "withhold") for f in findings)
