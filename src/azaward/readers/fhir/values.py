"""Values as they stand in text: "0.3 x10^9/L", "<0,5", "0.3 - 0.5", "Neutrophils 0.3 x10^9/L (phoned)".

Nothing of it is taken at its word: whoever uses such a value says that it stood in words. But a number that would be
severe isn't passed over because somebody wrote it into a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

_MARK = r"LL|HH|L|H|N|low|high|critical|phoned|telephoned"
# Marks that laboratories write behind a value.
_MARKS = re.compile(rf"(?:\s*(?:\*+|!+|\([^()]*\))|\s+(?:{_MARK})\b|[.;,\s])+$", re.I)
_VALUE = re.compile(
    r"\s*(?P<sign>[<>]=?|≤|≥)?\s*(?P<number>\d+(?:[.,]\d+)?)(?:\s*(?:-|–|to|bis|à)\s*\d+(?:[.,]\d+)?)?(?!\d)(?P<unit>.*)$"
)
_UNIT = re.compile(r"[/%]|10")
_CHUNKS = re.compile(r"[;\n]|,(?!\d)|\.(?!\d)|\s+-\s+|\b(?:and|und|et|y)\b")
_NAMED = re.compile(r"(?P<name>[^\d<>≤≥:=]*[^\W\d_])\s*(?:[:=]|\b(?:is|of|was|at|are|only|just)\b)*\s*(?=[<>≤≥]?\s*\d)")
_LONGEST_NAME = 4
_GROUP = 3
_LONGEST = 20_000


class Written(NamedTuple):
    """A value in words: its comparator, its number (of a range the lower one) and its unit."""

    sign: str | None
    number: float
    unit: str | None


def written(text: str) -> Written | None:
    """The value that a text is, with whatever a laboratory writes behind it; None where it is something else.

    >>> written("<0,5 x10^9/L"), written("0.3 - 0.5 G/l")
    (Written(sign='<', number=0.5, unit='x10^9/L'), Written(sign=None, number=0.3, unit='G/l'))
    >>> written("0.3* (phoned)"), written("see comment of 3 May")
    (Written(sign=None, number=0.3, unit=None), None)
    """
    found = _VALUE.match(_MARKS.sub("", text))
    if found is None:
        return None
    sign = (found["sign"] or "").replace("≤", "<=").replace("≥", ">=")
    unit = found["unit"].strip()
    # Other words behind a number are no unit of it.
    is_unit = unit and (_UNIT.search(unit) or len(unit.split()) == 1)
    return Written(sign or None, _number(found["number"]), unit if is_unit else None)


def _number(text: str) -> float:
    """A number with a point or a comma, of which one before three digits parts thousands: "1,500", not "0,500"."""
    whole, comma, rest = text.partition(",")
    is_thousands = comma and len(rest) == _GROUP and whole.strip("0")
    return float(whole + rest if is_thousands else text.replace(",", "."))


def named_values(text: str, is_test: Callable[[str], bool]) -> Iterator[tuple[str, Written]]:
    """The tests that a text names and their values.

    >>> list(named_values("Film reviewed. Neutrophils 0.3 x10^9/L, seen in 2026", lambda name: name == "Neutrophils"))
    [('Neutrophils', Written(sign=None, number=0.3, unit='x10^9/L'))]
    """
    for chunk in _CHUNKS.split(text[:_LONGEST]):
        found = _NAMED.search(chunk)
        value = written(chunk[found.end() :]) if found else None
        if found is None or value is None:
            continue
        words = found["name"].split()
        for start in range(max(0, len(words) - _LONGEST_NAME), len(words)):
            name = " ".join(words[start:])
            if is_test(name):
                yield name, value
                break
