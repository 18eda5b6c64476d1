"""What did a patient's results do over time, against which limits, and on which dose?

For the report: the same results that the rules use, in canonical units, with the limits of the patient's own
protocol, the steps of the dose and what happened meanwhile. Nothing is drawn here (report_charts.py does).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from azaward.assessment import Finding, PatientAssessment
from azaward.knowledge import ACTIONS, MOST_CAUTIOUS, Knowledge
from azaward.knowledge.loading.protocols import holds_for
from azaward.knowledge.loading.units import convert
from azaward.record.names import as_written
from azaward.record.tables import STATUS_NEVER_COUNTS, TABLES, Record
from azaward.rules.organs.metabolites import FALLBACK
from azaward.treatment import thiopurines
from azaward.wording import amount

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Blood counts", ("wbc", "neutrophils", "lymphocytes", "platelets", "haemoglobin", "mcv")),
    ("Liver", ("alt", "ast", "alp", "bilirubin")),
    ("Kidney", ("creatinine", "egfr")),
    ("Metabolites", ("tgn", "mmp")),
)
ANALYTES = tuple(analyte for _, analytes in GROUPS for analyte in analytes)
# How much time a drawing holds, whatever the dates in the record: a placeholder such as 1900 would flatten it.
LONGEST_DAYS, SHORTEST_DAYS = 3653, 60
SIGNS = {"below": "<", "at-most": "≤", "above": ">", "at-least": "≥"}
_MULTIPLES = {"upper-limit-of-normal": 1, "lower-limit-of-normal": 0}
Row = Mapping[str, Any]


class Point(NamedTuple):
    """One result in the analyte's canonical unit; `found` where a finding speaks of it."""

    on: dt.date
    value: float
    comparator: str | None
    found: bool


class Limit(NamedTuple):
    """A line to draw: the protocol acts on that side of `value`. `why` says what it is a multiple of."""

    comparison: str
    value: float
    action: str
    why: str

    @property
    def label(self) -> str:
        """The side that the protocol acts on, and the action."""
        return f"{SIGNS.get(self.comparison, '')}{amount(self.value)} {self.action.replace('-', ' ')}".strip()


class Step(NamedTuple):
    """A stretch of one daily dose; `mg` is None where the dose is not known.

    `end` is the first day without it, the day after the one asked about where it still runs.
    """

    start: dt.date
    end: dt.date
    mg: float | None


class Mark(NamedTuple):
    """Something that happened on a day: its number on the charts and its words below them."""

    on: dt.date
    number: int
    text: str


@dataclass(frozen=True)
class Series:
    """One analyte over time, oldest first, with its limits and the laboratory's last normal range."""

    analyte: str
    name: str
    unit: str
    points: tuple[Point, ...]
    limits: tuple[Limit, ...]
    normal: tuple[float | None, float | None]


@dataclass(frozen=True)
class Timeline:
    """All that is drawn of one patient, on one time axis from `first` to `last`.

    `older` counts the results that are too old for it.
    """

    first: dt.date
    last: dt.date
    series: tuple[Series, ...]
    older: int
    drug: str
    doses: tuple[Step, ...]
    marks: tuple[Mark, ...]


def rows_of(record: Record, table: str) -> list[dict[str, Any]]:
    """A table of the record as mappings."""
    names = [column.name for column in TABLES[table]]
    return [dict(zip(names, row, strict=True)) for row in record.rows[table]]


