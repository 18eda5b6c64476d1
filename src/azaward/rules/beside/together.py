"""What the medicines of one list add up to: white cells, liver, defence against infection, the same thing twice."""

from __future__ import annotations

from azaward.rules.language.expressions import Table
from azaward.rules.language.finding import findings
from azaward.rules.language.limit import Limit
from azaward.rules.language.tables import knowledge
from azaward.terms import Comparison, Concerns, Rule


def together(person: Table, taken: Table) -> Table:
    """Each row of together.csv of whose class a person takes or plans as many medicines as it names."""
    classes = knowledge("medicine_classes")
    held = taken.filter(taken.running | taken.planned).select("patient_id", "medicine").distinct()
    held = held.inner_join(classes, "medicine").select("patient_id", "medicine", "class")
    members = held.inner_join(knowledge("together_classes"), "class").select("patient_id", "medicine", "id").distinct()
    counted = members.group_by(["patient_id", "id"]).agg(
        number=members.count(), first_medicine=members.medicine.min(), last_medicine=members.medicine.max()
    )
    rows = counted.inner_join(knowledge("together"), "id")
    rows = rows.filter(rows.number >= rows.at_least)
    rows = rows.inner_join(person.select("patient_id", "protocol"), "patient_id")
    return findings(
        rows,
        Rule.TOGETHER,
        code="together",
        action=rows.action,
        urgency=rows.urgency,
        concerns=Concerns.OTHER_MEDICINE,
        asks_for=rows.test,
        subject=rows.first_medicine,
        value=rows.number.cast("float64"),
        limit=Limit(rows.at_least.cast("float64"), Comparison.AT_LEAST, None),
        effect=rows.effect,
        last=rows.last_medicine,
        says=rows.says,
        says_patient=rows.says_patient,
        fact=rows.fact,
    )
