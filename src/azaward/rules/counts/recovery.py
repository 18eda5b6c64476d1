"""After a pause for low counts or a strained liver: has the blood recovered, and was it restarted too early?"""

from __future__ import annotations

from azaward.rules.counts.limits import NORMAL, TIES
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings
from azaward.rules.language.limit import downward, of
from azaward.rules.language.tables import day_words, knowledge
from azaward.rules.language.words import first_of, for_their_specialty, perhaps
from azaward.terms import Action, Rule, Status, Urgency

WATCHED = ("wbc", "neutrophils", "platelets", "lymphocytes", "haemoglobin", "alt", "ast", "bilirubin")


def paused(person: Table, latest: Table) -> Table:
    """Treatment that stopped while a result was beyond its limit: not recovered yet, or never tested since."""
    rows = _beyond_limit(person.filter(person.status == Status.STOPPED), latest)
    rows = rows.mutate(tested_since=rows.day > rows.stopped_day)
    # What was already wrong before treatment began has nothing to do with the pause.
    rows = rows.filter(perhaps(rows.day >= rows.started_day))
    return _not_recovered(
        rows,
        rows.stopped_day,
        code=rows.tested_since.ifelse("not_recovered", "not_tested_since_pause"),
        action=rows.tested_since.ifelse(Action.WITHHOLD, Action.TEST),
        urgency=Urgency.THIS_WEEK,
    )


def restarted(person: Table, latest: Table) -> Table:
    """Treatment begun again although the last result, taken before that day, is beyond its limit."""
    rows = _beyond_limit(person.filter((person.status == Status.ON) & person.restarted_day.notnull()), latest)
    rows = rows.filter((rows.day < rows.restarted_day) & perhaps(rows.day >= rows.started_day))
    return _not_recovered(
        rows,
        rows.restarted_day,
        code="restarted_before_recovery",
        action=Action.WITHHOLD,
        urgency=Urgency.SAME_DAY,
    )


def _not_recovered(rows: Table, since: Value, code: Value | str, action: Value | Action, urgency: Urgency) -> Table:
    """Each row as a finding about its result and the limit that it is beyond."""
    return findings(
        rows,
        Rule.RECOVERY,
        code=code,
        action=action,
        urgency=urgency,
        subject=rows.analyte,
        value=rows.shown,
        text=rows.sign,
        unit=rows.unit,
        on=rows.taken_on,
        since=day_words(since),
        fact=rows.fact,
        limit=of(rows, rows.bound),
    )


def _beyond_limit(person: Table, latest: Table) -> Table:
    limits = knowledge("protocol_limits").rename(threshold="value")
    limits = limits.filter(
        limits.analyte.isin(WATCHED)
        & limits.relative_to.isin(["absolute", *NORMAL])
        & limits.action.isin([Action.STOP, Action.WITHHOLD])
    )
    rows = person.select(
        *("patient_id", "protocol", "protocol_known", "family", "stopped_day", "restarted_day", "started_day")
    )
    rows = rows.inner_join(latest.filter(latest.analyte.isin(WATCHED)), "patient_id")
    rows = for_their_specialty(rows.inner_join(limits, ["protocol", "analyte"]))
    normal = ibis.cases((rows.relative_to == NORMAL[0], rows.uln), (rows.relative_to == NORMAL[1], rows.lln), else_=1.0)
    rows = rows.mutate(downward=downward(rows.comparison), bound=rows.threshold * normal)
    rows = rows.filter(of(rows, rows.bound).met_by(rows.low, rows.high))
    rows = rows.mutate(
        # The limit that is met first on the way back to normal stands for all of them.
        strictest=rows.downward.ifelse(-rows.bound, rows.bound),
        shown=rows.downward.ifelse(rows.shown_low, rows.shown_high),
        sign=rows.downward.ifelse(rows.comparator_low, rows.comparator_high),
    )
    return first_of(rows, ["patient_id", "analyte"], ["strictest", *TIES])
