"""The dose that TPMT and NUDT15 allow, as CPIC, DPWG and the FDA's labels each say it.

A gene that is not known matches no row: `rules/before/baseline.py` asks for it. A patient already on treatment
whose dose is within the advice is told so; one above it is found. Advice without a number is met by a dose
below the usual one, or that every body with a number accepts; where the same body names a share for one gene alone,
by one below that share.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings
from azaward.rules.language.limit import Limit
from azaward.rules.language.tables import DAYS_IN_WEEK, knowledge
from azaward.rules.language.words import beside, first_of, lowest_first, nothing, surely, treated
from azaward.terms import Action, Comparison, Rule, Status, Urgency


def dosing(person: Table, genes: Table, usual: Table) -> Table:
    """Each body's advice for this pair of phenotypes: its most cautious, and of those the one for both genes."""
    rows = _advised(person, genes, usual)
    # Advice that lowers the dose, with a number of its own or with the share that its body names for one gene.
    rows = rows.mutate(lowers=rows.action.isin([Action.REDUCE, Action.CHANGE]))
    share = ibis.coalesce(rows.fraction_high, rows.lowers.ifelse(rows.share_of_one, nothing("float64")))
    rows = rows.mutate(share=share, allowed=rows.usual_high * share)
    rows = rows.mutate(within=rows.lowers & _within(rows), settled=_settled(rows))
    on = rows.status == Status.ON
    return findings(
        rows,
        Rule.DOSING,
        code=ibis.cases(
            (rows.within, "genotype_dose_within"),
            (surely(rows["share"] < 1), "genotype_dose_lower"),
            else_="genotype_dose",
        ),
        action=ibis.cases(
            (on & (rows.action == Action.DO_NOT_START), Action.STOP),
            (rows.within, Action.CONTINUE),
            (rows.settled, Action.REVIEW),
            else_=rows.action,
        ),
        urgency=ibis.cases((rows.within, Urgency.INFO), (rows.settled, Urgency.ROUTINE), else_=rows.urgency),
        subject=rows.taken,
        value=rows.dose,
        unit="mg/d",
        on=rows.reported_on,
        limit=Limit(rows.allowed, ibis.cases((rows.allowed.notnull(), Comparison.AT_MOST), else_=None), "mg/d"),
        fraction_low=rows["share"].isnull().ifelse(nothing("float64"), ibis.coalesce(rows.fraction_low, 0.0)),
        fraction_high=rows["share"],
        body=rows.body,
        tpmt=ibis.coalesce(rows.tpmt, "not known"),
        nudt15=ibis.coalesce(rows.nudt15, "not known"),
        says=rows.says,
        says_patient=rows.says_patient,
        fact=rows.fact,
    )


def _advised(person: Table, genes: Table, usual: Table) -> Table:
    """One row a patient and body: the strictest of its rows for these phenotypes; `both` where it is for both genes."""
    rows = treated(person, "status", "taken", "dose", "whole_dose", "weight", "as_of_day", "increased_day", "malignant")
    rows = rows.inner_join(genes.select("patient_id", "tpmt", "nudt15", "reported_on"), "patient_id")
    rows = beside(rows, usual.select("patient_id", "usual_low", "usual_high"))
    advice = knowledge("genotype_doses").rename(for_tpmt="tpmt", for_nudt15="nudt15")
    rows = rows.inner_join(advice, rows.taken == advice.drug)
    disease = surely(rows.malignant).ifelse("malignant", "non_malignant")
    rows = rows.filter(
        ((rows.for_tpmt == "any") | (rows.for_tpmt == rows.tpmt))
        & ((rows.for_nudt15 == "any") | (rows.for_nudt15 == rows.nudt15))
        & ((rows.condition == "any") | (rows.condition == disease))
    )
    rows = rows.mutate(
        both=(rows.for_tpmt != "any") & (rows.for_nudt15 != "any"),
        share_of_one=rows.fraction_high.min().over(ibis.window(group_by=["patient_id", "body"])),
    )
    strictest = [
        *("urgency_rank", "action_rank", ibis.desc("both")),
        *(lowest_first("fraction_high"), "fraction_low", "id"),
    ]
    return first_of(rows, ["patient_id", "body"], strictest)


def _within(rows: Table) -> Value:
    """Whether today's dose is within the advice."""
    unnumbered = rows.lowers & rows.fraction_high.isnull()
    # Below the dose at which the advice begins, one weaker enzyme needs no lowering; two need their share of it.
    threshold = rows.applies_from_mg_per_kg * rows.weight
    below = ibis.cases(
        (rows.both, rows.whole_dose <= threshold * rows.fraction_high), else_=rows.whole_dose < threshold
    )
    within = unnumbered.ifelse(
        (rows.whole_dose < rows.usual_low) & (rows.whole_dose < rows.allowed).fill_null(rows.share_of_one.isnull()),
        surely(rows.whole_dose <= rows.allowed) | surely(below),
    ).fill_null(False)
    # "Lower it", without any number: the dose that every body with a number accepts is a lowered one.
    numbered = (rows.lowers & rows.share_of_one.notnull()).ifelse(within, nothing("boolean"))
    accepted = numbered.all().over(ibis.window(group_by="patient_id"))
    return within | surely(unnumbered & rows.share_of_one.isnull() & accepted)


def _settled(rows: Table) -> Value:
    """At this dose for so long that blood counts say more; never where the urgency is the same day."""
    long = surely(rows.as_of_day - rows.increased_day > rows.wait_weeks_high * DAYS_IN_WEEK)
    pressing = rows.urgency == Urgency.SAME_DAY
    on = rows.status == Status.ON
    return rows.lowers & on & long & rows.fraction_high.notnull() & ~pressing & rows.whole_dose.notnull()
