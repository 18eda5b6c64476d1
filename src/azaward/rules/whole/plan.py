"""What all findings of a patient come to: the decision about the dose, what it waits for, and the tests that are next.

Only what concerns the thiopurine decides about it, the most cautious action first. "Continue" and "start" are what can
be said where nothing is against it; what somebody has to look at first is said with the day after which no new supply
is given (`until`). The milligrams are what to take: never more than is taken, for a reduction less.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.tables import greatest, knowledge, least, parameter, urgency_of
from azaward.rules.language.words import beside, first_of, nothing, perhaps, surely
from azaward.terms import Action, Concerns, Status, Term, Urgency

# What decides about the dose; the other actions ask for tests, talks or care.
DOSE_ACTIONS = (
    *(Action.STOP, Action.WITHHOLD, Action.DO_NOT_START, Action.AVOID),
    *(Action.REDUCE, Action.CHANGE),
)
NO_DOSE = (Action.STOP, Action.WITHHOLD, Action.DO_NOT_START)
# Someone who isn't taking it now does not begin it, whichever of these was found.
NOT_NOW = (*NO_DOSE, Action.AVOID)
CLINICIANS = (*DOSE_ACTIONS, Action.REVIEW)
# What a decision waits for: somebody has to do or decide something first.
WAITED_FOR = (*DOSE_ACTIONS, Action.TEST, Action.REVIEW, Action.REFER)
PRESSING = (Urgency.EMERGENCY, Urgency.SAME_DAY, Urgency.THIS_WEEK)
# A higher dose is proposed where one of these was found, and never without its conditions.
RAISED_FOR = ("dose_below_range", "metabolites_under_dosed")
# What no test ends waits for a clinician, whatever is measured meanwhile.
NO_TEST_ENDS = (
    "symptom_going_on",
    "symptom_emergency",
    "symptom_lately",
    "restart_after_harm",
    "restart_lower_after_harm",
)
EXPECTING = ("pregnancy", "pregnancy_dose_high", "breastfeeding_dose")
_ONE_FINDING = ["patient_id", "rule", "code", "subject"]


def plan(person: Table, usual: Table, found: Table) -> Table:
    """One row a request. `decision` is a dose action, continue, start or none.

    `taken` is the dose today, `mg_low` and `mg_high` what to take from now on, `target_low` and `target_high` the
    indication's usual range, `proposal_low` and `proposal_high` a higher dose to consider: mg a day, empty if unknown.
    """
    rows = person.select("patient_id", "protocol", "status", "family", "whole_dose", "planned_first", medicine="taken")
    rows = beside(rows, _smallest_tablet(), "medicine")
    rows = beside(rows, _together(found))
    rows = beside(rows, usual.select("patient_id", "usual_low", "usual_high", "ceiling", "start"))
    rows = rows.mutate(decision=_decision(rows), taken=ibis.cases((rows.status == Status.ON, rows.whole_dose)))
    rows = _milligrams(rows)
    raised = (rows.decision == Action.CONTINUE) & surely(rows.raised) & ~surely(rows.waits)
    raised = raised & surely(rows.taken < rows.share_high * rows.usual_high)
    # A graft's dose is low on purpose, and in a pregnancy no dose is raised for its number.
    raised = raised & (rows.family != "transplant") & ~surely(rows.expecting)
    return rows.select(
        *("patient_id", "protocol", "status", "medicine", "decision", "taken", "mg_low", "mg_high"),
        target_low=rows.usual_low,
        target_high=rows.usual_high,
        proposal_low=ibis.cases((raised, least(rows.taken + rows.smallest_tablet, rows.share_high * rows.usual_high))),
        proposal_high=ibis.cases((raised, rows.share_high * rows.usual_high)),
        urgency=urgency_of(rows.urgency_rank.fill_null(Urgency.INFO.rank)),
        who=_who(rows),
    )


def _together(found: Table) -> Table:
    """One row a patient: the most cautious dose action, the most urgent urgency, the smallest share of the dose."""
    pressing = found.urgency.isin(PRESSING)
    more_than_info = found.urgency != Urgency.INFO
    thiopurine = found.concerns == Concerns.THIOPURINE
    decides = thiopurine & found.action.isin(DOSE_ACTIONS)
    whole = ibis.cases((found.fraction_high.notnull(), found.fraction_low))
    return found.group_by("patient_id").agg(
        decision_rank=_rank(found.action, Action).min(where=decides),
        urgency_rank=_rank(found.urgency, Urgency).min(),
        emergency=(found.urgency == Urgency.EMERGENCY).any(),
        same_day=(thiopurine & (found.urgency == Urgency.SAME_DAY)).any(),
        refer=(more_than_info & (found.action == Action.REFER)).any(),
        clinician=(more_than_info & found.action.isin(CLINICIANS)).any(),
        asked=more_than_info.any(),
        waits=(thiopurine & pressing & found.action.isin(WAITED_FOR)).any(),
        raised=found.code.isin(RAISED_FOR).any(),
        expecting=found.code.isin(EXPECTING).any(),
        share_low=whole.min(where=thiopurine).fill_null(1.0),
        share_high=found.fraction_high.min(where=thiopurine).fill_null(1.0),
    )


def _smallest_tablet() -> Table:
    tablets = knowledge("tablets")
    return tablets.group_by("medicine").agg(smallest_tablet=tablets.mg.min())


def _decision(rows: Table) -> Value:
    """The dose action that decides; for someone who takes nothing now, whether to begin."""
    decided = ibis.cases(*((rows.decision_rank == action.rank, action) for action in DOSE_ACTIONS))
    against = surely(decided.isin(NOT_NOW))
    return ibis.cases(
        (rows.status == Status.ON, ibis.coalesce(decided, Action.CONTINUE)),
        ((rows.status == Status.PLANNED) & against, Action.DO_NOT_START),
        (rows.status == Status.PLANNED, ibis.coalesce(decided, "start")),
        # Stopped: what stands against it stands against starting again.
        ((rows.status == Status.STOPPED) & against, Action.WITHHOLD),
        else_="none",
    )


def _milligrams(rows: Table) -> Table:
    """Adds `mg_low` and `mg_high`: what to take, in mg a day."""
    share_high, share_low = rows.share_high.fill_null(1.0), rows.share_low.fill_null(1.0)
    cut = (share_high < 1.0).ifelse(rows.usual_high * share_high, nothing("float64"))
    rows = rows.mutate(share_high=share_high, share_low=share_low, allowed=least(cut, rows.ceiling))
    # A source says how much is left where that is less than is taken, or where nobody knows what is taken.
    by_source = perhaps(rows.allowed < rows.taken)
    # Nothing says by how much: less by the smallest tablet that there is.
    a_step_less = ibis.greatest(rows.taken - rows.smallest_tablet, 0.0)
    start = least(least(rows.planned_first, rows.start), least(rows.usual_high * share_high, rows.ceiling))
    rows = rows.mutate(
        mg_high=ibis.cases(
            (rows.decision.isin(NO_DOSE), 0.0),
            (rows.decision == Action.CONTINUE, rows.taken),
            (rows.status == Status.PLANNED, start),
            (rows.decision.isin([Action.REDUCE, Action.CHANGE]) & by_source, rows.allowed),
            (rows.decision == Action.REDUCE, a_step_less),
        )
    )
    low = ibis.cases(
        (rows.decision == Action.CONTINUE, rows.taken),
        ((rows.status == Status.PLANNED) | (by_source & (share_high < 1.0)), rows.usual_low * share_low),
        # Nobody says how much less; nothing at all would be stopping.
        else_=ibis.cases((rows.mg_high > 0, rows.smallest_tablet), else_=0.0),
    )
    return rows.mutate(
        mg_low=ibis.cases((rows.mg_high.notnull(), ibis.least(ibis.coalesce(low, rows.mg_high), rows.mg_high)))
    )


def _who(rows: Table) -> Value:
    """Who acts. About a graft's medicine its unit decides the same day."""
    return ibis.cases(
        (surely(rows.emergency), "emergency team"),
        (surely(rows.refer) | (surely(rows.same_day) & (rows.family == "transplant")), "specialist"),
        (surely(rows.clinician), "clinician"),
        (surely(rows.asked), "nurse"),
        else_="nobody",
    )


