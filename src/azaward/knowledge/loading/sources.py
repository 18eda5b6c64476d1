"""Is each source one document, and can a reader find it?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from azaward.knowledge.loading.schema import FILES, Fact, Source

_FINDABLE = re.compile(r"https?://\S+\.\S|doi:10\.\d|PMID:\d|PMC\d")
_OURS = re.compile(r"urn:azaward:\S|docs/\S")
_PREFIX = re.compile(r"^(https?://)?(www\.)?((dx\.)?doi\.org/|doi:\s*)?")
_NO_LETTERS = re.compile(r"[^a-z0-9]+")
# A row names the copy that was read where its source isn't one.
_A_COPY = re.compile(r"\bas copied at\b", re.IGNORECASE)


def source_faults(sources: Sequence[Source]) -> Iterator[str]:
    """One line for each source that nobody can find, or that stands there under another id already."""
    file = FILES["sources"]
    for line, source in enumerate(sources, 2):
        if source.kind == "own" and not _OURS.match(source.identifier):
            yield (
                f"{file}:{line} identifier: {source.identifier!r} is no text of ours. "
                "Give `urn:azaward:...` or a page of docs/, or say what kind of source it is."
            )
        elif source.kind != "own" and not _FINDABLE.match(source.identifier):
            yield (
                f"{file}:{line} identifier: nobody can find {source.identifier!r}. "
                "Give an address, `doi:...`, `PMID:...` or `PMC...`."
            )
    yield from _twice(sources, lambda source: _document(source.identifier), "identifier", "address")
    yield from _twice(sources, lambda source: (_words(source.title), _words(source.publisher)), "title", "title")


def rests_on_a_copy(row: Fact, source: Source) -> bool:
    """Whether a row was read on a page that copies or retells somebody else's text."""
    return source.kind == "web copy" or bool(_A_COPY.search(row.locator))


def _twice(sources: Sequence[Source], of: Callable[[Source], Any], column: str, what: str) -> Iterator[str]:
    seen: dict[Any, str] = {}
    for line, source in enumerate(sources, 2):
        if (first := seen.setdefault(of(source), source.id)) != source.id:
            yield f"{FILES['sources']}:{line} {column}: {source.id!r} has the {what} of {first!r}. Keep one id."


def _document(identifier: str) -> str:
    return _PREFIX.sub("", identifier.casefold(), count=1).rstrip("/")


def _words(text: str) -> str:
    return _NO_LETTERS.sub(" ", text.casefold()).strip()
