"""A patient's plan as a proposed CarePlan, which holds the issues, the tests and the Tasks together."""

from __future__ import annotations

from collections.abc import Sequence

from azaward.assessment import PatientAssessment
from azaward.plans import dose_in_words
from azaward.reports.assessment.fhir.elements import (
    Resource,
    author,
    clean,
    identified,
    link,
    narrative,
    protocol_uri,
    without_empty,
)
from azaward.reports.assessment.fhir.exchange import Exchange


def plan_of(
    patient: PatientAssessment, issues: Sequence[Resource], to_do: Sequence[Resource], exchange: Exchange
) -> Resource:
    """The CarePlan; `to_do` are its ServiceRequests and Tasks."""
    assessment = exchange.assessment
    lines = ". ".join(line[:1].upper() + line[1:] for line in dose_in_words(patient.plan.dose))
    said = f"Dose: {lines}. Who acts: {patient.plan.who}. Urgency: {patient.plan.urgency}."
    parts = (each["id"] for each in (*issues, *to_do))
    name = exchange.name("plan", patient.patient_id, patient.protocol, said, *parts)
    return without_empty(
        {
            "resourceType": "CarePlan",
            "id": name,
            "text": narrative([said, assessment.disclaimer]),
            "identifier": identified(name),
            "instantiatesUri": [protocol_uri(patient.protocol)],
            "status": "draft",
            "intent": "proposal",
            "title": "Safety of azathioprine treatment",
            "description": clean(said),
            "subject": exchange.person(patient.patient_id),
            "created": exchange.day,
            "author": author(assessment),
            "supportingInfo": [link(issue) for issue in issues],
            "activity": [{"reference": link(each)} for each in to_do],
            "note": [{"text": assessment.disclaimer}],
        }
    )
