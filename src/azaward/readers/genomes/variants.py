"""Reads variant files of any kind and size into genotypes at the sites that define alleles of TPMT and NUDT15.

`read` takes VCF, gVCF and BCF files and genotyping-array text, for one person or hundreds of thousands, and yields
`Genotypes` in parts of bounded size. docs/variant-files.md describes how the peculiarities of these formats are read.
"""

from __future__ import annotations

import functools
import itertools
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from azaward.errors import InputError
from azaward.genetics.decision import CAUTIOUS
from azaward.genetics.distinct import distinct, first_of, most_common
from azaward.genetics.model import GENES, MISSING, GeneGenotypes, Genotypes, Status, Unnamed, Unsure, sites
from azaward.knowledge import Knowledge
from azaward.readers.genomes.absent import (
    Listed,
    check_stated,
    say_that_copies_are_unseen,
    say_what_may_be_stated,
    says_reference,
    take_as_reference,
)
from azaward.readers.genomes.alleles import ASSEMBLIES, AssemblyName, Change, map_of
from azaward.readers.genomes.assembly import check_asked, decide, told_by_contigs, told_by_header
from azaward.readers.genomes.calls import Column
from azaward.readers.genomes.chips.arrays import is_array, read_array
from azaward.readers.genomes.columns import ABSENT, WHOLE_GENE, Columns, Key, State
from azaward.readers.genomes.contigs import chromosome
from azaward.readers.genomes.file import (
    EVERY,
    LeadingPhaseError,
    Progress,
    Span,
    VariantFile,
    has_index,
    is_bcf,
    shown,
)
from azaward.readers.genomes.kinds import check_kind
from azaward.readers.genomes.likelihoods import Limits
from azaward.readers.genomes.merging import differ, either, settle
from azaward.readers.genomes.text import without_leading_phase
from azaward.readers.genomes.unsure import combined

PART = 100_000
"""The number of samples in one part."""
_WIDE = 1 << 17
"""How many rows are told apart by number before those that no sample has are dropped."""
_LONG = 500
_UNTOLD = Column([ABSENT], np.zeros(1, np.uint8))
Warn = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class _OneFile:
    """What one file says about its samples."""

    name: str
    samples: tuple[str, ...]
    columns: Mapping[Key, Column[State]]
    contigs: frozenset[str]
    listed: Listed

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process the names go as one text: no sample's name has a tab."""
        listed = replace(self.listed, samples=())
        return _rebuilt, (self.name, "\t".join(self.samples), self.columns, self.contigs, listed)


def _rebuilt(
    name: str, samples: str, columns: Mapping[Key, Column[State]], contigs: frozenset[str], listed: Listed
) -> _OneFile:
    names = tuple(samples.split("\t"))
    return _OneFile(name, names, columns, contigs, replace(listed, samples=names))


def read(
    paths: Sequence[Path],
    knowledge: Knowledge,
    assembly: AssemblyName | None = None,
    sample: str | None = None,
    progress: Progress | None = None,
    warn: Warn | None = None,
    *,
    absent_is_reference: bool = False,
) -> Iterator[Genotypes]:
    """The genotypes in these files, with samples in the order in which the files first name them.

    A sample's genes may be in several files (one for each chromosome). Files of a single sample must agree; of many
    samples, a site on which files disagree is missing. `absent_is_reference` states that the files have every position
    that differs: one without a record is then taken as the reference. `assembly` is needed only if a file doesn't give
    it. `progress` receives occasional progress messages, and `warn` receives warnings about a file as a whole. Raises a
    one-line `InputError` for input that can't be used.

    >>> from azaward.knowledge import load
    >>> part = next(read([Path("examples/genotype/one.vcf")], load()))
    >>> part.samples, int(part.genes["NUDT15"].alleles.max())
    (('c001',), 1)
    """
    try:
        yield from _read(paths, knowledge, assembly, sample, progress, warn, absent_is_reference)
    except InputError as error:
        raise InputError(_one_line(str(error))) from None


