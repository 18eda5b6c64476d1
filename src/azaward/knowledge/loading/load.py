"""Reads the cited files of this folder, and a clinic's own protocol, into checked rows.

An error names the file and the line, what stood there and what was expected. Nothing is repaired.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import re
from bisect import bisect_right
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, cast

import msgspec

from azaward.errors import KnowledgeError
from azaward.knowledge.loading.closed import Vocabularies
from azaward.knowledge.loading.faults import value_fault
from azaward.knowledge.loading.protocol_file import Document, document, lenders, read_protocol
from azaward.knowledge.loading.protocols import NotYet, Protocol, held_on, newest
from azaward.knowledge.loading.schema import FILES, TABLES, Row
from azaward.knowledge.loading.schema.facts import Parameter, Source
from azaward.knowledge.loading.schema.laboratory import Analyte
from azaward.knowledge.loading.schema.tables import Tables

HERE = Path(__file__).parents[1]
# The last cell of a fact is the day on which it was last checked.
_LAST_CELL_IS_A_DAY = re.compile(r",(\d{4}-\d{2}-\d{2})\r?$", re.MULTILINE)


class _Files(Mapping[str, tuple[Any, ...]]):
    """Every table by its name, read when it is first asked for: most answers need a few of them."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self._rows: dict[str, tuple[Row, ...]] = {}

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        if name not in self._rows:
            self._rows[name] = tuple(_rows(FILES[name], self._files[name], TABLES[name]))
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __getstate__(self) -> dict[str, Any]:
        # Another thread may read a table while this is pickled.
        return {"_files": self._files, "_rows": self._rows.copy()}


@dataclass(frozen=True, eq=False)
class Knowledge:
    """All tables and protocols, and the fingerprint of the files they came from.

    >>> load().tables["analytes"][0].id
    'wbc'
    """

    tables: Tables
    protocols: Mapping[str, Protocol]
    fingerprint: str
    newest: dt.date
    # Of knowledge as of a day: what none of its rows says yet, and all the knowledge that it was taken from.
    not_yet: tuple[NotYet, ...] = ()
    whole: Knowledge | None = None

    def __getstate__(self) -> dict[str, Any]:
        # What is worked out from the fields is worked out again; another thread may do so while this is pickled.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def version(self) -> str:
        """The day of the newest fact and the fingerprint of all of them."""
        return f"{self.newest.isoformat()}+{self.fingerprint[:12]}"

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """Sources by id, those of a clinic's own protocol among them."""
        own = {id: source for protocol in self.protocols.values() for id, source in protocol.sources.items()}
        return {**own, **{source.id: source for source in self.tables["sources"]}}

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """Parameters by id; of one that changed, the newest value."""
        rows = sorted(self.tables["parameters"], key=lambda row: row.valid_from or dt.date.min)
        return {parameter.id: parameter for parameter in rows}

    @cached_property
    def analytes(self) -> Mapping[str, Analyte]:
        """Analytes by id."""
        return {analyte.id: analyte for analyte in self.tables["analytes"]}

    @cached_property
    def vocabularies(self) -> Vocabularies:
        """Which words may stand in its columns."""
        return Vocabularies(self.tables, self.protocols)

    def and_protocol(self, file: str, text: str) -> tuple[Knowledge, str]:
        """This knowledge and a clinic's own protocol, with that protocol's id; `KnowledgeError` names each fault."""
        own = read_protocol(document(file, text), self.protocols, self.vocabularies)
        fingerprint = hashlib.sha256((self.fingerprint + text).encode()).hexdigest()
        return replace(self, protocols={**self.protocols, own.id: own}, fingerprint=fingerprint), own.id

    def held_on(self, day: dt.date) -> Knowledge:
        """The knowledge as it stood on a day: of rows that say the same, the newest that held.

        The same object for all days on which the same rows held, and this very one where no row has a `valid_from`.
        What no row says yet is in `not_yet`, and the earliest one is used.

        >>> knowledge = load()
        >>> knowledge.held_on(dt.date(2026, 1, 1)) is knowledge, knowledge.not_yet
        (True, ())
        """
        whole = self.whole or self
        if not whole._dates:
            return whole
        period = bisect_right(whole._dates, day)
        if period not in whole._held:
            whole._held.setdefault(period, whole._as_held_on(day))
        return whole._held[period]

    @cached_property
    def _dates(self) -> list[dt.date]:
        """The days on which something begins to hold."""
        days = {row.valid_from for row in self.tables["parameters"] if row.valid_from}
        return sorted(days.union(*(protocol.dates() for protocol in self.protocols.values())))

    @cached_property
    def _held(self) -> dict[int, Knowledge]:
        return {}

    def _as_held_on(self, day: dt.date) -> Knowledge:
        held, early = newest(self.tables["parameters"], lambda row: row.id, day)
        parameters = tuple(row for row in self.tables["parameters"] if row in held or row in early)
        protocols, not_yet = held_on(self.protocols, day)
        not_yet = [*(NotYet(row.id, None, row.valid_from) for row in early), *not_yet]
        held = ChainMap({"parameters": parameters}, cast(dict[str, tuple[Any, ...]], self.tables))
        tables = cast(Tables, held)
        return replace(self, tables=tables, protocols=protocols, not_yet=tuple(not_yet), whole=self)


