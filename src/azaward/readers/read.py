"""Chooses the reader for a RECORD.

A record is a FHIR Bundle, NDJSON resources (one file, or a folder from a bulk export), a file of HL7 messages, a folder
of tables, or azaward's own JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec

from azaward.errors import InputError
from azaward.knowledge import Knowledge
from azaward.readers.hl7.files.record import read_hl7
from azaward.readers.regular import RECORD, regular
from azaward.readers.tables.folder import decode, read_folder, read_own_json
from azaward.record.tables import TABLES, Record

_PACKED = ".gz"
_MOST_UNPACKED = 2 << 30
# What a bulk export says of itself, which holds no resource.
_MANIFESTS = ("manifest.json", "export.json", "status.json")


def read(path: Path, knowledge: Knowledge) -> Record:
    """The record at `path`. Raises a one-line `InputError` if it can't be used."""
    from azaward.readers.fhir import bundle as fhir

    if regular(path).is_dir():
        return _export(path, knowledge) if is_export(path) else read_folder(path, knowledge)
    name = path.name.casefold().removesuffix(_PACKED)
    kind = f".{name.rpartition('.')[2]}"
    if kind == ".hl7":
        return read_hl7(_bytes(path), path.name, knowledge)
    if kind == ".ndjson":
        return fhir.read_export(_texts([path]), knowledge)
    if is_database(path):
        raise InputError(
            f"{path.name}: an azaward database, not a record. Open it with azaward serve --database sqlite:///{path}."
        )
    content, file = _text(path), path.name
    if kind != ".json":
        raise InputError(f"{file}: unknown file type. Expected .json, .ndjson, .hl7, or a folder of CSV or Parquet.")
    if b'"resourceType"' in content:
        return fhir.read_bundle(content, file, knowledge)
    try:
        document: Any = msgspec.json.decode(content)
        json.loads(content, object_pairs_hook=partial(_each_key_once, file), parse_int=str, parse_float=str)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(fhir.where_in_json(error, content, file)) from None
    if not isinstance(document, dict) or not set(TABLES) & set(cast(dict[str, Any], document)):
        raise InputError(f"{file}: neither a FHIR Bundle nor azaward's JSON: expected a key 'patients'.")
    return read_own_json(cast(dict[str, Any], document), file, knowledge)


def is_database(path: Path) -> bool:
    """Whether a file is an SQLite database, by its first bytes."""
    try:
        with path.open("rb") as file:
            return file.read(16) == b"SQLite format 3\x00"
    except OSError:
        return False  # What is wrong with the file is said where it is read.


def is_export(folder: Path) -> bool:
    """Whether a folder holds resources: a bulk export, or the pages of an answer."""
    files = list(folder.iterdir())
    tables = any(each.suffix in (".csv", ".parquet") and each.stem in TABLES for each in files)
    return any(_is_resources(each) and (".ndjson" in each.name or not tables) for each in files)


def _is_resources(file: Path) -> bool:
    name = file.name.casefold().removesuffix(_PACKED)
    return (
        file.is_file() and not name.startswith(".") and name.endswith((".ndjson", ".json")) and name not in _MANIFESTS
    )


def _export(folder: Path, knowledge: Knowledge) -> Record:
    """The record in a folder of resources; `deleted` in it holds the Bundles of what was deleted."""
    from azaward.readers.fhir import bundle as fhir

    files = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    gone = folder / "deleted"
    not_read = [
        each.name
        for each in files
        if not _is_resources(each) and each != gone and each.name.casefold() not in _MANIFESTS
    ]
    return fhir.read_export(
        _texts(filter(_is_resources, files)),
        knowledge,
        not_read,
        _texts(sorted(gone.glob("*.ndjson*")), "deleted/"),
    )


def _each_key_once(file: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses a key that stands twice in an object: a decoder keeps the last and says nothing."""
    cells = dict(pairs)
    if len(cells) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        beside = ", ".join(f"{key} {cell!r}" for key, cell in pairs if isinstance(cell, str) and key != twice)
        raise InputError(
            f"{file}: the key {twice!r} appears twice in one object ({beside or ', '.join(keys)}). Keep one."
        )
    return cells


def _unpacked(path: Path) -> bytes:
    """What is packed in a file, up to a limit: a small file may hold more than a memory."""
    import gzip

    try:
        with gzip.open(path) as packed:
            content = packed.read(_MOST_UNPACKED + 1)
    except (OSError, EOFError) as error:
        raise InputError(f"{path.name}: not a whole gzip file ({error}). Export it again.") from None
    if len(content) > _MOST_UNPACKED:
        raise InputError(f"{path.name}: holds more than {_MOST_UNPACKED >> 30} GiB. Unpack and split it.")
    return content


def _texts(paths: Iterable[Path], within: str = "") -> Iterator[tuple[str, bytes]]:
    """The name and the text of each file, one after the other."""
    return ((within + path.name, _text(path)) for path in paths)


def _text(path: Path) -> bytes:
    """The file's bytes, checked to be UTF-8, without a byte order mark."""
    content = _unpacked(path) if path.name.casefold().endswith(_PACKED) else _bytes(path)
    if content.isascii() and content and not content.isspace():
        return content  # Nothing to decode, which would take as much memory again.
    decode(content, path.name)
    return content.removeprefix(b"\xef\xbb\xbf")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. {RECORD}") from None
