"""Runs the rules: a record and knowledge in, findings out; the same expressions on either of two engines.

SQLite answers for one patient in a few milliseconds, because a statement costs it next to nothing; DuckDB
answers for many, because a row does (docs/decisions/0001). Every table of docs/rules/ is run on both.
"""

from __future__ import annotations

import datetime as dt
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, cast

from azaward import parquet
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.relations import Schema, relations, schemas
from azaward.knowledge.loading.units import conversions_for
from azaward.record.tables import TABLES, Record
from azaward.rules.language.columns import COLUMNS, FOUND
from azaward.rules.pipeline import PLANS, Step, compiled, needed

# From so many people on, DuckDB is the quicker one, its start included (benchmarks/engines.py).
MANY_PEOPLE = 500
EPOCH = dt.date(1970, 1, 1)


class Request(NamedTuple):
    """Who is asked about, the day that counts as today, and the protocol (None: chosen by indication)."""

    patient_id: str
    as_of: dt.date
    protocol: str | None = None


Row = Mapping[str, Any]
Rows = Sequence[Sequence[Any]]


class Answer(NamedTuple):
    """What the rules found, what is due, who each person is and what it all comes to: rows by column name."""

    findings: list[Row]
    due: list[Row]
    person: list[Row]
    unusable: list[Row]
    plan: list[Row]
    next_tests: list[Row]


_UNREAD: Schema = dict.fromkeys(("patient_id", "kind", "where", "what", "why"), "string")
_TABLES: dict[str, Schema] = {
    **{name: {column.name: column.type for column in columns} for name, columns in TABLES.items()},
    "requests": {"patient_id": "string", "as_of": "date", "protocol": "string"},
    "unread": _UNREAD,
}
_EMPTY: dict[str, Any] = dict.fromkeys(COLUMNS)


class Engine(ABC):
    """The rules, compiled and ready, with the knowledge they join. It may be asked again and again.

    `only` names the rules to ask where not all are wanted: it then holds what these need and nothing else.
    """

    dialect: ClassVar[str]
    types: ClassVar[Mapping[str, str]]

    def __init__(self, knowledge: Knowledge, only: Collection[str] | None = None) -> None:
        self.knowledge = knowledge
        # The tables hold one question at a time: another thread's must never get in between.
        self._asking = threading.RLock()
        steps = compiled({row.id: row.value for row in knowledge.tables["parameters"]}, self.dialect)
        self._steps, self._joined = needed(steps, only)
        self._stages = {step.name for step in self._steps if not step.is_rule}
        for name, (schema, rows) in relations(knowledge, self._joined).items():
            self._create(f"k_{name}", schema)
            self._fill(f"k_{name}", schema, rows)
        for name, schema in {**_TABLES, "s_found": FOUND}.items():
            self._create(name, schema)
        for step in self._steps:
            if not step.is_rule:
                self._run(f"CREATE TABLE s_{step.name} AS {step.sql}")

    def ask(self, record: Record, requests: Iterable[Request]) -> Answer:
        """Every rule's answer for the patients asked about; threads are answered one after another."""
        with self._asking:
            return self._ask(record, requests)

    def _ask(self, record: Record, requests: Iterable[Request]) -> Answer:
        unread = [(x.patient_id, x.kind, x.where, x.what, x.why) for x in record.set_aside if x.patient_id]
        tables: dict[str, Rows] = {**record.rows, "requests": list(requests), "unread": unread}
        for name, rows in tables.items():
            self._run(f"DELETE FROM {name}")
            try:
                self._fill(name, _TABLES[name], rows)
            except UnicodeEncodeError as error:
                found = f"{error.object!r} holds half of a character (a lone surrogate)"
                raise ValueError(f"{name}: {found}: no text that can be stored. Correct it.") from None
        unusual = conversions_for(record, self.knowledge) if "conversions" in self._joined else []
        if unusual:
            self._fill("k_conversions", schemas()["conversions"], unusual)
        filled = {name: len(rows) for name, rows in tables.items()}
        findings: list[Row] = []
        for step in self._steps:
            if step.name == PLANS[0]:
                self._run("DELETE FROM s_found")
                self._fill("s_found", FOUND, [[row[column] for column in FOUND] for row in findings])
            if not step.is_rule:
                filled[step.name] = self._store(step)
            elif all(filled[name] for name in step.needs):
                findings += [{**_EMPTY, **step.constants, **row} for row in self._rows(step.sql)]
        if unusual:
            self._run("DELETE FROM k_conversions")
            schema, rows = relations(self.knowledge, {"conversions"})["conversions"]
            self._fill("k_conversions", schema, rows)
        return Answer(
            [{**row, "on": from_day_number(row["on"])} for row in findings],
            self._stored("due", "SELECT * FROM s_due"),
            self._stored("person", "SELECT patient_id, protocol, status FROM s_person"),
            self._stored("unusable", "SELECT * FROM s_unusable"),
            self._stored("plan", "SELECT * FROM s_plan"),
            self._stored("next_tests", "SELECT * FROM s_next_tests"),
        )

    def _stored(self, stage: str, sql: str) -> list[Row]:
        return self._rows(sql) if stage in self._stages else []

    def _create(self, name: str, schema: Schema) -> None:
        columns = ", ".join(f'"{column}" {self._type(name, column, kind)}' for column, kind in schema.items())
        self._run(f"CREATE TABLE {name} ({columns})")

    def _type(self, table: str, column: str, kind: str) -> str:
        """The engine's type for a column."""
        return self.types[kind]

    @abstractmethod
    def _run(self, sql: str) -> Any: ...

    @abstractmethod
    def _rows(self, sql: str) -> list[Row]: ...

    @abstractmethod
    def _store(self, step: Step) -> int:
        """Works out a stage, stores it under its name and gives its number of rows."""

    @abstractmethod
    def _fill(self, name: str, schema: Schema, rows: Rows) -> None: ...


