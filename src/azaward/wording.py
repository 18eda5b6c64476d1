"""Gives a finding its words, for the clinician and for the patient, from knowledge/messages.yaml.

The rules choose a `code`; what is said for it stands in one file, so that a translation is one file too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.facts import fact as fact_of
from azaward.knowledge.loading.messages import gaps_in, message, messages
from azaward.record.names import as_written
from azaward.rules.language.columns import FILLED_BY, GAPS, from_day_number, gaps_of
from azaward.terms import Comparison

COMPARISONS = {
    Comparison.BELOW.value: "below",
    Comparison.AT_MOST.value: "at most",
    Comparison.ABOVE.value: "above",
    Comparison.AT_LEAST.value: "at least",
    "every": "every",
}
_UNITS = {
    "10*9/L": "x10^9/L",
    "mL/min/{1.73_m2}": "mL/min/1.73m2",
    "d": "days",
    "Cel": "degrees C",
    "umol/L": "micromol/L",
}
# How the codes of findings about symptoms and infections begin.
_OF_ILLNESS = ("symptom", "infection")
_SIGNS = ("<", "<=", ">", ">=")

_NAMED = ("gaps", *GAPS)


class Filling(str):
    """What a rule fills a gap with. `{partner:name}`, `{partner:plain}`: its names; `{note:sentence}`: a sentence."""

    names: tuple[str, str]

    @classmethod
    def of(cls, text: str, names: tuple[str, str]) -> Filling:
        """The text with what a clinician and a patient call it."""
        made = cls(text)
        made.names = names
        return made

    def __format__(self, how: str) -> str:
        match how:
            case "name":
                return self.names[0]
            case "plain":
                return self.names[1]
            case "sentence":
                return sentence(self)
            case _:
                return str(self) or "unknown"


class Days(str):
    """A number in a gap that may count days. `{value:days}`: with their name; `{limit:interval}`: in weeks if whole."""

    def __format__(self, how: str) -> str:
        match how:
            case "days":
                return "1 day" if self == "1" else f"{self} days"
            case "interval" if self.isdigit():
                return interval(int(self))
            case _:
                return str(self)


class Gaps(dict[str, Any]):
    """What fills a message; a gap that nothing fills says so rather than vanish."""

    def __missing__(self, key: str) -> Filling:
        return Filling.of("", ("unknown", "unknown"))


@lru_cache(maxsize=4)
def _names(knowledge: Knowledge) -> Mapping[str, tuple[str, str]]:
    """What clinicians and patients call each event, medicine, indication, test and analyte, by its id."""
    tables = knowledge.tables
    names: dict[str, tuple[str, str]] = {
        event.code: (event.name, event.plain_name or event.name) for event in tables["events"] if event.name
    }
    names |= {medicine.id: (medicine.name, medicine.name) for medicine in tables["medicines"]}
    names |= {indication.id: (indication.name, indication.plain_name) for indication in tables["indications"]}
    names |= {test.test: (test.name, test.plain_name) for test in tables["tests"]}
    return names | {analyte.id: (analyte.name, analyte.plain_name) for analyte in tables["analytes"]}


class Words:
    """Names of analytes, tests, medicines and protocols, and the messages."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._names = _names(knowledge)
        self._events = {event.code for event in knowledge.tables["events"] if event.name}

    def name(self, subject: str, code: str = "") -> tuple[str, str]:
        """What a clinician and a patient call it; in a finding about an illness "influenza" is no vaccine."""
        known = self._names.get(subject)
        if known and (not code.startswith(_OF_ILLNESS) or subject in self._events):
            return known
        bare = as_written(subject).replace("_", " ")
        return bare, bare

    def gaps(self, code: str) -> frozenset[str]:
        """The columns of a finding that its words have gaps for: findings that agree in them are said alike."""
        return frozenset(column for gap in gaps_in(code) for column in FILLED_BY.get(gap, _NAMED))

    def say(self, found: Mapping[str, Any]) -> tuple[str, str]:
        """The finding for the clinician and for the patient; `KnowledgeError` where its code has no words."""
        words = message(str(found["code"]))
        gaps = self._fillings(found)
        says = tidy(str(words["says"]).format_map(gaps))
        patient = tidy(str(words["says_patient"]).format_map(gaps))
        return says[:1].upper() + says[1:], patient

    def _fillings(self, found: Mapping[str, Any]) -> Gaps:
        name, plain_name = self.name(str(found["subject"] or ""), str(found["code"]))
        gaps = Gaps(
            name=name,
            plain_name=plain_name,
            value=Days(amount(found["value"], found["text"] if found["text"] in _SIGNS else None)),
            unit=unit(found["unit"]),
            on=day(found["on"]),
            comparison=COMPARISONS.get(str(found["comparison"]), str(found["comparison"])),
            limit=Days(amount(found["limit_value"])),
            limit_unit=unit(found["limit_unit"]),
            low=percent(found["fraction_low"]),
            high=percent(found["fraction_high"]),
            advice=str(messages()["actions"].get(str(found["action"]), "")),
        )
        if found["text"]:
            gaps["text"] = found["text"]
        gaps |= {f"own_{key}": str(found[key]) for key in ("says", "says_patient") if found[key]}
        for gap, filling in gaps_of(found).items():
            text = _day_in_words(filling or "")
            gaps[gap] = Filling.of(text, self.name(text) if text else ("unknown", "unknown"))
        return gaps


