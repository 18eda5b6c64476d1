"""The worklist: its lines, their order and their counts.

The lines are prepared in advance (`reassess.py`), so a page is equally fast with a hundred results or a million.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.knowledge import URGENCIES
from azaward.store.schema import worklist

Sort = Literal["urgency", "since", "due", "patient"]
SORTS: tuple[Sort, ...] = ("urgency", "since", "due", "patient")
PAGE = 50
_NOTHING_TO_DO = URGENCIES.index("info")


@dataclass(frozen=True)
class Wanted:
    """A filter by urgency, text, assignee or overdue tests; `everyone` includes patients who need nothing."""

    urgency: str | None = None
    words: str = ""
    assigned_to: str | None = None
    overdue: bool = False
    everyone: bool = False
    sort: Sort = "urgency"
    page: int = 1


@dataclass(frozen=True)
class Line:
    """One patient's line: the most urgent unhandled finding, and the number of others."""

    patient_id: str
    urgency: str
    action: str
    since: dt.date
    headline: str
    others: int
    hidden: int
    test_due_on: dt.date | None
    overdue_days: int | None
    who: str
    decision: str
    indication: str | None
    assigned_to: str | None
    note: str | None
    as_of: dt.date


@dataclass(frozen=True)
class Shown:
    """A page of lines; `counts` covers the whole clinic by urgency, and `behind` the lines not assessed today."""

    lines: Sequence[Line]
    found: int
    page: int
    pages: int
    counts: dict[str, int]
    behind: int


def page(connection: Connection, clinic_id: str, wanted: Wanted, today: dt.date, size: int = PAGE) -> Shown:
    """A page of the worklist of a clinic."""
    mine = worklist.c.clinic_id == clinic_id
    by_urgency = sa.select(worklist.c.urgency, sa.func.count()).where(mine).group_by(worklist.c.urgency)
    counted = {URGENCIES[rank]: count for rank, count in connection.execute(by_urgency)}
    where = [mine, *_where(wanted)]
    lines = connection.execute(sa.select(sa.func.count()).select_from(worklist).where(*where)).scalar_one()
    pages = max(1, -(-lines // size))
    number = min(max(1, wanted.page), pages)
    question = sa.select(worklist).where(*where).order_by(*_order(wanted.sort)).limit(size).offset((number - 1) * size)
    stale = sa.select(sa.func.count()).select_from(worklist).where(mine, worklist.c.as_of != today)
    return Shown(
        lines=[_line(row) for row in connection.execute(question).mappings()],
        found=lines,
        page=number,
        pages=pages,
        counts={word: counted.get(word, 0) for word in URGENCIES},
        behind=connection.execute(stale).scalar_one(),
    )


def overdue(connection: Connection, clinic_id: str) -> list[Line]:
    """Everyone with an overdue test, longest overdue first."""
    question = (
        sa.select(worklist)
        .where(worklist.c.clinic_id == clinic_id, worklist.c.overdue_days > 0)
        .order_by(worklist.c.overdue_days.desc(), worklist.c.patient_id)
    )
    return [_line(row) for row in connection.execute(question).mappings()]


def _where(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    if wanted.urgency is not None:
        where.append(worklist.c.urgency == URGENCIES.index(wanted.urgency))
    elif not wanted.everyone:
        where.append(worklist.c.urgency < _NOTHING_TO_DO)
    where += [worklist.c.search.contains(word, autoescape=True) for word in wanted.words.casefold().split()]
    if wanted.assigned_to is not None:
        where.append(
            worklist.c.assigned_to == wanted.assigned_to if wanted.assigned_to else worklist.c.assigned_to.is_(None)
        )
    if wanted.overdue:
        where.append(worklist.c.overdue_days > 0)
    return where


def _order(sort: Sort) -> list[sa.ColumnElement[Any]]:
    of = worklist.c
    match sort:
        case "urgency":
            return [of.urgency, of.action, of.since, of.patient_id]
        case "since":
            return [of.since, of.urgency, of.patient_id]
        case "due":
            return [of.test_due_on.is_(None), of.test_due_on, of.patient_id]
        case "patient":
            return [of.patient_id]


def _line(row: Mapping[Any, Any]) -> Line:
    cells = {**row, "urgency": URGENCIES[row["urgency"]], "action": row["doing"]}
    return Line(**{field.name: cells[field.name] for field in fields(Line)})


__all__ = ["PAGE", "SORTS", "Line", "Shown", "Wanted", "overdue", "page"]
