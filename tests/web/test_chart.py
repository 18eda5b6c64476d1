"""The timeline of the web pages: every result in its place, none lost without a word, safe to show, read by all."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from jinja2 import Environment, FileSystemLoader

import azaward.web.shared.chart
from azaward.knowledge import load
from azaward.reports.series import Limit, Mark, Point, Series, Step, Timeline
from azaward.web.shared.chart import Chart, Panel, chart
from azaward.wording import Words

WEB = Path(azaward.web.shared.chart.__file__).parent
WORDS = Words(load())
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}</svg></title>"
CHROMIUM = Path("/usr/bin/chromium")
CSP = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; img-src 'self'"


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def point(on: str, value: float, comparator: str | None = None, found: bool = False) -> Point:
    return Point(day(on), value, comparator, found)


COUNTS = Series(
    "neutrophils",
    "Neutrophil count",
    "10*9/L",
    (
        point("2026-01-05", 4.1),
        point("2026-03-05", 3.2),
        point("2026-05-05", 0.5, "<", found=True),
        point("2026-09-01", 1.2, found=True),
        point("2026-09-01", 2.0),
        point("2026-11-20", 2.6),
    ),
    (Limit("below", 1.0, "stop", ""), Limit("below", 1.5, "withhold", "half of it"), Limit("below", 2.0, "reduce", "")),
    (2.0, 7.5),
)
ENZYME = Series(
    "alt",
    "Alanine aminotransferase",
    "U/L",
    (point("2026-01-05", 22), point("2026-03-05", 4200, found=True), point("2026-11-20", 31)),
    (Limit("above", 80, "test", ""), Limit("above", 120, "withhold", "")),
    (None, 40),
)
WHOLE = Timeline(
    day("2026-01-01"),
    day("2026-11-23"),
    (COUNTS, ENZYME),
    3,
    "azathioprine",
    (
        Step(day("2026-01-10"), day("2026-03-01"), 100),
        Step(day("2026-03-01"), day("2026-05-01"), None),
        Step(day("2026-06-01"), day("2026-11-24"), 50),
    ),
    (
        Mark(day("2026-02-01"), 1, "fever"),
        Mark(day("2026-02-03"), 2, HOSTILE),
        Mark(day("2026-10-01"), 3, "flu vaccine"),
    ),
)


def panel(drawn: Chart, analyte: str) -> Panel:
    return next(one for group in drawn.groups for one in group.panels if one.analyte == analyte)


def only(*points: Point, limits: tuple[Limit, ...] = (), normal: Any = (None, None)) -> Timeline:
    series = Series("platelets", "Platelet count", "10*9/L", points, limits, normal)
    return Timeline(day("2026-01-01"), day("2026-11-23"), (series,), 0, "azathioprine", (), ())


def page(drawn: Chart | None, url: str = "/patients/c001") -> str:
    environment = Environment(loader=FileSystemLoader(WEB / "templates"), autoescape=True)
    return str(getattr(environment.get_template("chart.html.jinja").module, "timeline")(drawn, url))  # noqa: B009


class Read(HTMLParser):
    """Every element with its attributes, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_later_results_stand_further_right_and_higher_ones_higher() -> None:
    dots = panel(chart(WHOLE), "neutrophils").dots
    assert [dot.x for dot in dots] == sorted(dot.x for dot in dots)
    for (_, one), (_, other) in pairwise(sorted(zip((p.value for p in COUNTS.points), dots, strict=True))):
        assert one.y > other.y
    assert dots[3].x == dots[4].x, "two results of one day stand above each other"
    assert chart(WHOLE, day("2026-01-05"), day("2026-11-20")).groups[0].panels[0].dots[0].x == 0


def test_a_limit_is_drawn_where_a_result_of_its_value_would_be() -> None:
    limits = tuple(Limit("below", value, "withhold", "") for value in (100, 150))
    drawn = panel(chart(only(point("2026-02-01", 100), point("2026-04-01", 150), limits=limits)), "platelets")
    assert [line.y for line in drawn.limits] == [dot.y for dot in drawn.dots]
    assert [line.label for line in drawn.limits] == ["<100 withhold", "<150 withhold"]


def test_labels_of_close_limits_do_not_touch_and_stay_on_the_panel() -> None:
    limits = tuple(Limit("below", value, "withhold", "") for value in (1, 2, 3, 4, 5, 6, 7, 8))
    for value in (0.5, 300.0):
        drawn = panel(chart(only(point("2026-02-01", value), limits=limits)), "platelets")
        places = [line.label_y for line in drawn.limits]
        assert all(low - high >= 13.9 for low, high in pairwise(places))
        assert min(places) >= 0
        assert max(places) <= drawn.height


