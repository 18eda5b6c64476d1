"""The columns of a finding, the same from every rule and on every engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

_EPOCH = dt.date(1970, 1, 1)

# What a rule may say beside the columns that have a meaning of their own: named gaps in the words of messages.yaml.
# `gaps` holds their names, in order, `gap_1` and so on what fills each.
GAPS = ("gap_1", "gap_2", "gap_3")

# `on` is a day number (days since 1970-01-01). `says` overrides the words of messages.yaml where a row of knowledge
# brings its own. `fraction_*` is the share of the usual dose that the finding leaves. `fact` is the id of the row of
# knowledge that decided. `concerns` is a word of terms.Concerns. `asks_for` names the tests that the finding asks for
# (their ids in tests.csv, a space between), `within_days` by how many days from today; without it, the urgency says so.
COLUMNS = {
    "patient_id": "string",
    "rule": "string",
    "code": "string",
    "protocol": "string",
    "action": "string",
    "urgency": "string",
    "concerns": "string",
    "subject": "string",
    "asks_for": "string",
    "within_days": "float64",
    "value": "float64",
    "text": "string",
    "unit": "string",
    "on": "int64",
    "comparison": "string",
    "limit_value": "float64",
    "limit_unit": "string",
    "fraction_low": "float64",
    "fraction_high": "float64",
    "gaps": "string",
    **dict.fromkeys(GAPS, "string"),
    "fact": "string",
    "says": "string",
    "says_patient": "string",
}

# The columns that fill a gap of every finding; any other gap has its name from the rule.
FILLED_BY = {
    "name": ("subject",),
    "plain_name": ("subject",),
    "value": ("value", "text"),
    "unit": ("unit",),
    "on": ("on",),
    "text": ("text",),
    "comparison": ("comparison",),
    "limit": ("limit_value",),
    "limit_unit": ("limit_unit",),
    "low": ("fraction_low",),
    "high": ("fraction_high",),
    "advice": ("action",),
    "own_says": ("says",),
    "own_says_patient": ("says_patient",),
}

# What a plan needs to know of a finding.
FOUND = {
    "patient_id": "string",
    "rule": "string",
    "code": "string",
    "subject": "string",
    "action": "string",
    "urgency": "string",
    "concerns": "string",
    "asks_for": "string",
    "within_days": "float64",
    "fraction_low": "float64",
    "fraction_high": "float64",
}


def gaps_of(row: Mapping[str, Any]) -> dict[str, str | None]:
    """What fills each gap that the row's rule named.

    >>> gaps_of({"gaps": "multiple note", "gap_1": "2", "gap_2": None, "gap_3": None})
    {'multiple': '2', 'note': None}
    """
    return dict(zip(str(row["gaps"] or "").split(), (row[gap] for gap in GAPS), strict=False))


def from_day_number(number: int) -> dt.date:
    """The day of a number of days since 1970-01-01.

    >>> from_day_number(20_454)
    datetime.date(2026, 1, 1)
    """
    return _EPOCH + dt.timedelta(days=number)


# What a reader set aside of a patient's record: why, where and what, and the day that it is about, if any.
UNREAD = {**dict.fromkeys(("patient_id", "kind", "where", "what", "why"), "string"), "on": "date"}
