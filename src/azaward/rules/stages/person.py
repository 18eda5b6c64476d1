"""One row for each patient asked about: who they are, their course of treatment, their protocol.

A thiopurine's entries are read as steps: entries begun on one day add up (100 mg and 25 mg tablets), a
later entry replaces an earlier one. `dose_once` is what the dose would be were entries that differ only in where they
stand one entry written twice. Where entries that both run disagree, the higher dose counts and
`doses_disagree` says so. `increased_day` is the last day on which the dose rose, or treatment began again, or one
thiopurine took the place of another; `changed_day` the last on which it changed at all. `dose` is what is known of
the dose, `whole_dose` is empty where part of it is not: only that one may reassure.

Milligrams of two thiopurines are compared as azathioprine (thiopurines.csv), and where two run they add up to
milligrams of the one that is named. What can't be compared counts as a rise, and as a dose of which part isn't known.
"""

from __future__ import annotations

from azaward.knowledge import MOST_CAUTIOUS
from azaward.record.names import UNRECOGNISED
from azaward.rules.language.columns import UNREAD
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.tables import day_number, greatest, knowledge, parameter, record, requests
from azaward.rules.language.words import beside, first_of, medicines_of, nothing, of_analyte, perhaps, surely
from azaward.terms import Status

# A status in the record that says how a medicine runs where no day does (FHIR's words).
OVER, HELD = ("stopped", "completed", "ended"), "on-hold"
RAN_OUT = "completed"
# What an entry is, from what was meant to what was done. All are views of one treatment: they don't add up.
REPORTS, SUPPLIED = ("report", "copy"), ("supply", "administration")
# What was set aside for these reasons may hold a thiopurine, or be of somebody who takes one.
QUESTIONS = ("incomplete", "may_be_one", "resource", "struck")
FAR = 1_000_000  # a day number after every real one


def medicines() -> Table:
    """Each distinct exposure with whether it is planned, running or past on the day asked about."""
    taken = record("exposures").distinct()
    taken = taken.inner_join(requests().select("patient_id", "as_of"), "patient_id")
    # A start that nobody can read is a start: it counts as begun, today at the latest.
    guessed = taken.started_on.isnull() & taken.started_text.notnull()
    begun = surely(taken.started_on <= taken.as_of) | guessed
    # An entry that ended was taken, even where its start is unknown; an end before its start ended nothing.
    backwards = surely(taken.stopped_on < taken.started_on)
    stop_day = day_number(taken.stopped_on) + _lasts(taken)
    over = surely(stop_day <= day_number(taken.as_of)) & ~backwards
    # Over, or on hold, since nobody knows when: lately, for all that is known.
    undated = ~backwards & taken.stopped_on.isnull()
    undated = undated & (surely(taken.status.isin(OVER)) | (surely(taken.status == HELD) & begun))
    # So is a supply of long ago, where nothing says for how long it was.
    unending = surely(taken.told_as.isin(SUPPLIED)) & taken.stopped_on.isnull() & taken.started_on.notnull()
    old = surely(unending & (day_number(taken.as_of) - day_number(taken.started_on) > parameter("supply_unknown_days")))
    over, undated = over | undated | old, undated | old
    return taken.mutate(
        begun=begun | over,
        running=begun & ~over,
        planned=~begun & ~over,
        backwards=backwards,
        guessed=guessed & ~over,
        unrecognised=taken.medicine.startswith(UNRECOGNISED),
        start_day=(guessed & ~over).ifelse(day_number(taken.as_of), day_number(taken.started_on)),
        unending=unending,
        stop_day=undated.ifelse(day_number(taken.as_of), stop_day),
        # One that ran its course, as nobody says that it was stopped, may go on with the next: see `_changes`.
        next_by=stop_day + (taken.status == RAN_OUT).ifelse(_persistence(), 0),
        held=surely(taken.status == HELD) & begun,
        as_of_day=day_number(taken.as_of),
    ).drop("as_of", "status")


def _persistence() -> Value:
    """The days between two supplies that are no stop."""
    return parameter("omop_persistence_days").cast("int64")


