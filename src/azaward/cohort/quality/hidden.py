"""Which counts must not be shown, so that no small number can be read or worked out from the others?

A count from 1 to below the limit is hidden. Where a sum and all but one of its parts would be shown, the one could
be worked out: another is hidden with it, the smallest first, until what is hidden together is no small number either.
Nought is shown: it is nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

Cell = Hashable
_PRECISE, _NOUGHT = 1e-13, 1e-7


class Sum(NamedTuple):
    """The cells of `left` add up to the same as those of `right`: a total and its parts, or two ways to divide."""

    left: tuple[Cell, ...]
    right: tuple[Cell, ...]


def hidden(counts: Mapping[Cell, int], sums: Sequence[Sum], limit: int, also: Collection[Cell] = ()) -> set[Cell]:
    """The cells that may not be shown: those below `limit` and those of `also`, and those that would give them away.

    >>> parts = {"all": 20, "yes": 3, "no": 9, "perhaps": 8, "never": 0}
    >>> sorted(hidden(parts, [Sum(("all",), ("yes", "no", "perhaps", "never"))], 5))
    ['perhaps', 'yes']
    """
    # Counts of nobody are shown, and so may be left out of every sum.
    sums = [Sum(*(tuple(cell for cell in side if counts.get(cell)) for side in total)) for total in sums]
    gone = {cell for cell, n in counts.items() if 0 < n < limit} | set(also)
    changed = bool(gone)
    while changed:
        changed = False
        for total in sums:
            while (more := _one_more(total, counts, gone, limit)) is not None:
                gone.add(more)
                changed = True
        if not changed:
            followed = _follow(sums, counts, gone)
            gone |= followed
            changed = bool(followed)
    return gone


def _one_more(total: Sum, counts: Mapping[Cell, int], gone: set[Cell], limit: int) -> Cell | None:
    """The next cell to hide, so that this sum gives nothing away; None where it doesn't."""
    away = [[cell for cell in side if cell in gone] for side in total]
    lost = [cell for side in away for cell in side]
    if not lost:
        return None
    # Hidden on one side only: their sum can be worked out from what is shown.
    known = [side for side, other in zip(away, reversed(away), strict=True) if side and not other]
    if len(lost) > 1 and not any(sum(counts[cell] for cell in side) < limit for side in known):
        return None
    shown = [cell for side in total for cell in side if cell not in gone]
    return min(shown, key=lambda cell: (counts[cell], str(cell)), default=None)


def _follow(sums: Sequence[Sum], counts: Mapping[Cell, int], gone: set[Cell]) -> set[Cell]:
    """More cells to hide, one for each hidden cell that the shown ones determine through several sums at once.

    What the sums leave open is the null space of their equations; a cell that is nought in a random vector of it is
    determined.
    """
    import numpy as np
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import lsqr

    cells = sorted(gone, key=str)
    place = {cell: at for at, cell in enumerate(cells)}
    with_hidden = [total for total in sums if any(cell in gone for side in total for cell in side)]
    entries = [
        (sign, row, place[cell])
        for row, total in enumerate(with_hidden)
        for sign, side in ((1.0, total.left), (-1.0, total.right))
        for cell in side
        if cell in gone
    ]
    if not entries:
        return set()
    signs, rows, columns = zip(*entries, strict=True)
    equations: Any = csr_array((signs, (rows, columns)), shape=(len(with_hidden), len(cells)))
    anything = np.random.default_rng(1).normal(size=len(cells))
    determined: Any = lsqr(
        equations, equations @ anything, atol=_PRECISE, btol=_PRECISE, conlim=0, iter_lim=20 * len(cells)
    )[0]
    fixed = {cell for cell, free in zip(cells, np.abs(anything - determined), strict=True) if free < _NOUGHT}
    more: set[Cell] = set()
    for total in with_hidden:
        for cell in [cell for side in total for cell in side if cell in fixed]:
            shown = {each for side in total for each in side} - gone
            if shown and not shown & more:
                more.add(min(shown, key=lambda each: (counts[each], str(each))))
                fixed.discard(cell)
    if fixed and not more and (shown := _behind(min(fixed, key=str), with_hidden, gone)):
        more.add(min(shown, key=lambda each: (counts[each], str(each))))
    return more


def _behind(cell: Cell, sums: Sequence[Sum], gone: set[Cell]) -> set[Cell]:
    """The shown cells that hidden ones tie to a cell, where none stands in a sum of its own."""
    tied: set[Cell] = {cell}
    while True:
        reached = {each for total in sums for side in total for each in side if tied & {*total.left, *total.right}}
        if reached & gone <= tied:
            return reached - gone
        tied |= reached & gone
