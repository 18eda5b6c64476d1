"""What all findings of a patient come to: the decision about the dose and its range, how urgent, and who acts.

The most cautious action that touches the dose decides; the usual range of the indication is cut by every
finding that leaves only a share of it.
"""

from __future__ import annotations

from azaward.knowledge import ACTIONS, URGENCIES
from azaward.rules.language.tables import Table, Value, knowledge, least, urgency_of
from azaward.rules.language.untyped import ibis

# Actions that decide about the dose; the others ask for tests, talks or care.
DOSE_ACTIONS = ("stop", "withhold", "do-not-start", "reduce", "change")
NO_DOSE = ("stop", "withhold", "do-not-start")
CLINICIANS = ("stop", "withhold", "do-not-start", "reduce", "avoid", "change", "review")
# Rules whose pressing findings ask for the same test again.
MEASURED_AGAIN = ("limits", "recovery", "record_quality")


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


def next_tests(person: Table, due: Table, found: Table) -> Table:
    """Each test that is due and the day: a result beyond a limit is measured again now, not when its turn comes.

    `subject` and `action` say of a test that is repeated which result asks for it; the others have their schedule.
    """
    again = found.filter(found.rule.isin(MEASURED_AGAIN) & ~found.urgency.isin(["routine", "info"]))
    tests = knowledge("tests")
    tests = tests.filter(tests.satisfied_by == "analyte").select("code", "test").distinct()
    again = again.inner_join(tests, again.subject == tests.code)
    again = again.mutate(u=_rank(again.urgency, URGENCIES), a=_rank(again.action, ACTIONS))
    first = ibis.window(group_by=["patient_id", "test"], order_by=["u", "a", "rule", "subject"])
    again = again.mutate(place=ibis.row_number().over(first))
    again = again.filter(again.place == 0).inner_join(person.select("patient_id", "as_of_day"), "patient_id")
    again = again.select("patient_id", "test", "subject", "action", due_day="as_of_day")
    turn = due.select("patient_id", "test", "protocol", "phase", "every_days", turn_day="due_day")
    both = again.outer_join(turn, ["patient_id", "test"])
    return both.select(
        "subject",
        "action",
        "protocol",
        "phase",
        "every_days",
        patient_id=ibis.coalesce(both.patient_id, both.patient_id_right),
        test=ibis.coalesce(both.test, both.test_right),
        due_day=ibis.coalesce(both.due_day, both.turn_day),
    )


def _rank(word: Value, words: tuple[str, ...]) -> Value:
    return ibis.cases(*((word == each, place) for place, each in enumerate(words))).cast("int64")
