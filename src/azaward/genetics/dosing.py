"""What dose of a thiopurine do these two phenotypes allow, by CPIC, by DPWG and by the FDA's labels?

The rows are those of genotype_doses.csv, which `rules/before/dosing.py` joins for a record; a test holds the two
together. Where bodies differ, the most cautious decides the plan and the difference is named. A gene that is
not known or cannot be told is never taken as normal: the best and the worst that it may be are both shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from azaward.genetics.amounts import Amount, Range, Usual, amount
from azaward.genetics.amounts import percent_of_usual as percent_of_usual
from azaward.genetics.amounts import usual_dose as usual_dose
from azaward.knowledge import ACTIONS, URGENCIES, Knowledge
from azaward.knowledge.loading.schema.genetics import EITHER_INTERMEDIATE, INTERMEDIATE, NOT_TESTED
from azaward.terms import Action

GENES = ("TPMT", "NUDT15")
BODIES = ("CPIC", "DPWG", "FDA")
NORMAL, INDETERMINATE = "Normal Metabolizer", "Indeterminate"
# From the weakest enzyme to the strongest; what can't be told is more cautious than normal.
ORDER = (
    "Poor Metabolizer",
    "Intermediate Metabolizer",
    "Possible Intermediate Metabolizer",
    INDETERMINATE,
    NORMAL,
)
_TOLD = ("Poor Metabolizer", "Intermediate Metabolizer", NORMAL)
# No dose is begun: every action from the most cautious down to "avoid".
NO_DOSE = ACTIONS[: ACTIONS.index(Action.AVOID) + 1]


Pair = tuple[str | None, str | None]


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What one body says for a drug, a condition and a pair of phenotypes."""

    body: str
    action: str
    urgency: str
    fraction: Range | None
    applies_from_mg_per_kg: float | None
    wait_weeks: Range | None
    says: str
    says_patient: str
    source: str
    locator: str
    how: str
    days_per_week: float | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The advice for one pair of phenotypes, put together: the most cautious of the bodies.

    `fraction_if_unavoidable` is the share that is left where the medicine is to be avoided but nothing can take its
    place; `days_per_week` on how many days it is given, where a body says so; `no_tablet` why no tablet makes it.
    """

    tpmt: str | None
    nudt15: str | None
    action: str
    urgency: str
    fraction: Range | None
    start_mg_per_kg: Range | None
    start_mg_per_day: Range | None
    up_to_mg_per_day: float | None
    tablets: str | None
    wait_weeks: Range | None
    fraction_if_unavoidable: Range | None = None
    days_per_week: float | None = None
    no_tablet: str | None = None


class DrugPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The plan for one drug: what decides, who says it, where they differ, and what remains unknown."""

    drug: str
    outcome: Outcome
    says: list[str]
    says_patient: str
    bodies: list[Advice]
    silent: list[str]
    disagreement: str | None
    best: Outcome | None
    worst: Outcome | None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the person beside the genes; all may be unknown."""

    malignant: bool = False
    usual: Usual | None = None
    weight_kg: float | None = None


def advice(
    knowledge: Knowledge, drug: str, tpmt: str | None, nudt15: str | None, *, malignant: bool
) -> tuple[Advice, ...]:
    """Each body's advice for a pair of phenotypes; a body that says nothing of the pair is absent.

    Of a body's rows that hold, the most urgent and most cautious counts, then the one about both genes, then
    the smaller share.

    >>> from azaward.knowledge import load
    >>> advised = advice(load(), "azathioprine", "Poor Metabolizer", None, malignant=False)
    >>> [(opinion.body, str(opinion.action)) for opinion in advised]
    [('CPIC', 'do-not-start'), ('DPWG', 'avoid'), ('FDA', 'do-not-start')]
    """
    condition = "malignant" if malignant else "non_malignant"
    rows = [
        row
        for row in knowledge.tables["genotype_doses"]
        if row.drug == drug
        and row.condition in ("any", condition)
        and row.tpmt in _names(tpmt)
        and row.nudt15 in _names(nudt15)
    ]
    return tuple(
        _advice(min((row for row in rows if row.body == body), key=_strictest))
        for body in BODIES
        if any(row.body == body for row in rows)
    )


def _names(phenotype: str | None) -> tuple[str, ...]:
    """The words under which genotype_doses.csv speaks of a phenotype."""
    either = (EITHER_INTERMEDIATE,) if phenotype in INTERMEDIATE else ()
    return ("any", phenotype or NOT_TESTED, *either)


def _strictest(row: Any) -> tuple[Any, ...]:
    both = row.tpmt != "any" and row.nudt15 != "any"
    nothing = float("inf")
    high = nothing if row.fraction_high is None else row.fraction_high
    low = nothing if row.fraction_low is None else row.fraction_low
    return (URGENCIES.index(row.urgency), ACTIONS.index(row.action), not both, high, low, row.id)


def _advice(row: Any) -> Advice:
    fraction = None if row.fraction_high is None else (row.fraction_low or 0.0, row.fraction_high)
    wait = None if row.wait_weeks_high is None else (row.wait_weeks_low, row.wait_weeks_high)
    return Advice(
        body=row.body,
        action=row.action,
        urgency=row.urgency,
        fraction=fraction,
        applies_from_mg_per_kg=row.applies_from_mg_per_kg,
        wait_weeks=wait,
        says=row.says,
        says_patient=row.says_patient,
        source=row.source,
        locator=row.locator,
        how=row.how,
        days_per_week=row.days_per_week,
    )


def plan(
    knowledge: Knowledge,
    drug: str,
    phenotypes: Mapping[str, str | None],
    possible: Mapping[str, Collection[str]],
    person: Person,
    of_body: Mapping[str, Mapping[str, str | None]] | None = None,
) -> DrugPlan:
    """The plan for a drug from the phenotype of each gene, and what else each gene may be.

    `phenotypes` holds TPMT and NUDT15, None where a gene is not known; `possible` what a gene that is not known
    or cannot be told may be; `of_body` the phenotypes of a body that classes alleles otherwise.
    """
    pair = _pair(phenotypes)
    theirs = of_body or {}
    said = _said(knowledge, drug, pair, theirs, person)
    untold = [gene for gene in GENES if phenotypes.get(gene) in (None, INDETERMINATE)]
    outcome = _outcome(knowledge, drug, pair, said, person)
    best = worst = None
    if untold:
        pairs = {
            gene: sorted(possible.get(gene) or _TOLD, key=ORDER.index) if gene in untold else [str(phenotypes[gene])]
            for gene in GENES
        }
        best, worst = (
            _outcome(knowledge, drug, end, _said(knowledge, drug, end, theirs, person), person)
            for end in ((pairs["TPMT"][place], pairs["NUDT15"][place]) for place in (-1, 0))
        )
        outcome = _untold(outcome)
    return DrugPlan(
        drug=drug,
        outcome=outcome,
        says=[
            *_unknown_words(phenotypes, outcome.action),
            *dict.fromkeys(opinion.says for opinion in sorted(said, key=_caution)),
        ],
        says_patient=_for_the_patient(said, untold),
        bodies=list(said),
        silent=[body for body in BODIES if body not in {opinion.body for opinion in said}],
        disagreement=_disagreement(said),
        best=best,
        worst=worst,
    )


def _pair(phenotypes: Mapping[str, str | None]) -> Pair:
    return phenotypes.get("TPMT"), phenotypes.get("NUDT15")


def _said(
    knowledge: Knowledge, drug: str, pair: Pair, of_body: Mapping[str, Mapping[str, str | None]], person: Person
) -> tuple[Advice, ...]:
    """What each body says of this pair, or of its own phenotypes where those are more cautious."""
    said: list[Advice] = []
    for body in BODIES:
        own = _pair(of_body.get(body, {}))
        one, other = (_weaker(ours, theirs) for ours, theirs in zip(pair, own, strict=True))
        advised = advice(knowledge, drug, one, other, malignant=person.malignant)
        said += [opinion for opinion in advised if opinion.body == body]
    return tuple(said)


def _weaker(ours: str | None, theirs: str | None) -> str | None:
    """The more cautious phenotype; one that a body can't tell takes nothing from what is known."""
    if theirs not in ORDER or theirs == INDETERMINATE or ours is None:
        return ours
    return min(ours, theirs, key=ORDER.index)


