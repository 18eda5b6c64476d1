"""Does work in a process of its own, so that a C library that dies on a damaged file takes nothing with it.

BCF is the memory of htslib written to disk: what is damaged in it can't all be noticed before it is used.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from azaward.formats.rows import InputError

T = TypeVar("T")
Progress = Callable[[str], None]


class DiedError(Exception):
    """The process that did the work is gone, and left no answer."""


def apart(work: Callable[[Progress], T], progress: Progress | None = None) -> T:
    """What `work` returns. An `InputError` is raised here as there; `DiedError` where the process was killed.

    >>> apart(lambda say: 1 + 1)
    2
    """
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(work, send), daemon=True)
    process.start()
    send.close()
    try:
        while True:
            kind, value = receive.recv()
            if kind == "answer":
                return value
            if kind == "refused":
                raise value
            if progress is not None:
                progress(value)
    except EOFError:
        raise DiedError from None
    finally:
        receive.close()
        process.join()


def _work(work: Callable[[Progress], Any], send: Connection) -> None:
    # What a dying library prints helps nobody: the file that killed it is named instead.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        send.send(("answer", work(lambda line: send.send(("progress", line)))))
    except InputError as error:
        send.send(("refused", error))
    finally:
        send.close()
