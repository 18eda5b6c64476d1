"""The small vocabulary that rules are written in: who is treated, what is known beside a row, which row counts.

Each word says what a clinician would: `treated(person)`, `beside(rows, weights)`, `first_of(rows, ...)`.
"""

from __future__ import annotations

from collections.abc import Sequence

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.tables import DAYS_IN_MONTH, knowledge, parameter, record
from azaward.terms import Action, Status

# Two columns that name one thing: an analyte of a patient, a test of a patient.
OF_ONE = ["patient_id", "analyte"]
# The test of tests.csv in which the analytes of a panel are measured.
TEST_OF_PANEL = {
    "blood count": "full_blood_count",
    "liver": "liver",
    "kidney": "kidney",
    "pancreas": "amylase",
    "inflammation": "inflammation",
}


def is_treated(person: Table) -> Value:
    """Takes a thiopurine, or is about to."""
    return person.status.isin([Status.ON, Status.PLANNED])


def treated(person: Table, *columns: str, also: Status | None = None) -> Table:
    """Everyone who takes a thiopurine or is about to, and `also` those of another status, with these columns."""
    wanted = is_treated(person) if also is None else is_treated(person) | (person.status == also)
    return person.filter(wanted).select("patient_id", "protocol", *columns)


def on_treatment(person: Table, *columns: str) -> Table:
    """Everyone who takes a thiopurine today, with these columns."""
    return person.filter(person.status == Status.ON).select("patient_id", "protocol", *columns)


def beside(rows: Table, known: Table, keys: str | Sequence[str] = "patient_id") -> Table:
    """`rows` with what is known beside each by the same keys; empty where nothing is known. None is lost."""
    keys = [keys] if isinstance(keys, str) else list(keys)
    return rows.left_join(known, keys).drop(*(f"{key}_right" for key in keys))


def first_of(rows: Table, per: str | Sequence[str], order: Sequence[Value | str]) -> Table:
    """One row for each of `per`: the first in this order, which must leave no tie to chance."""
    place = ibis.row_number().over(ibis.window(group_by=per, order_by=list(order)))
    ordered = rows.mutate(place_=place)
    return ordered.filter(ordered.place_ == 0).drop("place_")


def lowest_first(column: str | Value) -> Value:
    """An order by a number in which the unknown comes last."""
    return ibis.asc(column, nulls_first=False)


def of_analyte(latest: Table, analyte: str, **columns: str) -> Table:
    """The last result of an analyte, one row a patient; with these columns under these names."""
    rows = latest.filter(latest.analyte == analyte)
    return rows.select("patient_id", **columns) if columns else rows


def last_of(latest: Table, *analytes: str) -> Table:
    """One row a patient with the last of each analyte: `NAME_low` and `_high`, as `_shown`, normal limits, its day."""
    columns: dict[str, Value] = {}
    for analyte in analytes:
        its = latest.analyte == analyte
        columns |= {
            f"{analyte}_low": latest.low.min(where=its),
            f"{analyte}_high": latest.high.max(where=its),
            f"{analyte}_shown": latest.shown_high.max(where=its),
            f"{analyte}_lln": latest.lln.max(where=its),
            f"{analyte}_uln": latest.uln.min(where=its),
            f"{analyte}_day": latest.day.max(where=its),
        }
    return latest.group_by("patient_id").agg(**columns)


def conditions(person: Table) -> Table:
    """What each treated person's conditions are to the rules: `patient_id`, and as `cause` a class of events.csv."""
    events = record("events").inner_join(treated(person, "as_of"), "patient_id")
    begun = events.started_on.isnull() | (events.started_on <= events.as_of)
    over = surely(events.ended_on < events.as_of)
    events = events.filter((events.kind == "condition") & begun & ~over)
    classes = knowledge("event_classes").rename(cause="class")
    return events.inner_join(classes, ["kind", "code"]).select("patient_id", "cause").distinct()


def medicines_of(of_class: str) -> Table:
    """The medicines of a class: one column, `medicine`."""
    classes = knowledge("medicine_classes")
    return classes.filter(classes["class"] == of_class).select("medicine")


def withheld(family: Value, action: Action = Action.WITHHOLD) -> Value:
    """What to do where nobody knows whether it is safe to go on: withhold; for a graft: test, and its unit decides.

    Only for what is missing or can't be judged. What is known to be beyond its limit is a matter of the limit.
    """
    return (family == "transplant").ifelse(Action.TEST, action)


def applies(row: Table, family: Value) -> Value:
    """Whether a protocol's row is for this patient's specialty."""
    return (row.specialty == "any") | (row.specialty == family)


def for_their_specialty(rows: Table) -> Table:
    """The protocol's rows that are for a person's specialty; all of them where the protocol was not chosen for it.

    What a graft needs, day by day in its first weeks, is not asked of somebody who is known to be treated for an eye.
    """
    for_anyone = ~rows.protocol_known & ((rows.specialty != "transplant") | (rows.family == "other"))
    return rows.filter(applies(rows, rows.family) | for_anyone)


def surely(condition: Value) -> Value:
    """True where the condition is known to hold; what is unknown doesn't hold."""
    return condition.fill_null(False)


def perhaps(condition: Value) -> Value:
    """False where the condition is known not to hold; what is unknown may hold."""
    return condition.fill_null(True)


def nothing(kind: str) -> Value:
    """An empty cell of a type."""
    return ibis.null(kind)


def still_acts(rows: Table) -> Value:
    """Whether a thiopurine that was stopped may still act: as long after its end as no live vaccine is given."""
    within = parameter("live_vaccine_months_after_stop") * DAYS_IN_MONTH
    return perhaps(rows.as_of_day - rows.stopped_day < within)


def measured_by(rows: Table) -> Table:
    """`rows` with `measured_by`: the test that each row's analyte is a part of, else the test of its panel."""
    tests = knowledge("tests")
    parts = tests.filter(tests.satisfied_by == "analyte").group_by("code").agg(part_of=tests.test.min())
    panels = knowledge("analytes").select(analyte="id", panel="panel")
    rows = beside(beside(rows, panels, "analyte"), parts.rename(analyte="code"), "analyte")
    of_panel = ibis.cases(*((rows.panel == panel, test) for panel, test in TEST_OF_PANEL.items()))
    return rows.mutate(measured_by=ibis.coalesce(rows.part_of, of_panel)).drop("part_of", "panel")
