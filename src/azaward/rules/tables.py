"""The tables that rules are written against, as unbound Ibis expressions.

Nothing here touches data: an expression is compiled once to the SQL of an engine and run there. `record`
tables are what is known of patients, `knowledge` relations what medicine knows, and stages (rules/stages/)
what several rules share, worked out once and stored by the engine under their own names.
"""

from __future__ import annotations

from typing import Any

from azaward.knowledge import load
from azaward.knowledge.relations import schemas
from azaward.record.tables import TABLES
from azaward.rules.untyped import ibis

# Ibis builds its columns at run time; a static type for them would be an invention.
Table = Any
Value = Any

_TYPES = {"string": "string", "date": "date", "float": "float64"}

DAYS_IN_WEEK = 7
DAYS_IN_MONTH = 30.4375
DAYS_IN_YEAR = 365.25

# Who is asked about: one row a patient, the day that counts as today, and the protocol (empty: chosen by indication).
REQUESTS = {"patient_id": "string", "as_of": "date", "protocol": "string"}


def record(name: str) -> Table:
    """One of the six tables."""
    return ibis.table({c.name: _TYPES[c.type] for c in TABLES[name]}, name=name)


def requests() -> Table:
    """Who is asked about, as of which day, under which protocol."""
    return ibis.table(REQUESTS, name="requests")


def knowledge(name: str) -> Table:
    """One relation of the knowledge base, by its file's name or `protocol_` and a list's name."""
    return ibis.table(schemas()[name], name=f"k_{name}")


def parameters(*ids: str) -> Table:
    """One row with the named parameters of parameters.csv as columns, to be cross joined."""
    columns = {parameter.id: "float64" for parameter in load().tables["parameters"]}
    return ibis.table(columns, name="k_parameters").select(*ids)


def day_number(day: Value) -> Value:
    """Days since 1970-01-01, so that day arithmetic is the same integer arithmetic on every engine."""
    return day.delta(ibis.date(1970, 1, 1), unit="day").cast("int64")


def from_day(number: Value) -> Value:
    """A day number as a date."""
    return (ibis.date(1970, 1, 1) + number.as_interval("D")).cast("date")


def cite(table: Table) -> Value:
    """A row's source, locator and whether it was read, as one text that `assessment` takes apart."""
    return table.source + "|" + table.locator + "|" + table.how
