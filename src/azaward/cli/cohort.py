"""`azaward cohort`: the same rules over a nation's records."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azaward.cli.edge import app, day_of, fail, load_knowledge, progress_on_stderr, stopwatch, write

if TYPE_CHECKING:
    from azaward.knowledge import Knowledge

cohort_app = typer.Typer(no_args_is_help=True, help="The same rules over a nation's records.")
app.add_typer(cohort_app, name="cohort")
Folder = Annotated[Path, typer.Argument(help="The six tables as Parquet: NAME.parquet, or a folder NAME of parts.")]
AsOf = Annotated[str | None, typer.Option(help="The day that counts as today (YYYY-MM-DD).")]


class Kept(StrEnum):
    """How the records of a folder are kept."""

    tables = "tables"
    omop = "omop"


From = Annotated[Kept, typer.Option("--from", help="What the folder holds: the six tables, or an OMOP CDM 5.4.")]


@contextmanager
def _six_tables(folder: Path, kept: Kept, out: Path | None, knowledge: Knowledge, memory_mb: int) -> Generator[Path]:
    """The six tables of a folder; those of a CDM are made beside `out`, and go when the answer is there."""
    if kept is Kept.tables:
        yield folder
        return
    from azaward.cohort.omop.reading import as_tables

    def say(line: str) -> None:
        typer.echo(f"azaward: OMOP: {line}", err=True)

    if out is None:
        with tempfile.TemporaryDirectory(prefix="azaward-") as scratch:
            yield as_tables(folder, Path(scratch), knowledge, memory_mb, say)
        return
    beside = out.with_name(f".{out.name}.omop")
    yield as_tables(folder, beside, knowledge, memory_mb, say)
    shutil.rmtree(beside, ignore_errors=True)


class EngineName(StrEnum):
    """What the rules run on."""

    duckdb = "duckdb"
    spark = "spark"


@cohort_app.command("assess")
def assess_cohort(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="Where the findings go (Parquet); plans and more go beside it.")],
    engine: Annotated[EngineName, typer.Option(help="duckdb on this machine, or spark.")] = EngineName.duckdb,
    as_of: AsOf = None,
    protocol: Annotated[str, typer.Option(help="A protocol's id, a clinic's own .yaml file, or auto.")] = "auto",
    share: Annotated[int, typer.Option(min=1, help="Patients assessed at a time.")] = 50_000,
    memory_mb: Annotated[int, typer.Option(min=500, help="Memory that DuckDB may use.")] = 3_000,
    kept: From = Kept.tables,
) -> None:
    """Everyone's findings and plans to Parquet, their numbers to stdout. Interrupted, it goes on where it was."""
    import msgspec

    from azaward.cohort import assess
    from azaward.errors import UserError
    from azaward.knowledge.loading.check import with_protocol

    day, knowledge = day_of(as_of), load_knowledge()
    try:
        if protocol.endswith((".yaml", ".yml")):
            knowledge, protocol = with_protocol(knowledge, Path(protocol))
        assess.check_protocol(protocol, knowledge)
        with (
            _six_tables(folder, kept, out, knowledge, memory_mb) as tables,
            progress_on_stderr("patients") as progress,
        ):
            if engine is EngineName.spark:
                from azaward.cohort import spark

                summary = spark.assess(tables, out, day, protocol, knowledge, stopwatch)
            else:
                summary = assess.assess(tables, out, day, protocol, knowledge, progress, share, memory_mb, stopwatch)
    except UserError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{out}: {error.strerror or error}. What is done is kept; the same command goes on from there.")
    _say(summary.set_aside, summary.first_set_aside, out)
    write(msgspec.json.encode(summary) + b"\n")


def _say(kinds: dict[str, int], first: dict[str, list[str]], out: Path) -> None:
    """How much was set aside, by kind, the first few of each."""
    lines: list[str] = []
    for kind, count in sorted(kinds.items()):
        lines += [f"{count} x {kind}:", *(f"  {line}" for line in first.get(kind, []))]
    for line in lines:
        typer.echo(f"azaward: {line}", err=True)
    if lines:
        typer.echo(f"azaward: all of them: {out.with_suffix('.set_aside.parquet')}", err=True)


class By(StrEnum):
    """What the figures of a service may be divided by."""

    none = "none"
    clinic = "clinic"
    protocol = "protocol"
    year = "year"


