"""What stands around a result, a person or an allergy in FHIR: none of it makes neutrophils of 0.3 quiet.

Each case begins with one healthy person on azathioprine whose neutrophils were 3.9 in October. What is harmless and
looks like the trouble stays calm: it stands beside it.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
from typing import Any

import pytest

from azaward.assessment import Assessment, assess
from azaward.knowledge import load
from azaward.readers.fhir.bundle import read_bundle

DAY = dt.date(2026, 11, 23)
LOUD = ("emergency", "same-day")
CALM = ("routine", "info", "none")
Resource = dict[str, Any]
LOINC = {"neutrophils": "751-8", "wbc": "6690-2", "lymphocytes": "731-0", "platelets": "777-3", "haemoglobin": "718-7"}
LOINC |= {"alt": "1742-6", "albumin": "1751-7", "creatinine": "2160-0", "weight": "29463-7"}
HEALTHY = {"wbc": 6.1, "neutrophils": 3.9, "lymphocytes": 1.6, "platelets": 240.0, "haemoglobin": 141.0, "alt": 24.0}
HEALTHY |= {"albumin": 42.0, "creatinine": 71.0, "weight": 78.0}
UNITS = {"haemoglobin": "g/L", "alt": "U/L", "albumin": "g/L", "creatinine": "umol/L", "weight": "kg"}


def result(analyte: str, value: float | None, on: str | None, **more: Any) -> Resource:
    unit = UNITS.get(analyte, "10*9/L")
    made: Resource = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": LOINC[analyte]}]},
        "subject": {"reference": "Patient/f001"},
        "effectiveDateTime": on,
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }
    made |= more
    return {name: each for name, each in made.items() if each is not None}


def healthy(**of_results: Any) -> list[Resource]:
    order: Resource = {
        "resourceType": "MedicationRequest",
        "id": "rx1",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "Azathioprine 50 mg tablets"},
        "subject": {"reference": "Patient/f001"},
        "authoredOn": "2026-02-02",
        "dosageInstruction": [
            {
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": 125, "unit": "mg", "code": "mg"}}],
            }
        ],
    }
    person: Resource = {"resourceType": "Patient", "id": "f001", "birthDate": "1968-11-30", "gender": "male"}
    person["name"] = [{"family": "Farrow", "given": ["Abel"]}]
    counts = [result(name, value, "2026-10-20", id=f"o-{name}", **of_results) for name, value in HEALTHY.items()]
    return [person, order, *counts]


def answer(*resources: Resource, **bundle: Any) -> Assessment:
    entries = [{"resource": copy.deepcopy(each)} for each in resources]
    content = {"resourceType": "Bundle", "type": "collection", "entry": entries, **bundle}
    return assess(read_bundle(json.dumps(content).encode(), "b.json", load()), DAY, knowledge=load())


def urgency(answered: Assessment, who: str = "f001") -> str:
    return next(each.plan.urgency for each in answered.patients if each.patient_id == who)


def codes(answered: Assessment, who: str = "f001") -> set[str]:
    return {finding.code for each in answered.patients if each.patient_id == who for finding in each.findings}


# A record that isn't whole.

INCOMPLETE: dict[str, tuple[list[Resource], Resource]] = {
    "one issue without its list": (
        [{"resourceType": "OperationOutcome", "issue": {"severity": "error", "diagnostics": "page 2 timed out"}}],
        {},
    ),
    "severity with a capital": ([{"resourceType": "OperationOutcome", "issue": [{"severity": "Error"}]}], {}),
    "severity of no version": ([{"resourceType": "OperationOutcome", "issue": [{"severity": "severe"}]}], {}),
    "no severity": ([{"resourceType": "OperationOutcome", "issue": [{"diagnostics": "gone"}]}], {}),
    "inside another resource": (
        [
            {
                "resourceType": "Encounter",
                "id": "e1",
                "status": "planned",
                "subject": {"reference": "Patient/f001"},
                "contained": [{"resourceType": "OperationOutcome", "issue": [{"severity": "fatal"}]}],
            }
        ],
        {},
    ),
    "total as text": ([], {"total": "99"}),
    "total with a point": ([], {"total": 99.0}),
    "relation with a capital": ([], {"link": [{"relation": "Next", "url": "https://lab.example/2"}]}),
    "one link without its list": ([], {"link": {"relation": "next", "url": "https://lab.example/2"}}),
    "next page without an address": ([], {"link": [{"relation": "next"}]}),
}
WHOLE: dict[str, tuple[list[Resource], Resource]] = {
    "a warning": (
        [{"resourceType": "OperationOutcome", "issue": {"severity": "Warning", "code": "informational"}}],
        {},
    ),
    "its own page": ([], {"link": {"relation": "Self", "url": "https://lab.example/1"}}),
    "as many as it says": ([], {"total": "11"}),
}


@pytest.mark.parametrize("case", INCOMPLETE)
def test_a_record_that_is_not_whole_says_so(case: str) -> None:
    more, bundle = INCOMPLETE[case]
    answered = answer(*healthy(), *more, **bundle)
    assert "record_incomplete" in codes(answered)
    assert urgency(answered) in LOUD


@pytest.mark.parametrize("case", WHOLE)
def test_a_whole_record_stays_calm(case: str) -> None:
    more, bundle = WHOLE[case]
    answered = answer(*healthy(), *more, **bundle)
    assert "record_incomplete" not in codes(answered)
    assert urgency(answered) in CALM


def test_an_outcome_beside_an_entry_says_that_the_record_is_not_whole() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
    entries = [{"resource": each, "response": {"status": "200", "outcome": outcome}} for each in healthy()]
    content = {"resourceType": "Bundle", "type": "batch-response", "entry": entries}
    record = read_bundle(json.dumps(content).encode(), "b.json", load())
    assert any(item.kind == "incomplete" for item in record.set_aside)
    assert record.rows["results"]
