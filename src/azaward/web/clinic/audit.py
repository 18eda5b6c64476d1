"""`/audit`: who read or changed what in the clinic, and has nobody altered the trail since?

An administrator sees the entries of their own clinic and no other. Looking is itself entered. The chain runs through
every clinic of the server, so that checking it says something of all, and shows nothing of the others.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, NamedTuple

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response, StreamingResponse
from sqlalchemy.engine import Connection

from azaward.reports.patient.letters import harmless
from azaward.store import accounts
from azaward.store import audit as trail
from azaward.store.audit import Entry, Verified
from azaward.store.database import Store
from azaward.store.schema import audit
from azaward.web.shared.answer import answer
from azaward.web.shared.room import room_of
from azaward.web.shared.who import Visitor, may, note_read

router = APIRouter(tags=["audit"])
PAGE = 100
_AT_ONCE = 5_000
_COLUMNS = ("seq", "at", "actor", "action", "subject", "detail", "hash")
_LAST = 2**31 - 1
administrator: Any = may("administrator")


class Asked(NamedTuple):
    """Which entries: by whom, doing what, to whom, from one day to another (UTC, both included)."""

    actor: str
    action: str
    subject: str
    first: dt.date | None
    last: dt.date | None

    def where(self, clinic_id: str) -> list[sa.ColumnElement[bool]]:
        """The conditions, of one clinic."""
        where = [audit.c.clinic_id == clinic_id]
        if self.actor.strip():
            where.append(audit.c.actor == self.actor.strip())
        if self.action.strip():
            where.append(audit.c.action.contains(self.action.strip().casefold(), autoescape=True))
        if self.subject.strip():
            where.append(audit.c.subject == self.subject.strip())
        # Moments are kept as ISO text in UTC, which sorts as time does.
        if self.first is not None:
            where.append(audit.c.at >= self.first.isoformat())
        if self.last is not None and self.last < dt.date.max:
            where.append(audit.c.at < (self.last + dt.timedelta(days=1)).isoformat())
        return where

    def said(self) -> dict[str, Any]:
        """What was asked for, without what was left open."""
        said = {
            "actor": self.actor,
            "action": self.action,
            "subject": self.subject,
            "from": self.first,
            "to": self.last,
        }
        return {name: value for name, value in said.items() if value}


def _asked(
    actor: Annotated[str, Query(max_length=300, description="a login")] = "",
    action: Annotated[
        str, Query(max_length=300, description="words of what was done, such as `read` or `decide`")
    ] = "",
    subject: Annotated[str, Query(max_length=300, description="a patient's id, a login, a file")] = "",
    first: Annotated[dt.date | None, Query(alias="from")] = None,
    last: Annotated[dt.date | None, Query(alias="to")] = None,
) -> Asked:
    return Asked(actor, action, subject, first, last)


Wanted = Annotated[Asked, Depends(_asked)]
Before = Annotated[int | None, Query(ge=1, le=_LAST, description="only entries older than this one")]
After = Annotated[int | None, Query(ge=0, le=_LAST, description="only entries newer than this one, the next ones")]


@router.get("/audit", summary="Who read or changed what in the clinic, the newest first")
def audit_page(
    request: Request,
    who: Annotated[Visitor, administrator],
    asked: Wanted,
    before: Before = None,
    after: After = None,
) -> Response:
    """A page of the clinic's part of the audit trail."""
    return answer(request, "audit.html.jinja", _model(request, who, asked, before, after))


@router.get("/audit.csv", summary="The clinic's audit trail as CSV, the newest first")
def export(request: Request, who: Annotated[Visitor, administrator], asked: Wanted) -> Response:
    """Every entry that was asked for; no cell runs as a formula."""
    room, user = room_of(request), who.signed_in
    note_read(request, who, "audit trail", None, export="csv", asked=asked.said())
    headers = {"content-disposition": f'attachment; filename="audit-{user.clinic_id}-{room.today()}.csv"'}
    lines = _csv(room.store, asked.where(user.clinic_id))
    return StreamingResponse(lines, 200, headers, "text/csv; charset=utf-8")


