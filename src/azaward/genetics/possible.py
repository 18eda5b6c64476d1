"""What may a person be whose alleles are of unknown function, and what does each body make of the same alleles?

An allele whose function nobody knows may work normally or not at all: both are followed through. DPWG classes
some alleles otherwise than CPIC (allele_classes.csv): its advice is then looked up under its own phenotype.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from azaward.genetics.dosing import ORDER
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.words.vocabulary import pair_phenotype

_NORMAL, _NONE = "Normal function", "No function"
_KNOWN = (_NORMAL, "Decreased function", _NONE)
ANY = ("Poor Metabolizer", "Intermediate Metabolizer", "Normal Metabolizer")


def possible_phenotypes(knowledge: Knowledge, gene: str, calls: Iterable[str]) -> tuple[str, ...]:
    """The phenotypes that these diplotypes may mean, weakest enzyme first; any, where a diplotype can't be read.

    >>> from azaward.knowledge import load
    >>> possible_phenotypes(load(), "TPMT", ["*1/*9"])
    ('Intermediate Metabolizer', 'Normal Metabolizer')
    >>> possible_phenotypes(load(), "TPMT", [])
    ('Poor Metabolizer', 'Intermediate Metabolizer', 'Normal Metabolizer')
    """
    functions = _functions(knowledge, gene)
    phenotypes: set[str] = set()
    for call in calls:
        pair = [functions.get(allele.strip()) for allele in call.split("/")]
        if len(pair) != 2 or None in pair:
            return ANY
        for one, other in itertools.product(*(_may_be(str(word)) for word in pair)):
            if phenotype := pair_phenotype(knowledge, gene, one, other):
                phenotypes.add(phenotype)
    return tuple(sorted(phenotypes, key=ORDER.index)) or ANY


def _may_be(function: str) -> tuple[str, ...]:
    return (function,) if function in _KNOWN else (_NONE, _NORMAL)


def phenotype_of_body(knowledge: Knowledge, body: str, gene: str, call: str, phenotype: str | None) -> str | None:
    """The phenotype that a body's own classes of these alleles give, where it is more cautious than `phenotype`.

    >>> from azaward.knowledge import load
    >>> phenotype_of_body(load(), "DPWG", "TPMT", "*1/*9", "Indeterminate")
    'Intermediate Metabolizer'
    """
    own = {
        row.allele: row.function
        for row in knowledge.tables["allele_classes"]
        if row.body == body and row.gene == gene and row.function
    }
    functions = {**_functions(knowledge, gene), **own}
    pair = [functions.get(allele.strip()) for allele in call.split("/")]
    if len(pair) != 2 or None in pair or not own:
        return phenotype
    theirs = pair_phenotype(knowledge, gene, str(pair[0]), str(pair[1]))
    known = [candidate for candidate in (theirs, phenotype) if candidate in ORDER]
    return min(known, key=ORDER.index, default=phenotype)


def _functions(knowledge: Knowledge, gene: str) -> Mapping[str, str]:
    return {row.allele: row.function for row in knowledge.tables["alleles"] if row.gene == gene}
