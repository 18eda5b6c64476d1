"""A clinic's own protocol: what it takes the place of, whose words it cites, and how each mistake in it reads."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from azaward.assessment import assess
from azaward.cli import app
from azaward.knowledge import load
from azaward.knowledge.loading.check import with_protocol
from azaward.knowledge.loading.protocols import holds_for
from azaward.knowledge.loading.relations import relations
from azaward.record import Record

KNOWLEDGE = load()

OWN = """\
id: my-clinic
title: Our clinic
body: A clinic
published_on: 2026-01-01
builds_on: bsr-2017
sources:
  - {id: our-table, title: Our table, publisher: A clinic, published_on: 2026-01-01, identifier: item 4}
defaults: {source: our-table, how: own, checked_on: 2026-01-01}
limits:
  - {analyte: neutrophils, comparison: below, value: 1.8, relative_to: absolute,
     action: withhold, urgency: same-day, locator: "our table"}
"""


def test_a_clinics_own_protocol_builds_on_a_published_one(tmp_path: Path) -> None:
    path = tmp_path / "my-clinic.yaml"
    path.write_text(OWN, encoding="utf-8")
    held, name = with_protocol(KNOWLEDGE, path)
    assert name == "my-clinic"
    own: Any = held.protocols[name].lists["limits"]
    bsr: Any = KNOWLEDGE.protocols["bsr-2017"].lists["limits"]
    # The clinic's withhold takes the place of the other's; the emergency at a severe count stays.
    assert [(row.value, row.urgency) for row in own if row.analyte == "neutrophils"] == [
        (1.8, "same-day"),
        (1.0, "emergency"),
    ]
    assert [row for row in own if row.analyte != "neutrophils"] == [row for row in bsr if row.analyte != "neutrophils"]
    assert held.protocols[name].lists["schedule"] == KNOWLEDGE.protocols["bsr-2017"].lists["schedule"]


def borrowed(text: str, tmp_path: Path, name: str) -> list[Any]:
    path = tmp_path / "my-clinic.yaml"
    path.write_text(text, encoding="utf-8")
    held, protocol = with_protocol(KNOWLEDGE, path)
    return list(held.protocols[protocol].lists[name])


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        # Asks for the same, as urgently: replaced, whatever the number.
        ("comparison: below, value: 1.2, relative_to: absolute, action: withhold, urgency: same-day", [1.2, 1.0]),
        # Less urgent, another action, the other direction: beside it.
        ("comparison: below, value: 1.2, relative_to: absolute, action: withhold, urgency: routine", [1.2, 1.6, 1.0]),
        ("comparison: below, value: 1.2, relative_to: absolute, action: review, urgency: same-day", [1.2, 1.6, 1.0]),
        ("comparison: above, value: 8, relative_to: absolute, action: withhold, urgency: same-day", [8.0, 1.6, 1.0]),
        # For one specialty alone: what holds for all stays for the others.
        (
            "comparison: below, value: 1.2, relative_to: absolute, action: withhold, urgency: same-day, "
            "specialty: dermatology",
            [1.2, 1.6, 1.0],
        ),
    ],
)
def test_what_a_clinics_own_limit_replaces(own: str, kept: list[float], tmp_path: Path) -> None:
    row = f'  - {{analyte: neutrophils, {own}, locator: "our table"}}\n'
    limits = borrowed(OWN.partition("limits:")[0] + "limits:\n" + row, tmp_path, "limits")
    assert [row.value for row in limits if row.analyte == "neutrophils"] == kept


def test_a_limit_for_one_specialty_leaves_the_others_theirs_and_is_asked_about(tmp_path: Path) -> None:
    text = OWN.replace("value: 1.8", "value: 1.2").replace("same-day,", "same-day, specialty: dermatology,")
    limits = borrowed(text, tmp_path, "limits")
    for specialty, values in (("dermatology", [1.2, 1.0]), ("rheumatology", [1.6, 1.0]), ("other", [1.6, 1.0])):
        held = [row.value for row in limits if row.analyte == "neutrophils" and holds_for(row, specialty)]
        assert held == values, specialty
    # What the rules join says the same as the loader.
    path = tmp_path / "my-clinic.yaml"
    schema, rows = relations(with_protocol(KNOWLEDGE, path)[0], ["protocol_limits"])["protocol_limits"]
    cells = [dict(zip(schema, row, strict=True)) for row in rows if row[0] == "my-clinic"]
    lent = {cell["specialty"] for cell in cells if (cell["analyte"], cell["value"]) == ("neutrophils", 1.6)}
    assert lent == {row.family for row in KNOWLEDGE.tables["indications"]} - {"dermatology"}
    says = "neutrophils below 1.2 takes the place of neutrophils below 1.6 in bsr-2017"
    assert says in " ".join(checked(text, tmp_path).output.split())


def test_an_emergency_symptom_is_not_made_less_by_a_clinics_own_row(tmp_path: Path) -> None:
    own = OWN.replace("bsr-2017", "sps-nhs") + (
        "symptoms:\n"
        '  - {symptom: pancreatitis, action: review, urgency: routine, locator: "ours"}\n'
        '  - {symptom: cough, action: review, urgency: routine, locator: "ours"}\n'
    )
    rows = borrowed(own, tmp_path, "symptoms")
    assert [row.action for row in rows if row.symptom == "pancreatitis"] == ["review", "stop"]
    assert [row.action for row in rows if row.symptom == "cough"] == ["review"]


def test_a_schedule_for_one_specialty_leaves_the_others_theirs(tmp_path: Path) -> None:
    row = (
        "  - {{tests: [full_blood_count], since: start, phase: ours, from_day: 0, until_day: null, every_days: 7, "
        'specialty: {specialty}, locator: "ours"}}\n'
    )
    for specialty, counts in (("any", 1), ("dermatology", 6)):
        rows = borrowed(OWN + "schedule:\n" + row.format(specialty=specialty), tmp_path, "schedule")
        assert len([row for row in rows if "full_blood_count" in row.tests]) == counts
        assert [row for row in rows if "liver" in row.tests]


# How a mistake reads.


def checked(text: str | bytes, tmp_path: Path) -> Result:
    path = tmp_path / "my-clinic.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return CliRunner().invoke(app, ["knowledge", "check", str(path)])


SOURCE = "sources:\n  - {id: ucum, title: T, publisher: P, published_on: 2026, identifier: I}\n"
LIMIT = OWN.partition("limits:\n")[2]
DOSE = "doses:\n  - {indication: any, population: adult, max_mg_per_kg: 2, locator: ours}\n"
PHASES = """schedule:
  - {tests: [full_blood_count], since: start, phase: first, from_day: 0, until_day: 56, every_days: 7, locator: ours}
  - {tests: [full_blood_count], since: start, phase: then, from_day: 56, until_day: null, every_days: 56, locator: ours}
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            OWN.replace("analyte: n", "analyt: n"),
            "10 limits.analyt: 'analyt' isn't a key of such a row. Did you mean 'analyte'?",
        ),
        (
            OWN.replace("action: withhold", "action: hold"),
            "11 limits.action: 'hold' isn't an action. Did you mean 'withhold'? Choose",
        ),
        (OWN.replace("below", "under"), "10 limits.comparison: 'under' isn't a comparison"),
        (
            OWN.replace("same-day,", "same-day, specialty: gastro,"),
            "11 limits.specialty: 'gastro' isn't a specialty. Did you mean 'gastroenterology'? Choose from: any, ",
        ),
        (
            OWN.replace("neutrophils", "neutrophil"),
            "10 limits.analyte: 'neutrophil' isn't an analyte. Did you mean 'neutrophils'?",
        ),
        (
            OWN + PHASES.replace("[full_blood_count]", "[full_blod_count]", 1),
            "13 schedule.tests: 'full_blod_count' isn't a test",
        ),
        (
            OWN + PHASES.replace("since: start", "since: begin", 1),
            "13 schedule.since: 'begin' isn't a day to count from",
        ),
        (
            OWN + DOSE.replace("any", "crohns"),
            "13 doses.indication: 'crohns' isn't an indication. Did you mean 'crohns_disease'?",
        ),
        (
            OWN + DOSE.replace("adult", "adults"),
            "13 doses.population: 'adults' isn't a population. Did you mean 'adult'?",
        ),
        (
            OWN + "symptoms:\n  - {symptom: mouth ulcrs, action: stop, urgency: same-day, locator: ours}\n",
            "13 symptoms.symptom: 'mouth ulcrs' isn't a symptom. Did you mean 'mouth ulcers'?",
        ),
        (OWN.replace("body: A clinic", "body: A clinic\nspecialty: gastro"), "4 specialty: 'gastro' isn't a specialty"),
        (OWN.replace("bsr-2017", "bsr-1917"), "5 builds_on: 'bsr-1917' isn't a protocol. Did you mean 'bsr-2017'?"),
        (
            OWN.replace("title: Our clinic", "titel: Our clinic"),
            "2 titel: 'titel' isn't a key of a protocol. Did you mean 'title'?",
        ),
        (OWN.replace("value: 1.8", "value: low"), "10 limits.value: expected a number, found 'low'."),
        (
            OWN.replace("value: 1.8", "value: '1.8'"),
            "10 limits.value: expected a number, found the text '1.8'. Take the quotes off.",
        ),
        (OWN.replace("value: 1.8", "value: 1,8"), "10 limits.8: '8' isn't a key of such a row"),
        (OWN.replace("value: 1.8", "value: .nan"), "10 limits.value: expected a number, found nan."),
        (OWN.replace("value: 1.8, ", ""), "10 limits: value missing."),
        (
            OWN.replace("value: 1.8", "value: 1800"),
            "10 limits.value: 1800 is no plausible value of neutrophils in 10*9/L.",
        ),
        (OWN.replace("value: 1.8", "value: 1.8, unit: /uL"), "10 limits.unit: 'unit' isn't a key of such a row."),
        (OWN.replace("value: 1.8", "value: 1.8, value: 2"), "10 limits: value stands there twice. Keep one."),
        (OWN + LIMIT, "12 limits: says the same as line 10. Keep one."),
        (OWN + LIMIT.replace("1.8", "1.9"), "12 limits: contradicts line 10: value 1.8 there, 1.9 here. Keep one."),
        (
            OWN.replace("  - {analyte", "\t- {analyte"),
            "10: a tab stands at the beginning of the line. YAML is indented with spaces.",
        ),
        (OWN + PHASES.replace("from_day: 56", "from_day: 60"), "14 schedule: full_blood_count: nothing ends on day 60"),
        (OWN.replace('"our table"', '""'), "11 limits.locator: empty. Say where in 'our-table' it stands."),
        (OWN.replace("limits:", "limits: ["), "10: not YAML: did not find expected node content."),
        (
            OWN.replace("title: Our clinic", "title: Our clinic\ntitle: Ours"),
            "3: title stands there twice, first in line 2. Keep one.",
        ),
        (OWN.replace("title: Our clinic", "title: Our clinic\nnotes: 5"), "3 notes: expected a list, found 5."),
        (OWN.replace("title: Our clinic", "title: 5"), "2 title: expected words, found 5. Put it in quotes."),
        (OWN.replace("checked_on: 2026-01-01}", "checked_on: May}"), "8 defaults.checked_on: expected a day such as"),
        (OWN.replace("id: my-clinic", "id: bsr-2017"), "1 id: 'bsr-2017' is taken"),
        (OWN.replace("id: my-clinic", "id: auto"), "1 id: 'auto' is taken"),
        (
            OWN.replace("{source: our-table", "{source: our-tabel"),
            "8 defaults.source: 'our-tabel' isn't a source. Did you mean 'our-table'?",
        ),
        (
            OWN.replace("{source: our-table, ", "{"),
            "10 source: none in this row. Describe your agreement under `sources:`",
        ),
        (
            OWN.replace("{source: our-table", "{source: ledingham-2017"),
            "8 defaults.source: 'ledingham-2017' is a published text",
        ),
        (OWN.replace("sources:\n", SOURCE), "7 sources.id: 'ucum' is taken: another source has it."),
        (
            OWN.replace("published_on: 2026-01-01, id", "published_on: once, id"),
            "7 sources.published_on: expected a year",
        ),
        (
            OWN.replace("1.8,", "1.8, valid_from: soon,"),
            "10 limits.valid_from: expected a day such as 2026-09-01, found 'soon'.",
        ),
        ("", " expected a protocol with keys id, title, limits, ...; the file is empty."),
        ("hello\n", " expected a protocol with keys id, title, limits, ...; found no keys."),
        (b"id: \x00", " not YAML: unacceptable character #x0000"),
    ],
)
def test_a_mistake_is_one_line_that_says_where_it_is_and_what_to_write(
    text: str | bytes, says: str, tmp_path: Path
) -> None:
    result = checked(text, tmp_path)
    assert result.exit_code == 1
    (line,) = result.output.splitlines()
    assert line.startswith(f"azaward: my-clinic.yaml:{says}")


