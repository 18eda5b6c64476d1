"""Knowledge as flat relations, the form in which rules join it.

A protocol's lists become one relation for all protocols, keyed by `protocol`. The protocol
`most-cautious` is the union of the published ones: rules always keep the worst row that a value meets
and the earliest day that a schedule names, so the union is never more lenient than any of its parts.
"""

from __future__ import annotations

import datetime as dt
import typing
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from azaward.knowledge.loading.facts import ids as fact_ids
from azaward.knowledge.loading.facts import of_protocol
from azaward.knowledge.loading.load import Knowledge
from azaward.knowledge.loading.protocols import MOST_CAUTIOUS, unless
from azaward.knowledge.loading.schema import PROTOCOL_LISTS, TABLES, Row
from azaward.knowledge.loading.schema.columns import split, without_none
from azaward.terms import Action, Term, Urgency

_TYPES = {str: "string", float: "float64", int: "int64", bool: "boolean", dt.date: "date"}
# Tables that rules join. The others serve readers of files, laboratories and people.
JOINED = (
    "analytes",
    "conversions",
    "tests",
    "biological_variation",
    "own_level",
    "indications",
    "metabolites",
    "genotype_doses",
    "enzyme_activity",
    "enzyme_pitfalls",
    "discordance",
    "interactions",
    "together",
    "onset",
    "risks",
    "events",
    "event_advice",
    "children_doses",
    "thiopurines",
    "tablets",
    "lateness",
    "floor",
    "floor_symptoms",
)
_RANKS = {
    "action": {action.value: action.rank for action in Action},
    "urgency": {urgency.value: urgency.rank for urgency in Urgency},
}
# Rules see the rows of one day (`Knowledge.held_on`), not since when they hold; and a row that holds for all but some
# specialties as one row for each of the others.
_NOT_SEEN = ("valid_from", "unless")
Schema = dict[str, str]
Relation = tuple[Schema, list[tuple[Any, ...]]]


@lru_cache(maxsize=1)
def schemas() -> Mapping[str, Schema]:
    """The columns and types of every relation, without any rows: what rules are written against."""
    schemas_by_name = {name: _schema(TABLES[name]) for name in JOINED}
    for name, row_type in PROTOCOL_LISTS.items():
        schemas_by_name[f"protocol_{name}"] = {"protocol": "string", **_schema(row_type)}
    for schema in schemas_by_name.values():
        if "source" in schema:
            schema["fact"] = "string"
    schemas_by_name["medicine_classes"] = {"medicine": "string", "class": "string"}
    schemas_by_name["together_classes"] = {"id": "string", "class": "string"}
    schemas_by_name["event_classes"] = {"kind": "string", "code": "string", "class": "string"}
    # What no row says yet on the day asked about (`Knowledge.held_on`); `protocol` is empty for a parameter.
    schemas_by_name["not_yet"] = {"protocol": "string", "what": "string", "first_held": "date"}
    for schema in schemas_by_name.values():
        # How cautious an action and how urgent an urgency is: rules keep the lowest rank.
        schema |= {f"{word}_rank": "int64" for word in _RANKS if word in schema}
    return schemas_by_name


