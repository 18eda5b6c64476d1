"""What holds on a day: of rows that say the same the newest that held, and never no limit at all."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pytest

from azaward.assessment import assess, engine
from azaward.engine import SQLiteEngine
from azaward.knowledge import Knowledge, NotYet, load
from azaward.knowledge.loading.check import faults, with_protocol
from azaward.knowledge.loading.load import HERE, load_folder
from azaward.record import Record

CHANGED = dt.date(2027, 1, 1)
BEFORE = CHANGED - dt.timedelta(days=1)
OWN = """\
id: my-clinic
title: Our clinic
body: A clinic
published_on: 2026-01-01
builds_on: bsr-2017
sources:
  - {id: our-table, title: Our table, publisher: A clinic, published_on: 2026-01-01, identifier: item 4}
defaults: {source: our-table, how: own, checked_on: 2026-01-01, locator: ours}
"""
LIMIT = (
    "  - {{analyte: neutrophils, comparison: below, value: {value}, relative_to: absolute, "
    "action: withhold, urgency: {urgency}{since}}}\n"
)


def limit(value: float, since: str | None = None, urgency: str = "same-day") -> str:
    return LIMIT.format(value=value, urgency=urgency, since=f", valid_from: {since}" if since else "")


def own(tmp_path: Path, rows: str) -> Knowledge:
    path = tmp_path / "my-clinic.yaml"
    path.write_text(OWN + rows, encoding="utf-8")
    return with_protocol(load(), path)[0]


def neutrophils(knowledge: Knowledge, urgency: str = "same-day") -> list[float]:
    rows: Any = knowledge.protocols["my-clinic"].lists["limits"]
    return [row.value for row in rows if (row.analyte, row.urgency) == ("neutrophils", urgency)]


def test_what_has_no_date_holds_always_and_stays_the_same_object() -> None:
    knowledge = load()
    assert knowledge.held_on(dt.date(1990, 1, 1)) is knowledge
    assert knowledge.held_on(dt.date(2050, 1, 1)) is knowledge
    assert knowledge.not_yet == ()


@pytest.mark.parametrize(("day", "value"), [(BEFORE, 1.8), (CHANGED, 2.0)])
def test_the_newest_row_that_held_counts_alone(day: dt.date, value: float, tmp_path: Path) -> None:
    held = own(tmp_path, "limits:\n" + limit(1.8) + limit(2.0, "2027-01-01")).held_on(day)
    assert neutrophils(held) == [value]
    assert held.not_yet == ()


def test_until_an_own_row_holds_the_lenders_row_does(tmp_path: Path) -> None:
    knowledge = own(tmp_path, "limits:\n" + limit(2.0, "2027-01-01"))
    assert neutrophils(knowledge.held_on(BEFORE)) == [1.6]
    assert knowledge.held_on(BEFORE).not_yet == ()
    assert neutrophils(knowledge.held_on(CHANGED)) == [2.0]


def test_where_nothing_held_yet_the_earliest_row_is_used_and_said(tmp_path: Path) -> None:
    rows = "limits:\n" + limit(2.2, "2028-01-01", "routine") + limit(2.0, "2027-01-01", "routine")
    held = own(tmp_path, rows).held_on(BEFORE)
    assert neutrophils(held, "routine") == [2.0]
    assert held.not_yet == (NotYet("neutrophils below, withhold", "my-clinic", CHANGED),)


def test_each_list_of_a_protocol_has_its_dates(tmp_path: Path) -> None:
    phase = "  - {{tests: [full_blood_count], since: start, phase: ours, from_day: 0, until_day: null, {row}}}\n"
    rows = (
        "schedule:\n"
        + phase.format(row="every_days: 14")
        + phase.format(row="every_days: 7, valid_from: 2027-01-01")
        + "doses:\n"
        + "  - {indication: any, population: adult, max_mg_per_kg: 3}\n"
        + "  - {indication: any, population: adult, max_mg_per_kg: 2, valid_from: 2027-01-01}\n"
        + "baseline:\n"
        + "  - {test: hiv, required: false}\n"
        + "  - {test: hiv, required: true, valid_from: 2027-01-01}\n"
    )

    def held(day: dt.date) -> tuple[list[int], list[float], list[bool]]:
        lists: Any = own(tmp_path, rows).held_on(day).protocols["my-clinic"].lists
        return (
            [row.every_days for row in lists["schedule"] if row.tests == ["full_blood_count"]],
            [row.max_mg_per_kg for row in lists["doses"]],
            [row.required for row in lists["baseline"] if row.test == "hiv"],
        )

    assert held(BEFORE) == ([14], [3.0], [False])
    assert held(CHANGED) == ([7], [2.0], [True])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copied = tmp_path / "knowledge"
    shutil.copytree(HERE, copied, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return copied


def with_parameter(folder: Path, *since: str) -> Knowledge:
    """The knowledge with a temperature of fever that rises by a tenth on each of these days; at first 38."""
    path = folder / "parameters.csv"
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    (fever,) = (line for line in lines if line.startswith("fever_celsius,"))
    others = [f"{line}," for line in lines if line != fever]
    dated = [fever.replace(",38,", f",{38 + place / 10:g},") + f",{day}" for place, day in enumerate(since)]
    path.write_text("\n".join([f"{header},valid_from", *others, *dated, ""]), encoding="utf-8")
    return load_folder(folder)


def test_a_parameter_has_its_dates(folder: Path) -> None:
    knowledge = with_parameter(folder, "", "2027-01-01")
    assert [fault for fault in faults(knowledge) if "parameters" in fault] == []
    assert knowledge.held_on(BEFORE).parameters["fever_celsius"].value == 38
    assert knowledge.held_on(CHANGED).parameters["fever_celsius"].value == 38.1
    assert len(knowledge.held_on(BEFORE).tables["parameters"]) == len(load().tables["parameters"])


def test_a_parameter_that_has_no_value_yet_is_said(folder: Path) -> None:
    held = with_parameter(folder, "2027-01-01", "2028-01-01").held_on(BEFORE)
    assert held.parameters["fever_celsius"].value == 38
    assert held.not_yet == (NotYet("fever_celsius", None, CHANGED),)


def test_a_parameter_that_stands_twice_from_one_day_on_is_a_fault(folder: Path) -> None:
    knowledge = with_parameter(folder, "2027-01-01", "2027-01-01")
    assert "parameters.csv: id 'fever_celsius' stands there 2 times from 2027-01-01 on. Keep one." in faults(knowledge)


def test_days_on_which_the_same_rows_held_share_one_engine(tmp_path: Path) -> None:
    knowledge = own(tmp_path, "limits:\n" + limit(1.8) + limit(2.0, "2027-01-01"))
    early, late = knowledge.held_on(BEFORE), knowledge.held_on(CHANGED)
    assert early is knowledge.held_on(dt.date(2020, 1, 1))
    assert late is knowledge.held_on(dt.date(2030, 1, 1))
    assert early is not late
    # Of what holds on a day, another day can still be asked.
    assert early.held_on(CHANGED) is late
    assert engine(early, SQLiteEngine) is engine(knowledge.held_on(BEFORE), SQLiteEngine)
    assert early.version == late.version == knowledge.version


@pytest.mark.parametrize(("day", "limits"), [(BEFORE, []), (CHANGED, [2.0])])
def test_an_assessment_is_by_the_rows_of_its_day(day: dt.date, limits: list[float], tmp_path: Path) -> None:
    knowledge = own(tmp_path, "limits:\n" + limit(1.8) + limit(2.0, "2027-01-01"))
    about = {"patient_id": "p", "birth_date": dt.date(1970, 1, 1), "indication": "rheumatoid_arthritis"}
    count = {"analyte": "neutrophils", "value": 1.9, "unit": "10*9/L", "status": "final"}
    record = Record.of(
        {
            "patients": [about],
            "exposures": [{"patient_id": "p", "medicine": "azathioprine", "started_on": dt.date(2026, 6, 1)}],
            "results": [{"patient_id": "p", "taken_on": BEFORE, **count}],
        }
    )
    findings = assess(record, day, "my-clinic", knowledge).patients[0].findings
    assert [finding.limit and finding.limit.value for finding in findings if finding.code == "limit_low"] == limits


@pytest.mark.parametrize(("day", "found"), [(BEFORE, True), (CHANGED, False)])
def test_a_day_before_the_first_row_is_a_finding_and_the_limit_counts(
    day: dt.date, found: bool, tmp_path: Path
) -> None:
    knowledge = own(tmp_path, "limits:\n" + limit(2.0, "2027-01-01", "routine"))
    record = Record.of(
        {
            "patients": [{"patient_id": "p1", "birth_date": dt.date(1980, 1, 1), "indication": "rheumatoid_arthritis"}],
            "exposures": [{"patient_id": "p1", "medicine": "azathioprine", "started_on": dt.date(2025, 1, 1)}],
            "results": [
                {
                    "patient_id": "p1",
                    "analyte": "neutrophils",
                    "value": 1.9,
                    "unit": "10*9/L",
                    "taken_on": dt.date(2026, 12, 30),
                    "status": "final",
                }
            ],
        }
    )
    findings = assess(record, day, "my-clinic", knowledge).patients[0].findings
    late = [finding for finding in findings if finding.code == "knowledge_not_yet"]
    assert len(late) == found
    if found:
        assert "the first is neutrophils below, withhold" in late[0].says
        assert "applies from 2027-01-01" in late[0].says
    [low] = [finding for finding in findings if finding.code == "limit_low"]
    assert low.limit
    assert low.limit.value == 2.0
    assert low.facts == ["my-clinic/limits/neutrophils-below-2@2027-01-01"]
    assert [source.source for source in low.sources] == ["our-table"]
