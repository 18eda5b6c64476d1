"""Which days does the timeline of a page show, and what stands on its scales?

The axis of days that all panels share, its labels and those of a scale, and the ways to see other days.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import NamedTuple

from azaward.reports.series import Limit, Timeline
from azaward.reports.words import MONTHS

# Across, a place is in thousandths of the plot's width, so that one drawing serves every width.
WIDE = 1000.0
SHORTEST_DAYS = 7
ZOOMS = (("3 months", 91), ("1 year", 365))

# Down, places are in pixels: room above and below the scale, and above it where something is off the scale.
TOP, BOTTOM, FAR_TOP = 8.0, 8.0, 26.0
# A value this many times higher than everything it is compared with stands at the edge with its figure written,
# since a scale that held it would flatten the rest.
FAR = 4.0


class Tick(NamedTuple):
    """A line of a scale: its place, its label, and the label where there is little room ('' for none there)."""

    at: float
    label: str
    short: str


class Zoom(NamedTuple):
    """A way to see other days: `days` is None where it leads nowhere from here."""

    label: str
    days: tuple[dt.date, dt.date] | None
    current: bool
    whole: bool


class Axis(NamedTuple):
    """The days in view, both ends in it."""

    first: dt.date
    last: dt.date

    def x(self, day: dt.date) -> float:
        """Where a day stands, in thousandths of the width."""
        return round((day - self.first).days / (self.last - self.first).days * WIDE, 2)

    def holds(self, day: dt.date) -> bool:
        """Whether a day is in view."""
        return self.first <= day <= self.last


class Scale(NamedTuple):
    """Values from `low` to `high` in a drawing of `height` pixels; what is higher stands at the top."""

    low: float
    high: float
    height: float
    top: float

    def y(self, value: float) -> float:
        """How far down a value stands, in pixels."""
        share = (min(value, self.high) - self.low) / (self.high - self.low)
        return round(self.top + (1 - share) * (self.height - self.top - BOTTOM), 2)


def window(timeline: Timeline, first: dt.date | None, last: dt.date | None) -> Axis:
    """The days asked for, brought back to those that are known and put in order; never less than a week."""
    begin, end = timeline.first.toordinal(), timeline.last.toordinal()
    begin = max(min(begin, end - SHORTEST_DAYS), 1)
    ends = sorted((first.toordinal() if first else begin, last.toordinal() if last else end))
    low, high = (min(max(day, begin), end) for day in ends)
    if high - low < SHORTEST_DAYS:
        low = max(min(low, high - SHORTEST_DAYS), begin)
        high = low + SHORTEST_DAYS
    return Axis(dt.date.fromordinal(low), dt.date.fromordinal(high))


def zooms(timeline: Timeline, axis: Axis) -> tuple[Zoom, ...]:
    """Earlier, the usual lengths up to the last day in view, all, later."""
    whole = window(timeline, None, None)
    length = axis.last - axis.first

    def to(label: str, first: dt.date, last: dt.date) -> Zoom:
        view = window(timeline, first, last)
        same = view == axis
        return Zoom(label, None if same else (view.first, view.last), same, view == whole)

    earlier = max(axis.first - length, whole.first) if axis.first > whole.first else axis.first
    later = min(axis.last + length, whole.last) if axis.last < whole.last else axis.last
    sizes = [
        to(label, axis.last - dt.timedelta(days=days), axis.last)
        for label, days in ZOOMS
        if days < (whole.last - whole.first).days
    ]
    return (
        to("Earlier", earlier, earlier + length)._replace(current=False),
        *sizes,
        to("All", whole.first, whole.last),
        to("Later", later - length, later)._replace(current=False),
    )


def day_ticks(axis: Axis) -> tuple[Tick, ...]:
    """Days, months or years for the axis; the year stands where it is new.

    >>> [(tick.label, tick.short) for tick in day_ticks(Axis(dt.date(2025, 9, 10), dt.date(2026, 6, 23)))]
    [('Nov 2025', 'Nov 2025'), ('Jan 2026', ''), ('Mar', 'Mar 2026'), ('May', '')]
    """
    span = (axis.last - axis.first).days
    if span < 120:
        step = next(step for step in (1, 2, 7, 14, 28) if span / step <= 7)
        chosen = [axis.first + dt.timedelta(days=lag) for lag in range(0, span + 1, step)]
        names = [f"{day.day} {MONTHS[day.month - 1][:3]}" for day in chosen]
    else:
        months = span / 30.4
        step = next(step for step in (1, 2, 3, 6, 12, 24) if months / step <= 7 or step == 24)
        start, end = axis.first.year * 12 + axis.first.month - 1, axis.last.year * 12 + axis.last.month - 1
        first = start if axis.first.day == 1 else start + 1
        chosen = [dt.date(month // 12, month % 12 + 1, 1) for month in range(-(-first // step) * step, end + 1, step)]
        names = ["" if step % 12 == 0 else MONTHS[day.month - 1][:3] for day in chosen]
    every = max(math.ceil(len(chosen) / 3), 1)
    ticks: list[Tick] = []
    year = short_year = 0
    for place, (day, name) in enumerate(zip(chosen, names, strict=True)):
        x = axis.x(day)
        label = f"{name} {day.year}".strip() if day.year != year else name
        year = day.year
        short = ""
        if place % every == 0 and x < WIDE * 0.9:
            short = f"{name} {day.year}".strip() if day.year != short_year else name
            short_year = day.year
        ticks.append(Tick(x, label or str(day.year), short))
    return tuple(ticks)


def ends_of(
    values: Sequence[float], limits: Sequence[Limit], normal: tuple[float | None, float | None]
) -> tuple[float, float]:
    """The lowest and highest value of a scale: it holds every limit, and every result that isn't far off."""
    compared = [*(limit.value for limit in limits), *(end for end in normal if end is not None)]
    usual = max([*compared, sorted(values)[len(values) // 2] if values else 0.0])
    held = [value for value in values if usual <= 0 or value <= usual * FAR]
    reached = [*held, *compared]
    low, high = min(reached, default=0.0), max(reached, default=1.0)
    floor = 0.0 if low < high * 0.6 else low - max(high - low, high * 0.1) * 0.4
    return floor, high + (high - floor) * 0.08 if high > floor else floor + 1


def joined_labels(places: Sequence[float], numbers: Sequence[int], gap: float) -> list[str]:
    """A number a line; where the next ones would touch it, the first line carries them all.

    >>> joined_labels([100, 110, 500], [1, 2, 3], gap=40)
    ['1–2', '', '3']
    """
    labels: list[str] = []
    head = -1
    for place, (x, number) in enumerate(zip(places, numbers, strict=True)):
        if head >= 0 and x - places[head] < gap:
            labels[head] = f"{numbers[head]}–{number}"
            labels.append("")
        else:
            head = place
            labels.append(str(number))
    return labels
