"""An assessment as a FHIR R4 Bundle, for the record system it came from.

Each finding is a DetectedIssue, each next test a proposed ServiceRequest, each patient's plan a proposed CarePlan
that holds them together, and what was set aside an OperationOutcome. Everything is proposed, nothing ordered.
"""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Iterable
from typing import Any

import msgspec

from azaward.assessment import Assessment, Finding, PatientAssessment
from azaward.plans import NextTest, dose_in_words
from azaward.wording import COMPARISONS, amount, unit

Resource = dict[str, Any]

# Ours, as no published code system holds them.
_SYSTEM = "urn:azaward:"
_SEVERITIES = {
    "emergency": "high",
    "same-day": "high",
    "this-week": "moderate",
    "routine": "low",
    "info": "low",
}
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def to_fhir(assessment: Assessment) -> bytes:
    """The assessment as the JSON of a FHIR R4 Bundle (collection), the same bytes for the same assessment."""
    resources = [resource for patient in assessment.patients for resource in _patient(patient, assessment)]
    if assessment.set_aside:
        resources.append(_set_aside(assessment))
    entries = [{"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource} for resource in resources]
    day = f"{assessment.as_of}T00:00:00Z"
    bundle = {"resourceType": "Bundle", "type": "collection", "timestamp": day, "entry": entries}
    return msgspec.json.encode({key: cell for key, cell in bundle.items() if cell})


def _patient(patient: PatientAssessment, assessment: Assessment) -> Iterable[Resource]:
    issues = [_issue(finding, place, assessment) for place, finding in enumerate(patient.findings)]
    tests = [_request(patient, test, place, assessment) for place, test in enumerate(patient.plan.next_tests)]
    yield _plan(patient, issues, tests, assessment)
    yield from issues
    yield from tests


def _issue(finding: Finding, place: int, assessment: Assessment) -> Resource:
    evidence = [{"code": [concept]} for concept in (*_observed(finding), *_sources(finding))]
    issue: Resource = {
        "resourceType": "DetectedIssue",
        "id": _name(assessment, "issue", finding.patient_id, str(place)),
        "text": _narrative([finding.says, *(concept["text"] for each in evidence for concept in each["code"])]),
        "status": "preliminary",
        "code": _concept(
            "finding", finding.code, f"{finding.rule}: {finding.subject}" if finding.subject else finding.rule
        ),
        "severity": _SEVERITIES[finding.urgency],
        "patient": _reference(finding.patient_id),
        "identifiedDateTime": assessment.as_of.isoformat(),
        "author": _author(assessment),
        "detail": _clean(finding.says),
        "mitigation": [{"action": _action(finding)}],
    }
    if evidence:
        issue["evidence"] = evidence
    if finding.sources:
        issue["reference"] = f"{_SYSTEM}source:{finding.sources[0].source}"
    return issue


def _action(finding: Finding) -> Resource:
    """What is proposed, and how soon."""
    coded = _concept("action", finding.action, f"{finding.action} ({finding.urgency})")
    coded["coding"].append({"system": _SYSTEM + "urgency", "code": finding.urgency})
    return coded


def _observed(finding: Finding) -> Iterable[Resource]:
    """The value that was seen and the limit that it was compared with."""
    seen, limit = finding.observed, finding.limit
    if seen is not None:
        value = seen.text if seen.value is None else f"{amount(seen.value)} {unit(seen.unit)}"
        parts = [finding.subject.replace("_", " "), (value or "").strip(), f"on {seen.on}" if seen.on else ""]
        yield {"text": _clean(" ".join(filter(None, parts)) or "seen")}
    if limit is not None:
        word = COMPARISONS.get(limit.comparison or "", limit.comparison or "")
        yield {"text": _clean(f"limit: {word} {amount(limit.value)} {unit(limit.unit)}")}


def _sources(finding: Finding) -> Iterable[Resource]:
    for cited in finding.sources:
        yield {
            "coding": [{"system": _SYSTEM + "source", "code": cited.source, "display": _clean(cited.title)}],
            "text": _clean(f"source: {cited.title}, {cited.locator} ({cited.how})"),
        }


def _request(patient: PatientAssessment, test: NextTest, place: int, assessment: Assessment) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "id": _name(assessment, "test", patient.patient_id, str(place)),
        "status": "draft",
        "intent": "proposal",
        "code": _concept("test", test.analyte, test.analyte.replace("_", " ")),
        "subject": _reference(patient.patient_id),
        "occurrenceDateTime": test.due_on.isoformat(),
        "authoredOn": assessment.as_of.isoformat(),
        "requester": _author(assessment),
        "reasonCode": [{"text": _clean(test.why)}],
    }


def _plan(
    patient: PatientAssessment, issues: list[Resource], tests: list[Resource], assessment: Assessment
) -> Resource:
    dose = patient.plan.dose
    dose_lines = ". ".join(line[:1].upper() + line[1:] for line in dose_in_words(dose))
    said = f"Dose: {dose_lines}. Who acts: {patient.plan.who}. Urgency: {patient.plan.urgency}."
    plan: Resource = {
        "resourceType": "CarePlan",
        "id": _name(assessment, "plan", patient.patient_id),
        "text": _narrative([said, assessment.disclaimer]),
        "instantiatesUri": [f"{_SYSTEM}protocol:{patient.protocol}"],
        "status": "draft",
        "intent": "proposal",
        "title": "Safety of azathioprine treatment",
        "description": _clean(said),
        "subject": _reference(patient.patient_id),
        "created": assessment.as_of.isoformat(),
        "author": _author(assessment),
        "supportingInfo": [{"reference": f"urn:uuid:{issue['id']}"} for issue in issues],
        "activity": [{"reference": {"reference": f"urn:uuid:{test['id']}"}} for test in tests],
        "note": [{"text": assessment.disclaimer}],
    }
    return {key: cell for key, cell in plan.items() if cell}


def _set_aside(assessment: Assessment) -> Resource:
    issues = [
        {
            "severity": "warning",
            "code": "incomplete",
            "details": {"text": _clean(f"{item.what}: {item.why}")},
            "diagnostics": _clean(item.where),
        }
        for item in assessment.set_aside
    ]
    return {"resourceType": "OperationOutcome", "id": _name(assessment, "set aside"), "issue": issues}


def _concept(kind: str, code: str, text: str) -> Resource:
    return {"coding": [{"system": _SYSTEM + kind, "code": code}], "text": _clean(text)}


def _reference(patient_id: str) -> Resource:
    """The patient by id; an id that FHIR has no room for is given as an identifier."""
    if patient_id.startswith(("http://", "https://", "urn:uuid:")):
        return {"reference": patient_id}
    if _ID.fullmatch(patient_id):
        return {"reference": f"Patient/{patient_id}"}
    return {"identifier": {"value": _clean(patient_id)}}


def _author(assessment: Assessment) -> Resource:
    return {"display": f"azaward {assessment.azaward}, knowledge {assessment.knowledge}"}


def _narrative(lines: Iterable[str]) -> Resource:
    """The same in words for a person, as FHIR asks of what is to be read."""
    paragraphs = "".join(f"<p>{html.escape(_clean(line))}</p>" for line in lines)
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>'}


def _clean(text: str) -> str:
    """Text as FHIR allows it: not empty, without control characters or blanks at its ends."""
    return _CONTROL.sub(" ", text).strip() or "not said"


def _name(assessment: Assessment, *parts: str) -> str:
    """An id that is the same whenever the same thing is said of the same patient on the same day."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "\n".join(("azaward", assessment.as_of.isoformat(), *parts))))