def _lasts(taken: Table) -> Value:
    """How long somebody may go on after the end that a supply, or what was given to them, comes to."""
    return surely(taken.told_as.isin(SUPPLIED)).ifelse(_persistence(), 0)


def course(taken: Table) -> Table:
    """One row a patient who has, had or will have a thiopurine: the steps of its dose put together."""
    rows = taken.semi_join(medicines_of("thiopurine"), "medicine")
    # Nothing or less is no dose that anyone takes: it is not known.
    rows = rows.mutate(impossible=surely(rows.dose_mg_per_day <= 0))
    rows = rows.mutate(dose_mg_per_day=(rows.dose_mg_per_day > 0).ifelse(rows.dose_mg_per_day, nothing("float64")))
    # What differs in nothing but its place in the record may be one entry written twice.
    alike = ["patient_id", "medicine", "rank", "dose_mg_per_day", "frequency", "start_day", "stop_day"]
    rows = _views(rows)
    rows = rows.mutate(again=ibis.row_number().over(ibis.window(group_by=alike, order_by="origin")) > 0)
    contradictory = rows.group_by("patient_id").agg(
        backwards=rows.backwards.any(),
        impossible=rows.impossible.any(),
        start_text=rows.started_text.max(where=rows.guessed),
    )
    rows = beside(rows, knowledge("thiopurines").select("medicine", "azathioprine_mg"), "medicine")
    steps = _changes(_steps(rows))
    begun = beside(beside(_begun(steps), _doses(steps)), _switched(steps))
    both = begun.outer_join(_planned(rows), "patient_id")
    both = both.mutate(patient_id=ibis.coalesce(both.patient_id, both.patient_id_right)).drop("patient_id_right")
    return both.inner_join(contradictory, "patient_id")


def _views(rows: Table) -> Table:
    """The entries without those that only say again what an order, or a report before a supply, says with its dose.

    An order, a report, supplies and administrations of one medicine are views of one treatment. One that gives no
    dose adds nothing to one that does and runs beside it; what was given at once may be a part of the day's dose.
    """
    rank = ibis.cases(
        (rows.told_as.isin(REPORTS), 1), (rows.told_as == SUPPLIED[0], 2), (rows.told_as == SUPPLIED[1], 3), else_=0
    )
    rows = rows.mutate(rank=rank)
    of_medicine = ibis.window(group_by=["patient_id", "medicine"])
    tells = rows.running & rows.dose_mg_per_day.notnull()
    ordered, reported = tells & (rows["rank"] == 0), tells & (rows["rank"] <= 1)
    stopped = ~rows.running & (rows["rank"] == 0) & (rows.next_by == rows.stop_day)
    rows = rows.mutate(
        order_stop=rows.stop_day.max(where=stopped).over(of_medicine),
        order_since=rows.start_day.min(where=ordered).over(of_medicine),
        order_dose=rows.dose_mg_per_day.max(where=ordered).over(of_medicine),
        told_since=rows.start_day.min(where=reported).over(of_medicine),
        told_dose=rows.dose_mg_per_day.max(where=reported).over(of_medicine),
    )
    supplied = rows["rank"] >= 2
    since = ibis.cases((supplied, rows.told_since), (rows["rank"] == 1, rows.order_since))
    dose = ibis.cases((supplied, rows.told_dose), (rows["rank"] == 1, rows.order_dose))
    silent = rows.dose_mg_per_day.isnull()
    part = surely((rows["rank"] == 3) & (rows.dose_mg_per_day <= dose))
    same = rows.guessed & surely(rows.dose_mg_per_day == dose)
    covered = rows.begun & since.notnull() & (rows.stop_day.fill_null(FAR) > since)
    rows = rows.mutate(answered=surely(covered & silent), again_said=surely(covered & (silent | part | same)))
    # Nobody goes on with what was supplied for an order that was stopped, or is on hold.
    over = surely(supplied & (rows.start_day < rows.order_stop))
    rows = rows.filter(~over & ~(rows.again_said & (rows.guessed | surely(rows.start_day >= since))))
    return rows.drop("order_since", "order_dose", "told_since", "told_dose", "again_said", "order_stop")


