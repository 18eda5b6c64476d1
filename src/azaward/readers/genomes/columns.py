"""The genotypes of one variant file at the relevant sites, with one column for each site, filled record by record.

Even among a hundred thousand people, a site has only a few distinct states, so a column holds those states and each
sample's index among them. Several records may describe one site (one for each change, reference blocks, duplicate
lines). They are merged state by state (merging.py): a disagreement never resolves towards the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from azaward.errors import InputError
from azaward.genetics.model import MISSING, REFERENCE, UNDOCUMENTED, Status
from azaward.readers.genomes.alleles import (
    ANY_OTHER,
    NOTHING,
    TAKEN,
    Change,
    Edit,
    Map,
    Place,
    Reading,
    is_symbolic,
    kind_of,
    read_record,
    trim,
)
from azaward.readers.genomes.assembly import BaseEvidence
from azaward.readers.genomes.calls import Call, Column
from azaward.readers.genomes.contigs import chromosome
from azaward.readers.genomes.file import Record
from azaward.readers.genomes.judging import carried, failed, judged, may_hide, usable, why_untold
from azaward.readers.genomes.letters import by_letters, is_untold, mend
from azaward.readers.genomes.merging import ABSENT as ABSENT
from azaward.readers.genomes.merging import State as State
from azaward.readers.genomes.merging import add_up, agree, either, settle
from azaward.readers.genomes.structural.breakends import mate_of
from azaward.readers.genomes.structural.copies import NOT_COUNTED
from azaward.readers.genomes.unsure import combined, with_unsure

Key = tuple[str, int | Change]
"""A gene's site, or what is said of the gene as a whole, or a change that no allele names."""
WHOLE_GENE = -1
"""The column of what is said of a gene as a whole."""
# Above every position, so that no phase set of a file has the same number.
_TIED = 2**29
_STAR = "*"
_NOT_COUNTED = (Status.FILTERED, Status.LOW_DEPTH, Status.LOW_QUALITY)


