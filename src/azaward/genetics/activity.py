"""What does a measured TPMT activity say, and which of gene and enzyme decides where they differ?

The bands are those that laboratories print (enzyme_activity.csv): a value is read in the bands of its own unit
only, and where two laboratories share a unit and differ, the weaker reading counts. Weighed as the rules of a
record weigh it (rules/stages/genes.py): an activity never makes a genotype look stronger, but tells one that
the genotype could not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import msgspec

from azaward.genetics.dosing import INDETERMINATE, NORMAL, ORDER
from azaward.knowledge import Knowledge

_PHENOTYPE = {
    "deficient": "Poor Metabolizer",
    "low": "Intermediate Metabolizer",
    "intermediate": "Intermediate Metabolizer",
    "normal": "Normal Metabolizer",
    "high": "Normal Metabolizer",
}
_VALUE = re.compile(r"\s*(<=?|>=?)?\s*(\d+(?:\.\d+)?)\s*(\S.*)?", re.S)


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """The band of one laboratory into which a value falls."""

    method: str
    category: str
    phenotype: str
    says: str
    source: str
    locator: str
    how: str


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """A measured activity: as it was given, the phenotype it stands for, and why where it stands for none."""

    text: str
    phenotype: str | None
    bands: list[Band]
    why_not: str | None = None


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """The TPMT phenotype to dose by, and what is to be said where gene and enzyme differ."""

    phenotype: str | None
    says: list[str]
    sources: list[tuple[str, str, str]]


def read_activity(text: str, knowledge: Knowledge) -> Activity:
    """An activity such as "12 U/mL" in the bands of the laboratories that use its unit, or of the one it names.

    >>> from azaward.knowledge import load
    >>> read_activity("8 nmol/h/g Hb", load()).phenotype
    'Poor Metabolizer'
    >>> read_activity("8", load()).phenotype is None
    True
    >>> read_activity("12 U/mL", load()).phenotype, read_activity("12 U/mL Linkoping", load()).phenotype
    ('Poor Metabolizer', 'Normal Metabolizer')
    """
    match = _VALUE.fullmatch(text)
    rows = knowledge.tables["enzyme_activity"]
    units = ", ".join(dict.fromkeys(row.unit for row in rows))
    if match is None:
        return Activity(text=text, phenotype=None, bands=[], why_not=f"no number in it. Give it as 12 U/mL: {units}.")
    comparator, number, unit = match.groups()
    if not unit:
        why = f"no unit, and none is guessed. Known units of TPMT activity: {units}."
        return Activity(text=text, phenotype=None, bands=[], why_not=why)
    same = _bands_of(unit.split(), rows)
    if not same:
        why = f"no laboratory's bands are known for {unit!r}. Known units: {units}."
        return Activity(text=text, phenotype=None, bands=[], why_not=why)
    if comparator and comparator.startswith(">"):
        why = "only a lower bound is given, which cannot show that the activity is normal."
        return Activity(text=text, phenotype=None, bands=[], why_not=why)
    bands = [
        _band(float(number), comparator, list(own), method)
        for method, own in groupby(same, key=lambda row: str(row.method))
    ]
    weakest = min((band.phenotype for band in bands), key=ORDER.index)
    if comparator and weakest == NORMAL:
        why = "only an upper bound is given, which cannot show that the activity is normal."
        return Activity(text=text, phenotype=None, bands=[], why_not=why)
    return Activity(text=text, phenotype=weakest, bands=bands)


def _bands_of(words: list[str], rows: Sequence[Any]) -> list[Any]:
    """The bands of a unit; words after the unit choose the laboratory ("12 U/mL ARUP")."""
    for end in range(len(words), 0, -1):
        if same := [row for row in rows if _bare(row.unit) == _bare("".join(words[:end]))]:
            laboratory = " ".join(words[end:]).casefold()
            return [row for row in same if laboratory in row.method.casefold()]
    return []


def _bare(unit: str) -> str:
    return re.sub(r"[\s{}\[\]]", "", unit).casefold()


def _band(value: float, comparator: str | None, rows: list[Any], method: str) -> Band:
    """The highest band that the value reaches; below all of them it is at least intermediate."""

    def reached(row: Any) -> bool:
        return row.low is None or (value > row.low if comparator == "<" else value >= row.low)

    below = [row for row in rows if reached(row)]
    row = max(below, key=lambda band: float("-inf") if band.low is None else band.low, default=None)
    if row is None:
        row = min(rows, key=lambda band: band.low)
        return Band(
            method=method,
            category="low",
            phenotype=_PHENOTYPE["low"],
            says="Below the normal range of this method.",
            source=row.source,
            locator=row.locator,
            how=row.how,
        )
    return Band(
        method=method,
        category=row.category,
        phenotype=_PHENOTYPE[row.category],
        says=row.says,
        source=row.source,
        locator=row.locator,
        how=row.how,
    )


def weigh(
    genotype: str | None, activity: Activity | None, knowledge: Knowledge, presumed: str | None = None
) -> Weighed:
    """The TPMT phenotype to dose by.

    `presumed` is what an unnamed change is presumed to mean where the genotype can't be told. A presumption is no
    better known than a measurement, so of the two the weaker counts.

    >>> from azaward.knowledge import load
    >>> weigh("Intermediate Metabolizer", read_activity("30 U/mL", load()), load()).phenotype
    'Intermediate Metabolizer'
    """
    if activity is None or activity.phenotype is None:
        return Weighed(phenotype=presumed or genotype, says=[], sources=[])
    known = presumed or (None if genotype == INDETERMINATE else genotype)
    decided = min((one for one in (known, activity.phenotype) if one is not None), key=ORDER.index)
    rows = [row for row in knowledge.tables["discordance"] if _holds(row, genotype, activity.phenotype)]
    # The row for a genotype that can't be told asks for the activity; where it is measured, that has been done.
    asks = [row for row in rows if row.id == "indeterminate-any"]
    return Weighed(
        phenotype=decided,
        says=[
            *(_of_untold(presumed) for _ in asks),
            *(row.says for row in rows if row not in asks),
        ],
        sources=[(row.source, row.locator, row.how) for row in rows],
    )


def _holds(row: Any, genotype: str | None, activity: str) -> bool:
    # What holds in leukaemia alone is not said of everyone.
    if row.id.endswith("-leukaemia"):
        return False
    # To confirm an activity by the genotype asks for nothing where the genotype is known.
    unconfirmed = row.id == "deficient-misread" and activity == "Poor Metabolizer" and genotype in (None, INDETERMINATE)
    return (
        (row.genotype_phenotype, row.activity_phenotype) == (genotype, activity)
        or row.id == "nudt15-no-activity-test"
        or (row.id == "indeterminate-any" and genotype == INDETERMINATE)
        or unconfirmed
    )


def _of_untold(presumed: str | None) -> str:
    if presumed:
        return "The genotype doesn't settle TPMT: of what is presumed and what was measured, the weaker counts."
    return "The genotype doesn't settle TPMT; its measured activity decides here."
