"""A CDM folder is the cohort it holds: the same findings as the record it was made of, nothing dropped in silence."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from azaward.cli import app
from azaward.cohort.assess import assess
from azaward.cohort.omop.reading import as_tables
from azaward.cohort.omop.words import Concept, Concepts, Meaning, Measured, OmopWords
from azaward.cohort.written import TRANSLATED
from azaward.errors import InputError
from azaward.knowledge import load
from azaward.knowledge.loading.units import convert
from azaward.knowledge.loading.words.vocabulary import vocabulary
from azaward.medicines.names import names
from azaward.readers.tables.folder import read_folder
from azaward.record.tables import TABLES, Record
from tests.arrow_tables import write_record
from tests.cohort.omop_folder import Folder, cdm_of

KNOWLEDGE = load()
AS_OF = dt.date(2026, 11, 23)
CLINIC = Path("examples/clinic")
EXAMPLE = Path("examples/omop")
DAY = dt.timedelta(days=1)
START = dt.date(2026, 1, 1)
WBC = 3000905


def cohort_of_one(**person: Any) -> Folder:
    """Somebody who takes azathioprine, begun on START for a year."""
    cdm = Folder()
    about = {"gender_concept_id": 8532, "year_of_birth": 1980, "month_of_birth": 5, "day_of_birth": 17}
    cdm.add("person", person_id=1, **{**about, **person})
    supply(cdm, "azathioprine", START, START + 364 * DAY)
    cdm.add("measurement", person_id=1, measurement_concept_id=WBC, measurement_date=START, value_as_number=None)
    measure(cdm, value_as_number=5.0)
    return cdm


def supply(cdm: Folder, medicine: str, first: dt.date | None, last: dt.date | None, **cells: Any) -> None:
    about = {
        "drug_concept_id": cdm.product(medicine),
        "drug_exposure_start_date": first,
        "drug_exposure_end_date": last,
    }
    cdm.add("drug_exposure", person_id=1, **{**about, **cells})


def measure(cdm: Folder, concept: int = WBC, **cells: Any) -> None:
    about = {"measurement_concept_id": concept, "measurement_date": START, "unit_concept_id": 9444}
    cdm.add("measurement", person_id=1, **{**about, **cells})


def diagnose(cdm: Folder, code: str, name: str, vocabulary: str = "SNOMED", **cells: Any) -> int:
    number = cdm.concept(vocabulary, code, name)
    day = {"condition_start_date": START}
    cdm.add("condition_occurrence", person_id=1, condition_concept_id=number, **{**day, **cells})
    return number


def translated(cdm: Folder, tmp_path: Path, suffix: str = "parquet") -> dict[str, list[dict[str, Any]]]:
    """The six tables and what was set aside."""
    place = tmp_path / f"cdm-{len(list(tmp_path.iterdir()))}"
    folder = as_tables(cdm.write(place, suffix), tmp_path / "scratch", KNOWLEDGE)
    names = (*TABLES, TRANSLATED.removesuffix(".parquet"))
    return {name.rpartition(".")[2]: pq.read_table(folder / f"{name}.parquet").to_pylist() for name in names}


def courses(tables: dict[str, list[dict[str, Any]]], medicine: str = "azathioprine") -> list[tuple[Any, ...]]:
    """(dose, start, stop) of a medicine."""
    rows = [row for row in tables["exposures"] if row["medicine"] == medicine]
    return [(row["dose_mg_per_day"], row["started_on"], row["stopped_on"]) for row in rows]


def findings(out: Path, people: set[str]) -> Counter[tuple[Any, ...]]:
    columns = ("patient_id", "rule", "code", "protocol", "action", "urgency", "subject", "value", "on")
    rows = pq.read_table(out).to_pylist()
    return Counter(tuple(row[name] for name in columns) for row in rows if row["patient_id"] in people)


# --- The walk as a whole -------------------------------------------------------------------------------------------


def test_a_clinic_kept_as_a_cdm_gives_the_findings_of_the_clinic(tmp_path: Path) -> None:
    record = read_folder(CLINIC, KNOWLEDGE)
    kept = set(record.patient_ids()[:90]) | {"c171"}
    record = Record({name: [row for row in rows if row[0] in kept] for name, rows in record.rows.items()})
    folder = as_tables(cdm_of(record, AS_OF).write(tmp_path / "cdm"), tmp_path / "scratch", KNOWLEDGE)
    (tmp_path / "clinic").mkdir()
    write_record(record, tmp_path / "clinic")
    assess(tmp_path / "clinic", tmp_path / "clinic.parquet", AS_OF, "auto", KNOWLEDGE)
    assess(folder, tmp_path / "omop.parquet", AS_OF, "auto", KNOWLEDGE)

    begun = {row["patient_id"] for row in pq.read_table(folder / "patients.parquet").to_pylist()}
    assert len(begun) > 75  # the others only plan it, which a CDM can't hold
    before, after = findings(tmp_path / "clinic.parquet", begun), findings(tmp_path / "omop.parquet", begun)
    lost = {row[2] for row in before - after}
    # A CDM holds no missed visits; and the words that the clinic kept as they came were understood.
    assert lost <= {"did_not_attend", "medicine_not_checked"}
    assert not after - before
    assert {row[2] for row in after} >= {"restarted_before_recovery", "limit_low", "interaction", "genotype_dose_usual"}


def test_the_example_folder_says_what_the_page_says(tmp_path: Path) -> None:
    out = tmp_path / "found.parquet"
    run = CliRunner().invoke(
        app, ["cohort", "assess", str(EXAMPLE), "--from", "omop", "--as-of", "2026-11-23", "--out", str(out)]
    )
    assert run.exit_code == 0, run.output
    summary = json.loads(run.stdout)
    assert summary["patients"] == 4
    found = {(row["patient_id"], row["code"], row["subject"]): row for row in pq.read_table(out).to_pylist()}
    assert found["1", "limit_low", "neutrophils"]["urgency"] == "emergency"
    assert found["2", "interaction", "allopurinol"]["value"] == 100.0
    assert found["5", "limit_low", "neutrophils"]["urgency"] == "emergency"
    assert "0026-11-14" in found["5", "record_unreadable", "record"]["says"]
    assert found["5", "record_uncertain", "record"]["urgency"] == "info"
    aside = {row["kind"]: row for row in pq.read_table(tmp_path / "found.set_aside.parquet").to_pylist()}
    tests = {row["what"] for row in pq.read_table(tmp_path / "found.set_aside.parquet").to_pylist()}
    assert "concept 3004410 'Hemoglobin A1c/Hemoglobin.total in Blood'" in tests
    assert "concept 0 source 'Ascitic fluid neutrophils'" in tests
    assert "OMOP table visit_occurrence: 1 row of 1 person of the cohort" in tests
    assert aside["result_implausible"]["where"] == "measurement measurement_id 1045"
    assert aside["omop_not_in_cohort"]["what"].startswith("1 persons")
    assert {path.name for path in tmp_path.iterdir()} == {
        "found.parquet",
        "found.plans.parquet",
        "found.next_tests.parquet",
        "found.set_aside.parquet",
    }


@pytest.mark.parametrize("command", [["quality"], ["sweep", "--protocol", "bsr-2017,bsg-2019"]])
def test_the_other_commands_read_a_cdm_too(command: list[str]) -> None:
    run = CliRunner().invoke(
        app, ["cohort", command[0], str(EXAMPLE), *command[1:], "--from", "omop", "--as-of", "2026-11-23"]
    )
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["patients"] == 4


def test_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    cdm = cohort_of_one()
    diagnose(cdm, "34000006", 'Crohn\'s disease, a "quoted" name')
    supply(cdm, "allopurinol", START, START + 9 * DAY, quantity=20, days_supply=10, sig="two, at night")
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    parquet, csv = translated(cdm, tmp_path / "one"), translated(cdm, tmp_path / "two", "csv")
    for row in (*parquet["set_aside"], *csv["set_aside"]):
        row["where"] = row["where"].rpartition("/")[2]
    assert parquet == csv


def test_a_folder_is_translated_once_and_again_when_it_changes(tmp_path: Path) -> None:
    cdm = cohort_of_one()
    folder = cdm.write(tmp_path / "cdm")
    first = as_tables(folder, tmp_path / "scratch", KNOWLEDGE)
    said: list[str] = []
    assert as_tables(folder, tmp_path / "scratch", KNOWLEDGE, say=said.append) == first
    assert not said  # nothing was read again
    measure(cdm, value_as_number=4.0)
    shutil.rmtree(folder)
    assert as_tables(cdm.write(folder), tmp_path / "scratch", KNOWLEDGE) != first


# --- Input that can't be used --------------------------------------------------------------------------------------


def refused(folder: Path, tmp_path: Path) -> str:
    out = tmp_path / "out" / "found.parquet"
    out.parent.mkdir()
    run = CliRunner().invoke(app, ["cohort", "assess", str(folder), "--from", "omop", "--out", str(out)])
    assert run.exit_code == 1
    assert not run.stdout
    assert not list(out.parent.glob("*.parquet"))
    (line,) = [line for line in run.stderr.splitlines() if not line.startswith("azaward: OMOP:")]
    return line


@pytest.mark.parametrize("table", ["person", "drug_exposure", "measurement"])
def test_a_missing_table_is_named(table: str, tmp_path: Path) -> None:
    cdm = cohort_of_one()
    del cdm.tables[table]
    line = refused(cdm.write(tmp_path / "cdm"), tmp_path)
    assert f"table {table} is missing. OMOP CDM 5.4 expects {table}.parquet or {table}.csv" in line


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("person", "year_of_birth"),
        ("drug_exposure", "drug_exposure_end_date"),
        ("measurement", "unit_concept_id"),
        ("concept", "concept_code"),
    ],
)
def test_a_missing_column_is_named_before_any_work(table: str, column: str, tmp_path: Path) -> None:
    cdm = cohort_of_one()
    for row in cdm.tables[table]:
        row.pop(column, None)
    line = refused(cdm.write(tmp_path / "cdm"), tmp_path)
    assert f"{table}.parquet: column '{column}' is missing. OMOP CDM 5.4 gives {table} the columns" in line


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty"),
        (b"person_id,gender_concept_id,year_of_birth\r\n1,8532,1980\r\n7,8532\r\n", "line 3: can't be read: Expected"),
        (b"person_id,gender_concept_id,year_of_birth\n1,8532,\xff\xfe\n", "line 2: can't be read: not UTF-8"),
        (b'person_id,gender_concept_id,year_of_birth\n1,8532,"1980\n', "can't be read"),
        (b"person_id,gender_concept_id,year_of_birth,person_id\n", "duplicate column 'person_id'"),
    ],
)
def test_a_broken_csv_is_refused_whole(content: bytes, expected: str, tmp_path: Path) -> None:
    folder = cohort_of_one().write(tmp_path / "cdm")
    (folder / "person.parquet").unlink()
    (folder / "person.csv").write_bytes(content)
    line = refused(folder, tmp_path)
    assert expected in line
    assert "person.csv" in line
    assert "8532" not in line  # nobody's row is shown
    assert not list((tmp_path / "out").rglob("omop-*"))


def test_a_protocol_that_is_not_known_is_said_before_the_folder_is_read(tmp_path: Path) -> None:
    run = CliRunner().invoke(
        app,
        [
            "cohort",
            "assess",
            str(EXAMPLE),
            "--from",
            "omop",
            "--protocol",
            "nope",
            "--out",
            str(tmp_path / "out.parquet"),
        ],
    )
    assert run.exit_code == 1
    assert "nope" in run.stderr
    assert not list(tmp_path.iterdir())


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    folder = cohort_of_one().write(tmp_path / "cdm")
    (folder / "measurement.parquet").write_bytes(b"measurement_id")
    with pytest.raises(InputError, match=r"measurement\.parquet: not Parquet"):
        as_tables(folder, tmp_path / "scratch", KNOWLEDGE)


# --- People --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "birth_date"),
    [
        ({}, dt.date(1980, 5, 17)),
        ({"day_of_birth": None}, dt.date(1980, 5, 31)),
        ({"day_of_birth": None, "month_of_birth": None}, dt.date(1980, 12, 31)),
        ({"day_of_birth": 31, "month_of_birth": 2}, None),
        ({"year_of_birth": None, "birth_datetime": "1980-05-17 08:00:00"}, dt.date(1980, 5, 17)),
    ],
)
def test_an_unknown_day_of_birth_is_the_youngest_age(
    person: dict[str, Any], birth_date: dt.date | None, tmp_path: Path
) -> None:
    tables = translated(cohort_of_one(**person), tmp_path)
    assert [row["birth_date"] for row in tables["patients"]] == [birth_date]


@pytest.mark.parametrize(("concept", "sex"), [(8507, "male"), (8532, "female"), (8521, "unknown"), (None, "unknown")])
def test_sex_is_that_of_the_concept(concept: int | None, sex: str, tmp_path: Path) -> None:
    assert translated(cohort_of_one(gender_concept_id=concept), tmp_path)["patients"][0]["sex"] == sex


def test_only_who_has_had_a_thiopurine_is_in_the_cohort(tmp_path: Path) -> None:
    cdm = cohort_of_one()
    cdm.add("person", person_id=2, gender_concept_id=8507, year_of_birth=1950)
    cdm.add("measurement", person_id=2, measurement_concept_id=WBC, measurement_date=START, value_as_number=1.0)
    tables = translated(cdm, tmp_path)
    assert {row["patient_id"] for name in TABLES for row in tables[name]} == {"1"}
    assert ("omop_not_in_cohort", "1 persons without azathioprine, mercaptopurine or tioguanine") in [
        (row["kind"], row["what"]) for row in tables["set_aside"]
    ]


def test_one_illness_is_the_indication_and_two_are_none(tmp_path: Path) -> None:
    cdm = cohort_of_one()
    diagnose(cdm, "K50.90", "Crohn's disease, unspecified, without complications", "ICD10CM")
    assert translated(cdm, tmp_path)["patients"][0]["indication"] == "crohns_disease"
    diagnose(cdm, "34000006", "Crohn's disease")
    assert translated(cdm, tmp_path)["patients"][0]["indication"] == "crohns_disease"
    diagnose(cdm, "69896004", "Rheumatoid arthritis")
    tables = translated(cdm, tmp_path)
    assert tables["patients"][0]["indication"] is None
    assert "omop_several_indications" in {row["kind"] for row in tables["set_aside"]}


def test_whoever_died_is_dead(tmp_path: Path) -> None:
    cdm = cohort_of_one()
    cdm.add("death", person_id=1, death_date=dt.date(2026, 3, 4))
    row = {"patient_id": "1", "kind": "condition", "code": "deceased", "started_on": dt.date(2026, 3, 4)}
    assert {**row, "ended_on": None} in translated(cdm, tmp_path)["events"]


# --- Medicines -----------------------------------------------------------------------------------------------------

PERSISTENCE = dt.timedelta(days=30)


def taken(*supplies: dict[str, Any]) -> Folder:
    """Supplies of azathioprine alone: `first` and `last` day, and other cells."""
    cdm = cohort_of_one()
    cdm.tables["drug_exposure"] = []
    for cells in supplies:
        supply(cdm, cells.pop("medicine", "azathioprine"), cells.pop("first"), cells.pop("last"), **cells)
    return cdm


def month(first: dt.date, **cells: Any) -> dict[str, Any]:
    return {"first": first, "last": first + 27 * DAY, "quantity": 56, "days_supply": 28, **cells}


def test_a_gap_within_the_persistence_window_is_no_stop(tmp_path: Path) -> None:
    end = START + 28 * DAY
    again = end + PERSISTENCE
    assert courses(translated(taken(month(START), month(again)), tmp_path)) == [
        (50.0, START, again + 28 * DAY + PERSISTENCE)
    ]
    late = again + DAY
    assert courses(translated(taken(month(START), month(late)), tmp_path)) == [
        (50.0, START, end + PERSISTENCE),
        (50.0, late, late + 28 * DAY + PERSISTENCE),
    ]


def test_a_reason_to_stop_is_a_stop_on_that_day(tmp_path: Path) -> None:
    end = START + 28 * DAY
    tables = translated(taken(month(START), month(end, stop_reason="low white cells"), month(end + 35 * DAY)), tmp_path)
    (_, start, stop), (_, again, _) = courses(tables)
    assert (start, stop, again) == (START, end + 28 * DAY, end + 35 * DAY)


def test_another_dose_ends_the_one_before_it(tmp_path: Path) -> None:
    change = START + 30 * DAY
    tables = translated(taken(month(START, quantity=112), month(change)), tmp_path)
    assert courses(tables) == [(100.0, START, change), (50.0, change, change + 28 * DAY + PERSISTENCE)]


def test_another_thiopurine_ends_the_one_before_it(tmp_path: Path) -> None:
    change = START + 30 * DAY
    tables = translated(taken(month(START), month(change, medicine="mercaptopurine")), tmp_path)
    assert courses(tables) == [(50.0, START, change)]


def test_an_early_supply_is_one_course_and_two_on_one_day_are_two(tmp_path: Path) -> None:
    early = START + 20 * DAY
    assert courses(translated(taken(month(START), month(early)), tmp_path)) == [
        (50.0, START, early + 28 * DAY + PERSISTENCE)
    ]
    both = translated(taken(month(START), month(START)), tmp_path)
    assert courses(both) == [(50.0, START, START + 28 * DAY + PERSISTENCE)] * 2


def test_a_supply_lasts_as_long_as_its_days_and_without_an_end_it_goes_on(tmp_path: Path) -> None:
    told = translated(taken({"first": START, "last": START, "days_supply": 90}), tmp_path)
    assert courses(told) == [(None, START, START + 90 * DAY + PERSISTENCE)]
    assert courses(translated(taken({"first": START, "last": None}), tmp_path)) == [(None, START, None)]


def test_a_supply_without_a_start_has_begun(tmp_path: Path) -> None:
    (row,) = translated(taken({"first": "soon after Easter", "last": "2026-09-30"}), tmp_path)["exposures"]
    assert (row["started_on"], row["started_text"]) == (None, "soon after Easter")


@pytest.mark.parametrize(
    ("cells", "strength", "dose"),
    [
        ({"quantity": 112, "days_supply": 28}, {}, 100.0),
        ({"quantity": 42, "days_supply": 28}, {}, 37.5),
        ({"quantity": 56, "days_supply": 28}, {"amount_value": 50.0}, 100.0),
        ({"quantity": 56, "days_supply": None}, {}, None),
        ({"quantity": 0, "days_supply": 28}, {}, None),
        ({"quantity": 56, "days_supply": 28}, {"box_size": 28}, None),
        ({"quantity": 56, "days_supply": 28}, {"amount_unit_concept_id": 8504}, None),
        ({"quantity": 56, "days_supply": 28}, {"invalid_reason": "D"}, None),
    ],
)
def test_a_dose_is_what_follows_and_else_unknown(
    cells: dict[str, Any], strength: dict[str, Any], dose: float | None, tmp_path: Path
) -> None:
    cdm = taken({"first": START, "last": START + 27 * DAY, **cells})
    cdm.tables["drug_strength"][0] |= strength
    assert [row[0] for row in courses(translated(cdm, tmp_path))] == [dose]


def test_a_medicine_that_is_not_known_is_kept_and_counted_by_concept(tmp_path: Path) -> None:
    cdm = cohort_of_one()
    number = cdm.concept("Local", "x1", "Moonbeam capsule")
    for first in (START, START + 40 * DAY, START + 80 * DAY):
        supply(cdm, "azathioprine", first, first + DAY, drug_concept_id=number, drug_source_value="MB1")
    tables = translated(cdm, tmp_path)
    assert "unknown:Moonbeam capsule" in {row["medicine"] for row in tables["exposures"]}
    (row,) = [row for row in tables["set_aside"] if row["kind"] == "omop_unmapped_drug"]
    assert row["where"] == "drug_exposure drug_exposure_id 2 and 2 more"
    assert row["what"] == f"concept {number} 'Moonbeam capsule' source 'MB1'"
    assert row["why"].startswith("3 rows of 1 person:")


def words(*concepts: Concept, above: dict[int, list[Concept]] | None = None) -> OmopWords:
    """Look-ups where a folder's vocabulary holds these concepts."""
    return OmopWords(Concepts({one.id: one for one in concepts}, above or {}), KNOWLEDGE)


