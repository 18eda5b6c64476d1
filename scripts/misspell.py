"""Misspells each closed word of knowledge/ and of the example clinic protocol in turn, and says which nobody notices.

Every column of words must say by its type whether it names its own row, is prose, or is closed
(`azaward/knowledge/loading/schema/columns.py`). One letter of each word of each closed column is changed; what reads
that column must then find a fault. Words that another check reads are given to that one.

    python scripts/misspell.py               every word
    python scripts/misspell.py --sample 500  a random sample, the seed printed

Exit 1 where a change went unnoticed, or where a column says nothing.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from azaward.errors import KnowledgeError
from azaward.knowledge import Knowledge, load
from azaward.knowledge.loading import advice
from azaward.knowledge.loading.check import protocol_faults, protocol_row_faults
from azaward.knowledge.loading.closed import Column, columns, parts, row_faults
from azaward.knowledge.loading.faults import value_fault
from azaward.knowledge.loading.schema import FILES, PROTOCOL_LISTS, TABLES, Row
from azaward.knowledge.loading.schema.columns import Open

ROOT = Path(__file__).parents[1]
# Keys at the top of a protocol's file, or under `defaults:`, that hold words of a vocabulary.
_HEADER_KEYS = ("specialty", "builds_on", *(f"{name}_from" for name in PROTOCOL_LISTS))
_WORD = re.compile(r"[\w-]+")


class Word(NamedTuple):
    """A word where it stands, and whether another in its place would be noticed."""

    where: str
    word: str
    noticed: Callable[[str], bool]


def unclassified() -> list[str]:
    """Columns of words that don't say which kind they are."""
    return [
        f"{name}.{column.name}"
        for name, row_type in {**TABLES, **PROTOCOL_LISTS}.items()
        for column in columns(row_type)
        if not (column.fixed or column.closed or column.open)
    ]


def misspelt(word: str) -> str:
    """The word with its middle character changed.

    >>> misspelt("withhold"), misspelt("*3")
    ('withqold', '*q')
    """
    place = len(word) // 2
    return word[:place] + ("z" if word[place] == "q" else "q") + word[place + 1 :]


def words_of_tables(knowledge: Knowledge) -> Iterator[Word]:
    """Each word of each closed column of the tables."""
    for name, rows in knowledge.tables.items():
        for line, row in enumerate(rows, 2):
            for column in columns(TABLES[name]):
                where = f"{FILES[name]}:{line} {column.name}"
                if column.open is Open.PROVEN_ELSEWHERE:
                    yield from _conditions(where, name, line - 2, column, knowledge)
                else:
                    yield from _words(where, row, column, partial(row_faults, vocabularies=knowledge.vocabularies))


def words_of_protocols(knowledge: Knowledge) -> Iterator[Word]:
    """Each word of each closed column of the published protocols."""
    for protocol in knowledge.protocols.values():
        check = partial(protocol_row_faults, words=knowledge.vocabularies, protocol=protocol)
        for name, rows in protocol.own.items():
            for written in rows:
                for column in columns(PROTOCOL_LISTS[name]):
                    where = f"{protocol.file}:{written.lines.get(column.name, written.line)} {name}.{column.name}"
                    yield from _words(where, written.row, column, check)


def _words(where: str, row: Row, column: Column, faults: Any) -> Iterator[Word]:
    cell = getattr(row, column.attribute)
    if cell is None:
        return
    if column.fixed:
        yield Word(where, cell, lambda changed: value_fault(type(row), column.name, changed) is not None)
        return
    proven = column.open is Open.PROVEN_ELSEWHERE
    if not column.closed and not proven:
        return
    held = parts(cell, column.closed) if column.closed else [cell]
    for place, word in enumerate(held):

        def noticed(changed: str, place: int = place) -> bool:
            mixed = [*held[:place], changed, *held[place + 1 :]]
            new = mixed if isinstance(cell, list) else "; ".join(mixed)
            return any(True for _ in faults(msgspec.structs.replace(row, **{column.attribute: new})))

        if not proven or any("_mg_" in key and value is not None for key, value in _cells(row)):
            yield Word(where, word, noticed)


