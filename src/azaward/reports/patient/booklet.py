"""What does a patient carry in a bag? A treatment booklet on paper: medicines, next tests, recent results, what to do.

Numbers come from the patient's record and assessment, words from the findings and the advice tables; what isn't known
is named and leaves a line to fill in by hand. For A4, two to four pages, readable in black and white.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from azaward.assessment import DISCLAIMER, PatientAssessment, first_due
from azaward.guides.advise import DISCLAIMER as ADVICE_DISCLAIMER
from azaward.knowledge import MOST_CAUTIOUS, Knowledge
from azaward.knowledge.loading.advice import HOLDS_BACK
from azaward.record.tables import Record
from azaward.reports.paper import one_line, typeset
from azaward.reports.patient import booklet_advice
from azaward.reports.patient.letters import in_patient_words
from azaward.reports.series import ANALYTES, GROUPS, Series, dose_steps, rows_of, series_of, timeline
from azaward.reports.words import HOW, SOON, advice_for_patient, long_day, normal_range, phrase, pretty_unit
from azaward.treatment import thiopurines
from azaward.wording import COMPARISONS, Words, amount

HERE = Path(__file__).parent

# How many results a trend is drawn from, and how many lines there are to write on.
_TREND, _LINES = 12, 9
_NOT_KNOWN = "not known"
# How soon, above what is said: some of what can wait for the next visit names a time of its own.
_SOON = {**SOON, "routine": "Also"}


class _Sources:
    """Numbers sources in the order in which they are first cited."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._numbers: dict[tuple[str, str, str], int] = {}

    def cite(self, source: str, locator: str, how: str) -> int:
        return self._numbers.setdefault((source, locator, how), len(self._numbers) + 1)

    def lines(self) -> list[str]:
        title = {row.id: row.title for row in self._knowledge.tables["sources"]}
        return [f"{title[source]}: {locator} ({HOW[how]})" for source, locator, how in self._numbers]


def booklet_pdf(
    patient: PatientAssessment,
    record: Record,
    knowledge: Knowledge,
    clinic_name: str,
    clinic_phone: str | None,
    as_of: dt.date,
) -> bytes:
    """The booklet of one patient as of a day; `record` may hold others too, whose rows are not looked at."""
    content = booklet_content(patient, record, knowledge, clinic_name, clinic_phone, as_of)
    return typeset(HERE / "booklet.typ", content, as_of)


def booklet_content(
    patient: PatientAssessment,
    record: Record,
    knowledge: Knowledge,
    clinic_name: str,
    clinic_phone: str | None,
    as_of: dt.date,
) -> dict[str, Any]:
    """What the template is given: every word and number of the booklet."""
    own = record.of_patient(patient.patient_id)
    words = Words(knowledge)
    sources = _Sources(knowledge)
    drug, _ = dose_steps(own, knowledge, as_of)
    advice = advice_for_patient(patient.plan, words)
    held = patient.plan.dose.decision in (*HOLDS_BACK, "none")
    return {
        "title": f"My treatment with {drug}",
        "patient": f"Patient {one_line(patient.patient_id)}",
        "clinic": one_line(clinic_name),
        "phone": one_line(clinic_phone) if clinic_phone and clinic_phone.strip() else None,
        "day": long_day(as_of),
        "about": _about(own, words),
        "medicines": _medicines(own, knowledge, words, as_of),
        "advice": advice if patient.plan.dose.decision != "none" else f"Your record shows no {drug} that you take now.",
        "held": held,
        "warnings": _warnings(patient, words, sources),
        "tests": _tests(patient, knowledge, words, as_of, sources),
        "results": _results(patient, own, knowledge, words, as_of),
        "missing": _missing(patient, own, knowledge, words, as_of),
        "limits_from": _limits_from(patient, knowledge),
        "fever": booklet_advice.fever(knowledge, sources.cite),
        # Who is to hold the dose back must not read below that a late dose is to be taken now.
        "missed": None if held else booklet_advice.missed_dose(knowledge, sources.cite),
        "others": booklet_advice.others(knowledge, sources.cite),
        "lines": _LINES,
        "sources": sources.lines(),
        "disclaimers": [DISCLAIMER, ADVICE_DISCLAIMER],
        "azaward": f"knowledge {knowledge.version}",
    }


