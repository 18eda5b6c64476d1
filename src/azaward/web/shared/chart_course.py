"""Where on the timeline of a page do the doses and the events of a patient stand?

The dose as a band of steps with its words, and each event's numbered line above the panels.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from azaward.reports.series import Step, Timeline
from azaward.reports.words import long_day
from azaward.web.shared.chart_axis import Axis, joined_labels
from azaward.wording import amount

DOSE_HEIGHT = 34.0


class Band(NamedTuple):
    """A stretch of one dose; `room` says where its label fits (all, wide, none)."""

    x: float
    width: float
    y: float
    height: float
    label: str
    room: str
    known: bool
    words: str


class Flag(NamedTuple):
    """A numbered event; `label` and `short` are empty where a neighbour's number stands for it too."""

    x: float
    number: int
    label: str
    short: str
    on: str
    text: str


def dose_bands(timeline: Timeline, axis: Axis, plain: bool) -> tuple[tuple[Band, ...], str, str]:
    """The steps in view, the dose at the end of them, and all in words."""
    highest = max((step.mg or 0 for step in timeline.doses), default=0) or 1
    bands: list[Band] = []
    for step in timeline.doses:
        if step.end <= axis.first or step.start > axis.last:
            continue
        left, right = axis.x(max(step.start, axis.first)), axis.x(min(step.end, axis.last))
        height = DOSE_HEIGHT * (0.55 if step.mg is None else 0.25 + 0.75 * step.mg / highest)
        label = "not known" if step.mg is None else f"{amount(step.mg)} mg"
        room = "all" if right - left >= 260 else "wide" if right - left >= 75 else "none"
        y = round(DOSE_HEIGHT - height, 2)
        words = _step_in_words(step, timeline.last)
        bands.append(Band(left, round(right - left, 2), y, round(height, 2), label, room, step.mg is not None, words))
    at_end = next((step for step in timeline.doses if step.start <= axis.last < step.end), None)
    if at_end:
        now = "dose not known" if at_end.mg is None else f"{amount(at_end.mg)} mg a day"
    else:
        begun = any(step.start <= axis.last for step in timeline.doses)
        now = "none on this day" if begun else "not begun"
    taken = "; ".join(band.words for band in bands) or ("No dose in these days" if timeline.doses else "Not begun")
    return tuple(bands), now, f"{'Your dose of ' if plain else 'Dose of '}{timeline.drug}: {taken}."


def _step_in_words(step: Step, today: dt.date) -> str:
    mg = "dose not known" if step.mg is None else f"{amount(step.mg)} mg a day"
    end = "" if step.end > today else f" until {long_day(step.end - dt.timedelta(days=1))}"
    return f"{mg} from {long_day(step.start)}{end}"


def flags(timeline: Timeline, axis: Axis) -> tuple[Flag, ...]:
    """The events in view, each with the label above its line, for wide and for narrow drawings."""
    inside = [mark for mark in timeline.marks if axis.holds(mark.on)]
    places = [axis.x(mark.on) for mark in inside]
    numbers = [mark.number for mark in inside]
    labels = zip(joined_labels(places, numbers, 42), joined_labels(places, numbers, 125), strict=True)
    return tuple(
        Flag(x, mark.number, label, short, long_day(mark.on), mark.text)
        for x, mark, (label, short) in zip(places, inside, labels, strict=True)
    )
