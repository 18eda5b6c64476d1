"""Who acted on a result that has been corrected since: they are told, and the decision is looked at again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.record.tables import TABLES, Record, SetAside
from azaward.store.schema import decisions, handled

CORRECTED = "corrected"
_NAMES = [column.name for column in TABLES["results"]]


def corrected(
    connection: Connection, clinic_id: str, table: str, struck: Sequence[Mapping[str, Any]], record: Record
) -> list[SetAside]:
    """A notice for each result that somebody acted on, and whose value is no longer what they saw."""
    if table != "results":
        return []
    now = [dict(zip(_NAMES, row, strict=True)) for row in record.rows["results"]]
    notices: list[SetAside] = []
    for old in struck:
        same = [row for row in now if row["patient_id"] == old["patient_id"] and row["resource"] == old["resource"]]
        if any(shown(row) == shown(old) for row in same):
            continue
        who = _acted(connection, clinic_id, str(old["patient_id"]), old["entered_at"])
        if who:
            said = " and ".join(shown(row) for row in same) or "withdrawn"
            what = f"{old['analyte']} of {old['taken_on']} was {shown(old)} and is {said}"
            why = f"{' and '.join(who)} acted on it. Look at the decision again."
            notices.append(SetAside("results", what, why, str(old["patient_id"]), CORRECTED, old["resource"]))
    return notices


def shown(row: Mapping[str, Any]) -> str:
    """The value of a result, in words."""
    cells = (row["comparator"], f"{row['value']:g}" if row["value"] is not None else None, row["unit"], row["text"])
    return " ".join(str(cell) for cell in cells if cell)


def _acted(connection: Connection, clinic_id: str, patient_id: str, since: dt.datetime) -> list[str]:
    """Who decided something, or dealt with a finding, after the result had come."""
    found: dict[str, None] = {}
    for table in (decisions, handled):
        question = sa.select(table.c.by).where(
            table.c.clinic_id == clinic_id, table.c.patient_id == patient_id, table.c.at >= since
        )
        found |= dict.fromkeys(connection.scalars(question.order_by(table.c.id)))
    return list(found)