def _about(own: Record, words: Words) -> list[tuple[str, str]]:
    """Why they are treated, what they can't take, and how their body handles the medicine."""
    people = rows_of(own, "patients")
    reasons = dict.fromkeys(words.name(str(row["indication"]))[1] for row in people if row["indication"])
    facts = [("Why I take it", ", ".join(reasons) or _NOT_KNOWN)]
    allergies = dict.fromkeys(str(row["code"]) for row in rows_of(own, "events") if row["kind"] == "allergy")
    facts.append(("Allergies", ", ".join(words.name(code)[1] for code in allergies) or "none on record"))
    for row in rows_of(own, "genotypes"):
        result = ", ".join(str(row[key]) for key in ("diplotype", "phenotype") if row[key]) or "no result"
        day = long_day(row["reported_on"]) if row["reported_on"] else "day not known"
        facts.append(
            (f"{row['gene']} ({'gene test' if row['method'] == 'genotype' else row['method']})", f"{result}, {day}")
        )
    if not rows_of(own, "genotypes"):
        facts.append(("Gene tests", "none on record"))
    return facts


def _medicines(own: Record, knowledge: Knowledge, words: Words, as_of: dt.date) -> list[dict[str, str]]:
    """What runs or is planned on that day, thiopurines first; each entry of the record is shown as it stands."""
    shown: list[tuple[bool, str, dict[str, str]]] = []
    for row in rows_of(own, "exposures"):
        if row["stopped_on"] and row["stopped_on"] <= as_of and not _contradicts(row):
            continue
        name = words.name(str(row["medicine"]))[1]
        mg = row["dose_mg_per_day"]
        begun = row["started_on"]
        since = f"since {long_day(begun)}" if begun else f"since {row['started_text']}" if row["started_text"] else ""
        planned = (not begun and not row["started_text"]) or (begun is not None and begun > as_of)
        entry = {
            "name": name,
            "dose": f"dose {_NOT_KNOWN}" if mg is None else f"{amount(mg)} mg a day",
            "often": str(row["frequency"] or ""),
            "since": "planned, not begun" if planned else since,
        }
        shown.append((row["medicine"] not in thiopurines(knowledge), name, entry))
    return [entry for *_, entry in sorted(shown, key=lambda line: line[:2])]


def _contradicts(row: dict[str, Any]) -> bool:
    """An end before its beginning is read as not ended, as the rules read it."""
    return bool(row["started_on"] and row["stopped_on"] and row["stopped_on"] < row["started_on"])


def _warnings(patient: PatientAssessment, words: Words, sources: _Sources) -> list[dict[str, Any]]:
    """What is to be done, in the findings' words, most urgent first; what is only good to know stays out."""
    pressing = [finding for finding in patient.findings if finding.urgency != "info"]
    said: dict[str, list[dict[str, Any]]] = {}
    for text, findings in in_patient_words(pressing, patient, words).items():
        cites = {sources.cite(each.source, each.locator, each.how) for finding in findings for each in finding.sources}
        said.setdefault(findings[0].urgency, []).append({"text": text, "cites": sorted(cites)})
    return [{"urgency": urgency, "soon": _SOON[urgency], "says": says} for urgency, says in said.items()]


def _tests(
    patient: PatientAssessment, knowledge: Knowledge, words: Words, as_of: dt.date, sources: _Sources
) -> list[dict[str, Any]]:
    reasons = {row.test: row for row in knowledge.tables["tests"]}
    shown: list[dict[str, Any]] = []
    for test, day in sorted(first_due(patient, as_of).items(), key=lambda due: due[::-1]):
        row = reasons.get(test)
        late = (as_of - day).days
        entry = {
            "name": words.name(test)[1],
            "due": long_day(day),
            "late": f"{late} day{'s' if late > 1 else ''} overdue" if late > 0 else "due today" if late == 0 else "",
            "why": row.why_plain if row else "",
            "cites": [sources.cite(row.source, row.locator, row.how)] if row else [],
        }
        shown.append(entry)
    return shown


