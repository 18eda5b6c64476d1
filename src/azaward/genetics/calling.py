"""What diplotypes and phenotypes do these genotypes mean, for each gene of each person? The one function a pipeline
needs. People with the same genotypes share one answer, worked out once and kept, so a hundred thousand cost little.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from azaward.genetics import remarks
from azaward.genetics.ancestry import Ancestry, Prior, prior
from azaward.genetics.decision import decide, limits
from azaward.genetics.diplotypes import Pair, Seen, blocks, pairs
from azaward.genetics.dosing import INDETERMINATE, NORMAL
from azaward.genetics.haplotypes import NamedAlleles, more_cautious, named_alleles, pair_phenotype
from azaward.genetics.mixture import mixed, most_probable
from azaward.genetics.model import (
    GENES,
    MISSING,
    UNDOCUMENTED,
    UNDOCUMENTED_BASE,
    Diplotype,
    GeneCall,
    GeneGenotypes,
    Genotypes,
    PositionEvidence,
    SampleCall,
    Status,
    Unsure,
)
from azaward.knowledge import Knowledge

T = TypeVar("T")
KEPT = 200_000
"""Diplotypes kept a gene, over all answers; beyond that the oldest answers are forgotten: memory has an end."""

Texts = tuple[tuple[int, str], ...]
Key = tuple[bytes, Texts, Texts, tuple[tuple[int, Unsure], ...]]


def call(
    genotypes: Genotypes | Iterable[Genotypes], knowledge: Knowledge, ancestry: Ancestry = None
) -> Iterator[SampleCall]:
    """The call of each sample, in order; a file too large for memory is given in parts.

    `ancestry` is a biogeographic group or a synonym ("European", "EAS"), a share for each of several, or None when
    unknown. Raises `ValueError` for an ancestry that means no group, for arrays that don't fit the gene's sites and
    for codes that no allele has.

    >>> from azaward.knowledge import load
    >>> from azaward.genetics.model import Status, nothing_seen
    >>> people = nothing_seen(["c001"], load())
    >>> for gene in people.genes.values():
    ...     gene.alleles[:], gene.status[:] = 0, Status.SEEN
    >>> for rsid in ("rs1142345", "rs1800460"):  # both alleles seen, their sides unknown
    ...     tpmt = people.genes["TPMT"]
    ...     tpmt.alleles[0, [site.rsid for site in tpmt.sites].index(rsid)] = [0, 1]
    >>> one = next(call(people, load(), "European"))
    >>> [diplotype.call for diplotype in one.genes["TPMT"].diplotypes], one.genes["TPMT"].phenotype
    (['*1/*3A', '*3B/*3C'], 'Intermediate Metabolizer')
    """
    caller = Caller(knowledge, ancestry)
    return chain.from_iterable(map(caller.call, (genotypes,) if isinstance(genotypes, Genotypes) else genotypes))


class Caller:
    """Calls part after part of a cohort, and keeps the answers that many people share."""

    def __init__(self, knowledge: Knowledge, ancestry: Ancestry = None) -> None:
        self._genes = {gene: _Gene(knowledge, gene, ancestry) for gene in GENES}

    def call(self, genotypes: Genotypes) -> Iterator[SampleCall]:
        """The call of each sample of this part."""
        unknown = set(genotypes.genes) - set(self._genes)
        if unknown or not genotypes.genes:
            given = ", ".join(sorted(unknown)) or "none"
            raise ValueError(f"genotypes of genes: found {given}, expected {', '.join(self._genes)}")
        columns = {gene: self._genes[gene].calls(held) for gene, held in genotypes.genes.items()}
        # People who share the answers of all genes share one mapping of them.
        keys = list(zip(*(map(id, column) for column in columns.values()), strict=True))
        shared = {
            key: {gene: column[sample] for gene, column in columns.items()}
            for key, sample in dict(zip(keys, range(len(keys)), strict=True)).items()
        }
        return map(SampleCall, genotypes.samples, map(shared.__getitem__, keys))


class _Gene:
    """One gene's alleles and prior, and the answers so far."""

    def __init__(self, knowledge: Knowledge, gene: str, ancestry: Ancestry) -> None:
        self.knowledge = knowledge
        self.alleles: NamedAlleles = named_alleles(knowledge, gene)
        self.prior: Prior = prior(knowledge, self.alleles, ancestry)
        self.limits = limits(knowledge, self.alleles, self.prior)
        self.kept: dict[Key, GeneCall] = {}
        self.size = 0
        self.reference: list[PositionEvidence] = []
        self.evidence: dict[tuple[int, int, int, bool, int], PositionEvidence] = {}

    def calls(self, held: GeneGenotypes) -> list[GeneCall]:
        _check(held, self.alleles)
        alleles, phase = _alike(held.alleles, held.phase)
        n, s = held.status.shape
        rows = np.concatenate(
            [alleles.reshape(n, 2 * s).view(np.uint8), held.status.view(np.uint8), phase.view(np.uint8)], axis=1
        )
        text, width = rows.tobytes(), rows.shape[1]
        undocumented = _by_sample(held.undocumented)
        notes = _by_sample({at: " ".join(words) for at, words in held.notes.items()})
        unsure = _by_sample(held.unsure)
        answers: list[GeneCall] = []
        for at in range(n):
            key = (
                text[at * width : (at + 1) * width],
                undocumented.get(at, ()),
                notes.get(at, ()),
                unsure.get(at, ()),
            )
            answer = self.kept.get(key)
            if answer is None:
                answer = self._work_out(
                    alleles[at], phase[at], held.status[at], dict(key[1]), dict(key[2]), dict(key[3])
                )
                self._keep(key, answer)
            answers.append(answer)
        return answers if held.row_of is None else [answers[row] for row in held.row_of.tolist()]

    def _keep(self, key: Key, answer: GeneCall) -> None:
        while self.kept and self.size + len(answer.diplotypes) > KEPT:
            self.size -= len(self.kept.pop(next(iter(self.kept))).diplotypes)
        self.kept[key] = answer
        self.size += len(answer.diplotypes)

    def _work_out(
        self,
        codes: NDArray[np.int8],
        phase: NDArray[np.int32],
        status: NDArray[np.int8],
        undocumented: dict[int, str],
        notes: dict[int, str],
        unsure: dict[int, Unsure],
    ) -> GeneCall:
        alleles, gene = self.alleles, self.alleles.gene
        seen = Seen(codes, phase, undocumented)
        fitting = mixed(alleles, self.prior, seen, unsure) if unsure else pairs(alleles, self.prior, seen)
        missing = (codes == MISSING).any(axis=1)
        unseen = set(np.flatnonzero((alleles.carries[:, missing] != 0).any(axis=1)).tolist())
        diplotypes = self._diplotypes(fitting, unseen, most_probable(seen, unsure) if unsure else None)
        phenotypes = _summed(diplotypes)
        hiding = self._could_hide(fitting, codes, unseen)
        decision = decide(phenotypes, (name for name, _ in hiding), self.limits)
        normal = dict(phenotypes)[NORMAL] if decision.phenotype == NORMAL else None
        unheard = remarks.undocumented(alleles, codes, undocumented, fitting)
        said = (
            *decision.why,
            *remarks.of_what_is_missing(alleles, missing, fitting, hiding, normal),
            *remarks.of_phase(diplotypes),
            *remarks.of_undocumented(unheard, len(blocks(seen))),
            *remarks.of_records(alleles, status),
            *remarks.of_unsure(alleles, fitting, unsure),
            *(self.prior.notes if len(diplotypes) > 1 else ()),
            *([notes[-1]] if -1 in notes else []),
        )
        return GeneCall(
            gene=gene,
            diplotypes=diplotypes,
            phenotype=decision.phenotype,
            phenotypes=phenotypes,
            missing_positions=tuple(alleles.sites[at] for at in np.flatnonzero(missing)),
            could_hide=hiding,
            undocumented=unheard,
            evidence=self._seen(codes, phase, status, undocumented, notes),
            notes=said,
        )

    def _diplotypes(self, fitting: tuple[Pair, ...], unseen: set[int], likeliest: Seen | None) -> tuple[Diplotype, ...]:
        """The pairs with their phenotypes; where genotypes are unsure, only what fits the likeliest was seen."""
        fits = None if likeliest is None else {pair.call for pair in pairs(self.alleles, self.prior, likeliest)}
        return tuple(
            Diplotype(
                pair.call,
                pair.probability,
                self._phenotype(pair),
                not unseen.isdisjoint(pair.alleles) or (fits is not None and pair.call not in fits),
            )
            for pair in fitting
        )

    def _seen(
        self,
        codes: NDArray[np.int8],
        phase: NDArray[np.int32],
        status: NDArray[np.int8],
        undocumented: Mapping[int, str],
        notes: Mapping[int, str],
    ) -> tuple[PositionEvidence, ...]:
        """One entry a site; nearly all sites of nearly all people are the reference's, so those are made once."""
        if not self.reference:
            self.reference = [self._seen_at(at, 0, 0, False, Status.SEEN, None, None) for at in range(len(status))]
        positions = list(self.reference)
        other = np.flatnonzero(codes.any(axis=1) | (phase != 0) | (status != Status.SEEN)).tolist()
        for at in {*other, *(at for at in (*undocumented, *notes) if at >= 0)}:
            (one, two), why = codes[at].tolist(), int(status[at])
            positions[at] = self._seen_at(at, one, two, bool(phase[at]), why, undocumented.get(at), notes.get(at))
        return tuple(positions)

    def _seen_at(
        self, at: int, one: int, two: int, phased: bool, status: int, text: str | None, note: str | None
    ) -> PositionEvidence:
        key = (at, one, two, phased, status)
        position = self.evidence.get(key)
        if position is None:
            site = self.alleles.sites[at]
            # Without a side, what is known stands first.
            shown = (one, two) if phased else sorted((one, two), key=lambda code: (code < 0, code))
            position = PositionEvidence(site, (site.base(shown[0]), site.base(shown[1])), phased, Status(status))
            self.evidence[key] = position
        if text is None and note is None:
            return position
        other = (text or "").rpartition(">")[2] or "?"
        first, second = (other if base == UNDOCUMENTED_BASE else base for base in position.alleles)
        return replace(position, alleles=(first, second), note=note)

    def _phenotype(self, pair: Pair) -> str:
        """That of the two functions; of a haplotype without a name, its worst part's, and never better than unknown."""
        worst = more_cautious(
            pair_phenotype(self.knowledge, self.alleles.gene, function, other)
            for function in pair.one.functions
            for other in pair.other.functions
        )
        return worst if pair.named else more_cautious((worst, INDETERMINATE))

    def _could_hide(
        self, fitting: tuple[Pair, ...], codes: NDArray[np.int8], unseen: set[int]
    ) -> tuple[tuple[str, float], ...]:
        """Alleles of which a missing position may hide a copy more than the most probable pair has."""
        alleles = self.alleles
        if fitting[0].named:
            probability = dict.fromkeys(sorted(unseen), 0.0)
            for pair in fitting[1:]:
                for index in unseen & pair.beyond(fitting[0]):
                    probability[index] += pair.probability
        else:
            # Beside haplotypes that nobody has named, what hides is as common as in everyone.
            carried = 1 - (1 - self.prior.frequency) ** 2
            probability = {
                index: float(self.prior.weights @ carried[:, index])
                for index in sorted(unseen - set(fitting[0].alleles))
                if _not_ruled_out(alleles.carries[index], codes)
            }
        hidden = ((alleles.names[index], p) for index, p in probability.items() if p > 0)
        return tuple(sorted(hidden, key=lambda item: (-item[1], alleles.names.index(item[0]))))


