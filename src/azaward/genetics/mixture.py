"""Which pairs of haplotypes may a person have, where a file isn't sure of some genotypes, and how probable is each?

A genotype with likelihoods weighs every pair of named alleles by them: the prior is that of the alleles. A genotype
with probabilities counts as they stand: each is called as if it were sure, and the calls are mixed. So the frequency of
an allele may make a reference call surer, and never takes away a change that the file calls.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from azaward.genetics.ancestry import Prior
from azaward.genetics.diplotypes import Haplotype, Pair, pairs
from azaward.genetics.haplotypes import NamedAlleles, order_of
from azaward.genetics.model import MISSING, REFERENCE, UNDOCUMENTED, Unsure
from azaward.genetics.observed import Extra, Seen

Genotype = tuple[int, int]
Shares = list[tuple[Genotype, float]]
Weights = dict[tuple[Haplotype, Haplotype], float]
MOST = 64
"""So many combinations of genotypes at unsure sites whose sides are known are called, the likeliest first."""
UNNAMED = 8
"""So many combinations of genotypes that no named pair has are called; they stand for all others like them."""
_LOOKED_AT = 512
_ENOUGH = 1e-6
_NOTHING = 1e-9


def mixed(alleles: NamedAlleles, prior: Prior, seen: Seen, unsure: Mapping[int, Unsure]) -> tuple[Pair, ...]:
    """Every pair that may be, most probable first; the probabilities sum to one. `unsure` goes by site.

    >>> from azaward.genetics.ancestry import prior
    >>> from azaward.genetics.haplotypes import named_alleles
    >>> from azaward.knowledge import load
    >>> tpmt = named_alleles(load(), "TPMT")
    >>> at = [site.rsid for site in tpmt.sites].index("rs1142345")
    >>> reference = [(0, 0)] * len(tpmt.sites)
    >>> found = mixed(
    ...     tpmt,
    ...     prior(load(), tpmt, "European"),
    ...     Seen(reference, [0] * len(tpmt.sites)),
    ...     {at: Unsure((((0, 1), 0.84), ((0, 0), 0.16)), likelihoods=False)},
    ... )
    >>> [(pair.call, round(pair.probability, 2)) for pair in found]
    [('*1/*3C', 0.84), ('*1/*1', 0.16)]
    """
    likely = {at: held for at, held in unsure.items() if held.likelihoods}
    stated = {at: _shares(held) for at, held in unsure.items() if not held.likelihoods}
    sided = {at: held for at, held in stated.items() if seen.phase[at]}
    sideless = {at: held for at, held in stated.items() if at not in sided}
    total: Weights = {}
    left = 1.0
    for weight, chosen in itertools.islice(_combinations(list(sided.values())), MOST):
        here = _with(seen, dict(zip(sided, chosen, strict=True)), alleles)
        _add(total, _mixed(alleles, prior, here, likely, sideless), weight)
        left -= weight
        if left < _ENOUGH:
            break
    return _ordered(total)


def most_probable(alleles: NamedAlleles, seen: Seen, unsure: Mapping[int, Unsure]) -> Seen:
    """What was seen, with the heaviest genotype at each unsure site."""
    return _with(seen, {at: held.genotypes[0][0] for at, held in unsure.items()}, alleles)


def marginal(alleles: NamedAlleles, fitting: Sequence[Pair], sites: Sequence[int]) -> list[Shares]:
    """For each of these sites, how probable each genotype is among pairs of named alleles, most probable first."""
    named = [pair for pair in fitting if pair.by_named_alleles]
    probability = np.array([pair.probability for pair in named])
    one, other = (alleles.carries[[haplotype.alleles[0] for haplotype in side]] for side in _sides(named))
    found: list[Shares] = []
    for at in sites:
        wide = len(alleles.sites[at].alts) + 1
        codes = np.minimum(one[:, at], other[:, at]) * wide + np.maximum(one[:, at], other[:, at])
        shares = np.bincount(codes, probability)
        found.append(
            [(divmod(code, wide), float(shares[code])) for code in np.argsort(-shares).tolist() if shares[code]]
        )
    return found


def _shares(held: Unsure) -> Shares:
    total = sum(weight for _, weight in held.genotypes)
    return [(genotype, weight / total) for genotype, weight in held.genotypes]


def _combinations(tables: Sequence[Shares]) -> Iterator[tuple[float, tuple[Genotype, ...]]]:
    """The combinations of one genotype a site with their probabilities, most probable first."""

    def probability(places: tuple[int, ...]) -> float:
        return math.prod(table[place][1] for table, place in zip(tables, places, strict=True))

    first: tuple[int, ...] = (0,) * len(tables)
    heap: list[tuple[float, tuple[int, ...]]] = [(-probability(first), first)]
    known: set[tuple[int, ...]] = {first}
    while heap:
        weight, places = heapq.heappop(heap)
        yield -weight, tuple(table[place][0] for table, place in zip(tables, places, strict=True))
        for at, place in enumerate(places):
            after = (*places[:at], place + 1, *places[at + 1 :])
            if place + 1 < len(tables[at]) and after not in known:
                known.add(after)
                heapq.heappush(heap, (-probability(after), after))


def _with(seen: Seen, genotypes: Mapping[int, Genotype], alleles: NamedAlleles) -> Seen:
    """What was seen, with other genotypes at some sites; the sides stay where the genotype is the one that was seen."""
    codes, phase = list(seen.codes), list(seen.phase)
    extras = [each for each in seen.extras if each.site not in genotypes]
    for at, genotype in genotypes.items():
        here = [each for each in seen.extras if each.site == at]
        if sorted(_raw(codes[at], here)) == sorted(genotype):
            extras += here
            continue
        one, other = (code == UNDOCUMENTED for code in genotype)
        codes[at], phase[at] = (REFERENCE if one else genotype[0], REFERENCE if other else genotype[1]), 0
        if one or other:
            site = alleles.sites[at]
            extras.append(Extra(f"{site.label} {site.ref}>?", one, other, 0, None, told=False, site=at))
    return replace(seen, codes=codes, phase=phase, extras=tuple(extras))


def _raw(codes: Genotype, here: Sequence[Extra]) -> Genotype:
    """The codes of a site with those that are undocumented."""
    for each in here:
        codes = (UNDOCUMENTED if each.first else codes[0], UNDOCUMENTED if each.second else codes[1])
    return codes


def _mixed(
    alleles: NamedAlleles, prior: Prior, seen: Seen, likely: Mapping[int, Unsure], stated: Mapping[int, Shares]
) -> Weights:
    """The probabilities of the pairs where no unsure site has a known side.

    Every named pair has one combination of genotypes at the sites with probabilities, and that combination's
    probability is divided among its pairs. What is left belongs to combinations that no named pair has.
    """
    fitting = pairs(alleles, prior, _with(seen, dict.fromkeys((*likely, *stated), (MISSING, MISSING)), alleles))
    found: Weights = {}
    named: dict[tuple[Genotype, ...], float] = {}
    if fitting[0].by_named_alleles:
        factor = _likelihood(alleles, fitting, likely)
        weight = factor * [pair.probability for pair in fitting]
        groups: dict[tuple[Genotype, ...], list[int]] = {}
        for place, combination in enumerate(_genotypes(alleles, fitting, list(stated))):
            groups.setdefault(combination, []).append(place)
        for combination, places in groups.items():
            best, total = float(factor[places].max()), float(weight[places].sum())
            share = math.prod(dict(held).get(one, 0.0) for held, one in zip(stated.values(), combination, strict=True))
            if total and share:
                # The likeliest genotypes may belong to no named pair. How common such a pair is isn't known, so only
                # the likelihoods say how it compares with the named ones.
                named[combination] = share * (1.0 if best >= 1 else best / (1 + best))
                for place in places:
                    found[fitting[place].one, fitting[place].other] = float(weight[place] * named[combination] / total)
    if (left := 1 - sum(named.values())) >= _ENOUGH:
        _add(found, _without_name(alleles, prior, most_probable(alleles, seen, likely), stated, named), left)
    return found


def _without_name(
    alleles: NamedAlleles,
    prior: Prior,
    seen: Seen,
    stated: Mapping[int, Shares],
    named: Mapping[tuple[Genotype, ...], float],
) -> Weights:
    """The pairs of the likeliest combinations that no named pair has, all together with the weight 1."""
    chosen: list[tuple[float, tuple[Genotype, ...]]] = []
    for weight, combination in itertools.islice(_combinations(list(stated.values())), _LOOKED_AT):
        key = tuple((min(pair), max(pair)) for pair in combination)
        if (without := weight - named.get(key, 0.0)) > _NOTHING:
            chosen.append((without, combination))
            if len(chosen) == UNNAMED:
                break
    if not chosen:
        # Hidden among very many: the last genotypes are taken to be there, which is never better than unknown.
        chosen = [(1.0, tuple(held[-1][0] for held in stated.values()))]
    found: Weights = {}
    for weight, combination in chosen:
        here = _with(seen, dict(zip(stated, combination, strict=True)), alleles)
        _add(found, {(pair.one, pair.other): pair.probability for pair in pairs(alleles, prior, here)}, weight)
    return _scaled(found, 1.0)


def _genotypes(alleles: NamedAlleles, fitting: Sequence[Pair], sites: Sequence[int]) -> list[tuple[Genotype, ...]]:
    """For each named pair its genotypes at these sites."""
    one, other = (alleles.carries[[haplotype.alleles[0] for haplotype in side]][:, sites] for side in _sides(fitting))
    low, high = np.minimum(one, other).tolist(), np.maximum(one, other).tolist()
    return [tuple(zip(*both, strict=True)) for both in zip(low, high, strict=True)]


def _sides(fitting: Sequence[Pair]) -> tuple[list[Haplotype], list[Haplotype]]:
    return [pair.one for pair in fitting], [pair.other for pair in fitting]


def _likelihood(alleles: NamedAlleles, fitting: Sequence[Pair], likely: Mapping[int, Unsure]) -> NDArray[np.float64]:
    """The likelihood of each named pair, relative to that of the likeliest genotypes."""
    one, other = (alleles.carries[[haplotype.alleles[0] for haplotype in side]] for side in _sides(fitting))
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
    kept = [(key, weight / total) for key, weight in weights.items() if weight >= _NOTHING * total]
    total = sum(weight for _, weight in kept)
    kept.sort(key=lambda item: (-item[1], order_of(item[0][0].name), order_of(item[0][1].name)))
    return tuple(Pair(one, other, weight / total) for (one, other), weight in kept)