def test_all_mistakes_are_said_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = (OWN + DOSE.replace("any", "crohns")).replace("same-day", "soon").replace("bsr-2017", "bsr-1917")
    result = checked(text, tmp_path)
    assert [line.split(" ")[1:3] for line in result.output.splitlines()] == [
        ["my-clinic.yaml:5", "builds_on:"],
        ["my-clinic.yaml:11", "limits.urgency:"],
        ["my-clinic.yaml:13", "doses.indication:"],
    ]


def test_a_protocol_that_is_complete_says_what_it_holds(tmp_path: Path) -> None:
    result = checked(OWN, tmp_path)
    assert result.exit_code == 0
    assert result.output == (
        "my-clinic.yaml: complete, 11 limits, 5 schedule rows, 1 dose, 13 baseline rows, 6 symptoms; baseline and "
        "schedule and doses and symptoms borrowed from bsr-2017; 1 row of bsr-2017 replaced\n"
    )


# Whose words they are.


def test_a_finding_by_a_clinics_own_row_shows_the_clinics_title(tmp_path: Path) -> None:
    path = tmp_path / "my-clinic.yaml"
    path.write_text(OWN, encoding="utf-8")
    knowledge, protocol = with_protocol(KNOWLEDGE, path)
    day = dt.date(2026, 9, 1)
    record = Record.of(
        {
            "patients": [{"patient_id": "p", "birth_date": dt.date(1970, 1, 1), "indication": "rheumatoid_arthritis"}],
            "exposures": [{"patient_id": "p", "medicine": "azathioprine", "started_on": dt.date(2026, 6, 1)}],
            "results": [
                {
                    "patient_id": "p",
                    "analyte": "neutrophils",
                    "value": 1.7,
                    "unit": "10*9/L",
                    "taken_on": day,
                    "status": "final",
                }
            ],
        }
    )
    findings = assess(record, day, protocol, knowledge).patients[0].findings
    (low,) = (finding for finding in findings if finding.code == "limit_low")
    assert [(cited.source, cited.title) for cited in low.sources] == [("our-table", "Our table")]


