"""Whatever is recognised is read by a rule, or a finding says that nothing reads it.

Each row of events.csv, each thing that fills a test, and each analyte is put into a patient on treatment and one for
whom treatment is planned: the answer must change, or name it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from itertools import product
from typing import Any

import pytest

from azaward.assessment import assess
from azaward.knowledge import load
from azaward.knowledge.loading.schema.columns import split
from azaward.readers.rows import RowReader
from azaward.rules.stages.lab import FALLING

AS_OF = dt.date(2026, 6, 1)
KNOWLEDGE = load()
RECENT, AHEAD = "2026-05-28", "2026-06-15"
# Read only beside a result that is low or raised for long (docs/rules/limits.md).
KNOWN_CAUSES = {row.code for row in KNOWLEDGE.tables["events"] if "known_" in (row.classes or "")}
# Ends of a pregnancy: they silence, and say nothing alone.
SILENCE = {"miscarriage", "birth", "deceased"}
EVENTS = [(row.kind, row.code) for row in KNOWLEDGE.tables["events"] if row.code not in SILENCE]
ANALYTES = [row.id for row in KNOWLEDGE.tables["analytes"]]
STARTED: dict[str, str | None] = {"on": "2024-05-01", "planned": None}
# Signs and an MCV beside which some results mean something, and earlier results from which they fall.
SIGNS = [{"kind": "symptom", "code": code, "started_on": "2026-05-20"} for code in ("fever", "itching")]


def answer(status: str, genes: bool = True, **tables: list[Mapping[str, Any]]) -> tuple[set[tuple[Any, ...]], str]:
    """What is said about a patient whose record holds these rows: each finding, and the list of what nothing reads."""
    reader = RowReader(KNOWLEDGE)
    rows: dict[str, list[Mapping[str, Any]]] = {
        "patients": [{"birth_date": "1980-01-01", "sex": "female"}],
        "exposures": [
            {"medicine": "azathioprine", "dose_mg_per_day": "100", "started_on": STARTED[status]},
            {"medicine": "prednisolone", "dose_mg_per_day": "10", "started_on": "2025-01-01"},
        ],
        # A report on a gene: what spoils such a report is read beside one.
        "genotypes": [
            {"gene": gene, "diplotype": "*1/*1", "method": "genotype", "reported_on": "2026-05-29"}
            for gene in ("TPMT", "NUDT15")
            if genes
        ],
    }
    for name, more in tables.items():
        rows[name] = [*rows.get(name, []), *more]
    for name, several in rows.items():
        for row in several:
            reader.add(name, {"patient_id": "1", **row}, "here")
    (one,) = assess(reader.record(), AS_OF, knowledge=KNOWLEDGE).patients
    named = [found for found in one.findings if found.code == "nothing_looks_at"]
    said = {(f.code, f.subject, f.action, f.urgency, f.says) for f in one.findings if f not in named}
    return said, " ".join(found.says for found in named)


@lru_cache(maxsize=8)
def without(status: str, genes: bool = True) -> set[tuple[Any, ...]]:
    return answer(status, genes)[0]


@pytest.mark.parametrize(("kind", "code"), EVENTS, ids=lambda word: word)
def test_every_event_changes_the_answer_or_is_named(kind: str, code: str) -> None:
    def changes(status: str, day: str, genes: bool) -> bool:
        said, named = answer(status, genes, events=[{"kind": kind, "code": code, "started_on": day}])
        return said != without(status, genes) or code.replace("_", " ") in named

    cases = product(STARTED, (RECENT, AHEAD), (True, False))
    assert code in KNOWN_CAUSES or any(changes(*case) for case in cases)


@pytest.mark.parametrize("analyte", ANALYTES)
def test_every_result_changes_the_answer_or_is_named(analyte: str) -> None:
    about = KNOWLEDGE.analytes[analyte]
    low, high = about.plausible_low or 0, about.plausible_high or 1000
    middle = {"analyte": analyte, "unit": about.unit, "status": "final", "value": 1 + (low + high) / 4}
    before = [{**middle, "taken_on": f"2026-0{month}-10"} for month in (2, 3, 4)] if analyte in FALLING else []
    large = {"analyte": "mcv", "value": 104, "unit": "fL", "status": "final", "taken_on": "2026-05-20"}
    last = {"analyte": analyte, "unit": about.unit, "status": "final", "taken_on": RECENT}
    answers = (
        [{**last, "value": low or 0.1}, {**last, "value": high, "ref_high": high / 10}]
        if about.unit
        else [{**last, "text": "positive"}, {**last, "text": "negative"}]
    )

    def changes(status: str, row: Mapping[str, Any]) -> bool:
        beside, _ = answer(status, events=SIGNS, results=[large, *before])
        said, named = answer(status, events=SIGNS, results=[large, *before, row])
        return said != beside or analyte.replace("_", " ") in named

    assert any(changes(*case) for case in product(STARTED, answers))


def test_no_class_of_events_is_held_for_nothing() -> None:
    from azaward.rules.stages.looked_at import LOOKED_AT

    held = {word for row in KNOWLEDGE.tables["events"] for word in split(row.classes)}
    advised = {row.class_ for row in KNOWLEDGE.tables["event_advice"]}
    assert advised <= held
    # The kinds of these are read whole; their classes tell readers and people apart what they are.
    of_whole_kinds = {
        "viral",
        "bacterial",
        "serious",
        "red_cells",
        "inactivated",
        "immunoglobulin",
        "screening",
        "mild",
    }
    warnings = {word for word in held if word.endswith("_warning")}
    causes = {row.cause for row in KNOWLEDGE.tables["own_level"]}
    assert held - advised - causes - set(LOOKED_AT) - of_whole_kinds - warnings <= {"bone", "lung", "varicella_zoster"}
