"""Array text in the shapes that makers and laboratories write, and what a probe of two bases can't have seen."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azaward.errors import InputError
from azaward.genetics import call
from azaward.genetics.model import Genotypes, Status
from azaward.knowledge import load
from azaward.readers.genomes.chips.genotypes import bases_in
from azaward.readers.genomes.chips.text import cells_of, without_empty
from azaward.readers.genomes.variants import read
from tests.readers.genomes.test_variants import seen
from tests.readers.genomes.variant_files import R139C, TPMT2, TPMT3B, TPMT3C, position, site

KNOWLEDGE = load()
ROWS = {TPMT3C: "TC", TPMT3B: "TT", R139C: "CT"}
PLACES = {name: (site(name).chrom.removeprefix("chr"), position(name, "GRCh37")) for name in ROWS}
ILLUMINA = "[Header]\nGSGT Version\t2.0.4\nProcessing Date\t1/2/2026\nContent\t\tGSA-24v3.bpm\nNum SNPs\t3\n[Data]\n"


def rows(form: str) -> str:
    """The three genotypes as rows of one form."""
    return "".join(
        form.format(name=name, chrom=PLACES[name][0], pos=PLACES[name][1], a=two[0], b=two[1])
        for name, two in ROWS.items()
    )


def report(header: str, form: str) -> str:
    return ILLUMINA + header + "\n" + rows(form)


SHAPES: dict[str, str] = {
    "MyHeritage": "##fileformat=MyHeritage\n##format=MHv1.0\n##chip=GSA\n##reference=build37\n# For genealogy.\n"
    "RSID,CHROMOSOME,POSITION,RESULT\n" + rows('"{name}","{chrom}","{pos}","{a}{b}"\n'),
    "comments in quotes": '"# a download"\n"RSID","CHROMOSOME","POSITION","RESULT"\n'
    + rows('"{name}","{chrom}","{pos}","{a}{b}"\n'),
    "FamilyTreeDNA": "RSID,CHROMOSOME,POSITION,RESULT\n" + rows('"{name}","{chrom}","{pos}","{a}{b}"\n'),
    "whole lines in quotes": 'RSID,CHROMOSOME,POSITION,RESULT\n' + rows('"{name},""{chrom}"",""{pos}"",""{a}{b}"""\n'),
    "Living DNA": "# Living DNA customer genotype data download file version: 1.0.2\n# Human Genome Reference Build 37 "
    "(GRCh37.p13).\n# rsid\tchromosome\tposition\tgenotype\n1:726912\t1\t726912\tAA\nAX-123\t1\t5\tGG\n"
    + rows("{name}\t{chrom}\t{pos}\t{a}{b}\n"),
    "tellmeGen": "rsid\tChromosome\tposition\tgenotype\n" + rows("{name}\t{chrom}\t{pos}\t{a}{b}\n"),
    "semicolons": "rsid;chromosome;position;allele1;allele2\n" + rows("{name};{chrom};{pos};{a};{b}\n"),
    "AncestryDNA, doubled tabs": "#AncestryDNA\n#build 37.1\nrsid\tchromosome\tposition\tallele1\tallele2\n"
    + rows("{name}\t\t{chrom}\t{pos}\t{a}\t{b}\n"),
    "doubled tabs throughout": "rsid\tchromosome\tposition\tallele1\tallele2\n"
    + rows("{name}\t\t{chrom}\t\t{pos}\t\t{a}\t\t{b}\n"),
    "slashes": "# build 37\n# rsid\tchromosome\tposition\tgenotype\n" + rows("{name}\t{chrom}\t{pos}\t{a}/{b}\n"),
    "bars": "# build 37\n# rsid\tchromosome\tposition\tgenotype\n" + rows("{name}\t{chrom}\t{pos}\t{a}|{b}\n"),
    "a space in a cell": "rsid\tchromosome\tposition\tgenotype\n" + rows("{name}\t{chrom}\t{pos}\t{a} {b}\n"),
    "spaces alone": "rsid chromosome position genotype\n" + rows("{name} {chrom} {pos} {a} {b}\n"),
    "small letters": "rsid\tchromosome\tposition\tgenotype\n" + rows("{name}\t{chrom}\t{pos}\t{a}{b}\n").lower(),
    "no header": rows("{name}\t{chrom}\t{pos}\t{a}{b}\n"),
    "another order": "Genotype,Position,Chr,rsID\n" + rows("{a}{b},{pos},chr{chrom},{name}\n"),
    "other words": "SNP Name\tMapInfo\tChr\tAllele A\tAllele B\n" + rows("{name}\t{pos}\t{chrom}\t{a}\t{b}\n"),
    "a longer header": "rsid,chromosome,position,genotype,source,panel\n" + rows("{name},{chrom},{pos},{a}{b},x,y\n"),
    "accessions": "rsid\tchromosome\tposition\tgenotype\n" + rows("{name}\tchr{chrom}\t{pos}\t{a}{b}\n"),
    "a chip's own names": "SNP Name,Chr,Position,Allele1,Allele2\n" + rows("exm-{name}_2,{chrom},{pos},{a},{b}\n"),
    "Illumina": report(
        "SNP Name\tSample ID\tAllele1 - Top\tAllele2 - Top\tAllele1 - Plus\tAllele2 - Plus\tChr\tPosition\tGC Score",
        "{name}\tc001\tA\tG\t{a}\t{b}\t{chrom}\t{pos}\t0.9\n",
    ),
    "Illumina with commas": report(
        "Sample ID,SNP Name,Chr,Position,SNP,Allele1 - Plus,Allele2 - Plus", "c001,{name},{chrom},{pos},[N/A],{a},{b}\n"
    ),
    "a strand for each row": "Name,Variation,Chromosome,Position,Strand,YourCode\n"
    + rows("{name},x/y,{chrom},{pos},+,{a}{b}\n"),
}  # fmt: skip


