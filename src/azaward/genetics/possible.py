"""What may a person be whose alleles are of unknown function, and what does each body make of the same alleles?

An allele whose function nobody knows may work normally or not at all: both are followed through. So is a haplotype that
nobody has named, `[*2 + rs1142345 T>A]`: it works no better than the worst of its parts. DPWG classes
some alleles otherwise than CPIC (allele_classes.csv): its advice is then looked up under its own phenotype.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from azaward.genetics.dosing import ORDER
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.words.vocabulary import pair_phenotype

_NORMAL, _NONE = "Normal function", "No function"
# From the weakest on.
_KNOWN = (_NONE, "Decreased function", _NORMAL)
_UNKNOWN = (_NONE, _NORMAL)
ANY = ("Poor Metabolizer", "Intermediate Metabolizer", "Normal Metabolizer")


def possible_phenotypes(knowledge: Knowledge, gene: str, calls: Iterable[str]) -> tuple[str, ...]:
    """The phenotypes that these diplotypes may mean, weakest enzyme first; any, where a diplotype can't be read.

    >>> from azaward.knowledge import load
    >>> possible_phenotypes(load(), "TPMT", ["*1/*9"])
    ('Intermediate Metabolizer', 'Normal Metabolizer')
    >>> possible_phenotypes(load(), "TPMT", [])
    ('Poor Metabolizer', 'Intermediate Metabolizer', 'Normal Metabolizer')
    >>> possible_phenotypes(load(), "TPMT", ["*1/[*2 + rs1142345 T>A]"])
    ('Intermediate Metabolizer',)
    """
    functions = _functions(knowledge, gene)
    phenotypes: set[str] = set()
    for call in calls:
        pair = [_may_be(haplotype.strip(), functions) for haplotype in call.split("/")]
        if len(pair) != 2 or () in pair:
            return ANY
        for one, other in itertools.product(*pair):
            if phenotype := pair_phenotype(knowledge, gene, one, other):
                phenotypes.add(phenotype)
    return tuple(sorted(phenotypes, key=ORDER.index)) or ANY


def _may_be(haplotype: str, functions: Mapping[str, str]) -> tuple[str, ...]:
    """The functions that a haplotype may have, weakest first; none where it can't be read."""
    held = {_NORMAL}
    for part in _parts(haplotype):
        function = functions.get(part)
        if function is None and (part.startswith("*") or part == haplotype):
            return ()
        # A change that no allele has by itself may do nothing or end the enzyme's work.
        own = (function,) if function in _KNOWN else _UNKNOWN
        held = {min(one, other, key=_KNOWN.index) for one in held for other in own}
    return tuple(sorted(held, key=_KNOWN.index))


def _parts(haplotype: str) -> list[str]:
    """The alleles and changes that a haplotype without a name is made of; of a named one, itself."""
    unnamed = haplotype.startswith("[") and haplotype.endswith("]")
    return haplotype[1:-1].split(" + ") if unnamed else [haplotype]


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
    pair = [_certain(haplotype.strip(), functions) for haplotype in call.split("/")]
    if len(pair) != 2 or None in pair or not own:
        return phenotype
    theirs = pair_phenotype(knowledge, gene, str(pair[0]), str(pair[1]))
    known = [candidate for candidate in (theirs, phenotype) if candidate in ORDER]
    return min(known, key=ORDER.index, default=phenotype)


def _certain(haplotype: str, functions: Mapping[str, str]) -> str | None:
    """The function of a haplotype; of one without a name, only where a part of it leaves no doubt."""
    if haplotype in functions:
        return functions[haplotype]
    return _NONE if _may_be(haplotype, functions) == (_NONE,) else None


def _functions(knowledge: Knowledge, gene: str) -> Mapping[str, str]:
    return {row.allele: row.function for row in knowledge.tables["alleles"] if row.gene == gene}
