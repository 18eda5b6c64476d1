"""Gives a finding its words, for the clinician and for the patient, from knowledge/messages.yaml.

The rules choose a `code`; what is said for it stands in one file, so that a translation is one file too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from string import Formatter
from typing import Any

from azaward.errors import KnowledgeError
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.load import HERE

COMPARISONS = {"below": "below", "at-most": "at most", "above": "above", "at-least": "at least", "every": "every"}
_UNITS = {
    "10*9/L": "x10^9/L",
    "mL/min/{1.73_m2}": "mL/min/1.73m2",
    "d": "days",
    "Cel": "degrees C",
    "umol/L": "micromol/L",
}

# The columns that fill a gap; any other gap is filled by the column of its name.
_READ = {
    "name": ("subject",),
    "plain_name": ("subject",),
    "value": ("value", "text"),
    "limit": ("limit_value",),
    "low": ("fraction_low",),
    "high": ("fraction_high",),
    "note": ("c",),
    "b_note": ("b",),
    "advice": ("action",),
    **{f"{gap}_{name}": (gap,) for gap in ("a", "b", "c") for name in ("name", "plain")},
    "own_says": ("says",),
    "own_says_patient": ("says_patient",),
}


class Gaps(dict[str, str]):
    """The words that fill a message; a gap that nothing fills says so rather than vanish."""

    def __missing__(self, key: str) -> str:
        return "unknown"


@lru_cache(maxsize=1)
def messages() -> Mapping[str, Mapping[str, Any]]:
    """Every message by code; under `actions` and `urgencies` what each means for a patient."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((HERE / "messages.yaml").read_text(encoding="utf-8"), Loader=loader)  # noqa: S506


class Words:
    """Names of analytes, tests, medicines and protocols, and the messages."""

    def __init__(self, knowledge: Knowledge) -> None:
        tables = knowledge.tables
        self._names: dict[str, tuple[str, str]] = {}
        for medicine in tables["medicines"]:
            self._names[medicine.id] = (medicine.name, medicine.name)
        for indication in tables["indications"]:
            self._names[indication.id] = (indication.name, indication.plain_name)
        for test in tables["tests"]:
            self._names[test.test] = (test.name, test.plain_name)
        for analyte in tables["analytes"]:
            self._names[analyte.id] = (analyte.name, analyte.plain_name)
        self._messages = messages()

    def name(self, subject: str) -> tuple[str, str]:
        """What a clinician and a patient call it."""
        known = self._names.get(subject)
        if known:
            return known
        bare = subject.removeprefix("unknown:").replace("_", " ")
        return bare, bare

    def gaps(self, code: str) -> frozenset[str]:
        """The columns of a finding that its words have gaps for: findings that agree in them are said alike."""
        message = self._messages.get(code, {})
        texts = (str(message.get("says", "")), str(message.get("says_patient", "")))
        named = {gap for text in texts for _, gap, _, _ in Formatter().parse(text) if gap}
        return frozenset(column for gap in named for column in _READ.get(gap, (gap,)))

    def say(self, found: Mapping[str, Any]) -> tuple[str, str]:
        """The finding for the clinician and for the patient."""
        code = str(found["code"])
        message = self._messages.get(code)
        if message is None:
            raise KnowledgeError(f"messages.yaml: no words for {code!r}")
        name, plain_name = self.name(str(found["subject"] or ""))
        gaps = Gaps(
            name=name,
            plain_name=plain_name,
            value=amount(found["value"], found["text"] if found["text"] in ("<", "<=", ">", ">=") else None),
            unit=unit(found["unit"]),
            on=day(found["on"]),
            comparison=COMPARISONS.get(str(found["comparison"]), str(found["comparison"])),
            limit=amount(found["limit_value"]),
            limit_unit=unit(found["limit_unit"]),
            low=percent(found["fraction_low"]),
            high=percent(found["fraction_high"]),
        )
        gaps["note"], gaps["b_note"] = sentence(found["c"]), sentence(found["b"])
        gaps |= {key: _day_in_words(str(found[key])) for key in ("a", "b", "c", "text") if found[key]}
        for key in ("a", "b", "c"):
            if found[key]:
                gaps[f"{key}_name"], gaps[f"{key}_plain"] = self.name(str(found[key]))
        own_words = {key: str(found[key]) for key in ("says", "says_patient") if found[key]}
        gaps |= {f"own_{key}": text for key, text in own_words.items()}
        advice = str(self._messages["actions"].get(str(found["action"]), ""))
        gaps["advice"] = advice
        says = tidy(str(message["says"]).format_map(gaps))
        patient = tidy(str(message["says_patient"]).format_map(gaps))
        return says[:1].upper() + says[1:], patient


def _day_in_words(text: str) -> str:
    """A gap that holds a day number ("day:20454") as that day."""
    mark, _, number = text.partition("day:")
    return text if mark or not number.isdigit() else str(dt.date(1970, 1, 1) + dt.timedelta(days=int(number)))


def default_sources(code: str, knowledge: Knowledge) -> list[dict[str, str]]:
    """The sources of a code whose finding brings none of its own: its parameters', or those named with its words."""
    message = messages().get(code, {})
    rows = [knowledge.parameters[name] for name in message.get("parameters", ())]
    found = [{"source": row.source, "locator": row.locator, "how": row.how} for row in rows]
    found += message.get("sources", ())
    return [each for place, each in enumerate(found) if each not in found[:place]]


def sentence(note: Any) -> str:
    """A note as a sentence of its own.

    >>> sentence("call the team"), sentence(None)
    ('Call the team.', '')
    """
    text = str(note or "").strip()
    return f"{text[0].upper()}{text[1:].rstrip('.')}." if text else ""


def amount(number: float | None, comparator: str | None = None) -> str:
    """A number as a person writes it.

    >>> amount(3.0), amount(0.4501), amount(0.5, "<")
    ('3', '0.45', '<0.5')
    """
    if number is None:
        return "unknown"
    return f"{comparator or ''}{number:.3g}" if abs(number) < 1000 else f"{number:.0f}"


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
