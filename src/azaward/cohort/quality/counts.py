"""A share's part of every figure, as counts that add up: over shares, and over groups to the whole.

Nothing leaves a share but numbers: so many people, tests or results with one outcome, so many with a number of days.
Where one person has several tests or results, sums of squares go along, so that an interval can allow for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from azaward.cohort.intervals import DAYS_IN_MONTH
from azaward.cohort.nation import Nation
from azaward.cohort.quality.tables import FAR, By, statements
from azaward.knowledge import Knowledge


class Key(NamedTuple):
    """What is counted: the figure, the group of people, the row (up to three words), and the outcome or the days."""

    figure: str
    group: str
    a: str
    b: str
    c: str
    outcome: str
    days: int | None


Counts = Counter[Key]
# Sums over people of (good ones)^2, good ones x all, and all^2: what a clustered interval needs.
SQUARES = ("xx", "xn", "nn")


def count_share(nation: Nation, knowledge: Knowledge, by: By) -> Counts:
    """The counts of the share that `nation` has just assessed."""
    for sql in statements(knowledge, by):
        nation.run(sql)
    counts: Counts = Counter()
    for sql in _queries({row.id: row.value for row in knowledge.tables["parameters"]}):
        for *words, days, n in nation.rows(sql):
            figure, group, a, b, c, outcome = (str(word) if word is not None else "" for word in words)
            key = Key(figure, group, a, b, c, outcome, days)
            counts[key] += int(n)
    return counts


def _queries(numbers: Mapping[str, float]) -> Iterator[str]:
    within = int(numbers["quality_acted_within_days"])
    before = int(numbers["quality_before_stop_days"])
    after_stop = numbers["live_vaccine_months_after_stop"] * DAYS_IN_MONTH
    before_start = numbers["live_vaccine_months_before_start"] * DAYS_IN_MONTH
    yield _PEOPLE
    yield _BASELINE
    yield _EVERY_REQUIRED
    for row, name in (
        ("test AS a, '' AS b, '' AS c", "on_time"),
        ("protocol AS a, phase AS b, test AS c", "on_time_by_phase"),
    ):
        yield _ON_TIME.format(row=row, name=name)
        yield _ON_TIME_SQUARES.format(row=row, name=name)
    yield _UNKNOWN_START
    yield _UP_TO_DATE
    yield _DAYS_LATE
    yield _GAPS
    for row, name in (
        ("analyte AS a, CASE WHEN downward THEN 'low' ELSE 'high' END AS b, '' AS c", "acted_on"),
        ("urgency AS a, '' AS b, '' AS c", "acted_on_by_urgency"),
    ):
        yield _ACTED.format(row=row, name=name, within=within)
        yield _ACTED_SQUARES.format(row=row, name=name, within=within)
        yield _ACTED_DAYS.format(row=row, name=name, within=within)
    yield _ALLOPURINOL
    yield _GENES
    yield _LIVE.format(after_stop=after_stop, before_start=before_start)
    yield _TREATMENT.format(before=before)


_PEOPLE = """
SELECT 'people', grp, '', '', '', CASE WHEN conflict THEN 'contradictory' WHEN NOT begun THEN 'not_begun'
       WHEN NOT sure THEN 'start_unknown' WHEN status = 'on' THEN 'on_treatment' ELSE 'stopped' END AS outcome,
       NULL, count(*)
FROM q_who GROUP BY grp, outcome
"""
_BASELINE = """
SELECT 'tested_before', grp, test, CASE WHEN required THEN 'required' ELSE 'suggested' END AS b, '', outcome, NULL,
       count(*)
