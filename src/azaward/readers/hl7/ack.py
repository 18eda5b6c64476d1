"""Writes the acknowledgement of a message, in the sender's own version, delimiters and character set.

In original mode one answer says whether the message was stored and understood (AA), could not be understood (AE) or is
not for azaward (AR). In enhanced mode (MSH-15 or MSH-16 is filled in) a first answer says that it is safe (CA, CE, CR)
and a second one what became of it, each only if it is asked for. What a store decides later, such as that a person is
unknown, is a problem among those given here: AA with an ERR of severity W keeps the sender from halting or resending.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence

from azaward.readers.hl7.codes import Codes
from azaward.readers.hl7.notice import Header, Notice, Outcome
from azaward.readers.hl7.parts import Delimiters
from azaward.readers.hl7.problems import Place, Problem
from azaward.readers.hl7.segments import Raw, UnreadableError, split

# Between two answers to one message: the end of a frame and the beginning of the next.
BETWEEN = b"\x1c\r\x0b"
# The version from which an ERR has fields of its own for place, code and severity, and that of MSH-9's third part.
_ERR_OF_FIELDS = (2, 5)
_STRUCTURE = (2, 3, 1)
_LONGEST_ID = 20


def unknown_person(found: str = "no known patient has this number") -> Problem:
    """What a store adds where a message waits for somebody, and why: mostly because nobody known has its number.

    >>> unknown_person().severity, unknown_person().fault
    ('warning', 'unknown-key')
    """
    why = "kept in the tray of unmatched messages until somebody assigns it. Nothing needs to be sent again."
    return Problem(Place("PID", 1, 3), found, why, "unknown-key", "warning")


def nobody_known(found: str) -> Problem:
    """What a store adds where a message about a person says nothing of anybody known, so that nothing was kept.

    >>> nobody_known("no known patient has this number").severity
    'warning'
    """
    why = "nothing was kept. If the person is a patient here, import their record; messages are then stored for them."
    return Problem(Place("PID", 1, 3), found, why, "unknown-key", "warning")


def answer(content: bytes, notice: Notice, codes: Codes, at: dt.datetime, more: Sequence[Problem] = ()) -> bytes:
    """The answer to the message in `content`, unframed; `more` is what was found after it was read.

    In enhanced mode it may be two messages with `BETWEEN` between them, or nothing if none was asked for. The same
    message and moment give the same bytes; whoever keeps them answers a message that is sent again as the first time.
    """
    if codes.means("0076", notice.header.type) == "acknowledgement":
        return b""  # Two systems that acknowledged each other's acknowledgements would never end.
    problems = (*notice.problems, *more)
    outcome = _outcome(notice, more)
    writer = _Writer(content, notice.header, codes, at)
    accept, application = notice.header.accept_ack, notice.header.application_ack
    if not accept and not application:
        return writer.message(outcome, problems)
    found: list[bytes] = []
    # The message is on the disk by now: what could not be understood is for the second answer.
    commit = "commit-reject" if outcome == "reject" else "commit-accept"
    if _is_asked(codes, accept or "NE", outcome != "reject"):
        found.append(writer.message(commit, problems if outcome == "reject" else ()))
    if outcome != "reject" and _is_asked(codes, application or "NE", outcome == "accept"):
        found.append(writer.message(outcome, problems))
    return BETWEEN.join(found)


def in_short(answers: bytes) -> str:
    """The codes of an answer, and how much it remarks on, for a log.

    >>> in_short(b"MSH|^~&|\\rMSA|AA|7\\rERR||PID^1^3^1|204|W\\r"), in_short(b"")
    ('AA, 1 remark', 'no answer')
    """
    codes, remarks = list[str](), 0
    for message in split(answers).messages:
        lines = message.content.split(b"\r")
        field, repetition = lines[0][3:4], lines[0][5:6]
        codes += [line.split(field)[1].decode("ascii", "replace") for line in lines if line.startswith(b"MSA" + field)]
        remarks += sum(1 + line.count(repetition) for line in lines if line.startswith(b"ERR" + field))
    said = f", {remarks} remark{'' if remarks == 1 else 's'}" if remarks else ""
    return " and ".join(codes) + said if codes else "no answer"


def _outcome(notice: Notice, more: Sequence[Problem]) -> Outcome:
    if notice.outcome == "accept" and any(problem.severity == "error" for problem in more):
        return "error"
    return notice.outcome


def _is_asked(codes: Codes, condition: str, went_well: bool) -> bool:
    match codes.means("0155", condition):
        case "always":
            return True
        case "errors":
            return not went_well
        case "successes":
            return went_well
        case "never":
            return False
        case _:
            return True


class _Writer:
    """Writes in the manner of the message that is answered."""

    def __init__(self, content: bytes, header: Header, codes: Codes, at: dt.datetime) -> None:
        self.header, self.codes, self.at = header, codes, at
        raw = next(iter(split(content).messages), Raw(b""))
        try:
            self.signs = Delimiters.of(raw.content.partition(b"\r")[0].decode("ascii", "replace"))
        except UnreadableError:
            self.signs = Delimiters()
        said = codes.means("0211", header.charset)
        self.codec = said if said and said != "not-read" else "ascii"
        self.version = _version(header.version)

    def message(self, word: str, problems: Sequence[Problem]) -> bytes:
        """One acknowledgement; `word` is that of table 0008."""
        lines = [self._msh(word), self._msa(word, problems)]
        lines += self._errors(problems)
        return ("\r".join(lines) + "\r").encode(self.codec, "replace")

    def _msh(self, word: str) -> str:
        header, signs = self.header, self.signs
        kind = ["ACK", header.event] if header.event else ["ACK"]
        if header.event and self.version >= _STRUCTURE:
            kind.append("ACK")
        own = hashlib.sha256(f"{header.sender} {header.control_id} {word}".encode()).hexdigest()[:_LONGEST_ID].upper()
        fields = [
            "MSH",
            signs.encoding,
            *(self._text(each) for each in (*header.receiving, *header.sending)),
            self.at.strftime("%Y%m%d%H%M%S%z"),
            "",
            signs.component.join(self._text(part) for part in kind),
            own,
            self._text(header.processing) or "P",
            self._text(header.version) or "2.5",
            *([""] * 5),
            self._text(header.charset),
        ]
        return signs.field.join(fields).rstrip(signs.field)

    def _msa(self, word: str, problems: Sequence[Problem]) -> str:
        code = self.codes.code("0008", word)
        said = problems[0].what if problems and self.version < _ERR_OF_FIELDS else ""
        return self.signs.field.join(("MSA", code, self._text(self.header.control_id), self._text(said))).rstrip(
            self.signs.field
        )

    def _errors(self, problems: Sequence[Problem]) -> Iterator[str]:
        """One ERR a problem; before version 2.5 a single one with a repetition for each."""
        if not problems:
            return
        if self.version < _ERR_OF_FIELDS:
            yield f"ERR{self.signs.field}" + self.signs.repetition.join(self._old(each) for each in problems)
            return
        for problem in problems:
            code, severity = self._code(problem), self.codes.code("0516", problem.severity)
            place, words = self._place(problem.place), self._text(f"{problem.what}; {problem.why}")
            coded = self.signs.component.join((code, self._text(_said(problem)), "HL70357"))
            yield self.signs.field.join(("ERR", "", place, coded, severity, "", "", "", words))

    def _code(self, problem: Problem) -> str:
        return self.codes.code("0357", problem.fault)

    def _place(self, place: Place) -> str:
        parts = (place.segment, place.sequence, place.field, place.field and (place.repetition or 1), place.component)
        return self.signs.component.join(str(part or "") for part in parts).rstrip(self.signs.component)

    def _old(self, problem: Problem) -> str:
        coded = self.signs.subcomponent.join((self._code(problem), self._text(_said(problem)), "HL70357"))
        place = problem.place
        return self.signs.component.join((place.segment, str(place.sequence), str(place.field or ""), coded))

    def _text(self, text: str) -> str:
        """Text with the delimiters escaped, on one line."""
        signs = self.signs
        letters = {signs.field: "F", signs.component: "S", signs.repetition: "R", signs.subcomponent: "T"}
        letters[signs.escape] = "E"
        written = (f"{signs.escape}{letters[each]}{signs.escape}" if each in letters else each for each in text)
        return "".join(each if each.isprintable() else " " for each in "".join(written))


def _said(problem: Problem) -> str:
    return problem.fault.replace("-", " ")


def _version(written: str) -> tuple[int, ...]:
    parts = written.split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else _ERR_OF_FIELDS
