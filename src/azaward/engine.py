"""Runs the rules on DuckDB in this process: a record and knowledge in, findings out.

An `Engine` holds the knowledge and the compiled SQL, and may be asked again and again; a record's tables
replace those of the record before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from azaward.knowledge import Knowledge
from azaward.knowledge.relations import Relation, relations
from azaward.record.tables import TABLES, Record
from azaward.knowledge.units import conversions_for
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
    """The rules, compiled and ready, with the knowledge they join."""

    def __init__(self, knowledge: Knowledge, *, threads: int | None = None) -> None:
        import duckdb

        self.knowledge = knowledge
        self._steps: tuple[Step, ...] = compiled("duckdb")
        self._database = duckdb.connect(config={"threads": threads} if threads else {})
        for name, relation in relations(knowledge).items():
            self._create(f"k_{name}", relation)

    def ask(self, record: Record, requests: Iterable[Request]) -> Answer:
        """Every rule's answer for the patients asked about."""
        for name, columns in TABLES.items():
            self._create(name, ({c.name: c.type for c in columns}, record.rows[name]))
        self._create(
            "requests", ({"patient_id": "string", "as_of": "date", "protocol": "string"}, list(requests))
        )
        unread = [(x.patient_id, x.kind, x.where, x.what, x.why) for x in record.set_aside if x.patient_id]
        self._create("unread", (dict.fromkeys(("patient_id", "kind", "where", "what", "why"), "string"), unread))
        extra = conversions_for(record, self.knowledge)
        if extra:
            self._insert("k_conversions", 4, extra)
        findings: list[Row] = []
        for step in self._steps:
            if step.is_rule:
                findings += self._rows(step.sql)
            else:
                self._database.execute(f"CREATE OR REPLACE TEMP TABLE s_{step.name} AS {step.sql}")
        if extra:
            self._create("k_conversions", relations(self.knowledge)["conversions"])
        return Answer(
            findings,
            self._rows("SELECT * FROM s_due"),
            self._rows("SELECT * FROM s_person LEFT JOIN s_usual USING (patient_id)"),
            self._rows("SELECT * FROM s_checked WHERE problem IS NOT NULL"),
        )

    def _rows(self, sql: str) -> list[Row]:
        cursor = self._database.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _create(self, name: str, relation: Relation) -> None:
        schema, rows = relation
        columns = ", ".join(f'"{column}" {_DUCKDB[kind]}' for column, kind in schema.items())
        self._database.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")
        self._insert(name, len(schema), rows)

    def _insert(self, name: str, width: int, rows: Sequence[Sequence[Any]]) -> None:
        if not rows:
            return
        import pyarrow as pa

        kinds = [column[1] for column in self._database.execute(f"SELECT * FROM {name} LIMIT 0").description]
        types = {"VARCHAR": pa.string(), "DATE": pa.date32(), "DOUBLE": pa.float64(), "BIGINT": pa.int64(), "BOOLEAN": pa.bool_()}
        arrays = [
            pa.array(cells, types[str(kind)]) for cells, kind in zip(zip(*rows, strict=True), kinds, strict=True)
        ]
        self._database.register("incoming", pa.table(arrays, names=[f"c{i}" for i in range(width)]))
        self._database.execute(f"INSERT INTO {name} SELECT * FROM incoming")
        self._database.unregister("incoming")