FROM q_baseline GROUP BY grp, test, b, outcome
"""
_EVERY_REQUIRED = """
SELECT 'tested_before', grp, 'every_required_test', 'required', '', outcome, NULL, count(*) FROM (
    SELECT patient_id, grp, CASE WHEN bool_and(outcome = 'tested') THEN 'tested'
        WHEN bool_or(outcome NOT IN ('tested', 'unknown')) THEN 'not_tested' ELSE 'unknown' END AS outcome
    FROM q_baseline WHERE required GROUP BY ALL
) GROUP BY grp, outcome
"""
_ON_TIME = """
SELECT '{name}', grp, {row}, outcome, NULL, count(*) FROM q_needs GROUP BY ALL
"""
_ON_TIME_SQUARES = """
WITH each AS (
    SELECT patient_id, grp, {row}, count(*) FILTER (outcome = 'on_time') AS x, count(*) AS n
    FROM q_needs WHERE outcome <> 'not_due' GROUP BY ALL
), summed AS (
    SELECT grp, a, b, c, sum(x * x)::BIGINT AS xx, sum(x * n)::BIGINT AS xn, sum(n * n)::BIGINT AS nn,
           count(*) AS people
    FROM each GROUP BY ALL
)
SELECT '{name}', grp, a, b, c, outcome, NULL, n FROM (UNPIVOT summed ON xx, xn, nn, people INTO NAME outcome VALUE n)
"""
_UNKNOWN_START = """
SELECT DISTINCT 'on_time', w.grp, s.test, '', '', 'people_start_unknown', NULL, count(DISTINCT w.patient_id)
FROM q_who AS w JOIN k_protocol_schedule AS s ON w.protocol = s.protocol
WHERE w.begun AND NOT w.sure AND (s.specialty IN ('any', w.family) OR NOT w.protocol_known) GROUP BY ALL
"""
_UP_TO_DATE = """
WITH each AS (
    SELECT patient_id, grp, test, sum(days_covered)::BIGINT AS x, sum(days_on)::BIGINT AS n FROM q_needs GROUP BY ALL
), summed AS (
    SELECT grp, test, sum(x)::BIGINT AS covered, sum(n - x)::BIGINT AS overdue, sum(x * x)::BIGINT AS xx,
           sum(x * n)::BIGINT AS xn, sum(n * n)::BIGINT AS nn, count(*) AS people FROM each WHERE n > 0 GROUP BY ALL
)
SELECT 'up_to_date', grp, test, '', '', outcome, NULL, n
FROM (UNPIVOT summed ON covered, overdue, xx, xn, nn, people INTO NAME outcome VALUE n)
"""
_DAYS_LATE = """
SELECT 'days_late', grp, test, '', '', '', late::INTEGER, count(*) FROM q_needs
WHERE outcome IN ('late', 'missed') GROUP BY ALL
"""
_GAPS = """
WITH points AS (
    SELECT s.patient_id, s.start_day, a.test, s.start_day AS day FROM q_spells AS s
        JOIN (SELECT DISTINCT patient_id, test FROM q_asked) AS a ON s.patient_id = a.patient_id
    UNION
    SELECT s.patient_id, s.start_day, a.test, s.until_day FROM q_spells AS s
        JOIN (SELECT DISTINCT patient_id, test FROM q_asked) AS a ON s.patient_id = a.patient_id
    UNION
    SELECT s.patient_id, s.start_day, d.test, d.day FROM q_spells AS s
        JOIN (SELECT DISTINCT patient_id, test FROM q_asked) AS a ON s.patient_id = a.patient_id
        JOIN q_done AS d ON a.patient_id = d.patient_id AND a.test = d.test
        AND d.day BETWEEN s.start_day AND s.until_day
), gaps AS (
    SELECT patient_id, test, lead(day) OVER (PARTITION BY patient_id, test, start_day ORDER BY day) - day AS gap
    FROM points
), longest AS (SELECT patient_id, test, coalesce(max(gap), 0) AS gap FROM gaps GROUP BY ALL)
SELECT 'longest_gap', w.grp, l.test, '', '', '', l.gap::INTEGER, count(*)
FROM longest AS l JOIN q_who AS w USING (patient_id) GROUP BY ALL
"""
# So many days are no days: nothing was done.
_NEVER = FAR - 100_000
# The first thing that was done: less of the medicine, none of it, or the test again. What came at once goes first.
_FIRST = f"""
SELECT *, least(coalesce(lowered_day, {FAR}), coalesce(again_day, {FAR})) - day AS days,
       CASE WHEN coalesce(lowered_day, {FAR}) <= coalesce(again_day, {FAR}) THEN coalesce(how, '')
            ELSE 'repeated' END AS first
FROM q_abnormal
"""
_ACTED = f"""
SELECT '{{name}}', grp, {{row}}, CASE WHEN day + {{within}} > as_of_day THEN 'too_recent'
       WHEN days <= {{within}} THEN first WHEN days < {_NEVER} THEN 'later' ELSE 'not_yet' END AS outcome, NULL,
       count(*)
