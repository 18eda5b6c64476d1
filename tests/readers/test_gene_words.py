"""A laboratory's words about TPMT and NUDT15 in records: the same answer as `azaward genotype --report` gives.

Each sentence goes through a FHIR bundle and an HL7 message, as the value of a test that names its gene.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azaward.genetics.dosing import GENES, NORMAL
from azaward.genetics.nomenclature import read_report
from azaward.knowledge import load
from azaward.readers.hl7.files.record import read_hl7
from azaward.readers.rows import RowReader
from azaward.record import Record
from tests.readers.test_fhir import LOINC, PATIENT, Resource, code, gene, record_of, rows

KNOWLEDGE = load()
NM, IM, PM, UNTOLD = "Normal Metabolizer", "Intermediate Metabolizer", "Poor Metabolizer", "Indeterminate"

# What is used: the gene of the test's name, the value, and the rows that it gives.
USED = [
    ("TPMT", "*1/*1", [("*1/*1", NM)]),
    ("TPMT", "*1 / *1", [("*1/*1", NM)]),
    ("TPMT", "*1|*1", [("*1/*1", NM)]),
    ("TPMT", "TPMT*1/TPMT*3A", [("*1/*3A", IM)]),
    ("TPMT", "TPMT *1/*3C", [("*1/*3C", IM)]),
    ("TPMT", "*3A/*1", [("*1/*3A", IM)]),
    ("TPMT", "*3A/*3C", [("*3A/*3C", PM)]),
    ("TPMT", "*1S/*3A", [("*1/*3A", IM)]),
    ("TPMT", "*1/*3", [(None, IM)]),
    ("TPMT", "wt/*3A", [("*1/*3A", IM)]),
    ("TPMT", "*3A heterozygous", [("*1/*3A", IM)]),
    ("TPMT", "rs1142345 T/C", [("*1/*3C", IM)]),
    ("TPMT", "*2, *3A, *3C not detected", [("*1/*1", NM)]),
    ("TPMT", "no variants detected", [("*1/*1", NM)]),
    ("TPMT", "Intermediate metabolizer", [(None, IM)]),
    ("TPMT", "Poor Metaboliser", [(None, PM)]),
    ("TPMT", "normal", [(None, NM)]),
    ("TPMT", "pm", [(None, PM)]),
    ("TPMT", "homozygoter Wildtyp", [(None, NM)]),
    ("TPMT", "*1/*1; poor metabolizer", [("*1/*1", NM), ("*1/*1", PM)]),
    ("NUDT15", "*1/*3", [("*1/*3", IM)]),
    ("NUDT15", "*1/*3.002", [("*1/*3", IM)]),
    ("NUDT15", "c.415C>T heterozygous", [("*1/*3", IM)]),
    ("NUDT15", "Arg/Cys", [("*1/*3", IM)]),
    ("NUDT15", "Cys/Cys", [("*3/*3", PM)]),
]

# What is not used, and a word of what is said of it.
ASKED = [
    ("TPMT", "Mother: TPMT *1/*1", "'Mother' names another person"),
    ("TPMT", "Mother: *1/*1", "'Mother' names another person"),
    ("TPMT", "*1/*1 (father)", "'father' names another person"),
    ("TPMT", "donor *1/*1", "'donor' names another person"),
    ("TPMT", "Spender: *1/*1", "'Spender' names another person"),
    ("TPMT", "soeur *1/*1", "'soeur' names another person"),
    ("TPMT", "hermano *1/*1", "'hermano' names another person"),
    ("TPMT", "Result not TPMT *1/*1", "'not' denies or corrects something"),
    ("TPMT", "nicht *1/*1", "'nicht' denies or corrects something"),
    ("TPMT", "Requested: TPMT *1/*1", "'Requested'"),
    ("TPMT", "TPMT previously *1/*1", "'previously' speaks of an earlier time"),
    ("TPMT", "*1/*1 pending confirmation", "'pending"),
    ("TPMT", "*1/*1?", "'?' leaves the result in doubt"),
    ("TPMT", "possibly *1/*1", "leaves the result in doubt"),
    ("TPMT", "normal (sample of the sister)", "'sister' names another person"),
    ("TPMT", "Not normal", "denies"),
    ("TPMT", "*1/*1 purple", "'purple' is not understood"),
    ("TPMT", "*1/*1 in the family", "names another person"),
    ("TPMT", "If TPMT *1/*1 give the usual dose", "'If' asks for a result"),
    ("TPMT", "*1/*1, *3A/*3A", "several pairs of alleles are named"),
    ("TPMT", "*1/*1, whole gene deleted", "a change of the whole gene"),
    ("TPMT", "*3A", "it isn't said how often *3A was found"),
    ("TPMT", "*3A/*3A (mother)", "'mother' names another person"),
    ("NUDT15", "brother *1/*1", "'brother' names another person"),
    ("NUDT15", "wild type not confirmed", "denies"),
]

# Values that hold no result are set aside as they stand.
UNREAD = ["see report", "*1/*1 TPMT", "Mutter", "*1/*99", "negative", "Detected"]


def of_fhir(name: str, value: str) -> Record:
    return record_of(PATIENT, gene(code(f"{name} genotype"), value))


def of_hl7(name: str, value: str, *more: str) -> Record:
    escaped = value.replace("|", "\\F\\").replace("&", "\\T\\")
    lines = (
        "MSH|^~\\&|LIS|LAB|EHR|CLINIC|20261120090000||ORU^R01^ORU_R01|1|P|2.5.1",
        "PID|1||4217^^^CLINIC^MR||^^||19800102|F",
        "OBR|1|o1|f1|TPMT^Pharmacogenetics^L|||20261120080000",
        f"OBX|1|ST|X^{name} genotype^L||{escaped}||||||F",
        *more,
    )
    return read_hl7("\r".join(lines).encode(), "sent.hl7", KNOWLEDGE)


READERS = pytest.mark.parametrize("read", [of_fhir, of_hl7], ids=["FHIR", "HL7"])


def of_gene(record: Record, name: str) -> list[tuple[Any, ...]]:
    found = [row[1:] for row in rows(record, "genotypes", "gene", "diplotype", "phenotype") if row[0] == name]
    return sorted(found, key=str)


def said(record: Record) -> str:
    return "\n".join(f"{item.what}: {item.why}" for item in record.set_aside if item.kind == "genotype")


def is_normal(record: Record) -> bool:
    return any(row[0] == NM for row in rows(record, "genotypes", "phenotype"))


@READERS
@pytest.mark.parametrize(("name", "value", "found"), USED)
def test_words_that_are_understood_are_a_result(read: Any, name: str, value: str, found: list[Any]) -> None:
    record = read(name, value)
    assert of_gene(record, name) == sorted(found, key=str)
    assert not said(record)


@READERS
@pytest.mark.parametrize(("name", "value", "why"), ASKED)
def test_words_that_keep_a_result_from_being_used_are_said(read: Any, name: str, value: str, why: str) -> None:
    record = read(name, value)
    assert {row[1] for row in of_gene(record, name)} <= {None, UNTOLD}
    assert all(row[0] is None for row in of_gene(record, name))
    assert why in said(record)
    assert all(item.patient_id for item in record.set_aside if item.kind == "genotype")


@READERS
@pytest.mark.parametrize("value", UNREAD)
def test_words_without_a_result_are_set_aside_as_they_stand(read: Any, value: str) -> None:
    record = read("TPMT", value)
    assert [row[1] for row in of_gene(record, "TPMT")] == [None]
    assert value in said(record)


@READERS
def test_only_a_question_that_may_mean_a_weak_enzyme_stands_beside_other_reports(read: Any) -> None:
    assert of_gene(read("TPMT", "possibly *1/*1"), "TPMT") == [(None, None)]
    assert of_gene(read("TPMT", "possibly *3A/*3A"), "TPMT") == [(None, UNTOLD)]


# What stands beside *1/*1, and whether that is still normal.
BESIDE: list[tuple[Resource, bool]] = [
    ({}, True),
    ({"note": [{"text": "Standard dosing."}]}, True),
    ({"note": [{"text": "This assay does not detect all variants."}]}, True),
    ({"note": [{"text": "Monitoring of the blood count is recommended."}]}, True),
    ({"note": [{"text": "Sample was the mother's."}]}, False),
    ({"note": [{"text": "Corrected: the result is not *1/*1."}]}, False),
    ({"note": [{"text": "Poor metaboliser"}]}, False),
    ({"note": [{"text": "DNA extraction failed"}]}, False),
    ({"component": [{"code": code("Source"), "valueString": "Germline"}]}, True),
    ({"component": [{"code": code("Method"), "valueString": "PCR-RFLP"}]}, True),
    ({"component": [{"code": code("TPMT alleles tested"), "valueString": "*2, *3A, *3C"}]}, True),
    ({"component": [{"code": code("Zygosity"), "valueString": "Homozygous"}]}, True),
    ({"component": [{"code": code("Zygosity"), "valueString": "Heterozygous"}]}, False),
    ({"component": [{"code": code("DNA change"), "valueString": "NM_000367.4:c.719A>G"}]}, False),
    ({"component": [{"code": code("Comment"), "valueString": "sample of the brother"}]}, False),
    ({"component": [{"code": code("Mother"), "valueString": "*1/*3A"}]}, False),
    ({"component": [{"code": code("TPMT phenotype"), "valueString": "previously normal"}]}, False),
    ({"interpretation": [code("Normal", ("http://x", "N"))]}, True),
    ({"interpretation": [code(None, ("http://x", "A"))]}, False),
    ({"interpretation": [code("Poor metabolizer")]}, False),
    ({"focus": [{"reference": "RelatedPerson/mother"}]}, False),
    ({"modifierExtension": [{"url": "http://example.org/x", "valueBoolean": True}]}, False),
]


@pytest.mark.parametrize(("more", "normal"), BESIDE, ids=str)
def test_what_stands_beside_a_normal_result_can_only_weaken_it(more: Resource, normal: bool) -> None:
    record = record_of(PATIENT, gene(code("TPMT genotype"), "*1/*1", **more))
    alone = {row[1] for row in of_gene(record, "TPMT")} == {NM}
    assert alone == normal
    assert bool(said(record)) != normal or len(of_gene(record, "TPMT")) > 1


@pytest.mark.parametrize(
    ("seen", "normal"),
    [
        (gene(code("Donor TPMT genotype"), "*1/*1"), False),
        (gene(code("TPMT genotype of the mother"), "*1/*1"), False),
        (gene(code("Previous TPMT genotype"), "*1/*1"), False),
        (gene(code("TPMT gene mutations found [Identifier] in Blood", (LOINC, "41048-0")), "*1/*1"), True),
        (gene(code("TPMT gene product metabolic activity interpretation", (LOINC, "79713-4")), "normal"), True),
        (gene(code("TPMT and NUDT15"), "normal"), True),
        (gene(code("TPMT and NUDT15"), "*1/*1"), False),
        (gene(code("TPMT and NUDT15"), "TPMT *1/*1; NUDT15 *1/*1"), True),
        (gene(code("TPMT and NUDT15"), "Mother: TPMT *1/*1, NUDT15 *1/*1"), False),
        (gene(code("TPMT and NUDT15"), "Patient: TPMT *1/*1. Mother: TPMT *3A/*3A"), True),
    ],
    ids=str,
)
def test_the_name_of_a_test_says_whose_result_it_is_and_of_which_gene(seen: Resource, normal: bool) -> None:
    assert is_normal(record_of(PATIENT, seen)) == normal


@pytest.mark.parametrize(
    ("conclusion", "normal"),
    [("All results are final.", True), ("TPMT: sample of the donor", False), ("Sibling donor", False)],
)
def test_a_report_around_a_result_says_whose_it_is(conclusion: str, normal: bool) -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "code": code("Pharmacogenetics"),
        "conclusion": conclusion,
        "result": [{"reference": "Observation/g1"}],
    }
    record = record_of(PATIENT, {**gene(code("TPMT genotype"), "*1/*1"), "id": "g1"}, report)
    assert is_normal(record) == normal


def test_a_report_in_words_alone_is_no_genotype() -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "code": code("TPMT genotype"),
        "conclusion": "Mother: TPMT *1/*1",
    }
    record = record_of(PATIENT, report)
    assert not record.rows["genotypes"]
    assert any("Mother: TPMT *1/*1" in item.what for item in record.set_aside)


@pytest.mark.parametrize(
    ("more", "normal"),
    [
        (["NTE|1||Standard dosing."], True),
        (["NTE|1||Sample of the mother."], False),
        (["OBX|2|ST|X^TPMT genotype^L|2|Result of the donor:||||||F"], False),
        (["OBX|2|ST|Y^Neutrophils^L|2|seen||||||F"], True),
    ],
    ids=str,
)
def test_comments_and_lines_of_a_message_bear_on_its_result(more: list[str], normal: bool) -> None:
    assert is_normal(of_hl7("TPMT", "*1/*1", *more)) == normal


@pytest.mark.parametrize(
    ("diplotype", "phenotype", "found"),
    [
        ("*1/*3A", None, {IM}),
        ("*1/*1", "Normal", {NM}),
        ("*1/*1", "Poor", {NM, PM}),
        ("TPMT*1/TPMT*3A", None, {IM}),
        ("*1/*3", None, {IM}),
        (None, "TPMT normal", {NM}),
        ("*1/*1", "blue", {None}),
        ("*1/*3A", "blue", {IM}),
        ("*1/*99", "Normal", {None}),
        ("Mother: *1/*1", None, {None}),
        ("Mother: *1/*1", "Normal", {None}),
        ("not *1/*1", None, {None}),
        (None, "donor normal", {None}),
        ("*1/*1", "possibly poor", {NM, UNTOLD}),
        (None, "previously poor", {UNTOLD}),
    ],
)
def test_the_columns_of_a_table_are_read_by_the_same_reader(
    diplotype: str | None, phenotype: str | None, found: set[str | None]
) -> None:
    reader = RowReader(KNOWLEDGE)
    cells = {"patient_id": "c1", "gene": "TPMT", "diplotype": diplotype, "phenotype": phenotype, "method": "genotype"}
    reader.add("genotypes", {**cells, "reported_on": dt.date(2026, 1, 1)}, "genotypes.csv line 2")
    record = reader.record(whole=False)
    assert {row[0] for row in rows(record, "genotypes", "phenotype")} == found
    assert bool(said(record)) == (None in found or UNTOLD in found or phenotype == "blue")


WORDS = st.sampled_from(
    [
        "Mother:",
        "not",
        "*1/*1",
        "*1/*3A",
        "normal",
        "?",
        "requested",
        "purple",
        "and",
        "TPMT",
        "NUDT15",
        "wild type",
        ".",
    ]
)


@given(st.sampled_from(GENES), st.lists(WORDS, min_size=1, max_size=5).map(" ".join))
def test_no_record_is_normal_where_the_report_is_not(name: str, text: str) -> None:
    own = text if any(each in text for each in GENES) else f"{name} {text}"
    by_words = read_report(own, KNOWLEDGE).genes
    for row in rows(of_fhir(name, text), "genotypes", "gene", "phenotype"):
        if row[1] == NORMAL:
            assert row[0] in by_words
            assert by_words[row[0]].phenotype == NORMAL
