"""Thiopurine metabolites: not taken, under-dosed, shunted to methylation, refractory or over-dosed.

By the table of the patient's protocol; where it has none, by that of the BSG guideline. For a child the table
for children counts beside it. Of all patterns that the values meet, the most pressing is said.
"""

from __future__ import annotations

from azaward.rules.language.finding import findings, number
from azaward.rules.language.tables import Table, Value, cite, knowledge, parameters
from azaward.rules.language.untyped import ibis
from azaward.rules.stages.lab import high_end, low_end

FALLBACK = "bsg-2019"
CHILDREN = "grp-2021-children"


def metabolites(person: Table, latest: Table, readings: Table) -> Table:
    """The pattern of the last thioguanine nucleotides with the methylated metabolites of the same day."""
    rows = _measured(person, latest, readings)
    table = knowledge("metabolites")
    own = table.select(listed="protocol").distinct()
    rows = rows.left_join(own, rows.protocol == own.listed).pipe(parameters("adult_age_years"))
    rows = rows.mutate(
        by=ibis.coalesce(rows.listed, FALLBACK),
        child=(rows.age < rows.adult_age_years).fill_null(False),
    ).drop("listed")
    # Two readings of one day, or "less than", may lie in two patterns: both ends of both are looked up.
    ends = ibis.union(rows.mutate(tgn=rows.low), rows.mutate(tgn=rows.high))
    ends = ibis.union(ends.mutate(mmp=ends.mmp_least), ends.mutate(mmp=ends.mmp_most))
    ends = ends.mutate(ratio=ends.mmp / ends.tgn.nullif(0.0))
    table = table.rename(of="protocol")
    pairs = ends.inner_join(table, (ends.by == table.of) | (ends.child & (table.of == CHILDREN)))
    unknown = pairs.mmp.isnull()
    pairs = pairs.filter(
        _within(pairs.tgn, pairs.tgn_low, pairs.tgn_high)
        & (unknown | _within(pairs.mmp, pairs.mmp_low, pairs.mmp_high))
        & (unknown | _within(pairs.ratio, pairs.ratio_low, pairs.ratio_high))
    )
    # Without its partner a pattern is said only where every partner would give the same one.
    of_one = ibis.window(group_by=["patient_id", "tgn", "of"])
    alike = pairs.pattern.min().over(of_one) == pairs.pattern.max().over(of_one)
    pairs = pairs.mutate(alike=alike)
    pairs = pairs.filter(pairs.mmp.notnull() | pairs.alike)
    # Where both tables say the same of a child, the children's is named.
    pairs = pairs.mutate(adults=(pairs.of != CHILDREN).cast("int64"))
    worst = ibis.window(
        group_by="patient_id", order_by=["urgency_rank", "action_rank", "adults", "pattern", "locator", "source"]
    )
    pairs = pairs.mutate(place=ibis.row_number().over(worst))
    pairs = pairs.filter(pairs.place == 0)
    # A level from before the dose was raised is no reason to raise it again.
    outdated = (pairs.pattern == "under_dosed") & (pairs.day < pairs.increased_day).fill_null(False)
    return findings(
        pairs,
        "metabolites",
        code=ibis.cases(
            (outdated, "metabolites_outdated"),
            # Too much of the one is said without the other, which nobody measured.
            (pairs.mmp.isnull() & (pairs.pattern == "over_dosed"), "metabolites_over_dosed_alone"),
            else_=ibis.literal("metabolites_") + pairs.pattern,
        ),
        action=outdated.ifelse("test", pairs.action),
        urgency=pairs.urgency,
        subject="tgn",
        value=(pairs.tgn == pairs.low).ifelse(pairs.shown_low, pairs.shown_high),
        text=(pairs.tgn == pairs.low).ifelse(pairs.comparator_low, pairs.comparator_high),
        unit=pairs.unit,
        on=pairs.taken_on,
        comparison=ibis.cases((pairs.tgn_high.notnull(), "below"), (pairs.tgn_low.notnull(), "at-least"), else_=None),
        limit_value=ibis.coalesce(pairs.tgn_high, pairs.tgn_low),
        limit_unit=pairs.unit,
        a=pairs.meaning,
        b=number(pairs.mmp_shown),
        says=pairs.says,
        sources=cite(pairs),
    )


def unclear(person: Table, latest: Table, readings: Table) -> Table:
    """One of the two metabolites whose partner of the same day is missing."""
    no_mmp = _measured(person, latest, readings)
    no_mmp = no_mmp.filter(no_mmp.mmp_most.isnull())
    # Of two that came apart the later one is the news.
    mmp = latest.filter(latest.analyte == "mmp")
    tgn = latest.filter(latest.analyte == "tgn").select("patient_id", tgn_day="day")
    no_tgn = mmp.left_join(tgn, "patient_id").drop("patient_id_right")
    no_tgn = no_tgn.filter(no_tgn.tgn_day.isnull() | (no_tgn.tgn_day < no_tgn.day))
    no_tgn = no_tgn.inner_join(person.filter(person.status == "on").select("patient_id", "protocol"), "patient_id")

    def say(rows: Table, code: str, subject: str) -> Table:
        return findings(
            rows,
            "metabolites",
            code=code,
            action="review",
            urgency="routine",
            subject=subject,
            value=rows.shown_high,
            text=rows.comparator_high,
            unit=rows.unit,
            on=rows.taken_on,
        )

    return ibis.union(say(no_mmp, "metabolites_incomplete", "mmp"), say(no_tgn, "metabolites_without_tgn", "tgn"))


def _measured(person: Table, latest: Table, readings: Table) -> Table:
    """The last thioguanine nucleotides of each patient on treatment, with the methylated ones of that day or none."""
    mmp = readings.filter((readings.analyte == "mmp") & readings.problem.isnull())
    mmp = mmp.group_by(["patient_id", "taken_on"]).agg(
        mmp_least=low_end(mmp).min(), mmp_most=high_end(mmp).max(), mmp_shown=mmp.measured.max()
    )
    rows = latest.filter(latest.analyte == "tgn").left_join(mmp, ["patient_id", "taken_on"])
    rows = rows.drop("patient_id_right", "taken_on_right")
    on = person.filter(person.status == "on").select("patient_id", "protocol", "increased_day", "age")
    return rows.inner_join(on, "patient_id")


def _within(value: Value, low: Value, high: Value) -> Value:
    """Inside the bounds; a bound on something that wasn't measured is not met."""
    return (low.isnull() | (value >= low).fill_null(False)) & (high.isnull() | (value < high).fill_null(False))
