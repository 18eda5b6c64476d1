"""What of a sample's call may be used, and which of its sides carry an allele of the record?

What can't be used keeps its reason. Where the file's own figures or a missing genotype leave room for a change, it may
be there.
"""

from __future__ import annotations

import numpy as np

from azaward.genetics.model import MISSING, Status, Unsure
from azaward.readers.genomes.calls import Call, Column
from azaward.readers.genomes.file import Record
from azaward.readers.genomes.merging import State

# DeepVariant marks with this word what it finds to be reference; it isn't a failure.
_REFERENCE_CALL = "RefCall"
_MAY_CARRY = (Status.SEEN, Status.NO_CALL, Status.LOW_DEPTH, Status.LOW_QUALITY, Status.HALF_CALL, Status.HAPLOID)


def failed(record: Record) -> set[str]:
    """The filters that a record didn't pass."""
    return set((record.filters or "").split(";")) - {"", "PASS", "."}


def judged(record: Record, call: Call) -> tuple[Call, int]:
    """A call and why it can't be fully used; rejection by the file or its figures outranks missing data."""
    first, second = call.first, call.second
    if first < 0 and second < 0:
        return call, Status.NO_CALL
    if why := failed(record):
        reference = first in (0, -1) and second in (0, -1, -2)
        if why != {_REFERENCE_CALL} or not reference:
            return call, Status.FILTERED
    if call.reason:
        return call, call.reason
    if second == -2:
        return call, Status.HAPLOID
    return call, Status.HALF_CALL if first < 0 or second < 0 else Status.SEEN


def why_untold(one: tuple[Call, int]) -> int:
    """Why a genotype in letters says nothing."""
    return Status.NO_CALL if one[1] == Status.NO_CALL else Status.UNREADABLE


def usable(one: tuple[Call, int]) -> bool:
    """Whether what a judged call has counts."""
    return one[1] in (Status.SEEN, Status.HALF_CALL, Status.HAPLOID)


def carried(one: tuple[Call, int], number: int, tie: int, cautious: float, *, hidden: bool = False) -> State:
    """Which sides of a judged call carry an allele of the record; what can't be used keeps its reason.

    `hidden`: a missing allele may be this one; so may the reference in a call that the sample's own figures or filter
    reject. Of two numbers of copies the file's own figures decide, where they are for the higher.
    """
    call, status = one
    first, second = (int(allele == number) if allele >= 0 else MISSING for allele in (call.first, call.second))
    likeliest = call.unsure.genotypes[0][0] if call.unsure else None
    if 1 in (first, second):
        if likeliest == (number, number):
            first = second = 1
    elif status in _MAY_CARRY and _may_carry(call, number, cautious):
        return State(0, 1, Status.UNSURE)
    elif (MISSING in (first, second) or call.reason) and _may_be_missing(call, number, cautious, hidden):
        return State(0, 1, status)
    return State(first, second, Status.SEEN if usable(one) else status, (call.phase or tie) if first != second else 0)


def may_hide(samples: Column[tuple[Call, int]], number: int, cautious: float) -> bool:
    """Whether a missing allele may be this one, with a probability of `cautious` or more: by how many of the alleles
    of the others it is, by the rule of succession."""
    people = np.bincount(samples.of, minlength=len(samples.states)).tolist()
    # A call that its own figures speak against shows nothing of the others.
    called = [
        (call.first, call.second, many)
        for (call, status), many in zip(samples.states, people, strict=True)
        if status == Status.SEEN and not (call.unsure and number in call.unsure.genotypes[0][0])
    ]
    seen = sum(many * (first == number) + many * (second == number) for first, second, many in called)
    return (seen + 1) / (2 * sum(many for _, _, many in called) + 2) >= cautious


def _may_be_missing(call: Call, number: int, cautious: float, hidden: bool) -> bool:
    """Whether a missing allele may be this one: by the reads of the sample itself, or, where the others leave room for
    it, by its figures, if it has any."""
    if call.unsure is None:
        return hidden
    if not hidden and call.unsure.likelihoods:
        return False
    return _share(call.unsure, number) >= cautious


def _may_carry(call: Call, number: int, cautious: float) -> bool:
    """Whether the file's own figures leave an allele that the call doesn't have a probability of `cautious`. How common
    a change without a name is isn't known: figures that favour the reference and are no probabilities leave none."""
    if call.unsure is None or call.unsure.likelihoods:
        return False
    return _share(call.unsure, number) >= cautious


def _share(unsure: Unsure, number: int) -> float:
    """The share of the genotypes with this allele among all that may be."""
    total = sum(weight for _, weight in unsure.genotypes)
    return sum(weight for pair, weight in unsure.genotypes if number in pair) / total