def of(tmp_path: Path, text: str | bytes, name: str = "c001.txt") -> Genotypes:
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    (part,) = read([tmp_path / name], KNOWLEDGE)
    return part


def refused(tmp_path: Path, text: str | bytes, name: str = "c001.txt") -> str:
    with pytest.raises(InputError) as caught:
        of(tmp_path, text, name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def is_whole(part: Genotypes) -> bool:
    """Whether the three genotypes were read as they are meant."""
    found = [seen(part, name) for name in ROWS]
    return found == [((0, 1), Status.SEEN), ((1, 1), Status.SEEN), ((0, 1), Status.SEEN)]


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_every_shape_is_read(tmp_path: Path, text: str) -> None:
    for way in (text, text.replace("\n", "\r\n"), text.replace("\n", "\r")):
        part = of(tmp_path, way)
        assert is_whole(part)
        assert part.samples == ("c001",)
    for encoding in ("utf-16", "utf-8-sig"):
        assert is_whole(of(tmp_path, text.encode(encoding)))
    assert is_whole(of(tmp_path, gzip.compress(text.encode()), "c001.csv.gz"))


@pytest.mark.parametrize("strand", ["Top", "Forward", "Design", "AB"])
def test_alleles_on_another_strand_are_not_guessed(tmp_path: Path, strand: str) -> None:
    header = f"SNP Name\tSample ID\tAllele1 - {strand}\tAllele2 - {strand}\tChr\tPosition"
    said = refused(tmp_path, report(header, "{name}\tc001\t{a}\t{b}\t{chrom}\t{pos}\n"))
    assert said == (
        f"c001.txt line 7: the alleles are on the strands {strand.casefold()}, which aren't the assembly's. Export "
        "'Allele1 - Plus' and 'Allele2 - Plus'."
    )


def test_a_row_on_the_minus_strand_is_turned(tmp_path: Path) -> None:
    header = "Name,Variation,Chromosome,Position,Strand,YourCode\n"
    place = position(TPMT2, "GRCh37")
    part = of(tmp_path, header + rows("{name},x,{chrom},{pos},+,{a}{b}\n") + f"{R139C},x,13,{PLACES[R139C][1]},-,GA\n")
    assert seen(part, R139C) == ((0, 1), Status.SEEN)
    unsure = of(tmp_path, header + f"{TPMT2},x,6,{place},-,GC\n")
    assert seen(unsure, TPMT2)[1] == Status.UNREADABLE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            report("SNP Name\tSample ID\tAllele1 - Plus\tAllele2 - Plus", "{name}\tc001\t{a}\t{b}\n"),
            "c001.txt line 7: the header has no column for chromosome and position. Export the file with it.",
        ),
        (
            "rsid\tchromosome\tposition\tquality\n" + rows("{name}\t{chrom}\t{pos}\t9\n"),
            "c001.txt line 1: the header names no genotype. Expected genotype, or allele1 and allele2.",
        ),
        (
            report("Sample ID,SNP Name,Chr,Position,Allele1,Allele2", "c001,{name},{chrom},{pos},{a},{b}\n")
            + f"c002,{R139C},13,{PLACES[R139C][1]},C,C\n",
            "c001.txt line 11: the file has several samples, 'c001' and 'c002'. Export one person to a file.",
        ),
        (
            "SNP\tCHR\tBP\tA1\tA2\tBETA\tP\n" + rows("{name}\t{chrom}\t{pos}\t{a}\t{b}\t0.1\t0.02\n"),
            "c001.txt line 1: a table with beta, p is about alleles, not about a person's genotypes.",
        ),
        (
            "rsid\tchromosome\tposition\tgenotype\nrs1\t6\t5\tAB\n" + rows("{name}\t{chrom}\t{pos}\tAA\n"),
            "c001.txt line 2: genotypes coded A and B don't say which bases were seen. Export the bases.",
        ),
    ],
)  # fmt: skip
def test_what_a_file_must_say(tmp_path: Path, text: str, said: str) -> None:
    assert refused(tmp_path, text) == said


