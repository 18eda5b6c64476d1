"""When a sample was taken, in any of the elements in which FHIR says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from azaward.readers.fhir import resources as fhir
from azaward.record.dates import DateError, read_day


def moment(of: fhir.Observation | fhir.DiagnosticReport) -> str | None:
    """When the sample of a result or of a report was taken.

    >>> moment(fhir.Observation(effectivePeriod=fhir.Period(start="2026-11-19", end="2026-11-20")))
    '2026-11-19'
    """
    timing = getattr(of, "effectiveTiming", None)
    single = of.effectiveDateTime or getattr(of, "effectiveInstant", None) or agreed(timing.event if timing else ())
    return single or _within(of.effectivePeriod)


def collected(specimen: fhir.Specimen) -> str | None:
    """When a specimen was taken."""
    taken = specimen.collection
    return (taken.collectedDateTime or _within(taken.collectedPeriod)) if taken else None


def agreed(moments: Iterable[str | None]) -> str | None:
    """The one day that all of them mean; where they differ, all of them, which can't be read as a day.

    >>> agreed(["2026-11-19T08:00:00Z", None, "2026-11-19"]), agreed(["2026-10-01", "2026-11-19"])
    ('2026-11-19T08:00:00Z', '2026-10-01 or 2026-11-19')
    """
    given = [each for each in moments if each]
    days = sorted({each[:10] for each in given})
    return next(iter(given), None) if len(days) < 2 else " or ".join(days)


def day_of(moment: str | None) -> dt.date | None:
    """The day of a moment; None for what isn't one."""
    try:
        return read_day(moment) if moment else None
    except DateError:
        return None


def zone_of(moment: str) -> str | None:
    """The zone of a moment, if it has one.

    >>> zone_of("2026-11-24T03:00:00Z"), zone_of("2026-11-24T03:00:00+01:00"), zone_of("2026-11-24")
    ('Z', '+01:00', None)
    """
    if len(moment) < 17:
        return None
    if moment[-1] in "Zz":
        return "Z"
    return moment[-6:] if moment[-6] in "+-" and moment[-3] == ":" else None


def _within(period: fhir.Period | None) -> str | None:
    """The day of a period. One of several days names no day of a sample, and isn't read as one."""
    if period is None or not (period.start and period.end):
        return period and (period.start or period.end)
    first, last = day_of(period.start), day_of(period.end)
    if first is None or last is None or abs((last - first).days) <= 1:
        return period.start
    return f"{period.start[:10]} to {period.end[:10]}"