def _steps(rows: Table) -> Table:
    """One row for each day on which a thiopurine was begun: orders of one day add up, views of them don't."""
    rows = rows.filter(rows.begun)
    views = rows.group_by(["patient_id", "medicine", "start_day", "rank"]).agg(
        factor=rows.azathioprine_mg.max(),
        dose=ibis.coalesce(rows.dose_mg_per_day.sum(where=rows.running), rows.dose_mg_per_day.sum()),
        dose_once=rows.dose_mg_per_day.sum(where=rows.running & ~rows.again),
        guessed=rows.guessed.any(),
        unknown_dose=(rows.dose_mg_per_day.isnull() & ~rows.answered).any(),
        part_ended=rows.stop_day.max(where=~rows.running),
        stop=rows.stop_day.fill_null(FAR).max(),
        next_by=rows.next_by.fill_null(FAR).max(),
        running=rows.running.any(),
        unending=rows.unending.all(),
    )
    now = views.dose.max(where=views.running)
    steps = views.group_by(["patient_id", "medicine", "start_day"]).agg(
        factor=views.factor.max(),
        dose=ibis.coalesce(now, views.dose.max()),
        dose_low=views.dose.min(where=views.running),
        dose_once=views.dose_once.max(),
        guessed=views.guessed.any(),
        unknown_dose=views.unknown_dose.any(),
        part_ended=views.part_ended.max(),
        stop=views.stop.max(),
        next_by=views.next_by.max(),
        running=views.running.any(),
        unending=views.unending.all(),
    )
    return steps.mutate(azathioprine=steps.dose * steps.factor)


def _changes(steps: Table) -> Table:
    """Adds to each step what came before it, whether the dose rose with it, and when it last changed."""
    order = ibis.window(group_by="patient_id", order_by=["start_day", "medicine"])
    before = ibis.window(group_by="patient_id", order_by=["start_day", "medicine"], preceding=(None, 1))
    of_medicine = ibis.window(group_by=["patient_id", "medicine"])
    steps = steps.mutate(
        prior_medicine=steps.medicine.lag(1).over(order),
        prior_dose=steps.dose.lag(1).over(order),
        prior_azathioprine=steps.azathioprine.lag(1).over(order),
        prior_running=steps.running.lag(1).over(order),
        # Many records give the last day of an entry, so that the next begins a day later: that is no pause.
        # Nor is the time between two supplies that each ran out.
        prior_end=steps.stop.max().over(before) + 1,
        prior_next=steps.next_by.max().over(before) + 1,
        last_start=steps.start_day.max().over(ibis.window(group_by="patient_id")),
        current_start=steps.start_day.max(where=steps.running).over(of_medicine),
    )
    other = steps.prior_medicine != steps.medicine
    paused = steps.prior_next < steps.start_day
    same = surely(~other & (steps.dose == steps.prior_dose) & ~steps.unknown_dose & ~paused)
    return steps.mutate(
        # The first entry has nothing before it, and so rose.
        rose=perhaps(other | (steps.dose > steps.prior_dose) | steps.unknown_dose | paused),
        paused=surely(paused),
        switched=surely(other & ~steps.prior_running),
        current=steps.running & (steps.start_day == steps.current_start),
        changed=greatest(
            same.ifelse(-FAR, steps.start_day),
            (steps.running & steps.part_ended.notnull()).ifelse(steps.part_ended, -FAR),
        ),
    )


def _begun(steps: Table) -> Table:
    """One row a patient who has begun: when, how much, what changed last."""
    return steps.group_by("patient_id").agg(
        started_day=steps.start_day.min(where=~steps.guessed),
        increased_day=steps.start_day.max(where=steps.rose),
        changed_day=steps.changed.max(),
        running=steps.running.any(),
        stopped_day=steps.stop.max(),
        # The last supply, where supplies of unknown length are all that says that it is still taken.
        supplied_day=steps.start_day.max(where=steps.unending),
        supplied=steps.medicine.min(where=steps.unending),
        supplied_after=steps.stop.max(where=~steps.unending),
        entries=steps.count(where=steps.running),
        last_dose=steps.dose.max(where=steps.start_day == steps.last_start),
        restarted_day=steps.start_day.max(where=steps.paused),
        paused_day=(steps.prior_end - 1).max(where=steps.paused),
    )


