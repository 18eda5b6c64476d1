"""Reads messages in processes of their own, so that whoever keeps what they say has a processor left to keep it.

A process knows the knowledge base and the senders' settings, and no database. One that ends is begun again, and the
message that it had is read once more; a message that ends two of them is nobody's to read, and the error says so. A
process ends with the one that began it, however that one ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Iterable
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from queue import SimpleQueue
from typing import Any

from azaward.knowledge import Knowledge
from azaward.readers.hl7.messages import read_frame
from azaward.readers.hl7.notice import Notice
from azaward.readers.hl7.senders import Senders

_LONGEST_S = 60.0
_MOST = 4
_TRIES = 2


class Processes:
    """So many processes that read: any number of threads may ask them.

    >>> from azaward.knowledge import load
    >>> processes = Processes(load(), Senders(), number=1)
    >>> processes.read(b"MSH|^~\\\\&|LAB|RIVERSIDE|||20261120||ADT^A08|7|P|2.5\\rPID|||42", "a message").event
    'update'
    >>> processes.close()
    """

    def __init__(self, knowledge: Knowledge, senders: Senders, number: int | None = None) -> None:
        self._given = (knowledge, senders)
        # One processor is left to keep what is read.
        number = number or max(1, min(_MOST, (os.cpu_count() or 1) - 1))
        self._each = [_Process(*self._given) for _ in range(number)]
        self._free: SimpleQueue[_Process] = SimpleQueue()
        for one in self._each:
            self._free.put(one)
        # An interpreter that ends waits for its processes; these wait for their pipe.
        self._end = Finalize(self, _close, args=(self._each,), exitpriority=1)

    def read(self, content: bytes, where: str) -> Notice:
        """The notice of one message, as `read_frame` gives it. Raises `RuntimeError` where no process could read it."""
        one = self._free.get()
        try:
            return self._read(one, content, where)
        finally:
            self._free.put(one)

    def _read(self, one: _Process, content: bytes, where: str) -> Notice:
        for _ in range(_TRIES):
            try:
                return one.read(content, where)
            except (EOFError, OSError):
                one.close()
                one.begin()
        raise RuntimeError(f"{where}: the process that read it ended, twice. It is kept, and not answered.")

    def close(self) -> None:
        """Ends them."""
        self._end()


def _close(each: Iterable[_Process]) -> None:
    for one in each:
        one.close()


class _Process:
    """A process that reads, and the pipe to it."""

    def __init__(self, knowledge: Knowledge, senders: Senders) -> None:
        self._given = (knowledge, senders)
        self.begin()

    def begin(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, other = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(other, *self._given), name="reader", daemon=True)
        self._process.start()
        other.close()

    def read(self, content: bytes, where: str) -> Notice:
        """Raises `EOFError` or `OSError` where the process has ended, or takes too long to be still at work."""
        self._pipe.send((content, where))
        if not self._pipe.poll(_LONGEST_S):
            raise EOFError
        found: Notice | str = self._pipe.recv()
        if isinstance(found, str):
            raise RuntimeError(f"{where}: could not be read: {found}")
        return found

    def close(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection[Any, Any], knowledge: Knowledge, senders: Senders) -> None:
    """Reads one message after the other until the pipe's other end is closed."""
    # Whoever stops a service may signal all its processes; this one ends by its pipe, when what was taken is read.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):
        while True:
            content, where = pipe.recv()
            try:
                found: Notice | str = read_frame(content, knowledge, where, senders)
            except Exception as error:
                # Where it failed, and never on which words: they may be about a patient.
                last = traceback.extract_tb(error.__traceback__)[-1]
                found = f"{type(error).__name__} in {last.name}, line {last.lineno}"
            pipe.send(found)
