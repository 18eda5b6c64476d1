"""Blood counts, liver, kidney and pancreas against the limits of the patient's protocol.

The worst value of the latest day decides. Every row of the protocol that it meets is found; the most
cautious action and the most urgent urgency among them count, and the row that gave the action is named.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.limit import downward, of
from azaward.rules.language.tables import day_number, knowledge, urgency_of
from azaward.rules.language.words import OF_ONE, beside, first_of, for_their_specialty, of_analyte, surely, treated
from azaward.rules.stages.lab import low_end
from azaward.terms import Action, Rule, Status, Urgency

# Of two rows that say the same, every engine names the same one.
TIES = ("source", "locator", "comparison", "relative_to", "within_days", "note")
NORMAL = ("upper-limit-of-normal", "lower-limit-of-normal")


def limits(person: Table, latest: Table, readings: Table, history: Table) -> Table:
    """Latest results beyond a limit, the most cautious row for each analyte and direction."""
    rows = _with_limits(person, _may_cross(latest))
    rows = _with_earlier(rows, readings)
    rows = beside(rows, history.select(*OF_ONE, "low_1"), OF_ONE)
    rows = rows.mutate(downward=downward(rows.comparison), bound=_bound(rows))
    met = rows.filter(of(rows, rows.bound).met_by(rows.low, rows.high))
    per = ["patient_id", "analyte", "downward"]
    met = met.mutate(most_urgent=met.urgency_rank.min().over(ibis.window(group_by=per)))
    met = first_of(met, per, ["action_rank", "urgency_rank", "threshold", *TIES])
    not_begun = (met.status == Status.PLANNED) & met.action.isin([Action.STOP, Action.WITHHOLD, Action.REDUCE])
    return findings(
        met,
        Rule.LIMITS,
        code=met.downward.ifelse("limit_low", "limit_high"),
        action=not_begun.ifelse(Action.DO_NOT_START, met.action),
        urgency=urgency_of(met.most_urgent),
        subject=met.analyte,
        value=met.downward.ifelse(met.shown_low, met.shown_high),
        text=met.downward.ifelse(met.comparator_low, met.comparator_high),
        unit=met.unit,
        on=met.taken_on,
        note=met.note,
        fact=met.fact,
        limit=of(met, met.bound),
    )


def _bound(rows: Table) -> Value:
    """A protocol's number as a value in the unit of the result, whatever it is relative to."""
    rise, fall = 1 + rows.threshold / 100, 1 - rows.threshold / 100
    return ibis.cases(
        (rows.relative_to == "absolute", rows.threshold),
        (rows.relative_to == "upper-limit-of-normal", rows.threshold * rows.uln),
        (rows.relative_to == "lower-limit-of-normal", rows.threshold * rows.lln),
        (rows.relative_to == "baseline-rise-percent", rows.earlier_low * rise),
        (rows.relative_to == "baseline-fall-percent", rows.earlier_high * fall),
        (rows.relative_to == "previous-fall-percent", rows.low_1 * fall),
    )


def unknowable(person: Table, latest: Table, readings: Table, history: Table) -> Table:
    """Results whose limit is measured from something unknown: the laboratory's normal, or an earlier value."""
    rows = _with_earlier(_with_limits(person, _may_be_unknown(latest)), readings)
    rows = beside(rows, history.select(*OF_ONE, "low_1"), OF_ONE)
    # The kidneys are judged by the eGFR where creatinine has nothing to be compared with.
    rows = beside(rows, of_analyte(latest, "egfr", filtered_day="day"))
    alone = (rows.analyte != "creatinine") | rows.filtered_day.isnull()
    no_normal = ((rows.relative_to == "upper-limit-of-normal") & rows.uln.isnull()) | (
        (rows.relative_to == "lower-limit-of-normal") & rows.lln.isnull()
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


def _may_cross(latest: Table) -> Table:
    """The results that some protocol's limit might be about: most are inside all of them, and are left out at once."""
    limits = knowledge("protocol_limits")
    down = downward(limits.comparison)
    absolute = limits.relative_to == "absolute"
    uln, lln = (limits.relative_to == normal for normal in NORMAL)
    reach = limits.group_by("analyte").agg(
        reach_low=limits.value.max(where=down & absolute),
        reach_high=limits.value.min(where=~down & absolute),
        low_of_lln=limits.value.max(where=down & lln),
        high_of_lln=limits.value.min(where=~down & lln),
        low_of_uln=limits.value.max(where=down & uln),
        high_of_uln=limits.value.min(where=~down & uln),
        compared=(~absolute & ~uln & ~lln).any(),
    )
    rows = latest.inner_join(reach, "analyte")
    near = ibis.or_(
        rows.low <= rows.reach_low,
        rows.high >= rows.reach_high,
        rows.low <= rows.low_of_lln * rows.lln,
        rows.high >= rows.high_of_lln * rows.lln,
        rows.low <= rows.low_of_uln * rows.uln,
        rows.high >= rows.high_of_uln * rows.uln,
        rows.compared,
    )
    return rows.filter(surely(near)).select(latest.columns)


def _may_be_unknown(latest: Table) -> Table:
    """The results without the laboratory's limits, and those whose limit is measured from an earlier value."""
    limits = knowledge("protocol_limits")
    earlier = limits.relative_to.startswith("baseline-") | (limits.relative_to == "previous-fall-percent")
    compared = limits.filter(earlier).select("analyte").distinct()
    return latest.filter(latest.uln.isnull() | latest.lln.isnull() | latest.analyte.isin(compared.analyte))


def _with_limits(person: Table, latest: Table) -> Table:
    people = treated(person, "protocol_known", "family", "status")
    rows = latest.inner_join(people, "patient_id")
    limits = knowledge("protocol_limits").rename(threshold="value")
    return for_their_specialty(rows.inner_join(limits, ["protocol", "analyte"]))


def _with_earlier(rows: Table, readings: Table) -> Table:
    """Adds the lowest and highest earlier value that a rise or fall is measured from."""
    relative = rows.filter(rows.relative_to.startswith("baseline-"))
    relative = relative.select("patient_id", "analyte", "day", "within_days").distinct()
    past = readings.filter(readings.problem.isnull())
    past = past.select(*OF_ONE, past_day=day_number(past.taken_on), past_low=low_end(past), past_high="measured")
    pairs = relative.inner_join(past, OF_ONE)
    pairs = pairs.filter(
        (pairs.past_day < pairs.day) & (pairs.within_days.isnull() | (pairs.past_day >= pairs.day - pairs.within_days))
    )
    earlier = pairs.group_by([*OF_ONE, "within_days"]).agg(
        earlier_low=pairs.past_low.min(), earlier_high=pairs.past_high.max()
    )
    # Nothing equals nothing in no engine: a window without an end is -1.
    earlier = earlier.mutate(window=earlier.within_days.fill_null(-1.0)).drop("within_days")
    return beside(rows.mutate(window=rows.within_days.fill_null(-1.0)), earlier, [*OF_ONE, "window"])
