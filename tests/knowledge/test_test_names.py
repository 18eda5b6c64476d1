"""A test is known by the codes and names that laboratories use, and what only looks like it is never believed.

`names_of_tests.csv` holds names as real tables and reports have them, each with the right answer.
"""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azaward.knowledge import load
from azaward.knowledge.loading.schema import laboratory
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.words.test_names import JLAC10, LOINC, NPU, READ, SNOMED, UNKNOWN, folded
from azaward.knowledge.loading.words.vocabulary import ATC, CVX, DMD, ICD10, PZN, RXNORM, Coding, vocabulary
from azaward.record.doubts import NEAR as NEAR_DOUBT

KNOWLEDGE = load()
WORDS = vocabulary(KNOWLEDGE)
SPEC = list(csv.DictReader((Path(__file__).parent / "names_of_tests.csv").open(encoding="utf-8")))
CODES = list(KNOWLEDGE.tables["test_codes"])
NAMES = {row.id: [row.name, *split(row.synonyms)] for row in KNOWLEDGE.tables["analytes"]}
BELIEVED = [row for row in CODES if row.believed == "yes"]
DOUBTED = [row for row in CODES if row.believed == "no"]
# Of these the specimen or the property is part of the name.
IN_URINE, WITHOUT_UNIT = "urine_protein", {row.id for row in KNOWLEDGE.tables["analytes"] if not row.unit}
MEASURED = [(analyte, name) for analyte in NAMES.keys() - {IN_URINE} - WITHOUT_UNIT for name in NAMES[analyte]]
AROUND = [
    "{} %",
    "% {}",
    "{} (%)",
    "percent {}",
    "{} percentage",
    "{} in Prozent",
    "{} rel.",
    "{}/100 leukocytes",
    "segmented {}",
    "glycated {}",
    "{} ratio",
    "{} urine",
    "Urine {}",
    "{}, CSF",
    "{} im Liquor",
    "Ascitic fluid {}",
    "{} in Body fluid",
    "U—{}",
    "{} (Pleura)",
    "{} LCR",
    "Моча {}",
    "{} w moczu",
    "İdrar {}",
    "尿{}",
    "Csv-{}",
]
PLAIN = st.sampled_from([row["name"] for row in SPEC if row["analyte"] and not row["doubt"]])


def coding(system: str, code: str) -> Coding:
    """A code of a row; a code of JLAC10 ends at the specimen there, and a method and a result follow."""
    return Coding(system, f"{code[:-1]}30101" if code.endswith("*") else code)


@pytest.mark.parametrize("row", SPEC, ids=[row["name"] for row in SPEC])
def test_a_name_that_laboratories_use_is_read(row: dict[str, str]) -> None:
    assert WORDS.test(row["name"]) == (row["analyte"] or None, row["doubt"] or None)


def test_the_names_are_many_and_different() -> None:
    assert len({row["name"] for row in SPEC}) == len(SPEC) > 300
    assert sum(bool(row["doubt"]) for row in SPEC) > 100


def test_every_code_means_what_its_row_says() -> None:
    wrong = [
        row.code
        for row in CODES
        if WORDS.test(None, [coding(row.system, row.code)])
        != (row.analyte, None if row.believed == "yes" else row.property)
    ]
    assert wrong == []


def test_the_name_beside_a_code_agrees_with_it() -> None:
    """Alone, the name of a doubted code is doubted or unknown, and that of a believed one is never another test."""
    for row in (row for row in CODES if row.name):
        alone, beside = WORDS.test(row.name), WORDS.test(row.name, [coding(row.system, row.code)])
        assert (beside.analyte, beside.doubt is None) == (row.analyte, row.believed == "yes"), row
        assert alone.analyte in (None, row.analyte) or alone.doubt, row
        assert row.believed == "yes" or WORDS.analyte(row.name) is None, row


def test_every_name_of_an_analyte_is_believed() -> None:
    for analyte, names in NAMES.items():
        for name in (analyte, *names, *(name.upper() for name in names)):
            assert WORDS.test(name) == (analyte, None), name


def test_every_listed_name_means_what_its_row_says() -> None:
    for row in KNOWLEDGE.tables["test_names"]:
        assert WORDS.test(row.name) == (row.analyte, None if row.believed == "yes" else row.property), row


@given(st.sampled_from(DOUBTED), PLAIN, st.lists(st.sampled_from(BELIEVED), max_size=3), st.randoms())
def test_a_doubted_code_is_never_believed_whatever_is_beside_it(
    row: laboratory.TestCode, name: str, others: list[laboratory.TestCode], order: Random
) -> None:
    codings = [coding(each.system, each.code) for each in (row, *others)]
    order.shuffle(codings)
    for names in (None, name, [name, row.name or name], *NAMES[row.analyte]):
        assert WORDS.test(names, codings).doubt


@pytest.mark.parametrize("around", AROUND)
def test_a_name_that_says_percent_or_another_specimen_is_never_believed(around: str) -> None:
    leaked = [name for _, name in MEASURED if WORDS.analyte(around.format(name))]
    assert leaked == []


