"""Where on a page does each result, limit, dose and event of a patient stand?

For the timeline of the clinic's and the patient's pages: one axis of days shared by all panels, and every place
worked out here. templates/chart.html.jinja turns it into a figure; what is drawn comes from reports/series.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from azaward.reports.series import GROUPS, Limit, Point, Series, Timeline, round_values
from azaward.reports.words import MONTHS, long_day, normal_range, pretty_unit
from azaward.web.shared.chart_axis import (
    BOTTOM,
    FAR_TOP,
    TOP,
    Axis,
    Scale,
    Tick,
    Zoom,
    day_ticks,
    ends_of,
    window,
    zooms,
)
from azaward.web.shared.chart_course import Band, Flag, dose_bands, flags
from azaward.wording import Words, amount

LABEL_GAP = 14.0
# Figures written above the scale stay this far apart, in thousandths of the width.
FAR_GAP = 110.0
DECISIVE = ("stop", "withhold", "do-not-start")
_ACTS = {"below": "below", "at-most": "at or below", "above": "above", "at-least": "at or above"}
_GLYPHS = {"<": "under", ">": "over"}


class Dot(NamedTuple):
    """One result: its place, its shape (plain, under, over, found), the day since the axis begins, and its words.

    `beyond` is the figure to write beside it where it lies off the scale.
    """

    x: float
    y: float
    shape: str
    hollow: bool
    day: int
    words: str
    beyond: str


class LimitLine(NamedTuple):
    """A limit at its value's height, and the height of its label, moved off its neighbours'."""

    y: float
    label_y: float
    label: str
    why: str
    decisive: bool


class Cell(NamedTuple):
    """What the table says for one analyte on one day."""

    text: str
    found: bool


class Row(NamedTuple):
    """One day of a group's table, a cell an analyte."""

    label: str
    cells: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Panel:
    """One analyte, drawn: `latest` is what the last day in view gave, `newer` the newest after it."""

    analyte: str
    name: str
    unit: str
    height: float
    line: str
    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]
    limits: tuple[LimitLine, ...]
    normal: tuple[float, float] | None
    normal_words: str
    latest: tuple[Cell, ...]
    latest_on: str
    newer: tuple[Cell, ...]
    newer_on: str
    outside: int
    words: str