def from_day_number(number: int | None) -> dt.date | None:
    """The day of a number of days since 1970-01-01.

    >>> from_day_number(20_454)
    datetime.date(2026, 1, 1)
    """
    return None if number is None else EPOCH + dt.timedelta(days=number)


def _literal(value: Any) -> str:
    """A constant of a rule in SQL."""
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


# What rules look knowledge up by.
_KEYS = frozenset(
    ("protocol", "analyte", "test", "medicine", "class", "id", "code", "indication", "drug", "written", "with")
)


_USUAL_ROWS = {"results": 300, "s_readings": 300, "s_latest": 20, "s_history": 5, "s_done": 20, "s_due": 4}


class SQLiteEngine(Engine):
    """For one patient or a few. APSW brings a SQLite whose parser takes statements of any depth."""

    dialect = "sqlite"
    types: ClassVar[Mapping[str, str]] = {
        "string": "TEXT",
        "date": "TEXT",
        "float": "REAL",
        "float64": "REAL",
        "int64": "INTEGER",
        "boolean": "INTEGER",
    }

    def __init__(self, knowledge: Knowledge, only: Collection[str] | None = None) -> None:
        import apsw

        self._database = apsw.Connection(":memory:", statementcachesize=512)
        functions = (
            # What Ibis calls for days and patterns, which SQLite itself doesn't have.
            ("_IBIS_DATE_DELTA", -1, _days_between),
            ("_IBIS_REGEX_SEARCH", 2, _has_pattern),
            ("_IBIS_REGEX_REPLACE", 3, _with_pattern_replaced),
        )
        for name, arguments, function in functions:
            self._database.create_scalar_function(name, cast(Any, function), arguments, deterministic=True)
        super().__init__(knowledge, only)
        for name, schema in schemas().items():
            for column in _KEYS & schema.keys() if name in self._joined else ():
                self._run(f'CREATE INDEX "{name} {column}" ON k_{name} ("{column}")')
        self._run("ANALYZE")
        # The planner takes a table it knows nothing of for a large one: these hold one patient's few rows.
        for table in (*_TABLES, *(f"s_{name}" for name in self._stages)):
            self._run(f"INSERT INTO sqlite_stat1 VALUES ('{table}', NULL, '{_USUAL_ROWS.get(table, 2)}')")
        self._run("ANALYZE sqlite_schema")

    def _run(self, sql: str) -> Any:
        return self._database.execute(sql)

    def _rows(self, sql: str) -> list[Row]:
        cursor = self._database.execute(sql)
        first = cursor.fetchone()
        if first is None:
            return []
        # A cursor that has given its last row no longer knows its columns.
        names = [column[0] for column in cursor.get_description()]
        return [dict(zip(names, row, strict=True)) for row in (first, *cursor.fetchall())]

    def _store(self, step: Step) -> int:
        self._run(f"DELETE FROM s_{step.name}")
        self._run(f"INSERT INTO s_{step.name} {step.sql}")
        return self._database.changes()

    def _fill(self, name: str, schema: Schema, rows: Rows) -> None:
        if rows:
            marks = ", ".join("?" * len(schema))
            days = [place for place, kind in enumerate(schema.values()) if kind == "date"]
            # Kept out of the cache of statements, in which each row would push another one out.
            insert = f"INSERT INTO {name} VALUES ({marks})"
            self._database.executemany(insert, _with_iso_days(rows, days), can_cache=False)


