"""A clinic's own file can't switch a guard off: each way of doing so by mistake is one line that says what to write."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from azaward.cli import app
from azaward.knowledge import load
from azaward.knowledge.loading.check import faults, with_protocol
from azaward.knowledge.loading.load import HERE, load_folder

HEAD = """\
id: my-clinic
title: Our clinic
body: A clinic
published_on: 2026-01-01
specialty: rheumatology
sources:
  - {id: our-table, title: Our table, publisher: A clinic, published_on: 2026-01-01, identifier: item 4}
defaults: {source: our-table, how: own, checked_on: 2026-01-01, locator: ours}
"""
BUILDS = HEAD + "builds_on: bsr-2017\n"
LIMIT = "limits:\n  - {{analyte: {0}, action: withhold, urgency: same-day}}\n"
DOSE = "doses:\n  - {{indication: crohns_disease, {0}}}\n"
PHASE = "  - {{tests: [{0}], since: start, phase: ours, from_day: 0, until_day: null, every_days: 7, {1}}}\n"
WINDOW = "schedule:\n  - {{tests: [amylase], since: start, phase: ours, {0}}}\n"
# What a protocol that borrows nothing needs, a list each.
BASELINE = "baseline:\n  - {test: full_blood_count, required: true}\n"
LIMITS = "limits:\n" + "".join(
    f"  - {{analyte: {analyte}, relative_to: absolute, action: withhold, urgency: same-day}}\n"
    for analyte in (
        "wbc, comparison: below, value: 3",
        "neutrophils, comparison: below, value: 2",
        "platelets, comparison: below, value: 100",
        "alt, comparison: above, value: 100",
    )
)
DOSES = DOSE.format("population: adult, max_mg_per_kg: 2")
TESTS = "full_blood_count, kidney, liver"
SCHEDULE = "schedule:\n" + PHASE.format(TESTS, "specialty: any")
ALONE = HEAD + BASELINE + LIMITS + DOSES + SCHEDULE


def checked(text: str, tmp_path: Path) -> Result:
    path = tmp_path / "my-clinic.yaml"
    path.write_text(text, encoding="utf-8")
    return CliRunner().invoke(app, ["knowledge", "check", str(path)])


def refused(text: str, tmp_path: Path) -> str:
    result = checked(text, tmp_path)
    assert result.exit_code == 1
    (line,) = result.output.splitlines()
    return line


def test_a_protocol_may_stand_alone(tmp_path: Path) -> None:
    assert checked(ALONE, tmp_path).exit_code == 0


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ("wbc, comparison: below, value: 0, relative_to: absolute", "value: found 0, expected a number above 0"),
        ("egfr, comparison: above, value: -1, relative_to: absolute", "value: found -1, expected no negative number"),
        ("alt, comparison: above, value: 0, relative_to: upper-limit-of-normal", "value: found 0, expected a number"),
        ("alt, comparison: above, value: .inf, relative_to: upper-limit-of-normal", "value: expected a number, found"),
        (
            "crp, comparison: below, value: 120, relative_to: previous-fall-percent",
            "value: found 120, expected at most",
        ),
        ("lymphocytes, comparison: above, value: 30, relative_to: baseline-fall-percent", "comparison: found above, "),
        ("alt, comparison: below, value: 30, relative_to: baseline-rise-percent", "comparison: found below, expected"),
        ("wbc, comparison: below, value: 3, relative_to: absolute, within_days: 30", "within_days: found 30, expected"),
        ("alt, comparison: above, value: 30, relative_to: baseline-rise-percent, within_days: 1.0e+9", "within_days:"),
    ],
)
def test_a_limit_that_nobody_could_meet_is_refused(cells: str, says: str, tmp_path: Path) -> None:
    assert refused(BUILDS + LIMIT.format(cells), tmp_path).startswith(f"azaward: my-clinic.yaml:11 limits.{says}")


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ("population: adult, target_mg_per_kg: [.nan, 2]", "doses.target_mg_per_kg: expected a number, found nan."),
        ("population: adult, target_mg_per_kg: [2, .inf]", "doses.target_mg_per_kg: expected a number, found inf."),
        ("population: adult, target_mg_per_kg: [3, 2]", "doses.target_mg_per_kg: found 3 to 2, expected the lower"),
        ("population: adult, target_mg_per_kg: [1, 3], max_mg_per_kg: 2", "doses.target_mg_per_kg: found 1 to 3, "),
        ("population: adult, start_mg_per_day: 100, max_mg_per_day: 50", "doses.start_mg_per_day: found 100, expected"),
        ("population: adult, max_mg_per_kg: 0", "doses.max_mg_per_kg: found 0, expected doses above 0."),
        (
            "population: adult, max_mg_per_kg: 2, step_every_days: 0",
            "doses.step_every_days: found 0, expected a number",
        ),
        ("population: adults", "doses.population: 'adults' isn't a population. Did you mean 'adult'?"),
        ("population: adult", "doses: the row holds no dose."),
    ],
)
def test_a_dose_that_holds_nobody_back_is_refused(cells: str, says: str, tmp_path: Path) -> None:
    assert refused(BUILDS + DOSE.format(cells), tmp_path).startswith(f"azaward: my-clinic.yaml:11 {says}")


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ("from_day: 0, until_day: null, every_days: 0", ".every_days: found 0, expected a number of days from 1"),
        ("from_day: 0, until_day: null, every_days: 40000", ".every_days: found 40000, expected a number of days"),
        ("from_day: 0, until_day: null, every_days: 1.5", ".every_days: expected a whole number, found 1.5."),
    ],
)
def test_an_interval_that_never_comes_is_refused(cells: str, says: str, tmp_path: Path) -> None:
    assert refused(BUILDS + WINDOW.format(cells), tmp_path).startswith(f"azaward: my-clinic.yaml:11 schedule{says}")


def test_a_phase_ends_after_it_begins(tmp_path: Path) -> None:
    rows = "".join(
        f"  - {{tests: [amylase], since: start, phase: to {end}, from_day: {day}, until_day: {end}, every_days: 7}}\n"
        for day, end in ((0, 0), (0, "null"))
    )
    assert "until_day: found 0, expected a day after from_day" in refused(BUILDS + "schedule:\n" + rows, tmp_path)


@pytest.mark.parametrize(
    ("there", "here", "says"),
    [
        (DOSES, DOSES.replace("adult", "child"), "doses: no dose for adults."),
        ("wbc, comparison: below", "wbc, comparison: above", "limits: no limit for low wbc"),
        ("alt, comparison: above", "alt, comparison: below", "limits: no limit for a high liver enzyme"),
        ("platelets, ", "platelets, specialty: dermatology, ", "limits: no limit for low platelets"),
        (
            "below, value: 3, relative_to: absolute",
            "below, value: 3, relative_to: baseline-fall-percent",
            "limits: no limit for low wbc",
        ),
    ],
)
def test_what_the_rows_lack_together_is_refused(there: str, here: str, says: str, tmp_path: Path) -> None:
    text = ALONE.replace(there, here)
    assert text != ALONE
    assert refused(text, tmp_path).startswith(f"azaward: my-clinic.yaml {says}")


ENDS = PHASE.replace("null", "28")
LATE = PHASE.replace("from_day: 0", "from_day: 28")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (PHASE.format("full_blood_count, liver", "specialty: any"), "kidney: no row asks for it since the start"),
        (PHASE.format(TESTS, "specialty: dermatology"), f"{TESTS}: no row asks for it since the start"),
        (ENDS.format(TESTS, "specialty: any"), f"{TESTS}: no row since the start asks for it from day 28 on"),
        (PHASE.format(TESTS, "x: 1").replace("start", "risk").replace("x: 1", "specialty: any"), f"{TESTS}: no row"),
        (
            ENDS.format(TESTS, "specialty: any")
            + PHASE.format(TESTS, "specialty: any").replace("start", "dose_increase"),
            f"{TESTS}: no row since the start asks for it from day 28 on",
        ),
        (
            ENDS.format(TESTS, "specialty: any") + LATE.format(TESTS, "valid_from: 2027-01-01"),
            f"{TESTS}: no row since the start asks for it from day 28 on",
        ),
    ],
)
def test_a_test_that_every_guideline_asks_for_is_never_let_go(rows: str, says: str, tmp_path: Path) -> None:
    line = refused(ALONE.replace(SCHEDULE, "schedule:\n" + rows), tmp_path)
    assert line.startswith(f"azaward: my-clinic.yaml schedule: {says}")


def test_the_rows_for_a_protocols_own_specialty_are_enough(tmp_path: Path) -> None:
    text = ALONE.replace(SCHEDULE, "schedule:\n" + PHASE.format(TESTS, "specialty: rheumatology"))
    assert checked(text, tmp_path).exit_code == 0


def test_what_a_later_row_takes_away_is_said_with_its_day(tmp_path: Path) -> None:
    later = SCHEDULE + ENDS.format(TESTS, "valid_from: 2027-01-01")
    line = refused(ALONE.replace(SCHEDULE, later), tmp_path)
    assert "asks for it from day 28 on" in line
    assert line.endswith("This is so from 2027-01-01 on.")


def test_windows_of_one_phase_hold_beside_each_other(tmp_path: Path) -> None:
    rows = (
        ENDS.format(TESTS, "specialty: any")
        + LATE.format(TESTS, "specialty: any")
        + LATE.format(TESTS, "valid_from: 2027-01-01")
    )
    assert checked(ALONE.replace(SCHEDULE, "schedule:\n" + rows), tmp_path).exit_code == 0


def test_a_test_that_no_row_asks_for_yet_is_used_early_alone(tmp_path: Path) -> None:
    path = tmp_path / "my-clinic.yaml"
    row = PHASE.format("full_blood_count, amylase", "valid_from: 2027-01-01")
    path.write_text(BUILDS + "schedule:\n" + row, encoding="utf-8")
    held = with_protocol(load(), path)[0].held_on(dt.date(2026, 1, 1))
    rows: Any = held.protocols["my-clinic"].lists["schedule"]
    assert [row.tests for row in rows if row.phase == "ours"] == [["amylase"]]
    assert [waiting.what for waiting in held.not_yet] == ["amylase every so often, ours"]


@pytest.mark.parametrize(
    ("there", "here", "says"),
    [
        ("{source: our-table", "{source: [our-table]", "8 defaults.source: expected words, found ['our-table']."),
        (
            "{source: our-table",
            "{source: {id: our-table}",
            "8 defaults.source: expected words, found {",
        ),
        ("locator: ours}", "locator: ours, valid_from: 2027-02-30}", "8 defaults.valid_from: expected a day such as"),
        ("published_on: 2026-01-01", "published_on: 2026-02-30", "4 published_on: expected a year, a month or a day"),
        ("value: 3,", "value: 3, valid_from: 2027-02-30,", "12 limits.valid_from: expected a day such as"),
        (f"tests: [{TESTS}]", "tests: []", "19 schedule.tests: the list is empty."),
    ],
)
def test_a_value_of_the_wrong_kind_is_said_in_its_line(there: str, here: str, says: str, tmp_path: Path) -> None:
    result = checked(ALONE.replace(there, here, 1), tmp_path)
    assert result.exit_code == 1
    assert f"azaward: my-clinic.yaml:{says}" in result.output


@pytest.mark.parametrize(
    ("cells", "asks"),
    [
        (
            "neutrophils, comparison: below, value: 1.2, relative_to: absolute",
            "below 1.2 takes the place of",
        ),
        ("neutrophils, comparison: below, value: 1.6, relative_to: absolute", ""),
        ("neutrophils, comparison: at-most, value: 1.6, relative_to: absolute", ""),
        (
            "alt, comparison: above, value: 150, relative_to: absolute",
            "takes the place of alt above 100 in bsr",
        ),
        ("alt, comparison: above, value: 80, relative_to: absolute", ""),
        (
            "alt, comparison: above, value: 5, relative_to: upper-limit-of-normal",
            "above 5 (upper-limit-of-normal)",
        ),
        (
            "creatinine, comparison: above, value: 50, relative_to: baseline-rise-percent",
            "above 50 (baseline",
        ),
        ("creatinine, comparison: above, value: 20, relative_to: baseline-rise-percent", ""),
    ],
)
def test_a_limit_in_place_of_a_stricter_one_is_asked_about(cells: str, asks: str, tmp_path: Path) -> None:
    result = checked(BUILDS + LIMIT.format(cells), tmp_path)
    assert result.exit_code == 0
    _, *questions = result.output.splitlines()
    assert len(questions) == bool(asks)
    assert all(asks in question and ":11 limits.value: " in question for question in questions)


# As strict as what is published, but for the row that is asked about.
STRICT = ALONE.replace("platelets, comparison: below, value: 100", "platelets, comparison: below, value: 140")


def loose(value: float, action: str) -> str:
    row = "neutrophils, comparison: below, value: {}, relative_to: absolute, action: {}"
    return STRICT.replace(row.format(2, "withhold"), row.format(value, action))


def rare(text: str, days: int) -> str:
    return text + SCHEDULE.replace("every_days: 7", f"every_days: {days}")


REQUIRED = "baseline:\n  - {test: tpmt, required: %s}\n"
ULCERS = "symptoms:\n  - {symptom: mouth ulcers, action: %s, urgency: %s}\n"


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        (STRICT, ""),
        (loose(1, "withhold"), ""),
        (loose(0.9, "withhold"), "neutrophils below 0.9 is met later than every published limit"),
        (loose(2, "inform"), "neutrophils below 2 asks for nothing: its action is inform"),
        (rare(BUILDS, 84), ""),
        (rare(BUILDS, 85), "every 85 days; no published protocol waits longer than 84 days"),
        (rare(BUILDS + "schedule_from: bsr-2017\n", 85), ""),
        (BUILDS + DOSE.format("population: adult, max_mg_per_kg: 5"), ""),
        (BUILDS + DOSE.format("population: adult, max_mg_per_kg: 5.1"), "found 5.1; no published protocol allows more"),
        (BUILDS + REQUIRED % "true", ""),
        (BUILDS + REQUIRED % "false", "tpmt isn't required here; it is required in bsr-2017"),
        (BUILDS + ULCERS % ("stop", "same-day"), ""),
        (BUILDS + ULCERS % ("withhold", "routine"), "withhold, routine here; withhold, same-day in bsr-2017"),
        (BUILDS + ULCERS % ("review", "same-day"), "review, same-day here; withhold, same-day in bsr-2017"),
    ],
)
def test_what_is_more_lenient_than_everything_published_is_asked_about(text: str, asks: str, tmp_path: Path) -> None:
    result = checked(text, tmp_path)
    assert result.exit_code == 0, result.output
    _, *questions = result.output.splitlines()
    assert len(questions) == bool(asks)
    assert all(asks in question and "Was that agreed?" in question for question in questions)


def test_a_list_that_stands_twice_is_one_line(tmp_path: Path) -> None:
    assert "limits stands there twice, first in line 11. Keep one." in refused(ALONE + "limits: []\n", tmp_path)


def test_an_id_and_plain_words_are_one_symptom(tmp_path: Path) -> None:
    path = tmp_path / "my-clinic.yaml"
    row = "symptoms:\n  - {symptom: sore_throat, action: review, urgency: same-day}\n"
    path.write_text(BUILDS.replace("bsr-2017", "sps-nhs") + row, encoding="utf-8")
    symptoms: Any = with_protocol(load(), path)[0].protocols["my-clinic"].lists["symptoms"]
    assert [row.action for row in symptoms if row.symptom in ("sore throat", "sore_throat")] == ["review"]


@pytest.mark.parametrize(
    ("row", "asks"),
    [
        ("symptoms:\n  - {symptom: sore_throat, action: withhold, urgency: same-day, test: full_blood_count, ", False),
        ("symptoms:\n  - {symptom: sore_throat, action: review, urgency: same-day, test: full_blood_count, ", True),
        (SCHEDULE.partition("  - ")[0] + PHASE.format("liver", "").strip("}\n"), True),
    ],
)
def test_a_guideline_is_asked_for_symptom_by_symptom_and_test_by_test(row: str, asks: bool, tmp_path: Path) -> None:
    text = BUILDS + row + "source: sps-mercaptopurine, how: full text}\n"
    result = checked(text, tmp_path)
    assert result.exit_code == 0
    assert ("cites 'sps-mercaptopurine' as read" in result.output) == asks


@pytest.mark.parametrize(("number", "says"), [("nan", "expected a number, found"), ("-5", "found -5, expected no")])
def test_a_number_of_a_table_is_finite_and_not_below_zero(number: str, says: str, tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = folder / "parameters.csv"
    header, first, *rest = path.read_text(encoding="utf-8").splitlines()
    id, _, others = first.split(",", 2)
    path.write_text("\n".join([header, f"{id},{number},{others}", *rest, ""]), encoding="utf-8")
    assert any(line.startswith(f"parameters.csv:2 value: {says}") for line in faults(load_folder(folder)))
