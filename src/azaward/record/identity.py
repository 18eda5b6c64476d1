"""Who the people of a record are: names, birth dates and numbers, kept apart from the six tables.

The six tables identify a person by an id only and contain no name. What shows that two records are about one person is
here. Only the store keeps it, encrypted, and none of it reaches a rule.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_NOT_WORD = re.compile(r"[\W_]+")
# What stands where a number or a name isn't known.
_NO_NUMBER = ("", "0", "unknown", "unk", "na", "none", "nil", "null", "tbc", "test", "unbekannt", "inconnu", "pending")
_NO_NAME = frozenset(("unknown", "unbekannt", "inconnu", "desconocido", "anonymous", "test", "patient", "name", "no"))
_SHORT = 3
_ADDRESS = re.compile(r"^(?:https?://)?(?:www\.)?|^urn:oid:|/+$")


class Number(NamedTuple):
    """A number by which somebody knows a person: who gave it, and the number as written."""

    authority: str
    value: str

    @property
    def of(self) -> str:
        """The authority however it is written: by http or https, with a slash, as an OID.

        >>> Number("urn:oid:1.2.3", "").of == Number("1.2.3", "").of, Number("HTTPS://a.example/id/", "").of
        (True, 'a.example/id')
        """
        return _ADDRESS.sub("", self.authority.strip().casefold())

    @property
    def normal(self) -> str:
        """The number without spaces, hyphens, dots and case.

        >>> Number("https://fhir.nhs.uk/Id/nhs-number", "999 000 0018").normal
        '9990000018'
        """
        return _NOT_WORD.sub("", self.value).casefold()

    @property
    def is_placeholder(self) -> bool:
        """Whether it stands where nobody knew a number: "UNKNOWN", "999-99-9999".

        >>> Number("", "999-99-9999").is_placeholder, Number("", "n/a").is_placeholder, Number("", "77").is_placeholder
        (True, True, False)
        """
        return self.normal in _NO_NUMBER or (len(self.normal) > _SHORT and len({*self.normal}) == 1)


@dataclass(frozen=True)
class Identity:
    """What one record says of who a person is, and where it says so."""

    patient_id: str
    where: str
    numbers: tuple[Number, ...] = ()
    names: tuple[str, ...] = ()
    birth_date: dt.date | None = None
    sex: str = "unknown"


@dataclass(frozen=True)
class Pair:
    """Two ids that may be of one person, what speaks for it, and what against."""

    one: str
    other: str
    why: str
    against: str = ""


@dataclass(frozen=True)
class Same:
    """Which ids are one person: each id that is given up, with the one that is kept; and who may be one person."""

    kept: Mapping[str, str] = field(default_factory=dict[str, str])
    pairs: tuple[Pair, ...] = ()

    def of(self, patient_id: str) -> str:
        """The id that is kept for an id."""
        while patient_id in self.kept:
            patient_id = self.kept[patient_id]
        return patient_id


def normal_name(name: str) -> str:
    """A name without case, accents and punctuation, its words in order of the alphabet.

    >>> normal_name("O'Brien, Renée") == normal_name("renee obrien")
    True
    """
    decomposed = unicodedata.normalize("NFKD", name.replace("'", "").replace("’", ""))
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()
    return " ".join(sorted(_NOT_WORD.sub(" ", bare).split()))


def is_name(name: str) -> bool:
    """Whether a name in its normal form is that of somebody, and not a word where nobody knew it.

    >>> is_name(normal_name("Unknown Patient")), is_name(normal_name("Renée O'Brien"))
    (False, True)
    """
    return bool(set(name.split()) - _NO_NAME)


def same_people(
    identities: Iterable[Identity],
    links: Iterable[tuple[str, str]] = (),
    trusted: Collection[str] | Mapping[str, str] = (),
) -> Same:
    """Who is one person: by a link (given up, kept), or by a trusted number and the same birth date.

    A shared number from an authority that isn't trusted, or with a different birth date or sex, makes a pair for people
    to decide about. A mapping of trusted systems gives each the number that it is: two systems of one number are one.

    >>> day, number = dt.date(1975, 4, 2), Number("urn:hospital", "77")
    >>> two = [Identity(id, "", (number,), birth_date=day) for id in ("a", "b")]
    >>> same_people(two).pairs[0].one, same_people(two, trusted=["urn:hospital"]).kept
    ('a', {'b': 'a'})
    """
    everyone = list(identities)
    number_of = trusted if isinstance(trusted, Mapping) else {each: each for each in trusted}
    sure_of = {Number(system, "").of: number for system, number in number_of.items()}
    by_id: dict[str, Identity] = {}
    for each in everyone:
        by_id.setdefault(each.patient_id, each)
    kept: dict[str, str] = {}
    pairs: dict[tuple[str, str], Pair] = {}

    def root(patient_id: str) -> str:
        while patient_id in kept:
            patient_id = kept[patient_id]
        return patient_id

    def decide(given_up: str, keep: str, why: str, sure: bool) -> None:
        one, other = root(keep), root(given_up)
        if one == other:
            return
        against = _against(by_id.get(given_up), by_id.get(keep))
        if sure and not against:
            kept[other] = one
        else:
            pairs.setdefault((min(one, other), max(one, other)), Pair(one, other, why, against))

    for given_up, keep in links:
        decide(given_up, keep, "one record links to the other", sure=True)
    holders: dict[tuple[str, str], Identity] = {}
    for each in everyone:
        for number in each.numbers:
            if number.is_placeholder:
                continue
            first = holders.setdefault((sure_of.get(number.of, number.of), number.normal), each)
            if first.patient_id != each.patient_id:
                known = first.birth_date is not None and first.birth_date == each.birth_date
                why = f"both have the same number of {number.authority or 'an authority that is not named'}"
                decide(each.patient_id, first.patient_id, why, sure=known and number.of in sure_of)
    still = [pair for pair in pairs.values() if root(pair.one) != root(pair.other)]
    return Same(kept, tuple(still))


def _against(one: Identity | None, other: Identity | None) -> str:
    """What speaks against two records being of one person."""
    if one is None or other is None:
        return ""
    said: list[str] = []
    if one.birth_date and other.birth_date and one.birth_date != other.birth_date:
        said.append("their birth dates differ")
    if "unknown" not in (one.sex, other.sex) and one.sex != other.sex:
        said.append("their sex differs")
    return " and ".join(said)
