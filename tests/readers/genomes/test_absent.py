"""A position without a record is missing, unless somebody states that the file has every position that differs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pysam
import pytest

from azaward.errors import InputError
from azaward.genetics import call
from azaward.genetics.model import GENES, Genotypes, Status
from azaward.knowledge import load
from azaward.readers.genomes.absent import COPIES_UNSEEN, MAY_LIST_DIFFERENCES, OPTION, TAKEN
from azaward.readers.genomes.variants import read
from tests.readers.genomes.test_array_formats import SHAPES
from tests.readers.genomes.test_variants import block, seen
from tests.readers.genomes.variant_files import (
    R139C,
    SITES,
    TPMT2,
    TPMT3B,
    TPMT3C,
    at,
    header,
    line,
    position,
    whole,
    write,
)

KNOWLEDGE = load()
AZAWARD = Path(sys.executable).with_name("azaward")
ELSEWHERE = line("chr6", 30_000_000, "A", "C", "0/1") + line("chr13", 20_000_000, "G", "T", "1/1")


def of(*paths: Path, stated: bool = True) -> Genotypes:
    (part,) = read(paths, KNOWLEDGE, absent_is_reference=stated)
    return part


def notes(part: Genotypes, gene: str, sample: int = 0) -> str:
    held = part.genes[gene]
    row = sample if held.row_of is None else int(held.row_of[sample])
    return " ".join(held.notes.get((row, -1), ()))


def refused(*paths: Path) -> str:
    with pytest.raises(InputError) as caught:
        of(*paths)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_has_no_record_is_taken_as_reference_only_where_it_is_stated(tmp_path: Path) -> None:
    path = write(tmp_path / "x.vcf", header() + at(TPMT3C, "0/1", alt="C") + ELSEWHERE)
    part = of(path)
    assert seen(part, TPMT3C) == ((0, 1), Status.SEEN)
    assert {seen(part, name) for name in SITES if name != TPMT3C} == {((0, 0), Status.ASSUMED_REFERENCE)}
    assert all(notes(part, gene) == f"{TAKEN}. {COPIES_UNSEEN}" for gene in GENES)
    genes = next(call(part, KNOWLEDGE)).genes
    assert (genes["TPMT"].phenotype, genes["NUDT15"].phenotype) == ("Intermediate Metabolizer", "Normal Metabolizer")
    assert not genes["NUDT15"].missing_positions
    unstated = of(path, stated=False)
    assert {seen(unstated, name) for name in SITES if name != TPMT3C} == {((-1, -1), Status.NO_RECORD)}
    assert all(notes(unstated, gene) == f"{MAY_LIST_DIFFERENCES}. {COPIES_UNSEEN}" for gene in GENES)
    assert OPTION in MAY_LIST_DIFFERENCES
    assert next(call(unstated, KNOWLEDGE)).genes["NUDT15"].phenotype == "Indeterminate"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (at(TPMT2, "./."), ((-1, -1), Status.NO_CALL)),
        (at(TPMT2, "0/1", filters="LowQual"), ((-1, -1), Status.FILTERED)),
        (at(TPMT2, "0/."), ((0, -1), Status.HALF_CALL)),
        (at(TPMT2, "0/1:3", fields="GT:DP"), ((-1, -1), Status.LOW_DEPTH)),
        (line("chr6", position(TPMT2) - 5, "N", "<DEL>", "0/1", info=f"END={position(TPMT2) + 5}"), (0, 0)),
        (line("chr6", position(TPMT2) - 5, "N", "<DEL>", "./.", info=f"END={position(TPMT2) + 5}"), (-1, -1)),
        (
            line(
                "chr6", position(TPMT2) - 5, "N", "<DEL>", "0/1", info=f"END={position(TPMT2) + 5}", filters="LowQual"
            ),
            (-1, -1),
        ),
    ],
)
def test_what_stands_at_a_position_stays(tmp_path: Path, record: str, expected: object) -> None:
    part = of(write(tmp_path / "x.vcf", header() + record + at(TPMT3C, "0/1", alt="C") + ELSEWHERE))
    found = seen(part, TPMT2)
    assert found == expected or found[0] == expected
    # What is left where one copy is deleted is the other's. The deletion (which may be there where it has no genotype),
    # or a change in a call that isn't used, stands
    # beside it.
    assert len(part.genes["TPMT"].unnamed) == ("0/1" in record or "<DEL>" in record)
    assert seen(part, TPMT3B) == ((0, 0), Status.ASSUMED_REFERENCE)


def test_a_file_that_says_where_it_saw_the_reference_can_not_be_taken_so(tmp_path: Path) -> None:
    gvcf = header() + at(TPMT3C, "0/1", alt="C") + block("chr13", position(R139C), position(R139C) + 5, "C")
    for text in (gvcf, header() + at(TPMT3C, "0/1", alt="C") + at(R139C, "0/0")):
        path = write(tmp_path / "x.vcf", text + ELSEWHERE)
        assert refused(path).endswith(f"a position without one was not called. Omit {OPTION}.")
        assert MAY_LIST_DIFFERENCES not in notes(of(path, stated=False), "TPMT")


def test_a_file_without_variants_says_nothing(tmp_path: Path) -> None:
    six = "".join(each for each in header().splitlines(keepends=True))
    empty = write(tmp_path / "x.vcf", six + line("chr1", 5, "A", "C", "0/1") + line("chr6", 5, "A", ".", "0/0"))
    assert refused(empty).startswith("x.vcf: no variant on chromosomes 6 and 13")
    assert refused(write(tmp_path / "c001.txt", SHAPES["tellmeGen"])).startswith("c001.txt: an array tests only some")


def test_a_chromosome_without_variants_stays_unknown(tmp_path: Path) -> None:
    path = write(tmp_path / "x.vcf", header() + at(TPMT3C, "0/1", alt="C"))
    said: list[str] = []
    (part,) = read([path], KNOWLEDGE, warn=said.append, absent_is_reference=True)
    assert f"x.vcf: no variant on chr13, so {OPTION} says nothing of NUDT15." in said
    assert seen(part, R139C) == ((-1, -1), Status.NO_RECORD)
    assert notes(part, "NUDT15") == COPIES_UNSEEN
    assert seen(part, TPMT3B) == ((0, 0), Status.ASSUMED_REFERENCE)


def test_an_index_changes_nothing(tmp_path: Path) -> None:
    records = line("chr6", 17_000_000, "A", "C", "0/1") + at(TPMT3C, "0/1", alt="C")
    plain = write(tmp_path / "a.vcf", header() + records + line("chr13", 20_000_000, "G", "T", "1/1"))
    pysam.tabix_compress(str(plain), str(tmp_path / "b.vcf.gz"))
    pysam.tabix_index(str(tmp_path / "b.vcf.gz"), preset="vcf")
    for path in (plain, tmp_path / "b.vcf.gz"):
        part = of(path)
        assert {seen(part, name) for name in SITES if name != TPMT3C} == {((0, 0), Status.ASSUMED_REFERENCE)}
        assert notes(of(path, stated=False), "NUDT15") == f"{MAY_LIST_DIFFERENCES}. {COPIES_UNSEEN}"


def test_a_file_of_structural_variants_beside_one_of_small_ones(tmp_path: Path) -> None:
    small = write(tmp_path / "snv.vcf", header() + at(TPMT3C, "0/1", alt="C") + ELSEWHERE)
    deleted = line("chr6", position(R139C), "N", "<DEL>", "0/1", info=f"END={position(R139C) + 10}")
    large = write(tmp_path / "sv.vcf", header() + deleted)
    part = of(small, large)
    assert seen(part, TPMT3C) == ((0, 1), Status.SEEN)
    assert seen(part, R139C) == ((0, 0), Status.ASSUMED_REFERENCE)


def test_only_the_samples_of_a_file_are_taken_so(tmp_path: Path) -> None:
    one = write(tmp_path / "one.vcf", header(("c001",)) + at(TPMT3C, "0/1", alt="C") + ELSEWHERE)
    two = write(tmp_path / "two.vcf", header(("c002",)) + at(R139C, "0/1"))
    part = of(one, two)
    assert [seen(part, TPMT3B, sample)[1] for sample in (0, 1)] == [Status.ASSUMED_REFERENCE, Status.NO_RECORD]
    assert seen(part, R139C, 1) == ((0, 1), Status.SEEN)
    assert [notes(part, "TPMT", sample) for sample in (0, 1)] == [TAKEN, ""]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([AZAWARD, "genotype", *map(str, arguments)], capture_output=True, text=True, check=False)


def test_the_report_says_so_in_every_format(tmp_path: Path) -> None:
    path = write(tmp_path / "x.vcf", header() + at(TPMT3C, "0/1", alt="C") + ELSEWHERE)
    made = run(path, OPTION, "--format", "json")
    genes = json.loads(made.stdout)["genes"]
    for gene in GENES:
        assert any(TAKEN in note for note in genes[gene]["notes"])
    assumed = Status.ASSUMED_REFERENCE.says
    assert {each["status"] for each in genes["NUDT15"]["evidence"]} == {assumed}
    text = " ".join(run(path, OPTION).stdout.split())
    # Text, HTML and PDF say once what holds for both genes.
    assert text.count(TAKEN) == 1
    assert f"0 of {len(genes['NUDT15']['evidence'])} positions seen" in text
    assert run(path, OPTION, "--format", "html").stdout.count(TAKEN) == 1
    assert run(path, OPTION, "--format", "tsv").stdout.count(TAKEN) == 2
    pdf = tmp_path / "x.pdf"
    assert run(path, OPTION, "--format", "pdf", "--out", pdf).returncode == 0
    assert pdf.stat().st_size > 1000
    unstated = json.loads(run(path, "--format", "json").stdout)["genes"]["NUDT15"]
    assert unstated["phenotype"] == "Indeterminate"
    assert any(MAY_LIST_DIFFERENCES in note for note in unstated["notes"])
    wrong = run("--report", "TPMT *1/*1", OPTION)
    assert wrong.returncode == 2


REARRANGED = '##INFO=<ID=SVTYPE,Number=1,Type=String,Description="Kind">'
DELETED = line("chr6", 18120000, "N", "<DEL>", "0/0", info="END=18170000")
COUNTED = line("chr6", 18120000, "N", ".", "2", fields="CN", info="END=18170000")


@pytest.mark.parametrize(
    ("samples", "extra", "records", "unseen"),
    [
        (1, (), "", True),
        (1, (REARRANGED,), "", False),
        (1, (), DELETED, False),
        (1, (), COUNTED, False),
        (2, (), "", False),
    ],
)
def test_a_file_without_rearrangements_says_nothing_of_copies(
    tmp_path: Path, samples: int, extra: tuple[str, ...], records: str, unseen: bool
) -> None:
    names = [f"c{each:03d}" for each in range(samples)]
    path = write(tmp_path / "a.vcf", header(names, extra=extra) + whole(samples=samples) + records)
    (part,) = read([path], KNOWLEDGE)
    assert [notes(part, gene) for gene in GENES] == [COPIES_UNSEEN if unseen else ""] * 2
