"""Benefit and risk over time: when a response may be expected, and what the long run brings."""

from __future__ import annotations

from typing import Literal

from azaward.knowledge.loading.schema.columns import IndicationOrAny, Own, Prose
from azaward.knowledge.loading.schema.facts import Fact, Row

Outcome = Literal[
    "any harm that ended treatment",
    "cervical cancer",
    "hepatosplenic T-cell lymphoma",
    "high-grade cervical dysplasia or cancer",
    "hypersensitivity that ended treatment",
    "leucopenia",
    "leucopenia that ended treatment",
    "liver harm that ended treatment",
    "low blood cells",
    "lymphoma",
    "moderate or severe relapse after stopping",
    "nodular regenerative hyperplasia",
    "non-melanoma skin cancer",
    "pancreatitis",
    "pancreatitis that ended treatment",
    "serious infection",
    "severe loss of blood cells",
    "stomach upset that ended treatment",
]
RiskExposure = Literal[
    "anti-TNF alone, against thiopurine alone",
    "any immunosuppression",
    "azathioprine or mercaptopurine",
    "azathioprine, 10 years",
    "azathioprine, 5 years",
    "everyone",
    "immunomodulator alone",
    "thiopurine",
    "thiopurine alone",
    "thiopurine in the past",
    "thiopurine now",
    "thiopurine stopped, 12 months",
    "thiopurine stopped, 24 months",
    "thiopurine with anti-TNF, against anti-TNF alone",
]


class Onset(Fact, frozen=True):
    indication: IndicationOrAny
    weeks_low: float
    weeks_high: float
    says_patient: Prose


class Risk(Fact, frozen=True):
    id: Own
    outcome: Outcome
    population: Prose
    exposure: RiskExposure
    rate_exposed: float | None
    rate_unexposed: float | None
    per: float | None
    unit: Literal["people", "patient-years", "person-years"] | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    age_low: float | None
    age_high: float | None
    says_patient: Prose


TABLES: dict[str, type[Row]] = {
    "onset": Onset,
    "risks": Risk,
}
