"""What does a change of the DNA do to the protein of TPMT or NUDT15? Told in the terms of the Sequence Ontology, from
the coding sequence in gene_sequences.csv and the exons in gene_exons.csv, both on GRCh38.

A change matters here if it touches coding bases or the two bases of an intron beside a splice site; of everything else
nothing is said. What each consequence is presumed to do to the enzyme is said by consequences.csv.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from azaward.errors import KnowledgeError
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.schema.genetics import Consequence

SPLICE = 2
"""Bases of an intron beside an exon that a splice site can't do without."""
_BASES = "TCAG"
_AMINO = dict(
    zip(
        (one + two + three for one in _BASES for two in _BASES for three in _BASES),
        "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        strict=True,
    )
)
_LONG = {
    "A": "Ala", "R": "Arg", "N": "Asn", "D": "Asp", "C": "Cys", "Q": "Gln", "E": "Glu", "G": "Gly", "H": "His",
    "I": "Ile", "L": "Leu", "K": "Lys", "M": "Met", "F": "Phe", "P": "Pro", "S": "Ser", "T": "Thr", "W": "Trp",
    "Y": "Tyr", "V": "Val", "*": "Ter", "X": "Xaa",
}  # fmt: skip
_COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
_NEAR = 60


class Effect(NamedTuple):
    """What a change does: the Sequence Ontology's term, and the HGVS names of the change of the DNA and the protein."""

    term: str
    coding: str
    protein: str | None = None

    @property
    def name(self) -> str:
        """Such as `c.454A>T p.Arg152Ter`."""
        return f"{self.coding} {self.protein}" if self.protein else self.coding


@lru_cache(maxsize=64)
def translate(coding: str) -> str:
    """One letter for each codon, `*` for a stop and `X` where a base isn't known.

    >>> translate("ATGGATTAA")
    'MD*'
    """
    return "".join(_AMINO.get(coding[at : at + 3], "X") for at in range(0, len(coding) - len(coding) % 3, 3))


class _Exon(NamedTuple):
    """The coding part of an exon: bases start to end (0-based, end excluded), and its first base in the coding
    sequence, from 0."""

    start: int
    end: int
    coding: int


