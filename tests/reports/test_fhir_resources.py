"""What each resource says: which input it rests on, who acts by when, what is missing, and what was decided."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from azaward.assessment import Aside, Assessment, Cited, Finding, Observed, PatientAssessment, assess, fingerprint
from azaward.knowledge import load
from azaward.knowledge.loading.messages import messages
from azaward.plans import DosePlan, NextTest, Plan, Until
from azaward.record import Record, tables
from azaward.record.tables import Column
from azaward.reports.assessment.fhir import sources
from azaward.reports.assessment.fhir.missing import LACKS
from azaward.reports.assessment.to_fhir import Decided, to_fhir
from tests.reports.r4 import bundle_faults

DAY = dt.date(2026, 11, 10)
LOW_ON = dt.date(2026, 11, 2)
SYSTEM = "https://hospital.example/numbers"


def resources(assessment: Assessment, record: Record | None = None, **given: Any) -> dict[str, list[dict[str, Any]]]:
    written = json.loads(to_fhir(assessment, record, **given))
    assert bundle_faults(written) == []
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in written["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


def finding(**fields: Any) -> Finding:
    said: dict[str, Any] = {
        "patient_id": "p1",
        "rule": "limits",
        "code": "limit_low",
        "protocol": "bsg-2019",
        "action": "withhold",
        "urgency": "same-day",
        "subject": "neutrophils",
        "observed": Observed(value=0.8, unit="10*9/L", on=LOW_ON),
        "limit": None,
        "says": "Neutrophils 0.8: withhold.",
        "says_patient": "Call today.",
        "sources": [],
        "asks_for": ["full_blood_count"],
    }
    return Finding(**{**said, **fields})


def one(*findings: Finding, **plan: Any) -> Assessment:
    said: dict[str, Any] = {
        "dose": DosePlan(decision="withhold", mg_per_day=(0, 0), tablets=None),
        "next_tests": [],
        "urgency": findings[0].urgency if findings else "info",
        "who": "clinician",
    }
    patient = PatientAssessment(
        patient_id="p1", findings=list(findings), plan=Plan(**{**said, **plan}), protocol="bsg-2019", status="on"
    )
    return Assessment(
        azaward="1.2", knowledge="2026-11-30+abc", as_of=DAY, protocol="auto", patients=[patient], set_aside=[]
    )


def result(**cells: Any) -> dict[str, Any]:
    given = {"patient_id": "p1", "analyte": "neutrophils", "value": 0.8, "unit": "10*9/L", "taken_on": LOW_ON}
    return {**given, "status": "final", "origin": "|Observation|n1", **cells}


def taken(**cells: Any) -> dict[str, Any]:
    given = {"patient_id": "p1", "medicine": "azathioprine", "started_on": dt.date(2026, 1, 1)}
    return {**given, "origin": "|MedicationRequest|m1", **cells}


def leads(issue: dict[str, Any], element: str = "implicated") -> list[str]:
    return [each["reference"] for each in issue.get(element, ())]


# What a finding rests on.


def test_an_issue_leads_to_the_order_and_to_the_result() -> None:
    record = Record.of({"exposures": [taken()], "results": [result()]})
    (issue,) = resources(one(finding()), record)["DetectedIssue"]
    assert leads(issue) == ["MedicationRequest/m1", "Observation/n1"]
    assert issue["evidence"][0]["detail"] == [{"reference": "Observation/n1"}]
    assert issue["evidence"][0]["code"][0]["text"] == "neutrophils 0.8 x10^9/L on 2026-11-02"


@pytest.mark.parametrize(
    ("origin", "reference"),
    [
        ("|Observation|n1", "Observation/n1"),
        ("https://a.example/fhir|Observation|n1", "https://a.example/fhir/Observation/n1"),
        ("https://a.example/fhir/|Observation|n1", "https://a.example/fhir/Observation/n1"),
        ("urn:oid:1.2.3|Observation|n1", "Observation/n1"),
        ("bundle.json Bundle.entry[4]", None),
        ("results.csv line 3", None),
        ("LAB|ORU^R01|n1", None),
        ("|Observation|an id with blanks", None),
        ("|Observation|", None),
        (None, None),
    ],
)
def test_only_what_names_its_resource_is_referred_to(origin: str | None, reference: str | None) -> None:
    record = Record.of({"results": [result(origin=origin)]})
    (issue,) = resources(one(finding()), record)["DetectedIssue"]
    assert leads(issue) == ([reference] if reference else [])


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The six tables with a column that names the resource of each row."""
    name = Column("resource", "string", False, "system, type and id")
    wide = {table: (*(each for each in held if each.name != name.name), name) for table, held in tables.TABLES.items()}
    monkeypatch.setattr(tables, "TABLES", wide)
    monkeypatch.setattr(sources, "TABLES", wide)


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(("kind", "near"), [("collection", "https://a.example/fhir/"), ("transaction", "")])
def test_what_is_sent_leads_to_the_patients_own_server(kind: Any, near: str) -> None:
    record = Record.of(
        {
            "patients": [{"patient_id": "p1", "resource": "https://a.example/fhir|Patient|p1"}],
            "results": [
                result(origin="a.json line 2", resource="https://a.example/fhir|Observation|n1"),
                result(origin="a.json line 3", resource="https://b.example/fhir|Observation|n2"),
                result(origin="a.json line 4", resource="urn:uuid:1277728e-757a-543a-afc8-1184a386e49c"),
            ],
        }
    )
    found = resources(one(finding()), record, kind=kind)
    assert leads(found["DetectedIssue"][0]) == [f"{near}Observation/n1", "https://b.example/fhir/Observation/n2"]
    assert found["Provenance"][0]["entity"][1]["what"] == {"reference": f"{near}Patient/p1"}


