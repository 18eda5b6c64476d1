"""What each figure of a service counts, in words: one place for the JSON, the page and docs/cohort-quality.md.

`counted` over `counted` and `others` is the share that is shown; what is `beside` is in neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Definition:
    """A figure: what a row is about, which outcomes make the share, and the words for all of it.

    `unit`: what is counted. `days`: the figure whose days belong to these rows, and what they are days of.
    """

    title: str
    unit: str
    row: tuple[str, ...]
    counted: tuple[str, ...]
    others: tuple[str, ...]
    beside: tuple[str, ...]
    share: str
    numerator: str
    denominator: str
    window: str
    days: tuple[str, str] | None = None

    @property
    def outcomes(self) -> tuple[str, ...]:
        """All of them, in the order in which they are shown."""
        return (*self.counted, *self.others, *self.beside)


_TIMELY = (
    "How late: days from the day a test was due to the day it was done, treatment ended or today came, "
    "whichever was first."
)
_FIRST_DONE = (
    "Days from the sample to the first of: a lower dose, the end of treatment, the same analyte measured again. "
    "Only results that were acted on at all, however late, and are old enough to be in the share."
)

DEFINITIONS: Mapping[str, Definition] = {
    "people": Definition(
        "Who is in these figures",
        "people",
        (),
        (),
        (),
        ("on_treatment", "stopped", "start_unknown", "contradictory", "not_begun"),
        "",
        "everybody in the records, once",
        "",
        "on the day that counts as today",
    ),
    "tested_before": Definition(
        "Tested before the first tablet",
        "people",
        ("test", "asked as"),
        ("tested",),
        ("too_old", "incomplete", "not_tested"),
        ("unknown",),
        "tested",
        "people in whom every part of the test was there on the day of the first tablet or before, and no older than "
        "the protocol lets it be",
        "people who have begun, whose protocol asks for the test and whom it concerns (cervical screening and "
        "pregnancy tests: by sex and by age on that day)",
        "any time up to the first tablet, or as many days before it as the protocol says",
    ),
    "on_time": Definition(
        "Tested on time",
        "tests that fell due",
        ("test",),
        ("on_time",),
        ("late", "missed"),
        ("not_due", "people_start_unknown"),
        "on time",
        "tests that fell due and were complete on their day or before",
        "tests that fell due on treatment: after the first tablet and after each test the next one is due as the "
        "protocol's schedule says, by the earliest of its rows; in a pause, on the day on which treatment begins again",
        "missed: a whole interval of the schedule passed after the due day; late: less than that",
        ("days_late", _TIMELY),
    ),
    "on_time_by_phase": Definition(
        "Tested on time, by phase of treatment",
        "tests that fell due",
        ("protocol", "phase", "test"),
        ("on_time",),
        ("late", "missed"),
        ("not_due",),
        "on time",
        "as in tested on time",
        "as in tested on time, where this row of the schedule set the day",
        "as in tested on time",
    ),
    "up_to_date": Definition(
        "Days with an up-to-date test",
        "days on treatment",
        ("test",),
        ("covered",),
        ("overdue",),
        (),
        "of days up to date",
        "days on treatment on which the test was not overdue",
        "days on treatment",
        "from the first tablet to the last, or to today, without pauses",
    ),
    "longest_gap": Definition(
        "Longest time without a test",
        "people",
        ("test",),
        (),
        (),
        (),
        "",
        "for each person the most days in a row on treatment without the test being completed",
        "people who have begun and whose protocol schedules the test",
        "a pause ends one run of days and begins another",
        ("longest_gap", "Days without the test."),
    ),
    "acted_on": Definition(
        "Abnormal results acted on",
        "abnormal results",
        ("analyte", "direction"),
        ("lowered", "stopped", "repeated"),
        ("later", "not_yet"),
        ("too_recent",),
        "acted on in time",
        "abnormal results after which the dose was lowered, treatment ended or the analyte was measured again in time, "
        "whichever came first",
        "each day on treatment on which an analyte was beyond a limit of the person's protocol that asks to stop, to "
        "withhold or to reduce",
        "in time: {within} days; a result that is not yet so old is beside",
        ("acted_on_days", _FIRST_DONE),
    ),
    "acted_on_by_urgency": Definition(
        "Abnormal results acted on, by the urgency of the limit",
        "abnormal results",
        ("urgency",),
        ("lowered", "stopped", "repeated"),
        ("later", "not_yet"),
        ("too_recent",),
        "acted on in time",
        "as in abnormal results acted on",
        "as in abnormal results acted on",
        "as in abnormal results acted on",
        ("acted_on_by_urgency_days", _FIRST_DONE),
    ),
    "allopurinol": Definition(
        "Allopurinol: was the dose changed?",
        "times that both came together",
        (),
        ("by_that_day",),
        ("later", "never"),
        ("unknown",),
        "with a lower dose from the first day",
        "times that the thiopurine's dose was lower on the first day of both than on the day before, that treatment "
        "ended on that day, or that the dose was already no more than the share of the usual dose that goes with "
        "allopurinol (interactions.csv)",
        "each time that allopurinol and a thiopurine came together",
        "the first day of both; later: a lower dose while both were taken",
    ),
    "genes": Definition(
        "Enzymes known",
        "people",
        ("gene",),
        ("genotype", "activity"),
        ("indeterminate", "not_known"),
        ("unknown",),
        "known",
        "people whose TPMT or NUDT15 is known from a genotype, or TPMT from its activity alone",
        "people on treatment",
        "on the day that counts as today",
    ),
    "live_vaccines": Definition(
        "Live vaccines given",
        "people",
        (),
        ("on_treatment", "soon_after", "shortly_before"),
        ("none",),
        ("unknown",),
        "given one when it should not be",
        "people given a live vaccine on treatment, sooner after its end or more shortly before its beginning than "
        "parameters.csv lets it be ({after_months} and {before_months} months)",
        "people who have begun",
        "all of the record up to today; each person counts once, by the worst",
    ),
}

TREATMENT = {
    "title": "People over time on treatment",
    "numerator": "people who still take a thiopurine",
    "denominator": "people whose first tablet's day is known",
    "window": "from the first tablet to the last, pauses included; who still takes it counts up to today, who died "
    "up to that day. Kaplan-Meier, interval by the log(-log) method; by reason: Aalen-Johansen, the reasons "
    "competing. A record holds no reason: what came in the {before} days before the last tablet stands for it, in "
    "the order of this table",
}

OUTCOMES: Mapping[str, str] = {
    "on_treatment": "on treatment",
    "stopped": "stopped",
    "start_unknown": "first day not known",
    "contradictory": "record contradicts itself",
    "not_begun": "not begun",
    "tested": "tested",
    "too_old": "too old",
    "incomplete": "incomplete",
    "not_tested": "not tested",
    "unknown": "not known",
    "on_time": "on time",
    "late": "late",
    "missed": "missed",
    "not_due": "not due",
    "people_start_unknown": "people whose start is not known",
    "covered": "days up to date",
    "overdue": "days overdue",
    "lowered": "dose lowered",
    "repeated": "test repeated",
    "later": "later",
    "not_yet": "not at all",
    "too_recent": "too recent to say",
    "by_that_day": "by the first day",
    "never": "never",
    "genotype": "genotype",
    "activity": "activity alone",
    "indeterminate": "indeterminate",
    "not_known": "not known",
    "soon_after": "soon after the end",
    "shortly_before": "shortly before the start",
    "none": "none",
}

# What came before the last tablet, in the order in which it counts.
REASONS: Mapping[str, str] = {
    "died": "died",
    "abnormal_result": "an abnormal result",
    "pregnancy": "a pregnancy",
    "symptom": "a symptom",
    "infection": "an infection",
    "procedure": "a procedure",
    "not_known": "nothing in the record",
}

METHODS = (
    "Intervals hold 95%. A share's is Wilson's. Where one person has several tests or results, these are not "
    "independent: the interval is Wilson's for the number of independent ones that would be as certain (the design "
    "effect by linearisation over people).",
    "A median's interval is by order statistics (binomial). Quartiles and the 90th percentile are those of the "
    "days themselves.",
    "What is not known is a column of its own and never counts as done.",
    "The record is taken as whole: what a clinic did before this record begins, or wrote elsewhere, counts as not "
    "done.",
)
