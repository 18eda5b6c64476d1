"""The audit trail's page: an administrator's own clinic, filtered, verified, exported; and a patient's history."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from azaward.knowledge import load
from azaward.store import Store
from azaward.store import audit as trail
from azaward.store.audit import Entry
from azaward.store.care import acts
from azaward.store.care.acts import Actor
from azaward.store.schema import audit
from azaward.web.clinic.audit import PAGE
from tests.web.clinic_room import TODAY, app_of, signed_in

JSON = {"accept": "application/json"}


@pytest.fixture
def app(store: Store) -> Any:
    return app_of(store)


@pytest.fixture
def administrator(app: Any, store: Store) -> Iterator[TestClient]:
    """Of clinic `one`; a nurse did something about a patient there, and somebody something in clinic `two`."""
    with signed_in(app, "boss", "administrator") as client, signed_in(app, "stranger", "administrator", "two"):
        for clinic, patient in (("one", "c001"), ("two", "c901")):
            rows = {"patients": [{"patient_id": patient, "sex": "male"}]}
            acts.add_rows(store, Actor(f"nurse-of-{clinic}", clinic, TODAY), rows, load())
        yield client


def entries(client: TestClient, **wanted: Any) -> list[dict[str, Any]]:
    answer = client.get("/audit", params=wanted, headers=JSON)
    assert answer.status_code == 200, answer.text
    return answer.json()["entries"]


def note(store: Store, *some: Entry) -> None:
    with store.write() as connection:
        trail.append(connection, some)


def test_the_clinic_s_own_entries_the_newest_first(administrator: TestClient) -> None:
    found = entries(administrator)
    numbers = [one["seq"] for one in found]
    assert numbers == sorted(numbers, reverse=True)
    assert {"nurse-of-one", "boss"} <= {one["actor"] for one in found}
    page = administrator.get("/audit").text
    assert "c001" in page
    for of_another in ("nurse-of-two", "c901", "stranger"):
        assert of_another not in page


def test_looking_is_entered_with_what_was_looked_for(administrator: TestClient) -> None:
    entries(administrator, subject="c001")
    last = entries(administrator)[1]
    assert (last["actor"], last["action"], last["detail"]) == (
        "boss",
        "read audit trail",
        '{"asked": {"subject": "c001"}}',
    )


def test_filters(administrator: TestClient) -> None:
    assert {one["subject"] for one in entries(administrator, subject="c001")} == {"c001"}
    assert {one["actor"] for one in entries(administrator, actor="nurse-of-one")} == {"nurse-of-one"}
    assert {one["action"] for one in entries(administrator, action="enter")} == {"enter"}
    moment = entries(administrator, subject="c001")[0]["at"]
    day = moment[:10]
    assert len(entries(administrator, subject="c001", **{"from": day, "to": day})) == 1
    assert entries(administrator, subject="c001", to="2020-01-01") == []
    assert entries(administrator, subject="c001", **{"from": "9999-12-31"}) == []
    assert entries(administrator, subject="c901") == []
    # A sign that the database would read as anything at all is a sign like others.
    assert entries(administrator, action="%") == []


def test_pages_hold_every_entry_once(administrator: TestClient, store: Store) -> None:
    note(store, *(Entry("machine", "count", "one", f"n{number}") for number in range(2 * PAGE + 30)))
    seen: list[str] = []
    before: dict[str, Any] = {}
    while True:
        model = administrator.get("/audit", params={"action": "count", **before}, headers=JSON).json()
        seen += [one["subject"] for one in model["entries"]]
        assert len(model["entries"]) <= PAGE
        if model["older"] is None:
            break
        before = {"before": model["older"]}
    assert seen == [f"n{number}" for number in reversed(range(2 * PAGE + 30))]
    back = administrator.get("/audit", params={"action": "count", "after": model["newer"]}, headers=JSON).json()
    assert [one["subject"] for one in back["entries"]] == [f"n{number}" for number in reversed(range(30, PAGE + 30))]


def test_the_chain_holds_and_is_said_with_its_last_hash(administrator: TestClient, store: Store) -> None:
    found = trail.verify(store)
    page = administrator.post("/audit/verify").text
    assert "The trail holds." in page
    assert f"{found.entries} entries" in page
    assert found.head in page
    assert entries(administrator, action="verify")[0]["actor"] == "boss"
    # The hash noted earlier still stands in the chain, which has grown since.
    assert "The trail holds." in administrator.post("/audit/verify", data={"head": found.head}).text
    assert "has been replaced" in administrator.post("/audit/verify", data={"head": "0" * 64}).text


def test_an_altered_entry_is_found(administrator: TestClient, store: Store) -> None:
    number = entries(administrator, subject="c001")[0]["seq"]
    sqlite = store.engine.dialect.name == "sqlite"
    with store.write() as connection:
        # Somebody who gets past the database's own guard.
        connection.execute(sa.text(f"DROP TRIGGER {'audit_no_update' if sqlite else 'audit_only_grows ON audit'}"))
        connection.execute(sa.update(audit).where(audit.c.seq == number).values(actor="somebody else"))
    page = administrator.post("/audit/verify").text
    assert "The trail does not hold" in page
    assert f"entry {number} of" in page
    assert administrator.post("/audit/verify", headers=JSON).json()["verified"]["wrong"].startswith(f"entry {number}")


def test_the_export_holds_what_was_asked_and_runs_no_formula(administrator: TestClient, store: Store) -> None:
    note(store, Entry("=1+1", "look", "one", "@cmd", {"why": "<script>"}), Entry("x", "look", "two", "c901"))
    sent = administrator.get("/audit.csv", params={"action": "look"})
    assert sent.headers["content-type"].startswith("text/csv")
    assert "attachment" in sent.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(sent.content.decode("utf-8-sig"))))
    assert [(row["actor"], row["subject"]) for row in rows] == [("'=1+1", "'@cmd")]
    whole = administrator.get("/audit.csv").content.decode("utf-8-sig")
    assert "c901" not in whole
    assert entries(administrator, action="read audit trail")[1]["detail"] == '{"asked": {}, "export": "csv"}'
    assert "<script>" not in administrator.get("/audit?action=look").text


def test_only_an_administrator_sees_it(app: Any) -> None:
    for role in ("nurse", "clinician"):
        with signed_in(app, role, role) as client:  # type: ignore[arg-type]
            for answer in (client.get("/audit"), client.get("/audit.csv"), client.post("/audit/verify")):
                assert answer.status_code == 403, role


@pytest.mark.parametrize("wanted", [{"from": "yesterday"}, {"before": "0"}, {"before": "x"}, {"actor": "a" * 301}])
def test_what_can_t_be_asked_is_refused(administrator: TestClient, wanted: dict[str, str]) -> None:
    assert administrator.get("/audit", params=wanted, headers=JSON).status_code == 422


def test_a_patient_s_history_tells_who_read_and_who_changed(administrator: TestClient, store: Store) -> None:
    acts.assign(store, Actor("nurse-of-one", "one", TODAY), "c001", "boss", "call <them>")
    administrator.get("/patients/c001/record")
    page = administrator.get("/patients/c001/history").text
    for words in ("nurse-of-one", "enter", "sex male", "assign", "call &lt;them&gt;", "read record", "boss"):
        assert words in page
    assert administrator.get("/patients/c901/history").status_code == 404
