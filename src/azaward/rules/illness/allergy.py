"""Is someone allergic to the thiopurine that they take or are to take, or to another one?

Azathioprine becomes mercaptopurine in the body: who reacted to one is likely to react to the other.
"""

from __future__ import annotations

from azaward.rules.language.finding import findings
from azaward.rules.language.tables import Table, knowledge, record


def thiopurine(person: Table) -> Table:
    """An allergy to any thiopurine, whenever it was recorded."""
    classes = knowledge("medicine_classes")
    thiopurines = classes.filter(classes["class"] == "thiopurine").select("medicine")
    events = record("events")
    allergies = events.filter(events.kind == "allergy").semi_join(thiopurines, events.code == thiopurines.medicine)
    allergies = allergies.group_by(["patient_id", "code"]).agg(since=allergies.started_on.min())
    rows = allergies.inner_join(
        person.filter(person.status.isin(["on", "planned"])).select("patient_id", "protocol", "status", "taken"),
        "patient_id",
    )
    return findings(
        rows,
        "allergy",
        code="allergy_thiopurine",
        action=(rows.status == "on").ifelse("stop", "do-not-start"),
        urgency="same-day",
        subject=rows.code,
        on=rows.since,
        a=rows.taken,
    )
