"""The tables behind a genotype: positions agree with alleles, exons, sequences and both assemblies; frequencies with
what was published; functions with phenotypes."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections import Counter, defaultdict
from typing import Any

import pytest

from azaward.genetics.dosing import ORDER
from azaward.knowledge import load
from azaward.knowledge.loading.words.vocabulary import vocabulary

KNOWLEDGE = load()
TABLES = KNOWLEDGE.tables
COMPLEMENT = str.maketrans("ACGT", "TGCA")
CODONS = dict(
    zip(
        map("".join, itertools.product("TCAG", repeat=3)),
        "FFLLSSSSYYXXCCXWLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        strict=True,
    )
)


def substitutions() -> list[Any]:
    return [row for row in TABLES["gene_positions"] if len(row.ref) == len(row.alt) == 1]


def in_sequence(row: Any) -> Any:
    """The stretch of the reference that holds a position, if one does."""
    for stretch in TABLES["gene_sequences"]:
        start = stretch.start_grch38
        if stretch.gene == row.gene and start <= row.pos_grch38 < start + len(stretch.sequence):
            return stretch
    return None


def test_every_variant_of_an_allele_has_a_position_and_the_other_way_round() -> None:
    named = {
        (row.gene, row.chrom, row.pos_grch38, row.ref, row.alt, row.rsid) for row in TABLES["alleles"] if row.pos_grch38
    }
    placed = [(r.gene, r.chrom, r.pos_grch38, r.ref, r.alt, r.rsid) for r in TABLES["gene_positions"]]
    assert set(placed) == named
    assert len(placed) == len(named)


def test_the_assemblies_differ_by_the_same_number_of_bases_all_along_a_gene() -> None:
    """Each gene maps without a gap, so one position that was typed wrongly stands out."""
    offsets: defaultdict[str, set[int]] = defaultdict(set)
    for row in TABLES["gene_positions"]:
        offsets[row.gene].add(row.pos_grch37 - row.pos_grch38)
        assert row.ref_grch37 == row.ref
    for row in TABLES["gene_sequences"]:
        offsets[row.gene].add(row.start_grch37 - row.start_grch38)
    for row in TABLES["gene_exons"]:
        offsets[row.gene] |= {row.start_grch37 - row.start_grch38, row.end_grch37 - row.end_grch38}
    assert {gene: len(found) for gene, found in offsets.items()} == {"TPMT": 1, "NUDT15": 1}


@pytest.mark.parametrize("row", TABLES["gene_positions"], ids=lambda row: row.hgvs_g)
def test_names_say_the_position(row: Any) -> None:
    """The genomic name, and the coding name counted through the exons on the gene's own strand."""
    exons = [one for one in TABLES["gene_exons"] if one.gene == row.gene]
    minus = exons[0].strand == "-"
    if len(row.ref) == len(row.alt) == 1:
        assert row.hgvs_g.endswith(f":g.{row.pos_grch38}{row.ref}>{row.alt}")
        bases = f"{row.ref}>{row.alt}"
        assert row.hgvs_c.endswith(bases.translate(COMPLEMENT) if minus else bases)
        first = row.pos_grch38
    else:
        # Of an insertion or deletion the coding name begins after the base that a VCF puts in front, or further
        # right, where HGVS moves it to in a repeat.
        first = int(re.findall(r"\d+", row.hgvs_g.split(":g.")[1])[0])
        assert row.pos_grch38 <= first <= row.pos_grch38 + 6
    match = re.match(r"c\.(\d+)(-\d+)?", row.hgvs_c)
    assert match is not None
    coding, before = int(match[1]), int(match[2] or 0)
    exon = next(one for one in exons if one.coding_from <= coding <= one.coding_to)
    into = coding - exon.coding_from + before
    place = exon.end_grch38 - into if minus else exon.start_grch38 + into
    assert abs(place - first) <= (0 if len(row.ref) == len(row.alt) == 1 else 12)
    if len(row.ref) == len(row.alt) == 1:
        assert place == row.pos_grch38


def test_exons_follow_each_other_and_end_with_a_codon() -> None:
    for gene in ("TPMT", "NUDT15"):
        exons = [row for row in TABLES["gene_exons"] if row.gene == gene]
        assert [row.exon for row in exons] == list(range(1, len(exons) + 1))
        assert [row.coding_from for row in exons] == [1, *(row.coding_to + 1 for row in exons[:-1])]
        assert all(row.end_grch38 - row.start_grch38 == row.coding_to - row.coding_from for row in exons)
        assert exons[-1].coding_to % 3 == 0


def test_the_reference_bases_stand_in_the_reference_sequence() -> None:
    held = [row for row in TABLES["gene_positions"] if in_sequence(row)]
    assert len(held) >= 20
    for row in held:
        stretch = in_sequence(row)
        start = row.pos_grch38 - stretch.start_grch38
        assert stretch.sequence[start : start + len(row.ref)] == row.ref, row.hgvs_g