@dataclass(eq=False)
class Columns:
    """What one file says about its samples on one assembly."""

    on: Map
    cautious: float
    """From which probability on a change that isn't called may be there all the same."""
    samples: int
    only_bases: bool = False
    """Whether records are looked at for what they say of the assembly alone."""
    columns: dict[Key, Column[State]] = field(default_factory=dict[Key, Column[State]])
    bases: BaseEvidence = field(default_factory=BaseEvidence)
    with_genotypes: int = 0
    without: str | None = None
    error: InputError | None = None
    _edits: dict[Key, frozenset[Edit]] = field(default_factory=dict[Key, frozenset[Edit]])
    _pieces: dict[Key, Column[tuple[int, int]]] = field(default_factory=dict[Key, Column[tuple[int, int]]])

    def add(self, record: Record, calls: Callable[[], Column[Call] | None]) -> None:
        """Adds a record. Faults that make the file unusable on this assembly are kept in `bases` and `error`."""
        if record.segment:
            if not self.only_bases and record.chrom in self.on.transcripts:
                self._add_segment(record)
            return
        if is_untold(self.on, record):
            self._add_untold(record, calls)
            return
        for position, found, expected in self.on.known(record.chrom, record.start, record.ref):
            if found != expected:
                if self.bases.mismatch is None:
                    self.bases.mismatch = (
                        record.where,
                        f"REF is {found} at {position}, where {self.on.assembly} has {expected}.",
                    )
                    self.bases.mend = mend(self.on, record, expected)
                return
            self.bases.fitting.add((record.chrom, position))
        told: list[tuple[Place, Reading]] = []
        for place in self.on.at(record.chrom, record.start, record.end):
            reading = read_record(self.on, place, record.start, record.end, record.ref, record.alts)
            if reading is not None:
                told.append((place, reading))
                self._name(record, place, reading)
        if self.only_bases:
            return
        unnamed = list(self._unnamed(record, told))
        copies = record.copies() if record.copies is not None and record.chrom in self.on.transcripts else None
        if copies is not None:
            self._count(record, copies)
        if not (told or unnamed):
            return
        self.with_genotypes += copies is not None and copies.states != [NOT_COUNTED]
        samples = self._samples(record, calls)
        if samples is None:
            self._without_genotypes(unnamed, copies)
            return
        tie = _tie(record, told, unnamed)
        for place, reading in told:
            self._take(record, place, reading, samples, tie)
            self._doubt(place, reading, samples)
        # Who counts copies often writes no genotype.
        counted = copies is not None and NOT_COUNTED not in copies.states
        for number, change in unnamed:
            says_what = record.alts[number - 1] not in (_STAR, *ANY_OTHER)
            hidden = not counted and says_what and may_hide(samples, number, self.cautious)
            told_of = samples.mapped(lambda one, n=number, h=hidden: carried(one, n, tie, self.cautious, hidden=h))
            if copies is not None and kind_of(record.alts[number - 1]) == "CNV":
                # What the number of copies says is told by it.
                told_of = told_of.joined(copies, lambda one, count: one if count in (2, NOT_COUNTED) else ABSENT)
            if record.endless and record.alts[number - 1].startswith("<"):
                told_of = told_of.mapped(_without_end)
            self._carry(change, told_of)
            if is_symbolic(record.alts[number - 1]):
                self._unsee(record, told_of)

    def _without_genotypes(self, unnamed: Sequence[tuple[int, Change]], copies: Column[int] | None) -> None:
        """Notes of changes of which a record says nothing for its samples, but for those whose copies it counted."""
        if copies is None:
            copies = Column([NOT_COUNTED], np.zeros(self.samples, np.int8))
        for _, change in unnamed:
            self._carry(
                change,
                copies.mapped(lambda count: State(0, 1, Status.NO_CALL) if count == NOT_COUNTED else ABSENT),
            )

    def _samples(self, record: Record, calls: Callable[[], Column[Call] | None]) -> Column[tuple[Call, int]] | None:
        """The judged calls of a record; None, with the fault kept, if it has none that can be used."""
        try:
            called = calls()
        except InputError as error:
            self.error = self.error or error
            return None
        if called is None:
            self.without = self.without or record.where()
            return None
        self.with_genotypes += 1
        return Column([judged(record, call) for call in called.states], called.of)

    def _add_untold(self, record: Record, calls: Callable[[], Column[Call] | None]) -> None:
        """Adds a record whose alleles are letters or whose REF isn't known."""
        told, notes = by_letters(self.on, record)
        if self.only_bases or not (told or notes) or (samples := self._samples(record, calls)) is None:
            return
        for place, reading in told:
            if reading is not None:
                self._take(record, place, reading, samples, 0)
            else:
                lost = samples.mapped(lambda one: State(MISSING, MISSING, why_untold(one)))
                self._join((place.gene, place.column), lost, frozenset())
        for gene, text in notes:
            self._say(gene, samples.mapped(lambda one, t=text: None if one[1] == Status.NO_CALL else t))

    def _name(self, record: Record, place: Place, reading: Reading) -> None:
        """Counts a record of a documented change as evidence of the assembly."""
        names = {each for each in (record.rsid or "").split(";") if each.startswith("rs")}
        if record.start == place.start and any(code > 0 for code in reading.codes):
            self.bases.named += not names or place.site.rsid is None or place.site.rsid in names

    def _unnamed(self, record: Record, told: list[tuple[Place, Reading]]) -> Iterator[tuple[int, Change]]:
        """The changes that are part of no named allele, each with the number of its allele in the record."""
        if record.chrom not in self.on.transcripts:
            return
        for number, alt in enumerate(record.alts, start=1):
            if alt in (_STAR, *ANY_OTHER) and told:
                continue
            if alt == _STAR:
                change = self._starred(record)
            elif alt in ANY_OTHER:
                change = self.on.unknown(record.chrom, record.start, record.end, record.ref)
            elif is_symbolic(alt):
                change = self._rearrangement(record, alt)
            elif not (alt.isalpha() and record.ref.isalpha()):
                continue
            else:
                edit = self.on.leftmost(record.chrom, trim(record.start, record.ref, alt))
                for part in _unexplained(edit, record, number, told):
                    if (effect := self.on.effect(record.chrom, part)) is not None:
                        yield number, effect
                continue
            if change is not None:
                yield number, change

    def _doubt(self, place: Place, reading: Reading, samples: Column[tuple[Call, int]]) -> None:
        """Notes a named change that was seen in a call that isn't used, so that its carrier isn't called normal."""
        for number, code in enumerate(reading.codes):
            if code > 0 and any(number in one[:2] for one, status in samples.states if status in _NOT_COUNTED):
                change = self.on.named(place, code)
                self._carry(
                    change,
                    samples.mapped(
                        lambda one, n=number: carried(one, n, 0, self.cautious) if one[1] in _NOT_COUNTED else ABSENT
                    ),
                )

    def _starred(self, record: Record) -> Change | None:
        """Bases that a deletion of another record takes away."""
        change = self.on.unknown(record.chrom, record.start, record.start + len(record.ref), record.ref)
        return change and change._replace(name=f"{change.name[:-1]}{_STAR}")

    def _rearrangement(self, record: Record, alt: str) -> Change | None:
        kind, mate = kind_of(alt), mate_of(alt)
        if mate is not None and chromosome(mate.contig) == record.chrom:
            return self.on.rearranged(record.chrom, *mate.rearranges(record.start))
        # The first base of a symbolic allele is the one before the change.
        start = record.start + (alt.startswith("<") and kind != "INS")
        end = record.end if kind not in ("INS", "BND") else start + 1
        if record.endless:
            # What is turned round and ends nobody knows where may end in the gene.
            kind = "CNV" if kind == "INV" else kind
            end = max(end, self.on.regions()[record.chrom][2])
        return self.on.rearranged(record.chrom, kind, start, max(end, start + 1)) if kind else None

    def _carry(self, change: Change, told: Column[State]) -> None:
        if not any(1 in state[:2] for state in told.states):
            return
        key = (change.gene, change)
        held = self.columns.get(key)
        self.columns[key] = told if held is None else held.joined(told, either)

    def _unsee(self, record: Record, carried: Column[State]) -> None:
        """Notes why the bases of a rearrangement weren't seen, where it isn't known whether a sample has it."""
        unknown = carried.mapped(
            lambda one: State(NOTHING, NOTHING, one.status if one.status and one[:2] != (0, 0) else Status.SEEN)
        )
        for place in self.on.at(record.chrom, record.start + 1, record.end):
            self._join((place.gene, place.column), unknown, frozenset())

    def _add_segment(self, record: Record) -> None:
        if record.copies is not None and (copies := record.copies()) is not None:
            self._count(record, copies)

    def _count(self, record: Record, copies: Column[int]) -> None:
        """Copies of the gene that a caller counted (FORMAT CN); two are as many as there should be."""
        status = Status.FILTERED if failed(record) else Status.SEEN
        for kind, states in (
            ("DEL", {0: State(1, 1, status), 1: State(0, 1, status)}),
            ("DUP", {number: State(0, 1, status) for number in set(copies.states) if number > 2}),
        ):
            change = self.on.rearranged(record.chrom, kind, record.start + 1, max(record.end, record.start + 2))
            if change is not None and set(states) & set(copies.states):
                self._carry(change, copies.mapped(lambda count, states=states: states.get(count, ABSENT)))

    def _say(self, gene: str, said: Column[str | None]) -> None:
        words = said.mapped(lambda text: ABSENT._replace(text=text))
        held = self.columns.get((gene, WHOLE_GENE))
        self.columns[gene, WHOLE_GENE] = words if held is None else held.joined(words, settle)

    def _take(
        self, record: Record, place: Place, reading: Reading, samples: Column[tuple[Call, int]], tie: int
    ) -> None:
        key: Key = (place.gene, place.column)
        full = (1 << len(place.site.ref)) - 1
        if reading.covers and reading.covers != full:
            covers = reading.covers

            def piece(one: tuple[Call, int]) -> tuple[int, int]:
                state = _state(one, record, reading, tie)
                whole = state[:2] == (REFERENCE, REFERENCE)
                return (covers, Status.SEEN) if whole else (0, state.status or Status.NO_CALL)

            pieces = samples.mapped(piece)
            held = self._pieces.get(key)
            self._pieces[key] = (
                pieces if held is None else held.joined(pieces, lambda a, b: (a[0] | b[0], a[1] or b[1]))
            )
            return
        alts = len(place.site.alts)
        told = samples.mapped(lambda one: with_unsure(_state(one, record, reading, tie), one[0], record, reading, alts))
        self._join(key, told, reading.edits)

    def _join(self, key: Key, told: Column[State], edits: frozenset[Edit]) -> None:
        held, before = self.columns.get(key), self._edits.get(key, frozenset[Edit]())
        if held is not None:
            repeated = bool(before & edits)
            told = held.joined(told, combined(agree if repeated else add_up, different=not repeated))
        self.columns[key] = told
        self._edits[key] = before | edits

    def finish(self) -> None:
        """Marks sites covered piece by piece as reference, and sites without any record as missing; and leaves out the
        bases that a deletion takes away, where the sample has that deletion."""
        self._explain_stars()
        for (gene, column), pieces in self._pieces.items():
            place = self._place(gene, column)
            full = (1 << len(place.site.ref)) - 1

            def whole(one: tuple[int, int], full: int = full) -> State:
                if one == (full, Status.SEEN):
                    return State(REFERENCE, REFERENCE, Status.SEEN)
                return State(MISSING, MISSING, one[1] or Status.NO_RECORD)

            self._join((gene, column), pieces.mapped(whole), frozenset())
        self._pieces.clear()
        self.columns = {
            key: column.mapped(_finished) if isinstance(key[1], int) else column for key, column in self.columns.items()
        }

    def _explain_stars(self) -> None:
        for key in [key for key in self.columns if isinstance(key[1], Change) and key[1].name.endswith(_STAR)]:
            for other, column in list(self.columns.items()):
                if other[0] == key[0] and (codes := self._deleting(other, key[1])):
                    self.columns[key] = self.columns[key].joined(
                        column, lambda star, held, codes=codes: ABSENT if codes & set(held[:2]) else star
                    )

    def _deleting(self, key: Key, star: int | Change) -> set[int]:
        """The codes of a column that take away the bases of a star."""
        gene, column = key
        if not isinstance(star, Change) or column == WHOLE_GENE:
            return set()
        changes = {1: column} if isinstance(column, Change) else self._named_deletions(gene, column)
        return {
            code
            for code, change in changes.items()
            if not change.name.endswith(_STAR) and change.start <= star.start and change.end >= star.end
        }

    def _place(self, gene: str, column: int | Change) -> Place:
        return next(each for each in self.on.places if (each.gene, each.column) == (gene, column))

    def _named_deletions(self, gene: str, column: int) -> dict[int, Change]:
        place = self._place(gene, column)
        return {
            code: self.on.named(place, code)
            for code, alt in enumerate(place.site.alts, start=1)
            if len(alt) < len(place.site.ref)
        }


