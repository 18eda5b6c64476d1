"""What is known while a message is read: its sender's ways, the person it is about, and what it has brought so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from azaward.readers.hl7.codes import Codes
from azaward.readers.hl7.concepts import Concept, concept
from azaward.readers.hl7.notice import Correction, Header, Said
from azaward.readers.hl7.parts import Segment, Value
from azaward.readers.hl7.problems import Fault, Place, Problem, Severity
from azaward.readers.hl7.senders import ANY, Sender
from azaward.readers.hl7.times import iso
from azaward.readers.rows import RowReader
from azaward.readers.strengths import Strengths
from azaward.record.tables import TABLES, Cell

# Set aside, and of no weight for the sender.
_ONLY_COUNTED = ("unknown_analyte", "unknown_event", "unknown_column", "not_read", "uncounted", "partial_date")
_DOUBT = [column.name for column in TABLES["results"]].index("doubt")


@dataclass
class Reading:
    """A message that is being read. Rows go to `rows`, which several messages may share."""

    rows: RowReader
    codes: Codes
    header: Header
    where: str
    number: int = 1
    sender: Sender = ANY
    people: list[Said] = field(default_factory=list[Said])
    identities: dict[str, list[str | None]] = field(
        default_factory=lambda: {name: list[str | None]() for name in TABLES}
    )
    corrections: list[Correction] = field(default_factory=list[Correction])
    problems: list[Problem] = field(default_factory=list[Problem])
    ignored: Counter[str] = field(default_factory=Counter[str])

    @property
    def strengths(self) -> Strengths:
        """What reads the strength of a tablet."""
        return self.rows.strengths

    @property
    def patient_id(self) -> str | None:
        """The provisional id of the person whom the segments now read are about."""
        return self.people[-1].provisional_id if self.people else None

    def new_id(self) -> str:
        """The next person's provisional id."""
        return f"hl7:{self.number}:{len(self.people) + 1}"

    def place(self, place: Place) -> str:
        """A place as a row's origin or an item set aside names it."""
        return f"{self.where}, {place}"

    def iso(self, text: str | None) -> str | None:
        """A date or time in the sender's zone."""
        return iso(text, self.sender.timezone())

    def concept(self, value: Value | None) -> Concept:
        """A coded value, with the sender's own codes understood."""
        return concept(value, self.codes, self.sender)

    def problem(
        self, place: Place, what: str, why: str, fault: Fault = "other", severity: Severity = "warning"
    ) -> None:
        """Notes a problem for the acknowledgement."""
        self.problems.append(Problem(place, what, why, fault, severity))

    def aside(self, place: Place, what: str, why: str, kind: str = "unusable", fault: Fault = "data-type") -> None:
        """Sets an item of the current person aside, and tells the sender."""
        self.rows.aside(self.place(place), what, why, self.patient_id, kind)
        self.problem(place, what, why, fault)

    def add(self, table: str, row: Mapping[str, Any], place: Place, identity: str | None = None) -> None:
        """Adds a row for the current person; what the reader of rows sets aside is a problem too."""
        known = len(self.rows.rows[table])
        before = len(self.rows.set_aside)
        cells = {"patient_id": self.patient_id, "resource": identity, "version": self.header.at, **row}
        self.rows.add(table, cells, self.place(place))
        self.identities[table] += [identity] * (len(self.rows.rows[table]) - known)
        for item in self.rows.set_aside[before:]:
            if item.kind not in _ONLY_COUNTED:
                self.problem(place, item.what, item.why, "data-type")
        if table == "results" and not any(problem.place == place for problem in self.problems):
            self._tell(row, place, self.rows.rows[table][known:])

    def _tell(self, row: Mapping[str, Any], place: Place, added: Sequence[Sequence[Cell]]) -> None:
        """Tells the sender of a test that nobody here knows, and of a result that isn't believed."""
        name = row.get("analyte")
        if not added:
            why = "not known here, so not used. If it counts, name it in the sender's settings (codes)."
            self.problems.append(Problem(place, f"test {name!r}", why, "table-value", "warning", only_told=True))
        elif any(cells[_DOUBT] for cells in added):
            said = row.get("value") or row.get("text") or ""
            why = "not believed as it is written, so not used. Somebody here is asked; send it again if it is wrong."
            self.problems.append(Problem(place, f"{name} {said}".strip(), why, "data-type", "warning", only_told=True))

    def correct(
        self,
        kind: Literal["replace", "strike", "finalise", "stop", "hold", "release"],
        table: str,
        identity: str | None,
        why: str,
        place: Place,
        on: str | None = None,
        *,
        of_order: bool = False,
    ) -> None:
        """Notes what the message changes in earlier rows; without an identity there is nothing to find them by."""
        if identity is not None and self.patient_id is not None:
            where = self.place(place)
            self.corrections.append(Correction(kind, table, identity, self.patient_id, why, where, on, of_order))

    def order_identity(self, *numbers: tuple[Segment | None, int, str]) -> str | None:
        """The identity of an order from the first number that is there: segment, field, and a word for its kind.

        The authority is that of the number, or the sender's name; a filler's number has no word.
        """
        for segment, number, kind in numbers:
            values = segment.repetitions(number) if segment else ()
            if values and (name := values[0].text()):
                authority = values[0].text(2) or values[0].text(3) or self.header.sender
                return "|".join((authority, f"{kind}{name}".replace("|", "/"), ""))
        return None
