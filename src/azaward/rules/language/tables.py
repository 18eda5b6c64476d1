"""The tables that rules are written against, as unbound Ibis expressions.

Nothing here touches data: an expression is compiled once to the SQL of an engine and run there. `record`
tables are what is known of patients, `knowledge` relations what medicine knows, and stages (rules/stages/)
what several rules share, worked out once and stored by the engine under their own names.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

from azaward.errors import KnowledgeError
from azaward.knowledge.loading.faults import did_you_mean
from azaward.knowledge.loading.relations import schemas
from azaward.knowledge.loading.schema.facts import Parameter
from azaward.record.tables import TABLES
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.terms import Urgency

_TYPES = {"string": "string", "date": "date", "float": "float64"}

DAYS_IN_WEEK = 7
DAYS_IN_LONGEST_MONTH = 31
DAYS_IN_MONTH = 30.4375
DAYS_IN_YEAR = 365.25

# Who is asked about: one row a patient, the day that counts as today, and the protocol (empty: chosen by indication).
REQUESTS = {"patient_id": "string", "as_of": "date", "protocol": "string"}

# Set while expressions are built: the rows of parameters.csv by id, and which stage or rule is being built.
PARAMETERS: ContextVar[Mapping[str, Parameter]] = ContextVar("PARAMETERS")
BUILDING: ContextVar[str] = ContextVar("BUILDING", default="a rule")


def record(name: str) -> Table:
    """One of the six tables, less what says only where a row came from."""
    return ibis.table({c.name: _TYPES[c.type] for c in TABLES[name] if c.ruled}, name=name)


def requests() -> Table:
    """Who is asked about, as of which day, under which protocol."""
    return ibis.table(REQUESTS, name="requests")


def knowledge(name: str) -> Table:
    """One relation of the knowledge base, by its file's name or `protocol_` and a list's name."""
    if name not in schemas():
        raise KnowledgeError(f"rules/{BUILDING.get()}: no table {name!r} of knowledge.{did_you_mean(name, schemas())}")
    return ibis.table(schemas()[name], name=f"k_{name}")


def parameter_row(id: str) -> Parameter:
    """The row of parameters.csv; `KnowledgeError` names who asks for one that isn't there."""
    rows = PARAMETERS.get()
    if id not in rows:
        raise KnowledgeError(
            f"rules/{BUILDING.get()}: no parameter {id!r} in knowledge/parameters.csv.{did_you_mean(id, rows)} "
            "Add its row, with its source."
        )
    return rows[id]


def parameter(id: str) -> Value:
    """A number of parameters.csv, as a literal in the SQL: a join for each would cost more than most rules."""
    # As a cast text: DuckDB and Spark would take a bare 0.5 for a decimal.
    return ibis.literal(repr(parameter_row(id).value)).cast("float64")


def urgency_of(rank: Value) -> Value:
    """The urgency's word from its rank."""
    return ibis.cases(*((rank == urgency.rank, urgency) for urgency in Urgency))


def day_number(day: Value) -> Value:
    """Days since 1970-01-01, so that day arithmetic is the same integer arithmetic on every engine."""
    return day.delta(ibis.date(1970, 1, 1), unit="day").cast("int64")


def day_words(number: Value) -> Value:
    """A day number for a gap in a message; wording.py writes it as a day."""
    return "day:" + number.cast("string")


def greatest(one: Value, other: Value) -> Value:
    """The larger of two; the other where one is unknown (engines differ in what they make of that)."""
    return ibis.coalesce(ibis.greatest(one, other), one, other)


def least(one: Value, other: Value) -> Value:
    """The smaller of two; the other where one is unknown."""
    return ibis.coalesce(ibis.least(one, other), one, other)
