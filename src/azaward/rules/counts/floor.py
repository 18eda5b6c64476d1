"""Severe results under every protocol: nothing that a protocol leaves out, loosens or switches off is invisible.

The floor (floor.csv) counts for everyone who takes a thiopurine, is to take it, or has stopped so lately that it may
still act. What one value says, and what several say together: two cell lines low at once, Hy's law.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.limit import of
from azaward.rules.language.tables import knowledge, record
from azaward.rules.language.words import beside, first_of, perhaps, still_acts, surely
from azaward.rules.stages.counts import ENOUGH, spreads
from azaward.rules.stages.crossed import OWN_LEVEL
from azaward.terms import Action, Rule, Status, Urgency

TODAY = (Urgency.EMERGENCY, Urgency.SAME_DAY)
OF_KIDNEY = ("creatinine", "egfr")
_SIGN = ["patient_id", "together"]


def severe(person: Table, crossed: Table) -> Table:
    """The most cautious row of the floor that each result is beyond, the most urgent first.

    What is only reviewed, and has been so for several results, is no news.
    """
    rows = _counting(person, crossed.filter(crossed.floor & crossed.together.isnull()))
    rows = first_of(rows, ["patient_id", "analyte"], ["urgency_rank", "action_rank", "fact"])
    rows = beside(rows, spreads().drop("fact"), "analyte")
    explained = _explained().mutate(explained=ibis.literal(True))
    rows = rows.left_join(explained, [rows.patient_id == explained.person, rows.unless_known == explained.of_class])
    known = surely(rows.explained)
    action = known.ifelse(Action.REVIEW, _action(rows))
    steady = ~known & _steady(rows)
    calm = known | steady
    return findings(
        rows,
        Rule.FLOOR,
        code=ibis.cases(
            (known, "floor_explained"),
            (steady, "floor_own_level"),
            ((action == Action.REVIEW) & rows.urgency.isin(TODAY), "floor_noted_today"),
            (action == Action.REVIEW, "floor_noted"),
            (rows.action == Action.REVIEW, "floor_before_start"),
            (rows.urgency == Urgency.EMERGENCY, "floor_emergency"),
            (rows.status == Status.STOPPED, "floor_stopped"),
            else_="floor_severe",
        ),
        action=calm.ifelse(Action.REVIEW, action),
        urgency=calm.ifelse(Urgency.ROUTINE, rows.urgency),
        subject=rows.analyte,
        asks_for=calm.ifelse(None, rows.test),
        value=rows.shown,
        text=rows.sign,
        unit=rows.unit,
        on=rows.taken_on,
        limit=of(rows, rows.bound),
        note=rows.note,
        before=number(rows.earlier_mean),
        fact=rows.fact,
    )


def _steady(rows: Table) -> Value:
    """A value that this person has had for several results, where a source asks for no more than a look at it."""
    spread = rows.spread * (1 + 1 / rows.earlier_n).sqrt()
    no_worse = rows.downward.ifelse(
        rows.reached >= rows.earlier_mean * (1 - spread), rows.reached <= rows.earlier_mean * (1 + spread)
    )
    beyond = of(rows, rows.bound).met_by(rows.earlier_mean)
    looked_at = (rows.action == Action.REVIEW) & (rows.urgency == Urgency.THIS_WEEK) & (rows.relative_to != OWN_LEVEL)
    return looked_at & surely((rows.earlier_n >= ENOUGH) & beyond & no_worse)


def together(person: Table, crossed: Table) -> Table:
    """Signs of which two parts are there: two cell lines low at once, injured liver cells with jaundice."""
    rows = _counting(person, crossed.filter(crossed.floor & crossed.together.notnull()))
    rows = first_of(rows, [*_SIGN, "part"], ["analyte", "fact"])
    one = first_of(rows, _SIGN, ["part"])
    other = first_of(rows, _SIGN, [ibis.desc("part")])
    other = other.select(*_SIGN, other_part="part", second="analyte", second_shown="shown", second_on="taken_on")
    rows = one.inner_join(other, _SIGN)
    rows = rows.filter(rows.part != rows.other_part)
    rows = first_of(rows, ["patient_id", "test"], ["urgency_rank", "fact"])
    return findings(
        rows,
        Rule.FLOOR,
        code=(rows.urgency == Urgency.EMERGENCY).ifelse("floor_together_emergency", "floor_together"),
        action=_action(rows),
        urgency=rows.urgency,
        subject=rows.test,
        asks_for=rows.test,
        on=ibis.greatest(rows.taken_on, rows.second_on),
        says=rows.note,
        first=rows.analyte,
        second=rows.second,
        values=number(rows.shown) + " and " + number(rows.second_shown),
        fact=rows.fact,
    )


def _counting(person: Table, rows: Table) -> Table:
    """The rows of those for whom they count: not what was already there before treatment that is long over."""
    people = person.filter(person.status != Status.NONE)
    people = people.select("patient_id", "family", "status", "started_day", "stopped_day", "as_of_day")
    rows = rows.inner_join(people, "patient_id")
    lately = still_acts(rows) | surely(rows.day > rows.stopped_day)
    return rows.filter((rows.status != Status.STOPPED) | (lately & perhaps(rows.day >= rows.started_day)))


def _explained() -> Table:
    """The classes of each person's conditions, which may explain a result."""
    events = record("events")
    conditions = events.filter((events.kind == "condition") & events.ended_on.isnull()).select("patient_id", "code")
    classes = knowledge("event_classes")
    classes = classes.filter(classes.kind == "condition").select("code", of_class="class")
    rows = conditions.inner_join(classes, "code")
    return rows.select("of_class", person="patient_id").distinct()


def _action(rows: Table) -> Value:
    """Whoever has not begun waits until it is explained. What a graft's creatinine says is for its unit to decide."""
    of_graft = (rows.family == "transplant") & rows.analyte.isin(OF_KIDNEY) & (rows.status == Status.ON)
    action = of_graft.ifelse(Action.REVIEW, rows.action)
    waits = (action == Action.WITHHOLD) | (rows.urgency != Urgency.ROUTINE)
    return ((rows.status == Status.PLANNED) & waits).ifelse(Action.DO_NOT_START, action)
