"""What dose of a thiopurine do these two phenotypes allow, by CPIC, by DPWG and by the FDA's labels?

The rows are those of genotype_doses.csv, which `rules/before/dosing.py` joins for a record; a test holds the two
together. Where bodies differ, the most cautious decides the plan and the difference is named. A gene that is
not known or cannot be told is never taken as normal: the best and the worst that it may be are both shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from azaward.knowledge import ACTIONS, URGENCIES, Knowledge
from azaward.knowledge.loading.schema.genetics import EITHER_INTERMEDIATE, INTERMEDIATE, NOT_TESTED
from azaward.treatment import tablets_for

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
NO_DOSE = ("stop", "withhold", "do-not-start", "avoid")
Range = tuple[float, float]


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


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """The usual dose of azathioprine that a protocol gives for an indication, and where it says so."""

    protocol: str
    start_mg_per_kg: float | None
    start_mg_per_day: float | None
    target_mg_per_kg: Range | None
    source: str
    locator: str
    how: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The advice for one pair of phenotypes, put together: the most cautious of the bodies."""

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
    tpmt, nudt15 = phenotypes.get("TPMT"), phenotypes.get("NUDT15")
    said = tuple(
        opinion
        for body in BODIES
        for own in [(of_body or {}).get(body, phenotypes)]
        for opinion in advice(knowledge, drug, own.get("TPMT"), own.get("NUDT15"), malignant=person.malignant)
        if opinion.body == body
    )
    untold = [gene for gene in GENES if phenotypes.get(gene) in (None, INDETERMINATE)]
    outcome = _outcome(knowledge, drug, tpmt, nudt15, said, person)
    best = worst = None
    if untold:
        pairs = {
            gene: sorted(possible.get(gene) or _TOLD, key=ORDER.index) if gene in untold else [str(phenotypes[gene])]
            for gene in GENES
        }
        ends = [(pairs["TPMT"][end], pairs["NUDT15"][end]) for end in (-1, 0)]
        best, worst = (
            _outcome(
                knowledge, drug, one, other, advice(knowledge, drug, one, other, malignant=person.malignant), person
            )
            for one, other in ends
        )
        outcome = _untold(outcome)
    return DrugPlan(
        drug=drug,
        outcome=outcome,
        says=[*_unknown_words(phenotypes), *dict.fromkeys(opinion.says for opinion in sorted(said, key=_caution))],
        says_patient=_for_the_patient(said, untold),
        bodies=list(said),
        silent=[body for body in BODIES if body not in {opinion.body for opinion in said}],
        disagreement=_disagreement(said),
        best=best,
        worst=worst,
    )


def _caution(opinion: Advice) -> tuple[int, int, float]:
    high = opinion.fraction[1] if opinion.fraction else 1.0
    return (URGENCIES.index(opinion.urgency), ACTIONS.index(opinion.action), high)


def _untold(outcome: Outcome) -> Outcome:
    """A gene that is not known is tested before the first tablet, unless what is known already forbids the drug."""
    tested = min(outcome.action, "test", key=ACTIONS.index)
    urgency = min(outcome.urgency, "this-week", key=URGENCIES.index)
    return msgspec.structs.replace(outcome, action=tested, urgency=urgency)


def _outcome(
    knowledge: Knowledge, drug: str, tpmt: str | None, nudt15: str | None, said: Sequence[Advice], person: Person
) -> Outcome:
    action = min((opinion.action for opinion in said), key=ACTIONS.index, default="test")
    urgency = min((opinion.urgency for opinion in said), key=URGENCIES.index, default="this-week")
    if action == "avoid" and person.malignant and any(opinion.fraction for opinion in said):
        # In leukaemia little can take its place: the share that is named is what is given.
        action = "reduce"
    shares = [opinion.fraction for opinion in said if opinion.fraction]
    fraction = (min(low for low, _ in shares), min(high for _, high in shares)) if shares else None
    waits = [opinion.wait_weeks for opinion in said if opinion.wait_weeks]
    wait = (max(low for low, _ in waits), max(high for _, high in waits)) if waits else None
    start = up_to = per_kg = tablets = None
    usual = person.usual if drug == "azathioprine" else None
    if action in NO_DOSE:
        fraction = wait = None
    elif fraction and usual:
        per_kg = _times(usual.start_mg_per_kg, fraction)
        whole = usual.start_mg_per_day or _per_day(usual.start_mg_per_kg, person.weight_kg)
        start = _times(whole, fraction)
        if usual.target_mg_per_kg and person.weight_kg:
            up_to = round(usual.target_mg_per_kg[1] * fraction[1] * person.weight_kg, 1)
        tablets = tablets_for(start[1], knowledge) if start else None
    return Outcome(
        tpmt=tpmt,
        nudt15=nudt15,
        action=action,
        urgency=urgency,
        fraction=fraction,
        start_mg_per_kg=per_kg,
        start_mg_per_day=start,
        up_to_mg_per_day=up_to,
        tablets=tablets,
        wait_weeks=wait,
    )


