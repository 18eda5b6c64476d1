"""A real server with the example clinic, and a real Chromium: what the tests of whole walks stand on."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from azaward.knowledge import load
from azaward.store import Store
from azaward.store.audit import Reads
from azaward.web.app import make_app
from azaward.web.demo import DAY, EXAMPLES, PASSWORD, furnish
from azaward.web.shared.room import Room, Settings
from azaward.wording import Words

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextlib.contextmanager
def served(database: str, patients: int = 200) -> Iterator[tuple[str, Store]]:
    """The example clinic on a port of its own: its address, and the store behind it."""
    knowledge = load()
    store = Store.open(database)
    furnish(store, knowledge, patients)
    room = Room(store, knowledge, Words(knowledge), Reads(store), Settings(demo=EXAMPLES, today=DAY))
    server = uvicorn.Server(uvicorn.Config(make_app(room), port=0, log_level="warning", timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://localhost:{port}", store
    server.should_exit = True
    thread.join(timeout=20)
    store.close()


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield opened
        opened.close()


def sign_in(context: BrowserContext, address: str, login: str, password: str = PASSWORD) -> Page:
    """A page signed in as one of the example's accounts, by the form that people use."""
    page = context.new_page()
    page.goto(f"{address}/sign-in")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


def today() -> dt.date:
    """The example's day."""
    return DAY


def picture(page: Page, name: str, kind: Literal["png", "jpeg"] = "png") -> None:
    """Keeps what the page looks like for docs/, where the tests are asked to (`AZAWARD_PICTURES=1`)."""
    if os.environ.get("AZAWARD_PICTURES"):
        file = Path(__file__).parents[2] / "docs" / "pictures" / f"{name}.{kind}"
        file.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=file, type=kind, quality=72 if kind == "jpeg" else None)
