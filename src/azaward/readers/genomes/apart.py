"""Does work in a process of its own, so that a C library that dies on a damaged file takes nothing with it.

BCF and indexes are the memory of htslib written to disk, and even of text it ends the process for some damage: not all
of it can be noticed before it is used. It may end the process that reads, or never end it.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from azaward.errors import InputError

T = TypeVar("T")
Progress = Callable[[str], None]
SILENCE_S = 30
"""Seconds without a sign of life after which the work counts as lost."""


class LostError(Exception):
    """The process that did the work died or hung, and left no answer."""


def apart(work: Callable[[Progress], T], progress: Progress | None = None, *, must_live: bool = False) -> T:
    """What `work` returns. An `InputError` is raised here as there; `LostError` where the process died.

    With `must_live`, `work` has to call what it is given at least every `SILENCE_S` seconds; an empty line is a sign of
    life and no progress.

    >>> apart(lambda say: 1 + 1)
    2
    """
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(work, send), daemon=True)
    process.start()
    send.close()
    try:
        while not must_live or receive.poll(SILENCE_S):
            kind, value = receive.recv()
            if kind == "answer":
                return value
            if kind == "refused":
                raise value
            if progress is not None and value:
                progress(value)
        raise LostError
    except EOFError:
        raise LostError from None
    finally:
        receive.close()
        process.kill()
        process.join()


def _work(work: Callable[[Progress], Any], send: Connection) -> None:
    # What a dying library prints helps nobody: the file that killed it is named instead.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    # Looking for garbage would write to, and so copy, the memory that is shared with the process that waits.
    gc.disable()
    try:
        send.send(("answer", work(lambda line: send.send(("progress", line)))))
    except InputError as error:
        send.send(("refused", error))
    finally:
        send.close()