def test_every_insertion_and_deletion_is_left_aligned_in_a_sequence_that_is_held() -> None:
    """One base in front, and no way further to the left; so any way of writing it can be brought to this one."""
    changed = [row for row in TABLES["gene_positions"] if len(row.ref) != len(row.alt)]
    assert len(changed) == 7
    for row in changed:
        stretch = in_sequence(row)
        assert stretch is not None, row.hgvs_g
        # What both alleles share at their ends is not part of the change.
        ref, alt = row.ref, row.alt
        while len(ref) > 1 and len(alt) > 1 and ref[-1] == alt[-1]:
            ref, alt = ref[:-1], alt[:-1]
        assert ref[0] == alt[0], row.hgvs_g
        assert min(len(ref), len(alt)) == 1, row.hgvs_g
        assert max(ref, alt, key=len)[-1] != ref[0], row.hgvs_g


def test_the_protein_changes_are_those_of_the_genetic_code() -> None:
    """Where the sequence around a substitution is held, its codon gives the amino acids that the table names."""
    checked = 0
    for row in substitutions():
        match = re.fullmatch(r"([A-Z])(\d+)([A-Z])", row.protein or "")
        if match is None or not row.hgvs_c[2:].split(">")[0][:-1].isdigit():
            continue
        coding = int(row.hgvs_c[2:].split(">")[0][:-1])
        assert (coding + 2) // 3 == int(match[2]), row.hgvs_c
        stretch = in_sequence(row)
        if stretch is None:
            continue
        exon = next(e for e in TABLES["gene_exons"] if e.gene == row.gene and e.coding_from <= coding <= e.coding_to)
        first = coding - (coding - 1) % 3
        if not exon.coding_from <= first <= exon.coding_to - 2:
            continue
        minus = exon.strand == "-"
        begin = exon.end_grch38 - (first - exon.coding_from) if minus else exon.start_grch38 + first - exon.coding_from
        at = begin - stretch.start_grch38
        codon = (
            stretch.sequence[at - 2 : at + 1].translate(COMPLEMENT)[::-1] if minus else stretch.sequence[at : at + 3]
        )
        new = row.hgvs_c[-1]
        place = (coding - 1) % 3
        assert CODONS[codon] == match[1], row.hgvs_c
        assert CODONS[codon[:place] + new + codon[place + 1 :]] == match[3], row.hgvs_c
        checked += 1
    assert checked >= 12


def test_every_pair_of_functions_has_a_phenotype_for_both_genes() -> None:
    words = vocabulary(KNOWLEDGE)
    for gene in ("TPMT", "NUDT15"):
        functions = {row.function for row in TABLES["alleles"]} | {"Decreased function"}
        for one, other in itertools.combinations_with_replacement(sorted(functions), 2):
            phenotype = words.pair_phenotype(gene, one, other)
            assert phenotype in ORDER, (gene, one, other)
            assert phenotype == words.pair_phenotype(gene, other, one)


@pytest.mark.parametrize(
    ("gene", "diplotype", "phenotype"),
    [
        ("TPMT", "*1/*1", "Normal Metabolizer"),
        ("TPMT", "*1/*3A", "Intermediate Metabolizer"),
        ("TPMT", "*3A/*3C", "Poor Metabolizer"),
        ("TPMT", "*3A/*8", "Intermediate Metabolizer"),
        ("TPMT", "*1/*9", "Indeterminate"),
        ("TPMT", "*2/*9", "Possible Intermediate Metabolizer"),
        ("NUDT15", "*1/*2", "Intermediate Metabolizer"),
        ("NUDT15", "*2/*4", "Poor Metabolizer"),
        ("NUDT15", "*3/*5", "Poor Metabolizer"),
        ("NUDT15", "*5/*5", "Intermediate Metabolizer"),
        ("NUDT15", "*3/*21", "Possible Intermediate Metabolizer"),
        ("NUDT15", "*1/*5", "Normal Metabolizer"),
        ("NUDT15", "*5/*8", "Intermediate Metabolizer"),
        ("NUDT15", "*5/*11", "Indeterminate"),
        ("TPMT", "*1/*8", "Normal Metabolizer"),
        ("TPMT", "*8/*8", "Intermediate Metabolizer"),
        ("TPMT", "*8/*35", "Indeterminate"),
        ("TPMT", "*1/*45", "Intermediate Metabolizer"),
    ],
)
def test_diplotypes_that_the_guideline_names(gene: str, diplotype: str, phenotype: str) -> None:
    assert vocabulary(KNOWLEDGE).diplotype_phenotype(gene, diplotype) == phenotype


def test_a_newer_class_of_the_same_body_is_never_ignored_where_it_is_more_cautious() -> None:
    """With a normal allele beside it, no allele is taken as less cautious than CPIC's newest class makes it."""
    words = vocabulary(KNOWLEDGE)
    function = {(row.gene, row.allele): row.function for row in TABLES["alleles"]}
    for row in TABLES["allele_classes"]:
        assert (row.gene, row.allele) in function
        if row.body == "CPIC" and row.function:
            for beside in ("Normal function", "No function"):
                theirs = words.pair_phenotype(row.gene, row.function, beside)
                ours = words.pair_phenotype(row.gene, function[(row.gene, row.allele)], beside)
                assert ORDER.index(str(ours)) <= ORDER.index(str(theirs))


