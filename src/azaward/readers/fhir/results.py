"""Turns Observations into results and genotypes.

A result belongs to its report, its specimen and its flags: what it doesn't say itself (the day, the patient, the
status, what was measured) its report says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from azaward.knowledge.loading.units import round_off
from azaward.knowledge.loading.words.test_names import Test
from azaward.readers.fhir import doses, genes
from azaward.readers.fhir import resources as fhir
from azaward.readers.fhir.belonging import Belonging, Holders, members_of
from azaward.readers.fhir.index import Place
from azaward.readers.fhir.moments import day_of, zone_of
from azaward.readers.fhir.reports import Reports
from azaward.readers.fhir.shared import NEVER_COUNTS, Shared, coded, in_words, listed, names_of, notes_of
from azaward.readers.gene_words import is_about
from azaward.readers.rows import read_number

_KEPT = 20_000
_SHOWN = 200
# Why a report on a gene isn't used, where something around it is in doubt.
_DOUBTS = {
    "other_person": "it is about another person, or its report or sample is another's",
    "damaged": "a part of its value can't be read",
    "modified": "an extension changes its meaning in a way that nobody here knows",
    "report_withdrawn": "its report was withdrawn",
    "spoiled": "its sample was not fit to be tested",
}
_VALUE = ("value", "interpretation", "component", "dataAbsentReason")


class Results:
    """Reads results, once the index is complete."""

    def __init__(self, shared: Shared, reports: Reports) -> None:
        self.shared, self.reports = shared, reports
        self.index, self.rows, self.words = shared.index, shared.rows, shared.words
        self._pieces: list[tuple[str, str, str, Place]] = []
        self._concepts: dict[fhir.Concept, tuple[Test | None, str]] = {}
        self._holders = Holders(shared)

    def observation(self, place: Place) -> None:
        """One Observation: a result, a panel of them, or what a gene test found."""
        around = self._holders.of(place)
        patient_id = self.index.whose(around.subject, place)
        for candidate in self.index.candidates(around.subject, place):
            if candidate != patient_id:
                self._observed(place, candidate, around._replace(doubt="subject"))
        if patient_id is not None:
            self.shared.report_damage(place, patient_id)
            self._observed(place, patient_id, around)

    def _observed(self, place: Place, patient_id: str, around: Belonging) -> None:
        """One Observation of one patient."""
        seen: fhir.Observation = place.resource
        doubt = around.doubt or ("damaged" if _is_damaged(place) else "modified" if seen.modifierExtension else None)
        about = _About(place, patient_id, around.on, around.status, around.specimen, around.hints, doubt)
        if seen.valueQuantity is not None and not seen.component:
            # Most observations are a single number, so they can't be panels or gene reports.
            self._result(seen, about, place.where)
            return
        parts = [(part, f"{place.where}.component[{number}]") for number, part in enumerate(seen.component)]
        members = members_of(seen)
        if members and not _has_value(seen):
            self._members(members, about)
        elif seen.valueQuantity is None and genes.names_gene(seen):
            self._genotype(seen, about)
            parts = [each for each in parts if each[0].valueQuantity is not None]
        elif _has_value(seen) or not parts:
            parts.insert(0, (seen, place.where))
        for part, where in parts:
            self._result(part, about, where)

    def _members(self, members: Sequence[fhir.Reference], about: _About) -> None:
        """A panel has no result of its own; members that the bundle lacks are missing results."""
        names = [member.reference or "unnamed" for member in members if not self.index.find(member, about.place)]
        if missing := [name for name in names if not name.startswith("#")]:
            why = f"{len(missing)} of its {len(members)} results are missing from the bundle. Export them too."
            self.rows.aside(about.place.where, f"panel without {missing[0]}", why, about.patient_id)

    def _test(self, concept: fhir.Concept) -> tuple[Test | None, str]:
        """The test and its name as written; look-ups are cached, because bundles repeat a few codes often."""
        if concept in self._concepts:
            return self._concepts[concept]
        text, codings = coded(concept)
        tests = [self.words.test(each, codings) for each in (*names_of(concept), None)]
        known = [test for test in tests if test.analyte is not None]
        # Whatever stands beside it, a doubt stays one.
        test = next((each for each in known if each.doubt is not None), next(iter(known), None))
        name = text or next((code.code for code in codings if code.code), "")
        if len(self._concepts) < _KEPT:
            self._concepts[concept] = (test, name)
        return test, name

    def _result(self, part: fhir.Component, about: _About, where: str) -> None:
        test, name = self._test(part.code)
        quantity = part.valueQuantity
        unit = doses.unit_of(quantity) if quantity is not None else None
        analyte = test.analyte if test else None
        bounds = self._normal_bounds(part, analyte, unit) if part.referenceRange else (None, None)
        flag = self._flag(part) if part.interpretation else None
        for text in _notes(part):
            self._tell(text, name, about, where, is_beside=_has_value(part))
        doubt = (test.doubt if test else None) or about.doubt or self._hinted(about, analyte)
        plain = test is not None and doubt is None and about.specimen is None
        if plain and analyte and quantity and unit and about.on and not quantity.comparator:
            value, zone = quantity.value, zone_of(about.on)
            status = about.status or "unknown"
            if isinstance(value, float | int) and self.rows.measured(
                about.patient_id, analyte, float(value), unit, bounds, about.on, status, where, flag, zone
            ):
                return
        row: dict[str, Any] = {
            "patient_id": about.patient_id,
            "analyte": analyte or name,
            "taken_on": about.on,
            "status": about.status or "unknown",
            "origin": where,
            "specimen": about.specimen,
            "flag": flag,
            "zone": zone_of(about.on) if about.on else None,
            **_value_of(part, unit),
        }
        row["doubt"] = doubt
        if row.get("value") is None and not row.get("text"):
            absent = next(iter(names_of(part.dataAbsentReason)), None)
            row["text"] = "; ".join(filter(None, (absent, *_notes(part)))) or None
        if text := row.get("text"):
            self._tell(str(text), name, about, where)
        if analyte is not None:
            row["ref_low"], row["ref_high"] = bounds
        if analyte is None and not name:
            self._unnamed(row, where)
        else:
            self.rows.add("results", row, where)

    def _tell(self, text: str, name: str, about: _About, where: str, *, is_beside: bool = False) -> None:
        """Keeps the numbers in words of a result without a value; words that may be serious are read today."""
        if about.status in NEVER_COUNTS:
            return
        if not is_beside:
            of = (name, *filter(None, (about.specimen,)), *about.hints)
            self.reports.tell(about.patient_id, text, about.on, where, of)
        if name and self.rows.cannot_wait("", text):
            why = "in words that may be serious. Read it today."
            day = day_of(about.on)
            self.rows.aside(where, f"{name}: {text[:_SHOWN]}", why, about.patient_id, "report_serious", day)

    def _hinted(self, about: _About, analyte: str | None) -> str | None:
        """A doubt where something around the result names a material that the analyte isn't measured in."""
        wrong = analyte and any(self.words.specimen(each, analyte) == "wrong" for each in about.hints)
        return "specimen_unknown" if wrong else None

    def _unnamed(self, row: Mapping[str, Any], where: str) -> None:
        """A result whose test has neither a name nor a code: it may be any."""
        said = " ".join(str(row[key]) for key in ("comparator", "value", "unit", "text") if row.get(key) is not None)
        if str(row["status"]) in NEVER_COUNTS or not said:
            return
        why = "its test has neither a name nor a code that can be read. Ask the laboratory which test it is."
        self.rows.aside(where, f"result {said}", why, row["patient_id"], "unnamed_result", day_of(row["taken_on"]))

    def _flag(self, part: fhir.Component) -> str | None:
        """The laboratory's own mark, its code or else its words; of several marks the gravest."""
        flags: list[str] = []
        for concept in listed(part.interpretation):
            said = [*(coding.code for coding in concept.coding if coding.code), *names_of(concept)]
            known = next((flag for each in said if (flag := self.words.flag(each))), None)
            flags += [known] if known else said[-1:]
        return self.words.flag("; ".join(flags)) or next(iter(flags), None)

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
        given, value = doses.unit_of(bound), doses.number_of(bound)
        if value is None or given in (None, unit):
            return value
        if analyte is None or unit is None:
            return None
        ours, theirs = self.shared.usual_units.get((analyte, unit)), self.shared.usual_units.get((analyte, given))
        if ours is None or theirs is None:
            return None
        return round_off((value * theirs.factor + theirs.offset - ours.offset) / ours.factor)

    def _genotype(self, seen: fhir.Observation, about: _About) -> None:
        if about.doubt == "subject":
            return
        if about.status in NEVER_COUNTS:
            self.shared.uncount(about.place, f"{about.status}: not used")
            return
        doubt = _DOUBTS.get(about.doubt, "its record is in doubt") if about.doubt else None
        knowledge = self.shared.knowledge
        # A report may hold other results, too: only what it says of a gene or of a person bears on this one.
        around = [each for each in self._holders.said_around(about.place) if is_about(each, knowledge)]
        for call in genes.calls(seen, knowledge, [*filter(None, (about.specimen,)), *around], doubt):
            said = call.diplotype or call.phenotype or call.unread
            if genes.is_piece(seen):
                said = call.said or said or "without a result"
                self._pieces.append((about.patient_id, call.gene, said, about.place))
            elif said is None and call.asked is None:
                why = "no result: unknown, not assumed normal. Ask the laboratory."
                what = f"{call.gene} {call.method}" + (f": {call.said[:_SHOWN]}" if call.said else "")
                self.rows.aside(about.place.where, what, why, about.patient_id, "genotype")
            else:
                self._call(call, about)

    def _call(self, call: genes.Call, about: _About) -> None:
        """A row for what a report says of a gene, and the question that it leaves."""
        row = {"patient_id": about.patient_id, "gene": call.gene, "method": call.method, "reported_on": about.on}
        found = {"diplotype": call.diplotype, "phenotype": call.phenotype or call.unread}
        self.rows.add("genotypes", {**row, **found}, about.place.where)
        if call.asked:
            what = f"{call.gene} {call.method} {(call.said or '')[:_SHOWN]!r}"
            self.rows.aside(about.place.where, what, call.asked, about.patient_id, "genotype")

    def pieces(self) -> None:
        """Reports variants and haplotypes whose genotype isn't here."""
        called = {(row[0], row[1]) for row in self.rows.rows["genotypes"]}
        for patient_id, gene, said, place in self._pieces:
            if (patient_id, gene) in called:
                self.shared.uncount(place, "a component of a genotype in this bundle; the genotype is used")
            else:
                why = "a variant or haplotype without a genotype: not used. Ask the laboratory for the genotype."
                self.rows.aside(place.where, f"{gene} {said}", why, patient_id, "genotype")


