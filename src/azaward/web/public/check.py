"""`/check`: which medicines on a list matter to someone on azathioprine?

The list and the facts travel in the body of a request, never in an address, which histories and logs keep. What isn't
known, or can't be understood, is said loudly: it was not checked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from azaward.errors import InputError
from azaward.knowledge import URGENCIES, Knowledge
from azaward.knowledge.loading.words.vocabulary import vocabulary
from azaward.medicines import check as medicines_check
from azaward.medicines.check import Check, CheckFinding, Facts, MedicineChecked, NotInQuestionError
from azaward.medicines.names import LONGEST
from azaward.reports.words import SOON, printable
from azaward.web.shared.answer import answer, as_json, wants_json
from azaward.web.shared.room import room_of
from azaward.web.shared.sources import Source, sources_of
from azaward.web.shared.who import Visitor, anyone
from azaward.wording import Words

router = APIRouter(tags=["medicines check"])
MOST = 200
_OLDEST = 130
_SEXES = {"female": "female", "male": "male"}
_ENZYME = ("normal", "intermediate", "poor", "indeterminate")


class Shown(NamedTuple):
    """A finding as it stands on the page."""

    finding: CheckFinding
    soon: str
    share: str
    test: str
    sources: list[Source]


class Medicine(NamedTuple):
    """A typed name, what it was taken for, and what was found; `sure` where nothing about the name is in doubt."""

    asked: str
    taken_for: list[str]
    how: list[str]
    checked: bool
    urgency: str
    findings: list[Shown]


@router.get("/check", summary="The form of the medicines check")
def form(request: Request, who: Annotated[Visitor, anyone]) -> Response:
    """An empty form."""
    return _page(request, _Typed(), None, "")


@router.post("/check", summary="Checks a list of medicines")
def check(
    request: Request,
    who: Annotated[Visitor, anyone],
    medicines: Annotated[str, Form(description=f"one a line, at most {MOST}")] = "",
    on: Annotated[str, Form(description="the medicine in question")] = "azathioprine",
    dose: Annotated[str, Form(description="its dose, mg a day")] = "",
    weight: Annotated[str, Form(description="kg")] = "",
    egfr: Annotated[str, Form(description="kidney function, mL/min/1.73 m2")] = "",
    age: Annotated[str, Form(description="years")] = "",
    sex: Annotated[str, Form(description="female or male")] = "",
    pregnant: Annotated[str, Form(description="yes, or empty")] = "",
    tpmt: Annotated[str, Form(description="phenotype")] = "",
    nudt15: Annotated[str, Form(description="phenotype")] = "",
    indication: Annotated[str, Form(description="why it is taken")] = "",
) -> Response:
    """What was found about each name with the medicine in question, and about the list as a whole."""
    typed = _Typed(medicines, on, dose, weight, egfr, age, sex, pregnant, tpmt, nudt15, indication)
    knowledge = room_of(request).knowledge
    problem, checked = "", None
    try:
        if len(on) > LONGEST:
            raise InputError(f"on: {len(on)} characters; at most {LONGEST}. Name one medicine.")
        names, facts = _names(medicines), _facts(typed, knowledge)
        checked = medicines_check.check(names, on.strip() or "azathioprine", facts, knowledge)
    except NotInQuestionError as error:
        problem = str(error).removeprefix("--")
    except InputError as error:
        problem = str(error)
    if wants_json(request):
        return as_json(checked) if checked else as_json({"error": problem}, 422)
    return _page(request, typed, checked, problem)


class _Typed(NamedTuple):
    """The form as it was filled in."""

    medicines: str = ""
    on: str = "azathioprine"
    dose: str = ""
    weight: str = ""
    egfr: str = ""
    age: str = ""
    sex: str = ""
    pregnant: str = ""
    tpmt: str = ""
    nudt15: str = ""
    indication: str = ""


def _page(request: Request, typed: _Typed, checked: Check | None, problem: str) -> Response:
    room = room_of(request)
    knowledge, words = room.knowledge, room.words
    if checked is None and not problem and wants_json(request):
        return as_json({"fields": _Typed._fields, "most": MOST, "on": [id for id, _ in _in_question(knowledge)]})
    given = [field for field in _Typed._fields[2:] if getattr(typed, field)]
    shown = [_medicine(medicine, knowledge, words) for medicine in checked.medicines] if checked else []
    shown.sort(key=lambda medicine: URGENCIES.index(medicine.urgency))
    model = {
        "typed": {name: printable(value) for name, value in typed._asdict().items()},
        "given": given,
        "problem": printable(problem),
        "found": checked,
        "on": words.name(checked.on)[0] if checked else "",
        "medicines": shown,
        "unchecked": [medicine.asked for medicine in shown if not medicine.checked],
        "whole": [_shown(finding, knowledge, words) for finding in checked.findings] if checked else [],
        "questions": _in_question(knowledge),
        "indications": [(row.id, row.name) for row in knowledge.tables["indications"]],
        "sexes": _SEXES,
        "enzyme": _ENZYME,
        "most": MOST,
    }
    return answer(request, "check.html.jinja", model, 422 if problem else 200)


def _names(text: str) -> list[str]:
    names = [line.strip() for line in text.splitlines() if line.strip()]
    if not names:
        raise InputError("medicines: none. Type one a line, such as: allopurinol 100 mg")
    if len(names) > MOST:
        raise InputError(f"medicines: {len(names)} names; at most {MOST} are checked at once. Split the list.")
    for number, name in enumerate(names, start=1):
        if len(name) > LONGEST:
            raise InputError(
                f"medicines, line {number}: {len(name)} characters; at most {LONGEST}. Type one medicine a line."
            )
    return [printable(name) for name in names]


def _facts(typed: _Typed, knowledge: Knowledge) -> Facts:
    """The form's facts; what can't be understood is said at once, for a fact that is dropped would reassure."""
    held = vocabulary(knowledge)
    phenotypes: dict[str, str | None] = {}
    for name, said in (("tpmt", typed.tpmt.strip()), ("nudt15", typed.nudt15.strip())):
        phenotypes[name] = held.phenotype(said) if said else None
        if said and phenotypes[name] is None:
            raise InputError(f"{name.upper()} {_cut(said)!r}: expected one of: {', '.join(_ENZYME)}.")
    indication, sex = typed.indication.strip(), typed.sex.strip()
    known = held.indication(indication) if indication else None
    if indication and known is None:
        raise InputError(f"reason for treatment {_cut(indication)!r}: not known here. Choose one of the list.")
    if sex and sex not in _SEXES:
        raise InputError(f"sex {_cut(sex)!r}: expected female or male, or leave it empty.")
    if (pregnant := typed.pregnant.strip()) not in ("", "yes", "no"):
        raise InputError(f"pregnant {_cut(pregnant)!r}: expected yes or no, or leave it empty.")
    given: dict[str, Any] = {"sex": sex or None, "indication": known, "pregnant": pregnant == "yes", **phenotypes}
    years = _number("age", typed.age, 0, _OLDEST, "years")
    if years is not None and years != int(years):
        raise InputError(f"age {typed.age.strip()}: expected whole years.")
    dose = _number("dose", typed.dose, 0, math.inf, "mg a day")
    if dose == 0:
        raise InputError("dose 0: expected mg a day, above nothing; leave it empty where it isn't known.")
    for analyte, text in (("weight", typed.weight), ("egfr", typed.egfr)):
        about = knowledge.analytes[analyte]
        low, high = about.plausible_low or 0.0, about.plausible_high or math.inf
        name = "kidney function (eGFR)" if analyte == "egfr" else analyte
        given[analyte] = _number(name, text, low, high, about.unit or "")
    return Facts(dose_mg_per_day=dose, age=None if years is None else int(years), **given)


def _number(name: str, text: str, low: float, high: float, unit: str) -> float | None:
    if not (typed := text.strip()):
        return None
    try:
        # Half the world writes a comma.
        value = float(typed.replace(",", ".", 1))
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and low <= value <= high):
        bounds = f"{low:g} to {high:g}" if math.isfinite(high) else f"above {low:g}"
        raise InputError(f"{name} {_cut(typed)!r}: expected a number, {bounds} {unit}.")
    return value


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"


@lru_cache(maxsize=2)
def _in_question(knowledge: Knowledge) -> Sequence[tuple[str, str]]:
    """The medicines that may be the one in question."""
    medicines: list[tuple[str, str]] = []
    about = {row.drug for row in knowledge.tables["interactions"]}
    for row in knowledge.tables["medicines"]:
        if row.id in about or medicines_check.THIOPURINE in (row.classes or ""):
            try:
                medicines.append((medicines_check.in_question(row.name, knowledge), row.name))
            except NotInQuestionError:
                continue
    first = [medicine for medicine in medicines if medicine[0] == "azathioprine"]
    return [
        *first,
        *sorted(
            (medicine for medicine in medicines if medicine not in first), key=lambda medicine: medicine[1].casefold()
        ),
    ]


def _medicine(medicine: MedicineChecked, knowledge: Knowledge, words: Words) -> Medicine:
    names = [words.name(match.ingredient)[0] for match in medicine.matches]
    taken_for = [] if [name.casefold() for name in names] == [medicine.asked.casefold()] else names
    how = dict.fromkeys(match.how for match in medicine.matches)
    urgencies = [finding.urgency for finding in medicine.findings]
    return Medicine(
        asked=medicine.asked,
        taken_for=taken_for,
        how=list(how),
        checked=bool(medicine.matches),
        urgency=min(urgencies, key=URGENCIES.index, default="info"),
        findings=[_shown(finding, knowledge, words) for finding in medicine.findings],
    )


def _shown(finding: CheckFinding, knowledge: Knowledge, words: Words) -> Shown:
    share = ""
    if finding.dose_fraction:
        low, high = finding.dose_fraction
        share = f"{high:.0%}" if low == high else f"{low:.0%} to {high:.0%}"
    test = words.name(finding.detail.test)[0] if finding.detail and finding.detail.test else ""
    return Shown(finding, SOON[finding.urgency], share, test, sources_of(finding.sources, knowledge))
