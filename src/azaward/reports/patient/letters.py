"""Whom does a clinic call for a blood test, and what does it write to them? Letters, text messages, a mail merge.

Pure functions from a patient's assessment. What is said about health are the findings' own words and the reasons of
knowledge/laboratory/tests.csv; a text message names no medicine and no result, because others see the screen too.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from azaward.assessment import DISCLAIMER, Finding, PatientAssessment, first_due
from azaward.knowledge import Knowledge, load
from azaward.knowledge.loading.messages import messages
from azaward.reports.paper import one_line, typeset
from azaward.reports.words import HOW, SOON, advice_for_patient, long_day
from azaward.wording import Words

HERE = Path(__file__).parent

# What can't wait for the post: the clinic calls, the letter follows.
PHONE_FIRST = ("emergency", "same-day")
# Findings of less than these stay out of a letter that is about tests.
_PRESSING = (*PHONE_FIRST, "this-week")
_TEST_RULE = "schedule"
_COLUMNS = ("patient_id", "urgency", "tests", "due_on", "days_overdue", "letter", "sms")
# What a spreadsheet reads as the beginning of a formula, in their wide forms too.
_FORMULA = tuple("=+-@|%\t\r\n\uff1d\uff0b\uff0d\uff20")


class DueTest(NamedTuple):
    """A test in a patient's words: its name, the day it was due, and why it is done."""

    name: str
    due_on: dt.date
    why: str


class Recall(NamedTuple):
    """What a patient is called for. `says_patient` are the findings' words, most urgent first.

    `now` are those of them that can't wait, `advice` is what the plan asks of the patient meanwhile.
    """

    patient_id: str
    clinic_name: str
    clinic_phone: str | None
    tests: tuple[DueTest, ...]
    days_overdue: int
    urgency: str
    says_patient: tuple[str, ...]
    now: tuple[str, ...]
    advice: str
    sources: tuple[str, ...]
    known_on: dt.date

    @property
    def due_on(self) -> dt.date:
        """The day of the test that has been due longest."""
        return min(test.due_on for test in self.tests)

    @property
    def phone_first(self) -> bool:
        """Whether a letter would come too late: somebody has to call this patient."""
        return self.urgency in PHONE_FIRST


def recall_of(
    patient: PatientAssessment,
    as_of: dt.date,
    clinic_name: str,
    clinic_phone: str | None,
    words: Words,
    knowledge: Knowledge | None = None,
) -> Recall | None:
    """What to call the patient for; None where no test is due on that day, and for somebody who died."""
    knowledge = knowledge or load()
    days = {test: day for test, day in first_due(patient, as_of).items() if day <= as_of}
    if not days or any(finding.code == "deceased" for finding in patient.findings):
        return None
    reasons = {row.test: row for row in knowledge.tables["tests"]}
    told = [finding for finding in patient.findings if finding.rule == _TEST_RULE or finding.urgency in _PRESSING]
    said = {text: findings[0].urgency for text, findings in in_patient_words(told, patient, words).items()}
    cited = [f"{reasons[test].source}|{reasons[test].how}" for test in days if test in reasons]
    cited += [f"{source.source}|{source.how}" for finding in told for source in finding.sources]
    return Recall(
        patient_id=one_line(patient.patient_id),
        clinic_name=one_line(clinic_name),
        clinic_phone=one_line(clinic_phone) if clinic_phone and clinic_phone.strip() else None,
        tests=tuple(
            DueTest(words.name(test)[1], day, reasons[test].why_plain if test in reasons else "")
            for test, day in days.items()
        ),
        days_overdue=(as_of - min(days.values())).days,
        urgency=patient.plan.urgency,
        says_patient=tuple(said),
        now=tuple(text for text, urgency in said.items() if urgency in PHONE_FIRST),
        advice=advice_for_patient(patient.plan, words),
        sources=tuple(_source(source, knowledge) for source in dict.fromkeys(cited)),
        known_on=as_of,
    )


def in_patient_words(findings: Iterable[Finding], patient: PatientAssessment, words: Words) -> dict[str, list[Finding]]:
    """What is said to the patient, each sentence once with the findings that say it.

    Where the schedule says the same of every test of the plan, it is said once, of the "blood test".
    """
    told = [finding for finding in findings if finding.says_patient]
    scheduled = {test.analyte for test in patient.plan.next_tests}
    alike: dict[tuple[str, str], set[str]] = {}
    for finding in told:
        alike.setdefault((finding.code, _of_any(finding, words)), set()).add(finding.subject)
    said: dict[str, list[Finding]] = {}
    for finding in told:
        of_any = _of_any(finding, words)
        about_all = finding.rule == _TEST_RULE and len(scheduled) > 1 and alike[finding.code, of_any] == scheduled
        said.setdefault(of_any if about_all else finding.says_patient, []).append(finding)
    return said


def _of_any(finding: Finding, words: Words) -> str:
    name = words.name(finding.subject)[1]
    return finding.says_patient.replace(name, "blood test") if name else finding.says_patient


def _source(cited: str, knowledge: Knowledge) -> str:
    identifier, how = cited.split("|")
    return f"{knowledge.sources[identifier].title} ({HOW[how]})"


