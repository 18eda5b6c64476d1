"""Compares what an engine found with what a page expects, in the columns that the page shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
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


def _plan(one: PatientAssessment) -> list[dict[str, Any]]:
    dose = one.plan.dose
    low, high = dose.mg_per_day or (None, None)
    target_low, target_high = dose.target_mg_per_day or (None, None)
    proposal_low, proposal_high = dose.proposal.mg_per_day if dose.proposal else (None, None)
    return [
        {
            "decision": dose.decision,
            "taken": dose.taken_mg_per_day,
            "low": low,
            "high": high,
            "target_low": target_low,
            "target_high": target_high,
            "proposal_low": proposal_low,
            "proposal_high": proposal_high,
            "tablets": dose.tablets,
            "until": "; ".join(f"{each.what} by {each.by}" for each in dose.until),
            "urgency": one.plan.urgency,
            "who": one.plan.who,
            "protocol": one.protocol,
        }
    ]


# What a page may show of a patient's plan, by the name of the table.
PLANNED: dict[str, Callable[[PatientAssessment], list[dict[str, Any]]]] = {
    "plan": _plan,
    "next tests": lambda one: [
        {"test": test.analyte, "due_on": test.due_on, "why": test.why} for test in one.plan.next_tests
    ],
    "problems": lambda one: [
        {"title": problem.title, "findings": ", ".join(one.findings[place].code for place in problem.findings)}
        for problem in one.plan.problems
    ],
}


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
    elif name in PLANNED:
        for patient_id, one in assessed.items():
            if patient_id.startswith(case.prefix):
                rows += [{"patient_id": patient_id, **row} for row in PLANNED[name](one)]
    else:
        rows = [
            {**row, **gaps_of(row)}
            for row in answer.findings
            if row["rule"] == name and row["patient_id"].startswith(case.prefix)
        ]
        only = {row["code"] for row in case.expected[name] if "code" in row}
        if case.title.endswith("(only)"):
            rows = [row for row in rows if row["code"] in only]
    if name in PLANNED and case.title.endswith("(only)") and len(columns) > 1:
        wanted = {row[columns[1]] for row in case.expected[name]}
        rows = [row for row in rows if shown(row[columns[1]]) in wanted]
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
