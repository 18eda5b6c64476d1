"""The run itself as a GuidanceResponse: by which protocol and knowledge, what came of it, and what was missing.

It is made for everybody, every day: whoever has one was looked at, and nobody has to read silence as "all well".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from azaward.assessment import Aside, PatientAssessment
from azaward.reports.assessment.fhir.elements import (
    Resource,
    clean,
    identified,
    link,
    narrative,
    protocol_uri,
    software,
    without_empty,
)
from azaward.reports.assessment.fhir.exchange import Exchange
from azaward.reports.assessment.fhir.missing import lack_of, requirements


def guidance_for(patient: PatientAssessment, plan: Resource, exchange: Exchange) -> Resource:
    """The GuidanceResponse about one patient."""
    mine = [item for item in exchange.assessment.set_aside if item.patient_id == patient.patient_id]
    lacking = [finding for finding in patient.findings if lack_of(finding)]
    words = [
        f"Assessed as of {exchange.day} by {patient.protocol}: {len(patient.findings)} findings.",
        *(f"Missing: {finding.says}" for finding in lacking),
    ]
    given = _guidance(patient.patient_id, patient.protocol, bool(lacking), mine, words, exchange, plan["id"])
    given["subject"] = exchange.person(patient.patient_id)
    given["result"] = link(plan)
    return without_empty({**given, "dataRequirement": requirements(lacking, exchange)})


def guidance_for_nobody(asides: Sequence[Aside], exchange: Exchange) -> Resource:
    """What was set aside and can't be said to be one patient's: somebody's data, so it is never left out."""
    words = [f"Read as of {exchange.day}: {len(asides)} items of the input belong to no patient who could be named."]
    given = _guidance("", exchange.assessment.protocol, True, asides, words, exchange)
    return without_empty(given)


def _guidance(
    patient_id: str,
    protocol: str,
    incomplete: bool,
    asides: Sequence[Aside],
    words: Sequence[str],
    exchange: Exchange,
    *said: str,
) -> Resource:
    assessment = exchange.assessment
    # One a day: that the same was found again is news.
    read = (f"{item.where}: {item.what}: {item.why}" for item in asides)
    run = (exchange.day, assessment.azaward, assessment.knowledge)
    name = exchange.name("guidance", patient_id, protocol, *run, *said, *read)
    contained = [software(assessment), *([outcome(asides, "set-aside")] if asides else [])]
    return {
        "resourceType": "GuidanceResponse",
        "id": name,
        "text": narrative([*words, *_lines(asides), assessment.disclaimer]),
        "contained": contained,
        "identifier": identified(name),
        "moduleCanonical": f"{protocol_uri(protocol)}|{assessment.knowledge}",
        "status": "data-required" if incomplete else "success",
        "occurrenceDateTime": exchange.day,
        "performer": {"reference": "#azaward", "display": f"azaward {assessment.azaward}"},
        "note": [{"text": assessment.disclaimer}],
        "evaluationMessage": [{"reference": "#set-aside"}] if asides else [],
    }


def outcome(asides: Iterable[Aside], name: str) -> Resource:
    """What was set aside, where and why, as an OperationOutcome."""
    issues = [
        {
            "severity": "warning",
            "code": "incomplete",
            "details": {"text": clean(f"{item.what}: {item.why}")},
            "diagnostics": clean(item.where),
        }
        for item in asides
    ]
    return {"resourceType": "OperationOutcome", "id": name, "issue": issues}


def _lines(asides: Iterable[Aside]) -> list[str]:
    return [f"Set aside, {item.where}: {item.what}: {item.why}" for item in asides]