@pytest.mark.parametrize(
    "other",
    [
        {"status": "entered-in-error"},
        {"status": "cancelled"},
        {"taken_on": dt.date(2026, 11, 1)},
        {"analyte": "wbc"},
        {"patient_id": "p2"},
    ],
)
def test_another_result_is_no_evidence(other: dict[str, Any]) -> None:
    record = Record.of({"results": [result(**other)]})
    found = resources(one(finding()), record)["DetectedIssue"][0]
    assert leads(found) == []


def test_of_two_results_of_a_day_the_one_that_was_seen_is_the_evidence() -> None:
    high = result(value=3.2, origin="|Observation|n2")
    per_microlitre = result(value=800.0, unit="/uL", origin="|Observation|n3")
    record = Record.of({"results": [high, result(), per_microlitre]})
    (issue,) = resources(one(finding()), record)["DetectedIssue"]
    assert leads(issue) == ["Observation/n1", "Observation/n3"]


def test_a_result_that_cant_be_converted_is_known_by_what_was_written() -> None:
    record = Record.of({"results": [result(), result(value=43.0, unit="%", origin="|Observation|n2")]})
    seen = Observed(value=43.0, unit="%", on=LOW_ON)
    (issue,) = resources(one(finding(code="result_unknown_unit", observed=seen)), record)["DetectedIssue"]
    assert leads(issue) == ["Observation/n2"]


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize("rule", ["dosing", "enzyme"])
def test_advice_by_genes_rests_on_their_reports(rule: str) -> None:
    report = {"patient_id": "p1", "method": "genotype", "reported_on": LOW_ON}
    rows = [{**report, "gene": gene, "resource": f"|Observation|{gene}"} for gene in ("TPMT", "NUDT15")]
    about = finding(rule=rule, code="genotype_dose", subject="azathioprine", observed=None)
    (issue,) = resources(one(about), Record.of({"genotypes": rows}))["DetectedIssue"]
    assert leads(issue) == ["Observation/TPMT", "Observation/NUDT15"]


def test_where_none_is_of_the_value_seen_all_of_the_day_are_evidence() -> None:
    record = Record.of({"results": [result(unit=None), result(value=3.2, origin="|Observation|n2")]})
    (issue,) = resources(one(finding()), record)["DetectedIssue"]
    assert leads(issue) == ["Observation/n1", "Observation/n2"]


def test_an_order_that_has_ended_is_not_implicated() -> None:
    orders = [taken(stopped_on=DAY), taken(origin="|MedicationRequest|m2", stopped_on=DAY + dt.timedelta(1))]
    (issue,) = resources(one(finding(observed=None)), Record.of({"exposures": orders}))["DetectedIssue"]
    assert leads(issue) == ["MedicationRequest/m2"]


def test_what_concerns_another_medicine_leads_to_its_order() -> None:
    orders = [taken(), taken(medicine="warfarin", origin="|MedicationStatement|w1")]
    about = finding(code="interaction", subject="warfarin", concerns="other-medicine", observed=None)
    (issue,) = resources(one(about), Record.of({"exposures": orders}))["DetectedIssue"]
    assert leads(issue) == ["MedicationStatement/w1"]


