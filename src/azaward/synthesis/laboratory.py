"""Blood results of a synthetic person: their own usual level, the noise around it, the laboratory's way of writing.

The noise is the within-person and analytical variation of biological_variation.csv. Usual levels and the
three laboratories (two British, one American) are invented and claim nothing.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from azaward.knowledge import load
from azaward.synthesis.care import Bounds, Care, Ranges, Scale

HERE = Path(__file__).parent
# White cells and neutrophils go up and down together, since most white cells are neutrophils.
TOGETHER = 0.6
APART = math.sqrt(1 - TOGETHER**2)
USUAL_NEUTROPHILS = 0.68
MOST_NEUTROPHILS = 0.85
TRIES = 12
# How far inside a limit a usual level lies, and how far inside a single value stays once it is rounded.
COMFORT = 1.15
ROUNDING = 1.01
ANYTHING = (0.0, math.inf)


class Level(NamedTuple):
    """How an analyte is spread between people and, from test to test, within one."""

    female: float
    male: float
    between: float
    within: float


def table(name: str) -> list[dict[str, str]]:
    """The lines of one of this package's own tables."""
    with (HERE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@lru_cache(maxsize=1)
def levels() -> Mapping[str, Level]:
    """The spread of every analyte that a panel holds."""
    known: dict[str, Any] = {
        row.analyte: row for row in load().tables["biological_variation"] if row.population == "healthy"
    }

    def level(row: dict[str, str]) -> Level:
        between, within = row["between_percent"], row["within_percent"]
        # Where the package's own table says nothing, the published variation holds.
        published = known[row["analyte"]] if not (between and within) else None
        if published is not None:
            between = between or published.cv_between_percent
            within = within or math.hypot(published.cv_within_percent, published.cv_analytical_percent or 0)
        return Level(float(row["female"]), float(row["male"]), float(between) / 100, float(within) / 100)

    return {row["analyte"]: level(row) for row in table("levels")}


@lru_cache(maxsize=1)
def laboratories() -> tuple[tuple[str, float], ...]:
    """Each laboratory and its share of the people."""
    return tuple({row["laboratory"]: float(row["share"]) for row in table("laboratories")}.items())


@lru_cache(maxsize=16)
def ranges(laboratory: str, sex: str) -> Ranges:
    """How a laboratory writes each analyte for one sex."""
    factors = {(row.analyte, row.written): row.factor for row in load().tables["conversions"]}

    def scale(row: dict[str, str]) -> Scale:
        factor = factors[row["analyte"], row["unit"]]
        low, high = (float(row[f"{end}_{sex}"]) if row[f"{end}_{sex}"] else None for end in ("low", "high"))
        return Scale(
            row["unit"],
            factor,
            int(row["decimals"]),
            low * factor if low is not None else -math.inf,
            high * factor if high is not None else math.inf,
            low,
            high,
        )

    own = {row["analyte"]: scale(row) for row in table("laboratories") if row["laboratory"] == laboratory}
    # Metabolites and the TPMT enzyme go to one reference laboratory.
    band = next(row for row in load().tables["enzyme_activity"] if row.unit == "mU/L" and row.category == "normal")
    metabolite = Scale(load().analytes["tgn"].unit or "", 1.0, 0, -math.inf, math.inf, None, None)
    return own | {
        "tpmt_activity": Scale(band.unit, 1.0, 0, band.low or 0.0, band.high or math.inf, band.low, band.high),
        "tgn": metabolite,
        "mmp": metabolite,
    }


def usual(rng: Random, sex: str, bounds: Bounds) -> dict[str, float]:
    """A person's own level of each analyte, comfortably inside the limits of their protocol."""
    drawn: dict[str, float] = {}
    for analyte, level in levels().items():
        middle = level.male if sex == "male" else level.female
        low, high = bounds.get(analyte, ANYTHING)
        value = middle
        for _ in range(TRIES):
            value = middle * math.exp(level.between * rng.gauss(0, 1))
            if low * COMFORT <= value <= high / COMFORT:
                break
        drawn[analyte] = min(max(value, low * COMFORT), high / COMFORT)
    drawn["neutrophils"] = min(drawn["neutrophils"], drawn["wbc"] * USUAL_NEUTROPHILS)
    return drawn


def room(usually: Mapping[str, float], care: Care, bounds: Bounds) -> Bounds:
    """For each analyte the values between which every test of a person stays who is well.

    No limit of the protocol is met, and no two values lie further apart than the protocol allows a rise to be.
    """
    ranges: dict[str, tuple[float, float]] = {}
    for analyte, level in usually.items():
        low, high = bounds.get(analyte, ANYTHING)
        half = math.sqrt(care.rise_allowed(analyte)) / ROUNDING
        ranges[analyte] = max(low, level / half) * ROUNDING, min(high, level * half) / ROUNDING
    return ranges


def panel(rng: Random, usually: Mapping[str, float], inside: Bounds) -> dict[str, float]:
    """One blood test of a person who is well: noise around their own level, inside the limits."""
    gauss, exp = rng.gauss, math.exp
    shared = gauss(0, 1)
    values: dict[str, float] = {}
    for analyte, level in levels().items():
        middle, within = usually[analyte], level.within
        low, high = inside[analyte]
        common, own = 0.0, 1.0
        if analyte == "wbc" or analyte == "neutrophils":
            common, own = TOGETHER * shared, APART
        if analyte == "neutrophils":
            high = min(high, values["wbc"] * MOST_NEUTROPHILS)
        value = middle
        for _ in range(TRIES):
            value = middle * exp(within * (common + own * gauss(0, 1)))
            if low <= value <= high:
                break
        values[analyte] = min(max(value, low), high)
    return values
