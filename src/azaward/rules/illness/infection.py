"""Symptoms and infections on treatment: fever with low counts, contact with chickenpox or measles, live vaccines.

A symptom counts while it goes on, until the test that the protocol asks for (where it names none, a full blood
count) was done on the day it began or later.
"""

from __future__ import annotations

from azaward.knowledge import MOST_CAUTIOUS
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings
from azaward.rules.language.limit import Limit, limit
from azaward.rules.language.tables import DAYS_IN_MONTH, day_number, knowledge, parameter, record
from azaward.rules.language.words import (
    applies,
    beside,
    first_of,
    medicines_of,
    nothing,
    of_analyte,
    perhaps,
    surely,
    treated,
)
from azaward.terms import Action, Rule, Status, Urgency

CONTACTS = ("varicella", "shingles", "measles")
NOT_IMMUNE = (
    *("negative", "not ", "non", "no ", "undetect", "insufficient", "susceptible"),
    *("unknown", "unclear", "uncertain", "unlikely", "equivocal", "indeterminate", "borderline", "weak", "?"),
)


def _happened(person: Table, *kinds: str, also: Status | None = None) -> Table:
    """Events of these kinds up to today: the day each began, and whether it still goes on."""
    events = record("events").distinct()
    events = events.filter(events.kind.isin(list(kinds)))
    people = treated(
        person,
        *("protocol_known", "family", "status", "as_of", "as_of_day", "started_day", "stopped_day"),
        also=also,
    )
    rows = events.inner_join(people, "patient_id")
    rows = rows.filter(rows.started_on.isnull() | (rows.started_on <= rows.as_of))
    return rows.mutate(
        day=day_number(rows.started_on), going_on=(rows.ended_on.isnull() | (rows.ended_on >= rows.as_of))
    )


def _held_down(rows: Table) -> Table:
    """Adds whether the immune system is still held down: as long after the end as no live vaccine is given."""
    lately = rows.as_of_day - rows.stopped_day < parameter("live_vaccine_months_after_stop") * DAYS_IN_MONTH
    return rows.mutate(held_down=(rows.status != Status.STOPPED) | perhaps(lately))


def symptoms(person: Table, done: Table) -> Table:
    """What the protocol does about a symptom or infection that its test has not looked into yet.

    What a protocol stops treatment for is not forgotten once it was looked into, if it came on treatment. What
    this protocol doesn't list is asked about: as urgently as another protocol says, or as its warning sign is.
    """
    rows = _unanswered(_listed(_happened(person, "symptom", "infection", "condition")), done)
    order = [
        *(ibis.desc("listed"), "past", "urgency_rank", "action_rank"),
        *(ibis.desc("day", nulls_first=True), "source", "locator"),
    ]
    rows = first_of(rows, ["patient_id", "code"], order)
    rows = beside(rows, _warning_signs(), "code")
    not_begun = (rows.status == Status.PLANNED) & rows.action.isin([Action.STOP, Action.WITHHOLD, Action.REDUCE])
    return findings(
        rows,
        Rule.INFECTION,
        code=ibis.cases((rows.past, "symptom_past"), (~rows.listed, "symptom_unlisted"), else_="symptom"),
        action=ibis.cases(
            (~rows.listed | rows.past, Action.REVIEW), (not_begun, Action.DO_NOT_START), else_=rows.action
        ),
        urgency=ibis.cases(
            (rows.past, Urgency.ROUTINE),
            (rows.urgency.notnull(), rows.urgency),
            (rows.warning.notnull(), Urgency.THIS_WEEK),
            else_=Urgency.ROUTINE,
        ),
        subject=rows.code,
        on=rows.started_on,
        test=rows.asked,
        note=rows.listed.ifelse(rows.note, nothing("string")),
        fact=rows.fact,
    )


def _listed(rows: Table) -> Table:
    """Each symptom that goes on with the rows about it: `listed` where the person's own protocol has one."""
    rows = rows.filter(rows.going_on).mutate(
        word=(rows.kind == "infection").ifelse("infection", rows.code.lower().replace("_", " "))
    )
    known = knowledge("protocol_symptoms")
    known = known.mutate(
        word=known.symptom.lower().replace("_", " "), asked=known.test.fill_null("full_blood_count"), listed=True
    )
    known = known.rename(of_protocol="protocol", for_word="word")
    own_or_any = (rows.protocol == known.of_protocol) | (known.of_protocol == MOST_CAUTIOUS)
    rows = rows.left_join(known, [rows.word == known.for_word, own_or_any])
    own = rows.listed & (rows.protocol == rows.of_protocol) & (applies(rows, rows.family) | ~rows.protocol_known)
    rows = rows.mutate(listed=surely(own))
    rows = rows.mutate(has_own=rows.listed.max().over(ibis.window(group_by=["patient_id", "kind", "code"])))
    # Fever has a rule of its own; a condition that no protocol acts on is no symptom.
    elsewhere = ~rows.has_own & (rows.code != "fever") & (rows.of_protocol.notnull() | (rows.kind == "symptom"))
    return rows.filter(rows.listed | elsewhere)


