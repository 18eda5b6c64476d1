"""An assessment as a FHIR R4 Bundle, for the record system it came from.

Each finding is a DetectedIssue, each next test a proposed ServiceRequest, who acts by when a Task. A CarePlan holds a
patient's together, a GuidanceResponse says that and how they were assessed and what was missing, and a Provenance what
it was made from. Everything is proposed, nothing ordered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from azaward.assessment import Assessment, PatientAssessment
from azaward.knowledge import Knowledge, load
from azaward.record.tables import Record
from azaward.reports.assessment.fhir.elements import NAMES, Resource, named, narrative
from azaward.reports.assessment.fhir.exchange import Decided, Exchange, Identifiers, Kind
from azaward.reports.assessment.fhir.guidance import guidance_for, guidance_for_nobody, outcome
from azaward.reports.assessment.fhir.issues import issues_of
from azaward.reports.assessment.fhir.plans import plan_of
from azaward.reports.assessment.fhir.provenance import provenance_of
from azaward.reports.assessment.fhir.requests import requests_of
from azaward.reports.assessment.fhir.sources import Sources
from azaward.reports.assessment.fhir.tasks import tasks_of

__all__ = ["Decided", "to_fhir"]

# The server gives the id; and the source of a DetectedIssue, which its evidence has as well, is taken by some servers
# for a reference to another resource.
_LEFT_OUT = ("id", "reference")


def to_fhir(
    assessment: Assessment,
    record: Record | None = None,
    *,
    kind: Kind = "collection",
    identifiers: Identifiers | None = None,
    decided: Mapping[tuple[str, str], Decided] | None = None,
    knowledge: Knowledge | None = None,
) -> bytes:
    """The assessment as the JSON of a FHIR R4 Bundle, the same bytes for the same assessment.

    `record` is what was assessed: its rows say which resources a finding rests on. `identifiers` are the patients'
    numbers, as pairs of a system and a value. `decided` is what people decided, by patient and by the finding's
    `azaward.assessment.fingerprint`; only such an issue is final. A `transaction` may be sent twice: a server creates
    what it doesn't hold yet, and leaves the rest as people have left it.

    >>> import datetime as dt
    >>> from azaward.assessment import assess
    >>> record = Record.of({"patients": [{"patient_id": "p1"}]})
    >>> to_fhir(assess(record, dt.date(2026, 11, 30)), record)[:44]
    b'{"resourceType":"Bundle","type":"collection"'
    """
    knowledge = knowledge or load()
    exchange = Exchange(
        assessment=assessment,
        knowledge=knowledge,
        sources=Sources(record, assessment.as_of, knowledge, relative=kind == "transaction"),
        identifiers=identifiers or {},
        decided=decided or {},
        kind=kind,
    )
    resources = [resource for patient in assessment.patients for resource in _patient(patient, exchange)]
    resources += _of_nobody(exchange)
    bundle = {
        "resourceType": "Bundle",
        "type": kind,
        "timestamp": f"{exchange.day}T00:00:00Z",
        "entry": [_entry(resource, kind) for resource in resources],
    }
    return msgspec.json.encode({key: cell for key, cell in bundle.items() if cell})


def _patient(patient: PatientAssessment, exchange: Exchange) -> Iterable[Resource]:
    issues = issues_of(patient, exchange)
    requests = requests_of(patient, issues, exchange)
    tasks = tasks_of(patient, issues, requests, exchange)
    plan = plan_of(patient, issues, [*requests, *tasks], exchange)
    guidance = guidance_for(patient, plan, exchange)
    made = [guidance, plan, *issues, *requests, *tasks]
    return [*made, provenance_of(patient, made, exchange)]


def _of_nobody(exchange: Exchange) -> Iterable[Resource]:
    """What was set aside: all of it to read, and what is nobody's as something that a server can keep."""
    asides = exchange.assessment.set_aside
    if asides and exchange.kind == "collection":
        lines = [f"{item.where}: {item.what}: {item.why}" for item in asides]
        yield {**outcome(asides, named("set aside", exchange.day, *lines)), "text": narrative(lines)}
    theirs = {patient.patient_id for patient in exchange.assessment.patients}
    if nobodys := [item for item in asides if item.patient_id not in theirs]:
        yield guidance_for_nobody(nobodys, exchange)


def _entry(resource: Resource, kind: Kind) -> Resource:
    entry: Resource = {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource}
    if kind == "transaction":
        entry["resource"] = {key: cell for key, cell in resource.items() if key not in _LEFT_OUT}
        entry["request"] = _request(resource)
    return entry


def _request(resource: Resource) -> Resource:
    """Make it where it isn't there yet. A decision is the one thing that takes the place of what is there."""
    type = resource["resourceType"]
    by = "_tag" if type == "Provenance" else "identifier"
    known = f"{by}={NAMES}|{resource['id']}"
    if type == "DetectedIssue" and resource["status"] == "final":
        return {"method": "PUT", "url": f"{type}?{known}"}
    return {"method": "POST", "url": type, "ifNoneExist": known}
