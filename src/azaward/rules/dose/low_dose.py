"""Low-dose azathioprine or mercaptopurine with allopurinol, a treatment that somebody chose: is it as it should be?"""

from __future__ import annotations

from azaward.rules.language.finding import findings
from azaward.rules.language.tables import Table, knowledge, parameters
from azaward.rules.language.untyped import ibis


def low_dose(person: Table, taken: Table, usual: Table, latest: Table, genes: Table) -> Table:
    """What is missing: the small dose of allopurinol, TPMT, and nucleotides measured since the two came together.

    Only where the dose of the thiopurine is known and cut to the share that goes with allopurinol; where it is not,
    `medicines` asks for that first.
    """
    beside = taken.filter((taken.medicine == "allopurinol") & taken.running)
    beside = beside.group_by("patient_id").agg(
        allopurinol=beside.dose_mg_per_day.sum(),
        unknown=beside.dose_mg_per_day.isnull().any(),
        since=beside.start_day.max(),
    )
    shares = knowledge("interactions")
    shares = shares.filter(shares["with"] == "allopurinol").agg(share=shares.dose_fraction_high.min())
    rows = person.filter((person.status == "on") & (person.taken != "tioguanine")).select(
        "patient_id", "protocol", "whole_dose", "started_day", "taken"
    )
    rows = rows.inner_join(beside, "patient_id")
    rows = rows.inner_join(usual.select("patient_id", "usual_high"), "patient_id").cross_join(shares)
    rows = rows.filter(rows.whole_dose <= rows.usual_high * rows.share)
    rows = rows.left_join(genes.select("patient_id", "tpmt"), "patient_id").drop("patient_id_right")
    levels = latest.filter(latest.analyte == "tgn").select("patient_id", level_day="day")
    rows = rows.left_join(levels, "patient_id").drop("patient_id_right")
    rows = rows.pipe(parameters("low_dose_allopurinol_mg_per_day"))
    needs = {
        "low_dose_allopurinol_high": rows.unknown
        | (rows.allopurinol > rows.low_dose_allopurinol_mg_per_day).fill_null(True),
        "low_dose_tpmt_unknown": rows.tpmt.isnull(),
        "low_dose_not_measured": (rows.level_day < rows.since).fill_null(True),
    }
    asked = [rows.filter(missing).mutate(code=ibis.literal(code)) for code, missing in needs.items()]
    found = ibis.union(ibis.union(asked[0], asked[1]), asked[2])
    high = found.code == "low_dose_allopurinol_high"
    return findings(
        found,
        "low_dose",
        code=found.code,
        action=high.ifelse("review", "test"),
        urgency=ibis.cases((found.code == "low_dose_not_measured", "routine"), else_="this-week"),
        subject="allopurinol",
        value=found.allopurinol,
        unit="mg/d",
        on=found.since,
        comparison=ibis.cases((high, "at-most")),
        limit_value=ibis.cases((high, found.low_dose_allopurinol_mg_per_day)),
        limit_unit=ibis.cases((high, "mg/d")),
        a=found.taken,
    )
