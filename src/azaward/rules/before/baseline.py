"""What must be known before the first tablet: what is missing, what is too old, what the screening found.

For a patient not yet on treatment a required test that is missing means: do not start. For one on
treatment, what was never known is still asked for, without alarm where it no longer decides the dose.
"""

from __future__ import annotations

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.limit import Limit, limit
from azaward.rules.language.tables import greatest, knowledge, parameter
from azaward.rules.language.words import beside, first_of, for_their_specialty, nothing, perhaps, surely, treated
from azaward.rules.stages.due import longest_gaps
from azaward.terms import Action, Rule, Status, Urgency

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
    rows = _asked_for(person)
    rows = beside(rows, done, ["patient_id", "test"])
    planned = rows.status == Status.PLANNED
    rows = beside(rows, longest_gaps(), ["protocol", "test"])
    # Where the protocol sets no age: what would be overdue on treatment is too old to begin it.
    rows = rows.mutate(within_days=ibis.coalesce(rows.within_days, rows.longest_gap))
    too_old = surely(rows.as_of_day - rows.done_day > rows.within_days) & planned
    rows = rows.filter(rows.done_day.isnull() | too_old)
    # One finding a test: the row that requires it goes before the one that suggests it.
    order = [ibis.desc("required"), "within_days", "locator", "source", "note"]
    rows = first_of(rows, ["patient_id", "test"], order).inner_join(_in_plain_words(), "test")
    old = rows.done_day.notnull()
    must_wait = rows.required & (rows.status == Status.PLANNED)
    return findings(
        rows,
        Rule.BASELINE,
        code=ibis.cases(
            (old, "baseline_too_old"),
            (rows.oldest_rank.notnull(), "baseline_incomplete"),
            else_="baseline_missing",
        ),
        action=must_wait.ifelse(Action.DO_NOT_START, Action.TEST),
        urgency=must_wait.ifelse(Urgency.THIS_WEEK, Urgency.ROUTINE),
        subject=rows.test,
        asks_for=rows.test,
        on=rows.done_day,
        limit=Limit(
            ibis.cases((old, rows.within_days)),
            ibis.cases((old, "within"), else_=None),
            ibis.cases((old, "d"), else_=None),
        ),
        required=rows.required.ifelse("required", "suggested"),
        note=rows.note,
        why=rows.why_plain,
        fact=rows.fact,
    )


def _asked_for(person: Table) -> Table:
    """The baseline tests that the protocol asks of each person; of those on treatment, what is known for life."""
    rows = treated(person, "protocol_known", "family", "status", "as_of_day", "started_day", "sex", "age")
    rows = for_their_specialty(rows.inner_join(knowledge("protocol_baseline"), "protocol"))
    rows = rows.filter((rows.status == Status.PLANNED) | rows.test.isin(LASTING))
    return rows.filter(~surely(_not_concerned(rows)))


def _not_concerned(rows: Table) -> Value:
    """Cervical screening and pregnancy tests concern women of an age; unknown age or sex counts as concerned."""
    screening = rows.test == "cervical_screening"
    too_young = surely(~limit("cervical_from_years").met_by(rows.age)) & screening
    too_old = surely(~limit("cervical_until_years").met_by(rows.age))
    return (screening | (rows.test == "pregnancy_test")) & ((rows.sex == "male") | too_young | too_old)


def _in_plain_words() -> Table:
    tests = knowledge("tests")
    return tests.group_by("test").agg(name=tests.name.min(), why_plain=tests.why_plain.min())


def gene_test_limits(person: Table, genes: Table, done: Table) -> Table:
    """TPMT unknown before the first tablet or in the first weeks, whatever the protocol asks for.

    A known NUDT15 is no substitute. On treatment blood is counted every week until so many weeks have shown how the
    dose is borne; after that the schedule of the protocol is enough.
    """
    rows = treated(person, "status", "as_of_day", "started_day", "increased_day")
    rows = rows.inner_join(genes.select("patient_id", "tpmt", "nudt15"), "patient_id")
    counted = done.filter(done.test == "full_blood_count").select("patient_id", "done_day")
    rows = beside(rows.filter(rows.tpmt.isnull()), counted)
    planned = rows.status == Status.PLANNED
    young = limit("early_treatment_days").met_by(rows.as_of_day - rows.increased_day)
    rows = rows.filter(planned | surely(young))
    due = greatest(rows.done_day, rows.started_day) + parameter("weekly_count_days")
    return findings(
        rows,
        Rule.BASELINE,
        code=planned.ifelse("genes_unknown", "genes_unknown_early"),
        action=planned.ifelse(Action.DO_NOT_START, Action.TEST),
        urgency=Urgency.THIS_WEEK,
        subject="tpmt",
        asks_for=planned.ifelse("tpmt", "tpmt full_blood_count"),
        within_days=greatest(due - rows.as_of_day, ibis.literal(0)),
        on=rows.done_day,
        nudt15=rows.nudt15.fill_null("not known"),
        days=number(rows.as_of_day - rows.increased_day),
    )


