"""Changes each number of knowledge/ in turn and counts those whose change no test notices.

A number is moved up, and down, by one unit of its last digit; it is unnoticed where neither is noticed. Noticed
means: a spec table of docs/rules/ no longer holds, or the check of the knowledge base finds a gap or a contradiction.
The cases nearest to the changed row are asked first, and no more once one of them notices. Numbers that no finding
can depend on are listed in `NOT_DECIDING`, each with its reason.

    python scripts/mutate_knowledge.py              all numbers
    python scripts/mutate_knowledge.py --sample 100 a random sample, the seed printed

Exit 1 where more changes than allowed went unnoticed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.rules.answers import actual, expected
from tests.rules.tables import Case, all_cases, record_of

from azaward.assessment import put_together
from azaward.engine import SQLiteEngine
from azaward.knowledge import Knowledge, load
from azaward.knowledge.loading.check import faults
from azaward.knowledge.loading.protocols import held_on
from azaward.knowledge.loading.schema import TABLES
from azaward.rules.counts.drift import FALLING

# Beside the analytes whose fall is watched, those whose own level may soften a limit.
OWN_LEVEL = tuple(sorted({row.analyte for row in load().tables["own_level"]} - {"albumin"}))
# Tables that no finding of this program reads yet, or that another test holds to their source; with the reason.
NOT_DECIDING: dict[str, str] = {
    "conversions": "held to the UCUM library by tests/knowledge/test_knowledge.py",
    "advice_numbers": "changed one by one in tests/guides/test_advise.py",
    "omop_concepts": "codes of another vocabulary, no amounts (LOINC codes, being words, are not changed either)",
    "hl7_codes": "codes of another standard; how often a day stands in tests/readers/hl7",
    "assemblies": "the lengths of chromosomes, which stand in tests/readers/genomes/variant_files.py too",
    **dict.fromkeys(
        ("guide_facts", "side_effects", "trials", "trial_arms"),
        "told by the guides: each number stands in tests/guides/shown.md, held by tests/guides/test_guides.py",
    ),
    "alleles": "held to gene_positions by tests/genetics/test_tables.py; functions are words",
    **dict.fromkeys(
        ("gene_positions", "gene_sequences", "gene_exons", "allele_frequencies", "phenotype_frequencies"),
        "for the reading of genomes: held to each other and to what was read by tests/genetics/test_tables.py",
    ),
}
NOT_DECIDING_COLUMNS: dict[tuple[str, str], str] = {
    ("genotype_doses", "days_per_week"): "said in words, and held to them by tests/genetics/test_dosing.py",
    ("genotype_doses", "wait_weeks_low"): "said in words; the longer wait decides",
    ("analytes", "molar_mass"): "held by the conversions that the UCUM library makes with it",
    ("biological_variation", "cv_between_percent"): "published beside the others; a person is compared with themselves",
    ("interactions", "test_every_days"): "said in words to the clinician",
    ("children_doses", "start_mg_per_kg"): "said in words; no first dose of a child is judged",
    ("enzyme_activity", "high"): "printed; the next band's lowest decides, so that a gap belongs to the lower",
}
# Numbers that decide nothing in some rows: (table, column or None for all) -> (which rows, why).
NOT_DECIDING_ROWS: dict[tuple[str, str | None], tuple[Callable[[Any], bool], str]] = {
    ("risks", None): (
        lambda row: row.exposure not in ("thiopurine alone", "thiopurine now") or row.rate_exposed is None,
        "told by the guides: each number stands in tests/guides/shown.md, held by tests/guides/test_guides.py",
    ),
    ("biological_variation", None): (
        lambda row: row.analyte not in (*FALLING, *OWN_LEVEL) or row.population != "healthy",
        "only the drawing of invented people uses them",
    ),
    ("enzyme_activity", None): (
        lambda row: row.unit != "mU/L" or row.category not in ("low", "normal"),
        "shown as printed; results in other units are set aside, and the lowest of a band decides",
    ),
    ("parameters", None): (
        lambda row: row.id.startswith(("genotype_", "quality_", "omop_")),
        "how genomes are read and services judged: held by tests/genetics/test_calling.py, test_variants.py and "
        "test_quality.py",
    ),
    ("genotype_doses", "wait_weeks_high"): (
        lambda row: row.action == "continue" or (row.urgency == "same-day" and row.drug != "azathioprine"),
        "said in words; a wait decides where advice is for the start, and for a poor metaboliser on azathioprine",
    ),
}

Place = tuple[str, str, int, str, int | None]


def numbers(knowledge: Knowledge) -> Iterator[tuple[Place, float]]:
    """Every number: (table or protocol, list, row, column, place in a pair)."""
    for name in TABLES:
        if name not in NOT_DECIDING:
            for row, held in enumerate(knowledge.tables[name]):
                yield from _of_row((name, "", row), held)
    for protocol in knowledge.protocols.values():
        for name, rows in protocol.own.items():
            for row, written in enumerate(rows):
                yield from _of_row((protocol.id, name, row), written.row)


def _of_row(at: tuple[str, str, int], row: Any) -> Iterator[tuple[Place, float]]:
    for field in msgspec.structs.fields(type(row)):
        cell = getattr(row, field.name)
        if (at[0], field.name) in NOT_DECIDING_COLUMNS or isinstance(cell, bool):
            continue
        if any(
            key in NOT_DECIDING_ROWS and NOT_DECIDING_ROWS[key][0](row) for key in ((at[0], None), (at[0], field.name))
        ):
            continue
        if isinstance(cell, int | float):
            yield (*at, field.name, None), cell
        elif isinstance(cell, tuple):
            for place, number in enumerate(cell):
                yield (*at, field.name, place), number


def step(number: float) -> float:
    """One unit of the last digit that is written."""
    text = repr(number).removesuffix(".0")
    return 10.0 ** -len(text.partition(".")[2]) if "." in text else 1.0


def changed(knowledge: Knowledge, at: Place, number: float) -> Knowledge:
    """The knowledge with one number changed."""
    owner, name, row, column, place = at

    def cell(old: Any) -> Any:
        value = type(old[place] if place is not None else old)(number)
        return value if place is None else tuple(value if i == place else one for i, one in enumerate(old))

    if not name:
        rows = list(knowledge.tables[owner])
        rows[row] = msgspec.structs.replace(rows[row], **{column: cell(getattr(rows[row], column))})
        return replace(knowledge, tables={**knowledge.tables, owner: tuple(rows)}, fingerprint=f"{at}{number}")
    protocol = knowledge.protocols[owner]
    written = list(protocol.own[name])
    old_row = written[row].row
    new_row = msgspec.structs.replace(old_row, **{column: cell(getattr(old_row, column))})
    written[row] = written[row]._replace(row=new_row)
    owned = replace(protocol, own={**protocol.own, name: tuple(written)})
    # Who borrows the row has it changed too.
    protocols, _ = held_on({**knowledge.protocols, owner: owned}, dt.date.max)
    return replace(knowledge, protocols=protocols, fingerprint=f"{at}{number}")


TOGETHER = 5


def nearest(cases: list[Case], at: Place, row: Any) -> list[Case]:
    """The cases, those first that have the most words of a row: its protocol and list, its analyte, its medicine."""
    cells = [getattr(row, field.name) for field in msgspec.structs.fields(type(row))]
    cells += [*at[:2], *re.split(r"[-_]", str(cells[0]))]
    words = {word for cell in cells for word in (cell if isinstance(cell, tuple) else (cell,)) if isinstance(word, str)}

    def score(case: Case) -> tuple[int, int]:
        tables = [*case.given.values(), *case.expected.values()]
        written = {cell for table in tables for row in table for cell in (*row, *row.values())}
        about = {case.page, case.protocol, *case.expected, *re.findall(r"\w+", f"{case.page} {case.title}".lower())}
        return (2 * len(words & about) + len(words & written), -len(case.patients()))

    return sorted(cases, key=score, reverse=True)


def row_at(knowledge: Knowledge, at: Place) -> Any:
    """The row that a number stands in."""
    owner, name, row, *_ = at
    return knowledge.protocols[owner].own[name][row].row if name else knowledge.tables[owner][row]


def noticed(knowledge: Knowledge, at: Place, cases: list[Case]) -> bool:
    """Whether a change at this place is noticed: most are by the first few cases that are asked."""
    return bool(faults(knowledge)) or not hold(knowledge, nearest(cases, at, row_at(knowledge, at)))


def hold(knowledge: Knowledge, cases: list[Case]) -> bool:
    """Whether every spec table still holds, asked a few cases at a time until one doesn't."""
    try:
        engine = SQLiteEngine(knowledge)
    except Exception:
        return False
    return all(
        _these_hold(knowledge, cases[begin : begin + TOGETHER], engine) for begin in range(0, len(cases), TOGETHER)
    )


