"""`azaward import`, `backup`, `restore` and `audit verify`: what the keeper of the database types."""

from __future__ import annotations

import contextlib
import getpass
import json
from collections.abc import Generator
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
DATABASE_HELP = f"sqlite:///FILE or postgresql://USER@HOST/NAME. Without it: {DEFAULT}."
Database = Annotated[str, typer.Option(help=DATABASE_HELP, envvar="AZAWARD_DATABASE")]
trail = typer.Typer(no_args_is_help=True, help="The audit trail: who read or changed what.")
app.add_typer(trail, name="audit")


class Format(StrEnum):
    """How it is said what came in."""

    text = "text"
    json = "json"


@app.command("import")
def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="FHIR Bundles (.json, .ndjson), folders of tables, azaward's JSON, or genotypes.", metavar="FILES..."
        ),
    ],
    database: Database = DEFAULT,
    clinic: Annotated[
        str | None, typer.Option(help="Whose patients; in a database without clinics it is made.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="The day that counts as today (YYYY-MM-DD).")] = None,
    format: Annotated[Format, typer.Option(help="How to say what came in.")] = Format.text,
) -> None:
    """Brings files into the database: each whole or not at all, and once however often it comes."""
    day = day_of(as_of)
    knowledge = load_knowledge()
    with _store(database) as store:
        from azaward.store.care.acts import Actor

        clinic_id, is_new = _clinic(store, clinic)
        actor = Actor(_who(), clinic_id, day)
        said: list[dict[str, Any]] = []
        for file in files:
            one, is_new = _bring(store, actor, file, knowledge, is_new)
            said.append(one)
            if format is Format.text and "error" not in one:
                write((_in_words(one) + "\n").encode())
        if format is Format.json:
            write(json.dumps({"clinic": clinic_id, "files": said}, ensure_ascii=False, indent=1).encode() + b"\n")
    if any("error" in one for one in said):
        raise typer.Exit(1)


def _bring(store: Store, actor: Actor, file: Path, knowledge: Knowledge, is_new: bool) -> tuple[dict[str, Any], bool]:
    """One file, and whether the clinic is still to be made; a file that can't be used is said and left out."""
    from azaward.errors import InputError, StoreError
    from azaward.readers.digest import digest
    from azaward.readers.read import read
    from azaward.store import imports

    try:
        mark = digest(file)
        record = _genotypes(store, actor, file, knowledge) if _is_genotypes(file) else read(file, knowledge)
        if is_new:
            imports.make_clinic(store, actor.clinic_id, actor.clinic_id)
            typer.echo(f"azaward: the database had no clinic; {actor.clinic_id!r} was made", err=True)
            is_new = False
        with progress_on_stderr(f"patients of {file.name}") as progress:
            brought = imports.keep(store, actor, file.resolve().name, mark, record, knowledge, progress)
    except (InputError, StoreError) as error:
        line = str(error) if isinstance(error, InputError) else f"{file}: {error}"
        typer.echo(f"azaward: {line}", err=True)
        return {"file": str(file), "error": line}, is_new
    if brought.before is None:
        warn([f"{item.where}: {item.what}: {item.why}" for item in record.set_aside])
    return _said(file, brought, record), is_new


def _is_genotypes(file: Path) -> bool:
    """Whether a file holds variants or a genotyping array's text, rather than a record."""
    from azaward.readers.genomes.arrays import is_array

    if file.is_dir() or file.suffix.casefold() in (".json", ".ndjson"):
        return False
    return file.name.casefold().endswith((".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")) or is_array(file)


def _genotypes(store: Store, actor: Actor, file: Path, knowledge: Knowledge) -> Record:
    """The genotypes of those of the clinic's patients whose ids the samples bear; nobody else's are kept."""
    from azaward.cli.genotype import add_to
    from azaward.errors import InputError
    from azaward.record.tables import Record
    from azaward.store.care import records

    with store.read() as connection:
        ids = records.everyone(connection, actor.clinic_id)
    if not ids:
        raise InputError(
            f"{file.name}: holds genotypes, and the clinic has no patients yet. Import their record first."
        )
    known = Record.of({"patients": [{"patient_id": one} for one in ids]})
    found = add_to(known, [file], None, None, actor.today, knowledge)
    return Record(
        {**found.rows, "patients": []}, [one for one in found.set_aside if not one.what.startswith("patient ")]
    )


def _said(file: Path, brought: Imported, record: Record) -> dict[str, Any]:
    before = brought.before
    return {
        "file": str(file),
        "rows": brought.rows,
        "new_rows": brought.new_rows,
        "patients": brought.patients,
        "set_aside": [
            {"where": one.where, "what": one.what, "why": one.why, "patient_id": one.patient_id, "kind": one.kind}
            for one in record.set_aside
        ],
        "before": None if before is None else before.isoformat(timespec="seconds"),
    }


def _in_words(one: dict[str, Any]) -> str:
    if one["before"] is not None:
        return f"{one['file']}: the same file came in on {one['before'][:16].replace('T', ' ')} UTC; nothing was done."
    aside = f", {len(one['set_aside'])} set aside" if one["set_aside"] else ""
    return f"{one['file']}: {one['new_rows']:,} new rows of {one['rows']:,}, {one['patients']:,} patients{aside}."


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it; it holds health data, keep it as safe as those.")],
    database: Database = DEFAULT,
) -> None:
    """Writes the whole database to one file, as it is at one moment, while others may go on working."""
    from azaward.store import backup as backups

    with _store(database, must_exist=True) as store, progress_on_stderr("rows") as progress:
        made = backups.backup(store, file, _who(), progress)
        if made.audit.wrong is not None:
            typer.echo(f"azaward: the audit trail is wrong, and was backed up so: {made.audit.wrong}", err=True)
        write(f"{file}: {made.rows:,} rows of {len(made.parts)} tables; {_trail(made.audit)}\n".encode())


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that azaward backup wrote.")],
    database: Annotated[str, typer.Option(help="An empty one: sqlite:///FILE or postgresql://USER@HOST/NAME.")],
) -> None:
    """Brings a backup back into an empty database, SQLite or PostgreSQL, wherever it was made."""
    with _pages(), progress_on_stderr("rows") as progress:
        from azaward.store import backup as backups

        made = backups.restore(file, database, progress)
        write(f"{file}: {made.rows:,} rows of {len(made.parts)} tables came in; {_trail(made.audit)}\n".encode())