FROM ({_FIRST}) GROUP BY ALL
"""
_ACTED_SQUARES = f"""
WITH each AS (
    SELECT patient_id, grp, {{row}}, count(*) FILTER (days <= {{within}}) AS x, count(*) AS n
    FROM ({_FIRST}) WHERE day + {{within}} <= as_of_day GROUP BY ALL
), summed AS (
    SELECT grp, a, b, c, sum(x * x)::BIGINT AS xx, sum(x * n)::BIGINT AS xn, sum(n * n)::BIGINT AS nn,
           count(*) AS people
    FROM each GROUP BY ALL
)
SELECT '{{name}}', grp, a, b, c, outcome, NULL, n FROM (UNPIVOT summed ON xx, xn, nn, people INTO NAME outcome VALUE n)
"""
_ACTED_DAYS = f"""
SELECT '{{name}}_days', grp, {{row}}, '' AS outcome, days::INTEGER, count(*) FROM ({_FIRST})
WHERE days < {_NEVER} AND day + {{within}} <= as_of_day GROUP BY ALL
"""
# Each time that allopurinol and a thiopurine came together: the dose on that day against the dose before.
_ALLOPURINOL = f"""
WITH share AS (SELECT min(dose_fraction_high) AS share FROM k_interactions WHERE "with" = 'allopurinol'),
allopurinol AS (
    SELECT DISTINCT t.patient_id, t.start_day, least(coalesce(t.stop_day, {FAR}), t.as_of_day) AS until_day,
           t.start_day IS NULL OR t.guessed OR t.backwards AS unsure
    FROM s_taken AS t WHERE t.begun AND t.medicine = 'allopurinol'
), together AS (
    SELECT a.patient_id, greatest(a.start_day, s.start_day) AS day, least(a.until_day, s.until_day) AS until_day,
           a.start_day > s.start_day AS was_on
    FROM allopurinol AS a JOIN q_spells AS s ON a.patient_id = s.patient_id
        AND a.start_day <= s.until_day AND a.until_day > s.start_day WHERE NOT a.unsure
), steps AS (
    SELECT patient_id, start_day, arg_max(whole_dose, medicine) AS dose, bool_or(unknown_dose) AS unknown_dose
    FROM q_steps GROUP BY ALL
), one AS (
    SELECT patient_id, day, max(until_day) AS until_day, bool_or(was_on) AS was_on FROM together GROUP BY ALL
), doses AS (
    SELECT o.*, then_.dose AS dose_then, then_.unknown_dose AS unknown_then,
           before.dose AS dose_before, before.unknown_dose AS unknown_before,
           (SELECT min(l.day) FROM q_lowered AS l
            WHERE l.patient_id = o.patient_id AND l.day BETWEEN o.day AND o.until_day) AS lowered
    FROM one AS o
    ASOF LEFT JOIN steps AS then_
        ON o.patient_id = then_.patient_id AND o.day >= then_.start_day
    ASOF LEFT JOIN steps AS before
        ON o.patient_id = before.patient_id AND o.day - 1 >= before.start_day
)
SELECT 'allopurinol', w.grp, '', '', '', CASE
       WHEN d.lowered = d.day
           OR d.was_on AND d.dose_then < d.dose_before AND NOT d.unknown_then AND NOT d.unknown_before
           OR NOT d.unknown_then AND d.dose_then <= u.usual_high * (SELECT share FROM share) THEN 'by_that_day'
       WHEN d.unknown_then OR d.was_on AND d.unknown_before OR NOT d.was_on AND u.usual_high IS NULL THEN 'unknown'
       WHEN d.lowered IS NOT NULL THEN 'later' ELSE 'never' END AS outcome, NULL, count(*)
FROM doses AS d JOIN q_who AS w USING (patient_id) LEFT JOIN s_usual AS u ON d.patient_id = u.patient_id
GROUP BY ALL
UNION ALL
SELECT 'allopurinol', w.grp, '', '', '', 'unknown', NULL, count(DISTINCT a.patient_id) FROM allopurinol AS a
JOIN q_who AS w USING (patient_id) WHERE w.begun AND (a.unsure OR NOT w.sure) GROUP BY w.grp
"""
_GENES = """
WITH known AS (
    SELECT w.grp, w.conflict, g.tpmt, g.nudt15, g.tpmt_genotype
    FROM q_who AS w JOIN s_genes AS g ON w.patient_id = g.patient_id WHERE w.status = 'on'
)
SELECT 'genes', grp, 'TPMT', '', '', CASE WHEN conflict THEN 'unknown' WHEN tpmt IS NULL THEN 'not_known'
       WHEN tpmt = 'Indeterminate' THEN 'indeterminate'
       WHEN tpmt_genotype IS NULL OR tpmt_genotype = 'Indeterminate' THEN 'activity' ELSE 'genotype' END AS outcome,
       NULL, count(*)
