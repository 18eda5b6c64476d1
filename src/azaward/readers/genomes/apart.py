"""Runs work in a separate process, so that a C library that crashes on a damaged file does not take the program down.

BCF files and indexes are dumps of htslib's memory, and some damage even to text makes htslib exit. Not all damage can
be detected in advance, and it can crash the reading process or make it hang.
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
    """The worker process died or hung without an answer."""


def apart(work: Callable[[Progress], T], progress: Progress | None = None, *, must_live: bool = False) -> T:
    """Returns what `work` returns. An `InputError` is raised here too; `LostError` means that the process died.

    With `must_live`, `work` has to call the function that it is given at least every `SILENCE_S` seconds; an empty line
    is a sign of life without progress.

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
