"""What the blood counts on treatment say: when the last full one was, and whether it is overdue, low or falling.

A fall is real where it is larger than biological and analytical variation explains: a reference change value,
z * sqrt(cv_within^2 + cv_analytical^2), for each analyte.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value
from azaward.rules.language.limit import downward, of
from azaward.rules.language.tables import knowledge, parameter
from azaward.rules.language.words import OF_ONE, beside, for_their_specialty, on_treatment, surely

CELLS = ("wbc", "neutrophils", "platelets")
# A mean of fewer results than this says little about a patient's own level.
ENOUGH = 3


def counts(person: Table, latest: Table, history: Table, done: Table, due: Table) -> Table:
    """One row for each person on treatment. `missed`: overdue by a whole interval, or never due."""
    full = done.filter((done.test == "full_blood_count") & done.complete)
    turns = due.filter(due.test == "full_blood_count")
    rows = beside(on_treatment(person, "as_of_day"), full.select("patient_id", counted_day="done_day"))
    rows = beside(rows, turns.select("patient_id", "due_day", "every_days"))
    rows = beside(rows, _cells(person, latest, history))
    late = rows.as_of_day - rows.due_day
    return rows.select(
        *("patient_id", "counted_day"),
        overdue=(late > 0).fill_null(True),
        missed=(late > rows.every_days).fill_null(True),
        low=surely(rows.low),
        falling=surely(rows.falling),
    )


def _cells(person: Table, latest: Table, history: Table) -> Table:
    """For each person whether any count is beyond a limit of their protocol, or has really fallen."""
    rows = latest.filter(latest.analyte.isin(CELLS))
    rows = rows.inner_join(on_treatment(person, "protocol_known", "family"), "patient_id")
    limits = knowledge("protocol_limits").rename(threshold="value")
    lower = downward(limits.comparison) & limits.relative_to.isin(["absolute", "lower-limit-of-normal"])
    met = for_their_specialty(rows.inner_join(limits.filter(lower), ["protocol", "analyte"]))
    bound = (met.relative_to == "absolute").ifelse(met.threshold, met.threshold * met.lln)
    low = met.group_by("patient_id").agg(low=of(met, bound).met_by(met.low).any())
    fallen = varying(rows.inner_join(history, OF_ONE))
    fallen = fallen.group_by("patient_id").agg(falling=(_step(fallen) | _trend(fallen)).any())
    return beside(beside(rows.select("patient_id").distinct(), low), fallen)


def _step(rows: Table) -> Value:
    """The last value is really lower than the mean of those before it."""
    fall = 1 - rows.low / rows.earlier_mean
    return surely((rows.earlier_n >= ENOUGH) & (fall > rows.spread * (1 + 1 / rows.earlier_n).sqrt()))


def _trend(rows: Table) -> Value:
    """The mean of the last values is really lower than that of those before them."""
    fall = 1 - rows.recent_mean / rows.older_mean
    return surely((rows.older_n >= ENOUGH) & (fall > rows.spread * (1 / rows.recent_n + 1 / rows.older_n).sqrt()))


def varying(rows: Table) -> Table:
    """The results whose variation is known, with `spread`."""
    return rows.inner_join(spreads(), "analyte")


def spreads() -> Table:
    """For each analyte the share by which a result may differ from another of that person without any real change."""
    variation = knowledge("biological_variation")
    variation = variation.filter(variation.population == "healthy")
    within, analytical = variation.cv_within_percent / 100, variation.cv_analytical_percent.fill_null(0) / 100
    spread = parameter("reference_change_z") * (within * within + analytical * analytical).sqrt()
    return variation.select("analyte", "fact", spread=spread)
