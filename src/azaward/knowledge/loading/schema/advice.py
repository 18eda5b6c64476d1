"""Daily life as decision tables: the topics, the facts that decide each, the lines of advice, and whom to call.

A line's `when` holds clauses joined by `&`: `fact=word|word`, `fact!=word`, or a comparison of a number with the id of
a row of `advice_numbers.csv` or `parameters.csv`, such as `temperature>fever_celsius`. Empty: always.
"""

from __future__ import annotations

from typing import Literal

from azaward.knowledge.loading.schema.columns import AdviceTopicId, AnalyteId, CallId, Own, Prose, Proven
from azaward.knowledge.loading.schema.facts import Fact, Row, UnitCode
from azaward.terms import Action, Comparison, Urgency

# What the lines of a topic act on.
About = Literal[
    "advice",
    "alcohol",
    "anaesthetic",
    "azathioprine",
    "baby",
    "blood test",
    "breastfeeding",
    "care",
    "children",
    "contact",
    "contraception",
    "dairy",
    "dose",
    "double dose",
    "handling",
    "meal",
    "milk",
    "notes",
    "other food",
    "other medicines",
    "packing",
    "place",
    "raw food",
    "remedy",
    "restart",
    "school",
    "skin",
    "skin check",
    "sun",
    "supply",
    "tablet",
    "tablets",
    "these tablets",
    "time of the dose",
    "vaccine",
    "vaccines",
    "waste",
]


class AdviceTopic(Row, frozen=True):
    topic: Own
    title: Prose
    question: Prose


class AdviceQuestion(Row, frozen=True):
    """A fact that decides: one of several words, any of several signs, a number, or a vaccine by its name."""

    topic: AdviceTopicId
    fact: Own
    kind: Literal["choice", "signs", "number", "vaccine"]
    choices: Own | None
    analyte: AnalyteId | None
    unit: UnitCode | None
    question: Prose


class AdviceLine(Fact, frozen=True):
    """One line of a topic's table. `about` is what the action acts on; lines about one thing never oppose."""

    topic: AdviceTopicId
    line: Own
    when: Proven | None
    about: About
    action: Action
    urgency: Urgency
    says: Prose
    says_patient: Prose
    call: CallId | None


class AdviceNumber(Fact, frozen=True):
    """A number that advice alone uses. `comparison` says how a value is compared with it, where one is."""

    id: Own
    value: float
    comparison: Comparison | None
    unit: UnitCode | None
    meaning: Prose


class AdviceCall(Row, frozen=True):
    id: Own
    who: Prose
    who_patient: Prose


TABLES: dict[str, type[Row]] = {
    "advice_topics": AdviceTopic,
    "advice_questions": AdviceQuestion,
    "advice": AdviceLine,
    "advice_numbers": AdviceNumber,
    "advice_calls": AdviceCall,
}
