"""An event is found in a longer text, the most dangerous first; what a text denies, or says of others, is not."""

from __future__ import annotations

import pytest

from azaward.knowledge import load
from azaward.knowledge.loading.words.vocabulary import vocabulary

NAMED = [
    ("symptom", "temp 39.2 and sore throat", ["fever", "sore_throat"]),
    ("symptom", "T 38C", ["fever"]),
    ("symptom", "night sweats, weight loss and fever", ["night_sweats", "weight_loss", "fever"]),
    ("symptom", "urine like coca-cola", ["jaundice"]),
    ("symptom", "episode of melaena, nose bleeds", ["gastrointestinal_bleeding", "bleeding"]),
    ("condition", "invasive ductal carcinoma of left breast", ["cancer"]),
    ("condition", "malignant neoplasm of pancreas", ["cancer"]),
    ("condition", "acute myeloid leukaemia in remission", ["leukaemia"]),
    ("condition", "history of breast cancer", ["cancer"]),
    ("condition", "bacterial meningitis", ["invasive_infection"]),
    ("condition", "drug-induced liver injury", ["drug_liver_injury"]),
    ("condition", "NRH on thioguanine", ["thiopurine_liver_injury"]),
    ("infection", "pneumonia and sepsis", ["pneumonia", "sepsis"]),
    ("infection", "septic shock", ["sepsis"]),
    ("exposure_to_infection", "son has chickenpox", ["varicella"]),
]
NOT_NAMED = [
    ("symptom", "temp 37.9"),
    ("symptom", "no fever, no rash"),
    ("condition", "family history of melanoma"),
    ("condition", "lymphoma excluded"),
    ("condition", "benign neoplasm of skin"),
    ("condition", "Full-time employment (finding)"),
]


@pytest.mark.parametrize(("kind", "text", "codes"), NAMED)
def test_what_a_text_names_is_found(kind: str, text: str, codes: list[str]) -> None:
    assert [code for _, code in vocabulary(load()).events(kind, text)] == codes


@pytest.mark.parametrize(("kind", "text"), NOT_NAMED)
def test_what_a_text_denies_is_not(kind: str, text: str) -> None:
    assert vocabulary(load()).events(kind, text) == []


def test_what_passes_stays_a_condition_on_record() -> None:
    assert vocabulary(load()).events("condition", "stroke") == [("condition", "stroke")]
    assert vocabulary(load()).events("symptom", "stroke") == [("symptom", "stroke")]
