"""The SQL that makes azaward's tables from a CDM folder's, once each combination of concepts in it is understood.

`words_NAME` holds each combination of concepts and source words in a table of the CDM, numbered, with how many rows
hold it and the first of them; `means_NAME` what azaward makes of a combination: none, one or more meanings. Everything
streams through DuckDB; a medicine's supplies are put together as OMOP's drug eras are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Kind(NamedTuple):
    """A table of the CDM whose rows a concept tells apart: its columns, and the kind of event that a row is."""

    row: str
    concept: str
    source_concept: str
    source: str
    day: str
    event: str
    value: str | None = None
    said: str | None = None


# What an observation says in words; a number isn't one of few combinations.
_SAID_HERE = "coalesce({row}.value_as_string, {row}.value_source_value)"
KINDS: Mapping[str, Kind] = {
    "drug_exposure": Kind(
        "drug_exposure_id",
        "drug_concept_id",
        "drug_source_concept_id",
        "drug_source_value",
        "drug_exposure_start_date",
        "vaccination",
    ),
    "measurement": Kind(
        "measurement_id",
        "measurement_concept_id",
        "measurement_source_concept_id",
        "measurement_source_value",
        "measurement_date",
        "procedure",
    ),
    "condition_occurrence": Kind(
        "condition_occurrence_id",
        "condition_concept_id",
        "condition_source_concept_id",
        "condition_source_value",
        "condition_start_date",
        "condition",
    ),
    "observation": Kind(
        "observation_id",
        "observation_concept_id",
        "observation_source_concept_id",
        "observation_source_value",
        "observation_date",
        "condition",
        "value_as_concept_id",
        f"CASE WHEN {{row}}.value_as_number IS NULL AND NOT regexp_matches({_SAID_HERE}, '^[-+0-9.<>= ]*$') "
        f"THEN {_SAID_HERE} END",
    ),
    "procedure_occurrence": Kind(
        "procedure_occurrence_id",
        "procedure_concept_id",
        "procedure_source_concept_id",
        "procedure_source_value",
        "procedure_date",
        "procedure",
    ),
}
# Every concept that the folder uses, of whatever table.
USED = " UNION ".join(
    f"SELECT {column} AS id FROM cdm_{table}"
    for table, columns in {
        "person": ("gender_concept_id",),
        "measurement": (
            "operator_concept_id",
            "unit_concept_id",
            "unit_source_concept_id",
            "value_as_concept_id",
        ),
        "observation": ("unit_concept_id", "unit_source_concept_id"),
        "drug_strength": ("amount_unit_concept_id", "ingredient_concept_id"),
    }.items()
    for column in columns
) + "".join(
    f" UNION SELECT {column} FROM cdm_{table}"
    for table, kind in KINDS.items()
    for column in (kind.concept, kind.source_concept, kind.value)
    if column
)


def words_sql(table: str) -> str:
    """Each combination in one table: everyone's of the medicines, otherwise of those who are in the cohort."""
    kind = KINDS[table]
    whose = "" if table == "drug_exposure" else "SEMI JOIN cohort USING (person_id) "
    return (
        f"CREATE TABLE words_{table} AS SELECT "
        "row_number() OVER (ORDER BY concept, source_concept, source, value_concept, said)::INTEGER AS w, * FROM ("
        f"SELECT {kind.concept} AS concept, {kind.source_concept} AS source_concept, {kind.source} AS source, "
        f"{kind.value or 'NULL::BIGINT'} AS value_concept, "
        f"{kind.said.format(row='r') if kind.said else 'NULL::VARCHAR'} AS said, "
        f"count(*) AS n, min({kind.row}) AS first FROM cdm_{table} AS r {whose}GROUP BY ALL)"
    )


def worded_sql(table: str, rows: str | None = None) -> str:
    """The rows of a table of the CDM (or some of them, as a table of that name) as `r`, each with its words as `w`."""
    kind = KINDS[table]
    pairs = {
        "concept": f"r.{kind.concept}",
        "source_concept": f"r.{kind.source_concept}",
        "source": f"r.{kind.source}",
        **({"value_concept": f"r.{kind.value}"} if kind.value else {}),
        **({"said": kind.said.format(row="r")} if kind.said else {}),
    }
    same = " AND ".join(f"{cell} IS NOT DISTINCT FROM w.{name}" for name, cell in pairs.items())
    return f"FROM {rows or f'cdm_{table}'} AS r JOIN words_{table} AS w ON {same}"


