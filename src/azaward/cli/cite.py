"""`azaward cite`: the reference behind a finding or a fact."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from azaward.cli.edge import app, fail, load_knowledge


class CiteFormat(StrEnum):
    """How references are written."""

    text = "text"
    bibtex = "bibtex"
    json = "json"


@app.command()
def cite(
    ids: Annotated[
        list[str],
        typer.Argument(
            help="A fact's id, as under `facts` in a finding's JSON; a finding's code; or a source's id.",
        ),
    ],
    format: Annotated[CiteFormat, typer.Option(help="text, bibtex or json.")] = CiteFormat.text,
) -> None:
    """Print the reference behind a finding or a fact."""
    from azaward.errors import UserError
    from azaward.reports.cite import as_bibtex, as_text, references

    knowledge = load_knowledge()
    try:
        cited = list(dict.fromkeys(reference for id in ids for reference in references(id, knowledge)))
    except UserError as error:
        fail(str(error))
    match format:
        case CiteFormat.text:
            typer.echo(as_text(cited))
        case CiteFormat.bibtex:
            typer.echo(as_bibtex(cited))
        case CiteFormat.json:
            import msgspec

            typer.echo(msgspec.json.encode([reference._asdict() for reference in cited]).decode())
