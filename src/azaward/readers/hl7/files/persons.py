"""Who is who among the messages of one file, where no store knows the people: by number and authority.

The same number of the same authority is the same person, and so are numbers that one message gives to one person, that
a merge joins or that are linked. A number whose authority isn't said is that of a known authority only where the birth
dates agree.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise

from azaward.readers.hl7.notice import Identifier, Notice, Said
from azaward.record.identity import Number

_Key = tuple[str, str]


class Groups:
    """Things that belong together, joined pair by pair.

    >>> groups = Groups()
    >>> groups.join("a", "b"); groups.join("b", "c"); groups.of("c") == groups.of("a"), groups.of("d")
    (True, 'd')
    """

    def __init__(self) -> None:
        self._above: dict[Hashable, Hashable] = {}

    def of(self, thing: Hashable) -> Hashable:
        """The thing that stands for all that it is joined with."""
        while (above := self._above.get(thing, thing)) != thing:
            thing = above
        return thing

    def join(self, one: Hashable, other: Hashable) -> None:
        """Joins two things; the first stands for both."""
        first, second = self.of(one), self.of(other)
        if first != second:
            self._above[second] = first


def patient_ids(notices: Sequence[Notice]) -> dict[str, str]:
    """For each provisional id the patient id: the person's first number, with its authority where two share it."""
    groups = _joined(notices)
    numbers: dict[Hashable, list[Identifier]] = {}
    for _, said in _everybody(notices):
        numbers.setdefault(groups.of(said.provisional_id), []).extend(said.identifiers)
    named: dict[Hashable, str] = {}
    gone = {number for notice, said in _everybody(notices) for number in _obsolete(notice, said)}
    first = {
        person: next((number for number in found if number not in gone), next(iter(found), None))
        for person, found in numbers.items()
    }
    values = [number.value for number in first.values() if number]
    for notice, said in _everybody(notices):
        person = groups.of(said.provisional_id)
        number = first[person]
        if number is None:
            name = f"unnumbered, {notice.where}"
        elif values.count(number.value) > 1:
            name = f"{number.value} ({number.authority or notice.header.sender})"
        else:
            name = number.value
        named.setdefault(person, name)
    return {said.provisional_id: named[groups.of(said.provisional_id)] for _, said in _everybody(notices)}


def _everybody(notices: Sequence[Notice]) -> Iterator[tuple[Notice, Said]]:
    for notice in notices:
        for said in notice.people:
            yield notice, said


def _joined(notices: Sequence[Notice]) -> Groups:
    groups = Groups()
    held: dict[_Key, Said] = {}
    for notice, said in _everybody(notices):
        for key in _keys(notice, (*said.identifiers, *_obsolete(notice, said))):
            groups.join(held.setdefault(key, said).provisional_id, said.provisional_id)
    _without_authority(notices, groups)
    for pair in _linked(notices, groups):
        groups.join(*pair)
    return groups


def _obsolete(notice: Notice, said: Said) -> tuple[Identifier, ...]:
    return said.previous if notice.event in ("merge", "renumber") else ()


def _keys(notice: Notice, numbers: Sequence[Identifier]) -> Iterator[_Key]:
    for number in numbers:
        if number.is_personal:
            yield from ((Number(name, "").of, number.value) for name in number.authorities)
            if not number.authorities:
                yield (f"?{notice.header.sender}", number.value)


def _without_authority(notices: Sequence[Notice], groups: Groups) -> None:
    """Joins a number without authority with the same number of an authority, where the birth dates agree."""
    known: dict[tuple[str, str], set[str]] = {}
    for _, said in _everybody(notices):
        for number in said.identifiers:
            if number.authority and number.is_personal and said.birth_date:
                known.setdefault((number.value, said.birth_date[:10]), set()).add(said.provisional_id)
    for _, said in _everybody(notices):
        for number in said.identifiers:
            if number.authority is None and number.is_personal and said.birth_date:
                same = {groups.of(each) for each in known.get((number.value, said.birth_date[:10]), ())}
                if len(same) == 1:
                    groups.join(same.pop(), said.provisional_id)


def _linked(notices: Sequence[Notice], groups: Groups) -> set[tuple[Hashable, Hashable]]:
    """The pairs of people that are linked, and that no later message unlinks."""
    linked: dict[frozenset[Hashable], tuple[Hashable, Hashable]] = {}
    for notice in notices:
        if notice.event not in ("link", "unlink"):
            continue
        for one, other in pairwise(groups.of(said.provisional_id) for said in notice.people):
            linked.pop(frozenset((one, other)), None)
            if notice.event == "link":
                linked[frozenset((one, other))] = (one, other)
    return set(linked.values())
