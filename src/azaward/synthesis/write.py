"""Writes synthetic people to a folder of the six tables, as CSV or as Parquet, a batch at a time."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from azaward.parquet import Growing, columns_of
from azaward.record.tables import TABLES, Cell, Record
from azaward.synthesis.person import Person, Planted, Rows

_WIDTHS = {name: [column.name for column in TABLES[name]].index("origin") + 1 for name in ("exposures", "results")}
PLANTED_COLUMNS = ("patient_id", "trouble", "rule", "code", "least_urgency", "planted")
BATCH = 2000
# The files that are written as Parquet, with their columns as they are stored.
COLUMNS: Mapping[str, Mapping[str, str]] = {
    **{name: columns_of(name) for name in TABLES},
    "troubles": dict.fromkeys(PLANTED_COLUMNS, "VARCHAR"),
}
# The columns of the CSV files: those after `origin` are about the records of others, and empty here.
_WRITTEN = {
    name: [column.name for column in columns if column.ruled][: _WIDTHS.get(name)] for name, columns in TABLES.items()
}


def write_csv(people: Iterable[Person], folder: Path) -> int:
    """Writes the six tables and troubles.csv; returns how many people there were."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as files:

        def writer(name: str, header: Iterable[str]) -> Callable[[Iterable[Iterable[Any]]], None]:
            file = files.enter_context((folder / f"{name}.csv").open("w", encoding="utf-8", newline=""))
            lines = csv.writer(file, lineterminator="\n")
            lines.writerow(header)
            return lines.writerows

        tables = {name: writer(name, columns) for name, columns in _WRITTEN.items()}
        troubles = writer("troubles", PLANTED_COLUMNS)
        count = 0
        for person in people:
            for name, write in tables.items():
                width = len(_WRITTEN[name])
                write([_cell(cell) for cell in row[:width]] for row in person.tables[name])
            troubles([(person.patient_id, *person.planted)])
            count += 1
        return count


def write_parquet(people: Iterable[Person], folder: Path) -> int:
    """The same as Parquet, for any number of people in little memory; the files appear when all of them are whole."""
    count = 0
    with Growing(folder, COLUMNS) as files:
        for batch in _batches(people):
            count += len(batch)
            for name, rows in rows_of(batch).items():
                files.add(name, rows)
    return count


def rows_of(people: Sequence[Person]) -> dict[str, Sequence[Sequence[Any]]]:
    """The rows of each file, by its name."""
    troubles = [(person.patient_id, *person.planted) for person in people]
    return {**record_of(people).rows, "troubles": troubles}


def record_of(people: Iterable[Person]) -> Record:
    """People as one record, ready to be assessed."""
    rows: dict[str, Rows] = {name: [] for name in TABLES}
    for person in people:
        for name, own in person.tables.items():
            rows[name] += own
    return Record(rows)


def _batches(people: Iterable[Person]) -> Iterator[list[Person]]:
    waiting = iter(people)
    while batch := list(islice(waiting, BATCH)):
        yield batch


def _cell(cell: Cell) -> Cell | str:
    """Whole numbers without a point, days as ISO, nothing as an empty cell."""
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return cell.isoformat() if isinstance(cell, dt.date) else cell


__all__ = ["BATCH", "PLANTED_COLUMNS", "Planted", "record_of", "write_csv", "write_parquet"]
