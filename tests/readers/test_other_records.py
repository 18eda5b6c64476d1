"""Records as other systems write them, and records damaged on the way: nothing makes neutrophils of 0.3 quiet."""

from __future__ import annotations

import copy
import datetime as dt
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from azaward.assessment import PatientAssessment, assess
from azaward.errors import InputError
from azaward.knowledge import load
from azaward.readers.fhir.bundle import read_bundle
from azaward.readers.read import read

OTHERS = Path(__file__).parents[2] / "examples" / "fhir" / "others"
DAY = dt.date(2026, 11, 23)
LOUD = ("emergency", "same-day")


def rows() -> list[tuple[str, str, str, str, tuple[str, ...]]]:
    """The table beside the bundles."""
    text = (OTHERS / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| (\S+\.json) \| (\S+) \| (\S+) \| (\S+) \| (.*) \|$", text, flags=re.M)
    return [
        (file, who, urgency, dose, () if codes == "-" else tuple(codes.split(", ")))
        for file, who, urgency, dose, codes in found
    ]


def answered(file: str, who: str) -> PatientAssessment:
    patients = assess(read(OTHERS / file, load()), DAY, knowledge=load()).patients
    return next(patient for patient in patients if patient.patient_id == who)


@pytest.mark.parametrize(("file", "who", "urgency", "dose", "codes"), rows(), ids=lambda cell: str(cell)[:40])
def test_each_bundle_is_answered_as_the_table_says(
    file: str, who: str, urgency: str, dose: str, codes: tuple[str, ...]
) -> None:
    patient = answered(file, who)
    assert (patient.plan.urgency, patient.plan.dose.decision) == (urgency, dose)
    assert {*codes} <= {finding.code for finding in patient.findings}


def test_every_bundle_is_in_the_table() -> None:
    assert {path.name for path in OTHERS.glob("*.json")} == {row[0] for row in rows()}


# Every leaf of a prescription and of a result, one after the other, as what it can't be.
BUNDLE: dict[str, Any] = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"resource": {"resourceType": "Patient", "id": "f001", "birthDate": "1968-11-30", "gender": "male"}},
        {
            "resource": {
                "resourceType": "MedicationRequest",
                "id": "rx1",
                "meta": {"versionId": "2", "lastUpdated": "2026-02-02T10:00:00Z"},
                "status": "active",
                "intent": "order",
                "medicationCodeableConcept": {
                    "coding": [
                        {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "105611", "display": "Imuran"}
                    ],
                    "text": "Imuran 50 mg",
                },
                "subject": {"reference": "Patient/f001"},
                "authoredOn": "2026-02-02",
                "dosageInstruction": [
                    {
                        "sequence": 1,
                        "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                        "doseAndRate": [{"doseQuantity": {"value": 125, "unit": "mg", "code": "mg"}}],
                    }
                ],
            }
        },
        {
            "resource": {
                "resourceType": "Observation",
                "id": "low",
                "meta": {"versionId": "1"},
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "751-8"}], "text": "Neutrophils"},
                "subject": {"reference": "Patient/f001"},
                "effectiveDateTime": "2026-11-19",
                "issued": "2026-11-19T12:00:00Z",
                "interpretation": [{"coding": [{"code": "LL"}]}],
                "valueQuantity": {"value": 0.3, "unit": "10*9/L", "code": "10*9/L"},
                "referenceRange": [{"low": {"value": 1.8, "unit": "10*9/L"}, "high": {"value": 7.5, "unit": "10*9/L"}}],
            }
        },
    ],
}
JUNK: list[Any] = [None, True, -7, 2.5, "", "junk", [], {}, ["x"], {"x": {"y": 1}}]


