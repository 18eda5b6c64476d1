"""Pancreatitis: what amylase and lipase say, alone and beside abdominal pain, and pain in which nobody measured them.

Two of three make the diagnosis: typical pain, an enzyme of three times its limit, imaging. On a thiopurine nearly all
of it comes in the first two months.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.limit import Limit, limit
from azaward.rules.language.tables import DAYS_IN_MONTH, greatest, parameter
from azaward.rules.language.words import beside, perhaps, still_acts, surely, treated, withheld
from azaward.terms import Action, Comparison, Rule, Status, Urgency

ENZYMES = ("amylase", "lipase")


def pancreas(person: Table, latest: Table, signs: Table) -> Table:
    """Amylase or lipase at the multiple of normal that defines pancreatitis, above normal, or of unknown normal."""
    rows = _measured(person, latest, signs)
    planned, stopped = rows.status == Status.PLANNED, rows.status == Status.STOPPED
    return findings(
        rows,
        Rule.LIVER,
        code=ibis.cases(
            (rows.severe & planned, "pancreatitis_before_start"),
            (rows.severe & stopped, "pancreatitis_after_stop"),
            (rows.severe, "pancreatitis_likely"),
            (rows.painful, "pancreatitis_possible"),
            (rows.uln.isnull(), "pancreas_range_missing"),
            else_="pancreas_raised",
        ),
        action=ibis.cases(
            (rows.severe & planned, Action.DO_NOT_START),
            (rows.severe & stopped, Action.WITHHOLD),
            (rows.severe, Action.STOP),
            (rows.painful, withheld(rows.family)),
            else_=Action.REVIEW,
        ),
        urgency=ibis.cases((rows.severe, Urgency.EMERGENCY), (rows.painful, Urgency.SAME_DAY), else_=Urgency.THIS_WEEK),
        subject=rows.analyte,
        asks_for="amylase",
        value=rows.shown_high,
        text=rows.comparator_high,
        unit=rows.unit,
        on=rows.taken_on,
        limit=Limit(rows.severe.ifelse(rows.bound, rows.uln), _compared(rows), rows.unit),
        multiple=number(parameter("pancreatitis_multiple")),
    )


def _measured(person: Table, latest: Table, signs: Table) -> Table:
    """Each enzyme above normal, or of which normal isn't known, and whether it is `severe` and beside pain."""
    rows = latest.filter(latest.analyte.isin(list(ENZYMES)))
    people = treated(person, "status", "family", "as_of_day", "stopped_day", also=Status.STOPPED)
    rows = rows.inner_join(people.filter((people.status != Status.STOPPED) | still_acts(people)), "patient_id")
    rows = beside(rows, signs.select("patient_id", pain=ibis.coalesce(signs.pain, signs.sick)))
    unknown = rows.uln.isnull()
    multiple = limit("pancreatitis_multiple").times(rows.uln)
    # Without a range: what is above the highest value of any other illness.
    alone = (rows.analyte == "lipase").ifelse(parameter("lipase_without_range"), parameter("amylase_without_range"))
    severe = unknown.ifelse(rows.high > alone, surely(multiple.met_by(rows.high)))
    rows = rows.mutate(bound=unknown.ifelse(alone, multiple.value), severe=severe, painful=rows.pain.notnull())
    return rows.filter((unknown | (rows.high > rows.uln)) & ((rows.status != Status.STOPPED) | severe))


def _compared(rows: Table) -> Value:
    """How a value was compared with the limit that is shown."""
    by_multiple = rows.severe & rows.uln.notnull()
    return by_multiple.ifelse(Comparison.AT_LEAST, Comparison.ABOVE)


def pain(signs: Table, latest: Table) -> Table:
    """Pain that began on treatment, and no amylase or lipase since: in the first months withhold until one is known."""
    measured = latest.filter(latest.analyte.isin(list(ENZYMES))).group_by("patient_id").agg(measured=latest.day.max())
    rows = beside(signs.filter(signs.pain.notnull() & perhaps(signs.pain >= signs.started_day)), measured)
    rows = rows.filter(rows.measured.isnull() | (rows.measured < rows.pain))
    within = limit("pancreatitis_early_months").times(ibis.literal(DAYS_IN_MONTH))
    since = rows.pain - greatest(rows.started_day, rows.restarted_day)
    early = perhaps((since >= 0) & within.met_by(since)) & within.met_by(rows.as_of_day - rows.pain)
    return findings(
        rows,
        Rule.LIVER,
        code=early.ifelse("pancreas_pain_early", "pancreas_pain"),
        action=early.ifelse(withheld(rows.family), Action.TEST),
        urgency=early.ifelse(Urgency.SAME_DAY, Urgency.THIS_WEEK),
        subject="abdominal_pain",
        asks_for="amylase",
        on=rows.pain,
        limit=Limit(parameter("pancreatitis_early_months"), Comparison.AT_MOST, "mo"),
    )
