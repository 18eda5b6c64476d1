"""What happens next for one patient, in words: the dose, what it waits for, the tests, the problems, and who acts.

The rules work out what it comes to (`rules/whole/plan.py`); here its numbers become tablets, its codes words, and
findings that mean one thing one problem.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.messages import messages
from azaward.problems import Problem
from azaward.rules.language.columns import from_day_number
from azaward.treatment import tablet_sizes, tablets_for
from azaward.wording import Words, amount, interval

Row = Mapping[str, Any]
Range = tuple[float, float]


class Out(msgspec.Struct, frozen=True, kw_only=True):
    """Part of the JSON that azaward gives out."""


class Until(Out, frozen=True):
    """What the decision about the dose waits for, and the day after which no new supply is given without it.

    `test` is the id of the test that is waited for; None where somebody has to decide something.
    """

    what: str
    by: dt.date
    test: str | None = None


class Proposal(Out, frozen=True):
    """A higher dose to consider, in mg a day, and what must hold before it is given."""

    mg_per_day: Range
    conditions: list[str]


class DosePlan(Out, frozen=True):
    """The decision about the dose, what it waits for, and milligrams a day: None where they are not known.

    `taken_mg_per_day` is what is taken today, `mg_per_day` what to take from now on, `target_mg_per_day` the usual
    range of the indication, and `tablets` makes up the higher end of `mg_per_day`.
    """

    decision: str
    mg_per_day: Range | None
    tablets: str | None
    until: list[Until] = []
    taken_mg_per_day: float | None = None
    target_mg_per_day: Range | None = None
    proposal: Proposal | None = None


class NextTest(Out, frozen=True):
    """A test and the day by which it is to be done."""

    analyte: str
    due_on: dt.date
    why: str


class Plan(Out, frozen=True):
    """What happens next: the dose, the tests, how urgent, who acts, and the problems behind it."""

    dose: DosePlan
    next_tests: list[NextTest]
    urgency: str
    who: str
    problems: list[Problem] = []


def plan_of(
    row: Row, until: Iterable[Row], tests: Iterable[Row], problems: list[Problem], words: Words, knowledge: Knowledge
) -> Plan:
    """A patient's plan from the rows that the rules worked out."""
    # What is asked for comes before what has its turn.
    ordered = sorted(tests, key=lambda test: (test["subject"] is None, test["due_day"], test["test"]))
    return Plan(
        dose=_dose(row, until, words, knowledge),
        next_tests=[_next_test(test, words) for test in ordered],
        urgency=row["urgency"],
        who=row["who"],
        problems=problems,
    )


def _dose(row: Row, until: Iterable[Row], words: Words, knowledge: Knowledge) -> DosePlan:
    daily = _range(row["mg_low"], row["mg_high"])
    return DosePlan(
        decision=row["decision"],
        mg_per_day=daily,
        tablets=_tablets(row["decision"], daily, row["medicine"], knowledge) if daily and daily[1] else None,
        until=_until(until, words),
        taken_mg_per_day=row["taken"],
        target_mg_per_day=_range(row["target_low"], row["target_high"]),
        proposal=_proposal(row),
    )


def _until(rows: Iterable[Row], words: Words) -> list[Until]:
    """The tests and decisions that are waited for, the soonest first; one of each."""
    waited: dict[str, Until] = {}
    for row in sorted(
        rows, key=lambda row: (row["by_day"], row["test"] is None, row["test"] or "", row["subject"] or "")
    ):
        test = row["test"]
        name = words.name(test or row["subject"] or row["code"], "" if test else row["code"])[0]
        what = name if test else f"{name}: a clinician decides"
        waited.setdefault(what, Until(what=what, by=from_day_number(row["by_day"]), test=test))
    return list(waited.values())


def _range(low: float | None, high: float | None) -> Range | None:
    return None if low is None or high is None else (round(low, 1), round(high, 1))


def _proposal(row: Row) -> Proposal | None:
    daily = _range(row["proposal_low"], row["proposal_high"])
    return Proposal(mg_per_day=daily, conditions=list(messages()["proposal"]["conditions"])) if daily else None


def _tablets(decision: str, daily: Range, medicine: str, knowledge: Knowledge) -> str | None:
    """The tablets for the higher end of a range, or that none makes so small a dose; None where no size is known."""
    low, high = daily
    sizes = tablet_sizes(knowledge, medicine)
    if not sizes:
        return None
    if high < sizes[-1]:
        return f"no tablet makes {amount(high)} mg a day; ask the pharmacist what can be given"
    exact = low == high and not high % sizes[-1]
    if decision == "continue" and not exact:
        # Fewer tablets would be less than is taken.
        return f"whole tablets of {' and '.join(f'{size:g}' for size in sizes)} mg don't make {amount(high)} mg a day"
    return ("" if exact else "at most ") + tablets_for(high, knowledge, medicine)


def _next_test(row: Row, words: Words) -> NextTest:
    name = words.name(row["test"])[0]
    if row["subject"] is not None:
        why = f"{name}: asked for ({words.name(row['subject'])[0]}: {row['action']})"
    else:
        why = f"{name} every {interval(row['every_days'])}, {row['phase']} ({row['protocol']})"
    return NextTest(analyte=row["test"], due_on=from_day_number(row["due_day"]), why=why)


def dose_in_words(dose: DosePlan) -> Sequence[str]:
    """The plan's dose in lines for a clinician: what to do, what it waits for, the usual range, a proposal.

    >>> dose_in_words(DosePlan(decision="continue", mg_per_day=(50, 50), tablets="1 x 50 mg a day",
    ...                        target_mg_per_day=(140, 175)))
    ['continue, 50 mg a day (1 x 50 mg a day)', 'usual range: 140 to 175 mg a day']
    """
    first = dose.decision
    if dose.mg_per_day:
        first += f", {mg_in_words(dose.mg_per_day)}"
    elif dose.decision in ("continue", "reduce", "change", "start"):
        first += ", dose not known"
    if dose.tablets:
        first += f" ({dose.tablets})"
    lines = [first]
    held = dose.decision in ("withhold", "do-not-start")
    lines += [
        f"waits for: {each.what}, by {each.by}" if held else f"no new supply after {each.by} without: {each.what}"
        for each in dose.until
    ]
    if dose.target_mg_per_day:
        lines.append(f"usual range: {mg_in_words(dose.target_mg_per_day)}")
    if dose.proposal:
        conditions = "; ".join(dose.proposal.conditions)
        lines.append(f"to consider: {mg_in_words(dose.proposal.mg_per_day)}, if {conditions}")
    return lines


def mg_in_words(daily: Range) -> str:
    """A range in mg a day.

    >>> mg_in_words((50, 50)), mg_in_words((0, 50)), mg_in_words((0, 0))
    ('50 mg a day', 'at most 50 mg a day', 'no dose')
    """
    low, high = daily
    if not high:
        return "no dose"
    if low == high:
        return f"{amount(high)} mg a day"
    return f"{amount(low)} to {amount(high)} mg a day" if low else f"at most {amount(high)} mg a day"
