"""Whatever a program sends, it gets an answer that says what was wrong: the OpenAPI description, fuzzed."""

from __future__ import annotations

import atexit
import datetime as dt
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import schemathesis
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from starlette.testclient import TestClient

from azaward.knowledge import load
from azaward.store import Store, accounts, audit
from azaward.store.audit import Reads
from azaward.store.schema import tokens, users
from azaward.web.app import make_app
from azaward.web.demo import DAY, EXAMPLES, furnish
from azaward.web.shared.room import Room, Settings
from azaward.wording import Words
from tests.proof import rounds

ROLES = ("administrator", "clinician", "nurse", "patient")
_open: dict[str, object] = {}
_answers: Counter[int] = Counter()


def app() -> object:
    """The example clinic, small, with a token of each role."""
    if "app" in _open:
        return _open["app"]
    knowledge = load()
    folder = tempfile.mkdtemp(prefix="azaward-openapi-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    store = Store.open(f"sqlite:///{folder}/store.db")
    furnish(store, knowledge, patients=5)
    now = dt.datetime.now(dt.UTC)
    with store.write() as connection:
        for role in ROLES:
            number = connection.execute(sa.select(users.c.id).where(users.c.login == role)).scalar_one()
            row = {"digest": accounts.digest_of(role), "user_id": number, "name": "fuzz", "created_at": now}
            connection.execute(sa.insert(tokens).values(**row, ends_at=now + dt.timedelta(hours=1)))
    room = Room(store, knowledge, Words(knowledge), Reads(store), Settings(demo=EXAMPLES, today=DAY))
    _open.update(app=make_app(room), store=store)
    return _open["app"]


@pytest.fixture(scope="module", autouse=True)
def running() -> Iterator[None]:
    with TestClient(app()):  # pyright: ignore[reportArgumentType]
        yield


# The stream of changes never ends, and a sign-in elsewhere needs a provider.
schema = schemathesis.openapi.from_asgi("/openapi.json", app()).exclude(path_regex=r"/live$|/oidc")


@schema.parametrize()
@settings(max_examples=rounds(12, 200), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_request_breaks_the_server(case: schemathesis.Case) -> None:
    for role in ROLES:
        answer = case.call(headers={"Authorization": f"Bearer {role}", "Accept": "application/json"})
        _answers[answer.status_code // 100] += 1
        assert answer.status_code < 500, f"{case.method} {case.path} as {role}: {answer.status_code}"


def test_the_audit_trail_stands_after_it_all(record_property: Callable[[str, object], None]) -> None:
    store = _open["store"]
    assert isinstance(store, Store)
    found = audit.verify(store)
    assert found.wrong is None
    record_property("requests", _answers.total())
    for kind, count in sorted(_answers.items()):
        record_property(f"answered {kind}xx", count)
    record_property("audit entries", found.entries)