def rows_sql(table: str, rows: str | None = None) -> str:
    """The rows of `worded_sql`, each with what it means as `m`."""
    return f"{worded_sql(table, rows)} JOIN means_{table} AS m USING (w)"


def place_sql(table: str) -> str:
    """The place of a row `r`: its table and number."""
    return f"'{table} {KINDS[table].row} ' || r.{KINDS[table].row}"


# Everybody who has a thiopurine, or a medicine whose name may be that of one.
COHORT = (
    "CREATE TABLE cohort AS SELECT person_id, row_number() OVER (ORDER BY person_id)::INTEGER AS n "
    f"FROM (SELECT DISTINCT r.person_id {rows_sql('drug_exposure')} "
    "WHERE m.kind = 'medicine' AND r.person_id IS NOT NULL AND m.code IN (SELECT id FROM thiopurines "
    "UNION ALL SELECT b.code FROM may_be AS b JOIN thiopurines AS t ON b.may_be = t.id))"
)
# An unknown day of birth is read as the youngest age that it allows.
_YEAR, _MONTH, _DAY = (f"TRY_CAST(p.{part}_of_birth AS INTEGER)" for part in ("year", "month", "day"))
_BORN = (
    f"CASE WHEN p.year_of_birth IS NULL THEN p.birth_datetime WHEN {_YEAR} NOT BETWEEN {{earliest}} AND 9999 THEN NULL "
    f"WHEN p.month_of_birth IS NULL THEN TRY_CAST(printf('%04d-12-31', {_YEAR}) AS DATE) "
    f"WHEN p.day_of_birth IS NULL THEN last_day(TRY_CAST(printf('%04d-%02d-01', {_YEAR}, {_MONTH}) AS DATE)) "
    f"ELSE TRY_CAST(printf('%04d-%02d-%02d', {_YEAR}, {_MONTH}, {_DAY}) AS DATE) END"
)
_INDICATED = " UNION ALL ".join(
    f"SELECT r.person_id, m.code {rows_sql(table)} WHERE m.kind = 'indication'"
    for table in ("condition_occurrence", "observation", "procedure_occurrence")
)
# What several illnesses leave open stays open: then the most cautious protocol counts.
INDICATED = (
    "CREATE TABLE indicated AS SELECT person_id, min(code) AS code, count(DISTINCT code) AS n "
    f"FROM ({_INDICATED}) SEMI JOIN cohort USING (person_id) GROUP BY person_id"
)


def patients_sql(earliest: int) -> str:
    """Who is in the cohort; a year of birth before `earliest` is none. A sex without a concept is the source's word."""
    return (
        f"SELECT p.person_id AS patient_id, {_BORN.format(earliest=earliest)} AS birth_date, "
        "coalesce(s.code, CASE WHEN p.gender_concept_id IS NULL THEN x.code END, 'unknown') AS sex, "
        "CASE WHEN i.n = 1 THEN i.code END AS indication, NULL::VARCHAR AS ancestry "
        "FROM cdm_person AS p SEMI JOIN cohort USING (person_id) LEFT JOIN sexes AS s ON p.gender_concept_id = s.id "
        "LEFT JOIN sexes_said AS x ON p.gender_source_value = x.said "
        "LEFT JOIN indicated AS i USING (person_id) ORDER BY patient_id"
    )


CONTACTS = (
    'SELECT NULL::VARCHAR AS patient_id, NULL::VARCHAR AS kind, NULL::DATE AS "on", NULL::VARCHAR AS note WHERE false'
)
_NOT_EVENTS = "('medicine', 'analyte', 'indication', 'gene', 'doubt')"
# One date put twice, as the CDM allows, says nothing of an end.
EVENTS = (
    " UNION ".join(
        f"SELECT r.person_id AS patient_id, m.kind, m.code, r.{KINDS[table].day} AS started_on, "
        + (
            "CASE WHEN r.condition_end_date > r.condition_start_date THEN r.condition_end_date END"
            if table == "condition_occurrence"
            else "NULL::DATE"
        )
        + f" AS ended_on {rows_sql(table)} SEMI JOIN cohort USING (person_id) WHERE m.kind NOT IN {_NOT_EVENTS}"
        for table in KINDS
    )
    + " UNION SELECT r.person_id, 'condition', 'deceased', r.death_date, NULL::DATE FROM cdm_death AS r "
    "SEMI JOIN cohort USING (person_id) ORDER BY patient_id, kind, code, started_on, ended_on"
)
