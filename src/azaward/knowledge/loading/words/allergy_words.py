"""What a record says of allergies and of what wasn't tolerated, in the words of several languages.

The words stand in report_words.csv. What isn't English is put into the English that the reading of harms understands:
"Azathioprinunverträglichkeit" is an intolerance of azathioprin, "allergie à l'azathioprine" an allergy to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from azaward.knowledge.loading.load import Knowledge
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.words.report_words import any_of, unmarked

_COMPLAINT = re.compile(r"\b(?:allergy|intolerance|adverse (?:drug )?(?:effect|reaction|event)|side effects?)\b")


class AllergyWords:
    """Look-ups of words of allergies, made once for a knowledge base."""

    def __init__(self, knowledge: Knowledge) -> None:
        said: dict[str, list[str]] = {}
        for row in knowledge.tables["report_words"]:
            said.setdefault(row.kind, []).extend(split(row.words))
        self._english = {kind: any_of(said[kind]) for kind in ("allergy", "intolerance")}
        self._end = {kind: _ending(said[kind]) for kind in self._english}
        to = "|".join(sorted(map(re.escape, said["to"]), key=len, reverse=True))
        self._to = re.compile(rf"\b(allergy|intolerance)(?: (?:{to}))+\b")
        self._denied, self._except = any_of(said["unallergic"]), any_of(said["except"])
        self._group = any_of(said["group"])

    def in_english(self, text: str) -> str:
        """A text with its words for allergies and intolerance in English, and whatever else as it is.

        >>> from azaward.knowledge import load
        >>> AllergyWords(load()).in_english("Allergie à l'azathioprine, Azathioprinunverträglichkeit")
        'allergy to azathioprine, azathioprin intolerance'
        """
        said = unmarked(text)
        for kind, words in self._english.items():
            said = words.sub(kind, self._end[kind].sub(rf"\1 {kind}", said))
        return self._to.sub(r"\1 to", said)

    def cause(self, text: str) -> str:
        """What a text blames: its words but those for an allergy."""
        return re.sub(r"\b(?:allergy|intolerance)(?: to)?\b", " ", self.in_english(text)).strip(" -:,;.")

    def complains(self, text: str) -> bool:
        """Whether a text speaks of an allergy or of what wasn't tolerated."""
        said = self.in_english(text)
        return _COMPLAINT.search(said) is not None

    def denies(self, text: str) -> bool:
        """Whether a text says that there is no allergy; "NKDA except azathioprine" doesn't.

        >>> from azaward.knowledge import load
        >>> words = AllergyWords(load())
        >>> words.denies("Keine bekannten Allergien"), words.denies("NKDA except azathioprine")
        (True, False)
        """
        said = unmarked(text)
        return self._denied.search(said) is not None and self._except.search(said) is None

    def names_group(self, text: str) -> bool:
        """Whether a text names a group of medicines that azathioprine belongs to."""
        return self._group.search(unmarked(text)) is not None


def _ending(words: Iterable[str]) -> re.Pattern[str]:
    """What finds such words as the end of a longer one."""
    stems = sorted({unmarked(word.rstrip("*")) for word in words if " " not in word}, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(\w{{3,}}?)(?:{'|'.join(map(re.escape, stems))})\w*")
