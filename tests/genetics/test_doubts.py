"""A change that was seen and isn't counted, or that records disagree on, never ends as normal: on every site."""

from __future__ import annotations

from pathlib import Path

import pytest

from azaward.errors import InputError
from azaward.genetics import call
from azaward.genetics.model import GeneCall
from azaward.knowledge import load
from azaward.readers.genomes.variants import read
from tests.readers.genomes.variant_files import R139C, SITES, TPMT3B, TPMT3C, at, header, line, site, whole, write

KNOWLEDGE = load()
NORMAL = "Normal Metabolizer"
KINDS = {"PL": ("G", "Integer"), "GP": ("G", "Float"), "DS": ("A", "Float"), "AD": ("R", "Integer")}
FIELDS = tuple(
    f'##FORMAT=<ID={name},Number={number},Type={kind},Description="{name}">' for name, (number, kind) in KINDS.items()
)


def called(folder: Path, *files: str, gene: str = "TPMT") -> GeneCall:
    """The call of a European with the records of these files."""
    paths = [write(folder / f"{number}.vcf", header(extra=FIELDS) + text) for number, text in enumerate(files)]
    return next(call(read(paths, KNOWLEDGE), KNOWLEDGE, "European")).genes[gene]


def without(*names: str | int) -> str:
    """The reference at every site but these."""
    return "".join(at(name, "0/0") for name in SITES if name not in names)


DOUBTS = {
    "disagree": ("0/1", {}, "0/0", {}),
    "disagree the other way round": ("0/0", {}, "0/1", {}),
    "filtered": ("0/1", {"filters": "LowQual"}, None, {}),
    "filtered, then reference": ("0/1", {"filters": "LowQual"}, "0/0", {}),
    "too few reads": ("0/1:5", {"fields": "GT:DP"}, None, {}),
    "sample's own filter": ("0/1:bad", {"fields": "GT:FT"}, None, {}),
    "sides disagree": ("0|1", {}, "1|0", {}),
}


@pytest.mark.parametrize("doubt", DOUBTS)
@pytest.mark.parametrize("name", SITES)
def test_a_named_change_that_was_seen_is_never_less_than_it_would_be(
    tmp_path: Path, name: str | int, doubt: str
) -> None:
    gene = site(name).gene
    cell, fields, other, more = DOUBTS[doubt]
    records = at(name, cell, **fields) + (at(name, other, **more) if other else "")
    found = called(tmp_path, without(name) + records, gene=gene)
    if called(tmp_path, without(name) + at(name, "0/1"), gene=gene).phenotype != NORMAL:
        assert found.phenotype != NORMAL


@pytest.mark.parametrize("cells", [("0/1", "0/0", "0/0"), ("0/0", "0/1", "0/0"), ("0/0", "0/0", "0/1")])
def test_a_majority_of_records_settles_nothing(tmp_path: Path, cells: tuple[str, ...]) -> None:
    found = called(tmp_path, without(TPMT3C) + "".join(at(TPMT3C, cell) for cell in cells))
    assert dict(found.phenotypes)["Intermediate Metabolizer"] == pytest.approx(0.5)
    assert found.phenotype == "Intermediate Metabolizer"


def test_a_doubt_that_another_record_removes_is_not_told(tmp_path: Path) -> None:
    found = called(tmp_path, without(TPMT3C) + at(TPMT3C, "0/1", filters="LowQual") + at(TPMT3C, "0/1"))
    assert found.phenotype == "Intermediate Metabolizer"
    assert not found.changes


UNNAMED = [
    ("0/0:50,0,60", "GT:PL", False),
    ("./.:50,0,60", "GT:PL", False),
    ("0/0:15,15", "GT:AD", False),
    ("0/0:0.55,0.45,0", "GT:GP", False),
    ("0.6,0.4,0", "GP", False),
    ("0.45", "DS", False),
    ("0/0:0,60,600", "GT:PL", True),
    ("0/0:0.95,0.05,0", "GT:GP", True),
    ("0/0:30,0", "GT:AD", True),
]


