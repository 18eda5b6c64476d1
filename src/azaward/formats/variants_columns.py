"""The genotypes of one variant file at the sites that matter: a column a site, filled record by record.

A site may be told of by several records: one for each of its changes, a block of reference, the same line twice.
They are joined for each sample, and where they disagree the allele counts as missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from azaward.formats.rows import InputError
from azaward.formats.variants_alleles import ANY_OTHER, NOTHING, Edit, Map, Place, Reading, read_record, trim
from azaward.formats.variants_assembly import BaseEvidence
from azaward.formats.variants_file import Calls, Record
from azaward.genetics.model import MISSING, REFERENCE, UNDOCUMENTED, Status
from azaward.knowledge import Knowledge

Key = tuple[str, int]
# Phased, and no set named: one set for the whole chromosome. Above every position, which is what names a set.
_WHOLE = 2**30
_ABSENT = -(2**31)
# DeepVariant marks with this word what it finds to be reference; it isn't a failure.
_REFERENCE_CALL = "RefCall"


@dataclass(frozen=True)
class Limits:
    """Below these a genotype counts as missing, where the file gives depth and quality."""

    depth: float
    quality: float

    @classmethod
    def of(cls, knowledge: Knowledge) -> Limits:
        """The limits of parameters.csv."""
        held = knowledge.parameters
        return cls(held["genotype_min_depth"].value, held["genotype_min_quality"].value)


@dataclass(eq=False)
class Column:
    """One site: alleles int8 [n, 2], status int8 [n], phase int32 [n]; arrays that hold one value take no room."""

    alleles: NDArray[np.int8]
    status: NDArray[np.int8]
    phase: NDArray[np.int32]
    edits: frozenset[Edit]


@dataclass(eq=False)
class Partial:
    """A site of several bases that blocks of reference cover piece by piece."""

    covered: NDArray[np.int64]
    status: NDArray[np.int8]


@dataclass(eq=False)
class Columns:
    """What one file says, on one assembly, of `n` samples."""

    on: Map
    n: int
    limits: Limits
    columns: dict[Key, Column] = field(default_factory=dict[Key, Column])
    undocumented: list[tuple[Key, NDArray[np.intp], str]] = field(
        default_factory=list[tuple[Key, NDArray[np.intp], str]]
    )
    notes: list[tuple[str, NDArray[np.intp], str]] = field(default_factory=list[tuple[str, NDArray[np.intp], str]])
    bases: BaseEvidence = field(default_factory=BaseEvidence)
    with_genotypes: int = 0
    without: str | None = None
    error: InputError | None = None
    _partial: dict[Key, Partial] = field(default_factory=dict[Key, Partial])

    def add(self, record: Record, calls: Callable[[], Calls | None]) -> None:
        """Takes in a record. What makes the whole file unusable on this assembly is kept in `bases` and `error`."""
        for position, found, expected in self.on.known(record.chrom, record.start, record.ref):
            if found != expected:
                if self.bases.mismatch is None:
                    self.bases.mismatch = (
                        f"{record.where}: REF is {found} at {position}, where {self.on.assembly} has {expected}."
                    )
                return
            self.bases.fitting.add((record.chrom, position))
        told: list[tuple[Place, Reading]] = []
        for place in self.on.at(record.chrom, record.start, record.end):
            reading = read_record(self.on, place, record.start, record.end, record.ref, record.alts)
            if reading is not None:
                told.append((place, reading))
                self._name(record, place, reading)
        novel = self._novel(record, told)
        if not told and not novel:
            return
        try:
            found_calls = calls()
        except InputError as error:
            self.error = self.error or error
            return
        if found_calls is None:
            self.without = self.without or record.where
            for place, reading in told:
                nothing = np.full((self.n, 2), MISSING, np.int8)
                status = np.full(self.n, Status.NO_CALL, np.int8)
                self._join((place.gene, place.column), nothing, status, np.zeros(self.n, np.int32), reading.edits)
            return
        self.with_genotypes += 1
        status = _status(record, found_calls, self.limits)
        phase = _phase(found_calls)
        usable = status <= Status.NO_CALL  # SEEN, NO_RECORD and NO_CALL have no reason to doubt what was called
        usable |= (status == Status.HALF_CALL) | (status == Status.HAPLOID)
        for place, reading in told:
            self._take(record, place, reading, found_calls, status, usable, phase)
        for gene, code, text in novel:
            if len(rows := np.flatnonzero((found_calls.alleles == code).any(axis=1) & usable)):
                self.notes.append((gene, rows, text))

    def _name(self, record: Record, place: Place, reading: Reading) -> None:
        """Counts a record of a documented change as evidence of the assembly."""
        names = {each for each in (record.rsid or "").split(";") if each.startswith("rs")}
        if record.start == place.start and any(code > 0 for code in reading.codes):
            self.bases.named += not names or place.site.rsid is None or place.site.rsid in names

    def _novel(self, record: Record, told: list[tuple[Place, Reading]]) -> list[tuple[str, int, str]]:
        """Insertions and deletions in coding bases that no named allele has: gene, allele number, words."""
        found: list[tuple[str, int, str]] = []
        for code, alt in enumerate(record.alts, start=1):
            if alt in ANY_OTHER or alt == "*" or not alt.isalpha() or not record.ref.isalpha():
                continue
            edit = self.on.leftmost(record.chrom, trim(record.start, record.ref, alt))
            if edit.same_length or any(reading.codes[code] > 0 for _, reading in told):
                continue
            if exon := self.on.exon(record.chrom, edit):
                what = f"{record.chrom}:{record.start + 1} {record.ref[:20]}>{alt[:20]}"
                found.append((exon[0], code, f"{what} changes exon {exon[1]} and is part of no named allele"))
        return found

    def _take(
        self,
        record: Record,
        place: Place,
        reading: Reading,
        calls: Calls,
        status: NDArray[np.int8],
        usable: NDArray[np.bool_],
        phase: NDArray[np.int32],
    ) -> None:
        key = (place.gene, place.column)
        table = np.array([MISSING, MISSING, *reading.codes], np.int8)
        codes = table[calls.alleles + 2]
        if not usable.all():
            codes[~usable] = MISSING
        full = (1 << len(place.site.ref)) - 1
        if reading.covers and reading.covers != full:
            self._cover(key, reading.covers, codes, status)
            return
        for code, alt in enumerate(record.alts, start=1):
            if reading.codes[code] == UNDOCUMENTED and len(
                rows := np.flatnonzero((calls.alleles == code).any(axis=1) & usable)
            ):
                text = f"{record.ref}>{alt}" if len(record.ref) + len(alt) <= 40 else f"{record.ref[:20]}>{alt[:20]}"
                self.undocumented.append((key, rows, text))
        self._join(key, codes, status, phase, reading.edits)

    def _cover(self, key: Key, covers: int, codes: NDArray[np.int8], status: NDArray[np.int8]) -> None:
        part = self._partial.setdefault(key, Partial(np.zeros(self.n, np.int64), np.zeros(self.n, np.int8)))
        fits = (codes == REFERENCE).all(axis=1)
        part.covered[fits] |= covers
        part.status = np.where(fits, part.status, np.maximum(status, Status.NO_CALL)).astype(np.int8)

    def _join(
        self,
        key: Key,
        codes: NDArray[np.int8],
        status: NDArray[np.int8],
        phase: NDArray[np.int32],
        edits: frozenset[Edit],
    ) -> None:
        held = self.columns.get(key)
        if held is None:
            self.columns[key] = Column(_small(codes), _small(status), _small(phase), edits)
            return
        alleles, joined, sides = join(
            (held.alleles, held.status, held.phase), (codes, status, phase), again=bool(held.edits & edits)
        )
        self.columns[key] = Column(_small(alleles), _small(joined), _small(sides), held.edits | edits)

    def finish(self) -> None:
        """Turns what was covered piece by piece into reference, and what no record spoke of into missing."""
        for key, part in self._partial.items():
            gene, column = key
            place = next(each for each in self.on.places if (each.gene, each.column) == (gene, column))
            whole = (part.covered == (1 << len(place.site.ref)) - 1) & (part.status == Status.SEEN)
            codes = np.where(whole, REFERENCE, MISSING).astype(np.int8)
            why = np.where(part.status != Status.SEEN, part.status, Status.NO_RECORD)
            status = np.where(whole, Status.SEEN, why).astype(np.int8)
            self._join(key, np.column_stack([codes, codes]), status, np.zeros(self.n, np.int32), frozenset())
        self._partial.clear()
        for key, held in self.columns.items():
            if not (nothing := held.alleles == NOTHING).any():
                continue
            alleles = np.where(nothing, MISSING, held.alleles).astype(np.int8)
            bare = held.status == Status.SEEN
            status = np.where(nothing.all(axis=1) & bare, Status.NO_RECORD, held.status)
            status = np.where(nothing.any(axis=1) & ~nothing.all(axis=1) & bare, Status.HALF_CALL, status)
            self.columns[key] = Column(_small(alleles), _small(status.astype(np.int8)), held.phase, held.edits)


Half = tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int32]]


def join(one: Half, other: Half, *, again: bool) -> Half:
    """Two accounts of a site (alleles, status, phase) as one; `again` says that both tell of the same change.

    Two records of different changes add up: each calls what it doesn't know reference. Two of the same must agree.
    """
    a, b = one[0].astype(np.int8), other[0].astype(np.int8)
    unphased = other[2] == 0
    turned = b[:, ::-1]
    if again:
        equal = (a == b).all(axis=1) | ((a == turned).all(axis=1) & (one[2] == 0) & unphased)
        known = ((a >= 0) | (a == UNDOCUMENTED)).all(axis=1), ((b >= 0) | (b == UNDOCUMENTED)).all(axis=1)
        take_b = ~equal & ~known[0] & known[1]
        take_a = ~equal & known[0] & ~known[1]
        alleles = np.where(take_b[:, None], b, a)
        status = np.where(take_a | take_b, Status.CONFLICT_SETTLED, one[1])
        lost = ~equal & ~take_a & ~take_b
        alleles = np.where(lost[:, None], MISSING, alleles)
        status = np.where(lost, Status.CONFLICT, status)
        phase = np.where(take_b, other[2], one[2])
        return alleles.astype(np.int8), status.astype(np.int8), phase.astype(np.int32)
    clash = _clash(a, b)
    turn = clash & unphased & (one[2] == 0)
    b = np.where(turn[:, None], turned, b)
    clash = _clash(a, b)
    change = (a > 0) | (a == UNDOCUMENTED)
    other_change = (b > 0) | (b == UNDOCUMENTED)
    alleles = np.where(change, a, np.where(other_change, b, np.where(a == NOTHING, b, np.where(b == NOTHING, a, 0))))
    both = ~change & ~other_change & (a != NOTHING) & (b != NOTHING)
    alleles = np.where(both & ((a == MISSING) | (b == MISSING)), MISSING, alleles)
    alleles = np.where(clash[:, None], MISSING, alleles)
    whole = ((alleles >= 0) | (alleles == UNDOCUMENTED)).all(axis=1)
    status = np.where(one[1] != Status.SEEN, one[1], other[1])
    status = np.where(whole, Status.SEEN, np.where(clash, Status.CONFLICT, status))
    alike = a[:, 0] == a[:, 1], b[:, 0] == b[:, 1]
    phase = np.where(one[2] == other[2], one[2], np.where(alike[0], other[2], np.where(alike[1], one[2], 0)))
    return alleles.astype(np.int8), status.astype(np.int8), phase.astype(np.int32)


def _clash(a: NDArray[np.int8], b: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Where both accounts put a change on the same side."""
    one, other = (a > 0) | (a == UNDOCUMENTED), (b > 0) | (b == UNDOCUMENTED)
    return (one & other).any(axis=1)