def _unanswered(rows: Table, done: Table) -> Table:
    """What no test has answered since it began; `past` where it was, and treatment would have been stopped for it."""
    rows = rows.mutate(asked=rows.asked.fill_null("full_blood_count"))
    tests = done.filter(done.complete).select("patient_id", asked="test", done_day="done_day")
    rows = beside(rows, tests, ["patient_id", "asked"])
    answered = surely(rows.done_day >= rows.day)
    past = surely(answered & (rows.action == Action.STOP) & (rows.day >= rows.started_day))
    return rows.mutate(past=past).filter(~answered | past)


def _warning_signs() -> Table:
    """The symptoms that warn of something: one column, `code`, and `warning`."""
    classes = knowledge("event_classes")
    warnings = classes.filter((classes.kind == "symptom") & classes["class"].endswith("_warning"))
    return warnings.select("code").distinct().mutate(warning=True)


def fever(person: Table, latest: Table) -> Table:
    """Fever on treatment: an emergency where neutrophils are low; where nobody knows them, a count the same day.

    Low neutrophils count after treatment was stopped too: that is when it is stopped for them. A count that nobody
    did counts while the immune system is still held down.
    """
    counts = of_analyte(latest, "neutrophils", unit="unit", count_day="day", neutrophils="low")
    rows = _held_down(beside(_feverish(person, latest), counts))
    sepsis = limit("neutropenic_sepsis_neutrophils")
    untested = rows.count_day.isnull() | perhaps(rows.count_day < rows.day)
    rows = rows.mutate(low=surely(sepsis.met_by(rows.neutrophils)), untested=untested)
    # A fever that a later, sufficient count has answered is not found for ever.
    rows = rows.filter(rows.low | (rows.untested & rows.held_down))
    return findings(
        rows,
        Rule.INFECTION,
        code=rows.low.ifelse("fever_neutropenia", "fever_untested"),
        action=ibis.cases(
            (rows.status == Status.PLANNED, Action.DO_NOT_START), (rows.low, Action.STOP), else_=Action.WITHHOLD
        ),
        urgency=rows.low.ifelse(Urgency.EMERGENCY, Urgency.SAME_DAY),
        subject="fever",
        value=rows.neutrophils,
        unit=rows.unit,
        on=rows.started_on,
        limit=Limit(sepsis.value, sepsis.comparison, rows.unit),
    )


def _feverish(person: Table, latest: Table) -> Table:
    """Everyone with a fever, told of or measured, and the last day on which it began."""
    columns = ("patient_id", "protocol", "as_of_day", "stopped_day", "day", "started_on", "status")
    told = _happened(person, "symptom", also=Status.STOPPED)
    told = told.filter((told.code == "fever") & told.going_on).select(*columns)
    warm = of_analyte(latest, "temperature")
    warm = warm.filter(limit("fever_celsius").met_by(warm.high)).rename(started_on="taken_on")
    people = treated(person, "as_of_day", "stopped_day", "status", also=Status.STOPPED)
    rows = ibis.union(told, warm.inner_join(people, "patient_id").select(*columns))
    return rows.group_by(["patient_id", "protocol", "as_of_day", "stopped_day", "status"]).agg(
        day=rows.day.max(), started_on=rows.started_on.max()
    )


def contact(person: Table, latest: Table) -> Table:
    """Contact with chickenpox, shingles or measles while there is still time to protect, or to fall ill.

    On treatment, as long after it as the immune system is held down, and before it: nobody begins while illness may
    come.
    """
    rows = _held_down(_happened(person, "exposure_to_infection", also=Status.STOPPED))
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
        urgency=ibis.cases(
            (rows.low_dose & ~recent, Urgency.INFO),
            (rows.low_dose, Urgency.ROUTINE),
            (rows.day.isnull(), Urgency.THIS_WEEK),
            (recent, Urgency.SAME_DAY),
            else_=Urgency.ROUTINE,
        ),
        subject=rows.code,
        on=rows.started_on,
        limit=Limit(after, limit("live_vaccine_months_after_stop").comparison, "mo"),
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
