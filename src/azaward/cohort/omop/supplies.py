"""The SQL that puts a medicine's supplies together into courses, as OMOP's drug eras are, and finds the daily dose."""

from __future__ import annotations

from azaward.cohort.omop.tables import rows_sql

# Milligrams in one tablet of each ingredient; a box, or two strengths for one product, say nothing.
STRENGTHS = (
    "CREATE TABLE strengths AS SELECT d.drug_concept_id AS concept, m.code AS medicine, min(d.amount_value) AS mg "
    "FROM cdm_drug_strength AS d JOIN milligrams AS g ON d.amount_unit_concept_id = g.id "
    "JOIN ingredients AS m ON d.ingredient_concept_id = m.id WHERE d.invalid_reason IS NULL "
    "GROUP BY d.drug_concept_id, m.code "
    "HAVING count(DISTINCT d.amount_value) = 1 AND count(d.box_size) = 0 AND min(d.amount_value) > 0"
)
# Each medicine by a number, which is quicker to sort by; the thiopurines are one line, in which one ends another.
LINES = """
CREATE TABLE lines AS SELECT code, medicine, CASE WHEN code IN (SELECT id FROM thiopurines) THEN 0 ELSE medicine END
    AS line FROM (SELECT code, row_number() OVER (ORDER BY code)::INTEGER AS medicine
    FROM (SELECT DISTINCT code FROM means_drug_exposure WHERE kind = 'medicine'))"""
# More days than this are as good as no end, and DuckDB's dates can hold them.
_NO_END_DAYS = 1_000_000
_TIMES = "(1 + greatest(coalesce(r.refills, 0), 0))"
_DAYS = f"CASE WHEN r.days_supply > 0 THEN least(r.days_supply * {_TIMES}, {_NO_END_DAYS}) END"
# A thiopurine that ends on the day it began, with nothing that says for how long it lasts: an end that nobody knew.
SINGLE_DAY = (
    "r.drug_exposure_end_date = r.drug_exposure_start_date AND r.verbatim_end_date IS NULL AND r.stop_reason IS NULL "
    "AND NOT coalesce(r.days_supply > 0, false) AND m.code IN (SELECT id FROM thiopurines)"
)


def exposures_sql(persistence_days: int) -> str:
    """The supplies of each medicine and dose put together: a gap of up to `persistence_days` is no stop.

    After the last supply someone counts as taking it for as long again, unless it was stopped for a reason or another
    dose (of a thiopurine: another one) began. Two supplies of one day stay two. A supply without an end, or with one
    before its start, goes on; one of a thiopurine for a single day goes on until the next.
    """
    return f"""
WITH stored AS (
    SELECT c.n AS person, k.medicine, k.line, r.drug_exposure_id AS id, r.sig,
        r.drug_exposure_start_date AS start, r.drug_exposure_start_date_raw AS start_raw,
        coalesce(r.verbatim_end_date, greatest(r.drug_exposure_end_date,
            r.drug_exposure_start_date + ({_DAYS})::INTEGER - 1)) AS last_day,
        r.stop_reason IS NOT NULL AS ended, coalesce({SINGLE_DAY}, false) AS single,
        CASE WHEN r.quantity > 0 AND r.days_supply > 0 THEN round(s.mg * r.quantity / r.days_supply, 6) END AS dose
    {rows_sql("drug_exposure")} JOIN cohort AS c USING (person_id) JOIN lines AS k ON k.code = m.code
    LEFT JOIN strengths AS s ON s.concept = r.drug_concept_id AND s.medicine = m.code
    WHERE m.kind = 'medicine'
), begun AS (
    SELECT DISTINCT person, start AS next FROM stored WHERE line = 0
), supplies AS (
    SELECT * FROM stored WHERE NOT single
    UNION ALL
    SELECT o.* REPLACE (b.next - 1 AS last_day)
    FROM (SELECT * FROM stored WHERE single) AS o ASOF LEFT JOIN begun AS b
        ON o.person = b.person AND o.start < b.next
), plain AS (
    SELECT *, coalesce(last_day + 1, DATE '9999-12-31') AS stop, row_number() OVER (
        PARTITION BY person, medicine, dose, start ORDER BY id) AS copy
    FROM supplies WHERE start IS NOT NULL AND coalesce(last_day >= start, true)
), told AS (
    -- When it ends, and whether that is a stop: two facts in one number, which is quick to compare.
    SELECT *, (least(stop, DATE '9999-01-01') - DATE '1900-01-01') * 2 + ended::INTEGER AS told FROM plain
), joined AS (
    SELECT *, max(told) OVER (PARTITION BY person, medicine, dose, copy ORDER BY start
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM told
), numbered AS (
    SELECT *, sum((before IS NULL
        OR start - DATE '1900-01-01' > before // 2 + if(before % 2 = 1, 0, {persistence_days}))::INTEGER)
        OVER (PARTITION BY person, medicine, dose, copy ORDER BY start) AS era FROM joined
), eras AS (
    -- Starts differ within a chain, so that the first and the last of it are always the same.
    SELECT person, medicine, line, dose, min(start) AS start, max(stop) AS stop, max(told) % 2 = 1 AS ended,
        arg_max(sig, start) AS sig, arg_min(id, start) AS id, count(*) AS n
    FROM numbered GROUP BY person, medicine, line, dose, copy, era
), starts AS (
    SELECT DISTINCT person, line, start FROM plain
), stopped AS (
    SELECT e.*, CASE WHEN e.stop >= DATE '9999-01-01' THEN NULL WHEN e.ended THEN e.stop
        ELSE least(e.stop + {persistence_days}, s.start) END AS stopped_on
    FROM eras AS e ASOF LEFT JOIN starts AS s
        ON e.person = s.person AND e.line = s.line AND e.stop <= s.start
)
SELECT c.person_id AS patient_id, k.code AS medicine, x.* EXCLUDE (person, medicine), b.may_be FROM (
    SELECT person, medicine, dose AS dose_mg_per_day, sig AS frequency, start AS started_on, stopped_on,
        NULL::VARCHAR AS started_text, 'drug_exposure drug_exposure_id ' || id ||
        CASE WHEN n > 1 THEN ' and ' || (n - 1) || ' more' ELSE '' END AS origin
    FROM stopped
    UNION ALL
    SELECT person, medicine, dose, sig, start, CASE WHEN start IS NULL THEN last_day END,
        CASE WHEN start IS NULL THEN coalesce(start_raw, 'no start day') END,
        'drug_exposure drug_exposure_id ' || id
    FROM supplies WHERE start IS NULL OR last_day < start
) AS x JOIN cohort AS c ON c.n = x.person JOIN lines AS k ON k.medicine = x.medicine
LEFT JOIN may_be AS b ON b.code = k.code
ORDER BY patient_id, medicine, started_on, origin"""
