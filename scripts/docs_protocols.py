"""A protocol as a clinician would read it: what is asked before the first tablet, when blood is tested, what counts.

Every row shows where it was read. What a protocol borrows from another stands apart from what is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from azaward.knowledge import MOST_CAUTIOUS, Knowledge, Protocol
from azaward.knowledge.loading.protocols import only_for
from azaward.knowledge.loading.schema import PROTOCOL_LISTS
from docs_markdown import SECOND_HAND, Markdown, bold, cited, interval, plain, table

SOURCES = "../knowledge/"
TITLES = {
    "baseline": "Before the first tablet",
    "schedule": "Blood tests",
    "limits": "Limits",
    "doses": "Doses",
    "symptoms": "Symptoms",
}
_SINCE = {
    "start": "the first tablet",
    "dose_increase": "the last rise of the dose, or a new start after a pause",
    "risk": "the start of a medicine that asks for closer tests",
}
_COMPARISON = {"below": "below", "at-most": "at or below", "above": "above", "at-least": "at or above"}
_UNITS = {"10*9/L": "×10⁹/L", "mL/min/{1.73_m2}": "mL/min/1.73 m²", "umol/L": "µmol/L", "Cel": "°C", "1": ""}


def page_of(id: str) -> str:
    """Where a protocol's page stands."""
    return f"protocols/{id}.md"


def protocol_page(protocol: Protocol, knowledge: Knowledge) -> str:
    """One protocol, whole."""
    own_rows, lent_rows = counted(protocol)
    second_hand = sum(row.how == "secondary" for row in own_rows)
    chosen_for = [row.name for row in knowledge.tables["indications"] if row.protocol == protocol.id]
    about = [
        ("Id", bold(protocol.id)),
        ("Body", protocol.body),
        ("Published", protocol.published_on),
        ("Specialty", protocol.specialty),
        ("Chosen for", chosen_for or "nobody by itself; it can be asked for by its id"),
        ("Facts", f"{len(own_rows)} of its own, {second_hand} of them second-hand; {len(lent_rows)} borrowed"),
        ("Read in the text it is named after", f"{protocol.from_own_text()[0]} of its own facts"),
    ]
    parts = [
        f"# {plain(protocol.title)}\n",
        table(("What", "Which"), about),
        f"A fact marked {SECOND_HAND} was read in a text that quotes the source, not in the source: check it before "
        "you rely on it. Where a source names no action or urgency, [the mapping is ours]"
        "(../decisions/0005-action-and-urgency.md).\n",
    ]
    if protocol.notes:
        parts.append("## What to know first\n\n" + "".join(f"- {plain(note)}\n" for note in protocol.notes))
    for name, title in TITLES.items():
        parts.append(f"## {title}\n")
        lender = protocol.borrowed.get(name)
        own, lent = own_and_lent(protocol, name)
        if own or not lent:
            parts.append(_TABLES[name](own, knowledge))
        if lent:
            more = "These rows hold beside its own" if own else "It has no rows of its own here; these hold"
            parts.append(f"### {title}: borrowed from {lender}\n\n{more}. They are those of [{lender}]({lender}.md).\n")
            parts.append(_TABLES[name](lent, knowledge))
    return "\n".join(parts)


def own_and_lent(protocol: Protocol, name: str) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """A list's own rows, and those that it borrows: the loader puts these last."""
    rows, own = protocol.lists[name], len(protocol.own[name])
    return rows[:own], rows[own:]


def counted(protocol: Protocol) -> tuple[list[Any], list[Any]]:
    """All its own rows, and all that it borrows."""
    pairs = [own_and_lent(protocol, name) for name in PROTOCOL_LISTS]
    return [row for own, _ in pairs for row in own], [row for _, lent in pairs for row in lent]


def most_cautious_page(knowledge: Knowledge) -> str:
    """What holds for a patient whose indication has no protocol: every published row at once."""
    strictest: dict[tuple[str, bool], tuple[Any, str]] = {}
    for protocol in knowledge.protocols.values():
        for row in protocol.lists["limits"]:
            low = row.comparison in ("below", "at-most")
            held = strictest.get((row.analyte, low))
            if row.relative_to != "absolute":
                continue
            if held is None or (row.value > held[0].value if low else row.value < held[0].value):
                strictest[row.analyte, low] = (row, protocol.id)
    rows = (
        (knowledge.analytes[row.analyte].name, bold(limit_words(row, knowledge)), Markdown(f"[{id}]({id}.md)"))
        for row, id in strictest.values()
    )
    return "\n".join(
        [
            "# Most cautious\n",
            f"`{MOST_CAUTIOUS}` is no guideline. It is every row of every protocol that azaward ships, at once: the "
            "most cautious action and the most urgent urgency that a value meets decide, and the earliest day that "
            "any schedule names. It holds where the reason for treatment is unknown or no protocol for it is held, "
            f"and with `--protocol {MOST_CAUTIOUS}`. [Why a union](../decisions/0002-most-cautious-protocol.md).\n",
            "## Where its limits begin\n",
            "The first absolute limit that a value meets, of all specialties. Limits that are relative to the "
            "laboratory's normal or to the patient's own values stand on the pages of the protocols. A row that is "
            "for one specialty holds for that specialty, and for everyone whose reason for treatment is unknown.\n",
            table(("Test", "Begins", "From"), rows),
        ]
    )


