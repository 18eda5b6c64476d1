"""DuckDB answers for many patients, in columns, because a row costs it next to nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from azaward import parquet
from azaward.engine.base import Engine, Row, Rows
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.relations import Schema
from azaward.rules.language.columns import COLUMNS, FOUND
from azaward.rules.pipeline import Step


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
        types = {column: self.types[kind] for column, kind in schema.items()}
        parquet.fill(self._database, name, types, [row[: len(types)] for row in rows])


def _literal(value: Any) -> str:
    """A constant of a rule in SQL."""
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)
