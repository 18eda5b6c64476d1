"""A record's six tables as pyarrow has them, which the tests write and change; azaward itself needs none of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from azaward.record.tables import TABLES, Record

_TYPES = {"string": pa.string(), "date": pa.date32(), "float": pa.float64()}


def arrow(record: Record) -> dict[str, Any]:
    """The six tables, dates as date32, numbers as float64; it fails where a cell hasn't its column's type."""
    tables: dict[str, Any] = {}
    for name, columns in TABLES.items():
        by_column = list(zip(*record.rows[name], strict=True)) or [()] * len(columns)
        tables[name] = pa.table(
            [pa.array(cells, _TYPES[column.type]) for cells, column in zip(by_column, columns, strict=True)],
            names=[column.name for column in columns],
        )
    return tables


def write_record(record: Record, folder: Path) -> None:
    """The six tables as Parquet files."""
    for name, table in arrow(record).items():
        pq.write_table(table, folder / f"{name}.parquet")
