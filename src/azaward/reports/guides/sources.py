"""How is a source written under a guide? Its title, who published it, where in it, and whether it was read itself."""

from __future__ import annotations

from typing import NamedTuple

from azaward.guides.facts import Cited
from azaward.guides.words import GuideWords
from azaward.reports.words import link

# A reader needs the place; a reviewer finds every place in the JSON and in the appendix of the book.
_PLACES = 2


class Line(NamedTuple):
    """One source in parts, so that each page sets them in its own way."""

    number: int
    title: str
    published: str
    places: str
    identifier: str
    address: str | None


def line(source: Cited, words: GuideWords) -> Line:
    """The parts of a source's line.

    >>> from azaward.guides.words import words_of
    >>> one = Cited(1, "a", "A trial", "A journal", "undated", "doi:10.1/a", ("abstract", "Table 1", "Table 2"), "own")
    >>> line(one, words_of("en")).places
    'abstract; Table 1; and 1 more place (our own decision)'
    """
    day = "" if source.published_on == "undated" else f", {source.published_on}"
    places = list(source.locators[:_PLACES])
    more = len(source.locators) - len(places)
    if more:
        one, many = words("units", "places")
        places.append(f"{words('ui', 'and_more').format(number=more)} {one if more == 1 else many}")
    how = "" if source.how == "full text" else f" ({words('how', source.how)})"
    return Line(
        source.number,
        source.title,
        f"{source.publisher}{day}",
        "; ".join(places) + how,
        source.identifier,
        link(source.identifier),
    )


def sentence(parts: Line) -> str:
    """The whole line as one text."""
    title = parts.title if parts.title.endswith(("?", "!", ".")) else f"{parts.title}."
    return f"[{parts.number}] {title} {parts.published}. {parts.places}. {parts.identifier}"
