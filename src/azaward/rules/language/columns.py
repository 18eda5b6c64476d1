"""The columns of a finding, the same from every rule and on every engine."""

from __future__ import annotations

# `on` is a day number (days since 1970-01-01). `a`, `b`, `c` fill the gaps in the words of messages.yaml; `says`
# overrides those words where a row of knowledge brings its own. `fraction_*` is the share of the usual dose that the
# finding leaves. `fact` is the id of the row of knowledge that decided. `sources` holds one `source|locator|how` a
# line.
COLUMNS = {
    "patient_id": "string",
    "rule": "string",
    "code": "string",
    "protocol": "string",
    "action": "string",
    "urgency": "string",
    "subject": "string",
    "value": "float64",
    "text": "string",
    "unit": "string",
    "on": "int64",
    "comparison": "string",
    "limit_value": "float64",
    "limit_unit": "string",
    "fraction_low": "float64",
    "fraction_high": "float64",
    "a": "string",
    "b": "string",
    "c": "string",
    "fact": "string",
    "says": "string",
    "says_patient": "string",
    "sources": "string",
}

# What a plan needs to know of a finding.
FOUND = {
    "patient_id": "string",
    "rule": "string",
    "subject": "string",
    "action": "string",
    "urgency": "string",
    "fraction_low": "float64",
    "fraction_high": "float64",
}
