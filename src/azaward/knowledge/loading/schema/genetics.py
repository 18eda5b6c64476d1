"""Alleles, phenotypes, the doses they call for, and what makes a test of gene or enzyme unreliable."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from azaward.knowledge.loading.schema.facts import Fact, Row
from azaward.terms import Action, Urgency


class Allele(Fact, frozen=True):
    gene: str
    allele: str
    function: str
    chrom: str
    pos_grch38: int | None
    rsid: str | None
    ref: str | None
    alt: str | None


class PhenotypeRule(Fact, frozen=True):
    """Two allele functions make a phenotype. A row that names the gene holds there instead of the row for any."""

    gene: Literal["any", "TPMT", "NUDT15"]
    function_1: str
    function_2: str
    phenotype: str


class AlleleClass(Fact, frozen=True):
    """What a body says of an allele's function where that differs from alleles.csv, or when it changed its mind."""

    gene: str
    allele: str
    body: Literal["CPIC", "DPWG"]
    function: str | None
    changed_on: dt.date | None


class Assembly(Fact, frozen=True):
    """A chromosome of one assembly: a file's header tells by its length, or by a name, which assembly it has."""

    assembly: Literal["GRCh38", "GRCh37"]
    names: str
    chrom: str
    length: int


class GenePosition(Fact, frozen=True):
    """One variant that defines an allele, on both assemblies, forward strand, left-aligned as in a VCF."""

    gene: str
    rsid: str | None
    rsid_synonyms: str | None
    chrom: str
    pos_grch38: int
    ref: str
    alt: str
    pos_grch37: int
    ref_grch37: str
    hgvs_g: str
    hgvs_c: str
    protein: str | None


class GeneSequence(Fact, frozen=True):
    """A stretch of the reference, forward strand, the same on both assemblies: to left-align without a FASTA."""

    gene: str
    chrom: str
    start_grch38: int
    start_grch37: int
    sequence: str
    note: str | None


class GeneExon(Fact, frozen=True):
    """The coding part of an exon, first and last base included; `coding_from` counts from the A of the start codon."""

    gene: str
    exon: int
    chrom: str
    strand: Literal["+", "-"]
    start_grch38: int
    end_grch38: int
    start_grch37: int
    end_grch37: int
    coding_from: int
    coding_to: int


class AlleleFrequency(Fact, frozen=True):
    """How common an allele is; `other` is all that have no row of their own in that group.

    `prior` marks the row that stands for its biogeographic group.
    """

    gene: str
    allele: str
    population: str
    group: str | None
    frequency: float
    bound: Literal["exact", "below"]
    n: int | None
    prior: bool


class PhenotypeFrequency(Fact, frozen=True):
    """How common a phenotype is, as published: compared with what the allele frequencies let expect."""

    gene: str
    phenotype: str
    population: str
    group: str | None
    frequency: float
    n: int | None


class AncestryGroup(Row, frozen=True):
    """CPIC's biogeographic groups and the words and codes that mean them."""

    group: str
    synonyms: str | None


class GenotypeDose(Fact, frozen=True):
    id: str
    body: Literal["CPIC", "DPWG", "FDA"]
    drug: Literal["azathioprine", "mercaptopurine", "tioguanine"]
    condition: Literal["any", "malignant", "non_malignant"]
    tpmt: str
    nudt15: str
    action: Action
    urgency: Urgency
    fraction_low: float | None
    fraction_high: float | None
    applies_from_mg_per_kg: float | None
    wait_weeks_low: float | None
    wait_weeks_high: float | None
    says: str
    says_patient: str


class EnzymePitfall(Fact, frozen=True):
    id: str
    kind: Literal["transfusion", "medicine", "condition", "age", "treatment"]
    code: str
    days_before: float | None
    effect: Literal["falsely-high", "falsely-low", "unreliable"]
    says: str


class Discordance(Fact, frozen=True):
    id: str
    genotype_phenotype: str
    activity_phenotype: str
    action: Action
    says: str


TABLES: dict[str, type[Row]] = {
    "alleles": Allele,
    "phenotype_rules": PhenotypeRule,
    "allele_classes": AlleleClass,
    "assemblies": Assembly,
    "gene_positions": GenePosition,
    "gene_sequences": GeneSequence,
    "gene_exons": GeneExon,
    "allele_frequencies": AlleleFrequency,
    "phenotype_frequencies": PhenotypeFrequency,
    "ancestry_groups": AncestryGroup,
    "genotype_doses": GenotypeDose,
    "enzyme_pitfalls": EnzymePitfall,
    "discordance": Discordance,
}
