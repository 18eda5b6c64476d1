"""Whatever a record calls an allergy to azathioprine is one, or is asked about, in any element and any language.

Each case begins with one healthy person on azathioprine. What is harmless and looks like the trouble stays calm.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.readers.test_fhir_structure import CALM, LOUD, SUBJECT, Resource, answer, codes, healthy, urgency

SNOMED, ATC = "http://snomed.info/sct", "http://www.whocc.no/atc"

CONDITIONS = (
    "Azathioprine allergy",
    "Allergy to azathioprine",
    "Allergy: azathioprine",
    "Imuran allergy",
    "Mercaptopurine allergy",
    "Allergy to thiopurines",
    "Azathioprine allergy (disorder)",
    "H/O: azathioprine allergy",
    "Personal history of allergy to azathioprine",
    "Azathioprine anaphylaxis",
    "Azathioprinunverträglichkeit",
    "Azathioprin-Allergie",
    "Bekannte Allergie gegen Azathioprin",
    "Überempfindlichkeit gegen Imurek",
    "Allergie à l'azathioprine",
    "Allergie azathioprine",
    "Intolérance à l’azathioprine",
    "Alergia a la azatioprina",
    "Allergia all'azatioprina",
    "Overgevoeligheid voor azathioprine",
)
ASKED_CONDITIONS = ("Adverse effect of immunosuppressant", "Alergia a tiopurinas", "Allergy to antimetabolites")
HARMLESS_CONDITIONS = (
    "No allergy to azathioprine",
    "Keine Allergie gegen Azathioprin",
    "Pas d'allergie à l'azathioprine",
    "Penicillin allergy",
    "Allergic rhinitis",
    "Lactose intolerance",
    "Laktoseintoleranz",
    "Allergie aux pollens",
)


def text(said: str) -> Resource:
    return {"text": said}


def coding(system: str, code: str, display: str | None = None) -> Resource:
    return {"coding": [{"system": system, "code": code, **({"display": display} if display else {})}]}


ALLERGIES: dict[str, Resource] = {
    "words alone": {"code": "azathioprine"},
    "words in a list": {"code": {"text": ["azathioprine"]}},
    "French": {"code": text("Allergie à l'azathioprine")},
    "German": {"code": text("Azathioprinunverträglichkeit")},
    "Spanish": {"code": text("Alergia a tiopurinas")},
    "a group": {"code": text("Antimetabolites")},
    "purine analogues": {"code": text("Purine analogues")},
    "purine antagonist": {"code": text("Purine antagonist")},
    "immunosuppressants": {"code": text("Immunosuppressiva")},
    "two medicines": {"code": text("penicillin, azathioprine")},
    "all but one": {"code": text("NKDA except azathioprine")},
    "ATC group of azathioprine": {"code": coding(ATC, "L04AX")},
    "ATC group of mercaptopurine": {"code": coding(ATC, "L01BB", "Purine analogues")},
    "ATC group with its name": {"code": coding(ATC, "L04", "IMMUNOSUPPRESSANTS")},
    "UNII": {"code": coding("http://fdasis.nlm.nih.gov", "MRK240IY2L")},
    "a note": {"code": text("See note"), "note": [{"text": "azathioprine: pancreatitis 2015"}]},
    "a note on a drug": {"code": text("Drug"), "note": "Imuran"},
    "a note alone": {"note": [{"text": "Rash with azathioprine"}]},
    "a reaction in words": {"code": text("Drug"), "reaction": [{"description": "azathioprine"}]},
    "a substance of a reaction": {"reaction": [{"substance": text("Azathioprin")}]},
    "the narrative": {"text": {"status": "generated", "div": "<div><b>Allergy</b>: azathioprine, fever</div>"}},
    "a second display": {"code": {"text": "Drug allergy", "coding": [{"display": "Azathioprin"}]}},
}
UNKNOWN: dict[str, Resource] = {
    "nothing": {},
    "a code that isn't known": {"code": coding(SNOMED, "999000011000000103")},
    "a class of NDF-RT": {"code": coding("http://hl7.org/fhir/ndfrt", "N0000175459")},
}
HARMLESS: dict[str, Resource] = {
    "no known allergy": {"code": coding(SNOMED, "716186003")},
    "no known drug allergy": {"code": coding(SNOMED, "409137002", "No known drug allergy")},
    "NKDA": {"code": text("NKDA")},
    "keine": {"code": text("Keine bekannten Allergien")},
    "aucune": {"code": text("Aucune allergie connue")},
    "penicillin": {"code": text("Penicillin"), "note": [{"text": "Rash in 1990. Now on azathioprine."}]},
    "tolerated": {"code": text("Allopurinol"), "note": [{"text": "tolerates azathioprine"}]},
    "grass": {"code": text("Grass pollen"), "category": ["environment"]},
    "a food by its code": {"code": coding(SNOMED, "999000011000000103"), "category": ["food"]},
    "latex in words": {"code": "Latex"},
    "ATC group of penicillins": {"code": coding(ATC, "J01C", "BETA-LACTAM ANTIBACTERIALS, PENICILLINS")},
    "ruled out": {"code": text("Azathioprine"), "verificationStatus": coding("x", "refuted")},
}


def allergy(**more: Any) -> Resource:
    return {"resourceType": "AllergyIntolerance", "id": "a1", "patient": SUBJECT, **more}


def condition(said: str) -> Resource:
    return {"resourceType": "Condition", "id": "c1", "subject": SUBJECT, "code": text(said)}


@pytest.mark.parametrize("said", CONDITIONS)
def test_a_condition_that_is_an_allergy_to_a_thiopurine_stops_it(said: str) -> None:
    assert urgency(answer(*healthy(), condition(said))) in LOUD


@pytest.mark.parametrize("said", ASKED_CONDITIONS)
def test_a_condition_that_may_be_such_an_allergy_is_asked_about(said: str) -> None:
    assert urgency(answer(*healthy(), condition(said))) in LOUD


@pytest.mark.parametrize("said", HARMLESS_CONDITIONS)
def test_a_condition_that_is_no_such_allergy_is_calm(said: str) -> None:
    assert urgency(answer(*healthy(), condition(said))) in CALM


@pytest.mark.parametrize("case", ALLERGIES)
def test_an_allergy_to_a_thiopurine_is_heard_wherever_it_is_said(case: str) -> None:
    answered = answer(*healthy(), allergy(**ALLERGIES[case]))
    assert urgency(answered) in LOUD
    assert codes(answered) & {"allergy_thiopurine", "allergy_may_be_thiopurine"}


@pytest.mark.parametrize("case", UNKNOWN)
def test_an_allergy_to_nobody_knows_what_is_said_to_be_unread(case: str) -> None:
    answered = answer(*healthy(), allergy(**UNKNOWN[case]))
    assert "record_unreadable" in codes(answered)


@pytest.mark.parametrize("case", HARMLESS)
def test_a_harmless_allergy_is_calm(case: str) -> None:
    assert urgency(answer(*healthy(), allergy(**HARMLESS[case]))) in CALM


CAUTIONS: dict[str, Resource] = {
    "a flag": {"resourceType": "Flag", "status": "active", "code": text("Azathioprine allergy - do not give")},
    "an adverse event": {
        "resourceType": "AdverseEvent",
        "actuality": "actual",
        "event": text("Acute pancreatitis"),
        "suspectEntity": [{"instance": {"display": "Azathioprine 50 mg tablets"}}],
    },
}
HARMLESS_CAUTIONS: dict[str, Resource] = {
    "a flag": {"resourceType": "Flag", "status": "active", "code": text("Fall risk")},
    "a flag on monitoring": {"resourceType": "Flag", "status": "active", "code": text("Azathioprine monitoring")},
    "a flag struck out": {"resourceType": "Flag", "status": "entered-in-error", "code": text("Azathioprine allergy")},
    "an adverse event": {"resourceType": "AdverseEvent", "actuality": "actual", "event": text("Fall")},
}


@pytest.mark.parametrize("case", CAUTIONS)
def test_a_caution_against_a_thiopurine_is_asked_about(case: str) -> None:
    assert urgency(answer(*healthy(), {"id": "w1", "subject": SUBJECT, **CAUTIONS[case]})) in LOUD


@pytest.mark.parametrize("case", HARMLESS_CAUTIONS)
def test_another_caution_is_calm(case: str) -> None:
    assert urgency(answer(*healthy(), {"id": "w1", "subject": SUBJECT, **HARMLESS_CAUTIONS[case]})) in CALM