AZATHIOPRINE = Concept(11, "azathioprine", "RxNorm", "1256", is_ingredient=True)


def test_a_product_is_its_ingredients(tmp_path: Path) -> None:
    other = Concept(12, "moonbeam", "RxNorm Extension", "OMOP1", is_ingredient=True)
    both = words(Concept(1, "Pill", "RxNorm", "0"), above={1: [AZATHIOPRINE, other]})
    assert [one.code for one in both.drug(1, None, None)] == ["azathioprine", "unknown:moonbeam"]
    group = words(Concept(1, "Pill", "RxNorm", "0"), above={1: [Concept(2, "x", "ATC", "M04AA01")]})
    assert [one.code for one in group.drug(1, None, None)] == ["allopurinol"]
    named = words(Concept(1, "azathioprine 50 MG Oral Tablet", "RxNorm", "0"))
    assert [one.code for one in named.drug(1, None, None)] == ["azathioprine"]
    source = words(Concept(2, "Imuran", "NDC", "0"))
    assert [one.code for one in source.drug(None, 2, None)] == ["azathioprine"]
    assert [one.code for one in words().drug(None, None, "Azathioprine 50 mg tablets")] == ["azathioprine"]
    assert [one.code for one in words().drug(99, None, None)] == ["unknown:concept 99"]


