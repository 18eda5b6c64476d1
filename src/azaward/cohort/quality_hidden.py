"""Which counts must not be shown, so that no small number can be read or worked out from the others?

A count from 1 to below the limit is hidden. Where a sum and all but one of its parts would be shown, the one could
be worked out: another is hidden with it, the smallest first, until what is hidden together is no small number either.
Nought is shown: it is nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import NamedTuple

Cell = Hashable


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
    gone = {cell for cell, n in counts.items() if 0 < n < limit} | set(also)
    changed = bool(gone)
    while changed:
        changed = False
        for one in sums:
            while (more := _one_more(one, counts, gone, limit)) is not None:
                gone.add(more)
                changed = True
    return gone


def _one_more(one: Sum, counts: Mapping[Cell, int], gone: set[Cell], limit: int) -> Cell | None:
    """The next cell to hide, so that this sum gives nothing away; None where it doesn't."""
    sides = [[cell for cell in side if counts.get(cell)] for side in one]
    away = [[cell for cell in side if cell in gone] for side in sides]
    lost = [cell for side in away for cell in side]
    if not lost:
        return None
    # Hidden on one side only: their sum can be worked out from what is shown.
    known = [side for side, other in zip(away, reversed(away), strict=True) if side and not other]
    if len(lost) > 1 and not any(sum(counts[cell] for cell in side) < limit for side in known):
        return None
    shown = [cell for side in sides for cell in side if cell not in gone]
    return min(shown, key=lambda cell: (counts[cell], str(cell)), default=None)
