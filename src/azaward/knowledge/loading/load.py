"""Reads the cited files of this folder, and a clinic's own protocol, into checked rows.

An error names the file and the line, what stood there and what was expected. Nothing is repaired.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, cast

import msgspec

from azaward.errors import KnowledgeError
from azaward.knowledge.loading.schema import FILES, PROTOCOL_LISTS, TABLES, Fact, Row

HERE = Path(__file__).parents[1]
MOST_CAUTIOUS = "most-cautious"
_PROTOCOL_KEYS = {
    "id",
    "title",
    "body",
    "country",
    "published_on",
    "specialty",
    "builds_on",
    "defaults",
    "notes",
    *PROTOCOL_LISTS,
    *(f"{name}_from" for name in PROTOCOL_LISTS),
}


# The last cell of a fact is the day on which it was last checked.
_LAST_CELL_IS_A_DAY = re.compile(r",(\d{4}-\d{2}-\d{2})\r?$", re.MULTILINE)


@dataclass(frozen=True)
class Protocol:
    """One guideline's or one clinic's way of prescribing and monitoring, dated."""

    id: str
    title: str
    body: str
    country: str | None
    published_on: str
    specialty: str | None
    notes: tuple[str, ...]
    lists: Mapping[str, tuple[Fact, ...]]
    borrowed: Mapping[str, str]


class Tables(Mapping[str, tuple[Any, ...]]):
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


@dataclass(frozen=True, eq=False)
class Knowledge:
    """All tables and protocols, and the fingerprint of the files they came from.

    >>> load().tables["analytes"][0].id
    'wbc'
    """

    tables: Mapping[str, tuple[Any, ...]]
    protocols: Mapping[str, Protocol]
    fingerprint: str
    newest: dt.date

    @cached_property
    def version(self) -> str:
        """The day of the newest fact and the fingerprint of all of them."""
        return f"{self.newest.isoformat()}+{self.fingerprint[:12]}"

    @cached_property
    def sources(self) -> Mapping[str, Any]:
        """Sources by id."""
        return {source.id: source for source in self.tables["sources"]}

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """Parameters by id."""
        return {parameter.id: parameter for parameter in self.tables["parameters"]}

    @cached_property
    def analytes(self) -> Mapping[str, Any]:
        """Analytes by id."""
        return {analyte.id: analyte for analyte in self.tables["analytes"]}

    def and_protocol(self, file: str, text: str) -> tuple[Knowledge, str]:
        """This knowledge and a clinic's own protocol, with that protocol's id; what its words join to isn't checked."""
        own = _protocol(file, text, self.protocols, own=True)
        fingerprint = hashlib.sha256((self.fingerprint + text).encode()).hexdigest()
        return replace(self, protocols={**self.protocols, own.id: own}, fingerprint=fingerprint), own.id


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
    protocols: dict[str, Protocol] = {}
    waiting = {path.stem: path for path in sorted((folder / "protocols").glob("*.yaml"))}
    texts = {stem: read_file(path) for stem, path in waiting.items()}
    for text in texts.values():
        digest.update(text.encode())
    while waiting:
        ready = [stem for stem in waiting if not (_needs(texts[stem]) & set(waiting) - {stem})]
        if not ready:
            raise KnowledgeError(f"protocols build on each other in a circle: {', '.join(waiting)}")
        for stem in ready:
            protocols[stem] = _protocol(waiting.pop(stem).name, texts[stem], protocols)
    days = [day for text in files.values() for day in _LAST_CELL_IS_A_DAY.findall(text)]
    newest = dt.date.fromisoformat(max(days, default="1970-01-01"))
    return Knowledge(Tables(files), dict(sorted(protocols.items())), digest.hexdigest(), newest)


