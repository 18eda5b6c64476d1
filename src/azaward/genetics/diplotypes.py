"""Which two haplotypes may a person have, given what was seen of a gene, and how probable is each pair? Every pair of
named alleles that fits; where none does, the haplotypes that nobody has named, told by their parts.

With a person of group g at share w, haplotypes a and b have probability sum over g of w f(a) f(b), twice that if they
differ (Hardy-Weinberg). What was seen fits a pair or doesn't; a missing allele fits anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from azaward.genetics.ancestry import Prior
from azaward.genetics.haplotypes import UNKNOWN, NamedAlleles, Variant, order_of
from azaward.genetics.model import MISSING
from azaward.genetics.observed import DELETION, NO_FUNCTION, Extra, Seen

Rows = NDArray[Any]
MOST_EXTRAS = 4
"""So many things that no allele has are still laid beside named alleles, 2^4 ways."""
MOST_BLOCKS = 8
"""So many places whose sides aren't known are still taken apart, 2^7 ways. One person's gene doesn't have more."""


@dataclass(frozen=True)
class Haplotype:
    """One copy of the gene: a named allele, or parts that nobody has named together.

    `functions` are those of its parts, and `presumed` those that they are presumed to leave.
    """

    name: str
    functions: tuple[str, ...]
    alleles: tuple[int, ...]
    named: bool = True
    presumed: tuple[str, ...] = ()


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
    """Columns whose sides go together, leaving out those where both sides are alike or neither was seen; the columns
    are the sites and then the extras."""
    sets: dict[int, list[int]] = {}
    sides, phase = _columns(seen)
    for at in np.flatnonzero(sides[:, 0] != sides[:, 1]):
        # A column without a phase set is a set of its own.
        sets.setdefault(int(phase[at]) or -1 - int(at), []).append(int(at))
    return [np.array(columns, dtype=np.intp) for columns in sets.values()]


def _columns(seen: Seen) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """Codes int8 [s + e, 2] and phase sets of the sites and of the extras, of which a copy has 1 or 0."""
    extras = np.array([[each.first, each.second] for each in seen.extras], np.int8).reshape(-1, 2)
    phase = np.array([each.phase for each in seen.extras], np.int32)
    return np.concatenate([seen.alleles, extras]), np.concatenate([seen.phase, phase])


@dataclass(frozen=True)
class _Copies:
    """Every copy that a person may have of a gene: m named alleles with some of the extras each.

    - `index`: int [m], the named allele.
    - `has`: bool [m, e], the extras beside it.
    - `first`, `second`: bool [m, s + e], whether it fits what was seen on that side of a column.
    """

    index: NDArray[np.intp]
    has: NDArray[np.bool_]
    first: NDArray[np.bool_]
    second: NDArray[np.bool_]


def _copies(alleles: NamedAlleles, seen: Seen) -> _Copies:
    on_first, on_second = (
        (alleles.carries == seen.alleles[:, side]) | (seen.alleles[:, side] == MISSING) for side in (0, 1)
    )
    fitting = np.flatnonzero((on_first | on_second).all(axis=1))
    choices = [(True,) if each.first and each.second else (True, False) for each in seen.extras]
    ways = list(product(*choices))
    subsets = np.array(ways, bool).reshape(len(ways), len(choices))
    index = np.repeat(fitting, len(subsets))
    has = np.tile(subsets, (len(fitting), 1))
    # A copy that isn't there has no bases of its own.
    gone = has[:, [at for at, each in enumerate(seen.extras) if each.deleted]].any(axis=1)
    real = ~gone | ~alleles.carries[index].any(axis=1)
    index, has = index[real], has[real]
    first, second = (
        np.concatenate([on[index], has == np.array([each[side] for each in seen.extras], bool)], axis=1)
        for on, side in ((on_first, 1), (on_second, 2))
    )
    kept = (first | second).all(axis=1)
    return _Copies(index[kept], has[kept], first[kept], second[kept])


def _named_pairs(alleles: NamedAlleles, prior: Prior, seen: Seen) -> dict[tuple[Haplotype, Haplotype], float]:
    if len(seen.extras) > MOST_EXTRAS:
        return {}
    held = _copies(alleles, seen)
    # Where both sides were seen alike, a copy has that allele already; where neither was, all fit.
    fits = np.ones((len(held.index), len(held.index)), dtype=bool)
    for columns in blocks(seen):
        one, other = held.first[:, columns].all(axis=1), held.second[:, columns].all(axis=1)
        fits &= np.outer(one, other) | np.outer(other, one)
    frequency = prior.frequency[:, held.index]
    weights = np.einsum("g,ga,gb->ab", prior.weights, frequency, frequency) * fits
    copies = [_copy(alleles, seen, int(index), own) for index, own in zip(held.index, held.has, strict=True)]
    return {
        _in_order(copies[a], copies[b]): float(weights[a, b]) * (1 if a == b else 2)
        for a, b in zip(*np.nonzero(np.triu(weights)), strict=True)
    }


def _in_order(one: Haplotype, other: Haplotype) -> tuple[Haplotype, Haplotype]:
    return (one, other) if order_of(one.name) <= order_of(other.name) else (other, one)


def _named(alleles: NamedAlleles, index: int) -> Haplotype:
    return Haplotype(alleles.names[index], (alleles.functions[index],), (index,), presumed=(alleles.functions[index],))


def _copy(alleles: NamedAlleles, seen: Seen, index: int, own: NDArray[np.bool_]) -> Haplotype:
    """A named allele with these extras."""
    extras = [each for each, there in zip(seen.extras, own.tolist(), strict=True) if there]
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
        weights[_in_order(first, second)] = float(prior.weights @ (rare * rarer))
    return weights


def _layouts(seen: Seen) -> Iterator[tuple[frozenset[Variant], frozenset[Variant]]]:
    """The variants of two copies, each way; of an extra the site is its column."""
    codes, _ = _columns(seen)
    first, second = codes[:, 0], codes[:, 1]
    both = [(int(at), int(first[at])) for at in np.flatnonzero((first == second) & (first != MISSING) & (first != 0))]
    unsided = blocks(seen)
    if len(unsided) > MOST_BLOCKS:
        # Not to be taken apart: each copy may carry all of it, and the phenotype is that of its worst parts.
        everything = frozenset((int(at), int(codes[at, side])) for at, side in np.argwhere(codes > 0))
        yield everything, everything
        return
    for turns in product((0, 1), repeat=max(len(unsided) - 1, 0)):
        sides: tuple[set[Variant], set[Variant]] = (set(both), set(both))
        for block, turned in zip(unsided, (0, *turns), strict=False):
            for at in block:
                for side in (0, 1):
                    if (code := int(codes[at, side])) not in (0, MISSING):
                        sides[side ^ turned].add((int(at), code))
        yield frozenset(sides[0]), frozenset(sides[1])


def _told_by_parts(
    alleles: NamedAlleles, prior: Prior, seen: Seen, carried: frozenset[Variant]
) -> tuple[Haplotype, NDArray[np.float64]]:
    """The haplotype with these variants and its frequency by group: parts are taken to meet by chance."""
    variants, sites = alleles.variants, len(alleles.sites)
    extras = [seen.extras[at - sites] for at, _ in sorted(carried) if at >= sites]
    if any(each.deleted for each in extras):
        return Haplotype(DELETION, (NO_FUNCTION,), (), presumed=(NO_FUNCTION,)), prior.frequency.min(axis=1)
    if carried in variants:
        index = variants.index(carried)
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
