"""Draws a person who is treated as the protocol asks: who they are, their genes, doses, tests and history.

What a trouble needs of its person comes in as `Wishes`; without wishes the draw adds what makes clinics
varied and is no trouble: carriers on half the dose, a quarter of it beside allopurinol, a liver test a little raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import NamedTuple, TypeVar

from azaward.knowledge import load
from azaward.knowledge.loading.words.vocabulary import vocabulary
from azaward.synthesis.care import Bounds, Care, Regimen, cares, tablets
from azaward.synthesis.laboratory import laboratories, panel, ranges, room, table, usual
from azaward.synthesis.person import Draft, Panel, Step, Wishes, day
from azaward.synthesis.visits import on_time

# The make-up of the clinic is invented; it claims nothing about anyone.
PLANNED, STOPPED = 0.08, 0.04
CARRIERS, ON_ALLOPURINOL, LIVER_A_LITTLE_RAISED = 0.08, 0.03, 0.06
HALF, QUARTER = 0.5, 0.25
STEP_MG_PER_KG = 0.5
ENTRY_RESULTS = 8
FEWEST_PANELS = 4
YEAR = 365.25
T = TypeVar("T")
ANCESTRIES = (
    ("European", 74.0),
    ("Central/South Asian", 11.0),
    ("East Asian", 5.0),
    ("Sub-Saharan African", 7.0),
    ("Latino", 3.0),
)
CHILDREN_WITH = ("crohns_disease", "ulcerative_colitis")
NUDT15_CARRIERS = {"East Asian": 0.15, "Latino": 0.08}


class Kind(NamedTuple):
    """One indication of the clinic's mix."""

    care: Care
    age_mean: float
    age_sd: float
    female: float


@lru_cache(maxsize=64)
def _kinds(families: tuple[str, ...], starts_full: bool, child: bool) -> tuple[tuple[Kind, float], ...]:
    kinds: list[tuple[Kind, float]] = []
    for row in table("indications"):
        care = cares()[row["indication"]]
        regimen = care.regimen(1.0)
        if (families and care.family not in families) or (child and care.indication not in CHILDREN_WITH):
            continue
        if starts_full and (regimen.start is None or regimen.start < regimen.low):
            continue
        kind = Kind(care, float(row["age_mean"]), float(row["age_sd"]), float(row["female_percent"]) / 100)
        kinds.append((kind, float(row["share"])))
    return tuple(kinds)


def draw(rng: Random, patient_id: str, as_of: int, results: int, wishes: Wishes | None) -> Draft:
    """A person as of a day, with about `results` results on record if treated for long."""
    want = wishes or Wishes(status=_status(rng))
    kind = pick(rng, _kinds(want.families, want.starts_full, want.child))
    care = kind.care
    sex = "female" if rng.random() < kind.female else "male"
    age = _age(rng, kind, want.child, adult=wishes is not None or want.status != "on")
    weight, height = _body(rng, sex, age)
    laboratory = pick(rng, laboratories())
    within = ranges(laboratory, sex)
    bounds = care.bounds(within)
    draft = Draft(
        rng=rng,
        as_of=as_of,
        patient_id=patient_id,
        care=care,
        birth=as_of - int(age * YEAR),
        sex=sex,
        ancestry=pick(rng, ANCESTRIES),
        weight=weight,
        height=height,
        status=want.status,
        ranges=within,
        levels=usual(rng, sex, bounds),
    )
    share = _genes(draft, wishes, bounds)
    keep = max(FEWEST_PANELS, round((results - ENTRY_RESULTS) / len(draft.levels)))
    _treat(draft, want, share, keep, bounds)
    _entry(draft)
    _companions(draft)
    return draft


def pick(rng: Random, shares: Sequence[tuple[T, float]]) -> T:
    """One of several, each as often as its share."""
    place = rng.random() * sum(share for _, share in shares)
    for kind, share in shares:
        place -= share
        if place < 0:
            return kind
    return shares[-1][0]


def _status(rng: Random) -> str:
    return pick(rng, (("planned", PLANNED), ("stopped", STOPPED), ("on", 1 - PLANNED - STOPPED)))


