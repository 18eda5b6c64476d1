"""A person under two ids that were joined: one page, with the rows of both, found under either."""

from __future__ import annotations

import datetime as dt

from azaward.knowledge import load
from azaward.record.tables import Record
from azaward.store import Store, imports
from azaward.store.care.acts import Actor, Decision, decide
from azaward.store.care.joining import change
from azaward.store.schema import RECORD
from tests.web.clinic_room import TODAY, app_of, signed_in

JSON = {"accept": "application/json"}
ACTOR = Actor("nurse", "one", TODAY)


def joined(store: Store) -> None:
    day = dt.date(2026, 11, 20)
    tables = {
        "patients": [{"patient_id": one, "birth_date": dt.date(1975, 4, 2), "sex": "female"} for one in ("p1", "q2")],
        "exposures": [
            {
                "patient_id": "q2",
                "medicine": "azathioprine",
                "dose_mg_per_day": 150.0,
                "started_on": dt.date(2026, 1, 1),
            }
        ],
        "results": [
            {"patient_id": "p1", "analyte": "neutrophils", "value": 4.2, "unit": "10*9/L", "taken_on": day},
            {"patient_id": "q2", "analyte": "platelets", "value": 222.0, "unit": "10*9/L", "taken_on": day},
        ],
    }
    imports.keep(store, ACTOR, "two", "two", Record.of(tables), load())
    change(store, ACTOR, "merge", ("q2", "p1"), "the same person", load())


def test_the_page_of_an_id_that_was_given_up_is_that_of_the_kept_one(store: Store) -> None:
    with signed_in(app_of(store), "clinician", "clinician") as client:
        joined(store)
        answer = client.get("/patients/q2", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/patients/p1")
        page = client.get("/patients/q2").text
        assert "<bdi>q2</bdi> was joined with this record" in page
        assert client.get("/patients/nobody").status_code == 404


def test_the_page_of_a_joined_person_shows_and_strikes_the_rows_of_both(store: Store) -> None:
    with signed_in(app_of(store), "clinician", "clinician") as client:
        client.headers.update(JSON)
        joined(store)
        tables = client.get("/patients/p1").json()["tables"]
        assert {row["analyte"] for row in tables["results"]} == {"neutrophils", "platelets"}
        (row,) = [row for row in tables["results"] if row["analyte"] == "platelets"]
        said = {"table": "results", "row": row["id"], "why": "another sample"}
        assert client.post("/patients/p1/struck", data=said).status_code == 200
        tables = client.get("/patients/p1").json()["tables"]
        assert [row["struck_why"] for row in tables["results"] if row["analyte"] == "platelets"] == ["another sample"]


def test_a_new_dose_ends_the_dose_that_stands_under_the_other_id(store: Store) -> None:
    with signed_in(app_of(store), "clinician", "clinician") as client:
        client.headers.update(JSON)
        joined(store)
        version = client.get("/patients/p1").json()["version"]
    change_of = Decision(version, "change-dose", "less", [], TODAY + dt.timedelta(30), ("azathioprine", 50.0, TODAY))
    decide(store, ACTOR, "p1", change_of, load())
    table = RECORD["exposures"]
    with store.read() as connection:
        rows = connection.execute(table.select().where(table.c.struck_at.is_(None))).mappings().all()
    assert sorted((row["dose_mg_per_day"], str(row["stopped_on"])) for row in rows) == [
        (50.0, "None"),
        (150.0, str(TODAY)),
    ]
