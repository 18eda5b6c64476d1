"""What would today's knowledge call a gene of an earlier report, going by what that report holds of it?

The probabilities stay as they were; what the alleles do is looked up anew. Where a report doesn't hold enough, that is
the answer: nothing is carried over that could have changed.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from azaward.genetics.ancestry import prior
from azaward.genetics.consequence import presumed_functions
from azaward.genetics.decision import decide, limits, percent
from azaward.genetics.dosing import INDETERMINATE, NORMAL, ORDER
from azaward.genetics.haplotypes import named_alleles, pair_phenotype
from azaward.genetics.nomenclature import read_report
from azaward.genetics.observed import DELETION, NO_FUNCTION, NORMAL_FUNCTION
from azaward.genetics.releases import ALLELE, changes, release_name
from azaward.knowledge import Knowledge
from azaward.reports.recall.earlier import Gene

_POOR = ORDER[0]
_REPORTED = "as the laboratory reports it: "
# Probabilities are written with six digits; less than this is rounding.
_ROUNDING = 1e-4
# What has to be done before today's phenotype is known.
ANEW, ASK = "call anew", "ask"


class Today(msgspec.Struct, frozen=True, kw_only=True):
    """What a gene is called today, and why; `needs` is what has to be done before that is certain.

    Without a `phenotype` nothing can be told; with both it holds as far as the report goes.
    """

    phenotype: str | None = None
    needs: str | None = None
    why: str = ""


class Rules:
    """One gene's alleles, classes and limits of today.

    >>> from azaward.knowledge import load
    >>> from azaward.reports.recall.earlier import Gene, Pair
    >>> earlier = Gene("Indeterminate", [Pair("*1/*16", 1.0, "Indeterminate")], positions=45, method="genotype")
    >>> today = Rules(load(), "TPMT").today(earlier, "")
    >>> today.phenotype, today.why
    ('Intermediate Metabolizer', 'TPMT *16: Uncertain function -> No function, 2026-02-03 (allele_changes.csv)')
    """

    def __init__(self, knowledge: Knowledge, gene: str) -> None:
        self._knowledge, self._gene = knowledge, gene
        self._release = release_name(knowledge)
        alleles = named_alleles(knowledge, gene)
        self._functions = {**dict(zip(alleles.names, alleles.functions, strict=True)), DELETION: NO_FUNCTION}
        self._limits = limits(knowledge, alleles, prior(knowledge, alleles, None))
        self._positions = len(alleles.sites)
        self._harmless = {term for term, left in presumed_functions(knowledge).items() if left == NORMAL_FUNCTION}
        named_since = [name for (of, name), row in changes(knowledge).items() if of == gene and row.before is None]
        self._named_since = {
            name: {
                (alleles.sites[at].pos_grch38, alleles.sites[at].base(code))
                for at, code in alleles.variants[alleles.names.index(name)]
            }
            for name in named_since
        }

    def today(self, earlier: Gene, release: str) -> Today:
        """What is called today of what an earlier report of this release holds."""
        if earlier.method == "report":
            return self._of_words(earlier)
        return self._lacking(earlier, release) or self._of_pairs(earlier)

    def phenotype(self, call: str) -> str | None:
        """Today's phenotype of a diplotype; None where an allele of it is no longer named."""
        functions = [self._functions.get(allele) for allele in call.split("/")]
        if len(functions) != 2 or None in functions:
            return None
        return pair_phenotype(self._knowledge, self._gene, str(functions[0]), str(functions[1]))

    def why(self, calls: Iterable[str]) -> str:
        """The rows that changed the class of an allele in these diplotypes."""
        held = changes(self._knowledge)
        alleles = dict.fromkeys(allele for call in calls for allele in ALLELE.findall(call))
        rows = [held[self._gene, allele] for allele in alleles if (self._gene, allele) in held]
        said = [
            f"{row.gene} {row.allele}: {row.before or 'not named'} -> {row.after}, {row.changed_on or 'day not known'}"
            for row in rows
        ]
        return f"{'; '.join(said)} (allele_changes.csv)" if said else "alleles.csv, phenotype_rules.csv"

    def _lacking(self, earlier: Gene, release: str) -> Today | None:
        """What an earlier call lacks, so that nothing can be worked out from it."""
        if (lacks := _lacks(earlier)) or earlier.positions is None:
            return Today(needs=ASK, why=f"the report holds {lacks}: ask for the file again")
        if earlier.positions < self._positions:
            why = f"positions were added since: {earlier.positions} were looked at, today {self._positions}"
            return Today(needs=ANEW, why=why)
        if earlier.positions > self._positions:
            why = f"{earlier.positions} positions were looked at, this version knows {self._positions}: use a newer one"
            return Today(needs=ANEW, why=why)
        unnamed = [pair.call for pair in earlier.diplotypes if "[" in pair.call]
        harmless = {one.name for one in earlier.changes if one.consequence in self._harmless}
        if told := next(iter((*unnamed, *(name for name in earlier.undocumented if name not in harmless))), None):
            return Today(needs=ASK, why=f"no named allele matched {told}: ask for the file again")
        if gone := [pair.call for pair in earlier.diplotypes if self.phenotype(pair.call) is None]:
            return Today(needs=ANEW, why=f"{gone[0]}: an allele of it is no longer named")
        if release != self._release and (since := self._newly_named(earlier)):
            return Today(needs=ANEW, why=f"{since} was named since, and what was seen may be it")
        return None

    def _newly_named(self, earlier: Gene) -> str | None:
        seen = {
            (position.pos_grch38, base)
            for position in earlier.evidence
            for base in position.alleles.replace("|", "/").split("/")
        }
        known = {allele for pair in earlier.diplotypes for allele in pair.call.split("/")}
        for name, variants in self._named_since.items():
            # What wasn't seen at a position may be the rest of an allele of which a part was seen.
            there = [variant for variant in variants if variant in seen]
            hidden = [(position, base) for position, base in variants if (position, ".") in seen]
            if name not in known and there and {*there, *hidden} == variants:
                return name
        return None

    def _of_pairs(self, earlier: Gene) -> Today:
        now = [self.phenotype(pair.call) or INDETERMINATE for pair in earlier.diplotypes]
        listed = [(phenotype, pair.probability or 0.0) for phenotype, pair in zip(now, earlier.diplotypes, strict=True)]
        rest = _unlisted(earlier)
        decided = self._decided(earlier, [*listed, *rest.items()])
        # What the pairs that the report doesn't list are called today isn't known: at worst, poor.
        if rest and decided != self._decided(earlier, [*listed, (_POOR, sum(rest.values()))]):
            share = percent(sum(rest.values()))
            return Today(needs=ANEW, why=f"pairs that make up {share} of the probability are not in the report")
        if decided == earlier.phenotype:
            return Today(phenotype=decided)
        changed = [
            pair.call for phenotype, pair in zip(now, earlier.diplotypes, strict=True) if phenotype != pair.phenotype
        ]
        if decided == NORMAL and not changed:
            # No allele changed its class, so something else of the file kept the gene from being called normal.
            return Today(needs=ANEW, why="the report doesn't hold all that kept it from being called normal")
        why = self.why(changed) if changed else "which phenotype is acted on (parameters.csv)"
        return Today(phenotype=decided, why=why)

    def _decided(self, earlier: Gene, shares: Iterable[tuple[str, float]]) -> str:
        hidden = (one.allele for one in earlier.could_hide)
        doubts = [one.name for one in earlier.changes if one.doubt and one.consequence not in self._harmless]
        return decide(_summed(shares), hidden, self._limits, doubts).phenotype

    def _of_words(self, earlier: Gene) -> Today:
        calls = [pair.call for pair in earlier.diplotypes]
        if not calls:
            used = any(note.startswith(_REPORTED) for note in earlier.notes)
            why = (
                "the laboratory named a phenotype and no alleles: ask which alleles it looked for"
                if used
                else "the laboratory's words could not be used: ask for this patient's own final result"
            )
            return Today(phenotype=earlier.phenotype, needs=ASK, why=why)
        now = [self.phenotype(call) for call in calls]
        if None in now:
            return Today(needs=ASK, why=f"{calls[now.index(None)]}: an allele of it is not named: ask the laboratory")
        text = next((note.removeprefix(_REPORTED) for note in earlier.notes if note.startswith(_REPORTED)), "")
        said = read_report(f"{self._gene} {text}", self._knowledge).genes.get(self._gene) if text else None
        again = said is not None and list(said.diplotypes) == calls
        phenotype = said.phenotype if said and again else min((str(one) for one in now), key=ORDER.index)
        return Today(phenotype=phenotype, why="" if phenotype == earlier.phenotype else self.why(calls))


def _unlisted(earlier: Gene) -> dict[str, float]:
    """The phenotypes of the pairs that a report counts and doesn't list, as they were called then."""
    rest = {share.phenotype: share.probability for share in earlier.phenotypes}
    if not rest:
        rest = {INDETERMINATE: max(1.0 - sum(pair.probability or 0.0 for pair in earlier.diplotypes), 0.0)}
    else:
        for pair in earlier.diplotypes:
            if pair.phenotype in rest:
                rest[pair.phenotype] -= pair.probability or 0.0
    return {phenotype: share for phenotype, share in rest.items() if share > _ROUNDING}


def _lacks(earlier: Gene) -> str:
    if not earlier.diplotypes:
        return "no pair of alleles"
    if any(pair.probability is None for pair in earlier.diplotypes):
        return "no probabilities"
    return "no number of positions" if earlier.positions is None else ""


def _summed(shares: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Each phenotype once, the most probable first."""
    total: dict[str, float] = {}
    for phenotype, share in shares:
        total[phenotype] = total.get(phenotype, 0.0) + share
    return sorted(total.items(), key=lambda item: (-item[1], item[0]))
