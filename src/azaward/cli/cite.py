"""`azaward cite`: the reference behind a finding or a fact."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
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
    protocol: Annotated[
        Path | None, typer.Option(help="Your clinic's own protocol file, to cite its rows as well.")
    ] = None,
    format: Annotated[CiteFormat, typer.Option(help="text, bibtex or json.")] = CiteFormat.text,
) -> None:
    """Print the reference behind a finding or a fact."""
    from azaward.errors import UserError
    from azaward.knowledge.loading.check import with_protocol
    from azaward.reports.cite import as_bibtex, as_text, references

    knowledge = load_knowledge()
    try:
        if protocol is not None:
            knowledge, _ = with_protocol(knowledge, protocol)
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
