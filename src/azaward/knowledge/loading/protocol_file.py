"""Reads a protocol's YAML file, and says everything that is wrong with it at once, each fault with its line.

A clinic's own file is held to more than a published one: its words are checked when it is read, and what it says is
its own to answer for, so that it never passes for a guideline's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, cast

import msgspec

from azaward.errors import KnowledgeError
from azaward.knowledge.loading.closed import Vocabularies, columns, parts
from azaward.knowledge.loading.faults import Fault, misspelt, nearest, type_fault, value_fault
from azaward.knowledge.loading.protocols import MOST_CAUTIOUS, SAME, Protocol, Written, apart, kept_of_lender
from azaward.knowledge.loading.schema import PROTOCOL_LISTS, Fact, Row, Source
from azaward.knowledge.loading.schema.columns import Published

_NOT_AN_ID = ("auto", MOST_CAUTIOUS)
_NEEDED_LISTS = ("baseline", "schedule", "limits", "doses")
_HEADER: Mapping[str, Any] = {
    "id": str,
    "title": str,
    "body": str,
    "country": str | None,
    "published_on": Published,
    "specialty": str | None,
    "own_text": list[str] | None,
    "builds_on": str | None,
    **{f"{name}_from": str | None for name in PROTOCOL_LISTS},
}
_NEEDED = ("id", "title", "body", "published_on")
_KEYS = (*_HEADER, "notes", "sources", "defaults", *PROTOCOL_LISTS)
_DEFAULTS = (*Fact.__struct_fields__, "valid_from")


# What is meant by some keys that no row has; a decimal comma makes the digits after it a key.
_HINTS = {
    "unit": " `value` counts in the canonical unit of the analyte: see docs/units.md.",
    **dict.fromkeys("0123456789", " A decimal is written with a point, such as 2.5."),
}


class Document(NamedTuple):
    """A YAML file: its keys and values, and its tree, which knows the lines."""

    file: str
    named: Mapping[str, Any]
    node: Any


@dataclass
class _Reading:
    """What is known while a file is read: the other protocols, the vocabularies for a clinic's own, the faults."""

    document: Document
    known: Mapping[str, Protocol]
    words: Vocabularies | None
    faults: list[Fault] = field(default_factory=list[Fault])
    sources: dict[str, Source] = field(default_factory=dict[str, Source])
    # The ids under `sources:`, those of rows that can't be read among them; the lines of rows that cite nothing.
    source_ids: list[str] = field(default_factory=list[str])
    without_source: list[int] = field(default_factory=list[int])

    def fault(self, line: int, where: str, says: str) -> None:
        self.faults.append(Fault(line, where, says))

    @property
    def is_own(self) -> bool:
        return self.words is not None


def document(file: str, text: str) -> Document:
    """The YAML of a protocol; `KnowledgeError` with the line where it is none."""
    import yaml

    loader = _loader()(text)
    try:
        node = loader.get_single_node()
        content: Any = loader.construct_document(node) if node is not None else None
    except (yaml.YAMLError, ValueError) as error:
        raise KnowledgeError(_not_yaml(error, text).of(file)) from None
    finally:
        loader.dispose()
    if not isinstance(content, dict):
        what = "the file is empty" if content is None else "found no keys"
        raise KnowledgeError(f"{file}: expected a protocol with keys id, title, limits, ...; {what}.")
    return Document(file, {str(key): value for key, value in cast(dict[Any, Any], content).items()}, node)


@lru_cache(maxsize=1)
def _loader() -> Any:
    """The loader of YAML, for which a day that no calendar has is a word, so that the fault is said in its place."""
    import yaml

    loader: Any = type("Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})
    loader.add_constructor("tag:yaml.org,2002:timestamp", _day)
    return loader


def _day(loader: Any, node: Any) -> Any:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        return node.value


def _not_yaml(error: Exception, text: str) -> Fault:
    """Where the file stops being YAML, in words that say what to do."""
    for number, line in enumerate(text.splitlines(), 1):
        if "\t" in line[: len(line) - len(line.lstrip())]:
            return Fault(number, "", "a tab stands at the beginning of the line. YAML is indented with spaces.")
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or error).partition("\n")[0]
    hint = " Is a bracket, a quote or a colon missing here or in the line above?" if mark else ""
    return Fault(mark.line + 1 if mark else 0, "", f"not YAML: {problem}.{hint}")


