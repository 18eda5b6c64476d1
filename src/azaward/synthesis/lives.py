"""What happens in ordinary lives on azathioprine and is no trouble.

Colds that passed, a missed visit made up for, a pregnancy on a modest dose, drug levels that are right, a result
that the laboratory took back: whoever is alarmed by these cries wolf.
"""

from __future__ import annotations

from azaward.knowledge import load
from azaward.synthesis.person import Draft

YEAR = 365
LONG_SETTLED, LONG_OVER = 90, 90


def well(draft: Draft) -> None:
    """Adds some of them to someone who is well cared for."""
    rng, as_of = draft.rng, draft.as_of
    last = draft.panels[-1].day
    if rng.random() < 0.06:
        draft.event("condition", "hypertension", as_of - draft.between(300, 4000))
    if draft.entry > as_of - YEAR and rng.random() < 0.1:
        draft.event("vaccination", "mmr", draft.entry - draft.between(60, 400))
    if rng.random() < 0.04:
        draft.event("procedure", "surgery", as_of + draft.between(5, 60))
    if rng.random() < 0.02 and any(row[1] == "TPMT" for row in draft.genotypes):
        draft.event("transfusion", "red_cell_transfusion", draft.entry - draft.between(160, 900))
    if draft.status != "on" or last <= draft.start:
        return
    if rng.random() < 0.12:
        began = last - draft.between(5, 30)
        kind, code = ("infection", "upper_respiratory_infection") if rng.random() < 0.7 else ("symptom", "sore_throat")
        draft.event(kind, code, began, began + draft.between(3, 5))
    if rng.random() < 0.03:
        draft.event("exposure_to_infection", "varicella", as_of - draft.between(30, 300))
    if rng.random() < 0.08 and len(draft.panels) > 1:
        draft.contact("did_not_attend", last - draft.between(1, 3), "came a few days later")
    if rng.random() < 0.02 and as_of - max(draft.start, draft.rise()) > LONG_SETTLED:
        draft.medicine("warfarin", 4, as_of - draft.between(LONG_SETTLED, 2000))
    if rng.random() < 0.04 and as_of - draft.start > LONG_OVER + YEAR:
        began = as_of - LONG_OVER - draft.between(0, 200)
        draft.medicine("trimethoprim", 400, began, began + 3)
    if rng.random() < 0.03:
        draft.number("neutrophils", 0.2, last, "entered-in-error")
    if draft.care.family == "gastroenterology" and as_of - draft.start > 60 and rng.random() < 0.35:
        _levels_that_are_right(draft, last)
    _family(draft)


def _levels_that_are_right(draft: Draft, on: int) -> None:
    right = [row for row in load().tables["metabolites"] if row.pattern == "therapeutic"]
    band = next(row for row in right if row.protocol == draft.care.protocol)
    low, high, most = band.tgn_low or 0.0, band.tgn_high or 0.0, band.mmp_high or 0.0
    draft.number("tgn", low + (0.05 + 0.85 * draft.rng.random()) * (high - low), on)
    draft.number("mmp", most * (0.05 + 0.7 * draft.rng.random()), on)


def _family(draft: Draft) -> None:
    rng, years = draft.rng, draft.age(draft.as_of)
    known = load().parameters
    if draft.sex == "female" and 20 < years < 42:
        if rng.random() < 0.08 and draft.dose() / draft.weight <= known["pregnancy_max_mg_per_kg"].value:
            draft.event("pregnancy", "pregnancy", draft.as_of - draft.between(40, 250))
        elif rng.random() < 0.05 and draft.dose() <= known["breastfeeding_dose_mg_per_day"].value:
            draft.event("breastfeeding", "breastfeeding", draft.as_of - draft.between(10, 200))
    elif draft.sex == "male" and 22 < years < 45 and rng.random() < 0.04:
        draft.event("pregnancy", "partner_pregnancy_planned", draft.as_of - draft.between(10, 90))