def test_a_vaccine_is_a_vaccination(tmp_path: Path) -> None:
    assert words(Concept(1, "yellow fever", "CVX", "37")).drug(1, None, None) == [
        Meaning("vaccination", "yellow_fever")
    ]
    atc = words(Concept(1, "Injection", "RxNorm", "0"), above={1: [Concept(2, "x", "ATC", "J07BL01")]})
    assert atc.drug(1, None, None) == [Meaning("vaccination", "yellow_fever")]
    cdm = cohort_of_one()
    supply(cdm, "azathioprine", START, START, drug_concept_id=cdm.concept("CVX", "37", "yellow fever"))
    tables = translated(cdm, tmp_path)
    assert [(row["kind"], row["code"], row["started_on"]) for row in tables["events"]] == [
        ("vaccination", "yellow_fever", START)
    ]
    assert {row["medicine"] for row in tables["exposures"]} == {"azathioprine"}


# --- Diagnoses, procedures, observations ---------------------------------------------------------------------------


def test_a_diagnosis_is_of_the_nearest_kind_that_is_known() -> None:
    one = Concept(1, "Illness caused by moonbeam", "SNOMED", "1")
    near, far = Concept(2, "Pneumonia", "SNOMED", "233604007"), Concept(3, "Chest infection", "SNOMED", "3")
    known = words(one, above={1: [Concept(4, "Lung lesion", "SNOMED", "4"), near, far]})
    assert known.happened("condition", 1, None, None) == [Meaning("infection", "pneumonia")]
    assert words(one).happened("condition", 1, None, "Pneumonia") == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Allergy to azathioprine", None, Meaning("allergy", "azathioprine")),
        ("Drug allergy", 11, Meaning("allergy", "azathioprine")),
        ("Amoxicillin allergy", None, Meaning("allergy", "amoxicillin")),
    ],
)
def test_an_allergy_is_of_what_it_names(name: str, value: int | None, expected: Meaning) -> None:
    found = words(Concept(1, name, "SNOMED", "1"), AZATHIOPRINE).happened("condition", 1, None, None, value)
    assert found == [expected]


