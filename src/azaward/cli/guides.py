"""`azaward guides`: plain-language answers about azathioprine, with a source for every number."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azaward.cli.edge import app, fail, load_knowledge, write, write_file

if TYPE_CHECKING:
    from azaward.guides.library import Guide, Library
    from azaward.knowledge import Knowledge

guides_app = typer.Typer(
    no_args_is_help=True, help="Plain-language answers about azathioprine, with a source for every number."
)
app.add_typer(guides_app, name="guides")

Language = Annotated[str, typer.Option(help="The language of the guides: the name of a folder of texts.")]


class ListFormat(StrEnum):
    """The output formats of a list of guides."""

    text = "text"
    json = "json"


class Format(StrEnum):
    """The output formats of one guide."""

    text = "text"
    json = "json"
    html = "html"
    pdf = "pdf"


class BookFormat(StrEnum):
    """The output formats of all guides as one document."""

    html = "html"
    pdf = "pdf"


@guides_app.command("list")
def list_guides(
    format: Annotated[ListFormat, typer.Option(help="Output format.")] = ListFormat.text, language: Language = "en"
) -> None:
    """List all guides by topic."""
    held = _library(language)
    if format is ListFormat.json:
        from azaward.reports.guides.to_json import listed, to_json

        write(to_json([listed(guide) for guide in held.guides]))
        return
    from azaward.reports.guides import to_text as guide_text

    guide_text.show_list(held, held.guides, guide_text.console())


@guides_app.command("search")
def search_guides(
    words: Annotated[list[str], typer.Argument(help="Everyday words, such as: throwing up, forgot my pill.")],
    format: Annotated[ListFormat, typer.Option(help="Output format.")] = ListFormat.text,
    language: Language = "en",
) -> None:
    """Search the guides in everyday words, best match first."""
    asked = " ".join(words)
    found = _library(language).search(asked)
    if format is ListFormat.json:
        from azaward.reports.guides.to_json import listed, to_json

        write(to_json([listed(guide) for guide in found]))
        return
    if not found:
        typer.echo(f"azaward: no guide matches {asked!r}. To list all guides: azaward guides list", err=True)
        return
    from azaward.reports.guides import to_text as guide_text

    guide_text.show_found(found, guide_text.console())


@guides_app.command("show")
def show_guide(
    id: Annotated[str, typer.Argument(help="The guide's id, as shown by azaward guides list.")],
    format: Annotated[Format, typer.Option(help="Output format.")] = Format.text,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of the screen.")] = None,
    language: Language = "en",
) -> None:
    """Show one guide with its sources."""
    from azaward.errors import KnowledgeError
    from azaward.guides.library import UnknownGuideError

    knowledge, held = load_knowledge(), _library(language)
    try:
        guide = held.get(id)
        if format is Format.text and out is None:
            from azaward.reports.guides import to_text as guide_text

            guide_text.show(guide, knowledge, guide_text.console())
            return
        _give(_one(guide, knowledge, format), out, format is Format.pdf)
    except (UnknownGuideError, KnowledgeError) as error:
        fail(str(error))


@guides_app.command("export")
def export_guides(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    format: Annotated[BookFormat, typer.Option(help="Output format.")] = BookFormat.pdf,
    language: Language = "en",
) -> None:
    """Export all guides as one document for clinical review, with every fact and source at the end."""
    from azaward.errors import KnowledgeError

    knowledge, held = load_knowledge(), _library(language)
    try:
        if format is BookFormat.pdf:
            from azaward.reports.guides.to_pdf import book_to_pdf

            _give(book_to_pdf(held, knowledge), out, binary=True)
        else:
            from azaward.reports.guides.to_html import book_to_html

            _give(book_to_html(held, knowledge).encode(), out, binary=False)
    except KnowledgeError as error:
        fail(str(error))


def _library(language: str) -> Library:
    from azaward.errors import KnowledgeError
    from azaward.guides.library import library

    try:
        return library(language)
    except KnowledgeError as error:
        fail(str(error))


def _one(guide: Guide, knowledge: Knowledge, format: Format) -> bytes:
    match format:
        case Format.text:
            import io

            from azaward.reports.guides import to_text as guide_text

            page = io.StringIO()
            guide_text.show(guide, knowledge, guide_text.console(page))
            return page.getvalue().encode()
        case Format.json:
            from azaward.reports.guides.to_json import shown, to_json

            return to_json(shown(guide, knowledge))
        case Format.html:
            from azaward.reports.guides.to_html import to_html

            return to_html(guide, knowledge).encode()
        case Format.pdf:
            from azaward.reports.guides.to_pdf import to_pdf

            return to_pdf(guide, knowledge)


def _give(content: bytes, out: Path | None, binary: bool) -> None:
    """Writes atomically to the file, or to stdout if none is given; a PDF is never sent to a terminal."""
    import sys

    if out is None:
        if binary and sys.stdout.isatty():
            fail("a PDF can't be shown on a terminal. Use --out FILE.pdf.")
        write(content)
    else:
        write_file(out, [content])
