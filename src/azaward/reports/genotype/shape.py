"""The shape of a genotype report: what text, JSON lines, TSV, HTML and PDF all show. Fields are only ever added."""

from __future__ import annotations

import msgspec

from azaward import __version__
from azaward.assessment import DISCLAIMER, Cited
from azaward.genetics.activity import Activity
from azaward.genetics.dosing import DrugPlan


class Out(msgspec.Struct, frozen=True, kw_only=True):
    """Part of a report."""


class DiplotypeOut(Out, frozen=True):
    """A pair of alleles and how probable it is, given what was seen."""

    call: str
    probability: float | None
    phenotype: str


class PositionOut(Out, frozen=True):
    """What was seen at one position that defines an allele."""

    rsid: str | None
    hgvs: str
    chrom: str
    pos_grch38: int
    pos_grch37: int
    reference: str
    alleles: str
    phased: bool
    status: str
    note: str | None
    reference_only: bool


class HiddenOut(Out, frozen=True):
    """An allele that a position not seen may hide."""

    allele: str
    probability: float


class PhenotypeOut(Out, frozen=True):
    """A phenotype that fits, and how probable it is."""

    phenotype: str
    probability: float


class ChangeOut(Out, frozen=True):
    """A change that no allele names, its consequence as the Sequence Ontology terms it, and how many copies carry it.

    `copies` is 0 for what two changes do together only if they lie on one copy, where that isn't known. `doubt` says
    why a change isn't counted.
    """

    name: str
    consequence: str
    copies: int
    doubt: str | None = None


class GeneOut(Out, frozen=True):
    """One gene: the call, the phenotype to act on, what was not seen and what nobody has named.

    `presumed` is the phenotype that an unnamed change is presumed to mean where `phenotype` can't be told: what a
    dose then goes by.
    """

    diplotypes: list[DiplotypeOut]
    phenotype: str
    phenotypes: list[PhenotypeOut]
    missing_positions: list[str]
    could_hide: list[HiddenOut]
    undocumented: list[str]
    notes: list[str]
    evidence: list[PositionOut]
    positions: int
    method: str
    presumed: str | None = None
    changes: list[ChangeOut] = []


class SampleReport(Out, frozen=True):
    """One person's report.

    `release` is the release of the allele tables; `reclassified` says which alleles of the call it classes anew.
    """

    sample: str
    genes: dict[str, GeneOut]
    dosing: dict[str, DrugPlan]
    dosed_by: dict[str, str | None]
    dosed_otherwise: dict[str, dict[str, str]]
    activity: Activity | None
    weighed: list[str]
    notes: list[str]
    unread: list[str]
    indication: str | None
    weight_kg: float | None
    sources: list[Cited]
    read_from: str
    azaward: str = __version__
    knowledge: str = ""
    disclaimer: str = DISCLAIMER
    release: str = ""
    reclassified: list[str] = []
