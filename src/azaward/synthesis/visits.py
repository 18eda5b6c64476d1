"""When a synthetic person comes for blood tests: by the schedule of their protocol, a few days before each is due."""

from __future__ import annotations

from random import Random

from azaward.synthesis.care import Care

# Who comes early comes at most so many days early, and never by more than a third of the interval.
DAYS_EARLY = 6
LONGEST_INTERVAL = 84


def on_time(rng: Random, care: Care, start: int, rises: list[int], first: int, until: int, keep: int) -> list[int]:
    """The days of the last `keep` blood tests or so up to `until`, every one before it is due.

    `first` is the test before treatment; the dose rises on the days `rises`, with a test on each.
    Of a long treatment only the last years are followed, since what lies before them is not kept.
    """
    followed = until - (keep + 2) * LONGEST_INTERVAL
    days = [first]
    if followed > max([start, *rises]) + LONGEST_INTERVAL:
        days = [followed + int(rng.random() * DAYS_EARLY)]
    waiting = [day for day in rises if day > days[-1]]
    rise = max([start, *(day for day in rises if day <= days[-1])])
    while True:
        due, every = care.due(days[-1], start, rise)
        early = int(rng.random() * (min(DAYS_EARLY, every // 3) + 1))
        day = max(days[-1] + 1, due - early)
        if waiting and waiting[0] <= day:
            day = rise = waiting.pop(0)
        if day > until:
            return days[-keep:]
        days.append(day)
