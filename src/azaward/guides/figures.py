"""What happened of 100 people: counts turned into rates with their intervals, and what a picture of them shows.

Pictures are drawn in `azaward.reports.guides.icons`; here is only what they mean, in numbers and in words.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

CONFIDENCE = 0.95


class Share(NamedTuple):
    """So many of so many people, under a label; `low` and `high` bound the rate where it was counted."""

    label: str
    events: float
    of: int
    low: float | None = None
    high: float | None = None

    @property
    def rate(self) -> float:
        """Events for each person.

        >>> Share("azathioprine", 13, 52).rate
        0.25
        """
        return self.events / self.of


class Icons(NamedTuple):
    """A picture of people: for each share a field of `per` people, those with the outcome filled in."""

    caption: str
    alt: str
    good: bool
    per: int
    shares: tuple[Share, ...]

    def filled(self, share: Share) -> int:
        """How many people of the field are filled in.

        >>> Icons("", "", True, 100, ()).filled(Share("", 22, 39))
        56
        """
        return round(share.rate * self.per)


def counted(label: str, events: int, n: int) -> Share:
    """A counted share with its Wilson interval: the rates that a test of the count would not reject.

    Written out, since importing the library that has it takes longer than all guides together; the tests hold it
    to that library. Source: Wilson 1927, J Am Stat Assoc 22:209.

    >>> share = counted("azathioprine", 13, 52)
    >>> round(100 * share.rate), round(100 * share.low), round(100 * share.high)
    (25, 15, 38)
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    rate, shrink = events / n, 1 + z * z / n
    middle = (rate + z * z / (2 * n)) / shrink
    half = z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / shrink
    # Rounding must not put the rate outside of its own interval.
    return Share(label, events, n, max(0.0, min(rate, middle - half)), min(1.0, max(rate, middle + half)))
