"""A guide on a terminal: headings, lists and tables by Rich, sources at the end, pictures in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from azaward.guides.library import Guide, Library
from azaward.knowledge import Knowledge
from azaward.reports.guides.days import in_words
from azaward.reports.guides.sources import line, sentence

# Wide enough for a table of a trial, narrow enough to read.
_WIDEST = 96


def console(file: TextIO | None = None) -> Console:
    """A terminal no wider than is good to read."""
    own = Console(file=file)
    return Console(file=file, width=min(own.width, _WIDEST))


def show_list(library: Library, guides: Sequence[Guide], to: Console) -> None:
    """Titles and questions under their topics, in the order given."""
    topic = ""
    for guide in guides:
        if guide.front.topic != topic:
            topic = guide.front.topic
            to.print(Text(f"\n{library.words('topics', topic)}", style="bold"))
        to.print(Padding(Text.assemble((guide.id, "cyan"), "  ", guide.front.title), (0, 0, 0, 2)))


def show_found(guides: Sequence[Guide], to: Console) -> None:
    """What a search found, the best first."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for guide in guides:
        table.add_row(Text(guide.id, style="cyan", no_wrap=True), Text(guide.front.question))
    to.print(table)


def show(guide: Guide, knowledge: Knowledge, to: Console) -> None:
    """One guide in full."""
    from rich.markdown import Markdown

    body, words = guide.body(knowledge), guide.words
    to.print(Text(guide.front.title, style="bold underline"))
    to.print(Text(guide.front.question, style="italic"))
    to.print()
    to.print(Markdown(body.readable))
    to.print()
    to.print(Text(words("ui", "sources"), style="bold"))
    for source in body.sources:
        to.print(Padding(Text(sentence(line(source, words))), (0, 0, 0, 2)))
    to.print()
    for said in about(guide):
        to.print(Text(said, style="dim"))


def about(guide: Guide) -> list[str]:
    """What is said under every guide: when it was checked, how hard it is to read, what it is not."""
    words = guide.words
    checked = words("ui", "checked").format(day=in_words(guide.front.reviewed_on, words))
    grade = words("ui", "grade").format(grade=guide.front.reading_grade)
    return [f"{checked} {words('ui', 'unreviewed')} {grade}", words("ui", "disclaimer")]
