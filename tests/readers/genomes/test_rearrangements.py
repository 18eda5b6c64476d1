"""How far rearrangements reach, and what records that only count copies say, on both sides of each case."""

from __future__ import annotations

from pathlib import Path

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
