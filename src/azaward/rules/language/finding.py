"""Makes the rows of a rule into findings."""

from __future__ import annotations

from typing import Any

from azaward.rules.language.columns import COLUMNS
from azaward.rules.language.tables import Table, Value, day_number
from azaward.rules.language.untyped import ibis


def findings(table: Table, rule: str, **columns: Any) -> Table:
    """`table`'s rows as findings; `columns` are expressions or constants, what isn't given is empty.

    `protocol` comes from the table where it has that column.
    """
    given: dict[str, Value] = {"patient_id": table.patient_id, "rule": rule, **columns}
    if "protocol" in table.columns:
        given.setdefault("protocol", table.protocol)
    if odd := set(given) - set(COLUMNS):
        raise ValueError(f"{rule}: no such finding column: {odd}")
    cells: dict[str, Value] = {}
    for name, kind in COLUMNS.items():
        cell = given.get(name)
        if cell is None or isinstance(cell, str | int | float):
            cell = ibis.literal(cell, type=kind)
        if name == "on" and cell.type().is_date():
            cell = day_number(cell)
        cells[name] = cell.cast(kind)
    return table.select(**cells)


def number(value: Value) -> Value:
    """A number as text for the gaps in a message; whole numbers without a point."""
    # No engine turns infinity into an integer.
    value = (value.abs() < float("inf")).ifelse(value, ibis.null("float64"))
    whole = value.round(0) == value
    # Engines differ in what they make of the half at the third place; this arithmetic is the same on each.
    two_places = (value * 100 + 0.5).floor() / 100
    return whole.ifelse(value.round(0).cast("int64").cast("string"), two_places.cast("string"))
