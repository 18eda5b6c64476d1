"""From bytes to the messages of a file, and from a message to its segments, fields, repetitions and components.

Files hold one message or many: plain, in a batch (FHS, BHS), or in the frames of MLLP. Byte-order marks are dropped and
line ends become carriage returns before anything else, and the character set is the one that MSH-18 names. The library
`hl7` divides a message by its own delimiters.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from azaward.readers.hl7.codes import Codes
from azaward.readers.hl7.parts import Delimiters, Segment
from azaward.readers.hl7.problems import Place, Problem, UnreadableError

START, END = b"\x0b", b"\x1c"
_LINE_ENDS = re.compile(rb"\r\n?|\n")
_ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")
_NAME = re.compile(rb"[A-Z][A-Z0-9]{2}")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, None),
    (codecs.BOM_UTF32_BE, None),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHARSET = Place("MSH", 1, 18)


@dataclass(frozen=True)
class Raw:
    """A message as it arrived: its lines end with a carriage return, and a byte-order mark may have said its codec."""

    content: bytes
    codec: str | None = None
    # Its name and delimiter were in order, but the end of its frame is missing.
    cut_off: bool = False


@dataclass(frozen=True)
class Split:
    """The messages of a file, and what was wrong around them."""

    messages: tuple[Raw, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Message:
    """A message's segments, with its delimiters and codec."""

    segments: tuple[Segment, ...]
    delimiters: Delimiters
    codec: str
    charset: str
    problems: tuple[Problem, ...] = ()

    @property
    def header(self) -> Segment:
        """Its MSH."""
        return self.segments[0]

    def first(self, name: str) -> Segment | None:
        """The first segment of a name."""
        return next((segment for segment in self.segments if segment.name == name), None)


def split(content: bytes) -> Split:
    """The messages of a file or frame. Never raises: what is no message is a problem.

    >>> [message.content for message in split(b"MSH|^~&|A\\nPID|1\\nMSH|^~&|B\\n").messages]
    [b'MSH|^~&|A\\rPID|1', b'MSH|^~&|B']
    """
    messages: list[Raw] = []
    problems: list[Problem] = []
    for frame, cut_off in _frames(content):
        try:
            frame, codec = _marked(frame)
        except UnreadableError as error:
            problems.append(error.problem)
            continue
        within = _Lines(codec)
        for line in _LINE_ENDS.split(frame):
            within.take(line)
        within.close()
        if cut_off and within.messages:
            last = within.messages.pop()
            within.messages.append(Raw(last.content, last.codec, True))
        messages += within.messages
        problems += within.problems
    return Split(tuple(messages), tuple(problems))


def _frames(content: bytes) -> Iterator[tuple[bytes, bool]]:
    """The content of each frame, and whether its end is missing; without frames, everything."""
    if START not in content:
        yield content.replace(END, b"\r"), False
        return
    before, _, rest = content.partition(START)
    if before.strip():
        yield before, False
    for part in rest.split(START):
        inside, end, after = part.partition(END)
        yield inside, not end
        if after.strip():
            yield after, False


def _marked(content: bytes) -> tuple[bytes, str | None]:
    """The content without its byte-order mark, and the codec that the mark names; UTF-16 becomes UTF-8."""
    for mark, codec in _MARKS:
        if not content.startswith(mark):
            continue
        if codec == "utf-8":
            return content.removeprefix(mark), codec
        try:
            return content.decode(codec or "utf-32").encode(), "utf-8"
        except UnicodeDecodeError:
            what = f"the file begins with the mark of {codec or 'utf-32'}, but is not written in it"
            raise UnreadableError(Problem(_CHARSET, what, "save the file as UTF-8.", "data-type")) from None
    return content, None


class _Lines:
    """Takes lines one by one and puts them together into messages."""

    def __init__(self, codec: str | None) -> None:
        self.codec = codec
        self.messages: list[Raw] = []
        self.problems: list[Problem] = []
        self._open: list[bytes] = []
        self._batches: list[tuple[str, int]] = []
        self._stray = 0

    def take(self, line: bytes) -> None:
        bare = line.strip(b" \t\x00\x1a")
        name = bare[:3]
        if not bare:
            return
        if name == b"MSH" and len(bare) > 3 and not bare[3:4].isalnum():
            self._end()
            self._open = [bare]
        elif name in _ENVELOPE and (len(bare) == 3 or not bare[3:4].isalnum()):
            self._end()
            self._envelope(bare)
        elif self._open:
            self._open.append(bare if _NAME.match(bare) else line)
        else:
            self._stray += 1

    def _end(self) -> None:
        if self._open:
            self.messages.append(Raw(b"\r".join(self._open), self.codec))
        self._open = []

    def _envelope(self, line: bytes) -> None:
        """A batch or file begins or ends; its end may say how many messages there were."""
        name = line[:3].decode()
        if name in ("FHS", "BHS"):
            self._batches.append((name, len(self.messages)))
            return
        begun = next((each for each in reversed(self._batches) if each[0][0] == name[0]), None)
        if begun is None:
            return
        self._batches.remove(begun)
        said = re.match(rb"\d+", line[4:])
        count = len(self.messages) - begun[1]
        if name == "BTS" and said and int(said.group()[:9]) != count:
            what = f"the batch announces {int(said.group()[:9])} messages, but holds {count}"
            self.problems.append(
                Problem(Place("BTS", 1, 1), what, "the file is incomplete. Ask for it again.", "cardinality", "warning")
            )

    def close(self) -> None:
        self._end()
        for name, _ in self._batches:
            end = name[0] + "TS"
            what = f"{name} without {end}"
            self.problems.append(
                Problem(Place(name), what, "the file is cut off. Ask for it again.", "missing", "warning")
            )
        if self._stray:
            what = f"{self._stray} line{'s' * (self._stray > 1)} before the first MSH, in no message"
            self.problems.append(
                Problem(Place(), what, "not read. Every message begins with MSH.", "segment-sequence", "warning")
            )


