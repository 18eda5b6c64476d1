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

PART: Resource = {"tag": [{"code": "SUBSETTED"}]}
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
    "the last page": ([], {"link": [{"relation": "self", "url": "/3"}, {"relation": "prev", "url": "/2"}]}),
    "a summary": ([], {"meta": {"tag": [{"code": "SUBSETTED"}]}}),
    "a summary of one resource": ([{"resourceType": "Encounter", "id": "e2", "meta": PART}], {}),
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


# What a result belongs to.

SUBJECT = {"reference": "Patient/f001"}


def specimen(kind: Any = None, **more: Any) -> Resource:
    typed = {"type": {"text": kind}} if isinstance(kind, str) else {"type": kind} if kind else {}
    return {"resourceType": "Specimen", "id": "s1", "subject": SUBJECT, **typed, **more}


def held(code: str | Resource, kind: str = "DiagnosticReport", **more: Any) -> Resource:
    named = {"text": code} if isinstance(code, str) else code
    members = "result" if kind == "DiagnosticReport" else "hasMember"
    made = {"resourceType": kind, "id": "p1", "status": "final", "code": named, "subject": SUBJECT}
    return {**made, members: [{"reference": "Observation/odd"}], **more}


def panel(code: str | Resource, **more: Any) -> Resource:
    return held(code, "Observation", **more)


OF_SPECIMEN = {"specimen": {"reference": "Specimen/s1"}}
DONOR: Resource = {"resourceType": "Patient", "id": "donor", "birthDate": "1950-01-01"}
OTHER_PERSON = {"reference": "Patient/donor"}
ASCITES_PARENT = {"resourceType": "Specimen", "id": "s0", "type": {"text": "Ascites"}}

