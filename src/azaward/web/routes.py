"""Which routes are there, and who may use each? The table that docs show and tests try is read from here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from azaward.web.access import account, first, invitation, oidc, signing, users
from azaward.web.clinic import audit as audit_page
from azaward.web.clinic import entry, imports, patient, quality, recall, worklist
from azaward.web.clinic import live as live_routes
from azaward.web.clinic import protocols as protocol_pages
from azaward.web.patient import mine
from azaward.web.public import advise as advise_page
from azaward.web.public import check as check_page
from azaward.web.public import guides as guides_pages
from azaward.web.public import home as public
from azaward.web.shared.who import Anyone, May

ROUTERS: tuple[APIRouter, ...] = (
    worklist.router,
    live_routes.router,
    patient.router,
    entry.router,
    signing.router,
    oidc.router,
    invitation.router,
    first.router,
    account.router,
    users.router,
    imports.router,
    recall.router,
    quality.router,
    audit_page.router,
    public.router,
    guides_pages.router,
    advise_page.router,
    check_page.router,
    protocol_pages.router,
    mine.router,
)


@dataclass(frozen=True)
class Route:
    """A route and who may use it; `public` without signing in."""

    method: str
    path: str
    roles: tuple[str, ...]
    public: bool


def table() -> list[Route]:
    """Every route with who may use it; `TypeError` for a route that doesn't say."""
    rows = [
        Route(method, route.path, guard.roles, isinstance(guard, Anyone))
        for route in (route for router in ROUTERS for route in router.routes)
        if isinstance(route, APIRoute)
        for guard in [_guard(route)]
        for method in sorted(route.methods or ())
    ]
    return sorted(rows, key=lambda row: (row.path, row.method))


def _guard(route: APIRoute) -> May:
    for dependant in _all(route.dependant):
        if isinstance(dependant.call, May):
            return dependant.call
    raise TypeError(f"{route.path}: doesn't say who may use it")


def _all(dependant: Any) -> Iterator[Any]:
    yield dependant
    for inner in dependant.dependencies:
        yield from _all(inner)
