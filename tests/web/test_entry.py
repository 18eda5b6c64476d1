"""Entering by hand: each form becomes the row that it says, and what can't be is refused before anything is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from azaward.record.tables import TABLES
from azaward.store import Store
from azaward.store.care import records
from tests.web.clinic_room import TODAY, app_of, signed_in

JSON = {"accept": "application/json"}
AHEAD = str(TODAY + dt.timedelta(days=1))
PATIENT = {"patient_id": " p1 ", "birth_date": "1980-05-01", "sex": "female", "indication": "Crohn disease"}
RESULT = {"analyte": "Neutrophils", "value": "4.2", "unit": " 10*9/L ", "taken_on": str(TODAY), "ref_low": ""}
GENE = {"gene": "TPMT", "method": "genotype", "reported_on": "2020-01-01"}


@pytest.fixture
def clinician(store: Store) -> Iterator[TestClient]:
    with signed_in(app_of(store), "clinician", "clinician") as client:
        client.headers.update(JSON)
        assert client.post("/patients", data=PATIENT).status_code == 200
        yield client


@pytest.mark.parametrize(
    ("form", "fields", "table", "kept"),
    [
        ("results", RESULT, "results", {"analyte": "neutrophils", "value": 4.2, "unit": "10*9/L", "status": "final"}),
        ("medicines", {"medicine": "Imurek", "stopped_on": ""}, "exposures", {"medicine": "azathioprine"}),
        ("events", {"kind": "symptom", "started_on": "2026-01-02", "code": " "}, "events", {"kind": "symptom"}),
        ("contacts", {"kind": "call", "on": str(TODAY), "note": " "}, "contacts", {"kind": "call", "note": None}),
        ("genotypes", {**GENE, "diplotype": "*1/*3A"}, "genotypes", {"diplotype": "*1/*3A", "method": "genotype"}),
    ],
)
def test_a_form_becomes_a_row(
    clinician: TestClient, store: Store, form: str, fields: dict[str, str], table: str, kept: dict[str, Any]
) -> None:
    answer = clinician.post(f"/patients/p1/{form}", data=fields)
    assert answer.status_code == 200, answer.text
    with store.read() as connection:
        [cells] = records.of_patient(connection, "one", "p1").rows[table]
    row = dict(zip([column.name for column in TABLES[table]], cells, strict=True))
    assert {name: row[name] for name in kept} == kept


@pytest.mark.parametrize(
    ("address", "fields", "status", "says"),
    [
        ("/patients", PATIENT, 400, "there already"),
        ("/patients/p1/results", {**RESULT, "taken_on": AHEAD}, 400, "lies after today"),
        ("/patients/p1/results", {**RESULT, "value": "4200"}, 400, "plausible is"),
        ("/patients/p1/results", {**RESULT, "taken_on": ""}, 422, "taken_on"),
        ("/patients/p1/contacts", {"kind": "call", "on": AHEAD}, 400, "lies after today"),
        ("/patients/p1/genotypes", GENE, 400, "both empty"),
        ("/patients/p2/medicines", {"medicine": "Imurek"}, 404, "not a patient"),
        (
            "/patients/p1/decisions",
            {"version": 1, "kind": "stop", "words": "x", "until": AHEAD, "new_dose": 50},
            400,
            "a stop has no dose",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    clinician: TestClient, address: str, fields: dict[str, Any], status: int, says: str
) -> None:
    answer = clinician.post(address, data=fields)
    assert (answer.status_code, says in answer.text) == (status, True), answer.text