def screening_found(person: Table, latest: Table) -> Table:
    """A positive hepatitis B, C or HIV test, or no immunity to chickenpox: for the specialist before treatment."""
    rows = _read(latest, *SCREENS, "vzv_igg").inner_join(treated(person, "status"), "patient_id")
    screen = rows.analyte != "vzv_igg"
    bad = screen.ifelse(rows.yes, rows.no)
    rows = rows.mutate(bad=bad, screen=screen).filter(bad | rows.unclear)
    planned = rows.status == Status.PLANNED
    serious = rows.bad & rows.screen
    return findings(
        rows,
        Rule.BASELINE,
        code=ibis.cases(
            (rows.unclear, "screening_unclear"), (rows.screen, "screening_positive"), else_="not_immune_varicella"
        ),
        action=ibis.cases((rows.screen & planned, Action.DO_NOT_START), (serious, Action.REFER), else_=Action.REVIEW),
        urgency=(serious | planned).ifelse(Urgency.THIS_WEEK, Urgency.ROUTINE),
        subject=rows.analyte,
        text=rows.text,
        on=rows.taken_on,
    )


def _read(latest: Table, *analytes: str) -> Table:
    """The last of these tests that answer in words: `yes`, `no`, or `unclear` where they say both or neither."""
    rows = latest.filter(latest.analyte.isin(list(analytes)))
    words = rows.text.lower()
    negative = words.re_search(NEGATIVE)
    positive = words.re_replace(NEGATIVE, "").re_search(POSITIVE)
    return rows.mutate(
        yes=surely(positive & ~negative),
        no=surely(negative & ~positive),
        unclear=((negative & positive) | (~negative & ~positive)).fill_null(True),
    )


def ebv(person: Table, latest: Table) -> Table:
    """No antibodies against Epstein-Barr virus: above all for a young man a reason to choose another medicine.

    A young man whose antibodies nobody knows is tested before he starts, whatever his protocol asks for. In the first
    weeks another medicine can still be chosen, and that is for this week.
    """
    people = treated(person, "status", "sex", "age", "family", "as_of_day", "started_day")
    rows = beside(people, _read(latest, "ebv_igg").drop("day"))
    age = limit("ebv_young_men_years").met_by(rows.age)
    planned, unknown = rows.status == Status.PLANNED, perhaps(rows.unclear)
    negative = surely(rows.no)
    young = perhaps(age) & (rows.sex != "female")
    rows = rows.mutate(young=young, unknown=unknown, planned=planned)
    rows = rows.filter(negative | (unknown & planned & surely(age) & (rows.sex == "male")))
    graft = rows.family == "transplant"
    early = surely(limit("early_treatment_days").met_by(rows.as_of_day - rows.started_day)) & ~graft
    return findings(
        rows,
        Rule.BASELINE,
        code=ibis.cases((rows.unknown, "ebv_unknown"), (rows.young, "ebv_negative_young"), else_="ebv_negative"),
        action=ibis.cases(
            (rows.unknown, Action.TEST),
            (rows.young & rows.planned & ~graft, Action.DO_NOT_START),
            (rows.young | rows.planned, Action.REVIEW),
            else_=Action.INFORM,
        ),
        urgency=ibis.cases(
            (rows.unknown | (rows.young & (rows.planned | early)), Urgency.THIS_WEEK),
            (rows.young | rows.planned, Urgency.ROUTINE),
            else_=Urgency.INFO,
        ),
        subject="ebv",
        asks_for=rows.unknown.ifelse("ebv", nothing("string")),
        text=rows.text,
        on=rows.taken_on,
        limit=limit("ebv_young_men_years"),
    )


def pregnancy_test(person: Table, latest: Table) -> Table:
    """A positive pregnancy test, for as long as a pregnancy may last: an obstetrician before or beside treatment."""
    rows = _read(latest, "pregnancy_test").inner_join(treated(person, "status", "as_of_day"), "patient_id")
    lasts = limit("pregnancy_longest_days")
    rows = rows.filter(rows.yes & ~lasts.met_by(rows.as_of_day - rows.day))
    planned = rows.status == Status.PLANNED
    return findings(
        rows,
        Rule.BASELINE,
        code="pregnancy_test_positive",
        action=planned.ifelse(Action.DO_NOT_START, Action.REFER),
        urgency=Urgency.THIS_WEEK,
        subject=rows.analyte,
        text=rows.text,
        on=rows.taken_on,
    )
