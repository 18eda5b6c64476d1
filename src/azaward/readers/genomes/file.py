"""Opens a VCF or BCF and yields the records in the relevant regions, with their genotypes as arrays.

htslib does the reading through cyvcf2: plain, gzip, bgzip, VCF or BCF. With an index, only the two genes are fetched;
without one, the whole file is read. A file that can't be read raises one `InputError` that gives the place.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import cyvcf2

from azaward.errors import InputError
from azaward.readers.genomes.alleles import ANY_OTHER, SILENT, is_symbolic, kind_of
from azaward.readers.genomes.calls import Call, Column, read_calls
from azaward.readers.genomes.contigs import chromosome, spellings
from azaward.readers.genomes.likelihoods import Limits
from azaward.readers.genomes.structural.copies import (
    alts_of,
    end_of,
    has_mate,
    is_endless,
    is_segment,
    mates,
    read_copies,
)
from azaward.readers.genomes.text import first_bad_line, lines, may_lead_with_phase

Progress = Callable[[str], None]
EVERY = 100_000
"""The number of records between two progress reports."""
# An empty block ends every bgzip file: a file without it was cut off.
_BGZIP_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")

# So far before a gene may a rearrangement begin whose end is known by its length alone.
_FAR = 1_000_000

_DECLARES_REARRANGEMENTS = re.compile(
    r"^##(INFO=<ID=(SVLEN|SVTYPE|CHR2)|ALT=<ID=(DEL|DUP|CNV|INV|BND|TRA|CTX))[,:>]", re.MULTILINE
)
# A file of rearrangements with so few records is read whole, so that those whose other end lies in a gene are seen.
_FEW = 100_000

# What htslib would print is said in an InputError instead.
ctypes.CDLL(cyvcf2.cyvcf2.__file__).hts_set_log_level(0)


class Span(NamedTuple):
    """A range of bases on a chromosome, 0-based, end excluded."""

    chrom: str
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Record:
    """One line of a variant file; `where` and `calls` are computed on demand."""

    where: Callable[[], str]
    chrom: str
    start: int
    end: int
    rsid: str | None
    ref: str
    alts: tuple[str, ...]
    filters: str | None
    calls: Callable[[], Column[Call] | None]
    copies: Callable[[], Column[int] | None] | None = None
    """How many copies of these bases each sample has, if the record counts them."""
    segment: bool = False
    """Whether the record only counts copies over a stretch: it then says nothing of the bases there."""
    endless: bool = False
    """Whether the record doesn't say where its rearrangement ends."""


