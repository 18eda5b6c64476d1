"""Thiopurine metabolites: not taken, under-dosed, shunted to methylation, refractory or over-dosed.

By the table of the patient's protocol; where it has none, by that of the BSG guideline.
"""

from __future__ import annotations

from azaward.rules.finding import findings, number
from azaward.rules.tables import Table, cite, knowledge
from azaward.rules.untyped import ibis

FALLBACK = "bsg-2019"


def metabolites(person: Table, latest: Table) -> Table:
    """The pattern of the last thioguanine nucleotides with the methylated metabolites of the same day."""
    tgn = latest.filter(latest.analyte == "tgn").select("patient_id", "day", "taken_on", "unit", tgn="low")
    mmp = latest.filter(latest.analyte == "mmp").select("patient_id", mmp_day="day", mmp="high")
    rows = tgn.left_join(mmp, "patient_id").drop("patient_id_right")
    rows = rows.mutate(mmp=(rows.mmp_day == rows.day).ifelse(rows.mmp, ibis.null("float64")))
    rows = rows.inner_join(
        person.filter(person.status == "on").select("patient_id", "protocol", "increased_day"), "patient_id"
    )
    table = knowledge("metabolites")
    own = table.select(listed="protocol").distinct()
    rows = rows.left_join(own, rows.protocol == own.listed)
    rows = rows.mutate(
        ratio=rows.mmp / (rows.tgn == 0).ifelse(ibis.null("float64"), rows.tgn),
        by=ibis.coalesce(rows.listed, FALLBACK),
    ).drop("listed")
    table = table.rename(of="protocol")
    pairs = rows.inner_join(table, rows.by == table.of)

    def within(value: Table, low: Table, high: Table) -> Table:
        """Inside the bounds; a bound on something that wasn't measured is not met."""
        return (low.isnull() | (value >= low).fill_null(False)) & (high.isnull() | (value < high).fill_null(False))

    pairs = pairs.filter(
        within(pairs.tgn, pairs.tgn_low, pairs.tgn_high)
        & within(pairs.mmp, pairs.mmp_low, pairs.mmp_high)
        & within(pairs.ratio, pairs.ratio_low, pairs.ratio_high)
    )
    pairs = pairs.inner_join(knowledge("action_ranks"), "action").inner_join(knowledge("urgency_ranks"), "urgency")
    worst = ibis.window(group_by="patient_id", order_by=["urgency_rank", "action_rank", "pattern", "locator"])
    pairs = pairs.mutate(place=ibis.row_number().over(worst))
    pairs = pairs.filter(pairs.place == 0)
    return findings(
        pairs,
        "metabolites",
        code=ibis.literal("metabolites_") + pairs.pattern,
        action=pairs.action,
        urgency=pairs.urgency,
        subject="tgn",
        value=pairs.tgn,
        unit=pairs.unit,
        on=pairs.taken_on,
        comparison=ibis.cases((pairs.tgn_high.notnull(), "below"), (pairs.tgn_low.notnull(), "at-least"), else_=None),
        limit_value=ibis.coalesce(pairs.tgn_high, pairs.tgn_low),
        limit_unit=pairs.unit,
        a=pairs.meaning,
        b=number(pairs.mmp),
        says=pairs.says,
        sources=cite(pairs),
    )


def unclear(person: Table, latest: Table) -> Table:
    """Thioguanine nucleotides whose methylated partner of the same day is missing."""
    tgn = latest.filter(latest.analyte == "tgn").select("patient_id", "day", "taken_on", "unit", tgn="low")
    mmp = latest.filter(latest.analyte == "mmp").select("patient_id", mmp_day="day")
    rows = tgn.left_join(mmp, "patient_id").drop("patient_id_right")
    rows = rows.filter(rows.mmp_day.isnull() | (rows.mmp_day != rows.day))
    rows = rows.inner_join(person.filter(person.status == "on").select("patient_id", "protocol"), "patient_id")
    return findings(
        rows,
        "metabolites",
        code="metabolites_incomplete",
        action="review",
        urgency="routine",
        subject="mmp",
        value=rows.tgn,
        unit=rows.unit,
        on=rows.taken_on,
    )
