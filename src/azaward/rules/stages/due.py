"""When each scheduled test was last complete, and on which day it is due next.

A test is complete on the day on which its last part was measured: a full blood count without neutrophils
is not one. Every row of the schedule whose window is still open at that day proposes a due day; the earliest
proposal counts, so that overlapping rows and the end of a phase are always read the cautious way.
"""

from __future__ import annotations

from azaward.rules.stages.person import FAR
from azaward.rules.tables import Table, Value, day_number, greatest, knowledge, record, requests
from azaward.rules.untyped import ibis


def done(latest: Table) -> Table:
    """For each patient and test that has any part: the day of its oldest part, and which part that is."""
    as_of = requests().select("patient_id", "as_of")
    genotypes = record("genotypes").inner_join(as_of, "patient_id")
    genotypes = genotypes.filter(
        (genotypes.reported_on <= genotypes.as_of) & (genotypes.diplotype.notnull() | genotypes.phenotype.notnull())
    )
    events = record("events").inner_join(as_of, "patient_id")
    events = events.filter(events.started_on <= events.as_of)
    known = ibis.union(
        latest.select("patient_id", by=ibis.literal("analyte"), code="analyte", day="day"),
        genotypes.select("patient_id", by=ibis.literal("genotype"), code="gene", day=day_number(genotypes.reported_on)),
        events.select(
            "patient_id",
            by=ibis.literal("event"),
            code=(events.kind + ":" + events.code.lower()).replace("_", " "),
            day=day_number(events.started_on),
        ),
    )
    tests = knowledge("tests")
    # An event may be named by its id or in words: skin_check, skin check.
    wanted_code = (tests.satisfied_by == "event").ifelse(tests.code.replace("_", " "), tests.code)
    tests = tests.mutate(wanted_code=wanted_code)
    slots = known.inner_join(tests, [known.by == tests.satisfied_by, known.code == tests.wanted_code])
    per_slot = slots.group_by(["patient_id", "test", "slot"]).agg(day=slots.day.max())
    wanted = tests.group_by("test").agg(slots=tests.slot.nunique(), first_slot=tests.slot.min())
    oldest_day = per_slot.day.min().over(ibis.window(group_by=["patient_id", "test"]))
    per_slot = per_slot.mutate(oldest_day=oldest_day)
    per_test = per_slot.group_by(["patient_id", "test"]).agg(
        day=per_slot.day.min(),
        oldest=per_slot.slot.min(where=per_slot.day == per_slot.oldest_day),
        found=per_slot.slot.nunique(),
    )
    rows = per_test.inner_join(wanted, "test")
    complete = rows.found == rows.slots
    return rows.select(
        "patient_id",
        "test",
        "oldest",
        complete=complete,
        done_day=complete.ifelse(rows.day, ibis.null("int64")),
    )


def applies(row: Table, family: Value) -> Value:
    """Whether a protocol's row is for this patient's specialty."""
    return (row.specialty == "any") | (row.specialty == family)


def due(person: Table, done: Table) -> Table:
    """For each patient on treatment and each scheduled test: when it was done, when it is due, why then."""
    rows = knowledge("protocol_schedule")
    on = person.filter(person.status == "on").select(
        "patient_id", "protocol", "protocol_known", "family", "as_of_day", "started_day", "increased_day", "risk_day"
    )
    rows = on.inner_join(rows, "protocol")
    rows = rows.filter(applies(rows, rows.family) | ~rows.protocol_known)
    rows = rows.left_join(done, ["patient_id", "test"]).drop("patient_id_right", "test_right")
    anchor = ibis.cases(
        (rows.since == "start", rows.started_day),
        (rows.since == "dose_increase", rows.increased_day),
        else_=rows.risk_day,
    )
    opens = anchor + rows.from_day
    closes = ibis.coalesce(anchor + rows.until_day, ibis.literal(FAR))
    last = rows.done_day.fill_null(-FAR)
    rows = rows.mutate(due_day=greatest(last, opens) + rows.every_days, opens=opens, closes=closes)
    # A window that has not opened by the day the test falls due says nothing yet.
    rows = rows.filter(opens.notnull() & (last < closes))
    first = ibis.window(
        group_by=["patient_id", "test"], order_by=["due_day", "every_days", "source", "locator", "phase"]
    )
    rows = rows.mutate(place=ibis.row_number().over(first))
    return rows.filter(rows.place == 0).select(
        "patient_id",
        "protocol",
        "test",
        "phase",
        "every_days",
        "done_day",
        "oldest",
        "due_day",
        "started_day",
        "as_of_day",
        "source",
        "locator",
        "how",
    )
