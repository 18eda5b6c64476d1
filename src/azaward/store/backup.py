"""Backup and restore of a database, on SQLite and PostgreSQL.

A backup is a zip file with a consistent snapshot of the database: a manifest, and a part for each table with one line
of JSON per row. The manifest gives the type of each column, so that either database and later versions can read it. It
also has the digest of each part and the head of the audit trail, which a restore checks before it commits.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import secrets
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec
import sqlalchemy as sa
from alembic import command
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from azaward import __version__
from azaward.errors import StoreError
from azaward.store import audit
from azaward.store.audit import Entry
from azaward.store.database import Store
from azaward.store.schema import Moment, metadata
from azaward.store.versions import config, known, newest

MANIFEST = "manifest.json"
FORMAT = 1
_AT_ONCE = 5_000
# What reading a zip file that isn't whole ends with.
_BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError)
_BLOCK = 1 << 20
Progress = Callable[[int, int], None]

# What a column may hold: its word in the manifest, its type in the database, and in a line.
_KINDS: Mapping[str, tuple[type[sa.types.TypeEngine[Any]] | type[Moment], type]] = {
    "text": (sa.Text, str),
    "whole number": (sa.Integer, int),
    "number": (sa.Float, float),
    "day": (sa.Date, dt.date),
    "moment": (Moment, dt.datetime),
    "truth": (sa.Boolean, bool),
    "bytes": (sa.LargeBinary, bytes),
}


class Column(msgspec.Struct, frozen=True):
    """A column of a part: its name and the type of its cells."""

    name: str
    kind: str


class Part(msgspec.Struct, frozen=True):
    """A table in a backup."""

    table: str
    columns: list[Column]
    rows: int
    sha256: str

    @property
    def file(self) -> str:
        """Its name in the zip file."""
        return f"tables/{self.table}.jsonl"


class Trail(msgspec.Struct, frozen=True):
    """The state of the audit trail, as in `azaward.store.audit.Verified`."""

    entries: int
    head: str
    wrong: str | None


class Manifest(msgspec.Struct, frozen=True):
    """The contents of a backup."""

    format: int
    azaward: str
    tables_version: str
    made_at: dt.datetime
    audit: Trail
    parts: list[Part]

    @property
    def rows(self) -> int:
        """All rows of all tables."""
        return sum(part.rows for part in self.parts)


def backup(store: Store, file: Path, by: str, progress: Progress = lambda done, all: None) -> Manifest:
    """Atomically writes a snapshot of the database to a file that only its owner may read.

    An earlier backup of the same name is replaced. Raises `StoreError` for any other existing file, which is kept.
    """
    if file.exists() and not is_backup(file):
        raise StoreError(f"{file}: already exists and is not an azaward backup. Choose another name.")
    with store.write() as connection:
        audit.append(connection, [Entry(by, "back up", None, file.name)])
    with _written(file) as target, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        with _one_state(store) as connection:
            tables = metadata.sorted_tables
            count = {table.name: _count(connection, table.name) for table in tables}
            parts: list[Part] = []
            for table in tables:
                done, every = sum(part.rows for part in parts), sum(count.values())
                parts.append(
                    _write(connection, table, archive, lambda rows, at=done, all=every: progress(at + rows, all))
                )
            followed = audit.follow(connection)
            version = MigrationContext.configure(connection).get_current_revision()
        trail = Trail(followed.entries, followed.head, followed.wrong)
        manifest = Manifest(FORMAT, __version__, str(version), dt.datetime.now(dt.UTC), trail, parts)
        archive.writestr(_info(MANIFEST), msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    return manifest


def read_manifest(file: Path) -> Manifest:
    """The manifest of a backup. Raises `StoreError` if the file is not a backup, is incomplete or was altered."""
    with _opened(file) as archive:
        manifest = _manifest(file, archive)
        for part in manifest.parts:
            digest, rows = hashlib.sha256(), 0
            with archive.open(part.file) as lines:
                while block := lines.read(_BLOCK):
                    digest.update(block)
                    rows += block.count(b"\n")
            if (digest.hexdigest(), rows) != (part.sha256, part.rows):
                raise StoreError(f"{file}: {part.file} was altered after it was written. Use another backup.")
    return manifest


def is_backup(file: Path) -> bool:
    """Whether a file looks like a backup that azaward wrote."""
    try:
        with zipfile.ZipFile(file) as archive:
            return MANIFEST in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def restore(file: Path, address: str, progress: Progress = lambda done, all: None) -> Manifest:
    """Atomically restores a backup into an empty database.

    The digests are checked before anything is written; the counts and the audit trail are checked before the commit.
    """
    manifest = read_manifest(file)
    if manifest.tables_version not in known():
        raise StoreError(
            f"{file}: created by azaward {manifest.azaward} with tables of version {manifest.tables_version}; this is "
            f"{__version__} with {newest()}. Use the newer version of azaward."
        )
    store = Store.at(address)
    try:
        with _opened(file) as archive, store.write() as connection:
            _empty_tables(connection, manifest, store.name)
            done = 0
            for part in manifest.parts:
                for rows in _batches(file, archive, part):
                    connection.execute(sa.insert(_table(part)), rows)
                    done += len(rows)
                    progress(done, manifest.rows)
            _check(connection, manifest, file)
            _number_on(connection, manifest)
            if manifest.tables_version != newest():
                command.upgrade(config(connection), "head")
    except DBAPIError as error:
        line = (str(error.orig).strip().splitlines() or ["no reason given"])[0]
        raise StoreError(f"{store.name}: the backup can't be restored: {line}. Nothing was changed.") from None
    finally:
        store.close()
    return manifest


@contextmanager
def _one_state(store: Store) -> Generator[Connection]:
    """A connection that sees a consistent snapshot of the database, whatever others write meanwhile."""
    with store.engine.connect() as connection:
        if store.engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield connection


@contextmanager
def _written(file: Path) -> Generator[IO[bytes]]:
    """A new file under a temporary name, renamed once it is completely on disk."""
    waiting = file.with_name(f".{file.name}.{secrets.token_hex(4)}.new")
    try:
        number = os.open(waiting, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            with os.fdopen(number, "w+b") as target:
                yield target
                target.flush()
                os.fsync(target.fileno())
            os.replace(waiting, file)
        except BaseException:
            waiting.unlink(missing_ok=True)
            raise
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StoreError(f"{file}: can't be written: {error.strerror}. No backup was made.") from None


def _write(connection: Connection, table: sa.Table, archive: zipfile.ZipFile, say: Callable[[int], None]) -> Part:
    columns = [Column(str(column.name), _kind(column)) for column in table.columns]
    part, digest, count = Part(str(table.name), columns, 0, ""), hashlib.sha256(), 0
    question = sa.select(table).order_by(*table.primary_key.columns)
    rows = connection.execution_options(yield_per=_AT_ONCE).execute(question)
    encoder, lines = msgspec.json.Encoder(), bytearray()
    with archive.open(_info(part.file), "w", force_zip64=True) as target:
        for some in rows.partitions():
            lines.clear()
            for row in some:
                lines += encoder.encode(tuple(row)) + b"\n"
            digest.update(lines)
            target.write(lines)
            count += len(some)
            say(count)
    return Part(str(table.name), columns, count, digest.hexdigest())


def _info(name: str) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.compress_type = zipfile.ZIP_DEFLATED
    made.external_attr = 0o600 << 16
    return made


def _kind(column: sa.Column[Any]) -> str:
    for word, (type_, _) in _KINDS.items():
        if isinstance(column.type, type_):
            return word
    raise TypeError(f"{column}: a column type that backups don't support")


@contextmanager
def _opened(file: Path) -> Generator[zipfile.ZipFile]:
    """Opens a zip file for reading; any fault is reported in one line."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror or error}. Expected a file written by azaward backup.") from None
    except _BROKEN as error:
        raise StoreError(
            f"{file}: not a complete backup: {error}. Expected a complete file written by azaward backup."
        ) from None


