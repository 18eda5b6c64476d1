"""Alleles, phenotypes, the doses they call for, and what makes a test of gene or enzyme unreliable."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from azaward.knowledge.loading.schema.columns import AlleleName, AlleleOrOther, AncestryGroupId, Closed, Own, Prose
from azaward.knowledge.loading.schema.facts import Fact, Row, Thiopurine
from azaward.terms import Action, Urgency

Gene = Literal["TPMT", "NUDT15"]
Chromosome = Literal["chr6", "chr13"]
Function = Literal["Normal function", "Decreased function", "No function", "Uncertain function", "Unknown function"]
Phenotype = Literal[
    "Normal Metabolizer",
    "Intermediate Metabolizer",
    "Poor Metabolizer",
    "Possible Intermediate Metabolizer",
    "Indeterminate",
]
PhenotypeOrAny = Literal["any", Phenotype]
# Words of genotype_doses.csv for whom a row holds, beside one phenotype: both kinds of intermediate, and a gene that
# nobody has looked at.
EITHER_INTERMEDIATE = "Intermediate or Possible Intermediate Metabolizer"
INTERMEDIATE: tuple[Phenotype, ...] = ("Intermediate Metabolizer", "Possible Intermediate Metabolizer")
NOT_TESTED = "not tested"
AdvisedPhenotype = Literal[PhenotypeOrAny, "Intermediate or Possible Intermediate Metabolizer", "not tested"]


class Allele(Fact, frozen=True):
    gene: Gene
    allele: Own
    function: Function
    chrom: Chromosome
    pos_grch38: int | None
    rsid: Annotated[str, Closed("rsid", by=("pos_grch38",))] | None
    ref: Annotated[str, Closed("reference base", by=("pos_grch38",))] | None
    alt: Annotated[str, Closed("changed base", by=("pos_grch38",))] | None


class PhenotypeRule(Fact, frozen=True):
    """Two allele functions make a phenotype. A row that names the gene holds there instead of the row for any."""

    gene: Literal["any", Gene]
    function_1: Function
    function_2: Function
    phenotype: Phenotype


class AlleleClass(Fact, frozen=True):
    """What a body says of an allele's function where that differs from alleles.csv, or when it changed its mind."""

    gene: Gene
    allele: AlleleName
    body: Literal["CPIC", "DPWG"]
    function: Function | None
    changed_on: dt.date | None


class AlleleChange(Fact, frozen=True):
    """What an earlier release said of an allele: an earlier report may rest on it.

    `before` is empty where that release doesn't name the allele, `changed_on` where the day isn't known.
    """

    gene: Gene
    allele: AlleleName
    field: Literal["function"]
    before: Function | None
    after: Function
    changed_on: dt.date | None


class Assembly(Fact, frozen=True):
    """A chromosome of one assembly: a file's header tells by its length, or by a name, which assembly it has."""

    assembly: Literal["GRCh38", "GRCh37"]
    names: Own
    chrom: Chromosome
    length: int


class GenePosition(Fact, frozen=True):
    """One variant that defines an allele, on both assemblies, forward strand, left-aligned as in a VCF."""

    gene: Gene
    rsid: Own | None
    rsid_synonyms: Own | None
    chrom: Chromosome
    pos_grch38: int
    ref: Own
    alt: Own
    pos_grch37: int
    ref_grch37: Own
    hgvs_g: Own
    hgvs_c: Own
    protein: Own | None


class GeneSequence(Fact, frozen=True):
    """A stretch of the reference, forward strand, the same on both assemblies: to left-align without a FASTA."""

    gene: Gene
    chrom: Chromosome
    start_grch38: int
    start_grch37: int
    sequence: Own
    note: Prose | None


class GeneExon(Fact, frozen=True):
    """The coding part of an exon, first and last base included; `coding_from` counts from the A of the start codon."""

    gene: Gene
    exon: int
    chrom: Chromosome
    strand: Literal["+", "-"]
    start_grch38: int
    end_grch38: int
    start_grch37: int
    end_grch37: int
    coding_from: int
    coding_to: int