@cohort_app.command("quality")
def quality_of_care(
    folder: Folder,
    by: Annotated[
        By, typer.Option(help="Each figure for each clinic, protocol or year of the first tablet too.")
    ] = By.none,
    html: Annotated[Path | None, typer.Option(help="Where a page of tables and plots goes.")] = None,
    as_of: AsOf = None,
    suppress: Annotated[
        int | None, typer.Option(min=2, help="Hide counts below this, and what would give them away.")
    ] = None,
    share: Annotated[int, typer.Option(min=1, help="Patients counted at a time.")] = 10_000,
    memory_mb: Annotated[int, typer.Option(min=500, help="Memory that DuckDB may use.")] = 3_000,
    kept: From = Kept.tables,
) -> None:
    """The figures that a service is judged by, with intervals, as JSON to stdout."""
    import msgspec

    from azaward.cohort.quality.figures import quality
    from azaward.errors import InputError

    day, knowledge = day_of(as_of), load_knowledge()
    try:
        with (
            _six_tables(folder, kept, None, knowledge, memory_mb) as tables,
            progress_on_stderr("patients") as progress,
        ):
            found = quality(tables, day, knowledge, by.value, suppress, progress, share, memory_mb)
    except InputError as error:
        fail(str(error))
    if html is not None:
        from azaward.cohort.quality.to_html import page

        try:
            _write_whole(html, page(found, knowledge))
        except OSError as error:
            fail(f"{html}: can't be written: {error.strerror or error}. Give another --html.")
    write(msgspec.json.encode(found) + b"\n")


def _write_whole(path: Path, text: str) -> None:
    """The file, whole or not at all."""
    waiting = path.with_name(f".{path.name}.new")
    try:
        waiting.write_text(text, encoding="utf-8")
        waiting.replace(path)
    finally:
        waiting.unlink(missing_ok=True)


@cohort_app.command("sweep")
def sweep_protocols(
    folder: Folder,
    protocol: Annotated[str, typer.Option(help="Two protocols or more, with commas: ids, auto, a clinic's own .yaml.")],
    as_of: AsOf = None,
    share: Annotated[int, typer.Option(min=1, help="Patients assessed at a time.")] = 50_000,
    memory_mb: Annotated[int, typer.Option(min=500, help="Memory that DuckDB may use.")] = 3_000,
    kept: From = Kept.tables,
) -> None:
    """How findings, tests and alarms differ between protocols on the same people, as JSON to stdout."""
    import msgspec

    from azaward.cohort.assess import check_protocol
    from azaward.cohort.sweep import as_text, sweep
    from azaward.knowledge.loading.check import with_protocol

    asked = [word.strip() for word in protocol.split(",") if word.strip()]
    if len(asked) < 2 or len(set(asked)) < len(asked):
        raise typer.BadParameter(f"{protocol!r}: expected two different protocols or more, such as bsr-2017,bsg-2019.")
    day, knowledge = day_of(as_of), load_knowledge()
    try:
        for place, word in enumerate(asked):
            if word.endswith((".yaml", ".yml")):
                knowledge, asked[place] = with_protocol(knowledge, Path(word))
            check_protocol(asked[place], knowledge)
        with (
            _six_tables(folder, kept, None, knowledge, memory_mb) as tables,
            progress_on_stderr("patients") as progress,
        ):
            found = sweep(tables, day, asked, knowledge, progress, share, memory_mb)
    except ValueError as error:
        fail(str(error))
    typer.echo(as_text(found), err=True)
    write(msgspec.json.encode(found) + b"\n")


@cohort_app.command("synthesise")
def synthesise_cohort(
    patients: Annotated[int, typer.Option(min=1, help="How many people.")],
    out: Annotated[Path, typer.Option(help="The folder for the six tables.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same people.")] = 1,
    as_of: AsOf = None,
    results: Annotated[int, typer.Option(min=1, help="Results of someone long on treatment.")] = 40,
) -> None:
    """People on azathioprine who don't exist, as Parquet: for a trial run, and for benchmarks."""
    from azaward.synthesis.many import write_many

    day = day_of(as_of)
    try:
        with progress_on_stderr("people") as progress:
            write_many(patients, seed, day, results, out, progress)
    except OSError as error:
        fail(f"{out}: {error.strerror or error}.")
