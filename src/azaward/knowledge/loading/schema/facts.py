"""What every table shares: where a fact was read, and the numbers that belong to no protocol."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import msgspec

from azaward.terms import Action, Comparison, Urgency

How = Literal["read", "secondary"]
ACTIONS: tuple[Action, ...] = tuple(Action)
URGENCIES: tuple[Urgency, ...] = tuple(Urgency)


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
    """A number that belongs to no protocol. `comparison` says how a value is compared with it, where one is."""

    id: str
    value: float
    comparison: Comparison | None
    unit: str | None
    meaning: str
