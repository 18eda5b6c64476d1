"""Daily life as decision tables: the topics, the facts that decide each, the lines of advice, and whom to call.

A line's `when` holds clauses joined by `&`: `fact=word|word`, `fact!=word`, or a comparison of a number with the id of
a row of `advice_numbers.csv` or `parameters.csv`, such as `temperature>fever_celsius`. Empty: always.
"""

from __future__ import annotations

from typing import Literal

from azaward.knowledge.loading.schema.facts import Fact, Row
from azaward.terms import Action, Urgency


class AdviceTopic(Row, frozen=True):
    topic: str
    title: str
    question: str


class AdviceQuestion(Row, frozen=True):
    """A fact that decides: one of several words, any of several signs, a number, or a vaccine by its name."""

    topic: str
    fact: str
    kind: Literal["choice", "signs", "number", "vaccine"]
    choices: str | None
    analyte: str | None
    unit: str | None
    question: str


class AdviceLine(Fact, frozen=True):
    """One line of a topic's table. `about` is what the action acts on; lines about one thing never oppose."""

    topic: str
    line: str
    when: str | None
    about: str
    action: Action
    urgency: Urgency
    says: str
    says_patient: str
    call: str | None


class AdviceNumber(Fact, frozen=True):
    id: str
    value: float
    unit: str | None
    meaning: str


class AdviceCall(Row, frozen=True):
    id: str
    who: str
    who_patient: str


TABLES: dict[str, type[Row]] = {
    "advice_topics": AdviceTopic,
    "advice_questions": AdviceQuestion,
    "advice": AdviceLine,
    "advice_numbers": AdviceNumber,
    "advice_calls": AdviceCall,
}
