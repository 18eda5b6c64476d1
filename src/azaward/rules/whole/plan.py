"""What all findings of a patient come to: the decision about the dose and its range, how urgent, and who acts.

The most cautious action that touches the dose decides; the usual range of the indication is cut by every
finding that leaves only a share of it.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.tables import knowledge, least, urgency_of
from azaward.rules.language.words import beside, first_of, surely
from azaward.terms import Action, Rule, Status, Term, Urgency

# Actions that decide about the dose; the others ask for tests, talks or care.
DOSE_ACTIONS = (Action.STOP, Action.WITHHOLD, Action.DO_NOT_START, Action.REDUCE, Action.CHANGE)
NO_DOSE = (Action.STOP, Action.WITHHOLD, Action.DO_NOT_START)
CLINICIANS = (*DOSE_ACTIONS, Action.AVOID, Action.REVIEW)
# Rules whose pressing findings ask for the same test again.
MEASURED_AGAIN = (Rule.LIMITS, Rule.RECOVERY, Rule.RECORD_QUALITY)


def plan(person: Table, usual: Table, found: Table) -> Table:
    """One row a request. `decision` is a dose action, continue, start or none; mg a day are empty where unknown."""
    rows = beside(person.select("patient_id", "protocol", "status"), _together(found))
    rows = beside(rows, usual.select("patient_id", "usual_low", "usual_high"))
    usually = ibis.cases((rows.status == Status.ON, "continue"), (rows.status == Status.PLANNED, "start"), else_="none")
    decided = ibis.cases(*((rows.decision_rank == action.rank, action) for action in DOSE_ACTIONS))
    rows = rows.mutate(decision=(usually == "none").ifelse("none", ibis.coalesce(decided, usually)))
    no_dose, known = rows.decision.isin(NO_DOSE), (rows.decision != "none") & rows.usual_high.notnull()

    def milligrams(usual: Value, share: Value) -> Value:
        return ibis.cases((no_dose, 0.0), (known, least(usual, usual * share)))

    return rows.select(
        "patient_id",
        "protocol",
        "status",
        "decision",
        mg_low=milligrams(rows.usual_low, rows.share_low),
        mg_high=milligrams(rows.usual_high, rows.share_high),
        urgency=urgency_of(rows.urgency_rank.fill_null(Urgency.INFO.rank)),
        who=ibis.cases(
            (surely(rows.emergency), "emergency team"),
            (surely(rows.refer), "specialist"),
            (surely(rows.clinician), "clinician"),
            (surely(rows.pressing), "nurse"),
            else_="nobody",
        ),
    )


def _together(found: Table) -> Table:
    """One row a patient: the most cautious dose action, the most urgent urgency, the smallest share of the dose."""
    pressing = found.urgency != Urgency.INFO
    whole = ibis.cases((found.fraction_high.notnull(), found.fraction_low))
    return found.group_by("patient_id").agg(
        decision_rank=_rank(found.action, Action).min(where=found.action.isin(DOSE_ACTIONS)),
        urgency_rank=_rank(found.urgency, Urgency).min(),
        emergency=(found.urgency == Urgency.EMERGENCY).any(),
        refer=(pressing & (found.action == Action.REFER)).any(),
        clinician=(pressing & found.action.isin(CLINICIANS)).any(),
        pressing=pressing.any(),
        share_low=whole.min(),
        share_high=found.fraction_high.min(),
    )


def next_tests(person: Table, due: Table, found: Table) -> Table:
    """Each test that is due and the day: a result beyond a limit is measured again now, not when its turn comes.

    `subject` and `action` say of a test that is repeated which result asks for it; the others have their schedule.
    """
    again = _measured_again(person, found)
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


def _measured_again(person: Table, found: Table) -> Table:
    """The tests that pressing findings about a result ask for again, today."""
    again = found.filter(found.rule.isin(MEASURED_AGAIN) & ~found.urgency.isin([Urgency.ROUTINE, Urgency.INFO]))
    tests = knowledge("tests")
    tests = tests.filter(tests.satisfied_by == "analyte").select("code", "test").distinct()
    again = again.inner_join(tests, again.subject == tests.code)
    again = again.mutate(urgency_rank=_rank(again.urgency, Urgency), action_rank=_rank(again.action, Action))
    again = first_of(again, ["patient_id", "test"], ["urgency_rank", "action_rank", "rule", "subject"])
    again = again.inner_join(person.select("patient_id", "as_of_day"), "patient_id")
    return again.select("patient_id", "test", "subject", "action", due_day="as_of_day")


def _rank(word: Value, terms: type[Term]) -> Value:
    return ibis.cases(*((word == term, term.rank) for term in terms)).cast("int64")
