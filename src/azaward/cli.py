"""The command line: the words of docs/start.md, typed.

Whatever can't be used is said in one line on stderr and ends with exit code 1; what was typed wrongly ends with 2.
"""

from __future__ import annotations

import datetime as dt
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps people on azathioprine safe. Decision support, not a certified medical device.",
)


class Format(str, Enum):
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
    record: Annotated[Path, typer.Argument(help="A FHIR Bundle (.json, .ndjson), a folder of tables, or azaward's JSON.")],
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
                raise InputError(f"{record}: no patient {patient!r}.")
            held = held.of_patient(patient)
        found = assessment.assess(held, day, protocol, knowledge)
    except (InputError, KnowledgeError, ValueError) as error:
        _fail(str(error))
    if format is Format.json:
        sys.stdout.buffer.write(assessment.to_json(found) + b"\n")
        return
    from azaward.formats import report_text

    report_text.show(found, in_full=patient is not None)


def _fail(line: str) -> None:
    typer.echo(f"azaward: {line}", err=True)
    raise typer.Exit(1)


def main() -> None:
    """The program."""
    app()


if __name__ == "__main__":
    main()