def test_an_end_on_the_day_of_the_start_is_no_end(tmp_path: Path) -> None:
    cdm = cohort_of_one()
    diagnose(cdm, "1", "Pregnant", condition_end_date=START)
    diagnose(cdm, "2", "Herpes zoster", condition_end_date=START + 9 * DAY)
    ends = {row["code"]: row["ended_on"] for row in translated(cdm, tmp_path)["events"]}
    assert ends == {"pregnancy": None, "shingles": START + 9 * DAY}


def test_what_nobody_acts_on_is_counted_by_concept_in_each_table(tmp_path: Path) -> None:
    cdm = cohort_of_one()
    number = diagnose(cdm, "9", "Hammer toe", condition_source_value="M20")
    diagnose(cdm, "9", "Hammer toe", condition_source_value="M20")
    for table, column, day in (
        ("measurement", "measurement_concept_id", "measurement_date"),
        ("observation", "observation_concept_id", "observation_date"),
        ("procedure_occurrence", "procedure_concept_id", "procedure_date"),
    ):
        cdm.add(table, person_id=1, **{column: cdm.concept("Local", table, f"odd {table}"), day: START})
    asides = {row["kind"]: row for row in translated(cdm, tmp_path)["set_aside"] if "unmapped" in row["kind"]}
    assert set(asides) == {f"omop_unmapped_{name}" for name in ("condition", "measurement", "observation", "procedure")}
    about = asides["omop_unmapped_condition"]
    assert about["what"] == f"concept {number} 'Hammer toe' source 'M20'"
    assert about["where"] == "condition_occurrence condition_occurrence_id 1 and 1 more"
    assert asides["omop_unmapped_procedure"]["where"] == "procedure_occurrence procedure_occurrence_id 1"


