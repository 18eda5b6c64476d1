"""The HTML report: safe to open, complete, the same every time, and its charts say what the results say."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import html
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from azaward.assessment import DISCLAIMER, Aside, assess
from azaward.knowledge import MOST_CAUTIOUS, load
from azaward.record import TABLES, Record
from azaward.record.tables import SetAside
from azaward.reports.assessment import to_html as report_html
from azaward.reports.assessment.charts import Panel, draw
from azaward.reports.assessment.to_html import HERE, to_html
from azaward.reports.series import Series, dose_steps, timeline
from azaward.reports.words import HOW
from azaward.wording import amount

KNOWLEDGE = load()
AS_OF = dt.date(2026, 9, 1)
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'&{{7*7}}</style></title>$\\frac{\x00\u202e"
VOID = {"meta", "br", "img", "hr", "input", "link"}


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def result(analyte: str, value: float | None, taken_on: str, unit: str = "10*9/L", **more: Any) -> dict[str, Any]:
    return {"analyte": analyte, "value": value, "unit": unit, "taken_on": day(taken_on), "status": "final", **more}


def dose(mg: float | None, started: str, stopped: str | None = None, medicine: str = "azathioprine") -> dict[str, Any]:
    stopped_on = day(stopped) if stopped else None
    return {"medicine": medicine, "dose_mg_per_day": mg, "started_on": day(started), "stopped_on": stopped_on}


def of_one(patient_id: str = "c001", indication: str = "crohns_disease", **tables: list[dict[str, Any]]) -> Record:
    born = {"birth_date": day("1984-03-12"), "sex": "female", "indication": indication}
    both: dict[str, list[dict[str, Any]]] = {"patients": [born], **tables}
    return Record.of({name: [{"patient_id": patient_id, **row} for row in rows] for name, rows in both.items()})


def together(*records: Record) -> Record:
    return Record({name: [row for record in records for row in record.rows[name]] for name in TABLES})


ILL = of_one(
    exposures=[
        dose(50, "2026-02-02", "2026-03-02"),
        dose(150, "2026-03-02"),
        dose(100, "2026-07-20", medicine="allopurinol"),
    ],
    results=[
        result("neutrophils", 4.1, "2026-02-16", ref_low=2.0, ref_high=7.5),
        result("neutrophils", 3.6, "2026-05-11", ref_low=2.0, ref_high=7.5),
        result("neutrophils", 0.9, "2026-08-31", ref_low=2.0, ref_high=7.5),
        result("alt", 24.0, "2026-02-16", "U/L", ref_high=40.0),
        result("alt", 92.0, "2026-08-31", "U/L", ref_high=40.0),
        result("wbc", 5.0, "2026-08-31", None),  # type: ignore[arg-type]
    ],
    events=[{"kind": "vaccination", "code": "influenza", "started_on": day("2026-03-12")}],
    genotypes=[
        {"gene": "TPMT", "diplotype": "*1/*3A", "phenotype": "Intermediate Metabolizer", "method": "genotype",
         "reported_on": day("2026-01-20")}
    ],
)  # fmt: skip
QUIET = of_one("c002")


class Page(HTMLParser):
    """Reads a page strictly: every tag closed in order; keeps tags, text by tag, ids and links."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.in_style = ""
        self.links: list[tuple[str, bool]] = []
        self.feed(source)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "a":
            in_sources = any(inner.get("class") == "sources" for _, inner in self.inside())
            self.links.append((dict(attrs).get("href") or "", in_sources))
        if tag not in VOID:
            self.open.append(tag)
            self._around.append((tag, dict(attrs)))

    def inside(self) -> list[tuple[str, dict[str, str | None]]]:
        return self._around

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"closes nothing: {tag}"
        assert self.open[-1] == tag, f"closes {tag} inside {self.open}"
        self.open.pop()
        self._around.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.in_style += data
        else:
            self.words.append(data)

    def reset(self) -> None:
        super().reset()
        self._around: list[tuple[str, dict[str, str | None]]] = []

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def attributes(self, tag: str, name: str) -> list[str]:
        return [attrs[name] or "" for found, attrs in self.tags if found == tag and name in attrs]


def report(record: Record, protocol: str = "auto", as_of: dt.date = AS_OF) -> str:
    return to_html(assess(record, as_of, protocol), record, KNOWLEDGE)


@pytest.fixture(scope="module")
def written() -> str:
    return report(together(ILL, QUIET))


