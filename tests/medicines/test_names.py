"""What a typed name is taken for: right where it is known, asked where it may be two, never sure of the wrong one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from azaward.knowledge import load
from azaward.knowledge.loading.words.vocabulary import RXNORM, Coding
from azaward.medicines.names import LONGEST, Names, Reading, names
from azaward.medicines.spelling import slips
from azaward.medicines.typed import clean

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

KNOWN = names(load())


def found(reading: Reading) -> set[str]:
    return {match.ingredient for match in reading.matches}


@pytest.mark.parametrize(
    ("typed", "ingredients", "how"),
    [
        ("allopurinol", {"allopurinol"}, "exact"),
        ("Zyloric 300mg tabs", {"allopurinol"}, "brand"),
        ("ZYLORIC® 300 mg Tabletten", {"allopurinol"}, "brand"),
        ("my Imuran 50 mg film-coated tablets twice a day", {"azathioprine"}, "brand"),
        ("co-trimoxazole 480 mg", {"sulfamethoxazole", "trimethoprim"}, "combination"),
        ("Duzallo", {"allopurinol", "lesinurad"}, "combination"),
        ("ibuprofen 200mg / paracetamol 500mg", {"ibuprofen", "paracetamol"}, "combination"),
        ("warfarin and aspirin", {"warfarin", "acetylsalicylic_acid"}, "combination"),
        ("methotrexate (Metoject) 15 mg", {"methotrexate"}, "exact"),
        ("MMR vaccine", {"mmr"}, "exact"),
        ("flu jab", {"influenza"}, "exact"),
        ("M04AA01", {"allopurinol"}, "exact"),
        ("RxNorm 519", {"allopurinol"}, "exact"),
        ("zyloric\x1b[31m\x00", {"allopurinol"}, "brand"),
    ],
)
def test_what_people_type(typed: str, ingredients: set[str], how: str) -> None:
    reading = KNOWN.read(typed)
    assert found(reading) == ingredients
    assert {match.how for match in reading.matches} == {how}
    assert all(match.score == 1 for match in reading.matches)
    assert reading.doubt in (None, "part")


@pytest.mark.parametrize(
    ("typed", "ingredient"),
    [
        ("allopurinal", "allopurinol"),
        ("azathyoprin", "azathioprine"),
        ("asprin", "acetylsalicylic_acid"),
        ("paracetomol 500 mg", "paracetamol"),
        ("metotrexat", "methotrexate"),
        ("warfrin", "warfarin"),
    ],
)
def test_a_misspelt_name_says_so(typed: str, ingredient: str) -> None:
    reading = KNOWN.read(typed)
    if reading.doubt is None:  # a spelling that is held as a name of its own
        assert found(reading) == {ingredient}
        return
    assert reading.doubt == "spelling"
    assert [(match.ingredient, match.how) for match in reading.matches] == [(ingredient, "spelling")]
    assert 0.5 < reading.matches[0].score < 1


@pytest.mark.parametrize(
    ("typed", "pair"),
    [
        ("azathiomycin", {"azathioprine", "azithromycin"}),
        ("prednisoone", {"prednisone", "prednisolone"}),
        ("cyclosprine", {"ciclosporin", "cycloserine"}),
    ],
)
def test_between_two_names_both_are_given(typed: str, pair: set[str]) -> None:
    reading = KNOWN.read(typed)
    assert reading.doubt == "which"
    assert pair <= found(reading)


def test_a_group_gives_its_members() -> None:
    for typed in ("a statin", "statins", "an ACE inhibitor"):
        reading = KNOWN.read(typed)
        assert {match.how for match in reading.matches} == {"class"}
        assert len(reading.matches) > 3
    assert {"simvastatin", "atorvastatin"} <= found(KNOWN.read("a statin"))


@pytest.mark.parametrize(
    ("typed", "doubt"),
    [
        ("", "empty"),
        (" \t\x00", "empty"),
        ("5 mg", "dose"),
        ("500", "dose"),
        ("10 mg twice a day", "dose"),
        ("tablets", "unknown"),
        ("wonderpill", "unknown"),
        ("аллопуриноловая трава", "unknown"),
        ("白い薬", "unknown"),
        ("🙂", "unknown"),
        ("Q" * 100_000, "unknown"),
        ("the small white ones from the hospital", "unknown"),
    ],
)
def test_what_is_no_name_is_not_taken_for_one(typed: str, doubt: str) -> None:
    reading = KNOWN.read(typed)
    assert (reading.matches, reading.doubt) == ((), doubt)


def test_a_sentence_gives_the_names_in_it_and_what_was_not_read() -> None:
    reading = KNOWN.read("I take allopurinol every morning and some wonderpill")
    assert found(reading) == {"allopurinol"}
    assert (reading.doubt, reading.rest) == ("part", "wonderpill")


def test_another_product_of_a_brand_is_not_the_brand() -> None:
    reading = KNOWN.read("Zyloric Plus")
    assert (reading.doubt, reading.rest) == ("part", "plus")


def test_a_records_code_goes_before_its_words() -> None:
    assert found(KNOWN.read("whatever it says", [Coding(RXNORM, "519")])) == {"allopurinol"}


def test_a_name_that_the_knowledge_does_not_hold_stays_unknown() -> None:
    assert KNOWN.without("azathioprine").read("azathioprine").matches == ()
    assert KNOWN.read("アザチオプリン錠50mg「サワイ」").matches
    assert KNOWN.without("azathioprine").read("アザチオプリン錠50mg「サワイ」").matches == ()


def test_a_long_text_is_looked_through_to_its_limit() -> None:
    assert found(KNOWN.read("x" * LONGEST + " allopurinol")) == set()
    assert found(KNOWN.read("Allopurinol " + "and so on " * 100)) == {"allopurinol"}


def test_likelier_slips_cost_less() -> None:
    assert slips("azathioprime", "azathioprine") < slips("azathioprixe", "azathioprine")
    assert slips("lisinopril", "fosinopril") > 2.5
    assert slips("same", "same") == 0


def test_control_characters_never_reach_the_screen() -> None:
    assert clean("a\x1b]0;title\x07b\nc") == "a ]0;title b c"


def test_the_rates_that_the_benchmark_shows() -> None:
    """A part of benchmarks/names.py: at least 97 of 100 right and at most 1 in 1,000 taken for another medicine."""
    import random

    from names import clear_names, count, misspelt, packets

    held = Names(load())
    clear = clear_names(load())
    chance = random.Random(5)
    cases = [*misspelt(clear, 1, chance)]
    cases = [*chance.sample(cases, 400), *chance.sample(packets(load(), clear, chance), 400)]
    judged, _ = count(held, cases, show=False)
    assert judged["right"] / judged.total() >= 0.97, judged
    assert judged["wrong"] <= 1, judged
