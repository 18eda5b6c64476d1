"""A next test as a proposed ServiceRequest: which test, how soon, by when, and for which of the issues.

R4 lets `reasonReference` lead to results, reports and conditions, not to a DetectedIssue: those are `supportingInfo`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from azaward.assessment import Finding, PatientAssessment
from azaward.plans import NextTest
from azaward.reports.assessment.fhir.catalogue import answers, order_codes
from azaward.reports.assessment.fhir.elements import (
    PRIORITIES,
    Resource,
    author,
    clean,
    concept,
    identified,
    link,
    narrative,
    without_empty,
)
from azaward.reports.assessment.fhir.exchange import Exchange
from azaward.terms import Urgency

_REASONS = ("Condition", "Observation", "DiagnosticReport", "DocumentReference")


def requests_of(patient: PatientAssessment, issues: Sequence[Resource], exchange: Exchange) -> list[Resource]:
    """A ServiceRequest for each next test of the plan, in their order; `issues` stand as the findings do."""
    found = list(zip(patient.findings, issues, strict=True))
    return [
        _request(patient.patient_id, test, [each for each in found if _asks(each[0], test)], exchange)
        for test in patient.plan.next_tests
    ]


def _asks(finding: Finding, test: NextTest) -> bool:
    return test.analyte in finding.asks_for or test.analyte == finding.subject


def _request(patient_id: str, test: NextTest, why: Sequence[tuple[Finding, Resource]], exchange: Exchange) -> Resource:
    urgency = min((Urgency(finding.urgency) for finding, _ in why), key=lambda one: one.rank, default=Urgency.ROUTINE)
    code = concept("test", test.analyte, test.analyte.replace("_", " "))
    code["coding"] += order_codes(test.analyte, exchange.knowledge)
    last = exchange.sources.last_done(patient_id, answers(test.analyte, exchange.knowledge))
    # A test that is asked for stays one request, whatever day it is, until the test has been done.
    name = exchange.name("test", patient_id, test.analyte, test.why, PRIORITIES[urgency], _since(test, last, exchange))
    implicated = (each for _, issue in why for each in issue.get("implicated", ()))
    seen = {each["reference"]: each for each in implicated if each["reference"].split("/")[-2] in _REASONS}
    called = exchange.words.name(test.analyte)[0]
    return without_empty(
        {
            "resourceType": "ServiceRequest",
            "id": name,
            "text": narrative([f"Proposed: {called}, due {test.due_on} ({urgency}).", test.why]),
            "identifier": identified(name),
            "status": "draft",
            "intent": "proposal",
            "priority": PRIORITIES[urgency],
            "code": code,
            "subject": exchange.person(patient_id),
            "occurrenceDateTime": test.due_on.isoformat(),
            "authoredOn": exchange.day,
            "requester": author(exchange.assessment),
            "reasonCode": [{"text": clean(test.why)}],
            "reasonReference": list(seen.values()),
            "supportingInfo": [link(issue) for _, issue in why],
        }
    )


def _since(test: NextTest, last: dt.date | None, exchange: Exchange) -> str:
    """What the request stands for: the time since the test was last done; without a record, the day it is due."""
    return str(last) if exchange.sources.known else test.due_on.isoformat()
