"""Concepts of the OMOP vocabularies that are understood where a CDM folder brings no `concept` table."""

from __future__ import annotations

from typing import Annotated, Literal

from azaward.knowledge.loading.schema.columns import Closed, Own
from azaward.knowledge.loading.schema.facts import Fact, Row


class OmopConcept(Fact, frozen=True):
    """`code` is in our words: an id of analytes.csv, medicines.csv or indications.csv, a UCUM code, `kind:code` of an
    event, a comparator, a sex, or the words of a result."""

    concept_id: int
    name: Own
    kind: Literal["analyte", "medicine", "indication", "event", "unit", "comparator", "sex", "result"]
    code: Annotated[str, Closed("word of ours", by=("kind",))]


TABLES: dict[str, type[Row]] = {"omop_concepts": OmopConcept}