def _manifest(file: Path, archive: zipfile.ZipFile) -> Manifest:
    names = archive.namelist()
    if MANIFEST not in names:
        raise StoreError(
            f"{file}: a zip file but not a backup: {MANIFEST} is missing. Expected a file written by azaward backup."
        )
    try:
        manifest = msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
    except msgspec.DecodeError as error:
        raise StoreError(f"{file}: {MANIFEST} can't be read: {error}. Use another backup.") from None
    if manifest.format != FORMAT:
        raise StoreError(
            f"{file}: backup format {manifest.format}; this version of azaward reads {FORMAT}. Use a newer version."
        )
    if sorted(names) != sorted([MANIFEST, *(part.file for part in manifest.parts)]):
        raise StoreError(f"{file}: its parts differ from those in {MANIFEST}. Use another backup.")
    for part in manifest.parts:
        for column in part.columns:
            if column.kind not in _KINDS:
                raise StoreError(f"{file}: {part.table}.{column.name}: unknown column type {column.kind!r}.")
    return manifest


def _batches(file: Path, archive: zipfile.ZipFile, part: Part) -> Iterator[list[dict[str, Any]]]:
    """The rows of a part, in batches."""
    names = [column.name for column in part.columns]
    cells = tuple(_KINDS[column.kind][1] | None for column in part.columns)
    decoder: msgspec.json.Decoder[tuple[Any, ...]] = msgspec.json.Decoder(tuple.__class_getitem__(cells))
    rows: list[dict[str, Any]] = []
    with archive.open(part.file) as lines:
        for number, line in enumerate(lines, 1):
            try:
                rows.append(dict(zip(names, decoder.decode(line), strict=True)))
            except msgspec.DecodeError as error:
                raise StoreError(f"{file}: {part.file} line {number}: {error}. Use another backup.") from None
            if len(rows) == _AT_ONCE:
                yield rows
                rows = []
    if rows:
        yield rows


