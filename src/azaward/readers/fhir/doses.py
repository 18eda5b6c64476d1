"""Converts FHIR dosages to milligrams a day, and finds the period over which a medicine is taken.

A dose in tablets counts where the strength of one is known, and one in words where all of them are understood. If an
order allows a range ("1 to 2 tablets", "up to three times"), the larger number counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from azaward.readers.fhir import datatypes
from azaward.readers.fhir import resources as fhir
from azaward.readers.strengths import Strengths
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
DAYS_OF_WEEK = 7
_NOT_BEGUN = ("draft", "intended", "preparation", "planned")
_OVER = ("completed", "stopped", "ended")
_HELD = "on-hold"
# The word of requests in general, which drafts of FHIR had for orders of medicines too.
_ALSO_HELD = ("suspended", "onhold", "held")
DISPENSE, ADMINISTRATION = "MedicationDispense", "MedicationAdministration"
_DAYS = {"d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7, "mo": 30, "month": 30, "months": 30, "a": 365}


class Course(NamedTuple):
    """The first day of a medicine, the first day without it, its status, and any doubt: (what, why, kind).

    `no_start` with no start means that the medicine was begun on an unknown day. A status of `stopped` or `on-hold`
    without a stop means that nobody knows when.
    """

    start: str | None
    stop: str | None
    status: str | None = None
    doubt: tuple[str, str, str] | None = None


def unit_of(quantity: fhir.Quantity) -> str | None:
    """The UCUM code if there is one, otherwise the displayed unit."""
    if quantity.code and (quantity.system == UCUM or not quantity.unit):
        return quantity.code
    return quantity.unit


def number_of(quantity: fhir.Quantity | None) -> float | None:
    """The number; None for one that came as text, which is no number to calculate with."""
    value = quantity.value if quantity is not None else None
    return None if value is None or isinstance(value, str) else float(value)


def milligrams(quantity: fhir.Quantity | None) -> float | None:
    """A mass in mg; None for tablets, millilitres and other non-mass units."""
    value = number_of(quantity)
    if quantity is None or value is None:
        return None
    factor = _MILLIGRAMS.get((unit_of(quantity) or "").casefold())
    return None if factor is None else value * factor


def steps(dosages: Sequence[fhir.Dosage]) -> list[Sequence[fhir.Dosage]]:
    """The dosages grouped by the time at which they apply, if all of them give that time."""
    by_start: dict[str | None, list[fhir.Dosage]] = {}
    for dosage in dosages:
        bounds = _bounds([dosage])
        by_start.setdefault(bounds[0].start if bounds else None, []).append(dosage)
    return [dosages] if None in by_start or not by_start else [by_start[start] for start in sorted(by_start, key=str)]


class Tablets(NamedTuple):
    """What reads a dose in tablets or words, and the mg of one tablet: None where no one strength is stated."""

    words: Strengths
    mg: float | None = None


def mg_per_day(dosages: Sequence[fhir.Dosage], tablets: Tablets | None = None) -> float | None:
    """Milligrams a day. Lines add up; lines with different `sequence` are consecutive, and the highest counts.

    >>> twice = datatypes.Timing(repeat=datatypes.Repeat(frequency=2, period=1, periodUnit="d"))
    >>> fifty = datatypes.DoseAndRate(doseQuantity=fhir.Quantity(value=50, unit="mg"))
    >>> mg_per_day([fhir.Dosage(timing=twice, doseAndRate=(fifty,))])
    100.0
    """
    by_step: dict[int | None, float] = {}
    for dosage in dosages:
        dose, times = _dose(dosage, tablets), _times_a_day(dosage.timing)
        daily = dose * times if dose is not None and times is not None else None
        if daily is None and tablets and not _quantities(dosage):
            daily = tablets.words.daily(dosage.text, tablets.mg)
        if daily is None:
            return None
        by_step[dosage.sequence] = by_step.get(dosage.sequence, 0.0) + daily
    return max(by_step.values(), default=None)


def frequency(dosages: Iterable[fhir.Dosage]) -> str | None:
    """The frequency as written, or the times of day; it distinguishes two tablets taken on the same day."""
    for dosage in dosages:
        code = dosage.timing.code if dosage.timing else None
        named = [code.text, *(coding.code for coding in code.coding)] if code else []
        if text := next((name for name in (dosage.text, *named) if name), None):
            return text
        repeat = dosage.timing.repeat if dosage.timing else None
        when = [] if repeat is None else [repeat.when] if isinstance(repeat.when, str) else repeat.when
        if repeat and (times := [*when, *repeat.timeOfDay]):
            return " ".join(times)
    return None


def course(kind: str, use: fhir.MedicationUse, dosages: Sequence[fhir.Dosage]) -> Course:
    """The period of use; a start of None means planned, not begun."""
    bounds = _bounds(dosages)
    first = min((period.start for period in bounds if period.start), default=None)
    ends = [period.end for period in bounds if period.end]
    last = max(ends) if ends and len(ends) == len(dosages) else None
    period = use.effectivePeriod or use.effectiveTimePeriod or use.occurencePeriod or fhir.Period()
    given = use.effectiveDateTime or use.effectiveTimeDateTime or use.occurenceDateTime
    given = given or use.whenHandedOver or use.whenPrepared
    start = first or period.start or given or use.authoredOn or use.dateWritten
    stop = _day_after(last or period.end) or use.dateEnded
    status = status_of(use)
    if is_planned(use) and status not in _OVER:
        return Course(None, None)
    what = f"{kind} is {status or 'without status'}"
    if status == _HELD:
        return Course(start, stop or use.statusChanged, _HELD)
    if status in _OVER:
        return _ended(kind, use, dosages, start, stop, what)
    if start:
        return Course(start, stop or _used_up(kind, use, dosages, start))
    if use.dateAsserted:
        why = f"no start date: counted from {use.dateAsserted[:10]}, when it was recorded."
        return Course(use.dateAsserted, stop, None, (what, why, "no_start"))
    if kind in ("MedicationStatement", "MedicationUsage") and status == "active":
        why = "no start date: counted as taken. Enter the date of the first dose."
        return Course(None, stop, None, (what, why, "no_start"))
    why = "no start date: counted as not begun. Enter the date of the first dose."
    return Course(None, stop, None, (what, why, "unusable"))


def is_reported(use: fhir.MedicationUse) -> bool:
    """Whether an order is a report of what somebody takes already."""
    return bool(use.reportedBoolean or use.reportedReference is not None)


def is_planned(use: fhir.MedicationUse) -> bool:
    """Whether it is meant to begin, and no more is said."""
    meant = use.intent in ("proposal", "plan", "option") and not is_reported(use)
    return meant or status_of(use) in _NOT_BEGUN


def _ended(
    kind: str,
    use: fhir.MedicationUse,
    dosages: Sequence[fhir.Dosage],
    start: str | None,
    stop: str | None,
    what: str,
) -> Course:
    """The course of a medicine that is over: up to its end, else its supply's, else its record's last change.

    The start day is never used as the end day for want of another.
    """
    ran_its_course = "completed" if status_of(use) == "completed" else None
    if stop:
        return Course(start, stop, ran_its_course)
    if kind in (DISPENSE, ADMINISTRATION) and start:
        return Course(start, _used_up(kind, use, dosages, start))
    supply = use.dispenseRequest.validityPeriod if use.dispenseRequest else None
    ran_out = (supply.end if supply else None) or _supply_end(use, dosages, start)
    changed = use.statusChanged or (use.meta.lastUpdated if use.meta else None)
    in_turn = (ran_out, changed) if status_of(use) == "completed" else (changed, ran_out)
    end = next((day for day in in_turn if day and (start is None or day[:10] > start[:10])), None)
    if end is not None:
        why = f"counted as ended on {end[:10]}. Enter the date on which it ended."
        return Course(start, end, ran_its_course, (f"{what} without an end date", why, "no_end"))
    why = "ended on an unknown day: counted as ended recently. Enter the date on which it ended."
    return Course(start, None, "stopped", (f"{what} without an end date", why, "no_end"))


def _used_up(kind: str, use: fhir.MedicationUse, dosages: Sequence[fhir.Dosage], start: str) -> str | None:
    """The first day without what was dispensed or given; None for an order, and for a supply of unknown length."""
    if kind == ADMINISTRATION:
        return _day_after(start)
    return _supply_end(use, dosages, start) if kind == DISPENSE else None


def status_of(use: fhir.MedicationUse) -> str | None:
    """The status, which R5 may give as adherence: "stopped" and "on-hold" are there what a status is in R4."""
    codes = [coding.code for coding in use.adherence.code.coding] if use.adherence and use.adherence.code else []
    for word in (*_OVER, _HELD):
        if any(code.startswith(word) for code in codes):
            return word
    return _HELD if use.status in _ALSO_HELD else use.status


def is_not_taken(use: fhir.MedicationUse) -> bool:
    """Whether the record says, in the words of any version of FHIR, that the medicine isn't taken."""
    codes = [coding.code for coding in use.adherence.code.coding] if use.adherence and use.adherence.code else []
    said = use.status == "not-taken" or use.taken == "n" or any(code.startswith("not-taking") for code in codes)
    return bool(said or use.wasNotTaken or use.wasNotGiven or use.notGiven)


