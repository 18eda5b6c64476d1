"""The frames of MLLP: a message between 0x0B and 0x1C 0x0D, found in bytes that arrive in pieces."""

from __future__ import annotations

START, END, RETURN = b"\x0b", b"\x1c", b"\r"


class TooLongError(ValueError):
    """A frame that is longer than allowed."""


def framed(message: bytes) -> bytes:
    """A message in its frame.

    >>> framed(b"MSH|")
    b'\\x0bMSH|\\x1c\\r'
    """
    return START + message + END + RETURN


class Frames:
    """Puts pieces together; `dropped` counts bytes that stood in no frame, `broken` frames that never ended.

    >>> frames = Frames(limit=100)
    >>> frames.feed(b"??" + framed(b"one") + b"\\x0btw"), frames.feed(b"o\\x1c\\r"), frames.dropped
    ([b'one'], [b'two'], 2)
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.dropped = 0
        self.broken = 0
        self._inside: bytearray | None = None

    @property
    def is_open(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._inside is not None

    def feed(self, piece: bytes) -> list[bytes]:
        """The messages that are complete now. Raises `TooLongError`."""
        messages: list[bytes] = []
        while piece:
            if self._inside is None:
                outside, start, piece = piece.partition(START)
                # The carriage return after a frame's end belongs to it; line ends between frames harm nobody.
                self.dropped += len(outside.strip(b"\r\n"))
                self._inside = bytearray() if start else None
                continue
            until, end, rest = piece.partition(END)
            before, again, after = until.partition(START)
            if again:
                # The frame before was given up by its sender.
                self.broken += 1
                self._inside, piece = bytearray(), after + end + rest
                continue
            self._inside += before
            if len(self._inside) > self.limit:
                raise TooLongError(f"a message of more than {self.limit} bytes")
            if end:
                messages.append(bytes(self._inside))
                self._inside = None
            piece = rest
        return messages
