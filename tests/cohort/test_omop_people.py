"""Each person of docs/omop.md, with one fault of a CDM, gets the findings that the page gives."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from azaward.cohort.assess import Summary, assess
from azaward.cohort.omop.reading import as_tables
from azaward.cohort.omop.said import MATTERS
from azaward.knowledge import load
from tests.cohort.omop_folder import Folder

KNOWLEDGE = load()
AS_OF = dt.date(2026, 11, 23)
PAGE = Path("docs/omop.md").read_text(encoding="utf-8")
NEUTROPHILS, PER_LITRE, FIFTY_MG = 3013650, 9444, 2_000_000_500
# What a row has where the page doesn't say otherwise.
USUAL: dict[str, dict[str, Any]] = {
    "person": {"gender_concept_id": 8532, "year_of_birth": 1980, "month_of_birth": 5, "day_of_birth": 17},
    "drug_exposure": {
        "drug_concept_id": FIFTY_MG,
        "drug_exposure_start_date": "2026-01-10",
        "drug_exposure_end_date": "2026-12-31",
        "quantity": "1068",
        "days_supply": "356",
    },
    "measurement": {
        "measurement_concept_id": NEUTROPHILS,
        "measurement_date": "2026-11-20",
        "value_as_number": "0.4",
        "unit_concept_id": PER_LITRE,
    },
    "condition_occurrence": {"condition_concept_id": 0, "condition_start_date": "2026-10-01"},
    "observation": {"observation_concept_id": 0, "observation_date": "2026-10-01"},
    "observation_period": {
        "observation_period_start_date": "1980-05-17",
        "observation_period_end_date": "2026-12-31",
    },
    "death": {},
    "concept": {"vocabulary_id": "Own", "concept_code": "own"},
}
# Everyone has these; a person's own row of the table comes in their place, unless it is `also` there.
EVERYONE = ("person", "drug_exposure", "observation_period")
OF_THE_RECORD = ("record_", "result_", "start_unreadable", "deceased")


def table(title: str) -> list[dict[str, str]]:
    """A table of the page, under its title in bold."""
    lines = PAGE.split(f"**{title}**\n\n", 1)[1].split("\n\n", 1)[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


ROWS, FINDINGS = table("rows"), table("findings")
PEOPLE = list(dict.fromkeys(row["person"] for row in ROWS if row["table"] != "concept"))


def cdm_of_the_page() -> Folder:
    cdm = Folder()
    mg = {"amount_value": 50, "amount_unit_concept_id": 8576}
    cdm.add("drug_strength", drug_concept_id=FIFTY_MG, ingredient_concept_id=19014878, **mg)
    names = {"concept_id": FIFTY_MG, "concept_name": "azathioprine 50 MG Oral Tablet", **USUAL["concept"]}
    cdm.add("concept", **names)
    own = {(row["person"], row["table"]) for row in ROWS}
    for number, person in enumerate(PEOPLE, 1):
        for name in EVERYONE:
            if (person, name) not in own:
                cdm.add(name, person_id=str(number), **USUAL[name])
        usual = {"measurement_date": "2026-11-02", "value_as_number": "4.2"}
        cdm.add("measurement", person_id=str(number), **{**USUAL["measurement"], **usual})
    for row in ROWS:
        name = row["table"].removesuffix(", also")
        cells = dict(cell.strip().split(" ", 1) for cell in row["cells"].split(";") if cell.strip())
        whose = {} if name == "concept" else {"person_id": str(PEOPLE.index(row["person"]) + 1)}
        cdm.add(name, **whose, **{**USUAL[name], **{key: None if at == "-" else at for key, at in cells.items()}})
    return cdm


@pytest.fixture(scope="module", params=["parquet", "csv"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("omop")
    cdm = cdm_of_the_page()
    for rows in cdm.tables.values():
        for row in rows:
            row.update({key: None if cell is None else str(cell) for key, cell in row.items()})
    folder = as_tables(cdm.write(place / "cdm", request.param), place / "scratch", KNOWLEDGE)
    summary = assess(folder, place / "found.parquet", AS_OF, "auto", KNOWLEDGE, share=7)
    findings: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in pq.read_table(place / "found.parquet").to_pylist():
        findings[PEOPLE[int(row["patient_id"]) - 1]].append(row)
    asides = pq.read_table(place / "found.set_aside.parquet").to_pylist()
    return {"findings": findings, "asides": asides, "summary": summary}


@pytest.mark.parametrize("person", PEOPLE)
def test_a_person_gets_the_findings_of_the_page(person: str, found: dict[str, Any]) -> None:
    said = {(row["code"], row["urgency"]) for row in found["findings"][person]}
    expected = {(row["code"], row["urgency"]) for row in FINDINGS if row["person"] == person}
    others = {code for code, _ in expected}
    of_the_record = {(code, urgency) for code, urgency in said if code.startswith(OF_THE_RECORD) or code in others}
    assert of_the_record == expected


def test_nobody_without_a_thiopurine_has_a_finding(found: dict[str, Any]) -> None:
    outside = PEOPLE.index("no thiopurine, an odd code") + 1
    assert not found["findings"]["no thiopurine, an odd code"]
    assert not [row for row in found["asides"] if row["patient_id"] == str(outside)]
    assert found["summary"].patients == len(PEOPLE) - 1


def test_the_totals_say_how_many_rows_of_how_many_people(found: dict[str, Any]) -> None:
    totals = {row["kind"]: row for row in found["asides"] if row["patient_id"] is None}
    about = totals["omop_unreadable_date"]
    assert about["what"].startswith("4 rows of 4 people; the first: drug_exposure_start_date '1800-01-10'")
    assert re.fullmatch(r"drug_exposure drug_exposure_id \d+ and 3 more", about["where"])
    assert "2 rows of 2 people" in totals["omop_unmapped_drug"]["why"]
    kinds = {row["kind"] for row in found["asides"] if row["patient_id"]}
    assert kinds >= {"unusable", "omop_with_care"}
    summary: Summary = found["summary"]
    assert summary.set_aside["omop_doubtful_test"] == 1  # the total; each person's own is `unusable`
    assert summary.first_set_aside["omop_doubtful_test"][0].startswith("measurement measurement_id ")


def test_every_kind_of_the_page_is_one_that_is_told() -> None:
    table = PAGE.split("| kind of the total |", 1)[1].split("\n\n", 1)[0]
    listed = dict(re.findall(r"^\| `(omop_\w+)` \|.*\| `(record_\w+)` \|$", table, re.M))
    said = {kind: "record_unreadable" if matter.pressing else "record_uncertain" for kind, matter in MATTERS.items()}
    assert listed == said
