"""The shape of every file in this folder: one class a table, one field a column.

A fact ends with where it was read. `ACTIONS` and `URGENCIES` are in order, most cautious first.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal, get_args

import msgspec

Action = Literal[
    "stop", "withhold", "do-not-start", "reduce", "avoid", "refer", "change", "test", "review", "continue", "inform"
]
Urgency = Literal["emergency", "same-day", "this-week", "routine", "info"]
How = Literal["read", "secondary"]
Comparison = Literal["below", "at-most", "above", "at-least"]
RelativeTo = Literal[
    "absolute",
    "upper-limit-of-normal",
    "lower-limit-of-normal",
    "baseline-rise-percent",
    "baseline-fall-percent",
    "previous-fall-percent",
]
ACTIONS: tuple[str, ...] = get_args(Action)
URGENCIES: tuple[str, ...] = get_args(Urgency)


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of a table."""


class Fact(Row, frozen=True):
    """A line that says something clinical, and where it was read."""

    source: str
    locator: str
    how: How
    checked_on: dt.date


class Source(Row, frozen=True):
    id: str
    title: str
    publisher: str
    published_on: str
    identifier: str


class Analyte(Fact, frozen=True):
    id: str
    name: str
    plain_name: str
    panel: str | None
    unit: str | None
    loinc: str | None
    synonyms: str | None
    plausible_low: float | None
    plausible_high: float | None
    molar_mass: float | None
    worse: Literal["low", "high", "both"] | None
    plain_meaning: str


class Unit(Fact, frozen=True):
    written: str
    ucum: str


class Conversion(Row, frozen=True):
    """Made by scripts/conversions.py from the UCUM library; a test holds the two together."""

    analyte: str
    written: str
    factor: float
    offset: float


class Test(Fact, frozen=True):
    test: str
    name: str
    plain_name: str
    slot: str
    satisfied_by: Literal["analyte", "genotype", "event"]
    code: str
    why_plain: str


class BiologicalVariation(Fact, frozen=True):
    analyte: str
    population: str
    cv_within_percent: float
    cv_between_percent: float | None
    cv_analytical_percent: float | None


class Indication(Fact, frozen=True):
    id: str
    name: str
    plain_name: str
    family: str
    malignant: bool
    icd10: str | None
    snomed: str | None
    synonyms: str | None
    protocol: str | None


class Metabolites(Fact, frozen=True):
    protocol: str
    pattern: Literal["not_taking", "under_dosed", "shunting", "therapeutic", "over_dosed"]
    tgn_low: float | None
    tgn_high: float | None
    mmp_low: float | None
    mmp_high: float | None
    ratio_low: float | None
    ratio_high: float | None
    action: Action
    urgency: Urgency
    meaning: str
    says: str


class PhenotypeRule(Fact, frozen=True):
    function_1: str
    function_2: str
    phenotype: str


class Allele(Fact, frozen=True):
    gene: str
    allele: str
    function: str
    chrom: str
    pos_grch38: int | None
    rsid: str | None
    ref: str | None
    alt: str | None


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


class EnzymeBand(Fact, frozen=True):
    method: str
    unit: str
    category: Literal["deficient", "low", "intermediate", "normal", "high"]
    low: float | None
    high: float | None
    says: str


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


class Medicine(Fact, frozen=True):
    id: str
    name: str
    atc: str | None
    rxnorm: str | None
    classes: str | None


class MedicineName(Fact, frozen=True):
    name: str
    ingredients: str
    kind: Literal["ingredient", "brand", "synonym"]


class Interaction(Fact, frozen=True):
    id: str
    drug: str
    with_: str = msgspec.field(name="with")
    with_kind: Literal["ingredient", "class", "event"]
    mechanism: str
    effect: str
    evidence: Literal["established", "probable", "theoretical"]
    action: Action
    urgency: Urgency
    dose_fraction_low: float | None
    dose_fraction_high: float | None
    test: str | None
    test_every_days: float | None
    lasts_days_after: float | None
    says: str
    says_patient: str


class Parameter(Fact, frozen=True):
    id: str
    value: float
    unit: str | None
    meaning: str


class Onset(Fact, frozen=True):
    indication: str
    weeks_low: float
    weeks_high: float
    says_patient: str


class Risk(Fact, frozen=True):
    id: str
    outcome: str
    population: str
    exposure: str
    rate_exposed: float | None
    rate_unexposed: float | None
    per: float | None
    unit: str | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    age_low: float | None
    age_high: float | None
    says_patient: str


class Event(Fact, frozen=True):
    kind: str
    code: str
    synonyms: str | None
    codings: str | None
    classes: str | None


class ChildDose(Fact, frozen=True):
    indication: str
    age_low: float | None
    age_high: float | None
    start_mg_per_kg: float | None
    low_mg_per_kg: float | None
    high_mg_per_kg: float | None
    max_mg_per_day: float | None
    says: str


# The lists inside a protocol's file. Their rows become tables with the protocol's id in front.
class Baseline(Fact, frozen=True):
    test: str
    required: bool
    within_days: float | None = None
    specialty: str = "any"
    note: str | None = None


class Schedule(Fact, frozen=True):
    tests: list[str]
    since: Literal["start", "dose_increase", "risk"]
    phase: str
    from_day: int
    until_day: int | None
    every_days: int
    specialty: str = "any"
    note: str | None = None


class Limit(Fact, frozen=True):
    analyte: str
    comparison: Comparison
    value: float
    relative_to: RelativeTo
    action: Action
    urgency: Urgency
    within_days: float | None = None
    specialty: str = "any"
    note: str | None = None


class Dose(Fact, frozen=True):
    indication: str
    population: str
    drug: str = "azathioprine"
    start_mg_per_kg: float | None = None
    start_mg_per_day: float | None = None
    target_mg_per_kg: tuple[float, float] | None = None
    target_mg_per_day: tuple[float, float] | None = None
    max_mg_per_kg: float | None = None
    max_mg_per_day: float | None = None
    step_mg_per_kg: float | None = None
    step_every_days: int | None = None
    note: str | None = None


class Symptom(Fact, frozen=True):
    symptom: str
    action: Action
    urgency: Urgency
    test: str | None = None
    specialty: str = "any"
    note: str | None = None


PROTOCOL_LISTS: dict[str, type[Fact]] = {
    "baseline": Baseline,
    "schedule": Schedule,
    "limits": Limit,
    "doses": Dose,
    "symptoms": Symptom,
}

TABLES: dict[str, type[Row]] = {
    "sources": Source,
    "analytes": Analyte,
    "units": Unit,
    "conversions": Conversion,
    "tests": Test,
    "biological_variation": BiologicalVariation,
    "indications": Indication,
    "metabolites": Metabolites,
    "phenotype_rules": PhenotypeRule,
    "alleles": Allele,
    "genotype_doses": GenotypeDose,
    "enzyme_activity": EnzymeBand,
    "enzyme_pitfalls": EnzymePitfall,
    "discordance": Discordance,
    "medicines": Medicine,
    "medicine_names": MedicineName,
    "interactions": Interaction,
    "parameters": Parameter,
    "onset": Onset,
    "risks": Risk,
    "events": Event,
    "children_doses": ChildDose,
}