def _doses(steps: Table) -> Table:
    """One row a patient who takes a thiopurine: how much of it, and in milligrams of azathioprine.

    Of one medicine the higher entry counts. Two medicines add up, in milligrams of the first by its name.
    """
    each = steps.filter(steps.running)
    each = each.group_by(["patient_id", "medicine"]).agg(
        factor=each.factor.max(),
        low=each.dose_low.min(),
        high=each.dose.max(),
        once=each.dose_once.max(),
        unknown=(each.unknown_dose & each.current).any(),
    )
    of_patient = ibis.window(group_by="patient_id")
    each = each.mutate(several=each.count().over(of_patient) > 1, first=each.medicine.min().over(of_patient))
    each = each.mutate(own=each.factor.max(where=each.medicine == each["first"]).over(of_patient))
    each = each.mutate(share=each.several.ifelse(each.factor / each.own, 1.0))
    return each.group_by("patient_id").agg(
        drug=each.medicine.min(),
        drugs=each.count(),
        dose_low=(each.low * each["share"]).sum(),
        dose=(each.high * each["share"]).sum(),
        dose_once=(each.once * each["share"]).sum(),
        factor=each.own.max(),
        azathioprine_mg=(each.high * each.factor).sum(),
        dose_unknown=(each.unknown | each["share"].isnull()).any(),
    )


def _switched(steps: Table) -> Table:
    """The last day on which one thiopurine took the place of another: which, and how much of each."""
    last = steps.filter(steps.switched)
    last = first_of(last, "patient_id", [ibis.desc("start_day"), "medicine"])
    return last.select(
        "patient_id",
        switched_day="start_day",
        switched_from="prior_medicine",
        switched_from_dose="prior_dose",
        switched_from_azathioprine="prior_azathioprine",
        switched_to_azathioprine="azathioprine",
    )


def _planned(rows: Table) -> Table:
    """One row a patient who has not begun, or who is to change: the dose that is planned."""
    ahead = rows.filter(rows.planned).mutate(first_day=rows.start_day.fill_null(-FAR))
    ahead = ahead.group_by(["patient_id", "first_day"]).agg(
        dose=ahead.dose_mg_per_day.sum(),
        dose_once=ahead.dose_mg_per_day.sum(where=~ahead.again),
        azathioprine=(ahead.dose_mg_per_day * ahead.azathioprine_mg).sum(),
        start_day=ahead.start_day.min(),
        medicine=ahead.medicine.min(),
    )
    first = ahead.first_day.min().over(ibis.window(group_by="patient_id"))
    ahead = ahead.mutate(first=first)
    return ahead.group_by("patient_id").agg(
        planned_dose=ahead.dose.max(),
        planned_azathioprine=ahead.azathioprine.max(),
        planned_once=ahead.dose_once.max(),
        planned_first=ahead.dose.min(where=ahead.first_day == ahead["first"]),
        planned_day=ahead.start_day.min(),
        planned_drug=ahead.medicine.min(),
    )


def person(latest: Table, course: Table, met: Table, taken: Table) -> Table:
    """One row a request. `status`: on, planned, stopped or none; `questioned`: none, and nobody can be sure of that."""
    rows = beside(_put_together(latest, course, met), _questions(taken))
    dose = ibis.coalesce(rows.dose, rows.planned_dose)
    another = surely(rows.planned_drug != rows.drug)
    chosen = ibis.coalesce(rows.protocol, rows.indication_protocol)
    rows = rows.mutate(
        protocol=ibis.coalesce(chosen, MOST_CAUTIOUS),
        protocol_known=chosen.notnull(),
        family=rows.family.fill_null("other"),
        as_of_day=day_number(rows.as_of),
        age=((_digits(rows.as_of) - _digits(rows.birth_date)) / 10000).floor().cast("int64"),
        deceased=surely(rows.died),
        status=_status(rows),
        taken=ibis.coalesce(rows.drug, rows.planned_drug),
        dose=dose,
        dose_once=ibis.coalesce(rows.dose_once, rows.planned_once),
        azathioprine_mg=ibis.coalesce(rows.azathioprine_mg, rows.planned_azathioprine),
        # In milligrams of what is taken now, whatever is planned to follow it.
        planned_dose=another.ifelse(rows.planned_azathioprine / rows.factor, rows.planned_dose),
        whole_dose=surely(rows.dose_unknown).ifelse(nothing("float64"), dose),
        mg_per_kg=dose / rows.weight,
        days_on=day_number(rows.as_of) - rows.started_day,
        supplied_day=surely(rows.supplied_after > rows.supplied_day).ifelse(nothing("int64"), rows.supplied_day),
        conflict=(rows.identities > 1) | (rows.sexes > 1),
        questioned=(_status(rows) == Status.NONE) & (surely(rows.asked) | rows.listed.isnull()) & ~surely(rows.died),
    )
    return rows.drop("supplied_after", "asked", "identities", "sexes", "indications", "indication_protocol", "died")