def test_zoom_drops_what_lies_outside_and_says_how_many() -> None:
    drawn = chart(WHOLE, day("2026-02-01"), day("2026-06-01"))
    assert (drawn.shown, drawn.outside) == (3, 6)
    counts = panel(drawn, "neutrophils")
    assert [dot.words for dot in counts.dots] == [
        "5 March 2026: 3.2 ×10⁹/L",
        "5 May 2026: <0.5 ×10⁹/L, with a finding",
    ]
    assert counts.outside == 4
    text = " ".join(Read(page(drawn)).text.split())
    assert "1 February 2026 to 1 June 2026 · 3 results · 6 more outside these days · 3 too old to draw" in text
    assert "4 outside these days" in text
    assert [flag.number for flag in drawn.flags] == [1, 2], "events keep their numbers"


def test_the_line_goes_on_to_results_outside() -> None:
    between = panel(chart(WHOLE, day("2026-06-01"), day("2026-07-01")), "neutrophils")
    assert between.dots == ()
    ends = [float(pair.split(",")[0]) for pair in between.line.split()]
    assert ends[0] < 0
    assert ends[-1] > 1000
    assert "no result in these days" in between.words


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [
        ("1900-01-01", "2999-01-01", ("2026-01-01", "2026-11-23")),
        ("2026-06-01", "2026-03-01", ("2026-03-01", "2026-06-01")),
        ("2026-05-05", "2026-05-05", ("2026-04-28", "2026-05-05")),
        ("1900-01-01", "1900-02-01", ("2026-01-01", "2026-01-08")),
        ("2030-01-01", None, ("2026-11-16", "2026-11-23")),
        (None, "2026-02-01", ("2026-01-01", "2026-02-01")),
    ],
)
def test_any_two_days_give_days_that_are_known(first: str | None, last: str | None, shown: tuple[str, str]) -> None:
    drawn = chart(WHOLE, day(first) if first else None, day(last) if last else None)
    assert (str(drawn.first), str(drawn.last)) == shown


def test_the_ways_to_other_days() -> None:
    def ways(drawn: Chart) -> dict[str, tuple[str, str] | None]:
        return {one.label: (str(one.days[0]), str(one.days[1])) if one.days else None for one in drawn.zooms}

    assert ways(chart(WHOLE)) == {"Earlier": None, "3 months": ("2026-08-24", "2026-11-23"), "All": None, "Later": None}
    closer = chart(WHOLE, day("2026-04-01"), day("2026-05-01"))
    assert ways(closer)["Earlier"] == ("2026-03-02", "2026-04-01")
    assert ways(closer)["Later"] == ("2026-05-01", "2026-05-31")
    html = page(closer)
    assert 'href="/patients/c001?from=2026-03-02&amp;to=2026-04-01#timeline"' in html
    assert '<a href="/patients/c001#timeline">All</a>' in html


def test_a_value_far_off_the_scale_keeps_its_figure_and_the_rest_its_shape() -> None:
    drawn = panel(chart(WHOLE), "alt")
    assert [dot.beyond for dot in drawn.dots] == ["", "4200", ""]
    assert "off the scale" in drawn.dots[1].words
    assert drawn.limits[0].y - drawn.limits[1].y > 5, "the limits can still be told apart"
    assert "highest 4200" in drawn.words


def test_colour_is_never_the_only_sign() -> None:
    shapes = [(dot.shape, dot.hollow) for dot in panel(chart(WHOLE), "neutrophils").dots]
    assert (
        shapes
        == [(one, False) for one in ("plain", "plain")] + [("found", True), ("found", False)] + [("plain", False)] * 2
    )
    over = panel(chart(only(point("2026-02-01", 600, ">"), point("2026-03-01", 5, "<="))), "platelets")
    assert [(dot.shape, dot.hollow) for dot in over.dots] == [("over", True), ("under", True)]
    text = Read(page(chart(WHOLE))).text
    assert "result with a finding" in text
    assert "1.2 ◆ with a finding" in text


def test_the_last_day_shows_each_of_its_results() -> None:
    drawn = panel(chart(WHOLE, None, day("2026-10-01")), "neutrophils")
    assert [(cell.text, cell.found) for cell in drawn.latest] == [("1.2", True), ("2", False)]
    assert "last 1.2 and 2 on 1 September 2026" in drawn.words


def test_a_look_at_earlier_days_still_names_the_newest_result() -> None:
    drawn = panel(chart(WHOLE, None, day("2026-06-01")), "neutrophils")
    assert (drawn.latest[0].text, drawn.latest_on) == ("<0.5", "5 May 2026")
    assert (drawn.newer[0].text, drawn.newer_on) == ("2.6", "20 Nov 2026")
    assert "newest 2.6 · 20 Nov 2026" in Read(page(chart(WHOLE, None, day("2026-06-01")))).text
    assert panel(chart(WHOLE), "neutrophils").newer == ()


