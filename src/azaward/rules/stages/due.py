"""When each scheduled test was last complete, and on which day it is due next.

A test is complete on the day on which its last part was measured: a full blood count without neutrophils
is not one. Every row of the schedule whose window is still open at that day proposes a due day; the earliest
proposal counts, so that overlapping rows and the end of a phase are always read the cautious way.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.tables import day_number, greatest, knowledge, least, record, requests
from azaward.rules.language.words import for_their_specialty, nothing, on_treatment
from azaward.rules.stages.person import FAR

# Day numbers from here on are positive, so that a day and a rank fit one whole number in order.
_BASE = 1_000_000
_RANKS = 100_000


def done(latest: Table) -> Table:
    """For each patient and test that has any part: the days of its oldest and newest part, and which is the oldest."""
    tests, known = _slots(), _parts(latest)
    per_slot = known.group_by(["patient_id", "test", "slot_rank"]).agg(day=known.day.max())
    per_test = per_slot.group_by(["patient_id", "test"]).agg(
        day=per_slot.day.min(),
        first=((per_slot.day + _BASE) * _RANKS + per_slot.slot_rank).min(),
        newest_day=per_slot.day.max(),
        parts=per_slot.count(),
    )
    rows = per_test.inner_join(tests.group_by("test").agg(slots=tests.slot.nunique()), "test")
    complete = rows.parts == rows.slots
    return rows.select(
        *("patient_id", "test", "newest_day"),
        oldest_rank=rows["first"] - (rows.day + _BASE) * _RANKS,
        complete=complete,
        done_day=complete.ifelse(rows.day, nothing("int64")),
    )


def longest_gaps() -> Table:
    """The longest time that each protocol's schedule leaves between two tests of a kind."""
    schedule = knowledge("protocol_schedule")
    return schedule.group_by(["protocol", "test"]).agg(longest_gap=schedule.every_days.max().cast("float64"))


def _parts(latest: Table) -> Table:
    """Every part of a test that a result, a report on a gene or an event fills, with its day."""
    as_of = requests().select("patient_id", "as_of")
    genotypes = record("genotypes").inner_join(as_of, "patient_id")
    genotypes = genotypes.filter(
        (genotypes.reported_on <= genotypes.as_of) & (genotypes.diplotype.notnull() | genotypes.phenotype.notnull())
    )
    events = record("events").inner_join(as_of, "patient_id")
    events = events.filter(events.started_on <= events.as_of)
    # An event may be named by its id or in words: skin_check, skin check.
    named = (events.kind + ":" + events.code.lower()).replace("_", " ")
    tests = _slots()
    in_words = tests.filter(tests.satisfied_by == "event")
    in_words = in_words.mutate(code=in_words.code.replace("_", " "))
    return ibis.union(
        _filled(latest.select("patient_id", "day", code="analyte"), tests.filter(tests.satisfied_by == "analyte")),
        _filled(
            genotypes.select("patient_id", day=day_number(genotypes.reported_on), code="gene"),
            tests.filter(tests.satisfied_by == "genotype"),
        ),
        _filled(events.select("patient_id", day=day_number(events.started_on), code=named), in_words),
    )


def _slots() -> Table:
    """tests.csv with the slots numbered in the order of their names."""
    tests = knowledge("tests")
    return tests.mutate(slot_rank=ibis.dense_rank().over(ibis.window(order_by="slot")).cast("int64"))


def _filled(known: Table, tests: Table) -> Table:
    """Which slots of which tests the known things fill."""
    return known.inner_join(tests.select("code", "test", "slot_rank"), "code").drop("code")


def schedule() -> Table:
    """Every row of every schedule, ranked: of those that ask for a test on one day the most frequent is named."""
    rows = knowledge("protocol_schedule")
    order = ibis.window(
        order_by=["every_days", "source", "locator", "phase", "protocol", "test", "since", "from_day", "until_day"]
    )
    return rows.mutate(rank=ibis.row_number().over(order).cast("int64"))


def due(person: Table, done: Table, schedule: Table) -> Table:
    """For each patient on treatment and each scheduled test: when it was done, when it is due, why then."""
    rows = _windows(person, schedule).left_join(done, ["patient_id", "test"])
    rows = rows.drop("patient_id_right", "test_right", "complete")
    # A window that has not opened by the day the test falls due says nothing yet.
    rows = rows.filter(rows.done_day.fill_null(-FAR) < rows.closes)
    due_day = greatest(rows.done_day, rows.opens) + rows.every_days
    # Where nobody knows the start, it may lie so far back that the last rows of the schedule hold already.
    long_ago = ibis.coalesce(rows.done_day + rows.every_days, rows.as_of_day)
    due_day = rows.undated.ifelse(least(long_ago, due_day), due_day)
    rows = rows.mutate(due_day=due_day, key=(due_day + _BASE) * _RANKS + rows["rank"])
    first = rows.group_by(["patient_id", "test"]).agg(
        due_day=rows.due_day.min(),
        key=rows.key.min(),
        done_day=rows.done_day.max(),
        newest_day=rows.newest_day.max(),
        oldest_rank=rows.oldest_rank.max(),
    )
    first = first.mutate(rank=first.key - (first.due_day + _BASE) * _RANKS)
    first = first.inner_join(schedule.select("rank", "phase", "every_days", "fact"), "rank")
    names = _slots().select("slot_rank", oldest="slot").distinct()
    first = first.left_join(names, first.oldest_rank == names.slot_rank)
    first = first.inner_join(on_treatment(person, "started_day", "as_of_day"), "patient_id")
    return first.select(
        *("patient_id", "protocol", "test", "phase", "every_days", "done_day", "newest_day", "oldest"),
        *("due_day", "started_day", "as_of_day", "fact"),
    )


def _windows(person: Table, schedule: Table) -> Table:
    """The rows of each person's schedule with the day on which each opens and closes for them."""
    people = on_treatment(person, "protocol_known", "family", "as_of_day", "started_day", "increased_day", "risk_day")
    schedule = schedule.select(
        *("protocol", "test", "specialty", "since", "from_day", "until_day", "every_days", "rank")
    )
    rows = for_their_specialty(people.inner_join(schedule, "protocol"))
    anchor = _anchor(rows)
    closes = ibis.coalesce(anchor + rows.until_day, ibis.literal(FAR))
    rows = rows.select(
        *("patient_id", "test", "every_days", "rank", "as_of_day"),
        opens=anchor + rows.from_day,
        closes=closes,
        undated=(rows.since == "start") & rows.started_day.isnull() & rows.until_day.isnull(),
    )
    return rows.filter(rows.opens.notnull())


def _anchor(rows: Table) -> Value:
    """The day from which a row of a schedule counts."""
    return ibis.cases(
        # A start that nobody can read may have been today.
        (rows.since == "start", ibis.coalesce(rows.started_day, rows.as_of_day)),
        (rows.since == "dose_increase", rows.increased_day),
        else_=rows.risk_day,
    )
