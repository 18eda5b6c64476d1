"""How a fact's number is written for people: with its unit in words, as so many of 100, or as a range.

The number comes from a table of knowledge; nothing here knows a clinical one.
"""

from __future__ import annotations

from azaward.guides.words import GuideWords

_EXPONENTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def plain(number: float) -> str:
    """A number without needless digits, thousands apart.

    >>> plain(6.0), plain(0.54), plain(10000), plain(1.25)
    ('6', '0.54', '10,000', '1.25')
    """
    return f"{number:,.10g}"


def whole(number: float) -> str:
    """A share for people: whole where it is at least one, else with one digit that counts.

    >>> whole(5.4), whole(25.96), whole(0.38), whole(0)
    ('5', '26', '0.4', '0')
    """
    return plain(round(number)) if number >= 1 or number == 0 else f"{number:.1g}"


def amount(low: float, high: float | None, unit: str | None, words: GuideWords) -> str:
    """A value or a range with its unit in words.

    >>> from azaward.guides.words import words_of
    >>> english = words_of("en")
    >>> amount(6, 8, "wk", english), amount(1, None, "mo", english), amount(4, None, "/100", english)
    ('6 to 8 weeks', '1 month', '4 in 100')
    """
    written = whole if unit and unit.startswith("/") else plain
    number = written(low) if high is None else words("ui", "range").format(low=written(low), high=written(high))
    if unit is None or unit == "1":
        return number
    if unit.startswith("/"):
        return words("ui", "in").format(number=number, per=plain(float(unit[1:])))
    one, many = words("units", unit)
    return f"{number} {one if low == 1 and high is None else many}"


def cells(unit: str) -> str:
    """A laboratory unit as it is printed.

    >>> cells("10*9/L"), cells("fL")
    ('×10⁹/L', 'fL')
    """
    if unit.startswith("10*"):
        power, _, per = unit[3:].partition("/")
        return f"×10{power.translate(_EXPONENTS)}/{per}"
    return unit
