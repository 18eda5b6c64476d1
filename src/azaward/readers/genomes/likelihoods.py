"""How sure is a file of each genotype of a record, by its own figures?

GP, PL, GL, a dosage with its imputation quality, or GQ alone give each possible genotype a penalty: phred-scaled, 0 for
the likeliest. Where that leaves room for another genotype, or contradicts the one that was called, the call carries
every genotype that may be. docs/variant-files.md says how each field is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from azaward.genetics.model import Unsure
from azaward.knowledge import Knowledge
from azaward.readers.genomes.figures import READS, Figures, imputed_r2, read_figures

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
ANY_ALLELE = -9
"""In a record without ALT: any allele but the reference."""
NO_REASON, WEAK, FAILED = 0, 1, 3
"""Places in `calls._REASONS` that matter here."""
HIGHEST = 60
"""A genotype with a higher penalty than this can't be."""
_AGAINST = (
    None,
    "the file's likelihoods favour another genotype than the one called",
    "the counts of reads (AD) contradict the genotype",
    "the counts of reads (AD) contradict the file's likelihoods",
)


@dataclass(frozen=True)
class Limits:
    """What makes a genotype count as missing or as sure, from parameters.csv: `depth` in reads, `quality` in phred,
    `sure` a probability, `read_error` a share of bases, `r2` a squared correlation."""

    depth: float
    quality: float
    sure: float
    read_error: float
    r2: float

    @classmethod
    def of(cls, knowledge: Knowledge) -> Limits:
        """The limits of parameters.csv."""
        names = ("min_depth", "min_quality", "sure", "read_error", "imputed_min_r2")
        return cls(*(knowledge.parameters[f"genotype_{name}"].value for name in names))


class Doubts(NamedTuple):
    """Of each sample of a record: `reasons` why its call can't be used, int [n], and the place `of` in `tables` of what
    else it may be; the first of these is None, for what is sure."""

    reasons: NDArray[np.int16]
    tables: list[Unsure | None]
    of: NDArray[np.intp]


def genotypes(alts: int) -> list[tuple[int, int]]:
    """The genotypes of two alleles in the order of the VCF specification.

    >>> genotypes(2)
    [(0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2)]
    """
    return [(low, high) for high in range(alts + 1) for low in range(high + 1)]


def best_guess(
    variant: Any, fields: Sequence[str], alts: int, samples: int, limits: Limits
) -> NDArray[np.int16] | None:
    """The likeliest genotypes of a record without GT, as cyvcf2 gives genotypes; None if nothing tells them."""
    if not alts or not {"GP", "GL", "PL", "DS"} & set(fields):
        return None
    held = read_figures(variant, fields, alts, samples, imputed_r2(variant, limits.r2))
    called = np.full((samples, 3), -1, np.int16)
    called[:, 2] = 0
    # Likelihoods without a call stay without one: the caller may have refused it.
    rows = np.flatnonzero(held.stated & ~np.isnan(held.penalty[:, 0]))
    called[rows, :2] = np.array(genotypes(alts), np.int16)[held.penalty[rows].argmin(axis=1)]
    return called


