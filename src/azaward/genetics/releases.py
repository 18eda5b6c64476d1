"""Which release do the alleles' classes come from, and which of them did an earlier release class otherwise?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.schema.genetics import AlleleChange

# A star allele, alone or as part of a haplotype that nobody has named.
ALLELE = re.compile(r"\*\d+[A-Z]?(?![\w.])")
Changes = Mapping[tuple[str, str], AlleleChange]


@lru_cache(maxsize=4)
def release(knowledge: Knowledge) -> str:
    """The id of the newest source of `alleles.csv`.

    >>> from azaward.knowledge import load
    >>> release(load())
    'clinpgx-alleles-2026-05-05'
    """
    cited = {row.source for row in knowledge.tables["alleles"]}
    return max(cited, key=lambda source: str(knowledge.sources[source].published_on))


def release_name(knowledge: Knowledge) -> str:
    """The release as people name it: who made it, and its day.

    >>> from azaward.knowledge import load
    >>> release_name(load())
    'ClinPGx 2026-05-05'
    """
    source = knowledge.sources[release(knowledge)]
    return f"{source.publisher.partition(' / ')[0]} {source.published_on}"


@lru_cache(maxsize=4)
def changes(knowledge: Knowledge) -> Changes:
    """What an earlier release said, by gene and allele; the newest change of each.

    >>> from azaward.knowledge import load
    >>> changes(load())["TPMT", "*16"].before
    'Uncertain function'
    """
    dated = sorted(knowledge.tables["allele_changes"], key=lambda row: str(row.changed_on or ""))
    return {(row.gene, row.allele): row for row in dated}


def reclassified(knowledge: Knowledge, gene: str, calls: Iterable[str]) -> list[str]:
    """What to say of the alleles in these diplotypes that an earlier release classes otherwise.

    >>> from azaward.knowledge import load
    >>> reclassified(load(), "TPMT", ["*1/*16"])
    ['TPMT *16: classed Uncertain function until February 2026; an earlier report may say otherwise.']
    >>> reclassified(load(), "TPMT", ["*1/*3A"])
    []
    """
    return list(dict.fromkeys(line for call in calls for line in _of_call(knowledge, gene, call)))


@lru_cache(maxsize=4096)
def _of_call(knowledge: Knowledge, gene: str, call: str) -> tuple[str, ...]:
    held = changes(knowledge)
    alleles = dict.fromkeys(ALLELE.findall(call))
    return tuple(_said(knowledge, held[gene, allele]) for allele in alleles if (gene, allele) in held)


def _said(knowledge: Knowledge, row: AlleleChange) -> str:
    earlier = knowledge.sources[row.source].published_on
    if row.before is None:
        what = f"not named in the release of {earlier}"
    elif row.changed_on is None:
        what = f"classed {row.before} in the release of {earlier}"
    else:
        what = f"classed {row.before} until {row.changed_on:%B %Y}"
    return f"{row.gene} {row.allele}: {what}; an earlier report may say otherwise."