def until(person: Table, plan: Table, found: Table) -> Table:
    """What the decision waits for, and by which day: a test where one is asked for, else what the finding is about.

    Stopping waits for nothing. What withholds a dose waits for whatever was found against it, the rest for what is
    pressing.
    """
    waiting = plan.filter(~plan.decision.isin([Action.STOP, "none"])).select("patient_id", "decision")
    rows = found.filter(
        (found.concerns == Concerns.THIOPURINE) & found.urgency.isin(PRESSING) & found.action.isin(WAITED_FOR)
    )
    asked = _asked_for(rows.filter(~rows.code.isin(NO_TEST_ENDS))).select(*_ONE_FINDING, "test")
    rows = beside(rows.inner_join(waiting, "patient_id"), asked, _ONE_FINDING)
    rows = rows.inner_join(person.select("patient_id", "as_of_day"), "patient_id")
    rows = rows.mutate(
        by_day=(rows.as_of_day + _within(rows)).cast("int64"), what=ibis.coalesce(rows.test, rows.subject)
    )
    rows = first_of(rows, ["patient_id", "what"], ["by_day", _rank(rows.action, Action), "rule", "code"])
    return rows.select("patient_id", "test", "rule", "code", "subject", "by_day")


def next_tests(person: Table, due: Table, found: Table) -> Table:
    """Each test that is due and the day: one that a finding asks for comes in time, not when its turn comes.

    `subject` and `action` say of such a test which finding asks for it; the others have their schedule.
    """
    turn = due.select("patient_id", "test", "protocol", "phase", "every_days", turn_day="due_day")
    both = _sooner(person, found).outer_join(turn, ["patient_id", "test"])
    # A test that is overdue and asked for today is for today; since when it is late, the schedule's finding says.
    sooner = surely(both.due_day <= greatest(both.turn_day, both.as_of_day)) | both.turn_day.isnull()
    return both.select(
        "protocol",
        "phase",
        "every_days",
        subject=ibis.cases((sooner, both.subject)),
        action=ibis.cases((sooner, both.action)),
        patient_id=ibis.coalesce(both.patient_id, both.patient_id_right),
        test=ibis.coalesce(both.test, both.test_right),
        due_day=sooner.ifelse(both.due_day, both.turn_day),
    )