def _supply_end(use: fhir.MedicationUse, dosages: Sequence[fhir.Dosage], start: str | None) -> str | None:
    """The day on which what was supplied ran out, with its repeats."""
    request = use.dispenseRequest or fhir.Supply()
    bounds = [dosage.timing.repeat.boundsDuration for dosage in dosages if dosage.timing and dosage.timing.repeat]
    for length, times in (
        (request.expectedSupplyDuration, 1 + max(request.numberOfRepeatsAllowed or 0, 0)),
        (use.daysSupply, 1),
        *((each, 1) for each in bounds),
    ):
        value = number_of(length)
        if start and length and value is not None:
            unit = _DAYS.get((unit_of(length) or "d").casefold())
            if unit is not None and value > 0:
                return _later(start, round(value * unit * times))
    return None


def day_of(text: str) -> dt.date | None:
    """The day that a text gives; None for one that can't be read."""
    try:
        return read_day(text)
    except DateError:
        return None


def _later(day: str, days: int) -> str | None:
    try:
        return (read_day(day) + dt.timedelta(days=days)).isoformat()
    except (DateError, OverflowError):
        return None


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


def dosages_of(use: fhir.MedicationUse) -> tuple[fhir.Dosage, ...]:
    """The dosages, under whichever name they stand."""
    return use.dosageInstruction or (use.dosage if isinstance(use.dosage, tuple) else ())


