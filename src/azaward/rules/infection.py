"""Symptoms and infections on treatment: fever with low counts, contact with chickenpox or measles, live vaccines.

A symptom counts as long as no full blood count was done after it began, or it is still going on.
"""

from __future__ import annotations

import ibis

from azaward.rules.finding import findings
from azaward.rules.stages.due import applies
from azaward.rules.tables import DAYS_IN_MONTH, Table, cite, day_number, knowledge, parameters, record

CONTACTS = ("varicella", "shingles", "measles")


def _happened(person: Table, *kinds: str) -> Table:
    events = record("events").distinct()
    events = events.filter(events.kind.isin(list(kinds)))
    rows = events.inner_join(
        person.filter(person.status.isin(["on", "planned"])).select(
            "patient_id", "protocol", "protocol_known", "family", "status", "as_of", "as_of_day", "started_day", "mg_per_kg"
        ),
        "patient_id",
    )
    rows = rows.filter(rows.started_on.isnull() | (rows.started_on <= rows.as_of))
    return rows.mutate(
        day=day_number(rows.started_on), going_on=(rows.ended_on.isnull() | (rows.ended_on >= rows.as_of))
    )


def _since_count(rows: Table, latest: Table) -> Table:
    """Keeps what began after the last neutrophil count, or has no date; adds that count."""
    counts = latest.filter(latest.analyte == "neutrophils").select(
        "patient_id", count_day="day", count_on="taken_on", neutrophils="low", count_unit="unit"
    )
    rows = rows.left_join(counts, "patient_id").drop("patient_id_right")
    return rows.filter(rows.going_on & (rows.day.isnull() | rows.count_day.isnull() | (rows.count_day <= rows.day)))


def symptoms(person: Table, latest: Table) -> Table:
    """What the protocol does about a symptom or infection that no blood count has looked into yet."""
    rows = _since_count(_happened(person, "symptom", "infection", "condition"), latest)
    listed = knowledge("protocol_symptoms")
    listed = listed.mutate(word=listed.symptom.lower().replace("_", " "))
    rows = rows.mutate(
        word=(rows.kind == "infection").ifelse("infection", rows.code.lower().replace("_", " "))
    )
    rows = rows.inner_join(listed, ["protocol", "word"])
    rows = rows.filter(applies(rows, rows.family) | ~rows.protocol_known)
    rows = rows.inner_join(knowledge("urgency_ranks"), "urgency").inner_join(knowledge("action_ranks"), "action")
    worst = ibis.window(group_by=["patient_id", "code"], order_by=["urgency_rank", "action_rank", "source", "locator"])
    rows = rows.mutate(place=ibis.row_number().over(worst))
    rows = rows.filter(rows.place == 0)
    return findings(
        rows,
        "infection",
        code="symptom",
        action=rows.action,
        urgency=rows.urgency,
        subject=rows.code,
        on=rows.started_on,
        a=rows.test,
        b=rows.note,
        sources=cite(rows),
    )


def fever(person: Table, latest: Table) -> Table:
    """Fever on treatment: an emergency where neutrophils are low or nobody knows them."""
    rows = _happened(person, "symptom")
    rows = rows.filter((rows.code == "fever") & rows.going_on).select(
        "patient_id", "protocol", "as_of_day", "day", "started_on", "status"
    )
    warm = latest.filter(latest.analyte == "temperature").cross_join(parameters("fever_celsius"))
    warm = warm.filter(warm.high > warm.fever_celsius)
    measured = warm.inner_join(
        person.filter(person.status == "on").select("patient_id", "protocol", "as_of_day", "status"), "patient_id"
    ).select("patient_id", "protocol", "as_of_day", day="day", started_on="taken_on", status="status")
    rows = ibis.union(rows, measured)
    rows = rows.group_by(["patient_id", "protocol", "as_of_day", "status"]).agg(
        day=rows.day.max(), started_on=rows.started_on.max()
    )
    counts = latest.filter(latest.analyte == "neutrophils").select(
        "patient_id", "unit", count_day="day", count_on="taken_on", neutrophils="low"
    )
    rows = rows.left_join(counts, "patient_id").drop("patient_id_right")
    rows = rows.cross_join(parameters("neutropenic_sepsis_neutrophils"))
    low = (rows.neutrophils <= rows.neutropenic_sepsis_neutrophils).fill_null(False)
    untested = rows.count_day.isnull() | (rows.count_day < rows.day).fill_null(True)
    rows = rows.mutate(low=low, untested=untested)
    # A fever that a later, sufficient count has answered is not found for ever.
    rows = rows.filter(rows.low | rows.untested)
    return findings(
        rows,
        "infection",
        code=rows.low.ifelse("fever_neutropenia", "fever_untested"),
        action=rows.low.ifelse("stop", "withhold"),
        urgency=rows.low.ifelse("emergency", "same-day"),
        subject="fever",
        value=rows.neutrophils,
        unit=rows.unit,
        on=rows.started_on,
        comparison="at-most",
        limit_value=rows.neutropenic_sepsis_neutrophils,
        limit_unit=rows.unit,
        a=rows.count_on.cast("string"),
    )


