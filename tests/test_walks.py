"""Whole walks through a real server in a real Chromium: the nurse's morning, the clinician's decision, the patient.

Every page is looked at by axe (WCAG 2.2 AA) in light and dark, wide and narrow; nothing may break the content
security policy. With AZAWARD_PICTURES=1 the screenshots of docs/pictures are made.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from azaward.store import Store, audit
from azaward.web.routes import table
from tests.web.browser import browser, picture, served, sign_in

DOCS = Path(__file__).parent.parent / "docs"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
LOOKS = [(1280, 900, "light"), (1280, 900, "dark"), (320, 700, "light"), (320, 700, "dark")]
NO_PAGE = r"\.(pdf|ics|csv|json)$|/live$|/record$|/oidc|/plausible|export|/first$"
# What a page needs where its address has a place for it.
PLACES = {
    "patient_id": "c019",
    "import_id": "1",
    "id": "missed-dose",
    "guide_id": "missed-dose",
    "topic": "fever",
    "topic_id": "fever",
    "protocol_id": "bsg-2019",
}


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Store]]:
    with served(f"sqlite:///{tmp_path_factory.mktemp('walks') / 'clinic.db'}") as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(viewport={"width": 1280, "height": 900})
    wrong: list[str] = []
    made.on("weberror", lambda error: wrong.append(str(error.error)))
    made.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    yield made
    made.close()
    assert wrong == []


def test_a_stranger_is_refused(clinic: tuple[str, Store], context: BrowserContext) -> None:
    address, _ = clinic
    page = context.new_page()
    page.goto(f"{address}/worklist")
    assert "/sign-in" in page.url
    page.get_by_label("Login").fill("nurse")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.goto(f"{address}/patients/c019")
    assert "/sign-in" in page.url


def test_the_morning_worklist(clinic: tuple[str, Store], context: BrowserContext) -> None:
    address, _ = clinic
    page = sign_in(context, address, "nurse")
    page.goto(f"{address}/worklist")
    rows = page.locator("table.worklist tbody tr")
    expect(rows.first).to_contain_text("Emergency")
    picture(page, "worklist")
    # Nothing leaves the list by being looked at.
    before = rows.first.get_by_role("link").inner_text()
    rows.first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(before)
    page.go_back()
    assert rows.first.get_by_role("link").inner_text() == before
    page.get_by_label("Search").fill("kidney transplant")
    page.get_by_role("button", name="Show").click()
    for row in rows.all():
        expect(row).to_contain_text("Kidney transplant")


def test_a_low_count_arrives_and_rises_to_the_top_without_a_reload(
    clinic: tuple[str, Store], context: BrowserContext
) -> None:
    address, _ = clinic
    watching = sign_in(context, address, "nurse")
    watching.goto(f"{address}/worklist?words=c010&everyone=true")
    line = watching.locator("table.worklist tbody tr")
    expect(line).to_have_count(1)
    expect(line).not_to_contain_text("0.31")
    watching.evaluate("window.stillHere = true")
    page = context.new_page()
    page.goto(f"{address}/patients/c010")
    page.get_by_label("Test", exact=True).fill("Neutrophil count")
    page.get_by_label("Value", exact=True).fill("4500")
    page.get_by_label("Unit", exact=True).fill("10*9/L")
    # Plausibility is said as it is typed.
    expect(page.locator(".plausible").first).to_contain_text("Was it reported in another unit?")
    page.get_by_label("Value", exact=True).fill("0.31")
    expect(page.locator(".plausible").first).to_contain_text("Neutrophil count 0.31 10*9/L")
    page.get_by_role("button", name="Enter the result").click()
    expect(page.locator(".findings")).to_contain_text("0.31")
    expect(line).to_contain_text("0.31", timeout=5000)
    assert watching.evaluate("window.stillHere") is True
    watching.goto(f"{address}/worklist")
    top = [row.inner_text() for row in watching.locator("table.worklist tbody tr").all()[:8]]
    assert any("c010" in row for row in top)


def test_a_decision_is_recorded_and_the_second_of_two_is_told(
    clinic: tuple[str, Store], context: BrowserContext, chromium: Browser
) -> None:
    address, store = clinic
    page = sign_in(context, address, "clinician")
    page.goto(f"{address}/patients/c019")
    picture(page, "patient")
    other = context.new_page()
    other.goto(f"{address}/patients/c019")
    for one in (page, other):
        one.locator("form[action$='/decisions'] select[name=kind]").select_option("stop")
        one.get_by_label("What and why").fill("Admitted with neutropenic fever; azathioprine stopped.")
        one.get_by_role("button", name="Record the decision").click()
    expect(page.locator(".decisions")).to_contain_text("Admitted with neutropenic fever")
    expect(page.locator(".findings li").first).to_contain_text("Done by clinician")
    expect(other.get_by_role("alert")).to_contain_text("Your change was not saved")
    picture(other, "somebody-was-quicker")
    page.goto(f"{address}/worklist?words=c019")
    expect(page.locator("main")).not_to_contain_text("Emergency team")
    assert audit.verify(store).wrong is None


def test_a_finding_is_put_off_and_comes_back_worse(clinic: tuple[str, Store], context: BrowserContext) -> None:
    address, _ = clinic
    page = sign_in(context, address, "nurse")
    page.goto(f"{address}/patients/c042")
    page.get_by_label("What was done, or why it can wait").fill("Seen yesterday, repeat on Friday")
    page.get_by_role("button", name="Put off").click()
    page.goto(f"{address}/worklist?words=c042")
    expect(page.locator("main")).to_contain_text("Nobody is like that")
    page.goto(f"{address}/patients/c042")
    expect(page.locator(".findings")).to_contain_text("Put off by nurse")


def test_a_recall_letter_is_printed(clinic: tuple[str, Store], context: BrowserContext) -> None:
    address, _ = clinic
    page = sign_in(context, address, "nurse")
    page.goto(f"{address}/recall")
    expect(page.locator("main")).to_contain_text("overdue")
    page.get_by_label(re.compile("everyone on this list")).check()
    picture(page, "recall")
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("letter", re.IGNORECASE)).first.click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")


def test_a_patient_reads_a_result_and_no_other_record(clinic: tuple[str, Store], context: BrowserContext) -> None:
    address, _ = clinic
    page = sign_in(context, address, "patient")
    page.goto(f"{address}/mine")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    picture(page, "mine")
    page.goto(f"{address}/mine/results")
    expect(page.locator("main")).to_contain_text(re.compile("white blood cells", re.IGNORECASE))
    picture(page, "mine-results")
    for path in ("/patients/c001", "/patients/c019", "/worklist", "/audit", "/users", "/recall", "/import"):
        refused = page.goto(f"{address}{path}")
        assert refused is not None
        assert refused.status == 403, path


def test_a_name_is_checked(clinic: tuple[str, Store], context: BrowserContext) -> None:
    address, _ = clinic
    page = context.new_page()
    page.goto(f"{address}/check")
    page.locator("textarea").first.fill("Zyloric 300mg tabs\nno such thing at all")
    page.get_by_role("button", name=re.compile("check", re.IGNORECASE)).first.click()
    expect(page.locator("main")).to_contain_text("llopurinol")
    expect(page.get_by_role("alert")).to_contain_text("Not checked: no such thing at all")
    picture(page, "check")


def test_the_essential_paths_work_without_javascript(clinic: tuple[str, Store], chromium: Browser) -> None:
    address, _ = clinic
    context = chromium.new_context(java_script_enabled=False)
    page = sign_in(context, address, "clinician")
    page.goto(f"{address}/patients/c066")
    page.get_by_label("What was done, or why it can wait").fill("Admitted")
    page.get_by_role("button", name="Done", exact=True).click()
    expect(page.locator(".findings")).to_contain_text("Done by clinician")
    page.get_by_label("Test", exact=True).fill("Platelet count")
    page.get_by_label("Value", exact=True).fill("42")
    page.get_by_label("Unit", exact=True).fill("10*9/L")
    page.get_by_role("button", name="Enter the result").click()
    expect(page.locator(".findings")).to_contain_text("42")
    page.goto(f"{address}/patients/c001")
    page.get_by_role("link", name="3 months").first.click()
    assert "from=" in page.url
    context.close()


def test_the_keyboard_alone_reaches_a_patient(clinic: tuple[str, Store], context: BrowserContext) -> None:
    address, _ = clinic
    page = sign_in(context, address, "nurse")
    page.goto(f"{address}/worklist")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('th') !== null"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/patients/"))


def pages() -> list[tuple[str, str]]:
    """Every page that is looked at, with who looks: each GET route that gives HTML."""
    shown: list[tuple[str, str]] = []
    for route in table():
        if route.method != "GET" or re.search(
            r"\.(pdf|ics|csv|json)$|/live$|/record$|/oidc|/plausible|export|/first$", route.path
        ):
            continue
        place = re.sub(r"{(\w+)(?::\w+)?}", lambda found: PLACES.get(found[1], ""), route.path)
        if place.endswith("/") and place != "/":
            continue
        who = "" if route.public else "patient" if route.roles == ("patient",) else "administrator"
        if not route.public and who and "administrator" not in route.roles and who != "patient":
            who = route.roles[-1]
        shown.append((who, place))
    return shown


def slug(path: str) -> str:
    """The name of a page's picture."""
    return re.sub(r"[^a-z0-9]+", "-", path.casefold()).strip("-") or "start"