def _caution(opinion: Advice) -> tuple[int, int, float]:
    high = opinion.fraction[1] if opinion.fraction else 1.0
    return (URGENCIES.index(opinion.urgency), ACTIONS.index(opinion.action), high)


def _untold(outcome: Outcome) -> Outcome:
    """A gene that is not known is tested before the first tablet, unless what is known already forbids the drug.

    Where the test decides, no dose stands beside it.
    """
    tested = min(outcome.action, "test", key=ACTIONS.index)
    urgency = min(outcome.urgency, "this-week", key=URGENCIES.index)
    left = msgspec.structs.replace(outcome, action=tested, urgency=urgency)
    if tested != "test":
        return left
    return msgspec.structs.replace(
        left,
        fraction=None,
        start_mg_per_kg=None,
        start_mg_per_day=None,
        up_to_mg_per_day=None,
        tablets=None,
        wait_weeks=None,
        days_per_week=None,
        no_tablet=None,
    )


def _outcome(knowledge: Knowledge, drug: str, pair: Pair, said: Sequence[Advice], person: Person) -> Outcome:
    """The most cautious action decides, whoever says it; of shares and waits the smallest and the longest count."""
    action = min((opinion.action for opinion in said), key=ACTIONS.index, default="test")
    begun, avoided = action not in NO_DOSE, action == Action.AVOID
    shares = [opinion.fraction for opinion in said if opinion.fraction]
    fraction = (min(low for low, _ in shares), min(high for _, high in shares)) if shares else None
    waits = [opinion.wait_weeks for opinion in said if opinion.wait_weeks]
    usual = person.usual if drug == "azathioprine" else None
    made = amount(knowledge, usual, person.weight_kg, fraction) if fraction and usual else Amount()
    given = made if begun else Amount()
    days = [opinion.days_per_week for opinion in said if opinion.days_per_week]
    return Outcome(
        tpmt=pair[0],
        nudt15=pair[1],
        action=action,
        urgency=min((opinion.urgency for opinion in said), key=URGENCIES.index, default="this-week"),
        fraction=fraction if begun else None,
        start_mg_per_kg=given.per_kg,
        start_mg_per_day=given.per_day,
        up_to_mg_per_day=given.up_to,
        tablets=given.tablets,
        wait_weeks=(max(low for low, _ in waits), max(high for _, high in waits)) if waits and begun else None,
        fraction_if_unavoidable=fraction if avoided else None,
        days_per_week=min(days) if days and (begun or avoided) else None,
        no_tablet=_no_tablet(said, made.no_tablet, begun=begun),
    )


