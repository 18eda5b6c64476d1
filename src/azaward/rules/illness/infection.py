"""Symptoms and infections: fever with low counts, contact with chickenpox or measles, live vaccines.

Evidence closes only the question that it answers. A symptom or infection lasts until its own end. Where its row asks
for a test, a good result closes it: complete, of the day it began or later, and beyond no limit. A normal count ends no
pneumonia. What was noted long ago, never ended and followed by good tests is asked about.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings
from azaward.rules.language.limit import Limit, limit
from azaward.rules.language.tables import DAYS_IN_MONTH, day_number, knowledge, parameter, record, requests
from azaward.rules.language.words import (
    beside,
    first_of,
    medicines_of,
    nothing,
    of_analyte,
    perhaps,
    surely,
    treated,
)
from azaward.rules.stages.due import longest_gaps
from azaward.rules.stages.reported import FULL_BLOOD_COUNT, happened, held_down
from azaward.rules.stages.tested import long_over
from azaward.terms import Action, Concerns, Rule, Status, Urgency

CONTACTS = ("varicella", "shingles", "measles")
NOT_IMMUNE = (
    *("negative", "not ", "non", "no ", "undetect", "insufficient", "susceptible"),
    *("unknown", "unclear", "uncertain", "unlikely", "equivocal", "indeterminate", "borderline", "weak", "?"),
)


def symptoms(reported: Table, tested: Table) -> Table:
    """What is done about a symptom or infection that goes on and that no good test has answered.

    The protocol and the floor (floor_symptoms.csv) say what. What a protocol stops treatment for is not forgotten once
    it was looked into, if it came on treatment. What nobody lists is asked about: as urgently as another protocol
    says, or as its warning sign is.
    """
    rows = _unanswered(reported, tested)
    order = [
        *(ibis.desc("listed"), "past", "faded", "urgency_rank", "action_rank"),
        *(ibis.desc("day", nulls_first=True), "source", "locator", "kind", "fact", "eased", ibis.desc("lasts")),
    ]
    rows = first_of(rows, ["patient_id", "code"], order)
    calm = rows.past | rows.faded | rows.mild
    asked = calm | rows.eased | ~rows.listed | rows.lately
    not_begun = (rows.status == Status.PLANNED) & rows.action.isin([Action.STOP, Action.WITHHOLD, Action.REDUCE])
    return findings(
        rows,
        Rule.INFECTION,
        code=_said(rows),
        action=ibis.cases((asked, Action.REVIEW), (not_begun, Action.DO_NOT_START), else_=rows.action),
        urgency=ibis.cases(
            (calm, Urgency.ROUTINE),
            (rows.eased, Urgency.THIS_WEEK),
            (rows.lately, Urgency.SAME_DAY),
            (rows.urgency.notnull(), rows.urgency),
            (~rows.known & rows.code.lower().contains("blood"), Urgency.SAME_DAY),
            (rows.warning | ~rows.known, Urgency.THIS_WEEK),
            else_=Urgency.ROUTINE,
        ),
        subject=rows.code,
        asks_for=ibis.cases((calm | rows.fine, None), else_=rows.looked_into_by),
        on=rows.started_on,
        test=rows.test,
        note=rows.listed.ifelse(rows.note, nothing("string")),
        fact=rows.mild.ifelse(nothing("string"), rows.fact),
    )


def _said(rows: Table) -> Value:
    return ibis.cases(
        (rows.past, "symptom_past"),
        (rows.mild, "infection_mild"),
        (rows.faded | rows.eased, "symptom_unended"),
        (rows.lately, "symptom_lately"),
        (~rows.listed, "symptom_unlisted"),
        ((rows.test.isnull() | rows.lasts) & (rows.urgency == Urgency.EMERGENCY), "symptom_emergency"),
        (rows.test.isnull() | rows.lasts, "symptom_going_on"),
        else_="symptom",
    )


def _unanswered(rows: Table, tested: Table) -> Table:
    """What no test has answered; `past` where one did and treatment would have been stopped, `faded` where long ago.

    `fine`: the test that looks into it was good since it began. It fades where that was so a whole turn of the
    schedule later, or, unless it is pressing, where the patient was seen since; or where it is of a kind that passes.
    """
    rows = beside(rows, tested.rename(looked_into_by="test"), ["patient_id", "looked_into_by"])
    rows = beside(beside(rows, _turns(), "protocol"), _seen(), "patient_id")
    rows = long_over(rows, rows.as_of_day, tested)
    fine = surely(rows.done_day >= rows.day) & ~surely(rows.bad_day >= rows.day)
    # No count ends an infection; one that is known not to be serious is asked about later, once the count is good.
    infection = rows.kind == "infection"
    lasts = rows.serious | (infection & ~rows.mild)
    acute = perhaps(rows.as_of_day - rows.day <= parameter("acute_infection_days"))
    eased = fine & infection & rows.known & ~rows.serious & ~rows.mild & ~acute
    answered = fine & rows.test.notnull() & ~lasts
    pressing = surely(rows.urgency.isin([Urgency.EMERGENCY, Urgency.SAME_DAY]))
    later = surely(rows.done_day - rows.day >= rows.turn) | (~pressing & surely(rows.seen_day > rows.day))
    faded = (fine & ~answered & later) | rows.long_ago | (rows.long_over & (rows.kind == "symptom"))
    past = (answered | faded) & surely((rows.action == Action.STOP) & (rows.day >= rows.started_day))
    rows = rows.mutate(fine=fine, past=past, faded=faded, lasts=lasts, eased=eased).filter(~answered | past)
    # Whoever has stopped is asked about what is pressing; the fever of those has a rule of its own.
    return rows.filter((rows.status != Status.STOPPED) | (pressing & (rows.code != "fever")))


def _turns() -> Table:
    """The longest time between two blood counts in each protocol's schedule."""
    gaps = longest_gaps()
    return gaps.filter(gaps.test == FULL_BLOOD_COUNT).select("protocol", turn="longest_gap")


