"""Signing in through a hospital's identity provider: a real one, small, on loopback, that signs with a real key."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI, Form, Header
from fastapi.responses import JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from azaward.store import Store, invitations
from azaward.store.accounts import by_id
from azaward.store.schema import users
from azaward.web.shared.room import OpenIDConnect
from tests.web.doors import Browser, House

SECRET, CLIENT = "a secret of the two servers", "azaward-test"
BACK = "http://localhost/sign-in/oidc/back"


class Provider:
    """An OpenID Connect provider: discovery, keys, authorisation and tokens, with PKCE and client secret checked."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.signs_with = self.key
        self.claims: dict[str, Any] = {}
        self.issuer = ""
        self.calls_itself: str | None = None
        self.algorithm = "RS256"
        self.codes: dict[str, dict[str, str]] = {}

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def about() -> dict[str, Any]:
            here = self.issuer
            return {
                "issuer": self.calls_itself or here,
                "authorization_endpoint": f"{here}/authorise",
                "token_endpoint": f"{here}/token",
                "jwks_uri": f"{here}/keys",
            }

        @app.get("/keys")
        def keys() -> dict[str, Any]:
            return {"keys": [self.key.as_dict(private=False)]}

        @app.get("/authorise")
        def authorise(
            state: str, nonce: str, redirect_uri: str, code_challenge: str, code_challenge_method: str, scope: str
        ) -> Response:
            assert code_challenge_method == "S256"
            assert "openid" in scope.split()
            code = f"code-{len(self.codes)}"
            self.codes[code] = {"nonce": nonce, "challenge": code_challenge, "to": redirect_uri}
            return RedirectResponse(f"{redirect_uri}?state={state}&code={code}")

        @app.post("/token")
        def token(
            code: str = Form(),
            code_verifier: str = Form(),
            redirect_uri: str = Form(),
            grant_type: str = Form(),
            authorization: str = Header(),
        ) -> Response:
            kept = self.codes.pop(code, None)
            made = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()
            known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            right = kept is not None and made == kept["challenge"] and redirect_uri == kept["to"]
            if not right or authorization != f"Basic {known}" or grant_type != "authorization_code":
                return JSONResponse({"error": "invalid_grant"}, 400)
            now = int(time.time())
            claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": kept["nonce"]}
            claims = {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
            key: Any = self.signs_with
            signed = jwt.encode({"alg": self.algorithm, "kid": "one"}, claims, key, algorithms=[self.algorithm])
            return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": signed})

        return app


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    server = uvicorn.Server(uvicorn.Config(made.app(), port=0, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    made.issuer = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield made
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture
def house(store: Store, provider: Provider) -> Iterator[House]:
    made = House(store, oidc=OpenIDConnect(provider.issuer, CLIENT, SECRET))
    number = made.person("boss", "administrator")
    boss = by_id(store, number)
    assert boss is not None
    invitations.invite_through_provider(store, boss, "Nurse@hospital.example", "A nurse", "nurse")
    provider.claims = {"sub": "1234", "email": "nurse@hospital.example", "email_verified": True, "amr": ["pwd", "mfa"]}
    yield made
    made.room.reads.close()


def comes_back(browser: Browser, to: str = "") -> tuple[str, dict[str, str]]:
    """Goes to the provider, which sends the browser back: the path, and what it brings."""
    gone = browser.get("/sign-in/oidc", params={"next": to})
    assert gone.status_code == 303, gone.text
    back = httpx.get(gone.headers["location"]).headers["location"]
    assert back.startswith(BACK + "?")
    return urlsplit(back).path, {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


def whole(browser: Browser, to: str = "") -> Any:
    path, brings = comes_back(browser, to)
    return browser.get(path, params=brings)


def test_an_invited_nurse_comes_in_through_the_hospital(house: House) -> None:
    browser = house.browser()
    assert "/sign-in/oidc" in browser.sees("/sign-in")
    answer = whole(browser, "/users/invite")
    assert (answer.status_code, answer.headers["location"]) == (303, "/users/invite")
    assert "through the hospital" not in browser.sees("/account")
    assert "nurse@hospital.example" in browser.sees("/account")
    browser.sees("/users/invite")
    assert [entry["subject"] for entry in house.trail("tie to provider")] == ["nurse@hospital.example"]


def test_then_the_subject_counts_and_the_e_mail_no_longer(house: House, provider: Provider) -> None:
    assert whole(house.browser()).status_code == 303
    provider.claims["email"] = "married@hospital.example"
    browser = house.browser()
    assert whole(browser).status_code == 303
    assert "nurse@hospital.example" in browser.sees("/account")
    provider.claims |= {"sub": "another", "email": "nurse@hospital.example"}
    assert whole(house.browser()).status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "stranger@hospital.example"},
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"email": None},
        # Has a password here: nobody made this account for the hospital's sign-in.
        {"email": "boss"},
    ],
)
def test_nobody_is_made_on_the_fly_or_taken_for_another(
    house: House, provider: Provider, claims: dict[str, Any]
) -> None:
    before = house.count(users)
    provider.claims |= claims
    browser = house.browser()
    answer = whole(browser)
    assert answer.status_code == 403
    assert "Ask your clinic&#39;s azaward administrator" in answer.text
    assert browser.get("/account").status_code == 303
    assert house.count(users) == before
    with house.store.read() as connection:
        assert list(connection.scalars(sa.select(users.c.oidc_subject))) == [None, None]


