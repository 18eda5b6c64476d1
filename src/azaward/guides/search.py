"""Which guide answers "throwing up" or "forgot my pill"? SQLite's full-text search over titles, questions and keywords.

Words are cut to their stems, any of them may be met, and a guide's own everyday keywords weigh most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import apsw

# How much a word counts in the keywords, the question, the title and the text.
_WEIGHTS = (10.0, 6.0, 6.0, 1.0)


class Entry(NamedTuple):
    """What is searched of one guide."""

    id: str
    keywords: str
    question: str
    title: str
    body: str


class Index:
    """A full-text index of guides, held in memory; `ignored` words say nothing about which guide answers.

    >>> entries = [Entry("nausea", "throwing up", "", "", ""), Entry("sun", "sunburn", "", "", "")]
    >>> Index(entries, frozenset(("i", "am"))).search("I am throwing up")
    ['nausea']
    """

    def __init__(self, entries: Iterable[Entry], ignored: frozenset[str]) -> None:
        self._ignored = ignored
        self._base = apsw.Connection(":memory:")
        self._base.execute(
            "create virtual table guides using fts5(id unindexed, keywords, question, title, body, "
            "tokenize='porter unicode61 remove_diacritics 2')"
        )
        self._base.executemany("insert into guides values (?, ?, ?, ?, ?)", list(entries))

    def search(self, words: str) -> list[str]:
        """Ids of the guides that hold any of the words, the best first; none for words that nothing holds."""
        asked = re.findall(r"[^\W_]+", words.casefold().replace("'", "").replace("\u2019", ""))
        telling = [word for word in asked if word not in self._ignored]
        if not telling:
            return []
        query = " OR ".join(f'"{word}"' for word in dict.fromkeys(telling))
        rows = self._base.execute(
            "select id from guides where guides match ? order by bm25(guides, 0, ?, ?, ?, ?)", (query, *_WEIGHTS)
        )
        return [str(id) for (id,) in rows]
