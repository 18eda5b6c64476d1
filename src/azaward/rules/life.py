"""Pregnancy, breastfeeding and fathering; surgery."""

from __future__ import annotations

import ibis

from azaward.rules.finding import findings, number
from azaward.rules.tables import Table, day_number, parameters, record


def pregnancy(person: Table) -> Table:
    """A pregnancy, planned or going on, for mother or father; breastfeeding."""
    events = record("events").distinct()
    events = events.filter(events.kind.isin(["pregnancy", "breastfeeding"]))
    rows = events.inner_join(
        person.filter(person.status.isin(["on", "planned"])).select(
            "patient_id", "protocol", "status", "as_of", "as_of_day", "mg_per_kg", "dose", "sex"
        ),
        "patient_id",
    )
    rows = rows.cross_join(
        parameters("pregnancy_max_mg_per_kg", "pregnancy_longest_days", "breastfeeding_dose_mg_per_day", "breastfeeding_hours")
    )
    feeding = rows.kind == "breastfeeding"
    father = (rows.sex == "male") | rows.code.contains("partner") | rows.code.contains("father")
    # Without an end a pregnancy ends of itself.
    over = (rows.ended_on < rows.as_of).fill_null(False) | (
        ~feeding & (rows.as_of_day - day_number(rows.started_on) > rows.pregnancy_longest_days).fill_null(False)
    )
    rows = rows.mutate(feeding=feeding, father=father.fill_null(False)).filter(~over)
    high = ~rows.father & ~rows.feeding & (rows.mg_per_kg > rows.pregnancy_max_mg_per_kg).fill_null(False)
    high_feeding = rows.feeding & (rows.dose > rows.breastfeeding_dose_mg_per_day).fill_null(False)
    return findings(
        rows,
        "life",
        code=ibis.cases(
            (rows.feeding, "breastfeeding"), (rows.father, "fathering"), (high, "pregnancy_dose_high"), else_="pregnancy"
        ),
        action=(high | high_feeding).ifelse("review", ibis.cases((rows.feeding | rows.father, "inform"), else_="refer")),
        urgency=ibis.cases((high | high_feeding, "this-week"), (rows.feeding | rows.father, "info"), else_="routine"),
        subject=rows.kind,
        value=rows.feeding.ifelse(rows.dose, rows.mg_per_kg),
        unit=rows.feeding.ifelse("mg/d", "mg/kg/d"),
        on=rows.started_on,
        comparison="at-most",
        limit_value=rows.feeding.ifelse(rows.breastfeeding_dose_mg_per_day, rows.pregnancy_max_mg_per_kg),
        limit_unit=rows.feeding.ifelse("mg/d", "mg/kg/d"),
        a=number(rows.breastfeeding_hours),
    )


def surgery(person: Table) -> Table:
    """An operation that is planned: treatment goes on unless its surgeon and specialist say otherwise."""
    events = record("events").distinct()
    events = events.filter((events.kind == "procedure") & events.code.isin(["surgery", "transplant", "splenectomy"]))
    rows = events.inner_join(
        person.filter(person.status == "on").select("patient_id", "protocol", "as_of", "indication"), "patient_id"
    )
    rows = rows.filter(rows.started_on >= rows.as_of).cross_join(parameters("surgery_withhold_days"))
    lupus = rows.indication == "sle"
    return findings(
        rows,
        "life",
        code=lupus.fill_null(False).ifelse("surgery_lupus", "surgery"),
        action="review",
        urgency="routine",
        subject=rows.code,
        on=rows.started_on,
        a=number(rows.surgery_withhold_days),
    )