# --- Results -------------------------------------------------------------------------------------------------------


def results(cdm: Folder, tmp_path: Path) -> list[dict[str, Any]]:
    """What was measured beside the first two values of everyone here."""
    rows = translated(cdm, tmp_path)["results"]
    return [
        row for row in rows if row["origin"] not in ("measurement measurement_id 1", "measurement measurement_id 2")
    ]


@pytest.mark.parametrize(
    ("concept", "comparator"),
    [(4171756, "<"), (4171754, "<="), (4172704, ">"), (4171755, ">="), (4172703, None), (0, None), (77, "concept 77")],
)
def test_an_operator_is_a_comparator(concept: int, comparator: str | None, tmp_path: Path) -> None:
    cdm = cohort_of_one()
    measure(cdm, value_as_number=2.0, operator_concept_id=concept, range_low=4.0, range_high=11.0)
    (row,) = results(cdm, tmp_path)
    assert (row["comparator"], row["ref_low"], row["ref_high"]) == (comparator, 4.0, 11.0)


@pytest.mark.parametrize(
    ("concept", "source", "unit"),
    [
        (9444, None, "10*9/L"),
        (8848, "10*9/L", "10*3/uL"),
        (8961, None, "10*3/mm3"),
        (None, "K/uL", "K/uL"),
        (0, "K/uL", "K/uL"),
        (9444, "/uL", None),
        (8840, "10*9/L", "mg/dL"),
        (4711, None, "concept 4711"),
        (4711, "10*9/L", "10*9/L"),
        (None, None, None),
    ],
)
def test_a_unit_is_that_of_the_concept_and_a_contradiction_is_none(
    concept: int | None, source: str | None, unit: str | None, tmp_path: Path
) -> None:
    cdm = cohort_of_one()
    measure(cdm, value_as_number=2.0, unit_concept_id=concept, unit_source_value=source)
    folder = cdm.write(tmp_path / "cdm")
    place = as_tables(folder, tmp_path / "scratch", KNOWLEDGE)
    (row,) = [row for row in pq.read_table(place / "results.parquet").to_pylist() if row["value"] == 2.0]
    assert row["unit"] == unit
    kinds = {row["kind"] for row in pq.read_table(place / TRANSLATED).to_pylist()}
    assert ("omop_two_units" in kinds) == (concept == 9444 and source == "/uL")


