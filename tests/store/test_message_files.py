"""Files of HL7 messages, imported one after the other: they change each other as messages that arrive do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from azaward.knowledge import load
from azaward.readers.hl7.files.record import read_hl7
from azaward.store import Store, imports, keys
from azaward.store.care import merges, people, reassess, records
from tests.store.taking import ACTOR, Clinic, adt, msh, oru

NUMBER = "4217^^^RIVERSIDE^MR"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store.open(f"sqlite:///{tmp_path / 'clinic.db'}")
    imports.make_clinic(found, "one", "One")
    yield found
    found.close()


def bring(store: Store, name: str, *messages: bytes) -> imports.Imported:
    record = read_hl7(b"\r".join(messages), name, load())
    return imports.keep(store, ACTOR, name, name, record, load())


def counts(store: Store, who: str = "4217") -> list[float]:
    with store.read() as connection:
        root = merges.roots(connection, "one")(who)
        rows = records.of_patient(connection, "one", root).rows["results"]
    return sorted(float(str(row[2])) for row in rows if row[9] != "entered-in-error")


def asides(store: Store, who: str = "4217") -> list[str]:
    with store.read() as connection:
        return [item.why for item in records.of_patient(connection, "one", who).set_aside]


FIRST = oru("1.9", at="202611291200", control="1")


def test_a_correction_in_a_later_file_retires_the_result(store: Store) -> None:
    bring(store, "0.hl7", FIRST)
    bring(store, "1.hl7", oru("0.4", "C", at="202611291300"))
    assert counts(store) == [0.4]
    assert not [why for why in asides(store) if "not here" in why]


def test_files_in_either_order_give_one_state(store: Store) -> None:
    bring(store, "1.hl7", oru("0.4", "C", at="202611291300"))
    assert [why for why in asides(store) if "not here" in why]
    bring(store, "0.hl7", FIRST)
    assert counts(store) == [0.4]


def test_a_result_of_the_wrong_patient_in_a_later_file_is_struck_out(store: Store) -> None:
    bring(store, "0.hl7", FIRST)
    bring(store, "1.hl7", oru("1.9", "W", at="202611291300"))
    assert counts(store) == []


def test_a_cancelled_order_in_a_later_file_strikes_its_results(store: Store) -> None:
    bring(store, "0.hl7", FIRST)
    bring(store, "1.hl7", oru("", "none", obr="|" * 18 + "X", at="202611291300"))
    assert counts(store) == []


def test_a_preliminary_result_becomes_final_in_a_later_file(store: Store) -> None:
    bring(store, "0.hl7", oru("0.4", "P", at="202611291200"))
    bring(store, "1.hl7", oru("", "U", at="202611291300"))
    with store.read() as connection:
        (row,) = records.of_patient(connection, "one", "4217").rows["results"]
    assert (row[2], row[9]) == (0.4, "final")


@pytest.mark.parametrize("event", ["A18", "A40"])
def test_a_merge_in_a_later_file_joins_the_records(store: Store, event: str) -> None:
    bring(store, "0.hl7", FIRST)
    bring(store, "1.hl7", adt(event, "7777^^^RIVERSIDE^MR", mrg=NUMBER))
    bring(store, "2.hl7", oru("0.5", numbers="7777^^^RIVERSIDE^MR", order="18"))
    bring(store, "3.hl7", oru("0.6", order="19"))
    assert counts(store) == [0.5, 0.6, 1.9]


def test_the_same_messages_in_another_file_change_nothing(store: Store) -> None:
    both = (FIRST, oru("0.4", "C", at="202611291300", control="2"))
    bring(store, "0.hl7", *both)
    before = asides(store)
    assert bring(store, "1.hl7", *both).new_rows == 0
    assert counts(store) == [0.4]
    assert len(asides(store)) == len(before)


def test_the_numbers_and_names_of_a_file_are_kept_and_known_to_the_listener(store: Store) -> None:
    bring(store, "0.hl7", FIRST.replace(b"MR||||", b"MR||Sample^Ada||"))
    with store.read() as connection:
        (who,) = people.of(connection, "one", ["4217"], keys.keys_of(store, connection))
    assert [number.value for number in who.numbers] == ["4217"]
    assert who.names == ("Ada Sample",)
    clinic = Clinic(store, people=False)
    clinic.send(oru("0.5", order="18"))
    assert clinic.waiting() == []
    assert counts(store) == [0.5, 1.9]


def test_who_was_thought_dead_and_is_alive_has_no_death(store: Store) -> None:
    bring(store, "0.hl7", FIRST, adt("A08", NUMBER, at="202611291300") + b"|" * 22 + b"Y")
    bring(store, "1.hl7", adt("A08", NUMBER, at="202611291400") + b"|" * 22 + b"N")
    with store.read() as connection:
        events = records.of_patient(connection, "one", "4217").rows["events"]
    assert [row for row in events if row[2] == "deceased"] == []


def rde(control: str, day: str, at: str, timing: str = "TQ1|1||QD||||20260110") -> bytes:
    lines = [msh("RDE^O11", at=at, sender="PHARM"), f"PID|1||{NUMBER}||||19800102|F"]
    return "\r".join([*lines, f"ORC|{control}|55|77||||||{day}", "RXE||^Azathioprine|150||MG", timing]).encode()


def held(store: Store) -> list[str]:
    with store.read() as connection:
        standing = reassess.of_patient(connection, "one", "4217")
    assert standing
    return [str(finding) for finding in standing[0].findings if finding.code.startswith("on_hold")]


@pytest.mark.parametrize("timing", ["TQ1|1||QD||||20260110", "TQ1|1||QD"])
def test_an_order_on_hold_is_on_hold_since_the_day_that_is_said_until_it_goes_on(store: Store, timing: str) -> None:
    bring(store, "0.hl7", rde("NW", "20260110", "202601100900"))
    bring(store, "1.hl7", rde("HD", "20261110", "202611100900", timing))
    (said,) = held(store)
    assert "since 2026-11-10" in said
    bring(store, "2.hl7", rde("RL", "20261120", "202611200900", timing))
    assert held(store) == []
    with store.read() as connection:
        rows = records.of_patient(connection, "one", "4217").rows["exposures"]
    assert [(row[5], row[8]) for row in rows] == [(None, "active")]


def test_an_order_whose_hold_alone_is_known_is_on_hold(store: Store) -> None:
    bring(store, "1.hl7", rde("HD", "20261110", "202611100900"))
    (said,) = held(store)
    assert "since 2026-11-10" in said


def test_a_dose_that_changed_was_taken_until_then(store: Store) -> None:
    bring(store, "0.hl7", rde("NW", "20260110", "202601100900"))
    later = rde("XO", "20261110", "202611100900", "TQ1|1||QD||||20261110").replace(b"|150|", b"|50|")
    bring(store, "1.hl7", later)
    with store.read() as connection:
        rows = records.of_patient(connection, "one", "4217").rows["exposures"]
    assert sorted((row[2], str(row[4]), str(row[5])) for row in rows) == [
        (50.0, "2026-11-10", "None"),
        (150.0, "2026-01-10", "2026-11-10"),
    ]
