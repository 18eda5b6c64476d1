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
        "measurement": ("operator_concept_id", "unit_concept_id", "value_as_concept_id"),
        "observation": ("unit_concept_id",),
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
        "row_number() OVER (ORDER BY concept, source_concept, source, value_concept)::INTEGER AS w, * FROM ("
        f"SELECT {kind.concept} AS concept, {kind.source_concept} AS source_concept, {kind.source} AS source, "
        f"{kind.value or 'NULL::BIGINT'} AS value_concept, count(*) AS n, min({kind.row}) AS first "
        f"FROM cdm_{table} {whose}GROUP BY ALL)"
    )


def rows_sql(table: str) -> str:
    """The rows of a table of the CDM as `r`, each with what it means as `m`."""
    kind = KINDS[table]
    value = f" AND r.{kind.value} IS NOT DISTINCT FROM w.value_concept" if kind.value else ""
    return (
        f"FROM cdm_{table} AS r JOIN words_{table} AS w ON r.{kind.concept} IS NOT DISTINCT FROM w.concept "
        f"AND r.{kind.source_concept} IS NOT DISTINCT FROM w.source_concept "
        f"AND r.{kind.source} IS NOT DISTINCT FROM w.source{value} JOIN means_{table} AS m USING (w)"
    )


COHORT = (
    f"CREATE TABLE cohort AS SELECT DISTINCT r.person_id {rows_sql('drug_exposure')} "
    "WHERE m.kind = 'medicine' AND m.code IN (SELECT id FROM thiopurines) AND r.person_id IS NOT NULL"
)
# An unknown day of birth is read as the youngest age that it allows.
_BORN = (
    "CASE WHEN p.year_of_birth IS NULL THEN p.birth_datetime "
    "WHEN p.month_of_birth IS NULL THEN TRY_CAST(printf('%04d-12-31', p.year_of_birth::INTEGER) AS DATE) "
    "WHEN p.day_of_birth IS NULL THEN "
    "last_day(TRY_CAST(printf('%04d-%02d-01', p.year_of_birth::INTEGER, p.month_of_birth::INTEGER) AS DATE)) "
    "ELSE TRY_CAST(printf('%04d-%02d-%02d', p.year_of_birth::INTEGER, p.month_of_birth::INTEGER, "
    "p.day_of_birth::INTEGER) AS DATE) END"
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
PATIENTS = (
    f"SELECT p.person_id AS patient_id, {_BORN} AS birth_date, coalesce(s.code, 'unknown') AS sex, "
    "CASE WHEN i.n = 1 THEN i.code END AS indication, NULL::VARCHAR AS ancestry "
    "FROM cdm_person AS p SEMI JOIN cohort USING (person_id) "
    "LEFT JOIN sexes AS s ON p.gender_concept_id = s.id LEFT JOIN indicated AS i USING (person_id) ORDER BY patient_id"
)
# Milligrams in one tablet of each ingredient; a box, or two strengths for one product, say nothing.
STRENGTHS = (
    "CREATE TABLE strengths AS SELECT d.drug_concept_id AS concept, m.code AS medicine, min(d.amount_value) AS mg "
    "FROM cdm_drug_strength AS d JOIN milligrams AS g ON d.amount_unit_concept_id = g.id "
    "JOIN ingredients AS m ON d.ingredient_concept_id = m.id WHERE d.invalid_reason IS NULL "
    "GROUP BY d.drug_concept_id, m.code "
    "HAVING count(DISTINCT d.amount_value) = 1 AND count(d.box_size) = 0 AND min(d.amount_value) > 0"
)


def exposures_sql(persistence_days: int) -> str:
    """The supplies of each medicine and dose put together: a gap of up to `persistence_days` is no stop.

    After the last supply someone counts as taking it for as long again, unless it was stopped for a reason or another
    dose (of a thiopurine: another one) began. Two supplies of one day stay two. A supply without an end goes on.
    """
    return f"""
WITH supplies AS (
    SELECT r.person_id, m.code AS medicine, r.drug_exposure_id AS id, r.sig,
        CASE WHEN m.code IN (SELECT id FROM thiopurines) THEN 'thiopurine' ELSE m.code END AS line,
        r.drug_exposure_start_date AS start, r.drug_exposure_start_date_raw AS start_raw,
        coalesce(r.verbatim_end_date, greatest(r.drug_exposure_end_date,
            r.drug_exposure_start_date + if(r.days_supply > 0, r.days_supply, NULL)::INTEGER - 1)) AS last_day,
        r.stop_reason IS NOT NULL AS ended,
        CASE WHEN r.quantity > 0 AND r.days_supply > 0 THEN round(s.mg * r.quantity / r.days_supply, 6) END AS dose
    {rows_sql("drug_exposure")} SEMI JOIN cohort USING (person_id)
    LEFT JOIN strengths AS s ON s.concept = r.drug_concept_id AND s.medicine = m.code
    WHERE m.kind = 'medicine'
), plain AS (
    SELECT *, coalesce(last_day + 1, DATE '9999-12-31') AS stop, row_number() OVER (
        PARTITION BY person_id, medicine, dose, start ORDER BY id) AS copy
    FROM supplies WHERE start IS NOT NULL AND coalesce(last_day >= start, true)
), told AS (
    -- When it ends, and whether that is a stop: two facts in one number, which is quick to compare.
    SELECT *, (least(stop, DATE '9999-01-01') - DATE '1900-01-01') * 2 + ended::INTEGER AS told FROM plain
), joined AS (
    SELECT *, max(told) OVER (PARTITION BY person_id, medicine, dose, copy ORDER BY start
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM told
), numbered AS (
    SELECT *, sum((before IS NULL
        OR start - DATE '1900-01-01' > before // 2 + if(before % 2 = 1, 0, {persistence_days}))::INTEGER)
        OVER (PARTITION BY person_id, medicine, dose, copy ORDER BY start) AS era FROM joined
), eras AS (
    -- Starts differ within a chain, so that the first and the last of it are always the same.
    SELECT person_id, medicine, line, dose, min(start) AS start, max(stop) AS stop, max(told) % 2 = 1 AS ended,
        arg_max(sig, start) AS sig, arg_min(id, start) AS id, count(*) AS n
    FROM numbered GROUP BY person_id, medicine, line, dose, copy, era
), starts AS (
    SELECT DISTINCT person_id, line, start FROM plain
), stopped AS (
    SELECT e.*, CASE WHEN e.stop = DATE '9999-12-31' THEN NULL WHEN e.ended THEN e.stop
        ELSE least(e.stop + {persistence_days}, s.start) END AS stopped_on
    FROM eras AS e ASOF LEFT JOIN starts AS s
        ON e.person_id = s.person_id AND e.line = s.line AND e.stop <= s.start
)
SELECT person_id AS patient_id, medicine, dose AS dose_mg_per_day, sig AS frequency, start AS started_on, stopped_on,
    NULL::VARCHAR AS started_text, 'drug_exposure drug_exposure_id ' || id ||
    CASE WHEN n > 1 THEN ' and ' || (n - 1) || ' more' ELSE '' END AS origin
FROM stopped
UNION ALL
SELECT person_id, medicine, dose, sig, start, last_day,
    CASE WHEN start IS NULL THEN coalesce(start_raw, 'no start day') END,
    'drug_exposure drug_exposure_id ' || id
FROM supplies WHERE start IS NULL OR last_day < start
ORDER BY patient_id, medicine, started_on, origin"""


# "=" says no more than no comparator at all.
_COMPARATOR = (
    "CASE WHEN r.operator_concept_id IS NOT NULL THEN "
    "nullif(coalesce(o.code, 'concept ' || r.operator_concept_id), '=') END"
)


def _results_of(table: str, words: str) -> str:
    kind = KINDS[table]
    measured = table == "measurement"
    return f"""
SELECT r.person_id AS patient_id, m.code AS analyte, r.value_as_number AS value,
    {_COMPARATOR if measured else "NULL::VARCHAR"} AS comparator,
    CASE WHEN r.value_as_number IS NULL OR NOT u.has_unit
        THEN coalesce(v.name, {words}, r.value_as_number_raw) END AS text,
    u.unit, {"r.range_low" if measured else "NULL::DOUBLE"} AS ref_low,
    {"r.range_high" if measured else "NULL::DOUBLE"} AS ref_high, r.{kind.day} AS taken_on, 'final' AS status,
    '{table} {kind.row} ' || r.{kind.row} AS origin
{rows_sql(table)} SEMI JOIN cohort USING (person_id)
JOIN units AS u ON u.analyte = m.code AND u.concept IS NOT DISTINCT FROM r.unit_concept_id
    AND u.source IS NOT DISTINCT FROM r.unit_source_value
LEFT JOIN results_in_words AS v ON v.id = r.value_as_concept_id
{"LEFT JOIN comparators AS o ON o.id = r.operator_concept_id" if measured else ""}
WHERE m.kind = 'analyte' AND NOT (r.value_as_number IS NULL
    AND w.w IN (SELECT g.w FROM means_{table} AS g WHERE g.kind = 'gene'))"""


RESULTS = (
    _results_of("measurement", "CASE WHEN r.value_as_number IS NULL THEN r.value_source_value END")
    + "\nUNION ALL"
    + _results_of("observation", "r.value_as_string, CASE WHEN r.value_as_number IS NULL THEN r.value_source_value END")
    + "\nORDER BY patient_id, analyte, taken_on, origin"
)
UNITS = " UNION ".join(
    f"SELECT m.code AS analyte, r.unit_concept_id AS concept, r.unit_source_value AS source, "
    f"count(*) AS n, min('{table} {KINDS[table].row} ' || r.{KINDS[table].row}) AS place "
    f"{rows_sql(table)} SEMI JOIN cohort USING (person_id) WHERE m.kind = 'analyte' GROUP BY ALL"
    for table in ("measurement", "observation")
)
# What is said of a gene: few, and each in words of its own.
SAID_OF_GENES = " UNION ALL ".join(
    f"SELECT r.person_id, '{table} {KINDS[table].row} ' || r.{KINDS[table].row}, r.{KINDS[table].day}, "
    "w.concept, w.source, r.value_as_concept_id, "
    f"{'coalesce(r.value_as_string, r.value_source_value)' if table == 'observation' else 'r.value_source_value'} "
    f"{rows_sql(table)} SEMI JOIN cohort USING (person_id) WHERE m.kind = 'gene' AND r.value_as_number IS NULL"
    for table in ("measurement", "observation")
)
CONTACTS = (
    'SELECT NULL::VARCHAR AS patient_id, NULL::VARCHAR AS kind, NULL::DATE AS "on", NULL::VARCHAR AS note WHERE false'
)
_NOT_EVENTS = "('medicine', 'analyte', 'indication', 'gene')"
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
