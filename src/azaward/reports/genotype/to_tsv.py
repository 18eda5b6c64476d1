"""Genotype reports for a biobank: one line a person, the same columns for everybody."""

from __future__ import annotations

import re

from azaward.genetics.model import GENES
from azaward.knowledge import Knowledge
from azaward.reports.genotype.report import SampleReport
from azaward.reports.genotype.words import assumed
from azaward.treatment import thiopurines

_OF_GENE = (
    "diplotype",
    "probability",
    "phenotype",
    "positions_seen",
    "positions",
    "could_hide",
    "undocumented",
    "notes",
)
_OF_DRUG = ("action", "fraction_low", "fraction_high", "wait_weeks_low", "wait_weeks_high", "worst_action")
# What would break a line or a cell.
_BREAKS = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]+")


def header(knowledge: Knowledge) -> str:
    """The first line.

    >>> from azaward.knowledge import load
    >>> header(load()).split("\\t")[:3]
    ['sample', 'TPMT_diplotype', 'TPMT_probability']
    """
    columns = (
        "sample",
        *(f"{gene}_{name}" for gene in GENES for name in _OF_GENE),
        *(f"dosed_by_{gene}" for gene in GENES),
        *(f"{drug}_{name}" for drug in thiopurines(knowledge) for name in _OF_DRUG),
        "notes",
        "knowledge",
        *(f"{gene}_presumed" for gene in GENES),
        "azathioprine_no_tablet",
        "release",
        "reclassified",
    )
    return "\t".join(columns) + "\n"


def line(report: SampleReport) -> str:
    """One person; an empty cell means that nothing is known or said."""
    cells: list[str] = [report.sample]
    for gene in GENES:
        result = report.genes.get(gene)
        if result is None:
            cells += [""] * len(_OF_GENE)
            continue
        top = result.diplotypes[0] if result.diplotypes else None
        cells += [
            top.call if top else "",
            f"{top.probability:.6g}" if top and top.probability is not None else "",
            result.phenotype,
            str(result.positions - len(result.missing_positions) - assumed(result)) if result.positions else "",
            str(result.positions) if result.positions else "",
            ";".join(f"{hidden.allele}={hidden.probability:.3g}" for hidden in result.could_hide),
            ";".join(result.undocumented),
            ";".join(result.notes),
        ]
    cells += [report.dosed_by[gene] or "" for gene in GENES]
    for plan in report.dosing.values():
        cells.append(plan.outcome.action)
        cells += [f"{part:g}" for part in plan.outcome.fraction] if plan.outcome.fraction else ["", ""]
        cells += [f"{part:g}" for part in plan.outcome.wait_weeks] if plan.outcome.wait_weeks else ["", ""]
        cells.append(plan.worst.action if plan.worst else "")
    unread = (f"not understood or not used: {part}" for part in report.unread)
    cells += [";".join((*report.notes, *unread)), report.knowledge]
    cells += [_presumed(report, gene) for gene in GENES]
    cells += [report.dosing["azathioprine"].outcome.no_tablet or "", report.release, ";".join(report.reclassified)]
    return "\t".join(_BREAKS.sub(" ", cell) for cell in cells) + "\n"


def _presumed(report: SampleReport, gene: str) -> str:
    result = report.genes.get(gene)
    return result.presumed or "" if result else ""
