"""How sure is a figure? Intervals for shares, for shares of tests that cluster in people, and for medians of days.

Everything is worked out from counts, so that it can be done after the counts of all shares were added up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

LEVEL = 0.95
# Of the calendar, as the rules count them.
DAYS_IN_YEAR = 365.25
DAYS_IN_MONTH = DAYS_IN_YEAR / 12


class Quantiles(NamedTuple):
    """Days that were counted: how many, the median with its interval, quartiles and the 90th percentile."""

    n: int
    median: float
    low: int | None
    high: int | None
    q1: int
    q3: int
    p90: int


def wilson(share: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's interval for a share of `n`; `n` need not be whole.

    >>> [round(end, 4) for end in wilson(0.5, 10)]
    [0.2366, 0.7634]
    """
    from scipy.stats import norm

    z = float(norm.ppf((1 + level) / 2))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def effective(x: int, n: int, people: int, xx: int, xn: int, nn: int) -> float:
    """How many independent ones would make the share x / n as certain as these, which cluster in `people`.

    `xx`, `xn` and `nn` are the sums over people of x squared, x times n and n squared. Never more than `n`.

    >>> round(effective(x=10, n=20, people=2, xx=100, xn=100, nn=200), 3)   # one person always, the other never
    1.0
    >>> effective(x=1, n=4, people=4, xx=1, xn=1, nn=4)   # one each: as many as there are
    4
    """
    share = x / n
    if people < 2 or nn == n or share in (0.0, 1.0):
        # All alike says nothing of how they cluster: then a person counts once.
        return n if nn == n else people
    variance = people / (people - 1) * (xx - 2 * share * xn + share * share * nn) / (n * n)
    return min(float(n), share * (1 - share) / variance) if variance > 0 else n


def quantiles(days: Mapping[int, int], level: float = LEVEL) -> Quantiles | None:
    """The quantiles of days, each with how often it was counted; None where there are none.

    >>> quantiles({3: 1, 5: 1, 10: 1})
    Quantiles(n=3, median=5, low=None, high=None, q1=3, q3=10, p90=10)
    """
    from scipy.stats import binom

    ordered = sorted((day, count) for day, count in days.items() if count)
    n = sum(count for _, count in ordered)
    if not n:
        return None

    def nth(place: int) -> int:
        seen = 0
        for day, count in ordered:
            seen += count
            if seen >= place:
                return day
        return ordered[-1][0]

    def at(fraction: float) -> int:
        return nth(max(1, math.ceil(fraction * n)))

    half = nth((n + 1) // 2), nth(n // 2 + 1)
    # The order statistics between which the median lies, at least so often.
    below = int(binom.ppf((1 - level) / 2, n, 0.5))
    low, high = (nth(below), nth(n + 1 - below)) if below >= 1 else (None, None)
    median = half[0] if half[0] == half[1] else sum(half) / 2
    return Quantiles(n, median, low, high, at(0.25), at(0.75), at(0.9))