def _without_end(state: State) -> State:
    """A change of which it isn't said where it ends: whether it reaches the gene isn't known."""
    return state._replace(status=Status.ENDLESS) if state.status == Status.SEEN and 1 in state[:2] else state


def _unexplained(edit: Edit, record: Record, number: int, told: list[tuple[Place, Reading]]) -> list[Edit]:
    """What of an edit no named allele has: beside named bases, each other base by itself."""
    named = [place for place, reading in told if reading.codes[number] > 0]
    if not named:
        return [edit] if edit.start < edit.end or edit.bases else []
    if not edit.same_length:
        return []
    at = {place.start for place in named}
    bases = [(at, edit.bases[at - edit.start], record.ref[at - record.start]) for at in range(edit.start, edit.end)]
    return [Edit(place, place + 1, new) for place, new, old in bases if new != old and place not in at]


def _tie(record: Record, told: list[tuple[Place, Reading]], unnamed: list[tuple[int, Change]]) -> int:
    """A phase set of its own for a record whose allele changes several things, which then lie on one copy; 0 if none
    does."""
    for number in range(1, len(record.alts) + 1):
        named = sum(reading.codes[number] > 0 for _, reading in told)
        if named + sum(of == number for of, _ in unnamed) > 1:
            return _TIED + record.start
    return 0


