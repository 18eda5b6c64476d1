"""Which limits of a lender a clinic's own rows take the place of, though they would be met later or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from azaward.knowledge.loading.completeness import periods
from azaward.knowledge.loading.faults import Fault
from azaward.knowledge.loading.protocols import Protocol, is_low, kept_of_lender


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
                if written.row in limits and not kept_of_lender("limits", [written.row], [theirs], beside=False):
                    says = (
                        f"{_shown(written.row)} takes the place of {_shown(theirs)} in {lender}, and a value that met "
                        "that limit may no longer meet any. Was that agreed?"
                    )
                    yield Fault(written.lines.get("value", written.line), "limits.value", says)


def _as_strict(row: Any, theirs: Any) -> bool:
    """Whether whoever meets their limit meets this one too: the same kind of limit, and no further off."""
    same = (row.analyte, row.relative_to, is_low(row)) == (theirs.analyte, theirs.relative_to, is_low(theirs))
    long_enough = row.within_days is None or (theirs.within_days is not None and row.within_days >= theirs.within_days)
    return same and long_enough and row.specialty in ("any", theirs.specialty) and _reach(row) >= _reach(theirs)


def _reach(row: Any) -> tuple[float, bool]:
    """The more, the more values meet a limit; of a fall, a smaller one is met by more."""
    smaller_is_stricter = not is_low(row) or row.relative_to.endswith("percent")
    return -row.value if smaller_is_stricter else row.value, row.comparison in ("at-most", "at-least")


def _shown(row: Any) -> str:
    how = "" if row.relative_to == "absolute" else f" ({row.relative_to})"
    return f"{row.analyte} {row.comparison.replace('-', ' ')} {row.value:g}{how}"
