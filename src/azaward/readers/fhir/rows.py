"""Turns FHIR resources into rows of the six tables: results, genotypes, medicines, events and visits.

Every resource becomes a row, an item set aside with its place, or part of a count. Nothing is discarded silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from azaward.knowledge import Knowledge
from azaward.knowledge.loading import vocabulary as words
from azaward.knowledge.loading.units import round_off
from azaward.readers.fhir import doses, genes
from azaward.readers.fhir import resources as fhir
from azaward.readers.fhir.index import Index, Place, resolve, subjects
from azaward.record.names import is_recognised
from azaward.record.tables import Cell
from azaward.treatment import thiopurines

_NEVER_COUNTS = ("entered-in-error", "cancelled", "not-done", "declined")
_KINDS = {"AllergyIntolerance": "allergy", "Immunization": "vaccination", "Procedure": "procedure"}
_MEETINGS = {
    "noshow": "did_not_attend",
    **dict.fromkeys(("fulfilled", "finished", "arrived", "checked-in"), "attended"),
}


class Writer:
    """Makes the rows for all resources in an index."""

    def __init__(self, index: Index, knowledge: Knowledge) -> None:
        self.index = index
        self.rows = index.rows
        self.words = index.rows.words
        self._reasons: dict[str, dict[str, str]] = {}
        self._uncounted: dict[tuple[str, str], tuple[str, int]] = {}
        self._until: dict[str, str | None] = {}
        self._pieces: list[tuple[str, str, str, Place]] = []
        self._concepts: dict[Any, tuple[str | None, str]] = {}
        self._thiopurines = set(thiopurines(knowledge))
        self._usual_units = {(row.analyte, row.written): row for row in knowledge.tables["conversions"]}

    def write(self) -> None:
        """Rows from every resource, patients last, because prescriptions give their indications."""
        readers: dict[str, Callable[[Place], None]] = {
            **dict.fromkeys((kind for kind in fhir.READ if kind.startswith("Medication")), self._medicine),
            **dict.fromkeys(("Condition", "AllergyIntolerance", "Immunization", "Procedure"), self._clinical),
            **dict.fromkeys(("Encounter", "Appointment"), self._meeting),
            "Observation": self._observation,
        }
        del readers["Medication"]
        # Dispenses come after the prescriptions that may account for them.
        for place in sorted(self.index.places, key=lambda place: place.type == "MedicationDispense"):
            if read := readers.get(place.type):
                read(place)
        for place in self.index.places:
            if place.type == "Patient":
                self._patient(place)
        called = {(row[0], row[1]) for row in self.rows.rows["genotypes"]}
        for patient_id, gene, said, place in self._pieces:
            if (patient_id, gene) in called:
                self._uncount(place, "a component of a genotype in this bundle; the genotype is used")
            else:
                why = "a variant or haplotype without a genotype: not used. Ask the laboratory for the genotype."
                self.rows.aside(place.where, f"{gene} {said}", why, patient_id, "genotype")
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
        """The reason on the thiopurine prescription, or else the condition that it treats; None if they differ."""
        found = {name for name, how in reasons.items() if how == "reason"} or set(reasons)
        if len(found) > 1:
            self.rows.aside(
                where,
                f"indication: {' or '.join(sorted(found))}",
                "several conditions that azathioprine treats: the most cautious protocol is used. "
                "State the indication in the prescription.",
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
        """The analyte and the name as written; look-ups are cached, because bundles repeat a few codes often."""
        coding = concept.coding
        key = (concept.text, *coding[0:1]) if len(coding) < 2 else None
        if key is not None and key in self._concepts:
            return self._concepts[key]
        text, codings = self._coded(concept)
        test = self.words.test(_names(concept), codings)
        analyte = None if test.doubt else test.analyte
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
        if seen.valueQuantity is not None and not seen.component:
            # Most observations are a single number, so they can't be panels or gene reports.
            self._result(seen, seen.status, patient_id, on, place.where)
            return
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
        """A panel has no result of its own; members that the bundle lacks are missing results."""
        names = [member.reference or "unnamed" for member in members if not self.index.find(member)]
        if missing := [name for name in names if not name.startswith("#")]:
            why = f"{len(missing)} of its {len(members)} results are missing from the bundle. Export them too."
            self.rows.aside(where, f"panel without {missing[0]}", why, patient_id)

    def _result(self, part: fhir.Component, status: str | None, patient_id: str, on: str | None, where: str) -> None:
        analyte, name = self._analyte(part.code)
        quantity = part.valueQuantity
        unit = doses.unit_of(quantity) if quantity is not None else None
        bounds = self._normal_bounds(part, analyte, unit) if part.referenceRange else (None, None)
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
            self._unlisted(part, name, row, where)
            return
        row["ref_low"], row["ref_high"] = bounds
        self.rows.add("results", row, where)

    def _normal_bounds(
        self, part: fhir.Component, analyte: str | None, unit: str | None
    ) -> tuple[float | None, float | None]:
        """The tightest of several normal ranges (by sex or age), in the value's unit."""
        lows: list[float] = []
        highs: list[float] = []
        for each in part.referenceRange:
            if each.type is not None and not _is_normal(each.type):
                continue
            for bound, found in ((each.low, lows), (each.high, highs)):
                if bound is not None and (value := self._in_unit(bound, analyte, unit)) is not None:
                    found.append(value)
        return max(lows, default=None), min(highs, default=None)

    def _in_unit(self, bound: fhir.Quantity, analyte: str | None, unit: str | None) -> float | None:
        """A limit of normal in the unit of the value; None if that can't be determined."""
        given = doses.unit_of(bound)
        if bound.value is None or given in (None, unit):
            return bound.value
        if analyte is None or unit is None:
            return None
        ours, theirs = self._usual_units.get((analyte, unit)), self._usual_units.get((analyte, given))
        if ours is None or theirs is None:
            return None
        return round_off((bound.value * theirs.factor + theirs.offset - ours.offset) / ours.factor)

    def _unlisted(self, part: fhir.Component, name: str, row: Mapping[str, Any], where: str) -> None:
        """Counts a result that azaward doesn't recognise.

        If the name and the code mean different tests and the unit fits, there is no way to tell which is right.
        """
        named = self.words.analyte(name)
        codes = ", ".join(coding.code for coding in part.code.coding)
        if named and (named, row.get("unit")) in self._usual_units:
            why = "the name is a known test but the code is not: not used. Correct the code."
            self.rows.aside(where, f"{name} ({codes})", why, row["patient_id"])
        else:
            self.rows.add("results", {**row, "analyte": f"{name} ({codes or 'uncoded'})" if named else name}, where)

    def _in_words(self, part: fhir.Component) -> str | None:
        if part.valueCodeableConcept is not None:
            text, codings = self._coded(part.valueCodeableConcept)
            return text or next((coding.code for coding in codings if coding.code), None)
        if part.valueBoolean is not None:
            return "positive" if part.valueBoolean else "negative"
        if part.valueRange is not None:
            return _shown(part.valueRange.low) + " to " + _shown(part.valueRange.high)
        if part.valueRatio is not None:
            return _shown(part.valueRatio.numerator) + ":" + _shown(part.valueRatio.denominator)
        return part.valueDateTime or part.valueTime

    def _genotype(self, place: Place, seen: fhir.Observation, patient_id: str, on: str | None) -> None:
        if seen.status in _NEVER_COUNTS:
            self._uncount(place, f"{seen.status}: not used")
            return
        for call in genes.calls(seen, self.rows.words):
            said = call.diplotype or call.phenotype or call.unread
            if genes.is_piece(seen):
                self._pieces.append((patient_id, call.gene, said or "without a result", place))
            elif said is None:
                why = "no result: unknown, not assumed normal. Ask the laboratory."
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
            why = "recorded as not taken; any prescription for it still counts. Ask the patient."
            self.rows.aside(place.where, text, why, patient_id, "not_taken")
            return
        if use.doNotPerform:
            self.rows.aside(
                place.where, text, "ordered not to be given: not counted as taken", patient_id, "not_to_give"
            )
            return
        if use.status in _NEVER_COUNTS:
            self._uncount(place, f"{use.status}: not used")
            return
        if self._prescribed(use):
            self._uncount(place, "dispensed for a prescription in this bundle; the prescription is used")
            return
        dosages = use.dosageInstruction or (use.dosage if isinstance(use.dosage, list) else [])
        if self._thiopurines & set(medicines):
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
            if course.start is None and course.doubt and course.doubt[2] == "no_start":
                row["started_text"] = "not said"
            for medicine in medicines:
                self.rows.add("exposures", {**row, "medicine": medicine}, place.where)
            self._until[place.where] = course.stop

    def _prescribed(self, use: fhir.MedicationUse) -> bool:
        """Whether a dispense is accounted for by a valid prescription that had not ended before it."""
        for reference in use.authorizingPrescription:
            order = self.index.find(reference)
            if order and order.where in self._until:
                until = self._until[order.where]
                return until is None or (use.whenHandedOver or "") <= until
        return False

    def _named(self, use: fhir.MedicationUse) -> tuple[str, tuple[str, ...]]:
        """The medicine's name as written, and its ingredients; `unknown:` if none of its names is recognised."""
        reference = use.medicationReference or fhir.Reference()
        inside = {f"#{each.id}": each.code for each in use.contained}
        concept = (
            use.medicationCodeableConcept or resolve(reference, inside) or resolve(reference, self.index.medications)
        )
        _, codings = self._coded(concept)
        codes = [coding.code for coding in codings]
        names = [name for name in (*_names(concept), reference.display, *codes, reference.reference, "unnamed") if name]
        tried = [self.words.medicine(name, codings) for name in dict.fromkeys(names)]
        return names[0], next((found for found in tried if is_recognised(found[0])), tried[0])

    def _note_reasons(self, use: fhir.MedicationUse, patient_id: str) -> None:
        concepts = [*use.reasonCode]
        for reference in use.reasonReference:
            concepts.append(resolve(reference, self.index.conditions) or fhir.Concept(text=reference.display))
        for concept in concepts:
            if indication := self.words.indication(*self._coded(concept)):
                self._reasons.setdefault(patient_id, {})[indication] = "reason"

    def _clinical(self, place: Place) -> None:
        item: fhir.Clinical = place.resource
        patient_id = self.index.whose(item.subject or item.patient, place)
        if patient_id is None:
            return
        doubt = {coding.code for coding in item.verificationStatus.coding} if item.verificationStatus else set[str]()
        never = (doubt & {"refuted", "entered-in-error"}) or ({item.status} & {*_NEVER_COUNTS, "preparation"})
        if never:
            self._uncount(place, f"{min(str(each) for each in never)}: not used")
            return
        kind = _KINDS.get(place.type, "condition")
        concept = item.vaccineCode or item.code
        text, codings = self._coded(concept)
        names = [*_names(concept), None]
        known: list[tuple[str, str]] = []
        code = text or next((coding.code for coding in codings if coding.code), None)
        if kind == "allergy":
            medicines = (self.words.medicine(name, codings)[0] for name in names)
            code = next((medicine for medicine in medicines if is_recognised(medicine)), code)
        else:
            known = next((found for name in names if (found := self.words.events(kind, name, codings))), [])
        if place.type == "Condition" and (indication := self.words.indication(text, codings)):
            self._reasons.setdefault(patient_id, {}).setdefault(indication, "condition")
            # Text in another language can only be recognised by its code.
            code = code if self.words.indication(code) else indication
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
        if end is None and status & {"resolved", "inactive"}:
            end = start
        for of_kind, event in known or [(kind, code)]:
            row = {"patient_id": patient_id, "kind": of_kind, "code": event, "started_on": start, "ended_on": end}
            self.rows.add("events", row, place.where)

    def _meeting(self, place: Place) -> None:
        meeting: fhir.Meeting = place.resource
        kind = _MEETINGS.get(meeting.status or "")
        if kind is None:
            self._uncount(place, f"{meeting.status or 'without status'}: counted as neither attended nor missed")
            return
        actor = subjects((each.actor for each in meeting.participant), self.index)
        patient_id = self.index.whose(meeting.subject or actor, place)
        if patient_id is not None:
            on = meeting.start or (meeting.period.start if meeting.period else None)
            row = {"patient_id": patient_id, "kind": kind, "on": on, "note": meeting.description}
            self.rows.add("contacts", row, place.where)


def _has_value(part: fhir.Component) -> bool:
    values = (part.valueQuantity, part.valueString, part.valueInteger, part.valueBoolean, part.valueCodeableConcept)
    others = (part.valueRange, part.valueRatio, part.valueDateTime, part.valueTime)
    return any(each is not None for each in (*values, *others))


def _shown(quantity: fhir.Quantity | None) -> str:
    return "?" if quantity is None or quantity.value is None else f"{quantity.value:g}"


def _names(concept: fhir.Concept | None) -> list[str]:
    """The text and the displays of a concept."""
    if concept is None:
        return []
    return [name for name in (concept.text, *(coding.display for coding in concept.coding)) if name]


def _is_normal(kind: fhir.Concept) -> bool:
    return any(coding.code == "normal" for coding in kind.coding) or (kind.text or "").casefold() == "normal"
