"""`azaward serve` as people start it: the first visit, and what stands in the way of starting."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyotp
import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from azaward.store import Store, imports
from tests.test_walks import RULES
from tests.web.browser import browser

COMMAND = [sys.executable, "-m", "azaward.cli", "serve"]


@contextlib.contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """A server by the command line: the process, its address, and what it said."""
    process = subprocess.Popen([*COMMAND, "--port", "0", *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said: list[str] = []
    while not said or "Ctrl-C" not in said[-1]:
        line = process.stdout.readline()
        assert line, "the server ended"
        said.append(line.strip())
    found = re.search(r"http://localhost:\d+/", said[0])
    assert found is not None
    yield process, found[0].rstrip("/"), said
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0


def refused(*options: str) -> str:
    """The one line that says why the server doesn't start."""
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_the_first_visit_makes_the_first_administrator(tmp_path: Path) -> None:
    with started("--database", f"sqlite:///{tmp_path / 'clinic.db'}") as (_, address, said), browser() as chromium:
        code = said[1].rpartition(" ")[2]
        page = chromium.new_page()
        page.goto(f"{address}/first")
        found = Axe().run(page, options={"runOnly": list(RULES)})
        assert found.response["violations"] == []
        page.get_by_label("The code that the server printed").fill(code)
        page.get_by_label("Name", exact=True).fill("North clinic")
        page.get_by_label("Short name").fill("north")
        page.get_by_label("Your name").fill("The administrator")
        page.get_by_label("Login").fill("admin@clinic.example")
        page.get_by_label("Password").fill("a long enough password")
        page.get_by_role("button", name="Make the clinic and go on").click()
        # Nothing else is open until there is a second factor.
        page.goto(f"{address}/worklist")
        expect(page.locator("main")).to_contain_text("second")
        page.goto(f"{address}/account")
        setting = page.locator("form[action='/account/app']")
        setting.locator("input[type=password]").fill("a long enough password")
        setting.get_by_role("button").click()
        secret = page.locator("code.secret").inner_text().replace(" ", "")
        page.locator("input#code").fill(pyotp.TOTP(secret).now())
        page.locator("input#code").press("Enter")
        page.wait_for_load_state()
        page.goto(f"{address}/worklist")
        expect(page.get_by_role("heading", level=1)).to_have_text("Worklist")
        # The page of the first visit is gone.
        answer = page.goto(f"{address}/first")
        assert answer is not None
        assert answer.status == 404
    assert (tmp_path / "clinic.db").stat().st_mode & 0o077 == 0


def test_the_example_is_usable_at_once_and_gone_afterwards() -> None:
    with started("--demo") as (_, address, said):
        assert "nurse, clinician, administrator, patient" in said[1]
        # However busy the machine is: the answer counts, not its time.
        with httpx.Client(base_url=address, timeout=120) as visitor:
            assert visitor.get("/").status_code == 200
            assert visitor.get("/worklist").status_code == 303


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        line = refused("--demo", "--port", str(taken.getsockname()[1]))
    assert "in use by another program" in line


def test_a_database_that_cannot_be_reached() -> None:
    line = refused("--port", "0", "--database", "postgresql://nobody:secret@127.0.0.1:1/x")
    assert "can't be used" in line
    assert "secret" not in line


def test_a_database_of_a_newer_version(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'clinic.db'}"
    store = Store.open(address)
    with store.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    assert "newer than this program's" in refused("--port", "0", "--database", address)


def test_the_example_is_never_shown_over_a_real_clinic(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'clinic.db'}"
    store = Store.open(address)
    imports.make_clinic(store, "north", "North clinic")
    store.close()
    assert "which is not an example" in refused("--port", "0", "--demo", "--database", address)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7"])
def test_the_example_listens_to_this_machine_alone(host: str) -> None:
    assert "Use --demo on 127.0.0.1 only" in refused("--demo", "--host", host)