def test_a_vcf_without_its_first_line_is_no_array(tmp_path: Path) -> None:
    text = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tc001\n6\t1\t.\tA\tC\t.\t.\t.\tGT\t0/1\n"
    assert "expected ##fileformat=VCFv4.2 or another version" in refused(tmp_path, text)


def test_a_sample_is_named_as_in_the_file(tmp_path: Path) -> None:
    text = report(
        "Sample ID,SNP Name,Chr,Position,Allele1 - Plus,Allele2 - Plus", "c007,{name},{chrom},{pos},{a},{b}\n"
    )
    assert of(tmp_path, text).samples == ("c007",)


@pytest.mark.parametrize(
    ("cells", "alleles"),
    [
        *((["CT"], ("C", "T")), (["C/T"], ("C", "T")), (["C|T"], ("C", "T")), (["C T"], ("C", "T"))),
        *((["C,T"], ("C", "T")), (["C", "T"], ("C", "T")), (["ct"], ("C", "T")), (["C"], ("C",)), ([""], ("",))),
        *((["--"], ("--",)), (["-/-"], ("-", "-")), (["0", "0"], ("0", "0")), (["II"], ("I", "I"))),
        (["AGGAGTC/A"], ("AGGAGTC", "A")),
    ],
)
def test_a_genotype_is_taken_apart(cells: list[str], alleles: tuple[str, ...]) -> None:
    assert bases_in(cells) == alleles


