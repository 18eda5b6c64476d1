"""Listens for MLLP connections: several at a time, and on each one message after the other.

A message goes to the journal, then to the handler in a thread, and its answer goes back. If anything fails before the
answer is known, the connection is closed without one, so that the sender keeps the message and sends it again.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from azaward.errors import UserError
from azaward.mllp.frames import Frames, TooLongError, framed
from azaward.mllp.journal import Journal, JournalError, Received

# The content of a message and how it came, to the answer without its frame; nothing where none is wanted.
Handler = Callable[[bytes, Received], bytes]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_LOG = logging.getLogger("azaward.mllp")
_PIECE = 64 * 1024


@dataclass(frozen=True)
class Settings:
    """Where to listen and what to accept. Without `allow`, only this machine may connect."""

    host: str = "127.0.0.1"
    port: int = 2575
    allow: tuple[Network, ...] = ()
    tls: ssl.SSLContext | None = None
    longest: int = 5 * 1024 * 1024
    idle_seconds: float = 60.0
    connections: int = 100
    threads: int = 4


def networks(written: Sequence[str]) -> tuple[Network, ...]:
    """The networks of an allow-list. Raises `UserError` for one that is none.

    >>> [str(network) for network in networks(["10.1.0.0/16", "::1"])]
    ['10.1.0.0/16', '::1/128']
    """
    found: list[Network] = []
    for each in written:
        try:
            found.append(ipaddress.ip_network(each))
        except ValueError as error:
            raise UserError(f"--allow {each}: {error}. Expected a network such as 10.1.0.0/16.") from None
    return tuple(found)


def in_the_open(host: str, *, allowed: bool, encrypted: bool) -> str:
    """What it means to listen on an address that other machines reach; nothing for one of this machine alone.

    >>> in_the_open("127.0.0.1", allowed=False, encrypted=False)
    ''
    >>> in_the_open("0.0.0.0", allowed=False, encrypted=True)
    '0.0.0.0: only this machine may connect. Name the networks that may with --allow.'
    """
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host.casefold() == "localhost"
    if local:
        return ""
    said = "" if allowed else " only this machine may connect. Name the networks that may with --allow."
    said += "" if encrypted else " messages arrive unencrypted, so others on the network can read them. Use --tls."
    return f"{host}:{said}" if said else ""


def tls_context(certificate: Path, key: Path | None = None, clients: Path | None = None) -> ssl.SSLContext:
    """TLS with a certificate; with `clients`, only senders with a certificate of that authority may connect."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
        if clients is not None:
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        said = getattr(error, "strerror", None) or error
        raise UserError(f"{certificate}: {said}. Expected a certificate and its key in PEM form.") from None
    return context


class Server:
    """A server that is begun with `start` and ended with `stop`, inside a running event loop.

    >>> import tempfile
    >>> async def talk(folder: str) -> bytes:
    ...     journal = Journal(Path(folder))
    ...     server = Server(Settings(port=0), journal, lambda content, received: b"AA " + content)
    ...     await server.start()
    ...     reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    ...     writer.write(framed(b"one"))
    ...     said = await reader.readuntil(b"\\r")
    ...     await server.stop()
    ...     journal.close()
    ...     return said
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     asyncio.run(talk(folder))
    b'\\x0bAA one\\x1c\\r'
    """

    def __init__(self, settings: Settings, journal: Journal, handler: Handler) -> None:
        self.settings, self.journal, self.handler = settings, journal, handler
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="mllp")
        self._open: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._server is not None  # noqa: S101 - asked only after `start`
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Hands over what a crash left without an answer, then listens. Raises `UserError` if it can't."""
        for content, received in self.journal.unanswered():
            try:
                await self._handle(content, received)
            except Exception:
                _LOG.exception("message %s could not be handled again; it stays in the journal", received.id)
        settings = self.settings
        try:
            self._server = await asyncio.start_server(
                self._connected, settings.host, settings.port, ssl=settings.tls, limit=_PIECE
            )
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            raise UserError(
                f"{where}: {error.strerror}. Expected an address of this machine and a free port."
            ) from None

    async def stop(self) -> None:
        """Stops listening; messages that are being handled still get their answer."""
        if self._server is not None:
            self._server.close()
        self._stopping = True
        for task in self._open - self._busy:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        self._threads.shutdown(wait=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is a coroutine
        peer = str((writer.get_extra_info("peername") or ("unknown",))[0])
        if not self._may_connect(peer):
            _LOG.warning("%s: refused, because it is not in the allow-list", peer)
            writer.close()
            return
        if len(self._open) >= self.settings.connections:
            _LOG.warning("%s: refused, because %d connections are open", peer, len(self._open))
            writer.close()
            return
        self._open.add(task)
        try:
            await self._talk(reader, writer, peer, task)
        except asyncio.CancelledError:
            pass
        finally:
            self._open.discard(task)
            self._busy.discard(task)
            writer.close()

    def _may_connect(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped or address
        return any(address in network for network in self.settings.allow) or (
            not self.settings.allow and address.is_loopback
        )

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str, task: asyncio.Task[None]
    ) -> None:
        """Answers one message after the other until the sender is silent for too long or goes."""
        frames = Frames(self.settings.longest)
        try:
            while piece := await self._next(reader):
                self._busy.add(task)
                for content in frames.feed(piece):
                    if answer := await self._received(content, peer):
                        writer.write(framed(answer))
                        async with asyncio.timeout(self.settings.idle_seconds):
                            await writer.drain()
                self._busy.discard(task)
                if self._stopping:
                    break
        except TimeoutError:
            _LOG.info("%s: silent for %g seconds; closed", peer, self.settings.idle_seconds)
        except TooLongError as error:
            _LOG.warning("%s: %s; closed without an answer", peer, error)
        except JournalError as error:
            _LOG.error("%s: %s", peer, error)
        except OSError as error:
            _LOG.info("%s: %s", peer, error)
        except Exception:
            _LOG.exception("%s: a message could not be handled; closed without an answer", peer)
        finally:
            _say_dropped(frames, peer)

    async def _next(self, reader: asyncio.StreamReader) -> bytes:
        async with asyncio.timeout(self.settings.idle_seconds):
            return await reader.read(_PIECE)

    async def _received(self, content: bytes, peer: str) -> bytes:
        received, kept = self.journal.begin(content, peer)
        await asyncio.wrap_future(kept)
        return await self._handle(content, received)

    async def _handle(self, content: bytes, received: Received) -> bytes:
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._threads, self.handler, content, received)
        self.journal.answered(received, answer)
        return answer


def _say_dropped(frames: Frames, peer: str) -> None:
    """How much was dropped, and never what: it may be about a patient."""
    broken = frames.broken + frames.is_open
    if frames.dropped or broken:
        _LOG.warning("%s: dropped %d bytes outside any frame and %d incomplete messages", peer, frames.dropped, broken)


async def listen(settings: Settings, journal: Journal, handler: Handler, until: asyncio.Event) -> None:
    """Serves until the event is set."""
    server = Server(settings, journal, handler)
    await server.start()
    try:
        await until.wait()
    finally:
        await server.stop()
