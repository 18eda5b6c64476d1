"""Laws of the plan: it never contradicts a finding, and two troubles are never answered more leniently than one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given

from azaward.assessment import PatientAssessment, assess, engine, put_together
from azaward.engine import DuckDBEngine, Request
from azaward.knowledge import ACTIONS, URGENCIES
from azaward.record import Record
from azaward.terms import Action, Concerns
from tests.records import AS_OF, drawn, people
from tests.test_laws import KNOWLEDGE, laws

NO_DOSE = ("stop", "withhold", "do-not-start")
AGAINST = (Action.STOP, Action.WITHHOLD, Action.DO_NOT_START, Action.AVOID, Action.REDUCE, Action.CHANGE)
WAITED_FOR = (*AGAINST, Action.TEST, Action.REVIEW, Action.REFER)
# By how many days a finding of an urgency wants the test that it asks for.
DAYS = {"emergency": 0, "same-day": 0, "this-week": 7}

TAKEN = dt.date(2026, 5, 25)
SINCE = dt.date(2025, 1, 1)
NORMAL = {
    "wbc": 6.0,
    "neutrophils": 3.8,
    "lymphocytes": 1.6,
    "platelets": 250.0,
    "haemoglobin": 140.0,
    "mcv": 92.0,
    "alt": 22.0,
    "ast": 22.0,
    "alp": 80.0,
    "bilirubin": 9.0,
    "albumin": 43.0,
    "creatinine": 75.0,
    "egfr": 90.0,
    "weight": 70.0,
    "crp": 3.0,
}
UPPER = {"alt": 40.0, "ast": 40.0, "alp": 130.0, "bilirubin": 21.0, "lipase": 60.0}
LOWER = {"platelets": 150.0}
Rows = list[tuple[str, dict[str, Any]]]


def result(analyte: str, value: float) -> Rows:
    return [("results", {"analyte": analyte, "value": value})]


def event(kind: str, code: str, day: str = "2026-05-28") -> Rows:
    return [("events", {"kind": kind, "code": code, "started_on": dt.date.fromisoformat(day)})]


def medicine(name: str, mg: float) -> Rows:
    return [("exposures", {"medicine": name, "dose_mg_per_day": mg, "started_on": dt.date(2026, 5, 27)})]


def gene(name: str, phenotype: str) -> Rows:
    row = {"gene": name, "phenotype": phenotype, "method": "genotype", "reported_on": dt.date(2024, 12, 2)}
    return [("genotypes", row)]


TROUBLES: dict[str, Rows] = {
    **{f"neutrophils {value}": result("neutrophils", value) for value in (0.4, 1.3)},
    **{f"platelets {value}": result("platelets", value) for value in (12.0, 70.0)},
    **{f"ALT {value}": result("alt", value) for value in (150.0, 900.0)},
    "white cells 0.9": result("wbc", 0.9),
    "lymphocytes 0.3": result("lymphocytes", 0.3),
    "haemoglobin 58": result("haemoglobin", 58.0),
    "MCV 112": result("mcv", 112.0),
    "bilirubin 95": result("bilirubin", 95.0),
    "lipase four times": result("lipase", 240.0),
    "lipase raised": result("lipase", 90.0),
    "eGFR 12": result("egfr", 12.0),
    "nucleotides 980": [*result("tgn", 980.0), *result("mmp", 900.0)],
    "fever": event("symptom", "fever"),
    "rash": event("symptom", "rash"),
    "jaundice": event("symptom", "jaundice"),
    "belly pain": event("symptom", "abdominal pain"),
    "pneumonia": event("infection", "pneumonia"),
    "chickenpox contact": event("exposure_to_infection", "varicella"),
    "yellow fever vaccine": event("vaccination", "yellow_fever"),
    "lymphoma": event("condition", "lymphoma"),
    "pregnancy": event("pregnancy", "pregnancy", "2026-03-01"),
    "allergy to mercaptopurine": event("allergy", "mercaptopurine"),
    "allopurinol": medicine("allopurinol", 300.0),
    "ribavirin": medicine("ribavirin", 1000.0),
    "trimethoprim": medicine("trimethoprim", 400.0),
    "warfarin": medicine("warfarin", 4.0),
    "TPMT poor": gene("TPMT", "Poor Metabolizer"),
    "NUDT15 intermediate": gene("NUDT15", "Intermediate Metabolizer"),
    "stayed away": [("contacts", {"kind": "did_not_attend", "on": dt.date(2026, 5, day)}) for day in (26, 28, 30)],
}
COURSES: dict[str, dict[str, Any]] = {
    "on": {"started_on": SINCE},
    "planned": {},
    "stopped": {"started_on": SINCE, "stopped_on": dt.date(2026, 5, 30)},
}


def someone(patient_id: str, course: str, *troubles: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A woman with rheumatoid arthritis whose record is in order, and these troubles."""
    born = dt.date(1980, 1, 1)
    patient = {"birth_date": born, "sex": "female", "indication": "rheumatoid_arthritis"}
    rows: Rows = [("patients", patient)]
    rows += [("exposures", {"medicine": "azathioprine", "dose_mg_per_day": 100.0, **COURSES[course]})]
    rows += gene("TPMT", "Normal Metabolizer") + gene("NUDT15", "Normal Metabolizer")
    for analyte, value in NORMAL.items():
        rows += result(analyte, value)
    for trouble in troubles:
        rows += TROUBLES[trouble]
    for table, row in rows:
        whole = {"patient_id": patient_id, **row}
        if table == "results":
            analyte = row["analyte"]
            whole |= {"unit": KNOWLEDGE.analytes[analyte].unit, "taken_on": TAKEN, "status": "final"}
            whole |= {"ref_high": UPPER.get(analyte), "ref_low": LOWER.get(analyte)}
        yield table, whole


