"""What is said of each person: what of their rows can't be used, contradicts itself or was read with care.

`told` holds it: one row a person and matter, with how many rows of the CDM it concerns and the first. Kinds are those
of the totals; what could hide harm is `pressing`, and raises the finding that something couldn't be read. The others
raise the one that something was read with care.
"""

from __future__ import annotations

from typing import NamedTuple

from azaward.cohort.omop.results import AS_WRITTEN, CONTRADICTORY
from azaward.cohort.omop.supplies import SINGLE_DAY
from azaward.cohort.omop.tables import KINDS, place_sql, rows_sql, worded_sql
from azaward.parquet import sql_text

# What a person's finding goes by: the first asks for somebody to look, the second says that care was taken.
PRESSING, WITH_CARE = "unusable", "omop_with_care"
TOLD = "CREATE TABLE told (kind VARCHAR, person_id VARCHAR, place VARCHAR, what VARCHAR, n BIGINT)"


class Matter(NamedTuple):
    """Something that is said of people: whether it could hide harm, and what to do about it."""

    pressing: bool
    why: str


MATTERS = {
    "omop_unreadable_date": Matter(
        True, "not a day (YYYY-MM-DD), or one that nobody alive can have had: it counts as unknown. Correct it."
    ),
    "omop_before_birth": Matter(True, "before the birth of this person. Correct the date, or the row's person_id."),
    "omop_after_death": Matter(
        True, "after this person died by the table death. Find out whether they live: nobody who died is assessed."
    ),
    "omop_death_undated": Matter(True, "died on an unknown day: not assessed. Enter the day, or remove the row."),
    "omop_end_before_start": Matter(True, "ends before it begins: the end counts as unknown. Correct a date."),
    "omop_unreadable_number": Matter(True, "not a number: it counts as unknown. Correct it."),
    "omop_doubtful_test": Matter(
        True,
        "looks like this test and isn't known to be it (a part or a percentage of it, another specimen or another "
        "code), and no newer result of the test can be used. Look at the result; if it is that test, map it.",
    ),
    "omop_serious_words": Matter(
        True, "words of a test that azaward doesn't recognise, and they may be serious. Read them."
    ),
    "omop_sex_in_words": Matter(
        False, "expected female, male, other or unknown: the sex counts as unknown. Give gender_concept_id."
    ),
    "omop_two_values": Matter(
        False, "value_as_number and value_source_value differ: both count, and the worse decides. Correct one of them."
    ),
    "omop_single_day": Matter(
        False,
        "a supply of a thiopurine that ends on the day it began, without days_supply: its end is unknown, so that it "
        "counts as taken until the next. Give days_supply, or stop_reason where it was stopped.",
    ),
    "omop_unlisted_concept": Matter(
        False, "its concept isn't in the vocabulary given: read by the source's own word. Add the concept."
    ),
    "omop_outside_period": Matter(
        False, "outside the observation periods of this person: used. Other rows of that time may be missing."
    ),
}


def tell(kind: str, rows: str) -> str:
    """Adds what a query says: (person_id, place, what) of each row of the CDM."""
    return (
        f"INSERT INTO told SELECT {sql_text(kind)}, person_id, min(place), what, count(*) "
        f"FROM ({rows}) AS x (person_id, place, what) WHERE person_id IS NOT NULL GROUP BY person_id, what"
    )


# Of whom: the first day that they can have lived, the day they died, and when they were followed.
LIVES = """
CREATE TABLE lives AS SELECT c.person_id, b.born, d.died, p.first, p.last, p.periods
FROM cohort AS c
LEFT JOIN (SELECT person_id, min(coalesce(TRY_CAST(printf('%04d-%02d-%02d', TRY_CAST(year_of_birth AS INTEGER),
    coalesce(TRY_CAST(month_of_birth AS INTEGER), 1), coalesce(TRY_CAST(day_of_birth AS INTEGER), 1)) AS DATE),
    birth_datetime)) AS born FROM cdm_person WHERE year_of_birth IS NULL OR year_of_birth BETWEEN {earliest} AND 9999
    GROUP BY person_id) AS b USING (person_id)
LEFT JOIN (SELECT person_id, max(death_date) AS died FROM cdm_death GROUP BY person_id) AS d USING (person_id)
LEFT JOIN (SELECT person_id, min(observation_period_start_date) AS first, max(observation_period_end_date) AS last,
    list({{'first': observation_period_start_date, 'last': observation_period_end_date}}) AS periods
    FROM cdm_observation_period WHERE observation_period_start_date <= observation_period_end_date
    GROUP BY person_id) AS p USING (person_id)"""
_ENDS = {
    "drug_exposure": ("drug_exposure_end_date", "verbatim_end_date"),
    "condition_occurrence": ("condition_end_date",),
}


