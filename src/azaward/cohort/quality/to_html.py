"""The figures of a service as one page: tables with what each number means beside them, and plots.

The file stands alone: no scripts, nothing loaded, every word of the record escaped, a content security policy that
names its one style sheet by hash. Plots are drawn from numbers alone. The same figures give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment
from markupsafe import Markup

from azaward.cohort.intervals import DAYS_IN_MONTH, DAYS_IN_YEAR
from azaward.cohort.quality.figures import Days, Figure, Quality, Row, Shown
from azaward.cohort.quality.survival import Treatment
from azaward.cohort.quality.words import DEFINITIONS, OUTCOMES, REASONS, TREATMENT
from azaward.knowledge import Knowledge
from azaward.reports.pages import alone, environment
from azaward.reports.words import long_day

HERE = Path(__file__).parent
EVERYONE = "everyone"
_BY = {"clinic": "clinic", "protocol": "protocol", "year": "year of the first tablet"}
# A plot's room in its own units: the curve inside, the scale at the left, the years below.
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 560.0, 220.0, 42.0, 34.0, 10.0


class _Head(NamedTuple):
    text: str
    number: bool


class _Line(NamedTuple):
    names: list[str]
    numbers: list[str]
    share: str | None
    plot: str
    days: list[str]
    part: bool


class _Section(NamedTuple):
    id: str
    title: str
    caption: str
    definition: list[tuple[str, str]]
    heads: list[_Head]
    rows: list[_Line]


def page(figures: Quality, knowledge: Knowledge) -> str:
    """The page, as HTML."""
    template = _environment().get_template("quality.html.jinja")
    style = (HERE / "quality.css").read_text(encoding="utf-8")
    return alone(template, style, **content(figures, knowledge))


def content(figures: Quality, knowledge: Knowledge) -> dict[str, Any]:
    """What a page of the figures is made of, in words; the plots are drawings of numbers alone, without styles."""
    words = _names(knowledge)
    before = next(row.value for row in knowledge.tables["parameters"] if row.id == "quality_before_stop_days")
    return {
        "found": figures,
        "by": _BY.get(figures.by, ""),
        "day": long_day(figures.as_of),
        "sections": [_section(figure, figures, words) for figure in figures.figures],
        "treatment": {
            "title": TREATMENT["title"],
            "definition": [
                ("Counted", TREATMENT["numerator"]),
                ("Of", TREATMENT["denominator"]),
                ("When", TREATMENT["window"].format(before=f"{before:g}")),
            ],
            "groups": [_group(each) for each in figures.treatment],
        },
        "methods": _methods(figures),
    }


def _methods(figures: Quality) -> list[str]:
    lines = list(figures.methods)
    if figures.suppressed_below:
        limit = figures.suppressed_below
        lines.append(
            f"Counts from 1 to {limit - 1} stand as <{limit}. What would give them away, together with the sums on "
            "this page, stands as hidden. A quantile is shown only with at least so many people to either side of it, "
            "the time on treatment only at times at which as many were watched and as many stopped in between. "
            "Nought is shown."
        )
    aside = ", ".join(f"{n} x {kind.replace('_', ' ')}" for kind, n in sorted(figures.set_aside.items()))
    if aside:
        lines.append(f"Set aside, and so in none of these figures: {aside}. `azaward cohort assess` names each.")
    return lines


def _names(knowledge: Knowledge) -> dict[str, str]:
    """What ids are called: tests, analytes, protocols."""
    return {
        **{row.id: row.name for row in knowledge.tables["analytes"]},
        **{row.test: row.name for row in knowledge.tables["tests"]},
        "every_required_test": "Every required test",
    }


def _section(figure: Figure, figures: Quality, words: dict[str, str]) -> _Section:
    about = DEFINITIONS[figure.id]
    grouped = figures.by != "none"
    # Each protocol's phases are its own: its group would say the same again.
    alone = figure.id == "on_time_by_phase" and figures.by == "protocol"
    rows = [row for row in figure.rows if _something(row) and not (row.part and alone)]
    outcomes = [each for each in about.outcomes if any(row.counts[each] != 0 for row in rows)]
    heads = [_Head(word, number=False) for word in about.row]
    if grouped and not alone:
        heads.append(_Head(_BY[figures.by], number=False))
    heads += [_Head(OUTCOMES[each], number=True) for each in outcomes]
    if about.counted:
        heads += [
            _Head("of", number=True),
            _Head(f"{about.share}, 95% interval", number=False),
            _Head("0 to 100%", number=False),
        ]
    if about.days:
        heads += [
            _Head(text, number=True)
            for text in ("days: how many", "median, 95% interval", "quartiles", "90th percentile")
        ]
    definition = [("Counted", figure.numerator), ("Of", figure.denominator), ("When", figure.window)]
    if figure.days_are:
        definition.append(("Days", figure.days_are))
    return _Section(
        figure.id,
        figure.title,
        f"In {figure.unit}",
        [(word, text) for word, text in definition if text],
        heads,
        [_line(row, outcomes, about.counted, bool(about.days), grouped and not alone, words) for row in rows],
    )


def _something(row: Row) -> bool:
    return any(n != 0 for n in row.counts.values()) or row.days is not None


def _line(
    row: Row, outcomes: list[str], counted: tuple[str, ...], days: bool, grouped: bool, words: dict[str, str]
) -> _Line:
    names = [words.get(word, word) for word in row.name]
    if grouped:
        names.append(row.group if row.part else EVERYONE)
    share = None
    if counted:
        share = "-" if row.share is None else f"{_percent(row.share)}{_interval(row.interval)}"
    return _Line(
        names,
        [_count(row.counts[each]) for each in outcomes] + ([_count(row.of)] if counted else []),
        share,
        _whisker(row.share, row.interval) if counted else "",
        list(_days(row.days)) if days else [],
        row.part,
    )


def _days(days: Days | None) -> Iterator[str]:
    if days is None:
        yield from ("0", "-", "-", "-")
        return
    yield _count(days.n)
    ends = f" ({days.interval[0]} to {days.interval[1]})" if days.interval else ""
    yield "-" if days.median is None else f"{days.median:g}{ends}"
    yield "-" if days.quartiles is None else f"{days.quartiles[0]} to {days.quartiles[1]}"
    yield "-" if days.p90 is None else str(days.p90)


def _count(n: Shown) -> str:
    """A count as it is printed.

    >>> _count(12345), _count("<5"), _count(None)
    ('12,345', '<5', '-')
    """
    return "-" if n is None else n if isinstance(n, str) else f"{n:,}"


def _percent(share: float) -> str:
    """A share as it is printed: never 0 or 100% where it isn't.

    >>> _percent(0.5), _percent(0.9999), _percent(1.0), _percent(0.0004)
    ('50.0%', '>99.9%', '100%', '<0.1%')
    """
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    return "<0.1%" if share < 0.001 else ">99.9%" if share > 0.999 else f"{share:.1%}"


def _interval(ends: tuple[float, float] | None) -> str:
    return f" ({100 * ends[0]:.1f} to {100 * ends[1]:.1f})" if ends else ""


def _whisker(share: float | None, ends: tuple[float, float] | None) -> str:
    """The share as a dot with its interval, on a line from 0 to 100%. The same is in words beside it."""
    if share is None or ends is None:
        return ""
    scale = [f'<line class="axis" x1="{x}" y1="3" x2="{x}" y2="17"/>' for x in (4, 64, 124)]
    low, high, at = (4 + 120 * value for value in (*ends, share))
    return (
        '<svg viewBox="0 0 128 20" aria-hidden="true" focusable="false">'
        f'<line class="axis" x1="4" y1="10" x2="124" y2="10"/>{"".join(scale)}'
        f'<line class="range" x1="{low:.1f}" y1="10" x2="{high:.1f}" y2="10"/>'
        f'<circle class="dot" cx="{at:.1f}" cy="10" r="3.5"/></svg>'
    )


def _group(each: Treatment) -> dict[str, Any]:
    reasons = [reason for reason in REASONS if any(reason in point.stopped_after for point in each.points)]
    median = "" if each.median_days is None else f" Half had stopped after {each.median_days / DAYS_IN_YEAR:.1f} years."
    return {
        "name": each.group if each.part else EVERYONE,
        "summary": f"{_count(each.people)} people, of whom {_count(each.still_on)} still take it.{median}",
        "svg": _curve(each),
        "reasons": [REASONS[reason] for reason in reasons],
        "counts": [(REASONS[reason], _count(n)) for reason, n in each.reasons.items()],
        "points": [
            {
                "after": _after(point.months),
                "at_risk": _count(point.at_risk),
                "share": "-" if point.still_on is None else f"{_percent(point.still_on)}{_interval(point.interval)}",
                "reasons": [
                    "-" if (share := point.stopped_after.get(reason)) is None else _percent(share) for reason in reasons
                ],
            }
            for point in each.points
        ],
    }


def _after(months: int) -> str:
    """A time since the first tablet.

    >>> _after(0), _after(6), _after(12), _after(60)
    ('the start', '6 months', '1 year', '5 years')
    """
    if months == 0:
        return "the start"
    if months % 12:
        return f"{months} months"
    return f"{months // 12} year{'s' if months > 12 else ''}"


def _curve(each: Treatment) -> str:
    """The curve with its band; where numbers are hidden, the points of the table alone."""
    steps = each.curve or [
        (point.months * DAYS_IN_MONTH, point.still_on, *point.interval)
        for point in each.points
        if point.still_on is not None and point.interval
    ]
    last = max((day for day, *_ in steps), default=0.0)
    if last <= 0:
        return ""
    years = last / DAYS_IN_YEAR
    every = next((step for step in (0.25, 0.5, 1, 2, 5, 10) if years / step <= 8), 20)

    def x(day: float) -> float:
        return _LEFT + day / last * (_WIDTH - _LEFT - 14)

    def y(share: float) -> float:
        return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)

    parts: list[str] = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts.append(f'<line class="axis" x1="{_LEFT:g}" y1="{y(tick):.1f}" x2="{x(last):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6:g}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.0%}</text>')
    for place in range(int(years / every) + 1):
        at = x(place * every * DAYS_IN_YEAR)
        parts.append(f'<text x="{at:.1f}" y="{_HEIGHT - 18:g}" text-anchor="middle">{place * every:g}</text>')
    parts.append(
        f'<text x="{x(last / 2):.1f}" y="{_HEIGHT - 3:g}" text-anchor="middle">years since the first tablet</text>'
    )
    if each.curve:
        low = _steps([(x(day), y(ends[1])) for day, *ends in steps])
        high = _steps([(x(day), y(ends[2])) for day, *ends in steps])
        parts.append(f'<path class="band" d="M{" L".join([*high, *reversed(low)])} Z"/>')
        parts.append(f'<path class="curve" d="M{" L".join(_steps([(x(day), y(ends[0])) for day, *ends in steps]))}"/>')
    else:
        for day, share, low_end, high_end in steps:
            parts.append(
                f'<line class="range" x1="{x(day):.1f}" y1="{y(low_end):.1f}" '
                f'x2="{x(day):.1f}" y2="{y(high_end):.1f}"/>'
            )
            parts.append(f'<circle class="dot" cx="{x(day):.1f}" cy="{y(share):.1f}" r="3.5"/>')
    return f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" aria-hidden="true" focusable="false">{"".join(parts)}</svg>'


def _steps(points: list[tuple[float, float]]) -> list[str]:
    """A share holds until it changes."""
    out: list[str] = []
    for place, (across, down) in enumerate(points):
        if place:
            out.append(f"{across:.1f} {points[place - 1][1]:.1f}")
        out.append(f"{across:.1f} {down:.1f}")
    return out


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # Drawings are of numbers alone.
    return environment(HERE, made_here=Markup, count=_count)