@lru_cache(maxsize=1)
def answered() -> dict[tuple[str, ...], PatientAssessment]:
    """Everyone with none, one or two of the troubles, on treatment, before it and after it."""
    groups = [(), *((one,) for one in TROUBLES), *combinations(TROUBLES, 2)]
    asked = {f"p{n}": (course, *group) for n, (course, group) in enumerate((c, g) for c in COURSES for g in groups)}
    tables: dict[str, list[dict[str, Any]]] = {}
    for patient_id, (course, *troubles) in asked.items():
        for table, row in someone(patient_id, course, *troubles):
            tables.setdefault(table, []).append(row)
    answer = engine(KNOWLEDGE, DuckDBEngine).ask(Record.of(tables), [Request(one, AS_OF) for one in asked])
    return {tuple(asked[one.patient_id]): one for one in put_together(answer, KNOWLEDGE)}


def caution(one: PatientAssessment) -> tuple[int, int]:
    """The place of the urgency, and of the decision about the dose among the actions."""
    decision = one.plan.dose.decision
    after = {"start": ACTIONS.index(Action.CONTINUE), "none": len(ACTIONS)}
    return URGENCIES.index(one.plan.urgency), after.get(decision, ACTIONS.index(decision) if decision in ACTIONS else 0)


@pytest.mark.parametrize("course", COURSES)
def test_two_troubles_are_never_answered_more_leniently_than_one(course: str) -> None:
    lenient: list[str] = []
    for pair in combinations(TROUBLES, 2):
        both = caution(answered()[course, *pair])
        for one in pair:
            alone = caution(answered()[course, one])
            if both[0] > alone[0] or both[1] > alone[1]:
                lenient.append(f"{' and '.join(pair)}: {both}, {one} alone: {alone}")
    assert not lenient


@pytest.mark.parametrize("course", COURSES)
def test_every_trouble_is_answered_more_cautiously_than_none(course: str) -> None:
    well = answered()[(course,)]
    told = {(each.code, each.subject) for each in well.findings if each.urgency != "info"}
    for trouble in TROUBLES:
        one = answered()[course, trouble]
        news = [each for each in one.findings if each.urgency != "info" and (each.code, each.subject) not in told]
        # Whoever takes nothing misses no test of it.
        assert news or course == "stopped" or (course, trouble) == ("planned", "stayed away"), trouble


def everyone() -> Iterator[PatientAssessment]:
    yield from answered().values()
    yield from assess(drawn(200), AS_OF, knowledge=KNOWLEDGE).patients


@laws
@given(people())
def test_a_plan_agrees_with_its_findings(record: Record) -> None:
    for patient in assess(record, AS_OF, knowledge=KNOWLEDGE).patients:
        agrees(patient)


def test_the_plans_of_many_people_agree_with_their_findings() -> None:
    for patient in everyone():
        agrees(patient)


def agrees(patient: PatientAssessment) -> None:
    plan, dose = patient.plan, patient.plan.dose
    about = [finding for finding in patient.findings if finding.concerns == Concerns.THIOPURINE]
    if dose.decision in ("continue", "start"):
        assert not [finding.code for finding in about if finding.action in AGAINST]
    if dose.decision in NO_DOSE:
        assert not [finding.code for finding in patient.findings if finding.action == Action.CONTINUE]
        assert dose.mg_per_day == (0, 0)
    if dose.decision == "continue":
        assert dose.mg_per_day is None or dose.mg_per_day[0] == dose.mg_per_day[1]
        assert dose.mg_per_day is None or dose.mg_per_day[1] == pytest.approx(dose.taken_mg_per_day, abs=0.06)
    if dose.decision == "reduce" and dose.mg_per_day and dose.taken_mg_per_day:
        assert dose.mg_per_day[1] < dose.taken_mg_per_day
    if dose.proposal:
        assert dose.decision == "continue"
        assert not dose.until
        assert dose.proposal.mg_per_day[0] > (dose.taken_mg_per_day or 0)
    if patient.status in ("on", "planned") and dose.decision != "stop":
        pressing = [each for each in about if each.urgency in DAYS and each.action in WAITED_FOR]
        assert bool(dose.until) == bool(pressing), [each.code for each in pressing]
        if pressing:
            assert min(each.by for each in dose.until) <= AS_OF + dt.timedelta(days=DAYS[pressing[0].urgency])
    due: dict[str, dt.date] = {}
    for test in plan.next_tests:
        due[test.analyte] = min(test.due_on, due.get(test.analyte, test.due_on))
    for finding in patient.findings:
        if finding.urgency != "info":
            assert finding.asks_for or finding.action != Action.TEST, finding.code
        if finding.urgency in DAYS:
            for test in finding.asks_for:
                assert due[test] <= AS_OF + dt.timedelta(days=DAYS[finding.urgency]), finding.code
    places = sorted(place for problem in plan.problems for place in problem.findings)
    assert places == list(range(len(patient.findings)))
    for number, problem in enumerate(plan.problems):
        assert problem.findings == sorted(problem.findings)
        assert {patient.findings[place].problem for place in problem.findings} == {number}
