"""What lies in a FHIR Bundle, decoded and findable: each resource with its place, and whom a reference means.

Records point at each other by relative, absolute and urn:uuid addresses, by identifier, or at something inside
themselves. A reference that leads nowhere is said to; the same id on another server is another person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from azaward.readers.fhir import resources as fhir
from azaward.readers.rows import RowReader

T = TypeVar("T")
BROKEN = (msgspec.DecodeError, RecursionError)
HEAD: msgspec.json.Decoder[fhir.Head] = msgspec.json.Decoder(fhir.Head)
BUNDLE: msgspec.json.Decoder[fhir.Bundle] = msgspec.json.Decoder(fhir.Bundle)
_ENTRY: msgspec.json.Decoder[fhir.Entry] = msgspec.json.Decoder(fhir.Entry)
_SUBJECT: msgspec.json.Decoder[fhir.Subject] = msgspec.json.Decoder(fhir.Subject)
_DECODERS: Mapping[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(kind) for name, kind in fhir.READ.items()
}
# Medicines in other versions of FHIR: too weighty to be only counted.
_OTHER_VERSIONS = ("MedicationOrder", "MedicationUsage")


class Raw(NamedTuple):
    """A resource as it came, where it stood, and its address."""

    where: str
    url: str | None
    content: bytes


class Place(NamedTuple):
    """A resource that was decoded, where it stood, and what it is called there."""

    type: str
    resource: Any
    where: str
    id: str
    subject: fhir.Reference | None = None


def entries(bundle: fhir.Bundle, where: str) -> Iterator[Raw]:
    """A Bundle's entries with their places."""
    for number, content in enumerate(bundle.entry):
        place = f"{where} Bundle.entry[{number}]"
        try:
            entry = _ENTRY.decode(content)
        except BROKEN:
            yield Raw(place, None, bytes(content))
            continue
        yield Raw(place, entry.fullUrl if isinstance(entry.fullUrl, str) else None, bytes(entry.resource))


class Index:
    """Takes resources one by one, then answers whom and what their references mean."""

    def __init__(self, rows: RowReader) -> None:
        self.rows = rows
        self.patients: dict[str, str] = {}
        self.places: list[Place] = []
        self.medications: dict[str, fhir.Concept | None] = {}
        self.conditions: dict[str, fhir.Concept | None] = {}
        self._found: dict[str, Place] = {}
        self._addresses: dict[str, set[str]] = {}
        self._identified: dict[tuple[str | None, str | None], str] = {}
        self._broken: list[tuple[Raw, str, str, str | None]] = []
        self._not_read: Counter[str] = Counter()

    def take(self, raw: Raw, subject: fhir.Reference | None = None) -> None:
        """Decodes one resource and remembers what others may refer to."""
        try:
            head = HEAD.decode(raw.content)
        except BROKEN as error:
            why = f"{error}. Expected a FHIR resource." if raw.content else "no resource in this entry."
            self._break(raw, "resource", why)
            return
        kind = head.resourceType
        if kind == "Bundle":
            self._take_bundle(raw)
            return
        self._take_contained(head, raw)
        names = [name for name in (raw.url, f"{kind}/{head.id}" if head.id else None) if name]
        own = head.id or (raw.url or raw.where).rpartition("/")[2].rpartition(":")[2]
        if kind == "Patient":
            self.patients |= dict.fromkeys((*names, f"Patient/{own}"), own)
            self._addresses.setdefault(own, set()).update(filter(None, [raw.url]))
        decoder = _DECODERS.get(kind)
        if decoder is None:
            self._leave(kind, raw)
            return
        try:
            resource = decoder.decode(raw.content)
        except BROKEN as error:
            self._break(raw, kind, f"{error}. Correct the resource.", own if kind == "Patient" else None)
            return
        if kind == "Patient":
            self._identified |= {(each.system, each.value): own for each in resource.identifier if each.value}
        elif kind == "Medication":
            self.medications |= dict.fromkeys(names, resource.code)
        elif kind == "Condition":
            self.conditions |= dict.fromkeys(names, resource.code)
        place = Place(kind, resource, raw.where, own, subject)
        self._found |= dict.fromkeys(names, place)
        self.places.append(place)

    def _take_bundle(self, raw: Raw) -> None:
        try:
            inner = BUNDLE.decode(raw.content)
        except BROKEN as error:
            self._break(raw, "Bundle", f"{error}. Correct the Bundle.")
            return
        for entry in entries(inner, raw.where):
            self.take(entry)

    def _take_contained(self, head: fhir.Head, raw: Raw) -> None:
        """Results inside a report stand for themselves; they are about whom the report is about."""
        for number, content in enumerate(head.contained):
            try:
                is_result = HEAD.decode(content).resourceType == "Observation"
            except BROKEN:
                is_result = True  # nobody can tell: it is set aside by itself
            if is_result:
                inside = Raw(f"{raw.where}.contained[{number}]", None, bytes(content))
                self.take(inside, _about(raw.content))

    def _leave(self, kind: str, raw: Raw) -> None:
        if not kind:
            self._break(raw, "resource", "resourceType is missing. Expected a FHIR resource.")
        elif kind in _OTHER_VERSIONS:
            why = "a medicine in another version of FHIR than R4: not read. Export R4."
            self._break(raw, kind, why)
        else:
            self._not_read[kind] += 1

    def _break(self, raw: Raw, what: str, why: str, patient_id: str | None = None) -> None:
        self._broken.append((raw, what, why, patient_id))

    def report_unread(self, file: str) -> None:
        """Sets aside what was broken, by patient where that can be told, and counts what azaward has no use for."""
        for raw, what, why, patient_id in self._broken:
            about = _about(raw.content)
            whose = patient_id or self.patient((about.reference if about else None) or "")
            self.rows.aside(raw.where, what, why, whose, "resource")
        if self._not_read:
            listed = ", ".join(f"{count} {kind}" for kind, count in sorted(self._not_read.items()))
            self.rows.aside(file, listed, "not read: azaward has no use for these kinds of resource", kind="not_read")

    def find(self, reference: fhir.Reference) -> Place | None:
        """What is referred to, where it came along."""
        return resolve(reference, self._found)

    def patient(self, name: str) -> str | None:
        """The patient that an address names; None where it names something else."""
        name = name.partition("/_history/")[0]
        if found := self.patients.get(name):
            return found
        parts = name.split("/")
        if parts[-2:-1] == ["Patient"]:
            patient_id = self.patients.get("/".join(parts[-2:]), parts[-1])
            elsewhere = any(url.startswith("http") for url in self._addresses.get(patient_id, ()))
            return name if elsewhere and name.startswith("http") else patient_id
        return name.rpartition(":")[2] if name.startswith(("urn:uuid:", "urn:oid:")) else None

    def whose(self, reference: fhir.Reference | None, place: Place) -> str | None:
        """The patient referred to; one that isn't in the bundle keeps the id that the reference gives."""
        reference = reference or place.subject or fhir.Reference()
        name, identifier = reference.reference, reference.identifier
        if not name and identifier:
            name = f"Patient?identifier={identifier.system or ''}|{identifier.value}"
        if not name and len(everyone := set(self.patients.values())) == 1:
            why = "names no patient; the only one in the bundle was taken"
            patient_id = everyone.pop()
            self.rows.aside(place.where, place.type, why, patient_id, "no_subject")
            return patient_id
        if not name:
            self.rows.aside(place.where, place.type, "names no patient: not used. Add `subject`.")
            return None
        if name.startswith("Patient?identifier="):
            system, _, value = name.partition("=")[2].rpartition("|")
            found = self._identified.get((system or None, value))
        else:
            found = self.patient(name)
        if found is None:
            why = "no patient by this name: not used. Correct `subject`."
            self.rows.aside(place.where, f"{place.type} about {name}", why)
        return found


def resolve(reference: fhir.Reference, among: Mapping[str, T]) -> T | None:
    """What is referred to, by its whole address or by type and id."""
    return next((among[name] for name in _tails(reference.reference) if name in among), None)


def _tails(name: str | None) -> tuple[str, ...]:
    if not name:
        return ()
    name = name.partition("/_history/")[0]
    return (name, "/".join(name.split("/")[-2:]))


def _about(content: bytes) -> fhir.Reference | None:
    """Whom a resource is about, even one that is broken elsewhere."""
    try:
        found = _SUBJECT.decode(content)
    except BROKEN:
        return None
    return found.subject or found.patient


def subjects(references: Iterable[fhir.Reference | None], index: Index) -> fhir.Reference | None:
    """The first of several actors who is a patient."""
    return next((each for each in references if each and index.patient(each.reference or "")), None)
