"""Other medicines that matter to someone on azathioprine, and those that nobody could recognise."""

from __future__ import annotations

import ibis

from azaward.rules.finding import findings
from azaward.rules.tables import Table, cite, from_day, knowledge


def interactions(person: Table, met: Table, usual: Table) -> Table:
    """Each interacting medicine once, by its most cautious row; a dose already cut enough is said to be so."""
    rows = met.inner_join(
        person.filter(person.status.isin(["on", "planned"])).select(
            "patient_id", "protocol", "status", "taken", "dose", "weight", "age", "sex"
        ),
        "patient_id",
    )
    rows = rows.filter((rows.medicine != rows.taken) & (rows.drug == "azathioprine"))
    rows = rows.left_join(usual.select("patient_id", "usual_high"), "patient_id").drop("patient_id_right")
    rows = rows.inner_join(knowledge("action_ranks"), "action").inner_join(knowledge("urgency_ranks"), "urgency")
    worst = ibis.window(
        group_by=["patient_id", "medicine"],
        order_by=["urgency_rank", "action_rank", ibis.asc("dose_fraction_high", nulls_first=False), "id"],
    )
    rows = rows.mutate(place=ibis.row_number().over(worst))
    rows = rows.filter(rows.place == 0)
    allowed = rows.usual_high * rows.dose_fraction_high
    cut = (rows.dose <= allowed).fill_null(False)
    over = ~rows.running & ~rows.planned
    return findings(
        rows,
        "medicines",
        code=ibis.cases(
            (cut, "interaction_dose_cut"), (over, "interaction_stopped"), (rows.planned, "interaction_planned"), else_="interaction"
        ),
        action=cut.ifelse("test", rows.action),
        urgency=cut.ifelse("routine", rows.urgency),
        subject=rows.medicine,
        value=rows.dose,
        unit="mg/d",
        on=from_day(rows.start_day),
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
