"""What is called from a genome stands in the record, and what is only presumed of it is set aside to be confirmed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from azaward.genetics import call
from azaward.knowledge import load
from azaward.readers.genomes.rows import with_genotypes
from azaward.readers.genomes.variants import read
from azaward.synthesis import record_of, synthesise
from tests.readers.genomes.variant_files import SITES, at, header, line, write

KNOWLEDGE = load()
DAY = dt.date(2026, 11, 23)
STOP = ("chr6", 18139003, "T", "A")
MISSENSE = ("chr6", 18149058, "G", "T")


@pytest.mark.parametrize(
    ("records", "acted_on", "said"),
    [
        # Named are only the changes that the presumption rests on: not the missense beside the stop, and nothing that
        # didn't pass.
        ((line(*STOP, "1/1"),), "Poor Metabolizer", "presumed from c.454A>T p.Arg152Ter, which"),
        ((line(*STOP, "1/1"), line(*MISSENSE, "0/1")), "Poor Metabolizer", "presumed from c.454A>T p.Arg152Ter, which"),
        ((line(*STOP, "1/1", filters="LowQual"),), "Indeterminate", None),
        ((line(*MISSENSE, "0/1"),), "Indeterminate", None),
        ((), "Normal Metabolizer", None),
    ],
)
def test_what_is_presumed_is_set_aside_with_what_it_rests_on(
    tmp_path: Path, records: tuple[str, ...], acted_on: str, said: str | None
) -> None:
    text = header() + "".join(at(name, "0/0") for name in SITES) + "".join(records)
    calls = call(read([write(tmp_path / "a.vcf", text)], KNOWLEDGE), KNOWLEDGE)
    person = record_of(synthesise(1, 5, DAY))
    found = with_genotypes(person, calls, DAY, "a.vcf", KNOWLEDGE)
    rows = {row[1]: row[3] for row in found.rows["genotypes"][len(person.rows["genotypes"]) :]}
    assert rows == {"TPMT": acted_on, "NUDT15": "Normal Metabolizer"}
    presumed = [each.why for each in found.set_aside if each.why.startswith("presumed")]
    assert [each.startswith(said or "") for each in presumed] == ([True] if said else [])
