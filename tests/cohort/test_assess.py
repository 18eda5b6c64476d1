"""A nation's answer is every patient's own answer: the same reader, the same rules, whole files or none."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from azaward.assessment import Assessment
from azaward.assessment import assess as assess_record
from azaward.cli import app
from azaward.cohort.assess import Summary, assess
from azaward.knowledge import load
from azaward.readers.tables.folder import read_folder
from azaward.record.tables import TABLES, Record
from azaward.synthesis import record_of, synthesise
from tests.arrow_tables import write_record
from tests.proof import rounds
from tests.records import drawn

KNOWLEDGE = load()
AS_OF = dt.date(2026, 11, 23)


def written(record: Record, folder: Path) -> Path:
    """A record as a folder of Parquet."""
    folder.mkdir()
    write_record(record, folder)
    return folder


def of_nation(folder: Path, out: Path, share: int = 70, protocol: str = "auto") -> Summary:
    return assess(folder, out, AS_OF, protocol, KNOWLEDGE, share=share)


def findings_alone(assessment: Assessment) -> Counter[tuple[Any, ...]]:
    return Counter(
        (
            one.patient_id,
            one.rule,
            one.code,
            one.protocol,
            one.action,
            one.urgency,
            one.subject,
            one.observed and one.observed.value,
            one.observed and one.observed.on,
            one.limit and one.limit.value,
            one.says,
            one.says_patient,
            tuple((each.source, each.locator, each.how) for each in one.sources),
        )
        for patient in assessment.patients
        for one in patient.findings
    )


def findings_of_nation(out: Path) -> Counter[tuple[Any, ...]]:
    return Counter(
        (
            row["patient_id"],
            row["rule"],
            row["code"],
            row["protocol"],
            row["action"],
            row["urgency"],
            row["subject"] or "",
            row["value"],
            row["on"],
            row["limit_value"],
            row["says"],
            row["says_patient"],
            tuple(dict.fromkeys(tuple(line.split("|")) for line in row["sources"].split("\n") if line)),
        )
        for row in pq.read_table(out).to_pylist()
    )


def plans_alone(assessment: Assessment) -> dict[str, Any]:
    return {
        one.patient_id: (
            one.plan.dose.decision,
            one.plan.dose.mg_per_day,
            one.plan.urgency,
            one.plan.who,
            one.protocol,
            one.status,
            sorted((test.analyte, test.due_on) for test in one.plan.next_tests),
        )
        for one in assessment.patients
    }


def plans_of_nation(out: Path) -> dict[str, Any]:
    tests: dict[str, list[tuple[str, dt.date]]] = {}
    for row in pq.read_table(out.with_suffix(".next_tests.parquet")).to_pylist():
        tests.setdefault(row["patient_id"], []).append((row["test"], row["due_on"]))
    return {
        row["patient_id"]: (
            row["decision"],
            None if row["mg_high"] is None else (round(row["mg_low"], 1), round(row["mg_high"], 1)),
            row["urgency"],
            row["who"],
            row["protocol"],
            row["status"],
            sorted(tests.get(row["patient_id"], [])),
        )
        for row in pq.read_table(out.with_suffix(".plans.parquet")).to_pylist()
    }


def asides(assessment: Assessment) -> Counter[tuple[Any, ...]]:
    return Counter((one.where, one.what, one.why, one.patient_id) for one in assessment.set_aside)


def asides_of_nation(out: Path) -> Counter[tuple[Any, ...]]:
    rows = pq.read_table(out.with_suffix(".set_aside.parquet")).to_pylist()
    return Counter((row["where"], row["what"], row["why"], row["patient_id"]) for row in rows)


def test_a_nation_is_answered_as_each_of_its_people(tmp_path: Path) -> None:
    folder = written(record_of(synthesise(200, 5, AS_OF)), tmp_path / "people")
    out = tmp_path / "found.parquet"
    summary = of_nation(folder, out)
    alone = assess_record(read_folder(folder, KNOWLEDGE), AS_OF)
    assert findings_of_nation(out) == findings_alone(alone)
    assert plans_of_nation(out) == plans_alone(alone)
    assert asides_of_nation(out) == asides(alone)
    assert summary.findings == sum(summary.by_rule.values()) == sum(summary.by_urgency.values()) > 0
    assert summary.patients == len(alone.patients)


# One table as people store it, each row with something to read closely.
ODD: dict[str, list[dict[str, Any]]] = {
    "patients": [
        {"patient_id": "p1", "birth_date": "1980-02-30", "sex": "F", "indication": "Crohn's disease"},
        {"patient_id": "p2", "birth_date": "1975", "sex": "m", "indication": "rheumatoid arthritis"},
        {"patient_id": "p2", "birth_date": "1976-01-01", "sex": "m", "indication": "rheumatoid arthritis"},
        {"patient_id": "p3", "birth_date": "1990-05-05", "sex": "?", "indication": "something else"},
        {"patient_id": "p4  ", "birth_date": "1991-05-05", "sex": "female", "indication": "lupus"},
    ],
    "exposures": [
        {
            "patient_id": "p1",
            "medicine": "Imuran",
            "dose_mg_per_day": "150",
            "started_on": "2026-01-05",
            "stopped_on": None,
        },
        {
            "patient_id": "p1",
            "medicine": "Zyloric",
            "dose_mg_per_day": "-5",
            "started_on": "2026-02",
            "stopped_on": None,
        },
        {
            "patient_id": "p2",
            "medicine": "azathioprine",
            "dose_mg_per_day": "a few",
            "started_on": "2026-01-05",
            "stopped_on": "2025-01-01",
        },
        {
            "patient_id": "p3",
            "medicine": "azathioprine",
            "dose_mg_per_day": "100",
            "started_on": "last spring",
            "stopped_on": None,
        },
        {
            "patient_id": "p4",
            "medicine": "azathioprine",
            "dose_mg_per_day": "100",
            "started_on": "2026-03-01",
            "stopped_on": None,
        },
        {
            "patient_id": "p5",
            "medicine": "co-trimoxazole",
            "dose_mg_per_day": None,
            "started_on": "2026-03-01",
            "stopped_on": None,
        },
    ],
    "results": [
        {
            "patient_id": "p1",
            "analyte": "neutrophils",
            "value": "0.4",
            "comparator": None,
            "unit": "10*9/L",
            "taken_on": "2026-11-01",
            "status": "final",
        },
        {
            "patient_id": "p1",
            "analyte": "26464-8",
            "value": "<0.5",
            "comparator": None,
            "unit": "K/uL",
            "taken_on": "2026-11-01",
            "status": "final",
        },
        {
            "patient_id": "p1",
            "analyte": "wbc",
            "value": "4500",
            "comparator": "≥",
            "unit": "/uL",
            "taken_on": "2026-10-01",
            "status": "amended",
        },
        {
            "patient_id": "p2",
            "analyte": "sodium",
            "value": "140",
            "comparator": None,
            "unit": "mmol/L",
            "taken_on": "2026-11-01",
            "status": "final",
        },
        {
            "patient_id": "p2",
            "analyte": "sodium",
            "value": "141",
            "comparator": None,
            "unit": "mmol/L",
            "taken_on": "2026-11-02",
            "status": "final",
        },
        {
            "patient_id": "p2",
            "analyte": "alt",
            "value": "haemolysed",
            "comparator": None,
            "unit": "U/L",
            "taken_on": "2026-11-02",
            "status": "final",
        },
        {
            "patient_id": "p3",
            "analyte": "platelets",
            "value": "90",
            "comparator": "about",
            "unit": "10*9/L",
            "taken_on": "2026-11-02",
            "status": "final",
        },
        {
            "patient_id": "p3",
            "analyte": "platelets",
            "value": "90",
            "comparator": None,
            "unit": "furlong",
            "taken_on": "2026-13-02",
            "status": "final",
        },
        {
            "patient_id": "p4",
            "analyte": "weight",
            "value": "1e400",
            "comparator": None,
            "unit": "kg",
            "taken_on": "2026-11-02",
            "status": "final",
        },
        {
            "patient_id": "p4",
            "analyte": "weight",
            "value": "70",
            "comparator": None,
            "unit": " kg",
            "taken_on": "2026-11-02",
            "status": "entered-in-error",
        },
    ],
    "events": [
        {"patient_id": "p1", "kind": "condition", "code": "gout", "started_on": "2020", "ended_on": None},
        {"patient_id": "p1", "kind": "symptom", "code": "fever", "started_on": "2026-11-20", "ended_on": "2026-11-01"},
        {"patient_id": "p2", "kind": "procedure", "code": "juggling", "started_on": "2026-11-20", "ended_on": None},
    ],
    "genotypes": [
        {
            "patient_id": "p1",
            "gene": "tpmt",
            "diplotype": "*1/*3A",
            "phenotype": "normal",
            "method": "genotype",
            "reported_on": "2025-01-01",
        },
        {
            "patient_id": "p2",
            "gene": "NUDT15",
            "diplotype": None,
            "phenotype": "no idea",
            "method": "genotype",
            "reported_on": "2025-01-01",
        },
    ],
    "contacts": [{"patient_id": "p1", "kind": "did_not_attend", "on": "2026-11-02", "note": "rang\x07twice"}],
}


def test_odd_rows_are_read_as_in_one_record(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    for name, rows in ODD.items():
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
    out = tmp_path / "found.parquet"
    of_nation(folder, out, share=2)
    alone = assess_record(read_folder(folder, KNOWLEDGE), AS_OF)
    assert plans_of_nation(out) == plans_alone(alone)
    assert findings_of_nation(out) == findings_alone(alone)
    assert asides_of_nation(out) == asides(alone)


def test_odd_people_are_answered_as_when_each_is_asked_about_alone(tmp_path: Path) -> None:
    record = drawn(150)
    folder = written(record, tmp_path / "people")
    out = tmp_path / "found.parquet"
    assess(folder, out, AS_OF, "auto", KNOWLEDGE, share=40)
    read = read_folder(folder, KNOWLEDGE)
    each = [assess_record(read.of_patient(one), AS_OF) for one in read.patient_ids()]
    together: Counter[tuple[Any, ...]] = Counter()
    plans: dict[str, Any] = {}
    for alone in each:
        together += findings_alone(alone)
        plans |= plans_alone(alone)
    assert rounded(findings_of_nation(out)) == rounded(together)
    assert plans_of_nation(out) == plans


def rounded(found: Counter[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    """Numbers to nine digits: the last bits are the engine's own."""
    return Counter(
        tuple(float(f"{cell:.9g}") if isinstance(cell, float) else cell for cell in row) for row in found.elements()
    )


