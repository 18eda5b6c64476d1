"""What a test is made of, and the LOINC codes by which it is asked for and its results are known."""

from __future__ import annotations

from collections.abc import Mapping

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.words.vocabulary import LOINC
from azaward.reports.assessment.fhir.elements import Resource

_TABLES = {"analyte": "results", "genotype": "genotypes", "event": "events"}


def answers(test: str, knowledge: Knowledge) -> Mapping[str, list[str]]:
    """What answers a test, or is an analyte itself, by the table of the record that holds it.

    >>> from azaward.knowledge import load
    >>> answers("liver", load()), answers("tpmt", load()), answers("alt", load())
    ({'results': ['alt', 'ast']}, {'genotypes': ['TPMT'], 'results': ['tpmt_activity']}, {'results': ['alt']})
    """
    found: dict[str, list[str]] = {}
    for row in knowledge.tables["tests"]:
        if row.test == test:
            found.setdefault(_TABLES[row.satisfied_by], []).append(row.code)
    if not found and any(row.id == test for row in knowledge.tables["analytes"]):
        return {"results": [test]}
    return found


def order_codes(test: str, knowledge: Knowledge) -> list[Resource]:
    """The LOINC code that orders a test; none where no source gives one.

    >>> from azaward.knowledge import load
    >>> [each["code"] for each in order_codes("full_blood_count", load())]
    ['57021-8']
    """
    rows = [row for row in knowledge.tables["orders"] if row.test == test]
    return [{"system": LOINC, "code": row.loinc, "display": row.display} for row in rows]


def result_codes(test: str, knowledge: Knowledge) -> list[Resource]:
    """The LOINC codes of what answers a test, any of which will do."""
    wanted = answers(test, knowledge).get("results", ())
    return [{"system": LOINC, "code": code} for analyte in wanted for code in _codes(analyte, knowledge)]


def _codes(analyte: str, knowledge: Knowledge) -> list[str]:
    """The codes of an analyte: a table of their own where there is one, else a list beside its name."""
    if "test_codes" in knowledge.tables:
        rows = (row for row in knowledge.tables["test_codes"] if row.analyte == analyte and row.believed == "yes")
        return [row.code for row in rows if row.system == LOINC]
    rows = (row for row in knowledge.tables["analytes"] if row.id == analyte)
    return [code for row in rows for code in split(getattr(row, "loinc", None))]