def test_no_normal_range_is_said_and_one_result_is_drawn() -> None:
    drawn = panel(chart(only(point("2026-06-01", 240))), "platelets")
    assert len(drawn.dots) == 1
    assert drawn.line == ""
    assert drawn.words == (
        "Platelet count in ×10⁹/L: 1 result, last 240 on 1 June 2026. No normal range was given. No limit to draw."
    )
    assert "no normal range given" in page(chart(only(point("2026-06-01", 0))))


def test_nothing_to_draw_is_said() -> None:
    assert "No result can be drawn" in page(None)


def test_an_unknown_dose_is_named_and_a_stretch_without_is_empty() -> None:
    drawn = chart(WHOLE)
    assert [(band.label, band.known) for band in drawn.doses] == [
        ("100 mg", True),
        ("not known", False),
        ("50 mg", True),
    ]
    gap = drawn.doses[2].x - (drawn.doses[1].x + drawn.doses[1].width)
    assert gap == pytest.approx(31 / 326 * 1000, abs=0.1)
    assert drawn.dose_now == "50 mg a day"
    assert "dose not known from 1 March 2026 until 30 April 2026" in drawn.dose_words
    assert chart(WHOLE, None, day("2026-05-15")).dose_now == "none on this day"
    assert chart(only(point("2026-06-01", 240))).dose_now == "not begun"


def test_the_table_holds_what_is_drawn() -> None:
    drawn = chart(WHOLE)
    rows = drawn.groups[0].rows
    assert [row.label for row in rows][:2] == ["20 November 2026", "1 September 2026"]
    assert [cell.text for row in rows for cells in row.cells for cell in cells] == [
        "2.6",
        "1.2",
        "2",
        "<0.5",
        "3.2",
        "4.1",
    ]


def test_a_patient_reads_plain_words() -> None:
    drawn = chart(WHOLE, plain=True, words=WORDS)
    counts = panel(drawn, "neutrophils")
    assert [line.label for line in counts.limits] == ["your clinic acts below 2"]
    assert panel(drawn, "alt").name == "ALT (liver)"
    html = page(drawn)
    for jargon in ("withhold", "finding", "protocol", "Alanine"):
        assert jargon not in html
    with pytest.raises(ValueError, match="needs words"):
        chart(WHOLE, plain=True)


@pytest.mark.parametrize("plain", [False, True])
def test_nothing_hostile_gets_through_and_nothing_needs_a_laxer_policy(plain: bool) -> None:
    series = Series("neutrophils", HOSTILE, HOSTILE, COUNTS.points, (Limit("below", 1, HOSTILE, HOSTILE),), (2, 7))
    timeline = Timeline(WHOLE.first, WHOLE.last, (series,), 0, HOSTILE, WHOLE.doses, WHOLE.marks)
    read = Read(page(chart(timeline, plain=plain, words=WORDS), "/patients/c001"))
    tags = {tag for tag, _ in read.elements}
    assert not tags & {"script", "style", "img", "iframe", "object"}
    names = {name for _, attributes in read.elements for name in attributes}
    assert "style" not in names
    assert not [name for name in names if name.startswith("on")]
    assert HOSTILE in read.text


def test_ids_are_unique_and_every_picture_has_words() -> None:
    elements = Read(page(chart(WHOLE))).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    pictures = [attributes for tag, attributes in elements if tag == "svg" and attributes.get("role") == "img"]
    assert len(pictures) == 3
    assert all(attributes["aria-label"] for attributes in pictures)


def test_ten_years_stay_readable() -> None:
    first = day("2016-11-25")
    points = tuple(Point(first + dt.timedelta(days=7 * lag), 200 + lag % 50, None, False) for lag in range(500))
    marks = tuple(Mark(first + dt.timedelta(days=40 * lag), lag + 1, f"event {lag}") for lag in range(80))
    series = Series("platelets", "Platelet count", "10*9/L", points, (), (150, 400))
    drawn = chart(Timeline(first, day("2026-11-23"), (series,), 0, "azathioprine", (), marks))
    assert drawn.shown == 500
    assert 4 <= len(drawn.days) <= 9
    assert all(later.at - tick.at > 90 for tick, later in pairwise(drawn.days))
    for label in ("label", "short"):
        labelled = [flag for flag in drawn.flags if getattr(flag, label)]
        numbers = re.findall(r"\d+", " ".join(getattr(flag, label) for flag in labelled))
        assert numbers[0] == "1"
        assert numbers[-1] == "80", "every event is counted in a label"
        assert all(later.x - flag.x >= 42 for flag, later in pairwise(labelled))


