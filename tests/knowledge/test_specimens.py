"""What a result was measured in and what its laboratory says of it: never believed where it isn't understood."""

from __future__ import annotations

import re

import pytest

from azaward.knowledge import load
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.schema.laboratory import ResultFlag, Specimen
from azaward.knowledge.loading.words.vocabulary import SNOMED, vocabulary
from tests.knowledge.test_medicine_codes import is_snomed

KNOWLEDGE = load()
WORDS = vocabulary(KNOWLEDGE)
SPECIMENS = KNOWLEDGE.tables["specimens"]
FLAGS = KNOWLEDGE.tables["result_flags"]
NUMBERS = KNOWLEDGE.tables["number_systems"]

BLOOD = """
Blood | Whole blood | BLOOD, WHOLE | Venous blood specimen | Peripheral blood | Serum | Serum or plasma
Ser/Plas | Plasma (EDTA) | Blood specimen with EDTA | Blood (venous), left arm, EDTA tube | Arterial blood gas
EDTA-Blut | Vollblut | venöses Blut | Heparinplasma | sang veineux | Sérum | Sangre venosa | suero | siero
soro | bloed | Venøst blod | helblod | 全血 | 血清 | SER | plas | BLD | WB | 119297000
http://snomed.info/sct|119364003 | https://snomed.info/sct/|119361006
http://terminology.hl7.org/CodeSystem/v2-0487|WB | urn:oid:2.16.840.1.113883.18.311|SER | HL70487|SER
HL70163|LACF | arm | Left arm | left antecubital fossa | venous | Fingertip
Structure of left upper limb (body structure) | Ellenbeuge | Right median cubital vein | pli du coude
Blood; Left arm | Serum; Plasma
EDTA | K2-EDTA blood | K2-EDTA Vollblut | Lavender top | Purple top tube | krew | Krew żylna | Кровь | сыворотка крови
Periferní krev | vér | sânge | kokoveri | Tam kan | αίμα | דם | 전혈 | 静脉血 | máu | darah
PICC line | Central line | Hickman line | Arterial line, left | Line sample
"""
NOT_BLOOD = """
Dialysis fluid | Dialysate | Ascites, EDTA | EDTA urine | Pleural fluid (lavender top) | mocz | моча | idrar
Ascitic fluid | Ascites | ascitesvæske | Aszitespunktat | liquide d'ascite | 腹水 | Peritoneal dialysis fluid
Pleural fluid | CSF | Cerebrospinal fluid | Liquor | LCR | líquido cefalorraquídeo
Synovial fluid, right knee | BAL | Sputum | Stool | Urine | Urin | 24h urine | Mid-stream urine | orina | 尿
UR | 122575003 | Wound drain fluid | Body fluid | Swab | Saliva | Cord blood | Umbilical cord blood
Nabelschnurblut | sang du cordon | BLDCO | Bone marrow | moelle osseuse | Knochenmark | Menstrual blood
Blood specimen from blood donor | Quality control | HL70070|PRT | CSF; Ascites | 309201001
"""
UNKNOWN = """
Dialysis | Haemodialysis
abdomen | knee | lumbar | left | Total count | OTH | unknown | mystery | krwawy | Pt
Blood from abdomen | bloody ascites | Ascites, blood-stained | pre-dialysis blood | no blood | ?blood | blood?
not blood | no urine | blood culture | blood / urine | Serum; Urine | Blood; abdomen | Blood; mystery
dried blood spot | Line venous | Erythrocytes | urine 0 | http://hospital.example/specimens|BLD
http://snomed.info/sct|1 | 58 | | ;
"""


def cases(text: str) -> list[str]:
    return [case.strip() for case in re.split(r"\n| \| ", text) if case.strip() not in ("", "|")]


EXPECTED = {"right": BLOOD, "wrong": NOT_BLOOD, "unknown": UNKNOWN}


@pytest.mark.parametrize(
    ("text", "measured"), [(text, measured) for measured, texts in EXPECTED.items() for text in cases(texts)]
)
def test_only_blood_counts_as_blood(text: str, measured: str) -> None:
    assert WORDS.specimen(text, "neutrophils") == measured
    assert WORDS.specimen(text.upper(), "creatinine") == measured