def _odd(table: str) -> str:
    """Whether the dates of a row `s` can't be right."""
    kind, ends = KINDS[table], _ENDS.get(table, ())
    odd = [f"(s.{date} IS NULL AND s.{date}_raw IS NOT NULL)" for date in (kind.day, *ends)]
    odd += [f"coalesce(s.{end} < s.{kind.day}, false)" for end in ends]
    odd += [f"coalesce(s.{kind.day} < l.born OR s.{kind.day} > l.died + {{after_death}}, false)"]
    return " OR ".join(odd)


def checked_sql(table: str) -> str:
    """Makes `checked_TABLE`: who has rows whose dates can't be right, or outside all of their observation periods.

    The table is read once for both; where nothing is odd, that is all.
    """
    kind = KINDS[table]
    day = f"s.{kind.day}"
    within = f"{day} BETWEEN l.first AND l.last AND (len(l.periods) = 1 OR "
    within += f"len(list_filter(l.periods, lambda p: {day} BETWEEN p.first AND p.last)) > 0)"
    return (
        f"CREATE TABLE checked_{table} AS SELECT *, odd > 0 AS is_odd FROM (SELECT s.person_id, "
        f"count(*) FILTER (NOT ({within})) AS outside, min(s.{kind.row}) FILTER (NOT ({within})) AS first_row, "
        f"any_value(l.first) AS first, any_value(l.last) AS last, count(*) FILTER ({_odd(table)}) AS odd "
        f"FROM cdm_{table} AS s JOIN lives AS l USING (person_id) GROUP BY s.person_id) WHERE outside > 0 OR odd > 0"
    )


def odd_sql(table: str) -> str:
    """Makes `odd_TABLE`: the rows that azaward understands and whose dates can't be right; few, if any."""
    return (
        f"CREATE TABLE odd_{table} AS WITH seen AS MATERIALIZED (SELECT s.*, l.born, l.died FROM cdm_{table} AS s "
        f"JOIN lives AS l USING (person_id) SEMI JOIN checked_{table} AS c ON c.person_id = s.person_id AND c.is_odd "
        f"WHERE {_odd(table)}) SELECT DISTINCT r.* {rows_sql(table, 'seen')}"
    )


def outside_sql(table: str) -> str:
    """Adds what `checked_TABLE` counted outside the observation periods."""
    return (
        f"INSERT INTO told SELECT 'omop_outside_period', person_id, '{table} {KINDS[table].row} ' || first_row, "
        f"'{table} outside ' || first || ' to ' || last, outside FROM checked_{table} WHERE outside > 0"
    )


def dates_sql(table: str) -> list[tuple[str, str]]:
    """The kinds of `odd_TABLE`, and the query of each."""
    kind, place, rows = KINDS[table], place_sql(table), f"FROM odd_{table} AS r"
    found: list[tuple[str, str]] = []
    for date in (kind.day, *_ENDS.get(table, ())):
        what = f"'{date} ''' || r.{date}_raw || ''''"
        unread = f"WHERE r.{date} IS NULL AND r.{date}_raw IS NOT NULL"
        found.append(("omop_unreadable_date", f"SELECT r.person_id, {place}, {what} {rows} {unread}"))
    for end in _ENDS.get(table, ()):
        what = f"'{end} ' || r.{end} || ', begun on ' || r.{kind.day}"
        found.append(
            ("omop_end_before_start", f"SELECT r.person_id, {place}, {what} {rows} WHERE r.{end} < r.{kind.day}")
        )
    born = f"'{kind.day} ' || r.{kind.day} || ', born on ' || r.born"
    found.append(("omop_before_birth", f"SELECT r.person_id, {place}, {born} {rows} WHERE r.{kind.day} < r.born"))
    died = f"'{table} after the death on ' || r.died"
    found.append(
        (
            "omop_after_death",
            f"SELECT r.person_id, {place}, {died} {rows} WHERE r.{kind.day} > r.died + {{after_death}}",
        )
    )
    return found


