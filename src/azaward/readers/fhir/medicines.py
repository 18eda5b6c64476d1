"""Turns prescriptions, statements, administrations and dispenses into exposures.

A medicine is known by any of its names and codes: its own, its product's, its ingredients', what a reference shows. One
that nothing names is kept as such, because it may be any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from azaward.medicines.names import Taken
from azaward.readers.fhir import doses
from azaward.readers.fhir import resources as fhir
from azaward.readers.fhir.index import Place
from azaward.readers.fhir.shared import NEVER_COUNTS, Shared, coded, names_of, translations_of
from azaward.readers.rows import CODE_AND_NAME
from azaward.record.names import UNNAMED, is_recognised
from azaward.treatment import thiopurines

_DEEPEST = 4
# What each kind of resource is a view of a treatment as (`exposures.told_as`); an order is the treatment itself.
_VIEWS = {
    **dict.fromkeys(("MedicationStatement", "MedicationUsage"), "report"),
    doses.DISPENSE: "supply",
    doses.ADMINISTRATION: "administration",
}


class Medicines:
    """Reads what is taken, once the index is complete."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.index, self.rows, self.words = shared.index, shared.rows, shared.words
        self._thiopurines = set(thiopurines(shared.knowledge))
        self._strengths = shared.rows.strengths
        self._until: dict[str, str | None] = {}
        self._doses: dict[str, set[float | None]] = {}
        # The first order under each number of an order, with all that it says.
        self._numbered: dict[tuple[object, ...], str] = {}
        self._told: dict[tuple[tuple[fhir.Concept, bool], ...], tuple[str, Taken | None]] = {}

    def use(self, place: Place) -> None:
        """One resource about a medicine."""
        use: fhir.MedicationUse = place.resource
        patient_id = self.index.whose(use.subject or use.patient, place)
        if patient_id is None:
            return
        self.shared.report_damage(place, patient_id)
        text, taken = self._named(use, place)
        if taken.contradicts:
            self.rows.aside(place.where, text, CODE_AND_NAME, patient_id, "partial")
        if use.modifierExtension:
            why = "an extension that azaward doesn't know may change its meaning: counted as it is. Look at the order."
            self.rows.aside(place.where, text, why, patient_id, "partial")
        if left_out := self._left_out(use, text):
            what, why, kind = left_out
            self.rows.aside(place.where, what, why, patient_id, kind)
        elif use.status in NEVER_COUNTS and self._thiopurines & {*taken.ingredients}:
            self._struck(use, place, patient_id, text)
        elif use.status in NEVER_COUNTS:
            self.shared.uncount(place, f"{use.status}: not used")
        elif self._prescribed(use):
            self.shared.uncount(place, "dispensed for a prescription in this bundle; the prescription is used")
        elif same := self._said_before(use, place, patient_id, text):
            self.shared.uncount(place, f"says the same as {same}, under the same number: counted once")
        else:
            if self._thiopurines & {*taken.ingredients}:
                self._note_reasons(use, patient_id)
            self._courses(use, place, patient_id, text, taken)

    def _left_out(self, use: fhir.MedicationUse, text: str) -> tuple[str, str, str] | None:
        if doses.is_not_taken(use):
            why = "recorded as not taken; any prescription for it still counts. Ask the patient."
            return text, why, "not_taken"
        if use.doNotPerform:
            return text, "ordered not to be given: not counted as taken", "not_to_give"
        return None

    def _courses(self, use: fhir.MedicationUse, place: Place, patient_id: str, text: str, taken: Taken) -> None:
        """A row for each medicine and each step of its dose."""
        if use.taken == "unk" or doses.status_of(use) == "unknown":
            why = "the record doesn't say whether it is taken: counted as taken. Ask the patient."
            self.rows.aside(place.where, text, why, patient_id, "unusable" if use.status == "unknown" else "partial")
        undated = any(each.element in ("authoredOn", "effectivePeriod", "effectiveDateTime") for each in place.damage)
        tablets = self._tablets(use, place, patient_id, text, taken)
        for step in doses.steps(doses.dosages_of(use)):
            course = doses.course(place.type, use, step)
            begun = undated and course.start is None
            if course.doubt and not begun:
                what, why, kind = course.doubt
                self.rows.aside(place.where, f"{text}: {what}", why, patient_id, kind)
            given = use.dosage.dose or use.dosage.quantity if isinstance(use.dosage, fhir.AdministeredDose) else None
            row: dict[str, Any] = {
                "patient_id": patient_id,
                "dose_mg_per_day": doses.milligrams(given) if given else doses.mg_per_day(step, tablets),
                "frequency": doses.frequency(step),
                "started_on": course.start,
                "stopped_on": course.stop,
                "status": course.status,
                "told_as": self._view(place.type, use),
            }
            if begun or (course.start is None and course.doubt and course.doubt[2] == "no_start"):
                row["started_text"] = "not said"
            for medicine in taken.ingredients:
                self.rows.add("exposures", {**row, "medicine": medicine, "may_be": taken.may_be}, place.where)
            self._until[place.where] = course.stop
            self._doses.setdefault(place.where, set()).add(row["dose_mg_per_day"])

    def _tablets(
        self, use: fhir.MedicationUse, place: Place, patient_id: str, text: str, taken: Taken
    ) -> doses.Tablets:
        """What one tablet holds, if the record states one strength; says so where a thiopurine's dose needs it."""
        names = [text, *(name for each, _ in self._concepts(use, place) for name in names_of(each))]
        stated = self._strengths.stated(names) | self._product_strengths(use, place)
        one = len(taken.ingredients) == 1 and len(stated) == 1
        tablets = doses.Tablets(self._strengths, stated.pop() if one else None)
        dosages = doses.dosages_of(use)
        if self._thiopurines & {*taken.ingredients} and doses.mg_per_day(dosages, tablets) is None:
            words = next((dosage.text for dosage in dosages if self._strengths.counts(dosage.text)), None)
            counted = doses.is_in_tablets(dosages, self._strengths)
            unsure = "no single tablet strength is stated" if counted and not one else "not all of it is understood"
            if words or counted:
                why = f"a dose is given, but not in milligrams a day, and {unsure}. Enter mg a day."
                self.rows.aside(place.where, f"{text}: {words or 'a dose in tablets'}", why, patient_id, "partial")
        return tablets

    def _product_strengths(self, use: fhir.MedicationUse, place: Place) -> set[float]:
        """The strengths that a product gives of its ingredients."""
        products = [found for each in _references(use) if (found := self.index.find(each, place))]
        medications: list[fhir.Medication] = [found.resource for found in products if found.type == "Medication"]
        of_all = [(*each.ingredient, *(each.product.ingredient if each.product else ())) for each in medications]
        found = {doses.strength_of(each, self._strengths) for ingredients in of_all for each in ingredients}
        return {strength for strength in found if strength is not None}

    def _struck(self, use: fhir.MedicationUse, place: Place, patient_id: str, text: str) -> None:
        """An order or record of a thiopurine that was withdrawn: it may have been taken until then."""
        why = f"{use.status}: not counted as taken. Ask whether any of it was taken."
        changed = use.meta.lastUpdated if use.meta else None
        # The day of an order says nothing of the day on which it was withdrawn.
        days = (use.statusChanged, use.whenHandedOver, use.effectiveDateTime, changed)
        on = next((day for each in days if each and (day := doses.day_of(each))), None)
        self.rows.aside(place.where, text, why, patient_id, "struck", on)

    def _prescribed(self, use: fhir.MedicationUse) -> bool:
        """Whether a dispense is accounted for by a valid prescription that had not ended before it."""
        for reference in use.authorizingPrescription:
            order = self.index.find(reference)
            if order and order.where in self._until:
                until = self._until[order.where]
                dose = doses.mg_per_day(doses.dosages_of(use), doses.Tablets(self._strengths))
                differs = dose is not None and dose not in self._doses[order.where]
                return not differs and (until is None or (use.whenHandedOver or "") <= until)
        return False

    def _view(self, kind: str, use: fhir.MedicationUse) -> str | None:
        """What a resource is of a treatment: None for an order of its own."""
        if doses.is_reported(use):
            return "report"
        if kind not in _VIEWS and any(self._is_order(self.index.find(each)) for each in use.basedOn):
            return "copy"
        return _VIEWS.get(kind)

    def _is_order(self, found: Place | None) -> bool:
        """Whether a resource is an order that counts, so that what is based on it is no second one."""
        if found is None or found.type not in ("MedicationRequest", "MedicationOrder"):
            return False
        order: fhir.MedicationUse = found.resource
        return not (order.status in NEVER_COUNTS or order.doNotPerform or doses.is_planned(order))

    def _said_before(self, use: fhir.MedicationUse, place: Place, patient_id: str, text: str) -> str | None:
        """Where an order with a number of this one stands that says all that this one says."""
        if place.type in _VIEWS:
            return None
        numbers = [*use.identifier, *([use.groupIdentifier] if use.groupIdentifier else [])]
        says = (patient_id, text, doses.dosages_of(use), doses.status_of(use), use.authoredOn, use.dispenseRequest)
        before = None
        for number in numbers:
            if number.value:
                first = self._numbered.setdefault((number.system, number.value, *says), place.where)
                before = before or (first if first != place.where else None)
        return before

    def _named(self, use: fhir.MedicationUse, place: Place) -> tuple[str, Taken]:
        """The medicine's name as written, and its ingredients."""
        key = tuple(self._concepts(use, place))
        if key not in self._told:
            self._told[key] = self._tells(key)
        name, taken = self._told[key]
        if taken is None:
            where = next((f" ({each.reference})" for each in _references(use) if each.reference), "")
            return name or f"a medicine without a name{where}", Taken((UNNAMED,))
        return name, taken

    def _tells(self, concepts: Iterable[tuple[fhir.Concept, bool]]) -> tuple[str, Taken | None]:
        """The medicine that concepts name; None if they name none. A record repeats few of them.

        Its own name and codes come first, then its product's, then those of its ingredients. A thiopurine that any of
        them names counts, whatever the others say.
        """
        known: list[Taken] = []
        parts: list[Taken] = []
        name = ""
        for concept, is_part in concepts:
            text, codings = coded(concept)
            names = [*names_of(concept), *translations_of(concept)]
            names += [coding.code for coding in codings if coding.code and not text]
            name = name or next(iter(names), "")
            for each in names or [None]:
                taken = self.rows.medicines.of_record(each, codings)
                if each is not None or is_recognised(taken.ingredients[0]):
                    (parts if is_part else known).append(taken)
        if not known and not parts:
            return name, None
        return name, self.rows.medicines.together(known, parts)

    def _concepts(self, use: fhir.MedicationUse, place: Place) -> Iterator[tuple[fhir.Concept, bool]]:
        """Every concept that says what the medicine is, and whether it is one of an ingredient."""
        for concept in (use.medicationCodeableConcept, use.medication and use.medication.concept):
            if concept is not None:
                yield concept, False
        for reference in _references(use):
            yield from self._of_product(reference, place, place, 0, False)

    def _of_product(
        self, reference: fhir.Reference, inside: Place, place: Place, depth: int, is_part: bool
    ) -> Iterator[tuple[fhir.Concept, bool]]:
        """What a Medication or Substance says of itself, then its ingredients."""
        if reference.display:
            yield fhir.Concept(text=reference.display), is_part
        # What is contained beside a product is named from the resource that contains both.
        found = self.index.find(reference, inside) or self.index.find(reference, place)
        if found is None or found.type not in ("Medication", "Substance") or depth > _DEEPEST:
            return
        product: fhir.Medication = found.resource
        if product.code is not None:
            yield product.code, is_part
        for ingredient in (*product.ingredient, *(product.product.ingredient if product.product else ())):
            for concept in (ingredient.itemCodeableConcept, ingredient.item and ingredient.item.concept):
                if concept is not None:
                    yield concept, True
            for other in (ingredient.itemReference, ingredient.item and ingredient.item.reference):
                if other is not None:
                    yield from self._of_product(other, found, place, depth + 1, True)

    def _note_reasons(self, use: fhir.MedicationUse, patient_id: str) -> None:
        concepts = [*use.reasonCode, *(each.concept for each in use.reason if each.concept)]
        for reference in (*use.reasonReference, *(each.reference for each in use.reason if each.reference)):
            found = self.index.find(reference)
            code = found.resource.code if found and found.type == "Condition" else None
            concepts.append(code or fhir.Concept(text=reference.display))
        for concept in concepts:
            if indication := self.words.indication(*coded(concept)):
                self.shared.reasons.setdefault(patient_id, {})[indication] = "reason"


def _references(use: fhir.MedicationUse) -> list[fhir.Reference]:
    """The references to the product."""
    return [each for each in (use.medicationReference, use.medication and use.medication.reference) if each]
