"""`azaward import`, `backup`, `restore` and `audit verify`: the commands that look after the database."""

from __future__ import annotations

import contextlib
import getpass
import json
from collections.abc import Generator, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from azaward.cli.edge import app, day_of, fail, load_knowledge, progress_on_stderr, warn, write

if TYPE_CHECKING:
    from azaward.knowledge import Knowledge
    from azaward.record.tables import Record
    from azaward.store import Store
    from azaward.store.care.acts import Actor
    from azaward.store.imports import Imported

DEFAULT = "sqlite:///azaward.db"
DATABASE_HELP = "sqlite:///FILE or postgresql://USER@HOST/NAME."
Database = Annotated[str, typer.Option(help=DATABASE_HELP, envvar="AZAWARD_DATABASE")]
trail = typer.Typer(no_args_is_help=True, help="The audit trail of who read or changed what.")
app.add_typer(trail, name="audit")


class Format(StrEnum):
    """The output formats of an import."""

    text = "text"
    json = "json"


@app.command("import")
def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="FHIR Bundles (.json, .ndjson), HL7 messages, folders of tables, azaward's JSON, or genotypes.",
            metavar="FILES...",
        ),
    ],
    database: Database = DEFAULT,
    clinic: Annotated[
        str | None, typer.Option(help="The clinic that the patients belong to; created if the database has no clinic.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="The day that counts as today (YYYY-MM-DD).")] = None,
    format: Annotated[Format, typer.Option(help="Output format.")] = Format.text,
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="The file with the key to names and numbers; created when it is first needed.",
            envvar="AZAWARD_KEY_FILE",
        ),
    ] = None,
    trust: Annotated[
        list[str] | None,
        typer.Option(help="An authority whose numbers show that two records are about one person; may be repeated."),
    ] = None,
) -> None:
    """Import files into the database. Imports are atomic, and importing a file again changes nothing."""
    day = day_of(as_of)
    knowledge = load_knowledge()
    if clinic is None and _is_new(database):
        fail(f"{database}: holds no clinic. Name one with --clinic.")
    with store_at(database) as store:
        from azaward.store.care.acts import Actor

        store.key_file = key_file
        clinic_id, is_new = _clinic(store, clinic)
        actor = Actor(who_acts(), clinic_id, day)
        outcomes: list[dict[str, Any]] = []
        for file in files:
            outcome, is_new = _bring(store, actor, file, knowledge, is_new, trust or ())
            outcomes.append(outcome)
            if format is Format.text and "error" not in outcome:
                write((_in_words(outcome) + "\n").encode())
        if format is Format.json:
            write(json.dumps({"clinic": clinic_id, "files": outcomes}, ensure_ascii=False, indent=1).encode() + b"\n")
    if any("error" in outcome for outcome in outcomes):
        raise typer.Exit(1)


def _is_new(database: str) -> bool:
    """Whether the database would be made: a file that isn't there yet."""
    from sqlalchemy.engine import make_url

    file = make_url(database).database if database.startswith("sqlite:///") else None
    return bool(file and file != ":memory:" and not Path(file).exists())


def _bring(
    store: Store, actor: Actor, file: Path, knowledge: Knowledge, is_new: bool, trusted: Sequence[str]
) -> tuple[dict[str, Any], bool]:
    """Imports one file, and tells whether the clinic has still to be created. An unusable file is reported."""
    from azaward.errors import InputError, StoreError
    from azaward.readers.digest import digest
    from azaward.readers.read import read
    from azaward.store import imports

    try:
        mark = digest(file)
        record = _genotypes(store, actor, file, knowledge) if _is_genotypes(file) else read(file, knowledge)
        if is_new:
            imports.make_clinic(store, actor.clinic_id, actor.clinic_id)
            typer.echo(f"azaward: the database had no clinic; created {actor.clinic_id!r}", err=True)
            is_new = False
        with progress_on_stderr(f"patients of {file.name}") as progress:
            brought = imports.keep(store, actor, file.resolve().name, mark, record, knowledge, progress, trusted)
    except (InputError, StoreError) as error:
        line = str(error) if isinstance(error, InputError) else f"{file}: {error}"
        typer.echo(f"azaward: {line}", err=True)
        return {"file": str(file), "error": line}, is_new
    if brought.before is None:
        warn([f"{item.where}: {item.what}: {item.why}" for item in record.set_aside])
    return _said(file, brought, record), is_new


def _is_genotypes(file: Path) -> bool:
    """Whether a file holds variants or genotyping-array text rather than a record."""
    from azaward.readers.genomes.chips.arrays import is_array

    if file.is_dir() or file.suffix.casefold() in (".json", ".ndjson"):
        return False
    return file.name.casefold().endswith((".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")) or is_array(file)


def _genotypes(store: Store, actor: Actor, file: Path, knowledge: Knowledge) -> Record:
    """The genotypes of samples named after the clinic's patients; no others are kept."""
    from azaward.cli.genotype import add_to
    from azaward.errors import InputError
    from azaward.record.tables import Record
    from azaward.store.care import records

    with store.read() as connection:
        ids = records.everyone(connection, actor.clinic_id)
    if not ids:
        raise InputError(
            f"{file.name}: contains genotypes, but the clinic has no patients yet. Import their records first."
        )
    known = Record.of({"patients": [{"patient_id": id} for id in ids]})
    record = add_to(known, [file], None, None, actor.today, knowledge)
    set_aside = [item for item in record.set_aside if not item.what.startswith("patient ")]
    return replace(record, rows={**record.rows, "patients": []}, set_aside=set_aside)


