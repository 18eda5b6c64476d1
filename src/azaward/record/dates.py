"""Reads dates in records: complete, partial ("2024", "2024-03") or with a time of day.

A partial date is read cautiously, which depends on its meaning: `earliest` for a result or event (it counts as old),
`latest` for a birth (the patient counts as young) and for an end date.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from functools import lru_cache
from typing import Literal

_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ]\d{2}:\d{2}.*)?)?)?")


# Nobody in a record was born before; "0026" is a year of which the century is lost.
_EARLIEST = 1900
# Where a date is missing, systems write the day on which their calendar begins; counted from the later of these.
NO_DAYS = tuple((dt.date(year, 1, 1) - dt.date(1970, 1, 1)).days for year in (1900, 1970))


class DateError(ValueError):
    """The text is not a valid ISO 8601 date."""


@lru_cache(maxsize=65536)
def read_day(text: str, reading: Literal["earliest", "latest"] = "earliest") -> dt.date:
    """The day that `text` names. Raises `DateError` if there is no such day.

    >>> read_day("2024-02-29T08:30:00+01:00")
    datetime.date(2024, 2, 29)
    >>> read_day("2024-02"), read_day("2024-02", "latest")
    (datetime.date(2024, 2, 1), datetime.date(2024, 2, 29))
    >>> read_day("0026-11-20")
    Traceback (most recent call last):
    azaward.record.dates.DateError: no year of anybody's life: 0026-11-20
    >>> read_day("2023-02-29")
    Traceback (most recent call last):
    azaward.record.dates.DateError: no such day: 2023-02-29
    """
    found = _DAY.fullmatch(text.strip())
    if not found:
        raise DateError(f"not a day (YYYY-MM-DD): {text}")
    year = int(found[1])
    if year < _EARLIEST:
        raise DateError(f"no year of anybody's life: {text}")
    month, day = (int(part) if part else None for part in found.groups()[1:])
    last = reading == "latest"
    month = month or (12 if last else 1)
    try:
        if day is None:
            day = calendar.monthrange(year, month)[1] if last else 1
        return dt.date(year, month, day)
    except (ValueError, calendar.IllegalMonthError):
        raise DateError(f"no such day: {text}") from None


@lru_cache(maxsize=1024)
def is_partial(text: str) -> bool:
    """Whether the text omits the day: "2024" or "2024-03"."""
    return len(text.strip()) < 10
