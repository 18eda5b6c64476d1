"""How common is each named allele where this person's forebears lived? From allele_frequencies.csv, by biogeographic
group; where the ancestry isn't known, every group that has figures weighs the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from azaward.errors import KnowledgeError
from azaward.genetics.haplotypes import REFERENCE_ALLELE, NamedAlleles
from azaward.knowledge import Knowledge

OTHER = "other"
"""The row of allele_frequencies.csv for all alleles that have none of their own in that group."""

Ancestry = str | Mapping[str, float] | None
"""A group or one of its synonyms, a share for each of several, or unknown."""


@dataclass(frozen=True, eq=False)
class Prior:
    """What is believed of a person's alleles before looking.

    - `groups`: the groups that the person may be of; `weights`: float [g], the share of each, summing to one.
    - `frequency`: float [g, k], how common each named allele is in each group; each row sums to one.
    - `stated`: float [k], the highest frequency that any group's own row gives the allele, whoever the person is.
    - `notes`: what a reader must know of these figures.
    """

    groups: tuple[str, ...]
    weights: NDArray[np.float64]
    frequency: NDArray[np.float64]
    stated: NDArray[np.float64]
    notes: tuple[str, ...]

    @cached_property
    def pairs(self) -> list[list[float]]:
        """How probable each allele is on the first copy and each on the second, [k][k]."""
        return np.einsum("g,ga,gb->ab", self.weights, self.frequency, self.frequency).tolist()


def groups(knowledge: Knowledge, ancestry: Ancestry) -> Mapping[str, float]:
    """The share of each group, summing to one; empty when the ancestry isn't known.

    Raises `ValueError` for a word that means no group and for shares that can't be shares.

    >>> from azaward.knowledge import load
    >>> groups(load(), "eas"), groups(load(), {"European": 3, "EAS": 1})
    ({'East Asian': 1.0}, {'European': 0.75, 'East Asian': 0.25})
    >>> groups(load(), None)
    {}
    """
    if ancestry is None:
        return {}
    known = {
        word.strip().casefold(): row.group
        for row in knowledge.tables["ancestry_groups"]
        for word in (row.group, *(row.synonyms or "").split(";"))
        if word.strip()
    }
    shares = {ancestry: 1.0} if isinstance(ancestry, str) else ancestry
    by_group: dict[str, float] = {}
    for word, share in shares.items():
        group = known.get(word.strip().casefold())
        if group is None:
            expected = "; ".join(row.group for row in knowledge.tables["ancestry_groups"])
            raise ValueError(f"ancestry {word!r}: no such group. Expected one of: {expected}. Leave it out if unknown.")
        if not (share >= 0 and np.isfinite(share)):
            raise ValueError(f"ancestry {word!r}: found a share of {share}, expected a number from 0")
        by_group[group] = by_group.get(group, 0.0) + share
    total = sum(by_group.values())
    if total <= 0:
        raise ValueError(f"ancestry: found shares that sum to {total:g}, expected more than 0")
    return {group: share / total for group, share in by_group.items() if share > 0}


def prior(knowledge: Knowledge, alleles: NamedAlleles, ancestry: Ancestry) -> Prior:
    """The frequencies of a gene's alleles for this ancestry.

    An allele without a row in a group, or with a row that says 0, has an equal part of that group's row `other`; a
    group without that row has the mean of the groups that have it. What isn't another allele is `*1`. A group with no
    figures for the gene stands for all groups that have some.

    >>> from azaward.knowledge import load
    >>> from azaward.genetics.haplotypes import named_alleles
    >>> tpmt = named_alleles(load(), "TPMT")
    >>> held = prior(load(), tpmt, "European")
    >>> float(held.weights @ held.frequency[:, tpmt.names.index("*3A")])
    0.034
    """
    stated: dict[str, dict[str, float]] = {}
    for row in knowledge.tables["allele_frequencies"]:
        if row.gene == alleles.gene and row.prior and row.group:
            stated.setdefault(row.group, {})[row.allele] = row.frequency
    others = [own[OTHER] for own in stated.values() if OTHER in own]
    described = sorted(group for group, own in stated.items() if set(own) - {OTHER})
    if not described or not others:
        raise KnowledgeError(f"allele_frequencies.csv: no group has frequencies of {alleles.gene} and of its {OTHER}")
    frequency = np.array(
        [_row(alleles, stated[group], float(np.mean(others)), group) for group in described], dtype=np.float64
    )
    shares = groups(knowledge, ancestry)
    unknown = [group for group in shares if group not in described]
    # Who is of a group without figures may be like any of the others.
    spread = sum(shares[group] for group in unknown) if shares else 1.0
    weights = np.array([shares.get(group, 0.0) + spread / len(described) for group in described])
    return Prior(
        groups=tuple(described),
        weights=weights,
        frequency=frequency,
        stated=np.array([max(own.get(name, 0.0) for own in stated.values()) for name in alleles.names]),
        notes=tuple(_notes(alleles.gene, described, unknown, known=bool(shares))),
    )


def _row(alleles: NamedAlleles, stated: Mapping[str, float], mean_of_others: float, group: str) -> list[float]:
    """One group's frequencies, in the order of the alleles."""
    unlisted = [name for name in alleles.names if name != REFERENCE_ALLELE and not stated.get(name)]
    each = stated.get(OTHER, mean_of_others) / max(len(unlisted), 1)
    row = [each if name in unlisted else stated.get(name, 0.0) for name in alleles.names]
    at = alleles.names.index(REFERENCE_ALLELE)
    row[at] = 1.0 - sum(row[:at]) - sum(row[at + 1 :])
    if row[at] <= 0:
        raise KnowledgeError(f"allele_frequencies.csv: {alleles.gene}, {group}: the alleles' frequencies exceed 1")
    return row


def _notes(gene: str, described: Iterable[str], unknown: Iterable[str], *, known: bool) -> Iterable[str]:
    if not known:
        yield f"Ancestry wasn't given: the probabilities assume equal shares of {', '.join(described)}."
    for group in unknown:
        shares = ", ".join(described)
        yield f"No allele frequencies of {gene} are known for {group}: equal shares of {shares} are assumed."