def _one_line(text: str) -> str:
    """A message that quotes a damaged file, with control characters shown as `?`."""
    plain = "".join(each if each.isprintable() else "?" for each in text)
    return plain if len(plain) <= _LONG else f"{plain[:_LONG]}..."


def _read(
    paths: Sequence[Path],
    knowledge: Knowledge,
    assembly: AssemblyName | None,
    sample: str | None,
    progress: Progress | None,
    warn: Warn | None,
    absent_is_reference: bool,
) -> Iterator[Genotypes]:
    for path in paths:
        check_kind(path)
    arrays = [path for path in paths if is_array(path)]
    files: list[_OneFile] = []
    refusal: InputError | None = None
    for path in paths:
        if path in arrays:
            continue
        try:
            files.append(_read_file(path, knowledge, assembly, sample, progress))
        except _NoSuchSampleError as error:
            refusal = refusal or InputError(str(error))
    if files:
        _check_contigs(files, knowledge, warn)
    elif refusal and not arrays:
        raise refusal
    if absent_is_reference:
        for line in check_stated([file.listed for file in files], [path.name for path in arrays], knowledge):
            if warn is not None:
                warn(line)
    yield from _parts(files, knowledge, absent_is_reference)
    for path in arrays:
        genotypes = read_array(path, knowledge, assembly, warn)
        if sample is None or genotypes.samples == (sample,):
            yield genotypes
        elif not files:
            raise InputError(f"{path.name}: has no sample {sample!r}. Expected: {genotypes.samples[0]}.")


class _NoSuchSampleError(InputError):
    """The file does not have the requested sample; another file may have it."""


def _read_file(
    path: Path, knowledge: Knowledge, asked: AssemblyName | None, sample: str | None, progress: Progress | None
) -> _OneFile:
    indexed = has_index(path)
    from azaward.readers.genomes.apart import LostError, apart

    try:
        return apart(lambda say: _read_here(path, knowledge, asked, sample, say), progress, must_live=indexed)
    except LostError:
        what = "the file or its index is" if indexed else "the BCF is" if is_bcf(path) else "the file is"
        raise InputError(f"{path.name}: {what} damaged: htslib can't read it. Create or copy it again.") from None


def _read_here(
    path: Path, knowledge: Knowledge, asked: AssemblyName | None, sample: str | None, progress: Progress | None
) -> _OneFile:
    limits = Limits.of(knowledge)
    file = VariantFile(path, limits)
    alone = len(file.samples) == 1
    if sample is not None:
        if sample not in file.samples:
            raise _NoSuchSampleError(f"{file.name}: has no sample {sample!r}. Expected one of: {shown(file.samples)}.")
        file = VariantFile(path, limits, sample)
    by_header = told_by_header(file.name, file.header, file.contigs, knowledge)
    check_asked(file.name, asked, by_header)
    told = asked or by_header
    spans = _spans(knowledge)
    try:
        held = _fill(file, knowledge, told, spans, progress)
    except LeadingPhaseError:
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "plain.vcf"
            without_leading_phase(path, _near(file.name, spans, progress), plain)
            file = VariantFile(path, limits, sample, plain)
            held = _fill(file, knowledge, told, spans, progress)
    if not file.records_read and not file.any_record():
        raise InputError(f"{file.name}: contains no records, so nothing is known about anyone. Use the complete file.")
    by_header = told_by_contigs(file.name, file.contigs_seen, by_header, knowledge)
    check_asked(file.name, asked, by_header)
    if {span.chrom for span in spans} & {chromosome(name) for name in file.contigs_seen}:
        columns = held[decide(file.name, asked, by_header, {name: each.bases for name, each in held.items()})]
    else:
        columns = held[told or ASSEMBLIES[0]]  # nothing in it lies where an assembly would matter
    if columns.error is not None:
        raise columns.error
    if columns.without is not None and not columns.with_genotypes:
        raise InputError(f"{columns.without}: no GT among its FORMAT fields. Use the file that has the genotypes.")
    columns.finish()
    if sample is not None and not alone and _leans_on_others(columns.columns):
        return _only(_read_here(path, knowledge, asked, None, progress), sample)
    listed = Listed(
        file.name,
        file.samples,
        frozenset(file.varied),
        file.says_reference or says_reference(columns.columns),
        file.tells_copies,
    )
    return _OneFile(file.name, file.samples, columns.columns, frozenset(file.contigs_seen), listed)


