"""Which words may stand in a column, and what is said of one that may not.

A vocabulary is made from the table that its words join to. A misspelt word would join to nothing, and no rule would
say so: it is an error that names the nearest word and those that there are.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec

from azaward.knowledge.loading.faults import misspelt
from azaward.knowledge.loading.schema.columns import Closed, Open, fixed_words, split, without_none
from azaward.knowledge.loading.schema.facts import UNITS, Row
from azaward.knowledge.loading.schema.hl7 import MEANINGS
from azaward.knowledge.loading.schema.people import EVENT_CLASSES
from azaward.knowledge.loading.schema.tables import Tables

Key = tuple[Any, ...]
# The words of each part of a vocabulary; one that has no parts has them all under ().
Words = Mapping[Key, Mapping[str, None]]
# Conditions that no table lists and a laboratory's page names: a record's own words may meet them.
_PITFALLS_IN_WORDS = ("anaemia", "uraemia", "sample_delay")
_TRANSFUSIONS = ("transfusion", "transfusion_before_genotype")
_TREATMENTS = ("allogeneic_stem_cell_transplant",)
# The rows of metabolites.csv for children, whom no protocol here is for.
_CHILDRENS_METABOLITES = "grp-2021-children"


class Column(NamedTuple):
    """A column of words: the attribute, the name in the file, the words where they are fixed, else the vocabulary."""

    attribute: str
    name: str
    fixed: tuple[str, ...]
    closed: Closed | None
    open: Open | None


@lru_cache(maxsize=128)
def columns(row_type: type[Row]) -> tuple[Column, ...]:
    """The columns of words of a table or list.

    >>> from azaward.knowledge.loading.schema.protocols import Symptom
    >>> [column.name for column in columns(Symptom) if column.closed]
    ['source', 'symptom', 'test', 'specialty']
    """
    hints = typing.get_type_hints(row_type, include_extras=True)
    columns: list[Column] = []
    for field in msgspec.structs.fields(row_type):
        hint = _bare(hints[field.name])
        marks = getattr(hint, "__metadata__", ())
        base = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        if base is str or fixed_words(base):
            closed = next((mark for mark in marks if isinstance(mark, Closed)), None)
            why = next((mark for mark in marks if isinstance(mark, Open)), None)
            columns.append(Column(field.name, field.encode_name, fixed_words(base), closed, why))
    return tuple(columns)


def _bare(hint: Any) -> Any:
    """A type without the None that it may be, or that of a list's items."""
    hint = without_none(hint)
    return get_args(hint)[0] if get_origin(hint) is list else hint


class Vocabularies:
    """The vocabularies of some tables, each made when it is first asked for."""

    def __init__(self, tables: Tables, protocols: Iterable[str]) -> None:
        self.tables, self.protocols = tables, tuple(protocols)
        self._made: dict[str, Words] = {}
        # To look for the nearest word takes time, and a word that is wrong is often wrong in many rows.
        self._said: dict[tuple[str, Key, str], str] = {}

    def of(self, name: str) -> Words:
        """The vocabulary of that name, by its parts."""
        if name not in self._made:
            self._made[name] = _MADE[name](self)
        return self._made[name]

    def ids(self, table: str, column: str = "id") -> dict[str, None]:
        """The words of a column, in the order of the table."""
        return dict.fromkeys(getattr(row, column) for row in self.tables[table])

    def events(self, *kinds: str) -> dict[str, None]:
        """The codes of events of some kinds."""
        return dict.fromkeys(row.code for row in self.tables["events"] if row.kind in kinds)

    def fault(self, closed: Closed, word: str, row: Mapping[str, Any]) -> str | None:
        """What is wrong with a word of a row; None where it may stand there."""
        part = tuple(row.get(column) for column in closed.by)
        known = self.of(closed.vocabulary).get(part, {})
        if word in known:
            return None
        asked = (closed.vocabulary, part, word)
        if asked not in self._said:
            self._said[asked] = misspelt(word, closed.vocabulary, known)
        return self._said[asked]


def table_faults(rows: Sequence[Row], vocabularies: Vocabularies) -> Iterator[tuple[int, str, str]]:
    """The place of each row of a table that `row_faults` finds something in, with the column and the words."""
    for column in columns(type(rows[0])) if rows else ():
        if column.closed is None:
            continue
        cells_of = attrgetter(column.attribute, *column.closed.by)
        # Most words stand in many rows.
        distinct = {cells_of(row): row for row in rows}
        wrong = {cells for cells, row in distinct.items() if any(row_faults(row, vocabularies, (column,)))}
        for place, row in enumerate(rows) if wrong else ():
            if cells_of(row) in wrong:
                yield from ((place, name, says) for name, says in row_faults(row, vocabularies, (column,)))


def row_faults(row: Row, vocabularies: Vocabularies, only: Iterable[Column] | None = None) -> Iterator[tuple[str, str]]:
    """Each column of a row that holds a word which its vocabulary doesn't have, and what is wrong with it."""
    for column in columns(type(row)) if only is None else only:
        cell = getattr(row, column.attribute)
        if column.closed is None or cell is None:
            continue
        for word in parts(cell, column.closed):
            by = {name: getattr(row, name) for name in column.closed.by}
            if fault := vocabularies.fault(column.closed, word, by):
                yield column.name, fault


