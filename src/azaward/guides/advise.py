"""What should somebody on azathioprine do in a situation of daily life, given the facts that are known?

The tables of `knowledge/advice*.csv` decide. What isn't known may be anything: the most cautious answer that it could
lead to is given, and the facts that would change the answer are named.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from azaward.errors import UserError
from azaward.guides.advice_facts import UNKNOWN, Fact, possible
from azaward.knowledge import Knowledge, load
from azaward.knowledge.loading.advice import Line, Question, Topic, Value, numbers, spoken, topics, used

DISCLAIMER = (
    "Information and decision support, not a certified medical device. Your own team knows you; what they say comes "
    "first. If you feel very ill, call for help now."
)

# Said before a line that holds only if the worst is true of what isn't known.
_SAFEST = "Not all is known; the most cautious answer:"
_SAFEST_PATIENT = "We do not know enough to be sure. The safest answer is this."


class UnknownTopicError(UserError):
    """No topic has that name; the message lists those that there are."""


class Cited(msgspec.Struct, frozen=True):
    """Where a line, or a number in it, was read."""

    source: str
    locator: str
    how: str
    title: str


class Said(msgspec.Struct, frozen=True):
    """A line of advice that holds."""

    line: str
    about: str
    action: str
    urgency: str
    says: str
    says_patient: str
    call: str | None
    sources: list[Cited]


class Advice(msgspec.Struct, frozen=True):
    """The answer: that of the line that decides, then every line that is sure to hold, most cautious first.

    `unknown` names the facts, not given, that would change what is said; `notes` say what was not understood.
    """

    topic: str
    title: str
    asked: dict[str, str | float | list[str]]
    action: str
    urgency: str
    says: str
    says_patient: str
    call: str | None
    sources: list[Cited]
    unknown: list[str]
    lines: list[Said]
    notes: list[str]
    knowledge: str
    disclaimer: str = DISCLAIMER


def find_topic(name: str, knowledge: Knowledge | None = None) -> Topic:
    """A topic with its questions, from which a form can be made.

    >>> find_topic("vomited-dose").questions[0].text
    'How many minutes after the tablet were you sick?'
    """
    held = topics(knowledge or load())
    if name not in held:
        raise UnknownTopicError(f"no topic is called {name!r}. Topics: {', '.join(held)}.")
    return held[name]


def advise(topic: str, facts: Mapping[str, Fact] | None = None, knowledge: Knowledge | None = None) -> Advice:
    """The answer for the facts that are known.

    `FactError` for a fact that can't be used, `UnknownTopicError` for a topic that isn't there.

    >>> answer = advise("fever", {"temperature": 38.5, "neutrophils": 0.4, "signs": "none"})
    >>> str(answer.urgency), str(answer.action), answer.unknown
    ('emergency', 'withhold', [])
    >>> str(advise("fever").urgency)
    'emergency'
    """
    knowledge = knowledge or load()
    asked = find_topic(topic, knowledge)
    narrowed, notes = possible(asked, facts or {}, knowledge)
    answers = [(combination, asked.met(combination)) for combination in asked.every(narrowed)]
    deciding = min((met[0] for _, met in answers), key=lambda line: line.caution)
    sure = set(answers[0][1]).intersection(*(met for _, met in answers))
    # Two lines for two kinds of people may tell them the same: then that is certain, whoever asks.
    certain = all(any(_tells_alike(line, deciding) for line in met) for _, met in answers)
    lines = sorted({deciding, *sure}, key=lambda line: line.caution)
    said = [_said(line, knowledge) for line in lines]
    first = said[0]
    return Advice(
        topic=asked.id,
        title=asked.title,
        asked=_asked(facts or {}, narrowed),
        action=first.action,
        urgency=first.urgency,
        says=first.says if deciding in sure else f"{_SAFEST} {first.says}",
        says_patient=first.says_patient if certain else f"{_SAFEST_PATIENT} {first.says_patient}",
        call=first.call,
        sources=first.sources,
        unknown=_mattering(asked, narrowed, answers),
        lines=said,
        notes=notes,
        knowledge=knowledge.version,
    )


def next_question(
    topic: str, facts: Mapping[str, Fact], skipped: Collection[str] = (), knowledge: Knowledge | None = None
) -> Question | None:
    """The next question that would change the answer; None where nothing that is left would.

    >>> next_question("fever", {}).fact
    'signs'
    >>> next_question("fever", {"signs": ["confused"]}) is None
    True
    """
    knowledge = knowledge or load()
    unknown = advise(topic, facts, knowledge).unknown
    left = [
        question
        for question in find_topic(topic, knowledge).questions
        if question.fact in unknown and question.fact not in skipped
    ]
    return left[0] if left else None


def _asked(facts: Mapping[str, Fact], narrowed: Mapping[str, Sequence[Value]]) -> dict[str, str | float | list[str]]:
    """The facts as they were understood: numbers in their canonical unit, several signs as a list."""
    understood: dict[str, str | float | list[str]] = {}
    for name, given in facts.items():
        values = narrowed.get(name, ())
        if len(values) == 1 and isinstance(values[0], float):
            understood[name] = values[0]
        elif given and str(given).strip().casefold() not in UNKNOWN:
            understood[name] = given
    return understood


def _tells_alike(line: Line, other: Line) -> bool:
    """Whether two lines tell the patient the same, as urgently; their words for the clinician may name the kind."""
    a, b = line.row, other.row
    return (a.action, a.urgency, a.says_patient) == (b.action, b.urgency, b.says_patient)


def _mattering(
    topic: Topic, narrowed: Mapping[str, Sequence[Value]], answers: Sequence[tuple[dict[str, Value], list[Line]]]
) -> list[str]:
    """The facts whose values would change what is said; none where every answer is an emergency: nobody should wait."""
    if all(met[0].row.urgency == "emergency" for _, met in answers):
        return []
    questions: list[str] = []
    for question in topic.questions:
        if len(narrowed.get(question.fact, question.domain)) > 1:
            # Whatever the other facts are: does this one change the lines?
            said: dict[tuple[Value, ...], set[tuple[str, ...]]] = {}
            for combination, met in answers:
                others = tuple(value for name, value in combination.items() if name != question.fact)
                said.setdefault(others, set()).add(tuple(line.row.says_patient for line in met))
            if any(len(different) > 1 for different in said.values()):
                questions.append(question.fact)
    return questions


def _said(line: Line, knowledge: Knowledge) -> Said:
    row = line.row
    calls = {row.id: row for row in knowledge.tables["advice_calls"]}
    cited = [row, *(numbers(knowledge)[number] for number in used(row))]
    sources = [
        Cited(source.source, source.locator, source.how, knowledge.sources[source.source].title) for source in cited
    ]
    return Said(
        line=row.line,
        about=row.about,
        action=row.action,
        urgency=row.urgency,
        says=spoken(row.says, knowledge),
        says_patient=spoken(row.says_patient, knowledge),
        call=calls[row.call].who_patient if row.call else None,
        sources=list(dict.fromkeys(sources)),
    )
