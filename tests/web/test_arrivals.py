"""A result that arrives by MLLP is on an open worklist within a second, and what has no known person is told there."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from playwright.sync_api import expect

from tests.mllp.sending import Sender, StoreListener
from tests.web.browser import browser, picture, served, sign_in, today


def oru(control: str, who: str, value: str) -> bytes:
    at = today().strftime("%Y%m%d")
    lines = (
        f"MSH|^~\\&|LAB|RIVERSIDE|AZAWARD|CLINIC|{at}1000||ORU^R01^ORU_R01|{control}|P|2.5.1",
        f"PID|1||{who}^^^RIVERSIDE^MR",
        f"OBR|1||{control}||||{at}0800",
        f"OBX|1|NM|751-8^Neutrophils^LN||{value}|10*9/L|1.5-7.5||||F",
    )
    return "\r".join(lines).encode()


def test_a_new_result_is_on_an_open_worklist_within_a_second(tmp_path: Path) -> None:
    with (
        served(f"sqlite:///{tmp_path / 'clinic.db'}", 20) as (address, _),
        contextlib.closing(StoreListener(tmp_path)) as listener,
        browser() as chromium,
    ):
        page = sign_in(chromium.new_context(), address, "nurse")
        page.goto(f"{address}/worklist?words=c007&everyone=true")
        line = page.locator("table.worklist tbody tr", has_text="c007")
        expect(line).to_be_visible()
        sender = Sender(listener.port)
        # The first message pays for what is loaded once.
        assert b"MSA|AA|" in sender.ask(oru("warm", "c006", "4.0"))
        time.sleep(1.5)
        began = time.monotonic()
        assert b"MSA|AA|" in sender.ask(oru("1", "c007", "0.2"))
        expect(line).to_contain_text("0.2", timeout=10_000)
        took = time.monotonic() - began
        page.goto(f"{address}/worklist")
        assert b"MSA|AA|" in sender.ask(oru("2", "nobody", "0.3"))
        expect(page.locator(".tray")).to_contain_text("1 message waits in the tray", timeout=10_000)
        expect(page.locator(".tray")).to_contain_text("Neutrophil count 0.3")
        picture(page, "worklist-tray")
        print(f"on the open worklist after {took:.2f} s")
        assert took < 5  # a busy machine; benchmarks/listen.py has the figures
