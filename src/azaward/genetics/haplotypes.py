"""Which variants make each named allele of a gene, and what phenotype do two of them give? From alleles.csv,
gene_positions.csv and phenotype_rules.csv, laid out as arrays so that all alleles are compared with a person at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from azaward.errors import KnowledgeError
from azaward.genetics.dosing import INDETERMINATE, ORDER
from azaward.genetics.model import Site, sites
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.words import vocabulary

REFERENCE_ALLELE = "*1"
UNKNOWN = "Unknown function"
Variant = tuple[int, int]
"""A site's index and the code of the allele there."""


@dataclass(frozen=True, eq=False)
class NamedAlleles:
    """The named alleles of a gene: k alleles over s sites.

    - `carries`: int8 [k, s], the code that each allele has at each site, 0 where it is the reference's.
    - `functions`: what each does, in CPIC's words.
    """

    gene: str
    sites: tuple[Site, ...]
    names: tuple[str, ...]
    carries: NDArray[np.int8]
    functions: tuple[str, ...]

    @cached_property
    def variants(self) -> tuple[frozenset[Variant], ...]:
        """What each allele differs by from the reference."""
        return tuple(frozenset((int(at), int(row[at])) for at in np.flatnonzero(row)) for row in self.carries)


@lru_cache(maxsize=4096)
def order_of(name: str) -> tuple[int, int, str]:
    """Sorts `*3A` after `*2` and before `*10`, and haplotypes without a name last.

    >>> sorted(["*10", "[*2 + *3A]", "*3A", "*2"], key=order_of)
    ['*2', '*3A', '*10', '[*2 + *3A]']
    """
    number = re.match(r"\*(\d+)", name)
    return (0, int(number[1]), name) if number else (1, 0, name)


@lru_cache(maxsize=16)
def named_alleles(knowledge: Knowledge, gene: str) -> NamedAlleles:
    """The named alleles of a gene; `KnowledgeError` where an allele's variant is at no known site.

    >>> from azaward.knowledge import load
    >>> alleles = named_alleles(load(), "TPMT")
    >>> [alleles.sites[at].rsid for at, _ in sorted(alleles.variants[alleles.names.index("*3A")])]
    ['rs1142345', 'rs1800460']
    """
    columns = sites(knowledge, gene)
    at = {site.pos_grch38: index for index, site in enumerate(columns)}
    rows = [row for row in knowledge.tables["alleles"] if row.gene == gene]
    functions = {row.allele: row.function for row in rows}
    names = tuple(sorted(functions, key=order_of))
    if REFERENCE_ALLELE not in functions:
        raise KnowledgeError(f"alleles.csv: {gene} has no {REFERENCE_ALLELE}")
    carries = np.zeros((len(names), len(columns)), np.int8)
    for row in rows:
        if row.pos_grch38 is None:
            continue
        site = columns[at[row.pos_grch38]] if row.pos_grch38 in at else None
        if site is None or site.ref != row.ref or row.alt not in site.alts:
            variant = f"{row.chrom}:{row.pos_grch38} {row.ref}>{row.alt}"
            raise KnowledgeError(f"alleles.csv: {gene} {row.allele}: {variant} is not in gene_positions.csv")
        carries[names.index(row.allele), at[row.pos_grch38]] = site.alts.index(row.alt) + 1
    return NamedAlleles(gene, columns, names, carries, tuple(functions[name] for name in names))


@lru_cache(maxsize=4096)
def pair_phenotype(knowledge: Knowledge, gene: str, one: str, other: str) -> str:
    """The phenotype of two functions; what no rule speaks of can't be told.

    >>> from azaward.knowledge import load
    >>> pair_phenotype(load(), "TPMT", "No function", "Normal function")
    'Intermediate Metabolizer'
    >>> pair_phenotype(load(), "TPMT", "Normal function", "a word that no rule has")
    'Indeterminate'
    """
    return vocabulary.pair_phenotype(knowledge, gene, one, other) or INDETERMINATE


def more_cautious(phenotypes: Iterable[str]) -> str:
    """The one that asks for the most care."""
    return min(phenotypes, key=ORDER.index)
