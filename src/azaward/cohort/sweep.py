"""What would another protocol find in the same people? Findings, alarms, tests and decisions, protocol beside protocol.

Each share of a nation is assessed under every protocol before the next share is read; what is kept are counts.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import msgspec

from azaward import __version__
from azaward.cohort.assess import MEMORY_MB, check_protocol
from azaward.cohort.intervals import DAYS_IN_YEAR
from azaward.cohort.nation import Nation
from azaward.cohort.source import find
from azaward.knowledge import URGENCIES, Knowledge

SHARE = 50_000
# Beyond these nobody needs to be told before the next visit.
CALM = ("routine", "info")


class Under(msgspec.Struct, frozen=True, kw_only=True):
    """What one protocol finds.

    `alarmed`: people whose plan is more urgent than routine. `tests_per_year`: for someone on treatment, tests that the
    schedule now in force asks for, a year; `visits_per_year`: days with blood taken, where tests are taken together.
    """

    protocol: str
    findings: int
    by_rule: dict[str, int]
    by_urgency: dict[str, int]
    patients_by_urgency: dict[str, int]
    by_decision: dict[str, int]
    alarmed: int
    on_treatment: int
    without_schedule: int
    tests_per_year: float | None
    visits_per_year: float | None
    overdue_tests: int


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two protocols on the same people: who gets another decision, who is alarmed by one alone.

    `decisions`: how many people have each decision under the first (outer key) and the second (inner key).
    """

    protocols: tuple[str, str]
    decision_differs: int
    agreement: float | None
    alarmed_by_both: int
    alarmed_by_first_alone: int
    alarmed_by_second_alone: int
    decisions: dict[str, dict[str, int]]


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """All protocols, and all pairs of them, on the same people."""

    patients: int
    protocols: list[Under]
    pairs: list[Pair]
    as_of: dt.date
    azaward: str
    knowledge: str
    disclaimer: str


Counts = Counter[tuple[str, ...]]


def sweep(
    folder: Path,
    as_of: dt.date,
    protocols: Sequence[str],
    knowledge: Knowledge,
    progress: Callable[[int, int], None] = lambda done, all: None,
    share: int = SHARE,
    memory_mb: int = MEMORY_MB,
) -> Sweep:
    """Everyone in `folder` under each of `protocols` (`auto`: by indication).

    `InputError` where the folder can't be used; `UnknownProtocolError`; `ValueError` where a protocol is named twice.
    """
    if len(set(protocols)) < len(protocols):
        raise ValueError("a protocol is named twice")
    knowledge = knowledge.held_on(as_of)
    for protocol in protocols:
        check_protocol(protocol, knowledge)
    counts: Counts = Counter()
    with tempfile.TemporaryDirectory(prefix="azaward-") as scratch:
        nation = Nation(find(folder), knowledge, memory_mb, Path(scratch))
        done = 0
        for part in nation.shares(share):
            nation.run("CREATE OR REPLACE TABLE w_plans (protocol VARCHAR, n INTEGER, decision VARCHAR, calm BOOLEAN)")
            for protocol in protocols:
                nation.assess(part, as_of, None if protocol == "auto" else protocol)
                _count(nation, protocol, counts)
            for *key, n in nation.rows(_PAIRS):
                counts["pair", *(str(word) for word in key)] += int(n)
            done += part.patients
            progress(done, nation.patients)
        patients = nation.patients
    return _sweep(protocols, counts, patients, as_of, knowledge)


_QUERIES = {
    "rule": "SELECT rule, count(*) FROM findings GROUP BY rule",
    "urgency": "SELECT urgency, count(*) FROM findings GROUP BY urgency",
    "plan_urgency": "SELECT urgency, count(*) FROM s_plan GROUP BY urgency",
    "decision": "SELECT decision, count(*) FROM s_plan GROUP BY decision",
    "on": "SELECT CASE WHEN a.patient_id IS NULL THEN 'without' ELSE 'with' END AS scheduled, count(*) "
    "FROM s_person AS p LEFT JOIN (SELECT DISTINCT patient_id FROM w_asked) AS a ON p.patient_id = a.patient_id "
    "WHERE p.status = 'on' GROUP BY scheduled",
    "overdue": "SELECT 'tests', count(*) FROM s_due WHERE due_day < as_of_day",
}
# The interval at which each test is asked for today: of the schedule's rows whose time it is, the shortest. A start
# that nobody knows may be today, as in the rule.
_ASKED = """
CREATE OR REPLACE TABLE w_asked AS
SELECT p.patient_id, s.test, min(s.every_days)::BIGINT AS every_days
FROM (
    SELECT *, UNNEST(['start', 'dose_increase', 'risk']) AS since,
           UNNEST([coalesce(started_day, as_of_day), increased_day, risk_day]) AS anchor
    FROM s_person WHERE status = 'on'
) AS p JOIN k_protocol_schedule AS s ON p.protocol = s.protocol AND p.since = s.since
    AND (s.specialty IN ('any', p.family) OR NOT p.protocol_known)
WHERE p.as_of_day >= p.anchor + s.from_day AND (s.until_day IS NULL OR p.as_of_day < p.anchor + s.until_day)
GROUP BY p.patient_id, s.test
"""
# By the interval, so that the sums are of whole numbers and the same for shares of any size.
_INTERVALS = {
    "tests": "SELECT every_days, count(*) FROM w_asked GROUP BY every_days",
    "visits": "SELECT every_days, count(*) FROM "
    "(SELECT min(every_days) AS every_days FROM w_asked GROUP BY patient_id) GROUP BY every_days",
}
_PAIRS = """
SELECT a.protocol, b.protocol AS other, a.decision, b.decision AS other_decision, a.calm::VARCHAR AS calm,
       b.calm::VARCHAR AS other_calm, count(*)
FROM w_plans AS a JOIN w_plans AS b ON a.n = b.n AND a.protocol <> b.protocol GROUP BY ALL
"""


