"""The id of every fact: the file and, within it, the words that tell a row from the others.

A finding carries the id of the row that decided it; `azaward cite` prints where that row was read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from azaward.knowledge.loading.load import Knowledge
from azaward.knowledge.loading.schema import PROTOCOL_LISTS, TABLES, Fact

# What tells the rows of a table apart, where they have no `id`.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "units": ("written",),
    "tests": ("test", "slot", "code"),
    "biological_variation": ("analyte", "population"),
    "own_level": ("analyte", "because", "cause"),
    "enzyme_activity": ("method", "unit", "category"),
    "metabolites": ("protocol", "pattern"),
    "events": ("kind", "code"),
    "children_doses": ("indication", "age_low", "age_high"),
    "onset": ("indication",),
    "floor": ("sign", "analyte", "comparison", "value", "relative_to"),
    "floor_symptoms": ("symptom",),
    "alleles": ("gene", "allele", "rsid"),
    "phenotype_rules": ("gene", "function_1", "function_2"),
    "allele_classes": ("gene", "allele", "body"),
    "allele_changes": ("gene", "allele", "field", "source"),
    "assemblies": ("assembly", "chrom", "names"),
    "gene_positions": ("gene", "chrom", "pos_grch38", "alt"),
    "gene_sequences": ("gene", "start_grch38"),
    "gene_exons": ("gene", "exon"),
    "gene_transcripts": ("gene",),
    "consequences": ("term",),
    "allele_frequencies": ("gene", "allele", "population"),
    "phenotype_frequencies": ("gene", "phenotype", "population"),
    "result_words": ("meaning", "language"),
    "test_codes": ("system", "code"),
    "test_names": ("name", "language"),
    "specimens": ("system", "code", "name"),
    "result_flags": ("code", "meaning"),
    "report_words": ("kind", "words"),
    "number_systems": ("system",),
    "medicine_names": ("name",),
    "medicine_codes": ("system", "code"),
    "medicine_class_names": ("name",),
    "medicine_effects": ("medicine", "effect"),
    "look_alikes": ("medicine", "other"),
    "thiopurines": ("medicine",),
    "tablets": ("medicine", "mg"),
    "orders": ("test",),
    "lateness": ("test", "tested", "time", "tpmt", "late_intervals"),
    "trial_arms": ("trial", "outcome", "arm"),
    "advice": ("topic", "line"),
    "omop_concepts": ("concept_id",),
    "hl7_codes": ("hl7_table", "code"),
    "baseline": ("test",),
    "schedule": ("tests", "since", "phase"),
    "limits": ("analyte", "comparison", "value", "relative_to"),
    "doses": ("indication", "population", "drug"),
    "symptoms": ("symptom",),
}


def ids(name: str, rows: Sequence[Any], within: str = "") -> list[str]:
    """The id of each of a table's rows, in their order; `within` is the protocol whose list it is.

    >>> from azaward.knowledge import load
    >>> ids("parameters", load().tables["parameters"])[0]
    'parameters/adult_age_years'
    """
    start = f"{within}/{name}" if within else name
    met: Counter[str] = Counter()
    named: list[str] = []
    for row in rows:
        words = "-".join(filter(None, (_words(getattr(row, key)) for key in _KEYS.get(name, ("id",)))))
        since = f"@{row.valid_from}" if getattr(row, "valid_from", None) else ""
        id = f"{start}/{words}{since}".replace(" ", "_")
        met[id] += 1
        named.append(id if met[id] == 1 else f"{id}~{met[id]}")
    return named


def _words(cell: Any) -> str:
    match cell:
        case None | "absolute":
            return ""
        case float():
            return f"{cell:g}"
        case list():
            parts: list[Any] = cell
            return "+".join(map(str, parts))
        case _:
            return str(cell)


def of_protocol(protocol: str, name: str, knowledge: Knowledge) -> list[tuple[str, Any]]:
    """The rows of a protocol's list with their ids; a row that is borrowed keeps the id that it has at its lender."""
    held = knowledge.protocols[protocol]
    rows = held.lists[name]
    lender = held.borrowed.get(name)
    lent = dict(_by_content(of_protocol(lender, name, knowledge))) if lender else {}
    own = [row for row in rows if _content(row) not in lent]
    named = dict(zip(map(_content, own), ids(name, own, protocol), strict=True))
    return [(named.get(content) or lent[content], row) for row in rows for content in [_content(row)]]


def _by_content(named: Iterable[tuple[str, Any]]) -> Iterator[tuple[Any, str]]:
    return ((_content(row), id) for id, row in named)


def _content(row: Any) -> Any:
    # A borrowed row may have lost tests or specialties for which the borrower has its own: it is the same row still.
    return tuple(
        str(value)
        for key, value in zip(row.__struct_fields__, msgspec.structs.astuple(row), strict=True)
        if key not in ("tests", "unless")
    )


def fact(id: str, knowledge: Knowledge) -> Fact:
    """The fact of an id; only the table or list that it stands in is read.

    >>> from azaward.knowledge import load
    >>> fact("parameters/fever_celsius", load()).source
    'crgh-preparing'
    """
    place, within, *_ = id.split("/")
    by_id = _in_table(place, knowledge) if place in TABLES else {}
    return by_id[id] if id in by_id else _in_list(place, within, knowledge)[id]


def facts(knowledge: Knowledge) -> Mapping[str, Fact]:
    """Every fact by its id."""
    tables = (_in_table(name, knowledge) for name, row_type in TABLES.items() if issubclass(row_type, Fact))
    lists = (_in_list(protocol, name, knowledge) for protocol in knowledge.protocols for name in PROTOCOL_LISTS)
    return {id: row for by_id in (*tables, *lists) for id, row in by_id.items()}


@lru_cache(maxsize=256)
def _in_table(name: str, knowledge: Knowledge) -> Mapping[str, Fact]:
    return dict(zip(ids(name, knowledge.tables[name]), knowledge.tables[name], strict=True))


@lru_cache(maxsize=256)
def _in_list(protocol: str, name: str, knowledge: Knowledge) -> Mapping[str, Fact]:
    return dict(of_protocol(protocol, name, knowledge))
