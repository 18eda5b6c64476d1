"""Values that stand in prose: "Neutrophils 0.3 x10^9/L (phoned)", "fell from 4.1 to 0.3", "Urin: Leukozyten 25/µl".

Nothing of it is taken at its word: whoever uses such a value says that it stood in words. But a number that would be
severe isn't passed over because somebody wrote it into a sentence, unless the sentence says that it is of another time,
in another material, an aim or a condition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.words.report_words import any_of, unmarked

_SENTENCES = re.compile(r"[;\n!?]|\.(?=\s|$)")
_CHUNKS = re.compile(r",(?!\d)|\s+-\s+|\b(?:and|und|et|y)\b")
# A number as it is written, with thousands apart or as a range of two, and the sign before it.
_AMOUNT = re.compile(
    r"(?P<sign>[<>]=?|≤|≥)?\s*(?<![\w.,^*])\d[\d.,]*(?:[ \u00a0\u202f]\d{3}(?![\d.,]))*"
    r"(?:\s*(?:-|–|to|bis|à|auf|a)\s*\d[\d.,]*)?"
)
_POWER = re.compile(r"\s*[(\[]?\s*[x×*]?\s*10\s*[*^]*\s*\(?[\d⁰-⁹]+\)?(?=\s*/)")
# Of the words behind a number the first three may be its unit.
_UNIT = re.compile(r"(?:\s*[^\s\d]\S*){0,3}")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_AROUND_NAMES = " .,()[]:=*"
_LONGEST_NAME = 4
_LONGEST_LINK = 6
_LONGEST = 20_000
_KEPT = 20_000
_DIGIT = re.compile(r"\d")


class Named(NamedTuple):
    """A test that a text names and the amount that it tells, with the words before and behind them."""

    name: str
    amount: str
    before: str = ""
    behind: str = ""
    is_limit: bool = False


class _Piece(NamedTuple):
    """The words up to an amount, all words since the last amount that was used, the amount, and what is behind it."""

    words: str
    since: str
    sign: str | None
    amount: str
    behind: str


class Prose:
    """What the words around a number say of it, made once for a knowledge base.

    `means` says of a name whether it is that of a test (True), of another quantity (False), or neither (None).

    >>> from azaward.knowledge import load
    >>> prose = Prose(load(), lambda name: True if name == "Neutrophils" else None)
    >>> [(said.name, said.amount) for said in prose.named("Neutrophils fell from 4.1 to 0.3 x10^9/L, seen in 2026")]
    [('Neutrophils', '4.1 to 0.3 x10^9/L')]
    >>> [prose.counts(said, "2026") for said in prose.named("Neutrophils 0.3 in 2019. Urine: Neutrophils 25/uL")]
    [False, False]
    """

    def __init__(self, knowledge: Knowledge, means: Callable[[str], bool | None]) -> None:
        said: dict[str, list[str]] = {}
        for row in knowledge.tables["report_words"]:
            said.setdefault(row.kind, []).extend(split(row.words))
        self._means = means
        self._earlier, self._elsewhere = any_of(said["earlier"]), any_of(said["elsewhere"])
        self._if, self._aims, self._under = any_of(said["if"]), any_of(said["aims"]), any_of(said["under"])
        self._links = any_of([*said["earlier"], *said["links"], *said["under"]])
        # Reports repeat their words.
        self._is_link, self._name = lru_cache(_KEPT)(self._links_only), lru_cache(_KEPT)(self._names)

    def is_elsewhere(self, text: str) -> bool:
        """Whether a text names another material than blood in which cells are counted."""
        return self._elsewhere.search(unmarked(text)) is not None

    def counts(self, said: Named, year: str | None) -> bool:
        """Whether a number may be a value of now: not of another time or material, nor an aim or a condition."""
        before, behind = unmarked(said.before), unmarked(said.behind)
        years = {*_YEAR.findall(before), *_YEAR.findall(behind)}
        if self.is_elsewhere(before) or self.is_elsewhere(behind) or (year and years and year not in years):
            return False
        # "0.3 (previously 4.1)": what is said of the next number isn't said of this one.
        own = before if re.search(r"\d", _YEAR.sub("", behind)) else f"{before} ; {behind}"
        return not (said.is_limit or self._earlier.search(own) or self._aims.search(own))

    def named(self, text: str) -> Iterator[Named]:
        """The tests that a text names and what it tells of them, in its order."""
        for sentence in _SENTENCES.split(text[:_LONGEST]):
            if _DIGIT.search(sentence):
                yield from self._of_sentence(sentence)

    def _of_sentence(self, sentence: str) -> Iterator[Named]:
        label, last, is_condition = "", "", False
        for chunk in _CHUNKS.split(sentence):
            for piece in self._pieces(chunk):
                head, colon, _ = piece.since.rpartition(":")
                if colon and not self._name(head):
                    label = head
                found = self._name(piece.words)
                if found is None and last and self._is_link(piece.words):
                    found = last, "", piece.words
                if found is None or not piece.amount:
                    continue
                last, between = found[0], found[2]
                is_under = bool(piece.sign) or self._under.search(unmarked(between)) is not None
                is_condition = is_under and (is_condition or self._if.search(unmarked(piece.since)) is not None)
                if last:
                    before = f"{label} ; {piece.since.removesuffix(piece.words)} {found[1]} ; {between}"
                    yield Named(last, piece.amount, before, piece.behind, is_condition)

    def _pieces(self, chunk: str) -> Iterator[_Piece]:
        """The amounts of a part of a sentence, and at its end the words behind the last, with no amount."""
        used = end = 0
        while amount := _AMOUNT.search(chunk, end):
            words, since = chunk[end : amount.start()], chunk[used : amount.start()]
            power = _POWER.match(chunk, amount.end())
            end = power.end() if power else amount.end()
            unit = _UNIT.match(chunk, end)
            written = chunk[amount.start() : unit.end() if unit else end].strip()
            if self._name(words) or self._is_link(words):
                used = end
            yield _Piece(words, since, amount["sign"], written, chunk[end:])
        yield _Piece(chunk[end:], chunk[used:], None, "", "")

    def _names(self, words: str) -> tuple[str, str, str] | None:
        """The test that words end in (no name of another quantity), what stands before it, and what links it on."""
        tokens = [token for each in words.split() if (token := each.strip(_AROUND_NAMES))]
        for end in range(len(tokens), max(0, len(tokens) - _LONGEST_LINK), -1):
            if not self._is_link(" ".join(tokens[end:])):
                continue
            for start in range(max(0, end - _LONGEST_NAME), end):
                name = " ".join(tokens[start:end])
                if (meant := self._means(name)) is not None:
                    return name if meant else "", " ".join(tokens[:start]), " ".join(tokens[end:])
        return None

    def _links_only(self, words: str) -> bool:
        """Whether words do no more than link a test to its value: "are now", "fell from"."""
        return not re.search(r"\w", self._links.sub(" ", unmarked(words)))