def _day_in_words(text: str) -> str:
    """A gap that holds a day number ("day:20454") as that day."""
    mark, _, number = text.partition("day:")
    return text if mark or not number.isdigit() else str(from_day_number(int(number)))


def cited(code: str, fact: str | None, knowledge: Knowledge) -> list[dict[str, str]]:
    """The sources of a finding: its fact's; else its code's parameters', and those named with the code's words."""
    if fact:
        row = fact_of(fact, knowledge)
        return [{"source": row.source, "locator": row.locator, "how": row.how}]
    words = message(code)
    rows = [knowledge.parameters[name] for name in words.get("parameters", ())]
    sources = [{"source": row.source, "locator": row.locator, "how": row.how} for row in rows]
    sources += words.get("sources", ())
    return [source for place, source in enumerate(sources) if source not in sources[:place]]


def facts_behind(code: str, fact: str | None) -> list[str]:
    """The ids of the facts that a finding rests on: its own, or its code's parameters."""
    return [fact] if fact else [f"parameters/{name}" for name in message(code).get("parameters", ())]


def sentence(note: Any) -> str:
    """A note as a sentence of its own.

    >>> sentence("call the team"), sentence(None)
    ('Call the team.', '')
    """
    text = str(note or "").strip()
    return f"{text[0].upper()}{text[1:].rstrip('.')}." if text else ""


def amount(number: float | None, comparator: str | None = None) -> str:
    """A number as a person writes it.

    >>> amount(3.0), amount(0.4501), amount(0.5, "<"), amount(1000, ">")
    ('3', '0.45', '<0.5', '>1000')
    """
    if number is None:
        return "unknown"
    return (comparator or "") + (f"{number:.3g}" if abs(number) < 1000 else f"{number:.0f}")


def interval(days: int) -> str:
    """What stands after "every": weeks where they are whole.

    >>> interval(84), interval(7), interval(10)
    ('12 weeks', 'week', '10 days')
    """
    weeks, rest = divmod(days, 7)
    if rest or not weeks:
        return "day" if days == 1 else f"{days} days"
    return "week" if weeks == 1 else f"{weeks} weeks"


def percent(fraction: float | None) -> str:
    """A fraction as a percentage."""
    return "unknown" if fraction is None else f"{fraction * 100:.0f}%"


def unit(code: str | None) -> str:
    """A UCUM code as it is read on a report."""
    return _UNITS.get(code or "", code or "")


def day(value: dt.date | None) -> str:
    """A day, or that it isn't known."""
    return value.isoformat() if value else "an unknown day"


def tidy(text: str) -> str:
    """Without doubled spaces and points."""
    return " ".join(text.split()).replace("..", ".").replace(" .", ".")
