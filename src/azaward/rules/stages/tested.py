"""When each test was last complete, and whether its result was good: what a test may answer.

A test is good where nothing that was measured in it since is beyond a limit of the protocol or the floor, and what a
rise makes worse is inside the laboratory's own range: without a range nobody knows whether it is.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.tables import DAYS_IN_WEEK, knowledge, parameter
from azaward.rules.language.words import TEST_OF_PANEL, beside, surely

# Signs of the liver, which a good liver test answers and a good blood count doesn't.
OF_LIVER = ("jaundice", "itching")


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


def long_over(rows: Table, today: Value, tested: Table) -> Table:
    """Adds to signs without an end (`code`, `day`) whether each is only asked about.

    `long_over`: it began so long before `today`, and good tests came so long after it.
    """
    of_liver = rows.code.isin(OF_LIVER)
    rows = rows.mutate(
        answered_by=of_liver.ifelse(TEST_OF_PANEL["liver"], TEST_OF_PANEL["blood count"]),
        back=today - parameter("sign_without_end_weeks") * DAYS_IN_WEEK,
    )
    good = tested.select("patient_id", answered_by="test", good_day="done_day", not_good_day="bad_day")
    rows = beside(rows, good, ["patient_id", "answered_by"])
    ago = rows.good_day - parameter("sign_without_end_weeks") * DAYS_IN_WEEK
    over = (rows.day < rows.back) & (rows.day < ago) & ~surely(rows.not_good_day >= rows.day)
    return rows.mutate(long_over=surely(over)).drop("answered_by", "back", "good_day", "not_good_day")