def _these_hold(knowledge: Knowledge, cases: list[Case], engine: SQLiteEngine) -> bool:
    requests = [request for case in cases for request in case.requests()]
    try:
        answer = engine.ask(record_of(cases, knowledge), requests)
        assessed = {one.patient_id: one for one in put_together(answer, knowledge)}
    except Exception:
        return False
    index = _by_case(answer, assessed, cases)
    return all(
        actual(case, name, *index[case.prefix]) == expected(case, name) for case in cases for name in case.expected
    )


def _by_case(answer: Any, assessed: dict[str, Any], cases: list[Case]) -> dict[str, Any]:
    """The answer split by case, so that comparing costs each case its own rows alone."""
    parts: dict[str, Any] = {case.prefix: (answer._replace(findings=[], due=[]), {}) for case in cases}
    for name in ("findings", "due"):
        for row in getattr(answer, name):
            prefix = row["patient_id"].partition(":")[0] + ":"
            getattr(parts[prefix][0], name).append(row)
    for patient_id, one in assessed.items():
        parts[patient_id.partition(":")[0] + ":"][1][patient_id] = one
    return parts


def main() -> int:
    """Changes the numbers asked for and tells which changes went unnoticed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, help="so many numbers, drawn at random")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--allow", type=float, default=0.0, help="percent that may go unnoticed before this fails")
    parser.add_argument("--only", help="only numbers of this table or protocol")
    arguments = parser.parse_args()
    knowledge, cases = load(), all_cases()
    if faults(knowledge) or not hold(knowledge, cases):
        print("the spec tables don't hold as things are: run the tests first")
        return 1
    every = [one for one in numbers(knowledge) if not arguments.only or one[0][0] == arguments.only]
    chosen = every
    if arguments.sample:
        chosen = random.Random(arguments.seed).sample(every, min(arguments.sample, len(every)))
    unnoticed: list[str] = []
    per_table: Counter[str] = Counter()
    one_sided = 0
    for done, (at, number) in enumerate(chosen, 1):
        missed = [
            moved
            for moved in (number + step(number), number - step(number))
            if not noticed(changed(knowledge, at, round(moved, 10)), at, cases)
        ]
        if len(missed) == 1:
            one_sided += 1
        elif missed:
            owner, name, row, column, _ = at
            unnoticed.append(f"{owner} {name} row {row + 1} {column}: {number:g}")
            per_table[owner] += 1
            print("unnoticed:", unnoticed[-1], flush=True)
        if sys.stderr.isatty():
            print(f"\r{done}/{len(chosen)}", end="", file=sys.stderr)
    share = len(unnoticed) / max(1, len(chosen))
    print(
        f"{len(chosen)} of {len(every)} numbers changed (seed {arguments.seed}): "
        f"{len(chosen) - len(unnoticed)} noticed, {len(unnoticed)} not ({math.ceil(share * 1000) / 10}%)"
    )
    # A more cautious row beside it often shadows a change in one direction.
    print(f"  {one_sided} of those noticed are noticed in one direction alone")
    for owner, count in per_table.most_common():
        print(f"  {owner}: {count} unnoticed")
    return 1 if 100 * share > arguments.allow else 0


if __name__ == "__main__":
    sys.exit(main())
