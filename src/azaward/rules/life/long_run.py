"""The long run: years on treatment, skin and cervical checks, the absolute risk of lymphoma and skin cancer."""

from __future__ import annotations

from azaward.rules.language.finding import findings, number
from azaward.rules.language.tables import DAYS_IN_MONTH, DAYS_IN_YEAR, Table, cite, knowledge, parameters
from azaward.rules.language.untyped import ibis


def years(person: Table) -> Table:
    """So long on treatment that a source says to ask whether it is still needed; never for a graft."""
    rows = person.filter((person.status == "on") & (person.family == "gastroenterology")).pipe(
        parameters("consider_stopping_after_years")
    )
    rows = rows.filter(rows.days_on > rows.consider_stopping_after_years * DAYS_IN_YEAR)
    return findings(
        rows,
        "long_run",
        code="reconsider_stopping",
        action="review",
        urgency="info",
        subject=rows.taken,
        # A bare 365.25 is a decimal to Spark: an integer divided by it would keep few places.
        value=rows.days_on.cast("float64") / DAYS_IN_YEAR,
        unit="a",
        on=rows.started_day,
        comparison="above",
        limit_value=rows.consider_stopping_after_years,
        limit_unit="a",
    )


def checks(person: Table, done: Table) -> Table:
    """Skin and cervical checks that are due, once their interval has passed since treatment began.

    The skin is looked at after treatment too. Where nobody knows when treatment began, it may have been long ago.
    """
    rows = person.filter(person.status.isin(["on", "stopped"])).pipe(
        parameters(
            "skin_check_every_months", "cervical_screening_every_months", "cervical_from_years", "cervical_until_years"
        )
    )
    due = done.filter(done.test.isin(["skin_check", "cervical_screening"]))
    skin = rows.mutate(test=ibis.literal("skin_check"), every=rows.skin_check_every_months * DAYS_IN_MONTH)
    women = rows.filter(
        (rows.status == "on")
        & (rows.sex != "male").fill_null(True)
        & ((rows.age >= rows.cervical_from_years) & (rows.age <= rows.cervical_until_years)).fill_null(True)
    )
    cervix = women.mutate(
        test=ibis.literal("cervical_screening"), every=women.cervical_screening_every_months * DAYS_IN_MONTH
    )
    rows = ibis.union(skin, cervix).left_join(due.select("patient_id", "test", "done_day"), ["patient_id", "test"])
    rows = rows.drop("patient_id_right", "test_right")
    rows = rows.filter(
        (rows.days_on > rows.every).fill_null(True)
        & (rows.done_day.isnull() | (rows.as_of_day - rows.done_day > rows.every))
    )
    return findings(
        rows,
        "long_run",
        code=rows.test + "_due",
        action="test",
        urgency="info",
        subject=rows.test,
        value=rows.as_of_day - rows.done_day,
        unit="d",
        on=rows.done_day,
        comparison="within",
        limit_value=rows.every,
        limit_unit="d",
    )


def risks(person: Table) -> Table:
    """The absolute figures for this age, once treatment has lasted a year."""
    rows = person.filter(person.status == "on")
    rows = rows.filter(rows.days_on > DAYS_IN_YEAR)
    known = knowledge("risks")
    known = known.filter(known.outcome.contains("lymphoma") | known.outcome.contains("skin cancer"))
    now = known.exposure.isin(["thiopurine alone", "thiopurine now"])
    pairs = rows.cross_join(known.filter(known.rate_exposed.notnull() & now))
    # 50 to 65 is until the 65th birthday: from that day the figure for those over 65 counts.
    pairs = pairs.filter(
        (pairs.age_low.isnull() | (pairs.age >= pairs.age_low).fill_null(False))
        & (pairs.age_high.isnull() | (pairs.age < pairs.age_high).fill_null(False))
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
        "long_run",
        code="absolute_risk",
        action="inform",
        urgency="info",
        subject=pairs.outcome,
        value=pairs.rate_exposed,
        unit=of_so_many,
        limit_value=pairs.rate_unexposed,
        limit_unit=of_so_many,
        comparison="without",
        b=pairs.population,
        c=pairs.exposure,
        says_patient=pairs.says_patient,
        sources=cite(pairs),
    )