def test_a_result_in_words_keeps_its_words(tmp_path: Path) -> None:
    cdm = cohort_of_one()
    serology = cdm.concept("LOINC", "5195-3", "Hepatitis B virus surface Ag")
    absent = cdm.concept("LOINC", "LA1", "Not detected")
    measure(cdm, serology, value_as_concept_id=9189, unit_concept_id=0)
    measure(cdm, serology, value_as_concept_id=absent, unit_concept_id=0)
    measure(cdm, serology, value_source_value="reactive", unit_concept_id=0)
    measure(cdm, WBC, value_source_value="clotted")
    assert [(row["analyte"], row["value"], row["text"]) for row in results(cdm, tmp_path)] == [
        ("hbsag", None, "Negative"),
        ("hbsag", None, "Not detected"),
        ("hbsag", None, "reactive"),
        ("wbc", None, "clotted"),
    ]


def test_a_number_that_is_none_is_not_dropped(tmp_path: Path) -> None:
    cdm = cohort_of_one()
    for row in cdm.tables["measurement"]:
        row["value_as_number"] = "4,5"
    folder = as_tables(cdm.write(tmp_path / "cdm", "csv"), tmp_path / "scratch", KNOWLEDGE)
    rows = pq.read_table(folder / "results.parquet").to_pylist()
    assert [(row["value"], row["text"]) for row in rows] == [(None, "4,5")] * 2


def test_a_test_on_another_specimen_is_not_taken_for_one_on_blood() -> None:
    urine = words(Concept(1, "White blood cell count", "LOINC", "5821-4"))
    assert urine.test(1, None, "WBC") == Measured("wbc", doubtful=True)
    assert words().test(None, None, "WBC") == Measured("wbc")
    # What no vocabulary holds is read by the source's own word, and that is said.
    assert words().test(99, None, "WBC") == Measured("wbc")


