"""Which named alleles may be one of a person's copies, given what was seen at each site? Of all distinct genotypes of a
cohort at once, because there are few alleles and few genotypes, and comparing them one by one is what costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from azaward.genetics.model import MISSING, REFERENCE

_AT_ONCE = 256
"""So many genotypes are compared with all alleles at once: memory has an end."""


class Fit(NamedTuple):
    """An allele, by its place in `NamedAlleles`, and the sites at which it fits what was seen on either side, a bit for
    each site; the first site is the lowest bit."""

    allele: int
    first: int
    second: int


Untested = Mapping[int, Mapping[int, tuple[int, ...]]]
"""By genotype and site, the codes that weren't looked for where the reference was seen."""


def fitting(carries: NDArray[np.int8], codes: NDArray[np.int8], untested: Untested | None = None) -> list[list[Fit]]:
    """For each genotype the alleles that fit one side or the other at every site: from the codes of the alleles, int8
    [k, s], and those seen, int8 [n, s, 2]. A missing code fits anything, and a reference what wasn't looked for.

    >>> fitting(np.array([[0, 0], [0, 1]], np.int8), np.array([[[0, 0], [0, 1]]], np.int8))
    [[Fit(allele=0, first=3, second=1), Fit(allele=1, first=1, second=3)]]
    """
    found: list[list[Fit]] = [[] for _ in range(len(codes))]
    for low in range(0, len(codes), _AT_ONCE):
        some = codes[low : low + _AT_ONCE, None]
        first, second = ((carries == some[..., side]) | (some[..., side] == MISSING) for side in (0, 1))
        for row, places in (untested or {}).items():
            if low <= row < low + len(some):
                for at, others in places.items():
                    for side, on in enumerate((first, second)):
                        on[row - low, :, at] |= (codes[row, at, side] == REFERENCE) & np.isin(carries[:, at], others)
        rows, indices = np.nonzero((first | second).all(axis=2))
        bits = [_as_numbers(on[rows, indices]) for on in (first, second)]
        for row, index, one, other in zip(rows.tolist(), indices.tolist(), *bits, strict=True):
            found[low + row].append(Fit(index, one, other))
    return found


def _as_numbers(bits: NDArray[np.bool_]) -> list[int]:
    """Each row of bits as a number."""
    packed = np.packbits(bits, axis=1, bitorder="little")
    width, text = packed.shape[1], packed.tobytes()
    return [int.from_bytes(text[at * width : (at + 1) * width], "little") for at in range(len(bits))]
