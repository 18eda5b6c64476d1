"""What arrives again and again, in any order, about people under several ids: one state."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from azaward.errors import StoreError
from azaward.knowledge import load
from azaward.readers.fhir.bundle import read_bundle
from azaward.record import Record
from azaward.store import Store, imports, keys
from azaward.store.care import merges, people, records
from azaward.store.care.acts import Actor, Decision, decide
from azaward.store.care.joining import change
from azaward.store.schema import identities

DAY = dt.date(2026, 11, 23)
ACTOR = Actor("nurse", "one", DAY)
NHS = "https://fhir.nhs.uk/Id/nhs-number"
Resource = dict[str, Any]


def patient(id: str = "p1", number: str | None = None, **more: Any) -> Resource:
    found = [{"system": NHS, "value": number}] if number else []
    return {"resourceType": "Patient", "id": id, "birthDate": "1975-04-02", "identifier": found, **more}


def order(mg: float, version: str | None = None, **more: Any) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": "rx",
        **({"meta": {"versionId": version}} if version else {}),
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "azathioprine"},
        "subject": {"reference": "Patient/p1"},
        "authoredOn": "2026-01-10",
        "dosageInstruction": [
            {
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": mg, "unit": "mg"}}],
            }
        ],
        **more,
    }


def count(value: float, status: str = "final", who: str = "p1", id: str = "low") -> Resource:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": status,
        "code": {"coding": [{"system": "http://loinc.org", "code": "751-8"}]},
        "subject": {"reference": f"Patient/{who}"},
        "effectiveDateTime": "2026-11-20",
        "valueQuantity": {"value": value, "unit": "10*9/L"},
    }


def record_of(*resources: Resource, urls: Sequence[str] = (), deleted: Sequence[str] = ()) -> Record:
    entries: list[Resource] = [{"resource": each} for each in resources]
    for entry, url in zip(entries, urls, strict=False):
        entry["fullUrl"] = url
    entries += [{"request": {"method": "DELETE", "url": name}} for name in deleted]
    return read_bundle(json.dumps({"resourceType": "Bundle", "entry": entries}).encode(), "b.json", load())


@pytest.fixture
def store(tmp_path: Path) -> Any:
    found = Store.open(f"sqlite:///{tmp_path / 'clinic.db'}")
    imports.make_clinic(found, "one", "One")
    yield found
    found.close()


def bring(store: Store, *resources: Resource, name: str | None = None, **more: Any) -> None:
    record = record_of(*resources, **more)
    mark = name or str(len(json.dumps(resources, default=str))) + str(hash(str((resources, more))))
    imports.keep(store, ACTOR, "b.json", mark, record, load())


def current(store: Store, who: str = "p1") -> dict[str, list[tuple[Any, ...]]]:
    """What stands, less where it came from."""
    with store.read() as connection:
        rows = records.of_patient(connection, "one", who).rows
    doses = [(row[1], row[2], row[3]) for row in rows["exposures"]]
    results = [(row[1], row[2], str(row[8])) for row in rows["results"] if row[9] != "entered-in-error"]
    return {"exposures": sorted(doses, key=str), "results": sorted(results, key=str)}


VERSIONS: list[tuple[Resource, ...]] = [
    (patient(), order(150, "1")),
    (patient(), order(50, "2")),
    (patient(), order(75, "3")),
    (patient(), count(0.4, "preliminary")),
    (patient(), count(0.5, "final")),
    (patient(), count(4.4, "corrected")),
]


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(len(VERSIONS))), st.lists(st.integers(0, len(VERSIONS) - 1), max_size=6))
def test_in_any_order_and_again_and_again_gives_one_state(order_: list[int], again: list[int]) -> None:
    store = Store.open("sqlite://")
    imports.make_clinic(store, "one", "One")
    for number, place in enumerate([*order_, *again]):
        imports.keep(store, ACTOR, "b", f"file {number}", record_of(*VERSIONS[place]), load())
    assert current(store) == {
        "exposures": [("azathioprine", 75.0, None)],
        "results": [("neutrophils", 4.4, "2026-11-20")],
    }
    store.close()


def test_without_versions_what_arrives_last_counts_and_nothing_adds_up(store: Store) -> None:
    for number, mg in enumerate((150, 50, 150)):
        bring(store, patient(), order(mg), name=f"file {number}")
    assert current(store)["exposures"] == [("azathioprine", 150.0, None)]


@pytest.mark.parametrize("later_first", [False, True])
def test_what_was_entered_in_error_has_no_row(store: Store, later_first: bool) -> None:
    steps = [(patient(), count(0.4)), (patient(), count(0.4, "entered-in-error"))]
    for step in reversed(steps) if later_first else steps:
        bring(store, *step)
    assert current(store)["results"] == []


@pytest.mark.parametrize("deleted_first", [False, True])
def test_a_deleted_resource_has_no_row(store: Store, deleted_first: bool) -> None:
    if not deleted_first:
        bring(store, patient(), order(150), count(3.0))
    bring(store, patient(), deleted=["MedicationRequest/rx"], name="deletion")
    if not deleted_first:
        assert current(store)["exposures"] == []
    assert len(current(store)["results"]) == (0 if deleted_first else 1)


def test_whoever_acted_on_a_corrected_result_is_told(store: Store) -> None:
    bring(store, patient(), order(150), count(0.4))
    decide(store, ACTOR, "p1", Decision(1, "note", "looked at it", [], DAY), load())
    bring(store, patient(), count(4.4, "corrected"))
    with store.read() as connection:
        told = [item for item in records.of_patient(connection, "one", "p1").set_aside if item.kind == "corrected"]
    assert [(item.what, "nurse" in item.why) for item in told] == [
        ("neutrophils of 2026-11-20 was 0.4 10*9/L and is 4.4 10*9/L", True)
    ]


def test_the_same_id_on_two_servers_is_two_resources(store: Store) -> None:
    bring(store, patient(), count(3.0), urls=["https://a.example/Patient/p1", "https://a.example/Observation/low"])
    bring(store, patient(), count(2.0), urls=["https://a.example/Patient/p1", "https://b.example/Observation/low"])
    assert len(current(store)["results"]) == 2


# One person under several ids.


def test_a_national_number_and_the_birth_date_join_two_records(store: Store) -> None:
    bring(store, patient("p1", "999 000 0018"), order(150))
    bring(store, patient("q2", "9990000018"), count(0.4, who="q2"))
    with store.read() as connection:
        root = merges.roots(connection, "one")
        assert {root("p1"), root("q2")} == {root("p1")}
        everyone = records.everyone(connection, "one")
    assert len(everyone) == 1
    assert len(current(store, everyone[0])["results"]) == len(current(store, everyone[0])["exposures"]) == 1


def test_another_birth_date_is_a_question_for_both(store: Store) -> None:
    bring(store, patient("p1", "999 000 0018"), order(150))
    bring(store, patient("q2", "9990000018", birthDate="1980-01-01"), count(0.4, who="q2"))
    with store.read() as connection:
        assert [pair[:2] for pair in merges.open_pairs(connection, "one")] == [("p1", "q2")]
        for one in ("p1", "q2"):
            kinds = [item.kind for item in records.of_patient(connection, "one", one).set_aside]
            assert "may_be_one" in kinds


def test_joined_records_can_be_separated_with_both_histories_whole(store: Store) -> None:
    bring(store, patient("p1"), order(150))
    bring(store, patient("q2"), count(0.4, who="q2"))
    apart = current(store, "p1"), current(store, "q2")
    change(store, ACTOR, "merge", ("q2", "p1"), "the same person", load())
    assert len(current(store, "p1")["results"]) == 1
    change(store, ACTOR, "unmerge", ("q2",), "a mistake", load())
    assert (current(store, "p1"), current(store, "q2")) == apart
    with store.read() as connection:
        assert records.everyone(connection, "one") == ["p1", "q2"]


def test_a_name_is_sealed_and_found_only_with_the_key(store: Store, tmp_path: Path) -> None:
    name = [{"family": "Sample", "given": ["Ada"]}]
    bring(store, patient("p1", "9990000018", name=name))
    raw = (tmp_path / "clinic.db").read_bytes()
    assert b"Sample" not in raw
    assert b"9990000018" not in raw
    with store.read() as connection:
        held = keys.keys_of(store, connection)
        (found,) = people.of(connection, "one", ["p1"], held)
        assert found.names == ("Ada Sample",)
        assert found.numbers[0].normal == "9990000018"
        other = keys.Keys([keys.Key.made()])
        assert people.holders(connection, "one", found.numbers, other) == {}
        assert set(people.holders(connection, "one", found.numbers, held).values().__iter__().__next__()) == {"p1"}


def test_without_its_key_a_database_says_so_and_a_rotated_key_opens_all(store: Store, tmp_path: Path) -> None:
    bring(store, patient("p1", "9990000018"))
    file = tmp_path / "clinic.db.key"
    assert file.stat().st_mode & 0o077 == 0
    with store.write() as connection:
        both = people.rotate(connection, file, keys.read(file))
    keys.write(file, keys.Keys([both.newest]))
    with store.read() as connection:
        held = keys.keys_of(store, connection)
        assert set(connection.scalars(sa.select(identities.c.key))) == {held.newest.id}
        assert people.of(connection, "one", ["p1"], held)[0].numbers[0].normal == "9990000018"
    file.rename(tmp_path / "elsewhere")
    with store.read() as connection, pytest.raises(StoreError, match="missing"):
        keys.keys_of(store, connection)


def test_pairs_that_were_decided_are_not_asked_about_again(store: Store) -> None:
    bring(store, patient("p1", "9990000018"))
    bring(store, patient("q2", "9990000018", birthDate="1980-01-01"))
    change(store, ACTOR, "apart", ("p1", "q2"), "father and son", load())
    bring(store, patient("q2", "9990000018", birthDate="1980-01-01"), count(3.0, who="q2"))
    with store.read() as connection:
        assert merges.open_pairs(connection, "one") == []
        assert not [item for item in records.of_patient(connection, "one", "p1").set_aside if item.kind == "may_be_one"]


@pytest.mark.parametrize("how", ["unmerge", "apart"])
def test_who_was_separated_is_not_joined_again_by_a_later_import(store: Store, how: str) -> None:
    bring(store, patient("p1", "9990000018"), order(150))
    if how == "unmerge":
        bring(store, patient("q2", "9990000018"))
        with store.read() as connection:
            given_up = next(one for one in ("p1", "q2") if merges.roots(connection, "one")(one) != one)
        change(store, ACTOR, "unmerge", (given_up,), "not the same", load())
    else:
        bring(store, patient("q2"))
        change(store, ACTOR, "apart", ("p1", "q2"), "not the same", load())
    bring(store, patient("q2", "9990000018"), count(0.4, who="q2"), name="later")
    with store.read() as connection:
        root = merges.roots(connection, "one")
        assert (root("p1"), root("q2")) == ("p1", "q2")
        asked = [pair[:2] for pair in merges.open_pairs(connection, "one")]
    assert asked == ([("p1", "q2")] if how == "unmerge" else [])


def test_once_they_are_separated_again_nobody_is_asked_a_third_time(store: Store) -> None:
    bring(store, patient("p1", "9990000018"))
    bring(store, patient("q2", "9990000018"))
    with store.read() as connection:
        given_up = next(one for one in ("p1", "q2") if merges.roots(connection, "one")(one) != one)
    change(store, ACTOR, "unmerge", (given_up,), "not the same", load())
    bring(store, patient("q2", "9990000018"), name="again")
    change(store, ACTOR, "apart", ("p1", "q2"), "twins", load())
    bring(store, patient("q2", "9990000018"), name="and again")
    with store.read() as connection:
        assert merges.open_pairs(connection, "one") == []


@pytest.mark.parametrize("deleted_first", [False, True])
@pytest.mark.parametrize("version", [None, "2"])
def test_a_deletion_counts_in_whichever_order_it_arrives(
    store: Store, deleted_first: bool, version: str | None
) -> None:
    resource = count(0.4) | ({"meta": {"versionId": version}} if version else {})
    both: list[tuple[tuple[Resource, ...], list[str]]] = [
        ((patient(), resource), []),
        ((patient(),), ["Observation/low"]),
    ]
    for number, (some, gone) in enumerate(reversed(both) if deleted_first else both):
        bring(store, *some, deleted=gone, name=f"file {number}")
    assert current(store)["results"] == []
    if deleted_first:
        with store.read() as connection:
            whys = [item.why for item in records.of_patient(connection, "one", "p1").set_aside]
        assert any("deleted it before it arrived" in why for why in whys)
