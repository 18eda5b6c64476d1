"""`azaward serve`: the clinic's and the patient's pages."""

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
    demo: Annotated[bool, typer.Option("--demo", help="The example clinic, in a database of its own.")] = False,
    host: Annotated[str, typer.Option(help="Which address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Which port.", min=0, max=65535)] = 8000,
    as_of: Annotated[str | None, typer.Option(help="The day that counts as today (YYYY-MM-DD).")] = None,
    secure: Annotated[bool, typer.Option("--secure", help="https stands in front: cookies go over it alone.")] = False,
) -> None:
    """The pages of the clinic and of the patient, on this machine."""
    if demo and not _is_loopback(host):
        fail(f"--host {host}: the example clinic's passwords are known to all. Use --demo on 127.0.0.1 only.")
    if not secure and not _is_loopback(host):
        typer.echo("azaward: without https in front (--secure), passwords and results can be read on the way", err=True)
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
        from azaward.store.audit import Reads
        from azaward.store.imports import clinic_ids
        from azaward.web.demo import CLINIC, DAY, EXAMPLES, furnish
        from azaward.web.shared.room import Room, Settings
        from azaward.wording import Words

        if demo:
            # Real people are never shown as examples, nor their clinic opened without a second factor.
            if others := sorted(set(clinic_ids(store)) - {CLINIC}):
                store.close()
                fail(f"{store.name}: holds the clinic {others[0]!r}, which is no example. Leave --demo away.")
            furnish(store, knowledge)
            day = day or DAY
        settings = Settings(
            demo=EXAMPLES if demo else None, secure=secure, today=day, oidc=None if demo else _provider()
        )
        room = Room(store, knowledge, Words(knowledge), Reads(store), settings)
        shown = listening.getsockname()
        address = f"http://{'localhost' if _is_loopback(host) else shown[0]}:{shown[1]}/"
        typer.echo(f"azaward listens on {address}")
        if demo:
            typer.echo(f"Sign in as {', '.join(EXAMPLES.logins)}; the password of each: {EXAMPLES.password}")
        else:
            _first_visit(room, address)
        typer.echo("Ctrl-C ends it.")
        _run(room, listening)
        store.close()


def _provider() -> OpenIDConnect | None:
    """The hospital's identity provider, as the environment names it: all of it or nothing."""
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
        raise TypeError("a room is what the server stands on")
    config = uvicorn.Config(
        make_app(room),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=room.settings.secure,
        timeout_graceful_shutdown=5,
    )
    # Ctrl-C is how it is meant to end.
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def _first_visit(room: object, address: str) -> None:
    """Prints the one-time code that makes the first administrator, where there is none yet."""
    from azaward.web.access import first
    from azaward.web.shared.room import Room

    if isinstance(room, Room) and (code := first.code(room)) is not None:
        typer.echo(f"Nobody has an account yet. Make the first at {address}first with this code: {code}")


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, or a failure that says why there is none."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(1024)
    except socket.gaierror:
        fail(f"--host {host}: no such address.")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            fail(f"--port {port}: in use by another program. Choose another with --port, or end that program.")
        fail(f"--host {host} --port {port}: {os.strerror(error.errno or 0)}.")
    return made


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
