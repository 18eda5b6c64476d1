"""Converts FHIR dosages to milligrams a day, and finds the period over which a medicine is taken.

Only numeric doses count: a dose in tablets or in words stays unknown. If an order allows a range ("1 to 2 tablets", "up
to three times"), the larger number counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from azaward.readers.fhir import resources as fhir
from azaward.record.dates import DateError, is_partial, read_day

UCUM = "http://unitsofmeasure.org"
_MILLIGRAMS = {"mg": 1.0, "milligram": 1.0, "milligrams": 1.0, "g": 1000.0, "ug": 0.001, "mcg": 0.001, "µg": 0.001}
_A_DAY = {"d": 1.0, "h": 24.0, "wk": 1 / 7}
# Timing codes of FHIR (v3 GTSAbbreviation) and of orders, with the number of times a day.
_TIMING_CODES = {
    **dict.fromkeys(("QD", "AM", "PM", "BED", "OD", "DAILY", "Q24H"), 1.0),
    **dict.fromkeys(("BID", "BD", "Q12H"), 2.0),
    **dict.fromkeys(("TID", "TDS", "Q8H"), 3.0),
    **dict.fromkeys(("QID", "QDS", "Q6H"), 4.0),
    "Q4H": 6.0,
    "QOD": 0.5,
    "WK": 1 / 7,
}
_NOT_BEGUN = ("draft", "intended", "preparation")
_OVER = ("completed", "stopped", "ended")


class Course(NamedTuple):
    """The first day of a medicine, the first day without it, and any doubts about them: (what, why, kind).

    `no_start` with no start means that the medicine was begun on an unknown day.
    """

    start: str | None
    stop: str | None
    doubt: tuple[str, str, str] | None = None


def unit_of(quantity: fhir.Quantity) -> str | None:
    """The UCUM code if there is one, otherwise the displayed unit."""
    if quantity.code and (quantity.system == UCUM or not quantity.unit):
        return quantity.code
    return quantity.unit


def milligrams(quantity: fhir.Quantity | None) -> float | None:
    """A mass in mg; None for tablets, millilitres and other non-mass units."""
    if quantity is None or quantity.value is None:
        return None
    factor = _MILLIGRAMS.get((unit_of(quantity) or "").casefold())
    return None if factor is None else quantity.value * factor


def steps(dosages: Sequence[fhir.Dosage]) -> list[Sequence[fhir.Dosage]]:
    """The dosages grouped by the time at which they apply, if all of them give that time."""
    by_start: dict[str | None, list[fhir.Dosage]] = {}
    for dosage in dosages:
        bounds = _bounds([dosage])
        by_start.setdefault(bounds[0].start if bounds else None, []).append(dosage)
    return [dosages] if None in by_start or not by_start else [by_start[start] for start in sorted(by_start, key=str)]


def mg_per_day(dosages: Sequence[fhir.Dosage]) -> float | None:
    """Milligrams a day. Lines add up; lines with different `sequence` are consecutive, and the highest counts.

    >>> twice = fhir.Timing(repeat=fhir.Repeat(frequency=2, period=1, periodUnit="d"))
    >>> fifty = fhir.DoseAndRate(doseQuantity=fhir.Quantity(value=50, unit="mg"))
    >>> mg_per_day([fhir.Dosage(timing=twice, doseAndRate=[fifty])])
    100.0
    """
    by_step: dict[int | None, float] = {}
    for dosage in dosages:
        dose, times = _dose(dosage), _times_a_day(dosage.timing)
        if dose is None or times is None:
            return None
        by_step[dosage.sequence] = by_step.get(dosage.sequence, 0.0) + dose * times
    return max(by_step.values(), default=None)


def frequency(dosages: Iterable[fhir.Dosage]) -> str | None:
    """The frequency as written, or the times of day; it distinguishes two tablets taken on the same day."""
    for dosage in dosages:
        code = dosage.timing.code if dosage.timing else None
        named = [code.text, *(coding.code for coding in code.coding)] if code else []
        if text := next((name for name in (dosage.text, *named) if name), None):
            return text
        repeat = dosage.timing.repeat if dosage.timing else None
        if repeat and (times := [*repeat.when, *repeat.timeOfDay]):
            return " ".join(times)
    return None


def course(kind: str, use: fhir.MedicationUse, dosages: Sequence[fhir.Dosage]) -> Course:
    """The period of use; a start of None means planned, not begun."""
    bounds = _bounds(dosages)
    first = min((period.start for period in bounds if period.start), default=None)
    ends = [period.end for period in bounds if period.end]
    last = max(ends) if ends and len(ends) == len(dosages) else None
    period = use.effectivePeriod or fhir.Period()
    given = use.effectiveDateTime or use.whenHandedOver or use.whenPrepared
    start, stop = first or period.start or given or use.authoredOn, _day_after(last or period.end)
    over = use.status in _OVER
    reported = use.reportedBoolean or use.reportedReference is not None
    planned = use.status in _NOT_BEGUN or (use.intent in ("proposal", "plan", "option") and not reported)
    if planned and not over:
        return Course(None, None)
    what = f"{kind} is {use.status or 'without status'}"
    if not start and not over:
        if use.dateAsserted:
            why = f"no start date: counted from {use.dateAsserted[:10]}, when it was recorded."
            return Course(use.dateAsserted, stop, (what, why, "no_start"))
        if kind == "MedicationStatement" and use.status == "active":
            why = "no start date: counted as taken. Enter the date of the first dose."
            return Course(None, stop, (what, why, "no_start"))
        why = "no start date: counted as not begun. Enter the date of the first dose."
        return Course(None, stop, (what, why, "unusable"))
    if not over or stop:
        return Course(start, stop)
    supply = use.dispenseRequest.validityPeriod if use.dispenseRequest else None
    stop = (supply.end if supply else None) or start
    if stop is None:
        return Course(None, None, (what, "no start or end date: not used. Enter both dates.", "unusable"))
    if kind == "MedicationDispense":
        return Course(start, None)  # Dispensed, with no known duration of use.
    if kind == "MedicationAdministration":
        return Course(start, _day_after(stop))
    why = f"counted as ended on {stop[:10]}. Enter the date on which it ended."
    return Course(start, stop, (f"{what} without an end date", why, "no_end"))


def _day_after(day: str | None) -> str | None:
    """The first day without the medicine: a FHIR period includes its last day."""
    if day is None or is_partial(day):
        return day
    try:
        return (read_day(day) + dt.timedelta(days=1)).isoformat()
    except (DateError, OverflowError):
        return day


def _bounds(dosages: Iterable[fhir.Dosage]) -> list[fhir.Period]:
    repeats = [dosage.timing.repeat for dosage in dosages if dosage.timing and dosage.timing.repeat]
    return [repeat.boundsPeriod for repeat in repeats if repeat.boundsPeriod]


def _dose(dosage: fhir.Dosage) -> float | None:
    found: list[float] = []
    for each in dosage.doseAndRate:
        quantities = (each.doseQuantity, each.doseRange.high if each.doseRange else None)
        found += [dose for dose in map(milligrams, quantities) if dose is not None]
    return max(found, default=None)


def _times_a_day(timing: fhir.Timing | None) -> float | None:
    if timing is None:
        return None
    repeat = timing.repeat
    if repeat is not None and (repeat.period or repeat.timeOfDay or repeat.when):
        times = repeat.frequencyMax or repeat.frequency or len(repeat.timeOfDay) or len(repeat.when) or 1.0
        # "On Monday and Thursday" with a conflicting frequency is ambiguous.
        if repeat.dayOfWeek and (repeat.periodUnit != "wk" or times < len(repeat.dayOfWeek)):
            return None
        a_day = _A_DAY.get(repeat.periodUnit or ("" if repeat.period else "d"))
        return None if a_day is None else times * a_day / (repeat.period or 1.0)
    named = [timing.code.text, *(coding.code for coding in timing.code.coding)] if timing.code else []
    return next((_TIMING_CODES[name.upper()] for name in named if name and name.upper() in _TIMING_CODES), None)
