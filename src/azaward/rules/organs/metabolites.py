"""Thiopurine metabolites: not taken, under-dosed, shunted to methylation, refractory or over-dosed.

By the table of the patient's protocol; where it has none, by that of the BSG guideline. For a child the table
for children counts beside it. Of all patterns that the values meet, the most pressing is said.
"""

from __future__ import annotations

from typing import get_args

from azaward.knowledge.loading.schema.laboratory import Pattern
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.limit import Limit, limit
from azaward.rules.language.tables import knowledge
from azaward.rules.language.words import beside, first_of, of_analyte, on_treatment, surely
from azaward.rules.stages.lab import high_end, low_end
from azaward.terms import Action, Comparison, Rule, Status, Urgency

FALLBACK = "bsg-2019"
CHILDREN = "grp-2021-children"


def metabolites(person: Table, latest: Table, readings: Table) -> Table:
    """The pattern of the last thioguanine nucleotides with the methylated metabolites of the same day."""
    rows = _most_pressing(_patterns(_measured(person, latest, readings)))
    # A level from before the dose was raised is no reason to raise it again.
    outdated = (rows.pattern == "under_dosed") & surely(rows.day < rows.increased_day)
    low = rows.tgn == rows.low
    # A level that is right is information: whether to go on is for all findings together to say.
    known = (rows.action == Action.CONTINUE).ifelse(Action.INFORM, rows.action)
    return findings(
        rows,
        Rule.METABOLITES,
        code=ibis.cases(
            (outdated, "metabolites_outdated"),
            # Too much of the one is said without the other, which nobody measured.
            (rows.mmp.isnull() & (rows.pattern == "over_dosed"), "metabolites_over_dosed_alone"),
            else_=ibis.literal("metabolites_") + rows.pattern,
        ),
        codes=[
            *("metabolites_outdated", "metabolites_over_dosed_alone"),
            *(f"metabolites_{pattern}" for pattern in get_args(Pattern)),
        ],
        action=outdated.ifelse(Action.TEST, known),
        urgency=rows.urgency,
        subject="tgn",
        asks_for=_asked_for(rows, outdated),
        within_days=ibis.cases((_too_much(rows), 0.0)),
        value=low.ifelse(rows.shown_low, rows.shown_high),
        text=low.ifelse(rows.comparator_low, rows.comparator_high),
        unit=rows.unit,
        on=rows.taken_on,
        limit=_bound(rows),
        meaning=rows.meaning,
        methylated=number(rows.mmp_shown),
        says=rows.says,
        fact=rows.fact,
    )


def _bound(rows: Table) -> Limit:
    """The bound of the pattern, the upper one before the lower."""
    side = ibis.cases((rows.tgn_high.notnull(), Comparison.BELOW), (rows.tgn_low.notnull(), Comparison.AT_LEAST))
    return Limit(ibis.coalesce(rows.tgn_high, rows.tgn_low), side, rows.unit)


def _too_much(rows: Table) -> Value:
    """More active metabolite than any upper bound of the table: the blood is counted now."""
    return (rows.pattern == "over_dosed") & rows.tgn_high.isnull()


def _asked_for(rows: Table, outdated: Value) -> Value:
    """The tests that the pattern asks for: what the active metabolite harms, and what the methylated one harms."""
    return ibis.cases(
        (outdated, "metabolites"),
        (_too_much(rows), "full_blood_count"),
        (rows.pattern.isin(["over_dosed", "shunting"]), "liver"),
    )


def _patterns(rows: Table) -> Table:
    """Every row of the tables for this person that the values meet, at either end of what was measured."""
    table = knowledge("metabolites")
    own = table.select(listed="protocol").distinct()
    rows = rows.left_join(own, rows.protocol == own.listed)
    rows = rows.mutate(
        by=ibis.coalesce(rows.listed, FALLBACK),
        child=surely(~limit("adult_age_years").met_by(rows.age)),
    ).drop("listed")
    # Two readings of one day, or "less than", may lie in two patterns: both ends of both are looked up.
    ends = ibis.union(rows.mutate(tgn=rows.low), rows.mutate(tgn=rows.high))
    ends = ibis.union(ends.mutate(mmp=ends.mmp_least), ends.mutate(mmp=ends.mmp_most))
    ends = ends.mutate(ratio=ends.mmp / ends.tgn.nullif(0.0))
    table = table.rename(of="protocol")
    pairs = ends.inner_join(table, (ends.by == table.of) | (ends.child & (table.of == CHILDREN)))
    unknown = pairs.mmp.isnull()
    return pairs.filter(
        _within(pairs.tgn, pairs.tgn_low, pairs.tgn_high)
        & (unknown | _within(pairs.mmp, pairs.mmp_low, pairs.mmp_high))
        & (unknown | _within(pairs.ratio, pairs.ratio_low, pairs.ratio_high))
    )


