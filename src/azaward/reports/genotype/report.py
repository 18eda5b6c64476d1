"""What was called, what was not seen, which dose follows and who says so: one person's genotype report.

Made from a call (`azaward.genetics`) or from a laboratory's words, always in the same shape; text, JSON lines,
TSV, HTML and PDF show it. People with the same phenotypes share one plan, so that a biobank is quick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from azaward.assessment import Cited
from azaward.genetics.activity import Activity, Weighed, read_activity, weigh
from azaward.genetics.consequence import breaking
from azaward.genetics.dosing import INDETERMINATE, DrugPlan, Person, plan
from azaward.genetics.model import GENES, GeneCall, PositionEvidence, SampleCall, Site, Status
from azaward.genetics.nomenclature import Reported
from azaward.genetics.possible import phenotype_of_body, possible_phenotypes
from azaward.genetics.releases import changes, reclassified, release, release_name
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.words.vocabulary import vocabulary
from azaward.reports.genotype.remarks import of_activity, of_classes, of_dose, of_genes, of_presumed
from azaward.reports.genotype.shape import ChangeOut as ChangeOut
from azaward.reports.genotype.shape import DiplotypeOut as DiplotypeOut
from azaward.reports.genotype.shape import GeneOut as GeneOut
from azaward.reports.genotype.shape import HiddenOut as HiddenOut
from azaward.reports.genotype.shape import PhenotypeOut as PhenotypeOut
from azaward.reports.genotype.shape import PositionOut as PositionOut
from azaward.reports.genotype.shape import SampleReport as SampleReport
from azaward.treatment import thiopurines

# Diplotypes less probable than this are many and add nothing that the phenotypes' probabilities don't say.
_SHOWN_DIPLOTYPES = 5
# Genes kept as they are shown.
_KEPT = 2_000


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
        self.activity = read_activity(activity, knowledge) if activity else None
        self._dose = dose_mg_per_day
        self._read_from = read_from
        self._plans: dict[Any, tuple[dict[str, DrugPlan], dict[str, dict[str, str]]]] = {}
        self._cited: dict[Any, list[Cited]] = {}
        self._genes: dict[tuple[int, bool], tuple[GeneCall, GeneOut]] = {}
        self._anew: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        self._encoded: dict[int, tuple[Mapping[str, DrugPlan], msgspec.Raw]] = {}
        self._release = release_name(knowledge)
        self._broken = breaking(knowledge)
        self._hgvs = {(row.gene, row.pos_grch38, row.alt): row.hgvs_c for row in knowledge.tables["gene_positions"]}

    def of_call(self, call: SampleCall, *, every_position: bool = True) -> SampleReport:
        """The report of a call from a genome or an array.

        Without `every_position`, those at which nothing but the reference was seen are counted, not listed.
        """
        genes = {gene: self._shared(gene_call, every_position) for gene, gene_call in call.genes.items()}
        fit = {gene: [pair.call for pair in gene_call.diplotypes] for gene, gene_call in call.genes.items()}
        return self._report(call.sample, genes, fit, self.activity, [])

    def of_words(self, reported: Reported, sample: str) -> SampleReport:
        """The report of what a laboratory said in words."""
        genes = {gene: self._said(gene, reported) for gene in GENES if gene in reported.genes}
        fit = {gene: list(said.diplotypes) for gene, said in reported.genes.items()}
        activity = self.activity
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

    def _shared(self, call: GeneCall, every_position: bool) -> GeneOut:
        """The gene as it is shown; people with the same genotype share one call, and so what is shown of it."""
        held = self._genes.get((id(call), every_position))
        if held is None:
            if len(self._genes) >= _KEPT:
                self._genes.clear()
            # The call is kept beside what was made of it, so that nothing else can take its identity.
            held = self._genes[id(call), every_position] = (call, self._gene(call, every_position))
        return held[1]

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
            presumed=call.presumed,
            changes=[
                ChangeOut(name=each.name, consequence=each.term, copies=each.copies, doubt=each.doubt)
                for each in call.changes
            ],
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
        # What is only asked about is quoted by its question; it isn't what the laboratory reports of this person.
        asked = not said.diplotypes and any(" is not used: " in note and said.text in note for note in said.notes)
        notes = list(said.notes) if asked else [*said.notes, f"as the laboratory reports it: {said.text}"]
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
        anew = [line for gene, held in genes.items() for line in self._reclassified(gene, held)]
        called = genes["TPMT"].phenotype if "TPMT" in genes else None
        weighed = weigh(called, activity, self.knowledge, genes["TPMT"].presumed if "TPMT" in genes else None)
        nudt15 = genes["NUDT15"].presumed or genes["NUDT15"].phenotype if "NUDT15" in genes else None
        dosed_by = {"TPMT": weighed.phenotype, "NUDT15": nudt15}
        dosing, otherwise = self.dosing(dosed_by, fit)
        measured = activity is not None and activity.phenotype is not None
        return SampleReport(
            sample=sample,
            genes=genes,
            dosing=dosing,
            dosed_by=dosed_by,
            dosed_otherwise=otherwise,
            activity=activity,
            weighed=weighed.says,
            notes=[
                *of_classes(otherwise),
                *of_genes(genes, dosed_by, dosing["azathioprine"]),
                *of_presumed(genes, dosed_by, self._broken, measured=measured),
                *of_activity(activity),
                *([] if self._dose is None else [of_dose(self._dose, dosing["azathioprine"], self._person)]),
            ],
            unread=unread,
            indication=self._indication,
            weight_kg=self._person.weight_kg,
            sources=self._sources(called, dosing, activity, weighed, changed=bool(anew)),
            read_from=self._read_from,
            knowledge=self.knowledge.version,
            release=self._release,
            reclassified=anew,
        )

    def dosing(
        self, phenotypes: Mapping[str, str | None], fit: Mapping[str, Sequence[str]]
    ) -> tuple[dict[str, DrugPlan], dict[str, dict[str, str]]]:
        """The plan of each drug for what each gene is dosed by, and the phenotypes of a body that classes otherwise.

        `fit` holds the diplotypes of each gene that fit, the likeliest first.
        """
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

    def _reclassified(self, gene: str, held: GeneOut) -> list[str]:
        """What to say of the alleles that an earlier release classes otherwise: of a genome's likeliest pair, of a
        laboratory's words every pair.
        """
        pairs = held.diplotypes if held.method == "report" else held.diplotypes[:1]
        calls = tuple([pair.call for pair in pairs])
        if (gene, calls) not in self._anew:
            self._anew[gene, calls] = reclassified(self.knowledge, gene, calls)
        return self._anew[gene, calls]

    def _sources(
        self,
        called: str | None,
        dosing: Mapping[str, DrugPlan],
        activity: Activity | None,
        weighed: Weighed,
        *,
        changed: bool,
    ) -> list[Cited]:
        key = (called, id(dosing), activity.text if activity else None, changed)
        if key in self._cited:
            return self._cited[key]
        cited = [(release(self.knowledge), "alleles.csv, gene_positions.csv, phenotype_rules.csv", "secondary")]
        if changed:
            earlier = {row.source: row.how for row in changes(self.knowledge).values()}
            cited += [(source, "allele_changes.csv", how) for source, how in earlier.items()]
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
