"""Which pattern raised liver tests have, and the signs of nodular regenerative hyperplasia."""

from __future__ import annotations

from azaward.rules.language.finding import findings, number
from azaward.rules.language.tables import Table, parameters
from azaward.rules.language.untyped import ibis
from azaward.rules.stages.lab import OF_ONE


def _wide(latest: Table, *analytes: str) -> Table:
    """One row a patient with the last of each analyte and its upper limit."""
    return latest.group_by("patient_id").agg(
        **{f"{a}": latest.high.max(where=latest.analyte == a) for a in analytes},
        **{f"{a}_low": latest.low.min(where=latest.analyte == a) for a in analytes},
        **{f"{a}_uln": latest.uln.min(where=latest.analyte == a) for a in analytes},
        **{f"{a}_lln": latest.lln.max(where=latest.analyte == a) for a in analytes},
        **{f"{a}_shown": latest.shown_high.max(where=latest.analyte == a) for a in analytes},
        **{f"{a}_day": latest.day.max(where=latest.analyte == a) for a in analytes},
    )


def pattern(person: Table, latest: Table) -> Table:
    """R = (ALT / its limit) / (ALP / its limit): hepatocellular, cholestatic or mixed."""
    rows = _wide(latest, "alt", "alp")
    rows = rows.inner_join(person.filter(person.status == "on").select("patient_id", "protocol"), "patient_id")
    rows = rows.pipe(parameters("liver_r_hepatocellular", "liver_r_cholestatic"))
    raised = (rows.alt > rows.alt_uln) | (rows.alp > rows.alp_uln)
    rows = rows.mutate(r=(rows.alt / rows.alt_uln) / (rows.alp / rows.alp_uln))
    # "More than 1000" over something is no ratio.
    rows = rows.filter(raised & (rows.alp > 0) & (rows.r < float("inf")) & (rows.alt_day == rows.alp_day))
    kind = ibis.cases(
        (rows.r >= rows.liver_r_hepatocellular, "hepatocellular"),
        (rows.r <= rows.liver_r_cholestatic, "cholestatic"),
        else_="mixed",
    )
    on = latest.filter(latest.analyte == "alt").select("patient_id", "taken_on")
    rows = rows.mutate(kind=kind).inner_join(on, "patient_id")
    return findings(
        rows,
        "liver",
        code="liver_pattern",
        action="inform",
        urgency="info",
        subject="liver",
        value=rows.r,
        unit="1",
        on=rows.taken_on,
        a=rows.kind,
        b=number(rows.alt_shown),
        c=number(rows.alp_shown),
    )


def nodular(person: Table, latest: Table, history: Table) -> Table:
    """Platelets below normal and the patient's own level, with a raised liver test: nodular hyperplasia?"""
    rows = _wide(latest, "platelets", "alt", "ast", "alp", "ggt", "bilirubin")
    rows = rows.inner_join(person.filter(person.status == "on").select("patient_id", "protocol"), "patient_id")
    platelets = latest.filter(latest.analyte == "platelets").inner_join(history, OF_ONE)
    platelets = platelets.select("patient_id", "taken_on", "unit", platelets_mean="earlier_mean")
    rows = rows.inner_join(platelets, "patient_id")
    raised = (
        (rows.alt > rows.alt_uln).fill_null(False)
        | (rows.ast > rows.ast_uln).fill_null(False)
        | (rows.alp > rows.alp_uln).fill_null(False)
        | (rows.ggt > rows.ggt_uln).fill_null(False)
        | (rows.bilirubin > rows.bilirubin_uln).fill_null(False)
    )
    fallen = (rows.platelets_low < rows.platelets_lln) & (rows.platelets_low < rows.platelets_mean)
    rows = rows.filter(raised & fallen)
    return findings(
        rows,
        "liver",
        code="nodular_hyperplasia_signs",
        action="refer",
        urgency="this-week",
        subject="platelets",
        value=rows.platelets_low,
        unit=rows.unit,
        on=rows.taken_on,
        comparison="below",
        limit_value=rows.platelets_lln,
        limit_unit=rows.unit,
        a=number(rows.platelets_mean),
    )


def pancreas(person: Table, latest: Table) -> Table:
    """Amylase or lipase at the multiple of normal that defines pancreatitis, above normal, or of unknown normal."""
    rows = latest.filter(latest.analyte.isin(["amylase", "lipase"]))
    treated = person.filter(person.status.isin(["on", "planned"])).select("patient_id", "protocol", "status")
    rows = rows.inner_join(treated, "patient_id")
    rows = rows.pipe(parameters("pancreatitis_multiple"))
    bound = rows.uln * rows.pancreatitis_multiple
    rows = rows.mutate(bound=bound).filter(rows.uln.isnull() | (rows.high > rows.uln))
    unknown = rows.uln.isnull()
    planned = rows.status == "planned"
    severe = (rows.high >= rows.bound).fill_null(False)
    return findings(
        rows,
        "liver",
        code=ibis.cases(
            (unknown, "pancreas_range_missing"),
            (severe & planned, "pancreatitis_before_start"),
            (severe, "pancreatitis_likely"),
            else_="pancreas_raised",
        ),
        action=ibis.cases((severe & planned, "do-not-start"), (severe, "stop"), else_="review"),
        urgency=severe.ifelse("emergency", "this-week"),
        subject=rows.analyte,
        value=rows.shown_high,
        text=rows.comparator_high,
        unit=rows.unit,
        on=rows.taken_on,
        comparison=severe.ifelse("at-least", "above"),
        limit_value=severe.ifelse(rows.bound, rows.uln),
        limit_unit=rows.unit,
        a=number(rows.pancreatitis_multiple),
    )
