"""The genotypes of one record as its distinct calls, and the call of each sample.

Depth, quality and sample filters are checked here against the limits in parameters.csv. A genotype that falls below
them is marked with the reason for not using it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from azaward.errors import InputError
from azaward.genetics.distinct import distinct, most_common
from azaward.genetics.model import Status
from azaward.readers.genomes.figures import MARKS, field_of, read_counts
from azaward.readers.genomes.likelihoods import Doubts, Limits, best_guess, read_doubts
from azaward.readers.genomes.phase import WHOLE, with_sets
from azaward.readers.genomes.phase import Call as Call

S = TypeVar("S")
T = TypeVar("T")
U = TypeVar("U")
# The order in which reasons are kept in a code of two bits.
_REASONS = (Status.SEEN, Status.LOW_QUALITY, Status.LOW_DEPTH, Status.FILTERED)


@dataclass(frozen=True, eq=False)
class Column(Generic[S]):
    """The distinct states, and the index of each sample's own state."""

    states: Sequence[S]
    of: NDArray[Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """Nearly all samples are alike: to another process go those that aren't."""
        usual = most_common(self.of)
        others = np.flatnonzero(self.of != usual).astype(np.int32)
        return _rebuilt, (self.states, len(self.of), self.of.dtype, usual, others, self.of[others])

    def mapped(self, change: Callable[[S], T]) -> Column[T]:
        """The column with a function applied to each state; states that become equal are merged."""
        return _of_states([change(state) for state in self.states], self.of)

    def joined(self, other: Column[T], both: Callable[[S, T], U]) -> Column[U]:
        """Combines two accounts of the same samples."""
        if len(self.states) == 1:
            return other.mapped(lambda state: both(self.states[0], state))
        if len(other.states) == 1:
            return self.mapped(lambda state: both(state, other.states[0]))
        wide = len(other.states)
        present, of = distinct(self.of.astype(np.int64) * wide + other.of)
        return _of_states([both(self.states[pair // wide], other.states[pair % wide]) for pair in present], of)


def _rebuilt(
    states: Sequence[S], length: int, kind: np.dtype[Any], usual: int, others: NDArray[Any], values: NDArray[Any]
) -> Column[S]:
    of = np.full(length, usual, kind)
    of[others] = values
    return Column(states, of)


def _of_states(states: Sequence[S], of: NDArray[Any]) -> Column[S]:
    unique = dict.fromkeys(states)
    if len(unique) == len(states):
        return Column(states, of)
    places = {state: place for place, state in enumerate(unique)}
    return Column(list(unique), np.array([places[state] for state in states], of.dtype)[of])


def read_calls(
    variant: Any, where: Callable[[], str], alts: int, samples: Sequence[str], limits: Limits
) -> Column[Call] | None:
    """The calls of a cyvcf2 variant; None if it has no GT. Raises `InputError` for more than two alleles."""
    array = _genotypes(variant, alts, len(samples), limits)
    if array is None:
        return None
    fields: Sequence[str] = variant.FORMAT or []  # after GT, which makes cyvcf2 take the fields apart
    _check(array, where, alts, samples)
    quality = _least(variant, fields, (("GQX",), ("GQ", "RGQ")))
    reasons = _reasons(variant, fields, alts, limits, quality, len(array))
    doubts = read_doubts(variant, fields, array, reasons, quality, alts, limits)
    calls, of = _told_apart(array, alts, doubts.reasons if doubts else reasons)
    if "PID" in fields or ("PS" in fields and any(call.phase for call in calls)):
        calls, of = with_sets(calls, of, variant, fields)
    return _with_doubts(Column(calls, of), doubts)


def _with_doubts(told: Column[Call], doubts: Doubts | None) -> Column[Call]:
    if doubts is None or len(doubts.tables) == 1:
        return told
    return told.joined(Column(doubts.tables, doubts.of), lambda call, unsure: call._replace(unsure=unsure))


def _genotypes(variant: Any, alts: int, samples: int, limits: Limits) -> NDArray[Any] | None:
    """cyvcf2's array of GT; without GT, what the likeliest genotypes are by GP or DS."""
    try:
        return variant.genotype.array()
    except Exception:
        return best_guess(variant, variant.FORMAT or [], alts, samples, limits)


def _check(array: NDArray[Any], where: Callable[[], str], alts: int, samples: Sequence[str]) -> None:
    if array.shape[1] > 3 and (array[:, 2:-1] != -2).any():
        who = int(np.argmax((array[:, 2:-1] != -2).any(axis=1)))
        raise InputError(
            f"{where()}: sample {samples[who]!r} has {int((array[who, :-1] != -2).sum())} alleles. Expected two: call "
            "the chromosome as diploid."
        )
    if int(array.max(initial=-1)) > alts and (highest := int(array[:, :-1].max())) > alts:
        who = int(np.argmax(array[:, :-1].max(axis=1)))
        raise InputError(
            f"{where()}: sample {samples[who]!r} has allele {highest}; the record lists {alts} besides the reference. "
            "The file is damaged: create it again."
        )
    if int(array.min(initial=0)) < -2:
        raise InputError(f"{where()}: a sample has an allele below 0. The file is damaged: create it again.")


def _told_apart(array: NDArray[Any], alts: int, reasons: NDArray[np.int16] | None) -> tuple[list[Call], NDArray[Any]]:
    """The distinct calls and the index of each sample's own."""
    # One small number a sample for its alleles, phase and reason: a hundred thousand are then told apart at once.
    wide = alts + 3
    if 8 * wide * wide > np.iinfo(np.int16).max:
        array = array.astype(np.int32)
    codes = (array[:, 0] + 2) * (2 * wide)
    if array.shape[1] > 2:
        codes += 2 * array[:, 1] + 4
    codes += array[:, -1]
    codes = codes if reasons is None else codes + reasons.astype(codes.dtype) * (2 * wide * wide)
    present, of = distinct(codes)
    return [_call(code, wide) for code in present], of


def _call(code: int, wide: int) -> Call:
    code, phased = divmod(code, 2)
    code, second = divmod(code, wide)
    reason, first = divmod(code, wide)
    return Call(first - 2, second - 2, WHOLE if phased else 0, _REASONS[reason])


def _reasons(
    variant: Any, fields: Sequence[str], alts: int, limits: Limits, quality: NDArray[np.float64] | None, n: int
) -> NDArray[np.int16] | None:
    """For each sample, the index in `_REASONS` of why its genotype can't be used."""
    depth = _least(variant, fields, (("MIN_DP",), ("DP",)))
    if depth is None and (least := variant.INFO.get("MinDP")) is not None:
        depth = np.full(n, _number(str(least)))
    if depth is None and (counts := read_counts(variant, fields, alts)) is not None:
        depth = counts.sum(axis=1)
        # Of the reads around a rearrangement, callers count those alone that tell its ends from the reference.
        depth = depth if "AD" in fields else np.where(depth == 0, 0.0, np.nan)
    failed = _failed(variant) if "FT" in fields else None
    if depth is None and quality is None and failed is None:
        return None
    found = np.zeros(n, np.int16)
    with np.errstate(invalid="ignore"):
        if quality is not None:
            found[quality < limits.quality] = 1
        if depth is not None:
            found[depth < limits.depth] = 2
    if failed is not None:
        found[failed] = 3
    return found


def first_numbers(variant: Any, field: str) -> NDArray[np.float64] | None:
    """A FORMAT field as one number per sample, NaN if missing; text is parsed if the header gives no type."""
    array = field_of(variant, field)
    if array is None:
        return None
    array = array.reshape(len(array), -1)[:, 0]
    if array.dtype.kind in "iu":
        return np.where(array <= MARKS, np.nan, array)
    if array.dtype.kind == "f":
        return array.astype(np.float64)
    return np.array([_number(str(each)) for each in array], np.float64)


def _number(text: str) -> float:
    try:
        return float(text.split(",")[0])
    except ValueError:
        return float("nan")


def _least(variant: Any, fields: Sequence[str], choices: tuple[tuple[str, ...], ...]) -> NDArray[np.float64] | None:
    """The lowest value of the first of these fields in the record; NaN for a sample without one."""
    for choice in choices:
        found = [
            numbers for field in choice if field in fields and (numbers := first_numbers(variant, field)) is not None
        ]
        if found:
            return np.fmin.reduce(found)
    return None


def _failed(variant: Any) -> NDArray[np.bool_]:
    texts = np.asarray(variant.format("FT")).reshape(-1)
    return np.array([str(each).strip("\x00") not in ("PASS", ".", "") for each in texts], bool)
