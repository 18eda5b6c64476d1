"""The shape of every file of knowledge: one class a table, one field a column; one module a subject.

A fact ends with where it was read. `ACTIONS` and `URGENCIES` are in order, most cautious first.
"""

from __future__ import annotations

from azaward.knowledge.loading.schema import advice, genetics, guides, laboratory, medicines, omop, people
from azaward.knowledge.loading.schema.facts import ACTIONS, URGENCIES, Fact, Parameter, Row, Source
from azaward.knowledge.loading.schema.protocols import PROTOCOL_LISTS, Schedule

TABLES: dict[str, type[Row]] = {
    "sources": Source,
    "parameters": Parameter,
    **laboratory.TABLES,
    **people.TABLES,
    **genetics.TABLES,
    **medicines.TABLES,
    **guides.TABLES,
    **advice.TABLES,
    **omop.TABLES,
}

__all__ = ["ACTIONS", "PROTOCOL_LISTS", "TABLES", "URGENCIES", "Fact", "Row", "Schedule", "Source"]
