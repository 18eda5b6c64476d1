"""How long an OMOP CDM takes: translating the folder, then assessing everyone in it.

Run: python benchmarks/omop.py --patients 20000 [--folder FOLDER] [--bare 0.05]. The people are those of
`azaward cohort synthesise`, written as a CDM (or found in FOLDER, where an earlier run left them): a medicine as
supplies of four weeks, a share of the rows (`--bare`) with concept 0 and the source's own words alone. Each measure is
a process of its own, so that its peak memory is its own. The last line is JSON.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

AS_OF = dt.date(2026, 11, 23)
SEED = 7
TABLET_MG = 25
FIRST = 2_000_000_001  # concepts of a folder's own

PERSON = """SELECT (hash(patient_id) >> 1)::BIGINT AS person_id, year(birth_date) AS year_of_birth,
    CASE sex WHEN 'male' THEN 8507 WHEN 'female' THEN 8532 ELSE 0 END AS gender_concept_id,
    month(birth_date) AS month_of_birth, day(birth_date) AS day_of_birth, sex AS gender_source_value
    FROM '{people}/patients.parquet'"""
SUPPLIES = """SELECT row_number() OVER () AS drug_exposure_id, (hash(patient_id) >> 1)::BIGINT AS person_id,
    if(bare, 0, concept_id) AS drug_concept_id, first AS drug_exposure_start_date,
    least(first + 28, until) - 1 AS drug_exposure_end_date,
    if(first + 28 >= stopped_on, 'changed', NULL) AS stop_reason,
    dose_mg_per_day * (least(first + 28, until) - first) / {tablet} AS quantity,
    least(first + 28, until) - first AS days_supply, upper(medicine) || ' {tablet}MG TAB' AS drug_source_value
