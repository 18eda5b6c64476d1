"""How sure a file is of a genotype is read from its own figures, and never turns a call into the reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from azaward.genetics import Status, call
from azaward.genetics.model import GeneCall, GeneGenotypes, Unsure
from azaward.knowledge import load
from azaward.readers.genomes.variants import read
from tests.readers.genomes.variant_files import SITES, TPMT3B, TPMT3C, at, header, line, site, whole, write

KNOWLEDGE = load()
FORMATS = (
    ("PL", "G", "Integer"),
    ("GL", "G", "Float"),
    ("GP", "G", "Float"),
    ("DS", "A", "Float"),
    ("AD", "R", "Integer"),
    ("PGT", "1", "String"),
    ("PID", "1", "String"),
)
EXTRA = [
    *(f'##FORMAT=<ID={name},Number={number},Type={kind},Description="">' for name, number, kind in FORMATS),
    *(f'##INFO=<ID={name},Number=1,Type=Float,Description="">' for name in ("R2", "DR2", "INFO", "AF")),
    *(f'##INFO=<ID={name},Number=0,Type=Flag,Description="">' for name in ("IMPUTED", "TYPED")),
]
REF, HET, ALT = (0, 0), (0, 1), (1, 1)


def gene(tmp_path: Path, *records: str, samples: tuple[str, ...] = ("c001",)) -> GeneGenotypes:
    """TPMT as these records have it."""
    path = write(tmp_path / "a.vcf", header(samples, extra=EXTRA) + "".join(records))
    return next(read([path], KNOWLEDGE)).genes["TPMT"]


def column(name: str) -> int:
    return [each.rsid for each in SITES.values() if each.gene == "TPMT"].index(name)


def unsure(tmp_path: Path, fields: str, cell: str, *, info: str = ".", alt: str = "C") -> Unsure | None:
    held = gene(tmp_path, at(TPMT3C, cell, fields=fields, info=info, alt=alt))
    return held.unsure.get((0, column(TPMT3C)))


def status(
    tmp_path: Path, fields: str, cell: str, *, info: str = ".", alt: str = "C"
) -> tuple[tuple[int, ...], Status]:
    held = gene(tmp_path, at(TPMT3C, cell, fields=fields, info=info, alt=alt))
    where = column(TPMT3C)
    return tuple(sorted(held.alleles[0, where].tolist())), Status(int(held.status[0, where]))


def called(tmp_path: Path, fields: str, cell: str, *, info: str = ".", alt: str = "C", name: str = TPMT3C) -> GeneCall:
    """TPMT of a person who has the reference at every other position."""
    rest = "".join(at(other, "0/0") for other in SITES if other != name)
    path = write(tmp_path / "a.vcf", header(extra=EXTRA) + rest + at(name, cell, fields=fields, info=info, alt=alt))
    return next(call(read([path], KNOWLEDGE), KNOWLEDGE, "European")).genes["TPMT"]


STOP = ("chr6", 18139003, "T", "A")
NO_CALLS = [
    # Ours, those of the other samples, and whether it may be the stop codon c.454A>T.
    (("./.",), True),
    (("./.", "0/0", "0/1"), True),
    (("./.", *["0/0"] * 4), True),
    (("./.", *["0/0"] * 5), False),
    (("./1",), True),
    (("0/.",), True),
    (("0/0",), False),
    (("0",), True),
]


@pytest.mark.parametrize(("cells", "carries"), NO_CALLS)
def test_a_missing_genotype_at_a_change_without_a_name_may_be_it(
    tmp_path: Path, cells: tuple[str, ...], carries: bool
) -> None:
    samples = tuple(f"c{number:03}" for number in range(len(cells)))
    records = [at(name, *["0/0"] * len(cells)) for name in SITES]
    path = write(tmp_path / "a.vcf", header(samples) + "".join(records) + line(*STOP, *cells))
    found = next(call(read([path], KNOWLEDGE), KNOWLEDGE, "European")).genes["TPMT"]
    assert (found.phenotype != "Normal Metabolizer") == carries, found.notes
    assert any("p.Arg152Ter (a stop codon cuts the protein short) may be present" in each for each in found.notes) == (
        carries and "1" not in cells[0]
    )


@pytest.mark.parametrize(("figures", "copies"), [("200,50,0", 2), ("200,0,50", 1), ("0,50,200", 1)])
def test_of_two_numbers_of_copies_the_figures_decide_for_the_higher(tmp_path: Path, figures: str, copies: int) -> None:
    rest = "".join(at(name, "0/0") for name in SITES)
    path = write(tmp_path / "a.vcf", header(extra=EXTRA) + rest + line(*STOP, f"0/1:{figures}", fields="GT:PL"))
    (change,) = next(call(read([path], KNOWLEDGE), KNOWLEDGE, "European")).genes["TPMT"].changes
    assert change.copies == copies


MISSING = (-1, -1)
# What stands there; alleles and status; the genotypes that may be with their weights; whether these are likelihoods.
FIGURES = [
    # Likelihoods: sure from 0.997 on, which is 25 to 26 on the phred scale.
    ("GT:PL", "0/1:27,0,200", ".", HET, Status.SEEN, None, None),
    ("GT:PL", "0/1:24,0,200", ".", HET, Status.SEEN, {HET: 1, REF: 0.00398}, False),
    ("GT:PL", "0/0:0,22,300", ".", REF, Status.SEEN, {REF: 1, HET: 0.00631}, True),
    ("GT:PL", "0/0:0,30,300", ".", REF, Status.SEEN, None, None),
    # Below the limit of quality the genotype isn't seen, and nothing is ruled out by more than that limit.
    ("GT:PL", "0/0:0,19,300", ".", MISSING, Status.LOW_QUALITY, {REF: 1, HET: 0.0158, ALT: 0.01}, True),
    ("GT:PL", "0/1:10,0,200", ".", MISSING, Status.LOW_QUALITY, {HET: 1, REF: 0.1, ALT: 0.01}, False),
    ("GT:DP:GQ:PL", "0/1:8:40:40,0,200", ".", MISSING, Status.LOW_DEPTH, {HET: 1, REF: 0.01, ALT: 0.01}, False),
    ("GT:PL", "./.:40,0,300", ".", MISSING, Status.NO_CALL, {HET: 1, REF: 0.01, ALT: 0.01}, False),
    ("GT:PL", "./.:0,60,300", ".", MISSING, Status.NO_CALL, {REF: 1, HET: 0.01, ALT: 0.01}, True),
    ("GT:PL", "./1:100,0,100", ".", (-1, 1), Status.HALF_CALL, {HET: 1, REF: 0.01, ALT: 0.01}, False),
    # Nothing said: without reads, or a dot.
    ("GT:PL", "0/0:0,0,0", ".", MISSING, Status.LOW_QUALITY, None, None),
    ("GT:PL", "./.:0,0,0", ".", MISSING, Status.NO_CALL, None, None),
    ("GT:PL", "0/0:.", ".", REF, Status.SEEN, None, None),
    ("GT:PL", "0/0:0,30", ".", REF, Status.SEEN, None, None),
    ("GT:PL", "0/0:0,-5,9", ".", MISSING, Status.LOW_QUALITY, None, None),
    ("GT:PL", "0:0,30", ".", (-1, 0), Status.HAPLOID, None, None),
    # GL is in log10.
    ("GT:GL", "0/1:-2.4,0,-30", ".", HET, Status.SEEN, {HET: 1, REF: 0.00398}, False),
    ("GT:GL", "0/1:-3,0,-30", ".", HET, Status.SEEN, None, None),
    ("GT:GL", "0/1:2.4,0,30", ".", MISSING, Status.LOW_QUALITY, None, None),
    # GP is a probability, and was on the phred scale before VCF 4.3.
    ("GT:GP", "0/1:0.1,0.85,0.05", ".", HET, Status.SEEN, {HET: 1, REF: 0.126, ALT: 0.0631}, False),
    ("GT:GP", "0/1:10,0.5,13", ".", HET, Status.SEEN, {HET: 1, REF: 0.126, ALT: 0.0631}, False),
    ("GT:GP", "0/0:0.98,0.02,0", ".", REF, Status.SEEN, {REF: 1, HET: 0.0251}, False),
    ("GT:GP", "0/0:0.999,0.001,0", ".", REF, Status.SEEN, None, None),
    ("GT:GP", "0/0:0.2,0.1,0.1", ".", MISSING, Status.LOW_QUALITY, None, None),
    ("GT:GP:PL", "0/1:0,1,0:0,0,0", ".", HET, Status.SEEN, None, None),
    # Quality alone: any other genotype is as likely as it says.
    ("GT:GQ", "0/0:26", ".", REF, Status.SEEN, None, None),
    ("GT:GQ", "0/0:22", ".", REF, Status.SEEN, {REF: 1, HET: 0.00631, ALT: 0.00631}, True),
    ("GT:GQ", "0/1:12", ".", MISSING, Status.LOW_QUALITY, {HET: 1, REF: 0.0631, ALT: 0.0631}, False),
    ("GT:GQ", "0/0:0", ".", MISSING, Status.LOW_QUALITY, None, None),
    # A dosage, with the variance that imputation of this quality leaves.
    ("DS", "1.02", "R2=0.4;IMPUTED", HET, Status.SEEN, {HET: 1, ALT: 0.251, REF: 0.251}, False),
    ("DS", "0.02", "R2=0.8", REF, Status.SEEN, {REF: 1, HET: 0.0251}, False),
    ("DS", "2", "R2=0.8", ALT, Status.SEEN, None, None),
    ("GT:DS", "0|1:1", "R2=1", HET, Status.SEEN, None, None),
    ("DS", "1.02", "DR2=0.29", MISSING, Status.LOW_QUALITY, None, None),
    ("DS", "1.02", "INFO=0.3", HET, Status.SEEN, {HET: 1, ALT: 0.316, REF: 0.316}, False),
    ("DS", ".", "R2=0.9", MISSING, Status.NO_CALL, None, None),
    ("DS", "2.7", "R2=0.9", MISSING, Status.NO_CALL, None, None),
    # Calls alone of an imputed record, as often wrong as R2 says.
    ("GT", "0/0", "R2=0.9;IMPUTED", MISSING, Status.LOW_QUALITY, {REF: 1, HET: 0.0631, ALT: 0.0631}, True),
    ("GT", "0/0", "IMPUTED", MISSING, Status.LOW_QUALITY, None, None),
    ("GT", "0/0", "R2=0.2;TYPED", REF, Status.SEEN, None, None),
    ("GT", "0/0", "R2=1", REF, Status.SEEN, None, None),
    ("GT:GP", "0/1:0,1,0", "R2=0.1", MISSING, Status.LOW_QUALITY, None, None),
    # Counts of reads that fit the genotype change nothing.
    ("GT:AD", "0/1:15,14", ".", HET, Status.SEEN, None, None),
    ("GT:AD", "0/1:9,2", ".", HET, Status.SEEN, None, None),
    ("GT:AD", "0/0:30,1", ".", REF, Status.SEEN, None, None),
    ("GT:AD", "0/0:.", ".", REF, Status.SEEN, None, None),
]


@pytest.mark.parametrize(("fields", "cell", "info", "alleles", "why", "weights", "likelihoods"), FIGURES)
def test_what_stands_there_says_what_may_be(
    tmp_path: Path,
    fields: str,
    cell: str,
    info: str,
    alleles: tuple[int, int],
    why: Status,
    weights: dict[tuple[int, int], float] | None,
    likelihoods: bool | None,
) -> None:
    found = unsure(tmp_path, fields, cell, info=info)
    assert status(tmp_path, fields, cell, info=info) == (alleles, why)
    assert (None if found is None else dict(found.genotypes)) == weights
    assert found is None or (found.likelihoods, found.why) == (likelihoods, None)


@pytest.mark.parametrize(
    ("fields", "cell", "may_be", "why"),
    [
        ("GT:PL", "0/0:30,0,200", {REF, HET}, "likelihoods"),
        ("GT:PL", "0/1:0,30,200", {REF, HET}, "likelihoods"),
        ("GT:PL", "0/1:200,30,0", {HET, ALT}, "likelihoods"),
        ("GT:GP", "0/0:0.2,0.8,0", {REF, HET}, "likelihoods"),
        ("GT:DP:GQ:AD", "0/0:30:99:15,15", {REF, HET}, "counts of reads"),
        ("GT:AD", "0/1:0,30", {HET, ALT}, "counts of reads"),
        ("GT:AD", "0/1:40,1", {REF, HET}, "counts of reads"),
        ("GT:AD:PL", "0/0:15,15:0,60,900", {REF, HET}, "counts of reads"),
    ],
)
def test_a_contradiction_counts_both_sides_and_is_told(
    tmp_path: Path, fields: str, cell: str, may_be: set[tuple[int, int]], why: str
) -> None:
    found = unsure(tmp_path, fields, cell)
    assert found is not None
    assert {genotype for genotype, weight in found.genotypes if weight == 1} == may_be
    assert not found.likelihoods
    person = called(tmp_path, fields, cell)
    assert person.phenotype != "Normal Metabolizer"
    assert any(note.startswith("rs1142345:") and why in note for note in person.notes)


@pytest.mark.parametrize(
    ("fields", "cell", "info", "phenotype"),
    [
        ("GT:PL", "0/0:0,22,300", ".", "Normal Metabolizer"),
        ("GT:PL", "0/0:0,12,150", ".", "Indeterminate"),
        ("GT:PL", "./.:0,60,300", ".", "Indeterminate"),
        ("GT:PL", "./.:40,0,300", ".", "Intermediate Metabolizer"),
        ("GT:PL", "0/1:14,0,100", ".", "Intermediate Metabolizer"),
        ("GT:PL", "1/1:200,9,0", ".", "Poor Metabolizer"),
        ("GT:PL", "1/1:200,40,0", ".", "Poor Metabolizer"),
        ("GT:GP", "0/0:0.95,0.05,0", ".", "Normal Metabolizer"),
        ("GT:GP", "0/0:0.85,0.15,0", ".", "Indeterminate"),
        ("GT:GP", "0/1:0,0.95,0.05", ".", "Intermediate Metabolizer"),
        ("GT:GP", "0/1:0,0.85,0.15", ".", "Poor Metabolizer"),
        ("DS", "1.02", "R2=0.4", "Poor Metabolizer"),
        ("DS", "1.02", "R2=0.2", "Indeterminate"),
    ],
)
def test_the_phenotype_goes_by_all_that_may_be(
    tmp_path: Path, fields: str, cell: str, info: str, phenotype: str
) -> None:
    found = called(tmp_path, fields, cell, info=info)
    assert found.phenotype == phenotype
    assert sum(share for _, share in found.phenotypes) == pytest.approx(1)


def test_what_is_not_sure_is_told_with_its_probability(tmp_path: Path) -> None:
    found = called(tmp_path, "GT:GP", "0/1:0.16,0.84,0")
    assert "By the file's own figures these genotypes aren't sure: rs1142345 T/C 83.3%, T/T 16.7%." in found.notes
    assert [(each.call, each.rests_on_unseen) for each in found.diplotypes] == [("*1/*3C", False), ("*1/*1", True)]
    assert not any("same copy" in note for note in found.notes)


def test_likelihoods_of_several_changes_stand_in_the_order_of_the_specification(tmp_path: Path) -> None:
    alts = ",".join(site(TPMT3C).alts)
    assert alts == "C,G"
    found = unsure(tmp_path, "GT:PL", "0/2:300,300,300,0,22,24", alt=alts)
    assert found is not None
    assert dict(found.genotypes) == {(0, 2): 1, (1, 2): 0.00631, (2, 2): 0.00398}


@pytest.mark.parametrize(("alt", "fields", "cell"), [("<NON_REF>", "GT:PL", "0/0:0,22,300"), (".", "GT:GQ", "0/0:22")])
def test_a_block_of_reference_may_hide_any_change(tmp_path: Path, alt: str, fields: str, cell: str) -> None:
    found = unsure(tmp_path, fields, cell, alt=alt)
    assert found is not None
    assert found.genotypes[0] == (REF, 1.0)
    assert {(0, 1), (0, 2)} <= {genotype for genotype, _ in found.genotypes}


def test_a_file_without_figures_is_as_sure_as_ever(tmp_path: Path) -> None:
    path = write(tmp_path / "a.vcf", header() + whole({TPMT3C: "0/1"}))
    assert not next(read([path], KNOWLEDGE)).genes["TPMT"].unsure


def test_a_rejected_genotype_says_nothing(tmp_path: Path) -> None:
    held = gene(tmp_path, at(TPMT3C, "0/1:10,0,200", fields="GT:PL", filters="LowQual", alt="C"))
    assert not held.unsure
    held = gene(tmp_path, at(TPMT3C, "0/1:LowGQ:10,0,200", fields="GT:FT:PL", alt="C"))
    assert not held.unsure


def test_samples_keep_their_own_figures(tmp_path: Path) -> None:
    cells = ("0/1:10,0,200", "0/0:0,60,900", "0/1:10,0,200", "0/0:0,22,300")
    held = gene(tmp_path, at(TPMT3C, *cells, fields="GT:PL", alt="C"), samples=("a", "b", "c", "d"))
    assert held.row_of is not None
    of = [held.unsure.get((row, column(TPMT3C))) for row in held.row_of.tolist()]
    assert of[0] == of[2]
    assert of[0] is not None
    assert of[0].genotypes[0][0] == HET
    assert of[1] is None
    assert of[3] is not None
    assert of[3].likelihoods


def test_records_of_different_changes_are_combined(tmp_path: Path) -> None:
    records = (
        at(TPMT3C, "0/1:24,0,200", fields="GT:PL", alt="C"),
        at(TPMT3C, "0/0:0,22,300", fields="GT:PL", alt="G"),
    )
    held = gene(tmp_path, *records)
    found = held.unsure[0, column(TPMT3C)]
    assert found.genotypes[0] == (HET, 1.0)
    assert dict(found.genotypes)[0, 2] == pytest.approx(0.00398 * 0.00631, rel=0.01)
    assert not found.likelihoods


def test_repeated_records_are_as_unsure_as_the_one_that_is_used(tmp_path: Path) -> None:
    sure, weak = at(TPMT3C, "0/1", alt="C"), at(TPMT3C, "0/1:24,0,200", fields="GT:PL", alt="C")
    assert (0, column(TPMT3C)) in gene(tmp_path, sure, weak).unsure
    low = at(TPMT3C, "0/1:9,0,200", fields="GT:PL", alt="C")
    assert not gene(tmp_path, sure, low).unsure
    against = at(TPMT3C, "0/0:0,24,200", fields="GT:PL", alt="C")
    held = gene(tmp_path, sure, against)
    assert held.unsure[0, column(TPMT3C)].genotypes == (((0, 1), 1.0), ((0, 0), 1.0))
    assert held.status[0, column(TPMT3C)] == Status.CONFLICT


PHASES = [
    # TPMT3B and TPMT3C: GT, PGT, PID and PS of each; whether they are known to lie on one copy, on two, or neither.
    (("0/1:0|1:9_A_T:.", "0/1:0|1:9_A_T:."), "one"),
    (("0/1:0|1:9_A_T:.", "0/1:1|0:9_A_T:."), "two"),
    (("0/1:0|1:9_A_T:.", "0/1:0|1:8_A_T:."), "unknown"),
    (("0/1:.:.:.", "0/1:0|1:9_A_T:."), "unknown"),
    (("0|1:0|1:9_A_T:9", "0|1:0|1:9_A_T:9"), "one"),
    (("0|1:0|1:9_A_T:9", "1|0:0|1:9_A_T:9"), "unknown"),
    (("0|1:0|1:9_A_T:5", "1|0:0|1:9_A_T:5"), "two"),
    (("0|1:1|0:9_A_T:.", "0|1:0|1:9_A_T:."), "unknown"),
]


@pytest.mark.parametrize(("cells", "expected"), PHASES)
def test_physical_phase_is_a_phase_set(tmp_path: Path, cells: tuple[str, str], expected: str) -> None:
    names = (TPMT3B, TPMT3C)
    rest = "".join(at(other, "0/0") for other in SITES if other not in names)
    two = "".join(
        at(name, cell, fields="GT:PGT:PID:PS", alt=site(name).alts[0]) for name, cell in zip(names, cells, strict=True)
    )
    path = write(tmp_path / "a.vcf", header(extra=EXTRA) + rest + two)
    found = next(call(read([path], KNOWLEDGE), KNOWLEDGE, "European")).genes["TPMT"]
    calls = [each.call for each in found.diplotypes]
    assert calls == {"one": ["*1/*3A"], "two": ["*3B/*3C"], "unknown": ["*1/*3A", "*3B/*3C"]}[expected]
