"""What does a clinic need this morning, and what does each patient need? One HTML file to open and to print.

The worklist first, then a page for each patient who needs something, with charts, sources and a letter in the
patient's words. The file stands alone: no scripts, nothing loaded, every cell escaped, a content security
policy that names its one style sheet by hash. The same assessment gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment
from markupsafe import Markup

from azaward.assessment import Aside, Assessment, PatientAssessment
from azaward.knowledge import MOST_CAUTIOUS, URGENCIES, Knowledge
from azaward.plans import dose_in_words
from azaward.record.tables import TABLES, Record
from azaward.reports.assessment.charts import Panel, draw
from azaward.reports.assessment.page import Citation, Shown, facts, letter, shown
from azaward.reports.pages import alone, environment
from azaward.reports.series import GROUPS, Mark, Series, timeline
from azaward.reports.words import advice_for_patient, in_css, phrase
from azaward.wording import Words

HERE = Path(__file__).parent


class Line(NamedTuple):
    """A patient's row of the worklist; `page` is the number of their page, if they have one."""

    patient: PatientAssessment
    page: int
    first: Shown
    also: list[str]


class Page(NamedTuple):
    """All that one patient's page shows."""

    number: int
    patient: PatientAssessment
    facts: list[tuple[str, str]]
    protocol: str
    findings: list[Shown]
    problems: list[tuple[str, list[Shown]]]
    dose: Sequence[str]
    citations: list[Citation]
    tests: list[dict[str, Any]]
    charts: list[tuple[str, list[Panel]]]
    latest: list[Series]
    drug: str
    marks: tuple[Mark, ...]
    older: int
    asides: list[Aside]
    lead: str
    letter: list[tuple[str, list[str]]]


def to_html(assessment: Assessment, record: Record, knowledge: Knowledge) -> str:
    """The assessment of `record` as one HTML file; `knowledge` is what it was assessed with.

    >>> import datetime as dt
    >>> from azaward.assessment import assess
    >>> from azaward.knowledge import load
    >>> nobody = Record.of({})
    >>> to_html(assess(nobody, dt.date(2026, 2, 2)), nobody, load()).splitlines()[0]
    '<!doctype html>'
    """
    words = Words(knowledge)
    own = _by_patient(record)
    full = [
        patient for patient in assessment.patients if patient.plan.urgency != "info" or len(assessment.patients) == 1
    ]
    pages = [
        _page(number, patient, own.get(patient.patient_id, Record.of({})), assessment, knowledge, words)
        for number, patient in enumerate(full, start=1)
    ]
    lines = [_line(page) for page in pages if page.patient.plan.urgency != "info"]
    on_page = {page.patient.patient_id: page.number for page in pages}
    return alone(
        _environment().get_template("report.html.jinja"),
        _style(pages),
        assessment=assessment,
        counts=[(word, sum(patient.plan.urgency == word for patient in assessment.patients)) for word in URGENCIES],
        lines=lines,
        quiet=[
            (patient, on_page.get(patient.patient_id))
            for patient in assessment.patients
            if patient.plan.urgency == "info"
        ],
        pages=pages,
        asides=[item for item in assessment.set_aside if item.patient_id not in on_page],
        protocol=_protocol(assessment.protocol, knowledge),
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # Drawings hold no word of the record.
    return environment(HERE, made_here=Markup)


def _by_patient(record: Record) -> dict[str, Record]:
    """Each patient's own rows, in one walk through the record."""
    own: dict[str, Record] = {}
    for table, rows in record.rows.items():
        for row in rows:
            own.setdefault(str(row[0]), Record({name: [] for name in TABLES})).rows[table].append(row)
    return own


def _protocol(name: str, knowledge: Knowledge) -> str:
    if name == "auto":
        return "by each patient's indication"
    if name == MOST_CAUTIOUS:
        return "the most cautious of all protocols"
    protocol = knowledge.protocols[name]
    return f"{protocol.title} ({protocol.body}, {protocol.published_on})"


def _line(page: Page) -> Line:
    first, *others = (members[0] for _, members in page.problems)
    pressing = [f"{phrase(each.finding.action)}: {each.name}" for each in others if each.finding.urgency != "info"]
    said = f"{phrase(first.finding.action)}: {first.name}"
    return Line(page.patient, page.number, first, [words for words in dict.fromkeys(pressing) if words != said])


def _page(
    number: int,
    patient: PatientAssessment,
    own: Record,
    assessment: Assessment,
    knowledge: Knowledge,
    words: Words,
) -> Page:
    numbers: dict[tuple[str, str, str], Citation] = {}
    findings = [shown(finding, knowledge, words, numbers) for finding in patient.findings]
    course = timeline(patient, own, knowledge, assessment.as_of, chosen=assessment.protocol != "auto")
    return Page(
        number=number,
        patient=patient,
        facts=facts(patient, own, assessment.as_of, knowledge, words),
        protocol=_protocol(patient.protocol, knowledge),
        findings=findings,
        problems=[
            (problem.title, [findings[place] for place in problem.findings]) for problem in patient.plan.problems
        ],
        dose=dose_in_words(patient.plan.dose)[1:],
        citations=list(numbers.values()),
        tests=[
            {
                "name": words.name(test.analyte)[0],
                "plain": words.name(test.analyte)[1],
                "due_on": test.due_on,
                "late": (assessment.as_of - test.due_on).days,
                "why": test.why,
            }
            for test in patient.plan.next_tests
        ],
        charts=_charts(draw(course)) if course else [],
        latest=list(course.series) if course else [],
        drug=course.drug if course else "",
        marks=course.marks if course else (),
        older=course.older if course else 0,
        asides=[item for item in assessment.set_aside if item.patient_id == patient.patient_id],
        lead=advice_for_patient(patient.plan, words),
        letter=letter(patient.findings),
    )


def _charts(panels: Sequence[Panel]) -> list[tuple[str, list[Panel]]]:
    """The panels under the names of their groups."""
    groups = [(name, [panel for panel in panels if panel.series.analyte in analytes]) for name, analytes in GROUPS]
    return [(name, members) for name, members in groups if members]


def _style(pages: Sequence[Page]) -> str:
    """The style sheet, and each page's patient at the head of every printed sheet."""
    sheets = [
        f'@page p{page.number}{{@top-right{{content:"Patient {in_css(page.patient.patient_id)}"}}}}'
        f"#p{page.number}{{page:p{page.number}}}"
        for page in pages
    ]
    css = (HERE / "report.css").read_text(encoding="utf-8")
    return "\n".join([css, "@media print{", *sheets, "}"]).replace("\r", "")
