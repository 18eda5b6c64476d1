"""Which medicines on a list matter to someone on azathioprine, or on a medicine that people change to?

Asks the same rules as an assessment, of a record made of the list. What it adds is about names: a name read by its
spelling, a name that may mean several medicines, and a name that nobody knows, which was then not checked.

>>> from azaward.knowledge import load
>>> found = check(["Zyloric 300mg tabs"], knowledge=load())
>>> found.medicines[0].matches[0].ingredient, found.medicines[0].findings[0].action
('allopurinol', 'reduce')
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

import msgspec

from azaward import __version__
from azaward.assessment import DISCLAIMER, Finding, Out, by_urgency, finding_of
from azaward.engine import Request, Row, SQLiteEngine
from azaward.errors import UserError
from azaward.knowledge import Knowledge, load
from azaward.knowledge.loading.schema.columns import split
from azaward.medicines.names import Match, Reading, names
from azaward.record import Record
from azaward.rules.language.columns import COLUMNS, gaps_of
from azaward.wording import Words

THIOPURINE = "thiopurine"
# The day on which a list is checked plays no part: everything on it begins on this one.
_DAY = dt.date(2000, 1, 1)
_LIST = "list"
_RULES = ("beside.medicines.interactions", "beside.medicines.between_others", "beside.together.together")


class NotInQuestionError(UserError):
    """Nothing is held about this medicine as the one in question; the message lists those that there are."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the person. Doses in mg a day, weight in kg, eGFR in mL/min/1.73 m2, age in years."""

    dose_mg_per_day: float | None = None
    weight: float | None = None
    egfr: float | None = None
    age: int | None = None
    sex: Literal["male", "female"] | None = None
    pregnant: bool = False
    tpmt: str | None = None
    nudt15: str | None = None
    indication: str | None = None


class Said(Out, frozen=True):
    """What another row says of the same two medicines."""

    says: str
    source: str


class Detail(Out, frozen=True):
    """The row of knowledge behind a finding: how it happens, how sure and how large, which test, for how long."""

    fact: str
    effect: str
    effect_size: str | None = None
    mechanism: str | None = None
    evidence: str | None = None
    test: str | None = None
    test_every_days: float | None = None
    lasts_days_after: float | None = None
    also: tuple[Said, ...] = ()


class CheckFinding(Finding, frozen=True):
    """A finding with the row of knowledge behind it; `detail` is empty where it is about the name alone."""

    detail: Detail | None = None


class Matched(Out, frozen=True):
    """An ingredient that a typed name was taken for; `score` is 1 where it is the same."""

    ingredient: str
    how: str
    score: float


class MedicineChecked(Out, frozen=True):
    """One typed name: what it was taken for and what was found about it and the medicine in question."""

    asked: str
    matches: list[Matched]
    findings: list[CheckFinding]


class Check(Out, frozen=True):
    """A whole list; the outer findings are about its medicines with each other, and about the person."""

    azaward: str
    knowledge: str
    on: str
    medicines: list[MedicineChecked]
    findings: list[CheckFinding]
    disclaimer: str = DISCLAIMER


def check(
    asked: Sequence[str], on: str = "azathioprine", facts: Facts | None = None, knowledge: Knowledge | None = None
) -> Check:
    """Each of `asked`, as typed, with the medicine in question and with each other.

    `NotInQuestionError` where nothing is held about `on` as the medicine in question.
    """
    knowledge = knowledge or load()
    facts = facts or Facts()
    question = in_question(on, knowledge)
    read = {one: names(knowledge).read(one) for one in dict.fromkeys(asked)}
    readings = [read[one] for one in asked]
    found = _Found(question, readings, facts, knowledge)
    return Check(
        azaward=__version__,
        knowledge=knowledge.version,
        on=question,
        medicines=[
            MedicineChecked(
                asked=reading.asked,
                matches=[Matched(ingredient=m.ingredient, how=m.how, score=m.score) for m in reading.matches],
                findings=found.about(reading),
            )
            for reading in readings
        ],
        findings=found.of_the_list(),
    )


def in_question(on: str, knowledge: Knowledge) -> str:
    """The ingredient that `on` names, where rows are held about it."""
    reading = names(knowledge).read(on)
    about = {row.drug for row in knowledge.tables["interactions"]} | {THIOPURINE}
    ours = [row for row in knowledge.tables["medicines"] if {row.id, *split(row.classes)} & about]
    ids = {row.id for row in ours}
    found = [match.ingredient for match in reading.matches if match.ingredient in ids]
    if reading.doubt not in (None, "spelling") or len(reading.matches) != 1 or not found:
        known = ", ".join(sorted(row.name for row in ours))
        raise NotInQuestionError(f"--on {reading.asked!r}: expected a medicine that rows are held about: {known}.")
    return found[0]


