"""The figures that a record gives its genotypes: GP, PL, GL, DS, AD and the quality of imputation, as numbers.

All become penalties: phred-scaled, 0 for the likeliest genotype of a sample, in the order of the VCF specification.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
MARKS = -(2**31) + 7
"""Up to this number, htslib's marks for a missing value and for the end of a vector."""
_QUALITY_OF_IMPUTATION = ("R2", "DR2", "AR2", "INFO", "Rsq")
READS = frozenset({"AD", "PR", "SR", "RO", "DR", "RR"})
"""FORMAT fields that count reads."""
_IMPUTED, _TYPED = ("IMPUTED", "IMP"), ("TYPED", "TYPED_ONLY")


@dataclass(eq=False)
class Figures:
    """Of each sample: `penalty`, float [n, genotypes], NaN where nothing is given; whether it is of a probability
    (`stated`) and not of a likelihood; whether figures are given that say nothing or can't be (`void`); and the reads
    of each allele, float [n, alleles]."""

    penalty: Numbers
    stated: Flags
    void: Flags
    counts: Numbers | None


def read_figures(variant: Any, fields: Sequence[str], alts: int, samples: int, r2: float | None) -> Figures:
    """The figures of a cyvcf2 variant. Of several fields, a sample has the first of GP, PL, GL and DS."""
    wide = (alts + 1) * (alts + 2) // 2 if alts else 3
    held = Figures(np.full((samples, wide), np.nan), np.zeros(samples, bool), np.zeros(samples, bool), None)
    if not alts:
        return held
    for field, read, stated in (("GP", _probabilities, True), ("PL", _phred, False), ("GL", _log10, False)):
        if field in fields and (given := matrix(variant, field, wide)) is not None:
            _take(held, given, read(given), stated)
    if "DS" in fields and alts == 1 and (given := matrix(variant, "DS", 1)) is not None:
        _take(held, given, _dosage(given[:, 0], r2), True)
    held.counts = read_counts(variant, fields, alts)
    held.void &= np.isnan(held.penalty[:, 0])
    return held


def read_counts(variant: Any, fields: Sequence[str], alts: int) -> Numbers | None:
    """The reads of each allele, NaN for a sample that has no such figures: AD, or what freebayes and callers of
    rearrangements write in its place. What different fields of these count is added up."""
    told: list[Numbers | None] = []
    if "AD" in fields:
        told = [matrix(variant, "AD", alts + 1)]
    elif set(fields) & READS:
        told = [matrix(variant, field, alts + 1) for field in ("PR", "SR") if field in fields]
        for reference, others in (("RO", "AO"), ("DR", "DV"), ("RR", "RV")):
            if reference in fields and others in fields:
                one, more = matrix(variant, reference, 1), matrix(variant, others, alts)
                told.append(None if one is None or more is None else np.concatenate([one, more], axis=1))
    counts = [np.where((each >= 0).all(axis=1, keepdims=True), each, np.nan) for each in told if each is not None]
    if len(counts) < 2:
        return counts[0] if counts else None
    return np.where(np.isnan(counts).all(axis=0), np.nan, np.nansum(counts, axis=0))


def imputed_r2(variant: Any, least: float) -> float | None:
    """The quality of imputation, None if the record wasn't imputed; `least` where it was and doesn't say how well."""
    found: list[float] = []
    info = variant.INFO
    if any(info.get(flag) for flag in _TYPED):
        return None
    for name in _QUALITY_OF_IMPUTATION:
        if (value := info.get(name)) is not None:
            try:
                found += [float(each) for each in (value if isinstance(value, tuple) else str(value).split(","))]
            except ValueError:
                found.append(0.0)
    if found:
        # Some programs estimate a little above 1.
        return min(1.0, max(0.0, min(0.0 if np.isnan(each) else each for each in found)))
    return least if any(info.get(flag) for flag in _IMPUTED) else None


def field_of(variant: Any, field: str) -> NDArray[Any] | None:
    """A FORMAT field as htslib gives it, one row a sample: numbers, or text where the header gives no type; None where
    the record lacks it or it can't be read."""
    try:
        found: Any = variant.format(field)
    except Exception:
        return None
    return None if found is None else np.asarray(found)


def matrix(variant: Any, field: str, wide: int) -> Numbers | None:
    """A FORMAT field as float [n, wide], NaN for a sample that doesn't have that many numbers."""
    array = field_of(variant, field)
    if array is None:
        return None
    if array.dtype.kind in "iuf":
        array = array.reshape(len(array), -1)
        if array.shape[1] != wide:
            return np.full((len(array), wide), np.nan)
        numbers = np.where(array <= MARKS, np.nan, array).astype(np.float64)
    else:
        numbers = np.array([_parsed(str(text), wide) for text in array.reshape(-1)], np.float64).reshape(-1, wide)
    numbers[~np.isfinite(numbers).all(axis=1)] = np.nan
    return numbers


def _parsed(text: str, wide: int) -> list[float]:
    try:
        found = [float(each) for each in text.split(",")]
    except ValueError:
        found = []
    return found if len(found) == wide else [np.nan] * wide


def _take(held: Figures, given: Numbers, penalty: Numbers, stated: bool) -> None:
    new = np.isnan(held.penalty[:, 0]) & ~np.isnan(given[:, 0])
    with np.errstate(invalid="ignore"):
        # Equal figures for all genotypes, as callers write them where there were no reads, say nothing.
        says = (penalty.max(axis=1) > 0) & new
    held.void |= new & ~says
    held.penalty[says] = penalty[says]
    held.stated |= says & stated


def _relative(probability: Numbers) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.minimum(-10 * np.log10(probability / probability.max(axis=1, keepdims=True)), 1e3)


def _probabilities(given: Numbers) -> Numbers:
    """Before VCF 4.3, GP was phred-scaled: no probability is above 1."""
    if np.nanmax(given, initial=0.0) > 1.01:
        return np.where((given >= 0).all(axis=1, keepdims=True), given - given.min(axis=1, keepdims=True), np.nan)
    total = given.sum(axis=1, keepdims=True)
    can_be = (given >= 0).all(axis=1, keepdims=True) & (np.abs(total - 1) < 0.1)
    return np.where(can_be, _relative(np.abs(given)), np.nan)


def _phred(given: Numbers) -> Numbers:
    return np.where((given >= 0).all(axis=1, keepdims=True), given - given.min(axis=1, keepdims=True), np.nan)


def _log10(given: Numbers) -> Numbers:
    can_be = (given <= 0).all(axis=1, keepdims=True)
    return np.where(can_be, 10 * (given.max(axis=1, keepdims=True) - given), np.nan)


def _dosage(given: Numbers, r2: float | None) -> Numbers:
    """Two independent copies leave a dosage the variance d (1 - d/2); imputation of quality R2 leaves 1 - R2 of that,
    and never less than a dosage between two whole numbers must have. Without R2, all of it."""
    dosage = np.where((given >= 0) & (given <= 2), given, np.nan)
    whole = dosage - np.floor(dosage)
    variance = np.maximum(whole * (1 - whole), (1 - (r2 or 0.0)) * dosage * (1 - dosage / 2))
    both = np.maximum(0.0, (variance + dosage * dosage - dosage) / 2)
    one = np.maximum(0.0, dosage - 2 * both)
    return _relative(np.stack([np.maximum(0.0, 1 - one - both), one, both], axis=1))
