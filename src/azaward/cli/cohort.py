"""`azaward cohort`: the same rules over a nation's records."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from azaward.cli.edge import app, day_of, fail, load_knowledge, progress_on_stderr, write

cohort_app = typer.Typer(no_args_is_help=True, help="The same rules over a nation's records.")
app.add_typer(cohort_app, name="cohort")
Folder = Annotated[Path, typer.Argument(help="The six tables as Parquet: NAME.parquet, or a folder NAME of parts.")]
AsOf = Annotated[str | None, typer.Option(help="The day that counts as today (YYYY-MM-DD).")]


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
) -> None:
    """Everyone's findings and plans to Parquet, their numbers to stdout. Interrupted, it goes on where it was."""
    import msgspec

    from azaward.assessment import UnknownProtocolError
    from azaward.cohort import assess
    from azaward.formats.rows import InputError
    from azaward.knowledge import KnowledgeError

    day, knowledge = day_of(as_of), load_knowledge()
    try:
        if protocol.endswith((".yaml", ".yml")):
            knowledge, protocol = knowledge.with_protocol(Path(protocol))
        with progress_on_stderr("patients") as progress:
            if engine is EngineName.spark:
                from azaward.cohort import spark

                summary = spark.assess(folder, out, day, protocol, knowledge)
            else:
                summary = assess.assess(folder, out, day, protocol, knowledge, progress, share, memory_mb)
    except (InputError, KnowledgeError, UnknownProtocolError) as error:
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
