"""Which words of a guide does a person read as sentences? What its reading grade is measured on.

Tables, pictures and headings are left out: they are looked at, not read as sentences.
"""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from azaward.guides import marks
from azaward.guides.library import Body

_ENDS = (".", "!", "?", ":")


def sentences(body: Body) -> str:
    """The guide's paragraphs and list items as plain text, each ended by a mark of punctuation.

    >>> from azaward.guides.library import library
    >>> from azaward.knowledge import load
    >>> sentences(library().get("missed-dose").body(load())).splitlines()[0]
    'Never take a double dose to catch up. If you forgot a whole day, take your usual dose the next day and carry on.'
    """
    tree = SyntaxTreeNode(MarkdownIt("commonmark", {"html": False}).enable("table").parse(body.markdown))
    said = [_text(node) for node in tree.walk() if node.type == "paragraph"]
    return "\n".join(text if text.endswith(_ENDS) else f"{text}." for text in said if text)


def _text(paragraph: SyntaxTreeNode) -> str:
    parts = [" " if node.type == "softbreak" else node.content for node in paragraph.walk() if not node.children]
    return " ".join(marks.bare("".join(parts)).split())
