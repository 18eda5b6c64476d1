"""Whether a number that isn't believed would be severe, if it were one of its test: what can't wait to be asked about.

It is so where the floor would withhold treatment for it. Without the laboratory's range, the floor's numbers for
results without one count.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value
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


def is_too_low(rows: Table, value: Value) -> Value:
    """Whether a value is below what is severe: of something that holds the analyte, too."""
    return surely(value < rows.severe_low)


def is_too_high(rows: Table, value: Value) -> Value:
    """Whether a value is above what is severe, by the laboratory's range where there is one."""
    by_range = surely(value > rows.severe_times * rows.uln)
    without = rows.uln.isnull() & surely(value >= rows.severe_without_range)
    return surely(value > rows.severe_high) | by_range | without


def with_severity(rows: Table, low: Value, high: Value) -> Table:
    """Adds `severe_as_given` and `critical` to results with a problem; each is at least `low` and at most `high`.

    What holds the analyte among others is never less than it: too few of all are too few of it. A share says nothing,
    unless it has the unit of a count, or comes to a count with the white cells of its day.
    """
    other = surely(rows.doubt.isin(["ratio", "glycated", "bands", "part", "other"]))
    group = surely(rows.doubt == "group")
    rows = beside(rows.mutate(worst_low=low, worst_high=high), bounds(), "analyte")
    too_low = is_too_low(rows, rows.worst_low) | is_too_low(rows, rows.comes_to)
    severe = ~other & (too_low | (~group & is_too_high(rows, rows.worst_high)))
    return rows.mutate(severe_as_given=severe, critical=is_critical(rows)).drop("worst_low", "worst_high")
