"""Whose a message is, and what it says of who people are: numbers, names, records that are joined.

A person is known by a number of an authority that the sender's settings trust, of a nation, or by the clinic's own id.
Where two records turn out to be of one person they are joined, unless somebody has parted them: then people are asked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.engine import Connection

from azaward.knowledge import Knowledge
from azaward.readers.hl7.ack import nobody_known, unknown_person
from azaward.readers.hl7.notice import Identifier, Notice, Said
from azaward.readers.hl7.people import MERGES, identities, nations_of, numbers_of
from azaward.readers.hl7.problems import Place, Problem
from azaward.record.identity import Identity, Number
from azaward.record.tables import TABLES, Cell, Record
from azaward.store.care import likeness, merges, people, records
from azaward.store.care.likeness import Described, agree
from azaward.store.care.rows import By
from azaward.store.keys import Keys

# Messages about who people are: of somebody unknown they say nothing that matters here.
ABOUT_PEOPLE = ("register", "update", "merge", "renumber", "link", "unlink", "apart", "delete")
STATE_ONLY = ("discharge", "cancel-admit", "cancel-discharge", "other")
# What the program never decides: somebody has to say what belongs to whom.
_BY_PEOPLE = ("unlink", "apart")
_PATIENT = [column.name for column in TABLES["patients"]]


@dataclass
class Taken:
    """What a batch of messages comes to."""

    record: Record = field(default_factory=lambda: Record.of({}))
    answers: dict[int, bytes] = field(default_factory=dict[int, bytes])
    touched: set[str] = field(default_factory=set[str])
    rows: int = 0
    # Where in the messages it stands that a row was found which they change.
    met: set[str] = field(default_factory=set[str])


@dataclass(frozen=True)
class Why:
    """Why nobody is known: as the tray says it, and as the sender is told; `unclear` where somebody might be meant."""

    said: str
    told: str
    unclear: bool = True


_NOBODY = Why("no known patient has its number", "no known patient has this number", unclear=False)
_NO_NUMBER = Why("it has no patient number", "without a patient number nobody can be identified", unclear=False)


@dataclass
class Found:
    """The patient of each person in a message, why it waits for somebody, and what its sender is told of that."""

    ids: dict[str, str] = field(default_factory=dict[str, str])
    waits: str = ""
    problems: list[Problem] = field(default_factory=list[Problem])


class Who:
    """The people of some messages, as the clinic knows them."""

    def __init__(self, connection: Connection, clinic_id: str, keys: Keys, knowledge: Knowledge) -> None:
        self.connection, self.clinic_id, self.keys = connection, clinic_id, keys
        self.knowledge = knowledge
        self._nations = nations_of(knowledge)
        self._whose: dict[Number, set[str]] = {}
        self._born: dict[str, set[tuple[dt.date | None, str]]] = {}
        self._to_keep: list[Identity] = []

    def ask(self, notices: Sequence[Notice]) -> None:
        """Looks up, for all messages at once, who has their numbers."""
        asked: set[Number] = set()
        # Numbers that are the clinic's own patient ids, by the sender's settings.
        own: dict[str, Number] = {}
        for notice in notices:
            for each in (one for said in notice.people for one in (*said.identifiers, *said.previous)):
                is_own = notice.patient_ids is not None and _is_of(each.authorities, {notice.patient_ids})
                numbers = self._numbers(each) if each.is_personal or is_own else []
                asked |= set(numbers)
                if is_own and numbers:
                    own[each.value] = numbers[0]
        self._whose = people.holders(self.connection, self.clinic_id, asked, self.keys)
        root = merges.roots(self.connection, self.clinic_id)
        for one in people.known(self.connection, self.clinic_id, sorted(own)):
            self._whose.setdefault(own[one], set()).add(root(one))
        self.learn({one for ids in self._whose.values() for one in ids})

    def learn(self, patients: Iterable[str]) -> None:
        """Looks up birth dates and sexes, so that what a message says can be held against them."""
        of_each = merges.members(self.connection, self.clinic_id, sorted(patients))
        said = people.said_of(self.connection, self.clinic_id, sorted({one for ids in of_each.values() for one in ids}))
        for one, ids in of_each.items():
            self._born[one] = {each for other in ids for each in said.get(other, ())}

    def of(self, notice: Notice) -> Found:
        """The patients whom a message is about, and why it waits, if it does."""
        found, whys = Found(), dict[str, Why]()
        for said in notice.people:
            one, why = self._person(notice, said)
            if one is not None:
                found.ids[said.provisional_id] = one
            else:
                whys[said.provisional_id] = why
        unclear = any(why.unclear for why in whys.values())
        if notice.event == "link" and len(set(found.ids.values())) == 1 and whys and not unclear:
            # The unknown number is one more of the person whom it is linked with.
            found.ids |= dict.fromkeys(whys, next(iter(found.ids.values())))
            whys = {}
        if notice.event in STATE_ONLY:
            return found
        if notice.event in _BY_PEOPLE and (found.ids or unclear or self._has(notice)):
            found.waits = f"{notice.event}: somebody has to decide what belongs to whom"
            found.ids = {}
            found.problems.append(unknown_person("somebody here has to decide what belongs to whom"))
        elif unclear or (whys and self._waits(notice, found)):
            found.waits = "; ".join(dict.fromkeys(why.said for why in whys.values()))
            found.problems += [unknown_person(told) for told in dict.fromkeys(why.told for why in whys.values())]
        elif whys:
            joins = notice.event in (*MERGES, "link")
            told = [_nothing_joined()] if joins else [nobody_known(why.told) for why in whys.values()]
            found.problems += dict.fromkeys(told)
        return found

    def _waits(self, notice: Notice, found: Found) -> bool:
        """Whether somebody unknown is of weight: not in messages about who people are, unless the settings say so."""
        new = notice.event == "register" and notice.newcomers == "tray"
        return new or notice.event not in ABOUT_PEOPLE or bool(found.ids)

    def _has(self, notice: Notice) -> bool:
        """Whether somebody here has one of the numbers, of whatever authority."""
        return any(self.holders((*said.identifiers, *said.previous)) for said in notice.people)

    def _person(self, notice: Notice, said: Said) -> tuple[str | None, Why]:
        """The patient who is meant; or None, and why nobody is known."""
        found = self._held(notice, said.identifiers)
        if notice.event in MERGES:
            before = self._held(notice, said.previous)
            sure = found or before
            unsure = self.holders(said.previous) - before - sure
            if unsure:
                return None, _untrusted("the number in MRG", unsure, said.previous)
            found = sure
        if len(found) != 1:
            return None, _several(found) if found else self._nobody(notice, said)
        one = next(iter(found))
        other = self._is_born_otherwise(one, said.birth_date)
        if other and (notice.event not in ABOUT_PEOPLE or notice.event in (*MERGES, "link")):
            return None, _other_birth(one)
        return one, _NOBODY

    def _is_born_otherwise(self, patient_id: str, born: str | None) -> bool:
        """Whether a birth date, as written, is none that stands of a patient."""
        days = [day.isoformat() for day, _ in self._born.get(patient_id, ()) if day]
        return bool(days and born and not agree(days, [born[:10]]))

    def _nobody(self, notice: Notice, said: Said) -> Why:
        """Why none of a person's numbers tells who it is."""
        personal = [each for each in said.identifiers if each.is_personal]
        if not personal:
            return _NO_NUMBER
        if held := self.holders(personal):
            return _untrusted("its number", held, personal)
        if not any(self._trusted(notice, each) for each in personal):
            told = f"this number is from {_authorities(personal)}, which the sender's settings here don't trust"
            return Why(told.replace("this number", "its number"), told, unclear=False)
        return _NOBODY

    def holders(self, identifiers: Iterable[Identifier]) -> set[str]:
        """The patients who have one of some numbers, of whatever authority."""
        numbers = (number for each in identifiers for number in self._numbers(each))
        return {one for number in numbers for one in self._whose.get(number, ())}

    def _held(self, notice: Notice, identifiers: Iterable[Identifier]) -> set[str]:
        """The patients who have one of some numbers, of an authority that is trusted."""
        sure = (number for each in identifiers if each.is_personal for number in self._trusted(notice, each))
        return {one for number in sure for one in self._whose.get(number, ())}

    def _trusted(self, notice: Notice, each: Identifier) -> list[Number]:
        """A number under each name of its authority, if the first is trusted; else under those that are."""
        nations = {authority for authority, _ in self._nations} | {*self._nations.values()}
        trusted = {*notice.trusted, notice.patient_ids, *nations} - {None}
        if _is_of(each.authorities[:1], trusted):
            return self._numbers(each)
        sure = [name for name in each.also if _is_of([name], trusted)]
        return [number for name in sure for number in self._numbers(replace(each, authority=name, also=()))]

    def _numbers(self, each: Identifier) -> list[Number]:
        """A number under the names by which its authority is known in every format."""
        return numbers_of([each], self._nations)

    def other_patients(self, notice: Notice, said: Said, than: str) -> set[str]:
        """The other patients who have a trusted number of a person."""
        return self._held(notice, said.identifiers) - {than}

    def described(self, notice: Notice, said: Said) -> Described:
        """What a message says of a person, in the words of the record."""
        rows = (dict(zip(_PATIENT, row, strict=True)) for row in notice.record.rows["patients"])
        sexes = (str(row["sex"]) for row in rows if row["patient_id"] == said.provisional_id and row["sex"])
        return likeness.of_message(said, next(sexes, None), numbers_of(said.identifiers, self._nations))

    def contradicts(self, row: Sequence[Cell], born: str | None) -> tuple[Cell, ...] | None:
        """What a row of `patients` says of birth date (`born` as written) and sex, if it contradicts the register's."""
        said = dict(zip(_PATIENT, row, strict=True))
        known = self._born.get(str(said["patient_id"]), set())
        sexes = {sex for _, sex in known if sex != "unknown"}
        other = self._is_born_otherwise(str(said["patient_id"]), born)
        bare = {
            "sex": said["sex"] if sexes and said["sex"] not in (None, "unknown", *sexes) else None,
            "birth_date": said["birth_date"] if other else None,
        }
        kept = ("patient_id", "resource", "version")
        if not any(bare.values()):
            return None
        return tuple(bare.get(name, said[name] if name in kept else None) for name in _PATIENT)

    def told(self, notice: Notice, ids: Mapping[str, str], taken: Taken, by: By) -> list[Problem]:
        """What a message says of who people are: names and numbers, which `keep` keeps, what is unknown from now on,
        and what is joined."""
        problems: list[Problem] = []
        each: list[Identity] = []
        sender = notice.header.sender
        for said in notice.people:
            one = ids.get(said.provisional_id)
            if one is None:
                continue
            gone = said.previous if notice.event in MERGES else ()
            given_up = sorted(self._held(notice, gone) - {one})
            parted = [other for other in given_up if not self._join(other, one, f"merged by {sender}", taken, by)]
            problems += [_parted(other, one) for other in parted]
            # A number that may be another person's isn't given to this one.
            known = replace(notice, people=(replace(said, previous=()) if parted else said,))
            each += identities(known, {said.provisional_id: one}, self.knowledge)
            if notice.event in ABOUT_PEOPLE and (emptied := said.deleted & {"birth_date", "sex"}):
                records.forget(self.connection, self.clinic_id, one, emptied, by)
                taken.touched.add(one)
            if said.died is False or said.deleted & {"died", "died_on"}:
                records.is_alive(self.connection, self.clinic_id, one, by)
                taken.touched.add(one)
        pair = list(dict.fromkeys(ids.values()))
        linked = notice.event == "link" and len(pair) == 2
        if linked and not self._join(pair[1], pair[0], f"linked by {sender}", taken, by):
            problems.append(_parted(pair[1], pair[0]))
        self._to_keep += each
        return problems

    def keep(self, by: By) -> None:
        """Keeps what the messages that were `told` say of who people are."""
        people.keep(self.connection, self.clinic_id, self._to_keep, self.keys, by)
        self._to_keep.clear()

    def _join(self, given_up: str, kept: str, why: str, taken: Taken, by: By) -> bool:
        """Joins two records; False where somebody has said that they are of two people, who is asked again."""
        root = merges.roots(self.connection, self.clinic_id)
        if root(given_up) == root(kept):
            return True
        taken.touched |= {given_up, kept}
        if merges.are_parted(self.connection, self.clinic_id, given_up, kept):
            merges.ask(self.connection, self.clinic_id, given_up, kept, why, by)
            return False
        merges.merge(self.connection, self.clinic_id, given_up, kept, why, by)
        return True


