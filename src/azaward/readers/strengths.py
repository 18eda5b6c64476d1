"""Doses that are counted in tablets or written in words, as milligrams a day.

A tablet is worth what the medicine's own name, product or order states, and only where that is one strength. Words are
read where all of them are understood: "Take THREE tablets once a day", "1-0-2", "150 mg daily".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from azaward.knowledge import Knowledge

_MG = r"(?:mgs?|milligrams?|milligramm|milligrammes)"
_STRENGTH = re.compile(rf"(?<![\w.,-])(\d+(?:[.,]\d+)?)\s*{_MG}(?!\w)", re.I)
# So many milligrams in so much of a liquid.
_LIQUID = re.compile(rf"{_MG}\s*(?:/|per|in|pro|par)\s*[\d.,]*\s*(?:ml|cc|l|millilit)", re.I)
_NUMBERS = {
    "half": 0.5,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "½": 0.5,
    "1/2": 0.5,
    "eine": 1,
    "ein": 1,
    "zwei": 2,
    "drei": 3,
    "vier": 4,
    "un": 1,
    "une": 1,
    "deux": 2,
    "trois": 3,
    "quatre": 4,
}
_TIMES = {
    **dict.fromkeys(("", "once", "einmal", "1x", "1 x", "1-mal", "une fois", "od", "qd", "o.d."), 1.0),
    **dict.fromkeys(("twice", "two times", "zweimal", "2x", "2 x", "deux fois", "bd", "bid", "b.d."), 2.0),
    **dict.fromkeys(("three times", "dreimal", "3x", "3 x", "trois fois", "tds", "tid", "t.d.s."), 3.0),
}
_BY_THEMSELVES = ("od", "qd", "o.d.", "bd", "bid", "b.d.", "tds", "tid", "t.d.s.")
_WORDY = re.compile(
    r"(?:(?:please )?(?:take|to be taken|prendre|einnehmen) )?"
    rf"(?P<amount>\d+(?:[.,]\d+)?|{'|'.join(map(re.escape, _NUMBERS))})"
    rf"(?: ?(?P<mg>{_MG})(?!\w)| ?(?P<piece>[^\W\d]+(?:\(s\))?))?"
    r"(?: to be taken| by mouth| orally| po| oral)*"
    rf"(?: (?P<times>{'|'.join(re.escape(each) for each in _TIMES if each)}))?"
    r"(?: by mouth| orally)?"
    r"(?P<daily> (?:a|per|each|every) day| daily| täglich| am tag| pro tag| par jour)?"
    r"(?: by mouth| orally)?\.?"
)
_PARTS_OF_DAY = re.compile(r"(\d(?:[.,]\d)?)((?: ?- ?\d(?:[.,]\d)?){2,3})(?: ([^\W\d]+))?\.?")


class Strengths:
    """Reads strengths and doses in words."""

    def __init__(self, knowledge: Knowledge) -> None:
        rows = [row.words for row in knowledge.tables["label_words"] if row.kind == "piece"]
        self._pieces = {word.strip() for words in rows for word in words.split(";")}

    def is_piece(self, unit: str | None) -> bool:
        """Whether a unit is one tablet or capsule, in words or as a code: "Tablette", "TAB", "{tbl}".

        >>> from azaward.knowledge import load
        >>> Strengths(load()).is_piece("{tbl}"), Strengths(load()).is_piece("mL")
        (True, False)
        """
        return _plain(unit or "").strip("{}[]. ") in self._pieces

    def stated(self, names: Iterable[str | None]) -> set[float]:
        """Every strength in mg that names state; none where one is that of a liquid.

        >>> from azaward.knowledge import load
        >>> Strengths(load()).stated(["Azathioprine 50mg tablets", "Imuran 50 mg"])
        {50.0}
        """
        plain = [_plain(name) for name in names if name]
        if any(_LIQUID.search(name) for name in plain):
            return set()
        return {_number(found[1]) for name in plain for found in _STRENGTH.finditer(name)}

    def counts(self, text: str | None) -> bool:
        """Whether words hold a number, so that they may give a dose."""
        return any(each.isdigit() or each in _NUMBERS for each in re.findall(r"\d|[^\W\d]+|½", _plain(text or "")))

    def daily(self, text: str | None, each_mg: float | None) -> float | None:
        """Milligrams a day of a dose in words; None unless all of them are understood.

        >>> from azaward.knowledge import load
        >>> words = Strengths(load())
        >>> words.daily("Take THREE tablets once a day", 50), words.daily("1-0-2", 50), words.daily("as directed", 50)
        (150.0, 150.0, None)
        """
        plain = " ".join(_plain(text or "").split())
        if parts := _PARTS_OF_DAY.fullmatch(plain):
            known = not parts[3] or self.is_piece(parts[3])
            amounts = [_number(each) for each in (parts[1] + parts[2]).replace(" ", "").split("-")]
            return sum(amounts) * each_mg if known and each_mg else None
        said = _WORDY.fullmatch(plain)
        if said is None or not (said["daily"] or said["times"] in _BY_THEMSELVES):
            return None
        amount = _NUMBERS.get(said["amount"]) or _number(said["amount"])
        if said["mg"]:
            return amount * _TIMES[said["times"] or ""]
        if each_mg is None or not self.is_piece(said["piece"]):
            return None
        return amount * each_mg * _TIMES[said["times"] or ""]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _number(text: str) -> float:
    return float(text.replace(",", "."))
