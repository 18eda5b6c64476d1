"""A chromosome has many names, some of which tell the assembly; what only resembles one is another sequence."""

from __future__ import annotations

from pathlib import Path

import pytest

from azaward.errors import InputError
from azaward.genetics.model import Status
from azaward.knowledge import load
from azaward.readers.genomes.alleles import AssemblyName
from azaward.readers.genomes.contigs import accession, chromosome, spellings
from azaward.readers.genomes.variants import read
from tests.readers.genomes.test_variants import seen
from tests.readers.genomes.variant_files import R139C, TPMT3C, at, header, write

KNOWLEDGE = load()
OF_GRCH38 = [("NC_000006.12", "NC_000013.11"), ("CM000668.2", "CM000675.2")]
OF_GRCH37 = [("NC_000006.11", "NC_000013.10"), ("CM000668.1", "CM000675.1"), ("hs37d5 6", "hs37d5 13")]


@pytest.mark.parametrize(
    "name",
    [
        *("6", "06", "chr6", "chr06", "Chr6", "CHR6", "chromosome 6", "Chromosome6", "chrom_6", "hs37d5 6"),
        *(
            "NC_000006.12",
            "NC_000006.11",
            "nc_000006",
            "CM000668.2",
            "ref|NC_000006.11|",
            "gi|224589818|ref|NC_000006.11|",
        ),
        "6 dna:chromosome chromosome:GRCh37:6:1:171115067:1",
    ],
)
def test_names_of_chromosome_6(name: str) -> None:
    assert chromosome(name) == "chr6"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "chr6_GL000250v2_alt",
            "chr6_KI270798v1_random",
            "6_fix",
            "chrUn_KI270302v1",
            "hs37d5",
            "HSCHR6_MHC_COX_CTG1",
        ),
        *(
            "16",
            "chr60",
            "NC_000016.10",
            "CM000669.2",
            "NT_167244.2",
            "HLA-A*06:01",
            "GL000206.1",
            "chr6.1",
            "NC_060930.1",
        ),
    ],
)
def test_what_only_resembles_chromosome_6(name: str) -> None:
    assert chromosome(name) != "chr6"


def test_the_accessions_that_are_known_are_of_the_chromosomes_that_matter() -> None:
    rows = [(row.chrom, name) for row in KNOWLEDGE.tables["assemblies"] for name in row.names.split(";")]
    held = [(chrom, name) for chrom, name in rows if accession(name) is not None]
    assert len(held) == 8
    assert all(chromosome(name) == chrom and name in spellings() for chrom, name in held)


def named(six: str, thirteen: str, assembly: AssemblyName, *, declared: bool = True) -> str:
    """A file with two records on contigs of these names, whose header says nothing else of the assembly."""
    head = "".join(f"{each}\n" for each in header().splitlines() if not each.startswith("##contig"))
    if declared:
        first, rest = head.split("\n", 1)
        head = f"{first}\n##contig=<ID={six}>\n##contig=<ID={thirteen}>\n{rest}"
    records = at(TPMT3C, "0/1", assembly=assembly) + at(R139C, "1/1", assembly=assembly)
    return head + records.replace("chr6\t", f"{six}\t").replace("chr13\t", f"{thirteen}\t")


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(
    ("six", "thirteen", "assembly"),
    [*((*each, "GRCh38") for each in OF_GRCH38), *((*each, "GRCh37") for each in OF_GRCH37[:2])],
)
def test_accessions_are_read_and_tell_the_assembly(
    tmp_path: Path, six: str, thirteen: str, assembly: AssemblyName, declared: bool
) -> None:
    path = write(tmp_path / "x.vcf", named(six, thirteen, assembly, declared=declared))
    (part,) = read([path], KNOWLEDGE)
    assert seen(part, TPMT3C) == ((0, 1), Status.SEEN)
    assert seen(part, R139C) == ((1, 1), Status.SEEN)
    other: AssemblyName = "GRCh37" if assembly == "GRCh38" else "GRCh38"
    with pytest.raises(InputError, match=f"the header says {assembly}, but you gave --assembly {other}"):
        list(read([path], KNOWLEDGE, assembly=other))


@pytest.mark.parametrize(("six", "thirteen"), [("hs37d5 6", "hs37d5 13"), ("gi|1|ref|NC_000006.11|", "chr13")])
def test_odd_names_are_read_where_the_header_defines_them(tmp_path: Path, six: str, thirteen: str) -> None:
    (part,) = read([write(tmp_path / "x.vcf", named(six, thirteen, "GRCh37"))], KNOWLEDGE)
    assert seen(part, TPMT3C)[0] == (0, 1)
    bare = write(tmp_path / "y.vcf", named(six, thirteen, "GRCh37", declared=False))
    with pytest.raises(InputError, match=r"y.vcf: contig .* isn't defined in the header. Add the line ##contig=<ID="):
        list(read([bare], KNOWLEDGE))


@pytest.mark.parametrize(
    ("six", "thirteen", "said"),
    [
        ("NC_000006.12", "NC_000013.10", "contradicts itself"),
        ("NC_000006.11", "chr13", "contradicts itself"),
        (
            "NC_000006.10",
            "NC_000013.9",
            "contig NC_000006.10 is of another assembly; expected NC_000006.12 or NC_0",
        ),
    ],
)
def test_accessions_that_contradict_are_refused(tmp_path: Path, six: str, thirteen: str, said: str) -> None:
    text = named(six, thirteen, "GRCh38")
    if thirteen == "chr13":
        text = text.replace("##contig=<ID=chr13>", "##contig=<ID=chr13,length=114364328>")
    with pytest.raises(InputError, match=said) as caught:
        list(read([write(tmp_path / "x.vcf", text)], KNOWLEDGE))
    assert "\n" not in str(caught.value)


def test_an_alternate_locus_says_nothing_of_the_gene(tmp_path: Path) -> None:
    text = header() + at(R139C, "0/1") + at(TPMT3C, "1/1").replace("chr6\t", "chr6_GL000250v2_alt\t")
    (part,) = read([write(tmp_path / "x.vcf", text)], KNOWLEDGE)
    assert seen(part, TPMT3C) == ((-1, -1), Status.NO_RECORD)