def _age(rng: Random, kind: Kind, child: bool, *, adult: bool) -> float:
    if child:
        return 9 + 8 * rng.random()
    youngest = 19.0 if adult or kind.care.family != "gastroenterology" else 9.0
    return min(88.0, max(youngest + rng.random(), rng.gauss(kind.age_mean, kind.age_sd)))


def _body(rng: Random, sex: str, age: float) -> tuple[float, float]:
    """Weight in kg and height in cm; a child's grow with age."""
    grown = min(1.0, 0.42 + 0.58 * (age - 8) / 10) if age < 18 else 1.0
    middle, least, most = (68.0, 46.0, 115.0) if sex == "female" else (81.0, 54.0, 130.0)
    weight = min(most, max(least, rng.gauss(middle, 13))) * grown
    height = rng.gauss(163 if sex == "female" else 177, 6.5) * (0.78 + 0.22 * grown if age < 18 else 1.0)
    return round(weight, 1), round(height)


def _genes(draft: Draft, wishes: Wishes | None, bounds: Bounds) -> float:
    """Draws TPMT and NUDT15, reported before treatment; returns the share of the usual dose that they leave."""
    rng = draft.rng
    carrier = wishes is None and rng.random() < CARRIERS
    tpmt = wishes.tpmt if wishes else "*1/*1"
    if carrier:
        tpmt = pick(rng, (("*1/*3A", 80.0), ("*1/*3C", 15.0), ("*1/*2", 5.0)))
    nudt15 = wishes.nudt15 if wishes else None
    if nudt15 is None and rng.random() < 0.55:
        nudt15 = "*1/*1"
        if wishes is None and not carrier and rng.random() < NUDT15_CARRIERS.get(draft.ancestry, 0.0):
            nudt15, carrier = "*1/*3", True
    by = (wishes and wishes.tpmt_by) or ("genotype" if tpmt != "*1/*1" or rng.random() < 0.7 else "activity")
    # Days are put right once the start of treatment is known.
    draft.genotypes = [(draft.patient_id, "TPMT", tpmt, phenotype("TPMT", tpmt), by, None)]
    if nudt15:
        draft.genotypes.append((draft.patient_id, "NUDT15", nudt15, phenotype("NUDT15", nudt15), "genotype", None))
    if carrier:
        return HALF
    heavy = draft.weight >= 60 and wishes is None and draft.care.family == "gastroenterology"
    if heavy and draft.status == "on" and rng.random() < ON_ALLOPURINOL:
        return QUARTER
    upper = draft.ranges["alt"].high
    if wishes is None and bounds["alt"][1] > upper * 1.5 and rng.random() < LIVER_A_LITTLE_RAISED:
        draft.levels["alt"] = upper * 1.15
    return 1.0


@lru_cache(maxsize=64)
def phenotype(gene: str, diplotype: str) -> str | None:
    """The phenotype of a diplotype, by the knowledge base."""
    return vocabulary(load()).diplotype_phenotype(gene, diplotype)


def _treat(draft: Draft, want: Wishes, share: float, keep: int, bounds: Bounds) -> None:
    """The course of treatment and the blood tests that go with it."""
    rng, as_of = draft.rng, draft.as_of
    until = as_of
    if draft.status == "planned":
        draft.start = as_of + draft.between(3, 20)
    else:
        low, high = want.days_on or _days_on(rng)
        days = min(draft.between(low, high), int((draft.age(as_of) - 7) * YEAR))
        draft.start = as_of - days
        if draft.status == "stopped":
            until = as_of - draft.between(14, 300)
            draft.start = until - max(days, 200)
    regimen = draft.care.regimen(draft.weight)
    aim = regimen.low + rng.random() * (min(regimen.high, regimen.ceiling) - regimen.low)
    if draft.age(as_of) < 18:
        aim = min(aim, draft.care.children_mg_per_kg * draft.weight)
    aim = tablets(aim * share)
    draft.steps = _steps(draft, regimen, aim, share, until)
    if draft.status == "planned":
        first = as_of - draft.between(3, 20)
        days_of_tests = [first]
    else:
        first = draft.start - draft.between(6, 24)
        rises = [step.start for step in draft.steps[1:] if step.start is not None]
        days_of_tests = on_time(rng, draft.care, draft.start, rises, first, until, keep)
    inside = room(draft.levels, draft.care, bounds)
    draft.panels = [Panel(test, panel(rng, draft.levels, inside)) for test in days_of_tests]
    draft.entry = first
    if share == QUARTER:
        draft.medicine("allopurinol", 100, draft.start)


