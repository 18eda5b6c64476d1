"""Clean results: canonical units, plausible values, one row a patient, analyte and day.

A value that can't be trusted is never repaired: it gets the name of its problem and stays out of every
limit (`checked` keeps it, `rules/record_quality.py` reports it). Where two analysers measured on one day, the
lowest and the highest both stay, so that each rule meets the worse of them.
"""

from __future__ import annotations

from azaward.record.tables import STATUS_NEVER_COUNTS
from azaward.rules.tables import Table, Value, day_number, knowledge, record, requests
from azaward.rules.untyped import ibis


def checked() -> Table:
    """Every result that may count, in canonical units, with its `problem` where it has one.

    Problems: no_date, future, no_unit, unknown_unit, no_value, words_for_number, implausible.
    """
    results = record("results")
    asked = requests().select("patient_id", "as_of")
    analytes = knowledge("analytes").select("id", "plausible_low", "plausible_high", canonical="unit")
    conversions = knowledge("conversions")
    rows = results.filter(~results.status.fill_null("unknown").isin(STATUS_NEVER_COUNTS))
    rows = rows.inner_join(asked, "patient_id")
    rows = rows.inner_join(analytes, rows.analyte == analytes.id)
    rows = rows.left_join(conversions, [rows.analyte == conversions.analyte, rows.unit == conversions.written]).drop(
        "analyte_right"
    )

    def canonical(value: Value) -> Value:
        return value * rows.factor + rows.offset

    rows = rows.mutate(
        has_unit=rows.canonical.notnull(),
        measured=canonical(rows.value),
        lln=canonical(rows.ref_low),
        uln=canonical(rows.ref_high),
        day=day_number(rows.taken_on),
    )
    problem = ibis.cases(
        (rows.taken_on.isnull(), "no_date"),
        (rows.taken_on > rows.as_of, "future"),
        (rows.value.isnull() & rows.text.isnull(), "no_value"),
        (rows.has_unit & rows.value.isnull(), "words_for_number"),
        (rows.has_unit & (rows.unit.isnull() | (rows.unit == "")), "no_unit"),
        (rows.has_unit & rows.factor.isnull(), "unknown_unit"),
        (
            rows.has_unit
            & (
                (rows.measured < rows.plausible_low)
                | (rows.measured > rows.plausible_high)
                | (rows.measured < 0)
                | (rows.measured == float("inf"))
            ),
            "implausible",
        ),
        else_=None,
    )
    # "<0.5" may be anything down to nothing, ">90" anything above: each rule meets the worse end.
    low = rows.comparator.isin(["<", "<="]).fill_null(False).ifelse(0.0, rows.measured)
    high = rows.comparator.isin([">", ">="]).fill_null(False).ifelse(float("inf"), rows.measured)
    return rows.select(
        "patient_id",
        "analyte",
        "value",
        "text",
        "comparator",
        "unit",
        "canonical",
        "taken_on",
        "day",
        "status",
        "origin",
        "plausible_low",
        "plausible_high",
        "measured",
        "lln",
        "uln",
        low=low,
        high=high,
        problem=problem,
    )


def daily(checked: Table) -> Table:
    """One row a patient, analyte and day: the lowest and the highest, the tightest limits of normal."""
    usable = checked.filter(checked.problem.isnull())
    of_day = ibis.window(group_by=["patient_id", "analyte", "taken_on", "day"])
    usable = usable.mutate(lowest=usable.measured.min().over(of_day), highest=usable.measured.max().over(of_day))
    return usable.group_by(["patient_id", "analyte", "taken_on", "day"]).agg(
        low=usable.low.min(),
        high=usable.high.max(),
        shown_low=usable.measured.min(),
        shown_high=usable.measured.max(),
        # The sign that belongs to the value shown, not to another of that day.
        comparator_low=usable.comparator.max(where=usable.measured == usable.lowest),
        comparator_high=usable.comparator.max(where=usable.measured == usable.highest),
        # Words of one day stand side by side: none of two that contradict each other may be lost.
        text=(usable.text.min() == usable.text.max()).ifelse(
            usable.text.max(), usable.text.min() + " / " + usable.text.max()
        ),
        lln=usable.lln.max(),
        uln=usable.uln.min(),
        unit=usable.canonical.max(),
    )


def latest(daily: Table) -> Table:
    """The last day of each patient's analyte, the days before it, and the patient's own earlier level."""
    per = ibis.window(group_by=["patient_id", "analyte"], order_by="day")
    back = ibis.window(group_by=["patient_id", "analyte"], order_by=ibis.desc("day"))
    by = {"group_by": ["patient_id", "analyte"], "order_by": "day"}
    # Up to five results before the last; the last three; and up to six before those.
    earlier = ibis.window(**by, preceding=(5, 1))
    recent = ibis.window(**by, preceding=2, following=0)
    older = ibis.window(**by, preceding=(8, 3))
    rows = daily.mutate(
        place=ibis.row_number().over(back),
        low_1=daily.low.lag(1).over(per),
        low_2=daily.low.lag(2).over(per),
        low_3=daily.low.lag(3).over(per),
        earlier_mean=daily.shown_low.mean().over(earlier),
        earlier_n=daily.shown_low.count().over(earlier),
        recent_mean=daily.shown_low.mean().over(recent),
        recent_n=daily.shown_low.count().over(recent),
        older_mean=daily.shown_low.mean().over(older),
        older_n=daily.shown_low.count().over(older),
    )
    return rows.filter(rows.place == 0).drop("place")
