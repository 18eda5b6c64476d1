"""Pregnancy, breastfeeding and fathering; surgery."""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.limit import Limit, limit
from azaward.rules.language.tables import day_number, knowledge, parameter, record
from azaward.rules.language.words import beside, nothing, on_treatment, surely, treated
from azaward.terms import Action, Concerns, Rule, Status, Urgency

ENDS = ("birth", "miscarriage")
OPERATIONS = ("surgery", "transplant", "splenectomy")


def pregnancy(person: Table) -> Table:
    """A pregnancy, planned or going on, for mother or father; breastfeeding."""
    rows = _expecting(person)
    mother, highest = ~rows.father & ~rows.feeding, _highest(rows)
    begins = mother & (rows.status == Status.PLANNED)
    part_known = rows.whole_dose.isnull()  # and so not known to be within the limit
    above = surely(~highest.met_by(rows.feeding.ifelse(rows.dose, rows.mg_per_kg)))
    high, high_feeding = mother & above, rows.feeding & (part_known | above)
    return findings(
        rows,
        Rule.LIFE,
        concerns=begins.ifelse(Concerns.THIOPURINE, Concerns.NONE),  # stopping for a pregnancy does harm of its own
        code=ibis.cases(
            (begins, "pregnancy_before_start"),
            (high_feeding, "breastfeeding_dose"),
            (rows.feeding, "breastfeeding"),
            (rows.father, "fathering"),
            (high, "pregnancy_dose_high"),
            else_="pregnancy",
        ),
        action=ibis.cases(
            (begins, Action.DO_NOT_START),
            (high | high_feeding, Action.REVIEW),
            (~mother, Action.INFORM),
            else_=Action.REFER,
        ),
        urgency=ibis.cases(
            (begins | high, Urgency.THIS_WEEK),
            (high_feeding, Urgency.ROUTINE),
            (~mother, Urgency.INFO),
            (rows.mg_per_kg.isnull() | part_known, Urgency.THIS_WEEK),
            else_=Urgency.ROUTINE,
        ),
        subject=rows.kind,
        on=rows.started_on,
        value=rows.feeding.ifelse(rows.dose, rows.mg_per_kg),
        unit=highest.unit,
        limit=highest,
        hours=number(parameter("breastfeeding_hours")),
    )


def _highest(rows: Table) -> Limit:
    """The highest dose while feeding, a day; otherwise in pregnancy, for each kilogram."""
    most, most_feeding = limit("pregnancy_max_mg_per_kg"), limit("breastfeeding_dose_mg_per_day")
    value = rows.feeding.ifelse(most_feeding.value, most.value)
    return Limit(value, most.comparison, rows.feeding.ifelse(most_feeding.unit, most.unit))


def _expecting(person: Table) -> Table:
    """Everyone who is pregnant, wishes to be, breastfeeds or fathers a child, as far as the record says."""
    events = record("events").distinct()
    ends = events.filter((events.kind == "pregnancy") & events.code.isin(ENDS))
    ends = ends.group_by("patient_id").agg(last_end=ends.started_on.max())
    events = events.filter(events.kind.isin(["pregnancy", "breastfeeding"]) & ~events.code.isin(ENDS))
    people = treated(person, "status", "as_of", "as_of_day", "weight", "azathioprine_mg", "whole_dose", "sex")
    # The limits are azathioprine's: what can't be compared with it is not known to be within them.
    dose = people.azathioprine_mg
    whole = dose.isnull().ifelse(nothing("float64"), people.whole_dose)
    people = people.mutate(dose=dose, whole_dose=whole, mg_per_kg=dose / people.weight)
    rows = beside(events, ends).inner_join(people, "patient_id")
    father = (rows.sex == "male") | rows.code.contains("partner") | rows.code.contains("father")
    rows = rows.mutate(feeding=rows.kind == "breastfeeding", father=surely(father))
    return rows.filter(~_over(rows))


def _over(rows: Table) -> Value:
    """It has ended: so it was recorded, or a birth came, or it has lasted longer than any pregnancy."""
    # Without an end a pregnancy ends of itself; the wish for one does not.
    wish = (rows.code == "trying_to_conceive") | rows.father
    ended = (rows.last_end >= rows.started_on) & (rows.last_end <= rows.as_of)
    long = limit("pregnancy_longest_days").met_by(rows.as_of_day - day_number(rows.started_on))
    return surely(rows.ended_on < rows.as_of) | (~rows.feeding & (surely(ended) | (~wish & surely(long))))


def surgery(person: Table) -> Table:
    """An operation that is planned: treatment goes on unless its surgeon and specialist say otherwise.

    One without a day may lie ahead: it is asked about.
    """
    events = record("events").distinct()
    classes = knowledge("event_classes")
    classes = classes.filter((classes.kind == "procedure") & classes["class"].isin(["surgery", "transplant"]))
    named = events.code.isin(OPERATIONS) | events.code.isin(classes.code)
    events = events.filter((events.kind == "procedure") & named)
    rows = events.inner_join(on_treatment(person, "as_of", "indication"), "patient_id")
    undated = rows.started_on.isnull() & (rows.ended_on.isnull() | (rows.ended_on >= rows.as_of))
    rows = rows.filter((rows.started_on >= rows.as_of) | undated)
    return findings(
        rows,
        Rule.LIFE,
        concerns=Concerns.NONE,
        code=ibis.cases(
            (rows.started_on.isnull(), "surgery_undated"),
            (surely(rows.indication == "sle"), "surgery_lupus"),
            else_="surgery",
        ),
        action=Action.REVIEW,
        urgency=rows.started_on.isnull().ifelse(Urgency.INFO, Urgency.ROUTINE),
        subject=rows.code,
        on=rows.started_on,
        days=number(parameter("surgery_withhold_days")),
    )
