"""A finding as a DetectedIssue: what was seen, what it was compared with, in which of the input's resources, and where
that is written. It is preliminary until somebody has decided about it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from azaward.assessment import Finding, PatientAssessment, fingerprint
from azaward.reports.assessment.fhir.catalogue import answers
from azaward.reports.assessment.fhir.elements import (
    Resource,
    author,
    clean,
    coding,
    concept,
    identified,
    narrative,
    uri,
    without_empty,
)
from azaward.reports.assessment.fhir.exchange import Decided, Exchange
from azaward.terms import Action, Concerns, Rule, Urgency
from azaward.treatment import thiopurines
from azaward.wording import COMPARISONS, amount, unit

_SEVERITIES: Mapping[str, str] = {
    Urgency.EMERGENCY: "high",
    Urgency.SAME_DAY: "high",
    Urgency.THIS_WEEK: "moderate",
    Urgency.ROUTINE: "low",
    Urgency.INFO: "low",
}
# What is done with the thiopurine itself: its order is part of the issue.
_OF_THE_ORDER = (Action.STOP, Action.WITHHOLD, Action.DO_NOT_START, Action.AVOID, Action.REDUCE, Action.CHANGE)
# What grows by itself from one day to the next.
_AGES = re.compile(r"\d+(?:\.\d+)?(?= (?:day|week|month|year)s?\b)|(?<=\b[Dd]ay )\d+")


def issues_of(patient: PatientAssessment, exchange: Exchange) -> list[Resource]:
    """A DetectedIssue for each finding, in their order."""
    met: Counter[str] = Counter()
    issues: list[Resource] = []
    for finding in patient.findings:
        said = "\n".join((fingerprint(finding), finding.protocol or "", _AGES.sub("", finding.says)))
        met[said] += 1
        name = exchange.name("issue", patient.patient_id, said, str(met[said]))
        issues.append(_issue(finding, name, exchange))
    return issues


def _issue(finding: Finding, name: str, exchange: Exchange) -> Resource:
    assessment = exchange.assessment
    evidence = _evidence(finding, exchange)
    decided = exchange.decision(finding)
    told = [concept["text"] for each in evidence for concept in each.get("code", ())]
    about = f"{finding.rule}: {finding.subject}" if finding.subject else finding.rule
    return without_empty(
        {
            "resourceType": "DetectedIssue",
            "id": name,
            "text": narrative([finding.says, *told, *([_in_words(decided)] if decided else ())]),
            "identifier": identified(name),
            "status": "final" if decided else "preliminary",
            "code": concept("finding", finding.code, about),
            "severity": _SEVERITIES[finding.urgency],
            "patient": exchange.person(finding.patient_id),
            "identifiedDateTime": exchange.day,
            "author": author(assessment),
            "implicated": _implicated(finding, exchange),
            "evidence": evidence,
            "detail": clean(finding.says),
            "reference": uri("source", finding.sources[0].source) if finding.sources else None,
            "mitigation": _mitigation(finding, exchange),
        }
    )


def _implicated(finding: Finding, exchange: Exchange) -> list[Resource]:
    """The orders of the medicines that it is about, then the results that were seen."""
    medicines = [finding.subject]
    if finding.concerns == Concerns.THIOPURINE and finding.action in _OF_THE_ORDER:
        medicines += [each for each in thiopurines(exchange.knowledge) if each not in medicines]
    orders = exchange.sources.medicines(finding.patient_id, medicines)
    return [*orders, *(each for each in seen_in(finding, exchange) if each not in orders)]


def seen_in(finding: Finding, exchange: Exchange) -> list[Resource]:
    """The results, reports and events of the input that a finding saw."""
    sources, patient_id = exchange.sources, finding.patient_id
    made_of = answers(finding.subject, exchange.knowledge)
    seen, analytes = finding.observed, made_of.get("results", ())
    results = sources.results(patient_id, analytes, seen) if seen else []
    by_genes = finding.rule in (Rule.DOSING, Rule.ENZYME)
    genes = sources.genotypes(patient_id, None if by_genes else made_of.get("genotypes", ()))
    return [*results, *genes, *sources.events(patient_id, finding.subject)]


def _evidence(finding: Finding, exchange: Exchange) -> list[Resource]:
    """What was seen, with the resources that hold it; then the limit and the sources."""
    observed = [*_observed(finding)]
    first = without_empty({"code": observed[:1], "detail": seen_in(finding, exchange)})
    rest = [{"code": [concept]} for concept in (*observed[1:], *_limit(finding), *_sources(finding))]
    return [*([first] if first else []), *rest]


def _observed(finding: Finding) -> Iterable[Resource]:
    if (seen := finding.observed) is not None:
        value = seen.text if seen.value is None else f"{amount(seen.value)} {unit(seen.unit)}"
        parts = [finding.subject.replace("_", " "), (value or "").strip(), f"on {seen.on}" if seen.on else ""]
        yield {"text": clean(" ".join(filter(None, parts)) or "seen")}


def _limit(finding: Finding) -> Iterable[Resource]:
    if (limit := finding.limit) is not None:
        word = COMPARISONS.get(limit.comparison or "", limit.comparison or "")
        yield {"text": clean(f"limit: {word} {amount(limit.value)} {unit(limit.unit)}")}


def _sources(finding: Finding) -> Iterable[Resource]:
    for cited in finding.sources:
        yield {
            "coding": [{**coding("source", cited.source), "display": clean(cited.title)}],
            "text": clean(f"source: {cited.title}, {cited.locator} ({cited.how})"),
        }


def _mitigation(finding: Finding, exchange: Exchange) -> list[Resource]:
    """What is proposed, and how soon; then what was decided, by whom and when."""
    proposed = concept("action", finding.action, f"{finding.action} ({finding.urgency})")
    proposed["coding"].append(coding("urgency", finding.urgency))
    steps: list[Resource] = [{"action": proposed}]
    if decided := exchange.decision(finding):
        done = {"text": clean(decided.words)}
        steps.append({"action": done, "date": decided.on, "author": {"display": clean(decided.by)}})
    return steps


def _in_words(decided: Decided) -> str:

    return f"Decided on {decided.on} by {decided.by}: {decided.words}"
