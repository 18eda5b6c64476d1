"""How far rearrangements reach, and what records that only count copies say, on both sides of each case."""

from __future__ import annotations

from pathlib import Path

import pysam
import pytest

from azaward.genetics import call
from azaward.genetics.model import GeneCall
from azaward.knowledge import load
from azaward.readers.genomes.variants import read
from tests.readers.genomes.variant_files import header, line, whole, write

KNOWLEDGE = load()
EXTRA = (
    '##INFO=<ID=SVLEN,Number=.,Type=Integer,Description="Length">',
    '##INFO=<ID=SVTYPE,Number=1,Type=String,Description="Kind">',
    '##FORMAT=<ID=CN,Number=1,Type=Integer,Description="Copies">',
)


def tpmt(folder: Path, *records: str, sites: str | None = None) -> GeneCall:
    """The call of TPMT of a person with these records; the reference at every site unless `sites` says otherwise."""
    path = write(folder / "a.vcf", header(extra=EXTRA) + (whole() if sites is None else sites) + "".join(records))
    return next(call(read([path], KNOWLEDGE), KNOWLEDGE, "European")).genes["TPMT"]


ENDS = [
    # A breakend whose mate is on the same chromosome; then END and SVLEN that contradict each other.
    ("N", "N[chr6:18160000[", 18120000, "SVTYPE=BND", "*1/deletion"),
    ("N", "N[6:18160000[", 18120000, "SVTYPE=BND", "*1/deletion"),
    ("N", "N[chr6:18140500[", 18138000, "SVTYPE=BND", "*1/[exons 4 to 5 deleted]"),
    ("N", "N[chr6:18126000[", 18120000, "SVTYPE=BND", "*1/*1"),
    ("N", "]chr6:18160000]N", 18120000, "SVTYPE=BND", "*1/[whole gene duplicated]"),
    ("N", "N]chr6:18160000]", 18120000, "SVTYPE=BND", "*1/*1"),
    ("N", "N]chr6:18145000]", 18120000, "SVTYPE=BND", "*1/[rearranged gene]"),
    ("N", "N[chr2:500[", 18145000, "SVTYPE=BND", "*1/[rearranged gene]"),
    ("N", "N[chr2:500[", 18120000, "SVTYPE=BND", "*1/*1"),
    ("N", "<BND>", 18145000, "SVTYPE=BND", "*1/[rearranged gene]"),
    ("N", "<TRA>", 18145000, "SVTYPE=TRA;END=500", "*1/[rearranged gene]"),
    ("A", "<DEL>", 18127000, "SVTYPE=DEL;END=18127000;SVLEN=-29000", "*1/deletion"),
    ("A", "<DEL>", 18127000, "SVTYPE=DEL;END=100;SVLEN=-29000", "*1/deletion"),
    ("A", "<DEL>", 18127000, "SVTYPE=DEL;END=18156000;SVLEN=-1", "*1/deletion"),
    ("A", "<DEL>", 18127000, "SVTYPE=DEL;END=18127500;SVLEN=-500", "*1/*1"),
]


@pytest.mark.parametrize(("ref", "alt", "start", "info", "expected"), ENDS)
def test_a_rearrangement_reaches_as_far_as_any_of_its_fields_says(
    tmp_path: Path, ref: str, alt: str, start: int, info: str, expected: str
) -> None:
    found = tpmt(tmp_path, line("chr6", start, ref, alt, "0/1", info=info))
    assert found.diplotypes[0].call == expected
    assert (found.phenotype == "Normal Metabolizer") == (expected == "*1/*1")


