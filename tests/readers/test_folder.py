"""What azaward makes of a folder of tables (CSV or Parquet) and of its own JSON."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azaward.knowledge import load
from azaward.readers.read import read
from azaward.readers.rows import RowReader
from azaward.readers.tables.folder import read_folder, read_own_json
from azaward.record import TABLES, Record
from tests.arrow_tables import arrow, write_record
from tests.proof import rounds

CLINIC = Path(__file__).parents[2] / "examples" / "clinic"
HEADERS = {name: ",".join(column.name for column in columns if column.required) for name, columns in TABLES.items()}


def folder(home: Path, **tables: str | bytes) -> Path:
    """A folder with the three tables that must be there, and what else is given."""
    for name in ("patients", "exposures", "results"):
        tables.setdefault(name, HEADERS[name] + "\n")
    for name, text in tables.items():
        (home / f"{name}.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return home


def rows(record: Record, table: str, *columns: str) -> list[tuple[Any, ...]]:
    names = [column.name for column in TABLES[table]]
    return [tuple(row[names.index(column)] for column in columns) for row in record.rows[table]]


def added(table: str, **cells: Any) -> Record:
    """One row through the reader that CSV, Parquet, JSON and FHIR share."""
    reader = RowReader(load())
    reader.add(table, {"patient_id": "p1", **cells}, "here")
    return reader.record()


def said(record: Record) -> list[str]:
    """What was set aside, but that the patient is in no table of patients."""
    return [item.what for item in record.set_aside if item.kind != "no_patient"]


def test_cells_come_as_their_columns_types(tmp_path: Path) -> None:
    results = (
        "patient_id,analyte,value,unit,ref_low,ref_high,taken_on,status\np1,wbc,4.2,10*9/L,4,11,2026-05-01,final\n"
    )
    record = read_folder(folder(tmp_path, results=results), load())
    names = ("patient_id", "analyte", "value", "ref_low", "ref_high", "taken_on", "origin")
    assert rows(record, "results", *names) == [("p1", "wbc", 4.2, 4.0, 11.0, dt.date(2026, 5, 1), "results.csv line 2")]


@pytest.mark.parametrize(
    "change", [lambda x: b"\xef\xbb\xbf" + x, lambda x: x.replace(b"\n", b"\r\n"), lambda x: x + b"\n\n"]
)
def test_a_byte_order_mark_and_other_line_ends_change_nothing(tmp_path: Path, change: Any) -> None:
    text = change(b'patient_id,birth_date,sex,indication\np1,1980-01-02,F,"Crohn\'s disease"\n')
    record = read_folder(folder(tmp_path, patients=text), load())
    assert [row[:4] for row in record.rows["patients"]] == [("p1", dt.date(1980, 1, 2), "female", "crohns_disease")]


@pytest.mark.parametrize(
    ("value", "more", "row"),
    [
        ("4.2", {}, (4.2, None, None)),
        (" 4.2 ", {}, (4.2, None, None)),
        ("4.2e-1", {}, (0.42, None, None)),
        ("<0.5", {}, (0.5, "<", None)),
        ("≥ 90", {}, (90.0, ">=", None)),
        ("0.5", {"comparator": "<"}, (0.5, "<", None)),
        ("0.5", {"comparator": "≤"}, (0.5, "<=", None)),
        ("<0.5", {"comparator": "<"}, (0.5, "<", None)),
        ("haemolysed", {}, (None, None, "haemolysed")),
        ("haemolysed", {"text": "repeat"}, (None, None, "haemolysed repeat")),
        ("4,2", {}, (None, None, "4,2")),
        ("4.2 10*9/L", {}, (None, None, "4.2 10*9/L")),
        ("", {"text": "Negative"}, (None, None, "Negative")),
        ("", {}, (None, None, None)),
        (float("nan"), {}, (None, None, None)),
    ],
)
def test_a_value_as_laboratories_write_it(value: Any, more: dict[str, str], row: tuple[Any, ...]) -> None:
    record = added("results", analyte="crp", value=value, taken_on="2026-05-01", **more)
    assert rows(record, "results", "value", "comparator", "text") == [row]
    assert not said(record)


@pytest.mark.parametrize(("value", "sign"), [("<0.5", ">"), ("0.5", "about"), ("0.5", "=")])
def test_a_comparator_that_contradicts_or_says_nothing_makes_words(value: str, sign: str) -> None:
    record = added("results", analyte="crp", value=value, comparator=sign, taken_on="2026-05-01")
    ((number, comparator, text),) = rows(record, "results", "value", "comparator", "text")
    assert (number, comparator) == (None, None)
    assert sign in text
    assert len(said(record)) == 1


@pytest.mark.parametrize("number", ["1e999", "inf", "-inf", "9" * 400])
def test_a_limit_of_normal_without_end_is_no_limit(number: str) -> None:
    record = added("results", analyte="alt", value="30", ref_high=number, taken_on="2026-05-01")
    assert rows(record, "results", "value", "ref_high") == [(30.0, None)]
    assert len(said(record)) == 1


@pytest.mark.parametrize(("dose", "kept"), [("100", 100.0), ("0", None), ("-50", None), ("<50", None), ("50 mg", None)])
def test_a_dose_is_a_number_above_nothing(dose: str, kept: float | None) -> None:
    record = added("exposures", medicine="azathioprine", dose_mg_per_day=dose, started_on="2026-01-01")
    assert rows(record, "exposures", "dose_mg_per_day") == [(kept,)]
    assert len(said(record)) == (kept is None)


@pytest.mark.parametrize(
    ("table", "cells", "end"),
    [
        (
            "exposures",
            {"medicine": "azathioprine", "started_on": "2026-03-01", "stopped_on": "2026-02-01"},
            "stopped_on",
        ),
        (
            "events",
            {"kind": "symptom", "code": "fever", "started_on": "2026-03-01", "ended_on": "2026-02-01"},
            "ended_on",
        ),
    ],
)
def test_an_end_before_its_start_leaves_it_going_on(table: str, cells: dict[str, str], end: str) -> None:
    record = added(table, **cells)
    assert rows(record, table, end) == [(None,)]
    assert said(record) == [f"{end} 2026-02-01"]


@pytest.mark.parametrize(
    ("table", "cells", "column", "day"),
    [
        ("patients", {"birth_date": "1980"}, "birth_date", dt.date(1980, 12, 31)),
        ("exposures", {"medicine": "azathioprine", "started_on": "2026-02"}, "started_on", dt.date(2026, 2, 1)),
        ("exposures", {"medicine": "azathioprine", "stopped_on": "2026-02"}, "stopped_on", dt.date(2026, 2, 28)),
        ("events", {"kind": "symptom", "code": "fever", "ended_on": "2024-02"}, "ended_on", dt.date(2024, 2, 29)),
        ("results", {"analyte": "wbc", "taken_on": "2026"}, "taken_on", dt.date(2026, 12, 31)),
        ("results", {"analyte": "wbc", "taken_on": "2026-02"}, "taken_on", dt.date(2026, 2, 1)),
    ],
)
def test_a_day_left_open_is_read_the_cautious_way(table: str, cells: dict[str, str], column: str, day: dt.date) -> None:
    record = added(table, **cells)
    assert rows(record, table, column) == [(day,)]
    assert [(item.kind, item.patient_id) for item in record.set_aside if item.kind != "no_patient"] == [
        ("partial_date", "p1")
    ]


@pytest.mark.parametrize(
    ("table", "cells", "row"),
    [
        ("patients", {"indication": "K50.9"}, {"indication": "K50.9"}),
        ("patients", {"indication": "Morbus something"}, {"indication": "Morbus something"}),
        ("exposures", {"medicine": "Imuran 50 mg"}, {"medicine": "azathioprine"}),
        ("exposures", {"medicine": "St. Elsewhere's tonic"}, {"medicine": "unknown:St. Elsewhere's tonic"}),
        ("exposures", {"medicine": ""}, {"medicine": "unknown:unnamed"}),
        ("results", {"analyte": "WCC"}, {"analyte": "wbc"}),
        ("results", {"analyte": "6690-2"}, {"analyte": "wbc"}),
        (
            "events",
            {"kind": "procedure", "code": "Blood transfusion"},
            {"kind": "transfusion", "code": "red_cell_transfusion"},
        ),
        ("events", {"kind": "condition", "code": ""}, {"kind": "condition", "code": "condition"}),
        (
            "genotypes",
            {"gene": "tpmt", "phenotype": "poor metaboliser"},
            {"gene": "TPMT", "phenotype": "Poor Metabolizer", "method": "genotype"},
        ),
        (
            "genotypes",
            {"gene": "NUDT15", "diplotype": "*1/*3"},
            {"diplotype": "*1/*3", "phenotype": "Intermediate Metabolizer"},
        ),
    ],
)
def test_words_become_the_knowledge_bases_or_stay(table: str, cells: dict[str, str], row: dict[str, str]) -> None:
    assert rows(added(table, **cells), table, *row) == [tuple(row.values())]


def test_a_genotype_and_a_phenotype_that_differ_are_both_kept() -> None:
    record = added("genotypes", gene="TPMT", diplotype="*1/*3A", phenotype="normal", reported_on="2026-01-01")
    assert rows(record, "genotypes", "phenotype") == [("Intermediate Metabolizer",), ("Normal Metabolizer",)]


def test_unknown_tests_and_events_are_counted_by_name() -> None:
    reader = RowReader(load())
    for number, name in enumerate(("selenium", "zinc", "selenium")):
        reader.add("results", {"patient_id": "p1", "analyte": name, "value": 1}, f"line {number}")
    for number in range(3):
        reader.add("events", {"patient_id": "p1", "kind": "condition", "code": "Ingrown nail"}, f"line {number}")
    counted = [(item.where, item.what) for item in reader.record().set_aside if item.patient_id is None]
    assert counted == [
        ("line 0 and 1 more", "result 'selenium'"),
        ("line 1", "result 'zinc'"),
        ("line 0 and 2 more", "condition 'Ingrown nail'"),
    ]


def test_what_may_hide_harm_comes_first() -> None:
    reader = RowReader(load())
    reader.add("patients", {"patient_id": "p1"}, "line 1")
    reader.add("results", {"patient_id": "p1", "analyte": "zinc"}, "line 2")
    reader.add("results", {"patient_id": "p1", "analyte": "wbc", "taken_on": "2026-02-30"}, "line 3")
    assert [item.where for item in reader.record().set_aside] == ["line 3", "line 2"]


def test_the_same_patient_twice_says_nothing_new_and_another_is_said() -> None:
    reader = RowReader(load())
    for where, born in (("line 2", "1980-01-01"), ("line 3", "1980-01-01"), ("line 4", "1981-01-01")):
        reader.add("patients", {"patient_id": "p1", "birth_date": born, "sex": "f"}, where)
    assert [(item.where, item.patient_id) for item in reader.record().set_aside] == [("line 4", "p1")]


def test_parquet_reads_as_csv_does(tmp_path: Path) -> None:
    """The example clinic, through Parquet with typed columns, gives the same rows."""
    by_csv = read(CLINIC, load())
    home = tmp_path / "parquet"
    home.mkdir()
    write_record(by_csv, home)
    by_parquet = read(home, load())
    assert by_parquet.rows == by_csv.rows


def test_parquet_cells_of_other_types(tmp_path: Path) -> None:
    when = dt.datetime(2026, 5, 1, 8, 30)  # noqa: DTZ001
    columns = {
        "patient_id": [7],
        "analyte": ["wbc"],
        "value": [Decimal("4.20")],
        "unit": ["10*9/L"],
        "taken_on": [when],
    }
    pq.write_table(
        pa.table({**columns, "status": pa.array(["final"]).dictionary_encode()}), tmp_path / "results.parquet"
    )
    home = folder(tmp_path)
    (home / "results.csv").unlink()
    record = read_folder(home, load())
    names = ("patient_id", "value", "taken_on", "status", "origin")
    assert rows(record, "results", *names) == [("7", 4.2, dt.date(2026, 5, 1), "final", "results.parquet row 1")]


def test_own_json_reads_as_the_folder_does() -> None:
    by_csv = read(CLINIC, load())
    document = {
        name: [
            {
                column.name: cell.isoformat() if isinstance(cell, dt.date) else cell
                for column, cell in zip(TABLES[name], row, strict=True)
            }
            for row in table
        ]
        for name, table in by_csv.rows.items()
    }
    by_json = read_own_json(json.loads(json.dumps(document)), "r.json", load())
    assert by_json.rows == by_csv.rows


def test_a_strange_column_of_own_json_is_said_and_not_used() -> None:
    record = read_own_json({"patients": [{"patient_id": "p1", "shoe_size": 40}]}, "r.json", load())
    assert [(item.where, item.what, item.kind) for item in record.set_aside] == [
        ("r.json $.patients[0]", "column 'shoe_size'", "unknown_column")
    ]


CELLS = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.floats(),
    st.integers(),
    st.booleans(),
    st.dates(),
    st.just([]),
    st.just({"a": 1}),
)


@settings(max_examples=rounds(200, 5000), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(TABLES)), st.data())
def test_any_cells_make_typed_rows_or_are_set_aside(table: str, data: st.DataObject) -> None:
    reader = RowReader(load())
    row = {column.name: data.draw(CELLS, label=column.name) for column in TABLES[table]}
    reader.add(table, {**row, "patient_id": "p1"}, "here")
    record = reader.record()
    arrow(record)  # every cell has its column's type
    assert record.rows[table] or record.set_aside


@pytest.mark.parametrize(
    ("test", "words", "patient"),
    [
        ("blood film", "blasts seen", "p1"),
        ("blood film", "no blasts seen", None),
        ("blood culture", "Staphylococcus aureus", "p1"),
        ("blood culture", "no growth after 48 hours", None),
        ("appearance", "clear", None),
    ],
)
def test_serious_words_of_an_unknown_test_are_the_patients(test: str, words: str, patient: str | None) -> None:
    [aside] = [item for item in added("results", analyte=test, text=words).set_aside if test in item.what]
    assert (aside.patient_id, aside.kind) == (patient, "unusable" if patient else "unknown_analyte")