def _seen() -> Table:
    """The last day on which each patient came to an appointment."""
    contacts = record("contacts").inner_join(requests().select("patient_id", "as_of"), "patient_id")
    kept = contacts.filter((contacts.kind == "attended") & (contacts.on <= contacts.as_of))
    return kept.group_by("patient_id").agg(seen_day=day_number(kept.on.max()))


def fever(person: Table, latest: Table, tested: Table) -> Table:
    """Fever: an emergency where neutrophils are low; where nobody knows them, a count the same day.

    A normal count doesn't end a fever: its own end does, or a later temperature below it. Low neutrophils count after
    treatment was stopped too: that is when it is stopped for them. The rest counts while the immune system is still
    held down.
    """
    counts = of_analyte(latest, "neutrophils", unit="unit", count_day="day", neutrophils="low")
    rows = held_down(beside(_feverish(person, latest), counts))
    rows = _faded(rows, tested)
    sepsis = limit("neutropenic_sepsis_neutrophils")
    untested = rows.count_day.isnull() | perhaps(rows.count_day < rows.day)
    rows = rows.mutate(low=surely(sepsis.met_by(rows.neutrophils)), untested=untested)
    # A temperature that was measured once and followed by good counts is nobody's question any more.
    rows = rows.filter(rows.low | (rows.held_down & (rows.told | ~rows.faded)))
    planned, stopped = rows.status == Status.PLANNED, rows.status == Status.STOPPED
    over = rows.faded & ~rows.low
    return findings(
        rows,
        Rule.INFECTION,
        code=ibis.cases(
            (rows.low, "fever_neutropenia"),
            (rows.untested, "fever_untested"),
            (over, "fever_unended"),
            else_="fever_counted",
        ),
        action=ibis.cases(
            (over | (stopped & ~rows.low & ~rows.untested), Action.REVIEW),
            (planned, Action.DO_NOT_START),
            (rows.low, Action.STOP),
            else_=Action.WITHHOLD,
        ),
        urgency=ibis.cases((rows.low, Urgency.EMERGENCY), (over, Urgency.ROUTINE), else_=Urgency.SAME_DAY),
        subject="fever",
        asks_for=(rows.low | rows.untested).ifelse(FULL_BLOOD_COUNT, None),
        value=rows.neutrophils,
        unit=rows.unit,
        on=rows.started_on,
        limit=Limit(sepsis.value, sepsis.comparison, rows.unit),
    )


