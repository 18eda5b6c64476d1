"""What the guides tell people in numbers: single facts, side effects by how often they come, and head-to-head trials.

The words of the guides stand in `azaward/guides/texts/`; these tables hold what those words refer to.
"""

from __future__ import annotations

from azaward.knowledge.loading.schema.facts import Fact, Row


class GuideFact(Fact, frozen=True):
    """One number (or a range, or none where words are what is cited) and what it means.

    `unit` is a UCUM code or a share such as `/100` (so many of 100 people).
    """

    id: str
    value: float | None
    high: float | None
    unit: str | None
    meaning: str


class SideEffect(Fact, frozen=True):
    """How often a label says that an effect comes: a share of people from `low` up to `high`."""

    id: str
    effect: str
    serious: bool
    low: float | None
    high: float | None


class Trial(Fact, frozen=True):
    """A trial that compared azathioprine with something else."""

    id: str
    name: str
    indication: str
    year: int
    lasted: float | None
    unit: str | None


class TrialArm(Fact, frozen=True):
    """Of `n` people in an arm, `events` had the outcome; `printed_percent` is what the trial itself printed."""

    trial: str
    outcome: str
    good: bool
    arm: str
    n: int
    events: int
    printed_percent: float | None


TABLES: dict[str, type[Row]] = {
    "guide_facts": GuideFact,
    "side_effects": SideEffect,
    "trials": Trial,
    "trial_arms": TrialArm,
}
