"""Which analyte an unknown name of a test may mean: it is only near to a known one, or holds one among other words.

What is found here is never taken for the analyte. It is asked about, so that a misspelt or a longer name doesn't hide
a severe value; a word that makes it another test keeps it quiet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Literal, NamedTuple

from azaward.record.doubts import NEAR

# Why a name is only asked about.
Looks = Literal["spelling", "named"]
# Words that make whatever they stand beside another test, whose values say nothing of the analyte.
ELSEWHERE = ("specimen", "ratio", "glycated", "part", "other", "another")
# Weak words that leave a name what it is: "white cell neutrophils".
_HARMLESS = ("white", "cell", "body", "alkaline", "gamma")
# The markers by which cells are told apart: "CD4".
_SUBSET = re.compile(r"cd\d+\w*")
# Shorter words are near to too many others.
_SHORTEST, _LONG, _LONGER = 4, 5, 8
_LONGEST_NAME = 80
_FAR = 9


class Near(NamedTuple):
    """The analyte that a name may mean, and why it is only asked about."""

    analyte: str
    looks: Looks


class NearTests:
    """Look-ups by the names that are believed: for each the words that make it up, and its analyte."""

    def __init__(self, names: Mapping[frozenset[str], str]) -> None:
        self._names = names
        self._heads = {
            next(iter(key)): analyte for key, analyte in names.items() if len(key) == 1 and _is_head(next(iter(key)))
        }
        # Which analytes a word stands in the names of.
        self._of_word: dict[str, set[str]] = {}
        for key, analyte in names.items():
            for word in key:
                self._of_word.setdefault(word, set()).add(analyte)

    def near(self, tokens: Iterable[tuple[str, str]]) -> Near | None:
        """What the words of a name, each with its kind, may mean; None where that isn't one analyte.

        >>> tests = NearTests({frozenset({"neutrophil"}): "neutrophils", frozenset({"platelet"}): "platelets"})
        >>> tests.near([("neutrphil", "")])
        Near(analyte='neutrophils', looks='spelling')
        >>> tests.near([("neutrophil", ""), ("xyz", "")]), tests.near([("eosinophil", "")])
        (Near(analyte='neutrophils', looks='named'), None)
        """
        said = list(tokens)
        if any(
            _SUBSET.fullmatch(token) or kind in ELSEWHERE or (kind == "weak" and token not in _HARMLESS)
            for token, kind in said
        ):
            return None
        words = [token for token, kind in said if not kind]
        held = {self._heads[word] for word in words if word in self._heads} | set(self._whole(words))
        if held:
            analyte = next(iter(held))
            # A word of another analyte's name makes it a third test: "leukocyte alkaline phosphatase".
            alone = all(analyte in self._of_word.get(word, held) for word in words)
            return Near(analyte, "named") if len(held) == 1 and alone else None
        like = {analyte for word in words for analyte in self._like(word)}
        like |= {self._names[key] for key in self._names if len(key) > 1 and self._is_near(key, words)}
        return Near(next(iter(like)), "spelling") if len(like) == 1 else None

    def _whole(self, words: list[str]) -> Iterator[str]:
        """Analytes all of whose words stand in a name."""
        of_name = frozenset(words)
        return (analyte for key, analyte in self._names.items() if len(key) > 1 and key <= of_name)

    def _like(self, word: str) -> Set[str]:
        """The analytes of the nearest names of one word: misspelt, joined to another word or cut short."""
        least, found = _FAR, set[str]()
        for head, analyte in self._heads.items():
            far = _distance(word, head)
            if far < least:
                least, found = far, set[str]()
            if far == least < _FAR:
                found.add(analyte)
        return found

    def _is_near(self, key: frozenset[str], words: list[str]) -> bool:
        """Whether each word of a name of several is among these, and at least one of them misspelt."""
        return all(
            any(word == part or (_is_head(part) and _distance(word, part) < _FAR) for word in words) for part in key
        )


def _is_head(word: str) -> bool:
    return word.isalpha() and len(word) >= (_SHORTEST if word.isascii() else 2)


def _distance(word: str, head: str) -> int:
    """How many slips lie between two words, or more than any where they are different words."""
    if not word.isascii() and (head in word if len(head) > 2 or not head.isascii() else False):
        return 1
    if len(word) >= _LONG and (word.startswith(head) or (head.startswith(word) and len(head) >= _LONGER)):
        return 1
    if len(word) < _LONG or abs(len(word) - len(head)) > 2:
        return _FAR
    from rapidfuzz.distance import OSA

    most = 2 if min(len(word), len(head)) >= _LONGER else 1
    far = OSA.distance(word, head, score_cutoff=most)
    return far if far <= most else _FAR


_TOLD: Mapping[Looks, str] = {
    "spelling": NEAR + "{}' is only near to this test's name",
    "named": NEAR + "{}' holds this test's among other words",
}


def told(looks: Looks, name: str) -> str:
    """The doubt about a test that is only like an analyte, with its name as written.

    >>> told("spelling", "Neutrphils")
    "its name 'Neutrphils' is only near to this test's name"
    """
    return _TOLD[looks].format(" ".join(name.split())[:_LONGEST_NAME])
