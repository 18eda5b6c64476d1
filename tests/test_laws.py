"""Laws that hold for every record: what may not matter doesn't, and worse is never answered more leniently."""

from __future__ import annotations

import datetime as dt
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azaward.assessment import assess, engine
from azaward.engine import DuckDBEngine, Engine, Request, SQLiteEngine
from azaward.knowledge import ACTIONS, URGENCIES, load
from azaward.record import TABLES, Record
from azaward.synthesis import Person, record_of, synthesise
from tests.proof import rounds
from tests.records import AS_OF, UNITS, drawn, one_person, people

laws = settings(
    deadline=None,
    max_examples=rounds(60, 1000),
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
KNOWLEDGE = load()


def found(record: Record, **more: Any) -> dict[str, list[str]]:
    """Each patient's findings and plan as text that can be compared."""
    answer = assess(record, AS_OF, knowledge=KNOWLEDGE, **more)
    return {
        one.patient_id: [*sorted(repr(finding) for finding in one.findings), repr(one.plan)] for one in answer.patients
    }


def of_tables(tables: dict[str, list[dict[str, Any]]]) -> Record:
    return Record.of(tables)


@laws
@given(people(), st.randoms(use_true_random=False))
def test_row_order_never_matters(record: Record, shuffle: random.Random) -> None:
    shuffled = {name: shuffle.sample(rows, len(rows)) for name, rows in record.rows.items()}
    assert found(Record(shuffled)) == found(record)


@laws
@given(people(most=2), st.data())
def test_a_duplicate_changes_nothing(record: Record, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name in TABLES if record.rows[name]]))
    row = data.draw(st.sampled_from(record.rows[name]))
    assert found(Record({**record.rows, name: [*record.rows[name], row]})) == found(record)


@laws
@given(one_person("p1"), one_person("p2"))
def test_findings_do_not_depend_on_who_else_is_there(one: dict[str, Any], other: dict[str, Any]) -> None:
    together = found(of_tables({name: one[name] + other[name] for name in TABLES}))
    assert together["p1"] == found(of_tables(one))["p1"]
    assert together["p2"] == found(of_tables(other))["p2"]


# DuckDB plans a question for longer than it answers one patient: few questions about few, and one about many.
@settings(laws, max_examples=rounds(12, 1000))
@given(people())
def test_both_engines_give_one_answer(record: Record) -> None:
    both_answer_alike(record)


def test_both_engines_give_one_answer_about_many_odd_people() -> None:
    both_answer_alike(drawn(rounds(150, 5000)))


def both_answer_alike(record: Record) -> None:
    asked = [Request(one, AS_OF) for one in record.patient_ids()]
    answer = engine(KNOWLEDGE, DuckDBEngine).ask(record, asked)
    # SQLite is the engine for one patient, and is asked about one at a time.
    alone: dict[str, dict[str, list[Any]]] = {name: {one.patient_id: [] for one in asked} for name in TABLES}
    for name, columns in TABLES.items():
        place = [column.name for column in columns].index("patient_id")
        for row in record.rows[name]:
            alone[name].setdefault(str(row[place]), []).append(row)
    one_by_one = [
        engine(KNOWLEDGE, SQLiteEngine).ask(Record({name: alone[name][one.patient_id] for name in TABLES}), [one])
        for one in asked
    ]
    found = [row for each in one_by_one for row in each.findings]
    assert sorted(map(comparable, found)) == sorted(map(comparable, answer.findings))
    assert sum(len(each.due) for each in one_by_one) == len(answer.due)


def comparable(row: Any) -> str:
    return repr({key: (f"{cell:.9g}" if isinstance(cell, int | float) else cell) for key, cell in sorted(row.items())})


@pytest.mark.parametrize("kind", [SQLiteEngine, DuckDBEngine])
def test_threads_that_ask_one_engine_at_once_get_their_own_patients_answers(kind: type[Engine]) -> None:
    used = engine(KNOWLEDGE, kind)
    asked = [(one, record_of([one])) for one in synthesise(rounds(8, 100), 3, AS_OF, 20)]

    def answer(of: tuple[Person, Record]) -> list[str]:
        person, record = of
        found = used.ask(record, [Request(person.patient_id, AS_OF)])
        return sorted(comparable(row) for row in found.findings)

    one_by_one = [answer(each) for each in asked]
    assert all(one_by_one)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(answer, asked * 2)) == one_by_one * 2


@laws
@given(people(most=1))
def test_an_engine_that_answered_before_answers_the_same(record: Record) -> None:
    requests = [Request(one, AS_OF) for one in record.patient_ids()]
    used = engine(KNOWLEDGE, SQLiteEngine)
    first = sorted(comparable(row) for row in used.ask(record, requests).findings)
    used.ask(Record.of({"patients": [{"patient_id": "x"}]}), [Request("x", AS_OF)])
    assert sorted(comparable(row) for row in used.ask(record, requests).findings) == first


