"""How far rearrangements reach, and what records that only count copies say, on both sides of each case."""

from __future__ import annotations

from pathlib import Path

import pysam
import pytest

from azaward.genetics import call
from azaward.genetics.model import GeneCall
from azaward.knowledge import load
from azaward.readers.genomes.variants import read
from tests.readers.genomes.variant_files import SITES, TPMT3C, at, header, line, position, whole, write

KNOWLEDGE = load()
EXTRA = (
    '##INFO=<ID=SVLEN,Number=.,Type=Integer,Description="Length">',
    '##INFO=<ID=SVTYPE,Number=1,Type=String,Description="Kind">',
    '##INFO=<ID=CHR2,Number=1,Type=String,Description="Chromosome of the other end">',
    '##INFO=<ID=POS2,Number=1,Type=Integer,Description="The other end">',
    '##FORMAT=<ID=CN,Number=1,Type=Integer,Description="Copies">',
    *(f'##FORMAT=<ID={name},Number=R,Type=Integer,Description="Reads">' for name in ("AD", "PR", "SR")),
    *(f'##FORMAT=<ID={name},Number=1,Type=Integer,Description="Reads">' for name in ("RO", "DR", "DV", "RR", "RV")),
    '##FORMAT=<ID=AO,Number=A,Type=Integer,Description="Reads">',
    '##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Likelihoods">',
)


def tpmt(folder: Path, *records: str, sites: str | None = None) -> GeneCall:
    """The call of TPMT of a person with these records; the reference at every site unless `sites` says otherwise."""
    path = write(folder / "a.vcf", header(extra=EXTRA) + (whole() if sites is None else sites) + "".join(records))
    return next(call(read([path], KNOWLEDGE), KNOWLEDGE, "European")).genes["TPMT"]


def without(name: str) -> str:
    """A record of the reference for every site but one."""
    return "".join(at(each, "0/0") for each in SITES if each != name)


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


BESIDE = [
    # One record has the deletion of a base, the other what stands there on the copy that is left.
    ("C,*", "1/2", "0/1", "*3C/[c.719del p.Tyr240fs]", "Poor Metabolizer"),
    ("C,*", "2/1", "0/1", "*3C/[c.719del p.Tyr240fs]", "Poor Metabolizer"),
    ("C,*", "1|2", "0|1", "*3C/[c.719del p.Tyr240fs]", "Poor Metabolizer"),
    ("C", "1/1", "0/1", "*3C/[c.719del p.Tyr240fs]", "Poor Metabolizer"),
    ("C", "0/1", "0/1", "*3C/[c.719del p.Tyr240fs]", "Poor Metabolizer"),
    ("C,*", "0/2", "0/1", "*1/[c.719del p.Tyr240fs]", "Intermediate Metabolizer"),
    ("C,*", "2/2", "1/1", "[c.719del p.Tyr240fs]/[c.719del p.Tyr240fs]", "Poor Metabolizer"),
    ("C,*", "1/2", "0/0", "*3C/[rs1142345 T>*]", None),
    ("C,A", "1/2", "0/0", "*3C/[c.719A>T p.Tyr240Phe]", None),
]


@pytest.mark.parametrize(("alt", "base", "deletion", "expected", "presumed"), BESIDE)
def test_a_deleted_base_and_the_one_on_the_other_copy_are_two_copies(
    tmp_path: Path, alt: str, base: str, deletion: str, expected: str, presumed: str | None
) -> None:
    place = position(TPMT3C)
    records = line("chr6", place - 1, "AT", "A", deletion) + line("chr6", place, "T", alt, base)
    found = tpmt(tmp_path, records, sites=without(TPMT3C))
    assert ([each.call for each in found.diplotypes], found.presumed) == ([expected], presumed)


