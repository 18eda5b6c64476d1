"""What has no genotype, or only half of what a file could say of it, is never normal by silence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pysam
import pytest

from azaward.genetics import call
from azaward.genetics.model import GeneCall
from azaward.knowledge import load
from azaward.readers.genomes.variants import read
from tests.readers.genomes.variant_files import TPMT3C, at, header, line, whole, write

KNOWLEDGE = load()
MAY, NORMAL = "Indeterminate", "Normal Metabolizer"
DECLARED = (
    '##INFO=<ID=SVTYPE,Number=1,Type=String,Description="Kind">',
    '##INFO=<ID=CHR2,Number=1,Type=String,Description="Contig of the other end">',
    '##INFO=<ID=POS2,Number=1,Type=Integer,Description="Position of the other end">',
    '##FORMAT=<ID=CN,Number=1,Type=Integer,Description="Copies">',
    '##FORMAT=<ID=PR,Number=R,Type=Integer,Description="Pairs of reads">',
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads">',
    '##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Likelihoods">',
)


def file(path: Path, records: str, samples: int, *, first: bool = False) -> Path:
    names = [f"c{number:03}" for number in range(1, samples + 1)]
    sites = whole(samples=samples)
    text = records + sites if first else sites + records
    return write(path, header(names, extra=["##contig=<ID=chr2,length=242193529>", *DECLARED]) + text)


def calls(path: Path, sample: str | None = None) -> list[GeneCall]:
    return [one.genes["TPMT"] for one in call(read([path], KNOWLEDGE, sample=sample), KNOWLEDGE)]


def stop(*cells: str, fields: str = "GT", filters: str = "PASS") -> str:
    """p.Arg152Ter."""
    return line("chr6", 18139003, "T", "A", *cells, fields=fields, filters=filters)


@pytest.mark.parametrize(
    ("cells", "fields", "filters", "expected"),
    [
        (["./."], "GT", "PASS", MAY),
        (["./."], "GT", "RefCall", MAY),
        (["0/0"], "GT", "PASS", NORMAL),
        # By the likelihoods alone, 1 in 3, 1 in 9 and 1 in 1,000.
        (["./.:0,3,30"], "GT:PL", "PASS", MAY),
        (["./.:0,9,90"], "GT:PL", "PASS", MAY),
        (["./.:0,30,300"], "GT:PL", "PASS", NORMAL),
        (["./.:3:20:17,3:0,3,30"], "GT:GQ:DP:AD:PL", "RefCall", MAY),
        # The reads say what the likelihoods don't.
        (["./.:8,6:0,30,300"], "GT:AD:PL", "PASS", MAY),
        # Others with two references clear what nothing else speaks for.
        (["./.", *["0/0"] * 3], "GT", "PASS", MAY),
        (["./.", *["0/0"] * 5], "GT", "PASS", NORMAL),
        (["./.:0,9,90", *["0/0:0,90,900"] * 5], "GT:PL", "PASS", NORMAL),
        *[([f"./.:{own}", *["0/0:30,0"] * 6], "GT:AD", "PASS", MAY) for own in ("0,30", "0,8", "4,4", "10,2")],
        (["./.:30,0", *["0/0:30,0"] * 6], "GT:AD", "PASS", NORMAL),
        (["./.:8,6:0,9,90", *["0/0:30,0:0,90,900"] * 6], "GT:AD:PL", "PASS", MAY),
        # Nor do others clear it whose own genotype didn't pass, or whose figures say otherwise.
        (["./.:PASS", *["0/0:bad"] * 6], "GT:FT", "PASS", MAY),
        (["./.:.", *["0/0:30,0,30"] * 6], "GT:PL", "PASS", MAY),
    ],
)
def test_a_missing_genotype_may_be_the_change(
    tmp_path: Path, cells: Sequence[str], fields: str, filters: str, expected: str
) -> None:
    path = file(tmp_path / "x.vcf", stop(*cells, fields=fields, filters=filters), len(cells))
    assert calls(path)[0].phenotype == expected
    # What the others have counts whether or not they are asked for.
    assert calls(path, "c001")[0].phenotype == expected


@pytest.mark.parametrize(
    ("record", "expected", "call"),
    [
        (line("chr6", 18110000, "N", "<DEL>", "1", fields="CN", info="END=18170000"), None, "*1/deletion"),
        (line("chr6", 18110000, "N", "<DEL>", "0", fields="CN", info="END=18170000"), None, "deletion/deletion"),
        (line("chr6", 18110000, "N", "<DEL>", "2", fields="CN", info="END=18170000"), NORMAL, "*1/*1"),
        (line("chr6", 18110000, "N", "<DEL>", ".", fields="CN", info="END=18170000"), MAY, "*1/*1"),
        (line("chr6", 18110000, "N", "<DEL>", "10,5", fields="PR", info="END=18170000"), MAY, "*1/*1"),
        (line("chr6", 18139003, "T", "A", "10,5", fields="AD"), MAY, "*1/*1"),
        (line("chr6", 18100000, "N", "<INV>", "0/1"), MAY, "*1/*1"),
        (line("chr6", 18100000, "N", "<INV>", "0/1", info="END=18100900"), NORMAL, "*1/*1"),
    ],
)
def test_what_has_copies_or_reads_and_no_genotype_counts(
    tmp_path: Path, record: str, expected: str | None, call: str
) -> None:
    (found,) = calls(file(tmp_path / "x.vcf", record, 1))
    assert found.diplotypes[0].call == call
    assert found.phenotype == (expected or found.diplotypes[0].phenotype)


def test_counted_copies_are_a_file_of_their_own(tmp_path: Path) -> None:
    record = line("chr6", 18110000, "N", "<DEL>", "1", fields="CN", info="END=18170000")
    copies = write(tmp_path / "cnv.vcf", header(extra=DECLARED) + record)
    (found,) = call(read([file(tmp_path / "x.vcf", "", 1), copies], KNOWLEDGE), KNOWLEDGE)
    assert found.genes["TPMT"].diplotypes[0].call == "*1/deletion"


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (line("chr6", 18139003, "T", "*", "0/1"), ["*1/[chr6:18139003 T>*]"]),
        (line("chr6", 18139003, "T", "*", "1/1"), ["[chr6:18139003 T>*]/[chr6:18139003 T>*]"]),
        (line("chr6", 18139003, "T", "A,*", "0/2"), ["*1/[chr6:18139003 T>*]"]),
        (line("chr6", 18139003, "T", "A,*", "0/0"), ["*1/*1"]),
        (line("chr6", 18139003, "T", "*", "./."), ["*1/*1"]),
        # In an intron they are nothing to the protein.
        (line("chr6", 18140003, "N", "*", "0/1"), ["*1/*1"]),
        # The deletion that took the base away, if this sample has it.
        (
            line("chr6", 18139002, "CT", "C", "0/1", "0/0") + line("chr6", 18139003, "T", "*", "0/1", "0/1"),
            ["*1/[c.454del p.Arg152fs]", "*1/[chr6:18139003 T>*]"],
        ),
    ],
)
def test_bases_that_a_deletion_takes_away_are_explained_by_it(
    tmp_path: Path, records: str, expected: Sequence[str]
) -> None:
    found = calls(file(tmp_path / "x.vcf", records, len(expected)))
    assert [one.diplotypes[0].call for one in found] == expected


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize(
    ("contig", "alt", "info", "tpmt", "nudt15"),
    [
        ("chr2", "<TRA>", "SVTYPE=TRA;CHR2=chr6;END=18140000", MAY, NORMAL),
        ("chr2", "<BND>", "SVTYPE=BND;CHR2=chr6;POS2=18140000", MAY, NORMAL),
        ("chr2", "<CTX>", "SVTYPE=CTX;CHR2=6;POS2=18140000;END=1001", MAY, NORMAL),
        ("chr2", "<TRA>", "SVTYPE=TRA;CHR2=chr6;END=1140000", NORMAL, NORMAL),
        ("chr2", "<DEL>", "SVTYPE=DEL;CHR2=chr6;END=18140000", NORMAL, NORMAL),
        ("chr2", "N[chr6:18140000[", "SVTYPE=BND", MAY, NORMAL),
        # Before one gene, and broken off in the other.
        ("chr6", "N[chr13:48040000[", "SVTYPE=BND", NORMAL, MAY),
        ("chr6", "<TRA>", "SVTYPE=TRA;CHR2=chr13;END=48040000", NORMAL, MAY),
    ],
)
def test_a_translocation_breaks_the_gene_at_either_end(
    tmp_path: Path, contig: str, alt: str, info: str, tpmt: str, nudt15: str, indexed: bool
) -> None:
    path = file(tmp_path / "x.vcf", line(contig, 1000, "N", alt, "0/1", info=info), 1, first=True)
    if indexed:
        path = sorted_and_indexed(path)
    (found,) = call(read([path], KNOWLEDGE), KNOWLEDGE)
    assert [found.genes[gene].phenotype for gene in ("TPMT", "NUDT15")] == [tpmt, nudt15]


def test_a_translocation_between_the_genes_breaks_both(tmp_path: Path) -> None:
    record = line("chr6", 18140000, "N", "N[chr13:48040000[", "0/1", info="SVTYPE=BND")
    (found,) = call(read([file(tmp_path / "x.vcf", record, 1)], KNOWLEDGE), KNOWLEDGE)
    assert {one.phenotype for one in found.genes.values()} == {MAY}


def sorted_and_indexed(path: Path) -> Path:
    text = path.read_text().splitlines(keepends=True)
    records = [each for each in text if each[0] != "#"]
    records.sort(key=lambda each: (int(each.split("\t")[0].removeprefix("chr")), int(each.split("\t")[1])))
    path.write_text("".join([*(each for each in text if each[0] == "#"), *records]))
    pysam.tabix_compress(str(path), str(path) + ".gz")
    pysam.tabix_index(str(path) + ".gz", preset="vcf")
    return Path(str(path) + ".gz")


def test_a_missing_genotype_of_a_named_change_goes_by_its_reads_too(tmp_path: Path) -> None:
    sites = whole({TPMT3C: "./.:2,9"}).replace(at(TPMT3C, "./.:2,9"), at(TPMT3C, "./.:2,9", alt="C", fields="GT:AD"))
    path = write(tmp_path / "x.vcf", header(extra=DECLARED) + sites)
    (found,) = calls(path)
    assert found.acted_on == "Intermediate Metabolizer"
    assert (found.missing_positions[0].rsid, len(found.missing_positions)) == (TPMT3C, 1)