def read_file(path: Path) -> str:
    """A file's text; `KnowledgeError` where it isn't UTF-8 or can't be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise KnowledgeError(f"{path.name}: byte {error.start} is not UTF-8. Save the file as UTF-8.") from None
    except OSError as error:
        raise KnowledgeError(f"{path}: {error.strerror}") from None


def _rows(file: str, text: str, row_type: type[Row]) -> Iterator[Row]:
    reader = csv.reader(text.splitlines())
    fields = [field.encode_name for field in msgspec.structs.fields(row_type)]
    header = next(reader, [])
    if set(header) != set(fields):
        odd = set(header) ^ set(fields)
        raise KnowledgeError(f"{file} line 1: columns differ from the expected ones in: {', '.join(sorted(odd))}")
    for cells in reader:
        if len(cells) != len(header):
            raise KnowledgeError(f"{file} line {reader.line_num}: {len(cells)} cells, expected {len(header)}")
        values = {name: cell if cell != "" else None for name, cell in zip(header, cells, strict=True)}
        try:
            yield msgspec.convert(values, row_type, strict=False)
        except msgspec.ValidationError as error:
            raise KnowledgeError(f"{file} line {reader.line_num}: {_plain(error, values)}") from None


def _plain(error: msgspec.ValidationError, row: Mapping[str, Any]) -> str:
    """The library's message with the column and the value that stood there."""
    what, _, where = str(error).partition(" - at `$.")
    column = where.rstrip("`")
    return f"{column}: {what.lower()}, found {row.get(column)!r}" if column else what


@lru_cache(maxsize=64)
def _needs(text: str) -> set[str]:
    import yaml

    document: Any = yaml.load(text, Loader=_loader())  # noqa: S506
    if not isinstance(document, dict):
        return set()
    named = {str(key): value for key, value in cast(dict[Any, Any], document).items()}
    return {str(named[key]) for key in ("builds_on", *(f"{n}_from" for n in PROTOCOL_LISTS)) if named.get(key)}


