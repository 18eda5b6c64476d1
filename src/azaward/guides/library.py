"""Which guides are there, what does each say, and which of them answers a question in everyday words?

A guide is one Markdown file with its title, question and keywords in front; its numbers are references into
knowledge/. Texts stand apart from code: a translation is one more folder beside `texts/en`.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import msgspec

from azaward.errors import KnowledgeError
from azaward.guides import marks
from azaward.guides.facts import Cited, FactBook
from azaward.guides.figures import Icons
from azaward.guides.search import Entry, Index
from azaward.guides.words import TEXTS, GuideWords, words_of
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.schema import Fact

ENGLISH = "en"
_FENCE = "---\n"
_EMPTY_LINES = re.compile(r"\n{3,}")
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)


class Front(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in front of a guide's text."""

    title: str
    question: str
    topic: str
    keywords: list[str]
    reviewed_on: dt.date
    reading_grade: float


@dataclass(frozen=True)
class Body:
    """A guide's text with every number in place; its marks point at `sources` and `pictures`, `facts` are the rows."""

    markdown: str
    sources: tuple[Cited, ...]
    pictures: tuple[Icons, ...]
    facts: tuple[Fact, ...]

    @property
    def readable(self) -> str:
        """The Markdown with its sources as `[1]`, without pictures: the words beside each tell the same."""
        return _EMPTY_LINES.sub("\n\n", marks.shown(marks.PICTURE.sub("", self.markdown)))


@dataclass(frozen=True)
class Guide:
    """One guide as written: `body(knowledge)` fills in its numbers."""

    id: str
    front: Front
    text: str
    words: GuideWords = field(repr=False)

    def body(self, knowledge: Knowledge) -> Body:
        """The text with its numbers, sources and pictures; `KnowledgeError` names a fact that isn't there.

        >>> from azaward.knowledge import load
        >>> guide = library().get("missed-dose")
        >>> guide.body(load()).sources[0].how
        'full text'
        """
        # A list or a search of guides fills in nothing.
        from jinja2 import StrictUndefined, TemplateError
        from jinja2.sandbox import SandboxedEnvironment

        book = FactBook(knowledge, self.words)
        environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
        environment.globals.update(dict[str, Any](book.functions()))
        try:
            written = environment.from_string(self.text).render()
        except (TemplateError, KnowledgeError, TypeError) as error:
            raise KnowledgeError(f"guides/texts/{self.words.language}/{self.id}.md: {error}") from None
        return Body(marks.settled(written).strip() + "\n", book.sources, tuple(book.pictures), book.facts)


@dataclass(frozen=True)
class Library:
    """Every guide of a language, in the order of their topics."""

    guides: tuple[Guide, ...]
    words: GuideWords = field(repr=False)

    def get(self, id: str) -> Guide:
        """The guide of that id; `UnknownGuideError` tells the nearest ids."""
        for guide in self.guides:
            if guide.id == id:
                return guide
        raise UnknownGuideError(id, self.near(id))

    def near(self, id: str) -> list[str]:
        """Ids that a person who typed `id` may have meant, the nearest first.

        >>> library().near("mised-dose")[0]
        'missed-dose'
        """
        from rapidfuzz import process

        ids = [guide.id for guide in self.guides]
        close = [str(match[0]) for match in process.extract(id, ids, limit=3, score_cutoff=50)]
        return close or [guide.id for guide in self.search(id.replace("-", " "))][:3]

    def search(self, words: str) -> list[Guide]:
        """Guides that hold any of the words or are known by them, the best first.

        >>> [guide.id for guide in library().search("forgot my pill")][0]
        'missed-dose'
        """
        by_id = {guide.id: guide for guide in self.guides}
        return [by_id[id] for id in self._index.search(words)]

    @cached_property
    def _index(self) -> Index:
        entries = [
            Entry(
                guide.id,
                ". ".join(guide.front.keywords),
                guide.front.question,
                guide.front.title,
                _EXPRESSION.sub(" ", guide.text),
            )
            for guide in self.guides
        ]
        return Index(entries, frozenset(str(self.words("ui", "ignored_in_search")).split()))


class UnknownGuideError(KeyError):
    """There is no guide of this id; `near` holds the nearest."""

    def __init__(self, id: str, near: list[str]) -> None:
        super().__init__(id)
        self.id, self.near = id, near

    def __str__(self) -> str:
        did = f" Did you mean {' or '.join(self.near)}?" if self.near else ""
        return f"there is no guide {self.id!r}.{did} All of them: azaward guides list"


@lru_cache(maxsize=8)
def library(language: str = ENGLISH) -> Library:
    """The guides of a language; `KnowledgeError` names the file that can't be read.

    >>> library().guides[0].id
    'what-it-is'
    """
    words = words_of(language)
    guides = [_guide(path, words) for path in sorted((TEXTS / language).glob("*.md"))]
    topics = list(words.sections["topics"])
    order = {id: place for place, id in enumerate(words.sections["ui"]["order"])}
    guides.sort(key=lambda guide: (topics.index(guide.front.topic), order.get(guide.id, len(order)), guide.id))
    return Library(tuple(guides), words)


def _guide(path: Path, words: GuideWords) -> Guide:
    import yaml

    where = f"guides/texts/{words.language}/{path.name}"
    text = path.read_text(encoding="utf-8")
    _, fence, rest = text.partition(_FENCE)
    front, end, body = rest.partition(f"\n{_FENCE}")
    if not (text.startswith(_FENCE) and fence and end):
        raise KnowledgeError(f"{where}: expected title, question, topic, ... between two lines of ---")
    try:
        held = msgspec.convert(yaml.load(front, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), Front)  # noqa: S506
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise KnowledgeError(f"{where}: {error}") from None
    if held.topic not in words.sections["topics"]:
        raise KnowledgeError(f"{where}: no topic {held.topic!r} in words.yaml")
    return Guide(path.stem, held, body, words)
