"""Which medicines and names are known: enough of them, each pointing at ingredients that exist, products taken apart.

A name that is missing is reported as not checked; a name that points at the wrong ingredient, or at half of a product,
would reassure. So the products that matter beside azathioprine are listed here with everything that is in them.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from azaward.knowledge import load
from azaward.knowledge.loading.relations import split
from azaward.knowledge.loading.words.vocabulary import Coding
from azaward.medicines.names import names

KNOWLEDGE = load()
MEDICINES = {row.id: row for row in KNOWLEDGE.tables["medicines"]}
NAMES: list[Any] = list(KNOWLEDGE.tables["medicine_names"])
CLASSES = {word for row in MEDICINES.values() for word in split(row.classes)}
VACCINES = {row.code: row for row in KNOWLEDGE.tables["events"] if row.kind == "vaccination"}

# What is in a product, whatever else its name suggests.
PRODUCTS = {
    "duzallo": {"allopurinol", "lesinurad"},
    "septrin": {"sulfamethoxazole", "trimethoprim"},
    "co-trimoxazole": {"sulfamethoxazole", "trimethoprim"},
    "co-codamol": {"codeine", "paracetamol"},
    "vimovo": {"naproxen", "esomeprazole"},
    "exforge hct": {"amlodipine", "valsartan", "hydrochlorothiazide"},
    "entresto": {"sacubitril", "valsartan"},
    "tarka": {"trandolapril", "verapamil"},
    "innozide": {"enalapril", "hydrochlorothiazide"},
    "coversyl plus": {"perindopril", "indapamide"},
    "triapin": {"ramipril", "felodipine"},
    "biktarvy": {"bictegravir", "emtricitabine", "tenofovir_alafenamide"},
    "triumeq": {"abacavir", "dolutegravir", "lamivudine"},
    "trizivir": {"abacavir", "lamivudine", "zidovudine"},
    "rifater": {"rifampicin", "isoniazid", "pyrazinamide"},
    "trimbow": {"beclometasone_inhaled", "formoterol", "glycopyrronium"},
    "stalevo": {"levodopa", "carbidopa", "entacapone"},
    "night nurse": {"paracetamol", "promethazine", "dextromethorphan"},
    "lemsip max": {"paracetamol", "phenylephrine"},
    "fosamax plus d": {"alendronic_acid", "colecalciferol"},
    "infanrix hexa": {"dtap", "hepatitis_b", "polio_inactivated", "hib"},
    "twinrix adult": {"hepatitis_a_b"},
    "priorix-tetra": {"mmrv"},
}


def ingredients(name: str) -> list[set[str]]:
    """What each row of this name points at."""
    return [set(split(row.ingredients)) for row in NAMES if row.name == name]


def test_there_are_enough_to_be_of_use() -> None:
    assert len(MEDICINES) >= 400
    assert len({row.name.casefold() for row in NAMES}) >= 2000
    assert sum(row.kind == "brand" for row in NAMES) >= 1000


def test_every_name_points_at_ingredients_that_exist() -> None:
    for row in NAMES:
        parts = split(row.ingredients)
        assert parts, row.name
        assert set(parts) <= MEDICINES.keys(), row.name
        assert len(parts) == len(set(parts)), row.name


def test_names_are_written_as_they_are_compared() -> None:
    for row in NAMES:
        assert row.name == " ".join(row.name.split()), row.name
        assert len(row.name) > 1, row.name


def test_no_name_is_there_twice() -> None:
    rows = Counter((row.name.casefold(), frozenset(split(row.ingredients))) for row in NAMES)
    assert [row for row, times in rows.items() if times > 1] == []


def test_every_medicine_can_be_found_by_its_name_and_by_its_id() -> None:
    held = names(KNOWLEDGE)
    for row in MEDICINES.values():
        assert held.of_record(row.id).ingredients == (row.id,)
        assert row.id in held.of_record(row.name).ingredients, row.name


def test_every_word_for_a_class_names_a_class_that_has_medicines() -> None:
    words = KNOWLEDGE.tables["medicine_class_names"]
    assert [row.name for row in words if row.class_ not in CLASSES] == []
    assert len({row.name.casefold() for row in words}) == len(words)
    known = {row.name.casefold() for row in words}
    assert {"statin", "water tablet", "blood thinner", "painkiller", "blood pressure tablet", "live vaccine"} <= known


def test_every_class_that_a_rule_joins_on_has_medicines() -> None:
    for row in KNOWLEDGE.tables["interactions"]:
        if row.with_kind == "class":
            assert row.with_ in CLASSES, row.id
        elif row.with_kind == "ingredient":
            assert row.with_ in MEDICINES, row.id
    assert {"thiopurine", "xanthine_oxidase_inhibitor", "aminosalicylate", "ace_inhibitor", "coumarin"} <= CLASSES
    assert {"immunosuppressant", "myelosuppressive", "hepatotoxic", "nsaid", "live_vaccine", "herbal"} <= CLASSES


def test_codes_have_the_shape_of_their_system_and_one_owner() -> None:
    owners: dict[Coding, str] = {}
    for row in MEDICINES.values():
        for system, shape, codes in (("atc", r"[A-Z]\d\d[A-Z]{2}\d\d", row.atc), ("rxnorm", r"\d{1,7}", row.rxnorm)):
            for code in split(codes):
                assert re.fullmatch(shape, code), (row.id, code)
                assert owners.setdefault(Coding(system, code), row.id) == row.id, code
    # Nearly all: herbs, supplements and a few that stand only in combinations have none.
    without = [
        row.id for row in MEDICINES.values() if not row.atc and not {"herbal", "supplement"} & set(split(row.classes))
    ]
    assert len(without) < 100


@pytest.mark.parametrize(
    "word", ["myelosuppressive", "hepatotoxic", "nephrotoxic", "agranulocytosis", "aplastic_anaemia"]
)
def test_a_class_that_says_what_a_medicine_does_names_its_source(word: str) -> None:
    """A group of the ATC doesn't say it. The first rows were classed by the sources of the interactions."""
    named = [row for row in MEDICINES.values() if f"{word}: " in row.locator]
    assert named
    for row in named:
        assert word in split(row.classes), row.id
        source = row.locator.split(f"{word}: ", 1)[1].split(",")[0]
        assert source in KNOWLEDGE.sources, (row.id, source)
    unnamed = {row.id for row in MEDICINES.values() if word in split(row.classes)} - {row.id for row in named}
    assert word == "myelosuppressive" or not unnamed
    assert len(unnamed) <= 16, unnamed


