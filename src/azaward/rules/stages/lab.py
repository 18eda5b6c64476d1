"""Clean results: canonical units, plausible values, one row a patient and analyte with the worst of its last day.

A value that can't be trusted is never repaired: it gets the name of its problem and stays out of every limit
(`unusable` keeps it, `rules/whole/record_quality.py` reports it). Where two analysers measured on one day, the lowest
and the highest both stay, so that each rule meets the worse of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from azaward.record.dates import NO_DAYS
from azaward.record.tables import STATUS_NEVER_COUNTS
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.tables import DAYS_IN_YEAR, day_number, knowledge, record, requests
from azaward.rules.language.words import OF_ONE, beside, nothing, perhaps, surely
from azaward.rules.stages.severity import with_severity
from azaward.terms import Action

# Analytes whose earlier values say how far and how fast the last one fell.
FALLING = ("wbc", "neutrophils", "lymphocytes", "platelets", "haemoglobin")
# Doubts about what was measured that say another quantity: a share, a ratio or a part of what the analyte is.
OTHER_QUANTITY = ("percent", "ratio", "glycated", "bands", "part", "group", "other")
# Cells of which laboratories also report the share of all white cells, and how they write that it is one.
OF_WHITE_CELLS = ("neutrophils", "lymphocytes", "eosinophils")
SHARE = ("%", "percent", "per cent", "pct")
SHARE_OF_ONE = ("1", "L/L", "l/l")
# What can be wrong with a result, in the order in which it is looked for.
PROBLEMS = ("no_date", "future", "doubted", "no_value", "words_for_number", "no_unit", "unknown_unit", "implausible")

_AS_IT_CAME = (
    *("patient_id", "analyte", "text", "comparator", "unit", "canonical", "taken_on", "origin", "flag", "doubt"),
    *("measured", "uln", "plausible_low", "plausible_high", "problem", "comes_to", "severe_as_given", "plain"),
    *("critical", "worse", "of_a_month"),
)


def readings() -> Table:
    """Every result that may count, in canonical units, with its `problem` (`PROBLEMS`) where it has one."""
    return _read(record("results")).select(
        "patient_id", "analyte", "taken_on", "measured", "comparator", "text", "lln", "uln", "problem", "doubt"
    )


def unusable(readings: Table) -> Table:
    """The results that have a problem, as they came.

    Shares and parts stand beside the counts of most blood counts: that they are no counts is no news there, unless
    they come to something severe that the count doesn't say.
    """
    odd = readings.filter(readings.problem.notnull() | _is_of_a_month(readings)).select(*OF_ONE).distinct()
    rows = _read(record("results").semi_join(odd, OF_ONE))
    good = readings.filter(readings.problem.isnull()).semi_join(odd, OF_ONE)
    good = good.select(*OF_ONE, "taken_on").distinct().mutate(beside_good=ibis.literal(True))
    of_a_month = _is_of_a_month(rows) & rows.problem.isnull()
    rows = rows.mutate(of_a_month=of_a_month, problem=of_a_month.ifelse("doubted", rows.problem))
    rows = beside(rows.filter(rows.problem.notnull()), good, [*OF_ONE, "taken_on"])
    rows = _with_what_shares_come_to(_with_shares_of_one(rows), readings)
    rows = with_severity(rows, low_end(rows), high_end(rows))
    no_news = rows.doubt.isin([*OTHER_QUANTITY, "segmented"]) & rows.beside_good
    return rows.filter(~(surely(no_news) | rows.of_a_month) | rows.severe_as_given).select(
        *_AS_IT_CAME,
        beside_good=surely(rows.beside_good),
        day=day_number(rows.taken_on),
        value=_is_written(rows).ifelse(nothing("float64"), rows.value),
        seen=rows.value,
    )


def _with_shares_of_one(rows: Table) -> Table:
    """Doubts a part of one beside a count of that day: a count has no such unit."""
    is_share = rows.analyte.isin(OF_WHITE_CELLS) & rows.unit.isin(SHARE_OF_ONE) & (rows.value <= 1) & rows.beside_good
    is_share = surely(is_share) & rows.doubt.isnull()
    return rows.mutate(doubt=is_share.ifelse("percent", rows.doubt), problem=is_share.ifelse("doubted", rows.problem))


def _with_what_shares_come_to(rows: Table, readings: Table) -> Table:
    """Adds to a share of the white cells what it comes to with the white cells of that day: `comes_to`."""
    white = readings.filter((readings.analyte == "wbc") & readings.problem.isnull())
    white = white.group_by(["patient_id", "taken_on"]).agg(white=low_end(white).min())
    rows = beside(rows, white, ["patient_id", "taken_on"])
    is_share = rows.analyte.isin(OF_WHITE_CELLS) & surely(rows.doubt == "percent") & rows.factor.isnull()
    # Without the sign, a share of up to one may be a part of one or a hundredth: the higher is taken.
    hundredths = surely(rows.unit.isin(SHARE)) | (rows.value > 1)
    comes_to = hundredths.ifelse(rows.value / 100, rows.value) * rows.white
    return rows.mutate(comes_to=is_share.ifelse(comes_to, nothing("float64")))


def _read(results: Table) -> Table:
    """Results with their canonical value and limits of normal, and with what is wrong with them."""
    analytes = knowledge("analytes").select("id", "plausible_low", "plausible_high", "worse", canonical="unit")
    conversions = knowledge("conversions")
    rows = results.filter(~results.status.fill_null("unknown").isin(STATUS_NEVER_COUNTS))
    rows = rows.inner_join(requests().select("patient_id", "as_of"), "patient_id")
    rows = rows.inner_join(analytes, rows.analyte == analytes.id)
    rows = rows.left_join(conversions, [rows.analyte == conversions.analyte, rows.unit == conversions.written])
    rows = rows.drop("analyte_right")

    def canonical(value: Value) -> Value:
        return value * rows.factor + rows.offset

    rows = _with_days(rows)
    # A share in its own unit is one, whatever its name says.
    share = rows.analyte.isin(OF_WHITE_CELLS) & rows.unit.isin(SHARE)
    share = surely(share) & (rows.doubt.isnull() | rows.doubt.isin(["segmented", "words"]))
    rows = rows.mutate(
        doubt=share.ifelse("percent", rows.doubt),
        has_unit=rows.canonical.notnull(),
        measured=canonical(rows.value),
        lln=canonical(rows.ref_low),
        uln=canonical(rows.ref_high),
    )
    # A limit of normal that no value could have is one of another unit: it measures nothing.
    rows = rows.mutate(
        lln=perhaps((rows.lln >= rows.plausible_low) & (rows.lln <= rows.plausible_high)).ifelse(
            rows.lln, nothing("float64")
        ),
        uln=perhaps(rows.uln <= rows.plausible_high).ifelse(rows.uln, nothing("float64")),
    )
    return rows.mutate(problem=_problem(rows))


def _with_days(rows: Table) -> Table:
    """Results with the day of their sample, where that can be one.

    Nobody is tested before birth; and of a year that isn't over, nobody knows which day was meant.
    """
    patients = record("patients")
    births = patients.filter(patients.birth_date.notnull()).group_by("patient_id").agg(born=patients.birth_date.min())
    rows = beside(rows, births).mutate(taken_on=_by_local_time(rows))
    day = day_number(rows.taken_on)
    # A birth of which only the year is known counts as the last day of that year.
    unborn = day + DAYS_IN_YEAR < day_number(rows.born)
    no_day = unborn | ibis.or_(*(day == begin for begin in NO_DAYS))
    no_day = surely(no_day) | surely(rows.doubt == "year") & (rows.taken_on > rows.as_of)
    return rows.mutate(taken_on=surely(no_day).ifelse(nothing("date"), rows.taken_on))


def _by_local_time(rows: Table) -> Value:
    """The day of the sample: an evening's is the next day's in a zone farther east, and so may be tomorrow's here."""
    tomorrow = (rows.taken_on > rows.as_of) & rows.zone.notnull()
    tomorrow = surely(tomorrow & (day_number(rows.taken_on) - day_number(rows.as_of) == 1))
    return tomorrow.ifelse(rows.as_of, rows.taken_on)