def test_a_disabled_account_stays_shut(house: House) -> None:
    with house.store.write() as connection:
        connection.execute(sa.update(users).where(users.c.login != "boss").values(disabled=True))
    assert whole(house.browser()).status_code == 403


def test_without_a_second_factor_there_staff_set_one_up_here(house: House, provider: Provider) -> None:
    provider.claims["amr"] = ["pwd"]
    browser = house.browser()
    assert whole(browser).status_code == 303
    assert browser.get("/worklist").headers["location"] == "/account"
    page = browser.sees("/account")
    assert "Set up a second factor first" in page
    assert "Your password again" not in page


def test_a_second_factor_that_was_set_up_here_is_asked_for(house: House, provider: Provider) -> None:
    provider.claims["amr"] = ["pwd"]
    secret = house.secrets["nurse@hospital.example"] = pyotp.random_base32()
    with house.store.write() as connection:
        connection.execute(sa.update(users).where(users.c.login != "boss").values(totp_secret=secret))
    browser = house.browser()
    assert whole(browser, "/users/invite").headers["location"] == "/sign-in/second"
    assert browser.get("/account").status_code == 303
    code = house.code("nurse@hospital.example")
    answer = browser.fills("/sign-in/second", "/sign-in/second", code=code)
    assert answer.headers["location"] == "/users/invite"


def test_an_account_of_the_hospital_has_no_password_to_guess(house: House) -> None:
    for password in ("", "None"):
        answer = house.browser().post("/sign-in", data={"login": "nurse@hospital.example", "password": password})
        assert answer.status_code in (401, 422)


def test_what_another_browser_began_is_refused(house: House) -> None:
    path, brings = comes_back(house.browser())
    answer = house.browser().get(path, params=brings)
    assert answer.status_code == 400
    assert "wasn&#39;t begun in this browser" in answer.text


def test_a_state_counts_once_and_only_its_own(house: House) -> None:
    browser = house.browser()
    path, brings = comes_back(browser)
    assert browser.get(path, params={**brings, "state": "another"}).status_code == 400
    path, brings = comes_back(browser)
    kept = {cookie.name: cookie.value for cookie in browser.cookies.jar}
    assert browser.get(path, params=brings).status_code == 303
    again = house.browser()
    again.cookies.set("azaward-oidc", kept["azaward-oidc"] or "", "localhost.local")
    answer = again.get(path, params=brings)
    assert answer.status_code == 400
    assert "finished already" in answer.text


def test_a_cookie_that_somebody_made_is_refused(house: House) -> None:
    browser = house.browser()
    for text in ("x", "a.b.c.d.e", "eyJhbGciOiJub25lIn0.e30."):
        browser.cookies.clear()
        browser.cookies.set("azaward-oidc", text, "localhost.local")
        assert browser.get("/sign-in/oidc/back", params={"state": "x", "code": "y"}).status_code == 400


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": None},
        {"aud": [CLIENT, "another"]},
        {"iss": "https://evil.example"},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"sub": None},
        {"azp": "another-client"},
    ],
)
def test_an_id_token_that_is_not_for_this_visit_is_refused(
    house: House, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims |= claims
    answer = whole(house.browser())
    assert answer.status_code == 502
    assert "can&#39;t be trusted" in answer.text


def test_another_s_signature_is_refused(house: House, provider: Provider) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    assert whole(house.browser()).status_code == 502


def test_the_public_key_is_no_secret_to_sign_with(house: House, provider: Provider) -> None:
    provider.algorithm = "HS256"
    provider.signs_with = OctKey.import_key(b"0" * 32)  # type: ignore[assignment]
    assert whole(house.browser()).status_code == 502


def test_a_provider_that_calls_itself_otherwise_is_refused(house: House, provider: Provider) -> None:
    provider.calls_itself = "https://evil.example"
    assert house.browser().get("/sign-in/oidc").status_code == 502


def test_the_provider_says_no(house: House) -> None:
    browser = house.browser()
    path, brings = comes_back(browser)
    answer = browser.get(path, params={"state": brings["state"], "error": "access_denied"})
    assert answer.status_code == 401
    assert "didn&#39;t let you in" in answer.text


def test_a_provider_that_is_away_is_said_to_be(store: Store) -> None:
    house = House(store, furnished=False, oidc=OpenIDConnect("http://127.0.0.1:9", CLIENT, SECRET))
    answer = house.browser().get("/sign-in/oidc")
    assert answer.status_code == 502
    assert "can&#39;t be reached now" in answer.text
    house.room.reads.close()


def test_without_a_provider_there_is_no_such_way_in(store: Store) -> None:
    house = House(store, furnished=False)
    assert "/sign-in/oidc" not in house.browser().sees("/sign-in")
    assert house.browser().get("/sign-in/oidc").status_code == 404
    assert house.browser().get("/sign-in/oidc/back").status_code == 400
    house.room.reads.close()


def test_an_administrator_makes_an_account_that_waits(house: House, provider: Provider) -> None:
    boss = house.signed_in("boss")
    sent = {"role": "clinician", "way": "provider", "login": "doc@hospital.example", "name": "A clinician"}
    assert boss.fills("/users/invite", "/users/invite", **sent).headers["location"] == "/users"
    assert "through the hospital" in boss.sees("/users")
    provider.claims |= {"sub": "9", "email": "Doc@hospital.example"}
    assert whole(house.browser()).status_code == 303
