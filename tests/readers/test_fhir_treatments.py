"""One treatment, as records write it: an order, copies of it, reports, supplies; doses in tablets and in words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.readers.test_fhir import PATIENT, order, record_of, rows, use

DAILY = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}
RX = {**order(), "id": "rx"}
ON_RX = {"basedOn": [{"reference": "MedicationRequest/rx"}]}


def dosed(name: str, *, text: str | None = None, timing: Any = DAILY, **quantity: Any) -> dict[str, Any]:
    dosage = {"timing": timing, "doseAndRate": [{"doseQuantity": quantity}]} if quantity else {}
    return order(name, dosageInstruction=[{**dosage, **({"text": text} if text else {})}])


@pytest.mark.parametrize(
    ("resource", "told_as"),
    [
        (use("MedicationStatement", status="active", effectiveDateTime="2026-01-01"), "report"),
        (order(reportedBoolean=True), "report"),
        (order(**ON_RX), "copy"),
        (use("MedicationDispense", status="completed", whenHandedOver="2026-01-01"), "supply"),
        (use("MedicationAdministration", status="completed", effectiveDateTime="2026-01-01"), "administration"),
        (order(authoredOn="2026-02-01"), None),
    ],
)
def test_an_entry_says_what_it_is_told_as(resource: dict[str, Any], told_as: str | None) -> None:
    assert rows(record_of(PATIENT, RX, resource), "exposures", "told_as") == [(None,), (told_as,)]


def test_an_order_under_two_ids_counts_once_and_two_orders_count_twice() -> None:
    number = {"identifier": [{"system": "urn:rx", "value": "7"}]}
    once = record_of(PATIENT, {**order(**number), "id": "a"}, {**order(**number), "id": "b"})
    assert len(once.rows["exposures"]) == 1
    assert [item.why[:16] for item in once.set_aside] == ["says the same as"]
    assert len(record_of(PATIENT, {**order(), "id": "a"}, {**order(), "id": "b"}).rows["exposures"]) == 2


@pytest.mark.parametrize(
    ("resource", "dose"),
    [
        (dosed("Azathioprine 50 mg tablets", value=3, unit="tablet"), 150),
        (dosed("Azathioprin 50 mg Tabletten", value=3, unit="Tablette", code="{tbl}"), 150),
        (dosed("Azathioprine 50mg tablets", value=3, code="TAB"), 150),
        (dosed("Azathioprine 50mg tablets", text="Take THREE tablets once a day"), 150),
        (dosed("Azathioprine 50mg tablets", text="1-0-2"), 150),
        (dosed("Azathioprine", text="150 mg daily"), 150),
        (dosed("Azathioprine tablets", value=3, unit="tablet"), None),
        (dosed("Azathioprine 25 mg / 50 mg tablets", value=3, unit="tablet"), None),
        (dosed("Azathioprine 50 mg/5 ml", value=3, unit="tablet"), None),
        (dosed("Azathioprine 50mg tablets", value=3, unit="mL"), None),
        (dosed("Azathioprine 50mg tablets", text="3 tablets on Mondays"), None),
        (dosed("Azathioprine 50mg tablets", text="one to three tablets daily"), None),
    ],
)
def test_tablets_and_words_are_milligrams_where_nothing_is_left_open(resource: Any, dose: float | None) -> None:
    assert rows(record_of(PATIENT, resource), "exposures", "dose_mg_per_day") == [(dose,)]


def test_a_dose_that_cannot_be_worked_out_is_said() -> None:
    record = record_of(PATIENT, dosed("Azathioprine tablets", value=3, unit="tablet"))
    assert ["no single tablet strength is stated" in item.why for item in record.set_aside] == [True]


@pytest.mark.parametrize(("unit", "dose"), [("d", 150), ("wk", None)])
def test_all_seven_days_are_every_day(unit: str, dose: float | None) -> None:
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    timing = {"repeat": {"dayOfWeek": days, "frequency": 1, "period": 1, "periodUnit": unit}}
    resource = dosed("Azathioprine", timing=timing, value=150, unit="mg")
    assert rows(record_of(PATIENT, resource), "exposures", "dose_mg_per_day") == [(dose,)]


def test_a_supply_ends_when_it_runs_out() -> None:
    handed = use("MedicationDispense", status="completed", whenHandedOver="2026-01-01", daysSupply={"value": 28})
    assert rows(record_of(PATIENT, handed), "exposures", "stopped_on") == [("2026-01-29",)]


def test_a_name_in_a_translation_and_a_substance_contained_beside_its_product_are_read() -> None:
    says = {"url": "content", "valueString": "Azathioprine"}
    said = {"url": "http://hl7.org/fhir/StructureDefinition/translation", "extension": [says]}
    translated = order(medicationCodeableConcept={"coding": [{"code": "7", "_display": {"extension": [said]}}]})
    product = {"resourceType": "Medication", "id": "m", "ingredient": [{"itemReference": {"reference": "#s"}}]}
    substance = {"resourceType": "Substance", "id": "s", "code": {"text": "Azathioprine"}}
    contained = {**order(), "contained": [product, substance], "medicationReference": {"reference": "#m"}}
    del contained["medicationCodeableConcept"]
    for resource in (translated, contained):
        assert rows(record_of(PATIENT, resource), "exposures", "medicine") == [("azathioprine",)]


def test_a_withdrawn_order_of_a_thiopurine_is_said() -> None:
    record = record_of(PATIENT, order(status="cancelled"))
    assert not record.rows["exposures"]
    assert [item.kind for item in record.set_aside] == ["struck"]
