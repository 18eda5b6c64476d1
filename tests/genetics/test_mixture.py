"""Genotypes that aren't sure are called by all that they may be; what is stated comes true when people are drawn."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations_with_replacement
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from azaward.genetics.ancestry import prior
from azaward.genetics.haplotypes import named_alleles
from azaward.genetics.mixture import mixed
from azaward.genetics.model import GENES, GeneCall, GeneGenotypes, Unsure
from azaward.genetics.observed import Seen
from azaward.knowledge import load
from tests.genetics.test_calling import called, listed
from tests.genetics.test_calling import people as people_with

KNOWLEDGE = load()
ALLELES = {gene: named_alleles(KNOWLEDGE, gene) for gene in GENES}
PRIORS = {gene: prior(KNOWLEDGE, ALLELES[gene], None) for gene in GENES}
TPMT3B, TPMT3C = ([site.rsid for site in ALLELES["TPMT"].sites].index(name) for name in ("rs1800460", "rs1142345"))


def reference(gene: str) -> Seen:
    n = len(ALLELES[gene].sites)
    return Seen([(0, 0)] * n, [0] * n)


def with_unsure(unsure: Mapping[int, Unsure], pair: tuple[str, str] = ("*1", "*1"), *, phase: int = 0) -> GeneCall:
    held = people_with("TPMT", [pair], phase=phase)
    return called("TPMT", replace(held, unsure={(0, at): one for at, one in unsure.items()}), "European")[0]


@st.composite
def likelihoods(draw: st.DrawFn) -> tuple[str, dict[int, Unsure]]:
    """Some sites of a gene whose likeliest genotype is the reference."""
    gene = draw(st.sampled_from(GENES))
    sites = ALLELES[gene].sites
    chosen = draw(st.lists(st.integers(0, len(sites) - 1), min_size=1, max_size=8, unique=True))
    unsure: dict[int, Unsure] = {}
    for at in chosen:
        others = list(combinations_with_replacement(range(len(sites[at].alts) + 1), 2))[1:]
        weights = draw(st.lists(st.integers(0, 50), min_size=len(others), max_size=len(others)))
        held = [((0, 0), 1.0), *((pair, 10 ** (-weight / 10)) for pair, weight in zip(others, weights, strict=True))]
        unsure[at] = Unsure(tuple(sorted(held, key=lambda item: -item[1])), likelihoods=True)
    return gene, unsure


@given(likelihoods())
@settings(max_examples=60, deadline=None)
def test_likelihoods_weigh_every_pair_of_named_alleles(given: tuple[str, dict[int, Unsure]]) -> None:
    gene, unsure = given
    alleles, held = ALLELES[gene], PRIORS[gene]
    expected: dict[str, float] = {}
    for one, other in combinations_with_replacement(range(len(alleles.names)), 2):
        weight = float(held.weights @ (held.frequency[:, one] * held.frequency[:, other])) * (1 if one == other else 2)
        for at in range(len(alleles.sites)):
            low, high = sorted((int(alleles.carries[one, at]), int(alleles.carries[other, at])))
            pair = (low, high)
            weight *= dict(unsure[at].genotypes).get(pair, 0.0) if at in unsure else float(pair == (0, 0))
        if weight:
            expected[f"{alleles.names[one]}/{alleles.names[other]}"] = weight
    total = sum(expected.values())
    found = {pair.call: pair.probability for pair in mixed(alleles, held, reference(gene), unsure)}
    # What is all but impossible isn't listed.
    for name, weight in expected.items():
        assert found.pop(name, 0.0) == pytest.approx(weight / total, rel=1e-6, abs=2e-9)
    assert not found


@given(st.dictionaries(st.integers(0, 44), st.floats(0.01, 0.99), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_probabilities_stand_as_they_are(given: dict[int, float]) -> None:
    unsure = {
        at: Unsure(tuple(sorted((((0, 0), 1 - share), ((0, 1), share)), key=lambda one: -one[1])), likelihoods=False)
        for at, share in given.items()
    }
    found = mixed(ALLELES["TPMT"], PRIORS["TPMT"], reference("TPMT"), unsure)
    assert sum(pair.probability for pair in found) == pytest.approx(1)
    none = float(np.prod([1 - share for share in given.values()]))
    normal = sum(pair.probability for pair in found if pair.call == "*1/*1")
    assert normal == pytest.approx(none, abs=2e-6)


def test_more_than_can_be_combined_is_never_normal() -> None:
    half = Unsure((((0, 1), 0.5), ((0, 0), 0.5)), likelihoods=False)
    found = mixed(ALLELES["TPMT"], PRIORS["TPMT"], reference("TPMT"), dict.fromkeys(range(20), half))
    assert sum(pair.probability for pair in found) == pytest.approx(1)
    assert sum(pair.probability for pair in found if not pair.named) > 0.99


@pytest.mark.parametrize(
    ("unsure", "pair", "phase", "expected"),
    [
        # The site of *3C beside a sure *3B: without it *1/*3B.
        ({TPMT3C: (((0, 1), 0.9), ((0, 0), 0.1))}, ("*1", "*3A"), 1, {"*1/*3A": 0.9, "*1/*3B": 0.1}),
        ({TPMT3C: (((0, 1), 0.9), ((1, 1), 0.1))}, ("*1", "*3A"), 1, {"*1/*3A": 0.9, "*3A/*3C": 0.1}),
        ({TPMT3C: (((0, 0), 0.5), ((0, 1), 0.5))}, ("*1", "*1"), 0, {"*1/*1": 0.5, "*1/*3C": 0.5}),
    ],
)
def test_pairs_are_mixed(unsure: dict[int, Any], pair: tuple[str, str], phase: int, expected: dict[str, float]) -> None:
    found = with_unsure({at: Unsure(one, likelihoods=False) for at, one in unsure.items()}, pair, phase=phase)
    assert listed(found) == {name: pytest.approx(share) for name, share in expected.items()}
    shares = dict(found.phenotypes)
    assert sum(shares.values()) == pytest.approx(1)


def test_a_common_allele_beside_makes_a_doubtful_one_more_probable() -> None:
    """*3B alone is rare: a doubtful reference at the site of *3C is *3A far more often than it would be alone."""
    doubt = {TPMT3C: Unsure((((0, 0), 1.0), ((0, 1), 0.01)), likelihoods=True)}
    alone, beside = with_unsure(doubt), with_unsure(doubt, ("*1", "*3B"))
    assert listed(alone)["*1/*3C"] < 0.001
    assert listed(beside)["*1/*3A"] > 0.4


def test_what_no_named_pair_has_stays_beside_what_a_named_pair_has() -> None:
    """Named pairs that the likelihoods hardly allow don't hide that the likeliest genotypes belong to none."""
    carries = ALLELES["TPMT"].carries
    # Each of the two changes of *43 belongs to no allele by itself.
    at, other = carries[ALLELES["TPMT"].names.index("*43")].nonzero()[0].tolist()
    seen = reference("TPMT")
    seen = replace(seen, codes=[(0, 1) if place == at else both for place, both in enumerate(seen.codes)])
    unsure = {other: Unsure((((0, 0), 1.0), ((0, 1), 0.01)), likelihoods=True)}
    found = mixed(ALLELES["TPMT"], PRIORS["TPMT"], seen, unsure)
    assert not found[0].named
    assert {pair.call: pair.probability for pair in found if pair.named} == {"*1/*43": pytest.approx(0.01 / 1.01)}


