"""`/guides`: plain answers about azathioprine, by topic or by everyday words, each number with its source."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from azaward.guides.library import Guide, UnknownGuideError, library
from azaward.knowledge import Knowledge
from azaward.reports.guides import to_html as guide_html
from azaward.reports.guides import to_pdf as guide_pdf
from azaward.reports.guides.to_json import listed, shown
from azaward.reports.words import printable
from azaward.web.shared.answer import answer, as_json, wants_json
from azaward.web.shared.room import room_of
from azaward.web.shared.who import Visitor, anyone

router = APIRouter(tags=["guides"])
_LONGEST = 200


@router.get("/guides", summary="Every guide by topic, or those that answer some words")
def guides(
    request: Request,
    who: Annotated[Visitor, anyone],
    words: Annotated[str, Query(max_length=_LONGEST, description="what you would say: throwing up")] = "",
) -> Response:
    """The library; with `words`, the guides that hold any of them, the best first."""
    held = library()
    asked = printable(words).strip()
    answering = held.search(asked) if asked else list(held.guides)
    if wants_json(request):
        return as_json([listed(guide) for guide in answering])
    by_topic = {
        name: [guide for guide in held.guides if guide.front.topic == topic]
        for topic, name in held.words.sections["topics"].items()
    }
    model = {"words": asked, "found": answering if asked else None, "topics": {k: v for k, v in by_topic.items() if v}}
    return answer(request, "guides.html.jinja", model)


# Before the page itself, whose path would take this one for an id.
@router.get("/guides/{guide_id}.pdf", summary="A guide for the printer")
def guide_as_pdf(request: Request, who: Annotated[Visitor, anyone], guide_id: str) -> Response:
    """The guide as a PDF."""
    try:
        made = _pdf(guide_id, room_of(request).knowledge)
    except UnknownGuideError as error:
        return _unknown(request, error)
    named = {"content-disposition": f'inline; filename="{library().get(guide_id).id}.pdf"'}
    return Response(made, media_type="application/pdf", headers=named)


@router.get("/guides/{guide_id}", summary="A guide")
def guide(request: Request, who: Annotated[Visitor, anyone], guide_id: str) -> Response:
    """The guide with its sources, the day on which it was checked, and how easy it is to read."""
    knowledge = room_of(request).knowledge
    try:
        if wants_json(request):
            return as_json(shown(library().get(guide_id), knowledge))
        page = _page(guide_id, knowledge)
    except UnknownGuideError as error:
        return _unknown(request, error)
    words = page.guide.words
    others = [
        guide for guide in library().guides if guide.front.topic == page.guide.front.topic and guide.id != guide_id
    ]
    topic = words("topics", page.guide.front.topic)
    model = {"guide": page, "ui": words.sections["ui"], "topic": topic, "others": others}
    return answer(request, "guide.html.jinja", model)


def _unknown(request: Request, error: UnknownGuideError) -> Response:
    line = f"There is no guide {printable(error.id)!r}."
    if wants_json(request):
        return as_json({"error": line, "near": error.near}, 404)
    near: list[Guide] = [library().get(id) for id in error.near]
    return answer(request, "guide_missing.html.jinja", {"line": line, "near": near}, 404)


@lru_cache(maxsize=128)
def _page(guide_id: str, knowledge: Knowledge) -> guide_html.Page:
    return guide_html.page_of(library().get(guide_id), knowledge)


@lru_cache(maxsize=128)
def _pdf(guide_id: str, knowledge: Knowledge) -> bytes:
    return guide_pdf.to_pdf(library().get(guide_id), knowledge)