def parse(raw: Raw, codes: Codes, charset: str | None = None) -> Message:
    """A message's segments; `charset` is the sender's, if its setting overrides MSH-18. Raises `UnreadableError`.

    >>> from azaward.knowledge import load
    >>> from azaward.readers.hl7.codes import codes
    >>> parse(Raw(b"MSH|^~\\\\&|LAB\\rPID|1||42^^^RIVERSIDE"), codes(load())).segments[1].text(3, 4)
    'RIVERSIDE'
    """
    if raw.cut_off:
        why = "the end of its frame is missing, so it may be cut off. Send it again."
        raise UnreadableError(Problem(Place(), "an incomplete message", why, "segment-sequence"))
    said, codec = _codec(raw, codes, charset)
    try:
        text = raw.content.decode(codec)
    except UnicodeDecodeError as error:
        read_as = "UTF-8, which its byte-order mark names" if raw.codec else charset or said or "ASCII"
        what = f"byte 0x{raw.content[error.start]:02x} is not {read_as}"
        line = raw.content.count(b"\r", 0, error.start)
        name = raw.content.split(b"\r")[line][:3].decode("ascii", "replace")
        why = f"found in {name}, segment {line + 1}. {_what_to_do(charset if not raw.codec else None)}"
        raise UnreadableError(Problem(_CHARSET, what, why, "data-type")) from None
    header = text.partition("\r")[0]
    delimiters = Delimiters.of(header)
    if header.count(delimiters.field) < 2:
        why = "expected its sender, type and control id. Send the message again."
        raise UnreadableError(Problem(Place(), "a header that ends after its delimiters", why, "missing"))
    lines, problems = _whole_lines(text.split("\r"), delimiters)
    return Message(tuple(_segments(lines, delimiters, codec)), delimiters, codec, said, tuple(problems))


def _what_to_do(charset: str | None) -> str:
    if charset:
        return f"The sender's settings say that it writes {charset}: set the character set that it really writes."
    return "State the character set in MSH-18, or set it for this sender."


def _codec(raw: Raw, codes: Codes, charset: str | None) -> tuple[str, str]:
    """MSH-18 as written, and its codec; that of a mark goes before the sender's setting, and this before MSH-18."""
    said = _of_header(raw.content, 18)
    asked = charset or said
    codec = raw.codec or codes.means("0211", asked or "ASCII")
    if codec in (None, "not-read") or (codec == "utf-16" and raw.codec is None):
        why = "expected a character set of HL7's table 0211 that azaward reads, such as UNICODE UTF-8 or 8859/1."
        raise UnreadableError(Problem(_CHARSET, f"character set {asked!r}", why, "table-value", rejects=True))
    return said, codec


def _of_header(content: bytes, number: int) -> str:
    """A field of the header before anything is decoded: its first repetition, in ASCII."""
    fields = content.partition(b"\r")[0].split(content[3:4] or b"|")
    repetition = (fields[1][1:2] if len(fields) > 1 else b"") or b"~"
    found = fields[number - 1].split(repetition)[0] if number <= len(fields) else b""
    return found.decode("ascii", "replace").strip()


def _whole_lines(lines: Sequence[str], delimiters: Delimiters) -> tuple[list[str], list[Problem]]:
    """The lines that are segments. One that isn't goes on with the text before it, where a line end stood in a text."""
    whole: list[str] = []
    problems: list[Problem] = []
    number: Counter[str] = Counter()
    for line in lines:
        if _NAME.match(line[:3].encode()) and (len(line) == 3 or line[3] == delimiters.field):
            number[line[:3]] += 1
            whole.append(line)
            continue
        name = whole[-1][:3] if whole else "MSH"
        place = Place(name, max(number[name], 1))
        if not whole or not _may_go_on(whole[-1], line, delimiters):
            why = "a segment's name is three capital letters or digits. Correct it and send the message again."
            problems.append(
                Problem(place, f"a line after it that is not a segment: {line[:3]!r}", why, "segment-sequence")
            )
            continue
        what, why = "a line after it that is not a segment", "read as a continuation of its text."
        problems.append(Problem(place, what, why, "segment-sequence", "warning"))
        whole[-1] += f"{delimiters.escape}.br{delimiters.escape}{line}"
    return whole, problems


def _may_go_on(before: str, line: str, delimiters: Delimiters) -> bool:
    """Whether a line can be the rest of a text that a line end divides: of a comment, or of a result in words.

    What looks like a segment, or has more fields than are left, may be a result that would be lost in the text.
    """
    if line[3:4] == delimiters.field and line[:3].isalnum():
        return False
    fields = before.split(delimiters.field)
    most = _FIELDS_AFTER_TEXT.get(fields[0], 0)
    in_words = fields[0] != "OBX" or (len(fields) > 2 and fields[2] in ("TX", "FT", "ST", ""))
    return in_words and line.count(delimiters.field) <= most


# The segments with a long text, and how many fields may follow it.
_FIELDS_AFTER_TEXT = {"NTE": 3, "OBX": 20}


def _segments(lines: Sequence[str], delimiters: Delimiters, codec: str) -> Iterator[Segment]:
    """The segments, each with its fields as they are written."""
    number: Counter[str] = Counter()
    for place, line in enumerate(lines):
        fields = line.split(delimiters.field)
        if place == 0:
            # The first field of a header is the sign that divides its fields.
            fields.insert(1, delimiters.field)
        number[fields[0]] += 1
        yield Segment(number[fields[0]], fields, delimiters, codec)
