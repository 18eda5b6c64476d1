"""Today's dose against the protocol's range for this weight and indication; children, kidneys, and what is unknown."""

from __future__ import annotations

from typing import Any

from azaward.rules.language.finding import findings, number
from azaward.rules.language.tables import Table, parameters
from azaward.rules.language.untyped import ibis

WEAKER = ("Poor Metabolizer", "Intermediate Metabolizer", "Possible Intermediate Metabolizer")


def too_high(person: Table, usual: Table) -> Table:
    """A dose, taken or planned, above the highest of the protocol, or above a target beside which none stands."""
    rows = person.filter(person.status.isin(["on", "planned"])).inner_join(usual, "patient_id")
    over = (rows.dose > rows.ceiling).fill_null(False)
    # What is planned for someone on treatment has not begun: nothing needs to be stopped for it.
    ahead = (rows.status == "on") & (rows.planned_dose > rows.ceiling).fill_null(False)
    beyond = ~over & (rows.dose > rows.target_only).fill_null(False)
    rows = rows.mutate(over=over, ahead=ahead & ~over).filter(over | ahead | beyond)
    shown = rows.ahead.ifelse(rows.planned_dose, rows.dose)
    return findings(
        rows,
        "dose_range",
        code=ibis.cases(
            (rows.over, "dose_above_range"), (rows.ahead, "planned_dose_above_range"), else_="dose_above_target"
        ),
        action=ibis.cases(
            (rows.over & (rows.status == "planned"), "do-not-start"), (rows.over, "reduce"), else_="review"
        ),
        urgency=ibis.or_(rows.over, rows.ahead).ifelse("same-day", "routine"),
        subject=rows.taken,
        value=shown,
        unit="mg/d",
        comparison="at-most",
        limit_value=ibis.or_(rows.over, rows.ahead).ifelse(rows.ceiling, rows.target_only),
        limit_unit="mg/d",
        a=number(shown / rows.weight),
        sources=rows.dose_sources,
    )


def start_high(person: Table, usual: Table) -> Table:
    """A planned first dose above the protocol's starting dose."""
    rows = person.filter(person.status == "planned").inner_join(usual, "patient_id")
    rows = rows.filter((rows.planned_first > rows.start) & ~(rows.planned_first > rows.ceiling).fill_null(False))
    return findings(
        rows,
        "dose_range",
        code="start_above_range",
        action="review",
        urgency="this-week",
        subject=rows.taken,
        value=rows.planned_first,
        unit="mg/d",
        comparison="at-most",
        limit_value=rows.start,
        limit_unit="mg/d",
        sources=rows.dose_sources,
    )


def low(person: Table, usual: Table, met: Table, genes: Table, latest: Table) -> Table:
    """A dose below the usual range, past the time of its next step, where nothing in the record explains it."""
    weaker = genes.filter(genes.tpmt.isin(WEAKER) | genes.nudt15.isin(WEAKER))
    kidneys = latest.pipe(parameters("renal_full_dose_gfr"))
    kidneys = kidneys.filter((kidneys.analyte == "egfr") & (kidneys.low < kidneys.renal_full_dose_gfr))
    explained = ibis.union(
        met.filter(met.running & met.dose_fraction_high.notnull()).select("patient_id"),
        weaker.select("patient_id"),
        kidneys.select("patient_id"),
    ).distinct()
    rows = person.filter(person.status == "on").inner_join(usual, "patient_id").anti_join(explained, "patient_id")
    rising = (rows.as_of_day - rows.increased_day <= rows.step_days).fill_null(False)
    rows = rows.filter((rows.whole_dose < rows.usual_low) & ~rising)
    return findings(
        rows,
        "dose_range",
        code="dose_below_range",
        action="inform",
        urgency="info",
        subject=rows.taken,
        value=rows.dose,
        unit="mg/d",
        comparison="at-least",
        limit_value=rows.usual_low,
        limit_unit="mg/d",
        a=number(rows.mg_per_kg),
        sources=rows.dose_sources,
    )


