"""Turns Patients into rows of the table of patients, and tells which of them are one person.

Their names and numbers go to the record's identities, which only the store keeps.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from azaward.readers.fhir import resources as fhir
from azaward.readers.fhir.index import Place
from azaward.readers.fhir.shared import Shared
from azaward.record.dates import DateError, is_partial, read_day
from azaward.record.identity import Identity, Number, Pair, Same, is_name, normal_name, same_people

# `replaces` and `replaced-by` say it outright; the others say that there is another record of the same person.
_GIVEN_UP = ("replaced-by", "replace")
_OUT_OF_USE = ("old", "temp")


class People:
    """Reads who people are."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.index, self.rows = shared.index, shared.rows
        self._same = Same()

    def join(self, places: Sequence[Place]) -> None:
        """Gives one id to the records of one person, and tells which records may be of one."""
        patients = [place for place in places if place.type == "Patient"]
        identities = [_identity(place) for place in patients]
        links, pairs = self._links(places)
        systems = self.shared.knowledge.tables["number_systems"]
        trusted = {row.system: f"{row.name}, {row.country}" for row in systems}
        same = self._same = same_people(identities, links, trusted)
        where = {place.id: place.where for place in patients}
        for given_up, kept in same.kept.items():
            why = f"the same person as {same.of(kept)}: read as one record."
            self.rows.aside(where.get(given_up, ""), f"Patient {given_up}", why, same.of(kept), "joined")
        for pair in (*same.pairs, *pairs, *_alike(patients, identities)):
            self._ask(same.of(pair.one), same.of(pair.other), pair, where)
        self.index.rename(same.of)
        self.rows.identities += [replace(each, patient_id=same.of(each.patient_id)) for each in identities]

    def _ask(self, one: str, other: str, pair: Pair, where: Mapping[str, str]) -> None:
        """Tells each of two people that the other may be the same one."""
        if one == other:
            return
        against = f", but {pair.against}" if pair.against else ""
        told = f"they may be about one person: {pair.why}{against}. Decide whether they are."
        for mine in (one, other):
            self.rows.aside(where.get(mine, ""), f"{one} and {other}", told, mine, "may_be_one")

    def _links(self, places: Sequence[Place]) -> tuple[list[tuple[str, str]], list[Pair]]:
        """What resources say outright of records of one person: (given up, kept), and those for people to decide."""
        links: list[tuple[str, str]] = []
        pairs: list[Pair] = []
        for place in places:
            if place.type in ("Person", "Linkage"):
                joined: fhir.Linkage = place.resource
                references = [*(each.target for each in joined.link), *(each.resource for each in joined.item)]
                ids = [id for each in references if each and (id := self.index.patient(each.reference or ""))]
                pairs += [Pair(ids[0], each, f"a {place.type} links them") for each in ids[1:]]
            if place.type != "Patient":
                continue
            for link in place.resource.link:
                other = self.index.named(link.other) if link.other else None
                if other is None and link.other and (number := link.other.identifier):
                    other = f"{number.system or 'a number'} {number.value}"
                if other is None:
                    continue
                if other not in self.index.patients.values():
                    why = f"it links to {other} ({link.type}), which isn't here. Export both records together."
                    self.rows.aside(place.where, f"Patient {place.id}", why, place.id, "incomplete")
                elif link.type in _GIVEN_UP:
                    links.append((place.id, other))
                elif link.type == "replaces":
                    links.append((other, place.id))
                else:
                    pairs.append(Pair(place.id, other, "one record refers to the other"))
        return links, pairs

    def patient(self, place: Place) -> None:
        """One Patient."""
        patient: fhir.Patient = place.resource
        patient_id = self._same.of(place.id)
        if place.key:
            self.rows.resources[patient_id, place.key] = place.version
        self.shared.report_damage(place, patient_id)
        if patient_id != place.id:
            return
        row: dict[str, Any] = {
            "patient_id": patient_id,
            "birth_date": patient.birthDate,
            "sex": patient.gender,
            "indication": self._indication(patient_id, self.shared.reasons.get(patient_id, {}), place.where),
        }
        self.rows.add("patients", row, place.where)
        if patient.deceasedBoolean or patient.deceasedDateTime:
            event = {"kind": "condition", "code": "deceased", "started_on": patient.deceasedDateTime}
            self.rows.add("events", {"patient_id": patient_id, **event}, place.where)

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


def _identity(place: Place) -> Identity:
    """Who a Patient says that it is."""
    patient: fhir.Patient = place.resource
    numbers = [
        Number(each.system or "", each.value)
        for each in patient.identifier
        if each.value and each.use not in _OUT_OF_USE
    ]
    return Identity(
        place.id,
        place.where,
        tuple(numbers),
        tuple(dict.fromkeys(name for each in patient.name if (name := _name(each)))),
        _birth_date(patient.birthDate),
        (patient.gender or "unknown").casefold(),
    )


def _alike(patients: Sequence[Place], identities: Sequence[Identity]) -> list[Pair]:
    """Who may be one person by a number that one of them no longer uses, or by name and birth date alone.

    Two people of one name and birth date whose numbers of one kind differ are two people.
    """
    pairs: list[Pair] = []
    holders = {(each.of, each.normal): who.patient_id for who in identities for each in who.numbers}
    for place in patients:
        for old in place.resource.identifier:
            if old.value and old.use in _OUT_OF_USE:
                number = Number(old.system or "", old.value)
                holder = holders.get((number.of, number.normal), place.id)
                pairs += [Pair(holder, place.id, "one has a number that the other had")] if holder != place.id else []
    named: dict[tuple[str, dt.date], Identity] = {}
    for who in identities:
        for name in filter(is_name, map(normal_name, who.names)):
            first = named.setdefault((name, who.birth_date), who) if who.birth_date and " " in name else who
            if first.patient_id != who.patient_id and not _differ(first, who):
                pairs.append(Pair(first.patient_id, who.patient_id, "they have the same name and birth date"))
    return pairs


def _differ(one: Identity, other: Identity) -> bool:
    """Whether two people have different numbers of one authority, or a different sex, as twins may."""
    if "unknown" not in (one.sex, other.sex) and one.sex != other.sex:
        return True
    numbers = {each.of: each.normal for each in one.numbers if not each.is_placeholder}
    theirs = (each for each in other.numbers if not each.is_placeholder)
    return any(numbers.get(each.of, each.normal) != each.normal for each in theirs)


def _name(name: fhir.HumanName) -> str:
    family = [name.family] if isinstance(name.family, str) else name.family or []
    return " ".join([*name.given, *family]) or name.text or ""


def _birth_date(text: str | None) -> dt.date | None:
    """The day of birth; None for one that isn't complete, which proves nothing."""
    try:
        return None if not text or is_partial(text) else read_day(text)
    except DateError:
        return None
