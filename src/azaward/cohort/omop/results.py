"""The SQL that makes results and reports of genes from a CDM folder's measurements and observations.

A value is the number that the CDM gives or, without one, the number that the source wrote; so are its sign and unit.
Where the two numbers contradict each other both are results, and the rules use the worse of them.
"""

from __future__ import annotations

from azaward.cohort.omop.tables import KINDS, place_sql, rows_sql

_TABLES = ("measurement", "observation")
# A sign, a number, and whatever follows it: a unit, or words that make it more than a number.
_WRITTEN = r"^\s*(<=?|>=?|≤|≥)?\s*([-+]?[0-9]+(?:[.][0-9]+)?(?:[eE][-+]?[0-9]+)?)\s*(.*?)\s*$"
# So much may rounding change a value that is converted into another unit.
_ROUNDING = 0.01
# What stands behind the place of a value that the source wrote and the CDM gives otherwise.
AS_WRITTEN = " as its source wrote it"


def _words(table: str) -> str:
    return "coalesce(r.value_as_string, r.value_source_value)" if table == "observation" else "r.value_source_value"


def _measured(table: str) -> str:
    """The rows of known tests in one table, with what their source wrote taken apart."""
    own = table == "measurement"
    gene = f"w.w IN (SELECT g.w FROM means_{table} AS g WHERE g.kind = 'gene')"
    return f"""
SELECT r.person_id, m.code AS analyte, r.value_as_number AS number, r.value_as_number_raw AS raw,
    {"r.operator_concept_id" if own else "NULL::BIGINT"} AS operator, r.value_as_concept_id AS value_concept,
    {_words(table)} AS words, {"NULL::VARCHAR" if own else "r.value_as_string"} AS string,
    regexp_extract({_words(table)}, '{_WRITTEN}', ['sign', 'number', 'rest']) AS said,
    coalesce(r.unit_concept_id, r.unit_source_concept_id) AS unit_concept, r.unit_source_value AS unit_source,
    {"r.range_low" if own else "NULL::DOUBLE"} AS ref_low, {"r.range_high" if own else "NULL::DOUBLE"} AS ref_high,
    r.{KINDS[table].day} AS taken_on, {place_sql(table)} AS origin
{rows_sql(table)} SEMI JOIN cohort USING (person_id)
WHERE m.kind = 'analyte' AND NOT (r.value_as_number IS NULL AND {gene})"""


# A number followed by something else is one where that is its unit.
MEASURED = f"""
CREATE VIEW measured AS SELECT * EXCLUDE (said, unit_source), nullif(said.sign, '') AS sign,
    coalesce(unit_source, CASE WHEN unit_concept IS NULL AND said.number <> '' THEN nullif(said.rest, '') END)
        AS unit_source,
    CASE WHEN said.rest = '' OR said.rest = unit_source OR (unit_source IS NULL AND unit_concept IS NULL)
        THEN TRY_CAST(nullif(said.number, '') AS DOUBLE) END AS written
FROM ({" UNION ALL ".join(map(_measured, _TABLES))})"""
UNITS = "SELECT DISTINCT analyte, unit_concept, unit_source FROM measured"
# The number in the unit of the concept is the one written in the unit of the source: converted, not contradicted.
_CONVERTED = (
    f"coalesce(abs(number * u.factor + u.shift - written * u.source_factor - u.source_shift) "
    f"<= {_ROUNDING} * abs(written * u.source_factor + u.source_shift), false)"
)
_JOINED = (
    "FROM measured AS r JOIN units AS u ON u.analyte = r.analyte AND u.concept IS NOT DISTINCT FROM r.unit_concept "
    "AND u.source IS NOT DISTINCT FROM r.unit_source"
)
# "=" says no more than no comparator at all.
RESULTS = f"""
WITH known AS (
    SELECT r.*, u.has_unit, u.source_factor,
        CASE WHEN u.contradicts AND {_CONVERTED} THEN u.by_concept ELSE u.unit END AS unit,
        u.has_unit AND u.source_factor IS NOT NULL AND number <> written AND NOT {_CONVERTED} AS differs,
        coalesce(v.name, string, CASE WHEN number IS NULL THEN words END, raw) AS text,
        CASE WHEN operator IS NOT NULL THEN nullif(coalesce(o.code, 'concept ' || operator), '=')
            WHEN number IS NULL OR number = written THEN sign END AS comparator
    {_JOINED}
    LEFT JOIN named AS v ON v.id = r.value_concept LEFT JOIN comparators AS o ON o.id = r.operator
), valued AS (
    SELECT * EXCLUDE (text), CASE WHEN has_unit THEN coalesce(number, written) ELSE number END AS value,
        CASE WHEN NOT has_unit OR coalesce(number, written) IS NULL THEN text END AS text FROM known
)
SELECT person_id AS patient_id, analyte, value,
    CASE WHEN has_unit OR number IS NOT NULL THEN comparator END AS comparator,
    text, unit, ref_low, ref_high, taken_on, 'final' AS status, origin
FROM valued
UNION ALL
SELECT person_id, analyte, written, sign, NULL, unit_source, NULL, NULL, taken_on, 'final', origin || '{AS_WRITTEN}'
FROM valued WHERE differs
ORDER BY patient_id, analyte, taken_on, origin"""
# Rows whose two units differ, and that no conversion explains.
CONTRADICTORY = (
    f"SELECT r.person_id, r.analyte, u.concept, u.source, r.origin {_JOINED} WHERE u.contradicts AND NOT {_CONVERTED}"
)
# What is said of a gene: few, and each in words of its own.
SAID_OF_GENES = " UNION ALL ".join(
    f"SELECT r.person_id, {place_sql(table)}, r.{KINDS[table].day}, w.concept, w.source, r.value_as_concept_id, "
    f"{_words(table)} {rows_sql(table)} SEMI JOIN cohort USING (person_id) "
    "WHERE m.kind = 'gene' AND r.value_as_number IS NULL"
    for table in _TABLES
)