@pytest.mark.parametrize(
    ("table", "row", "subject"),
    [
        ("genotypes", {"gene": "TPMT", "method": "genotype", "reported_on": LOW_ON}, "tpmt"),
        ("events", {"kind": "allergy", "code": "mercaptopurine", "started_on": LOW_ON}, "mercaptopurine"),
        ("events", {"kind": "symptom", "code": "fever", "started_on": LOW_ON}, "fever"),
    ],
)
def test_reports_and_events_without_a_known_resource_have_no_reference(
    table: str, row: dict[str, Any], subject: str
) -> None:
    record = Record.of({table: [{"patient_id": "p1", **row}]})
    assert leads(resources(one(finding(subject=subject)), record)["DetectedIssue"][0]) == []


def test_the_provenance_names_program_knowledge_and_inputs() -> None:
    record = Record.of({"exposures": [taken()], "results": [result(), result(analyte="wbc", origin="|Observation|w1")]})
    found = resources(one(finding()), record)
    (provenance,) = found["Provenance"]
    assert len(provenance["target"]) == 4
    (device,) = provenance["contained"]
    assert {each["type"]["text"]: each["value"] for each in device["version"]} == {
        "azaward": "1.2",
        "knowledge": "2026-11-30+abc",
    }
    known, *inputs = [each["what"] for each in provenance["entity"]]
    assert known["identifier"]["value"] == "2026-11-30+abc"
    assert [each["reference"] for each in inputs] == ["MedicationRequest/m1", "Observation/n1", "Observation/w1"]


# What was decided.


def test_an_issue_is_final_only_when_somebody_decided() -> None:
    low, other = finding(), finding(subject="wbc", says="White cells 2.0.")
    decided = {
        ("p1", fingerprint(low)): Decided(words="Withheld, count on Monday.", by="Dr N. Example", on="2026-11-10")
    }
    final, preliminary = resources(one(low, other), decided=decided)["DetectedIssue"]
    assert (final["status"], preliminary["status"]) == ("final", "preliminary")
    proposed, done = final["mitigation"]
    assert "date" not in proposed
    assert done == {
        "action": {"text": "Withheld, count on Monday."},
        "date": "2026-11-10",
        "author": {"display": "Dr N. Example"},
    }
    assert "Decided on 2026-11-10 by Dr N. Example" in final["text"]["div"]
    assert len(preliminary["mitigation"]) == 1


def test_a_decision_about_another_patient_decides_nothing() -> None:
    decided = {("p2", fingerprint(finding())): Decided(words="x", by="y", on="2026-11-10")}
    assert resources(one(finding()), decided=decided)["DetectedIssue"][0]["status"] == "preliminary"


# Who acts, and by when.


@pytest.mark.parametrize(
    ("urgency", "priority", "end"),
    [
        ("emergency", "stat", "2026-11-10"),
        ("same-day", "asap", "2026-11-10"),
        ("this-week", "urgent", "2026-11-17"),
        ("routine", "routine", None),
    ],
)
def test_a_task_says_who_by_when(urgency: str, priority: str, end: str | None) -> None:
    found = resources(one(finding(urgency=urgency), who="emergency team"))
    (task,), (issue,) = found["Task"], found["DetectedIssue"]
    assert (task["status"], task["intent"], task["priority"]) == ("requested", "proposal", priority)
    assert task["performerType"][0]["coding"] == [{"system": "urn:azaward:who", "code": "emergency-team"}]
    assert task["performerType"][0]["text"] == "emergency team"
    assert "owner" not in task
    assert task["for"] == {"reference": "Patient/p1"}
    assert task["focus"] == task["reasonReference"] == {"reference": f"urn:uuid:{issue['id']}"}
    assert task.get("restriction", {}).get("period", {}).get("end") == end


def test_what_the_next_supply_waits_for_ends_the_time() -> None:
    until = [Until(what="Full blood count", by=dt.date(2026, 11, 20), test="full_blood_count")]
    dose = DosePlan(decision="continue", mg_per_day=(100, 100), tablets=None, until=until)
    (task,) = resources(one(finding(urgency="routine"), dose=dose))["Task"]
    assert task["restriction"]["period"] == {"start": "2026-11-10", "end": "2026-11-20"}


@pytest.mark.parametrize(("urgency", "who"), [("info", "nobody"), ("info", "nurse")])
def test_what_needs_nobody_makes_no_task(urgency: str, who: str) -> None:
    assert "Task" not in resources(one(finding(urgency=urgency), who=who))


