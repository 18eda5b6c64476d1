"""What happened of 100 people: counts turned into rates with their intervals, and what a picture of them shows.

Pictures are drawn in `azaward.formats.guide_icons`; here is only what they mean, in numbers and in words.
"""

from __future__ import annotations

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
    """A counted share with its Wilson interval.

    >>> share = counted("azathioprine", 13, 52)
    >>> round(100 * share.rate), round(100 * share.low), round(100 * share.high)
    (25, 15, 38)
    """
    from scipy.stats import binomtest

    interval = binomtest(events, n).proportion_ci(CONFIDENCE, method="wilson")
    return Share(label, events, n, float(interval.low), float(interval.high))
