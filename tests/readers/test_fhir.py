"""What azaward makes of FHIR, one behaviour at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from azaward.knowledge import load
from azaward.readers.fhir.bundle import read_bundle, read_ndjson
from azaward.readers.read import read
from azaward.record import TABLES, Record

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ME = {"reference": "Patient/p1"}
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1980-01-02", "gender": "female"}
Resource = dict[str, Any]


def record_of(*resources: Resource, urls: Sequence[str | None] = ()) -> Record:
    """The record of a Bundle with these resources."""
    entries = [{"resource": each} for each in resources]
    for entry, url in zip(entries, urls, strict=False):
        if url:
            entry["fullUrl"] = url  # type: ignore[assignment]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return read_bundle(json.dumps(bundle).encode(), "b.json", load())


def rows(record: Record, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """The rows of a table in the named columns, days as text."""
    names = [column.name for column in TABLES[table]]
    picked = [tuple(row[names.index(column)] for column in columns) for row in record.rows[table]]
    return [tuple(str(cell) if hasattr(cell, "isoformat") else cell for cell in row) for row in picked]


def aside(record: Record) -> list[tuple[str, str]]:
    """Where, and what, of all that was set aside."""
    return [(item.where.removeprefix("b.json Bundle."), item.what) for item in record.set_aside]


def code(text: str | None = None, *codings: tuple[str, str]) -> Resource:
    found: Resource = {"coding": [{"system": system, "code": each} for system, each in codings]} if codings else {}
    return {**found, **({"text": text} if text else {})}


def lab(name: Resource, value: Resource | None = None, **more: Any) -> Resource:
    base = {"resourceType": "Observation", "status": "final", "subject": ME, "effectiveDateTime": "2026-05-04"}
    return {**base, "code": name, **({"valueQuantity": value} if value else {}), **more}


def order(name: str = "Azathioprine", **more: Any) -> Resource:
    base = {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": ME}
    return {**base, "medicationCodeableConcept": {"text": name}, "authoredOn": "2026-01-01", **more}


NEUTROPHILS = code(None, (LOINC, "751-8"))


@pytest.mark.parametrize(
    ("name", "analyte"),
    [
        (code("Count", (LOINC, "6690-2")), "wbc"),
        (code("anything", ("urn:local", "X1"), (LOINC, "777-3")), "platelets"),
        (code(None, ("urn:local", "ALT")), "alt"),
        (code("Leukozyten", ("urn:local", "LEUK1")), "wbc"),
        (code("Serum ALT level", ("http://snomed.info/sct", "1018251000000107")), "alt"),
        (code(None, ("urn:oid:2.16.840.1.113883.6.1", "718-7")), "haemoglobin"),
        (
            {"coding": [{"system": "urn:local", "code": "99", "display": "Platelet count"}], "text": "FBC 3"},
            "platelets",
        ),
    ],
)
def test_a_result_is_known_by_loinc_code_local_code_or_name(name: Resource, analyte: str) -> None:
    record = record_of(PATIENT, lab(name, {"value": 5, "unit": "10*9/L"}))
    assert rows(record, "results", "analyte") == [(analyte,)]
    assert not record.set_aside


def test_a_name_beside_another_tests_code_is_never_believed() -> None:
    urine = lab(code("WBC", (LOINC, "5821-4")), {"value": 3, "unit": "/uL"})
    percent = lab(code("Neutrophils", (LOINC, "770-8")), {"value": 42, "unit": "%"})
    record = record_of(PATIENT, urine, percent)
    # What looks like the analyte is kept with its doubt, which rules read; another specimen is only counted.
    assert rows(record, "results", "analyte", "doubt") == [("neutrophils", "percent")]
    assert aside(record) == [("entry[1]", "result 'wbc (specimen)'")]


def test_a_test_without_loinc_codes_is_known_by_name_beside_any_code() -> None:
    tables = load().tables
    coded = {row.analyte for row in tables["test_codes"] if row.system == LOINC}
    nameless = next(row.id for row in tables["analytes"] if row.id not in coded)
    record = record_of(PATIENT, lab(code(nameless, (LOINC, "99999-9")), {"value": 300, "unit": "pmol/8x10^8 RBC"}))
    assert rows(record, "results", "analyte") == [(nameless,)]


@pytest.mark.parametrize(
    ("quantity", "unit"),
    [
        ({"value": 4, "unit": "K/uL"}, "K/uL"),
        ({"value": 4, "unit": "thousand", "system": UCUM, "code": "10*3/uL"}, "10*3/uL"),
        ({"value": 4, "unit": "Gpt/l", "system": "urn:local", "code": "gptl"}, "Gpt/l"),
        ({"value": 4, "code": "10*9/L"}, "10*9/L"),
        ({"value": 4}, None),
    ],
)
def test_a_unit_stays_as_written_and_is_never_invented(quantity: Resource, unit: str | None) -> None:
    assert rows(record_of(PATIENT, lab(NEUTROPHILS, quantity)), "results", "value", "unit") == [(4.0, unit)]


@pytest.mark.parametrize(
    ("more", "row"),
    [
        ({"valueQuantity": {"value": 0.5, "comparator": "<", "unit": "10*9/L"}}, (0.5, "<", None)),
        ({"valueString": "<0.5"}, (0.5, "<", None)),
        ({"valueString": "≤ 0.5"}, (0.5, "<=", None)),
        ({"valueString": "clotted"}, (None, None, "clotted")),
        ({"valueString": "1,5"}, (1.5, None, "1,5")),
        ({"valueInteger": 2}, (2.0, None, None)),
        ({"valueCodeableConcept": {"text": "low"}}, (None, None, "low")),
        ({"valueCodeableConcept": {"coding": [{"code": "260385009"}]}}, (None, None, "260385009")),
        ({"valueBoolean": True}, (None, None, "positive")),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 64}}}, (None, None, "1:64")),
        ({"valueRange": {"low": {"value": 1}, "high": {"value": 2.5}}}, (1.0, None, "1 to 2.5")),
        ({"dataAbsentReason": {"coding": [{"code": "not-performed"}]}}, (None, None, None)),
    ],
)
def test_a_value_in_any_form_is_kept(more: Resource, row: tuple[Any, ...]) -> None:
    assert rows(record_of(PATIENT, lab(NEUTROPHILS, **more)), "results", "value", "comparator", "text") == [row]


def test_a_comparator_that_says_nothing_makes_no_number_that_counts() -> None:
    record = record_of(PATIENT, lab(NEUTROPHILS, {"value": 2, "comparator": "~", "unit": "10*9/L"}))
    assert rows(record, "results", "value", "comparator", "text", "doubt") == [(2.0, None, "~ 2", "written")]
    assert aside(record) == [("entry[1]", "comparator '~'")]


def test_the_tightest_range_counts_and_is_brought_to_the_values_unit() -> None:
    ranges = [
        {"low": {"value": 10}, "high": {"value": 45}},
        {"high": {"value": 35}},
        {"type": code("therapeutic"), "high": {"value": 5}},
    ]
    alt = lab(code("ALT"), {"value": 60, "unit": "U/L"}, referenceRange=ranges)
    katal = lab(code("ALT"), {"value": 1.1, "unit": "ukat/L"}, referenceRange=[{"high": {"value": 60, "unit": "U/L"}}])
    foreign = lab(code("ALT"), {"value": 1.1, "unit": "ukat/L"}, referenceRange=[{"high": {"value": 60, "unit": "ng"}}])
    assert rows(record_of(PATIENT, alt, katal, foreign), "results", "ref_low", "ref_high") == [
        (10, 35),
        (None, 1),
        (None, None),
    ]


@pytest.mark.parametrize(
    ("when", "day"),
    [
        ({"effectiveDateTime": "2026-05-04T23:30:00+02:00"}, "2026-05-04"),
        ({"effectiveInstant": "2026-05-04T23:30:00Z"}, "2026-05-04"),
        ({"effectivePeriod": {"start": "2026-05-03", "end": "2026-05-04"}}, "2026-05-03"),
        ({"issued": "2026-05-05T08:00:00Z"}, "2026-05-05"),
        ({"effectiveDateTime": "2026-05"}, "2026-05-01"),
        ({"effectiveDateTime": "2026"}, "2026-12-31"),
        ({"effectiveDateTime": "2026-02-30"}, None),
        ({}, None),
    ],
)
def test_the_day_of_a_result(when: Resource, day: str | None) -> None:
    observation = {**lab(NEUTROPHILS, {"value": 2, "unit": "10*9/L"}), **when}
    if "effectiveDateTime" not in when:
        del observation["effectiveDateTime"]
    record = record_of(PATIENT, observation)
    assert rows(record, "results", "taken_on") == [(day,)]
    whole = next(iter(when.values()), "") not in ("2026-05", "2026", "2026-02-30")
    assert bool(record.set_aside) is not whole


def test_a_birth_without_its_day_makes_the_patient_young() -> None:
    record = record_of({**PATIENT, "birthDate": "1980"})
    assert rows(record, "patients", "birth_date") == [("1980-12-31",)]
    assert aside(record) == [("entry[0]", "birth_date '1980'")]


def test_a_panel_is_its_components_and_its_members() -> None:
    part = {"code": NEUTROPHILS, "valueQuantity": {"value": 2, "unit": "10*9/L"}}
    both = lab(code("CBC"), component=[part, {"code": code("RDW"), "valueQuantity": {"value": 13, "unit": "%"}}])
    members = lab(code("Liver panel"), hasMember=[{"reference": "Observation/a"}, {"reference": "Observation/b"}])
    alt = {**lab(code("ALT"), {"value": 20, "unit": "U/L"}), "id": "a"}
    record = record_of(PATIENT, both, members, alt)
    assert rows(record, "results", "analyte", "origin") == [
        ("neutrophils", "b.json Bundle.entry[1].component[0]"),
        ("alt", "b.json Bundle.entry[3]"),
    ]
    assert aside(record) == [("entry[2]", "panel without Observation/b"), ("entry[1].component[1]", "result 'RDW'")]


def test_results_contained_in_a_report_are_about_whom_the_report_is_about() -> None:
    inside = {key: cell for key, cell in lab(NEUTROPHILS, {"value": 2, "unit": "10*9/L"}).items() if key != "subject"}
    report = {"resourceType": "DiagnosticReport", "subject": ME, "contained": [inside, {"resourceType": "Specimen"}]}
    other = {"resourceType": "Patient", "id": "p2"}
    record = record_of(PATIENT, other, report)
    assert rows(record, "results", "patient_id", "origin") == [("p1", "b.json Bundle.entry[2].contained[0]")]


URN = "urn:uuid:0b7c5c1e-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("url", "reference", "whose"),
    [
        (None, "Patient/p1", "p1"),
        (None, "https://fhir.example/r4/Patient/p1", "p1"),
        ("https://fhir.example/r4/Patient/p1", "https://fhir.example/r4/Patient/p1/_history/2", "p1"),
        ("https://fhir.example/r4/Patient/p1", "Patient/p1", "p1"),
        (URN, URN, "p1"),
        ("https://fhir.example/r4/Patient/p1", "https://other.example/Patient/p1", "https://other.example/Patient/p1"),
        (None, "Patient/p7", "p7"),
    ],
)
def test_whose_a_result_is(url: str | None, reference: str, whose: str) -> None:
    seen = lab(NEUTROPHILS, {"value": 2, "unit": "10*9/L"}, subject={"reference": reference})
    record = record_of(PATIENT, seen, urls=[url])
    # Of somebody who isn't here it may be of the only patient who is.
    asked = [] if whose == "p1" else [("p1", "subject")]
    assert rows(record, "results", "patient_id", "doubt") == [*asked, (whose, None)]
    assert [item.patient_id for item in record.set_aside] == ([] if whose == "p1" else [whose])


@pytest.mark.parametrize("url", [URN, "https://fhir.example/r4/Patient/0b7c5c1e-0000-4000-8000-000000000001"])
def test_a_patient_without_id_is_called_by_the_address(url: str) -> None:
    nameless = {key: cell for key, cell in PATIENT.items() if key != "id"}
    record = record_of(
        nameless, lab(NEUTROPHILS, {"value": 2, "unit": "10*9/L"}, subject={"reference": url}), urls=[url]
    )
    assert rows(record, "patients", "patient_id") == rows(record, "results", "patient_id") == [(url[-36:],)]
    assert not record.set_aside


def test_a_patient_is_found_by_identifier() -> None:
    known = {**PATIENT, "identifier": [{"system": "urn:mrn", "value": "77"}]}
    by_identifier = {"identifier": {"system": "urn:mrn", "value": "77"}}
    by_search = {"reference": "Patient?identifier=urn:mrn|77"}
    stranger = {"reference": "Patient?identifier=urn:mrn|78"}
    seen = [
        lab(NEUTROPHILS, {"value": 2, "unit": "10*9/L"}, subject=each) for each in (by_identifier, by_search, stranger)
    ]
    record = record_of(known, {"resourceType": "Patient", "id": "p2"}, *seen)
    assert rows(record, "results", "patient_id") == [("p1",), ("p1",)]
    assert aside(record) == [("entry[4]", "Observation about Patient?identifier=urn:mrn|78")]


@pytest.mark.parametrize("reference", ["#p1", "p1", "patient/p1", "https://fhir.example/Patient/p1/"])
def test_a_subject_that_is_written_otherwise_is_read(reference: str) -> None:
    record = record_of(PATIENT, lab(NEUTROPHILS, {"value": 2, "unit": "10*9/L"}, subject={"reference": reference}))
    assert rows(record, "results", "patient_id", "doubt") == [("p1", None)]
    assert aside(record) == [("entry[1]", f"Observation about {reference}")]


@pytest.mark.parametrize("reference", ["Group/1", "Device/3"])
def test_what_is_about_no_patient_is_set_aside(reference: str) -> None:
    record = record_of(PATIENT, lab(NEUTROPHILS, {"value": 2, "unit": "10*9/L"}, subject={"reference": reference}))
    assert not record.rows["results"]
    assert aside(record) == [("entry[1]", f"Observation about {reference}")]


def test_no_subject_is_the_only_patients_or_nobodys() -> None:
    seen = {key: cell for key, cell in lab(NEUTROPHILS, {"value": 2, "unit": "10*9/L"}).items() if key != "subject"}
    assert rows(record_of(PATIENT, seen), "results", "patient_id") == [("p1",)]
    assert len(record_of(PATIENT, seen).set_aside) == 1
    two = record_of(PATIENT, {"resourceType": "Patient", "id": "p2"}, seen)
    assert rows(two, "results", "patient_id", "doubt") == [("p1", "subject"), ("p2", "subject")]
    assert aside(two) == [("entry[2]", "Observation")]


RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


@pytest.mark.parametrize(
    ("medicine", "ids"),
    [
        ({"medicationCodeableConcept": code(None, (RXNORM, "1256"))}, ["azathioprine"]),
        (
            {"medicationCodeableConcept": code(None, ("http://fhir.de/CodeSystem/bfarm/atc", "L04AX01"))},
            ["azathioprine"],
        ),
        ({"medicationCodeableConcept": code("azaTHIOprine (IMURAN) 50 mg tablet")}, ["azathioprine"]),
        ({"medicationCodeableConcept": code("Zyloprim 300")}, ["allopurinol"]),
        ({"medicationCodeableConcept": code("Mesalazine 800mg gastro-resistant tablets")}, ["mesalazine"]),
        (
            {
                "medicationCodeableConcept": code(
                    "Humira 40mg/0.4ml solution for injection pre-filled pens (AbbVie Ltd)"
                )
            },
            ["adalimumab"],
        ),
        ({"medicationCodeableConcept": code("Co-trimoxazole 480 mg")}, ["trimethoprim", "sulfamethoxazole"]),
        (
            {
                "medicationCodeableConcept": {
                    "text": "home med",
                    "coding": [{"display": "Allopurinol 100 MG Oral Tablet"}],
                }
            },
            ["allopurinol"],
        ),
        ({"medicationReference": {"reference": "Medication/m"}}, ["febuxostat"]),
        ({"medicationReference": {"reference": "#in"}}, ["warfarin"]),
        ({"medicationReference": {"reference": "Medication/lost", "display": "Allopurinol 300 mg"}}, ["allopurinol"]),
        ({"medicationReference": {"reference": "Medication/lost"}}, ["unknown:unnamed"]),
        ({"medicationCodeableConcept": code("Powder no. 7")}, ["unknown:Powder no. 7"]),
        ({}, ["unknown:unnamed"]),
    ],
)
def test_a_medicine_is_known_by_code_name_or_reference_and_never_dropped(medicine: Resource, ids: list[str]) -> None:
    use = {key: cell for key, cell in order().items() if key != "medicationCodeableConcept"}
    inside = {"contained": [{"resourceType": "Medication", "id": "in", "code": code("warfarin")}]}
    other = {"resourceType": "Medication", "id": "m", "code": code("Febuxostat 80 mg")}
    record = record_of(PATIENT, {**use, **inside, **medicine}, other)
    assert sorted(each for (each,) in rows(record, "exposures", "medicine")) == sorted(ids)


def dose(mg: Any, unit: str = "mg", sequence: int | None = None, **repeat: Any) -> Resource:
    found: Resource = {"doseAndRate": [{"doseQuantity": {"value": mg, "unit": unit}}], "timing": {"repeat": repeat}}
    return {**found, **({"sequence": sequence} if sequence else {})}


@pytest.mark.parametrize(
    ("dosages", "mg"),
    [
        ([dose(50, frequency=2, period=1, periodUnit="d")], 100),
        ([dose(25, frequency=1, period=12, periodUnit="h")], 50),
        ([dose(350, frequency=1, period=1, periodUnit="wk")], 50),
        ([dose(100, frequency=1, period=2, periodUnit="d")], 50),
        ([dose(50, frequency=1, frequencyMax=3, period=1, periodUnit="d")], 150),
        ([dose(50, timeOfDay=["08:00:00", "20:00:00"])], 100),
        ([dose(50, when=["MORN"])], 50),
        ([dose(50, period=1, periodUnit="d"), dose(25, period=1, periodUnit="d")], 75),
        ([dose(50, "mg", 1, period=1, periodUnit="d"), dose(100, "mg", 2, period=1, periodUnit="d")], 100),
        ([dose(0.1, "g", period=1, periodUnit="d")], 100),
        ([{"timing": {"code": code("BID")}, "doseAndRate": [{"doseQuantity": {"value": 50, "unit": "MG"}}]}], 100),
        (
            [{"timing": {"code": code("BID")}, "doseAndRate": [{"doseRange": {"high": {"value": 50, "unit": "mg"}}}]}],
            100,
        ),
        (
            [
                {
                    "timing": {"code": code("QD")},
                    "doseAndRate": [
                        {"doseQuantity": {"value": 2, "unit": "tablet"}},
                        {"doseQuantity": {"value": 100, "unit": "mg"}},
                    ],
                }
            ],
            100,
        ),
        (
            [
                {
                    **dose(50, period=1, periodUnit="d"),
                    "doseAndRate": [{"doseQuantity": {"value": n, "unit": "mg"}} for n in (50, 100)],
                }
            ],
            100,
        ),
        ([dose(2, "tablet", frequency=1, period=1, periodUnit="d")], None),
        ([dose(50, frequency=1, period=1, periodUnit="mo")], None),
        ([dose(50, dayOfWeek=["mon", "thu"], frequency=1, period=1, periodUnit="wk")], None),
        ([dose(50)], None),
        ([{"text": "as directed"}], None),
        ([dose(50, period=1, periodUnit="d"), {"text": "and one more at night"}], None),
        ([], None),
    ],
)
def test_milligrams_a_day_are_counted_never_guessed(dosages: list[Resource], mg: float | None) -> None:
    record = record_of(PATIENT, order(dosageInstruction=dosages))
    found = rows(record, "exposures", "dose_mg_per_day")
    assert found == [(pytest.approx(mg) if mg else None,)]


def test_steps_of_a_rising_dose_are_exposures_one_after_the_other() -> None:
    first = dose(50, period=1, periodUnit="d", boundsPeriod={"start": "2026-01-01", "end": "2026-01-14"})
    then = dose(100, period=1, periodUnit="d", boundsPeriod={"start": "2026-01-15"})
    record = record_of(PATIENT, order(dosageInstruction=[first, then]))
    assert rows(record, "exposures", "dose_mg_per_day", "started_on", "stopped_on") == [
        (50, "2026-01-01", "2026-01-15"),
        (100, "2026-01-15", None),
    ]


@pytest.mark.parametrize(
    ("times", "frequency"),
    [
        ({"when": ["MORN"]}, "MORN"),
        ({"timeOfDay": ["08:00:00", "20:00:00"]}, "08:00:00 20:00:00"),
        ({"frequency": 1, "period": 1, "periodUnit": "d"}, None),
    ],
)
def test_the_time_of_day_tells_two_tablets_apart(times: Resource, frequency: str | None) -> None:
    record = record_of(PATIENT, order(dosageInstruction=[dose(50, **times)]))
    assert rows(record, "exposures", "frequency") == [(frequency,)]


def test_what_is_taken_since_nobody_knows_when_has_begun() -> None:
    record = record_of(PATIENT, use("MedicationStatement", status="active"))
    assert rows(record, "exposures", "started_on", "started_text") == [(None, "not said")]
    asked = record_of(PATIENT, use("MedicationRequest", **ACTIVE))
    assert rows(asked, "exposures", "started_on", "started_text") == [(None, None)]


def use(kind: str, **more: Any) -> Resource:
    return {"resourceType": kind, "subject": ME, "medicationCodeableConcept": {"text": "Azathioprine"}, **more}


PERIOD = {"effectivePeriod": {"start": "2026-01-01", "end": "2026-02-01"}}
ACTIVE = {"status": "active", "intent": "order"}


@pytest.mark.parametrize(
    ("resource", "course", "said"),
    [
        (order(), ("2026-01-01", None), 0),
        (order(status="draft"), (None, None), 0),
        (order(intent="plan"), (None, None), 0),
        (order(intent="proposal"), (None, None), 0),
        (order(intent="plan", reportedBoolean=True), ("2026-01-01", None), 0),
        (order(intent="plan", status="stopped"), ("2026-01-01", None), 1),
        (order(status="on-hold"), ("2026-01-01", None), 0),
        (order(status="completed"), ("2026-01-01", None), 1),
        (
            order(status="stopped", dispenseRequest={"validityPeriod": {"end": "2026-03-01"}}),
            ("2026-01-01", "2026-03-01"),
            1,
        ),
        (use("MedicationRequest", **ACTIVE), (None, None), 1),
        (use("MedicationStatement", status="active", **PERIOD), ("2026-01-01", "2026-02-02"), 0),
        (use("MedicationStatement", status="intended", **PERIOD), (None, None), 0),
        (use("MedicationStatement", status="active", dateAsserted="2026-03-03"), ("2026-03-03", None), 1),
        (use("MedicationStatement", status="active", effectiveDateTime="2026-03"), ("2026-03-01", None), 1),
        (
            use("MedicationAdministration", status="completed", effectiveDateTime="2026-03-01T08:00:00Z"),
            ("2026-03-01", "2026-03-02"),
            0,
        ),
        (use("MedicationDispense", status="completed", whenHandedOver="2026-03-01"), ("2026-03-01", None), 0),
        (use("MedicationDispense", status="preparation", whenPrepared="2026-03-01"), (None, None), 0),
    ],
)
def test_from_when_to_when_a_medicine_is_taken(resource: Resource, course: tuple[Any, Any], said: int) -> None:
    record = record_of(PATIENT, resource)
    assert rows(record, "exposures", "started_on", "stopped_on") == [course]
    assert [item.patient_id for item in record.set_aside] == ["p1"] * said


@pytest.mark.parametrize(
    "resource",
    [
        order(status="cancelled"),
        order(status="entered-in-error"),
        order(doNotPerform=True),
        use("MedicationStatement", status="not-taken", effectiveDateTime="2026-01-01"),
        use("MedicationAdministration", status="not-done", effectiveDateTime="2026-01-01"),
    ],
)
def test_what_was_not_taken_is_no_exposure_and_is_said(resource: Resource) -> None:
    record = record_of(PATIENT, resource)
    assert not record.rows["exposures"]
    assert [item.where for item in record.set_aside] == ["b.json Bundle.entry[1]"]


def test_a_handover_counts_where_no_prescription_explains_it() -> None:
    handed = use(
        "MedicationDispense",
        status="completed",
        whenHandedOver="2026-02-01",
        authorizingPrescription=[{"reference": "MedicationRequest/rx"}],
    )
    running = {**order(), "id": "rx"}
    ended = {**order(dispenseRequest={"validityPeriod": {"end": "2026-01-20"}}, status="stopped"), "id": "rx"}
    cancelled = {**order(status="cancelled"), "id": "rx"}
    starts = [rows(record_of(PATIENT, handed, rx), "exposures", "started_on") for rx in (running, ended, cancelled)]
    assert starts == [[("2026-01-01",)], [("2026-01-01",), ("2026-02-01",)], [("2026-02-01",)]]


SNOMED = "http://snomed.info/sct"
CROHN, COLITIS = code("Crohn's disease", (SNOMED, "34000006")), code("Ulcerative colitis", (SNOMED, "64766004"))


def condition(name: Resource, **more: Any) -> Resource:
    return {"resourceType": "Condition", "subject": ME, "code": name, **more}


@pytest.mark.parametrize(
    ("resources", "indication", "said"),
    [
        ([order(reasonCode=[CROHN])], "crohns_disease", 0),
        (
            [order(reasonReference=[{"reference": "Condition/c"}]), condition(COLITIS, id="c"), condition(CROHN)],
            "ulcerative_colitis",
            0,
        ),
        ([order(reasonReference=[{"reference": "Condition/lost", "display": "Crohn's disease"}])], "crohns_disease", 0),
        ([order(), condition(CROHN)], "crohns_disease", 0),
        ([order(), condition(CROHN), condition(COLITIS)], None, 1),
        ([order(reasonCode=[CROHN, COLITIS])], None, 1),
        ([order("Allopurinol", reasonCode=[COLITIS]), condition(CROHN)], "crohns_disease", 0),
        ([order(), condition(CROHN, verificationStatus=code(None, ("urn:x", "refuted")))], None, 1),
        (
            [order(), condition(code("Morbus Crohn, lokal", ("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "K50.1")))],
            "crohns_disease",
            0,
        ),
    ],
)
def test_why_azathioprine_is_taken(resources: list[Resource], indication: str | None, said: int) -> None:
    record = record_of(PATIENT, *resources)
    assert rows(record, "patients", "indication") == [(indication,)]
    assert len(record.set_aside) == said


def gene(code_: Resource, value: str | None = None, **more: Any) -> Resource:
    return lab(code_, **({"valueString": value} if value else {}), **more)


STUDIED = {
    "code": code(None, (LOINC, "48018-6")),
    "valueCodeableConcept": code(None, ("http://www.genenames.org/geneId", "HGNC:23063")),
}
GENOTYPE = code(None, (LOINC, "84413-4"))


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (gene(code("TPMT genotype"), "*1/*3A"), [("TPMT", "*1/*3A", "Intermediate Metabolizer", "genotype")]),
        (gene(code(None, (LOINC, "41048-0")), "*3A/*3C"), [("TPMT", "*3A/*3C", "Poor Metabolizer", "genotype")]),
        (gene(code("TPMT"), "TPMT*1/TPMT*1"), [("TPMT", "*1/*1", "Normal Metabolizer", "genotype")]),
        (gene(GENOTYPE, "*1/*3", component=[STUDIED]), [("NUDT15", "*1/*3", "Intermediate Metabolizer", "genotype")]),
        (gene(GENOTYPE, "NUDT15 *3/*3"), [("NUDT15", "*3/*3", "Poor Metabolizer", "genotype")]),
        (
            gene(
                code("TPMT gene product metabolic activity interpretation", (LOINC, "79713-4")),
                "Intermediate metabolizer",
            ),
            [("TPMT", None, "Intermediate Metabolizer", "genotype")],
        ),
        (gene(code("TPMT activity"), "deficient"), [("TPMT", None, "Poor Metabolizer", "activity")]),
        (
            gene(code("Thiopurine methyltransferase [Enzymatic activity/volume] in Red Blood Cells"), "Normal"),
            [("TPMT", None, "Normal Metabolizer", "activity")],
        ),
        (
            gene(code("TPMT and NUDT15"), "TPMT *1/*1; NUDT15 *1/*2"),
            [
                ("TPMT", "*1/*1", "Normal Metabolizer", "genotype"),
                ("NUDT15", "*1/*2", "Intermediate Metabolizer", "genotype"),
            ],
        ),
        (
            gene(
                code("TPMT genotype"),
                "*1/*1",
                component=[{"code": code("TPMT phenotype"), "valueString": "Poor Metabolizer"}],
            ),
            [("TPMT", "*1/*1", "Normal Metabolizer", "genotype"), ("TPMT", "*1/*1", "Poor Metabolizer", "genotype")],
        ),
        (
            gene(
                code("TPMT genotype"),
                component=[
                    {"code": code("TPMT genotype"), "valueString": "*1/*3C"},
                    {"code": code("Source"), "valueString": "Germline"},
                ],
            ),
            [("TPMT", "*1/*3C", "Intermediate Metabolizer", "genotype")],
        ),
        (
            gene(
                code("NUDT15 phenotype"),
                "Normal Metabolizer",
                component=[{"code": code("Comment"), "valueString": "poor metaboliser"}],
            ),
            [("NUDT15", None, "Normal Metabolizer", "genotype"), ("NUDT15", None, "Poor Metabolizer", "genotype")],
        ),
    ],
)
def test_a_gene_is_read_from_code_value_component_or_both(seen: Resource, found: list[tuple[Any, ...]]) -> None:
    record = record_of(PATIENT, seen)
    assert sorted(map(str, rows(record, "genotypes", "gene", "diplotype", "phenotype", "method"))) == sorted(
        map(str, found)
    )
    assert not record.rows["results"]
    assert not record.set_aside


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        (gene(code("TPMT genotype"), "see report"), "TPMT phenotype 'see report'"),
        (gene(code("TPMT genotype"), "*1/*99"), "TPMT diplotype '*1/*99'"),
        (gene(code("NUDT15 genotype"), dataAbsentReason=code("error")), "NUDT15 genotype"),
        (gene(code("Haplotype name", (LOINC, "84414-2")), "TPMT*3C"), "TPMT *3C"),
    ],
)
def test_a_gene_report_that_is_not_understood_is_the_patients_matter(seen: Resource, what: str) -> None:
    record = record_of(PATIENT, seen)
    assert all(row[3] is None for row in record.rows["genotypes"])
    assert [(item.what, item.patient_id, item.kind) for item in record.set_aside] == [(what, "p1", "genotype")]


def test_an_enzyme_activity_in_numbers_is_a_result() -> None:
    record = record_of(PATIENT, lab(code("TPMT activity"), {"value": 30, "unit": "mU/L"}))
    assert rows(record, "results", "analyte", "value") == [("tpmt_activity", 30)]
    assert not record.rows["genotypes"]


def test_visits_vaccines_transfusions_and_death() -> None:
    record = record_of(
        {**PATIENT, "deceasedDateTime": "2026-06-01"},
        {
            "resourceType": "Appointment",
            "status": "noshow",
            "start": "2026-05-01T09:00:00Z",
            "participant": [{"actor": {"reference": "Practitioner/x"}}, {"actor": ME}],
        },
        {
            "resourceType": "Appointment",
            "status": "booked",
            "start": "2026-07-01T09:00:00Z",
            "participant": [{"actor": ME}],
        },
        {"resourceType": "Encounter", "status": "finished", "subject": ME, "period": {"start": "2026-04-01"}},
        {
            "resourceType": "Immunization",
            "status": "completed",
            "patient": ME,
            "vaccineCode": code(None, ("http://hl7.org/fhir/sid/cvx", "37")),
            "occurrenceDateTime": "2026-03-01",
        },
        {"resourceType": "Immunization", "status": "not-done", "patient": ME, "vaccineCode": code("Influenza")},
        {
            "resourceType": "Procedure",
            "status": "completed",
            "subject": ME,
            "code": code("Blood transfusion"),
            "performedPeriod": {"start": "2026-02-01"},
        },
        {"resourceType": "AllergyIntolerance", "patient": ME, "code": code(None, (RXNORM, "103"))},
        condition(code("Fever"), onsetDateTime="2026-05-02", abatementDateTime="2026-05-05"),
        condition(code("Cough"), onsetDateTime="2026-01-02", clinicalStatus=code(None, ("urn:x", "resolved"))),
        condition(COLITIS, onsetDateTime="2020-01-02", clinicalStatus=code(None, ("urn:x", "remission"))),
        condition(code("Ingrown nail"), onsetDateTime="2026-01-02"),
    )
    assert rows(record, "contacts", "kind", "on") == [("did_not_attend", "2026-05-01"), ("attended", "2026-04-01")]
    assert rows(record, "events", "kind", "code", "started_on", "ended_on") == [
        ("vaccination", "yellow_fever", "2026-03-01", None),
        ("transfusion", "red_cell_transfusion", "2026-02-01", None),
        ("allergy", "mercaptopurine", None, None),
        ("symptom", "fever", "2026-05-02", "2026-05-05"),
        ("symptom", "cough", "2026-01-02", "2026-01-02"),
        ("condition", "Ulcerative colitis", "2020-01-02", None),
        ("condition", "Ingrown nail", "2026-01-02", None),
        ("condition", "deceased", "2026-06-01", None),
    ]
    assert sorted(aside(record)) == [
        ("entry[11]", "condition 'Ingrown nail'"),
        ("entry[2]", "Appointment"),
        ("entry[5]", "Immunization"),
    ]


def test_an_appointment_names_its_patient_by_any_address() -> None:
    visit = {
        "resourceType": "Appointment",
        "status": "noshow",
        "start": "2026-05-01",
        "participant": [{"actor": {"reference": URN}}],
    }
    assert rows(record_of(PATIENT, visit, urls=[URN]), "contacts", "patient_id") == [("p1",)]


def test_a_broken_patient_hides_no_result() -> None:
    record = record_of({**PATIENT, "birthDate": 1980}, lab(NEUTROPHILS, {"value": 2, "unit": "10*9/L"}))
    assert rows(record, "results", "patient_id") == [("p1",)]
    assert [(item.where, item.patient_id) for item in record.set_aside] == [
        ("b.json Bundle.entry[0].birthDate", "p1"),
    ]


def test_a_bundle_within_a_bundle_is_read() -> None:
    inner = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": lab(NEUTROPHILS, {"value": 2, "unit": "10*9/L"})}],
    }
    record = record_of(PATIENT, inner)
    assert rows(record, "results", "origin") == [("b.json Bundle.entry[1] Bundle.entry[0]",)]


def test_other_kinds_are_counted_in_one_line() -> None:
    record = record_of(PATIENT, {"resourceType": "Claim"}, {"resourceType": "Claim"}, {"resourceType": "ImagingStudy"})
    assert aside(record) == [("b.json", "2 Claim, 1 ImagingStudy")]


def test_a_line_that_is_no_resource_hides_no_other() -> None:
    good = json.dumps(lab(NEUTROPHILS, {"value": 2, "unit": "10*9/L"}))
    lines = [
        json.dumps(PATIENT),
        "[1, 2]",
        json.dumps({"resourceType": "Observation", "id": 7, "subject": ME}),
        "",
        good,
    ]
    record = read_ndjson("\n".join(lines).encode(), "x.ndjson", load())
    assert rows(record, "results", "origin") == [("x.ndjson line 5",)]
    assert [(item.where, item.patient_id) for item in record.set_aside] == [
        ("x.ndjson line 2", "p1"),
        ("x.ndjson line 3.id", "p1"),
    ]


def test_a_folder_of_exported_files_is_one_record(tmp_path: Path) -> None:
    (tmp_path / "Observation.ndjson").write_text(json.dumps(lab(NEUTROPHILS, {"value": 2, "unit": "10*9/L"})) + "\n")
    (tmp_path / "Patient.ndjson").write_text(json.dumps(PATIENT) + "\n")
    record = read(tmp_path, load())
    assert rows(record, "results", "patient_id", "origin") == [("p1", "Observation.ndjson line 1")]
    assert not record.set_aside
