"""Reads FHIR Bundles (.json) and NDJSON resources (.ndjson) into the six tables.

R4 and R4B are read, and what DSTU2, STU3 and R5 say in other elements. Each resource is decoded separately, so that an
invalid one is set aside with its place and the others are still read. Resources that azaward doesn't read (imaging,
claims) or must not use (cancelled orders) are counted, not listed. A page of a longer answer is read and
reported as one.
"""

from __future__ import annotations

import contextlib
import gc
import io
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from azaward.errors import InputError
from azaward.knowledge import Knowledge
from azaward.readers.fhir import resources as fhir
from azaward.readers.fhir.index import BROKEN, Index, NotJsonError, Raw, kind_of
from azaward.readers.fhir.lenient import Damage, decode
from azaward.readers.fhir.rows import write
from azaward.readers.rows import RowReader
from azaward.record.tables import Record

_BUNDLE: msgspec.json.Decoder[fhir.Bundle] = msgspec.json.Decoder(fhir.Bundle)
_DAMAGED: msgspec.json.Decoder[fhir.DamagedBundle] = msgspec.json.Decoder(fhir.DamagedBundle)
_ENTRY: msgspec.json.Decoder[fhir.Entry] = msgspec.json.Decoder(fhir.Entry)
_UNNAMED = "a page without an address"
_DIGITS = 12
_FETCH = "Fetch all of it, and read the pages together."


@contextlib.contextmanager
def _no_collection() -> Generator[None]:
    """Keeps Python from looking for circles among resources, of which there are many and which have none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_no_collection()
def read_bundle(content: bytes, file: str, knowledge: Knowledge) -> Record:
    """The record in a Bundle."""
    try:
        kind = kind_of(content)
        opened = _opened(content) if kind == "Bundle" else None
    except BROKEN as error:
        raise InputError(where_in_json(error, content, file)) from None
    if opened is None:
        raise InputError(
            f"{file}: resourceType is {kind!r}; expected 'Bundle'. Put the resources in a Bundle, "
            "or one per line in an .ndjson file."
        )
    reading = _Reading(knowledge)
    reading.take_bundle(file, *opened)
    return reading.record(file)


def read_ndjson(content: bytes, file: str, knowledge: Knowledge) -> Record:
    """The record in a file with one resource or Bundle per line."""
    return read_export([(file, content)], knowledge)


@_no_collection()
def read_export(
    files: Iterable[tuple[str, bytes]],
    knowledge: Knowledge,
    not_read: Iterable[str] = (),
    deleted: Iterable[tuple[str, bytes]] = (),
) -> Record:
    """The record in several files of resources, such as a bulk export: usually one .ndjson for each resource type.

    `files` gives the name and the content of each in turn, so that no more than one has to be in memory. `not_read`
    names files that belong to the export and can't be read, `deleted` holds its Bundles of deletions.
    """
    reading = _Reading(knowledge)
    names = [reading.take_file(content, file) for file, content in files]
    for file, content in deleted:
        reading.take_lines(content, file)
    reading.index.incomplete += [(name, "not a file that azaward reads", "its data are unknown.") for name in not_read]
    return reading.record(", ".join(names))


class _Reading:
    """One reading of one or several files: Bundles are taken apart, their resources indexed, rows written."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.index = Index(RowReader(knowledge))
        self._pages: list[_Page] = []

    def take_file(self, content: bytes, file: str) -> str:
        """Takes a file of an export, and gives its name. Raises `InputError` for one that isn't JSON."""
        if file.casefold().removesuffix(".gz").endswith(".json"):
            try:
                self.take(Raw(file, None, content))
            except NotJsonError as error:
                raise InputError(where_in_json(error, content, file)) from None
        else:
            self.take_lines(content, file)
        return file

    def take_lines(self, content: bytes, file: str) -> None:
        """Takes a resource or Bundle a line. Raises `InputError` for a line that isn't JSON."""
        if b"\r" in content:
            content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        for number, line in enumerate(io.BytesIO(content), 1):
            if line.isspace():
                continue
            where = f"{file} line {number}"
            try:
                self.take(Raw(where, None, line))
            except NotJsonError as error:
                raise InputError(f"{where}: {error}. Expected one FHIR resource per line.") from None

    def take(self, raw: Raw) -> None:
        """Indexes a resource, or each of a Bundle's. Raises `NotJsonError`."""
        try:
            kind = kind_of(raw.content)
        except BROKEN:
            self.index.head(raw)
            return
        if kind != "Bundle":
            self.index.take(raw, kind)
            return
        try:
            opened = _opened(raw.content)
        except BROKEN as error:
            if self.index.head(raw) is not None:
                self.index.set_broken(raw, "Bundle", f"{error}. Correct the Bundle.")
            return
        self.take_bundle(raw.where, *opened)

    def take_bundle(self, where: str, bundle: fhir.Bundle, damage: Sequence[Damage]) -> None:
        """Indexes each of a Bundle's resources, and notes what the Bundle says is elsewhere."""
        for each in damage:
            if each.is_read:
                continue
            what, why = f"Bundle.{each.place} is {each.found}", f"expected {each.expected}; what is in it is unknown."
            self.index.incomplete.append((where, what, why))
        if bundle.meta is not None and bundle.meta.is_a_part:
            self.index.incomplete.append((where, "marked as holding only a part (SUBSETTED)", "the rest is unknown."))
        found = 0
        for number, entry in enumerate(bundle.entry):
            found += self._entry(entry, f"{where} Bundle.entry[{number}]", bundle)
        self._pages.append(_Page.of(where, bundle, found))

    def _entry(self, entry: fhir.Entry, place: str, bundle: fhir.Bundle) -> int:
        """Takes one entry; 1 if it counts among the Bundle's `total`."""
        content = bytes(entry.resource)
        url = entry.fullUrl if isinstance(entry.fullUrl, str) else None
        status = (entry.response.status if entry.response else None) or ""
        changed = entry.response.lastModified if entry.response else None
        if status[:1] in ("4", "5") and not content:
            self.index.incomplete.append((place, f"the server answered {status}", "part of the record is missing."))
            return 0
        method = (entry.request.method or "").upper() if entry.request else ""
        if entry.request is not None and method == "DELETE":
            changed = changed or (bundle.meta.lastUpdated if bundle.meta else None)
            self._delete(entry.request.url or "", url, changed, place)
            return 0
        if method == "PATCH":
            self.index.incomplete.append((place, "a change to part of a resource", "it can't be applied here."))
            return 0
        if entry.response is not None and bytes(entry.response.outcome):
            self.take(Raw(f"{place}.response.outcome", None, bytes(entry.response.outcome)))
        self.take(Raw(place, url, content, changed))
        return 0 if entry.search is not None and entry.search.mode in ("include", "outcome") else 1

    def _delete(self, said: str, url: str | None, changed: str | None, place: str) -> None:
        """Removes the one resource that an address or its `_id` names; what any other search finds isn't known here."""
        address, _, search = said.partition("?")
        kind, _, id = address.rstrip("/").rpartition("/")
        if search:
            kind, (name, _, id) = address, search.partition("=")
            if name != "_id" or not id.isascii() or set(id) & set("&,"):
                self.index.incomplete.append((place, f"a deletion of {said}", "what it deletes is unknown."))
                return
        url = url or (address if address.startswith("http") and not search else None)
        self.index.remove(kind.rpartition("/")[2], id, url, changed)

    def record(self, file: str) -> Record:
        """The six tables of everything that was taken. Raises `InputError` where nobody is in it."""
        index = self.index
        index.incomplete += _missing(self._pages)
        index.report_unread(file)
        if not index.patients and not index.deleted:
            broken = [item for item in index.rows.set_aside if item.kind == "resource"]
            unread = f" Not readable: {broken[0].where}: {broken[0].what}: {broken[0].why}" if broken else ""
            gone = [f" {where}: {what}; {why}" for where, what, why in index.incomplete[:1]]
            raise InputError(
                f"{file}: no readable Patient in this Bundle, so the patient is unknown. "
                f"Export the Patient resource too.{unread}{''.join(gone)}"
            )
        write(index, self.knowledge)
        for where, what, why in index.incomplete:
            for patient_id in dict.fromkeys(index.patients.values()) or (None,):
                index.rows.aside(where, what, f"incomplete: {why} {_FETCH}", patient_id, "incomplete")
        record = index.rows.record()
        return replace(record, deleted=index.deleted) if index.deleted else record


