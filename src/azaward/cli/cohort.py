"""`azaward cohort`: the same rules for a whole population."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azaward.cli.edge import (
    app,
    day_of,
    fail,
    load_knowledge,
    named_protocol,
    progress_on_stderr,
    stopwatch,
    write,
    write_file,
)

if TYPE_CHECKING:
    from azaward.knowledge import Knowledge

cohort_app = typer.Typer(no_args_is_help=True, help="Apply the same rules to a whole population.")
app.add_typer(cohort_app, name="cohort")
Folder = Annotated[Path, typer.Argument(help="The six tables as Parquet: NAME.parquet, or a folder NAME of parts.")]
AsOf = Annotated[str | None, typer.Option(help="The day that counts as today (YYYY-MM-DD).")]


class Kept(StrEnum):
    """The data model of a folder."""

    tables = "tables"
    omop = "omop"


From = Annotated[Kept, typer.Option("--from", help="The data model of the folder: the six tables, or OMOP CDM 5.4.")]


@contextmanager
def _six_tables(folder: Path, kept: Kept, out: Path | None, knowledge: Knowledge, memory_mb: int) -> Generator[Path]:
    """The six tables of a folder. Those of an OMOP CDM are made beside `out` and removed once the answer is written."""
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
    """The engines that can run the rules."""

    duckdb = "duckdb"
    spark = "spark"


@cohort_app.command("assess")
def assess_cohort(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="The Parquet file for findings; other tables are written beside it.")],
    engine: Annotated[EngineName, typer.Option(help="duckdb (on this machine) or spark.")] = EngineName.duckdb,
    as_of: AsOf = None,
    protocol: Annotated[str, typer.Option(help="A protocol id, your clinic's own .yaml file, or auto.")] = "auto",
    share: Annotated[int, typer.Option(min=1, help="Patients assessed at a time.")] = 50_000,
    memory_mb: Annotated[int, typer.Option(min=500, help="Memory that DuckDB may use.")] = 3_000,
    kept: From = Kept.tables,
) -> None:
    """Write all findings and plans to Parquet and their totals to stdout. An interrupted run can resume."""
    import msgspec

    from azaward.cohort import assess
    from azaward.errors import UserError

    day, knowledge = day_of(as_of), load_knowledge()
    try:
        knowledge, protocol = named_protocol(protocol, knowledge)
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
        fail(f"{out}: {error.strerror or error}. Completed work is kept; run the same command to resume.")
    _say(summary.set_aside, summary.first_set_aside, out)
    write(msgspec.json.encode(summary) + b"\n")


def _say(kinds: dict[str, int], first: dict[str, list[str]], out: Path) -> None:
    """Prints how many items of each kind were set aside, with the first few."""
    lines: list[str] = []
    for kind, count in sorted(kinds.items()):
        lines += [f"{count} x {kind}:", *(f"  {line}" for line in first.get(kind, []))]
    for line in lines:
        typer.echo(f"azaward: {line}", err=True)
    if lines:
        typer.echo(f"azaward: the full list is in {out.with_suffix('.set_aside.parquet')}", err=True)


class By(StrEnum):
    """How quality-of-care figures can be broken down."""

    none = "none"
    clinic = "clinic"
    protocol = "protocol"
    year = "year"


@cohort_app.command("quality")
def quality_of_care(
    folder: Folder,
    by: Annotated[
        By, typer.Option(help="Also break each figure down by clinic, protocol or year of the first tablet.")
    ] = By.none,
    html: Annotated[Path | None, typer.Option(help="Also write a page of tables and plots to this file.")] = None,
    as_of: AsOf = None,
    suppress: Annotated[
        int | None, typer.Option(min=2, help="Suppress counts below this, and others that would reveal them.")
    ] = None,
    share: Annotated[int, typer.Option(min=1, help="Patients counted at a time.")] = 10_000,
    memory_mb: Annotated[int, typer.Option(min=500, help="Memory that DuckDB may use.")] = 3_000,
    kept: From = Kept.tables,
) -> None:
    """Print quality-of-care figures for a service, with intervals, as JSON."""
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

        write_file(html, [page(found, knowledge).encode()])
    write(msgspec.json.encode(found) + b"\n")


@cohort_app.command("sweep")
def sweep_protocols(
    folder: Folder,
    protocol: Annotated[
        str, typer.Option(help="Two or more protocols separated by commas: ids, auto, or your clinic's own .yaml.")
    ],
    as_of: AsOf = None,
    share: Annotated[int, typer.Option(min=1, help="Patients assessed at a time.")] = 50_000,
    memory_mb: Annotated[int, typer.Option(min=500, help="Memory that DuckDB may use.")] = 3_000,
    kept: From = Kept.tables,
) -> None:
    """Compare findings, tests and alarms between protocols for the same people, as JSON."""
    import msgspec

    from azaward.cohort.assess import check_protocol
    from azaward.cohort.sweep import as_text, sweep

    asked = [word.strip() for word in protocol.split(",") if word.strip()]
    if len(asked) < 2 or len(set(asked)) < len(asked):
        raise typer.BadParameter(f"{protocol!r}: expected at least two different protocols, such as bsr-2017,bsg-2019.")
    day, knowledge = day_of(as_of), load_knowledge()
    try:
        for place, word in enumerate(asked):
            knowledge, asked[place] = named_protocol(word, knowledge)
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
    patients: Annotated[int, typer.Option(min=1, help="The number of people.")],
    out: Annotated[Path, typer.Option(help="The folder for the six tables.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same people.")] = 1,
    as_of: AsOf = None,
    results: Annotated[int, typer.Option(min=1, help="The number of results for someone on long-term treatment.")] = 40,
) -> None:
    """Create synthetic patients on azathioprine as Parquet, for trial runs and benchmarks."""
    from azaward.synthesis.many import write_many

    day = day_of(as_of)
    try:
        with progress_on_stderr("people") as progress:
            write_many(patients, seed, day, results, out, progress)
    except OSError as error:
        fail(f"{out}: {error.strerror or error}.")