def lenders(document: Document) -> set[str]:
    """The ids of the protocols that a file builds on or borrows from."""
    named = document.named
    return {str(named[key]) for key in ("builds_on", *(f"{name}_from" for name in PROTOCOL_LISTS)) if named.get(key)}


def read_protocol(document: Document, known: Mapping[str, Protocol], words: Vocabularies | None = None) -> Protocol:
    """The protocol of a file; with `words` it is a clinic's own. `KnowledgeError` has one line a fault, in order."""
    reading = _Reading(document, known, words)
    _read_header(reading)
    _read_sources(reading)
    defaults = _read_defaults(reading)
    own = {name: _read_rows(reading, name, row_type, defaults) for name, row_type in PROTOCOL_LISTS.items()}
    _say_without_source(reading)
    if reading.is_own:
        for name, rows in own.items():
            reading.faults += _said_twice(name, rows)
    lists, borrowed = _with_borrowed(reading, own)
    if not reading.faults:
        for name in _NEEDED_LISTS:
            if not lists[name]:
                what_to_do = f"Add the list, or `{name}_from:` or `builds_on:` with the id of a published protocol."
                reading.fault(0, "", f"no {name}, and none borrowed. {what_to_do}")
    if reading.faults:
        lines = (fault.of(document.file) for fault in sorted(reading.faults))
        raise KnowledgeError("\n".join(dict.fromkeys(lines)))
    named = document.named
    return Protocol(
        id=named["id"],
        title=named["title"],
        body=named["body"],
        country=named.get("country"),
        published_on=str(named["published_on"]),
        specialty=named.get("specialty"),
        own_text=tuple(named.get("own_text") or ()),
        notes=tuple(str(note) for note in named.get("notes") or ()),
        lists=lists,
        borrowed=borrowed,
        file=document.file,
        own=own,
        beside=frozenset(name for name in PROTOCOL_LISTS if named.get(f"{name}_from")),
        sources=reading.sources,
    )


def _with_borrowed(
    reading: _Reading, own: Mapping[str, tuple[Written, ...]]
) -> tuple[dict[str, tuple[Fact, ...]], dict[str, str]]:
    """Each list with the rows that it borrows, and from whom."""
    lists: dict[str, tuple[Fact, ...]] = {}
    borrowed: dict[str, str] = {}
    for name, rows in own.items():
        lists[name] = tuple(written.row for written in rows)
        if lender := _lender(reading, name):
            borrowed[name] = lender
            beside = bool(reading.document.named.get(f"{name}_from"))
            lent = reading.known[lender].lists[name]
            lists[name] += kept_of_lender(name, lists[name], lent, beside=beside)
    return lists, borrowed


def _lines(node: Any) -> dict[str, int]:
    """The line of each key of a mapping."""
    return {str(key.value): key.start_mark.line + 1 for key, _ in node.value}


def _node_of(node: Any, key: str) -> Any:
    """The place of a key's value; of a key that stands there twice the last, as YAML reads it."""
    return next(value for name, value in reversed(node.value) if str(name.value) == key)


def _written_twice(node: Any, where: str) -> Iterator[Fault]:
    """A key that stands twice in one mapping: YAML would keep the last and say nothing."""
    seen: dict[str, int] = {}
    for key, _ in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in seen:
            says = f"{name} stands there twice" + (f", first in line {seen[name]}" if line != seen[name] else "")
            yield Fault(line, where, f"{says}. Keep one.")
        seen[name] = line


