"""An index of the decoded resources in FHIR files, with their places, that resolves references between them.

Resources refer to each other by relative, absolute or urn:uuid address, by identifier, or to a contained resource. A
reference that can't be resolved is reported. The same id on another server is another person. Of several versions of
one resource the last counts, and a resource that was deleted counts no more.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from azaward.readers.fhir import resources as fhir
from azaward.readers.fhir.lenient import Damage, decode
from azaward.readers.fhir.resource_types import TYPES
from azaward.readers.rows import RowReader
from azaward.record.versions import is_later, version_of

T = TypeVar("T")
BROKEN = (msgspec.DecodeError, RecursionError)
HEAD: msgspec.json.Decoder[fhir.Head] = msgspec.json.Decoder(fhir.Head)
_SUBJECT: msgspec.json.Decoder[fhir.Subject] = msgspec.json.Decoder(fhir.Subject)
_SHAPE: msgspec.json.Decoder[fhir.Shape] = msgspec.json.Decoder(fhir.Shape)
_DECODERS: Mapping[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(kind) for name, kind in fhir.READ.items()
}
_REFERENCED = ("Medication", "Substance", "Specimen", "Observation")


class NotJsonError(ValueError):
    """A line that isn't JSON at all: the file can't be trusted."""


class Raw(msgspec.Struct, frozen=True, gc=False):
    """An undecoded resource, its place in the file, its address, and when its Bundle says that it last changed."""

    where: str
    url: str | None
    content: bytes
    changed: str | None = None


class Place(msgspec.Struct, frozen=True, gc=False):
    """A decoded resource, its place in the file, its name there, and what had to be left out of it."""

    type: str
    resource: Any
    where: str
    id: str
    subject: fhir.Reference | None = None
    damage: tuple[Damage, ...] = ()
    key: str | None = None
    version: str = ""


class Index:
    """Takes resources one by one, then resolves their references to patients and other resources."""

    def __init__(self, rows: RowReader) -> None:
        self.rows = rows
        self.patients: dict[str, str] = {}
        # What makes these files less than the whole of a record: (where, what, why).
        self.incomplete: list[tuple[str, str, str]] = []
        self.deleted: dict[str, str] = {}
        # By the key of each resource, or by its place if it has no key; and the names of both.
        self._places: dict[str, Place] = {}
        # The few servers that resources come from, as keys begin with them.
        self._servers: set[str] = set()
        self._found: dict[str, str] = {}
        self._addresses: dict[str, set[str]] = {}
        self._identified: dict[tuple[str | None, str | None], str] = {}
        self._broken: list[tuple[Raw, str, str, str | None]] = []
        self._not_read: Counter[str] = Counter()
        self._subsetted = False
        self._people: frozenset[str] | None = None

    @property
    def places(self) -> Iterable[Place]:
        """The resources that count, in the order of the files."""
        return self._places.values()

    def take(self, raw: Raw, kind: str, subject: fhir.Reference | None = None, within: str = "") -> None:
        """Decodes one resource and records the names by which others may refer to it.

        `within` is the address of the resource that contains it. Raises `NotJsonError`.
        """
        if kind not in _DECODERS:
            another = self._another(raw, kind)
            if another is None:
                return
            kind = another
        try:
            resource, damage = decode(raw.content, _DECODERS[kind])
        except BROKEN as error:
            if self.head(raw) is not None:
                self.set_broken(raw, kind, f"{error}. Correct the resource.")
            return
        if kind == "OperationOutcome":
            self._outcome(raw, resource)
        elif kind == "Patient" and (of_id := [each for each in damage if each.place == "id" and not each.is_read]):
            self.set_broken(raw, kind, f"id is {of_id[0].found}; expected {of_id[0].expected}. Correct the resource.")
        else:
            place = self._named(kind, raw, resource, subject, damage, within)
            self._take_contained(resource.contained, raw, place)

    def head(self, raw: Raw) -> fhir.Head | None:
        """What a resource of any type has; None for what is no resource, which is set aside. Raises `NotJsonError`."""
        try:
            return decode(raw.content, HEAD)[0]
        except BROKEN as error:
            if raw.content and not isinstance(error, msgspec.ValidationError | RecursionError):
                raise NotJsonError(str(error)) from None
            self.set_broken(raw, "resource", f"{error}. Expected a FHIR resource." if raw.content else _EMPTY)
            return None

    def _another(self, raw: Raw, kind: str) -> str | None:
        """Counts a resource of a type that isn't read; the type to read it as where its elements tell another."""
        head = self.head(raw)
        if head is None:
            return None
        if kind in TYPES:
            # Results stand inside resources of many types.
            self._take_contained(head.contained, raw, None)
            self._not_read[kind] += 1
            return None
        if shaped := self._shaped(raw, kind):
            return shaped
        why = f"resourceType is {kind!r}, not a type of FHIR" if kind else "resourceType is missing or isn't text"
        self.set_broken(raw, kind or "resource", f"{why}. Expected a FHIR resource.")
        return None

    def _shaped(self, raw: Raw, kind: str) -> str | None:
        """A result or a medicine under a name that FHIR doesn't have."""
        try:
            shape = _SHAPE.decode(raw.content)
        except BROKEN:
            return None
        shaped = (
            "Observation"
            if shape.valueQuantity or shape.interpretation or shape.referenceRange
            else "MedicationRequest"
            if shape.medicationCodeableConcept or shape.medicationReference or shape.dosageInstruction
            else "Patient"
            if shape.birthDate
            else None
        )
        if shaped:
            about = _about(raw.content)
            why = f"resourceType is {kind!r}: read as {shaped}, as its elements are. Correct the type."
            self._broken.append((raw, "resource", why, about.reference if about else None))
        return shaped

    def _named(
        self,
        kind: str,
        raw: Raw,
        resource: Any,
        subject: fhir.Reference | None,
        damage: tuple[Damage, ...],
        within: str,
    ) -> Place | None:
        """Keeps a resource under its names, unless a later version of it is here already."""
        own_id: str | None = resource.id
        relative = f"{kind}/{own_id}" if own_id else None
        address = f"{within}#{own_id}" if within and own_id else None
        names = (address,) if address else (raw.url, relative)
        own = own_id or (raw.url or raw.where).rpartition("/")[2].rpartition(":")[2]
        if kind == "Patient":
            own = self._patient_id(own, relative, raw.url)
            self.patients |= dict.fromkeys((*filter(None, names), f"Patient/{own}"), own)
            self._people = None
            self._addresses.setdefault(own, set()).update(filter(None, [raw.url]))
            self._identified |= {(each.system, each.value): own for each in resource.identifier if each.value}
        meta: fhir.Meta | None = resource.meta
        changed = (meta.lastUpdated if meta else None) or raw.changed or getattr(resource, "issued", None)
        if meta is not None and meta.tag and meta.is_a_part and not self._subsetted:
            self._subsetted = True
            what = f"a {kind} marked as holding only a part (SUBSETTED)"
            self.incomplete.append((raw.where, what, "the rest is unknown."))
        status = resource.status if kind == "Observation" else None
        version = version_of(changed, meta.versionId if meta else None, status)
        key = address or key_of(kind, own_id, raw.url)
        place = Place(kind, resource, raw.where, own, subject, damage, key, version)
        if not self._keep(place):
            return None
        for name in names:
            if name:
                self._found[name] = key or raw.where
        return place

    def _patient_id(self, own: str, relative: str | None, url: str | None) -> str:
        """The patient's id; with the server's address where another server has one of the same name."""
        known = self._addresses.get(own, set())
        elsewhere = [each for each in known if each.startswith("http") and each != url]
        return url if url and url.startswith("http") and elsewhere and relative else own

    def _keep(self, place: Place) -> bool:
        """Keeps a resource in the place of an earlier version of it; False if a later one is kept."""
        key = place.key or place.where
        gone = self.deleted.get(key, self.deleted.get(f"|{place.type}|{place.id}"))
        if gone is not None and is_later(place.version, gone) is not True:
            return False
        before = self._places.get(key)
        if before is not None:
            later = is_later(place.version, before.version)
            if later is None and place.resource != before.resource:
                what = f"{place.type} {place.id}"
                used = "the later one in the file is used"
                why = f"also at {before.where}, with different content and no version: {used}"
                self.rows.aside(place.where, what, why, kind="two_versions")
            if later is False:
                return False
            # The later version comes where it stands in the files, not where the earlier one stood.
            del self._places[key]
        self._places[key] = place
        server, bar, _ = key.partition("|")
        if bar:
            self._servers.add(server)
        return True

    def remove(self, kind: str, id: str, url: str | None, changed: str | None) -> None:
        """Notes that a resource was deleted; one of a later version counts again."""
        key = key_of(kind, id, url)
        version = version_of(changed)
        if key is None:
            return
        # "Observation/hi" is of the server that the entries are of, if that is one.
        named = {f"{server}{key}" for server in self._servers} if key.startswith("|") else {key}
        here = named & self._places.keys()
        for each in here if len(here) == 1 else [key]:
            held = self._places.get(each)
            if held is not None and is_later(held.version, version) is not True:
                del self._places[each]
        self.deleted[key] = version

    def _take_contained(self, contained: Iterable[msgspec.Raw], raw: Raw, place: Place | None) -> None:
        """Indexes what a resource contains; a contained result belongs to the resource's patient."""
        for number, content in enumerate(contained):
            inside = Raw(f"{raw.where}.contained[{number}]", None, bytes(content))
            try:
                kind = kind_of(inside.content)
            except BROKEN:
                kind = "Observation"  # Nobody knows what it is: set aside on its own.
            if kind == "OperationOutcome":
                self.take(inside, kind)
            elif kind in _REFERENCED:
                key = place.key if place is not None and place.key else f"{raw.url or raw.where}"
                self.take(inside, kind, _about(raw.content), key)

    def _outcome(self, raw: Raw, outcome: fhir.Outcome) -> None:
        """A server's error in the place of what was asked for: something is missing. Its other remarks are counted.

        What doesn't say that it is no error counts as one.
        """
        issues = outcome.issue or (fhir.Issue(),)
        errors = [issue for issue in issues if (issue.severity or "").strip().casefold() not in _NO_ERROR]
        self._not_read["OperationOutcome"] += not errors
        for issue in errors:
            details = issue.details.text if issue.details else None
            said = issue.diagnostics or details or issue.code or "without words"
            self.incomplete.append(
                (raw.where, f"the server answered with an error: {said}", "part of the record is missing.")
            )

    def set_broken(self, raw: Raw, what: str, why: str, patient_id: str | None = None) -> None:
        """Notes a resource that can't be read."""
        self._broken.append((raw, what, why, patient_id))

    def report_unread(self, file: str) -> None:
        """Sets aside invalid resources, for their patient if known, and counts those that azaward does not use."""
        everyone = self._everyone()
        for raw, what, why, patient_id in self._broken:
            about = _about(raw.content)
            whose = self.patient(patient_id or (about.reference if about else None) or "")
            if whose is None and len(everyone) == 1:
                whose = next(iter(everyone))
            self.rows.aside(raw.where, what, why, whose, "resource")
        if self._not_read:
            listed = ", ".join(f"{count} {kind}" for kind, count in sorted(self._not_read.items()))
            self.rows.aside(file, listed, "not read: azaward does not use these resource types", kind="not_read")

    def find(self, reference: fhir.Reference | None, inside: Place | None = None) -> Place | None:
        """The resource that a reference means, if it is here; `inside` is the resource that holds the reference."""
        if reference is None or not reference.reference:
            return None
        if reference.reference.startswith("#") and inside is not None:
            key = self._found.get(f"{inside.key or inside.where}{reference.reference}")
        else:
            key = resolve(reference, self._found)
        return None if key is None else self._places.get(key)

    def patient(self, name: str) -> str | None:
        """The patient that an address names; None if it names something else."""
        if found := self.patients.get(name):
            return found
        name = name.partition("/_history/")[0]
        if found := self.patients.get(name):
            return found
        parts = name.split("/")
        if parts[-2:-1] == ["Patient"]:
            patient_id = self.patients.get("/".join(parts[-2:]), parts[-1])
            elsewhere = any(url.startswith("http") for url in self._addresses.get(patient_id, ()))
            return name if elsewhere and name.startswith("http") else patient_id
        return name.rpartition(":")[2] if name.startswith(("urn:uuid:", "urn:oid:")) else None

    def rename(self, kept: Callable[[str], str]) -> None:
        """Gives the records of one person the one id that is kept."""
        self.patients = {name: kept(patient_id) for name, patient_id in self.patients.items()}
        self._people = None
        self._identified = {number: kept(patient_id) for number, patient_id in self._identified.items()}

    def named(self, reference: fhir.Reference) -> str | None:
        """The patient that a reference means, by address or by identifier; None where it means nobody known."""
        if reference.reference:
            return self.patient(reference.reference)
        number = reference.identifier
        return self._identified.get((number.system, number.value)) if number else None

    def whose(self, reference: fhir.Reference | None, place: Place) -> str | None:
        """The patient that a reference means; one that isn't in the bundle keeps the id in the reference."""
        found = self._whose(reference, place)
        if found is not None and place.key:
            self.rows.resources[found, place.key] = place.version
        return found

    def _whose(self, reference: fhir.Reference | None, place: Place) -> str | None:
        reference = reference or place.subject or fhir.Reference()
        name, identifier = reference.reference, reference.identifier
        if not name and identifier:
            name = f"{_BY_NUMBER}{identifier.system or ''}|{identifier.value}"
        if not name and len(everyone := self._everyone()) == 1:
            why = "names no patient: assigned to the only patient in the bundle"
            (patient_id,) = everyone
            self.rows.aside(place.where, place.type, why, patient_id, "no_subject")
            return patient_id
        if not name:
            self.rows.aside(place.where, place.type, "names no patient: not used. Add `subject`.")
            return None
        found = self._by_name(name) or self._by_part(name, place)
        if found is None:
            why = "unknown patient: not used. Correct `subject`."
            everyone = self._everyone()
            # Beside one patient alone it may be theirs: nobody can be sure that they don't take what it says.
            whose = next(iter(everyone)) if len(everyone) == 1 else None
            self.rows.aside(place.where, f"{place.type} about {name}", why, whose, "resource" if whose else "unusable")
        return found

    def _by_name(self, name: str) -> str | None:
        if not name.startswith(_BY_NUMBER):
            return self.patient(name)
        system, _, value = name.removeprefix(_BY_NUMBER).rpartition("|")
        return self._identified.get((system or None, value))

    def _by_part(self, name: str, place: Place) -> str | None:
        """The patient whose id a reference ends with, where it is written otherwise than FHIR has it: "f001"."""
        ends = name.split("?")[0].rstrip("/").rpartition("/")
        kind = ends[0].rpartition("/")[2].casefold()
        found = self.patients.get(f"Patient/{ends[2].removeprefix('#')}") if kind in ("", "patient") else None
        if found is not None:
            why = f"expected Patient/{found}: read as that. Correct `subject`."
            self.rows.aside(place.where, f"{place.type} about {name}", why, found, "partial")
        return found

    def _everyone(self) -> frozenset[str]:
        """The ids of everybody here, kept until that changes."""
        if self._people is None:
            self._people = frozenset(self.patients.values())
        return self._people

    def candidates(self, reference: fhir.Reference | None, place: Place) -> list[str]:
        """Who a result may be of that says of nobody known that it is theirs: the few people of the bundle.

        One that names somebody else, by a number or an address, may be of the only patient here, not of any of several.
        """
        reference = reference or place.subject or fhir.Reference()
        name = reference.reference or ""
        known = self._by_name(name) if name else self.named(reference)
        if known is not None and known in self._everyone():
            return []
        everyone = sorted(self._everyone())
        names_another = known is not None or name.startswith(_BY_NUMBER) or (not name and reference.identifier)
        of_another_kind = name.rpartition("/")[0].rpartition("/")[2] in TYPES - {"Patient"}
        too_many = len(everyone) > (1 if names_another else _FEW)
        return [] if known in everyone or of_another_kind or too_many else everyone