def parts(cell: Any, closed: Closed) -> list[str]:
    """The words of a cell that may hold several."""
    if isinstance(cell, list):
        return typing.cast(list[str], cell)
    return split(cell) if closed.many else [cell]


def _all(words: Iterable[str]) -> Words:
    return {(): dict.fromkeys(words)}


def _alleles(of: Vocabularies, *more: str) -> Words:
    genes: dict[Key, dict[str, None]] = {}
    for row in of.tables["alleles"]:
        genes.setdefault((row.gene,), dict.fromkeys(more))[row.allele] = None
    return genes


def _at_position(column: str) -> Callable[[Vocabularies], Words]:
    def made(of: Vocabularies) -> Words:
        places: dict[Key, dict[str, None]] = {}
        for row in of.tables["gene_positions"]:
            if (cell := getattr(row, column)) is not None:
                places.setdefault((row.pos_grch38,), {})[cell] = None
        return places

    return made


def _classes(of: Vocabularies) -> dict[str, None]:
    return of.ids("classes")


def _spaced(words: Iterable[str]) -> dict[str, None]:
    """Each word as records and pages write it, and as an id."""
    ids = list(words)
    return dict.fromkeys([*(word.replace("_", " ") for word in ids), *ids])


def _kinds_and_codes(of: Vocabularies) -> list[str]:
    return [f"{row.kind}:{row.code}" for row in of.tables["events"]]


def _pitfalls(of: Vocabularies) -> Words:
    """As a row's kind says: a transfusion, a medicine or a class, a condition or an indication, a treatment."""
    thiopurines = [row.id for row in of.tables["medicines"] if "thiopurine" in split(row.classes)]
    return {
        ("transfusion",): dict.fromkeys(_TRANSFUSIONS),
        ("medicine",): _spaced([*of.ids("medicines"), *_classes(of)]),
        ("condition",): _spaced([*of.events("condition"), *of.ids("indications"), *_PITFALLS_IN_WORDS]),
        ("treatment",): dict.fromkeys([*thiopurines, *_TREATMENTS]),
    }


def _partners(of: Vocabularies) -> Words:
    vaccines = (split(row.classes) for row in of.tables["events"] if row.kind == "vaccination")
    return {
        ("ingredient",): of.ids("medicines"),
        ("class",): _classes(of),
        ("vaccine",): dict.fromkeys(word for classes in vaccines for word in classes),
    }


def _words_of_ours(of: Vocabularies) -> Words:
    """What a concept of another vocabulary is called here, by its kind."""
    return {
        ("analyte",): of.ids("analytes"),
        ("medicine",): of.ids("medicines"),
        ("indication",): of.ids("indications"),
        ("event",): dict.fromkeys(_kinds_and_codes(of)),
        ("unit",): of.ids("units", "written") | dict.fromkeys(UNITS),
        ("comparator",): dict.fromkeys(("<", "<=", "=", ">=", ">")),
        ("sex",): dict.fromkeys(("female", "male")),
        ("result",): dict.fromkeys(("Positive", "Negative")),
    }


_MADE: Mapping[str, Callable[[Vocabularies], Words]] = {
    "topic of advice": lambda of: _all(of.ids("advice_topics", "topic")),
    "allele": _alleles,
    "allele or other": lambda of: _alleles(of, "other"),
    "analyte": lambda of: _all(of.ids("analytes")),
    "ancestry group": lambda of: _all(of.ids("ancestry_groups", "group")),
    "call": lambda of: _all(of.ids("advice_calls")),
    "changed base": _at_position("alt"),
    "class of events": lambda of: _all(EVENT_CLASSES),
    "class of medicines": lambda of: _all(_classes(of)),
    "family of indications": lambda of: _all(of.ids("indications", "family")),
    "indication": lambda of: _all(["any", *of.ids("indications")]),
    "indication of a trial": lambda of: _all(of.ids("indications")),
    "known cause": lambda of: _all([*EVENT_CLASSES, *of.ids("indications")]),
    "meaning of an HL7 code": lambda of: {(table,): dict.fromkeys(words) for table, words in MEANINGS.items()},
    "medicine": lambda of: _all(of.ids("medicines")),
    "medicine or class": lambda of: _all([*of.ids("medicines"), *_classes(of)]),
    "partner of an interaction": _partners,
    "pitfall": _pitfalls,
    "protocol": lambda of: _all(of.protocols),
    "protocol, or its own for children": lambda of: _all([*of.protocols, _CHILDRENS_METABOLITES]),
    "reference base": _at_position("ref"),
    "rsid": _at_position("rsid"),
    "source": lambda of: _all(of.ids("sources")),
    "specialty": lambda of: _all(["any", *of.ids("indications", "family")]),
    # A symptom is met by its code; every infection by this one word.
    "symptom": lambda of: _all(_spaced([*of.events("symptom", "condition"), "infection"])),
    "symptom or infection": lambda of: _all(of.events("symptom", "condition", "infection")),
    "test": lambda of: _all(of.ids("tests", "test")),
    "trial": lambda of: _all(of.ids("trials")),
    "what fills a test": lambda of: {
        ("analyte",): of.ids("analytes"),
        ("genotype",): of.ids("alleles", "gene"),
        ("event",): dict.fromkeys([*_kinds_and_codes(of), *(word.replace("_", " ") for word in _kinds_and_codes(of))]),
    },
    "word of ours": _words_of_ours,
    "written unit": lambda of: _all(of.ids("units", "written")),
}
