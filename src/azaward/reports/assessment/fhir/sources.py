"""Which resources of the input the rows of a record came from.

A row says it in its column `resource`, or in `origin` where that holds such a name: "system|Type|id". A row that
doesn't say it is referred to by nothing: a reference that might lead elsewhere is worse than none.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from azaward.assessment import Observed
from azaward.knowledge import Knowledge
from azaward.record.tables import STATUS_NEVER_COUNTS, TABLES, Record
from azaward.reports.assessment.fhir.elements import Resource

# What a row of the six tables may have been.
KINDS = (
    *("AllergyIntolerance", "Appointment", "Condition", "DiagnosticReport", "Encounter", "Immunization"),
    *("MedicationAdministration", "MedicationDispense", "MedicationRequest", "MedicationStatement"),
    *("Observation", "Patient", "Procedure"),
)
_NAMED = re.compile(rf"(?P<system>[^|]*)\|(?P<type>{'|'.join(KINDS)})\|(?P<id>[A-Za-z0-9.\-]{{1,64}})")
_TAKEN = {"results": "taken_on", "genotypes": "reported_on", "events": "started_on"}

# Rounding between units.
_AS_GOOD_AS = 1e-6

Row = Mapping[str, Any]


class Sources:
    """The rows of a record by patient, and the resources that they came from."""

    def __init__(self, record: Record | None, as_of: dt.date, knowledge: Knowledge, *, relative: bool = False) -> None:
        self._as_of = as_of
        self._given = record is not None
        self._relative = relative
        self._units = {(row.analyte, row.written): row for row in knowledge.tables["conversions"]}
        self._rows: dict[tuple[str, str], list[Row]] = {}
        for table, rows in (record.rows if record else {}).items():
            names = [column.name for column in TABLES[table]]
            for row in rows:
                cells = dict(zip(names, row, strict=True))
                if cells.get("status") not in STATUS_NEVER_COUNTS:
                    self._rows.setdefault((table, str(row[0])), []).append(cells)

    @property
    def known(self) -> bool:
        """Whether there is a record to look into."""
        return self._given

    def results(self, patient_id: str, analytes: Collection[str], seen: Observed) -> list[Resource]:
        """The results of these analytes that were taken on the day seen: those of the value seen, else all."""
        if seen.on is None:
            return []
        of_the_day = [
            row for row in self._of("results", patient_id) if row["analyte"] in analytes and row["taken_on"] == seen.on
        ]
        same = [row for row in of_the_day if self._is(row, seen)]
        return self._references(same or of_the_day)

    def _is(self, row: Row, seen: Observed) -> bool:
        """Whether a result has the value that was seen: as it was written, or in our unit."""
        if seen.value is None or row["value"] is None:
            return False
        ours = self._units.get((row["analyte"], row["unit"]))
        values = [row["value"]] if row["unit"] == seen.unit else []
        values += [row["value"] * ours.factor + ours.offset] if ours else []
        return any(math.isclose(value, seen.value, rel_tol=_AS_GOOD_AS) for value in values)

    def genotypes(self, patient_id: str, genes: Collection[str] | None) -> list[Resource]:
        """The reports on these genes; without a list on any."""
        rows = self._of("genotypes", patient_id)
        return self._references(row for row in rows if genes is None or row["gene"] in genes)

    def events(self, patient_id: str, code: str) -> list[Resource]:
        """The conditions, allergies, vaccinations and procedures of this code."""
        return self._references(row for row in self._of("events", patient_id) if row["code"] == code)

    def medicines(self, patient_id: str, medicines: Collection[str]) -> list[Resource]:
        """The orders of these medicines that are running or planned."""
        return self._references(
            row
            for row in self._of("exposures", patient_id)
            if row["medicine"] in medicines and (row["stopped_on"] is None or row["stopped_on"] > self._as_of)
        )

    def everything(self, patient_id: str) -> list[Resource]:
        """Every resource that anything in this patient's record came from."""
        return self._references(row for table in TABLES for row in self._of(table, patient_id))

    def last_done(self, patient_id: str, answers: Mapping[str, Collection[str]]) -> dt.date | None:
        """The last day on which one of these was answered: ids of analytes, genes and events, by their table."""
        columns = {"results": "analyte", "genotypes": "gene", "events": "code"}
        days = [
            row[_TAKEN[table]]
            for table, ids in answers.items()
            for row in self._of(table, patient_id)
            if row[columns[table]] in ids and row[_TAKEN[table]] and row[_TAKEN[table]] <= self._as_of
        ]
        return max(days, default=None)

    def _of(self, table: str, patient_id: str) -> list[Row]:
        return self._rows.get((table, patient_id), [])

    def _references(self, rows: Iterable[Row]) -> list[Resource]:
        """The resources behind rows, each once, in the order of the rows."""
        led: dict[str, Resource] = {}
        for row in rows:
            if found := _named(row):
                system = "" if self._is_near(found["system"], row["patient_id"]) else found["system"].rstrip("/") + "/"
                address = f"{system}{found['type']}/{found['id']}"
                led[address] = {"reference": address}
        return list(led.values())

    def _is_near(self, system: str, patient_id: str) -> bool:
        """Whether it is on the server of the patient, to whom a reference has no address of a server either."""
        if not system.startswith(("http://", "https://")):
            return True
        homes = (found["system"] for row in self._of("patients", patient_id) if (found := _named(row)))
        return self._relative and system in homes


def _named(row: Row) -> re.Match[str] | None:
    return _NAMED.fullmatch(str(row.get("resource") or row.get("origin") or ""))
