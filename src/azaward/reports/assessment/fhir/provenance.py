"""Where a patient's resources came from: the program with its version, its knowledge, and the input's resources."""

from __future__ import annotations

from collections.abc import Sequence

from azaward.assessment import PatientAssessment
from azaward.reports.assessment.fhir.elements import (
    NAMES,
    SYSTEM,
    Resource,
    link,
    narrative,
    protocol_uri,
    software,
    without_empty,
)
from azaward.reports.assessment.fhir.exchange import Exchange

# R4's words for the part that an agent played.
_ASSEMBLER = {"system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type", "code": "assembler"}


def provenance_of(patient: PatientAssessment, made: Sequence[Resource], exchange: Exchange) -> Resource:
    """One Provenance for all that was made for a patient.

    R4 gives it no identifier: a tag is the name by which a server knows it again.
    """
    assessment = exchange.assessment
    inputs = exchange.sources.everything(patient.patient_id)
    name = exchange.name("provenance", patient.patient_id, *(each["id"] for each in made))
    knowledge = {"identifier": {"system": SYSTEM + "knowledge", "value": assessment.knowledge}}
    said = (
        f"Made by azaward {assessment.azaward} with knowledge {assessment.knowledge} and the protocol "
        f"{patient.protocol}, as of {exchange.day}, from {len(inputs)} resources that are known by name."
    )
    return without_empty(
        {
            "resourceType": "Provenance",
            "id": name,
            "meta": {"tag": [{"system": NAMES, "code": name}]},
            "text": narrative([said]),
            "contained": [software(assessment)],
            "target": [link(each) for each in made],
            "occurredDateTime": exchange.day,
            "recorded": f"{exchange.day}T00:00:00Z",
            "policy": [protocol_uri(patient.protocol)],
            "agent": [
                {
                    "type": {"coding": [_ASSEMBLER]},
                    "who": {"reference": "#azaward", "display": f"azaward {assessment.azaward}"},
                }
            ],
            "entity": [
                {"role": "source", "what": {**knowledge, "display": "azaward's knowledge base"}},
                *({"role": "source", "what": each} for each in inputs),
            ],
        }
    )
