"""Which two haplotypes may a person have, given what was seen of a gene, and how probable is each pair? Every pair of
named alleles that fits; where none does, the haplotypes that nobody has named, told by their parts.

With a person of group g at share w, haplotypes a and b have probability sum over g of w f(a) f(b), twice that if they
differ (Hardy-Weinberg). What was seen fits a pair or doesn't; a missing allele fits anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from azaward.genetics.ancestry import Prior
from azaward.genetics.haplotypes import UNKNOWN, NamedAlleles, Variant, order_of
from azaward.genetics.model import MISSING, REFERENCE, UNDOCUMENTED

Rows = NDArray[Any]
MOST_BLOCKS = 8
"""So many places whose sides aren't known are still taken apart, 2^7 ways. One person's gene doesn't have more."""


@dataclass(frozen=True)
class Haplotype:
    """One copy of the gene: a named allele, or parts that nobody has named together."""

    name: str
    functions: tuple[str, ...]
    alleles: tuple[int, ...]
    named: bool = True


@dataclass(frozen=True)
class Pair:
    """Two haplotypes that fit, and how probable they are among all that do."""

    one: Haplotype
    other: Haplotype
    probability: float

    @property
    def call(self) -> str:
        """Such as `*1/*3A`."""
        return f"{self.one.name}/{self.other.name}"

    @property
    def alleles(self) -> tuple[int, ...]:
        """The named alleles of both, by their place in `NamedAlleles`."""
        return (*self.one.alleles, *self.other.alleles)

    def beyond(self, other: Pair) -> set[int]:
        """The alleles of which this pair has more copies than the other."""
        return {index for index in self.alleles if self.alleles.count(index) > other.alleles.count(index)}

    @property
    def named(self) -> bool:
        """Whether both haplotypes are named alleles."""
        return self.one.named and self.other.named


@dataclass(frozen=True)
class Seen:
    """One gene of one person: `alleles` int8 [s, 2], `phase` int32 [s], what stood there for undocumented bases, and
    the codes that were not looked for where reference was seen."""

    alleles: NDArray[np.int8]
    phase: NDArray[np.int32]
    undocumented: dict[int, str]
    untested: Mapping[int, tuple[int, ...]] = field(default_factory=dict[int, tuple[int, ...]])

    def explained(self, carries: NDArray[np.int8], side: int) -> NDArray[np.bool_]:
        """Where alleles, int8 [k, s], explain what was seen on one side: bool [k, s]."""
        own = self.alleles[:, side]
        found = (carries == own) | (own == MISSING)
        for at, codes in self.untested.items():
            if own[at] == REFERENCE:
                found[:, at] |= np.isin(carries[:, at], codes)
        return found


def pairs(alleles: NamedAlleles, prior: Prior, seen: Seen) -> tuple[Pair, ...]:
    """Every pair that fits, most probable first; the probabilities sum to one."""
    weights = _named_pairs(alleles, prior, seen) or _unnamed_pairs(alleles, prior, seen)
    if not any(weights.values()):
        # So many variants at once that their product can't be told from nought.
        weights = dict.fromkeys(weights, 1.0)
    total = sum(weights.values())
    ordered = sorted(weights.items(), key=lambda item: (-item[1], order_of(item[0][0].name), order_of(item[0][1].name)))
    return tuple(Pair(one, other, weight / total) for (one, other), weight in ordered)


def blocks(seen: Seen) -> list[NDArray[np.intp]]:
    """Sites whose sides go together, leaving out those where both sides are alike or neither was seen."""
    sets: dict[int, list[int]] = {}
    for at in np.flatnonzero(seen.alleles[:, 0] != seen.alleles[:, 1]):
        # A site without a phase set is a set of its own.
        sets.setdefault(int(seen.phase[at]) or -1 - int(at), []).append(int(at))
    return [np.array(sites, dtype=np.intp) for sites in sets.values()]


