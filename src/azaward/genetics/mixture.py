"""Which pairs of haplotypes may a person have, where a file isn't sure of some genotypes, and how probable is each?

A genotype with likelihoods weighs every pair of named alleles by them: the prior is that of the alleles. A genotype
with probabilities counts as they stand: each is called as if it were sure, and the calls are mixed. So the frequency of
an allele may make a reference call surer, and never takes away a change that the file calls.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from azaward.genetics.ancestry import Prior
from azaward.genetics.diplotypes import Haplotype, Pair, Seen, pairs
from azaward.genetics.haplotypes import NamedAlleles, order_of
from azaward.genetics.model import MISSING, Unsure

Genotype = tuple[int, int]
Weights = dict[tuple[Haplotype, Haplotype], float]
MOST = 64
"""So many combinations of the genotypes at unsure sites are called; the rest counts as if the sites were missing."""
_ENOUGH = 1e-6


def mixed(alleles: NamedAlleles, prior: Prior, seen: Seen, unsure: Mapping[int, Unsure]) -> tuple[Pair, ...]:
    """Every pair that may be, most probable first; the probabilities sum to one. `unsure` goes by site.

    >>> from azaward.genetics.ancestry import prior
    >>> from azaward.genetics.haplotypes import named_alleles
    >>> from azaward.knowledge import load
    >>> tpmt = named_alleles(load(), "TPMT")
    >>> at = [site.rsid for site in tpmt.sites].index("rs1142345")
    >>> reference = np.zeros(len(tpmt.sites), np.int32)
    >>> found = mixed(
    ...     tpmt,
    ...     prior(load(), tpmt, "European"),
    ...     Seen(np.zeros((len(tpmt.sites), 2), np.int8), reference, {}),
    ...     {at: Unsure((((0, 1), 0.84), ((0, 0), 0.16)), likelihoods=False)},
    ... )
    >>> [(pair.call, round(pair.probability, 2)) for pair in found]
    [('*1/*3C', 0.84), ('*1/*1', 0.16)]
    """
    likely = {at: held for at, held in unsure.items() if held.likelihoods}
    stated = {at: held for at, held in unsure.items() if not held.likelihoods}
    total: Weights = {}
    left = 1.0
    for weight, chosen in _combinations(list(stated.values())):
        _add(total, _weighed(alleles, prior, _with(seen, dict(zip(stated, chosen, strict=True))), likely), weight)
        left -= weight
        if left < _ENOUGH:
            break
    if left >= _ENOUGH:
        _add(total, _weighed(alleles, prior, _with(seen, dict.fromkeys(stated, (MISSING, MISSING))), likely), left)
    return _ordered(total)


def most_probable(seen: Seen, unsure: Mapping[int, Unsure]) -> Seen:
    """What was seen, with the heaviest genotype at each unsure site."""
    return _with(seen, {at: held.genotypes[0][0] for at, held in unsure.items()})


def marginal(alleles: NamedAlleles, fitting: Sequence[Pair], at: int) -> list[tuple[Genotype, float]]:
    """How probable each genotype at a site is among pairs of named alleles, most probable first."""
    found: dict[Genotype, float] = {}
    for pair in fitting:
        if pair.named:
            one, other = (int(alleles.carries[haplotype.alleles[0], at]) for haplotype in (pair.one, pair.other))
            genotype = (min(one, other), max(one, other))
            found[genotype] = found.get(genotype, 0.0) + pair.probability
    return sorted(found.items(), key=lambda item: -item[1])


def _combinations(held: Sequence[Unsure]) -> Iterator[tuple[float, tuple[Genotype, ...]]]:
    """The likeliest combinations of one genotype a site with their probabilities, most probable first."""
    tables: list[list[tuple[Genotype, float]]] = []
    for each in held:
        total = sum(weight for _, weight in each.genotypes)
        tables.append([(genotype, weight / total) for genotype, weight in each.genotypes])

    def probability(places: tuple[int, ...]) -> float:
        return float(np.prod([table[place][1] for table, place in zip(tables, places, strict=True)]))

    first: tuple[int, ...] = (0,) * len(tables)
    heap: list[tuple[float, tuple[int, ...]]] = [(-probability(first), first)]
    known: set[tuple[int, ...]] = {first}
    for _ in range(MOST):
        if not heap:
            return
        weight, places = heapq.heappop(heap)
        yield -weight, tuple(table[place][0] for table, place in zip(tables, places, strict=True))
        for at, place in enumerate(places):
            after = (*places[:at], place + 1, *places[at + 1 :])
            if place + 1 < len(tables[at]) and after not in known:
                known.add(after)
                heapq.heappush(heap, (-probability(after), after))


def _with(seen: Seen, genotypes: Mapping[int, Genotype]) -> Seen:
    """What was seen, with other genotypes at some sites; the sides stay where the genotype is the one that was seen."""
    alleles, phase = seen.alleles.copy(), seen.phase.copy()
    for at, genotype in genotypes.items():
        if sorted(alleles[at].tolist()) != sorted(genotype):
            alleles[at], phase[at] = genotype, 0
    return replace(seen, alleles=alleles, phase=phase)


def _weighed(alleles: NamedAlleles, prior: Prior, seen: Seen, likely: Mapping[int, Unsure]) -> Weights:
    """The probabilities of the pairs that fit the sure sites, given the likelihoods at the others."""
    if not likely:
        return {(pair.one, pair.other): pair.probability for pair in pairs(alleles, prior, seen)}
    fitting = pairs(alleles, prior, _with(seen, dict.fromkeys(likely, (MISSING, MISSING))))
    if not fitting[0].named:
        return {(pair.one, pair.other): pair.probability for pair in fitting}
    factor = _likelihood(alleles, fitting, likely)
    weights = {
        (pair.one, pair.other): pair.probability * weight
        for pair, weight in zip(fitting, factor.tolist(), strict=True)
        if weight
    }
    reference = pairs(alleles, prior, most_probable(seen, likely))
    if reference[0].named:
        return _scaled(weights, 1.0)
    # The likeliest genotypes belong to no named pair. How common such a pair is isn't known, so only the likelihoods
    # say how it compares with the named ones.
    named = float(factor.max())
    found = _scaled(weights, named / (1 + named)) if named else {}
    _add(found, {(pair.one, pair.other): pair.probability for pair in reference}, 1 / (1 + named))
    return found


def _likelihood(alleles: NamedAlleles, fitting: Sequence[Pair], likely: Mapping[int, Unsure]) -> NDArray[np.float64]:
    """The likelihood of each named pair, relative to that of the likeliest genotypes."""
    one, other = (
        alleles.carries[[haplotype.alleles[0] for haplotype in side]]
        for side in ([pair.one for pair in fitting], [pair.other for pair in fitting])
    )
    factor = np.ones(len(fitting))
    for at, held in likely.items():
        wide = len(alleles.sites[at].alts) + 1
        table = np.zeros((wide, wide))
        for (first, second), weight in held.genotypes:
            if min(first, second) >= 0:
                table[first, second] = table[second, first] = weight / held.genotypes[0][1]
        factor *= table[one[:, at], other[:, at]]
    return factor


def _scaled(weights: Weights, to: float) -> Weights:
    total = sum(weights.values())
    return {key: weight * to / total for key, weight in weights.items()} if total else {}


def _add(total: Weights, found: Weights, share: float) -> None:
    for key, weight in found.items():
        if weight:
            total[key] = total.get(key, 0.0) + weight * share


def _ordered(weights: Weights) -> tuple[Pair, ...]:
    total = sum(weights.values())
    ordered = sorted(weights.items(), key=lambda item: (-item[1], order_of(item[0][0].name), order_of(item[0][1].name)))
    return tuple(Pair(one, other, weight / total) for (one, other), weight in ordered)
