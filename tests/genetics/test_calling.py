"""A genotype is called right, or everything that fits is listed with its probability; silence is never normal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations_with_replacement, product
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from azaward.genetics import Caller, Genotypes, Status, call, calling, nothing_seen
from azaward.genetics.ancestry import prior
from azaward.genetics.decision import decide, limits
from azaward.genetics.haplotypes import named_alleles, order_of
from azaward.genetics.model import GENES, GeneCall, GeneGenotypes
from azaward.knowledge import load

KNOWLEDGE = load()
ALLELES = {gene: named_alleles(KNOWLEDGE, gene) for gene in GENES}
GROUPS = [row.group for row in KNOWLEDGE.tables["ancestry_groups"]]
# From the weakest enzyme to the strongest.
ORDER = [
    "Poor Metabolizer",
    "Intermediate Metabolizer",
    "Possible Intermediate Metabolizer",
    "Indeterminate",
    "Normal Metabolizer",
]


def _label(gene: str, label: str) -> int:
    return [site.label for site in ALLELES[gene].sites].index(label)


def people(gene: str, pairs: Sequence[tuple[str, str]], *, phase: int = 0) -> GeneGenotypes:
    """People with these alleles, all positions seen."""
    alleles = ALLELES[gene]
    held = nothing_seen([str(at) for at in range(len(pairs))], KNOWLEDGE).genes[gene]
    held.status[:], held.phase[:] = Status.SEEN, phase
    for side in (0, 1):
        held.alleles[:, :, side] = alleles.carries[[alleles.names.index(pair[side]) for pair in pairs]]
    return held


def called(gene: str, held: GeneGenotypes, ancestry: Any = None) -> list[GeneCall]:
    samples = tuple(str(at) for at in range(len(held.alleles)))
    return [one.genes[gene] for one in call(Genotypes(samples, {gene: held}), KNOWLEDGE, ancestry)]


def one(gene: str, pair: tuple[str, str], *, missing: Sequence[str] = (), ancestry: Any = None) -> GeneCall:
    held = people(gene, [pair])
    for label in missing:
        held.alleles[0, _label(gene, label)] = -1
    return called(gene, held, ancestry)[0]


def seen_only(gene: str, labels: Sequence[str]) -> list[str]:
    """The positions that a test of these alone leaves unseen."""
    return [site.label for site in ALLELES[gene].sites if site.label not in labels]


def listed(found: GeneCall) -> dict[str, float]:
    return {diplotype.call: diplotype.probability for diplotype in found.diplotypes}


def every_pair(gene: str) -> list[tuple[str, str]]:
    return list(combinations_with_replacement(ALLELES[gene].names, 2))


@pytest.mark.parametrize("gene", GENES)
def test_every_pair_of_named_alleles_is_called_right_when_phased(gene: str) -> None:
    pairs = every_pair(gene)
    for (first, second), found in zip(pairs, called(gene, people(gene, pairs, phase=7)), strict=True):
        assert listed(found) == {f"{first}/{second}": pytest.approx(1)}
        assert not found.undocumented
        assert not found.missing_positions


@pytest.mark.parametrize("gene", GENES)
def test_every_pair_unphased_is_called_right_or_listed_with_all_that_look_alike(gene: str) -> None:
    pairs, alleles = every_pair(gene), ALLELES[gene]
    alike: dict[bytes, list[str]] = {}
    looks: list[bytes] = []
    for first, second in pairs:
        both = np.stack([alleles.carries[alleles.names.index(name)] for name in (first, second)])
        looks.append(np.sort(both, axis=0).tobytes())
        alike.setdefault(looks[-1], []).append(f"{first}/{second}")
    for look, found in zip(looks, called(gene, people(gene, pairs)), strict=True):
        assert sorted(listed(found)) == sorted(alike[look])
    ambiguous = sorted(group for group in alike.values() if len(group) > 1)
    assert ["*1/*3A", "*3B/*3C"] in ambiguous or ["*1/*2", "*3/*6"] in ambiguous


@pytest.mark.parametrize(
    ("gene", "pair", "expected"),
    [
        ("TPMT", ("*1", "*1"), "Normal Metabolizer"),
        ("TPMT", ("*1", "*2"), "Intermediate Metabolizer"),
        ("TPMT", ("*1", "*3A"), "Intermediate Metabolizer"),
        ("TPMT", ("*2", "*3C"), "Poor Metabolizer"),
        ("TPMT", ("*3A", "*3A"), "Poor Metabolizer"),
        ("TPMT", ("*1", "*9"), "Indeterminate"),
        ("TPMT", ("*3A", "*9"), "Possible Intermediate Metabolizer"),
        ("TPMT", ("*1", "*8"), "Normal Metabolizer"),
        ("TPMT", ("*3A", "*8"), "Intermediate Metabolizer"),
        ("TPMT", ("*1", "*44"), "Intermediate Metabolizer"),
        ("TPMT", ("*1", "*46"), "Intermediate Metabolizer"),
        ("NUDT15", ("*1", "*1"), "Normal Metabolizer"),
        ("NUDT15", ("*1", "*2"), "Intermediate Metabolizer"),
        ("NUDT15", ("*3", "*3"), "Poor Metabolizer"),
        ("NUDT15", ("*3", "*5"), "Poor Metabolizer"),
        ("NUDT15", ("*3", "*10"), "Poor Metabolizer"),
        ("NUDT15", ("*3", "*11"), "Possible Intermediate Metabolizer"),
    ],
)
def test_the_phenotype_of_two_alleles(gene: str, pair: tuple[str, str], expected: str) -> None:
    assert one(gene, pair).phenotype == expected


@pytest.mark.parametrize("ancestry", [None, *GROUPS])
def test_an_unphased_3a_carrier_is_that_in_every_group_and_the_rare_phase_is_listed(ancestry: str | None) -> None:
    found = one("TPMT", ("*1", "*3A"), ancestry=ancestry)
    first, second = found.diplotypes
    assert (first.call, second.call) == ("*1/*3A", "*3B/*3C")
    assert first.probability > 0.97
    assert 0 < second.probability < 0.03
    assert found.phenotype == "Intermediate Metabolizer"
    assert dict(found.phenotypes)["Poor Metabolizer"] == pytest.approx(second.probability)


def test_the_rare_phase_is_told_from_what_merely_was_not_tested() -> None:
    missing = seen_only("TPMT", ["rs1800462", "rs1800460", "rs1142345"])
    found = one("TPMT", ("*1", "*3A"), missing=missing, ancestry="European")
    assert len(found.diplotypes) > 40
    assert [each.call for each in found.diplotypes if not each.rests_on_unseen] == ["*1/*3A", "*3B/*3C"]
    assert any("also fitting: *3B/*3C (below 0.01%)." in note for note in found.notes)


# Worked by hand from Table 1 of PMC7708673 and ARUP's *3B: 2 x 0.000461 x 0.005 against 2 x 0.952539 x 0.034.
def test_the_rare_phase_in_europe_by_hand() -> None:
    rare, common = 0.000461 * 0.005, (1 - 0.034 - 0.005 - 0.002 - 0.000461 - 0.006) * 0.034
    assert listed(one("TPMT", ("*1", "*3A"), ancestry="European"))["*3B/*3C"] == pytest.approx(rare / (rare + common))


def test_phase_in_the_file_settles_it() -> None:
    trans = people("TPMT", [("*3B", "*3C")], phase=3)
    found = called("TPMT", trans)[0]
    assert listed(found) == {"*3B/*3C": pytest.approx(1)}
    assert found.phenotype == "Poor Metabolizer"
    # Two phase sets say nothing of each other.
    trans.phase[0, _label("TPMT", "rs1142345")] = 4
    assert set(listed(called("TPMT", trans)[0])) == {"*1/*3A", "*3B/*3C"}


@pytest.mark.parametrize("gene", GENES)
@pytest.mark.parametrize("ancestry", [None, *GROUPS])
def test_a_file_that_holds_nothing_is_not_normal(gene: str, ancestry: str | None) -> None:
    found = called(gene, nothing_seen(["0"], KNOWLEDGE).genes[gene], ancestry)[0]
    assert found.phenotype == "Indeterminate"
    assert len(found.missing_positions) == len(ALLELES[gene].sites)
    assert sum(diplotype.probability for diplotype in found.diplotypes) == pytest.approx(1)


@pytest.mark.parametrize("ancestry", [None, *GROUPS])
def test_a_panel_of_the_usual_alleles_is_normal_by_what_was_seen_and_says_what_may_hide(ancestry: str | None) -> None:
    missing = seen_only("TPMT", ["rs1800462", "rs1800460", "rs1142345"])
    found = one("TPMT", ("*1", "*1"), missing=missing, ancestry=ancestry)
    assert found.phenotype == "Normal Metabolizer"
    assert found.diplotypes[0].call == "*1/*1"
    assert len(found.missing_positions) == len(missing)
    hiding = dict(found.could_hide)
    assert {"*4", "*8", "*24"} <= set(hiding)
    assert not {"*2", "*3A", "*3B", "*3C", "*41"} & set(hiding)
    residual = 1 - dict(found.phenotypes)["Normal Metabolizer"]
    assert 0.005 < residual < 0.1
    assert [name for name, _ in found.could_hide] == sorted(hiding, key=lambda name: (-hiding[name], order_of(name)))
    assert any(note.startswith("Normal by the positions seen") for note in found.notes)


def test_what_a_panel_leaves_unseen_in_europe_in_words() -> None:
    missing = seen_only("TPMT", ["rs1800462", "rs1800460", "rs1142345"])
    found = one("TPMT", ("*1", "*1"), missing=missing, ancestry="European")
    # 0.6% of copies are of the other alleles; one of them, *41, was looked for. Beside *1, *8 is normal.
    hiding = len(ALLELES["TPMT"].names) - len(["*1", "*2", "*3A", "*3B", "*3C", "*41"])
    assert found.notes == (
        f"{len(missing)} of {len(missing) + 3} positions that define an allele were not seen in full.",
        f"{hiding} alleles may hide where not everything was seen (most probable *4, 0.03%); "
        "the probability that any of them does is 1.2%.",
        "Normal by the positions seen, with a probability of 98.8% as far as named alleles go.",
    )


@pytest.mark.parametrize(
    ("gene", "unseen", "hides"),
    [
        ("TPMT", "rs1800462", "*2"),
        ("TPMT", "rs1800460", "*3B"),
        ("TPMT", "rs1142345", "*3C"),
        ("NUDT15", "rs116855232", "*3"),
    ],
)
def test_where_a_common_allele_could_hide_it_is_not_normal(gene: str, unseen: str, hides: str) -> None:
    found = one(gene, ("*1", "*1"), missing=[unseen], ancestry="European")
    assert found.phenotype == "Indeterminate"
    assert hides in dict(found.could_hide)
    assert any(hides in note for note in found.notes)


def test_an_indel_that_a_test_leaves_out_is_said_but_not_feared() -> None:
    found = one("NUDT15", ("*1", "*1"), missing=seen_only("NUDT15", ["rs116855232"]))
    assert found.phenotype == "Normal Metabolizer"
    assert {"*4", "*5", "*6", "*9"} <= set(dict(found.could_hide))
    assert "*2" not in dict(found.could_hide)


def test_what_was_missed_may_be_what_makes_it_worse() -> None:
    found = one("TPMT", ("*3C", "*3C"), missing=["rs1800460"], ancestry="European")
    assert set(listed(found)) == {"*3A/*3A", "*3A/*3C", "*3C/*3C"}
    assert found.phenotype == "Poor Metabolizer"


def test_half_a_call_keeps_what_it_saw() -> None:
    held = people("TPMT", [("*1", "*1")])
    held.alleles[0, _label("TPMT", "rs1142345")] = (1, -1)
    held.status[0, _label("TPMT", "rs1142345")] = Status.HALF_CALL
    found = called("TPMT", held, "European")[0]
    assert set(listed(found)) == {"*1/*3C", "*3C/*3C", "*3C/*41"}
    assert found.phenotype == "Intermediate Metabolizer"
    # A second copy may hide as well as another allele.
    assert dict(found.could_hide) == pytest.approx({"*3C": listed(found)["*3C/*3C"], "*41": listed(found)["*3C/*41"]})
    held.alleles[0, _label("TPMT", "rs1142345")] = (0, -1)
    assert called("TPMT", held, "European")[0].phenotype == "Indeterminate"


# Undocumented


@pytest.mark.parametrize("gene", GENES)
def test_a_base_that_no_named_allele_has_is_reported_and_never_normal(gene: str) -> None:
    for at, site in enumerate(ALLELES[gene].sites):
        held = people(gene, [("*1", "*1")])
        held.alleles[0, at] = (0, -2)
        text = {(0, at): f"{site.ref}>N"}
        found = called(gene, GeneGenotypes(held.sites, held.alleles, held.phase, held.status, text))[0]
        assert found.phenotype == "Indeterminate"
        assert found.undocumented == (f"{site.label} {site.ref}>N",)
        assert found.evidence[at].alleles == (site.ref, "N")
        assert any("Undocumented" in note for note in found.notes)


def test_an_undocumented_base_does_not_hide_a_known_bad_allele() -> None:
    held = people("TPMT", [("*3A", "*3A")])
    held.alleles[0, _label("TPMT", "rs1800462")] = (0, -2)
    found = called("TPMT", held)[0]
    assert found.phenotype == "Poor Metabolizer"
    assert [diplotype.call for diplotype in found.diplotypes] == ["*3A/[*3A + rs1800462 C>?]"]


def test_variants_that_nobody_has_named_together_are_named_by_their_parts() -> None:
    held = people("TPMT", [("*1", "*1")])
    for label in ("rs1800462", "rs1142345"):
        held.alleles[0, _label("TPMT", label)], held.phase[0, _label("TPMT", label)] = (0, 1), 2
    found = called("TPMT", held)[0]
    assert [diplotype.call for diplotype in found.diplotypes] == ["*1/[*2 + *3C]"]
    assert found.undocumented == ("[*2 + *3C]",)
    assert found.phenotype == "Intermediate Metabolizer"


def test_a_part_of_an_allele_alone_is_undocumented() -> None:
    # *43 has two variants; one of them alone is nobody's.
    held = people("TPMT", [("*1", "*1")])
    held.alleles[0, _label("TPMT", "rs753545734")] = (0, 1)
    found = called("TPMT", held)[0]
    assert found.undocumented == ("[rs753545734 C>T]",)
    assert found.phenotype == "Indeterminate"


def test_what_missing_positions_hide_is_listed_beside_an_undocumented_base() -> None:
    held = people("TPMT", [("*1", "*1")])
    held.alleles[0, _label("TPMT", "rs1142345")] = (0, -2)
    held.alleles[0, _label("TPMT", "rs1800460")] = -1
    found = called("TPMT", held)[0]
    # *3A also needs rs1142345 T>C, which was seen not to be there.
    assert [name for name, _ in found.could_hide] == ["*3B"]
    # A carrier has one copy or two, of the two alleles that fit.
    found = called("TPMT", held, "European")[0]
    tpmt = named_alleles(KNOWLEDGE, "TPMT")
    european = prior(KNOWLEDGE, tpmt, "European")
    reference = float(european.weights @ european.frequency[:, 0])
    assert found.could_hide[0][1] == pytest.approx(1 - (reference / (reference + 0.000461)) ** 2)
    assert any(note.startswith("1 allele may hide where not everything was seen (*3B, 0.1%).") for note in found.notes)


@pytest.mark.parametrize(("places", "ways", "mixed"), [(8, 128, False), (9, 1, True), (40, 1, True)])
def test_more_differences_than_one_person_has_are_said_to_be_so(places: int, ways: int, mixed: bool) -> None:
    held = people("TPMT", [("*1", "*1")])
    held.alleles[0, :places, 1] = 1
    found = called("TPMT", held)[0]
    assert len(found.diplotypes) == ways
    assert found.phenotype == "Poor Metabolizer"
    assert any(f"The two copies differ at {places} places" in note for note in found.notes) == mixed


@pytest.mark.parametrize("code", [1, -2])
def test_a_gene_that_differs_everywhere_is_still_answered(code: int) -> None:
    held = people("TPMT", [("*1", "*1")])
    held.alleles[0] = code
    held.alleles[0, :3, 0] = 0
    found = called("TPMT", held, "European")[0]
    assert sum(listed(found).values()) == pytest.approx(1)
    assert len(found.diplotypes) == 4
    assert found.phenotype == ("Poor Metabolizer" if code == 1 else "Indeterminate")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_haplotype_without_a_name_counts_no_better_than_its_parts(data: st.DataObject) -> None:
    gene = data.draw(st.sampled_from(GENES))
    alleles = ALLELES[gene]
    first, second, other = (data.draw(st.integers(0, len(alleles.names) - 1)) for _ in range(3))
    joined = np.where(alleles.carries[first], alleles.carries[first], alleles.carries[second])
    held = people(gene, [("*1", "*1")], phase=1)
    held.alleles[0, :, 0], held.alleles[0, :, 1] = joined, alleles.carries[other]
    found = called(gene, held)[0]
    if len(found.undocumented) == 0:
        assert any((joined == known).all() for known in alleles.carries)
        return
    assert found.phenotype != "Normal Metabolizer"
    whole = [
        part for part in (first, second) if not ((alleles.carries[part] != 0) & (alleles.carries[part] != joined)).any()
    ]
    for part in whole:
        alone = called(gene, people(gene, [(alleles.names[part], alleles.names[other])], phase=1))[0]
        assert ORDER.index(found.phenotype) <= ORDER.index(alone.phenotype)


# Laws


@st.composite
def anyone(draw: st.DrawFn) -> tuple[str, GeneGenotypes, tuple[str, str]]:
    """Someone with two named alleles, some positions missing or half missing, some sides known."""
    gene = draw(st.sampled_from(GENES))
    pair = draw(st.tuples(*[st.sampled_from(ALLELES[gene].names)] * 2))
    held = people(gene, [pair])
    columns = len(ALLELES[gene].sites)
    telling = [at for at in range(columns) if held.alleles[0, at].any()]
    for at in draw(st.sets(st.integers(0, columns - 1), max_size=8)) | draw(st.sets(st.sampled_from(telling or [0]))):
        held.alleles[0, at, draw(st.sampled_from([0, 1, slice(None)]))] = -1
    for at in range(columns):
        held.phase[0, at] = draw(st.sampled_from([0, 1, 1, 2]))
    return gene, held, pair


def _expected(gene: str, held: GeneGenotypes, ancestry: str | None) -> Mapping[str, float]:
    """Every pair of named alleles, tried one after the other."""
    alleles, believed = ALLELES[gene], prior(KNOWLEDGE, ALLELES[gene], ancestry)
    sets: dict[Any, list[int]] = {}
    for at in range(len(alleles.sites)):
        sets.setdefault(int(held.phase[0, at]) or ("alone", at), []).append(at)

    def fits(allele: int, sites: list[int], side: int) -> bool:
        return all(held.alleles[0, at, side] in (-1, alleles.carries[allele, at]) for at in sites)

    found: dict[str, float] = {}
    for a, b in combinations_with_replacement(range(len(alleles.names)), 2):
        if all(
            (fits(a, sites, 0) and fits(b, sites, 1)) or (fits(b, sites, 0) and fits(a, sites, 1))
            for sites in sets.values()
        ):
            weight = sum(
                share * row[a] * row[b] * (1 if a == b else 2)
                for share, row in zip(believed.weights, believed.frequency, strict=True)
            )
            found[f"{alleles.names[a]}/{alleles.names[b]}"] = weight
    total = sum(found.values())
    return {name: weight / total for name, weight in found.items()}


@given(anyone(), st.sampled_from([None, *GROUPS]))
@settings(max_examples=40, deadline=None)
def test_probabilities_are_those_of_trying_every_pair(
    someone: tuple[str, GeneGenotypes, tuple[str, str]], ancestry: str | None
) -> None:
    gene, held, pair = someone
    found = called(gene, held, ancestry)[0]
    assert listed(found) == pytest.approx(dict(_expected(gene, held, ancestry)))
    assert "/".join(sorted(pair, key=order_of)) in listed(found)
    assert sum(listed(found).values()) == pytest.approx(1)
    assert sum(probability for _, probability in found.phenotypes) == pytest.approx(1)
    assert [one.probability for one in found.diplotypes] == sorted(listed(found).values(), reverse=True)


@given(anyone(), st.data())
@settings(max_examples=80, deadline=None)
def test_one_more_missing_position_never_makes_a_call_more_certain(
    someone: tuple[str, GeneGenotypes, tuple[str, str]], data: st.DataObject
) -> None:
    gene, held, _ = someone
    before = called(gene, held)[0]
    held.alleles[
        0, data.draw(st.integers(0, len(held.sites) - 1)), data.draw(st.sampled_from([0, 1, slice(None)]))
    ] = -1
    after = called(gene, held)[0]
    now = listed(after)
    for name, probability in listed(before).items():
        assert now[name] <= probability * (1 + 1e-9)
    assert set(before.missing_positions) <= set(after.missing_positions)
    if after.phenotype == "Normal Metabolizer" and after.missing_positions and len(after.diplotypes) > 1:
        assert any(note.startswith("Normal by the positions seen") for note in after.notes)
        assert dict(after.phenotypes)["Normal Metabolizer"] > 0.9


@given(anyone(), st.permutations([11, 2_000_000_000, 3]), st.data())
@settings(max_examples=60, deadline=None)
def test_neither_phase_labels_nor_sides_nor_the_order_of_people_matter(
    someone: tuple[str, GeneGenotypes, tuple[str, str]], labels: list[int], data: st.DataObject
) -> None:
    gene, held, _ = someone
    changed = people(gene, [("*1", "*1"), ("*1", "*1")])
    changed.alleles[1], changed.phase[1] = held.alleles[0], held.phase[0]
    for number in range(3):
        changed.phase[1][held.phase[0] == number] = labels[number] if number else 0
        if number and data.draw(st.booleans()):
            changed.alleles[1][held.phase[0] == number] = changed.alleles[1][held.phase[0] == number][:, ::-1]
    for at in np.flatnonzero(held.phase[0] == 0):
        if data.draw(st.booleans()):
            changed.alleles[1, at] = changed.alleles[1, at, ::-1].copy()
    found, again = called(gene, held)[0], called(gene, changed)[1]
    assert listed(again) == pytest.approx(listed(found))
    assert (again.phenotype, again.missing_positions, again.notes) == (
        found.phenotype,
        found.missing_positions,
        found.notes,
    )


@pytest.mark.parametrize("gene", GENES)
def test_a_cohort_in_parts_is_the_cohort(gene: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = every_pair(gene)[::7]
    held = people(gene, pairs)
    held.alleles[::3, 2] = -1
    whole = called(gene, held)
    parts = [
        Genotypes(
            (str(at),),
            {gene: GeneGenotypes(held.sites, *(a[at : at + 1] for a in (held.alleles, held.phase, held.status)))},
        )
        for at in range(len(pairs))
    ]
    assert [part.genes[gene] for part in call(parts, KNOWLEDGE)] == whole
    # Nothing is lost when answers are forgotten.
    monkeypatch.setattr(calling, "KEPT", 5)
    assert [part.genes[gene] for part in call(parts, KNOWLEDGE)] == whole


def test_people_who_share_a_row_are_called_as_if_each_had_one() -> None:
    held = people("TPMT", [("*1", "*1"), ("*1", "*3A"), ("*3A", "*3A")])
    shared = replace(held, row_of=np.array([2, 0, 0, 1]))
    found = [one.genes["TPMT"] for one in call(Genotypes(("a", "b", "c", "d"), {"TPMT": shared}), KNOWLEDGE)]
    each = called("TPMT", held)
    assert found == [each[2], each[0], each[0], each[1]]
    for wrong in ([0, 3], [-1, 0]):
        with pytest.raises(ValueError, match=rf"row_of from {min(wrong)} to {max(wrong)}, of 3 rows"):
            list(call(Genotypes(("a", "b"), {"TPMT": replace(held, row_of=np.array(wrong))}), KNOWLEDGE))


def test_notes_and_texts_stay_with_their_sample() -> None:
    held = people("TPMT", [("*1", "*1")] * 3)
    at = _label("TPMT", "rs1142345")
    held.status[1, at] = Status.CONFLICT_SETTLED
    with_notes = GeneGenotypes(
        held.sites,
        held.alleles,
        held.phase,
        held.status,
        {},
        {(1, at): ("line 9 says T/C",), (2, -1): ("no PS header",)},
    )
    first, second, third = called("TPMT", with_notes)
    assert first.notes == ()
    assert second.evidence[at].note == "line 9 says T/C"
    assert second.notes == ("rs1142345: repeated records disagree; the usable one was taken.",)
    assert third.notes == ("no PS header",)


def test_both_genes_are_called_together() -> None:
    blank = nothing_seen(["c001"], KNOWLEDGE)
    for held in blank.genes.values():
        held.alleles[:], held.status[:] = 0, Status.SEEN
    found = next(call(blank, KNOWLEDGE))
    assert found.sample == "c001"
    assert dict(found.phenotypes) == {"TPMT": "Normal Metabolizer", "NUDT15": "Normal Metabolizer"}


# Where the figures come from


def _by_phenotype(gene: str, group: str) -> dict[str, float]:
    """What is expected in a group when nothing was looked at: Hardy-Weinberg from the shipped frequencies."""
    return dict(called(gene, nothing_seen(["0"], KNOWLEDGE).genes[gene], group)[0].phenotypes)


# What those who counted 1000 Genomes took for alleles without function; all others but *1 were of uncertain function.
NO_FUNCTION_THEN = {
    "TPMT": {"*2", "*3A", "*3B", "*3C", "*4", "*11", "*14", "*15", "*23", "*29", "*41"},
    "NUDT15": {"*2", "*3", "*9"},
}


def test_phenotypes_by_ancestry_agree_with_those_counted_in_1000_genomes() -> None:
    compared = 0
    for row in KNOWLEDGE.tables["phenotype_frequencies"]:
        if not row.population.startswith("1000 Genomes"):
            continue
        alleles = ALLELES[row.gene]
        held = prior(KNOWLEDGE, alleles, row.group)
        if held.notes:
            continue  # no figures for this group
        frequency = dict(zip(alleles.names, held.weights @ held.frequency, strict=True))
        none = sum(frequency[name] for name in NO_FUNCTION_THEN[row.gene])
        normal = frequency["*1"]
        uncertain = 1 - none - normal
        expected = {
            "Poor Metabolizer": none**2,
            "Intermediate Metabolizer": 2 * none * normal,
            "Possible Intermediate Metabolizer": 2 * none * uncertain,
            "Indeterminate": uncertain**2 + 2 * uncertain * normal,
            "Normal Metabolizer": normal**2,
        }[row.phenotype]
        compared += 1
        # Forty-five comparisons: one in a thousand each leaves little to chance.
        assert binomtest(round(row.frequency * row.n), row.n, expected).pvalue > 0.001, (row, expected)
    assert compared == 45


@pytest.mark.parametrize(
    ("gene", "group", "intermediate", "poor", "indeterminate"),
    [
        ("TPMT", "European", 0.08783, 0.002125, 0.00234),
        ("TPMT", "East Asian", 0.04907, 0.000635, 0.00159),
        ("TPMT", "Central/South Asian", 0.04673, 0.000574, 0.00117),
        ("TPMT", "African American/Afro-Caribbean", 0.12455, 0.004534, 0.01449),
        ("TPMT", "Sub-Saharan African", 0.12536, 0.004506, 0.00711),
        ("TPMT", "Latino", 0.11884, 0.004037, 0.00230),
        ("TPMT", "Near Eastern", 0.07662, 0.001601, 0.00502),
        ("NUDT15", "European", 0.01005, 0.000028, 0.00140),
        ("NUDT15", "East Asian", 0.19118, 0.014344, 0.00442),
        ("NUDT15", "Central/South Asian", 0.12932, 0.005032, 0.00190),
        ("NUDT15", "Latino", 0.09563, 0.002661, 0.00578),
    ],
)
def test_what_the_shipped_frequencies_let_expect(
    gene: str, group: str, intermediate: float, poor: float, indeterminate: float
) -> None:
    expected = _by_phenotype(gene, group)
    assert expected["Intermediate Metabolizer"] == pytest.approx(intermediate, abs=1e-5)
    assert expected["Poor Metabolizer"] == pytest.approx(poor, abs=1e-6)
    assert expected["Indeterminate"] == pytest.approx(indeterminate, abs=1e-5)


def test_which_alleles_must_not_hide() -> None:
    sought = {gene: limits(KNOWLEDGE, ALLELES[gene], prior(KNOWLEDGE, ALLELES[gene], None)).sought for gene in GENES}
    assert sought == {"TPMT": {"*2", "*3A", "*3B", "*3C"}, "NUDT15": {"*2", "*3"}}
    assert KNOWLEDGE.parameters["genotype_sought_carriers"].value == 0.01
    assert KNOWLEDGE.parameters["genotype_cautious_probability"].value == 0.1


@pytest.mark.parametrize(
    ("phenotypes", "expected"),
    [
        ({"Intermediate Metabolizer": 0.901, "Poor Metabolizer": 0.099}, "Intermediate Metabolizer"),
        ({"Intermediate Metabolizer": 0.9, "Poor Metabolizer": 0.1}, "Poor Metabolizer"),
        # What is worse still counts with what is worse.
        (
            {
                "Possible Intermediate Metabolizer": 0.89,
                "Intermediate Metabolizer": 0.06,
                "Poor Metabolizer": 0.05,
            },
            "Intermediate Metabolizer",
        ),
        (
            {"Possible Intermediate Metabolizer": 0.95, "Intermediate Metabolizer": 0.05},
            "Possible Intermediate Metabolizer",
        ),
        # What can't be told stays so: a lower dose may be right, and may not.
        ({"Indeterminate": 0.6, "Possible Intermediate Metabolizer": 0.4}, "Indeterminate"),
        ({"Normal Metabolizer": 0.901, "Intermediate Metabolizer": 0.099}, "Normal Metabolizer"),
        ({"Normal Metabolizer": 0.9, "Intermediate Metabolizer": 0.1}, "Indeterminate"),
        ({"Normal Metabolizer": 0.9, "Indeterminate": 0.1}, "Indeterminate"),
    ],
)
def test_the_more_cautious_is_acted_on_from_one_chance_in_ten(phenotypes: dict[str, float], expected: str) -> None:
    held = limits(KNOWLEDGE, ALLELES["TPMT"], prior(KNOWLEDGE, ALLELES["TPMT"], None))
    decided = decide(list(phenotypes.items()), [], held)
    assert decided.phenotype == expected
    assert bool(decided.why) == (expected != next(iter(phenotypes)))


def test_a_share_of_nothing_is_nothing() -> None:
    assert prior(KNOWLEDGE, ALLELES["NUDT15"], {"European": 1, "Oceanian": 0}).notes == ()


def test_no_more_than_four_pairs_stand_in_a_sentence() -> None:
    held = people("TPMT", [("*1", "*1")])
    for label in ("rs1800462", "rs1800460", "rs1142345", "rs1800584"):
        held.alleles[0, _label("TPMT", label)] = (0, -2)
    (note,) = (note for note in called("TPMT", held)[0].notes if "also fitting" in note)
    assert note.count("(") == 3
    assert note.endswith("and 4 more.")


def test_an_unknown_ancestry_is_an_equal_mixture_and_says_so() -> None:
    unknown = one("TPMT", ("*1", "*3A"))
    mixed = one("TPMT", ("*1", "*3A"), ancestry=dict.fromkeys(prior(KNOWLEDGE, ALLELES["TPMT"], None).groups, 1))
    assert listed(unknown) == pytest.approx(listed(mixed))
    assert any(note.startswith("Ancestry wasn't given") for note in unknown.notes)
    assert not any(note.startswith("Ancestry wasn't given") for note in mixed.notes)


def test_a_group_without_figures_is_said_to_have_none() -> None:
    found = one("NUDT15", ("*1", "*2"), ancestry="Sub-Saharan African")
    assert any("No allele frequencies of NUDT15 are known for Sub-Saharan African" in note for note in found.notes)
    assert listed(found) == pytest.approx(listed(one("NUDT15", ("*1", "*2"))))


def test_a_share_of_a_group_without_figures_is_spread_over_the_others() -> None:
    held = prior(KNOWLEDGE, ALLELES["NUDT15"], {"EUR": 3, "Oceanian": 1})
    expected = {group: 1 / 16 + (3 / 4 if group == "European" else 0) for group in held.groups}
    assert dict(zip(held.groups, held.weights, strict=True)) == pytest.approx(expected)
    assert len(expected) == 4


@pytest.mark.parametrize(
    ("table", "kept", "says"),
    [
        ("allele_frequencies", lambda row: row.allele == "other", "no group has frequencies of TPMT"),
        ("allele_frequencies", lambda row: row.allele != "other", "and of its other"),
        ("alleles", lambda row: row.allele != "*1", r"TPMT has no \*1"),
        ("gene_positions", lambda row: row.rsid != "rs1142345", r"alleles.csv: TPMT \*3A: chr6:18130687 T>C is not in"),
        ("gene_positions", lambda row: row.gene != "TPMT", "no position of gene 'TPMT'"),
    ],
)
def test_knowledge_that_cannot_answer_is_refused(table: str, kept: Callable[[Any], bool], says: str) -> None:
    tables = {**KNOWLEDGE.tables, table: tuple(row for row in KNOWLEDGE.tables[table] if kept(row))}
    with pytest.raises(ValueError, match=says):
        Caller(replace(KNOWLEDGE, tables=tables))


def test_frequencies_that_exceed_one_are_refused() -> None:
    rows = [
        msgspec.structs.replace(row, frequency=0.99) if row.prior and row.allele in ("*2", "*3C") else row
        for row in KNOWLEDGE.tables["allele_frequencies"]
    ]
    with pytest.raises(ValueError, match="TPMT, African American/Afro-Caribbean: the alleles' frequencies exceed 1"):
        Caller(replace(KNOWLEDGE, tables={**KNOWLEDGE.tables, "allele_frequencies": tuple(rows)}))


@pytest.mark.parametrize(
    ("ancestry", "says"),
    [
        ("Martian", "ancestry 'Martian': no such group. Expected one of: European; East Asian"),
        ({"European": -1}, "found a share of -1"),
        ({"European": float("nan")}, "found a share of nan"),
        ({"European": 0}, "expected more than 0"),
    ],
)
def test_an_ancestry_that_cannot_be_used_is_refused(ancestry: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        one("TPMT", ("*1", "*1"), ancestry=ancestry)


def test_arrays_that_cannot_be_genotypes_are_refused() -> None:
    held = people("TPMT", [("*1", "*1")])
    with pytest.raises(ValueError, match=r"alleles: found int64 \[1, 45, 2\], expected int8 \[1, 45, 2\]"):
        GeneGenotypes(held.sites, held.alleles.astype(np.int64), held.phase, held.status)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="1 rows of genotypes, expected 2 samples"):
        Genotypes(("a", "b"), {"TPMT": held})
    with pytest.raises(ValueError, match=rf"found {len(held.sites) - 1} sites, expected the {len(held.sites)}"):
        called("TPMT", GeneGenotypes(held.sites[1:], held.alleles[:, 1:], held.phase[:, 1:], held.status[:, 1:]))
    with pytest.raises(ValueError, match="genotypes of genes: found CYP2D6, expected TPMT, NUDT15"):
        list(call(Genotypes(("a",), {"CYP2D6": held}), KNOWLEDGE))
    for where, wrong, says in (
        ("alleles", 3, "row 0, rs1142345: found allele code 3, expected -2 to 2"),
        ("alleles", -3, "found allele code -3"),
        ("phase", -1, "phase set below 0"),
        ("status", 99, "a status that isn't one of Status"),
    ):
        spoilt = people("TPMT", [("*1", "*1")])
        getattr(spoilt, where)[0, 0] = wrong
        with pytest.raises(ValueError, match=says):
            called("TPMT", spoilt)


def test_every_pair_of_codes_at_a_site_is_answered() -> None:
    for gene in GENES:
        alleles = ALLELES[gene]
        # One allele of decreased function beside *1 is normal.
        mild = [
            alleles.carries[at] for at, function in enumerate(alleles.functions) if function == "Decreased function"
        ]
        for at, site in enumerate(alleles.sites):
            harmless = {0, -1, *(int(carried[at]) for carried in mild)}
            codes = list(product(range(-2, len(site.alts) + 1), repeat=2))
            held = people(gene, [("*1", "*1")] * len(codes))
            held.alleles[:, at] = codes
            for pair, found in zip(codes, called(gene, held), strict=True):
                assert sum(listed(found).values()) == pytest.approx(1)
                assert (-2 in pair) == bool([text for text in found.undocumented if "?" in text])
                assert (-1 in pair) == bool(found.missing_positions)
                if found.phenotype == "Normal Metabolizer":
                    assert set(pair) <= harmless
