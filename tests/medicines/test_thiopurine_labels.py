"""Labels and codes of the three thiopurines as the world writes them: the tables know a name or a code in each.

`thiopurine_labels.csv` holds what is printed on boxes, in registers and in records, one row each, with what it is.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from azaward.knowledge import load
from azaward.knowledge.loading.relations import split
from azaward.medicines.typed import fold

KNOWLEDGE = load()
THIOPURINES = ("azathioprine", "mercaptopurine", "tioguanine")
ATC = "http://www.whocc.no/atc"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
DMD = "https://dmd.nhs.uk"

with (Path(__file__).parent / "thiopurine_labels.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
LABELS = [(row["label"], row["ingredient"]) for row in ROWS if row["label"]]
CODES = [(row["system"], row["code"], row["ingredient"]) for row in ROWS if row["code"]]


def names_of(medicine: str) -> set[str]:
    """What a thiopurine is called, folded."""
    rows = [row for row in KNOWLEDGE.tables["medicine_names"] if row.ingredients == medicine]
    return {fold(name) for name in (medicine, *(row.name for row in rows))}


NAMES = {medicine: names_of(medicine) for medicine in THIOPURINES}


def known_codes() -> dict[tuple[str, str], str]:
    """The ingredient behind each code of one thiopurine; a code of dm+d holds for SNOMED too."""
    known = {(row.system, row.code): row.ingredients for row in KNOWLEDGE.tables["medicine_codes"]}
    known |= {(SNOMED, code): ingredients for (system, code), ingredients in known.items() if system == DMD}
    for row in KNOWLEDGE.tables["medicines"]:
        known |= {(ATC, code): row.id for code in split(row.atc)}
        known |= {(RXNORM, code): row.id for code in split(row.rxnorm)}
    return known


def thiopurines_in(label: str) -> set[str]:
    """The thiopurines of which a name stands in a label as words of its own, or as its beginning in other scripts."""
    folded = fold(label)
    words = f" {folded} "
    return {
        medicine
        for medicine, names in NAMES.items()
        if any(f" {name} " in words or (not name.isascii() and folded.startswith(name)) for name in names)
    }


def test_there_are_enough_to_be_of_use() -> None:
    assert len(LABELS) >= 120
    assert len(CODES) >= 30
    assert len(set(LABELS)) == len(LABELS)
    assert {medicine for _, medicine in LABELS} == set(THIOPURINES)


@pytest.mark.parametrize(("label", "medicine"), LABELS)
def test_a_label_holds_a_known_name_of_its_thiopurine_alone(label: str, medicine: str) -> None:
    assert thiopurines_in(label) == {medicine}


@pytest.mark.parametrize(("system", "code", "medicine"), CODES)
def test_a_code_is_that_of_its_thiopurine(system: str, code: str, medicine: str) -> None:
    assert known_codes()[system, code] == medicine
