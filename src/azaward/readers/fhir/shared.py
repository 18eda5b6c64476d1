"""What the readers of all kinds of resources share: the index, the rows, and a concept in words and codes."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Any, TypeVar, cast

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.words import vocabulary as words
from azaward.readers.fhir import resources as fhir
from azaward.readers.fhir.index import Index, Place

T = TypeVar("T")
NEVER_COUNTS = ("entered-in-error", "cancelled", "not-done", "declined")

_TRANSLATION = "/StructureDefinition/translation"
_MARK = re.compile(r"<[/!a-zA-Z][^>]*>")


class Shared:
    """One reading: where resources are found, where rows go, and what was left out and is only counted."""

    def __init__(self, index: Index, knowledge: Knowledge) -> None:
        self.index = index
        self.rows = index.rows
        self.words = index.rows.words
        self.knowledge = knowledge
        self.usual_units = {(row.analyte, row.written): row for row in knowledge.tables["conversions"]}
        # The conditions that azathioprine treats, by patient, and how each is known.
        self.reasons: dict[str, dict[str, str]] = {}
        self._uncounted: dict[tuple[str, str], tuple[str, int]] = {}

    def uncount(self, place: Place, why: str) -> None:
        """Counts a resource that must not be used."""
        first, count = self._uncounted.get((place.type, why), (place.where, 0))
        self._uncounted[place.type, why] = (first, count + 1)

    def report_uncounted(self) -> None:
        """Sets aside, in one line for each reason, what was only counted."""
        for (kind, why), (where, count) in self._uncounted.items():
            more = f" and {count - 1} more" if count > 1 else ""
            self.rows.aside(where + more, kind, why, kind="uncounted")

    def report_damage(self, place: Place, patient_id: str) -> None:
        """Sets aside each element that had to be left out, and says of each that was read what it should have been."""
        for each in place.damage:
            done = "it was read as one" if each.is_read else "this element was left out, the rest was read"
            why, kind = f"expected {each.expected}: {done}. Correct it.", "partial" if each.is_read else "unusable"
            what = f"{place.type} {each.element}: {each.found}"
            self.rows.aside(f"{place.where}.{each.place}", what, why, patient_id, kind)


def coded(concept: fhir.Concept | None) -> tuple[str | None, tuple[words.Coding, ...]]:
    """The text of a concept, else its first display; and its codings."""
    if concept is None:
        return None, ()
    codings = tuple(words.Coding.of(coding.system, coding.code) for coding in concept.coding)
    text = concept.text or next((coding.display for coding in concept.coding if coding.display), None)
    return text, codings


def names_of(concept: fhir.Concept | None) -> list[str]:
    """The text and the displays of a concept, each once."""
    if concept is None:
        return []
    return [*dict.fromkeys(name for name in (concept.text, *(coding.display for coding in concept.coding)) if name)]


def translations_of(concept: fhir.Concept | None) -> list[str]:
    """What the text and the displays of a concept are in other languages."""
    if concept is None:
        return []
    beside = [each for each in (concept.translated, *(coding.translated for coding in concept.coding)) if each]
    ours = [each for one in beside for each in one.extension if each.url.endswith(_TRANSLATION)]
    said = [part.valueString or part.valueMarkdown for each in ours for part in each.extension if part.url == "content"]
    return [*dict.fromkeys(each for each in said if each)]


def in_words(concept: fhir.Concept | None) -> str | None:
    """A concept as one text: what it says, else its first code."""
    names = names_of(concept)
    if names or concept is None:
        return next(iter(names), None)
    return next((code for coding in concept.coding if (code := coding.code.strip())), None)


def texts_in(node: Any) -> list[str]:
    """Every text of an element, whatever its shape: its words, else its codes.

    >>> texts_in([{"text": "Clotted"}, {"coding": [{"code": "HEM"}]}])
    ['Clotted', 'HEM']
    """
    if isinstance(node, str):
        return [node] if node.strip() else []
    if isinstance(node, fhir.Concept):
        codes = [each.code for each in node.coding if each.code and not each.display]
        return [*names_of(node), *([] if node.text else codes)]
    if isinstance(node, dict):
        held = cast(dict[str, Any], node)
        words = [said for name in ("text", "display", "coding") for said in texts_in(held.get(name))]
        return words or texts_in(held.get("code"))
    if isinstance(node, list | tuple):
        return [said for each in cast(Iterable[Any], node) for said in texts_in(each)]
    return []


def notes_of(holder: Any) -> list[str]:
    """What somebody wrote beside a result, an allergy or a report, in any version of FHIR."""
    notes = (getattr(holder, name, None) for name in ("note", "comment", "comments"))
    return [said for note in notes if note is not None for said in texts_in(note)]


def narrative_of(holder: Any) -> list[str]:
    """The narrative of a resource without its marks, in one text; none where there is none.

    >>> narrative_of(fhir.DiagnosticReport(text={"div": "<div><p>Neutrophils</p><p>0.3</p></div>"}))
    ['Neutrophils 0.3']
    """
    text = cast(dict[str, Any], holder.text).get("div") if isinstance(holder.text, dict) else None
    said = unmarked_text(text) if isinstance(text, str) else ""
    return [said] if said else []


def unmarked_text(text: str) -> str:
    """A text without its HTML marks and empty lines.

    >>> unmarked_text("<p>Neutrophils</p><p>0.3 &lt; 1</p>")
    'Neutrophils 0.3 < 1'
    """
    lines = (" ".join(line.split()) for line in html.unescape(_MARK.sub(" ", text)).splitlines())
    return "\n".join(line for line in lines if line)


def codes_of(concept: fhir.Concept | str | None) -> set[str]:
    """The codes of a concept, or the code that older versions of FHIR have in its place."""
    if concept is None:
        return set()
    return {concept} if isinstance(concept, str) else {coding.code for coding in concept.coding}


def listed(of: tuple[T, ...] | T | None) -> tuple[T, ...]:
    """What stands in a list, where one may stand alone.

    >>> listed("one"), listed(("one", "other")), listed(None)
    (('one',), ('one', 'other'), ())
    """
    return () if of is None else cast("tuple[T, ...]", of) if isinstance(of, tuple) else (of,)
