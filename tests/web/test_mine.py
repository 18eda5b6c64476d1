"""A patient's own pages: their record and no other, in plain words, with what is missing or late named."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from icalendar import Calendar
from starlette.testclient import TestClient

from azaward.knowledge import load
from azaward.store import Store
from azaward.store.care import acts, reassess
from azaward.store.care.acts import Actor
from azaward.store.schema import assessments, audit, clinics, questions
from azaward.web.routes import table
from tests.web.clinic_room import TODAY, app_of, signed_in

KNOWLEDGE = load()
JSON = {"accept": "application/json"}
HOSTILE = "<script>alert(1)</script>{{7*7}}\u202e\x00"


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def result(patient_id: str, analyte: str, value: float, on: str, unit: str | None, **more: Any) -> dict[str, Any]:
    given = {"patient_id": patient_id, "analyte": analyte, "value": value, "taken_on": day(on), "unit": unit}
    return {**given, "status": "final", **more}


def enter(store: Store, clinic: str, **tables: list[dict[str, Any]]) -> None:
    acts.add_rows(store, Actor("test", clinic, TODAY), tables, KNOWLEDGE)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Store]]:
    """Two patients of one clinic, one of another with an id that the first clinic has too, and their accounts."""
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('mine') / 'store.db'}")
    app = app_of(opened)
    signed_in(app, "staff", "nurse", "north")
    signed_in(app, "staff2", "nurse", "south")
    for clinic, patient_id, neutrophils, dose in (
        ("north", "c001", 4.3, 125.0),
        ("north", "c002", 0.4, 175.0),
        ("south", "c001", 2.9, 50.0),
    ):
        enter(
            opened,
            clinic,
            patients=[{"patient_id": patient_id, "birth_date": day("1980-01-01"), "indication": "crohns_disease"}],
            exposures=[
                {
                    "patient_id": patient_id,
                    "medicine": "azathioprine",
                    "dose_mg_per_day": dose,
                    "started_on": day("2026-01-05"),
                }
            ],
            results=[
                result(patient_id, "neutrophils", 5.0, "2026-09-01", "10*9/L", ref_low=2.0, ref_high=7.5),
                result(patient_id, "neutrophils", neutrophils, "2026-11-20", "10*9/L", ref_low=2.0, ref_high=7.5),
                result(patient_id, "alt", 31.0, "2026-09-01", "U/L", ref_high=40.0),
            ],
        )
    yield app, opened
    opened.close()


@pytest.fixture(scope="module")
def well(house: tuple[Any, Store]) -> TestClient:
    return signed_in(house[0], "well", "patient", "north", "c001")


@pytest.fixture(scope="module")
def ill(house: tuple[Any, Store]) -> TestClient:
    return signed_in(house[0], "ill", "patient", "north", "c002")


@pytest.fixture(scope="module")
def elsewhere(house: tuple[Any, Store]) -> TestClient:
    return signed_in(house[0], "elsewhere", "patient", "south", "c001")


MINE = ["/mine", "/mine/results", "/mine/next-tests.ics", "/mine/booklet.pdf", "/mine/questions"]


def last_entry(store: Store) -> Any:
    with store.read() as connection:
        return connection.execute(sa.select(audit).order_by(audit.c.seq.desc()).limit(1)).one()


def test_each_patient_sees_their_own_record_and_no_other(
    well: TestClient, ill: TestClient, elsewhere: TestClient
) -> None:
    doses = {one.get("/mine", headers=JSON).json()["medicines"][0]["dose"] for one in (well, ill, elsewhere)}
    assert doses == {"125 mg a day", "175 mg a day", "50 mg a day"}
    for path in ("/mine", "/mine/results"):
        asked = well.get(f"{path}?patient_id=c002&patient=c002&id=c002", headers={"x-patient": "c002", **JSON}).json()
        assert asked["patient_id"] == "c001"
    assert "0.4" not in well.get("/mine/results").text.replace("20.4", "")
    newest = ill.get("/mine/results", headers=JSON).json()["groups"][0]["results"][0]
    assert (newest["last"], newest["place"]) == ("0.4", "lower than the laboratory's normal range")


def test_a_patient_is_refused_every_page_of_the_clinic_and_staff_the_patients(
    house: tuple[Any, Store], well: TestClient
) -> None:
    for route in table():
        if route.public or "patient" in route.roles:
            continue
        path = re.sub(r"{[^}]+}", "c002", route.path)
        assert well.request(route.method, path, headers=JSON).status_code in (403, 405, 422), route
    nurse = signed_in(house[0], "curious", "nurse", "north")
    for path in MINE:
        assert nurse.get(path, headers=JSON).status_code == 403
        assert TestClient(house[0]).get(path, headers=JSON).status_code == 401


def test_no_address_of_these_pages_names_a_patient() -> None:
    own = [route.path for route in table() if route.path.startswith("/mine")]
    assert set(MINE) <= set(own)
    assert not [path for path in own if "patient" in path]


def test_what_must_be_done_at_once_stands_first_with_whom_to_call(house: tuple[Any, Store], ill: TestClient) -> None:
    page = ill.get("/mine").text
    urgent = page.index("Do this first")
    assert urgent < page.index("My next test") < page.index("My medicines")
    assert "below the safe limit" in page[urgent:]
    with house[1].write() as connection:
        connection.execute(sa.update(clinics).where(clinics.c.id == "north").values(phone="020 7946 0000"))
    assert 'href="tel:02079460000"' in ill.get("/mine").text
    with house[1].write() as connection:
        connection.execute(sa.update(clinics).where(clinics.c.id == "north").values(phone=None))
    assert "number is not written here" in ill.get("/mine").text
    told = ill.get("/mine", headers=JSON).json()
    assert told["now"][0]["urgency"] == "emergency"
    assert told["now"][0]["sources"][0]["title"]
    # Who is to hold the dose back is not sent to what to do about a missed one.
    assert told["held"]
    assert "/advise/missed-dose" not in ill.get("/mine").text


def test_the_next_test_says_how_many_days_are_left_or_how_late_it_is(well: TestClient) -> None:
    tests = well.get("/mine", headers=JSON).json()["tests"]
    assert tests
    assert [one["days"] for one in tests] == sorted(one["days"] for one in tests)
    for one in tests:
        assert one["days"] == (day(one["due_on"]) - TODAY).days
        assert one["why"]
    first, page = tests[0]["days"], well.get("/mine").text
    word = f"{-first} days overdue" if first < -1 else "Today" if first == 0 else f"in {first} day"
    assert word in page


def test_a_result_that_came_later_and_could_not_be_read_is_told_beside_the_last_that_could(
    house: tuple[Any, Store],
) -> None:
    app, store = house
    enter(
        store,
        "north",
        patients=[{"patient_id": "c003", "birth_date": day("1980-01-01"), "indication": "crohns_disease"}],
        exposures=[{"patient_id": "c003", "medicine": "azathioprine", "started_on": day("2026-01-05")}],
        results=[
            result("c003", "neutrophils", 4.0, "2026-09-01", "10*9/L", ref_low=2.0, ref_high=7.5),
            result("c003", "neutrophils", 0.2, "2026-11-01", None),
        ],
    )
    browser = signed_in(app, "unclear", "patient", "north", "c003")
    told = browser.get("/mine/results", headers=JSON).json()["groups"][0]["results"][0]
    assert told["last"] == "4"
    assert any("could not be read" in text for text in told["said"])
    page = browser.get("/mine/results").text
    assert "could not be read" in page
    # The parts of the tests of which nothing is known are named, never passed over.
    assert {"platelets", "white blood cells"} <= set(browser.get("/mine", headers=JSON).json()["missing"])


def test_an_assessment_of_an_earlier_day_says_so(house: tuple[Any, Store], well: TestClient) -> None:
    store = house[1]
    whose = (assessments.c.clinic_id == "north", assessments.c.patient_id == "c001")
    assert "This page is of an earlier day" not in well.get("/mine").text
    with store.write() as connection:
        connection.execute(sa.update(assessments).where(*whose).values(as_of=day("2026-11-20")))
    for path in ("/mine", "/mine/results"):
        page = well.get(path).text
        assert "This page is of an earlier day" in page
        assert "20 November 2026" in page
        assert well.get(path, headers=JSON).json()["behind"] is True
    with store.write() as connection:
        reassess.reassess(connection, "north", ["c001"], TODAY, KNOWLEDGE)


def test_a_finding_that_the_team_dealt_with_says_that_they_have_seen_it(house: tuple[Any, Store]) -> None:
    app, store = house
    enter(
        store,
        "north",
        patients=[{"patient_id": "c004", "birth_date": day("1980-01-01"), "indication": "crohns_disease"}],
        exposures=[{"patient_id": "c004", "medicine": "azathioprine", "started_on": day("2026-01-05")}],
        results=[result("c004", "neutrophils", 0.3, "2026-11-20", "10*9/L")],
    )
    browser = signed_in(app, "seen", "patient", "north", "c004")
    assert not browser.get("/mine", headers=JSON).json()["now"][0]["seen"]
    with store.read() as connection:
        found = reassess.of_patient(connection, "north", "c004")
    assert found is not None
    mark = reassess.fingerprint(found[0].findings[0])
    until = TODAY + dt.timedelta(days=7)
    acts.handle(store, Actor("nurse", "north", TODAY), "c004", found[1], [mark], "done", "called", until, KNOWLEDGE)
    told = browser.get("/mine", headers=JSON).json()["now"]
    assert told[0]["seen"]
    assert "Your team has seen this." in browser.get("/mine").text


def test_the_picture_shows_the_days_that_were_asked_for_and_the_table_all_the_same(well: TestClient) -> None:
    page = well.get("/mine/results", params={"from": "2026-11-01", "to": "2026-11-23"}).text
    assert 'id="timeline"' in page
    assert "31" in page[page.index("All in one table") :]
    assert well.get("/mine/results", params={"from": "soon"}).status_code == 422
    assert well.get("/mine/results", params={"from": "9999-12-31", "to": "0001-01-01"}).status_code == 200


def test_the_calendar_holds_the_tests_and_names_no_medicine(well: TestClient) -> None:
    answer = well.get("/mine/next-tests.ics")
    assert answer.headers["content-type"].startswith("text/calendar")
    events = list(Calendar.from_ical(answer.content).walk("VEVENT"))
    due = {max(day(one["due_on"]), TODAY) for one in well.get("/mine", headers=JSON).json()["tests"]}
    assert {event["dtstart"].dt for event in events} == due
    assert b"azathioprine" not in answer.content.lower()


def test_the_booklet_is_a_pdf(well: TestClient) -> None:
    answer = well.get("/mine/booklet.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")


def test_nothing_planned_and_nothing_known_are_said_and_not_left_empty(house: tuple[Any, Store]) -> None:
    app, store = house
    enter(store, "north", patients=[{"patient_id": "c005"}])
    nothing = signed_in(app, "nothing", "patient", "north", "c005")
    page = nothing.get("/mine").text
    assert "holds no medicine that you take now" in page
    assert "No result of yours is here that can be read" in nothing.get("/mine/results").text
    if not nothing.get("/mine", headers=JSON).json()["tests"]:
        assert "No test is planned" in page
        assert nothing.get("/mine/next-tests.ics").status_code == 404
    stranger = signed_in(app, "stranger", "patient", "north", "c999")
    for path in MINE:
        answer = stranger.get(path)
        assert answer.status_code == 404
        assert "Your record is not here yet" in answer.text


def test_every_read_is_in_the_trail_with_whose_record_it_was(house: tuple[Any, Store], well: TestClient) -> None:
    for path, what in zip(MINE, ("treatment", "results", "calendar", "booklet", "questions"), strict=True):
        well.get(path)
        entry = last_entry(house[1])
        assert (entry.actor, entry.action, entry.subject) == ("well", f"read my {what}", "c001")


def test_questions_are_written_down_marked_as_answered_and_seen_by_nobody_else(
    house: tuple[Any, Store], well: TestClient, ill: TestClient, elsewhere: TestClient
) -> None:
    store = house[1]
    written = well.post("/mine/questions", data={"words": f"  May I swim?\n{HOSTILE} 青  "}, follow_redirects=False)
    assert (written.status_code, written.headers["location"]) == (303, "/mine/questions")
    assert last_entry(store).action == "ask"
    page = well.get("/mine/questions").text
    assert "May I swim?" in page
    assert "青" in page
    assert "<script>alert" not in page
    assert not re.search("[\x00\u202e]", page)
    number = well.get("/mine/questions", headers=JSON).json()["open"][0]["id"]
    for other in (ill, elsewhere):
        assert "May I swim" not in other.get("/mine/questions").text
        assert other.post(f"/mine/questions/{number}/answered").status_code == 404
    assert well.get("/mine/questions", headers=JSON).json()["answered"] == []
    assert well.post(f"/mine/questions/{number}/answered", follow_redirects=False).status_code == 303
    entry = last_entry(store)
    assert (entry.action, entry.subject, json.loads(entry.detail)["question"]) == ("answered", "c001", number)
    held = well.get("/mine/questions", headers=JSON).json()
    assert ([one["id"] for one in held["answered"]], held["open"]) == ([number], [])
    assert well.post(f"/mine/questions/{number}/answered").status_code == 404


@pytest.mark.parametrize("words", ["", " \n\t ", "x" * 2001])
def test_a_question_that_is_none_is_refused_in_one_line(house: tuple[Any, Store], ill: TestClient, words: str) -> None:
    answer = ill.post("/mine/questions", data={"words": words}, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("question: ")
    with house[1].read() as connection:
        of_ill = sa.select(sa.func.count()).select_from(questions).where(questions.c.patient_id == "c002")
        assert connection.execute(of_ill).scalar_one() == 0


@pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999", "one"])
def test_a_question_of_no_possible_number_is_refused(ill: TestClient, number: str) -> None:
    assert ill.post(f"/mine/questions/{number}/answered", headers=JSON).status_code == 422


def test_more_open_questions_than_a_visit_can_hold_are_refused(house: tuple[Any, Store]) -> None:
    app, store = house
    enter(store, "north", patients=[{"patient_id": "c006"}])
    browser = signed_in(app, "many", "patient", "north", "c006")
    for number in range(100):
        assert browser.post("/mine/questions", data={"words": f"Question {number}"}, headers=JSON).status_code == 200
    refused = browser.post("/mine/questions", data={"words": "One more"}, headers=JSON)
    assert refused.status_code == 400
    assert "100 questions are already open" in refused.json()["error"]


def test_another_site_cannot_write_a_question(well: TestClient) -> None:
    without = {**JSON, "x-csrf-token": "guessed"}
    assert well.post("/mine/questions", data={"words": "Not mine"}, headers=without).status_code == 403
    assert "Not mine" not in well.get("/mine/questions").text
