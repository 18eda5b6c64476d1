"""Which variant of a gene does a name mean, and which alleles carry it?

Names are those of gene_positions.csv: rs numbers, changes of the coding sequence, of the chromosome and of the protein,
with or without "c." and "p.". A variant is its position on GRCh38 and its changed bases, on the forward strand.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from azaward.genetics.ancestry import prior
from azaward.genetics.decision import limits
from azaward.genetics.dosing import GENES
from azaward.genetics.haplotypes import named_alleles, order_of
from azaward.knowledge import Knowledge

Variant = tuple[int, str]
# The codon whose change makes NUDT15 *3 (Cys) and *4 (His): what Japanese laboratories report by amino acids alone.
_CODON_139 = {"Arg": None, "Cys": "R139C", "His": "R139H"}
_OPPOSITE = str.maketrans("ACGT", "TGCA")
_AMINO = {
    "Ala": "A", "Arg": "R", "Asn": "N", "Asp": "D", "Cys": "C", "Gln": "Q", "Glu": "E", "Gly": "G", "His": "H",
    "Ile": "I", "Leu": "L", "Lys": "K", "Met": "M", "Phe": "F", "Pro": "P", "Ser": "S", "Thr": "T", "Trp": "W",
    "Tyr": "Y", "Val": "V", "Ter": "X",
}  # fmt: skip


@dataclass(frozen=True)
class Named:
    """A variant as a report names it; `coding` holds the two bases where the name gives them on the coding strand."""

    variant: Variant
    coding: tuple[str, str] | None
    forward: tuple[str, str]
    by_number: bool


class Variants:
    """The variants and alleles of one gene."""

    def __init__(self, knowledge: Knowledge, gene: str) -> None:
        self.gene = gene
        self._rows = [row for row in knowledge.tables["gene_positions"] if row.gene == gene]
        self.alleles = _alleles(knowledge)[gene]
        own = named_alleles(knowledge, gene)
        self._sought = limits(knowledge, own, prior(knowledge, own, None)).sought
        self._usual = {
            (row.gene, row.allele) for row in knowledge.tables["allele_frequencies"] if row.prior and row.frequency
        }

    def named(self, text: str, build: str | None = None) -> Named | None:
        """The one variant that a name means; None where none or several are meant.

        `build` is the assembly of a position on the chromosome, where the sequence before it tells.

        >>> from azaward.knowledge import load
        >>> Variants(load(), "NUDT15").named("p.(Arg139Cys)").variant
        (48045719, 'T')
        """
        name = _plain(text)
        rows = [row for row in self._rows if self._is_called(row, name, build)]
        if not rows and (old := re.fullmatch(r"([ACGT])(\d+)([ACGT])", name)):
            rows = [row for row in self._rows if row.hgvs_c == f"c.{old[2]}{old[1]}>{old[3]}"]
        if len(rows) > 1:
            usual = [row for row in rows if self._is_usual((row.pos_grch38, row.alt))]
            rows = usual if len(usual) == 1 else []
        return self._as_named(rows[0], name) if len(rows) == 1 else None

    def knows(self, text: str) -> bool:
        """Whether a name is one of this gene's alleles or variants."""
        return text.replace(" ", "").upper() in self.alleles or self.named(text) is not None

    def _is_called(self, row: Any, name: str, build: str | None) -> bool:
        if name.startswith("g."):
            changed = row.hgvs_g.partition(":")[2]
            on_37 = changed.replace(str(row.pos_grch38), str(row.pos_grch37))
            places = {"GRCh38": (changed,), "GRCh37": (on_37,)}.get(build or "", (changed, on_37))
            return name in places
        return name in (row.rsid, row.hgvs_c, row.protein, *(row.rsid_synonyms or "").split(";"))

    def _is_usual(self, variant: Variant) -> bool:
        """Whether an allele that has this variant alone is one whose frequency is known."""
        alone = [name for name, own in self.alleles.items() if own == frozenset((variant,))]
        return any((self.gene, name) in self._usual for name in alone)

    def _as_named(self, row: Any, name: str) -> Named:
        change = re.fullmatch(r"c\.[\d+-]+([ACGT])>([ACGT])", row.hgvs_c)
        coding = (change[1], change[2]) if change else None
        return Named((row.pos_grch38, row.alt), coding, (row.ref, row.alt), name.startswith("rs"))

    def codon_139(self, text: str) -> dict[Variant, int] | None:
        """How often each change of NUDT15's codon 139 is there, from two amino acids: "Arg/Cys"."""
        acids = re.findall(r"[A-Z][a-z]{2}", text)
        if self.gene != "NUDT15" or any(acid not in _CODON_139 for acid in acids):
            return None
        changes = [_CODON_139[acid] for acid in acids]
        names = {change: self.named(change) for change in _CODON_139.values() if change}
        return {name.variant: changes.count(change) for change, name in names.items() if name}

    def pairs(self, copies: Mapping[Variant, int]) -> tuple[str, ...]:
        """The pairs of alleles, made of these variants, that hold each as often as it was found.

        >>> from azaward.knowledge import load
        >>> Variants(load(), "TPMT").pairs({(18138997, "T"): 1, (18130687, "C"): 1})
        ('*1/*3A', '*3B/*3C')
        """
        made = {allele: own for allele, own in self.alleles.items() if own <= set(copies)}
        return tuple(
            f"{one}/{other}"
            for one, other in itertools.combinations_with_replacement(made, 2)
            if all((name in made[one]) + (name in made[other]) == count for name, count in copies.items())
        )

    def unlooked(self, stars: Iterable[str] = (), changes: Iterable[Variant] = ()) -> tuple[str, ...]:
        """The common alleles that lower the dose and could hide where these alleles and variants weren't found.

        An allele of one variant that wasn't found rules out the others that have it. Who tells *3A from *3C looks at
        both variants of *3A, so that *3B can't hide either.

        >>> from azaward.knowledge import load
        >>> Variants(load(), "TPMT").unlooked(stars=["*2", "*3A", "*3C"])
        ()
        >>> Variants(load(), "TPMT").unlooked(changes=[(18143724, "G")])
        ('*3A', '*3B', '*3C')
        """
        named = set(stars)
        sets = [self.alleles[name] for name in named if name in self.alleles]
        seen = frozenset(changes).union(*(own for own in sets if len(own) == 1))
        told = {one ^ other for one, other in itertools.combinations(sets, 2)}
        return tuple(
            name
            for name in sorted(self._sought, key=order_of)
            if name not in named and not self.alleles[name] & seen and self.alleles[name] not in told
        )

    def copies(self, pair: str) -> dict[Variant, int]:
        """How often a pair of alleles has each variant."""
        one, other = (self.alleles[name] for name in pair.split("/"))
        return {name: (name in one) + (name in other) for name in one | other}

    def allele(self, changes: Iterable[str]) -> str | None:
        """The allele that has exactly these changes; `*1` for none."""
        named = [self.named(change if change.startswith("c.") else f"c.{change}") for change in changes]
        if any(name is None for name in named):
            return None
        wanted = frozenset(name.variant for name in named if name)
        return next((allele for allele, own in self.alleles.items() if own == wanted), None)

    def ordered(self, names: Sequence[str]) -> str:
        """Two alleles as a pair, in the order of the knowledge base."""
        return "/".join(sorted(names, key=list(self.alleles).index))