def _leans_on_others(columns: Mapping[Key, Column[State]]) -> bool:
    """Whether what a sample may carry depends on what the others do: a change that has a record and no genotype."""
    missing = (Status.NO_CALL, Status.HALF_CALL, Status.HAPLOID)
    return any(
        not isinstance(key[1], int) and any(state.status in missing and 1 in state[:2] for state in column.states)
        for key, column in columns.items()
    )


def _only(file: _OneFile, sample: str) -> _OneFile:
    """What a file says about one of its samples."""
    at = file.samples.index(sample)
    columns = {key: Column(column.states, column.of[at : at + 1]) for key, column in file.columns.items()}
    return replace(file, samples=(sample,), columns=columns, listed=replace(file.listed, samples=(sample,)))


def _near(name: str, spans: Sequence[Span], progress: Progress | None) -> Callable[[bytes, int], bool]:
    """Whether a record may reach into the spans; reports progress occasionally."""
    last = {span.chrom: max(each.end for each in spans if each.chrom == span.chrom) for span in spans}
    asked = itertools.count(1)

    def near(contig: bytes, at: int) -> bool:
        if not (count := next(asked)) % EVERY and progress is not None:
            progress(f"{name}: {count:,} records scanned")
        return at <= last.get(chromosome(contig.decode("utf-8", "replace")), 0)

    return near


def _spans(knowledge: Knowledge) -> list[Span]:
    """The relevant stretches on either assembly, with overlaps merged so that no record is read twice."""
    found: dict[str, list[Span]] = {}
    for assembly in ASSEMBLIES:
        for chrom, (_, start, end) in map_of(knowledge, assembly).regions().items():
            held = found.setdefault(chrom, [])
            if held and start < held[-1].end and end > held[-1].start:
                held[-1] = Span(chrom, min(start, held[-1].start), max(end, held[-1].end))
            else:
                held.append(Span(chrom, start, end))
    return [span for spans in found.values() for span in spans]


def _fill(
    file: VariantFile,
    knowledge: Knowledge,
    told: AssemblyName | None,
    spans: Sequence[Span],
    progress: Progress | None,
) -> dict[AssemblyName, Columns]:
    cautious = knowledge.parameters[CAUTIOUS].value
    held: dict[AssemblyName, Columns] = {
        name: Columns(map_of(knowledge, name), cautious, len(file.samples), only_bases=told not in (None, name))
        for name in ASSEMBLIES
    }
    for record in file.records(spans, progress):
        calls = functools.cache(record.calls)
        for columns in held.values():
            columns.add(record, calls)
    return held


def _check_contigs(files: Sequence[_OneFile], knowledge: Knowledge, warn: Warn | None) -> None:
    genes = {sites(knowledge, gene)[0].chrom: gene for gene in GENES}
    seen = {chromosome(name) for file in files for name in file.contigs}
    missing = [chrom for chrom in genes if chrom not in seen]
    if len(missing) == len(genes):
        found = list(dict.fromkeys(name for file in files for name in file.contigs))
        raise InputError(
            f"{files[0].name}: no contig {' or '.join(genes)} (6 or 13). Found: {shown(found)}. "
            "Use the file that has these chromosomes."
        )
    for chrom in missing:
        if warn is not None:
            warn(f"{files[0].name}: nothing on {chrom}, so {genes[chrom]} is unknown. Add the file that has it.")


