"""Asks every rule about the patients of a record, orders what they found, and makes each patient's plan.

>>> import datetime as dt
>>> from azaward.record import Record
>>> record = Record.of({
...     "patients": [{"patient_id": "p1", "birth_date": dt.date(1980, 1, 1), "indication": "crohns_disease"}],
...     "exposures": [{"patient_id": "p1", "medicine": "azathioprine", "started_on": dt.date(2026, 1, 1)}],
...     "results": [{"patient_id": "p1", "analyte": "neutrophils", "value": 0.4, "unit": "10*9/L",
...                  "taken_on": dt.date(2026, 2, 1), "status": "final"}],
... })
>>> assess(record, dt.date(2026, 2, 2)).patients[0].plan.dose.decision
'stop'
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec
from msgspec.structs import replace

from azaward import __version__
from azaward.engine import MANY_PEOPLE, Answer, DuckDBEngine, Engine, Request, SQLiteEngine
from azaward.errors import UserError
from azaward.extras import is_there
from azaward.knowledge import MOST_CAUTIOUS, Knowledge, load
from azaward.plans import Out, Plan, plan_of
from azaward.problems import problems_of
from azaward.record.doubts import DOUBTS
from azaward.record.tables import TABLES, Record, SetAside
from azaward.terms import Action, Rule, Urgency
from azaward.wording import Words, cited, facts_behind

_TEST_RULE = Rule.SCHEDULE
# So many people at a time cost SQLite the least for each of them.
_FEW = 5
_LASTING = ("d", "wk", "mo", "a")
DISCLAIMER = (
    "Decision support for clinicians and information for patients; not a certified medical device. "
    "A clinician makes every decision."
)


class UnknownProtocolError(UserError):
    """No protocol has that id; the message lists those that there are."""


class Cited(Out, frozen=True):
    """Where a finding was read."""

    source: str
    locator: str
    how: str
    title: str


class Observed(Out, frozen=True):
    """The value that a rule saw."""

    value: float | None
    unit: str | None
    on: dt.date | None
    text: str | None = None


class LimitUsed(Out, frozen=True):
    """What the value was compared with."""

    comparison: str | None
    value: float
    unit: str | None


class Finding(Out, frozen=True):
    """One thing that someone should know or do, with its reason, value, limit and source."""

    patient_id: str
    rule: str
    code: str
    protocol: str | None
    action: str
    urgency: str
    subject: str
    observed: Observed | None
    limit: LimitUsed | None
    says: str
    says_patient: str
    sources: list[Cited]
    dose_fraction: tuple[float, float] | None = None
    # The ids of the rows of knowledge that it rests on: `azaward cite ID` prints where each was read.
    facts: list[str] = msgspec.field(default_factory=list[str])
    # What its action is about: thiopurine, other-medicine, vaccine or none.
    concerns: str = "thiopurine"
    # The tests that it asks for, by their ids.
    asks_for: list[str] = msgspec.field(default_factory=list[str])
    # The place of its problem among the plan's, counted from 0.
    problem: int = 0


class PatientAssessment(Out, frozen=True):
    """One patient's findings, most urgent first, and plan."""

    patient_id: str
    findings: list[Finding]
    plan: Plan
    protocol: str
    status: str


class Aside(Out, frozen=True):
    """Something in the input that was not used, or read with care."""

    where: str
    what: str
    why: str
    patient_id: str | None = None


class Assessment(Out, frozen=True):
    """Everything that was found, patients most urgent first."""

    azaward: str
    knowledge: str
    as_of: dt.date
    protocol: str
    patients: list[PatientAssessment]
    set_aside: list[Aside]
    disclaimer: str = DISCLAIMER


@lru_cache(maxsize=4)
def engine(knowledge: Knowledge, kind: type[Engine]) -> Engine:
    """The engine of a kind for a knowledge base, made once in a process."""
    return kind(knowledge)


def engine_for(people: int) -> type[Engine]:
    """The engine that is the quicker one for so many people; SQLite, which is always there, where DuckDB isn't."""
    return DuckDBEngine if people > MANY_PEOPLE and is_there("duckdb") else SQLiteEngine