def read_doubts(
    variant: Any,
    fields: Sequence[str],
    array: NDArray[Any],
    reasons: NDArray[np.int16] | None,
    quality: Numbers | None,
    alts: int,
    limits: Limits,
) -> Doubts | None:
    """What the record's own figures say against its calls; None where there are no figures or all calls are sure.

    `array` is cyvcf2's of GT: one or two allele numbers, below 0 where there is none, and the phase. `quality` is
    float [n], phred, NaN for none.
    """
    r2 = imputed_r2(variant, limits.r2)
    told = ({"GP", "GL", "PL", "DS"} | READS) & set(fields)
    edge = -10 * np.log10(1 - limits.sure)
    if not told and r2 is None and (quality is None or not (quality < edge).any()):
        return None
    called = array[:, :2] if array.shape[1] > 2 else np.stack([array[:, 0], np.full(len(array), -2)], axis=1)
    held = read_figures(variant, fields, alts, len(called), r2)
    pairs = genotypes(alts) if alts else [(0, 0), (0, ANY_ALLELE), (ANY_ALLELE, ANY_ALLELE)]
    fits = _fits(called, pairs)
    full: Flags = np.asarray((called >= 0).all(axis=1))
    why = np.zeros(len(called), np.int16) if reasons is None else reasons.copy()
    _by_quality(held, fits, full, quality, edge)
    _by_imputation(held, fits, full, r2, limits)
    weak = held.void & full
    if quality is None or np.isnan(quality).any():
        unrated = np.ones(len(called), bool) if quality is None else np.isnan(quality)
        weak |= full & unrated & ~held.stated & (_second(held.penalty) < limits.quality)
    why[weak & (why == NO_REASON)] = WEAK
    against = _contradictions(held.penalty, fits)
    counts = held.counts
    if counts is not None and alts:
        short = _short(counts, pairs, limits)
        against[_counted(held.penalty, short, fits, full, limits)] = 2
        against[_uncalled(held.penalty, short, full)] = 3
    return _tables(held, pairs, full, why, against, limits)


def _fits(called: NDArray[np.integer[Any]], pairs: Sequence[tuple[int, int]]) -> Flags:
    """Which genotypes, bool [n, genotypes], the call allows: a missing allele may be any."""
    low, high = np.minimum(called[:, 0], called[:, 1]), np.maximum(called[:, 0], called[:, 1])
    columns: list[Flags] = []
    for one, other in pairs:
        half = (low < 0) & ((high == one) | (high == other) | (high < 0))
        columns.append(half | ((low == min(one, other)) & (high == max(one, other))) if min(one, other) >= 0 else half)
    return np.stack(columns, axis=1)


def _second(penalty: Numbers) -> Numbers:
    """The penalty of the second likeliest genotype; infinite where nothing is known."""
    if penalty.shape[1] < 2:
        return np.full(len(penalty), np.inf)
    return np.where(np.isnan(penalty[:, 0]), np.inf, np.partition(penalty, 1, axis=1)[:, 1])


def _by_quality(held: Figures, fits: Flags, full: Flags, quality: Numbers | None, edge: float) -> None:
    """Where quality alone is given, every other genotype has that penalty."""
    if quality is None:
        return
    with np.errstate(invalid="ignore"):
        rows = np.isnan(held.penalty[:, 0]) & full & (quality < edge) & ~held.void
    held.void |= rows & (quality <= 0)
    rows &= quality > 0
    held.penalty[rows] = np.where(fits[rows], 0.0, quality[rows, None])


def _by_imputation(held: Figures, fits: Flags, full: Flags, r2: float | None, limits: Limits) -> None:
    """A poorly imputed record says nothing; one with calls alone is wrong as often as its R2 says."""
    if r2 is None:
        return
    if r2 < limits.r2:
        held.penalty[:] = np.nan
        held.void[:] = True
        return
    rows = np.isnan(held.penalty[:, 0]) & full & ~held.void
    if not rows.any() or r2 >= 1:
        return
    others = (1 - r2) / max(fits.shape[1] - 1, 1)
    if others >= r2:
        held.void |= rows
    else:
        held.penalty[rows] = np.where(fits[rows], 0.0, -10 * np.log10(others / r2))


