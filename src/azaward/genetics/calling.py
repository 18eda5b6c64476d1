"""What diplotypes and phenotypes do these genotypes mean, for each gene of each person? The one function a pipeline
needs. People with the same genotypes share one answer, worked out once and kept, so a hundred thousand cost little.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from azaward.genetics import remarks
from azaward.genetics.ancestry import Ancestry, Prior, prior
from azaward.genetics.codons import Codons
from azaward.genetics.consequence import presumed_functions, transcript
from azaward.genetics.decision import decide, limits
from azaward.genetics.diplotypes import Pair, blocks, pairs
from azaward.genetics.distinct import distinct, first_of
from azaward.genetics.dosing import INDETERMINATE, NORMAL, ORDER
from azaward.genetics.fitting import Fit, fitting
from azaward.genetics.haplotypes import NamedAlleles, Variant, more_cautious, named_alleles, pair_phenotype
from azaward.genetics.mixture import mixed, most_probable
from azaward.genetics.model import (
    GENES,
    MISSING,
    REFERENCE,
    UNDOCUMENTED,
    UNDOCUMENTED_BASE,
    Diplotype,
    GeneCall,
    GeneGenotypes,
    Genotypes,
    PositionEvidence,
    SampleCall,
    Status,
    Unnamed,
    Unsure,
)
from azaward.genetics.observed import NORMAL_FUNCTION, Codes, beside_deletions, left_unsure, observe
from azaward.knowledge import Knowledge

T = TypeVar("T")
KEPT = 200_000
"""Diplotypes kept a gene, over all answers; beyond that the oldest answers are forgotten: memory has an end."""

Texts = tuple[tuple[int, str], ...]
_Key = tuple[
    bytes, Texts, Texts, tuple[Unnamed, ...], tuple[tuple[int, tuple[int, ...]], ...], tuple[tuple[int, Unsure], ...]
]


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
        answers = {gene: self._genes[gene].calls(held) for gene, held in genotypes.genes.items()}
        # People who share the answers of all genes share one mapping of them.
        which: NDArray[np.integer[Any]] = np.zeros(len(genotypes.samples), np.int64)
        present = [0]
        for held in genotypes.genes.values():
            rows = np.arange(len(held.alleles)) if held.row_of is None else held.row_of
            # Numbered anew for each gene, so that the product never outgrows its type.
            present, which = distinct(which.astype(np.int64) * len(held.alleles) + rows)
        shared = [
            {
                gene: answers[gene][sample if held.row_of is None else int(held.row_of[sample])]
                for gene, held in genotypes.genes.items()
            }
            for sample in first_of(which, len(present)).tolist()
        ]
        return map(SampleCall, genotypes.samples, map(shared.__getitem__, which.tolist()))


class _Row(NamedTuple):
    """A distinct genotype of a gene, and the named alleles that fit it, where they have been worked out."""

    codes: Codes
    phase: list[int]
    status: list[int]
    fits: list[Fit] | None
    told: list[int]
    """The sites at which anything but the reference was seen, or nothing."""


class _Gene:
    """One gene's alleles and prior, and the answers so far."""

    def __init__(self, knowledge: Knowledge, gene: str, ancestry: Ancestry) -> None:
        self.knowledge = knowledge
        self.alleles: NamedAlleles = named_alleles(knowledge, gene)
        self.prior: Prior = prior(knowledge, self.alleles, ancestry)
        self.limits = limits(knowledge, self.alleles, self.prior)
        self.presumed = presumed_functions(knowledge)
        self.codons = Codons.of(transcript(knowledge, gene), self.alleles.sites, self.presumed)
        self.worst: dict[tuple[tuple[str, ...], tuple[str, ...]], str] = {}
        self.kept: dict[_Key, GeneCall] = {}
        self.size = 0
        self.reference: list[PositionEvidence] = []
        self.evidence: dict[tuple[int, int, int, bool, int], PositionEvidence] = {}

    def calls(self, held: GeneGenotypes) -> list[GeneCall]:
        """The call of each row of genotypes."""
        _check(held, self.alleles)
        alleles, phase = _alike(held.alleles, held.phase, list(held.unnamed))
        n, s = held.status.shape
        rows = np.concatenate(
            [alleles.reshape(n, 2 * s).view(np.uint8), held.status.view(np.uint8), phase.view(np.uint8)], axis=1
        )
        text, width = rows.tobytes(), rows.shape[1]
        undocumented = _by_sample(held.undocumented)
        notes = _by_sample({at: " ".join(words) for at, words in held.notes.items()})
        untested, unsure = _by_sample(held.untested), _by_sample(held.unsure)
        keys: list[_Key] = [
            (
                text[at * width : (at + 1) * width],
                undocumented.get(at, ()),
                notes.get(at, ()),
                held.unnamed.get(at, ()),
                untested.get(at, ()),
                unsure.get(at, ()),
            )
            for at in range(n)
        ]
        new = [at for at, key in enumerate(keys) if key not in self.kept]
        others = {place: dict(untested[at]) for place, at in enumerate(new) if at in untested}
        fits = dict(zip(new, fitting(self.alleles.carries, alleles[new], others), strict=True))
        # Of a phase set are only sites at which the copies differ.
        told = (alleles != REFERENCE).any(axis=2) | (held.status != Status.SEEN)
        answers: list[GeneCall] = []
        for at, key in enumerate(keys):
            answer = self.kept.get(key)
            if answer is None:
                codes: Codes = [(one, other) for one, other in alleles[at].tolist()]
                other = np.flatnonzero(told[at]).tolist()
                row = _Row(codes, phase[at].tolist(), held.status[at].tolist(), fits.get(at), other)
                answer = self._work_out(row, key)
                self._keep(key, answer)
            answers.append(answer)
        return answers

    def _keep(self, key: _Key, answer: GeneCall) -> None:
        while self.kept and self.size + len(answer.diplotypes) > KEPT:
            self.size -= len(self.kept.pop(next(iter(self.kept))).diplotypes)
        self.kept[key] = answer
        self.size += len(answer.diplotypes)

    def _work_out(self, row: _Row, key: _Key) -> GeneCall:
        alleles, codes = self.alleles, row.codes
        undocumented, notes = dict(key[1]), dict(key[2])
        unnamed, untested = key[3], dict(key[4])
        shared = self.codons.shared(unnamed) if unnamed else set[Unnamed]()
        seen = observe(alleles.sites, codes, row.phase, undocumented, unnamed, self.presumed, shared)
        seen = replace(seen, untested=untested, read=self.codons.read) if untested or unnamed else seen
        unsure = left_unsure(alleles.sites, codes, dict(key[5]), unnamed, self.presumed)
        # What no named allele has is laid beside them, and codes that only it explains are put aside.
        fits = row.fits if seen.codes == codes else None
        fit = mixed(alleles, self.prior, seen, unsure) if unsure else pairs(alleles, self.prior, seen, fits)
        missing = [at for at in row.told if MISSING in codes[at]]
        unseen = set[int]().union(*(alleles.differing[at] for at in missing))
        for at, others in untested.items():
            unseen |= {index for index in alleles.differing[at] if alleles.carries[index, at] in others}
        sure = (
            {each.call for each in pairs(alleles, self.prior, most_probable(alleles, seen, unsure))} if unsure else None
        )
        diplotypes = tuple(self._diplotype(pair, unseen, sure) for pair in fit)
        phenotypes = _summed((each.phenotype, each.probability) for each in diplotypes)
        hiding = self._could_hide(fit, codes, unseen, untested)
        changes = beside_deletions(self.codons.told(unnamed, self._named(row)) if shared else unnamed)
        doubts = [each for each in unnamed if each.doubt and self.presumed.get(each.term) != NORMAL_FUNCTION]
        decision = decide(phenotypes, (name for name, _ in hiding), self.limits, [each.name for each in doubts])
        normal = dict(phenotypes)[NORMAL] if decision.phenotype == NORMAL else None
        presumed = self._presumed(diplotypes, decision.phenotype)
        unheard = remarks.undocumented(seen.extras, changes, fit)
        said = (
            *decision.why,
            *remarks.of_what_is_missing(alleles, missing, fit, hiding, normal),
            *remarks.of_phase(diplotypes),
            *remarks.of_changes(self.knowledge, changes),
            *(remarks.of_undocumented(unheard, seen.extras, len(blocks(seen))) if unheard else ()),
            *remarks.of_records(alleles, [at for at in row.told if at not in unsure], row.status),
            *remarks.of_unsure(alleles, fit, unsure),
            *(self.prior.notes if len(diplotypes) > 1 else ()),
            *([notes[-1]] if -1 in notes else []),
        )
        return GeneCall(
            gene=alleles.gene,
            diplotypes=diplotypes,
            phenotype=decision.phenotype,
            phenotypes=phenotypes,
            missing_positions=tuple(alleles.sites[at] for at in missing),
            could_hide=hiding,
            undocumented=unheard,
            evidence=self._seen(row, undocumented, notes),
            notes=said,
            presumed=presumed,
            changes=changes,
        )

    def _named(self, row: _Row) -> list[Unnamed]:
        """The single bases of named alleles that stand in the coding sequence, as a change without a name is told."""
        found: list[Unnamed] = []
        for at in row.told:
            start, both = self.alleles.sites[at].pos_grch38 - 1, row.codes[at]
            for code in {code for code in both if (at, code) in self.codons.named}:
                _, effect = self.codons.named[at, code]
                sides = both[0] == code, both[1] == code
                found.append(Unnamed(start, start + 1, effect.term, effect.name, *sides, row.phase[at]))
        return found

    def _diplotype(self, pair: Pair, unseen: set[int], sure: set[str] | None) -> Diplotype:
        """The pair with its phenotypes; where genotypes are unsure, only what fits the likeliest (`sure`) was seen."""
        phenotype, presumed = self._phenotype(pair), self._presumed_phenotype(pair)
        rests = not unseen.isdisjoint(pair.alleles) or (sure is not None and pair.call not in sure)
        return Diplotype(pair.call, pair.probability, phenotype, rests, presumed if presumed != phenotype else None)

    def _presumed(self, diplotypes: tuple[Diplotype, ...], phenotype: str) -> str | None:
        """The phenotype to act on if every change does what is presumed of it, where that asks for more care."""
        if not any(each.presumed for each in diplotypes):
            return None
        summed = _summed((each.presumed or each.phenotype, each.probability) for each in diplotypes)
        presumed = decide(summed, (), self.limits).phenotype
        return presumed if ORDER.index(presumed) < ORDER.index(phenotype) else None

    def _seen(
        self, row: _Row, undocumented: Mapping[int, str], notes: Mapping[int, str]
    ) -> tuple[PositionEvidence, ...]:
        """One entry a site; nearly all sites of nearly all people are the reference's, so those are made once."""
        if not self.reference:
            self.reference = [self._seen_at(at, 0, 0, False, Status.SEEN, None, None) for at in range(len(row.codes))]
        positions = list(self.reference)
        for at in {*row.told, *(at for at in (*undocumented, *notes) if at >= 0)}:
            (one, two), phased, why = row.codes[at], bool(row.phase[at]), row.status[at]
            positions[at] = self._seen_at(at, one, two, phased, why, undocumented.get(at), notes.get(at))
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
        return msgspec.structs.replace(position, alleles=(first, second), note=note)

    def _phenotype(self, pair: Pair) -> str:
        """That of the two functions; of a haplotype without a name, its worst part's, and never better than unknown."""
        worst = self._worst(pair.one.functions, pair.other.functions)
        return worst if pair.named else more_cautious((worst, INDETERMINATE))

    def _presumed_phenotype(self, pair: Pair) -> str:
        """That of the two functions that the parts of each haplotype are presumed to leave."""
        worst = self._worst(pair.one.presumed, pair.other.presumed)
        return worst if pair.named else more_cautious((worst, INDETERMINATE))

    def _worst(self, one: tuple[str, ...], other: tuple[str, ...]) -> str:
        found = self.worst.get((one, other))
        if found is None:
            found = self.worst[one, other] = more_cautious(
                pair_phenotype(self.knowledge, self.alleles.gene, first, second) for first in one for second in other
            )
        return found

    def _could_hide(
        self, fitting: tuple[Pair, ...], codes: Codes, unseen: set[int], untested: Mapping[int, tuple[int, ...]]
    ) -> tuple[tuple[str, float], ...]:
        """Alleles of which a missing position may hide a copy more than the most probable pair has."""
        if not unseen:
            return ()
        alleles = self.alleles
        if fitting[0].by_named_alleles:
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
                if _not_ruled_out(alleles.variants[index], codes, untested)
            }
        hidden = ((alleles.names[index], p) for index, p in probability.items() if p > 0)
        return tuple(sorted(hidden, key=lambda item: (-item[1], alleles.names.index(item[0]))))


def _alike(
    alleles: NDArray[np.int8], phase: NDArray[np.int32], with_unnamed: list[int]
) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """The same genotypes written in one way: sides count only where something else of the person shares them."""
    first, second = alleles[:, :, 0], alleles[:, :, 1]
    phase = np.where(first == second, 0, phase).astype(np.int32)
    alone = (phase > 0).sum(axis=1) < 2
    alone[with_unnamed] = False
    phase[alone] = 0
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
        codes = [code for pair, _ in one.genotypes for code in pair if not UNDOCUMENTED <= code <= most[0, at, 0]]
        if codes or not one.genotypes or not all(0 < weight < np.inf for _, weight in one.genotypes):
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


def _summed(each: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    total: dict[str, float] = {}
    for phenotype, probability in each:
        total[phenotype] = total.get(phenotype, 0.0) + probability
    return tuple(sorted(total.items(), key=lambda item: (-item[1], item[0])))


def _not_ruled_out(variants: Iterable[Variant], codes: Codes, untested: Mapping[int, tuple[int, ...]]) -> bool:
    return all(
        code in codes[at] or MISSING in codes[at] or (REFERENCE in codes[at] and code in untested.get(at, ()))
        for at, code in variants
    )
