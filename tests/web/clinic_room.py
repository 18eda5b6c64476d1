"""A clinic's pages without a network: an app on a store, and somebody signed in to it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from starlette.testclient import TestClient

from azaward.knowledge import load
from azaward.store import Store, accounts, imports
from azaward.store.accounts import Role
from azaward.store.audit import Reads
from azaward.web.app import make_app
from azaward.web.demo import EXAMPLES
from azaward.web.shared.room import Room, Settings
from azaward.web.shared.who import COOKIE
from azaward.wording import Words

TODAY = dt.date(2026, 11, 23)
PASSWORD = "a long enough pass phrase"


def app_of(store: Store, **settings: Any) -> Any:
    """The pages on a store, where staff need no second factor."""
    knowledge = load()
    room = Room(store, knowledge, Words(knowledge), Reads(store), Settings(demo=EXAMPLES, today=TODAY, **settings))
    return make_app(room)


def signed_in(app: Any, login: str, role: Role, clinic_id: str = "one", patient_id: str | None = None) -> TestClient:
    """Somebody of a clinic in a browser of their own; `csrf` is sent with every request."""
    store: Store = app.state.room.store
    imports.make_clinic(store, clinic_id, f"Clinic {clinic_id}")
    with store.write() as connection:
        number = accounts.make_user(connection, login, login, role, clinic_id, PASSWORD, patient_id)
    user = accounts.by_id(store, number)
    assert user is not None
    now = dt.datetime.now(dt.UTC)
    token = accounts.begin(store, user, True, now)
    session = accounts.session_of(store, token, now)
    assert session is not None
    return TestClient(app, cookies={COOKIE: token}, headers={"x-csrf-token": session.csrf})