def _faded(rows: Table, tested: Table) -> Table:
    """Adds whether a good blood count a whole turn of the schedule later followed."""
    counts = tested.filter(tested.test == FULL_BLOOD_COUNT).select("patient_id", "done_day", "bad_day")
    rows = beside(beside(rows, counts), _turns(), "protocol")
    good_since = surely(rows.done_day - rows.day >= rows.turn) & ~surely(rows.bad_day >= rows.day)
    return rows.mutate(faded=good_since)


def _feverish(person: Table, latest: Table) -> Table:
    """Everyone with a fever, told of or measured, and the last day on which it began."""
    columns = ("patient_id", "protocol", "as_of_day", "stopped_day", "day", "started_on", "status")
    temperatures = of_analyte(latest, "temperature")
    hot = limit("fever_celsius").met_by(temperatures.high)
    told = happened(person, "symptom", also=Status.STOPPED)
    told = beside(told, temperatures.filter(~hot).select("patient_id", cool_day="day"))
    cooled = surely(told.cool_day > told.day)
    told = told.filter((told.code == "fever") & told.going_on & ~cooled).select(*columns, told=ibis.literal(True))
    warm = temperatures.filter(hot).rename(started_on="taken_on")
    people = treated(person, "as_of_day", "stopped_day", "status", also=Status.STOPPED)
    warm = warm.inner_join(people, "patient_id").select(*columns, told=ibis.literal(False))
    rows = ibis.union(told, warm)
    return rows.group_by(["patient_id", "protocol", "as_of_day", "stopped_day", "status"]).agg(
        day=rows.day.max(), started_on=rows.started_on.max(), told=rows.told.any()
    )


def contact(person: Table, latest: Table) -> Table:
    """Contact with chickenpox, shingles or measles while there is still time to protect, or to fall ill.

    On treatment, as long after it as the immune system is held down, and before it: nobody begins while illness may
    come.
    """
    rows = held_down(happened(person, "exposure_to_infection", also=Status.STOPPED))
    rows = rows.filter(rows.held_down & rows.code.isin(list(CONTACTS)))
    measles = rows.code == "measles"
    within = measles.ifelse(parameter("measles_incubation_days_high"), parameter("varicella_incubation_days_high"))
    rows = rows.mutate(since=rows.as_of_day - rows.day, measles=measles, within=within)
    rows = rows.filter(rows.day.isnull() | (rows.since <= rows.within))
    rows = beside(rows, _immunity(latest))
    protected = ~rows.measles & surely(rows.immune)
    protect_by = rows.measles.ifelse(
        parameter("measles_immunoglobulin_within_days"), parameter("varicella_antiviral_from_day")
    )
    return findings(
        rows,
        Rule.INFECTION,
        code=rows.measles.ifelse("contact_measles", "contact_varicella"),
        action=((rows.status == Status.PLANNED) & ~protected).ifelse(Action.DO_NOT_START, Action.REVIEW),
        urgency=protected.ifelse(Urgency.THIS_WEEK, Urgency.SAME_DAY),
        subject=rows.code,
        value=rows.since,
        unit="d",
        on=rows.started_on,
        limit=Limit(protect_by, "within", "d"),
        text=rows.igg_text,
    )


def _immunity(latest: Table) -> Table:
    """What the antibody test against chickenpox says. Only words that say so protect: an unclear result does not."""
    igg = of_analyte(latest, "vzv_igg")
    words = igg.text.lower() + " "
    says_immune = ibis.or_(*(words.contains(word) for word in ("positive", "immune", "detected")))
    for word in NOT_IMMUNE:
        says_immune = says_immune & ~words.contains(word)
    return igg.select("patient_id", igg_text="text", immune=surely(says_immune))


