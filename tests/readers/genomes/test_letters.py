"""Files converted from PLINK's: letters for insertions, no reference, and REF that isn't the assembly's."""

from __future__ import annotations

from pathlib import Path

import pytest

from azaward.errors import InputError
from azaward.genetics.model import Genotypes, Status
from azaward.knowledge import load
from azaward.readers.genomes.variants import read
from tests.readers.genomes.test_variants import Seen, seen
from tests.readers.genomes.variant_files import R139C, REPEAT, TPMT2, TPMT3C, at, header, line, position, site, write

KNOWLEDGE = load()
INSERTION, DELETION = "rs759836180", "rs1457579126"  # C>CT and GA>G
LOST = (-1, -1)
SWAP = "--check-ref s --fasta-ref GRCh38.fa."
FLIP = "--fasta-ref GRCh38.fa --mode flip."


def of(tmp_path: Path, *records: str, head: str | None = None) -> Genotypes:
    (part,) = read([write(tmp_path / "x.vcf", (head or header()) + "".join(records))], KNOWLEDGE)
    return part


def refused(tmp_path: Path, *records: str) -> str:
    with pytest.raises(InputError) as caught:
        of(tmp_path, *records)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def record(name: str, ref: str, alt: str, call: str, *, rs: str = ".", shift: int = 0) -> str:
    return line(site(name).chrom, position(name) + shift, ref, alt, call, rs=rs)


@pytest.mark.parametrize(
    ("name", "ref", "alt", "call", "expected"),
    [
        (INSERTION, "D", "I", "0/1", (0, 1)),
        (INSERTION, "I", "D", "0/1", (1, 0)),
        (INSERTION, "I", "D", "0/0", (1, 1)),
        (INSERTION, "D", ".", "0/0", (0, 0)),
        (INSERTION, "I", ".", "0/0", (1, 1)),
        (INSERTION, "d", "i", "1/1", (1, 1)),
        (DELETION, "I", "D", "0/1", (0, 1)),
        (DELETION, "I", "D", "0/0", (0, 0)),
        (DELETION, "D", "I", "0/0", (1, 1)),
        (DELETION, "I", "D", "./.", LOST),
    ],
)  # fmt: skip
def test_letters_mean_the_longer_and_the_shorter_allele(
    tmp_path: Path, name: str, ref: str, alt: str, call: str, expected: tuple[int, int]
) -> None:
    assert seen(of(tmp_path, record(name, ref, alt, call)), name)[0] == expected


def test_letters_beside_the_position_count_by_their_rs_number(tmp_path: Path) -> None:
    named = of(tmp_path, record(DELETION, "I", "D", "0/1", rs=DELETION, shift=1))
    assert seen(named, DELETION) == ((0, 1), Status.SEEN)
    for other in (".", "rs1"):
        unnamed = of(tmp_path, record(DELETION, "I", "D", "0/1", rs=other, shift=int(other == ".")))
        assert seen(unnamed, DELETION) == (LOST, Status.UNREADABLE)


def test_letters_say_nothing_where_three_lengths_have_names(tmp_path: Path) -> None:
    for ref, alt in (("I", "D"), ("D", "I"), ("I", ".")):
        part = of(tmp_path, record(REPEAT, ref, alt, "0/0"))
        assert seen(part, REPEAT) == (LOST, Status.UNREADABLE)
        assert "doesn't say which insertion or deletion it is" in part.genes["NUDT15"].notes[0, -1][0]


def test_letters_and_a_plain_record_of_one_change_must_agree(tmp_path: Path) -> None:
    plain = at(DELETION, "0/1")
    assert sorted(seen(of(tmp_path, record(DELETION, "I", "D", "0/1"), plain), DELETION)[0]) == [0, 1]
    assert seen(of(tmp_path, record(DELETION, "I", "D", "0/0"), plain), DELETION) == (LOST, Status.CONFLICT)


def test_letters_in_an_exon_without_a_named_change_are_told(tmp_path: Path) -> None:
    part = of(tmp_path, line("chr6", position("rs1800460") + 10, "I", "D", "0/1"), at(R139C, "0/0"))
    assert "in an exon doesn't say which insertion or deletion it is" in part.genes["TPMT"].notes[0, -1][0]


@pytest.mark.parametrize(("alt", "call"), [("T", "0/0"), ("T", "0/1"), (".", "0/0")])
def test_an_unknown_reference_is_not_the_reference(tmp_path: Path, alt: str, call: str) -> None:
    part = of(tmp_path, record(R139C, "N", alt, call))
    assert seen(part, R139C) == (LOST, Status.UNREADABLE)
    assert "doesn't say the reference allele of rs116855232" in part.genes["NUDT15"].notes[0, -1][0]
    assert seen(of(tmp_path, record(R139C, "N", ".", "./."), at(TPMT3C, "0/1")), R139C) == (LOST, Status.NO_CALL)


def test_small_letters_are_bases(tmp_path: Path) -> None:
    expected: Seen = ((0, 1), Status.SEEN)
    assert seen(of(tmp_path, record(R139C, "c", "t", "0/1")), R139C) == expected


@pytest.mark.parametrize(
    ("name", "ref", "alt", "said"),
    [
        (R139C, "T", "C", "REF and ALT are swapped, as PLINK writes them: put them right with bcftools norm " + SWAP),
        (R139C, "G", "A", "The record is on the other strand: put it right with bcftools +fixref FILE -- " + FLIP),
        (TPMT2, "G", "C", "swapped or on the other strand. Only the file's maker can tell: ask for a new file."),
        (R139C, "T", ".", "No sample has C, and T was written as REF. Ask for a file whose REF is the assembly's."),
        (R139C, "G", "T", "where GRCh38 has C. The file doesn't use GRCh38, or it is damaged."),
    ],
)  # fmt: skip
def test_a_reference_that_is_not_the_assemblys_is_refused_with_what_mends_it(
    tmp_path: Path, name: str, ref: str, alt: str, said: str
) -> None:
    found = refused(tmp_path, record(name, ref, alt, "0/0"))
    assert found.startswith(f"x.vcf line 16, {site(name).chrom}:{position(name)}: REF is {ref} at {position(name)}")
    assert "where GRCh38 has C." in found
    assert found.endswith(said)


def test_plinks_lengths_of_chromosomes_are_not_lengths(tmp_path: Path) -> None:
    head = header().replace("170805979", "170743571").replace("114364328", "114354021")
    with pytest.raises(InputError, match="contig chr6 has length 170743571"):
        of(tmp_path, at(R139C, "0/1"), head=head)
    plink = head.replace("##contig", "##source=PLINKv1.90\n##contig", 1)
    assert seen(of(tmp_path, at(R139C, "0/1"), head=plink), R139C)[0] == (0, 1)