def _problem(rows: Table) -> Value:
    """The first of `PROBLEMS` that a result has, or nothing."""
    implausible = (
        (rows.measured < rows.plausible_low)
        | (rows.measured > rows.plausible_high)
        | (rows.measured < 0)
        | (rows.measured == float("inf"))
    )
    wrong = (
        rows.taken_on.isnull(),
        rows.taken_on > rows.as_of,
        rows.doubt.notnull() & ~_is_written(rows) & ~_is_of_a_month(rows),
        rows.value.isnull() & rows.text.isnull(),
        rows.has_unit & (rows.value.isnull() | _is_written(rows)),
        rows.has_unit & (rows.unit.isnull() | (rows.unit == "")),
        rows.has_unit & rows.factor.isnull(),
        rows.has_unit & implausible,
    )
    return ibis.cases(*zip(wrong, PROBLEMS, strict=True), else_=None)


def _is_written(rows: Table) -> Value:
    """Whether the number stands among words: it is never used, and says only how soon somebody asks."""
    return surely(rows.doubt == "written")


def _is_of_a_month(rows: Table) -> Value:
    """Whether only the month of the sample is known: it is used as of the first day, and may be of a later one."""
    return surely(rows.doubt == "month")


def low_end(rows: Table) -> Value:
    """The least that a reading may be: "<0.5" may be anything down to nothing."""
    return surely(rows.comparator.isin(["<", "<="])).ifelse(0.0, rows.measured)


