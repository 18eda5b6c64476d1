"""Whether a number that isn't believed would be severe, if it were one of its test: what can't wait to be asked about.

It is so where the floor would withhold treatment for it. Without the laboratory's range, the floor's numbers for
results without one count.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.limit import downward
from azaward.rules.language.tables import knowledge
from azaward.rules.language.words import beside, surely
from azaward.terms import Action

CRITICAL = ("LL", "HH", "AA")
# The marks that are understood; any other stands there as the laboratory wrote it.
KNOWN_FLAGS = (*CRITICAL, "L", "H", "A", "N", "<", ">", "other")


def is_critical(rows: Table) -> Value:
    """Whether the laboratory's mark says critical: off the scale is so on the side on which the test can be severe."""
    low = rows.severe_low.notnull()
    high = rows.severe_high.notnull() | rows.severe_without_range.notnull() | rows.severe_times.notnull()
    return surely(rows.flag.isin(CRITICAL) | ((rows.flag == "<") & low) | ((rows.flag == ">") & high))


def bounds() -> Table:
    """For each analyte the mildest numbers that the floor withholds treatment for."""
    floor = knowledge("floor")
    floor = floor.filter((floor.action == Action.WITHHOLD) & floor.sign.isnull())
    down = downward(floor.comparison)
    absolute, no_range = floor.relative_to == "absolute", floor.relative_to == "no-limit-given"
    return floor.group_by("analyte").agg(
        severe_low=floor.value.max(where=down & absolute),
        severe_high=floor.value.min(where=~down & absolute),
        severe_without_range=floor.value.min(where=~down & no_range),
        severe_times=floor.value.min(where=~down & (floor.relative_to == "upper-limit-of-normal")),
    )


def edges() -> Table:
    """For each analyte the numbers that any protocol or the floor asks anything from: what is inside is plain."""
    columns = ("analyte", "value", "comparison", "relative_to")
    floor = knowledge("floor")
    limits = ibis.union(
        knowledge("protocol_limits").select(*columns), floor.filter(floor.sign.isnull()).select(*columns)
    )
    down = downward(limits.comparison)
    fixed = limits.relative_to.isin(["absolute", "no-limit-given"])
    return limits.group_by("analyte").agg(
        edge_low=limits.value.max(where=down & fixed),
        edge_high=limits.value.min(where=~down & fixed),
        edge_lln=limits.value.max(where=down & (limits.relative_to == "lower-limit-of-normal")),
        edge_uln=limits.value.min(where=~down & (limits.relative_to == "upper-limit-of-normal")),
    )


def is_inside(rows: Table, low: Value, high: Value) -> Value:
    """Whether a value is inside every number that does without the laboratory's range."""
    return ~(surely(low <= rows.edge_low) | surely(high >= rows.edge_high))


def is_safe_sign(rows: Table) -> Value:
    """Whether the sign before a number leaves open only what is better: an eGFR above it, a bilirubin below it."""
    above = (rows.worse == "low") & rows.comparator.isin([">", ">="])
    return surely(above | ((rows.worse == "high") & rows.comparator.isin(["<", "<="])))


def _is_plain(rows: Table, low: Value, high: Value) -> Value:
    """Whether a value is inside whatever could be asked about, with the laboratory's range where that decides."""
    upper = rows.edge_uln.isnull() | surely(high < rows.edge_uln * rows.uln) | is_safe_sign(rows)
    lower = rows.edge_lln.isnull() | surely(low > rows.edge_lln * rows.lln) | rows.lln.isnull()
    known = rows.measured.notnull() & (rows.edge_low.notnull() | rows.edge_high.notnull() | rows.edge_uln.notnull())
    return known & is_inside(rows, low, high) & upper & lower


def is_too_low(rows: Table, value: Value) -> Value:
    """Whether a value is below what is severe: of something that holds the analyte, too."""
    return surely(value < rows.severe_low)


def is_too_high(rows: Table, value: Value) -> Value:
    """Whether a value is above what is severe, by the laboratory's range where there is one."""
    by_range = surely(value > rows.severe_times * rows.uln)
    without = rows.uln.isnull() & surely(value >= rows.severe_without_range)
    return surely(value > rows.severe_high) | by_range | without


def with_severity(rows: Table, low: Value, high: Value) -> Table:
    """Adds `severe_as_given`, `plain` and `critical` to results with a problem, each between `low` and `high`.

    What holds the analyte among others is never less than it: too few of all are too few of it. A share says nothing,
    unless it has the unit of a count, or comes to a count with the white cells of its day.
    """
    other = surely(rows.doubt.isin(["ratio", "glycated", "bands", "part", "other"]))
    group = surely(rows.doubt == "group")
    rows = beside(beside(rows.mutate(worst_low=low, worst_high=high), bounds(), "analyte"), edges(), "analyte")
    too_low = is_too_low(rows, rows.worst_low) | is_too_low(rows, rows.comes_to)
    severe = ~other & (too_low | (~group & is_too_high(rows, rows.worst_high)))
    plain = _is_plain(rows, rows.worst_low, rows.worst_high)
    return rows.mutate(severe_as_given=severe, plain=plain, critical=is_critical(rows)).drop("worst_low", "worst_high")