def timeline(
    patient: PatientAssessment, record: Record, knowledge: Knowledge, as_of: dt.date, chosen: bool = False
) -> Timeline | None:
    """What to draw of a patient whose own rows are `record`; None where no result can be drawn.

    `chosen`: the protocol was asked for by name, not taken from the indication.
    """
    family = _family(record, knowledge, chosen)
    by_analyte: dict[str, list[Row]] = {}
    for row in rows_of(record, "results"):
        by_analyte.setdefault(row["analyte"], []).append(row)
    oldest = dt.date.fromordinal(max(as_of.toordinal() - LONGEST_DAYS, 1))
    series: list[Series] = []
    older = 0
    for analyte in ANALYTES:
        whole = series_of(analyte, by_analyte.get(analyte, []), patient, family, knowledge, as_of)
        if whole:
            recent = tuple(point for point in whole.points if point.on >= oldest)
            older += len(whole.points) - len(recent)
            series += [replace(whole, points=recent)] if recent else []
    if not series:
        return None
    drug, doses = dose_steps(record, knowledge, as_of)
    first, last = min(drawn.points[0].on for drawn in series), as_of
    # A treatment begun shortly before the first result belongs in view; years of it without any result don't.
    span = max((last - first).days, SHORTEST_DAYS)
    earliest = max(first.toordinal() - span // 2, 1)
    begun = [step.start for step in doses if step.start.toordinal() >= earliest]
    first = min([first, dt.date.fromordinal(max(last.toordinal() - span, 1)), *begun])
    return Timeline(first, last, tuple(series), older, drug, doses, _marks(record, knowledge, drug, first, last))


@lru_cache(maxsize=4)
def _factors(knowledge: Knowledge) -> Mapping[tuple[str, str], tuple[float, float]]:
    return {(row.analyte, row.written): (row.factor, row.offset) for row in knowledge.tables["conversions"]}


def series_of(
    analyte: str,
    rows: Iterable[Row],
    patient: PatientAssessment,
    family: str | None,
    knowledge: Knowledge,
    as_of: dt.date,
) -> Series | None:
    """The usable results of one analyte among `rows`; None where there are none.

    The same ones as the rules use (rules/stages/lab.py), in the same unit.
    """
    about = knowledge.analytes[analyte]
    findings = [finding for finding in patient.findings if finding.subject == analyte and finding.observed]
    spoken_of = {finding.observed.on for finding in findings if finding.observed and finding.urgency != "info"}
    points: list[Point] = []
    normals: list[tuple[dt.date, float | None, float | None]] = []
    for row in rows:
        value, day, written = row["value"], row["taken_on"], row["unit"]
        if row["status"] in STATUS_NEVER_COUNTS or value is None or day is None or day > as_of or not written:
            continue
        factor = _factors(knowledge).get((analyte, written)) or convert(analyte, written, knowledge)
        if factor is None:
            continue
        measured = value * factor[0] + factor[1]
        low, high = about.plausible_low, about.plausible_high
        if not (0 <= measured < float("inf")) or (low or 0) > measured or (high is not None and measured > high):
            continue
        points.append(Point(day, measured, row["comparator"], day in spoken_of))
        ends = (row["ref_low"], row["ref_high"])
        low, high = (None if end is None else end * factor[0] + factor[1] for end in ends)
        normals.append((day, low, high))
    if not points:
        return None
    last = max(day for day, *_ in normals)
    lows = [low for day, low, _ in normals if day == last and low is not None]
    highs = [high for day, _, high in normals if day == last and high is not None]
    normal = (max(lows, default=None), min(highs, default=None))
    limits = _limits(analyte, patient.protocol, family, normal, findings, knowledge)
    return Series(analyte, about.name, about.unit or "", tuple(sorted(points, key=_by_day)), limits, normal)


def _by_day(point: Point) -> tuple[dt.date, float]:
    return point.on, point.value


def _family(record: Record, knowledge: Knowledge, chosen: bool) -> str | None:
    """The specialty whose limits count, or None where no protocol is known and every specialty's do."""
    about = {row.id: row for row in knowledge.tables["indications"]}
    known = [about[row["indication"]] for row in rows_of(record, "patients") if row["indication"] in about]
    if known and (chosen or known[0].protocol):
        return str(known[0].family)
    return "other" if chosen else None


def _limits(
    analyte: str,
    protocol: str,
    family: str | None,
    normal: tuple[float | None, float | None],
    findings: Sequence[Finding],
    knowledge: Knowledge,
) -> tuple[Limit, ...]:
    chosen = knowledge.protocols.values() if protocol == MOST_CAUTIOUS else [knowledge.protocols[protocol]]
    limits: list[Limit] = []
    for row in (row for protocol in chosen for row in protocol.lists["limits"]):
        item: Any = row
        if item.analyte != analyte or (family and not holds_for(item, family)):
            continue
        if item.relative_to == "absolute":
            limits.append(Limit(item.comparison, item.value, item.action, ""))
        elif (bound := normal[_MULTIPLES[item.relative_to]] if item.relative_to in _MULTIPLES else None) is not None:
            kind = item.relative_to.split("-")[0]
            why = f"{amount(item.value)} × the laboratory's {kind} limit of normal, {amount(bound)}"
            limits.append(Limit(item.comparison, item.value * bound, item.action, why))
    table = knowledge.tables["metabolites"]
    own = protocol if any(row.protocol == protocol for row in table) else FALLBACK
    for row in table if analyte in ("tgn", "mmp") else ():
        if row.protocol == own and row.pattern == "therapeutic":
            low, high = (row.tgn_low, row.tgn_high) if analyte == "tgn" else (row.mmp_low, row.mmp_high)
            below = _action(table, own, "under_dosed")
            above = _action(table, own, "over_dosed" if analyte == "tgn" else "shunting")
            limits += [Limit("below", low, below, "lower end of the therapeutic range")] if low else []
            limits += [Limit("at-least", high, above, "upper end of the therapeutic range")] if high else []
    # A limit that is a change from the patient's own level is drawn where a finding worked it out.
    limits += [
        Limit(finding.limit.comparison, finding.limit.value, finding.action, "as found")
        for finding in findings
        if finding.rule == "limits" and finding.limit and finding.limit.comparison in SIGNS
    ]
    best: dict[tuple[str, float], Limit] = {}
    for limit in sorted(limits, key=lambda limit: ACTIONS.index(limit.action)):
        best.setdefault((limit.comparison, round(limit.value, 6)), limit)
    return tuple(sorted(best.values(), key=lambda limit: limit.value))


def _action(table: Iterable[Any], protocol: str, pattern: str) -> str:
    actions = {row.action for row in table if row.protocol == protocol and row.pattern == pattern}
    return min(actions, key=ACTIONS.index, default="review")


def dose_steps(record: Record, knowledge: Knowledge, as_of: dt.date) -> tuple[str, tuple[Step, ...]]:
    """The thiopurine (azathioprine where both were taken) and its steps, as rules/stages/person.py reads them."""
    drugs = thiopurines(knowledge)
    taken = [row for row in rows_of(record, "exposures") if row["medicine"] in drugs and row["started_on"]]
    taken = [row for row in taken if row["started_on"] <= as_of]
    if not taken:
        return next(iter(drugs.values())), ()
    drug = min((row["medicine"] for row in taken), key=list(drugs).index)
    begun: dict[dt.date, list[Row]] = {}
    for row in taken:
        if row["medicine"] == drug and row not in begun.get(row["started_on"], ()):
            begun.setdefault(row["started_on"], []).append(row)
    tomorrow = as_of + dt.timedelta(days=1)
    runs = [
        (start, min(row["stopped_on"] or tomorrow, tomorrow), row["dose_mg_per_day"])
        for start, rows in begun.items()
        for row in rows
    ]
    days = sorted({day for start, end, _ in runs for day in (start, end)})
    steps: list[Step] = []
    for start, end in pairwise(days):
        together: dict[dt.date, list[float | None]] = {}
        for run_start, run_end, mg in runs:
            if run_start <= start and run_end >= end:
                together.setdefault(run_start, []).append(mg)
        if not together:
            continue
        sums = [None if None in each else sum(mg for mg in each if mg) for each in together.values()]
        mg = None if None in sums else max(total for total in sums if total is not None)
        if steps and steps[-1].mg == mg and steps[-1].end == start:
            steps[-1] = steps[-1]._replace(end=end)
        else:
            steps.append(Step(start, end, mg))
    return drugs[drug], tuple(steps)


def _marks(record: Record, knowledge: Knowledge, drug: str, first: dt.date, last: dt.date) -> tuple[Mark, ...]:
    """Events, and other medicines begun and ended, one number a day."""
    names = {row.id: row.name for row in knowledge.tables["medicines"]}
    happened: list[tuple[dt.date, str]] = []
    for row in rows_of(record, "events"):
        if row["started_on"]:
            happened.append((row["started_on"], f"{row['kind'].replace('_', ' ')}: {row['code'].replace('_', ' ')}"))
    for row in rows_of(record, "exposures"):
        name = names.get(row["medicine"], as_written(str(row["medicine"])))
        if name == drug:
            continue
        both = (("started_on", "begun"), ("stopped_on", "ended"))
        happened += [(row[column], f"{name} {word}") for column, word in both if row[column]]
    days: dict[dt.date, dict[str, None]] = {}
    for day, text in sorted(happened):
        if first <= day <= last:
            days.setdefault(day, {})[text] = None
    return tuple(Mark(day, number, "; ".join(texts)) for number, (day, texts) in enumerate(days.items(), start=1))


def round_values(low: float, high: float, about: int = 3) -> list[float]:
    """A few round numbers between two ends.

    >>> round_values(0, 11.3), round_values(118, 163)
    ([0.0, 5.0, 10.0], [120.0, 140.0, 160.0])
    """
    raw = (high - low) / about
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times >= raw * 0.999)
    return [round(step * count, 10) for count in range(math.ceil(low / step), math.floor(high / step) + 1)]
