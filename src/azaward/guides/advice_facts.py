"""What did somebody answer to a question of daily life, and which values can it mean?

A number may carry its unit ("101 F") and is never converted by guess; a vaccine's name may fit several vaccines, and
then all of them are possible. What can't be used raises an error that says what was found and what was expected.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import cast

from azaward.errors import UserError
from azaward.knowledge import Knowledge
from azaward.knowledge.loading import units
from azaward.knowledge.loading.advice import NONE, Question, Topic, Value, vaccines
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.words.vocabulary import plain

Fact = str | float | list[str] | None
_NUMBER = re.compile(r"^([+-]?\d+(?:\.\d+)?)\s*(\D.*)?$")
UNKNOWN = ("", "unknown", "?")
# What people add to a vaccine's name.
_GENERIC = {"vaccine", "vaccination", "jab", "shot", "the"}
_NEAREST = 3
_DECIMALS = 6
_RESEMBLING = 60
UNIT_WORDS = {
    "Cel": "°C",
    "10*9/L": "×10⁹/L",
    "h": "hours",
    "d": "days",
    "min": "minutes",
    "wk": "weeks",
    "mo": "months",
}


class FactError(UserError):
    """A fact can't be used; the message is one line that says why and what to do."""


class WrongWordError(FactError):
    """A fact is none of the words that its question knows, or no number."""


def possible(topic: Topic, facts: Mapping[str, Fact], knowledge: Knowledge) -> tuple[dict[str, list[Value]], list[str]]:
    """The values that each given fact can mean, and notes on what was not understood.

    A fact that isn't given, or is given as "unknown", has no entry: it may be anything.
    """
    questions = {question.fact: question for question in topic.questions}
    if odd := [name for name in facts if name not in questions]:
        raise WrongWordError(
            f"{topic.id} asks nothing called {odd[0]!r}. It asks: {', '.join(questions) or 'nothing'}."
        )
    narrowed: dict[str, list[Value]] = {}
    notes: list[str] = []
    for name, question in questions.items():
        given = facts.get(name)
        if given is None or given == [] or (isinstance(given, str) and given.strip().casefold() in UNKNOWN):
            continue
        match question.kind:
            case "number":
                narrowed[name] = [_number(question, given, knowledge)]
            case "vaccine":
                if codes := vaccine_codes(str(given), knowledge):
                    narrowed[name] = list(dict.fromkeys(_seen(vaccines(knowledge)[code], question) for code in codes))
                    notes += [f"{given!r} may be: {', '.join(codes)}."] if len(codes) > 1 else []
                else:
                    notes.append(_not_a_vaccine(str(given), knowledge))
            case "signs":
                narrowed[name] = [_signs(question, given)]
            case _:
                narrowed[name] = [frozenset({_word(question, str(given))})]
    return narrowed, notes


def _seen(words: frozenset[str], question: Question) -> frozenset[str]:
    """A vaccine with only the words that the topic's lines tell apart, as in the question's domain."""
    told_apart = frozenset[str]().union(*(cast(frozenset[str], value) for value in question.domain))
    return words & told_apart


def _word(question: Question, given: str) -> str:
    word = given.strip().casefold().replace("_", "-").replace(" ", "-")
    if word not in {choice.word for choice in question.choices}:
        known = ", ".join(choice.word for choice in question.choices)
        raise WrongWordError(f"{question.fact} is {given!r}; expected one of: {known}.")
    return word


def _signs(question: Question, given: Fact) -> frozenset[str]:
    parts = given if isinstance(given, list) else str(given).split(",")
    words = frozenset(_word(question, part) for part in parts if part.strip())
    if words > NONE:
        raise WrongWordError(f"{question.fact} is both 'none' and {', '.join(sorted(words - NONE))}. Leave one out.")
    return words


def _number(question: Question, given: Fact, knowledge: Knowledge) -> float:
    number = _NUMBER.match(str(given).strip())
    if number is None:
        raise WrongWordError(f"{question.fact} is {given!r}; expected a number{_in_unit(question)}, such as 1.5.")
    value, written = float(number[1]), (number[2] or "").strip()
    if written:
        if question.analyte is None:
            raise WrongWordError(f"{question.fact} is {given!r}; give the number alone{_in_unit(question)}.")
        factors = units.convert(question.analyte, written, knowledge)
        if factors is None:
            raise FactError(f"{question.fact} is {given!r}; {written!r} is no unit of it. Give it{_in_unit(question)}.")
        # 100.4 F is 38 degrees, not a hair above it.
        value = round(value * factors[0] + factors[1], _DECIMALS)
    low, high = 0.0, math.inf
    if question.analyte is not None:
        about = knowledge.analytes[question.analyte]
        low = about.plausible_low if about.plausible_low is not None else low
        high = about.plausible_high if about.plausible_high is not None else high
    if not (math.isfinite(value) and low <= value <= high):
        bounds = f"{low:g} to {high:g}" if math.isfinite(high) else f"{low:g} or more"
        hint = "" if written else _other_unit(question, value, low, high, knowledge)
        raise FactError(f"{question.fact} {given}{_in_unit(question)} is not plausible (expected {bounds}).{hint}")
    return value


def _in_unit(question: Question) -> str:
    return f" in {UNIT_WORDS.get(question.unit, question.unit)}" if question.unit else ""


def _other_unit(question: Question, value: float, low: float, high: float, knowledge: Knowledge) -> str:
    """The unit in which the number would be plausible, as a question: nothing is converted by guess."""
    fitting = [
        row.written
        for row in knowledge.tables["conversions"]
        if row.analyte == question.analyte and low < value * row.factor + row.offset <= high
    ]
    return f" Is it in {min(fitting, key=len)}? Then type {value:g}{min(fitting, key=len)}." if fitting else ""


@lru_cache(maxsize=4)
def _vaccine_names(knowledge: Knowledge) -> tuple[tuple[str, str], ...]:
    return tuple(
        (plain(name.replace("_", " ")), row.code)
        for row in knowledge.tables["events"]
        if row.kind == "vaccination"
        for name in (row.code, *split(row.synonyms))
    )


def vaccine_codes(text: str, knowledge: Knowledge) -> list[str]:
    """Every vaccine whose name holds all the words that were typed: "shingles" is a live one and one that isn't.

    >>> from azaward.knowledge import load
    >>> vaccine_codes("yellow fever", load()), vaccine_codes("shingles", load())
    (['yellow_fever'], ['zoster_live', 'zoster_recombinant'])
    """
    typed = set(plain(text.replace("_", " ")).split())
    for words in (typed, typed - _GENERIC):
        if vaccines := [code for name, code in _vaccine_names(knowledge) if words and words <= set(name.split())]:
            return list(dict.fromkeys(vaccines))
    return []


def _not_a_vaccine(text: str, knowledge: Knowledge) -> str:
    from rapidfuzz import process

    near = process.extract(plain(text), [name for name, _ in _vaccine_names(knowledge)], limit=_NEAREST)
    names = ", ".join(name for name, score, _ in near if score >= _RESEMBLING)
    return f"No vaccine here is called {text!r}, so it is taken as live." + (f" Near to it: {names}." if names else "")
