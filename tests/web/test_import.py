"""Files sent to the clinic's pages: looked at before they are kept, once, whole, and refused in one clear line."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from azaward.store import Store, audit
from azaward.store.care import records
from azaward.store.schema import metadata
from azaward.web.clinic.uploads import Uploads
from tests.web.clinic_room import app_of, signed_in

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENTS = "patient_id,birth_date,sex,indication\nc001,1980-01-02,female,crohns_disease\nc002,1975-03-04,male,\n"
EXPOSURES = "patient_id,medicine,dose_mg_per_day,started_on,stopped_on\nc001,azathioprine,100,2025-01-01,\n"
RESULTS = """patient_id,analyte,value,unit,taken_on,status
c001,neutrophils,0.4,10*9/L,2026-11-20,final
c001,no such test,1,,2026-11-20,final
"""
TABLES = {"patients.csv": PATIENTS, "exposures.csv": EXPOSURES, "results.csv": RESULTS}


@pytest.fixture
def app(store: Store) -> Any:
    return app_of(store)


@pytest.fixture
def nurse(app: Any) -> TestClient:
    return signed_in(app, "nurse", "nurse")


def files(named: Mapping[str, str | bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [
        ("files", (name, content.encode() if isinstance(content, str) else content)) for name, content in named.items()
    ]


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def sent(client: TestClient, named: Mapping[str, str | bytes]) -> Any:
    return client.post("/import", files=files(named), headers={"accept": "application/json"})


def rows(store: Store, table: str = "results") -> int:
    with store.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(metadata.tables[table])).scalar_one()


def token_in(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_nothing_is_kept_until_somebody_says_so(nurse: TestClient, store: Store) -> None:
    page = nurse.post("/import", files=files(TABLES))
    assert page.status_code == 200
    for words in (
        "New patients",
        "c001, c002",
        "no such test",
        "not a test that azaward recognises",
        "The first rows of",
    ):
        assert words in page.text
    assert (rows(store), rows(store, "imports")) == (0, 0)
    kept = nurse.post("/import/keep", data={"token": token_in(page.text)})
    assert kept.status_code == 200
    assert "1 file was kept" in kept.text
    assert rows(store) == 1
    assert "0.4" in nurse.get("/patients/c001").text
    # What was set aside stays to be seen, with its reason and without the server's folders.
    one = nurse.get("/import/1").text
    assert "no such test" in one
    assert "azaward-uploads" not in one
    assert audit.verify(store).wrong is None


def test_the_same_files_again_change_nothing_and_say_when_they_came(nurse: TestClient, store: Store) -> None:
    for _ in range(2):
        page = nurse.post("/import", files=files(TABLES))
        last = nurse.post("/import/keep", data={"token": token_in(page.text)})
    assert "The same file came in on" in page.text
    assert "1 file had come in before: nothing was done" in last.text
    assert (rows(store), rows(store, "imports")) == (1, 1)


def test_the_preview_tells_new_patients_from_known_ones(nurse: TestClient) -> None:
    first = sent(nurse, TABLES).json()
    nurse.post("/import/keep", data={"token": first["token"]})
    more = PATIENTS + "c003,1990-01-01,male,ulcerative_colitis\n"
    coming = sent(nurse, {**TABLES, "patients.csv": more}).json()["files"][0]["coming"]
    assert coming["new_patients"] == ["c003"]
    assert coming["known_patients"] == ["c001", "c002"]
    assert (coming["rows"]["patients"], coming["new_rows"]["patients"], coming["new_rows"]["results"]) == (3, 1, 0)


@pytest.mark.parametrize(
    "named",
    [
        {"bundle.json": (EXAMPLES / "fhir" / "before-first-tablet.json").read_bytes()},
        {"clinic.zip": zipped({f"clinic/{name}": text for name, text in TABLES.items()})},
        {
            "own.json": json.dumps(
                {
                    "patients": [{"patient_id": "c001", "birth_date": "1980-01-02", "sex": "female"}],
                    "results": [
                        {"patient_id": "c001", "analyte": "neutrophils", "value": 1.4, "taken_on": "2026-11-20"}
                    ],
                }
            )
        },
        {
            "Patient.ndjson": '{"resourceType": "Patient", "id": "c001", "birthDate": "1980-01-02"}',
            "Observation.ndjson": json.dumps(
                {
                    "resourceType": "Observation",
                    "status": "final",
                    "subject": {"reference": "Patient/c001"},
                    "code": {"coding": [{"system": "http://loinc.org", "code": "751-8"}]},
                    "effectiveDateTime": "2026-11-20",
                    "valueQuantity": {"value": 1.4, "code": "10*9/L", "system": "http://unitsofmeasure.org"},
                }
            ),
        },
        {"PATIENTS.CSV": PATIENTS, "Exposures.csv": EXPOSURES, "results.csv": RESULTS},
    ],
    ids=["bundle", "zip", "own", "export", "capitals"],
)
def test_every_format_of_the_command_line_comes_in(nurse: TestClient, store: Store, named: dict[str, bytes]) -> None:
    shown = sent(nurse, named).json()
    assert shown["problems"] == []
    assert nurse.post("/import/keep", data={"token": shown["token"]}).status_code == 200
    assert rows(store) >= 1


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"letter.pdf": b"%PDF-1.7"}, "letter.pdf: another kind of file. Expected .json, .ndjson, tables"),
        ({"bloods.csv": "a,b\n1,2\n"}, "bloods.csv: no table is called 'bloods'"),
        ({"bundle.json": b""}, "bundle.json: the file is empty"),
        ({"bundle.json": b"{nothing"}, "bundle.json line 1"),
        ({"bundle.json": b'{"a": "\xff"}'}, "not UTF-8"),
        ({"patients.csv": PATIENTS}, "exposures.csv (or .parquet) is missing"),
        ({**TABLES, "results.parquet": b"PAR1 and no more"}, "results as .csv and as .parquet"),
        ({"x.zip": b"PK no zip"}, "x.zip: not a zip file"),
        ({"x.zip": zipped({"../patients.csv": PATIENTS})}, "leads out of the folder"),
        ({"x.zip": zipped({"/etc/patients.csv": PATIENTS})}, "leads out of the folder"),
        ({"x.zip": zipped({"a\\..\\..\\patients.csv": PATIENTS})}, "leads out of the folder"),
        ({"x.zip": zipped({"readme.txt": "nothing"})}, "nothing in it can be read"),
        ({"x.zip": zipped({"patients.csv": b"0" * 4_000_000})}, "more comes out of it than may"),
        ({"x.zip": zipped({f"{n}.txt": "x" for n in range(300)})}, "300 files in it. Expected at most 200"),
        ({"a\u202eb.json": b"{}"}, "not a name for a file"),
        ({"x" * 400 + ".json": b"{}"}, "not a name for a file"),
        ({"..": b"{}"}, "not a name for a file"),
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)
def test_what_can_not_be_read_is_one_line_and_nothing_is_kept(
    named: dict[str, bytes], says: str, tmp_path: Path
) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    app = app_of(store, largest_upload=1_000_000)
    nurse = signed_in(app, "nurse", "nurse")
    answer = sent(nurse, named)
    assert answer.status_code == 400
    assert any(says in line for line in answer.json()["problems"]), answer.json()["problems"]
    page = nurse.post("/import", files=files(named))
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    assert rows(store, "imports") == 0
    held = app.state.room.notes.get("uploads")
    assert held is None or list(Path(held._home.name).iterdir()) == []


def test_a_name_that_leads_elsewhere_is_only_a_name(nurse: TestClient, store: Store, tmp_path: Path) -> None:
    where = f"../../../../{tmp_path}/own.json"
    shown = sent(nurse, {where: '{"patients": [{"patient_id": "<script>alert(1)</script>", "sex": "male"}]}'}).json()
    assert [one["name"] for one in shown["files"]] == ["own.json"]
    assert list(tmp_path.glob("*.json")) == []
    page = nurse.post("/import", files=files({"<b>.json": '{"patients": [{"patient_id": "<script>"}]}'}))
    assert page.status_code == 200
    assert "<b>.json" not in page.text
    assert "<script>" not in page.text.replace("<script src=", "")


def test_a_bad_file_is_left_out_and_the_others_go_in(nurse: TestClient, store: Store) -> None:
    page = nurse.post("/import", files=files({**TABLES, "letter.pdf": b"%PDF", "broken.json": b"{"}))
    assert page.status_code == 200
    assert "letter.pdf: another kind of file" in page.text
    assert "broken.json line 1" in page.text
    nurse.post("/import/keep", data={"token": token_in(page.text)})
    assert (rows(store), rows(store, "imports")) == (1, 1)


def test_too_large_is_refused_before_it_is_read(store: Store) -> None:
    nurse = signed_in(app_of(store, largest_upload=1_000_000), "nurse", "nurse")
    answer = nurse.post("/import", files=files({"bundle.json": b"x" * 2_000_000}))
    assert answer.status_code == 413
    assert re.search(r"has \d+ bytes. Expected at most 1 MB: split it, or use azaward import", answer.text)


def test_too_large_without_saying_so_is_refused_too(store: Store) -> None:
    nurse = signed_in(app_of(store, largest_upload=1_000_000), "nurse", "nurse")
    kind = {"content-type": "multipart/form-data; boundary=b"}
    begins = b'--b\r\nContent-Disposition: form-data; name="files"; filename="x.json"\r\n\r\n'
    answer = nurse.post("/import", content=iter([begins, *[b"x" * 100_000] * 30]), headers=kind)
    assert answer.status_code == 413
    assert "more than 1000000 bytes. Expected at most 1 MB" in answer.text


def test_a_preview_is_its_senders_alone_and_only_the_newest(app: Any, nurse: TestClient, store: Store) -> None:
    first = sent(nurse, TABLES).json()["token"]
    other = signed_in(app, "other", "clinician")
    refused = other.post("/import/keep", data={"token": first})
    assert (refused.status_code, "wait no longer" in refused.text) == (400, True)
    second = sent(nurse, TABLES).json()["token"]
    assert nurse.post("/import/keep", data={"token": first}).status_code == 400
    assert rows(store) == 0
    assert nurse.post("/import/keep", data={"token": second}).status_code == 200
    assert nurse.post("/import/keep", data={"token": second}).status_code == 400


def test_a_preview_ends_by_itself_and_lies_where_others_can_not_read(
    app: Any, nurse: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("azaward.web.clinic.uploads.LASTS_S", 0.3)
    token = sent(nurse, TABLES).json()["token"]
    held: Uploads = app.state.room.notes["uploads"]
    home = Path(held._home.name)
    assert home.stat().st_mode & 0o077 == 0
    assert [path.stat().st_mode & 0o777 for path in home.rglob("*.csv")] == [0o600] * 3
    held._held[token][1].join()
    assert list(home.iterdir()) == []
    assert nurse.post("/import/keep", data={"token": token}).status_code == 400


def test_another_clinics_imports_and_patients_stay_unseen(app: Any, nurse: TestClient, store: Store) -> None:
    nurse.post("/import/keep", data={"token": sent(nurse, TABLES).json()["token"]})
    stranger = signed_in(app, "stranger", "administrator", "two")
    assert stranger.get("/import/1").status_code == 404
    assert "patients.csv" not in stranger.get("/import").text.split("What came in")[1]
    assert sent(stranger, TABLES).json()["files"][0]["coming"]["known_patients"] == []
    with store.read() as connection:
        assert records.everyone(connection, "two") == []


def test_who_may_not_is_refused(app: Any, nurse: TestClient, store: Store) -> None:
    nurse.post("/import/keep", data={"token": sent(nurse, TABLES).json()["token"]})
    patient = signed_in(app, "patient", "patient", "one", "c001")
    for answer in (patient.get("/import"), patient.get("/import/1"), sent(patient, TABLES)):
        assert answer.status_code == 403
    nobody = TestClient(app, follow_redirects=False)
    assert sent(nobody, TABLES).status_code == 401
    forged = signed_in(app, "forged", "nurse")
    forged.headers["x-csrf-token"] = "another site's"
    assert sent(forged, TABLES).status_code == 403


def test_every_look_is_in_the_audit_trail(nurse: TestClient, store: Store) -> None:
    shown = sent(nurse, TABLES).json()
    nurse.post("/import/keep", data={"token": shown["token"]})
    nurse.get("/import/1")
    trail = audit.audit
    with store.read() as connection:
        actions = set(connection.scalars(sa.select(trail.c.action).where(trail.c.actor == "nurse")))
    assert {"read import preview", "import", "read import", "read imports"} <= actions
    assert dt.datetime.fromisoformat(shown["until"]) > dt.datetime.now(dt.UTC)
