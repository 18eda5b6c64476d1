"""An array's text file is read cautiously: it isn't a confirmed result, and what can be read in two ways is missing."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from azaward.errors import InputError
from azaward.genetics.model import Genotypes, Status
from azaward.knowledge import load
from azaward.readers.genomes.alleles import AssemblyName
from azaward.readers.genomes.chips.arrays import is_array
from azaward.readers.genomes.variants import read
from tests.readers.genomes.test_variants import seen
from tests.readers.genomes.variant_files import R139C, REPEAT, TPMT2, TPMT3B, TPMT3C, at, header, position, site, write

KNOWLEDGE = load()
MAKERS = ("23andMe", "AncestryDNA", "MyHeritage", "FamilyTreeDNA", "Living DNA")


def array(
    genotypes: Mapping[str, str], maker: str = "23andMe", build: str = "37", assembly: AssemblyName = "GRCh37"
) -> str:
    """A download as its maker writes it."""
    rows = [("rs3094315", "1", 752566, "AG")]
    rows += [
        (name, site(name).chrom.removeprefix("chr"), position(name, assembly), bases)
        for name, bases in genotypes.items()
    ]
    said = f"# We are using reference human assembly build {build}\n" if build else ""
    match maker:
        case "23andMe" | "Living DNA":
            return (
                said
                + "# rsid\tchromosome\tposition\tgenotype\n"
                + "".join(f"{a}\t{b}\t{c}\t{d}\n" for a, b, c, d in rows)
            )
        case "AncestryDNA":
            said = f"#AncestryDNA raw data download\n#of the SNP using human reference build {build}.1 coordinates.\n"
            return (
                said
                + "rsid\tchromosome\tposition\tallele1\tallele2\n"
                + "".join(f"{a}\t{b}\t{c}\t{d[0]}\t{d[-1]}\n" for a, b, c, d in rows)
            )
        case "MyHeritage":
            return (
                said
                + "RSID,CHROMOSOME,POSITION,RESULT\n"
                + "".join(f'"{a}","{b}","{c}","{d}"\n' for a, b, c, d in rows)
            )
        case _:
            return (
                said
                + "# name,chromosome,position,allele1,allele2\n"
                + "".join(f"{a},{b},{c},{d[0]},{d[-1]}\n" for a, b, c, d in rows)
            )


def of(tmp_path: Path, text: str, assembly: AssemblyName | None = None) -> Genotypes:
    (part,) = read([write(tmp_path / "c001.txt", text)], KNOWLEDGE, assembly=assembly)
    return part


def refused(tmp_path: Path, text: str, assembly: AssemblyName | None = None) -> str:
    with pytest.raises(InputError) as caught:
        of(tmp_path, text, assembly)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("maker", MAKERS)
def test_every_makers_file_is_read(tmp_path: Path, maker: str) -> None:
    text = array({TPMT3C: "TC", TPMT3B: "TT", R139C: "CC"}, maker)
    for way in (text, text.replace("\n", "\r\n"), "\ufeff" + text):
        part = of(tmp_path, way)
        assert part.samples == ("c001",)
        assert seen(part, TPMT3C) == ((0, 1), Status.SEEN)
        assert seen(part, TPMT3B) == ((1, 1), Status.SEEN)
        assert seen(part, R139C) == ((0, 0), Status.SEEN)


def test_it_is_said_to_confirm_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "c001.txt", array({R139C: "CC"}))
    lines: list[str] = []
    (part,) = read([path], KNOWLEDGE, warn=lines.append)
    assert len(lines) == 1
    assert "it isn't a confirmed result" in lines[0]
    for gene in ("TPMT", "NUDT15"):
        assert "it isn't a confirmed result" in part.genes[gene].notes[0, -1][0]


def test_what_the_array_does_not_test_is_missing(tmp_path: Path) -> None:
    assert seen(of(tmp_path, array({R139C: "CC"})), TPMT3C) == ((-1, -1), Status.NOT_TESTED)


@pytest.mark.parametrize(
    ("name", "bases", "expected"),
    [
        (R139C, "--", ((-1, -1), Status.NO_CALL)),
        (R139C, "00", ((-1, -1), Status.NO_CALL)),
        (R139C, "T", ((1, -1), Status.HAPLOID)),
        (R139C, "GA", ((0, 1), Status.SEEN)),  # on the other strand
        (R139C, "AA", ((1, 1), Status.SEEN)),
        (R139C, "CA", ((-1, -1), Status.UNREADABLE)),  # half on each strand
        (TPMT2, "CG", ((-1, -1), Status.UNREADABLE)),  # C or G on both strands
        (TPMT2, "CC", ((-1, -1), Status.UNREADABLE)),
        (TPMT3C, "TT", ((0, 0), Status.SEEN)),
        (TPMT3C, "AG", ((0, 1), Status.SEEN)),
        (TPMT3C, "CC", ((1, 1), Status.SEEN)),  # C on one strand, G on the other: a change either way
        (TPMT3C, "TCC", ((-1, -1), Status.UNREADABLE)),
        (REPEAT, "II", ((-1, -1), Status.UNREADABLE)),  # longer than what?
        (REPEAT, "AG", ((-1, -1), Status.UNREADABLE)),
        ("rs759836180", "DI", ((0, 1), Status.SEEN)),
        ("rs759836180", "DD", ((0, 0), Status.SEEN)),
        ("rs1457579126", "DD", ((1, 1), Status.SEEN)),
        ("rs1457579126", "I", ((0, -1), Status.HAPLOID)),
        (R139C, "II", ((-1, -1), Status.UNREADABLE)),
    ],
)
def test_each_way_to_write_a_genotype(
    tmp_path: Path, name: str, bases: str, expected: tuple[tuple[int, int], Status]
) -> None:
    assert seen(of(tmp_path, array({name: bases})), name) == expected


def test_what_could_not_be_read_says_where(tmp_path: Path) -> None:
    part = of(tmp_path, array({TPMT2: "CC"}))
    column = part.genes["TPMT"].sites.index(site(TPMT2))
    assert part.genes["TPMT"].notes[0, column] == ("c001.txt line 4: CC can be read on both strands",)


def test_a_makers_own_name_is_found_by_its_place(tmp_path: Path) -> None:
    text = array({}) + f"i5004\t13\t{position(R139C, 'GRCh37')}\tCT\n"
    assert seen(of(tmp_path, text), R139C) == ((0, 1), Status.SEEN)


def test_two_rows_of_one_position_must_agree(tmp_path: Path) -> None:
    place = position(R139C, "GRCh37")
    for bases, expected in (("CT", ((0, 1), Status.SEEN)), ("TT", ((-1, -1), Status.CONFLICT))):
        text = array({R139C: "CT"}) + f"i5004\t13\t{place}\t{bases}\n"
        assert seen(of(tmp_path, text), R139C) == expected
    uncalled = array({R139C: "CT"}) + f"i5004\t13\t{place}\t--\n"
    assert seen(of(tmp_path, uncalled), R139C) == ((0, 1), Status.SEEN)


def test_the_build_is_told_by_header_or_positions(tmp_path: Path) -> None:
    assert seen(of(tmp_path, array({R139C: "CT"}, build="")), R139C)[0] == (0, 1)
    assert seen(of(tmp_path, array({R139C: "CT"}, build="38", assembly="GRCh38")), R139C)[0] == (0, 1)
    assert seen(of(tmp_path, array({R139C: "CT"}, build="", assembly="GRCh38")), R139C)[0] == (0, 1)


def test_another_build_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, array({R139C: "CT"}, build="36")) == (
        "c001.txt: the header says build 36; expected 37 or 38. Download the file again on build 37."
    )
    moved = array({R139C: "CT"}, build="").replace(str(position(R139C, "GRCh37")), "47517855")
    assert refused(tmp_path, moved) == (
        "c001.txt line 3: rs116855232 is at chr13:47517855; GRCh37 has it at chr13:48619855, GRCh38 at 48045719. The "
        "file uses another build: get build 37."
    )


def test_a_header_that_says_another_build_than_the_positions_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, array({R139C: "CT"}, build="37", assembly="GRCh38")) == (
        "c001.txt line 4: rs116855232 is at 48045719, its place on GRCh38, but the header says GRCh37. Ask the "
        "file's provider which is right."
    )
    assert "its place on GRCh37, but you gave GRCh38" in refused(tmp_path, array({R139C: "CT"}), assembly="GRCh38")
    both = array({R139C: "CT"}, build="") + f"{TPMT3C}\t6\t{position(TPMT3C)}\tTT\n"
    assert "some of its positions are those of GRCh37, others those of GRCh38" in refused(tmp_path, both)


def test_nothing_is_guessed_where_no_position_tells(tmp_path: Path) -> None:
    assert refused(tmp_path, array({}, build="")).startswith(
        "c001.txt: unknown build: the header doesn't give it, and no position shows it."
    )
    assert seen(of(tmp_path, array({}, build=""), assembly="GRCh37"), R139C)[1] == Status.NOT_TESTED


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# rsid\tchromosome\tposition\tgenotype\n", "c001.txt: contains no array rows."),
        (array({}) + "rs1\t13\n", "c001.txt line 4: 2 cells; expected rsid, chromosome, position and bases."),
        (array({}) + f"{R139C}\t13\tfar\tCC\n", "c001.txt line 4: position 'far' isn't a number."),
        (array({}) + "x" * 20_000, "c001.txt line 4: too long for an array row."),
    ],
)
def test_bad_rows_have_their_line(tmp_path: Path, text: str, said: str) -> None:
    assert refused(tmp_path, text).startswith(said)


def test_packed_files(tmp_path: Path) -> None:
    text = array({R139C: "CT"})
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(text.encode()))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as out:
        out.writestr("genome.txt", text)
    for name in ("a.txt.gz", "b.zip"):
        (part,) = read([tmp_path / name], KNOWLEDGE)
        assert seen(part, R139C)[0] == (0, 1)
        assert part.samples == (name[0],)
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as out:
        out.writestr("readme.md", "nothing")
    with pytest.raises(InputError, match=r"c.zip: the zip has 0 text files; expected one"):
        list(read([tmp_path / "c.zip"], KNOWLEDGE))
    (tmp_path / "d.zip").write_bytes((tmp_path / "b.zip").read_bytes()[:60])
    with pytest.raises(InputError, match=r"d.zip: the zip can't be unpacked"):
        list(read([tmp_path / "d.zip"], KNOWLEDGE))


def test_a_vcf_is_not_taken_for_an_array(tmp_path: Path) -> None:
    assert not is_array(write(tmp_path / "x.vcf", header() + at(R139C, "0/1")))
    assert not is_array(write(tmp_path / "y.txt", "hello\n"))
    assert not is_array(tmp_path / "none")
    assert is_array(write(tmp_path / "z.csv", array({}, "MyHeritage")))


def test_an_array_beside_a_vcf(tmp_path: Path) -> None:
    one = write(tmp_path / "one.vcf", header() + at(R139C, "0/1"))
    two = write(tmp_path / "c002.txt", array({R139C: "CC"}))
    parts = list(read([two, one], KNOWLEDGE))
    assert [part.samples for part in parts] == [("c001",), ("c002",)]
    (alone,) = read([two, one], KNOWLEDGE, sample="c002")
    assert alone.samples == ("c002",)
