"""Reads a list of medicines from a text file with one per line, a column of a CSV, or one patient's record."""

from __future__ import annotations

import csv
import sys
from contextlib import nullcontext
from pathlib import Path

from azaward.errors import InputError
from azaward.knowledge import Knowledge
from azaward.record.names import as_written

MOST = 10_000
_MOST_BYTES = 4 << 20
_COLUMNS = ("medicine", "medication", "name", "drug")


def read_list(path: Path, knowledge: Knowledge) -> list[str]:
    """The names in a file, in order; `-` is standard input. `InputError` gives the file, the line and the remedy."""
    if path.is_dir() or path.suffix in (".json", ".ndjson"):
        return _of_record(path, knowledge)
    try:
        with nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. Expected a list with one medicine per line.") from None
    if len(raw) > _MOST_BYTES:
        raise InputError(f"{path}: more than {_MOST_BYTES >> 20} MiB. Expected a list with one medicine per line.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: byte {error.start} is not UTF-8 text. Save the list as UTF-8, with one medicine per line."
        ) from None
    lines = [line.strip() for line in text.splitlines()]
    header = [cell.strip().casefold() for cell in lines[0].split(",")] if lines else []
    column = next((name for name in _COLUMNS if name in header), None)
    if column is not None:
        place = header.index(column)
        lines = [row[place] for row in csv.reader(lines[1:]) if len(row) > place]
    found = [line for line in lines if line.strip() and not line.startswith("#")]
    if not found:
        raise InputError(f"{path}: contains no medicines. Expected one per line, such as: allopurinol 100 mg")
    if len(found) > MOST:
        raise InputError(f"{path}: contains {len(found)} names; the limit is {MOST}. Split the list.")
    return found


def _of_record(path: Path, knowledge: Knowledge) -> list[str]:
    """The current and planned medicines in one patient's record."""
    from azaward.readers.read import read

    record = read(path, knowledge)
    people = record.patient_ids()
    if len(people) != 1:
        raise InputError(f"{path}: {len(people)} patients; expected one. For several, use: azaward assess {path}")
    from azaward.record.tables import TABLES

    names = [column.name for column in TABLES["exposures"]]
    medicine, stopped = names.index("medicine"), names.index("stopped_on")
    rows = record.rows["exposures"]
    found = [as_written(str(row[medicine])).replace("_", " ") for row in rows if row[stopped] is None]
    if not found:
        raise InputError(f"{path}: contains no current or planned medicines. Check that this is the right record.")
    return list(dict.fromkeys(found))