class _Page(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        url = urlparse(self.path)
        if url.path.startswith("/static/"):
            name = url.path.rpartition("/")[2]
            kind, body = (
                ("text/css" if name.endswith("css") else "text/javascript"),
                (WEB / "static" / name).read_bytes(),
            )
        else:
            asked = {name: day(values[0]) for name, values in parse_qs(url.query).items()}
            drawn = chart(WHOLE, asked.get("from"), asked.get("to"), "mine" in url.path, WORDS)
            kind = "text/html; charset=utf-8"
            body = (
                '<!doctype html><html lang="en"><title>A person</title>'
                '<meta name="viewport" content="width=device-width">'
                '<link rel="stylesheet" href="/static/chart.css"><script type="module" src="/static/chart.js"></script>'
                f"<main><h1>A person</h1>{page(drawn, url.path)}</main>"
            ).encode()
        # A tab that is closed while it still loads is no fault.
        with contextlib.suppress(ConnectionError):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", CSP)
            self.end_headers()
            self.wfile.write(body)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip("no Chromium here")
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    with playwright.sync_playwright() as play:
        opened = play.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-quic", *quiet]
        )
        yield opened
        opened.close()


@pytest.fixture
def screen(browser: Any) -> Iterator[Any]:
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield tab
    tab.close()
    assert [text for text in complaints if "favicon" not in text and "404" not in text] == []


def test_dragging_across_days_zooms_in_place_and_back_returns(screen: Any, address: str) -> None:
    screen.goto(f"{address}/patients/c001")
    screen.evaluate("window.same = true")
    box = screen.locator(".panel > .plot").first.bounding_box()
    screen.locator(".group").nth(1).locator("summary").first.click()
    screen.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 30)
    screen.mouse.down()
    screen.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40, steps=5)
    assert screen.locator(".chosen").count() > 0
    screen.mouse.up()
    screen.wait_for_url("**?from=*")
    screen.wait_for_selector("text=more outside these days")
    asked = parse_qs(urlparse(screen.url).query)
    assert (asked["from"], asked["to"]) == (["2026-03-23"], ["2026-06-13"])
    assert screen.evaluate("window.same"), "the page was not loaded anew"
    assert screen.locator(".group").nth(1).get_attribute("open") is None, "a closed group stays closed"
    screen.go_back()
    screen.wait_for_selector("text=1 January 2026 to 23 November 2026")


def test_the_arrow_keys_read_result_after_result(screen: Any, address: str) -> None:
    screen.goto(f"{address}/patients/c001")
    slider = screen.get_by_role("slider")
    slider.focus()
    slider.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == (
        "20 November 2026: Neutrophil count 2.6 ×10⁹/L; Alanine aminotransferase 31 U/L"
    )
    slider.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == (
        "1 September 2026: Neutrophil count 1.2 ×10⁹/L, with a finding; Neutrophil count 2 ×10⁹/L"
    )
    assert screen.locator(".panel .latest").first.inner_text() == "1.2 ◆; 2 1 September 2026"
    assert screen.locator(".day-read").inner_text() == "1 September 2026"
    slider.press("Escape")
    assert screen.locator(".panel .latest").first.inner_text().startswith("2.6")
    assert screen.locator(".cursor").count() == 0


def test_the_pointer_reads_the_nearest_results(screen: Any, address: str) -> None:
    screen.goto(f"{address}/patients/c001")
    box = screen.locator(".panel > .plot").first.bounding_box()
    screen.mouse.move(box["x"] + box["width"] * (70 / 326), box["y"] + 50)
    assert screen.locator(".panel .latest").all_inner_texts() == ["3.2 5 March 2026", "4200 ◆ 5 March 2026"]
    screen.mouse.move(5, 5)
    assert screen.locator(".panel .latest").first.inner_text().startswith("2.6")


def test_without_javascript_the_links_and_the_form_lead_to_the_same_days(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{address}/patients/c001")
    assert not tab.get_by_role("slider").is_visible()
    tab.get_by_role("link", name="3 months").click()
    tab.wait_for_url("**?from=2026-08-24&to=2026-11-23#timeline")
    tab.get_by_role("textbox", name="From").fill("2026-02-01")
    tab.get_by_role("button", name="Show").click()
    tab.wait_for_url("**?from=2026-02-01&to=2026-11-23*")
    assert tab.get_by_text("1 February 2026 to 23 November 2026").is_visible()
    context.close()


@pytest.mark.parametrize("path", ["/patients/c001", "/mine"])
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
def test_no_barrier_and_no_sideways_scrolling(browser: Any, address: str, path: str, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(f"{address}{path}")
    for summary in tab.locator(".figures > summary").all():
        summary.click()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    # The page around the figure belongs to others, so only what stands in the figure is judged.
    found = axe.run(tab, context="azaward-chart").response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if not one["id"].startswith("page-")] == []
    context.close()