def readings(named: Named, bases: str, strand: str | None = None) -> tuple[int, ...]:
    """How often a variant may be there, from the two bases that a report gives beside its name.

    Beside a change of the coding sequence the bases are of its strand. Beside an rs number they may be of either, so
    that C/C at a change from C to G has two readings unless the report names the `strand`: "forward strand", "reverse
    strand" or "coding strand". Nothing, where the bases fit no strand.

    >>> readings(Named((1, "T"), ("G", "A"), ("C", "T"), True), "C/T")
    (1,)
    >>> readings(Named((1, "G"), ("G", "C"), ("C", "G"), True), "CC")
    (0, 2)
    """
    two = re.sub(r"[^ACGT]", "", bases)
    either = {"forward strand": named.forward, "reverse strand": _other(named.forward)}
    if named.coding and (not named.by_number or strand == "coding strand"):
        strands = [named.coding]
    else:
        strands = [pair for name, pair in either.items() if strand in (None, "coding strand", name)]
    found = {two.count(alt) for ref, alt in strands if set(two) <= {ref, alt}}
    return tuple(sorted(found))


def _other(pair: tuple[str, str]) -> tuple[str, str]:
    ref, alt = (each.translate(_OPPOSITE)[::-1] for each in pair)
    return ref, alt


def _plain(text: str) -> str:
    """A name without spaces and brackets, with one-letter amino acids and with "c." where it has no prefix."""
    name = re.sub(r"[\s()]", "", text).removeprefix("p.")
    if re.match(r"\d|[-*]\d", name):
        name = f"c.{name}"
    if long := re.fullmatch(r"([A-Z][a-z]{2})(\d+)([A-Z][a-z]{2})", name):
        return f"{_AMINO.get(long[1], '?')}{long[2]}{_AMINO.get(long[3], '?')}"
    return re.sub(r"(del|dup)[ACGT]+$", r"\1", name)


@lru_cache(maxsize=2)
def _alleles(knowledge: Knowledge) -> Mapping[str, Mapping[str, frozenset[Variant]]]:
    """The variants, position and changed base, of each allele of each gene."""
    made: dict[str, dict[str, set[Variant]]] = {gene: {} for gene in GENES}
    for row in knowledge.tables["alleles"]:
        own = made[row.gene].setdefault(row.allele, set())
        if row.pos_grch38 is not None and row.alt is not None:
            own.add((row.pos_grch38, row.alt))
    return {gene: {name: frozenset(own) for name, own in alleles.items()} for gene, alleles in made.items()}


@lru_cache(maxsize=8)
def variants_of(knowledge: Knowledge, gene: str) -> Variants:
    """The variants of a gene, made once."""
    return Variants(knowledge, gene)
