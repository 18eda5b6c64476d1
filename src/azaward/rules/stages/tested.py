"""When each test was last complete, and whether its result was good: what a test may answer.

A test is good where nothing that was measured in it since is beyond a limit of the protocol or the floor, and what a
rise makes worse is inside the laboratory's own range: without a range nobody knows whether it is.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, ibis
from azaward.rules.language.tables import knowledge
from azaward.rules.language.words import beside, surely


def tested(done: Table, crossed: Table, latest: Table) -> Table:
    """For each complete test: `done_day`, and `bad_day`, the last day on which a part of it was not good."""
    tests = knowledge("tests")
    tests = tests.filter(tests.satisfied_by == "analyte").select("test", analyte="code")
    analytes = knowledge("analytes")
    rising = analytes.filter(analytes.worse == "high").select(analyte="id")
    beyond = crossed.filter(~crossed.floor).drop("test").inner_join(tests, "analyte")
    unjudged = latest.filter(~surely(latest.high <= latest.uln))
    unjudged = unjudged.inner_join(tests, "analyte").semi_join(rising, "analyte")
    columns = ("patient_id", "test", "day")
    bad = ibis.union(*(rows.select(*columns) for rows in (crossed.filter(crossed.floor), beyond, unjudged)))
    bad = bad.group_by(["patient_id", "test"]).agg(bad_day=bad.day.max())
    complete = done.filter(done.complete).select("patient_id", "test", "done_day")
    return beside(complete, bad, ["patient_id", "test"])
