"""Other medicines that matter to someone on azathioprine, and those that nobody could recognise."""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings
from azaward.rules.language.limit import Limit
from azaward.rules.language.tables import greatest, knowledge, least
from azaward.rules.language.words import beside, first_of, lowest_first, nothing, of_analyte, perhaps, surely
from azaward.rules.stages.beside import IN_QUESTION, low_dose, matching, of_class
from azaward.terms import Action, Comparison, Concerns, Rule, Status, Urgency


def interactions(person: Table, met: Table, usual: Table, done: Table, latest: Table) -> Table:
    """Each interacting medicine once for each outcome that its rows speak of, by the most cautious of them."""
    of_one = ["patient_id", "medicine", "outcome"]
    rows = _that_hold(_met_by(person, met), latest)
    rows = rows.mutate(share=rows.dose_fraction_high.max().over(ibis.window(group_by=of_one)))
    rows = _answered(_most_cautious(rows, *of_one), usual, done)
    answered = rows.watched | rows.settled
    avoided = rows.cut & (rows.action == Action.AVOID)
    # A dose that is already cut is left as it is.
    high = rows.cut.ifelse(rows.whole_dose / rows.usual_high, rows.dose_fraction_high)
    return findings(
        rows,
        Rule.MEDICINES,
        code=_code(rows, avoided),
        action=_action(rows, avoided),
        urgency=ibis.cases(
            (avoided, Urgency.THIS_WEEK), (rows.cut, Urgency.ROUTINE), (answered, Urgency.INFO), else_=rows.urgency
        ),
        concerns=_concerns(rows, answered | avoided),
        asks_for=answered.ifelse(nothing("string"), rows.test),
        within_days=_watched_within(rows),
        subject=rows.medicine,
        value=rows.dose,
        unit="mg/d",
        on=rows.start_day,
        limit=Limit(rows.allowed, ibis.cases((rows.allowed.notnull(), Comparison.AT_MOST), else_=None), "mg/d"),
        fraction_low=least(ibis.coalesce(rows.dose_fraction_low, high), high),
        fraction_high=high,
        effect=rows.effect,
        says=rows.says,
        says_patient=rows.says_patient,
        fact=rows.fact,
    )


def _code(rows: Table, avoided: Value) -> Value:
    """Under which words it is found: what is done about it already, and when the two are taken."""
    return ibis.cases(
        (avoided, "interaction_avoid_cut"),
        (rows.cut, "interaction_dose_cut"),
        (rows.after, "interaction_stopped"),
        (rows.watched, "interaction_watched"),
        (rows.settled, "interaction_settled"),
        (rows.ahead, "interaction_planned"),
        else_="interaction",
    )


def _action(rows: Table, avoided: Value) -> Value:
    """What to do; what is only planned need not be stopped."""
    return ibis.cases(
        (avoided, Action.REVIEW),
        (rows.cut, Action.TEST),
        (rows.watched | rows.settled, Action.INFORM),
        (rows.ahead & (rows.action == Action.STOP), Action.AVOID),
        # Both are taken already: less of the thiopurine is what can be done today.
        ((rows.action == Action.AVOID) & rows.dose_fraction_high.notnull() & rows.together, Action.REDUCE),
        else_=rows.action,
    )


def _concerns(rows: Table, calm: Value) -> Value:
    """What the action is about: the thiopurine where its marrow is at stake today, or its own dose or test."""
    own = rows.action.isin([Action.REDUCE, Action.STOP, Action.TEST]) & ~rows.ahead
    at_stake = (rows.urgency == Urgency.SAME_DAY) & rows.outcome.isin(["blood", "weak kidneys"]) & rows.running
    return ibis.cases(
        (rows.outcome == "vaccine", Concerns.VACCINE),
        (calm | rows.after, Concerns.OTHER_MEDICINE),
        (own | (at_stake & ~rows.ahead), Concerns.THIOPURINE),
        else_=Concerns.OTHER_MEDICINE,
    )


def _watched_within(rows: Table) -> Value:
    """By how many days from today the next test of two that are taken together on purpose is due."""
    close = surely(rows.as_of_day - rows.start_day <= rows.test_close_days)
    every = ibis.coalesce(close.ifelse(rows.test_every_days, rows.test_then_every_days), rows.test_every_days)
    return ibis.cases((rows.cut, greatest(rows.done_day + every - rows.as_of_day, ibis.literal(0.0))))


def _met_by(person: Table, met: Table) -> Table:
    """What each person's medicines meet: on treatment, before it, and for as long `after` it as the row says."""
    people = person.filter(person.status.isin([Status.ON, Status.PLANNED, Status.STOPPED])).select(
        *("patient_id", "protocol", "status", "taken", "dose", "whole_dose", "planned_drug", "started_day"),
        *("changed_day", "stopped_day", "sex", "age", "family", "weight"),
    )
    rows = met.inner_join(people, "patient_id")
    stopped = rows.status == Status.STOPPED
    after = stopped & rows.running & (rows.as_of_day - rows.stopped_day <= rows.lasts_days_after)
    # One thiopurine runs, another is planned: either way it is the second that matters.
    second = (rows.medicine == rows.taken) & (rows.planned_drug != rows.medicine)
    rows = rows.mutate(after=surely(after), second=surely(second))
    return rows.filter(
        ((rows.status != Status.STOPPED) | rows.after) & (perhaps(rows.medicine != rows.taken) | rows.second)
    )


