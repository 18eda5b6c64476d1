"""Finds the six tables of a folder as Parquet, whole or in parts, and proves them usable before any work is done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azaward import parquet
from azaward.errors import InputError
from azaward.readers.tables.folder import NEEDED
from azaward.record.tables import TABLES, Type

# What text may be stored as, in the names of DuckDB's types; "NULL" is a column that is empty throughout.
TEXT = ("VARCHAR", "JSON")
_WHOLE = tuple(sign + size for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT") for sign in ("", "U"))
_TIMES = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE")
# What a column may be stored as; words are read as the record's own reader reads them.
_READABLE: Mapping[Type, tuple[str, ...]] = {
    "string": (*TEXT, *_WHOLE, "NULL"),
    "date": ("DATE", *_TIMES, *TEXT, "NULL"),
    "float": ("DOUBLE", "FLOAT", "DECIMAL", *_WHOLE, *TEXT, "NULL"),
}
_MORE = re.compile(r"\(\d+,\d+\)$|(?<=ZONE) .+$")


@dataclass(frozen=True)
class Stored:
    """One table as it is stored: its files, or the address that Spark knows it by, and its columns as DuckDB's types.

    `alike`: all files have each column in the same type.
    """

    name: str
    files: tuple[Path | str, ...]
    columns: Mapping[str, str]
    alike: bool = True

    def fingerprint(self) -> list[tuple[str, int, int]]:
        """What changes when a file changes: its name, size and day of change."""
        states = ((path, path.stat()) for path in map(Path, self.files))
        return [(str(path), stat.st_size, stat.st_mtime_ns) for path, stat in states]


@dataclass(frozen=True)
class Source:
    """The tables of a folder. A table that is not there has no files."""

    folder: Path | str
    tables: Mapping[str, Stored]

    def there(self) -> list[Stored]:
        """The tables that the folder has."""
        return [stored for stored in self.tables.values() if stored.files]

    def fingerprint(self) -> list[tuple[str, int, int]]:
        """The fingerprints of all files."""
        return [each for stored in self.tables.values() for each in stored.fingerprint()]

    def missing(self) -> list[str]:
        """Tables that the folder doesn't have: nothing of them is known for anyone."""
        return [name for name in TABLES if not self.tables[name].files]

    def unknown_columns(self) -> list[tuple[str, str]]:
        """Columns that no table of a record has."""
        return [
            (Path(stored.files[0]).name, column)
            for name, stored in self.tables.items()
            for column in stored.columns
            if column not in {known.name for known in TABLES[name]}
        ]


def find(folder: Path) -> Source:
    """The tables in `folder`: NAME.parquet, or a folder NAME (or NAME.parquet) of Parquet files at any depth.

    `InputError` where a table or column is missing, a file isn't Parquet, or a column holds what can't be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder. Give the folder that holds patients.parquet and the other tables.")
    found = {name: _files(folder, name) for name in TABLES}
    if not any(found.values()):
        csv = " CSV is for `azaward assess`." if any((folder / f"{name}.csv").exists() for name in TABLES) else ""
        raise InputError(
            f"{folder}: no table in this folder. Expected {', '.join(f'{name}.parquet' for name in TABLES)}, or "
            f"folders of that name.{csv}"
        )
    if missing := [name for name in NEEDED if not found[name]]:
        raise InputError(
            f"{folder}: {missing[0]}.parquet is missing; without it nobody can be assessed. "
            "If there are no rows, give the file with its columns alone."
        )
    with parquet.connect() as database:
        return Source(folder, {name: _stored(database, name, files) for name, files in found.items()})


def _files(folder: Path, name: str) -> tuple[Path, ...]:
    for path in (folder / f"{name}.parquet", folder / name):
        if path.is_file():
            return (path,)
        if path.is_dir():
            inside = tuple(sorted(part for part in path.rglob("*.parquet") if not part.name.startswith((".", "_"))))
            if not inside:
                raise InputError(f"{path}: a folder without Parquet files.")
            return inside
    return ()


def check_columns(path: str, name: str, own: Mapping[str, str]) -> None:
    """Raises `InputError` where a column of a table is missing, or of a type that can't be read."""
    for column in TABLES[name]:
        if column.required and column.name not in own:
            raise InputError(
                f"{path}: column {column.name!r} is missing. Expected: "
                f"{', '.join(expected.name for expected in TABLES[name])}; found: {', '.join(own)}."
            )
        kind = own.get(column.name)
        if kind is not None and _MORE.sub("", kind) not in _READABLE[column.type]:
            expected = {"string": "text", "date": "a date", "float": "a number"}[column.type]
            raise InputError(f"{path}: column {column.name!r} is {kind}; expected {expected}. Convert the column.")


def _stored(database: Any, name: str, files: tuple[Path, ...]) -> Stored:
    columns: dict[str, str] = {}
    alike = True
    for path in files:
        try:
            described = parquet.described(database, path)
        except parquet.ParquetError as error:
            raise InputError(f"{path}: {error}") from None
        own = dict(described)
        # DuckDB tells no column from another by its capitals: it would read the first of them for both.
        names = [column.lower() for column, _ in described]
        if twice := next((column for column, _ in described if names.count(column.lower()) > 1), None):
            raise InputError(f"{path}: duplicate column {twice!r}. Keep one.")
        check_columns(str(path), name, own)
        if columns and (odd := set(columns) ^ set(own)):
            raise InputError(
                f"{path}: its columns differ from those of {files[0].name} in: {', '.join(sorted(odd))}. "
                "Write all parts of a table with the same columns."
            )
        alike = alike and columns in ({}, own)
        columns = columns or own
    if not alike:
        # What DuckDB reads parts as that say it differently: the wider type of each column.
        columns = dict(parquet.together(database, files))
        check_columns(f"{files[0].parent}", name, columns)
    return Stored(name, files, columns, alike)
