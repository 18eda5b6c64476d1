"""After a pause for low counts or a strained liver: has the blood recovered, and was it restarted too early?"""

from __future__ import annotations

import ibis

from azaward.rules.finding import findings
from azaward.rules.stages.due import applies
from azaward.rules.tables import Table, cite, from_day, knowledge

COUNTS = ("wbc", "neutrophils", "platelets", "lymphocytes", "haemoglobin")


def paused(person: Table, latest: Table) -> Table:
    """Treatment that stopped while a count was under the limit: not recovered yet, or never tested since."""
    rows = _under_limit(person.filter(person.status == "stopped"), latest)
    rows = rows.mutate(tested_since=rows.day > rows.stopped_day)
    # A count that was already low before treatment began has nothing to do with the pause.
    rows = rows.filter(rows.day >= rows.started_day)
    return findings(
        rows,
        "recovery",
        code=rows.tested_since.ifelse("not_recovered", "not_tested_since_pause"),
        action=rows.tested_since.ifelse("withhold", "test"),
        urgency="this-week",
        subject=rows.analyte,
        value=rows.shown_low,
        unit=rows.unit,
        on=rows.taken_on,
        comparison=rows.comparison,
        limit_value=rows.threshold,
        limit_unit=rows.unit,
        a=from_day(rows.stopped_day).cast("string"),
        sources=cite(rows),
    )


def restarted(person: Table, latest: Table) -> Table:
    """Treatment begun again although the last count, taken before that day, is under the limit."""
    rows = _under_limit(person.filter((person.status == "on") & person.restarted_day.notnull()), latest)
    rows = rows.filter((rows.day < rows.restarted_day) & (rows.day >= rows.started_day))
    return findings(
        rows,
        "recovery",
        code="restarted_before_recovery",
        action="withhold",
        urgency="same-day",
        subject=rows.analyte,
        value=rows.shown_low,
        unit=rows.unit,
        on=rows.taken_on,
        comparison=rows.comparison,
        limit_value=rows.threshold,
        limit_unit=rows.unit,
        a=from_day(rows.restarted_day).cast("string"),
        sources=cite(rows),
    )


def _under_limit(person: Table, latest: Table) -> Table:
    limits = knowledge("protocol_limits").rename(threshold="value")
    limits = limits.filter(
        limits.analyte.isin(COUNTS)
        & (limits.relative_to == "absolute")
        & limits.action.isin(["stop", "withhold"])
        & limits.comparison.isin(["below", "at-most"])
    )
    rows = person.select(
        "patient_id", "protocol", "protocol_known", "family", "stopped_day", "restarted_day", "started_day"
    )
    rows = rows.inner_join(latest.filter(latest.analyte.isin(COUNTS)), "patient_id")
    rows = rows.inner_join(limits, ["protocol", "analyte"])
    rows = rows.filter(
        (applies(rows, rows.family) | ~rows.protocol_known)
        & ((rows.low < rows.threshold) | ((rows.comparison == "at-most") & (rows.low == rows.threshold)))
    )
    highest = ibis.window(group_by=["patient_id", "analyte"], order_by=[ibis.desc("threshold"), "source", "locator"])
    rows = rows.mutate(place=ibis.row_number().over(highest))
    return rows.filter(rows.place == 0)
