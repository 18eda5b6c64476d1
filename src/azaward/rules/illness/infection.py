"""Symptoms and infections on treatment: fever with low counts, contact with chickenpox or measles, live vaccines.

A symptom counts while it goes on, until the test that the protocol asks for (where it names none, a full blood
count) was done on the day it began or later.
"""

from __future__ import annotations

from azaward.knowledge import MOST_CAUTIOUS
from azaward.rules.language.finding import findings
from azaward.rules.language.tables import DAYS_IN_MONTH, Table, cite, day_number, knowledge, parameters, record
from azaward.rules.language.untyped import ibis
from azaward.rules.stages.due import applies

CONTACTS = ("varicella", "shingles", "measles")
NOT_IMMUNE = (
    *("negative", "not ", "non", "no ", "undetect", "insufficient", "susceptible"),
    *("unknown", "unclear", "uncertain", "unlikely", "equivocal", "indeterminate", "borderline", "weak", "?"),
)


def _happened(person: Table, *kinds: str, also: str = "on") -> Table:
    events = record("events").distinct()
    events = events.filter(events.kind.isin(list(kinds)))
    rows = events.inner_join(
        person.filter(person.status.isin(["on", "planned", also])).select(
            "patient_id",
            "protocol",
            "protocol_known",
            "family",
            "status",
            "as_of",
            "as_of_day",
            "started_day",
            "stopped_day",
        ),
        "patient_id",
    )
    rows = rows.filter(rows.started_on.isnull() | (rows.started_on <= rows.as_of))
    return rows.mutate(
        day=day_number(rows.started_on), going_on=(rows.ended_on.isnull() | (rows.ended_on >= rows.as_of))
    )


def _held_down(rows: Table) -> Table:
    """Adds whether the immune system is still held down: as long after the end as no live vaccine is given."""
    rows = rows.pipe(parameters("live_vaccine_months_after_stop"))
    lately = rows.as_of_day - rows.stopped_day < rows.live_vaccine_months_after_stop * DAYS_IN_MONTH
    return rows.mutate(held_down=(rows.status != "stopped") | lately.fill_null(True))


def symptoms(person: Table, done: Table) -> Table:
    """What the protocol does about a symptom or infection that its test has not looked into yet.

    What a protocol stops treatment for is not forgotten once it was looked into, if it came on treatment. What
    this protocol doesn't list is asked about: as urgently as another protocol says, or as its warning sign is.
    """
    rows = _happened(person, "symptom", "infection", "condition")
    rows = rows.filter(rows.going_on).mutate(
        word=(rows.kind == "infection").ifelse("infection", rows.code.lower().replace("_", " "))
    )
    listed = knowledge("protocol_symptoms")
    listed = listed.mutate(
        word=listed.symptom.lower().replace("_", " "), asked=listed.test.fill_null("full_blood_count"), listed=True
    )
    listed = listed.rename(of_protocol="protocol", for_word="word")
    own_or_any = (rows.protocol == listed.of_protocol) | (listed.of_protocol == MOST_CAUTIOUS)
    rows = rows.left_join(listed, [rows.word == listed.for_word, own_or_any])
    own = rows.listed & (rows.protocol == rows.of_protocol) & (applies(rows, rows.family) | ~rows.protocol_known)
    rows = rows.mutate(listed=own.fill_null(False))
    rows = rows.mutate(has_own=rows.listed.max().over(ibis.window(group_by=["patient_id", "kind", "code"])))
    # Fever has a rule of its own; a condition that no protocol acts on is no symptom.
    elsewhere = ~rows.has_own & (rows.code != "fever") & (rows.of_protocol.notnull() | (rows.kind == "symptom"))
    rows = rows.filter(rows.listed | elsewhere).mutate(asked=rows.asked.fill_null("full_blood_count"))
    tests = done.filter(done.complete).select("patient_id", asked="test", done_day="done_day")
    rows = rows.left_join(tests, ["patient_id", "asked"]).drop("patient_id_right", "asked_right")
    answered = (rows.done_day >= rows.day).fill_null(False)
    past = answered & (rows.action == "stop") & (rows.day >= rows.started_day)
    past = past.fill_null(False)
    rows = rows.mutate(past=past).filter(~answered | past)
    worst = ibis.window(
        group_by=["patient_id", "code"],
        order_by=[
            ibis.desc("listed"),
            "past",
            "urgency_rank",
            "action_rank",
            ibis.desc("day", nulls_first=True),
            "source",
            "locator",
        ],
    )
    rows = rows.mutate(place=ibis.row_number().over(worst))
    rows = rows.filter(rows.place == 0)
    classes = knowledge("event_classes")
    warnings = classes.filter((classes.kind == "symptom") & classes["class"].endswith("_warning"))
    warnings = warnings.select("code").distinct().mutate(warning=True)
    rows = rows.left_join(warnings, "code").drop("code_right")
    not_begun = (rows.status == "planned") & rows.action.isin(["stop", "withhold", "reduce"])
    return findings(
        rows,
        "infection",
        code=ibis.cases((rows.past, "symptom_past"), (~rows.listed, "symptom_unlisted"), else_="symptom"),
        action=ibis.cases((~rows.listed | rows.past, "review"), (not_begun, "do-not-start"), else_=rows.action),
        urgency=ibis.cases(
            (rows.past, "routine"),
            (rows.urgency.notnull(), rows.urgency),
            (rows.warning.notnull(), "this-week"),
            else_="routine",
        ),
        subject=rows.code,
        on=rows.started_on,
        a=rows.asked,
        b=rows.listed.ifelse(rows.note, ibis.null("string")),
        sources=cite(rows),
    )