@pytest.mark.parametrize(("cell", "fields", "normal"), UNNAMED)
def test_figures_that_leave_room_for_a_stop_are_not_normal(
    tmp_path: Path, cell: str, fields: str, normal: bool
) -> None:
    found = called(tmp_path, whole() + line("chr6", 18139003, "T", "A", cell, fields=fields))
    assert (found.phenotype == NORMAL) == normal
    assert any("the file isn't sure of it" in note for note in found.notes) == (not normal)


@pytest.mark.parametrize(
    ("alt", "filters", "phenotype"),
    [
        ("<DEL>", "PASS", "Poor Metabolizer"),
        ("<DUP>", "PASS", "Indeterminate"),
        ("<DEL>", "LowQual", "Intermediate Metabolizer"),
    ],
)
def test_a_rearrangement_makes_no_genotype_surer(tmp_path: Path, alt: str, filters: str, phenotype: str) -> None:
    over = line("chr6", 18127000, "A", alt, "0/1", info="END=18156000", filters=filters)
    unsure = at(TPMT3C, "0/0:40,0,40", fields="GT:PL", alt="C")
    for records in (over + unsure, unsure + over):
        found = called(tmp_path, without(TPMT3C) + records)
        assert any("*3C" in each.call and each.probability > 0.2 for each in found.diplotypes)
        assert found.phenotype == phenotype


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (("0|1", "1|0"), "[c.454A>T p.Arg152Ter]/[c.454A>T p.Arg152Ter]"),
        (("0|1", "0|1"), "*1/[c.454A>T p.Arg152Ter]"),
        (("0/1", "1/0"), "*1/[c.454A>T p.Arg152Ter]"),
    ],
)
def test_both_sides_of_one_phase_set_count(tmp_path: Path, records: tuple[str, str], expected: str) -> None:
    stops = "".join(line("chr6", 18139003, "T", "A", each) for each in records)
    assert called(tmp_path, whole() + stops).diplotypes[0].call == expected


def test_a_change_that_failed_takes_nothing_from_one_that_passed(tmp_path: Path) -> None:
    stops = line("chr6", 18139003, "T", "A", "1/1", filters="LowQual") + line("chr6", 18139003, "T", "A", "0/1")
    assert called(tmp_path, whole({R139C: "0/0"}) + stops).presumed == "Intermediate Metabolizer"


@pytest.mark.parametrize("sides", [("0|1", "1|0"), ("0|1", "0|1")])
def test_two_files_need_not_mean_the_same_copy_by_the_first(tmp_path: Path, sides: tuple[str, str]) -> None:
    found = called(tmp_path, at(TPMT3C, sides[0]), without(TPMT3C, TPMT3B) + at(TPMT3B, sides[1]))
    assert [each.call for each in found.diplotypes] == ["*1/*3A", "*3B/*3C"]
    alone = called(tmp_path, without(TPMT3C, TPMT3B) + at(TPMT3C, sides[0]) + at(TPMT3B, sides[1]))
    assert [each.call for each in alone.diplotypes] == ["*3B/*3C" if len(set(sides)) > 1 else "*1/*3A"]


def test_a_file_of_rearrangements_does_not_show_that_bases_were_looked_at(tmp_path: Path) -> None:
    deletions = header() + line("chr6", 18127000, "A", "<DEL>", "0/1", info="END=18127500")
    path = write(tmp_path / "sv.vcf", deletions)
    with pytest.raises(InputError, match="no variant on chromosomes 6 and 13"):
        next(read([path], KNOWLEDGE, absent_is_reference=True))
    small = write(tmp_path / "small.vcf", header() + line("chr13", 100000, "A", "G", "0/1"))
    both = next(call(read([small, path], KNOWLEDGE, absent_is_reference=True), KNOWLEDGE)).genes
    assert len(both["TPMT"].missing_positions) == len(both["TPMT"].evidence)
    assert not both["NUDT15"].missing_positions
