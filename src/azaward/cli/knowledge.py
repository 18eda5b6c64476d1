"""`azaward knowledge`: the facts that azaward uses, and their sources."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from azaward.cli.edge import app, fail, load_knowledge

knowledge_app = typer.Typer(no_args_is_help=False, help="The facts that azaward uses, and their sources.")
app.add_typer(knowledge_app, name="knowledge", invoke_without_command=True)


@knowledge_app.callback(invoke_without_command=True)
def knowledge_default(context: typer.Context) -> None:
    """The facts that azaward uses; `list` is the default."""
    if context.invoked_subcommand is None:
        listload_knowledge()


@knowledge_app.command("list")
def listload_knowledge() -> None:
    """List all protocols and tables."""
    from azaward.reports import knowledge as report_knowledge

    report_knowledge.show_list(load_knowledge())


@knowledge_app.command("show")
def show_knowledge(
    id: Annotated[str, typer.Argument(help="The id of a protocol, a table, a source or a row.")],
) -> None:
    """Show a protocol, table, source or row, laid out for clinicians."""
    from azaward.reports import knowledge as report_knowledge

    if not report_knowledge.show_one(load_knowledge(), id):
        fail(f"the knowledge base has no entry {id!r}. To list them: azaward knowledge list")


@knowledge_app.command("check")
def check_knowledge(
    protocol: Annotated[Path | None, typer.Argument(help="Your clinic's own protocol, to check as well.")] = None,
) -> None:
    """Check that every row has a source and locator and every protocol is complete; count second-hand facts."""
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
