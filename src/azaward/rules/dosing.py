"""The dose that TPMT and NUDT15 allow, as CPIC, DPWG and the FDA's labels each say it.

A gene that is not known matches no row: `rules/baseline.py` asks for it. A patient already on treatment
whose dose is within the advice is told so; one above it is found.
"""

from __future__ import annotations

import ibis

from azaward.rules.finding import findings
from azaward.rules.tables import DAYS_IN_WEEK, Table, cite, knowledge


def dosing(person: Table, genes: Table, usual: Table) -> Table:
    """Each body's advice for this pair of phenotypes; the lowest dose where one body has several rows."""
    rows = person.filter(person.status.isin(["on", "planned"])).select(
        "patient_id", "protocol", "status", "taken", "dose", "weight", "mg_per_kg", "days_on", "malignant"
    )
    rows = rows.inner_join(genes.select("patient_id", "tpmt", "nudt15", "reported_on"), "patient_id")
    rows = rows.left_join(usual.select("patient_id", "usual_high", "start"), "patient_id").drop("patient_id_right")
    advice = knowledge("genotype_doses").rename(for_tpmt="tpmt", for_nudt15="nudt15")
    rows = rows.inner_join(advice, rows.taken == advice.drug)
    malignant = rows.malignant.fill_null(False).ifelse("malignant", "non_malignant")
    rows = rows.filter(
        ((rows.for_tpmt == "any") | (rows.for_tpmt == rows.tpmt))
        & ((rows.for_nudt15 == "any") | (rows.for_nudt15 == rows.nudt15))
        & ((rows.condition == "any") | (rows.condition == malignant))
    )
    rows = rows.inner_join(knowledge("action_ranks"), "action")
    strictest = ibis.window(
        group_by=["patient_id", "body"],
        order_by=["action_rank", ibis.asc("fraction_high", nulls_first=False), "fraction_low", "id"],
    )
    rows = rows.mutate(place=ibis.row_number().over(strictest))
    rows = rows.filter(rows.place == 0)
    allowed = rows.usual_high * rows.fraction_high
    below_threshold = (rows.mg_per_kg < rows.applies_from_mg_per_kg).fill_null(False)
    within = ((rows.dose <= allowed) | below_threshold).fill_null(False)
    settled = (rows.days_on > rows.wait_weeks_high * DAYS_IN_WEEK).fill_null(False)
    on = rows.status == "on"
    lowers = rows.action.isin(["reduce", "change"])
    action = ibis.cases(
        (on & (rows.action == "do-not-start"), "stop"),
        (lowers & within, "continue"),
        (lowers & on & settled & rows.fraction_high.notnull(), "review"),
        else_=rows.action,
    )
    urgency = ibis.cases(
        (lowers & within, "info"),
        (lowers & on & settled & rows.fraction_high.notnull() & (rows.urgency != "same-day"), "routine"),
        else_=rows.urgency,
    )
    return findings(
        rows,
        "dosing",
        code=ibis.cases(
            (lowers & within, "genotype_dose_within"),
            (rows.fraction_high.notnull() & (rows.fraction_high < 1), "genotype_dose_lower"),
            else_="genotype_dose",
        ),
        action=action,
        urgency=urgency,
        subject=rows.taken,
        value=rows.dose,
        unit="mg/d",
        on=rows.reported_on,
        comparison=ibis.cases((allowed.notnull(), "at-most"), else_=None),
        limit_value=allowed,
        limit_unit="mg/d",
        fraction_low=ibis.coalesce(rows.fraction_low, 0.0),
        fraction_high=rows.fraction_high,
        a=rows.body,
        b=ibis.coalesce(rows.tpmt, "not known"),
        c=ibis.coalesce(rows.nudt15, "not known"),
        says=rows.says,
        says_patient=rows.says_patient,
        sources=cite(rows),
    )
