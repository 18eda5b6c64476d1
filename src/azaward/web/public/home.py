"""`/`: what is azaward, whom is it for, and where does each of them go from here?"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from azaward.guides.library import library
from azaward.knowledge.loading.advice import topics
from azaward.web.shared.answer import answer
from azaward.web.shared.room import room_of
from azaward.web.shared.who import Visitor, anyone

router = APIRouter(tags=["public"])


@router.get("/", summary="What azaward is, and its three doors")
def home(request: Request, who: Annotated[Visitor, anyone]) -> Response:
    """The page that anyone may open."""
    knowledge = room_of(request).knowledge
    model = {
        "guides": len(library().guides),
        "topics": len(topics(knowledge)),
        "medicines": len(knowledge.tables["medicines"]),
        "knowledge": knowledge.version,
        "checked_on": knowledge.newest,
    }
    return answer(request, "home.html.jinja", model)
