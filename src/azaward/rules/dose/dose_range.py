"""Today's dose against the protocol's range for this weight and indication; children, kidneys, and what is unknown."""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.limit import Limit, limit
from azaward.rules.language.tables import knowledge, parameter
from azaward.rules.language.words import (
    beside,
    conditions,
    is_treated,
    nothing,
    of_analyte,
    perhaps,
    surely,
    treated,
)
from azaward.terms import Action, Comparison, Rule, Status, Urgency

# Conditions that ask for a lower dose.
LOWER_DOSE = (
    "known_low_neutrophils",
    "known_low_platelets",
    "known_raised_liver_tests",
    "known_low_kidney_function",
)
WEAKER = ("Poor Metabolizer", "Intermediate Metabolizer", "Possible Intermediate Metabolizer")


def too_high(person: Table, usual: Table) -> Table:
    """A dose, taken or planned, above the highest of the protocol, or above a target beside which none stands.

    What rounding to whole tablets explains is noted; a multiple at which people had symptoms is withheld.
    """
    rows = _above(person, usual)
    shown = rows.ahead.ifelse(rows.planned_dose, rows.dose)
    above_highest = ibis.or_(rows.over, rows.ahead)
    begun = rows.over & (rows.status == Status.ON)
    return findings(
        rows,
        Rule.DOSE_RANGE,
        code=ibis.cases(
            (rows.far, "dose_far_above_range"),
            (rows.over, "dose_above_range"),
            (rows.ahead, "planned_dose_above_range"),
            (rows.rounded, "dose_rounded_up"),
            else_="dose_above_target",
        ),
        action=ibis.cases(
            (rows.over & (rows.status == Status.PLANNED), Action.DO_NOT_START),
            (rows.far, Action.WITHHOLD),
            (rows.over, Action.REDUCE),
            else_=Action.REVIEW,
        ),
        urgency=above_highest.ifelse(Urgency.SAME_DAY, Urgency.ROUTINE),
        subject=rows.taken,
        asks_for=ibis.cases((begun, "full_blood_count liver")),
        value=shown,
        unit="mg/d",
        limit=Limit((above_highest | rows.rounded).ifelse(rows.ceiling, rows.target_only), Comparison.AT_MOST, "mg/d"),
        mg_per_kg=number(shown / rows.weight),
        fact=rows.dose_fact,
    )


def _above(person: Table, usual: Table) -> Table:
    """Who takes, or is to take, more than the highest dose: `far`, `over`, `ahead` of today, or only `rounded` up."""
    rows = person.filter(is_treated(person)).inner_join(usual, "patient_id")
    tablets = knowledge("tablets")
    rows = beside(rows, tablets.rename(taken="medicine").group_by("taken").agg(tablet=tablets.mg.min()), "taken")
    above = surely(rows.dose > rows.ceiling)
    half_a_tablet = rows.tablet.fill_null(0) / 2
    rounded = above & surely(rows.dose - rows.ceiling <= half_a_tablet)
    over = above & ~rounded
    # What is planned for someone on treatment has not begun: nothing needs to be stopped for it.
    ahead = ~above & (rows.status == Status.ON) & surely(rows.planned_dose > rows.ceiling + half_a_tablet)
    far = over & surely(limit("overdose_times").times(rows.ceiling).met_by(rows.dose))
    rows = rows.mutate(over=over, far=far, ahead=ahead, rounded=rounded)
    return rows.filter(above | ahead | surely(rows.dose > rows.target_only))


def start_high(person: Table, usual: Table) -> Table:
    """A planned first dose above the protocol's starting dose."""
    rows = person.filter(person.status == Status.PLANNED).inner_join(usual, "patient_id")
    rows = rows.filter((rows.planned_first > rows.start) & ~surely(rows.planned_first > rows.ceiling))
    return findings(
        rows,
        Rule.DOSE_RANGE,
        code="start_above_range",
        action=Action.REVIEW,
        urgency=Urgency.THIS_WEEK,
        subject=rows.taken,
        value=rows.planned_first,
        unit="mg/d",
        limit=Limit(rows.start, Comparison.AT_MOST, "mg/d"),
        fact=rows.dose_fact,
    )


