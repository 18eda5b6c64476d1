"""Every table of docs/rules/ holds: what a page says is found is found, and nothing else by that rule.

SQLite is asked about one case at a time, as the program asks it about one patient; DuckDB about all cases at once, as
about a nation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import pytest

from azaward.assessment import PatientAssessment, engine, put_together
from azaward.engine import Answer, DuckDBEngine, Engine, SQLiteEngine
from azaward.knowledge import load
from tests.rules.answers import actual, expected
from tests.rules.tables import Case, all_cases, pages, record_of

CASES = all_cases()
Answered = tuple[Answer, dict[str, PatientAssessment]]


def asked(cases: list[Case], kind: type[Engine]) -> Answered:
    """An engine's answer about the patients of these cases."""
    knowledge = load()
    requests = [request for case in cases for request in case.requests()]
    answer = engine(knowledge, kind).ask(record_of(cases, knowledge), requests)
    return answer, {one.patient_id: one for one in put_together(answer, knowledge)}


@lru_cache(maxsize=1)
def all_at_once() -> Answered:
    return asked(CASES, DuckDBEngine)


ENGINES: dict[str, Callable[[Case], Answered]] = {
    "sqlite": lambda case: asked([case], SQLiteEngine),
    "duckdb": lambda _: all_at_once(),
}


@pytest.mark.parametrize("answered", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.page}: {case.title}")
def test_page(case: Case, answered: Callable[[Case], Answered]) -> None:
    answer, assessed = answered(case)
    for name in case.expected:
        assert actual(case, name, answer, assessed) == expected(case, name), name


def test_every_case_has_its_own_patients() -> None:
    prefixes = [case.prefix for case in CASES]
    assert len(prefixes) == len(set(prefixes))


def test_every_rule_has_its_page() -> None:
    from azaward.rules.pipeline import RULES

    rules = {rule.split(".")[1] for rule in RULES}
    assert {path.stem for path in pages()} == rules | {"plan", "patients"}