@given(st.sampled_from([row["name"] for row in SPEC if row["doubt"]]), st.sampled_from(BELIEVED))
def test_a_doubted_name_is_not_believed_beside_a_believed_code(name: str, row: laboratory.TestCode) -> None:
    doubted = WORDS.test(name)
    if doubted.doubt != "words" and not (row.analyte == IN_URINE or row.analyte in WITHOUT_UNIT):
        assert WORDS.analyte(name, [coding(row.system, row.code)]) is None


def test_a_name_has_one_meaning() -> None:
    """No two analytes share a name, however it is folded."""
    meanings: dict[str, set[str]] = {}
    for analyte, names in NAMES.items():
        for name in names:
            meanings.setdefault(folded(name), set()).add(analyte)
    for row in KNOWLEDGE.tables["test_names"]:
        meanings.setdefault(folded(row.name), set()).add(row.analyte)
    assert {name: ids for name, ids in meanings.items() if len(ids) > 1} == {}


@given(st.text(max_size=40), st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=3))
def test_anything_can_be_asked(text: str, codings: list[tuple[str, str]]) -> None:
    test = WORDS.test(text, [Coding.of(*each) for each in codings])
    assert test.analyte or not test.doubt


def test_codes_that_disagree_are_a_doubt() -> None:
    assert WORDS.test("Neutrophils", [Coding(LOINC, "6690-2")]) == ("wbc", "code")
    assert WORDS.test(None, [Coding(LOINC, "751-8"), Coding(LOINC, "6690-2")]) == ("neutrophils", "code")
    assert WORDS.test(None, [Coding(LOINC, "6690-2"), Coding(LOINC, "751-8")]) == ("wbc", "code")
    assert WORDS.test(None, [Coding(LOINC, "751-8"), Coding(LOINC, "770-8")]) == ("neutrophils", "percent")


@pytest.mark.parametrize(("system", "code"), [(LOINC, "99999-9"), (NPU, "NPU99999"), (JLAC10, "2A999000001999999")])
def test_a_known_name_with_an_unlisted_code_is_a_doubt(system: str, code: str) -> None:
    """The specimen and the property may be in the code alone."""
    assert WORDS.test("Creatinine", [Coding(system, code)]) == ("creatinine", "code")
    assert WORDS.test("Serum rhubarb", [Coding(system, code)]) == UNKNOWN
    # A listed code beside it settles what it is.
    assert WORDS.test("Creatinine", [Coding(system, code), Coding(LOINC, "2160-0")]) == ("creatinine", None)


def test_a_name_is_believed_where_no_code_of_that_system_is_known() -> None:
    """LOINC was searched for a code of this test in vain, so that an unlisted one says nothing against the name."""
    assert not [row for row in CODES if row.analyte == "tgn" and row.system == LOINC]
    assert WORDS.test("6-TGN", [Coding(LOINC, "99999-9")]) == ("tgn", None)


def test_a_laboratorys_own_code_may_be_a_name() -> None:
    assert WORDS.test(None, [Coding("http://lab.example/codes", "NEUT")]) == ("neutrophils", None)
    assert WORDS.test("Neutrophils", [Coding("http://lab.example/codes", "4711%")]) == ("neutrophils", None)
    assert WORDS.test("Neutrophils", [Coding("", "WBC")]) == ("neutrophils", "code")


def test_a_code_without_its_system_is_one_of_loinc() -> None:
    assert WORDS.test("Neutrophils", [Coding("", "770-8")]) == ("neutrophils", "percent")
    assert WORDS.test(None, [Coding("", "751-8")]) == ("neutrophils", None)
    # Under a laboratory's own system it may be another code, but a doubt stays one.
    assert WORDS.test("Neutrophils", [Coding("http://lab.example/codes", "770-8")]) == ("neutrophils", "percent")
    assert WORDS.test(None, [Coding("http://lab.example/codes", "751-8")]) == UNKNOWN


def test_a_code_is_known_with_and_without_its_surplus() -> None:
    for code in ("42J", "42J..", "42J..00"):
        assert WORDS.test(None, [Coding(READ, code)]) == ("neutrophils", None)
    for code in ("2A990000001930952", "2a990-0000-019-309-52"):
        assert WORDS.test(None, [Coding(JLAC10, code)]) == ("wbc", None)
    assert WORDS.test(None, [Coding(NPU, " npu02902 ")]) == ("neutrophils", None)


def test_a_code_without_its_system_is_read_in_a_name() -> None:
    assert WORDS.test("751-8") == WORDS.test("Neutrophils (751-8)") == ("neutrophils", None)
    assert WORDS.test("Neutrophils (770-8)") == ("neutrophils", "percent")
    assert WORDS.test("NPU02902") == ("neutrophils", None)


def test_all_the_names_of_a_test_count() -> None:
    assert WORDS.test(["Neutrophils", "Segmentkernige"]) == ("neutrophils", "segmented")
    assert WORDS.test(["GPT", "ALAT"]) == ("alt", None)
    assert WORDS.test(["ALT", "AST"]) == ("alt", "code")
    assert WORDS.test(["Routine", "ALT"]) == ("alt", None)
    assert WORDS.test([]) == WORDS.test(None) == WORDS.test("") == UNKNOWN == (None, None)


