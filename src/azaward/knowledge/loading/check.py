"""Proves that the knowledge base is whole: every fact has its source and locator, every protocol is complete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from azaward.errors import KnowledgeError
from azaward.knowledge.loading import advice
from azaward.knowledge.loading.load import Knowledge, read_file
from azaward.knowledge.loading.relations import split
from azaward.knowledge.loading.schema import PROTOCOL_LISTS, Fact, Schedule

_SEPARATORS = ("|", "\n")
_LISTS_NEEDED = ("baseline", "schedule", "limits", "doses")
_CELLS = ("wbc", "neutrophils", "platelets")
_ENZYMES = ("alt", "ast")


def with_protocol(knowledge: Knowledge, path: Path) -> tuple[Knowledge, str]:
    """Knowledge with a clinic's own protocol, and its id; `KnowledgeError` names each fault and its line."""
    held, own = knowledge.and_protocol(path.name, read_file(path))
    # A test or an analyte that nothing knows would never be met by a rule, in silence.
    if found := [fault for fault in faults(held) if fault.startswith(f"protocols/{own}")]:
        raise KnowledgeError("\n".join(f"{path.name}: {fault}" for fault in found))
    return held, own


def facts(knowledge: Knowledge) -> Iterator[tuple[str, Fact]]:
    """Every fact with where it stands: its table or protocol, and its place."""
    for name, rows in knowledge.tables.items():
        for place, row in enumerate(rows, 2):
            if isinstance(row, Fact):
                yield f"{name}.csv line {place}", row
    for protocol in knowledge.protocols.values():
        for name in PROTOCOL_LISTS:
            lender = protocol.borrowed.get(name)
            borrowed = knowledge.protocols[lender].lists[name] if lender else ()
            for place, row in enumerate(protocol.lists[name], 1):
                if row not in borrowed:
                    yield f"protocols/{protocol.id} {name} row {place}", row


def faults(knowledge: Knowledge) -> list[str]:
    """One line for each fault; an empty list where there is none."""
    found: list[str] = []
    for where, row in facts(knowledge):
        if row.source not in knowledge.sources:
            found.append(f"{where}: source {row.source!r} is not in sources.csv. Add it there.")
        if not row.locator.strip():
            found.append(f"{where}: no locator. Say where in {row.source!r} it stands.")
        if any(mark in row.locator for mark in _SEPARATORS):
            found.append(f"{where}: the locator holds '|' or a line break. Take it out.")
    found += _repeated(knowledge)
    found += _dangling(knowledge)
    found += _metabolites_unclear(knowledge)
    found += _schedule_gaps(knowledge)
    found += advice.faults(knowledge)
    for protocol in knowledge.protocols.values():
        found += [f"protocols/{protocol.id}: no {name}" for name in _LISTS_NEEDED if not protocol.lists[name]]
        limited = {getattr(row, "analyte", None) for row in protocol.lists["limits"]}
        for analyte in _CELLS:
            if analyte not in limited:
                found.append(f"protocols/{protocol.id}: no limit for {analyte}")
        if not limited & set(_ENZYMES):
            found.append(f"protocols/{protocol.id}: no limit for a liver enzyme")
    return found


def _metabolites_unclear(knowledge: Knowledge) -> Iterator[str]:
    """Every pair of levels meets exactly one row of a protocol: no gap, and no two answers."""
    for protocol in dict.fromkeys(row.protocol for row in knowledge.tables["metabolites"]):
        rows = [row for row in knowledge.tables["metabolites"] if row.protocol == protocol]
        ratios = {bound for row in rows for bound in (row.ratio_low, row.ratio_high) if bound is not None}
        for tgn in _around(bound for row in rows for bound in (row.tgn_low, row.tgn_high)):
            bounds = [bound for row in rows for bound in (row.mmp_low, row.mmp_high)]
            for mmp in _around([*bounds, *(ratio * tgn for ratio in ratios)]):
                ratio = mmp / tgn if tgn else None
                met = [
                    row
                    for row in rows
                    if _inside(tgn, row.tgn_low, row.tgn_high)
                    and _inside(mmp, row.mmp_low, row.mmp_high)
                    and _inside(ratio, row.ratio_low, row.ratio_high)
                ]
                if len(met) != 1:
                    yield f"metabolites.csv: {protocol}: {len(met)} rows for nucleotides {tgn:g}, methylated {mmp:g}"
                    return


def _around(bounds: Iterable[float | None]) -> list[float]:
    """Each bound, just below and just above it."""
    points = {0.0}
    for bound in bounds:
        if bound is not None:
            points |= {bound, bound + 0.001, max(0.0, bound - 0.001)}
    return sorted(points)


def _inside(value: float | None, low: float | None, high: float | None) -> bool:
    if value is None:
        return low is None and high is None
    return (low is None or value >= low) and (high is None or value < high)


FOREVER = 1_000_000