MATES = [
    # A breakend whose mate isn't recorded, behind the gene or on another chromosome.
    ("chr6", 18160000, "]chr6:18120000]N", "*1/deletion"),
    ("chr6", 18160000, "]chr6:18156000]N", "*1/*1"),
    ("chr6", 18160000, "[chr6:18145000[N", "*1/[rearranged gene]"),
    ("chr1", 500, "N[chr6:18145000[", "*1/[rearranged gene]"),
    ("chr1", 500, "N[6:18145000[", "*1/[rearranged gene]"),
    ("chr1", 500, "N[chr6:18120000[", "*1/*1"),
]


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize(("chrom", "start", "alt", "expected"), MATES)
def test_a_breakend_counts_wherever_it_is_recorded(
    tmp_path: Path, chrom: str, start: int, alt: str, expected: str, indexed: bool
) -> None:
    record = line(chrom, start, "N", alt, "0/1", info="SVTYPE=BND")
    text = header(extra=EXTRA) + (record + whole() if chrom == "chr1" else whole() + record)
    path = write(tmp_path / "a.vcf", text)
    if indexed:
        if chrom == "chr1":
            pytest.skip("an index leads to the two genes alone: there, callers write both ends")
        lines = text.splitlines(keepends=True)
        records = sorted((each for each in lines if each[0] != "#"), key=lambda each: int(each.split("\t")[1]))
        by_chrom = sorted(records, key=lambda each: each.split("\t")[0] != "chr6")
        path = write(tmp_path / "b.vcf", "".join([each for each in lines if each[0] == "#"] + by_chrom))
        path = Path(pysam.tabix_index(str(path), preset="vcf", force=True))
    found = next(call(read([path], KNOWLEDGE), KNOWLEDGE, "European")).genes["TPMT"]
    assert found.diplotypes[0].call == expected


ENDLESS = [
    ("<DEL>", 18120000, "SVTYPE=DEL", False),
    ("<DEL>", 18140000, "SVTYPE=DEL", False),
    ("<DEL>", 18120000, "SVTYPE=DEL;END=18120000", False),
    ("<DUP>", 18120000, "SVTYPE=DUP;SVLEN=.", False),
    ("<INV>", 18145000, "SVTYPE=INV", False),
    ("<DEL>", 18120000, "SVTYPE=DEL;SVLEN=-5", True),
    ("<DEL>", 18120000, "SVTYPE=DEL;END=18120006", True),
    ("<DEL>", 18160000, "SVTYPE=DEL", True),
    ("<INS>", 18120000, "SVTYPE=INS", True),
]


@pytest.mark.parametrize(("alt", "start", "info", "normal"), ENDLESS)
def test_a_rearrangement_that_ends_nowhere_is_never_normal(
    tmp_path: Path, alt: str, start: int, info: str, normal: bool
) -> None:
    found = tpmt(tmp_path, line("chr6", start, "N", alt, "0/1", info=info))
    assert (found.phenotype == "Normal Metabolizer") == normal
    assert ("doesn't say where it ends" in " ".join(found.notes)) == (not normal)


def test_copies_that_failed_a_filter_are_no_copies_and_not_normal(tmp_path: Path) -> None:
    found = tpmt(
        tmp_path, line("chr6", 18000000, "N", "<CNV>", "./.:1", fields="GT:CN", info="END=18200000", filters="LowQual")
    )
    assert (found.diplotypes[0].call, found.phenotype) == ("*1/*1", "Indeterminate")


@pytest.mark.parametrize(("cell", "phenotype"), [("./.:2", "Normal Metabolizer"), ("./.:.", "Indeterminate")])
def test_counted_copies_need_no_genotype(tmp_path: Path, cell: str, phenotype: str) -> None:
    found = tpmt(tmp_path, line("chr6", 18000000, "N", "<CNV>", cell, fields="GT:CN", info="END=18200000"))
    assert found.phenotype == phenotype


SEGMENTS = [
    ("GT:CN", "0/0:2", "END=170000000", "*1/*1"),
    ("GT", "0/0", "END=170000000;SVTYPE=CNV", "*1/*1"),
    ("GT:CN", "./.:1", "END=170000000", "*1/deletion"),
    ("CN", "0", "END=170000000", "deletion/deletion"),
]


@pytest.mark.parametrize(("fields", "cell", "info", "expected"), SEGMENTS)
def test_counted_copies_say_nothing_of_the_bases(
    tmp_path: Path, fields: str, cell: str, info: str, expected: str
) -> None:
    segment = line("chr6", 100, "N", ".", cell, fields=fields, info=info)
    alone = tpmt(tmp_path, segment, sites="")
    assert len(alone.missing_positions) == len(alone.evidence)
    assert alone.phenotype != "Normal Metabolizer"
    assert tpmt(tmp_path, segment).diplotypes[0].call == expected


def test_a_block_of_reference_is_still_one(tmp_path: Path) -> None:
    block = line("chr6", 100, "N", ".", "0/0", info="END=170000000")
    assert tpmt(tmp_path, block, sites="").phenotype == "Normal Metabolizer"