def _contradictions(penalty: Numbers, fits: Flags) -> NDArray[np.int16]:
    """Rounds the penalties, and finds calls that aren't the likeliest genotype: each of both then counts as likely."""
    known = ~np.isnan(penalty[:, 0])
    with np.errstate(invalid="ignore"):
        # Fewer figures make more people alike; rounded down, no other genotype becomes less likely than it was.
        coarse = np.select([penalty < 10, penalty < 30], [np.floor(penalty), penalty // 2 * 2], penalty // 5 * 5)
    penalty[known] = coarse[known]
    least = np.where(fits, penalty, np.inf).min(axis=1)
    against = known & (least > 0) & np.isfinite(least)
    penalty[against] = np.where(fits[against] & (penalty[against] == least[against, None]), 0.0, penalty[against])
    return against.astype(np.int16)


def _short(counts: Numbers, pairs: Sequence[tuple[int, int]], limits: Limits) -> Numbers:
    """How much less likely the counts of reads are by each genotype than by the one that fits them best: phred-scaled,
    float [n, genotypes], NaN where there are no counts."""
    alleles = counts.shape[1]
    rate = np.full((len(pairs), alleles), limits.read_error / (alleles - 1))
    for place, (one, other) in enumerate(pairs):
        rate[place, one] = rate[place, other] = (1 - limits.read_error) / (1 if one == other else 2)
    likely = counts @ np.log10(rate).T
    return 10 * (likely.max(axis=1, keepdims=True) - likely)


def _counted(penalty: Numbers, short: Numbers, fits: Flags, full: Flags, limits: Limits) -> Flags:
    """Calls that the counts of reads contradict: the genotype that fits the counts then counts as likely too."""
    with np.errstate(invalid="ignore"):
        against = full & (np.where(fits, short, np.inf).min(axis=1) >= limits.quality)
    against &= ~np.isnan(short[:, 0])
    rows = np.flatnonzero(against)
    penalty[rows] = np.where(np.isnan(penalty[rows]), HIGHEST + 1, penalty[rows])
    penalty[rows] = np.where(fits[rows] | (short[rows] == 0), 0.0, penalty[rows])
    return against


def _uncalled(penalty: Numbers, short: Numbers, full: Flags) -> Flags:
    """Those without a genotype go by their counts of reads, where they have no likelihoods; returns those whose
    likelihoods don't favour the change that their counts fit best, which then counts as likely too."""
    seen = ~full & (short[:, 0] > 0)
    alone = ~full & (short.max(axis=1) > 0) & np.isnan(penalty[:, 0])
    penalty[alone] = np.floor(short[alone])
    with np.errstate(invalid="ignore"):
        against = seen & ~alone & ((short == 0) & (penalty > 0)).any(axis=1)
    penalty[against] = np.where(short[against] == 0, 0.0, penalty[against])
    return against


def _tables(
    held: Figures,
    pairs: Sequence[tuple[int, int]],
    full: Flags,
    reasons: NDArray[np.int16],
    against: NDArray[np.int16],
    limits: Limits,
) -> Doubts | None:
    """The different things that samples may be. What a weak call says against another genotype is bounded by the least
    quality of a call, so that nothing is ruled out by what doesn't count as seen."""
    penalty = held.penalty
    low = (reasons != NO_REASON) | ~full
    penalty[low] = np.minimum(penalty[low], limits.quality)
    with np.errstate(invalid="ignore"):
        sure = 1 / (10 ** (-penalty / 10)).sum(axis=1) >= limits.sure
    unsure = ~np.isnan(penalty[:, 0]) & (reasons != FAILED) & (low | (against > 0) | ~sure)
    rows = np.flatnonzero(unsure)
    of = np.zeros(len(penalty), np.intp)
    tables: list[Unsure | None] = [None]
    if len(rows):
        marks = np.stack([held.stated[rows], against[rows]], axis=1).astype(np.int16)
        kept = np.minimum(penalty[rows], HIGHEST + 1).astype(np.int16)
        different, place = np.unique(np.concatenate([marks, kept], axis=1), axis=0, return_inverse=True)
        of[rows] = place.reshape(-1) + 1
        tables += [_table(pairs, row) for row in different.tolist()]
    elif not reasons.any():
        return None
    return Doubts(reasons, tables, of)


def _table(pairs: Sequence[tuple[int, int]], row: Sequence[int]) -> Unsure:
    stated, against, *penalties = row
    held = [(penalty, -place) for place, penalty in enumerate(penalties) if penalty <= HIGHEST]
    weights = tuple((pairs[-place], float(f"{10 ** (-penalty / 10):.3g}")) for penalty, place in sorted(held))
    # The frequency of alleles makes reference surer; it never takes away a change that the file calls or favours.
    reference = weights[0][0] == (0, 0) and not stated and not against
    return Unsure(weights, likelihoods=reference, why=_AGAINST[against])
