"""What does one record of a variant file say about the positions that define alleles of TPMT and NUDT15?

The same change can be written in many ways: an insertion at any copy of a repeat, two changes in one record, or one
position split over several. Changes are therefore compared by the sequence that they produce, on the stretches of
reference in gene_sequences.csv, and never by how they were written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from azaward.errors import KnowledgeError
from azaward.genetics.consequence import Transcript, transcript
from azaward.genetics.model import GENES, REFERENCE, UNDOCUMENTED, Site, sites
from azaward.knowledge import Knowledge

AssemblyName = Literal["GRCh38", "GRCh37"]
ASSEMBLIES: tuple[AssemblyName, ...] = ("GRCh38", "GRCh37")
NOTHING = -4
"""A record's allele that says neither reference nor change of a place."""
TAKEN = -5
"""A record's allele (`*`) that says that a deletion takes the place away; another record has the deletion."""
# The words for "any other allele" in GATK's, bcftools' and samtools' records.
ANY_OTHER = ("<NON_REF>", "<*>", "<X>")
SILENT = "<SILENT>"
"""Stands for an ALT that another record tells of."""
BREAKENDS = ("BND", "TRA", "CTX")
"""Symbolic alleles that join two places."""
_BASES = frozenset("ACGTN")


class Edit(NamedTuple):
    """The replacement of bases start to end (0-based, end excluded), fully trimmed."""

    start: int
    end: int
    bases: str

    @property
    def same_length(self) -> bool:
        """Whether the bases that follow keep their positions."""
        return self.end - self.start == len(self.bases)


def trim(start: int, ref: str, alt: str) -> Edit:
    """The smallest edit that turns `ref` at `start` into `alt`.

    >>> trim(10, "AGGAGTC", "A")
    Edit(start=11, end=17, bases='')
    >>> trim(10, "CA", "TA")
    Edit(start=10, end=11, bases='T')
    """
    end = len(ref)
    while end and alt and ref[end - 1] == alt[-1]:
        end, alt = end - 1, alt[:-1]
    same = 0
    while same < end and same < len(alt) and ref[same] == alt[same]:
        same += 1
    return Edit(start + same, start + end, alt[same:])


class Change(NamedTuple):
    """A change that no allele names: on GRCh38 (0-based, end excluded), with what it does and its HGVS name."""

    gene: str
    start: int
    end: int
    term: str
    name: str


@dataclass(frozen=True, eq=False)
class Place:
    """A site on the file's assembly: its column and the span of its reference allele."""

    gene: str
    column: int
    site: Site
    start: int

    @property
    def end(self) -> int:
        """One past the last base of the reference allele."""
        return self.start + len(self.site.ref)


@dataclass(frozen=True)
class Stretch:
    """A piece of the reference, from `start` (0-based)."""

    chrom: str
    start: int
    bases: str

    def holds(self, start: int, end: int) -> bool:
        """Whether the span from start to end lies inside."""
        return self.start <= start and end <= self.start + len(self.bases)

    def after(self, edit: Edit) -> str:
        """The sequence after the edit."""
        return self.bases[: edit.start - self.start] + edit.bases + self.bases[edit.end - self.start :]

    def footprint(self, edit: Edit) -> tuple[int, int]:
        """The first and the last place at which the same insertion or deletion can be written.

        >>> Stretch("chr13", 0, "AGTCGTCA").footprint(Edit(1, 4, ""))
        (1, 7)
        """
        start, end = edit.start, edit.end
        unit = edit.bases or self.bases[start - self.start : end - self.start]
        if not unit or (edit.bases and start != end):
            return start, end
        left = start
        while left > self.start and self.bases[left - 1 - self.start] == unit[(left - 1 - start) % len(unit)]:
            left -= 1
        right = end
        while (
            right < self.start + len(self.bases) and self.bases[right - self.start] == unit[(right - end) % len(unit)]
        ):
            right += 1
        return left, right


class Reading(NamedTuple):
    """What a record says about a place: a code for each allele, and the bases that it reports as reference."""

    codes: tuple[int, ...]
    covers: int
    edits: frozenset[Edit]


