"""What a protocol is, which rows of another it keeps, and which of its rows hold on a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import msgspec

from azaward.knowledge.loading.schema import PROTOCOL_LISTS, Fact, Source
from azaward.knowledge.loading.schema.facts import READ
from azaward.knowledge.loading.schema.protocols import Limit

MOST_CAUTIOUS = "most-cautious"
_ALWAYS = dt.date.min
# Rows are compared that are about the same tests or symptom already, in whatever spelling or order.
_BESIDE_THE_POINT = (*Fact.__struct_fields__, "note", "phase", "valid_from", "tests", "symptom")


class Written(NamedTuple):
    """A protocol's own row, with the line of its file on which each key stands; the row begins at `line`."""

    row: Any
    line: int
    lines: Mapping[str, int]


@dataclass(frozen=True)
class Protocol:
    """One guideline's or one clinic's way of prescribing and monitoring, dated.

    `lists` are its own rows and those that it borrows, `own` its own as they were written, `beside` the lists of which
    the lender's rows all stay, `sources` those that only its rows cite, and `own_text` the sources that are the text
    after which it is named.
    """

    id: str
    title: str
    body: str
    country: str | None
    published_on: str
    specialty: str | None
    notes: tuple[str, ...]
    lists: Mapping[str, tuple[Fact, ...]]
    borrowed: Mapping[str, str]
    file: str = ""
    own: Mapping[str, tuple[Written, ...]] = field(default_factory=dict[str, tuple[Written, ...]])
    beside: frozenset[str] = frozenset()
    sources: Mapping[str, Source] = field(default_factory=dict[str, Source])
    own_text: tuple[str, ...] = ()

    def from_own_text(self) -> tuple[int, int]:
        """How many of its own rows were read in the text after which it is named, and how many there are."""
        rows = [written.row for written_rows in self.own.values() for written in written_rows]
        return sum(row.source in self.own_text and row.how in READ for row in rows), len(rows)

    def dates(self) -> set[dt.date]:
        """The days from which rows of its own hold."""
        return {written.row.valid_from for rows in self.own.values() for written in rows if written.row.valid_from}


class LentLimit(Limit, frozen=True, kw_only=True):
    """A lender's limit for all but the specialties for which the borrower has one of its own in its place."""

    unless: tuple[str, ...]


def unless(row: Any) -> tuple[str, ...]:
    """The specialties for which a row that holds for all doesn't."""
    return row.unless if isinstance(row, LentLimit) else ()


def holds_for(row: Any, specialty: str) -> bool:
    """Whether a row is for the patients of a specialty."""
    return row.specialty in ("any", specialty) and specialty not in unless(row)


def only_for(row: Any) -> str:
    """For whom a row holds, in words; empty where it is everyone."""
    if excepted := unless(row):
        return f"all but {', '.join(excepted)}"
    return "" if row.specialty == "any" else str(row.specialty)


class NotYet(NamedTuple):
    """What has no value yet on a day: the earliest one is used before it held. `protocol` is None for a parameter."""

    what: str
    protocol: str | None
    first_held: dt.date


def kept_of_lender(name: str, own: Sequence[Any], lent: Sequence[Any], *, beside: bool) -> tuple[Fact, ...]:
    """The lender's rows that hold: all of them `beside` its own, else those that no own row takes the place of.

    An own limit replaces those that ask for the same of the same analyte, as urgently: a withhold at another count
    leaves the emergency where it was. A row for one specialty replaces what is for that specialty; a limit for all
    then holds for everyone else.
    """
    if beside:
        return tuple(lent)
    if name == "schedule":
        kept = ((row, [test for test in row.tests if not _spoken((test,), row, own, _tests)]) for row in lent)
        return tuple(
            row if tests == row.tests else msgspec.structs.replace(row, tests=tests) for row, tests in kept if tests
        )
    about = _ABOUT[name]
    kept = tuple(row for row in lent if not _spoken(about(row), row, own, lambda row: (about(row),)))
    return tuple(_for_the_others(row, own) for row in kept) if name == "limits" else kept


def _for_the_others(lent: Any, own: Sequence[Any]) -> Any:
    """A lender's limit for everyone, without the specialties for which an own row takes its place."""
    about = _ABOUT["limits"]
    taken = {row.specialty for row in own if lent.specialty == "any" and about(row) == about(lent)}
    if taken <= {*unless(lent)}:
        return lent
    cells: dict[str, Any] = msgspec.structs.asdict(lent)
    cells["unless"] = tuple(sorted({*unless(lent), *taken}))
    return LentLimit(**cells)


def _spoken(about: Any, lent: Any, own: Sequence[Any], said: Callable[[Any], Iterable[Any]]) -> bool:
    return any(
        about in said(row) and getattr(row, "specialty", "any") in ("any", getattr(lent, "specialty", "any"))
        for row in own
    )


def _tests(row: Any) -> Iterable[Any]:
    return [(test,) for test in row.tests]


def is_low(row: Any) -> bool:
    """Whether a limit is met by low values."""
    return row.comparison in ("below", "at-most")


def _plain(symptom: str) -> str:
    """A symptom as pages write it: an id means the same."""
    return symptom.replace("_", " ")


