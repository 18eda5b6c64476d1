"""The command line: the words of docs/commands.md, typed.

Whatever can't be used is said in one line on stderr and ends with exit code 1; what was typed wrongly ends with 2.
"""

from __future__ import annotations

import datetime as dt
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from azaward.knowledge import Knowledge

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps people on azathioprine safe. Decision support, not a certified medical device.",
)
knowledge_app = typer.Typer(no_args_is_help=False, help="What azaward believes, and where it read it.")
app.add_typer(knowledge_app, name="knowledge", invoke_without_command=True)
# More lines of warnings than this help nobody; all of them are in the JSON.
_WARNINGS = 10


class Format(StrEnum):
    """How an assessment is given out."""

    text = "text"
    json = "json"
    html = "html"
    fhir = "fhir"


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day. Expected YYYY-MM-DD, such as 2026-11-23.") from None


@app.command()
def assess(
    record: Annotated[
        Path, typer.Argument(help="A FHIR Bundle (.json, .ndjson), a folder of tables, or azaward's JSON.")
    ],
    as_of: Annotated[str | None, typer.Option(help="The day that counts as today (YYYY-MM-DD).")] = None,
    protocol: Annotated[str, typer.Option(help="A protocol's id, a clinic's own .yaml file, or auto.")] = "auto",
    format: Annotated[Format, typer.Option(help="How to show it.")] = Format.text,
    patient: Annotated[str | None, typer.Option(help="One patient, in full.")] = None,
) -> None:
    """Who needs something, and why: most urgent first."""
    from azaward import assessment
    from azaward.formats.read import read
    from azaward.formats.rows import InputError
    from azaward.knowledge import KnowledgeError, load

    day = _day(as_of) if as_of else dt.date.today()
    try:
        knowledge = load()
        if protocol.endswith((".yaml", ".yml")):
            knowledge, protocol = knowledge.with_protocol(Path(protocol))
        held = read(record, knowledge)
        if patient is not None:
            if patient not in held.patient_ids():
                raise InputError(f"{record}: no patient {patient!r} in it.")
            held = held.of_patient(patient)
        found = assessment.assess(held, day, protocol, knowledge)
    except (InputError, KnowledgeError, assessment.UnknownProtocolError) as error:
        _fail(str(error))
    _warn([f"{item.where}: {item.what}: {item.why}" for item in found.set_aside])
    match format:
        case Format.json:
            _write(assessment.to_json(found) + b"\n")
        case Format.html:
            from azaward.formats.report_html import to_html

            _write(to_html(found, held, knowledge).encode())
        case Format.fhir:
            from azaward.formats.report_fhir import to_fhir

            _write(to_fhir(found) + b"\n")
        case Format.text:
            from azaward.formats import report_text

            report_text.show(found, in_full=patient is not None)


@knowledge_app.callback(invoke_without_command=True)
def knowledge_default(context: typer.Context) -> None:
    """What azaward believes; `list` where nothing else is asked."""
    if context.invoked_subcommand is None:
        list_knowledge()


@knowledge_app.command("list")
def list_knowledge() -> None:
    """Every protocol and every table."""
    from azaward.formats import report_knowledge

    report_knowledge.show_list(_knowledge())


@knowledge_app.command("show")
def show_knowledge(
    id: Annotated[str, typer.Argument(help="A protocol, a table, a source, or the id of a row.")],
) -> None:
    """One of them, as a clinician would read it."""
    from azaward.formats import report_knowledge

    if not report_knowledge.show_one(_knowledge(), id):
        _fail(f"nothing in the knowledge base is called {id!r}. See: azaward knowledge list")


@knowledge_app.command("check")
def check_knowledge(
    protocol: Annotated[Path | None, typer.Argument(help="A clinic's own protocol to check as well.")] = None,
) -> None:
    """Proves that each row has its source and locator and each protocol is complete; counts what is secondary."""
    from azaward.formats import report_knowledge
    from azaward.knowledge import KnowledgeError
    from azaward.knowledge.check import faults

    held = _knowledge()
    if protocol is not None:
        try:
            held, _ = held.with_protocol(protocol)
        except KnowledgeError as error:
            _fail(str(error))
    found = faults(held)
    for fault in found:
        typer.echo(f"azaward: {fault}", err=True)
    report_knowledge.show_check(held)
    if found:
        raise typer.Exit(1)


def _knowledge() -> Knowledge:
    from azaward.knowledge import KnowledgeError, load

    try:
        return load()
    except KnowledgeError as error:
        _fail(str(error))


def _write(content: bytes) -> None:
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def _warn(lines: list[str]) -> None:
    """What was set aside, a line each up to a few: stdout stays the answer's alone."""
    for line in lines[:_WARNINGS]:
        typer.echo(f"azaward: {line}", err=True)
    if len(lines) > _WARNINGS:
        typer.echo(f"azaward: and {len(lines) - _WARNINGS} more; --format json lists all under set_aside", err=True)


def _fail(line: str) -> NoReturn:
    for part in line.splitlines():
        typer.echo(f"azaward: {part}", err=True)
    raise typer.Exit(1)


def main() -> None:
    """The program."""
    app()


if __name__ == "__main__":
    main()