def _small(array: NDArray[Any]) -> NDArray[Any]:
    """The same array, without room of its own where all rows are alike."""
    if len(array) > 1 and (array == array[0]).all():
        return np.broadcast_to(array[0].copy(), array.shape)
    return array


def _status(record: Record, calls: Calls, limits: Limits) -> NDArray[np.int8]:
    """Why a genotype can't be used, for each sample; what the file or its numbers reject comes before what it lacks."""
    first, second = calls.alleles[:, 0], calls.alleles[:, 1]
    status = np.zeros(len(first), np.int8)
    if calls.alleles.min(initial=0) < 0:
        status[(first < 0) != (second < 0)] = Status.HALF_CALL
        status[(second == -2) & (first >= 0)] = Status.HAPLOID
        status[(first < 0) & (second < 0)] = Status.NO_CALL
    called = status != Status.NO_CALL
    with np.errstate(invalid="ignore"):
        if calls.quality is not None:
            status[called & (calls.quality < limits.quality)] = Status.LOW_QUALITY
        if calls.depth is not None:
            status[called & (calls.depth < limits.depth)] = Status.LOW_DEPTH
    if calls.failed is not None:
        status[called & calls.failed] = Status.FILTERED
    if record.filters and (failed := set(record.filters.split(";")) - {"PASS", "."}):
        if failed == {_REFERENCE_CALL}:
            status[called & ((first != 0) | (second != 0))] = Status.FILTERED
        else:
            status[called] = Status.FILTERED
    return status


def _phase(calls: Calls) -> NDArray[np.int32]:
    if not calls.phased.any():
        return np.broadcast_to(np.int32(0), calls.phased.shape)
    sets = np.full(len(calls.phased), _WHOLE, np.int64)
    if calls.phase_set is not None:
        named = calls.phase_set.astype(np.int64)
        sets = np.where(named == _ABSENT, sets, np.where(named > 0, named, _WHOLE + 1 - named))
        sets = np.where(sets >= 2**31, _WHOLE, sets)
    return np.where(calls.phased, sets, 0).astype(np.int32)
