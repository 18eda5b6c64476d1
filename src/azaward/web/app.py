"""The server: its routes, what surrounds every answer, and what runs beside them.

>>> from azaward.web.routes import table
>>> ("GET", "/worklist") in {(route.method, route.path) for route in table()}
True
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from azaward import __version__
from azaward.errors import FullError, InputError, StoreError
from azaward.store.care import reassess
from azaward.store.care.acts import ChangedMeanwhileError, NoSuchPatientError
from azaward.web.routes import ROUTERS
from azaward.web.shared import htmx
from azaward.web.shared.answer import failed, wants_json
from azaward.web.shared.guard import Guard
from azaward.web.shared.live import Changes
from azaward.web.shared.room import Room
from azaward.web.shared.who import ACCOUNT, NoSecondFactorError, NotAllowedError, NotSignedInError

# The rooms that keep style sheets and scripts beside their pages.
_STATIC: list[str | tuple[str, str]] = [(f"azaward.web.{room}", "static") for room in ("shared", "clinic", "access")]
_LOOK_FOR_NEW_DAY_S = 60
_log = logging.getLogger("azaward")


def make_app(room: Room) -> FastAPI:
    """The application on a room; started and stopped by the server."""

    @contextlib.asynccontextmanager
    async def life(app: FastAPI) -> AsyncGenerator[None]:
        app.state.changes = Changes(room.store)
        beside = [asyncio.create_task(app.state.changes.watch()), asyncio.create_task(_days(room))]
        yield
        await app.state.changes.end()
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        room.reads.close()

    app = FastAPI(
        title="azaward",
        version=__version__,
        description="Keeps people on azathioprine safe. Decision support, not a certified medical device. "
        "Every page is JSON too: ask with `Accept: application/json` and a token (`Authorization: Bearer ...`).",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.room = room
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static/htmx", StaticFiles(directory=htmx.FOLDER), name="htmx")
    app.mount("/static", StaticFiles(packages=_STATIC), name="static")
    app.add_middleware(Guard, secure=room.settings.secure, largest=room.settings.largest_upload)
    _failures(app)
    return app


async def _days(room: Room) -> None:
    """Assesses everyone anew when the day, or the knowledge, is another one than they were assessed by."""
    while True:
        try:
            await run_in_threadpool(reassess.new_day, room.store, room.today(), room.knowledge)
        except Exception:
            # The worklist says how many lines are of an earlier day; the next look may succeed.
            _log.exception("the new day's assessment failed")
        await asyncio.sleep(_LOOK_FOR_NEW_DAY_S)


def _failures(app: FastAPI) -> None:
    """What each kind of failure answers: one line, and the status that programs expect."""

    async def not_signed_in(request: Request, _: Exception) -> Response:
        if wants_json(request):
            return failed(request, 401, "sign in, or send a token (Authorization: Bearer ...).")
        if request.headers.get("hx-request") == "true":
            return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
        to = request.url.path if request.method == "GET" else "/"
        return RedirectResponse(f"/sign-in?next={quote(to)}", 303)

    async def unready(request: Request, error: Exception) -> Response:
        if wants_json(request) or request.method != "GET":
            return failed(request, 403, str(error), "A second factor first")
        if request.headers.get("hx-request") == "true":
            return Response(status_code=403, headers={"HX-Redirect": ACCOUNT})
        return RedirectResponse(ACCOUNT, 303)

    async def not_allowed(request: Request, error: Exception) -> Response:
        return failed(request, 403, str(error), "Not for you")

    async def changed(request: Request, error: Exception) -> Response:
        return failed(request, 409, str(error), "Somebody was quicker")

    async def no_patient(request: Request, error: Exception) -> Response:
        return failed(request, 404, str(error), "Not found")

    async def full(request: Request, error: Exception) -> Response:
        return failed(request, 507, str(error), "The disk is full")

    async def unusable(request: Request, error: Exception) -> Response:
        return failed(request, 400, str(error))

    async def invalid(request: Request, error: Exception) -> Response:
        problems: list[Any] = list(error.errors()) if isinstance(error, RequestValidationError) else []
        lines = [f"{'.'.join(str(part) for part in problem['loc'][1:])}: {problem['msg']}" for problem in problems]
        return failed(request, 422, "; ".join(lines) or "the request can't be read.")

    async def http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        line = {404: "There is no such page.", 405: "That can't be done here."}.get(status, str(error))
        return failed(request, status, line, "Not found" if status == 404 else "That didn't work")

    async def unexpected(request: Request, error: Exception) -> Response:
        _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return failed(
            request, 500, "Something here is broken; it was written to the server's log. Nothing was changed."
        )

    async def no_room(request: Request, error: Exception) -> Response:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return failed(
                request,
                507,
                "the server's disk is full. Nothing was changed. Free some space, then try again.",
                "The disk is full",
            )
        return await unexpected(request, error)

    handlers: list[tuple[Any, Any]] = [
        (NotSignedInError, not_signed_in),
        (NoSecondFactorError, unready),
        (NotAllowedError, not_allowed),
        (ChangedMeanwhileError, changed),
        (NoSuchPatientError, no_patient),
        (FullError, full),
        (StoreError, unusable),
        (InputError, unusable),
        (OSError, no_room),
        (RequestValidationError, invalid),
        (HTTPException, http),
        (Exception, unexpected),
    ]
    for kind, handler in handlers:
        app.add_exception_handler(kind, handler)