FROM (SELECT *, started_on + 28 * unnest(range(0, greatest((until - started_on) // 28, 1)))::INTEGER AS first FROM (
    SELECT *, coalesce(stopped_on, DATE '{day}') AS until, hash(patient_id) % 1000 < {bare} * 1000 AS bare
    FROM '{people}/exposures.parquet' LEFT JOIN named ON named.id = medicine AND named.kind = 'medicine'
    WHERE started_on IS NOT NULL AND started_on < DATE '{day}'))"""
RESULTS = """SELECT row_number() OVER () AS measurement_id, (hash(patient_id) >> 1)::BIGINT AS person_id,
    if(hash(patient_id) % 1000 < {bare} * 1000, 0, concept_id) AS measurement_concept_id, taken_on AS measurement_date,
    CASE comparator WHEN '<' THEN 4171756 WHEN '>' THEN 4172704 ELSE 0 END AS operator_concept_id,
    value AS value_as_number, 0 AS value_as_concept_id, 0 AS unit_concept_id, unit AS unit_source_value,
    ref_low AS range_low, ref_high AS range_high, analyte AS measurement_source_value,
    coalesce(text, CAST(value AS VARCHAR)) AS value_source_value
FROM '{people}/results.parquet' LEFT JOIN named ON named.id = analyte AND named.kind = 'analyte'"""
CONDITIONS = """SELECT row_number() OVER () AS condition_occurrence_id, (hash(patient_id) >> 1)::BIGINT AS person_id,
    0 AS condition_concept_id, started_on AS condition_start_date, ended_on AS condition_end_date,
    replace(code, '_', ' ') AS condition_source_value FROM (
    SELECT patient_id, code, started_on, ended_on FROM '{people}/events.parquet' WHERE kind <> 'vaccination' UNION ALL
    SELECT patient_id, indication, birth_date + 3650, NULL FROM '{people}/patients.parquet' WHERE indication <> '')"""
PERIODS = """SELECT row_number() OVER () AS observation_period_id, (hash(patient_id) >> 1)::BIGINT AS person_id,
    DATE '1990-01-01' AS observation_period_start_date, DATE '{day}' AS observation_period_end_date
    FROM '{people}/patients.parquet'"""
TABLES = {
    "person": PERSON,
    "drug_exposure": SUPPLIES,
    "measurement": RESULTS,
    "condition_occurrence": CONDITIONS,
    "observation_period": PERIODS,
}


def make(people: Path, folder: Path, bare: float) -> None:
    """Writes the six tables of `people` as a CDM."""
    from azaward import parquet
    from azaward.knowledge import load
    from azaward.knowledge.loading.words.test_names import loinc_codes

    knowledge = load()
    loinc = loinc_codes(knowledge)
    folder.mkdir(parents=True, exist_ok=True)
    named = [("medicine", row.id, row.name, "RxNorm Extension", row.id) for row in knowledge.tables["medicines"]]
    for row in knowledge.tables["analytes"]:
        named.append(("analyte", row.id, row.name, *(("LOINC", loinc[row.id]) if row.id in loinc else ("Own", ""))))
    columns = ("concept_id", "kind", "id", "concept_name", "vocabulary_id", "concept_code")
    with parquet.connect() as database:
        rows = [(FIRST + place, *row) for place, row in enumerate(named)]
        parquet.create(database, "named", {**dict.fromkeys(columns, "VARCHAR"), "concept_id": "BIGINT"}, rows)
        concepts = "concept_name, vocabulary_id, concept_code, if(kind = 'medicine', 'Ingredient', '')"
        strengths = f"concept_id AS ingredient_concept_id, {TABLET_MG} AS amount_value, 8576 AS amount_unit_concept_id"
        queries = {
            **{name: sql.format(people=people, day=AS_OF, tablet=TABLET_MG, bare=bare) for name, sql in TABLES.items()},
            "concept": f"SELECT concept_id, {concepts} AS concept_class_id FROM named",
            "drug_strength": f"SELECT concept_id AS drug_concept_id, {strengths} FROM named WHERE kind = 'medicine'",
        }
        for name, query in queries.items():
            database.execute(f"COPY ({query}) TO '{folder / name}.parquet'")


def measure(folder: Path, scratch: Path) -> dict[str, Any]:
    """One translation and one assessment, with the peak memory of this process."""
    from azaward.cohort.assess import assess
    from azaward.cohort.omop.reading import as_tables
    from azaward.knowledge import load

    knowledge = load()
    began = time.perf_counter()
    tables = as_tables(folder, scratch / "omop", knowledge)
    translated = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    summary = assess(tables, scratch / "findings.parquet", AS_OF, "auto", knowledge)
    return {
        "translate_s": round(translated - began, 2),
        "translate_peak_mb": round(peak),
        "assess_s": round(time.perf_counter() - translated, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "cpu_s": round(time.process_time(), 1),
        "patients": summary.patients,
        "findings": summary.findings,
        "set_aside": summary.set_aside,
    }


def main() -> None:
    """Measures and prints."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--patients", type=int, default=20_000)
    arguments.add_argument("--folder", type=Path, help="keep the people here for the next run")
    arguments.add_argument("--bare", type=float, default=0.05, help="the share of people whose rows have no concept")
    arguments.add_argument("--only", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if given.only:
            print(json.dumps(measure(given.only, Path(scratch))))
            return
        kept = given.folder or Path(scratch)
        people, cdm = kept / f"people-{given.patients}", kept / f"cdm-{given.patients}-{given.bare}"
        if not (people / "done").exists():
            command = [sys.executable, "-m", "azaward.cli", "cohort", "synthesise", "--patients", str(given.patients)]
            subprocess.run([*command, "--seed", str(SEED), "--out", str(people), "--as-of", str(AS_OF)], check=True)
            (people / "done").touch()
        if not (cdm / "done").exists():
            make(people, cdm, given.bare)
            (cdm / "done").touch()
        subprocess.run([sys.executable, __file__, "--only", str(cdm)], check=True)


if __name__ == "__main__":
    main()
