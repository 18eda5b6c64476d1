"""The server answers one message after the other, and closes without an answer where it can't vouch for one."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import ssl
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from azaward.errors import UserError
from azaward.mllp.frames import framed
from azaward.mllp.journal import Journal, Received
from azaward.mllp.server import Handler, Server, Settings, networks, tls_context

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]


def echo(content: bytes, received: Received) -> bytes:
    return b"ACK " + content


async def answer(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 10)).strip(b"\x0b\x1c\r")
    except asyncio.IncompleteReadError as error:
        return error.partial
    except ConnectionResetError:
        return b""


def serve(folder: Path, talk: Talk, settings: Settings | None = None, handler: Handler = echo, client: object = None):  # type: ignore[no-untyped-def]
    """Serves on a free port while `talk` talks on one connection; what `talk` returns."""

    async def run() -> object:
        journal = Journal(folder)
        server = Server(settings or Settings(port=0), journal, handler)
        await server.start()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=client)  # type: ignore[arg-type]
            return await talk(reader, writer)
        finally:
            await server.stop()
            journal.close()

    return asyncio.run(run())


def test_several_messages_on_a_connection_are_answered_in_their_order(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[bytes]:
        writer.write(b"".join(framed(b"%d" % number) for number in range(50)))
        return [await answer(reader) for _ in range(50)]

    assert serve(tmp_path, talk) == [b"ACK %d" % number for number in range(50)]


def test_an_answer_may_be_several_messages_or_none(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[bytes]:
        writer.write(framed(b"none") + framed(b"two"))
        return [await answer(reader) for _ in range(2)]

    def handler(content: bytes, received: Received) -> bytes:
        return b"" if content == b"none" else b"CA\x1c\r\x0bAA"

    assert serve(tmp_path, talk, handler=handler) == [b"CA", b"AA"]


def test_messages_are_handled_in_threads_and_on_a_connection_one_at_a_time(tmp_path: Path) -> None:
    busy: set[bytes] = set()
    main = threading.get_ident()

    def handler(content: bytes, received: Received) -> bytes:
        assert threading.get_ident() != main
        assert not busy
        busy.add(content)
        busy.remove(content)
        return content

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[bytes]:
        writer.write(framed(b"a") * 20)
        return [await answer(reader) for _ in range(20)]

    assert serve(tmp_path, talk, handler=handler) == [b"a"] * 20


def test_a_sender_that_is_silent_is_cut_off(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"\x0bMSH|half")
        return await answer(reader)

    assert serve(tmp_path, talk, Settings(port=0, idle_seconds=0.1)) == b""


def test_a_message_that_is_too_long_gets_no_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(framed(b"secret" * 100))
        return await answer(reader)

    assert serve(tmp_path, talk, Settings(port=0, longest=100)) == b""
    assert "more than 100 bytes" in caplog.text
    assert "secret" not in caplog.text


def test_what_stands_outside_frames_is_counted_in_the_log_and_not_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"secret" + framed(b"one"))
        said = await answer(reader)
        writer.close()
        await reader.read()
        return said

    assert serve(tmp_path, talk) == b"ACK one"
    assert "dropped 6 bytes outside any frame" in caplog.text
    assert "secret" not in caplog.text


def test_a_handler_that_fails_gives_no_answer_and_the_message_waits(tmp_path: Path) -> None:
    def handler(content: bytes, received: Received) -> bytes:
        raise RuntimeError("the database is away")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(framed(b"one"))
        return await answer(reader)

    assert serve(tmp_path, talk, handler=handler) == b""
    seen: list[tuple[bytes, bool]] = []

    def again(content: bytes, received: Received) -> bytes:
        seen.append((content, received.again))
        return b"AA"

    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert seen == [(b"one", True)]

    serve(tmp_path, nothing, handler=again)
    serve(tmp_path, nothing, handler=again)


def test_the_message_that_is_being_handled_gets_its_answer_when_the_server_stops(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def handler(content: bytes, received: Received) -> bytes:
        begun.set()
        go_on.wait(10)
        return b"AA"

    async def run() -> bytes:
        journal = Journal(tmp_path)
        server = Server(Settings(port=0), journal, handler)
        await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(framed(b"one"))
        await asyncio.to_thread(begun.wait, 10)
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        go_on.set()
        await stopping
        journal.close()
        return await answer(reader)

    assert asyncio.run(run()) == b"AA"


@pytest.mark.parametrize(
    ("allow", "may"), [((), True), (("127.0.0.0/8",), True), (("10.0.0.0/8",), False), (("::1", "127.0.0.1"), True)]
)
def test_only_who_is_allowed_may_connect(tmp_path: Path, allow: tuple[str, ...], may: bool) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(framed(b"one"))
        return await answer(reader)

    assert serve(tmp_path, talk, Settings(port=0, allow=networks(allow))) == (b"ACK one" if may else b"")


def test_without_an_allow_list_no_other_machine_may_connect(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    server = Server(Settings(), journal, echo)
    journal.close()
    assert [server._may_connect(peer) for peer in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.3", "odd")] == [
        *(True, True, True),
        *(False, False),
    ]
    limited = Server(Settings(allow=networks(["10.1.0.0/16"])), journal, echo)
    assert [limited._may_connect(peer) for peer in ("10.1.2.3", "::ffff:10.1.2.3", "10.2.0.1")] == [True, True, False]


def test_tls_encrypts_and_may_ask_for_the_senders_certificate(tmp_path: Path) -> None:
    certificate, key = made_certificate(tmp_path)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(framed(b"one"))
        return await answer(reader)

    client = ssl.create_default_context(cafile=certificate)
    client.check_hostname = False
    secure = Settings(port=0, tls=tls_context(certificate, key))
    assert serve(tmp_path / "a", talk, secure, client=client) == b"ACK one"
    both = Settings(port=0, tls=tls_context(certificate, key, certificate))
    client.load_cert_chain(certificate, key)
    assert serve(tmp_path / "b", talk, both, client=client) == b"ACK one"
    stranger = ssl.create_default_context(cafile=certificate)
    stranger.check_hostname = False
    with pytest.raises((ssl.SSLError, ConnectionError)):
        serve(tmp_path / "c", refused, both, client=stranger)


async def refused(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(framed(b"one"))
    if not await reader.read():
        raise ConnectionError


def made_certificate(folder: Path) -> tuple[Path, Path]:
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(secret, hashes.SHA256())
    )
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate, key


def test_what_cannot_be_served_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate", encoding="utf-8")
    for made, says in (
        (lambda: tls_context(tmp_path / "none.pem"), "none.pem: No such file"),
        (lambda: tls_context(tmp_path / "bad.pem"), "bad.pem: .* Expected a certificate"),
        (lambda: networks(["10.1.2.3/8"]), "--allow 10.1.2.3/8: .* Expected a network"),
    ):
        with pytest.raises(UserError, match=says):
            made()

    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError

    with pytest.raises(UserError, match=r"203\.0\.113\.9:2575: .* Expected an address"):
        serve(tmp_path / "j", nothing, Settings(host="203.0.113.9"))


def test_more_connections_than_allowed_are_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        host, port = writer.get_extra_info("peername")[:2]
        writer.write(framed(b"one"))
        await answer(reader)
        second, other = await asyncio.open_connection(host, port)
        other.write(framed(b"two"))
        return await answer(second)

    assert serve(tmp_path, talk, Settings(port=0, connections=1)) == b""
    assert "1 connections are open" in caplog.text