# What a row of a list is about. An emergency is never replaced by anything less.
_ABOUT: Mapping[str, Callable[[Any], Any]] = {
    "limits": lambda row: (row.analyte, is_low(row), row.action, row.urgency),
    "baseline": lambda row: row.test,
    "doses": lambda row: (row.indication, row.population, row.drug),
    "symptoms": lambda row: (_plain(row.symptom), row.urgency == "emergency"),
}
# Rows of a list that say the same thing: of these a later one takes the place of an earlier one.
SAME: Mapping[str, Callable[[Any], tuple[Any, ...]]] = {
    "limits": lambda row: (
        *(row.analyte, is_low(row), row.action, row.urgency, row.specialty, row.relative_to, row.within_days),
    ),
    "schedule": lambda row: (tuple(sorted(row.tests)), row.since, row.phase, row.from_day, row.specialty),
    "baseline": lambda row: (row.test, row.specialty),
    "doses": lambda row: (row.indication, row.population, row.drug),
    "symptoms": lambda row: (_plain(row.symptom), row.urgency == "emergency", row.specialty),
}
_READS_AS: Mapping[str, Callable[[Any], str]] = {
    "limits": lambda row: f"{row.analyte} {row.comparison.replace('-', ' ')}, {row.action}",
    "schedule": lambda row: f"{', '.join(row.tests)} every so often, {row.phase}",
    "baseline": lambda row: f"{row.test} before the first tablet",
    "doses": lambda row: f"dose of {row.drug}, {row.indication}, {row.population}",
    "symptoms": lambda row: f"{row.symptom}, {row.action}",
}


def apart(there: Any, here: Any) -> str:
    """Where two rows of a list differ in what they ask for; empty where they don't."""
    cells, others = (
        {key: cell for key, cell in msgspec.structs.asdict(row).items() if key not in _BESIDE_THE_POINT}
        for row in (there, here)
    )
    return ", ".join(f"{key} {cells[key]} there, {others[key]} here" for key in cells if cells[key] != others[key])


def newest(rows: Sequence[Any], same: Callable[[Any], Any], day: dt.date) -> tuple[list[Any], list[Any]]:
    """Of rows that say the same, the newest that held on a day; and apart, the earliest of those none of which did.

    >>> from types import SimpleNamespace as Row
    >>> rows = [Row(id="fever", value=38, valid_from=None), Row(id="fever", value=38.5, valid_from=dt.date(2027, 1, 1))]
    >>> held, waiting = newest(rows, lambda row: row.id, dt.date(2026, 12, 31))
    >>> held[0].value, waiting
    (38, [])
    >>> newest(rows[1:], lambda row: row.id, dt.date(2026, 12, 31))[1][0].value
    38.5
    """
    groups: dict[Any, list[Any]] = {}
    for row in rows:
        groups.setdefault(same(row), []).append(row)
    held: list[Any] = []
    waiting: list[Any] = []
    for group in groups.values():
        begun = [row for row in group if _since(row) <= day]
        since = max(map(_since, begun)) if begun else min(map(_since, group))
        (held if begun else waiting).extend(row for row in group if _since(row) == since)
    return _in_order(held, rows), _in_order(waiting, rows)


def _since(row: Any) -> dt.date:
    return row.valid_from or _ALWAYS


def _in_order(some: Iterable[Any], rows: Sequence[Any]) -> list[Any]:
    wanted = {id(row) for row in some}
    return [row for row in rows if id(row) in wanted]


def held_on(protocols: Mapping[str, Protocol], day: dt.date) -> tuple[dict[str, Protocol], list[NotYet]]:
    """The protocols as they stood on a day, and what none of their rows says yet.

    Until an own row holds, the lender's row that it will take the place of holds; where there is none, the own row
    holds early, so that nobody is ever without a limit.
    """
    held: dict[str, Protocol] = {}
    early: dict[str, dict[str, list[Any]]] = {}

    def hold(id: str) -> Protocol:
        if id not in held:
            protocol = protocols[id]
            lists: dict[str, tuple[Fact, ...]] = {}
            early[id] = {}
            for name in PROTOCOL_LISTS:
                lender = protocol.borrowed.get(name)
                lent = hold(lender).lists[name] if lender else ()
                lists[name], early[id][name] = _list_held_on(protocol, name, lent, day)
                if lender:
                    early[id][name] += [row for row in early[lender][name] if row in lists[name]]
            held[id] = replace(protocol, lists=lists)
        return held[id]

    for id in protocols:
        hold(id)
    not_yet = [
        NotYet(_READS_AS[name](row), id, row.valid_from)
        for id in protocols
        for name, rows in early[id].items()
        for row in rows
    ]
    return {id: held[id] for id in protocols}, not_yet


def _list_held_on(
    protocol: Protocol, name: str, lent: Sequence[Any], day: dt.date
) -> tuple[tuple[Fact, ...], list[Any]]:
    own = [written.row for written in protocol.own.get(name, ())]
    begun, waiting = newest(own, SAME[name], day)
    kept = kept_of_lender(name, begun, lent, beside=name in protocol.beside)
    if name == "schedule":
        asked = [*begun, *kept]
        early = [row for row in (_tests_not_asked(row, asked) for row in waiting) if row.tests]
        return (*begun, *early, *kept), early
    early = [row for row in waiting if kept_of_lender(name, [row], kept, beside=False) == kept]
    return (*_in_order([*begun, *early], own), *kept), early


def _tests_not_asked(row: Any, asked: Iterable[Any]) -> Any:
    """A row of a schedule with the tests alone that no other row asks for since then."""
    others = [other for other in asked if other.since == row.since and other.specialty in ("any", row.specialty)]
    asked_for = {test for other in others for test in other.tests}
    return msgspec.structs.replace(row, tests=[test for test in row.tests if test not in asked_for])
