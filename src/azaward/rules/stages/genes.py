"""What is known of TPMT and NUDT15 for each patient: the most cautious phenotype of each method.

An activity within the laboratory's normal range never overrules a genotype; a genotype never hides a low
activity. Where two reports of one gene differ, the weaker enzyme counts.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.tables import day_number, knowledge, least, record, requests
from azaward.rules.language.words import beside, nothing, of_analyte, perhaps, surely

# From the weakest enzyme to the strongest; what can't be told is more cautious than normal.
ORDER = (
    "Poor Metabolizer",
    "Intermediate Metabolizer",
    "Possible Intermediate Metabolizer",
    "Indeterminate",
    "Normal Metabolizer",
)


def rank(phenotype: Value) -> Value:
    """0 for the weakest enzyme."""
    return ibis.cases(*((phenotype == word, place) for place, word in enumerate(ORDER)))


def word(place: Value) -> Value:
    """The phenotype of a rank."""
    return ibis.cases(*((place == at, text) for at, text in enumerate(ORDER)))


def genes(latest: Table) -> Table:
    """One row a request with `tpmt`, `nudt15` (to dose by), and `tpmt_genotype`, `tpmt_activity` behind them."""
    rows = beside(beside(requests().select("patient_id"), _reported()), _measured(latest))
    activity = least(
        ibis.coalesce(rows.reported_activity_rank, rows.measured_rank),
        ibis.coalesce(rows.measured_rank, rows.reported_activity_rank),
    )
    rows = rows.mutate(activity_rank=activity)
    # A genotype that can't be told is settled by the enzyme's activity; otherwise the weaker counts.
    untold = rows.tpmt_genotype_rank == ORDER.index("Indeterminate")
    tpmt_rank = ibis.coalesce(
        (untold & rows.activity_rank.notnull()).ifelse(rows.activity_rank, nothing("int8")),
        least(
            ibis.coalesce(rows.tpmt_genotype_rank, rows.activity_rank),
            ibis.coalesce(rows.activity_rank, rows.tpmt_genotype_rank),
        ),
    )
    return rows.select(
        "patient_id",
        "reported_on",
        tpmt=word(tpmt_rank),
        nudt15=word(rows.nudt15_rank),
        tpmt_genotype=word(rows.tpmt_genotype_rank),
        tpmt_activity=word(rows.activity_rank),
        activity_normal=rows.activity_rank == ORDER.index("Normal Metabolizer"),
        activity_day=ibis.coalesce(rows.activity_reported_day, rows.measured_day),
        activity_on=ibis.coalesce(rows.activity_on, rows.measured_on),
        tpmt_disagree=rows.tpmt_genotype_rank != rows.tpmt_best_rank,
        nudt15_disagree=rows.nudt15_rank != rows.nudt15_best_rank,
        unreadable=surely(rows.unreadable),
    )


def _reported() -> Table:
    """One row a patient with reports: the weakest and the strongest that they say of each gene and of the activity."""
    reports = record("genotypes").inner_join(requests().select("patient_id", "as_of"), "patient_id")
    # A gene doesn't age: a report without a day still counts.
    reports = reports.filter(perhaps(reports.reported_on <= reports.as_of))
    reports = reports.mutate(rank=rank(reports.phenotype))
    tpmt, nudt15 = reports.gene == "TPMT", reports.gene == "NUDT15"
    by_gene, by_activity = reports.method == "genotype", reports.method == "activity"
    return reports.group_by("patient_id").agg(
        tpmt_genotype_rank=reports["rank"].min(where=tpmt & by_gene),
        tpmt_best_rank=reports["rank"].max(where=tpmt & by_gene),
        nudt15_rank=reports["rank"].min(where=nudt15),
        nudt15_best_rank=reports["rank"].max(where=nudt15),
        reported_activity_rank=reports["rank"].min(where=tpmt & by_activity),
        activity_reported_day=day_number(reports.reported_on.max(where=tpmt & by_activity)),
        unreadable=(reports.phenotype.isnull()).any(),
        reported_on=reports.reported_on.max(),
        activity_on=reports.reported_on.max(where=tpmt & by_activity),
    )


def _measured(latest: Table) -> Table:
    """The last TPMT activity that a laboratory measured, as the phenotype that it stands for.

    How far below normal is poor, and what is low where no normal range came with it, say the printed bands of
    laboratories that measure in this unit. Nothing is normal without a range of its own.
    """
    bands = knowledge("enzyme_activity")
    bands = bands.group_by("unit").agg(
        poor_below=bands.low.max(where=bands.category.isin(["low", "intermediate"])),
        low_below=bands.low.max(where=bands.category == "normal"),
    )
    rows = of_analyte(latest, "tpmt_activity").left_join(bands, "unit").drop("unit_right")
    return rows.select(
        "patient_id",
        measured_day="day",
        measured_on="taken_on",
        measured_rank=ibis.cases(
            (rows.low <= 0, ORDER.index("Poor Metabolizer")),
            (rows.low >= rows.lln, ORDER.index("Normal Metabolizer")),
            (rows.low < rows.poor_below, ORDER.index("Poor Metabolizer")),
            (rows.low < rows.lln, ORDER.index("Intermediate Metabolizer")),
            (rows.low < rows.low_below, ORDER.index("Intermediate Metabolizer")),
            else_=ORDER.index("Indeterminate"),
        ),
    )
