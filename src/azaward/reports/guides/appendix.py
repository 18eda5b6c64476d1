"""Which facts do the guides rest on? Every row that a guide cites, for the clinician who reviews them all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from azaward.guides.library import Body

# Said beside the row, not in it.
_EVERY_FACT = {"source", "locator", "how", "checked_on", "id"}
# What names a row that has no id.
_NAMES = ("id", "trial", "test", "analyte", "indication", "code", "phase", "population")


class Used(NamedTuple):
    """A row as a reviewer reads it: what kind of fact, its name, its cells, and where it was read."""

    table: str
    id: str
    says: str
    source: str
    locator: str
    how: str
    checked_on: str


def facts_used(bodies: Iterable[Body]) -> list[Used]:
    """The rows that these guides cite, by kind and name, each once.

    >>> from azaward.guides.library import library
    >>> from azaward.knowledge import load
    >>> facts_used([library().get("missed-dose").body(load())])[0].table
    'GuideFact'
    """
    rows: dict[int, Any] = {id(row): row for body in bodies for row in body.facts}
    return sorted(_used(row) for row in rows.values())


def _used(row: Any) -> Used:
    named = next((str(getattr(row, name)) for name in _NAMES if getattr(row, name, None) is not None), "")
    cells = {
        field.name: getattr(row, field.name)
        for field in msgspec.structs.fields(type(row))
        if field.name not in _EVERY_FACT and getattr(row, field.name) is not None
    }
    says = "; ".join(f"{name.replace('_', ' ')}: {_cell(value)}" for name, value in cells.items())
    return Used(type(row).__name__, named, says, row.source, row.locator, row.how, row.checked_on.isoformat())


def _cell(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
