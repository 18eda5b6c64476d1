"""Falls that are larger than biological and analytical variation explains, even where they stay inside the limits.

A reference change value sets what counts as a real change against the mean of the patient's own earlier
results: z * sqrt(cv_within^2 + cv_analytical^2) * sqrt(1 + 1/n), n the number of results in that mean.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.limit import Limit, limit
from azaward.rules.language.tables import parameter
from azaward.rules.language.words import OF_ONE, beside, nothing, on_treatment, surely
from azaward.rules.stages.counts import ENOUGH, varying
from azaward.rules.stages.lab import FALLING
from azaward.terms import Action, Comparison, Rule, Urgency


def step(person: Table, latest: Table, history: Table, beyond: Table) -> Table:
    """The last value against the mean of up to five before it; three at least, unless two cell lines fell at once."""
    rows = _varying(person, latest, history, beyond)
    change = 1 - rows.low / rows.earlier_mean
    allowed = rows.spread * (1 + 1 / rows.earlier_n).sqrt()
    rows = rows.mutate(change=change, allowed=allowed)
    rows = rows.filter((rows.earlier_mean > 0) & (rows.change > rows.allowed))
    # White cells of every kind are one line.
    line = rows.analyte.isin(["haemoglobin", "platelets"]).ifelse(rows.analyte, "white cells")
    of_patient = ibis.window(group_by="patient_id")
    rows = rows.mutate(several=line.min().over(of_patient) != line.max().over(of_patient))
    rows = rows.filter((rows.earlier_n >= ENOUGH) | rows.several)
    bound = rows.earlier_mean * (1 - rows.allowed)
    urgency = rows.several.ifelse(Urgency.THIS_WEEK, Urgency.ROUTINE)
    return _drift(rows, "drift_step", rows.shown_low, bound, rows.earlier_mean, urgency)


def trend(person: Table, latest: Table, history: Table, beyond: Table) -> Table:
    """The mean of the last three values against the mean of those before: a slow fall that no single value shows."""
    rows = _varying(person, latest, history, beyond)
    change = 1 - rows.recent_mean / rows.older_mean
    allowed = rows.spread * (1 / rows.recent_n + 1 / rows.older_n).sqrt()
    rows = rows.mutate(change=change, allowed=allowed)
    rows = rows.filter((rows.older_n >= ENOUGH) & (rows.older_mean > 0) & (rows.change > rows.allowed))
    bound = rows.older_mean * (1 - rows.allowed)
    return _drift(rows, "drift_trend", rows.recent_mean, bound, rows.older_mean, Urgency.ROUTINE)


def sequential(person: Table, latest: Table, history: Table, beyond: Table) -> Table:
    """Three falls in a row, each larger than a source names. Pressing where together they are a real change."""
    rows = _varying(person, latest, history, beyond)
    rows = rows.filter(rows.analyte.isin(["wbc", "neutrophils", "platelets"]))
    kept = 1 - limit("sequential_fall_percent").value / 100
    three = (rows.low < rows.low_1 * kept) & (rows.low_1 < rows.low_2 * kept) & (rows.low_2 < rows.low_3 * kept)
    rows = rows.filter(three)
    real = 1 - rows.low / rows.low_3 > rows.spread * ibis.literal(2.0).sqrt()
    urgency = real.ifelse(Urgency.THIS_WEEK, Urgency.ROUTINE)
    return _drift(rows, "drift_sequential", rows.shown_low, rows.low_1 * kept, rows.low_3, urgency)


def _varying(person: Table, latest: Table, history: Table, beyond: Table) -> Table:
    rows = latest.filter(latest.analyte.isin(FALLING)).inner_join(history, OF_ONE)
    rows = varying(rows.inner_join(on_treatment(person), "patient_id"))
    crossed = beyond.select(*OF_ONE).distinct().mutate(crossed=ibis.literal(True))
    rows = beside(rows, crossed, OF_ONE)
    return rows.mutate(crossed=surely(rows.crossed))


def _drift(rows: Table, code: str, value: Value, bound: Value, before: Value, urgency: Value | Urgency) -> Table:
    """Each row as a finding. Beside a limit that the same test is beyond, a fall is evidence and no news."""
    return findings(
        rows,
        Rule.DRIFT,
        code=code,
        action=Action.REVIEW,
        urgency=rows.crossed.ifelse(Urgency.INFO, urgency),
        subject=rows.analyte,
        value=value,
        # A mean has no sign.
        text=None if code == "drift_trend" else rows.comparator_low,
        unit=rows.unit,
        on=rows.taken_on,
        limit=Limit(bound, Comparison.BELOW, rows.unit),
        asks_for=rows.crossed.ifelse(nothing("string"), "full_blood_count"),
        within_days=_how_soon(urgency),
        before=number(before),
        fall_percent=number((100 * (1 - value / before) + 0.5).floor()),
        fact=rows.fact,
    )


def _how_soon(urgency: Value | Urgency) -> Value:
    """By when the blood is counted again: what is pressing sets its own time."""
    if isinstance(urgency, Urgency):
        return parameter("drift_test_days")
    return (urgency == Urgency.ROUTINE).ifelse(parameter("drift_test_days"), nothing("float64"))
