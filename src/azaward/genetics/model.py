"""What goes into a call and what comes out: genotypes of many people at the sites that define alleles, and for each
person and gene the diplotypes that fit, with their probabilities, what wasn't seen and what nobody has named.

Whoever reads files fills `Genotypes`; whoever writes reports reads `SampleCall`. Neither needs to know how a call is
made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, unique
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from azaward.genetics.dosing import GENES as GENES
from azaward.knowledge import Knowledge

REFERENCE, MISSING, UNDOCUMENTED = 0, -1, -2
"""Codes in `GeneGenotypes.alleles`; a positive code is the place in `Site.alts`, counted from 1."""
UNDOCUMENTED_BASE = "?"
DISAGREED = "repeated records disagree, and none could be preferred"


@unique
class Status(IntEnum):
    """What happened to a sample at a site. Whether an allele is known is said by `alleles`; this says why not."""

    SEEN = 0
    NO_RECORD = 1
    NO_CALL = 2
    FILTERED = 3
    LOW_DEPTH = 4
    LOW_QUALITY = 5
    HALF_CALL = 6
    HAPLOID = 7
    CONFLICT = 8
    CONFLICT_SETTLED = 9
    REFERENCE_MISMATCH = 10
    NOT_TESTED = 11
    UNREADABLE = 12
    ASSUMED_REFERENCE = 13
    UNSURE = 14
    ENDLESS = 15

    @property
    def says(self) -> str:
        """The reason in plain words."""
        return _SAYS[self]


_SAYS: Mapping[Status, str] = {
    Status.SEEN: "seen",
    Status.NO_RECORD: "no record in the file",
    Status.NO_CALL: "a record without a genotype",
    Status.FILTERED: "the record failed the file's own filters",
    Status.LOW_DEPTH: "too few reads",
    Status.LOW_QUALITY: "the genotype's quality is too low",
    Status.HALF_CALL: "only one of the two alleles was called",
    Status.HAPLOID: "one allele where two were expected",
    Status.CONFLICT: DISAGREED,
    Status.CONFLICT_SETTLED: "repeated records disagree; the usable one was taken",
    Status.REFERENCE_MISMATCH: "the file's reference allele isn't the assembly's",
    Status.NOT_TESTED: "not among the positions tested",
    Status.UNREADABLE: "a genotype that couldn't be read",
    Status.UNSURE: "the file isn't sure of it",
    Status.ENDLESS: "the record doesn't say where it ends",
    Status.ASSUMED_REFERENCE: "no record in the file; taken as the reference, as asked",
}


@dataclass(frozen=True)
class Site:
    """A position at which a named allele differs from the reference; forward strand, as a VCF writes it."""

    gene: str
    rsid: str | None
    chrom: str
    pos_grch38: int
    pos_grch37: int
    ref: str
    alts: tuple[str, ...]

    @property
    def label(self) -> str:
        """The name that people know: the rs number, or the position on GRCh38."""
        return self.rsid or f"{self.chrom}:{self.pos_grch38}"

    def base(self, code: int) -> str:
        """The bases of an allele code: `.` when missing, `?` when no named allele has them."""
        return {MISSING: ".", UNDOCUMENTED: UNDOCUMENTED_BASE, REFERENCE: self.ref}.get(code) or self.alts[code - 1]


@lru_cache(maxsize=16)
def sites(knowledge: Knowledge, gene: str) -> tuple[Site, ...]:
    """The sites of a gene, in the order of the chromosome; the columns of that gene's arrays.

    Raises `ValueError` when the knowledge has no position of this gene.

    >>> from azaward.knowledge import load
    >>> [site for site in sites(load(), "TPMT") if site.rsid == "rs1142345"]
    [Site(gene='TPMT', rsid='rs1142345', chrom='chr6', pos_grch38=18130687, pos_grch37=18130918, ref='T',
          alts=('C', 'G'))]
    """
    by_position: dict[int, Site] = {}
    for row in sorted(
        (row for row in knowledge.tables["gene_positions"] if row.gene == gene),
        key=lambda row: (row.pos_grch38, row.alt),
    ):
        before = by_position.get(row.pos_grch38)
        alts = (*before.alts, row.alt) if before else (row.alt,)
        by_position[row.pos_grch38] = Site(gene, row.rsid, row.chrom, row.pos_grch38, row.pos_grch37, row.ref, alts)
    if not by_position:
        raise ValueError(f"no position of gene {gene!r} in gene_positions.csv")
    return tuple(by_position.values())


class Unnamed(NamedTuple):
    """A change that no allele names, as one person carries it: bases start to end of GRCh38 (0-based, end excluded),
    what it does by its Sequence Ontology term, its HGVS name, the sides that carry it and their phase set.

    `doubt` says why it isn't counted: what was seen of it didn't pass. It then keeps a gene from being called normal.
    So does a change of a named allele in a call that isn't used.
    """

    start: int
    end: int
    term: str
    name: str
    first: bool
    second: bool
    phase: int = 0
    doubt: str | None = None

    @property
    def copies(self) -> int:
        """How many copies of the gene carry it."""
        return self.first + self.second


class Unsure(NamedTuple):
    """What may stand at a site of which the file itself isn't sure.

    - `genotypes`: pairs of allele codes in either order, each with a weight above 0, the heaviest first.
    - `likelihoods`: whether the weights are likelihoods, which count together with how common the alleles are. If not,
      they are probabilities and count as they stand.
    - `why`: what contradicts the genotype in the file, in words.
    """

    genotypes: tuple[tuple[tuple[int, int], float], ...]
    likelihoods: bool
    why: str | None = None


@dataclass(frozen=True, eq=False)
class GeneGenotypes:
    """One gene, n samples, s sites (`sites`, in that order).

    - `alleles`: int8 [n, s, 2]; 0 reference, k the k-th of `Site.alts` (from 1), -1 missing, -2 undocumented: bases
      that no named allele has there.
    - `phase`: int32 [n, s]; 0 unphased; equal positive numbers in a row are one phase set, in which the first alleles
      are one haplotype and the second the other. A missing allele keeps its side.
    - `status`: int8 [n, s], a `Status`.
    - `undocumented`: what stood there for a -2, by (sample index, site index), such as `T>A`.
    - `notes`: anything else that a reader of the call must know, by (sample index, site index); site index -1 is about
      the gene as a whole.
    - `unnamed`: the changes in coding bases and splice sites that no allele names, and rearrangements, by sample index.
    - `untested`: codes that were not looked for where reference was seen, by (sample index, site index): a probe
      compares two bases, and an allele with a third is not ruled out.
    - `row_of`: None where row i is sample i. Of a cohort the arrays hold each different row once, and `row_of`, int
      [samples], is the row that each sample has; `undocumented`, `notes` and the others then go
      by row.
    - `unsure`: by (sample index, site index), what may stand there where the genotype isn't sure. `alleles` has what
      the file calls, or missing alleles where the call is too weak to count as seen.
    """

    sites: tuple[Site, ...]
    alleles: NDArray[np.int8]
    phase: NDArray[np.int32]
    status: NDArray[np.int8]
    undocumented: Mapping[tuple[int, int], str] = field(default_factory=dict[tuple[int, int], str])
    notes: Mapping[tuple[int, int], tuple[str, ...]] = field(default_factory=dict[tuple[int, int], tuple[str, ...]])
    row_of: NDArray[np.integer[Any]] | None = None
    unnamed: Mapping[int, tuple[Unnamed, ...]] = field(default_factory=dict[int, tuple[Unnamed, ...]])
    untested: Mapping[tuple[int, int], tuple[int, ...]] = field(default_factory=dict[tuple[int, int], tuple[int, ...]])
    unsure: Mapping[tuple[int, int], Unsure] = field(default_factory=dict[tuple[int, int], Unsure])

    def __post_init__(self) -> None:
        n, s = len(self.alleles), len(self.sites)
        for name, array, shape, kind in (
            ("alleles", self.alleles, (n, s, 2), np.int8),
            ("phase", self.phase, (n, s), np.int32),
            ("status", self.status, (n, s), np.int8),
        ):
            if array.shape != shape or array.dtype != kind:
                given = f"{array.dtype} {list(array.shape)}"
                raise ValueError(f"{name}: found {given}, expected {np.dtype(kind)} {list(shape)}")


@dataclass(frozen=True, eq=False)
class Genotypes:
    """Genotypes of any number of samples; a file of many is given in parts, each a `Genotypes`."""

    samples: tuple[str, ...]
    genes: Mapping[str, GeneGenotypes]

    def __post_init__(self) -> None:
        for gene, held in self.genes.items():
            rows = len(held.alleles) if held.row_of is None else len(held.row_of)
            if rows != len(self.samples):
                raise ValueError(f"{gene}: {rows} rows of genotypes, expected {len(self.samples)} samples")


def nothing_seen(samples: Sequence[str], knowledge: Knowledge, status: Status = Status.NO_RECORD) -> Genotypes:
    """Genotypes in which every allele is missing: arrays to fill with what a file holds.

    >>> from azaward.knowledge import load
    >>> blank = nothing_seen(["c001", "c002"], load())
    >>> blank.genes["NUDT15"].alleles.shape[0], int(blank.genes["NUDT15"].alleles.max())
    (2, -1)
    """
    genes: dict[str, GeneGenotypes] = {}
    for gene in GENES:
        columns = sites(knowledge, gene)
        shape = (len(samples), len(columns))
        genes[gene] = GeneGenotypes(
            columns,
            np.full((*shape, 2), MISSING, np.int8),
            np.zeros(shape, np.int32),
            np.full(shape, status, np.int8),
            {},
            {},
        )
    return Genotypes(tuple(samples), genes)


class Diplotype(msgspec.Struct, frozen=True):
    """Two haplotypes that fit what was seen. `probability` is given what was seen, and sums to one over a call.

    `rests_on_unseen`: one of them differs from the reference where nothing was seen. Those that don't differ from each
    other only by which variants lie on which copy, and belong in every report, however improbable.
    """

    call: str
    probability: float
    phenotype: str
    rests_on_unseen: bool = False
    presumed: str | None = None
    """The phenotype if each change that no allele names does what is presumed of it."""


class PositionEvidence(msgspec.Struct, frozen=True):
    """What a call saw at one site: the bases (`.` missing), and why not if not.

    `phased`: another site of this person is of the same phase set and differs between the copies too, so that the sides
    say something.
    """

    site: Site
    alleles: tuple[str, str]
    phased: bool
    status: Status
    note: str | None = None


class GeneCall(msgspec.Struct, frozen=True):
    """What is known of one gene of one person.

    - `diplotypes`: every pair that fits, most probable first.
    - `phenotype`: the one to act on; `phenotypes`: every one that fits, with its probability, most probable first.
    - `missing_positions`: sites at which an allele wasn't seen.
    - `could_hide`: alleles of which a missing position may hide a copy more than the most probable pair has, with the
      probability that one is there; most probable first.
    - `presumed`: the phenotype that a dose goes by instead of `phenotype`, where what changes without a name do is
      presumed (consequences.csv); None where nothing is.
    - `changes`: the changes that no allele names, with what they do.
    - `undocumented`: bases that no named allele has at a known site, and haplotypes that carry a set of variants that
      no named allele has.
    - `evidence`: one entry a site.
    - `notes`: what a reader must know, in words.
    """

    gene: str
    diplotypes: tuple[Diplotype, ...]
    phenotype: str
    phenotypes: tuple[tuple[str, float], ...]
    missing_positions: tuple[Site, ...]
    could_hide: tuple[tuple[str, float], ...]
    undocumented: tuple[str, ...]
    evidence: tuple[PositionEvidence, ...]
    notes: tuple[str, ...]
    presumed: str | None = None
    changes: tuple[Unnamed, ...] = ()

    @property
    def acted_on(self) -> str:
        """The phenotype that a dose goes by."""
        return self.presumed or self.phenotype


class SampleCall(msgspec.Struct, frozen=True, gc=False):
    """Both genes of one person."""

    sample: str
    genes: Mapping[str, GeneCall]

    @property
    def phenotypes(self) -> Mapping[str, str]:
        """The phenotype to act on for each gene: what a dose goes by."""
        return {gene: call.acted_on for gene, call in self.genes.items()}