def test_findings_to_act_on_are_given_with_the_first() -> None:
    found = resources(one(finding(), finding(subject="wbc", urgency="routine"), finding(subject="alt", urgency="info")))
    (task,) = found["Task"]
    assert [each["valueReference"]["reference"] for each in task["input"]] == [
        f"urn:uuid:{found['DetectedIssue'][1]['id']}"
    ]


@pytest.mark.parametrize(
    ("urgency", "priority"),
    [("emergency", "stat"), ("same-day", "asap"), ("this-week", "urgent"), ("routine", "routine"), ("info", "routine")],
)
def test_a_request_is_as_urgent_as_what_asks_for_it(urgency: str, priority: str) -> None:
    test = NextTest(analyte="full_blood_count", due_on=DAY, why="Full blood count: asked for")
    found = resources(one(finding(urgency=urgency), next_tests=[test]), Record.of({"results": [result()]}))
    (request,), (issue,) = found["ServiceRequest"], found["DetectedIssue"]
    assert (request["intent"], request["status"], request["priority"]) == ("proposal", "draft", priority)
    assert request["supportingInfo"] == [{"reference": f"urn:uuid:{issue['id']}"}]
    assert request["reasonReference"] == [{"reference": "Observation/n1"}]
    assert request["code"]["coding"][1:] == [
        {"system": "http://loinc.org", "code": "57021-8", "display": "CBC W Auto Differential panel - Blood"}
    ]
    recall = found["Task"][-1]
    assert recall["focus"] == {"reference": f"urn:uuid:{request['id']}"}
    assert recall["restriction"]["period"]["end"] == "2026-11-10"
    assert {"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"} in recall["code"]["coding"]


def test_a_test_without_a_code_is_asked_for_in_words() -> None:
    test = NextTest(analyte="skin_check", due_on=DAY, why="Skin examination: asked for")
    (request,) = resources(one(next_tests=[test]))["ServiceRequest"]
    assert request["code"] == {
        "coding": [{"system": "urn:azaward:test", "code": "skin_check"}],
        "text": "skin check",
    }


def test_a_late_test_has_an_end_and_no_beginning() -> None:
    test = NextTest(analyte="liver", due_on=dt.date(2026, 10, 1), why="Liver function tests every 12 weeks")
    (task,) = resources(one(next_tests=[test]))["Task"]
    assert task["restriction"]["period"] == {"end": "2026-10-01"}


def test_every_order_is_of_a_test_and_has_one_code() -> None:
    knowledge = load()
    tests = {row.test for row in knowledge.tables["tests"]}
    orders = [row.test for row in knowledge.tables["orders"]]
    assert set(orders) <= tests
    assert len(orders) == len(set(orders))
    assert all(re.fullmatch(r"\d{3,5}-\d", row.loinc) for row in knowledge.tables["orders"])


# What was missing.


def test_everybody_gets_a_guidance_response() -> None:
    (guidance,) = resources(one())["GuidanceResponse"]
    assert guidance["status"] == "success"
    assert guidance["moduleCanonical"] == "urn:azaward:protocol:bsg-2019|2026-11-30+abc"
    assert guidance["subject"] == {"reference": "Patient/p1"}
    assert guidance["result"]["reference"].startswith("urn:uuid:")
    assert guidance["performer"]["reference"] == "#azaward"
    assert "dataRequirement" not in guidance
    assert "evaluationMessage" not in guidance


@pytest.mark.parametrize(
    ("code", "subject", "type", "elements"),
    [
        ("reference_range_missing", "alt", "Observation", ["referenceRange"]),
        ("result_no_unit", "neutrophils", "Observation", ["value"]),
        ("result_no_date", "neutrophils", "Observation", ["effective"]),
        ("age_unknown", "age", "Patient", ["birthDate"]),
        ("dose_unknown", "azathioprine", "MedicationRequest", ["dosageInstruction"]),
        ("indication_unknown", "indication", "Condition", ["code"]),
        ("surgery_undated", "surgery", "Procedure", ["performed"]),
    ],
)
def test_what_is_missing_is_required(code: str, subject: str, type: str, elements: list[str]) -> None:
    missing = finding(code=code, subject=subject, asks_for=[], observed=None)
    (guidance,) = resources(one(missing))["GuidanceResponse"]
    assert guidance["status"] == "data-required"
    (required,) = guidance["dataRequirement"]
    assert (required["type"], required["mustSupport"]) == (type, elements)
    assert "Missing: " in guidance["text"]["div"]


