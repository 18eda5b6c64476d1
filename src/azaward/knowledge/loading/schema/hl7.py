"""Codes of HL7 version 2, and what azaward takes each of them to mean."""

from __future__ import annotations

from typing import Annotated, Literal

from azaward.knowledge.loading.schema.columns import Closed, Own, Prose
from azaward.knowledge.loading.schema.facts import Fact, Row

# Numbers of HL7's tables: sex, events, acknowledgements, order status, specimens, messages, and so on.
# fmt: off
HL7Table = Literal[
    "0001", "0003", "0008", "0038", "0070", "0076", "0085", "0103", "0104", "0119", "0123", "0136", "0155", "0203",
    "0206", "0211", "0322", "0323", "0335", "0357", "0396", "0438", "0487", "0516",
]
# fmt: on


class HL7Code(Fact, frozen=True):
    """`means` is in our words: a status, an event, a codec of Python, the address of a code system, doses a day.

    How often a medicine is given is written as a number of times and of days: `2/d` is twice a day, `1/7d` weekly.
    """

    hl7_table: HL7Table
    code: Own
    name: Prose | None
    means: Annotated[str, Closed("meaning of an HL7 code", by=("hl7_table",))]


# What the codes of a table may mean.
MEANINGS: dict[str, tuple[str, ...]] = {
    "0001": ("female", "male", "other", "unknown"),
    "0003": (
        *("register", "update", "merge", "renumber", "link", "unlink", "apart", "discharge", "cancel-admit"),
        *("cancel-discharge", "delete", "allergies"),
    ),
    "0008": ("accept", "error", "reject", "commit-accept", "commit-error", "commit-reject"),
    "0038": ("active", "cancelled", "stopped", "on-hold", "completed", "replaced", "none"),
    "0070": ("blood", "other", "unclear"),
    "0076": ("results", "people", "orders", "vaccines", "acknowledgement", "other"),
    "0085": (
        *("preliminary", "final", "corrected", "deleted", "wrong-patient", "finalised", "not-obtained", "not-asked"),
    ),
    "0103": ("production", "test"),
    "0104": ("read", "not-read"),
    "0119": ("new", "change", "stop", "cancel", "hold", "release", "none"),
    "0123": ("preliminary", "final", "corrected", "cancelled", "none"),
    "0136": ("yes", "no"),
    "0155": ("always", "never", "errors", "successes"),
    "0203": ("person", "other"),
    "0206": ("add", "delete", "update", "none"),
    "0211": (
        *("ascii", "utf-8", "utf-16", "gb18030", "big5", "euc_kr", "cp1252", "not-read"),
        *(f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)),
    ),
    "0322": ("given", "not-given"),
    "0323": ("add", "delete", "update", "none"),
    "0335": ("1/d", "2/d", "3/d", "4/d", "6/d", "1/2d", "1/7d", "once", "as-needed"),
    "0357": (
        *("accepted", "segment-sequence", "missing", "data-type", "table-value", "too-long", "cardinality", "other"),
        *("message-type", "event", "processing", "version", "unknown-key", "duplicate-key", "locked", "application"),
    ),
    "0396": (
        *("http://loinc.org", "http://snomed.info/sct", "http://www.whocc.no/atc", "http://hl7.org/fhir/sid/cvx"),
        *("http://www.nlm.nih.gov/research/umls/rxnorm", "http://unitsofmeasure.org"),
        *(f"http://hl7.org/fhir/sid/icd-10{country}" for country in ("", "-cm", "-am", "-ca")),
        "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
    ),
    "0438": ("allergy", "doubt", "erroneous", "inactive"),
    "0487": ("blood", "other", "unclear"),
    "0516": ("error", "fatal", "information", "warning"),
}

TABLES: dict[str, type[Row]] = {"hl7_codes": HL7Code}
