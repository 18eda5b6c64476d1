"""Compares what an engine found with what a page expects, in the columns that the page shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from azaward.assessment import PatientAssessment
from azaward.engine import Answer
from azaward.rules.language.columns import COLUMNS, gaps_of
from tests.rules.tables import Case

_NAMES = {"limit": "limit_value"}


def shown(value: Any) -> str:
    """A value as a page writes it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def actual(case: Case, name: str, answer: Answer, assessed: Mapping[str, PatientAssessment]) -> list[dict[str, str]]:
    """The rows that the engine gives for one expected table, with the columns that the page shows."""
    columns = list(case.expected[name][0]) if case.expected[name] else ["patient_id", "code"]
    rows: list[dict[str, Any]] = []
    if name == "due":
        rows = [
            {**row, "due_on": dt.date(1970, 1, 1) + dt.timedelta(days=row["due_day"])}
            for row in answer.due
            if row["patient_id"].startswith(case.prefix)
        ]
    elif name == "plan":
        for patient_id, one in assessed.items():
            if patient_id.startswith(case.prefix):
                low, high = one.plan.dose.mg_per_day or (None, None)
                rows.append(
                    {
                        "patient_id": patient_id,
                        "decision": one.plan.dose.decision,
                        "low": low,
                        "high": high,
                        "tablets": one.plan.dose.tablets,
                        "urgency": one.plan.urgency,
                        "who": one.plan.who,
                        "protocol": one.protocol,
                    }
                )
    else:
        rows = [
            {**row, **gaps_of(row)}
            for row in answer.findings
            if row["rule"] == name and row["patient_id"].startswith(case.prefix)
        ]
        only = {row["code"] for row in case.expected[name] if "code" in row}
        if case.title.endswith("(only)"):
            rows = [row for row in rows if row["code"] in only]
    known = {*COLUMNS, *(column for row in rows for column in row)}
    assert not rows or {_NAMES.get(column, column) for column in columns} <= known, columns
    for row in rows:
        row["patient_id"] = row["patient_id"].removeprefix(case.prefix)
    return sorted(
        ({column: shown(row.get(_NAMES.get(column, column))) for column in columns} for row in rows),
        key=lambda row: list(row.values()),
    )


def expected(case: Case, name: str) -> list[dict[str, str]]:
    """The page's rows, numbers in one spelling."""

    def spell(cell: str) -> str:
        try:
            return f"{float(cell):.6g}"
        except ValueError:
            return cell

    rows = [
        {column: (cell if column in ("patient_id", "code") else spell(cell)) for column, cell in row.items()}
        for row in case.expected[name]
    ]
    return sorted(rows, key=lambda row: list(row.values()))