def leaves(node: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every element, leaves and branches."""
    steps = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in steps:
        yield (*here, key)
        yield from leaves(child, (*here, key))


PLACES = [place for place in leaves(BUNDLE) if place[:3] in (("entry", 1, "resource"), ("entry", 2, "resource"))]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_no_damaged_element_makes_a_severe_count_quiet(place: tuple[Any, ...]) -> None:
    quiet: list[Any] = []
    for junk in (*JUNK, "removed"):
        bundle = copy.deepcopy(BUNDLE)
        node: Any = bundle
        for step in place[:-1]:
            node = node[step]
        if junk == "removed":
            del node[place[-1]]
        else:
            node[place[-1]] = junk
        if _withdrawn(place, junk):
            continue
        record = read_bundle(json.dumps(bundle).encode(), "b.json", load())
        answer = assess(record, DAY, knowledge=load())
        if not any(patient.plan.urgency in LOUD for patient in answer.patients):
            quiet.append(junk)
    assert not quiet


def _withdrawn(place: tuple[Any, ...], junk: Any) -> bool:
    """Whether nothing is left that says that a medicine is taken, or that there is a result: the resource is gone."""
    return len(place) == 3 and junk in (None, "removed")


# What stands beside the resources, and what a resource contains, each with an element of a wrong type.
BESIDE: list[tuple[str, dict[str, Any]]] = [
    ("the Bundle's links", {"link": None}),
    ("one link", {"link": [{"relation": {"a": 1}, "url": "p1"}]}),
    ("the Bundle's meta", {"meta": {"lastUpdated": 7}}),
    ("an entry's search", {"search": True}),
    ("an entry's mode", {"search": {"mode": 7}}),
    ("an entry's request", {"request": {"method": {}}}),
    ("an entry's response", {"response": "200"}),
    ("an entry's address", {"fullUrl": 7}),
]


@pytest.mark.parametrize("damage", [pytest.param(each, id=name) for name, each in BESIDE])
def test_what_stands_beside_a_resource_never_loses_it(damage: dict[str, Any]) -> None:
    bundle = copy.deepcopy(BUNDLE)
    for holder in [bundle] if damage.keys() & {"link", "meta"} else bundle["entry"]:
        holder |= damage
    record = read_bundle(json.dumps(bundle).encode(), "b.json", load())
    assert [row[2] for row in record.rows["results"]] == [0.3]
    assert [row[1] for row in record.rows["exposures"]] == ["azathioprine"]


@pytest.mark.parametrize(
    "damage", [{"id": 7}, {"status": []}, {"dosageInstruction": {"text": "daily"}}, {"meta": "v1"}]
)
def test_a_damaged_order_keeps_the_medicine_that_it_contains(damage: dict[str, Any]) -> None:
    bundle = copy.deepcopy(BUNDLE)
    order = bundle["entry"][1]["resource"]
    medicine = {"resourceType": "Medication", "id": "m1", "code": order.pop("medicationCodeableConcept")}
    order |= {"contained": [medicine], "medicationReference": {"reference": "#m1"}, **damage}
    record = read_bundle(json.dumps(bundle).encode(), "b.json", load())
    assert [row[1] for row in record.rows["exposures"]] == ["azathioprine"]
    assert [item.where for item in record.set_aside] == [f"b.json Bundle.entry[1].{place}" for place in damage]


@pytest.mark.parametrize("content", ['{"resourceType": "Bundle", "entry": [{', "{} {}", '{"resourceType": "Patient"'])
def test_a_page_that_isnt_json_is_refused_with_its_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "1.json").write_text(json.dumps(BUNDLE), encoding="utf-8")
    (tmp_path / "2.json").write_text("\n" + content, encoding="utf-8")
    with pytest.raises(InputError, match=r"^2\.json line 2: .+ Expected JSON\. Export it again\.$"):
        read(tmp_path, load())


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n", " \r\n\t\r\n"])
def test_the_ends_of_lines_change_nothing_but_their_numbers(tmp_path: Path, end: str) -> None:
    lines = [json.dumps(entry["resource"]) for entry in BUNDLE["entry"]]
    (tmp_path / "r.ndjson").write_bytes(end.join(lines).encode())
    record = read(tmp_path / "r.ndjson", load())
    assert [row[2] for row in record.rows["results"]] == [0.3]
    assert record.rows["results"][0][10] == f"r.ndjson line {len((end * 2 + '.').splitlines())}"


def test_a_folder_of_an_export_is_read_whole_or_said_not_to_be(tmp_path: Path) -> None:
    resources = [entry["resource"] for entry in BUNDLE["entry"]]
    (tmp_path / "patient.ndjson").write_text(json.dumps(resources[0]) + "\n", encoding="utf-8")
    (tmp_path / "medication.ndjson").write_text(json.dumps(resources[1]) + "\n", encoding="utf-8")
    (tmp_path / "observation.ndjson.gz").write_bytes(gzip.compress(json.dumps(resources[2]).encode()))
    (tmp_path / "manifest.json").write_text('{"transactionTime": "2026-11-20T00:00:00Z"}', encoding="utf-8")
    record = read(tmp_path, load())
    assert [row[2] for row in record.rows["results"]] == [0.3]
    assert not [item for item in record.set_aside if item.kind == "incomplete"]
    (tmp_path / "more.xml").write_text("<x/>", encoding="utf-8")
    (tmp_path / "deleted").mkdir()
    gone = {"resourceType": "Bundle", "entry": [{"request": {"method": "DELETE", "url": "Observation/low"}}]}
    (tmp_path / "deleted" / "one.ndjson").write_text(json.dumps(gone), encoding="utf-8")
    record = read(tmp_path, load())
    assert record.rows["results"] == []
    assert [item.where for item in record.set_aside if item.kind == "incomplete"] == ["more.xml"]


def test_the_pages_of_an_answer_are_whole_together(tmp_path: Path) -> None:
    first, second = ({**BUNDLE, "type": "searchset", "total": 3} for _ in range(2))
    first |= {
        "entry": BUNDLE["entry"][:2],
        "link": [{"relation": "self", "url": "p1"}, {"relation": "next", "url": "p2"}],
    }
    second |= {"entry": BUNDLE["entry"][2:], "link": [{"relation": "self", "url": "p2"}]}
    for name, page in (("1.json", first), ("2.json", second)):
        (tmp_path / name).write_text(json.dumps(page), encoding="utf-8")
    assert not [item for item in read(tmp_path, load()).set_aside if item.kind == "incomplete"]
    (tmp_path / "2.json").unlink()
    assert [item.kind for item in read(tmp_path, load()).set_aside] == ["incomplete"]
