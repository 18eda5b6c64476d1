"""Loads rows into DuckDB, and reads and writes Parquet.

DuckDB handles Parquet itself and accepts NumPy arrays directly, so this needs neither pyarrow nor pandas
(docs/decisions/0011). Only Spark, which uses Arrow, needs pyarrow.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from azaward.errors import UserError
from azaward.parquet_zones import there, zones
from azaward.record.tables import TABLES, Type

# How the columns of the six tables are stored.
STORED: Mapping[Type, str] = {"string": "VARCHAR", "date": "DATE", "float": "DOUBLE"}
# DuckDB misreads decimals with more digits than this.
_DIGITS = 38
_TOO_MANY_DIGITS = "DECIMAL of"
_MOMENT = "TIMESTAMP WITH TIME ZONE"
_TOGETHER = 10_000
# Names of tables and columns in statements are this package's own, or quoted by `sql_text` and `sql_name` (S608).
_EPOCH = dt.date(1970, 1, 1).toordinal()


class ParquetError(UserError):
    """A file can't be read as Parquet. The message gives the reason and is printed after the file's name."""


def connect(**settings: str) -> Any:
    """An in-memory database."""
    import duckdb

    database: Any = duckdb.connect()
    for name, value in {"TimeZone": "UTC", "enable_progress_bar": "false", **settings}.items():
        database.execute(f"SET {name} = {sql_text(value)}")
    return database


def sql_text(words: str) -> str:
    """Text as an SQL string literal."""
    return "'" + words.replace("'", "''") + "'"


def sql_path(path: Path | str) -> str:
    """The literal path of one file: when reading, DuckDB would treat `*`, `?` and `[` as patterns.

    >>> sql_path("a[1]/x.parquet")
    "'a[[]1]/x.parquet'"
    """
    return sql_text(re.sub(r"[*?[]", r"[\g<0>]", str(path)))


def sql_name(words: str) -> str:
    """Text as an SQL column name."""
    return '"' + words.replace('"', '""') + '"'


def columns_of(table: str) -> dict[str, str]:
    """The columns of one of the six tables, with the types in which they are stored."""
    return {column.name: STORED[column.type] for column in TABLES[table]}


def fill(database: Any, table: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """Adds rows to a table whose columns are `types`, in that order. None and NaN become NULL.

    Raises `UnicodeEncodeError` for text with a lone surrogate, which would crash DuckDB.
    """
    if not rows:
        return
    cells = zip(zip(*rows, strict=True), types.values(), strict=True)
    arrays = {f"c{place}": _array(column, kind) for place, (column, kind) in enumerate(cells)}
    # Otherwise DuckDB guesses a column's type from a few of its cells, and fails if those are empty.
    database.execute("SET pandas_analyze_sample = 0")
    database.register("incoming_", arrays)
    try:
        database.execute(f"INSERT INTO {table} SELECT * FROM incoming_")  # noqa: S608
    finally:
        database.unregister("incoming_")


def _array(cells: Sequence[Any], kind: str) -> Any:
    """One column as an array for DuckDB: numbers and dates natively, the rest as objects read as text."""
    import numpy as np

    match kind:
        case "DOUBLE":
            return np.array(cells, np.float64)
        case "DATE":
            days = np.array([_EPOCH if day is None else day.toordinal() for day in cells], np.int64) - _EPOCH
            found = days.astype("datetime64[D]").astype("datetime64[us]")
            found[[day is None for day in cells]] = np.datetime64("NaT")
            return found
        case "INTEGER" | "BIGINT" if None not in cells:
            return np.array(cells, np.int64)
        case "VARCHAR":
            _encoded(cells)
        case _:
            pass
    found = np.empty(len(cells), object)
    found[:] = cells
    return found


def _encoded(cells: Sequence[str | None]) -> None:
    try:
        "".join(filter(None, cells)).encode()
    except UnicodeEncodeError:
        for cell in filter(None, cells):
            cell.encode()
        raise


def create(database: Any, table: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]] = ()) -> None:
    """A new table with its rows."""
    columns = ", ".join(f"{sql_name(name)} {kind}" for name, kind in types.items())
    database.execute(f"CREATE OR REPLACE TABLE {table} ({columns})")
    fill(database, table, types, rows)


def described(database: Any, path: Path) -> list[tuple[str, str]]:
    """The columns of a Parquet file in order, each with the type that DuckDB reads.

    A completely empty column without a type is "NULL". The type of a timestamp is followed by its time zone, if the
    file gives one. Raises `ParquetError` if the file isn't Parquet.
    """
    place = sql_path(path)
    with readable():
        # Names as they stand in the file: DuckDB calls a second column of a name, in any case, by another.
        tree = database.execute(
            f"SELECT name, num_children, logical_type, precision FROM parquet_schema({place})"  # noqa: S608
        )
        names = list(_outermost(tree.fetchall()))
        described = database.execute(f"DESCRIBE SELECT * FROM {reader([path])}").fetchall()  # noqa: S608
        zone = _zones(database, place) if any(row[1] == _MOMENT for row in described) else {}
    columns: list[tuple[str, str]] = []
    for (name, logical, precision), (_, kind, *_) in zip(names, described, strict=True):
        if logical == "NullType()":
            kind = "NULL"
        elif (precision or 0) > _DIGITS:
            kind = f"{_TOO_MANY_DIGITS} {precision} digits"
        elif kind == _MOMENT and name in zone:
            kind = f"{_MOMENT} {zone[name]}"
        columns.append((name, kind))
    return columns


def together(database: Any, paths: Sequence[Path]) -> list[tuple[str, str]]:
    """The common columns of files that differ in types, each with a type that fits all files."""
    with readable():
        rows = database.execute(f"DESCRIBE FROM {reader(paths, 'union_by_name = true')}").fetchall()
    return [(row[0], row[1]) for row in rows]


def _zones(database: Any, place: str) -> dict[str, str]:
    kept = f"SELECT value FROM parquet_kv_metadata({place}) WHERE key = 'ARROW:schema'"  # noqa: S608
    return {name: zone for (value,) in database.execute(kept).fetchall() for name, zone in zones(value).items()}


def as_stored(cell: str, kind: str) -> str:
    """SQL for a cell of a type from `described`: a timestamp in its own time zone if known, otherwise in UTC."""
    return there(cell, kind.removeprefix(_MOMENT).strip() or "UTC") if kind.startswith(_MOMENT) else cell


def inexact(kind: str) -> bool:
    """Whether numbers of this type would be read incorrectly."""
    return kind.startswith(_TOO_MANY_DIGITS)


def _outermost(tree: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, str | None, int | None]]:
    """The top-level columns, without the contents of lists and structures."""
    inside = 0
    for name, children, logical, precision in tree[1:]:
        if inside == 0:
            yield name, logical, precision
        else:
            inside -= 1
        inside += children or 0


def reader(paths: Sequence[Path | str], *options: str) -> str:
    """DuckDB's call to read files with the same columns, without columns derived from folder names."""
    files = ", ".join(map(sql_path, paths))
    return f"read_parquet([{files}], {', '.join(('hive_partitioning = false', *options))})"


