"""What does a share of the usual dose come to in milligrams and tablets, and what if no tablet is that small?"""

from __future__ import annotations

from typing import Any

import msgspec

from azaward.knowledge import Knowledge
from azaward.treatment import tablet_sizes, tablets_for

Range = tuple[float, float]


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """The usual dose of azathioprine that a protocol gives for an indication, and where it says so."""

    protocol: str
    start_mg_per_kg: float | None
    start_mg_per_day: float | None
    target_mg_per_kg: Range | None
    source: str
    locator: str
    how: str


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """A share of the usual dose: mg/kg and mg a day to start with, the most a day, and the tablets that make it.

    `no_tablet` says why no tablet makes it, where none does.
    """

    per_kg: Range | None = None
    per_day: Range | None = None
    up_to: float | None = None
    tablets: str | None = None
    no_tablet: str | None = None


def amount(knowledge: Knowledge, usual: Usual, weight_kg: float | None, fraction: Range) -> Amount:
    """What a share of this usual dose comes to for this weight, as far as both let it be told.

    >>> from azaward.knowledge import load
    >>> made = amount(load(), usual_dose(load(), "crohns_disease"), 60, (0.1, 0.1))
    >>> made.per_day, made.tablets
    ((12.0, 12.0), 'no tablet makes 12 mg a day; ask the pharmacist what can be given')
    >>> made.no_tablet
    '10% of 2 mg/kg for 60 kg is 12 mg a day, less than half of the smallest tablet (25 mg)'
    """
    whole = usual.start_mg_per_day or _per_day(usual.start_mg_per_kg, weight_kg)
    per_day = _times(whole, fraction)
    up_to = None
    if usual.target_mg_per_kg and weight_kg:
        up_to = round(usual.target_mg_per_kg[1] * fraction[1] * weight_kg, 1)
    too_small = per_day is not None and per_day[1] < tablet_sizes(knowledge)[-1]
    tablets = None
    if per_day is not None:
        tablets = (
            f"no tablet makes {_range(per_day)} mg a day; ask the pharmacist what can be given"
            if too_small
            else tablets_for(per_day[1], knowledge)
        )
    return Amount(
        per_kg=_times(usual.start_mg_per_kg, fraction),
        per_day=per_day,
        up_to=up_to,
        tablets=tablets,
        no_tablet=_no_tablet(knowledge, usual, weight_kg, fraction, per_day) if per_day and too_small else None,
    )


def _no_tablet(knowledge: Knowledge, usual: Usual, weight_kg: float | None, fraction: Range, per_day: Range) -> str:
    smallest = tablet_sizes(knowledge)[-1]
    whole = (
        f"{usual.start_mg_per_day:g} mg"
        if usual.start_mg_per_day
        else f"{usual.start_mg_per_kg:g} mg/kg for {weight_kg:g} kg"
    )
    less = "less than half of" if per_day[1] < smallest / 2 else "less than"
    share = percent_of_usual(fraction)
    return f"{share} of {whole} is {_range(per_day)} mg a day, {less} the smallest tablet ({smallest:g} mg)"


def usual_dose(knowledge: Knowledge, indication: str) -> Usual | None:
    """The lowest usual starting dose of azathioprine for adults with this indication, by its protocol."""
    row = next((row for row in knowledge.tables["indications"] if row.id == indication), None)
    names = [row.protocol] if row is not None and row.protocol else list(knowledge.protocols)
    doses: list[tuple[str, Any]] = [(name, dose) for name in names for dose in knowledge.protocols[name].lists["doses"]]
    fitting = [
        (name, dose)
        for name, dose in doses
        if dose.population == "adult" and dose.drug == "azathioprine" and dose.indication in (indication, "any")
    ]
    exact = [regimen for regimen in fitting if regimen[1].indication == indication] or fitting
    starting = [
        regimen
        for regimen in exact
        if regimen[1].start_mg_per_kg is not None or regimen[1].start_mg_per_day is not None
    ]
    if not (starting or exact):
        return None
    name, dose = min(starting or exact, key=_lower_start)
    return Usual(
        protocol=name,
        start_mg_per_kg=dose.start_mg_per_kg,
        start_mg_per_day=dose.start_mg_per_day,
        target_mg_per_kg=dose.target_mg_per_kg,
        source=dose.source,
        locator=dose.locator,
        how=dose.how,
    )


def percent_of_usual(fraction: Range) -> str:
    """A share of the usual dose as it is written.

    >>> percent_of_usual((0.3, 0.5)), percent_of_usual((0.1, 0.1))
    ('30-50%', '10%')
    """
    low, high = (f"{100 * part:g}" for part in fraction)
    return f"{high}%" if low == high else f"{low}-{high}%"


def _lower_start(regimen: tuple[str, Any]) -> tuple[float, str]:
    name, dose = regimen
    return (float("inf") if dose.start_mg_per_kg is None else dose.start_mg_per_kg, name)


def _per_day(per_kg: float | None, weight: float | None) -> float | None:
    return per_kg * weight if per_kg is not None and weight is not None else None


def _times(dose: float | None, fraction: Range) -> Range | None:
    return None if dose is None else (round(dose * fraction[0], 2), round(dose * fraction[1], 2))


def _range(ends: Range) -> str:
    low, high = ends
    return f"{low:g}" if low == high else f"{low:g}-{high:g}"
