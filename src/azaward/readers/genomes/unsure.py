"""What one file says about one sample at one site, and what it isn't sure of there: alleles of a record become codes of
the site, and records are combined.

Records of different changes at a place are combined genotype by genotype; of repeated records, what is used is as
unsure as its own figures are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

from azaward.genetics.model import MISSING, REFERENCE, UNDOCUMENTED, Status, Unsure
from azaward.readers.genomes.alleles import ANY_OTHER, NOTHING, TAKEN, Reading
from azaward.readers.genomes.calls import Call
from azaward.readers.genomes.file import Record
from azaward.readers.genomes.likelihoods import ANY_ALLELE
from azaward.readers.genomes.merging import State

Genotype = tuple[int, int]
_LEAST = 1e-6
"""Combined genotypes less likely than this, against the likeliest, can't be."""


def with_unsure(state: State, call: Call, record: Record, reading: Reading, alts: int) -> State:
    """A call's state at a place together with what else it may be there; `alts` is how many changes the place has."""
    if call.unsure is None or state.status in (Status.FILTERED, Status.CONFLICT):
        return state
    weights: dict[Genotype, float] = {}
    for (one, other), weight in call.unsure.genotypes:
        choices = list(product(_codes(one, record, reading, alts), _codes(other, record, reading, alts)))
        for first, second in choices:
            if NOTHING in (first, second):
                return state
            genotype = (min(first, second), max(first, second))
            if call.unsure.likelihoods:
                weights[genotype] = max(weights.get(genotype, 0.0), weight)
            else:
                weights[genotype] = weights.get(genotype, 0.0) + weight / len(choices)
    if len(weights) == 1 and (state.known or set(weights) == {(REFERENCE, REFERENCE)}):
        return state
    # A missing allele whose genotype the figures tell still counts as not seen.
    return state._replace(unsure=_table(weights, call.unsure.likelihoods, call.unsure.why))


def _codes(number: int, record: Record, reading: Reading, alts: int) -> list[int]:
    """The codes that an allele of a record may have: one, or for "any other" all that the record doesn't name."""
    if number == ANY_ALLELE or (number > 0 and record.alts[number - 1] in ANY_OTHER):
        if number > 0 and reading.codes[number] == NOTHING:
            return [NOTHING]
        return [code for code in range(1, alts + 1) if code not in reading.codes] + [UNDOCUMENTED]
    return [UNDOCUMENTED if reading.codes[number] == TAKEN else reading.codes[number]]


def _table(weights: dict[Genotype, float], likelihoods: bool, why: str | None) -> Unsure:
    highest = max(weights.values())
    held = sorted(weights.items(), key=lambda item: (-item[1], tuple(-code for code in item[0])))
    kept = tuple(
        (genotype, float(f"{weight / highest:.3g}")) for genotype, weight in held if weight >= _LEAST * highest
    )
    return Unsure(kept, likelihoods, why)


def combined(both: Callable[[State, State], State], *, different: bool = False) -> Callable[[State, State], State]:
    """A way of combining two records of a site that also combines what they aren't sure of.

    `different` says that the records are of different changes, each of which has the other's change as reference.
    """

    def combine(one: State, other: State) -> State:
        disputed = Status.CONFLICT in (one.status, other.status)
        if (one.unsure is None and other.unsure is None) or (disputed and not different):
            return both(one, other)
        found = both(one._replace(unsure=None), other._replace(unsure=None))
        if found.status == Status.CONFLICT and not disputed:
            return found
        silent = [state for state in (one, other) if state[:2] == (NOTHING, NOTHING)]
        if silent:
            return found._replace(unsure=(other if silent[0] is one else one).unsure)
        if different:
            return found._replace(unsure=_added(both, one, other))
        if Status.NO_RECORD in (one.status, other.status):
            return found._replace(unsure=(other if one.status == Status.NO_RECORD else one).unsure)
        if one.known != other.known:
            return found._replace(unsure=(one if one.known else other).unsure)
        return found._replace(unsure=one.unsure or other.unsure)

    return combine


def _added(both: Callable[[State, State], State], one: State, other: State) -> Unsure | None:
    """Every genotype of one record with every genotype of the other; None if one of them says nothing."""
    weights: dict[Genotype, float] = {}
    blank = one._replace(status=Status.SEEN, phase=0, text=None, unsure=None)
    for (first, weight), (second, more) in product(_genotypes(one), _genotypes(other)):
        found = both(blank._replace(first=first[0], second=first[1]), blank._replace(first=second[0], second=second[1]))
        if found.status != Status.CONFLICT and MISSING not in found[:2] and NOTHING not in found[:2]:
            genotype = (min(found[:2]), max(found[:2]))
            weights[genotype] = max(weights.get(genotype, 0.0), weight * more)
    held = [state.unsure for state in (one, other) if state.unsure is not None]
    if len(weights) < (1 if not (one.known and other.known) else 2):
        return None
    likelihoods = all(each.likelihoods for each in held) and max(weights, key=lambda one: weights[one]) == (0, 0)
    return _table(weights, likelihoods, next((each.why for each in held if each.why), None))


def _genotypes(state: State) -> Iterator[tuple[Genotype, float]]:
    if state.unsure is not None:
        yield from state.unsure.genotypes
    elif state.known:
        yield (state.first, state.second), 1.0
