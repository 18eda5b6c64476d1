"""Who was treated when, tested when, and beyond which limit on which day: the history behind a service's figures.

The rules ask about one day, `as_of`. A service is judged by every day before it. These tables, worked out in DuckDB
for a share of patients after `Nation.assess`, read the same stages and the same protocol rows as the rules do; days
are numbers since 1970-01-01. `tests/cohort/test_quality.py` holds them to the rules' own stages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from azaward.knowledge import Knowledge
from azaward.rules.stages.person import FAR

By = Literal["none", "clinic", "protocol", "year"]
UNKNOWN_GROUP = "not known"
# A result beyond a limit that asks for one of these is abnormal.
ACTED_ON = ("stop", "withhold", "reduce")
_DAY = "datediff('day', DATE '1970-01-01', {})"


def _day(column: str) -> str:
    return _DAY.format(column)


def statements(knowledge: Knowledge, by: By) -> Iterator[str]:
    """The SQL that makes the tables of one share, in order."""
    numbers = {name: knowledge.parameters[name].value for name in _PARAMETERS}
    yield f"CREATE OR REPLACE TABLE q_entries AS {_ENTRIES}"
    yield f"CREATE OR REPLACE TABLE q_who AS {_WHO.format(group=_GROUPS[by])}"
    yield f"CREATE OR REPLACE TABLE q_steps AS {_STEPS}"
    yield f"CREATE OR REPLACE TABLE q_spells AS {_SPELLS}"
    yield f"CREATE OR REPLACE TABLE q_lowered AS {_LOWERED}"
    yield f"CREATE OR REPLACE TABLE q_parts AS {_PARTS}"
    yield f"CREATE OR REPLACE TABLE q_done AS {_done(knowledge)}"
    yield f"CREATE OR REPLACE TABLE q_baseline AS {_BASELINE.format(**numbers)}"
    yield f"CREATE OR REPLACE TABLE q_anchors AS {_ANCHORS}"
    yield f"CREATE OR REPLACE TABLE q_asked AS {_ASKED}"
    yield f"CREATE OR REPLACE TABLE q_needs AS {_NEEDS}"
    yield f"CREATE OR REPLACE TABLE q_abnormal AS {_ABNORMAL}"


_PARAMETERS = ("cervical_from_years", "cervical_until_years")

_GROUPS: dict[By, str] = {
    "none": "'all'",
    "protocol": "p.protocol",
    "year": "coalesce(CASE WHEN b.sure THEN year(DATE '1970-01-01' + b.first_day::INTEGER)::VARCHAR END, "
    f"'{UNKNOWN_GROUP}')",
    "clinic": "coalesce((SELECT CASE WHEN min(c.clinic) = max(c.clinic) THEN min(c.clinic) END FROM patients AS c "
    f"WHERE c.patient_id = p.patient_id), '{UNKNOWN_GROUP}')",
}

# Entries of a thiopurine that have begun. Nothing or less is no dose that anyone takes.
_ENTRIES = """
SELECT t.patient_id, t.medicine, CASE WHEN t.dose_mg_per_day > 0 THEN t.dose_mg_per_day END AS dose,
       t.running, t.stop_day, CASE WHEN NOT t.guessed THEN t.start_day END AS start_day,
       t.guessed OR t.backwards OR t.start_day IS NULL AS unsure
FROM s_taken AS t
WHERE t.begun AND t.medicine IN (SELECT medicine FROM k_medicine_classes WHERE "class" = 'thiopurine')
"""

# `sure`: the day of the first tablet is known. One entry of which it isn't could have been the first.
_WHO = """
SELECT p.patient_id, {group} AS grp, p.protocol, p.protocol_known, p.family, p.sex, p.birth_date, p.age, p.as_of_day,
       p.status, p.deceased, coalesce(p.conflict, false) AS conflict, b.patient_id IS NOT NULL AS begun,
       coalesce(b.sure AND NOT coalesce(p.conflict, false) AND NOT (p.deceased AND d.died_day IS NULL), false) AS sure,
       b.first_day, d.died_day
FROM s_person AS p
LEFT JOIN (SELECT patient_id, min(start_day) AS first_day, NOT bool_or(unsure) AS sure FROM q_entries GROUP BY ALL)
    AS b ON p.patient_id = b.patient_id
LEFT JOIN (SELECT e.patient_id, min({died}) AS died_day FROM events AS e JOIN requests AS r USING (patient_id)
           WHERE e.kind = 'condition' AND e.code = 'deceased' AND e.started_on <= r.as_of GROUP BY ALL)
    AS d ON p.patient_id = d.patient_id
