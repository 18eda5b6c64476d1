"""Runs the rules on DuckDB in this process: a record and knowledge in, findings out.

An `Engine` holds the knowledge and the compiled SQL, and may be asked again and again; a record's tables
replace those of the record before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from azaward.knowledge import Knowledge
from azaward.knowledge.relations import relations, schemas
from azaward.knowledge.units import conversions_for
from azaward.record.tables import TABLES, Record
from azaward.rules.columns import COLUMNS
from azaward.rules.pipeline import Step, compiled

_DUCKDB = {"string": "VARCHAR", "date": "DATE", "float": "DOUBLE", "float64": "DOUBLE", "int64": "BIGINT", "boolean": "BOOLEAN"}


class Request(NamedTuple):
    """Who is asked about, the day that counts as today, and the protocol (None: chosen by indication)."""

    patient_id: str
    as_of: dt.date
    protocol: str | None = None


Row = Mapping[str, Any]


class Answer(NamedTuple):
    """What the rules found, what is due, and who each person is: rows by column name."""

    findings: list[Row]
    due: list[Row]
    person: list[Row]
    unusable: list[Row]


class Engine:
    """The rules, compiled, planned and ready, with the knowledge they join.

    Statements are planned once, over empty tables: the optimisers that plan by what a table holds at that
    moment are switched off, since the plan is used for other rows than those (tests/test_engine.py).
    """

    def __init__(self, knowledge: Knowledge, *, threads: int = 1) -> None:
        import duckdb

        self.knowledge = knowledge
        self._steps: tuple[Step, ...] = compiled("duckdb")
        self._database = duckdb.connect(config={"threads": threads})
        self._run("SET disabled_optimizers = 'statistics_propagation,compressed_materialization'")
        for name, (schema, rows) in relations(knowledge).items():
            self._create(f"k_{name}", schema)
            self._insert(f"k_{name}", schema, rows)
        for name, schema in _TABLES.items():
            self._create(name, schema)
        for step in self._steps:
            if step.is_rule:
                self._run(f'PREPARE "{step.name}" AS {step.sql}')
            else:
                self._run(f"CREATE TABLE s_{step.name} AS {step.sql}")
                self._run(f'PREPARE "{step.name}" AS INSERT INTO s_{step.name} {step.sql}')

    def ask(self, record: Record, requests: Iterable[Request]) -> Answer:
        """Every rule's answer for the patients asked about."""
        unread = [(x.patient_id, x.kind, x.where, x.what, x.why) for x in record.set_aside if x.patient_id]
        extra = conversions_for(record, self.knowledge)
        tables: dict[str, Sequence[Sequence[Any]]] = {**record.rows, "requests": list(requests), "unread": unread}
        filled = {name: len(rows) for name, rows in tables.items()}
        for name, rows in tables.items():
            self._run(f"TRUNCATE {name}")
            self._insert(name, _TABLES[name], rows)
        self._insert("k_conversions", schemas()["conversions"], extra)
        findings: list[Row] = []
        for step in self._steps:
            if not step.is_rule:
                self._run(f"TRUNCATE s_{step.name}")
                filled[step.name] = self._run(f'EXECUTE "{step.name}"').fetchall()[0][0]
            elif all(filled[name] for name in step.needs):
                findings += [{**_EMPTY, **step.constants, **row} for row in self._rows(f'EXECUTE "{step.name}"')]
        for analyte, written, *_ in extra:
            self._database.execute(
                "DELETE FROM k_conversions WHERE analyte = ? AND written = ?", [analyte, written]
            )
        return Answer(
            findings,
            self._rows("SELECT * FROM s_due"),
            self._rows("SELECT * FROM s_person LEFT JOIN s_usual USING (patient_id)"),
            self._rows("SELECT * FROM s_checked WHERE problem IS NOT NULL"),
        )

    def _run(self, sql: str) -> Any:
        return self._database.execute(sql)

    def _rows(self, sql: str) -> list[Row]:
        cursor = self._run(sql)
        rows = cursor.fetchall()
        if not rows:
            return []
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _create(self, name: str, schema: Mapping[str, str]) -> None:
        columns = ", ".join(f'"{column}" {_DUCKDB[kind]}' for column, kind in schema.items())
        self._run(f"CREATE TABLE {name} ({columns})")

    def _insert(self, name: str, schema: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """Appends rows by way of Arrow, which is faster than one INSERT a row from the second row on."""
        if not rows:
            return
        if len(rows) <= _FEW:
            marks = ", ".join("?" * len(schema))
            self._database.execute(
                f"INSERT INTO {name} VALUES {', '.join([f'({marks})'] * len(rows))}",  # noqa: S608
                [cell for row in rows for cell in row],
            )
            return
        import pyarrow as pa

        types = {"string": pa.string(), "date": pa.date32(), "float": pa.float64(), "float64": pa.float64()}
        types |= {"int64": pa.int64(), "boolean": pa.bool_()}
        arrays = [
            pa.array(cells, types[kind]) for cells, kind in zip(zip(*rows, strict=True), schema.values(), strict=True)
        ]
        self._database.register("incoming", pa.table(arrays, names=[f"c{i}" for i in range(len(schema))]))
        self._run(f"INSERT INTO {name} SELECT * FROM incoming")  # noqa: S608
        self._database.unregister("incoming")


# Up to so many rows, parameters are quicker than an Arrow table and its registration.
_FEW = 8
_TABLES: dict[str, dict[str, str]] = {
    **{name: {column.name: column.type for column in columns} for name, columns in TABLES.items()},
    "requests": {"patient_id": "string", "as_of": "date", "protocol": "string"},
    "unread": dict.fromkeys(("patient_id", "kind", "where", "what", "why"), "string"),
}
_EMPTY: dict[str, Any] = dict.fromkeys(COLUMNS)