@dataclass(frozen=True, eq=False)
class Map:
    """The places, exons and known bases of both genes on one assembly."""

    assembly: AssemblyName
    places: tuple[Place, ...]
    stretches: tuple[Stretch, ...]
    exons: tuple[tuple[str, str, int, int, int], ...]  # gene, chromosome, exon, start, end
    transcripts: Mapping[str, tuple[Transcript, int]]
    """For each chromosome its gene's transcript, and what to add to a position here for that on GRCh38."""

    def regions(self) -> dict[str, tuple[str, int, int]]:
        """For each chromosome its gene and the bases from the first to the last that matter."""
        found: dict[str, tuple[str, int, int]] = {}
        for gene in GENES:
            of_gene = [place for place in self.places if place.gene == gene]
            spans = [(place.start, place.end) for place in of_gene]
            spans += [(start, end) for name, _, _, start, end in self.exons if name == gene]
            chrom = of_gene[0].site.chrom
            spans += [(each.start, each.start + len(each.bases)) for each in self.stretches if each.chrom == chrom]
            transcribed, shift = self.transcripts[chrom]
            spans.append((transcribed.transcribed[0] - shift, transcribed.transcribed[1] - shift))
            found[chrom] = (gene, min(start for start, _ in spans), max(end for _, end in spans))
        return found

    def known(self, chrom: str, start: int, ref: str) -> Iterator[tuple[int, str, str]]:
        """Each base of `ref` that can be checked: its 1-based position, the actual base and the expected base."""
        for offset, base in enumerate(ref):
            if (expected := self.base(chrom, start + offset)) and base != "N":
                yield start + offset + 1, base, expected

    def base(self, chrom: str, position: int) -> str | None:
        """The reference base at a 0-based position, if it is known."""
        for each in self.stretches:
            if each.chrom == chrom and each.holds(position, position + 1):
                return each.bases[position - each.start]
        return None

    def at(self, chrom: str, start: int, end: int) -> Iterator[Place]:
        """The places that a record over these bases may describe: those that it, or its repeat, touches."""
        for low, high, place in self._reaches.get(chrom, ()):
            if start <= high and end >= low:
                yield place

    @cached_property
    def _reaches(self) -> Mapping[str, Sequence[tuple[int, int, Place]]]:
        """For each chromosome its places, and from where to where their changes can be written."""
        found: dict[str, list[tuple[int, int, Place]]] = {}
        for place in self.places:
            found.setdefault(place.site.chrom, []).append((*_reach(self, place), place))
        return found

    def leftmost(self, chrom: str, edit: Edit) -> Edit:
        """An insertion or deletion, left-aligned as far as the known bases allow; other edits are unchanged."""
        if (edit.start == edit.end) == (not edit.bases):
            return edit
        held = [each for each in self.stretches if each.chrom == chrom and each.holds(edit.start, edit.end)]
        if not held:
            return edit
        longest = max(held, key=lambda each: len(each.bases))
        by = edit.start - longest.footprint(edit)[0]
        if not edit.bases:
            return Edit(edit.start - by, edit.end - by, "")
        turn = by % len(edit.bases)
        return Edit(
            edit.start - by, edit.end - by, edit.bases[len(edit.bases) - turn :] + edit.bases[: len(edit.bases) - turn]
        )

    def effect(self, chrom: str, edit: Edit) -> Change | None:
        """What an edit does to the gene of a chromosome, if it touches its coding bases or splice sites."""
        gene, shift = self.transcripts[chrom]
        start, end = edit.start + shift, edit.end + shift
        if not gene.near(start, end) or (found := gene.effect(start, end, edit.bases)) is None:
            return None
        return Change(gene.gene, start, end, found.term, found.name)

    def unknown(self, chrom: str, start: int, end: int, ref: str) -> Change | None:
        """A change of bases start to end of which it is only known that they aren't the reference's."""
        gene, shift = self.transcripts[chrom]
        if not gene.touches(start + shift, end + shift):
            return None
        name = f"{chrom}:{start + shift + 1} {ref[:20]}>?"
        return Change(gene.gene, start + shift, end + shift, "sequence_variant", name)

    def named(self, place: Place, code: int) -> Change:
        """A change of named alleles, as what it does; its name begins with the site's."""
        edit = _changes(self, place)[code - 1]
        found = self.effect(place.site.chrom, edit)
        if found is None:
            raise KnowledgeError(
                f"gene_positions.csv: {place.site.label} touches neither coding bases nor a splice site"
            )
        return found._replace(name=f"{place.site.label} {found.name}")

    def rearranged(self, chrom: str, kind: str, start: int, end: int) -> Change | None:
        """What a rearrangement from start to end (0-based) does to the gene of a chromosome."""
        gene, shift = self.transcripts[chrom]
        if (found := gene.rearranged(kind, start + shift, end + shift)) is None:
            return None
        # Two callers seldom find the same ends: what they do to the exons is what counts.
        low, high = gene.span if gene.touches(start + shift, end + shift) else gene.transcribed
        return Change(gene.gene, max(start + shift, low), min(end + shift, high), found.term, found.name)