def _read_header(reading: _Reading) -> None:
    document, named = reading.document, reading.document.named
    lines = _lines(document.node)
    reading.faults += _written_twice(document.node, "")
    meant = {nearest(key, _KEYS) for key in named if key not in _KEYS}
    for key in named:
        if key not in _KEYS:
            reading.fault(lines.get(key, 0), key, misspelt(key, "key of a protocol", _KEYS, shown=len(_KEYS)))
    for key in _NEEDED:
        if named.get(key) in (None, "") and key not in meant:
            reading.fault(lines.get(key, 0), "", f"{key} is missing. Add `{key}: ...` at the top of the file.")
    for key, hint in _HEADER.items():
        value = _as_published(named).get(key)
        if value is not None and (wrong := type_fault(value, hint)):
            reading.fault(lines[key], key, wrong)
    if not isinstance(named.get("notes", []), list | None):
        reading.fault(lines["notes"], "notes", f"expected a list, found {named['notes']!r}.")
    if reading.is_own and named.get("id") in (*reading.known, *_NOT_AN_ID):
        reading.fault(lines["id"], "id", f"{named['id']!r} is taken: a published protocol has it. Choose another.")
    for key in ("builds_on", *(f"{name}_from" for name in PROTOCOL_LISTS)):
        lender = named.get(key)
        if isinstance(lender, str) and lender not in reading.known:
            reading.fault(lines[key], key, misspelt(lender, "protocol", reading.known))
    specialty = named.get("specialty")
    known = reading.words.of("specialty")[()] if reading.words else {}
    if known and isinstance(specialty, str) and specialty not in known:
        reading.fault(lines["specialty"], "specialty", misspelt(specialty, "specialty", known))


def _lender(reading: _Reading, name: str) -> str | None:
    lender = reading.document.named.get(f"{name}_from") or reading.document.named.get("builds_on")
    return lender if isinstance(lender, str) and lender in reading.known else None


def _read_sources(reading: _Reading) -> None:
    """The texts that only this file cites, such as the clinic's own agreement."""
    for item, node in _items(reading, "sources"):
        line, faults = node.start_mark.line + 1, len(reading.faults)
        values = _as_published(item)
        reading.source_ids.append(str(item.get("id")))
        _check_row(reading, "sources", Source, values, values, node)
        if len(reading.faults) > faults:
            continue
        source = msgspec.convert(values, Source)
        published = reading.words.of("source")[()] if reading.words else {}
        others = [protocol.sources.get(source.id, source) for protocol in reading.known.values()]
        if source.id in reading.sources:
            reading.fault(line, "sources.id", f"{source.id!r} stands there twice. Keep one.")
        elif source.id in published or any(other != source for other in others):
            reading.fault(line, "sources.id", f"{source.id!r} is taken: another source has it. Choose another.")
        elif any(mark in source.id for mark in "|\n"):
            reading.fault(line, "sources.id", f"{source.id!r} holds '|' or a line break. Take it out.")
        else:
            reading.sources[source.id] = source