def _cells(row: Row) -> Iterator[tuple[str, Any]]:
    yield from msgspec.structs.asdict(row).items()


def _conditions(where: str, table: str, place: int, column: Column, knowledge: Knowledge) -> Iterator[Word]:
    """The words of a condition of daily life: facts, answers and numbers, read by advice.py."""
    rows = knowledge.tables[table]
    text = getattr(rows[place], column.attribute) or ""

    def noticed(changed: str, match: re.Match[str]) -> bool:
        cell = text[: match.start()] + changed + text[match.end() :]
        row = msgspec.structs.replace(rows[place], **{column.attribute: cell})
        tables = {**knowledge.tables, table: (*rows[:place], row, *rows[place + 1 :])}
        return any(True for _ in advice.faults(replace(knowledge, tables=tables)))

    for match in _WORD.finditer(text):
        yield Word(where, match[0], partial(noticed, match=match))


def clinic_example() -> str:
    """The clinic's protocol that docs/protocols/add.md shows."""
    page = (ROOT / "docs/protocols/add.md").read_text(encoding="utf-8")
    return next(iter(re.findall(r"^```yaml\n(.*?)^```$", page, flags=re.M | re.S)))


def words_of_clinic(knowledge: Knowledge, text: str) -> Iterator[Word]:
    """Each closed word of a clinic's file, changed in its text, which is then read as a whole."""

    def noticed(changed: str, node: Any) -> bool:
        try:
            file = text[: node.start_mark.index] + changed + text[node.end_mark.index :]
            held, own = knowledge.and_protocol("my-clinic.yaml", file)
        except KnowledgeError:
            return True
        return any(True for _ in protocol_faults(held.protocols[own], held))

    for where, node in _closed_nodes(yaml.compose(text, Loader=yaml.SafeLoader)):
        yield Word(f"my-clinic.yaml:{node.start_mark.line + 1} {where}", node.value, partial(noticed, node=node))


def _closed_nodes(document: Any) -> Iterator[tuple[str, Any]]:
    for key, value in document.value:
        if key.value in _HEADER_KEYS:
            yield key.value, value
        elif key.value == "defaults":
            yield from _of_row("defaults", value, PROTOCOL_LISTS["limits"])
        elif key.value in PROTOCOL_LISTS:
            for row in value.value:
                yield from _of_row(key.value, row, PROTOCOL_LISTS[key.value])


def _of_row(name: str, row: Any, row_type: type[Row]) -> Iterator[tuple[str, Any]]:
    closed = {column.name for column in columns(row_type) if column.fixed or column.closed}
    for key, value in row.value:
        if key.value in closed:
            for node in value.value if isinstance(value.value, list) else [value]:
                yield f"{name}.{key.value}", node


def every_word(knowledge: Knowledge) -> list[Word]:
    """All words that must be noticed when they are misspelt."""
    clinic = words_of_clinic(knowledge, clinic_example())
    return [*words_of_tables(knowledge), *words_of_protocols(knowledge), *clinic]


def unnoticed(words: list[Word]) -> list[str]:
    """A line for each word whose change nothing notices."""
    return [f"{where}: {word!r} as {misspelt(word)!r}" for where, word, noticed in words if not noticed(misspelt(word))]


def main() -> int:
    """Changes the words and says what nobody noticed."""
    asked = argparse.ArgumentParser(description="Misspell each closed word and report those that nothing notices.")
    asked.add_argument("--sample", type=int, help="so many words at random instead of all")
    asked.add_argument("--seed", type=int, default=random.randrange(10_000))
    options = asked.parse_args()
    began = time.monotonic()
    if silent := unclassified():
        print(f"columns that don't say whether they are closed: {', '.join(silent)}")
        return 1
    words = every_word(load())
    if options.sample:
        print(f"seed {options.seed}")
        words = random.Random(options.seed).sample(words, options.sample)
    lines = unnoticed(words)
    print("\n".join(lines[:100]))
    print(f"{len(words)} words misspelt, {len(lines)} unnoticed, {time.monotonic() - began:.0f} s")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
