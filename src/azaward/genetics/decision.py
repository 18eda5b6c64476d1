"""Which phenotype should a dose go by, when several fit what was seen? The more cautious one from a small probability
on, and normal only where little that matters can hide: docs/decisions/0009-genotype-posterior.md says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from azaward.genetics.ancestry import Prior
from azaward.genetics.dosing import INDETERMINATE, NORMAL, ORDER
from azaward.genetics.haplotypes import REFERENCE_ALLELE, NamedAlleles, order_of, pair_phenotype
from azaward.knowledge import Knowledge

CAUTIOUS = "genotype_cautious_probability"
SOUGHT = "genotype_sought_carriers"


@dataclass(frozen=True)
class Decision:
    """The phenotype to act on, and why it isn't simply the most probable one."""

    phenotype: str
    why: tuple[str, ...]


@dataclass(frozen=True)
class Limits:
    """When caution wins, from parameters.csv; `sought` are alleles that must not hide where normal is said."""

    cautious: float
    sought: frozenset[str]


def limits(knowledge: Knowledge, alleles: NamedAlleles, prior: Prior) -> Limits:
    """The limits of a gene.

    An allele is sought when it calls for a smaller dose beside `*1` and more than `genotype_sought_carriers` of the
    people of some group carry it.

    >>> from azaward.knowledge import load
    >>> from azaward.genetics.ancestry import prior
    >>> from azaward.genetics.haplotypes import named_alleles
    >>> tpmt = named_alleles(load(), "TPMT")
    >>> sorted(limits(load(), tpmt, prior(load(), tpmt, None)).sought)
    ['*2', '*3A', '*3B', '*3C']
    """
    normal = alleles.functions[alleles.names.index(REFERENCE_ALLELE)]
    carriers = 1 - (1 - prior.stated) ** 2
    often = np.flatnonzero(carriers > knowledge.parameters[SOUGHT].value)
    lower = ORDER.index(INDETERMINATE)
    return Limits(
        cautious=knowledge.parameters[CAUTIOUS].value,
        sought=frozenset(
            alleles.names[index]
            for index in often
            if ORDER.index(pair_phenotype(knowledge, alleles.gene, alleles.functions[index], normal)) < lower
        ),
    )


def decide(
    phenotypes: Sequence[tuple[str, float]], could_hide: Iterable[str], held: Limits, doubts: Sequence[str] = ()
) -> Decision:
    """The phenotype to act on, from those that fit with their probabilities, most probable first.

    Where the most probable one lowers the dose, a worse one is acted on as soon as it, or worse still, has the
    probability `cautious`. Where the most probable one is normal, Indeterminate is acted on instead as soon as anything
    but normal has that probability, an allele that is sought could hide, or `doubts` name what was seen and didn't
    pass: that nothing was seen is a reason to look again, not to treat as if something had been.

    >>> held = Limits(cautious=0.1, sought=frozenset({"*3A"}))
    >>> decide([("Intermediate Metabolizer", 0.97), ("Poor Metabolizer", 0.03)], [], held).phenotype
    'Intermediate Metabolizer'
    >>> decide([("Intermediate Metabolizer", 0.85), ("Poor Metabolizer", 0.15)], [], held).phenotype
    'Poor Metabolizer'
    >>> decide([("Normal Metabolizer", 0.99), ("Indeterminate", 0.01)], ["*3A"], held).phenotype
    'Indeterminate'
    """
    probability = dict(phenotypes)
    most_probable = phenotypes[0][0]
    if most_probable == NORMAL:
        why: list[str] = []
        if hidden := sorted(held.sought & set(could_hide), key=order_of):
            why.append(f"Not called normal: {', '.join(hidden)} can't be ruled out by what was seen.")
        if (other := sum(p for phenotype, p in phenotypes if phenotype != NORMAL)) >= held.cautious:
            why.append(f"Not called normal: the probability of another phenotype is {percent(other)}.")
        if doubts:
            why.append(f"Not called normal: {', '.join(doubts)} may be there.")
        return Decision(INDETERMINATE if why else NORMAL, tuple(why))
    reached = 0.0
    for phenotype in ORDER[: ORDER.index(most_probable)] if most_probable != INDETERMINATE else ():
        reached += probability.get(phenotype, 0.0)
        if probability.get(phenotype) and reached >= held.cautious:
            return Decision(
                phenotype,
                (
                    f"{most_probable} is more probable ({percent(probability[most_probable])}), but {phenotype} "
                    f"has {percent(reached)}, so the dose goes by it: it is the more cautious.",
                ),
            )
    return Decision(most_probable, ())


def percent(probability: float) -> str:
    """Two figures, and never a rounding to nought or all.

    >>> percent(0.0123), percent(0.00004), percent(0.99996), percent(1.0)
    ('1.2%', 'below 0.01%', 'above 99.99%', '100%')
    """
    if 0 < probability < 0.0001:
        return "below 0.01%"
    if 0.9999 < probability < 1:
        return "above 99.99%"
    digits = 2 if probability < 0.001 or probability > 0.999 else 1
    return f"{100 * probability:.{digits}f}".rstrip("0").rstrip(".") + "%"
