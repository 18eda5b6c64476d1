"""When is my next blood test? A calendar file (RFC 5545) for the patient's telephone, with a reminder the day before.

Others see that calendar too: it says "Blood test" and which tests, and nothing else about health.
"""

from __future__ import annotations

import datetime as dt
import uuid

from icalendar import Alarm, Calendar, Event

from azaward.assessment import PatientAssessment
from azaward.errors import UserError
from azaward.knowledge import load
from azaward.reports.paper import one_line
from azaward.reports.words import long_day
from azaward.wording import Words

_SUMMARY = "Blood test"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://azaward.invalid/next-tests")
# Nine in the morning of the day before: an all-day event begins at midnight.
_REMINDER = dt.timedelta(hours=-15)


class NothingPlannedError(UserError):
    """No test is planned, and a calendar without an event isn't valid."""


def next_tests_ics(patient: PatientAssessment, clinic_name: str, as_of: dt.date | None = None) -> bytes:
    """An all-day event for each day on which tests are due; the same day has the same UID whenever it is made.

    With `as_of`, the day the file is made, tests that are overdue stand on that day and say when they were due.
    `NothingPlannedError` where no test is planned.
    """
    due: dict[dt.date, list[str]] = {}
    for test in patient.plan.next_tests:
        due.setdefault(test.due_on, []).append(test.analyte)
    if not due:
        raise NothingPlannedError(
            f"no test is planned for {one_line(patient.patient_id)}: there is nothing to put into a calendar. "
            "Ask the clinic when the next one is."
        )
    calendar = Calendar()
    calendar.add("prodid", "-//azaward//next tests//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    words = Words(load())
    for day, tests in sorted(due.items()):
        calendar.add_component(_event(patient.patient_id, day, tests, one_line(clinic_name), as_of, words))
    return calendar.to_ical()


def _event(
    patient_id: str, due_on: dt.date, tests: list[str], clinic: str, as_of: dt.date | None, words: Words
) -> Event:
    day = max(due_on, as_of or due_on)
    names = ", ".join(dict.fromkeys(words.name(test)[1] for test in tests))
    late = f" It was due on {long_day(due_on)}." if day > due_on else ""
    event = Event()
    # No id can be read from it, and two clinics' patients of the same id keep theirs apart.
    event.add("uid", f"{uuid.uuid5(_NAMESPACE, chr(31).join((clinic, patient_id, due_on.isoformat())))}@azaward")
    event.add("dtstamp", dt.datetime.combine(as_of or due_on, dt.time(), dt.UTC))
    event.add("dtstart", day)
    event.add("dtend", day + dt.timedelta(days=1))
    event.add("summary", _SUMMARY)
    event.add("description", f"{_SUMMARY}: {names}.{late} To change the day, call {clinic}.")
    event.add("class", "PRIVATE")
    event.add("transp", "TRANSPARENT")
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", f"{_SUMMARY} tomorrow")
    alarm.add("trigger", _REMINDER)
    event.add_component(alarm)
    return event