def _days_on(rng: Random) -> tuple[int, int]:
    return pick(rng, (((10, 120), 14.0), ((121, 400), 20.0), ((401, 1500), 36.0), ((1501, 5500), 30.0)))


def _steps(draft: Draft, regimen: Regimen, aim: float, share: float, until: int) -> list[Step]:
    first = aim if regimen.start is None else min(aim, tablets(regimen.start * share))
    if draft.status == "planned":
        return [Step(first, None)]
    steps = [Step(first, draft.start)]
    while steps[-1].mg < aim:
        before = steps[-1]
        rise = (before.start or 0) + draft.between(28, 42)
        if rise > until:
            break
        steps[-1] = before._replace(stop=rise)
        steps.append(Step(min(aim, before.mg + tablets(STEP_MG_PER_KG * share * draft.weight)), rise))
    if draft.status == "stopped":
        steps[-1] = steps[-1]._replace(stop=until)
    return steps


def _entry(draft: Draft) -> None:
    """What was looked into before treatment: genes, viruses, body, screening, vaccines."""
    rng, at = draft.rng, draft.entry
    for place, row in enumerate(draft.genotypes):
        draft.genotypes[place] = (*row[:5], day(at - draft.between(0, 30)))
    tpmt = draft.genotypes[0]
    if tpmt[4] == "activity":
        draft.genotypes.pop(0)
        band = draft.ranges["tpmt_activity"]
        draft.number("tpmt_activity", band.low + (0.1 + 0.7 * rng.random()) * (band.high - band.low), at)
    for analyte in ("hbsag", "anti_hcv", "hiv_test"):
        draft.words(analyte, pick(rng, (("Negative", 3.0), ("Not detected", 1.0))), at)
    draft.words("vzv_igg", "Positive", at)
    draft.number("height", draft.height, at)
    draft.event("procedure", "blood_pressure", at)
    screened = [load().parameters[f"cervical_{end}_years"].value for end in ("from", "until")]
    if draft.sex == "female" and screened[0] <= int(draft.age(draft.as_of)) <= screened[1]:
        draft.event("procedure", "cervical_screening", draft.as_of - draft.between(20, 330))
    if draft.as_of - draft.start > YEAR:
        for since in (draft.between(5, 160), draft.between(180, 350)):
            draft.event("procedure", "skin_check", draft.as_of - since)
    draft.event("vaccination", "influenza", draft.as_of - draft.between(8, 50))
    draft.event("vaccination", "pneumococcal", at - draft.between(5, 900))


def _companions(draft: Draft) -> None:
    """Other medicines that go with azathioprine, and what protects the bones beside a steroid."""
    steroid = False
    for family, medicine, mg, share in _companion_rows():
        if family in ("any", draft.care.family) and draft.rng.random() < share:
            if medicine == "ciclosporin" and any(row[1] == "tacrolimus" for row in draft.medicines):
                continue
            draft.medicine(medicine, mg, min(draft.start, draft.as_of) - draft.between(0, 700))
            steroid = steroid or medicine == "prednisolone"
    if steroid:
        draft.medicine("alendronic_acid", 10, min(draft.start, draft.as_of) - draft.between(0, 300))


@lru_cache(maxsize=1)
def _companion_rows() -> tuple[tuple[str, str, float | None, float], ...]:
    return tuple(
        (
            row["family"],
            row["medicine"],
            float(row["mg_per_day"]) if row["mg_per_day"] else None,
            float(row["percent"]) / 100,
        )
        for row in table("companions")
    )