def contact(person: Table, latest: Table) -> Table:
    """Contact with chickenpox, shingles or measles while there is still time to protect, or to fall ill."""
    rows = _happened(person, "exposure_to_infection")
    rows = rows.filter((rows.status == "on") & rows.code.isin(list(CONTACTS)))
    rows = rows.cross_join(
        parameters("varicella_incubation_days_high", "measles_incubation_days_high", "measles_immunoglobulin_within_days", "varicella_antiviral_from_day")
    )
    measles = rows.code == "measles"
    within = measles.ifelse(rows.measles_incubation_days_high, rows.varicella_incubation_days_high)
    rows = rows.mutate(since=rows.as_of_day - rows.day, measles=measles, within=within)
    rows = rows.filter(rows.day.isnull() | (rows.since <= rows.within))
    immune = latest.filter((latest.analyte == "vzv_igg") & ~latest.text.lower().contains("neg")).select(
        "patient_id", immune_text="text"
    )
    rows = rows.left_join(immune, "patient_id").drop("patient_id_right")
    protected = ~rows.measles & rows.immune_text.notnull()
    return findings(
        rows,
        "infection",
        code=rows.measles.ifelse("contact_measles", "contact_varicella"),
        action="review",
        urgency=protected.ifelse("this-week", "same-day"),
        subject=rows.code,
        value=rows.since,
        unit="d",
        on=rows.started_on,
        comparison="within",
        limit_value=rows.measles.ifelse(rows.measles_immunoglobulin_within_days, rows.varicella_antiviral_from_day),
        limit_unit="d",
        text=rows.immune_text,
    )


def live_vaccine(person: Table) -> Table:
    """A live vaccine given on treatment, too soon after it, or too shortly before it."""
    given = record("events").distinct()
    given = given.filter(given.kind == "vaccination")
    classes = knowledge("event_classes")
    live = classes.filter((classes.kind == "vaccination") & (classes["class"] == "live")).select(live="code")
    given = given.inner_join(live, given.code == live.live)
    rows = given.inner_join(
        person.filter(person.status.isin(["on", "planned", "stopped"])).select(
            "patient_id", "protocol", "status", "as_of_day", "started_day", "stopped_day", "planned_day"
        ),
        "patient_id",
    )
    rows = rows.cross_join(parameters("live_vaccine_months_after_stop", "live_vaccine_months_before_start"))
    day = day_number(rows.started_on)
    after = rows.live_vaccine_months_after_stop * DAYS_IN_MONTH
    before = rows.live_vaccine_months_before_start * DAYS_IN_MONTH
    on = (rows.status == "on") & (day >= rows.started_day)
    shortly_before = (rows.status == "on") & (day < rows.started_day) & (rows.started_day - day < before)
    too_soon = (rows.status == "stopped") & (day >= rows.started_day) & (day - rows.stopped_day < after)
    planned = (rows.status == "planned") & (ibis.coalesce(rows.planned_day, rows.as_of_day) - day < before)
    rows = rows.mutate(day=day, wrong=on | too_soon | planned | shortly_before, after=after, has_come=day <= rows.as_of_day, unknown_day=day.isnull(), planned_now=planned)
    rows = rows.filter(rows.unknown_day | rows.wrong.fill_null(False))
    # What happened in the time in which a vaccine strain can make ill is the same day's matter; later it is a lesson.
    recent = (rows.as_of_day - rows.day <= rows.after).fill_null(True)
    return findings(
        rows,
        "infection",
        code=ibis.cases((rows.has_come.fill_null(True), "live_vaccine_given"), else_="live_vaccine_planned"),
        action=ibis.cases((rows.planned_now.fill_null(False) & rows.has_come, "do-not-start"), else_="avoid"),
        urgency=recent.ifelse("same-day", "routine"),
        subject=rows.code,
        on=rows.started_on,
        comparison="at-least",
        limit_value=rows.live_vaccine_months_after_stop,
        limit_unit="mo",
    )


