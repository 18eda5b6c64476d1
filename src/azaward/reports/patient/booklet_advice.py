"""What does a booklet say of fever, a missed dose, sickness and contact with an infection?

Every word is the advice tables' own (knowledge/advice*.csv), asked through guides/advise.py. Paper can't ask back:
where a fact isn't known the most cautious answer stands; where it is easily known, each answer has its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

from azaward.guides.advice_facts import UNIT_WORDS
from azaward.guides.advise import Advice, Said, advise, find_topic
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.advice import Question, Topic, numbers
from azaward.reports.words import SOON

# How a source is numbered where it is first cited: (source, locator, how) to its number.
Cite = Callable[[str, str, str], int]
_INLINE = ("vomited-dose", "exposure")


def fever(knowledge: Knowledge, cite: Cite) -> dict[str, Any]:
    """Which signs call for what: each group of signs that have one answer, and a temperature that counts as fever."""
    topic = find_topic("fever", knowledge)
    signs = next(question for question in topic.questions if question.kind == "signs")
    temperature = next(question for question in topic.questions if question.analyte == "temperature")
    hot, raised = (numbers(knowledge)[name].value for name in ("fever_celsius", "fever_review_celsius"))
    rows: list[tuple[str, Advice]] = []
    groups: dict[str, tuple[list[str], Advice]] = {}
    for choice in signs.choices:
        # At a temperature that is no fever: what the sign alone asks for.
        answer = advise("fever", {signs.fact: [choice.word], temperature.fact: raised}, knowledge)
        if _turns_on(topic, answer.lines[0], signs.fact, choice.word):
            groups.setdefault(answer.lines[0].line, ([], answer))[0].append(choice.meaning)
    rows += [(_one_of(meanings), answer) for meanings, answer in groups.values()]
    rows.append((_degrees(hot), advise("fever", {temperature.fact: hot}, knowledge)))
    return {**_card(topic), "rows": [_row(when, answer, cite) for when, answer in rows]}


def _turns_on(topic: Topic, said: Said, fact: str, word: str) -> bool:
    line = next(line for line in topic.lines if line.row.line == said.line)
    return any(each.fact == fact and each.sign == "=" and word in each.words for each in line.clauses)


def _degrees(celsius: float) -> str:
    return f"A temperature of {celsius:g} {UNIT_WORDS['Cel']} or more"


def _one_of(meanings: list[str]) -> str:
    return f"Any of these: {'; '.join(meanings)}" if len(meanings) > 1 else meanings[0]


def missed_dose(knowledge: Knowledge, cite: Cite) -> dict[str, Any]:
    """By how late it is, for each way of taking the tablets; then what holds however late it is."""
    topic = find_topic("missed-dose", knowledge)
    times, hours = topic.questions
    plans: list[dict[str, Any]] = []
    always = {line.line for line in advise(topic.id, {}, knowledge).lines[1:]}
    notes: dict[str, Said] = {}
    for choice in times.choices:
        answers = [
            (float(point), advise(topic.id, {times.fact: choice.word, hours.fact: point}, knowledge))
            for point in hours.domain
            if isinstance(point, float)
        ]
        rows: list[dict[str, Any]] = []
        for _, same in groupby(answers, key=lambda pair: pair[1].lines[0].line):
            stretch = list(same)
            late = _stretch(topic, hours, [point for point, _ in stretch])
            rows.append(_row(late, stretch[0][1], cite, only_first=True))
            for _, answer in stretch:
                notes |= {line.line: line for line in answer.lines[1:]}
        plans.append({"taken": choice.meaning, "rows": rows})
    ordered = sorted(notes.values(), key=lambda note: note.line not in always)
    return {**_card(topic), "plans": plans, "notes": [_said(note, cite) for note in ordered]}


def _stretch(topic: Topic, hours: Question, points: list[float]) -> str:
    """From where to where some neighbouring values of a question reach, in words."""
    limits = sorted({clause.number for line in topic.lines for clause in line.clauses if clause.fact == hours.fact})
    first, last = points[0], points[-1]
    unit = UNIT_WORDS[str(hours.unit)]
    low = f"{first:g}" if first in limits else next((f"{end:g}" for end in reversed(limits) if end < first), "")
    high = f"{last:g}" if last in limits else next((f"{end:g}" for end in limits if end > last), "")
    begin = f"{low} {unit} or more" if first in limits else f"more than {low} {unit}"
    end = f"up to {high}" if last in limits else f"less than {high}"
    if not low:
        return f"{end} {unit} late".capitalize()
    if not high:
        return f"{begin} late".capitalize()
    opening = f"from {low}" if first in limits else f"more than {low}"
    return f"{opening}, {end} {unit} late".capitalize()


def others(knowledge: Knowledge, cite: Cite) -> list[dict[str, Any]]:
    """The cautious answer, and what is sure, for what else may happen between two visits."""
    cards: list[dict[str, Any]] = []
    for name in _INLINE:
        answer = advise(name, {}, knowledge)
        cards.append({**_card(find_topic(name, knowledge)), "rows": [_row("", answer, cite)]})
    return cards


def _card(topic: Topic) -> dict[str, Any]:
    return {"title": topic.title, "question": topic.text}


def _row(when: str, answer: Advice, cite: Cite, *, only_first: bool = False) -> dict[str, Any]:
    said = answer.lines[:1] if only_first else _kept(answer.lines)
    # Who is called first is who has to be called soonest; the rest would send people to two places at once.
    calls = [line.call for line in said if line.call]
    return {
        "when": when[:1].upper() + when[1:],
        "urgency": answer.urgency,
        "soon": SOON[answer.urgency],
        "says": [_said(line, cite) for line in said],
        "call": calls[0] if calls else "",
    }


def _kept(lines: Iterable[Said]) -> list[Said]:
    """The deciding line and what is sure besides; in an emergency nothing less urgent dilutes it."""
    first, *more = lines
    return [first, *(line for line in more if first.urgency != "emergency" or line.urgency == "emergency")]


def _said(line: Said, cite: Cite) -> Mapping[str, Any]:
    return {
        "text": line.says_patient,
        "cites": sorted({cite(source.source, source.locator, source.how) for source in line.sources}),
    }
