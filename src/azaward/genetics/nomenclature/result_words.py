"""Which meaning has a word or a phrase of a laboratory's sentence? The words stand in result_words.csv.

Case, accents and hyphens don't matter, and the longest phrase counts: "not detected" is no denial of the whole. Where
languages give one word two meanings, the more cautious one counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.words.test_names import folded

# What keeps a result from being used as the patient's, and what the reader is told of it.
BLOCKERS = {
    "person": "names another person",
    "denies": "denies or corrects something",
    "none of": "denies something",
    "asked for": "asks for a result, awaits one or sets a condition",
    "earlier": "speaks of an earlier time",
    "failed": "says that the test failed or was not done",
    "doubt": "leaves the result in doubt",
}
# The longer a word stands in this list, the more another meaning of the same word counts.
_LEAST = ("filler", "or", "strongly", "found", "variation")
_WORDS = re.compile(r"[^\W_]+")
_ABBREVIATION = re.compile(r"[A-Z]{2}")


class ResultWords:
    """Look-ups of phrases, made once for a knowledge base."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._starts: list[tuple[str, str]] = []
        self._abbreviations: dict[str, str] = {}
        meanings: dict[tuple[str, ...], str] = {}
        for row in knowledge.tables["result_words"]:
            for written in split(row.words):
                self._add(written, row.meaning, meanings)
        for phrase, meaning in meanings.items():
            self._phrases.setdefault(phrase[0], []).append((phrase, meaning))
        for same_start in self._phrases.values():
            same_start.sort(key=lambda each: -len(each[0]))
        self._starts.sort(key=lambda each: (_rank(each[1]), -len(each[0])))

    def _add(self, written: str, meaning: str, meanings: dict[tuple[str, ...], str]) -> None:
        if _ABBREVIATION.fullmatch(written):
            self._abbreviations[written] = meaning
            return
        words = words_of(written)
        if written.endswith("*"):
            self._starts.append((words[-1], meaning))
            return
        meanings[words] = min(meanings.get(words, meaning), meaning, key=_rank)

    def at(self, words: Sequence[str], written: str) -> tuple[int, str] | None:
        """How many of these words, folded, make a phrase at their beginning, and its meaning; None for no phrase.

        `written` is the first word as it came: abbreviations such as IM count in capitals only.

        >>> from azaward.knowledge import load
        >>> ResultWords(load()).at(["not", "detected", "here"], "not")
        (2, 'not found')
        """
        if meaning := self._abbreviations.get(written):
            return 1, meaning
        for phrase, meaning in self._phrases.get(words[0], ()):
            if tuple(words[: len(phrase)]) == phrase:
                return len(phrase), meaning
        return next(((1, meaning) for start, meaning in self._starts if words[0].startswith(start)), None)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text without case and accents.

    >>> words_of("Wild-Type d'État")
    ('wild', 'type', 'd', 'etat')
    """
    return tuple(_WORDS.findall(folded(text)))


def _rank(meaning: str) -> int:
    if meaning in BLOCKERS or meaning == "reference range":
        return 0
    return 2 + len(_LEAST) - _LEAST.index(meaning) if meaning in _LEAST else 1


@lru_cache(maxsize=2)
def result_words(knowledge: Knowledge) -> ResultWords:
    """The look-ups of a knowledge base, made once."""
    return ResultWords(knowledge)
