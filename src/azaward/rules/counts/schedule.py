"""Which blood test is due, overdue or was never done, and who stays away from the tests.

The protocol's schedule says how often; an interval that passed in full without a test counts as a test missed.
For the clinic's recall list and for the patient who asks when the next test is.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, ibis
from azaward.rules.language.finding import findings
from azaward.rules.language.limit import Limit
from azaward.rules.language.tables import knowledge, record, requests
from azaward.rules.language.words import beside, on_treatment
from azaward.terms import Action, Rule, Urgency

# So many appointments missed in a row are more than one forgotten.
STAYS_AWAY = 2


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
        Rule.SCHEDULE,
        code=ibis.cases(
            (rows.done_day.isnull() & rows.oldest.notnull(), "test_incomplete"),
            (rows.never, "test_never_done"),
            else_="test_overdue",
        ),
        action=Action.TEST,
        urgency=ibis.cases(
            (rows.never & (rows.missed >= 1), Urgency.SAME_DAY),
            (rows.missed >= 1, Urgency.THIS_WEEK),
            else_=Urgency.ROUTINE,
        ),
        subject=rows.test,
        value=rows.late,
        unit="d",
        on=rows.done_day,
        limit=Limit(rows.every_days, "every", "d"),
        test=rows.name,
        missed=rows.missed.cast("string"),
        fact=rows.fact,
    )


def did_not_attend(person: Table, latest: Table) -> Table:
    """Appointments missed in a row since the last one kept and the last blood test."""
    contacts = record("contacts").inner_join(requests().select("patient_id", "as_of"), "patient_id")
    contacts = contacts.filter(contacts.on <= contacts.as_of)
    kept = contacts.filter(contacts.kind == "attended").group_by("patient_id").agg(kept_on=contacts.on.max())
    tested = latest.filter(latest.analyte != "weight").group_by("patient_id").agg(tested_on=latest.taken_on.max())
    missed = contacts.filter(contacts.kind == "did_not_attend")
    missed = beside(beside(missed, kept), tested)
    since = missed.filter(
        ((missed.on > missed.kept_on) | missed.kept_on.isnull())
        & ((missed.on > missed.tested_on) | missed.tested_on.isnull())
    )
    rows = since.group_by("patient_id").agg(times=since.on.nunique(), on=since.on.max())
    rows = rows.inner_join(on_treatment(person), "patient_id")
    return findings(
        rows,
        Rule.SCHEDULE,
        code="did_not_attend",
        action=Action.TEST,
        urgency=(rows.times >= STAYS_AWAY).ifelse(Urgency.THIS_WEEK, Urgency.ROUTINE),
        subject="attendance",
        value=rows.times,
        on=rows.on,
        times=rows.times.cast("string"),
    )
