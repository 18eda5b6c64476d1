"""Knowledge as flat relations, the form in which rules join it.

A protocol's lists become one relation for all protocols, keyed by `protocol`. The protocol
`most-cautious` is the union of the published ones: rules always keep the worst row that a value meets
and the earliest day that a schedule names, so the union is never more lenient than any of its parts.
"""

from __future__ import annotations

import datetime as dt
import types
import typing
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from azaward.knowledge.loading.load import Knowledge
from azaward.knowledge.loading.protocols import MOST_CAUTIOUS
from azaward.knowledge.loading.schema import ACTIONS, PROTOCOL_LISTS, TABLES, URGENCIES, Row

_TYPES = {str: "string", float: "float64", int: "int64", bool: "boolean", dt.date: "date"}
# Tables that rules join. The others serve readers of files, laboratories and people.
JOINED = (
    "analytes",
    "conversions",
    "tests",
    "biological_variation",
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
    "children_doses",
)
_RANKS = {
    "action": {word: rank for rank, word in enumerate(ACTIONS)},
    "urgency": {word: rank for rank, word in enumerate(URGENCIES)},
}
# Rules see the rows of one day (`Knowledge.held_on`), not since when they hold.
_SINCE = "valid_from"
Schema = dict[str, str]
Relation = tuple[Schema, list[tuple[Any, ...]]]


@lru_cache(maxsize=1)
def schemas() -> Mapping[str, Schema]:
    """The columns and types of every relation, without any rows: what rules are written against."""
    schemas_by_name = {name: _schema(TABLES[name]) for name in JOINED}
    for name, row_type in PROTOCOL_LISTS.items():
        schemas_by_name[f"protocol_{name}"] = {"protocol": "string", **_schema(row_type)}
    schemas_by_name["medicine_classes"] = {"medicine": "string", "class": "string"}
    schemas_by_name["together_classes"] = {"id": "string", "class": "string"}
    schemas_by_name["event_classes"] = {"kind": "string", "code": "string", "class": "string"}
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
            filled[name] = (schemas()[name], list(_flat(knowledge.tables[name])))
    for name in PROTOCOL_LISTS:
        if f"protocol_{name}" not in wanted:
            continue
        rows = [(protocol.id, *row) for protocol in knowledge.protocols.values() for row in _flat(protocol.lists[name])]
        union = dict.fromkeys((MOST_CAUTIOUS, *row[1:]) for row in rows)
        filled[f"protocol_{name}"] = (schemas()[f"protocol_{name}"], rows + list(union))
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
    return {name: _ranked(relation) for name, relation in filled.items()}


def _ranked(relation: Relation) -> Relation:
    schema, rows = relation
    for word, ranks in _RANKS.items():
        if word in schema:
            place = list(schema).index(word)
            rows = [(*row, ranks[str(row[place])]) for row in rows]
    return schema, rows


def split(cell: str | None) -> list[str]:
    """The parts of a cell that holds a list.

    >>> split("a; b"), split(None)
    (['a', 'b'], [])
    """
    return [part.strip() for part in cell.split(";") if part.strip()] if cell else []


def _schema(row_type: type[Row]) -> Schema:
    columns: Schema = {}
    hints = typing.get_type_hints(row_type)
    for field in msgspec.structs.fields(row_type):
        if field.name == _SINCE:
            continue
        hint = hints[field.name]
        parts = [part for part in typing.get_args(hint) if part is not type(None)]
        kind = parts[0] if isinstance(hint, types.UnionType) else hint
        if typing.get_origin(kind) is tuple:
            columns |= {f"{field.encode_name}_low": "float64", f"{field.encode_name}_high": "float64"}
        elif typing.get_origin(kind) is list:
            columns[field.encode_name.removesuffix("s")] = "string"
        else:
            columns[field.encode_name] = _TYPES.get(kind, "string")
    return columns


def _flat(rows: Iterable[Row]) -> typing.Iterator[tuple[Any, ...]]:
    """Rows as tuples: a pair becomes two columns, a list one row an item."""
    for row in rows:
        cells: list[Any] = []
        lists: tuple[int, list[str]] | None = None
        for name in row.__struct_fields__:
            if name == _SINCE:
                continue
            cell = getattr(row, name)
            if "target_mg" in name:
                cells += cell or (None, None)
            elif isinstance(cell, list):
                lists = (len(cells), typing.cast(list[str], cell))
                cells.append(None)
            else:
                cells.append(cell)
        if lists is None:
            yield tuple(cells)
        else:
            where, items = lists
            for item in items:
                yield (*cells[:where], item, *cells[where + 1 :])
