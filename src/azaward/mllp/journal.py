"""Keeps every message on the disk before anybody looks at it, and remembers which have been answered.

A message is safe once `append` returns: its bytes are written and synchronised with the disk, together with those that
arrived at the same time. After a crash, `unanswered` are those whose answer is not recorded; they are handed over once
more, so whoever handles them keeps `Received.id` beside what it stores and takes each id once. The journal is no
archive: a file whose messages are all answered is removed when it is full.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import secrets
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

import msgspec

from azaward.errors import UserError

_HEAD = struct.Struct(">4sBQII")
_MAGIC = b"AZJ1"
_MESSAGE, _ANSWER = 1, 2
_FULL = 64 * 1024 * 1024
_AT_ONCE = 512


class JournalError(UserError):
    """The journal can't be used. The text names the file, the fault and the remedy."""


@dataclass(frozen=True)
class Received:
    """A message as it arrived: an id that no other message of any journal has, who sent it, and when.

    `again` is True for a message that is handed over once more after a crash.
    """

    id: str
    peer: str
    at: dt.datetime
    again: bool = False


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    peer: str
    at: str
    content: bytes


@dataclass
class _File:
    """A file of the journal, and the numbers in it that have no answer yet."""

    path: Path
    open: set[int] = field(default_factory=set[int])


@dataclass
class _Write:
    """Bytes that wait to be written; the future is resolved once they are on the disk."""

    record: bytes
    done: Future[None] | None
    kind: Literal[1, 2]
    number: int


