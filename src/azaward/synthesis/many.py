"""Writes any number of people who don't exist to Parquet, on all cores, in the order of their ids."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from azaward.synthesis.clinic import synthesise
from azaward.synthesis.write import PLANTED_COLUMNS, record_of

_TOGETHER = 10_000


def write_many(
    patients: int,
    seed: int,
    as_of: dt.date,
    results: int,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> None:
    """Writes `patients` people and `troubles.parquet` into `folder`, a row group for every ten thousand."""
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    jobs = ((first, min(_TOGETHER, patients - first)) for first in range(0, patients, _TOGETHER))
    done = 0
    with ExitStack() as files, ProcessPoolExecutor(os.cpu_count()) as pool:
        writers: dict[str, Any] = {}
        for count, tables in _in_turn(pool, jobs, seed, as_of, results):
            for name, table in tables.items():
                if name not in writers:
                    path = folder / f"{name}.parquet"
                    writers[name] = files.enter_context(pq.ParquetWriter(path, table.schema, compression="zstd"))
                writers[name].write_table(table)
            done += count
            progress(done, patients)


def _in_turn(
    pool: ProcessPoolExecutor, jobs: Iterator[tuple[int, int]], seed: int, as_of: dt.date, results: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The batches in order, no more than two a core made ahead of what is written."""
    waiting = [pool.submit(_made, *job, seed, as_of, results) for job in islice(jobs, 2 * (os.cpu_count() or 1))]
    while waiting:
        yield waiting.pop(0).result()
        waiting += [pool.submit(_made, *job, seed, as_of, results) for job in islice(jobs, 1)]


def _made(first: int, count: int, seed: int, as_of: dt.date, results: int) -> tuple[int, dict[str, Any]]:
    """One batch as Arrow tables. Ids are as wide as any number needs, so that their order is that of the rows."""
    import pyarrow as pa

    people = list(synthesise(count, seed, as_of, results, first, width=9))
    tables = record_of(people).arrow()
    troubles = [(person.patient_id, *person.planted) for person in people]
    columns: list[Any] = [pa.array(cells, pa.string()) for cells in zip(*troubles, strict=True)]
    tables["troubles"] = pa.table(columns, names=list(PLANTED_COLUMNS))
    return count, tables


__all__ = ["write_many"]
