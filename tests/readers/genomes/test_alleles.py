"""Splitting records, shifting insertions and deletions, and writing a change in another way change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azaward.genetics.model import MISSING, REFERENCE, UNDOCUMENTED, Status
from azaward.knowledge import load
from azaward.readers.genomes.alleles import Edit, Map, Place, Stretch, map_of, read_record, trim
from azaward.readers.genomes.columns import State
from azaward.readers.genomes.merging import add_up, agree, settle
from tests.readers.genomes.test_variants import of, phase, seen
from tests.readers.genomes.variant_files import R139C, REPEAT, SITES, TPMT3C, at, header, line, site

KNOWLEDGE = load()
ON = map_of(KNOWLEDGE, "GRCh38")
INDELS = [place for place in ON.places if any(len(alt) != len(place.site.ref) for alt in place.site.alts)]


def stretch(place: Place, on: Map = ON) -> Stretch:
    """The longest piece of reference around a place."""
    held = [each for each in on.stretches if each.chrom == place.site.chrom and each.holds(place.start, place.end)]
    return max(held, key=lambda each: len(each.bases))


def spellings(place: Place, alt: str, reach: int = 30) -> list[tuple[int, str, str]]:
    """Every way to write a change with one base before it: found by trying, not by the code under test."""
    around = stretch(place)
    target = around.bases[: place.start - around.start] + alt + around.bases[place.end - around.start :]
    size = abs(len(alt) - len(place.site.ref))
    found: list[tuple[int, str, str]] = []
    for start in range(place.start - reach, place.start + reach):
        at = start - around.start
        base = around.bases[at]
        if len(alt) < len(place.site.ref):
            if around.bases[: at + 1] + around.bases[at + 1 + size :] == target:
                found.append((start, around.bases[at : at + 1 + size], base))
        else:
            put = target[at + 1 : at + 1 + size]
            if around.bases[: at + 1] + put + around.bases[at + 1 :] == target:
                found.append((start, base, base + put))
    return found


def test_every_insertion_and_deletion_lies_in_a_known_stretch() -> None:
    assert REPEAT in {place.site.rsid for place in INDELS}
    assert all(len(stretch(place).bases) > 200 for place in INDELS)


@pytest.mark.parametrize("place", INDELS, ids=lambda place: place.site.label)
def test_a_shifted_change_is_the_same_change(place: Place, tmp_path: Path) -> None:
    for code, alt in enumerate(place.site.alts, start=1):
        ways = spellings(place, alt)
        assert (place.start, place.site.ref, alt) in [*ways, (place.start, place.site.ref, alt)]
        for start, ref, other in ways:
            part = of(tmp_path, header(), line(place.site.chrom, start + 1, ref, other, "0/1"))
            for name in SITES:
                if site(name).gene != place.site.gene:
                    continue
                expected = (0, code) if site(name) is place.site else (-1, -1)
                assert seen(part, name)[0] == expected, (start, ref, other)


def test_the_repeat_of_nudt15_can_be_written_in_many_places() -> None:
    place = next(each for each in INDELS if each.site.rsid == REPEAT)
    assert [len(spellings(place, alt)) for alt in place.site.alts] == [14, 20]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_padding_a_change_with_reference_changes_nothing(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([*INDELS, *(each for each in ON.places if len(stretch(each).bases) > 200)]))
    code = data.draw(st.integers(1, len(place.site.alts)))
    around = stretch(place)
    before = data.draw(st.integers(0, place.start - around.start))
    after = data.draw(st.integers(0, around.start + len(around.bases) - place.end))
    left = around.bases[place.start - around.start - before : place.start - around.start]
    right = around.bases[place.end - around.start : place.end - around.start + after]
    ref, alt = left + place.site.ref + right, left + place.site.alts[code - 1] + right
    start = place.start - before
    reading = read_record(ON, place, start, start + len(ref), ref, [alt])
    assert reading is not None
    assert reading.codes == (0, code)
    others = (each for each in ON.at(place.site.chrom, start, start + len(ref)) if each is not place)
    told = [read_record(ON, each, start, start + len(ref), ref, [alt]) for each in others]
    assert all(one is None or UNDOCUMENTED not in one.codes for one in told)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_another_number_of_copies_has_no_name(data: st.DataObject) -> None:
    place = next(each for each in INDELS if each.site.rsid == REPEAT)
    copies = data.draw(st.sampled_from([0, 1, 5, 6]))
    unit = place.site.ref[1:]
    around = stretch(place)
    at = place.start + 1 - around.start
    assert around.bases[at : at + 18] == unit * 3
    ref, alt = place.site.ref[0] + unit * 3, place.site.ref[0] + unit * copies
    reading = read_record(ON, place, place.start, place.start + len(ref), ref, [alt])
    assert reading is not None
    assert reading.codes == (0, UNDOCUMENTED)


@pytest.mark.parametrize("sign", ["/", "|"])
@pytest.mark.parametrize("pair", [(a, b) for a in range(3) for b in range(3)])
@pytest.mark.parametrize("name", [TPMT3C, REPEAT])
def test_split_records_are_the_record(name: str, pair: tuple[int, int], sign: str, tmp_path: Path) -> None:
    one = site(name)
    whole = of(tmp_path, header(), at(name, f"{pair[0]}{sign}{pair[1]}"))
    for other in ("0", "."):
        lines: list[str] = []
        for code, alt in enumerate(one.alts, start=1):
            call = sign.join("1" if allele == code else "0" if allele == 0 else other for allele in pair)
            lines.append(line(one.chrom, one.pos_grch38, one.ref, alt, call))
        for order in (lines, lines[::-1]):
            split = of(tmp_path, header(), *order)
            found, expected = seen(split, name), seen(whole, name)
            if sign == "/":
                assert sorted(found[0]) == sorted(expected[0])
            else:
                assert found[0] == expected[0]
                assert phase(split, name) == phase(whole, name) or pair[0] == pair[1]
            assert found[1] == Status.SEEN


def test_a_reference_allele_beside_an_uncalled_change_is_not_sure(tmp_path: Path) -> None:
    one = site(TPMT3C)
    lines = [line("chr6", one.pos_grch38, "T", "C", "0/0"), line("chr6", one.pos_grch38, "T", "G", "./.")]
    assert seen(of(tmp_path, header(), *lines), TPMT3C) == ((-1, -1), Status.NO_CALL)


def test_the_same_change_told_twice(tmp_path: Path) -> None:
    twice = of(tmp_path, header(), at(R139C, "0/1"), at(R139C, "1/0"))
    assert sorted(seen(twice, R139C)[0]) == [0, 1]
    against = of(tmp_path, header(), at(R139C, "0/1"), at(R139C, "1/1"))
    assert seen(against, R139C) == ((-1, -1), Status.CONFLICT)
    one_alone = of(tmp_path, header(), at(R139C, "./."), at(R139C, "1/1"))
    assert seen(one_alone, R139C) == ((1, 1), Status.CONFLICT_SETTLED)


def test_three_changes_for_two_copies_are_a_conflict(tmp_path: Path) -> None:
    one = site(TPMT3C)
    lines = [line("chr6", one.pos_grch38, "T", "C", "1/1"), line("chr6", one.pos_grch38, "T", "G", "0/1")]
    assert seen(of(tmp_path, header(), *lines), TPMT3C) == ((-1, -1), Status.CONFLICT)


codes = st.sampled_from([MISSING, REFERENCE, 1, 2, UNDOCUMENTED])
states = st.builds(
    lambda first, second, phase: State(
        first, second, Status.SEEN if MISSING not in (first, second) else Status.HALF_CALL, phase
    ),
    codes,
    codes,
    st.sampled_from([0, 1]),
)


def plain(state: State) -> object:
    return sorted(state[:2]) if not state.phase else state[:2]


@settings(max_examples=300, deadline=None)
@given(states, states)
def test_the_order_of_two_accounts_does_not_matter(one: State, other: State) -> None:
    for both in (add_up, agree, settle):
        a, b = both(one, other), both(other, one)
        if both is agree and {one.phase, other.phase} == {0, 1} and sorted(one[:2]) == sorted(other[:2]):
            continue  # one of them knows the sides, and that one is kept
        if a.phase == b.phase:
            assert plain(a) == plain(b) or sorted(a[:2]) == sorted(b[:2]), both


@settings(max_examples=300, deadline=None)
@given(states, states)
def test_no_account_makes_reference_of_what_the_other_did_not_know(one: State, other: State) -> None:
    found = add_up(one, other)
    if found[:2] == (REFERENCE, REFERENCE):
        assert one[:2] == other[:2] == (REFERENCE, REFERENCE)


@settings(max_examples=200, deadline=None)
@given(st.text("ACGT", min_size=1, max_size=12), st.text("ACGT", min_size=1, max_size=12), st.integers(0, 99))
def test_trimming_keeps_the_meaning(ref: str, alt: str, start: int) -> None:
    edit = trim(start, ref, alt)
    low, high = edit.start - start, edit.end - start
    assert ref[:low] + edit.bases + ref[high:] == alt
    assert trim(edit.start, ref[low:high], edit.bases) == edit


@settings(max_examples=200, deadline=None)
@given(st.text("AC", min_size=3, max_size=30), st.data())
def test_the_leftmost_writing_leaves_the_same_sequence(bases: str, data: st.DataObject) -> None:
    around = Stretch("chr6", 100, bases)
    on = Map("GRCh38", (), (around,), (), {})
    start = data.draw(st.integers(100, 99 + len(bases)))
    if data.draw(st.booleans()):
        edit = Edit(start, start, data.draw(st.text("AC", min_size=1, max_size=4)))
    else:
        edit = Edit(start, data.draw(st.integers(start + 1, 100 + len(bases))), "")
    left = on.leftmost("chr6", edit)
    assert around.after(left) == around.after(edit)
    assert left.start <= edit.start
    if left.start > 100:
        again = Edit(left.start - 1, left.end - 1, left.bases[-1:] + left.bases[:-1])
        assert around.after(again) != around.after(edit)
