"""Works in processes of their own, so that whoever keeps what comes of it has a processor left to keep it.

A process knows its work and no database. One that ends is begun again, and what it had to do is done once more; what
ends two of them is nobody's to do, and the error says so. A process ends with the one that began it, however that one
ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

_LONGEST_S = 60.0
_TRIES = 2
_Done = TypeVar("_Done")


class Processes(Generic[_Done]):
    """So many processes that do one kind of work: any number of threads may ask them.

    >>> processes = Processes(divmod, 1)
    >>> processes.ask("a division", 7, 2)
    (3, 1)
    >>> processes.close()
    """

    def __init__(self, work: Callable[..., _Done], number: int) -> None:
        self._each = [_Process(work) for _ in range(number)]
        self._free: SimpleQueue[_Process] = SimpleQueue()
        for one in self._each:
            self._free.put(one)
        # An interpreter that ends waits for its processes; these wait for their pipe.
        self._end = Finalize(self, _close, args=(self._each,), exitpriority=1)

    def ask(self, what: str, *given: object) -> _Done:
        """What the work gives. Raises `RuntimeError`, which names `what`, where no process could do it."""
        one = self._free.get()
        try:
            return self._ask(one, what, given)
        finally:
            self._free.put(one)

    def _ask(self, one: _Process, what: str, given: tuple[object, ...]) -> _Done:
        for _ in range(_TRIES):
            try:
                done, failed = one.ask(given)
            except (EOFError, OSError):
                one.close()
                one.begin()
                continue
            if failed:
                raise RuntimeError(f"{what}: {failed}")
            return done
        raise RuntimeError(f"{what}: the process that worked on it ended twice")

    def close(self) -> None:
        """Ends them."""
        self._end()


def _close(each: Iterable[_Process]) -> None:
    for one in each:
        one.close()


class _Process:
    """A process, and the pipe to it."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self._work = work
        self.begin()

    def begin(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, other = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(other, self._work), name="beside", daemon=True)
        self._process.start()
        other.close()

    def ask(self, given: tuple[object, ...]) -> tuple[Any, str | None]:
        """Raises `EOFError` or `OSError` where the process has ended, or takes too long to be still at work."""
        self._pipe.send(given)
        if not self._pipe.poll(_LONGEST_S):
            raise EOFError
        return self._pipe.recv()

    def close(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection[Any, Any], work: Callable[..., Any]) -> None:
    """Works on one thing after the other until the pipe's other end is closed."""
    # Whoever stops a service may signal all its processes; this one ends by its pipe, when what was taken is done.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):
        while True:
            given = pipe.recv()
            done, failed = None, None
            try:
                done = work(*given)
            except Exception as error:
                # Where it failed, and never on which words: they may be about a patient.
                last = traceback.extract_tb(error.__traceback__)[-1]
                failed = f"{type(error).__name__} in {last.name}, line {last.lineno}"
            pipe.send((done, failed))
