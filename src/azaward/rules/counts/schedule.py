"""Which blood test is due, overdue or was never done, and who stays away from the tests.

The protocol's schedule says how often; an interval that passed in full without a test counts as a test missed.
For the clinic's recall list and for the patient who asks when the next test is.
"""

from __future__ import annotations

from azaward.rules.language.finding import findings
from azaward.rules.language.tables import Table, cite, knowledge, record, requests
from azaward.rules.language.untyped import ibis


def overdue(due: Table) -> Table:
    """Tests past their day. One whole interval missed is this week's matter; missed and never done, the same day's."""
    tests = knowledge("tests").group_by("test").agg(name=knowledge("tests").name.min())
    rows = due.filter(due.due_day < due.as_of_day).inner_join(tests, "test")
    late = rows.as_of_day - rows.due_day
    rows = rows.mutate(
        late=late,
        missed=(late / rows.every_days).floor().cast("int64"),
        never=rows.done_day.isnull() | (rows.done_day < rows.started_day),
    )
    return findings(
        rows,
        "schedule",
        code=ibis.cases(
            (rows.done_day.isnull() & rows.oldest.notnull(), "test_incomplete"),
            (rows.never, "test_never_done"),
            else_="test_overdue",
        ),
        action="test",
        urgency=ibis.cases(
            (rows.never & (rows.missed >= 1), "same-day"), (rows.missed >= 1, "this-week"), else_="routine"
        ),
        subject=rows.test,
        value=rows.late,
        unit="d",
        on=rows.done_day,
        limit_value=rows.every_days,
        limit_unit="d",
        comparison="every",
        a=rows.name,
        b=rows.missed.cast("string"),
        c=rows.oldest,
        sources=cite(rows),
    )


def did_not_attend(person: Table, latest: Table) -> Table:
    """Appointments missed in a row since the last one kept and the last blood test."""
    contacts = record("contacts").inner_join(requests().select("patient_id", "as_of"), "patient_id")
    contacts = contacts.filter(contacts.on <= contacts.as_of)
    kept = contacts.filter(contacts.kind == "attended").group_by("patient_id").agg(kept_on=contacts.on.max())
    tested = latest.filter(latest.analyte != "weight").group_by("patient_id").agg(tested_on=latest.taken_on.max())
    missed = contacts.filter(contacts.kind == "did_not_attend")
    missed = missed.left_join(kept, "patient_id").drop("patient_id_right")
    missed = missed.left_join(tested, "patient_id").drop("patient_id_right")
    since = missed.filter(
        ((missed.on > missed.kept_on) | missed.kept_on.isnull())
        & ((missed.on > missed.tested_on) | missed.tested_on.isnull())
    )
    rows = since.group_by("patient_id").agg(times=since.on.nunique(), on=since.on.max())
    rows = rows.inner_join(person.filter(person.status == "on").select("patient_id", "protocol"), "patient_id")
    return findings(
        rows,
        "schedule",
        code="did_not_attend",
        action="test",
        urgency=(rows.times >= 2).ifelse("this-week", "routine"),
        subject="attendance",
        value=rows.times,
        on=rows.on,
        a=rows.times.cast("string"),
    )
