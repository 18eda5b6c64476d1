"""Is it too early to judge the effect, when may a response be expected, and is the bridging steroid still running?"""

from __future__ import annotations

from azaward.rules.language.finding import findings, number
from azaward.rules.language.tables import (
    DAYS_IN_MONTH,
    DAYS_IN_WEEK,
    Table,
    Value,
    cite,
    day_number,
    knowledge,
    parameters,
    record,
    requests,
)
from azaward.rules.language.untyped import ibis
from azaward.rules.stages.person import FAR


def onset(person: Table) -> Table:
    """Before the first response can be expected: patience. Once it should have come: judge it."""
    rows = person.filter((person.status == "on") & person.days_on.notnull())
    times = knowledge("onset").rename(for_="indication")
    rows = rows.select(
        *("patient_id", "protocol", "indication", "days_on", "started_day", "taken"),
        *("restarted_day", "paused_day", "as_of_day"),
    )
    rows = rows.inner_join(times, (rows.indication == times.for_) | (times.for_ == "any"))
    best = ibis.window(
        group_by="patient_id", order_by=[ibis.asc(rows.for_ == "any"), ibis.desc("weeks_high"), "locator", "source"]
    )
    rows = rows.mutate(place=ibis.row_number().over(best))
    rows = rows.filter(rows.place == 0)
    rows = _since_long_pause(rows, rows.weeks_low)
    rows = rows.filter(rows.days_on <= rows.weeks_high * DAYS_IN_WEEK)
    early = rows.days_on < rows.weeks_low * DAYS_IN_WEEK
    return findings(
        rows,
        "onset",
        code=early.ifelse("too_early_to_judge", "response_may_begin"),
        action="continue",
        urgency="info",
        subject=rows.taken,
        value=rows.days_on,
        unit="d",
        on=rows.started_day,
        comparison="within",
        limit_value=rows.weeks_high * DAYS_IN_WEEK,
        limit_unit="d",
        a=number(rows.weeks_low),
        b=number(rows.weeks_high),
        says_patient=rows.says_patient,
        sources=cite(rows),
    )


def _since_long_pause(rows: Table, weeks: Value) -> Table:
    """Counts anew from a restart after a pause as long as the medicine takes to begin to work."""
    long = (rows.restarted_day - rows.paused_day >= weeks * DAYS_IN_WEEK).fill_null(False)
    return rows.mutate(
        started_day=long.ifelse(rows.restarted_day, rows.started_day),
        days_on=long.ifelse(rows.as_of_day - rows.restarted_day, rows.days_on),
    )


def steroid(person: Table, taken: Table) -> Table:
    """A steroid that goes on past the time in which azathioprine should work, and bones without protection."""
    classes = knowledge("medicine_classes")
    systemic = classes.filter(classes["class"] == "systemic_corticosteroid").select("medicine")
    protecting = classes.filter(classes["class"] == "bone_protection").select("medicine")
    running = taken.filter(taken.running)
    # Steps of a taper follow each other without a gap, from one steroid to another too: they are one time of
    # treatment. Many records give the last day of a step, so that the next begins a day later.
    steps = taken.filter(taken.begun & taken.start_day.notnull()).semi_join(systemic, "medicine")
    per = {"group_by": "patient_id", "order_by": ["start_day", "until", "medicine", "dose_mg_per_day"]}
    steps = steps.mutate(until=steps.stop_day.fill_null(FAR))
    steps = steps.mutate(before=steps.until.max().over(ibis.window(**per, preceding=(None, 1))))
    steps = steps.mutate(opens=(steps.before + 1 < steps.start_day).fill_null(True))
    steps = steps.mutate(
        since=steps.opens.ifelse(steps.start_day, ibis.null("int64"))
        .max()
        .over(ibis.window(**per, preceding=None, following=0))
    )
    now = steps.filter(steps.running)
    # Tablets begun on one day add up; of entries that both run the higher counts. A part that isn't known leaves
    # the dose unknown.
    doses = now.group_by(["patient_id", "medicine", "start_day"]).agg(
        since=now.since.min(), dose=now.dose_mg_per_day.sum(), unknown=now.dose_mg_per_day.isnull().any()
    )
    steroids = doses.group_by(["patient_id", "medicine"]).agg(
        since=doses.since.min(), dose=doses.dose.max(), unknown=doses.unknown.any()
    )
    rows = steroids.inner_join(
        person.filter(person.status == "on").select(
            *("patient_id", "protocol", "as_of_day", "days_on", "indication", "family"),
            *("started_day", "restarted_day", "paused_day"),
        ),
        "patient_id",
    )
    bones = (
        running.semi_join(protecting, "medicine").select("patient_id").distinct().mutate(protected=ibis.literal(True))
    )
    events = record("events")
    scanned = events.filter((events.kind == "procedure") & (events.code == "dexa"))
    # One that is booked is none yet.
    scanned = scanned.inner_join(requests().select("patient_id", "as_of"), "patient_id")
    scanned = scanned.filter(scanned.started_on <= scanned.as_of)
    scanned = scanned.group_by("patient_id").agg(scan_day=day_number(scanned.started_on).max())
    rows = rows.left_join(bones, "patient_id").drop("patient_id_right")
    rows = rows.left_join(scanned, "patient_id").drop("patient_id_right")
    rows = rows.pipe(parameters("steroid_bone_mg_per_day", "steroid_bone_months"))
    times = knowledge("onset")
    times = times.filter(times.indication == "any")
    rows = rows.cross_join(times.select(works_from_weeks="weeks_low", works_by_weeks="weeks_high"))
    rows = _since_long_pause(rows, rows.works_from_weeks)
    days = rows.as_of_day - rows.since
    long = days >= rows.steroid_bone_months * DAYS_IN_MONTH
    # The limit is in mg of prednisolone: a dose of another steroid can't be compared with it.
    enough = (rows.dose >= rows.steroid_bone_mg_per_day).fill_null(True) | rows.unknown
    counts = ~rows.medicine.isin(["prednisolone", "prednisone"]) | enough
    unprotected = long & counts & rows.protected.isnull() & (rows.scan_day.isnull() | (rows.scan_day < rows.since))
    # A graft is protected by both for good: no taper is expected there.
    no_taper = (rows.days_on > rows.works_by_weeks * DAYS_IN_WEEK) & (rows.family != "transplant") & long
    rows = rows.mutate(days=days, unprotected=unprotected, no_taper=no_taper)
    parts = {
        "bone_protection_missing": rows.filter(rows.unprotected.fill_null(True)),
        "steroid_no_taper": rows.filter(rows.no_taper.fill_null(False)),
    }
    return ibis.union(
        *(
            findings(
                part,
                "onset",
                code=code,
                action="review",
                urgency="routine",
                subject=part.medicine,
                value=part.dose,
                unit="mg/d",
                on=part.since,
                comparison="at-least",
                limit_value=part.steroid_bone_mg_per_day,
                limit_unit="mg/d",
                a=number(part.days),
                b=number(part.steroid_bone_months),
            )
            for code, part in parts.items()
        )
    )
