"""Each code of a medicine is well formed for its system, stands once, and names ingredients that exist.

Most systems carry a check digit, so a code with a digit mistyped or two exchanged is found here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest

from azaward.knowledge import load
from azaward.knowledge.loading.relations import split
from azaward.knowledge.loading.schema.columns import fixed_words
from azaward.knowledge.loading.schema.medicines import CodeSystem, MedicineCode

KNOWLEDGE = load()
CODES: tuple[MedicineCode, ...] = KNOWLEDGE.tables["medicine_codes"]
MEDICINES = {row.id: row for row in KNOWLEDGE.tables["medicines"]}
THIOPURINES = ("azathioprine", "mercaptopurine", "tioguanine")
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
DMD = "https://dmd.nhs.uk"

# Verhoeff's check: the dihedral group of ten, and how a digit is replaced by its place from the right.
_TIMES = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
]
_ONCE = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]


def is_snomed(code: str) -> bool:
    """6 to 18 digits without a leading zero, a concept's by the two digits before the last, Verhoeff's digit last."""
    if not re.fullmatch(r"[1-9]\d{2,14}[01]0\d", code):
        return False
    check = 0
    for place, digit in enumerate(map(int, reversed(code))):
        for _ in range(place % 8):
            digit = _ONCE[digit]
        check = _TIMES[check][digit]
    return check == 0


def is_pzn(code: str) -> bool:
    """8 digits, the last the sum of the others, each times its place, modulo 11; 10 is never given."""
    return bool(re.fullmatch(r"\d{8}", code)) and sum(
        place * int(digit) for place, digit in enumerate(code[:7], 1)
    ) % 11 == int(code[7])


def is_cip(code: str) -> bool:
    """13 digits that begin with 34009, the last that of an EAN."""
    if not re.fullmatch(r"34009\d{8}", code):
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(code)) % 10 == 0


def is_unii(code: str) -> bool:
    """10 characters, each worth 0 to 35, the last the sum of the others modulo 36."""
    worth = [int(each, 36) for each in code] if re.fullmatch(r"[0-9A-Z]{10}", code) else [1]
    return sum(worth[:-1]) % 36 == worth[-1]


def shaped(pattern: str) -> Callable[[str], bool]:
    """Whether a code is wholly of this shape."""
    return lambda code: bool(re.fullmatch(pattern, code))


WELL_FORMED: dict[str, Callable[[str], bool]] = {
    RXNORM: shaped(r"[1-9]\d{0,7}"),
    SNOMED: is_snomed,
    DMD: is_snomed,
    "http://www.whocc.no/atc": shaped(r"[A-Z]\d\d[A-Z]{2}\d\d"),
    "http://hl7.org/fhir/sid/ndc": shaped(r"\d{4}-\d{4}|\d{5}-\d{3,4}"),
    "http://fhir.de/CodeSystem/ifa/pzn": is_pzn,
    "http://hl7.org/fhir/NamingSystem/ca-hc-din": shaped(r"\d{8}"),
    "urn:oid:1.2.250.1.213.2.3.1": shaped(r"6\d{7}"),
    "urn:oid:1.2.250.1.213.2.3.2": is_cip,
    "http://fdasis.nlm.nih.gov": is_unii,
    "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code": shaped(r"\d{7}[A-Z]\d(\d{3}|ZZZ)"),
}


def test_every_system_has_a_check() -> None:
    assert set(WELL_FORMED) == set(fixed_words(CodeSystem))


def test_every_code_is_well_formed_for_its_system() -> None:
    assert [(row.system, row.code) for row in CODES if not WELL_FORMED[row.system](row.code)] == []


@pytest.mark.parametrize(
    ("system", "code"),
    [
        (SNOMED, "372574040"),
        (SNOMED, "372547004"),
        (DMD, "327070005"),
        ("http://fhir.de/CodeSystem/ifa/pzn", "01234567"),
        ("urn:oid:1.2.250.1.213.2.3.2", "3400935451317"),
        ("http://fdasis.nlm.nih.gov", "MRK420IY2K"),
        ("http://hl7.org/fhir/sid/ndc", "71610-124-09"),
        ("http://hl7.org/fhir/NamingSystem/ca-hc-din", "4596"),
        (RXNORM, "0105611"),
    ],
)
def test_a_mistyped_code_is_not(system: str, code: str) -> None:
    assert not WELL_FORMED[system](code)


def test_no_code_stands_twice() -> None:
    # A code of dm+d is one of SNOMED.
    times = Counter((SNOMED if row.system == DMD else row.system, row.code) for row in CODES)
    assert [code for code, count in times.items() if count > 1] == []


def test_no_code_stands_beside_its_medicine_too() -> None:
    held = {code for medicine in MEDICINES.values() for code in split(medicine.rxnorm)}
    assert [row.code for row in CODES if row.system == RXNORM and row.code in held] == []


def test_every_code_names_ingredients_that_exist() -> None:
    for row in CODES:
        parts = split(row.ingredients)
        assert parts, row.code
        assert set(parts) <= MEDICINES.keys(), row.code
        assert len(parts) == len(set(parts)), row.code


def test_only_a_class_stands_for_several_thiopurines() -> None:
    for row in CODES:
        several = len(set(split(row.ingredients)) & set(THIOPURINES)) > 1
        assert several == (row.kind == "class"), row.code


@pytest.mark.parametrize(
    ("words", "medicine"),
    [
        (r"azathiop|azatiop|imuran|imurel|azasan|immunoprin|azapress", "azathioprine"),
        (r"mercaptopurin|purixan|purinethol|puri-nethol|xaluprine|hanixol", "mercaptopurine"),
        (r"t(h)?ioguanin|tabloid|lanvis", "tioguanine"),
    ],
)
def test_a_name_that_holds_a_thiopurine_is_that_thiopurines(words: str, medicine: str) -> None:
    named = [row for row in CODES if re.search(words, row.name, re.IGNORECASE)]
    assert named
    assert {row.ingredients for row in named} == {medicine}


@pytest.mark.parametrize(
    ("medicine", "at_least"),
    [("azathioprine", 260), ("mercaptopurine", 60), ("tioguanine", 8)],
)
def test_there_are_enough_of_a_thiopurine(medicine: str, at_least: int) -> None:
    assert sum(row.ingredients == medicine for row in CODES) >= at_least


def test_a_thiopurine_is_known_as_substance_product_and_allergy() -> None:
    for medicine in THIOPURINES:
        kinds = Counter(row.kind for row in CODES if row.ingredients == medicine and row.system == SNOMED)
        assert kinds["ingredient"] >= 2, medicine
        assert kinds["allergy"] == 1, medicine


def test_most_medicines_are_known_to_snomed() -> None:
    assert len({row.ingredients for row in CODES if row.system == SNOMED and row.kind == "ingredient"}) >= 900
