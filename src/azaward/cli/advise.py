"""`azaward advise TOPIC`: what to do in everyday situations. Each topic is a command with options from its tables.

On a terminal, it asks for facts that would change the answer; elsewhere, it gives the cautious answer at once.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from azaward.cli.edge import app, fail, load_knowledge, warn, write

if TYPE_CHECKING:
    from azaward.guides.advice_facts import Fact
    from azaward.knowledge.loading.advice import Question, Topic


class Format(StrEnum):
    """The output formats."""

    text = "text"
    json = "json"


class Topics(TyperGroup):
    """One command for each topic, built from the tables on first use."""

    @property
    def commands(self) -> Any:
        """The topics' commands by name."""
        return _commands()

    @commands.setter
    def commands(self, given: Any) -> None:
        pass


@lru_cache(maxsize=1)
def _commands() -> Any:
    from azaward.knowledge.loading.advice import topics

    group = typer.Typer()
    for topic in topics(load_knowledge()).values():
        group.command(topic.id, help=f"{topic.title}. {topic.text}")(_command(topic))
    made: Any = typer.main.get_command(group)
    return made.commands


advise_app = typer.Typer(
    cls=Topics,
    invoke_without_command=True,
    help="Advice for everyday situations: a missed dose, a fever, a vaccine, travel, and more.",
)
app.add_typer(advise_app, name="advise")


@advise_app.callback(invoke_without_command=True)
def list_topics(context: typer.Context) -> None:
    """Advice for everyday situations; without a topic, lists the topics."""
    if context.invoked_subcommand is None:
        from azaward.knowledge.loading.advice import topics
        from azaward.reports import advice as report_advice

        report_advice.show_topics(topics(load_knowledge()))


def option(question: Question) -> str:
    """The command-line option that sets a fact.

    >>> from azaward.guides.advise import find_topic
    >>> option(find_topic("missed-dose").questions[0])
    '--times-a-day'
    """
    return "--" + question.fact.replace("_", "-")


def _metavar(question: Question) -> str:
    from azaward.guides.advice_facts import UNIT_WORDS

    if question.kind == "number":
        return UNIT_WORDS.get(question.unit or "", question.unit or "number").upper().replace("°C", "CELSIUS")
    if question.kind == "vaccine":
        return "NAME"
    # The list of signs is too long for a metavar; the help text names them.
    words = [choice.word for choice in question.choices]
    return "|".join(words) if question.kind == "choice" else "SIGN,..."


def _help(question: Question) -> str:
    if question.kind != "signs":
        return question.text
    return f"{question.text} {', '.join(choice.word for choice in question.choices)}."


def _command(topic: Topic) -> Callable[..., None]:
    """A command whose parameters are the topic's questions."""

    def command(format: Format, **facts: str | None) -> None:
        _answer(topic, {name: value for name, value in facts.items() if value is not None}, format)

    annotations: dict[str, Any] = {
        question.fact: Annotated[
            str | None, typer.Option(option(question), help=_help(question), metavar=_metavar(question))
        ]
        for question in topic.questions
    }
    annotations["format"] = Annotated[Format, typer.Option(help="Output format.")]
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=Format.text if name == "format" else None,
            annotation=annotation,
        )
        for name, annotation in annotations.items()
    ]
    # Typer reads a command's options from its signature.
    command.__dict__["__signature__"] = inspect.Signature(parameters)
    command.__annotations__ = annotations
    return command


def _answer(topic: Topic, facts: dict[str, Fact], format: Format) -> None:
    import msgspec

    from azaward.guides.advice_facts import FactError, WrongWordError
    from azaward.guides.advise import advise
    from azaward.reports import advice as report_advice

    knowledge = load_knowledge()
    try:
        if format is Format.text and sys.stdin.isatty() and sys.stdout.isatty():
            _ask(topic, facts)
        answer = advise(topic.id, facts, knowledge)
    except WrongWordError as error:
        raise typer.BadParameter(str(error)) from None
    except FactError as error:
        fail(str(error))
    if format is Format.json:
        warn(answer.notes)
        write(msgspec.json.encode(answer) + b"\n")
    else:
        report_advice.show(answer, topic)


def _ask(topic: Topic, facts: dict[str, Fact]) -> None:
    """Asks one by one for the facts that would change the answer; an empty line means "I don't know"."""
    from azaward.guides.advice_facts import FactError, possible
    from azaward.guides.advise import next_question

    knowledge = load_knowledge()
    skipped: set[str] = set()
    while question := next_question(topic.id, facts, skipped, knowledge):
        typer.echo(question.text)
        for place, choice in enumerate(question.choices, 1):
            typer.echo(f"  {place}  {choice.meaning}")
        several = ", or several separated by commas" if question.kind == "signs" else ""
        what = f"a number{several}" if question.choices else "an answer"
        typed = typer.prompt(f"({what}; press Enter if you don't know)", default="", show_default=False).strip()
        if not typed:
            skipped.add(question.fact)
            continue
        given = ",".join(_chosen(question, part.strip()) for part in typed.split(",")) if question.choices else typed
        try:
            _, notes = possible(topic, {question.fact: given}, knowledge)
        except FactError as error:
            typer.echo(str(error), err=True)
            continue
        warn(notes)
        facts[question.fact] = given
        skipped.add(question.fact)
    typer.echo("")


def _chosen(question: Question, typed: str) -> str:
    """The word for a choice given by number; a word is returned unchanged."""
    if typed.isdigit() and 1 <= int(typed) <= len(question.choices):
        return question.choices[int(typed) - 1].word
    return typed