def high_end(rows: Table) -> Value:
    """The most that a reading may be: ">90" may be anything above."""
    return surely(rows.comparator.isin([">", ">="])).ifelse(float("inf"), rows.measured)


def latest(readings: Table) -> Table:
    """One row a patient and analyte: the lowest and highest of its last day, the tightest limits of normal."""
    usable = readings.filter(readings.problem.isnull())
    newest = usable.group_by(OF_ONE).agg(taken_on=usable.taken_on.max())
    last = usable.semi_join(newest, [*OF_ONE, "taken_on"])
    rows = last.group_by([*OF_ONE, "taken_on"]).agg(
        low=low_end(last).min(),
        high=high_end(last).max(),
        shown_low=last.measured.min(),
        shown_high=last.measured.max(),
        lln=last.lln.max(),
        uln=last.uln.min(),
    )
    # Signs and words are rare: they are put beside the rows that have them.
    signed = last.filter(last.comparator.notnull() | last.text.notnull())
    signed = signed.inner_join(rows.select(*OF_ONE, "shown_low", "shown_high"), OF_ONE)
    signs = signed.group_by(OF_ONE).agg(
        # The sign that belongs to the value shown, not to another of that day.
        comparator_low=signed.comparator.max(where=signed.measured == signed.shown_low),
        comparator_high=signed.comparator.max(where=signed.measured == signed.shown_high),
        # Words of one day stand side by side: none of two that contradict each other may be lost.
        text=(signed.text.min() == signed.text.max()).ifelse(
            signed.text.max(), signed.text.min() + " / " + signed.text.max()
        ),
    )
    rows = beside(rows, signs, OF_ONE)
    units = knowledge("analytes").select("id", "unit")
    rows = rows.inner_join(units, rows.analyte == units.id).drop("id")
    return rows.mutate(day=day_number(rows.taken_on))


def history(readings: Table) -> Table:
    """For analytes whose change is watched: the patient's own level before the last day, one row each.

    The three days before the last; the mean of up to five before it; of the last three; of up to six before those.
    """
    limits = knowledge("protocol_limits")
    fall_limited = limits.filter(limits.relative_to == "previous-fall-percent").select("analyte")
    analytes = knowledge("analytes")
    floor = knowledge("floor")
    compared = floor.filter((floor.relative_to == "own-level") | (floor.action == Action.REVIEW)).select("analyte")
    of_limits = analytes.id.isin(fall_limited.analyte) | analytes.id.isin(compared.analyte)
    watched = analytes.filter(analytes.id.isin(FALLING) | of_limits).select(analyte="id")
    rows = readings.filter(readings.problem.isnull()).semi_join(watched, "analyte")
    days = rows.group_by([*OF_ONE, "taken_on"]).agg(low=low_end(rows).min(), shown=rows.measured.min())
    back = ibis.window(group_by=OF_ONE, order_by=ibis.desc("taken_on"))
    days = days.mutate(place=ibis.row_number().over(back))
    level = days.group_by(OF_ONE).agg(
        **{f"low_{place}": days.low.max(where=days.place == place) for place in range(1, 4)},
        **{f"shown_{place}": days.shown.max(where=days.place == place) for place in range(9)},
    )
    level = level.filter(level.shown_1.notnull())
    return level.select(
        *OF_ONE,
        "low_1",
        "low_2",
        "low_3",
        **_mean(level, "earlier", range(1, 6)),
        **_mean(level, "recent", range(3)),
        **_mean(level, "older", range(3, 9)),
    )


def _mean(level: Table, name: str, places: Sequence[int]) -> dict[str, Value]:
    """How many of these days there are, and their mean: added up in one order, so that every engine rounds alike."""
    shown = [level[f"shown_{place}"] for place in places]
    n: Value = shown[0].notnull().cast("int64")
    total: Value = shown[0].fill_null(0.0)
    for each in shown[1:]:
        n += each.notnull().cast("int64")
        total += each.fill_null(0.0)
    return {f"{name}_n": n, f"{name}_mean": total / n.nullif(0)}