@lru_cache(maxsize=8)
def map_of(knowledge: Knowledge, assembly: AssemblyName) -> Map:
    """The places of both genes on an assembly.

    >>> from azaward.knowledge import load
    >>> map_of(load(), "GRCh37").regions()["chr13"][0]
    'NUDT15'
    """
    new = assembly == "GRCh38"
    places: list[Place] = []
    for gene in GENES:
        for column, site in enumerate(sites(knowledge, gene)):
            places.append(Place(gene, column, site, (site.pos_grch38 if new else site.pos_grch37) - 1))
    stretches = [
        Stretch(row.chrom, (row.start_grch38 if new else row.start_grch37) - 1, row.sequence)
        for row in knowledge.tables["gene_sequences"]
    ]
    stretches += [Stretch(place.site.chrom, place.start, place.site.ref) for place in places]
    exons = [
        (
            row.gene,
            row.chrom,
            row.exon,
            (row.start_grch38 if new else row.start_grch37) - 1,
            row.end_grch38 if new else row.end_grch37,
        )
        for row in knowledge.tables["gene_exons"]
    ]
    transcripts: dict[str, tuple[Transcript, int]] = {}
    for row in knowledge.tables["gene_exons"]:
        transcripts[row.chrom] = transcript(knowledge, row.gene), 0 if new else row.start_grch38 - row.start_grch37
    return Map(assembly, tuple(places), tuple(stretches), tuple(exons), transcripts)


def is_symbolic(alt: str) -> bool:
    """Whether an ALT is a rearrangement whose bases aren't written out, such as `<DEL>` or `N[chr2:321[`."""
    return alt not in ANY_OTHER and (alt.startswith("<") or "[" in alt or "]" in alt or alt.strip(".") != alt)


def kind_of(alt: str) -> str:
    """The kind of a symbolic allele: DEL, DUP, INS, CNV, INV or BND; empty for `SILENT`.

    `<CN1>` is CNV: by the specification it is one copy as the reference has, but callers also write it for a gene that
    has one copy in all.

    >>> [kind_of(alt) for alt in ("<DEL:ME:ALU>", "<CN0>", "<CN1>", "<CN3>", "N[chr2:321[", "<TRA>", "<NOBODY>")]
    ['DEL', 'DEL', 'CNV', 'DUP', 'BND', 'BND', 'CNV']
    """
    if alt == SILENT:
        return ""
    if not alt.startswith("<"):
        return "BND"
    word = alt.strip("<>").split(":")[0].upper()
    if (number := word.removeprefix("CN")).isdigit():
        return {"0": "DEL", "1": "CNV"}.get(number, "DUP")
    if word in BREAKENDS:
        return "BND"
    return word if word in ("DEL", "DUP", "INS", "INV") else "CNV"


@lru_cache(maxsize=512)
def _stretch_of(on: Map, place: Place) -> Stretch:
    """The longest known sequence around a place."""
    held = [each for each in on.stretches if each.chrom == place.site.chrom and each.holds(place.start, place.end)]
    return max(held, key=lambda each: len(each.bases))


