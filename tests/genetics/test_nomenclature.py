"""A laboratory's words: what is understood, and that nothing else is guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azaward.genetics.dosing import ORDER
from azaward.genetics.nomenclature import read_report
from azaward.genetics.nomenclature.result_words import BLOCKERS, words_of
from azaward.knowledge import load
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.words.test_names import folded

KNOWLEDGE = load()
NM, IM, PM = "Normal Metabolizer", "Intermediate Metabolizer", "Poor Metabolizer"
UNTOLD = "Indeterminate"
BOTH_WAYS = ("*1/*3A", "*3B/*3C")
LOST = ("*1/*3A", "*1/*3B", "*1/*3C")


@pytest.mark.parametrize(
    ("text", "gene", "diplotypes", "phenotype"),
    [
        # pairs of alleles
        ("TPMT *1/*3A", "TPMT", ("*1/*3A",), IM),
        ("TPMT*1/*3C", "TPMT", ("*1/*3C",), IM),
        ("TPMT *3a / *1", "TPMT", ("*1/*3A",), IM),
        ("TPMT *1 / *3A", "TPMT", ("*1/*3A",), IM),
        ("TPMT *1*3A", "TPMT", ("*1/*3A",), IM),
        ("TPMT*1/TPMT*3A", "TPMT", ("*1/*3A",), IM),
        ("TPMT genotype: *1|*2 (intermediate metaboliser)", "TPMT", ("*1/*2",), IM),
        ("NUDT15 *1/*3.002", "NUDT15", ("*1/*3",), IM),
        ("NUDT-15 *3/*3", "NUDT15", ("*3/*3",), PM),
        ("Thiopurine S-methyltransferase: *1/*1", "TPMT", ("*1/*1",), NM),
        ("Thiopurine methyltransferase (TPMT) *1/*3A", "TPMT", ("*1/*3A",), IM),
        ("TPMT *1/*9", "TPMT", ("*1/*9",), UNTOLD),
        ("TPMT *1S/*3A", "TPMT", ("*1/*3A",), IM),
        ("TPMT *1/*3", "TPMT", LOST, IM),
        ("TPMT WT/WT", "TPMT", ("*1/*1",), NM),
        ("TPMT wt/*3A", "TPMT", ("*1/*3A",), IM),
        ("TPMT ∗1/∗3A", "TPMT", ("*1/*3A",), IM),
        ("TPMT ＊1/＊3C", "TPMT", ("*1/*3C",), IM),
        ("TPMT ⁎1/⁎3A", "TPMT", ("*1/*3A",), IM),
        ("TPMT ✱1/✱1", "TPMT", ("*1/*1",), NM),
        ("TPMT\u00a0*1/\u202f*3A", "TPMT", ("*1/*3A",), IM),
        ("TPMT *1/*3A or *3B/*3C", "TPMT", BOTH_WAYS, IM),
        ("TPMT *1/*1 or *1/*3A", "TPMT", ("*1/*1", "*1/*3A"), IM),
        ("TPMT *3A/*1 (heterozygous, intermediate activity)", "TPMT", ("*1/*3A",), IM),
        ("TPMT heterozygous *1/*2", "TPMT", ("*1/*2",), IM),
        ("TPMT *1/*1. Two normal function alleles.", "TPMT", ("*1/*1",), NM),
        ("TPMT *1/*3A. Heterozygous for one deficiency allele.", "TPMT", ("*1/*3A",), IM),
        ("TPMT *1/*1. NUDT15 *1/*1. Standard dosing recommended.", "NUDT15", ("*1/*1",), NM),
        ("TPMT *1/*1 — Normal Metabolizer", "TPMT", ("*1/*1",), NM),
        ("NUDT15 *1/*3 (c.415C>T)", "NUDT15", ("*1/*3",), IM),
        ("Patient: TPMT *1/*1", "TPMT", ("*1/*1",), NM),
        # single alleles
        ("TPMT *3A heterozygous", "TPMT", ("*1/*3A",), IM),
        ("TPMT-*3A heterozygous", "TPMT", ("*1/*3A",), IM),
        ("TPMT star 3A heterozygous", "TPMT", ("*1/*3A",), IM),
        ("heterozygous for TPMT*3A", "TPMT", ("*1/*3A",), IM),
        ("Heterozygous for the TPMT *3A allele", "TPMT", ("*1/*3A",), IM),
        ("Carrier of TPMT *2", "TPMT", ("*1/*2",), IM),
        ("TPMT heterozygous *3A detected", "TPMT", ("*1/*3A",), IM),
        ("TPMT one copy of *3A and one of *1", "TPMT", ("*1/*3A",), IM),
        ("The patient carries one copy of TPMT*3A and one copy of TPMT*1", "TPMT", ("*1/*3A",), IM),
        ("one copy of TPMT*3A and one copy of TPMT*3C", "TPMT", ("*3A/*3C",), PM),
        ("TPMT *3A and *3C compound heterozygous", "TPMT", ("*3A/*3C",), PM),
        ("TPMT *3A homozygous", "TPMT", ("*3A/*3A",), PM),
        ("TPMT *2, *3A, *3B and *3C not detected", "TPMT", ("*1/*1",), NM),
        ("TPMT: *2, *3A, *3B, *3C: not detected", "TPMT", ("*1/*1",), NM),
        ("TPMT no *2, *3A or *3C detected", "TPMT", ("*1/*1",), NM),
        ("TPMT *2 negative, *3A heterozygous, *3C negative", "TPMT", ("*1/*3A",), IM),
        ("TPMT: wild-type for *2, *3A, *3C", "TPMT", ("*1/*1",), NM),
        ("NUDT15*3 (c.415C>T) heterozygous", "NUDT15", ("*1/*3",), IM),
        # variants
        ("NUDT15 c.415C>T het", "NUDT15", ("*1/*3",), IM),
        ("NUDT15 c.415C>T heterozygous", "NUDT15", ("*1/*3",), IM),
        ("NUDT15 415C>T het", "NUDT15", ("*1/*3",), IM),
        ("NUDT15 415C>T CT", "NUDT15", ("*1/*3",), IM),
        ("NUDT15 c.415C>T C/C", "NUDT15", ("*1/*1",), NM),
        ("NUDT15 c.415C>T TT", "NUDT15", ("*3/*3",), PM),
        ("NUDT15 rs116855232 homozygous", "NUDT15", ("*3/*3",), PM),
        ("NUDT15 p.Arg139Cys heterozygous", "NUDT15", ("*1/*3",), IM),
        ("NUDT15 c.415C>T p.(Arg139Cys) heterozygous", "NUDT15", ("*1/*3",), IM),
        ("NUDT15 R139C het", "NUDT15", ("*1/*3",), IM),
        ("NUDT15 c.415C>T homozygous variant (T/T)", "NUDT15", ("*3/*3",), PM),
        ("NUDT15 c.415C>T: C/T; c.416G>A: G/G", "NUDT15", ("*1/*3",), IM),
        ("NUDT15 NM_018283.4:c.415C>T heterozygous", "NUDT15", ("*1/*3",), IM),
        ("NM_018283.4:c.415C>T heterozygous", "NUDT15", ("*1/*3",), IM),
        ("NUDT15 NP_060753.1:p.Arg139Cys het", "NUDT15", ("*1/*3",), IM),
        ("NUDT15 NC_000013.11:g.48045719C>T heterozygous", "NUDT15", ("*1/*3",), IM),
        ("NUDT15 NC_000013.10:g.48619855C>T heterozygous", "NUDT15", ("*1/*3",), IM),
        ("TPMT c.719A>G heterozygous", "TPMT", ("*1/*3C",), IM),
        ("TPMT c.460G>A and c.719A>G heterozygous", "TPMT", BOTH_WAYS, IM),
        ("TPMT: heterozygous for c.460G>A and c.719A>G", "TPMT", BOTH_WAYS, IM),
        ("TPMT c.460G>A and c.719A>G homozygous", "TPMT", ("*3A/*3A",), PM),
        ("TPMT G460A and A719G heterozygous", "TPMT", BOTH_WAYS, IM),
        ("TPMT c.238G>C wild type, c.460G>A het, c.719A>G het", "TPMT", BOTH_WAYS, IM),
        ("TPMT c.238G>C normal, c.460G>A normal, c.719A>G normal", "TPMT", ("*1/*1",), NM),
        ("TPMT c.238G>C: not detected; c.460G>A: not detected; c.719A>G: not detected", "TPMT", ("*1/*1",), NM),
        ("TPMT c.[460G>A;719A>G];[=]", "TPMT", ("*1/*3A",), IM),
        ("TPMT c.[460G>A];[719A>G]", "TPMT", ("*3B/*3C",), PM),
        ("TPMT c.[460G>A(;)719A>G]", "TPMT", BOTH_WAYS, IM),
        ("TPMT NC_000006.12:g.18130687T>C het, NC_000006.12:g.18138997C>T het", "TPMT", BOTH_WAYS, IM),
        ("TPMT rs1800462 G/G, rs1800460 C/T, rs1142345 T/C", "TPMT", BOTH_WAYS, IM),
        ("TPMT rs1800460 C/T; rs1142345 T/C; rs1800462 C/G", "TPMT", ("*2/*3A",), PM),
        ("TPMT rs1800460 C/T, TPMT rs1142345 T/C", "TPMT", BOTH_WAYS, IM),
        ("rs1800460 C/T, rs1142345 T/C", "TPMT", BOTH_WAYS, IM),
        ("TPMT rs1142345 A/G", "TPMT", ("*1/*3C",), IM),
        ("TPMT rs1800462 C/G", "TPMT", ("*1/*2",), IM),
        ("TPMT rs1800462 C/C (coding strand)", "TPMT", ("*2/*2",), PM),
        ("TPMT*3C (719A>G): A/G", "TPMT", ("*1/*3C",), IM),
        (
            "TPMT: 460G>A heterozygous, 719A>G heterozygous, 238G>C not detected. Intermediate activity.",
            "TPMT",
            BOTH_WAYS,
            IM,
        ),
        ("TPMT rs1142345 AG, rs1800460 GA, rs1800462 GG", "TPMT", BOTH_WAYS, IM),
        # codon 139 as Japanese laboratories report it
        ("NUDT15 Arg/Arg", "NUDT15", ("*1/*1",), NM),
        ("NUDT15 Arg/Cys", "NUDT15", ("*1/*3",), IM),
        ("NUDT15 Cys/Cys", "NUDT15", ("*3/*3",), PM),
        ("NUDT15 codon 139: Arg/His", "NUDT15", ("*1/*4",), IM),
        ("NUDT15 Cys/His", "NUDT15", ("*3/*4",), PM),
        ("NUDT15遺伝子 コドン139 Arg/Cys", "NUDT15", ("*1/*3",), IM),
        # nothing found
        ("NUDT15: no variants detected", "NUDT15", ("*1/*1",), NM),
        ("No TPMT variants detected", "TPMT", ("*1/*1",), NM),
        ("TPMT variants detected: none", "TPMT", ("*1/*1",), NM),
        ("TPMT no common mutations", "TPMT", ("*1/*1",), NM),
        ("TPMT keine Mutation nachgewiesen", "TPMT", ("*1/*1",), NM),
        ("TPMT: keine der Mutationen *2, *3A, *3C nachgewiesen", "TPMT", ("*1/*1",), NM),
        ("TPMT aucune mutation détectée", "TPMT", ("*1/*1",), NM),
        ("TPMT mutation non détectée", "TPMT", ("*1/*1",), NM),
        ("TPMT sin mutaciones", "TPMT", ("*1/*1",), NM),
        ("TPMT nessuna mutazione rilevata", "TPMT", ("*1/*1",), NM),
        ("TPMT geen mutatie gevonden", "TPMT", ("*1/*1",), NM),
        ("No pathogenic variants were detected in TPMT or NUDT15.", "NUDT15", ("*1/*1",), NM),
        ("No TPMT or NUDT15 variants detected.", "TPMT", ("*1/*1",), NM),
        ("No variants detected in the TPMT and NUDT15 genes", "NUDT15", ("*1/*1",), NM),
        ("No se detectaron variantes en NUDT15.", "NUDT15", ("*1/*1",), NM),
        ("Keine Varianten in TPMT und NUDT15 nachgewiesen.", "NUDT15", ("*1/*1",), NM),
        ("Nessuna variante rilevata in TPMT e NUDT15.", "TPMT", ("*1/*1",), NM),
        ("Es wurden keine Mutationen im TPMT-Gen nachgewiesen. NUDT15-Gen: keine Mutationen.", "TPMT", ("*1/*1",), NM),
        ("Kein Nachweis der Varianten TPMT*2, *3A, *3B, *3C. NUDT15 Wildtyp.", "TPMT", ("*1/*1",), NM),
        ("Aucun variant TPMT détecté. Aucun variant NUDT15 détecté.", "NUDT15", ("*1/*1",), NM),
        ("Assenza di mutazioni TPMT. Assenza di mutazioni NUDT15.", "NUDT15", ("*1/*1",), NM),
        ("Not detected: TPMT *2, *3A, *3B, *3C", "TPMT", ("*1/*1",), NM),
        ("TPMT variants: none. NUDT15 variants: none", "TPMT", ("*1/*1",), NM),
        # phenotypes
        ("TPMT normal", "TPMT", (), NM),
        ("Normal TPMT activity", "TPMT", (), NM),
        ("TPMT and NUDT15 normal", "TPMT", (), NM),
        ("TPMT wild type", "TPMT", (), NM),
        ("TPMT homozygous wild type", "TPMT", (), NM),
        ("TPMT heterozygous", "TPMT", (), IM),
        ("TPMT carrier", "TPMT", (), IM),
        ("TPMT low", "TPMT", (), IM),
        ("TPMT reduced", "TPMT", (), IM),
        ("TPMT IM", "TPMT", (), IM),
        ("TPMT intermediate metabolizer", "TPMT", (), IM),
        ("TPMT activity below the normal limit", "TPMT", (), IM),
        ("TPMT low activity, consistent with heterozygous deficiency", "TPMT", (), IM),
        ("TPMT predicted phenotype: poor metaboliser", "TPMT", (), PM),
        ("TPMT homozygous deficient", "TPMT", (), PM),
        ("TPMT deficient", "TPMT", (), PM),
        ("TPMT very low activity", "TPMT", (), PM),
        ("TPMT absent", "TPMT", (), PM),
        ("TPMT inconclusive", "TPMT", (), UNTOLD),
        ("NUDT15 possible intermediate metabolizer", "NUDT15", (), "Possible Intermediate Metabolizer"),
        ("TPMT activity within the normal range", "TPMT", (), NM),
        ("The patient is a normal metabolizer for TPMT and NUDT15.", "NUDT15", (), NM),
        ("Unauffälliger Befund für TPMT und NUDT15.", "NUDT15", (), NM),
        ("deficient for TPMT and NUDT15", "NUDT15", (), PM),
        ("TPMT wild type/mutant", "TPMT", (), IM),
        ("TPMT mutant + wild type", "TPMT", (), IM),
        ("NUDT15 sauvage/muté", "NUDT15", (), IM),
        ("TPMT wt/mut", "TPMT", (), IM),
        ("TPMT *3C wild type/variant", "TPMT", ("*1/*3C",), IM),
        ("TPMT c.719A>G variant/wild type", "TPMT", ("*1/*3C",), IM),
        # as laboratories set it out
        ("TPMT *1/*1. Method: PCR-RFLP. Reported by Dr. A. Smith, 12.03.2024.", "TPMT", ("*1/*1",), NM),
        ("TPMT *1/*1 - normal activity expected", "TPMT", ("*1/*1",), NM),
        ("TPMT: Wildtyp. Keine Dosisanpassung erforderlich.", "TPMT", (), NM),
        ("Nachweis der Variante TPMT*3A in heterozygoter Form.", "TPMT", ("*1/*3A",), IM),
        ("TPMT*1/TPMT*1 - Alleles present are associated with Normal Enzyme Activity", "TPMT", ("*1/*1",), NM),
        ("TPMT Genotype Result: *1/*3A TPMT Phenotype: Intermediate metabolizer", "TPMT", ("*1/*3A",), IM),
        ("TPMT: *1/*1\nNUDT15: *1/*3\n", "NUDT15", ("*1/*3",), IM),
        ("TPMT\t*1/*3A\tIntermediate Metabolizer", "TPMT", ("*1/*3A",), IM),
        ("TPMT mutation analysis: *1/*1", "TPMT", ("*1/*1",), NM),
        ("TPMT genotype is *1/*1, which is consistent with normal enzyme activity.", "TPMT", ("*1/*1",), NM),
        (
            "The individual is heterozygous for the TPMT*3A allele and has reduced TPMT activity",
            "TPMT",
            ("*1/*3A",),
            IM,
        ),
        ("Combined Genetic Result TPMT*3A/*3C, low/absent TPMT activity is expected", "TPMT", ("*3A/*3C",), PM),
        # other languages
        ("Verminderte TPMT-Aktivität (Heterozygote Defizienz)", "TPMT", (), IM),
        ("Stark verminderte TPMT-Aktivität (Homozygote Defizienz)", "TPMT", (), PM),
        ("Patient ist heterozygoter Träger von TPMT*3A", "TPMT", ("*1/*3A",), IM),
        (
            "Das Ergebnis zeigt den TPMT-Genotyp *1/*1 (Wildtyp), entsprechend normaler Enzymaktivität.",
            "TPMT",
            ("*1/*1",),
            NM,
        ),
        ("L'analyse met en évidence un génotype TPMT *1/*3A (hétérozygote)", "TPMT", ("*1/*3A",), IM),
        ("Statut NUDT15 : porteur hétérozygote du variant c.415C>T (p.Arg139Cys)", "NUDT15", ("*1/*3",), IM),
        ("Paciente heterocigoto para TPMT*3C", "TPMT", ("*1/*3C",), IM),
        ("TPMT: no se detectan mutaciones", "TPMT", ("*1/*1",), NM),
        ("NUDT15遺伝子多型: Arg/Arg (野生型)", "NUDT15", ("*1/*1",), NM),
        ("TPMT-Genotyp: *1/*3A", "TPMT", ("*1/*3A",), IM),
        ("TPMT-Aktivität: normal", "TPMT", (), NM),
        ("TPMT heterozygot", "TPMT", (), IM),
        ("TPMT homozygot Wildtyp", "TPMT", (), NM),
        ("TPMT Wildtyp (*1/*1)", "TPMT", ("*1/*1",), NM),
        ("TPMT stark verminderte Aktivität", "TPMT", (), PM),
        ("TPMT verminderte Aktivität", "TPMT", (), IM),
        ("TPMT langsamer Metabolisierer", "TPMT", (), PM),
        ("TPMT schlechter Metabolisierer", "TPMT", (), PM),
        ("Nachweis der heterozygoten Mutation TPMT*3A", "TPMT", ("*1/*3A",), IM),
        ("Génotype TPMT : *1/*3C", "TPMT", ("*1/*3C",), IM),
        ("TPMT hétérozygote", "TPMT", (), IM),
        ("TPMT homozygote sauvage", "TPMT", (), NM),
        ("TPMT: homozygote muté *3A/*3A", "TPMT", ("*3A/*3A",), PM),
        ("TPMT: hétérozygote composite *2/*3A", "TPMT", ("*2/*3A",), PM),
        ("TPMT métaboliseur lent", "TPMT", (), PM),
        ("TPMT métaboliseur intermédiaire", "TPMT", (), IM),
        ("TPMT métaboliseur normal", "TPMT", (), NM),
        ("Genotipo TPMT: *1/*1", "TPMT", ("*1/*1",), NM),
        ("TPMT heterocigoto", "TPMT", (), IM),
        ("TPMT homocigoto silvestre", "TPMT", (), NM),
        ("NUDT15: portador heterocigoto de c.415C>T", "NUDT15", ("*1/*3",), IM),
        ("TPMT metabolizador lento", "TPMT", (), PM),
        ("TPMT metabolizador normal", "TPMT", (), NM),
        ("TPMT eterozigote", "TPMT", (), IM),
        ("TPMT metabolizzatore intermedio", "TPMT", (), IM),
        ("TPMT heterozygoot", "TPMT", (), IM),
        ("TPMT trage metaboliseerder", "TPMT", (), PM),
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
        "TPMT reference range normal",
        "TPMT 1/3A",
        "TPMT not tested",
        "TPMT negative",
        "TPMT no mutation result",
        "TPMT no variants tested",
        "No variant was tested in TPMT",
        "No variants in TPMT were tested",
        "No mutation test for TPMT",
        "TPMT keine Mutationsanalyse",
        "TPMT no results for variants",
        "CYP2D6 *1/*4",
    ],
)
def test_where_no_result_stands_none_is_made_up(text: str) -> None:
    said = read_report(text, KNOWLEDGE)
    assert said.genes == {}
    assert said.activity is None
    assert said.unread != () or text == "TPMT"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        # another person
        ("Mother: TPMT *1/*1, NUDT15 *1/*1", "'Mother' names another person"),
        ("TPMT *1/*1 (mother)", "'mother' names another person"),
        ("TPMT *1/*1, NUDT15 *1/*1 (mother)", "'mother' names another person"),
        ("donor's TPMT *1/*1", "'donor' names another person"),
        ("Mutter: TPMT *1/*1", "another person"),
        ("TPMT *1/*1 (Spender)", "another person"),
        ("Père : TPMT *1/*1", "another person"),
        ("TPMT *1/*1 du donneur", "another person"),
        ("TPMT *1/*1 de la madre", "another person"),
        ("TPMT *1/*1 della sorella", "another person"),
        ("TPMT *1/*1 van de moeder", "another person"),
        ("Control: TPMT *1/*1", "another person"),
        ("TPMT *1/*1, wrong sample", "another person"),
        ("TPMT *3A/*3A (father)", "would be Poor Metabolizer"),
        # denied
        ("Result not TPMT *1/*1", "'not' denies"),
        ("TPMT not normal", "denies"),
        ("TPMT *1/*1/*3A", "how often"),
        ("NUDT15 not *3/*3", "would be Poor Metabolizer"),
        ("TPMT *1/*3A not detected", "'not detected' denies something"),
        ("TPMT nicht *1/*1", "denies"),
        ("TPMT n'est pas *1/*1", "denies"),
        ("TPMT non è *1/*1", "denies"),
        ("TPMT no deficiency", "denies"),
        ("TPMT *1/*1 ≠", "denies"),
        # asked for, awaited, a condition
        ("Requested: TPMT *1/*1", "asks for a result"),
        ("TPMT and NUDT15 requested: TPMT *1/*1", "asks for a result"),
        ("TPMT *1/*1 pending", "asks for a result"),
        ("if TPMT *1/*1 then start full dose", "'if' asks for a result, awaits one or sets a condition"),
        ("Angefordert: TPMT *1/*1", "asks for"),
        ("TPMT *1/*1 en attente", "asks for"),
        ("TPMT *1/*1 solicitado", "asks for"),
        # earlier
        ("TPMT previously *1/*1", "speaks of an earlier time"),
        ("TPMT *1/*1; TPMT previously *3A/*3A", "'previously' speaks of an earlier time"),
        ("TPMT *1/*1 in 2014", "'2014' is not understood"),
        ("Früherer Befund: TPMT *1/*1", "earlier"),
        ("TPMT *1/*1 (résultat antérieur)", "earlier"),
        # failed or in doubt
        ("TPMT *1/*1 sample insufficient", "failed or was not done"),
        ("TPMT *1/*1?", "'?' leaves the result in doubt"),
        ("TPMT possible *1/*1", "in doubt"),
        ("TPMT *1/*1 cannot be excluded", "in doubt"),
        ("TPMT *1/*1 no confirmado", "in doubt"),
        ("TPMT *1/*1 inconclusive", "called uncertain and named at once"),
        # a change beside a normal result
        ("TPMT *1/*1 with mutation", "'mutation' is named beside a normal result"),
        ("TPMT *1/*1, variant", "'variant' is named beside a normal result"),
        ("TPMT *1/*1 mit Mutation", "'Mutation' is named beside a normal result"),
        ("TPMT *1/*1 con mutazione", "'mutazione' is named beside a normal result"),
        ("TPMT normal alleles and mutation", "'mutation' is named beside a normal result"),
        ("TPMT wild type, polymorphism *3C", "'polymorphism' is named beside a normal result"),
        ("TPMT wild type. Mutation: c.719A>G.", "'Mutation' is named beside a normal result"),
        ("NUDT15 Wildtyp, Polymorphismus c.415C>T", "'Polymorphismus' is named beside a normal result"),
        ("TPMT variant/normal", "'variant' is named beside a normal result"),
        ("TPMT mutation normal", "'mutation' is named beside a normal result"),
        ("TPMT mutation normal activity", "'mutation' is named beside a normal result"),
        # the normal allele is denied
        ("TPMT c.719A>G: wild type not detected", "denies the normal allele"),
        ("TPMT c.719A>G wild type allele absent", "denies the normal allele"),
        ("NUDT15 c.415C>T Wildtyp nicht nachweisbar", "denies the normal allele"),
        ("TPMT *3A: normal allele not detected", "denies the normal allele"),
        ("TPMT c.719A>G negative wild type", "denies the normal allele"),
        ("TPMT normales Allel nicht nachgewiesen", "denies the normal allele"),
        ("TPMT functional allele not detected", "denies the normal allele"),
        ("TPMT absence de l'allèle sauvage", "denies the normal allele"),
        ("TPMT absence des allèles normaux", "denies the normal allele"),
        ("TPMT geen normaal allel", "denies the normal allele"),
        ("TPMT *1 not detected", "*1 is said not to be there"),
        ("TPMT no *1 allele", "*1 is said not to be there"),
        ("TPMT *1, *2, *3A, *3B, *3C not detected", "*1 is said not to be there"),
        ("TPMT *1S not detected", "*1S is said not to be there"),
        ("TPMT absence de l'allèle *1", "*1 is said not to be there"),
        # too little was looked for
        ("TPMT *2 not detected", "*3A, *3B, *3C may be there"),
        ("TPMT c.238G>C G/G", "*3A, *3B, *3C may be there"),
        ("TPMT rs1800462 C/C (forward strand)", "*3A, *3B, *3C may be there"),
        ("TPMT c.460G>A not detected, c.719A>G not detected", "*2 may be there"),
        ("TPMT *2, *3A not detected", "*3B, *3C may be there"),
        # of which gene it is can't be told
        ("TPMT *1 / NUDT15 *3", "names two genes side by side"),
        ("TPMT *1/NUDT15*1", "names two genes side by side"),
        ("TPMT normal; NUDT15 normal. *3A heterozygous", "'*3A heterozygous' belongs to no gene"),
        ("TPMT *1/*1; NUDT15 *1/*1. *2 heterozygous", "'*2 heterozygous' belongs to no gene"),
        ("TPMT *1/*1; NUDT15 *1/*1. rs1142345: C/C", "'rs1142345: C/C' is not understood"),
        ("TPMT wildtype, NUDT15 wildtype, G460A positive", "belongs to no gene"),
        ("TPMT or NUDT15 normal", "'or' belongs to no gene"),
        # words and signs that nobody knows
        ("TPMT *1/*1 purple", "'purple' is not understood"),
        ("TPMT *1/*1. Great-aunt's result.", "another person"),
        ("☐ TPMT *1/*1 ☒ TPMT *1/*3A", "'☒' is not understood"),
        ("Poor metabolizer. TPMT *1/*1", "'Poor metabolizer' belongs to no gene"),
        # what can't be told
        ("TPMT *1/*99", "*99 is no allele of TPMT"),
        ("TPMT *1x2/*1", "how often *1 was found"),
        ("TPMT *3A", "how often *3A was found"),
        ("TPMT *3A detected", "how often *3A was found"),
        ("TPMT variant detected", "not which one"),
        ("TPMT *1/*1 *1/*3A", "several pairs of alleles"),
        ("TPMT *1/*1 abnormal", "a change is named beside a normal result"),
        ("TPMT *1/*1, mutation detected", "a change is named beside a normal result"),
        ("TPMT normal, variant found", "a change is named beside a normal result"),
        ("Expected: TPMT *1/*1", "'Expected' asks for a result"),
        ("TPMT reference *1/*1", "'reference' names what would be normal"),
        ("TPMT *1/*1, *3A detected", "*3A does not fit *1/*1"),
        ("TPMT *1/*1, c.719A>G het", "does not fit"),
        ("TPMT homozygous", "homozygous is said"),
        ("TPMT *3A and *3C heterozygous", "which two alleles"),
        ("TPMT negative for *3A, positive for *3C", "how often *3C was found"),
        ("TPMT no variant heterozygous", "denied and named at once"),
        ("TPMT whole gene deletion heterozygous", "a change of the whole gene"),
        ("TPMT *1/*1, copy number 2", "number of copies"),
        ("NUDT15 c.415C>T", "how often c.415C>T was found"),
        ("NUDT15 c.415C>T not detected, c.52G>A het not found", "two different things"),
        ("NUDT15 c.415C>T AG", "don't fit"),
        ("NUDT15 rs1142345 het", "no variant of NUDT15"),
        ("NUDT15 rs746071566 het", "no variant of NUDT15"),
        ("NUDT15 c.999A>G het", "no variant of NUDT15"),
        ("TPMT NM_018283.4:c.415C>T het", "no variant of TPMT"),
        ("NUDT15 NC_000013.10:g.48045719C>T het", "no variant of NUDT15"),
        ("TPMT rs1800462 C/C", "more than one reading fits"),
        ("TPMT rs1800462 C/C, rs1800460 C/C, rs1142345 T/T", "more than one reading fits"),
        ("NUDT15 Arg/Thr", "no pair of amino acids"),
    ],
)
def test_what_is_unclear_is_a_question_that_names_what_stands_there(text: str, why: str) -> None:
    said = read_report(text, KNOWLEDGE)
    assert {one.phenotype for one in said.genes.values()} == {UNTOLD}
    assert {one.diplotypes for one in said.genes.values()} == {()}
    assert why in " ".join(note for one in said.genes.values() for note in one.notes)
    assert said.unread != ()


@pytest.mark.parametrize(
    ("text", "phenotype"),
    [
        ("TPMT *1/*3A; TPMT previously *1/*1", IM),
        ("TPMT *1/*3A; TPMT previously *3A/*3A", UNTOLD),
        ("TPMT *3A/*3A; TPMT previously *1/*1", PM),
        ("TPMT *1/*3A; TPMT homozygous", UNTOLD),
        ("TPMT *3A/*3A; NUDT15 *1/*1 (mother)", PM),
    ],
)
def test_a_question_never_makes_a_result_look_stronger(text: str, phenotype: str) -> None:
    assert read_report(text, KNOWLEDGE).genes["TPMT"].phenotype == phenotype


def test_a_denial_moves_with_the_word_that_it_denies() -> None:
    said = read_report("TPMT *1/*3A, not deficient NUDT15", KNOWLEDGE).genes
    assert (said["TPMT"].phenotype, said["NUDT15"].phenotype) == (IM, UNTOLD)


def test_what_stands_under_another_persons_heading_is_hers_alone() -> None:
    said = read_report("Mother: TPMT *3A/*3A. Patient: TPMT *1/*1", KNOWLEDGE)
    assert said.genes["TPMT"].phenotype == NM
    assert said.unread == ("Mother", "TPMT *3A/*3A")
    assert "another person" in " ".join(said.genes["TPMT"].notes)
    turned = read_report("Patient: TPMT *3A/*3A. Mother: TPMT *1/*1", KNOWLEDGE)
    assert turned.genes["TPMT"].phenotype == PM
    other = read_report("Mother: NUDT15 *1/*1. Patient: TPMT *1/*1", KNOWLEDGE)
    assert (other.genes["TPMT"].phenotype, other.genes["NUDT15"].phenotype) == (NM, UNTOLD)
    for heading in ("Patient's mother", "Mother of the patient", "Patient, not confirmed"):
        assert read_report(f"{heading}: TPMT *1/*1", KNOWLEDGE).genes["TPMT"].phenotype == UNTOLD


def test_a_gene_that_is_pending_leaves_the_other_as_it_is() -> None:
    said = read_report("TPMT *1/*1; NUDT15 pending", KNOWLEDGE)
    assert {gene: one.phenotype for gene, one in said.genes.items()} == {"TPMT": NM}
    assert said.unread == ("NUDT15 pending",)


def test_a_later_sentence_may_be_of_the_other_gene() -> None:
    said = read_report("TPMT normal; NUDT15 normal. Reduced activity.", KNOWLEDGE).genes
    assert {gene: one.phenotype for gene, one in said.items()} == {"TPMT": UNTOLD, "NUDT15": IM}
    own = read_report("NUDT15: *1/*3. Intermediate metabolizer. TPMT: *1/*1. Normal metabolizer.", KNOWLEDGE).genes
    assert {gene: one.phenotype for gene, one in own.items()} == {"NUDT15": IM, "TPMT": NM}
    listed = read_report("TPMT *1/*1. NUDT15: V18I not detected. R139C heterozygous.", KNOWLEDGE).genes
    assert {gene: one.phenotype for gene, one in listed.items()} == {"TPMT": NM, "NUDT15": IM}


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("TPMT *1/*1. Reported by the mother", ("mother",)),
        ("TPMT *1/*1. Reported by Smith, not final", ("not",)),
        ("TPMT *1/*1, date 12.03.2024 purple", ("purple",)),
        ("TPMT *1/*1 reported by A. B. C. D. E. F. G. H", ("G. H",)),
    ],
)
def test_a_signature_hides_nothing_that_bears_on_the_result(text: str, unread: tuple[str, ...]) -> None:
    said = read_report(text, KNOWLEDGE)
    assert (said.genes["TPMT"].phenotype, said.unread) == (UNTOLD, unread)


def test_two_genes_in_one_sentence_and_words_of_neither() -> None:
    said = read_report("Patient seen. TPMT *1/*3A, NUDT15: normal\nTPMT activity 12 U/mL", KNOWLEDGE)
    assert {gene: one.phenotype for gene, one in said.genes.items()} == {"TPMT": IM, "NUDT15": NM}
    assert said.unread == ()
    assert said.activity is not None
    assert (said.activity.text, said.activity.unit) == ("12", "U/mL")
    moved = read_report("TPMT *1/*1, heterozygous for NUDT15*3", KNOWLEDGE)
    assert {gene: one.phenotype for gene, one in moved.genes.items()} == {"TPMT": NM, "NUDT15": IM}


@pytest.mark.parametrize(
    ("text", "tpmt", "nudt15"),
    [
        ("Low TPMT activity and normal NUDT15", IM, NM),
        ("TPMT normal and deficient NUDT15", NM, PM),
        ("TPMT *1/*1, deficient NUDT15", NM, PM),
        ("Deficient TPMT, normal NUDT15", PM, NM),
        ("TPMT heterozygous and NUDT15 wild type", IM, NM),
        ("The patient is heterozygous for TPMT *3A and homozygous for NUDT15 *1", IM, NM),
        ("TPMT: Normal. NUDT15: Normal.", NM, NM),
    ],
)
def test_words_before_a_gene_are_said_of_it(text: str, tpmt: str, nudt15: str) -> None:
    said = read_report(text, KNOWLEDGE).genes
    assert (said["TPMT"].phenotype, said["NUDT15"].phenotype) == (tpmt, nudt15)


@pytest.mark.parametrize(
    ("text", "phenotype", "unread"),
    [
        ("CYP2D6 *1/*4; TPMT *1/*1", NM, ("CYP2D6 *1/*4",)),
        ("TPMT *1/*1; CYP2C19 *2/*2", NM, ("CYP2C19 *2/*2",)),
        ("TPMT *1/*1; CYP2D6 *1/*4 (mother)", UNTOLD, ("CYP2D6 *1/*4 (mother)",)),
        ("CYP2D6 *1/*4 (mother); TPMT *1/*3A", UNTOLD, ("CYP2D6 *1/*4 (mother)",)),
        ("CYP2D6 requested, TPMT *1/*1", UNTOLD, ("CYP2D6 requested",)),
    ],
)
def test_another_genes_result_is_set_aside_and_its_people_are_heeded(
    text: str, phenotype: str, unread: tuple[str, ...]
) -> None:
    said = read_report(text, KNOWLEDGE)
    assert (said.genes["TPMT"].phenotype, said.unread) == (phenotype, unread)


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("TPMT activity 12,4 U/ml", "12.4", "U/ml"),
        ("TPMT-Aktivität 12,4 U/ml", "12.4", "U/ml"),
        ("TPMT activity 12.4 U/mL (reference 24.0-44.0 U/mL)", "12.4", "U/mL"),
        ("TPMT activity: low 35 mU/L (normal 68-150)", "35", "mU/L"),
        ("TPMT activity <5 mU/L", "<5", "mU/L"),
        ("TPMT Activity: 31.2 U/mL. Normal.", "31.2", "U/mL"),
        ("TPMT activity 12", "12", None),
        # What is weak counts beside a question.
        ("TPMT *3A; TPMT activity 4 U/mL", "4", "U/mL"),
    ],
)
def test_an_activity_is_read_with_its_unit(text: str, number: str, unit: str | None) -> None:
    activity = read_report(text, KNOWLEDGE).activity
    assert activity is not None
    assert (activity.text, activity.unit) == (number, unit)


@pytest.mark.parametrize(
    "text",
    [
        "TPMT activity 30 U/mL (mother)",
        "Mother: TPMT activity 30 U/mL",
        "TPMT activity 30 U/mL?",
        "TPMT *3A; TPMT activity 30 U/mL",
        "TPMT activity 30 U/mL, TPMT activity 12 U/mL",
        "NUDT15 30 U/mL",
        "TPMT *1/*1, azathioprine 150 mg/day",
    ],
)
def test_an_activity_that_is_in_question_is_not_used(text: str) -> None:
    assert read_report(text, KNOWLEDGE).activity is None


def test_a_contradiction_goes_to_the_weaker_enzyme_and_is_said() -> None:
    said = read_report("TPMT *1/*3A normal metabolizer", KNOWLEDGE).genes["TPMT"]
    assert said.phenotype == IM
    assert any("weaker" in note for note in said.notes)
    words = read_report("TPMT normal, deficient", KNOWLEDGE).genes["TPMT"]
    assert words.phenotype == PM
    assert any("weaker" in note for note in words.notes)
    twice = read_report("TPMT normal; TPMT *3A/*3C", KNOWLEDGE).genes["TPMT"]
    assert twice.phenotype == PM
    assert any("twice" in note for note in twice.notes)


def test_a_report_of_a_few_variants_says_that_others_may_not_have_been_looked_for() -> None:
    for text in (
        "TPMT *2, *3A, *3C not detected",
        "NUDT15 c.415C>T het",
        "TPMT *3A heterozygous",
        "TPMT no variants found",
    ):
        (one,) = read_report(text, KNOWLEDGE).genes.values()
        assert any("may not have been" in note for note in one.notes), text


def test_low_alone_may_mean_deficient_and_is_asked_about() -> None:
    (low,) = read_report("TPMT low activity", KNOWLEDGE).genes.values()
    assert any("ask which is meant" in note for note in low.notes)
    (settled,) = read_report("TPMT *1/*3A, low activity", KNOWLEDGE).genes.values()
    assert settled.notes == ()


def test_an_allele_that_may_be_several_is_asked_about() -> None:
    notes = " ".join(read_report("TPMT *1/*3", KNOWLEDGE).genes["TPMT"].notes)
    assert "*1/*3 of TPMT doesn't say which alleles are meant (*1/*3A, *1/*3B, *1/*3C)" in notes


@given(st.text(max_size=60), st.sampled_from(["TPMT ", "NUDT15 ", "TPMT *1/*3A ", ""]))
def test_no_text_breaks_it_and_every_phenotype_is_one_of_ours(text: str, start: str) -> None:
    said = read_report(start + text, KNOWLEDGE)
    for one in said.genes.values():
        assert one.phenotype in ORDER
        # An intermediate pair of alleles is never talked up by the words behind it.
        if "*1/*3A" in one.diplotypes:
            assert ORDER.index(one.phenotype) <= ORDER.index(IM)


NORMAL_RESULTS = [
    "TPMT *1/*1",
    "TPMT *1/*1; NUDT15 *1/*1",
    "TPMT genotype : wild type , NUDT15 genotype : normal metabolizer",
    "TPMT and NUDT15 normal",
    "TPMT homozygous wild type",
    "TPMT c.238G>C not detected , c.460G>A not detected , c.719A>G not detected",
    "TPMT c.238G>C G/G , rs1800460 C/C , rs1142345 T/T",
    "NUDT15 c.415C>T C/C",
    "NUDT15 no variants detected",
    "Genotyp TPMT : *1/*1 Wildtyp",
    "TPMT homozygote sauvage",
]
WORDS = [(row.meaning, word.rstrip("*")) for row in KNOWLEDGE.tables["result_words"] for word in split(row.words)]
BLOCKING = sorted({word for meaning, word in WORDS if meaning in BLOCKERS})
DENYING = {word for meaning, word in WORDS if meaning in ("none of", "denies", "doubt")}


@given(
    st.sampled_from(NORMAL_RESULTS), st.sampled_from(BLOCKING), st.integers(0, 12), st.sampled_from(["", ":", ",", ")"])
)
def test_a_word_that_blocks_leaves_nothing_normal_wherever_it_stands(
    result: str, blocker: str, place: int, mark: str
) -> None:
    words = result.split()
    if blocker in DENYING and {"variants", "not"} & set(words):
        # "No variants detected", "not *1 detected": in front of these, a denial may make the same sense as they do.
        place = len(words)
    said = read_report(" ".join([*words[:place], blocker + mark, *words[place:]]), KNOWLEDGE)
    assert all(one.phenotype != NM for one in said.genes.values())
    assert said.unread != ()


@given(
    st.sampled_from(NORMAL_RESULTS),
    st.text(st.sampled_from("bdfgjklmqvwxz"), min_size=4, max_size=9),
    st.integers(0, 12),
)
def test_words_that_nobody_knows_are_said_in_the_answer(result: str, word: str, place: int) -> None:
    words = result.split()
    said = read_report(" ".join([*words[:place], word, *words[place:]]), KNOWLEDGE)
    assert word in " ".join(said.unread)
    assert all(word in " ".join(one.notes) or one.phenotype != NM for one in said.genes.values())


def test_every_word_of_the_table_is_spelt_so_that_it_can_be_found() -> None:
    for row in KNOWLEDGE.tables["result_words"]:
        for word in split(row.words):
            assert words_of(word), word
            assert "*" not in word[1:-1], word
            assert folded(word).rstrip("*") == word.casefold().rstrip("*") or not word.isascii(), word
