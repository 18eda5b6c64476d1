"""What people on treatment are told to have today, a row each: for each kind of sign the day on which the last began.

A sign without a day counts as begun today, one without an end as going on. A fever may be told or measured. One that
began long ago, never ended and was followed by good tests counts no more: the rule of symptoms asks about it.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, ibis
from azaward.rules.language.limit import limit
from azaward.rules.language.tables import day_number, record
from azaward.rules.language.words import of_analyte, on_treatment
from azaward.rules.stages.tested import long_over

# The codes of events.csv that make each kind of sign.
SIGNS = {
    "fever": ("fever",),
    "skin": ("rash",),
    "aches": ("flu_like_illness",),
    "faint": ("dizziness",),
    "collapse": ("collapse",),
    "sick": ("vomiting",),
    "lungs": ("cough", "breathlessness"),
    "brain": ("confusion", "seizure"),
    "gut": ("diarrhoea",),
    "pain": ("abdominal_pain", "back_pain_upper"),
    "itch": ("itching",),
    "yellow": ("jaundice",),
    "nodes": ("swollen_glands",),
    "sweats": ("night_sweats",),
    "wasting": ("weight_loss",),
    "bleeds": ("bruising", "bleeding"),
}


def signs(person: Table, latest: Table, tested: Table) -> Table:
    """One row for each person on treatment who has a sign, with what its rules ask about the course of treatment."""
    events = record("events")
    people = on_treatment(person, "as_of_day", "started_day", "restarted_day", "family")
    days = person.select("patient_id", "as_of", today="as_of_day")
    told = events.filter(events.kind == "symptom").inner_join(days, "patient_id")
    told = told.filter(
        (told.started_on.isnull() | (told.started_on <= told.as_of))
        & (told.ended_on.isnull() | (told.ended_on >= told.as_of))
    )
    told = told.mutate(day=day_number(told.started_on).fill_null(told.today))
    told = long_over(told, told.today, tested)
    told = told.filter(~told.long_over)
    warm = of_analyte(latest, "temperature")
    warm = warm.filter(limit("fever_celsius").met_by(warm.high))
    every = ibis.union(
        told.select("patient_id", "code", "day"),
        warm.select("patient_id", "day").mutate(code=ibis.literal("fever")).select("patient_id", "code", "day"),
    )
    begun = every.group_by("patient_id").agg(
        **{sign: every.day.max(where=every.code.isin(list(codes))) for sign, codes in SIGNS.items()}
    )
    return people.inner_join(begun, "patient_id")
