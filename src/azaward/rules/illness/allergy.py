"""Is someone allergic to the thiopurine that they take or are to take, or to another one?

Azathioprine becomes mercaptopurine in the body: who reacted to one is likely to react to the other.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table
from azaward.rules.language.finding import findings
from azaward.rules.language.tables import record
from azaward.rules.language.words import medicines_of, treated
from azaward.terms import Action, Rule, Status, Urgency


def thiopurine(person: Table) -> Table:
    """An allergy to any thiopurine, whenever it was recorded."""
    events = record("events")
    thiopurines = medicines_of("thiopurine")
    allergies = events.filter(events.kind == "allergy").semi_join(thiopurines, events.code == thiopurines.medicine)
    allergies = allergies.group_by(["patient_id", "code"]).agg(since=allergies.started_on.min())
    rows = allergies.inner_join(treated(person, "status", "taken"), "patient_id")
    return findings(
        rows,
        Rule.ALLERGY,
        code="allergy_thiopurine",
        action=(rows.status == Status.ON).ifelse(Action.STOP, Action.DO_NOT_START),
        urgency=Urgency.SAME_DAY,
        subject=rows.code,
        on=rows.since,
        thiopurine=rows.taken,
    )