class _Found:
    """The rules' answer for a list, sorted to the names it belongs to."""

    def __init__(self, on: str, readings: Sequence[Reading], facts: Facts, knowledge: Knowledge) -> None:
        self._on, self._readings, self._knowledge = on, readings, knowledge
        self._words = Words(knowledge)
        self._classes = {row.id: frozenset(split(row.classes)) for row in knowledge.tables["medicines"]}
        self._facts = {
            f"{table}/{row.id}": row for table in ("interactions", "together") for row in knowledge.tables[table]
        }
        taken = [m.ingredient for one in readings if not _is_class(one) for m in one.matches]
        self._taken = tuple(dict.fromkeys((on, *taken)))
        self._groups = {
            one.matches[0].name: tuple(m.ingredient for m in one.matches if m.ingredient != on)
            for one in readings
            if _is_class(one)
        }
        people = {_LIST: self._taken}
        people |= {f"{name}|{one}": (on, one) for name, members in self._groups.items() for one in members}
        rules = _RULES
        if THIOPURINE in self._classes[on]:
            rules += ("dose.low_dose.low_dose",) if facts.dose_mg_per_day is not None else ()
            rules += ("before.dosing.dosing",) if facts.tpmt or facts.nudt15 else ()
            rules += ("dose.dose_range.kidney",) if facts.egfr is not None else ()
            rules += ("life.life.pregnancy",) if facts.pregnant else ()
        record = _record(people, on, facts)
        answer = _engine(knowledge, rules).ask(record, [Request(one, _DAY) for one in people])
        self._rows: dict[str, list[Row]] = {}
        for row in answer.findings:
            self._rows.setdefault(row["patient_id"], []).append(row)

    def about(self, reading: Reading) -> list[CheckFinding]:
        """What is found about one name: the name itself, and its medicines with the one in question."""
        findings = [self._finding(row) for row in self._of_name(reading)]
        if _is_class(reading):
            rows = self._of_class(reading.matches[0].name)
        else:
            mine = {match.ingredient for match in reading.matches}
            rows = [row for row in self._rows.get(_LIST, ()) if self._belongs(row) & mine]
        findings += [self._finding(row) for row in rows]
        if reading.matches and not rows and {match.ingredient for match in reading.matches} != {self._on}:
            findings.append(self._finding(self._row("nothing_held", reading, action="inform", urgency="info")))
        return sorted(findings, key=by_urgency)

    def of_the_list(self) -> list[CheckFinding]:
        """What its medicines do with each other, and what the person's facts mean for the medicine in question."""
        rows = [row for row in self._rows.get(_LIST, ()) if not self._belongs(row)]
        return sorted((self._finding(row) for row in (*rows, *self._twice())), key=by_urgency)

    def _belongs(self, row: Row) -> set[str]:
        """The ingredients, other than the medicine in question, of a pair that it is part of."""
        if row["rule"] != "medicines":
            return set()
        subject = str(row["subject"])
        if row["code"] == "interaction_of_others":
            partners = {str(gaps_of(row)["partner"])}
        else:
            partners = {one for one in self._taken if THIOPURINE in self._classes.get(one, ())}
            partners = {self._on} if self._on in partners else partners
            if subject == self._on:
                partners = {one for one in self._taken if THIOPURINE in self._classes.get(one, ())}
        pair = {subject, *partners}
        return pair - {self._on} if self._on in pair else set()

    def _of_class(self, name: str) -> list[Row]:
        """Each row of knowledge that members of a class meet, once: by name where one meets it, else by the class."""
        met: dict[str, list[Row]] = {}
        for member in self._groups[name]:
            for row in self._rows.get(f"{name}|{member}", ()):
                if row["rule"] == "medicines":
                    met.setdefault(str(row["fact"]), []).append(row)
        return [rows[0] if len(rows) == 1 else {**rows[0], "subject": name} for rows in met.values()]

    def _of_name(self, reading: Reading) -> Iterator[Row]:
        """What is to be said about how a name was read."""
        match reading.doubt:
            case "unknown":
                yield self._row("name_unknown", reading)
            case "dose" | "empty":
                yield self._row("name_is_dose", reading)
            case "spelling":
                yield self._row("name_by_spelling", reading)
            case "which":
                yield self._row("name_unsure", reading)
            case "part":
                yield self._row("name_in_part", reading, gap_3=reading.rest)
            case None if _is_class(reading):
                yield self._row("name_is_class", reading, urgency="info", value=float(len(reading.matches)))
            case _:
                pass
        if any(match.ingredient == self._on for match in reading.matches) and not _is_class(reading):
            yield self._row("medicine_in_question", reading, action="inform", urgency="info", subject=self._on)

    def _twice(self) -> Iterator[Row]:
        """Ingredients that stand on the list under more than one entry."""
        entries: dict[str, list[Match]] = {}
        for reading in self._readings:
            if reading.doubt in (None, "spelling") and not _is_class(reading):
                for match in reading.matches:
                    entries.setdefault(match.ingredient, []).append(match)
        for ingredient, matches in entries.items():
            if len(matches) > 1:
                shown = " and ".join(dict.fromkeys(match.name for match in matches))
                thiopurine = THIOPURINE in self._classes.get(ingredient, ())
                reading = Reading(shown, tuple(matches))
                urgency = "same-day" if thiopurine or ingredient == self._on else "this-week"
                number = float(len(matches))
                yield self._row("same_ingredient", reading, subject=ingredient, urgency=urgency, value=number)

    def _row(self, code: str, reading: Reading, **columns: Any) -> Row:
        given: dict[str, Any] = {
            "patient_id": _LIST,
            "rule": "names",
            "code": code,
            "action": "review",
            "urgency": "routine",
            "subject": reading.names[0] if reading.matches else "",
            "text": reading.asked,
            "gaps": "in_question read_as not_read",
            "gap_1": self._on,
            # One name may stand for several medicines: then they are told apart by what is in them.
            "gap_2": " or ".join(reading.names if len(reading.names) > 1 else _ingredients(reading)),
        }
        return {**dict.fromkeys(COLUMNS), **given, **columns}

    def _finding(self, row: Row) -> CheckFinding:
        # The day of a list that has none.
        told = finding_of({**row, "on": None}, self._words, self._knowledge)
        fact = self._facts.get(str(row["fact"]))
        detail = None if fact is None else self._detail(fact, str(row["subject"]))
        return CheckFinding(**{name: getattr(told, name) for name in Finding.__struct_fields__}, detail=detail)

    def _detail(self, fact: Any, subject: str) -> Detail:
        if not hasattr(fact, "mechanism"):
            return Detail(fact=fact.id, effect=fact.effect)
        known_as = {subject, *self._classes.get(subject, ())}
        beside = [
            row
            for row in self._knowledge.tables["interactions"]
            if row.id != fact.id and row.drug == fact.drug and row.outcome == fact.outcome and row.with_ in known_as
            if not (row.sex or row.age_below or row.egfr_below or row.family)
        ]
        return Detail(
            **{name: getattr(fact, name) for name in Detail.__struct_fields__ if hasattr(fact, name)},
            fact=fact.id,
            also=tuple(Said(says=row.says, source=row.source) for row in beside),
        )