@pytest.fixture(scope="module")
def page(written: str) -> Page:
    return Page(written)


def hostile_record() -> Record:
    def row(table: str, **more: Any) -> dict[str, Any]:
        cells: dict[str, Any] = {"string": HOSTILE, "date": day("2026-06-01"), "float": 1.0}
        return {**{c.name: cells[c.type] for c in TABLES[table]}, **more}

    tables = {table: [row(table)] for table in TABLES}
    tables["exposures"] += [
        row("exposures", medicine="azathioprine", stopped_on=None),
        row("exposures", medicine=f"unknown:{HOSTILE}", stopped_on=None),
    ]
    tables["results"] += [
        row("results", analyte="neutrophils", value=0.4, comparator=None, unit="10*9/L", status="final"),
        row("results", analyte="wbc", status="final"),
        row("results", analyte="alt", value=None, status="final"),
        row("results", analyte="vzv_igg", value=None, status="final"),
    ]
    tables["genotypes"] += [row("genotypes", gene="TPMT")]
    asides = [SetAside(HOSTILE, f"what {HOSTILE}", f"why {HOSTILE}", HOSTILE), SetAside(HOSTILE, HOSTILE, HOSTILE)]
    return Record.of(tables, asides)


def test_nothing_in_any_table_becomes_markup():
    record = hostile_record()
    written = report(record)
    page = Page(written)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "img", "iframe", "object", "embed", "link", "form", "base"}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on") or name == "style"]
    shown = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'&{{7*7}}</style></title>$\\frac{"
    # The id, the indication, a genotype, an event, an unknown medicine, why a result is doubted and what was set aside.
    for place in ("Patient ", "TPMT ", "Other medicines ", "was not used: ", "what ", "why "):
        assert place + shown in page.text, place
    assert f"{html.escape(shown, quote=True).replace('&quot;', '&#34;').replace('&#x27;', '&#39;')}" in written
    assert "49" not in re.findall(r"'&amp;(\S{2})", written), "a template ran inside the record's words"
    assert "\x00" not in written
    assert "\u202e" not in written
    assert written.encode()


def test_half_a_character_in_what_was_set_aside_can_still_be_written():
    odd = Aside(where="results.csv line 3", what="value '\ud800'", why="not a number", patient_id="c002")
    assessment = msgspec.structs.replace(assess(QUIET, AS_OF), set_aside=[odd])
    assert "value '\ufffd'" in Page(to_html(assessment, QUIET, KNOWLEDGE).encode().decode()).text


def test_every_finding_is_there_with_its_words_value_limit_rule_and_sources(written: str, page: Page):
    lists = written.split('<ol class="findings">')[1:]
    cards = [card for each in lists for card in each.split("</ol>")[0].split("<li ")[1:]]
    [patient, _] = assess(together(ILL, QUIET), AS_OF).patients
    assert len(patient.findings) > 5
    assert [problem.title for problem in patient.plan.problems] == re.findall(
        r'<h4 class="problem">(.+?)</h4>', written
    )
    in_order = [patient.findings[place] for problem in patient.plan.problems for place in problem.findings]
    for finding, card in zip(in_order, cards, strict=True):
        shown = html.unescape(card)
        assert finding.says in shown
        assert finding.says_patient in shown
        assert f"{finding.rule}: {finding.code}" in shown
        if finding.observed and finding.observed.value is not None:
            assert re.search(rf"<dt>Value</dt><dd[^>]*>{re.escape(amount(finding.observed.value))}\b", shown)
        if finding.limit:
            assert re.search(rf"<dt>(Limit|Compared)</dt><dd[^>]*>[^<]*{re.escape(amount(finding.limit.value))}", shown)
        for cited in finding.sources:
            assert cited.title in page.text
            assert cited.locator in page.text
            assert KNOWLEDGE.sources[cited.source].identifier in page.text


def test_a_citation_leads_to_its_source_and_says_how_it_was_read(written: str):
    finding = assess(ILL, AS_OF).patients[0].findings[0]
    found = re.search(rf"{re.escape(html.escape(finding.says))}<sup><a href=\"#(p1-s\d+)\"", written)
    assert found
    entry = written.split(f'<li id="{found[1]}">')[1].split("</li>")[0]
    # The list counts by itself, so that the number shown above must be the place in it.
    listed = re.findall(r'<li id="p1-s(\d+)">', written)
    assert listed == [str(place) for place in range(1, len(listed) + 1)]
    assert finding.sources[0].title in html.unescape(entry)
    assert HOW[finding.sources[0].how].capitalize() in html.unescape(entry)