def letters_pdf(recalls: Sequence[Recall], as_of: dt.date) -> bytes:
    """The letters of that day, one A4 page a patient.

    >>> letters_pdf([], dt.date(2026, 11, 23))[:5]
    b'%PDF-'
    """
    return typeset(HERE / "letters.typ", letters_content(recalls, as_of), as_of)


def letters_content(recalls: Iterable[Recall], as_of: dt.date) -> dict[str, Any]:
    """What the template is given: every word of every letter."""
    return {"day": long_day(as_of), "disclaimer": DISCLAIMER, "letters": [_letter(recall) for recall in recalls]}


def _letter(recall: Recall) -> dict[str, Any]:
    return {
        "patient": f"Patient {recall.patient_id}",
        "clinic": recall.clinic_name,
        "phone": recall.clinic_phone,
        "title": _title(recall),
        "urgency": recall.urgency,
        "soon": SOON[recall.urgency] if recall.now else "",
        "now": recall.now,
        "tests": [
            {"name": test.name, "why": test.why, "due": long_day(test.due_on), "late": _late(test, recall.known_on)}
            for test in recall.tests
        ],
        "says": [text for text in recall.says_patient if text not in recall.now],
        "todo": _todo(recall),
        "known": _known(recall),
        "sources": recall.sources,
    }


def _title(recall: Recall) -> str:
    return "Your blood test is overdue" if recall.days_overdue else "Your blood test is due"


def _late(test: DueTest, day: dt.date) -> str:
    days = (day - test.due_on).days
    return "due now" if days == 0 else f"{days} day{'s' if days > 1 else ''} overdue"


def _todo(recall: Recall) -> list[str]:
    """What to do, in order: what the plan asks of the patient, unless it was said already, then the test."""
    first = "Call us today." if recall.phone_first else "Call us to agree a day."
    steps = ["First do what stands in the box above."] if recall.now else []
    if recall.advice and not any(recall.advice in text for text in recall.says_patient):
        steps.append(recall.advice)
    steps.append(f"{messages()['actions']['test']} {first}")
    steps.append("Have you had these tests since the day of this letter? Call us, so that we can look for the results.")
    steps.append("Is it hard for you to come? Tell us. We want to make it easier.")
    return steps


def _known(recall: Recall) -> str:
    return f"This letter says what your record showed on {long_day(recall.known_on)}."


def letter_text(recall: Recall) -> str:
    """The letter as plain text, for a clinic that prints on its own paper."""
    letter = _letter(recall)
    phone = recall.clinic_phone or "(telephone: ____________________)"
    tests = [f"- {test['name']}: {test['due']} ({test['late']}). {test['why']}".rstrip() for test in letter["tests"]]
    parts = [
        [letter["patient"]],
        [letter["title"]],
        [f"{letter['soon']}:", *recall.now] if recall.now else [],
        ["These tests are due:", *tests],
        letter["says"],
        ["What to do:", *(f"{number}. {step}" for number, step in enumerate(letter["todo"], start=1))],
        [f"Whom to call: {recall.clinic_name}, {phone}"],
        [letter["known"]],
        [DISCLAIMER],
        [f"Sources: {'; '.join(recall.sources)}."] if recall.sources else [],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def text_message(recall: Recall) -> str:
    """A text message that others may read on a locked screen: that a test is due, and whom to call.

    >>> test = DueTest("blood count", dt.date(2026, 11, 20), "")
    >>> recall = Recall("c001", "Joint clinic", "01 234", (test,), 3, "routine", (), (), "", (), dt.date(2026, 11, 23))
    >>> text_message(recall)
    'Joint clinic: your blood test is overdue. Please call us on 01 234 to agree a day.'
    """
    if recall.phone_first:
        soon = SOON[recall.urgency].lower()
        return f"{recall.clinic_name}: please call us {soon}{_on(recall)}. It is about your blood test."
    return f"{recall.clinic_name}: {_title(recall).lower()}. Please call us{_on(recall)} to agree a day."


def _on(recall: Recall) -> str:
    return f" on {recall.clinic_phone}" if recall.clinic_phone else ""


def merge_csv(recalls: Iterable[Recall]) -> bytes:
    """One row a patient for a mail merge, in UTF-8 with the mark by which spreadsheets know it.

    A cell that a spreadsheet would run as a formula begins with an apostrophe instead.

    >>> merge_csv([]).decode("utf-8-sig")
    '"patient_id","urgency","tests","due_on","days_overdue","letter","sms"\\r\\n'
    """
    made = io.StringIO()
    sheet = csv.writer(made, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    sheet.writerow(_COLUMNS)
    for recall in recalls:
        names = ", ".join(test.name for test in recall.tests)
        row = (recall.patient_id, recall.urgency, names, recall.due_on.isoformat(), str(recall.days_overdue))
        sheet.writerow([harmless(cell) for cell in (*row, letter_text(recall), text_message(recall))])
    return made.getvalue().encode("utf-8-sig")


def harmless(cell: str) -> str:
    """A cell that a spreadsheet shows and never runs.

    >>> harmless("=cmd()"), harmless(" +1"), harmless("c001")
    ("'=cmd()", "' +1", 'c001')
    """
    return f"'{cell}" if cell.lstrip(" \u00a0").startswith(_FORMULA) else cell