SPELLINGS = {
    LOINC: "http://loinc.org https://loinc.org/ http://www.loinc.org LN LOINC urn:oid:2.16.840.1.113883.6.1 "
    "oid:2.16.840.1.113883.6.1 http://loinc.org|2.77 http://loinc.org/#",
    SNOMED: "http://snomed.info/sct https://snomed.info/sct/ SCT SNM urn:oid:2.16.840.1.113883.6.96 "
    "http://snomed.info/sct/83821000000107 http://snomed.info/sct/900000000000207008/version/20240101",
    NPU: "http://npu-terminology.org https://www.npu-terminology.org/ NPU urn:oid:1.2.208.176.2.1",
    JLAC10: "urn:oid:1.2.392.200119.4.504 1.2.392.200119.4.504 JC10",
    READ: "http://read.info/readv2 https://read.info/ctv3/",
    RXNORM: "http://www.nlm.nih.gov/research/umls/rxnorm https://www.nlm.nih.gov/research/umls/rxnorm/ RXNORM "
    "urn:oid:2.16.840.1.113883.6.88",
    ATC: "http://www.whocc.no/atc https://whocc.no/atc/ ATC urn:oid:2.16.840.1.113883.6.73",
    DMD: "https://dmd.nhs.uk http://dmd.nhs.uk/",
    PZN: "http://fhir.de/CodeSystem/ifa/pzn https://fhir.de/CodeSystem/ifa/pzn/",
    CVX: "http://hl7.org/fhir/sid/cvx CVX urn:oid:2.16.840.1.113883.12.292",
    ICD10[0]: "http://hl7.org/fhir/sid/icd-10 https://hl7.org/fhir/sid/icd-10/ ICD10",
}
WRITTEN = [(system, written) for system, all_written in SPELLINGS.items() for written in all_written.split()]


@pytest.mark.parametrize(("system", "written"), WRITTEN)
def test_a_code_system_is_known_however_it_is_written(system: str, written: str) -> None:
    for spelt, code in product((written, f" {written} ", written.upper()), ("751-8", " 751-8 ")):
        assert Coding.of(spelt, code) == (system, "751-8")


def test_another_code_system_stays_as_it_came() -> None:
    assert Coding.of("http://lab.example/Codes", "NEUT") == ("http://lab.example/Codes", "NEUT")
    assert Coding.of("http://example.com/loinc.org", "751-8").system == "http://example.com/loinc.org"


# As written, and the analyte that it is near to: asked about, and never taken for it.
NEAR = [
    ("Neutrophills", "neutrophils"),
    ("Neutrphils", "neutrophils"),
    ("Nuetrophils", "neutrophils"),
    ("XNEUT", "neutrophils"),
    ("Neutrophils xyz", "neutrophils"),
    ("Platlets", "platelets"),
    ("Haemoglobn", "haemoglobin"),
    ("Bilirubn total", "bilirubin"),
    ("Creatinne", "creatinine"),
    ("Lymphocites", "lymphocytes"),
]
# Names of other tests that only look like a known one.
OTHERS = """Eosinophil cationic protein|Neutrophil antibody|Anti-neutrophil cytoplasmic antibody|Neutrophil gelatinase
Neutrophil vacuolation|Platelet morphology|Platelet function|Plateletcrit|Platelet aggregation|Lymphocytes CD19
CD4 lymphocytes|Lymphoma screening|Delta bilirubin|Creatine kinase|Prealbumin|Lipoprotein lipase|Leucine|Leptin
Haemoglobin electrophoresis|Leukemia panel|Granulocyte antibody|Basophils|Monocytes|Reticulocytes""".replace("\n", "|")


@pytest.mark.parametrize(("name", "analyte"), NEAR)
def test_a_near_name_is_asked_about_and_never_taken(name: str, analyte: str) -> None:
    test = WORDS.test(name)
    assert test.analyte == analyte
    assert str(test.doubt).startswith(NEAR_DOUBT)
    assert name in str(test.doubt)


@pytest.mark.parametrize("name", OTHERS.split("|"))
def test_a_name_of_another_test_is_never_near(name: str) -> None:
    assert not str(WORDS.test(name).doubt).startswith(NEAR_DOUBT)


# The neutrophils in languages and scripts, and as laboratories shorten them.
NEUTROPHILS = """NEUTRO|Neutro Abs|PN neutrophiles|Polynucléaires neutrophiles|Neutrofiilit|B-Neutrofiilit|Neutrofily
Neutrocyty|Neutrofil sayısı|호중구|절대호중구수|Ουδετερόφιλα|嗜中性粒细胞|嗜中性粒细胞绝对值|Неутрофили
נויטרופילים|نوتروفیل|Neutrofilszám|Nøytrofiler|NEUT bezwzględna|RAN""".replace("\n", "|")


@pytest.mark.parametrize("name", NEUTROPHILS.split("|"))
def test_neutrophils_are_known_in_many_languages(name: str) -> None:
    assert WORDS.test(name) == ("neutrophils", None)
