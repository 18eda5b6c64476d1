"""Spark gives what DuckDB gives, row for row: ordinary people, odd ones, and rows that have to be read closely."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from azaward.synthesis import record_of, synthesise
from tests.records import drawn
from tests.test_cohort import AS_OF, ODD, of_nation, written

pytest.importorskip("pyspark", reason="the extra `spark` is not installed")


def assessed_on_spark(folder: Path, out: Path) -> dict[str, Any]:
    """By the command line, in a process of its own as spark-submit would have it."""
    command = [sys.executable, "-m", "azaward.cli", "cohort", "assess", str(folder), "--out", str(out)]
    done = subprocess.run(
        [*command, "--as-of", AS_OF.isoformat(), "--engine", "spark"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def rows(path: Path) -> list[str]:
    """A result, in one order, numbers to nine digits: the last bits are the engine's own."""
    return sorted(
        repr([(name, f"{cell:.9g}" if isinstance(cell, float) else cell) for name, cell in sorted(row.items())])
        for row in ds.dataset(path).to_table().to_pylist()
    )


@pytest.mark.parametrize("people", ["ordinary and odd", "as stored in words"])
def test_spark_gives_what_duckdb_gives(people: str, tmp_path: Path) -> None:
    if people == "as stored in words":
        folder = tmp_path / "people"
        folder.mkdir()
        for name, table in ODD.items():
            pq.write_table(pa.Table.from_pylist(table), folder / f"{name}.parquet")
    else:
        record = record_of(synthesise(200, 5, AS_OF))
        for name, more in drawn(80).rows.items():
            record.rows[name].extend(more)
        folder = written(record, tmp_path / "people")
    summary = assessed_on_spark(folder, tmp_path / "spark.parquet")
    expected = of_nation(folder, tmp_path / "duckdb.parquet", share=1000)
    for kind in (".parquet", ".plans.parquet", ".next_tests.parquet", ".set_aside.parquet"):
        assert rows(tmp_path / f"spark{kind}") == rows(tmp_path / f"duckdb{kind}"), kind
    for name in ("patients", "findings", "by_rule", "by_urgency", "by_decision", "set_aside"):
        assert summary[name] == getattr(expected, name), name
