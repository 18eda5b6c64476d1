"""Finds the tables of an OMOP CDM 5.4 folder, as Parquet or CSV, and proves them usable before any work is done.

Each table that azaward reads becomes a view `cdm_NAME` in DuckDB with the columns of `COLUMNS`, typed; a column that
the folder doesn't have is empty there. The names are those of the CDM, in any case.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from azaward import parquet
from azaward.errors import InputError
from azaward.parquet import sql_path, sql_text


class Field(NamedTuple):
    """A column of the CDM: what it is read as, and whether a table without it can't be used."""

    kind: str
    required: bool = False


_ID, _WORDS, _CONCEPT, _NUMBER = Field("id"), Field("words"), Field("concept"), Field("number")
# `past`: a day that may lie as long ago as anybody alive was born.
_DATE, _PAST = Field("date"), Field("past")


def _needed(field: Field) -> Field:
    return field._replace(required=True)


COLUMNS: Mapping[str, Mapping[str, Field]] = {
    "person": {
        "person_id": _needed(_ID),
        "gender_concept_id": _needed(_CONCEPT),
        "year_of_birth": _needed(_NUMBER),
        "month_of_birth": _NUMBER,
        "day_of_birth": _NUMBER,
        "birth_datetime": _PAST,
        "gender_source_value": _WORDS,
    },
    "drug_exposure": {
        "drug_exposure_id": _needed(_ID),
        "person_id": _needed(_ID),
        "drug_concept_id": _needed(_CONCEPT),
        "drug_exposure_start_date": _needed(_DATE),
        "drug_exposure_end_date": _needed(_DATE),
        "verbatim_end_date": _DATE,
        "stop_reason": _WORDS,
        "quantity": _NUMBER,
        "days_supply": _NUMBER,
        "refills": _NUMBER,
        "sig": _WORDS,
        "drug_source_value": _WORDS,
        "drug_source_concept_id": _CONCEPT,
    },
    "measurement": {
        "measurement_id": _needed(_ID),
        "person_id": _needed(_ID),
        "measurement_concept_id": _needed(_CONCEPT),
        "measurement_date": _needed(_DATE),
        "operator_concept_id": _CONCEPT,
        "value_as_number": _needed(_NUMBER),
        "value_as_concept_id": _CONCEPT,
        "unit_concept_id": _needed(_CONCEPT),
        "range_low": _NUMBER,
        "range_high": _NUMBER,
        "measurement_source_value": _WORDS,
        "measurement_source_concept_id": _CONCEPT,
        "unit_source_value": _WORDS,
        "unit_source_concept_id": _CONCEPT,
        "value_source_value": _WORDS,
    },
    "condition_occurrence": {
        "condition_occurrence_id": _needed(_ID),
        "person_id": _needed(_ID),
        "condition_concept_id": _needed(_CONCEPT),
        "condition_start_date": _needed(_PAST),
        "condition_end_date": _PAST,
        "condition_source_value": _WORDS,
        "condition_source_concept_id": _CONCEPT,
    },
    "observation": {
        "observation_id": _needed(_ID),
        "person_id": _needed(_ID),
        "observation_concept_id": _needed(_CONCEPT),
        "observation_date": _needed(_PAST),
        "value_as_number": _NUMBER,
        "value_as_string": _WORDS,
        "value_as_concept_id": _CONCEPT,
        "unit_concept_id": _CONCEPT,
        "observation_source_value": _WORDS,
        "observation_source_concept_id": _CONCEPT,
        "unit_source_value": _WORDS,
        "unit_source_concept_id": _CONCEPT,
        "value_source_value": _WORDS,
    },
    "procedure_occurrence": {
        "procedure_occurrence_id": _needed(_ID),
        "person_id": _needed(_ID),
        "procedure_concept_id": _needed(_CONCEPT),
        "procedure_date": _needed(_PAST),
        "procedure_source_value": _WORDS,
        "procedure_source_concept_id": _CONCEPT,
    },
    "observation_period": {
        "person_id": _needed(_ID),
        "observation_period_start_date": _needed(_PAST),
        "observation_period_end_date": _needed(_DATE),
    },
    "death": {"person_id": _needed(_ID), "death_date": _needed(_DATE)},
    "concept": {
        "concept_id": _needed(_CONCEPT),
        "concept_name": _needed(_WORDS),
        "vocabulary_id": _needed(_WORDS),
        "concept_code": _needed(_WORDS),
        "concept_class_id": _WORDS,
    },
    "concept_ancestor": {
        "ancestor_concept_id": _needed(_CONCEPT),
        "descendant_concept_id": _needed(_CONCEPT),
        "min_levels_of_separation": _needed(_NUMBER),
    },
    "drug_strength": {
        "drug_concept_id": _needed(_CONCEPT),
        "ingredient_concept_id": _needed(_CONCEPT),
        "amount_value": _needed(_NUMBER),
        "amount_unit_concept_id": _needed(_CONCEPT),
        "box_size": _NUMBER,
        "invalid_reason": _WORDS,
    },
}
NEEDED = ("person", "drug_exposure", "measurement")
# What each of the others is for, where it is not there.
WITHOUT: Mapping[str, str] = {
    "condition_occurrence": "no indication, illness, pregnancy or infection is known for anyone",
    "observation": "nothing of it is known for anyone",
    "procedure_occurrence": "nothing of it is known for anyone",
    "observation_period": "what was recorded outside the time that a person was followed is not told apart",
    "death": "whoever died counts as alive",
    "concept": "only the concept ids of omop_concepts.csv and the source's own words are understood",
    "concept_ancestor": "products and diagnoses are understood by their own code or name only",
    "drug_strength": "no dose is known",
}
# Why the CDM's other tables are not read; of any table without a reason here, only its name is known.
NOT_READ: Mapping[str, str] = {
    "visit_occurrence": "a visit says nothing of a result or a medicine, and a CDM holds no missed ones",
    "visit_detail": "a visit says nothing of a result or a medicine, and a CDM holds no missed ones",
    "note": "words that only a person can read",
    "note_nlp": "what a machine took from words that only a person can read",
    "specimen": "the CDM doesn't link a specimen to its results: the concept of a test says what it was made on",
    "device_exposure": "azaward acts on no device",
    "drug_era": "made from drug_exposure, which is read",
    "dose_era": "made from drug_exposure, which is read",
    "condition_era": "made from condition_occurrence, which is read",
}
_WHOLE = re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?")
_SUFFIX = re.compile(r"[.](?:parquet|csv|csv[.]gz)$")
# Tables about no person, and those of the vocabularies that nothing here needs.
_ABOUT_NOBODY = frozenset(
    (
        *("care_site", "cdm_source", "cohort", "cohort_definition", "cost", "episode_event", "fact_relationship"),
        *("location", "metadata", "payer_plan_period", "provider", "attribute_definition", "vocabulary", "domain"),
        *("concept_class", "concept_relationship", "concept_synonym", "concept_metadata", "concept_numeric"),
        *("pack_content", "relationship", "source_to_concept_map"),
    )
)