def _count(nation: Nation, protocol: str, counts: Counts) -> None:
    """Adds what the protocol that was just asked has found."""
    nation.run(_ASKED)
    for what, sql in _QUERIES.items():
        for word, n in nation.rows(sql):
            counts[what, protocol, str(word)] += int(n)
    for what, sql in _INTERVALS.items():
        for every_days, n in nation.rows(sql):
            counts[what, protocol, str(every_days)] += int(n)
    calm = ", ".join(f"'{word}'" for word in CALM)
    name = protocol.replace("'", "''")
    nation.run(f"INSERT INTO w_plans SELECT '{name}', patient_id, decision, urgency IN ({calm}) FROM s_plan")


def _sweep(
    protocols: Sequence[str],
    counts: Counts,
    patients: int,
    as_of: dt.date,
    knowledge: Knowledge,
) -> Sweep:
    from azaward.assessment import DISCLAIMER

    def of(what: str, protocol: str) -> dict[str, int]:
        of_protocol = {key[2]: n for key, n in counts.items() if key[:2] == (what, protocol)}
        return dict(sorted(of_protocol.items(), key=lambda item: (-item[1], item[0])))

    def in_order(counts: dict[str, int]) -> dict[str, int]:
        return {word: counts[word] for word in URGENCIES if word in counts}

    under: list[Under] = []
    for protocol in protocols:
        urgency, on = of("plan_urgency", protocol), of("on", protocol)
        people = on.get("with", 0)
        each = {
            what: sum(n * DAYS_IN_YEAR / float(days) for days, n in of(what, protocol).items()) / people
            if people
            else None
            for what in ("tests", "visits")
        }
        under.append(
            Under(
                protocol=protocol,
                findings=sum(of("rule", protocol).values()),
                by_rule=of("rule", protocol),
                by_urgency=in_order(of("urgency", protocol)),
                patients_by_urgency=in_order(urgency),
                by_decision=of("decision", protocol),
                alarmed=sum(n for word, n in urgency.items() if word not in CALM),
                on_treatment=people + on.get("without", 0),
                without_schedule=on.get("without", 0),
                tests_per_year=None if each["tests"] is None else round(each["tests"], 2),
                visits_per_year=None if each["visits"] is None else round(each["visits"], 2),
                overdue_tests=of("overdue", protocol).get("tests", 0),
            )
        )
    return Sweep(
        patients=patients,
        protocols=under,
        pairs=[_pair(first, second, counts) for first, second in combinations(protocols, 2)],
        as_of=as_of,
        azaward=__version__,
        knowledge=knowledge.fingerprint,
        disclaimer=DISCLAIMER,
    )


def _pair(first: str, second: str, counts: Counts) -> Pair:
    rows = [(*key[3:], n) for key, n in counts.items() if key[:3] == ("pair", first, second)]
    decisions: dict[str, dict[str, int]] = {}
    alarmed: Counter[tuple[bool, bool]] = Counter()
    differ = people = 0
    for one, other, calm, other_calm, n in sorted(rows):
        inner = decisions.setdefault(one, {})
        inner[other] = inner.get(other, 0) + n
        alarmed[calm == "false", other_calm == "false"] += n
        differ += n if one != other else 0
        people += n
    return Pair(
        protocols=(first, second),
        decision_differs=differ,
        agreement=round(1 - differ / people, 6) if people else None,
        alarmed_by_both=alarmed[True, True],
        alarmed_by_first_alone=alarmed[True, False],
        alarmed_by_second_alone=alarmed[False, True],
        decisions=decisions,
    )


def as_text(sweep: Sweep) -> str:
    """A short table for a person: a line a protocol, then who differs from whom.

    Of each pair: how many people get another decision.
    """
    columns = ("protocol", "findings", "alarmed", "overdue tests", "tests/year", "blood/year")
    rows = [
        (
            each.protocol,
            f"{each.findings:,}",
            f"{each.alarmed:,}",
            f"{each.overdue_tests:,}",
            *("-" if number is None else f"{number:.1f}" for number in (each.tests_per_year, each.visits_per_year)),
        )
        for each in sweep.protocols
    ]
    widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]
    lines = [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (columns, *rows)
    ]
    lines += [
        f"{' and '.join(pair.protocols)}: another decision for {pair.decision_differs:,} of {sweep.patients:,} people"
        for pair in sweep.pairs
    ]
    return "\n".join(lines)