def fever(person: Table, latest: Table) -> Table:
    """Fever on treatment: an emergency where neutrophils are low; where nobody knows them, a count the same day.

    Low neutrophils count after treatment was stopped too: that is when it is stopped for them. A count that nobody
    did counts while the immune system is still held down.
    """
    rows = _happened(person, "symptom", also="stopped")
    rows = rows.filter((rows.code == "fever") & rows.going_on).select(
        "patient_id", "protocol", "as_of_day", "stopped_day", "day", "started_on", "status"
    )
    warm = latest.filter(latest.analyte == "temperature").pipe(parameters("fever_celsius"))
    warm = warm.filter(warm.high > warm.fever_celsius)
    measured = warm.inner_join(
        person.filter(person.status.isin(["on", "planned", "stopped"])).select(
            "patient_id", "protocol", "as_of_day", "stopped_day", "status"
        ),
        "patient_id",
    ).select("patient_id", "protocol", "as_of_day", "stopped_day", day="day", started_on="taken_on", status="status")
    rows = ibis.union(rows, measured)
    rows = rows.group_by(["patient_id", "protocol", "as_of_day", "stopped_day", "status"]).agg(
        day=rows.day.max(), started_on=rows.started_on.max()
    )
    counts = latest.filter(latest.analyte == "neutrophils").select(
        "patient_id", "unit", count_day="day", count_on="taken_on", neutrophils="low"
    )
    rows = rows.left_join(counts, "patient_id").drop("patient_id_right")
    rows = rows.pipe(parameters("neutropenic_sepsis_neutrophils")).pipe(_held_down)
    low = (rows.neutrophils <= rows.neutropenic_sepsis_neutrophils).fill_null(False)
    untested = rows.count_day.isnull() | (rows.count_day < rows.day).fill_null(True)
    rows = rows.mutate(low=low, untested=untested)
    # A fever that a later, sufficient count has answered is not found for ever.
    rows = rows.filter(rows.low | (rows.untested & rows.held_down))
    return findings(
        rows,
        "infection",
        code=rows.low.ifelse("fever_neutropenia", "fever_untested"),
        action=ibis.cases((rows.status == "planned", "do-not-start"), (rows.low, "stop"), else_="withhold"),
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
    """Contact with chickenpox, shingles or measles while there is still time to protect, or to fall ill.

    On treatment, as long after it as the immune system is held down, and before it: nobody begins while illness may
    come.
    """
    rows = _happened(person, "exposure_to_infection", also="stopped").pipe(_held_down)
    rows = rows.filter(rows.held_down & rows.code.isin(list(CONTACTS)))
    rows = rows.pipe(
        parameters(
            "varicella_incubation_days_high",
            "measles_incubation_days_high",
            "measles_immunoglobulin_within_days",
            "varicella_antiviral_from_day",
        )
    )
    measles = rows.code == "measles"
    within = measles.ifelse(rows.measles_incubation_days_high, rows.varicella_incubation_days_high)
    rows = rows.mutate(since=rows.as_of_day - rows.day, measles=measles, within=within)
    rows = rows.filter(rows.day.isnull() | (rows.since <= rows.within))
    # Only words that say so protect: an unclear result does not.
    igg = latest.filter(latest.analyte == "vzv_igg")
    words = igg.text.lower() + " "
    says_immune = ibis.or_(*(words.contains(word) for word in ("positive", "immune", "detected")))
    for word in NOT_IMMUNE:
        says_immune = says_immune & ~words.contains(word)
    igg = igg.select("patient_id", igg_text="text", immune=says_immune.fill_null(False))
    rows = rows.left_join(igg, "patient_id").drop("patient_id_right")
    protected = ~rows.measles & rows.immune.fill_null(False)
    return findings(
        rows,
        "infection",
        code=rows.measles.ifelse("contact_measles", "contact_varicella"),
        action=((rows.status == "planned") & ~protected).ifelse("do-not-start", "review"),
        urgency=protected.ifelse("this-week", "same-day"),
        subject=rows.code,
        value=rows.since,
        unit="d",
        on=rows.started_on,
        comparison="within",
        limit_value=rows.measles.ifelse(rows.measles_immunoglobulin_within_days, rows.varicella_antiviral_from_day),
        limit_unit="d",
        text=rows.igg_text,
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
    rows = rows.pipe(parameters("live_vaccine_months_after_stop", "live_vaccine_months_before_start"))
    day = day_number(rows.started_on)
    after = rows.live_vaccine_months_after_stop * DAYS_IN_MONTH
    before = rows.live_vaccine_months_before_start * DAYS_IN_MONTH
    # Where the start isn't known, a vaccine of the last months may have come after it.
    since_start = (day >= rows.started_day).fill_null(rows.as_of_day - day <= after)
    on = (rows.status == "on") & since_start
    shortly_before = (rows.status == "on") & (day < rows.started_day) & (rows.started_day - day < before)
    too_soon = (rows.status != "on") & since_start & (day - rows.stopped_day < after).fill_null(False)
    planned = (rows.status == "planned") & (ibis.coalesce(rows.planned_day, rows.as_of_day) - day < before)
    rows = rows.mutate(
        day=day,
        wrong=on | too_soon | planned | shortly_before,
        after=after,
        has_come=day <= rows.as_of_day,
        unknown_day=day.isnull(),
        planned_now=planned,
    )
    rows = rows.filter(rows.unknown_day | rows.wrong.fill_null(False))
    # What happened in the time in which a vaccine strain can make ill is the same day's matter; later it is a lesson.
    recent = (rows.as_of_day - rows.day <= rows.after).fill_null(True)
    return findings(
        rows,
        "infection",
        code=ibis.cases(
            (rows.unknown_day, "live_vaccine_undated"),
            (rows.has_come, "live_vaccine_given"),
            else_="live_vaccine_planned",
        ),
        action=ibis.cases(
            (rows.unknown_day, "review"),
            (rows.planned_now.fill_null(False) & rows.has_come, "do-not-start"),
            else_="avoid",
        ),
        urgency=ibis.cases((rows.unknown_day, "this-week"), (recent, "same-day"), else_="routine"),
        subject=rows.code,
        on=rows.started_on,
        comparison="at-least",
        limit_value=rows.live_vaccine_months_after_stop,
        limit_unit="mo",
    )