def read(database: Any, path: Path, columns: Sequence[tuple[str, str]], only: Sequence[str]) -> Iterator[list[Any]]:
    """The rows of a file, with those of its `columns` (from `described`) that are named in `only`, in that order.

    Raises `ParquetError` if they can't be read.
    """
    kinds = {name: (place, kind) for place, (name, kind) in enumerate(columns)}
    cells = ", ".join(_fetched(*kinds[name]) for name in only)
    names = ", ".join(f"c{place}" for place in range(len(columns)))
    with readable():
        found = database.execute(f"SELECT {cells} FROM {reader([path])} AS r({names})")  # noqa: S608
        while rows := found.fetchmany(_TOGETHER):
            yield from rows


def _fetched(place: int, kind: str) -> str:
    """A cell converted to a type that Python supports without further libraries."""
    if kind.startswith(_MOMENT):
        return as_stored(f"c{place}", kind)
    return f"CAST(c{place} AS VARCHAR)" if "TIME ZONE" in kind else f"c{place}"


@contextmanager
def readable() -> Generator[None]:
    """DuckDB's error about an unreadable file, in one line and without any of the file's contents."""
    import duckdb

    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.OutOfMemoryException):
        raise  # of the question or the machine, not of the file
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        if "Invalid string encoding" in said:
            raise ParquetError("holds text that is not UTF-8. Save the file again as UTF-8.") from None
        raise ParquetError(f"not Parquet: {said.partition('Error: ')[2] or said}") from None


def write(database: Any, query: str, path: Path) -> None:
    """Writes the result of a query to a Parquet file, in order. Raises `OSError` if it can't be written."""
    import duckdb

    try:
        database.execute(f"COPY ({query}) TO {sql_text(str(path))} (FORMAT parquet, COMPRESSION zstd)")
    except duckdb.IOException as error:
        raise OSError(str(error).splitlines()[0].removeprefix("IO Error: ")) from None


def write_rows(database: Any, types: Mapping[str, str], rows: Sequence[Sequence[Any]], path: Path) -> None:
    """Writes rows to a Parquet file."""
    create(database, "written_", types, rows)
    write(database, "FROM written_", path)
    database.execute("DROP TABLE written_")


def join(parts: Sequence[Path], path: Path) -> None:
    """Joins files with the same columns in order, and renames the complete file atomically.

    The parts are kept, so that an interrupted join can be repeated.
    """
    waiting = path.with_name(f".{path.name}.new")
    if len(parts) == 1:
        shutil.copyfile(parts[0], waiting)
    else:
        # One after another: several threads would each hold rows back until those before them are written.
        with connect(threads="1") as database:
            write(database, f"FROM {reader(parts)}", waiting)
    os.replace(waiting, path)


class Growing:
    """Writes Parquet files in parts, using little memory; the files appear only when all of them are complete.

    Use it in a `with` block. After an error, no file appears.
    """

    def __init__(self, folder: Path, tables: Mapping[str, Mapping[str, str]]) -> None:
        """`tables`: the columns of each file `NAME.parquet`."""
        self._folder, self._tables = folder, tables
        self._parts: dict[str, list[Path]] = {name: [] for name in tables}
        self._database = connect()

    def __enter__(self) -> Growing:
        self._scratch = self._folder / f".parts.{os.getpid()}"
        self._scratch.mkdir(parents=True)
        return self

    def add(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        """Adds rows to one file."""
        part = self._scratch / f"{name}.{len(self._parts[name]):06d}.parquet"
        write_rows(self._database, self._tables[name], rows, part)
        self._parts[name].append(part)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                for name, parts in self._parts.items():
                    if not parts:
                        self.add(name, ())
                    join(parts, self._folder / f"{name}.parquet")
        finally:
            self._database.close()
            shutil.rmtree(self._scratch, ignore_errors=True)
