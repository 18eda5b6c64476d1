"""`azaward listen`, `watch`, `tray`, `people` and `keys`: what arrives from other systems, and about whom."""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azaward.cli.edge import app, day_of, fail, load_knowledge, write
from azaward.cli.store import DEFAULT, Database, store_at, who_acts

if TYPE_CHECKING:
    from azaward.knowledge import Knowledge
    from azaward.store import Store
    from azaward.store.care.acts import Actor
    from azaward.store.keys import Keys

KeyFile = Annotated[
    Path | None,
    typer.Option(
        help="The file with the key to names and numbers; created when it is first needed.", envvar="AZAWARD_KEY_FILE"
    ),
]
Clinic = Annotated[str | None, typer.Option(help="The clinic that the patients belong to.")]
tray_app = typer.Typer(no_args_is_help=True, help="Messages that match no known patient.")
people_app = typer.Typer(
    no_args_is_help=True, help="Records that may be about one person: join them or keep them apart."
)
keys_app = typer.Typer(no_args_is_help=True, help="The key to names and numbers.")
app.add_typer(tray_app, name="tray")
app.add_typer(people_app, name="people")
app.add_typer(keys_app, name="keys")


@contextlib.contextmanager
def _opened(database: str, clinic: str | None) -> Generator[tuple[Store, Actor]]:
    """The store and who acts in it; its clinic must be there."""
    with store_at(database, must_exist=True) as store:
        from azaward.store import imports
        from azaward.store.care.acts import Actor

        if clinic is not None and clinic not in (known := imports.clinic_ids(store)):
            fail(f"--clinic {clinic}: not in {store.name}. Expected one of: {', '.join(known) or 'none is there'}.")
        yield store, Actor(who_acts(), clinic or imports.only_clinic(store), day_of(None))


def _keys(store: Store, file: Path | None) -> Keys:
    """The keys of a database; `StoreError` says what to do without them."""
    from azaward.store import keys

    store.key_file = file
    with store.read() as connection:
        return keys.keys_of(store, connection)


def _say_lacking(store: Store, held: Keys) -> None:
    """Says which keys are lost, so that names, numbers and messages that they sealed can't be read."""
    from azaward.store import keys

    with store.read() as connection:
        for key in keys.lacking(connection, held):
            _say(f"the key file lacks the key {key}: what it sealed can't be read. Put it back from a backup.")


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
        from azaward.mllp.server import Settings, networks, tls_context
        from azaward.readers.hl7.senders import read_senders

        knowledge = load_knowledge()
        senders = read_senders(sender or (), knowledge)
        if tls is None and (alone := tls_key or tls_clients):
            given = "--tls-key" if tls_key else "--tls-clients"
            fail(f"{given} {alone}: without a certificate nothing is encrypted. Give one with --tls.")
        context = tls_context(tls, tls_key, tls_clients) if tls else None
        settings = Settings(host.strip("[]"), int(port), networks(allow or ()), context, threads=16)
        with _opened(database, clinic) as (store, actor):
            from azaward.store.listening import Listening

            kept = Journal(journal or _beside(database))
            _say_lacking(store, _keys(store, key_file))
            Listening(store, actor, knowledge, senders, lambda: day_of(None)).serve(settings, kept, _say)
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
    with _opened(database, clinic) as (store, actor):
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


@tray_app.command("list")
def tray_list(database: Database = DEFAULT, clinic: Clinic = None) -> None:
    """List the waiting messages, severe ones first."""
    with _opened(database, clinic) as (store, actor):
        from azaward.store import tray

        with store.write() as connection:
            waiting = tray.listed(connection, actor)
        lines = [
            f"{one.id}  {one.at:%Y-%m-%d %H:%M} UTC  {one.sender}  {one.why}"
            + (f"\n    same-day, for a {tray.ROLE}: {one.severe}" if one.severe else "")
            for one in waiting
        ]
        write(("\n".join(lines) + "\n" if lines else "No messages are waiting.\n").encode())


@tray_app.command("show")
def tray_show(
    number: Annotated[int, typer.Argument(help="The message's number in the list.")],
    database: Database = DEFAULT,
    clinic: Clinic = None,
    key_file: KeyFile = None,
) -> None:
    """Show a message as it arrived. The audit trail records that you read it."""
    with _opened(database, clinic) as (store, actor):
        from azaward.store import tray

        keys = _keys(store, key_file)
        with store.write() as connection:
            content = tray.content(connection, actor, number, keys)
        write(content.content.replace(b"\r", b"\n") + b"\n")