def relations(knowledge: Knowledge, only: Collection[str] | None = None) -> dict[str, Relation]:
    """Every relation, or those of `only`, with its rows.

    Parameters are none: rules hold them as literals (rules/language/tables.py).
    """
    wanted = schemas() if only is None else only
    filled: dict[str, Relation] = {}
    for name in JOINED:
        if name in wanted:
            table = knowledge.tables[name]
            named = fact_ids(name, table) if "fact" in schemas()[name] else None
            filled[name] = (schemas()[name], list(_flat(table, named)))
    for name in PROTOCOL_LISTS:
        if f"protocol_{name}" not in wanted:
            continue
        rows = [(protocol, *row) for protocol in knowledge.protocols for row in _list_of(protocol, name, knowledge)]
        # What two protocols say in the same words of the same source is one row of the union: the first's.
        union = {row[1:-1]: (MOST_CAUTIOUS, *row[1:]) for row in reversed(rows)}
        filled[f"protocol_{name}"] = (schemas()[f"protocol_{name}"], rows + list(reversed(union.values())))
    if "medicine_classes" in wanted:
        filled["medicine_classes"] = (
            schemas()["medicine_classes"],
            [(row.id, word) for row in knowledge.tables["medicines"] for word in split(row.classes)]
            + [(row.medicine, row.effect) for row in knowledge.tables["medicine_effects"]],
        )
    if "together_classes" in wanted:
        filled["together_classes"] = (
            schemas()["together_classes"],
            [(row.id, word) for row in knowledge.tables["together"] for word in split(row.classes)],
        )
    if "event_classes" in wanted:
        filled["event_classes"] = (
            schemas()["event_classes"],
            [(row.kind, row.code, word) for row in knowledge.tables["events"] for word in split(row.classes)],
        )
    if "not_yet" in wanted:
        own = [(late.protocol, late.what, late.first_held) for late in knowledge.not_yet]
        filled["not_yet"] = (
            schemas()["not_yet"],
            own + [(MOST_CAUTIOUS, late.what, late.first_held) for late in knowledge.not_yet if late.protocol],
        )
    return {name: _ranked(relation) for name, relation in filled.items()}


def _list_of(protocol: str, name: str, knowledge: Knowledge) -> typing.Iterator[tuple[Any, ...]]:
    held = of_protocol(protocol, name, knowledge)
    named = [(id, each) for id, row in held for each in _each_specialty(row, knowledge)]
    return _flat([row for _, row in named], [id for id, _ in named])


def _each_specialty(row: Any, knowledge: Knowledge) -> list[Any]:
    if not unless(row):
        return [row]
    others = sorted({about.family for about in knowledge.tables["indications"]} - {*unless(row)})
    return [msgspec.structs.replace(row, specialty=specialty) for specialty in others]


def _ranked(relation: Relation) -> Relation:
    schema, rows = relation
    for word, ranks in _RANKS.items():
        if word in schema:
            place = list(schema).index(word)
            rows = [(*row, ranks[str(row[place])]) for row in rows]
    return schema, rows


def _schema(row_type: type[Row]) -> Schema:
    columns: Schema = {}
    hints = typing.get_type_hints(row_type)
    for field in msgspec.structs.fields(row_type):
        if field.name in _NOT_SEEN:
            continue
        kind = without_none(hints[field.name])
        if typing.get_origin(kind) is tuple:
            columns |= {f"{field.encode_name}_low": "float64", f"{field.encode_name}_high": "float64"}
        elif typing.get_origin(kind) is list:
            columns[field.encode_name.removesuffix("s")] = "string"
        else:
            columns[field.encode_name] = _TYPES.get(kind, "string")
    return columns


def _flat(rows: Sequence[Row], facts: Sequence[str] | None = None) -> typing.Iterator[tuple[Any, ...]]:
    """Rows as tuples, each with its fact's id: a pair becomes two columns, a list one row an item."""
    for place, row in enumerate(rows):
        cells: list[Any] = []
        lists: tuple[int, list[str]] | None = None
        for name in row.__struct_fields__:
            if name in _NOT_SEEN:
                continue
            cell = getattr(row, name)
            if "target_mg" in name:
                cells += cell or (None, None)
            elif isinstance(cell, list):
                lists = (len(cells), typing.cast(list[str], cell))
                cells.append(None)
            else:
                cells.append(str(cell) if isinstance(cell, Term) else cell)
        if facts is not None:
            cells.append(facts[place])
        if lists is None:
            yield tuple(cells)
        else:
            where, items = lists
            for item in items:
                yield (*cells[:where], item, *cells[where + 1 :])
