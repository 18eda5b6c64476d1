"""What a protocol's rows must hold together, on any day: nobody may go unwatched by an oversight."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from azaward.knowledge.loading.faults import Fault
from azaward.knowledge.loading.guards import has_dose
from azaward.knowledge.loading.protocols import Protocol, held_on, is_low

_CELLS = ("wbc", "neutrophils", "platelets")
_ENZYMES = ("alt", "ast")
_FOREVER = float("inf")


def is_published(protocol: Protocol) -> bool:
    """Whether a protocol lies in the folder of published ones; a clinic's own comes from elsewhere."""
    return protocol.file.startswith("protocols/")


def incomplete(protocol: Protocol, protocols: Mapping[str, Protocol]) -> Iterator[Fault]:
    """What its rows lack together, in each of the periods between the days from which some of them hold."""
    required = _required_tests(protocols)
    met: set[Fault] = set()
    for since, all_held in periods(protocol, protocols):
        held = all_held[protocol.id]
        for fault in (*_lacking(held), *_schedule_gaps(held, required)):
            if fault not in met:
                met.add(fault)
                yield fault._replace(says=f"{fault.says} This is so from {since} on.") if since else fault


def periods(
    protocol: Protocol, protocols: Mapping[str, Protocol]
) -> Iterator[tuple[dt.date | None, Mapping[str, Protocol]]]:
    """All protocols as they stood before any date of one of them (the day is None), and from each date on."""
    for since in (None, *sorted(protocol.dates())):
        yield since, held_on(protocols, since or dt.date.min)[0]


def _required_tests(protocols: Mapping[str, Protocol]) -> list[str]:
    """The tests that every published protocol asks for again and again."""
    published = [protocol for protocol in protocols.values() if is_published(protocol)]
    asked = [{test for row in _rows(protocol, "schedule") for test in row.tests} for protocol in published]
    return sorted(set[str].intersection(*asked)) if asked else []


def _rows(protocol: Protocol, name: str) -> Sequence[Any]:
    return protocol.lists[name]


def _for_everybody(protocol: Protocol, row: Any) -> bool:
    """Whether a row holds for everybody whom the protocol is for."""
    return row.specialty in ("any", protocol.specialty)


def _lacking(protocol: Protocol) -> Iterator[Fault]:
    for name in ("baseline", "schedule", "limits", "doses"):
        if not protocol.lists[name]:
            yield Fault(0, name, "no rows")
    doses = _rows(protocol, "doses")
    if doses and not any(row.population == "adult" and has_dose(row) for row in doses):
        yield Fault(0, "doses", "no dose for adults. Add a row, or borrow those of a published protocol.")
    # A rise or a fall in percent says nothing of the first value; it counts beside a limit, not for one.
    plain = [row for row in _rows(protocol, "limits") if not row.relative_to.endswith("percent")]
    limited = {(row.analyte, is_low(row)) for row in plain if _for_everybody(protocol, row)}
    for analyte in _CELLS:
        if (analyte, True) not in limited:
            says = f"no limit for low {analyte} that holds for everybody whom the protocol is for."
            yield Fault(0, "limits", f"{says} Add one, or borrow those of a published protocol.")
    if not limited & {(enzyme, False) for enzyme in _ENZYMES}:
        says = "no limit for a high liver enzyme that holds for everybody whom the protocol is for."
        yield Fault(0, "limits", f"{says} Add one for alt or ast, or borrow those of a protocol.")


def _schedule_gaps(protocol: Protocol, required: Sequence[str]) -> Iterator[Fault]:
    """A test's phases follow each other without a gap, and what is asked for since the start never ends."""
    phases: dict[str, list[Any]] = {test: [] for test in required if protocol.lists["schedule"]}
    for row in _rows(protocol, "schedule"):
        for test in row.tests:
            phases.setdefault(test, []).append(row)
    gaps: dict[tuple[int, str], list[str]] = {}
    for test, of_test in phases.items():
        begun_late = [row for row in of_test if _begins_in_a_gap(row, of_test)]
        for row in begun_late:
            says = f"nothing ends on day {row.from_day}, on which a phase begins. Let it begin where another ends."
            gaps.setdefault((_line(row, protocol), says), []).append(test)
        from_start = [row for row in of_test if row.since == "start"]
        if test in required and not begun_late:
            if says := _unwatched([row for row in from_start if _for_everybody(protocol, row)]):
                gaps.setdefault((0, says), []).append(test)
        elif None not in {row.until_day for row in from_start or of_test}:
            gaps.setdefault((0, "no phase goes on for good. Add one with `until_day: null`."), []).append(test)
    for (line, says), tests in gaps.items():
        yield Fault(line, "schedule", f"{', '.join(dict.fromkeys(tests))}: {says}")


def _line(row: Any, protocol: Protocol) -> int:
    own = protocol.own.get("schedule", ())
    return next((written.line for written in own if written.row is row), 0)


def _unwatched(rows: Sequence[Any]) -> str:
    """From which day on the rows that hold for everybody since the start don't ask for a test; empty where they do."""
    reached = 0.0
    for row in sorted(rows, key=lambda row: row.from_day):
        if row.from_day <= reached:
            reached = max(reached, _FOREVER if row.until_day is None else row.until_day)
    if reached == _FOREVER:
        return ""
    if not rows:
        says = "no row asks for it since the start for everybody whom the protocol is for."
        return f"{says} Add one, or borrow those of a published protocol."
    return (
        f"no row since the start asks for it from day {reached:g} on for everybody whom the protocol is for, "
        "so that no phase goes on for good. Add one with `until_day: null`."
    )


def _begins_in_a_gap(row: Any, of_test: Sequence[Any]) -> bool:
    # Specialties overlap, so that the first phase of one may begin within another's; the phases of one
    # follow each other.
    own = [other for other in of_test if (other.specialty, other.since) == (row.specialty, row.since)]
    if row.from_day in {0, *(other.until_day for other in own)}:
        return False
    if row.from_day != min(other.from_day for other in own):
        return True
    within = any(
        other.specialty != row.specialty and other.from_day < row.from_day < (other.until_day or _FOREVER)
        for other in of_test
    )
    return not within and row.from_day not in {other.until_day for other in of_test}
