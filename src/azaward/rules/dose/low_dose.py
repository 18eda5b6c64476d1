"""Low-dose azathioprine or mercaptopurine with allopurinol, a treatment that somebody chose: is it as it should be?"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, ibis
from azaward.rules.language.finding import findings
from azaward.rules.language.limit import Limit, limit
from azaward.rules.language.tables import knowledge
from azaward.rules.language.words import beside, of_analyte, on_treatment, perhaps, surely
from azaward.rules.stages.beside import low_dose as most_with_allopurinol
from azaward.terms import Action, Rule, Urgency

CODES = ("low_dose_allopurinol_high", "low_dose_tpmt_unknown", "low_dose_not_measured")


def low_dose(person: Table, taken: Table, usual: Table, latest: Table, genes: Table) -> Table:
    """What is missing: the small dose of allopurinol, TPMT, and nucleotides measured since the two came together.

    Only where the dose of the thiopurine is known and cut to the share that goes with allopurinol; where it is not,
    `medicines` asks for that first.
    """
    rows = _combined(person, taken, usual)
    rows = beside(rows, genes.select("patient_id", "tpmt"))
    rows = beside(rows, of_analyte(latest, "tgn", level_day="day"))
    small = limit("low_dose_allopurinol_mg_per_day")
    missing = (
        rows.unknown | ~surely(small.met_by(rows.allopurinol)),
        rows.tpmt.isnull(),
        perhaps(rows.level_day < rows.since),
    )
    asked = [
        rows.filter(is_missing).mutate(code=ibis.literal(code)) for code, is_missing in zip(CODES, missing, strict=True)
    ]
    rows = ibis.union(ibis.union(asked[0], asked[1]), asked[2])
    high = rows.code == CODES[0]
    return findings(
        rows,
        Rule.LOW_DOSE,
        code=rows.code,
        codes=CODES,
        action=high.ifelse(Action.REVIEW, Action.TEST),
        urgency=ibis.cases((rows.code == CODES[2], Urgency.ROUTINE), else_=Urgency.THIS_WEEK),
        subject="allopurinol",
        asks_for=ibis.cases((rows.code == CODES[1], "tpmt"), (rows.code == CODES[2], "metabolites")),
        value=rows.allopurinol,
        unit="mg/d",
        on=rows.since,
        limit=Limit(
            ibis.cases((high, small.value)), ibis.cases((high, small.comparison)), ibis.cases((high, small.unit))
        ),
        thiopurine=rows.taken,
    )


def _combined(person: Table, taken: Table, usual: Table) -> Table:
    """Everyone on a dose that is cut to the share that goes with the allopurinol that they take."""
    allopurinol = taken.filter((taken.medicine == "allopurinol") & taken.running)
    # Orders add up; a report of them and their supplies are the same tablets once more.
    days = allopurinol.group_by(["patient_id", "told_as", "start_day"]).agg(
        dose=allopurinol.dose_mg_per_day.sum(), unknown=allopurinol.dose_mg_per_day.isnull().any()
    )
    views = days.group_by(["patient_id", "told_as"]).agg(
        total=days.dose.sum(), most=days.dose.max(), unknown=days.unknown.any(), since=days.start_day.max()
    )
    views = views.mutate(dose=views.told_as.isnull().ifelse(views.total, views.most))
    allopurinol = views.group_by("patient_id").agg(
        allopurinol=views.dose.max(), unknown=views.unknown.all(), since=views.since.max()
    )
    shares = knowledge("interactions")
    shares = shares.filter(shares["with"] == "allopurinol").agg(share=shares.dose_fraction_high.max())
    rows = on_treatment(person, "whole_dose", "started_day", "taken", "weight")
    rows = rows.filter(rows.taken != "tioguanine").inner_join(allopurinol, "patient_id")
    rows = beside(rows, usual.select("patient_id", "usual_high")).cross_join(shares)
    return rows.filter(rows.whole_dose <= most_with_allopurinol(rows))