""".replace("{died}", _day("e.started_on"))

# The steps of the dose, as rules/stages/person.py puts them together, of everyone whose start is known.
_STEPS = f"""
SELECT *, coalesce(place = 1 OR other OR dose > prior OR unknown_dose OR prior IS NULL OR prior_end < start_day, true)
       AS rose
FROM (
    SELECT *, row_number() OVER steps AS place, lag(dose) OVER steps AS prior,
           lag(azathioprine) OVER steps AS prior_azathioprine,
           lag(medicine) OVER steps <> medicine AS other, lag(unknown_dose) OVER steps AS prior_unknown,
           max(stop) OVER (PARTITION BY patient_id ORDER BY start_day, medicine
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) + 1 AS prior_end,
           lead(start_day) OVER steps AS next_start
    FROM (
        SELECT patient_id, medicine, start_day, bool_or(dose IS NULL) AS unknown_dose,
               coalesce(sum(dose) FILTER (running), sum(dose)) AS dose, sum(dose) AS whole_dose,
               coalesce(sum(dose) FILTER (running), sum(dose)) * max(azathioprine_mg) AS azathioprine,
               max(coalesce(stop_day, {FAR})) AS stop
        FROM q_entries JOIN (SELECT patient_id FROM q_who WHERE sure) USING (patient_id)
             LEFT JOIN k_thiopurines USING (medicine)
        GROUP BY patient_id, medicine, start_day
    )
    WINDOW steps AS (PARTITION BY patient_id ORDER BY start_day, medicine)
)
"""

# Unbroken treatment: from its first day to its last that lies before the end of what is known.
_SPELLS = f"""
SELECT s.patient_id, min(start_day) AS start_day,
       least(max(stop), w.as_of_day, coalesce(w.died_day, {FAR})) AS until_day,
       coalesce(max(stop) <= least(w.as_of_day, coalesce(w.died_day, {FAR})), false) AS stopped
FROM (
    SELECT *, sum((place = 1 OR prior_end < start_day)::INTEGER) OVER (
        PARTITION BY patient_id ORDER BY start_day, medicine) AS spell
    FROM q_steps
) AS s JOIN q_who AS w ON s.patient_id = w.patient_id
WHERE s.start_day <= coalesce(w.died_day, {FAR})
GROUP BY s.patient_id, spell, w.as_of_day, w.died_day
"""

# Days on which the dose went down, and those on which treatment ended. What is not known to be lower is not lower.
_LOWERED = """
SELECT DISTINCT patient_id, day, how FROM (
    SELECT patient_id, start_day AS day, 'lowered' AS how FROM q_steps
    WHERE (CASE WHEN other THEN azathioprine < prior_azathioprine ELSE dose < prior END)
      AND NOT unknown_dose AND NOT prior_unknown AND prior_end >= start_day AND place > 1
    UNION ALL
    SELECT e.patient_id, e.stop_day, 'lowered' FROM q_entries AS e JOIN q_steps AS s
        ON e.patient_id = s.patient_id AND e.medicine = s.medicine AND e.start_day = s.start_day
    WHERE e.stop_day < s.stop AND (s.next_start IS NULL OR e.stop_day < s.next_start)
    UNION ALL
    SELECT patient_id, until_day, 'stopped' FROM q_spells WHERE stopped
) AS l JOIN q_who AS w USING (patient_id) WHERE day <= w.as_of_day
"""

# Each part of each test, with the day: what stages/due.py calls a slot that is filled.
_PARTS = f"""
WITH tests AS (
    SELECT test, slot, satisfied_by, replace(code, '_', ' ') AS words, code,
           dense_rank() OVER (PARTITION BY test ORDER BY slot) AS slot_place FROM k_tests
)
SELECT DISTINCT patient_id, test, slot_place, day FROM (
    SELECT r.patient_id, t.test, t.slot_place, {_day("r.taken_on")} AS day
    FROM s_readings AS r JOIN tests AS t ON t.satisfied_by = 'analyte' AND r.analyte::VARCHAR = t.code
    WHERE r.problem IS NULL
    UNION ALL
    SELECT g.patient_id, t.test, t.slot_place, {_day("g.reported_on")}
    FROM genotypes AS g JOIN requests AS a USING (patient_id) JOIN tests AS t
        ON t.satisfied_by = 'genotype' AND g.gene = t.code
    WHERE (g.reported_on <= a.as_of OR g.reported_on IS NULL) AND (g.diplotype IS NOT NULL OR g.phenotype IS NOT NULL)
    UNION ALL
    SELECT e.patient_id, t.test, t.slot_place, {_day("e.started_on")}
    FROM events AS e JOIN requests AS a USING (patient_id) JOIN tests AS t
        ON t.satisfied_by = 'event' AND replace(concat(e.kind, ':', lower(e.code)), '_', ' ') = t.words
    WHERE e.started_on <= a.as_of OR e.started_on IS NULL
)
"""


def _done(knowledge: Knowledge) -> str:
    """Each day on which a test became complete, and the day of its oldest part then, which is what counts."""
    slots: dict[str, set[str]] = {}
    for row in knowledge.tables["tests"]:
        slots.setdefault(row.test, set()).add(row.slot)
    most = max((len(each) for each in slots.values()), default=1)
    last = ", ".join(
        f"max(CASE WHEN slot_place = {place} THEN day END) OVER so_far AS slot_{place}" for place in range(1, most + 1)
    )
    oldest = ", ".join(
        f"CASE WHEN {place} > n.slots THEN {FAR} ELSE d.slot_{place} END" for place in range(1, most + 1)
    )
    whole = " AND ".join(f"({place} > n.slots OR d.slot_{place} IS NOT NULL)" for place in range(1, most + 1))
    return f"""