def limit_words(row: Any, knowledge: Knowledge) -> str:
    """A limit as it is read aloud."""
    unit = knowledge.analytes[row.analyte].unit or ""
    sign, number = _COMPARISON[row.comparison], f"{row.value:g}"
    within = f" within {row.within_days:.0f} days" if row.within_days else ""
    match row.relative_to:
        case "absolute":
            return f"{sign} {number} {_UNITS.get(unit, unit)}".rstrip()
        case "upper-limit-of-normal":
            return f"{sign} {number} × the laboratory's upper limit of normal"
        case "lower-limit-of-normal":
            return f"{sign} {number} × the laboratory's lower limit of normal"
        case "baseline-rise-percent":
            return f"risen by more than {number}% from the lowest earlier value{within}"
        case "baseline-fall-percent":
            return f"fallen by more than {number}% from the highest earlier value{within}"
        case _:
            return f"fallen by more than {number}% from the value before"


def window(row: Any) -> str:
    """From when until when a row of a schedule holds."""
    ends = "onwards" if row.until_day is None else f"to day {row.until_day}"
    return f"day {row.from_day} {ends}, counted from {_SINCE[row.since]}"


def _baseline(rows: Iterable[Any], knowledge: Knowledge) -> str:
    names = _tests(knowledge)
    header = ("Test", "Required", "No older than", "Only in", "Note", "Read where")
    return table(
        header,
        (
            (
                bold(names[row.test]),
                "required" if row.required else "suggested",
                row.within_days and f"{row.within_days:.0f} days",
                _only(row),
                row.note,
                cited(row, SOURCES),
            )
            for row in rows
        ),
    )


def _schedule(rows: Iterable[Any], knowledge: Knowledge) -> str:
    names = _tests(knowledge)
    header = ("How often", "When", "In words", "Tests", "Only in", "Note", "Read where")
    return table(
        header,
        (
            (
                bold(interval(row.every_days)),
                window(row),
                row.phase,
                [names[test] for test in row.tests],
                _only(row),
                row.note,
                cited(row, SOURCES),
            )
            for row in rows
        ),
    )


def _limits(rows: Iterable[Any], knowledge: Knowledge) -> str:
    header = ("Test", "Limit", "Action", "Urgency", "Only in", "Note", "Read where")
    return table(
        header,
        (
            (
                knowledge.analytes[row.analyte].name,
                bold(limit_words(row, knowledge)),
                row.action,
                row.urgency,
                _only(row),
                row.note,
                cited(row, SOURCES),
            )
            for row in rows
        ),
    )


def _doses(rows: Iterable[Any], knowledge: Knowledge) -> str:
    names = {row.id: row.name for row in knowledge.tables["indications"]} | {"any": "any reason"}
    header = ("For", "Who", "Medicine", "Start", "Target", "At most", "Steps", "Note", "Read where")
    return table(
        header,
        (
            (
                names[row.indication],
                row.population,
                None if row.drug == "azathioprine" else row.drug,
                _amount(row.start_mg_per_kg, row.start_mg_per_day),
                bold(_amount(row.target_mg_per_kg, row.target_mg_per_day)),
                _amount(row.max_mg_per_kg, row.max_mg_per_day),
                _step(row),
                row.note,
                cited(row, SOURCES),
            )
            for row in rows
        ),
    )


def _symptoms(rows: Iterable[Any], knowledge: Knowledge) -> str:
    names: Mapping[str | None, str] = {**_tests(knowledge)}
    header = ("Symptom", "Action", "Urgency", "Test", "Only in", "Note", "Read where")
    return table(
        header,
        (
            (
                bold(row.symptom),
                row.action,
                row.urgency,
                names.get(row.test),
                _only(row),
                row.note,
                cited(row, SOURCES),
            )
            for row in rows
        ),
    )


_TABLES: Mapping[str, Callable[[Iterable[Any], Knowledge], str]] = {
    "baseline": _baseline,
    "schedule": _schedule,
    "limits": _limits,
    "doses": _doses,
    "symptoms": _symptoms,
}


def _tests(knowledge: Knowledge) -> dict[str, str]:
    return {row.test: row.name for row in knowledge.tables["tests"]}


def _only(row: Any) -> str | None:
    return only_for(row) or None


def _amount(per_kg: Any, per_day: Any) -> str:
    given = ((per_kg, "mg/kg a day"), (per_day, "mg a day"))
    return "; ".join(f"{_range(value)} {unit}" for value, unit in given if value is not None)


def _step(row: Any) -> str:
    return f"{interval(row.step_every_days)} at the earliest" if row.step_every_days else ""


def _range(value: Any) -> str:
    if not isinstance(value, tuple):
        return f"{value:g}"
    low, high = value
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
