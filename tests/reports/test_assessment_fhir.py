"""The FHIR that azaward writes: valid R4B, complete, traceable, and the same for the same assessment."""

from __future__ import annotations

import datetime as dt
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from typer.testing import CliRunner

from azaward.assessment import (
    Assessment,
    Cited,
    Finding,
    LimitUsed,
    Observed,
    PatientAssessment,
    assess,
)
from azaward.cli import app
from azaward.knowledge import ACTIONS, URGENCIES, load
from azaward.plans import DosePlan, NextTest, Plan
from azaward.readers.read import read
from azaward.reports.assessment.to_fhir import to_fhir

EXAMPLES = Path(__file__).parents[2] / "examples"
RECORDS = [*sorted((EXAMPLES / "fhir").glob("*.*json")), EXAMPLES / "clinic"]
AS_OF = dt.date(2026, 11, 10)


@lru_cache(maxsize=1)
def assessments() -> dict[str, Assessment]:
    return {path.stem: assess(read(path, load()), AS_OF) for path in RECORDS}


def resources(written: bytes) -> dict[str, list[dict[str, Any]]]:
    """The resources of a Bundle by their type."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in json.loads(written).get("entry", []):
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


@pytest.mark.parametrize("name", [path.stem for path in RECORDS])
def test_every_example_gives_valid_fhir(name: str) -> None:
    written = to_fhir(assessments()[name])
    bundle = Bundle.model_validate_json(written)
    assert bundle.type == "collection"
    # What the library understood, written again, is what azaward wrote: no element was lost or misspelt.
    assert json.loads(bundle.model_dump_json()).keys() == json.loads(written).keys()
    again = Bundle.model_validate_json(written).model_dump_json()
    assert normal(json.loads(again)) == normal(json.loads(written))


def normal(node: Any) -> Any:
    """Without what the library spells otherwise: the form of an instant."""
    return {key: cell for key, cell in node.items() if key != "timestamp"}


@pytest.mark.parametrize("name", [path.stem for path in RECORDS])
def test_nothing_that_was_found_is_missing(name: str) -> None:
    assessment = assessments()[name]
    found = resources(to_fhir(assessment))
    findings = [finding for one in assessment.patients for finding in one.findings]
    assert [issue["detail"] for issue in found.get("DetectedIssue", [])] == [finding.says for finding in findings]
    tests = [(test.analyte, str(test.due_on)) for one in assessment.patients for test in one.plan.next_tests]
    requests = found.get("ServiceRequest", [])
    assert [(each["code"]["coding"][0]["code"], each["occurrenceDateTime"]) for each in requests] == tests
    assert len(found["CarePlan"]) == len(assessment.patients)
    lines = [issue for outcome in found.get("OperationOutcome", []) for issue in outcome["issue"]]
    assert [line["diagnostics"] for line in lines] == [item.where for item in assessment.set_aside]


def test_the_clinic_has_something_to_prove() -> None:
    found = resources(to_fhir(assessments()["clinic"]))
    assert len(found["DetectedIssue"]) > 50
    assert len(found["ServiceRequest"]) > 50


@pytest.mark.parametrize("name", [path.stem for path in RECORDS])
def test_references_lead_somewhere_and_names_are_given_once(name: str) -> None:
    written = json.loads(to_fhir(assessments()[name]))
    urls = [entry["fullUrl"] for entry in written["entry"]]
    assert len(urls) == len(set(urls))
    plans = [entry["resource"] for entry in written["entry"] if entry["resource"]["resourceType"] == "CarePlan"]
    held = [each["reference"] for plan in plans for each in plan.get("supportingInfo", [])]
    held += [each["reference"]["reference"] for plan in plans for each in plan.get("activity", [])]
    theirs = [
        entry["fullUrl"]
        for entry in written["entry"]
        if entry["resource"]["resourceType"] in ("DetectedIssue", "ServiceRequest", "Task")
    ]
    assert sorted(held) == sorted(theirs)


FINDING = Finding(
    patient_id="c001",
    rule="limits",
    code="limit",
    protocol="bsg-2019",
    action="withhold",
    urgency="same-day",
    subject="neutrophils",
    observed=Observed(value=0.8, unit="10*9/L", on=dt.date(2026, 11, 1)),
    limit=LimitUsed(comparison="below", value=1.0, unit="10*9/L"),
    says="Neutrophils 0.8: withhold.",
    says_patient="Stop the tablets and call today.",
    sources=[Cited(source="lamb-2019", locator="Table 8 <monitoring>", how="full text", title="BSG guidelines")],
)
TEST = NextTest(analyte="full_blood_count", due_on=dt.date(2026, 11, 12), why="every 7 days")


def assessment(finding: Finding = FINDING, patient_id: str = "c001") -> Assessment:
    dose = DosePlan(decision="withhold", mg_per_day=(0, 0), tablets=None)
    plan = Plan(dose=dose, next_tests=[TEST], urgency="same-day", who="clinician")
    one = PatientAssessment(patient_id=patient_id, findings=[finding], plan=plan, protocol="bsg-2019", status="on")
    return Assessment(azaward="0", knowledge="k", as_of=AS_OF, protocol="auto", patients=[one], set_aside=[])


def changed(**fields: Any) -> Finding:
    given = {name: getattr(FINDING, name) for name in FINDING.__struct_fields__}
    return Finding(**{**given, **fields})


def issue(finding: Finding = FINDING, patient_id: str = "c001") -> dict[str, Any]:
    written = to_fhir(assessment(finding, patient_id))
    Bundle.model_validate_json(written)
    return resources(written)["DetectedIssue"][0]


def test_a_finding_says_what_was_seen_what_it_was_compared_with_and_where_that_stands() -> None:
    found = issue()
    assert found["code"]["coding"] == [{"system": "urn:azaward:finding", "code": "limit"}]
    assert (found["severity"], found["patient"]) == ("high", {"reference": "Patient/c001"})
    assert found["identifiedDateTime"] == "2026-11-10"
    texts = [each["code"][0]["text"] for each in found["evidence"]]
    assert texts == [
        "neutrophils 0.8 x10^9/L on 2026-11-01",
        "limit: below 1 x10^9/L",
        "source: BSG guidelines, Table 8 <monitoring> (full text)",
    ]
    assert found["reference"] == "urn:azaward:source:lamb-2019"
    (mitigation,) = found["mitigation"]
    assert [each["code"] for each in mitigation["action"]["coding"]] == ["withhold", "same-day"]
    assert "Table 8 &lt;monitoring&gt;" in found["text"]["div"]


def test_the_plan_is_proposed_with_its_dose_and_tests() -> None:
    found = resources(to_fhir(assessment()))
    (plan,), (request,) = found["CarePlan"], found["ServiceRequest"]
    assert plan["description"] == "Dose: Withhold, no dose. Who acts: clinician. Urgency: same-day."
    assert "not a certified medical device" in plan["note"][0]["text"]
    assert {plan["intent"], request["intent"]} == {"proposal"}
    assert {plan["status"], request["status"]} == {"draft"}
    assert (request["code"]["text"], request["occurrenceDateTime"]) == ("full blood count", "2026-11-12")


def test_every_urgency_has_its_severity() -> None:
    severities = {word: issue(changed(urgency=word))["severity"] for word in URGENCIES}
    assert severities == {
        "emergency": "high",
        "same-day": "high",
        "this-week": "moderate",
        "routine": "low",
        "info": "low",
    }


def test_every_source_is_cited() -> None:
    second = Cited(source="smpc-uk", locator="4.4", how="secondary", title="SmPC")
    found = issue(changed(sources=[*FINDING.sources, second]))
    cited = [each["code"][0]["coding"][0]["code"] for each in found["evidence"] if "coding" in each["code"][0]]
    assert cited == ["lamb-2019", "smpc-uk"]


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_said(action: str) -> None:
    assert issue(changed(action=action))["mitigation"][0]["action"]["coding"][0]["code"] == action


@pytest.mark.parametrize(
    ("patient_id", "reference"),
    [
        pytest.param("c001", {"reference": "Patient/c001"}, id="plain"),
        pytest.param("https://x.example/Patient/7", {"reference": "https://x.example/Patient/7"}, id="address"),
        pytest.param("ward 3 / bed 2", {"identifier": {"value": "ward 3 / bed 2"}}, id="words"),
        pytest.param("ä" * 70, {"identifier": {"value": "ä" * 70}}, id="long"),
    ],
)
def test_any_clinics_id_can_be_referred_to(patient_id: str, reference: dict[str, Any]) -> None:
    assert issue(changed(patient_id=patient_id), patient_id)["patient"] == reference


def test_words_that_fhir_or_html_would_refuse_are_written_all_the_same() -> None:
    found = issue(changed(says=" <b>low</b> & \x07 falling ", subject="", observed=None, limit=None, sources=[]))
    assert found["detail"] == "<b>low</b> &   falling"
    assert "&lt;b&gt;low&lt;/b&gt; &amp;" in found["text"]["div"]
    assert "evidence" not in found


def test_the_command_line_writes_it() -> None:
    record = str(EXAMPLES / "fhir" / "synthea.json")
    result = CliRunner().invoke(app, ["assess", record, "--as-of", "2026-11-10", "--format", "fhir"])
    assert result.exit_code == 0
    path = EXAMPLES / "fhir" / "synthea.json"
    assert json.loads(result.stdout) == json.loads(to_fhir(assessments()["synthea"], read(path, load())))


def test_the_same_assessment_gives_the_same_bytes() -> None:
    assert to_fhir(assessment()) == to_fhir(assessment())


def test_nobody_and_nothing_is_an_empty_collection() -> None:
    nothing = Assessment(azaward="0", knowledge="k", as_of=AS_OF, protocol="auto", patients=[], set_aside=[])
    bundle = Bundle.model_validate_json(to_fhir(nothing))
    assert (bundle.type, bundle.entry) == ("collection", None)