@dataclass(frozen=True, eq=False)
class Transcript:
    """A gene's exons in the order of the chromosome, and the bases of the forward strand around each."""

    gene: str
    minus: bool
    transcribed: tuple[int, int]
    """The first base that is transcribed, in the order of the chromosome, and one past the last."""
    exons: tuple[_Exon, ...]
    around: tuple[tuple[int, str], ...]

    @cached_property
    def coding(self) -> str:
        """The coding sequence, from the start codon to the stop codon."""
        bases = "".join(self._bases(exon.start, exon.end) for exon in self.exons)
        return self._read(bases)

    @property
    def span(self) -> tuple[int, int]:
        """The first coding base, and one past the last."""
        return self.exons[0].start, self.exons[-1].end

    def effect(self, start: int, end: int, bases: str) -> Effect | None:
        """What the replacement of bases start to end (0-based, end excluded) by `bases` does; None if it touches
        neither coding bases nor a splice site, however it is written.

        >>> from azaward.knowledge import load
        >>> transcript(load(), "TPMT").effect(18139002, 18139003, "A")
        Effect(term='stop_gained', coding='c.454A>T', protein='p.Arg152Ter')
        """
        # Of the ways to write it, HGVS takes the one nearest to the end of the gene.
        ways = self._ways(start, end, bases)[:: 1 if self.minus else -1]
        touching = [way for way in ways if self.touches(way[0], way[1])]
        if not touching:
            return None
        if any(start <= exon.start and end >= exon.end for exon in self.exons):
            return self.rearranged("DEL", start, end)
        coding = [way for way in touching if self._splice_site(way[0], way[1]) is None]
        if len(touching) < len(ways):
            # Written elsewhere, it leaves every base here as it was, but not what is near to a splice site.
            near = len(coding) < len(touching)
            return Effect("splice_region_variant", self._name(*touching[0])) if near else None
        if not coding:
            return Effect(self._splice_site(ways[0][0], ways[0][1]) or "", self._name(*ways[0]))
        start, end, bases = coding[0]
        low, high = self.span
        if start < low or end > high:
            return Effect("stop_lost" if (start < low) == self.minus else "start_lost", self._name(start, end, bases))
        return self._coding_effect(start, end, bases, self._name(start, end, bases))

    def together(self, changes: Sequence[tuple[int, str]]) -> Effect:
        """What several single bases of the coding sequence do that lie on one copy: from the place in it, counted from
        1, and the new base of each.

        >>> from azaward.knowledge import load
        >>> transcript(load(), "TPMT").together([(70, "T"), (72, "C")])
        Effect(term='missense_variant', coding='c.[70C>T;72A>C]', protein='p.Leu24Phe')
        """
        new = list(self.coding)
        for place, base in changes:
            new[place - 1] = base
        name = f"c.[{';'.join(f'{place}{self.coding[place - 1]}>{base}' for place, base in changes)}]"
        return _effect_on_protein(self.coding, "".join(new), (changes[0][0] - 1) // 3, name)

    def rearranged(self, kind: str, start: int, end: int) -> Effect | None:
        """What a rearrangement of bases start to end does, of a kind as VCF names it: DEL, DUP, INS, CNV, INV or BND.

        >>> from azaward.knowledge import load
        >>> transcript(load(), "TPMT").rearranged("DEL", 18_127_000, 18_156_000).term
        'transcript_ablation'
        """
        first, last = self.span
        if kind in ("INV", "BND"):
            return None if self._in_one_piece(kind, start, end) else Effect("structural_variant", "rearranged gene")
        what = {"DEL": "deleted", "DUP": "duplicated"}.get(kind, "rearranged")
        term = {"DEL": "exon_loss_variant", "DUP": "transcript_amplification"}.get(kind, "structural_variant")
        if not self.touches(start, end):
            part = self._untranslated(start, end) if kind in ("DEL", "CNV") else None
            return Effect("structural_variant", f"{part} {what}") if part else None
        if start <= first and end >= last:
            return Effect("transcript_ablation" if kind == "DEL" else term, f"whole gene {what}")
        low, high = self.exons_touched(start, end)
        return Effect(term, f"exon {low} {what}" if low == high else f"exons {low} to {high} {what}")

    def _in_one_piece(self, kind: str, start: int, end: int) -> bool:
        """Whether both ends of what is turned round or joined lie outside of the gene, or in one of its introns."""
        low, high = self.transcribed
        first, last = self.span
        in_an_intron = kind == "INV" and first <= start and end <= last and not self.touches(start, end)
        return in_an_intron or end <= low or start >= high or (start <= low and end >= high)

    def _untranslated(self, start: int, end: int) -> str | None:
        """What a gene can't do without that is no part of the protein, of bases start to end."""
        (low, high), (first, last) = self.transcribed, self.span
        begins = high - 1 if self.minus else low
        behind = (low, first) if self.minus else (last, high)
        if start <= begins < end:
            return "start of the transcript"
        return "3' untranslated region" if start < behind[1] and end > behind[0] else None

    def exons_touched(self, start: int, end: int) -> tuple[int, int]:
        """The numbers of the first and the last coding exon that bases start to end touch, with its splice sites."""
        touched = [
            number
            for number, exon in enumerate(self._in_order, start=1)
            if start < exon.end + SPLICE and end > exon.start - SPLICE
        ]
        return touched[0], touched[-1]

    def near(self, start: int, end: int) -> bool:
        """Whether a change is so near to an exon that it may touch it, written elsewhere in a repeat."""
        return any(start < exon.end + _NEAR and end > exon.start - _NEAR for exon in self.exons)

    @property
    def _in_order(self) -> tuple[_Exon, ...]:
        return self.exons[::-1] if self.minus else self.exons

    def _read(self, forward: str) -> str:
        """Bases of the forward strand as the gene is read."""
        return forward.translate(_COMPLEMENT)[::-1] if self.minus else forward

    def _bases(self, start: int, end: int) -> str:
        for low, held in self.around:
            if low <= start and end <= low + len(held):
                return held[start - low : end - low]
        raise KnowledgeError(f"gene_sequences.csv: {self.gene}: no bases from {start + 1} to {end}")

    def _base(self, at: int) -> str | None:
        return next((held[at - low] for low, held in self.around if low <= at < low + len(held)), None)

    def _ways(self, start: int, end: int, bases: str) -> list[tuple[int, int, str]]:
        """Every place at which the same insertion or deletion can be written, from left to right."""
        if (start == end) == (not bases):
            return [(start, end, bases)]
        ways = [(start, end, bases)]
        for step in (-1, 1):
            low, high, new = start, end, bases
            while True:
                # What is deleted or inserted moves over a base that it has on its other side.
                passed = self._base(low - 1) if step < 0 else self._base(high)
                opposite = (new[-1] if step < 0 else new[0]) if new else self._base(high - 1 if step < 0 else low)
                if passed is None or passed != opposite:
                    break
                low, high = low + step, high + step
                if new:
                    new = passed + new[:-1] if step < 0 else new[1:] + passed
                ways.append((low, high, new))
        return sorted(ways)

    def touches(self, start: int, end: int) -> bool:
        """Whether bases start to end include coding bases or those of a splice site."""
        for number, exon in enumerate(self.exons):
            low = exon.start - (SPLICE if number else 0)
            high = exon.end + (SPLICE if number < len(self.exons) - 1 else 0)
            # An insertion, which has no bases of its own, has to lie between two bases that matter.
            if start < high and end > low:
                return True
        return False

    def _splice_site(self, start: int, end: int) -> str | None:
        """The term for the splice site that a change breaks."""
        for number, exon in enumerate(self.exons):
            for low, internal, upstream in (
                (exon.start - SPLICE, number > 0, not self.minus),
                (exon.end, number < len(self.exons) - 1, self.minus),
            ):
                high = low + SPLICE
                if internal and start < high and end > low:
                    return "splice_acceptor_variant" if upstream else "splice_donor_variant"
        return None

    def _offset(self, at: int) -> int | None:
        """The place in the coding sequence, from 0, of a coding base."""
        for exon in self.exons:
            if exon.start <= at < exon.end:
                return exon.coding + (exon.end - 1 - at if self.minus else at - exon.start)
        return None

    def _coding_effect(self, start: int, end: int, bases: str, name: str) -> Effect:
        # An insertion has a base on either side; the one that comes later in the gene has its place.
        if start < end:
            first = self._offset(end - 1 if self.minus else start)
        else:
            before = self._offset(start if self.minus else start - 1)
            after = self._offset(start - 1 if self.minus else start)
            first = after if after is not None else None if before is None else before + 1
        if first is None:
            raise KnowledgeError(f"gene_exons.csv: {self.gene}: {name} lies in no exon")
        old, new = self.coding, self._read(bases)
        changed = old[:first] + new + old[first + (end - start) :]
        return _effect_on_protein(old, changed, first // 3, name)

    def _name(self, start: int, end: int, bases: str) -> str:
        """The HGVS name of the change on the coding strand."""
        new = self._read(bases)
        if end - start == len(bases) == 1:
            return f"c.{self._place(start)}{self._read(self._bases(start, end))}>{new}"
        sides = (start - 1, start) if start == end else (start, end - 1)
        one, other = (sides[::-1]) if self.minus else sides
        span = self._place(one) if start + 1 == end else f"{self._place(one)}_{self._place(other)}"
        if start == end and self._before(start, len(bases)) == new:
            first = one + (len(bases) - 1 if self.minus else 1 - len(bases))
            return f"c.{self._place(one)}dup" if len(bases) == 1 else f"c.{self._place(first)}_{self._place(one)}dup"
        inserted = f"ins{new[:20]}{'...' * (len(new) > 20)}" if new else ""
        return f"c.{span}{inserted}" if start == end else f"c.{span}del{inserted}"

    def _before(self, at: int, length: int) -> str:
        """The bases that are read before an insertion between `at - 1` and `at`, as far as they are known."""
        low, high = (at, at + length) if self.minus else (at - length, at)
        return self._read("".join(self._base(each) or "" for each in range(low, high)))

    def _place(self, at: int) -> str:
        """A position as HGVS counts it: `454`, `495-1`, `-5` or `*12`."""
        if (offset := self._offset(at)) is not None:
            return str(offset + 1)
        order = self._in_order
        sign = -1 if self.minus else 1
        edges = [(exon.coding + 1, exon.end - 1 if self.minus else exon.start) for exon in order]
        ends = [(e.coding + e.end - e.start, e.start if self.minus else e.end - 1) for e in order]
        if (at - edges[0][1]) * sign < 0:
            return f"-{abs(at - edges[0][1])}"
        if (at - ends[-1][1]) * sign > 0:
            return f"*{abs(at - ends[-1][1])}"
        # The base in the middle of an intron counts from the exon before it.
        place, distance = min(((place, (at - edge) * sign) for place, edge in (*ends, *edges)), key=lambda x: abs(x[1]))
        return f"{place}{distance:+d}"


def _effect_on_protein(old: str, new: str, codon: int, name: str) -> Effect:
    """The consequence of a new coding sequence that first differs in this codon, counted from 0."""
    before, after = translate(old), translate(new)
    shifted = (len(new) - len(old)) % 3 != 0
    if not after.startswith("M"):
        return Effect("start_lost", name, "p.Met1?")
    if codon >= len(before) - 1:
        return (
            Effect("stop_retained_variant", name, f"p.Ter{len(before)}=")
            if after[len(before) - 1 : len(before)] == "*"
            else Effect("stop_lost", name, f"p.Ter{len(before)}ext")
        )
    differs = next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), codon)
    if shifted:
        end = "Ter" if after[differs : differs + 1] == "*" else "fs"
        return Effect("frameshift_variant", name, f"p.{_LONG[before[differs]]}{differs + 1}{end}")
    if before == after:
        return Effect("synonymous_variant", name, f"p.{_LONG[before[codon]]}{codon + 1}=")
    stop = after.find("*")
    if 0 <= stop < len(after) - 1:
        return Effect("stop_gained", name, f"p.{_LONG[before[stop]]}{stop + 1}Ter" if len(new) == len(old) else None)
    if stop < 0:
        return Effect("stop_lost", name, f"p.Ter{len(before)}ext")
    if len(new) != len(old):
        return Effect("inframe_insertion" if len(new) > len(old) else "inframe_deletion", name)
    return Effect("missense_variant", name, f"p.{_LONG[before[differs]]}{differs + 1}{_LONG[after[differs]]}")


