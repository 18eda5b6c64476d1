"""What the guides tell people in numbers: single facts, side effects by how often they come, and head-to-head trials.

The words of the guides stand in `azaward/guides/texts/`; these tables hold what those words refer to.
"""

from __future__ import annotations

from typing import Literal

from azaward.knowledge.loading.schema.columns import IndicationId, Own, Prose, TrialId
from azaward.knowledge.loading.schema.facts import Fact, Row, UnitCode

# Their words for people stand in `azaward/guides/texts/`.
TrialOutcome = Literal[
    "died_or_new_heart",
    "flare",
    "healed",
    "kidney_scarring",
    "low_cells_all",
    "low_cells_carriers",
    "mild_or_clear",
    "rejection",
    "relapse",
    "remission",
    "serious_event",
    "severe_effect",
    "steroid_free",
    "still_on",
    "stopped",
    "stopped_or_died",
]
Arm = Literal[
    "azathioprine",
    "ciclosporin",
    "gene_guided",
    "infliximab",
    "infliximab_azathioprine",
    "mesalazine",
    "methotrexate",
    "mycophenolate",
    "rituximab",
    "tacrolimus",
    "usual_dose",
]


class GuideFact(Fact, frozen=True):
    """One number (or a range, or none where words are what is cited) and what it means.

    `unit` is a UCUM code or a share such as `/100` (so many of 100 people).
    """

    id: Own
    value: float | None
    high: float | None
    unit: UnitCode | None
    meaning: Prose


class SideEffect(Fact, frozen=True):
    """How often a label says that an effect comes: a share of people from `low` up to `high`."""

    id: Own
    effect: Prose
    serious: bool
    low: float | None
    high: float | None


class Trial(Fact, frozen=True):
    """A trial that compared azathioprine with something else."""

    id: Own
    name: Own
    indication: IndicationId
    year: int
    lasted: float | None
    unit: UnitCode | None


class TrialArm(Fact, frozen=True):
    """Of `n` people in an arm, `events` had the outcome; `printed_percent` is what the trial itself printed."""

    trial: TrialId
    outcome: TrialOutcome
    good: bool
    arm: Arm
    n: int
    events: int
    printed_percent: float | None


TABLES: dict[str, type[Row]] = {
    "guide_facts": GuideFact,
    "side_effects": SideEffect,
    "trials": Trial,
    "trial_arms": TrialArm,
}