def _loader() -> Any:
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _protocol(file: str, text: str, known: Mapping[str, Protocol], *, own: bool = False) -> Protocol:
    import yaml

    try:
        node = yaml.compose(text, Loader=_loader())
        document: Any = yaml.load(text, Loader=_loader())  # noqa: S506
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise KnowledgeError(f"{file}{line}: not YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(document, dict) or node is None:
        raise KnowledgeError(f"{file}: expected a protocol with keys id, title, limits, ...; found no mapping")
    named = {str(key): value for key, value in cast(dict[Any, Any], document).items()}
    lines = {str(key.value): (key.start_mark.line + 1, value) for key, value in node.value}
    if shaped_wrong := _wrongly_shaped(file, named, lines, [key.value for key, _ in node.value]):
        raise KnowledgeError("\n".join(shaped_wrong))
    faults = [
        f"{file} line {lines[key][0]}: no such key: {key}. Expected one of: {', '.join(sorted(_PROTOCOL_KEYS))}"
        for key in named
        if key not in _PROTOCOL_KEYS
    ]
    faults += [f"{file}: {key} is missing" for key in ("id", "title", "body", "published_on") if not named.get(key)]
    if own and named.get("id") in {*known, MOST_CAUTIOUS}:
        faults.append(f"{file} line {lines['id'][0]}: id {named['id']!r} is a published protocol's. Choose another.")
    defaults: dict[str, Any] = dict(named.get("defaults") or {})
    lists: dict[str, tuple[Fact, ...]] = {}
    borrowed: dict[str, str] = {}
    for name, row_type in PROTOCOL_LISTS.items():
        lender = named.get(f"{name}_from") or named.get("builds_on")
        if lender and lender not in known:
            key = f"{name}_from" if named.get(f"{name}_from") else "builds_on"
            faults.append(f"{file} line {lines[key][0]}: {key}: no protocol {lender!r}. Known: {', '.join(known)}")
            lender = None
        rows = _protocol_rows(file, name, row_type, named.get(name), lines, defaults, faults)
        if lender:
            borrowed[name] = lender
            lent = known[lender].lists[name]
            # What builds on a protocol replaces it row by row: for what its own rows speak of, only they hold.
            rows += lent if named.get(f"{name}_from") else _not_replaced(name, rows, lent)
        lists[name] = rows
    if not faults:
        faults = [
            f"{file}: no {name}, and none borrowed. Add the list, or `{name}_from:` or `builds_on:` a published one."
            for name in ("baseline", "schedule", "limits", "doses")
            if not lists[name]
        ]
    if faults:
        raise KnowledgeError("\n".join(dict.fromkeys(faults)))
    return Protocol(
        id=str(named["id"]),
        title=str(named["title"]),
        body=str(named["body"]),
        country=named.get("country"),
        published_on=str(named["published_on"]),
        specialty=named.get("specialty"),
        notes=tuple(str(note) for note in named.get("notes") or ()),
        lists=lists,
        borrowed=borrowed,
    )


def _wrongly_shaped(
    file: str, named: Mapping[str, Any], lines: Mapping[str, tuple[int, Any]], keys: Sequence[str]
) -> list[str]:
    """A line for each key that stands there twice or whose value is of another kind than it can be."""
    faults = [
        f"{file} line {lines[key][0]}: {key} stands there twice. Keep one." for key in {*keys} if keys.count(key) > 1
    ]
    words = ("id", "title", "body", "country", "specialty", "builds_on", *(f"{name}_from" for name in PROTOCOL_LISTS))
    kinds: list[tuple[tuple[str, ...], type, str]] = [
        (words, str, "words"),
        (("defaults",), dict, "{source: ..., how: ..., checked_on: ...}"),
        (("notes",), list, "a list"),
    ]
    for names, kind, expected in kinds:
        for key in names:
            if (value := named.get(key)) is not None and not isinstance(value, kind):
                faults.append(f"{file} line {lines[key][0]}: {key}: expected {expected}, found {value!r}")
    return faults


def _not_replaced(name: str, own: Sequence[Any], lent: Sequence[Any]) -> tuple[Fact, ...]:
    """The lender's rows that no own row takes the place of.

    An own limit replaces those that ask for the same of the same analyte, as urgently: a withhold at another count
    leaves the emergency where it was. Nor does a row for one specialty replace what holds for all.
    """
    if name == "schedule":
        kept = ((row, [test for test in row.tests if not _spoken((test,), row, own, _tests)]) for row in lent)
        return tuple(
            row if tests == row.tests else msgspec.structs.replace(row, tests=tests) for row, tests in kept if tests
        )
    about = _ABOUT[name]
    return tuple(row for row in lent if not _spoken(about(row), row, own, lambda one: (about(one),)))


def _spoken(about: Any, lent: Any, own: Sequence[Any], said: Callable[[Any], Iterable[Any]]) -> bool:
    return any(
        about in said(row) and getattr(row, "specialty", "any") in ("any", getattr(lent, "specialty", "any"))
        for row in own
    )


def _tests(row: Any) -> Iterable[Any]:
    return [(test,) for test in row.tests]


# What a row of a list is about. An emergency is never replaced by anything less.
_ABOUT: Mapping[str, Callable[[Any], Any]] = {
    "limits": lambda row: (row.analyte, row.comparison in ("below", "at-most"), row.action, row.urgency),
    "baseline": lambda row: row.test,
    "doses": lambda row: (row.indication, row.population, row.drug),
    "symptoms": lambda row: (row.symptom, row.urgency == "emergency"),
}


def _protocol_rows(
    file: str,
    name: str,
    row_type: type[Fact],
    items: Any,
    lines: Mapping[str, tuple[int, Any]],
    defaults: Mapping[str, Any],
    faults: list[str],
) -> tuple[Fact, ...]:
    if items is None:
        return ()
    if not isinstance(items, list):
        faults.append(f"{file} line {lines[name][0]}: {name}: expected a list of rows")
        return ()
    rows: list[Fact] = []
    for item, node in zip(cast(Sequence[Any], items), lines[name][1].value, strict=True):
        line = node.start_mark.line + 1
        if not isinstance(item, dict):
            faults.append(f"{file} line {line}: {name}: expected {{key: value, ...}}, found {item!r}")
            continue
        values: dict[str, Any] = {**defaults, **cast(dict[str, Any], item)}
        try:
            rows.append(msgspec.convert(values, row_type))
        except msgspec.ValidationError as error:
            faults.append(f"{file} line {line}: {name}: {_plain(error, values)}")
    return tuple(rows)