def low(person: Table, usual: Table, met: Table, genes: Table, latest: Table) -> Table:
    """A dose below the usual range, past the time of its next step, where nothing in the record explains it."""
    rows = person.filter(person.status == Status.ON).inner_join(usual, "patient_id")
    rows = rows.anti_join(_explained(person, met, genes, latest), "patient_id")
    rising = surely(rows.as_of_day - rows.increased_day <= rows.step_days)
    # A first dose in mg a day that the source doesn't raise in steps is a dose to stay at too.
    settled = surely(rows.whole_dose >= rows.fixed_start) & rows.step_days.isnull()
    rows = rows.filter((rows.whole_dose < rows.usual_low) & ~rising & ~settled)
    return findings(
        rows,
        Rule.DOSE_RANGE,
        code="dose_below_range",
        action=Action.INFORM,
        urgency=Urgency.INFO,
        subject=rows.taken,
        value=rows.dose,
        unit="mg/d",
        limit=Limit(rows.usual_low, Comparison.AT_LEAST, "mg/d"),
        mg_per_kg=number(rows.mg_per_kg),
        fact=rows.dose_fact,
    )


def _explained(person: Table, met: Table, genes: Table, latest: Table) -> Table:
    """Those who have a reason for a low dose: another medicine, a weaker enzyme, low counts, the liver, the kidneys."""
    kidneys, known = of_analyte(latest, "egfr"), conditions(person)
    return ibis.union(
        met.filter(met.running & met.dose_fraction_high.notnull()).select("patient_id"),
        genes.filter(genes.tpmt.isin(WEAKER) | genes.nudt15.isin(WEAKER)).select("patient_id"),
        kidneys.filter(~limit("renal_full_dose_gfr").met_by(kidneys.low)).select("patient_id"),
        known.filter(known.cause.isin(LOWER_DOSE)).select("patient_id"),
    ).distinct()


def unknown(person: Table, usual: Table) -> Table:
    """Weight, dose, date of birth or usual dose that isn't known, so that the dose can't be judged."""
    known = usual.filter(usual.covered).select("patient_id", has_usual=ibis.literal(True))
    # Few columns: each stands in the SQL once for every part of the union.
    people = treated(
        person,
        *("status", "taken", "birth_date", "age", "weight"),
        *("dose", "whole_dose", "dose_low", "dose_once", "impossible"),
    )
    rows = beside(people, known)
    planned = rows.status == Status.PLANNED
    grown = perhaps(limit("adult_age_years").met_by(rows.age))
    before_start = planned.ifelse(Urgency.THIS_WEEK, Urgency.ROUTINE)
    no_dose = ~planned & rows.whole_dose.isnull() & ~rows.impossible

    def missing(which: Value, code: str, urgency: Value | Urgency, subject: str | None = None) -> Table:
        those = rows.filter(which)
        weigh = code == "weight_unknown"
        return findings(
            those,
            Rule.DOSE_RANGE,
            code=code,
            action=Action.TEST if weigh else Action.REVIEW,
            urgency=urgency,
            subject=subject or those.taken,
            asks_for="weight" if weigh else None,
        )

    return ibis.union(
        missing(rows.weight.isnull(), "weight_unknown", before_start, "weight"),
        missing(no_dose, "dose_unknown", Urgency.THIS_WEEK),
        missing(rows.impossible, "dose_impossible", Urgency.THIS_WEEK),
        missing(~planned & (rows.dose_low < rows.dose), "doses_disagree", Urgency.THIS_WEEK),
        _repeated(rows.filter(rows.dose_once < rows.dose)),
        missing(grown & rows.has_usual.isnull(), "range_unknown", before_start),
        missing(rows.birth_date.isnull() | (rows.age < 0), "age_unknown", Urgency.ROUTINE, "age"),
    )


