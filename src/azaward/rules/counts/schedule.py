"""Which blood test is due, overdue or was never done, and who stays away from the tests.

The protocol's schedule says how often; lateness.csv says from when on a late test is pressing, and when treatment
waits for it. For the clinic's recall list and for the patient who asks when the next test is.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.limit import Limit, limit
from azaward.rules.language.tables import knowledge, record, requests
from azaward.rules.language.words import beside, first_of, on_treatment, perhaps, surely, withheld
from azaward.rules.stages.lab import OTHER_QUANTITY
from azaward.terms import Action, Rule, Urgency

# So many appointments missed in a row are more than one forgotten.
STAYS_AWAY = 2
PANEL = "full_blood_count liver"


def overdue(person: Table, due: Table, genes: Table, unusable: Table) -> Table:
    """Tests past their day, as pressing as the strictest step of lateness that they have reached.

    One whose results are there and are only doubted wasn't missed: the doubt is said, and asks for it again.
    """
    due = due.anti_join(_only_doubted(due, unusable), ["patient_id", "test"])
    tests = knowledge("tests").group_by("test").agg(name=knowledge("tests").name.min())
    rows = _steps_reached(person, due, genes).inner_join(tests, "test")
    return findings(
        rows,
        Rule.SCHEDULE,
        code=ibis.cases(
            (rows.done_day.isnull() & rows.oldest.notnull(), "test_incomplete"),
            (rows.never, "test_never_done"),
            (rows.urgency == Urgency.SAME_DAY, "test_long_overdue"),
            else_="test_overdue",
        ),
        action=(rows.action == Action.WITHHOLD).ifelse(withheld(rows.family), rows.action),
        urgency=rows.urgency,
        subject=rows.test,
        asks_for=rows.test,
        value=rows.late,
        unit="d",
        on=rows.done_day,
        limit=Limit(rows.every_days, "every", "d"),
        test=rows.name,
        missed=rows.missed.cast("string"),
        fact=rows.step,
    )


def _only_doubted(due: Table, unusable: Table) -> Table:
    """Tests of which no result is usable since treatment began, and a doubted one is not yet late."""
    parts = knowledge("tests")
    parts = parts.filter(parts.satisfied_by == "analyte").select("test", analyte="code")
    doubted = unusable.filter((unusable.problem == "doubted") & ~surely(unusable.doubt.isin(OTHER_QUANTITY)))
    doubted = doubted.inner_join(parts, "analyte").group_by(["patient_id", "test"]).agg(doubted_day=doubted.day.max())
    rows = due.inner_join(doubted, ["patient_id", "test"])
    never = rows.newest_day.isnull() | surely(rows.newest_day < rows.started_day)
    return rows.filter(never & (rows.doubted_day + rows.every_days >= rows.as_of_day)).select("patient_id", "test")


def _steps_reached(person: Table, due: Table, genes: Table) -> Table:
    """Each test that is late with the most pressing step of lateness.csv that it has reached."""
    rows = due.filter(due.due_day < due.as_of_day)
    late = rows.as_of_day - rows.due_day
    rows = rows.mutate(
        late=late,
        missed=(late / rows.every_days).floor().cast("int64"),
        never=rows.newest_day.isnull() | surely(rows.newest_day < rows.started_day),
    ).drop("fact")
    rows = rows.inner_join(person.select("patient_id", "family"), "patient_id")
    rows = beside(rows, genes.select("patient_id", "tpmt"))
    first_weeks = surely(limit("early_treatment_days").met_by(rows.as_of_day - rows.started_day))
    rows = rows.mutate(first_weeks=first_weeks)
    steps = knowledge("lateness").rename(for_test="test", for_tpmt="tpmt", step="fact")
    rows = rows.inner_join(steps, perhaps(rows.test == steps.for_test))
    reached = (rows.late > rows.late_intervals * rows.every_days) | surely(rows.late > rows.late_days)
    rows = rows.filter(
        reached
        & ((rows.tested == "never since the start") == rows.never)
        & ((rows.time == "any") | rows.first_weeks)
        & ((rows.for_tpmt == "any") | rows.tpmt.isnull())
    )
    order = [ibis.asc(rows.for_test.isnull()), "urgency_rank", "action_rank", ibis.desc("late_intervals"), "step"]
    return first_of(rows, ["patient_id", "test"], order)


def did_not_attend(person: Table, latest: Table, due: Table) -> Table:
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
    late = due.filter(due.due_day < due.as_of_day).select("patient_id").distinct().mutate(late=ibis.literal(True))
    rows = beside(rows, late)
    unsafe = limit("missed_visits_unsafe").met_by(rows.times) & surely(rows.late)
    return findings(
        rows,
        Rule.SCHEDULE,
        code=unsafe.ifelse("stays_away", "did_not_attend"),
        action=Action.TEST,
        urgency=ibis.cases(
            (unsafe, Urgency.SAME_DAY), (rows.times >= STAYS_AWAY, Urgency.THIS_WEEK), else_=Urgency.ROUTINE
        ),
        subject="attendance",
        asks_for=PANEL,
        value=rows.times,
        on=rows.on,
        times=rows.times.cast("string"),
    )


def switched(person: Table, done: Table) -> Table:
    """One thiopurine in place of another, and no blood count since: milligrams of two medicines are not the same."""
    rows = on_treatment(
        person,
        *("taken", "drugs", "dose", "switched_day", "switched_from", "switched_from_dose"),
        *("switched_from_azathioprine", "switched_to_azathioprine"),
    )
    counted = done.filter(done.test == "full_blood_count").select("patient_id", "done_day")
    rows = beside(rows.filter(rows.switched_day.notnull() & (rows.drugs == 1)), counted)
    rows = rows.filter(perhaps(rows.done_day < rows.switched_day))
    before, now = rows.switched_from_azathioprine, rows.switched_to_azathioprine
    more = perhaps(now > before)
    return findings(
        rows,
        Rule.SCHEDULE,
        code=ibis.cases(
            (before.isnull() | now.isnull(), "thiopurine_switched_unclear"),
            (more, "thiopurine_switched_higher"),
            else_="thiopurine_switched",
        ),
        action=Action.TEST,
        urgency=more.ifelse(Urgency.THIS_WEEK, Urgency.ROUTINE),
        subject=rows.taken,
        asks_for=PANEL,
        value=rows.dose,
        unit="mg/d",
        on=rows.switched_day,
        before=rows.switched_from,
        before_mg=number(rows.switched_from_dose),
        compared=number(now / before),
    )