SELECT patient_id, test, oldest_day, min(day) AS day FROM (
    SELECT d.patient_id, d.test, d.day, least({oldest}, {FAR}) AS oldest_day
    FROM (SELECT *, {last} FROM q_parts WHERE day IS NOT NULL
          WINDOW so_far AS (PARTITION BY patient_id, test ORDER BY day RANGE UNBOUNDED PRECEDING)) AS d
    JOIN (SELECT test, count(DISTINCT slot) AS slots FROM k_tests GROUP BY test) AS n USING (test)
    WHERE {whole}
) GROUP BY ALL
"""


# What the protocol asks for before the first tablet, and what was there on that day, as in rules/before/baseline.py.
_BASELINE = f"""
WITH asked AS (
    SELECT w.*, b.test, b.required, b.within_days,
           date_sub('year', w.birth_date, CASE WHEN w.sure
               THEN DATE '1970-01-01' + w.first_day::INTEGER
               ELSE DATE '1970-01-01' + w.as_of_day::INTEGER END) AS age_then
    FROM q_who AS w JOIN k_protocol_baseline AS b ON w.protocol = b.protocol
    WHERE w.begun AND (b.specialty IN ('any', w.family) OR NOT w.protocol_known)
), concerned AS (
    SELECT * FROM asked WHERE NOT coalesce(test IN ('cervical_screening', 'pregnancy_test') AND (
        sex = 'male' OR (test = 'cervical_screening' AND age_then < {{cervical_from_years}})
        OR age_then > {{cervical_until_years}}), false)
), one AS (
    SELECT DISTINCT ON (patient_id, test) * FROM concerned
    ORDER BY patient_id, test, required DESC, within_days NULLS LAST
), complete AS (
    SELECT o.patient_id, o.test, max(d.oldest_day) AS oldest_day FROM one AS o JOIN q_done AS d
        ON o.patient_id = d.patient_id AND o.test = d.test AND d.day <= o.first_day GROUP BY ALL
), parts AS (
    SELECT o.patient_id, o.test, bool_or(p.day <= o.first_day) AS some, bool_or(p.day IS NULL) AS undated
    FROM one AS o JOIN q_parts AS p ON o.patient_id = p.patient_id AND o.test = p.test GROUP BY ALL
)
SELECT o.patient_id, o.grp, o.test, o.required,
       CASE WHEN NOT o.sure THEN 'unknown'
            WHEN o.first_day - c.oldest_day <= coalesce(o.within_days, {FAR}) THEN 'tested'
            WHEN coalesce(p.undated, false) THEN 'unknown'
            WHEN c.oldest_day IS NOT NULL THEN 'too_old'
            WHEN coalesce(p.some, false) THEN 'incomplete' ELSE 'not_tested' END AS outcome
FROM one AS o LEFT JOIN complete AS c ON o.patient_id = c.patient_id AND o.test = c.test
LEFT JOIN parts AS p ON o.patient_id = p.patient_id AND o.test = p.test
"""

# The days from which a schedule's rows count: the start, each rise of the dose, each medicine that asks for tests.
_ANCHORS = f"""
SELECT patient_id, 'start' AS since, first_day AS day, {FAR} AS until_day FROM q_who WHERE sure
UNION ALL
SELECT DISTINCT patient_id, 'dose_increase', start_day, {FAR} FROM q_steps WHERE rose
UNION ALL
SELECT DISTINCT t.patient_id, 'risk', t.start_day, coalesce(t.stop_day, {FAR})
FROM s_taken AS t JOIN q_who AS w USING (patient_id)
WHERE w.sure AND t.begun AND NOT t.guessed AND t.start_day IS NOT NULL AND (
    t.medicine IN (SELECT "with" FROM k_interactions WHERE with_kind = 'ingredient' AND test IS NOT NULL)
    OR t.medicine IN (SELECT c.medicine FROM k_medicine_classes AS c JOIN k_interactions AS i ON c."class" = i."with"
                      WHERE i.with_kind = 'class' AND i.test IS NOT NULL))