def _alike(alleles: NDArray[np.int8], phase: NDArray[np.int32]) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """The same genotypes written in one way: sides count only where another site of the person shares them."""
    first, second = alleles[:, :, 0], alleles[:, :, 1]
    phase = np.where(first == second, 0, phase).astype(np.int32)
    phase[(phase > 0).sum(axis=1) < 2] = 0
    loose = phase == 0
    low, high = np.minimum(first, second), np.maximum(first, second)
    return np.stack([np.where(loose, low, first), np.where(loose, high, second)], axis=2), phase


def _check(held: GeneGenotypes, alleles: NamedAlleles) -> None:
    gene = alleles.gene
    if held.sites != alleles.sites:
        given = f"{len(held.sites)} sites"
        raise ValueError(f"{gene}: found {given}, expected the {len(alleles.sites)} of sites(knowledge, {gene!r})")
    most = np.array([len(site.alts) for site in alleles.sites], dtype=np.int8)[None, :, None]
    if held.alleles.min(initial=0) < UNDOCUMENTED or (held.alleles > most).any():
        wrong = np.argwhere((held.alleles < UNDOCUMENTED) | (held.alleles > most))
        sample, at, side = (int(number) for number in wrong[0])
        code, site = int(held.alleles[sample, at, side]), alleles.sites[at]
        raise ValueError(
            f"{gene}: row {sample}, {site.label}: found allele code {code}, expected {UNDOCUMENTED} to {len(site.alts)}"
        )
    if held.phase.min(initial=0) < 0:
        raise ValueError(f"{gene}: found a phase set below 0; expected 0 for unphased, a positive number for a set")
    if held.status.min(initial=0) < min(Status) or held.status.max(initial=0) > max(Status):
        raise ValueError(f"{gene}: found a status that isn't one of Status")
    for (row, at), one in held.unsure.items():
        wrong = [code for pair, _ in one.genotypes for code in pair if not UNDOCUMENTED <= code <= most[0, at, 0]]
        if wrong or not one.genotypes or not all(0 < weight < np.inf for _, weight in one.genotypes):
            raise ValueError(
                f"{gene}: row {row}, {alleles.sites[at].label}: expected possible genotypes with weights above 0 and "
                f"allele codes from {UNDOCUMENTED} to {int(most[0, at, 0])}, found {one.genotypes}"
            )
    rows = len(held.status)
    if held.row_of is not None and len(held.row_of) and (held.row_of.min() < 0 or held.row_of.max() >= rows):
        raise ValueError(f"{gene}: found a row_of from {held.row_of.min()} to {held.row_of.max()}, of {rows} rows")


def _by_sample(texts: Mapping[tuple[int, int], T]) -> dict[int, tuple[tuple[int, T], ...]]:
    by_sample: dict[int, dict[int, T]] = {}
    for (sample, at), words in texts.items():
        by_sample.setdefault(sample, {})[at] = words
    return {sample: tuple(sorted(words.items())) for sample, words in by_sample.items()}


def _summed(diplotypes: tuple[Diplotype, ...]) -> tuple[tuple[str, float], ...]:
    total: dict[str, float] = {}
    for diplotype in diplotypes:
        total[diplotype.phenotype] = total.get(diplotype.phenotype, 0.0) + diplotype.probability
    return tuple(sorted(total.items(), key=lambda item: (-item[1], item[0])))


def _not_ruled_out(carries: NDArray[np.int8], codes: NDArray[np.int8]) -> bool:
    fits = (codes == carries[:, None]) | (codes == MISSING)
    return bool(fits.any(axis=1)[carries != 0].all())
