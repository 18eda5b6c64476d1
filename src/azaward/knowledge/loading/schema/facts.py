"""What every table shares: where a fact was read, since when it holds, and the numbers of no protocol."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Literal, cast, get_args

import msgspec

from azaward.knowledge.loading.schema.columns import Own, Prose, Published, SourceId
from azaward.terms import Action, Comparison, Urgency

# What was read: that section of the source's own text; only its abstract; another text that quotes it; or nothing,
# since it is azaward's own. The least first.
How = Literal["secondary", "abstract", "full text", "own"]
HOWS: tuple[How, ...] = get_args(How)
# Where a fact was read in the source's own words.
READ: tuple[How, ...] = ("full text", "abstract")
# What a source is; docs/knowledge/provenance.md says what each word means.
SourceKind = Literal[
    "guideline",
    "regulator",
    "trial",
    "cohort",
    "review",
    "NHS",
    "health service",
    "laboratory",
    "charity",
    "foreign label",
    "web copy",
    "data",
    "standard",
    "own",
]
Thiopurine = Literal["azathioprine", "mercaptopurine", "tioguanine"]
# UCUM codes, and what is counted where no code fits: people, and shares such as so many of 100.
# fmt: off
UnitCode = Literal[
    "%", "1", "/uL", "10*12/L", "10*3/mL", "10*3/uL", "10*6/L", "10*6/mL", "10*6/uL",
    "10*9/L", "Cel", "U/L", "U/mL", "[degF]", "[ft_i]",
    "[in_i]", "[lb_av]", "[oz_av]", "[stone_av]", "a", "cm", "d", "fL", "g", "g/L", "g/dL", "h", "kg", "m", "mL/min",
    "mL/min/{1.73_m2}", "mU/L", "mg", "mg/L", "mg/d", "mg/dL", "mg/kg", "mg/kg/d", "min", "mm", "mm/h", "mmol/L", "mo",
    "nkat/L", "nmol/L", "nmol/g/h", "nmol/h/g{Hb}", "nmol/mL/h", "pmol/8x10^8 RBC", "ukat/L", "um3", "umol/L", "wk",
    "/100", "/1000", "people", "patient-years", "person-years", "years",
]
# fmt: on
UNITS: tuple[str, ...] = get_args(UnitCode)
ACTIONS: tuple[Action, ...] = tuple(Action)
URGENCIES: tuple[Urgency, ...] = tuple(Urgency)


def least_read(hows: Iterable[str]) -> How:
    """Of several ways of having read one source, the one that counts least.

    >>> least_read(["full text", "secondary"])
    'secondary'
    """
    return min(cast(Iterable[How], hows), key=HOWS.index)


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of a table."""


class Fact(Row, frozen=True):
    """A line that says something clinical, and where it was read."""

    source: SourceId
    locator: Prose
    how: How
    checked_on: dt.date


class Dated(Fact, frozen=True, kw_only=True):
    """A fact that may hold from a day on; without one it always held. `Knowledge.held_on` keeps the rows of a day."""

    valid_from: dt.date | None = None


class Source(Row, frozen=True):
    id: Own
    title: Prose
    publisher: Prose
    published_on: Published
    identifier: Own
    kind: SourceKind = "own"


class Parameter(Dated, frozen=True):
    """A number that belongs to no protocol. `comparison` says how a value is compared with it, where one is."""

    id: Own
    value: float
    comparison: Comparison | None
    unit: UnitCode | None
    meaning: Prose
