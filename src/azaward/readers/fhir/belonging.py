"""What a result takes from its specimen, its panel and its reports, and what of these keeps it from being believed.

A result that doesn't say itself when it was taken, of whom and in what is told by what holds it. Where these contradict
each other or aren't here, it is asked about: nothing is believed to be blood because the record is silent, and no
sample of another person or another fluid hides what was found in blood before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from azaward.readers.fhir import resources as fhir
from azaward.readers.fhir.index import Place
from azaward.readers.fhir.moments import agreed, collected, moment
from azaward.readers.fhir.shared import NEVER_COUNTS, Shared, coded, in_words, listed, names_of, notes_of, texts_in

Holder = fhir.Observation | fhir.DiagnosticReport
_DEEPEST = 4
# What a result may be about without being of anybody or anything else than the patient's blood.
_TREATMENTS = ("Medication", "MedicationRequest", "MedicationStatement", "MedicationAdministration")
_NOT_OF_OTHERS = (*_TREATMENTS, "Condition", "Procedure", "Encounter", "CarePlan", "ServiceRequest", "Device")
_NOT_FIT = ("unsatisfactory", "entered-in-error")
# Elements that say what was measured: whoever can't read them doesn't know.
_OF_SPECIMEN = ("specimen", "bodySite", "focus")


class Belonging(NamedTuple):
    """What is around a result. `hints` are names of other materials than blood that something around it holds."""

    subject: fhir.Reference | None
    on: str | None
    status: str | None
    specimen: str | None
    doubt: str | None = None
    hints: tuple[str, ...] = ()


class Holders:
    """Which panels and reports hold each result."""

    def __init__(self, shared: Shared) -> None:
        self.index, self.words = shared.index, shared.words
        self._reports: dict[str, list[Place]] = {}
        self._panels: dict[str, Place] = {}
        for place in self.index.places:
            if place.type == "DiagnosticReport":
                for found in filter(None, (self.index.find(each, place) for each in place.resource.result)):
                    self._reports.setdefault(found.where, []).append(place)
            elif place.type == "Observation" and (members := members_of(place.resource)):
                for found in filter(None, (self.index.find(each, place) for each in members)):
                    self._panels.setdefault(found.where, place)
        self._lone = self._without_specimens()

    def _without_specimens(self) -> set[tuple[str | None, ...]]:
        """The tests of each patient whose every result names a specimen that isn't here: its system exports none."""
        lost: set[tuple[str | None, ...]] = set()
        others: set[tuple[str | None, ...]] = set()
        seen = [place for place in self.index.places if place.type == "Observation"]
        if not any(place.resource.specimen for place in seen):
            return lost
        for place in seen:
            named = listed(place.resource.specimen)
            test = self._test_of(place.resource)
            if named and all(_is_lost(each, self.index.find(each, place)) for each in named):
                lost.add(test)
            else:
                others.add(test)
        return lost - others

    def _test_of(self, of: Holder) -> tuple[str | None, ...]:
        """Whose test it is: the analyte, however it is written, or else its name and codes."""
        about = of.subject.reference if of.subject else None
        text, codings = coded(of.code)
        tests = (self.words.test(each, codings) for each in (*names_of(of.code), None))
        analyte = next((test.analyte for test in tests if test.analyte), None)
        return (about, analyte) if analyte else (about, text, *(f"{each.system}|{each.code}" for each in codings))

    def of(self, place: Place) -> Belonging:
        """What is around one Observation."""
        seen: fhir.Observation = place.resource
        chain = [place, *self._above(place)]
        reports = next((found for each in chain if (found := self._reports.get(each.where))), [])
        if len(chain) == 1 and not reports and _is_plain(seen, place):
            return Belonging(_subject(seen.subject), moment(seen) or seen.issued, seen.status, None)
        live = [each for each in reports if each.resource.status not in NEVER_COUNTS]
        held: list[Place] = [*chain, *live]
        status, withdrawn = _status(chain, reports)
        specimen, unfit = self._specimen(chain, live)
        subject = next((found for each in held if (found := _subject(each.resource.subject))), None)
        doubt = withdrawn or unfit or self._of_others(held, subject)
        return Belonging(subject, self._moment(chain, live), status, specimen, doubt, self._hints(chain, live))

    def said_around(self, place: Place) -> list[str]:
        """The names of the panels and reports that hold a result, and what they say in words."""
        chain = [place, *self._above(place)]
        reports = [each for found in chain for each in self._reports.get(found.where, ())]
        held: list[Holder] = [each.resource for each in (*chain[1:], *reports)]
        words = (text for each in held for text in (*names_of(each.code), *texts_in(getattr(each, "conclusion", None))))
        return [*words, *(note for each in held for note in notes_of(each))]

    def _above(self, place: Place) -> Iterator[Place]:
        """The panels that a result stands in, the nearest first."""
        for _ in range(_DEEPEST):
            above = self._panels.get(place.where)
            if above is None or above.where == place.where:
                return
            yield (place := above)

    def _moment(self, chain: Sequence[Place], reports: Sequence[Place]) -> str | None:
        """When the sample was taken, by the nearest that says so; reports that contradict each other say nothing."""
        for each in chain:
            drawn = (collected(found) for found in self._specimens(each))
            if on := moment(each.resource) or next(filter(None, drawn), None):
                return on
        return (
            agreed(moment(each.resource) for each in reports)
            or agreed(collected(found) for each in reports for found in self._specimens(each))
            or next((each.resource.issued for each in chain if each.resource.issued), None)
            or agreed(each.resource.issued for each in reports)
        )

    def _specimens(self, place: Place) -> Iterator[fhir.Specimen]:
        for each in listed(place.resource.specimen):
            found = self.index.find(each, place)
            if found is not None and found.type == "Specimen":
                yield found.resource

    def _specimen(self, chain: Sequence[Place], reports: Sequence[Place]) -> tuple[str | None, str | None]:
        """What was measured, in the words of the nearest that says it, and why it wasn't fit to be measured."""
        for level in (*([each] for each in chain), reports):
            said: list[str] = []
            unfit: list[str] = []
            for each in level:
                for words, doubt in self._said_of_specimen(each):
                    said += [words] if words else []
                    unfit += [doubt] if doubt else []
            if said or unfit:
                return "; ".join(dict.fromkeys(said)) or None, next(iter(unfit), None)
        return None, None

    def _said_of_specimen(self, place: Place) -> Iterator[tuple[str | None, str | None]]:
        """The words for each specimen of an Observation or a report, and why it isn't fit; then the body site."""
        for reference in listed(place.resource.specimen):
            found = self.index.find(reference, place)
            if found is not None and found.type == "Specimen":
                yield self._words_of(found, reference, 0), self._unfit(found, place)
            elif reference.display or self._test_of(place.resource) not in self._lone:
                yield reference.display or _lost(reference), None
            else:
                yield None, "" if place.type == "Observation" else None
        site = specimen_in_words(place.resource.bodySite) if isinstance(place.resource, fhir.Observation) else None
        if site and not self.words.is_no_site(site):
            yield site, None
        for each in place.damage:
            if each.element in _OF_SPECIMEN and not each.is_read:
                yield f"unreadable: {each.found}", None

    def _words_of(self, place: Place, reference: fhir.Reference | None, depth: int) -> str:
        """What a Specimen says that it is: its type, its site, and what it was made from."""
        specimen: fhir.Specimen = place.resource
        of = specimen.collection.bodySite if specimen.collection else None
        site = in_words(of) or in_words(of.concept if of else None)
        said = [in_words(specimen.type), *self._also(specimen.type)]
        said += [site] if site and not self.words.is_no_site(site) else []
        said += [reference.display if reference and not said[0] else None]
        for parent in listed(specimen.parent):
            found = self.index.find(parent, place)
            of_parent = parent.display
            if found is not None and found.type == "Specimen" and depth < _DEEPEST:
                of_parent = self._words_of(found, parent, depth + 1)
            if of_parent and (not said[0] or self.words.other_materials(of_parent)):
                said.append(of_parent)
        said += [f"unreadable: {each.found}" for each in place.damage if each.element == "type" and not each.is_read]
        return "; ".join(dict.fromkeys(filter(None, said))) or f"{place.id}, of no type"

    def _also(self, concept: fhir.Concept | None) -> list[str]:
        """The other names and codes of a type that mean another material than blood."""
        codings = [f"{each.system}|{each.code}" for each in coded(concept)[1] if each.code]
        return [each for each in (*names_of(concept)[1:], *codings) if self.words.other_materials(each)]

    def _unfit(self, found: Place, holder: Place) -> str | None:
        specimen: fhir.Specimen = found.resource
        mine, theirs = _subject(holder.resource.subject), _subject(specimen.subject)
        if mine and theirs and not self._same(mine, theirs):
            return "other_person"
        conditions = [said for each in listed(specimen.condition) for said in texts_in(each)]
        if specimen.status in _NOT_FIT or any(not self.words.is_sound(said) for said in conditions):
            return "spoiled"
        return None

    def _same(self, one: fhir.Reference, other: fhir.Reference) -> bool:
        """Whether two references mean one person; where one of them means nobody that is known, it is another."""
        of_one, of_other = self.index.named(one), self.index.named(other)
        return one == other or (of_one is not None and of_one == of_other)

    def _of_others(self, held: Sequence[Place], subject: fhir.Reference | None) -> str | None:
        """Whether a report or a panel is another person's, or the result is about somebody else or something else."""
        for each in held:
            theirs = _subject(each.resource.subject)
            if subject and theirs and not self._same(subject, theirs):
                return "other_person"
            for focus in getattr(each.resource, "focus", ()):
                kind = (focus.reference or "").rpartition("/")[0].rpartition("/")[2]
                if kind in _NOT_OF_OTHERS or (kind == "Patient" and subject and self._same(subject, focus)):
                    continue
                return "other_person"
        return None

    def _hints(self, chain: Sequence[Place], reports: Sequence[Place]) -> tuple[str, ...]:
        """Other materials that something around a result names: a report "Ascitic fluid cell count"."""
        found: dict[str, None] = {}
        for number, place in enumerate((*chain, *reports)):
            holder: Any = place.resource
            around: list[Any] = [getattr(holder, "method", None), holder.category]
            # What a result's own name says is read with its name, what the names of its holders say here.
            names = names_of(holder.code) if number or getattr(holder, "component", ()) else []
            for said in (*names, *(said for each in around for said in texts_in(each))):
                found |= dict.fromkeys(self.words.other_materials(said))
            for said in notes_of(holder):
                found |= dict.fromkeys(self.words.stated_materials(said))
        return tuple(found)