def _as_published(named: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same keys with the day of publication in words, which YAML reads as a day or, of a year alone, a number."""
    day = named.get("published_on")
    return {**named, "published_on": str(day)} if isinstance(day, dt.date | int) else named


def _read_defaults(reading: _Reading) -> Mapping[str, Any]:
    defaults = reading.document.named.get("defaults")
    if defaults is None:
        return {}
    line = _lines(reading.document.node)["defaults"]
    if not isinstance(defaults, dict):
        reading.fault(line, "defaults", f"expected {{source: ..., how: ..., checked_on: ...}}, found {defaults!r}.")
        return {}
    node = _node_of(reading.document.node, "defaults")
    lines = _lines(node)
    defaults = {str(key): value for key, value in cast(dict[Any, Any], defaults).items()}
    reading.faults += _written_twice(node, "defaults")
    for key, value in defaults.items():
        where = f"defaults.{key}"
        if key not in _DEFAULTS:
            reading.fault(lines.get(key, line), where, misspelt(key, "key of the defaults", _DEFAULTS))
        else:
            for fault in _cell_faults(reading, PROTOCOL_LISTS["limits"], key, value, defaults):
                reading.fault(lines[key], where, fault)
    source = defaults.get("source")
    if reading.words and isinstance(source, str) and source in reading.words.ids("sources"):
        reading.fault(
            lines["source"],
            "defaults.source",
            f"{source!r} is a published text, and your rows would pass for its words. Describe your own agreement "
            f"under `sources:` and name that here; a row that repeats {source!r} names it itself, with its locator.",
        )
    return {key: value for key, value in defaults.items() if key in _DEFAULTS}


def _items(reading: _Reading, name: str) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """The rows of a list, each with its place in the tree."""
    items = reading.document.named.get(name)
    if items is None:
        return
    if not isinstance(items, list):
        line = _lines(reading.document.node)[name]
        reading.fault(line, name, f"expected a list of rows, each beginning with '- ', found {items!r}.")
        return
    for item, node in zip(cast(Sequence[Any], items), _node_of(reading.document.node, name).value, strict=True):
        if isinstance(item, dict):
            yield {str(key): value for key, value in cast(dict[Any, Any], item).items()}, node
        else:
            reading.fault(node.start_mark.line + 1, name, f"expected {{key: value, ...}}, found {item!r}.")


def _read_rows(reading: _Reading, name: str, row_type: type[Fact], defaults: Mapping[str, Any]) -> tuple[Written, ...]:
    rows: list[Written] = []
    for item, node in _items(reading, name):
        line, values = node.start_mark.line + 1, {**defaults, **item}
        if reading.words and values.get("source") is None:
            reading.without_source.append(line)
            values["source"] = next(iter(reading.words.of("source")[()]))
        if _check_row(reading, name, row_type, item, values, node):
            rows.append(Written(msgspec.convert(values, row_type), line, _lines(node)))
    return tuple(rows)


def _say_without_source(reading: _Reading) -> None:
    if reading.without_source:
        first, *others = sorted(reading.without_source)
        more = f", nor in line{'s' if others[1:] else ''} {', '.join(map(str, others))}" if others else ""
        reading.fault(
            first,
            "source",
            f"none in this row{more}. Describe your agreement under `sources:` (id, title, publisher, published_on, "
            "identifier) and name its id in `defaults: {source: ..., how: own, checked_on: ...}`.",
        )


def _check_row(
    reading: _Reading, name: str, row_type: type[Row], item: Mapping[str, Any], values: Mapping[str, Any], node: Any
) -> bool:
    """Whether `item`, which is `values` with the defaults, is a row; if not, says each fault at the line of its key."""
    faults = [*_written_twice(node, name)]
    readable = True
    try:
        msgspec.convert(values, row_type)
    except msgspec.ValidationError:
        readable = False
    if reading.words or not readable:
        lines, first = _lines(node), int(node.start_mark.line) + 1
        for key, fault in _row_faults(reading, row_type, item, values):
            faults.append(Fault(lines.get(key, first), f"{name}.{key}" if key else name, fault))
    reading.faults += faults
    return readable and not faults


def _row_faults(
    reading: _Reading, row_type: type[Row], item: Mapping[str, Any], values: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(row_type)}
    meant: set[str | None] = set()
    for key, value in item.items():
        if key in fields:
            yield from ((key, fault) for fault in _cell_faults(reading, row_type, key, value, values))
        else:
            meant.add(nearest(key, fields))
            yield key, misspelt(key, "key of such a row", fields, shown=len(fields)) + _HINTS.get(key, "")
    needed = (key for key, field_ in fields.items() if field_.required)
    if missing := [key for key in needed if key not in values and key not in meant]:
        yield "", f"{', '.join(missing)} missing."
    if isinstance(values.get("locator"), str) and not values["locator"].strip():
        yield "locator", f"empty. Say where in {values.get('source')!r} it stands."


def _cell_faults(
    reading: _Reading, row_type: type[Row], key: str, value: Any, values: Mapping[str, Any]
) -> Iterator[str]:
    if fault := value_fault(row_type, key, value):
        yield fault
        return
    column = next((column for column in columns(row_type) if column.name == key), None)
    if reading.words is None or value is None or column is None or column.closed is None:
        return
    if key == "source":
        known = [*reading.source_ids, *reading.words.of("source")[()]]
        if value not in known:
            yield misspelt(value, "source", known) + " A text of your own stands under `sources:`."
        return
    for word in parts(value, column.closed):
        if fault := reading.words.fault(column.closed, word, values):
            yield fault


def _said_twice(name: str, rows: Iterable[Written]) -> Iterator[Fault]:
    """Two rows of a clinic's list that say the same, or the same thing otherwise."""
    seen: dict[tuple[Any, ...], Written] = {}
    for written in rows:
        row = written.row
        about = (*SAME[name](row), row.valid_from)
        if (before := seen.setdefault(about, written)) is not written:
            differ = apart(before.row, row)
            says = f"contradicts line {before.line}: {differ}" if differ else f"says the same as line {before.line}"
            yield Fault(written.line, name, f"{says}. Keep one.")