@dataclass(frozen=True)
class Group:
    """Panels that belong together, and the same results as a table, newest day first."""

    name: str
    panels: tuple[Panel, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Chart:
    """A timeline with every place worked out, from `first` to `last` of what is known from `begin` to `end`."""

    first: dt.date
    last: dt.date
    begin: dt.date
    end: dt.date
    plain: bool
    title: str
    span: str
    days: tuple[Tick, ...]
    drug: str
    doses: tuple[Band, ...]
    dose_now: str
    dose_words: str
    flags: tuple[Flag, ...]
    groups: tuple[Group, ...]
    zooms: tuple[Zoom, ...]
    shown: int
    outside: int
    older: int
    decisive: bool
    cautious: bool
    found: bool
    compared: bool
    far: bool


def chart(
    timeline: Timeline,
    first: dt.date | None = None,
    last: dt.date | None = None,
    plain: bool = False,
    words: Words | None = None,
) -> Chart:
    """The timeline between two days (the whole of it where they are None), ready for its template.

    Days beyond what is known are brought back to it, and two days in the wrong order change places. `plain` draws
    the patient's own page and needs `words` for the names that patients use.

    >>> on = [dt.date(2026, 1, 1), dt.date(2026, 3, 1), dt.date(2026, 5, 1)]
    >>> points = tuple(Point(day, 4.0, None, False) for day in on)
    >>> one = Series("wbc", "White cell count", "10*9/L", points, (Limit("below", 3.5, "withhold", ""),), (4, 11))
    >>> drawn = chart(Timeline(on[0], on[2], (one,), 0, "azathioprine", (), ()), dt.date(2026, 2, 1))
    >>> drawn.shown, drawn.outside, [limit.label for limit in drawn.groups[0].panels[0].limits]
    (2, 1, ['<3.5 withhold'])
    """
    if plain and words is None:
        raise ValueError("chart: plain=True needs words (azaward.wording.Words), the names that patients use")
    axis = window(timeline, first, last)
    names = {
        series.analyte: words.name(series.analyte)[1] if plain and words else series.name for series in timeline.series
    }
    panels = {
        series.analyte: _panel(series, _first_upper(names[series.analyte]), axis, plain) for series in timeline.series
    }
    groups: list[Group] = []
    for name, analytes in GROUPS:
        held = [series for series in timeline.series if series.analyte in analytes]
        if held:
            label = "Medicine levels" if plain and name == "Metabolites" else name
            drawn = tuple(panels[series.analyte] for series in held)
            groups.append(Group(label, drawn, _rows(held, axis)))
    every = [panel for group in groups for panel in group.panels]
    bands, now, said = dose_bands(timeline, axis, plain)
    return Chart(
        first=axis.first,
        last=axis.last,
        begin=timeline.first,
        end=timeline.last,
        plain=plain,
        title="Your results over time" if plain else "Results, doses and events",
        span=f"{long_day(axis.first)} to {long_day(axis.last)}",
        days=day_ticks(axis),
        drug=_first_upper(timeline.drug),
        doses=bands,
        dose_now=now,
        dose_words=said,
        flags=flags(timeline, axis),
        groups=tuple(groups),
        zooms=zooms(timeline, axis),
        shown=sum(len(panel.dots) for panel in every),
        outside=sum(panel.outside for panel in every),
        older=timeline.older,
        decisive=any(limit.decisive for panel in every for limit in panel.limits),
        cautious=any(not limit.decisive for panel in every for limit in panel.limits),
        found=any(dot.shape == "found" for panel in every for dot in panel.dots),
        compared=any(dot.hollow for panel in every for dot in panel.dots),
        far=any(dot.beyond for panel in every for dot in panel.dots),
    )


def _short_day(day: dt.date) -> str:
    return f"{day.day} {MONTHS[day.month - 1][:3]} {day.year}"


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _panel(series: Series, name: str, axis: Axis, plain: bool) -> Panel:
    points = [point for point in series.points if axis.holds(point.on)]
    newer = [point for point in series.points if point.on > axis.last]
    outermost = _outermost(series.limits) if plain else series.limits
    low, high = ends_of([point.value for point in points], outermost, series.normal)
    top = FAR_TOP if any(point.value > high for point in points) else TOP
    height = max(150.0 if plain else 92.0, LABEL_GAP * len(outermost) + TOP + BOTTOM) + top - TOP
    scale = Scale(low, high, height, top)
    unit = pretty_unit(series.unit)
    limits = _limits(outermost, scale, plain)
    normal = [end for end in series.normal if end is not None]
    within = (series.normal[0] or low, high if series.normal[1] is None else series.normal[1])
    band = (scale.y(within[1]), scale.y(max(within[0], low))) if normal and within[0] < within[1] else None
    outside = len(series.points) - len(points)
    return Panel(
        analyte=series.analyte,
        name=name,
        unit=unit,
        height=height,
        line=_line(series.points, axis, scale),
        dots=_dots(points, unit, axis, scale, plain),
        ticks=tuple(Tick(scale.y(tick), f"{tick:g}", "") for tick in round_values(low, high)),
        limits=limits,
        normal=(band[0], round(band[1] - band[0], 2)) if band and band[1] > band[0] else None,
        normal_words=normal_range(series.normal) if normal else "",
        latest=_on_last_day(points),
        latest_on=long_day(points[-1].on) if points else "",
        newer=_on_last_day(newer),
        newer_on=_short_day(newer[-1].on) if newer else "",
        outside=outside,
        words=_describe(name, unit, points, outside, [limit.label for limit in limits], series.normal, plain),
    )


def _outermost(limits: Sequence[Limit]) -> tuple[Limit, ...]:
    """The limits that a falling and a rising value meet first: at those the clinic begins to act."""
    low = [limit for limit in limits if limit.comparison in ("below", "at-most")]
    high = [limit for limit in limits if limit.comparison in ("above", "at-least")]
    return (*low[-1:], *high[:1])


def _limits(limits: Sequence[Limit], scale: Scale, plain: bool) -> tuple[LimitLine, ...]:
    """Each limit at its height; labels that would touch are moved apart, the lowest first."""
    heights = [scale.y(limit.value) for limit in limits]
    placed: list[float] = []
    for height in heights:
        placed.append(min(height, placed[-1] - LABEL_GAP) if placed else min(height, scale.height - 4))
    placed = [max(height, 6 + LABEL_GAP * (len(placed) - 1 - at)) for at, height in enumerate(placed)]
    labels = [
        f"your clinic acts {_ACTS.get(limit.comparison, 'at')} {amount(limit.value)}" if plain else limit.label
        for limit in limits
    ]
    lines = zip(limits, heights, placed, labels, strict=True)
    return tuple(
        LimitLine(height, round(at, 2), label, "" if plain else limit.why, not plain and limit.action in DECISIVE)
        for limit, height, at, label in lines
    )


def _line(points: Sequence[Point], axis: Axis, scale: Scale) -> str:
    """The line through the results in view, and on to the next one on either side of it."""
    inside = [place for place, point in enumerate(points) if axis.holds(point.on)]
    before = [place for place, point in enumerate(points) if point.on < axis.first]
    start = inside[0] if inside else len(before)
    stop = inside[-1] + 1 if inside else len(before)
    drawn = points[max(start - 1, 0) : stop + 1]
    return " ".join(f"{axis.x(point.on):g},{scale.y(point.value):g}" for point in drawn) if len(drawn) > 1 else ""


def _dots(points: Sequence[Point], unit: str, axis: Axis, scale: Scale, plain: bool) -> tuple[Dot, ...]:
    dots: list[Dot] = []
    head = -1
    for place, point in enumerate(points):
        glyph = _GLYPHS.get((point.comparator or "")[:1], "")
        far = point.value > scale.high
        shape = "found" if point.found else "over" if far else glyph or "plain"
        text = amount(point.value, point.comparator)
        x = axis.x(point.on)
        said = f"{long_day(point.on)}: {f'{text} {unit}'.strip()}"
        said += f", {'spoken of in your plan' if plain else 'with a finding'}" if point.found else ""
        said += ", off the scale" if far else ""
        dot = Dot(x, scale.y(point.value), shape, bool(glyph), (point.on - axis.first).days, said, text if far else "")
        # Where figures above the scale would touch, the highest is written.
        if far and head >= 0 and x - dots[head].x < FAR_GAP:
            if point.value > points[head].value:
                dots[head] = dots[head]._replace(beyond="")
                head = place
            else:
                dot = dot._replace(beyond="")
        elif far:
            head = place
        dots.append(dot)
    return tuple(dots)


def _describe(
    name: str,
    unit: str,
    points: Sequence[Point],
    outside: int,
    limits: Sequence[str],
    normal: tuple[float | None, float | None],
    plain: bool,
) -> str:
    """The panel in a sentence or two, for those who can't see it."""
    named = f"{name}{f' in {unit}' if unit else ''}"
    if not points:
        said = f"{named}: no result in these days."
    else:
        ordered = sorted(points, key=lambda point: point.value)
        low, high = (amount(point.value, point.comparator) for point in (ordered[0], ordered[-1]))
        last = " and ".join(cell.text for cell in _on_last_day(points))
        with_finding = sum(point.found for point in points)
        count = f"{len(points)} result{'s' if len(points) > 1 else ''}"
        said = f"{named}: {count}, last {last} on {long_day(points[-1].on)}"
        said += f", lowest {low}, highest {high}" if len(points) > 1 else ""
        said += f", {with_finding} {'spoken of in your plan' if plain else 'with a finding'}." if with_finding else "."
    said += f" Normal range {normal_range(normal)}." if normal != (None, None) else " No normal range was given."
    said += f" Limits drawn: {'; '.join(limits)}." if limits else " No limit to draw."
    return said + (f" {outside} more outside these days." if outside else "")


def _cell(point: Point) -> Cell:
    return Cell(amount(point.value, point.comparator), point.found)


def _on_last_day(points: Sequence[Point]) -> tuple[Cell, ...]:
    return tuple(_cell(point) for point in points if point.on == points[-1].on)


def _rows(group: Sequence[Series], axis: Axis) -> tuple[Row, ...]:
    """A group's results in view as a table, newest day first."""
    by_day: dict[dt.date, list[list[Cell]]] = {}
    for place, series in enumerate(group):
        for point in series.points:
            if axis.holds(point.on):
                cells = by_day.setdefault(point.on, [[] for _ in group])
                cells[place].append(_cell(point))
    return tuple(Row(long_day(day), tuple(map(tuple, by_day[day]))) for day in sorted(by_day, reverse=True))
