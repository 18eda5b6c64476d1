"""What must be known before the first tablet: what is missing, what is too old, what the screening found.

For a patient not yet on treatment a required test that is missing means: do not start. For one on
treatment, what was never known is still asked for, without alarm where it no longer decides the dose.
"""

from __future__ import annotations

from azaward.rules.language.finding import findings
from azaward.rules.language.tables import Table, cite, knowledge, parameters
from azaward.rules.language.untyped import ibis
from azaward.rules.stages.due import applies

# Asked for once in a life: they still matter to a patient who is already on treatment.
LASTING = ("tpmt", "nudt15")
SCREENS = ("hbsag", "anti_hbc", "anti_hcv", "hiv_test")
# How laboratories say no, and what is left to say yes.
NEGATIVE = (
    "negative|non[- ]?reactive|not (reactive|detected|immune)|non[- ]?immune|undetected"
    "|no ([a-z-]+ ){0,3}(detected|immunity)|none detected"
)
POSITIVE = "positive|reactive|detected|immune"


def baseline(person: Table, done: Table) -> Table:
    """Every baseline test of the protocol that was never done, is incomplete or is older than it may be."""
    rows = person.filter(person.status.isin(["planned", "on"])).select(
        "patient_id", "protocol", "protocol_known", "family", "status", "as_of_day", "started_day", "sex", "age"
    )
    asked = knowledge("protocol_baseline")
    rows = rows.inner_join(asked, "protocol")
    rows = rows.filter(applies(rows, rows.family) | ~rows.protocol_known)
    rows = rows.filter((rows.status == "planned") | rows.test.isin(LASTING))
    rows = rows.pipe(parameters("cervical_from_years", "cervical_until_years"))
    # Cervical screening and pregnancy tests are for those whom they concern; unknown age or sex counts as concerned.
    not_concerned = ((rows.test == "cervical_screening") | (rows.test == "pregnancy_test")) & (
        (rows.sex == "male")
        | ((rows.age < rows.cervical_from_years) & (rows.test == "cervical_screening")).fill_null(False)
        | (rows.age > rows.cervical_until_years).fill_null(False)
    )
    rows = rows.filter(~not_concerned.fill_null(False))
    rows = rows.left_join(done, ["patient_id", "test"]).drop("patient_id_right", "test_right")
    too_old = (rows.as_of_day - rows.done_day > rows.within_days).fill_null(False) & (rows.status == "planned")
    rows = rows.filter(rows.done_day.isnull() | too_old)
    # One finding a test: the row that requires it goes before the one that suggests it.
    first = ibis.window(
        group_by=["patient_id", "test"], order_by=[ibis.desc("required"), "within_days", "locator", "source", "note"]
    )
    rows = rows.mutate(place=ibis.row_number().over(first))
    rows = rows.filter(rows.place == 0)
    names = (
        knowledge("tests")
        .group_by("test")
        .agg(name=knowledge("tests").name.min(), why_plain=knowledge("tests").why_plain.min())
    )
    rows = rows.inner_join(names, "test")
    must_wait = rows.required & (rows.status == "planned")
    return findings(
        rows,
        "baseline",
        code=ibis.cases(
            (rows.done_day.notnull(), "baseline_too_old"),
            (rows.oldest_rank.notnull(), "baseline_incomplete"),
            else_="baseline_missing",
        ),
        action=must_wait.ifelse("do-not-start", "test"),
        urgency=must_wait.ifelse("this-week", "routine"),
        subject=rows.test,
        on=rows.done_day,
        comparison=ibis.cases((rows.within_days.notnull(), "within"), else_=None),
        limit_value=rows.within_days,
        limit_unit=ibis.cases((rows.within_days.notnull(), "d"), else_=None),
        a=rows.required.ifelse("required", "suggested"),
        b=rows.note,
        c=rows.why_plain,
        sources=cite(rows),
    )


def gene_test_limits(person: Table, genes: Table) -> Table:
    """Planned treatment while TPMT is unknown, whatever the protocol asks for; a known NUDT15 is no substitute."""
    rows = person.filter(person.status == "planned").inner_join(
        genes.select("patient_id", "tpmt", "nudt15"), "patient_id"
    )
    rows = rows.filter(rows.tpmt.isnull())
    return findings(
        rows,
        "baseline",
        code="genes_unknown",
        action="do-not-start",
        urgency="this-week",
        subject="tpmt",
        a=rows.nudt15.fill_null("not known"),
    )


def screening_found(person: Table, latest: Table) -> Table:
    """A positive hepatitis B, C or HIV test, or no immunity to chickenpox: for the specialist before treatment."""
    rows = latest.filter(latest.analyte.isin([*SCREENS, "vzv_igg"])).inner_join(
        person.filter(person.status.isin(["planned", "on"])).select("patient_id", "protocol", "status"), "patient_id"
    )
    words = rows.text.lower()
    negative = words.re_search(NEGATIVE)
    positive = words.re_replace(NEGATIVE, "").re_search(POSITIVE)
    screen = rows.analyte != "vzv_igg"
    bad = screen.ifelse(positive & ~negative, negative & ~positive).fill_null(False)
    # Words that say both, or neither, are no answer.
    unclear = ((negative & positive) | (~negative & ~positive)).fill_null(True)
    rows = rows.mutate(bad=bad, unclear=unclear, screen=screen).filter(bad | unclear)
    planned = rows.status == "planned"
    serious = rows.bad & rows.screen
    return findings(
        rows,
        "baseline",
        code=ibis.cases(
            (rows.unclear, "screening_unclear"), (rows.screen, "screening_positive"), else_="not_immune_varicella"
        ),
        action=ibis.cases((rows.screen & planned, "do-not-start"), (serious, "refer"), else_="review"),
        urgency=(serious | planned).ifelse("this-week", "routine"),
        subject=rows.analyte,
        text=rows.text,
        on=rows.taken_on,
    )
