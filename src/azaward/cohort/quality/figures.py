"""How well does a service care for its people on azathioprine? The figures that it is judged by, with intervals.

Everyone's history is counted share by share (`quality_counts`), the counts are added up, and the figures are worked
out from the sums, so that memory doesn't grow with the nation and a share's size changes nothing.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from azaward import __version__
from azaward.cohort.intervals import Quantiles, effective, quantiles, wilson
from azaward.cohort.nation import Nation
from azaward.cohort.quality.counts import SQUARES, Counts, Key, count_share
from azaward.cohort.quality.hidden import Cell, Sum, hidden
from azaward.cohort.quality.survival import PART, WHOLE, Treatment, treatments
from azaward.cohort.quality.tables import By
from azaward.cohort.quality.words import DEFINITIONS, METHODS, Definition
from azaward.cohort.source import find
from azaward.errors import InputError
from azaward.extras import need
from azaward.knowledge import Knowledge

# Histories take more room than findings: ten thousand people's stay near a gigabyte.
SHARE = 10_000
MEMORY_MB = 3_000
Shown = int | str | None


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """Days: how many were counted, the median and its interval, quartiles, the 90th percentile. None: not shown."""

    n: Shown
    median: float | None
    interval: tuple[int, int] | None
    quartiles: tuple[int, int] | None
    p90: int | None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a figure: the counts by outcome, and the share with its interval. `part`: of a group, not of all."""

    group: str
    part: bool
    name: tuple[str, ...]
    counts: dict[str, Shown]
    of: Shown
    share: float | None
    interval: tuple[float, float] | None
    days: Days | None


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure: what it counts, in words, and its rows: the whole first, then the groups."""

    id: str
    title: str
    unit: str
    numerator: str
    denominator: str
    window: str
    days_are: str | None
    rows: list[Row]


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """Every figure of a service."""

    patients: Shown
    by: str
    groups: list[str]
    suppressed_below: int | None
    figures: list[Figure]
    treatment: list[Treatment]
    methods: list[str]
    set_aside: dict[str, int]
    as_of: dt.date
    azaward: str
    knowledge: str
    disclaimer: str


def quality(
    folder: Path,
    as_of: dt.date,
    knowledge: Knowledge,
    by: By = "none",
    suppress: int | None = None,
    progress: Callable[[int, int], None] = lambda done, all: None,
    share: int = SHARE,
    memory_mb: int = MEMORY_MB,
) -> Quality:
    """The figures of everyone in `folder` on the day `as_of`, each person by the protocol of their indication.

    `InputError` where the folder can't be used, or has no column to group by.
    """
    need("lifelines")
    counts, aside = count(folder, as_of, knowledge, by, progress, share, memory_mb)
    return figures(counts, as_of, knowledge, by, suppress, aside)


def count(
    folder: Path,
    as_of: dt.date,
    knowledge: Knowledge,
    by: By = "none",
    progress: Callable[[int, int], None] = lambda done, all: None,
    share: int = SHARE,
    memory_mb: int = MEMORY_MB,
) -> tuple[Counts, Mapping[str, int]]:
    """Everyone's history as counts, and how much was set aside by kind: what `figures` makes figures of.

    `InputError` where the folder can't be used, or has no column to group by.
    """
    source = find(folder)
    if by == "clinic" and "clinic" not in source.tables["patients"].columns:
        raise InputError(
            f"{source.tables['patients'].files[0]}: no column 'clinic', so nothing to group by. Add one with a "
            "word for each patient's clinic, or group by protocol or year."
        )
    counts: Counts = Counts()
    aside: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="azaward-") as scratch:
        nation = Nation(source, knowledge, memory_mb, Path(scratch))
        aside.update(each.kind for each in nation.set_aside)
        done = 0
        for part in nation.shares(share):
            asides = nation.assess(part, as_of, None)
            aside.update(each.kind for each in asides)
            named = {each.where for each in asides}
            unusable = nation.rows("SELECT origin, concat('result_', problem) FROM s_unusable")
            aside.update(kind for origin, kind in unusable if origin not in named)
            counts.update(count_share(nation, knowledge, by))
            done += part.patients
            progress(done, nation.patients)
    return counts, aside


def figures(
    counts: Counts, as_of: dt.date, knowledge: Knowledge, by: By, suppress: int | None, aside: Mapping[str, int]
) -> Quality:
    """The figures that the counts of all shares come to."""
    from azaward.assessment import DISCLAIMER

    groups = sorted({key.group for key in counts}) if by != "none" else []
    every = Counts()
    for key, n in counts.items():
        every[key._replace(group=WHOLE)] += n
        if by != "none":
            every[key._replace(group=PART + key.group)] += n
    table = _Table(every, groups, suppress)
    numbers = {row.id: row.value for row in knowledge.tables["parameters"]}
    words = {
        "within": f"{numbers['quality_acted_within_days']:g}",
        "before": f"{numbers['quality_before_stop_days']:g}",
        "after_months": f"{numbers['live_vaccine_months_after_stop']:g}",
        "before_months": f"{numbers['live_vaccine_months_before_start']:g}",
    }
    shown = [
        Figure(
            id=name,
            title=about.title,
            unit=about.unit,
            numerator=about.numerator.format(**words),
            denominator=about.denominator,
            window=about.window.format(**words),
            days_are=about.days[1] if about.days else None,
            rows=list(table.rows(name, about)),
        )
        for name, about in DEFINITIONS.items()
    ]
    durations: dict[str, dict[tuple[str, int], int]] = defaultdict(dict)
    for key, n in every.items():
        if key.figure == "treatment" and key.days is not None:
            durations[key.group][key.a, key.days] = n
    everybody = sum(n for key, n in every.items() if key.figure == "people" and key.group == WHOLE)
    small = suppress is not None and 0 < everybody < suppress
    return Quality(
        patients=f"<{suppress}" if small else everybody,
        by=by,
        groups=groups,
        suppressed_below=suppress,
        figures=shown,
        treatment=treatments(durations, suppress),
        methods=list(METHODS),
        set_aside=dict(sorted(aside.items())) if suppress is None else {},
        as_of=as_of,
        azaward=__version__,
        knowledge=knowledge.fingerprint,
        disclaimer=DISCLAIMER,
    )


def _plain(group: str) -> str:
    return group.removeprefix(PART)


class _Table:
    """All counts by figure and row, and which of their cells are hidden."""

    def __init__(self, counts: Counts, groups: Sequence[str], suppress: int | None) -> None:
        self._counts, self._suppress = counts, suppress
        self._groups = [WHOLE, *(PART + group for group in groups)]
        self._names: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
        self._days: dict[tuple[str, str, tuple[str, str, str]], dict[int, int]] = defaultdict(dict)
        for key, n in counts.items():
            name = (key.a, key.b, key.c)
            if key.days is not None:
                self._days[key.figure, key.group, name][key.days] = n
            elif name not in self._names[key.figure]:
                self._names[key.figure].append(name)
        for (figure, _, name), _ in self._days.items():
            if figure == "longest_gap" and name not in self._names[figure]:
                self._names[figure].append(name)
        for names in self._names.values():
            names.sort(key=lambda name: (name[0] != "every_required_test", name))
        self._hidden = self._to_hide() if suppress else set[Cell]()

    def _n(self, figure: str, group: str, name: tuple[str, str, str], outcome: str) -> int:
        return self._counts[Key(figure, group, *name, outcome, None)]

    def _to_hide(self) -> set[Cell]:
        """The small cells of all figures and those that would give them away."""
        cells: dict[Cell, int] = {}
        sums: list[Sum] = []
        few: set[Cell] = set()
        for figure, about in DEFINITIONS.items():
            inner = (*about.counted, *about.others)
            for name in self._names[figure] or [("", "", "")]:
                for group in self._groups:
                    at = (figure, group, name)
                    for outcome in about.outcomes:
                        cells[*at, outcome] = self._n(figure, group, name, outcome)
                    cells[*at, "of"] = sum(cells[*at, outcome] for outcome in inner)
                    cells[*at, "all"] = cells[*at, "of"] + sum(cells[*at, outcome] for outcome in about.beside)
                    if 0 < self._n(*at, "people") < (self._suppress or 0):
                        # Many tests of few people say much of each of them.
                        few |= {(*at, outcome) for outcome in (*inner, "of") if cells[*at, outcome]}
                    if about.days and not inner:
                        cells[*at, "days"] = sum(self._days[at].values())
                    sums.append(Sum(((*at, "of"),), tuple((*at, outcome) for outcome in inner)))
                    sums.append(Sum(((*at, "all"),), ((*at, "of"), *((*at, outcome) for outcome in about.beside))))
                for outcome in (*about.outcomes, "of", "all", "days"):
                    parts = tuple((figure, group, name, outcome) for group in self._groups[1:])
                    if parts:
                        sums.append(Sum(((figure, WHOLE, name, outcome),), parts))
        # The same tests and the same results, divided in two ways.
        for group in self._groups:
            for name in self._names["on_time"]:
                phases = [other for other in self._names["on_time_by_phase"] if other[2] == name[0]]
                for outcome in ("on_time", "late", "missed", "not_due", "of"):
                    sums.append(
                        Sum(
                            (("on_time", group, name, outcome),),
                            tuple(("on_time_by_phase", group, each, outcome) for each in phases),
                        )
                    )
            for outcome in (*DEFINITIONS["acted_on"].outcomes, "of"):
                both = (
                    tuple((figure, group, name, outcome) for name in self._names[figure])
                    for figure in ("acted_on", "acted_on_by_urgency")
                )
                sums.append(Sum(*both))
        return hidden(cells, sums, self._suppress or 0, few)

    def _shown(self, cell: tuple[str, str, tuple[str, str, str], str], n: int) -> Shown:
        if cell not in self._hidden:
            return n
        return f"<{self._suppress}" if n < (self._suppress or 0) else "hidden"

    def rows(self, figure: str, about: Definition) -> Iterator[Row]:
        """The rows of one figure: each name for the whole, then for each group."""
        for name in self._names[figure]:
            for group in self._groups:
                yield self._row(figure, about, name, group)

    def _row(self, figure: str, about: Definition, name: tuple[str, str, str], group: str) -> Row:
        at = (figure, group, name)
        counts = {outcome: self._n(*at, outcome) for outcome in about.outcomes}
        of = sum(counts[outcome] for outcome in (*about.counted, *about.others))
        secret = any((*at, outcome) in self._hidden for outcome in (*about.counted, *about.others, "of"))
        share = interval = None
        if of and about.counted and not secret:
            x = sum(counts[outcome] for outcome in about.counted)
            share = x / of
            interval = wilson(share, self._independent(at, x, of))
        return Row(
            group=_plain(group),
            part=group != WHOLE,
            name=name[: len(about.row)],
            counts={outcome: self._shown((*at, outcome), n) for outcome, n in counts.items()},
            of=self._shown((*at, "of"), of) if about.counted else None,
            share=share,
            interval=interval,
            days=self._quantiles(at, about, secret),
        )

    def _independent(self, at: tuple[str, str, tuple[str, str, str]], x: int, of: int) -> float:
        people = self._n(*at, "people")
        if not people:
            return of
        xx, xn, nn = (self._n(*at, square) for square in SQUARES)
        return effective(x, of, people, xx, xn, nn)

    def _quantiles(self, at: tuple[str, str, tuple[str, str, str]], about: Definition, secret: bool) -> Days | None:
        if about.days is None:
            return None
        figure, group, name = at
        days = quantiles(self._days[about.days[0], group, name])
        if days is None:
            return None
        return _days(days, self._suppress, secret or (figure, group, name, "days") in self._hidden)


def _days(days: Quantiles, suppress: int | None, secret: bool) -> Days:
    """Quantiles as they may be shown: with at least so many to either side of each."""
    least = suppress or 0
    if secret or (suppress and days.n < suppress):
        mark = f"<{suppress}" if days.n < least else "hidden"
        return Days(n=mark, median=None, interval=None, quartiles=None, p90=None)
    interval = None if days.low is None or days.high is None else (days.low, days.high)
    if suppress:
        # The interval's ends lie further out than the quartiles where few were counted.
        interval = interval if days.n >= 4 * suppress and _inside(days) else None
    return Days(
        n=days.n,
        median=days.median if days.n >= 2 * least else None,
        interval=interval,
        quartiles=(days.q1, days.q3) if days.n >= 4 * least else None,
        p90=days.p90 if days.n >= 10 * least else None,
    )


def _inside(days: Quantiles) -> bool:
    return days.low is not None and days.high is not None and days.q1 <= days.low and days.high <= days.q3
