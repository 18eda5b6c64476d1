"""Whose a message is, why it waits, and that its sender, the tray and the sentence say the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from azaward.knowledge import load
from azaward.readers.hl7.senders import Sender
from azaward.record.identity import Identity, Number
from azaward.record.tables import Record
from azaward.store import Store, imports
from tests.store.taking import ACTOR, WAYS, Clinic, adt, oru

MRN = "https://hosp.example/mrn"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'clinic.db'}")
    yield store
    store.close()


def imported(clinic: Clinic, authority: str, value: str) -> None:
    """A number of c1 from a FHIR file."""
    who = [Identity("c1", "a.json", (Number(authority, value),))]
    row = {"patient_id": "c1", "sex": "female"}
    imports.keep(
        clinic.store, ACTOR, "a.json", authority, replace(Record.of({"patients": [row]}), identities=who), load()
    )


def trusting(*trusted: str, **ways: object) -> Sender:
    return msgspec.structs.replace(WAYS, trusted=trusted, **ways)


@pytest.mark.parametrize(
    ("told", "said", "message"),
    [
        (
            "birth date of the patient who has this number is different",
            "its number belongs to c1, whose birth date is different",
            oru("0.4", born="19650501"),
        ),
        ("no known patient has this number", "no known patient has its number", oru("0.4", numbers="9^^^RIVERSIDE^MR")),
        ("without a patient number nobody can be identified", "it has no patient number", oru("0.4", numbers="")),
        (
            "number is from FARAWAY, which the sender's settings here don't trust",
            "its number is from FARAWAY, which the sender's settings here don't trust",
            oru("0.4", numbers="9^^^FARAWAY^MR"),
        ),
        (
            "number is from an authority that isn't named",
            "its number is from an authority that isn't named",
            oru("0.4", numbers="9"),
        ),
    ],
)
def test_sender_and_tray_are_told_the_same_reason(store: Store, told: str, said: str, message: bytes) -> None:
    clinic = Clinic(store)
    (answer,) = clinic.send(message)
    assert "MSA|AA|" in answer
    assert told in answer
    (waiting,) = clinic.waiting()
    assert said in waiting.why


@pytest.mark.parametrize(
    "message",
    [
        adt("A40", "4217^^^RIVERSIDE^MR", mrg="9^^^RIVERSIDE^MR", born="19800102"),
        adt("A40", "9^^^RIVERSIDE^MR", mrg="4217^^^RIVERSIDE^MR"),
        adt("A31", "4217^^^RIVERSIDE^MR", born="19800102"),
        adt("A24", "4217^^^RIVERSIDE^MR") + b"\rPID|2||9^^^RIVERSIDE^MR",
        oru("0.4"),
    ],
)
def test_what_a_sender_says_that_is_not_trusted_waits_and_says_so(store: Store, message: bytes) -> None:
    clinic = Clinic(store)
    clinic.senders = replace(clinic.senders, known=(trusting(patient_ids=None),))
    (answer,) = clinic.send(message)
    assert "RIVERSIDE is not trusted for this sender" in answer
    assert "nobody here has either" not in answer
    (waiting,) = clinic.waiting()
    assert "that of c1, from RIVERSIDE, which is not trusted" in waiting.why


@pytest.mark.parametrize("event", ["A01", "A04", "A28", "A08", "A31"])
def test_of_somebody_new_the_sender_is_told_that_nothing_was_kept(store: Store, event: str) -> None:
    clinic = Clinic(store)
    (answer,) = clinic.send(adt(event, "9^^^RIVERSIDE^MR", born="19700101"))
    assert "|W|" in answer
    assert "nothing was kept" in answer
    assert clinic.waiting() == []


def test_somebody_new_waits_where_the_settings_say_so(store: Store) -> None:
    clinic = Clinic(store, msgspec.structs.replace(WAYS, newcomers="tray"))
    clinic.send(adt("A28", "9^^^RIVERSIDE^MR", born="19700101"), adt("A08", "9^^^RIVERSIDE^MR", born="19700101"))
    (waiting,) = clinic.waiting()
    assert waiting.why == "no known patient has its number"


@pytest.mark.parametrize(
    ("ways", "number", "system"),
    [
        (trusting("HOSP"), "0048213^^^HOSP&1.2.3.4&ISO", "urn:oid:1.2.3.4"),
        (trusting("urn:oid:1.2.3.4"), "0048213^^^HOSP&1.2.3.4&ISO", "urn:oid:1.2.3.4"),
        (trusting("1.2.3.4"), "0048213^^^&1.2.3.4&ISO", "urn:oid:1.2.3.4"),
        (trusting("HOSP"), "0048213^^^HOSP&hosp.example&DNS", "https://hosp.example/"),
        (trusting("HOSP", systems={"HOSP": MRN}), "0048213^^^HOSP", MRN),
        (trusting(MRN, systems={"HOSP": MRN}), "0048213^^^HOSP", MRN),
        (trusting("HOSP", systems={"1.2.3.4": MRN}), "0048213^^^HOSP&1.2.3.4&ISO", MRN),
    ],
)
def test_a_number_of_fhir_is_met_by_that_of_hl7(store: Store, ways: Sender, number: str, system: str) -> None:
    clinic = Clinic(store, ways)
    imported(clinic, system, "0048213")
    clinic.send(oru("0.4", numbers=number, order="77"))
    assert (clinic.waiting(), clinic.counts()) == ([], [0.4])


@pytest.mark.parametrize(
    ("ways", "number"),
    [
        (trusting("OTHER"), "0048213^^^HOSP&1.2.3.4&ISO"),
        (trusting("HOSP"), "0048213^^^HOSP&1.2.3.5&ISO"),
        (trusting("HOSP", systems={"HOSPITAL": MRN}), "0048213^^^HOSP"),
    ],
)
def test_a_number_of_another_authority_is_nobodys(store: Store, ways: Sender, number: str) -> None:
    clinic = Clinic(store, ways)
    imported(clinic, "urn:oid:1.2.3.4", "0048213")
    imported(clinic, MRN, "0048213")
    clinic.send(oru("0.4", numbers=number))
    assert len(clinic.waiting()) == 1


def test_a_trusted_universal_id_does_not_lend_its_trust_to_a_namespace(store: Store) -> None:
    clinic = Clinic(store, trusting("1.2.3.4"))
    imported(clinic, "HOSP", "0048213")
    clinic.send(oru("0.4", numbers="0048213^^^HOSP&1.2.3.4&ISO"))
    assert len(clinic.waiting()) == 1