def supplied(person: Table) -> Table:
    """A supply of unknown length that may have run out: nobody knows whether there was another."""
    rows = person.filter(person.status.isin([Status.ON, Status.STOPPED]))
    rows = rows.filter(surely(rows.as_of_day - rows.supplied_day > parameter("omop_persistence_days")))
    return findings(
        rows,
        Rule.DOSE_RANGE,
        code="supply_of_unknown_length",
        action=Action.REVIEW,
        urgency=Urgency.THIS_WEEK,
        subject=rows.supplied,
        on=rows.supplied_day,
    )


def _repeated(rows: Table) -> Table:
    """Entries that differ in nothing: taken each, or one entry written twice."""
    return findings(
        rows,
        Rule.DOSE_RANGE,
        code="dose_repeated",
        action=Action.REVIEW,
        urgency=Urgency.THIS_WEEK,
        subject=rows.taken,
        value=rows.dose,
        unit="mg/d",
        once=number(rows.dose_once),
    )


def child(person: Table, usual: Table) -> Table:
    """A child or teenager: specialists only, with the dose range of the source for that age."""
    rows = person.filter(is_treated(person) & ~limit("adult_age_years").met_by(person.age))
    rows = beside(rows, usual.select("patient_id", "child_says", "dose_fact", high_mg_per_kg="child_high"))
    above = surely(rows.mg_per_kg > rows.high_mg_per_kg)
    # A rise that is planned for a child on treatment has not begun: nothing needs to be stopped for it.
    planned_per_kg = rows.planned_dose / rows.weight
    ahead = ~above & (rows.status == Status.ON) & surely(planned_per_kg > rows.high_mg_per_kg)
    high = above | ahead
    return findings(
        rows,
        Rule.DOSE_RANGE,
        code=ibis.cases((high, "child_dose_high"), (rows.child_says.isnull(), "child"), else_="child_dose"),
        action=ibis.cases((above, Action.REDUCE), (ahead, Action.REVIEW), else_=Action.REFER),
        urgency=ibis.cases(
            (high, Urgency.SAME_DAY), (rows.status == Status.PLANNED, Urgency.THIS_WEEK), else_=Urgency.ROUTINE
        ),
        subject=rows.taken,
        value=ahead.ifelse(planned_per_kg, rows.mg_per_kg),
        unit="mg/kg/d",
        limit=Limit(
            rows.high_mg_per_kg, ibis.cases((rows.high_mg_per_kg.notnull(), Comparison.AT_MOST), else_=None), "mg/kg/d"
        ),
        age=rows.age.cast("string"),
        says=rows.child_says,
        fact=rows.child_says.isnull().ifelse(nothing("string"), rows.dose_fact),
    )


def kidney(person: Table, latest: Table, usual: Table) -> Table:
    """Kidneys so weak that the source lowers the dose; found where today's dose is above that share."""
    egfr = of_analyte(latest, "egfr").select(
        "patient_id", "taken_on", "unit", "shown_low", "comparator_low", egfr="low"
    )
    rows = person.filter(is_treated(person)).inner_join(egfr, "patient_id")
    rows = beside(rows, usual.select("patient_id", "usual_high"))
    full_dose, moderate = limit("renal_full_dose_gfr"), limit("renal_gfr_moderate")
    rows = rows.filter(~full_dose.met_by(rows.egfr))
    severe = ~moderate.met_by(rows.egfr)
    share = severe.ifelse(parameter("renal_fraction_severe_low"), parameter("renal_fraction_moderate_low"))
    within = surely(rows.whole_dose <= rows.usual_high * share)
    return findings(
        rows,
        Rule.DOSE_RANGE,
        code="kidney_dose",
        action=within.ifelse(Action.REVIEW, Action.REDUCE),
        urgency=within.ifelse(Urgency.ROUTINE, Urgency.THIS_WEEK),
        subject="egfr",
        value=rows.shown_low,
        text=rows.comparator_low,
        unit=rows.unit,
        on=rows.taken_on,
        limit=Limit(severe.ifelse(moderate.value, full_dose.value), Comparison.BELOW, rows.unit),
        asks_for=within.ifelse(nothing("string"), "full_blood_count kidney"),
        fraction_low=share,
        fraction_high=1.0,
    )