def test_what_changed_is_what_the_newest_classes_say_and_every_dated_change_is_held() -> None:
    function = {(row.gene, row.allele): row.function for row in TABLES["alleles"]}
    rows = {(row.gene, row.allele): row for row in TABLES["allele_changes"]}
    assert len(rows) == len(TABLES["allele_changes"])
    for name, row in rows.items():
        assert row.after == function[name]
        assert row.before != row.after
    dated = {(row.gene, row.allele): row.changed_on for row in TABLES["allele_classes"] if row.changed_on}
    assert dated == {name: row.changed_on for name, row in rows.items() if row.changed_on}


@pytest.mark.parametrize(
    ("gene", "allele", "before"),
    [
        ("TPMT", "*16", "Uncertain function"),
        ("TPMT", "*22", "Uncertain function"),
        ("TPMT", "*38", "Unknown function"),
        ("TPMT", "*45", None),
        ("NUDT15", "*5", "Uncertain function"),
        ("NUDT15", "*10", None),
    ],
)
def test_what_an_earlier_release_said(gene: str, allele: str, before: str | None) -> None:
    row = next(row for row in TABLES["allele_changes"] if (row.gene, row.allele) == (gene, allele))
    assert row.before == before


def test_one_frequency_stands_for_a_group_and_all_groups_are_known() -> None:
    known = {row.group for row in TABLES["ancestry_groups"]}
    alleles = {(row.gene, row.allele) for row in TABLES["alleles"]}
    priors = Counter((row.gene, row.allele, row.group) for row in TABLES["allele_frequencies"] if row.prior)
    assert set(priors.values()) == {1}
    assert {group for *_, group in priors} <= known
    for row in (*TABLES["allele_frequencies"], *TABLES["phenotype_frequencies"]):
        assert 0 <= row.frequency <= 1
        assert row.group is None or row.group in known
    assert {(row.gene, row.allele) for row in TABLES["allele_frequencies"] if row.allele != "other"} <= alleles
    words = [word.casefold() for row in TABLES["ancestry_groups"] for word in (row.group, *row.synonyms.split(";"))]
    assert len(words) == len(set(words))


def weak_alleles(gene: str, group: str) -> float:
    """How common alleles without function are in a group, by the rows that stand for it.

    Those that got their class after the count was published were uncertain in it.
    """
    none = {(r.gene, r.allele) for r in TABLES["alleles"] if r.function == "No function"}
    none -= {(r.gene, r.allele) for r in TABLES["allele_classes"] if r.changed_on}
    return sum(
        row.frequency
        for row in TABLES["allele_frequencies"]
        if row.prior and row.gene == gene and row.group == group and (row.gene, row.allele) in none
    )


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in TABLES["phenotype_frequencies"]
        if row.phenotype == "Intermediate Metabolizer"
        and row.n
        and row.population.startswith("1000 Genomes")
        and weak_alleles(row.gene, row.group)
    ],
    ids=lambda row: f"{row.gene} {row.population}",
)
def test_the_carriers_that_the_alleles_let_expect_are_those_that_were_counted(row: Any) -> None:
    """Hardy-Weinberg from our frequencies against 1000 Genomes, within four standard errors of its sample."""
    q = weak_alleles(row.gene, row.group)
    expected = 2 * q * (1 - q)
    error = math.sqrt(expected * (1 - expected) / row.n)
    assert abs(expected - row.frequency) <= 4 * error, (expected, row.frequency)


def test_the_phenotypes_of_a_sample_are_people_and_make_up_the_whole() -> None:
    by: defaultdict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in TABLES["phenotype_frequencies"]:
        if row.population.startswith("1000 Genomes"):
            by[(row.gene, row.population)].append(row)
    assert len(by) == 10
    for rows in by.values():
        assert sum(row.frequency for row in rows) == pytest.approx(1, abs=1e-6)
        for row in rows:
            assert row.frequency * row.n == pytest.approx(round(row.frequency * row.n), abs=1e-3)


@pytest.mark.parametrize(
    ("table", "columns", "digest"),
    [
        ("allele_frequencies", ("gene", "allele", "population", "frequency", "bound", "n"), "05016b59dedd8437"),
        ("phenotype_frequencies", ("gene", "phenotype", "population", "frequency", "n"), "e6ef55d1c2f92b73"),
        ("enzyme_activity", ("method", "unit", "category", "low", "high"), "d0832b840db3df34"),
        ("gene_sequences", ("gene", "start_grch38", "sequence"), "9674300cf9ee2f56"),
    ],
)
def test_numbers_are_still_those_that_were_read(table: str, columns: tuple[str, ...], digest: str) -> None:
    """Nothing else in this program would notice such a change. Read the source again, then put the new digest here."""
    text = "\n".join("|".join(str(getattr(row, name)) for name in columns) for row in TABLES[table])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest
