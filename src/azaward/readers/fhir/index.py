"""An index of the decoded resources in a FHIR Bundle, with their places, that resolves references to patients.

Resources refer to each other by relative, absolute or urn:uuid address, by identifier, or to a contained resource. A
reference that can't be resolved is reported. The same id on another server is another person.
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
# Medicines in other versions of FHIR: too important to be only counted.
_OTHER_VERSIONS = ("MedicationOrder", "MedicationUsage")


class Raw(NamedTuple):
    """An undecoded resource, its place in the file and its address."""

    where: str
    url: str | None
    content: bytes


class Place(NamedTuple):
    """A decoded resource, its place in the file and its name there."""

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
    """Takes resources one by one, then resolves their references to patients and other resources."""

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
        """Decodes one resource and records the names by which others may refer to it."""
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
        """Indexes the results contained in a report; they belong to the report's patient."""
        for number, content in enumerate(head.contained):
            try:
                is_result = HEAD.decode(content).resourceType == "Observation"
            except BROKEN:
                is_result = True  # The patient can't be determined: set aside on its own.
            if is_result:
                inside = Raw(f"{raw.where}.contained[{number}]", None, bytes(content))
                self.take(inside, _about(raw.content))

    def _leave(self, kind: str, raw: Raw) -> None:
        if not kind:
            self._break(raw, "resource", "resourceType is missing. Expected a FHIR resource.")
        elif kind in _OTHER_VERSIONS:
            why = "a medicine in a FHIR version other than R4: not read. Export it as R4."
            self._break(raw, kind, why)
        else:
            self._not_read[kind] += 1

    def _break(self, raw: Raw, what: str, why: str, patient_id: str | None = None) -> None:
        self._broken.append((raw, what, why, patient_id))

    def report_unread(self, file: str) -> None:
        """Sets aside invalid resources, for their patient if known, and counts those that azaward does not use."""
        for raw, what, why, patient_id in self._broken:
            about = _about(raw.content)
            whose = patient_id or self.patient((about.reference if about else None) or "")
            self.rows.aside(raw.where, what, why, whose, "resource")
        if self._not_read:
            listed = ", ".join(f"{count} {kind}" for kind, count in sorted(self._not_read.items()))
            self.rows.aside(file, listed, "not read: azaward does not use these resource types", kind="not_read")

    def find(self, reference: fhir.Reference) -> Place | None:
        """The resource that a reference means, if it is in the bundle."""
        return resolve(reference, self._found)

    def patient(self, name: str) -> str | None:
        """The patient that an address names; None if it names something else."""
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
        """The patient that a reference means; one that isn't in the bundle keeps the id in the reference."""
        reference = reference or place.subject or fhir.Reference()
        name, identifier = reference.reference, reference.identifier
        if not name and identifier:
            name = f"Patient?identifier={identifier.system or ''}|{identifier.value}"
        if not name and len(everyone := set(self.patients.values())) == 1:
            why = "names no patient: assigned to the only patient in the bundle"
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
            why = "unknown patient: not used. Correct `subject`."
            self.rows.aside(place.where, f"{place.type} about {name}", why)
        return found


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
