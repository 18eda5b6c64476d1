"""Reads what a report says in words, in whichever element: a conclusion, codes, a note, a document, the narrative.

Only a person can read a report. Words that may be serious are read today, a number that stands in them is doubted and
not passed over, and a report that says no more than that all is well isn't news.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.words.vocabulary import vocabulary
from azaward.readers.fhir import resources as fhir
from azaward.readers.fhir.index import Place
from azaward.readers.fhir.moments import day_of, moment
from azaward.readers.fhir.shared import (
    NEVER_COUNTS,
    Shared,
    in_words,
    listed,
    names_of,
    narrative_of,
    notes_of,
    texts_in,
    unmarked_text,
)
from azaward.readers.fhir.values import Named, Prose
from azaward.readers.written import SHARE
from azaward.record.tables import Cell

# Laboratory reports, by FHIR's category and the diagnostic service sections of HL7 v2 (table 0074).
_LABORATORY = frozenset(
    ("laboratory", "lab", "hm", "ch", "mb", "mcb", "imm", "sr", "bld", "gen", "ge", "tox", "vr", "pat")
)
# So much of a document is decoded, and so much of its words is shown.
_DECODED = 200_000
_SHOWN = 200


# Doubts about a name that say another quantity, whatever else the name holds.
_OTHERS = ("percent", "ratio", "segmented", "bands", "part", "group", "glycated", "other", "specimen")


class _Told(NamedTuple):
    """What was said in words, when, and where; `of` names what it was said of: a test, a report, a specimen."""

    patient_id: str
    text: str
    on: str | None
    where: str
    of: tuple[str, ...]


class Reports:
    """Reads reports, once the index is complete; what their words say of results comes after all results."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.index, self.rows, self.words = shared.index, shared.rows, shared.words
        self._told: list[_Told] = []
        self._prose = _prose(shared.knowledge)

    def report(self, place: Place) -> None:
        """What a report says in words and no result of it holds."""
        report: fhir.DiagnosticReport = place.resource
        patient_id = self.index.whose(report.subject, place)
        if patient_id is None or report.status in NEVER_COUNTS:
            return
        self.shared.report_damage(place, patient_id)
        self._missing(report, place, patient_id)
        on = moment(report) or report.issued
        pieces = list(_said(report))
        of = (*names_of(report.code), *(each.display for each in listed(report.specimen) if each.display))
        for text in pieces:
            self.tell(patient_id, text, on, place.where, of)
        said, name = "; ".join(dict.fromkeys(pieces)), in_words(report.code) or "report"
        codes = {code.casefold() for each in listed(report.category) for code in _codes(each)}
        is_own = not report.result and (not codes or bool(_LABORATORY & codes))
        if any(self.rows.cannot_wait(name, text) for text in pieces):
            why = "a report that only a person can read, in words that may be serious. Read it today."
            self.rows.aside(place.where, f"{name}: {said[:_SHOWN]}", why, patient_id, "report_serious", day_of(on))
        elif said or (report.presentedForm and is_own):
            what = f"{name}: {said[:_SHOWN]}" if said else f"{name}, as a document"
            why = "a report that only a person can read: nothing here uses its words."
            kind = "report_in_words" if is_own and not self.words.is_calm(said) else "report_beside_results"
            self.rows.aside(place.where, what, why, patient_id, kind, day_of(on))

    def _missing(self, report: fhir.DiagnosticReport, place: Place, patient_id: str) -> None:
        missing = [each for each in report.result if each.reference and not self.index.find(each, place)]
        if missing:
            why = f"{len(missing)} of its {len(report.result)} results are missing from the bundle. Export them too."
            self.rows.aside(place.where, f"report without {missing[0].reference}", why, patient_id)

    def tell(self, patient_id: str, text: str, on: str | None, where: str, of: Iterable[str]) -> None:
        """Keeps what was said in words until all results are known."""
        self._told.append(_Told(patient_id, text, on, where, tuple(of)))

    def in_words(self) -> None:
        """Adds, in doubt, each value that words tell and no result of that person does."""
        known = {(row[0], row[1], row[3]) for row in self.rows.rows["results"]}
        for told in self._told:
            if any(self._prose.is_elsewhere(each) or self.words.other_materials(each) for each in told.of):
                continue
            for said in self._prose.named(told.text):
                if self._prose.counts(said, told.on[:4] if told.on else None):
                    self._add(told, said, known)

    def _add(self, told: _Told, said: Named, known: set[tuple[Cell, ...]]) -> None:
        analyte = self.words.test(said.name).analyte
        found = self.rows.measures.written(analyte, said.amount) if analyte else None
        if found is None or (told.patient_id, analyte, found.value) in known:
            return
        row: dict[str, Any] = {"patient_id": told.patient_id, "analyte": said.name, "taken_on": told.on}
        row |= {"value": found.value, "comparator": found.comparator, "unit": found.unit, "origin": told.where}
        doubt = "percent" if found.unit in SHARE else "in_words"
        self.rows.add("results", {**row, "status": "unknown", "doubt": doubt}, told.where)


@lru_cache(maxsize=4)
def _prose(knowledge: Knowledge) -> Prose:
    """What numbers in prose mean, made once for a knowledge base."""
    words = vocabulary(knowledge)

    def means(name: str) -> bool | None:
        """Whether a name is that of a test, or of another quantity that only looks like one."""
        test = words.test(name)
        if test.analyte is None or (test.doubt and test.doubt not in _OTHERS):
            return None
        return test.doubt is None

    return Prose(knowledge, means)


def _said(report: fhir.DiagnosticReport) -> Iterator[str]:
    """Every text of a report; its narrative only where it says nothing else."""
    codes = [*listed(report.conclusionCode), *listed(report.codedDiagnosis)]
    said = [text for each in (report.conclusion, *codes) for text in texts_in(each)]
    said += [*notes_of(report), *filter(None, map(_document, listed(report.presentedForm)))]
    yield from said or ([] if report.result or report.presentedForm else narrative_of(report))


def _document(form: fhir.Form) -> str | None:
    """The words of a document that is text; None of one that isn't, or can't be decoded."""
    if not form.data or not (form.contentType or "").strip().casefold().startswith("text/"):
        return None
    whole = len(form.data) - len(form.data) % 4
    try:
        content = base64.b64decode(form.data[: min(whole, _DECODED)])
    except (binascii.Error, ValueError):
        return None
    return unmarked_text(content.decode("utf-8", errors="replace")) or None


def _codes(concept: fhir.Concept) -> list[str]:
    return [coding.code for coding in concept.coding if coding.code] + ([concept.text] if concept.text else [])
