"""FHIR R4 and R4B Bundles (.json) and resources a line (.ndjson) into the six tables.

Each resource is decoded by itself, so that one that is broken is set aside with its place and hides no
other. What azaward doesn't read (imaging, claims) is counted, not listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from azaward.formats import fhir_resources as fhir
from azaward.formats.rows import InputError, RowReader
from azaward.knowledge import Knowledge
from azaward.knowledge import vocabulary as words
from azaward.record.tables import Cell, Record

UCUM = "http://unitsofmeasure.org"
_HEAD: msgspec.json.Decoder[fhir.Head] = msgspec.json.Decoder(fhir.Head)
_DECODERS: Mapping[str, msgspec.json.Decoder[Any]] = {name: msgspec.json.Decoder(kind) for name, kind in fhir.READ.items()}
_PER_DAY = {"d": 1.0, "h": 24.0, "wk": 1 / 7}


class Place(NamedTuple):
    """A resource that was decoded, and where it stood."""

    type: str
    resource: Any
    where: str


def read_bundle(content: bytes, file: str, knowledge: Knowledge) -> Record:
    """The record in a Bundle."""
    try:
        bundle = msgspec.json.decode(content, type=fhir.Bundle)
    except msgspec.DecodeError as error:
        raise InputError(f"{file}: {where_in_json(error, content)}") from None
    if bundle.resourceType != "Bundle":
        raise InputError(
            f"{file}: resourceType is {bundle.resourceType!r}, expected 'Bundle'. Put the resources into a Bundle, "
            "or one a line into an .ndjson file."
        )
    return _read(
        ((f"{file} Bundle.entry[{i}]", entry.fullUrl, bytes(entry.resource)) for i, entry in enumerate(bundle.entry)),
        file,
        knowledge,
    )


def read_ndjson(content: bytes, file: str, knowledge: Knowledge) -> Record:
    """The record in resources, or Bundles, one a line."""

    def resources() -> Iterable[tuple[str, str | None, bytes]]:
        for number, line in enumerate(content.splitlines(), 1):
            if not line.strip():
                continue
            where = f"{file} line {number}"
            try:
                is_bundle = _HEAD.decode(line).resourceType == "Bundle"
                entries = msgspec.json.decode(line, type=fhir.Bundle).entry if is_bundle else []
            except msgspec.DecodeError as error:
                raise InputError(f"{where}: {error}. Expected one FHIR resource a line.") from None
            if is_bundle:
                for i, entry in enumerate(entries):
                    yield f"{where} Bundle.entry[{i}]", entry.fullUrl, bytes(entry.resource)
            else:
                yield where, None, line

    return _read(resources(), file, knowledge)


def where_in_json(error: Exception, content: bytes) -> str:
    """A JSON error with its line, from the byte that the decoder names."""
    text = str(error)
    head, _, tail = text.partition("(byte ")
    if tail.rstrip(")").isdigit():
        line = content.count(b"\n", 0, int(tail.rstrip(")"))) + 1
        return f"line {line}: {head.strip()}. Expected JSON."
    return f"{text}. Expected a FHIR Bundle or azaward's own JSON."


def _read(resources: Iterable[tuple[str, str | None, bytes]], file: str, knowledge: Knowledge) -> Record:
    reader = _BundleReader(knowledge)
    for where, url, raw in resources:
        reader.take(where, url, raw)
    if not reader.patients:
        raise InputError(f"{file}: no Patient in this Bundle; whose record it is can't be told. Export it with its Patient.")
    reader.read_all()
    return reader.rows.record()


class _BundleReader:
    def __init__(self, knowledge: Knowledge) -> None:
        self.rows = RowReader(knowledge)
        self.patients: dict[str, str] = {}
        self._medications: dict[str, fhir.Concept | None] = {}
        self._conditions: dict[str, fhir.Concept | None] = {}
        self._reasons: dict[str, dict[str, str]] = {}
        self._places: list[Place] = []
        self._concepts: dict[Any, Any] = {}

    def take(self, where: str, url: str | None, raw: bytes) -> None:
        """Decodes one resource and remembers what others may refer to."""
        try:
            head = _HEAD.decode(raw)
        except msgspec.DecodeError as error:
            self.rows.aside(where, "resource", f"{error}. Expected a FHIR resource.")
            return
        decoder = _DECODERS.get(head.resourceType)
        if decoder is None:
            return
        try:
            resource = decoder.decode(raw)
        except msgspec.DecodeError as error:
            self.rows.aside(where, head.resourceType, f"{error}. Correct the resource.", self._subject_of(raw), "resource")
            return
        names = [name for name in (url, f"{head.resourceType}/{head.id}" if head.id else None) if name]
        match head.resourceType:
            case "Patient":
                patient_id = head.id or (url or where).rpartition(":")[2]
                self.patients |= dict.fromkeys((*names, f"Patient/{patient_id}"), patient_id)
            case "Medication":
                self._medications |= dict.fromkeys(names, resource.code)
            case "Condition":
                self._conditions |= dict.fromkeys(names, resource.code)
            case _:
                pass
        self._places.append(Place(head.resourceType, resource, where))

    def read_all(self) -> None:
        """Rows from every resource, once all that they refer to is known."""
        readers: dict[str, Callable[[Place], None]] = {
            "Observation": self._observation,
            "Condition": self._clinical,
            "AllergyIntolerance": self._clinical,
            "Immunization": self._clinical,
            "Procedure": self._clinical,
            "Encounter": self._meeting,
            "Appointment": self._meeting,
        }
        for place in self._places:
            if place.type.startswith("Medication") and place.type != "Medication":
                self._medicine(place)
            elif read := readers.get(place.type):
                read(place)
        for place in self._places:
            if place.type == "Patient":
                self._patient(place)

    def _subject_of(self, raw: bytes) -> str | None:
        class Subject(msgspec.Struct):
            subject: fhir.Reference | None = None
            patient: fhir.Reference | None = None

        try:
            found = msgspec.json.decode(raw, type=Subject)
        except msgspec.DecodeError:
            return None
        reference = found.subject or found.patient
        return reference.reference.rpartition("/")[2] if reference and reference.reference else None

    def _whose(self, reference: fhir.Reference | None, where: str, what: str) -> str | None:
        """The patient referred to; one that isn't in the bundle keeps the id that the reference gives."""
        if reference is None or not reference.reference:
            if len(set(self.patients.values())) == 1:
                self.rows.aside(where, what, "names no patient; the only one in the bundle was taken", kind="no_subject")
                return next(iter(self.patients.values()))
            self.rows.aside(where, what, "names no patient: not used. Add `subject`.")
            return None
        name = reference.reference
        if found := self.patients.get(name):
            return found
        parts = name.split("/")
        if "Patient" in parts and parts.index("Patient") + 1 < len(parts):
            patient_id = parts[parts.index("Patient") + 1]
            return self.patients.get(f"Patient/{patient_id}", patient_id)
        return name.rpartition(":")[2]

    def _patient(self, place: Place) -> None:
        patient: fhir.Patient = place.resource
        patient_id = patient.id or self.patients.get(f"Patient/{patient.id}") or place.where
        reasons = self._reasons.get(patient_id, {})
        indication = self._indication(patient_id, reasons, place.where)
        row: dict[str, Any] = {
            "patient_id": patient_id,
            "birth_date": patient.birthDate,
            "sex": patient.gender,
            "indication": indication,
        }
        self.rows.add("patients", row, place.where)
        if patient.deceasedBoolean or patient.deceasedDateTime:
            event = {"kind": "condition", "code": "deceased", "started_on": patient.deceasedDateTime or patient.birthDate}
            self.rows.add("events", {"patient_id": patient_id, **event}, place.where)

    def _indication(self, patient_id: str, reasons: Mapping[str, str], where: str) -> str | None:
        """The reason given with the thiopurine, else the conditions that it treats; None where they differ."""
        found = {name for name, how in reasons.items() if how == "reason"} or set(reasons)
        if len(found) > 1:
            self.rows.aside(
                where,
                f"indication: {' or '.join(sorted(found))}",
                "more than one condition that azathioprine treats: the most cautious protocol counts. "
                "Say which in the prescription's reason.",
                patient_id,
                "indication",
            )
            return None
        return next(iter(found), None)

    def _coded(self, concept: fhir.Concept | None) -> tuple[str | None, tuple[words.Coding, ...]]:
        if concept is None:
            return None, ()
        codings = tuple(words.Coding(coding.system, coding.code) for coding in concept.coding)
        text = concept.text or next((coding.display for coding in concept.coding if coding.display), None)
        return text, codings

    def _analyte(self, concept: fhir.Concept) -> tuple[str | None, str]:
        """The analyte and the name as written; bundles repeat few codes often, so look-ups are kept."""
        coding = concept.coding
        key = (concept.text, coding[0].system, coding[0].code) if len(coding) == 1 else None
        if key is not None and key in self._concepts:
            return self._concepts[key]
        text, codings = self._coded(concept)
        analyte = self.rows.words.analyte(text, codings)
        if analyte is None and text is None:
            analyte = next((a for c in coding if (a := self.rows.words.analyte(c.display))), None)
        name = text or next((c.code for c in codings), "unnamed")
        if key is not None:
            self._concepts[key] = (analyte, name)
        return analyte, name

    def _observation(self, place: Place) -> None:
        seen: fhir.Observation = place.resource
        patient_id = self._whose(seen.subject, place.where, "Observation")
        if patient_id is None:
            return
        period = seen.effectivePeriod
        on = seen.effectiveDateTime or seen.effectiveInstant or (period and (period.start or period.end)) or seen.issued
        if self._genetic(seen, patient_id, on, place.where):
            return
        parts: list[tuple[fhir.Component, str]] = [(c, f"{place.where}.component[{i}]") for i, c in enumerate(seen.component)]
        has_value = seen.valueQuantity or seen.valueString or seen.valueCodeableConcept or seen.valueInteger is not None
        if has_value or not parts:
            parts.insert(0, (seen, place.where))
        for part, where in parts:
            self._result(part, seen.status, patient_id, on, where)

    def _result(self, part: fhir.Component, status: str | None, patient_id: str, on: str | None, where: str) -> None:
        analyte, name = self._analyte(part.code)
        row: dict[str, Any] = {
            "patient_id": patient_id,
            "analyte": analyte or name,
            "taken_on": on,
            "status": status or "unknown",
            "origin": where,
        }
        quantity = part.valueQuantity
        if quantity is not None:
            row |= {"value": quantity.value, "comparator": quantity.comparator, "unit": _unit(quantity)}
        elif part.valueInteger is not None:
            row["value"] = float(part.valueInteger)
        elif part.valueString is not None:
            row["value"] = part.valueString
        elif part.valueCodeableConcept is not None:
            row["text"] = self._coded(part.valueCodeableConcept)[0]
        if analyte is None:
            self.rows.add("results", row, where)
            return
        if ranges := [r for r in part.referenceRange if r.type is None or _is_normal(r.type)]:
            for column, bound in (("ref_low", ranges[0].low), ("ref_high", ranges[0].high)):
                # A range in another unit than the value's would be compared wrongly: left out.
                if bound is not None and (_unit(bound) in (None, row.get("unit"))):
                    row[column] = bound.value
        self.rows.add("results", row, where)

    def _genetic(self, seen: fhir.Observation, patient_id: str, on: str | None, where: str) -> bool:
        """TPMT and NUDT15 as Observations: the gene in the code or a component, the call as text or a concept."""
        name, _ = self._coded(seen.code)
        text = " ".join(
            filter(None, [name, *(c.display for c in seen.code.coding), *(self._value_text(c) for c in seen.component)])
        )
        gene = next((gene for gene in ("TPMT", "NUDT15") if gene in text.upper()), None)
        if gene is None or seen.valueQuantity is not None:
            return False
        row: dict[str, Any] = {"patient_id": patient_id, "gene": gene, "method": "genotype", "reported_on": on}
        if "activity" in text.casefold() and "interpretation" not in text.casefold():
            row["method"] = "activity"
        for part in (seen, *seen.component):
            call = self._value_text(part)
            if call is None or call.upper() == gene:
                continue
            row["diplotype" if "*" in call else "phenotype"] = call.replace(gene, "").strip()
        if seen.status in ("entered-in-error", "cancelled"):
            return True
        self.rows.add("genotypes", row, where)
        return True

    def _value_text(self, part: fhir.Component) -> str | None:
        if part.valueString:
            return part.valueString
        return self._coded(part.valueCodeableConcept)[0] if part.valueCodeableConcept else None

    def _medicine(self, place: Place) -> None:
        use: fhir.MedicationUse = place.resource
        patient_id = self._whose(use.subject, place.where, place.type)
        if patient_id is None or use.status == "entered-in-error" or use.doNotPerform:
            return
        if use.status in ("cancelled", "not-taken", "not-done", "declined"):
            return
        concept = use.medicationCodeableConcept or self._referred(use)
        text, codings = self._coded(concept)
        if text is None and not codings:
            reference = use.medicationReference
            text = reference.display if reference and reference.display else None
        medicines = self.rows.words.medicine(text, codings)
        start, stop = self._when(use, place, patient_id)
        dosages = use.dosageInstruction or (use.dosage if isinstance(use.dosage, list) else [])
        row: dict[str, Any] = {
            "patient_id": patient_id,
            "frequency": next((dosage.text for dosage in dosages if dosage.text), None),
            "started_on": start,
            "stopped_on": stop,
        }
        if isinstance(use.dosage, fhir.AdministeredDose):
            row["dose_mg_per_day"] = _milligrams(use.dosage.dose)
        elif dosages:
            doses = [_mg_per_day(dosage) for dosage in dosages]
            row["dose_mg_per_day"] = None if None in doses else sum(dose for dose in doses if dose)
        for medicine in medicines:
            if medicine in ("azathioprine", "mercaptopurine", "tioguanine"):
                self._note_reasons(use, patient_id)
            self.rows.add("exposures", {**row, "medicine": medicine}, place.where)

    def _referred(self, use: fhir.MedicationUse) -> fhir.Concept | None:
        reference = use.medicationReference.reference if use.medicationReference else None
        if reference is None:
            return None
        if reference.startswith("#"):
            return next((c.code for c in use.contained if c.id == reference[1:]), None)
        parts = reference.split("/")
        return self._medications.get(reference) or self._medications.get("/".join(parts[-2:]))

    def _when(self, use: fhir.MedicationUse, place: Place, patient_id: str) -> tuple[str | None, str | None]:
        bounds = next(
            (
                dosage.timing.repeat.boundsPeriod
                for dosage in use.dosageInstruction
                if dosage.timing and dosage.timing.repeat and dosage.timing.repeat.boundsPeriod
            ),
            None,
        )
        period = use.effectivePeriod or bounds
        supply = use.dispenseRequest.validityPeriod if use.dispenseRequest else None
        start = (
            (period.start if period else None)
            or use.effectiveDateTime
            or use.whenHandedOver
            or use.whenPrepared
            or use.authoredOn
        )
        stop = period.end if period else None
        if use.status in ("draft", "intended") or use.intent in ("proposal", "plan"):
            return None, None
        over = use.status in ("completed", "stopped", "ended")
        if over and not stop and place.type != "MedicationDispense":
            stop = (supply.end if supply else None) or start
            self.rows.aside(
                place.where,
                f"{place.type} is {use.status} without an end",
                f"taken as ended on {stop or 'an unknown day'}. Give the day on which it ended.",
                patient_id,
                "no_end",
            )
        return start, stop

    def _note_reasons(self, use: fhir.MedicationUse, patient_id: str) -> None:
        concepts = [*use.reasonCode]
        for reference in use.reasonReference:
            name = reference.reference or ""
            concepts.append(self._conditions.get(name) or self._conditions.get("/".join(name.split("/")[-2:])) or fhir.Concept(text=reference.display))
        for concept in concepts:
            if indication := self.rows.words.indication(*self._coded(concept)):
                self._reasons.setdefault(patient_id, {})[indication] = "reason"

    def _clinical(self, place: Place) -> None:
        item: fhir.Clinical = place.resource
        patient_id = self._whose(item.subject or item.patient, place.where, place.type)
        verification = {coding.code for coding in item.verificationStatus.coding} if item.verificationStatus else set[str]()
        if patient_id is None or verification & {"refuted", "entered-in-error"}:
            return
        if item.status in ("entered-in-error", "not-done", "preparation"):
            return
        kind = {"AllergyIntolerance": "allergy", "Immunization": "vaccination", "Procedure": "procedure"}.get(
            place.type, "condition"
        )
        text, codings = self._coded(item.vaccineCode or item.code)
        code = text or next((coding.code for coding in codings), None)
        if kind == "allergy":
            medicine = self.rows.words.medicine(text, codings)[0]
            code = code if medicine.startswith("unknown:") else medicine
        elif known := self.rows.words.event(kind, text, codings):
            kind, code = known
        if place.type == "Condition" and (indication := self.rows.words.indication(text, codings)):
            self._reasons.setdefault(patient_id, {}).setdefault(indication, "condition")
        onset, performed = item.onsetPeriod, item.performedPeriod
        start = (
            item.onsetDateTime
            or (onset.start if onset else None)
            or item.occurrenceDateTime
            or item.performedDateTime
            or (performed.start if performed else None)
            or item.recordedDate
        )
        status = {coding.code for coding in item.clinicalStatus.coding} if item.clinicalStatus else set[str]()
        end: Cell = item.abatementDateTime or (onset.end if onset else None)
        if end is None and status & {"resolved", "inactive", "remission"}:
            end = start
        self.rows.add(
            "events",
            {"patient_id": patient_id, "kind": kind, "code": code, "started_on": start, "ended_on": end},
            place.where,
        )

    def _meeting(self, place: Place) -> None:
        meeting: fhir.Meeting = place.resource
        actors = [p.actor for p in meeting.participant if p.actor and "Patient" in (p.actor.reference or "")]
        reference = meeting.subject or next(iter(actors), None)
        kind = {
            "noshow": "did_not_attend",
            "fulfilled": "attended",
            "finished": "attended",
            "arrived": "attended",
            "checked-in": "attended",
        }.get(meeting.status or "")
        if kind is None or reference is None:
            return
        patient_id = self._whose(reference, place.where, place.type)
        on = meeting.start or (meeting.period.start if meeting.period else None)
        if patient_id is not None:
            row = {"patient_id": patient_id, "kind": kind, "on": on, "note": meeting.description}
            self.rows.add("contacts", row, place.where)


def _unit(quantity: fhir.Quantity) -> str | None:
    """The UCUM code where there is one, else the unit as displayed."""
    if quantity.code and (quantity.system == UCUM or not quantity.unit):
        return quantity.code
    return quantity.unit


def _is_normal(kind: fhir.Concept) -> bool:
    return any(coding.code == "normal" for coding in kind.coding) or (kind.text or "").casefold() == "normal"


def _milligrams(quantity: fhir.Quantity | None) -> float | None:
    if quantity is None or quantity.value is None:
        return None
    factor = {"mg": 1.0, "g": 1000.0, "ug": 0.001, "mcg": 0.001}.get(_unit(quantity) or "")
    return None if factor is None else quantity.value * factor


def _mg_per_day(dosage: fhir.Dosage) -> float | None:
    """Milligrams a day, or None where dose, unit or timing isn't said in numbers."""
    dose = next((_milligrams(each.doseQuantity) for each in dosage.doseAndRate if each.doseQuantity), None)
    repeat = dosage.timing.repeat if dosage.timing else None
    if dose is None or repeat is None or not repeat.period or repeat.periodUnit not in _PER_DAY:
        return None
    return dose * (repeat.frequency or 1.0) * _PER_DAY[repeat.periodUnit] / repeat.period
