"""What every engine does: it holds the knowledge and the compiled rules, and answers one question after another."""

from __future__ import annotations

import datetime as dt
import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.relations import Schema, relations, schemas
from azaward.knowledge.loading.units import conversions_for
from azaward.record.tables import TABLES, Record
from azaward.rules.language.columns import COLUMNS, FOUND, UNREAD, from_day_number
from azaward.rules.pipeline import ONCE, PLANS, Step, compiled, needed


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
    until: list[Row]
    next_tests: list[Row]


RECORD_TABLES: dict[str, Schema] = {
    # Where a row came from is at the end of it and of no concern to a rule.
    **{name: {column.name: column.type for column in columns if column.ruled} for name, columns in TABLES.items()},
    "requests": {"patient_id": "string", "as_of": "date", "protocol": "string"},
    "unread": UNREAD,
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
        steps = compiled(knowledge.parameters, self.dialect)
        self._steps, self._joined = needed(steps, only)
        self._stages = {step.name for step in self._steps if not step.is_rule}
        for name, (schema, rows) in relations(knowledge, self._joined).items():
            self._create(f"k_{name}", schema)
            self._fill(f"k_{name}", schema, rows)
        for name, schema in {**RECORD_TABLES, "s_found": FOUND}.items():
            self._create(name, schema)
        for step in self._steps:
            if not step.is_rule:
                self._run(f"CREATE TABLE s_{step.name} AS {step.sql}")

    def ask(self, record: Record, requests: Iterable[Request]) -> Answer:
        """Every rule's answer for the patients asked about; threads are answered one after another."""
        with self._asking:
            return self._ask(record, requests)

    def _ask(self, record: Record, requests: Iterable[Request]) -> Answer:
        unread = [(x.patient_id, x.kind, x.where, x.what, x.why, x.on) for x in record.set_aside if x.patient_id]
        tables: dict[str, Rows] = {**record.rows, "requests": list(requests), "unread": unread}
        for name, rows in tables.items():
            self._run(f"DELETE FROM {name}")
            try:
                self._fill(name, RECORD_TABLES[name], rows)
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
            if step.name in ONCE:
                filled[step.name] = 1
            elif not step.is_rule:
                filled[step.name] = self._store(step)
            elif all(filled[name] for name in step.needs):
                findings += [{**_EMPTY, **step.constants, **row} for row in self._rows(self._sql(step))]
        if unusual:
            self._run("DELETE FROM k_conversions")
            schema, rows = relations(self.knowledge, {"conversions"})["conversions"]
            self._fill("k_conversions", schema, rows)
        return Answer(
            [{**row, "on": None if row["on"] is None else from_day_number(row["on"])} for row in findings],
            self._stored("due", "SELECT * FROM s_due"),
            self._stored("person", "SELECT patient_id, protocol, status FROM s_person"),
            self._stored("unusable", "SELECT * FROM s_unusable"),
            self._stored("plan", "SELECT * FROM s_plan"),
            self._stored("until", "SELECT * FROM s_until"),
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

    def _sql(self, step: Step) -> str:
        """What is asked to work a step out."""
        return step.sql

    @abstractmethod
    def _run(self, sql: str) -> Any: ...

    @abstractmethod
    def _rows(self, sql: str) -> list[Row]: ...

    @abstractmethod
    def _store(self, step: Step) -> int:
        """Works out a stage, stores it under its name and gives its number of rows."""

    @abstractmethod
    def _fill(self, name: str, schema: Schema, rows: Rows) -> None: ...
