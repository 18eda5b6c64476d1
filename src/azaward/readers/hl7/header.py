"""Reads MSH: who sent the message, what it is, and whether it is one for azaward."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from azaward.readers.hl7.codes import Codes
from azaward.readers.hl7.notice import Header
from azaward.readers.hl7.problems import Place, Problem
from azaward.readers.hl7.segments import Message
from azaward.readers.hl7.times import iso


def read_header(message: Message, zone: ZoneInfo | None = None) -> Header:
    """What MSH says; `zone` is where its sender's clocks are."""
    header = message.header

    def text(number: int, component: int = 1) -> str:
        return header.text(number, component) or ""

    # In the first versions, MSH-9 could be "ORU^R01" or "ORU" alone; a few senders write "ORU_R01".
    kind, _, event = text(9).partition("_")
    return Header(
        sending=(text(3), text(4)),
        receiving=(text(5), text(6)),
        at=iso(header.text(7), zone),
        type=kind.upper(),
        event=(text(9, 2) or event).upper(),
        control_id=text(10),
        processing=text(11),
        version=text(12),
        accept_ack=text(15).upper(),
        application_ack=text(16).upper(),
        charset=message.charset,
    )


def header_problems(header: Header, codes: Codes, *, expects: str = "production") -> Iterator[Problem]:
    """What makes a message none for azaward, or one that can't be acknowledged as it should be.

    >>> from azaward.knowledge import load
    >>> from azaward.readers.hl7.codes import codes
    >>> test = Header(type="ORU", control_id="1", processing="T", version="2.5")
    >>> [problem.what for problem in header_problems(test, codes(load()))]
    ["processing id 'T'"]
    """
    if codes.means("0076", header.type) is None:
        why = "expected a message type of HL7's table 0076, such as ORU^R01."
        what = f"message type {header.type!r}"
        yield Problem(Place("MSH", 1, 9), what, why, "message-type", rejects=True)
    if not header.control_id:
        why = "expected a control id, by which the answer names the message."
        yield Problem(Place("MSH", 1, 10), "no control id", why, "missing")
    if header.processing and codes.means("0103", header.processing) != expects:
        why = f"expected {codes.code('0103', expects)} ({expects}): nothing was read."
        yield Problem(Place("MSH", 1, 11), f"processing id {header.processing!r}", why, "processing", rejects=True)
    if header.version and codes.means("0104", header.version) != "read":
        why = "expected one from 2.1 to 2.9."
        yield Problem(Place("MSH", 1, 12), f"version {header.version!r}", why, "version", rejects=True)
    for number, name, said in ((11, "processing id", header.processing), (12, "version", header.version)):
        if not said:
            yield Problem(Place("MSH", 1, number), f"no {name}", "read as usual.", "missing", "warning")
