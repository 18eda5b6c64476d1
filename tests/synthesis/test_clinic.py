"""The synthetic clinic: made again it is the same, its troubles are found, and who is well is left in peace."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest
from benchmarks.alarms import AS_OF, CLINIC, alarmed, make_clinic, missed, read_clinic
from scripts import make_clinic as script

from azaward.assessment import Assessment, assess
from azaward.knowledge import URGENCIES, load
from azaward.readers.tables.folder import read_folder
from azaward.record import TABLES, Record
from azaward.synthesis import TROUBLES, Planted, record_of, synthesise, write_csv, write_parquet

FRESH_SEED = 41
MOST_ALARMED = 0.03


@lru_cache(maxsize=1)
def clinic() -> tuple[Assessment, dict[str, Planted]]:
    record, planted = read_clinic()
    return assess(record, AS_OF), planted


@lru_cache(maxsize=1)
def unseen() -> tuple[Assessment, dict[str, Planted]]:
    record, planted = make_clinic(600, FRESH_SEED)
    return assess(record, AS_OF), planted


def by_patient(record: Record, table: str) -> Counter[tuple[object, ...]]:
    """A table's rows without the place where each stood."""
    names = [column.name for column in TABLES[table]]
    origin = names.index("origin") if "origin" in names else None
    return Counter(tuple(cell for place, cell in enumerate(row) if place != origin) for row in record.rows[table])


def test_the_files_are_what_the_generator_makes(tmp_path: Path) -> None:
    script.main(tmp_path)
    for name in (*(f"{table}.csv" for table in TABLES), "troubles.csv", "README.md"):
        assert (CLINIC / name).read_text("utf-8") == (tmp_path / name).read_text("utf-8"), (
            f"{name} differs: run python scripts/make_clinic.py"
        )


def test_two_hundred_people_with_ids_of_their_own() -> None:
    record, planted = read_clinic()
    assert record.patient_ids() == [f"c{number:03d}" for number in range(1, 201)] == list(planted)


@pytest.mark.parametrize("made", [clinic, unseen], ids=["the clinic", "people nobody has seen"])
def test_every_planted_trouble_is_found_by_its_rule_and_as_urgently(made: object) -> None:
    assessment, planted = made()  # type: ignore[operator]
    assert [f"{one} {planted[one].trouble}: {planted[one].what}" for one in missed(assessment, planted)] == []


@pytest.mark.parametrize("made", [clinic, unseen], ids=["the clinic", "people nobody has seen"])
def test_few_who_are_well_get_an_alarm(made: object) -> None:
    assessment, planted = made()  # type: ignore[operator]
    well = sum(what.trouble == "none" for what in planted.values())
    alarms = alarmed(assessment, planted)
    assert well > len(planted) / 2
    assert len(alarms) < MOST_ALARMED * well, alarms


def test_every_kind_of_trouble_is_planted_more_than_once() -> None:
    counted = Counter(what.trouble for what in clinic()[1].values())
    assert set(counted) == {"none", *(trouble.name for trouble in TROUBLES)}
    assert min(counted.values()) >= 2


def test_a_trouble_that_is_taken_away_is_missed() -> None:
    """The measure itself can fail: without febuxostat nobody finds the febuxostat."""
    record, planted = read_clinic()
    place = [column.name for column in TABLES["exposures"]].index("medicine")
    rows = {**record.rows, "exposures": [row for row in record.rows["exposures"] if row[place] != "febuxostat"]}
    lost = missed(assess(Record(rows), AS_OF), planted)
    assert lost == [one for one, what in planted.items() if what.trouble == "febuxostat"] != []


def test_an_alarm_on_someone_well_is_counted() -> None:
    record, planted = read_clinic()
    well = next(
        one.patient_id
        for one in clinic()[0].patients
        if one.status == "on" and one.patient_id not in alarmed(*clinic()) and not planted[one.patient_id].rule
    )
    ill = (well, "symptom", "fever", AS_OF, None)
    rows = {**record.rows, "events": [*record.rows["events"], ill]}
    assert well in alarmed(assess(Record(rows), AS_OF), planted)