def live_vaccine(person: Table, taken: Table) -> Table:
    """A live vaccine given on treatment, too soon after it, or too shortly before it.

    Live shingles vaccine beside a low dose of the thiopurine alone is no mistake, only a reason to watch.
    """
    rows = _live_vaccines(person)
    rows = rows.mutate(low_dose=_low_dose(rows, taken))
    after = parameter("live_vaccine_months_after_stop")
    rows = rows.mutate(
        planned_now=_too_shortly_before(rows), wrong=_wrongly_given(rows), has_come=rows.day <= rows.as_of_day
    )
    undated = rows.day.isnull()
    rows = rows.filter(undated | surely(rows.wrong))
    # What happened in the time in which a vaccine strain can make ill is the same day's matter; later it is a lesson.
    recent = perhaps(rows.as_of_day - rows.day <= after * DAYS_IN_MONTH)
    return findings(
        rows,
        Rule.INFECTION,
        code=ibis.cases(
            (rows.low_dose, "live_zoster_low_dose"),
            (rows.day.isnull(), "live_vaccine_undated"),
            (rows.has_come, "live_vaccine_given"),
            else_="live_vaccine_planned",
        ),
        action=ibis.cases(
            (rows.low_dose & ~recent, Action.INFORM),
            (rows.low_dose | rows.day.isnull(), Action.REVIEW),
            (surely(rows.planned_now) & rows.has_come, Action.DO_NOT_START),
            else_=Action.AVOID,
        ),
        urgency=_how_soon(rows, recent),
        # Nobody begins so soon after one; otherwise it is the vaccine that is in question.
        concerns=surely(rows.planned_now).ifelse(Concerns.THIOPURINE, Concerns.VACCINE),
        subject=rows.code,
        on=rows.started_on,
        limit=Limit(after, limit("live_vaccine_months_after_stop").comparison, "mo"),
    )


def _how_soon(rows: Table, recent: Value) -> Value:
    """How soon a live vaccine is a matter: the same day while its strain can make ill."""
    return ibis.cases(
        (rows.low_dose & ~recent, Urgency.INFO),
        (rows.low_dose, Urgency.ROUTINE),
        (rows.day.isnull(), Urgency.THIS_WEEK),
        (recent, Urgency.SAME_DAY),
        else_=Urgency.ROUTINE,
    )


def _live_vaccines(person: Table) -> Table:
    """Each live vaccine of someone who takes a thiopurine, is about to, or has stopped."""
    given = record("events").distinct()
    classes = knowledge("event_classes")
    live = classes.filter((classes.kind == "vaccination") & (classes["class"] == "live")).select(live="code")
    given = given.filter(given.kind == "vaccination").inner_join(live, given.code == live.live)
    people = treated(
        person,
        *(
            "status",
            "as_of_day",
            "started_day",
            "stopped_day",
            "planned_day",
            "taken",
            "whole_dose",
            "weight",
            "family",
        ),
        also=Status.STOPPED,
    )
    rows = given.inner_join(people, "patient_id")
    return rows.mutate(day=day_number(rows.started_on))


def _low_dose(rows: Table, taken: Table) -> Value:
    """Live shingles vaccine, and a low dose of the thiopurine as the only medicine that holds down the immune system.

    Never for a graft, nor where dose or weight isn't known.
    """
    most = ibis.cases(
        (rows.taken == "azathioprine", limit("live_zoster_azathioprine_mg_per_kg").value),
        (rows.taken == "mercaptopurine", limit("live_zoster_mercaptopurine_mg_per_kg").value),
    )
    others = taken.filter(taken.running | taken.planned).anti_join(medicines_of("thiopurine"), "medicine")
    others = others.semi_join(medicines_of("immunosuppressant"), "medicine").select("patient_id").distinct()
    alone = ~rows.patient_id.isin(others.patient_id)
    low = surely(rows.whole_dose <= most * rows.weight)
    return (rows.code == "zoster_live") & low & alone & surely(rows.family != "transplant")


def _too_shortly_before(rows: Table) -> Value:
    """Given so shortly before the day on which treatment is planned to begin."""
    before = parameter("live_vaccine_months_before_start") * DAYS_IN_MONTH
    return (rows.status == Status.PLANNED) & (ibis.coalesce(rows.planned_day, rows.as_of_day) - rows.day < before)


def _wrongly_given(rows: Table) -> Value:
    """On treatment, shortly before it began, too soon after it ended, or shortly before it is to begin."""
    after = parameter("live_vaccine_months_after_stop") * DAYS_IN_MONTH
    before = parameter("live_vaccine_months_before_start") * DAYS_IN_MONTH
    # Where the start isn't known, a vaccine of the last months may have come after it.
    since_start = (rows.day >= rows.started_day).fill_null(rows.as_of_day - rows.day <= after)
    on = rows.status == Status.ON
    shortly_before = on & (rows.day < rows.started_day) & (rows.started_day - rows.day < before)
    too_soon = ~on & since_start & surely(rows.day - rows.stopped_day < after)
    return (on & since_start) | too_soon | _too_shortly_before(rows) | shortly_before
