"""The long run: years on treatment, skin and cervical checks, the absolute risk of lymphoma and skin cancer."""

from __future__ import annotations

from azaward.rules.language.expressions import Table, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.limit import Limit, limit
from azaward.rules.language.tables import DAYS_IN_MONTH, DAYS_IN_YEAR, knowledge, parameter
from azaward.rules.language.words import beside, on_treatment, perhaps, surely
from azaward.terms import Action, Concerns, Rule, Status, Urgency


def years(person: Table) -> Table:
    """So long on treatment that a source says to ask whether it is still needed; never for a graft."""
    rows = on_treatment(person, "family", "days_on", "started_day", "taken")
    rows = rows.filter(rows.family == "gastroenterology")
    # A bare 365.25 is a decimal to Spark: an integer divided by it would keep few places.
    so_long = rows.days_on.cast("float64") / DAYS_IN_YEAR
    long = limit("consider_stopping_after_years")
    # Compared in days: a year of 365.25 has no exact share in binary.
    rows = rows.filter(rows.days_on > long.value * DAYS_IN_YEAR)
    return findings(
        rows,
        Rule.LONG_RUN,
        concerns=Concerns.NONE,
        code="reconsider_stopping",
        action=Action.REVIEW,
        urgency=Urgency.INFO,
        subject=rows.taken,
        value=so_long,
        unit="a",
        on=rows.started_day,
        limit=long,
    )


def checks(person: Table, done: Table) -> Table:
    """Skin and cervical checks that are due, once their interval has passed since treatment began.

    The skin is looked at after treatment too. Where nobody knows when treatment began, it may have been long ago. The
    cervix is screened as in anyone of that age: the programme invites, and a reminder is all that is needed.
    """
    people = person.filter(person.status.isin([Status.ON, Status.STOPPED]))
    skin = people.mutate(test=ibis.literal("skin_check"), every=parameter("skin_check_every_months") * DAYS_IN_MONTH)
    of_age = limit("cervical_from_years").met_by(people.age) & limit("cervical_until_years").met_by(people.age)
    women = people.filter((people.status == Status.ON) & perhaps(people.sex != "male") & perhaps(of_age))
    every = surely(limit("cervical_older_from_years").met_by(women.age)).ifelse(
        parameter("cervical_screening_every_months_older"), parameter("cervical_screening_every_months")
    )
    cervix = women.mutate(test=ibis.literal("cervical_screening"), every=every * DAYS_IN_MONTH)
    rows = beside(ibis.union(skin, cervix), done.select("patient_id", "test", "done_day"), ["patient_id", "test"])
    rows = rows.filter(
        perhaps(rows.days_on > rows.every) & (rows.done_day.isnull() | (rows.as_of_day - rows.done_day > rows.every))
    )
    return findings(
        rows,
        Rule.LONG_RUN,
        concerns=Concerns.NONE,
        code=(rows.test == "skin_check").ifelse("skin_check_due", "cervical_screening_due"),
        action=(rows.test == "skin_check").ifelse(Action.TEST, Action.INFORM),
        urgency=Urgency.INFO,
        subject=rows.test,
        asks_for=rows.test,
        value=rows.as_of_day - rows.done_day,
        unit="d",
        on=rows.done_day,
        limit=Limit(rows.every, "within", "d"),
    )


def risks(person: Table) -> Table:
    """The absolute figures for this age, once treatment has lasted a year.

    All that are known come from people with bowel disease: nobody else is shown them. A graft's medicines make the
    risk far higher.
    """
    rows = on_treatment(person, "age", "days_on", "family")
    rows = rows.filter((rows.days_on > DAYS_IN_YEAR) & (rows.family == "gastroenterology"))
    known = knowledge("risks")
    known = known.filter(known.outcome.contains("lymphoma") | known.outcome.contains("skin cancer"))
    now = known.exposure.isin(["thiopurine alone", "thiopurine now"])
    pairs = rows.cross_join(known.filter(known.rate_exposed.notnull() & now))
    # 50 to 65 is until the 65th birthday: from that day the figure for those over 65 counts.
    pairs = pairs.filter(
        (pairs.age_low.isnull() | surely(pairs.age >= pairs.age_low))
        & (pairs.age_high.isnull() | surely(pairs.age < pairs.age_high))
    )
    # The figure for this age goes before the one for all ages. Two for one age are both said.
    all_ages = (pairs.age_low.isnull() & pairs.age_high.isnull()).cast("int64")
    pairs = pairs.mutate(all_ages=all_ages)
    least = pairs.all_ages.min().over(ibis.window(group_by=["patient_id", "outcome"]))
    pairs = pairs.mutate(least=least)
    pairs = pairs.filter(pairs.all_ages == pairs.least)
    of_so_many = "per " + number(pairs.per) + " " + pairs.unit
    return findings(
        pairs,
        Rule.LONG_RUN,
        concerns=Concerns.NONE,
        code="absolute_risk",
        action=Action.INFORM,
        urgency=Urgency.INFO,
        subject=pairs.outcome,
        value=pairs.rate_exposed,
        unit=of_so_many,
        limit=Limit(pairs.rate_unexposed, "without", of_so_many),
        population=pairs.population,
        exposure=pairs.exposure,
        says_patient=pairs.says_patient,
        fact=pairs.fact,
    )
