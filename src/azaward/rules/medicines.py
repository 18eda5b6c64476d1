"""Other medicines that matter to someone on azathioprine, and those that nobody could recognise."""

from __future__ import annotations

from azaward.rules.finding import findings
from azaward.rules.tables import Table, cite, greatest
from azaward.rules.untyped import ibis


def interactions(person: Table, met: Table, usual: Table, done: Table) -> Table:
    """Each interacting medicine once, by its most cautious row.

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
        ),
        "patient_id",
    )
    after = (rows.status == "stopped") & rows.running & (rows.as_of_day - rows.stopped_day <= rows.lasts_days_after)
    # One thiopurine runs, another is planned: either way it is the second that matters.
    second = (rows.medicine == rows.taken) & (rows.planned_drug != rows.medicine)
    rows = rows.mutate(after=after, second=second.fill_null(False))
    rows = rows.filter(
        ((rows.status != "stopped") | rows.after.fill_null(False))
        & ((rows.medicine != rows.taken).fill_null(True) | rows.second)
        & (rows.drug == "azathioprine")
    )
    rows = rows.left_join(usual.select("patient_id", "usual_low", "usual_high"), "patient_id").drop("patient_id_right")
    worst = ibis.window(
        group_by=["patient_id", "medicine"],
        order_by=[
            "urgency_rank",
            "action_rank",
            ibis.asc("dose_fraction_high", nulls_first=False),
            ibis.desc("lasts_days_after", nulls_first=False),
            rows.with_kind == "class",
            ibis.desc("running"),
            "start_day",
            "id",
        ],
    )
    rows = rows.mutate(place=ibis.row_number().over(worst))
    rows = rows.filter(rows.place == 0)
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
            (rows.after.fill_null(False), "interaction_stopped"),
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
        says=rows.says,
        says_patient=rows.says_patient,
        sources=cite(rows),
    )


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
