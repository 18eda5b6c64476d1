"""What a report says in words that somebody has to read today, and what a laboratory says of a sample's condition.

The words stand in report_words.csv. A word counts wherever a sentence holds it, unless the sentence denies it: "no
blasts", "neutropenia excluded". What can't be excluded isn't denied, and a denial reaches no further than its list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from azaward.knowledge.loading.load import Knowledge
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.words.test_names import folded

_SENTENCES = re.compile(r"[.;!?\n]+(?!\d)|\s-\s")
# How many words a denial reaches.
_REACH = 6
# A longer text says more than that all is well.
_LONGEST_CALM = 600
_NOT_WORD = re.compile(r"[^\w%]+")


class ReportWords:
    """Look-ups of words in reports, made once for a knowledge base."""

    def __init__(self, knowledge: Knowledge) -> None:
        said: dict[str, list[str]] = {}
        for row in knowledge.tables["report_words"]:
            said.setdefault(row.kind, []).extend(split(row.words))
        self._serious, self._denies = any_of(said["serious"]), any_of(said["denies"])
        self._denied, self._open = any_of(said["denied"]), any_of(said["open"])
        self._parts = any_of(said["parts"])
        self._listed = any_of([*said["serious"], *said["lists"]])
        well = [*said["calm"], *said["denied"]]
        self._well, self._findings = any_of(well), any_of(said["findings"])
        self._known = any_of(
            [each for kind in ("about", "lists", "denies", "serious", "findings") for each in said[kind]] + well
        )
        self._unwell = re.compile(rf"(?:{self._denies.pattern})\W+(?:\w+\W+)?(?:{any_of(said['calm']).pattern})")
        self._virus, self._recent = any_of(said["virus"]), any_of(said["recent"])
        self._old = any_of([each for kind in ("virus", "past", "positive", "lists") for each in said[kind]])
        self._past, self._about = any_of(said["past"]), any_of([*said["about"], *said["lists"]])
        self._sound = {_plain(each) for each in said["sound"]}

    def is_serious(self, text: str) -> bool:
        """Whether a text says what somebody has to read today.

        >>> from azaward.knowledge import load
        >>> words = ReportWords(load())
        >>> words.is_serious("Hb normal. Severe neutropenia"), words.is_serious("No blasts, lymphoma or neutropenia")
        (True, False)
        >>> words.is_serious("Agranulozytose nicht ausgeschlossen"), words.is_serious("Neutropenia excluded")
        (True, False)
        """
        if not self._serious.search(self._open.sub(" ", unmarked(text))):
            return False
        return any(self._says(sentence, self._serious) for sentence in self._sentences(text))

    def is_calm(self, text: str) -> bool:
        """Whether a text says no more than that all is well.

        >>> from azaward.knowledge import load
        >>> words = ReportWords(load())
        >>> words.is_calm("Normal full blood count. No neutropenia."), words.is_calm("Please repeat in a week")
        (True, False)
        >>> words.is_calm("Kein pathologischer Befund"), words.is_calm("Not normal"), words.is_calm("No platelets")
        (True, False, False)
        """
        if len(text) > _LONGEST_CALM:
            return False
        sentences = list(self._sentences(text))
        return bool(sentences) and all(map(self._is_calm, sentences)) and not self.is_serious(text)

    def _is_calm(self, sentence: str) -> bool:
        """Whether one sentence holds only words that are known, and says of what it is about that all is well."""
        said = unmarked(sentence)
        rest = _NOT_WORD.sub("", self._known.sub(" ", said))
        well = self._well.search(said) or self._denies.search(said)
        unwell = self._unwell.search(said) or any(map(self._denies_all, said.split(",")))
        return not (rest or unwell or self._says(sentence, self._findings)) and bool(well)

    def _denies_all(self, part: str) -> bool:
        """Whether a part of a sentence denies what it is about, and no finding: "no platelets"."""
        rest = self._well.sub(" ", part)
        denial = self._denies.search(rest)
        return denial is not None and not _NOT_WORD.sub("", self._about.sub(" ", rest[denial.end() :]))

    def _sentences(self, text: str) -> list[str]:
        """The sentences of a text, without what only says that somebody once had an infection that most have had."""
        recent = any(self._says(sentence, self._recent) for sentence in _SENTENCES.split(text))
        said = [sentence for sentence in _SENTENCES.split(text) if sentence.strip()]
        return said if recent else [self._without_old(sentence) for sentence in said]

    def _without_old(self, sentence: str) -> str:
        parts = [unmarked(part) for part in sentence.split(",")]
        old = [self._is_old(part) for part in parts]
        return ",".join("normal" if is_old else part for part, is_old in zip(parts, old, strict=True))

    def _is_old(self, part: str) -> bool:
        both = self._virus.search(part) and self._past.search(part)
        return both is not None and not _NOT_WORD.sub("", self._old.sub(" ", part))

    def is_sound(self, condition: str) -> bool:
        """Whether a specimen in this condition can be measured as it should be.

        >>> from azaward.knowledge import load
        >>> ReportWords(load()).is_sound("Room temperature"), ReportWords(load()).is_sound("Clotted")
        (True, False)
        """
        return _plain(condition) in self._sound

    def _says(self, sentence: str, words: re.Pattern[str]) -> bool:
        """Whether one sentence says one of these words without denying it, part by part."""
        running = False
        for part in self._parts.sub(",", self._open.sub(" ", unmarked(sentence))).split(","):
            found = words.search(part)
            if found is None:
                running = running and not part.strip()
                continue
            # "No blasts, lymphoma or neutropenia": the denial reaches along a list of nothing else.
            listed = running and not _NOT_WORD.sub("", self._listed.sub("", part))
            before, after = part[: found.start()].split()[-_REACH:], part[found.end() :].split()[:_REACH]
            denied = self._denies.search(" ".join(before)) is not None
            if not (listed or denied or self._denied.search(" ".join(after))):
                return True
            running = bool(listed or denied)
        return False


def any_of(words: Iterable[str]) -> re.Pattern[str]:
    """What finds words, the longest first; a star stands for any ending.

    >>> any_of(["pancytop*", "blast"]).findall("blast, blastic, pancytopenia")
    ['blast', 'pancytopenia']
    """
    longest = sorted({unmarked(word).strip() for word in words}, key=len, reverse=True)
    ends = (rf"{re.escape(each[:-1])}\w*" if each.endswith("*") else rf"{re.escape(each)}(?!\w)" for each in longest)
    return re.compile(rf"(?<!\w)(?:{'|'.join(ends)})")


@lru_cache(4096)
def unmarked(text: str) -> str:
    """Words without case, accents and apostrophes.

    >>> unmarked("L'Azathioprine, à Évian")
    'l azathioprine, a evian'
    """
    return folded(text).replace("'", " ").replace("\u2019", " ")


def _plain(text: str) -> str:
    return " ".join(_NOT_WORD.sub(" ", unmarked(text)).split())