def _schedule_gaps(knowledge: Knowledge) -> Iterator[str]:
    """A test's phases follow each other without a gap, and what is asked for since the start never ends."""
    for protocol in knowledge.protocols.values():
        phases: dict[str, list[Schedule]] = {}
        for row in protocol.lists["schedule"]:
            if isinstance(row, Schedule):
                for test in row.tests:
                    phases.setdefault(test, []).append(row)
        for test, rows in phases.items():
            where = f"protocols/{protocol.id} schedule: {test}"
            ends = {row.until_day for row in rows}
            for row in rows:
                # Specialties overlap, so that the first phase of one may begin within another's; the phases of one
                # follow each other.
                own = [other for other in rows if (other.specialty, other.since) == (row.specialty, row.since)]
                begins = {0, *(other.until_day for other in own)}
                if row.from_day == min(other.from_day for other in own):
                    begins |= ends
                    overlapped = any(
                        other.specialty != row.specialty
                        and other.from_day < row.from_day < (other.until_day or FOREVER)
                        for other in rows
                    )
                else:
                    overlapped = False
                if row.from_day not in begins and not overlapped:
                    yield f"{where}: nothing ends on day {row.from_day}, on which a phase begins"
            if None not in ends:
                yield f"{where}: no phase goes on for good"


def _repeated(knowledge: Knowledge) -> Iterator[str]:
    for name in ("sources", "analytes", "medicines", "parameters", "indications", "interactions", "genotype_doses"):
        for word, times in Counter(row.id for row in knowledge.tables[name]).items():
            if times > 1:
                yield f"{name}.csv: id {word!r} stands there {times} times"


def _dangling(knowledge: Knowledge) -> Iterator[str]:
    """References to a row that doesn't exist would never be met by a rule, in silence."""
    tests = {row.test for row in knowledge.tables["tests"]}
    medicines = {row.id for row in knowledge.tables["medicines"]}
    classes = {word for row in knowledge.tables["medicines"] for word in split(row.classes)}
    classes |= {row.effect for row in knowledge.tables["medicine_effects"]}
    vaccines = {word for row in knowledge.tables["events"] if row.kind == "vaccination" for word in split(row.classes)}
    indications = {row.id for row in knowledge.tables["indications"]} | {"any"}
    for row in knowledge.tables["indications"]:
        if row.protocol and row.protocol not in knowledge.protocols:
            yield f"indications.csv: {row.id}: no protocol {row.protocol!r}"
    for row in knowledge.tables["interactions"]:
        if row.drug not in medicines | classes:
            yield f"interactions.csv: {row.id}: no medicine or class {row.drug!r} in medicines.csv"
        if row.with_ not in {"ingredient": medicines, "class": classes, "vaccine": vaccines}[row.with_kind]:
            yield f"interactions.csv: {row.id}: no {row.with_kind} {row.with_!r} in medicines.csv"
        if row.test and row.test not in tests:
            yield f"interactions.csv: {row.id}: no test {row.test!r}"
    for row in knowledge.tables["together"]:
        for word in split(row.classes):
            if word not in classes:
                yield f"together.csv: {row.id}: no class {word!r} in medicines.csv"
    for row in knowledge.tables["medicine_effects"]:
        if row.medicine not in medicines:
            yield f"medicine_effects.csv: {row.effect}: no medicine {row.medicine!r} in medicines.csv"
    for row in knowledge.tables["medicine_names"]:
        for one in split(row.ingredients):
            if one not in medicines:
                yield f"medicine_names.csv: {row.name}: no ingredient {one!r} in medicines.csv"
    for name in ("onset", "children_doses"):
        for row in knowledge.tables[name]:
            if row.indication not in indications:
                yield f"{name}.csv: no indication {row.indication!r}"
    for row in knowledge.tables["tests"]:
        if row.satisfied_by == "analyte" and row.code not in knowledge.analytes:
            yield f"tests.csv: {row.test}: no analyte {row.code!r}"
    for protocol in knowledge.protocols.values():
        for row in (*protocol.lists["baseline"], *protocol.lists["schedule"]):
            for test in getattr(row, "tests", None) or [getattr(row, "test", None)]:
                if test not in tests:
                    yield f"protocols/{protocol.id}: no test {test!r} in tests.csv"
        for row in protocol.lists["limits"]:
            analyte = getattr(row, "analyte", None)
            if analyte not in knowledge.analytes:
                yield f"protocols/{protocol.id}: no analyte {analyte!r}"
        for row in protocol.lists["doses"]:
            population = getattr(row, "population", None)
            if population not in ("adult", "child") and any(
                value is not None for name, value in msgspec.structs.asdict(row).items() if "_mg_" in name
            ):
                yield (
                    f"protocols/{protocol.id}: doses: no rule chooses population {population!r}: "
                    "give adult or child, or say the dose in the note"
                )
            indication = getattr(row, "indication", None)
            if indication not in indications:
                yield f"protocols/{protocol.id}: doses: no indication {indication!r}"
