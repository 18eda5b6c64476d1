"""A laboratory's sentences, word for word: what each is read as, what is noted, and what keeps it from being used."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from azaward.genetics.dosing import GENES
from azaward.genetics.nomenclature import read_report
from azaward.genetics.nomenclature.variants import Variants
from azaward.knowledge import Knowledge, load

KNOWLEDGE = load()
NM, IM, PM = "Normal Metabolizer", "Intermediate Metabolizer", "Poor Metabolizer"
UNTOLD = "Indeterminate"
BOTH_WAYS = "*1/*3A or *3B/*3C"
CODON, R139C, THREE = "codon 139 (Arg/Cys)", "c.415C>T", "c.238G>C, c.460G>A, c.719A>G"
LEAVE_OUT = "If that says nothing of this patient's result, give the rest without it; otherwise ask the laboratory"
ASK = "Ask the laboratory for this patient's own final result"


def with_rows(table: str, *rows: Any) -> Knowledge:
    """The knowledge with other rows in one table."""
    tables: Any = {**dict(KNOWLEDGE.tables.items()), table: rows}
    return replace(KNOWLEDGE, tables=tables)


@pytest.mark.parametrize(
    ("text", "tpmt", "nudt15"),
    [
        # The pair and what stands beside it.
        ("TPMT *1/*3A, c.719A>G het, c.460G>A het", ("*1/*3A", IM), None),
        ("TPMT *1/*3A, mutation detected", ("*1/*3A", IM), None),
        ("TPMT *1/*1 or *1/*3A, mutation detected", ("*1/*1 or *1/*3A", IM), None),
        ("TPMT *3A/*3A homozygous", ("*3A/*3A", PM), None),
        ("TPMT *1/*1; TPMT *3A/*3A", ("*3A/*3A", PM), None),
        ("TPMT c.[c.460G>A;c.719A>G];[=]", ("*1/*3A", IM), None),
        ("ＴＰＭＴ ＊１／＊３Ａ", ("*1/*3A", IM), None),
        ("TPMT *3.002/*1", ("*1/*3A or *1/*3B or *1/*3C", IM), None),
        ("TPMT *1/*1, allele detected", ("*1/*1", NM), None),
        ("TPMT *1/*1, alelo detectado", ("*1/*1", NM), None),
        # Both alleles are normal, or what is named is a title or was looked for.
        ("TPMT normal alleles", ("", NM), None),
        ("TPMT both alleles normal", ("", NM), None),
        ("TPMT allele: normal", ("", NM), None),
        ("TPMT polymorphism: normal", ("", NM), None),
        ("TPMT polymorphism *1/*1", ("*1/*1", NM), None),
        ("TPMT *1/*1, no mutation detected", ("*1/*1", NM), None),
        ("TPMT *1/*1; no clinically relevant mutation detected", ("*1/*1", NM), None),
        ("TPMT mutation analysis: normal", ("", NM), None),
        ("Polymorphisme TPMT : normal", ("", NM), None),
        ("TPMT genotyping normal for variants tested", ("", NM), None),
        ("TPMT: absence des allèles *2, *3A, *3B, *3C. Génotype *1/*1.", ("*1/*1", NM), None),
        ("TPMT zwei normale Allele", ("", NM), None),
        ("TPMT deux allèles normaux", ("", NM), None),
        ("TPMT dos alelos normales", ("", NM), None),
        ("TPMT due alleli normali", ("", NM), None),
        ("TPMT twee normale allelen", ("", NM), None),
        ("TPMT beide Allele normal", ("", NM), None),
        ("TPMT homozygous for the wild-type allele", ("", NM), None),
        ("TPMT omozigote per l'allele normale", ("", NM), None),
        ("TPMT wild type for *2, *3B and *3C", ("*1/*1", NM), None),
        ("TPMT wild type (*2, *3A, *3C tested)", ("*1/*1", NM), None),
        ("TPMT wild-type; *2 *3A *3B *3C not detected", ("*1/*1", NM), None),
        # Alleles and variants one by one.
        ("TPMT *3A heterozygous, normal activity", ("*1/*3A", IM), None),
        ("TPMT *3A heterozygous, normal", ("*1/*3A", IM), None),
        ("TPMT *3A normal, *2 heterozygous", ("*1/*2", IM), None),
        ("TPMT *2, *3A, *3C normal", ("*1/*1", NM), None),
        ("TPMT *3A not detected, *3C one copy", ("*1/*3C", IM), None),
        ("TPMT *1 homozygous", ("*1/*1", NM), None),
        ("TPMT 2 copies of *3A", ("*3A/*3A", PM), None),
        ("NUDT15 c.415C>T (*3) heterozygous", None, ("*1/*3", IM)),
        ("TPMT c.460G>A, c.719A>G (*3A) heterozygous", (BOTH_WAYS, IM), None),
        ("TPMT *3A (c.460G>A, c.719A>G) heterozygous", ("*1/*3A", IM), None),
        ("TPMT detected heterozygous: c.719A>G", ("*1/*3C", IM), None),
        ("TPMT c.460G>A heterozygous, c.719A>G wild type (not detected)", ("*1/*3B", IM), None),
        ("TPMT c.719A>G A/G, c.460G>A not detected", ("*1/*3C", IM), None),
        ("NUDT15 R139C: Arg/Cys; V18I not detected", None, ("*1/*3", IM)),
        # The name of a coding change tells the strand, wherever it stands.
        ("TPMT rs1800462 (c.238G>C) C/C", ("*2/*2", PM), None),
        ("TPMT c.238G>C (rs1800462) C/C", ("*2/*2", PM), None),
        ("TPMT c.238G>C (coding strand) C/C", ("*2/*2", PM), None),
        ("TPMT rs1800462 C/C (reverse strand)", ("*2/*2", PM), None),
        ("TPMT c.238G>C G/G (coding strand), c.460G>A G/G, c.719A>G A/A", ("*1/*1", NM), None),
        ("TPMT rs1142345 C/T", ("*1/*3C", IM), None),
        ("TPMT G238C G/C", ("*1/*2", IM), None),
        # Names of variants.
        ("TPMT Y240S heterozygous", ("*1/*41", IM), None),
        ("TPMT c.626-1G>A heterozygous", ("*1/*4", IM), None),
        ("NUDT15 c.50_55dupGAGTCG heterozygous", None, ("*1/*6", IM)),
        ("NUDT15 c.50_55del heterozygous", None, ("*1/*9", IM)),
        ("NUDT15 p.Arg139His heterozygous", None, ("*1/*4", IM)),
        ("NUDT15 g.48045719C>T heterozygous", None, ("*1/*3", IM)),
        ("NUDT15 g.48619855C>T heterozygous", None, ("*1/*3", IM)),
        # Denials.
        ("No TPMT variants", ("*1/*1", NM), None),
        ("TPMT no *2, *3A or *3C", ("*1/*1", NM), None),
        ("TPMT variants: no *2, *3A, *3C", ("*1/*1", NM), None),
        ("TPMT *2, *3A, *3C variants not detected", ("*1/*1", NM), None),
        ("TPMT variants absent", ("*1/*1", NM), None),
        ("TPMT homozygous wild type for *2, *3A, *3C", ("*1/*1", NM), None),
        ("TPMT none of the tested common genetic variants", ("*1/*1", NM), None),
        # Words.
        ("TPMT heterozygous, mutation detected", ("", IM), None),
        ("TPMT homozygous, poor metabolizer", ("", PM), None),
        ("TPMT homozygous, normal", ("", NM), None),
        ("TPMT markedly diminished activity", ("", PM), None),
        ("TPMT diminished, markedly", ("", IM), None),
        ("TPMT completely normal", ("", NM), None),
        # Which gene, and whose.
        ("TPMT *1/*1, heterozygous for the NUDT15*3 allele", ("*1/*1", NM), ("*1/*3", IM)),
        ("TPMT *1/*3A deficient NUDT15 *1/*1", ("*1/*3A", PM), ("*1/*1", NM)),
        ("TPMT *1/*1, deficient NUDT15 *1/*1", ("*1/*1", PM), ("*1/*1", NM)),
        ("TPMT normal, NUDT15 and", ("", NM), None),
        ("TPMT normal NUDT15", ("", NM), None),
        ("TPMT deficient: NUDT15", ("", PM), None),
        ("TPMT: heterozygous for NUDT15*3", None, ("*1/*3", IM)),
        ("patient's TPMT *1/*1", ("*1/*1", NM), None),
    ],
)
def test_what_a_sentence_says_of_each_gene(
    text: str, tpmt: tuple[str, str] | None, nudt15: tuple[str, str] | None
) -> None:
    said = read_report(text, KNOWLEDGE)
    told = {gene: (" or ".join(one.diplotypes), one.phenotype) for gene, one in said.genes.items()}
    assert told == {gene: one for gene, one in (("TPMT", tpmt), ("NUDT15", nudt15)) if one}
    assert said.unread == ()


def others(gene: str, names: str | None = None) -> str:
    if names is None:
        return f"it isn't said which variants of {gene} were looked for: others may not have been"
    return f"other variants of {gene} than {names} may not have been looked for"


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("TPMT reduced", []),
        ("TPMT *1/*3A; TPMT *1/*3A", []),
        ("TPMT *1 one copy, *3A one copy", []),
        ("TPMT low, activity 35 mU/L", ["some laboratories call a deficient TPMT activity low: ask which is meant"]),
        ("TPMT low, deficient", [f"the report calls TPMT {IM} and {PM}: the weaker enzyme counts"]),
        ("TPMT *1/*3A or *3B/*3C", [f"the report leaves open which pair of TPMT it is ({BOTH_WAYS})"]),
        ("TPMT normal; TPMT *3A/*3C", ["TPMT is reported twice (normal; *3A/*3C): the weaker enzyme counts"]),
        ("TPMT *1/*3A; TPMT *1/*2", ["TPMT is reported twice (*1/*3A; *1/*2): the weaker enzyme counts"]),
        (
            "TPMT *1/*3 or *1/*2",
            [
                "*1/*3 of TPMT doesn't say which alleles are meant (*1/*3A, *1/*3B, *1/*3C): "
                "ask the laboratory; the weakest counts",
                "the report leaves open which pair of TPMT it is (*1/*3 or *1/*2)",
            ],
        ),
        ("TPMT no variants detected", [others("TPMT")]),
        ("TPMT no *2, *3A or *3C detected", [others("TPMT", "*2, *3A, *3C")]),
        ("TPMT no *2, *3A or *3B detected", [others("TPMT", "*2, *3A, *3B")]),
        ("TPMT *3A heterozygous", [f"the other allele of TPMT is not named and taken as *1: {others('TPMT')}"]),
        ("NUDT15 Arg/Arg", [others("NUDT15", "codon 139 (Arg/Arg)")]),
        ("NUDT15 Arg/Cys", [f"of NUDT15, only {CODON} is reported: {others('NUDT15', CODON)}"]),
        (
            "NUDT15 c.415C>T p.(Arg139Cys) het",
            [f"of NUDT15, only {R139C} is reported: {others('NUDT15', R139C)}"],
        ),
        (
            "TPMT c.238G>C wild type, c.460G>A het, c.719A>G het",
            [
                f"of TPMT, only {THREE} are reported: {others('TPMT', THREE)}",
                "*1/*3A and *3B/*3C of TPMT look alike in this report",
            ],
        ),
        (
            "TPMT c.[460G>A(;)719A>G]",
            [
                "c.[460G>A(;)719A>G] of TPMT doesn't say which alleles are meant (*1/*3A, *3B/*3C): "
                "ask the laboratory; the weakest counts"
            ],
        ),
        (
            "TPMT *1/*3A; TPMT previously *1/*2",
            [
                f"'TPMT previously *1/*2' is not used: 'previously' speaks of an earlier time. "
                f"As it stands it would be {IM}. {ASK}"
            ],
        ),
    ],
)
def test_what_is_noted_beside_a_result(text: str, notes: list[str]) -> None:
    (one,) = read_report(text, KNOWLEDGE).genes.values()
    assert list(one.notes) == notes
    assert (one.is_asked, one.asked) == (False, None)


@pytest.mark.parametrize(
    ("text", "reasons", "asked"),
    [
        # What the alleles are can't be told.
        ("TPMT *1/*3A, c.719A>G het, c.238G>C het", "c.719A>G, c.238G>C does not fit *1/*3A", None),
        ("TPMT c.[460G>A(;)999A>G]", "c.[460G>A(;)999A>G] is no pair of alleles of TPMT that is known here", None),
        ("TPMT c.[460G>A];[999A>G]", "c.[460G>A];[999A>G] is no pair of alleles of TPMT that is known here", None),
        ("TPMT *1/*1/*1", "it isn't said how often *1 was found", None),
        ("TPMT *1 heterozygous", "it can't be told which two alleles are meant (*1)", None),
        ("TPMT *3A homozygous, *3C heterozygous", "it can't be told which two alleles are meant (*3A, *3C)", None),
        ("TPMT *3A normal metabolizer", "it isn't said how often *3A was found", None),
        ("TPMT *3A normal activity", "it isn't said how often *3A was found", None),
        ("TPMT *3A normal result", "it isn't said how often *3A was found", None),
        ("TPMT *3A mutant", "it isn't said how often *3A was found", None),
        ("TPMT c.719A>G seen", "more than one reading fits what is said of c.719A>G", None),
        ("TPMT detected *3A", "it isn't said how often *3A was found", None),
        ("TPMT heterozygous *3A not detected", "two different things are said of *3A", None),
        ("TPMT *3A wild type, c.719A>G heterozygous", "two different things are said of *3A", None),
        (
            "TPMT heterozygous, homozygous for c.719A>G",
            "two different things are said of what was looked for",
            None,
        ),
        (
            "TPMT *3C heterozygous, c.238G>C heterozygous",
            "alleles and variants are named side by side and can't be told apart",
            None,
        ),
        (
            "TPMT c.460G>A, c.238G>C (*3A) heterozygous",
            "alleles and variants are named side by side and can't be told apart",
            None,
        ),
        ("TPMT *3A A/G", "the bases A/G don't fit what they stand beside", None),
        ("TPMT A/G *3A", "the bases A/G don't fit what they stand beside", None),
        ("TPMT *3A (c.460G>A, c.719A>G): A/G", "the bases A/G don't fit what they stand beside", None),
        (
            "TPMT NM_018283.4:c.415C>T het",
            "c.415C>T is no variant of TPMT that is known here; 'NM_018283.4:' is not understood",
            None,
        ),
        ("TPMT C238G het", "C238G is no variant of TPMT that is known here", None),
        ("TPMT c.-1A>G heterozygous", "c.-1A>G is no variant of TPMT that is known here", None),
        ("TPMT rs144041067 heterozygous", "rs144041067 is no variant of TPMT that is known here", None),
        (
            "NUDT15 NC_000013.11:g.48619855C>T heterozygous",
            "g.48619855C>T is no variant of NUDT15 that is known here",
            None,
        ),
        ("TPMT Arg/Cys", "Arg/Cys is no pair of amino acids that is known here", None),
        ("NUDT15 *1S/*1", "*1S is no allele of NUDT15 that is known here", None),
        # What the words are said of can't be told.
        ("TPMT mutated", "a change is named, not which one nor how often", None),
        ("TPMT *1/*1 or *1/*3A, homozygous", "homozygous is said, not for which allele", None),
        ("TPMT *1/*3A homozygous", "homozygous is said, not for which allele", None),
        ("TPMT homozygous, intermediate", "homozygous is said, not for which allele", None),
        ("TPMT normal, no variants detected, abnormal", "a change is named beside a normal result", None),
        ("TPMT normal, polymorphism found", "a change is named beside a normal result", None),
        ("TPMT *1/*1, polimorfismo detectado", "a change is named beside a normal result", None),
        # One normal allele says nothing of the other, and a change behind "normal" isn't none.
        ("TPMT ein normales Allel", "'Allel' is named beside a normal result: ask what both alleles are", None),
        ("TPMT un allèle normal", "'allèle' is named beside a normal result: ask what both alleles are", None),
        ("TPMT un alelo normal", "'alelo' is named beside a normal result: ask what both alleles are", None),
        ("TPMT een normaal allel", "'allel' is named beside a normal result: ask what both alleles are", None),
        ("TPMT normal allele", "'allele' is named beside a normal result: ask what both alleles are", None),
        ("TPMT ein Wildtyp-Allel", "'Wildtyp-Allel' is named beside a normal result: ask what both alleles are", None),
        ("TPMT Wildtypallel", "'Wildtypallel' is named beside a normal result: ask what both alleles are", None),
        ("NUDT15 un allèle sauvage", "'allèle' is named beside a normal result: ask what both alleles are", None),
        (
            "TPMT normale, polymorphisme",
            "'polymorphisme' is named beside a normal result: ask what both alleles are",
            None,
        ),
        ("TPMT normal variant", "'variant' is named beside a normal result: ask what both alleles are", None),
        ("TPMT normal, allele found", "'allele' is named beside a normal result: ask what both alleles are", None),
        (
            "TPMT unauffällig, Allel nachgewiesen",
            "'Allel' is named beside a normal result: ask what both alleles are",
            None,
        ),
        ("TPMT WT, *3C", "*3C is named behind a wild type: ask whether it was found or only looked for", None),
        (
            "TPMT wildtype. Y240C",
            "Y240C is named behind a wild type: ask whether it was found or only looked for",
            None,
        ),
        (
            "TPMT wildtype; c.719A>G",
            "c.719A>G is named behind a wild type: ask whether it was found or only looked for",
            None,
        ),
        ("NUDT15 WT - *3", "*3 is named behind a wild type: ask whether it was found or only looked for", None),
        (
            "NUDT15 wt + c.415C>T",
            "c.415C>T is named behind a wild type: ask whether it was found or only looked for",
            None,
        ),
        (
            "TPMT activity <150 mU/L, normal",
            "an activity of <150 may be any below that, so it isn't shown to be normal",
            None,
        ),
        # Something keeps the result from being used.
        ("TPMT *2/*3A, *3A no *2", "'no' denies something", PM),
        ("TPMT *1/*1！", "'!' denies or corrects something", NM),
        # Spanish or Italian: the more cautious meaning counts.
        ("TPMT *1/*1 se normal", "'se' asks for a result, awaits one or sets a condition", NM),
        ("TPMT mutation: no deficiency", "'no' denies something", PM),
        ("CYP2D6 requested, TPMT *1/*1", "'requested' asks for a result, awaits one or sets a condition", NM),
        ("heterozygous purple. TPMT *1/*1", "'heterozygous purple' is not understood", NM),
        (
            "TPMT no rs1142345 T/T",
            "*2, *3B may be there: the report doesn't say that they were looked for; 'no' denies something",
            None,
        ),
        ("TPMT NM_000106.6 *1/*1", "'NM_000106.6' is not understood", NM),
        ("TPMT s *1/*1", "'s' is not understood", NM),
        ("TPMT ein Allel normal", "'Allel' is named beside a normal result: ask what both alleles are", None),
        (
            "TPMT no mutant/wild type",
            "'no' denies something",
            IM,
        ),
        ("TPMT ≈ *1/*1", "'≈' leaves the result in doubt", NM),
        ("TPMT × *1/*1", "'×' denies or corrects something", NM),
        ("TPMT deficient?", "'?' leaves the result in doubt", PM),
        ("heterozygous. TPMT *1/*1", "'heterozygous' belongs to no gene that is named", NM),
        (
            "NUDT15 *1/*1 purple, thing; red 2014",
            "'purple, thing' is not understood; 'red 2014' is not understood",
            NM,
        ),
        ("TPMT *1/*1. CYP2D6 *1/*4 pending", "'pending' asks for a result, awaits one or sets a condition", NM),
        ("TPMT *1/*1, CYP2D6 mother", "'mother' names another person", NM),
        ("TPMT activity 35 mU/L, purple", "'purple' is not understood", None),
    ],
)
def test_why_a_result_is_not_used(text: str, reasons: str, asked: str | None) -> None:
    (one,) = read_report(text, KNOWLEDGE).genes.values()
    would = f" As it stands it would be {asked}." if asked else ""
    (note,) = one.notes
    assert one.text in note
    assert one.text not in GENES
    ask = LEAVE_OUT if reasons in ("'s' is not understood", "'purple' is not understood") else ASK
    assert note.partition(" is not used: ")[2] == f"{reasons}.{would} {ask}"
    assert (one.diplotypes, one.phenotype, one.is_asked, one.asked) == ((), UNTOLD, True, asked)


@pytest.mark.parametrize(
    ("text", "tpmt", "asked"),
    [
        ("TPMT *1/*3A; TPMT *1/*3A?; TPMT *3A/*3A?", UNTOLD, PM),
        ("TPMT *1/*3A; TPMT *3A/*3A?; TPMT *3A", UNTOLD, None),
        ("TPMT *1/*1?; TPMT *2/*3A?", UNTOLD, PM),
        ("TPMT *1/*1?; TPMT *3A", UNTOLD, None),
        ("TPMT *1/*3A; TPMT *1/*2?", IM, None),
        ("TPMT *1/*3A; TPMT activity 12 U/mL?", UNTOLD, None),
        ("TPMT *1/*3A; TPMT homozygous, intermediate", UNTOLD, None),
    ],
)
def test_of_several_questions_the_weakest_counts_and_one_that_can_mean_anything_before_all(
    text: str, tpmt: str, asked: str | None
) -> None:
    one = read_report(text, KNOWLEDGE).genes["TPMT"]
    assert (one.phenotype, one.asked, one.is_asked) == (tpmt, asked, tpmt == UNTOLD)


@pytest.mark.parametrize(
    ("text", "tpmt", "unread"),
    [
        ("Mother: TPMT *3A/*3A\nPatient TPMT *1/*1", NM, ("Mother", "TPMT *3A/*3A")),
        ("Mother: TPMT *3A/*3A. The patient's TPMT *1/*1", NM, ("Mother", "TPMT *3A/*3A")),
        ("Mother: TPMT pending. Patient: TPMT *1/*1", NM, ("Mother", "TPMT pending")),
        ("Mother: CYP2D6 *1/*4 pending. Patient: TPMT *1/*1", NM, ("Mother", "CYP2D6 *1/*4 pending")),
        ("NUDT15 pending. The TPMT is *1/*1", NM, ("NUDT15 pending. The",)),
        ("TPMT deficient NUDT15 pending", PM, ("NUDT15 pending",)),
        ("CYP2D6 pending. TPMT *1/*1", NM, ("CYP2D6 pending",)),
        ("CYP2D6 *1/*4 pending. TPMT *1/*1", UNTOLD, ("CYP2D6 *1/*4 pending",)),
        ("CYP2D6 *1/*4 pending. TPMT *1/*3A", IM, ("CYP2D6 *1/*4 pending",)),
        ("TPMT *1/*3A, NUDT15 *1/*1 purple thing; red", IM, ("purple thing", "red")),
        ("TPMT *1/*1, NUDT15 *1/*3?", UNTOLD, ("?",)),
        ("TPMT and NUDT15 requested: TPMT *1/*1", UNTOLD, ("TPMT requested", "NUDT15 requested")),
    ],
)
def test_what_bears_on_a_result_from_elsewhere(text: str, tpmt: str, unread: tuple[str, ...]) -> None:
    said = read_report(text, KNOWLEDGE)
    assert (said.genes["TPMT"].phenotype, said.unread) == (tpmt, unread)


def test_what_one_gene_awaits_says_nothing_of_what_is_named_behind_it() -> None:
    said = read_report("TPMT pending, heterozygous for NUDT15*3", KNOWLEDGE)
    assert {gene: one.diplotypes for gene, one in said.genes.items()} == {"NUDT15": ("*1/*3",)}
    assert said.unread == ("TPMT pending",)


def test_a_denial_reaches_over_no_more_than_a_few_words() -> None:
    near = read_report("TPMT none of the tested and common genetic variants", KNOWLEDGE)
    assert near.genes["TPMT"].phenotype == NM
    far = read_report("TPMT none of the tested and analysed common genetic variants", KNOWLEDGE)
    assert far.genes == {}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("(TPMT *1/*3A)", "*1/*3A"),
        ("TPMT: *1/*3A and NUDT15: *1/*1", "*1/*3A"),
        ("TPMT *1/*3A (heterozygous)", "*1/*3A (heterozygous)"),
        ("TPMT intermediate; TPMT *1/*3A", "*1/*3A"),
        ("TPMT *1/*3A; TPMT intermediate", "*1/*3A"),
        ("No TPMT variants", "No TPMT variants"),
    ],
)
def test_a_result_is_shown_as_it_was_written(text: str, shown: str) -> None:
    assert read_report(text, KNOWLEDGE).genes["TPMT"].text == shown


@pytest.mark.parametrize(
    ("text", "activity"),
    [
        ("TPMT 12 U/mL", ("12", "U/mL")),
        ("TPMT activity 80%", ("80", "%")),
        ("TPMT activity is 12", ("12", None)),
        ("TPMT activity 35 mU/L (normal > 68 mU/L)", ("35", "mU/L")),
        ("TPMT reference range 68-150, activity 35", ("35", None)),
        ("TPMT activity 35 mU/L; TPMT activity 35 mU/L", ("35", "mU/L")),
        ("Mother: TPMT activity 30 U/mL. Patient: TPMT activity 25 U/mL", ("25", "U/mL")),
        ("TPMT-Aktivität 35 mU/L (Normbereich 68-150)", ("35", "mU/L")),
        ("TPMT result 12", None),
        ("TPMT activity 12 U/mL, 30 U/mL", None),
        ("TPMT activity 100 mU/L, NUDT15 *1/*1?", None),
        ("TPMT activity 100 mU/L; mother TPMT *1/*3A", None),
    ],
)
def test_which_amount_is_the_activity(text: str, activity: tuple[str, str | None] | None) -> None:
    said = read_report(text, KNOWLEDGE).activity
    assert (said and (said.text, said.unit)) == activity


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("TPMT detected", ()),
        ("TPMT-Aktivität Normbereich", ()),
        ("TPMT-Aktivität 35 mU/L, Normbereich", ("TPMT",)),
    ],
)
def test_what_says_nothing_of_the_alleles_or_the_enzyme_is_no_result(text: str, asked: tuple[str, ...]) -> None:
    said = read_report(text, KNOWLEDGE)
    assert tuple(said.genes) == asked
    assert all(one.is_asked for one in said.genes.values())
    assert said.activity is None
    assert said.unread != ()


def test_a_gene_whose_name_looks_like_a_variant_is_a_gene() -> None:
    rows = KNOWLEDGE.tables["result_words"]
    named = msgspec.structs.replace(rows[0], meaning="other gene", words="A12C")
    knowledge = with_rows("result_words", *rows, named)
    said = read_report("TPMT *1/*1; A12C *1/*4", knowledge)
    assert (said.genes["TPMT"].phenotype, said.unread) == (NM, ("A12C *1/*4",))


def test_a_number_of_two_changes_means_the_one_that_people_have() -> None:
    rows = KNOWLEDGE.tables["allele_frequencies"]
    nobody = [msgspec.structs.replace(row, allele="*41", frequency=0.0) for row in rows if row.allele == "*3C"]
    assert nobody
    for each in (KNOWLEDGE, with_rows("allele_frequencies", *rows, *nobody)):
        named = Variants(each, "TPMT").named("rs1142345")
        assert named is not None
        assert named.variant == (18130687, "C")
