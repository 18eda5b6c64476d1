"""Where the program meets the world: how days are read, answers written, warnings and failures said."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from azaward import __version__
from azaward.extras import missing

if TYPE_CHECKING:
    from azaward.knowledge import Knowledge


class _Commands(TyperGroup):
    """The commands; a library that wasn't installed is one line, whichever of them asked for it."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command that was typed."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if (line := missing(error, f"azaward {ctx.invoked_subcommand}")) is None:
                raise
            fail(line)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"azaward {__version__}")
        raise typer.Exit


@app.callback()
def azaward(
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Keeps people on azathioprine safe. Decision support, not a certified medical device."""


# More lines of warnings than this help nobody; all of them are in the JSON.
_WARNINGS = 10
_SAY_EVERY_S = 10


def day_of(text: str | None) -> dt.date:
    """The day that was typed; today, asked once, where none was."""
    if text is None:
        return dt.date.today()
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day. Expected YYYY-MM-DD, such as 2026-11-23.") from None


def load_knowledge() -> Knowledge:
    """The knowledge that ships, or a failure that names the file and line."""
    from azaward.errors import KnowledgeError
    from azaward.knowledge import load

    try:
        return load()
    except KnowledgeError as error:
        fail(str(error))


def write(content: bytes) -> None:
    """Bytes to stdout, which is the answer's alone."""
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def warn(lines: list[str]) -> None:
    """What was set aside, a line each up to a few, to stderr."""
    for line in lines[:_WARNINGS]:
        typer.echo(f"azaward: {line}", err=True)
    if len(lines) > _WARNINGS:
        typer.echo(f"azaward: and {len(lines) - _WARNINGS} more; --format json lists all under set_aside", err=True)


def stopwatch() -> float:
    """Seconds since some moment, to say how long something took."""
    return time.monotonic()


@contextmanager
def progress_on_stderr(what: str) -> Generator[Callable[[int, int], None]]:
    """How much is done and an estimate of the rest, on stderr: a bar at a terminal, else a line now and then."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, all: bar.update(task, completed=done, total=all)
        return
    began = time.monotonic()
    said = began

    def say(done: int, all: int) -> None:
        nonlocal said
        now = time.monotonic()
        if done and now - said > _SAY_EVERY_S:
            said = now
            rest = (now - began) / done * (all - done)
            typer.echo(f"azaward: {done:,} of {all:,} {what}, about {rest:.0f} s to go", err=True)

    yield say


def fail(line: str) -> NoReturn:
    """Says why the input could not be used, and ends with exit code 1."""
    for part in line.splitlines():
        typer.echo(f"azaward: {part}", err=True)
    raise typer.Exit(1)
