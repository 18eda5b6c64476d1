"""What a clinic is asked about: rows of its own that alarm later, test more rarely or allow more than published ones.

A row that takes the place of a lender's is held against that row; any other against every published protocol.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from azaward.knowledge.loading.completeness import is_published, periods
from azaward.knowledge.loading.faults import Fault
from azaward.knowledge.loading.protocols import Protocol, is_low, kept_of_lender, unless
from azaward.terms import Action, Urgency

_ASK_NOTHING = (Action.CONTINUE, Action.INFORM)
_AGREED = "Was that agreed?"


def more_lenient(protocol: Protocol, protocols: Mapping[str, Protocol]) -> Iterator[Fault]:
    """A question for each own limit in whose place the lender's would have met a value that no limit meets any more."""
    lender = protocol.borrowed.get("limits")
    if lender is None or "limits" in protocol.beside:
        return
    for _, held in periods(protocol, protocols):
        limits: Sequence[Any] = held[protocol.id].lists["limits"]
        lost = [row for row in held[lender].lists["limits"] if row not in limits]
        for theirs in lost:
            if any(_as_strict(row, theirs) for row in limits):
                continue
            for written in protocol.own["limits"]:
                kept = kept_of_lender("limits", [written.row], [theirs], beside=False)
                if written.row in limits and kept != (theirs,):
                    says = (
                        f"{_shown(written.row)} takes the place of {_shown(theirs)} in {lender}, and a value that met "
                        f"that limit may no longer meet any. {_AGREED}"
                    )
                    yield Fault(written.lines.get("value", written.line), "limits.value", says)


def beyond_published(protocol: Protocol, protocols: Mapping[str, Protocol]) -> Iterator[Fault]:
    """A question for each own limit, interval and dose that is more lenient than every row that was published.

    Beside a lender's rows a lenient row does no harm; a limit in place of a lender's is `more_lenient`'s question.
    """
    others = [other for other in protocols.values() if is_published(other) and other is not protocol]
    for name, asks in (("limits", _limit_beyond), ("schedule", _interval_beyond), ("doses", _dose_beyond)):
        if name in protocol.beside or (name == "limits" and name in protocol.borrowed):
            continue
        published = [row for other in others for row in other.lists[name]]
        for written in protocol.own[name]:
            for key, says in asks(written.row, published):
                yield Fault(written.lines.get(key, written.line), f"{name}.{key}", f"{says}. {_AGREED}")


def _limit_beyond(row: Any, published: Sequence[Any]) -> Iterator[tuple[str, str]]:
    if row.action in _ASK_NOTHING:
        yield "action", f"{_shown(row)} asks for nothing: its action is {row.action}"
        return
    alike = [other for other in published if _about(other) == _about(row) and other.action not in _ASK_NOTHING]
    if alike and all(_reach(row) < _reach(other) for other in alike):
        yield (
            "value",
            f"{_shown(row)} is met later than every published limit, such as {_shown(min(alike, key=_reach))}",
        )


def _interval_beyond(row: Any, published: Sequence[Any]) -> Iterator[tuple[str, str]]:
    asked = [other.every_days for other in published if set(row.tests) & set(other.tests)]
    if asked and row.every_days > max(asked):
        says = f"{', '.join(row.tests)} every {row.every_days} days; no published protocol waits longer than"
        yield "every_days", f"{says} {max(asked)} days"


def _dose_beyond(row: Any, published: Sequence[Any]) -> Iterator[tuple[str, str]]:
    for key in ("max_mg_per_kg", "max_mg_per_day"):
        most = max((getattr(other, key) or 0.0 for other in published), default=0.0)
        if most and (getattr(row, key) or 0.0) > most:
            yield key, f"found {getattr(row, key):g}; no published protocol allows more than {most:g}"


def less_asked(protocol: Protocol, protocols: Mapping[str, Protocol]) -> Iterator[Fault]:
    """A question for each own baseline or symptom that asks for less than the lender's in whose place it stands."""
    for name, asks_less in (("baseline", _less_required), ("symptoms", _less_urgent)):
        lender = protocol.borrowed.get(name)
        if lender is None or name in protocol.beside:
            continue
        lent: Sequence[Any] = protocols[lender].lists[name]
        for written in protocol.own[name]:
            for theirs in (row for row in lent if not kept_of_lender(name, [written.row], [row], beside=False)):
                if says := asks_less(written.row, theirs):
                    yield Fault(written.line, name, f"{says} in {lender}. {_AGREED}")


def _less_required(row: Any, theirs: Any) -> str:
    return f"{row.test} isn't required here; it is required" if theirs.required and not row.required else ""


def _less_urgent(row: Any, theirs: Any) -> str:
    ours, other = ((Urgency(each.urgency).rank, Action(each.action).rank) for each in (row, theirs))
    less = ours[0] > other[0] or ours[1] > other[1]
    return f"{row.symptom}: {row.action}, {row.urgency} here; {theirs.action}, {theirs.urgency}" if less else ""


def _as_strict(row: Any, theirs: Any) -> bool:
    """Whether whoever meets their limit meets this one too: the same kind of limit, and no further off."""
    same = _about(row) == _about(theirs)
    long_enough = row.within_days is None or (theirs.within_days is not None and row.within_days >= theirs.within_days)
    for_as_many = row.specialty in ("any", theirs.specialty) and {*unless(row)} <= {*unless(theirs)}
    return same and long_enough and for_as_many and _reach(row) >= _reach(theirs)


def _about(row: Any) -> tuple[str, str, bool]:
    return row.analyte, row.relative_to, is_low(row)


def _reach(row: Any) -> tuple[float, bool]:
    """The more, the more values meet a limit; of a fall, a smaller one is met by more."""
    smaller_is_stricter = not is_low(row) or row.relative_to.endswith("percent")
    return -row.value if smaller_is_stricter else row.value, row.comparison in ("at-most", "at-least")


def _shown(row: Any) -> str:
    how = "" if row.relative_to == "absolute" else f" ({row.relative_to})"
    return f"{row.analyte} {row.comparison.replace('-', ' ')} {row.value:g}{how}"
