"""How does a patient's course look? Results against limits above the steps of the dose, as small inline SVG.

One drawing per series, all with the same time axis, so that the page can lay them out on paper and on a telephone.
What is drawn has classes and no styles: templates/report.css decides the colours, and a strict content security policy
holds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from azaward.reports.series import Limit, Mark, Point, Series, Timeline, round_values
from azaward.reports.words import MONTHS
from azaward.wording import amount

_HOLD = ("stop", "withhold", "do-not-start")
# One panel in points, and the plot inside it: room for the scale, the limits' labels, the dose and the days.
_WIDTH, _HEIGHT = 240.0, 118.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 27.0, 65.0, 12.0, 33.0
_PLOT_W, _PLOT_H = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
_END, _GROUND = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
_GAP, _MARK_ROOM = 9.5, 8.0
# A limit or a normal range beyond this, from a slip of the pen, would leave no room for the results.
_NO_SCALE = 1e9
# From the middle of a line of text down to its baseline.
_HALF_LETTER = 3.0
# Around the place of a result: a dot, below or above a bound, with a finding.
_SHAPES = {
    "plain": "M-1.8 0a1.8 1.8 0 1 0 3.6 0a1.8 1.8 0 1 0-3.6 0z",
    "under": "M-2.1-2.1H2.1L0 2.1z",
    "over": "M-2.1 2.1H2.1L0-2.1z",
    "found": "M0-3.9 3.9 0 0 3.9-3.9 0z",
}


class Panel(NamedTuple):
    """One drawn series: what it shows in words, and its SVG."""

    series: Series
    alt: str
    svg: str


def draw(timeline: Timeline) -> list[Panel]:
    """One panel a series, all on the same days."""
    return [Panel(series, describe(series), _svg(series, timeline)) for series in timeline.series]


def describe(series: Series) -> str:
    """The panel in words, for those who can't see it."""
    values = [point.value for point in series.points]
    last = series.points[-1]
    count = len(values)
    limits = "; ".join(limit.label for limit in series.limits)
    return (
        f"{series.name}, {count} result{'s' if count > 1 else ''} from {series.points[0].on} to {last.on}: lowest "
        f"{amount(min(values))}, highest {amount(max(values))}, last {amount(last.value, last.comparator)}. "
        + (f"Limits drawn: {limits}." if limits else "This protocol sets no limit for this test.")
    )