def _sooner(person: Table, found: Table) -> Table:
    """Each test that a finding asks for, with the first day by which one does."""
    rows = _asked_for(found).inner_join(person.select("patient_id", "as_of_day"), "patient_id")
    rows = rows.mutate(due_day=(rows.as_of_day + _within(rows)).cast("int64"))
    rows = rows.filter(rows.due_day.notnull())
    order = ["due_day", _rank(rows.urgency, Urgency), _rank(rows.action, Action), "rule", "subject", "code"]
    rows = first_of(rows, ["patient_id", "test"], order)
    return rows.select("patient_id", "test", "subject", "action", "due_day", "as_of_day")


def _asked_for(found: Table) -> Table:
    """One row for each finding and test that it asks for."""
    named = knowledge("tests").select(named="test").distinct()
    asking = found.filter((found.urgency != Urgency.INFO) & found.asks_for.notnull())
    rows = asking.mutate(words=" " + asking.asks_for + " ").cross_join(named)
    rows = rows.filter(rows.words.contains(" " + rows.named + " "))
    return rows.select(*_ONE_FINDING, "action", "urgency", "within_days", test="named")


def _within(rows: Table) -> Value:
    """By how many days from today: as the finding says, else today or within the week."""
    of_urgency = ibis.cases(
        (rows.urgency.isin([Urgency.EMERGENCY, Urgency.SAME_DAY]), 0.0),
        (rows.urgency == Urgency.THIS_WEEK, parameter("quality_acted_within_days")),
    )
    return ibis.coalesce(rows.within_days, of_urgency)


def _rank(word: Value, terms: type[Term]) -> Value:
    return ibis.cases(*((word == term, term.rank) for term in terms)).cast("int64")
