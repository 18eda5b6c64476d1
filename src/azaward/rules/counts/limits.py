"""Blood counts, liver, kidney and pancreas against the limits of the patient's protocol.

The worst value of the latest day decides. Every row of the protocol that it meets is found; the most
cautious action and the most urgent urgency among them count, and the row that gave the action is named.
"""

from __future__ import annotations

from azaward.rules.language.finding import findings, number
from azaward.rules.language.tables import Table, cite, day_number, knowledge, urgency_of
from azaward.rules.language.untyped import ibis
from azaward.rules.stages.due import applies
from azaward.rules.stages.lab import OF_ONE, low_end

# Of two rows that say the same, every engine names the same one.
TIES = ("source", "locator", "comparison", "relative_to", "within_days", "note")


def limits(person: Table, latest: Table, readings: Table, history: Table) -> Table:
    """Latest results beyond a limit, the most cautious row for each analyte and direction."""
    rows = _with_limits(person, _may_cross(latest))
    rows = _with_earlier(rows, readings)
    rows = rows.left_join(history.select(*OF_ONE, "low_1"), OF_ONE).drop("patient_id_right", "analyte_right")
    downward = rows.comparison.isin(["below", "at-most"])
    bound = ibis.cases(
        (rows.relative_to == "absolute", rows.threshold),
        (rows.relative_to == "upper-limit-of-normal", rows.threshold * rows.uln),
        (rows.relative_to == "lower-limit-of-normal", rows.threshold * rows.lln),
        (rows.relative_to == "baseline-rise-percent", rows.earlier_low * (1 + rows.threshold / 100)),
        (rows.relative_to == "baseline-fall-percent", rows.earlier_high * (1 - rows.threshold / 100)),
        (rows.relative_to == "previous-fall-percent", rows.low_1 * (1 - rows.threshold / 100)),
    )
    rows = rows.mutate(downward=downward, bound=bound)
    crossed = ibis.cases(
        (rows.comparison == "below", rows.low < rows.bound),
        (rows.comparison == "at-most", rows.low <= rows.bound),
        (rows.comparison == "above", rows.high > rows.bound),
        (rows.comparison == "at-least", rows.high >= rows.bound),
    )
    met = rows.filter(crossed)
    per = ["patient_id", "analyte", "downward"]
    worst = ibis.window(group_by=per, order_by=["action_rank", "urgency_rank", "threshold", *TIES])
    met = met.mutate(
        place=ibis.row_number().over(worst),
        most_urgent=met.urgency_rank.min().over(ibis.window(group_by=per)),
    )
    met = met.filter(met.place == 0)
    not_begun = (met.status == "planned") & met.action.isin(["stop", "withhold", "reduce"])
    return findings(
        met,
        "limits",
        code=met.downward.ifelse("limit_low", "limit_high"),
        action=not_begun.ifelse("do-not-start", met.action),
        urgency=urgency_of(met.most_urgent),
        subject=met.analyte,
        value=met.downward.ifelse(met.shown_low, met.shown_high),
        text=met.downward.ifelse(met.comparator_low, met.comparator_high),
        unit=met.unit,
        on=met.taken_on,
        comparison=met.comparison,
        limit_value=met.bound,
        limit_unit=met.unit,
        a=met.relative_to,
        b=number(met.threshold),
        c=met.note,
        sources=cite(met),
    )


def unknowable(person: Table, latest: Table, readings: Table, history: Table) -> Table:
    """Results whose limit is measured from something unknown: the laboratory's normal, or an earlier value."""
    rows = _with_earlier(_with_limits(person, _may_be_unknown(latest)), readings)
    rows = rows.left_join(history.select(*OF_ONE, "low_1"), OF_ONE).drop("patient_id_right", "analyte_right")
    # The kidneys are judged by the eGFR where creatinine has nothing to be compared with.
    filtered = latest.filter(latest.analyte == "egfr").select("patient_id", filtered_day="day")
    rows = rows.left_join(filtered, "patient_id").drop("patient_id_right")
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
    first = ibis.window(group_by=["patient_id", "analyte"], order_by=["threshold", *TIES])
    rows = rows.mutate(place=ibis.row_number().over(first))
    rows = rows.filter(rows.place == 0)
    return findings(
        rows,
        "limits",
        code=rows.no_normal.ifelse("reference_range_missing", "earlier_value_missing"),
        action="review",
        urgency="routine",
        subject=rows.analyte,
        value=rows.shown_high,
        unit=rows.unit,
        on=rows.taken_on,
        a=number(rows.threshold),
        sources=cite(rows),
    )


