"""A thiopurine that is on hold in the record: paused, not ended, and somebody has to say when it goes on.

A pause that nobody ends is either treatment that is missing or a risk that is forgotten. Nothing here says that it may
be taken again: that is decided by whoever paused it, with a blood test as before a first tablet.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, ibis
from azaward.rules.language.finding import findings
from azaward.rules.language.words import medicines_of, nothing
from azaward.terms import Action, Rule, Status, Urgency


def on_hold(person: Table, taken: Table) -> Table:
    """Whose thiopurine is on hold, and who takes no other."""
    held = taken.filter(taken.held).semi_join(medicines_of("thiopurine"), "medicine")
    held = held.group_by(["patient_id", "medicine"]).agg(
        since=held.stopped_on.max(), undated=held.stopped_on.isnull().any()
    )
    people = person.filter(person.status == Status.STOPPED).select("patient_id", "protocol")
    rows = held.inner_join(people, "patient_id")
    return findings(
        rows,
        Rule.LIFE,
        code=rows.undated.ifelse("on_hold_undated", "on_hold"),
        codes=["on_hold", "on_hold_undated"],
        action=Action.REVIEW,
        urgency=Urgency.THIS_WEEK,
        subject=rows.medicine,
        on=ibis.cases((~rows.undated, rows.since), else_=nothing("date")),
    )