@pytest.mark.parametrize(
    ("text", "analyte", "measured"),
    [
        ("Urine", "urine_protein", "right"),
        ("24h urine", "urine_protein", "right"),
        ("Serum", "urine_protein", "wrong"),
        ("Urine sediment", "urine_protein", "wrong"),
        ("arm", "urine_protein", "unknown"),
        ("Urine", "pregnancy_test", "right"),
        ("Serum", "pregnancy_test", "right"),
        ("Erythrocytes", "tgn", "right"),
        ("RBC", "tpmt_activity", "right"),
        ("Whole blood", "mmp", "right"),
        ("Axilla", "temperature", "right"),
        ("anywhere at all", "weight", "right"),
        ("Urine", "temperature", "wrong"),
        ("Blood", "weight", "wrong"),
        ("Blood", "no such analyte", "unknown"),
    ],
)
def test_an_analyte_has_its_specimen(text: str, analyte: str, measured: str) -> None:
    assert WORDS.specimen(text, analyte) == measured


@pytest.mark.parametrize("row", [row for row in SPECIMENS if row.code], ids=lambda row: f"{row.system} {row.code}")
def test_a_code_and_its_name_mean_the_same(row: Specimen) -> None:
    by_code = WORDS.specimen(f"{row.system}|{row.code}", "neutrophils")
    assert WORDS.specimen(row.name, "neutrophils") == by_code


def test_codes_are_whole_and_one_meaning_each() -> None:
    coded = [(row.system, row.code) for row in SPECIMENS if row.code]
    assert len(coded) == len(set(coded))
    assert all(is_snomed(row.code) for row in SPECIMENS if row.system == SNOMED and row.code)
    assert all(bool(row.system) == bool(row.code) for row in SPECIMENS)
    named = [(name, row.holds) for row in SPECIMENS if not row.code for name in split(row.name)]
    assert len(dict(named)) == len(set(named)), "a name with two meanings"


MARKS: dict[str | None, str] = {
    "LL": """
LL | ll | LL* | L* | PL | -- | ↓↓ | critical low | Critically low | LOW, critical | panic low | very low | sehr niedrig
kritisch niedrig | stark erniedrigt | LL; see comment | critically low - phoned to ward | L~LL""",
    "HH": "HH | H* | PANIC HIGH | ++ | !H | très élevé | kritisk høyt",
    "AA": "AA | critical | kritisch | Very abnormal | LL; HH",
    "L": "L | LU | LX | Low | L - Low | below low normal | lavt | bajo",
    "H": "H | HU | H (High) | H~A | erhöht | élevé | for højt",
    "A": "A | Abnormal | auffällig | L;H | abnormal, normal",
    "N": "N | n | Normal | N (Normal) | within normal limits",
    "<": "< | off scale low",
    ">": "> | Off scale high",
    "other": "W | S | R | POS | Not detected | null | HM",
    None: """
not critical | non-critical | no longer low | not low | N/A | n.a. | see comment | N; see comment | normal? | low risk
normal for her | + | - | !! | ** | * | ?""",
}


@pytest.mark.parametrize(("text", "flag"), [(text, flag) for flag, texts in MARKS.items() for text in cases(texts)])
def test_a_mark_means_what_it_says_and_no_more(text: str, flag: str | None) -> None:
    assert WORDS.flag(text) == flag


@pytest.mark.parametrize("row", FLAGS, ids=lambda row: row.code)
def test_every_mark_is_found(row: ResultFlag) -> None:
    assert WORDS.flag(row.code) == row.flag


def test_systems_of_numbers_are_as_fhir_writes_them() -> None:
    systems = [row.system for row in NUMBERS]
    assert len(systems) == len(set(systems))
    assert all(re.fullmatch(r"urn:oid:[0-9]+(\.[0-9]+)+|https?://[^\s|]+[^/\s|]", system) for system in systems)
    # A US Social Security number is shared and mistyped: two records with one may be two people.
    assert not {"http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1"} & set(systems)
    assert {"https://fhir.nhs.uk/Id/nhs-number", "urn:oid:1.2.208.176.1.2"} <= set(systems)
