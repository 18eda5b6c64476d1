"""Chooses the reader for a RECORD.

A record is a FHIR Bundle, NDJSON resources (one file, or a folder from a bulk export), a file of HL7 messages, a folder
of tables, or azaward's own JSON.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec

from azaward.errors import InputError
from azaward.knowledge import Knowledge
from azaward.readers.hl7.files.record import read_hl7
from azaward.readers.tables.folder import decode, read_folder, read_own_json
from azaward.record.tables import TABLES, Record


def read(path: Path, knowledge: Knowledge) -> Record:
    """The record at `path`. Raises a one-line `InputError` if it can't be used."""
    from azaward.readers.fhir import bundle as fhir

    if path.is_dir():
        if exported := sorted(path.glob("*.ndjson")):
            return fhir.read_export({each.name: _text(each) for each in exported}, knowledge)
        return read_folder(path, knowledge)
    kind = path.suffix.casefold()
    if kind == ".hl7":
        return read_hl7(_bytes(path), path.name, knowledge)
    content, file = _text(path), path.name
    if kind == ".ndjson":
        return fhir.read_ndjson(content, file, knowledge)
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


def _each_key_once(file: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses a key that stands twice in an object: a decoder keeps the last and says nothing."""
    cells = dict(pairs)
    if len(cells) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        beside = ", ".join(f"{key} {cell!r}" for key, cell in pairs if isinstance(cell, str) and key != twice)
        raise InputError(
            f"{file}: the key {twice!r} stands twice in one object ({beside or ', '.join(keys)}). Keep one."
        )
    return cells


def _text(path: Path) -> bytes:
    """The file's bytes, checked to be UTF-8, without a byte order mark."""
    content = _bytes(path)
    decode(content, path.name)
    return content.removeprefix(b"\xef\xbb\xbf")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        what = "Expected a FHIR Bundle, HL7 messages, a folder of tables or azaward's own JSON."
        raise InputError(f"{path}: {error.strerror}. {what}") from None