@router.post("/audit/verify", summary="Checks that nobody altered the audit trail")
def verify(
    request: Request,
    who: Annotated[Visitor, administrator],
    head: Annotated[str, Form(max_length=200, description="a hash noted earlier, which must stand in it")] = "",
) -> Response:
    """Follows the chain from its first entry to its last; says how many there are, and the last hash."""
    room, user = room_of(request), who.signed_in
    verified = trail.verify(room.store, head.strip().casefold() or None)
    detail = {"entries": verified.entries, "head": verified.head, "wrong": verified.wrong}
    with room.store.write() as connection:
        trail.append(connection, [Entry(user.login, "verify audit trail", user.clinic_id, None, detail)])
    model = _model(request, who, Asked("", "", "", None, None), None, None, verified)
    return answer(request, "audit.html.jinja", model)


def _model(
    request: Request,
    who: Visitor,
    asked: Asked,
    before: int | None,
    after: int | None,
    verified: Verified | None = None,
) -> dict[str, Any]:
    room, user = room_of(request), who.signed_in
    note_read(request, who, "audit trail", None, asked=asked.said())
    where = asked.where(user.clinic_id)
    with room.store.read() as connection:
        entries = _page(connection, where, before, after)
        ends = [entries[0]["seq"], entries[-1]["seq"]] if entries else [0, 0]
        newer = bool(entries) and _any(connection, [*where, audit.c.seq > ends[0]])
        older = bool(entries) and _any(connection, [*where, audit.c.seq < ends[1]])
        staff = accounts.staff_of(connection, user.clinic_id)
    return {
        "entries": entries,
        "older": ends[1] if older else None,
        "newer": ends[0] if newer else None,
        "wanted": {"actor": "", "action": "", "subject": "", "from": "", "to": ""}
        | {name: str(value) for name, value in asked.said().items()},
        "staff": staff,
        "verified": verified,
    }


def _page(
    connection: Connection, where: Sequence[sa.ColumnElement[bool]], before: int | None, after: int | None
) -> list[dict[str, Any]]:
    """Entries by their number, so that a page stays the same page while new ones come."""
    question = sa.select(*(audit.c[name] for name in _COLUMNS)).where(*where).limit(PAGE)
    if before is None and after is not None:
        rows = connection.execute(question.where(audit.c.seq > after).order_by(audit.c.seq)).mappings().all()
        return [dict(row) for row in reversed(rows)]
    if before is not None:
        question = question.where(audit.c.seq < before)
    return [dict(row) for row in connection.execute(question.order_by(audit.c.seq.desc())).mappings()]


def _any(connection: Connection, where: Sequence[sa.ColumnElement[bool]]) -> bool:
    return connection.execute(sa.select(audit.c.seq).where(*where).limit(1)).one_or_none() is not None


def _csv(store: Store, where: Sequence[sa.ColumnElement[bool]]) -> Iterator[bytes]:
    """Some entries at a time: a slow download holds no transaction open."""
    yield _lines([_COLUMNS]).encode("utf-8-sig")
    last = _LAST
    while True:
        question = sa.select(*(audit.c[name] for name in _COLUMNS)).where(*where, audit.c.seq < last)
        with store.read() as connection:
            rows = connection.execute(question.order_by(audit.c.seq.desc()).limit(_AT_ONCE)).all()
        if not rows:
            return
        yield _lines([["" if cell is None else str(cell) for cell in row] for row in rows]).encode()
        last = rows[-1].seq


def _lines(rows: Sequence[Sequence[str]]) -> str:
    made = io.StringIO()
    sheet = csv.writer(made, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    for row in rows:
        sheet.writerow([harmless(cell) for cell in row])
    return made.getvalue()