class _Page(NamedTuple):
    """A Bundle as a page of an answer: where it is, its own address and the next one's, what it holds of how many."""

    where: str
    own: str | None
    following: str | None
    earlier: str | None
    total: int | None
    found: int

    @staticmethod
    def of(where: str, bundle: fhir.Bundle, found: int) -> _Page:
        urls = {(link.relation or "").strip().casefold(): link.url or _UNNAMED for link in bundle.link}
        said = str(bundle.total).strip().removesuffix(".0")
        total = int(said) if said.isdecimal() and len(said) < _DIGITS and bundle.type != "history" else None
        earlier = urls.get("previous") or urls.get("prev")
        return _Page(where, urls.get("self"), urls.get("next"), earlier, total, found)


def _missing(pages: Sequence[_Page]) -> Iterator[tuple[str, str, str]]:
    """What Bundles say that there is beyond them, and that isn't among the others: (where, what, why)."""
    here = {page.own for page in pages if page.own}
    found_of: Counter[int] = Counter()
    for page in pages:
        found_of[page.total or 0] += page.found
    for page in pages:
        other = "a next page" if page.following and page.following not in here else ""
        other = other or ("an earlier page" if page.earlier and page.earlier not in here else "")
        if other:
            of_all = f"{page.found} of {page.total} entries" if page.total is not None else f"{page.found} entries"
            yield page.where, f"one page of several: {of_all}, and {other}", "the other pages aren't here."
        elif page.total is not None and page.total > max(page.found, found_of[page.total]):
            yield page.where, f"{page.found} of {page.total} entries", "the others aren't here."


def _opened(content: bytes) -> tuple[fhir.Bundle, tuple[Damage, ...]]:
    """A Bundle, and what had to be left out of it; an invalid entry does not affect the others."""
    with contextlib.suppress(msgspec.ValidationError):
        return _BUNDLE.decode(content), ()
    found, damage = decode(content, _DAMAGED)
    entries = tuple(_opened_entry(each) for each in found.entry)
    return fhir.Bundle(found.type, found.total, found.link, found.meta, entries), damage


def _opened_entry(content: msgspec.Raw) -> fhir.Entry:
    try:
        return decode(bytes(content), _ENTRY)[0]
    except BROKEN:
        return fhir.Entry(resource=content)  # No entry at all: set aside with its place.


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
