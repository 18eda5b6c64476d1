"""What does a page say of one patient: each finding with its numbered sources, who they are, and what they take?

For the stand-alone report and for the pages of the web alike; nothing here is HTML.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from azaward.assessment import Cited, Finding, PatientAssessment
from azaward.knowledge import URGENCIES, Knowledge
from azaward.record.tables import Record
from azaward.reports.series import dose_steps, rows_of, series_of
from azaward.reports.words import HOW, SOON, link, pretty_unit
from azaward.wording import COMPARISONS, Words, amount

_COMPARATORS = ("<", "<=", ">", ">=")
Numbers = dict[tuple[str, str, str], "Citation"]


class Citation(NamedTuple):
    """One source with the place in it, numbered on its page."""

    number: int
    title: str
    published: str
    locator: str
    how: str
    identifier: str
    link: str | None


class Shown(NamedTuple):
    """A finding in the words of the page."""

    finding: Finding
    name: str
    value: str
    limit: str
    against: str
    protocol: str
    citations: list[Citation]


def shown(finding: Finding, knowledge: Knowledge, words: Words, numbers: Numbers) -> Shown:
    """The finding with its sources numbered in order of first appearance on the page."""
    citations: list[Citation] = []
    for cited in finding.sources:
        key = (cited.source, cited.locator, cited.how)
        if key not in numbers:
            numbers[key] = _citation(len(numbers) + 1, cited, knowledge)
        if numbers[key] not in citations:
            citations.append(numbers[key])
    observed, limit = finding.observed, finding.limit
    value = ""
    if observed and observed.value is not None:
        comparator = observed.text if observed.text in _COMPARATORS else None
        value = f"{amount(observed.value, comparator)} {pretty_unit(observed.unit)}".strip()
    elif observed and observed.text:
        value = observed.text
    bound, against = "", "Limit"
    if limit:
        against = "Limit" if limit.comparison in COMPARISONS else "Compared"
        side = COMPARISONS.get(str(limit.comparison), limit.comparison or "")
        bound = f"{side} {amount(limit.value)} {pretty_unit(limit.unit)}".strip()
    name = words.name(finding.subject, finding.code)[0] if finding.subject else finding.rule
    return Shown(finding, name, value, bound, against, finding.protocol or "", citations)


def _citation(number: int, cited: Cited, knowledge: Knowledge) -> Citation:
    source = knowledge.sources[cited.source]
    published = ", ".join(part for part in (source.publisher, source.published_on) if part and part != "undated")
    return Citation(
        number=number,
        title=cited.title,
        published=published,
        locator=cited.locator,
        how=HOW[cited.how],
        identifier=source.identifier,
        link=link(source.identifier),
    )


def facts(
    patient: PatientAssessment, own: Record, as_of: dt.date, knowledge: Knowledge, words: Words
) -> list[tuple[str, str]]:
    """Who the patient is and what they take, in a few words each."""
    told: list[tuple[str, str]] = []
    people = rows_of(own, "patients")
    about = people[0] if people else {}
    if born := about.get("birth_date"):
        age = as_of.year - born.year - ((as_of.month, as_of.day) < (born.month, born.day))
        told.append(("Age", f"{age} (born {born})"))
    else:
        told.append(("Age", "not known"))
    told.append(("Sex", str(about.get("sex") or "not known")))
    indication = about.get("indication")
    told.append(("Indication", words.name(str(indication))[0] if indication else "not known"))
    drug, steps = dose_steps(own, knowledge, as_of)
    if steps and steps[-1].end > as_of:
        mg = steps[-1].mg
        dose = "dose not known" if mg is None else f"{amount(mg)} mg a day"
        told.append((drug.capitalize(), f"{dose} since {steps[-1].start}; begun {steps[0].start}"))
    elif steps:
        told.append((drug.capitalize(), f"stopped {steps[-1].end}"))
    else:
        told.append((drug.capitalize(), "planned, not begun" if patient.status == "planned" else "not taken"))
    weights = [row for row in rows_of(own, "results") if row["analyte"] == "weight"]
    weight = series_of("weight", weights, patient, None, knowledge, as_of)
    if weight:
        told.append(("Weight", f"{amount(weight.points[-1].value)} kg on {weight.points[-1].on}"))
    for row in rows_of(own, "genotypes"):
        result = ", ".join(str(row[key]) for key in ("diplotype", "phenotype") if row[key]) or "no result"
        told.append((str(row["gene"]), f"{result} ({row['method']}, {row['reported_on'] or 'day not known'})"))
    others = [
        words.name(row["medicine"])[0]
        for row in rows_of(own, "exposures")
        if not (row["stopped_on"] and row["stopped_on"] <= as_of)
    ]
    others = [name for name in dict.fromkeys(others) if name != drug]
    if others:
        told.append(("Other medicines", ", ".join(others)))
    return told


def letter(findings: Sequence[Finding]) -> list[tuple[str, list[str]]]:
    """What is said to the patient, most urgent first, each thing once."""
    said: dict[str, str] = {}
    for finding in findings:
        if finding.says_patient:
            said.setdefault(finding.says_patient, finding.urgency)
    parts = [(SOON[word], [text for text, urgency in said.items() if urgency == word]) for word in URGENCIES]
    return [(heading, texts) for heading, texts in parts if texts]
