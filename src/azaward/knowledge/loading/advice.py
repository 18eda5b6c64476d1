"""Reads the decision tables of daily life, and proves that they answer every combination without contradiction.

Each fact has a finite number of kinds of answer: its words, or, for a number, the stretches between the limits that the
table compares it with, and the limits themselves. A topic is proven by asking every combination.
"""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from typing import Any

from azaward.errors import KnowledgeError
from azaward.knowledge.loading.load import Knowledge
from azaward.knowledge.loading.schema import ACTIONS, URGENCIES
from azaward.knowledge.loading.schema.advice import AdviceLine, AdviceNumber, AdviceQuestion
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.schema.facts import Parameter
from azaward.terms import Comparison

Value = float | frozenset[str]
NONE = frozenset({"none"})
# What an action asks of the thing that a line is about; the others take no side.
HOLDS_BACK = frozenset({"stop", "withhold", "do-not-start", "reduce", "avoid"})
GOES_ON = frozenset({"continue"})

_COMPARE = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
# A limit is met on one side of its line; the other side is what a line for the rest may ask for.
_SIGNS: Mapping[Comparison | None, tuple[str, str]] = {
    Comparison.AT_LEAST: (">=", "<"),
    Comparison.BELOW: ("<", ">="),
    Comparison.AT_MOST: ("<=", ">"),
    Comparison.ABOVE: (">", "<="),
}
_CLAUSE = re.compile(r"^(\w+)\s*(!=|<=|>=|=|<|>)\s*(\S.*)$")
_GAP = re.compile(r"\{(\w+)\}")
# More combinations than this can't be proven in the time that a check may take.
_MOST_COMBINATIONS = 60_000


@dataclass(frozen=True)
class Choice:
    """A word that may answer a question, and what it means in plain words."""

    word: str
    meaning: str


@dataclass(frozen=True)
class Question:
    """A fact that decides a topic, and every value that makes a difference (`domain`)."""

    fact: str
    kind: str
    choices: tuple[Choice, ...]
    analyte: str | None
    unit: str | None
    text: str
    domain: tuple[Value, ...]


@dataclass(frozen=True)
class Clause:
    """One condition of a line: the fact is, or is not, one of some words, or compares so with a number."""

    fact: str
    sign: str
    words: frozenset[str]
    number: float

    def holds(self, value: Value) -> bool:
        """Whether a known value meets the condition."""
        if isinstance(value, frozenset):
            return bool(value & self.words) == (self.sign == "=")
        return _COMPARE[self.sign](value, self.number)


@dataclass(frozen=True)
class Line:
    """A line with its conditions; `place` is its place in the table and settles a tie."""

    row: AdviceLine
    clauses: tuple[Clause, ...]
    place: int

    @property
    def caution(self) -> tuple[int, int, int]:
        """Less is more cautious: by urgency, then by action, then by place."""
        return URGENCIES.index(self.row.urgency), ACTIONS.index(self.row.action), self.place

    def holds(self, facts: Mapping[str, Value]) -> bool:
        """Whether it holds for facts that are all known."""
        return all(clause.holds(facts[clause.fact]) for clause in self.clauses)


@dataclass(frozen=True)
class Topic:
    """A decision table: the questions in the order in which they are asked, and the lines."""

    id: str
    title: str
    text: str
    questions: tuple[Question, ...]
    lines: tuple[Line, ...]

    def met(self, facts: Mapping[str, Value]) -> list[Line]:
        """The lines that hold for facts that are all known, most cautious first: the first decides."""
        return sorted((line for line in self.lines if line.holds(facts)), key=lambda line: line.caution)

    def every(self, possible: Mapping[str, Sequence[Value]]) -> Iterator[dict[str, Value]]:
        """Every combination of values, where `possible` narrows some facts and the others may be anything."""
        names = [question.fact for question in self.questions]
        for values in product(*(possible.get(question.fact, question.domain) for question in self.questions)):
            yield dict(zip(names, values, strict=True))


@lru_cache(maxsize=4)
def topics(knowledge: Knowledge) -> Mapping[str, Topic]:
    """Every topic by its id, in the order of the table.

    `KnowledgeError` names a condition that can't be read.

    >>> from azaward.knowledge import load
    >>> [question.fact for question in topics(load())["missed-dose"].questions]
    ['times_a_day', 'hours_late']
    """
    return {row.topic: _topic(row, knowledge) for row in knowledge.tables["advice_topics"]}


