"""Brings a nation's rows into the words of the knowledge base by the same reader as one patient's record.

Most rows are plain: their cells are what they should be, and the words in them occur a million times. Each
combination of words is read once by `readers.rows.RowReader`, and the rows that hold it are joined to what came
of it. A row that isn't plain goes through that reader itself, with its file and place. `cohort.nation` runs the SQL on
DuckDB, `cohort.spark` has it translated.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from azaward.cohort.source import TEXT, Stored
from azaward.knowledge import Knowledge
from azaward.parquet import STORED
from azaward.readers.rows import RowReader
from azaward.record.tables import TABLES, Column, SetAside

# The columns whose words decide how a row is read.
WORDS: Mapping[str, tuple[str, ...]] = {
    "patients": ("sex", "indication"),
    "exposures": ("medicine", "may_be"),
    "results": ("analyte", "unit", "comparator", "status", "specimen", "flag", "doubt"),
    "genotypes": ("gene", "diplotype", "phenotype", "method"),
    "events": ("kind", "code"),
    "contacts": ("kind",),
}
# What is plain beside those words. A row that isn't is read by itself.
_PLAIN = {
    "exposures": (
        "dose_mg_per_day > 0",
        "stopped_on >= started_on",
    ),
    "events": ("ended_on >= started_on",),
    # A number among words is the reader's to find; a range must be one of the value's unit.
    "results": (
        "value IS NOT NULL OR text IS NULL",
        "ref_low <= ref_high",
        "ref_low <= m.most",
        "ref_high BETWEEN m.least AND m.most",
    ),
}
# Of a patient who has rows and isn't in the table of patients.
NO_SUCH_PATIENT = "not in the patients table: assessed without age, sex or indication. Add a row there."
_ANY_DAY = dt.date(2000, 1, 1)
_NUMBER = r"^[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$"
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_CONTROL = r"[\x00-\x1f\x7f-\x9f]"

Verdict = Literal["plain", "counted", "odd"]


# The columns of `map_NAME` beside the words, which are text.
MAPPED: Mapping[str, str] = {"verdict": "VARCHAR", "stays": "BOOLEAN", "least": "DOUBLE", "most": "DOUBLE"}


@dataclass(frozen=True)
class Read:
    """What the reader made of one combination of words: the words in their place, or why not.

    `counted` rows hold something that nobody acts on: a result of an unknown test is left out, an event in unknown
    words stays; both are counted with the place of the first.
    """

    table: str
    words: tuple[str | None, ...]
    becomes: tuple[str | None, ...]
    verdict: Verdict
    stays: bool
    # The least and the most that a limit of normal can be in its unit.
    least: float | None = None
    most: float | None = None


def read_words(table: str, combinations: Iterable[Sequence[str | None]], knowledge: Knowledge) -> list[Read]:
    """Each combination of words as the record's own reader reads it."""
    names = WORDS[table]
    others = {
        column.name: {"string": "x", "date": _ANY_DAY, "float": 1.0}[column.type]
        for column in TABLES[table]
        if column.required and column.name not in names
    } | ({"value": 1.0} if table == "results" else {})
    places = [[column.name for column in TABLES[table]].index(name) for name in names]
    read: list[Read] = []
    for words in combinations:
        reader = RowReader(knowledge)
        reader.add(table, {**others, **dict(zip(names, words, strict=True))}, "")
        record = reader.record(whole=False)
        kinds = {aside.kind for aside in record.set_aside}
        rows = record.rows[table]
        counted = bool(kinds) and kinds <= {"unknown_analyte", "unknown_event"}
        verdict: Verdict = "counted" if counted else "plain" if not kinds and len(rows) == 1 else "odd"
        becomes = tuple(str(rows[0][place]) if rows[0][place] is not None else None for place in places) if rows else ()
        made = Read(table, tuple(words), becomes or (None,) * len(names), verdict, bool(rows))
        if table == "results" and becomes:
            least, most = reader.measures.possible(str(becomes[0]), becomes[1])
            made = replace(made, least=least, most=most)
        read.append(made)
    return read


def map_table(table: str, read: Iterable[Read]) -> tuple[tuple[str, ...], list[tuple[str | bool | float | None, ...]]]:
    """What came of each combination of words, as `map_NAME` holds it: its columns and rows."""
    names = WORDS[table]
    columns = (*names, *(f"new_{name}" for name in names), *MAPPED)
    return columns, [(*row.words, *row.becomes, row.verdict, row.stays, row.least, row.most) for row in read]


def units_read(read: Iterable[Read]) -> set[tuple[str, str]]:
    """The pairs of analyte and unit that results are in once they are read."""
    return {(str(row.becomes[0]), str(row.becomes[1])) for row in read if row.stays and row.becomes[1]}


def counted_asides(
    table: str, words: Sequence[str | None], count: int, place: str, knowledge: Knowledge
) -> Iterator[SetAside]:
    """Rows that nobody acts on, in the words of the record's own reader."""
    reader = RowReader(knowledge)
    cells = {**dict(zip(WORDS[table], words, strict=True)), "patient_id": "x", "value": 1.0}
    reader.add(table, cells, place + (f" and {count - 1} more" if count > 1 else ""))
    for aside in reader.record(whole=False).set_aside:
        if aside.kind in ("unknown_analyte", "unknown_event"):
            yield aside