@pytest.mark.parametrize(
    ("name", "bases", "expected"),
    [
        *((R139C, "./.", Status.NO_CALL), (R139C, "-/-", Status.NO_CALL), (R139C, "NC", Status.NO_CALL)),
        *((R139C, "", Status.NO_CALL), (R139C, "C/-", Status.HALF_CALL), (R139C, "-T", Status.HALF_CALL)),
        *(
            (R139C, "12", Status.UNREADABLE),
            (R139C, "C/T/T", Status.UNREADABLE),
            ("rs759836180", "-/A", Status.UNREADABLE),
        ),
    ],
)
def test_what_is_not_two_bases_says_why(tmp_path: Path, name: str, bases: str, expected: Status) -> None:
    chrom, place = site(name).chrom.removeprefix("chr"), position(name, "GRCh37")
    part = of(tmp_path, "rsid\tchromosome\tposition\tgenotype\n" + f"{name}\t{chrom}\t{place}\t{bases}\n")
    assert seen(part, name)[1] == expected
    held = part.genes[site(name).gene]
    assert ((0, held.sites.index(site(name))) in held.notes) == (expected is Status.UNREADABLE)


def test_an_insertion_written_with_its_bases_is_read(tmp_path: Path) -> None:
    place = position("rs746071566", "GRCh37")
    part = of(tmp_path, f"rs746071566\t13\t{place}\tAGGAGTCGGAGTC/AGGAGTC\n")
    one = site("rs746071566")
    assert seen(part, "rs746071566")[0] == (0, one.alts.index("AGGAGTCGGAGTC") + 1)


def test_another_rs_number_at_a_site_is_that_site_on_the_files_build(tmp_path: Path) -> None:
    renamed = f"rs999999999\t13\t{PLACES[R139C][1]}\tTT\n"
    part = of(tmp_path, f"{TPMT3B}\t6\t{PLACES[TPMT3B][1]}\tCC\n" + renamed)
    assert seen(part, R139C) == ((1, 1), Status.SEEN)
    other = of(tmp_path, f"{TPMT3B}\t6\t{PLACES[TPMT3B][1]}\tCC\nrs999999999\t13\t{position(R139C)}\tTT\n")
    assert seen(other, R139C)[1] == Status.NOT_TESTED
    against = of(tmp_path, f"{R139C}\t13\t{PLACES[R139C][1]}\tCC\n" + renamed)
    assert seen(against, R139C) == ((-1, -1), Status.CONFLICT)