@lru_cache(maxsize=1)
def load() -> Knowledge:
    """The knowledge that azaward ships."""
    return load_folder(HERE)


def load_folder(folder: Path) -> Knowledge:
    """The knowledge in a folder of this shape.

    `KnowledgeError` names the file and line of a fault: at once for a protocol, for a table when it is first asked for.
    """
    digest = hashlib.sha256()
    files: dict[str, str] = {name: read_file(folder / FILES[name]) for name in TABLES}
    for text in files.values():
        digest.update(text.encode())
    paths = sorted((folder / "protocols").glob("*.yaml"))
    texts = {path.stem: read_file(path) for path in paths}
    for text in texts.values():
        digest.update(text.encode())
    protocols = _protocols({stem: document(f"protocols/{stem}.yaml", text) for stem, text in texts.items()})
    days = [day for text in files.values() for day in _LAST_CELL_IS_A_DAY.findall(text)]
    return Knowledge(
        cast(Tables, _Files(files)),
        protocols,
        digest.hexdigest(),
        dt.date.fromisoformat(max(days, default="1970-01-01")),
    )


def _protocols(waiting: dict[str, Document]) -> dict[str, Protocol]:
    """The protocols of some files, each read after those that it borrows from."""
    protocols: dict[str, Protocol] = {}
    while waiting:
        ready = [stem for stem, written in waiting.items() if not (lenders(written) & set(waiting) - {stem})]
        if not ready:
            raise KnowledgeError(f"protocols build on each other in a circle: {', '.join(waiting)}")
        for stem in ready:
            protocols[stem] = read_protocol(waiting.pop(stem), protocols)
    return dict(sorted(protocols.items()))


def read_file(path: Path) -> str:
    """A file's text; `KnowledgeError` where it isn't UTF-8 or can't be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise KnowledgeError(f"{path.name}: byte {error.start} is not UTF-8. Save the file as UTF-8.") from None
    except OSError as error:
        raise KnowledgeError(f"{path}: {error.strerror}. Expected a file of text that you can read.") from None


def _rows(file: str, text: str, row_type: type[Row]) -> Iterator[Row]:
    reader = csv.reader(text.splitlines())
    fields = {field.encode_name: field for field in msgspec.structs.fields(row_type)}
    header = next(reader, [])
    if odd := {name for name in {*header} ^ {*fields} if name not in fields or fields[name].required}:
        raise KnowledgeError(f"{file}:1: columns differ from the expected ones in: {', '.join(sorted(odd))}.")
    lines: list[str] = []
    for cells in reader:
        if len(cells) != len(header):
            lines.append(f"{file}:{reader.line_num}: {len(cells)} cells, expected {len(header)}.")
            continue
        values = {name: cell if cell != "" else None for name, cell in zip(header, cells, strict=True)}
        try:
            yield msgspec.convert(values, row_type, strict=False)
        except msgspec.ValidationError:
            faults = ((key, value_fault(row_type, key, value, strict=False)) for key, value in values.items())
            lines += (f"{file}:{reader.line_num} {key}: {fault}" for key, fault in faults if fault)
    if lines:
        raise KnowledgeError("\n".join(lines))