@lru_cache(maxsize=16)
def transcript(knowledge: Knowledge, gene: str) -> Transcript:
    """The transcript of a gene on GRCh38; `KnowledgeError` where its bases or exons don't fit each other.

    >>> from azaward.knowledge import load
    >>> translate(transcript(load(), "NUDT15").coding)[-5:]
    'GNHL*'
    """
    rows = sorted((row for row in knowledge.tables["gene_exons"] if row.gene == gene), key=lambda row: row.start_grch38)
    whole = next(row for row in knowledge.tables["gene_transcripts"] if row.gene == gene)
    held = tuple((row.start_grch38 - 1, row.sequence) for row in knowledge.tables["gene_sequences"] if row.gene == gene)
    made = Transcript(
        gene,
        rows[0].strand == "-",
        (whole.start_grch38 - 1, whole.end_grch38),
        tuple(_Exon(row.start_grch38 - 1, row.end_grch38, row.coding_from - 1) for row in rows),
        held,
    )
    protein = translate(made.coding)
    if not protein.startswith("M") or protein.find("*") != len(protein) - 1 or len(made.coding) % 3:
        raise KnowledgeError(f"gene_sequences.csv: {gene}: the exons' bases aren't those of a protein")
    return made


@lru_cache(maxsize=4)
def consequences(knowledge: Knowledge) -> dict[str, Consequence]:
    """The rows of consequences.csv by their terms."""
    return {row.term: row for row in knowledge.tables["consequences"]}


@lru_cache(maxsize=4)
def presumed_functions(knowledge: Knowledge) -> dict[str, str | None]:
    """For each term of consequences.csv the function that it is presumed to leave; None where that isn't presumed."""
    return {term: row.function for term, row in consequences(knowledge).items()}


@lru_cache(maxsize=4)
def breaking(knowledge: Knowledge) -> frozenset[str]:
    """The terms of the consequences that are presumed to leave no function."""
    return frozenset(term for term, function in presumed_functions(knowledge).items() if function == "No function")