@lru_cache(maxsize=4)
def numbers(knowledge: Knowledge) -> Mapping[str, Parameter | AdviceNumber]:
    """The numbers that lines compare with or speak of, by id: those of rules and those of advice alone."""
    return {**knowledge.parameters, **{row.id: row for row in knowledge.tables["advice_numbers"]}}


def spoken(text: str, knowledge: Knowledge) -> str:
    """A text with its numbers in place.

    >>> from azaward.knowledge import load
    >>> spoken("above {fever_celsius} degrees", load())
    'above 38 degrees'
    """
    return _GAP.sub(lambda gap: f"{numbers(knowledge)[gap[1]].value:g}", text)


def used(line: AdviceLine) -> list[str]:
    """The ids of the numbers that a line compares with or speaks of, each once."""
    compared = [clause[3] for clause in _clauses(line) if clause[2] in _COMPARE]
    return list(dict.fromkeys([*compared, *_GAP.findall(line.says), *_GAP.findall(line.says_patient)]))


def _clauses(line: AdviceLine) -> Iterator[re.Match[str]]:
    for part in (line.when or "").split("&"):
        if part.strip():
            match = _CLAUSE.match(part.strip())
            if match is None:
                raise KnowledgeError(f"advice.csv: {line.topic} {line.line}: {part.strip()!r} is no condition.")
            yield match


def _topic(row: Any, knowledge: Knowledge) -> Topic:
    asked = [question for question in knowledge.tables["advice_questions"] if question.topic == row.topic]
    kinds = {question.fact: question.kind for question in asked}
    lines: list[Line] = []
    for place, line in enumerate(knowledge.tables["advice"]):
        if line.topic == row.topic:
            clauses = tuple(_clause(line, match, kinds, knowledge) for match in _clauses(line))
            lines.append(Line(line, clauses, place))
    questions: list[Question] = []
    for question in asked:
        clauses = [clause for line in lines for clause in line.clauses if clause.fact == question.fact]
        choices = tuple(_choice(part) for part in split(question.choices))
        domain = tuple(_domain(question, choices, clauses, knowledge))
        questions.append(_question(question, choices, domain))
    return Topic(row.topic, row.title, row.question, tuple(questions), tuple(lines))


def _question(row: AdviceQuestion, choices: tuple[Choice, ...], domain: tuple[Value, ...]) -> Question:
    return Question(row.fact, row.kind, choices, row.analyte, row.unit, row.question, domain)


def _choice(text: str) -> Choice:
    word, _, meaning = text.partition("=")
    return Choice(word.strip(), meaning.strip() or word.strip())


def _clause(line: AdviceLine, match: re.Match[str], kinds: Mapping[str, str], knowledge: Knowledge) -> Clause:
    fact, sign, right = match[1], match[2], match[3].strip()
    where = f"advice.csv: {line.topic} {line.line}: {match[0]!r}"
    if fact not in kinds:
        raise KnowledgeError(f"{where}: no question of this topic asks for {fact!r}.")
    if (sign in _COMPARE) != (kinds[fact] == "number"):
        raise KnowledgeError(f"{where}: {fact!r} is a {kinds[fact]}; a number is compared, words are equal or not.")
    if sign not in _COMPARE:
        return Clause(fact, sign, frozenset(word.strip() for word in right.split("|")), 0.0)
    if right not in numbers(knowledge):
        raise KnowledgeError(f"{where}: no number {right!r} in advice_numbers.csv or parameters.csv.")
    row = numbers(knowledge)[right]
    if sign not in (signs := _SIGNS.get(row.comparison, ())):
        how = f"compares by {row.comparison}: expected {' or '.join(signs)}" if signs else "has no `comparison`"
        raise KnowledgeError(f"{where}: the row of {right!r} {how}, so that one limit is the same everywhere.")
    return Clause(fact, sign, frozenset(), float(row.value))


def _domain(
    row: AdviceQuestion, choices: Sequence[Choice], clauses: Sequence[Clause], knowledge: Knowledge
) -> Iterator[Value]:
    """The values that make a difference: no clause tells any other value from one of these."""
    if row.kind == "number":
        analyte = knowledge.analytes.get(row.analyte or "")
        least = float(analyte.plausible_low or 0) if analyte else 0.0
        limits = sorted({least, *(clause.number for clause in clauses)})
        for limit, above in zip(limits, [*limits[1:], None], strict=True):
            yield limit
            yield limit + 1 if above is None else (limit + above) / 2
        return
    mentioned = frozenset[str]().union(*(clause.words for clause in clauses))
    if row.kind == "choice":
        yield from (frozenset({choice.word}) for choice in choices)
    elif row.kind == "vaccine":
        yield from dict.fromkeys(words & mentioned for words in vaccines(knowledge).values())
    else:
        yield NONE
        told_apart: dict[tuple[bool, ...], str] = {}
        for choice in choices:
            if choice.word not in NONE:
                told_apart.setdefault(tuple(choice.word in clause.words for clause in clauses), choice.word)
        for size in range(1, len(told_apart) + 1):
            yield from (frozenset(some) for some in combinations(told_apart.values(), size))