def typed(column: Column, stored: str | None) -> tuple[str, str | None]:
    """A column as SQL of its own type, and the condition under which a cell of it is plain."""
    name = f'r."{column.name}"'
    if stored is None or stored == "NULL":
        return f"CAST(NULL AS {STORED[column.type]})", None
    words = stored in TEXT
    match column.type:
        case "string":
            text = name if words else f"CAST({name} AS VARCHAR)"
            clean = f"{text} = trim({text}) AND {text} <> '' AND NOT regexp_matches({text}, '{_CONTROL}')"
            return text, f"({text} IS NULL OR ({clean}))"
        case "date" if words:
            return f"TRY_CAST({name} AS DATE)", (
                f"({name} IS NULL OR (regexp_matches({name}, '{_DAY}') AND TRY_CAST({name} AS DATE) IS NOT NULL))"
            )
        case "date":
            return (name if stored == "DATE" else f"CAST({name} AS DATE)"), None
        case _:
            number = f"TRY_CAST({name} AS DOUBLE)" if words else f"CAST({name} AS DOUBLE)"
            finite = f"({number} BETWEEN -1.0e300 AND 1.0e300)"
            return number, f"({name} IS NULL OR " + (
                f"(regexp_matches({name}, '{_NUMBER}') AND {finite}))" if words else f"{finite})"
            )


@dataclass(frozen=True)
class TableSQL:
    """The SQL that reads one table from `raw_NAME`, which has its columns with `file_` and `row_` (from 0).

    `words` gives the combinations of words. The others join what came of them, `map_NAME`, and know `ids`, the patients
    and how often each is listed, and `whose`, those who are read about: `plain` gives the plain rows in the words of
    the knowledge base, `odd` the other ones as they are stored, `counted` the combinations that are only counted, with
    how many rows hold them and a place.
    """

    name: str
    words: str
    plain: str
    odd: str
    counted: str


def id_sql(stored: Stored) -> str:
    """A patient's id as text, without the blanks that a fixed width puts behind it."""
    return "rtrim(r.patient_id)" if stored.columns["patient_id"] in TEXT else "CAST(r.patient_id AS VARCHAR)"


def ids_sql(tables: Iterable[Stored]) -> str:
    """Every id in these tables, whether it is of the table of patients (1 or 0), and the place of its table."""
    return " UNION ALL ".join(
        f"SELECT {'' if table.name == 'patients' else 'DISTINCT '}{id_sql(table)} AS patient_id, "
        f"{int(table.name == 'patients')} AS listed, {place} AS place FROM raw_{table.name} AS r"
        for place, table in enumerate(tables)
    )


def table_sql(stored: Stored, read: Sequence[Read] | None = None) -> TableSQL:
    """The SQL for one table, by the types in which it is stored and, once that is known, by what its words became."""
    name, names = stored.name, WORDS[stored.name]
    # Where every combination of words is plain and stays as it is, no row needs to be joined to it.
    as_stored = read is not None and all(row.verdict == "plain" and row.becomes == row.words for row in read)
    as_stored = as_stored and not (name == "results" and {"ref_low", "ref_high"} & {*stored.columns})
    columns = TABLES[name]
    cells = {column.name: typed(column, stored.columns.get(column.name)) for column in columns}
    sql = {column: cell for column, (cell, _) in cells.items()} | {"patient_id": id_sql(stored)}
    # Words are proven clean where each combination is read once; an id is clean where it is one of `ids`.
    conditions = [text for column, (_, text) in cells.items() if text and column not in ("patient_id", *names)]
    conditions += [_with_cells(text, sql) for text in _PLAIN.get(name, ()) if "m." not in text or not as_stored]
    place = "concat(r.file_, ' row ', CAST(r.row_ + 1 AS VARCHAR))"
    if "origin" in stored.columns:
        place = f"coalesce(CAST(r.origin AS VARCHAR), {place})"

    def out(column: str) -> str:
        if column == "origin":
            return f'coalesce({sql[column]}, {place}) AS "origin"'
        mapped = column in names and not as_stored
        return f'm."new_{column}" AS "{column}"' if mapped else f'{sql[column]} AS "{column}"'

    whose = [
        f"{sql['patient_id']} IN (SELECT patient_id FROM {'ids WHERE times = 1' if name == 'patients' else 'whose'})"
    ]
    rows = f"raw_{name} AS r"
    if not as_stored:
        rows += f" LEFT JOIN map_{name} AS m ON " + " AND ".join(
            f'{sql[column]} IS NOT DISTINCT FROM m."{column}"' for column in names
        )
        whose.append("m.verdict IN ('plain', 'counted')")
    plain = " AND ".join([*whose, *conditions])
    words = ", ".join(f'{sql[column]} AS "{column}"' for column in names)
    raw = ", ".join(f'r."{column.name}"' for column in columns if column.name in stored.columns)
    return TableSQL(
        name=name,
        words=f"SELECT DISTINCT {words} FROM raw_{name} AS r",
        plain=f"SELECT {', '.join(out(column.name) for column in columns)} FROM {rows} WHERE {plain}"
        + ("" if as_stored else " AND m.stays"),
        odd=f"SELECT {raw}, r.file_, r.row_ FROM {rows} WHERE NOT coalesce({plain}, false) ORDER BY r.file_, r.row_",
        counted=f"SELECT {words}, count(*) AS n, min({place}) AS place FROM {rows} "
        f"WHERE m.verdict = 'counted' AND {plain} GROUP BY {', '.join(sql[column] for column in names)}",
    )


def _with_cells(condition: str, sql: Mapping[str, str]) -> str:
    """A condition with its columns as they are read; true where it can't be told."""
    for column, cell in sql.items():
        condition = re.sub(rf"\b{column}\b", lambda _, cell=cell: cell, condition)
    return f"coalesce({condition}, true)"


def read_odd(table: str, rows: Iterable[Mapping[str, Any]], reader: RowReader) -> None:
    """Rows that aren't plain, each with its place, as the record's own reader reads them."""
    for row in rows:
        cells = {name: cell for name, cell in row.items() if name not in ("file_", "row_")}
        reader.add(table, cells, row.get("origin") or f"{row['file_']} row {row['row_'] + 1}")