@pytest.mark.parametrize(("name", "parts"), PRODUCTS.items())
def test_products_are_taken_apart(name: str, parts: set[str]) -> None:
    assert ingredients(name) == [parts]


@pytest.mark.parametrize("name", ["doryx", "norgesic", "shingles vaccine", "typhoid vaccine", "polio vaccine"])
def test_a_name_of_two_meanings_keeps_both(name: str) -> None:
    assert len(ingredients(name)) == 2


def test_a_vaccine_is_known_by_the_same_id_as_medicine_and_as_event() -> None:
    """So that a live vaccine is found wherever a record holds it."""
    words = {"live": "live_vaccine", "inactivated": "inactivated_vaccine"}
    ours = {row.id: row for row in MEDICINES.values() if "vaccine" in split(row.classes)}
    assert set(ours) == {code for code, row in VACCINES.items() if row.classes in words}
    for row in ours.values():
        assert set(split(row.classes)) == {"vaccine", words[str(VACCINES[row.id].classes)]}, row.id


@pytest.mark.parametrize(
    ("name", "vaccine"),
    [
        ("zostavax", "zoster_live"),
        ("shingrix", "zoster_recombinant"),
        ("stamaril", "yellow_fever"),
        ("priorix", "mmr"),
        ("varivax", "varicella_vaccine"),
        ("vivotif", "typhoid_oral"),
        ("fluenz tetra", "influenza_live"),
        ("imojev", "japanese_encephalitis_live"),
        ("dengvaxia", "dengue"),
        ("rotarix", "rotavirus"),
    ],
)
def test_vaccines_of_a_name_are_live_or_not(name: str, vaccine: str) -> None:
    assert ingredients(name) == [{vaccine}]


def test_where_a_name_may_be_a_live_vaccine_a_record_asks_about_that() -> None:
    for name in ("shingles vaccine", "typhoid vaccine", "polio vaccine", "cholera vaccine"):
        found = names(KNOWLEDGE).of_record(name)
        assert not found.is_known
        assert VACCINES[str(found.may_be)].classes == "live", name


@pytest.mark.parametrize(
    ("swallowed", "local"),
    [
        ("hydrocortisone", "hydrocortisone_topical"),
        ("tacrolimus", "tacrolimus_topical"),
        ("ciclosporin", "ciclosporin_eye"),
        ("prednisolone", "prednisolone_eye"),
        ("dexamethasone", "dexamethasone_eye"),
    ],
)
def test_what_stays_on_skin_and_eyes_does_not_count_as_suppressing_the_immune_system(
    swallowed: str, local: str
) -> None:
    assert "immunosuppressant" in split(MEDICINES[swallowed].classes)
    assert "immunosuppressant" not in split(MEDICINES[local].classes)


@pytest.mark.parametrize(
    ("older", "present"),
    [
        ("acetaminophen", "paracetamol"),
        ("cyclosporine", "ciclosporin"),
        ("thioguanine", "tioguanine"),
        ("acyclovir", "aciclovir"),
        ("bendrofluazide", "bendroflumethiazide"),
        ("azatioprina", "azathioprine"),
        ("st. john's wort", "st_johns_wort"),
        ("curcumin", "turmeric"),
        ("ascorbic acid", "vitamin_c"),
    ],
)
def test_other_names_lead_to_the_international_one(older: str, present: str) -> None:
    assert {present} in ingredients(older)
