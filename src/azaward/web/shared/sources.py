"""How is a source shown under what was read in it: its title, the place in it, who published it, and where it is?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from azaward.knowledge import Knowledge
from azaward.reports.words import HOW, link


class _Cited(Protocol):
    @property
    def source(self) -> str: ...
    @property
    def locator(self) -> str: ...
    @property
    def how(self) -> str: ...


@dataclass(frozen=True)
class Source:
    """One source and the place in it; `address` is None where it has none that a browser may follow."""

    title: str
    locator: str
    published: str
    how: str
    identifier: str
    address: str | None


def sources_of(cited: Iterable[_Cited], knowledge: Knowledge) -> list[Source]:
    """Each source once, in order.

    >>> from azaward.knowledge import load
    >>> sources_of(load().tables["tests"][:2], load())[0].how
    "read in the source's own text"
    """
    shown_once: dict[Source, None] = {}
    for source in cited:
        row = knowledge.sources[source.source]
        day = "" if row.published_on == "undated" else f", {row.published_on}"
        shown = Source(
            row.title, source.locator, f"{row.publisher}{day}", HOW[source.how], row.identifier, link(row.identifier)
        )
        shown_once[shown] = None
    return list(shown_once)