def _parts(files: Sequence[_OneFile], knowledge: Knowledge, absent_is_reference: bool) -> Iterator[Genotypes]:
    """The samples of all files, one part at a time."""
    if not files:
        return
    names = files[0].samples
    if any(file.samples != names for file in files[1:]):
        names = tuple(dict.fromkeys(name for file in files for name in file.samples))
    if len(names) == 1:
        _check_one_person(files, names[0], knowledge)
    columns: dict[Key, Column[State]] = {}
    for number, file in enumerate(files):
        for key, column in file.columns.items():
            column = column.mapped(lambda state, of=number: _sided_by(of, state)) if number else column
            told = column if file.samples == names else _spread(column, file.samples, names)
            both = combined(settle) if isinstance(key[1], int) else either
            columns[key] = columns[key].joined(told, both) if key in columns else told
    add = take_as_reference if absent_is_reference else say_what_may_be_stated
    add(columns, [file.listed for file in files], names, knowledge)
    say_that_copies_are_unseen(columns, [file.listed for file in files], names)
    for low in range(0, len(names), PART):
        high = min(low + PART, len(names))
        yield Genotypes(names[low:high], {gene: _gene(gene, columns, low, high, knowledge) for gene in GENES})


def _check_one_person(files: Sequence[_OneFile], name: str, knowledge: Knowledge) -> None:
    """Refuses files that are sure of different genotypes of the one sample that they have: are they of one person?

    Among many people, a site on which files disagree is one person's matter, and both genotypes count.
    """
    for one, other in itertools.combinations(files, 2):
        for gene in GENES:
            for at, site in enumerate(sites(knowledge, gene)):
                first, second = ((file.columns.get((gene, at)) or _UNTOLD).states[0] for file in (one, other))
                if differ(first, second):
                    told = " and ".join(
                        f"{'/'.join(site.base(code) for code in sorted(state[:2]))} in {file.name}"
                        for state, file in ((first, one), (second, other))
                    )
                    raise InputError(
                        f"{one.name}, {other.name}: sample {name!r} has {told} at {gene} {site.label}. Are both files "
                        "of one person? Give them one by one, and ask the laboratory which of them is right."
                    )


def _sided_by(file: int, state: State) -> State:
    """A state whose phase set is one of this file alone: what two files call the first copy needn't be the same one."""
    own = 1 + zlib.crc32(f"{file}:{state.phase}".encode()) % 2**30
    return state._replace(phase=own) if state.phase else state


def _spread(column: Column[State], samples: Sequence[str], names: Sequence[str]) -> Column[State]:
    """A file's column for the samples of all files; samples that it lacks are marked absent."""
    at = {name: row for row, name in enumerate(samples)}
    rows = np.array([at.get(name, -1) for name in names], np.intp)
    of = np.where(rows < 0, len(column.states), column.of[rows].astype(np.int32))
    return Column([*column.states, ABSENT], of)


def _gene(gene: str, columns: Mapping[Key, Column[State]], low: int, high: int, knowledge: Knowledge) -> GeneGenotypes:
    """The distinct rows of a gene among some samples, and each sample's index among them."""
    held = {column: each for (of, column), each in columns.items() if of == gene}
    first, row_of = _distinct_rows(list(held.values()), low, high)
    changes = sorted(column for column in held if not isinstance(column, int))
    found = sites(knowledge, gene)
    rows = len(first)
    alleles = np.full((rows, len(found), 2), MISSING, np.int8)
    phase = np.zeros((rows, len(found) + len(changes)), np.int32)
    status = np.full((rows, len(found)), Status.NO_RECORD, np.int8)
    undocumented: dict[tuple[int, int], str] = {}
    notes: dict[tuple[int, int], tuple[str, ...]] = {}
    unsure: dict[tuple[int, int], Unsure] = {}
    for column, each in sorted((column, each) for column, each in held.items() if isinstance(column, int)):
        of = each.of[low:high][first]
        texts = {place: state.text for place, state in enumerate(each.states) if state.text}
        for row in np.flatnonzero(np.isin(of, list(texts))).tolist() if texts else []:
            if column == WHOLE_GENE:
                notes[row, column] = (texts[int(of[row])],)
            else:
                undocumented[row, column] = texts[int(of[row])]
        may_be = {place: state.unsure for place, state in enumerate(each.states) if state.unsure is not None}
        for row in np.flatnonzero(np.isin(of, list(may_be))).tolist() if may_be else []:
            unsure[row, column] = may_be[int(of[row])]
        if column != WHOLE_GENE:
            table = np.array([state[:4] for state in each.states], np.int32)[of]
            alleles[:, column], status[:, column], phase[:, column] = table[:, :2], table[:, 2], table[:, 3]
    carried: list[tuple[int, int, State]] = []
    for number, change in enumerate(changes, start=len(found)):
        each = held[change]
        for row, place in enumerate(each.of[low:high][first].tolist()):
            if 1 in (state := each.states[place])[:2]:
                carried.append((row, number, state))
                phase[row, number] = state.phase
    _relabel(phase)
    unnamed: dict[int, tuple[Unnamed, ...]] = {}
    named = _named(gene, knowledge) if carried else {}
    for row, number, state in carried:
        if (where := named.get(changes[number - len(found)])) and (
            where[1] in alleles[row, where[0]] or (row, where[0]) in unsure
        ):
            continue  # it counts by another record, or by the figures of its own
        one = _unnamed(changes[number - len(found)], state, int(phase[row, number]))
        unnamed[row] = (*unnamed.get(row, ()), one)
    return GeneGenotypes(
        found, alleles, phase[:, : len(found)].copy(), status, undocumented, notes, row_of, unnamed, unsure=unsure
    )