FROM known GROUP BY grp, outcome
UNION ALL
SELECT 'genes', grp, 'NUDT15', '', '', CASE WHEN conflict THEN 'unknown' WHEN nudt15 IS NULL THEN 'not_known'
       WHEN nudt15 = 'Indeterminate' THEN 'indeterminate'
       ELSE 'genotype' END AS outcome, NULL, count(*) FROM known GROUP BY grp, outcome
"""
_LIVE = """
WITH given AS (
    SELECT e.patient_id, datediff('day', DATE '1970-01-01', e.started_on) AS day FROM events AS e
    WHERE e.kind = 'vaccination'
        AND e.code IN (SELECT code FROM k_event_classes WHERE kind = 'vaccination' AND "class" = 'live')
), placed AS (
    SELECT w.patient_id, g.day, w.first_day,
           bool_or(g.day >= s.start_day AND g.day <= s.until_day AND g.day <= w.as_of_day) AS on_treatment,
           bool_or(s.stopped AND g.day > s.until_day AND g.day - s.until_day < {after_stop} AND g.day <= w.as_of_day)
               AS soon_after
    FROM given AS g JOIN q_who AS w USING (patient_id) LEFT JOIN q_spells AS s ON g.patient_id = s.patient_id
    GROUP BY ALL
), worst AS (
    SELECT patient_id, min(CASE WHEN on_treatment THEN 0 WHEN soon_after THEN 1 WHEN day IS NULL THEN 2
        WHEN day < first_day AND first_day - day < {before_start} THEN 3 ELSE 4 END) AS place FROM placed GROUP BY ALL
)
SELECT 'live_vaccines', w.grp, '', '', '', CASE
       WHEN w.conflict OR NOT w.sure AND v.place IS NOT NULL OR v.place = 2 THEN 'unknown'
       WHEN v.place = 0 THEN 'on_treatment' WHEN v.place = 1 THEN 'soon_after' WHEN v.place = 3 THEN 'shortly_before'
       ELSE 'none' END AS outcome, NULL, count(*)
FROM q_who AS w LEFT JOIN worst AS v ON w.patient_id = v.patient_id WHERE w.begun GROUP BY w.grp, outcome
"""
# From the first tablet to the last; what came shortly before the last one stands for the reason, where anything did.
_TREATMENT = """
WITH last AS (
    SELECT s.patient_id, w.grp, w.first_day, w.died_day, max(s.until_day) AS until_day,
           arg_max(s.stopped, s.start_day) AS stopped, w.as_of_day
    FROM q_spells AS s JOIN q_who AS w USING (patient_id) GROUP BY ALL
), came_before AS (
    SELECT l.patient_id, 'abnormal_result' AS reason, 1 AS place FROM last AS l JOIN q_abnormal AS a
        ON l.patient_id = a.patient_id AND a.day BETWEEN l.until_day - {before} AND l.until_day
    UNION ALL
    SELECT l.patient_id, e.kind,
           CASE e.kind WHEN 'pregnancy' THEN 2 WHEN 'symptom' THEN 3 WHEN 'infection' THEN 4 ELSE 5 END
    FROM last AS l JOIN events AS e ON l.patient_id = e.patient_id
        AND datediff('day', DATE '1970-01-01', e.started_on) BETWEEN l.until_day - {before} AND l.until_day
    WHERE e.kind IN ('pregnancy', 'symptom', 'infection', 'procedure')
), reasons AS (SELECT patient_id, arg_min(reason, place) AS reason FROM came_before GROUP BY ALL)
SELECT 'treatment', l.grp, CASE WHEN l.died_day <= l.until_day THEN 'died' WHEN NOT l.stopped THEN 'still_on'
       ELSE coalesce(r.reason, 'not_known') END AS a, '', '', '', (l.until_day - l.first_day)::INTEGER AS days, count(*)
FROM last AS l LEFT JOIN reasons AS r ON l.patient_id = r.patient_id GROUP BY ALL
UNION ALL
SELECT 'treatment', grp, 'start_unknown', '', '', '', NULL, count(*) FROM q_who WHERE begun AND NOT sure GROUP BY grp
"""