"""

# From the start and from each test: the day on which the next one was due, and the row of the schedule that said so.
_ASKED = f"""
WITH rows AS (
    SELECT row_number() OVER (ORDER BY every_days, phase, protocol, test, since, from_day) AS row_place, *
    FROM k_protocol_schedule
), tests AS (
    SELECT DISTINCT w.patient_id, s.test FROM q_who AS w JOIN k_protocol_schedule AS s ON w.protocol = s.protocol
    WHERE w.sure AND (s.specialty IN ('any', w.family) OR NOT w.protocol_known)
), points AS (
    SELECT t.patient_id, t.test, w.first_day AS from_day, w.first_day AS known_day
    FROM tests AS t JOIN q_who AS w USING (patient_id)
    UNION ALL
    SELECT t.patient_id, t.test, d.oldest_day, d.day FROM tests AS t JOIN q_done AS d
        ON t.patient_id = d.patient_id AND t.test = d.test
    JOIN q_who AS w ON t.patient_id = w.patient_id WHERE d.oldest_day > w.first_day
), ordered AS (
    SELECT *, lead(known_day) OVER (PARTITION BY patient_id, test ORDER BY from_day) AS next_day FROM points
), due AS (
    SELECT o.patient_id, o.test, o.from_day, o.next_day, s.row_place, s.every_days, a.until_day AS anchor_until,
           greatest(o.from_day, a.day + s.from_day) + s.every_days AS due_day
    FROM ordered AS o JOIN q_who AS w USING (patient_id)
    JOIN rows AS s ON w.protocol = s.protocol AND o.test = s.test
        AND (s.specialty IN ('any', w.family) OR NOT w.protocol_known)
    JOIN q_anchors AS a ON o.patient_id = a.patient_id AND s.since = a.since
    WHERE o.from_day < coalesce(a.day + s.until_day, {FAR}) AND a.day < coalesce(o.next_day, {FAR})
)
SELECT f.* EXCLUDE (first), f.first.due_day AS due_day, f.first.every_days AS every_days, phases.phase AS phase
FROM (
    SELECT patient_id, test, from_day, next_day,
           min(struct_pack(due_day := due_day, every_days := every_days, row_place := row_place)) AS first
    FROM due WHERE due_day <= anchor_until GROUP BY patient_id, test, from_day, next_day
) AS f JOIN rows AS phases ON f.first.row_place = phases.row_place
"""

# A test that falls due in a pause is due on the day treatment begins again. What falls due later than today, or
# after the end of treatment, is not due.
_NEEDS = f"""
WITH placed AS (
    SELECT a.patient_id, a.test, a.from_day, a.next_day, a.due_day, a.every_days, a.phase,
           w.grp, w.protocol, w.as_of_day,
           CASE WHEN bool_or(a.due_day BETWEEN s.start_day AND s.until_day) THEN a.due_day
                ELSE min(s.start_day) FILTER (s.start_day > a.due_day) END AS day,
           sum(greatest(0, least(s.until_day, coalesce(a.next_day, {FAR})) - greatest(s.start_day, a.from_day)))
               AS days_on,
           sum(greatest(0, least(s.until_day, coalesce(a.next_day, {FAR}), a.due_day)
               - greatest(s.start_day, a.from_day))) AS days_covered
    FROM q_asked AS a JOIN q_who AS w USING (patient_id) JOIN q_spells AS s ON a.patient_id = s.patient_id
    GROUP BY a.patient_id, a.test, a.from_day, a.next_day, a.due_day, a.every_days, a.phase,
             w.grp, w.protocol, w.as_of_day
)
SELECT p.patient_id, p.grp, p.protocol, p.test, p.phase, p.every_days, p.days_on, p.days_covered,
       greatest(0, least(coalesce(p.next_day, {FAR}), s.until_day) - p.day) AS late,
       CASE WHEN p.day IS NULL OR p.day > coalesce(p.next_day, {FAR}) AND p.due_day < p.day THEN 'not_due'
            WHEN p.next_day <= p.day THEN 'on_time'
            WHEN p.day >= p.as_of_day OR p.day >= s.until_day THEN 'not_due'
            WHEN least(coalesce(p.next_day, {FAR}), s.until_day) - p.day >= p.every_days THEN 'missed'
            ELSE 'late' END AS outcome