def _named(gene: str, knowledge: Knowledge) -> dict[Change, tuple[int, int]]:
    """The changes of named alleles, each with its column and its code there."""
    on = map_of(knowledge, "GRCh38")
    return {
        on.named(place, code): (place.column, code)
        for place in on.places
        if place.gene == gene
        for code in range(1, len(place.site.alts) + 1)
    }


def _unnamed(change: Change, state: State, phase: int) -> Unnamed:
    doubt = None if state.status == Status.SEEN else Status(state.status).says
    _, start, end, term, name = change
    return Unnamed(start, end, term, name, state.first == 1, state.second == 1, phase, doubt)


def _distinct_rows(columns: Sequence[Column[State]], low: int, high: int) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """The first sample with each distinct row of states, counted from `low`, and each sample's row."""
    several = [each.of[low:high] for each in columns if len(each.states) > 1]
    wide = [len(each.states) for each in columns if len(each.states) > 1]
    odd = np.zeros(high - low, bool)
    for of in several:
        odd |= of != most_common(of)
    # Those who have the usual state everywhere are one row; the others are told apart.
    some = np.flatnonzero(odd)
    _, rows_of_some = _combined([of[some] for of in several], wide)
    row_of = np.zeros(high - low, np.int32)
    row_of[some] = rows_of_some + 1
    present, row_of = distinct(row_of)
    return first_of(row_of, len(present)), row_of


def _combined(columns: Sequence[NDArray[Any]], wide: Sequence[int]) -> tuple[int, NDArray[Any]]:
    """The number of distinct rows of columns with so many states each, and each sample's row."""
    row_of: NDArray[Any] = np.zeros(len(columns[0]) if columns else 0, np.int32)
    rows = 1
    for of, states in zip(columns, wide, strict=True):
        if rows * states > _WIDE:
            present, row_of = distinct(row_of)
            rows, row_of = len(present), row_of.astype(np.int32 if len(present) * states < 2**31 else np.int64)
        row_of *= states
        row_of += of
        rows *= states
    present, row_of = distinct(row_of)
    return len(present), row_of


def _relabel(phase: NDArray[np.int32]) -> None:
    """Phase sets renumbered 1, 2, 3 in the order of the sites, so that equal people compare equal."""
    rows = np.flatnonzero((phase > 1).any(axis=1))
    if not len(rows):
        return
    left = phase[rows].astype(np.int64)
    if (left == left[:, :1]).all():
        phase[rows] = 1
        return
    out = np.zeros_like(left)
    label = 0
    while (left != 0).any():
        label += 1
        first = left[np.arange(len(left)), (left != 0).argmax(axis=1)]
        same = (left == first[:, None]) & (left != 0)
        out[same] = label
        left[same] = 0
    phase[rows] = out