def test_a_table_may_be_in_parts(tmp_path: Path) -> None:
    folder = written(record_of(synthesise(60, 9, AS_OF)), tmp_path / "people")
    of_nation(folder, tmp_path / "one.parquet")
    whole = pq.read_table(folder / "results.parquet")
    (folder / "results.parquet").unlink()
    for part in range(3):
        (folder / "results" / f"year={part}").mkdir(parents=True)
        rows = whole.slice(part * whole.num_rows // 3, (part + 1) * whole.num_rows // 3 - part * whole.num_rows // 3)
        pq.write_table(rows, folder / "results" / f"year={part}" / "part.parquet")
    of_nation(folder, tmp_path / "parts.parquet")
    found = [pq.read_table(tmp_path / f"{name}.parquet").drop_columns(["says"]) for name in ("one", "parts")]
    # Only the place of a row that can't be used, which its words name, is another.
    assert found[0].equals(found[1])


def test_size_of_shares_changes_nothing(tmp_path: Path) -> None:
    folder = written(record_of(synthesise(60, 11, AS_OF)), tmp_path / "people")
    sizes = (rounds(25, 7), 1000)
    for share in sizes:
        of_nation(folder, tmp_path / f"{share}.parquet", share)
    for kind in (".parquet", ".plans.parquet", ".next_tests.parquet"):
        few, all_ = (pq.read_table(tmp_path / f"{share}{kind}") for share in sizes)
        assert few.equals(all_)


def test_a_killed_run_leaves_nothing_that_looks_whole_and_goes_on(tmp_path: Path) -> None:
    folder = written(record_of(synthesise(400, 13, AS_OF)), tmp_path / "people")
    out = tmp_path / "found.parquet"
    command = [sys.executable, "-m", "azaward.cli", "cohort", "assess", str(folder), "--out", str(out)]
    command += ["--as-of", AS_OF.isoformat(), "--share", "50"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    parts = out.with_name(f".{out.name}.parts")
    while running.poll() is None and not (parts / "000001.json").exists():
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert not list(tmp_path.glob("found*"))
    again = subprocess.run(command, capture_output=True, check=True)
    summary = json.loads(again.stdout)
    assert summary["resumed"] >= 2
    assert summary["patients"] == 400
    assert not parts.exists()
    of_nation(folder, tmp_path / "at_once.parquet")
    assert findings_of_nation(out) == findings_of_nation(tmp_path / "at_once.parquet")


def test_other_people_are_not_taken_for_those_already_done(tmp_path: Path) -> None:
    """Shares that were left behind belong to the files, the day and the protocol that they were made of."""
    folder = written(record_of(synthesise(20, 13, AS_OF)), tmp_path / "people")
    out = tmp_path / "found.parquet"
    of_nation(folder, out)
    parts = out.with_name(f".{out.name}.parts")
    parts.mkdir()
    (parts / "job.json").write_text("{}")
    (parts / "000000.json").write_text("{}")
    summary = of_nation(folder, out, protocol="most-cautious")
    assert summary.resumed == 0
    assert set(pq.read_table(out.with_suffix(".plans.parquet")).column("protocol").to_pylist()) == {"most-cautious"}


def spoiled(folder: Path, table: str, change: Any) -> None:
    path = folder / f"{table}.parquet"
    pq.write_table(change(pq.read_table(path)), path)


FAULTS: dict[str, tuple[Any, str]] = {
    "no folder": (shutil.rmtree, "no such folder"),
    "no table": (lambda folder: [path.unlink() for path in folder.iterdir()], "no table in this folder"),
    "results missing": (lambda folder: (folder / "results.parquet").unlink(), "results.parquet is missing"),
    "a column missing": (
        lambda folder: spoiled(folder, "results", lambda table: table.drop_columns(["taken_on"])),
        "column 'taken_on' is missing",
    ),
    "a wrong type": (
        lambda folder: spoiled(
            folder, "results", lambda table: table.set_column(8, "taken_on", pa.array([True] * table.num_rows))
        ),
        "column 'taken_on' is BOOLEAN; expected a date",
    ),
    "not Parquet": (lambda folder: (folder / "events.parquet").write_bytes(b"PAR"), "not Parquet"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_folder_that_can_not_be_used_is_refused_before_any_work(fault: str, tmp_path: Path) -> None:
    folder = written(record_of(synthesise(3, 1, AS_OF)), tmp_path / "people")
    spoil, line = FAULTS[fault]
    spoil(folder)
    out = tmp_path / "found.parquet"
    result = CliRunner().invoke(app, ["cohort", "assess", str(folder), "--out", str(out), "--as-of", "2026-11-23"])
    assert result.exit_code == 1
    assert line in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.glob(".found*"))
    assert not out.exists()


def test_an_empty_nation_has_an_empty_answer(tmp_path: Path) -> None:
    folder = written(Record({name: [] for name in TABLES}), tmp_path / "nobody")
    out = tmp_path / "found.parquet"
    assert of_nation(folder, out).patients == 0
    assert pq.read_table(out).num_rows == 0


def test_bad_rows_are_counted_by_kind(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    for name, rows in ODD.items():
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
    result = CliRunner().invoke(
        app, ["cohort", "assess", str(folder), "--out", str(tmp_path / "f.parquet"), "--as-of", "2026-11-23"]
    )
    assert result.exit_code == 0
    counts = json.loads(result.stdout)["set_aside"]
    assert counts["unknown_analyte"] == 1
    assert sum(counts.values()) == pq.read_table(tmp_path / "f.set_aside.parquet").num_rows
    assert "results.parquet row 4 and 1 more" in result.stderr


def test_ids_that_are_numbers_are_all_in_some_share(tmp_path: Path) -> None:
    """As text 10 comes before 2, as numbers after it: whoever was shared out one way must be found the same way."""
    folder = written(record_of(synthesise(12, 3, AS_OF)), tmp_path / "people")
    for path in folder.glob("*.parquet"):
        table = pq.read_table(path)
        ids = sorted({*pq.read_table(folder / "patients.parquet").column("patient_id").to_pylist()})
        if path.stem != "patients":
            numbers = [ids.index(one) + 1 for one in table.column("patient_id").to_pylist()]
            pq.write_table(table.set_column(0, "patient_id", pa.array(numbers, pa.int64())), path)
    patients = pq.read_table(folder / "patients.parquet")
    numbered = pa.array(range(1, patients.num_rows + 1), pa.int64())
    order = patients.sort_by("patient_id")
    pq.write_table(order.set_column(0, "patient_id", numbered), folder / "patients.parquet")
    few, all_ = (of_nation(folder, tmp_path / f"{share}.parquet", share=share) for share in (3, 1000))
    assert few.by_urgency == all_.by_urgency
    assert few.findings == all_.findings > 12
