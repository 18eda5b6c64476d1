"""Which two haplotypes may a person have, given what was seen of a gene, and how probable is each pair? Every pair of
named alleles that fits; where none does, the haplotypes that nobody has named, told by their parts.

With a person of group g at share w, haplotypes a and b have probability sum over g of w f(a) f(b), twice that if they
differ (Hardy-Weinberg). What was seen fits a pair or doesn't; a missing allele fits anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from azaward.genetics.ancestry import Prior
from azaward.genetics.fitting import Fit, fitting
from azaward.genetics.haplotypes import UNKNOWN, NamedAlleles, Variant, order_of
from azaward.genetics.model import MISSING
from azaward.genetics.observed import DELETION, NO_FUNCTION, Extra, Seen

MOST_EXTRAS = 3
"""So many things that no allele has are still laid beside named alleles, 2^3 ways."""
MOST_BLOCKS = 8
"""So many places whose sides aren't known are still taken apart, 2^7 ways. One person's gene doesn't have more."""


class Haplotype(NamedTuple):
    """One copy of the gene: a named allele, or parts that nobody has named together.

    `functions` are those of its parts, and `presumed` those that they are presumed to leave.
    """

    name: str
    functions: tuple[str, ...]
    alleles: tuple[int, ...]
    named: bool = True
    presumed: tuple[str, ...] = ()


class Pair(NamedTuple):
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

    @property
    def by_named_alleles(self) -> bool:
        """Whether each copy is one named allele, whatever else it has."""
        return len(self.one.alleles) == len(self.other.alleles) == 1

    def beyond(self, other: Pair) -> set[int]:
        """The alleles of which this pair has more copies than the other."""
        return {index for index in self.alleles if self.alleles.count(index) > other.alleles.count(index)}

    @property
    def named(self) -> bool:
        """Whether both haplotypes are named alleles."""
        return self.one.named and self.other.named


def pairs(alleles: NamedAlleles, prior: Prior, seen: Seen, fits: Sequence[Fit] | None = None) -> tuple[Pair, ...]:
    """Every pair that fits, most probable first; the probabilities sum to one. `fits` are the named alleles that fit,
    where they have been worked out."""
    if fits is None:
        fits = fitting(alleles.carries, np.array([seen.codes], np.int8), {0: seen.untested})[0]
    weights = _named_pairs(alleles, prior, seen, fits) or _unnamed_pairs(alleles, prior, seen)
    if not any(weights.values()):
        # So many variants at once that their product can't be told from nought.
        weights = dict.fromkeys(weights, 1.0)
    total = sum(weights.values())
    ordered = sorted(weights.items(), key=lambda item: (-item[1], order_of(item[0][0].name), order_of(item[0][1].name)))
    return tuple(Pair(one, other, weight / total) for (one, other), weight in ordered)


def blocks(seen: Seen) -> list[list[int]]:
    """Columns whose sides go together, leaving out those where both sides are alike or neither was seen; the columns
    are the sites and then the extras."""
    sets: dict[int, list[int]] = {}
    width = len(seen.codes)
    sides = [(at, seen.phase[at]) for at, (first, second) in enumerate(seen.codes) if first != second]
    sides += [(at, one.phase) for at, one in enumerate(seen.extras, start=width) if one.first != one.second]
    for at, phase in sides:
        # A column without a phase set is a set of its own.
        sets.setdefault(phase or -1 - at, []).append(at)
    return list(sets.values())


class _Copy(NamedTuple):
    """A copy that a person may have: a named allele with some of the extras, and the columns at which it fits what was
    seen on either side, a bit for each."""

    allele: int
    has: tuple[bool, ...]
    first: int
    second: int


def _copies(alleles: NamedAlleles, seen: Seen, fits: Sequence[Fit]) -> list[_Copy]:
    if not seen.extras:
        return [_Copy(index, (), first, second) for index, first, second in fits]
    choices = [(True,) if each.first and each.second else (True, False) for each in seen.extras]
    width = len(seen.codes)
    made: list[_Copy] = []
    for has in product(*choices):
        # A copy that isn't there has no bases of its own.
        gone = any(there and each.deleted for there, each in zip(has, seen.extras, strict=True))
        on = [sum((has[at] == each[side]) << width + at for at, each in enumerate(seen.extras)) for side in (1, 2)]
        if on[0] | on[1] == (1 << len(has)) - 1 << width:
            made += [
                _Copy(index, has, first | on[0], second | on[1])
                for index, first, second in fits
                if not (gone and alleles.variants[index])
            ]
    return made


def _named_pairs(
    alleles: NamedAlleles, prior: Prior, seen: Seen, fits: Sequence[Fit]
) -> dict[tuple[Haplotype, Haplotype], float]:
    if len(seen.extras) > MOST_EXTRAS:
        return {}
    copies = _copies(alleles, seen, fits)
    # Where both sides were seen alike, a copy has that allele already; where neither was, all fit.
    masks = [sum(1 << at for at in columns) for columns in blocks(seen)]
    weights: dict[tuple[Haplotype, Haplotype], float] = {}
    named = [_copy(alleles, seen, one) for one in copies]
    for at, one in enumerate(copies):
        row = prior.pairs[one.allele]
        for place, other in enumerate(copies[at:], start=at):
            if (weight := row[other.allele]) and all(_fit(one, other, mask) for mask in masks):
                pair = _in_order(named[at], named[place])
                # Two that differ by what does nothing alone are told alike.
                weights[pair] = weights.get(pair, 0.0) + weight * (1 if place == at else 2)
    return weights


