"""What must be said of a whole report: a gene that nobody looked at, what decides in its place, an activity that could
not be used, a dose that somebody has in mind. What is said here never contradicts another line of the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from azaward.genetics.activity import Activity
from azaward.genetics.dosing import NO_DOSE, DrugPlan, Outcome, Person
from azaward.genetics.model import GENES
from azaward.reports.genotype.shape import GeneOut

_REFUSED = {"do-not-start": "azathioprine is not to be started", "avoid": "azathioprine is to be avoided"}


def of_classes(differs: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    """A body that classes an allele otherwise than the report does."""
    for body, genes in differs.items():
        for gene, phenotype in genes.items():
            yield f"{body} classes an allele of {gene} otherwise: its advice is that for {phenotype}."


def of_genes(genes: Mapping[str, GeneOut], dosed_by: Mapping[str, str | None]) -> Iterable[str]:
    """A gene that was not looked at, or whose phenotype is presumed."""
    for gene in GENES:
        if gene in genes:
            if presumed := genes[gene].presumed:
                yield (
                    f"{gene}: what an unnamed change does is not known. It is presumed to mean {presumed}, and the "
                    "dose goes by nothing milder."
                )
        elif dosed_by[gene] is not None:
            yield f"{gene} was not genotyped; its measured activity decides here."
        else:
            yield f"{gene} is not in what was given. It may be weak: have it tested."


def of_activity(activity: Activity | None) -> Iterable[str]:
    """An activity that could not be used, or that laboratories read differently."""
    if activity is not None and activity.why_not is not None:
        yield f"TPMT activity {activity.text!r} was set aside: {activity.why_not}"
    if activity is not None and len({band.phenotype for band in activity.bands}) > 1:
        told = "; ".join(f"{band.method}: {band.category}" for band in activity.bands)
        yield f"Laboratories with this unit read {activity.text} differently ({told}). The weaker reading counts."


def of_dose(mg_per_day: float, aza: DrugPlan, person: Person) -> str:
    """A dose that someone has in mind, compared with the plan for azathioprine."""
    outcome = aza.outcome
    asked = f"{mg_per_day:g} mg azathioprine a day"
    if outcome.action in NO_DOSE:
        refused = _REFUSED.get(outcome.action, "no azathioprine is to be taken")
        return f"{asked} does not fit these results: {refused}."
    highest = outcome.up_to_mg_per_day or (outcome.start_mg_per_day[1] if outcome.start_mg_per_day else None)
    untold = aza.worst is not None or outcome.action == "test"
    if untold and (highest is None or mg_per_day <= highest):
        return f"{asked} can't be judged while a gene is not told: test before starting."
    if highest is None:
        return f"{asked} could not be compared: {_what_lacks(outcome, person)}."
    word = "is within" if mg_per_day <= highest else "is above"
    return f"{asked} {word} what these results allow for this weight (up to {highest:g} mg)."


def _what_lacks(outcome: Outcome, person: Person) -> str:
    if person.usual is None:
        lacking = "" if person.weight_kg else " and --weight"
        return f"give --indication{lacking}, of a condition whose usual dose is known"
    if outcome.fraction is None:
        return "no body names a share of the usual dose for these results"
    return "give --weight"
