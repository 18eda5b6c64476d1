"""What a concept of OMOP means in the words of the knowledge base.

A concept is understood by the code of its own vocabulary (LOINC, RxNorm, ATC, SNOMED, ICD-10, CVX), as the folder's
`concept` table gives it, then by its name; a product by its ingredients and a diagnosis by the nearest kind it is of
(`concept_ancestor`). Without those tables `omop_concepts.csv` knows the most important ids. Nothing is guessed: what
isn't understood is counted and reported.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from azaward.cohort.omop.source_words import QUALIFIES, SYSTEMS, WHAT, codings_of, is_elsewhere
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.units import convert
from azaward.knowledge.loading.words.reactions import ANY
from azaward.knowledge.loading.words.vocabulary import Coding, plain, vocabulary
from azaward.medicines.names import Taken, names
from azaward.readers.fhir import datatypes
from azaward.readers.fhir import resources as fhir
from azaward.readers.fhir.genes import Call, calls, is_piece, names_gene
from azaward.readers.rows import RowReader
from azaward.record.names import UNNAMED, is_recognised, unrecognised
from azaward.treatment import thiopurines

_ALLERGY = re.compile(r"(?:drug )?allergy to .+?|.+? allergy", re.I)


class Meaning(NamedTuple):
    """One thing that a concept means: `kind` is medicine, analyte, indication, or that of an event.

    `may_be` is what a medicine whose name isn't known may be.
    """

    kind: str
    code: str
    may_be: str | None = None


class Unit(NamedTuple):
    """The unit of a result; `concept` and `source` are its factor and shift as either gives it.

    Where the two contradict each other there is none, unless the values show that the one was converted into the other.
    """

    unit: str | None
    by_concept: str | None
    concept: tuple[float, float] | None
    source: tuple[float, float] | None
    contradicts: bool


class Measured(NamedTuple):
    """A test: what was measured, or (`doubtful`) what it only looks like."""

    analyte: str | None
    doubtful: bool = False


@dataclass(frozen=True)
class Concept:
    """A row of the folder's `concept` table."""

    id: int
    name: str
    vocabulary: str
    code: str
    is_ingredient: bool = False

    @property
    def codings(self) -> tuple[Coding, ...]:
        """Its code, where this knowledge base knows the code system."""
        system = SYSTEMS.get(self.vocabulary)
        return (Coding(system, self.code),) if system else ()


@dataclass(frozen=True)
class Concepts:
    """The concepts that a folder uses: by id, and with what each is a kind of, the nearest first."""

    by_id: Mapping[int, Concept] = field(default_factory=dict[int, Concept])
    above: Mapping[int, list[Concept]] = field(default_factory=dict[int, list[Concept]])

    @classmethod
    def of(cls, database: Any) -> Concepts:
        """Those of the table `used`."""
        about = "concept_id, concept_name, vocabulary_id, concept_code, concept_class_id"
        by_id = {
            row[0]: _concept(row)
            for row in database.execute(
                f"SELECT {about} FROM cdm_concept SEMI JOIN used ON concept_id = used.id WHERE concept_name IS NOT NULL"
            ).fetchall()
        }
        above: dict[int, list[Concept]] = defaultdict(list)
        seen: dict[int, Concept] = {}
        for kind, *row in database.execute(
            f"SELECT a.descendant_concept_id, {about} FROM cdm_concept_ancestor AS a "
            "JOIN cdm_concept ON concept_id = a.ancestor_concept_id "
            "SEMI JOIN used ON a.descendant_concept_id = used.id "
            "WHERE a.ancestor_concept_id <> a.descendant_concept_id AND concept_name IS NOT NULL "
            "ORDER BY a.descendant_concept_id, a.min_levels_of_separation, a.ancestor_concept_id"
        ).fetchall():
            above[kind].append(seen.setdefault(row[0], _concept(row)))
        return cls(by_id, above)


def _concept(row: Iterable[Any]) -> Concept:
    number, name, system, code, kind = row
    return Concept(number, name, system or "", code or "", kind == "Ingredient")


