"""A nation's tables in DuckDB, a share of its patients at a time: read, assessed, written.

Inside, a patient is a small whole number and an analyte or unit one of a list, which halves what grouping costs;
the rules' SQL is the same. Each share is assessed by itself, so that memory doesn't grow with the nation.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from azaward import parquet
from azaward.cohort.reading import (
    MAPPED,
    NO_SUCH_PATIENT,
    Read,
    TableSQL,
    counted_asides,
    id_sql,
    ids_sql,
    map_table,
    read_odd,
    read_words,
    table_sql,
    units_read,
)
from azaward.cohort.source import Source, Stored
from azaward.cohort.written import OF_NOBODY, set_aside_before
from azaward.engine import DuckDBEngine
from azaward.engine.base import RECORD_TABLES
from azaward.errors import InputError
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.relations import schemas
from azaward.knowledge.loading.units import conversions_of
from azaward.parquet import sql_name, sql_text
from azaward.readers.rows import RowReader
from azaward.record.tables import TABLES, SetAside

# Analytes and units as DuckDB's enumerations, in every table in which rules meet them.
_CODED = {
    ("results", "analyte"): "ANALYTE",
    ("results", "unit"): "UNIT",
    ("k_analytes", "id"): "ANALYTE",
    ("k_conversions", "analyte"): "ANALYTE",
    ("k_conversions", "written"): "UNIT",
    ("k_protocol_limits", "analyte"): "ANALYTE",
    ("k_biological_variation", "analyte"): "ANALYTE",
    ("k_own_level", "analyte"): "ANALYTE",
}
_NUMBERED = {(table, "patient_id"): "INTEGER" for table in (*TABLES, "requests", "unread", "findings", "s_found")}
_CONTROL = r"[\x00-\x1f\x7f-\x9f]"


@dataclass(frozen=True)
class Share:
    """Patients that are assessed together: from one id to before another, in order."""

    number: int
    patients: int
    first: str
    until: str | None


class Nation:
    """The tables of a folder, ready to be assessed share by share."""

    def __init__(self, source: Source, knowledge: Knowledge, memory_mb: int, scratch: Path) -> None:
        self.source, self.knowledge = source, knowledge
        self.database: Any = parquet.connect(
            preserve_insertion_order="false",
            memory_limit=f"{memory_mb}MB",
            temp_directory=str(scratch),
            threads=str(os.cpu_count() or 1),
        )
        self._see_all()
        self._patients()
        self._sql: dict[str, TableSQL] = {}
        read = {stored.name: self._read_words(stored) for stored in source.there()}
        self._lists(read)
        self._engine = DuckDBEngine(knowledge, database=self.database, stored_as={**_CODED, **_NUMBERED})
        self._run("DROP TABLE results")
        types = {column: DuckDBEngine.types[kind] for column, kind in schemas()["conversions"].items()}
        parquet.fill(self.database, "k_conversions", types, conversions_of(units_read(read["results"]), knowledge))
        self.set_aside = list(self._about_the_whole(read))

    def _run(self, sql: str) -> Any:
        try:
            with parquet.readable():
                return self.database.execute(sql)
        except parquet.ParquetError as error:
            raise InputError(f"{self.source.folder}: a table can't be read: {error}") from None

    def _see_all(self, where: str = "") -> None:
        """`raw_NAME`, a table as it is stored, or the part of it that a condition leaves."""
        for stored in self.source.there():
            columns = ", ".join(
                f'{parquet.as_stored(sql_name(column.name), stored.columns[column.name])} AS "{column.name}"'
                for column in TABLES[stored.name]
                if column.name in stored.columns
            )
            base = str(self.source.folder).rstrip("/") + "/"
            options = ["filename = true", "file_row_number = true"]
            options += [] if stored.alike else ["union_by_name = true"]
            self._run(
                f"CREATE OR REPLACE VIEW raw_{stored.name} AS SELECT {columns}, "
                f"replace(filename, {sql_text(base)}, '') AS file_, file_row_number AS row_ "
                f"FROM {parquet.reader(stored.files, *options)} AS r {where}"
            )

    def _patients(self) -> None:
        """`everyone`: each clean id once, in order, with how often the table of patients lists it."""
        ids = ids_sql(self.source.there())
        self._run(
            "CREATE TABLE everyone AS SELECT patient_id, times, place, "
            "(row_number() OVER (ORDER BY patient_id) - 1)::INTEGER AS n FROM "
            "(SELECT patient_id, sum(listed)::INTEGER AS times, min(place)::INTEGER AS place "
            f"FROM ({ids}) GROUP BY patient_id) "
            f"WHERE patient_id <> '' AND patient_id = trim(patient_id) AND NOT regexp_matches(patient_id, '{_CONTROL}')"
        )
        self.patients = int(self._run("SELECT count(*) FROM everyone").fetchone()[0])
        self._run("CREATE TABLE ids AS FROM everyone")
        self._run("CREATE TABLE whose AS FROM everyone")

    def _read_words(self, stored: Stored) -> list[Read]:
        """Each combination of words, read once and kept as `map_NAME`."""
        name = stored.name
        read = read_words(name, self._run(table_sql(stored).words).fetchall(), self.knowledge)
        columns, rows = map_table(name, read)
        parquet.create(self.database, f"map_{name}", {**dict.fromkeys(columns, "VARCHAR"), **MAPPED}, rows)
        self._sql[name] = table_sql(stored, read)
        return read

    def _lists(self, read: Mapping[str, Sequence[Read]]) -> None:
        """The enumerations: every analyte, and every unit that is written in the data or in the knowledge."""
        units = {row.written for row in self.knowledge.tables["conversions"]}
        for row in read["results"]:
            units |= {str(unit) for unit in (row.words[1], row.becomes[1]) if unit}
        units |= {" ".join(unit.split()) for unit in units} | {unit.strip() for unit in units}
        for name, words in (("ANALYTE", sorted(self.knowledge.analytes)), ("UNIT", sorted(units))):
            self._run(f"CREATE TYPE {name} AS ENUM ({', '.join(map(sql_text, words))})")

    def _about_the_whole(self, read: Mapping[str, Sequence[Read]]) -> Iterator[SetAside]:
        """What is wrong with the folder and not with one row: said once, with how many rows it concerns."""
        yield from set_aside_before(self.source.folder, OF_NOBODY)
        for name in self.source.missing():
            yield SetAside(
                str(self.source.folder),
                f"{name}.parquet",
                "missing: its data are unknown for everyone",
                None,
                "missing_table",
            )
        for file, column in self.source.unknown_columns():
            yield SetAside(file, f"column {column!r}", "unknown column: not used", None, "unknown_column")
        for name, rows in read.items():
            if any(row.verdict == "counted" for row in rows):
                for *words, count, place in self._run(self._sql[name].counted).fetchall():
                    yield from counted_asides(name, words, count, place, self.knowledge)
        strays = " UNION ALL ".join(
            f"SELECT '{stored.name}', count(*), min(file_ || ' row ' || (row_ + 1)::VARCHAR) "
            f"FROM raw_{stored.name} AS r WHERE coalesce({id_sql(stored)}, '') NOT IN (SELECT patient_id FROM everyone)"
            for stored in self.source.there()
        )
        for _, count, place in self._run(strays).fetchall():
            if count:
                more = f" and {count - 1} more" if count > 1 else ""
                yield SetAside(
                    place + more,
                    "patient_id is empty, begins with a blank or holds a control character",
                    "the patient is unknown. Enter the clinic's patient id.",
                    None,
                    "no_id",
                )

    def shares(self, size: int) -> list[Share]:
        """All patients in order of their ids, so many at a time."""
        starts = self._run(f"SELECT patient_id FROM everyone WHERE n % {size} = 0 ORDER BY n").fetchall()
        firsts = [str(row[0]) for row in starts]
        return [
            Share(number, min(size, self.patients - number * size), first, until)
            for number, (first, until) in enumerate(zip_longest(firsts, firsts[1:]))
        ]

    def assess(self, share: Share, as_of: dt.date, protocol: str | None) -> list[SetAside]:
        """Fills `findings`, `s_plan`, `s_due` and `s_unusable` for a share; gives what of its rows was set aside."""
        # As text, in the order in which shares were made: the number 10 comes before 2.
        patient_id = "CAST(r.patient_id AS VARCHAR)"
        whose = f"{patient_id} >= {sql_text(share.first)}"
        whose += f" AND {patient_id} < {sql_text(share.until)}" if share.until is not None else ""
        self._see_all(f"WHERE {whose}")
        self._run(f"CREATE OR REPLACE TABLE ids AS SELECT * FROM everyone AS r WHERE {whose}")
        self._run("CREATE OR REPLACE TABLE whose AS SELECT patient_id, n FROM ids")
        reader = RowReader(self.knowledge)
        for name, sql in self._sql.items():
            answer = self._run(sql.odd)
            columns = [column[0] for column in answer.description]
            while rows := answer.fetchmany(10_000):
                read_odd(name, (dict(zip(columns, row, strict=True)) for row in rows), reader)
        odd = reader.record(whole=False)
        numbers = dict(self._run("SELECT patient_id, n FROM ids").fetchall()) if any(odd.rows.values()) else {}
        for name in TABLES:
            self._fill(name, list(RECORD_TABLES[name]), odd.rows[name], numbers)
        whose = whose.replace(patient_id, "patient_id")
        asides = [*odd.set_aside, *self._nobody(), *set_aside_before(self.source.folder, whose)]
        day = f"DATE '{as_of.isoformat()}'"
        self._run("DELETE FROM requests")
        self._run(f"INSERT INTO requests SELECT n, {day}, {sql_text(protocol) if protocol else 'NULL'} FROM ids")
        named = [(x.patient_id, x.kind, x.where, x.what, x.why, x.on) for x in asides if x.patient_id]
        types = dict.fromkeys(("patient_id", "kind", "where", "what", "why"), "VARCHAR") | {"on": "DATE"}
        parquet.create(self.database, "named_", types, named)
        self._run("DELETE FROM unread")
        self._run(
            "INSERT INTO unread SELECT i.n, x.* EXCLUDE (patient_id) FROM named_ AS x JOIN ids AS i USING (patient_id)"
        )
        # Few have a result that can't be used: only theirs are read a second time, with the places of their rows.
        self._engine.work_out(
            {
                "unusable": "CREATE OR REPLACE TABLE whose AS SELECT patient_id, n FROM ids "
                "WHERE n IN (SELECT patient_id FROM s_readings WHERE problem IS NOT NULL)"
            }
        )
        return asides

    def _fill(self, name: str, columns: list[str], odd: Sequence[Sequence[Any]], numbers: Mapping[str, int]) -> None:
        """One table of the share: its plain rows, and the odd ones as they were read."""
        cells = ", ".join(
            "i.n AS patient_id"
            if column == "patient_id"
            else f'p."{column}"::{_CODED[name, column]} AS "{column}"'
            if (name, column) in _CODED
            else f'p."{column}"'
            for column in columns
        )
        kinds = parquet.columns_of(name)
        types = {column: _CODED.get((name, column), kinds[column]) for column in columns} | {"patient_id": "INTEGER"}
        known = [[numbers[str(row[0])], *row[1 : len(columns)]] for row in odd if str(row[0]) in numbers]
        parquet.create(self.database, f"odd_{name}", types, known)
        rows = f"SELECT * FROM odd_{name}"
        if name in self._sql:
            rows = (
                f"SELECT {cells} FROM ({self._sql[name].plain}) AS p JOIN whose AS i USING (patient_id) "
                f"UNION ALL {rows}"
            )
        # Results are read where they are used: kept, they would be the larger part of all memory.
        kind = "VIEW" if name == "results" else "TABLE"
        self._run(f"CREATE OR REPLACE {kind} {name} AS {rows}")

    def _nobody(self) -> Iterator[SetAside]:
        stored = [table.name for table in self.source.there()]
        for patient_id, place in self._run("SELECT patient_id, place FROM ids WHERE times = 0 ORDER BY n").fetchall():
            yield SetAside(
                stored[place],
                f"patient_id {patient_id}",
                NO_SUCH_PATIENT,
                patient_id,
                "no_patient",
            )

    def run(self, sql: str) -> None:
        """A statement that gives nothing back."""
        self._run(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The answer to a query, of few rows."""
        return self._run(sql).fetchall()

    def write(self, sql: str, path: Path) -> None:
        """The answer to a query, of any number of rows, as Parquet."""
        parquet.write(self.database, sql, path)
