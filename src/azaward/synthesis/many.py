"""Writes any number of people who don't exist to Parquet, on all cores, in the order of their ids."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path

from azaward import parquet
from azaward.extras import need
from azaward.synthesis.clinic import synthesise
from azaward.synthesis.write import COLUMNS, rows_of

_TOGETHER = 10_000


def write_many(
    patients: int,
    seed: int,
    as_of: dt.date,
    results: int,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> None:
    """Writes `patients` people and `troubles.parquet` into `folder`; the files appear when all of them are whole."""
    # DuckDB is loaded by the workers, and here when they have gone: whoever runs threads should not fork.
    need("duckdb")
    scratch = folder / f".parts.{os.getpid()}"
    scratch.mkdir(parents=True)
    try:
        jobs = [(first, min(_TOGETHER, patients - first)) for first in range(0, patients, _TOGETHER)]
        done = 0
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            for count in _in_turn(pool, iter(jobs), seed, as_of, results, scratch):
                done += count
                progress(done, patients)
        for name in COLUMNS:
            parquet.join([_part(scratch, name, first) for first, _ in jobs], folder / f"{name}.parquet")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _in_turn(
    pool: ProcessPoolExecutor, jobs: Iterator[tuple[int, int]], seed: int, as_of: dt.date, results: int, scratch: Path
) -> Iterator[int]:
    """How many people each batch holds, in order; no more than two a core are waited for at a time."""
    waiting = [
        pool.submit(_make, *job, seed, as_of, results, scratch) for job in islice(jobs, 2 * (os.cpu_count() or 1))
    ]
    while waiting:
        yield waiting.pop(0).result()
        waiting += [pool.submit(_make, *job, seed, as_of, results, scratch) for job in islice(jobs, 1)]


def _part(scratch: Path, name: str, first: int) -> Path:
    return scratch / f"{name}.{first:09d}.parquet"


def _make(first: int, count: int, seed: int, as_of: dt.date, results: int, scratch: Path) -> int:
    """Writes one batch. Ids are as wide as any number needs, so that their order is that of the rows."""
    people = list(synthesise(count, seed, as_of, results, first, width=9))
    with parquet.connect(threads="1") as database:
        for name, rows in rows_of(people).items():
            parquet.write_rows(database, COLUMNS[name], rows, _part(scratch, name, first))
    return count


__all__ = ["write_many"]
