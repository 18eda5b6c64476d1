"""Turns FHIR resources into rows of the six tables, each with the resource that it came from.

Every resource becomes a row, an item set aside with its place, or part of a count. Nothing is discarded silently.
"""

from __future__ import annotations

from collections.abc import Callable

from azaward.knowledge import Knowledge
from azaward.readers.fhir import resources as fhir
from azaward.readers.fhir.events import Events
from azaward.readers.fhir.index import Index, Place
from azaward.readers.fhir.medicines import Medicines
from azaward.readers.fhir.people import People
from azaward.readers.fhir.reports import Reports
from azaward.readers.fhir.results import Results
from azaward.readers.fhir.shared import Shared


def write(index: Index, knowledge: Knowledge) -> None:
    """Rows from every resource; patients last, because prescriptions give their indications."""
    shared = Shared(index, knowledge)
    reports, medicines, events, people = Reports(shared), Medicines(shared), Events(shared), People(shared)
    results = Results(shared, reports)
    readers: dict[str, Callable[[Place], None]] = {
        **dict.fromkeys(fhir.MEDICINES, medicines.use),
        **dict.fromkeys(("Condition", "AllergyIntolerance", "Immunization", "Procedure"), events.clinical),
        **dict.fromkeys(fhir.CAUTIONS, events.caution),
        **dict.fromkeys(("Encounter", "Appointment"), events.meeting),
        "Observation": results.observation,
        "DiagnosticReport": reports.report,
    }
    persons = [place for place in index.places if place.type in ("Patient", "Person", "Linkage")]
    people.join(persons)
    # Dispenses come after the prescriptions that may account for them.
    dispenses = [place for place in index.places if place.type == "MedicationDispense"]
    others = [place for place in index.places if place.type in readers and place.type != "MedicationDispense"]
    for place in (*others, *dispenses):
        index.rows.source = _source(place)
        readers[place.type](place)
    for place in persons:
        if place.type == "Patient":
            index.rows.source = _source(place)
            people.patient(place)
    index.rows.source = (None, None)
    results.pieces()
    reports.in_words()
    shared.report_uncounted()


def _source(place: Place) -> tuple[str | None, str | None]:
    """The resource that rows come from, and which version of it."""
    return (place.key, place.version or None) if place.key else (None, None)
