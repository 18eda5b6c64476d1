"""Which counts must not be shown, so that no small number can be read or worked out from the others?

A count from 1 to below the limit is hidden. Where a sum and all but one of its parts would be shown, the one could
be worked out: another is hidden with it, the smallest first, until what is hidden together is no small number either.
Nought is shown: it is nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import NamedTuple

Cell = Hashable
_TOLERANCE = 1e-9


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
    sums = [Sum(*(tuple(cell for cell in side if counts.get(cell)) for side in one)) for one in sums]
    gone = {cell for cell, n in counts.items() if 0 < n < limit} | set(also)
    changed = bool(gone)
    while changed:
        changed = False
        for one in sums:
            while (more := _one_more(one, counts, gone, limit)) is not None:
                gone.add(more)
                changed = True
        if not changed:
            found = _follow(sums, counts, gone)
            gone |= found
            changed = bool(found)
    return gone


def _one_more(one: Sum, counts: Mapping[Cell, int], gone: set[Cell], limit: int) -> Cell | None:
    """The next cell to hide, so that this sum gives nothing away; None where it doesn't."""
    away = [[cell for cell in side if cell in gone] for side in one]
    lost = [cell for side in away for cell in side]
    if not lost:
        return None
    # Hidden on one side only: their sum can be worked out from what is shown.
    known = [side for side, other in zip(away, reversed(away), strict=True) if side and not other]
    if len(lost) > 1 and not any(sum(counts[cell] for cell in side) < limit for side in known):
        return None
    shown = [cell for side in one for cell in side if cell not in gone]
    return min(shown, key=lambda cell: (counts[cell], str(cell)), default=None)


def _follow(sums: Sequence[Sum], counts: Mapping[Cell, int], gone: set[Cell]) -> set[Cell]:
    """More cells to hide, one for each hidden cell that the shown ones determine through several sums at once."""
    import numpy as np
    from scipy.linalg import null_space

    more: set[Cell] = set()
    for together in _connected(sums, gone):
        cells = sorted({cell for one in together for side in one for cell in side if cell in gone}, key=str)
        place = {cell: at for at, cell in enumerate(cells)}
        equations = np.zeros((len(together), len(cells)))
        for row, one in enumerate(together):
            for sign, side in ((1, one.left), (-1, one.right)):
                for cell in side:
                    if cell in place:
                        equations[row, place[cell]] += sign
        free = null_space(equations)
        for cell in cells:
            if free.size == 0 or np.abs(free[place[cell]]).max() < _TOLERANCE:
                shown = {each for one in together for side in one if cell in side for each in (*one.left, *one.right)}
                others = shown - gone - more
                if others:
                    more.add(min(others, key=lambda each: (counts[each], str(each))))
    return more


def _connected(sums: Sequence[Sum], gone: set[Cell]) -> list[list[Sum]]:
    """The sums that hold hidden cells, those together that share one."""
    of_cell: dict[Cell, list[int]] = {}
    for at, one in enumerate(sums):
        for side in one:
            for cell in side:
                if cell in gone:
                    of_cell.setdefault(cell, []).append(at)
    with_sum: dict[int, set[Cell]] = {}
    for cell, places in of_cell.items():
        for at in places:
            with_sum.setdefault(at, set()).add(cell)
    seen: set[int] = set()
    found: list[list[Sum]] = []
    for start in with_sum:
        if start in seen:
            continue
        waiting, together = [start], list[int]()
        seen.add(start)
        while waiting:
            at = waiting.pop()
            together.append(at)
            for cell in with_sum[at]:
                new = [other for other in of_cell[cell] if other not in seen]
                seen.update(new)
                waiting += new
        found.append([sums[at] for at in together])
    return found
