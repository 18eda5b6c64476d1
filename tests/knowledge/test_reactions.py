"""A harm that a record blames on a thiopurine is understood in whatever words; a disease beside it is not blamed."""

from __future__ import annotations

import pytest

from azaward.knowledge import load
from azaward.knowledge.loading.words.vocabulary import vocabulary

BLAMED = {
    "azathioprine induced pancreatitis": "thiopurine_pancreatitis",
    "Azathioprine-induced acute pancreatitis": "thiopurine_pancreatitis",
    "pancreatitis due to azathioprine": "thiopurine_pancreatitis",
    "Acute pancreatitis secondary to thiopurines": "thiopurine_pancreatitis",
    "Drug-induced pancreatitis (azathioprine)": "thiopurine_pancreatitis",
    "6-MP pancreatitis": "thiopurine_pancreatitis",
    "mercaptopurine-induced hepatitis": "thiopurine_liver_injury",
    "AZA-induced hepatitis": "thiopurine_liver_injury",
    "Hepatotoxicity caused by Imuran": "thiopurine_liver_injury",
    "drug induced hepatitis - azathioprine": "thiopurine_liver_injury",
    "Bone marrow failure caused by Purinethol": "thiopurine_marrow_failure",
    "azathioprine-related leucopenia": "thiopurine_marrow_failure",
    "azathioprine hypersensitivity syndrome": "thiopurine_hypersensitivity",
    "intolerance to azathioprine: rash": "thiopurine_hypersensitivity",
    "Drug fever due to azathioprine": "thiopurine_hypersensitivity",
    "azathioprine intolerance": "thiopurine_intolerance",
    "azathioprine not tolerated": "thiopurine_intolerance",
    "adverse reaction to azathioprine": "thiopurine_intolerance",
    "Imuran - nausea": "thiopurine_intolerance",
    "Autoimmune hepatitis: intolerant of azathioprine": "thiopurine_intolerance",
    "could not tolerate mercaptopurine (nausea)": "thiopurine_intolerance",
    "did not tolerate AZA": "thiopurine_intolerance",
    "couldn't tolerate Imuran": "thiopurine_intolerance",
    "was unable to tolerate azathioprine": "thiopurine_intolerance",
    "azathioprine poorly tolerated": "thiopurine_intolerance",
    "leukopenia on 6-MP": "thiopurine_marrow_failure",
    "pancreatitis on azathioprine": "thiopurine_pancreatitis",
    "thiopurine induced flu-like syndrome": "thiopurine_intolerance",
    "aplastic crisis with azathioprine": "thiopurine_marrow_failure",
    "neutropenia while taking mercaptopurine": "thiopurine_marrow_failure",
    "stopped azathioprine because of feeling awful": "thiopurine_named",
    "azathioprine failure": "thiopurine_named",
    "Previous problem with 6-MP": "thiopurine_named",
    "must not have Imuran": "thiopurine_named",
}
NOT_BLAMED = (
    "Autoimmune hepatitis, on azathioprine",
    "Autoimmune hepatitis due to start azathioprine",
    "Iron deficiency anaemia, on azathioprine",
    "no known allergy to azathioprine",
    "no side effects of azathioprine",
    "azathioprine well tolerated",
    "azathioprine monitoring",
    "pancreatitis excluded, azathioprine continued",
    "family history of azathioprine intolerance",
    "allergy to penicillin; takes azathioprine",
    "on azathioprine",
    "azathioprine",
    "long-term azathioprine therapy",
    "treated with low dose azathioprine",
    "azathioprine 50 mg",
    "Crohn's disease maintained on mercaptopurine",
    "thiopurine methyltransferase activity low",
)


@pytest.mark.parametrize("kind", ["condition", "allergy", "symptom"])
@pytest.mark.parametrize("text", BLAMED)
def test_a_harm_is_blamed_on_a_thiopurine(text: str, kind: str) -> None:
    assert vocabulary(load()).event(kind, text) == ("condition", BLAMED[text])


@pytest.mark.parametrize("text", NOT_BLAMED)
def test_a_disease_beside_it_or_a_denial_is_not(text: str) -> None:
    known = vocabulary(load()).event("condition", text)
    assert known is None or not known[1].startswith("thiopurine")
