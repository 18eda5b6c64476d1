"""How are probabilities, shares, doses and phenotypes of a genotype report written for people?"""

from __future__ import annotations

from collections.abc import Iterable

from azaward.genetics.activity import Activity
from azaward.genetics.dosing import NO_DOSE, DrugPlan, Outcome, percent_of_usual
from azaward.genetics.model import Status
from azaward.reports.genotype.report import GeneOut, PositionOut, SampleReport

PLAIN_GENE = {"TPMT": "first enzyme (TPMT)", "NUDT15": "second enzyme (NUDT15)"}
_PLAIN = {
    "Normal Metabolizer": "works as usual",
    "Intermediate Metabolizer": "works more slowly than usual",
    "Possible Intermediate Metabolizer": "may work more slowly than usual",
    "Poor Metabolizer": "hardly works",
    "Indeterminate": "could not be judged from this test",
}
_DO = {
    "do-not-start": "Do not start",
    "stop": "Stop",
    "withhold": "Withhold",
    "avoid": "Avoid",
    "reduce": "Start lower",
    "change": "Change",
    "test": "Test before starting",
    "review": "Review",
    "continue": "Usual dose",
    "inform": "Inform",
    "refer": "Refer",
}


def percent(share: float) -> str:
    """A probability in percent, never rounded to certainty.

    >>> percent(0.9999), percent(1.0), percent(0.00002), percent(0.87)
    ('>99.9%', '100%', '<0.01%', '87%')
    """
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    if share > 0.999:
        return ">99.9%"
    if share < 0.0001:
        return "<0.01%"
    digits = 2 if share < 0.001 else 1
    return f"{100 * share:.{digits}f}".rstrip("0").rstrip(".") + "%"


def do(action: str) -> str:
    """What to do, in words."""
    return _DO.get(action, action.capitalize())


def to_do(plan: DrugPlan) -> str:
    """What to do, in words; a gene that is not told comes before the first tablet."""
    words = do(plan.outcome.action)
    return f"Test, then {words.lower()}" if _waits(plan) else words


def share_now(plan: DrugPlan) -> str:
    """The share of the usual dose that is left; while a gene isn't told, it may be less."""
    return f"at most {share(plan.outcome)}" if _waits(plan) and plan.outcome.fraction else share(plan.outcome)


def start_now(plan: DrugPlan) -> str:
    """The dose to start with; none before the gene that isn't told has been tested."""
    return "after the test" if _waits(plan) else start(plan.outcome)


def wait_now(plan: DrugPlan) -> str:
    """How long to wait for a steady state before raising the dose, where there is one to start with."""
    return "" if _waits(plan) else wait(plan.outcome)


def _waits(plan: DrugPlan) -> bool:
    return plan.worst is not None and plan.outcome.action not in (*NO_DOSE, "test")


def share(outcome: Outcome) -> str:
    """The share of the usual dose that is left."""
    if outcome.fraction is None:
        return "none" if outcome.action in NO_DOSE else "after the test" if outcome.action == "test" else "not stated"
    return percent_of_usual(outcome.fraction)


def start(outcome: Outcome) -> str:
    """The dose to start with, as far as indication and weight let it be told."""
    parts: list[str] = []
    if outcome.start_mg_per_day:
        parts.append(_range(outcome.start_mg_per_day, " mg a day"))
    if outcome.start_mg_per_kg:
        parts.append(_range(outcome.start_mg_per_kg, " mg/kg a day"))
    if outcome.tablets:
        # `no_tablet` says the rest below the table.
        parts.append("less than the smallest tablet" if outcome.no_tablet else f"at most {outcome.tablets}")
    if outcome.days_per_week and outcome.fraction:
        parts.append(f"on {outcome.days_per_week:g} days a week")
    return ", ".join(parts)


def wait(outcome: Outcome) -> str:
    """How long to wait for a steady state before raising the dose."""
    return _range(outcome.wait_weeks, " weeks") if outcome.wait_weeks else ""


def _range(ends: Iterable[float], unit: str) -> str:
    low, high = ends
    return f"{low:g}{unit}" if low == high else f"{low:g}-{high:g}{unit}"


def called(gene: GeneOut) -> str:
    """The likeliest pair of alleles with its probability, and the next likeliest."""
    shown = [
        diplotype.call if diplotype.probability is None else f"{diplotype.call} ({percent(diplotype.probability)})"
        for diplotype in gene.diplotypes[:2]
        if diplotype.probability is None or diplotype.probability >= 0.0001 or diplotype is gene.diplotypes[0]
    ]
    nothing = "no usable result" if gene.phenotype == "Indeterminate" else "no alleles named"
    return " or ".join(shown) or nothing


def may_also_be(gene: GeneOut) -> str:
    """The other phenotypes that fit, each with its probability; nothing where there are none."""
    return ", ".join(
        f"{other.phenotype} ({percent(other.probability)})"
        for other in gene.phenotypes
        if other.phenotype != gene.phenotype and other.probability > 0
    )


def read_as(activity: Activity) -> str:
    """What was measured of the enzyme, and how laboratories read it."""
    return f"{activity.text}: {'; '.join(f'{band.category} ({band.method})' for band in activity.bands)}"


