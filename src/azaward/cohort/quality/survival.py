"""How long do people stay on treatment, and what came before they stopped? Survival on the drug, by lifelines.

The counts are of days and reasons, added up over shares; one row stands for all whose days and reason are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from azaward.cohort.intervals import DAYS_IN_MONTH, LEVEL
from azaward.cohort.quality.hidden import Sum, hidden
from azaward.cohort.quality.words import REASONS

# When the curve is read off for the table, in months.
MONTHS = (0, 3, 6, 12, 24, 36, 60, 120, 180, 240)
STILL_ON = "still_on"
# The group of everyone, and what stands before the names of the others: one may be called as the whole is.
WHOLE, PART = "all", "="
# Events of one day are put in the order of REASONS, this part of a day apart: the estimator knows no ties.
_APART = 1e-3


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """After so many months: how many are still watched, the share still on treatment, and of those who are not, why."""

    months: int
    at_risk: int | str
    still_on: float | None
    interval: tuple[float, float] | None
    stopped_after: dict[str, float | None]


class Treatment(msgspec.Struct, frozen=True, kw_only=True):
    """A group's time on treatment. `curve`: days and the share still on treatment; empty where numbers are hidden."""

    group: str
    part: bool
    people: int | str
    reasons: dict[str, int | str]
    still_on: int | str
    median_days: float | None
    points: list[Point]
    curve: list[tuple[float, float, float, float]]


def treatments(groups: Mapping[str, Mapping[tuple[str, int], int]], suppress: int | None) -> list[Treatment]:
    """Survival of each group, from how many people of it had each reason (or `still_on`) after so many days."""
    ordered = sorted(groups, key=lambda group: (group != WHOLE, group))
    totals = {group: _by_reason(groups[group]) for group in ordered}
    secret: set[Any] = set()
    if suppress:
        words = (*REASONS, STILL_ON)
        cells: dict[Any, int] = {(group, word): totals[group][word] for group in ordered for word in words}
        cells |= {(group, "all"): totals[group].total() for group in ordered}
        sums = [Sum(((group, "all"),), tuple((group, word) for word in words)) for group in ordered]
        if len(ordered) > 1:
            sums += [
                Sum(((WHOLE, word),), tuple((group, word) for group in ordered if group != WHOLE))
                for word in (*words, "all")
            ]
        secret = hidden(cells, sums, suppress)
    return [_one(group, groups[group], totals[group], suppress, secret) for group in ordered]


def _by_reason(days: Mapping[tuple[str, int], int]) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for (reason, _), n in days.items():
        reasons[reason] += n
    return reasons


def _one(
    group: str, days: Mapping[tuple[str, int], int], totals: Counter[str], suppress: int | None, secret: set[Any]
) -> Treatment:
    from lifelines import KaplanMeierFitter

    def shown(word: str, n: int) -> int | str:
        if (group, word) not in secret:
            return n
        return f"<{suppress}" if suppress and n < suppress else "hidden"

    rows = sorted((day + _APART * (place(reason)), reason, n) for (reason, day), n in days.items())
    durations, reasons, weights = (list(column) for column in zip(*rows, strict=True))
    stopped = [reason != STILL_ON for reason in reasons]
    kaplan_meier: Any = KaplanMeierFitter(alpha=1 - LEVEL).fit(durations, stopped, weights=weights)
    by_reason = {
        reason: _incidence(durations, reasons, weights, reason)
        for reason in REASONS
        if totals[reason] and (group, reason) not in secret
    }
    times: list[float] = [float(day) for day in kaplan_meier.survival_function_.index]
    survival = [float(each) for each in kaplan_meier.survival_function_.iloc[:, 0]]
    low = [float(each) for each in kaplan_meier.confidence_interval_.iloc[:, 0]]
    high = [float(each) for each in kaplan_meier.confidence_interval_.iloc[:, 1]]
    everyone = (group, "all") not in secret
    median = float(kaplan_meier.median_survival_time_)
    points: list[Point] = []
    gone_before = 0
    for months in MONTHS:
        until = months * DAYS_IN_MONTH
        at_risk = sum(n for day, n in zip(durations, weights, strict=True) if day >= until)
        gone = sum(n for day, n, end in zip(durations, weights, stopped, strict=True) if end and day <= until)
        if not at_risk or (suppress and (not everyone or at_risk < suppress or 0 < gone - gone_before < suppress)):
            continue
        gone_before = gone
        last = max((place for place, day in enumerate(times) if day <= until), default=0)
        digits = 2 if suppress else 6
        points.append(
            Point(
                months=months,
                at_risk=at_risk,
                still_on=round(survival[last], digits),
                interval=(round(low[last], digits), round(high[last], digits)),
                stopped_after={}
                if suppress
                else {reason: round(_at(curve, until), digits) for reason, curve in by_reason.items()},
            )
        )
    keep = not suppress
    return Treatment(
        group=group.removeprefix(PART),
        part=group != WHOLE,
        people=shown("all", totals.total()),
        reasons={reason: shown(reason, totals[reason]) for reason in REASONS},
        still_on=shown(STILL_ON, totals[STILL_ON]),
        median_days=round(median, 0) if median != float("inf") and keep else None,
        points=points,
        curve=_steps(times, survival, low, high) if keep else [],
    )


def place(reason: str) -> int:
    """The order of events of one day: as in `REASONS`, and who is still on treatment last."""
    return ([*REASONS].index(reason) if reason in REASONS else len(REASONS)) + 1


def _incidence(durations: list[float], reasons: list[str], weights: list[int], reason: str) -> Any:
    """The share that has stopped with one reason by each day, the other reasons competing."""
    from lifelines import AalenJohansenFitter

    kinds = [0 if each == STILL_ON else place(each) for each in reasons]
    fitter: Any = AalenJohansenFitter(calculate_variance=False)
    fitter.fit(durations, kinds, event_of_interest=place(reason), weights=weights)
    return fitter.cumulative_density_.iloc[:, 0]


def _at(curve: Any, day: float) -> float:
    before = curve[curve.index <= day]
    return float(before.iloc[-1]) if len(before) else 0.0


def _steps(
    times: list[float], survival: list[float], low: list[float], high: list[float]
) -> list[tuple[float, float, float, float]]:
    """The curve's steps alone, thinned to what a drawing can show."""
    kept: list[tuple[float, float, float, float]] = []
    for day, *values in zip(times, survival, low, high, strict=True):
        still, lowest, highest = (round(each, 4) for each in values)
        if not kept or kept[-1][1:] != (still, lowest, highest):
            kept.append((round(day), still, lowest, highest))
    if times:
        kept.append((round(times[-1]), *kept[-1][1:]))
    return kept