DEATH = (
    "SELECT r.person_id, 'death', coalesce('death_date ''' || r.death_date_raw || '''', 'no death_date') "
    "FROM cdm_death AS r SEMI JOIN cohort USING (person_id) WHERE r.death_date IS NULL"
)
BIRTH = (
    "SELECT r.person_id, 'person', CASE WHEN r.year_of_birth IS NULL THEN 'birth_datetime ''' || r.birth_datetime_raw "
    "ELSE 'year_of_birth ''' || r.year_of_birth_raw END || '''' FROM cdm_person AS r JOIN lives AS l USING (person_id) "
    "WHERE l.born IS NULL AND coalesce(r.year_of_birth_raw, r.birth_datetime_raw) IS NOT NULL"
)
SEX = (
    "SELECT r.person_id, 'person', 'gender_source_value ''' || r.gender_source_value || '''' FROM cdm_person AS r "
    "SEMI JOIN cohort USING (person_id) LEFT JOIN sexes_said AS s ON s.said = r.gender_source_value "
    "WHERE r.gender_concept_id IS NULL AND r.gender_source_value IS NOT NULL AND s.code IS NULL"
)
_DOSED = f"{rows_sql('drug_exposure')} SEMI JOIN cohort USING (person_id) WHERE m.kind = 'medicine' AND "
NUMBERS = " UNION ALL ".join(
    f"SELECT r.person_id, {place_sql('drug_exposure')}, '{column} ''' || r.{column}_raw || '''' {_DOSED}"
    f"m.code IN (SELECT id FROM thiopurines) AND r.{column} IS NULL AND r.{column}_raw IS NOT NULL"
    for column in ("quantity", "days_supply")
) + "".join(
    f" UNION ALL SELECT r.person_id, {place_sql('measurement')}, m.code || ': {column} ''' || r.{column}_raw || '''' "
    f"{rows_sql('measurement')} SEMI JOIN cohort USING (person_id) "
    f"WHERE m.kind = 'analyte' AND r.{column} IS NULL AND r.{column}_raw IS NOT NULL"
    for column in ("range_low", "range_high")
)
SINGLE_DAYS = f"SELECT r.person_id, {place_sql('drug_exposure')}, m.code {_DOSED}{SINGLE_DAY}"
TWO_UNITS = CONTRADICTORY


def two_values_sql(results: str) -> str:
    """Results in the translated table `results` that stand there a second time, as their source wrote them."""
    return (
        f"SELECT patient_id, replace(origin, '{AS_WRITTEN}', ''), analyte || ': its source wrote ' || value "
        f"FROM {results} WHERE ends_with(origin, '{AS_WRITTEN}')"
    )


def doubtful_sql(table: str, results: str) -> str:
    """Rows of a test that is only like one of ours, where no result of that one in `results` is as new."""
    kind = KINDS[table]
    name = "coalesce(d.name, w.source, 'concept ' || w.concept)"
    beside = "CASE WHEN w.source <> d.name THEN ' (source ''' || w.source || ''')' ELSE '' END"
    return (
        f"SELECT r.person_id, {place_sql(table)}, m.code || '?: ' || {name} || coalesce({beside}, '') "
        f"{rows_sql(table)} JOIN cohort USING (person_id) "
        "LEFT JOIN named AS d ON d.id = w.concept "
        f"LEFT JOIN (SELECT patient_id, analyte, max(taken_on) AS day FROM {results} WHERE value IS NOT NULL "
        f"GROUP BY ALL) AS b ON b.patient_id = r.person_id AND b.analyte = m.code "
        f"WHERE m.kind = 'doubt' AND NOT coalesce(b.day >= r.{kind.day}, false)"
    )


def unlisted_sql(table: str) -> str:
    """Rows read by the source's word because their concept is in no vocabulary: `unlisted` has their combinations."""
    return (
        f"SELECT r.person_id, {place_sql(table)}, '{table} ' || coalesce(w.source, '') || ', concept ' || w.concept "
        f"{worded_sql(table)} SEMI JOIN cohort USING (person_id) "
        f"WHERE w.w IN (SELECT u.w FROM unlisted AS u WHERE u.cdm = '{table}')"
    )


def words_of_unknown_sql(table: str) -> str:
    """What tests that mean nothing to azaward say in words: each once, with its name."""
    said = "r.value_source_value" if table == "measurement" else "coalesce(r.value_as_string, r.value_source_value)"
    return (
        f"SELECT coalesce(d.name, w.source, 'concept ' || w.concept) AS name, coalesce(v.name, {said}) AS said, w.w "
        f"{worded_sql(table)} SEMI JOIN cohort USING (person_id) LEFT JOIN named AS d ON d.id = w.concept "
        "LEFT JOIN named AS v ON v.id = r.value_as_concept_id "
        f"WHERE r.value_as_number IS NULL AND w.w NOT IN (SELECT m.w FROM means_{table} AS m) "
        f"AND regexp_matches(coalesce(v.name, {said}), '[A-Za-z]') GROUP BY ALL"
    )


def serious_sql(table: str) -> str:
    """The rows that say one of the words kept in `serious`."""
    said = "r.value_source_value" if table == "measurement" else "coalesce(r.value_as_string, r.value_source_value)"
    return (
        f"SELECT r.person_id, {place_sql(table)}, x.name || ': ' || x.said {worded_sql(table)} "
        "SEMI JOIN cohort USING (person_id) LEFT JOIN named AS v ON v.id = r.value_as_concept_id "
        f"JOIN serious AS x ON x.w = w.w AND x.cdm = '{table}' AND x.said = coalesce(v.name, {said}) "
        "WHERE r.value_as_number IS NULL"
    )