def _series(
    patient: PatientAssessment, own: Record, knowledge: Knowledge, as_of: dt.date
) -> list[tuple[str, list[Series]]]:
    course = timeline(patient, own, knowledge, as_of)
    drawn = {series.analyte: series for series in course.series} if course else {}
    groups = [(name, [drawn[analyte] for analyte in analytes if analyte in drawn]) for name, analytes in GROUPS]
    scheduled = {analyte for test in patient.plan.next_tests for analyte in _analytes(test.analyte, knowledge)}
    rows = rows_of(own, "results")
    more = [
        series_of(analyte, [row for row in rows if row["analyte"] == analyte], patient, None, knowledge, as_of)
        for analyte in sorted(scheduled - set(ANALYTES))
    ]
    groups.append(("Others", [row for row in more if row]))
    return [(name, members) for name, members in groups if members]


def _analytes(test: str, knowledge: Knowledge) -> list[str]:
    return [row.code for row in knowledge.tables["tests"] if row.test == test and row.satisfied_by == "analyte"]


def _results(
    patient: PatientAssessment, own: Record, knowledge: Knowledge, words: Words, as_of: dt.date
) -> list[dict[str, Any]]:
    return [
        {"group": group, "rows": [_result(series, words) for series in members]}
        for group, members in _series(patient, own, knowledge, as_of)
    ]


def _result(series: Series, words: Words) -> dict[str, Any]:
    unit = pretty_unit(series.unit)
    last = series.points[-1]
    before = series.points[-2] if len(series.points) > 1 else None
    return {
        "name": words.name(series.analyte)[1],
        "unit": unit,
        "last": amount(last.value, last.comparator),
        "on": long_day(last.on),
        "flag": last.found,
        "before": {"value": amount(before.value, before.comparator), "on": long_day(before.on)}
        if before
        else {"value": "none", "on": ""},
        "normal": normal_range(series.normal),
        "limits": [
            f"{COMPARISONS.get(limit.comparison, limit.comparison)} {amount(limit.value)}: "
            f"{phrase(limit.action).lower()}"
            for limit in series.limits
        ],
        "trend": _trend(series),
    }


def _trend(series: Series) -> list[tuple[float, float]]:
    """The last results as shares of the width and height of a small drawing."""
    points = series.points[-_TREND:]
    days = [point.on.toordinal() for point in points]
    values = [point.value for point in points]
    wide, high = days[-1] - days[0], max(values) - min(values)
    if len(points) < 2 or not wide:
        return []
    return [
        (round((day - days[0]) / wide, 4), round((value - min(values)) / high, 4) if high else 0.5)
        for day, value in zip(days, values, strict=True)
    ]


def _missing(patient: PatientAssessment, own: Record, knowledge: Knowledge, words: Words, as_of: dt.date) -> list[str]:
    """Parts of the scheduled tests without any result that can be used."""
    known = {series.analyte for _, members in _series(patient, own, knowledge, as_of) for series in members}
    scheduled = {test.analyte for test in patient.plan.next_tests}
    slots: dict[tuple[str, str], list[str]] = {}
    for row in knowledge.tables["tests"]:
        if row.test in scheduled and row.satisfied_by == "analyte":
            slots.setdefault((row.test, row.slot), []).append(row.code)
    return [
        " or ".join(words.name(analyte)[1] for analyte in analytes)
        for analytes in slots.values()
        if not known.intersection(analytes)
    ]


def _limits_from(patient: PatientAssessment, knowledge: Knowledge) -> str:
    if patient.protocol == MOST_CAUTIOUS:
        return "the most cautious of all protocols"
    protocol = knowledge.protocols[patient.protocol]
    return f"{protocol.title} ({protocol.body}, {protocol.published_on})"