def _most_pressing(pairs: Table) -> Table:
    """One pattern a patient. Without its partner one is said only where every partner would give the same."""
    of_one = ibis.window(group_by=["patient_id", "tgn", "of"])
    alike = pairs.pattern.min().over(of_one) == pairs.pattern.max().over(of_one)
    pairs = pairs.mutate(alike=alike)
    pairs = pairs.filter(pairs.mmp.notnull() | pairs.alike)
    # Where both tables say the same of a child, the children's is named.
    pairs = pairs.mutate(adults=(pairs.of != CHILDREN).cast("int64"))
    order = ["urgency_rank", "action_rank", "adults", "pattern", "locator", "source"]
    return first_of(pairs, "patient_id", order)


def unclear(person: Table, latest: Table, readings: Table) -> Table:
    """One of the two metabolites whose partner of the same day is missing."""
    no_mmp = _measured(person, latest, readings)
    no_mmp = no_mmp.filter(no_mmp.mmp_most.isnull())
    # Of two that came apart the later one is the news.
    no_tgn = beside(of_analyte(latest, "mmp"), of_analyte(latest, "tgn", tgn_day="day"))
    no_tgn = no_tgn.filter(no_tgn.tgn_day.isnull() | (no_tgn.tgn_day < no_tgn.day))
    no_tgn = no_tgn.inner_join(on_treatment(person), "patient_id")

    def say(rows: Table, code: str, subject: str) -> Table:
        return findings(
            rows,
            Rule.METABOLITES,
            code=code,
            action=Action.REVIEW,
            urgency=Urgency.ROUTINE,
            subject=subject,
            value=rows.shown_high,
            text=rows.comparator_high,
            unit=rows.unit,
            on=rows.taken_on,
        )

    return ibis.union(say(no_mmp, "metabolites_incomplete", "mmp"), say(no_tgn, "metabolites_without_tgn", "tgn"))


def without_treatment(person: Table, latest: Table) -> Table:
    """Nucleotides found in someone who has not begun, as far as the record says: one of the two is wrong."""
    rows = of_analyte(latest, "tgn")
    rows = rows.inner_join(
        person.filter(person.status == Status.PLANNED).select("patient_id", "protocol"), "patient_id"
    )
    rows = rows.filter(rows.high > 0)
    return findings(
        rows,
        Rule.METABOLITES,
        code="metabolites_without_treatment",
        action=Action.REVIEW,
        urgency=Urgency.THIS_WEEK,
        subject="tgn",
        value=rows.shown_high,
        text=rows.comparator_high,
        unit=rows.unit,
        on=rows.taken_on,
    )


def _measured(person: Table, latest: Table, readings: Table) -> Table:
    """The last thioguanine nucleotides of each patient on treatment, with the methylated ones of that day or none."""
    mmp = readings.filter((readings.analyte == "mmp") & readings.problem.isnull())
    mmp = mmp.group_by(["patient_id", "taken_on"]).agg(
        mmp_least=low_end(mmp).min(), mmp_most=high_end(mmp).max(), mmp_shown=mmp.measured.max()
    )
    rows = beside(of_analyte(latest, "tgn"), mmp, ["patient_id", "taken_on"])
    return rows.inner_join(on_treatment(person, "increased_day", "age"), "patient_id")


def _within(value: Value, low: Value, high: Value) -> Value:
    """Inside the bounds; a bound on something that wasn't measured is not met."""
    return (low.isnull() | surely(value >= low)) & (high.isnull() | surely(value < high))
