"""HL7's dates and times as ISO 8601, with the zone that the value or its sender gives.

A value that is neither stays as it was written, so that whoever reads the row says what was wrong with it.
"""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

# YYYY[MM[DD[HH[MM[SS[.S...]]]]]][+/-ZZZZ]
_DTM = re.compile(r"(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:\.\d+)?([+-]\d{4})?")
_ISO = re.compile(r"\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}.*)?)?")


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
