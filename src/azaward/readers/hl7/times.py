"""HL7's dates and times as ISO 8601, with the zone that the value or its sender gives.

A value that is neither stays as it was written, so that whoever reads the row says what was wrong with it.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from zoneinfo import ZoneInfo

# YYYY[MM[DD[HH[MM[SS[.S...]]]]]][+/-ZZZZ]
_DTM = re.compile(r"(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:\.\d+)?([+-]\d{4})?")
_ISO = re.compile(r"\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}.*)?)?")
_AT = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?([+-]\d\d:\d\d)?)?)?)?")
# No clock is further from UTC.
_ANYWHERE = dt.timedelta(hours=14)
_STEPS = (366, 31, 1)


def iso(text: str | None, zone: ZoneInfo | None = None) -> str | None:
    """A date or time in ISO 8601; `zone` is the sender's, for a time that gives none.

    >>> iso("202611200815+0100"), iso("20261120"), iso("202611"), iso("last week"), iso("")
    ('2026-11-20T08:15+01:00', '2026-11-20', '2026-11', 'last week', None)
    >>> iso("20261120081530", ZoneInfo("Europe/Berlin"))
    '2026-11-20T08:15:30+01:00'
    """
    text = (text or "").strip()
    found = _DTM.fullmatch(text)
    if not text or not found:
        return text or None
    year, month, day, hour, minute, second, offset = found.groups()
    said = "-".join(part for part in (year, month, day) if part)
    if hour is None or day is None:
        return said
    said += f"T{hour}:{minute or '00'}" + (f":{second}" if second else "")
    if offset:
        return f"{said}{offset[:3]}:{offset[3:]}"
    return said + _offset(said, zone)


def is_later(one: str | None, other: str | None) -> bool | None:
    """Whether a message was certainly written after another; None where their MSH-7, in ISO, doesn't tell.

    A day alone may be any moment of it, and a time without a zone may be anywhere, unless both lack it.

    >>> is_later("2026-11-29T13:00+00:00", "2026-11-29T14:00+02:00"), is_later("2026-11-29", "2026-11-29T13:00")
    (True, None)
    """
    mine, theirs = _span(one), _span(other)
    if mine is None or theirs is None:
        return None
    doubt = dt.timedelta(0) if mine[2] == theirs[2] else _ANYWHERE
    if mine[0] > theirs[1] + doubt:
        return True
    return False if mine[1] + doubt < theirs[0] else None


@lru_cache(maxsize=4096)
def _span(at: str | None) -> tuple[dt.datetime, dt.datetime, bool] | None:
    """The first and the last moment that a time may mean, and whether its zone is known."""
    found = _AT.fullmatch((at or "").partition(" ")[0])
    if not found:
        return None
    parts = [int(part) for part in found.groups()[:6] if part is not None]
    try:
        year, month, day, hour, minute, second = (*parts, *(1, 1, 1, 0, 0, 0)[len(parts) :])
        first = dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)
        if len(parts) < 4:
            long = dt.timedelta(days=_STEPS[len(parts) - 1])
        else:
            long = dt.timedelta(seconds=1 if len(parts) > 5 else 60)
        if found[7]:
            first -= dt.datetime.fromisoformat(f"2000-01-01T00:00:00{found[7]}").utcoffset() or dt.timedelta(0)
        return first, first + long - dt.timedelta(microseconds=1), bool(found[7])
    except (ValueError, OverflowError):
        return None


def is_time(text: str | None) -> bool:
    """Whether a value is a date or time in HL7's or ISO's form.

    >>> is_time("20261120"), is_time("2026-11-20 08:15"), is_time("tomorrow")
    (True, True, False)
    """
    text = (text or "").strip()
    return bool(_DTM.fullmatch(text) or _ISO.fullmatch(text))


def _offset(said: str, zone: ZoneInfo | None) -> str:
    try:
        there = dt.datetime.fromisoformat(said).replace(tzinfo=zone).isoformat() if zone else ""
    except ValueError:
        return ""
    found = re.search(r"[+-]\d{2}:\d{2}(?::\d{2})?$", there)
    return found.group() if found else ""
