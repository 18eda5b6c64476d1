"""`/worklist/live`: tells an open page that something changed in its clinic."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from azaward.web.shared.live import Changes
from azaward.web.shared.who import STAFF, Visitor, may

router = APIRouter()


@router.get("/worklist/live", response_class=StreamingResponse, summary="Tells when something changed in the clinic")
async def live(request: Request, who: Annotated[Visitor, may(*STAFF)]) -> StreamingResponse:
    """Server-sent events: `change`, with the count of changes."""
    changes: Changes = request.app.state.changes
    events = changes.of(who.signed_in.clinic_id)
    return StreamingResponse(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})