def test_several_protocols_and_ways_of_writing_units() -> None:
    assessment, _ = clinic()
    assert len({one.protocol for one in assessment.patients}) >= 5
    with (CLINIC / "results.csv").open(encoding="utf-8") as file:
        units = {(row["analyte"], row["unit"]) for row in csv.DictReader(file)}
    assert {("wbc", "10*9/L"), ("wbc", "K/uL"), ("haemoglobin", "g/dL"), ("creatinine", "mg/dL")} <= units


def test_the_same_seed_makes_the_same_people_and_another_seed_others() -> None:
    first, again, other = (record_of(synthesise(40, seed, AS_OF)) for seed in (3, 3, 4))
    assert first == again
    for table in ("patients", "results"):
        assert not set(first.rows[table]) & set(other.rows[table])


def test_a_person_depends_on_seed_and_index_alone() -> None:
    whole = list(synthesise(250, 8, AS_OF))
    assert whole[230:] == list(synthesise(20, 8, AS_OF, first=230))


def test_written_and_read_the_record_is_the_same(tmp_path: Path) -> None:
    people = list(synthesise(60, 12, AS_OF))
    made = record_of(people)
    assert write_csv(people, tmp_path / "csv") == write_parquet(iter(people), tmp_path / "parquet") == 60
    for folder in ("csv", "parquet"):
        read = read_folder(tmp_path / folder, load())
        for table in TABLES:
            assert by_patient(read, table) == by_patient(made, table), (folder, table)


def test_people_have_about_as_many_results_as_asked() -> None:
    for wanted in (40, 80):
        people = list(synthesise(300, 2, AS_OF, results_per_patient=wanted))
        mean = sum(len(person.tables["results"]) for person in people) / len(people)
        assert 0.75 * wanted < mean < 1.1 * wanted


def test_another_day_makes_people_of_that_day() -> None:
    day = dt.date(2024, 2, 29)
    people = list(synthesise(200, FRESH_SEED, day))
    assessment = assess(record_of(people), day)
    planted = {person.patient_id: person.planted for person in people}
    assert missed(assessment, planted) == []
    place = [column.name for column in TABLES["results"]].index("taken_on")
    assert max(row[place] for person in people for row in person.tables["results"]) <= day  # type: ignore[type-var]


def test_least_urgencies_are_urgencies() -> None:
    assert {trouble.least_urgency for trouble in TROUBLES} <= set(URGENCIES[: URGENCIES.index("routine")])


@pytest.mark.parametrize(
    ("dose_since", "code", "urgency"),
    [
        pytest.param(dt.date(2025, 1, 10), "interaction", "same-day", id="a modest dose that nobody cut"),
        pytest.param(dt.date(2026, 11, 2), "interaction_dose_cut", "routine", id="a dose cut when allopurinol came"),
    ],
)
def test_a_modest_dose_is_not_taken_for_one_that_was_cut(dose_since: dt.date, code: str, urgency: str) -> None:
    """A trouble of this clinic was once missed: 50 mg for years, then allopurinol, and the rule spoke of a cut dose."""
    taken = {"patient_id": "p1", "medicine": "azathioprine"}
    before = {**taken, "dose_mg_per_day": 200.0, "started_on": dt.date(2024, 1, 10), "stopped_on": dose_since}
    record = Record.of(
        {
            "patients": [
                {"patient_id": "p1", "birth_date": dt.date(1980, 1, 1), "sex": "male", "indication": "crohns_disease"}
            ],
            "exposures": [
                before,
                {**taken, "dose_mg_per_day": 50.0, "started_on": dose_since},
                {
                    "patient_id": "p1",
                    "medicine": "allopurinol",
                    "dose_mg_per_day": 100.0,
                    "started_on": dt.date(2026, 11, 2),
                },
            ],
            "results": [
                {
                    "patient_id": "p1",
                    "analyte": "weight",
                    "value": 85.0,
                    "unit": "kg",
                    "taken_on": dt.date(2026, 11, 2),
                    "status": "final",
                }
            ],
        }
    )
    (one,) = assess(record, AS_OF).patients
    found = [
        (finding.code, finding.urgency)
        for finding in one.findings
        if finding.rule == "medicines" and finding.subject == "allopurinol"
    ]
    assert found == [(code, urgency)]