def _may_cross(latest: Table) -> Table:
    """The results that some protocol's limit might be about: most are inside all of them, and are left out at once."""
    limits = knowledge("protocol_limits")
    downward = limits.comparison.isin(["below", "at-most"])
    absolute = limits.relative_to == "absolute"
    uln, lln = limits.relative_to == "upper-limit-of-normal", limits.relative_to == "lower-limit-of-normal"
    reach = limits.group_by("analyte").agg(
        low=limits.value.max(where=downward & absolute),
        high=limits.value.min(where=~downward & absolute),
        low_of_lln=limits.value.max(where=downward & lln),
        high_of_lln=limits.value.min(where=~downward & lln),
        low_of_uln=limits.value.max(where=downward & uln),
        high_of_uln=limits.value.min(where=~downward & uln),
        compared=(~absolute & ~uln & ~lln).any(),
    )
    rows = latest.inner_join(reach.rename(reach_low="low", reach_high="high"), "analyte")
    near = ibis.or_(
        rows.low <= rows.reach_low,
        rows.high >= rows.reach_high,
        rows.low <= rows.low_of_lln * rows.lln,
        rows.high >= rows.high_of_lln * rows.lln,
        rows.low <= rows.low_of_uln * rows.uln,
        rows.high >= rows.high_of_uln * rows.uln,
        rows.compared,
    )
    return rows.filter(near.fill_null(False)).select(latest.columns)


def _may_be_unknown(latest: Table) -> Table:
    """The results without the laboratory's limits, and those whose limit is measured from an earlier value."""
    limits = knowledge("protocol_limits")
    earlier = limits.relative_to.startswith("baseline-") | (limits.relative_to == "previous-fall-percent")
    compared = limits.filter(earlier).select("analyte").distinct()
    return latest.filter(latest.uln.isnull() | latest.lln.isnull() | latest.analyte.isin(compared.analyte))


def _with_limits(person: Table, latest: Table) -> Table:
    treated = person.filter(person.status.isin(["on", "planned"])).select(
        "patient_id", "protocol", "protocol_known", "family", "status"
    )
    limits = knowledge("protocol_limits").rename(threshold="value")
    rows = latest.inner_join(treated, "patient_id")
    rows = rows.inner_join(limits, ["protocol", "analyte"])
    return rows.filter(applies(rows, rows.family) | ~rows.protocol_known)


def _with_earlier(rows: Table, readings: Table) -> Table:
    """Adds the lowest and highest earlier value that a rise or fall is measured from."""
    relative = rows.filter(rows.relative_to.startswith("baseline-"))
    relative = relative.select("patient_id", "analyte", "day", "within_days").distinct()
    past = readings.filter(readings.problem.isnull())
    past = past.select(
        "patient_id", "analyte", past_day=day_number(past.taken_on), past_low=low_end(past), past_high="measured"
    )
    pairs = relative.inner_join(past, ["patient_id", "analyte"])
    pairs = pairs.filter(
        (pairs.past_day < pairs.day) & (pairs.within_days.isnull() | (pairs.past_day >= pairs.day - pairs.within_days))
    )
    earlier = pairs.group_by(["patient_id", "analyte", "within_days"]).agg(
        earlier_low=pairs.past_low.min(), earlier_high=pairs.past_high.max()
    )
    earlier = earlier.mutate(window=earlier.within_days.fill_null(-1.0)).drop("within_days")
    rows = rows.mutate(window=rows.within_days.fill_null(-1.0))
    return rows.left_join(earlier, ["patient_id", "analyte", "window"]).drop(
        "patient_id_right", "analyte_right", "window_right"
    )