def _ingredients(reading: Reading) -> Sequence[str]:
    """The one name that it was taken for, unless that is unsure: then what the name may stand for."""
    if reading.doubt != "which":
        return reading.names
    return tuple(dict.fromkeys(match.ingredient.replace("_", " ") for match in reading.matches))


def _is_class(reading: Reading) -> bool:
    return bool(reading.matches) and all(match.how == "class" for match in reading.matches)


def _record(people: Mapping[str, Sequence[str]], on: str, facts: Facts) -> Record:
    """The list as a record: everything on it is taken since one day; each class's members are other people's."""
    tables: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("patients", "exposures", "results", "genotypes", "events")
    }
    for patient_id, medicines in people.items():
        one = {"patient_id": patient_id}
        born = None if facts.age is None else _DAY.replace(year=_DAY.year - facts.age)
        tables["patients"].append({**one, "birth_date": born, "sex": facts.sex, "indication": facts.indication})
        for medicine in medicines:
            dose = facts.dose_mg_per_day if medicine == on else None
            tables["exposures"].append({**one, "medicine": medicine, "dose_mg_per_day": dose, "started_on": _DAY})
        for analyte, value, unit in (("weight", facts.weight, "kg"), ("egfr", facts.egfr, "mL/min/{1.73_m2}")):
            if value is not None:
                tables["results"].append(
                    {**one, "analyte": analyte, "value": value, "unit": unit, "taken_on": _DAY, "status": "final"}
                )
        for gene, phenotype in (("TPMT", facts.tpmt), ("NUDT15", facts.nudt15)):
            if phenotype:
                tables["genotypes"].append({**one, "gene": gene, "phenotype": phenotype, "method": "genotype"})
        if facts.pregnant:
            tables["events"].append({**one, "kind": "pregnancy", "code": "pregnancy", "started_on": _DAY})
    return Record.of(tables)


@lru_cache(maxsize=4)
def _engine(knowledge: Knowledge, rules: tuple[str, ...]) -> SQLiteEngine:
    return SQLiteEngine(knowledge, rules)


def to_json(found: Check) -> bytes:
    """The answer as design.md's JSON."""
    return msgspec.json.encode(found)