class _About(msgspec.Struct, frozen=True, gc=False):
    """What the parts of one Observation share."""

    place: Place
    patient_id: str
    on: str | None
    status: str | None
    specimen: str | None
    hints: tuple[str, ...]
    doubt: str | None


def _is_damaged(place: Place) -> bool:
    """Whether a part of the value had to be left out: what is left may be another value."""
    return bool(place.damage) and any(each.element.startswith(_VALUE) for each in place.damage)


def _value_of(part: fhir.Component, unit: str | None) -> dict[str, Any]:
    """The cells of a row that hold the value."""
    quantity = part.valueQuantity
    if quantity is not None:
        return {"value": quantity.value, "comparator": quantity.comparator, "unit": unit}
    if part.valueInteger is not None:
        return {"value": float(part.valueInteger)}
    if part.valueString is not None:
        return _in_words(part.valueString)
    if part.valueCodeableConcept is not None:
        said = next(iter(names_of(part.valueCodeableConcept)), None)
        return _in_words(said) if said else {"text": in_words(part.valueCodeableConcept)}
    if part.valueBoolean is not None:
        return {"text": "positive" if part.valueBoolean else "negative"}
    if part.valueRange is not None:
        low, high = part.valueRange.low, part.valueRange.high
        unit = next((doses.unit_of(each) for each in (low, high) if each), None)
        return _in_words(f"{_shown(low)} to {_shown(high)} {unit or ''}".strip())
    if part.valueRatio is not None:
        return {"text": _shown(part.valueRatio.numerator) + ":" + _shown(part.valueRatio.denominator)}
    return {"text": part.valueDateTime or part.valueTime or None}


def _in_words(text: str) -> dict[str, Any]:
    """The cells of a value in words: a plain number, or a text, in which a number may stand."""
    return {"value": text} if read_number(text) else {"text": text}


def _notes(part: fhir.Component) -> list[str]:
    """The words beside a result; a part of a panel has none of its own."""
    return notes_of(part) if isinstance(part, fhir.Observation) else []


def _has_value(part: fhir.Component) -> bool:
    values = (part.valueQuantity, part.valueString, part.valueInteger, part.valueBoolean, part.valueCodeableConcept)
    others = (part.valueRange, part.valueRatio, part.valueDateTime, part.valueTime)
    return any(each is not None for each in (*values, *others)) or bool(part.interpretation)


def _shown(quantity: fhir.Quantity | None) -> str:
    value = quantity.value if quantity is not None else None
    return "?" if value is None else value if isinstance(value, str) else f"{value:g}"


def _is_normal(kind: fhir.Concept) -> bool:
    return any(coding.code == "normal" for coding in kind.coding) or (kind.text or "").casefold() == "normal"
