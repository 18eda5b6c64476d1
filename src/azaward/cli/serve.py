"""`azaward serve`: the web pages for clinics and patients."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from azaward.cli.edge import app, day_of, fail, load_knowledge

if TYPE_CHECKING:
    from azaward.web.shared.room import OpenIDConnect

DATABASE_HELP = "sqlite:///FILE or postgresql://USER@HOST/NAME."


@app.command()
def serve(
    database: Annotated[str | None, typer.Option(help=DATABASE_HELP, envvar="AZAWARD_DATABASE")] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="The file with the key to names and numbers; created when it is first needed.",
            envvar="AZAWARD_KEY_FILE",
        ),
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Serve the example clinic from a separate database.")] = False,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65535)] = 8000,
    as_of: Annotated[str | None, typer.Option(help="The day that counts as today (YYYY-MM-DD).")] = None,
    secure: Annotated[
        bool, typer.Option("--secure", help="Behind an HTTPS proxy: send cookies over HTTPS only.")
    ] = False,
) -> None:
    """Serve the web pages for clinics and patients from this machine."""
    if demo and not _is_loopback(host):
        fail(f"--host {host}: the example clinic's passwords are public. Use --demo on 127.0.0.1 only.")
    if not secure and not _is_loopback(host):
        typer.echo("azaward: without HTTPS (--secure), passwords and results can be intercepted", err=True)
    day = day_of(as_of) if as_of else None
    listening = _listen(host, port)
    knowledge = load_knowledge()
    from azaward.errors import StoreError
    from azaward.store import Store

    with tempfile.TemporaryDirectory(prefix="azaward-") as folder:
        default = f"sqlite:///{Path(folder) / 'example.db'}" if demo else "sqlite:///azaward.db"
        try:
            store = Store.open(database or default)
        except StoreError as error:
            fail(str(error))
        store.key_file = key_file
        from azaward.store.audit import Reads
        from azaward.store.imports import clinic_ids
        from azaward.web.demo import CLINIC, DAY, EXAMPLES, furnish
        from azaward.web.shared.room import Room, Settings
        from azaward.wording import Words

        if demo:
            # Never show real patients as examples, or open a real clinic without a second factor.
            if others := sorted(set(clinic_ids(store)) - {CLINIC}):
                store.close()
                fail(f"{store.name}: holds the clinic {others[0]!r}, which is not an example. Omit --demo.")
            furnish(store, knowledge)
            day = day or DAY
        settings = Settings(
            demo=EXAMPLES if demo else None, secure=secure, today=day, oidc=None if demo else _provider()
        )
        room = Room(store, knowledge, Words(knowledge), Reads(store), settings)
        shown = listening.getsockname()
        address = f"http://{'localhost' if _is_loopback(host) else shown[0]}:{shown[1]}/"
        typer.echo(f"azaward is listening on {address}")
        if demo:
            typer.echo(f"Sign in as {', '.join(EXAMPLES.logins)}. The password for each is: {EXAMPLES.password}")
        else:
            _first_visit(room, address)
        typer.echo("Press Ctrl-C to stop.")
        _run(room, listening)
        store.close()


def _provider() -> OpenIDConnect | None:
    """The hospital's identity provider from the environment; None if none of its variables is set."""
    from azaward.web.shared.room import OpenIDConnect

    names = ("AZAWARD_OIDC_ISSUER", "AZAWARD_OIDC_CLIENT_ID", "AZAWARD_OIDC_CLIENT_SECRET")
    given = [os.environ.get(name, "").strip() for name in names]
    if not any(given):
        return None
    if missing := [name for name, value in zip(names, given, strict=True) if not value]:
        fail(f"{', '.join(missing)}: not set. Expected all of {', '.join(names)}, or none of them.")
    issuer = urlsplit(given[0])
    if issuer.scheme != "https" and not (issuer.scheme == "http" and _is_loopback(issuer.hostname or "")):
        fail(f"AZAWARD_OIDC_ISSUER {given[0]}: expected an address that begins with https://.")
    return OpenIDConnect(*given)


def _run(room: object, listening: socket.socket) -> None:
    import uvicorn

    from azaward.web.app import make_app
    from azaward.web.shared.room import Room

    if not isinstance(room, Room):
        raise TypeError("the server needs a Room")
    config = uvicorn.Config(
        make_app(room),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=room.settings.secure,
        timeout_graceful_shutdown=5,
    )
    # Ctrl-C is the normal way to stop.
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def _first_visit(room: object, address: str) -> None:
    """Prints the one-time code for creating the first administrator, if there is no account yet."""
    from azaward.web.access import first
    from azaward.web.shared.room import Room

    if isinstance(room, Room) and (code := first.code(room)) is not None:
        typer.echo(f"There are no accounts yet. Create the first at {address}first with this code: {code}")


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, or an error that explains why there is none."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(1024)
    except socket.gaierror:
        fail(f"--host {host}: unknown address. Try 127.0.0.1.")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            fail(f"--port {port}: in use by another program. Choose another port with --port, or stop that program.")
        fail(f"--host {host} --port {port}: {os.strerror(error.errno or 0)}.")
    return made


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
