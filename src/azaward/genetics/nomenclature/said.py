"""What a report was found to say: the shapes that the reader of a laboratory's words answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ReportedGene:
    """What a report says of one gene: its diplotypes (several where it can't tell them apart) and phenotype.

    A result that can't be used has no diplotype and is Indeterminate; `notes` say what stands there and why. `is_asked`
    says so, and `asked` what the weakest of these words would mean if nothing kept them from counting (None where that
    can't be told).
    """

    gene: str
    text: str
    diplotypes: tuple[str, ...]
    phenotype: str
    notes: tuple[str, ...]
    is_asked: bool = False
    asked: str | None = None


@dataclass(frozen=True)
class ReportedActivity:
    """A TPMT activity that a report gives, with its unit where it gives one."""

    text: str
    unit: str | None


@dataclass(frozen=True)
class Reported:
    """Everything that was understood of a report, and `unread`, what was not or could not be used, as it came."""

    genes: Mapping[str, ReportedGene]
    activity: ReportedActivity | None
    unread: tuple[str, ...]
