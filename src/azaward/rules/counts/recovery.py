"""After a pause for low counts or a strained liver: has the blood recovered, and was it restarted too early?"""

from __future__ import annotations

from azaward.rules.counts.limits import TIES
from azaward.rules.language.finding import findings
from azaward.rules.language.tables import Table, Value, cite, day_words, knowledge
from azaward.rules.language.untyped import ibis
from azaward.rules.stages.due import applies

WATCHED = ("wbc", "neutrophils", "platelets", "lymphocytes", "haemoglobin", "alt", "ast", "bilirubin")


def paused(person: Table, latest: Table) -> Table:
    """Treatment that stopped while a result was beyond its limit: not recovered yet, or never tested since."""
    rows = _beyond_limit(person.filter(person.status == "stopped"), latest)
    rows = rows.mutate(tested_since=rows.day > rows.stopped_day)
    # What was already wrong before treatment began has nothing to do with the pause.
    rows = rows.filter((rows.day >= rows.started_day).fill_null(True))
    return _found(
        rows,
        rows.stopped_day,
        code=rows.tested_since.ifelse("not_recovered", "not_tested_since_pause"),
        action=rows.tested_since.ifelse("withhold", "test"),
        urgency="this-week",
    )


def restarted(person: Table, latest: Table) -> Table:
    """Treatment begun again although the last result, taken before that day, is beyond its limit."""
    rows = _beyond_limit(person.filter((person.status == "on") & person.restarted_day.notnull()), latest)
    rows = rows.filter((rows.day < rows.restarted_day) & (rows.day >= rows.started_day).fill_null(True))
    return _found(rows, rows.restarted_day, code="restarted_before_recovery", action="withhold", urgency="same-day")


def _found(rows: Table, since: Value, **how: Value | str) -> Table:
    """Each row as a finding about its result and the limit that it is beyond."""
    return findings(
        rows,
        "recovery",
        subject=rows.analyte,
        value=rows.shown,
        text=rows.sign,
        unit=rows.unit,
        on=rows.taken_on,
        comparison=rows.comparison,
        limit_value=rows.bound,
        limit_unit=rows.unit,
        a=day_words(since),
        sources=cite(rows),
        **how,
    )


def _beyond_limit(person: Table, latest: Table) -> Table:
    limits = knowledge("protocol_limits").rename(threshold="value")
    limits = limits.filter(
        limits.analyte.isin(WATCHED)
        & limits.relative_to.isin(["absolute", "upper-limit-of-normal", "lower-limit-of-normal"])
        & limits.action.isin(["stop", "withhold"])
    )
    rows = person.select(
        "patient_id", "protocol", "protocol_known", "family", "stopped_day", "restarted_day", "started_day"
    )
    rows = rows.inner_join(latest.filter(latest.analyte.isin(WATCHED)), "patient_id")
    rows = rows.inner_join(limits, ["protocol", "analyte"])
    rows = rows.filter(applies(rows, rows.family) | ~rows.protocol_known)
    bound = rows.threshold * ibis.cases(
        (rows.relative_to == "upper-limit-of-normal", rows.uln),
        (rows.relative_to == "lower-limit-of-normal", rows.lln),
        else_=1.0,
    )
    rows = rows.mutate(downward=rows.comparison.isin(["below", "at-most"]), bound=bound)
    rows = rows.filter(
        ibis.cases(
            (rows.comparison == "below", rows.low < rows.bound),
            (rows.comparison == "at-most", rows.low <= rows.bound),
            (rows.comparison == "above", rows.high > rows.bound),
            (rows.comparison == "at-least", rows.high >= rows.bound),
        )
    )
    # The limit that is met first on the way back to normal stands for all of them.
    strictest = rows.downward.ifelse(-rows.bound, rows.bound)
    rows = rows.mutate(strictest=strictest, shown=rows.downward.ifelse(rows.shown_low, rows.shown_high))
    rows = rows.mutate(sign=rows.downward.ifelse(rows.comparator_low, rows.comparator_high))
    first = ibis.window(group_by=["patient_id", "analyte"], order_by=["strictest", *TIES])
    rows = rows.mutate(place=ibis.row_number().over(first))
    return rows.filter(rows.place == 0)
