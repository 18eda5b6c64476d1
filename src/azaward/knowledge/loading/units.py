"""What a written unit means, and how to bring a value to the analyte's canonical unit.

A unit that is not understood is never guessed: it has no conversion, and the value is set aside. The usual
ones stand in conversions.csv; others are asked of the UCUM library, which takes a second to load.
"""

from __future__ import annotations

import re
from collections.abc import Set
from functools import lru_cache
from typing import Any

from azaward.knowledge.loading.load import Knowledge
from azaward.record.tables import TABLES, Record

Conversion = tuple[str, str, float, float]
# A unit in front of which stands a number that is no power of ten: "107/L" has lost a raised figure.
_LOST_POWER = re.compile(r"(?!10*(?!\d))\d+(?![\d.*^])")
# "x10^9/", "10**9/", "E9/": the same power of ten.
_POWER = re.compile(r"[x×X*]?(?:10(?:\*\*|[*^]|[eE]\+?|(?=\())|[eE]\+?)\(?(\d{1,2})\)?/")
# A power that no unit has: the library would work out a number with as many digits.
_ABSURD_POWER = re.compile(r"[A-Za-z*^][+-]?\d{3}")
_LONGEST = 100
# Beyond these, two units of one analyte can't differ: a count is between one cell in a litre and 10*15.
_LEAST_FACTOR, _MOST_FACTOR = 1e-18, 1e18
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_RAISED = re.compile("(10)([⁰¹²³⁴-⁹]+)")
_ANALYTE = [column.name for column in TABLES["results"]].index("analyte")
_UNIT = [column.name for column in TABLES["results"]].index("unit")


def conversions_for(record: Record, knowledge: Knowledge) -> list[Conversion]:
    """Conversions that this record needs and conversions.csv doesn't have: (analyte, written, factor, offset)."""
    return conversions_of(
        {(str(row[_ANALYTE]), str(row[_UNIT])) for row in record.rows["results"] if row[_UNIT]}, knowledge
    )


def conversions_of(pairs: Set[tuple[str, str]], knowledge: Knowledge) -> list[Conversion]:
    """The same for pairs of an analyte and a written unit."""
    conversions: list[Conversion] = []
    for analyte, written in sorted(pairs - _shipped(knowledge)):
        if analyte in knowledge.analytes and (factor := convert(analyte, written, knowledge)):
            conversions.append((analyte, written, *factor))
    return conversions


@lru_cache(maxsize=4)
def _shipped(knowledge: Knowledge) -> frozenset[tuple[str, str]]:
    return frozenset((row.analyte, row.written) for row in knowledge.tables["conversions"])


def convert(analyte: str, written: str, knowledge: Knowledge) -> tuple[float, float] | None:
    """(factor, offset) so that canonical = value * factor + offset, or None where the unit doesn't fit.

    >>> from azaward.knowledge import load
    >>> convert("haemoglobin", "g/dL", load())
    (10.0, 0.0)
    >>> convert("wbc", "mmol/L", load()), convert("wbc", "107/L", load()), convert("wbc", "E3/mm³", load())
    (None, None, (1.0, 0.0))
    >>> convert("wbc", "10*999999/L", load()), convert("wbc", "10*-99/L", load())
    (None, None)
    """
    about = knowledge.analytes[analyte]
    if about.unit is None:
        return None
    written = written.strip()
    exact, folded = _ucum_names(knowledge)
    usual = _usual(written)
    ucum = (
        exact.get(written)
        or folded.get(written.casefold())
        or exact.get(usual)
        or folded.get(usual.casefold(), written)
    )
    if ucum == about.unit:
        return (1.0, 0.0)
    if len(ucum) > _LONGEST or _LOST_POWER.match(ucum) or _ABSURD_POWER.search(ucum):
        return None
    return _library(ucum, about.unit, about.molar_mass)


def _usual(written: str) -> str:
    """A unit in its usual spelling: a power of ten however it is raised, cubic millimetres, and litres with a large L.

    >>> _usual("x 10⁹ / l"), _usual("E+9/L"), _usual("G/l"), _usual("x10^3/mm³")
    ('10*9/L', '10*9/L', 'G/L', '10*3/mm3')
    """
    raised = _RAISED.sub(lambda found: found[1] + "^" + found[2].translate(_SUPERSCRIPTS), re.sub(r"\s+", "", written))
    close = raised.translate(_SUPERSCRIPTS)
    power = _POWER.match(close)
    usual = f"10*{power[1]}/{close[power.end() :]}" if power else close
    return re.sub(r"/l$", "/L", usual)


@lru_cache(maxsize=4)
def _ucum_names(knowledge: Knowledge) -> tuple[dict[str, str], dict[str, str]]:
    """Spellings as written, and those that mean one unit whatever their case ("G/L" and "g/L" don't)."""
    exact = {row.written: row.ucum for row in knowledge.tables["units"]}
    meanings: dict[str, set[str]] = {}
    for written, ucum in exact.items():
        meanings.setdefault(written.casefold(), set()).add(ucum)
    return exact, {written: ucums.pop() for written, ucums in meanings.items() if len(ucums) == 1}


@lru_cache(maxsize=1)
def _registry() -> Any:
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


@lru_cache(maxsize=4096)
def _library(given: str, wanted: str, molar_mass: float | None) -> tuple[float, float] | None:
    """What the UCUM library makes of it; a mass becomes moles, or moles a mass, by the molar mass."""
    registry = _registry()
    try:
        said, target = registry.from_ucum(given), registry.from_ucum(wanted).units
        # A number in front belongs to the unit: "1000/uL" is thousands in a microlitre. A remark alone has no units.
        source, times = said.units, said.magnitude
    except Exception:  # the parser raises many kinds; all of them mean: not a unit
        return None
    # A bare number is no unit, and a litre of something is not the count of something.
    if source.dimensionless:
        return None

    def canonical(number: float) -> float:
        quantity = registry.Quantity(number * times, source)
        if not source.is_compatible_with(target):
            per_mole = registry.Quantity(molar_mass, "gram/mole")
            moles = (quantity / per_mole).units.is_compatible_with(target)
            quantity = quantity / per_mole if moles else quantity * per_mole
        return float(quantity.to(target).magnitude)

    if not source.is_compatible_with(target) and molar_mass is None:
        return None
    try:
        offset = canonical(0.0)
        factor = round_off(canonical(1.0) - offset)
    except Exception:
        return None
    return (factor, round_off(offset)) if _LEAST_FACTOR <= factor <= _MOST_FACTOR else None


def round_off(number: float) -> float:
    """Twelve significant digits: takes off the binary dust of a conversion."""
    return float(f"{number:.12g}")
