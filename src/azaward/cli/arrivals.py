"""`azaward listen`, `watch` and `keys`: what arrives from other systems, and the key to whom it is about."""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azaward.cli.edge import app, day_of, fail, load_knowledge, write
from azaward.cli.opened import Clinic, KeyFile, keys_in, opened, say_lacking
from azaward.cli.store import DEFAULT, Database, store_at, who_acts

if TYPE_CHECKING:
    from azaward.knowledge import Knowledge
    from azaward.store import Store
    from azaward.store.care.acts import Actor

keys_app = typer.Typer(no_args_is_help=True, help="The key to names and numbers.")
app.add_typer(keys_app, name="keys")


@app.command()
def listen(
    hl7: Annotated[str, typer.Option(help="The address to listen on (MLLP).", metavar="HOST:PORT")],
    database: Database = DEFAULT,
    clinic: Clinic = None,
    sender: Annotated[
        list[Path] | None, typer.Option(help="A settings file for one sender (docs/hl7.md); may be repeated.")
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            help="A network that may connect, such as 10.1.0.0/16; may be repeated. Default: this machine only."
        ),
    ] = None,
    tls: Annotated[Path | None, typer.Option(help="The certificate for TLS (PEM).")] = None,
    tls_key: Annotated[
        Path | None, typer.Option(help="The certificate's private key, if it isn't in the same file.")
    ] = None,
    tls_clients: Annotated[
        Path | None,
        typer.Option(help="The authority (PEM) that signs senders' certificates; only senders with one may connect."),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(help="The folder where messages are kept until they are answered. Default: beside the database."),
    ] = None,
    key_file: KeyFile = None,
) -> None:
    """Listen for HL7 v2 messages: results, orders, people. Each is stored before it is acknowledged."""
    host, _, port = hl7.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        fail(f"--hl7 {hl7}: not an address. Expected HOST:PORT, such as 127.0.0.1:2575.")
    from azaward.errors import UserError

    try:
        from azaward.mllp.journal import Journal
        from azaward.mllp.log import Lines
        from azaward.mllp.server import Settings, in_the_open, networks, tls_context
        from azaward.readers.hl7.senders import read_senders

        knowledge = load_knowledge()
        senders = read_senders(sender or (), knowledge)
        if tls is None and (alone := tls_key or tls_clients):
            given = "--tls-key" if tls_key else "--tls-clients"
            fail(f"{given} {alone}: without a certificate nothing is encrypted. Give one with --tls.")
        context = tls_context(tls, tls_key, tls_clients) if tls else None
        if said := in_the_open(host.strip("[]"), allowed=bool(allow), encrypted=context is not None):
            _say(said)
        settings = Settings(host.strip("[]"), int(port), networks(allow or ()), context, threads=16)
        with opened(database, clinic) as (store, actor):
            from azaward.store.listening import Listening

            kept = Journal(journal or _beside(database))
            say_lacking(store, keys_in(store, key_file))
            lines = Lines()
            try:
                Listening(store, actor, knowledge, senders, lambda: day_of(None), lines.say).serve(settings, kept, _say)
            finally:
                lines.close()
    except UserError as error:
        fail(str(error))


def _beside(database: str) -> Path:
    from azaward.store import keys

    return keys.default_file(database).with_suffix(".journal")


def _say(line: str) -> None:
    typer.echo(f"azaward: {line}", err=True)


@app.command()
def watch(
    folder: Annotated[
        Path,
        typer.Argument(
            help="The folder to watch. Files that have been read are moved to its subfolders done/ and failed/."
        ),
    ],
    database: Database = DEFAULT,
    clinic: Clinic = None,
    once: Annotated[bool, typer.Option("--once", help="Import what is there now, then exit.")] = False,
    settle: Annotated[float, typer.Option(help="How many seconds a file must stay unchanged before it is read.")] = 2.0,
    key_file: KeyFile = None,
) -> None:
    """Import each file that arrives in a folder, then move it to done, or to failed with the reason beside it."""
    if not folder.is_dir():
        fail(f"{folder}: no such folder. Expected the folder in which files arrive.")
    for name in ("done", "failed"):
        if (folder / name).exists() and not (folder / name).is_dir():
            fail(f"{folder / name}: a file. Expected a folder, where files are moved once they are read. Rename it.")
    knowledge = load_knowledge()
    with opened(database, clinic) as (store, actor):
        store.key_file = key_file
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda _signal, _frame: stop.set())
        sizes: dict[Path, tuple[int, float]] = {}
        while True:
            ready = _settled(folder, sizes, 0.0 if once else settle)
            for path in ready:
                _take(path, store, replace(actor, today=day_of(None)), knowledge)
            if once or stop.wait(1.0):
                return