@dataclass(frozen=True)
class CdmTable:
    """One table as it is stored: its files, and its columns by the CDM's name, as they are written there.

    `names` are all columns in their order; `kinds` the types that Parquet gives them, where all parts agree.
    """

    name: str
    files: tuple[Path, ...]
    columns: Mapping[str, str]
    names: tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict[str, str])
    tabs: bool = False

    def reader(self) -> str:
        """DuckDB's call that reads it; every cell of a CSV as text."""
        files = ", ".join(sql_path(path) for path in self.files)
        if self.files[0].suffix == ".parquet":
            return parquet.reader(self.files)
        # The vocabularies' download is separated by tabs and quotes nothing.
        quoting = "delim = '\t', quote = '', escape = ''" if self.tabs else "delim = ',', quote = '\"', escape = '\"'"
        columns = ", ".join(f"{sql_text(name)}: 'VARCHAR'" for name in self.names)
        return f"read_csv([{files}], columns = {{{columns}}}, auto_detect = false, header = true, {quoting})"


def find_cdm(folder: Path) -> dict[str, CdmTable]:
    """The tables of `folder` that azaward reads: NAME.parquet, NAME.csv (.gz), or a folder NAME of Parquet parts.

    `InputError` in one line where a table or column that is needed is not there, or a file can't be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder. Give the folder that holds person, drug_exposure and measurement.")
    inside = {path.name.casefold(): path for path in sorted(folder.iterdir())}
    tables: dict[str, CdmTable] = {}
    for name in COLUMNS:
        if files := _files(inside, name):
            tables[name] = _table(name, files)
    for name in NEEDED:
        if name not in tables:
            raise InputError(
                f"{folder}: table {name} is missing. OMOP CDM 5.4 expects {name}.parquet or {name}.csv (or a folder "
                f"{name} of Parquet parts) beside {', '.join(other for other in NEEDED if other != name)}."
            )
    return tables


def others(folder: Path) -> dict[str, CdmTable | None]:
    """What else in `folder` may be about somebody: tables that azaward doesn't read, None where one won't open.

    A file of a table that is read from another file is named as it is.
    """
    found: dict[str, CdmTable | None] = {}
    inside = {path.name.casefold(): path for path in sorted(folder.iterdir())}
    for file, path in inside.items():
        name = _SUFFIX.sub("", file)
        if (stem := file.partition(".")[0]) in COLUMNS:
            if path != _place(inside, stem):
                found[file] = None
            continue
        if (name == file and not path.is_dir()) or name.startswith((".", "_")) or name in _ABOUT_NOBODY:
            continue
        try:
            found[name] = _opened(name, _files(inside, name))
        except InputError:
            found[name] = None
    return found


def _place(inside: Mapping[str, Path], name: str) -> Path | None:
    """Where a table is read from, if it is there."""
    candidates = (f"{name}.parquet", name, f"{name}.csv", f"{name}.csv.gz")
    return next((path for path in map(inside.get, candidates) if path is not None), None)


def _files(inside: Mapping[str, Path], name: str) -> tuple[Path, ...]:
    path = _place(inside, name)
    if path is None or path.is_file():
        return (path,) if path else ()
    if parts := tuple(sorted(part for part in path.rglob("*.parquet") if not part.name.startswith((".", "_")))):
        return parts
    raise InputError(f"{path}: a folder without Parquet files.")


def _opened(name: str, files: tuple[Path, ...]) -> CdmTable:
    """A table with the columns that it has, by their names in small letters."""
    if files[0].suffix == ".parquet":
        columns = _parquet_columns(files)
        kinds, tabs = {column.casefold(): kind for column, kind in columns}, False
        names = [column for column, _ in columns]
    else:
        header = _header(files[0])
        kinds, tabs = {}, "\t" in header
        names = [cell.strip().strip('"') for cell in header.split("\t" if tabs else ",")]
    return CdmTable(name, files, {column.casefold(): column for column in names}, tuple(names), kinds, tabs)


def _table(name: str, files: tuple[Path, ...]) -> CdmTable:
    """A table with every column that azaward needs of it."""
    table = _opened(name, files)
    for column, wanted in COLUMNS[name].items():
        if wanted.required and column not in table.columns:
            raise InputError(
                f"{files[0]}: column {column!r} is missing. OMOP CDM 5.4 gives {name} the columns "
                f"{', '.join(column for column, about in COLUMNS[name].items() if about.required)}; "
                f"found: {', '.join(table.names)}."
            )
    folded = [column.casefold() for column in table.names]
    if twice := [column for column in table.names if folded.count(column.casefold()) > 1]:
        raise InputError(f"{files[0]}: duplicate column {twice[0]!r}. Keep one.")
    return table


def _header(path: Path) -> str:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            line = file.readline().decode("utf-8-sig").rstrip("\r\n")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or 'not a whole .gz file'}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} line 1: not UTF-8. Save the file as UTF-8.") from None
    if not line.strip():
        raise InputError(f"{path}: the file is empty. Give its header line at least.")
    return line


def _parquet_columns(files: tuple[Path, ...]) -> list[tuple[str, str]]:
    """The columns of all files, each with its type; none where the files differ in it."""
    first: list[tuple[str, str]] = []
    with parquet.connect() as database:
        for path in files:
            try:
                columns = parquet.described(database, path)
            except parquet.ParquetError as error:
                raise InputError(f"{path}: {error}") from None
            for name, kind in columns:
                if parquet.inexact(kind):
                    raise InputError(f"{path}: column {name!r} is a {kind}; expected fewer. Convert the column.")
            if first and {name for name, _ in first} != {name for name, _ in columns}:
                raise InputError(f"{path}: its columns differ from those of {files[0].name}. Write all parts alike.")
            first = [(name, kind if (name, kind) in columns else "") for name, kind in first or columns]
    return first


class Earliest(NamedTuple):
    """The first year that a date can be of: any date, and one of a birth or of what happened since."""

    date: int
    past: int


def see(database: Any, tables: Mapping[str, CdmTable], earliest: Earliest) -> None:
    """Makes the views `cdm_NAME`; a table that is not there is an empty one.

    Beside a date `d` and a number `n` stand `d_raw` and `n_raw`, the text that was there. A date before `earliest` or
    beyond the year 9999 is none.
    """
    for name, fields in COLUMNS.items():
        table = tables.get(name)
        cells: list[str] = []
        for column, about in fields.items():
            cell = f'"{table.columns[column]}"' if table and column in table.columns else "NULL"
            stored = table.kinds.get(column, "") if table else ""
            cells.append(f"{_typed(cell, about.kind, stored, earliest)} AS {column}")
            if about.kind in ("date", "past", "number"):
                cells.append(f"CAST({cell} AS VARCHAR) AS {column}_raw")
        where = f"FROM {table.reader()}" if table else "WHERE false"
        database.execute(f"CREATE VIEW cdm_{name} AS SELECT {', '.join(cells)} {where}")


def unreadable(folder: Path, error: Exception) -> InputError:
    """What DuckDB could not read, in one line: which file, where in it, why; never what stood in the row."""
    text = str(error)
    file, line = re.search(r"file = (.+)", text), re.search(r"Error on Line: (\d+)", text)
    why = re.search(r"Expected Number of Columns: .+|Invalid unicode|.*quote.*", text)
    if file is None:
        return InputError(f"{folder}: a table can't be read: {text.splitlines()[0][:200]}")
    place = f"{file[1].strip()}{f' line {line[1]}' if line else ''}"
    said = why[0].strip().rstrip(".") if why else "not CSV"
    said = said.replace("Invalid unicode", "not UTF-8")
    return InputError(f"{place}: can't be read: {said}. Write it anew as UTF-8; quote cells that hold a comma.")


def _typed(cell: str, kind: str, stored: str, earliest: Earliest) -> str:
    """A cell in the type that a column is read as; what is `stored` in that type needs no proof."""
    text = f"nullif(trim(CAST({cell} AS VARCHAR)), '')"
    match kind:
        case "id" if _WHOLE.fullmatch(stored):
            return f"CAST({cell} AS VARCHAR)"
        case "id":  # the number 7 in one table may be 7.0 in another
            whole = f"regexp_replace({text}, '^([0-9]+)[.]0$', '\\1')"
            return f"CASE WHEN ends_with({text}, '.0') THEN {whole} ELSE {text} END"
        case "words":
            return text
        case "concept":  # 0 is the CDM's "no matching concept"
            return f"nullif(TRY_CAST({cell} AS BIGINT), 0)"
        case "date" | "past":
            year = earliest.date if kind == "date" else earliest.past
            day = cell if stored == "DATE" else f"TRY_CAST(TRY_CAST({cell} AS TIMESTAMP) AS DATE)"
            return f"CASE WHEN {day} BETWEEN DATE '{year}-01-01' AND DATE '9999-12-31' THEN {day} END"
        case _:
            return f"TRY_CAST({cell} AS DOUBLE)"
