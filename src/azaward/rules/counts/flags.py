"""What the laboratory itself marked, and results that contradict each other.

A laboratory knows its method, its patient and its critical limits. A result marked "critical" is reviewed the same day,
whatever the number says; a mark that says otherwise than the laboratory's own range, and neutrophils above all white
cells, mean that one of the two is wrong, and nobody can tell which from here.
"""

from __future__ import annotations

from azaward.record.tables import STATUS_NEVER_COUNTS
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.tables import parameter, record
from azaward.rules.language.words import OF_ONE, beside, first_of, last_of, measured_by, perhaps, surely, treated
from azaward.rules.stages.severity import bounds, is_critical
from azaward.terms import Action, Rule, Status, Urgency

LOW, HIGH, NORMAL = ("L", "LL", "<"), ("H", "HH", ">"), ("N",)


def marked(person: Table, latest: Table, crossed: Table) -> Table:
    """The last result of a test that the laboratory marked as critical, or whose mark its own range contradicts."""
    results = record("results")
    rows = results.filter(results.flag.notnull() & results.value.notnull() & perhaps(results.doubt == "month"))
    rows = rows.filter(~rows.status.fill_null("unknown").isin(STATUS_NEVER_COUNTS))
    rows = rows.inner_join(latest.select(*OF_ONE, "taken_on"), [*OF_ONE, "taken_on"])
    rows = beside(rows, bounds(), "analyte")
    rows = rows.mutate(contradicted=_contradicted(rows), critical=is_critical(rows))
    rows = rows.filter(rows.contradicted | rows.critical)
    rows = first_of(rows, OF_ONE, [ibis.desc("critical"), "flag", "value", "unit", "origin"])
    said = crossed.filter(crossed.urgency.isin([Urgency.EMERGENCY, Urgency.SAME_DAY]))
    rows = beside(rows, said.select(*OF_ONE).distinct().mutate(said=ibis.literal(True)), OF_ONE)
    rows = rows.filter(rows.contradicted | rows.said.isnull())
    rows = measured_by(rows.inner_join(treated(person, also=Status.STOPPED), "patient_id"))
    return findings(
        rows,
        Rule.LIMITS,
        code=rows.contradicted.ifelse("flag_contradicted", "flag_critical"),
        codes=["flag_contradicted", "flag_critical"],
        action=Action.REVIEW,
        urgency=rows.critical.ifelse(Urgency.SAME_DAY, Urgency.THIS_WEEK),
        subject=rows.analyte,
        asks_for=rows.measured_by,
        value=rows.value,
        unit=rows.unit,
        on=rows.taken_on,
        flag=rows.flag,
        range=_range(rows),
    )


def _contradicted(rows: Table) -> Value:
    """Whether the laboratory's own range says otherwise than its mark."""
    below, above = surely(rows.value < rows.ref_low), surely(rows.value > rows.ref_high)
    plain = rows.comparator.isnull()
    not_low = rows.flag.isin(LOW) & surely(rows.value >= rows.ref_low)
    not_high = rows.flag.isin(HIGH) & surely(rows.value <= rows.ref_high)
    return plain & (not_low | not_high | (rows.flag.isin(NORMAL) & (below | above)))


def _range(rows: Table) -> Value:
    low = ibis.cases((rows.ref_low.isnull(), "up"), else_=number(rows.ref_low))
    return low + " to " + ibis.cases((rows.ref_high.isnull(), "any"), else_=number(rows.ref_high))


def whole_and_part(person: Table, latest: Table) -> Table:
    """Neutrophils above all white cells of the same day: one of the two is wrong."""
    rows = last_of(latest, "neutrophils", "wbc")
    above = rows.neutrophils_low > rows.wbc_high * parameter("part_over_whole_times")
    rows = rows.filter(surely(above & (rows.neutrophils_day == rows.wbc_day)))
    rows = rows.inner_join(treated(person, also=Status.STOPPED), "patient_id")
    days = latest.filter(latest.analyte == "neutrophils").select("patient_id", "taken_on")
    rows = beside(rows, days)
    return findings(
        rows,
        Rule.LIMITS,
        code="part_over_whole",
        action=Action.REVIEW,
        urgency=Urgency.THIS_WEEK,
        subject="neutrophils",
        asks_for="full_blood_count",
        value=rows.neutrophils_low,
        on=rows.taken_on,
        whole=number(rows.wbc_high),
    )
