"""Guides for the printer: one guide, or all as one document, set by typst from the same text, facts and pictures.

The text reaches typst as data, never as markup, so nothing in it can change the page. The same guide gives the
same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from azaward.guides import marks
from azaward.guides.library import Body, Guide, Library
from azaward.guides.words import GuideWords
from azaward.knowledge import Knowledge
from azaward.reports.guides.appendix import facts_used
from azaward.reports.guides.days import in_words
from azaward.reports.guides.icons import to_svg
from azaward.reports.guides.sources import line
from azaward.reports.paper import typeset

# Pictures with more than this many people are dots and need more of the page.
_PEOPLE = 100
TEMPLATE = Path(__file__).parent / "guides.typ"


def to_pdf(guide: Guide, knowledge: Knowledge) -> bytes:
    """One guide as a PDF with tags and a title.

    >>> from azaward.guides.library import library
    >>> from azaward.knowledge import load
    >>> to_pdf(library().get("missed-dose"), load())[:5]
    b'%PDF-'
    """
    return _set([_page(guide, knowledge, guide.body(knowledge))], guide.words, guide.front.reviewed_on)


def book_to_pdf(library: Library, knowledge: Knowledge) -> bytes:
    """Every guide as one document: contents, guides by topic, every fact and source at the end."""
    bodies = [guide.body(knowledge) for guide in library.guides]
    pages = [_page(guide, knowledge, body) for guide, body in zip(library.guides, bodies, strict=True)]
    facts = [used._asdict() for used in facts_used(bodies)]
    cited = {source.source for body in bodies for source in body.sources}
    sources = [
        {"id": row.id, "title": row.title, "published": f"{row.publisher}, {row.published_on}", "places": "",
         "identifier": row.identifier}
        for row in knowledge.tables["sources"]
        if row.id in cited
    ]  # fmt: skip
    newest = max(guide.front.reviewed_on for guide in library.guides)
    return _set(pages, library.words, newest, facts=facts, sources=sources, version=knowledge.version)


def _set(pages: Sequence[dict[str, Any]], words: GuideWords, day: date, **more: Any) -> bytes:
    content = {
        "pages": pages,
        "book": bool(more),
        "ui": {key: value for key, value in words.sections["ui"].items() if isinstance(value, str)},
        "language": words.language,
        "day": in_words(day, words),
        "facts": [],
        "sources": [],
        "version": "",
        **more,
    }
    return typeset(TEMPLATE, content, day)


def _page(guide: Guide, knowledge: Knowledge, body: Body) -> dict[str, Any]:
    of_people = str(guide.words("ui", "of_people"))
    tree = SyntaxTreeNode(MarkdownIt("commonmark", {"html": False}).enable("table").parse(body.markdown))
    return {
        "id": guide.id,
        "title": guide.front.title,
        "question": guide.front.question,
        "topic": guide.words("topics", guide.front.topic),
        "checked": guide.words("ui", "checked").format(day=in_words(guide.front.reviewed_on, guide.words)),
        "grade": guide.words("ui", "grade").format(grade=guide.front.reading_grade),
        "body": [_node(child) for child in tree.children],
        "pictures": [
            {
                "svg": to_svg(icons, of_people.format(per=f"{icons.per:,}")),
                "alt": icons.alt,
                "share": min(100, len(icons.shares) * (31 if icons.per <= _PEOPLE else 46)),
            }
            for icons in body.pictures
        ],
        "sources": [line(source, guide.words)._asdict() for source in body.sources],
    }


def _node(node: SyntaxTreeNode) -> dict[str, Any]:
    """A node of the Markdown as plain data: its kind, its children, its text cut at the marks of its sources."""
    if node.type == "text":
        return {"kind": "runs", "runs": [_run(part) for part in marks.runs(node.content)]}
    if node.type == "paragraph" and (match := marks.PICTURE.fullmatch(node.children[0].content.strip())):
        return {"kind": "picture", "number": int(match[1])}
    made: dict[str, Any] = {"kind": node.type, "children": [_node(child) for child in node.children]}
    if node.type == "heading":
        made["level"] = int(node.tag[1:])
    if node.type in ("code_inline", "html_inline"):
        made = {"kind": "runs", "runs": [{"text": node.content}]}
    return made


def _run(part: str | tuple[int, ...]) -> dict[str, Any]:
    return {"text": part} if isinstance(part, str) else {"cite": ",".join(map(str, part))}
