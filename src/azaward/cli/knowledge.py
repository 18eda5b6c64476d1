"""`azaward knowledge`: the facts that azaward uses, and their sources."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from azaward.cli.edge import app, fail, load_knowledge
from azaward.errors import KnowledgeError

knowledge_app = typer.Typer(no_args_is_help=False, help="The facts that azaward uses, and their sources.")
app.add_typer(knowledge_app, name="knowledge", invoke_without_command=True)


@knowledge_app.callback(invoke_without_command=True)
def knowledge_default(context: typer.Context) -> None:
    """The facts that azaward uses; `list` is the default."""
    if context.invoked_subcommand is None:
        list_knowledge()


@knowledge_app.command("list")
def list_knowledge() -> None:
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
    protocol: Annotated[Path | None, typer.Argument(help="Your clinic's own protocol, to check that alone.")] = None,
) -> None:
    """Check your clinic's own protocol line by line or, without one, all the knowledge that azaward uses."""
    if protocol is not None:
        _check_own(protocol)
        return
    from azaward.knowledge.loading.check import faults
    from azaward.reports import knowledge as report_knowledge

    knowledge = load_knowledge()
    if lines := faults(knowledge):
        fail("\n".join(lines))
    report_knowledge.show_check(knowledge)


def _check_own(path: Path) -> None:
    from azaward.knowledge.loading.check import questions, with_protocol
    from azaward.reports.knowledge import own_protocol

    try:
        knowledge, id = with_protocol(load_knowledge(), path)
    except KnowledgeError as error:
        fail(str(error))
    typer.echo(own_protocol(knowledge.protocols[id], knowledge))
    for question in questions(knowledge.protocols[id], knowledge):
        typer.echo(f"azaward: {question}", err=True)
