"""Who may do what: the documented table is the code's, and every route is tried with every role on a real app."""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from azaward.knowledge import load
from azaward.store import Store, accounts, tokens
from azaward.store.accounts import ROLES
from azaward.store.schema import metadata, users
from azaward.web import demo
from azaward.web.app import make_app
from azaward.web.routes import Route, table
from azaward.web.shared.live import Changes
from azaward.web.shared.who import COOKIE, STAFF
from tests.web.clinic_room import app_of

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
docs_routes = importlib.import_module("docs_routes")

ROUTES = table()
NOBODY = ("nobody", "a halfway session", "a revoked token")
OWN, OTHER = "c001", "c002"
# What trying leaves behind whoever tries: the trail itself, sessions, and attempts to sign in.
LEFT_BEHIND = ("audit", "audit_head", "sessions", "attempts")
# A sign-in that is refused for what was given says so with these; it lets everybody try.
SIGN_IN_ITSELF = ("/sign-in", "/first", "/invitation/")
REFUSED = (401, 403)


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


every_route = pytest.mark.parametrize("route", ROUTES, ids=named)


@dataclass
class House:
    """The example clinic on a database of its own, and people to try its routes."""

    store: Store
    app: Any
    spare: int

    def visitor(self, who: str) -> tuple[TestClient, str]:
        """A browser of this kind of visitor, and the token of its forms."""
        now = dt.datetime.now(dt.UTC)
        client = TestClient(self.app, follow_redirects=False, raise_server_exceptions=False)
        client.headers["accept"] = "text/html"
        if who == "nobody":
            return client, ""
        with self.store.read() as connection:
            login = who if who in ROLES else "administrator"
            number = connection.execute(sa.select(users.c.id).where(users.c.login == login)).scalar_one()
        user = accounts.by_id(self.store, number)
        assert user is not None
        if who == "a revoked token":
            token = self.revoked(user, now)
            client.headers["authorization"] = f"Bearer {token}"
            return client, ""
        token = accounts.begin(self.store, user, who in ROLES, now)
        session = accounts.session_of(self.store, token, now)
        assert session is not None
        client.cookies.set(COOKIE, token)
        return client, session.csrf

    def revoked(self, user: accounts.User, now: dt.datetime) -> str:
        token = tokens.make(self.store, user, "a program", 1, now)
        with self.store.read() as connection:
            made = tokens.of_user(connection, user)
        assert all(tokens.revoke(self.store, user, one.id, now) for one in made if one.revoked_at is None)
        return token

    def tries(self, route: Route, who: str, patient: str = OTHER, csrf: bool = True) -> Any:
        """Sends what a form of this route could send, as this visitor."""
        client, token = self.visitor(who)
        about = self.app.openapi()["paths"][route.path][route.method.casefold()]
        path = route.path
        for one in about.get("parameters", ()):
            if one["in"] == "path":
                path = path.replace(f"{{{one['name']}}}", str(self.value(one["name"], one["schema"], patient)))
        query = {
            one["name"]: self.value(one["name"], one["schema"], patient)
            for one in about.get("parameters", ())
            if one["in"] == "query" and one.get("required")
        }
        sent: dict[str, Any] = {"params": query, "headers": {"x-csrf-token": token} if csrf and token else {}}
        for kind, content in about.get("requestBody", {}).get("content", {}).items():
            fields = self.fields(content["schema"], patient)
            match kind:
                case "application/json":
                    sent["json"] = fields
                case "multipart/form-data":
                    sent["files"] = [("files", ("patients.csv", b"patient_id\nc900\n"))]
                case _:
                    sent["data"] = fields
        return client.request(route.method, path, **sent)

    def fields(self, schema: Mapping[str, Any], patient: str) -> dict[str, Any]:
        whole = self.resolved(schema)
        return {
            name: self.value(name, one, patient) for name, one in whole.get("properties", {}).items() if name != "csrf"
        }

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            schema = self.app.openapi()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def value(self, name: str, schema: Mapping[str, Any], patient: str) -> Any:
        """A value that this field could take, made of its description."""
        if name in ("patient_id", "patients"):
            return [patient] if schema.get("type") == "array" or "anyOf" in schema else patient
        if name == "number":
            return self.spare
        schema = self.resolved(schema)
        if "anyOf" in schema:
            schema = self.resolved(schema["anyOf"][0])
        if "const" in schema or "enum" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        match schema.get("type"), schema.get("format"):
            case "integer", _:
                return max(int(schema.get("minimum", 1)), 1)
            case "number", _:
                return 1.0
            case "boolean", _:
                return True
            case "array", _:
                return [self.value(f"one of {name}", schema["items"], patient)]
            case _, "date":
                return str(demo.DAY + dt.timedelta(days=1 if name == "until" else -1))
            case _:
                return "made up"

    def kept(self) -> dict[str, list[Any]]:
        """Everything in the database but what trying leaves behind."""
        with self.store.read() as connection:
            return {
                name: [tuple(row) for row in connection.execute(sa.select(one))]
                for name, one in metadata.tables.items()
                if name not in (*LEFT_BEHIND, "tokens")
            }


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example clinic with five patients, made once."""
    path = tmp_path_factory.mktemp("clinic") / "example.db"
    store = Store.open(f"sqlite:///{path}")
    demo.furnish(store, load(), patients=5)
    with store.write() as connection:
        accounts.make_user(connection, "spare", "A spare nurse", "nurse", demo.CLINIC, demo.PASSWORD)
    store.close()
    return path


@pytest.fixture
def house(furnished: Path, tmp_path: Path) -> Iterator[House]:
    path = tmp_path / "example.db"
    shutil.copyfile(furnished, path)
    store = Store.open(f"sqlite:///{path}")
    with store.read() as connection:
        spare = connection.execute(sa.select(users.c.id).where(users.c.login == "spare")).scalar_one()
    app = app_of(store)
    # A stream of changes that has ended already, so that it answers and lets go.
    app.state.changes = Changes(store)
    asyncio.run(app.state.changes.end())
    yield House(store, app, spare)
    app.state.room.reads.close()
    store.close()


def test_the_documented_table_is_the_code_s() -> None:
    written = (ROOT / "docs" / "who-may.md").read_text(encoding="utf-8")
    assert written == docs_routes.page(), "run: python scripts/docs_routes.py > docs/who-may.md"


def test_every_route_of_the_app_is_in_the_table(house: House) -> None:
    described = {(method.upper(), path) for path, methods in house.app.openapi()["paths"].items() for method in methods}
    assert described <= {(route.method, route.path) for route in ROUTES}


@every_route
def test_who_is_not_listed_is_refused_and_nothing_is_changed(house: House, route: Route) -> None:
    before = house.kept()
    for who in () if route.public else NOBODY:
        refused = house.tries(route, who)
        assert refused.status_code == 303, (who, refused.status_code, refused.text[:200])
        assert refused.headers["location"].startswith("/sign-in"), who
    for who in [role for role in ROLES if role not in route.roles]:
        refused = house.tries(route, who)
        assert refused.status_code == 403, (who, refused.status_code, refused.text[:200])
        assert "Not for you" in refused.text, who
    assert house.kept() == before


@every_route
def test_a_program_that_is_not_signed_in_gets_401(house: House, route: Route) -> None:
    if route.public:
        return
    client = TestClient(house.app, headers={"accept": "application/json"}, follow_redirects=False)
    path = route.path.replace("{patient_id}", OTHER)
    for name in ("number", "import_id"):
        path = path.replace(f"{{{name}}}", "1")
    refused = client.request(route.method, path)
    assert refused.status_code == 401, refused.text[:200]
    assert "sign in" in refused.json()["error"]


@every_route
def test_who_is_listed_is_let_in(house: House, route: Route) -> None:
    for who in [*(["nobody"] if route.public else []), *(role for role in ROLES if role in route.roles)]:
        let_in = house.tries(route, who, OWN)
        assert let_in.status_code < 500, (who, let_in.text[:300])
        if not route.path.startswith(SIGN_IN_ITSELF):
            assert let_in.status_code not in REFUSED, (who, let_in.status_code, let_in.text[:300])
            assert not let_in.headers.get("location", "").startswith("/sign-in?"), who


@pytest.mark.parametrize("route", [one for one in ROUTES if one.method != "GET"], ids=named)
def test_a_change_without_the_token_of_its_session_is_refused(house: House, route: Route) -> None:
    before = house.kept()
    for who in [role for role in ROLES if role in route.roles]:
        refused = house.tries(route, who, OWN, csrf=False)
        assert refused.status_code == 403, (who, refused.status_code, refused.text[:200])
    assert house.kept() == before


OF_A_PATIENT = [one for one in ROUTES if "{patient_id}" in one.path]
of_a_patient = pytest.mark.parametrize("route", [pytest.param(one, id=named(one)) for one in OF_A_PATIENT])


@of_a_patient
def test_nobody_reaches_a_patient_that_is_not_theirs(house: House, route: Route) -> None:
    """A patient no record by its number, their own among them; staff none of another clinic."""
    before = house.kept()
    for patient in (OWN, OTHER):
        assert house.tries(route, "patient", patient).status_code == 403
    for who in [role for role in STAFF if role in route.roles]:
        stranger = house.tries(route, who, "c999")
        assert stranger.status_code in (400, 404, 409, 422), (who, stranger.status_code)
    assert house.kept() == before


def test_every_staff_page_refuses_a_patient(house: House) -> None:
    pages = [one for one in ROUTES if one.method == "GET" and not one.public and "patient" not in one.roles]
    assert {"/worklist", "/recall", "/quality", "/audit", "/patients/{patient_id}"} <= {one.path for one in pages}
    for one in pages:
        refused = house.tries(one, "patient", OWN)
        assert (refused.status_code, OTHER in refused.text) == (403, False), one.path


def test_staff_without_a_second_factor_can_only_set_one_up(house: House) -> None:
    """The example clinic asks for none; a real one does."""
    room = house.app.state.room
    real = make_app(type(room)(room.store, room.knowledge, room.words, room.reads, type(room.settings)(today=demo.DAY)))
    client, _ = House(house.store, real, house.spare).visitor("administrator")
    for one in [one for one in ROUTES if one.method == "GET" and "{" not in one.path and not one.public]:
        if "administrator" in one.roles and one.path != "/account":
            sent = client.get(one.path)
            assert (sent.status_code, sent.headers.get("location")) == (303, "/account"), one.path
