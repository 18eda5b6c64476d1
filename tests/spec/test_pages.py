"""Every table of docs/rules/ holds: what a page says is found is found, and nothing else by that rule."""

from __future__ import annotations

from functools import lru_cache

import pytest

from azaward.assessment import PatientAssessment, put_together
from azaward.engine import Answer, DuckDBEngine, Engine, SQLiteEngine
from azaward.knowledge import load
from tests.spec.answers import actual, expected
from tests.spec.tables import Case, all_cases, pages, record_of

CASES = all_cases()
ENGINES: dict[str, type[Engine]] = {"sqlite": SQLiteEngine, "duckdb": DuckDBEngine}


@lru_cache(maxsize=2)
def answered(engine: str) -> tuple[Answer, dict[str, PatientAssessment]]:
    knowledge = load()
    requests = [request for case in CASES for request in case.requests()]
    answer = ENGINES[engine](knowledge).ask(record_of(CASES, knowledge), requests)
    return answer, {one.patient_id: one for one in put_together(answer, knowledge)}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.page}: {case.title}")
def test_page(case: Case, engine: str) -> None:
    answer, assessed = answered(engine)
    for name in case.expected:
        assert actual(case, name, answer, assessed) == expected(case, name), name


def test_every_case_has_its_own_patients() -> None:
    prefixes = [case.prefix for case in CASES]
    assert len(prefixes) == len(set(prefixes))


def test_every_rule_has_its_page() -> None:
    from azaward.rules.pipeline import RULES

    assert {path.stem for path in pages()} == {rule.split(".")[0] for rule in RULES}