def pack(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, text in files.items():
            out.writestr(name, text)
    return path


def test_zips_as_they_are_downloaded(tmp_path: Path) -> None:
    text = SHAPES["tellmeGen"]
    beside = {"__MACOSX/._genome.txt": "x", ".DS_Store": "x", "a/.hidden.txt": "x", "a/": ""}
    (part,) = read([pack(tmp_path / "c001.zip", {**beside, "a/genome.txt": text})], KNOWLEDGE)
    assert is_whole(part)
    (part,) = read([pack(tmp_path / "c001.zip", {"README.txt": "Thank you.\n", "genome.csv": text})], KNOWLEDGE)
    assert is_whole(part)
    with pytest.raises(InputError) as caught:
        list(read([pack(tmp_path / "x.zip", {"c001.txt": text, "c002.txt": text})], KNOWLEDGE))
    assert str(caught.value) == "x.zip: the zip has 2 arrays: c001.txt, c002.txt. Unpack it and give one."


def test_a_zip_that_unpacks_to_more_than_a_download_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = pack(tmp_path / "x.zip", {"genome.txt": "A" * 30_000_000})
    with pytest.raises(InputError, match=r"x.zip line 1: too long for an array row"):
        list(read([bomb], KNOWLEDGE))
    monkeypatch.setattr("azaward.readers.genomes.chips.text._MOST", 1_000_000)
    with pytest.raises(InputError, match=r"x.zip: genome.txt in the zip is larger than 1,000,000 bytes"):
        list(read([bomb], KNOWLEDGE))


def test_a_truncated_download_is_not_read_as_a_short_one(tmp_path: Path) -> None:
    text = SHAPES["tellmeGen"] + "".join(f"rs{each}\t1\t{each}\tAG\n" for each in range(1, 20_000))
    packed = gzip.compress(text.encode())
    said = refused(tmp_path, packed[: len(packed) // 2], "c001.txt.gz")
    assert said == "c001.txt.gz: can't be unpacked to its end. Copy or download it again."


def test_a_probe_of_two_bases_does_not_rule_out_a_third(tmp_path: Path) -> None:
    part = of(tmp_path, rows("{name}\t{chrom}\t{pos}\t{a}{b}\n").replace("TT", "CC").replace("\tTC", "\tTT"))
    tpmt = part.genes["TPMT"]
    column = tpmt.sites.index(site(TPMT3C))
    assert seen(part, TPMT3C) == ((0, 0), Status.SEEN)
    assert tpmt.untested == {(0, column): (site(TPMT3C).alts.index("G") + 1,)}
    assert tpmt.notes[0, column] == ("c001.txt line 1: a probe compares two bases, so TT doesn't rule out T>G",)
    found = next(call(part, KNOWLEDGE)).genes["TPMT"]
    hidden = dict(found.could_hide)
    assert "*41" in hidden
    assert not {"*3A", "*3C"} & set(hidden)


def test_two_rare_bases_are_both_left_open_unless_the_file_says_which_is_tested(tmp_path: Path) -> None:
    name = "rs144041067"
    place, codes = position(name, "GRCh37"), {alt: code for code, alt in enumerate(site(name).alts, start=1)}
    column = load_column(name)
    header = "SNP Name,Chr,Position,SNP,Allele1 - Plus,Allele2 - Plus\n"
    for tested, others in (("[N/A]", "GT"), ("[T/C]", "G"), ("[A/G]", "G"), ("[C/G]", "T")):
        part = of(tmp_path, ILLUMINA + header + f"{name},6,{place},{tested},C,C\n")
        assert seen(part, name) == ((0, 0), Status.SEEN)
        assert part.genes["TPMT"].untested[0, column] == tuple(codes[other] for other in others)
        hidden = dict(next(call(part, KNOWLEDGE)).genes["TPMT"].could_hide)
        assert {"*22" in hidden, "*16" in hidden} == ({True} if len(others) == 2 else {True, False})
    # Without Illumina's word for the strand, C may be G.
    part = of(tmp_path, f"{name}\t6\t{place}\tCC\n")
    assert seen(part, name) == ((-1, -1), Status.UNREADABLE)


def test_alleles_on_the_plus_strand_are_read_as_they_stand(tmp_path: Path) -> None:
    place = position(TPMT2, "GRCh37")
    header = "SNP Name,Chr,Position,Allele1 - Plus,Allele2 - Plus\n"
    for bases, expected in (("C,C", (0, 0)), ("C,G", (0, 1)), ("G,G", (1, 1)), ("A,A", (-1, -1))):
        assert seen(of(tmp_path, ILLUMINA + header + f"{TPMT2},6,{place},{bases}\n"), TPMT2)[0] == expected
    assert seen(of(tmp_path, f"{TPMT2}\t6\t{place}\tCC\n"), TPMT2) == ((-1, -1), Status.UNREADABLE)


def load_column(name: str) -> int:
    held = [each for each in KNOWLEDGE.tables["gene_positions"] if each.gene == site(name).gene]
    return sorted({each.pos_grch38 for each in held}).index(site(name).pos_grch38)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text("ACGT09rs", min_size=1, max_size=8), min_size=4, max_size=6),
    st.sampled_from("\t;,"),
    st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_doubled_separators_and_quotes_change_nothing(cells: list[str], by: str, doubled: list[bool]) -> None:
    line = "".join(cell + by * (1 + again) for cell, again in zip(cells, doubled, strict=False)).rstrip(by)
    assert without_empty(cells_of(line), len(cells)) == cells
    assert cells_of(by.join(f'"{cell}"' for cell in cells)) == cells
