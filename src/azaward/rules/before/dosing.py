"""The dose that TPMT and NUDT15 allow, as CPIC, DPWG and the FDA's labels each say it.

A gene that is not known matches no row: `rules/before/baseline.py` asks for it. A patient already on treatment
whose dose is within the advice is told so; one above it is found. Advice without a number is met by a dose
below the usual one, or that every body with a number accepts; where the same body names a share for one gene alone,
by one below that share.
"""

from __future__ import annotations

from azaward.rules.language.finding import findings
from azaward.rules.language.tables import DAYS_IN_WEEK, Table, cite, knowledge
from azaward.rules.language.untyped import ibis


def dosing(person: Table, genes: Table, usual: Table) -> Table:
    """Each body's advice for this pair of phenotypes: its most cautious, and of those the one for both genes."""
    rows = person.filter(person.status.isin(["on", "planned"])).select(
        "patient_id",
        "protocol",
        "status",
        "taken",
        "dose",
        "whole_dose",
        "weight",
        "as_of_day",
        "increased_day",
        "malignant",
    )
    rows = rows.inner_join(genes.select("patient_id", "tpmt", "nudt15", "reported_on"), "patient_id")
    rows = rows.left_join(usual.select("patient_id", "usual_low", "usual_high"), "patient_id").drop("patient_id_right")
    advice = knowledge("genotype_doses").rename(for_tpmt="tpmt", for_nudt15="nudt15")
    rows = rows.inner_join(advice, rows.taken == advice.drug)
    malignant = rows.malignant.fill_null(False).ifelse("malignant", "non_malignant")
    rows = rows.filter(
        ((rows.for_tpmt == "any") | (rows.for_tpmt == rows.tpmt))
        & ((rows.for_nudt15 == "any") | (rows.for_nudt15 == rows.nudt15))
        & ((rows.condition == "any") | (rows.condition == malignant))
    )
    both = (rows.for_tpmt != "any") & (rows.for_nudt15 != "any")
    body = ibis.window(group_by=["patient_id", "body"])
    rows = rows.mutate(both=both, share=rows.fraction_high.min().over(body))
    strictest = ibis.window(
        group_by=["patient_id", "body"],
        order_by=[
            "urgency_rank",
            "action_rank",
            ibis.desc("both"),
            ibis.asc("fraction_high", nulls_first=False),
            "fraction_low",
            "id",
        ],
    )
    rows = rows.mutate(place=ibis.row_number().over(strictest))
    rows = rows.filter(rows.place == 0)
    lowers = rows.action.isin(["reduce", "change"])
    unnumbered = lowers & rows.fraction_high.isnull()
    share = ibis.coalesce(rows.fraction_high, lowers.ifelse(rows.share, ibis.null("float64")))
    allowed = rows.usual_high * share
    # Below the dose at which the advice begins, one weaker enzyme needs no lowering; two need their share of it.
    threshold = rows.applies_from_mg_per_kg * rows.weight
    below = ibis.cases(
        (rows.both, rows.whole_dose <= threshold * rows.fraction_high), else_=rows.whole_dose < threshold
    )
    within = unnumbered.ifelse(
        (rows.whole_dose < rows.usual_low) & (rows.whole_dose < allowed).fill_null(rows.share.isnull()),
        (rows.whole_dose <= allowed).fill_null(False) | below.fill_null(False),
    ).fill_null(False)
    # "Lower it", without any number: the dose that every body with a number accepts is a lowered one.
    numbered = (lowers & rows.share.notnull()).ifelse(within, ibis.null("boolean"))
    accepted = numbered.all().over(ibis.window(group_by="patient_id"))
    within = within | (unnumbered & rows.share.isnull() & accepted).fill_null(False)
    # Settled at this dose for so long that blood counts say more; never where the urgency is the same day.
    settled = (rows.as_of_day - rows.increased_day > rows.wait_weeks_high * DAYS_IN_WEEK).fill_null(False)
    on = rows.status == "on"
    settled = lowers & on & settled & rows.fraction_high.notnull() & (rows.urgency != "same-day")
    settled = settled & rows.whole_dose.notnull()
    action = ibis.cases(
        (on & (rows.action == "do-not-start"), "stop"),
        (lowers & within, "continue"),
        (settled, "review"),
        else_=rows.action,
    )
    urgency = ibis.cases((lowers & within, "info"), (settled, "routine"), else_=rows.urgency)
    return findings(
        rows,
        "dosing",
        code=ibis.cases(
            (lowers & within, "genotype_dose_within"),
            ((share < 1).fill_null(False), "genotype_dose_lower"),
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
        fraction_low=share.isnull().ifelse(ibis.null("float64"), ibis.coalesce(rows.fraction_low, 0.0)),
        fraction_high=share,
        a=rows.body,
        b=ibis.coalesce(rows.tpmt, "not known"),
        c=ibis.coalesce(rows.nudt15, "not known"),
        says=rows.says,
        says_patient=rows.says_patient,
        sources=cite(rows),
    )