@trail.command()
def verify(
    database: Database = DEFAULT,
    head: Annotated[str | None, typer.Option(help="A hash that was noted earlier: it must stand in the trail.")] = None,
) -> None:
    """Follows the audit trail from its beginning: has anybody altered an entry, or left one out?"""
    with _store(database, must_exist=True) as store:
        from azaward.store import audit

        found = audit.verify(store, head.strip() if head else None)
        if found.wrong is not None:
            fail(f"{store.name}: the audit trail is wrong: {found.wrong}.")
        write(f"{found.entries:,} entries, none altered; {_head(found.head)}\n".encode())


def _trail(found: Any) -> str:
    return f"audit trail: {found.entries:,} entries, {_head(found.head)}"


def _head(head: str) -> str:
    return f"head {head}" if head else "no head yet"


def _clinic(store: Store, named: str | None) -> tuple[str, bool]:
    """The clinic that is meant, and whether it is still to be made."""
    from azaward.store import imports

    ids = imports.clinic_ids(store)
    if named is None:
        return imports.only_clinic(store), False
    if ids and named not in ids:
        fail(f"--clinic {named}: no such clinic in {store.name}. It holds {', '.join(ids)}.")
    if not named.strip():
        fail("--clinic: empty. Expected the clinic's id, such as rheumatology.")
    return named, not ids


def _who() -> str:
    """Who types, for the audit trail."""
    try:
        return f"command line: {getpass.getuser()}"
    except (OSError, KeyError):
        return "command line"


@contextlib.contextmanager
def _pages() -> Generator[None]:
    """What stands on the database's libraries; whatever it can't do is one line."""
    from azaward.errors import StoreError

    try:
        yield
    except StoreError as error:
        fail(str(error))


@contextlib.contextmanager
def _store(database: str, must_exist: bool = False) -> Generator[Store]:
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
