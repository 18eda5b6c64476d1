"""Proves that the knowledge base is whole: every fact has its source and locator, every word joins to something, every
protocol is complete.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import msgspec

from azaward.errors import KnowledgeError
from azaward.knowledge.loading import advice
from azaward.knowledge.loading.closed import Vocabularies, row_faults, table_faults
from azaward.knowledge.loading.completeness import incomplete, is_published
from azaward.knowledge.loading.faults import Fault, misspelt
from azaward.knowledge.loading.guards import has_dose, number_faults
from azaward.knowledge.loading.lenient import beyond_published, less_asked, more_lenient
from azaward.knowledge.loading.load import Knowledge, read_file
from azaward.knowledge.loading.protocols import SAME, Protocol, apart, kept_of_lender
from azaward.knowledge.loading.schema import FILES, TABLES, Fact
from azaward.knowledge.loading.schema.facts import READ
from azaward.knowledge.loading.sources import rests_on_a_copy, source_faults

_SEPARATORS = ("|", "\n")
# A conversion may take something off, as from degrees Fahrenheit.
_BELOW_ZERO = ("offset",)
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


def on_web_copies(knowledge: Knowledge) -> list[tuple[str, Fact]]:
    """The facts that were read on a copied label, a shop's page, a blog or a news page, with where they stand."""
    return [(where, row) for where, row in facts(knowledge) if rests_on_a_copy(row, knowledge.sources[row.source])]


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
    lines += source_faults(knowledge.tables["sources"])
    lines += _numbers_odd(knowledge)
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
    faults = [*incomplete(protocol, knowledge.protocols)]
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


def questions(protocol: Protocol, knowledge: Knowledge) -> list[str]:
    """What a clinic is asked about rows that may stand, but may not say what it meant."""
    lenient = (asks(protocol, knowledge.protocols) for asks in (more_lenient, beyond_published, less_asked))
    faults = [*_cited_otherwise(protocol, knowledge), *chain.from_iterable(lenient)]
    return list(dict.fromkeys(fault.of(protocol.file) for fault in sorted(faults)))


def _cited_otherwise(protocol: Protocol, knowledge: Knowledge) -> Iterator[Fault]:
    """Rows that cite a published text as read, though no protocol of that text says the same: are they the clinic's?"""
    for name, rows in protocol.own.items():
        for written in rows:
            row = written.row
            if row.how not in READ or row.source in protocol.sources:
                continue
            for about in _about(name, row):
                theirs = _published(name, about, row.source, knowledge, protocol)
                if theirs and all(apart(each, row) for each in theirs):
                    differ = " or ".join(dict.fromkeys(apart(each, row) for each in theirs))
                    says = (
                        f"cites {row.source!r} as read, but what azaward took from that text is otherwise ({differ}). "
                        "If the number is yours, cite a source of your own."
                    )
                    yield Fault(written.lines.get("source", written.line), name, says)


def _published(name: str, about: Any, source: str, knowledge: Knowledge, protocol: Protocol) -> list[Any]:
    """The rows of other protocols that cite the same source about the same thing."""
    return [
        written.row
        for other in knowledge.protocols.values()
        if other is not protocol
        for written in other.own.get(name, ())
        if written.row.source == source and about in _about(name, written.row)
    ]


def _about(name: str, row: Any) -> Sequence[Any]:
    """What a row speaks of: its tests, or the first thing that tells it from others of its list."""
    return row.tests if name == "schedule" else (SAME[name](row)[0],)


def replaced(protocol: Protocol, knowledge: Knowledge) -> int:
    """How many rows of the protocols that it builds on its own rows take the place of."""
    count = 0
    for name, lender in protocol.borrowed.items():
        lent = knowledge.protocols[lender].lists[name]
        own = [written.row for written in protocol.own[name]]
        count += len(lent) - len(kept_of_lender(name, own, lent, beside=name in protocol.beside))
    return count


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


def _numbers_odd(knowledge: Knowledge) -> Iterator[str]:
    """Numbers that are none, or are below 0 where no time, dose, count or share is."""
    for name, rows in knowledge.tables.items():
        fields = msgspec.structs.fields(TABLES[name])
        for field in (field for field in fields if {float, int} & {field.type, *get_args(field.type)}):
            for line, row in enumerate(rows, 2):
                number = getattr(row, field.name)
                if not isinstance(number, float | int):
                    continue
                if not math.isfinite(number):
                    yield f"{FILES[name]}:{line} {field.encode_name}: expected a number, found {number!r}."
                elif number < 0 and field.name not in _BELOW_ZERO:
                    yield f"{FILES[name]}:{line} {field.encode_name}: found {number:g}, expected no negative number."


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
