"""Alleles, phenotypes, the doses they call for, and what makes a test of gene or enzyme unreliable."""

from __future__ import annotations

from typing import Literal

from azaward.knowledge.schema.facts import Action, Fact, Row, Urgency


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
    function_1: str
    function_2: str
    phenotype: str


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
    "genotype_doses": GenotypeDose,
    "enzyme_pitfalls": EnzymePitfall,
    "discordance": Discordance,
}
