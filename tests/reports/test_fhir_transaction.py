"""What is sent to a server: taken whole, twice without doubling, and never over what people have done since."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from fhir.resources.R4B.bundle import Bundle
from typer.testing import CliRunner

from azaward.assessment import assess, fingerprint
from azaward.cli import app
from azaward.knowledge import load
from azaward.readers.read import read
from azaward.record import Record
from azaward.reports.assessment.to_fhir import Decided, to_fhir
from tests.reports.fhir_server import references, served
from tests.reports.r4 import bundle_faults

EXAMPLES = Path(__file__).parents[2] / "examples"
RECORDS = [*sorted((EXAMPLES / "fhir").glob("*.*json")), EXAMPLES / "clinic"]
DAY = dt.date(2026, 11, 10)
HOSPITAL = "https://hospital.example/numbers"
KINDS = ("GuidanceResponse", "CarePlan", "DetectedIssue", "ServiceRequest", "Task", "Provenance")


@lru_cache(maxsize=16)
def record_of(path: Path) -> Record:
    return read(path, load())


def sent(record: Record, day: dt.date = DAY, **given: Any) -> dict[str, Any]:
    return json.loads(to_fhir(assess(record, day), record, kind="transaction", **given))


@pytest.fixture
def server() -> Iterator[str]:
    """A server in memory, or the one of `AZAWARD_FHIR_SERVER` (scripts/fhir_server.mjs starts an independent one)."""
    if address := os.environ.get("AZAWARD_FHIR_SERVER"):
        yield address
        return
    with served() as address:
        yield address


def post(server: str, bundle: dict[str, Any]) -> httpx.Response:
    return httpx.post(server + "/", json=bundle, headers={"content-type": "application/fhir+json"}, timeout=60)


def add_patient(server: str, *numbers: str) -> str:
    """A patient on the server, with these numbers of the hospital; their id there."""
    given = [{"system": HOSPITAL, "value": number} for number in numbers]
    made = {"resourceType": "Patient", "identifier": given} if given else {"resourceType": "Patient"}
    return str(httpx.post(server + "/Patient", json=made).json()["id"])


def held(server: str, kind: str) -> list[dict[str, Any]]:
    page = httpx.get(f"{server}/{kind}", params={"_count": "1000"}).json()
    return [entry["resource"] for entry in page.get("entry", [])]


def low(patient_id: str = "p1", value: float = 0.8, taken: dt.date = dt.date(2026, 11, 2)) -> dict[str, Any]:
    return {
        "patient_id": patient_id,
        "analyte": "neutrophils",
        "value": value,
        "unit": "10*9/L",
        "taken_on": taken,
        "status": "final",
        "origin": "|Observation|n1",
    }


def somebody(patient_id: str = "p1", *results: dict[str, Any]) -> Record:
    return Record.of(
        {
            "patients": [{"patient_id": patient_id, "birth_date": dt.date(1980, 1, 1), "indication": "crohns_disease"}],
            "exposures": [
                {
                    "patient_id": patient_id,
                    "medicine": "azathioprine",
                    "dose_mg_per_day": 100.0,
                    "started_on": dt.date(2026, 1, 1),
                }
            ],
            "results": list(results),
        }
    )


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
@pytest.mark.parametrize("kind", ["collection", "transaction"])
def test_every_example_is_valid_r4_and_r4b(path: Path, kind: Any) -> None:
    written = to_fhir(assess(record_of(path), DAY), record_of(path), kind=kind)
    assert bundle_faults(json.loads(written)) == []
    assert Bundle.model_validate_json(written).type == kind


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_library_of_r4_reads_it(path: Path) -> None:
    bundle = pytest.importorskip("fhirclient.models.bundle")
    record = record_of(path)
    for kind in ("collection", "transaction"):
        written = json.loads(to_fhir(assess(record, DAY), record, kind=kind))
        read_back = bundle.Bundle(written, strict=True)
        assert len(read_back.entry) == len(written["entry"])


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_every_entry_asks_to_be_made_only_where_it_is_not_there(path: Path) -> None:
    entries = sent(record_of(path))["entry"]
    assert {entry["request"]["method"] for entry in entries} == {"POST"}
    conditions = [(entry["request"]["url"], entry["request"]["ifNoneExist"]) for entry in entries]
    assert len(set(conditions)) == len(conditions)
    assert all("id" not in entry["resource"] for entry in entries)
    assert all(entry["resource"]["text"]["div"].startswith("<div xmlns=") for entry in entries)
    assert not any(entry["resource"]["resourceType"] == "OperationOutcome" for entry in entries)


def test_sent_twice_makes_nothing_twice(server: str) -> None:
    patient = add_patient(server)
    bundle = sent(somebody(patient, low(patient) | {"origin": None}))
    before = {kind: len(held(server, kind)) for kind in KINDS}
    first, second = (post(server, bundle).json() for _ in range(2))
    assert {entry["response"]["status"][:3] for entry in first["entry"]} == {"201"}
    assert {entry["response"]["status"][:3] for entry in second["entry"]} == {"200"}
    made = Counter(entry["resource"]["resourceType"] for entry in bundle["entry"])
    assert {kind: len(held(server, kind)) - before[kind] for kind in KINDS} == {kind: made[kind] for kind in KINDS}


def test_on_the_server_every_reference_leads_to_what_was_sent(server: str) -> None:
    patient = add_patient(server)
    post(server, sent(somebody(patient, low(patient) | {"origin": None}))).raise_for_status()
    theirs = [each for kind in KINDS for each in held(server, kind) if f"Patient/{patient}" in json.dumps(each)]
    led = {reference for each in theirs for reference in references(each) if not reference.startswith("#")}
    assert len(led) > 5
    for reference in led:
        assert httpx.get(f"{server}/{reference}").status_code == 200, reference


def test_what_people_did_since_stays(server: str) -> None:
    patient = add_patient(server)
    bundle = sent(somebody(patient, low(patient) | {"origin": None}))
    post(server, bundle)
    (task,) = [
        each for each in held(server, "Task") if each["for"]["reference"] == f"Patient/{patient}" and "input" in each
    ]
    httpx.put(f"{server}/Task/{task['id']}", json={**task, "status": "completed"}).raise_for_status()
    post(server, bundle)
    assert httpx.get(f"{server}/Task/{task['id']}").json()["status"] == "completed"


def test_a_decision_arrives_and_takes_the_place_of_the_proposal(server: str) -> None:
    patient = add_patient(server)
    record = somebody(patient, low(patient) | {"origin": None})
    (whole,) = assess(record, DAY).patients
    post(server, sent(record))
    words = Decided(words="Withheld; count on Monday.", by="Dr N. Example", on=str(DAY))
    decided = {(patient, fingerprint(whole.findings[0])): words}
    for _ in range(2):
        post(server, sent(record, decided=decided)).raise_for_status()
    theirs = [each for each in held(server, "DetectedIssue") if each["patient"]["reference"] == f"Patient/{patient}"]
    assert Counter(each["status"] for each in theirs) == {"final": 1, "preliminary": len(whole.findings) - 1}


def test_what_is_decided_needs_no_task() -> None:
    record = somebody("p1", low())
    (whole,) = assess(record, DAY).patients
    words = Decided(words="Seen.", by="Dr N. Example", on=str(DAY))
    decided = {("p1", fingerprint(finding)): words for finding in whole.findings}
    tasks = [each["resource"] for each in sent(record, decided=decided)["entry"] if "performerType" in each["resource"]]
    assert tasks == []


@pytest.mark.parametrize("number", ["4711", "47, 11|\\ $ä&=#"])
def test_the_patient_is_found_by_number(number: str) -> None:
    with served() as server:
        add_patient(server, "815")
        patient = add_patient(server, number)
        answer = post(server, sent(somebody("c001"), identifiers={"c001": [(HOSPITAL, number), ("urn:other", "9")]}))
        assert answer.status_code == 200, answer.text
        found = {json.dumps(each["patient"], sort_keys=True) for each in held(server, "DetectedIssue")}
    theirs = {"identifier": {"system": HOSPITAL, "value": number}, "reference": f"Patient/{patient}", "type": "Patient"}
    assert found == {json.dumps(theirs)}


@pytest.mark.parametrize("people", [0, 2])
def test_a_number_that_is_not_one_persons_refuses_the_whole(people: int) -> None:
    with served() as server:
        for _ in range(people):
            add_patient(server, "4711")
        answer = post(server, sent(somebody("c001"), identifiers={"c001": [(HOSPITAL, "4711")]}))
        assert answer.status_code == 412
        assert [held(server, kind) for kind in KINDS] == [[]] * len(KINDS)


def names(bundle: dict[str, Any], kind: str) -> set[str]:
    return {entry["fullUrl"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind}


def test_the_next_day_brings_only_what_is_new() -> None:
    record = somebody("p1", low())
    today, tomorrow = sent(record), sent(record, DAY + dt.timedelta(1))
    for kind in ("DetectedIssue", "ServiceRequest", "Task"):
        assert names(today, kind) == names(tomorrow, kind), kind
    assert not names(today, "GuidanceResponse") & names(tomorrow, "GuidanceResponse")
    assert not names(today, "Provenance") & names(tomorrow, "Provenance")


def test_in_a_clinic_a_day_brings_little() -> None:
    record = record_of(EXAMPLES / "clinic")
    today, tomorrow = sent(record), sent(record, DAY + dt.timedelta(1))
    old, new = names(today, "DetectedIssue"), names(tomorrow, "DetectedIssue")
    assert len(new - old) < len(new) / 10


@pytest.mark.parametrize("value", [0.4, 0.9])
def test_a_new_result_of_the_same_day_is_never_taken_for_the_old(value: float) -> None:
    before = sent(somebody("p1", low()))
    after = sent(somebody("p1", low(), low(value=value, taken=DAY)))
    about = [
        entry["fullUrl"]
        for entry in after["entry"]
        if entry["resource"]["resourceType"] == "DetectedIssue" and f"on {DAY}" in json.dumps(entry["resource"])
    ]
    assert about
    assert not set(about) & names(before, "DetectedIssue")


def test_a_test_that_was_done_is_asked_for_anew() -> None:
    before = sent(somebody("p1", low()))
    after = sent(somebody("p1", low(), low(taken=DAY)))
    assert names(before, "ServiceRequest") != names(after, "ServiceRequest")


def test_two_clinics_with_the_same_patient_id_are_two() -> None:
    one, other = (sent(somebody("c001"), identifiers={"c001": [(HOSPITAL, number)]}) for number in ("1", "2"))
    for kind in KINDS:
        assert not names(one, kind) & names(other, kind)


def test_what_belongs_to_nobody_is_sent_too() -> None:
    bundle = sent(record_of(EXAMPLES / "fhir" / "trouble.json"))
    (nobodys,) = [
        entry["resource"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "GuidanceResponse" and "subject" not in entry["resource"]
    ]
    assert nobodys["status"] == "data-required"
    _, outcome = nobodys["contained"]
    theirs = {patient.patient_id for patient in assess(record_of(EXAMPLES / "fhir" / "trouble.json"), DAY).patients}
    asides = assess(record_of(EXAMPLES / "fhir" / "trouble.json"), DAY).set_aside
    assert len(outcome["issue"]) == len([item for item in asides if item.patient_id not in theirs]) > 0


def test_a_client_reads_it_back() -> None:
    fhirpy = pytest.importorskip("fhirpy")
    with served() as server:
        patient = add_patient(server)
        post(server, sent(somebody(patient, low(patient) | {"origin": None})))
        client = fhirpy.SyncFHIRClient(server)
        plan = client.resources("CarePlan").fetch()[0]
        led = [each["reference"] for each in plan["activity"]]
        done = [client.reference(reference=each["reference"]).to_resource() for each in led]
        assert {each.resource_type for each in done} == {"ServiceRequest", "Task"}
        (task,) = (each for each in done if "performerType" in each)
        issue = client.reference(reference=task["focus"]["reference"]).to_resource()
        assert (issue["severity"], issue["patient"]["reference"]) == ("high", f"Patient/{patient}")


def test_the_command_line_writes_it() -> None:
    record = EXAMPLES / "fhir" / "synthea.json"
    asked = ["assess", str(record), "--as-of", str(DAY), "--format", "fhir", "--fhir-bundle", "transaction"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == sent(record_of(record))


def test_a_kind_of_bundle_without_fhir_is_typed_wrongly() -> None:
    result = CliRunner().invoke(app, ["assess", "nothing.json", "--fhir-bundle", "transaction"])
    assert result.exit_code == 2
    assert "--format fhir" in result.output