@pytest.mark.parametrize(
    "wrong", [(), (((0, 3), 1.0),), (((0, -3), 1.0),), (((0, 0), 0.0),), (((0, 0), float("nan")),)]
)
def test_genotypes_that_cannot_be_are_refused(wrong: Any) -> None:
    held = people_with("TPMT", [("*1", "*1")])
    with pytest.raises(ValueError, match="row 0, rs1142345: expected possible genotypes"):
        called("TPMT", replace(held, unsure={(0, TPMT3C): Unsure(wrong, likelihoods=True)}))


def test_people_with_other_doubts_have_other_answers() -> None:
    held: GeneGenotypes = people_with("TPMT", [("*1", "*1")] * 3)
    doubt = Unsure((((0, 1), 0.6), ((0, 0), 0.4)), likelihoods=False)
    first, second, third = called("TPMT", replace(held, unsure={(1, TPMT3C): doubt}))
    assert listed(first) == listed(third) == {"*1/*1": 1}
    assert listed(second) == {"*1/*3C": pytest.approx(0.6), "*1/*1": pytest.approx(0.4)}


# What is stated comes true


def simulation() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "genotype_calibration.py"
    spec = importlib.util.spec_from_file_location("genotype_calibration", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("people", "depth", "error"), [(5_000, 20, 0.002), (500, 13, 0.01)])
def test_nobody_is_called_normal_more_often_than_stated(people: int, depth: float, error: float) -> None:
    module = simulation()
    for gene, found in module.run(people, module.Lab(depth=depth, error=error, masked=0.01, seed=3)).items():
        assert found.called > people // 6, gene
        # One in ten thousand by chance. Only what is more often wrong than stated does harm.
        assert found.poor <= poisson.ppf(0.9999, found.poor_stated), gene
        assert found.other <= poisson.ppf(0.9999, found.other_stated), gene
        for _, _, n, stated, true in found.table():
            assert n * (1 - true) <= poisson.ppf(0.9999, n * (1 - stated)), (gene, stated, true, n)
