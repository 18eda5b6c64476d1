"""The recall list: who is overdue, how the clinic reaches them, and that what was sent stands in each record."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from azaward.knowledge import load
from azaward.reports.patient.letters import letters_pdf
from azaward.store import Store, imports
from azaward.store.care import acts, reassess
from azaward.store.care.acts import Actor
from azaward.store.schema import RECORD, audit, clinics, handled
from azaward.web.clinic.overdue import overdue
from azaward.wording import Words
from tests.web.clinic_room import TODAY, app_of, signed_in

JSON = {"accept": "application/json"}


def days_ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days=days)


COUNTS = {"wbc": 6.5, "neutrophils": 4.0, "platelets": 250.0, "lymphocytes": 1.8, "haemoglobin": 140.0}
LIVER = {"alt": 20.0, "ast": 20.0, "alp": 70.0, "bilirubin": 8.0, "albumin": 42.0}
KIDNEY = {"creatinine": 70.0, "egfr": 95.0}
UNITS = {
    **dict.fromkeys(COUNTS, "10*9/L"),
    **dict.fromkeys(LIVER, "U/L"),
    "haemoglobin": "g/L",
    "albumin": "g/L",
    "bilirubin": "umol/L",
    "creatinine": "umol/L",
    "egfr": "mL/min/{1.73_m2}",
}


def panel(patient_id: str, days: int, **values: float) -> list[dict[str, Any]]:
    """These results so many days ago; every test that a protocol asks for where none is named."""
    return [
        {
            "patient_id": patient_id,
            "analyte": analyte,
            "value": value,
            "unit": UNITS[analyte],
            "taken_on": days_ago(days),
            "status": "final",
        }
        for analyte, value in (values or {**COUNTS, **LIVER, **KIDNEY}).items()
    ]


def add(store: Store, clinic: str, **tables: Any) -> None:
    acts.add_rows(store, Actor("test", clinic, TODAY), tables, load())


@pytest.fixture
def app(store: Store) -> Any:
    """Two clinics. In the first c001 and c002 were last tested 110 days ago, c003 this week."""
    imports.make_clinic(store, "one", "Joint clinic")
    imports.make_clinic(store, "two", "Another clinic")
    with store.write() as connection:
        connection.execute(sa.update(clinics).where(clinics.c.id == "one").values(phone="01 234 567"))
    for clinic, ids in {"one": ("c001", "c002", "c003"), "two": ("c901",)}.items():
        add(
            store,
            clinic,
            patients=[
                {"patient_id": one, "birth_date": dt.date(1980, 1, 2), "sex": "male", "indication": "crohns_disease"}
                for one in ids
            ],
            exposures=[
                {
                    "patient_id": one,
                    "medicine": "azathioprine",
                    "dose_mg_per_day": 100.0,
                    "started_on": dt.date(2024, 1, 1),
                }
                for one in ids
            ],
        )
    add(store, "one", results=[*panel("c001", 110), *panel("c002", 110), *panel("c003", 3)])
    add(store, "two", results=panel("c901", 110))
    add(
        store,
        "one",
        contacts=[
            {"patient_id": "c001", "kind": "attended", "on": days_ago(365)},
            {"patient_id": "c001", "kind": "attended", "on": days_ago(300)},
            {"patient_id": "c001", "kind": "did_not_attend", "on": days_ago(90)},
            {"patient_id": "c001", "kind": "letter", "on": days_ago(100), "note": "before this test fell due"},
        ],
    )
    return app_of(store)


@pytest.fixture
def nurse(app: Any) -> Iterator[TestClient]:
    with signed_in(app, "nurse", "nurse") as client:
        yield client


def listed(client: TestClient, **wanted: Any) -> Any:
    answer = client.get("/recall", params=wanted, headers=JSON)
    assert answer.status_code == 200, answer.text
    return answer.json()


def kept_contacts(store: Store, patient_id: str) -> list[tuple[str, dt.date, str | None]]:
    table = RECORD["contacts"]
    with store.read() as connection:
        rows = connection.execute(
            sa.select(table.c.kind, table.c.on, table.c.note).where(table.c.patient_id == patient_id)
        )
        return [tuple(row) for row in rows]


def trail(store: Store, action: str) -> list[str]:
    with store.read() as connection:
        found = (
            sa.select(audit.c.subject).where(audit.c.action == action, audit.c.clinic_id == "one").order_by(audit.c.seq)
        )
        return list(connection.scalars(found))


def test_who_is_overdue_by_how_long_and_how_they_came(nurse: TestClient) -> None:
    model = listed(nurse)
    assert {one["patient_id"] for one in model["people"]} == {"c001", "c002"}
    first = next(one for one in model["people"] if one["patient_id"] == "c001")
    assert (first["days_overdue"], first["due_on"]) == (26, str(days_ago(26)))
    assert "blood count" in {test["name"] for test in first["tests"]}
    assert (first["attended"], first["missed"], first["last_missed"]) == (2, 1, str(days_ago(90)))
    assert (first["last_contact"], first["last_contact_by"], first["reached_out"]) == (
        str(days_ago(100)),
        "letter",
        False,
    )
    assert (model["clinic"]["overdue"], model["clinic"]["waiting"]) == (2, 2)
    # Of the last year alone: the visit of 365 days ago is outside of it.
    assert (model["clinic"]["attended"], model["clinic"]["missed"]) == (1, 1)


def test_who_needs_a_call_stands_first_and_is_called_so(nurse: TestClient, store: Store) -> None:
    add(store, "one", results=panel("c002", 1, neutrophils=0.4))
    model = listed(nurse)
    assert [(one["patient_id"], one["phone_first"]) for one in model["people"]] == [("c002", True), ("c001", False)]
    page = nurse.get("/recall").text
    assert "call first" in page[page.index('value="c002"') : page.index('value="c001"')]
    assert "call first" not in page[page.index('value="c001"') : page.index("everyone on this list")]
    assert [one["patient_id"] for one in listed(nurse, phone=True)["people"]] == ["c002"]


def test_a_test_to_repeat_today_that_was_overdue_before_is_on_the_list(nurse: TestClient, store: Store) -> None:
    """The plan asks for it today; the list says since when it is missing."""
    add(store, "one", results=panel("c001", 109, **{**COUNTS, "neutrophils": 1.4}))
    with store.read() as connection:
        standing = reassess.of_patient(connection, "one", "c001")
    assert standing is not None
    assert TODAY in {test.due_on for test in standing[0].plan.next_tests if test.analyte == "full_blood_count"}
    found = {one["patient_id"]: one for one in listed(nurse)["people"]}
    assert {test["name"]: test["due_on"] for test in found["c001"]["tests"]}["blood count"] < str(days_ago(20))


def test_letters_are_one_page_a_patient_and_each_is_a_read(nurse: TestClient, store: Store) -> None:
    sent = nurse.post("/recall/letters.pdf", data={"patients": ["c001", "c002"]})
    assert sent.status_code == 200, sent.text
    assert sent.headers["content-type"] == "application/pdf"
    assert sent.headers["content-disposition"] == f'attachment; filename="recall-{TODAY}.pdf"'
    assert len(re.findall(rb"/Type ?/Page\b", sent.content)) == 2
    knowledge = load()
    with store.read() as connection:
        people = overdue(connection, "one", TODAY, knowledge, Words(knowledge)).people
    recalls = sorted((one.recall for one in people), key=lambda one: one.patient_id)
    assert [(one.patient_id, one.clinic_name, one.clinic_phone) for one in recalls] == [
        ("c001", "Joint clinic", "01 234 567"),
        ("c002", "Joint clinic", "01 234 567"),
    ]
    assert sent.content == letters_pdf(recalls, TODAY)
    assert trail(store, "read recall letter") == ["c001", "c002"]


def test_the_merge_file_has_a_row_each_and_runs_no_formula(nurse: TestClient, store: Store) -> None:
    with store.write() as connection:
        connection.execute(sa.update(clinics).where(clinics.c.id == "one").values(name="=cmd()"))
    sent = nurse.post("/recall/merge.csv", data={"patients": "c001"})
    rows = list(csv.DictReader(io.StringIO(sent.content.decode("utf-8-sig"))))
    assert [row["patient_id"] for row in rows] == ["c001"]
    assert rows[0]["sms"].startswith("'=cmd()")
    assert "blood count" in rows[0]["letter"]
    assert trail(store, "read recall row") == ["c001"]


def test_messages_say_whom_to_call_and_no_medicine(nurse: TestClient, store: Store) -> None:
    page = nurse.post("/recall/messages", data={"patients": ["c001"]}).text
    assert "Joint clinic: your blood test is overdue. Please call us on 01 234 567 to agree a day." in page
    assert "azathioprine" not in page[page.index("<main") : page.index("</main")].casefold()
    drafts = nurse.post("/recall/messages", data={"patients": ["c001"]}, headers=JSON).json()["messages"]
    assert [one["patient_id"] for one in drafts] == ["c001"]
    assert trail(store, "read recall message") == ["c001", "c001"]


def test_what_was_sent_stands_in_the_record_and_on_the_list(nurse: TestClient, store: Store) -> None:
    sent = nurse.post("/recall/sent", data={"patients": ["c001"], "kind": "letter"}, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, "/recall?recorded=1")
    assert ("letter", TODAY, "recall for an overdue test") in kept_contacts(store, "c001")
    assert all(kind != "letter" for kind, *_ in kept_contacts(store, "c002"))
    page = nurse.get("/recall?recorded=1").text
    assert "Recorded for 1 patient." in page
    assert re.search(rf'letter <span class="number">{TODAY}</span>', page)
    assert [one["patient_id"] for one in listed(nurse, waiting=True)["people"]] == ["c002"]
    with store.read() as connection:
        detail = connection.scalars(
            sa.select(audit.c.detail).where(
                audit.c.action == "enter", audit.c.actor == "nurse", audit.c.subject == "c001"
            )
        ).one()
    assert json.loads(detail)["row"]["kind"] == "letter"


def test_everyone_is_everyone_who_was_seen(nurse: TestClient, store: Store) -> None:
    """Who came onto the list after it was shown gets no letter that nobody looked at."""
    mark = listed(nurse)["mark"]
    add(store, "one", results=panel("c003", 2))
    done = nurse.post("/recall/sent", data={"everyone": "true", "seen": mark, "kind": "call"}, headers=JSON)
    assert done.json()["recorded"] == 2
    add(
        store,
        "one",
        patients=[
            {"patient_id": "c004", "birth_date": dt.date(1970, 1, 1), "sex": "male", "indication": "crohns_disease"}
        ],
        exposures=[{"patient_id": "c004", "medicine": "azathioprine", "started_on": dt.date(2025, 1, 1)}],
        results=panel("c004", 300),
    )
    assert "c004" in {one["patient_id"] for one in listed(nurse)["people"]}
    for path in ("/recall/sent", "/recall/letters.pdf", "/recall/merge.csv", "/recall/messages"):
        late = nurse.post(path, data={"everyone": "true", "seen": mark, "kind": "letter"}, headers=JSON)
        assert (late.status_code, "changed since you opened it" in late.json()["error"]) == (409, True), path
    assert trail(store, "read recall letter") == []


@pytest.mark.parametrize(
    ("fields", "status", "line"),
    [
        ({}, 400, "nobody is chosen"),
        ({"patients": ["c001", "c003"]}, 400, "c003: no test of theirs is overdue"),
        ({"patients": ["c901"]}, 400, "c901: no test of theirs is overdue"),
    ],
)
def test_who_is_not_on_the_list_gets_nothing(
    nurse: TestClient, store: Store, fields: dict[str, Any], status: int, line: str
) -> None:
    for path in ("/recall/letters.pdf", "/recall/merge.csv", "/recall/messages"):
        refused = nurse.post(path, data=fields, headers=JSON)
        assert (refused.status_code, line in refused.json()["error"]) == (status, True), (path, refused.text)
    assert trail(store, "read recall letter") == trail(store, "read recall row") == []


def test_another_clinic_s_patient_and_a_day_to_come_are_refused(nurse: TestClient, store: Store) -> None:
    stranger = nurse.post("/recall/sent", data={"patients": ["c001", "c901"], "kind": "letter"}, headers=JSON)
    assert (stranger.status_code, "c901: not of this clinic" in stranger.json()["error"]) == (404, True)
    later = nurse.post(
        "/recall/sent",
        data={"patients": "c001", "kind": "letter", "on": str(TODAY + dt.timedelta(days=1))},
        headers=JSON,
    )
    assert (later.status_code, "lies after today" in later.json()["error"]) == (400, True)
    assert all(on != TODAY for _, on, _ in kept_contacts(store, "c001"))
    assert kept_contacts(store, "c901") == []


def test_who_died_gets_no_letter_and_is_named(nurse: TestClient, store: Store) -> None:
    add(
        store,
        "one",
        events=[{"patient_id": "c001", "kind": "condition", "code": "deceased", "started_on": days_ago(30)}],
    )
    model = listed(nurse)
    assert "c001" not in {one["patient_id"] for one in model["people"]}
    refused = nurse.post("/recall/letters.pdf", data={"patients": "c001"}, headers=JSON)
    assert refused.status_code == 400


def test_who_was_put_off_stays_on_the_list_with_the_reason(nurse: TestClient, store: Store) -> None:
    with store.read() as connection:
        standing = reassess.of_patient(connection, "one", "c001")
    assert standing is not None
    marks = [reassess.fingerprint(finding) for finding in standing[0].findings if finding.rule == "schedule"]
    rows = [
        {
            "clinic_id": "one",
            "patient_id": "c001",
            "finding": one,
            "how": "snoozed",
            "why": "abroad until Christmas",
            "until": TODAY + dt.timedelta(days=40),
            "by": "nurse",
            "at": dt.datetime.now(dt.UTC),
        }
        for one in marks
    ]
    with store.write() as connection:
        connection.execute(sa.insert(handled), rows)
    page = nurse.get("/recall").text
    assert "abroad until Christmas" in page
    assert "c001" in page


def test_a_page_of_the_list_is_a_read_of_those_it_shows(nurse: TestClient, store: Store) -> None:
    nurse.get("/recall")
    with store.read() as connection:
        detail = connection.scalars(sa.select(audit.c.detail).where(audit.c.action == "read recall list")).one()
    assert sorted(json.loads(detail)["patients"]) == ["c001", "c002"]