@laws
@given(people())
def test_every_finding_says_its_rule_its_words_and_its_source(record: Record) -> None:
    for patient in assess(record, AS_OF, knowledge=KNOWLEDGE).patients:
        for finding in patient.findings:
            assert finding.rule
            assert finding.action in ACTIONS
            assert finding.urgency in URGENCIES
            assert finding.says
            assert "unknown unknown" not in finding.says
            assert "{" not in finding.says + finding.says_patient
            assert finding.sources, finding.code
            assert all(source.source in KNOWLEDGE.sources for source in finding.sources)


@laws
@given(people())
def test_someone_on_treatment_is_never_met_with_silence(record: Record) -> None:
    """Nobody who takes a thiopurine has neither a finding nor a next test."""
    for patient in assess(record, AS_OF, knowledge=KNOWLEDGE).patients:
        if patient.status == "on":
            assert patient.findings or patient.plan.next_tests
            assert patient.plan.next_tests


# Falling counts and rising enzymes: each step is worse than the one before.
WORSE: dict[str, list[float]] = {
    "wbc": [6.0, 3.9, 3.4, 2.9, 1.9, 0.9, 0.1],
    "neutrophils": [3.0, 1.9, 1.5, 0.9, 0.4, 0.0],
    "platelets": [250.0, 149.0, 139.0, 99.0, 49.0, 9.0],
    "alt": [20.0, 45.0, 85.0, 101.0, 160.0, 400.0, 900.0],
    "ast": [20.0, 45.0, 85.0, 101.0, 160.0, 400.0, 900.0],
    "egfr": [90.0, 59.0, 44.0, 19.0, 9.0],
    "mcv": [90.0, 101.0, 106.0, 120.0],
}
NO_DOSE = {"stop": 0, "withhold": 1, "do-not-start": 2, "reduce": 3, "change": 7, "continue": 9, "start": 9, "none": 9}


@pytest.mark.parametrize("protocol", ["auto", "most-cautious", *KNOWLEDGE.protocols])
@pytest.mark.parametrize("analyte", WORSE)
def test_a_worse_value_never_gives_a_less_cautious_plan(analyte: str, protocol: str) -> None:
    plans: list[tuple[int, int]] = []
    for value in WORSE[analyte]:
        record = of_tables(
            {
                "patients": [
                    {
                        "patient_id": "p",
                        "birth_date": dt.date(1980, 1, 1),
                        "sex": "male",
                        "indication": "crohns_disease",
                    }
                ],
                "exposures": [
                    {
                        "patient_id": "p",
                        "medicine": "azathioprine",
                        "dose_mg_per_day": 100.0,
                        "started_on": dt.date(2025, 1, 1),
                    }
                ],
                "results": [
                    {
                        "patient_id": "p",
                        "analyte": analyte,
                        "value": value,
                        "unit": KNOWLEDGE.analytes[analyte].unit,
                        "ref_high": 40.0,
                        "taken_on": dt.date(2026, 5, 25),
                        "status": "final",
                    }
                ],
            }
        )
        plan = assess(record, AS_OF, protocol, KNOWLEDGE).patients[0].plan
        plans.append((URGENCIES.index(plan.urgency), NO_DOSE[plan.dose.decision]))
    assert [urgency for urgency, _ in plans] == sorted((urgency for urgency, _ in plans), reverse=True)
    assert [decision for _, decision in plans] == sorted((decision for _, decision in plans), reverse=True)


@laws
@given(one_person())
def test_the_union_of_protocols_is_never_more_lenient(tables: dict[str, Any]) -> None:
    record = of_tables(tables)
    strictest = assess(record, AS_OF, "most-cautious", KNOWLEDGE).patients[0].plan
    for protocol in KNOWLEDGE.protocols:
        plan = assess(record, AS_OF, protocol, KNOWLEDGE).patients[0].plan
        assert URGENCIES.index(strictest.urgency) <= URGENCIES.index(plan.urgency), protocol
        assert NO_DOSE[strictest.dose.decision] <= NO_DOSE[plan.dose.decision], protocol


@laws
@given(st.sampled_from(sorted(UNITS)), st.floats(0.001, 10_000, allow_nan=False))
def test_units_round_trip(analyte: str, value: float) -> None:
    for row in KNOWLEDGE.tables["conversions"]:
        if row.analyte == analyte:
            canonical = value * row.factor + row.offset
            assert (canonical - row.offset) / row.factor == pytest.approx(value)
