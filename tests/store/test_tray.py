"""What waits in the tray and who is given it: only what belongs to whoever was not known, read as its sender means."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from azaward.errors import StoreError
from azaward.knowledge import load
from azaward.readers.hl7.senders import Sender, Senders
from azaward.record.tables import Record
from azaward.store import Store, imports, keys, tray
from azaward.store.assigning import assign, unassign
from azaward.store.care import merges, people, records
from azaward.store.care.joining import change
from azaward.store.care.rows import By
from azaward.store.keys import Keys
from tests.store.taking import ACTOR, DAY, Clinic, adt, oru


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    store = Store.open(f"sqlite:///{tmp_path / 'clinic.db'}")
    yield Clinic(store)
    store.close()


def held(clinic: Clinic) -> Keys:
    with clinic.store.read() as connection:
        return keys.keys_of(clinic.store, connection)


def given(clinic: Clinic, number: int, patient_id: str, although: str = "") -> int:
    return assign(clinic.store, ACTOR, number, patient_id, held(clinic), load(), Senders(()), although)


def together(*messages: bytes) -> bytes:
    """One message about several people."""
    first, *others = messages
    return first + b"\r" + b"\r".join(each.partition(b"\r")[2] for each in others)


def test_of_a_message_about_two_people_only_the_unknown_one_waits(clinic: Clinic) -> None:
    both = together(oru("0.46"), oru("0.47", numbers="1114^^^RIVERSIDE^MR", born="19750402", sex="M", order="18"))
    clinic.send(both)
    assert clinic.counts() == [0.46]
    (waiting,) = clinic.waiting()
    given(clinic, waiting.id, "c2")
    assert clinic.counts() == [0.46]
    assert clinic.counts("c2") == [0.47]
    assert clinic.waiting() == []


def test_a_message_with_another_patients_number_is_not_assigned(clinic: Clinic) -> None:
    clinic.send(oru("0.5", born="19800103"))
    (waiting,) = clinic.waiting()
    with pytest.raises(StoreError, match="number is that of c1"):
        given(clinic, waiting.id, "c2")
    assert clinic.counts("c2") == []
    assert clinic.waiting() == [waiting]


def test_a_message_about_two_unknown_people_is_not_assigned(clinic: Clinic) -> None:
    clinic.send(together(oru("0.5", numbers="1^^^RIVERSIDE^MR"), oru("0.6", numbers="2^^^RIVERSIDE^MR", order="18")))
    (waiting,) = clinic.waiting()
    with pytest.raises(StoreError, match="2 unknown people"):
        given(clinic, waiting.id, "c2")


@pytest.mark.parametrize("number", ["9990000026^^^NHS^NH", "1113^^^RIVERSIDE^MR"])
def test_who_was_assigned_once_is_known_from_then_on(clinic: Clinic, number: str) -> None:
    clinic.send(oru("0.5", numbers=number, born="", sex="M"))
    (waiting,) = clinic.waiting()
    given(clinic, waiting.id, "c2")
    clinic.send(oru("0.6", numbers=number, born="", sex="M", order="18"))
    assert clinic.counts("c2") == [0.5, 0.6]
    assert clinic.waiting() == []


def test_an_assigned_message_is_read_with_the_settings_of_its_sender(tmp_path: Path) -> None:
    own = Sender("*|*", trusted=("RIVERSIDE",), patient_ids="CLINIC", codes={"NEUT": "neutrophils"})
    store = Store.open(f"sqlite:///{tmp_path / 'clinic.db'}")
    clinic = Clinic(store, own)
    clinic.send(oru("0.5", numbers="1^^^RIVERSIDE^MR", born="", sex="").replace(b"751-8^Neutrophils^LN", b"NEUT"))
    (waiting,) = clinic.waiting()
    given(clinic, waiting.id, "c2")
    assert clinic.counts("c2") == [0.5]
    store.close()


def test_a_message_that_could_not_be_understood_stays(clinic: Clinic) -> None:
    message = oru("0.43").split(b"\r")
    clinic.send(b"\r".join([message[0], message[3], message[1]]))
    (waiting,) = clinic.waiting()
    with pytest.raises(StoreError, match="can't be stored"):
        given(clinic, waiting.id, "c2")
    assert clinic.waiting() == [waiting]


def test_a_patient_with_results_only_is_merged_and_given_messages(clinic: Clinic) -> None:
    row = {
        "patient_id": "z",
        "analyte": "neutrophils",
        "value": 0.3,
        "unit": "10*9/L",
        "taken_on": dt.date(2026, 11, 20),
    }
    imports.keep(clinic.store, ACTOR, "z", "results", Record.of({"results": [row]}), load())
    clinic.send(oru("0.5", numbers="1^^^RIVERSIDE^MR"))
    (waiting,) = clinic.waiting()
    given(clinic, waiting.id, "z")
    assert clinic.counts("z") == [0.3, 0.5]
    change(clinic.store, ACTOR, "merge", ("z", "c1"), "the same person", load())
    assert clinic.counts("c1") == [0.3, 0.5]


@pytest.mark.parametrize(("one", "other"), [("c1", "c1"), ("c1", "joined")])
def test_one_person_is_not_kept_apart_from_themselves(clinic: Clinic, one: str, other: str) -> None:
    if other == "joined":
        change(clinic.store, ACTOR, "merge", ("c2", "c1"), "the same person", load(), "the register says so")
        other = "c2"
    with pytest.raises(StoreError, match="two records"):
        change(clinic.store, ACTOR, "apart", (one, other), "no", load())


def test_nobody_is_given_a_message_under_an_id_that_no_patient_has(clinic: Clinic) -> None:
    clinic.send(adt("A08", "1^^^RIVERSIDE^MR"), oru("0.5", numbers="1^^^RIVERSIDE^MR"))
    (waiting,) = clinic.waiting()
    with pytest.raises(StoreError, match="no such patient"):
        given(clinic, waiting.id, "nobody")


@pytest.mark.parametrize(("born", "sex"), [("19650501", ""), ("", "M"), ("196505", ""), ("19650501", "M")])
def test_another_birth_date_or_sex_is_assigned_only_when_somebody_has_checked(
    clinic: Clinic, born: str, sex: str
) -> None:
    clinic.send(oru("0.4", numbers="1^^^RIVERSIDE^MR", born=born, sex=sex))
    (waiting,) = clinic.waiting()
    with pytest.raises(StoreError, match=r"born 1980-01-02, female.*--although") as refused:
        given(clinic, waiting.id, "c1")
    assert "\n" not in str(refused.value)
    assert (clinic.counts(), clinic.waiting()) == ([], [waiting])
    given(clinic, waiting.id, "c1", "her passport was seen")
    assert clinic.counts() == [0.4]
    assert "identity_conflict" in clinic.codes()


@pytest.mark.parametrize(("born", "sex"), [("", ""), ("1980", "F"), ("19800102", "U"), ("198001", "")])
def test_what_agrees_or_is_not_said_is_assigned_without_a_question(clinic: Clinic, born: str, sex: str) -> None:
    clinic.send(oru("0.4", numbers="1^^^RIVERSIDE^MR", born=born, sex=sex))
    (waiting,) = clinic.waiting()
    given(clinic, waiting.id, "c1")
    assert clinic.counts() == [0.4]
    assert "identity_conflict" not in clinic.codes()


def test_records_of_other_birth_dates_or_sexes_are_joined_only_when_somebody_has_checked(clinic: Clinic) -> None:
    with pytest.raises(StoreError, match=r"1975-04-02, male.*1980-01-02, female.*--although"):
        change(clinic.store, ACTOR, "merge", ("c2", "c1"), "the same number", load())
    assert clinic.root("c2") == "c2"
    change(clinic.store, ACTOR, "merge", ("c2", "c1"), "the same number", load(), "she was registered wrongly")
    assert clinic.root("c2") == "c1"
    assert "identity_conflict" in clinic.codes()
    with pytest.raises(StoreError, match=r"^c2 and c1: already joined, and read as c1"):
        change(clinic.store, ACTOR, "merge", ("c2", "c1"), "again", load())


def numbers_of(clinic: Clinic, patient_id: str) -> list[str]:
    with clinic.store.read() as connection:
        (one,) = people.of(connection, "one", [patient_id], held(clinic))
    return sorted(number.value for number in one.numbers)


def test_what_was_assigned_is_taken_back_and_assigned_anew(clinic: Clinic) -> None:
    before = (clinic.record("c1").rows, numbers_of(clinic, "c1"))
    clinic.send(oru("0.4", numbers="1^^^RIVERSIDE^MR", born="19650501", sex="M"))
    (waiting,) = clinic.waiting()
    for _ in range(2):
        given(clinic, waiting.id, "c1", "a mistake")
        assert clinic.counts() == [0.4]
        done = unassign(clinic.store, ACTOR, waiting.id, "another person's", load())
        assert (done.rows, done.identities) == (2, 1)
        assert clinic.waiting() == [waiting]
        assert (clinic.record("c1").rows, numbers_of(clinic, "c1")) == before
        assert not {"identity_conflict", "floor_emergency"} & clinic.codes()
    given(clinic, waiting.id, "c2", "the birth date was wrong")
    assert (clinic.counts(), clinic.counts("c2")) == ([], [0.4])
    clinic.send(oru("0.6", numbers="1^^^RIVERSIDE^MR", born="", sex="M", order="18"))
    assert clinic.counts("c2") == [0.4, 0.6]


def test_what_a_taken_back_message_had_replaced_stands_again(clinic: Clinic) -> None:
    clinic.send(oru("1.2"))
    clinic.send(oru("0.4", "C", numbers="1^^^RIVERSIDE^MR", born="", sex="", at="202611291300"))
    (waiting,) = clinic.waiting()
    given(clinic, waiting.id, "c1")
    assert clinic.counts() == [0.4]
    unassign(clinic.store, ACTOR, waiting.id, "another person's", load())
    assert clinic.counts() == [1.2]


def test_what_came_by_the_number_meanwhile_is_asked_about(clinic: Clinic) -> None:
    clinic.send(oru("0.4", numbers="1^^^RIVERSIDE^MR", born="", sex=""))
    (waiting,) = clinic.waiting()
    given(clinic, waiting.id, "c1")
    with clinic.store.write() as connection:
        at = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        row = {"patient_id": "c1", "analyte": "neutrophils", "value": 0.7, "unit": "10*9/L", "taken_on": DAY}
        records.add(connection, "one", Record.of({"results": [row]}), By("hl7", at))
    assert unassign(clinic.store, ACTOR, waiting.id, "another person's", load()).since == 1
    assert any("1 rows that messages brought" in item.what for item in clinic.record("c1").set_aside)


def test_what_waits_can_not_be_taken_back_and_what_was_discarded_can(clinic: Clinic) -> None:
    clinic.send(oru("0.4", numbers="1^^^RIVERSIDE^MR"))
    (waiting,) = clinic.waiting()
    with pytest.raises(StoreError, match="not assigned"):
        unassign(clinic.store, ACTOR, waiting.id, "no", load())
    with clinic.store.write() as connection:
        tray.resolve(connection, ACTOR, waiting.id, "discarded: by mistake", None)
    unassign(clinic.store, ACTOR, waiting.id, "it is somebody's", load())
    assert clinic.waiting() == [waiting]


def test_a_question_about_other_ids_of_two_people_is_answered_when_they_are_joined(clinic: Clinic) -> None:
    rows = [{"patient_id": one, "sex": "female"} for one in ("x", "y")]
    imports.keep(clinic.store, ACTOR, "x.json", "x", Record.of({"patients": rows}), load())
    change(clinic.store, ACTOR, "merge", ("x", "c1"), "the same person", load())
    with clinic.store.write() as connection:
        merges.ask(connection, "one", "x", "y", "both have the same number", By("nurse", dt.datetime.now(dt.UTC)))
    change(clinic.store, ACTOR, "merge", ("y", "c1"), "the same person", load())
    with clinic.store.read() as connection:
        assert merges.open_pairs(connection, "one") == []
    assert [item.kind for item in clinic.record("c1").set_aside if item.kind == "may_be_one"] == []