JOINED = [
    # Two places of one chromosome that are joined, nobody says how; CHR2 may be missing.
    ("<TRA>", 18120000, "SVTYPE=TRA;END=18145000", "*1/[exons 3 to 8 rearranged]"),
    ("<TRA>", 18160000, "SVTYPE=TRA;END=18145000", "*1/[exons 1 to 2 rearranged]"),
    ("<BND>", 18120000, "SVTYPE=BND;CHR2=chr6;END=18145000", "*1/[exons 3 to 8 rearranged]"),
    ("<BND>", 18160000, "SVTYPE=BND;CHR2=6;END=18145000", "*1/[exons 1 to 2 rearranged]"),
    ("<BND>", 18120000, "SVTYPE=BND;CHR2=6;POS2=18145000", "*1/[exons 3 to 8 rearranged]"),
    ("<BND>", 18120000, "SVTYPE=BND;CHR2=chr6;END=18170000", "*1/[whole gene rearranged]"),
    ("<BND>", 18120000, "SVTYPE=BND;CHR2=chr6;END=18121000", "*1/*1"),
    ("<BND>", 18120000, "SVTYPE=BND;CHR2=chr2;END=18145000", "*1/*1"),
    # The other end as POS2, or before the record.
    ("<INV>", 18120000, "SVTYPE=INV;POS2=18145000", "*1/[rearranged gene]"),
    ("<DEL>", 18120000, "SVTYPE=DEL;CHR2=chr6;POS2=18170000", "*1/deletion"),
    ("<DEL>", 18170000, "SVTYPE=DEL;END=18120000", "*1/deletion"),
    ("<INV>", 18170000, "SVTYPE=INV;END=18145000", "*1/[rearranged gene]"),
    ("<DEL>", 18170000, "SVTYPE=DEL;END=18160000", "*1/*1"),
    # What ALT says against SVTYPE, and what says it without an ALT.
    ("<INS>", 18120000, "SVTYPE=DEL;END=18170000", "*1/[whole gene rearranged]"),
    ("<INV>", 18120000, "SVTYPE=DEL;END=18170000", "*1/[whole gene rearranged]"),
    ("<INV>", 18120000, "SVTYPE=INV;END=18170000", "*1/*1"),
    ("<CNV>", 18120000, "SVTYPE=DEL;END=18170000", "*1/deletion"),
    ("<CN1>", 18120000, "SVTYPE=DEL;END=18170000", "*1/deletion"),
    ("<CN1>", 18120000, "END=18170000", "*1/[whole gene rearranged]"),
    (".", 18120000, "SVTYPE=DEL;END=18170000", "*1/deletion"),
    (".", 18120000, "SVTYPE=INV;END=18145000", "*1/[rearranged gene]"),
]


@pytest.mark.parametrize(("alt", "start", "info", "expected"), JOINED)
def test_the_fields_of_a_rearrangement_are_put_together(
    tmp_path: Path, alt: str, start: int, info: str, expected: str
) -> None:
    found = tpmt(tmp_path, line("chr6", start, "N", alt, "0/1", info=info))
    assert found.diplotypes[0].call == expected
    assert (found.phenotype == "Normal Metabolizer") == (expected == "*1/*1")
    none = tpmt(tmp_path, line("chr6", start, "N", alt, "0/0", info=info))
    assert (none.diplotypes[0].call, none.phenotype) == ("*1/*1", "Normal Metabolizer")


@pytest.mark.parametrize(
    ("alt", "cell", "expected"),
    [
        ("<CN1>", "0/1:1", "*1/deletion"),
        ("<INV>", "0/0:1", "*1/deletion"),
        ("<CNV>", "0/1:1", "*1/deletion"),
        ("<CNV>", "0/1:3", "*1/[whole gene duplicated]"),
        ("<CNV>", "0/1:2", "*1/[whole gene rearranged]"),
        ("<CN1>", "0/0:2", "*1/*1"),
    ],
)
def test_counted_copies_outrank_an_alt_of_no_known_kind(tmp_path: Path, alt: str, cell: str, expected: str) -> None:
    found = tpmt(tmp_path, line("chr6", 18120000, "N", alt, cell, fields="GT:CN", info="END=18170000"))
    assert found.diplotypes[0].call == expected


