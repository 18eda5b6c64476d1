"""Guides as people get them: in the terminal, as JSON, as web pages and on paper; and what is said of bad input."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import lru_cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from azaward.guides.figures import Icons, Share, counted
from azaward.guides.library import library
from azaward.knowledge import load
from azaward.reports.guides.icons import to_svg
from azaward.reports.guides.to_html import book_to_html, to_html
from azaward.reports.guides.to_pdf import book_to_pdf, to_pdf

KNOWLEDGE = load()
GUIDES = library().guides
IDS = [guide.id for guide in GUIDES]
SVG = "{http://www.w3.org/2000/svg}"


def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "azaward.cli", "guides", *arguments], capture_output=True, check=False, timeout=120
    )


# The command line.


def test_the_list_is_what_was_asked_for() -> None:
    done = run("list", "--format", "json")
    listed = json.loads(done.stdout)
    assert done.returncode == 0
    assert [set(one) for one in listed] == [{"id", "title", "topic", "question"}] * len(GUIDES)
    assert [one["id"] for one in listed] == IDS


def test_a_guide_as_json_has_its_body_sources_day_and_grade() -> None:
    done = run("show", "gene-test", "--format", "json")
    shown = json.loads(done.stdout)
    assert set(shown) == {"id", "title", "topic", "question", "body", "sources", "reviewed_on", "reading_grade"}
    assert "28 of 43" in shown["body"]
    assert "| 65 | 50 to 78 |" in shown["body"]
    assert shown["reviewed_on"] == "2026-11-24"
    assert 0 < shown["reading_grade"] <= 8
    named = {number for found in re.findall(r"\[([\d,]+)\]", shown["body"]) for number in found.split(",")}
    assert named == {str(source["number"]) for source in shown["sources"]}
    assert all(source["source"] in KNOWLEDGE.sources and source["locators"] for source in shown["sources"])
    assert "\ue000" not in done.stdout.decode()


def test_a_guide_in_the_terminal_reads_from_top_to_bottom() -> None:
    text = run("show", "missed-dose").stdout.decode()
    places = [text.index(part) for part in ("What if I miss a dose?", "Never take a double dose", "Sources", "24 Nov")]
    assert places == sorted(places)
    assert "not a certified" in text


def test_search_answers_in_both_forms() -> None:
    assert run("search", "throwing", "up").stdout.decode().split()[0] == "nausea"
    assert json.loads(run("search", "forgot my pill", "--format", "json").stdout)[0]["id"] == "missed-dose"


def test_search_that_finds_nothing_says_so_and_json_is_an_empty_list() -> None:
    done = run("search", "xyzzy")
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.decode().startswith("azaward: no guide matches 'xyzzy'.")
    assert json.loads(run("search", "xyzzy", "--format", "json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "mised-dose"), "there is no guide 'mised-dose'. Did you mean missed-dose"),
        (("show", "../en/words"), "there is no guide '../en/words'."),
        (("show", ""), "there is no guide ''."),
        (("list", "--language", "xx"), "no guides in the language 'xx'. There are: en"),
        (("list", "--language", "../en"), "no guides in the language '../en'."),
        (("show", "nausea", "--out", "/no/such/folder/a.html", "--format", "html"), "/no/such/folder/a.html: No such"),
        (("export", "--out", "/no/such/folder/a.pdf"), "/no/such/folder/a.pdf: No such file or directory."),
    ],
)
def test_bad_input_gets_one_line_and_exit_1(arguments: tuple[str, ...], says: str) -> None:
    done = run(*arguments)
    lines = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout, len(lines)) == (1, b"", 1)
    assert lines[0].startswith(f"azaward: {says}")


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    (tmp_path / "guide.pdf").mkdir()
    done = run("show", "nausea", "--format", "pdf", "--out", str(tmp_path / "guide.pdf"))
    assert done.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["guide.pdf"]


def test_what_is_typed_wrongly_ends_with_2() -> None:
    assert run("show", "nausea", "--format", "docx").returncode == 2
    assert run("export").returncode == 2


# Web pages.


@lru_cache(maxsize=1)
def pages() -> dict[str, str]:
    return {guide.id: to_html(guide, KNOWLEDGE) for guide in GUIDES} | {"book": book_to_html(library(), KNOWLEDGE)}


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.levels: list[int] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))


@pytest.mark.parametrize("id", [*IDS, "book"])
def test_a_page_stands_alone_under_a_strict_policy(id: str) -> None:
    page, text = _Page(pages()[id]), pages()[id]
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "img", "iframe", "form", "object")]
    assert not [attrs for _, attrs in page.tags if any(name == "style" or name.startswith("on") for name in attrs)]
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert "\ue000" not in text
    assert "\ue010" not in text


@pytest.mark.parametrize("id", [*IDS, "book"])
def test_links_inside_a_page_lead_somewhere_and_ids_are_its_own(id: str) -> None:
    page = _Page(pages()[id])
    named = [str(attrs["id"]) for _, attrs in page.tags if attrs.get("id")]
    assert len(named) == len(set(named))
    inside = {
        str(attrs["href"])[1:] for tag, attrs in page.tags if tag == "a" and str(attrs.get("href")).startswith("#")
    }
    assert inside <= set(named)
    filled = set(re.findall(r"url\(#([\w-]+)\)", re.sub(r"<style>.*?</style>", "", pages()[id], flags=re.DOTALL)))
    assert filled <= set(named)


@pytest.mark.parametrize("id", [*IDS, "book"])
def test_headings_go_down_one_step_at_a_time(id: str) -> None:
    levels = _Page(pages()[id]).levels
    assert levels[0] == 1
    assert [(a, b) for a, b in pairwise(levels) if b > a + 1] == []


def test_the_book_holds_every_guide_and_every_fact() -> None:
    book = pages()["book"]
    assert [id for id in IDS if f'<article id="{id}"' not in book] == []
    cited = {getattr(row, "id", "") for guide in GUIDES for row in guide.body(KNOWLEDGE).facts}
    assert [id for id in cited if id and f"<td>{id}</td>" not in book] == []


def test_what_a_fact_says_is_escaped() -> None:
    from dataclasses import replace

    import msgspec

    rows = KNOWLEDGE.tables["sources"]
    bad = tuple(msgspec.structs.replace(row, title="<script>alert(1)</script>") for row in rows)
    changed = replace(KNOWLEDGE, tables={**KNOWLEDGE.tables, "sources": bad})
    page = to_html(library().get("missed-dose"), changed)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


# Pictures.


def picture(*shares: Share, per: int = 100, good: bool = False) -> tuple[Icons, ET.Element]:
    icons = Icons("A <flare> & more", "25 of 100 people.", good, per, shares)
    return icons, ET.fromstring(to_svg(icons, f"of {per} people"))


@pytest.mark.parametrize(("events", "n"), [(0, 52), (13, 52), (52, 52), (1, 39), (22, 39)])
def test_as_many_people_are_filled_in_as_the_rate_says(events: int, n: int) -> None:
    _, svg = picture(counted("azathioprine", events, n))
    paths = {path.get("class"): str(path.get("d")).count("M") for path in svg.iter(f"{SVG}path")}
    assert paths.get("on", 0) == round(100 * events / n)
    assert paths.get("on", 0) + paths.get("off", 0) == 100


def test_a_picture_says_in_words_what_it_shows() -> None:
    icons, svg = picture(counted("azathioprine", 13, 52), counted("mycophenolate", 10, 53))
    title, desc = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
    assert svg.get("role") == "img"
    assert title is not None
    assert desc is not None
    assert (title.text, desc.text) == (icons.caption, icons.alt)
    words = [text.text for text in svg.iter(f"{SVG}text")]
    assert words == ["azathioprine", "25 of 100 people", "mycophenolate", "19 of 100 people"]


def test_thousands_are_dots_in_one_tile() -> None:
    _, svg = picture(Share("on it", 5.4, 10000), per=10000)
    assert [str(path.get("d")).count("M") for path in svg.iter(f"{SVG}path") if path.get("class") == "on"] == [5]
    tile = svg.find(f"{SVG}defs/{SVG}pattern")
    field = svg.find(f"{SVG}rect")
    assert tile is not None
    assert field is not None
    wide, high = (round(float(str(field.get(side))) / float(str(tile.get(side)))) for side in ("width", "height"))
    assert wide * high == 10000


@pytest.mark.parametrize("guide", GUIDES, ids=IDS)
def test_every_picture_of_a_guide_tells_its_numbers_in_words(guide: Any) -> None:
    for icons in guide.body(KNOWLEDGE).pictures:
        assert icons.caption in icons.alt
        for share in icons.shares:
            assert share.label in icons.alt
        assert len(re.findall(r"\d", icons.alt)) >= len(icons.shares)


# Paper.


@pytest.mark.parametrize("id", ["gene-test", "cancer", "side-effects", "versus-mycophenolate"])
def test_a_guide_on_paper_is_a_tagged_pdf_that_never_changes_by_itself(id: str) -> None:
    made = to_pdf(library().get(id), KNOWLEDGE)
    assert made.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in made
    assert made == to_pdf(library().get(id), KNOWLEDGE)


def test_all_guides_on_paper_are_one_document() -> None:
    made = book_to_pdf(library(), KNOWLEDGE)
    assert made.startswith(b"%PDF-")
    assert len(made) > len(to_pdf(library().get("gene-test"), KNOWLEDGE))