_BY_NUMBER = "Patient?identifier="
# Beyond so many people, a result of nobody known is set aside and given to none of them.
_FEW = 8
_NO_ERROR = ("warning", "information", "success")
_EMPTY = "no resource in this entry."
# The type nearly always comes first: then nothing else has to be decoded to know it.
_STARTS = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]+)"')


def kind_of(content: bytes) -> str:
    """The type of a resource. Raises one of `BROKEN` for what is no resource.

    >>> kind_of(b'{"resourceType": "Patient", "id": "p1"}'), kind_of(b'{"id": "p1", "resourceType": "Patient"}')
    ('Patient', 'Patient')
    """
    start = _STARTS.match(content)
    return sys.intern(start[1].decode()) if start else decode(content, HEAD)[0].resourceType


def key_of(kind: str, id: str | None, url: str | None) -> str | None:
    """A resource's identity: the server that it comes from, its type and its id; None if it has no id.

    >>> key_of("Observation", "z9", "https://lab.example/fhir/Observation/z9"), key_of("Observation", "z9", None)
    ('https://lab.example/fhir|Observation|z9', '|Observation|z9')
    """
    if not id:
        return url if url and not url.startswith("http") else None
    tail = f"/{kind}/{id}"
    system = url.partition("/_history/")[0].removesuffix(tail) if url and url.startswith("http") else ""
    return f"{system}|{kind}|{id}"


def resolve(reference: fhir.Reference, among: Mapping[str, T]) -> T | None:
    """The resource that a reference means, by full address or by type and id."""
    return next((among[name] for name in _tails(reference.reference) if name in among), None)


def _tails(name: str | None) -> tuple[str, ...]:
    if not name:
        return ()
    name = name.partition("/_history/")[0]
    return (name, "/".join(name.split("/")[-2:]))


def _about(content: bytes) -> fhir.Reference | None:
    """The patient of a resource, even if other parts of it are invalid."""
    try:
        found = _SUBJECT.decode(content)
    except BROKEN:
        return None
    return found.subject or found.patient


def subjects(references: Iterable[fhir.Reference | None], index: Index) -> fhir.Reference | None:
    """The first actor who is a patient."""
    return next((each for each in references if each and index.patient(each.reference or "")), None)