def _state(one: tuple[Call, int], record: Record, reading: Reading, tie: int) -> State:
    """What a call says about a place."""
    call, status = one
    if not usable(one):
        return State(MISSING, MISSING, status)
    first, second = (reading.codes[allele] if allele >= 0 else MISSING for allele in (call.first, call.second))
    others = dict.fromkeys(
        record.alts[allele - 1]
        for allele in (call.first, call.second)
        if allele > 0 and reading.codes[allele] in (UNDOCUMENTED, TAKEN)
    )
    text = "; ".join(f"{_short(record.ref)}>{_short(alt)}" for alt in others) or None
    return State(first, second, status, (call.phase or tie) if first != second else 0, text)


def _short(bases: str) -> str:
    return bases if len(bases) <= 20 else f"{bases[:20]}..."


def _finished(state: State) -> State:
    if TAKEN in state[:2]:
        first, second = (UNDOCUMENTED if code == TAKEN else code for code in state[:2])
        state = state._replace(first=first, second=second)
    if NOTHING not in state[:2]:
        return state
    first, second = (MISSING if code == NOTHING else code for code in state[:2])
    status = state.status or (Status.HALF_CALL if (first, second) != (MISSING, MISSING) else Status.NO_RECORD)
    return state._replace(first=first, second=second, status=status)
