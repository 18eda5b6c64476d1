"""How are actions, days, units, limits and sources written on a page that people read?

Small pure functions for the HTML report: words for the codes that findings carry, safe text for HTML and CSS.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from azaward.knowledge.loading.messages import messages
from azaward.plans import Plan
from azaward.wording import Words, amount, unit

if TYPE_CHECKING:
    from azaward.reports.series import Series

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_UNITS = {
    "x10^9/L": "×10⁹/L",
    "mL/min/1.73m2": "mL/min/1.73 m²",
    "micromol/L": "µmol/L",
    "degrees C": "°C",
    "pmol/8x10^8 RBC": "pmol/8×10⁸ RBC",
    "1": "",
}
URGENCY = {
    "emergency": "Emergency",
    "same-day": "Same day",
    "this-week": "This week",
    "routine": "Routine",
    "info": "For information",
}
# How soon, as it stands above the patient's own words.
SOON = {
    "emergency": "Now",
    "same-day": "Today",
    "this-week": "This week",
    "routine": "When you next see your team",
    "info": "Good to know",
}
HOW = {
    "full text": "read in the source's own text",
    "abstract": "read in the source's abstract",
    "secondary": "secondary: read in a text that quotes it",
    "own": "azaward's own",
}
# What HTML can't carry, whatever an id or a note holds, and marks that would turn the text after them round.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]")


def printable(value: Any) -> Any:
    """Text without the characters that HTML shouldn't carry, each replaced so that its place shows."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else _UNPRINTABLE.sub("\ufffd", value)


def phrase(word: str) -> str:
    """An action or decision as a person reads it.

    >>> phrase("do-not-start"), phrase("none")
    ('Do not start', 'No thiopurine')
    """
    return "No thiopurine" if word == "none" else word.replace("-", " ").capitalize()


def long_day(day: dt.date) -> str:
    """A day as in a letter, whatever the computer's language.

    >>> long_day(dt.date(2026, 9, 1))
    '1 September 2026'
    """
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def pretty_unit(code: str | None) -> str:
    """A UCUM code as it is printed.

    >>> pretty_unit("10*9/L"), pretty_unit("U/L"), pretty_unit(None)
    ('×10⁹/L', 'U/L', '')
    """
    read = unit(code)
    return _UNITS.get(read, read)


def link(identifier: str) -> str | None:
    """Where a reader may follow a source to; only web addresses become links.

    >>> link("doi:10.1002/acr.24893"), link("PMID:28071656"), link("javascript:alert(1)")
    ('https://doi.org/10.1002/acr.24893', 'https://pubmed.ncbi.nlm.nih.gov/28071656/', None)
    """
    scheme, _, rest = identifier.partition(":")
    if scheme.casefold() == "doi":
        return f"https://doi.org/{rest}"
    if scheme.upper() == "PMID" and rest.isdigit():
        return f"https://pubmed.ncbi.nlm.nih.gov/{rest}/"
    return identifier if identifier.startswith(("https://", "http://")) and " " not in identifier else None


def limits_in_words(series: Series) -> list[str]:
    """Each limit of a series, with what it is a multiple of."""
    return [f"{limit.label}{f' ({limit.why})' if limit.why else ''}" for limit in series.limits]


def at(series: Series, back: int) -> str:
    """The last result (`back` 1) or one before it, with its day."""
    if len(series.points) < back:
        return "none"
    point = series.points[-back]
    return f"{amount(point.value, point.comparator)} on {point.on}"


def normal_range(ends: tuple[float | None, float | None]) -> str:
    """The laboratory's range of normal.

    >>> normal_range((4.0, 11.0)), normal_range((None, 40.0)), normal_range((None, None))
    ('4 to 11', 'to 40', 'not given')
    """
    low, high = ends
    if low is not None and high is not None:
        return f"{amount(low)} to {amount(high)}"
    if low is None and high is None:
        return "not given"
    return f"from {amount(low)}" if high is None else f"to {amount(high)}"


def in_css(text: str) -> str:
    """Any text as the inside of a CSS string: whatever is not a plain letter or digit becomes its number.

    >>> in_css('c1"}</style>')
    'c1\\\\22 \\\\7d \\\\3c \\\\2f style\\\\3e '
    """
    clean = _UNPRINTABLE.sub("\ufffd", text)
    return "".join(sign if sign.isascii() and sign.isalnum() else f"\\{ord(sign):x} " for sign in clean)


def advice_for_patient(plan: Plan, words: Words) -> str:
    """What the patient is told to do: about the dose, and by when a test is needed for it."""
    said = [str(messages()["actions"].get(plan.dose.decision, ""))]
    days: dict[dt.date, list[str]] = {}
    for each in plan.dose.until:
        if each.test and plan.dose.decision not in ("withhold", "do-not-start"):
            days.setdefault(each.by, []).append(words.name(each.test)[1])
    said += [
        str(messages()["until"]["says_patient"]).format(tests=" and ".join(tests), by=long_day(by))
        for by, tests in days.items()
    ]
    return " ".join(text for text in said if text)
