"""What was called, what was not seen, which dose follows and who says so: one person's genotype report.

Made from a call (`azaward.genetics`) or from a laboratory's words, always in the same shape; text, JSON lines,
TSV, HTML and PDF show it. People with the same phenotypes share one plan, so that a biobank is quick.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from azaward import __version__
from azaward.assessment import DISCLAIMER, Cited
from azaward.genetics.activity import Activity, Weighed, read_activity, weigh
from azaward.genetics.dosing import INDETERMINATE, DrugPlan, Person, plan
from azaward.genetics.model import GENES, GeneCall, PositionEvidence, SampleCall, Site, Status
from azaward.genetics.nomenclature import Reported
from azaward.genetics.possible import phenotype_of_body, possible_phenotypes
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.words.vocabulary import vocabulary
from azaward.treatment import thiopurines

# Diplotypes less probable than this are many and add nothing that the phenotypes' probabilities don't say.
_SHOWN_DIPLOTYPES = 5


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


class GeneOut(Out, frozen=True):
    """One gene: the call, the phenotype to act on, what was not seen and what nobody has named."""

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


class SampleReport(Out, frozen=True):
    """One person's report."""

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


class Reporter:
    """Makes the reports of people who share an indication, a weight and a measured activity, where those are given.

    >>> from azaward.knowledge import load
    >>> from azaward.genetics.nomenclature import read_report
    >>> made = Reporter(load()).of_words(read_report("TPMT *1/*3A; NUDT15 normal", load()), "c001")
    >>> made.dosing["azathioprine"].outcome.fraction
    (0.3, 0.5)
    """

    def __init__(
        self,
        knowledge: Knowledge,
        *,
        person: Person | None = None,
        indication: str | None = None,
        activity: str | None = None,
        dose_mg_per_day: float | None = None,
        read_from: str = "",
    ) -> None:
        self.knowledge = knowledge
        self._person = person or Person()
        self._indication = indication
        self._activity = read_activity(activity, knowledge) if activity else None
        self._dose = dose_mg_per_day
        self._read_from = read_from
        self._plans: dict[Any, tuple[dict[str, DrugPlan], dict[str, dict[str, str]]]] = {}
        self._cited: dict[Any, list[Cited]] = {}
        self._encoded: dict[int, tuple[Mapping[str, DrugPlan], msgspec.Raw]] = {}
        self._hgvs = {(row.gene, row.pos_grch38, row.alt): row.hgvs_c for row in knowledge.tables["gene_positions"]}

    def of_call(self, call: SampleCall, *, every_position: bool = True) -> SampleReport:
        """The report of a call from a genome or an array.

        Without `every_position`, those at which nothing but the reference was seen are counted, not listed.
        """
        genes = {gene: self._gene(gene_call, every_position) for gene, gene_call in call.genes.items()}
        fit = {gene: [pair.call for pair in gene_call.diplotypes] for gene, gene_call in call.genes.items()}
        return self._report(call.sample, genes, fit, self._activity, [])

    def of_words(self, reported: Reported, sample: str) -> SampleReport:
        """The report of what a laboratory said in words."""
        genes = {gene: self._said(gene, reported) for gene in GENES if gene in reported.genes}
        fit = {gene: list(said.diplotypes) for gene, said in reported.genes.items()}
        activity = self._activity
        if activity is None and reported.activity is not None:
            text = f"{reported.activity.text} {reported.activity.unit or ''}".strip()
            activity = read_activity(text, self.knowledge)
        return self._report(sample, genes, fit, activity, list(reported.unread))

    def to_json(self, report: SampleReport) -> bytes:
        """One line of JSON; the dosing of people who share it is encoded once."""
        held = self._encoded.get(id(report.dosing))
        if held is None:
            flat = {drug: _flat(plan) for drug, plan in report.dosing.items()}
            # The plans are kept beside what was made of them, so that nothing else can take their identity.
            held = self._encoded[id(report.dosing)] = (report.dosing, msgspec.Raw(msgspec.json.encode(flat)))
        line = {name: getattr(report, name) for name in report.__struct_fields__}
        return msgspec.json.encode({**line, "dosing": held[1]}) + b"\n"

    def _gene(self, call: GeneCall, every_position: bool) -> GeneOut:
        return GeneOut(
            diplotypes=[
                DiplotypeOut(call=pair.call, probability=round(pair.probability, 6), phenotype=pair.phenotype)
                for place, pair in enumerate(call.diplotypes)
                # Of what rests on nothing that was missed, every one.
                if place < _SHOWN_DIPLOTYPES or not pair.rests_on_unseen
            ],
            phenotype=call.phenotype,
            phenotypes=[PhenotypeOut(phenotype=word, probability=round(p, 6)) for word, p in call.phenotypes],
            missing_positions=[site.label for site in call.missing_positions],
            could_hide=[HiddenOut(allele=allele, probability=round(p, 6)) for allele, p in call.could_hide],
            undocumented=list(call.undocumented),
            notes=list(call.notes),
            evidence=[self._position(position) for position in call.evidence if every_position or not _plain(position)],
            positions=len(call.evidence),
            method="genotype",
        )

    def _position(self, seen: PositionEvidence) -> PositionOut:
        site = seen.site
        return PositionOut(
            rsid=site.rsid,
            hgvs=self._name(site, seen.alleles),
            chrom=site.chrom,
            pos_grch38=site.pos_grch38,
            pos_grch37=site.pos_grch37,
            reference=site.ref,
            alleles=("|" if seen.phased else "/").join(seen.alleles),
            phased=seen.phased,
            status=Status(seen.status).says,
            note=seen.note,
            reference_only=_plain(seen),
        )

    def _name(self, site: Site, alleles: Sequence[str]) -> str:
        """The coding change that is there, or the one that was looked for."""
        there = [alt for alt in site.alts if alt in alleles] or list(site.alts)
        names = [self._hgvs.get((site.gene, site.pos_grch38, alt), "") for alt in there]
        return ", ".join(name for name in names if name)

    def _said(self, gene: str, reported: Reported) -> GeneOut:
        said, words = reported.genes[gene], vocabulary(self.knowledge)
        notes = [*said.notes, f"as the laboratory reports it: {said.text}"]
        return GeneOut(
            diplotypes=[
                DiplotypeOut(
                    call=call, probability=None, phenotype=words.diplotype_phenotype(gene, call) or INDETERMINATE
                )
                for call in said.diplotypes
            ],
            phenotype=said.phenotype,
            phenotypes=[],
            missing_positions=[],
            could_hide=[],
            undocumented=[],
            notes=notes,
            evidence=[],
            positions=0,
            method="report",
        )

    def _report(
        self,
        sample: str,
        genes: dict[str, GeneOut],
        fit: Mapping[str, Sequence[str]],
        activity: Activity | None,
        unread: list[str],
    ) -> SampleReport:
        called = genes["TPMT"].phenotype if "TPMT" in genes else None
        weighed = weigh(called, activity, self.knowledge)
        nudt15 = genes["NUDT15"].phenotype if "NUDT15" in genes else None
        dosed_by = {"TPMT": weighed.phenotype, "NUDT15": nudt15}
        dosing, otherwise = self._dosing(dosed_by, fit)
        return SampleReport(
            sample=sample,
            genes=genes,
            dosing=dosing,
            dosed_by=dosed_by,
            dosed_otherwise=otherwise,
            activity=activity,
            weighed=weighed.says,
            notes=[*_otherwise(otherwise), *self._notes(genes, activity, dosing["azathioprine"])],
            unread=unread,
            indication=self._indication,
            weight_kg=self._person.weight_kg,
            sources=self._sources(called, dosing, activity, weighed),
            read_from=self._read_from,
            knowledge=self.knowledge.version,
        )

    def _dosing(
        self, phenotypes: Mapping[str, str | None], fit: Mapping[str, Sequence[str]]
    ) -> tuple[dict[str, DrugPlan], dict[str, dict[str, str]]]:
        untold = {gene: phenotypes[gene] in (None, INDETERMINATE) for gene in GENES}
        first = {gene: next(iter(fit.get(gene, ())), "") for gene in GENES}
        key = tuple((phenotypes[g], first[g], tuple(fit.get(g, ())) if untold[g] else ()) for g in GENES)
        if key not in self._plans:
            possible = {
                gene: possible_phenotypes(self.knowledge, gene, fit.get(gene, ())) for gene in GENES if untold[gene]
            }
            dpwg = {
                gene: phenotype_of_body(self.knowledge, "DPWG", gene, first[gene], phenotypes[gene]) for gene in GENES
            }
            plans = {
                drug: plan(self.knowledge, drug, phenotypes, possible, self._person, {"DPWG": dpwg})
                for drug in thiopurines(self.knowledge)
            }
            differs = {gene: theirs for gene, theirs in dpwg.items() if theirs and theirs != phenotypes[gene]}
            self._plans[key] = plans, {"DPWG": differs} if differs else {}
        return self._plans[key]

    def _notes(self, genes: Mapping[str, GeneOut], activity: Activity | None, aza: DrugPlan) -> Iterable[str]:
        for gene in GENES:
            if gene not in genes:
                yield f"{gene} is not in what was given. It may be weak: have it tested."
        if activity is not None and activity.why_not is not None:
            yield f"TPMT activity {activity.text!r} was set aside: {activity.why_not}"
        if activity is not None and len({band.phenotype for band in activity.bands}) > 1:
            told = "; ".join(f"{band.method}: {band.category}" for band in activity.bands)
            yield f"Laboratories with this unit read {activity.text} differently ({told}). The weaker reading counts."
        if self._dose is not None:
            yield _against(self._dose, aza)

    def _sources(
        self, called: str | None, dosing: Mapping[str, DrugPlan], activity: Activity | None, weighed: Weighed
    ) -> list[Cited]:
        key = (called, id(dosing), activity.text if activity else None)
        if key in self._cited:
            return self._cited[key]
        cited = [("clinpgx-alleles-2026-05-05", "alleles.csv, gene_positions.csv, phenotype_rules.csv", "secondary")]
        cited += [(body.source, body.locator, body.how) for drug in dosing.values() for body in drug.bodies]
        if self._person.usual is not None:
            cited.append((self._person.usual.source, self._person.usual.locator, self._person.usual.how))
        if activity is not None:
            cited += [(band.source, band.locator, band.how) for band in activity.bands]
        cited += weighed.sources
        self._cited[key] = [
            Cited(source=source, locator=locator, how=how, title=self.knowledge.sources[source].title)
            for source, locator, how in dict.fromkeys(cited)
        ]
        return self._cited[key]