def _answered(rows: Table, usual: Table, done: Table) -> Table:
    """Adds the dose that the row allows, and what has already answered it: `cut`, `watched` or `settled`.

    A row that asks for a test is answered by that test since the two came together, or, where it names days, once
    nothing has changed for so long; after azathioprine was stopped it counts for those days.
    """
    rows = beside(rows, usual.select("patient_id", "usual_low", "usual_high"))
    tests = done.filter(done.complete).select("patient_id", "test", "done_day")
    rows = beside(rows, tests, ["patient_id", "test"])
    together = rows.running & (rows.status == Status.ON)
    cut_to = _cut_to(rows, together)
    cut = surely(rows.whole_dose <= cut_to)
    changed = greatest(rows.start_day, rows.changed_day)
    since_both = greatest(rows.start_day, rows.started_day)
    return rows.mutate(
        together=together,
        cut=cut,
        allowed=cut.ifelse(cut_to, rows.usual_high * rows.dose_fraction_high),
        ahead=rows.planned | rows.second,
        watched=together & (rows.action == Action.TEST) & surely(rows.done_day > since_both),
        settled=together & surely(rows.as_of_day - changed > rows.lasts_days_after),
    )


def _cut_to(rows: Table, together: Value) -> Value:
    """The highest dose of the thiopurine, in mg a day, that counts as already cut for the other medicine.

    For allopurinol that is the dose of planned low-dose treatment, if somebody changed the dose for it. A modest dose
    that stayed as it was when the other medicine came was not cut for it, until the weeks of close counts are over.
    """
    watched = surely(rows.as_of_day - rows.start_day > rows.test_close_days)
    stayed = surely(together & (rows.changed_day < rows.start_day)) & ~watched
    planned = (rows.medicine == "allopurinol").ifelse(low_dose(rows), rows.usual_high * rows.dose_fraction_high)
    return stayed.ifelse(ibis.coalesce(rows.usual_low, rows.usual_high) * rows.dose_fraction_high, planned)


def between_others(person: Table, taken: Table, latest: Table) -> Table:
    """What medicines that are no thiopurine do with each other, where one is a medicine that people change to."""
    rows = knowledge("interactions")
    rows = matching(taken, rows.filter(rows.drug != IN_QUESTION))
    others = taken.filter(taken.running | taken.planned).select("patient_id", "medicine").distinct()
    others = others.inner_join(of_class(others), "medicine").select("patient_id", "known_as", partner="medicine")
    rows = rows.inner_join(others, ["patient_id", rows.drug == others.known_as])
    rows = rows.filter(rows.medicine != rows.partner)
    rows = rows.inner_join(person.select("patient_id", "protocol", "sex", "age", "family"), "patient_id")
    rows = _most_cautious(_that_hold(rows, latest), "patient_id", "medicine", "partner", "outcome")
    return findings(
        rows,
        Rule.MEDICINES,
        code="interaction_of_others",
        action=rows.action,
        urgency=rows.urgency,
        concerns=Concerns.OTHER_MEDICINE,
        asks_for=rows.test,
        subject=rows.medicine,
        on=rows.start_day,
        effect=rows.effect,
        partner=rows.partner,
        says=rows.says,
        says_patient=rows.says_patient,
        fact=rows.fact,
    )


def _that_hold(rows: Table, latest: Table) -> Table:
    """The rows that hold for this person. A sex or an age that nobody knows doesn't rule a row out."""
    rows = beside(rows, of_analyte(latest, "egfr", egfr="low"))

    def meets(condition: Value, met: Value, unknown: bool) -> Value:
        return condition.isnull() | met.fill_null(unknown)

    return rows.filter(
        meets(rows.for_sex, (rows.sex == rows.for_sex) | (rows.sex == "unknown"), True)
        & meets(rows.age_below, rows.age < rows.age_below, True)
        & meets(rows.egfr_below, rows.egfr < rows.egfr_below, False)
        & meets(rows.for_family, rows.family == rows.for_family, False)
    )


def _most_cautious(rows: Table, *keys: str) -> Table:
    """One row for each of `keys`: the most urgent, then the most cautious; the person's own case before others."""
    for_anyone = rows.for_sex.isnull() & rows.age_below.isnull() & rows.egfr_below.isnull() & rows.for_family.isnull()
    # Two medicines that are to be avoided together: where both are taken, the share of the dose is what can be done.
    without_share = (rows.action == Action.AVOID) & rows.dose_fraction_high.isnull()
    action = without_share.ifelse(Action.REDUCE.rank, rows.action_rank)
    order = [
        *("urgency_rank", action, lowest_first("dose_fraction_high"), for_anyone),
        ibis.desc("lasts_days_after", nulls_first=False),
        *(rows.with_kind == "class", ibis.desc("running"), "start_day", "id"),
    ]
    return first_of(rows, keys, order)
