"""Blood counts, liver, kidney and pancreas against the limits of the patient's protocol.

The worst value of the latest day decides. Every row of the protocol that it meets is found; the most
cautious action and the most urgent urgency among them count, and the row that gave the action is named. A row that
a known cause or the person's own level softens counts as own_level.csv says.
"""

from __future__ import annotations

from azaward.rules.counts.floor import OF_KIDNEY
from azaward.rules.counts.own_level import softened
from azaward.rules.language.expressions import Table, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.limit import of
from azaward.rules.language.tables import greatest, knowledge, parameter, urgency_of
from azaward.rules.language.words import OF_ONE, beside, first_of, measured_by, nothing, of_analyte, surely
from azaward.rules.stages.beyond import NORMAL, with_earlier, with_limits
from azaward.terms import Action, Rule, Status, Urgency

# Of two rows that say the same, every engine names the same one.
TIES = ("source", "locator", "comparison", "relative_to", "within_days", "note")


def limits(beyond: Table, person: Table, latest: Table, readings: Table) -> Table:
    """Latest results beyond a limit, the most cautious row for each analyte and direction."""
    met = _softened(beyond, softened(beyond, person, latest, readings))
    per = ["patient_id", "analyte", "downward"]
    met = met.mutate(most_urgent=met.urgency_rank.min().over(ibis.window(group_by=per)))
    met = measured_by(first_of(met, per, ["action_rank", "urgency_rank", "threshold", *TIES]))
    action = ibis.cases(*((met.action_rank == action.rank, action) for action in Action))
    # A graft's creatinine rises for the graft's own reasons: its unit decides, as soon as the limit says.
    of_graft = (met.family == "transplant") & met.analyte.isin(OF_KIDNEY)
    action = (of_graft & (action != Action.TEST)).ifelse(Action.REVIEW, action)
    not_begun = (met.status == Status.PLANNED) & action.isin([Action.STOP, Action.WITHHOLD, Action.REDUCE])
    again = ~met.soft | surely(met.own_action == Action.TEST.rank)
    urgency = urgency_of(met.most_urgent)
    return findings(
        met,
        Rule.LIMITS,
        code=ibis.cases(
            (met.soft & (met.level == "steady"), "limit_own_level"),
            (met.soft, "limit_explained"),
            (met.downward, "limit_low"),
            else_="limit_high",
        ),
        action=not_begun.ifelse(Action.DO_NOT_START, action),
        urgency=urgency,
        subject=met.analyte,
        value=met.downward.ifelse(met.shown_low, met.shown_high),
        text=met.downward.ifelse(met.comparator_low, met.comparator_high),
        unit=met.unit,
        on=met.taken_on,
        note=met.soft.ifelse(met.own_says, met.note),
        before=number(met.level_mean),
        fact=met.soft.ifelse(met.own_fact, met.fact),
        limit=of(met, met.bound),
        asks_for=again.ifelse(met.measured_by, nothing("string")),
        within_days=(met.soft | (urgency == Urgency.ROUTINE)).ifelse(parameter("repeat_test_days"), nothing("float64")),
    )


def _softened(beyond: Table, own: Table) -> Table:
    """Each limit that a result is beyond, with the milder of what its row says and what own_level.csv does."""
    rows = beside(beyond, own, [*OF_ONE, "fact"])
    return rows.mutate(
        soft=rows.own_fact.notnull(),
        action_rank=greatest(rows.action_rank, rows.own_action),
        urgency_rank=greatest(rows.urgency_rank, rows.own_urgency),
    )


def unknowable(person: Table, latest: Table, readings: Table, history: Table) -> Table:
    """Results whose limit is measured from something unknown: the laboratory's normal, or an earlier value."""
    rows = with_earlier(with_limits(person, _may_be_unknown(latest)), readings)
    rows = beside(rows, history.select(*OF_ONE, "low_1"), OF_ONE)
    # The kidneys are judged by the eGFR where creatinine has nothing to be compared with.
    rows = beside(rows, of_analyte(latest, "egfr", filtered_day="day"))
    alone = (rows.analyte != "creatinine") | rows.filtered_day.isnull()
    no_normal = ((rows.relative_to == NORMAL[0]) & rows.uln.isnull()) | (
        (rows.relative_to == NORMAL[1]) & rows.lln.isnull()
    )
    no_earlier = alone & (
        ((rows.relative_to == "baseline-rise-percent") & rows.earlier_low.isnull())
        | ((rows.relative_to == "baseline-fall-percent") & rows.earlier_high.isnull())
        | ((rows.relative_to == "previous-fall-percent") & rows.low_1.isnull())
    )
    rows = rows.mutate(no_normal=no_normal).filter(no_normal | no_earlier)
    rows = first_of(rows, ["patient_id", "analyte"], ["threshold", *TIES])
    return findings(
        rows,
        Rule.LIMITS,
        code=rows.no_normal.ifelse("reference_range_missing", "earlier_value_missing"),
        action=Action.REVIEW,
        urgency=Urgency.ROUTINE,
        subject=rows.analyte,
        value=rows.shown_high,
        unit=rows.unit,
        on=rows.taken_on,
        threshold=number(rows.threshold),
        fact=rows.fact,
    )


def _may_be_unknown(latest: Table) -> Table:
    """The results without the laboratory's limits, and those whose limit is measured from an earlier value."""
    limits = knowledge("protocol_limits")
    earlier = limits.relative_to.startswith("baseline-") | (limits.relative_to == "previous-fall-percent")
    compared = limits.filter(earlier).select("analyte").distinct()
    return latest.filter(latest.uln.isnull() | latest.lln.isnull() | latest.analyte.isin(compared.analyte))