class OmopWords:
    """Look-ups from concepts, and what the source wrote beside them, to our words."""

    def __init__(self, concepts: Concepts, knowledge: Knowledge) -> None:
        self.words = vocabulary(knowledge)
        self.concepts = concepts
        self._knowledge = knowledge
        self._names = names(knowledge)
        self._rows = RowReader(knowledge)
        self._shipped = {(row.kind, row.concept_id): row.code for row in knowledge.tables["omop_concepts"]}
        self._shipped_ids = {number for _, number in self._shipped}
        self._thiopurines = frozenset(thiopurines(knowledge))
        self._limited = {row.analyte for row in knowledge.tables["floor"]}
        self._factors = {
            (row.analyte, row.written): (row.factor, row.offset) for row in knowledge.tables["conversions"]
        }

    def name(self, concept: int | None) -> str | None:
        """The name of a concept, as the folder or omop_concepts.csv has it."""
        if concept is None:
            return None
        if known := self.concepts.by_id.get(concept):
            return known.name
        return next(
            (row.name for row in self._knowledge.tables["omop_concepts"] if row.concept_id == concept),
            None,
        )

    def is_known(self, *concepts: int | None) -> bool:
        """Whether the folder's vocabulary, or omop_concepts.csv, has one of the concepts."""
        return any(each in self.concepts.by_id or each in self._shipped_ids for each in concepts)

    def drug(self, concept: int | None, source: int | None, text: str | None) -> list[Meaning]:
        """The ingredients of a product, or the vaccination that it is; else `unknown:` and its name."""
        for number in (concept, source):
            if number is not None and (meanings := self._drug(number)):
                return meanings
        if text:
            codings = codings_of(text)
            if found := self.words.events("vaccination", text, codings):
                return [Meaning(*each) for each in found]
            if meanings := self._medicines(text, codings):
                return meanings
        labels = [label for label in (self.name(concept), text, self.name(source)) if label]
        unnamed = unrecognised(f"concept {concept}") if concept else UNNAMED
        taken = self._names.of_names(labels) if labels else Taken((unnamed,))
        return [Meaning("medicine", each, taken.may_be) for each in taken.ingredients]

    def _medicines(self, text: str | None, codings: tuple[Coding, ...] = ()) -> list[Meaning]:
        """The ingredients, where they are known."""
        taken = self._names.of_record(text, codings)
        return [Meaning("medicine", each) for each in taken.ingredients] if taken.is_known else []

    def _names_thiopurine(self, label: str) -> bool:
        """Whether a thiopurine's name stands among the words of a label."""
        return not self._thiopurines.isdisjoint(self._names.of_record(label).ingredients)

    def _drug(self, number: int) -> list[Meaning]:
        if code := self._shipped.get(("medicine", number)):
            return [Meaning("medicine", code)]
        concept = self.concepts.by_id.get(number)
        if concept is None:
            return []
        if found := self.words.event("vaccination", None, concept.codings):
            return [Meaning(*found)]
        if found := self._medicines(None, concept.codings):
            return found
        above = self.concepts.above.get(number, [])
        parts = [self._ingredient(each) for each in above if each.is_ingredient]
        if any(is_recognised(part.code) for part in parts):
            return list(dict.fromkeys(parts))
        for each in above:
            if found := self.words.event("vaccination", None, each.codings):
                return [Meaning(*found)]
        groups = [part for each in above if each.vocabulary == "ATC" for part in self._medicines(None, each.codings)]
        if groups:
            return list(dict.fromkeys(groups))
        if found := self._medicines(concept.name):
            return found
        if found := self.words.event("vaccination", concept.name):
            return [Meaning(*found)]
        return list(dict.fromkeys(parts))

    def _ingredient(self, concept: Concept) -> Meaning:
        if code := self._shipped.get(("medicine", concept.id)):
            return Meaning("medicine", code)
        return Meaning("medicine", self._names.of_record(concept.name, concept.codings).ingredients[0])

    def test(self, concept: int | None, source: int | None, text: str | None) -> Measured:
        """What was measured. A concept that isn't understood is another test, whatever the source's word for it.

        It only looks like one of ours where concept and source disagree, or where a name holds more than the test's.
        """
        for number in (concept, source):
            if number is None:
                continue
            known = self.concepts.by_id.get(number)
            code = self._shipped.get(("analyte", number))
            code = code or (self.words.analyte(known.name, known.codings) if known else None)
            if code:
                return Measured(code, doubtful=bool(text and is_elsewhere(text)))
            if known:
                return self._looks_like(known.name, text)
        if not text:
            return Measured(None)
        code = self.words.analyte(text, codings_of(text))
        return Measured(code) if code else self._looks_like(text, None)

    def _looks_like(self, name: str, text: str | None) -> Measured:
        """What a test that isn't understood may be taken for, of those that a limit always watches."""
        if is_elsewhere(name) or (text and is_elsewhere(text)):
            return Measured(None)
        what = plain(WHAT.split(name, maxsplit=1)[0])
        candidates = (text, what, " ".join(word for word in what.split() if not QUALIFIES.fullmatch(word)))
        found = (self.words.analyte(candidate) for candidate in candidates if candidate)
        analyte = next((code for code in found if code in self._limited), None)
        return Measured(analyte, doubtful=analyte is not None)

    def happened(
        self,
        kind: str,
        concept: int | None,
        source: int | None,
        text: str | None,
        value: int | None = None,
        said: str | None = None,
    ) -> list[Meaning]:
        """The indication and the events that a diagnosis, procedure or observation stands for.

        `value` and `said` are what an observation says of it: an allergy to what.
        """
        found: list[Meaning] = []
        for number in (concept, source):
            if number is not None and (found := self._by_concept(kind, number, value, said)):
                break
        if text and not self.is_known(concept, source):
            allergy = self._allergy(text, value, said)
            found = [allergy] if allergy else list(self._meant(kind, text, codings_of(text), every=True))
        if not any(each.kind == "allergy" for each in found):
            names = (self.name(concept) or self.name(source), text, self.name(value), said)
            found += self._blamed(kind, *filter(None, names))
        return list(dict.fromkeys(found))

    def _blamed(self, kind: str, *names: str) -> Iterator[Meaning]:
        """The harm of a thiopurine that the words beside a concept tell of, by themselves or together."""
        for label in dict.fromkeys((*names, " ".join(names))):
            if self._names_thiopurine(label):
                for of_kind, code in self.words.events(kind, label):
                    if code.startswith(ANY):
                        yield Meaning("allergy" if code == ANY else of_kind, code)

    def _by_concept(self, kind: str, number: int, value: int | None, said: str | None) -> list[Meaning]:
        meanings: dict[str, Meaning] = {}
        if code := self._shipped.get(("indication", number)):
            meanings.setdefault("indication", Meaning("indication", code))
        if code := self._shipped.get(("event", number)):
            meanings.setdefault("event", Meaning(*code.split(":", 1)))
        if known := self.concepts.by_id.get(number):
            if allergy := self._allergy(known.name, value, said):
                return [allergy]
            for each in (known, *self.concepts.above.get(number, [])):
                for meaning in self._meant(kind, each.name, each.codings):
                    meanings.setdefault("indication" if meaning.kind == "indication" else "event", meaning)
        return list(meanings.values())

    def _meant(self, kind: str, name: str, codings: tuple[Coding, ...], every: bool = False) -> Iterator[Meaning]:
        """The indication and the event of a name; of the source's own words `every` event that they hold."""
        if indication := self.words.indication(name, codings):
            yield Meaning("indication", indication)
        found = self.words.events(kind, name, codings)
        yield from (Meaning(*event) for event in (found if every else found[:1]))

    def _allergy(self, name: str, value: int | None, said: str | None) -> Meaning | None:
        """An allergy to a medicine, which the name, the value or the words beside it name."""
        if not _ALLERGY.fullmatch(name.strip()):
            return None
        for text in (name, self.name(value), said):
            if text and (allergens := self._rows.allergens(text)):
                return Meaning("allergy", allergens[0])
            if text and (event := self.words.event("allergy", f"{text} allergy")):
                return Meaning(*event)
        return None

    def gene_calls(self, concept: int | None, text: str | None, said: str | None) -> list[Call]:
        """What a report of TPMT or NUDT15 says."""
        seen = fhir.Observation(code=self._as_fhir(concept, text), valueString=said)
        if is_piece(seen):
            return []
        found = calls(seen, self._knowledge)
        return [call for call in found if call.diplotype or call.phenotype or call.unread or call.asked]

    def names_gene(self, concept: int | None, text: str | None) -> bool:
        """Whether a measurement is of one of the two genes or their enzymes."""
        return names_gene(fhir.Observation(code=self._as_fhir(concept, text)))

    def _as_fhir(self, concept: int | None, text: str | None) -> fhir.Concept:
        known = self.concepts.by_id.get(concept) if concept is not None else None
        codings = (
            (datatypes.Coding(coding.system, coding.code, known.name) for coding in known.codings) if known else ()
        )
        return fhir.Concept(tuple(codings), known.name if known else text if concept is None else None)

    def unit(self, analyte: str, concept: int | None, text: str | None) -> Unit:
        """The unit of a result, and what concept and source say of it each."""
        known = self.concepts.by_id.get(concept) if concept is not None else None
        ucum = known.code if known and known.vocabulary == "UCUM" else self._shipped.get(("unit", concept or 0))
        by_concept = self._convert(analyte, ucum) if ucum else None
        by_text = self._convert(analyte, text) if text else None
        contradicts = bool(by_concept and by_text and by_concept != by_text)
        if contradicts:
            unit = None
        elif by_concept or concept is None:
            unit = ucum if by_concept else text
        else:
            # A unit that the concept names and that doesn't fit stays: the source's word doesn't overrule it.
            unit = ucum or (known.name if known else text if by_text else f"concept {concept}")
        return Unit(unit, ucum, by_concept, by_text, contradicts)

    def _convert(self, analyte: str, written: str) -> tuple[float, float] | None:
        if (analyte, written) not in self._factors and (factor := convert(analyte, written, self._knowledge)):
            self._factors[analyte, written] = factor
        return self._factors.get((analyte, written))

    def shipped(self, kind: str) -> dict[int, str]:
        """The concepts of omop_concepts.csv of one kind."""
        return {number: code for (of, number), code in self._shipped.items() if of == kind}