def _named_pairs(alleles: NamedAlleles, prior: Prior, seen: Seen) -> dict[tuple[Haplotype, Haplotype], float]:
    on_first, on_second = (seen.explained(alleles.carries, side) for side in (0, 1))
    candidates = np.flatnonzero((on_first | on_second).all(axis=1))
    first, second = on_first[candidates], on_second[candidates]
    # Where both sides were seen alike, a candidate has that allele already; where neither was, all fit.
    fits = np.ones((len(candidates), len(candidates)), dtype=bool)
    for sites in blocks(seen):
        one, other = first[:, sites].all(axis=1), second[:, sites].all(axis=1)
        fits &= np.outer(one, other) | np.outer(other, one)
    frequency = prior.frequency[:, candidates]
    weights = np.einsum("g,ga,gb->ab", prior.weights, frequency, frequency) * fits
    named = [_named(alleles, int(index)) for index in candidates]
    return {
        (named[a], named[b]): float(weights[a, b]) * (1 if a == b else 2)
        for a, b in zip(*np.nonzero(np.triu(weights)), strict=True)
    }


def _named(alleles: NamedAlleles, index: int) -> Haplotype:
    return Haplotype(alleles.names[index], (alleles.functions[index],), (index,))


def _unnamed_pairs(alleles: NamedAlleles, prior: Prior, seen: Seen) -> dict[tuple[Haplotype, Haplotype], float]:
    """Pairs of which at least one haplotype has no name: every way of laying what was seen on two copies."""
    weights: dict[tuple[Haplotype, Haplotype], float] = {}
    for one, other in _layouts(seen):
        (first, rare), (second, rarer) = (_told_by_parts(alleles, prior, seen, carried) for carried in (one, other))
        key = (first, second) if order_of(first.name) <= order_of(second.name) else (second, first)
        # Nothing for two that differ: where there is more than one way to lay them, the copies of each differ.
        weights[key] = float(prior.weights @ (rare * rarer))
    return weights


def _layouts(seen: Seen) -> Iterator[tuple[frozenset[Variant], frozenset[Variant]]]:
    first, second = seen.alleles[:, 0], seen.alleles[:, 1]
    both = [(int(at), int(first[at])) for at in np.flatnonzero((first == second) & (first != MISSING) & (first != 0))]
    unsided = blocks(seen)
    if len(unsided) > MOST_BLOCKS:
        # Not to be taken apart: each copy may carry all of it, and the phenotype is that of its worst parts.
        everything = {(int(at), int(seen.alleles[at, side])) for at, side in np.argwhere(seen.alleles > 0)}
        everything |= {(int(at), UNDOCUMENTED) for at, _ in np.argwhere(seen.alleles == UNDOCUMENTED)}
        yield frozenset(everything), frozenset(everything)
        return
    for turns in product((0, 1), repeat=max(len(unsided) - 1, 0)):
        sides: tuple[set[Variant], set[Variant]] = (set(both), set(both))
        for block, turned in zip(unsided, (0, *turns), strict=False):
            for at in block:
                for side in (0, 1):
                    if (code := int(seen.alleles[at, side])) not in (0, MISSING):
                        sides[side ^ turned].add((int(at), code))
        yield frozenset(sides[0]), frozenset(sides[1])


def _told_by_parts(
    alleles: NamedAlleles, prior: Prior, seen: Seen, carried: frozenset[Variant]
) -> tuple[Haplotype, NDArray[np.float64]]:
    """The haplotype with these variants and its frequency by group: parts are taken to meet by chance."""
    variants = alleles.variants
    if carried in variants:
        index = variants.index(carried)
        return _named(alleles, index), prior.frequency[:, index]
    parts: list[int] = []
    left = set(carried)
    inside = [index for index in range(len(alleles.names)) if variants[index] and variants[index] <= carried]
    for index in sorted(inside, key=lambda index: -len(variants[index])):
        if variants[index] & left:
            parts.append(index)
            left -= variants[index]
    names = [alleles.names[index] for index in sorted(parts)]
    names += [_described(alleles, seen, at, code) for at, code in sorted(left)]
    functions = {alleles.functions[index] for index in parts} | ({UNKNOWN} if left else set())
    rarest = prior.frequency.min(axis=1)
    frequency = np.prod(prior.frequency[:, parts], axis=1) * rarest ** len(left)
    return Haplotype(f"[{' + '.join(names)}]", tuple(sorted(functions)), tuple(sorted(parts)), named=False), frequency


def _described(alleles: NamedAlleles, seen: Seen, at: int, code: int) -> str:
    """Bases at a site that no named allele has, or has only beside others: `rs1142345 T>A`."""
    site = alleles.sites[at]
    if code != UNDOCUMENTED:
        return f"{site.label} {site.ref}>{site.base(code)}"
    # A slash would read as the end of a haplotype.
    return f"{site.label} {seen.undocumented.get(at, f'{site.ref}>?')}".replace("/", ",")