def assess(record: Record, as_of: dt.date, protocol: str = "auto", knowledge: Knowledge | None = None) -> Assessment:
    """The findings and plan of every patient in `record` as of a day.

    `protocol` is an id, or `auto` to choose by each patient's indication. `UnknownProtocolError` where there is none
    of that id.
    """
    knowledge = (knowledge or load()).held_on(as_of)
    if protocol not in ("auto", MOST_CAUTIOUS, *knowledge.protocols):
        raise UnknownProtocolError(
            f"no protocol {protocol!r}. Known: auto, {MOST_CAUTIOUS}, {', '.join(knowledge.protocols)}"
        )
    chosen = None if protocol == "auto" else protocol
    requests = [Request(one, as_of, chosen) for one in record.patient_ids()]
    answer = asked(record, requests, knowledge, engine_for(len(requests)))
    patients = put_together(answer, knowledge)
    return Assessment(
        azaward=__version__,
        knowledge=knowledge.version,
        as_of=as_of,
        protocol=protocol,
        patients=patients,
        set_aside=_set_aside(record, answer.unusable, Words(knowledge)),
    )


def asked(record: Record, requests: list[Request], knowledge: Knowledge, kind: type[Engine]) -> Answer:
    """The rules' answer for everyone: on DuckDB at once, on SQLite a few at a time, in the order of `requests`."""
    held = engine(knowledge, kind)
    if kind is not SQLiteEngine or len(requests) <= _FEW:
        return held.ask(record, requests)
    # SQLite's plan is made for a few people's rows: among many it would look through all of them again and again.
    group = {one.patient_id: place // _FEW for place, one in enumerate(requests)}
    parts = [Record({name: [] for name in TABLES}) for _ in range(0, len(requests), _FEW)]
    for name, rows in record.rows.items():
        for row in rows:
            parts[group[str(row[0])]].rows[name].append(row)
    for aside in record.set_aside:
        if aside.patient_id in group:
            parts[group[aside.patient_id]].set_aside.append(aside)
    answers = [held.ask(part, requests[place * _FEW : (place + 1) * _FEW]) for place, part in enumerate(parts)]
    return Answer(*(list(chain.from_iterable(same)) for same in zip(*answers, strict=True)))


def put_together(answer: Answer, knowledge: Knowledge) -> list[PatientAssessment]:
    """Each patient's findings in order and their plan, the most urgent patient first."""
    words = Words(knowledge)
    found: dict[str, list[Finding]] = {}
    for row in answer.findings:
        found.setdefault(row["patient_id"], []).append(finding_of(row, words, knowledge))
    due, until = _by_patient(answer.next_tests), _by_patient(answer.until)
    plans = {row["patient_id"]: row for row in answer.plan}
    patients: list[PatientAssessment] = []
    for person in answer.person:
        one = person["patient_id"]
        findings = sorted(found.get(one, []), key=by_urgency)
        problems = problems_of([(each.rule, each.code, each.subject) for each in findings], words)
        plan = plan_of(plans[one], until.get(one, ()), due.get(one, ()), problems, words, knowledge)
        number = {place: number for number, problem in enumerate(problems) for place in problem.findings}
        findings = [replace(finding, problem=number[place]) for place, finding in enumerate(findings)]
        patients.append(
            PatientAssessment(
                patient_id=one,
                findings=findings,
                plan=plan,
                protocol=person["protocol"],
                status=person["status"],
            )
        )
    return sorted(patients, key=_most_urgent_first)


def _by_patient(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    own: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        own.setdefault(row["patient_id"], []).append(row)
    return own


def by_urgency(finding: Finding) -> tuple[int, int, str, str, str]:
    """The order in which findings are told: the most urgent first, then the most cautious."""
    return (Urgency(finding.urgency).rank, Action(finding.action).rank, finding.rule, finding.subject, finding.says)


def _most_urgent_first(patient: PatientAssessment) -> tuple[int, int, str]:
    actions = [Action(finding.action).rank for finding in patient.findings if finding.urgency == patient.plan.urgency]
    return (Urgency(patient.plan.urgency).rank, min(actions, default=len(Action)), patient.patient_id)


def finding_of(row: Mapping[str, Any], words: Words, knowledge: Knowledge) -> Finding:
    """A row of a rule as a finding, with its words and sources."""
    says, says_patient = words.say(row)
    has_value = row["value"] is not None or row["text"] is not None or row["on"] is not None
    fractions = (row["fraction_low"], row["fraction_high"])
    return Finding(
        patient_id=row["patient_id"],
        rule=row["rule"],
        code=row["code"],
        protocol=row["protocol"],
        action=row["action"],
        urgency=row["urgency"],
        subject=row["subject"] or "",
        observed=Observed(value=row["value"], unit=row["unit"], on=row["on"], text=row["text"]) if has_value else None,
        limit=LimitUsed(comparison=row["comparison"], value=row["limit_value"], unit=row["limit_unit"])
        if row["limit_value"] is not None
        else None,
        says=says,
        says_patient=says_patient,
        sources=[
            Cited(**source, title=knowledge.sources[source["source"]].title)
            for source in cited(row["code"], row["fact"], knowledge)
        ],
        dose_fraction=fractions if fractions[1] is not None else None,
        facts=facts_behind(row["code"], row["fact"]),
        concerns=row["concerns"],
        asks_for=str(row["asks_for"] or "").split(),
    )


def fingerprint(finding: Finding) -> str:
    """The identity of a finding, without its wording: the same from one day to the next while nothing changes.

    It excludes durations, which change every day, and includes the urgency.
    """
    seen = finding.observed
    said = [
        *(finding.rule, finding.code, finding.subject, finding.action, finding.urgency),
        *((seen.on, None if seen.unit in _LASTING else seen.value, seen.text) if seen else ()),
    ]
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()[:32]


def first_due(patient: PatientAssessment, as_of: dt.date) -> dict[str, dt.date]:
    """The day on which each test of the plan was or will be due.

    A test that is to be repeated today may have been overdue before that: the earlier day counts.
    """
    late: dict[str, int] = {}
    for one in patient.findings:
        if one.rule == _TEST_RULE and one.observed and one.observed.unit == "d" and one.observed.value:
            late[one.subject] = int(one.observed.value)
    days: dict[str, dt.date] = {}
    for test in patient.plan.next_tests:
        found = as_of - dt.timedelta(days=late[test.analyte]) if test.analyte in late else test.due_on
        days[test.analyte] = min(test.due_on, found, days.get(test.analyte, test.due_on))
    return days


def _set_aside(record: Record, unusable: list[Mapping[str, Any]], words: Words) -> list[Aside]:
    asides = [Aside(where=x.where, what=x.what, why=x.why, patient_id=x.patient_id) for x in record.set_aside]
    if not unusable:
        return asides
    named = {item.where for item in record.set_aside}
    # In the record's order, which not every engine keeps.
    origin = [column.name for column in TABLES["results"]].index("origin")
    places = {row[origin]: place for place, row in enumerate(record.rows["results"])}
    shared = Counter(row[origin] for row in record.rows["results"])

    def in_order(row: Mapping[str, Any]) -> tuple[Any, ...]:
        cells = (str(row[name]) for name in ("analyte", "taken_on", "unit", "value", "text"))
        return (places.get(row["origin"], -1), row["patient_id"], *cells)

    for row in sorted(unusable, key=in_order):
        # The reader has spoken of this row already; of one among several of that origin nobody knows.
        if row["origin"] in named and shared[row["origin"]] == 1:
            continue
        what, why = explain(row, words)
        asides.append(Aside(where=row["origin"] or "results", what=what, why=why, patient_id=row["patient_id"]))
    return asides


def explain(row: Mapping[str, Any], words: Words) -> tuple[str, str]:
    """What stood there and why a result was not used, in words that say what to do."""
    name = words.name(row["analyte"])[0]
    unit = row["unit"] or "no unit"
    shown = row["value"] if row["value"] is not None else row["text"]
    what = f"{name} {shown} ({unit})" if shown is not None else f"{name} without a value"
    ask = "Give its day as YYYY-MM-DD" if row["doubt"] in ("month", "year") else "Ask the laboratory which test it is"
    ends = ((row["plausible_low"], "at least"), (row["plausible_high"], "at most"))
    bounds = " and ".join(f"{word} {end:g}" for end, word in ends if end is not None) or "above zero"
    return what, {
        "no_date": "the sample date is missing or unreadable. Give it as YYYY-MM-DD.",
        "doubted": f"{DOUBTS.get(str(row['doubt']), row['doubt'])}. {ask}.",
        "future": f"dated {row['taken_on']}, after the assessment date. Correct the date.",
        "no_value": "neither a value nor a comment. Ask the laboratory.",
        "words_for_number": "text instead of a number. Ask the laboratory.",
        "no_unit": f"no unit, and no unit was assumed. Give one that converts to {row['canonical']}.",
        "unknown_unit": f"unit {row['unit']!r} can't be converted to {row['canonical']}. Correct the unit.",
        "implausible": f"plausible values are {bounds} {row['canonical']}. Was it reported in another unit?",
    }[row["problem"]]


def to_json(assessment: Assessment) -> bytes:
    """The assessment as design.md's JSON."""
    return msgspec.json.encode(assessment)


__all__ = ["Assessment", "Finding", "PatientAssessment", "Plan", "SetAside", "assess", "engine", "to_json"]
