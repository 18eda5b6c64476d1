"""Messages are found in their frames however the bytes arrive, and what stands outside them is counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azaward.mllp.frames import Frames, TooLongError, framed

messages = st.lists(st.binary(max_size=40).map(lambda each: each.translate(None, b"\x0b\x1c")), max_size=5)


@given(messages, st.lists(st.integers(1, 30), max_size=20))
def test_pieces_are_put_together(sent: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(map(framed, sent))
    frames = Frames(100)
    found: list[bytes] = []
    for size in [*sizes, len(stream) + 1]:
        found += frames.feed(stream[:size])
        stream = stream[size:]
    assert found == sent
    assert (frames.dropped, frames.broken, frames.is_open) == (0, 0, False)


def test_bytes_outside_frames_are_dropped_and_counted() -> None:
    frames = Frames(100)
    assert frames.feed(b"GET / HTTP/1.0\r\n\r\n" + framed(b"one") + b"\r\nxyz" + framed(b"two")) == [b"one", b"two"]
    assert frames.dropped == len("GET / HTTP/1.0") + len("xyz")


def test_an_end_without_its_carriage_return_is_an_end() -> None:
    assert Frames(100).feed(b"\x0bone\x1c\x0btwo\x1c\n\x0bthree\x1c\r") == [b"one", b"two", b"three"]


def test_a_frame_that_was_given_up_is_not_joined_with_the_next() -> None:
    frames = Frames(100)
    assert frames.feed(b"\x0bPID|1|wrong \x0bMSH|right\x1c\r") == [b"MSH|right"]
    assert frames.broken == 1


def test_a_frame_that_never_ends_is_refused() -> None:
    frames = Frames(10)
    frames.feed(b"\x0b123456")
    with pytest.raises(TooLongError, match="more than 10 bytes"):
        frames.feed(b"7890123")