def _fit(one: _Copy, other: _Copy, mask: int) -> bool:
    """Whether two copies explain both sides of some columns together."""
    return (one.first & mask == mask and other.second & mask == mask) or (
        one.second & mask == mask and other.first & mask == mask
    )


def _in_order(one: Haplotype, other: Haplotype) -> tuple[Haplotype, Haplotype]:
    return (one, other) if order_of(one.name) <= order_of(other.name) else (other, one)


def _named(alleles: NamedAlleles, index: int) -> Haplotype:
    return Haplotype(alleles.names[index], (alleles.functions[index],), (index,), presumed=(alleles.functions[index],))


def _copy(alleles: NamedAlleles, seen: Seen, one: _Copy) -> Haplotype:
    """A named allele with its extras."""
    index = one.allele
    there = [each for each, has in zip(seen.extras, one.has, strict=True) if has]
    extras = seen.read(alleles.variants[index], there) if there else there
    if not extras:
        return _named(alleles, index)
    if any(each.deleted for each in extras):
        return Haplotype(DELETION, (NO_FUNCTION,), (index,), presumed=(NO_FUNCTION,))
    return _made_of(alleles, [index] if alleles.variants[index] else [], extras, own=(index,))


def _made_of(
    alleles: NamedAlleles, parts: Sequence[int], extras: Sequence[Extra], own: tuple[int, ...], more: Sequence[str] = ()
) -> Haplotype:
    """A haplotype without a name, told by its parts: named alleles, `more` variants of unknown function, and extras."""
    names = [alleles.names[index] for index in parts] + [*more, *(each.name for each in extras)]
    functions = {alleles.functions[index] for index in parts} | ({UNKNOWN} if more else set())
    return Haplotype(
        f"[{' + '.join(names)}]",
        tuple(sorted(functions | {each.functions[0] for each in extras})),
        own,
        named=False,
        presumed=tuple(sorted(functions | {each.functions[1] for each in extras})),
    )


def _unnamed_pairs(alleles: NamedAlleles, prior: Prior, seen: Seen) -> dict[tuple[Haplotype, Haplotype], float]:
    """Pairs of which at least one haplotype has no name: every way of laying what was seen on two copies."""
    weights: dict[tuple[Haplotype, Haplotype], float] = {}
    for one, other in _layouts(seen):
        (first, rare), (second, rarer) = (_told_by_parts(alleles, prior, seen, carried) for carried in (one, other))
        # Nothing for two that differ: where there is more than one way to lay them, the copies of each differ.
        pair = _in_order(first, second)
        weights[pair] = weights.get(pair, 0.0) + float(prior.weights @ (rare * rarer))
    return weights


def _layouts(seen: Seen) -> Iterator[tuple[frozenset[Variant], frozenset[Variant]]]:
    """The variants of two copies, each way; of an extra the site is its column."""
    codes = [*seen.codes, *((int(each.first), int(each.second)) for each in seen.extras)]
    alike = [(at, first) for at, (first, second) in enumerate(codes) if first == second and first not in (0, MISSING)]
    unsided = blocks(seen)
    if len(unsided) > MOST_BLOCKS:
        # Not to be taken apart: each copy may carry all of it, and the phenotype is that of its worst parts.
        everything = frozenset((at, code) for at, both in enumerate(codes) for code in both if code > 0)
        yield everything, everything
        return
    for turns in product((0, 1), repeat=max(len(unsided) - 1, 0)):
        sides: tuple[set[Variant], set[Variant]] = (set(alike), set(alike))
        for block, turned in zip(unsided, (0, *turns), strict=False):
            for at in block:
                for side in (0, 1):
                    if (code := codes[at][side]) not in (0, MISSING):
                        sides[side ^ turned].add((at, code))
        yield frozenset(sides[0]), frozenset(sides[1])


def _told_by_parts(
    alleles: NamedAlleles, prior: Prior, seen: Seen, carried: frozenset[Variant]
) -> tuple[Haplotype, NDArray[np.float64]]:
    """The haplotype with these variants and its frequency by group: parts are taken to meet by chance."""
    variants, sites = alleles.variants, len(alleles.sites)
    extras = seen.read(carried, [seen.extras[at - sites] for at, _ in sorted(carried) if at >= sites])
    if any(each.deleted for each in extras):
        return Haplotype(DELETION, (NO_FUNCTION,), (), presumed=(NO_FUNCTION,)), prior.frequency.min(axis=1)
    if not extras and (bare := frozenset(one for one in carried if one[0] < sites)) in variants:
        index = variants.index(bare)
        return _named(alleles, index), prior.frequency[:, index]
    parts: list[int] = []
    left = {variant for variant in carried if variant[0] < sites}
    inside = [index for index in range(len(alleles.names)) if variants[index] and variants[index] <= carried]
    for index in sorted(inside, key=lambda index: -len(variants[index])):
        if variants[index] & left:
            parts.append(index)
            left -= variants[index]
    parts.sort()
    rarest = prior.frequency.min(axis=1)
    frequency = np.prod(prior.frequency[:, parts], axis=1) * rarest ** (len(left) + len(extras))
    more = [f"{(site := alleles.sites[at]).label} {site.ref}>{site.base(code)}" for at, code in sorted(left)]
    return _made_of(alleles, parts, extras, own=tuple(parts), more=more), frequency