def _said(file: Path, brought: Imported, record: Record) -> dict[str, Any]:
    before = brought.before
    return {
        "file": str(file),
        "rows": brought.rows,
        "new_rows": brought.new_rows,
        "patients": brought.patients,
        "set_aside": [
            {"where": item.where, "what": item.what, "why": item.why, "patient_id": item.patient_id, "kind": item.kind}
            for item in record.set_aside
        ],
        "before": None if before is None else before.isoformat(timespec="seconds"),
    }


def _in_words(outcome: dict[str, Any]) -> str:
    file, before, aside = outcome["file"], outcome["before"], len(outcome["set_aside"])
    if before is not None:
        return f"{file}: already imported on {before[:16].replace('T', ' ')} UTC; nothing changed."
    people = "1 patient" if outcome["patients"] == 1 else f"{outcome['patients']:,} patients"
    left = f", {aside} set aside" if aside else ""
    return f"{file}: {outcome['new_rows']:,} of {outcome['rows']:,} rows new, {people}{left}."


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write. It holds health data: protect it accordingly.")],
    database: Database = DEFAULT,
) -> None:
    """Back up the whole database to one file, as a consistent snapshot; others can keep working."""
    from azaward.store import backup as backups

    with store_at(database, must_exist=True) as store, progress_on_stderr("rows") as progress:
        made = backups.backup(store, file, who_acts(), progress)
        if made.audit.wrong is not None:
            typer.echo(f"azaward: the audit trail is damaged and was backed up as it is: {made.audit.wrong}", err=True)
        write(f"{file}: backed up {made.rows:,} rows from {len(made.parts)} tables; {_trail(made.audit)}\n".encode())
        _say_keys(store, "The backup doesn't contain its key. Copy the key file too")


def _say_keys(store: Store, what: str) -> None:
    """Says which keys open the names, numbers and messages in a database."""
    from azaward.store import keys

    with store.read() as connection:
        needed = keys.needed(connection)
    if needed:
        lies = f" ({keys.file_of(store)})"
        typer.echo(f"azaward: names and numbers are sealed with the key {', '.join(needed)}. {what}{lies}.", err=True)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file written by azaward backup.")],
    database: Annotated[str, typer.Option(help="An empty database: sqlite:///FILE or postgresql://USER@HOST/NAME.")],
) -> None:
    """Restore a backup into an empty SQLite or PostgreSQL database, whichever it came from."""
    with _pages(), progress_on_stderr("rows") as progress:
        from azaward.store import backup as backups

        made = backups.restore(file, database, progress)
        write(f"{file}: restored {made.rows:,} rows to {len(made.parts)} tables; {_trail(made.audit)}\n".encode())
        with store_at(database, must_exist=True) as store:
            _say_keys(store, "Put the key file in its place")


@trail.command()
def verify(
    database: Database = DEFAULT,
    head: Annotated[str | None, typer.Option(help="A hash that you noted earlier; the trail must contain it.")] = None,
) -> None:
    """Verify the whole audit trail: report any entry that was altered or removed."""
    with store_at(database, must_exist=True) as store:
        from azaward.store import audit

        found = audit.verify(store, head.strip() if head else None)
        if found.wrong is not None:
            fail(f"{store.name}: the audit trail is damaged: {found.wrong}.")
        write(f"{found.entries:,} entries, none altered; {_head(found.head)}\n".encode())


def _trail(found: Any) -> str:
    return f"audit trail: {found.entries:,} entries, {_head(found.head)}"


def _head(head: str) -> str:
    return f"head {head}" if head else "no head yet"


def _clinic(store: Store, named: str | None) -> tuple[str, bool]:
    """The clinic to import into, and whether it has still to be created."""
    from azaward.store import imports

    ids = imports.clinic_ids(store)
    if named is None:
        return imports.only_clinic(store), False
    if ids and named not in ids:
        fail(f"--clinic {named}: no such clinic in {store.name}. Expected one of: {', '.join(ids)}.")
    if not named.strip():
        fail("--clinic is empty. Expected the clinic's id, such as rheumatology.")
    return named, not ids


def who_acts() -> str:
    """The user at the command line, for the audit trail."""
    try:
        return f"command line: {getpass.getuser()}"
    except (OSError, KeyError):
        return "command line"


@contextlib.contextmanager
def _pages() -> Generator[None]:
    """Reports database errors in one line."""
    from azaward.errors import StoreError

    try:
        yield
    except StoreError as error:
        fail(str(error))


@contextlib.contextmanager
def store_at(database: str, must_exist: bool = False) -> Generator[Store]:
    """The open database."""
    with _pages():
        from sqlalchemy.engine import make_url

        from azaward.errors import StoreError
        from azaward.store import Store

        if must_exist and database.startswith("sqlite:///"):
            file = make_url(database).database
            if file and file != ":memory:" and not Path(file).exists():
                raise StoreError(f"{database}: no such file. Name the database with --database or AZAWARD_DATABASE.")
        store = Store.open(database)
        try:
            yield store
        finally:
            store.close()
