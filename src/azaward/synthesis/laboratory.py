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
from typing import NamedTuple

from azaward.knowledge import load
from azaward.synthesis.care import Care, Ranges, Scale

HERE = Path(__file__).parent
# White cells and neutrophils go up and down together, since most white cells are neutrophils.
TOGETHER = 0.6
MOST_NEUTROPHILS = 0.85
TRIES = 12
# How far inside a limit a usual level lies, and how far inside a single value stays once it is rounded.
COMFORT = 1.15
ROUNDING = 1.01


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
    known = {row.analyte: row for row in load().tables["biological_variation"] if row.population == "healthy"}

    def level(row: dict[str, str]) -> Level:
        variation = known.get(row["analyte"])
        between = float(row["between_percent"]) if row["between_percent"] else variation.cv_between_percent
        within = (
            float(row["within_percent"])
            if row["within_percent"]
            else math.hypot(variation.cv_within_percent, variation.cv_analytical_percent or 0)
        )
        return Level(float(row["female"]), float(row["male"]), between / 100, within / 100)

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
    metabolite = Scale(load().analytes["tgn"].unit, 1.0, 0, -math.inf, math.inf, None, None)
    return own | {
        "tpmt_activity": Scale(band.unit, 1.0, 0, band.low, band.high, band.low, band.high),
        "tgn": metabolite,
        "mmp": metabolite,
    }


def usual(rng: Random, care: Care, sex: str, within: Ranges) -> dict[str, float]:
    """A person's own level of each analyte, comfortably inside the limits of their protocol."""
    bounds = care.bounds(within)
    found: dict[str, float] = {}
    for analyte, level in levels().items():
        middle = level.male if sex == "male" else level.female
        low, high = bounds.get(analyte, (0.0, math.inf))
        value = middle
        for _ in range(TRIES):
            value = middle * math.exp(level.between * rng.gauss(0, 1))
            if low * COMFORT <= value <= high / COMFORT:
                break
        found[analyte] = min(max(value, low * COMFORT), high / COMFORT)
    found["neutrophils"] = min(found["neutrophils"], found["wbc"] * 0.68)
    return found


def panel(rng: Random, usually: Mapping[str, float], care: Care, bounds: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """One blood test of a person who is well: noise around their own level, inside the limits."""
    shared = rng.gauss(0, 1)
    values: dict[str, float] = {}
    for analyte, level in levels().items():
        low, high = bounds.get(analyte, (0.0, math.inf))
        rise = care.rise_allowed(analyte)
        if rise < math.inf:
            # Two values of one person may not lie further apart than the protocol allows a rise to be.
            half = math.sqrt(rise) / ROUNDING / ROUNDING
            low, high = max(low, usually[analyte] / half), min(high, usually[analyte] * half)
        low, high = low * ROUNDING, high / ROUNDING
        if analyte == "neutrophils":
            high = min(high, values["wbc"] * MOST_NEUTROPHILS)
        value = usually[analyte]
        for _ in range(TRIES):
            own = rng.gauss(0, 1)
            if analyte in ("wbc", "neutrophils"):
                own = TOGETHER * shared + math.sqrt(1 - TOGETHER**2) * own
            value = usually[analyte] * math.exp(level.within * own)
            if low <= value <= high:
                break
        values[analyte] = min(max(value, low), high)
    return values
