"""Reads a folder of the six tables as CSV or Parquet, and azaward's own JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from azaward import parquet
from azaward.errors import InputError
from azaward.knowledge import Knowledge
from azaward.readers.rows import RowReader
from azaward.record.tables import TABLES, Record

# Cells in which a writer may have begun a new line.
_PROSE = ("text", "note", "frequency")
NEEDED = ("patients", "exposures", "results")


def read_folder(folder: Path, knowledge: Knowledge) -> Record:
    """The record in a folder of tables: `patients.csv` or `patients.parquet`, and so on."""
    found = {name: folder / file for name in TABLES for file in _files(name) if (folder / file).exists()}
    if parts := [path for path in found.values() if not path.is_file()]:
        if parts[0].is_dir():
            raise InputError(f"{parts[0]}: a folder. Expected one file: only `azaward cohort` reads tables in parts.")
        raise InputError(f"{parts[0]}: not a regular file. Expected CSV or Parquet.")
    if not found:
        raise InputError(
            f"{folder}: contains no tables. Expected {', '.join(f'{name}.csv' for name in TABLES)} or .parquet."
        )
    if missing := [name for name in NEEDED if name not in found]:
        near = [each.name for each in folder.iterdir() if each.name.casefold() in _files(missing[0])]
        raise InputError(
            f"{folder}: {missing[0]}.csv (or .parquet) is missing, so no patients can be assessed. "
            + (f"Rename {near[0]}." if near else "If it has no rows, supply a file with only the header line.")
        )
    reader = RowReader(knowledge)
    for name in TABLES:
        if name not in found:
            reader.aside(str(folder), f"{name}.csv", "missing: its data are unknown for everyone", kind="missing_table")
            continue
        path = found[name]
        rows = _csv(path, name, reader) if path.suffix == ".csv" else _parquet(path, name, reader)
        for where, row in rows:
            reader.add(name, row, where)
    return reader.record()


def _files(table: str) -> tuple[str, str]:
    return f"{table}.csv", f"{table}.parquet"


def read_own_json(document: Mapping[str, Any], file: str, knowledge: Knowledge) -> Record:
    """azaward's own JSON: the six tables as lists of rows."""
    reader = RowReader(knowledge)
    if odd := [key for key in document if key not in TABLES]:
        raise InputError(f"{file}: unknown table {odd[0]!r}. Expected: {', '.join(TABLES)}.")
    for name, columns in TABLES.items():
        rows: Any = document.get(name, [])
        if not isinstance(rows, list):
            raise InputError(f"{file} $.{name}: expected a list of rows, found {type(rows).__name__}.")
        names = {column.name for column in columns}
        for place, row in enumerate(cast(list[Any], rows)):
            where = f"{file} $.{name}[{place}]"
            if not isinstance(row, dict):
                reader.aside(where, str(row)[:60], "expected a row as {column: value}")
                continue
            cells = cast(dict[str, Any], row)
            if odd := [key for key in cells if key not in names]:
                reader.aside(where, f"column {odd[0]!r}", "unknown column: not used", kind="unknown_column")
            reader.add(name, cells, where)
    return reader.record()


def decode(content: bytes, file: str) -> str:
    """Decodes UTF-8; an error names the line that isn't UTF-8."""
    if not content.strip():
        raise InputError(f"{file}: the file is empty.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{file} line {line}: byte 0x{content[error.start]:02x} is not UTF-8. Save the file as UTF-8."
        ) from None


def _csv(path: Path, table: str, reader: RowReader) -> Iterator[tuple[str, Mapping[str, Any]]]:
    text = decode(_bytes(path), path.name)
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(lines)]
        _check_header(path.name + " line 1", table, header, reader)
        for cells in lines:
            where = f"{path.name} line {lines.line_num}"
            if not cells:
                continue
            if len(cells) != len(header):
                # The cells may be shifted by one, so none of them can be trusted.
                reader.aside(
                    where,
                    f"{len(cells)} cells",
                    f"expected {len(header)}, as in the header. Put quotes around cells that contain a comma.",
                    _sure_patient(table, header, cells),
                )
                continue
            row = dict(zip(header, cells, strict=True))
            if broken := [name for name, cell in row.items() if "\n" in cell and name not in _PROSE]:
                # A stray quotation mark takes in the rows up to the next one, which may be another patient's.
                reader.aside(
                    where,
                    f"a line break inside {broken[0]!r}",
                    "rows may have run together. Look for a stray quotation mark above, and export the file again.",
                    _sure_patient(table, header, cells),
                )
                continue
            yield where, row
    except csv.Error as error:
        raise InputError(f"{path.name} line {lines.line_num}: invalid CSV: {error}. Export the file again.") from None


def _sure_patient(table: str, header: list[str], cells: list[str]) -> str | None:
    """The patient of a malformed row, if the id is its first cell."""
    return cells[0] if header[0] == "patient_id" and cells else None


def _parquet(path: Path, table: str, reader: RowReader) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        with parquet.connect() as database:
            columns = parquet.described(database, path)
            _check_header(path.name, table, [name for name, _ in columns], reader)
            known = {column.name for column in TABLES[table]}
            used = [name for name, _ in columns if name in known]
            for name, kind in columns:
                if name in known and parquet.inexact(kind):
                    raise InputError(f"{path.name}: column {name!r} is a {kind}; expected fewer. Convert the column.")
            for place, cells in enumerate(parquet.read(database, path, columns, used)):
                row = dict(zip(used, cells, strict=True))
                # A converted row names its place in the original file.
                yield str(row.get("origin") or f"{path.name} row {place + 1}"), row
    except parquet.ParquetError as error:
        raise InputError(f"{path.name}: {error}") from None


def _check_header(where: str, table: str, header: list[str], reader: RowReader) -> None:
    names = [column.name for column in TABLES[table]]
    for column in TABLES[table]:
        if column.required and column.name not in header:
            raise InputError(
                f"{where}: column {column.name!r} is missing. Expected: {', '.join(names)}; found: {', '.join(header)}."
            )
    if twice := [name for name in header if header.count(name) > 1]:
        raise InputError(f"{where}: duplicate column {twice[0]!r}. Keep one.")
    for name in header:
        if name not in names:
            reader.aside(where, f"column {name!r}", "unknown column: not used", kind="unknown_column")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}.") from None
