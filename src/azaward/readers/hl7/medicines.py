"""Reads medicine orders and dispenses (RXO, RXE, RXD with ORC, TQ1) as exposures.

A dose that can't be read as milligrams a day is unknown, never nothing. Where an order allows a range, the larger
number counts. An order on hold is not taken from the day of its hold on, and somebody is asked who resumes it.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import NamedTuple

from azaward.readers.hl7.orders import Order
from azaward.readers.hl7.parts import Segment
from azaward.readers.hl7.reading import Reading
from azaward.readers.rows import CODE_AND_NAME, read_number
from azaward.record.dates import DateError, is_partial, read_day

_MILLIGRAMS = {"MG": 1.0, "G": 1000.0, "UG": 0.001, "MCG": 0.001, "ΜG": 0.001, "MILLIGRAM": 1.0, "MILLIGRAMS": 1.0}
_DAYS = {"D": 1.0, "W": 7.0}
_EVERY = re.compile(r"Q(\d{1,3})([HDW])", re.I)
_A_DAY = re.compile(r"(\d)/(\d?)d")
_TIMES_A_DAY = re.compile(r"(\d{1,2})ID", re.I)


class Fields(NamedTuple):
    """Where a segment holds its code, amounts, units, total daily dose, strength and its units, and instructions."""

    code: int
    amounts: tuple[int, ...]
    units: int
    total: int
    strength: int
    strength_units: int
    words: int


FIELDS = {
    "RXO": Fields(1, (2, 3), 4, 23, 18, 19, 7),
    "RXE": Fields(2, (3, 4), 5, 19, 25, 26, 7),
    "RXD": Fields(2, (), 6, 12, 16, 17, 15),
}


def medicine(reading: Reading, order: Order, rx: Segment) -> None:
    """The exposure that an order or dispense states."""
    fields = FIELDS[rx.name]
    if rx.name == "RXD" and order.identity is not None:
        # A dispense is no later version of its order: each has an identity of its own.
        order = replace(order, identity=f"{order.identity}dispense {rx.text(1) or ''} {rx.text(3) or ''}".strip())
    found = reading.concept(next(iter(rx.repetitions(fields.code)), None))
    if found.text is None:
        reading.aside(rx.at(fields.code), "a medicine without code or name", "name the medicine.")
        return
    act = reading.codes.means("0119", order.control) or "new"
    state = reading.codes.means("0038", order.status)
    if act == "cancel" or state == "cancelled":
        reading.correct("strike", "exposures", order.identity, "cancelled", rx.at())
        reading.ignored[f"{rx.name} cancelled"] += 1
        return
    if act == "none":
        why = "expected an order, a change or an end: not counted."
        reading.problem(rx.at(), f"{found.text}: order control {order.control!r}", why, "table-value")
        return
    over = act == "stop" or state in ("stopped", "replaced")
    held = act == "hold" or state == "on-hold"
    start, stop = _course(reading, order, rx, begins=not (over or held or act == "release"))
    if over:
        stop = order.acted_on or stop
    if state == "completed" and stop is None:
        why = "completed, without an end: counted as still taken. Enter the date on which it ended."
        reading.aside(rx.at(), found.text, why, "no_end")
    _corrections(reading, order, act, held, over, stop, rx)
    if over and start is None and order.identity is not None:
        return  # The earlier order has its start; the correction ends it.
    if held:
        stop = order.acted_on
        why = f"on hold since {stop or 'an unknown day'}: not counted as taken. Ask who resumes it, and when."
        reading.aside(rx.at(), found.text, why, "on_hold")
    row = {
        "dose_mg_per_day": _mg_per_day(reading, order, rx, fields),
        "frequency": order.frequency or rx.text(fields.words) or rx.text(fields.words, 2),
        "started_on": start,
        "stopped_on": stop,
        "started_text": None if start else "not said",
        "told_as": "supply" if rx.name == "RXD" else None,
        "status": "stopped" if over else "on-hold" if held else "completed" if state == "completed" else "active",
    }
    names = (*found.names, *([found.code] if found.code else []))
    taken = reading.rows.medicines.of_names(names, found.codings)
    if row["dose_mg_per_day"] is None and reading.rows.thiopurines & {*taken.ingredients}:
        _say_unknown_dose(reading, order, rx, fields, found.text)
    if taken.contradicts:
        reading.aside(rx.at(fields.code), found.text, CODE_AND_NAME, "partial")
    for each in taken.ingredients:
        row |= {"medicine": each, "may_be": taken.may_be}
        reading.add("exposures", row, rx.at(fields.code), order.identity)


def _say_unknown_dose(reading: Reading, order: Order, rx: Segment, fields: Fields, text: str) -> None:
    """Says of a dose that is given why it is not known here."""
    if order.quantity is not None or any(rx.text(number) for number in fields.amounts):
        why = "a dose is given, but not in milligrams a day: its unit, strength or schedule is missing. Enter mg a day."
        reading.rows.aside(reading.place(rx.at(fields.code)), text, why, reading.patient_id, "partial")


def _corrections(
    reading: Reading, order: Order, act: str, held: bool, over: bool, stop: str | None, rx: Segment
) -> None:
    why = order.control or "sent again"
    if over:
        reading.correct("stop", "exposures", order.identity, why, rx.at(), stop)
    elif held:
        reading.correct("hold", "exposures", order.identity, why, rx.at(), order.acted_on)
    elif act == "release":
        reading.correct("release", "exposures", order.identity, why, rx.at(), order.acted_on)
    else:
        reading.correct("replace", "exposures", order.identity, why, rx.at())


def _course(reading: Reading, order: Order, rx: Segment, *, begins: bool) -> tuple[str | None, str | None]:
    """The first day, and the first day without it: HL7's end is the last day of an order.

    The day of ORC is that of what is done: only of an order that begins, or changes, is it the first day.
    """
    given = reading.iso(rx.text(3)) if rx.name == "RXD" else None
    start = order.starts or given or (order.effective or order.written if begins else None)
    return start, _day_after(order.ends)


def _day_after(day: str | None) -> str | None:
    if day is None or is_partial(day):
        return day
    try:
        return (read_day(day) + dt.timedelta(days=1)).isoformat()
    except (DateError, OverflowError):
        return day


def _mg_per_day(reading: Reading, order: Order, rx: Segment, fields: Fields) -> float | None:
    """The total daily dose if it is stated in mg, else the dose times how often it is given; None if unknown."""
    total = rx.repetitions(fields.total)
    if total and (stated := _milligrams(total[0].text(), total[0].sub(2, 1))) is not None:
        return stated
    amounts = [amount for number in fields.amounts if (amount := _number(rx.text(number))) is not None]
    amount = max(amounts, default=None)
    unit = rx.text(fields.units) or rx.text(fields.units, 2)
    if amount is None and order.quantity is not None:
        amount, unit = _number(order.quantity[0]), order.quantity[1] or unit
    if amount is None:
        return None
    times = times_a_day(reading, order.repeat)
    dose = _milligrams(str(amount), unit)
    if dose is None:
        each = _milligrams(rx.text(fields.strength), rx.text(fields.strength_units))
        if each is None and reading.strengths.is_piece(unit):
            found = reading.concept(next(iter(rx.repetitions(fields.code)), None))
            stated = reading.strengths.stated(found.names)
            each = stated.pop() if len(stated) == 1 else None
        dose = amount * each if each is not None else None
    return dose * times if dose and times else None


def times_a_day(reading: Reading, patterns: tuple[str, ...]) -> float | None:
    """How often a day something is given, by its repeat patterns added up; None where one isn't a fixed rhythm."""
    found = [_one_pattern(reading, pattern) for pattern in patterns]
    return sum(each for each in found if each) if found and None not in found else None


def _one_pattern(reading: Reading, pattern: str) -> float | None:
    if (every := _EVERY.fullmatch(pattern)) and int(every[1]):
        unit = every[2].upper()
        return 24 / int(every[1]) if unit == "H" else 1 / (int(every[1]) * _DAYS[unit])
    if named := _A_DAY.fullmatch(reading.codes.means("0335", pattern) or ""):
        return int(named[1]) / int(named[2] or 1)
    if numbered := _TIMES_A_DAY.fullmatch(pattern):
        return float(numbered[1])
    return None


def _milligrams(amount: str | None, unit: str | None) -> float | None:
    number = _number(amount)
    factor = _MILLIGRAMS.get((unit or "").strip().upper())
    return None if number is None or factor is None else number * factor


def _number(text: str | None) -> float | None:
    found = read_number(text) if text else None
    return found[1] if found and found[0] is None else None