def _plain(seen: PositionEvidence) -> bool:
    """Whether the reference and nothing else was seen."""
    return seen.status == Status.SEEN and seen.alleles[0] == seen.alleles[1] == seen.site.ref


def _flat(plan: DrugPlan) -> dict[str, Any]:
    """The plan as JSON shows it: what decides first, then who says so."""
    made: dict[str, Any] = msgspec.to_builtins(plan)
    outcome = made.pop("outcome")
    return {**outcome, **made}


def _otherwise(differs: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    for body, genes in differs.items():
        for gene, phenotype in genes.items():
            yield f"{body} classes an allele of {gene} otherwise: its advice is that for {phenotype}."


def _against(dose: float, aza: DrugPlan) -> str:
    """A dose that someone has in mind, compared with the plan for azathioprine."""
    outcome = aza.outcome
    highest = outcome.up_to_mg_per_day or (outcome.start_mg_per_day[1] if outcome.start_mg_per_day else None)
    if outcome.fraction is None and outcome.action != "continue":
        return f"{dose:g} mg azathioprine a day does not fit this result: {outcome.action}."
    if highest is None:
        return f"{dose:g} mg azathioprine a day could not be compared: give --weight and --indication."
    word = "is within" if dose <= highest else "is above"
    return f"{dose:g} mg azathioprine a day {word} what these genes allow for this weight (up to {highest:g} mg)."
