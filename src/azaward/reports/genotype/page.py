"""What stands on the one page of a genotype report, for the record and for the patient: the same in HTML and PDF."""

from __future__ import annotations

from typing import Any

from azaward.genetics.dosing import DrugPlan
from azaward.genetics.model import GENES
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.schema.facts import least_read
from azaward.reports.genotype.report import GeneOut, PositionOut, SampleReport
from azaward.reports.genotype.words import (
    assumed,
    called,
    for_the_patient,
    is_assumed,
    may_also_be,
    notes,
    of_whole,
    phenotype,
    read_as,
    share_now,
    start_now,
    to_do,
    untold,
    wait_now,
    what_else,
)
from azaward.reports.words import HOW

_TONE = {
    "Poor Metabolizer": "stop",
    "Intermediate Metabolizer": "less",
    "Possible Intermediate Metabolizer": "less",
    "Indeterminate": "untold",
    "Normal Metabolizer": "usual",
}


def page(report: SampleReport, knowledge: Knowledge) -> dict[str, Any]:
    """The content of one person's page as plain data."""
    cited = list(dict.fromkeys(source.source for source in report.sources))
    numbers = {source: place for place, source in enumerate(cited, start=1)}
    how = {of: least_read(source.how for source in report.sources if source.source == of) for of in cited}
    return {
        "sample": report.sample,
        "read_from": report.read_from,
        "indication": next(
            (row.name for row in knowledge.tables["indications"] if row.id == report.indication), report.indication
        ),
        "weight": None if report.weight_kg is None else f"{report.weight_kg:g} kg",
        "genes": [
            _not_genotyped(name, report) if (gene := report.genes.get(name)) is None else _gene(name, gene, report)
            for name in GENES
        ],
        "activity": _activity(report),
        "doses": [_dose(drug, plan, numbers) for drug, plan in report.dosing.items()],
        "notes": of_whole(report),
        "patient": for_the_patient(report),
        "sources": [
            {
                "number": numbers[source],
                "title": knowledge.sources[source].title,
                "published": knowledge.sources[source].published_on,
                "how": HOW[how[source]],
            }
            for source in cited
        ],
        "azaward": report.azaward,
        "knowledge": report.knowledge,
        "release": report.release,
        "disclaimer": report.disclaimer,
    }


def _not_genotyped(name: str, report: SampleReport) -> dict[str, Any]:
    decided = report.dosed_by[name]
    lines = ["No result was given, and that is not a normal result."]
    if decided is not None:
        lines = ["Its measured activity decides."]
    return {
        "name": name,
        "call": "not tested" if decided is None else "not genotyped",
        "phenotype": "Not known" if decided is None else f"{decided} by activity",
        "tone": _TONE.get(decided or "", "untold"),
        "lines": lines,
        "positions": [],
        "seen": "",
    }


def _gene(name: str, gene: GeneOut, report: SampleReport) -> dict[str, Any]:
    lines: list[str] = []
    if others := may_also_be(gene):
        lines.append(f"May also be: {others}.")
    if gene.missing_positions:
        why = dict.fromkeys(position.status for position in gene.evidence if "." in position.alleles)
        lines.append(f"{len(gene.missing_positions)} of {gene.positions} positions were not seen ({'; '.join(why)}).")
    lines += [f"No named allele has {variant}." for variant in untold(gene)]
    lines += notes(gene, report)
    return {
        "name": name,
        "call": called(gene),
        "phenotype": phenotype(gene),
        "tone": _TONE.get(gene.phenotype, "untold"),
        "lines": lines,
        "positions": [_position(position) for position in gene.evidence],
        "seen": f"{gene.positions - len(gene.missing_positions) - assumed(gene)} of {gene.positions}"
        if gene.positions
        else "",
    }


def _position(position: PositionOut) -> dict[str, str]:
    missing = "." in position.alleles
    kind = "same" if position.reference_only else "missing" if missing or is_assumed(position) else "found"
    return {
        "label": position.rsid or f"{position.chrom}:{position.pos_grch38}",
        "name": position.hgvs.split(", ")[0],
        "alleles": "not seen" if missing and set(position.alleles) <= set("./|") else position.alleles,
        "kind": kind,
        "why": "" if missing or position.status == "seen" else position.status,
    }


def _activity(report: SampleReport) -> list[str]:
    if report.activity is None or report.activity.phenotype is None:
        return []
    decided = f"The dose goes by TPMT {report.dosed_by['TPMT']}."
    return [f"{read_as(report.activity)}.", *report.weighed, decided]


def _dose(drug: str, plan: DrugPlan, numbers: dict[str, int]) -> dict[str, Any]:
    return {
        "drug": drug.capitalize(),
        "do": to_do(plan),
        "urgency": plan.outcome.urgency,
        "share": share_now(plan),
        "start": start_now(plan),
        "wait": wait_now(plan),
        "bodies": [{"body": body.body, "says": body.says, "number": numbers[body.source]} for body in plan.bodies],
        "silent": " and ".join(plan.silent),
        "disagreement": plan.disagreement,
        "else": what_else(plan),
    }