@lru_cache(maxsize=4)
def vaccines(knowledge: Knowledge) -> Mapping[str, frozenset[str]]:
    """Each vaccine with the words that conditions may use of it: its code and its classes."""
    rows = [row for row in knowledge.tables["events"] if row.kind == "vaccination"]
    return {row.code: frozenset({row.code, *split(row.classes)}) for row in rows}


def faults(knowledge: Knowledge) -> Iterator[str]:
    """Where the tables leave a combination of facts without an answer, contradict themselves or are never met."""
    try:
        held = topics(knowledge)
    except KnowledgeError as error:
        yield str(error)
        return
    for table, key in (("advice_topics", "topic"), ("advice_numbers", "id"), ("advice_calls", "id")):
        for word, times in Counter(getattr(row, key) for row in knowledge.tables[table]).items():
            if times > 1:
                yield f"{table}.csv: {word!r} stands there {times} times"
    for row in knowledge.tables["advice_numbers"]:
        if row.id in knowledge.parameters:
            yield f"advice_numbers.csv: {row.id} is a number of parameters.csv too. Keep one."
    for row in knowledge.tables["advice"]:
        where = f"advice.csv: {row.topic} {row.line}"
        for number in used(row):
            if number not in numbers(knowledge):
                yield f"{where}: no number {number!r} in advice_numbers.csv or parameters.csv"
    spoken_of = {number for row in knowledge.tables["advice"] for number in used(row)}
    for row in knowledge.tables["advice_numbers"]:
        if row.id not in spoken_of:
            yield f"advice_numbers.csv: no line uses {row.id}"
    for topic in held.values():
        yield from _proof(topic)


@lru_cache(maxsize=256)
def _proof(topic: Topic) -> tuple[str, ...]:
    """A table that is the same as before is proven already: other numbers are changed and checked by the hundred."""
    return tuple(_topic_faults(topic))


def _topic_faults(topic: Topic) -> Iterator[str]:
    names = Counter(line.row.line for line in topic.lines)
    yield from (f"advice.csv: {topic.id}: two lines are called {name!r}" for name, times in names.items() if times > 1)
    for question in topic.questions:
        known = {word for value in question.domain if isinstance(value, frozenset) for word in value}
        known |= {choice.word for choice in question.choices}
        for line in topic.lines:
            for clause in line.clauses:
                if clause.fact == question.fact and (odd := clause.words - known):
                    yield f"advice.csv: {topic.id} {line.row.line}: {question.fact} is never {', '.join(sorted(odd))}"
    size = 1
    for question in topic.questions:
        size *= len(question.domain)
    if size > _MOST_COMBINATIONS:
        yield f"advice.csv: {topic.id}: {size} combinations of facts, more than can be proven"
        return
    unmet = set(names)
    for facts in topic.every({}):
        met = topic.met(facts)
        unmet -= {line.row.line for line in met}
        if not met:
            yield f"advice.csv: {topic.id}: no line answers {shown(facts)}"
            return
        if opposed := _opposed(met):
            yield f"advice.csv: {topic.id}: {opposed[0]} and {opposed[1]} contradict each other for {shown(facts)}"
            return
    yield from (f"advice.csv: {topic.id} {name}: no combination of facts meets this line" for name in sorted(unmet))


def _opposed(met: Sequence[Line]) -> tuple[str, str] | None:
    """Two lines about one thing, of which one holds it back and the other lets it go on."""
    for line in met:
        if line.row.action in GOES_ON:
            for other in met:
                if other.row.about == line.row.about and other.row.action in HOLDS_BACK:
                    return line.row.line, other.row.line
    return None


def shown(facts: Mapping[str, Value]) -> str:
    """Facts in one line, for a message."""
    return ", ".join(
        f"{fact} {'/'.join(sorted(value)) or 'other'}" if isinstance(value, frozenset) else f"{fact} {value:g}"
        for fact, value in facts.items()
    )
