"""How does a page become an answer: HTML for people, JSON for programs, one line for what went wrong?

A route gives a template and a model. Who asks for `application/json` gets the model; everybody else the page made of
it, or only its moving part where htmx asks for that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from jinja2 import Environment

from azaward.assessment import DISCLAIMER
from azaward.knowledge import load
from azaward.record.names import as_written
from azaward.reports.pages import environment
from azaward.reports.words import link as link_of
from azaward.reports.words import long_day
from azaward.web.shared.room import room_of
from azaward.web.shared.trail import detail
from azaward.web.shared.who import Visitor
from azaward.wording import Words

# Each room keeps its templates beside its pages.
TEMPLATES = sorted(Path(__file__).parents[1].glob("*/templates"))


def wants_json(request: Request) -> bool:
    """Whether a program asks, rather than a browser."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def answer(request: Request, template: str, model: Mapping[str, Any], status: int = 200, **headers: str) -> Response:
    """The model as JSON, or the page made of it."""
    if wants_json(request):
        return as_json(model, status)
    return Response(page(request, template, model), status, headers, "text/html; charset=utf-8")


def as_json(model: Any, status: int = 200) -> Response:
    """The model as JSON."""
    return Response(msgspec.json.encode(model, enc_hook=_plain), status, media_type="application/json")


def page(request: Request, template: str, model: Mapping[str, Any]) -> str:
    """The page as HTML."""
    who: Visitor = getattr(request.state, "visitor", None) or Visitor(None)
    room = room_of(request)
    return (
        _environment()
        .get_template(template)
        .render(
            **model,
            visitor=who.user,
            csrf=who.csrf,
            today=room.today(),
            demo=room.settings.demo is not None,
            path=request.url.path,
            partial=request.headers.get("hx-request") == "true",
            disclaimer=DISCLAIMER,
        )
    )


def page_of(patient_id: str) -> str:
    """The address of a patient's page."""
    return f"/patients/{quote(patient_id, safe='')}"


def done(request: Request, to: str, **said: Any) -> Response:
    """What follows a change: the page to go to, or for a program what was done."""
    if wants_json(request):
        return as_json({"ok": True, **said})
    return RedirectResponse(to, 303)


def failed(request: Request, status: int, line: str, title: str = "That didn't work") -> Response:
    """What went wrong, in one line, as a page or as JSON."""
    if wants_json(request):
        return as_json({"error": line}, status)
    return Response(
        page(request, "failed.html.jinja", {"title": title, "line": line}),
        status,
        media_type="text/html; charset=utf-8",
    )


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"not for JSON: {type(value)}")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return environment(
        TEMPLATES,
        page_of=page_of,
        detail=detail,
        query=_query,
        named=_named,
        said=_said,
        longday=_long_day,
        moment=_moment,
        link=link_of,
    )


def _long_day(day: dt.date | None) -> str:
    return "not known" if day is None else long_day(day)


def _moment(moment: dt.datetime | str) -> str:
    """A moment as people read it, in UTC."""
    moment = dt.datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M")


def _said(words: str) -> str:
    """A finding's words with its units as people write them."""
    return words.replace("x10^9/L", "×10⁹/L")


def _named(word: str) -> str:
    """The name of a test or a medicine; one that isn't known stays as it was typed."""
    return words_of().name(as_written(word))[0]


@lru_cache(maxsize=1)
def words_of() -> Words:
    """The names in the knowledge that ships."""
    return Words(load())


def _query(wanted: Mapping[str, Any]) -> str:
    """A query string of what was asked for, without what is empty."""
    said = {
        name: "true" if value is True else value for name, value in wanted.items() if value not in ("", False, None)
    }
    return urlencode(said)