def _settled(folder: Path, sizes: dict[Path, tuple[int, float]], seconds: float) -> list[Path]:
    """What is in the folder and hasn't changed for so long: whoever writes it has finished."""
    now, ready = time.monotonic(), list[Path]()
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in ("done", "failed") or path.name.endswith((".part", ".tmp")):
            continue
        size = _size(path)
        before, since = sizes.get(path, (-1, now))
        since = since if before == size else now
        sizes[path] = (size, since)
        if now - since >= seconds:
            ready.append(path)
    return ready


def _size(path: Path) -> int:
    """How much there is of a file or folder; what is removed meanwhile, or is no file, has none."""
    parts = [path, *path.rglob("*")] if path.is_dir() else [path]
    sizes = 0
    for each in parts:
        with contextlib.suppress(OSError):
            sizes += each.stat().st_size
    return sizes


def _check(path: Path) -> None:
    """Refuses what can't be read to its end, such as a pipe, which would wait for its writer."""
    from azaward.errors import InputError

    for each in [path, *path.rglob("*")] if path.is_dir() else [path]:
        if not each.is_file() and not each.is_dir():
            what = "a link to nothing" if each.is_symlink() else "neither a file nor a folder"
            raise InputError(f"{each.name}: {what}. Expected a file or a folder of tables.")


def _take(path: Path, store: Store, actor: Actor, knowledge: Knowledge) -> None:
    """Imports one file and moves it; the reason for a failure is written beside the file."""
    from azaward.errors import UserError
    from azaward.readers.digest import digest
    from azaward.readers.read import read
    from azaward.store import imports

    if not path.exists() and not path.is_symlink():
        return  # Its sender has taken it away.
    try:
        _check(path)
        mark = digest(path)
        record = read(path, knowledge)
        brought = imports.keep(store, actor, path.name, mark, record, knowledge)
    except (UserError, OSError) as error:
        target = _moved(path, "failed")
        target.with_name(f"{target.name}.reason.txt").write_text(f"{error}\n", encoding="utf-8")
        _say(f"{path.name}: failed: {error}")
        return
    _moved(path, "done")
    what = "already imported" if brought.before else f"{brought.new_rows:,} of {brought.rows:,} rows new"
    _say(f"{path.name}: {what}")


def _moved(path: Path, into: str) -> Path:
    """Moves a file or folder; one of the same name there is kept."""
    home = path.parent / into
    home.mkdir(exist_ok=True)
    target, number = home / path.name, 1
    while target.exists() or target.is_symlink():
        number += 1
        target = home / f"{path.stem}-{number}{path.suffix}"
    shutil.move(path, target)
    return target


@keys_app.command("rotate")
def keys_rotate(database: Database = DEFAULT, key_file: KeyFile = None) -> None:
    """Seal everything again with a new key. The file keeps the old one, which earlier backups need."""
    with store_at(database, must_exist=True) as store:
        from azaward.store import audit, keys
        from azaward.store.audit import Entry
        from azaward.store.care import people

        file = key_file or keys.default_file(database)
        held = keys_in(store, file)
        with store.write() as connection:
            both = people.rotate(connection, file, held)
            audit.append(connection, [Entry(who_acts(), "rotate key", None, both.newest.id, {})])
        say_lacking(store, both)
        write(f"{file}: created a new key and sealed everything with it. Keep a copy of the file elsewhere.\n".encode())
