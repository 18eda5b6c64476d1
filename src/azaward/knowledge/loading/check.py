"""Proves that the knowledge base is whole: every fact has its source and locator, every word joins to something, every
protocol is complete.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from azaward.errors import KnowledgeError
from azaward.knowledge.loading import advice
from azaward.knowledge.loading.closed import Vocabularies, row_faults, table_faults
from azaward.knowledge.loading.faults import Fault, misspelt
from azaward.knowledge.loading.guards import has_dose, number_faults
from azaward.knowledge.loading.load import Knowledge, read_file
from azaward.knowledge.loading.protocols import SAME, Protocol, apart, is_low, kept_of_lender
from azaward.knowledge.loading.schema import FILES, Fact

_SEPARATORS = ("|", "\n")
_CELLS = ("wbc", "neutrophils", "platelets")
_ENZYMES = ("alt", "ast")
# Rules choose a dose for these; a row for others says its dose in words.
_POPULATIONS = ("adult", "child")
_IDENTIFIED = ("sources", "analytes", "medicines", "classes", "indications", "interactions", "genotype_doses")


def with_protocol(knowledge: Knowledge, path: Path) -> tuple[Knowledge, str]:
    """Knowledge with a clinic's own protocol, and its id; `KnowledgeError` names each fault and its line."""
    held, own = knowledge.and_protocol(path.name, read_file(path))
    # What the rows lack together: a test that nobody asks for any more, a blood cell without a limit.
    if lines := list(protocol_faults(held.protocols[own], held)):
        raise KnowledgeError("\n".join(lines))
    return held, own


def facts(knowledge: Knowledge) -> Iterator[tuple[str, Fact]]:
    """Every fact with where it stands: its file and line."""
    for name, rows in knowledge.tables.items():
        for line, row in enumerate(rows, 2):
            if isinstance(row, Fact):
                yield f"{FILES[name]}:{line}", row
    for protocol in knowledge.protocols.values():
        for name, rows in protocol.own.items():
            for written in rows:
                yield f"{protocol.file}:{written.line} {name}", written.row


def faults(knowledge: Knowledge) -> list[str]:
    """One line for each fault; an empty list where there is none."""
    if unreadable := list(_unreadable(knowledge)):
        return unreadable
    lines: list[str] = []
    for where, row in facts(knowledge):
        if not row.locator.strip():
            lines.append(f"{where}: no locator. Say where in {row.source!r} it stands.")
        if any(mark in row.locator for mark in _SEPARATORS):
            lines.append(f"{where}: the locator holds '|' or a line break. Take it out.")
    lines += _words_unknown(knowledge)
    lines += _repeated(knowledge)
    lines += _metabolites_unclear(knowledge)
    lines += advice.faults(knowledge)
    for protocol in knowledge.protocols.values():
        lines += protocol_faults(protocol, knowledge)
    return lines


def _unreadable(knowledge: Knowledge) -> Iterator[str]:
    for name in knowledge.tables:
        try:
            knowledge.tables[name]
        except KnowledgeError as error:
            yield from str(error).splitlines()


def protocol_faults(protocol: Protocol, knowledge: Knowledge) -> Iterator[str]:
    """What is wrong with a protocol that could be read, in the order of its lines."""
    faults = [*_lacking(protocol), *_schedule_gaps(protocol)]
    for name, rows in protocol.own.items():
        for written in rows:
            faults += (
                Fault(written.lines.get(key, written.line), f"{name}.{key}" if key else name, says)
                for key, says in protocol_row_faults(written.row, knowledge.vocabularies, protocol)
            )
    return (fault.of(protocol.file) for fault in sorted(faults))


def protocol_row_faults(row: Any, words: Vocabularies, protocol: Protocol) -> Iterator[tuple[str, str]]:
    """The columns of a protocol's row with what is wrong in each."""
    for column, says in row_faults(row, words):
        if column != "source" or row.source not in protocol.sources:
            yield column, says
    yield from number_faults(row)
    if hasattr(row, "population"):
        # A published text's dose for others stands there for readers, in words.
        if row.population not in _POPULATIONS and (has_dose(row) or not is_published(protocol)):
            says = misspelt(row.population, "population", _POPULATIONS)
            yield "population", f"{says} A dose for others is said in the note, in words."
        elif row.population in _POPULATIONS and not has_dose(row):
            yield "", "the row holds no dose. Write at least one number, such as max_mg_per_kg."
    if getattr(row, "relative_to", None) == "absolute":
        for analyte in words.tables["analytes"]:
            if analyte.id == row.analyte and not _inside(row.value, analyte.plausible_low, analyte.plausible_high):
                says = f"{row.value:g} is no plausible value of {row.analyte} in {analyte.unit}"
                yield "value", f"{says}. Was it written in another unit?"


def is_published(protocol: Protocol) -> bool:
    """Whether a protocol lies in the folder of published ones; a clinic's own comes from elsewhere."""
    return protocol.file.startswith("protocols/")


