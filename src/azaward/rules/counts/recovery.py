"""After a pause for low counts or a strained liver: has the blood recovered, and was it restarted too early?

Counts may go on falling after the last tablet. While the medicine may still act, a result beyond its limit is as urgent
as it was on treatment; later it is a matter of the week.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings
from azaward.rules.language.limit import of
from azaward.rules.language.tables import day_words, least, urgency_of
from azaward.rules.language.words import first_of, measured_by, perhaps, still_acts
from azaward.terms import Action, Rule, Status, Urgency

WATCHED = ("wbc", "neutrophils", "platelets", "lymphocytes", "haemoglobin", "alt", "ast", "bilirubin")
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
