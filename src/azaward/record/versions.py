"""Which of two versions of the same resource or message is the later one.

A version is a text of three parts: the moment of its last change (UTC), its number, and how final it is. A part that
wasn't given is empty and decides nothing: two versions that share no part can't be put in order, and then the one that
arrived last counts.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
# How final a status is: a correction takes the place of a result, and a withdrawal that of a correction.
_FINALITY = {
    **dict.fromkeys(("registered", "specimen-in-process"), 1),
    "preliminary": 2,
    **dict.fromkeys(("final", "unknown"), 3),
    **dict.fromkeys(("amended", "corrected", "appended"), 4),
    **dict.fromkeys(("entered-in-error", "cancelled"), 5),
}


@lru_cache(maxsize=128)
def version_of(changed: str | None = None, number: str | None = None, status: str | None = None) -> str:
    """A version from the moment of the last change (ISO 8601), the version's number and the status of a result.

    >>> version_of("2026-11-20T10:00:00+02:00", "3", "corrected")
    '2026-11-20T08:00:00.000000|000000000003|4'
    >>> version_of("2026-11-20T08:00:00.5Z") == version_of("2026-11-20T08:00:00.500+00:00")
    True
    >>> version_of(status="final")
    '||3'
    """
    padded = number.zfill(12) if number and number.isdigit() else ""
    parts = (_moment(changed), padded, str(_FINALITY.get(status or "", "")))
    return "|".join(parts) if any(parts) else ""


def is_later(one: str, other: str) -> bool | None:
    """Whether one version is later than another; None where nothing tells.

    >>> is_later(version_of(number="10"), version_of(number="9")), is_later(version_of(status="final"), "")
    (True, None)
    """
    for mine, theirs in zip(one.split("|"), other.split("|"), strict=False):
        if mine and theirs and mine != theirs:
            return mine > theirs
    return None


def _moment(text: str | None) -> str:
    if not text:
        return ""
    if _UTC.fullmatch(text):
        return f"{text[:-1].partition('.')[0]}.{text[:-1].partition('.')[2]:0<6}"[:26]
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return ""
    if moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="microseconds")
