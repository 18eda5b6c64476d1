"""`azaward knowledge`: what azaward believes, and where it read it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from azaward.cli.edge import app, fail, load_knowledge

knowledge_app = typer.Typer(no_args_is_help=False, help="What azaward believes, and where it read it.")
app.add_typer(knowledge_app, name="knowledge", invoke_without_command=True)


@knowledge_app.callback(invoke_without_command=True)
def knowledge_default(context: typer.Context) -> None:
    """What azaward believes; `list` where nothing else is asked."""
    if context.invoked_subcommand is None:
        listload_knowledge()


@knowledge_app.command("list")
def listload_knowledge() -> None:
    """Every protocol and every table."""
    from azaward.reports import knowledge as report_knowledge

    report_knowledge.show_list(load_knowledge())


@knowledge_app.command("show")
def show_knowledge(
    id: Annotated[str, typer.Argument(help="A protocol, a table, a source, or the id of a row.")],
) -> None:
    """One of them, as a clinician would read it."""
    from azaward.reports import knowledge as report_knowledge

    if not report_knowledge.show_one(load_knowledge(), id):
        fail(f"nothing in the knowledge base is called {id!r}. See: azaward knowledge list")


@knowledge_app.command("check")
def check_knowledge(
    protocol: Annotated[Path | None, typer.Argument(help="A clinic's own protocol to check as well.")] = None,
) -> None:
    """Proves that each row has its source and locator and each protocol is complete; counts what is secondary."""
    from azaward.errors import KnowledgeError
    from azaward.knowledge.loading.check import faults, with_protocol
    from azaward.reports import knowledge as report_knowledge

    held = load_knowledge()
    if protocol is not None:
        try:
            held, _ = with_protocol(held, protocol)
        except KnowledgeError as error:
            fail(str(error))
    found = faults(held)
    for fault in found:
        typer.echo(f"azaward: {fault}", err=True)
    report_knowledge.show_check(held)
    if found:
        raise typer.Exit(1)
