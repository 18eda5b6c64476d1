"""The number that stands in the words of a result: "<0.5 x10^9/L", "0,3", "0.2 - 0.4", "300/uL (phoned)".

It is never used as the result. It only says whether these words could be of a severe value, so that somebody asks for
the number today.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import NamedTuple

_SIGN = re.compile(r"[<>]=?|≤|≥")
# A titre or a ratio, which is no amount.
_RATIO = re.compile(r"\d+\s*:\s*\d+")
# A number of its own: no part of a date, a time, a word or a grade such as "1+".
_NUMBER = re.compile(r"(?<![\w.,:/^*+-])\d+(?:[.,]\d+)*(?![\w^:+]|[.,]\d|/\d)")
_GROUPED = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_EXPONENT = re.compile(r"(?:[x×*]\s*)?10\s*(?:\^|\*{1,2}|e)\s*\(?\d{1,2}\)?|[×x]\s*10\d{1,2}(?=\s*/)", re.I)
# A unit runs to the end of the words, or to a bracket, a comma or a star.
_UNIT = re.compile(r"\s*([^\s\d(),;*][^\s(),;]*|10[*^]\d+/[^\s(),;]+)")
_FIRST = re.compile(r"\W*(?:approx\w*|about|ca|circa|around|ungef\w*|environ|result|value|neu\w*|<|>)?\W*\d", re.I)
_NONE_SEEN = re.compile(r"\b(?:none seen|nil|zero|absent|not seen|keine|aucun\w*|ningun\w*|assent\w*)\b", re.I)


class Written(NamedTuple):
    """A number in words, the sign before it, and the unit behind it where one is known there."""

    value: float
    comparator: str | None
    unit: str | None


def number_in(text: str, units: Container[str], worse: str | None) -> Written | None:
    """The number in the words of a result: of several the worst, which is the least of what is worse when low.

    >>> number_in("<0.5 x10^9/L", {"x10^9/L"}, "low")
    Written(value=0.5, comparator='<', unit='x10^9/L')
    >>> number_in("0,2 - 0,4", set(), "low"), number_in("see comment of 12/11", set(), "low")
    (Written(value=0.2, comparator=None, unit=None), None)
    """
    if _NONE_SEEN.search(text):
        return Written(0.0, None, None)
    unit, bare = _unit_of(text, units)
    found = [value for number in _NUMBER.findall(bare) for value in _values(number)]
    if not found or not (unit or _FIRST.match(bare)):
        return None
    sign = None if "<>" in bare else _SIGN.search(bare)
    value = max(found) if worse == "high" else min(found)
    return Written(value, sign[0].replace("≤", "<=").replace("≥", ">=") if sign else None, unit)


def _unit_of(text: str, units: Container[str]) -> tuple[str | None, str]:
    """The unit that stands behind a number, and the words without powers of ten, which are no results."""
    for number in re.finditer(r"\d", text):
        rest = text[number.end() :]
        behind = _UNIT.match(rest)
        for candidate in (behind[1], behind[1].lstrip("x×")) if behind else ():
            if candidate in units:
                return candidate, text.replace(candidate, " ")
        if (power := re.match(r"\s*((?:[x×]\s*)?10[*^]\d+\s*/\s*\w+)", rest)) and (
            known := next((each for each in _spellings(power[1]) if each in units), None)
        ):
            return known, text.replace(power[1], " ")
    return None, _EXPONENT.sub(" ", _RATIO.sub(" ", text))


def _spellings(unit: str) -> tuple[str, ...]:
    close = re.sub(r"\s+", "", unit)
    plain = close.lstrip("x×")
    return unit, close, plain, plain.replace("^", "*")


def _values(number: str) -> list[float]:
    """What a number may be: "4,500" is four and a half, or thousands."""
    plain = number.replace(",", ".")
    decimal = [float(plain)] if plain.count(".") <= 1 else []
    grouped = [float(re.sub("[.,]", "", number))] if _GROUPED.fullmatch(number) else []
    return decimal + grouped if "," in number or not decimal else decimal