def test_a_clinics_own_dose_of_mercaptopurine_stands_before_azathioprines(tmp_path: Path) -> None:
    doses = (
        "doses:\n"
        '  - {indication: any, population: adult, max_mg_per_kg: 3, locator: "ours"}\n'
        "  - {indication: any, population: adult, drug: mercaptopurine, target_mg_per_kg: [0.5, 0.8], "
        'max_mg_per_kg: 1, locator: "ours"}\n'
    )
    path = tmp_path / "my-clinic.yaml"
    path.write_text(OWN + doses, encoding="utf-8")
    knowledge, protocol = with_protocol(KNOWLEDGE, path)
    day = dt.date(2026, 9, 1)
    taken = {"patient_id": "p", "medicine": "mercaptopurine", "dose_mg_per_day": 100.0, "started_on": day}
    weight = {"patient_id": "p", "analyte": "weight", "value": 70.0, "unit": "kg", "taken_on": day, "status": "final"}
    person = {"patient_id": "p", "birth_date": dt.date(1970, 1, 1), "indication": "rheumatoid_arthritis"}
    record = Record.of({"patients": [person], "exposures": [taken], "results": [weight]})
    patient = assess(record, day, protocol, knowledge).patients[0]
    (high,) = (finding for finding in patient.findings if finding.rule == "dose_range" and finding.limit)
    assert (high.code, high.limit and high.limit.value) == ("dose_above_range", 70)
    assert patient.plan.dose.target_mg_per_day == (35, 56)


def test_the_sources_of_a_protocol_are_its_own_alone(tmp_path: Path) -> None:
    path = tmp_path / "my-clinic.yaml"
    path.write_text(OWN, encoding="utf-8")
    knowledge, _ = with_protocol(KNOWLEDGE, path)
    path.write_text(OWN.replace("id: my-clinic", "id: theirs").replace("id: our-table", "id: their-table"))
    with pytest.raises(ValueError, match="'our-table' isn't a source"):
        with_protocol(knowledge, path)


CITES = OWN.replace('locator: "our table"', 'source: ledingham-2017, how: full text, locator: "Table 2"')


def test_a_row_may_repeat_a_guideline_and_is_asked_about_where_it_says_otherwise(tmp_path: Path) -> None:
    same = checked(CITES.replace("value: 1.8", "value: 1.6"), tmp_path)
    assert same.exit_code == 0
    assert len(same.output.splitlines()) == 1
    result = checked(CITES, tmp_path)
    assert result.exit_code == 0
    assert result.output.splitlines()[1] == (
        "azaward: my-clinic.yaml:11 limits: cites 'ledingham-2017' as read, but what azaward took from that text is "
        "otherwise (value 1.6 there, 1.8 here). If the number is yours, cite a source of your own."
    )