def test_a_gene_report_is_a_genotype_and_an_activity_a_result(tmp_path: Path) -> None:
    cdm = cohort_of_one()
    gene = cdm.concept("LOINC", "41048-0", "TPMT gene mutations found")
    activity = cdm.concept("LOINC", "21563-2", "Thiopurine methyltransferase activity")
    measure(cdm, gene, value_source_value="*1/*3A", unit_concept_id=0)
    measure(cdm, activity, value_as_number=12.0, unit_concept_id=0, unit_source_value="mU/L")
    tables = translated(cdm, tmp_path)
    assert [(row["gene"], row["diplotype"], row["method"]) for row in tables["genotypes"]] == [
        ("TPMT", "*1/*3A", "genotype")
    ]
    assert ("tpmt_activity", 12.0, "mU/L") in [(row["analyte"], row["value"], row["unit"]) for row in tables["results"]]


def test_an_observation_can_be_a_result(tmp_path: Path) -> None:
    cdm = cohort_of_one()
    seen = {"observation_concept_id": 3025315, "observation_date": START, "value_as_number": 71.5}
    cdm.add("observation", person_id=1, **seen, unit_concept_id=9529)
    (row,) = results(cdm, tmp_path)
    assert (row["analyte"], row["value"], row["unit"], row["origin"]) == (
        "weight",
        71.5,
        "kg",
        "observation observation_id 1",
    )


# --- Knowledge -----------------------------------------------------------------------------------------------------


def test_without_a_vocabulary_the_concepts_that_ship_are_understood(tmp_path: Path) -> None:
    cdm = cohort_of_one()
    supply(cdm, "azathioprine", START, START + 9 * DAY, drug_concept_id=19014878)
    supply(cdm, "azathioprine", START, START + 9 * DAY, drug_concept_id=1167322)
    for number in (3013650, 3024929, 3006923, 3016723):
        measure(cdm, number, value_as_number=50.0)
    cdm.add("condition_occurrence", person_id=1, condition_concept_id=201606, condition_start_date=START)
    for name in ("concept", "concept_ancestor", "drug_strength"):
        del cdm.tables[name]
    tables = translated(cdm, tmp_path)
    assert {row["medicine"] for row in tables["exposures"]} >= {"azathioprine", "allopurinol"}
    assert {row["analyte"] for row in tables["results"]} == {"wbc", "neutrophils", "platelets", "alt", "creatinine"}
    assert tables["patients"][0]["indication"] == "crohns_disease"
    said = {row["what"]: row["why"] for row in tables["set_aside"]}
    assert said["OMOP table concept"].startswith("missing: only the concept ids of omop_concepts.csv")


def test_every_concept_that_ships_means_what_its_name_says() -> None:
    known = vocabulary(KNOWLEDGE)
    rows = KNOWLEDGE.tables["omop_concepts"]
    assert len({row.concept_id for row in rows}) == len(rows)
    for row in rows:
        match row.kind:
            case "analyte":
                assert row.code in KNOWLEDGE.analytes, row
                assert known.analyte(row.name) in (row.code, None), row
            case "medicine":
                assert names(KNOWLEDGE).of_record(row.name).ingredients == (row.code,), row
            case "indication":
                assert known.indication(row.name) == row.code, row
            case "event":
                kind, code = row.code.split(":")
                assert known.event(kind, code) == (kind, code), row
            case "unit":
                assert any(convert(analyte, row.code, KNOWLEDGE) for analyte in KNOWLEDGE.analytes), row
            case "comparator" | "result":
                assert row.code == row.name
            case _:
                assert row.code == row.name.casefold()


# --- How a CDM is written ------------------------------------------------------------------------------------------


def results_of(tables: dict[str, list[dict[str, Any]]]) -> list[tuple[Any, ...]]:
    return [(row["patient_id"], row["analyte"], row["value"]) for row in tables["results"]]


def test_names_of_columns_may_be_in_capitals_and_ids_may_be_decimals(tmp_path: Path) -> None:
    expected = results_of(translated(cohort_of_one(), tmp_path))
    cdm = cohort_of_one()
    for name, rows in cdm.tables.items():
        cdm.tables[name] = [{key.upper(): cell for key, cell in row.items()} for row in rows]
    for row in cdm.tables["measurement"]:
        row["PERSON_ID"] = float(row["PERSON_ID"])
    assert results_of(translated(cdm, tmp_path)) == expected


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_column_that_only_differs_in_case_is_one_too_many(suffix: str, tmp_path: Path) -> None:
    cdm = cohort_of_one()
    cdm.tables["person"] = [{**row, "PERSON_ID": 2} for row in cdm.tables["person"]]
    with pytest.raises(InputError, match="duplicate column 'person_id'"):
        as_tables(cdm.write(tmp_path / "cdm", suffix), tmp_path / "scratch", KNOWLEDGE)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_table_that_is_not_read_is_said_with_how_much_it_holds(suffix: str, tmp_path: Path) -> None:
    cdm = cohort_of_one()
    for person in (1, 1, 2):
        cdm.add("note", person_id=person, note_text='seen, "well"')
    cdm.add("measurments", person_id=1)
    cdm.add("cdm_source", cdm_version="5.3")
    said = {row["what"]: row["why"] for row in translated(cdm, tmp_path, suffix)["set_aside"]}
    assert said["OMOP table note: 2 rows of 1 person of the cohort"] == "not read: words that only a person can read."
    assert "If its name is misspelt" in said["OMOP table measurments: 1 row of 1 person of the cohort"]
    assert not any("cdm_source" in what for what in said)


