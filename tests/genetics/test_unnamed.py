"""What each kind of change that no allele names makes of a call, on both genes: the table of docs/unnamed-changes.md.

Every row is read from a variant file. `WRITE_EXPECTED=1` writes the table anew, to be read before it is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pysam
import pytest

from azaward.genetics import call
from azaward.genetics.consequence import Transcript, presumed_functions, transcript, translate
from azaward.genetics.model import GeneCall
from azaward.knowledge import load
from azaward.readers.genomes.alleles import trim
from azaward.readers.genomes.variants import read
from tests.readers.genomes.variant_files import R139C, SITES, TPMT3C, at, header, line, site, write

KNOWLEDGE = load()
PAGE = Path(__file__).parents[2] / "docs" / "unnamed-changes.md"
TITLES = ("Gene", "Change", "Name", "Consequence", "Carried", "Diplotype", "Phenotype", "Presumed")
NAMED = {"TPMT": TPMT3C, "NUDT15": R139C}
CHROM = {"TPMT": "chr6", "NUDT15": "chr13"}

# Gene, position on GRCh38, REF, ALT and, of a rearrangement, its last base.
CHANGES: tuple[tuple[str, int, str, str, int | None], ...] = (
    ("TPMT", 18139003, "T", "A", None),
    ("TPMT", 18130677, "TG", "T", None),
    ("TPMT", 18139718, "C", "A", None),
    ("TPMT", 18132131, "A", "C", None),
    ("TPMT", 18149125, "C", "T", None),
    ("TPMT", 18130668, "T", "A", None),
    ("TPMT", 18130671, "C", "A", None),
    ("TPMT", 18130677, "TGTA", "T", None),
    ("TPMT", 18130677, "T", "TGAC", None),
    ("TPMT", 18133890, "C", "CTACAGG", None),
    ("TPMT", 18139003, "T", "<NON_REF>", None),
    ("TPMT", 18139700, "A", "G", None),
    ("TPMT", 18130668, "T", "C", None),
    ("TPMT", 18127000, "A", "<DEL>", 18156000),
    ("TPMT", 18138000, "A", "<DEL>", 18140500),
    ("TPMT", 18127000, "A", "<DUP>", 18156000),
    ("TPMT", 18135000, "A", "<INV>", 18156000),
    ("NUDT15", 48037762, "C", "T", None),
    ("NUDT15", 48037756, "AG", "A", None),
    ("NUDT15", 48040918, "A", "C", None),
    ("NUDT15", 48037906, "T", "A", None),
    ("NUDT15", 48037749, "G", "A", None),
    ("NUDT15", 48045797, "T", "A", None),
    ("NUDT15", 48037753, "G", "A", None),
    ("NUDT15", 48037756, "AGCG", "A", None),
    ("NUDT15", 48037756, "A", "AGAC", None),
    ("NUDT15", 48037905, "G", "GTACAGG", None),
    ("NUDT15", 48037755, "C", "A", None),
    ("NUDT15", 48045799, "G", "A", None),
    ("NUDT15", 48030000, "A", "<DEL>", 48060000),
    ("NUDT15", 48040000, "A", "<DEL>", 48042000),
    ("NUDT15", 48030000, "A", "<DUP>", 48060000),
)
CARRIED = {
    "one copy": ("0/1", None),
    "both copies": ("1/1", None),
    "one copy, a named allele on one": ("0/1", "0/1"),
}


def called(
    folder: Path,
    gene: str,
    change: tuple[int, str, str, int | None],
    genotype: str,
    named: str | None,
    fields: str = "GT",
) -> GeneCall:
    """The call of a person with this change, the named allele as given and nothing else."""
    place, ref, alt, end = change
    calls = {NAMED[gene]: named} if named else {}
    text = "".join(
        at(name, calls.get(name, "0/0"))
        for name in SITES
        if (site(name).chrom, site(name).pos_grch38) != (CHROM[gene], place) or alt.startswith("<")
    )
    info = f"END={end}" if end else "."
    text += line(CHROM[gene], place, ref, alt, genotype, info=info)
    path = write(folder / "x.vcf", header() + text)
    return next(call(read([path], KNOWLEDGE), KNOWLEDGE, "European")).genes[gene]


def row(folder: Path, gene: str, change: tuple[int, str, str, int | None], carried: str) -> tuple[str, ...]:
    """A row of the table."""
    found = called(folder, gene, change, *CARRIED[carried])
    (told,) = found.changes
    place, ref, alt, end = change
    likely = ", ".join(f"`{each.call}`" for each in found.diplotypes if each.probability > 0.01)
    where = f"{CHROM[gene]}:{place}{f'-{end}' if end else ''} {ref}>{alt}"
    return (gene, f"`{where}`", told.name, told.term, carried, likely, found.phenotype, found.presumed or "")


def rows_of_page() -> Iterator[tuple[str, ...]]:
    lines = PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else []
    for text in lines:
        cells = tuple(cell.strip() for cell in text.strip("|").split("|"))
        if text.startswith("|") and cells[0] in CHROM:
            yield cells


def test_the_page_says_what_is_called(tmp_path: Path) -> None:
    made = [
        row(tmp_path, gene, (place, ref, alt, end), carried)
        for gene, place, ref, alt, end in CHANGES
        for carried in CARRIED
    ]
    if os.environ.get("WRITE_EXPECTED"):
        head, _, _ = PAGE.read_text(encoding="utf-8").partition("| Gene |")
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in (TITLES, ["---"] * len(TITLES), *made))
        PAGE.write_text(f"{head}{table}\n", encoding="utf-8")
    assert list(rows_of_page()) == made


def test_every_consequence_is_in_the_table() -> None:
    assert {cells[3] for cells in rows_of_page()} == set(presumed_functions(KNOWLEDGE))


@pytest.mark.parametrize("cells", list(rows_of_page()), ids=" ".join)
def test_nothing_without_a_name_is_normal(cells: tuple[str, ...]) -> None:
    """What the issue of a change must be, without looking at how it is worked out."""
    gene, term, carried, phenotype, presumed = cells[0], *cells[3:5], *cells[6:]
    function = presumed_functions(KNOWLEDGE)[term]
    del gene
    if function == "Normal function":
        assert (phenotype, presumed) == ("Intermediate Metabolizer" if "named" in carried else "Normal Metabolizer", "")
        return
    acted_on = presumed or phenotype
    assert acted_on != "Normal Metabolizer"
    if function == "No function":
        expected = "Intermediate Metabolizer" if carried == "one copy" else "Poor Metabolizer"
        assert acted_on == expected
        # Only what the deletion of a gene does is known, not presumed.
        assert (phenotype == expected) == (term == "transcript_ablation")
    else:
        assert not presumed


@pytest.mark.parametrize("one", KNOWLEDGE.tables["gene_positions"], ids=lambda one: f"{one.gene} {one.hgvs_c}")
def test_the_changes_of_named_alleles_have_their_names(one: object) -> None:
    """The names in gene_positions.csv, worked out from the sequence."""
    place, ref, alt = one.pos_grch38, one.ref, one.alt  # type: ignore[attr-defined]
    edit = trim(place - 1, ref, alt)
    found = transcript(KNOWLEDGE, one.gene).effect(*edit)  # type: ignore[attr-defined]
    assert found is not None
    assert found.coding == one.hgvs_c  # type: ignore[attr-defined]


@pytest.mark.parametrize("gene", ["TPMT", "NUDT15"])
def test_every_single_base_has_the_consequence_of_its_codon(gene: str) -> None:
    """All single changes of coding bases, against a translation of the changed sequence."""
    made = transcript(KNOWLEDGE, gene)
    protein = translate(made.coding)
    seen: dict[str, int] = {}
    for coding, place in enumerate(_coding_places(made)):
        for base in "ACGT":
            change = base.translate(str.maketrans("ACGT", "TGCA")) if made.minus else base
            if base == made.coding[coding]:
                continue
            found = made.effect(place, place + 1, change)
            assert found is not None
            after = translate(made.coding[:coding] + base + made.coding[coding + 1 :])
            codon = coding // 3
            old, new = protein[codon], after[codon]
            expected = (
                "start_lost" if codon == 0
                else "stop_retained_variant" if old == new == "*"
                else "stop_lost" if old == "*"
                else "synonymous_variant" if old == new
                else "stop_gained" if new == "*"
                else "missense_variant"
            )  # fmt: skip
            assert found.term == expected
            seen[expected] = seen.get(expected, 0) + 1
    assert min(seen.values()) > 0
    assert len(seen) == 6


def _coding_places(made: Transcript) -> list[int]:
    forward = [at for exon in made.exons for at in range(exon.start, exon.end)]
    return forward[::-1] if made.minus else forward


@pytest.mark.parametrize("gene", ["TPMT", "NUDT15"])
def test_two_bases_beside_an_exon_are_its_splice_site_and_the_third_is_not(gene: str) -> None:
    made = transcript(KNOWLEDGE, gene)
    for number, exon in enumerate(made.exons):
        for inner, outside, internal in ((exon.start, -1, number > 0), (exon.end - 1, 1, number < len(made.exons) - 1)):
            acceptor = (outside < 0) != made.minus
            for distance in (1, 2, 3):
                place = inner + outside * distance
                base = "A" if made.effect(place, place + 1, "A") or distance == 3 or not internal else "C"
                found = made.effect(place, place + 1, base)
                if not internal or distance == 3:
                    assert found is None
                    continue
                assert found is not None
                assert found.term == ("splice_acceptor_variant" if acceptor else "splice_donor_variant")


def test_phase_tells_whether_one_copy_or_two_are_weak(tmp_path: Path) -> None:
    stop = (18139003, "T", "A", None)
    same = called(tmp_path, "TPMT", stop, "0|1", "0|1")
    assert [each.call for each in same.diplotypes] == ["*1/[*3C + c.454A>T p.Arg152Ter]"]
    assert (same.phenotype, same.presumed) == ("Intermediate Metabolizer", None)
    apart = called(tmp_path, "TPMT", stop, "1|0", "0|1")
    assert [each.call for each in apart.diplotypes] == ["*3C/[c.454A>T p.Arg152Ter]"]
    assert (apart.phenotype, apart.presumed) == ("Possible Intermediate Metabolizer", "Poor Metabolizer")


def test_a_change_that_failed_its_filters_is_told_and_never_normal(tmp_path: Path) -> None:
    text = "".join(at(name, "0/0") for name in SITES)
    for change, phenotype in ((("T", "A"), "Indeterminate"), (("T", "C"), "Indeterminate")):
        failed = line("chr6", 18139003, *change, "0/1", filters="LowQual")
        path = write(tmp_path / "x.vcf", header() + text + failed)
        found = next(call(read([path], KNOWLEDGE), KNOWLEDGE)).genes["TPMT"]
        assert (found.phenotype, found.presumed, found.undocumented) == (phenotype, None, ())
        assert any("isn't counted: the record failed the file's own filters" in note for note in found.notes)


def test_what_a_deletion_leaves_is_one_copy(tmp_path: Path) -> None:
    deleted = (18127000, "A", "<DEL>", 18156000)
    for seen, diplotype, phenotype in (
        ("0/0", "*1/deletion", "Intermediate Metabolizer"),
        ("1/1", "*3C/deletion", "Poor Metabolizer"),
        # Two alleles where there can be one: what isn't the reference holds.
        ("0/1", "*3C/deletion", "Poor Metabolizer"),
    ):
        found = called(tmp_path, "TPMT", deleted, "0/1", seen)
        assert [each.call for each in found.diplotypes] == [diplotype]
        assert (found.phenotype, found.presumed) == (phenotype, None)
    both = called(tmp_path, "TPMT", deleted, "1/1", None)
    assert [(each.call, each.phenotype) for each in both.diplotypes] == [("deletion/deletion", "Poor Metabolizer")]


def test_one_file_may_hold_what_another_does_not(tmp_path: Path) -> None:
    text = "".join(at(name, "0/0") for name in SITES)
    first = write(tmp_path / "snv.vcf", header() + text)
    deletion = line("chr6", 18127000, "A", "<CN0>", "0/1", info="SVLEN=-29000")
    extra = ['##INFO=<ID=SVLEN,Number=.,Type=Integer,Description="Length">']
    second = write(tmp_path / "sv.vcf", header(extra=extra) + deletion)
    for paths in ([first, second], [second, first]):
        found = next(call(read(paths, KNOWLEDGE), KNOWLEDGE)).genes["TPMT"]
        assert [each.call for each in found.diplotypes] == ["*1/deletion"]


@pytest.mark.parametrize(
    ("copies", "diplotype"), [("0", "deletion/deletion"), ("1", "*1/deletion"), ("2", "*1/*1"), (".", "*1/*1")]
)
def test_counted_copies_are_believed(tmp_path: Path, copies: str, diplotype: str) -> None:
    text = "".join(at(name, "0/0") for name in SITES)
    extra = ['##FORMAT=<ID=CN,Number=1,Type=Integer,Description="Copies">']
    counted = line("chr6", 18127000, "A", "<CNV>", f"./.:{copies}", fields="GT:CN", info="END=18156000")
    path = write(tmp_path / "x.vcf", header(extra=extra) + text + counted)
    found = next(call(read([path], KNOWLEDGE), KNOWLEDGE)).genes["TPMT"]
    assert found.diplotypes[0].call == diplotype


def test_an_index_that_does_not_know_a_length_hides_nothing(tmp_path: Path) -> None:
    text = "".join(sorted((at(name, "0/0") for name in SITES), key=lambda record: int(record.split("\t")[1])))
    extra = ['##INFO=<ID=SVLEN,Number=.,Type=Integer,Description="Length">']
    deletion = line("chr6", 18127000, "A", "<DEL>", "0/1", info="SVLEN=-29000")
    plain = write(tmp_path / "x.vcf", header(extra=extra) + deletion + text)
    packed = tmp_path / "x.vcf.gz"
    pysam.tabix_compress(str(plain), str(packed))
    pysam.tabix_index(str(packed), preset="vcf")
    found = next(call(read([packed], KNOWLEDGE), KNOWLEDGE)).genes["TPMT"]
    assert [each.call for each in found.diplotypes] == ["*1/deletion"]


@pytest.mark.parametrize(
    ("kind", "start", "end", "term"),
    [
        # Bases are counted from 0, and the end is one past the last.
        ("INV", 18_128_300, 18_128_310, None),
        ("INV", 18_128_300, 18_128_311, "structural_variant"),
        ("INV", 18_155_077, 18_156_000, None),
        ("INV", 18_155_076, 18_156_000, "structural_variant"),
        ("INV", 18_128_310, 18_155_077, None),
        ("INV", 18_128_311, 18_155_077, "structural_variant"),
        ("INV", 18_128_310, 18_155_076, "structural_variant"),
        ("INV", 18_139_719, 18_143_593, None),
        ("INV", 18_139_718, 18_143_593, "structural_variant"),
        ("INV", 18_139_719, 18_143_594, "structural_variant"),
        ("INV", 18_149_127, 18_150_000, "structural_variant"),
        ("BND", 18_140_000, 18_140_001, "structural_variant"),
        ("BND", 18_128_309, 18_128_310, None),
        ("BND", 18_155_077, 18_155_078, None),
        ("DEL", 18_155_076, 18_156_000, "structural_variant"),
        ("DEL", 18_155_077, 18_156_000, None),
        ("DEL", 18_150_000, 18_155_077, "structural_variant"),
        ("DEL", 18_150_000, 18_155_076, None),
        ("DEL", 18_128_000, 18_128_311, "structural_variant"),
        ("DEL", 18_128_000, 18_128_310, None),
        ("CNV", 18_130_000, 18_130_001, "structural_variant"),
        ("DUP", 18_150_000, 18_156_000, None),
        ("DEL", 18_130_667, 18_149_127, "transcript_ablation"),
        ("DEL", 18_130_668, 18_149_127, "exon_loss_variant"),
        ("DEL", 18_139_718, 18_143_000, "exon_loss_variant"),
        ("DEL", 18_139_719, 18_143_000, None),
        ("DUP", 18_130_667, 18_149_127, "transcript_amplification"),
        ("CNV", 18_138_000, 18_139_000, "structural_variant"),
    ],
)
def test_a_rearrangement_counts_from_the_first_base_that_it_touches(
    kind: str, start: int, end: int, term: str | None
) -> None:
    found = transcript(KNOWLEDGE, "TPMT").rearranged(kind, start, end)
    assert (found and found.term) == term


@pytest.mark.parametrize(
    ("kind", "start", "end", "name"),
    [
        ("DEL", 48_030_000, 48_037_726, "start of the transcript deleted"),
        ("DEL", 48_030_000, 48_037_725, None),
        ("DEL", 48_037_726, 48_037_746, None),
        ("DEL", 48_045_799, 48_045_800, "3' untranslated region deleted"),
        ("DEL", 48_047_220, 48_048_000, "3' untranslated region deleted"),
        ("DEL", 48_047_221, 48_048_000, None),
        ("INV", 48_047_221, 48_048_000, None),
        ("INV", 48_047_220, 48_048_000, "rearranged gene"),
        ("INV", 48_030_000, 48_037_725, None),
        ("INV", 48_030_000, 48_037_726, "rearranged gene"),
    ],
)
def test_a_gene_is_more_than_its_coding_bases(kind: str, start: int, end: int, name: str | None) -> None:
    found = transcript(KNOWLEDGE, "NUDT15").rearranged(kind, start, end)
    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("one", "other", "phenotype", "told"),
    [
        ("0|1", "0|1", "Indeterminate", ["c.[70C>T;72A>C] p.Leu24Phe"]),
        ("1/1", "1/1", "Indeterminate", ["c.[70C>T;72A>C] p.Leu24Phe"]),
        ("1/1", "0/1", "Indeterminate", ["c.70C>T p.Leu24=", "c.[70C>T;72A>C] p.Leu24Phe"]),
        ("0|1", "1|0", "Normal Metabolizer", ["c.70C>T p.Leu24=", "c.72A>C p.Leu24="]),
        # Where the sides aren't known, they may be the same.
        ("0/1", "0/1", "Indeterminate", ["c.70C>T p.Leu24=", "c.72A>C p.Leu24=", "c.[70C>T;72A>C] p.Leu24Phe"]),
    ],
)
def test_two_changes_of_one_codon_are_read_together(
    tmp_path: Path, one: str, other: str, phenotype: str, told: list[str]
) -> None:
    text = "".join(at(name, "0/0") for name in SITES)
    changes = line("chr6", 18149058, "G", "A", one) + line("chr6", 18149056, "T", "G", other)
    path = write(tmp_path / "x.vcf", header() + text + changes)
    found = next(call(read([path], KNOWLEDGE), KNOWLEDGE)).genes["TPMT"]
    assert (found.phenotype, sorted(each.name for each in found.changes)) == (phenotype, sorted(told))


TER, TRP = "c.720T>G p.Tyr240Ter", "c.[719A>G;720T>G] p.Tyr240Trp"


@pytest.mark.parametrize(
    ("named", "other", "pairs", "acted_on", "told"),
    [
        # *3C is c.719A>G, p.Tyr240Cys; c.720T>G alone is p.Tyr240Ter, and beside it p.Tyr240Trp.
        ("0/0", "0/1", [f"*1/[{TER}]"], "Intermediate Metabolizer", {TER: 1}),
        ("0|1", "0|1", [f"*1/[*3C + {TRP}]"], "Intermediate Metabolizer", {TRP: 1}),
        ("0|1", "1|0", [f"*3C/[{TER}]"], "Poor Metabolizer", {TER: 1}),
        # The copy without *3C keeps its stop.
        ("0|1", "1|1", [f"[*3C + {TRP}]/[{TER}]"], "Poor Metabolizer", {TER: 1, TRP: 1}),
        ("0/1", "1/1", [f"[*3C + {TRP}]/[{TER}]"], "Poor Metabolizer", {TER: 1, TRP: 1}),
        ("1/1", "0/1", [f"*3C/[*3C + {TRP}]"], "Poor Metabolizer", {TRP: 1}),
        ("1/1", "1/1", [f"[*3C + {TRP}]/[*3C + {TRP}]"], "Poor Metabolizer", {TRP: 2}),
        # Where the sides aren't known, it is either on one copy or on two.
        ("0/1", "0/1", [f"*1/[*3C + {TRP}]", f"*3C/[{TER}]"], "Poor Metabolizer", {TER: 1, TRP: 0}),
    ],
)
def test_a_change_in_the_codon_of_a_named_one_is_read_with_it(
    tmp_path: Path, named: str, other: str, pairs: list[str], acted_on: str, told: dict[str, int]
) -> None:
    text = "".join(at(name, named if name == TPMT3C else "0/0", alt="C" if name == TPMT3C else None) for name in SITES)
    path = write(tmp_path / "x.vcf", header() + text + line("chr6", 18130686, "A", "C", other))
    found = next(call(read([path], KNOWLEDGE), KNOWLEDGE)).genes["TPMT"]
    assert sorted(each.call for each in found.diplotypes) == sorted(pairs)
    assert found.acted_on == acted_on
    assert {each.name: each.copies for each in found.changes} == told


@pytest.mark.parametrize("cells", [("0|1", "0|1"), ("0/1", "1/1"), ("1/1", "1/1"), ("0/1", "0/1")])
def test_beside_a_named_change_what_leaves_the_protein_as_it_is_changes_nothing(
    tmp_path: Path, cells: tuple[str, str]
) -> None:
    text = "".join(
        at(name, cells[0] if name == TPMT3C else "0/0", alt="C" if name == TPMT3C else None) for name in SITES
    )
    alone = next(call(read([write(tmp_path / "y.vcf", header() + text)], KNOWLEDGE), KNOWLEDGE)).genes["TPMT"]
    path = write(tmp_path / "x.vcf", header() + text + line("chr6", 18130686, "A", "G", cells[1]))
    found = next(call(read([path], KNOWLEDGE), KNOWLEDGE)).genes["TPMT"]
    assert [each.name for each in found.changes] == ["c.720T>C p.Tyr240="]
    assert (found.diplotypes, found.acted_on) == (alone.diplotypes, alone.acted_on)
