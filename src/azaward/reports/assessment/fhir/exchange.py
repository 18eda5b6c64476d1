"""What every resource is made from, and the person it is about as the receiving system knows them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from azaward.assessment import Assessment, Finding, fingerprint
from azaward.knowledge import Knowledge
from azaward.reports.assessment.fhir.elements import UUIDS, Resource, clean, named
from azaward.reports.assessment.fhir.sources import Sources
from azaward.wording import Words

# A patient's numbers: who gave each (a system, an address) and the number itself.
Identifiers = Mapping[str, Sequence[tuple[str, str]]]
Kind = Literal["collection", "transaction"]

_ADDRESS = re.compile(r"https?://\S+/Patient/[A-Za-z0-9.\-]{1,64}")
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
# What has a meaning of its own in a search.
_SPECIAL = re.compile(r"([\\,$|])")


@dataclass(frozen=True)
class Decided:
    """What somebody decided about a finding: in their words, who and on which day (ISO)."""

    words: str
    by: str
    on: str


@dataclass(frozen=True)
class Exchange:
    """An assessment, what it was made from, and how it is to be given.

    `decided` is by patient and by `azaward.assessment.fingerprint` of the finding.
    """

    assessment: Assessment
    knowledge: Knowledge
    sources: Sources
    identifiers: Identifiers = field(default_factory=dict[str, Sequence[tuple[str, str]]])
    decided: Mapping[tuple[str, str], Decided] = field(default_factory=dict[tuple[str, str], Decided])
    kind: Kind = "collection"

    @property
    def words(self) -> Words:
        """What tests and medicines are called."""
        return Words(self.knowledge)

    @property
    def day(self) -> str:
        """The day of the assessment."""
        return self.assessment.as_of.isoformat()

    def name(self, kind: str, patient_id: str, *said: str) -> str:
        """The name of a resource about a patient: the same on another day, too, while what it says is the same."""
        number = "|".join(next(iter(self.identifiers.get(patient_id, ())), ()))
        return named(kind, patient_id, number, *said)

    def decision(self, finding: Finding) -> Decided | None:
        """What was decided about a finding."""
        return self.decided.get((finding.patient_id, fingerprint(finding)))

    def person(self, patient_id: str) -> Resource:
        """The patient: by their numbers where known, else by id; an id that FHIR has no room for as an identifier."""
        numbers = self.identifiers.get(patient_id, ())
        given: Resource = {"type": "Patient"} if numbers else {}
        if numbers:
            system, value = numbers[0]
            given["identifier"] = {"system": system, "value": clean(value)} if system else {"value": clean(value)}
            if self.kind == "transaction" and system:
                # Whoever has this number on the receiving server; it refuses the whole where that isn't one person.
                return {"reference": f"Patient?identifier={_search(system)}|{_search(value)}", **given}
        if _ADDRESS.fullmatch(patient_id):
            return {"reference": patient_id, **given}
        if _ID.fullmatch(patient_id):
            return {"reference": f"Patient/{patient_id}", **given}
        # An address that leads into no Bundle but the one that it came from is a number like any other.
        whose = {"system": UUIDS} if patient_id.startswith("urn:uuid:") else {}
        return given or {"identifier": {**whose, "value": clean(patient_id)}}


def _search(value: str) -> str:
    return quote(_SPECIAL.sub(r"\\\1", clean(value)), safe=":/")
