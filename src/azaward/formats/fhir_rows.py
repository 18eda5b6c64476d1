"""From FHIR resources to rows of the six tables: results, genotypes, medicines, events and visits.

Whatever a resource says ends as a row, as a line set aside with its place, or in a count; nothing is dropped
in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from azaward.formats import fhir_doses as doses
from azaward.formats import fhir_genes as genes
from azaward.formats import fhir_resources as fhir
from azaward.formats.fhir_index import Index, Place, resolve, subjects
from azaward.knowledge import Knowledge
from azaward.knowledge import vocabulary as words
from azaward.record.tables import Cell

_NEVER_COUNTS = ("entered-in-error", "cancelled", "not-done", "declined")
_THIOPURINES = ("azathioprine", "mercaptopurine", "tioguanine")
_KINDS = {"AllergyIntolerance": "allergy", "Immunization": "vaccination", "Procedure": "procedure"}
_MEETINGS = {"noshow": "did_not_attend", **dict.fromkeys(("fulfilled", "finished", "arrived", "checked-in"), "attended")}


class Writer:
    """Writes the rows of everything in an index."""

    def __init__(self, index: Index, knowledge: Knowledge) -> None:
        self.index = index
        self.rows = index.rows
        self.words = index.rows.words
        self._reasons: dict[str, dict[str, str]] = {}
        self._uncounted: dict[tuple[str, str], tuple[str, int]] = {}
        self._pieces: list[tuple[str, str, str, str]] = []
        self._concepts: dict[Any, tuple[str | None, str]] = {}
        self._usual_units = {(row.analyte, row.written) for row in knowledge.tables["conversions"]}

    def write(self) -> None:
        """Rows from every resource, patients last: what they are treated for stands in their prescriptions."""
        readers: dict[str, Callable[[Place], None]] = {
            **dict.fromkeys((kind for kind in fhir.READ if kind.startswith("Medication")), self._medicine),
            **dict.fromkeys(("Condition", "AllergyIntolerance", "Immunization", "Procedure"), self._clinical),
            **dict.fromkeys(("Encounter", "Appointment"), self._meeting),
            "Observation": self._observation,
        }
        del readers["Medication"]
        for place in self.index.places:
            if read := readers.get(place.type):
                read(place)
        for place in self.index.places:
            if place.type == "Patient":
                self._patient(place)
        called = {(row[0], row[1]) for row in self.rows.rows["genotypes"]}
        for patient_id, gene, said, where in self._pieces:
            if (patient_id, gene) not in called:
                why = "a variant or haplotype without its genotype, and the other allele isn't guessed. Ask the laboratory."
                self.rows.aside(where, f"{gene} {said}", why, patient_id, "genotype")
        for (kind, why), (where, count) in self._uncounted.items():
            more = f" and {count - 1} more" if count > 1 else ""
            self.rows.aside(where + more, kind, why, kind="uncounted")

    def _uncount(self, place: Place, why: str) -> None:
        first, count = self._uncounted.get((place.type, why), (place.where, 0))
        self._uncounted[place.type, why] = (first, count + 1)

    def _patient(self, place: Place) -> None:
        patient: fhir.Patient = place.resource
        row: dict[str, Any] = {
            "patient_id": place.id,
            "birth_date": patient.birthDate,
            "sex": patient.gender,
            "indication": self._indication(place.id, self._reasons.get(place.id, {}), place.where),
        }
        self.rows.add("patients", row, place.where)
        if patient.deceasedBoolean or patient.deceasedDateTime:
            event = {"kind": "condition", "code": "deceased", "started_on": patient.deceasedDateTime}
            self.rows.add("events", {"patient_id": place.id, **event}, place.where)

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
        codings = tuple(words.Coding.of(coding.system, coding.code) for coding in concept.coding)
        text = concept.text or next((coding.display for coding in concept.coding if coding.display), None)
        return text, codings

    def _analyte(self, concept: fhir.Concept) -> tuple[str | None, str]:
        """The analyte and the name as written; bundles repeat few codes often, so look-ups are kept."""
        coding = concept.coding
        key = (concept.text, *coding[0:1]) if len(coding) < 2 else None
        if key is not None and key in self._concepts:
            return self._concepts[key]
        text, codings = self._coded(concept)
        names = dict.fromkeys([text, *(each.display for each in coding)])
        analyte = next((found for name in names if (found := self.words.analyte(name, codings))), None)
        name = text or next((code.code for code in codings if code.code), "unnamed")
        if key is not None:
            self._concepts[key] = (analyte, name)
        return analyte, name

    def _observation(self, place: Place) -> None:
        seen: fhir.Observation = place.resource
        patient_id = self.index.whose(seen.subject, place)
        if patient_id is None:
            return
        period = seen.effectivePeriod
        on = seen.effectiveDateTime or seen.effectiveInstant or (period and (period.start or period.end)) or seen.issued
        parts = [(part, f"{place.where}.component[{number}]") for number, part in enumerate(seen.component)]
        if seen.hasMember and not _has_value(seen):
            self._members(seen.hasMember, patient_id, place.where)
        elif seen.valueQuantity is None and genes.names_gene(seen):
            self._genotype(place, seen, patient_id, on)
            parts = [each for each in parts if each[0].valueQuantity is not None]
        elif _has_value(seen) or not parts:
            parts.insert(0, (seen, place.where))
        for part, where in parts:
            self._result(part, seen.status, patient_id, on, where)

    def _members(self, members: list[fhir.Reference], patient_id: str, where: str) -> None:
        """A panel says nothing by itself; members that didn't come with it are missing results."""
        names = [member.reference or "unnamed" for member in members]
        known = self._names
        missing = [name for name in names if not ({name, "/".join(name.split("/")[-2:])} & known or name.startswith("#"))]
        if missing:
            why = f"{len(missing)} of its {len(names)} results are not in the bundle. Export them too."
            self.rows.aside(where, f"panel without {missing[0]}", why, patient_id)

    def _result(self, part: fhir.Component, status: str | None, patient_id: str, on: str | None, where: str) -> None:
        analyte, name = self._analyte(part.code)
        quantity = part.valueQuantity
        unit = doses.unit_of(quantity) if quantity is not None else None
        bounds = _normal_bounds(part, unit) if part.referenceRange else (None, None)
        if analyte and quantity and quantity.value is not None and unit and on and not quantity.comparator:
            plain = (patient_id, analyte, quantity.value, unit, bounds, on, status or "unknown", where)
            if self.rows.measured(*plain):
                return
        row: dict[str, Any] = {
            "patient_id": patient_id,
            "analyte": analyte or name,
            "taken_on": on,
            "status": status or "unknown",
            "origin": where,
        }
        if quantity is not None:
            row |= {"value": quantity.value, "comparator": quantity.comparator, "unit": unit}
        elif part.valueInteger is not None:
            row["value"] = float(part.valueInteger)
        elif part.valueString is not None:
            row["value"] = part.valueString
        else:
            row["text"] = self._in_words(part)
        if analyte is None:
            # Its LOINC code isn't one of the test that its words name: nobody can tell which is right.
            named = self.words.analyte(name)
            if named and (named, row.get("unit")) in self._usual_units:
                codes = ", ".join(coding.code for coding in part.code.coding)
                why = "the name is a test's that azaward knows, its code isn't: not used. Correct the code."
                self.rows.aside(where, f"{name} ({codes})", why, patient_id)
                return
            self.rows.add("results", {**row, "analyte": name if named is None else f"{name} ({part.code.coding[0].code})"}, where)
            return
        row["ref_low"], row["ref_high"] = bounds
        self.rows.add("results", row, where)

    def _in_words(self, part: fhir.Component) -> str | None:
        if part.valueCodeableConcept is not None:
            text, codings = self._coded(part.valueCodeableConcept)
            return text or next((coding.code for coding in codings if coding.code), None)
        if part.valueBoolean is not None:
            return "positive" if part.valueBoolean else "negative"
        if part.valueRange is not None:
            low, high = (bound.value if bound else None for bound in (part.valueRange.low, part.valueRange.high))
            return f"{low} to {high}"
        if part.valueRatio is not None:
            top, bottom = (each.value if each else None for each in (part.valueRatio.numerator, part.valueRatio.denominator))
            return f"{top}:{bottom}"
        return part.valueDateTime or part.valueTime

    def _genotype(self, place: Place, seen: fhir.Observation, patient_id: str, on: str | None) -> None:
        if seen.status in _NEVER_COUNTS:
            self._uncount(place, f"{seen.status}: never counts")
            return
        for call in genes.calls(seen, self.rows.words):
            said = call.diplotype or call.phenotype or call.unread
            if genes.is_piece(seen):
                self._pieces.append((patient_id, call.gene, said or "without a result", place.where))
            elif said is None:
                why = "without a result: not known, not normal. Ask the laboratory."
                self.rows.aside(place.where, f"{call.gene} {call.method}", why, patient_id, "genotype")
            else:
                row = {"patient_id": patient_id, "gene": call.gene, "method": call.method, "reported_on": on}
                found = {"diplotype": call.diplotype, "phenotype": call.phenotype or call.unread}
                self.rows.add("genotypes", {**row, **found}, place.where)

    def _medicine(self, place: Place) -> None:
        use: fhir.MedicationUse = place.resource
        patient_id = self.index.whose(use.subject, place)
        if patient_id is None:
            return
        text, medicines = self._named(use)
        if use.status == "not-taken":
            why = "recorded as not taken. Where it is prescribed, the prescription counts; ask the patient."
            self.rows.aside(place.where, text, why, patient_id, "not_taken")
            return
        if use.status in _NEVER_COUNTS or use.doNotPerform:
            self._uncount(place, "not to be given: no medicine" if use.doNotPerform else f"{use.status}: never counts")
            return
        if any(self._has(each) for each in use.authorizingPrescription):
            self._uncount(place, "handed over for a prescription in this bundle, which counts")
            return
        dosages = use.dosageInstruction or (use.dosage if isinstance(use.dosage, list) else [])
        if set(medicines) & set(_THIOPURINES):
            self._note_reasons(use, patient_id)
        for step in doses.steps(dosages):
            course = doses.course(place.type, use, step)
            if course.doubt:
                what, why, kind = course.doubt
                self.rows.aside(place.where, f"{text}: {what}", why, patient_id, kind)
                if course.start is None and use.status in ("completed", "stopped", "ended"):
                    continue
            given = use.dosage.dose if isinstance(use.dosage, fhir.AdministeredDose) else None
            row: dict[str, Any] = {
                "patient_id": patient_id,
                "dose_mg_per_day": doses.milligrams(given) if given else doses.mg_per_day(step),
                "frequency": doses.frequency(step),
                "started_on": course.start,
                "stopped_on": course.stop,
            }
            for medicine in medicines:
                self.rows.add("exposures", {**row, "medicine": medicine}, place.where)

    def _has(self, reference: fhir.Reference) -> bool:
        name = reference.reference or ""
        return bool({name, "/".join(name.split("/")[-2:])} & self._names)

    def _named(self, use: fhir.MedicationUse) -> tuple[str, tuple[str, ...]]:
        """The medicine's name as written, and the ingredients; `unknown:` where no name of it is known."""
        reference = use.medicationReference or fhir.Reference()
        concept = use.medicationCodeableConcept or self._referred(reference.reference, use.contained)
        text, codings = self._coded(concept)
        names = [text, *(coding.display for coding in (concept.coding if concept else ())), reference.display]
        shown = next((name for name in names if name), reference.reference or next((c.code for c in codings if c.code), "unnamed"))
        for name in dict.fromkeys(name for name in (*names, shown) if name):
            found = self.words.medicine(name, codings)
            if not found[0].startswith("unknown:"):
                return shown, found
        return shown, self.words.medicine(shown, codings)

    def _referred(self, name: str | None, contained: list[fhir.Contained]) -> fhir.Concept | None:
        if name is None:
            return None
        if name.startswith("#"):
            return next((inner.code for inner in contained if inner.id == name[1:]), None)
        return self._medications.get(name) or self._medications.get("/".join(name.split("/")[-2:]))

    def _note_reasons(self, use: fhir.MedicationUse, patient_id: str) -> None:
        concepts = [*use.reasonCode]
        for reference in use.reasonReference:
            name = reference.reference or ""
            found = self._conditions.get(name) or self._conditions.get("/".join(name.split("/")[-2:]))
            concepts.append(found or fhir.Concept(text=reference.display))
        for concept in concepts:
            if indication := self.words.indication(*self._coded(concept)):
                self._reasons.setdefault(patient_id, {})[indication] = "reason"

    def _clinical(self, place: Place) -> None:
        item: fhir.Clinical = place.resource
        patient_id = self.index.whose(item.subject or item.patient, place)
        if patient_id is None:
            return
        doubt = {coding.code for coding in item.verificationStatus.coding} if item.verificationStatus else set[str]()
        if never := (doubt & {"refuted", "entered-in-error"}) or {item.status} & {*_NEVER_COUNTS, "preparation"}:
            self._uncount(place, f"{min(str(each) for each in never)}: never counts")
            return
        kind = {"AllergyIntolerance": "allergy", "Immunization": "vaccination", "Procedure": "procedure"}.get(
            place.type, "condition"
        )
        concept = item.vaccineCode or item.code
        text, codings = self._coded(concept)
        names = dict.fromkeys([text, *(coding.display for coding in (concept.coding if concept else ()))])
        code = text or next((coding.code for coding in codings if coding.code), None)
        if kind == "allergy":
            medicines = (self.words.medicine(name, codings)[0] for name in names)
            code = next((medicine for medicine in medicines if not medicine.startswith("unknown:")), code)
        elif known := next((found for name in names if (found := self.words.event(kind, name, codings))), None):
            kind, code = known
        if place.type == "Condition" and (indication := self.words.indication(text, codings)):
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
        end: Cell = item.abatementDateTime
        if end is None and status & {"resolved", "inactive", "remission"}:
            end = start
        row = {"patient_id": patient_id, "kind": kind, "code": code, "started_on": start, "ended_on": end}
        self.rows.add("events", row, place.where)

    def _meeting(self, place: Place) -> None:
        meeting: fhir.Meeting = place.resource
        actors = [each.actor for each in meeting.participant if each.actor and self._known(each.actor.reference or "")]
        patient_id = self.index.whose(meeting.subject or next(iter(actors), None), place)
        kind = {
            "noshow": "did_not_attend",
            "fulfilled": "attended",
            "finished": "attended",
            "arrived": "attended",
            "checked-in": "attended",
        }.get(meeting.status or "")
        if kind is None or patient_id is None:
            if patient_id is not None:
                self._uncount(place, f"{meeting.status or 'without status'}: neither attended nor missed")
            return
        on = meeting.start or (meeting.period.start if meeting.period else None)
        self.rows.add("contacts", {"patient_id": patient_id, "kind": kind, "on": on, "note": meeting.description}, place.where)


def _has_value(part: fhir.Component) -> bool:
    values = (part.valueQuantity, part.valueString, part.valueInteger, part.valueBoolean, part.valueCodeableConcept)
    return any(each is not None for each in (*values, part.valueRange, part.valueRatio, part.valueDateTime, part.valueTime))


def _normal_bounds(part: fhir.Component, unit: str | None) -> tuple[float | None, float | None]:
    """Of several normal ranges (by sex, by age) the tightest; one in another unit would be compared wrongly."""
    lows: list[float] = []
    highs: list[float] = []
    for each in part.referenceRange:
        if each.type is not None and not _is_normal(each.type):
            continue
        for bound, found in ((each.low, lows), (each.high, highs)):
            if bound is not None and bound.value is not None and doses.unit_of(bound) in (None, unit):
                found.append(bound.value)
    return max(lows, default=None), min(highs, default=None)


def _is_normal(kind: fhir.Concept) -> bool:
    return any(coding.code == "normal" for coding in kind.coding) or (kind.text or "").casefold() == "normal"
