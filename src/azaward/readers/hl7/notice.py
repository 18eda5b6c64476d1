"""What a message says, in our words: who sent it, about whom, which rows it brings and which earlier ones it changes.

This is the seam between reading and keeping. A `Notice` holds no decision: whether a person is known, whether a row is
stored and who is told is for whoever keeps the records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from azaward.readers.hl7.problems import Problem
from azaward.record.tables import TABLES, Record

Event = Literal[
    "results",
    "orders",
    "vaccines",
    "register",
    "update",
    "merge",
    "renumber",
    "link",
    "unlink",
    "apart",
    "discharge",
    "cancel-admit",
    "cancel-discharge",
    "delete",
    "allergies",
    "other",
]
Outcome = Literal["accept", "error", "reject"]


@dataclass(frozen=True)
class Header:
    """What MSH says, as written. `sender` is `application|facility`."""

    sending: tuple[str, str] = ("", "")
    receiving: tuple[str, str] = ("", "")
    at: str | None = None
    type: str = ""
    event: str = ""
    control_id: str = ""
    processing: str = ""
    version: str = ""
    accept_ack: str = ""
    application_ack: str = ""
    charset: str = ""

    @property
    def sender(self) -> str:
        """The sender's name in an identity.

        >>> Header(sending=("LAB", "RIVERSIDE")).sender
        'LAB|RIVERSIDE'
        """
        return "|".join(self.sending)


@dataclass(frozen=True)
class Identifier:
    """A number of a person: CX-1, the authority that gave it (CX-4) and its type (CX-5, table 0203).

    `is_personal` is False for numbers of an account, a visit or an insurance, which several people may share. `also`
    has other names of the authority: its universal id beside its namespace, and the systems of the sender's settings.
    """

    value: str
    authority: str | None = None
    type: str | None = None
    is_personal: bool = True
    also: tuple[str, ...] = ()

    @property
    def authorities(self) -> tuple[str, ...]:
        """Every name of its authority; none where nobody is named.

        >>> Identifier("42", "HOSP", also=("1.2.3.4",)).authorities
        ('HOSP', '1.2.3.4')
        """
        return (*((self.authority,) if self.authority else ()), *self.also)


@dataclass(frozen=True)
class Name:
    """A person's name; `use` is its type (table 0200)."""

    family: str | None
    given: str | None = None
    use: str | None = None


@dataclass(frozen=True)
class Said:
    """What a message says about one person.

    Rows of this person have `provisional_id` as their patient id. None means that nothing was said; the names of
    fields in `deleted` were sent as `""`, which asks to remove what is held. `died` is False where the message says
    "not dead".
    `previous` are the numbers that a merge or a change of number makes obsolete (MRG).
    """

    provisional_id: str
    identifiers: tuple[Identifier, ...] = ()
    names: tuple[Name, ...] = ()
    birth_date: str | None = None
    sex: str | None = None
    died: bool | None = None
    died_on: str | None = None
    indication: str | None = None
    deleted: frozenset[str] = frozenset()
    previous: tuple[Identifier, ...] = ()


@dataclass(frozen=True)
class Correction:
    """What a message changes in rows that came before it.

    `replace`: rows of `identity` from earlier messages are superseded by this message's (`on`: only those of that day).
    `strike`: they never counted. `finalise`: a preliminary result is final. `stop` and `hold`: a medicine, from `on`.
    `release`: it goes on. With `of_order` every row of the order is meant. `why` is in words: corrected, deleted,
    wrong-patient, cancelled, not-obtained, value-deleted.
    """

    kind: Literal["replace", "strike", "finalise", "stop", "hold", "release"]
    table: str
    identity: str
    provisional_id: str
    why: str
    where: str
    on: str | None = None
    of_order: bool = False

    def means(self, identity: str | None) -> bool:
        """Whether a row of that identity is meant.

        >>> of_order = Correction("strike", "results", "LAB|17|", "p", "cancelled", "a.hl7", of_order=True)
        >>> of_order.means("LAB|17|NEUT|"), of_order.means("LAB|170|NEUT|"), of_order.means(None)
        (True, False, False)
        """
        if identity is None:
            return False
        return identity.startswith(self.identity) if self.of_order else identity == self.identity


def order_of(identity: str) -> str:
    """The identity of the order of a result: all but its code and sub-id.

    >>> order_of("LAB|RIVERSIDE|17|751-8|")
    'LAB|RIVERSIDE|17|'
    """
    return identity.rsplit("|", 2)[0] + "|"


@dataclass(frozen=True)
class Notice:
    """A message in our words.

    `identities` has, for each table, the identity of each row of `record` or None, in the same order: for a result the
    sender or the authority of its order number, the order number, the code and the sub-id. `ignored` counts segments
    that azaward doesn't read, and whole messages of a type that it doesn't use. `trusted` are the authorities whose
    numbers its sender's settings trust.
    """

    where: str
    header: Header
    event: Event = "other"
    people: tuple[Said, ...] = ()
    record: Record = field(default_factory=lambda: Record.of({}))
    identities: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict[str, tuple[str | None, ...]])
    corrections: tuple[Correction, ...] = ()
    problems: tuple[Problem, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict[str, int])
    digest: str = ""
    trusted: tuple[str, ...] = ()
    # The authority whose numbers are the clinic's own patient ids.
    patient_ids: str | None = None
    # Whether a message about somebody new waits until a person is made of them.
    newcomers: Literal["pass", "tray"] = "pass"

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells whether a message was sent before: its sender, its control id, and all that follows its header."""
        return self.header.sender, self.header.control_id, self.digest

    @property
    def outcome(self) -> Outcome:
        """Whether it was understood, could not be understood, or is not for azaward."""
        if any(problem.rejects for problem in self.problems):
            return "reject"
        return "error" if any(problem.severity == "error" for problem in self.problems) else "accept"


def rename(record: Record, ids: Mapping[str, str]) -> Record:
    """The record with provisional patient ids replaced by those of known people; other ids stay.

    >>> record = Record.of({"patients": [{"patient_id": "hl7:1:1", "sex": "female"}]})
    >>> rename(record, {"hl7:1:1": "c001"}).patient_ids()
    ['c001']
    """
    rows = {table: [(ids.get(str(row[0]), row[0]), *row[1:]) for row in record.rows.get(table, [])] for table in TABLES}
    aside = [replace(item, patient_id=ids.get(item.patient_id or "", item.patient_id)) for item in record.set_aside]
    return Record(rows, aside)
