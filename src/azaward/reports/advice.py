"""Advice of daily life for a terminal: the most urgent line first, what to do, whom to call, and where it was read."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from azaward.guides.advise import Advice, Said
from azaward.knowledge.loading.advice import Topic

# How soon, in a patient's words, and how it is coloured.
_SOON = {
    "emergency": ("Now", "bold white on red"),
    "same-day": ("Today", "bold red"),
    "this-week": ("This week", "yellow"),
    "routine": ("When it suits", "cyan"),
    "info": ("Good to know", "dim"),
}


def show_topics(topics: Mapping[str, Topic], console: Console | None = None) -> None:
    """Every topic with its question."""
    console = console or Console(highlight=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    for topic in topics.values():
        table.add_row(f"azaward advise {topic.id}", Text(topic.text))
    console.print(table)
    console.print(Text("The facts a topic asks for: azaward advise TOPIC --help", style="dim"))


def show(advice: Advice, topic: Topic, console: Console | None = None) -> None:
    """An answer in full."""
    console = console or Console(highlight=False)
    console.print(Text(advice.title, style="bold"))
    if advice.asked:
        known = ", ".join(f"{name.replace('_', ' ')} {_plain(given)}" for name, given in advice.asked.items())
        console.print(Text(f"for: {known}", style="dim"))
    for note in advice.notes:
        console.print(Text(note, style="yellow"))
    console.print()
    first, *others = advice.lines
    _line(first, advice.says_patient, advice.says, console)
    for line in others:
        console.print()
        _line(line, line.says_patient, line.says, console)
    if advice.unknown:
        console.print()
        console.print(Text("This would change with the answers to:", style="bold"))
        asked = {question.fact: question for question in topic.questions}
        for fact in advice.unknown:
            console.print(Text(f"  --{fact.replace('_', '-')}  {asked[fact].text}"))
    console.print()
    console.print(Text(advice.disclaimer, style="dim"))


def _line(line: Said, says_patient: str, says: str, console: Console) -> None:
    soon, style = _SOON[line.urgency]
    console.print(Text.assemble((f" {soon} ", style), "  ", (says_patient, "bold")))
    if line.call:
        console.print(Padding(Text(line.call), (0, 0, 0, 4)))
    console.print(Padding(Text(f"for the clinician: {line.action}, {line.urgency}. {says}", style="dim"), (0, 0, 0, 4)))
    for source in line.sources:
        console.print(Padding(Text(f"{source.title}: {source.locator} ({source.how})", style="dim"), (0, 0, 0, 4)))


def _plain(given: str | float | list[str]) -> str:
    if isinstance(given, list):
        return ", ".join(given)
    return given if isinstance(given, str) else f"{given:g}"