def _put_together(latest: Table, course: Table, met: Table) -> Table:
    """Each request with who it is about, the last weight, the course of treatment, and whether they have died."""
    asked = requests()
    indications = knowledge("indications").select("id", "family", "malignant", indication_protocol="protocol")
    rows = beside(asked, _known())
    rows = rows.left_join(indications, rows.indication == indications.id).drop("id")
    rows = beside(rows, of_analyte(latest, "weight", weight="low", weight_day="day", weight_on="taken_on"))
    rows = beside(rows, course)
    # The day on which a medicine that asks for closer testing came last.
    risky = met.filter(met.test.notnull() & met.running)
    rows = beside(rows, risky.group_by("patient_id").agg(risk_day=risky.start_day.max()))
    return beside(rows, _died())


def _questions(taken: Table) -> Table:
    """Those in whose record something may be a thiopurine, or may be missing."""
    unknown = taken.filter(taken.unrecognised & (taken.running | taken.planned)).select("patient_id")
    unread = ibis.table(UNREAD, name="unread")
    unread = unread.inner_join(requests().select("patient_id", "as_of"), "patient_id")
    # An order that was struck long ago concerns no result of today.
    old = surely(day_number(unread.as_of) - day_number(unread["on"]) > parameter("supply_unknown_days"))
    asked = unread.filter(unread.kind.isin(QUESTIONS) & ~((unread.kind == "struck") & old)).select("patient_id")
    return ibis.union(unknown, asked).distinct().mutate(asked=ibis.literal(True))


def _known() -> Table:
    """One row a patient of the record. Two reasons for treatment are two protocols: neither is chosen."""
    patients = record("patients")
    known = patients.group_by("patient_id").agg(
        birth_date=patients.birth_date.max(),
        sex=ibis.coalesce(patients.sex.max(where=patients.sex != "unknown"), "unknown"),
        indication=patients.indication.max(),
        indications=patients.indication.nunique(),
        identities=ibis.coalesce(patients.birth_date.nunique(), 0),
        sexes=patients.sex.nunique(where=patients.sex != "unknown"),
        listed=patients.count(),
    )
    return known.mutate(indication=(known.indications > 1).ifelse(nothing("string"), known.indication))


def _died() -> Table:
    """Those who have died. A death after the day asked about has not happened; one without a day has."""
    events = record("events")
    died = events.filter((events.kind == "condition") & (events.code == "deceased"))
    died = died.inner_join(requests().select("patient_id", "as_of"), "patient_id")
    died = died.filter(died.started_on.isnull() | (died.started_on <= died.as_of)).select("patient_id").distinct()
    return died.mutate(died=ibis.literal(True))


def _status(rows: Table) -> Value:
    return ibis.cases(
        (surely(rows.died), Status.NONE),
        (surely(rows.running), Status.ON),
        (rows.planned_day.notnull() | rows.planned_drug.notnull(), Status.PLANNED),
        (rows.started_day.notnull() | rows.stopped_day.notnull(), Status.STOPPED),
        else_=Status.NONE,
    )


def _digits(day: Value) -> Value:
    """20261123 for 2026-11-23: ten thousand of these make a year, exactly, on every engine."""
    return day.cast("string").replace("-", "").cast("int64")
