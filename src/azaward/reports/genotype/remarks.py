"""What must be said of a whole report: a gene that nobody looked at, what decides in its place, an activity that could
not be used, a dose that somebody has in mind. What is said here never contradicts another line of the report.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from azaward.genetics.activity import Activity
from azaward.genetics.dosing import NO_DOSE, DrugPlan, Outcome, Person
from azaward.genetics.model import GENES
from azaward.reports.genotype.shape import GeneOut

_REFUSED = {"do-not-start": "azathioprine is not to be started", "avoid": "azathioprine is to be avoided"}


def of_classes(differs: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    """A body that classes an allele otherwise than the report does."""
    for body, genes in differs.items():
        for gene, phenotype in genes.items():
            yield f"{body} classes an allele of {gene} differently: its advice is that for {phenotype}."


def of_genes(genes: Mapping[str, GeneOut], dosed_by: Mapping[str, str | None], aza: DrugPlan) -> Iterable[str]:
    """A gene without a result; `aza` is the plan for azathioprine."""
    for gene in GENES:
        if gene in genes:
            continue
        if dosed_by[gene] is not None:
            yield f"{gene} was not genotyped; its measured activity decides here."
        else:
            # Where the other gene already forbids the medicine there is no first tablet to wait for.
            then = "" if aza.outcome.action in NO_DOSE else " before the first tablet"
            yield f"No result for {gene} was given, and that is not a normal result: have it tested{then}."


def of_presumed(
    genes: Mapping[str, GeneOut], dosed_by: Mapping[str, str | None], broken: Collection[str], *, measured: bool
) -> Iterable[str]:
    """What was seen, that nobody has classed it, which dose follows and what to do, for each gene that is presumed.

    `broken` are the consequences that are presumed to leave no function; `measured` is whether an activity was used.
    """
    for gene, held in genes.items():
        if held.presumed is None:
            continue
        changes = [each.name for each in held.changes if each.doubt is None and each.consequence in broken]
        seen = f"{', '.join(changes) or 'a change that no allele names'} was seen"
        weaker = "" if dosed_by[gene] == held.presumed else " The measured activity is weaker still."
        # There is no activity test for NUDT15 (discordance.csv).
        measure = ", and consider measuring TPMT activity" if gene == "TPMT" and not measured else ""
        yield (
            f"{gene}: presumed {held.presumed}, because {seen}. Nobody has classed it, but changes of this kind "
            f"usually leave no working enzyme.{weaker} The dose is the one for {dosed_by[gene]}. Ask the laboratory to "
            f"confirm the change{measure}."
        )


def of_activity(activity: Activity | None) -> Iterable[str]:
    """An activity that could not be used, or that laboratories read differently."""
    if activity is not None and activity.why_not is not None:
        yield f"TPMT activity {activity.text!r} was set aside: {activity.why_not}"
    if activity is not None and len({band.phenotype for band in activity.bands}) > 1:
        told = " or ".join(dict.fromkeys(band.category for band in activity.bands))
        yield f"Laboratories that use this unit call {activity.text} {told}. The weaker reading counts."


def of_dose(mg_per_day: float, aza: DrugPlan, person: Person) -> str:
    """A dose that someone has in mind, compared with the plan for azathioprine."""
    outcome = aza.outcome
    asked = f"{mg_per_day:g} mg azathioprine a day"
    if outcome.action in NO_DOSE:
        refused = _REFUSED.get(outcome.action, "no azathioprine is to be taken")
        return f"{asked} does not fit these results: {refused}."
    highest = _highest(outcome) or (_highest(aza.best) if aza.best else None)
    untold = aza.worst is not None or outcome.action == "test"
    if untold and (highest is None or mg_per_day <= highest):
        return f"{asked} can't be judged while a gene isn't known: test before starting."
    if highest is None:
        return f"{asked} could not be compared: {_what_lacks(outcome, person)}."
    word = "is within" if mg_per_day <= highest else "is above"
    return f"{asked} {word} what these results allow for this weight (up to {highest:g} mg)."


def _highest(outcome: Outcome) -> float | None:
    return outcome.up_to_mg_per_day or (outcome.start_mg_per_day[1] if outcome.start_mg_per_day else None)


def _what_lacks(outcome: Outcome, person: Person) -> str:
    if person.usual is None:
        lacking = "" if person.weight_kg else " and --weight"
        return f"give --indication{lacking}, of a condition whose usual dose is known"
    if outcome.fraction is None:
        return "no body names a share of the usual dose for these results"
    return "give --weight"
