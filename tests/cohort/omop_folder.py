"""Writes a record as an OMOP CDM 5.4 folder, so that what comes back can be held against the record.

Concept ids are of OMOP's range for local ones (above 2,000,000,000) and mean nothing outside the folder; codes and
names are those of the knowledge base. Medicines are tablets of 25 mg, supplied every four weeks.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from azaward.knowledge import load
from azaward.knowledge.loading.words.test_names import loinc_codes
from azaward.record.tables import TABLES, Record

KNOWLEDGE = load()
LOINC_CODES = loinc_codes(KNOWLEDGE)
TABLET_MG = 25.0
Rows = Sequence[Mapping[str, Any]]
_OFTEN = dt.timedelta(days=28)


class Folder:
    """A CDM folder in the making: its concepts, and the rows of its tables."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {}
        self._concepts: dict[tuple[str, str], int] = {}

    def concept(self, vocabulary: str, code: str, name: str, kind: str = "") -> int:
        """The id of a concept, which the vocabulary then has."""
        if (vocabulary, code) not in self._concepts:
            number = 2_000_000_001 + len(self._concepts)
            self._concepts[vocabulary, code] = number
            row = {"concept_id": number, "concept_name": name, "vocabulary_id": vocabulary, "concept_code": code}
            self.tables.setdefault("concept", []).append({**row, "concept_class_id": kind})
        return self._concepts[vocabulary, code]

    def add(self, table: str, **cells: Any) -> int:
        """One row, numbered."""
        rows = self.tables.setdefault(table, [])
        keys = (
            {} if table in ("person", "death", "concept_ancestor", "drug_strength") else {f"{table}_id": len(rows) + 1}
        )
        rows.append({**keys, **cells})
        return len(rows)

    def product(self, medicine: str) -> int:
        """A tablet of a medicine, whose ingredient and strength the vocabulary knows."""
        about = next((row for row in KNOWLEDGE.tables["medicines"] if row.id == medicine), None)
        if about is None:
            return 0
        rxnorm = (about.rxnorm or "").split(";")[0]
        known = ("RxNorm", rxnorm) if rxnorm else ("RxNorm Extension", medicine)
        ingredient = self.concept(*known, about.name, "Ingredient")
        seen = len(self.tables["concept"])
        tablet = self.concept("RxNorm Extension", f"{medicine}-tablet", f"Tablet of {medicine}", "Clinical Drug")
        if len(self.tables["concept"]) > seen:
            pair = {"ancestor_concept_id": ingredient, "descendant_concept_id": tablet}
            self.add("concept_ancestor", **pair, min_levels_of_separation=2)
            strength = {"amount_value": TABLET_MG, "amount_unit_concept_id": 8576}
            self.add("drug_strength", drug_concept_id=tablet, ingredient_concept_id=ingredient, **strength)
        return tablet

    def write(self, folder: Path, suffix: str = "parquet") -> Path:
        """Writes all tables, as Parquet or as CSV with the vocabularies separated by tabs."""
        folder.mkdir(parents=True)
        for name, rows in self.tables.items():
            columns = list(dict.fromkeys(column for row in rows for column in row))
            cells = [[row.get(column) for column in columns] for row in rows]
            if suffix == "parquet":
                arrays = [pa.array([row[place] for row in cells]) for place in range(len(columns))]
                pq.write_table(pa.table(arrays, names=columns), folder / f"{name}.parquet")
                continue
            with (folder / f"{name.upper()}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, delimiter="\t" if name.startswith(("concept", "drug_strength")) else ",")
                writer.writerows([columns, *cells])
        return folder


def cdm_of(record: Record, as_of: dt.date) -> Folder:
    """What a CDM can hold of a record: no contacts, nothing that is planned, no status of a result."""
    cdm = Folder()
    rows: dict[str, list[dict[str, Any]]] = {
        name: [dict(zip([column.name for column in TABLES[name]], row, strict=True)) for row in record.rows[name]]
        for name in TABLES
    }
    for one in rows["patients"]:
        _person(cdm, one, one["birth_date"] or as_of)
    for one in rows["exposures"]:
        if one["started_on"]:
            _supplies(cdm, one, as_of)
    for one in rows["results"]:
        if one["status"] == "final":
            _result(cdm, one)
    for one in rows["genotypes"]:
        concept = cdm.concept("LOINC", f"local-{one['gene']}", f"{one['gene']} gene {one['method']}")
        said = one["diplotype"] or one["phenotype"]
        about = {"measurement_concept_id": concept, "value_as_number": None, "unit_concept_id": 0}
        cdm.add(
            "measurement",
            person_id=one["patient_id"],
            **about,
            measurement_date=one["reported_on"],
            value_source_value=said,
        )
    for one in rows["events"]:
        _event(cdm, one)
    return cdm


def _person(cdm: Folder, one: Mapping[str, Any], day: dt.date) -> None:
    born = one["birth_date"]
    parts = {"year_of_birth": born.year, "month_of_birth": born.month, "day_of_birth": born.day}
    sex = {"male": 8507, "female": 8532}.get(one["sex"], 0)
    cdm.add("person", person_id=one["patient_id"], gender_concept_id=sex, **parts)
    about = next((row for row in KNOWLEDGE.tables["indications"] if row.id == one["indication"]), None)
    if about is not None:
        code = ("SNOMED", about.snomed.split(";")[0]) if about.snomed else ("ICD10", about.icd10.split(";")[0])
        whose = {"person_id": one["patient_id"], "condition_concept_id": cdm.concept(*code, about.name)}
        cdm.add("condition_occurrence", **whose, condition_start_date=day, condition_end_date=day)


def _supplies(cdm: Folder, one: Mapping[str, Any], as_of: dt.date) -> None:
    start, stop = one["started_on"], one["stopped_on"]
    until = stop or as_of + _OFTEN
    product = cdm.product(one["medicine"])
    while start < until:
        end = min(start + _OFTEN, until)
        days = (end - start).days
        dose = one["dose_mg_per_day"]
        cdm.add(
            "drug_exposure",
            person_id=one["patient_id"],
            drug_concept_id=product,
            drug_exposure_start_date=start,
            drug_exposure_end_date=end - dt.timedelta(days=1),
            stop_reason="changed" if end == stop else None,
            quantity=dose * days / TABLET_MG if dose and product else None,
            days_supply=days,
            drug_source_value=one["medicine"].removeprefix("unknown:"),
        )
        start = end


def _result(cdm: Folder, one: Mapping[str, Any]) -> None:
    about = KNOWLEDGE.analytes[one["analyte"]]
    loinc = LOINC_CODES.get(about.id)
    code = ("LOINC", loinc) if loinc else ("Local", about.id)
    unit = {"U/L": 8645, "g/dL": 8713, "10*9/L": 9444}.get(one["unit"], 0)
    cdm.add(
        "measurement",
        person_id=one["patient_id"],
        measurement_concept_id=cdm.concept(*code, about.name),
        measurement_date=one["taken_on"],
        operator_concept_id={"<": 4171756, "<=": 4171754, ">": 4172704, ">=": 4171755}.get(one["comparator"], 0),
        value_as_number=one["value"],
        value_as_concept_id={"Negative": 9189, "Positive": 9191}.get(one["text"], 0),
        unit_concept_id=unit,
        unit_source_value=one["unit"],
        range_low=one["ref_low"],
        range_high=one["ref_high"],
        value_source_value=one["text"],
    )


def _event(cdm: Folder, one: Mapping[str, Any]) -> None:
    about = next(row for row in KNOWLEDGE.tables["events"] if (row.kind, row.code) == (one["kind"], one["code"]))
    cvx = [
        coding.split("|")[1]
        for coding in (about.codings or "").split(";")
        if coding.startswith("http://hl7.org/fhir/sid/cvx")
    ]
    name = next(iter((about.synonyms or "").split(";")), "") or about.code.replace("_", " ")
    whose, day = {"person_id": one["patient_id"]}, one["started_on"]
    if one["kind"] == "vaccination":
        number = cdm.concept("CVX", cvx[0], name)
        end = {"drug_exposure_start_date": day, "drug_exposure_end_date": day}
        cdm.add("drug_exposure", **whose, drug_concept_id=number, **end)
    elif one["kind"] in ("procedure", "transfusion"):
        number = cdm.concept("SNOMED", f"local-{about.code}", name)
        cdm.add("procedure_occurrence", **whose, procedure_concept_id=number, procedure_date=day)
    else:
        if one["kind"] == "exposure_to_infection":
            name = f"{about.code} contact"
        number = cdm.concept("SNOMED", f"local-{one['kind']}-{about.code}", name)
        ends = {"condition_start_date": day, "condition_end_date": one["ended_on"]}
        cdm.add("condition_occurrence", **whose, condition_concept_id=number, **ends)