class Journal:
    """An open journal: one process at a time, any number of threads.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     journal = Journal(Path(folder))
    ...     one, two = (journal.append(content, "127.0.0.1") for content in (b"one", b"two"))
    ...     journal.answered(one, b"AA")
    ...     journal.close()
    ...     again = Journal(Path(folder))
    ...     [(content, received.again) for content, received in again.unanswered()]
    ...     again.close()
    [(b'two', True)]
    """

    def __init__(
        self, folder: Path, *, full: int = _FULL, sync: Callable[[int], None] = os.fsync, now: _Clock | None = None
    ) -> None:
        self.folder, self.full, self._sync = folder, full, sync
        self._now = now or (lambda: dt.datetime.now(dt.UTC))
        self._lock_file = _locked(folder)
        self._lock = threading.Lock()
        self._name = _name_of(folder)
        self._files: list[_File] = []
        self._left: dict[int, tuple[bytes, Received]] = {}
        self._next = 1
        self._failed: Exception | None = None
        self._read()
        self._descriptor, self._size = self._opened()
        self._queue: SimpleQueue[_Write | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="journal", daemon=True)
        self._thread.start()

    def append(self, content: bytes, peer: str) -> Received:
        """Keeps a message; returns when it is on the disk. Raises `JournalError` if it could not be written."""
        received, future = self.begin(content, peer)
        future.result()
        return received

    def begin(self, content: bytes, peer: str) -> tuple[Received, Future[None]]:
        """Begins to keep a message: it is on the disk when the future has its result."""
        at = self._now()
        payload = msgspec.msgpack.encode(_Kept(peer, at.isoformat(), content))
        future: Future[None] = Future()
        with self._lock:
            number = self._next
            self._next += 1
        received = Received(f"{self._name}-{number}", peer, at)
        self._queue.put(_Write(_record(_MESSAGE, number, payload), future, _MESSAGE, number))
        return received, future

    def answered(self, received: Received, answer: bytes) -> None:
        """Remembers that a message has been answered, with the next messages that are written."""
        number = int(received.id.rpartition("-")[2])
        with self._lock:
            self._left.pop(number, None)
        self._queue.put(_Write(_record(_ANSWER, number, answer), None, _ANSWER, number))

    def unanswered(self) -> list[tuple[bytes, Received]]:
        """The messages from before this journal was opened that have no answer, oldest first."""
        with self._lock:
            return [self._left[number] for number in sorted(self._left)]

    def close(self) -> None:
        """Writes what waits and lets another process in."""
        self._queue.put(None)
        self._thread.join()
        os.close(self._descriptor)
        os.close(self._lock_file)

    # Reading.

    def _read(self) -> None:
        paths = sorted(self.folder.glob("journal-*.bin"))
        for place, path in enumerate(paths):
            file = _File(path)
            self._files.append(file)
            self._next = max(self._next, _first_number(path))
            for kind, number, payload in self._records(path, is_last=place == len(paths) - 1):
                self._next = max(self._next, number + 1)
                if kind == _MESSAGE:
                    kept = msgspec.msgpack.decode(payload, type=_Kept)
                    at = dt.datetime.fromisoformat(kept.at)
                    self._left[number] = (kept.content, Received(f"{self._name}-{number}", kept.peer, at, True))
                    file.open.add(number)
                else:
                    self._left.pop(number, None)
                    self._settled(number)

    def _records(self, path: Path, *, is_last: bool) -> Iterator[tuple[int, int, bytes]]:
        """The records of a file. What a crash left half written at the very end was never acknowledged: cut off."""
        content = path.read_bytes()
        place = 0
        while place < len(content):
            head = content[place : place + _HEAD.size]
            if len(head) < _HEAD.size:
                break
            magic, kind, number, length, check = _HEAD.unpack(head)
            payload = content[place + _HEAD.size : place + _HEAD.size + length]
            if magic != _MAGIC or len(payload) < length or _check(kind, number, payload) != check:
                break
            yield kind, number, payload
            place += _HEAD.size + length
        if place == len(content):
            return
        if not is_last or _MAGIC in content[place + 4 :]:
            raise JournalError(
                f"{path} byte {place}: damaged, and messages that were acknowledged may follow. Move the file aside, "
                "and ask the senders to send again what they sent since it was last written."
            )
        with path.open("r+b") as file:
            file.truncate(place)

    # Writing, in one thread.

    def _opened(self) -> tuple[int, int]:
        if not self._files:
            self._files.append(_File(self.folder / f"journal-{self._next:020d}.bin"))
        descriptor = os.open(self._files[-1].path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        _sync_folder(self.folder)
        return descriptor, os.fstat(descriptor).st_size

    def _write_all(self) -> None:
        going = True
        while going:
            waiting = [self._queue.get()]
            while len(waiting) < _AT_ONCE and not self._queue.empty():
                waiting.append(self._queue.get())
            going = None not in waiting
            self._write_some([each for each in waiting if each is not None])

    def _write_some(self, waiting: list[_Write]) -> None:
        """Writes what waits. Whatever goes wrong is told to those who wait, so that nobody waits for ever."""
        if not waiting:
            return
        try:
            if self._failed is not None:
                raise self._failed
            self._put(b"".join(each.record for each in waiting))
        except Exception as error:
            for each in waiting:
                if each.done:
                    each.done.set_exception(self._said(error))
            return
        for each in waiting:
            if each.kind == _MESSAGE:
                self._files[-1].open.add(each.number)
            else:
                self._settled(each.number)
            if each.done:
                each.done.set_result(None)
        try:
            self._rotate()
        except OSError as error:
            self._failed = self._said(error)

    def _put(self, content: bytes) -> None:
        """Writes and synchronises; after a failed write the file is as it was, after a failed sync nothing is sure."""
        left = memoryview(content)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            raise
        try:
            self._sync(self._descriptor)
        except OSError as error:
            self._failed = self._said(error)
            raise
        self._size += len(content)

    def _said(self, error: Exception) -> JournalError:
        if isinstance(error, JournalError):
            return error
        said = getattr(error, "strerror", None) or error
        until = "Nothing is acknowledged until the disk can be written to again."
        return JournalError(f"{self._files[-1].path}: {said}. {until}")

    def _settled(self, number: int) -> None:
        for file in self._files:
            file.open.discard(number)

    def _rotate(self) -> None:
        """Begins a new file where this one is full, and removes those whose messages are all answered."""
        if self._size >= self.full:
            os.close(self._descriptor)
            with self._lock:
                first = self._next
            self._files.append(_File(self.folder / f"journal-{first:020d}.bin"))
            self._descriptor, self._size = self._opened()
        for file in self._files[:-1]:
            if not file.open:
                file.path.unlink(missing_ok=True)
                self._files.remove(file)


_Clock = Callable[[], dt.datetime]


def _record(kind: int, number: int, payload: bytes) -> bytes:
    return _HEAD.pack(_MAGIC, kind, number, len(payload), _check(kind, number, payload)) + payload


def _check(kind: int, number: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(struct.pack(">BQ", kind, number)))


def _first_number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isdigit() else 1


def _locked(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise JournalError(f"{folder}: {error.strerror}. Expected a folder that azaward may write to.") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise JournalError(
            f"{folder}: another process is using this journal. End it, or choose another folder."
        ) from None
    return descriptor


def _name_of(folder: Path) -> str:
    """A name that no other journal has, so that ids never repeat, even if the folder is made anew."""
    path = folder / "name"
    if not path.exists():
        made = path.with_suffix(".new")
        made.write_text(secrets.token_hex(8), encoding="ascii")
        made.rename(path)
        _sync_folder(folder)
    return path.read_text(encoding="ascii").strip()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
