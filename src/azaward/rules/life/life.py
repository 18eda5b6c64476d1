"""Pregnancy, breastfeeding and fathering; surgery."""

from __future__ import annotations

from azaward.rules.language.finding import findings, number
from azaward.rules.language.tables import Table, day_number, knowledge, parameters, record
from azaward.rules.language.untyped import ibis

ENDS = ("birth", "miscarriage")
OPERATIONS = ("surgery", "transplant", "splenectomy")


def pregnancy(person: Table) -> Table:
    """A pregnancy, planned or going on, for mother or father; breastfeeding."""
    events = record("events").distinct()
    ends = events.filter((events.kind == "pregnancy") & events.code.isin(ENDS))
    ends = ends.group_by("patient_id").agg(last_end=ends.started_on.max())
    events = events.filter(events.kind.isin(["pregnancy", "breastfeeding"]) & ~events.code.isin(ENDS))
    events = events.left_join(ends, "patient_id").drop("patient_id_right")
    rows = events.inner_join(
        person.filter(person.status.isin(["on", "planned"])).select(
            "patient_id", "protocol", "status", "as_of", "as_of_day", "mg_per_kg", "dose", "whole_dose", "sex"
        ),
        "patient_id",
    )
    rows = rows.pipe(
        parameters(
            "pregnancy_max_mg_per_kg", "pregnancy_longest_days", "breastfeeding_dose_mg_per_day", "breastfeeding_hours"
        )
    )
    feeding = rows.kind == "breastfeeding"
    father = (rows.sex == "male") | rows.code.contains("partner") | rows.code.contains("father")
    # Without an end a pregnancy ends of itself; the wish for one does not.
    wish = (rows.code == "trying_to_conceive") | father.fill_null(False)
    ended = (rows.last_end >= rows.started_on) & (rows.last_end <= rows.as_of)
    long = rows.as_of_day - day_number(rows.started_on) > rows.pregnancy_longest_days
    over = (rows.ended_on < rows.as_of).fill_null(False) | (
        ~feeding & (ended.fill_null(False) | (~wish & long.fill_null(False)))
    )
    rows = rows.mutate(feeding=feeding, father=father.fill_null(False)).filter(~over)
    high = ~rows.father & ~rows.feeding & (rows.mg_per_kg > rows.pregnancy_max_mg_per_kg).fill_null(False)
    # A dose that isn't known in full is not a dose within the limit.
    part_known = rows.whole_dose.isnull()
    unsure_feeding = rows.feeding & part_known
    high_feeding = rows.feeding & (rows.dose > rows.breastfeeding_dose_mg_per_day).fill_null(False)
    return findings(
        rows,
        "life",
        code=ibis.cases(
            (high_feeding | unsure_feeding, "breastfeeding_dose"),
            (rows.feeding, "breastfeeding"),
            (rows.father, "fathering"),
            (high, "pregnancy_dose_high"),
            else_="pregnancy",
        ),
        action=(high | high_feeding | unsure_feeding).ifelse(
            "review", ibis.cases((rows.feeding | rows.father, "inform"), else_="refer")
        ),
        urgency=ibis.cases(
            (high | high_feeding, "this-week"),
            (unsure_feeding, "routine"),
            (rows.feeding | rows.father, "info"),
            (rows.mg_per_kg.isnull() | part_known, "this-week"),
            else_="routine",
        ),
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
    """An operation that is planned: treatment goes on unless its surgeon and specialist say otherwise.

    One without a day may lie ahead: it is asked about.
    """
    events = record("events").distinct()
    classes = knowledge("event_classes")
    classes = classes.filter((classes.kind == "procedure") & classes["class"].isin(["surgery", "transplant"]))
    named = events.code.isin(OPERATIONS) | events.code.isin(classes.code)
    events = events.filter((events.kind == "procedure") & named)
    rows = events.inner_join(
        person.filter(person.status == "on").select("patient_id", "protocol", "as_of", "indication"), "patient_id"
    )
    undated = rows.started_on.isnull() & (rows.ended_on.isnull() | (rows.ended_on >= rows.as_of))
    rows = rows.filter((rows.started_on >= rows.as_of) | undated).pipe(parameters("surgery_withhold_days"))
    lupus = rows.indication == "sle"
    return findings(
        rows,
        "life",
        code=ibis.cases(
            (rows.started_on.isnull(), "surgery_undated"), (lupus.fill_null(False), "surgery_lupus"), else_="surgery"
        ),
        action="review",
        urgency=rows.started_on.isnull().ifelse("info", "routine"),
        subject=rows.code,
        on=rows.started_on,
        a=number(rows.surgery_withhold_days),
    )
