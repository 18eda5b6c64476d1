"""What did each of my tests show, in plain words, beside the laboratory's range and the clinic's limits?"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from azaward.assessment import PatientAssessment
from azaward.knowledge import Knowledge
from azaward.record.tables import Record
from azaward.reports.series import GROUPS, Limit, Point, Series, rows_of, series_of, timeline
from azaward.reports.words import normal_range, pretty_unit
from azaward.wording import COMPARISONS, Words, amount

_PLAIN_GROUPS = {"Metabolites": "Medicine levels"}
_OTHERS = "Other tests"


@dataclass(frozen=True)
class Result:
    """One test as a patient reads it. `place` says where the last value lies, `meaning` what is measured.

    `said` are the findings' own words about the last value.
    """

    name: str
    unit: str
    last: str
    on: dt.date
    before: str | None
    before_on: dt.date | None
    normal: str
    place: str
    beyond: bool
    limits: tuple[str, ...]
    meaning: str
    said: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Results that belong together."""

    name: str
    results: tuple[Result, ...]


def results_of(
    patient: PatientAssessment, own: Record, knowledge: Knowledge, words: Words, as_of: dt.date
) -> list[Group]:
    """Every test with a result that can be used, in the order of the report; `own` holds this patient's rows."""
    course = timeline(patient, own, knowledge, as_of, chosen=patient.protocol in knowledge.protocols)
    drawn = {series.analyte: series for series in course.series} if course else {}
    rows: dict[str, list[dict[str, object]]] = {}
    for row in rows_of(own, "results"):
        rows.setdefault(str(row["analyte"]), []).append(row)
    grouped = {analyte for _, members in GROUPS for analyte in members}
    others = [
        series_of(analyte, rows[analyte], patient, None, knowledge, as_of)
        for analyte in sorted(rows.keys() & knowledge.analytes.keys() - grouped)
    ]
    held = [(name, [drawn[analyte] for analyte in members if analyte in drawn]) for name, members in GROUPS]
    held.append((_OTHERS, [series for series in others if series]))
    return [
        Group(_PLAIN_GROUPS.get(name, name), tuple(_result(series, patient, knowledge, words) for series in members))
        for name, members in held
        if members
    ]


def _result(series: Series, patient: PatientAssessment, knowledge: Knowledge, words: Words) -> Result:
    last = series.points[-1]
    before = series.points[-2] if len(series.points) > 1 else None
    said = [
        finding.says_patient
        for finding in patient.findings
        # A later one that could not be read is told beside the last that could.
        if finding.subject == series.analyte and finding.says_patient and finding.observed
        if finding.observed.on is None or finding.observed.on >= last.on
    ]
    place, beyond = place_of(last, series.normal)
    name = words.name(series.analyte)[1]
    return Result(
        name=name[:1].upper() + name[1:],
        unit=pretty_unit(series.unit),
        last=amount(last.value, last.comparator),
        on=last.on,
        before=amount(before.value, before.comparator) if before else None,
        before_on=before.on if before else None,
        normal=normal_range(series.normal),
        place=place,
        beyond=beyond,
        limits=tuple(_limit(limit) for limit in series.limits),
        meaning=knowledge.analytes[series.analyte].plain_meaning,
        said=tuple(dict.fromkeys(said)),
    )


def _limit(limit: Limit) -> str:
    return f"{COMPARISONS.get(limit.comparison, limit.comparison)} {amount(limit.value)}"


def place_of(point: Point, normal: tuple[float | None, float | None]) -> tuple[str, bool]:
    """Where a value lies by the laboratory's own range, and whether that is outside it.

    >>> day = dt.date(2026, 1, 1)
    >>> place_of(Point(day, 3.0, None, False), (4.0, 11.0))
    ("lower than the laboratory's normal range", True)
    >>> place_of(Point(day, 5.0, "<", False), (4.0, 11.0))
    ('not measured exactly; your team can tell you what it means', False)
    >>> place_of(Point(day, 5.0, None, False), (None, None))
    ('no normal range was given with it', False)
    """
    low, high = normal
    if low is None and high is None:
        return "no normal range was given with it", False
    value, sign = point.value, (point.comparator or "")[:1]
    if low is not None and sign != ">" and (value < low or (value == low and point.comparator == "<")):
        return "lower than the laboratory's normal range", True
    if high is not None and sign != "<" and (value > high or (value == high and point.comparator == ">")):
        return "higher than the laboratory's normal range", True
    open_below = sign == "<" and low is not None
    open_above = sign == ">" and high is not None
    if open_below or open_above:
        return "not measured exactly; your team can tell you what it means", False
    # Half a range says nothing of the other side.
    if low is None or high is None:
        return "on the normal side of the one limit that the laboratory gave", False
    return "inside the laboratory's normal range", False
