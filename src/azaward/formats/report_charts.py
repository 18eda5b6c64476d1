"""How does a patient's course look? Results against limits above the steps of the dose, as small inline SVG.

Drawn with matplotlib (the extra `report`), one figure a patient, then cut into one piece a panel so that the
page can lay them out on paper and on a telephone. Styles become classes, so that a page's style sheet decides
the colours and a strict content security policy holds.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from azaward.formats.report_series import Limit, Mark, Series, Timeline
from azaward.formats.report_words import MONTHS
from azaward.wording import amount

# The colours that matplotlib writes; the page's style sheet gives each its own by light, dark and paper.
COLOURS = {
    "line": "#1f5673",
    "ink": "#1c2733",
    "muted": "#55636f",
    "hair": "#d5dce1",
    "hold": "#9b1c1c",
    "watch": "#7a5200",
    "dose": "#b9cbd6",
    "normal": "#eef3ea",
    "paper": "#ffffff",
}
_HOLD = ("stop", "withhold", "do-not-start")
# One panel in points, and the plot inside it: room for the scale, the limits' labels, the dose and the days.
_WIDTH, _HEIGHT = 240.0, 118.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 27.0, 65.0, 12.0, 33.0
_PLOT_W, _PLOT_H = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
_END = _WIDTH - _RIGHT
_SMALL, _GAP, _MARK_ROOM = 9.0, 9.5, 8.0
_HREF = "{http://www.w3.org/1999/xlink}href"


class MissingPencilError(ImportError):
    """matplotlib is not installed; the report comes without charts and says so."""


class Panel(NamedTuple):
    """One drawn series: what it shows in words, and its SVG."""

    series: Series
    alt: str
    svg: str


class Pencil:
    """Draws patient after patient; `css` holds the classes that their pieces of SVG share."""

    def __init__(self) -> None:
        try:
            import matplotlib as mpl
            from matplotlib.backends.backend_svg import FigureCanvasSVG
            from matplotlib.figure import Figure
            from matplotlib.ticker import MaxNLocator
        except ImportError as error:
            raise MissingPencilError(str(error)) from None
        self._settings, self._figure, self._canvas = mpl.rc_context, Figure, FigureCanvasSVG
        self._locator: Any = MaxNLocator(nbins=3, steps=[1, 2, 2.5, 5, 10])
        self._classes: dict[str, str] = {}
        self._ids = 0

    @property
    def css(self) -> str:
        """The style sheet of everything drawn so far."""
        return "\n".join(f".chart .{name}{{{style}}}" for style, name in self._classes.items())

    def draw(self, timeline: Timeline) -> list[Panel]:
        """One panel a series, all on the same days."""
        count = len(timeline.series)
        figure = self._figure(figsize=(_WIDTH / 72, _HEIGHT * count / 72), dpi=72)
        self._canvas(figure)
        figure.patch.set_visible(False)
        buffer = io.StringIO()
        # Text stays text, and nothing in the file depends on the clock or on chance.
        settings: Any = {
            "svg.fonttype": "none",
            "svg.hashsalt": "azaward",
            "text.parse_math": False,
            "path.simplify": False,
        }
        with self._settings(settings):
            for place, series in enumerate(timeline.series):
                bottom = _HEIGHT * (count - 1 - place) + _BOTTOM
                _panel(figure, f"panel{place}", bottom, series, timeline, self._locator.tick_values)
            nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            figure.savefig(buffer, format="svg", metadata=nothing)
        pieces = self._pieces(buffer.getvalue(), count)
        return [Panel(series, describe(series), svg) for series, svg in zip(timeline.series, pieces, strict=True)]

    def _pieces(self, svg: str, count: int) -> list[str]:
        """Each panel as SVG of its own: without groups, with classes for styles and short unique ids."""
        root = ET.fromstring(svg)  # noqa: S314 (what matplotlib just wrote)
        holders: dict[str, ET.Element] = {}
        for place in range(count):
            box = f"0 {_HEIGHT * place:g} {_WIDTH:g} {_HEIGHT:g}"
            holders[f"panel{place}"] = ET.Element("svg", {"viewBox": box, "aria-hidden": "true", "focusable": "false"})
        for group in root.iter():
            if (holder := holders.get(group.get("id", ""))) is not None:
                holder.extend(_leaves(group))
        self._plain([item for holder in holders.values() for item in holder.iter()])
        written = (ET.tostring(holder, encoding="unicode") for holder in holders.values())
        return [re.sub(r"(?<=>)\s+(?=<)", "", piece).strip() for piece in written]

    def _plain(self, items: list[ET.Element]) -> None:
        aimed_at = {item.get(_HREF, "")[1:] for item in items}
        names: dict[str, str] = {}
        for item in items:
            item.tag = item.tag.rpartition("}")[2]
            if (name := item.attrib.pop("id", "")) and name in aimed_at:
                self._ids += 1
                names[name] = f"z{self._ids}"
                item.set("id", names[name])
            if style := _themed(item.attrib.pop("style", "")):
                item.set("class", self._classes.setdefault(style, f"z{len(self._classes)}"))
            if item.get("transform", "").startswith("rotate(-0 "):
                del item.attrib["transform"]
            if path := item.get("d"):
                item.set("d", " ".join(path.split()))
        for item in items:
            # matplotlib draws a marker once and points at it, from other panels too.
            if target := item.attrib.pop(_HREF, None):
                item.set("href", f"#{names[target[1:]]}")


def _leaves(group: ET.Element) -> Iterator[ET.Element]:
    """What is drawn, without the groups around it."""
    for item in group:
        if item.tag.endswith("}g"):
            yield from _leaves(item)
        else:
            yield item


def _themed(style: str) -> str:
    """matplotlib's style with the page's own colours and font."""
    parts = [part.strip() for part in style.split(";")]
    kept = ";".join(part for part in parts if part and not part.startswith("font-family"))
    for name, colour in COLOURS.items():
        kept = kept.replace(colour, f"var(--{name})")
    return kept


def describe(series: Series) -> str:
    """The panel in words, for those who can't see it."""
    values = [point.value for point in series.points]
    last = series.points[-1]
    count = len(values)
    limits = "; ".join(limit.label for limit in series.limits)
    return (
        f"{series.name}, {count} result{'s' if count > 1 else ''} from {series.points[0].on} to {last.on}: lowest "
        f"{amount(min(values))}, highest {amount(max(values))}, last {amount(last.value, last.comparator)}. "
        + (f"Limits drawn: {limits}." if limits else "No limit of this protocol to draw.")
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
    """One panel's place on the figure: days and values become points, and every mark is laid down there.

    The marks go on the figure itself, since making axes for each panel takes most of the time of a report.
    """

    def __init__(
        self, figure: Any, group: str, bottom: float, days: tuple[int, int], ends: tuple[float, float]
    ) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Rectangle
        from matplotlib.text import Text
        from matplotlib.transforms import IdentityTransform

        self._made: tuple[Any, Any, Any] = (Line2D, Rectangle, Text)
        self._figure, self._group, self._points = figure, group, IdentityTransform()
        self.bottom, self.days, self.ends = bottom, days, ends

    def x(self, day: dt.date) -> float:
        first, last = self.days
        return _LEFT + (day.toordinal() - first) / (last - first) * _PLOT_W

    def y(self, value: float) -> float:
        low, high = self.ends
        return self.bottom + (value - low) / (high - low) * _PLOT_H

    def line(self, x: Sequence[float], y: Sequence[float], colour: str, width: float, **look: Any) -> None:
        self._lay(self._made[0](x, y, color=COLOURS[colour], linewidth=width, **look))

    def across(self, value: float, colour: str, width: float, **look: Any) -> None:
        self.line((_LEFT, _END), (self.y(value), self.y(value)), colour, width, **look)

    def box(self, x: tuple[float, float], y: tuple[float, float], fill: str, edge: float = 0.0) -> None:
        look: dict[str, Any] = {"facecolor": COLOURS[fill], "edgecolor": COLOURS["muted"], "linewidth": edge}
        self._lay(self._made[1]((x[0], y[0]), x[1] - x[0], y[1] - y[0], **look))

    def text(self, x: float, y: float, words: str, colour: str = "muted", size: float = _SMALL, **look: Any) -> None:
        self._lay(self._made[2](x, y, words, color=COLOURS[colour], fontsize=size, **look))

    def _lay(self, artist: Any) -> None:
        artist.set_gid(self._group)
        artist.set_transform(self._points)
        # One order for all: what is laid down later lies on top.
        artist.set_zorder(0)
        self._figure.add_artist(artist)


def _panel(figure: Any, group: str, bottom: float, series: Series, timeline: Timeline, ticks_of: Any) -> None:
    values = [point.value for point in series.points]
    normal_low, normal_high = series.normal
    reached = [*values, *(limit.value for limit in series.limits), *(end for end in series.normal if end is not None)]
    low, high = min(reached), max(reached)
    # From nought where the values come near it; a cell volume or a haemoglobin would be flat.
    floor = 0.0 if low < high * 0.6 else low - max(high - low, high * 0.1) * 0.4
    ceiling = high + (high - floor) * 0.08 if high > floor else floor + 1
    plot = _Plot(figure, group, bottom, (timeline.first.toordinal(), timeline.last.toordinal()), (floor, ceiling))
    if normal_low is not None or normal_high is not None:
        ends = max(normal_low or 0, floor), ceiling if normal_high is None else min(normal_high, ceiling)
        if ends[0] < ends[1]:
            plot.box((_LEFT, _END), (plot.y(ends[0]), plot.y(ends[1])), "normal")
    for tick in ticks_of(floor, ceiling):
        if floor <= tick <= ceiling:
            plot.across(tick, "hair", 0.5)
            plot.text(_LEFT - 4, plot.y(tick), amount(tick), ha="right", va="center_baseline")
    for day, label in _day_ticks(timeline.first, timeline.last):
        plot.text(plot.x(day), bottom - 29, label, ha="center")
    _marks(plot, timeline.marks)
    _limit_lines(plot, series.limits)
    plot.line([plot.x(point.on) for point in series.points], [plot.y(value) for value in values], "line", 1.2)
    _points(plot, series)
    _dose_track(plot, timeline)


def _points(plot: _Plot, series: Series) -> None:
    for marker, chosen in (
        ("o", [point for point in series.points if not point.comparator and not point.found]),
        ("v", [point for point in series.points if (point.comparator or "").startswith("<") and not point.found]),
        ("^", [point for point in series.points if (point.comparator or "").startswith(">") and not point.found]),
        ("D", [point for point in series.points if point.found]),
    ):
        found, hollow = marker == "D", marker in "v^"
        colour = "hold" if found else "line"
        if chosen:
            plot.line(
                [plot.x(point.on) for point in chosen],
                [plot.y(point.value) for point in chosen],
                colour,
                0,
                linestyle="none",
                marker=marker,
                markersize=5.5 if found else 4.2 if hollow else 3.6,
                markeredgecolor=COLOURS[colour if hollow else "paper"],
                markerfacecolor=COLOURS["paper" if hollow else colour],
                markeredgewidth=0.8,
            )


def _limit_lines(plot: _Plot, limits: Sequence[Limit]) -> None:
    """Each limit as a line with its label at the right, labels moved apart where lines are close."""
    heights = [plot.y(limit.value) for limit in limits]
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + _GAP) if placed else height)
    top = plot.bottom + _PLOT_H
    placed = [min(height, top - _GAP * (len(placed) - 1 - place)) for place, height in enumerate(placed)]
    for limit, height, label in zip(limits, heights, placed, strict=True):
        hold = limit.action in _HOLD
        colour = "hold" if hold else "watch"
        plot.across(limit.value, colour, 0.9, dashes=(5, 2) if hold else (1.5, 2))
        plot.line((_END, _END + 4), (height, label), colour, 0.5)
        plot.text(_END + 5.5, label, limit.label, colour, va="center_baseline")


def _marks(plot: _Plot, marks: Sequence[Mark]) -> None:
    """A dotted line on each day on which something happened, with its number above."""
    free = float("-inf")
    top = plot.bottom + _PLOT_H
    for mark in marks:
        at = plot.x(mark.on)
        plot.line((at, at), (plot.bottom, top), "muted", 0.6, dashes=(1, 2))
        # Where two days nearly touch, one number stands for both lines; the list below has them all.
        if at - free >= _MARK_ROOM:
            free = at
            plot.text(at, top + 1.5, str(mark.number), size=8.0, ha="center")


def _dose_track(plot: _Plot, timeline: Timeline) -> None:
    """The daily dose as a shaded strip between the plot and its days."""
    base, room = plot.bottom - 18, 12
    highest = max((step.mg or 0 for step in timeline.doses), default=0) or 1
    shown = [step for step in timeline.doses if step.end >= timeline.first]
    for step in shown:
        ends = (plot.x(max(step.start, timeline.first)), plot.x(min(step.end, timeline.last)))
        height = room * (0.3 if step.mg is None else step.mg / highest)
        plot.box(ends, (base, base + height), "paper" if step.mg is None else "dose", 0.5)
    if shown and shown[-1].end > timeline.last:
        mg = shown[-1].mg
        label = "dose not known" if mg is None else f"{amount(mg)} mg a day"
    else:
        label = "no dose now" if timeline.doses else "not begun"
    plot.text(_END + 5.5, base, label)