def _and(ids: Iterable[str]) -> str:
    return " and ".join(sorted(ids))


def _is_of(names: Iterable[str], authorities: Collection[str | None]) -> bool:
    """Whether one of some names is that of an authority, however it is written."""
    return bool({Number(name, "").of for name in names} & {Number(name, "").of for name in authorities if name})


def _authorities(identifiers: Sequence[Identifier]) -> str:
    return _and({each.authority or "an authority that isn't named" for each in identifiers})


def _several(found: set[str]) -> Why:
    said = f"its numbers belong to different patients: {_and(found)}"
    return Why(said, "these numbers belong to different patients")


def _other_birth(one: str) -> Why:
    said = f"its number belongs to {one}, whose birth date is different"
    return Why(said, "the birth date of the patient who has this number is different")


def _untrusted(which: str, found: set[str], identifiers: Sequence[Identifier]) -> Why:
    said = f"{which} is that of {_and(found)}, from {_authorities(identifiers)}, which is not trusted for this sender"
    told = f"{_authorities(identifiers)} is not trusted for this sender, so its number isn't taken for the patient's"
    return Why(said, told)


def _nothing_joined() -> Problem:
    why = "nobody here has either number, so nothing was kept."
    return Problem(Place("PID", 1, 3), "no known patient to join", why, "unknown-key", "warning")


def _parted(given_up: str, kept: str) -> Problem:
    why = "somebody here has said that they are two people, so they were not joined. Somebody will be asked again."
    return Problem(Place("MRG", 1, 1), f"{given_up} and {kept}", why, "other", "warning")
