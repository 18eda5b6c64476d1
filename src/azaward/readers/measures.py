"""What the units of an analyte say about a result: the number among its words, and whether its range is one of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.units import convert
from azaward.readers.written import SHARE, amount_in
from azaward.terms import Action


class Written(NamedTuple):
    """A number in words, the sign before it, and the unit behind it where one is known there."""

    value: float
    comparator: str | None
    unit: str | None


class Measures:
    """Look-ups by analyte and unit, made once for a knowledge base.

    >>> from azaward.knowledge import load
    >>> measures(load()).range_fault("neutrophils", "10*9/L", 2000, 7500)
    "it is in a different unit from the value and isn't used. Correct the range."
    >>> measures(load()).range_fault("neutrophils", "10*9/L", 2, 7.5)
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._units: dict[str, dict[str, tuple[float, float]]] = {}
        for row in knowledge.tables["conversions"]:
            self._units.setdefault(row.analyte, {})[row.written] = (row.factor, row.offset)
        analytes = {row.id: row for row in knowledge.tables["analytes"]}
        # Of what nothing is withheld for, words are only words.
        self._limited = {row.analyte for row in knowledge.tables["floor"] if row.action == Action.WITHHOLD}
        self._worse: Mapping[str, str | None] = {name: row.worse for name, row in analytes.items()}
        self._highest = {name: row.plausible_high for name, row in analytes.items()}
        self._lowest = {name: row.plausible_low for name, row in analytes.items()}
        # Laboratories repeat their ranges.
        self.range_fault = lru_cache(maxsize=4096)(self._range_fault)
        self._convert = lru_cache(maxsize=4096)(_converted(knowledge))

    def written(self, analyte: str, text: str) -> Written | None:
        """The number in the words of a result, where treatment is withheld for a number of that analyte.

        Of several numbers it is the worst; of what one number may mean it is the highest that is possible in its unit.
        """
        if analyte not in self._limited:
            return None
        found = amount_in(text, lambda unit: unit in SHARE or self._factor(analyte, unit) is not None)
        if found is None:
            return None
        mildest = (self._mildest(analyte, each, found.unit) for each in found.numbers)
        value = max(mildest) if self._worse[analyte] == "high" else min(mildest)
        return Written(value, found.comparator, found.unit)

    def _mildest(self, analyte: str, readings: Sequence[float], unit: str | None) -> float:
        factor, offset = self._factor(analyte, unit or "") or (None, 0.0)
        least, most = self._lowest[analyte], self._highest[analyte]
        possible = [
            each
            for each in readings
            if factor is not None
            and (least is None or each * factor + offset >= least)
            and (most is None or each * factor + offset <= most)
        ]
        # Where high is worse, no laboratory gives three decimals of what could be thousands.
        return min(readings) if self._worse[analyte] == "high" and not possible else max(possible or readings)

    def _factor(self, analyte: str, unit: str) -> tuple[float, float] | None:
        """How a unit becomes the analyte's own; of words, only what is an amount of something can be a unit."""
        known = self._units.get(analyte, {}).get(unit)
        return known or (self._convert(analyte, unit) if "/" in unit else None)

    def possible(self, analyte: str, unit: str | None) -> tuple[float | None, float | None]:
        """The least and the most that an upper limit of normal can be in a unit; neither where that isn't known.

        >>> from azaward.knowledge import load
        >>> measures(load()).possible("neutrophils", "/uL")
        (0.0, 50000.0)
        """
        factor, offset = self._units.get(analyte, {}).get(unit or "", (None, 0.0))
        if factor is None:
            return None, None
        least, most = self._lowest[analyte], self._highest[analyte]
        return (
            (least - offset) / factor if least is not None else None,
            (most - offset) / factor if most is not None else None,
        )

    def _range_fault(self, analyte: str, unit: str | None, low: float | None, high: float | None) -> str | None:
        """Why a laboratory's range can't be used for a value in this unit."""
        if low is not None and high is not None and low > high:
            return "the lower limit of normal is above the upper one: neither is used. Correct the range."
        factor, offset = self._units.get(analyte, {}).get(unit or "", (None, 0.0))
        if factor is None:
            return None
        least, most = self._lowest[analyte], self._highest[analyte]
        ends = [each * factor + offset for each in (low, high) if each is not None]
        above = most is not None and any(end > most for end in ends)
        # A lower limit of nothing is one; an upper one below what is possible is of another unit.
        below = least is not None and high is not None and high * factor + offset < least
        return "it is in a different unit from the value and isn't used. Correct the range." if above or below else None


def _converted(knowledge: Knowledge) -> Callable[[str, str], tuple[float, float] | None]:
    return lambda analyte, unit: convert(analyte, unit, knowledge)


@lru_cache(maxsize=4)
def measures(knowledge: Knowledge) -> Measures:
    """The look-ups of a knowledge base, made once."""
    return Measures(knowledge)
