"""Is it too early to judge the effect, when may a response be expected, and is the bridging steroid still running?"""

from __future__ import annotations

from typing import Any

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.limit import Limit, limit
from azaward.rules.language.tables import DAYS_IN_MONTH, DAYS_IN_WEEK, day_number, knowledge, record, requests
from azaward.rules.language.words import beside, first_of, medicines_of, nothing, on_treatment, perhaps, surely
from azaward.rules.stages.person import FAR
from azaward.terms import Action, Concerns, Rule, Urgency


def onset(person: Table) -> Table:
    """Before the first response can be expected: patience. Once it should have come: judge it."""
    rows = on_treatment(
        person, *("indication", "days_on", "started_day", "taken"), *("restarted_day", "paused_day", "as_of_day")
    )
    rows = rows.filter(rows.days_on.notnull())
    times = knowledge("onset").rename(for_="indication")
    rows = rows.inner_join(times, (rows.indication == times.for_) | (times.for_ == "any"))
    rows = first_of(rows, "patient_id", [ibis.asc(rows.for_ == "any"), ibis.desc("weeks_high"), "locator", "source"])
    rows = _since_long_pause(rows, rows.weeks_low)
    rows = rows.filter(rows.days_on <= rows.weeks_high * DAYS_IN_WEEK)
    early = rows.days_on < rows.weeks_low * DAYS_IN_WEEK
    return findings(
        rows,
        Rule.ONSET,
        code=early.ifelse("too_early_to_judge", "response_may_begin"),
        action=Action.INFORM,
        urgency=Urgency.INFO,
        subject=rows.taken,
        value=rows.days_on,
        unit="d",
        on=rows.started_day,
        limit=Limit(rows.weeks_high * DAYS_IN_WEEK, "within", "d"),
        from_week=number(rows.weeks_low),
        to_week=number(rows.weeks_high),
        says_patient=rows.says_patient,
        fact=rows.fact,
    )


def _since_long_pause(rows: Table, weeks: Value) -> Table:
    """Counts anew from a restart after a pause as long as the medicine takes to begin to work."""
    long = surely(rows.restarted_day - rows.paused_day >= weeks * DAYS_IN_WEEK)
    return rows.mutate(
        started_day=long.ifelse(rows.restarted_day, rows.started_day),
        days_on=long.ifelse(rows.as_of_day - rows.restarted_day, rows.days_on),
    )


def steroid(person: Table, taken: Table) -> Table:
    """A steroid that goes on past the time in which azathioprine should work, and bones without protection."""
    rows = _on_steroid(person, taken)
    rows = beside(beside(rows, _protected(taken)), _scanned())
    times = knowledge("onset")
    times = times.filter(times.indication == "any")
    rows = rows.cross_join(times.select(works_from_weeks="weeks_low", works_by_weeks="weeks_high"))
    rows = _since_long_pause(rows, rows.works_from_weeks)
    days = rows.as_of_day - rows.since
    months = limit("steroid_bone_months")
    long = days >= months.value * DAYS_IN_MONTH
    # A graft is protected by both for good: no taper is expected there.
    no_taper = (rows.days_on > rows.works_by_weeks * DAYS_IN_WEEK) & (rows.family != "transplant") & long
    rows = rows.mutate(days=days, unprotected=long & _bones_at_risk(rows), no_taper=no_taper)
    unprotected, on_and_on = rows.filter(perhaps(rows.unprotected)), rows.filter(surely(rows.no_taper))
    return ibis.union(
        _too_long(unprotected, "bone_protection_missing", months=number(months.value)),
        _too_long(on_and_on, "steroid_no_taper"),
    )


def _too_long(rows: Table, code: str, **gaps: Any) -> Table:
    return findings(
        rows,
        Rule.ONSET,
        code=code,
        action=Action.REVIEW,
        urgency=Urgency.ROUTINE,
        concerns=Concerns.OTHER_MEDICINE,
        subject=rows.medicine,
        value=rows.dose,
        unit="mg/d",
        on=rows.since,
        limit=limit("steroid_bone_mg_per_day"),
        days=number(rows.days),
        **gaps,
    )


def _bones_at_risk(rows: Table) -> Value:
    """A dose that thins bones, or one that can't be compared, without protection or a scan since it began."""
    # The limit is in mg of prednisolone: a dose of another steroid can't be compared with it.
    enough = perhaps(limit("steroid_bone_mg_per_day").met_by(rows.dose)) | rows.unknown
    counts = ~rows.medicine.isin(["prednisolone", "prednisone"]) | enough
    return counts & rows.protected.isnull() & (rows.scan_day.isnull() | (rows.scan_day < rows.since))


def _on_steroid(person: Table, taken: Table) -> Table:
    """Everyone on treatment who takes a steroid today: which, since when, and how much of it."""
    now = _courses(taken)
    now = now.filter(now.running)
    # Tablets begun on one day add up, an order and a report of it don't. Of entries that both run the higher counts.
    # A part that isn't known leaves the dose unknown.
    doses = now.group_by(["patient_id", "medicine", "start_day", "told_as"]).agg(
        since=now.since.min(), dose=now.dose_mg_per_day.sum(), unknown=now.dose_mg_per_day.isnull().any()
    )
    steroids = doses.group_by(["patient_id", "medicine"]).agg(
        since=doses.since.min(), dose=doses.dose.max(), unknown=doses.unknown.any()
    )
    people = on_treatment(
        person,
        *("as_of_day", "days_on", "indication", "family"),
        *("started_day", "restarted_day", "paused_day"),
    )
    return steroids.inner_join(people, "patient_id")


def _courses(taken: Table) -> Table:
    """Each entry of a steroid with the day `since` which one has been taken without a gap.

    Steps of a taper follow each other without a gap, from one steroid to another too: they are one time of
    treatment. Many records give the last day of a step, so that the next begins a day later.
    """
    steps = taken.filter(taken.begun & taken.start_day.notnull())
    steps = steps.semi_join(medicines_of("systemic_corticosteroid"), "medicine")
    per = {"group_by": "patient_id", "order_by": ["start_day", "until", "medicine", "dose_mg_per_day"]}
    steps = steps.mutate(until=steps.stop_day.fill_null(FAR))
    steps = steps.mutate(before=steps.until.max().over(ibis.window(**per, preceding=(None, 1))))
    steps = steps.mutate(opens=perhaps(steps.before + 1 < steps.start_day))
    opened = steps.opens.ifelse(steps.start_day, nothing("int64"))
    return steps.mutate(since=opened.max().over(ibis.window(**per, preceding=None, following=0)))


def _protected(taken: Table) -> Table:
    """Those who take something that protects their bones."""
    protecting = taken.filter(taken.running).semi_join(medicines_of("bone_protection"), "medicine")
    return protecting.select("patient_id").distinct().mutate(protected=ibis.literal(True))


def _scanned() -> Table:
    """The last bone scan of each person. One that is booked is none yet."""
    events = record("events")
    scans = events.filter((events.kind == "procedure") & (events.code == "dexa"))
    scans = scans.inner_join(requests().select("patient_id", "as_of"), "patient_id")
    scans = scans.filter(scans.started_on <= scans.as_of)
    return scans.group_by("patient_id").agg(scan_day=day_number(scans.started_on).max())
