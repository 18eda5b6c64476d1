"""Reads FHIR R4 and R4B Bundles (.json) and NDJSON resources (.ndjson) into the six tables.

Each resource is decoded separately, so that an invalid one is set aside with its place and the others are still read.
Resources that azaward doesn't read (imaging, claims) or must not use (cancelled orders) are counted, not listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from azaward.errors import InputError
from azaward.knowledge import Knowledge
from azaward.readers.fhir.index import BROKEN, BUNDLE, HEAD, Index, Raw, entries
from azaward.readers.fhir.rows import Writer
from azaward.readers.rows import RowReader
from azaward.record.tables import Record


def read_bundle(content: bytes, file: str, knowledge: Knowledge) -> Record:
    """The record in a Bundle."""
    try:
        bundle = BUNDLE.decode(content)
    except BROKEN as error:
        raise InputError(where_in_json(error, content, file)) from None
    if bundle.resourceType != "Bundle":
        raise InputError(
            f"{file}: resourceType is {bundle.resourceType!r}; expected 'Bundle'. Put the resources in a Bundle, "
            "or one per line in an .ndjson file."
        )
    return _read(entries(bundle, file), file, knowledge)


def read_ndjson(content: bytes, file: str, knowledge: Knowledge) -> Record:
    """The record in a file with one resource or Bundle per line."""
    return _read(_lines(content, file), file, knowledge)


def read_export(files: Mapping[str, bytes], knowledge: Knowledge) -> Record:
    """The record in a bulk export: several .ndjson files by name, usually one for each resource type."""
    lines = (raw for file, content in files.items() for raw in _lines(content, file))
    return _read(lines, ", ".join(files), knowledge)


def _lines(content: bytes, file: str) -> Iterator[Raw]:
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        where = f"{file} line {number}"
        try:
            HEAD.decode(line)
        except msgspec.ValidationError:
            pass  # Valid JSON, but not a resource: set aside on its own.
        except BROKEN as error:
            raise InputError(f"{where}: {error}. Expected one FHIR resource per line.") from None
        yield Raw(where, None, line)


def where_in_json(error: Exception, content: bytes, file: str) -> str:
    """A JSON error with its file and line, worked out from the byte offset in the decoder's message."""
    text, _, tail = str(error).partition(" (byte ")
    if isinstance(error, RecursionError):
        return f"{file}: nested too deeply to be a record. Expected a FHIR Bundle or azaward's own JSON."
    if isinstance(error, msgspec.ValidationError):
        return f"{file}: {text}. Expected a FHIR Bundle or azaward's own JSON."
    cut = not tail.rstrip(")").isdigit()
    line = content.count(b"\n", 0, len(content.rstrip()) if cut else int(tail.rstrip(")"))) + 1
    return (
        f"{file} line {line}: {'the file ends before its JSON does' if cut else text}. Expected JSON. Export it again."
    )


def _read(resources: Iterable[Raw], file: str, knowledge: Knowledge) -> Record:
    rows = RowReader(knowledge)
    index = Index(rows)
    for raw in resources:
        index.take(raw)
    index.report_unread(file)
    if not index.patients:
        broken = [item for item in rows.set_aside if item.kind == "resource"]
        unread = f" Not readable: {broken[0].where}: {broken[0].what}: {broken[0].why}" if broken else ""
        raise InputError(
            f"{file}: no readable Patient in this Bundle, so the patient is unknown. "
            f"Export the Patient resource too.{unread}"
        )
    Writer(index, knowledge).write()
    return rows.record()
