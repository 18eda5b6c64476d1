"""What the medicines of one list add up to: white cells, liver, defence against infection, the same thing twice."""

from __future__ import annotations

from azaward.rules.language.finding import findings
from azaward.rules.language.tables import Table, cite, knowledge


def together(person: Table, taken: Table) -> Table:
    """Each row of together.csv of whose class a person takes or plans as many medicines as it names."""
    rows = knowledge("together")
    classes = knowledge("medicine_classes")
    held = taken.filter(taken.running | taken.planned).select("patient_id", "medicine").distinct()
    held = held.inner_join(classes, "medicine").select("patient_id", "medicine", "class")
    members = held.inner_join(knowledge("together_classes"), "class").select("patient_id", "medicine", "id").distinct()
    counted = members.group_by(["patient_id", "id"]).agg(
        number=members.count(), first_one=members.medicine.min(), last_one=members.medicine.max()
    )
    found = counted.inner_join(rows, "id")
    found = found.filter(found.number >= found.at_least)
    found = found.inner_join(person.select("patient_id", "protocol"), "patient_id")
    return findings(
        found,
        "together",
        code="together",
        action=found.action,
        urgency=found.urgency,
        subject=found.first_one,
        value=found.number.cast("float64"),
        comparison="at-least",
        limit_value=found.at_least.cast("float64"),
        a=found.effect,
        b=found.last_one,
        fact=found.id,
        says=found.says,
        says_patient=found.says_patient,
        sources=cite(found),
    )
