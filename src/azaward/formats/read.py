"""Which reader a RECORD needs: a Bundle, resources a line, a folder of tables, or azaward's own JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import msgspec

from azaward.formats.folder import decode, read_folder, read_own_json
from azaward.formats.rows import InputError
from azaward.knowledge import Knowledge
from azaward.record.tables import TABLES, Record


def read(path: Path, knowledge: Knowledge) -> Record:
    """The record at `path`; `InputError` with one line where it can't be used."""
    if path.is_dir():
        return read_folder(path, knowledge)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. Give a FHIR Bundle, a folder of tables or azaward's JSON.") from None
    file = path.name
    decode(content, file)
    content = content.removeprefix(b"\xef\xbb\xbf")
    from azaward.formats import fhir

    if path.suffix == ".ndjson":
        return fhir.read_ndjson(content, file, knowledge)
    if path.suffix != ".json":
        raise InputError(f"{file}: unknown kind of file. Expected .json, .ndjson or a folder of CSV or Parquet tables.")
    if b'"resourceType"' in content:
        return fhir.read_bundle(content, file, knowledge)
    try:
        document: Any = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(f"{file}: {fhir.where_in_json(error, content)}") from None
    if not isinstance(document, dict) or not set(TABLES) & set(cast(dict[str, Any], document)):
        raise InputError(f"{file}: neither a FHIR Bundle nor azaward's JSON: expected a key 'patients'.")
    return read_own_json(cast(dict[str, Any], document), file, knowledge)