def _quantities(dosage: fhir.Dosage) -> list[fhir.Quantity]:
    ranges = [dosage.doseRange, *(each.doseRange for each in dosage.doseAndRate)]
    single = [dosage.doseQuantity, dosage.doseSimpleQuantity, dosage.quantityQuantity]
    single += [*(each.doseQuantity for each in dosage.doseAndRate), *(each.high for each in ranges if each)]
    return [each for each in single if each is not None]


def is_in_tablets(dosages: Iterable[fhir.Dosage], words: Strengths) -> bool:
    """Whether a dose is counted in tablets."""
    units = [each for dosage in dosages for quantity in _quantities(dosage) for each in (quantity.unit, quantity.code)]
    return any(words.is_piece(unit) for unit in units)


def strength_of(ingredient: fhir.Ingredient, words: Strengths) -> float | None:
    """Milligrams in one tablet, as a product states them of an ingredient."""
    ratio = ingredient.strength or ingredient.strengthRatio or ingredient.amount
    if ratio is None:
        return milligrams(ingredient.strengthQuantity)
    per, dose = ratio.denominator or fhir.Quantity(), milligrams(ratio.numerator)
    counted = unit_of(per) in (None, "", "1") or words.is_piece(per.unit) or words.is_piece(per.code)
    return dose / (number_of(per) or 1.0) if dose is not None and counted else None


def _dose(dosage: fhir.Dosage, tablets: Tablets | None) -> float | None:
    found: list[float] = []
    for quantity in _quantities(dosage):
        dose, number = milligrams(quantity), number_of(quantity)
        if dose is None and tablets and tablets.mg and number is not None:
            counted = tablets.words.is_piece(quantity.unit) or tablets.words.is_piece(quantity.code)
            dose = number * tablets.mg if counted else None
        if dose is not None:
            found.append(dose)
    return max(found, default=None)


def _times_a_day(timing: datatypes.Timing | None) -> float | None:
    if timing is None:
        return None
    repeat = timing.repeat
    every_day = repeat is not None and len({*repeat.dayOfWeek}) == DAYS_OF_WEEK
    if repeat is not None and (repeat.period or repeat.timeOfDay or repeat.when or every_day):
        when = [repeat.when] if isinstance(repeat.when, str) else repeat.when
        times = repeat.frequencyMax or repeat.frequency or len(repeat.timeOfDay) or len(when) or 1.0
        unit = repeat.periodUnit or repeat.periodUnits
        # "On Monday and Thursday" with a conflicting frequency is ambiguous.
        daily = every_day and unit in ("d", None)
        if repeat.dayOfWeek and not daily and (unit != "wk" or times < len(repeat.dayOfWeek)):
            return None
        a_day = _A_DAY.get(unit or ("" if repeat.period else "d"))
        return None if a_day is None else times * a_day / (repeat.period or 1.0)
    named = [timing.code.text, *(coding.code for coding in timing.code.coding)] if timing.code else []
    return next((_TIMING_CODES[name.upper()] for name in named if name and name.upper() in _TIMING_CODES), None)
