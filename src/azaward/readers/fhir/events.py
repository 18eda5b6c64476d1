"""Turns conditions, allergies, vaccinations, procedures and meetings into events and contacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azaward.readers.fhir import resources as fhir
from azaward.readers.fhir.index import Place, subjects
from azaward.readers.fhir.shared import (
    NEVER_COUNTS,
    Shared,
    coded,
    codes_of,
    in_words,
    names_of,
    narrative_of,
    notes_of,
    texts_in,
)
from azaward.record.tables import Cell

_Told = tuple[list[tuple[str, str | None]], str | None]
_KINDS = {"AllergyIntolerance": "allergy", "Immunization": "vaccination", "Procedure": "procedure"}
_MEETINGS = {
    "noshow": "did_not_attend",
    **dict.fromkeys(("fulfilled", "finished", "completed", "arrived", "checked-in"), "attended"),
}
# DSTU2 and STU3 give the status of an allergy or immunization in codes of their own.
_OVER = frozenset(("resolved", "inactive"))
_NEVER = frozenset(("refuted", "entered-in-error", *NEVER_COUNTS, "preparation"))


class Events:
    """Reads what happened to people, once the index is complete."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.index, self.rows, self.words = shared.index, shared.rows, shared.words
        self._told: dict[tuple[str, fhir.Concept | None], _Told] = {}

    def clinical(self, place: Place) -> None:
        """One Condition, AllergyIntolerance, Immunization or Procedure."""
        item: fhir.Clinical = place.resource
        patient_id = self.index.whose(item.subject or item.patient, place)
        if patient_id is None:
            return
        self.shared.report_damage(place, patient_id)
        if never := _never_counts(item):
            self.shared.uncount(place, f"{never}: not used")
            return
        start, end = _period(item)
        row = {"patient_id": patient_id, "started_on": start, "ended_on": end}
        if place.type == "Condition":
            self._taken(item, row, place)
        for kind, code in self._what(item, place, patient_id):
            self.rows.add("events", {**row, "kind": kind, "code": code}, place.where)

    def _what(self, item: fhir.Clinical, place: Place, patient_id: str) -> list[tuple[str, str | None]]:
        """The kind and code of each event that a resource tells of."""
        kind = _KINDS.get(place.type, "condition")
        concepts = [each for each in (item.vaccineCode, item.code, item.substance) if each is not None]
        if kind == "allergy":
            return [("allergy", code) for code in self._allergens(item, place, patient_id)]
        key = (kind, next(iter(concepts), None))
        if key not in self._told:
            self._told[key] = self._tells(*key)
        events, indication = self._told[key]
        if indication:
            self.shared.reasons.setdefault(patient_id, {}).setdefault(indication, "condition")
        return events

    def _tells(self, kind: str, concept: fhir.Concept | None) -> _Told:
        """The events that a concept tells of, and what of it azathioprine treats; a record repeats few concepts."""
        text, codings = coded(concept)
        if allergens := self.rows.medicines.allergy(codings):
            return [("allergy", code) for code in allergens], None
        names = [*names_of(concept), None]
        known = next((found for name in names if (found := self.words.events(kind, name, codings))), [])
        code = in_words(concept)
        indication = self.words.indication(text, codings) if kind == "condition" else None
        if indication and not self.words.indication(code):
            code = indication  # Text in another language can only be recognised by its code.
        return [*known] or [(kind, code)], indication

    def _taken(self, item: fhir.Clinical, row: Mapping[str, Any], place: Place) -> None:
        """A condition may say that a medicine is taken: "long-term current use of azathioprine"."""
        for medicine in self.rows.medicines.use(coded(item.code)[1]):
            start = {"started_on": row["started_on"], "started_text": None if row["started_on"] else "not said"}
            taken = {"patient_id": row["patient_id"], "medicine": medicine, "stopped_on": row["ended_on"], **start}
            self.rows.add("exposures", taken, place.where)

    def _allergens(self, item: fhir.Clinical, place: Place, patient_id: str) -> list[str | None]:
        """What somebody is allergic to: medicines if any is named, else the words. Asks about what may be one."""
        concepts = [each for each in (item.code, item.substance) if each is not None]
        concepts += [each.substance for each in item.reaction if each.substance is not None]
        found: dict[str, None] = {}
        for concept in concepts:
            codings = coded(concept)[1]
            for name in (*names_of(concept), None):
                found |= dict.fromkeys(self.rows.allergens(name, codings))
        said = next((words for concept in concepts if (words := in_words(concept))), None)
        if found.keys().isdisjoint(self.rows.thiopurines):
            self._ask(item, concepts, place, patient_id)
        return [*found] or [said]

    def _ask(self, item: fhir.Clinical, concepts: list[fhir.Concept], place: Place, patient_id: str) -> None:
        """Asks about an allergy whose codes, notes or other words may mean a thiopurine, or that says nothing."""
        names = [name for concept in concepts for name in names_of(concept)]
        codings = [coding for concept in concepts for coding in coded(concept)[1]]
        beside = [*notes_of(item), *(each.description for each in item.reaction if each.description)]
        beside += [each.found for each in place.damage if not each.is_read]
        beside += [] if beside or names else narrative_of(item)
        for text in names[1:]:
            self.rows.ask_allergy(patient_id, text, place.where)
        if not names or self.rows.medicines.in_group(codings):
            self.rows.ask_allergy(patient_id, "", place.where, codings)
        for text in filter(self.rows.blames, beside):
            self.rows.may_be_allergy(patient_id, text, place.where)
        known = self.rows.medicines.read("", codings).matches or self.words.events("allergy", None, codings)
        if not (names or beside or known or item.category):
            what = ", ".join(f"{each.system}|{each.code}" for each in codings) or "without words or a code"
            why = "what it is an allergy to can't be read. Ask the patient, and correct the record."
            self.rows.aside(place.where, f"allergy {what}", why, patient_id)

    def caution(self, place: Place) -> None:
        """One Flag or AdverseEvent: asked about where it blames a thiopurine for something."""
        item: fhir.Caution = place.resource
        suspects = [each.instance.display for each in item.suspectEntity if each.instance and each.instance.display]
        concepts = [each.instanceCodeableConcept for each in item.suspectEntity]
        suspects += [name for concept in concepts for name in names_of(concept)]
        said = [*names_of(item.code), *names_of(item.event), *texts_in(item.description)]
        blamed = [*said, *notes_of(item), *suspects]
        if not any(self.rows.blames(each) for each in blamed) or item.status in NEVER_COUNTS:
            self.shared.uncount(place, "does not blame a thiopurine for anything: not used")
            return
        if item.status == "inactive":
            self.shared.uncount(place, "inactive: a warning that was withdrawn. If it still applies, make it active.")
            return
        patient_id = self.index.whose(item.subject or item.patient, place)
        if patient_id is not None:
            self.shared.report_damage(place, patient_id)
            self.rows.may_be_allergy(patient_id, "; ".join(dict.fromkeys(blamed)), place.where)

    def meeting(self, place: Place) -> None:
        """One Encounter or Appointment."""
        meeting: fhir.Meeting = place.resource
        kind = _MEETINGS.get(meeting.status or "")
        if kind is None:
            why = f"{meeting.status or 'without status'}: counted as neither attended nor missed"
            self.shared.uncount(place, why)
            return
        actor = subjects((each.actor for each in meeting.participant), self.index)
        patient_id = self.index.whose(meeting.subject or meeting.patient or actor, place)
        if patient_id is not None:
            period = meeting.period or meeting.actualPeriod
            on = meeting.start or (period.start if period else None)
            row: dict[str, Any] = {"patient_id": patient_id, "kind": kind, "on": on, "note": meeting.description}
            self.rows.add("contacts", row, place.where)


def _never_counts(item: fhir.Clinical) -> str | None:
    """Why a resource must not be used, in any version of FHIR; None if it may."""
    doubt = codes_of(item.verificationStatus) | {item.status}
    never = doubt & _NEVER
    if never:
        return min(str(each) for each in never)
    if item.wasNotGiven or item.notGiven or item.notPerformed or item.notDone:
        return "not done"
    return None


def _period(item: fhir.Clinical) -> tuple[str | None, Cell]:
    """When it began and when it ended, under whichever name that stands."""
    periods = [each for each in (item.onsetPeriod, item.performedPeriod, item.occurrencePeriod) if each is not None]
    start = (
        item.onsetDateTime
        or item.occurrenceDateTime
        or item.performedDateTime
        or next((period.start for period in periods if period.start), None)
        or item.date
        or item.recordedDate
        or item.dateRecorded
        or item.assertedDate
    )
    abated = item.abatementPeriod
    end: Cell = item.abatementDateTime or (abated and (abated.end or abated.start))
    if end is None and (codes_of(item.clinicalStatus) & _OVER or item.abatementBoolean):
        end = start
    return start, end
