"""What all findings of a patient come to: the decision about the dose and its range, how urgent, and who acts.

The most cautious action that touches the dose decides; the usual range of the indication is cut by every
finding that leaves only a share of it.
"""

from __future__ import annotations

from azaward.knowledge import ACTIONS, URGENCIES
from azaward.rules.tables import Table, Value, least, urgency_of
from azaward.rules.untyped import ibis

# Actions that decide about the dose; the others ask for tests, talks or care.
DOSE_ACTIONS = ("stop", "withhold", "do-not-start", "reduce", "change")
NO_DOSE = ("stop", "withhold", "do-not-start")
CLINICIANS = ("stop", "withhold", "do-not-start", "reduce", "avoid", "change", "review")


def plan(person: Table, usual: Table, found: Table) -> Table:
    """One row a request. `decision` is a dose action, continue, start or none; mg a day are empty where unknown."""
    pressing = found.urgency != "info"
    whole = ibis.cases((found.fraction_high.notnull(), found.fraction_low))
    each = found.group_by("patient_id").agg(
        decision_rank=_rank(found.action, ACTIONS).min(where=found.action.isin(DOSE_ACTIONS)),
        urgency_rank=_rank(found.urgency, URGENCIES).min(),
        emergency=(found.urgency == "emergency").any(),
        refer=(pressing & (found.action == "refer")).any(),
        clinician=(pressing & found.action.isin(CLINICIANS)).any(),
        pressing=pressing.any(),
        share_low=whole.min(),
        share_high=found.fraction_high.min(),
    )
    rows = person.select("patient_id", "protocol", "status").left_join(each, "patient_id").drop("patient_id_right")
    rows = rows.left_join(usual.select("patient_id", "usual_low", "usual_high"), "patient_id").drop("patient_id_right")
    usually = ibis.cases((rows.status == "on", "continue"), (rows.status == "planned", "start"), else_="none")
    decided = ibis.cases(*((rows.decision_rank == ACTIONS.index(word), word) for word in DOSE_ACTIONS))
    rows = rows.mutate(decision=(usually == "none").ifelse("none", ibis.coalesce(decided, usually)))
    nothing, known = rows.decision.isin(NO_DOSE), (rows.decision != "none") & rows.usual_high.notnull()

    def milligrams(usual: Value, share: Value) -> Value:
        return ibis.cases((nothing, 0.0), (known, least(usual, usual * share)))

    return rows.select(
        "patient_id",
        "protocol",
        "status",
        "decision",
        mg_low=milligrams(rows.usual_low, rows.share_low),
        mg_high=milligrams(rows.usual_high, rows.share_high),
        urgency=urgency_of(rows.urgency_rank.fill_null(URGENCIES.index("info"))),
        who=ibis.cases(
            (rows.emergency.fill_null(False), "emergency team"),
            (rows.refer.fill_null(False), "specialist"),
            (rows.clinician.fill_null(False), "clinician"),
            (rows.pressing.fill_null(False), "nurse"),
            else_="nobody",
        ),
    )


def _rank(word: Value, words: tuple[str, ...]) -> Value:
    return ibis.cases(*((word == each, place) for place, each in enumerate(words))).cast("int64")
