"""After a pause for low counts or a strained liver: has the blood recovered, and was it restarted too early?

Counts may go on falling after the last tablet. While the medicine may still act, a result beyond its limit is as urgent
as it was on treatment; later it is a matter of the week.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.limit import Limit, of
from azaward.rules.language.tables import (
    DAYS_IN_WEEK,
    day_number,
    day_words,
    greatest,
    knowledge,
    least,
    parameter,
    urgency_of,
)
from azaward.rules.language.words import TEST_OF_PANEL, beside, first_of, measured_by, perhaps, still_acts, surely
from azaward.rules.stages.crossed import PLAIN
from azaward.rules.stages.lab import high_end, low_end
from azaward.terms import Action, Comparison, Rule, Status, Urgency

WATCHED = ("wbc", "neutrophils", "platelets", "lymphocytes", "haemoglobin", "alt", "ast", "bilirubin")
POOR = "Poor Metabolizer"
# Of two rows that say the same, every engine names the same one.
TIES = ("source", "locator", "comparison", "relative_to", "note")


def paused(person: Table, crossed: Table) -> Table:
    """Treatment that stopped while a result was beyond its limit: not recovered yet, or never tested since."""
    rows = _beyond_limit(person.filter(person.status == Status.STOPPED), crossed)
    rows = rows.mutate(tested_since=rows.day > rows.stopped_day)
    # What was already wrong before treatment began has nothing to do with the pause.
    rows = rows.filter(perhaps(rows.day >= rows.started_day))
    this_week = least(rows.most_urgent, ibis.literal(Urgency.THIS_WEEK.rank))
    return _not_recovered(
        rows,
        rows.stopped_day,
        code=rows.tested_since.ifelse("not_recovered", "not_tested_since_pause"),
        action=rows.tested_since.ifelse(Action.WITHHOLD, Action.TEST),
        urgency=still_acts(rows).ifelse(urgency_of(this_week), Urgency.THIS_WEEK),
    )


def restarted(person: Table, crossed: Table) -> Table:
    """Treatment begun again although the last result, taken before that day, is beyond its limit."""
    rows = _beyond_limit(person.filter((person.status == Status.ON) & person.restarted_day.notnull()), crossed)
    rows = rows.filter((rows.day < rows.restarted_day) & perhaps(rows.day >= rows.started_day))
    return _not_recovered(
        rows,
        rows.restarted_day,
        code="restarted_before_recovery",
        action=Action.WITHHOLD,
        urgency=urgency_of(least(rows.most_urgent, ibis.literal(Urgency.SAME_DAY.rank))),
    )


def planned_again(person: Table, readings: Table) -> Table:
    """A new start is planned after a course in which a result was severe: a lower dose, if any at all.

    Severe is what the floor would withhold for. A result of the weeks after the last tablet belongs to the course.
    """
    people = person.filter((person.status == Status.PLANNED) & person.stopped_day.notnull())
    rows = _of_course(people, readings)
    floor = knowledge("floor").rename(threshold="value")
    floor = floor.filter(floor.sign.isnull() & (floor.action == Action.WITHHOLD) & floor.relative_to.isin(PLAIN))
    rows = rows.inner_join(floor, "analyte")
    bound = rows.threshold * (rows.relative_to == "absolute").ifelse(1.0, rows.uln)
    rows = rows.mutate(bound=bound)
    rows = rows.filter(of(rows, rows.bound).met_by(rows.low, rows.high))
    order = ["urgency_rank", "action_rank", ibis.desc("day"), "analyte", "threshold", "fact", "measured"]
    rows = first_of(rows, "patient_id", order)
    lower = surely(rows.planned_first < rows.last_dose)
    return findings(
        rows,
        Rule.RECOVERY,
        code=lower.ifelse("restart_lower_after_harm", "restart_after_harm"),
        action=lower.ifelse(Action.REVIEW, Action.DO_NOT_START),
        urgency=Urgency.THIS_WEEK,
        subject=rows.analyte,
        value=rows.measured,
        text=rows.comparator,
        unit=rows.unit,
        on=rows.taken_on,
        limit=of(rows, rows.bound),
        before=number(rows.last_dose),
        fact=rows.fact,
    )


def _of_course(people: Table, readings: Table) -> Table:
    """Results of an earlier course, and of so many weeks after its last tablet as counts may go on falling."""
    columns = ("started_day", "stopped_day", "planned_first", "last_dose")
    rows = readings.filter(readings.problem.isnull() & readings.analyte.isin(WATCHED))
    rows = rows.inner_join(people.select("patient_id", "protocol", *columns), "patient_id")
    rows = rows.mutate(day=day_number(rows.taken_on), low=low_end(rows), high=high_end(rows))
    until = rows.stopped_day + parameter("close_watch_weeks") * DAYS_IN_WEEK
    units = knowledge("analytes").select(analyte="id", unit="unit")
    return beside(rows.filter(perhaps(rows.day >= rows.started_day) & (rows.day <= until)), units, "analyte")


def weak_enzyme_stopped(person: Table, genes: Table, done: Table) -> Table:
    """A poor metaboliser who stopped lately: the counts may still fall, and are due every week."""
    rows = person.filter(person.status == Status.STOPPED).select("patient_id", "protocol", "stopped_day", "as_of_day")
    rows = rows.inner_join(genes.select("patient_id", "tpmt", "nudt15"), "patient_id")
    poor = surely(rows.tpmt == POOR) | surely(rows.nudt15 == POOR)
    weeks = parameter("close_watch_weeks") * DAYS_IN_WEEK
    rows = rows.filter(poor & (rows.as_of_day - rows.stopped_day <= weeks))
    full = done.filter((done.test == TEST_OF_PANEL["blood count"]) & done.complete)
    rows = beside(rows, full.select("patient_id", "done_day"))
    due = greatest(rows.done_day, rows.stopped_day) + parameter("weekly_count_days")
    return findings(
        rows,
        Rule.RECOVERY,
        code="weak_enzyme_stopped",
        action=Action.TEST,
        urgency=Urgency.THIS_WEEK,
        subject="full_blood_count",
        asks_for="full_blood_count",
        within_days=greatest(due - rows.as_of_day, ibis.literal(0)),
        since=day_words(rows.stopped_day),
        limit=Limit(parameter("close_watch_weeks"), Comparison.AT_MOST, "wk"),
        tpmt=rows.tpmt.fill_null("not known"),
        nudt15=rows.nudt15.fill_null("not known"),
    )


def _not_recovered(rows: Table, since: Value, code: Value | str, action: Value | Action, urgency: Value) -> Table:
    """Each row as a finding about its result and the limit that it is beyond."""
    return findings(
        rows,
        Rule.RECOVERY,
        code=code,
        action=action,
        urgency=urgency,
        subject=rows.analyte,
        asks_for=rows.measured_by,
        value=rows.shown,
        text=rows.sign,
        unit=rows.unit,
        on=rows.taken_on,
        since=day_words(since),
        fact=rows.fact,
        limit=of(rows, rows.bound),
    )


def _beyond_limit(person: Table, crossed: Table) -> Table:
    """The limit that is met first on the way back to normal stands for all; the most urgent of them says how soon."""
    rows = crossed.filter(
        ~crossed.floor & crossed.analyte.isin(WATCHED) & crossed.action.isin([Action.STOP, Action.WITHHOLD])
    )
    rows = rows.inner_join(
        person.select("patient_id", "stopped_day", "restarted_day", "started_day", "as_of_day"), "patient_id"
    )
    of_one = ["patient_id", "analyte"]
    rows = rows.mutate(
        most_urgent=rows.urgency_rank.min().over(ibis.window(group_by=of_one)),
        strictest=rows.downward.ifelse(-rows.bound, rows.bound),
    )
    return measured_by(first_of(rows, of_one, ["strictest", *TIES]))
