"""Whatever bytes come, nothing but the documented error is raised, and every message gets an answer."""

from __future__ import annotations

import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azaward.errors import InputError
from azaward.knowledge import load
from azaward.readers.hl7.ack import answer
from azaward.readers.hl7.codes import codes
from azaward.readers.hl7.files.record import read_hl7
from azaward.readers.hl7.messages import read_frame
from tests import proof
from tests.readers.hl7.spec import AT, cases, sent_bytes

KNOWLEDGE = load()
SENT = [sent_bytes(case.text, case.sent) for case in cases()]
_PIECES = [
    *(bytes([sign]) for sign in b"|^~\\&<\r\n\x0b\x1c\x00\xff\xc3"),
    *(b"", b'""'),
    *(b"MSH|", b"PID|", b"OBX|", b"BTS|9", b"99999999999999999999", b"20261332", b"Q0H"),
    *(b"\\X", b"\\XFF\\", b"\\.sp999\\"),
]
_often = settings(max_examples=proof.rounds(100, 10_000), deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A message of the page with some of its bytes taken out, doubled or replaced."""
    content = draw(st.sampled_from(SENT))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(content)))
        stop = min(len(content), start + draw(st.integers(0, 12)))
        content = content[:start] + draw(st.sampled_from(_PIECES) | st.binary(max_size=6)) + content[stop:]
    return content


def refused(content: bytes) -> str | None:
    try:
        read_hl7(content, "fuzz.hl7", KNOWLEDGE)
    except InputError as error:
        return str(error)
    return None


def read(content: bytes) -> None:
    said_why = refused(content)
    assert said_why is None or (said_why.startswith("fuzz.hl7") and "\n" not in said_why)
    notice = read_frame(content, KNOWLEDGE)
    said = answer(content, notice, codes(KNOWLEDGE), AT)
    is_answer = codes(KNOWLEDGE).means("0076", notice.header.type) == "acknowledgement"
    if not (notice.header.accept_ack or notice.header.application_ack or is_answer):
        assert b"MSA" in said
    for table, identities in notice.identities.items():
        assert len(identities) == len(notice.record.rows[table])


@_often
@given(st.binary(max_size=400))
def test_any_bytes(content: bytes) -> None:
    read(content)


@_often
@given(st.binary(max_size=200))
def test_any_bytes_after_a_header(content: bytes) -> None:
    read(b"MSH|^~\\&|LAB|X|||20261120||ORU^R01|1|P|2.5\r" + content)


@_often
@given(changed())
def test_changed_messages(content: bytes) -> None:
    read(content)