def _no_tablet(said: Sequence[Advice], why: str | None, *, begun: bool) -> str | None:
    """That no tablet makes the share, and what the bodies say about giving so little."""
    if why is None:
        return None
    shares = {opinion.body: opinion.fraction[1] for opinion in said if opinion.fraction}
    named = " and ".join(body for body, share in shares.items() if share == min(shares.values()))
    first = "" if begun else f"The share that {named} would still give: "
    often = [f"{one.body}: on {one.days_per_week:g} days a week instead of daily" for one in said if one.days_per_week]
    how = ". ".join(often) or "None of the bodies says how to give so little"
    return f"{first}{why}: no tablet is that small. {how}. Ask the pharmacist what can be given."


def _unknown_words(phenotypes: Mapping[str, str | None], action: str) -> Iterable[str]:
    # Where the other gene already forbids the drug there is no first tablet to wait for.
    then = "The other gene decides here." if action in NO_DOSE else "Have it tested before the first tablet."
    for gene in GENES:
        if phenotypes.get(gene) is None:
            yield f"{gene} is not known: this is not a normal result. {then}"


def _for_the_patient(said: Sequence[Advice], untold: Sequence[str]) -> str:
    strictest = min(said, key=_caution, default=None)
    if untold and (strictest is None or strictest.action in ("continue", "inform")):
        return (
            "Your gene test does not show everything about how you handle this medicine, and it does not mean that "
            "all is normal. Do not start before your team has looked at this."
        )
    return strictest.says_patient if strictest else ""


def _disagreement(said: Sequence[Advice]) -> str | None:
    """Who says what, where bodies differ in what to do or in how much is left of the dose.

    To continue is to take the usual dose, whether or not a body gives its share as 100%.
    """
    if len({(opinion.action, None if _is_usual(opinion) else opinion.fraction) for opinion in said}) < 2:
        return None
    words = "; ".join(f"{opinion.body}: {opinion.action.replace('-', ' ')}{_share(opinion)}" for opinion in said)
    return f"The bodies differ ({words}). The most cautious decides the plan."


def _is_usual(opinion: Advice) -> bool:
    return opinion.action == Action.CONTINUE and opinion.fraction in (None, (1.0, 1.0))


def _share(opinion: Advice) -> str:
    if opinion.fraction is None or _is_usual(opinion):
        return ""
    else_ = ", else" if opinion.action in NO_DOSE else " to"
    return f"{else_} {percent_of_usual(opinion.fraction)} of the usual dose"