# What stands in the result, and what stands beside it.
NOT_SURELY_BLOOD: dict[str, tuple[Resource, list[Resource]]] = {
    "a specimen that isn't here": ({"specimen": {"reference": "Specimen/none"}}, []),
    "a specimen as a list": ({"specimen": [{"display": "Ascites"}]}, []),
    "a specimen in words alone": ({"specimen": "ascites"}, []),
    "a specimen of a wrong type": ({"specimen": 7}, []),
    "blood of the peritoneum": ({"specimen": {"display": "blood"}, "bodySite": {"text": "peritoneum"}}, []),
    "a body site of a wrong type": ({"bodySite": 12}, []),
    "made from ascites": (OF_SPECIMEN, [specimen(parent=[{"reference": "Specimen/s0"}]), ASCITES_PARENT]),
    "said to be made from ascites": (OF_SPECIMEN, [specimen(parent={"display": "Ascites"})]),
    "supernatant of ascites": (
        OF_SPECIMEN,
        [specimen("Supernatant", parent=[{"reference": "Specimen/s0"}]), ASCITES_PARENT],
    ),
    "a specimen without a type": (OF_SPECIMEN, [specimen()]),
    "a specimen whose type can't be read": (OF_SPECIMEN, [specimen(type=5)]),
    "a specimen of a donor": (OF_SPECIMEN, [specimen("Blood", subject=OTHER_PERSON), DONOR]),
    "a specimen of somebody who isn't here": (OF_SPECIMEN, [specimen("Blood", subject={"reference": "Patient/p9"})]),
    "an unsatisfactory specimen": (OF_SPECIMEN, [specimen("Blood", status="unsatisfactory")]),
    "a clotted specimen": (OF_SPECIMEN, [specimen("Blood", condition=[{"text": "Clotted"}])]),
    "a haemolysed specimen": (OF_SPECIMEN, [specimen("Blood", condition={"coding": [{"code": "HEM"}]})]),
    "about a donor": ({"focus": [OTHER_PERSON]}, [DONOR]),
    "about a donor, without a list": ({"focus": OTHER_PERSON}, [DONOR]),
    "about a transfused unit": ({"focus": [{"reference": "BiologicallyDerivedProduct/u1"}]}, []),
    "a method": ({"method": {"text": "Body fluid analysis"}}, []),
    "a category": ({"category": [{"text": "Body fluid"}]}, []),
    "a note": ({"note": [{"text": "Sample: ascitic fluid"}]}, []),
    "a note in words alone": ({"note": "Sample is ascitic fluid"}, []),
    "a comment of DSTU2": ({"comments": "Ascitic fluid"}, []),
    "a report named so": ({}, [held("Ascitic fluid cell count")]),
    "a report of a donor": ({}, [held("Full blood count", subject=OTHER_PERSON), DONOR]),
    "a report with a specimen": ({}, [held("Cell count", specimen={"display": "Ascites"})]),
    "a report with a note": ({}, [held("Cell count", note=[{"text": "Specimen: pleural fluid"}])]),
    "a report in German": ({}, [held("Zellzahl im Aszites")]),
    "a panel named so": ({}, [panel("Ascitic fluid cell count")]),
    "a panel with a specimen": ({}, [panel("Cell count", specimen={"display": "Ascites"})]),
    "a panel of another person": ({}, [panel("Full blood count", subject=OTHER_PERSON), DONOR]),
    "a withdrawn report": ({}, [held("Full blood count", status="entered-in-error")]),
}
SURELY_BLOOD: dict[str, tuple[Resource, list[Resource]]] = {
    "venous blood in words": ({"specimen": {"display": "Venous blood"}}, []),
    "EDTA blood": (OF_SPECIMEN, [specimen("EDTA blood")]),
    "whole blood by its code": (
        OF_SPECIMEN,
        [specimen({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0487", "code": "BLD"}]})],
    ),
    "the patient's own, received": (
        OF_SPECIMEN,
        [specimen("Blood", status="available", condition=[{"text": "Satisfactory"}])],
    ),
    "room temperature": (OF_SPECIMEN, [specimen("Blood", condition={"coding": [{"code": "ROOM"}]})]),
    "blood from the arm": ({"specimen": {"display": "blood"}, "bodySite": {"text": "Left arm"}}, []),
    "made from blood": (
        OF_SPECIMEN,
        [specimen("Plasma", parent=[{"reference": "Specimen/s0"}]), {**ASCITES_PARENT, "type": {"text": "Blood"}}],
    ),
    "laboratory": ({"category": [{"coding": [{"code": "laboratory"}]}]}, []),
    "haematology": ({"category": [{"text": "Haematology"}], "method": {"text": "Automated count"}}, []),
    "about the patient": ({"focus": [SUBJECT]}, []),
    "for a condition": ({"focus": [{"reference": "Condition/c1"}]}, []),
    "a note on urine to come": ({"note": [{"text": "Please send a urine sample as well."}]}, []),
    "a harmless note": ({"note": [{"text": "Results checked. Fasting sample."}]}, []),
    "a blood count": ({}, [held("Full blood count")]),
    "a blood count with a specimen": ({}, [held("FBC", specimen=[{"display": "EDTA blood"}])]),
    "a panel": ({}, [panel("CBC W Auto Differential panel - Blood")]),
    "a corrected report beside a withdrawn one": (
        {},
        [held("Full blood count", status="entered-in-error"), held("Full blood count", id="p2", status="corrected")],
    ),
}


@pytest.mark.parametrize("case", NOT_SURELY_BLOOD)
def test_what_is_not_surely_blood_hides_no_blood(case: str) -> None:
    of_result, beside = NOT_SURELY_BLOOD[case]
    odd = result("neutrophils", 4.0, "2026-11-21", id="odd", **of_result)
    blood = result("neutrophils", 0.3, "2026-11-19", id="blood")
    assert urgency(answer(*healthy(), blood, odd, *beside)) == "emergency"


@pytest.mark.parametrize("case", NOT_SURELY_BLOOD)
def test_what_is_not_surely_blood_is_believed_to_be_nothing(case: str) -> None:
    of_result, beside = NOT_SURELY_BLOOD[case]
    odd = result("neutrophils", 0.3, "2026-11-21", id="odd", **of_result)
    answered = answer(*healthy(), odd, *beside)
    assert urgency(answered) != "emergency" or "withdrawn" in case
    assert answered.set_aside or urgency(answered) in LOUD


@pytest.mark.parametrize("case", SURELY_BLOOD)
def test_what_is_surely_blood_counts(case: str) -> None:
    of_result, beside = SURELY_BLOOD[case]
    low = result("neutrophils", 0.3, "2026-11-21", id="odd", **of_result)
    fine = result("neutrophils", 4.0, "2026-11-21", id="odd", **of_result)
    assert urgency(answer(*healthy(), low, *beside)) == "emergency"
    assert urgency(answer(*healthy(), fine, *beside)) in CALM


def test_a_laboratory_that_exports_no_specimens_is_calm() -> None:
    assert urgency(answer(*healthy(specimen={"reference": "Specimen/none"}))) in CALM


def test_the_parts_of_a_panel_take_its_name_and_its_specimen() -> None:
    part = {"code": {"coding": [{"system": "http://loinc.org", "code": "751-8"}]}}
    part["valueQuantity"] = {"value": 4.0, "unit": "10*9/L", "code": "10*9/L"}
    made: Resource = {"resourceType": "Observation", "id": "p", "status": "final", "subject": SUBJECT}
    made |= {"effectiveDateTime": "2026-11-21", "component": [part]}
    blood = result("neutrophils", 0.3, "2026-11-19", id="blood")
    for code in ("Ascitic fluid cell count", "Pleural fluid differential"):
        assert urgency(answer(*healthy(), blood, {**made, "code": {"text": code}})) == "emergency"
    assert urgency(answer(*healthy(), {**made, "code": {"text": "Full blood count"}})) in CALM


UNDATED: dict[str, tuple[Resource, list[Resource]]] = {
    "its specimen": (OF_SPECIMEN, [specimen("Blood", collection={"collectedDateTime": "2026-11-21"})]),
    "its panel": ({}, [panel("Full blood count", effectiveDateTime="2026-11-21")]),
    "its timing": ({"effectiveTiming": {"event": ["2026-11-21T08:00:00Z"]}}, []),
    "its report": ({}, [held("Full blood count", effectiveDateTime="2026-11-21")]),
    "the specimen of its report": (
        {},
        [
            held("Full blood count", specimen=[{"reference": "Specimen/s1"}]),
            specimen("Blood", collection={"collectedPeriod": {"start": "2026-11-21", "end": "2026-11-21"}}),
        ],
    ),
}


@pytest.mark.parametrize("case", UNDATED)
def test_a_result_takes_its_day_from_what_holds_it(case: str) -> None:
    of_result, beside = UNDATED[case]
    answered = answer(*healthy(), result("neutrophils", 0.3, None, id="odd", **of_result), *beside)
    assert urgency(answered) == "emergency"
    assert "result_no_date" not in codes(answered)


def test_two_reports_with_two_days_are_asked_about() -> None:
    reports = [held("Full blood count", id=f"p{day}", effectiveDateTime=f"2026-{day}") for day in ("10-01", "11-19")]
    answered = answer(*healthy(), result("neutrophils", 0.3, None, id="odd"), *reports)
    assert urgency(answered) in LOUD


# Of whom a result is.

SUBJECTS: dict[str, Resource | None] = {
    "none": None,
    "the id alone": {"reference": "f001"},
    "a slash too many": {"reference": "https://lab.example/fhir/Patient/f001/"},
    "a small letter": {"reference": "patient/f001"},
    "a number that nobody has": {"reference": "Patient?identifier=urn:lab|77"},
    "a number": {"identifier": {"system": "urn:lab", "value": "77"}},
    "a name": {"display": "Abel Farrow"},
    "nonsense": {"reference": "x"},
}


@pytest.mark.parametrize("case", SUBJECTS)
def test_a_severe_result_whose_subject_is_written_badly_is_heard(case: str) -> None:
    odd = result("neutrophils", 0.3, "2026-11-21", subject=SUBJECTS[case])
    assert urgency(answer(*healthy(), odd)) in LOUD
    # A number is somebody's: it isn't asked of each of several people.
    assert (urgency(answer(*healthy(), DONOR, odd)) in LOUD) != ("number" in case)


def test_a_severe_result_of_somebody_who_is_not_here_is_asked_about() -> None:
    stranger = {"reference": "Patient/p9"}
    assert urgency(answer(*healthy(), result("neutrophils", 0.3, "2026-11-21", subject=stranger))) in LOUD


@pytest.mark.parametrize(
    "subject", [{"reference": "Group/g1"}, {"reference": "Device/d1"}, {"reference": "Patient/donor"}]
)
def test_a_severe_result_of_another_is_not_asked_about(subject: Resource) -> None:
    answered = answer(*healthy(), DONOR, result("neutrophils", 0.3, "2026-11-21", subject=subject))
    assert urgency(answered) in CALM


def test_a_mark_of_the_laboratory_on_an_unknown_test_is_read_today() -> None:
    critical = {"interpretation": [{"coding": [{"code": "LL"}]}]}
    odd = {**result("neutrophils", 0.3, "2026-11-21"), "code": {"coding": [{"code": "x"}]}}
    assert urgency(answer(*healthy(), {**odd, **critical})) in LOUD
    assert urgency(answer(*healthy(), odd)) in CALM


# Who a person is: a second record of the same person holds the severe result.

NHS = "https://fhir.nhs.uk/Id/nhs-number"
NUMBER = {"system": NHS, "value": "999 000 0018"}
JOINED: dict[str, tuple[Resource, Resource]] = {
    "a number without its list": ({"identifier": [NUMBER]}, {"identifier": NUMBER}),
    "a number that isn't text": ({"identifier": [NUMBER]}, {"identifier": [{"system": NHS, "value": 9990000018}]}),
    "a number of another address": (
        {"identifier": [NUMBER]},
        {"identifier": [{**NUMBER, "system": "http://fhir.nhs.net/Id/nhs-number"}]},
    ),
    "a link without its list": ({}, {"link": {"other": {"reference": "Patient/f001"}, "type": "replaced-by"}}),
    "a link by a number": (
        {"identifier": [NUMBER]},
        {"link": [{"other": {"identifier": NUMBER}, "type": "replaced-by"}]},
    ),
    "a number no longer used": ({"identifier": [NUMBER]}, {"identifier": [{**NUMBER, "use": "old"}]}),
    "a name and a birth date": ({}, {"name": {"family": "FARROW", "given": "Abel"}}),
}
APART: dict[str, tuple[Resource, Resource]] = {
    "another birth date": ({}, {"birthDate": "1990-01-01"}),
    "a twin": ({}, {"name": [{"family": "Farrow", "given": ["Adam"]}]}),
    "other numbers": ({"identifier": [NUMBER]}, {"identifier": [{**NUMBER, "value": "999 000 0026"}]}),
    "twins": ({}, {"gender": "female"}),
    "placeholders of a number": (
        {"identifier": [{"system": "urn:ssn", "value": "999-99-9999"}, {"system": "urn:lab", "value": "UNKNOWN"}]},
        {
            "identifier": [{"system": "urn:ssn", "value": "999-99-9999"}, {"system": "urn:lab", "value": "UNKNOWN"}],
            "name": [{"family": "Garner", "given": ["Ida"]}],
        },
    ),
    "no name": ({"name": [{"family": "Unknown", "given": ["Patient"]}]}, {"name": [{"text": "Unknown Patient"}]}),
    "a family name alone": ({"name": [{"family": "Farrow"}]}, {"name": [{"family": "Farrow"}]}),
}


def two_records(mine: Resource, theirs: Resource) -> Assessment:
    person, *others = healthy()
    second = {**person, "id": "g777", **theirs}
    severe = result("neutrophils", 0.3, "2026-11-21", subject={"reference": "Patient/g777"})
    return answer({**person, **mine}, *others, second, severe)


@pytest.mark.parametrize("case", JOINED)
def test_two_records_of_one_person_are_joined_or_asked_about(case: str) -> None:
    answered = two_records(*JOINED[case])
    assert all(each.plan.urgency in LOUD for each in answered.patients)


@pytest.mark.parametrize("case", APART)
def test_two_people_who_are_alike_stay_two(case: str) -> None:
    answered = two_records(*APART[case])
    assert urgency(answered) in CALM
    assert not {"may_be_one_person"} & codes(answered)


def test_a_link_to_a_number_that_is_not_here_says_what_is_missing() -> None:
    link = {"other": {"identifier": {"system": "urn:lab", "value": "1"}}, "type": "refer"}
    person, *others = healthy()
    assert "record_incomplete" in codes(answer({**person, "link": [link]}, *others))


@pytest.mark.parametrize("address", ["Observation/hi", "https://gp.example/fhir/Observation/hi"])
@pytest.mark.parametrize("is_first", [True, False], ids=["deleted first", "deleted last"])
def test_a_deletion_without_a_full_address_is_applied(address: str, is_first: bool) -> None:
    base = "https://gp.example/fhir"
    wrong = {"fullUrl": f"{base}/Observation/hi", "resource": result("neutrophils", 4.0, "2026-11-21", id="hi")}
    gone = {"request": {"method": "DELETE", "url": address}, "response": {"lastModified": "2026-11-22T08:00:00Z"}}
    low = [*healthy(), result("neutrophils", 0.3, "2026-11-19", id="low")]
    entries = [{"fullUrl": f"{base}/{each['resourceType']}/{each['id']}", "resource": each} for each in low]
    entries += [gone, wrong] if is_first else [wrong, gone]
    content = {"resourceType": "Bundle", "type": "history", "entry": entries}
    record = read_bundle(json.dumps(content).encode(), "b.json", load())
    assert urgency(assess(record, DAY, knowledge=load())) == "emergency"


@pytest.mark.parametrize(
    ("asked", "applied"),
    [
        ({"method": "DELETE", "url": "Observation?_id=hi"}, True),
        ({"method": "DELETE", "url": "Observation?identifier=9"}, False),
        ({"method": "PATCH", "url": "Observation/hi"}, False),
    ],
    ids=["by id", "by a search", "in part"],
)
def test_a_change_that_cannot_be_applied_is_said(asked: Resource, applied: bool) -> None:
    both = [result("neutrophils", 0.3, "2026-11-19", id="low"), result("neutrophils", 4.0, "2026-11-21", id="hi")]
    entries: list[Resource] = [{"resource": each} for each in [*healthy(), *both]]
    content = {"resourceType": "Bundle", "type": "transaction", "entry": [*entries, {"request": asked}]}
    answered = assess(read_bundle(json.dumps(content).encode(), "b.json", load()), DAY, knowledge=load())
    assert ("record_incomplete" in codes(answered)) is not applied
    assert urgency(answered) == ("emergency" if applied else "same-day")


def test_a_result_whose_meaning_may_be_changed_hides_nothing() -> None:
    changed = {"modifierExtension": [{"url": "https://lab.example/not", "valueBoolean": True}]}
    low = result("neutrophils", 0.3, "2026-11-19", id="low")
    high = result("neutrophils", 4.0, "2026-11-21", id="hi", **changed)
    assert urgency(answer(*healthy(), low, high)) == "emergency"
