"""Spark gives what DuckDB gives, row for row: ordinary people, odd ones, and rows that have to be read closely."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from azaward.synthesis import record_of, synthesise
from tests.cohort.test_assess import AS_OF, ODD, of_nation, written
from tests.records import drawn

pytest.importorskip("pyspark", reason="the extra `spark` is not installed")

# Commands one after another, in a process of their own as spark-submit would have it: Java begins once for all.
PROGRAM = """
import json, sys
from azaward.cli import app
for words in json.loads(sys.argv[1]):
    app(words, standalone_mode=False)
"""
# Java's second compiler makes code for a long run: here it would cost more than it saves. Without it Java keeps 48 MB
# for what it compiles, which these queries fill. Large pages, where there are none, make Java warn: its warnings must
# stay out of what the commands print.
JAVA = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC -XX:+UseLargePages"


def assessed_on_spark(*jobs: tuple[Path, Path]) -> list[dict[str, Any]]:
    """The summary of each folder, by the command line."""
    commands = [
        ["cohort", "assess", str(folder), "--out", str(out), "--as-of", AS_OF.isoformat(), "--engine", "spark"]
        for folder, out in jobs
    ]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(commands)],
        env={**os.environ, "PYSPARK_SUBMIT_ARGS": f'--driver-java-options "{JAVA}" pyspark-shell'},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def rows(path: Path) -> list[str]:
    """A result, in one order, numbers to nine digits: the last bits are the engine's own."""
    return sorted(
        repr([(name, f"{cell:.9g}" if isinstance(cell, float) else cell) for name, cell in sorted(row.items())])
        for row in ds.dataset(path).to_table().to_pylist()
    )


def as_stored_in_words(folder: Path) -> Path:
    folder.mkdir()
    for name, table in ODD.items():
        pq.write_table(pa.Table.from_pylist(table), folder / f"{name}.parquet")
    return folder


def ordinary_and_odd(folder: Path) -> Path:
    record = record_of(synthesise(200, 5, AS_OF))
    for name, more in drawn(80).rows.items():
        record.rows[name].extend(more)
    return written(record, folder)


PEOPLE = {"ordinary and odd": ordinary_and_odd, "as stored in words": as_stored_in_words}


@pytest.fixture(scope="module")
def on_spark(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path, dict[str, Any]]]:
    """Of each kind of people: where they are, where Spark's answer is, and its summary."""
    place = tmp_path_factory.mktemp("spark")
    jobs = [(make(place / f"people-{n}"), place / f"found-{n}.parquet") for n, make in enumerate(PEOPLE.values())]
    summaries = assessed_on_spark(*jobs)
    return {name: (*job, summary) for name, job, summary in zip(PEOPLE, jobs, summaries, strict=True)}


@pytest.mark.parametrize("people", PEOPLE)
def test_spark_gives_what_duckdb_gives(
    people: str, on_spark: dict[str, tuple[Path, Path, dict[str, Any]]], tmp_path: Path
) -> None:
    folder, out, summary = on_spark[people]
    expected = of_nation(folder, tmp_path / "duckdb.parquet", share=1000)
    for kind in (".parquet", ".plans.parquet", ".next_tests.parquet", ".set_aside.parquet"):
        assert rows(out.with_suffix(kind)) == rows(tmp_path / f"duckdb{kind}"), kind
    for name in ("patients", "findings", "by_rule", "by_urgency", "by_decision", "set_aside"):
        assert summary[name] == getattr(expected, name), name