def test_a_packed_csv_is_read_and_a_second_file_of_a_table_is_said(tmp_path: Path) -> None:
    expected = results_of(translated(cohort_of_one(), tmp_path))
    folder = cohort_of_one().write(tmp_path / "packed", "csv")
    plain = folder / "MEASUREMENT.csv"
    (folder / "measurement.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    (folder / "person.tsv").write_text("person_id\n")
    place = as_tables(folder, tmp_path / "scratch", KNOWLEDGE)
    rows = pq.read_table(place / "results.parquet").to_pylist()
    assert [(row["patient_id"], row["analyte"], row["value"]) for row in rows] == expected
    said = {row["what"]: row["why"] for row in pq.read_table(place / TRANSLATED).to_pylist()}
    assert "neither Parquet nor CSV" in said["OMOP table person.tsv: not counted"]
    (folder / "measurement.csv.gz").write_bytes(b"not packed")
    with pytest.raises(InputError, match=r"not a whole \.gz file"):
        as_tables(folder, tmp_path / "scratch", KNOWLEDGE)


def test_rows_of_nobody_are_counted(tmp_path: Path) -> None:
    cdm = cohort_of_one()
    supply(cdm, "azathioprine", START, START)
    cdm.tables["drug_exposure"][-1]["person_id"] = None
    said = [(row["where"], row["what"]) for row in translated(cdm, tmp_path)["set_aside"] if row["kind"] == "no_id"]
    assert said == [("drug_exposure", "1 rows without person_id")]


def test_a_supply_for_a_single_day_ends_with_the_next(tmp_path: Path) -> None:
    again = START + 90 * DAY
    single = {"first": START, "last": START}
    assert courses(translated(taken(dict(single)), tmp_path)) == [(None, START, None)]
    assert courses(
        translated(taken(dict(single), {"first": again, "last": again, "stop_reason": "ill"}), tmp_path)
    ) == [(None, START, again + DAY)]
    other = translated(taken({**single, "medicine": "allopurinol"}, single), tmp_path)
    assert courses(other, "allopurinol") == [(None, START, START + DAY + PERSISTENCE)]


def test_a_name_that_may_be_a_thiopurine_puts_its_person_into_the_cohort(tmp_path: Path) -> None:
    cdm = taken()
    supply(cdm, "azathioprine", START, START + 27 * DAY)
    cdm.tables["drug_exposure"][0] |= {"drug_concept_id": 0, "drug_source_value": "azathioprim 50 mg"}
    (row,) = translated(cdm, tmp_path)["exposures"]
    assert (row["medicine"], row["may_be"]) == ("unknown:azathioprim 50 mg", "azathioprine")
    cdm.tables["drug_exposure"][0]["drug_source_value"] = "moonbeam 50 mg"
    assert translated(cdm, tmp_path)["exposures"] == []


def test_the_words_of_a_source_are_read_beside_an_unlisted_concept() -> None:
    known = words(Concept(5, "Acute pancreatitis", "Own", "p"), Concept(6, "Allergy to drug", "Own", "a"))
    blamed = Meaning("condition", "thiopurine_pancreatitis")
    assert blamed in known.happened("condition", 5, None, "pancreatitis due to Imuran")
    assert known.happened("condition", 6, None, None, None, "azathioprine") == [Meaning("allergy", "azathioprine")]
    assert known.happened("condition", None, None, "no azathioprine allergy") == []
    assert known.happened("condition", 7, None, "K50.90") == [Meaning("indication", "crohns_disease")]
    assert known.drug(7, None, "MMR vaccine") == [Meaning("vaccination", "mmr")]
    assert known.drug(7, None, "Azathioprin-Beispiel, 30 St.") == [Meaning("medicine", "azathioprine")]


@pytest.mark.parametrize(
    ("name", "source", "analyte", "doubtful"),
    [
        ("Neutrophils.band form [#/volume] in Blood", None, "neutrophils", True),
        ("Neutrophils/100 leukocytes in Blood", "NEUT%", "neutrophils", True),
        ("Neutrophils [#/volume] in Peritoneal fluid", "Neutrophils", None, False),
        ("Leukocytes [#/volume] in Urine", "WBC", None, False),
        ("Bilirubin.direct [Mass/volume] in Serum or Plasma", None, "bilirubin", True),
        ("Hemoglobin A1c/Hemoglobin.total in Blood", None, None, False),
        ("Platelet mean volume [Entitic volume] in Blood", None, None, False),
        ("Local index", "ALT", "alt", True),
        ("Absolute neutrophil count", "ANC, pleural fluid", "neutrophils", True),
    ],
)
def test_a_test_that_only_looks_like_ours_is_doubtful(
    name: str, source: str | None, analyte: str | None, doubtful: bool
) -> None:
    known = words(Concept(1, name, "Own", "x"))
    assert known.test(1, None, source) == Measured(analyte, doubtful)
