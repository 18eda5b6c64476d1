"""The shape of every file of knowledge: one class a table, one field a column; one module a subject.

A fact ends with where it was read. `ACTIONS` and `URGENCIES` are in order, most cautious first.
"""

from __future__ import annotations

from azaward.knowledge.loading.schema import advice, genetics, guides, hl7, laboratory, medicines, omop, people, risks
from azaward.knowledge.loading.schema.facts import ACTIONS, URGENCIES, Fact, Parameter, Row, Source
from azaward.knowledge.loading.schema.protocols import PROTOCOL_LISTS, Schedule

# A folder of knowledge/ a subject, with the tables that lie in it; what every subject cites lies above them.
SUBJECTS: dict[str, dict[str, type[Row]]] = {
    "": {"sources": Source, "parameters": Parameter},
    "laboratory": laboratory.TABLES,
    "people": people.TABLES,
    "risks": risks.TABLES,
    "genetics": genetics.TABLES,
    "medicines": medicines.TABLES,
    "guides": guides.TABLES,
    "advice": advice.TABLES,
    "omop": omop.TABLES,
    "hl7": hl7.TABLES,
}
TABLES: dict[str, type[Row]] = {name: row for tables in SUBJECTS.values() for name, row in tables.items()}
# Where each table lies in the folder.
FILES: dict[str, str] = {
    name: f"{subject}/{name}.csv".lstrip("/") for subject, tables in SUBJECTS.items() for name in tables
}

__all__ = ["ACTIONS", "FILES", "PROTOCOL_LISTS", "SUBJECTS", "TABLES", "URGENCIES", "Fact", "Row", "Schedule", "Source"]
