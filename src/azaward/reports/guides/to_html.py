"""Guides as web pages: one guide, or all of them as one document for a reviewing clinician.

The page stands alone: no script, nothing loaded, a content security policy that names its one style sheet by
hash. Text comes from Markdown in which HTML is not allowed; numbers and sources come from knowledge/.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment
from markdown_it import MarkdownIt
from markupsafe import Markup

from azaward.guides import marks
from azaward.guides.library import Body, Guide, Library
from azaward.guides.words import GuideWords
from azaward.knowledge import Knowledge
from azaward.reports.guides.appendix import facts_used
from azaward.reports.guides.days import in_words
from azaward.reports.guides.icons import to_svg
from azaward.reports.guides.sources import Line, line
from azaward.reports.pages import alone, environment

HERE = Path(__file__).parent
_PICTURE_PARAGRAPH = re.compile(f"<p>\\s*{marks.PICTURE.pattern}\\s*</p>")
_TABLE = re.compile(r"<table>(.*?)</table>", re.DOTALL)
_HEADING = re.compile(r"<(/?)h([2-5])>")


class Page(NamedTuple):
    """One guide ready for a template."""

    guide: Guide
    body: Body
    html: Markup
    sources: list[Line]
    checked: str


def to_html(guide: Guide, knowledge: Knowledge) -> str:
    """One guide as a page of its own.

    >>> from azaward.guides.library import library
    >>> from azaward.knowledge import load
    >>> page = to_html(library().get("missed-dose"), load())
    >>> page.splitlines()[0], "<script" in page
    ('<!doctype html>', False)
    """
    return _render("guide.html.jinja", pages=[page_of(guide, knowledge)], words=guide.words)


def book_to_html(library: Library, knowledge: Knowledge) -> str:
    """Every guide as one document: contents, guides, and every fact and source at the end."""
    pages = [page_of(guide, knowledge, deeper=1) for guide in library.guides]
    facts = facts_used(page.body for page in pages)
    topics = [
        (name, [page for page in pages if page.guide.front.topic == id])
        for id, name in library.words.sections["topics"].items()
    ]
    return _render(
        "guide_book.html.jinja",
        pages=pages,
        topics=[(name, held) for name, held in topics if held],
        facts=facts,
        words=library.words,
        version=knowledge.version,
    )


def page_of(guide: Guide, knowledge: Knowledge, deeper: int = 0) -> Page:
    """A guide with its text as HTML; `deeper` moves its headings so many levels down."""
    body = guide.body(knowledge)
    sources = [line(source, guide.words) for source in body.sources]
    return Page(guide, body, body_html(guide, body, deeper), sources, in_words(guide.front.reviewed_on, guide.words))


def body_html(guide: Guide, body: Body, deeper: int = 0) -> Markup:
    """A guide's text as HTML: pictures in place, sources as links to `#ID-source-N`."""
    html = _markdown().render(body.markdown)
    of_people = str(guide.words("ui", "of_people"))

    def drawn(match: re.Match[str]) -> str:
        icons = body.pictures[int(match[1])]
        return f"<figure>{to_svg(icons, of_people.format(per=f'{icons.per:,}'))}</figure>"

    def linked(match: re.Match[str]) -> str:
        numbers = marks.CITED.findall(match[0])
        links = ",".join(f'<a href="#{guide.id}-source-{number}">{number}</a>' for number in numbers)
        return f'<sup class="cite">{links}</sup>'

    html = _PICTURE_PARAGRAPH.sub(drawn, html)
    html = re.sub(f"(?:{marks.CITED.pattern})+", linked, html)
    html = _TABLE.sub(r'<div class="wide" tabindex="0"><table>\1</table></div>', html)
    html = _HEADING.sub(lambda match: f"<{match[1]}h{int(match[2]) + deeper}>", html)
    # Made of Markdown in which HTML is not allowed, and of what is escaped above.
    return Markup(html)  # noqa: S704


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _render(template: str, words: GuideWords, **values: Any) -> str:
    style = (HERE / "guide.css").read_text(encoding="utf-8")
    return alone(_environment().get_template(template), style, words=words, ui=words.sections["ui"], **values)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return environment(HERE)
