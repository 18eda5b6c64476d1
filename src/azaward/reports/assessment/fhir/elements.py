"""The parts that every resource is made of: names, concepts, references, narrative."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from azaward.assessment import Assessment
from azaward.terms import Urgency

Resource = dict[str, Any]

# Ours, as no published code system holds them.
SYSTEM = "urn:azaward:"
NAMES = SYSTEM + "id"
UUIDS = "urn:ietf:rfc:3986"
# How FHIR's own words of priority (R4 request-priority) say an urgency.
PRIORITIES: Mapping[str, str] = {
    Urgency.EMERGENCY: "stat",
    Urgency.SAME_DAY: "asap",
    Urgency.THIS_WEEK: "urgent",
    Urgency.ROUTINE: "routine",
    Urgency.INFO: "routine",
}
# What neither FHIR's text nor its narrative, which is XML, may hold.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def concept(kind: str, code: str, text: str) -> Resource:
    """A code of ours, and what it is in words."""
    return {"coding": [coding(kind, code)], "text": clean(text)}


def coding(kind: str, code: str) -> Resource:
    """A code of ours; FHIR allows one blank at a time within a code.

    >>> coding("source", "our  clinic")
    {'system': 'urn:azaward:source', 'code': 'our clinic'}
    """
    return {"system": SYSTEM + kind, "code": " ".join(clean(code).split())}


def narrative(lines: Iterable[str]) -> Resource:
    """The same in words for a person, as FHIR asks of what is to be read."""
    paragraphs = "".join(f"<p>{html.escape(clean(line))}</p>" for line in lines)
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>'}


def clean(text: str) -> str:
    """Text as FHIR allows it: not empty, without control characters or blanks at its ends.

    >>> clean(" low\x07 "), clean("")
    ('low', 'not said')
    """
    return _CONTROL.sub(" ", text).strip() or "not said"


def named(*parts: str) -> str:
    """A name that is the same whenever the same is said of the same patient.

    >>> named("issue", "c001") == named("issue", "c001") != named("issue", "c002")
    True
    """
    said = "\n".join(("azaward", *parts)).encode("utf-8", "backslashreplace").decode()
    return str(uuid.uuid5(uuid.NAMESPACE_OID, said))


def identified(name: str) -> list[Resource]:
    """The identifier by which a server knows that it holds a resource already.

    Bare, without "urn:uuid:": a server puts ids of its own wherever the Bundle says that.
    """
    return [{"system": NAMES, "value": name}]


def link(resource: Resource) -> Resource:
    """A reference to another resource of the same Bundle."""
    return {"reference": f"urn:uuid:{resource['id']}"}


def author(assessment: Assessment) -> Resource:
    """The program, as what made a resource."""
    return {"display": f"azaward {assessment.azaward}, knowledge {assessment.knowledge}"}


def software(assessment: Assessment) -> Resource:
    """The program with its version and the fingerprint of its knowledge, to be contained in what it made."""
    versions = {"azaward": assessment.azaward, "knowledge": assessment.knowledge}
    return {
        "resourceType": "Device",
        "id": "azaward",
        "deviceName": [{"name": "azaward", "type": "model-name"}],
        "version": [{"type": {"text": part}, "value": value} for part, value in versions.items()],
    }


def protocol_uri(protocol: str) -> str:
    """The address of a protocol; a clinic may have given its own a name with blanks.

    >>> protocol_uri("our clinic")
    'urn:azaward:protocol:our%20clinic'
    """
    return uri("protocol", protocol)


def uri(kind: str, name: str) -> str:
    """An address of ours."""
    return f"{SYSTEM}{kind}:{quote(clean(name))}"


def without_empty(resource: Resource) -> Resource:
    """Without the elements that hold nothing, which FHIR forbids."""
    return {key: cell for key, cell in resource.items() if cell not in (None, [], {}, "")}
