"""Results beyond a limit that are no news: a known cause, or the level that the person has always had.

own_level.csv says which limits a source judges by more than the number, and up to where. A person's own level is the
mean of several results that lie months back; a result differs from it really where it differs by more than biological
and analytical variation explains. What is dangerous in itself is never softened: nothing of an emergency, nothing past
the number that the row sets.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.limit import Limit
from azaward.rules.language.tables import DAYS_IN_YEAR, day_number, knowledge, parameter
from azaward.rules.language.words import OF_ONE, beside, conditions, first_of, of_analyte, perhaps, surely, treated
from azaward.rules.stages.counts import spreads
from azaward.terms import Status, Urgency


def softened(beyond: Table, person: Table, latest: Table, readings: Table) -> Table:
    """For each limit that a result is beyond: the row of own_level.csv that softens it, if one does."""
    rows = beyond.filter(beyond.urgency_rank > Urgency.EMERGENCY.rank).select(
        *("patient_id", "analyte", "day", "low", "high", "uln", "status", "started_day", "comparison", "bound"),
        limit_fact="fact",
        side=beyond.downward.ifelse("low", "high"),
    )
    rows = beside(rows, _levels(rows, readings), OF_ONE)
    rows = beside(rows, of_analyte(latest, "egfr", egfr="low", egfr_day="day"))
    own = knowledge("own_level").drop("action", "urgency", "source", "locator", "how", "checked_on")
    rows = _known_causes(rows.inner_join(own, ["analyte", "side"]), person)
    rows = beside(rows, spreads().drop("fact"), "analyte")
    rows = rows.mutate(down=rows.side == "low", value=(rows.side == "low").ifelse(rows.low, rows.high))
    rows = rows.filter(_inside(rows) & _level_allows(rows) & _reason_holds(rows))
    return first_of(
        rows.select(
            *("patient_id", "analyte", "level", "level_mean"),
            own_action="action_rank",
            own_urgency="urgency_rank",
            own_says="says",
            own_fact="fact",
            fact="limit_fact",
        ),
        ["patient_id", "analyte", "fact"],
        [ibis.desc("own_action"), ibis.desc("own_urgency"), "own_fact"],
    )


def _levels(rows: Table, readings: Table) -> Table:
    """What earlier results say of each of these: those that lie months back, those since, those before treatment."""
    asked = rows.select(*OF_ONE, "day", "started_day", "status").distinct()
    past = readings.filter(readings.problem.isnull())
    pairs = asked.inner_join(past.select(*OF_ONE, "measured", past_day=day_number(past.taken_on)), OF_ONE)
    pairs = pairs.filter(pairs.past_day < pairs.day)
    back = pairs.day - pairs.past_day
    lately = back <= parameter("own_level_days")
    known = back <= parameter("own_level_years") * DAYS_IN_YEAR
    before = (pairs.past_day < pairs.started_day) | (pairs.started_day.isnull() & (pairs.status == Status.PLANNED))

    def mean(where: Value) -> Value:
        return pairs.measured.sum(where=where) / pairs.measured.count(where=where).nullif(0)

    return pairs.group_by(OF_ONE).agg(
        level_days=pairs.past_day.nunique(where=known & ~lately),
        level_mean=mean(known & ~lately),
        lately_n=pairs.measured.count(where=lately),
        lately_sum=pairs.measured.sum(where=lately),
        known_n=pairs.measured.count(where=known),
        known_mean=mean(known),
        before_mean=mean(before),
    )


def _known_causes(rows: Table, person: Table) -> Table:
    """Leaves the rows whose cause, if they name one, is known of the person: a condition, or why they are treated."""
    reasons = treated(person, "indication").select("patient_id", cause="indication")
    known = ibis.union(conditions(person), reasons).distinct().mutate(cause_known=ibis.literal(True))
    rows = beside(rows, known, ["patient_id", "cause"])
    return rows.filter(rows.cause.isnull() | surely(rows.cause_known))


def _inside(rows: Table) -> Value:
    """Neither the result nor, where it is about a level, the level is past the number that the row sets."""
    to = ibis.cases((rows.up_to_of == "upper-limit-of-normal", rows.up_to * rows.uln), else_=rows.up_to)
    level_inside = (rows.level != "steady") | rows.down.ifelse(rows.level_mean >= to, rows.level_mean <= to)
    inside = rows.down.ifelse(rows.low >= to, rows.high <= to) & level_inside
    # Kidneys that filter well enough, and a creatinine that is normal as far as the laboratory says.
    filters = (rows.egfr_day == rows.day) & (rows.egfr >= rows.up_to) & perhaps(rows.high <= rows.uln)
    return rows.up_to.isnull() | surely((rows.up_to_of == "egfr").ifelse(filters, inside))


def _level_allows(rows: Table) -> Value:
    """Whether the result is at the person's own level, or at least not known to have left it, as the row asks."""
    lately_n = rows.lately_n.fill_null(0) + 1
    lately_mean = (rows.lately_sum.fill_null(0.0) + rows.value) / lately_n
    steady = ibis.and_(
        rows.level_days >= parameter("own_level_results"),
        _no_worse(rows, rows.value, rows.level_mean, _allowed(rows, 1.0, rows.level_days)),
        _no_worse(rows, lately_mean, rows.level_mean, _allowed(rows, lately_n, rows.level_days)),
    )
    unchanged = _no_worse(rows, rows.value, rows.known_mean, _allowed(rows, 1.0, rows.known_n))
    return ibis.cases(
        (rows.level == "steady", surely(steady)), (rows.level == "not-changed", perhaps(unchanged)), else_=True
    )


def _no_worse(rows: Table, value: Value, mean: Value, allowed: Value) -> Value:
    """Whether a value is worse than a mean by no more than this share of it."""
    return rows.down.ifelse(value >= mean * (1 - allowed), value <= mean * (1 + allowed))


def _allowed(rows: Table, n: Value | float, others: Value) -> Value:
    """By which share the mean of n results may differ from that of others; a source's own share goes before ours."""
    return ibis.coalesce(rows.change_percent / 100, rows.spread * (1 / n + 1 / others.nullif(0)).sqrt())


def _reason_holds(rows: Table) -> Value:
    """Before treatment the person was beyond this limit already, where that is the row's reason."""
    already = Limit(rows.bound, rows.comparison, None).met_by(rows.before_mean)
    return (rows.because != "before-treatment") | surely(already)
