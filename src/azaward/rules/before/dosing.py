"""The dose that TPMT and NUDT15 allow, as CPIC, DPWG and the FDA's labels each say it.

A gene that is not known is asked for by `rules/before/baseline.py`. Advice by genes is advice for the start: once a
dose has been taken for long enough and the blood counts since are good, they say more, and the advice only informs.
A poor metaboliser is never informed away; one who has settled on the small share that a body names is told calmly.
A patient whose dose is within the advice is told so; one above it is found. Advice without a number is met by a dose
below the usual one, or that every body with a number accepts; where the same body names a share for one gene alone,
by one below that share.
"""

from __future__ import annotations

from azaward.knowledge.loading.schema.genetics import EITHER_INTERMEDIATE, INTERMEDIATE, NOT_TESTED
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings
from azaward.rules.language.limit import Limit
from azaward.rules.language.tables import DAYS_IN_WEEK, knowledge, parameter
from azaward.rules.language.words import beside, first_of, lowest_first, nothing, surely, treated
from azaward.terms import Action, Comparison, Rule, Status, Urgency


def dosing(person: Table, genes: Table, usual: Table, counts: Table) -> Table:
    """Each body's advice for this pair of phenotypes: its most cautious, and of those the one for both genes."""
    rows = _tried(_shared(_advised(person, genes, usual)), counts)
    allowed = rows.settled.ifelse(nothing("float64"), rows.allowed)
    # A first dose that is low enough is not lowered again.
    enough = rows.tried | (rows.within & (rows.status == Status.PLANNED))
    share = enough.ifelse(nothing("float64"), rows["share"])
    return findings(
        rows,
        Rule.DOSING,
        code=ibis.cases(
            (rows.within, "genotype_dose_within"),
            (rows.settled, "genotype_dose_settled"),
            (rows.action == Action.CONTINUE, "genotype_dose_usual"),
            (rows.small, "genotype_dose_small"),
            (surely(rows["share"] < 1), "genotype_dose_lower"),
            else_="genotype_dose",
        ),
        action=ibis.cases(
            (rows.within | rows.settled | (rows.action == Action.CONTINUE), Action.INFORM),
            (rows.tried | rows.small, Action.REVIEW),
            ((rows.status == Status.ON) & (rows.action == Action.DO_NOT_START), Action.STOP),
            else_=rows.action,
        ),
        urgency=_how_soon(rows),
        subject=rows.taken,
        asks_for=_asked_for(rows),
        value=rows.dose,
        unit="mg/d",
        on=rows.reported_on,
        limit=Limit(allowed, ibis.cases((allowed.notnull(), Comparison.AT_MOST), else_=None), "mg/d"),
        fraction_low=share.isnull().ifelse(nothing("float64"), ibis.coalesce(rows.fraction_low, 0.0)),
        fraction_high=share,
        body=rows.body,
        tpmt=ibis.coalesce(rows.tpmt, "not known"),
        nudt15=ibis.coalesce(rows.nudt15, "not known"),
        says=rows.says,
        says_patient=rows.says_patient,
        fact=rows.fact,
    )


def _how_soon(rows: Table) -> Value:
    known = rows.within | rows.settled
    return ibis.cases((known, Urgency.INFO), (rows.tried | rows.small, Urgency.ROUTINE), else_=rows.urgency)


def _asked_for(rows: Table) -> Value:
    """The gene that can't be told; of somebody who takes it without the enzyme, the blood count."""
    return ibis.cases(
        ((rows.action == Action.TEST) & (rows.for_tpmt != "any"), "tpmt"),
        (rows.action == Action.TEST, "nudt15"),
        ((rows.status == Status.ON) & (rows.action == Action.DO_NOT_START), "full_blood_count"),
    )