def test_a_missing_test_is_required_by_the_codes_of_its_results() -> None:
    missing = finding(code="baseline_missing", subject="liver", asks_for=["liver"], observed=None)
    (guidance,) = resources(one(missing, missing))["GuidanceResponse"]
    (required,) = guidance["dataRequirement"]
    (codes,) = required["codeFilter"]
    assert {"system": "http://loinc.org", "code": "1742-6"} in codes["code"]
    assert {"system": "http://loinc.org", "code": "1920-8"} in codes["code"]


def test_a_missing_test_without_codes_is_required_by_ours() -> None:
    missing = finding(code="genes_unknown", subject="nudt15", asks_for=["nudt15"], observed=None)
    (required,) = resources(one(missing))["GuidanceResponse"][0]["dataRequirement"]
    assert required["codeFilter"] == [{"path": "code", "code": [{"system": "urn:azaward:test", "code": "nudt15"}]}]


@pytest.mark.parametrize("code", ["record_unreadable", "a_code_of_tomorrow"])
def test_what_the_record_lacks_is_never_a_success(code: str) -> None:
    lacking = finding(rule="record_quality", code=code, subject="record", observed=None)
    (guidance,) = resources(one(lacking))["GuidanceResponse"]
    assert guidance["status"] == "data-required"


def test_what_was_set_aside_is_told_to_its_patient_alone() -> None:
    asides = [
        Aside(where="a.json line 1", what="Observation", why="broken", patient_id="p1"),
        Aside(where="a.json line 2", what="Observation", why="broken", patient_id="p2"),
        Aside(where="a.json line 3", what="3 Claim", why="not read"),
    ]
    whole = one()
    mine, nobodys = resources(replace(whole, set_aside=asides))["GuidanceResponse"]
    assert [each["diagnostics"] for each in mine["contained"][1]["issue"]] == ["a.json line 1"]
    assert mine["evaluationMessage"] == [{"reference": "#set-aside"}]
    assert [each["diagnostics"] for each in nobodys["contained"][1]["issue"]] == ["a.json line 2", "a.json line 3"]
    assert "subject" not in nobodys


# Their words speak of something unknown, but nothing that a record could supply is missing.
NOT_OF_THE_RECORD = {
    "floor_own_level",
    "range_unknown",
    "name_unknown",
    "symptom",
    "pancreatitis_possible",
    "breastfeeding_dose",
    "ebv_negative_young",
}
LACKING = re.compile(
    r"not recorded|not known|missing|never been|unknown|unclear|can't be|unreadable|undated|not done|without a date|"
    r"no date|no recorded|correct the|not fully recorded|reported without|not been measured|not recognised",
    re.IGNORECASE,
)


def test_every_finding_that_speaks_of_something_missing_is_listed() -> None:
    said = {code: words["says"] for code, words in messages().items() if isinstance(words, dict) and "says" in words}
    lacking = {code for code, words in said.items() if LACKING.search(words)}
    assert lacking - LACKS.keys() - NOT_OF_THE_RECORD == set()
    assert LACKS.keys() <= said.keys()


# The tables of docs/fhir-out.md.


def table(name: str) -> list[dict[str, str]]:
    """The rows under a mark of the page, by the heads of their columns."""
    page = (Path(__file__).parents[2] / "docs" / "fhir-out.md").read_text(encoding="utf-8")
    lines = page.partition(f"<!-- spec: {name} -->\n")[2].partition("\n\n")[0].splitlines()
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(head, row, strict=True)) for row in rows]


BROUGHT = ("DetectedIssue", "Task", "ServiceRequest", "GuidanceResponse", "DataRequirement")


@pytest.mark.parametrize("row", table("findings"), ids=lambda row: f"{row['code']} {row['urgency']}")
def test_a_finding_brings_with_it_what_the_page_says(row: dict[str, str]) -> None:
    asked = row["asks for"].split()
    given = finding(
        code=row["code"], subject=row["subject"], urgency=row["urgency"], asks_for=asked, observed=None,
        rule="record_quality" if row["code"].startswith(("record_", "result_")) else "limits",
    )  # fmt: skip
    tests = [NextTest(analyte=test, due_on=DAY, why="asked for") for test in asked]
    found = resources(one(given, next_tests=tests))
    (issue,), (guidance,) = found["DetectedIssue"], found["GuidanceResponse"]
    tasks = [each for each in found.get("Task", ()) if "performerType" in each]
    requests = found.get("ServiceRequest", [])
    required = guidance.get("dataRequirement", [])
    assert {
        "DetectedIssue": issue["severity"],
        "Task": " ".join(f"{each['priority']}{by(each)}" for each in tasks),
        "ServiceRequest": " ".join(f"{each['code']['coding'][-1]['code']} {each['priority']}" for each in requests),
        "GuidanceResponse": guidance["status"],
        "DataRequirement": " ".join(lack(each["type"], each.get("mustSupport", ())) for each in required),
    } == {
        name: row[name] for name in ("DetectedIssue", "Task", "ServiceRequest", "GuidanceResponse", "DataRequirement")
    }


