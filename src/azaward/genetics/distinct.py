"""Which numbers of an array differ? A hundred thousand people have few distinct genotypes, so this is asked often."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_GUESSED = 33
_FEW = 8
"""The share of rows, one in so many, below which those that are unlike the others are looked at alone."""


def most_common(codes: NDArray[Any]) -> int:
    """The most common of the first codes (none below 0), of which there is at least one; a good guess for all."""
    first = codes[:_GUESSED].tolist()
    return max(set(first), key=first.count)


def distinct(codes: NDArray[Any]) -> tuple[list[int], NDArray[Any]]:
    """The distinct codes (none below 0) in order, and the index of each row's own code.

    >>> distinct(np.array([7, 3, 7]))[0]
    [3, 7]
    """
    if not len(codes):
        return [], codes
    # Nearly everybody has one of them, as a rule: then only the others are compared.
    usual = most_common(codes)
    others = np.flatnonzero(codes != usual)
    if _FEW * len(others) < len(codes):
        found, places = _distinct(np.append(codes[others], usual))
        of = np.full(len(codes), places[-1], places.dtype)
        of[others] = places[:-1]
        return found, of
    return _distinct(codes)


def _distinct(codes: NDArray[Any]) -> tuple[list[int], NDArray[Any]]:
    highest = int(codes.max())
    if highest > 4 * len(codes) + 1000:
        found, of = np.unique(codes, return_inverse=True)
        return found.tolist(), of.astype(np.int32)
    if highest < 256:
        return _few(codes.astype(np.uint8).tobytes())
    marks = np.zeros(highest + 1, bool)
    marks[codes] = True
    present = np.flatnonzero(marks)
    kind = np.uint8 if len(present) <= 256 else np.int32
    place = np.zeros(highest + 1, kind)
    place[present] = np.arange(len(present), dtype=kind)
    return present.tolist(), place[codes]


def _few(codes: bytes) -> tuple[list[int], NDArray[Any]]:
    """As `distinct`, for codes below 256: bytes are searched and translated several times faster than arrays."""
    present: list[int] = []
    left = codes
    while left:
        present.append(left[0])
        left = left.translate(None, left[:1])
    present.sort()
    table = bytearray(256)
    for place, code in enumerate(present):
        table[code] = place
    return present, np.frombuffer(codes.translate(table), np.uint8)


def first_of(of: NDArray[Any], count: int) -> NDArray[np.intp]:
    """For each of `count` distinct codes the first row that has it, from the index of each row's own code.

    >>> first_of(np.array([1, 0, 1]), 2).tolist()
    [1, 0]
    """
    first = np.zeros(count, np.intp)
    first[of[::-1]] = np.arange(len(of))[::-1]
    return first