@tray_app.command("assign")
def tray_assign(
    number: Annotated[int, typer.Argument(help="The message's number in the list.")],
    patient: Annotated[str, typer.Argument(help="The patient that the message is about.")],
    database: Database = DEFAULT,
    clinic: Clinic = None,
    sender: Annotated[list[Path] | None, typer.Option(help="The settings file of its sender.")] = None,
    key_file: KeyFile = None,
) -> None:
    """Store a message for a patient. From then on, the trusted numbers in it belong to that patient."""
    knowledge = load_knowledge()
    with _opened(database, clinic) as (store, actor):
        from azaward.readers.hl7.senders import read_senders
        from azaward.store.listening import assign

        keys = _keys(store, key_file)
        rows = assign(store, actor, number, patient, keys, knowledge, read_senders(sender or (), knowledge))
        write(f"message {number}: {rows} rows stored for {patient}\n".encode())


@tray_app.command("discard")
def tray_discard(
    number: Annotated[int, typer.Argument(help="The message's number in the list.")],
    why: Annotated[str, typer.Option(help="The reason; it is recorded.")],
    database: Database = DEFAULT,
    clinic: Clinic = None,
) -> None:
    """Remove a message from the tray without storing it."""
    if not why.strip():
        fail("--why is empty. Expected the reason.")
    with _opened(database, clinic) as (store, actor):
        from azaward.store import tray

        with store.write() as connection:
            tray.resolve(connection, actor, number, f"discarded: {why}", None)
        write(f"message {number}: discarded\n".encode())


@people_app.command("pairs")
def people_pairs(database: Database = DEFAULT, clinic: Clinic = None) -> None:
    """List pairs of records that may be about one person and are still undecided."""
    with _opened(database, clinic) as (store, actor):
        from azaward.store import audit
        from azaward.store.audit import Entry
        from azaward.store.care import merges

        with store.write() as connection:
            pairs = merges.open_pairs(connection, actor.clinic_id)
            detail = {"patients": sorted({each for pair in pairs for each in pair[:2]})}
            audit.append(connection, [Entry(actor.login, "list pairs", actor.clinic_id, None, detail)])
        lines = [f"{one}  {other}  {why}" for one, other, why in pairs]
        write(("\n".join(lines) + "\n" if lines else "No open pairs.\n").encode())


def _change(database: str, clinic: str | None, ids: Sequence[str], why: str, what: str) -> None:
    """Joins or separates two records, records the reason, and assesses who is affected."""
    if not why.strip():
        fail("--why is empty. Expected the reason.")
    knowledge = load_knowledge()
    with _opened(database, clinic) as (store, actor):
        from azaward.store.listening import change

        write(f"{change(store, actor, what, ids, why, knowledge)}\n".encode())


@people_app.command("merge")
def people_merge(
    given_up: Annotated[str, typer.Argument(help="The id to give up.")],
    kept: Annotated[str, typer.Argument(help="The id to keep.")],
    why: Annotated[str, typer.Option(help="The reason; it is recorded.")],
    database: Database = DEFAULT,
    clinic: Clinic = None,
) -> None:
    """Join two records of one person. No row is moved, so they can be separated again."""
    _change(database, clinic, (given_up, kept), why, "merge")


@people_app.command("unmerge")
def people_unmerge(
    given_up: Annotated[str, typer.Argument(help="The id that was given up.")],
    why: Annotated[str, typer.Option(help="The reason; it is recorded.")],
    database: Database = DEFAULT,
    clinic: Clinic = None,
) -> None:
    """Separate two joined records. Each is as it was before, plus anything that has arrived since."""
    _change(database, clinic, (given_up,), why, "unmerge")


@people_app.command("apart")
def people_apart(
    one: Annotated[str, typer.Argument(help="One of the two ids.")],
    other: Annotated[str, typer.Argument(help="The other id.")],
    why: Annotated[str, typer.Option(help="The reason; it is recorded.")],
    database: Database = DEFAULT,
    clinic: Clinic = None,
) -> None:
    """Record that two ids are different people, so that nobody is asked about them again."""
    _change(database, clinic, (one, other), why, "apart")


@keys_app.command("rotate")
def keys_rotate(database: Database = DEFAULT, key_file: KeyFile = None) -> None:
    """Seal everything again with a new key. The file keeps the old one, which earlier backups need."""
    with store_at(database, must_exist=True) as store:
        from azaward.store import audit, keys
        from azaward.store.audit import Entry
        from azaward.store.care import people

        file = key_file or keys.default_file(database)
        held = _keys(store, file)
        with store.write() as connection:
            both = people.rotate(connection, file, held)
            audit.append(connection, [Entry(who_acts(), "rotate key", None, both.newest.id, {})])
        _say_lacking(store, both)
        write(f"{file}: created a new key and sealed everything with it. Keep a copy of the file elsewhere.\n".encode())