def by(task: dict[str, Any]) -> str:
    return f" by {task['restriction']['period']['end']}" if "restriction" in task else ""


def lack(type: str | None, elements: Sequence[str]) -> str:
    return " ".join(filter(None, (type, ", ".join(elements)))) or "none: it may be anything"


def test_the_page_lists_all_that_a_record_can_lack() -> None:
    told = {row["DataRequirement"]: row["codes of findings"].split(", ") for row in table("lacks")}
    held: dict[str, list[str]] = {}
    for code, lacking in sorted(LACKS.items()):
        held.setdefault(lack(*lacking), []).append(code)
    assert told == held


def test_every_resource_says_itself_in_words() -> None:
    test = NextTest(analyte="full_blood_count", due_on=DAY, why="asked for")
    found = resources(one(finding(), next_tests=[test]))
    assert len(found) == 6
    for each in (each for kind in found.values() for each in kind):
        assert each["text"]["status"] == "generated", each["resourceType"]


def test_a_clinics_protocol_may_have_any_name() -> None:
    whole = one()
    (patient,) = whole.patients
    found = resources(replace(whole, patients=[replace(patient, protocol="our clinic|2 ä")]))
    assert found["CarePlan"][0]["instantiatesUri"] == ["urn:azaward:protocol:our%20clinic%7C2%20%C3%A4"]


TEXT = st.text(max_size=12) | st.sampled_from(
    [" ", "\x07", "\ufffe", "\ud800", "a  b", "<p>&", "http://x y", "urn:uuid:1", "|", "?"]
)


@settings(deadline=None, max_examples=60)
@given(says=TEXT, subject=TEXT, words=TEXT, source=TEXT, patient_id=TEXT.filter(bool), protocol=TEXT)
def test_whatever_a_record_says_is_written_as_valid_fhir(
    says: str, subject: str, words: str, source: str, patient_id: str, protocol: str
) -> None:
    cited = Cited(source=source, locator=words, how="own", title=says)
    seen = Observed(value=None, unit=None, on=DAY, text=words)
    about = finding(patient_id=patient_id, says=says, subject=subject, observed=seen, sources=[cited])
    test = NextTest(analyte="liver", due_on=DAY, why=words)
    whole = one(about, next_tests=[test])
    (patient,) = whole.patients
    whole = replace(
        whole,
        patients=[replace(patient, patient_id=patient_id, protocol=protocol)],
        set_aside=[Aside(where=words, what=says, why=subject, patient_id=owner) for owner in (patient_id, None)],
    )
    for kind in ("collection", "transaction"):
        written = to_fhir(whole, kind=kind, identifiers={patient_id: [(SYSTEM, words)]} if words else None)
        assert bundle_faults(json.loads(written)) == []
        bundle = Bundle.model_validate_json(written)
        for entry in bundle.entry:
            ElementTree.fromstring(entry.resource.text.div)


def test_where_the_rows_come_from_changes_nothing_about_what_is_found() -> None:
    rows = {"results": [result()], "exposures": [taken()], "patients": [{"patient_id": "p1"}]}
    record = Record.of(rows)
    assessment = assess(record, DAY)
    with_record, without = resources(assessment, record), resources(assessment)
    for kind in ("DetectedIssue", "Task", "CarePlan"):
        assert len(with_record[kind]) == len(without[kind])


def test_r4s_own_rules_notice_what_the_library_forgives() -> None:
    written = json.loads(to_fhir(one(finding(), next_tests=[NextTest(analyte="liver", due_on=DAY, why="asked for")])))
    for entry in written["entry"]:
        if entry["resource"]["resourceType"] == "ServiceRequest":
            entry["resource"]["reasonReference"] = [{"reference": written["entry"][2]["fullUrl"]}]
        if entry["resource"]["resourceType"] == "Task":
            entry["resource"]["requestedPerformer"] = []
    faults = bundle_faults(written)
    assert any("reasonReference: leads to a DetectedIssue" in fault for fault in faults)
    assert any("requestedPerformer: no such element" in fault for fault in faults)
