"""What a listener stores of each message: the order of versions, whose it is, what waits, and what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from azaward.knowledge import load
from azaward.store import Store
from azaward.store.care.joining import change
from tests.store.taking import ACTOR, Clinic, adt, oru

AT, LATER = "202611291200", "202611291300"


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    store = Store.open(f"sqlite:///{tmp_path / 'clinic.db'}")
    yield Clinic(store)
    store.close()


def older(clinic: Clinic, who: str = "c1") -> list[str]:
    return [item.what for item in clinic.record(who).set_aside if item.kind == "older"]


# Which of two messages is the later one.


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"at": AT, "control": "L9"}, {"at": AT, "control": "L10"}),
        ({"at": "20261129", "control": "99"}, {"at": "20261129", "control": "100"}),
        ({"at": "", "control": "A1"}, {"at": AT, "control": "2"}),
        ({"at": AT}, {"at": ""}),
        ({"at": LATER}, {"at": "20261129"}),
        ({"at": "20261129140000+0200"}, {"at": "20261129130000+0000"}),
        ({"at": LATER}, {"at": AT}),
        ({"at": "soon"}, {"at": "yesterday"}),
    ],
)
def test_a_correction_counts_after_its_result_whatever_the_clocks_say(
    clinic: Clinic, first: dict[str, str], then: dict[str, str]
) -> None:
    clinic.send(oru("1.9", "F", **first))
    (said,) = clinic.send(oru("0.4", "C", **then))
    assert "MSA|AA|" in said
    assert clinic.counts() == [0.4]


@pytest.mark.parametrize(("first", "then"), [(AT, AT), ("", ""), ("20261129", "20261129"), (LATER, "20261129")])
def test_of_equal_or_unknown_moments_the_last_to_arrive_counts(clinic: Clinic, first: str, then: str) -> None:
    clinic.send(oru("1.9", at=first, control="10"))
    clinic.send(oru("0.4", at=then, control="9"))
    assert clinic.counts() == [0.4]


def test_what_is_dropped_as_older_is_said_to_the_sender_and_set_aside(clinic: Clinic) -> None:
    clinic.send(oru("3.9", at=LATER))
    (said,) = clinic.send(oru("0.4", at=AT))
    assert "MSA|AA|" in said
    assert "|W|" in said
    assert clinic.counts() == [3.9]
    assert older(clinic) == ["neutrophils 0.4 10*9/L of 2026-11-28"]


def test_a_second_correction_counts_after_the_first(clinic: Clinic) -> None:
    clinic.send(oru("1.9", at=AT), oru("1.2", "C", at=AT), oru("0.4", "C", at=AT))
    assert clinic.counts() == [0.4]


def test_the_same_value_again_is_no_news(clinic: Clinic) -> None:
    clinic.send(oru("3.9", at=LATER))
    (said,) = clinic.send(oru("3.9", at=AT))
    assert "ERR" not in said
    assert older(clinic) == []


def test_a_batch_is_taken_as_one_message_after_the_other(clinic: Clinic) -> None:
    clinic.send(oru("1.9", at=AT), oru("0.4", "C", at=AT), together=True)
    assert clinic.counts() == [0.4]


CANCELLED = "|" * (25 - 7) + "X"


@pytest.mark.parametrize("cancelled_first", [False, True])
def test_a_cancelled_order_has_no_result_in_whichever_order_they_arrive(clinic: Clinic, cancelled_first: bool) -> None:
    both = [oru("0.44", at=AT), oru("", "none", obr=CANCELLED, at=LATER)]
    clinic.send(*(reversed(both) if cancelled_first else both))
    assert clinic.counts() == []


def test_a_result_of_an_order_that_was_cancelled_before_counts(clinic: Clinic) -> None:
    clinic.send(oru("", "none", obr=CANCELLED, at=AT), oru("0.44", at=LATER))
    assert clinic.counts() == [0.44]


def test_a_result_of_the_wrong_patient_is_set_aside_once(clinic: Clinic) -> None:
    clinic.send(oru("0.4", at=AT), oru("0.4", "W", at=LATER))
    assert clinic.counts() == []
    said = [item for item in clinic.record().set_aside if "wrong patient" in f"{item.what} {item.why}"]
    assert len(said) == len({item.what for item in said})


# Whose it is.


def test_a_merge_gives_the_person_of_the_known_number_the_new_one(clinic: Clinic) -> None:
    clinic.send(adt("A40", "7777^^^RIVERSIDE^MR", mrg="4217^^^RIVERSIDE^MR"))
    clinic.send(oru("0.5", numbers="7777^^^RIVERSIDE^MR"))
    assert clinic.counts() == [0.5]
    assert clinic.waiting() == []


@pytest.mark.parametrize("event", ["A18", "A34", "A36", "A40", "A47"])
def test_after_a_merge_both_numbers_are_known(clinic: Clinic, event: str) -> None:
    clinic.send(adt(event, "4217^^^RIVERSIDE^MR", mrg="8888^^^RIVERSIDE^MR"))
    clinic.send(oru("0.6", numbers="8888^^^RIVERSIDE^MR"), oru("0.7", order="18"))
    assert clinic.counts() == [0.6, 0.7]


@pytest.mark.parametrize("event", ["A18", "A34", "A40"])
def test_a_merge_of_two_known_people_joins_their_records(clinic: Clinic, event: str) -> None:
    clinic.send(oru("0.6", numbers="5000^^^RIVERSIDE^MR", born="19750402", sex="M"))
    clinic.send(adt(event, "4217^^^RIVERSIDE^MR", mrg="5000^^^RIVERSIDE^MR"))
    assert clinic.root("c2") == "c1"
    assert clinic.counts() == [0.6]


def test_a_merge_of_two_unknown_numbers_says_that_nothing_was_kept(clinic: Clinic) -> None:
    (said,) = clinic.send(adt("A40", "1^^^RIVERSIDE^MR", mrg="2^^^RIVERSIDE^MR"))
    assert "MSA|AA|" in said
    assert "|W|" in said


def test_a_merge_that_names_a_known_number_of_an_untrusted_authority_waits(clinic: Clinic) -> None:
    clinic.send(adt("A31", "4217^^^RIVERSIDE^MR~55^^^ELSEWHERE^MR"))
    clinic.send(adt("A40", "7777^^^RIVERSIDE^MR", mrg="55^^^ELSEWHERE^MR"))
    assert len(clinic.waiting()) == 1


def test_a_merge_of_records_that_somebody_separated_asks_again(clinic: Clinic) -> None:
    clinic.send(adt("A40", "4217^^^RIVERSIDE^MR", mrg="5000^^^RIVERSIDE^MR"))
    change(clinic.store, ACTOR, "unmerge", ("c2",), "not the same", load())
    (said,) = clinic.send(adt("A40", "4217^^^RIVERSIDE^MR", mrg="5000^^^RIVERSIDE^MR"))
    assert "|W|" in said
    assert clinic.root("c2") == "c2"
    assert "may_be_one_person" in clinic.codes()


@pytest.mark.parametrize("other", [{"born": "19800103"}, {"sex": "M"}, {"born": "19800103", "sex": "M"}])
def test_an_update_with_another_birth_date_or_sex_asks_whether_they_are_two(
    clinic: Clinic, other: dict[str, str]
) -> None:
    clinic.send(adt("A08", "4217^^^RIVERSIDE^MR", **other))
    assert "identity_conflict" in clinic.codes()


def test_a_result_with_another_sex_is_kept_and_asks_whether_they_are_two(clinic: Clinic) -> None:
    clinic.send(oru("0.8", sex="M"))
    assert clinic.counts() == [0.8]
    assert "identity_conflict" in clinic.codes()


def test_a_result_with_another_birth_date_waits(clinic: Clinic) -> None:
    clinic.send(oru("0.5", born="19800103"))
    assert clinic.counts() == []
    assert len(clinic.waiting()) == 1


def test_after_an_update_both_birth_dates_are_believed_of_a_number(clinic: Clinic) -> None:
    clinic.send(adt("A08", "4217^^^RIVERSIDE^MR", born="19800103"))
    clinic.send(oru("0.5", born="19800103"), oru("0.6", order="18"))
    assert clinic.counts() == [0.5, 0.6]


@pytest.mark.parametrize("event", ["A08", "A31"])
def test_two_quotes_make_a_birth_date_unknown(clinic: Clinic, event: str) -> None:
    clinic.send(adt(event, "5000^^^RIVERSIDE^MR", born='""'))
    born = [row[1] for row in clinic.record("c2").rows["patients"]]
    assert born == [None]


def test_unreadable_messages_all_wait(clinic: Clinic) -> None:
    clinic.send(b"hello", b"", b"MSH", b"hello")
    assert len(clinic.waiting()) == 3


def test_a_number_is_one_however_it_is_spelled(clinic: Clinic) -> None:
    both = [oru("0.5", numbers="4217^^^RIVERSIDE^MR"), oru("0.6", numbers="42 17^^^RIVERSIDE^MR", order="18")]
    clinic.send(*both, together=True)
    assert clinic.counts() == [0.5, 0.6]
    assert clinic.waiting() == []
