"""The number that stands in the words of a result: "<0.5 x10^9/L", "0,3", "0.2 - 0.4", "300/uL (phoned)".

It is never used as the result. It only says whether these words could be of a severe value, so that somebody asks for
the number today.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

SHARE = ("%", "percent", "per cent", "pct")
_SIGN = re.compile(r"[<>]=?|≤|≥")
# A titre or a ratio, which is no amount.
_RATIO = re.compile(r"\d+\s*:\s*\d+")
# A number of its own: no part of a date, a time, a word or a grade such as "1+". Thousands may stand apart.
_NUMBER = re.compile(
    r"(?<![\w.,:/^*+-])(?:[1-9]\d{0,2}(?:[ \u00a0\u202f]\d{3})+|\d+(?:[.,]\d+)*)(?![\w^:+]|[.,]\d|/\d)"
)
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:[.,]\d{3})+")
_EXPONENT = re.compile(r"(?:[x×*]\s*)?10\s*(?:\^|\*{1,2}|e)\s*\(?\d{1,2}\)?|[×x]\s*10\d{1,2}(?=\s*/)", re.I)
_UNIT_BEGINS = re.compile(r"[(\[]?\s*(?:[^\W\d]|[/%×]|10\s*(?:[*^e⁰-⁹]|E))")
_UNIT_WORDS = 3
_FIRST = re.compile(r"\W*(?:approx\w*|about|ca|circa|around|ungef\w*|environ|result|value|neu\w*|<|>)?\W*\d", re.I)
_NONE_SEEN = re.compile(r"\b(?:none seen|nil|zero|absent|not seen|keine|aucun\w*|ningun\w*|assent\w*)\b", re.I)


class Amount(NamedTuple):
    """What stands in words: each number with all that it may mean, the sign before it and the unit behind it."""

    numbers: tuple[tuple[float, ...], ...]
    comparator: str | None
    unit: str | None


def amount_in(text: str, is_unit: Callable[[str], bool]) -> Amount | None:
    """The numbers in the words of a result, where they are an amount.

    >>> amount_in("<0.5 x10^9/L", {"x10^9/L"}.__contains__)
    Amount(numbers=((0.5,),), comparator='<', unit='x10^9/L')
    >>> amount_in("3.900/µl", {"/µl"}.__contains__)
    Amount(numbers=((3.9, 3900.0),), comparator=None, unit='/µl')
    >>> amount_in("see comment of 12/11", {"/L"}.__contains__)
    """
    if _NONE_SEEN.search(text):
        return Amount(((0.0,),), None, None)
    unit, bare = _unit_of(text, is_unit)
    found = tuple(filter(None, map(_readings, _NUMBER.findall(bare))))
    if not found or not (unit or _FIRST.match(bare)):
        return None
    sign = None if "<>" in bare else _SIGN.search(bare)
    return Amount(found, sign[0].replace("≤", "<=").replace("≥", ">=") if sign else None, unit)


def _unit_of(text: str, is_unit: Callable[[str], bool]) -> tuple[str | None, str]:
    """The unit that stands behind a number, and the words without powers of ten, which are no results."""
    for number in _DIGITS.finditer(text):
        rest = text[number.end() :]
        if not _UNIT_BEGINS.match(rest.lstrip()):
            continue
        ends = [word.end() for word in re.finditer(r"\S+", rest)][:_UNIT_WORDS]
        for end in reversed(ends):
            if known := next((each for each in _spellings(rest[:end]) if is_unit(each)), None):
                return known, f"{text[: number.end()]} {rest[end:]}"
    return None, _EXPONENT.sub(" ", _RATIO.sub(" ", text))


def _spellings(unit: str) -> tuple[str, ...]:
    """A unit as it is written, and without what may stand around and in it."""
    written = unit.strip(" ()[],;*!")
    close = re.sub(r"\s+", "", written)
    plain = close.lstrip("x×")
    return written, close, plain, plain.replace("^", "*")


def _readings(number: str) -> tuple[float, ...]:
    """What a number may be: "4,500" is four and a half, or thousands; "0,500" and "4 500" have one meaning."""
    plain = re.sub(r"\s", "", number)
    last = max(plain.rfind("."), plain.rfind(","))
    if last < 0:
        return (float(plain),)
    grouped = (float(re.sub("[.,]", "", plain)),) if _GROUPED.fullmatch(plain) else ()
    head, mark, tail = plain[:last], plain[last], plain[last + 1 :]
    decimal = () if mark in head else (float(f"{re.sub('[.,]', '', head)}.{tail}"),)
    return decimal + grouped