def _per_day(per_kg: float | None, weight: float | None) -> float | None:
    return per_kg * weight if per_kg is not None and weight is not None else None


def _times(dose: float | None, fraction: Range) -> Range | None:
    return None if dose is None else (round(dose * fraction[0], 2), round(dose * fraction[1], 2))


def usual_dose(knowledge: Knowledge, indication: str) -> Usual | None:
    """The lowest usual starting dose of azathioprine for adults with this indication, by its protocol."""
    row = next((row for row in knowledge.tables["indications"] if row.id == indication), None)
    names = [row.protocol] if row is not None and row.protocol else list(knowledge.protocols)
    doses: list[tuple[str, Any]] = [(name, dose) for name in names for dose in knowledge.protocols[name].lists["doses"]]
    fitting = [
        (name, dose)
        for name, dose in doses
        if dose.population == "adult" and dose.drug == "azathioprine" and dose.indication in (indication, "any")
    ]
    exact = [regimen for regimen in fitting if regimen[1].indication == indication] or fitting
    starting = [
        regimen
        for regimen in exact
        if regimen[1].start_mg_per_kg is not None or regimen[1].start_mg_per_day is not None
    ]
    if not (starting or exact):
        return None
    name, dose = min(starting or exact, key=_lower_start)
    return Usual(
        protocol=name,
        start_mg_per_kg=dose.start_mg_per_kg,
        start_mg_per_day=dose.start_mg_per_day,
        target_mg_per_kg=dose.target_mg_per_kg,
        source=dose.source,
        locator=dose.locator,
        how=dose.how,
    )


def _lower_start(regimen: tuple[str, Any]) -> tuple[float, str]:
    name, dose = regimen
    return (float("inf") if dose.start_mg_per_kg is None else dose.start_mg_per_kg, name)


def _unknown_words(phenotypes: Mapping[str, str | None]) -> Iterable[str]:
    for gene in GENES:
        if phenotypes.get(gene) is None:
            yield f"{gene} is not known: this is not a normal result. Have it tested before the first tablet."


def _for_the_patient(said: Sequence[Advice], untold: Sequence[str]) -> str:
    strictest = min(said, key=_caution, default=None)
    if untold and (strictest is None or strictest.action in ("continue", "inform")):
        return (
            "Your gene test does not tell the whole of how you handle this medicine. "
            "It does not mean that all is normal. Do not start before your team has looked at this."
        )
    return strictest.says_patient if strictest else ""


def _disagreement(said: Sequence[Advice]) -> str | None:
    """Who says what, where bodies differ in what to do or in how much is left of the dose."""
    if len({(opinion.action, opinion.fraction) for opinion in said}) < 2:
        return None
    words = "; ".join(f"{opinion.body}: {opinion.action}{_share(opinion)}" for opinion in said)
    return f"The bodies differ ({words}). The most cautious decides the plan."


def _share(opinion: Advice) -> str:
    if opinion.fraction is None:
        return ""
    else_ = ", else" if opinion.action in NO_DOSE else " to"
    return f"{else_} {percent_of_usual(opinion.fraction)} of the usual dose"


def percent_of_usual(fraction: Range) -> str:
    """A share of the usual dose as it is written.

    >>> percent_of_usual((0.3, 0.5)), percent_of_usual((0.1, 0.1))
    ('30-50%', '10%')
    """
    low, high = (f"{100 * part:g}" for part in fraction)
    return f"{high}%" if low == high else f"{low}-{high}%"