def members_of(seen: fhir.Observation) -> tuple[fhir.Reference, ...]:
    """The results of a panel."""
    return seen.hasMember or tuple(each.target for each in seen.related if each.target)


def specimen_in_words(concept: fhir.Concept | None) -> str | None:
    """A specimen in words, else its first code with its system: the same code means other things elsewhere."""
    text, codings = coded(concept)
    return text or next((f"{each.system}|{each.code}" for each in codings if each.code), None)


def _subject(reference: fhir.Reference | None) -> fhir.Reference | None:
    return reference if reference is not None and (reference.reference or reference.identifier) else None


def _is_plain(seen: fhir.Observation, place: Place) -> bool:
    """Whether nothing but the result itself says anything of it."""
    around = (seen.specimen, seen.bodySite, seen.method, seen.category, seen.note, seen.comment, seen.comments)
    return not (any(around) or seen.focus or seen.component or place.damage)


def _is_lost(reference: fhir.Reference, found: Place | None) -> bool:
    return found is None and not reference.display


def _lost(reference: fhir.Reference) -> str:
    return f"{reference.reference or 'a specimen without a name'}, which isn't here"


def _status(chain: Sequence[Place], reports: Sequence[Place]) -> tuple[str | None, str | None]:
    """The status of a result, and the doubt where what holds it was withdrawn and it was not."""
    own: str | None = chain[0].resource.status
    held = [*(each.resource.status for each in chain[1:]), *_of_one(reports)]
    withdrawn = next((status for status in held if status in NEVER_COUNTS), None)
    if withdrawn is None or own in NEVER_COUNTS:
        return own or next(filter(None, held), None), None
    return (own, "report_withdrawn") if own else (withdrawn, None)


def _of_one(reports: Sequence[Place]) -> Iterable[str | None]:
    """The status that several reports of one result give it: withdrawn where all of them are."""
    statuses = [each.resource.status for each in reports]
    return [each for each in statuses if each not in NEVER_COUNTS] or statuses[:1]