class VariantFile:
    """An open VCF or BCF: its samples, its header, and its records."""

    def __init__(self, path: Path, limits: Limits, sample: str | None = None, plain: Path | None = None) -> None:
        """`plain` is a copy of the file in which no genotype begins with its phase."""
        self.path = path
        self.limits = limits
        self.name = path.name
        self._source = plain or path
        _whole(path)
        try:
            # Only "-" and addresses are more than a file's name to htslib.
            self._vcf: Any = cyvcf2.VCF(os.path.abspath(self._source), lazy=True)
            # Without the line of the samples' names, which may be long.
            self.header = str(self._vcf.raw_header).partition("\n#CHROM")[0] + "\n"
            names: Sequence[str] = self._vcf.samples
        except Exception:
            what = first_bad_line(self._source) or "the header can't be read"
            raise InputError(f"{self.name}: {what}. Expected a VCF (4.1 to 4.4) or a BCF.") from None
        self._declare()
        self._rearranged = _DECLARES_REARRANGEMENTS.search(self.header) is not None
        self.tells_copies = self._rearranged
        """Whether it may have rearrangements: its header declares them, or a record in the spans has one or counts
        copies."""
        if not names:
            raise InputError(f"{self.name}: contains sites but no samples. Use the file that has the genotypes.")
        if sample is not None:
            self._vcf.set_samples([sample])
            names = [sample]
        self.samples = tuple(names)
        self._bcf = is_bcf(self._source)
        self.records_read = 0
        self.contigs_seen: set[str] = set()
        self.varied: set[str] = set()
        """Chromosomes on which a record has a change of bases."""
        self.says_reference = False
        """Whether a record in the spans is a block of reference, or has no change."""

    def _declare(self) -> None:
        """Adds definitions that the file may have left out to htslib's header.

        cyvcf2 0.35 crashes on a malformed record, on a contig missing from the header, and on the bases of a record
        whose INFO was never read. With END declared, reading END is always enough (`_end`).
        """
        try:
            self._declared = set(self.contigs) & set(self._vcf.seqnames)
        except UnicodeDecodeError:
            raise InputError(f"{self.name}: header: a contig name isn't UTF-8. Save the file as UTF-8.") from None
        held = {chromosome(name) for name in self._declared}
        for name in spellings():
            if chromosome(name) not in held:
                self._vcf.add_to_header(f"##contig=<ID={name}>")
                self._declared.add(name)
        if not re.search(r"^##INFO=<ID=END,", self.header, re.MULTILINE):
            self._vcf.add_to_header('##INFO=<ID=END,Number=1,Type=Integer,Description="Last base">')

    @property
    def contigs(self) -> Mapping[str, int | None]:
        """Each contig named in the header or the index, with its length if the header gives one."""
        lengths: dict[str, int | None] = {}
        for line in re.findall(r"^##contig=<(.*)>\s*$", self.header, re.MULTILINE):
            found = re.search(r"(?:^|,)ID=([^,>]+)", line)
            length = re.search(r"(?:^|,)length=(\d{1,15})(?:,|$)", line)
            if found:
                lengths[found[1]] = int(length[1]) if length else None
        return lengths

    def records(self, spans: Sequence[Span], progress: Progress | None = None) -> Iterator[Record]:
        """The records that touch the spans, in the order of the file."""
        if (index := self._index()) is not None and not (self._rearranged and self._is_short()):
            yield from self._fetched(spans, index, progress)
        else:
            yield from self._streamed(spans, progress)

    def _is_short(self) -> bool:
        try:
            return int(self._vcf.num_records) <= _FEW
        except Exception:  # what can't be read is told by whoever needs it
            return False

    def _index(self) -> Path | None:
        # cyvcf2 tells the kind of a file from its name when it looks for the index.
        if self._bcf != (self._source.suffix == ".bcf"):
            return None
        ends = (".csi",) if self._bcf else (".tbi", ".csi")
        return next((index for end in ends if (index := Path(f"{self._source}{end}")).is_file()), None)

    def _fetched(self, spans: Sequence[Span], index: Path, progress: Progress | None) -> Iterator[Record]:
        try:
            names = list(dict.fromkeys([*self._vcf.seqnames, *self.contigs]))
        except Exception:
            raise InputError(
                f"{self.name}: its index {index.name} can't be read. Create it again, or remove it."
            ) from None
        self.contigs_seen = set(self.contigs) or set(names)
        wanted = [(name, span) for span in spans for name in names if chromosome(name) == span.chrom]
        for name, span in wanted:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    for variant in self._vcf(f"{name}:{span.start + 1}-{span.end}"):
                        self.records_read += 1
                        if progress is not None:
                            progress("")
                        if variant.start < span.end and variant.end > span.start:
                            yield self._record(variant, None)
                    yield from self._from_afar(name, span)
                except InputError:
                    raise
                except Exception:
                    self._maybe_rewrite()
                    what = (
                        None if self._bcf else first_bad_line(self._source)
                    ) or f"can't be read with its index {index.name}"
                    raise InputError(
                        f"{self.name}: {what}. The file or its index is damaged: create both again."
                    ) from None
        if not self.says_reference:
            with contextlib.suppress(Exception):  # what can't be read was told above, where it matters
                self._look_for_changes(dict.fromkeys(name for name, _ in wanted))

    def _from_afar(self, name: str, span: Span) -> Iterator[Record]:
        """Rearrangements that reach into a span by their SVLEN or their mate alone, which no index knows, and those
        that don't say where they end."""
        for variant in self._vcf(f"{name}:{max(1, span.start + 1 - _FAR)}-{span.start}"):
            if variant.end <= span.start and (end_of(variant) > span.start or is_endless(variant)):
                yield self._record(variant, None)
        if not self._rearranged:
            return
        for variant in self._vcf(f"{name}:{span.end + 1}-{span.end + _FAR}"):
            if variant.start >= span.end and has_mate(variant):
                yield from self._of_mates(variant, None)

    def _of_mates(self, variant: Any, number: int | None) -> Iterator[Record]:
        """A record as the other ends of its ALTs would write it: they may lie in a gene, or before it."""
        record: Record | None = None
        for place, mate in enumerate(mates(variant)):
            if mate is None:
                continue
            record = record or self._record(variant, number)
            chrom, start = chromosome(mate.contig), mate.at
            end = max(mate.at, record.start if chrom == record.chrom else 0) + 1
            told = [SILENT] * len(record.alts)
            told[place] = mate.seen_from_here(str(variant.CHROM), record.start)
            if record.alts[place].startswith("<") and chrom == record.chrom:
                kind = record.alts[place]
                told[place], start = "<CNV>" if kind_of(kind) == "BND" else kind, min(start, record.start)
            yield replace(record, chrom=chrom, start=start, end=end, ref="N", alts=tuple(told), endless=False)

    def _streamed(self, spans: Sequence[Span], progress: Progress | None) -> Iterator[Record]:
        bounds: dict[str, tuple[int, int]] = {}
        for span in spans:
            low, high = bounds.get(span.chrom, (span.start, span.end))
            bounds[span.chrom] = min(low, span.start), max(high, span.end)
        wanted: dict[str, tuple[int, int] | None] = {}
        # Then htslib itself counts a block of reference to its end.
        ends_are_numbers = re.search(r"^##INFO=<ID=END,(?!Number=1,Type=Integer)", self.header, re.MULTILINE) is None
        count = 0
        try:
            for variant in self._vcf:
                count += 1
                if progress is not None and not count % EVERY:
                    progress(f"{self.name}: {count:,} records read, now at {variant.CHROM}:{variant.POS:,}")
                name = variant.CHROM
                try:
                    bound = wanted[name]
                except KeyError:
                    bound = wanted[name] = bounds.get(chromosome(name))
                    if bound is not None and name not in self._declared:
                        raise self._undefined(name) from None
                if bound is not None and chromosome(name) not in self.varied:
                    self._note_change(variant)
                if bound is None or variant.start >= bound[1]:
                    if self._rearranged and has_mate(variant):
                        yield from self._of_mates(variant, count)
                    continue
                if variant.end <= bound[0]:
                    may_reach = not ends_are_numbers or variant.start > bound[0] - _FAR
                    if not may_reach or (end_of(variant) <= bound[0] and not is_endless(variant)):
                        if self._rearranged and has_mate(variant):
                            yield from self._of_mates(variant, count)
                        continue
                yield self._record(variant, count)
                if self._rearranged and has_mate(variant):
                    yield from (each for each in self._of_mates(variant, count) if each.chrom != chromosome(name))
        except InputError:
            raise
        except Exception as error:
            self._maybe_rewrite()
            at_line = None if self._bcf else first_bad_line(self._source, self._line_of(count + 1))
            what = at_line or f"record {count + 1} can't be read ({error})"
            raise InputError(f"{self.name}: {what}. It may be truncated or damaged: create or copy it again.") from None
        finally:
            self.records_read = count
            self.contigs_seen = set(wanted)

    def _undefined(self, contig: str) -> InputError:
        """The refusal of a contig on which cyvcf2 would crash."""
        return InputError(
            f"{self.name}: contig {contig!r} isn't defined in the header. Add the line ##contig=<ID={contig}> to the "
            "header."
        )

    def _note_change(self, variant: Any) -> None:
        end_of(variant)  # first, for it makes cyvcf2 take the record apart
        # A file of rearrangements alone doesn't show that single bases were looked at.
        if any(str(alt).isalpha() for alt in variant.ALT):
            self.varied.add(chromosome(variant.CHROM))

    def _look_for_changes(self, contigs: Iterable[str]) -> None:
        """Notes whether there is a change on each of these contigs, with the index; stops at the first."""
        for contig in contigs:
            for variant in self._vcf(contig):
                self._note_change(variant)
                if chromosome(contig) in self.varied:
                    break

    def any_record(self) -> bool:
        """Whether the file has any record at all."""
        try:
            return next(iter(cyvcf2.VCF(os.path.abspath(self._source), lazy=True)), None) is not None
        except Exception:
            return True

    def _maybe_rewrite(self) -> None:
        if self._source == self.path and not self._bcf and may_lead_with_phase(self.header):
            raise LeadingPhaseError

    def _record(self, variant: Any, number: int | None) -> Record:
        def where() -> str:
            line = f"line {self._line_of(number)}, " if number is not None and not self._bcf else ""
            return f"{self.name} {line}{variant.CHROM}:{variant.POS}"

        end = end_of(variant)  # first, for it makes cyvcf2 take the record apart
        alts = alts_of(variant)
        segment = is_segment(variant)
        if not segment and (not alts or any(alt in ANY_OTHER for alt in alts)):
            self.says_reference = True
        copies = segment or any(alt.startswith("<") for alt in alts)
        self.tells_copies |= segment or any(is_symbolic(alt) for alt in alts)
        return Record(
            where=where,
            chrom=chromosome(variant.CHROM),
            start=int(variant.start),
            end=max(int(variant.start) + len(variant.REF), end),
            rsid=variant.ID,
            ref=str(variant.REF).upper(),
            alts=alts,
            filters=variant.FILTER,
            calls=lambda: self._calls(variant, where, len(alts)),
            copies=(lambda: read_copies(variant)) if copies else None,
            segment=segment,
            endless=is_endless(variant),
        )

    def _calls(self, variant: Any, where: Callable[[], str], alts: int) -> Column[Call] | None:
        try:
            return read_calls(variant, where, alts, self.samples, self.limits)
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"{where()}: its genotypes can't be read ({error}). Create the file again.") from None

    def _line_of(self, number: int) -> int:
        """The line number of a record; htslib's own header may have lines that the file lacks."""
        for before, line in enumerate(lines(self._source)):
            if not line.startswith(b"#"):
                return before + number
        return number


