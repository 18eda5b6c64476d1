"""SQLite answers for one patient or a few in milliseconds, because a statement costs it next to nothing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, cast

from azaward.engine.base import RECORD_TABLES, Engine, Row, Rows
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.relations import Schema, schemas
from azaward.rules.pipeline import ONCE, Step

# What rules look knowledge up by.
_KEYS = frozenset(
    ("protocol", "analyte", "test", "medicine", "class", "id", "code", "indication", "drug", "written", "with")
)


# APSW keeps statements up to this length ready; a longer one is asked for as a view, so that it isn't parsed each time.
_LONGEST_KEPT = 16_000
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
        for name in ONCE:
            for column in ("protocol", "rank", "kind"):
                if name in self._stages and column in self._columns(f"s_{name}"):
                    self._run(f'CREATE INDEX "s {name} {column}" ON s_{name} ("{column}")')
        self._run("ANALYZE")
        # The planner takes a table it knows nothing of for a large one: these hold one patient's few rows.
        for table in (*RECORD_TABLES, *(f"s_{name}" for name in self._stages.difference(ONCE))):
            self._run(f"INSERT INTO sqlite_stat1 VALUES ('{table}', NULL, '{_USUAL_ROWS.get(table, 2)}')")
        self._run("ANALYZE sqlite_schema")
        for step in self._steps:
            if len(step.sql) > _LONGEST_KEPT:
                self._run(f"CREATE VIEW v_{step.name.replace('.', '_')} AS {step.sql}")

    def _columns(self, table: str) -> list[str]:
        return [str(row["name"]) for row in self._rows(f"PRAGMA table_info({table})")]

    def _sql(self, step: Step) -> str:
        return f"SELECT * FROM v_{step.name.replace('.', '_')}" if len(step.sql) > _LONGEST_KEPT else step.sql

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
        self._run(f"INSERT INTO s_{step.name} {self._sql(step)}")
        return self._database.changes()

    def _fill(self, name: str, schema: Schema, rows: Rows) -> None:
        if rows:
            marks = ", ".join("?" * len(schema))
            days = [place for place, kind in enumerate(schema.values()) if kind == "date"]
            # Kept out of the cache of statements, in which each row would push another one out.
            insert = f"INSERT INTO {name} VALUES ({marks})"
            self._database.executemany(insert, _with_iso_days(rows, len(schema), days), can_cache=False)


def _days_between(later: str | None, earlier: str | None, _unit: str = "day") -> int | None:
    if later is None or earlier is None:
        return None
    return dt.date.fromisoformat(later).toordinal() - dt.date.fromisoformat(earlier).toordinal()


def _has_pattern(text: str | None, pattern: str) -> bool | None:
    return None if text is None else bool(re.search(pattern, text))


def _with_pattern_replaced(text: str | None, pattern: str, new: str) -> str | None:
    return None if text is None else re.sub(pattern, new, text)


def _with_iso_days(rows: Rows, width: int, days: Sequence[int]) -> Iterable[Sequence[Any]]:
    """The first `width` cells of each row, with dates as SQLite keeps them."""
    for row in rows:
        cells = list(row[:width])
        for place in days:
            if cells[place] is not None:
                cells[place] = cells[place].isoformat()
        yield cells