def what_else(plan: DrugPlan) -> list[str]:
    """What is left of a dose that is to be avoided, what no tablet makes, and what a gene that isn't known may mean."""
    lines = _what_is_left(plan.outcome)
    if plan.best and plan.worst and (plan.best.action, plan.best.fraction) == (plan.worst.action, plan.worst.fraction):
        return [*lines, f"Whatever the gene that isn't known turns out to be: {do(plan.worst.action).lower()}."]
    for word, outcome in (("At best", plan.best), ("At worst", plan.worst)):
        if outcome is not None:
            genes = f"TPMT {outcome.tpmt}, NUDT15 {outcome.nudt15}"
            usual = outcome.fraction is None or outcome.action == "continue"
            left = "" if usual else f", {share(outcome)} of the usual dose"
            lines.append(f"{word} ({genes}): {do(outcome.action).lower()}{left}.")
    return lines


def _what_is_left(outcome: Outcome) -> list[str]:
    lines: list[str] = []
    if outcome.fraction_if_unavoidable:
        often = f", on {outcome.days_per_week:g} days a week" if outcome.days_per_week else ""
        left = percent_of_usual(outcome.fraction_if_unavoidable)
        lines.append(f"Only if nothing can take its place: {left} of the usual dose{often}.")
    return [*lines, outcome.no_tablet] if outcome.no_tablet else lines


def seen(gene: GeneOut) -> str:
    """How much of a gene was seen."""
    if gene.method == "report":
        return ""
    missing, taken = len(gene.missing_positions), assumed(gene)
    whole = f"{gene.positions - missing - taken} of {gene.positions} positions seen"
    if taken:
        whole += f"; {taken} without a record taken as the reference"
    return whole if not missing else f"{whole}; not seen: {', '.join(gene.missing_positions)}"


def is_assumed(position: PositionOut) -> bool:
    """Whether nothing was seen there, and the reference was taken because somebody stated it."""
    return position.status == Status.ASSUMED_REFERENCE.says


def assumed(gene: GeneOut) -> int:
    """How many positions were taken as the reference without a record."""
    return sum(map(is_assumed, gene.evidence))


def sentence(note: str) -> str:
    """A note as a sentence; what isn't a word, such as the name of a change, keeps its letters.

    >>> sentence("as the laboratory reports it: *1/*3A"), sentence("c.454A>T was seen.")
    ('As the laboratory reports it: *1/*3A.', 'c.454A>T was seen.')
    """
    word = note.partition(" ")[0]
    return f"{word.capitalize() if word.isalpha() and word.islower() else word}{note[len(word) :].rstrip('.')}."


def notes(gene: GeneOut, report: SampleReport) -> list[str]:
    """The notes of a call, less the one that only counts what a report lists and those that are said of every gene."""
    counts = f"{len(gene.missing_positions)} of {gene.positions} positions"
    every = of_every_gene(report)
    return [sentence(note) for note in gene.notes if not note.startswith(counts) and note not in every]


def of_every_gene(report: SampleReport) -> list[str]:
    """The notes that each of several genes has, which a report says once; a laboratory's words are one gene's own."""
    if len(report.genes) < len(PLAIN_GENE) or any(gene.method == "report" for gene in report.genes.values()):
        return []
    first, *others = report.genes.values()
    return [note for note in first.notes if all(note in other.notes for other in others)]


def of_whole(report: SampleReport) -> list[str]:
    """What is to be known first: the notes of the whole report and of every gene, and what was left over."""
    quoted = [note for gene in report.genes.values() for note in gene.notes]
    left = [part for part in report.unread if not any(part in note for note in quoted)]
    return [
        *map(sentence, of_every_gene(report)),
        *report.notes,
        *report.reclassified,
        *(f"Not understood or not used: {part!r}" for part in left),
    ]


def untold(gene: GeneOut) -> list[str]:
    """What no named allele has, as far as no note tells of it."""
    return [name for name in gene.undocumented if not any(name in note for note in gene.notes)]


def phenotype(gene: GeneOut) -> str:
    """The phenotype as it is read out: with what is presumed, where it can't be told."""
    return f"{gene.phenotype}, presumed {gene.presumed}" if gene.presumed else gene.phenotype


def by_activity(report: SampleReport, gene: str) -> bool:
    """Whether a measured activity, and not this gene's own result, says what it is dosed by."""
    told = report.genes.get(gene)
    return report.dosed_by[gene] is not None and (told is None or report.dosed_by[gene] != _acted_on(told))


def _acted_on(gene: GeneOut) -> str:
    return gene.presumed or gene.phenotype


def for_the_patient(report: SampleReport) -> list[str]:
    """The result in plain words, for the person whose genes they are."""
    measured = report.activity is not None and report.activity.phenotype is not None
    tests = "Your genes and a blood test say" if measured else "Your genes say"
    lines = [f"Azathioprine is broken down by enzymes. {tests} how fast two of them work."]
    lines += [_plainly(report, gene, name) for gene, name in PLAIN_GENE.items()]
    said = report.dosing["azathioprine"].says_patient
    if by_activity(report, "TPMT"):
        said = said.replace("Your genes", "Your results")
    return [*lines, said] if said else lines


def _plainly(report: SampleReport, gene: str, name: str) -> str:
    decided, told = report.dosed_by[gene], report.genes.get(gene)
    if decided is None:
        unread = gene == "TPMT" and report.activity is not None
        return f"Your {name} {'could not be judged from the blood test' if unread else 'was not looked at'}."
    theirs = {_PLAIN[genes[gene]] for genes in report.dosed_otherwise.values() if gene in genes}
    other = "".join(f" By another guideline it {plain}. The more careful answer counts." for plain in sorted(theirs))
    if told is not None and told.presumed and not by_activity(report, gene):
        return (
            f"The gene for your {name} has a change whose effect isn't known yet. To be safe, the enzyme is treated as "
            f"one that {_PLAIN[decided]}.{other}"
        )
    return f"Your {name} {_PLAIN[decided]}.{other}"
