"""What a clinic sends and a patient prints: recall letters, text messages, mail merge, calendar file, booklet."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import icalendar
import msgspec
import pytest

from azaward.assessment import DISCLAIMER, PatientAssessment, assess
from azaward.guides.advise import advise
from azaward.knowledge import load
from azaward.readers.read import read
from azaward.record import Record
from azaward.reports.patient.booklet import booklet_content, booklet_pdf
from azaward.reports.patient.calendar_file import NothingPlannedError, next_tests_ics
from azaward.reports.patient.letters import (
    Recall,
    harmless,
    letter_text,
    letters_content,
    letters_pdf,
    merge_csv,
    recall_of,
    text_message,
)
from azaward.wording import Words

KNOWLEDGE = load()
WORDS = Words(KNOWLEDGE)
AS_OF = dt.date(2026, 11, 23)
CLINIC, PHONE = "North Clinic", "01632 960 123"
HOSTILE = '#eval("1") #read("/etc/passwd") $x^2$ = * _ ] } \x00\u202e\ud800'


@lru_cache(maxsize=1)
def clinic() -> tuple[Record, dict[str, PatientAssessment]]:
    record = read(Path("examples/clinic"), KNOWLEDGE)
    return record, {one.patient_id: one for one in assess(record, AS_OF, knowledge=KNOWLEDGE).patients}


def person(patient_id: str) -> PatientAssessment:
    return clinic()[1][patient_id]


def recall(patient_id: str, phone: str | None = PHONE, clinic_name: str = CLINIC) -> Recall:
    found = recall_of(person(patient_id), AS_OF, clinic_name, phone, WORDS)
    assert found
    return found


def renamed(patient: PatientAssessment, patient_id: str) -> PatientAssessment:
    return msgspec.structs.replace(patient, patient_id=patient_id)


def booklet(patient_id: str, phone: str | None = PHONE) -> dict[str, Any]:
    return booklet_content(person(patient_id), clinic()[0], KNOWLEDGE, CLINIC, phone, AS_OF)


def pages(pdf: bytes) -> int:
    assert pdf.startswith(b"%PDF")
    return len(re.findall(rb"/Type ?/Page\b", pdf))


def troubles(name: str) -> list[str]:
    with Path("examples/clinic/troubles.csv").open(encoding="utf-8") as lines:
        return [row["patient_id"] for row in csv.DictReader(lines) if row["trouble"] == name]


# Who is called


def test_only_who_has_a_test_due_is_called() -> None:
    _, patients = clinic()
    for one in patients.values():
        due = any(test.due_on <= AS_OF for test in one.plan.next_tests)
        assert (recall_of(one, AS_OF, CLINIC, PHONE, WORDS) is not None) == due
    called = {one for one in patients if recall_of(patients[one], AS_OF, CLINIC, PHONE, WORDS)}
    assert {*troubles("blood_test_overdue"), *troubles("never_tested"), *troubles("stays_away")} <= called


def test_a_test_to_repeat_today_that_was_overdue_before_keeps_its_first_day() -> None:
    found = recall("c001")
    assert [(test.name, test.due_on) for test in found.tests] == [("blood count", dt.date(2026, 10, 21))]
    assert found.days_overdue == 33


def test_nobody_is_called_who_died() -> None:
    patient = person("c001")
    dead = msgspec.structs.replace(patient.findings[0], code="deceased")
    assert recall_of(msgspec.structs.replace(patient, findings=[dead]), AS_OF, CLINIC, PHONE, WORDS) is None


def test_what_cannot_wait_for_the_post_is_marked_and_stands_first() -> None:
    found = recall("c019")
    assert found.phone_first
    assert found.now[0].startswith("Fever with so few white blood cells is an emergency. Call an ambulance now")
    shown = letters_content([found], AS_OF)["letters"][0]
    assert (shown["soon"], shown["todo"][0]) == ("Now", "First do what stands in the box above.")
    assert not recall("c084").phone_first


# The letter


def test_a_letter_says_which_tests_why_since_when_what_to_do_and_whom_to_call() -> None:
    text = letter_text(recall("c084"))
    for part in (
        "Patient c084",
        "Your blood test is overdue",
        "- kidney test: 8 November 2026 (15 days overdue). Weak kidneys can raise the amount of medicine in your body.",
        "You missed your last appointment. Your team would like to help you to have your blood test.",
        "Keep taking your medicine as agreed.",
        f"Whom to call: {CLINIC}, {PHONE}",
        DISCLAIMER,
        "Sources: ",
    ):
        assert part in text


def test_a_letter_says_by_when_a_test_is_needed_for_more_tablets() -> None:
    assert [one.test for one in person("c084").plan.dose.until] == ["full_blood_count", "liver"]
    needed = "You need this by 30 November 2026: blood count and liver test. Your team may not be able to give you more"
    assert needed in letter_text(recall("c084"))
    withheld = person("c042").plan.dose
    assert (withheld.decision, [one.test for one in withheld.until]) == ("withhold", ["kidney"])
    assert "more tablets" not in letter_text(recall("c042"))


def test_the_same_words_of_every_test_are_said_once() -> None:
    assert letter_text(recall("c084")).count("It keeps you safe while you take this medicine.") == 1


def test_a_letter_about_tests_keeps_quiet_about_what_can_wait() -> None:
    letter = letter_text(recall("c090"))
    said = [one.says_patient for one in person("c090").findings if one.rule != "schedule" and one.urgency == "info"]
    assert said
    assert not [one for one in said if one in letter]


def test_without_a_number_there_is_a_line_to_write_on() -> None:
    assert letters_content([recall("c084", phone=None)], AS_OF)["letters"][0]["phone"] is None
    assert letters_content([recall("c084", phone=" ")], AS_OF)["letters"][0]["phone"] is None
    assert "(telephone: ____" in letter_text(recall("c084", phone=None))


def test_every_patient_has_one_page_and_the_same_letters_are_the_same_bytes() -> None:
    recalls = [found for one in clinic()[1].values() if (found := recall_of(one, AS_OF, CLINIC, None, WORDS))]
    made = letters_pdf(recalls, AS_OF)
    assert pages(made) == len(recalls) > 20
    assert made == letters_pdf(recalls, AS_OF)


def test_a_letter_with_much_to_say_is_still_one_page() -> None:
    found = recall("c019")
    assert pages(letters_pdf([found._replace(says_patient=found.now * 12, now=found.now * 3)], AS_OF)) == 1


def test_what_was_typed_stays_text() -> None:
    found = recall_of(renamed(person("c019"), HOSTILE), AS_OF, HOSTILE, HOSTILE, WORDS)
    assert found
    assert pages(letters_pdf([found], AS_OF)) == 1
    shown = letters_content([found], AS_OF)["letters"][0]
    assert shown["patient"].startswith('Patient #eval("1") #read("/etc/passwd") $x^2$ = * _ ] }')
    assert "\x00" not in json.dumps(shown, ensure_ascii=False)


def test_typst_shows_a_hostile_id_as_it_was_typed() -> None:
    import typst

    source = Path("src/azaward/reports/patient/letters.typ").read_text(encoding="utf-8")
    found = recall_of(renamed(person("c084"), '#eval("1")'), AS_OF, CLINIC, PHONE, WORDS)
    assert found
    content = json.dumps(letters_content([found], AS_OF))
    marked = (source + "\n#metadata(content.letters.at(0).patient) <who>").encode()
    held = json.loads(typst.query(marked, "<who>", field="value", one=True, sys_inputs={"content": content}))
    assert held == 'Patient #eval("1")'


# The text message


@pytest.mark.parametrize("phone", [PHONE, None])
def test_a_text_message_is_short_and_gives_nothing_away(phone: str | None) -> None:
    secrets = [
        row.name.casefold() for table in ("medicines", "analytes", "indications") for row in KNOWLEDGE.tables[table]
    ]
    for one in clinic()[1].values():
        found = recall_of(one, AS_OF, CLINIC, phone, WORDS)
        if not found:
            continue
        message = text_message(found)
        # One message of the GSM alphabet.
        assert len(message) <= 160
        assert message.isascii()
        assert found.patient_id not in message
        assert not [secret for secret in secrets if re.search(rf"\b{re.escape(secret)}\b", message.casefold())]
        assert (phone in message) if phone else "None" not in message


def test_who_cannot_wait_is_asked_to_call_at_once() -> None:
    assert text_message(recall("c019")) == f"{CLINIC}: please call us now on {PHONE}. It is about your blood test."
    assert "please call us today" in text_message(recall("c041"))
    assert text_message(recall("c084")).startswith(f"{CLINIC}: your blood test is overdue.")


# The mail merge


def test_the_mail_merge_has_a_row_a_patient_with_both_texts() -> None:
    made = merge_csv([recall("c084"), recall("c001")])
    rows = list(csv.DictReader(io.StringIO(made.decode("utf-8-sig"))))
    assert [row["patient_id"] for row in rows] == ["c084", "c001"]
    assert rows[0]["tests"] == "blood count, kidney test, liver test"
    assert (rows[0]["due_on"], rows[0]["days_overdue"], rows[0]["urgency"]) == ("2026-11-08", "15", "this-week")
    assert rows[0]["letter"] == letter_text(recall("c084"))
    assert rows[0]["sms"] == text_message(recall("c084"))


@pytest.mark.parametrize(
    "evil", ["=cmd()", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", "%0A"]
)
def test_no_cell_of_the_mail_merge_is_a_formula(evil: str) -> None:
    found = recall_of(renamed(person("c084"), evil), AS_OF, evil, evil, WORDS)
    assert found
    for row in csv.DictReader(io.StringIO(merge_csv([found]).decode("utf-8-sig"))):
        for cell in row.values():
            assert cell.strip()[0].isalnum() or cell[0] == "'"
    assert harmless(evil) == f"'{evil}"


# The calendar


def events(made: bytes) -> list[Any]:
    return list(icalendar.Calendar.from_ical(made).walk("VEVENT"))


def test_the_calendar_has_a_day_for_each_day_on_which_tests_are_due() -> None:
    patient = person("c019")
    found = events(next_tests_ics(patient, CLINIC))
    assert [one.decoded("dtstart") for one in found] == sorted({test.due_on for test in patient.plan.next_tests})
    assert {str(one["summary"]) for one in found} == {"Blood test"}
    assert "liver test" in str(found[-1]["description"])
    for one in found:
        (alarm,) = one.walk("VALARM")
        rings = dt.datetime.combine(one.decoded("dtstart"), dt.time()) + alarm.decoded("trigger")
        assert rings.date() == one.decoded("dtstart") - dt.timedelta(days=1)


def test_the_calendar_keeps_to_the_format() -> None:
    made = next_tests_ics(person("c019"), 'Clinic, "x"; \nBEGIN:VEVENT\r\nSUMMARY:HIV ' + "long " * 40)
    assert len(events(made)) == made.count(b"\r\nBEGIN:VEVENT") == 2
    assert all(len(line) <= 75 for line in made.split(b"\r\n"))
    assert b"\n" not in made.replace(b"\r\n", b"")
    for one in events(made):
        assert {"UID", "DTSTAMP", "DTSTART"} <= set(one)
        assert one.errors == []


def test_the_same_day_has_the_same_uid_and_no_id_stands_in_the_file() -> None:
    first, again = (next_tests_ics(person("c084"), CLINIC, day) for day in (AS_OF, AS_OF + dt.timedelta(days=9)))
    assert [one["uid"] for one in events(first)] == [one["uid"] for one in events(again)]
    other = next_tests_ics(person("c084"), "South Clinic", AS_OF)
    assert {one["uid"] for one in events(first)}.isdisjoint(one["uid"] for one in events(other))
    assert b"c084" not in first
    assert b"azathioprine" not in first.lower()


def test_an_overdue_test_stands_on_the_day_the_file_is_made() -> None:
    (found,) = events(next_tests_ics(person("c090"), CLINIC, AS_OF))
    assert found.decoded("dtstart") == AS_OF
    assert "It was due on 21 August 2026." in str(found["description"])


def test_no_test_gives_no_empty_calendar() -> None:
    with pytest.raises(NothingPlannedError, match="no test is planned for c048"):
        next_tests_ics(person("c048"), CLINIC)


# The booklet


def test_the_booklet_holds_medicines_tests_and_results() -> None:
    shown = booklet("c084")
    assert shown["medicines"][0] == {
        "name": "azathioprine",
        "dose": "100 mg a day",
        "often": "once a day",
        "since": "since 8 January 2024",
    }
    assert [(test["name"], test["late"]) for test in shown["tests"]] == [
        ("blood count", "15 days overdue"),
        ("kidney test", "15 days overdue"),
        ("liver test", "15 days overdue"),
    ]
    white = shown["results"][0]["rows"][0]
    assert (white["name"], white["last"], white["on"], white["normal"]) == (
        "white blood cells",
        "5.8",
        "16 August 2026",
        "3.7 to 9.5",
    )
    assert white["limits"] == ["below 1.5: stop", "below 2.5: withhold", "below 3.5: withhold"]
    assert shown["disclaimers"] == [DISCLAIMER, advise("fever", {}, KNOWLEDGE).disclaimer]


def test_the_booklet_gives_the_cautious_answer_to_a_fever() -> None:
    rows = booklet("c084")["fever"]["rows"]
    cautious = advise("fever", {"temperature": 38}, KNOWLEDGE)
    hot = next(row for row in rows if row["when"] == "A temperature of 38 °C or more")
    assert (hot["urgency"], hot["says"][0]["text"]) == ("emergency", cautious.lines[0].says_patient)
    assert rows[0]["when"].startswith("Any of these: confused, slurred speech")
    assert rows[0]["call"].startswith("Call an ambulance now")


def test_the_booklet_says_for_each_delay_what_the_advice_says() -> None:
    once, twice = booklet("c084")["missed"]["plans"]
    assert [row["when"] for row in once["rows"]] == [
        "Up to 2 hours late",
        "More than 2, up to 12 hours late",
        "More than 12, less than 24 hours late",
        "24 hours or more late",
    ]
    for plan, times, lates in ((once, "1", (2, 12, 23, 24)), (twice, "2", (2, 6, 11, 12))):
        for row, late in zip(plan["rows"], lates, strict=True):
            answer = advise("missed-dose", {"times_a_day": times, "hours_late": late}, KNOWLEDGE)
            assert row["says"][0]["text"] == answer.says_patient
    assert booklet("c084")["missed"]["notes"][0]["text"] == "Never take two doses at once."


@pytest.mark.parametrize("patient_id", ["c019", "c048"])
def test_who_is_to_hold_the_dose_back_is_never_told_to_take_a_late_one(patient_id: str) -> None:
    shown = booklet(patient_id)
    assert shown["missed"] is None
    assert shown["held"]
    assert shown["advice"].startswith("Do not")
    assert "Take it now" not in json.dumps(shown)


def test_results_that_are_missing_are_named() -> None:
    rows = {name: list(table) for name, table in clinic()[0].of_patient("c084").rows.items()}
    rows["results"] = [row for row in rows["results"] if row[1] not in ("alt", "ast")]
    record = Record(rows)
    (patient,) = assess(record, AS_OF, knowledge=KNOWLEDGE).patients
    shown = booklet_content(patient, record, KNOWLEDGE, CLINIC, PHONE, AS_OF)
    assert shown["missing"] == ["ALT (liver) or AST (liver)"]
    assert booklet("c084")["missing"] == []


def test_every_source_that_is_cited_is_listed() -> None:
    shown = booklet("c019")
    cited = {
        int(number)
        for number in re.findall(r'"cites": \[([^\]]+)\]', json.dumps(shown))
        for number in number.split(",")
    }
    assert cited == set(range(1, len(shown["sources"]) + 1))


@pytest.mark.parametrize("patient_id", ["c001", "c019", "c048", "c084", "c163"])
def test_the_booklet_has_two_to_four_pages(patient_id: str) -> None:
    made = booklet_pdf(person(patient_id), clinic()[0], KNOWLEDGE, CLINIC, None, AS_OF)
    assert 2 <= pages(made) <= 4


def test_the_booklet_of_a_bare_hostile_record_opens_and_names_what_is_unknown() -> None:
    # Half a character can't be stored, let alone assessed.
    typed = HOSTILE.replace("\ud800", "")
    exposures = [{"patient_id": typed, "medicine": f"unknown:{typed}", "frequency": typed, "started_on": AS_OF}]
    events_ = [{"patient_id": typed, "kind": "allergy", "code": typed, "started_on": AS_OF}]
    record = Record.of({"patients": [{"patient_id": typed}], "exposures": exposures, "events": events_})
    (patient,) = assess(record, AS_OF, knowledge=KNOWLEDGE).patients
    shown = booklet_content(patient, record, KNOWLEDGE, typed, typed, AS_OF)
    assert shown["medicines"][0]["dose"] == "dose not known"
    assert shown["about"][0] == ("Why I take it", "not known")
    assert shown["results"] == []
    assert pages(booklet_pdf(patient, record, KNOWLEDGE, typed, typed, AS_OF)) >= 2


def test_the_booklet_shows_no_one_elses_rows() -> None:
    record, _ = clinic()
    own = booklet_content(person("c084"), record.of_patient("c084"), KNOWLEDGE, CLINIC, PHONE, AS_OF)
    assert own == booklet("c084")