def gallery() -> str:
    """docs/every-page.md: each page, who sees it, and what it looks like."""
    lines = [
        "# Every page",
        "",
        "Each page of the example clinic, as its tests see it: 1280 pixels wide, in the light. The same tests look",
        "at it in the dark and on a telephone. Made with `AZAWARD_PICTURES=1 pytest tests/test_walks.py`.",
    ]
    for who, path in pages():
        lines += ["", f"## {path}", "", f"![{path}, as {who or 'anyone'} sees it](pictures/pages/{slug(path)}.jpeg)"]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("width", "height", "scheme"), LOOKS)
def test_every_page_is_for_everyone(
    clinic: tuple[str, Store], chromium: Browser, width: int, height: int, scheme: str
) -> None:
    address, _ = clinic
    signed_in: dict[str, Page] = {}
    wrong: list[str] = []
    for who, path in pages():
        if who not in signed_in:
            context = chromium.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # pyright: ignore[reportArgumentType]
            )
            signed_in[who] = sign_in(context, address, who) if who else context.new_page()
        page = signed_in[who]
        answer = page.goto(f"{address}{path}")
        if answer is None or answer.status != 200 or not page.url.endswith(path):
            wrong.append(f"{path} as {who or 'nobody'}: {answer.status if answer else 'no answer'}, {page.url}")
            continue
        if (width, scheme) == (1280, "light"):
            picture(page, f"pages/{slug(path)}", "jpeg")
        found = Axe().run(page, options={"runOnly": list(RULES)})
        for one in found.response["violations"]:
            wrong.append(f"{path}: {one['id']}: {[node['html'][:100] for node in one['nodes'][:2]]}")
        # Nothing is wider than a telephone, but for tables that scroll by themselves.
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
            wrong.append(f"{path}: wider than {width}")
    for page in signed_in.values():
        page.context.close()
    assert wrong == []


def test_every_page_is_shown_in_the_docs() -> None:
    file = DOCS / "every-page.md"
    if os.environ.get("AZAWARD_PICTURES"):
        file.write_text(gallery(), encoding="utf-8")
    assert file.read_text(encoding="utf-8") == gallery()
    assert {slug(path) for _, path in pages()} <= {one.stem for one in (DOCS / "pictures" / "pages").iterdir()}
