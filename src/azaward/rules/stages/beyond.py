"""The last results beyond a limit of each person's protocol: a row for each limit that a result is beyond."""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.limit import downward, of
from azaward.rules.language.tables import day_number, knowledge
from azaward.rules.language.words import OF_ONE, beside, for_their_specialty, surely, treated
from azaward.rules.stages.lab import low_end

NORMAL = ("upper-limit-of-normal", "lower-limit-of-normal")


def beyond(person: Table, latest: Table, readings: Table, history: Table) -> Table:
    """Everyone who takes a thiopurine or is about to: `bound` is the limit as a value in the unit of the result."""
    rows = with_limits(person, _may_cross(latest))
    rows = with_earlier(rows, readings)
    rows = beside(rows, history.select(*OF_ONE, "low_1"), OF_ONE)
    rows = rows.mutate(downward=downward(rows.comparison), bound=_bound(rows))
    return rows.filter(of(rows, rows.bound).met_by(rows.low, rows.high))


def _bound(rows: Table) -> Value:
    """A protocol's number as a value in the unit of the result, whatever it is relative to."""
    rise, fall = 1 + rows.threshold / 100, 1 - rows.threshold / 100
    return ibis.cases(
        (rows.relative_to == "absolute", rows.threshold),
        (rows.relative_to == NORMAL[0], rows.threshold * rows.uln),
        (rows.relative_to == NORMAL[1], rows.threshold * rows.lln),
        (rows.relative_to == "baseline-rise-percent", rows.earlier_low * rise),
        (rows.relative_to == "baseline-fall-percent", rows.earlier_high * fall),
        (rows.relative_to == "previous-fall-percent", rows.low_1 * fall),
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


def with_limits(person: Table, latest: Table) -> Table:
    """Results with each limit that the person's protocol sets for them; its number is `threshold`."""
    people = treated(person, "protocol_known", "family", "status", "started_day", "indication")
    rows = latest.inner_join(people, "patient_id")
    limits = knowledge("protocol_limits").rename(threshold="value")
    return for_their_specialty(rows.inner_join(limits, ["protocol", "analyte"]))


def with_earlier(rows: Table, readings: Table) -> Table:
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
