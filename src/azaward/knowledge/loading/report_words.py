"""What a report says in words that somebody has to read today, and what a laboratory says of a sample's condition.

The words stand in report_words.csv. A word counts wherever a sentence holds it, unless the sentence denies it: "no
blasts", "neutropenia excluded". What can't be excluded isn't denied, and a denial reaches no further than its list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from azaward.knowledge.loading.load import Knowledge
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.test_names import folded

_SENTENCES = re.compile(r"[.;!?\n]+(?!\d)|\s-\s")
# How many words a denial reaches.
_REACH = 6
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
        self._calm = any_of([*said["calm"], *said["lists"], *said["denies"], *said["serious"]])
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
        return any(self._says(sentence) for sentence in _SENTENCES.split(text) if sentence.strip())

    def is_calm(self, text: str) -> bool:
        """Whether a text says no more than that all is well.

        >>> from azaward.knowledge import load
        >>> words = ReportWords(load())
        >>> words.is_calm("Normal full blood count. No neutropenia."), words.is_calm("Please repeat in a week")
        (True, False)
        """
        rest = _NOT_WORD.sub("", self._calm.sub(" ", unmarked(text)))
        return bool(text.strip()) and not rest and not self.is_serious(text)

    def is_sound(self, condition: str) -> bool:
        """Whether a specimen in this condition can be measured as it should be.

        >>> from azaward.knowledge import load
        >>> ReportWords(load()).is_sound("Room temperature"), ReportWords(load()).is_sound("Clotted")
        (True, False)
        """
        return _plain(condition) in self._sound

    def _says(self, sentence: str) -> bool:
        """Whether one sentence says a serious word without denying it, part by part."""
        running = False
        for part in self._parts.sub(",", self._open.sub(" ", unmarked(sentence))).split(","):
            found = self._serious.search(part)
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


def unmarked(text: str) -> str:
    """Words without case, accents and apostrophes.

    >>> unmarked("L'Azathioprine, à Évian")
    'l azathioprine, a evian'
    """
    return folded(text).replace("'", " ").replace("\u2019", " ")


def _plain(text: str) -> str:
    return " ".join(_NOT_WORD.sub(" ", unmarked(text)).split())
