"""Which pattern raised liver tests have, and the signs of nodular regenerative hyperplasia."""

from __future__ import annotations

from azaward.rules.language.expressions import Table, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.limit import Limit, limit
from azaward.rules.language.words import OF_ONE, last_of, of_analyte, on_treatment, surely
from azaward.terms import Action, Comparison, Rule, Urgency

# Any of these above its limit of normal is a raised liver test.
LIVER = ("alt", "ast", "alp", "ggt", "bilirubin")


def pattern(person: Table, latest: Table) -> Table:
    """R = (ALT / its limit) / (ALP / its limit): hepatocellular, cholestatic or mixed."""
    rows = last_of(latest, "alt", "alp")
    rows = rows.inner_join(on_treatment(person), "patient_id")
    raised = (rows.alt_high > rows.alt_uln) | (rows.alp_high > rows.alp_uln)
    rows = rows.mutate(r=(rows.alt_high / rows.alt_uln) / (rows.alp_high / rows.alp_uln))
    # "More than 1000" over something is no ratio.
    rows = rows.filter(raised & (rows.alp_high > 0) & (rows.r < float("inf")) & (rows.alt_day == rows.alp_day))
    kind = ibis.cases(
        (limit("liver_r_hepatocellular").met_by(rows.r), "hepatocellular"),
        (limit("liver_r_cholestatic").met_by(rows.r), "cholestatic"),
        else_="mixed",
    )
    rows = rows.mutate(kind=kind).inner_join(of_analyte(latest, "alt", taken_on="taken_on"), "patient_id")
    return findings(
        rows,
        Rule.LIVER,
        code="liver_pattern",
        action=Action.INFORM,
        urgency=Urgency.INFO,
        subject="liver",
        value=rows.r,
        unit="1",
        on=rows.taken_on,
        pattern=rows.kind,
        alt=number(rows.alt_shown),
        alp=number(rows.alp_shown),
    )


def nodular(person: Table, latest: Table, history: Table) -> Table:
    """Platelets below normal and the patient's own level, with a raised liver test: nodular hyperplasia?"""
    rows = last_of(latest, "platelets", *LIVER)
    rows = rows.inner_join(on_treatment(person), "patient_id")
    platelets = of_analyte(latest, "platelets").inner_join(history, OF_ONE)
    platelets = platelets.select("patient_id", "taken_on", "unit", platelets_mean="earlier_mean")
    rows = rows.inner_join(platelets, "patient_id")
    raised = ibis.or_(*(surely(rows[f"{analyte}_high"] > rows[f"{analyte}_uln"]) for analyte in LIVER))
    fallen = (rows.platelets_low < rows.platelets_lln) & (rows.platelets_low < rows.platelets_mean)
    rows = rows.filter(raised & fallen)
    return findings(
        rows,
        Rule.LIVER,
        code="nodular_hyperplasia_signs",
        action=Action.REFER,
        urgency=Urgency.THIS_WEEK,
        subject="platelets",
        value=rows.platelets_low,
        unit=rows.unit,
        on=rows.taken_on,
        limit=Limit(rows.platelets_lln, Comparison.BELOW, rows.unit),
        earlier_mean=number(rows.platelets_mean),
    )
