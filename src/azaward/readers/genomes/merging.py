"""What one file says about one sample at one site, and how two such accounts add up, of two records or of two files.

A disagreement never resolves towards the reference: what each account says may be, and counts as equally probable.
"""

from __future__ import annotations

from typing import NamedTuple

from azaward.genetics.model import DISAGREED, MISSING, REFERENCE, UNDOCUMENTED, Status, Unsure
from azaward.readers.genomes.alleles import NOTHING, TAKEN


class State(NamedTuple):
    """What one file says about one sample at one site: two allele codes, a `Status`, the phase set, a note, and what
    else it may be."""

    first: int
    second: int
    status: int
    phase: int = 0
    text: str | None = None
    unsure: Unsure | None = None

    @property
    def known(self) -> bool:
        """Whether both alleles are."""
        return MISSING not in self[:2] and NOTHING not in self[:2]


ABSENT = State(MISSING, MISSING, Status.NO_RECORD)


def either(one: State, other: State) -> State:
    """Combines two accounts of a change that no allele names: the one in which more was seen of it holds, and of what
    wasn't counted nothing outranks what was. Where both name the sides in one phase set, each side counts.

    >>> either(State(0, 0, 0), State(0, 1, 0))[:2], either(State(0, 1, Status.FILTERED), State(0, 0, 0)).status.name
    ((0, 1), 'FILTERED')
    >>> either(State(1, 1, Status.FILTERED), State(0, 1, 0))[:2], either(State(0, 1, 0, 7), State(1, 0, 0, 7))[:2]
    ((0, 1), (1, 1))
    """
    if one.phase == other.phase != 0 and one.status == other.status == Status.SEEN:
        return one._replace(first=max(one.first, other.first), second=max(one.second, other.second))
    return max(one, other, key=_carried)


def _carried(state: State) -> tuple[bool, int, bool, bool]:
    copies, counts = state[:2].count(1), state.status == Status.SEEN
    return copies > 0 and counts, copies, counts, state.phase > 0


def _change(code: int) -> bool:
    return code > 0 or code in (UNDOCUMENTED, TAKEN)


def add_up(one: State, other: State) -> State:
    """Combines two records of different changes at a site; each reports the other's change as reference.

    A base that one record's deletion takes away is the other's `*`, and a change that the other calls on both copies
    was seen on the copy that has the base.

    >>> add_up(State(0, 1, 0), State(2, 0, 0))[:2]
    (2, 1)
    >>> deleted = State(NOTHING, UNDOCUMENTED, 0)
    >>> add_up(State(TAKEN, 1, 0), deleted)[:2], add_up(State(1, 1, 0), deleted)[:2]
    ((-2, 1), (1, -2))
    """
    one, other = _on_the_copy_left(one, other), _on_the_copy_left(other, one)
    turned = other._replace(first=other.second, second=other.first)
    if not one.phase and not other.phase and _fit(one, turned) > _fit(one, other):
        other = turned
    text = _both(one.text, other.text)
    if _clash(one, other):
        return _disagreed(one, other)
    first, second = _sum(one.first, other.first), _sum(one.second, other.second)
    found = State(first, second, one.status or other.status, 0, text)
    if found.known:
        found = found._replace(
            status=max(Status.SEEN, *(x for x in (one.status, other.status) if x == Status.CONFLICT_SETTLED), 0)
        )
    if one.phase == other.phase or one.first == one.second:
        return found._replace(phase=other.phase)
    return found._replace(phase=one.phase if other.first == other.second else 0)


def agree(one: State, other: State) -> State:
    """Combines two records of the same change: they must agree, or only one of them may have a call. If they don't,
    what each says may be.

    >>> agree(State(0, 1, 0), State(-1, -1, 2)).status.name, agree(State(0, 1, 0), State(1, 1, 0))[:2]
    ('CONFLICT_SETTLED', (-1, -1))
    """
    if Status.CONFLICT in (one.status, other.status):
        return _disagreed(one, other)
    if one[:2] == other[:2]:
        return one if one.phase or not other.phase else other
    if sorted(one[:2]) == sorted(other[:2]):
        # Sides say something against each other only within one phase set: neither is then known.
        against = one.phase == other.phase
        return one._replace(phase=0) if against else one if one.phase else other
    if one.known != other.known:
        return (one if one.known else other)._replace(status=Status.CONFLICT_SETTLED)
    return _disagreed(one, other)


def _disagreed(one: State, other: State) -> State:
    """Neither can be preferred: each genotype that a record called in full is as likely as the others."""
    may_be: dict[tuple[int, int], float] = {}
    for state in (one, other):
        if state.status == Status.CONFLICT:
            may_be |= dict(state.unsure.genotypes) if state.unsure else {}
        elif state.known:
            may_be[min(state[:2]), max(state[:2])] = 1.0
    ordered = sorted(may_be.items(), key=lambda each: (each[0].count(REFERENCE), each[0]))
    unsure = Unsure(tuple(ordered), likelihoods=False, why=DISAGREED) if len(ordered) > 1 else None
    return State(MISSING, MISSING, Status.CONFLICT, unsure=unsure)


def settle(one: State, other: State) -> State:
    """Combines two files for a sample, as two records of the same change; a file without the site adds nothing."""
    text = _both(one.text, other.text)
    if one.status == Status.NO_RECORD:
        return other._replace(text=text)
    if other.status == Status.NO_RECORD:
        return one._replace(text=text)
    found = agree(one, other)
    return found._replace(text=text if UNDOCUMENTED in found[:2] else None)


def differ(one: State, other: State) -> bool:
    """Whether two files are both sure of a sample's genotype at a site, and each of another.

    >>> differ(State(0, 1, 0), State(1, 0, 0)), differ(State(0, 1, 0), State(0, 0, 0)), differ(State(0, 1, 0), ABSENT)
    (False, True, False)
    """
    sure = all(state.known and state.status == Status.SEEN and state.unsure is None for state in (one, other))
    return sure and sorted(one[:2]) != sorted(other[:2])


def _both(one: str | None, other: str | None) -> str | None:
    return "; ".join(dict.fromkeys(text for text in (one, other) if text)) or None


def _on_the_copy_left(one: State, other: State) -> State:
    """A change called on both copies of a place that another record's deletion takes away on one of them."""
    deleted = sorted(other[:2]) == [NOTHING, UNDOCUMENTED]
    if not deleted or one.first != one.second or not _change(one.first) or one.first == TAKEN:
        return one
    second = NOTHING if other.second == UNDOCUMENTED else one.second
    return one._replace(first=one.first if second == NOTHING else NOTHING, second=second)


def _clash(one: State, other: State) -> bool:
    return any(_change(a) and _change(b) and not _same(a, b) for a, b in zip(one[:2], other[:2], strict=True))


def _same(one: int, other: int) -> bool:
    return TAKEN in (one, other) and {one, other} <= {TAKEN, UNDOCUMENTED}


def _fit(one: State, other: State) -> tuple[bool, int]:
    """How well the sides of two records go together: without a clash, then by what both say alike."""
    return not _clash(one, other), sum(_same(a, b) for a, b in zip(one[:2], other[:2], strict=True))


def _sum(one: int, other: int) -> int:
    if _same(one, other):
        return min(one, other, key=lambda code: code == TAKEN)
    if _change(one) or other == NOTHING:
        return one
    if _change(other) or one == NOTHING:
        return other
    return MISSING if MISSING in (one, other) else REFERENCE