def _advised(person: Table, genes: Table, usual: Table) -> Table:
    """One row a patient and body: the strictest of its rows for these phenotypes.

    `wait` is how many weeks a dose takes to show its whole effect: the longest that any body names for this patient,
    or where none does for this medicine.
    """
    rows = treated(person, "status", "taken", "dose", "whole_dose", "weight", "as_of_day", "increased_day", "malignant")
    rows = rows.inner_join(genes.select("patient_id", "tpmt", "nudt15", "reported_on"), "patient_id")
    rows = beside(rows, usual.select("patient_id", "usual_low", "usual_high"))
    advice = knowledge("genotype_doses").rename(for_tpmt="tpmt", for_nudt15="nudt15")
    longest = advice.wait_weeks_high.max().over(ibis.window(group_by="drug"))
    rows = rows.inner_join(advice.mutate(longest=longest), rows.taken == advice.drug)
    disease = surely(rows.malignant).ifelse("malignant", "non_malignant")
    rows = rows.filter(
        _holds(rows.for_tpmt, rows.tpmt)
        & _holds(rows.for_nudt15, rows.nudt15)
        & ((rows.condition == "any") | (rows.condition == disease))
    )
    rows = rows.mutate(
        both=(rows.for_tpmt != "any") & (rows.for_nudt15 != "any"),
        share_of_one=rows.fraction_high.min().over(ibis.window(group_by=["patient_id", "body"])),
        wait=ibis.coalesce(rows.wait_weeks_high.max().over(ibis.window(group_by="patient_id")), rows.longest),
    )
    strictest = [
        *("urgency_rank", "action_rank", ibis.desc("both")),
        *(lowest_first("fraction_high"), "fraction_low", "id"),
    ]
    return first_of(rows, ["patient_id", "body"], strictest)


def _holds(asked: Value, known: Value) -> Value:
    """Whether a row is for this phenotype."""
    either = (asked == EITHER_INTERMEDIATE) & surely(known.isin(list(INTERMEDIATE)))
    return (asked == "any") | (asked == known.fill_null(NOT_TESTED)) | either


def _shared(rows: Table) -> Table:
    """Adds the `share` of the usual dose that the advice leaves, in mg, and whether today's dose is `within` it."""
    # Advice that lowers the dose, with a number of its own or with the share that its body names for one gene.
    lowers = rows.action.isin([Action.REDUCE, Action.CHANGE, Action.REVIEW])
    rows = rows.mutate(lowers=lowers)
    share = ibis.coalesce(rows.fraction_high, rows.lowers.ifelse(rows.share_of_one, nothing("float64")))
    rows = rows.mutate(share=share, allowed=rows.usual_high * share)
    return rows.mutate(within=rows.lowers & _within(rows))


def _within(rows: Table) -> Value:
    """Whether today's dose is within the advice."""
    unnumbered = rows.lowers & rows.fraction_high.isnull()
    # Below the dose at which the advice begins nothing needs lowering.
    below = rows.whole_dose < rows.applies_from_mg_per_kg * rows.weight
    within = unnumbered.ifelse(
        (rows.whole_dose < rows.usual_low) & (rows.whole_dose < rows.allowed).fill_null(rows.share_of_one.isnull()),
        surely(rows.whole_dose <= rows.allowed) | surely(below),
    ).fill_null(False)
    # "Lower it", without any number: the dose that every body with a number accepts is a lowered one.
    numbered = (rows.lowers & rows.share_of_one.notnull()).ifelse(within, nothing("boolean"))
    accepted = numbered.all().over(ibis.window(group_by="patient_id"))
    return within | surely(unnumbered & rows.share_of_one.isnull() & accepted)


def _tried(rows: Table, counts: Table) -> Table:
    """Adds `tried`: counts say more than genes; `settled`: they have said so for long; `small`: a poor metaboliser's.

    A dose has been tried once it shows its whole effect and a full count since then is neither low nor falling.
    """
    rows = beside(rows, counts.select("patient_id", "counted_day", "overdue", "missed", "low", "falling"))
    steady_day = rows.increased_day + rows.wait * DAYS_IN_WEEK
    good = (rows.counted_day > steady_day) & ~rows.missed & ~rows.low & ~rows.falling
    tolerated = surely((rows.status == Status.ON) & rows.whole_dose.notnull() & good)
    pressing = rows.urgency == Urgency.SAME_DAY
    long = rows.as_of_day - steady_day > parameter("close_watch_weeks") * DAYS_IN_WEEK
    # The share that some body names for a poor metaboliser; where both genes are weak none names one.
    named = rows.allowed.min(where=pressing).over(ibis.window(group_by="patient_id"))
    weak = ["Poor Metabolizer", *INTERMEDIATE]
    both_weak = surely(rows.tpmt.isin(weak) & rows.nudt15.isin(weak))
    tried = tolerated & ~pressing & ~rows.within & (rows.lowers | (rows.action == Action.TEST))
    return rows.mutate(
        tried=tried,
        settled=tried & surely(long & ~rows.overdue),
        small=tolerated & pressing & ~both_weak & surely(rows.whole_dose <= named),
    )
