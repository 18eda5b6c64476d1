"""What is recorded of a person's life and decides about a thiopurine: cancer, contraindications, what one did before.

event_advice.csv says what an event of a class asks for: before the first tablet, where it came `during` treatment, or
where it came `before`. What no rule looks at is named, once for each patient.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings
from azaward.rules.language.tables import DAYS_IN_MONTH, day_number, knowledge, record
from azaward.rules.language.words import beside, first_of, perhaps, surely, treated
from azaward.terms import Action, Concerns, Rule, Status, Urgency

# What a leukaemia is treated with is no surprise beside it.
CANCERS = ("lymphoma", "blood_cancer", "cancer", "aggressive_cancer", "thiopurine_cancer")
# Kinds of which every event is looked at: as an illness, a pregnancy, or beside the report of a gene.
LOOKED_AT_KINDS = ("symptom", "infection", "pregnancy", "breastfeeding", "transfusion")
LOOKED_AT_CODES = (
    *("deceased", "surgery", "transplant", "varicella", "shingles", "measles"),
    *("dexa", "skin_check", "cervical_screening"),
)
# Results that no rule reads, under no protocol.
UNREAD_RESULTS = ("esr", "urine_protein")
SHOWN = 6


def advised(person: Table, genes: Table) -> Table:
    """What the recorded events ask for: the most cautious row of event_advice.csv for each."""
    rows = _recorded(person)
    rows = rows.inner_join(knowledge("event_classes"), ["kind", "code"])
    advice = knowledge("event_advice").rename(advice_id="id")
    rows = rows.inner_join(advice, "class")
    rows = beside(rows, genes.select("patient_id", "tpmt", "nudt15"))
    rows = rows.filter(_holds(rows))
    order = ["urgency_rank", "action_rank", "advice_id", ibis.desc("day", nulls_first=True)]
    rows = first_of(rows, ["patient_id", "kind", "code"], order)
    return findings(
        rows,
        Rule.EVENTS,
        code="event_recorded",
        action=rows.action,
        urgency=rows.urgency,
        subject=rows.code,
        asks_for=rows.test,
        on=rows.started_on,
        says=rows.says,
        says_patient=rows.says_patient,
        fact=rows.fact,
    )


def _recorded(person: Table) -> Table:
    """Events up to today of everyone who takes a thiopurine or is about to, and `stage`: planned, during or before."""
    people = treated(person, "status", "as_of", "as_of_day", "started_day", "malignant")
    rows = record("events").distinct().inner_join(people, "patient_id")
    rows = rows.filter(rows.started_on.isnull() | (rows.started_on <= rows.as_of))
    rows = rows.mutate(day=day_number(rows.started_on))
    going_on = rows.ended_on.isnull() | (rows.ended_on >= rows.as_of)
    during = going_on & perhaps(rows.day >= rows.started_day)
    return rows.mutate(stage=ibis.cases((rows.status == Status.PLANNED, "planned"), (during, "during"), else_="before"))


def _holds(rows: Table) -> Value:
    """Whether a row of advice is for this event: its stage, how long ago, and nothing known that answers it."""
    recent = perhaps(rows.as_of_day - rows.day <= rows.within_months * DAYS_IN_MONTH)
    treats_it = surely(rows.malignant) & rows["class"].isin(CANCERS)
    tested = ((rows.code == "tpmt_deficiency") & rows.tpmt.notnull()) | (
        (rows.code == "nudt15_deficiency") & rows.nudt15.notnull()
    )
    on = (rows["when"] == "on") & (rows.status == Status.ON)
    return ((rows["when"] == rows.stage) | on | (rows["when"] == "any")) & recent & ~treats_it & ~tested


def not_looked_at(person: Table, latest: Table, looked_at: Table) -> Table:
    """What no rule reads, known here or not: one finding for each patient, so that nobody trusts in it."""
    known, indications = knowledge("events").select("kind", "code"), knowledge("indications").select("id")
    rows = _recorded(person).inner_join(known, ["kind", "code"]).anti_join(looked_at, ["kind", "code"])
    rows = rows.filter(~rows.kind.isin(LOOKED_AT_KINDS) & ~rows.code.isin(LOOKED_AT_CODES))
    unknown = _recorded(person)
    unknown = unknown.filter(unknown.kind == "condition")
    unknown = unknown.anti_join(knowledge("events"), "code").anti_join(indications, unknown.code == indications.id)
    results = latest.filter(latest.analyte.isin(UNREAD_RESULTS)).inner_join(treated(person), "patient_id")
    what = ibis.union(
        rows.select("patient_id", "protocol", what=rows.code.replace("_", " ")),
        unknown.select("patient_id", "protocol", what=unknown.code),
        results.select("patient_id", "protocol", what=results.analyte.replace("_", " ")),
    ).distinct()
    listed = _listed(what)
    return findings(
        listed,
        Rule.EVENTS,
        code="nothing_looks_at",
        action=Action.INFORM,
        urgency=Urgency.INFO,
        concerns=Concerns.NONE,
        subject="record",
        items=listed.items,
    )


def _listed(what: Table) -> Table:
    """One row a patient: the first in the order of the alphabet, and how many more there are."""
    place = ibis.row_number().over(ibis.window(group_by="patient_id", order_by="what"))
    placed = what.mutate(place=place)
    wide = placed.group_by(["patient_id", "protocol"]).agg(
        n=placed.count(), **{f"what_{n}": placed.what.max(where=placed.place == n) for n in range(SHOWN)}
    )
    items: Value = wide.what_0
    for n in range(1, SHOWN):
        items += (", " + wide[f"what_{n}"]).fill_null("")
    more = ibis.cases((wide.n > SHOWN, ", and " + (wide.n - SHOWN).cast("string") + " more"), else_="")
    return wide.mutate(items=items + more)
