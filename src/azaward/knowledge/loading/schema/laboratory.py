"""What a laboratory measures, in which units, and what tests are made of."""

from __future__ import annotations

from typing import Literal

from azaward.knowledge.loading.schema.facts import Fact, Row
from azaward.terms import Action, Urgency


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


class EnzymeBand(Fact, frozen=True):
    method: str
    unit: str
    category: Literal["deficient", "low", "intermediate", "normal", "high"]
    low: float | None
    high: float | None
    says: str


Pattern = Literal["not_taking", "under_dosed", "shunting", "therapeutic", "over_dosed"]


class Metabolites(Fact, frozen=True):
    protocol: str
    pattern: Pattern
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


TABLES: dict[str, type[Row]] = {
    "analytes": Analyte,
    "units": Unit,
    "conversions": Conversion,
    "tests": Test,
    "biological_variation": BiologicalVariation,
    "enzyme_activity": EnzymeBand,
    "metabolites": Metabolites,
}
