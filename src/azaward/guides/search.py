"""Which guide answers "throwing up" or "forgot my pill"? SQLite's full-text search over titles, questions and keywords.

Words are cut to their stems, any of them may be met, and a guide's own everyday keywords weigh most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

import apsw

# How much a word counts in the keywords, the question, the title and the text.
_WEIGHTS = (10.0, 6.0, 6.0, 1.0)
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
# Words that every question holds say nothing about which guide answers it.
_EMPTY = frozenset(
    "a about after am an and any are at be been but by can could did do does for from get got had has have how i if "
    "im in is it its ive just me my of on or should so than that the their them then there they this to was what "
    "when where which who why will with would you your azathioprine".split()
)


class _Front(Protocol):
    @property
    def title(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def keywords(self) -> list[str]: ...


class Searchable(Protocol):
    """What the index needs of a guide."""

    @property
    def id(self) -> str: ...
    @property
    def front(self) -> _Front: ...
    @property
    def text(self) -> str: ...


class Index:
    """A full-text index of guides, held in memory."""

    def __init__(self, guides: Iterable[Searchable]) -> None:
        self._base = apsw.Connection(":memory:")
        self._base.execute(
            "create virtual table guides using fts5(id unindexed, keywords, question, title, body, "
            "tokenize='porter unicode61 remove_diacritics 2')"
        )
        self._base.executemany(
            "insert into guides values (?, ?, ?, ?, ?)",
            [
                (
                    guide.id,
                    ". ".join(guide.front.keywords),
                    guide.front.question,
                    guide.front.title,
                    _EXPRESSION.sub(" ", guide.text),
                )
                for guide in guides
            ],
        )

    def search(self, words: str) -> list[str]:
        """Ids of the guides that hold any of the words, the best first; none for words that say nothing."""
        asked = re.findall(r"[^\W_]+", words.casefold().replace("'", ""))
        telling = [word for word in asked if word not in _EMPTY] or asked
        if not telling:
            return []
        query = " OR ".join(f'"{word}"' for word in dict.fromkeys(telling))
        rows = self._base.execute(
            "select id from guides where guides match ? order by bm25(guides, 0, ?, ?, ?, ?)", (query, *_WEIGHTS)
        )
        return [str(id) for (id,) in rows]