class LeadingPhaseError(Exception):
    """htslib can't read a record, in a file whose genotypes may begin with their phase."""


def shown(names: Sequence[str], most: int = 5) -> str:
    """The first names in a list, and the number of others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _whole(path: Path) -> None:
    """Raises `InputError` if the file is missing, empty, or truncated bgzip."""
    try:
        with path.open("rb") as file:
            head = file.read(18)
            if not head:
                raise InputError(f"{path.name}: the file is empty.")
            # bgzip is gzip with an extra field that starts with BC.
            if head[:4] == b"\x1f\x8b\x08\x04" and head[12:14] == b"BC":
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - len(_BGZIP_END)))
                if file.read() != _BGZIP_END:
                    raise InputError(f"{path.name}: the bgzip file is truncated. Copy or create it again.")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. Expected a VCF, a BCF or a genotyping-array file.") from None


def has_index(path: Path) -> bool:
    """Whether a file has an index beside it, which htslib would open."""
    return any(Path(f"{path}{end}").exists() for end in (".tbi", ".csi"))


def is_bcf(path: Path) -> bool:
    """Whether a file is BCF, regardless of its name."""
    try:
        with path.open("rb") as file:
            head = file.read(65536)
        return (zlib.decompressobj(31).decompress(head, 5) if head[:2] == b"\x1f\x8b" else head)[:3] == b"BCF"
    except (OSError, zlib.error):
        return False
