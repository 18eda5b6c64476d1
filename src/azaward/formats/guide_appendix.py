"""Which facts do the guides rest on? Every row that a guide refers to, for the clinician who reviews them all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from azaward.guides.library import Body
from azaward.knowledge import Knowledge
from azaward.knowledge.schema import Fact

_EVERY_FACT = {"source", "locator", "how", "checked_on", "id"}


class Used(NamedTuple):
    """A row of a table as a reviewer reads it."""

    table: str
    id: str
    says: str
    source: str
    locator: str
    how: str
    checked_on: str


def facts_used(knowledge: Knowledge, bodies: Iterable[Body]) -> list[Used]:
    """The rows that these guides refer to, by table and id, each once."""
    keys = sorted({key for body in bodies for key in body.used})
    found: list[Used] = []
    for key in keys:
        table, _, id = key.partition(":")
        rows = [
            row for row in knowledge.tables[table] if id in (getattr(row, "id", ""), getattr(row, "indication", ""))
        ]
        if table == "trials":
            rows += [row for row in knowledge.tables["trial_arms"] if row.trial == id]
        found += [
            _used("trial_arms" if hasattr(row, "arm") else table, id, row) for row in rows if isinstance(row, Fact)
        ]
    return found


def _used(table: str, id: str, row: Any) -> Used:
    cells = {
        field.name: getattr(row, field.name)
        for field in msgspec.structs.fields(type(row))
        if field.name not in _EVERY_FACT and getattr(row, field.name) is not None
    }
    says = "; ".join(f"{name.replace('_', ' ')}: {_cell(value)}" for name, value in cells.items())
    return Used(table, id, says, row.source, row.locator, row.how, row.checked_on.isoformat())


def _cell(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
