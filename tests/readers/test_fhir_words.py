"""What a report or a result says in words: serious words are read today, numbers in words are doubted.

Each case begins with one healthy person on azathioprine whose neutrophils were 3.9 in October.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.readers.test_fhir_structure import CALM, LOUD, SUBJECT, Resource, answer, codes, healthy, result, urgency

SERIOUS = (
    "Neutropenia",
    "Severe neutropenia",
    "Schwere Neutropenie",
    "Agranulozytose nicht ausgeschlossen",
    "Neutropénie sévère à 0,3 G/L",
    "Neutropenia grave",
    "Pancitopenia",
    "Panzytopenie",
    "severe leukopenia",
    "Leucopénie",
    "Aplastic picture",
    "agranulocytosis cannot be excluded",
    "Thrombocytopenia 12",
    "Acute pancreatitis on CT",
    "Akute Pankreatitis",
    "EBV positive",
    "HSTCL suspected",
    "Lymphome",
    "Blasts seen. No other abnormality.",
    "No anaemia, but neutropenia",
)
NUMBERS = (
    "Neutrophils 0.3",
    "Neutrophils: 0.3 x10^9/L",
    "ANC 300 /uL",
    "Hb 141 g/L, neutrophils 0.3",
    "Neutrophile 0,3",
)
CALM_WORDS = (
    "Normal full blood count",
    "Unremarkable",
    "Negative",
    "No blasts seen",
    "No neutropenia",
    "Neutropenia excluded",
    "No blasts, lymphoma or neutropenia",
    "EBV negative",
    "Keine Blasten",
    "Pas de neutropénie",
)


def report(conclusion: Any = None, **more: Any) -> Resource:
    made: Resource = {"resourceType": "DiagnosticReport", "id": "r1", "status": "final", "subject": SUBJECT}
    made |= {"code": {"text": "Full blood count"}, "effectiveDateTime": "2026-11-21", **more}
    return made | ({} if conclusion is None else {"conclusion": conclusion})


def document(said: str, kind: str = "text/plain") -> Resource:
    return {"contentType": kind, "data": base64.b64encode(said.encode()).decode()}


ELEMENTS: dict[str, Resource] = {
    "a list": report(["Agranulocytosis"]),
    "a code with its name": report(conclusionCode=[{"coding": [{"code": "165517008", "display": "Neutropenia"}]}]),
    "a code without its list": report(conclusionCode={"text": "Neutropenia"}),
    "a coded diagnosis": report(codedDiagnosis=[{"text": "Agranulocytosis"}]),
    "a note": report(note=[{"text": "Severe neutropenia"}]),
    "a text": report(presentedForm=[document("Severe neutropenia")]),
    "a web page": report(presentedForm=document("<p>Severe <b>neutropenia</b></p>", "text/html; charset=utf-8")),
    "the narrative": report(text={"div": "<div>Severe neutropenia</div>"}),
    "a note on a result": result("platelets", 240, "2026-11-20", note=[{"text": "Blasts seen"}]),
}


@pytest.mark.parametrize("said", SERIOUS)
def test_serious_words_of_a_report_are_read_today(said: str) -> None:
    answered = answer(*healthy(), report(said))
    assert "report_serious" in codes(answered)
    assert urgency(answered) in LOUD


@pytest.mark.parametrize("element", ELEMENTS)
def test_serious_words_are_found_in_every_element(element: str) -> None:
    answered = answer(*healthy(), ELEMENTS[element])
    assert "report_serious" in codes(answered)
    assert urgency(answered) in LOUD


@pytest.mark.parametrize("said", NUMBERS)
def test_a_severe_number_in_words_is_asked_about_today(said: str) -> None:
    assert urgency(answer(*healthy(), report(said))) in LOUD
    assert urgency(answer(*healthy(), report(presentedForm=[document(said)]))) in LOUD


@pytest.mark.parametrize("said", CALM_WORDS)
def test_a_report_that_all_is_well_is_calm(said: str) -> None:
    category = [{"coding": [{"code": "LAB"}]}]
    assert urgency(answer(*healthy(), report(said, category=category))) in CALM


def test_a_document_that_only_a_person_can_read_is_read_this_week() -> None:
    form = {"contentType": "application/pdf", "data": "JVBERi0="}
    assert "report_in_words" in codes(answer(*healthy(), report(presentedForm=[form])))
    letter = report(presentedForm=[form], category=[{"text": "Discharge summary"}])
    assert urgency(answer(*healthy(), letter)) in CALM


@pytest.mark.parametrize("note", ["Results checked", "Reference range 2.0 - 7.5", "Neutrophils 2.0 - 7.5 x10^9/L"])
def test_a_harmless_note_beside_a_result_is_calm(note: str) -> None:
    assert urgency(answer(*healthy(), result("neutrophils", 3.9, "2026-11-20", note=[{"text": note}]))) in CALM


WRITTEN = ("0,3", "0.3 x10^9/L", "0.3 L", "0.3*", "0.3 (phoned)", "300/uL", "0.3 - 0.5", "<0.5 x10^9/L", "neutropenia")


@pytest.mark.parametrize("said", WRITTEN)
def test_a_severe_value_in_words_is_asked_about_today(said: str) -> None:
    odd = result("neutrophils", None, "2026-11-21", valueQuantity=None, valueString=said)
    assert urgency(answer(*healthy(), odd)) in LOUD


def test_a_severe_value_as_a_range_is_asked_about_today() -> None:
    bounds = {"low": {"value": 0.2, "unit": "10*9/L"}, "high": {"value": 0.4, "unit": "10*9/L"}}
    odd = result("neutrophils", None, "2026-11-21", valueQuantity=None, valueRange=bounds)
    assert urgency(answer(*healthy(), odd)) in LOUD


def test_the_words_of_a_result_without_a_value_are_shown_and_read() -> None:
    odd = result("neutrophils", None, "2026-11-21", valueQuantity=None, note=[{"text": "Neutrophils 0.3"}])
    answered = answer(*healthy(), {**odd, "dataAbsentReason": {"text": "analyser failed"}})
    assert urgency(answered) in LOUD


def test_of_several_marks_the_gravest_counts() -> None:
    marks = [{"coding": [{"code": "N"}]}, {"coding": [{"code": "LL"}]}]
    odd = result("neutrophils", None, "2026-11-21", valueQuantity=None, interpretation=marks)
    assert urgency(answer(*healthy(), odd)) in LOUD


@pytest.mark.parametrize("said", ["Vorwert Neutrophile 4,1 /nl", "Neutrophile 4,1 /nl", "Aszites: Neutrophile 4,1 /nl"])
def test_a_number_in_prose_hides_no_measured_one(said: str) -> None:
    low = result("neutrophils", 0.4, "2026-11-20")
    assert urgency(answer(*healthy(), low, report(said))) == "emergency"


@pytest.mark.parametrize(
    "said",
    [
        "Neutrophile 3.900/µl",
        "Leucocytes 6 100/mm3",
        "Urin: Leukozyten 25/µl",
        "Previous neutrophils 0.4 x10^9/L (2019)",
        "Stop azathioprine if neutrophils <1.0 x10^9/L",
    ],
)
def test_a_number_that_is_no_severe_value_of_now_is_no_work_of_today(said: str) -> None:
    assert urgency(answer(*healthy(), report(said))) not in LOUD


@pytest.mark.parametrize("said", ["Neutrophils previously 4.1, now 0.3 x10^9/L", "Neutrophile: 0,3 /nl (Vorwert 4,1)"])
def test_the_value_of_now_is_asked_about_beside_an_earlier_one(said: str) -> None:
    assert urgency(answer(*healthy(), report(said))) in LOUD


@pytest.mark.parametrize("said", ["Kein pathologischer Befund", "Platelets adequate", "EBV IgG positive"])
def test_only_normal_words_are_calm(said: str) -> None:
    assert urgency(answer(*healthy(), report(said))) in CALM


@pytest.mark.parametrize("said", ["Not normal", "No platelets", "EBV IgG positive, IgM positive"])
def test_words_that_deny_what_is_normal_are_read(said: str) -> None:
    assert urgency(answer(*healthy(), report(said))) not in CALM