def _day_ticks(first: dt.date, last: dt.date) -> list[tuple[dt.date, str]]:
    """A few days for the axis, and their labels.

    >>> [label for _, label in _day_ticks(dt.date(2025, 9, 10), dt.date(2026, 11, 23))]
    ['Jan 2026', 'Jul']
    """
    span = (last - first).days
    if span < 120:
        step = next(step for step in (7, 14, 28) if span / step <= 5)
        chosen = [first + dt.timedelta(days=lag) for lag in range(0, span + 1, step)]
        return [(day, f"{day.day} {MONTHS[day.month - 1][:3]}") for day in chosen]
    # A month with its year takes twice the room of a year.
    months = span / 30.4
    step = next(step for step in (1, 2, 3, 6, 12, 24, 60) if months / step <= (5 if step >= 12 else 3.6) or step == 60)
    start, end = first.year * 12 + first.month, last.year * 12 + last.month
    chosen = [dt.date(month // 12, month % 12 + 1, 1) for month in range(-(-start // step) * step, end, step)]
    labels: list[tuple[dt.date, str]] = []
    for place, day in enumerate(chosen):
        month = MONTHS[day.month - 1][:3]
        new_year = place == 0 or day.year != chosen[place - 1].year
        labels.append((day, str(day.year) if step % 12 == 0 else f"{month} {day.year}" if new_year else month))
    return labels


class _Plot:
    """One panel's drawing: days and values become points, and every mark is laid on those before it."""

    def __init__(self, days: tuple[dt.date, dt.date], ends: tuple[float, float]) -> None:
        self._days, self._ends = days, ends
        self._marks: list[str] = []

    def x(self, day: dt.date) -> float:
        first, last = self._days
        return _LEFT + (day - first).days / (last - first).days * _PLOT_W

    def y(self, value: float) -> float:
        low, high = self._ends
        return _GROUND - (value - low) / (high - low) * _PLOT_H

    def line(self, look: str, *points: tuple[float, float]) -> None:
        path = "L".join(f"{x:.6g} {y:.6g}" for x, y in points)
        self._marks.append(f'<path class="{look}" d="M{path}"/>')

    def across(self, look: str, value: float) -> None:
        self.line(look, (_LEFT, self.y(value)), (_END, self.y(value)))

    def box(self, look: str, x: tuple[float, float], y: tuple[float, float]) -> None:
        place = f'x="{x[0]:.6g}" y="{y[0]:.6g}" width="{x[1] - x[0]:.6g}" height="{y[1] - y[0]:.6g}"'
        self._marks.append(f'<rect class="{look}" {place}/>')

    def point(self, look: str, shape: str, x: float, y: float) -> None:
        at = f'transform="translate({x:.6g} {y:.6g})"'
        self._marks.append(f'<path class="{look}" {at} d="{_SHAPES[shape]}"/>')

    def text(self, look: str, x: float, y: float, words: str) -> None:
        self._marks.append(f'<text class="{look}" x="{x:.6g}" y="{y:.6g}">{escape(words)}</text>')

    def svg(self) -> str:
        head = f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" aria-hidden="true" focusable="false">'
        return f"{head}{''.join(self._marks)}</svg>"


def _svg(series: Series, timeline: Timeline) -> str:
    values = [point.value for point in series.points]
    limits = [limit for limit in series.limits if abs(limit.value) < _NO_SCALE]
    normal_low, normal_high = (None if end is None or abs(end) >= _NO_SCALE else end for end in series.normal)
    reached = [*values, *(limit.value for limit in limits)]
    reached += [end for end in (normal_low, normal_high) if end is not None]
    low, high = min(reached), max(reached)
    # The axis starts at zero when values come near it. Otherwise a cell volume or a haemoglobin would look flat.
    floor = 0.0 if low < high * 0.6 else low - max(high - low, high * 0.1) * 0.4
    ceiling = high + (high - floor) * 0.08 if high > floor else floor + 1
    plot = _Plot((timeline.first, timeline.last), (floor, ceiling))
    if normal_low is not None or normal_high is not None:
        ends = max(normal_low or 0, floor), ceiling if normal_high is None else min(normal_high, ceiling)
        if ends[0] < ends[1]:
            plot.box("normal", (_LEFT, _END), (plot.y(ends[1]), plot.y(ends[0])))
    for tick in round_values(floor, ceiling, about=4):
        plot.across("hair", tick)
        plot.text("right", _LEFT - 4, plot.y(tick) + _HALF_LETTER, f"{tick:g}")
    for day, label in _day_ticks(timeline.first, timeline.last):
        plot.text("middle", plot.x(day), _GROUND + 29, label)
    _marks(plot, timeline.marks)
    _limit_lines(plot, limits)
    plot.line("course", *((plot.x(point.on), plot.y(point.value)) for point in series.points))
    _points(plot, series.points)
    _dose_track(plot, timeline)
    return plot.svg()


def _points(plot: _Plot, points: Sequence[Point]) -> None:
    """The results as they were measured, those with a finding on top of the others."""
    for point in sorted(points, key=lambda point: point.found):
        bound = {"<": "under", ">": "over"}.get((point.comparator or "")[:1], "plain")
        shape = "found" if point.found else bound
        plot.point(f"point {shape}", shape, plot.x(point.on), plot.y(point.value))


def _limit_lines(plot: _Plot, limits: Sequence[Limit]) -> None:
    """Each limit as a line with its label at the right, labels moved apart where lines are close."""
    heights = [plot.y(limit.value) for limit in limits]
    placed: list[float] = []
    for height in heights:
        placed.append(min(height, placed[-1] - _GAP) if placed else height)
    placed = [max(height, _TOP + _GAP * (len(placed) - 1 - place)) for place, height in enumerate(placed)]
    for limit, height, label in zip(limits, heights, placed, strict=True):
        look = "hold" if limit.action in _HOLD else "watch"
        plot.across(f"limit {look}", limit.value)
        plot.line(f"lead {look}", (_END, height), (_END + 4, label))
        plot.text(look, _END + 5.5, label + _HALF_LETTER, limit.label)


def _marks(plot: _Plot, marks: Sequence[Mark]) -> None:
    """A dotted line on each day on which something happened, with its number above."""
    free = float("-inf")
    for mark in marks:
        at = plot.x(mark.on)
        plot.line("mark", (at, _GROUND), (at, _TOP))
        # Where two days nearly touch, one number stands for both lines; the list below has them all.
        if at - free >= _MARK_ROOM:
            free = at
            plot.text("middle small", at, _TOP - 1.5, str(mark.number))


def _dose_track(plot: _Plot, timeline: Timeline) -> None:
    """The daily dose as a shaded strip between the plot and its days."""
    base, room = _GROUND + 18, 12
    highest = max((step.mg or 0 for step in timeline.doses), default=0) or 1
    shown = [step for step in timeline.doses if step.end >= timeline.first]
    for step in shown:
        ends = (plot.x(max(step.start, timeline.first)), plot.x(min(step.end, timeline.last)))
        height = room * (0.3 if step.mg is None else step.mg / highest)
        plot.box("dose unknown" if step.mg is None else "dose", ends, (base - height, base))
    if shown and shown[-1].end > timeline.last:
        mg = shown[-1].mg
        label = "dose not known" if mg is None else f"{amount(mg)} mg a day"
    else:
        label = "no dose now" if timeline.doses else "not begun"
    plot.text("", _END + 5.5, base, label)