@lru_cache(maxsize=512)
def _changes(on: Map, place: Place) -> tuple[Edit, ...]:
    return tuple(on.leftmost(place.site.chrom, trim(place.start, place.site.ref, alt)) for alt in place.site.alts)


@lru_cache(maxsize=512)
def _reach(on: Map, place: Place) -> tuple[int, int]:
    """The span within which this insertion or deletion can be written; a substitution has one position."""
    spans = [(place.start, place.end)]
    spans += [_stretch_of(on, place).footprint(edit) for edit in _changes(on, place) if not edit.same_length]
    return min(low for low, _ in spans), max(high for _, high in spans)


def read_record(on: Map, place: Place, start: int, end: int, ref: str, alts: Sequence[str]) -> Reading | None:
    """What a record from `start` to `end` (0-based) with these alleles says about a place; None if nothing.

    >>> from azaward.knowledge import load
    >>> on = map_of(load(), "GRCh38")
    >>> r139c = next(place for place in on.places if place.site.rsid == "rs116855232")
    >>> read_record(on, r139c, r139c.start, r139c.end, "C", ["T"]).codes
    (0, 1)
    >>> read_record(on, r139c, r139c.start - 1, r139c.end, "AC", ["A"]).codes  # deleted: nothing that has a name
    (-4, -2)
    """
    reference_too = not alts or any(alt in ANY_OTHER for alt in alts)
    codes: list[int] = [NOTHING]
    edits: set[Edit] = set()
    told = False
    for alt in alts:
        code, speaks, edit = _read_allele(on, place, start, end, ref, alt)
        codes.append(code)
        told |= speaks
        if edit is not None:
            edits.add(edit)
    covers = 0
    if reference_too:
        for offset in range(len(place.site.ref)):
            if start <= place.start + offset < end:
                covers |= 1 << offset
    if told or covers:
        codes[0] = REFERENCE
    elif all(code == NOTHING for code in codes):
        return None
    # An allele that leaves the place alone is reference there wherever the record speaks of the place at all.
    whole = [REFERENCE if code == NOTHING and codes[0] == REFERENCE else code for code in codes]
    return Reading(tuple(whole), 0 if told else covers, frozenset(edits))


def _read_allele(on: Map, place: Place, start: int, end: int, ref: str, alt: str) -> tuple[int, bool, Edit | None]:
    """The code of one ALT at a place, whether it makes the record relevant to that place, and its edit."""
    snv = len(place.site.ref) == 1 and all(len(each) == 1 for each in place.site.alts)
    if alt in ANY_OTHER:
        return (UNDOCUMENTED if start < place.end and end > place.start else NOTHING), False, None
    if alt == "*":
        return (TAKEN, snv, None) if start <= place.start < start + len(ref) else (NOTHING, False, None)
    if is_symbolic(alt):
        return NOTHING, False, None
    if not set(alt) <= _BASES:
        return (UNDOCUMENTED if start < place.end and end > place.start else NOTHING), False, None
    edit = on.leftmost(place.site.chrom, trim(start, ref, alt))
    if edit.start == edit.end and not edit.bases:
        return NOTHING, False, None
    if snv:
        if not edit.start <= place.start < edit.end:
            return NOTHING, False, None
        if not edit.same_length:
            return UNDOCUMENTED, False, edit
        base = edit.bases[place.start - edit.start]
        # Beside others in one ALT, it is the change that a record of its own would have.
        edit = Edit(place.start, place.end, base)
        if base == place.site.ref:
            return REFERENCE, True, edit
        code = place.site.alts.index(base) + 1 if base in place.site.alts else UNDOCUMENTED
        return code, True, edit
    if edit.same_length:
        return NOTHING, False, None
    stretch = _stretch_of(on, place)
    if stretch.holds(edit.start, edit.end):
        left = stretch.after(edit)
        for code, change in enumerate(_changes(on, place), start=1):
            if stretch.after(change) == left:
                return code, True, change
        low, high = stretch.footprint(edit)
    else:
        low, high = edit.start, edit.end
    reach = _reach(on, place)
    if low <= reach[1] and high >= reach[0]:
        return UNDOCUMENTED, True, edit
    return NOTHING, False, None