REJECTED = [
    # No call of the reference is believed that its own figures reject.
    ("GT:DP", "0/0:0", "0/0:10"),
    ("GT:GQ", "0/0:3", "0/0:20"),
    ("GT:FT", "0/0:MinGQ", "0/0:PASS"),
    ("GT:AD", "0/0:0,0", "0/0:30,0"),
    ("GT:PL", "0/0:0,0,0", "0/0:0,60,600"),
    ("GT:PR:SR", "0/0:0,0:0,0", "0/0:5,0:.,."),
    # Nor one that the reads speak against, whatever the field that counts them; and reads count without a call.
    ("GT:AD", "0/0:15,15", "0/0:30,1"),
    ("GT:PR:SR", "0/0:10,20:0,0", "0/0:30,0:30,1"),
    ("GT:PR:SR", "0/0:30,0:10,20", "0/0:30,0:.,."),
    ("GT:DR:DV:RR:RV", "0/0:10:20:0:0", "0/0:30:0:30:1"),
    ("GT:RO:AO", "0/0:15:15", "0/0:30:0"),
    ("GT:AD", "./.:15,15", "./.:30,0"),
    ("GT:AD", "0/.:15,15", "0/.:30,0"),
    ("GT:PR", "./.:0,0", "./.:30,0"),
]


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize(("fields", "doubtful", "good"), REJECTED)
def test_a_reference_that_the_figures_reject_is_not_normal(
    tmp_path: Path, fields: str, doubtful: str, good: str, small: bool
) -> None:
    for cell, phenotype in ((doubtful, "Indeterminate"), (good, "Normal Metabolizer")):
        deleted = line("chr6", 18120000, "N", "<DEL>", cell, fields=fields, info="SVTYPE=DEL;END=18170000")
        stop = line("chr6", 18130673, "T", "A", cell, fields=fields)
        assert tpmt(tmp_path, stop if small else deleted).phenotype == phenotype


MNVS = [
    # The change of a named allele beside another in one ALT, alone and with a record of its own.
    ("AT", "GC", "0/1", None, "*1/*3C"),
    ("AT", "GC", "1/1", None, "*3C/*3C"),
    ("AT", "CC", "0/1", None, "*1/[*3C + c.[719A>G;720T>G] p.Tyr240Trp]"),
    ("AT", "CC", "0/1", "0/1", "*1/[*3C + c.[719A>G;720T>G] p.Tyr240Trp]"),
    ("AT", "CA", "0/1", None, "*1/[c.719_720delinsTG p.Tyr240Leu]"),
]


@pytest.mark.parametrize(("ref", "alt", "call", "alone", "expected"), MNVS)
def test_what_stands_beside_a_named_change_in_one_alt_counts_by_itself(
    tmp_path: Path, ref: str, alt: str, call: str, alone: str | None, expected: str
) -> None:
    place = position(TPMT3C)
    records = line("chr6", place - 1, ref, alt, call) + (line("chr6", place, "T", "C", alone) if alone else "")
    assert [each.call for each in tpmt(tmp_path, records, sites=without(TPMT3C)).diplotypes] == [expected]


def test_beside_a_deleted_copy_a_change_lies_on_the_one_that_is_left(tmp_path: Path) -> None:
    deleted = line("chr6", 18120000, "N", "<DEL>", "0/1", info="END=18170000")
    stop = line("chr6", 18139003, "T", "A", "1/1")
    found = tpmt(tmp_path, deleted, stop)
    assert {each.call for each in found.diplotypes} <= {
        "[c.454A>T p.Arg152Ter]/deletion",
        "deletion/[c.454A>T p.Arg152Ter]",
    }
    assert [each.copies for each in found.changes if "454" in each.name] == [1]
    assert "c.454A>T p.Arg152Ter on one copy" in " ".join(found.notes)
    assert [each.copies for each in tpmt(tmp_path, stop).changes] == [2]
