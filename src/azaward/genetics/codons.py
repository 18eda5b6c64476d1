"""Bases that stand in one codon of one copy are read together: two changes that leave the protein as it is each alone
may change it together, and a stop may become another amino acid.

Which changes share a copy is known only of a haplotype, so each haplotype is read by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from azaward.genetics.consequence import Effect, Transcript
from azaward.genetics.haplotypes import Variant
from azaward.genetics.model import Site, Unnamed
from azaward.genetics.observed import NORMAL_FUNCTION, Extra

_ALIKE = "synonymous_variant"
# What is named without a protein, as near a splice site, does something else.
_BASE = re.compile(r"c\.(\d+)[ACGT]>([ACGT]) p\.")


class Base(NamedTuple):
    """A base that stands in the coding sequence instead of the reference's, at a place counted from 1."""

    place: int
    base: str

    @property
    def codon(self) -> int:
        """The codon that it stands in, counted from 0."""
        return (self.place - 1) // 3


def base_of(name: str) -> Base | None:
    """The base that a change puts into the coding sequence, by its HGVS name; None for any other change.

    >>> base_of("c.454A>T p.Arg152Ter"), base_of("c.367-1G>A")
    (Base(place=454, base='T'), None)
    """
    found = _BASE.match(name)
    return Base(int(found[1]), found[2]) if found else None


@dataclass(frozen=True, eq=False)
class Codons:
    """The codons of a gene: `named` are the bases that variants of named alleles put there, with what each does, and
    `presumed` the function that each consequence is presumed to leave."""

    gene: Transcript
    presumed: Mapping[str, str | None]
    named: Mapping[Variant, tuple[Base, Effect]]

    @classmethod
    def of(cls, gene: Transcript, sites: Sequence[Site], presumed: Mapping[str, str | None]) -> Codons:
        """The codons of a gene with these sites."""
        named: dict[Variant, tuple[Base, Effect]] = {}
        for at, site in enumerate(sites):
            for code, alt in enumerate(site.alts, start=1):
                start = site.pos_grch38 - 1
                effect = gene.effect(start, start + 1, alt) if len(site.ref) == len(alt) == 1 else None
                if effect and (base := base_of(effect.name)):
                    named[at, code] = base, effect
        return cls(gene, presumed, named)

    def shared(self, unnamed: Sequence[Unnamed]) -> set[Unnamed]:
        """The changes without a name in whose codon another of them stands, or a named allele has a variant."""
        own = _bases(unnamed)
        every = [*own.values(), *(base for base, _ in self.named.values())]
        return {each for each, base in own.items() if _beside(base, every)}

    def read(self, variants: Iterable[Variant], extras: Sequence[Extra]) -> list[Extra]:
        """What one copy with these named variants has beside them, with the changes of one codon told together; what
        leaves the protein as it is, or as the named variant alone makes it, is left out."""
        bases = {base: each for each in extras if (base := base_of(each.name))}
        named = [self.named[one][0] for one in variants if one in self.named] if bases else []
        read: dict[Extra, Extra | None] = {}
        for codon in dict.fromkeys(base.codon for base in bases):
            own, beside = ([base for base in of if base.codon == codon] for of in (bases, named))
            if len(own) + len(beside) > 1:
                joint = self._together(own, beside)
                first, *rest = (bases[base] for base in own)
                read |= dict.fromkeys(rest)
                read[first] = first._replace(name=joint.name, presumed=self.presumed.get(joint.term))
        told = (read.get(each, each) for each in extras)
        return [each for each in told if each is not None and each.presumed != NORMAL_FUNCTION]

    def _together(self, own: Sequence[Base], named: Sequence[Base]) -> Effect:
        """What bases of one codon of one copy do together, beside what the named ones do alone."""
        joint = self.gene.together(sorted({base.place: base for base in (*own, *named)}.values()))
        alike = bool(named) and self.gene.together(sorted(named)).protein == joint.protein
        return joint._replace(term=_ALIKE) if alike else joint

    def told(self, unnamed: Sequence[Unnamed], named: Sequence[Unnamed]) -> tuple[Unnamed, ...]:
        """The changes without a name of one person, as the two copies have them; `named` are the single bases of named
        alleles that the person has, told in the same way.

        A change that is only read together with another isn't told alone. Where it isn't known whether they lie on one
        copy, both are told, and what they would do together with no side.
        """
        own, others = _bases(unnamed), _bases(named)
        shared = {each for each, base in own.items() if _beside(base, (*own.values(), *others.values()))}
        found = [each for each in unnamed if each not in shared]
        for codon in dict.fromkeys(own[each].codon for each in unnamed if each in shared):
            members = [each for of in (own, others) for each, base in of.items() if base.codon == codon]
            found += self._as_copies_have(members, own, others)
        return tuple(found)

    def _as_copies_have(
        self, members: Sequence[Unnamed], own: Mapping[Unnamed, Base], named: Mapping[Unnamed, Base]
    ) -> Iterator[Unnamed]:
        """The changes of one codon: each as often as it stands alone at the most, then what they do together."""
        ways = [tuple(self._of_copy(copy, own, named) for copy in way) for way in _ways(members)]
        found = dict.fromkeys(each for way in ways for copy in way for each in copy)
        low, high = min(each.start for each in members), max(each.end for each in members)
        told = [*(each for each in members if each in found), *(each for each in found if isinstance(each, Effect))]
        for each in told:
            sides = [(each in first, each in second) for first, second in ways]
            first, second = max(sides, key=sum)
            if isinstance(each, Unnamed):
                yield each if first + second == each.copies else each._replace(first=first, second=second)
            else:
                sure = all(any(both) for both in sides)
                phase = max(member.phase for member in members)
                yield Unnamed(low, high, each.term, each.name, first and sure, second and sure, phase)

    def _of_copy(
        self, copy: Sequence[Unnamed], own: Mapping[Unnamed, Base], named: Mapping[Unnamed, Base]
    ) -> list[Unnamed | Effect]:
        """What is told of the changes of one codon of one copy."""
        here, beside = [each for each in copy if each in own], [named[each] for each in copy if each in named]
        if not here or len(copy) == 1:
            return [*here]
        joint = self._together([own[each] for each in here], beside)
        return [*here] if beside and {joint.term, *(each.term for each in here)} == {_ALIKE} else [joint]


def _beside(base: Base, others: Iterable[Base]) -> bool:
    return any(other.codon == base.codon and other.place != base.place for other in others)


def _bases(changes: Sequence[Unnamed]) -> dict[Unnamed, Base]:
    return {each: base for each in changes if each.doubt is None and (base := base_of(each.name))}


def _ways(members: Sequence[Unnamed]) -> Iterator[tuple[list[Unnamed], list[Unnamed]]]:
    """The ways in which changes may lie on two copies."""
    # Those of one phase set turn together; one without a phase set by itself, and one on both copies not at all.
    sets = list(dict.fromkeys(each.phase or -1 - at for at, each in enumerate(members) if each.copies == 1))
    for turns in product((False, True), repeat=max(len(sets) - 1, 0)):
        turned = dict(zip(sets, (False, *turns), strict=False))
        sides: tuple[list[Unnamed], list[Unnamed]] = ([], [])
        for at, each in enumerate(members):
            turn = turned.get(each.phase or -1 - at, False)
            for side, there in enumerate((each.second, each.first) if turn else (each.first, each.second)):
                if there:
                    sides[side].append(each)
        yield sides
