"""What does a file that lists only differences say of the positions that it doesn't list? Nothing, unless somebody who
knows the file states that every position that differs is in it.

Then a position without any record is taken as the reference, with a status of its own, and a note says who stated it. A
deletion, a record that failed its filters or one without a genotype stays what it is. A file without rearrangements
doesn't say either how many copies of a gene there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass

import numpy as np

from azaward.errors import InputError
from azaward.genetics.model import GENES, REFERENCE, Status, sites
from azaward.knowledge import Knowledge
from azaward.readers.genomes.calls import Column
from azaward.readers.genomes.columns import ABSENT, WHOLE_GENE, Key, State
from azaward.readers.genomes.merging import settle

OPTION = "--absent-is-reference"
TAKEN = (
    "Positions without a record were taken as the reference because the person who asked said that the file has every "
    f"position that differs ({OPTION})"
)
MAY_LIST_DIFFERENCES = (
    "No record says reference, so the file may list only positions that differ. If its laboratory confirms that it has "
    f"every position that differs, {OPTION} states so, and takes positions without a record as the reference"
)
COPIES_UNSEEN = "Nothing in the file tells how many copies of the gene there are, so a deleted copy would not be seen"
_ASSUMED = State(REFERENCE, REFERENCE, Status.ASSUMED_REFERENCE)


@dataclass(frozen=True)
class Listed:
    """What a file lists: the chromosomes on which it has a change, whether any record says reference, and whether
    rearrangements or numbers of copies may be among its records."""

    file: str
    samples: tuple[str, ...]
    varied: frozenset[str]
    says_reference: bool
    copies: bool


def check_stated(files: Sequence[Listed], arrays: Sequence[str], knowledge: Knowledge) -> list[str]:
    """Warnings about chromosomes of which nothing can be taken. Raises `InputError` if the statement can't be true."""
    if arrays:
        raise InputError(f"{arrays[0]}: an array tests only some positions. Omit {OPTION}: it is for a VCF or a BCF.")
    for file in files:
        if file.says_reference:
            raise InputError(
                f"{file.file}: its records say where the reference was seen, so a position without one was not called. "
                f"Omit {OPTION}."
            )
    chromosomes = {sites(knowledge, gene)[0].chrom: gene for gene in GENES}
    varied = {chrom for file in files for chrom in file.varied}
    if not varied & set(chromosomes):
        raise InputError(
            f"{files[0].file}: no variant on chromosomes 6 and 13, so it doesn't show that they were looked at. Omit "
            f"{OPTION}, or use the complete file."
        )
    return [
        f"{files[0].file}: no variant on {chrom}, so {OPTION} says nothing of {gene}."
        for chrom, gene in chromosomes.items()
        if chrom not in varied
    ]


def says_reference(columns: Mapping[Key, Column[State]]) -> bool:
    """Whether a record says that nobody in a file differs at a position."""
    of_sites = [held for (_, column), held in columns.items() if isinstance(column, int) and column != WHOLE_GENE]
    return any(all(state[:2] == (REFERENCE, REFERENCE) for state in held.states) for held in of_sites)


def take_as_reference(
    columns: MutableMapping[Key, Column[State]], files: Iterable[Listed], names: Sequence[str], knowledge: Knowledge
) -> None:
    """Marks positions without a record as reference for the samples whose file has changes on the chromosome."""
    for gene in GENES:
        found = sites(knowledge, gene)
        stated = _of_samples(files, names, found[0].chrom)
        if True not in stated.states:
            continue
        for column in range(len(found)):
            held = columns.get((gene, column)) or _nothing(len(names))
            columns[gene, column] = held.joined(stated, lambda state, ok: _ASSUMED if ok and state == ABSENT else state)
        _say(columns, gene, stated, TAKEN)


def say_what_may_be_stated(
    columns: MutableMapping[Key, Column[State]], files: Sequence[Listed], names: Sequence[str], knowledge: Knowledge
) -> None:
    """Adds a note where files seem to list only differences, and positions are without a record."""
    if any(file.says_reference for file in files):
        return
    for gene in GENES:
        found = sites(knowledge, gene)
        held = [columns.get((gene, column)) for column in range(len(found))]
        if any(each is None or ABSENT in each.states for each in held):
            _say(columns, gene, _of_samples(files, names, found[0].chrom), MAY_LIST_DIFFERENCES)


def say_that_copies_are_unseen(
    columns: MutableMapping[Key, Column[State]], files: Sequence[Listed], names: Sequence[str]
) -> None:
    """Adds a note to the one person of files that have neither rearrangements nor numbers of copies."""
    if len(names) == 1 and not any(file.copies for file in files):
        for gene in GENES:
            _say(columns, gene, Column([True], np.zeros(1, np.uint8)), COPIES_UNSEEN)


def _of_samples(files: Iterable[Listed], names: Sequence[str], chrom: str) -> Column[bool]:
    """For each sample, whether one of its files has a change on the chromosome."""
    having = [file.samples for file in files if chrom in file.varied]
    if all(samples == tuple(names) for samples in having):
        return Column([bool(having)], np.zeros(len(names), np.uint8))
    held = {name for samples in having for name in samples}
    of = np.array([name in held for name in names], np.uint8)
    return Column([False, True], of)


def _nothing(samples: int) -> Column[State]:
    return Column([ABSENT], np.zeros(samples, np.uint8))


def _say(columns: MutableMapping[Key, Column[State]], gene: str, of: Column[bool], text: str) -> None:
    words = of.mapped(lambda ok: ABSENT._replace(text=text) if ok else ABSENT)
    held = columns.get((gene, WHOLE_GENE))
    columns[gene, WHOLE_GENE] = words if held is None else held.joined(words, _as_sentences)


def _as_sentences(one: State, other: State) -> State:
    return settle(one, other)._replace(text=". ".join(text for text in (one.text, other.text) if text) or None)
