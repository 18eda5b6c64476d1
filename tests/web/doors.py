"""A clinic with people who may sign in, and browsers that try its doors: what tests of signing in stand on."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Mapping
from typing import Any

import pyotp
import sqlalchemy as sa

from azaward.knowledge import load
from azaward.store import Store, accounts, imports
from azaward.store.accounts import Role
from azaward.store.audit import Reads
from azaward.store.care import acts
from azaward.store.care.acts import Actor
from azaward.store.schema import audit, sessions, users
from azaward.web.app import make_app
from azaward.web.demo import DAY
from azaward.web.shared.room import Room, Settings
from azaward.wording import Words

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

PASSWORD = "correct horse battery"
STAFF: tuple[Role, ...] = ("nurse", "clinician", "administrator")


def room_on(store: Store, **settings: Any) -> Room:
    """What pages stand on, with a database and settings of the test's own."""
    knowledge = load()
    return Room(store, knowledge, Words(knowledge), Reads(store), Settings(today=DAY, **settings))


class House:
    """Two clinics, `north` with patients c001 and c002 and `south` with c901, and whoever a test lets live there."""

    def __init__(self, store: Store, furnished: bool = True, **settings: Any) -> None:
        self.store = store
        self.room = room_on(store, **settings)
        self.app = make_app(self.room)
        self.secrets: dict[str, str] = {}
        for clinic, patients in {"north": ("c001", "c002"), "south": ("c901",)}.items() if furnished else ():
            imports.make_clinic(store, clinic, f"Clinic of the {clinic}")
            rows = [{"patient_id": one, "indication": "Crohn disease"} for one in patients]
            acts.add_rows(store, Actor("test", clinic, DAY), {"patients": rows}, self.room.knowledge)

    def person(
        self, login: str, role: Role, clinic: str = "north", patient_id: str | None = None, app: bool = True
    ) -> int:
        """Somebody with an account; staff have an authenticator app set up unless the test says otherwise."""
        with self.store.write() as connection:
            number = accounts.make_user(connection, login, f"The {login}", role, clinic, PASSWORD, patient_id)
            if role != "patient" and app:
                secret = self.secrets[login] = pyotp.random_base32()
                connection.execute(sa.update(users).where(users.c.id == number).values(totp_secret=secret))
        return number

    def browser(self, address: str = "192.0.2.1") -> Browser:
        """A browser that nobody is signed in on."""
        return Browser(self, address)

    def signed_in(self, login: str) -> Browser:
        """A browser on which somebody is wholly signed in."""
        browser = self.browser()
        browser.sign_in(login)
        return browser

    def trail(self, action: str) -> list[Mapping[Any, Any]]:
        """The entries of the audit trail with this action."""
        with self.store.read() as connection:
            return list(connection.execute(sa.select(audit).where(audit.c.action == action)).mappings())

    def count(self, table: sa.Table) -> int:
        """How many rows a table has."""
        with self.store.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())

    def code(self, login: str, later: int = 0) -> str:
        """The code that somebody's authenticator app shows, so many steps of half a minute later."""
        return pyotp.TOTP(self.secrets[login]).at(int(time.time()) + 30 * later)

    def all_sessions_were_last_used(self, moment: Any) -> None:
        """As if nobody had touched their browser since."""
        with self.store.write() as connection:
            connection.execute(sa.update(sessions).values(seen_at=moment))


class Browser(TestClient):
    """A browser without scripts: it keeps cookies, follows no redirect by itself, and sends a page's hidden token."""

    def __init__(self, house: House, address: str) -> None:
        super().__init__(house.app, base_url="http://localhost", follow_redirects=False, client=(address, 50_000))
        self.house = house
        self.headers["accept"] = "text/html"

    def holds(self, token: str) -> None:
        """As if somebody had put this cookie into the browser."""
        self.cookies.clear()
        self.cookies.set("azaward", token, "localhost.local")

    def sees(self, path: str) -> str:
        """The words of a page that must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.headers.get("location"), answer.text)
        return answer.text

    def fills(self, page: str, to: str, **fields: Any) -> Any:
        """Sends a form of a page: with the hidden token that stands on it."""
        token = re.search(r'name="csrf" value="([^"]+)"', self.get(page).text)
        hidden = {"csrf": token.group(1)} if token else {}
        return self.post(to, data={**hidden, **fields})

    def sign_in(self, login: str, password: str = PASSWORD) -> None:
        """Signs in wholly, with a code where there is an app."""
        answer = self.fills("/sign-in", "/sign-in", login=login, password=password)
        assert answer.status_code == 303, answer.text
        if login in self.house.secrets:
            assert answer.headers["location"] == "/sign-in/second"
            with self.house.store.write() as connection:
                connection.execute(sa.update(users).where(users.c.login == login).values(totp_step=0))
            answer = self.fills("/sign-in/second", "/sign-in/second", code=self.house.code(login))
            assert answer.status_code == 303, answer.text
