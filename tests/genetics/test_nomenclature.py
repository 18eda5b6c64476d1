"""A laboratory's words: what is understood, and that nothing else is guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azaward.genetics.dosing import ORDER
from azaward.genetics.nomenclature import read_report
from azaward.knowledge import load

KNOWLEDGE = load()
NM, IM, PM = "Normal Metabolizer", "Intermediate Metabolizer", "Poor Metabolizer"


@pytest.mark.parametrize(
    ("text", "gene", "diplotypes", "phenotype"),
    [
        ("TPMT *1/*3A", "TPMT", ("*1/*3A",), IM),
        ("TPMT*1/*3C", "TPMT", ("*1/*3C",), IM),
        ("TPMT *3a / *1", "TPMT", ("*1/*3A",), IM),
        ("TPMT genotype: *1|*2 (intermediate metaboliser)", "TPMT", ("*1/*2",), IM),
        ("NUDT15 *1/*3.002", "NUDT15", ("*1/*3",), IM),
        ("NUDT-15 *3/*3", "NUDT15", ("*3/*3",), PM),
        ("Thiopurine S-methyltransferase: *1/*1", "TPMT", ("*1/*1",), NM),
        ("TPMT normal", "TPMT", (), NM),
        ("TPMT wild type", "TPMT", (), NM),
        ("TPMT heterozygous", "TPMT", (), IM),
        ("TPMT low", "TPMT", (), IM),
        ("TPMT intermediate metabolizer", "TPMT", (), IM),
        ("TPMT predicted phenotype: poor metaboliser", "TPMT", (), PM),
        ("TPMT homozygous deficient", "TPMT", (), PM),
        ("TPMT absent", "TPMT", (), PM),
        ("TPMT inconclusive", "TPMT", (), "Indeterminate"),
        ("NUDT15 c.415C>T het", "NUDT15", ("*1/*3",), IM),
        ("NUDT15 c.415C>T heterozygous", "NUDT15", ("*1/*3",), IM),
        ("NUDT15 415C>T CT", "NUDT15", ("*1/*3",), IM),
        ("NUDT15 c.415C>T C/C", "NUDT15", ("*1/*1",), NM),
        ("NUDT15 c.415C>T TT", "NUDT15", ("*3/*3",), PM),
        ("NUDT15 rs116855232 homozygous", "NUDT15", ("*3/*3",), PM),
        ("NUDT15 p.Arg139Cys heterozygous", "NUDT15", ("*1/*3",), IM),
        ("TPMT c.719A>G heterozygous", "TPMT", ("*1/*3C",), IM),
        ("TPMT c.460G>A and c.719A>G heterozygous", "TPMT", ("*1/*3A", "*3B/*3C"), IM),
        ("TPMT c.460G>A and c.719A>G homozygous", "TPMT", ("*3A/*3A",), PM),
        ("TPMT *3A heterozygous", "TPMT", ("*1/*3A",), IM),
        ("TPMT *2, *3A, *3B and *3C not detected", "TPMT", ("*1/*1",), NM),
        ("NUDT15: no variants detected", "NUDT15", ("*1/*1",), NM),
        ("TPMT *1/*9", "TPMT", ("*1/*9",), "Indeterminate"),
    ],
)
def test_what_laboratories_write(text: str, gene: str, diplotypes: tuple[str, ...], phenotype: str) -> None:
    said = read_report(text, KNOWLEDGE)
    assert said.unread == ()
    assert (said.genes[gene].diplotypes, said.genes[gene].phenotype) == (diplotypes, phenotype)


@pytest.mark.parametrize(
    "text",
    [
        "TPMT purple",
        "TPMT",
        "TPMT *3A",
        "TPMT *1/*99",
        "TPMT homozygous",
        "TPMT 1/3A",
        "TPMT not tested",
        "TPMT not normal",
        "NUDT15 not *3/*3",
        "TPMT *1/*3A not detected",
        "TPMT *1/*3A or *3B/*3C",
        "TPMT negative",
        "TPMT negative for *3A, positive for *3C",
        "TPMT *3A and *3C heterozygous",
        "NUDT15 c.415C>T",
        "NUDT15 c.415C>T not detected, c.52G>A het",
        "NUDT15 c.415C>T AG",
        "NUDT15 rs1142345 het",
        "NUDT15 rs746071566 het",
        "TPMT no variant heterozygous",
        "TPMT *1/*3A, wrong sample",
        "CYP2D6 *1/*4",
    ],
)
def test_what_is_not_understood_is_given_back_and_never_guessed(text: str) -> None:
    said = read_report(text, KNOWLEDGE)
    assert said.genes == {}
    assert said.activity is None
    assert said.unread != () or text == "TPMT"


def test_two_genes_in_one_sentence_and_words_of_neither() -> None:
    said = read_report("Patient seen. TPMT *1/*3A, NUDT15: normal\nTPMT activity 12 U/mL", KNOWLEDGE)
    assert {gene: one.phenotype for gene, one in said.genes.items()} == {"TPMT": IM, "NUDT15": NM}
    assert said.unread == ("Patient seen.",)
    assert said.activity is not None
    assert (said.activity.text, said.activity.unit) == ("12", "U/mL")


def test_a_contradiction_goes_to_the_weaker_enzyme_and_is_said() -> None:
    said = read_report("TPMT *1/*3A normal metabolizer", KNOWLEDGE).genes["TPMT"]
    assert said.phenotype == IM
    assert any("weaker" in note for note in said.notes)
    twice = read_report("TPMT normal; TPMT *3A/*3C", KNOWLEDGE).genes["TPMT"]
    assert twice.phenotype == PM
    assert any("twice" in note for note in twice.notes)


def test_a_report_of_a_few_variants_says_that_others_may_not_have_been_looked_for() -> None:
    for text in ("TPMT *2, *3A not detected", "NUDT15 c.415C>T het", "TPMT *3A heterozygous", "TPMT no variants found"):
        (one,) = read_report(text, KNOWLEDGE).genes.values()
        assert any("may not have been looked for" in note for note in one.notes), text


@given(st.text(max_size=60), st.sampled_from(["TPMT ", "NUDT15 ", "TPMT *1/*3A ", ""]))
def test_no_text_breaks_it_and_every_phenotype_is_one_of_ours(text: str, start: str) -> None:
    said = read_report(start + text, KNOWLEDGE)
    for one in said.genes.values():
        assert one.phenotype in ORDER
        # An intermediate pair of alleles is never talked up by the words behind it.
        if "*1/*3A" in one.diplotypes:
            assert ORDER.index(one.phenotype) <= ORDER.index(IM)
