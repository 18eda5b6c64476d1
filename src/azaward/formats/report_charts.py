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

from azaward.formats.report_series import Limit, Series, Timeline
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
MONTHS = "January February March April May June July August September October November December".split()
_HOLD = ("stop", "withhold", "do-not-start")
# One panel in points, and the plot inside it: room for the scale, the limits' labels, the dose and the days.
_WIDTH, _HEIGHT = 240.0, 118.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 27.0, 65.0, 12.0, 33.0
_PLOT_W, _PLOT_H = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
_SMALL, _GAP = 9.0, 9.5
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
        days = _day_ticks(timeline.first, timeline.last)
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
                frame = (_LEFT / _WIDTH, bottom / (_HEIGHT * count), _PLOT_W / _WIDTH, _PLOT_H / (_HEIGHT * count))
                _panel(figure.add_axes(frame, gid=f"panel{place}"), series, timeline, days, self._locator)
            nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            figure.savefig(buffer, format="svg", metadata=nothing)
        pieces = self._pieces(buffer.getvalue(), count)
        return [Panel(series, describe(series), svg) for series, svg in zip(timeline.series, pieces, strict=True)]

    def _pieces(self, svg: str, count: int) -> list[str]:
        """Each panel as SVG of its own: without groups, with classes for styles and short unique ids."""
        root = ET.fromstring(svg)
        groups = {item.get("id", ""): item for item in root.iter() if item.get("id", "").startswith("panel")}
        holders: list[ET.Element] = []
        for place in range(count):
            box = f"0 {_HEIGHT * place:g} {_WIDTH:g} {_HEIGHT:g}"
            holder = ET.Element("svg", {"viewBox": box, "aria-hidden": "true", "focusable": "false"})
            holder.extend(_leaves(groups[f"panel{place}"]))
            holders.append(holder)
        self._plain([item for holder in holders for item in holder.iter()])
        return [re.sub(r"(?<=>)\s+(?=<)", "", ET.tostring(holder, encoding="unicode")).strip() for holder in holders]

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


def _day_ticks(first: dt.date, last: dt.date) -> tuple[list[int], list[str]]:
    """At most five or six days for the axis, and their labels."""
    span = (last - first).days
    if span < 120:
        step = next(step for step in (7, 14, 28) if span / step <= 5)
        chosen = [first + dt.timedelta(days=lag) for lag in range(0, span + 1, step)]
        return [day.toordinal() for day in chosen], [f"{day.day} {MONTHS[day.month - 1][:3]}" for day in chosen]
    step = next(step for step in (1, 2, 3, 6, 12, 24, 60, 120, 1200) if span / 30.4 / step <= 5)
    start, end = first.year * 12 + first.month, last.year * 12 + last.month
    chosen = [dt.date(month // 12, month % 12 + 1, 1) for month in range(-(-start // step) * step, end, step)]
    labels: list[str] = []
    for place, day in enumerate(chosen):
        month = MONTHS[day.month - 1][:3]
        new_year = place == 0 or day.year != chosen[place - 1].year
        labels.append(str(day.year) if step % 12 == 0 else f"{month} {day.year}" if new_year else month)
    return [day.toordinal() for day in chosen], labels


def _panel(axes: Any, series: Series, timeline: Timeline, days: tuple[list[int], list[str]], locator: Any) -> None:
    left, right = timeline.first.toordinal(), timeline.last.toordinal()
    values = [point.value for point in series.points]
    normal_low, normal_high = series.normal
    reached = [*values, *(limit.value for limit in series.limits), *(end for end in series.normal if end is not None)]
    low, high = min(reached), max(reached)
    # From nought where the values come near it; a cell volume or a haemoglobin would be flat.
    floor = 0.0 if low < high * 0.6 else low - max(high - low, high * 0.1) * 0.4
    ceiling = high + (high - floor) * 0.08 if high > floor else floor + 1
    axes.set_axis_off()
    axes.set(xlim=(left, right), ylim=(floor, ceiling), autoscale_on=False)
    _scale(axes, [tick for tick in locator.tick_values(floor, ceiling) if floor <= tick <= ceiling], days)
    if normal_low is not None or normal_high is not None:
        bottom, top = max(normal_low or 0, floor), ceiling if normal_high is None else min(normal_high, ceiling)
        if bottom < top:
            _box(axes, (left, right), (bottom, top), axes.transData, facecolor=COLOURS["normal"], linewidth=0, zorder=0)
    _marks(axes, timeline)
    _limit_lines(axes, series.limits, floor, ceiling)
    x = [point.on.toordinal() for point in series.points]
    axes.plot(x, values, color=COLOURS["line"], linewidth=1.2, clip_on=False, zorder=3)
    for marker, chosen in (
        ("o", [point for point in series.points if not point.comparator and not point.found]),
        ("v", [point for point in series.points if (point.comparator or "").startswith("<") and not point.found]),
        ("^", [point for point in series.points if (point.comparator or "").startswith(">") and not point.found]),
        ("D", [point for point in series.points if point.found]),
    ):
        found, hollow = marker == "D", marker in "v^"
        colour = COLOURS["hold" if found else "line"]
        if chosen:
            axes.plot(
                [point.on.toordinal() for point in chosen],
                [point.value for point in chosen],
                marker=marker,
                linestyle="none",
                markersize=5.5 if found else 4.2 if hollow else 3.6,
                markeredgecolor=colour if hollow else COLOURS["paper"],
                markerfacecolor=COLOURS["paper"] if hollow else colour,
                markeredgewidth=0.8,
                clip_on=False,
                zorder=4,
            )
    _dose_track(axes, timeline)


def _scale(axes: Any, ticks: Sequence[float], days: tuple[list[int], list[str]]) -> None:
    """Hairlines and labels by hand: matplotlib's own axes take half of the time of a report."""
    for tick in ticks:
        axes.axhline(tick, color=COLOURS["hair"], linewidth=0.5, clip_on=False, zorder=1)
        at = axes.get_yaxis_transform()
        _text(axes, -0.025, tick, amount(tick), at, ha="right", va="center_baseline")
    for day, label in zip(*days, strict=True):
        _text(axes, day, -28 / _PLOT_H, label, axes.get_xaxis_transform(), ha="center")


def _text(axes: Any, x: float, y: float, words: str, at: Any, **look: Any) -> None:
    axes.text(x, y, words, transform=at, **{"size": _SMALL, "color": COLOURS["muted"], **look})


def _box(axes: Any, x: tuple[float, float], y: tuple[float, float], at: Any, **look: Any) -> None:
    axes.fill([x[0], x[0], x[1], x[1]], [y[0], y[1], y[1], y[0]], transform=at, clip_on=False, **look)


def _limit_lines(axes: Any, limits: Sequence[Limit], floor: float, ceiling: float) -> None:
    """Each limit as a line with its label at the right, labels moved apart where lines are close."""
    heights = [(limit.value - floor) / (ceiling - floor) * _PLOT_H for limit in limits]
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + _GAP) if placed else height)
    for place in range(len(placed)):
        placed[place] = min(placed[place], _PLOT_H - _GAP * (len(placed) - 1 - place))
    for limit, height, label in zip(limits, heights, placed, strict=True):
        hold = limit.action in _HOLD
        shade = COLOURS["hold" if hold else "watch"]
        dashes = (5, 2) if hold else (1.5, 2)
        axes.axhline(limit.value, color=shade, linewidth=0.9, dashes=dashes, clip_on=False, zorder=2)
        ends = (height / _PLOT_H, label / _PLOT_H)
        axes.plot((1, 1.025), ends, color=shade, linewidth=0.5, transform=axes.transAxes, clip_on=False)
        _text(axes, 1.035, ends[1], limit.label, axes.transAxes, color=shade, va="center_baseline")


def _marks(axes: Any, timeline: Timeline) -> None:
    """A dotted line on each day on which something happened, with its number above."""
    span = max((timeline.last - timeline.first).days, 1)
    free = float("-inf")
    for mark in timeline.marks:
        at = (mark.on - timeline.first).days / span
        axes.axvline(mark.on.toordinal(), color=COLOURS["muted"], linewidth=0.6, dashes=(1, 2), clip_on=False, zorder=1)
        # Where two days nearly touch, one number stands for both lines; the list below has them all.
        if (at - free) * _PLOT_W >= 7:
            free = at
            _text(axes, at, 1.02, str(mark.number), axes.transAxes, size=8.0, ha="center")


def _dose_track(axes: Any, timeline: Timeline) -> None:
    """The daily dose as a shaded strip between the plot and its days."""
    base, room = -17 / _PLOT_H, 11 / _PLOT_H
    highest = max((step.mg or 0 for step in timeline.doses), default=0) or 1
    shown = [step for step in timeline.doses if step.end >= timeline.first]
    for step in shown:
        _box(
            axes,
            (max(step.start, timeline.first).toordinal(), step.end.toordinal()),
            (base, base + room * (0.3 if step.mg is None else step.mg / highest)),
            axes.get_xaxis_transform(),
            facecolor=COLOURS["paper" if step.mg is None else "dose"],
            edgecolor=COLOURS["muted"],
            linewidth=0.5,
        )
    if shown and shown[-1].end >= timeline.last:
        mg = shown[-1].mg
        label = "dose not known" if mg is None else f"{amount(mg)} mg a day"
    else:
        label = "no dose now" if timeline.doses else "not begun"
    _text(axes, 1.035, base, label, axes.transAxes)