def test_the_worklist_comes_first_most_urgent_first_with_counts(written: str, page: Page):
    later = of_one("c003", exposures=[dose(100, "2026-08-20")])
    both = report(together(later, ILL, QUIET))
    table = both.split("<tbody")[1].split("</tbody>")[0]
    assert re.findall(r"<bdi>(c\d+)</bdi>", table) == ["c001", "c003"]
    assert both.index("Who needs something") < both.index("<article")
    assert "1 Emergency 0 Same day 0 This week 0 Routine 1 For information" in page.text
    assert DISCLAIMER in page.text
    for head in ("Urgency", "Patient", "Action", "Reason", "Value", "Limit", "Source"):
        assert re.search(rf'<th role="columnheader" scope="col">{head}</th>', written)


def test_a_patient_with_nothing_but_information_has_no_page_unless_alone(written: str):
    assert written.count("<article") == 1
    assert "c002" in written
    assert report(QUIET).count("<article") == 1


def test_the_plan_says_dose_range_tests_and_who_acts(page: Page):
    plan = assess(ILL, AS_OF).patients[0].plan
    assert plan.dose.decision == "stop"
    taken = f"Taken now {amount(plan.dose.taken_mg_per_day)} mg a day"
    assert f"Dose Stop Daily dose no dose Tablets none {taken} Who acts {plan.who.capitalize()}" in page.text
    for test in plan.next_tests:
        assert test.due_on.isoformat() in page.text
        assert test.why in page.text
    late = of_one(exposures=[dose(100, "2026-06-01")], results=[result("neutrophils", 3, "2026-06-02")])
    tests = assess(late, AS_OF).patients[0].plan.next_tests
    [overdue] = [test for test in tests if test.due_on < AS_OF]
    text = Page(report(late)).text
    assert f"{overdue.due_on} {(AS_OF - overdue.due_on).days} days overdue" in text
    assert f"{AS_OF} due today" in text


def test_the_letter_has_the_patients_words_once_and_the_next_tests_in_plain_words(written: str):
    letter = Page(written[written.index('<section class="letter"') :].split("</section>")[0] + "</section>").text
    findings = assess(ILL, AS_OF).patients[0].findings
    for finding in findings:
        assert letter.count(finding.says_patient) >= 1
    twice = [text for text in {f.says_patient for f in findings} if sum(f.says_patient == text for f in findings) > 1]
    assert twice
    assert all(letter.count(text) == 1 for text in twice)
    assert "Do not take any more of this medicine." in letter
    assert "Blood count:" in letter


def test_what_was_set_aside_is_told_where_it_belongs():
    known = SetAside("results.csv line 3", "value 'abc'", "not a number", "c001")
    unknown = SetAside("results.csv line 9", "patient_id is empty", "whose row this is can't be told")
    record = together(ILL, QUIET)
    written = report(Record(record.rows, [known, unknown]))
    own, rest = written.split("</article>")
    assert "results.csv line 3" in own
    assert "results.csv line 9" in rest
    assert "results.csv line 9" not in own


def test_the_page_is_sound_html(page: Page):
    assert [tag for tag, _ in page.tags].count("h1") == 1
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for target in [*page.attributes("a", "href"), *page.attributes("use", "href")]:
        assert not target.startswith("#") or target[1:] in ids, target
    for pointer in page.attributes("section", "aria-labelledby"):
        assert pointer in ids
    assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.attributes("html", "lang") == ["en"]
    assert all(page.attributes("figure", "aria-label"))


