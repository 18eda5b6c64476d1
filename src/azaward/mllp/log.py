"""A line for each message on standard error. A reader who has stopped reading it keeps no message waiting.

Lines go through a thread of their own, which leaves out what nobody takes, and says how many lines that were.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable

_MOST, _WAIT_S, _LONGEST = 1_000, 1.0, 60
_STDERR = 2


def shown(text: str) -> str:
    """A field of a header as a log may hold it: on one line, and not long.

    >>> shown("L1\\nazaward: forged"), shown("")
    ('L1?azaward: forged', '-')
    """
    return "".join(each if each.isprintable() else "?" for each in text[:_LONGEST]) or "-"


def _to_stderr(line: bytes) -> None:
    os.write(_STDERR, line)


class Lines:
    """Writes lines in their order until it is closed.

    >>> said: list[bytes] = []
    >>> lines = Lines(said.append)
    >>> lines.say("LAB|RIVERSIDE"); lines.close(); said
    [b'azaward: LAB|RIVERSIDE\\n']
    """

    def __init__(self, write: Callable[[bytes], object] = _to_stderr) -> None:
        self._write = write
        self._waiting: queue.Queue[str | None] = queue.Queue(_MOST)
        self._left_out = 0
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """Writes a line soon, or counts it if nobody takes the earlier ones."""
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            self._left_out += 1

    def close(self) -> None:
        """Writes what waits, for as long as somebody takes it."""
        try:
            self._waiting.put(None, timeout=_WAIT_S)
        except queue.Full:
            return
        self._thread.join(_WAIT_S)

    def _run(self) -> None:
        while (line := self._waiting.get()) is not None:
            left_out, self._left_out = self._left_out, 0
            more = f"azaward: {left_out} lines were left out\n" if left_out else ""
            try:
                self._write(f"{more}azaward: {line}\n".encode())
            except OSError:
                self._left_out += left_out + 1
