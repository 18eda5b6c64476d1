"""What of an upload can be read, and where does it wait until somebody says that it may be kept?

Uploads lie in a private folder of the server's own, unread by others, each its uploader's alone and for half an hour.
Names are never used as paths: only the last part of a name counts, and what a zip file calls its members likewise.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from azaward.errors import FullError, InputError, StoreError
from azaward.record.tables import TABLES

LASTS_S = 30 * 60
MOST_FILES = 200
_BLOCK = 1 << 20
_LONGEST_NAME = 150
_TABLE, _LINES, _JSON, _ZIP = "table", "lines", "json", "zip"
EXPECTED = (
    "Expected .json, .ndjson, tables as .csv or .parquet, or a .zip of a folder of those. "
    "Genotype files come in by azaward import."
)


@dataclass(frozen=True)
class Source:
    """What is read as one: a file or a folder of them, under the name that the history will show."""

    name: str
    path: Path


@dataclass(frozen=True)
class Upload:
    """What somebody sent: what of it can be read, and a line for each thing that can't."""

    token: str
    user_id: int
    folder: Path
    sources: tuple[Source, ...]
    problems: tuple[str, ...]


@dataclass
class Uploads:
    """The uploads that wait: one of each user, the newest; `largest` bytes of a zip file may come out of it."""

    largest: int
    _home: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="azaward-uploads-")
    )
    _held: dict[str, tuple[Upload, threading.Timer]] = field(default_factory=dict[str, tuple[Upload, threading.Timer]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, user_id: int, files: Sequence[tuple[str, IO[bytes]]]) -> Upload:
        """Keeps files for a while, in place of what the same user sent before."""
        for upload in [held for held, _ in list(self._held.values()) if held.user_id == user_id]:
            self.drop(upload.token)
        folder = Path(tempfile.mkdtemp(dir=self._home.name))
        try:
            sources, problems = _sorted(folder, files, self.largest)
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise FullError(
                    "the server's folder for uploads is full. Nothing was changed. Free some space."
                ) from None
            raise
        upload = Upload(secrets.token_urlsafe(24), user_id, folder, tuple(sources), tuple(problems))
        timer = threading.Timer(LASTS_S, self.drop, [upload.token])
        timer.daemon = True
        timer.start()
        with self._lock:
            self._held[upload.token] = (upload, timer)
        return upload

    def of(self, token: str, user_id: int) -> Upload:
        """What waits under a token; `StoreError` where nothing of this user does."""
        held = self._held.get(token)
        if held is None or held[0].user_id != user_id:
            raise StoreError(
                f"the files wait no longer: they do for {LASTS_S // 60} minutes, or until you send others. Send again."
            )
        return held[0]

    def drop(self, token: str) -> None:
        """Removes an upload."""
        with self._lock:
            held = self._held.pop(token, None)
        if held is not None:
            held[1].cancel()
            shutil.rmtree(held[0].folder, ignore_errors=True)

    def close(self) -> None:
        """Removes everything that waits."""
        for token in list(self._held):
            self.drop(token)
        self._home.cleanup()


def plain_name(name: str) -> str:
    r"""The last part of a file's name, whichever system it came from.

    >>> plain_name("C:\\exports\\patients.csv"), plain_name("../../etc/patients.csv")
    ('patients.csv', 'patients.csv')
    """
    last = name.replace("\\", "/").rpartition("/")[2].strip()
    if not last or last in (".", "..") or len(last.encode()) > _LONGEST_NAME or not last.isprintable():
        shown = "".join(letter if letter.isprintable() else "?" for letter in name[:60])
        raise InputError(f"{shown!r}: not a name for a file. Expected printable letters, at most {_LONGEST_NAME}.")
    return last


def _kind(name: str) -> str:
    """What a file is by its name; `InputError` where it is nothing that azaward reads."""
    stem, _, ending = name.rpartition(".")
    match ending.casefold():
        case "json":
            return _JSON
        case "ndjson":
            return _LINES
        case "zip":
            return _ZIP
        case "csv" | "parquet" if stem.casefold() in TABLES:
            return _TABLE
        case "csv" | "parquet":
            raise InputError(f"{name}: no table is called {stem!r}. Expected {', '.join(TABLES)}.")
        case _:
            raise InputError(f"{name}: another kind of file. {EXPECTED}")


def _sorted(folder: Path, files: Sequence[tuple[str, IO[bytes]]], largest: int) -> tuple[list[Source], list[str]]:
    """The files as what they are read as; tables belong together, and so do several files of resources a line."""
    sources: list[Source] = []
    problems: list[str] = []
    together: dict[str, Path] = {}
    export = sum(name.casefold().endswith(".ndjson") for name, _ in files) > 1
    for number, (given, content) in enumerate(files):
        try:
            name = plain_name(given)
            kind = _kind(name)
            if kind == _TABLE or (kind == _LINES and export):
                place = together.setdefault(kind, folder / kind)
                place.mkdir(exist_ok=True)
                _write(place / _as_read(name), content, name)
                continue
            place = folder / str(number)
            place.mkdir()
            if kind == _ZIP:
                problems += _unpack(content, name, place, largest)
                sources.append(Source(name, place))
            else:
                _write(place / _as_read(name), content, name)
                sources.append(Source(name, place / _as_read(name)))
        except InputError as error:
            problems.append(str(error))
    for place in filter(lambda folder: any(folder.iterdir()), together.values()):
        sources.append(Source(", ".join(sorted(file.name for file in place.iterdir())), place))
    return [source for source in sources if _one_kind(source, problems)], problems


def _one_kind(source: Source, problems: list[str]) -> bool:
    """Whether a folder holds each thing once: of two that say the same, a reader would leave one out."""
    if not source.path.is_dir():
        return True
    files = sorted(source.path.iterdir())
    tables = [file.stem for file in files if file.suffix != ".ndjson"]
    if tables and len(tables) < len(files):
        problems.append(f"{source.name}: tables and .ndjson together. Send one of the two.")
        return False
    if twice := [table for table in tables if tables.count(table) > 1]:
        problems.append(f"{source.name}: {twice[0]} as .csv and as .parquet. Send one of the two.")
        return False
    return True


def _as_read(name: str) -> str:
    """A name as the readers look for it: tables and endings in small letters."""
    stem, _, ending = name.rpartition(".")
    ending = ending.casefold()
    return f"{stem.casefold() if ending in ('csv', 'parquet') else stem}.{ending}"


def _write(path: Path, content: IO[bytes], name: str, most: int | None = None) -> int:
    try:
        number = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise InputError(f"{name}: two files of that name. Give one.") from None
    size = 0
    with os.fdopen(number, "wb") as target:
        while block := content.read(_BLOCK):
            size += len(block)
            if most is not None and size > most:
                raise InputError(f"{name}: more comes out of it than may. Use azaward import for large folders.")
            target.write(block)
    if size == 0:
        path.unlink()
        raise InputError(f"{name}: the file is empty.")
    return size


def _unpack(content: IO[bytes], name: str, place: Path, largest: int) -> Iterator[str]:
    """Takes the tables, or the resources a line, out of a zip file; a line for each member that is not read."""
    left = largest
    try:
        with zipfile.ZipFile(content) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MOST_FILES:
                raise InputError(f"{name}: {len(members)} files in it. Expected at most {MOST_FILES}.")
            problems: list[str] = []
            for member in members:
                shown = f"{name}: {member.filename!r}"
                if member.filename.startswith("/") or ".." in member.filename.replace("\\", "/").split("/"):
                    raise InputError(f"{shown}: leads out of the folder. Make the zip file of the folder itself.")
                if member.flag_bits & 1:
                    raise InputError(f"{shown}: has a password. Make a zip file without one.")
                try:
                    kind = _kind(plain_name(member.filename))
                except InputError:
                    kind = ""
                if kind not in (_TABLE, _LINES):
                    problems.append(f"{shown}: not read. Expected tables as .csv or .parquet, or .ndjson.")
                    continue
                with archive.open(member) as inside:
                    left -= _write(place / _as_read(plain_name(member.filename)), inside, shown, left)
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        EOFError,
        ValueError,
    ) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name}: not a zip file that can be read: {error}. Make it again.") from None
    if not any(place.iterdir()):
        raise InputError(f"{name}: nothing in it can be read. {EXPECTED}")
    return iter(problems)
