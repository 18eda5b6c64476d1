"""A plain sender of MLLP for tests, and the listener as a process of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from azaward.mllp.frames import framed

ROOT = Path(__file__).parents[2]
SECONDS = 30


def oru(control_id: str, value: str = "4.2") -> bytes:
    lines = (
        f"MSH|^~\\&|LAB|RIVERSIDE|AZAWARD|CLINIC|20261120||ORU^R01^ORU_R01|{control_id}|P|2.5.1",
        "PID|1||42^^^RIVERSIDE^MR||Sample^Ada||19800102|F",
        f"OBR|1||{control_id}||||202611200815",
        f"OBX|1|NM|751-8^Neutrophils^LN||{value}|10*9/L|1.5-7.5||||F",
    )
    return "\r".join(lines).encode()


class Sender:
    """One connection: sends a message and waits for its answer."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self._left = b""

    def send(self, message: bytes) -> None:
        self.socket.sendall(framed(message))

    def answer(self) -> bytes:
        """The next answer; empty where the connection has ended."""
        while b"\x1c\r" not in self._left:
            piece = self.socket.recv(65536)
            if not piece:
                return b""
            self._left += piece
        found, _, self._left = self._left.partition(b"\x1c\r")
        return found.removeprefix(b"\x0b")

    def ask(self, message: bytes) -> bytes:
        self.send(message)
        return self.answer()

    def close(self) -> None:
        self.socket.close()


class Listener:
    """The listener of tests/mllp/listener.py in its folder; it can be killed and begun again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.begin()

    def begin(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.mllp.listener", str(self.folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the listener ended before it listened"
        self.port = int(line)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def listening(folder: Path) -> Iterator[Listener]:
    listener = Listener(folder)
    try:
        yield listener
    finally:
        if listener.process.poll() is None:
            listener.end(signal.SIGKILL)


SENDER = "sender: '*|*'\nzone: Europe/London\ntrusted: [RIVERSIDE]\npatient_ids: RIVERSIDE\n"


class StoreListener(Listener):
    """`azaward listen` with a store in its folder; numbers of RIVERSIDE are its patient ids."""

    def begin(self) -> None:
        (self.folder / "sender.yaml").write_text(SENDER, encoding="utf-8")
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "azaward", "listen", "--hl7", "127.0.0.1:0"),
                *("--database", self.database, "--sender", str(self.folder / "sender.yaml")),
            ],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        said: list[str] = []
        # What a crash left without an answer is handled, and said, before it listens.
        while "listening for" not in (line := self.process.stderr.readline()):
            said.append(line)
            assert line, "".join(said)
        self.port = int(line.rpartition(":")[2])

    def close(self) -> None:
        """Ends it, however the test went."""
        if self.process.poll() is None:
            self.end(signal.SIGKILL)

    @property
    def database(self) -> str:
        return f"sqlite:///{self.folder / 'clinic.db'}"

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(SECONDS)
        assert self.process.stderr is not None
        self.process.stderr.close()
