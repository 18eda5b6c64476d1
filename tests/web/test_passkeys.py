"""Passkeys in a real Chromium with a virtual authenticator: made, used as second step, used alone, and removed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect

from azaward.store import Store
from azaward.store.schema import attempts, passkeys, users
from tests.web.browser import browser
from tests.web.doors import PASSWORD, House


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[House, str]]:
    """A clinic that isn't the example, on a port of its own."""
    store = Store.open(f"sqlite:///{tmp_path / 'clinic.db'}")
    house = House(store)
    server = uvicorn.Server(uvicorn.Config(house.app, port=0, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield house, f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    store.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context()
    yield made
    made.close()


class Authenticator:
    """A security key that Chromium pretends is there; `verifies`: it checks who holds it."""

    def __init__(self, page: Page, verifies: bool = True) -> None:
        self.wire = page.context.new_cdp_session(page)
        self.wire.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": verifies,
            "automaticPresenceSimulation": True,
        }
        self.id = self.wire.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def verifies(self, yes: bool) -> None:
        self.wire.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": yes})

    def held(self) -> list[dict[str, Any]]:
        held: list[dict[str, Any]] = self.wire.send("WebAuthn.getCredentials", {"authenticatorId": self.id})[
            "credentials"
        ]
        return held

    def hold(self, credential: dict[str, Any]) -> None:
        for old in self.held():
            sent = {"authenticatorId": self.id, "credentialId": old["credentialId"]}
            self.wire.send("WebAuthn.removeCredential", sent)
        self.wire.send("WebAuthn.addCredential", {"authenticatorId": self.id, "credential": credential})


def give_password(page: Page, address: str, login: str) -> None:
    page.goto(f"{address}/sign-in")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def make_passkey(page: Page, name: str, password: str = PASSWORD) -> None:
    if not page.get_by_label("A name for it").is_visible():
        page.get_by_text("Add a passkey").click()
    page.get_by_label("A name for it").fill(name)
    page.locator("form[data-passkey] input[name=password]").fill(password)
    page.get_by_role("button", name="Make a passkey").click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/sign-in")


def held(house: House) -> list[Any]:
    with house.store.read() as connection:
        return list(connection.execute(sa.select(passkeys)).all())


def test_a_passkey_from_the_first_day_to_the_last(served: tuple[House, str], context: BrowserContext) -> None:
    house, address = served
    house.person("nurse", "nurse", app=False)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if "Content Security" in line.text else None)
    key = Authenticator(page)

    # Staff get no further than to their account until they have one.
    give_password(page, address, "nurse")
    page.wait_for_url("**/account")
    expect(page.get_by_text("Set up a second factor first")).to_be_visible()
    make_passkey(page, "a key", "not this one")
    expect(page.get_by_role("alert")).to_have_text("the password is not right. Type the one that you sign in with.")
    assert held(house) == []
    make_passkey(page, "a key")
    expect(page.get_by_text("You have one.")).to_be_visible()
    assert [one.name for one in held(house)] == ["a key"]
    page.goto(f"{address}/users/invite")
    expect(page.get_by_role("heading", name="Invite a patient")).to_be_visible()

    # The same device again is told so.
    page.goto(f"{address}/account")
    make_passkey(page, "again")
    expect(page.get_by_text("This device has a passkey for this account already.")).to_be_visible()
    sign_out(page)

    # As the second step, where the device need not check who holds it.
    key.verifies(False)
    give_password(page, address, "nurse")
    page.wait_for_url("**/sign-in/second")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/worklist")
    sign_out(page)

    # Alone: then it must have checked.
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("[data-problem]")).to_be_visible()
    key.verifies(True)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/worklist")
    assert held(house)[0].sign_count >= 2
    with house.store.read() as connection:
        assert connection.execute(sa.select(attempts)).all() == []

    # Removed, with the password, it opens nothing.
    page.goto(f"{address}/account")
    page.get_by_text("Remove a key").click()
    page.locator(".held input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Remove this passkey").click()
    expect(page.get_by_text("Set up a second factor first")).to_be_visible()
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert").first).to_contain_text("This passkey is not known here")
    assert said == []


def test_another_s_passkey_is_no_second_step_and_a_copy_is_found_out(
    served: tuple[House, str], context: BrowserContext
) -> None:
    house, address = served
    house.person("nurse", "nurse", app=False)
    house.person("patient", "patient", patient_id="c001")
    page = context.new_page()
    key = Authenticator(page)
    for login in ("nurse", "patient"):
        give_password(page, address, login)
        if login == "patient":
            page.goto(f"{address}/account")
        make_passkey(page, f"of {login}")
        expect(page.get_by_text("You have one.")).to_be_visible()
        sign_out(page)
    [theirs] = [one for one in key.held() if one["userName"] == "patient"]

    # The patient's passkey, sent for the nurse's second step: the browser is made to ask for any.
    key.hold(theirs)
    page.route("**/second/passkey/options", lambda route: _ask_for_any(route))
    give_password(page, address, "nurse")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert").first).to_contain_text("This passkey is not known here")
    page.unroute("**/second/passkey/options")
    page.get_by_role("button", name="Sign in as somebody else").click()

    # A copy that has counted less than the original is refused.
    key.hold(theirs | {"signCount": 50})
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/mine")
    page.goto(f"{address}/account")
    sign_out(page)
    key.hold(theirs | {"signCount": 3})
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert").first).to_contain_text("This passkey is not known here")

    # A disabled account's passkey is worth nothing.
    key.hold(theirs | {"signCount": 90})
    with house.store.write() as connection:
        connection.execute(sa.update(users).where(users.c.login == "patient").values(disabled=True))
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert").first).to_contain_text("This passkey is not known here")


def _ask_for_any(route: Any) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, json={**answer.json(), "allowCredentials": []})


def test_an_answer_counts_once(served: tuple[House, str], context: BrowserContext) -> None:
    house, address = served
    house.person("patient", "patient", patient_id="c001")
    page = context.new_page()
    Authenticator(page)
    give_password(page, address, "patient")
    page.goto(f"{address}/account")
    make_passkey(page, "a phone")
    expect(page.get_by_text("You have one.")).to_be_visible()
    sign_out(page)
    sent: list[tuple[str, str]] = []

    def keep(request: Any) -> None:
        if request.url.endswith("/sign-in/passkey") and request.method == "POST":
            sent.append((request.post_data, request.all_headers()["cookie"]))

    page.on("request", keep)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/mine")
    [(body, cookie)] = sent
    # As if the passkey didn't count its uses, as those that are kept in step between devices don't.
    with house.store.write() as connection:
        connection.execute(sa.update(passkeys).values(sign_count=0))
    headers = {"cookie": cookie, "content-type": "application/x-www-form-urlencoded", "accept": "text/html"}
    again = house.browser().post("/sign-in/passkey", content=body, headers={**headers, "host": address[7:]})
    assert again.status_code == 401
