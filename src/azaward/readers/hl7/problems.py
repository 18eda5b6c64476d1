"""What is wrong with a message, and where in it: for the sender's acknowledgement and for the line that a person reads.

A problem never stops the reading of the other messages of a file, and hardly ever that of the same message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Words of HL7's table 0357 (what is wrong) and 0516 (how bad it is); `hl7_codes.csv` has their codes.
Fault = Literal[
    "segment-sequence",
    "missing",
    "data-type",
    "table-value",
    "cardinality",
    "other",
    "message-type",
    "event",
    "processing",
    "version",
    "unknown-key",
    "duplicate-key",
    "application",
]
Severity = Literal["error", "warning", "information"]


@dataclass(frozen=True)
class Place:
    """A place in a message: the third OBX is `Place("OBX", 3)`; fields, repetitions and components count from 1.

    >>> str(Place("OBX", 3, 5)), str(Place("PID", 1, 3, 2, 4)), str(Place("MSH"))
    ('OBX 3 field 5', 'PID field 3, repetition 2, component 4', 'MSH')
    """

    segment: str = "MSH"
    sequence: int = 1
    field: int | None = None
    repetition: int | None = None
    component: int | None = None

    def __str__(self) -> str:
        """As it is said to a person."""
        many = self.sequence > 1 or self.segment in _OFTEN
        parts = [f"{self.segment} {self.sequence}" if many else self.segment]
        parts += [f"field {self.field}"] if self.field else []
        said = " ".join(parts)
        said += f", repetition {self.repetition}" if (self.repetition or 1) > 1 else ""
        return said + (f", component {self.component}" if self.component else "")


# Segments of which a message usually holds several.
_OFTEN = ("OBX", "OBR", "ORC", "NTE", "SPM", "RXE", "RXO", "RXD", "RXA", "TQ1", "AL1", "IAM", "DG1")


@dataclass(frozen=True)
class Problem:
    """What was found, and what was expected or is to be done.

    An `error` means that the message, or one of its people, could not be understood; a `warning` that an item was set
    aside or read with care and the rest was kept. `rejects` marks a message that is not for azaward at all. What is
    `only_told` to the sender is known from the record too.

    >>> print(Problem(Place("PID", 1, 3), "no number", "expected at least one.", "missing").line("a.hl7 message 2"))
    a.hl7 message 2, PID field 3: no number; expected at least one.
    """

    place: Place
    what: str
    why: str
    fault: Fault = "other"
    severity: Severity = "error"
    rejects: bool = False
    only_told: bool = False

    def line(self, where: str) -> str:
        """One line with the place in the file or feed."""
        return f"{where}, {self.said()}"

    def said(self) -> str:
        """The same where its message is named beside it."""
        return f"{self.place}: {self.what}; {self.why}"


class UnreadableError(Exception):
    """A message whose segments can't be told apart or decoded; `problem` says why. Caught in this room."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem
