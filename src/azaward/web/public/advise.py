"""`/advise`: what to do in a situation of daily life; each topic asks its own questions, and none has to be answered.

What somebody answers travels in the body of a request, never in an address, which histories and logs keep.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from azaward.guides.advice_facts import UNIT_WORDS, Fact, FactError
from azaward.guides.advise import Advice, UnknownTopicError, advise, find_topic
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.advice import Topic, topics, vaccines
from azaward.reports.words import SOON, printable
from azaward.web.shared.answer import answer, as_json, failed, wants_json
from azaward.web.shared.room import room_of
from azaward.web.shared.sources import Source, sources_of
from azaward.web.shared.who import Visitor, anyone

router = APIRouter(tags=["daily life"])
_LONGEST = 200
_FACTS: dict[str, Any] = {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
_BODY = {"requestBody": {"content": {"application/x-www-form-urlencoded": _FACTS}}}


class Line(NamedTuple):
    """A line of the answer as it stands on the page."""

    urgency: str
    soon: str
    says: str
    call: str | None
    action: str
    for_clinician: str
    sources: list[Source]


async def _typed(request: Request) -> dict[str, list[str]]:
    """The form as it was sent, each field with all its values."""
    form = await request.form()
    return {name: [value for value in form.getlist(name) if isinstance(value, str)] for name in form if name != "csrf"}


@router.get("/advise", summary="The situations of daily life that have an answer")
def all_topics(request: Request, who: Annotated[Visitor, anyone]) -> Response:
    """Every topic with its question."""
    held = topics(room_of(request).knowledge)
    each = [{"id": topic.id, "title": topic.title, "question": topic.text} for topic in held.values()]
    return as_json(each) if wants_json(request) else answer(request, "advise.html.jinja", {"topics": each})


@router.get("/advise/{topic}", summary="A topic's questions, and the answer while nothing is known")
def ask(request: Request, who: Annotated[Visitor, anyone], topic: str) -> Response:
    """The form, and the most cautious answer."""
    return _answer(request, topic, {})


@router.post("/advise/{topic}", summary="The answer for what is known", openapi_extra=_BODY)
def told(
    request: Request,
    who: Annotated[Visitor, anyone],
    topic: str,
    typed: Annotated[dict[str, list[str]], Depends(_typed)],
) -> Response:
    """The answer, most urgent first; facts that are left out may be anything."""
    return _answer(request, topic, typed)


def _answer(request: Request, name: str, typed: Mapping[str, list[str]]) -> Response:
    knowledge = room_of(request).knowledge
    try:
        topic = find_topic(name, knowledge)
    except UnknownTopicError:
        return failed(request, 404, f"There is no topic {printable(name)!r}. All of them: /advise", "Not found")
    problem, advice = "", None
    try:
        advice = advise(topic.id, _facts(topic, typed), knowledge)
    except FactError as error:
        problem = str(error)
    if wants_json(request):
        return as_json(advice) if advice else as_json({"error": problem}, 422)
    asked = {question.fact: question.text for question in topic.questions}
    model = {
        "topic": topic,
        "typed": {name: [printable(value) for value in values] for name, values in typed.items()},
        "answered": bool(typed),
        "problem": printable(problem),
        "lines": _lines(advice, knowledge) if advice else [],
        "notes": [printable(note) for note in advice.notes] if advice else [],
        "unknown": {fact: asked[fact] for fact in advice.unknown} if advice else {},
        "warning": advice.disclaimer if advice else "",
        "units": UNIT_WORDS,
        "vaccines": sorted(code.replace("_", " ") for code in vaccines(knowledge)),
    }
    return answer(request, "advise_topic.html.jinja", model, 422 if problem else 200)


def _facts(topic: Topic, typed: Mapping[str, list[str]]) -> dict[str, Fact]:
    """The form's fields as facts; a question with several answers takes all of them."""
    several = {question.fact for question in topic.questions if question.kind == "signs"}
    facts: dict[str, Fact] = {}
    for name, values in typed.items():
        for value in values:
            if len(value) > _LONGEST:
                raise FactError(f"{name}: {len(value)} characters; at most {_LONGEST} are read.")
        if len(values) > 1 and name not in several:
            raise FactError(f"{name}: answered {len(values)} times. Expected one answer.")
        facts[name] = list(values) if name in several else "".join(values)
    return facts


def _lines(advice: Advice, knowledge: Knowledge) -> list[Line]:
    """The lines with, in the first, what is said of facts that are not known."""
    texts = [(advice.says_patient, advice.says), *((line.says_patient, line.says) for line in advice.lines[1:])]
    return [
        Line(
            said.urgency,
            SOON[said.urgency],
            patient,
            said.call,
            said.action,
            clinician,
            sources_of(said.sources, knowledge),
        )
        for said, (patient, clinician) in zip(advice.lines, texts, strict=True)
    ]