def questions(protocol: Protocol, knowledge: Knowledge) -> list[str]:
    """Rows that cite a published text as read, though no protocol of that text says the same: are they the clinic's?"""
    lines: list[str] = []
    for name, rows in protocol.own.items():
        for written in rows:
            row = written.row
            if row.how != "read" or row.source in protocol.sources:
                continue
            theirs = _published(name, row, knowledge, protocol)
            if theirs and all(apart(each, row) for each in theirs):
                differ = " or ".join(dict.fromkeys(apart(each, row) for each in theirs))
                says = (
                    f"cites {row.source!r} as read, but what azaward took from that text is otherwise ({differ}). "
                    "If the number is yours, cite a source of your own."
                )
                lines.append(Fault(written.lines.get("source", written.line), name, says).of(protocol.file))
    return lines


def _published(name: str, row: Any, knowledge: Knowledge, protocol: Protocol) -> list[Any]:
    """The rows of other protocols that cite the same source about the same thing."""
    return [
        written.row
        for other in knowledge.protocols.values()
        if other is not protocol
        for written in other.own.get(name, ())
        if written.row.source == row.source and _about(name, written.row) == _about(name, row)
    ]


def _about(name: str, row: Any) -> Any:
    """What a row speaks of: the first thing that tells it from others of its list, a test or an analyte."""
    return SAME[name](row)[0]


def replaced(protocol: Protocol, knowledge: Knowledge) -> int:
    """How many rows of the protocols that it builds on its own rows take the place of."""
    count = 0
    for name, lender in protocol.borrowed.items():
        lent = knowledge.protocols[lender].lists[name]
        own = [written.row for written in protocol.own[name]]
        count += len(lent) - len(kept_of_lender(name, own, lent, beside=name in protocol.beside))
    return count


def _lacking(protocol: Protocol) -> Iterator[Fault]:
    for name in ("baseline", "schedule", "limits", "doses"):
        if not protocol.lists[name]:
            yield Fault(0, name, "no rows")
    doses: Any = protocol.lists["doses"]
    if doses and not any(row.population == "adult" and has_dose(row) for row in doses):
        yield Fault(0, "doses", "no dose for adults. Add a row, or borrow those of a published protocol.")
    # A rise or a fall in percent says nothing of the first value; it counts beside a limit, not for one.
    limits: Any = protocol.lists["limits"]
    plain = [row for row in limits if not row.relative_to.endswith("percent")]
    limited = {(row.analyte, is_low(row)) for row in plain if row.specialty in _specialties(protocol)}
    for analyte in _CELLS:
        if (analyte, True) not in limited:
            says = f"no limit for low {analyte} that holds for everybody whom the protocol is for."
            yield Fault(0, "limits", f"{says} Add one, or borrow those of a published protocol.")
    if not limited & {(enzyme, False) for enzyme in _ENZYMES}:
        says = "no limit for a high liver enzyme that holds for everybody whom the protocol is for."
        yield Fault(0, "limits", f"{says} Add one for alt or ast, or borrow those of a protocol.")


def _specialties(protocol: Protocol) -> tuple[str, str]:
    """What stands in the rows that hold for everybody whom a protocol is for."""
    return "any", protocol.specialty or "any"


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


_FOREVER = 1_000_000


def _schedule_gaps(protocol: Protocol) -> Iterator[Fault]:
    """A test's phases follow each other without a gap, and what is asked for since the start never ends."""
    phases: dict[str, list[Any]] = {}
    rows: Any = protocol.lists["schedule"]
    for row in rows:
        for test in row.tests:
            phases.setdefault(test, []).append(row)
    lines = {id(written.row): written.line for written in protocol.own.get("schedule", ())}
    gaps: dict[tuple[int, str], list[str]] = {}
    for test, of_test in phases.items():
        for row in of_test:
            if _begins_in_a_gap(row, of_test):
                says = f"nothing ends on day {row.from_day}, on which a phase begins. Let it begin where another ends."
                gaps.setdefault((lines.get(id(row), 0), says), []).append(test)
        if None not in {row.until_day for row in of_test}:
            gaps.setdefault((0, "no phase goes on for good. Add one with `until_day: null`."), []).append(test)
    for (line, says), tests in gaps.items():
        yield Fault(line, "schedule", f"{', '.join(dict.fromkeys(tests))}: {says}")


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


def _repeated(knowledge: Knowledge) -> Iterator[str]:
    for name in _IDENTIFIED:
        for word, times in Counter(row.id for row in knowledge.tables[name]).items():
            if times > 1:
                yield f"{FILES[name]}: id {word!r} stands there {times} times. Keep one."
    dated = Counter((row.id, row.valid_from) for row in knowledge.tables["parameters"])
    for (word, since), times in dated.items():
        if times > 1:
            when = f"from {since} on" if since else "without a day from which it holds"
            yield f"{FILES['parameters']}: id {word!r} stands there {times} times {when}. Keep one."


def _words_unknown(knowledge: Knowledge) -> Iterator[str]:
    """Words that join to nothing would never be met by a rule, in silence."""
    for name, rows in knowledge.tables.items():
        for place, column, says in sorted(table_faults(rows, knowledge.vocabularies)):
            yield f"{FILES[name]}:{place + 2} {column}: {says}"