def unknown(person: Table, usual: Table) -> Table:
    """Weight, dose, date of birth or usual dose that isn't known, so that the dose can't be judged."""
    known = usual.select("patient_id").mutate(has_usual=ibis.literal(True))
    # Few columns: each stands in the SQL once for every part of the union.
    treated = person.filter(person.status.isin(["on", "planned"])).select(
        *("patient_id", "protocol", "status", "taken", "birth_date", "age", "weight"),
        *("dose", "whole_dose", "dose_low", "dose_once", "impossible"),
    )
    treated = treated.pipe(parameters("adult_age_years"))
    treated = treated.left_join(known, "patient_id").drop("patient_id_right")
    planned = treated.status == "planned"
    grown = (treated.age >= treated.adult_age_years).fill_null(True)

    def missing(which: Table, code: str, action: str, urgency: Table | str, subject: Table | str, **more: Any) -> Table:
        rows = treated.filter(which)
        return findings(rows, "dose_range", code=code, action=action, urgency=urgency, subject=subject, **more)

    return ibis.union(
        missing(
            treated.weight.isnull(),
            "weight_unknown",
            "test",
            planned.ifelse("this-week", "routine"),
            "weight",
        ),
        missing(
            ~planned & treated.whole_dose.isnull() & ~treated.impossible,
            "dose_unknown",
            "review",
            "this-week",
            treated.taken,
        ),
        missing(treated.impossible, "dose_impossible", "review", "this-week", treated.taken),
        missing(~planned & (treated.dose_low < treated.dose), "doses_disagree", "review", "this-week", treated.taken),
        missing(
            treated.dose_once < treated.dose,
            "dose_repeated",
            "review",
            "this-week",
            treated.taken,
            value=treated.dose,
            unit="mg/d",
            a=number(treated.dose_once),
        ),
        missing(
            grown & treated.has_usual.isnull(),
            "range_unknown",
            "review",
            planned.ifelse("this-week", "routine"),
            treated.taken,
        ),
        missing(treated.birth_date.isnull() | (treated.age < 0), "age_unknown", "review", "routine", "age"),
    )


def child(person: Table, usual: Table) -> Table:
    """A child or teenager: specialists only, with the dose range of the source for that age."""
    rows = person.filter(person.status.isin(["on", "planned"])).pipe(parameters("adult_age_years"))
    rows = rows.filter(rows.age < rows.adult_age_years)
    found = usual.select("patient_id", "child_says", "dose_sources", high_mg_per_kg="child_high")
    best = rows.left_join(found, "patient_id").drop("patient_id_right")
    above = (best.mg_per_kg > best.high_mg_per_kg).fill_null(False)
    # A rise that is planned for a child on treatment has not begun: nothing needs to be stopped for it.
    planned_per_kg = best.planned_dose / best.weight
    ahead = ~above & (best.status == "on") & (planned_per_kg > best.high_mg_per_kg).fill_null(False)
    return findings(
        best,
        "dose_range",
        code=ibis.cases((above | ahead, "child_dose_high"), (best.child_says.isnull(), "child"), else_="child_dose"),
        action=ibis.cases((above, "reduce"), (ahead, "review"), else_="refer"),
        urgency=ibis.cases((above | ahead, "same-day"), (best.status == "planned", "this-week"), else_="routine"),
        subject=best.taken,
        value=ahead.ifelse(planned_per_kg, best.mg_per_kg),
        unit="mg/kg/d",
        comparison=ibis.cases((best.high_mg_per_kg.notnull(), "at-most"), else_=None),
        limit_value=best.high_mg_per_kg,
        limit_unit="mg/kg/d",
        a=best.age.cast("string"),
        says=best.child_says,
        sources=best.child_says.isnull().ifelse(ibis.null("string"), best.dose_sources),
    )


def kidney(person: Table, latest: Table, usual: Table) -> Table:
    """Kidneys so weak that the source lowers the dose; found where today's dose is above that share."""
    egfr = latest.filter(latest.analyte == "egfr").select(
        "patient_id", "taken_on", "unit", "shown_low", "comparator_low", egfr="low"
    )
    rows = person.filter(person.status.isin(["on", "planned"])).inner_join(egfr, "patient_id")
    rows = rows.left_join(usual.select("patient_id", "usual_high"), "patient_id").drop("patient_id_right")
    rows = rows.pipe(
        parameters(
            "renal_full_dose_gfr", "renal_gfr_moderate", "renal_fraction_moderate_low", "renal_fraction_severe_low"
        )
    )
    rows = rows.filter(rows.egfr < rows.renal_full_dose_gfr)
    severe = rows.egfr < rows.renal_gfr_moderate
    fraction = severe.ifelse(rows.renal_fraction_severe_low, rows.renal_fraction_moderate_low)
    within = (rows.whole_dose <= rows.usual_high * fraction).fill_null(False)
    return findings(
        rows.mutate(fraction=fraction),
        "dose_range",
        code="kidney_dose",
        action=within.ifelse("review", "reduce"),
        urgency=within.ifelse("routine", "this-week"),
        subject="egfr",
        value=rows.shown_low,
        text=rows.comparator_low,
        unit=rows.unit,
        on=rows.taken_on,
        comparison="below",
        limit_value=severe.ifelse(rows.renal_gfr_moderate, rows.renal_full_dose_gfr),
        limit_unit=rows.unit,
        fraction_low=fraction,
        fraction_high=1.0,
    )
