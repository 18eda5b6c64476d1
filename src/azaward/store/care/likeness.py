"""What is known of who somebody is, and whether two descriptions can be of one person.

Birth date and sex are held against each other. Where one of them differs, somebody has to look before two records are
joined or a message is stored for a patient.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from azaward.errors import StoreError
from azaward.readers.hl7.notice import Said
from azaward.record.identity import Number
from azaward.store.care import merges, people
from azaward.store.keys import Keys

_UNKNOWN = (None, "", "unknown")


@dataclass(frozen=True)
class Described:
    """The birth dates and sexes that stand of somebody, and their numbers and names where the key opens them."""

    births: tuple[str, ...] = ()
    sexes: tuple[str, ...] = ()
    numbers: tuple[Number, ...] = ()
    names: tuple[str, ...] = ()

    def differs(self, other: Described) -> bool:
        """Whether both are said, and no birth date or no sex of the one is one of the other.

        >>> Described(("1980-01-02",), ("female",)).differs(Described(("1980-01",), ()))
        False
        >>> Described(("1980-01-02",), ("female",)).differs(Described(("1980-01-02",), ("male",)))
        True
        """
        sexes = bool(self.sexes and other.sexes and not {*self.sexes} & {*other.sexes})
        return sexes or bool(self.births and other.births and not agree(self.births, other.births))

    def who(self) -> str:
        """Birth date and sex, in words.

        >>> Described(("1980-01-02",), ("female",)).who(), Described().who()
        ('born 1980-01-02, female', 'birth date unknown, sex unknown')
        """
        born = f"born {' or '.join(self.births)}" if self.births else "birth date unknown"
        return f"{born}, {' or '.join(self.sexes) or 'sex unknown'}"

    def whole(self) -> str:
        """All that is known, in words.

        >>> Described(("1980-01-02",), (), (Number("HOSP", "42"),), ("Ada Sample",)).whole()
        'born 1980-01-02, sex unknown, number 42 of HOSP, Ada Sample'
        """
        numbers = (f"number {each.value} of {each.authority or 'an unnamed authority'}" for each in self.numbers)
        return ", ".join([self.who(), *numbers, *self.names])


def agree(births: Sequence[str], others: Sequence[str]) -> bool:
    """Whether one birth date may be another: of a partial one, what is said of it agrees.

    >>> agree(["1980-01-02"], ["1980-01"]), agree(["1980-01-02"], ["1980-01-03"])
    (True, False)
    """
    return any(one.startswith(other) or other.startswith(one) for one in births for other in others)


def of_message(said: Said, sex: str | None = None, numbers: Iterable[Number] = ()) -> Described:
    """What a message says of a person; `sex` in the words of the record."""
    births = (said.birth_date[:10],) if said.birth_date else ()
    names = tuple(" ".join(part for part in (name.given, name.family) if part) for name in said.names)
    return Described(births, () if sex in _UNKNOWN else (str(sex),), tuple(dict.fromkeys(numbers)), names)


def of_patient(connection: Connection, clinic_id: str, patient_id: str, keys: Keys | None = None) -> Described:
    """What stands of a patient under every id; numbers and names only with the keys."""
    ids = merges.ids_of(connection, clinic_id, patient_id)
    known = {each for said in people.said_of(connection, clinic_id, ids).values() for each in said}
    births = sorted({day.isoformat() for day, _ in known if day})
    sexes = sorted({sex for _, sex in known if sex not in _UNKNOWN})
    opened = people.of(connection, clinic_id, ids, keys) if keys else []
    numbers = dict.fromkeys(number for one in opened for number in one.numbers)
    names = dict.fromkeys(name for one in opened for name in one.names)
    return Described(tuple(births), tuple(sexes), tuple(numbers), tuple(names))


def check(what: str, one: tuple[str, Described], other: tuple[str, Described], although: str) -> None:
    """Refuses to take two for one person whose birth date or sex differs, unless somebody says that they looked."""
    if although.strip() or not one[1].differs(other[1]):
        return
    raise StoreError(
        f"{what}: {one[0]} is {one[1].who()}; {other[0]} is {other[1].who()}. Expected one person. "
        'If somebody has checked that it is one, give the reason with --although "REASON".'
    )