FROM placed AS p LEFT JOIN q_spells AS s ON p.patient_id = s.patient_id AND p.day BETWEEN s.start_day AND s.until_day
QUALIFY row_number() OVER (PARTITION BY p.patient_id, p.test, p.from_day ORDER BY s.start_day DESC) = 1
"""

# Every day on treatment with a result beyond a limit of the person's protocol. rules/counts/limits.py asks of the last.
_ABNORMAL = f"""
WITH limits AS (
    SELECT row_number() OVER () AS place, protocol, specialty, analyte, comparison, value AS threshold, relative_to,
           coalesce(within_days, {FAR})::INTEGER AS within_days, action_rank, urgency, urgency_rank
    FROM k_protocol_limits WHERE action IN ({", ".join(f"'{word}'" for word in ACTED_ON)})
), days AS (
    SELECT r.patient_id, r.analyte, {_day("r.taken_on")}::INTEGER AS day,
           min(CASE WHEN r.comparator IN ('<', '<=') THEN 0 ELSE r.measured END) AS low,
           max(CASE WHEN r.comparator IN ('>', '>=') THEN 'Infinity'::DOUBLE ELSE r.measured END) AS high,
           max(r.measured) AS shown_high, max(r.lln) AS lln, min(r.uln) AS uln
    FROM s_readings AS r WHERE r.problem IS NULL AND r.analyte IN (SELECT analyte FROM limits)
        AND r.patient_id IN (SELECT patient_id FROM q_who WHERE sure) GROUP BY ALL
), ordered AS (
    SELECT *, lag(low) OVER of_one AS low_before, lead(day) OVER of_one AS again_day FROM days
    WINDOW of_one AS (PARTITION BY patient_id, analyte ORDER BY day)
), beside AS (
    SELECT o.*, w.grp, w.as_of_day, l.* EXCLUDE (analyte, protocol, specialty),
           CASE WHEN l.relative_to LIKE 'baseline-%' THEN min(o.low) OVER earlier END AS earlier_low,
           CASE WHEN l.relative_to LIKE 'baseline-%' THEN max(o.shown_high) OVER earlier END AS earlier_high
    FROM ordered AS o JOIN q_who AS w USING (patient_id)
    JOIN limits AS l ON w.protocol = l.protocol AND o.analyte = l.analyte
        AND (l.specialty IN ('any', w.family) OR NOT w.protocol_known)
    WINDOW earlier AS (PARTITION BY o.patient_id, l.place ORDER BY o.day
                       RANGE BETWEEN l.within_days PRECEDING AND 1 PRECEDING)
), bounds AS (
    SELECT *, comparison IN ('below', 'at-most') AS downward, CASE relative_to
        WHEN 'absolute' THEN threshold
        WHEN 'upper-limit-of-normal' THEN threshold * uln
        WHEN 'lower-limit-of-normal' THEN threshold * lln
        WHEN 'baseline-rise-percent' THEN earlier_low * (1 + threshold / 100)
        WHEN 'baseline-fall-percent' THEN earlier_high * (1 - threshold / 100)
        WHEN 'previous-fall-percent' THEN low_before * (1 - threshold / 100) END AS bound
    FROM beside
), crossed AS (
    SELECT patient_id, grp, as_of_day, analyte::VARCHAR AS analyte, downward, day, again_day,
           min(urgency_rank) AS urgency_rank, arg_min(urgency, urgency_rank) AS urgency
    FROM bounds WHERE CASE comparison WHEN 'below' THEN low < bound WHEN 'at-most' THEN low <= bound
        WHEN 'above' THEN high > bound ELSE high >= bound END
    GROUP BY ALL
), treated AS (
    SELECT c.* FROM crossed AS c JOIN q_spells AS s
        ON c.patient_id = s.patient_id AND c.day > s.start_day AND c.day <= s.until_day
)
SELECT t.*, l.day AS lowered_day, l.how FROM treated AS t LEFT JOIN (
    SELECT t.patient_id, t.day AS result_day, min(l.day) AS day, arg_min(l.how, (l.day, l.how)) AS how
    FROM (SELECT DISTINCT patient_id, day FROM treated) AS t JOIN q_lowered AS l
        ON t.patient_id = l.patient_id AND l.day >= t.day GROUP BY ALL
) AS l ON t.patient_id = l.patient_id AND t.day = l.result_day
"""
