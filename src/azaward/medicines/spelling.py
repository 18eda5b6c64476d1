"""How far a typed name is from a known one, counted in slips of the finger and the ear.

The usual edit distance (of rapidfuzz) takes every changed letter for equally likely. A neighbouring key, a letter that
sounds alike or a letter written twice is a likelier slip than any other letter, and the first letter is rarely wrong:
that tells "lisinopril" from "fosinopril", which are two letters apart.
"""

from __future__ import annotations

import re
from functools import lru_cache

# What each slip costs; one is an ordinary slip. Chosen on benchmarks/names.py.
NEXT_KEY, ALIKE, OTHER_LETTER = 1.0, 0.6, 1.7
LEFT_OUT, TOO_MANY, TWICE, SWAPPED = 1.0, 1.1, 0.6, 1.0
FIRST_LETTER = 0.7
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SOUND_ALIKE = ("aeiou", "iy", "ckq", "sz", "vw", "mn", "dt", "bp", "fv", "gj")

# Letters that are written for one another because they sound alike, applied in order.
_SOUNDS = tuple(
    (re.compile(pattern), heard)
    for pattern, heard in (
        (r"[\W_]+", ""),
        (r"ph", "f"),
        (r"([rt])h", r"\1"),
        (r"y", "i"),
        (r"ae|oe", "e"),
        (r"sc(?=[ei])|c(?=[ei])|z", "s"),
        (r"ck|qu|q|c(?!h)", "k"),
        (r"x", "ks"),
        (r"(.)\1+", r"\1"),
        (r"(?<=.{4})e$", ""),
    )
)


def slips(typed: str, name: str) -> float:
    """The cost of the cheapest slips that make `typed` out of `name`, both folded and without spaces.

    >>> slips("alopurinol", "allopurinol"), slips("azathioprime", "azathioprine")
    (0.6, 0.6)
    >>> round(slips("lisinopril", "fosinopril"), 1)
    3.0
    """
    width = len(name) + 1
    before_last: list[float] = []
    last = [0.0]
    for at in range(1, width):
        last.append(last[-1] + _left_out(name, at - 1))
    for row, letter in enumerate(typed):
        line = [last[0] + _too_many(typed, row)]
        for at in range(1, width):
            same = name[at - 1] == letter
            cost = min(
                last[at] + _too_many(typed, row),
                line[at - 1] + _left_out(name, at - 1),
                last[at - 1] + (0.0 if same else _changed(letter, name[at - 1]) + _at_start(at - 1)),
            )
            if row and at > 1 and letter == name[at - 2] and typed[row - 1] == name[at - 1]:
                cost = min(cost, before_last[at - 2] + (0.0 if same else SWAPPED))
            line.append(cost)
        before_last, last = last, line
    return last[-1]


def _at_start(place: int) -> float:
    return FIRST_LETTER if place == 0 else 0.0


def _left_out(name: str, place: int) -> float:
    return TWICE if place and name[place] == name[place - 1] else LEFT_OUT + _at_start(place)


def _too_many(typed: str, place: int) -> float:
    return TWICE if place and typed[place] == typed[place - 1] else TOO_MANY + _at_start(place)


@lru_cache(maxsize=2048)
def _changed(one: str, other: str) -> float:
    if any(one in group and other in group for group in _SOUND_ALIKE):
        return ALIKE
    return NEXT_KEY if other in _beside(one) else OTHER_LETTER


def _beside(letter: str) -> str:
    """The keys around a letter's."""
    for row, keys in enumerate(_ROWS):
        place = keys.find(letter)
        if place >= 0:
            rows = _ROWS[max(0, row - 1) : row + 2]
            return "".join(each[max(0, place - 1) : place + 2] for each in rows)
    return ""


def sound(text: str) -> str:
    """A folded name as it is heard: two names that sound alike come out the same.

    >>> sound("azathioprine"), sound("azatioprin")
    ('asatioprin', 'asatioprin')
    """
    for pattern, heard in _SOUNDS:
        text = pattern.sub(heard, text)
    return text
