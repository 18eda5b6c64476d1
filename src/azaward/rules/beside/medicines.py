"""Other medicines that matter to someone on azathioprine, and those that nobody could recognise."""

from __future__ import annotations

from azaward.rules.language.finding import findings
from azaward.rules.language.tables import Table, Value, cite, greatest, knowledge
from azaward.rules.language.untyped import ibis
from azaward.rules.stages.beside import THIOPURINE, matching, of_class


def interactions(person: Table, met: Table, usual: Table, done: Table, latest: Table) -> Table:
    """Each interacting medicine once for each outcome that its rows speak of, by the most cautious of them.

    A dose already cut enough is said to be so. A row that asks for a test is answered by that test since the two
    came together, or, where it names days, once nothing has changed for so long; after azathioprine was stopped
    it counts for those days.
    """
    rows = met.inner_join(
        person.filter(person.status.isin(["on", "planned", "stopped"])).select(
            "patient_id",
            "protocol",
            "status",
            "taken",
            "dose",
            "whole_dose",
            "planned_drug",
            "started_day",
            "changed_day",
            "stopped_day",
            "sex",
            "age",
            "family",
        ),
        "patient_id",
    )
    after = (rows.status == "stopped") & rows.running & (rows.as_of_day - rows.stopped_day <= rows.lasts_days_after)
    # One thiopurine runs, another is planned: either way it is the second that matters.
    second = (rows.medicine == rows.taken) & (rows.planned_drug != rows.medicine)
    rows = rows.mutate(after=after.fill_null(False), second=second.fill_null(False))
    rows = rows.filter(
        ((rows.status != "stopped") | rows.after) & ((rows.medicine != rows.taken).fill_null(True) | rows.second)
    )
    rows = _that_hold(rows, latest)
    rows = rows.left_join(usual.select("patient_id", "usual_low", "usual_high"), "patient_id").drop("patient_id_right")
    rows = _most_cautious(rows, "patient_id", "medicine", "outcome")
    tests = done.filter(done.complete).select("patient_id", "test", "done_day")
    rows = rows.left_join(tests, ["patient_id", "test"]).drop("patient_id_right", "test_right")
    allowed = rows.usual_high * rows.dose_fraction_high
    # A modest dose that stayed as it was when the other medicine came was not cut for it.
    stayed = rows.running & (rows.status == "on") & (rows.changed_day < rows.start_day)
    uncut = stayed & (rows.whole_dose > rows.usual_low * rows.dose_fraction_high)
    cut = (rows.whole_dose <= allowed).fill_null(False) & ~uncut.fill_null(False)
    pair = rows.running & (rows.status == "on") & (rows.action == "test")
    watched = pair & (rows.done_day > greatest(rows.start_day, rows.started_day)).fill_null(False)
    changed = greatest(rows.start_day, rows.changed_day)
    settled = pair & (rows.as_of_day - changed > rows.lasts_days_after).fill_null(False)
    ahead = rows.planned | rows.second
    return findings(
        rows,
        "medicines",
        code=ibis.cases(
            (cut, "interaction_dose_cut"),
            (rows.after, "interaction_stopped"),
            (watched, "interaction_watched"),
            (settled, "interaction_settled"),
            (ahead, "interaction_planned"),
            else_="interaction",
        ),
        # What is only planned need not be stopped.
        action=ibis.cases(
            (cut, "test"), (watched | settled, "inform"), (ahead & (rows.action == "stop"), "avoid"), else_=rows.action
        ),
        urgency=ibis.cases((cut, "routine"), (watched | settled, "info"), else_=rows.urgency),
        subject=rows.medicine,
        value=rows.dose,
        unit="mg/d",
        on=rows.start_day,
        comparison=ibis.cases((allowed.notnull(), "at-most"), else_=None),
        limit_value=allowed,
        limit_unit="mg/d",
        fraction_low=ibis.coalesce(rows.dose_fraction_low, rows.dose_fraction_high),
        fraction_high=rows.dose_fraction_high,
        a=rows.effect,
        b=rows.mechanism,
        c=rows.evidence,
        fact=rows.id,
        says=rows.says,
        says_patient=rows.says_patient,
        sources=cite(rows),
    )


def between_others(person: Table, taken: Table, latest: Table) -> Table:
    """What medicines that are no thiopurine do with each other, where one is a medicine that people change to."""
    rows = knowledge("interactions")
    rows = matching(taken, rows.filter(rows.drug != THIOPURINE))
    others = taken.filter(taken.running | taken.planned).select("patient_id", "medicine").distinct()
    others = others.inner_join(of_class(others), "medicine").select("patient_id", "known_as", partner="medicine")
    rows = rows.inner_join(others, ["patient_id", rows.drug == others.known_as])
    rows = rows.filter(rows.medicine != rows.partner)
    rows = rows.inner_join(person.select("patient_id", "protocol", "sex", "age", "family"), "patient_id")
    rows = _most_cautious(_that_hold(rows, latest), "patient_id", "medicine", "partner", "outcome")
    return findings(
        rows,
        "medicines",
        code="interaction_of_others",
        action=rows.action,
        urgency=rows.urgency,
        subject=rows.medicine,
        on=rows.start_day,
        a=rows.effect,
        b=rows.partner,
        c=rows.evidence,
        fact=rows.id,
        says=rows.says,
        says_patient=rows.says_patient,
        sources=cite(rows),
    )


def _that_hold(rows: Table, latest: Table) -> Table:
    """The rows that hold for this person. A sex or an age that nobody knows doesn't rule a row out."""
    kidneys = latest.filter(latest.analyte == "egfr").select("patient_id", egfr="low")
    rows = rows.left_join(kidneys, "patient_id").drop("patient_id_right")

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
    worst = ibis.window(
        group_by=list(keys),
        order_by=[
            "urgency_rank",
            "action_rank",
            ibis.asc("dose_fraction_high", nulls_first=False),
            rows.for_sex.isnull() & rows.age_below.isnull() & rows.egfr_below.isnull() & rows.for_family.isnull(),
            ibis.desc("lasts_days_after", nulls_first=False),
            rows.with_kind == "class",
            ibis.desc("running"),
            "start_day",
            "id",
        ],
    )
    rows = rows.mutate(place=ibis.row_number().over(worst))
    return rows.filter(rows.place == 0)


def unrecognised(person: Table, taken: Table) -> Table:
    """Medicines that no name matched: they were not checked."""
    rows = taken.filter(taken.medicine.startswith("unknown:") & (taken.running | taken.planned))
    rows = rows.inner_join(
        person.filter(person.status.isin(["on", "planned"])).select("patient_id", "protocol"), "patient_id"
    )
    rows = rows.select("patient_id", "protocol", "medicine").distinct()
    return findings(
        rows,
        "medicines",
        code="medicine_not_checked",
        action="review",
        urgency="routine",
        subject=rows.medicine,
    )