def _days_between(later: str | None, earlier: str | None, _unit: str = "day") -> int | None:
    if later is None or earlier is None:
        return None
    return dt.date.fromisoformat(later).toordinal() - dt.date.fromisoformat(earlier).toordinal()


def _has_pattern(text: str | None, pattern: str) -> bool | None:
    return None if text is None else bool(re.search(pattern, text))


def _with_pattern_replaced(text: str | None, pattern: str, new: str) -> str | None:
    return None if text is None else re.sub(pattern, new, text)


def _with_iso_days(rows: Rows, days: Sequence[int]) -> Iterable[Sequence[Any]]:
    for row in rows:
        cells = list(row)
        for place in days:
            if cells[place] is not None:
                cells[place] = cells[place].isoformat()
        yield cells


class DuckDBEngine(Engine):
    """For many patients, in columns."""

    dialect = "duckdb"
    types: ClassVar[Mapping[str, str]] = {
        "string": "VARCHAR",
        "date": "DATE",
        "float": "DOUBLE",
        "float64": "DOUBLE",
        "int64": "BIGINT",
        "boolean": "BOOLEAN",
    }

    def __init__(
        self,
        knowledge: Knowledge,
        only: Collection[str] | None = None,
        database: Any = None,
        stored_as: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        """`stored_as` names the types of columns, by table and name, that are not stored in their usual one."""
        self._database = database or parquet.connect()
        self._stored_as = stored_as or {}
        super().__init__(knowledge, only)

    def work_out(self, before: Mapping[str, str] | None = None) -> None:
        """Answers inside the database: findings into `findings`, each person's plan into `s_plan`, as days' numbers.

        The tables of the record, `requests` and `unread` are there already; `results` may be a view. `before` holds
        statements to be run before a step, by its name.
        """
        columns = ", ".join(f'"{name}" {self._type("findings", name, kind)}' for name, kind in COLUMNS.items())
        self._run(f"CREATE OR REPLACE TABLE findings ({columns})")
        self._run("DROP TABLE IF EXISTS s_found; DROP VIEW IF EXISTS s_found")
        self._run(f"CREATE VIEW s_found AS SELECT {', '.join(FOUND)} FROM findings")
        for step in self._steps:
            if before and step.name in before:
                self._run(before[step.name])
            if not step.is_rule:
                self._store(step)
                continue
            cells = ", ".join(
                f"{_literal(step.constants[name])} AS {name}" if name in step.constants else f'"{name}"'
                for name in COLUMNS
            )
            self._run(f"INSERT INTO findings SELECT {cells} FROM ({step.sql})")
        self._run("DROP VIEW s_found")
        self._create("s_found", FOUND)

    def _type(self, table: str, column: str, kind: str) -> str:
        return self._stored_as.get((table, column), self.types[kind])

    def _run(self, sql: str) -> Any:
        return self._database.execute(sql)

    def _rows(self, sql: str) -> list[Row]:
        cursor = self._run(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _store(self, step: Step) -> int:
        rows = self._run(f"CREATE OR REPLACE TABLE s_{step.name} AS {step.sql}").fetchall()
        return int(rows[0][0])

    def _fill(self, name: str, schema: Schema, rows: Rows) -> None:
        parquet.fill(self._database, name, {column: self.types[kind] for column, kind in schema.items()}, rows)
