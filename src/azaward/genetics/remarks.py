"""What must a reader of a call be told in words: what wasn't seen and what may hide there, what nobody has named, which
sides aren't known, and which records disagreed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from azaward.genetics.decision import percent
from azaward.genetics.diplotypes import MOST_BLOCKS, Pair
from azaward.genetics.haplotypes import NamedAlleles
from azaward.genetics.mixture import marginal
from azaward.genetics.model import UNDOCUMENTED, Diplotype, Status, Unsure

WORTH_SAYING = 0.001
"""A genotype is called unsure in words if another has this probability; a smaller one still counts."""


def undocumented(
    alleles: NamedAlleles, codes: NDArray[np.int8], texts: dict[int, str], fitting: tuple[Pair, ...]
) -> tuple[str, ...]:
    """Bases that no named allele has, then haplotypes whose parts nobody has named together."""
    bases = [
        f"{alleles.sites[at].label} {texts.get(int(at), f'{alleles.sites[at].ref}>?')}"
        for at in np.flatnonzero((codes == UNDOCUMENTED).any(axis=1))
    ]
    haplotypes = [haplotype.name for pair in fitting for haplotype in (pair.one, pair.other) if not haplotype.named]
    return tuple(dict.fromkeys((*bases, *(name for name in haplotypes if name[1:-1] not in bases))))


def of_what_is_missing(
    alleles: NamedAlleles,
    missing: NDArray[np.bool_],
    fitting: tuple[Pair, ...],
    hiding: tuple[tuple[str, float], ...],
    normal: float | None,
) -> Iterator[str]:
    """How many positions weren't seen, what may hide there and how probably.

    `normal` is the probability of the normal phenotype, where that is the one called.
    """
    if not missing.any():
        return
    yield f"{int(missing.sum())} of {len(missing)} positions that define an allele were not seen in full."
    if not hiding:
        yield "No allele can hide there: what was seen rules out all that they define."
        return
    names = [name for name, _ in hiding]
    indices = {alleles.names.index(name) for name in names}
    some = sum(pair.probability for pair in fitting if indices & pair.beyond(fitting[0]))
    most = f"most probable {hiding[0][0]}, {percent(hiding[0][1])}"
    number = f"{len(names)} alleles" if len(names) > 1 else "1 allele"
    yield (
        f"{number} may hide there ({most})."
        if not fitting[0].named
        else f"{number} may hide there ({most}); the probability that any of them does is {percent(some)}."
    )
    if normal is not None:
        yield f"Normal by the positions seen: {percent(normal)} certain, as far as named alleles go."


def of_undocumented(unheard: tuple[str, ...], unsided: int) -> Iterator[str]:
    """Bases and haplotypes without a name; `unsided` places are those at which the copies differ."""
    if unheard:
        more = f" and {len(unheard) - 3} more" if len(unheard) > 3 else ""
        yield (
            f"Undocumented: {'; '.join(unheard[:3])}{more}. No named allele is like it, so what it does isn't known. "
            "It counts as no better than its worst known part, and never as normal."
        )
    if unheard and unsided > MOST_BLOCKS:
        yield f"Two alleles at {unsided} places: more than one person's gene has. Is the sample mixed?"


def of_phase(diplotypes: tuple[Diplotype, ...]) -> Iterator[str]:
    """Which pairs differ only by what lies on which copy: all of their variants were seen."""
    seen = [diplotype for diplotype in diplotypes if not diplotype.rests_on_unseen]
    if len(seen) > 1:
        rest = ", ".join(f"{diplotype.call} ({percent(diplotype.probability)})" for diplotype in seen[1:4])
        more = f" and {len(seen) - 4} more" if len(seen) > 4 else ""
        yield (
            "It isn't known which variants lie on the same copy of the gene: "
            f"{seen[0].call} has {percent(seen[0].probability)}; also fitting: {rest}{more}."
        )


def of_records(alleles: NamedAlleles, status: NDArray[np.int8]) -> Iterator[str]:
    """Repeated records that disagreed."""
    for at in np.flatnonzero((status == Status.CONFLICT) | (status == Status.CONFLICT_SETTLED)):
        yield f"{alleles.sites[at].label}: {Status(int(status[at])).says}."


def of_unsure(alleles: NamedAlleles, fitting: tuple[Pair, ...], unsure: Mapping[int, Unsure]) -> Iterator[str]:
    """Which genotypes the file isn't sure of, what else each may be, and what contradicts it."""
    told: list[tuple[float, str]] = []
    likely = [at for at, held in unsure.items() if held.likelihoods] if fitting[0].named else []
    weighed = dict(zip(likely, marginal(alleles, fitting, likely), strict=True)) if likely else {}
    for at, held in sorted(unsure.items()):
        site = alleles.sites[at]
        shares = weighed.get(at) or list(held.genotypes)
        total = sum(share for _, share in shares)
        words = [f"{site.base(one)}/{site.base(other)} {percent(share / total)}" for (one, other), share in shares[:3]]
        told.append((1 - shares[0][1] / total, f"{site.label} {', '.join(words)}"))
        if held.why:
            yield f"{site.label}: {held.why}. Both were taken into account, neither as sure."
    told = [one for one in sorted(told, key=lambda one: -one[0]) if one[0] >= WORTH_SAYING]
    if told:
        more = f"; and {len(told) - 3} more" if len(told) > 3 else ""
        yield f"By the file's own figures these genotypes aren't sure: {'; '.join(text for _, text in told[:3])}{more}."