class GeneTranscript(Fact, frozen=True):
    """The bases of a gene that are transcribed, first and last included: the coding ones and those around them."""

    gene: Gene
    start_grch38: int
    end_grch38: int


class Consequence(Fact, frozen=True):
    """What a change that no allele names is presumed to leave of the enzyme, by its Sequence Ontology term; nothing is
    presumed where there is no function."""

    term: Own
    function: Function | None
    says: Prose


class AlleleFrequency(Fact, frozen=True):
    """How common an allele is; `other` is all that have no row of their own in that group.

    `prior` marks the row that stands for its biogeographic group.
    """

    gene: Gene
    allele: AlleleOrOther
    population: Own
    group: AncestryGroupId | None
    frequency: float
    bound: Literal["exact", "below"]
    n: int | None
    prior: bool


class PhenotypeFrequency(Fact, frozen=True):
    """How common a phenotype is, as published: compared with what the allele frequencies let expect."""

    gene: Gene
    phenotype: Phenotype
    population: Own
    group: AncestryGroupId | None
    frequency: float
    n: int | None


class AncestryGroup(Row, frozen=True):
    """CPIC's biogeographic groups and the words and codes that mean them."""

    group: Own
    synonyms: Own | None


class GenotypeDose(Fact, frozen=True):
    id: Own
    body: Literal["CPIC", "DPWG", "FDA"]
    drug: Thiopurine
    condition: Literal["any", "malignant", "non_malignant"]
    tpmt: AdvisedPhenotype
    nudt15: AdvisedPhenotype
    action: Action
    urgency: Urgency
    fraction_low: float | None
    fraction_high: float | None
    applies_from_mg_per_kg: float | None
    wait_weeks_low: float | None
    wait_weeks_high: float | None
    days_per_week: float | None
    says: Prose
    says_patient: Prose


class EnzymePitfall(Fact, frozen=True):
    id: Own
    kind: Literal["transfusion", "medicine", "condition", "age", "treatment"]
    code: Annotated[str, Closed("pitfall", by=("kind",))]
    days_before: float | None
    effect: Literal["falsely-high", "falsely-low", "unreliable"]
    says: Prose


class Discordance(Fact, frozen=True):
    id: Own
    genotype_phenotype: PhenotypeOrAny
    activity_phenotype: PhenotypeOrAny
    action: Action
    says: Prose


class ResultWords(Fact, frozen=True):
    """What a word of a laboratory's sentence about a gene means; a star stands for any ending.

    `person`, `denies`, `none of`, `asked for`, `earlier`, `failed` and `doubt` keep a result from being used as the
    patient's; `filler` says nothing of it. The others name a gene, what was found or what it makes of the enzyme.
    """

    meaning: Literal[
        "person",
        "denies",
        "none of",
        "asked for",
        "earlier",
        "failed",
        "doubt",
        "patient",
        "filler",
        "or",
        "TPMT",
        "NUDT15",
        "sequence of TPMT",
        "sequence of NUDT15",
        "reference allele of TPMT",
        "other gene",
        "variation",
        "found",
        "not found",
        "absent",
        "wild type",
        "one copy",
        "heterozygous",
        "homozygous",
        "both changed",
        "compound",
        "changed",
        "structural",
        "strongly",
        "activity",
        "reference range",
        "signature",
        "forward strand",
        "reverse strand",
        "coding strand",
        Phenotype,
    ]
    language: Literal["any", "en", "de", "fr", "es", "it", "nl", "ja"]
    words: Own


TABLES: dict[str, type[Row]] = {
    "alleles": Allele,
    "phenotype_rules": PhenotypeRule,
    "allele_classes": AlleleClass,
    "allele_changes": AlleleChange,
    "assemblies": Assembly,
    "gene_positions": GenePosition,
    "gene_sequences": GeneSequence,
    "gene_exons": GeneExon,
    "gene_transcripts": GeneTranscript,
    "consequences": Consequence,
    "allele_frequencies": AlleleFrequency,
    "phenotype_frequencies": PhenotypeFrequency,
    "ancestry_groups": AncestryGroup,
    "genotype_doses": GenotypeDose,
    "enzyme_pitfalls": EnzymePitfall,
    "discordance": Discordance,
    "result_words": ResultWords,
}
