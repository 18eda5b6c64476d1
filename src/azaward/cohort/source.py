"""Finds the six tables of a folder as Parquet, whole or in parts, and proves them usable before any work is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from azaward.formats.folder import NEEDED
from azaward.formats.rows import InputError
from azaward.record.tables import TABLES, Type

# What a column may be stored as; words are read as the record's own reader reads them.
_READABLE: Mapping[Type, tuple[str, ...]] = {
    "string": ("string", "large_string", "string_view", "null", "dictionary", "int", "uint"),
    "date": ("date32", "date64", "timestamp", "string", "large_string", "string_view", "null", "dictionary"),
    "float": ("double", "float", "halffloat", "int", "uint", "decimal", "string", "large_string", "null", "dictionary"),
}


@dataclass(frozen=True)
class Stored:
    """One table as it is stored: its files, or the address that Spark knows it by, and its columns as Arrow types."""

    name: str
    files: tuple[Path | str, ...]
    columns: Mapping[str, str]
    rows: int

    def fingerprint(self) -> list[tuple[str, int, int]]:
        """What changes when a file changes: its name, size and day of change."""
        found = ((path, path.stat()) for path in map(Path, self.files))
        return [(str(path), stat.st_size, stat.st_mtime_ns) for path, stat in found]


@dataclass(frozen=True)
class Source:
    """The tables of a folder. A table that is not there has no files."""

    folder: Path | str
    tables: Mapping[str, Stored]

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
            if column not in {one.name for one in TABLES[name]}
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
    return Source(folder, {name: _stored(name, files) for name, files in found.items()})


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
                f"{', '.join(one.name for one in TABLES[name])}; found: {', '.join(own)}."
            )
        kind = own.get(column.name)
        if kind is not None and not kind.startswith(_READABLE[column.type]):
            expected = {"string": "text", "date": "a date", "float": "a number"}[column.type]
            raise InputError(f"{path}: column {column.name!r} is {kind}; expected {expected}. Convert the column.")


def _stored(name: str, files: tuple[Path, ...]) -> Stored:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, str] = {}
    rows = 0
    for path in files:
        try:
            with pq.ParquetFile(path) as file:
                schema, rows = file.schema_arrow, rows + file.metadata.num_rows
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path}: not Parquet: {str(error).splitlines()[0]}") from None
        own = {field.name: str(field.type) for field in schema}
        check_columns(str(path), name, own)
        if columns and (odd := set(columns) ^ set(own)):
            raise InputError(
                f"{path}: its columns differ from those of {files[0].name} in: {', '.join(sorted(odd))}. "
                "Write all parts of a table with the same columns."
            )
        columns = own
    return Stored(name, files, columns, rows)
