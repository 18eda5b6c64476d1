"""Who acts by when, as Tasks: one for the plan, and one for each test that is to be done.

Nobody is assigned: a Task says which role the plan calls for, and the receiving system decides who that is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from azaward.assessment import PatientAssessment
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

NOBODY = "nobody"
# What Task.code says of a Task whose focus is a request (R4 task-code).
_FULFILL = {"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}
# The row that says how many days the urgency "this-week" has.
_WEEK = "quality_acted_within_days"


def tasks_of(
    patient: PatientAssessment, issues: Sequence[Resource], requests: Sequence[Resource], exchange: Exchange
) -> list[Resource]:
    """The Task of a patient's plan, where somebody has to act, then one for each ServiceRequest."""
    return [*_of_the_plan(patient, issues, exchange), *(_of_a_test(each, patient, exchange) for each in requests)]


def _of_the_plan(patient: PatientAssessment, issues: Sequence[Resource], exchange: Exchange) -> Iterator[Resource]:
    plan = patient.plan
    to_do = [
        (finding, issue)
        for finding, issue in zip(patient.findings, issues, strict=True)
        if finding.urgency != Urgency.INFO and not exchange.decision(finding)
    ]
    if plan.who == NOBODY or not to_do:
        return
    end = _end(patient, exchange)
    by = f" by {end}" if end else ""
    name = exchange.name("act", patient.patient_id, plan.who, plan.urgency, *(issue["id"] for _, issue in to_do))
    first, *others = to_do
    yield _task(
        name,
        patient,
        exchange,
        text=narrative([f"{plan.who} acts{by} ({plan.urgency}).", *(finding.says for finding, _ in to_do)]),
        code=concept("task", "act-on-findings", "act on what was found"),
        description=clean(first[0].says),
        priority=PRIORITIES[plan.urgency],
        focus=link(first[1]),
        performerType=[concept("who", plan.who.replace(" ", "-"), plan.who)],
        reasonReference=link(first[1]),
        restriction=_until(end, exchange),
        input=[{"type": concept("task", "finding", "finding"), "valueReference": link(issue)} for _, issue in others],
    )


def _of_a_test(request: Resource, patient: PatientAssessment, exchange: Exchange) -> Resource:
    """The recall for a test: it is done when the test is."""
    what, day = exchange.words.name(request["code"]["coding"][0]["code"])[0], request["occurrenceDateTime"]
    code = concept("task", "arrange-test", "arrange a test")
    code["coding"].append(_FULFILL)
    return _task(
        exchange.name("recall", patient.patient_id, request["id"]),
        patient,
        exchange,
        text=narrative([f"Arrange: {what}, due {day}."]),
        code=code,
        description=clean(f"Arrange: {what}, due {day}. {request['reasonCode'][0]['text']}"),
        priority=request["priority"],
        focus=link(request),
        reasonReference=next(iter(request.get("supportingInfo", ())), None),
        restriction=_until(dt.date.fromisoformat(day), exchange),
    )


def _task(name: str, patient: PatientAssessment, exchange: Exchange, **said: object) -> Resource:
    return without_empty(
        {
            "resourceType": "Task",
            "id": name,
            "identifier": identified(name),
            "status": "requested",
            "intent": "proposal",
            "for": exchange.person(patient.patient_id),
            "authoredOn": exchange.day,
            "requester": author(exchange.assessment),
            **said,
        }
    )


def _end(patient: PatientAssessment, exchange: Exchange) -> dt.date | None:
    """The last day on which what is found is acted on in time; None where no number of days is said."""
    today, plan = exchange.assessment.as_of, patient.plan
    days = [each.by for each in plan.dose.until]
    if plan.urgency in (Urgency.EMERGENCY, Urgency.SAME_DAY):
        days.append(today)
    elif plan.urgency == Urgency.THIS_WEEK:
        days.append(today + dt.timedelta(days=exchange.knowledge.parameters[_WEEK].value))
    return min(days, default=None)


def _until(end: dt.date | None, exchange: Exchange) -> Resource | None:
    """The time allowed. What should have been done before today is late: it has an end and no beginning."""
    if end is None:
        return None
    start = {"start": exchange.day} if end >= exchange.assessment.as_of else {}
    return {"period": {**start, "end": end.isoformat()}}