def test_nothing_is_loaded_and_the_policy_forbids_it(written: str, page: Page):
    assert not page.attributes("img", "src")
    assert not re.search(r"url\(|@import|http", page.in_style)
    for target, in_sources in page.links:
        assert target.startswith("#") or (in_sources and target.startswith("https://")), target
    assert not [attrs for tag, attrs in page.tags if tag != "a" and any("http" in (v or "") for v in attrs.values())]
    [policy] = [content for content in page.attributes("meta", "content") if "default-src" in content]
    digest = base64.b64encode(hashlib.sha256(page.in_style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert written.count("<style") == 1
    assert not [tag for tag, attrs in page.tags if "style" in attrs]


def test_every_printed_sheet_names_its_patient(page: Page):
    assert '@page p1{@top-right{content:"Patient c001"}}' in page.in_style
    assert "size: A4" in page.in_style
    assert "break-before: page" in page.in_style


def test_the_same_input_gives_the_same_bytes(written: str):
    assert report(together(ILL, QUIET)) == written
    program = (
        "import sys; from tests.reports.test_assessment_html import *; sys.stdout.write(report(together(ILL, QUIET)))"
    )
    again = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONUTF8": "1", "SOURCE_DATE_EPOCH": "1"},
    )
    assert again.stdout == written


def test_a_clinic_without_patients_is_a_report_too():
    page = Page(report(Record.of({})))
    assert "This record holds no patients." in page.text
    assert DISCLAIMER in page.text
    assert "article" not in [tag for tag, _ in page.tags]


def panels(record: Record, protocol: str = "auto") -> dict[str, Panel]:
    [patient] = assess(record, AS_OF, protocol).patients
    course = timeline(patient, record, KNOWLEDGE, AS_OF, chosen=protocol != "auto")
    return {panel.series.analyte: panel for panel in draw(course)} if course else {}


def drawn_points(panel: Panel) -> list[tuple[str, str, str]]:
    """The shape of each result that was drawn, and its place."""
    return re.findall(r'<path class="point (\w+)" transform="translate\(([\d.]+) ([\d.]+)\)"', panel.svg)


def labels(panel: Panel) -> list[str]:
    return [html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", panel.svg)]


@pytest.mark.parametrize("protocol", ["bsg-2019", "bsr-2017", MOST_CAUTIOUS])
def test_the_protocols_limits_are_drawn_and_named(protocol: str):
    chosen = list(KNOWLEDGE.protocols.values()) if protocol == MOST_CAUTIOUS else [KNOWLEDGE.protocols[protocol]]
    drawn = panels(ILL, protocol)
    rows: list[Any] = [row for one in chosen for row in one.lists["limits"]]
    own = [row for row in rows if row.specialty in ("any", "gastroenterology")]
    seen = 0
    for row in own:
        if row.analyte not in drawn or row.relative_to not in ("absolute", "upper-limit-of-normal"):
            continue
        value = row.value * (40 if row.relative_to == "upper-limit-of-normal" else 1)
        sign = {"below": "<", "above": ">", "at-least": "≥", "at-most": "≤"}[row.comparison]
        assert any(label.startswith(f"{sign}{amount(value)} ") for label in labels(drawn[row.analyte])), row
        assert f"{sign}{amount(value)} " in drawn[row.analyte].alt
        seen += 1
    assert seen >= 2


def test_another_protocols_limits_are_not_drawn():
    rows: Any = KNOWLEDGE.protocols["bsr-2017"].lists["limits"]
    own = {f"<{amount(row.value)} {row.action}" for row in rows if row.analyte == "neutrophils"}
    drawn = {label for label in labels(panels(ILL, "bsr-2017")["neutrophils"]) if label.startswith("<")}
    assert drawn == own
    assert drawn != {label for label in labels(panels(ILL, "bsg-2019")["neutrophils"]) if label.startswith("<")}


def test_a_result_below_its_limit_lies_below_the_line():
    panel = panels(ILL)["neutrophils"]
    limit = {limit.value: limit for limit in panel.series.limits}[1]
    assert limit.action == "stop"
    place = labels(panel).index(limit.label)
    line = float(re.findall(r'<text[^>]*y="([\d.]+)"', panel.svg)[place]) - 3
    points = [(float(x), float(y)) for _, x, y in drawn_points(panel)]
    assert len(points) == 3
    assert [y > line for _, y in sorted(points)] == [False, False, True], "down is more on a screen"


def test_only_what_the_rules_use_is_drawn():
    record = of_one(
        exposures=[dose(100, "2026-01-05")],
        results=[
            result("platelets", 250, "2026-02-01"),
            result("platelets", 180, "2026-03-01", status="entered-in-error"),
            result("platelets", 181, "2026-04-01", ""),
            result("platelets", 250000, "2026-05-01"),
            result("platelets", 182, "2027-01-01"),
            result("platelets", None, "2026-06-01", text="clotted"),
            result("platelets", 183, "2026-06-01", "furlong"),
            result("haemoglobin", 13.2, "2026-06-01", "g/dL"),
        ],
    )
    drawn = panels(record)
    assert [point.value for point in drawn["platelets"].series.points] == [250]
    assert [point.value for point in drawn["haemoglobin"].series.points] == [132]


def test_values_below_or_above_a_bound_are_marked_as_such():
    record = of_one(
        exposures=[dose(100, "2026-01-05")],
        results=[
            result("egfr", 80, "2026-02-01", "mL/min/{1.73_m2}"),
            result("egfr", 90, "2026-03-01", "mL/min/{1.73_m2}", comparator=">"),
        ],
    )
    panel = panels(record)["egfr"]
    assert [shape for shape, _, _ in drawn_points(panel)] == ["plain", "over"]
    assert "last >90" in panel.alt


@pytest.mark.parametrize(
    ("exposures", "steps"),
    [
        (
            [dose(50, "2026-01-01", "2026-02-01"), dose(100, "2026-02-01")],
            [("01-01", "02-01", 50), ("02-01", "09-02", 100)],
        ),
        ([dose(100, "2026-01-01"), dose(25, "2026-01-01")], [("01-01", "09-02", 125)]),
        ([dose(150, "2026-01-01"), dose(100, "2026-03-01")], [("01-01", "09-02", 150)]),
        ([dose(100, "2026-01-01", "2026-04-01")], [("01-01", "04-01", 100)]),
        ([dose(None, "2026-01-01")], [("01-01", "09-02", None)]),
        ([dose(100, "2026-12-01")], []),
    ],
    ids=["raised", "two tablets", "two that both run: the higher", "stopped", "dose not known", "not begun"],
)
def test_the_dose_track_follows_the_steps(exposures: list[dict[str, Any]], steps: list[tuple[str, str, float | None]]):
    drug, found = dose_steps(of_one(exposures=exposures), KNOWLEDGE, AS_OF)
    assert drug == "azathioprine"
    assert [(f"{step.start:%m-%d}", f"{step.end:%m-%d}", step.mg) for step in found] == steps


def test_events_and_other_medicines_are_marked_and_listed(written: str):
    marks = written.split('<ol class="marks">')[1].split("</ol>")[0]
    assert re.findall(r'value="(\d)"><span class="number">(\S+)</span> ([^<]+)</li>', marks) == [
        ("1", "2026-03-12", "vaccination: influenza"),
        ("2", "2026-07-20", "allopurinol begun"),
    ]
    assert {"1", "2"} <= set(labels(panels(ILL)["neutrophils"]))


def test_a_placeholder_date_does_not_flatten_the_charts():
    first = ILL.rows["results"][0]
    old = (*first[:8], day("1900-01-01"), *first[9:])
    record = Record({**ILL.rows, "results": [old, *ILL.rows["results"]]})
    [patient] = assess(record, AS_OF).patients
    course = timeline(patient, record, KNOWLEDGE, AS_OF)
    assert course
    assert course.first.year == 2026
    assert course.older == 1
    assert "1 result from more than ten years ago is not shown" in Page(report(record)).text


def test_charts_are_drawn_only_for_patients_shown_in_full(monkeypatch: pytest.MonkeyPatch):
    quiet = of_one("c002", results=[result("neutrophils", 3.5, "2026-08-01")])
    assert len(assess(quiet, AS_OF).patients) == 1
    drawn: list[tuple[Series, ...]] = []

    def counting(timeline: Any) -> list[Panel]:
        drawn.append(timeline.series)
        return draw(timeline)

    monkeypatch.setattr(report_html, "draw", counting)
    assert assess(together(ILL, quiet), AS_OF).patients[1].plan.urgency == "info"
    report(together(ILL, quiet))
    assert len(drawn) == 1


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(scheme: str, page: Page):
    css = (HERE / "report.css").read_text(encoding="utf-8")
    assert css in page.in_style
    halves = page.in_style.split("@media screen and (prefers-color-scheme: dark)")
    light, dark = (dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", half)) for half in halves)
    colours = light if scheme == "light" else {**light, **dark}
    pairs = [(ink, ground) for ink in ("ink", "muted", "link") for ground in ("paper", "page", "quiet")]
    pairs += [("hold", "paper"), ("watch", "paper"), ("hold", "quiet"), ("muted", "normal"), ("line", "normal")]
    pairs += [(f"on-{word}", word) for word in ("emergency", "same-day", "this-week", "routine", "info")]
    for ink, ground in pairs:
        assert contrast(colours[ink], colours[ground]) >= 4.5, (scheme, ink, ground)
