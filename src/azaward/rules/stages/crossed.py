"""Which results are beyond a limit that is a number or a multiple of the laboratory's normal.

The limits are those of the person's protocol and the floor under every protocol (floor.csv), which also knows multiples
of the person's own level. One row for each result and each limit that it crosses, for everyone who takes, took, is to
take or may take a thiopurine; each rule chooses among them.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.limit import downward, of
from azaward.rules.language.tables import knowledge
from azaward.rules.language.words import OF_ONE, beside, for_their_specialty, nothing
from azaward.terms import Status

# What a limit is measured from, where it is no change from an earlier value.
PLAIN = ("absolute", "upper-limit-of-normal", "lower-limit-of-normal")
NO_LIMIT_GIVEN = "no-limit-given"
OWN_LEVEL = "own-level"
_ROW = ("comparison", "threshold", "relative_to", "action", "action_rank", "urgency", "urgency_rank")
_CITED = ("source", "locator", "fact")


def crossed(person: Table, latest: Table, history: Table) -> Table:
    """Each result with each limit that it is beyond: `floor` where it is one that every protocol stands on."""
    people = person.filter((person.status != Status.NONE) | person.questioned)
    results = latest.inner_join(people.select("patient_id", "protocol", "protocol_known", "family"), "patient_id")
    results = beside(results, history.select(*OF_ONE, "earlier_mean", "earlier_n"), OF_ONE)
    rows = ibis.union(_of_protocol(results), _of_floor(results))
    rows = rows.filter(of(rows, rows.bound).met_by(rows.low, rows.high))
    down = downward(rows.comparison)
    return rows.mutate(
        downward=down,
        shown=down.ifelse(rows.shown_low, rows.shown_high),
        sign=down.ifelse(rows.comparator_low, rows.comparator_high),
        reached=down.ifelse(rows.low, rows.high),
    ).drop("low", "high", "shown_low", "shown_high", "comparator_low", "comparator_high")


def _of_protocol(results: Table) -> Table:
    limits = knowledge("protocol_limits").rename(threshold="value")
    limits = limits.filter(limits.relative_to.isin(list(PLAIN)))
    rows = for_their_specialty(results.inner_join(limits, ["protocol", "analyte"]))
    return _columns(
        rows,
        note=rows.note,
        floor=ibis.literal(False),
        together=nothing("string"),
        part=nothing("string"),
        unless_known=nothing("string"),
        test=nothing("string"),
    )


def _of_floor(results: Table) -> Table:
    floor = knowledge("floor").rename(threshold="value", together="sign")
    rows = results.inner_join(floor, "analyte")
    rows = rows.filter((rows.relative_to != NO_LIMIT_GIVEN) | rows.uln.isnull())
    return _columns(
        rows,
        note=rows.says,
        floor=ibis.literal(True),
        together=rows.together,
        part=rows.part,
        unless_known=rows.unless_known,
        test=rows.test,
    )


def _columns(rows: Table, **more: Value) -> Table:
    normal = ibis.cases(
        (rows.relative_to == "upper-limit-of-normal", rows.uln),
        (rows.relative_to == "lower-limit-of-normal", rows.lln),
        (rows.relative_to == OWN_LEVEL, rows.earlier_mean),
        else_=1.0,
    )
    return rows.select(
        *("patient_id", "analyte", "protocol", "day", "taken_on", "unit", *_ROW, *_CITED),
        *("low", "high", "shown_low", "shown_high", "comparator_low", "comparator_high"),
        *("earlier_mean", "earlier_n"),
        bound=rows.threshold * normal,
        **more,
    )
