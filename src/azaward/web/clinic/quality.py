"""`/quality`: how well does the clinic care for its people on azathioprine? The figures, with their intervals.

They are those of `azaward cohort quality`, of the clinic's own rows. Until they are ready the page says how far they
are, and looks again.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from azaward.web.clinic.figures import By, of_room
from azaward.web.shared.answer import answer, wants_json
from azaward.web.shared.room import room_of
from azaward.web.shared.who import STAFF, Visitor, may, note_read

router = APIRouter(tags=["quality"])
_BY: dict[By, str] = {"none": "the whole clinic", "protocol": "protocol", "year": "year of the first tablet"}


@router.get("/quality", summary="The figures that a service is judged by, with intervals")
def quality(
    request: Request,
    who: Annotated[Visitor, may(*STAFF)],
    by: Annotated[By, Query(description="what each figure is divided by")] = "none",
    hide_below: Annotated[
        int | None, Query(ge=0, le=1000, description="hide counts below this, and what would give them away")
    ] = None,
) -> Response:
    """The clinic's figures as they stand; `progress` tells of newer ones that are being worked out."""
    from azaward.cohort.quality.to_html import content

    room, user = room_of(request), who.signed_in
    # Nothing is below one.
    limit = hide_below if hide_below is not None and hide_below > 1 else None
    figures = of_room(room.notes, room.store, room.knowledge)
    ready, progress = figures.of(user.clinic_id, room.today(), by)
    note_read(request, who, "quality figures", None, by=by, hide_below=limit)
    model: dict[str, Any] = {
        "figures": None if ready is None else figures.shown(ready, by, limit),
        "as_of": None if ready is None else ready.of.as_of,
        "progress": progress,
        "wanted": {"by": by, "hide_below": limit},
    }
    if not wants_json(request):
        shown = model["figures"]
        model |= {"page": None if shown is None else content(shown, room.knowledge), "divided": _BY}
    return answer(request, "quality.html.jinja", model)