def _table(part: Part) -> sa.TableClause:
    """The part's table at the time of the backup; it may have changed since."""
    return sa.table(part.table, *(sa.column(column.name, _KINDS[column.kind][0]()) for column in part.columns))


def _empty_tables(connection: Connection, manifest: Manifest, name: str) -> None:
    """Creates the tables in the backup's version, or checks that they exist and are empty."""
    there = sa.inspect(connection).get_table_names()
    if not there:
        command.upgrade(config(connection), manifest.tables_version)
    elif MigrationContext.configure(connection).get_current_revision() != manifest.tables_version:
        raise StoreError(f"{name}: not empty: its tables differ from the backup's. Use an empty database.")
    for part in manifest.parts:
        if part.table != "audit_head" and (rows := _count(connection, part.table)):
            raise StoreError(f"{name}: not empty: {part.table} has {rows} rows. Use an empty database.")
    # The head of the empty trail; the backup brings its own.
    connection.execute(sa.delete(sa.table("audit_head")))


def _check(connection: Connection, manifest: Manifest, file: Path) -> None:
    for part in manifest.parts:
        if (rows := _count(connection, part.table)) != part.rows:
            raise StoreError(f"{file}: {part.table}: {rows} rows restored, {part.rows} expected. Nothing was changed.")
    if _count(connection, "audit_head") != 1:
        raise StoreError(f"{file}: audit_head: expected one row, the head of the audit trail. Nothing was changed.")
    followed = audit.follow(connection)
    if Trail(followed.entries, followed.head, followed.wrong) != manifest.audit:
        why = followed.wrong or f"{followed.entries} entries up to {followed.head}"
        raise StoreError(f"{file}: its audit trail is not the one that was backed up: {why}. Nothing was changed.")


def _number_on(connection: Connection, manifest: Manifest) -> None:
    """Continues numbering after the restored rows; SQLite does this automatically."""
    if connection.dialect.name != "postgresql":
        return
    for part in manifest.parts:
        serial = sa.func.pg_get_serial_sequence(f'"{part.table}"', "id")
        if part.columns[0].name == "id" and connection.execute(sa.select(serial)).scalar_one() is not None:
            last = sa.select(sa.func.max(sa.column("id"))).select_from(sa.table(part.table)).scalar_subquery()
            connection.execute(sa.select(sa.func.setval(serial, sa.func.coalesce(last, 1), last.is_not(None))))


def _count(connection: Connection, table: str) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one()
