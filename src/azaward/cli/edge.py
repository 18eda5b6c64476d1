"""The edge of the program: reading days, writing output, and reporting warnings and errors."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import sys
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from azaward import __version__
from azaward.extras import missing

if TYPE_CHECKING:
    from azaward.knowledge import Knowledge


class _Commands(TyperGroup):
    """The commands. If a library isn't installed, or a path can't be opened, the error is a single line."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command that the user typed."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if (line := missing(error, f"azaward {ctx.invoked_subcommand}")) is None:
                raise
            fail(line)
        except OSError as error:
            if not error.filename:
                raise
            fail(f"{error.filename}: {error.strerror}. Expected a file or folder that can be opened.")


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
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Keeps people on azathioprine safe. Decision support, not a certified medical device."""


# Longer lists of warnings are not useful on a terminal; the JSON has them all.
_WARNINGS = 10
_SAY_EVERY_S = 10


def day_of(text: str | None) -> dt.date:
    """The day that the user typed, or today if none was given."""
    if text is None:
        return dt.date.today()
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a valid date. Expected YYYY-MM-DD, such as 2026-11-23.") from None


def load_knowledge() -> Knowledge:
    """The built-in knowledge base, or an error that names the file and line."""
    from azaward.errors import KnowledgeError
    from azaward.knowledge import load

    try:
        return load()
    except KnowledgeError as error:
        fail(str(error))


def named_protocol(named: str, knowledge: Knowledge) -> tuple[Knowledge, str]:
    """The id of the protocol that was typed, with the knowledge that holds it: a clinic's own is read from its file.

    `KnowledgeError` names each fault of the file. Whether an id is known, the assessment says.
    """
    from azaward.knowledge import MOST_CAUTIOUS
    from azaward.knowledge.loading.check import with_protocol

    if named in ("auto", MOST_CAUTIOUS, *knowledge.protocols):
        return knowledge, named
    path = Path(named)
    is_file = path.suffix in (".yaml", ".yml") or os.path.lexists(path)
    return with_protocol(knowledge, path) if is_file else (knowledge, named)


def write(content: bytes) -> None:
    """Writes bytes to stdout, which carries nothing but the answer."""
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def write_file(path: Path, contents: Iterable[bytes], *, private: bool = False) -> None:
    """Writes a file atomically, or ends the command with one line that says why it can't be written.

    A `private` file can be read by its owner alone.
    """
    place = Path(os.path.realpath(path))
    what_to_do = "It can't be written: choose a file in an existing folder that you can write to."
    if place.exists() and not place.is_file():
        fail(f"{path}: {'a folder' if place.is_dir() else 'not a regular file'}. {what_to_do}")
    waiting = place.with_name(f".{place.name}.{secrets.token_hex(4)}.new")
    try:
        number = os.open(waiting, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if private else 0o666)
        with os.fdopen(number, "wb") as file:
            for content in contents:
                file.write(content)
        waiting.replace(place)
    except OSError as error:
        fail(f"{path}: {error.strerror or error}. {what_to_do}")
    finally:
        waiting.unlink(missing_ok=True)


def warn(lines: list[str]) -> None:
    """Prints the first few set-aside items to stderr, one line each."""
    for line in lines[:_WARNINGS]:
        typer.echo(f"azaward: {line}", err=True)
    if len(lines) > _WARNINGS:
        typer.echo(f"azaward: and {len(lines) - _WARNINGS} more; see set_aside in --format json for all", err=True)


def stopwatch() -> float:
    """Seconds on a monotonic clock, for measuring durations."""
    return time.monotonic()


@contextmanager
def progress_on_stderr(what: str) -> Generator[Callable[[int, int], None]]:
    """Reports progress and the time remaining on stderr: a bar on a terminal, otherwise an occasional line."""
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
    """Prints why the input could not be used, and exits with code 1."""
    for part in line.splitlines():
        typer.echo(f"azaward: {part}", err=True)
    raise typer.Exit(1)
