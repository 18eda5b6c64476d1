"""What every table shares: where a fact was read, and the words for what to do and how soon."""

from __future__ import annotations

import datetime as dt
from typing import Literal, get_args

import msgspec

Action = Literal[
    "stop", "withhold", "do-not-start", "reduce", "avoid", "refer", "change", "test", "review", "continue", "inform"
]
Urgency = Literal["emergency", "same-day", "this-week", "routine", "info"]
How = Literal["read", "secondary"]
ACTIONS: tuple[str, ...] = get_args(Action)
URGENCIES: tuple[str, ...] = get_args(Urgency)


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of a table."""


class Fact(Row, frozen=True):
    """A line that says something clinical, and where it was read."""

    source: str
    locator: str
    how: How
    checked_on: dt.date


class Source(Row, frozen=True):
    id: str
    title: str
    publisher: str
    published_on: str
    identifier: str


class Parameter(Fact, frozen=True):
    id: str
    value: float
    unit: str | None
    meaning: str
