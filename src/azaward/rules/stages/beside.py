"""Which rows of interactions.csv the medicines of a person meet.

A row names its other medicine itself, by a class, or as a kind of vaccine. `met` holds what meets a thiopurine;
`matching` finds the same for any medicine in question.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.limit import limit
from azaward.rules.language.tables import greatest, knowledge

# The medicine in question: rows about azathioprine hold for every thiopurine.
IN_QUESTION = "azathioprine"


def met(taken: Table) -> Table:
    """Each medicine that runs or is planned, and meets a row about thiopurines."""
    rows = knowledge("interactions")
    return matching(taken, rows.filter(rows.drug == IN_QUESTION))


def matching(taken: Table, rows: Table) -> Table:
    """The medicines that run or are planned with each of `rows` that names them."""
    rows = rows.rename(for_sex="sex", for_family="family")
    classes = knowledge("medicine_classes")
    vaccines = knowledge("event_classes")
    vaccines = vaccines.filter(vaccines.kind == "vaccination").select("class", medicine="code")
    by_name = rows.filter(rows.with_kind == "ingredient").mutate(medicine="with")
    parts = [by_name]
    for kind, members in (("class", classes), ("vaccine", vaccines)):
        of_kind = rows.filter(rows.with_kind == kind)
        of_kind = of_kind.inner_join(members, of_kind["with"] == members["class"])
        parts.append(of_kind.select(by_name.columns))
    pairs = ibis.union(ibis.union(parts[0], parts[1]), parts[2])
    taken = taken.filter(taken.running | taken.planned)
    taken = taken.select(
        "patient_id", "medicine", "dose_mg_per_day", "running", "planned", "start_day", "stop_day", "as_of_day"
    )
    return taken.inner_join(pairs, "medicine")


def of_class(members: Table) -> Table:
    """Each medicine under its own name and under each of its classes: `medicine`, `known_as`."""
    classes = knowledge("medicine_classes")
    names = members.select("medicine", known_as="medicine").distinct()
    return ibis.union(names, classes.select("medicine", known_as="class"))


def low_dose(rows: Table) -> Value:
    """The highest dose in mg a day that counts as cut for allopurinol: the largest `share` of the usual dose that a
    source names, or the dose for this weight of planned low-dose treatment, whichever is more."""
    per_kg = ibis.cases(
        (rows.taken == "azathioprine", limit("low_dose_azathioprine_mg_per_kg").value),
        (rows.taken == "mercaptopurine", limit("low_dose_mercaptopurine_mg_per_kg").value),
    )
    return greatest(rows.usual_high * rows["share"], per_kg * rows.weight)
