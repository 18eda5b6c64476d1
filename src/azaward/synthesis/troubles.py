"""The troubles that are planted in a synthetic clinic, the finding that must come of each, and how it is planted.

Each is planted in someone who is otherwise treated as the protocol asks, so that what is found can be traced
to what was planted. Values are measured from the limits of the person's own protocol.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from azaward.knowledge import load
from azaward.synthesis.care import tablets
from azaward.synthesis.person import Draft, Panel, Step, Wishes, day
from azaward.treatment import tablet_sizes

GUT = ("gastroenterology",)
LONG = (200, 3000)
YEAR = 365


class Trouble(NamedTuple):
    """A kind of trouble: who it happens to and what must be found.

    `plant` changes the draft and says (the finding's code, what was planted).
    """

    name: str
    rule: str
    least_urgency: str
    wishes: Wishes
    plant: Plant
    about: str


Plant = Callable[[Draft], tuple[str, str]]
_TROUBLES: list[Trouble] = []


def _trouble(rule: str, least_urgency: str, wishes: Wishes) -> Callable[[Plant], Plant]:
    """Makes a function a trouble of the clinic, under its own name and with its docstring."""

    def add(plant: Plant) -> Plant:
        _TROUBLES.append(Trouble(plant.__name__, rule, least_urgency, wishes, plant, (plant.__doc__ or "").strip()))
        return plant

    return add


def _last(draft: Draft, **values: float) -> Panel:
    """Replaces values of the last blood test."""
    panel = draft.panels[-1]
    panel.values.update(values)
    return panel


def _share(draft: Draft, low: float, high: float) -> float:
    return low + (high - low) * draft.rng.random()


def _pressing(draft: Draft, analyte: str) -> tuple[float, float]:
    """The lowest and highest value that no same-day limit of the protocol catches."""
    return draft.care.bounds(draft.ranges, pressing=True)[analyte]


@_trouble("limits", "same-day", Wishes(days_on=(60, 3000)))
def neutropenia(draft: Draft) -> tuple[str, str]:
    """Neutrophils under the protocol's limit."""
    limit = _pressing(draft, "neutrophils")[0]
    count = limit * _share(draft, 0.4, 0.85)
    _last(draft, neutrophils=count, wbc=count + _share(draft, 1.6, 2.4))
    return "limit_low", f"neutrophils {count:.1f} at the last test"


@_trouble("limits", "same-day", Wishes(days_on=(60, 3000)))
def leucopenia(draft: Draft) -> tuple[str, str]:
    """White cells under the protocol's limit, neutrophils not."""
    count = _pressing(draft, "wbc")[0] * _share(draft, 0.78, 0.93)
    enough = _pressing(draft, "neutrophils")[0] * 1.03
    _last(draft, wbc=count, neutrophils=max(enough, count * 0.6))
    return "limit_low", f"white cells {count:.1f} at the last test"


@_trouble("limits", "same-day", Wishes(days_on=(60, 3000)))
def thrombocytopenia(draft: Draft) -> tuple[str, str]:
    """Platelets under the protocol's limit."""
    count = _pressing(draft, "platelets")[0] * _share(draft, 0.45, 0.9)
    _last(draft, platelets=count)
    return "limit_low", f"platelets {count:.0f} at the last test"


@_trouble("limits", "same-day", Wishes(days_on=(40, 3000)))
def alt_high(draft: Draft) -> tuple[str, str]:
    """ALT over the limit of the same day."""
    value = _pressing(draft, "alt")[1] * _share(draft, 1.2, 3.5)
    _last(draft, alt=value)
    return "limit_high", f"ALT {value:.0f} at the last test"


@_trouble("limits", "this-week", Wishes(days_on=LONG))
def creatinine_rise(draft: Draft) -> tuple[str, str]:
    """A creatinine that rose by more than the protocol allows in a year."""
    factor = draft.care.rise_allowed("creatinine") * _share(draft, 1.08, 1.4)
    last = draft.panels[-1].day
    lowest = min(panel.values["creatinine"] for panel in draft.panels[:-1] if panel.day >= last - YEAR)
    _last(draft, creatinine=lowest * factor)
    return "limit_high", f"creatinine {100 * (factor - 1):.0f}% above the lowest of the year"


@_trouble("schedule", "this-week", Wishes(days_on=(600, 4000)))
def blood_test_overdue(draft: Draft) -> tuple[str, str]:
    """More than one whole interval of the schedule passed without a blood test."""
    while True:
        due, every = _due(draft)
        if draft.as_of - due > every:
            return "test_overdue", f"no blood test since {day(draft.panels[-1].day)}, due every {every} days"
        _forget_last(draft)


@_trouble("schedule", "same-day", Wishes(days_on=(32, 70)))
def never_tested(draft: Draft) -> tuple[str, str]:
    """On treatment for weeks and not tested once since the first tablet."""
    draft.panels = [panel for panel in draft.panels if panel.day < draft.start]
    draft.steps = [draft.steps[0]._replace(stop=None)]
    return "test_never_done", f"no blood test since the first tablet on {day(draft.start)}"


@_trouble("schedule", "this-week", Wishes(days_on=(300, 4000)))
def stays_away(draft: Draft) -> tuple[str, str]:
    """Two appointments in a row missed since the last blood test."""
    while _due(draft)[0] > draft.as_of - 12:
        _forget_last(draft)
    due = _due(draft)[0]
    missed = [due - 2, due + draft.between(5, 10)]
    for on in missed:
        draft.contact("did_not_attend", on)
        draft.contact("reminder", on + 1, "asked to make another appointment")
    return "did_not_attend", f"stayed away on {day(missed[0])} and {day(missed[1])}"


def _due(draft: Draft) -> tuple[int, int]:
    return draft.care.due(draft.panels[-1].day, draft.start, draft.rise())


def _forget_last(draft: Draft) -> None:
    """Takes away the last blood test; where none would be left, sets one further back."""
    gone = draft.panels.pop()
    if not draft.panels:
        draft.panels.append(Panel(gone.day - 90, gone.values))


@_trouble("medicines", "same-day", Wishes(days_on=LONG))
def allopurinol_full_dose(draft: Draft) -> tuple[str, str]:
    """Allopurinol begun without a cut of the dose."""
    draft.event("condition", "gout", draft.as_of - draft.between(30, 60))
    mg = 100.0 * draft.between(1, 3)
    draft.medicine("allopurinol", mg, draft.as_of - draft.between(2, 20))
    return "interaction", f"allopurinol {mg:.0f} mg begun, azathioprine still {draft.dose():.0f} mg"


@_trouble("medicines", "same-day", Wishes(days_on=LONG))
def febuxostat(draft: Draft) -> tuple[str, str]:
    """Febuxostat begun on treatment."""
    draft.event("condition", "gout", draft.as_of - draft.between(30, 60))
    draft.medicine("febuxostat", 80, draft.as_of - draft.between(2, 20))
    return "interaction", "febuxostat begun"


@_trouble("medicines", "same-day", Wishes(days_on=LONG))
def second_thiopurine(draft: Draft) -> tuple[str, str]:
    """Mercaptopurine begun while azathioprine goes on."""
    draft.medicine("mercaptopurine", 50, draft.as_of - draft.between(2, 20))
    return "interaction", "mercaptopurine begun, azathioprine not stopped"


@_trouble("dosing", "same-day", Wishes(status="planned", tpmt="*3A/*3A"))
def tpmt_poor_planned(draft: Draft) -> tuple[str, str]:
    """No TPMT at all, and azathioprine planned."""
    return "genotype_dose", f"TPMT *3A/*3A, azathioprine {draft.dose():.0f} mg planned"


@_trouble("dosing", "same-day", Wishes(days_on=(8, 60), nudt15="*3/*3"))
def nudt15_poor(draft: Draft) -> tuple[str, str]:
    """No NUDT15 at all, and lately put on azathioprine."""
    return "genotype_dose", f"NUDT15 *3/*3, on azathioprine {draft.dose():.0f} mg"


@_trouble("dosing", "this-week", Wishes(days_on=(5, 24), tpmt="*1/*3A", starts_full=True, families=GUT))
def tpmt_intermediate(draft: Draft) -> tuple[str, str]:
    """A carrier by TPMT who lately began at the full dose."""
    return "genotype_dose_lower", f"TPMT *1/*3A, begun at the full dose of {draft.dose():.0f} mg"


@_trouble("dose_range", "same-day", Wishes(days_on=LONG))
def dose_above_range(draft: Draft) -> tuple[str, str]:
    """A dose above the highest that is stated."""
    ceiling = draft.care.regimen(draft.weight).ceiling
    mg = tablets(ceiling * _share(draft, 1.1, 1.4)) + _tablet()
    _dose(draft, mg)
    return "dose_above_range", f"{mg:.0f} mg for {draft.weight:.0f} kg"


@_trouble("dose_range", "same-day", Wishes(days_on=(60, 900), child=True))
def child_over_dose(draft: Draft) -> tuple[str, str]:
    """A child on more than the range for children."""
    mg = tablets(draft.care.children_mg_per_kg * draft.weight * _share(draft, 1.05, 1.3)) + _tablet()
    _dose(draft, mg)
    return "child_dose_high", f"{mg:.0f} mg for {draft.weight:.0f} kg at {int(draft.age(draft.as_of))} years"


def _tablet() -> float:
    return tablet_sizes(load())[-1]


def _dose(draft: Draft, mg: float) -> None:
    draft.steps = [*draft.steps[:-1], draft.steps[-1]._replace(mg=mg)]


@_trouble("baseline", "this-week", Wishes(status="planned"))
def baseline_missing(draft: Draft) -> tuple[str, str]:
    """Azathioprine planned, one required test not done."""
    missing = ("tpmt", "liver", "kidney")[draft.between(0, 2)]
    if missing == "tpmt":
        draft.genotypes = [row for row in draft.genotypes if row[1] != "TPMT"]
        draft.results = [row for row in draft.results if row[1] != "tpmt_activity"]
    else:
        del draft.panels[-1].values["alt" if missing == "liver" else "creatinine"]
    return "baseline_missing", f"azathioprine planned without the {missing} test"


@_trouble("infection", "emergency", Wishes(days_on=(30, 2000)))
def fever_neutropenia(draft: Draft) -> tuple[str, str]:
    """Fever with next to no neutrophils."""
    limit = load().parameters["neutropenic_sepsis_neutrophils"].value
    _tested_today(draft)
    count = limit * _share(draft, 0.25, 0.9)
    _last(draft, neutrophils=count, wbc=count + _share(draft, 0.7, 1.2))
    draft.event("symptom", "fever", draft.as_of - 1)
    return "fever_neutropenia", f"fever since yesterday, neutrophils {count:.1f}"


@_trouble("infection", "same-day", Wishes(days_on=(60, 3000)))
def fever_untested(draft: Draft) -> tuple[str, str]:
    """Fever, and no blood count since it began."""
    began = draft.as_of - draft.between(0, 2)
    if draft.panels[-1].day >= began:
        panel = draft.panels.pop()
        draft.panels.append(Panel(began - 1, panel.values))
    draft.event("symptom", "fever", began)
    return "fever_untested", f"fever since {day(began)}, no blood count since"


def _tested_today(draft: Draft) -> None:
    """One more blood test today, like the last one."""
    draft.panels = [panel for panel in draft.panels if panel.day < draft.as_of] or draft.panels
    draft.panels.append(Panel(draft.as_of, dict(draft.panels[-1].values)))


@_trouble("infection", "same-day", Wishes(days_on=LONG))
def varicella_contact(draft: Draft) -> tuple[str, str]:
    """Contact with chickenpox without antibodies."""
    draft.results = [row for row in draft.results if row[1] != "vzv_igg"]
    draft.words("vzv_igg", "Negative", draft.entry)
    since = draft.between(1, 9)
    draft.event("exposure_to_infection", "varicella", draft.as_of - since)
    return "contact_varicella", f"contact with chickenpox {since} days ago, no antibodies"


@_trouble("infection", "same-day", Wishes(days_on=LONG))
def live_vaccine(draft: Draft) -> tuple[str, str]:
    """A live vaccine given on treatment."""
    since = draft.between(3, 40)
    draft.event("vaccination", "yellow_fever", draft.as_of - since)
    return "live_vaccine_given", f"yellow fever vaccine {since} days ago, on treatment"


@_trouble("metabolites", "this-week", Wishes(days_on=(90, 900), families=GUT))
def metabolites_over_dosed(draft: Draft) -> tuple[str, str]:
    """Too much of the active substance."""
    return _metabolites(draft, "over_dosed", (1.2, 2.0), (0.1, 0.6))


@_trouble("metabolites", "this-week", Wishes(days_on=(90, 900), families=GUT))
def metabolites_shunting(draft: Draft) -> tuple[str, str]:
    """Little of the active substance, much of the by-product."""
    return _metabolites(draft, "shunting", (0.25, 0.45), (1.2, 2.2))


def _metabolites(draft: Draft, pattern: str, tgn: tuple[float, float], mmp: tuple[float, float]) -> tuple[str, str]:
    """Levels as shares of the upper ends of what is therapeutic."""
    band = next(row for row in load().tables["metabolites"] if row.pattern == "therapeutic")
    active, other = (band.tgn_high or 0.0) * _share(draft, *tgn), (band.mmp_high or 0.0) * _share(draft, *mmp)
    on = draft.panels[-1].day
    draft.number("tgn", active, on)
    draft.number("mmp", other, on)
    return f"metabolites_{pattern}", f"TGN {active:.0f}, MMP {other:.0f}"


@_trouble("recovery", "same-day", Wishes(days_on=LONG))
def restarted_before_recovery(draft: Draft) -> tuple[str, str]:
    """Stopped for low white cells and begun again without a test."""
    stopped, again = draft.as_of - draft.between(12, 20), draft.as_of - draft.between(2, 6)
    values = draft.panels[-1].values
    draft.panels = [panel for panel in draft.panels if panel.day < stopped - 1]
    count = _pressing(draft, "wbc")[0] * _share(draft, 0.65, 0.9)
    draft.panels.append(Panel(stopped - 1, {**values, "wbc": count, "neutrophils": count * 0.55}))
    before = draft.steps[-1]
    draft.steps = [*draft.steps[:-1], before._replace(stop=stopped), Step(before.mg, again)]
    return "restarted_before_recovery", f"stopped for white cells {count:.1f}, begun again untested on {day(again)}"


@_trouble("liver", "emergency", Wishes(days_on=(12, 60)))
def pancreatitis(draft: Draft) -> tuple[str, str]:
    """Lipase at several times its limit, weeks after the first tablet."""
    draft.number("lipase", draft.ranges["lipase"].high * _share(draft, 3.5, 9), draft.as_of - 1)
    draft.event("symptom", "abdominal_pain", draft.as_of - 2)
    return "pancreatitis_likely", "belly pain and lipase over three times its limit"


@_trouble("record_quality", "this-week", Wishes(days_on=LONG))
def count_without_unit(draft: Draft) -> tuple[str, str]:
    """A blood count that came without units."""
    draft.units_lost |= {"wbc", "neutrophils", "platelets"}
    return "result_no_unit", "the last blood count came without units"


@_trouble("record_quality", "this-week", Wishes(days_on=LONG))
def implausible_count(draft: Draft) -> tuple[str, str]:
    """White cells in thousands where the unit says thousands already."""
    scale = draft.ranges["wbc"]
    shown = round(draft.panels[-1].values.pop("wbc") * 1000, -2)
    row = (draft.patient_id, "wbc", shown, None, None, scale.unit, scale.shown_low, scale.shown_high)
    draft.results.append((*row, day(draft.panels[-1].day), "final", None))
    return "result_implausible", f"white cells {shown:.0f} {scale.unit}"


@_trouble("drift", "this-week", Wishes(days_on=LONG))
def sequential_falls(draft: Draft) -> tuple[str, str]:
    """Three falls of the white cells in a row, inside the limits."""
    limit = draft.care.bounds(draft.ranges)["wbc"][0]
    count = limit * 1.2
    for panel in reversed(draft.panels[-4:]):
        panel.values.update(wbc=count, neutrophils=count * 0.6)
        count /= 0.82
    return "drift_sequential", f"white cells fell three times in a row, from {count * 0.82:.1f} to {limit * 1.2:.1f}"


@_trouble("enzyme", "this-week", Wishes(days_on=(10, 900), tpmt_by="activity"))
def activity_after_transfusion(draft: Draft) -> tuple[str, str]:
    """A normal TPMT activity measured on a donor's red cells, without a genotype."""
    before = draft.between(8, 90)
    draft.event("transfusion", "red_cell_transfusion", draft.entry - before)
    return "activity_untrusted", f"TPMT activity normal, {before} days after a transfusion, no genotype"


@_trouble("record_quality", "same-day", Wishes())
def identity_conflict(draft: Draft) -> tuple[str, str]:
    """Two dates of birth under one id."""
    other = draft.birth - 365 * draft.between(3, 20) - draft.between(0, 300)
    draft.patients.append((draft.patient_id, day(other), draft.sex, draft.care.indication, draft.ancestry))
    return "identity_conflict", "two dates of birth under one id"


TROUBLES = tuple(_TROUBLES)
